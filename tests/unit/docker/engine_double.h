/* engine_double.h - a container engine that answers from a script, on a unix socket. */
#ifndef SWAN_TESTS_ENGINE_DOUBLE_H
#define SWAN_TESTS_ENGINE_DOUBLE_H

#include <stddef.h>

struct engine_answer {
    const char *request; /* "GET /info": beginning of the request line that takes this answer */
    int status;          /* 0: `body` is sent as it is, in place of a whole HTTP answer */
    const char *body;    /* NULL = "" */
    int times;           /* how often it is given; 0 = for ever */
    size_t pad;          /* this many blanks after the body */
};

/* The first answer that matches and is not used up is given; none: 404 {"message":"no script"}.
 * `answers` ends with request NULL and must outlive the double. */
void engine_double_start(const char *socket_path, const struct engine_answer *answers);
void engine_double_stop(void);
/* All requests until now, each "METHOD PATH\nBODY\n". */
const char *engine_double_log(void);

#endif

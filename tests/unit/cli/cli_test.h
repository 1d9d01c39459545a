/* cli_test.h - runs the command line in a child process and keeps what it printed. */
#ifndef SWAN_TESTS_CLI_TEST_H
#define SWAN_TESTS_CLI_TEST_H

/* cmocka wants these before its own header */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/cli_priv.h"

struct ran {
    int code; /* exit code; -1 = ended by a signal */
    struct buf out, err;
};
void ran_done(struct ran *ran);
/* Arguments end with NULL; `input` (may be NULL) is its stdin.  English, no configuration, server
 * of the scripted world where one is up. */
struct ran run_cli(const char *input, ...) __attribute__((sentinel));
/* main() gives a process started by run_cli to it. */
int run_as_swan(int argc, char **argv);
void assert_has(const struct buf *text, const char *part);
void assert_lacks(const struct buf *text, const char *part);

/* ---- a server whose answers are written down ---- */
struct step {
    const char *method, *path;
    int status;       /* 0 = 200 */
    const char *body; /* answers */
};
struct world {
    struct http_server *server;
    const struct step *steps;
    size_t count;
    char url[64];
    size_t *used;          /* how often each step was asked */
    struct buf requests;   /* "POST /path body\n" each */
    struct buf idempotent; /* methods and paths that came with a key */
    bool token_wrong;
};
/* The same method and path may stand several times: answered in order, the last one again. */
void world_start(struct world *world, const struct step *steps, size_t count);
void world_stop(struct world *world);

int arguments_tests(void);
int screen_tests(void);
int help_tests(void);
int launch_tests(void);
int command_tests(void);
int knowledge_tests(void);
int fault_tests(void);

#endif

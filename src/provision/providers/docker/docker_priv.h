/* docker_priv.h - the parts of the docker provider: the engine behind an endpoint, images,
 * containers and probes. */
#ifndef SWAN_DOCKER_DOCKER_PRIV_H
#define SWAN_DOCKER_DOCKER_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "provision/providers/provider.h"

/* ---- the engine: docker_engine.c ---- */
struct docker_engine {
    const char *unix_socket;          /* NULL for tcp */
    const char *base;                 /* "http://HOST:PORT", or a dummy host for a unix socket */
    const char *host;                 /* where published ports answer */
    bool local;                       /* published ports are bound to loopback */
    const struct provider_call *call; /* NULL outside of a verb */
};

/* ERR_UNSUPPORTED when the text belongs to another provider, ERR_INVALID when it is malformed. */
enum err_code docker_engine_parse(const char *endpoint, struct docker_engine *out,
                                  struct arena *arena, struct err *err);
/* Parses the call's endpoint and looks whether its socket may be opened. */
enum err_code docker_engine_open(const struct provider_call *call, struct docker_engine *out,
                                 struct arena *arena, struct err *err);

struct docker_request {
    const char *method, *path; /* path with query, already quoted */
    const char *body;          /* JSON, or NULL */
    const char *body_file;     /* an archive instead, or NULL */
    int64_t timeout_ms;        /* 0 = 30 000 */
};
struct docker_reply {
    int status;
    const char *body; /* arena, NUL-ended */
    size_t body_len;
    struct json_doc *doc; /* NULL when the body is no single JSON value */
    const struct json_value *root;
};
#define DOCKER_REPLY_INIT      \
    {                          \
        0, NULL, 0, NULL, NULL \
    }
void docker_reply_done(struct docker_reply *reply);

/* Any HTTP status is ERR_OK; what fails is the transport or a cancel.  `out` is done first. */
enum err_code docker_engine_call(const struct docker_engine *engine,
                                 const struct docker_request *request, struct docker_reply *out,
                                 struct arena *arena, struct err *err);
struct docker_look {
    const char *path, *what; /* "looking for an image", for errors */
    bool may_lack;           /* 404 is an answer */
};
/* GET: any status but 200, and 404 where the thing may lack, is an error. */
enum err_code docker_engine_look(const struct docker_engine *engine, const struct docker_look *look,
                                 struct docker_reply *out, struct arena *arena, struct err *err);
/* The engine's own words in an answer that is a refusal; printable, bounded. */
const char *docker_reply_message(const struct docker_reply *reply, struct arena *arena);
/* An answer's refusal as an error: "WHAT: message". */
enum err_code docker_reply_error(const struct docker_reply *reply, const char *what,
                                 struct arena *arena, struct err *err);
/* An answer with a good status whose content makes no sense: ERR_TRANSIENT. */
enum err_code docker_reply_nonsense(const char *what, struct err *err);
/* Percent-encodes everything but letters, digits, '-', '_', '.', '~' and '/'. */
char *docker_quote(const char *text, struct arena *arena);
bool docker_cancelled(const struct docker_engine *engine);
/* Sleeps in slices; ERR_CANCELLED. */
enum err_code docker_wait(const struct docker_engine *engine, int64_t ms, struct err *err);

/* ---- images: docker_image.c ---- */
/* localhost/swan/APPLICATION:DIGITS.  ERR_INVALID without application or digest. */
enum err_code docker_image_reference(const struct plan_task_spec *spec, char **ret_reference,
                                     struct arena *arena, struct err *err);
/* *ret_id is NULL when the engine has no image of that reference. */
enum err_code docker_image_find(const struct docker_engine *engine, const char *reference,
                                char **ret_id, struct arena *arena, struct err *err);
enum err_code docker_image_check(const struct docker_engine *engine,
                                 enum provider_presence *ret_presence, struct plan_task_result *out,
                                 struct arena *arena, struct err *err);
enum err_code docker_image_deliver(const struct docker_engine *engine, struct plan_task_result *out,
                                   struct arena *arena, struct err *err);

enum docker_archive { DOCKER_ARCHIVE_ROOTFS, DOCKER_ARCHIVE_SAVED };
/* What the file is, by its content.  ERR_INVALID when it is no archive. */
enum err_code docker_archive_kind(const char *path, enum docker_archive *ret_kind, struct err *err);

/* ---- containers: docker_container.c, docker_create.c ---- */
#define DOCKER_LABEL_NAME "swan.name"
#define DOCKER_LABEL_SPEC "swan.spec"

struct docker_container {
    bool found;
    bool ours; /* carries our label with that name */
    const char *id;
    const char *digest; /* of the spec that it was made from */
    const char *state;  /* created, running, paused, restarting, removing, exited, dead */
    int64_t exit_code, pid, restarts;
    bool memory_limited, cpu_limited;
    const char *image;
    LIST(struct plan_port) ports; /* name is NULL; port inside, host_port published, protocol */
};
/* The container's name in the engine: the spec's, or a digest of it where the engine's alphabet
 * does not admit it. */
char *docker_container_name(const char *name, struct arena *arena);
enum err_code docker_container_inspect(const struct docker_engine *engine, const char *name,
                                       struct docker_container *out, struct arena *arena,
                                       struct err *err);
bool docker_container_is_up(const struct docker_container *container);
/* Removes by id, so that one of the same name made since is safe; returns when it is gone. */
enum err_code docker_container_remove(const struct docker_engine *engine, const char *id,
                                      struct arena *arena, struct err *err);
void docker_container_result(const struct docker_engine *engine,
                             const struct docker_container *container,
                             const struct plan_task_spec *spec, struct plan_task_result *out,
                             struct arena *arena);
enum err_code docker_container_apply(const struct docker_engine *engine,
                                     struct plan_task_result *out, struct arena *arena,
                                     struct err *err);
enum err_code docker_container_undo(const struct docker_engine *engine, struct arena *arena,
                                    struct err *err);
/* The JSON body of containers/create for the spec. */
char *docker_container_body(const struct docker_engine *engine, const struct plan_task_spec *spec,
                            const char *image, const char *digest, bool limits,
                            struct arena *arena);
/* The port inside of the spec's i-th port: its own, or one chosen for "told by $PORT". */
int64_t docker_inner_port(const struct plan_task_spec *spec, size_t index);

/* ---- is it well: docker_probe.c ---- */
/* Running, and where the spec has a health check it answers.  ERR_TRANSIENT: not yet. */
enum err_code docker_probe(const struct docker_engine *engine, const char *name,
                           struct plan_task_result *out, struct arena *arena, struct err *err);

/* ---- measuring: docker_observe.c ---- */
enum err_code docker_observe_site(const struct docker_engine *engine,
                                  struct provider_discovery *out, struct arena *arena,
                                  struct err *err);
enum err_code docker_observe_containers(const struct docker_engine *engine, const char *prefix,
                                        struct provider_observations *out, struct arena *arena,
                                        struct err *err);

#endif

/* host_priv.h - inside of the provider host: the machine, and the tool that works on it. */
#ifndef SWAN_HOST_HOST_PRIV_H
#define SWAN_HOST_HOST_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "provision/providers/provider.h"
#include "wire/ssh.h"

/* ---- host_endpoint.c ---- */

struct host_endpoint {
    bool remote;
    const char *user, *host, *key_file, *known_hosts, *base; /* of a remote one */
    int port;
};
enum err_code host_endpoint_parse(const char *text, struct host_endpoint *out, struct arena *arena,
                                  struct err *err);

/* ---- host_machine.c: one shape for both kinds of machine ---- */

struct host_machine {
    const struct provider_call *call;
    struct arena *arena; /* of the call */
    struct host_endpoint endpoint;
    const char *base;    /* absolute, on the machine */
    const char *tool;    /* swan-supervise there */
    const char *address; /* by which its services are reached */
    const char *bind;    /* what they bind to */
    struct ssh *ssh;     /* NULL: local */

    /* Runs a line of shell; a status other than 0 is not an error.  What it prints on stdout goes
     * to out, on stderr to words; either may be NULL. */
    enum err_code (*run)(struct host_machine *machine, const char *command, const char *input,
                         struct buf *out, struct buf *words, int *ret_status, int64_t timeout_ms,
                         struct err *err);
    /* Makes a local file readable there; gives its path there.  `name` is a plain file name. */
    enum err_code (*upload)(struct host_machine *machine, const char *local, const char *name,
                            const char **ret_path, struct err *err);
};
/* All zero or opened is fine for done. */
enum err_code host_machine_open(const struct provider_call *call, struct host_machine *out,
                                struct arena *arena, struct err *err);
void host_machine_done(struct host_machine *machine);
bool host_cancelled(const struct provider_call *call);

/* ---- host_local.c, host_ssh.c: the two kinds ---- */

enum err_code host_local_open(struct host_machine *machine, struct err *err);
enum err_code host_ssh_open(struct host_machine *machine, struct err *err);

/* ---- host_tool.c: asking swan-supervise ---- */

struct host_record { /* one block of key=value lines */
    LIST(struct json_string_pair) lines;
};
struct host_reply {
    LIST(struct host_record) records;
};
/* args end with NULL.  Its error line becomes the error; its exit status decides the code. */
enum err_code host_tool(struct host_machine *machine, const char *const *args, const char *input,
                        struct host_reply *out, int64_t timeout_ms, struct err *err);
const char *host_record_text(const struct host_record *record, const char *key); /* "" if none */
bool host_record_number(const struct host_record *record, const char *key, double *out);
/* Appends key=value, escaped. */
void host_add_line(struct buf *out, const char *key, const char *value);

/* ---- host_package.c ---- */

/* "sha256-…" of "sha256:…": the folder's name; ERR_INVALID when it is no digest. */
enum err_code host_artefact_name(const char *digest, const char **ret_name, struct arena *arena,
                                 struct err *err);
/* Reads the whole archive and refuses what would leave its folder or is no plain file, folder or
 * link inside: ERR_POLICY.  ERR_INVALID when it is no archive.  A zip is written anew as tar to a
 * temporary file, whose path is given (the caller removes it); else *ret_tar is NULL. */
enum err_code host_package_check(const struct provider_call *call, const char *path,
                                 const char *temporary_dir, const char **ret_tar,
                                 struct arena *arena, struct err *err);

/* ---- host_deliver.c, host_instance.c, host_discover.c, host_verify.c ---- */

enum err_code host_deliver_check(struct host_machine *machine, enum provider_presence *ret_presence,
                                 struct plan_task_result *out, struct err *err);
enum err_code host_deliver_apply(struct host_machine *machine, struct plan_task_result *out,
                                 struct err *err);
enum err_code host_deliver_undo(struct host_machine *machine, struct err *err);

/* Record of one instance; NULL when there is none. */
enum err_code host_instance_look(struct host_machine *machine, const char *name,
                                 const struct host_record **ret_record, struct err *err);
void host_instance_result(struct host_machine *machine, const struct host_record *record,
                          struct plan_task_result *out);
/* "running, pid 4711, 3 restarts" */
const char *host_instance_text(const struct host_record *record, struct arena *arena);
bool host_instance_is_up(const struct host_record *record);
enum err_code host_instance_check(struct host_machine *machine,
                                  enum provider_presence *ret_presence,
                                  struct plan_task_result *out, struct err *err);
enum err_code host_instance_apply(struct host_machine *machine, struct plan_task_result *out,
                                  struct err *err);
enum err_code host_instance_undo(struct host_machine *machine, struct err *err);
enum err_code host_instance_observe(struct host_machine *machine, const char *prefix,
                                    struct provider_observations *out, struct err *err);

/* Does the instance of that name work? */
enum err_code host_verify_instance(struct host_machine *machine, const char *name,
                                   struct plan_task_result *out, struct err *err);

enum err_code host_discover_machine(struct host_machine *machine, struct provider_discovery *out,
                                    struct err *err);

/* ---- host_measure.c ---- */

/* Time of a round trip and rate of a transfer over TCP on loopback, at most 150 ms in all; what
 * could not be measured stays absent. */
void host_measure_loopback(struct opt_double *ret_latency_ms, struct opt_double *ret_mbps);
/* The same over SSH: a TCP connection to its port, and bytes sent through the session. */
void host_measure_ssh(struct host_machine *machine, struct opt_double *ret_latency_ms,
                      struct opt_double *ret_mbps);

#endif

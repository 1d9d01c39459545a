/* provider.h - one shape for everything that opens things: match, discover, check, do, verify,
 * undo, observe.  Each provider passes the same conformance suite (tests/integration/conformance).
 *
 * Idempotency: spec.name is the key.  `apply` of a name that already exists with the same spec
 * adopts it; `undo` of a name that does not exist succeeds; a crash between any two instructions
 * leaves something that check recognises and apply or undo completes.  Exactly one thing of a name
 * exists at any time, also when two servers call at once.  Functions block; they are called from
 * worker threads, never under a lock or in a transaction; `cancel` is polled at least every 200 ms.
 * Every door of a provider to the outside passes a fault point "provider.<name>.<verb>". */
#ifndef SWAN_PROVIDER_PROVIDER_H
#define SWAN_PROVIDER_PROVIDER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "types/network.h"
#include "types/plan.h"

struct provider_host { /* what the house lends to providers; filled by daemon */
    const char
        *state_dir; /* where a provider may keep files of its own: STATE_DIR/<provider name>/ */
    /* Path of the artefact with that digest in the local store (arena). */
    enum err_code (*artefact_path)(void *ctx, const char *digest, char **ret_path,
                                   struct arena *arena, struct err *err);
    const char *supervisor_path; /* program swan-supervise for this machine */
    void *ctx;
};

struct provider_call {
    const char *endpoint; /* of the connection */
    const struct plan_task_spec *spec;
    int kind; /* enum plan_task_kind */
    const struct provider_host *host;
    bool (*cancel)(void *ctx);                 /* may be NULL */
    void (*progress)(void *ctx, double share); /* 0…1; may be NULL */
    void *ctx;
};

enum provider_presence {
    PROVIDER_ABSENT_THING, /* nothing of that name */
    PROVIDER_PRESENT,      /* there, as the spec says, and up */
    PROVIDER_BROKEN,       /* there, but half made, stopped, or with another spec: apply repairs or
                              replaces */
    PROVIDER_UNKNOWN       /* could not be asked */
};

struct provider_discovery {      /* the measured site, and how it was measured */
    struct site_amount capacity; /* total; absent = could not be measured */
    struct site_amount used;     /* by others than Swan, as measured now */
    LIST(int) arch;
    LIST(struct site_accelerator) accelerators;
    const char *engine;                           /* container engine and version, or NULL */
    const char *system;                           /* "Linux 6.1, systemd", "podman 4.3.1" */
    struct opt_double latency_ms, bandwidth_mbps; /* from Swan to it, measured */
    LIST(struct json_string_pair) details;
};

struct provider_observation { /* one thing of ours that exists there */
    const char *name;         /* spec.name */
    bool up;
    const char *text; /* "running, pid 4711, 3 restarts" */
    struct plan_task_result result;
    struct opt_double cpu_percent, memory_mib; /* of one core = 100; measured, absent = unknown */
};
struct provider_observations {
    LIST(struct provider_observation) items;
};

struct provider_ops {
    const char *name; /* "host" */
    const char *doc;  /* one sentence */
    bool simulated;
    const int *forms;      /* enum requirement_form, ended by FORM_ABSENT */
    const int *task_kinds; /* enum plan_task_kind, ended by TASK_ABSENT */

    /* Does this endpoint's text belong to the provider, and is it well formed? */
    enum err_code (*match)(const char *endpoint, struct err *err);
    enum err_code (*discover)(const struct provider_call *call, struct provider_discovery *out,
                              struct arena *arena, struct err *err);
    enum err_code (*check)(const struct provider_call *call, enum provider_presence *ret_presence,
                           struct plan_task_result *out, struct arena *arena, struct err *err);
    enum err_code (*apply)(const struct provider_call *call, struct plan_task_result *out,
                           struct arena *arena, struct err *err); /* "do" */
    /* Is what apply made really working?  ERR_TRANSIENT = not yet.  Of a TASK_CHECK the workflow
     * calls this alone, until it is true or late: there is nothing to make. */
    enum err_code (*verify)(const struct provider_call *call, struct plan_task_result *out,
                            struct arena *arena, struct err *err);
    enum err_code (*undo)(const struct provider_call *call, struct arena *arena, struct err *err);
    /* Everything there whose name begins with `prefix` ("swan-"). */
    enum err_code (*observe)(const struct provider_call *call, const char *prefix,
                             struct provider_observations *out, struct arena *arena,
                             struct err *err);
};

/* All providers a process knows; immutable once filled. */
struct provider_set {
    const struct provider_ops *const *items;
    size_t count;
};
const struct provider_ops *provider_find(const struct provider_set *set, const char *name);
bool provider_opens(const struct provider_ops *ops, int form);
bool provider_does(const struct provider_ops *ops, int task_kind);

/* The spec as canonical JSON digest: what a provider stores beside a thing to recognise it. */
void provider_spec_digest(const struct plan_task_spec *spec, int kind, char out[72]);

/* GET on http://address:port path until it answers as asked or timeout: shared by providers' verify
 * through this hook, so that providers need no HTTP of their own.  Filled by daemon from wire. */
typedef enum err_code (*provider_probe_fn)(const char *url, int64_t timeout_ms, int *ret_status,
                                           double *ret_latency_ms, struct err *err);

#endif

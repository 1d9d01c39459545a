/* plan.h - a plan: tasks as a DAG with price, ETA, basis and digest; and what providers are told.
 */
#ifndef SWAN_TYPES_PLAN_H
#define SWAN_TYPES_PLAN_H

#include "base/json.h"
#include "types/application.h"
#include "types/requirement.h"

enum plan_task_kind {
    TASK_ABSENT,
    TASK_DELIVER,   /* "artefact.deliver": bring an artefact to a site; safe to start at once */
    TASK_SERVER,    /* "server.open": a bare server */
    TASK_BANDWIDTH, /* "bandwidth.open" */
    TASK_ADDRESS,   /* "address.open": a public IP, bound to the server named in `target` */
    TASK_INSTANCE,  /* "instance.start": one instance of an application */
    TASK_CHECK      /* "instance.check": the instance answers its health check */
};
extern const char *const plan_task_kind_names[];

struct plan_port {
    const char *name;
    int64_t port;      /* inside; 0 = told by $PORT */
    int64_t host_port; /* outside; 0 = any free one */
    const char *protocol;
};

/* What a provider is told of one task.  `name` is the idempotency key: a provider finds, makes and
 * removes exactly the thing of that name ("swan-dep-0k3v…-web-0"). */
struct plan_task_spec {
    const char *name;
    const char *deployment, *component;
    int64_t instance;
    struct opt_double vcpus, memory_gib, disk_gib, bandwidth_mbps;
    struct requirement_accelerator *accelerator;
    const char *flavor;
    const char *target; /* name of the thing that an address or a check belongs to */
    int form;
    const char *application; /* name@version */
    const char *artefact_digest;
    int64_t artefact_bytes;
    LIST(const char *) command;
    LIST(struct json_string_pair) environment;
    LIST(struct plan_port) ports;
    struct application_spec_health *health;
};
extern const struct json_table plan_task_spec_table;

struct plan_task {
    const char *id;    /* unique in the plan: "start-web-0" */
    int kind;          /* enum plan_task_kind */
    const char *title; /* English, for logs; faces make their own from kind and spec */
    const char *site;
    const char *provider; /* adapter name */
    const char *endpoint; /* of the connection; opaque to all but the provider */
    bool simulated;
    LIST(const char *) after; /* ids */
    double estimate_s;
    struct plan_task_spec spec;
};

struct plan_basis {               /* what the plan was made from; a change makes apply refuse */
    int64_t network_version;      /* journal position of the last change of sites, links, prices */
    const char *solution;         /* id@version */
    LIST(const char *) artefacts; /* digests */
};

struct plan {
    const char *deployment;       /* id that it opens or removes */
    const char *purpose;          /* open | remove */
    LIST(struct plan_task) tasks; /* in a topological order */
    const char *currency;
    int64_t price_month; /* millionths */
    double eta_s;        /* critical path */
    struct plan_basis basis;
    bool simulated;     /* at least one task goes to the simulator */
    const char *digest; /* sha256 of the canonical JSON of all the rest */
};
extern const struct json_table plan_table;

/* Fills plan->digest (arena). */
void plan_seal(struct plan *plan, struct arena *arena);
/* ERR_PRECONDITION when the digest is not that of the content. */
enum err_code plan_check_seal(const struct plan *plan, struct err *err);

/* What a provider answers; also kept in the journal. */
struct plan_task_result {
    const char *ref;     /* the provider's own id */
    const char *address; /* host or IP */
    LIST(struct plan_port) ports;
    const char *url;
    const char *note; /* "memory limit not enforced: no cgroup v2" */
    bool simulated;
    LIST(struct json_string_pair) details;
};
extern const struct json_table plan_task_result_table;

#endif

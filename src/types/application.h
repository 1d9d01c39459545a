/* application.h - app.yaml: what an application is, needs and offers. */
#ifndef SWAN_TYPES_APPLICATION_H
#define SWAN_TYPES_APPLICATION_H

#include "base/json.h"
#include "types/requirement.h"

struct application_spec_needs { /* least for one instance */
    struct opt_double vcpus, memory_gib, disk_gib;
    LIST(int) arch;
    struct requirement_accelerator *accelerator;
};

struct application_spec_dependency {
    const char *name;    /* another application or a middleware */
    const char *version; /* range: ">=14 <17", "17", "*" */
    struct opt_bool optional;
};

struct application_spec_port {
    const char *name;     /* http */
    int64_t port;         /* the port inside the instance; 0 = told by $PORT */
    const char *protocol; /* http, tcp, udp, mqtt … */
};

struct application_spec_health {
    const char *path;      /* GET on `port` */
    const char *port;      /* name of one of the ports; absent = the first */
    int64_t expect_status; /* 0 = any 2xx */
    struct opt_double timeout_s, interval_s;
};

struct application_spec_interface { /* an open interface that it offers */
    const char *name;               /* REST, MQTT, OPC UA … */
    const char *version;            /* NULL = not stated */
};

struct application_spec_consumption { /* an open interface that it wants from another */
    const char *name;
    const char *version;      /* range; NULL = any */
    const char *from;         /* name of the application that is to offer it; NULL = any */
    struct opt_bool optional; /* works without */
};

struct application_spec {
    const char *name, *version;
    const char *title, *description;
    LIST(const char *) aliases; /* words by which people ask for it */
    int form;                   /* container | package | vm-image | function */
    const char *artefact;       /* file in the published folder */
    LIST(const char *) command; /* argv; for a package relative to its root */
    LIST(struct json_string_pair) environment;
    struct application_spec_needs needs;
    LIST(struct application_spec_dependency) dependencies;
    LIST(struct application_spec_port) ports;
    struct application_spec_health *health;
    LIST(const char *) interfaces;                  /* open interfaces offered: REST, MQTT … */
    LIST(struct application_spec_interface) offers; /* the same with their versions */
    LIST(struct application_spec_consumption) consumes;
};
extern const struct json_table application_spec_table;
extern const struct json_table application_spec_health_table;

/* What design, evaluation and the planner know of one published version. */
struct application_spec_ref {
    const char *component; /* component of the requirement that it answers; NULL = none, it is
                              there to be depended on */
    const char *id;        /* name@version */
    const char *digest;    /* of the artefact */
    int64_t size_bytes;
    const char *state; /* draft … retired */
    struct application_spec spec;
};
struct application_spec_refs {
    LIST(struct application_spec_ref) items;
};
extern const struct json_table application_spec_refs_table; /* {items: [ref…]} */
const struct application_spec_ref *application_spec_find(const struct application_spec_refs *refs,
                                                         const char *component);

#endif

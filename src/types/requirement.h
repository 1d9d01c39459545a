/* requirement.h - what a customer asks for; the C form of the Requirement contract (JSON Schema in
 * docs/contract).  A field that the customer did not state is absent, never guessed. */
#ifndef SWAN_TYPES_REQUIREMENT_H
#define SWAN_TYPES_REQUIREMENT_H

#include "base/json.h"

enum requirement_tier { /* indices into requirement_tier_names; also the tier of a site */
                        TIER_ABSENT,
                        TIER_PUBLIC_CLOUD,
                        TIER_PRIVATE_CLOUD,
                        TIER_EDGE,
                        TIER_DEVICE,
                        TIER_SUPERCOMPUTING,
                        TIER_INTELLIGENT_COMPUTING
};
extern const char *const requirement_tier_names[];

enum requirement_form {
    FORM_ABSENT,
    FORM_CONTAINER,
    FORM_PACKAGE,
    FORM_VM_IMAGE,
    FORM_FUNCTION,
    FORM_SERVER
};
extern const char *const requirement_form_names[];

enum requirement_arch { ARCH_ABSENT, ARCH_X86_64, ARCH_ARM64 };
extern const char *const requirement_arch_names[];

enum requirement_accelerator_kind {
    ACCELERATOR_ABSENT,
    ACCELERATOR_GPU,
    ACCELERATOR_NPU,
    ACCELERATOR_FPGA,
    ACCELERATOR_ASIC
};
extern const char *const requirement_accelerator_names[];

enum requirement_mode { MODE_ABSENT, MODE_ACTIVE_STANDBY, MODE_ACTIVE_ACTIVE, MODE_MULTI_SITE };
extern const char *const requirement_mode_names[];

enum requirement_period { PERIOD_ABSENT, PERIOD_HOUR, PERIOD_MONTH, PERIOD_YEAR, PERIOD_ONCE };
extern const char *const requirement_period_names[];

enum requirement_objective {
    OBJECTIVE_ABSENT,
    OBJECTIVE_COST,
    OBJECTIVE_LATENCY,
    OBJECTIVE_RELIABILITY,
    OBJECTIVE_GREEN
};
extern const char *const requirement_objective_names[];

extern const char *const requirement_scenario_names[];
extern const char *const requirement_access_names[];
extern const char *const requirement_currency_names[]; /* CNY, USD, EUR */

struct requirement_accelerator {
    int kind; /* enum requirement_accelerator_kind */
    const char *model;
    int64_t count; /* per instance */
};

struct requirement_component {
    const char *name;
    int form;
    struct opt_int instances;
    struct opt_double vcpus, memory_gib, disk_gib; /* per instance */
    int arch;
    struct requirement_accelerator *accelerator;
    int tier;
    const char *location;
};

struct requirement_flow {
    const char *from; /* "user" or a component's name */
    const char *to;
    struct opt_double max_latency_ms, bandwidth_mbps;
};

struct requirement_network {
    struct opt_double bandwidth_mbps;
    struct opt_int public_ips;
    struct opt_double max_latency_ms;
    int access; /* index into requirement_access_names */
};

struct requirement_service_level {
    struct opt_double max_response_ms, availability_percent, throughput_per_s;
    struct opt_int concurrent_users;
};

struct requirement_reliability {
    struct opt_int replicas;
    int mode;
    struct opt_bool backup;
};

struct requirement_security {
    const char *data_residency;
    struct opt_int protection_level;
    struct opt_bool encryption;
};

struct requirement_budget {
    double amount;
    int currency; /* index into requirement_currency_names */
    int period;
};

struct requirement {
    int scenario; /* index into requirement_scenario_names */
    LIST(struct requirement_component) components;
    struct requirement_network network;
    struct requirement_service_level service_level;
    struct requirement_reliability reliability;
    struct requirement_security security;
    struct requirement_budget *budget;
    struct opt_double duration_days;
    const char *user_location;
    int objective;
    LIST(struct requirement_flow) flows;
};

extern const struct json_table requirement_table;
extern const struct json_table requirement_accelerator_table;

/* The number of instances of a component by contract/network.md: the larger of `instances` and
 * `reliability.replicas`, at least 2 under a reliability mode. */
int64_t requirement_instances(const struct requirement *requirement,
                              const struct requirement_component *component);
/* Sets what a path names from text, typed by the field tables; "" or NULL leaves it out.  Paths are
 * those of the fields ("network.max_latency_ms", "flows[0].bandwidth_mbps"), components also by
 * name ("inference.location").  ERR_INVALID names the path and hints at the nearest name.  Rules
 * between fields are checked by requirement_check, after the last of several. */
enum err_code requirement_set(struct requirement *requirement, const char *path, const char *text,
                              struct arena *arena, struct err *err);
enum err_code requirement_check(const struct requirement *requirement, struct err *err);
/* What stands at such a path now, as text; NULL = nothing. */
const char *requirement_text(const struct requirement *requirement, const char *path,
                             struct arena *arena);
/* A copy that shares nothing. */
enum err_code requirement_copy(const struct requirement *from, struct requirement **out,
                               struct arena *arena, struct err *err);
/* NULL if no component has that name. */
const struct requirement_component *requirement_find(const struct requirement *requirement,
                                                     const char *name);

#endif

/* simulator_priv.h - the parts of the simulator: the world that an endpoint describes, and the
 * things that lie in its folder. */
#ifndef SWAN_SIMULATOR_SIMULATOR_PRIV_H
#define SWAN_SIMULATOR_SIMULATOR_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "provision/providers/provider.h"
#include "types/network.h"
#include "types/plan.h"

/* ---- the world: simulator_world.c ---- */
struct simulator_world {
    const char *name;
    uint64_t seed;
    double latency_ms, failure, refusal;
    struct opt_double transfer_mbps;
    struct site_amount capacity;
    struct opt_double bandwidth_mbps;
    struct opt_int public_ips;
    LIST(int) arch;
    LIST(struct site_accelerator) accelerators;
};

/* ERR_UNSUPPORTED when the text is not the simulator's at all, ERR_INVALID when it is malformed. */
enum err_code simulator_world_parse(const char *endpoint, struct simulator_world *out,
                                    struct arena *arena, struct err *err);

/* 64 bits that depend on nothing but these. */
uint64_t simulator_draw(const struct simulator_world *world, const char *name, const char *what,
                        int64_t attempt);
/* The same as a number in [0,1). */
double simulator_unit(const struct simulator_world *world, const char *name, const char *what,
                      int64_t attempt);
/* How long the verb takes for that name: mean latency_ms, between half and ten times of it, plus
 * the transfer of an artefact. */
int64_t simulator_duration_ms(const struct simulator_world *world,
                              const struct plan_task_spec *spec, int kind, const char *verb);

/* ---- the things: simulator_store.c ---- */
enum simulator_state { SIMULATOR_ABSENT, SIMULATOR_MAKING, SIMULATOR_UP, SIMULATOR_REMOVING };

struct simulator_thing {
    const char *name;
    int kind;           /* enum plan_task_kind */
    const char *digest; /* of the spec, by provider_spec_digest */
    int state;          /* enum simulator_state */
    int64_t made_at;    /* ms */
    struct plan_task_spec spec;
    struct plan_task_result result;
};
struct simulator_things {
    LIST(struct simulator_thing) items;
};

struct simulator_store {
    const char *folder;
    int lock; /* descriptor that holds the lock, or -1 */
};

/* Opens the folder of the call's endpoint (made if absent), not locked. */
enum err_code simulator_store_open(const struct provider_call *call, struct simulator_store *out,
                                   struct arena *arena, struct err *err);
/* Takes the folder's lock among threads and processes; polls call->cancel while it waits. */
enum err_code simulator_store_lock(struct simulator_store *store, const struct provider_call *call,
                                   struct err *err);
void simulator_store_unlock(struct simulator_store *store); /* also for CLEANUP */

/* ERR_NOT_FOUND if there is none, ERR_CORRUPT if the file is not one that we wrote. */
enum err_code simulator_store_read(const struct simulator_store *store, const char *name,
                                   struct simulator_thing *out, struct arena *arena,
                                   struct err *err);
enum err_code simulator_store_write(const struct simulator_store *store,
                                    const struct simulator_thing *thing, struct err *err);
/* Absent is fine.  Forgets the name's attempts too. */
enum err_code simulator_store_remove(const struct simulator_store *store, const char *name,
                                     struct arena *arena, struct err *err);
/* All whose name begins with prefix, by name; a file that cannot be read has state
 * SIMULATOR_ABSENT and its name alone. */
enum err_code simulator_store_list(const struct simulator_store *store, const char *prefix,
                                   struct simulator_things *out, struct arena *arena,
                                   struct err *err);
/* 1, 2, 3 …: how often the verb was tried on the name until now, this time included.  Locked. */
enum err_code simulator_store_attempt(const struct simulator_store *store, const char *name,
                                      const char *verb, int64_t *ret_attempt, struct arena *arena,
                                      struct err *err);

/* ---- capacity: simulator_capacity.c ---- */
/* Does the thing fit beside the others?  ERR_CAPACITY names what is short. */
enum err_code simulator_capacity_check(const struct simulator_world *world,
                                       const struct simulator_things *things,
                                       const struct simulator_thing *thing, struct err *err);
/* Gives the thing its simulated address and ports, all from ranges for documentation (RFC 5737,
 * RFC 3849): nothing in the world answers there. */
enum err_code simulator_capacity_address(const struct simulator_world *world, const char *endpoint,
                                         const struct simulator_things *things,
                                         struct simulator_thing *thing, struct arena *arena,
                                         struct err *err);

#endif

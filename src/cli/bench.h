/* bench.h - seeded networks and requirements of the size that `swan bench design` measures. */
#ifndef SWAN_CLI_BENCH_H
#define SWAN_CLI_BENCH_H

#include <stdint.h>

#include "base/arena.h"
#include "types/network.h"
#include "types/requirement.h"

#define CLI_BENCH_SITES_MIN 20
#define CLI_BENCH_SITES_MAX 200000
#define CLI_BENCH_COMPONENTS_MAX 12

/* Forty-five cities, a ring of trunks between hubs, the other cities on one or two hubs; in large
 * networks districts with access points of their own; sites of six tiers on them, one in
 * twenty-five of the large ones with a second line to a hub.  Same sites and seed, same network. */
void cli_bench_network(size_t sites, uint64_t seed, struct network *out, struct arena *arena);

/* A requirement around a placement that exists: flows from the user down a tree of components, with
 * bounds up to 12 % above what that placement has, so that many of them bind.  ERR_INFEASIBLE when
 * no placement was found in a hundred tries. */
enum err_code cli_bench_requirement(const struct network *network, size_t components, uint64_t seed,
                                    struct requirement *out, struct arena *arena, struct err *err);

#endif

/* simulator.h - the provider behind which nothing real happens: for drills, what-if and tests.
 *
 * Endpoint: "simulator:NAME" or "simulator:NAME?key=value&key=value…".  NAME is 1 to 64 bytes by
 * str_check_name; one text is one simulated site.  Keys, each at most once:
 *   seed            whole number ≥ 0; decides every draw (0)
 *   latency_ms      mean time that apply takes; undo takes half (0), at most 600 000
 *   transfer_mbps   rate at which an artefact arrives; absent = at once
 *   failure         share of attempts of apply, verify and undo that fail for the moment, 0…1 (0)
 *   refusal         share of names for which apply always fails, 0…1 (0)
 *   vcpus, memory_gib, disk_gib, bandwidth_mbps, public_ips
 *                   what the site has; absent = without limit, and not reported by discover
 *   arch            x86_64 | arm64, or both joined by a comma (x86_64)
 *   accelerators    KIND:MODEL:COUNT joined by commas: gpu:T4:8
 * Anything else is ERR_INVALID with the key in err->field.
 *
 * What is "opened" is one JSON file NAME.json in simulator_folder(…): it survives restarts, and of
 * a name there is at most one, whoever calls at once.  Every result says simulated and has no url.
 */
#ifndef SWAN_SIMULATOR_SIMULATOR_H
#define SWAN_SIMULATOR_SIMULATOR_H

#include "base/arena.h"
#include "provision/providers/provider.h"

extern const struct provider_ops simulator_provider;

/* Where the things of one endpoint lie: STATE_DIR/simulator/<16 hex digits of its digest>. */
char *simulator_folder(const char *state_dir, const char *endpoint, struct arena *arena);

#endif

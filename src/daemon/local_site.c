/* local_site.c - registers the machine that the server runs on as a site, with what was measured.
 *
 * Contract: the site appears whole, in one transaction; its state "up" is written last, when it can
 * be opened.  Measured again at each start; what an operator changed in the site's record stays,
 * but capacity, arch and accelerators, which are facts.  Prices are those of container vCPU and
 * memory in the default price book, said to be estimates. */
#include "daemon/daemon_priv.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "provision/providers/docker/docker.h"
#include "provision/providers/host/host.h"

#define PRICE_VCPU_HOUR 0.1764        /* price book CTN-VCPU */
#define PRICE_MEMORY_GIB_HOUR 0.0221  /* price book CTN-GIB */
#define PRICE_DISK_GIB_MONTH 0.35     /* price book DISK-HDD */
#define PRICES_AS_OF_MS 1793491200000 /* 2026-11-01 */

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

static struct opt_double known(double value)
{
    return (struct opt_double){true, value};
}

static double at_least(double value, double least)
{
    return value < least ? least : value;
}

static void fill_site(struct site *site, struct arena *arena)
{
    char name[256] = "this machine";
    gethostname(name, sizeof name - 1);
    site->id = DAEMON_LOCAL_SITE;
    site->name = arena_strdup(arena, name);
    site->tier = TIER_PRIVATE_CLOUD;
    *LIST_ADD(arena, &site->regions) = DAEMON_LOCAL_PLACE;
    *LIST_ADD(arena, &site->regions) = "local";
    site->provider = "host";
    site->owner = "own";
    site->price.vcpu_hour = known(PRICE_VCPU_HOUR);
    site->price.memory_gib_hour = known(PRICE_MEMORY_GIB_HOUR);
    site->price.disk_gib_month = known(PRICE_DISK_GIB_MONTH);
}

/* Memory and disk that others use now are not Swan's to give; cores are shared and are. */
static void fill_measured(struct site *site, const struct provider_discovery *found)
{
    site->capacity = found->capacity;
    site->allocated = (struct site_amount){0};
    if (found->used.memory_gib.set && found->capacity.memory_gib.set) {
        double used = found->used.memory_gib.value, all = found->capacity.memory_gib.value;
        site->allocated.memory_gib = known(used > all ? all : at_least(used, 0));
    }
    if (found->used.disk_gib.set && found->capacity.disk_gib.set) {
        double used = found->used.disk_gib.value, all = found->capacity.disk_gib.value;
        site->allocated.disk_gib = known(used > all ? all : at_least(used, 0));
    }
    site->arch.items = found->arch.items;
    site->arch.count = found->arch.count;
    site->accelerators.items = found->accelerators.items;
    site->accelerators.count = found->accelerators.count;
}

static enum err_code put_connection(struct daemon *daemon, const struct provider_ops *provider,
                                    const char *endpoint, struct arena *arena, struct err *err)
{
    struct site_connection connection = {
        .site = DAEMON_LOCAL_SITE, .provider = provider->name, .endpoint = endpoint};
    for (const int *form = provider->forms; *form != FORM_ABSENT; form++)
        *LIST_ADD(arena, &connection.forms) = *form;
    return compute_connection_put(daemon->compute, &connection, &system_actor, err);
}

/* The first container engine that answers; NULL when there is none. */
static const char *find_engine(struct daemon *daemon, struct provider_discovery *found,
                               struct arena *arena)
{
    const char *candidates[] = {daemon->options.engine, "unix:///run/docker.sock",
                                "unix:///var/run/docker.sock", "unix:///run/podman/podman.sock"};
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        const char *endpoint = candidates[i];
        if (!endpoint ||
            (str_has_prefix(endpoint, "unix://") && !file_exists(endpoint + sizeof "unix://" - 1)))
            continue;
        struct provider_call call = {.endpoint = endpoint, .host = &daemon->host};
        struct err err = ERR_INIT;
        if (docker_provider.discover(&call, found, arena, &err) == ERR_OK)
            return endpoint;
        log_error("daemon", endpoint, &err);
    }
    return NULL;
}

/* The site with its way to here and, when it is new, where its prices come from: one transaction,
 * so that nobody meets a half of it, and a crash leaves none. */
static enum err_code put_network(struct daemon *daemon, const struct site *site, bool new,
                                 const struct provider_discovery *found, struct arena *arena,
                                 struct err *err)
{
    static const struct {
        const char *item, *source;
    } notes[] = {{"vcpu_hour", "price book CTN-VCPU, as if rented; tag D"},
                 {"memory_gib_hour", "price book CTN-GIB, as if rented; tag D"},
                 {"disk_gib_month", "price book DISK-HDD, as if rented; tag D"}};
    struct price_notes all = {0};
    struct network network = {0};
    struct compute_import_counts counts;
    *LIST_ADD(arena, &network.sites) = *site;
    *LIST_ADD(arena, &network.access) = (struct network_access){.id = DAEMON_LOCAL_PLACE};
    if (found->latency_ms.set)
        *LIST_ADD(arena, &network.links) =
            (struct network_link){.a = DAEMON_LOCAL_PLACE,
                                  .b = DAEMON_LOCAL_SITE,
                                  .type = json_enum_find(network_link_type_names, "loopback"),
                                  .latency_ms = found->latency_ms,
                                  .bandwidth_mbps = found->bandwidth_mbps};
    for (size_t i = 0; new &&i < ARRAY_LEN(notes); i++)
        *LIST_ADD(arena, &all.items) = (struct price_note){.site = DAEMON_LOCAL_SITE,
                                                           .item = notes[i].item,
                                                           .basis = BASIS_ESTIMATED,
                                                           .source = notes[i].source,
                                                           .as_of_ms = PRICES_AS_OF_MS};
    return compute_import(daemon->compute, &network, &all, false, &system_actor, &counts, err);
}

enum err_code daemon_join_local_site(struct daemon *daemon, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct provider_discovery found = {0}, engine_found = {0};
    struct provider_call call = {.endpoint = "local", .host = &daemon->host};
    enum err_code rc = host_provider.discover(&call, &found, &arena, err);
    if (rc)
        return rc;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(daemon->compute);
    const struct site *old = network_find_site(&snapshot->network, DAEMON_LOCAL_SITE);
    struct site site = {0};
    if (old)
        site = *old;
    else
        fill_site(&site, &arena);
    fill_measured(&site, &found);
    rc = put_network(daemon, &site, !old, &found, &arena, err);
    compute_snapshot_unref(snapshot);
    if (rc || (rc = put_connection(daemon, &host_provider, "local", &arena, err)))
        return rc;
    const char *engine = find_engine(daemon, &engine_found, &arena);
    if (engine && (rc = put_connection(daemon, &docker_provider, engine, &arena, err)))
        return rc;
    struct compute_site_status status = {.state = COMPUTE_UP,
                                         .seen_at = clock_now_ms(),
                                         .checked_at = clock_now_ms(),
                                         .system = found.system,
                                         .engine = engine ? engine_found.engine : NULL,
                                         .measured = found.capacity,
                                         .used = found.used};
    if ((rc = compute_site_observed(daemon->compute, DAEMON_LOCAL_SITE, &status, err)))
        return rc;
    log_event(LOG_INFO, "daemon", "this machine is a site", "site", DAEMON_LOCAL_SITE, "system",
              found.system, "engine", engine ? engine_found.engine : "none", NULL);
    return ERR_OK;
}

/* observer.c - looks at what was opened: asks each provider what it has of ours, and tells
 * deployments, twin and sites.
 *
 * Contract: what a provider does not list is down; what cannot be asked is unknown, never down.
 * Several servers may observe at once: they write the same truth. */
#include "daemon/daemon_priv.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"

/* What was seen is believed so long; after that the twin says unknown.  A site that has not changed
 * is told again as often as its record is written. */
#define BELIEVED_MS 900000
#define TELL_AGAIN_MS 300000

struct place { /* one endpoint and what it answered in this round */
    enum err_code rc;
    struct err err;
    struct provider_observations seen;
    struct map *by_name;
    const char *site;
};

bool daemon_sleep(struct daemon *daemon, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&daemon->stop_lock);
    while (!daemon->stop &&
           pthread_cond_timedwait(&daemon->stop_now, &daemon->stop_lock, &until) == 0)
        ;
    pthread_mutex_unlock(&daemon->stop_lock);
    return !daemon->stop;
}

static bool should_stop(void *ctx)
{
    return ((struct daemon *)ctx)->stop;
}

static int64_t expiry(const struct daemon *daemon, int64_t at)
{
    int64_t rounds = 5 * daemon->options.observe_ms;
    return at + (rounds > BELIEVED_MS ? rounds : BELIEVED_MS);
}

/* Asks an endpoint once a round. */
static struct place *look(struct daemon *daemon, struct map *places, const char *provider_name,
                          const char *endpoint, const char *site, struct arena *arena)
{
    const char *key = arena_printf(arena, "%s %s", provider_name, endpoint);
    struct place *place = map_find(places, key);
    if (place)
        return place;
    place = arena_zalloc(arena, sizeof *place);
    place->by_name = map_new();
    place->site = site;
    map_put(places, key, place);
    const struct provider_ops *provider = provider_find(&daemon_providers, provider_name);
    struct provider_call call = {
        .endpoint = endpoint, .host = &daemon->host, .cancel = should_stop, .ctx = daemon};
    place->rc = provider ? provider->observe(&call, "swan-", &place->seen, arena, &place->err)
                         : err_set(&place->err, ERR_UNSUPPORTED, "no provider is named '%s'",
                                   provider_name);
    for (size_t i = 0; i < place->seen.items.count; i++)
        map_put(place->by_name, place->seen.items.items[i].name, &place->seen.items.items[i]);
    return place;
}

struct report {
    const char *deployment;
    struct business_observation *business;
    struct twin_observation *twin;
    size_t count;
};

static enum err_code report_body(struct store_tx *tx, void *ctx, struct err *err)
{
    static const struct store_actor system_actor = {.user = "system", .tenant = ""};
    struct report *report = ctx;
    enum err_code rc =
        business_observed(tx, report->deployment, report->business, report->count, err);
    if (!rc)
        rc = twin_observed(tx, report->twin, report->count, &system_actor, err);
    return rc ? rc : daemon_show_deployment(tx, report->deployment, err);
}

/* Has anything changed that is worth a transaction?  States against the record; times once a
 * minute. */
static bool is_news(const struct deployment_status *status, const struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        for (size_t k = 0; k < status->instances.count; k++) {
            const struct deployment_instance *instance = &status->instances.items[k];
            if (str_eq(instance->name, report->business[i].name) &&
                (instance->state != report->business[i].state ||
                 report->business[i].at - instance->seen_at >= 60000))
                return true;
        }
    return false;
}

static void observe_deployment(struct daemon *daemon, const struct store_record *record,
                               struct map *places, struct arena *arena)
{
    struct deployment_status status;
    struct err err = ERR_INIT;
    if (json_decode_stored(record->status, &deployment_status_table, &status, arena, &err)) {
        log_error("daemon", record->id, &err);
        return;
    }
    if (status.state == DEPLOYMENT_REMOVED || status.state == DEPLOYMENT_FAILED)
        return;
    struct report report = {.deployment = record->id};
    report.business = arena_array(arena, status.instances.count, sizeof *report.business);
    report.twin = arena_array(arena, status.instances.count, sizeof *report.twin);
    for (size_t i = 0; i < status.instances.count; i++) {
        const struct deployment_instance *instance = &status.instances.items[i];
        if (instance->state == DEPLOYMENT_REMOVED)
            continue;
        struct place *place =
            look(daemon, places, instance->provider, instance->endpoint, instance->site, arena);
        const struct provider_observation *seen = map_find(place->by_name, instance->name);
        bool asked = place->rc == ERR_OK, up = asked && seen && seen->up;
        const char *text = !asked ? place->err.text : seen ? seen->text : "not there any more";
        int64_t now = clock_now_ms();
        report.business[report.count] =
            (struct business_observation){.name = instance->name,
                                          .state = !asked ? DEPLOYMENT_UNKNOWN
                                                   : up   ? DEPLOYMENT_UP
                                                          : DEPLOYMENT_DOWN,
                                          .text = text,
                                          .at = now};
        report.twin[report.count] = (struct twin_observation){.name = instance->name,
                                                              .state = !asked ? TWIN_UNREACHABLE
                                                                       : up   ? TWIN_UP
                                                                              : TWIN_DEAD,
                                                              .text = text,
                                                              .at = now,
                                                              .expires_at = expiry(daemon, now)};
        if (seen) {
            report.twin[report.count].cpu_percent = seen->cpu_percent;
            report.twin[report.count].memory_mib = seen->memory_mib;
        }
        report.count++;
    }
    if (daemon->stop)
        return; /* what was cut short says nothing about what runs */
    if (report.count && is_news(&status, &report) &&
        store_write(daemon->store, report_body, &report, &err))
        log_error("daemon", "an observation could not be stored", &err);
}

struct site_state {
    const char *site;
    struct twin_observation seen;
};

static enum err_code site_state_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct site_state *state = ctx;
    return twin_site_state(tx, state->site, &state->seen, err);
}

/* Sites with a connection are asked too, so that a dead site is seen before something is opened
 * there. */
static void observe_sites(struct daemon *daemon, struct map *places, struct arena *arena)
{
    const struct compute_snapshot *snapshot = compute_snapshot_ref(daemon->compute);
    for (size_t i = 0; i < snapshot->connections.items.count && !daemon->stop; i++) {
        const struct site_connection *connection = &snapshot->connections.items.items[i];
        if (site_connection_find(&snapshot->connections, connection->site, FORM_ABSENT) !=
            connection)
            continue; /* the first connection speaks for the site */
        struct place *place = look(daemon, places, connection->provider, connection->endpoint,
                                   connection->site, arena);
        if (daemon->stop)
            break;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_record record;
        struct compute_site_status status = {0};
        struct err err = ERR_INIT;
        if (store_begin(daemon->store, STORE_READ, &tx, &err) ||
            store_get(tx, "sites", connection->site, &record, arena, &err) ||
            (record.status &&
             json_decode_stored(record.status, &compute_site_status_table, &status, arena, &err)))
            continue;
        store_rollback_at(&tx);
        int before = status.state;
        int64_t told = status.checked_at; /* as the record says */
        status.checked_at = clock_now_ms();
        status.state = place->rc ? COMPUTE_UNREACHABLE : COMPUTE_UP;
        status.error = place->rc ? place->err.text : NULL;
        if (!place->rc)
            status.seen_at = status.checked_at;
        bool news = before != status.state || status.checked_at - told >= TELL_AGAIN_MS;
        struct site_state twin = {.site = connection->site,
                                  .seen = {.state = place->rc ? TWIN_UNREACHABLE : TWIN_UP,
                                           .text = place->rc ? place->err.text : "answers",
                                           .at = status.checked_at,
                                           .expires_at = expiry(daemon, status.checked_at)}};
        if (compute_site_observed(daemon->compute, connection->site, &status, &err) ||
            (news && store_write(daemon->store, site_state_body, &twin, &err)))
            log_error("daemon", "a site's state could not be stored", &err);
    }
    compute_snapshot_unref(snapshot);
}

static void observe_all(struct daemon *daemon)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(map_free_at) struct map *places = map_new();
    struct store_list_query query = {.collection = "deployments", .limit = 200};
    struct err err = ERR_INIT;
    do {
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_page page;
        if (store_begin(daemon->store, STORE_READ, &tx, &err) ||
            store_list(tx, &query, &page, &arena, &err)) {
            log_error("daemon", "deployments cannot be read", &err);
            break;
        }
        store_rollback_at(&tx);
        for (size_t i = 0; i < page.count && !daemon->stop; i++)
            observe_deployment(daemon, &page.records[i], places, &arena);
        query.cursor = page.next;
    } while (query.cursor && !daemon->stop);
    observe_sites(daemon, places, &arena);
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(places, &at, &key, &value))
        map_free(((struct place *)value)->by_name);
}

void *daemon_observe(void *self)
{
    struct daemon *daemon = self;
    struct err err = ERR_INIT;
    if (!daemon->options.no_local_site && daemon_join_local_site(daemon, &err))
        log_error("daemon", "this machine could not be registered", &err);
    do {
        daemon_sweep(daemon);
        observe_all(daemon);
    } while (daemon_sleep(daemon, daemon->options.observe_ms));
    return NULL;
}

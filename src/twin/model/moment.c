/* moment.c - the graph in memory: read at the start, following the journal, and as it was.
 *
 * Contract: one thread at a time takes in events (refresh_lock); each event becomes a snapshot of
 * its own, so that what is kept in memory is exact since `exact_since`; a long run of events
 * becomes one snapshot, and what lies before its end is made from the store when it is asked for.
 * The time of an event is that of the journal, never less than that of the event before: with packs
 * and without, on any server, a moment is the same.  Readers take a reference and wait for nobody.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "twin/model/twin_priv.h"

#define BATCH 200       /* events of one read */
#define ONE_BY_ONE 64   /* more events than this at once become one snapshot */
#define KEPT 128        /* snapshots in memory */
#define PASTS 2         /* moments made from the store that are kept */
#define PACK_AFTER 5000 /* things in the journal after the last pack … */
#define PACK_SHARE 64   /* … or this part of the graph, whichever is more */

struct past { /* true of all moments from its publishing to `until` */
    struct graph_snapshot *graph;
    int64_t until;
    uint64_t used;
};

struct twin {
    struct store *store;
    struct graph *graph;
    uint64_t seed;
    pthread_mutex_t refresh_lock; /* who takes in events; over reading the store */
    _Atomic int64_t exact_since, since_pack;
    pthread_mutex_t past_lock; /* who makes old moments, one at a time: each may be large */
    struct past pasts[PASTS];
    uint64_t uses;
};

/* ---- events ---- */

struct events {
    struct store_event *items;
    size_t count;
};

static enum err_code read_events(struct store_tx *tx, int64_t after, struct events *out,
                                 struct arena *arena, struct err *err)
{
    return store_events(tx, after, TWIN_GRAPH_COLLECTION, TWIN_GRAPH_OBJECT, NULL, BATCH,
                        &out->items, &out->count, arena, err);
}

static enum err_code apply(struct graph_change *change, const struct store_event *event,
                           int64_t *ret_things, struct arena *arena, struct err *err)
{
    struct twin_change told;
    enum err_code rc =
        json_decode_stored(event->body ? event->body : "{}", &twin_change_table, &told, arena, err);
    if (!rc)
        rc = twin_apply(change, &told, err);
    if (rc) {
        err_context(err, "event %lld of the twin", (long long)event->position);
        return rc;
    }
    graph_mark(change, event->position);
    *ret_things += (int64_t)(told.entities.count + told.edges.count + told.ended.count);
    return ERR_OK;
}

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Publishes the change; nobody else publishes, so it cannot be too late. */
static enum err_code publish(struct twin *twin, struct graph_change *change, int64_t at,
                             struct err *err)
{
    enum err_code rc = graph_publish(twin->graph, change, at, err);
    if (rc)
        graph_drop(change);
    return rc;
}

/* Each event a snapshot, or all of them one. */
static enum err_code take_in(struct twin *twin, const struct events *events, bool together,
                             struct arena *arena, struct err *err)
{
    struct graph_change *change = NULL;
    enum err_code rc = ERR_OK;
    int64_t things = 0, at = 0;
    for (size_t i = 0; i < events->count; i++) {
        if (!change) {
            struct graph_snapshot *now = graph_current(twin->graph);
            change = graph_begin(now);
            at = graph_published_ms(now);
            graph_unref(now);
        }
        if ((rc = apply(change, &events->items[i], &things, arena, err))) {
            graph_drop(change);
            return rc;
        }
        at = later_of(at, events->items[i].at_ms);
        if (together && i + 1 < events->count)
            continue;
        if (together)
            atomic_store(&twin->exact_since, at);
        if ((rc = publish(twin, TAKE(change), at, err)))
            return rc;
    }
    atomic_fetch_add(&twin->since_pack, things);
    return ERR_OK;
}

static enum err_code refresh(struct twin *twin, struct err *err)
{
    bool together = false;
    for (;;) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct events events = {NULL, 0};
        struct graph_snapshot *now = graph_current(twin->graph);
        int64_t position = graph_marked(now);
        graph_unref(now);
        arena_init(&arena, (size_t)1 << 30);
        enum err_code rc = store_begin(twin->store, STORE_READ, &tx, err);
        if (rc || (rc = read_events(tx, position, &events, &arena, err)))
            return rc;
        store_rollback_at(&tx);
        together = together || events.count > ONE_BY_ONE;
        if ((rc = take_in(twin, &events, together, &arena, err)))
            return rc;
        if (events.count < BATCH)
            return ERR_OK;
    }
}

enum err_code twin_refresh(struct twin *twin, struct err *err)
{
    pthread_mutex_lock(&twin->refresh_lock);
    enum err_code rc = refresh(twin, err);
    pthread_mutex_unlock(&twin->refresh_lock);
    return rc;
}

enum err_code twin_try_refresh(struct twin *twin, struct err *err)
{
    if (pthread_mutex_trylock(&twin->refresh_lock))
        return ERR_OK;
    enum err_code rc = refresh(twin, err);
    pthread_mutex_unlock(&twin->refresh_lock);
    return rc;
}

/* ---- the start ---- */

static enum err_code load(struct twin *twin, bool *ret_empty, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct twin_pack_info info;
    struct graph_snapshot *snapshot;
    struct events first = {NULL, 0};
    enum err_code rc = store_begin(twin->store, STORE_READ, &tx, err);
    *ret_empty = false;
    if (rc || (rc = twin_pack_find(tx, INT64_MAX, &info, err)))
        return rc;
    if (info.id[0]) {
        if (!twin_pack_read(tx, &info, twin->seed, &snapshot, NULL)) {
            graph_start(twin->graph, snapshot, info.at);
            atomic_store(&twin->exact_since, info.at);
        } /* a pack that cannot be read: the whole journal says the same */
        return ERR_OK;
    }
    if ((rc = read_events(tx, 0, &first, &arena, err)))
        return rc;
    *ret_empty = !first.count;
    return ERR_OK;
}

static enum err_code seed_body(struct store_tx *tx, void *ctx, struct err *err)
{
    (void)ctx;
    return twin_seed(tx, err);
}

enum err_code twin_open(struct store *store, struct twin **out, struct err *err)
{
    struct twin *twin = mem_zalloc(sizeof *twin);
    bool empty;
    id_random(&twin->seed, sizeof twin->seed);
    twin->store = store;
    twin->graph = graph_new(KEPT, twin->seed);
    atomic_init(&twin->exact_since, INT64_MIN);
    pthread_mutex_init(&twin->refresh_lock, NULL);
    pthread_mutex_init(&twin->past_lock, NULL);
    enum err_code rc = load(twin, &empty, err);
    if (!rc && empty)
        rc = store_write(store, seed_body, NULL, err);
    if (!rc)
        rc = twin_refresh(twin, err);
    if (rc) {
        twin_close(twin);
        return rc;
    }
    *out = twin;
    return ERR_OK;
}

void twin_close(struct twin *twin)
{
    if (!twin)
        return;
    for (size_t i = 0; i < PASTS; i++)
        graph_unref(twin->pasts[i].graph);
    graph_free(twin->graph);
    pthread_mutex_destroy(&twin->refresh_lock);
    pthread_mutex_destroy(&twin->past_lock);
    mem_free(twin);
}

enum err_code twin_pack(struct twin *twin, bool now, struct err *err)
{
    struct graph_snapshot *snapshot = graph_current(twin->graph);
    int64_t things = (int64_t)graph_entity_count(snapshot) + graph_edge_count(snapshot);
    int64_t since = atomic_load(&twin->since_pack);
    enum err_code rc = ERR_OK;
    if (things && (now || since >= later_of(PACK_AFTER, things / PACK_SHARE))) {
        rc = twin_pack_write(twin->store, snapshot, err);
        if (!rc)
            atomic_fetch_sub(&twin->since_pack, since);
    }
    graph_unref(snapshot);
    return rc;
}

/* ---- as it was ---- */

struct travel {
    struct graph_change *change;
    int64_t at;    /* time of the last event taken in */
    int64_t until; /* time of the first one left out */
};

static enum err_code replay_batch(struct store_tx *tx, int64_t to, int64_t *position,
                                  struct travel *travel, bool *ret_more, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct events events = {NULL, 0};
    int64_t things = 0;
    arena_init(&arena, (size_t)1 << 30);
    enum err_code rc = read_events(tx, *position, &events, &arena, err);
    for (size_t i = 0; !rc && i < events.count; i++) {
        int64_t at = later_of(travel->at, events.items[i].at_ms);
        if (at > to) {
            travel->until = at;
            events.count = 0;
            break;
        }
        rc = apply(travel->change, &events.items[i], &things, &arena, err);
        travel->at = at;
        *position = events.items[i].position;
    }
    *ret_more = events.count == BATCH;
    return rc;
}

/* The graph at `to` from the newest pack before it and what the journal says then. */
static enum err_code travel_to(struct twin *twin, int64_t to, struct past *out, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct twin_pack_info info;
    struct graph_snapshot *base = NULL;
    enum err_code rc = store_begin(twin->store, STORE_READ, &tx, err);
    if (rc || (rc = twin_pack_find(tx, to, &info, err)))
        return rc;
    if (!info.id[0] || twin_pack_read(tx, &info, twin->seed, &base, NULL)) {
        struct graph *none = graph_new(1, twin->seed);
        base = graph_current(none);
        graph_free(none);
    }
    struct travel travel = {graph_begin(base), graph_published_ms(base), INT64_MAX};
    int64_t position = graph_marked(base);
    bool more = true;
    graph_unref(base);
    while (!rc && more)
        rc = replay_batch(tx, to, &position, &travel, &more, err);
    if (rc) {
        graph_drop(travel.change);
        return rc;
    }
    out->graph = graph_fork(travel.change, travel.at);
    out->until = travel.until;
    return ERR_OK;
}

/* The past is under its lock. */
static enum err_code past_at(struct twin *twin, int64_t at, struct graph_snapshot **out,
                             struct err *err)
{
    struct past *oldest = &twin->pasts[0];
    for (size_t i = 0; i < PASTS; i++) {
        struct past *past = &twin->pasts[i];
        if (past->graph && graph_published_ms(past->graph) <= at && at < past->until) {
            past->used = ++twin->uses;
            *out = graph_ref(past->graph);
            return ERR_OK;
        }
        if (past->used < oldest->used)
            oldest = past;
    }
    struct past made = {.used = ++twin->uses};
    enum err_code rc = travel_to(twin, at, &made, err);
    if (rc)
        return rc;
    if (made.until == INT64_MAX) /* nothing had come after it: something may yet */
        made.until = at + 1;
    graph_unref(oldest->graph);
    *oldest = made;
    *out = graph_ref(made.graph);
    return ERR_OK;
}

enum err_code twin_moment(struct twin *twin, int64_t at, struct twin_moment *out, struct err *err)
{
    struct graph_snapshot *graph = NULL;
    enum err_code rc = ERR_OK;
    if (!at)
        graph = graph_current(twin->graph);
    else if (at >= atomic_load(&twin->exact_since))
        graph = graph_at(twin->graph, at);
    if (!graph) {
        pthread_mutex_lock(&twin->past_lock);
        rc = past_at(twin, at, &graph, err);
        pthread_mutex_unlock(&twin->past_lock);
    }
    if (rc)
        return rc;
    *out = (struct twin_moment){graph, at ? at : clock_now_ms(), graph_marked(graph)};
    return ERR_OK;
}

enum err_code twin_moment_again(struct twin *twin, int64_t at, int64_t position,
                                struct twin_moment *out, struct err *err)
{
    struct graph_snapshot *graph = graph_with_mark(twin->graph, position);
    if (graph) {
        *out = (struct twin_moment){graph, at, position};
        return ERR_OK;
    }
    enum err_code rc = twin_moment(twin, at, out, err);
    if (rc || out->position == position)
        return rc;
    twin_moment_done(out);
    err_set(err, ERR_CONFLICT, "more is known of that moment than when the list began");
    err_hint(err, "begin again without a cursor");
    return ERR_CONFLICT;
}

enum err_code twin_fork(const struct twin_moment *moment, const struct twin_change *change,
                        struct twin_moment *out, struct err *err)
{
    struct graph_change *graph = graph_begin(moment->graph);
    enum err_code rc = twin_apply(graph, change, err);
    if (rc) {
        graph_drop(graph);
        return rc;
    }
    *out = (struct twin_moment){graph_fork(graph, graph_published_ms(moment->graph)), moment->at,
                                moment->position};
    return ERR_OK;
}

void twin_moment_done(struct twin_moment *moment)
{
    graph_unref(moment->graph);
    moment->graph = NULL;
}

void twin_figures(struct twin *twin, struct twin_figures *out)
{
    struct graph_snapshot *now = graph_current(twin->graph);
    *out = (struct twin_figures){.entities = graph_entity_count(now),
                                 .edges = graph_edge_count(now),
                                 .position = graph_marked(now),
                                 .since_pack = atomic_load(&twin->since_pack)};
    graph_unref(now);
}

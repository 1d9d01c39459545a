/* twin.h - service: the digital twin's layered graph, born from the journal and corrected by
 * observation.
 *
 * What there is stands twice, written in one transaction: in rows (twin_entities, twin_edges, with
 * names, notes and attributes) and, as facts, in the journal (collection "twin-graph").  The
 * journal is what the graph in memory follows: snapshots of twin/graph, packed now and then so that
 * a start reads a pack and what came after it.
 *
 * Layers: physical (sites, hosts), virtual (servers, addresses, bandwidth), application (instances,
 * application versions), business (deployments, services).  Own tables twin_entities and
 * twin_edges; every entity and edge says origin (declared, observed, inferred), valid from/to, seen
 * at.  Nothing is deleted: it ends. */
#ifndef SWAN_TWIN_TWIN_H
#define SWAN_TWIN_TWIN_H

#include "store/store.h"
#include "twin/graph/graph.h"
#include "types/deployment.h"
#include "types/plan.h"
#include "types/run.h"

extern const struct store_module twin_store_module;

enum twin_layer { TWIN_LAYER_ABSENT, TWIN_PHYSICAL, TWIN_VIRTUAL, TWIN_APPLICATION, TWIN_BUSINESS };
extern const char *const twin_layer_names[];
enum twin_state {
    TWIN_STATE_ABSENT,
    TWIN_UP,
    TWIN_DEGRADED,
    TWIN_UNREACHABLE,
    TWIN_DEAD,
    TWIN_UNKNOWN
};
extern const char *const twin_state_names[];
enum twin_origin { TWIN_ORIGIN_ABSENT, TWIN_DECLARED, TWIN_OBSERVED, TWIN_INFERRED };
extern const char *const twin_origin_names[];
extern const char
    *const twin_relation_names[]; /* hosts, runs-on, connects, calls, depends-on, serves, part-of */
enum twin_relation {
    TWIN_RELATION_ABSENT,
    TWIN_HOSTS,
    TWIN_RUNS_ON,
    TWIN_CONNECTS,
    TWIN_CALLS,
    TWIN_DEPENDS_ON,
    TWIN_SERVES,
    TWIN_PART_OF
};

struct twin_entity {
    const char *id; /* "site/local", "instance/swan-dep-…-0", "application/hello@1.0.0",
                       "deployment/dep-…" */
    int layer;
    const char *kind; /* site, server, address, bandwidth, instance, application, deployment */
    const char *name;
    const char *deployment; /* or NULL */
    int state;
    int origin;
    bool simulated;
    int64_t valid_from, valid_to; /* ms; 0 = still */
    int64_t seen_at;              /* last observation; 0 = never */
    int64_t expires_at;           /* from then on its state is unknown; 0 = never */
    struct opt_double confidence; /* 0…1; absent = 1 */
    const char *text;             /* "running, pid 4711" */
    LIST(struct json_string_pair) attributes;
};
struct twin_edge {
    const char *from, *to;
    int relation, origin;
    int64_t valid_from, valid_to;
};
struct twin_view {
    const char *deployment;
    int64_t at;       /* the moment that is shown */
    int64_t position; /* of the journal */
    LIST(struct twin_entity) entities;
    LIST(struct twin_edge) edges;
};
extern const struct json_table twin_view_table;

/* From the workflow's hooks, in their transaction: a task that ended well gives entities and edges,
 * an undone one ends them. */
enum err_code twin_on_task(struct store_tx *tx, const struct run_spec *run,
                           const struct plan_task *task, const struct run_task *state,
                           struct err *err);
enum err_code twin_on_deployment(struct store_tx *tx, const char *deployment, const char *title,
                                 const struct deployment_status *status, struct err *err);
/* What was observed of one thing: state, text, measured attributes.  Journals only a change of
 * state (collection "twin", event "state-changed"); what is unknown here or has ended is left out.
 */
struct twin_observation {
    const char *name; /* idempotency key */
    int state;
    const char *text;
    struct opt_double cpu_percent, memory_mib;
    int64_t at, expires_at; /* expires_at 0 = holds until the next one */
};
enum err_code twin_observed(struct store_tx *tx, const struct twin_observation *observations,
                            size_t count, const struct store_actor *actor, struct err *err);
enum err_code twin_site_state(struct store_tx *tx, const char *site,
                              const struct twin_observation *seen, struct err *err);

/* deployment NULL = everything (at most 10 000 entities).  at 0 = now; else what was there at that
 * moment, in the state it had then. */
enum err_code twin_show(struct store_tx *tx, const char *deployment, int64_t at,
                        struct twin_view *out, struct arena *arena, struct err *err);

/* ---- changes: what the journal holds, and what people may declare ---- */
#define TWIN_CHANGE_MAX 10000 /* things of one change */
struct twin_change_entity {
    const char *id, *kind, *name;
    int layer, state, origin; /* state absent = up; origin absent = declared */
    struct opt_double confidence;
    int64_t valid_from, valid_to, expires_at;
};
struct twin_change_edge {
    const char *from, *to;
    int relation, state, origin;
    struct opt_double confidence;
    int64_t valid_from, valid_to, expires_at;
};
struct twin_change_end { /* of an entity and all its edges */
    const char *id;
    int64_t at;
};
struct twin_change { /* taken in this order */
    LIST(struct twin_change_entity) entities;
    LIST(struct twin_change_edge) edges;
    LIST(struct twin_change_end) ended;
};
extern const struct json_table twin_change_table;
/* Adds or replaces what is named, ends what is to end.  Times that are absent are now.
 * ERR_NOT_FOUND: an end of an edge, or what is to end, is neither here nor there. */
enum err_code twin_declare(struct store_tx *tx, const struct twin_change *change,
                           const struct store_actor *actor, struct err *err);

/* ---- the graph in memory ---- */
struct twin;
/* Reads the newest pack and the journal after it.  A store that has rows of the time before the
 * journal told the graph gets told. */
enum err_code twin_open(struct store *store, struct twin **out, struct err *err);
void twin_close(struct twin *twin);
/* Takes in what the journal says since the last call.  twin_try_refresh does nothing when another
 * thread is at it. */
enum err_code twin_refresh(struct twin *twin, struct err *err);
enum err_code twin_try_refresh(struct twin *twin, struct err *err);
/* Packs when the journal since the last pack has grown long (or `now`). */
enum err_code twin_pack(struct twin *twin, bool now, struct err *err);

/* What was known at a moment, and how far the journal had been read then.  Readers never wait for
 * writers; a moment older than what is kept in memory is made from a pack and the journal, one at a
 * time. */
struct twin_moment {
    struct graph_snapshot *graph;
    int64_t at;       /* when facts are to hold */
    int64_t position; /* of the journal */
};
enum err_code twin_moment(struct twin *twin, int64_t at, struct twin_moment *out, struct err *err);
/* The moment that an earlier answer was of.  ERR_CONFLICT: it cannot be told any more. */
enum err_code twin_moment_again(struct twin *twin, int64_t at, int64_t position,
                                struct twin_moment *out, struct err *err);
/* A moment with a change that never happened. */
enum err_code twin_fork(const struct twin_moment *moment, const struct twin_change *change,
                        struct twin_moment *out, struct err *err);
void twin_moment_done(struct twin_moment *moment);
struct twin_figures {
    int64_t entities, edges, position, since_pack;
};
void twin_figures(struct twin *twin, struct twin_figures *out);

/* ---- questions ---- */
#define TWIN_PAGE_MAX 1000
struct twin_query {
    int64_t at;                 /* 0 = now */
    const char *entity;         /* of neighbours, impact; where a path begins */
    const char *to;             /* where a path ends */
    int direction;              /* enum graph_direction */
    uint32_t layers, relations; /* GRAPH_BIT of names; 0 = all */
    int64_t depth;              /* 0 = any */
    int64_t limit;              /* 0 = 100, at most TWIN_PAGE_MAX */
    const char *cursor;         /* from the page before, which also says the moment */
};
extern const char *const twin_direction_names[]; /* up, down, both */

struct twin_item { /* an entity as it was at a moment */
    const char *id, *kind;
    int layer, state, origin;
    double confidence;
    int64_t valid_from, valid_to, expires_at;
    struct opt_int depth; /* steps from the one asked for */
    const char *via;      /* the entity before it on the way */
    int relation;         /* of the edge from there … */
    bool outward;         /* … which leads from there to here */
    int edge_origin, edge_state;
};
struct twin_answer {
    int64_t at, position;
    struct twin_item *subject;
    int64_t total;
    LIST(struct twin_item) items;
    const char *next;
};
extern const struct json_table twin_answer_table;
/* ERR_NOT_FOUND: no such entity was there then.  ERR_CONFLICT: the moment of the cursor is told
 * otherwise by now. */
enum err_code twin_neighbours(struct twin *twin, const struct twin_query *query,
                              struct twin_answer *out, struct arena *arena, struct err *err);
enum err_code twin_impact(struct twin *twin, const struct twin_query *query,
                          struct twin_answer *out, struct arena *arena, struct err *err);
/* No items: there is no way. */
enum err_code twin_path(struct twin *twin, const struct twin_query *query, struct twin_answer *out,
                        struct arena *arena, struct err *err);

/* What differs between two moments, as they were seen: also what time alone has changed. */
struct twin_difference {
    const char *entity;    /* of an entity; or */
    const char *from, *to; /* of an edge … */
    int relation;          /* … with its relation */
    int change;
    struct twin_item *before, *after; /* of an entity */
    int state_before, state_after;
};
extern const char *const twin_change_names[]; /* appeared, ended, changed */
struct twin_diff {
    int64_t from, to, position_from, position_to, total;
    LIST(struct twin_difference) items;
    const char *next;
};
extern const struct json_table twin_diff_table;
enum err_code twin_diff(struct twin *twin, int64_t from, int64_t to, int64_t limit,
                        const char *cursor, struct twin_diff *out, struct arena *arena,
                        struct err *err);

/* Lives and states of one entity, newest first. */
struct twin_event {
    int64_t at;
    const char *what; /* began, ended, state */
    int state;
    const char *text;
};
struct twin_history {
    const char *entity;
    int64_t total;
    LIST(struct twin_event) items;
    const char *next;
};
extern const struct json_table twin_history_table;
enum err_code twin_history(struct store_tx *tx, const char *entity, int64_t limit,
                           const char *cursor, struct twin_history *out, struct arena *arena,
                           struct err *err);

/* The graph from afar. */
struct twin_group {
    const char *name; /* layer/kind, layer, or the holder's id; "others" for the rest */
    int layer;
    const char *kind;
    int64_t count, up, degraded, unreachable, dead, unknown;
};
struct twin_bundle {
    int64_t from, to; /* groups, counted from 0 */
    int relation;
    int64_t count;
};
struct twin_outline {
    int64_t at, position;
    LIST(struct twin_group) groups;
    LIST(struct twin_bundle) bundles;
};
extern const struct json_table twin_outline_table;
/* by: "kind", "layer", or the kind of what holds things ("site", "region" …). */
enum err_code twin_outline(struct twin *twin, int64_t at, const char *by, int64_t most,
                           struct twin_outline *out, struct arena *arena, struct err *err);

/* What would be if: states of entities, and things that would be there. */
struct twin_state_wish {
    const char *id;
    int state;
};
struct twin_what_if {
    int64_t at, limit;
    LIST(struct twin_state_wish) states;
    struct twin_change change;
};
struct twin_consequence {
    const char *id, *kind;
    int layer, before, after; /* states that follow, without the change and with it */
    const char *because;
};
struct twin_consequences {
    int64_t at, position, total, dead, unreachable, degraded; /* after, of all that change */
    LIST(struct twin_consequence) items;                      /* the worst first */
};
extern const struct json_table twin_what_if_table, twin_consequences_table;
enum err_code twin_what_if(struct twin *twin, const struct twin_what_if *wish,
                           struct twin_consequences *out, struct arena *arena, struct err *err);

#endif

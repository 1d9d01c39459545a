/* graph.h - engine: the layered graph of what exists and how it hangs together.
 *
 * A snapshot never changes; versions share what did not change between them.  One thread writes
 * (begin, put, publish); any number read, each through snapshots it holds.  Method, complexity and
 * limits: README.md beside this file. */
#ifndef SWAN_TWIN_GRAPH_GRAPH_H
#define SWAN_TWIN_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define GRAPH_MAX_ENTITIES 50000000
#define GRAPH_MAX_EDGES 200000000
#define GRAPH_MAX_ID 512 /* bytes */
#define GRAPH_NONE UINT32_MAX

enum graph_layer { GRAPH_PHYSICAL = 1, GRAPH_VIRTUAL, GRAPH_APPLICATION, GRAPH_BUSINESS };
enum graph_relation {
    GRAPH_HOSTS = 1, /* from hosts to */
    GRAPH_RUNS_ON,   /* from runs on to */
    GRAPH_CONNECTS,  /* both ways */
    GRAPH_CALLS,
    GRAPH_DEPENDS_ON,
    GRAPH_SERVES,  /* from serves to */
    GRAPH_PART_OF, /* from is a part of to */
    GRAPH_RELATIONS
};
enum graph_origin { GRAPH_DECLARED = 1, GRAPH_OBSERVED, GRAPH_INFERRED };
enum graph_state { GRAPH_UP = 1, GRAPH_DEGRADED, GRAPH_UNREACHABLE, GRAPH_DEAD, GRAPH_UNKNOWN };
extern const char *const graph_layer_names[]; /* [0] = NULL, then names, then NULL */
extern const char *const graph_relation_names[];
extern const char *const graph_origin_names[];
extern const char *const graph_state_names[];

/* What is known of an entity or an edge, and when it holds. */
struct graph_fact {
    int64_t valid_from_ms, valid_to_ms; /* from ≤ t < to; to 0 = open */
    int64_t expires_ms;                 /* from then on its state reads unknown; 0 = never */
    float confidence;                   /* 0…1 */
    uint8_t origin, state;              /* enum graph_origin, graph_state */
};
struct graph_entity {
    const char *id, *kind;
    struct graph_fact fact;
    uint8_t layer;                /* enum graph_layer */
    uint32_t first_out, first_in; /* edges; set by the graph */
};
struct graph_edge {
    uint32_t from, to; /* entities */
    struct graph_fact fact;
    uint8_t relation;           /* enum graph_relation */
    uint32_t next_out, next_in; /* of the same entity; set by the graph */
};

struct graph;          /* the line of published snapshots */
struct graph_snapshot; /* immutable, shared */
struct graph_change;   /* what is being written: belongs to one thread */

/* Keeps the newest `kept` snapshots for time travel (0 = 64).  seed keeps hashes of ids apart from
 * what outsiders can foresee. */
struct graph *graph_new(size_t kept, uint64_t seed);
void graph_free(struct graph *graph); /* snapshots that are held live on */

/* The newest; the newest published at or before that time, NULL if none is kept.  The caller
 * unrefs.  Any thread. */
struct graph_snapshot *graph_current(struct graph *graph);
struct graph_snapshot *graph_at(struct graph *graph, int64_t at_ms);
/* The newest kept one with that mark (graph_mark), NULL if there is none. */
struct graph_snapshot *graph_with_mark(struct graph *graph, int64_t mark);
/* Forgets what is kept and goes on from that snapshot, as if it were published at that time.  Takes
 * the reference.  Like publishing: one thread writes. */
void graph_start(struct graph *graph, struct graph_snapshot *snapshot, int64_t at_ms);
struct graph_snapshot *graph_ref(struct graph_snapshot *snapshot);
void graph_unref(struct graph_snapshot *snapshot); /* NULL is fine */

/* ---- writing ---- */
struct graph_change *graph_begin(struct graph_snapshot *base);
void graph_drop(struct graph_change *change); /* NULL is fine */
/* Adds, or replaces fact, kind and layer of the entity of that id.  first_out and first_in are
 * ignored.  ERR_INVALID: no id, layer, state, origin or a confidence outside 0…1. */
enum err_code graph_put_entity(struct graph_change *change, const struct graph_entity *entity,
                               uint32_t *ret_number, struct err *err);
/* Adds, or replaces the fact of the edge that joins the same two by the same relation. */
enum err_code graph_put_edge(struct graph_change *change, const struct graph_edge *edge,
                             uint32_t *ret_number, struct err *err);
/* Ends the entity, and every edge of it that has no end yet or a later one: valid_to = at_ms, or
 * valid_from where that is later. */
void graph_end_entity(struct graph_change *change, uint32_t number, int64_t at_ms);
/* What the change holds so far; the pointer lives until the next put. */
uint32_t graph_change_find(const struct graph_change *change, const char *id); /* or GRAPH_NONE */
const struct graph_entity *graph_change_entity(const struct graph_change *change, uint32_t number);
/* A number of the caller's that the snapshot will carry: how far he had read in a journal. */
void graph_mark(struct graph_change *change, int64_t mark);
/* ERR_CONFLICT when the graph has moved on since graph_begin, or the time lies before the newest
 * snapshot's: nothing has changed then and the change is still the caller's.  Otherwise takes it.
 */
enum err_code graph_publish(struct graph *graph, struct graph_change *change, int64_t at_ms,
                            struct err *err);
/* A fork: a snapshot of its own that the graph never sees.  Takes the change. */
struct graph_snapshot *graph_fork(struct graph_change *change, int64_t at_ms);

/* ---- reading; numbers are below the counts ---- */
uint32_t graph_entity_count(const struct graph_snapshot *snapshot);
uint32_t graph_edge_count(const struct graph_snapshot *snapshot);
int64_t graph_published_ms(const struct graph_snapshot *snapshot);
int64_t graph_marked(const struct graph_snapshot *snapshot); /* 0 if never */
const struct graph_entity *graph_entity(const struct graph_snapshot *snapshot, uint32_t number);
const struct graph_edge *graph_edge(const struct graph_snapshot *snapshot, uint32_t number);
uint32_t graph_find(const struct graph_snapshot *snapshot, const char *id); /* GRAPH_NONE if none */
bool graph_holds(const struct graph_fact *fact, int64_t at_ms);
/* With expiry. */
enum graph_state graph_state_at(const struct graph_fact *fact, int64_t at_ms);

#define GRAPH_ALL_RELATIONS 0xffffffffu
#define GRAPH_BIT(value) (1u << (value))
/* What spreads a failure: all but connects. */
#define GRAPH_DEPENDENCIES (~GRAPH_BIT(GRAPH_CONNECTS))

struct graph_query {
    int64_t at_ms;      /* edges and entities that hold then */
    uint32_t relations; /* bits; 0 = all */
    uint32_t layers;    /* bits of what is listed; 0 = all.  Ways lead through every layer */
    uint32_t depth;     /* steps; 0 = any */
    size_t skip, limit; /* paging of the list; limit 0 = all */
};
struct graph_reached {
    uint32_t entity, depth;
    uint32_t parent; /* the entity it was reached from; itself at the start */
};
struct graph_reach {
    LIST(struct graph_reached) items; /* nearest first */
    size_t total;                     /* without paging */
};
enum graph_direction { GRAPH_UP_TO_USERS = 1, GRAPH_DOWN_TO_NEEDS, GRAPH_EITHER };
/* Everything that depends on the entity (up), or that it depends on (down), or both ways over any
 * edge (either); the entity itself is not listed.  The list is as long as it must be: O(reached +
 * their edges), and a bit for each entity. */
enum err_code graph_impact(const struct graph_snapshot *snapshot, uint32_t entity,
                           enum graph_direction direction, const struct graph_query *query,
                           struct graph_reach *out, struct arena *arena, struct err *err);
/* Does the way of a query go along that edge, from the entity it is `out` of? */
bool graph_leads(enum graph_direction direction, const struct graph_query *query,
                 const struct graph_edge *edge, bool out);
/* The fewest steps from one to another over edges in that direction; ends included; count 0 = no
 * path. */
struct graph_path {
    LIST(uint32_t) entities;
};
enum err_code graph_path(const struct graph_snapshot *snapshot, uint32_t from, uint32_t to,
                         enum graph_direction direction, const struct graph_query *query,
                         struct graph_path *out, struct arena *arena, struct err *err);

/* ---- two snapshots ---- */
struct graph_delta {
    LIST(uint32_t) entities, edges; /* numbers that are new, gone or different, rising */
};
/* Skips what the two share: O(pages that differ). */
enum err_code graph_diff(const struct graph_snapshot *before, const struct graph_snapshot *after,
                         struct graph_delta *out, struct arena *arena, struct err *err);

/* ---- what stands next to an entity ---- */
struct graph_neighbour {
    uint32_t edge, entity;
    bool out; /* the edge leads from the one asked for */
};
struct graph_neighbours {
    LIST(struct graph_neighbour)
    items;        /* newest edge first, those that lead out before the others */
    size_t total; /* without paging */
};
/* layers and paging as of graph_impact; depth is not used. */
enum err_code graph_neighbours(const struct graph_snapshot *snapshot, uint32_t entity,
                               enum graph_direction direction, const struct graph_query *query,
                               struct graph_neighbours *out, struct arena *arena, struct err *err);

/* ---- drawing from afar: groups of entities, and edges between groups ---- */
enum graph_outline_by {
    GRAPH_BY_KIND = 1, /* layer and kind */
    GRAPH_BY_LAYER,
    GRAPH_BY_HOLDER, /* the nearest entity of kind `holder` that a thing stands on or is */
};
struct graph_outline_query {
    int64_t at_ms;
    enum graph_outline_by by;
    const char *holder; /* such as "site" */
    size_t most;        /* groups; the smallest become one.  0 = all */
};
struct graph_group {
    uint8_t layer;    /* 0 when they differ: what is left over, and groups of a holder */
    const char *kind; /* of GRAPH_BY_KIND; NULL otherwise */
    uint32_t holder;  /* of GRAPH_BY_HOLDER; GRAPH_NONE otherwise, and for those without one */
    bool rest;        /* the smallest, together; or those without a holder */
    uint32_t count, states[GRAPH_UNKNOWN + 1];
};
struct graph_bundle {
    uint32_t from, to; /* groups; the same for edges inside of one */
    uint8_t relation;
    uint32_t count;
};
struct graph_outline {
    LIST(struct graph_group) groups; /* largest first, the rest last */
    LIST(struct graph_bundle) bundles;
};
enum err_code graph_outline(const struct graph_snapshot *snapshot,
                            const struct graph_outline_query *query, struct graph_outline *out,
                            struct arena *arena, struct err *err);

/* ---- what follows from states: what a fork is asked for ---- */
struct graph_consequence {
    uint32_t entity, because;  /* the need of it that decided; itself when it is so declared */
    uint8_t declared, follows; /* enum graph_state */
};
struct graph_consequences {
    LIST(struct graph_consequence) items; /* state that follows differs from the declared one */
};
/* The state of each entity once what it needs is taken into account; states only get worse.  What
 * hosts it or what it runs on: it is at best as they are.  What it depends on or calls: unreachable
 * or dead, it is degraded.  Parts and servers, of one kind each: some unreachable or dead or
 * degraded, it is degraded; all unreachable or dead, it is as the best of them.  Unknown says
 * nothing about others.
 */
enum err_code graph_consequences(const struct graph_snapshot *snapshot, int64_t at_ms,
                                 struct graph_consequences *out, struct arena *arena,
                                 struct err *err);

/* ---- a snapshot as bytes, in parts ---- */
struct graph_packing { /* where the next part begins; all zero at the start */
    uint32_t entities, edges;
};
/* Adds one part of at least `bytes` bytes or the rest.  False: there was nothing left. */
bool graph_pack(const struct graph_snapshot *snapshot, struct graph_packing *at, size_t bytes,
                struct buf *out);
struct graph_unpacking;
struct graph_unpacking *graph_unpack_new(uint64_t seed);
void graph_unpack_free(struct graph_unpacking *unpacking); /* NULL is fine */
/* Parts in the order of packing.  ERR_CORRUPT: not what graph_pack wrote; then only free it. */
enum err_code graph_unpack(struct graph_unpacking *unpacking, const void *part, size_t len,
                           struct err *err);
/* The snapshot; takes what was unpacked when it succeeds.  Numbers of entities and edges and the
 * order of edges are those of the packed one. */
enum err_code graph_unpack_end(struct graph_unpacking *unpacking, int64_t published_ms,
                               int64_t mark, struct graph_snapshot **out, struct err *err);

#endif

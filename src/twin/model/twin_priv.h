/* twin_priv.h - what the files of the twin's model share. */
#ifndef SWAN_TWIN_TWIN_PRIV_H
#define SWAN_TWIN_TWIN_PRIV_H

#include "twin/model/twin.h"

struct twin_attributes { /* as kept in a column */
    LIST(struct json_string_pair) items;
};
extern const struct json_table twin_attributes_table;
extern const struct store_actor twin_system_actor;

/* ---- write.c: rows, and beside each the fact that goes to the journal ---- */
struct twin_write { /* of one transaction's call */
    struct store_tx *tx;
    const struct store_actor *actor;
    struct arena *arena;
    struct twin_change change; /* so far */
};
/* Begins an entity, or brings a living one up to date; attributes, when it has none, stay. */
enum err_code twin_begin_entity(struct twin_write *w, const struct twin_entity *entity,
                                struct err *err);
/* Begins an entity that many deployments share; of a living one only the state is written. */
enum err_code twin_share_entity(struct twin_write *w, const struct twin_entity *entity,
                                struct err *err);
enum err_code twin_begin_edge(struct twin_write *w, const struct twin_change_edge *edge,
                              const char *deployment, struct err *err);
/* Ends the entity and its edges, and the application versions that nothing depends on any more.
 * ret_found may be NULL: was anything there to be ended? */
enum err_code twin_end_entity(struct twin_write *w, const char *id, int64_t now, bool *ret_found,
                              struct err *err);
/* What was seen of the living one of `ids`; of none when none lives. */
enum err_code twin_observe(struct twin_write *w, const char *const ids[4],
                           const struct twin_observation *seen, struct err *err);
/* Appends what has changed to the journal; nothing when nothing has. */
enum err_code twin_write_end(struct twin_write *w, struct err *err);

/* ---- change.c: what the journal says, in the graph ---- */
#define TWIN_GRAPH_COLLECTION "twin-graph"
#define TWIN_GRAPH_OBJECT "graph"
enum err_code twin_append(struct store_tx *tx, const struct twin_change *change,
                          const struct store_actor *actor, struct err *err);
/* ERR_CORRUPT or ERR_TOO_LARGE; the change is of no use then. */
enum err_code twin_apply(struct graph_change *graph, const struct twin_change *change,
                         struct err *err);
/* Tells the journal what the rows know. */
enum err_code twin_seed(struct store_tx *tx, struct err *err);

/* ---- packs.c: snapshots in the store ---- */
struct twin_pack_info {
    char id[32];
    int64_t position, at, parts, entities, edges;
};
/* The newest one of that time or before; id "" when there is none. */
enum err_code twin_pack_find(struct store_tx *tx, int64_t at, struct twin_pack_info *out,
                             struct err *err);
enum err_code twin_pack_read(struct store_tx *tx, const struct twin_pack_info *info, uint64_t seed,
                             struct graph_snapshot **out, struct err *err);
enum err_code twin_pack_write(struct store *store, const struct graph_snapshot *snapshot,
                              struct err *err);

#endif

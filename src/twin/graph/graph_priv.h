/* graph_priv.h - inside of the graph engine: persistent paged arrays. */
#ifndef SWAN_TWIN_GRAPH_GRAPH_PRIV_H
#define SWAN_TWIN_GRAPH_GRAPH_PRIV_H

#include <stdatomic.h>

#include "twin/graph/graph.h"

/* A page is a leaf of items or an inner node of pages; it may be changed only by the change that
 * owns it, and by nobody once a snapshot holds it. */
struct graph_page {
    atomic_uint refs;
    uint64_t owner;
    _Alignas(16) unsigned char data[];
};

#define GRAPH_LEAF_BITS 5
#define GRAPH_LEAF (1u << GRAPH_LEAF_BITS)
#define GRAPH_FAN_BITS 6
#define GRAPH_FAN (1u << GRAPH_FAN_BITS)

struct graph_array {
    struct graph_page *root; /* NULL = empty */
    uint32_t item_size, count;
    uint32_t levels; /* of inner nodes */
};
void graph_array_ref(struct graph_array *array);
void graph_array_unref(struct graph_array *array);
const void *graph_array_at(const struct graph_array *array, uint32_t index);
/* For writing: copies the pages on the way that `owner` does not own. */
void *graph_array_edit(struct graph_array *array, uint32_t index, uint64_t owner);
/* One more, zeroed. */
void *graph_array_push(struct graph_array *array, uint64_t owner);
/* Calls fn for each index that may differ. */
void graph_array_differ(const struct graph_array *a, const struct graph_array *b,
                        void (*fn)(void *ctx, uint32_t index), void *ctx);

struct graph_text { /* names, newest first; a chain that versions share */
    atomic_uint refs;
    struct graph_text *before;
    size_t used, room;
    char data[];
};

struct graph_roots {
    struct graph_array entities, edges;
    struct graph_array slots; /* hash of ids → entity + 1, open addressing, a power of two */
    struct graph_array pairs; /* hash of (from, to, relation) → edge + 1 */
    struct graph_text *text;
    uint64_t seed;
};
struct graph_snapshot {
    atomic_uint refs;
    struct graph_roots roots;
    int64_t published_ms, mark;
    uint64_t version;
};
#define GRAPH_KINDS_KNOWN 8
struct graph_change {
    struct graph_roots roots;
    struct graph_snapshot *base;
    uint64_t owner;
    bool own_text; /* the newest block of names is this change's */
    int64_t mark;
    const char *kinds[GRAPH_KINDS_KNOWN]; /* texts that can be used again */
    size_t kind_next;
};
extern const struct graph_roots graph_roots_empty;
void graph_roots_unref(struct graph_roots *roots);
uint64_t graph_new_owner(void);
const char *graph_keep_text(struct graph_change *change, const char *text, size_t len);
const char *graph_keep_kind(struct graph_change *change, const char *kind);
enum err_code graph_check_fact(const struct graph_fact *fact, struct err *err);
/* Does a failure go along that edge: from the entity it is `out` of, in that direction? */
bool graph_follows(enum graph_direction direction, uint8_t relation, bool out);
uint64_t graph_hash_id(uint64_t seed, const char *id);
uint64_t graph_hash_edge(uint64_t seed, uint32_t from, uint32_t to, uint8_t relation);

#endif

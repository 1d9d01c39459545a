/* graph.c - the line of snapshots, and changes on their way to become one.
 *
 * Contract: what a snapshot holds is never written again.  Entities and edges keep their numbers;
 * nothing is taken out, an end is a valid_to.  Publishing is one swap under a flag that is held for
 * a few instructions; readers never wait for a change to be made. */
#include <string.h>

#include "base/str.h"
#include "twin/graph/graph_priv.h"

#define KEPT_DEFAULT 64
#define TEXT_BLOCK 4096
#define SLOTS_FIRST 64

const char *const graph_layer_names[] = {NULL,          "physical", "virtual",
                                         "application", "business", NULL};
const char *const graph_relation_names[] = {NULL,    "hosts",      "runs-on", "connects",
                                            "calls", "depends-on", "serves",  NULL};
const char *const graph_origin_names[] = {NULL, "declared", "observed", "inferred", NULL};
const char *const graph_state_names[] = {NULL,   "up",      "degraded", "unreachable",
                                         "dead", "unknown", NULL};

struct graph {
    atomic_flag busy;
    struct graph_snapshot **kept; /* ring: oldest at `first` */
    size_t room, first, count;
};

/* ---- roots ---- */

const struct graph_roots graph_roots_empty = {
    .entities = {.item_size = sizeof(struct graph_entity)},
    .edges = {.item_size = sizeof(struct graph_edge)},
    .slots = {.item_size = sizeof(uint32_t)},
    .pairs = {.item_size = sizeof(uint32_t)}};

static void text_unref(struct graph_text *text)
{
    while (text && atomic_fetch_sub_explicit(&text->refs, 1, memory_order_acq_rel) == 1) {
        struct graph_text *before = text->before;
        mem_free(text);
        text = before;
    }
}

static void roots_ref(struct graph_roots *roots)
{
    graph_array_ref(&roots->entities);
    graph_array_ref(&roots->edges);
    graph_array_ref(&roots->slots);
    graph_array_ref(&roots->pairs);
    if (roots->text)
        atomic_fetch_add_explicit(&roots->text->refs, 1, memory_order_relaxed);
}

void graph_roots_unref(struct graph_roots *roots)
{
    graph_array_unref(&roots->entities);
    graph_array_unref(&roots->edges);
    graph_array_unref(&roots->slots);
    graph_array_unref(&roots->pairs);
    text_unref(roots->text);
}

struct graph_snapshot *graph_ref(struct graph_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void graph_unref(struct graph_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    graph_roots_unref(&snapshot->roots);
    mem_free(snapshot);
}

/* ---- the line ---- */

static void lock(struct graph *graph)
{
    while (atomic_flag_test_and_set_explicit(&graph->busy, memory_order_acquire))
        ;
}

static void unlock(struct graph *graph)
{
    atomic_flag_clear_explicit(&graph->busy, memory_order_release);
}

static struct graph_snapshot *nth(const struct graph *graph, size_t i)
{
    return graph->kept[(graph->first + i) % graph->room];
}

struct graph *graph_new(size_t kept, uint64_t seed)
{
    struct graph *graph = mem_zalloc(sizeof *graph);
    struct graph_snapshot *empty = mem_zalloc(sizeof *empty);
    atomic_flag_clear(&graph->busy);
    graph->room = kept ? kept : KEPT_DEFAULT;
    graph->kept = mem_array(graph->room, sizeof(struct graph_snapshot *));
    atomic_init(&empty->refs, 1);
    empty->published_ms = INT64_MIN;
    empty->roots = graph_roots_empty;
    empty->roots.seed = seed;
    graph->kept[0] = empty;
    graph->count = 1;
    return graph;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->count; i++)
        graph_unref(nth(graph, i));
    mem_free(graph->kept);
    mem_free(graph);
}

void graph_start(struct graph *graph, struct graph_snapshot *snapshot, int64_t at_ms)
{
    struct graph_snapshot **old = mem_array(graph->room, sizeof(struct graph_snapshot *));
    size_t count = graph->count;
    for (size_t i = 0; i < count; i++)
        old[i] = nth(graph, i);     /* only this thread writes: what it reads stays */
    snapshot->published_ms = at_ms; /* nobody else has seen it yet */
    lock(graph);
    graph->first = 0;
    graph->count = 1;
    graph->kept[0] = snapshot;
    unlock(graph);
    for (size_t i = 0; i < count; i++)
        graph_unref(old[i]);
    mem_free(old);
}

struct graph_snapshot *graph_current(struct graph *graph)
{
    lock(graph);
    struct graph_snapshot *newest = graph_ref(nth(graph, graph->count - 1));
    unlock(graph);
    return newest;
}

struct graph_snapshot *graph_at(struct graph *graph, int64_t at_ms)
{
    struct graph_snapshot *found = NULL;
    lock(graph);
    size_t low = 0, high = graph->count; /* the first that is later */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nth(graph, middle)->published_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low)
        found = graph_ref(nth(graph, low - 1));
    unlock(graph);
    return found;
}

struct graph_snapshot *graph_with_mark(struct graph *graph, int64_t mark)
{
    struct graph_snapshot *found = NULL;
    lock(graph);
    for (size_t i = graph->count; i-- > 0 && !found;)
        if (nth(graph, i)->mark == mark)
            found = graph_ref(nth(graph, i));
    unlock(graph);
    return found;
}

/* ---- changes ---- */

uint64_t graph_new_owner(void)
{
    static atomic_uint_least64_t owners; /* no two changes have the same number */
    return atomic_fetch_add_explicit(&owners, 1, memory_order_relaxed) + 1;
}

struct graph_change *graph_begin(struct graph_snapshot *base)
{
    struct graph_change *change = mem_zalloc(sizeof *change);
    change->base = graph_ref(base);
    change->roots = base->roots;
    change->owner = graph_new_owner();
    change->mark = base->mark;
    roots_ref(&change->roots);
    return change;
}

void graph_drop(struct graph_change *change)
{
    if (!change)
        return;
    graph_roots_unref(&change->roots);
    graph_unref(change->base);
    mem_free(change);
}

const char *graph_keep_text(struct graph_change *change, const char *text, size_t len)
{
    struct graph_text *block = change->roots.text;
    size_t size = len + 1;
    if (!change->own_text || block->used + size > block->room) {
        size_t more = !change->own_text                 ? TEXT_BLOCK
                      : block->room < ((size_t)1 << 20) ? 2 * block->room
                                                        : block->room;
        struct graph_text *next = mem_alloc(sizeof *next + (more > size ? more : size));
        *next = (struct graph_text){.before = block, .room = more > size ? more : size};
        atomic_init(&next->refs, 1);
        change->roots.text = block = next; /* holds the reference to the one before */
        change->own_text = true;
    }
    char *out = block->data + block->used;
    memcpy(out, text, len);
    out[len] = '\0';
    block->used += size;
    return out;
}

/* Kinds are few: the texts of the last ones are used again. */
const char *graph_keep_kind(struct graph_change *change, const char *kind)
{
    for (size_t i = 0; i < GRAPH_KINDS_KNOWN; i++)
        if (change->kinds[i] && strcmp(change->kinds[i], kind) == 0)
            return change->kinds[i];
    const char *kept = graph_keep_text(change, kind, strlen(kind));
    change->kinds[change->kind_next++ % GRAPH_KINDS_KNOWN] = kept;
    return kept;
}

/* ---- hashes: open addressing over a persistent array ---- */

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9); /* splitmix64 */
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t graph_hash_id(uint64_t seed, const char *id)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
    for (; *id; id++)
        hash = mixed(hash ^ (unsigned char)*id) + UINT64_C(0x9E3779B97F4A7C15);
    return mixed(hash);
}

uint64_t graph_hash_edge(uint64_t seed, uint32_t from, uint32_t to, uint8_t relation)
{
    return mixed(mixed(seed ^ ((uint64_t)from << 32 | to)) + relation);
}

static uint32_t slot_at(const struct graph_array *slots, uint32_t at)
{
    return *(const uint32_t *)graph_array_at(slots, at);
}

static void slot_put(struct graph_array *slots, uint64_t hash, uint32_t value, uint64_t owner)
{
    uint32_t mask = slots->count - 1, at = (uint32_t)hash & mask;
    while (slot_at(slots, at))
        at = (at + 1) & mask;
    *(uint32_t *)graph_array_edit(slots, at, owner) = value;
}

static uint64_t hash_of(const struct graph_roots *roots, bool edges, uint32_t number)
{
    if (!edges)
        return graph_hash_id(
            roots->seed,
            ((const struct graph_entity *)graph_array_at(&roots->entities, number))->id);
    const struct graph_edge *edge = graph_array_at(&roots->edges, number);
    return graph_hash_edge(roots->seed, edge->from, edge->to, edge->relation);
}

/* Makes room for one more of `count` things: at most half of the slots are taken. */
static void grow_slots(struct graph_roots *roots, bool edges, uint64_t owner)
{
    struct graph_array *slots = edges ? &roots->pairs : &roots->slots;
    uint32_t count = edges ? roots->edges.count : roots->entities.count;
    if (slots->count && count < slots->count / 2)
        return;
    struct graph_array bigger = {.item_size = sizeof(uint32_t)};
    uint32_t size = slots->count ? 2 * slots->count : SLOTS_FIRST;
    for (uint32_t i = 0; i < size; i++)
        graph_array_push(&bigger, owner);
    for (uint32_t i = 0; i < count; i++)
        slot_put(&bigger, hash_of(roots, edges, i), i + 1, owner);
    graph_array_unref(slots);
    *slots = bigger;
}

static uint32_t find_entity(const struct graph_roots *roots, const char *id)
{
    if (!roots->slots.count)
        return GRAPH_NONE;
    uint32_t mask = roots->slots.count - 1;
    uint32_t at = (uint32_t)graph_hash_id(roots->seed, id) & mask, found;
    for (; (found = slot_at(&roots->slots, at)); at = (at + 1) & mask) {
        const struct graph_entity *entity = graph_array_at(&roots->entities, found - 1);
        if (strcmp(entity->id, id) == 0)
            return found - 1;
    }
    return GRAPH_NONE;
}

static uint32_t find_edge(const struct graph_roots *roots, const struct graph_edge *asked)
{
    if (!roots->pairs.count)
        return GRAPH_NONE;
    uint32_t mask = roots->pairs.count - 1, found;
    uint32_t at =
        (uint32_t)graph_hash_edge(roots->seed, asked->from, asked->to, asked->relation) & mask;
    for (; (found = slot_at(&roots->pairs, at)); at = (at + 1) & mask) {
        const struct graph_edge *edge = graph_array_at(&roots->edges, found - 1);
        if (edge->from == asked->from && edge->to == asked->to && edge->relation == asked->relation)
            return found - 1;
    }
    return GRAPH_NONE;
}

/* ---- putting ---- */

enum err_code graph_check_fact(const struct graph_fact *fact, struct err *err)
{
    if (fact->state < GRAPH_UP || fact->state > GRAPH_UNKNOWN)
        return err_set(err, ERR_INVALID, "there is no state %d", fact->state);
    if (fact->origin < GRAPH_DECLARED || fact->origin > GRAPH_INFERRED)
        return err_set(err, ERR_INVALID, "there is no origin %d", fact->origin);
    if (!(fact->confidence >= 0 && fact->confidence <= 1))
        return err_set(err, ERR_INVALID, "confidence is 0 to 1");
    if (fact->valid_to_ms && fact->valid_to_ms < fact->valid_from_ms)
        return err_set(err, ERR_INVALID, "it ends before it begins");
    return ERR_OK;
}

enum err_code graph_put_entity(struct graph_change *change, const struct graph_entity *entity,
                               uint32_t *ret_number, struct err *err)
{
    struct graph_roots *roots = &change->roots;
    if (!entity->id || !entity->id[0] || strlen(entity->id) > GRAPH_MAX_ID || !entity->kind ||
        strlen(entity->kind) > GRAPH_MAX_ID)
        return err_set(err, ERR_INVALID, "an entity has an id and a kind of at most %d bytes",
                       GRAPH_MAX_ID);
    if (entity->layer < GRAPH_PHYSICAL || entity->layer > GRAPH_BUSINESS)
        return err_set(err, ERR_INVALID, "there is no layer %d", entity->layer);
    if (graph_check_fact(&entity->fact, err))
        return err->code;
    uint32_t number = find_entity(roots, entity->id);
    bool is_new = number == GRAPH_NONE;
    if (is_new && roots->entities.count >= GRAPH_MAX_ENTITIES)
        return err_set(err, ERR_TOO_LARGE, "more than %d entities", GRAPH_MAX_ENTITIES);
    struct graph_entity value = *entity;
    const struct graph_entity *old = is_new ? NULL : graph_array_at(&roots->entities, number);
    value.id = old ? old->id : graph_keep_text(change, entity->id, strlen(entity->id));
    value.kind =
        old && str_eq(old->kind, entity->kind) ? old->kind : graph_keep_kind(change, entity->kind);
    value.first_out = old ? old->first_out : GRAPH_NONE;
    value.first_in = old ? old->first_in : GRAPH_NONE;
    if (is_new) {
        grow_slots(roots, false, change->owner);
        number = roots->entities.count;
        *(struct graph_entity *)graph_array_push(&roots->entities, change->owner) = value;
        slot_put(&roots->slots, graph_hash_id(roots->seed, value.id), number + 1, change->owner);
    } else {
        *(struct graph_entity *)graph_array_edit(&roots->entities, number, change->owner) = value;
    }
    if (ret_number)
        *ret_number = number;
    return ERR_OK;
}

enum err_code graph_put_edge(struct graph_change *change, const struct graph_edge *edge,
                             uint32_t *ret_number, struct err *err)
{
    struct graph_roots *roots = &change->roots;
    if (edge->from >= roots->entities.count || edge->to >= roots->entities.count)
        return err_set(err, ERR_INVALID, "an edge joins two entities of the graph");
    if (edge->relation < GRAPH_HOSTS || edge->relation >= GRAPH_RELATIONS)
        return err_set(err, ERR_INVALID, "there is no relation %d", edge->relation);
    if (graph_check_fact(&edge->fact, err))
        return err->code;
    uint32_t number = find_edge(roots, edge);
    if (number == GRAPH_NONE && roots->edges.count >= GRAPH_MAX_EDGES)
        return err_set(err, ERR_TOO_LARGE, "more than %d edges", GRAPH_MAX_EDGES);
    if (number != GRAPH_NONE) {
        struct graph_edge *old = graph_array_edit(&roots->edges, number, change->owner);
        old->fact = edge->fact;
    } else {
        grow_slots(roots, true, change->owner);
        number = roots->edges.count;
        struct graph_edge *added = graph_array_push(&roots->edges, change->owner);
        struct graph_entity *from = graph_array_edit(&roots->entities, edge->from, change->owner);
        struct graph_entity *to = graph_array_edit(&roots->entities, edge->to, change->owner);
        *added = *edge;
        added->next_out = from->first_out;
        from->first_out = number;
        added->next_in = to->first_in;
        to->first_in = number;
        slot_put(&roots->pairs, graph_hash_edge(roots->seed, edge->from, edge->to, edge->relation),
                 number + 1, change->owner);
    }
    if (ret_number)
        *ret_number = number;
    return ERR_OK;
}

static void end_fact(struct graph_fact *fact, int64_t at_ms)
{
    fact->valid_to_ms = at_ms > fact->valid_from_ms ? at_ms : fact->valid_from_ms;
    if (!fact->valid_to_ms)
        fact->valid_to_ms = 1; /* 0 is open; what ended in 1970 ended */
}

static bool ends_later(const struct graph_fact *fact, int64_t at_ms)
{
    return !fact->valid_to_ms || fact->valid_to_ms > at_ms;
}

void graph_end_entity(struct graph_change *change, uint32_t number, int64_t at_ms)
{
    struct graph_roots *roots = &change->roots;
    if (number >= roots->entities.count)
        return;
    const struct graph_entity *entity = graph_array_at(&roots->entities, number);
    if (ends_later(&entity->fact, at_ms)) {
        struct graph_entity *own = graph_array_edit(&roots->entities, number, change->owner);
        end_fact(&own->fact, at_ms);
        entity = own;
    }
    for (int out = 0; out < 2; out++)
        for (uint32_t i = out ? entity->first_out : entity->first_in; i != GRAPH_NONE;) {
            const struct graph_edge *edge = graph_array_at(&roots->edges, i);
            if (ends_later(&edge->fact, at_ms)) {
                struct graph_edge *own = graph_array_edit(&roots->edges, i, change->owner);
                end_fact(&own->fact, at_ms);
                edge = own;
            }
            i = out ? edge->next_out : edge->next_in;
        }
}

uint32_t graph_change_find(const struct graph_change *change, const char *id)
{
    return find_entity(&change->roots, id);
}

const struct graph_entity *graph_change_entity(const struct graph_change *change, uint32_t number)
{
    return graph_array_at(&change->roots.entities, number);
}

void graph_mark(struct graph_change *change, int64_t mark)
{
    change->mark = mark;
}

/* ---- from a change to a snapshot ---- */

static struct graph_snapshot *seal(struct graph_change *change, int64_t at_ms)
{
    struct graph_snapshot *snapshot = mem_zalloc(sizeof *snapshot);
    atomic_init(&snapshot->refs, 1);
    snapshot->roots = change->roots;
    snapshot->published_ms = at_ms;
    snapshot->mark = change->mark;
    snapshot->version = change->base->version + 1;
    graph_unref(change->base);
    mem_free(change);
    return snapshot;
}

struct graph_snapshot *graph_fork(struct graph_change *change, int64_t at_ms)
{
    return seal(change, at_ms);
}

enum err_code graph_publish(struct graph *graph, struct graph_change *change, int64_t at_ms,
                            struct err *err)
{
    struct graph_snapshot *newest = nth(graph, graph->count - 1), *oldest = NULL;
    if (newest != change->base)
        return err_set(err, ERR_CONFLICT, "the graph has moved on since the change began");
    if (at_ms < newest->published_ms)
        return err_set(err, ERR_CONFLICT, "time goes back before the newest snapshot");
    struct graph_snapshot *snapshot = seal(change, at_ms);
    lock(graph);
    if (graph->count == graph->room) {
        oldest = nth(graph, 0);
        graph->first = (graph->first + 1) % graph->room;
        graph->count--;
    }
    graph->kept[(graph->first + graph->count++) % graph->room] = snapshot;
    unlock(graph);
    graph_unref(oldest);
    return ERR_OK;
}

/* ---- reading ---- */

uint32_t graph_entity_count(const struct graph_snapshot *snapshot)
{
    return snapshot->roots.entities.count;
}

uint32_t graph_edge_count(const struct graph_snapshot *snapshot)
{
    return snapshot->roots.edges.count;
}

int64_t graph_published_ms(const struct graph_snapshot *snapshot)
{
    return snapshot->published_ms;
}

int64_t graph_marked(const struct graph_snapshot *snapshot)
{
    return snapshot->mark;
}

const struct graph_entity *graph_entity(const struct graph_snapshot *snapshot, uint32_t number)
{
    return graph_array_at(&snapshot->roots.entities, number);
}

const struct graph_edge *graph_edge(const struct graph_snapshot *snapshot, uint32_t number)
{
    return graph_array_at(&snapshot->roots.edges, number);
}

uint32_t graph_find(const struct graph_snapshot *snapshot, const char *id)
{
    return find_entity(&snapshot->roots, id);
}

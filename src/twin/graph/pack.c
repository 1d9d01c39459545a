/* pack.c - a snapshot as bytes in parts, and back.
 *
 * Contract: a part stands for itself: a kind ('E' entities, 'R' edges), how many, the items, and a
 * check sum of all that.  Numbers are varints (7 bits a byte, low first), signed ones zigzag;
 * entities share the beginning of the id before, times are differences to the item before.  What is
 * read back is checked as any outside input: ERR_CORRUPT, never a crash.  Reading is O(bytes);
 * the hash tables are made once, flat, at the end. */
#include <string.h>

#include "twin/graph/graph_priv.h"

#define ITEM_MOST 1200 /* bytes of one entity: two texts of GRAPH_MAX_ID and numbers */
#define DICTIONARY 250 /* kinds of one part; further ones are written out */
#define CHECK_BYTES 8
#define PART_ITEMS 65536

enum bits { CONFIDENCE = 1, ENDS = 2, EXPIRES = 4, NEW_KIND = 8, SAME_FROM = 16 };

static uint64_t check_sum(const unsigned char *data, size_t len)
{
    uint64_t sum = UINT64_C(0x9E3779B97F4A7C15) ^ len;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, data + i, len - i < 8 ? len - i : 8);
        sum = (sum ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
        sum ^= sum >> 29;
    }
    return sum;
}

/* ---- writing ---- */

struct item { /* one, on its way out */
    unsigned char data[ITEM_MOST];
    size_t len;
};

static void put_byte(struct item *item, unsigned value)
{
    item->data[item->len++] = (unsigned char)value;
}

static void put_number(struct item *item, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        put_byte(item, (unsigned)(value & 127) | 128);
    put_byte(item, (unsigned)value);
}

static void put_signed(struct item *item, int64_t value)
{
    put_number(item, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b); /* wraps, and back when it is added */
}

static void put_text(struct item *item, const char *text, size_t len)
{
    put_number(item, len);
    memcpy(item->data + item->len, text, len);
    item->len += len;
}

static unsigned fact_bits(const struct graph_fact *fact, int64_t from)
{
    return (fact->confidence < 1 ? CONFIDENCE : 0u) | (fact->valid_to_ms ? ENDS : 0u) |
           (fact->expires_ms ? EXPIRES : 0u) | (fact->valid_from_ms == from ? SAME_FROM : 0u);
}

static void put_fact(struct item *item, const struct graph_fact *fact, int64_t *from)
{
    if (fact->valid_from_ms != *from)
        put_signed(item, difference(fact->valid_from_ms, *from));
    if (fact->valid_to_ms)
        put_signed(item, difference(fact->valid_to_ms, fact->valid_from_ms));
    if (fact->expires_ms)
        put_signed(item, difference(fact->expires_ms, fact->valid_from_ms));
    if (fact->confidence < 1) {
        memcpy(item->data + item->len, &fact->confidence, sizeof fact->confidence);
        item->len += sizeof fact->confidence;
    }
    *from = fact->valid_from_ms;
}

struct kinds {
    const char *items[DICTIONARY];
    size_t count, last;
};

static bool find_kind(struct kinds *kinds, const char *kind)
{
    if (kinds->count && strcmp(kinds->items[kinds->last], kind) == 0)
        return true;
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->items[i], kind) == 0) {
            kinds->last = i;
            return true;
        }
    return false;
}

static size_t shared(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static uint32_t pack_entities(const struct graph_snapshot *snapshot, uint32_t first, size_t bytes,
                              struct buf *out, size_t begin)
{
    struct kinds kinds = {.count = 0};
    const char *before = "";
    int64_t from = 0;
    uint32_t i = first;
    for (; i < graph_entity_count(snapshot) && i - first < PART_ITEMS && out->len - begin < bytes;
         i++) {
        const struct graph_entity *entity = graph_entity(snapshot, i);
        const struct graph_fact *fact = &entity->fact;
        struct item item = {.len = 0};
        bool known = find_kind(&kinds, entity->kind);
        size_t prefix = shared(before, entity->id);
        put_byte(&item, entity->layer | (unsigned)fact->state << 3 | (unsigned)fact->origin << 6);
        put_byte(&item, fact_bits(fact, from) | (known ? 0u : NEW_KIND));
        put_number(&item, prefix);
        put_text(&item, entity->id + prefix, strlen(entity->id + prefix));
        if (known)
            put_number(&item, kinds.last);
        else
            put_text(&item, entity->kind, strlen(entity->kind));
        if (!known && kinds.count < DICTIONARY)
            kinds.items[kinds.count++] = entity->kind;
        put_fact(&item, fact, &from);
        buf_add(out, item.data, item.len);
        before = entity->id;
    }
    return i - first;
}

static uint32_t pack_edges(const struct graph_snapshot *snapshot, uint32_t first, size_t bytes,
                           struct buf *out, size_t begin)
{
    int64_t from = 0;
    uint32_t i = first, before = 0;
    for (; i < graph_edge_count(snapshot) && i - first < PART_ITEMS && out->len - begin < bytes;
         i++) {
        const struct graph_edge *edge = graph_edge(snapshot, i);
        const struct graph_fact *fact = &edge->fact;
        struct item item = {.len = 0};
        put_byte(&item, edge->relation | (unsigned)fact->state << 4);
        put_byte(&item, fact_bits(fact, from) | (unsigned)fact->origin << 6);
        put_signed(&item, difference(edge->from, before));
        put_signed(&item, difference(edge->to, edge->from));
        put_fact(&item, fact, &from);
        buf_add(out, item.data, item.len);
        before = edge->from;
    }
    return i - first;
}

bool graph_pack(const struct graph_snapshot *snapshot, struct graph_packing *at, size_t bytes,
                struct buf *out)
{
    size_t begin = out->len;
    bool edges = at->entities >= graph_entity_count(snapshot);
    if (edges && at->edges >= graph_edge_count(snapshot))
        return false;
    unsigned char head[5] = {edges ? 'R' : 'E', 0, 0, 0, 0};
    buf_add(out, head, sizeof head);
    uint32_t count = edges ? pack_edges(snapshot, at->edges, bytes, out, begin)
                           : pack_entities(snapshot, at->entities, bytes, out, begin);
    if (out->over)
        return true; /* the caller sees it in his buffer */
    for (int i = 0; i < 4; i++)
        out->data[begin + 1 + (size_t)i] = (char)(count >> (8 * i) & 255);
    uint64_t sum = check_sum((const unsigned char *)out->data + begin, out->len - begin);
    buf_add(out, &sum, sizeof sum);
    if (edges)
        at->edges += count;
    else
        at->entities += count;
    return true;
}

/* ---- reading ---- */

struct graph_unpacking {
    struct graph_change change; /* base is NULL */
};

struct graph_unpacking *graph_unpack_new(uint64_t seed)
{
    struct graph_unpacking *u = mem_zalloc(sizeof *u);
    u->change.roots = graph_roots_empty;
    u->change.roots.seed = seed;
    u->change.owner = graph_new_owner();
    return u;
}

void graph_unpack_free(struct graph_unpacking *u)
{
    if (!u)
        return;
    graph_roots_unref(&u->change.roots);
    mem_free(u);
}

struct reader {
    const unsigned char *at, *end;
    bool bad;
};

static unsigned get_byte(struct reader *r)
{
    if (r->at < r->end)
        return *r->at++;
    r->bad = true;
    return 0;
}

static uint64_t get_number(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = get_byte(r);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    r->bad = true;
    return 0;
}

static int64_t get_signed(struct reader *r)
{
    uint64_t value = get_number(r);
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static int64_t sum_of(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* A text of 1 … GRAPH_MAX_ID bytes without NUL behind `prefix` bytes that are in `text`. */
static size_t get_text(struct reader *r, char *text, size_t prefix)
{
    uint64_t len = get_number(r);
    if (r->bad || prefix > GRAPH_MAX_ID || len > GRAPH_MAX_ID - prefix ||
        len > (size_t)(r->end - r->at) || memchr(r->at, 0, (size_t)len)) {
        r->bad = true;
        return 0;
    }
    memcpy(text + prefix, r->at, (size_t)len);
    text[prefix + len] = '\0';
    r->at += len;
    return prefix + (size_t)len;
}

static void get_fact(struct reader *r, unsigned flags, struct graph_fact *fact, int64_t *from)
{
    fact->valid_from_ms = flags & SAME_FROM ? *from : sum_of(*from, get_signed(r));
    fact->valid_to_ms = flags & ENDS ? sum_of(fact->valid_from_ms, get_signed(r)) : 0;
    fact->expires_ms = flags & EXPIRES ? sum_of(fact->valid_from_ms, get_signed(r)) : 0;
    fact->confidence = 1;
    if (flags & CONFIDENCE) {
        if ((size_t)(r->end - r->at) < sizeof fact->confidence) {
            r->bad = true;
            return;
        }
        memcpy(&fact->confidence, r->at, sizeof fact->confidence);
        r->at += sizeof fact->confidence;
    }
    *from = fact->valid_from_ms;
}

static enum err_code damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "a packed graph is damaged");
}

static enum err_code read_entities(struct graph_unpacking *u, struct reader *r, uint32_t count,
                                   struct err *err)
{
    struct graph_roots *roots = &u->change.roots;
    struct kinds kinds = {.count = 0};
    char id[GRAPH_MAX_ID + 1] = "", kind[GRAPH_MAX_ID + 1];
    int64_t from = 0;
    size_t length = 0;
    if (roots->edges.count || count > GRAPH_MAX_ENTITIES - roots->entities.count)
        return damaged(err);
    for (uint32_t i = 0; i < count; i++) {
        unsigned bits = get_byte(r), flags = get_byte(r);
        struct graph_entity entity = {
            .layer = bits & 7, .first_out = GRAPH_NONE, .first_in = GRAPH_NONE};
        uint64_t prefix = get_number(r);
        if (r->bad || prefix > length || !(length = get_text(r, id, (size_t)prefix)))
            return damaged(err);
        if (flags & NEW_KIND) {
            get_text(r, kind, 0);
            entity.kind = r->bad ? NULL : graph_keep_kind(&u->change, kind);
            if (kinds.count < DICTIONARY)
                kinds.items[kinds.count++] = entity.kind;
        } else {
            uint64_t number = get_number(r);
            entity.kind = number < kinds.count ? kinds.items[number] : NULL;
        }
        entity.fact.state = bits >> 3 & 7;
        entity.fact.origin = (uint8_t)(bits >> 6);
        get_fact(r, flags, &entity.fact, &from);
        if (r->bad || !entity.kind || entity.layer < GRAPH_PHYSICAL ||
            entity.layer > GRAPH_BUSINESS || graph_check_fact(&entity.fact, NULL))
            return damaged(err);
        entity.id = graph_keep_text(&u->change, id, length);
        *(struct graph_entity *)graph_array_push(&roots->entities, u->change.owner) = entity;
    }
    return ERR_OK;
}

static enum err_code read_edges(struct graph_unpacking *u, struct reader *r, uint32_t count,
                                struct err *err)
{
    struct graph_roots *roots = &u->change.roots;
    int64_t from = 0, before = 0;
    if (count > GRAPH_MAX_EDGES - roots->edges.count)
        return damaged(err);
    for (uint32_t i = 0; i < count; i++) {
        unsigned bits = get_byte(r), flags = get_byte(r);
        struct graph_edge edge = {.relation = bits & 15};
        int64_t start = sum_of(before, get_signed(r)), end = sum_of(start, get_signed(r));
        edge.fact.state = bits >> 4 & 7;
        edge.fact.origin = (uint8_t)(flags >> 6);
        get_fact(r, flags, &edge.fact, &from);
        if (r->bad || start < 0 || start >= roots->entities.count || end < 0 ||
            end >= roots->entities.count || edge.relation < GRAPH_HOSTS ||
            edge.relation >= GRAPH_RELATIONS || graph_check_fact(&edge.fact, NULL))
            return damaged(err);
        edge.from = (uint32_t)start;
        edge.to = (uint32_t)end;
        before = start;
        *(struct graph_edge *)graph_array_push(&roots->edges, u->change.owner) = edge;
    }
    return ERR_OK;
}

enum err_code graph_unpack(struct graph_unpacking *u, const void *part, size_t len, struct err *err)
{
    const unsigned char *data = part;
    uint64_t sum;
    if (len < 5 + CHECK_BYTES)
        return damaged(err);
    memcpy(&sum, data + len - CHECK_BYTES, sizeof sum);
    if (sum != check_sum(data, len - CHECK_BYTES))
        return damaged(err);
    struct reader r = {.at = data + 5, .end = data + len - CHECK_BYTES};
    uint32_t count = 0;
    for (int i = 0; i < 4; i++)
        count |= (uint32_t)data[1 + i] << (8 * i);
    enum err_code rc = data[0] == 'E'   ? read_entities(u, &r, count, err)
                       : data[0] == 'R' ? read_edges(u, &r, count, err)
                                        : damaged(err);
    return !rc && r.at != r.end ? damaged(err) : rc;
}

/* ---- what is derived: chains of edges and hash tables, made flat ---- */

struct flat { /* open addressing; a tag beside each number keeps most comparisons in one place */
    uint32_t *slots, *tags;
    uint32_t room;
};

static struct flat flat_new(uint32_t count)
{
    struct flat flat = {.room = 64};
    while (flat.room / 2 <= count)
        flat.room *= 2;
    flat.slots = mem_array(flat.room, sizeof *flat.slots);
    flat.tags = mem_array(flat.room, sizeof *flat.tags);
    return flat;
}

static void flat_done(struct flat *flat)
{
    mem_free(flat->slots);
    mem_free(flat->tags);
}

static bool same_edge(const struct graph_edge *a, const struct graph_edge *b)
{
    return a->from == b->from && a->to == b->to && a->relation == b->relation;
}

/* False when the same is there already. */
static bool flat_put(struct flat *flat, const struct graph_roots *roots, bool edges,
                     uint32_t number, const void *item, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (flat->room - 1), tag = (uint32_t)(hash >> 32);
    for (; flat->slots[at]; at = (at + 1) & (flat->room - 1)) {
        if (flat->tags[at] != tag)
            continue;
        const void *other =
            graph_array_at(edges ? &roots->edges : &roots->entities, flat->slots[at] - 1);
        if (edges ? same_edge(other, item)
                  : strcmp(((const struct graph_entity *)other)->id,
                           ((const struct graph_entity *)item)->id) == 0)
            return false;
    }
    flat->slots[at] = number + 1;
    flat->tags[at] = tag;
    return true;
}

static void flat_keep(const struct flat *flat, struct graph_array *out, uint64_t owner)
{
    for (uint32_t i = 0; i < flat->room; i += GRAPH_LEAF) {
        memcpy(graph_array_push(out, owner), flat->slots + i, GRAPH_LEAF * sizeof *flat->slots);
        out->count += GRAPH_LEAF - 1; /* a whole leaf */
    }
}

static bool link_entities(struct graph_roots *roots, uint64_t owner)
{
    uint32_t count = roots->entities.count;
    CLEANUP(flat_done) struct flat flat = flat_new(count);
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_entity *entity = graph_array_at(&roots->entities, i);
        if (!flat_put(&flat, roots, false, i, entity, graph_hash_id(roots->seed, entity->id)))
            return false;
    }
    if (count)
        flat_keep(&flat, &roots->slots, owner);
    return true;
}

struct chains { /* newest edge of each entity */
    uint32_t *out, *in;
};

static void chains_done(struct chains *chains)
{
    mem_free(chains->out);
    mem_free(chains->in);
}

static bool link_edges(struct graph_roots *roots, uint64_t owner)
{
    uint32_t entities = roots->entities.count, count = roots->edges.count;
    CLEANUP(flat_done) struct flat flat = flat_new(count);
    CLEANUP(chains_done)
    struct chains chains = {mem_array((size_t)entities + 1, sizeof(uint32_t)),
                            mem_array((size_t)entities + 1, sizeof(uint32_t))};
    memset(chains.out, 0xff, entities * sizeof(uint32_t)); /* GRAPH_NONE */
    memset(chains.in, 0xff, entities * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        struct graph_edge *edge = graph_array_edit(&roots->edges, i, owner);
        uint64_t hash = graph_hash_edge(roots->seed, edge->from, edge->to, edge->relation);
        if (!flat_put(&flat, roots, true, i, edge, hash))
            return false;
        edge->next_out = chains.out[edge->from];
        chains.out[edge->from] = i;
        edge->next_in = chains.in[edge->to];
        chains.in[edge->to] = i;
    }
    for (uint32_t i = 0; i < entities; i++) {
        struct graph_entity *entity = graph_array_edit(&roots->entities, i, owner);
        entity->first_out = chains.out[i];
        entity->first_in = chains.in[i];
    }
    if (count)
        flat_keep(&flat, &roots->pairs, owner);
    return true;
}

enum err_code graph_unpack_end(struct graph_unpacking *u, int64_t published_ms, int64_t mark,
                               struct graph_snapshot **out, struct err *err)
{
    struct graph_roots *roots = &u->change.roots;
    if (!link_entities(roots, u->change.owner) || !link_edges(roots, u->change.owner))
        return err_set(err, ERR_CORRUPT, "a packed graph holds something twice");
    struct graph_snapshot *snapshot = mem_zalloc(sizeof *snapshot);
    atomic_init(&snapshot->refs, 1);
    snapshot->roots = *roots;
    snapshot->published_ms = published_ms;
    snapshot->mark = mark;
    mem_free(u);
    *out = snapshot;
    return ERR_OK;
}

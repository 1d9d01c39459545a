/* paths.c - least-latency paths over the links of a network.
 *
 * Most sites hang on one link.  Nodes of degree one are peeled off, again and again, until a core
 * is left in which every node has two neighbours or more (or is alone); a path is then: up from one
 * end to the core, through the core, down to the other end.  Trees (Dijkstra 1959, binary heap) are
 * computed in the core only, from the ends that are asked for, and kept.
 *
 * Contract: the order of paths is (latency, price, links, sum of link keys), each exact in
 * integers, so the chosen path is unique and the same from both ends: which of two full equals it
 * is does not depend on who asked first.  Links without a latency are not paths.  A tree costs
 * O(core links · log core); a query O(depth of the hanging trees). */
#include "intelligent/evaluation/evaluation_priv.h"

#define UNIT 1e9      /* integers per ms and per currency unit */
#define INPUT_MAX 1e9 /* ms or currency units of one link; beyond it sums could overflow */
#define UNREACHED INT64_MAX
#define NONE UINT32_MAX

struct half { /* one direction of a link */
    uint32_t to, link;
};

struct way {
    int64_t latency, price;
    uint64_t key; /* sum of link keys, for full equals */
    uint32_t links;
};

struct step { /* of a tree */
    struct way way;
    uint32_t parent, link; /* core index; NONE at the root */
};

struct evaluation_paths {
    const struct network *network;
    struct arena *arena;
    size_t nodes, cores;
    uint32_t *first; /* nodes + 1: adjacency, one best link per neighbour */
    struct half *adjacent;
    uint32_t *up, *up_link, *depth, *root; /* the hanging trees; up = NONE in the core */
    struct way *to_root;
    uint32_t *core_of, *core_node; /* node → core index or NONE, and back */
    struct step **trees;           /* by core index, NULL until asked */
    uint32_t *peeled_order;        /* hanging nodes, each before the one it hangs on */
    size_t peeled_count;
};

static int64_t whole(double value)
{
    if (!(value > 0))
        return 0;
    return llround(fmin(value, INPUT_MAX) * UNIT);
}

/* splitmix64 (Steele, Lea, Flood 2014), cut to 32 bits so that sums cannot overflow. */
static uint64_t link_key(uint32_t link)
{
    uint64_t z = (link + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) & UINT32_MAX;
}

static struct way way_of_link(const struct evaluation_paths *paths, uint32_t link)
{
    const struct network_link *item = &paths->network->links.items[link];
    return (struct way){whole(item->latency_ms.value),
                        whole(evaluation_amount(item->price_mbps_month)), link_key(link), 1};
}

static struct way way_sum(struct way a, struct way b)
{
    return (struct way){a.latency + b.latency, a.price + b.price, a.key + b.key, a.links + b.links};
}

static bool way_less(const struct way *a, const struct way *b)
{
    if (a->latency != b->latency)
        return a->latency < b->latency;
    if (a->price != b->price)
        return a->price < b->price;
    if (a->links != b->links)
        return a->links < b->links;
    return a->key < b->key;
}

/* Adjacency with one link per pair of neighbours: of parallel links only the best is ever a path.
 */
static void build_adjacency(struct evaluation_paths *paths, const uint32_t *link_a,
                            const uint32_t *link_b)
{
    size_t links = paths->network->links.count;
    uint32_t *count = arena_array(paths->arena, paths->nodes + 1, sizeof *count);
    for (size_t i = 0; i < links; i++) {
        if (link_a[i] == link_b[i] || !paths->network->links.items[i].latency_ms.set)
            continue;
        count[link_a[i]]++;
        count[link_b[i]]++;
    }
    paths->first = arena_array(paths->arena, paths->nodes + 1, sizeof *paths->first);
    for (size_t i = 0; i < paths->nodes; i++)
        paths->first[i + 1] = paths->first[i] + count[i];
    paths->adjacent =
        arena_array(paths->arena, paths->first[paths->nodes] + 1, sizeof *paths->adjacent);
    uint32_t *at = arena_memdup(paths->arena, paths->first, (paths->nodes + 1) * sizeof *at);
    for (uint32_t i = 0; i < links; i++) {
        if (link_a[i] == link_b[i] || !paths->network->links.items[i].latency_ms.set)
            continue;
        paths->adjacent[at[link_a[i]]++] = (struct half){link_b[i], i};
        paths->adjacent[at[link_b[i]]++] = (struct half){link_a[i], i};
    }
    /* seen[v] is where u's best link to v stands while u is compacted */
    uint32_t *seen = arena_array(paths->arena, paths->nodes, sizeof *seen);
    memset(seen, 0xff, paths->nodes * sizeof *seen);
    uint32_t write = 0;
    for (uint32_t u = 0; u < paths->nodes; u++) {
        uint32_t begin = paths->first[u], end = paths->first[u + 1], base = write;
        paths->first[u] = base;
        for (uint32_t j = begin; j < end; j++) {
            struct half half = paths->adjacent[j];
            if (seen[half.to] == NONE) {
                seen[half.to] = write;
                paths->adjacent[write++] = half;
                continue;
            }
            struct way new_way = way_of_link(paths, half.link);
            struct way old_way = way_of_link(paths, paths->adjacent[seen[half.to]].link);
            if (way_less(&new_way, &old_way))
                paths->adjacent[seen[half.to]].link = half.link;
        }
        for (uint32_t j = base; j < write; j++)
            seen[paths->adjacent[j].to] = NONE;
    }
    paths->first[paths->nodes] = write;
}

static void peel(struct evaluation_paths *paths)
{
    size_t n = paths->nodes;
    paths->up = arena_array(paths->arena, n, sizeof *paths->up);
    paths->up_link = arena_array(paths->arena, n, sizeof *paths->up_link);
    paths->depth = arena_array(paths->arena, n, sizeof *paths->depth);
    paths->root = arena_array(paths->arena, n, sizeof *paths->root);
    paths->to_root = arena_array(paths->arena, n, sizeof *paths->to_root);
    memset(paths->up, 0xff, n * sizeof *paths->up);
    uint32_t *degree = arena_array(paths->arena, n, sizeof *degree);
    uint32_t *queue = arena_array(paths->arena, n + 1, sizeof *queue);
    bool *peeled = arena_array(paths->arena, n + 1, sizeof *peeled);
    size_t head = 0, tail = 0;
    for (uint32_t u = 0; u < n; u++) {
        degree[u] = paths->first[u + 1] - paths->first[u];
        if (degree[u] == 1)
            queue[tail++] = u;
    }
    while (head < tail) {
        uint32_t u = queue[head++];
        if (degree[u] != 1) {
            queue[head - 1] = NONE; /* the last one of a tree stays as its root */
            continue;
        }
        peeled[u] = true;
        for (uint32_t j = paths->first[u]; j < paths->first[u + 1]; j++) {
            uint32_t v = paths->adjacent[j].to;
            if (peeled[v])
                continue;
            paths->up[u] = v;
            paths->up_link[u] = paths->adjacent[j].link;
            if (--degree[v] == 1)
                queue[tail++] = v;
            break;
        }
        degree[u] = 0;
    }
    for (uint32_t u = 0; u < n; u++)
        paths->root[u] = u;
    paths->peeled_order = queue;
    for (size_t i = 0; i < tail; i++)
        if (queue[i] != NONE)
            queue[paths->peeled_count++] = queue[i];
    tail = paths->peeled_count;
    for (size_t i = tail; i-- > 0;) { /* later ones are nearer the core */
        uint32_t u = queue[i], v = paths->up[u];
        paths->depth[u] = paths->depth[v] + 1;
        paths->root[u] = paths->root[v];
        paths->to_root[u] = way_sum(paths->to_root[v], way_of_link(paths, paths->up_link[u]));
    }
    paths->core_of = arena_array(paths->arena, n, sizeof *paths->core_of);
    for (uint32_t u = 0; u < n; u++)
        paths->core_of[u] = peeled[u] ? NONE : (uint32_t)paths->cores++;
    paths->core_node = arena_array(paths->arena, paths->cores, sizeof *paths->core_node);
    for (uint32_t u = 0; u < n; u++)
        if (!peeled[u])
            paths->core_node[paths->core_of[u]] = u;
    paths->trees = arena_array(paths->arena, paths->cores, sizeof *paths->trees);
}

struct evaluation_paths *evaluation_paths_new(const struct network *network, size_t nodes,
                                              const uint32_t *link_a, const uint32_t *link_b,
                                              struct arena *arena)
{
    struct evaluation_paths *paths = arena_zalloc(arena, sizeof *paths);
    paths->network = network;
    paths->arena = arena;
    paths->nodes = nodes;
    build_adjacency(paths, link_a, link_b);
    peel(paths);
    return paths;
}

/* ---- trees ---- */
struct entry {
    struct way way;
    uint32_t core;
};

static void heap_push(struct entry *heap, size_t *count, struct entry entry)
{
    size_t i = (*count)++;
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!way_less(&entry.way, &heap[parent].way))
            break;
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = entry;
}

static struct entry heap_pop(struct entry *heap, size_t *count)
{
    struct entry top = heap[0], last = heap[--*count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= *count)
            break;
        if (child + 1 < *count && way_less(&heap[child + 1].way, &heap[child].way))
            child++;
        if (!way_less(&heap[child].way, &last.way))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static struct step *tree_from(struct evaluation_paths *paths, uint32_t root)
{
    if (paths->trees[root])
        return paths->trees[root];
    struct step *tree = arena_array(paths->arena, paths->cores, sizeof *tree);
    for (size_t i = 0; i < paths->cores; i++)
        tree[i] = (struct step){{UNREACHED, 0, 0, 0}, NONE, NONE};
    size_t halves = 1; /* each half of a core link enters the heap at most once */
    for (size_t i = 0; i < paths->cores; i++)
        halves += paths->first[paths->core_node[i] + 1] - paths->first[paths->core_node[i]];
    struct entry *heap = mem_array(halves, sizeof *heap);
    size_t count = 0;
    tree[root].way = (struct way){0, 0, 0, 0};
    heap_push(heap, &count, (struct entry){tree[root].way, root});
    while (count > 0) {
        struct entry entry = heap_pop(heap, &count);
        if (way_less(&tree[entry.core].way, &entry.way))
            continue; /* a better way to it has been taken */
        uint32_t u = paths->core_node[entry.core];
        for (uint32_t j = paths->first[u]; j < paths->first[u + 1]; j++) {
            uint32_t v = paths->core_of[paths->adjacent[j].to];
            if (v == NONE)
                continue;
            struct way way = way_sum(entry.way, way_of_link(paths, paths->adjacent[j].link));
            if (!way_less(&way, &tree[v].way))
                continue;
            tree[v] = (struct step){way, entry.core, paths->adjacent[j].link};
            heap_push(heap, &count, (struct entry){way, v});
        }
    }
    mem_free(heap);
    paths->trees[root] = tree;
    return tree;
}

/* ---- least sums from many starts at once ---- */
struct wave {
    double value;
    uint32_t core;
};

static void wave_push(struct wave *heap, size_t *count, struct wave wave)
{
    size_t i = (*count)++;
    for (; i > 0 && wave.value < heap[(i - 1) / 2].value; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = wave;
}

static struct wave wave_pop(struct wave *heap, size_t *count)
{
    struct wave top = heap[0], last = heap[--*count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= *count)
            break;
        child += child + 1 < *count && heap[child + 1].value < heap[child].value;
        if (!(heap[child].value < last.value))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static void spread_core(const struct evaluation_paths *paths, double per_ms, double per_price,
                        double *values)
{
    size_t halves = paths->cores + 1, count = 0;
    for (size_t i = 0; i < paths->cores; i++)
        halves += paths->first[paths->core_node[i] + 1] - paths->first[paths->core_node[i]];
    struct wave *heap = mem_array(halves, sizeof *heap);
    for (uint32_t i = 0; i < paths->cores; i++)
        if (values[paths->core_node[i]] < INFINITY)
            wave_push(heap, &count, (struct wave){values[paths->core_node[i]], i});
    while (count > 0) {
        struct wave wave = wave_pop(heap, &count);
        uint32_t u = paths->core_node[wave.core];
        if (wave.value > values[u])
            continue;
        for (uint32_t j = paths->first[u]; j < paths->first[u + 1]; j++) {
            struct half half = paths->adjacent[j];
            if (paths->core_of[half.to] == NONE)
                continue;
            const struct network_link *link = &paths->network->links.items[half.link];
            double value = wave.value + per_ms * link->latency_ms.value +
                           per_price * evaluation_amount(link->price_mbps_month);
            if (value < values[half.to]) {
                values[half.to] = value;
                wave_push(heap, &count, (struct wave){value, paths->core_of[half.to]});
            }
        }
    }
    mem_free(heap);
}

void evaluation_paths_spread(const struct evaluation_paths *paths, double per_ms, double per_price,
                             double *values)
{
    const struct network_link *links = paths->network->links.items;
    for (size_t i = 0; i < paths->peeled_count; i++) {
        uint32_t u = paths->peeled_order[i], v = paths->up[u];
        if (values[u] == INFINITY)
            continue;
        const struct network_link *link = &links[paths->up_link[u]];
        values[v] = fmin(values[v], values[u] + per_ms * link->latency_ms.value +
                                        per_price * evaluation_amount(link->price_mbps_month));
    }
    spread_core(paths, per_ms, per_price, values);
    for (size_t i = paths->peeled_count; i-- > 0;) {
        uint32_t u = paths->peeled_order[i], v = paths->up[u];
        const struct network_link *link = &links[paths->up_link[u]];
        values[u] = fmin(values[u], values[v] + per_ms * link->latency_ms.value +
                                        per_price * evaluation_amount(link->price_mbps_month));
    }
}

/* The way between two core nodes, from whichever tree exists. */
static const struct way *core_way(struct evaluation_paths *paths, uint32_t from, uint32_t to)
{
    if (!paths->trees[from] && paths->trees[to])
        return &paths->trees[to][from].way;
    return &tree_from(paths, from)[to].way;
}

/* Climbs both ends of one hanging tree until they meet; counts what lies between. */
static uint32_t meeting(const struct evaluation_paths *paths, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (paths->depth[a] >= paths->depth[b])
            a = paths->up[a];
        else
            b = paths->up[b];
    }
    return a;
}

double evaluation_paths_latency(struct evaluation_paths *paths, size_t from, size_t to)
{
    if (from >= paths->nodes || to >= paths->nodes)
        return INFINITY;
    uint32_t a = (uint32_t)from, b = (uint32_t)to, ra = paths->root[a], rb = paths->root[b];
    int64_t latency = paths->to_root[a].latency + paths->to_root[b].latency;
    if (ra == rb) {
        latency -= 2 * paths->to_root[meeting(paths, a, b)].latency;
    } else {
        const struct way *way = core_way(paths, paths->core_of[ra], paths->core_of[rb]);
        if (way->latency == UNREACHED)
            return INFINITY;
        latency += way->latency;
    }
    return (double)latency / UNIT;
}

struct walk {
    size_t *links, *count;
    size_t max;
};

static void walk_add(struct walk *walk, uint32_t link)
{
    if (walk->links && *walk->count < walk->max)
        walk->links[*walk->count] = link;
    ++*walk->count;
}

static void reverse(size_t *links, size_t begin, size_t end)
{
    while (begin + 1 < end) {
        size_t keep = links[begin];
        links[begin++] = links[--end];
        links[end] = keep;
    }
}

double evaluation_paths_walk(struct evaluation_paths *paths, size_t from, size_t to,
                             size_t *ret_links, size_t *ret_count, size_t max_links)
{
    size_t own_count = 0;
    struct walk walk = {ret_links, ret_count ? ret_count : &own_count, max_links};
    *walk.count = 0;
    if (from >= paths->nodes || to >= paths->nodes)
        return INFINITY;
    uint32_t a = (uint32_t)from, b = (uint32_t)to, ra = paths->root[a], rb = paths->root[b];
    uint32_t top_a = ra, top_b = rb;
    int64_t price = paths->to_root[a].price + paths->to_root[b].price;
    if (ra == rb) {
        top_a = top_b = meeting(paths, a, b);
        price -= 2 * paths->to_root[top_a].price;
    }
    if (!ret_links && !ret_count) { /* the price alone is known without walking */
        if (ra == rb)
            return (double)price / UNIT;
        const struct way *way = core_way(paths, paths->core_of[ra], paths->core_of[rb]);
        return way->latency == UNREACHED ? INFINITY : (double)(price + way->price) / UNIT;
    }
    for (uint32_t u = a; u != top_a; u = paths->up[u])
        walk_add(&walk, paths->up_link[u]);
    if (ra != rb) {
        uint32_t ca = paths->core_of[ra], cb = paths->core_of[rb];
        const struct way *way = core_way(paths, ca, cb);
        if (way->latency == UNREACHED) {
            *walk.count = 0;
            return INFINITY;
        }
        price += way->price;
        bool forward = paths->trees[ca] != NULL;
        const struct step *tree = forward ? paths->trees[ca] : paths->trees[cb];
        size_t begin = *walk.count;
        for (uint32_t c = forward ? cb : ca; tree[c].parent != NONE; c = tree[c].parent)
            walk_add(&walk, tree[c].link);
        if (forward && walk.links && *walk.count <= walk.max)
            reverse(walk.links, begin, *walk.count);
    }
    size_t begin = *walk.count;
    for (uint32_t u = b; u != top_b; u = paths->up[u])
        walk_add(&walk, paths->up_link[u]);
    if (walk.links && *walk.count <= walk.max)
        reverse(walk.links, begin, *walk.count);
    return (double)price / UNIT;
}

/* risks_priv.h - inside of the risks engine: the graph, its cuts, least-latency forests and what is
 * left of them without some elements. */
#ifndef SWAN_TWIN_RISKS_RISKS_PRIV_H
#define SWAN_TWIN_RISKS_RISKS_PRIV_H

#include "base/map.h"
#include "twin/risks/risks.h"

#define RISKS_NONE UINT32_MAX
#define RISKS_UNIT 1e6 /* integers per ms: the contract's tolerance is one of them */

struct risks_half { /* one direction of a link */
    uint32_t to, link;
};

struct risks_group { /* elements that fail together */
    const char *id;
    enum risks_basis basis;
    uint32_t *members; /* nodes and links, rising */
    size_t count;
};

/* Elements are numbers: nodes first (sites, then access points), then links, then groups. */
struct risks_graph {
    const struct network *network;
    size_t sites, nodes, links;
    uint32_t *link_a, *link_b;
    uint32_t *first; /* nodes + 1 */
    struct risks_half *halves;
    struct risks_amount *amount; /* by node */
    struct map *by_name;         /* id → node + 1 */
    struct risks_group *groups;  /* declared ones first */
    size_t group_count, declared;
    uint32_t *group_first; /* nodes + links + 1: where the groups of an element begin in … */
    uint32_t *groups_of;
};
enum err_code risks_graph_init(struct risks_graph *graph, const struct network *network,
                               struct arena *arena, struct err *err);
void risks_graph_done(struct risks_graph *graph);
void risks_groups_init(struct risks_graph *graph, bool inferred, struct arena *arena);
uint32_t risks_graph_find(const struct risks_graph *graph, const char *id); /* RISKS_NONE if none */
struct risks_element risks_graph_element(const struct risks_graph *graph, uint32_t element,
                                         struct arena *arena);
void risks_amount_add(struct risks_amount *sum, const struct risks_amount *item);
void risks_amount_take(struct risks_amount *sum, const struct risks_amount *item);
bool risks_amount_is_larger(const struct risks_amount *a, const struct risks_amount *b);

/* ---- groups.c: what has failed ---- */
struct risks_gone { /* the members of a group instead of it; scratch of one graph */
    const struct risks_graph *graph;
    uint32_t epoch, *stamp; /* stamp[e] == epoch: e has failed */
    uint32_t *items;
    size_t count;
};
void risks_gone_init(struct risks_gone *gone, const struct risks_graph *graph, struct arena *arena);
/* Nothing else has failed then. */
void risks_gone_set(struct risks_gone *gone, const uint32_t *elements, size_t count);
static inline bool risks_is_gone(const struct risks_gone *gone, uint32_t element)
{
    return gone->stamp[element] == gone->epoch;
}

/* ---- cuts.c: articulation points and bridges ---- */
struct risks_cut {
    uint32_t pieces; /* that its removal makes of its component; below 2 nothing is cut */
    struct risks_amount off;
    uint32_t dark; /* sites in pieces without an access point, of components that have one */
};
struct risks_cutter { /* scratch of one graph, used again and again */
    const struct risks_graph *graph;
    uint32_t *order, *low, *next, *parent_link, *visited, *stack;
    struct risks_amount *below, *largest, *parted;
    uint32_t *parted_dark;
    struct risks_cut *cut; /* by element: the result */
};
void risks_cutter_init(struct risks_cutter *cutter, const struct risks_graph *graph,
                       struct arena *arena);
/* For every element of the graph without `gone` (RISKS_NONE = whole); cut[gone] is all zero. */
void risks_cutter_run(struct risks_cutter *cutter, uint32_t gone);

/* ---- forest.c: least-latency trees ---- */
struct risks_way {    /* compared member by member, in this order */
    uint32_t unknown; /* links without a latency */
    uint32_t links;   /* compared last */
    int64_t latency;  /* of the others, 1e-6 ms */
    int64_t price;
};
#define RISKS_UNREACHED ((struct risks_way){UINT32_MAX, 0, 0, 0})
bool risks_way_less(const struct risks_way *a, const struct risks_way *b);
struct risks_way risks_way_on(const struct risks_graph *graph, const struct risks_way *way,
                              uint32_t link);

struct risks_forest { /* the least way from the nearest root to each node */
    const struct risks_graph *graph;
    struct risks_way *way;
    uint32_t *parent, *parent_link; /* RISKS_NONE at roots and where nothing leads */
    uint32_t *order, *in, *out;     /* below v, v included: order[in[v]] … order[out[v] - 1] */
};
void risks_forest_init(struct risks_forest *forest, const struct risks_graph *graph,
                       const uint32_t *roots, size_t count, struct arena *arena);

struct risks_heap_item {
    struct risks_way way;
    uint32_t node;
};
struct risks_heap {
    struct risks_heap_item *items;
    size_t count;
    uint32_t *place; /* by node: position + 1; 0 = not in it */
};
void risks_heap_push(struct risks_heap *heap, struct risks_way way, uint32_t node);
uint32_t risks_heap_pop(struct risks_heap *heap);
void risks_heap_clear(struct risks_heap *heap);

struct risks_rest { /* a forest without some elements: nodes it does not list are as before */
    const struct risks_forest *forest;
    uint32_t epoch, *stamp; /* stamp[v] == epoch: changed */
    uint32_t *changed;
    size_t count;
    struct risks_way *way;
    uint32_t *parent, *parent_link;
    struct risks_heap heap;
};
void risks_rest_init(struct risks_rest *rest, const struct risks_graph *graph, struct arena *arena);
/* O(nodes below the elements · degree · log). */
void risks_rest_without(struct risks_rest *rest, const struct risks_forest *forest,
                        const struct risks_gone *gone);
static inline bool risks_rest_is_changed(const struct risks_rest *rest, uint32_t node)
{
    return rest->stamp[node] == rest->epoch;
}

/* ---- detour.c: one node's way without some elements ---- */
struct risks_step {
    uint32_t node, link; /* over that link to that node */
};
struct risks_span { /* what is below a failed element */
    uint32_t in, out;
};
struct risks_detour { /* scratch */
    const struct risks_graph *graph;
    const struct risks_forest *forest; /* of the spans */
    uint32_t gone_epoch;
    struct risks_span *spans; /* rising, apart from each other */
    size_t span_count;
    uint32_t epoch, *stamp;
    struct risks_way *way; /* from the target */
    struct risks_step *came, *steps;
    struct risks_heap heap;
};
void risks_detour_init(struct risks_detour *detour, const struct risks_graph *graph,
                       struct arena *arena);
/* The way (RISKS_UNREACHED if none), and in detour->steps its steps from the target to a root;
 * returns how many.  One detour goes with one `gone`. */
size_t risks_detour_find(struct risks_detour *detour, const struct risks_forest *forest,
                         const struct risks_gone *gone, uint32_t target, struct risks_way *ret_way);

/* ---- the parts of an answer ---- */
struct risks_work {
    const struct risks_input *input;
    struct risks_graph graph;
    struct risks_cutter cutter;
    struct risks_gone gone;
    struct risks_answer *answer;
    struct arena *arena;
};
struct risks_finding *risks_add(struct risks_work *work, enum risks_kind kind,
                                enum risks_severity severity, enum risks_reason reason);
void risks_note(struct risks_work *work, const char *text);
void risks_find_cuts(struct risks_work *work);
void risks_find_group_cuts(struct risks_work *work);
void risks_find_slower(struct risks_work *work);
void risks_find_dark_pairs(struct risks_work *work, const struct risks_forest *forest);
enum err_code risks_find_services(struct risks_work *work, struct err *err);
enum err_code risks_find_capacity(struct risks_work *work, struct err *err);

#endif

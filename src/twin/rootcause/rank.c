/* rank.c - one window looked at: excursions, what explains them, paths from the symptom, scores.
 *
 * Contract: scores are finite and not negative; equal input gives equal ranks whatever the order of
 * columns, because ties go by the entity's name.  O(series × window + anomalous series × their
 * neighbours' series × window + edges log edges). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/rootcause/rootcause_priv.h"

#define PAD_LEAST 6        /* rows before the window that correlations see … */
#define PAD_MOST 60        /* … at least and at most */
#define ALONE 0.1          /* what a series says that did not move with the symptom */
#define OUTSIDE 0.35       /* what a thing that only others see may be blamed */
#define NO_PATH 0.35       /* what a thing without a path to the symptom may be blamed */
#define SYMPTOM 0.5        /* without a topology: the symptom is where it was seen, not why */
#define ENOUGH 6.0         /* severities far above this say little more than this */
#define UNHEARD 0.7        /* what silence says: no shape that could be compared */
#define SECOND 0.25        /* what another class of metric adds */
#define QUIET_PATH 1.2     /* from a voter by quiet conduits to what they share */
#define LOOSE_PATH 0.8     /* of a carrier that nothing ties to anything */
#define RIVAL 0.5          /* share of the first score from where candidates are compared */
#define RIVAL_DOUBTED 0.35 /* … where calls are likely to be missing */
#define RIVALS_MOST 12
#define POOR_PATH 0.3       /* through what is not ill, or the wrong way: the topology lacks one */
#define CHANGED 1.3         /* a change there shortly before */
#define CHANGE_BACK_S 3600. /* how long before its onset a change is a suspect */

void rootcause_view_init(const struct rootcause_model *model, struct rootcause_view *view,
                         struct arena *arena)
{
    size_t series = model->given->metrics.count, nodes = model->nodes_count;
    *view = (struct rootcause_view){0};
    view->excursion = arena_array(arena, series, sizeof *view->excursion);
    view->together = arena_array(arena, series, sizeof *view->together);
    view->explained = arena_array(arena, series, sizeof *view->explained);
    view->loaded = arena_array(arena, series, sizeof *view->loaded);
    view->anomalous = arena_array(arena, series, sizeof *view->anomalous);
    view->severity = arena_array(arena, nodes, sizeof *view->severity);
    view->service = arena_array(arena, nodes, sizeof *view->service);
    view->cost = arena_array(arena, nodes, sizeof *view->cost);
    view->before = arena_array(arena, nodes, sizeof *view->before);
    view->by = arena_array(arena, nodes, sizeof *view->by);
    view->score = arena_array(arena, nodes, sizeof *view->score);
    view->best_series = arena_array(arena, nodes, sizeof *view->best_series);
    view->rank = arena_array(arena, nodes, sizeof *view->rank);
    view->silent = arena_array(arena, nodes, sizeof *view->silent);
    view->demand = arena_array(arena, nodes, sizeof *view->demand);
    view->weight = arena_array(arena, nodes, sizeof *view->weight);
    view->carriers = arena_array(arena, nodes, sizeof *view->carriers);
    view->common = ROOTCAUSE_NONE;
    rootcause_count_users(model, view);
}

size_t rootcause_tolerance(const struct rootcause_model *model)
{
    size_t rows = (model->to - model->from) / 16;
    return rows < 1 ? 1 : rows > 5 ? 5 : rows;
}

size_t rootcause_onset_of(const struct rootcause_model *model, const struct rootcause_view *view,
                          size_t series)
{
    return telemetry_onset(&model->scores, series, view->pad, &view->excursion[series]);
}

/* Entities of which nothing is heard any more. */
static bool find_silent(const struct rootcause_model *model, struct rootcause_view *view)
{
    bool any = false;
    for (size_t n = 0; n < model->nodes_count; n++) {
        const struct rootcause_node *node = &model->nodes[n];
        size_t since = 0, heard = 0, silent = 0;
        view->silent[n] = ROOTCAUSE_NONE;
        for (size_t i = 0; i < node->count && heard == 0; i++) {
            size_t s = model->series[node->first + i];
            size_t row = telemetry_silence(&model->scores, s, view->to);
            bool last =
                !isnan(model->given->metrics.values[s * model->given->metrics.rows + view->to - 1]);
            heard += last;
            silent += row < view->to;
            since = row < view->to && row > since ? row : since;
        }
        if (heard || !silent)
            continue;
        any = true;
        view->silent[n] = since;
        view->severity[n] = fmax(view->severity[n], ROOTCAUSE_SILENCE);
        if (node->serves)
            view->service[n] = fmax(view->service[n], ROOTCAUSE_SILENCE);
    }
    return any;
}

static void find_excursions(const struct rootcause_model *model, struct rootcause_view *view)
{
    view->anomalous_count = 0;
    memset(view->severity, 0, model->nodes_count * sizeof *view->severity);
    memset(view->service, 0, model->nodes_count * sizeof *view->service);
    for (size_t s = 0; s < model->given->metrics.count; s++) {
        struct telemetry_excursion *x = &view->excursion[s];
        size_t node = model->node_of[s];
        telemetry_excursion_find(&model->scores, s, view->from, view->to, x);
        view->explained[s] = view->loaded[s] = 0;
        view->together[s] = 0;
        if (x->severity <= 0)
            continue;
        view->anomalous[view->anomalous_count++] = s;
        view->severity[node] = fmax(view->severity[node], x->severity);
        if (rootcause_is_felt(model->given->metrics.series[s].class))
            view->service[node] = fmax(view->service[node], x->severity);
        view->together[s] = 1;
        if (model->symptom_series != ROOTCAUSE_NONE && model->symptom_series != s)
            view->together[s] =
                fmax(0, telemetry_together(&model->scores, s, model->symptom_series, view->pad,
                                           view->to, view->to - view->pad > 20));
    }
}

/* ---- cheapest path from the symptom (Dijkstra) ---- */

struct heap {
    size_t *nodes;
    double *keys;
    size_t count;
};

static void heap_put(struct heap *heap, size_t node, double key)
{
    size_t i = heap->count++;
    for (; i > 0 && heap->keys[(i - 1) / 2] > key; i = (i - 1) / 2) {
        heap->keys[i] = heap->keys[(i - 1) / 2];
        heap->nodes[i] = heap->nodes[(i - 1) / 2];
    }
    heap->keys[i] = key;
    heap->nodes[i] = node;
}

static size_t heap_take(struct heap *heap, double *ret_key)
{
    size_t node = heap->nodes[0], i = 0;
    *ret_key = heap->keys[0];
    double key = heap->keys[--heap->count];
    size_t last = heap->nodes[heap->count];
    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        child += child + 1 < heap->count && heap->keys[child + 1] < heap->keys[child];
        if (heap->keys[child] >= key)
            break;
        heap->keys[i] = heap->keys[child];
        heap->nodes[i] = heap->nodes[child];
    }
    heap->keys[i] = key;
    heap->nodes[i] = last;
    return node;
}

static double step_cost(const struct rootcause_model *model, const struct rootcause_view *view,
                        const struct rootcause_influence *influence)
{
    static const double ways[] = {0, 0.03, 0.03, 0.15, 0.6, 0.1};
    const struct rootcause_node *cause = &model->nodes[influence->cause];
    double cost = ways[influence->way] + (1 - influence->confidence);
    /* what a callee's callers feel is its latency and its errors, not its processor */
    bool felt = influence->way == ROOTCAUSE_BY_CALLEE && cause->serves;
    double severity = (felt ? view->service : view->severity)[influence->cause];
    if (severity <= 0)
        cost += cause->observed ? 0.6 : 0.3;
    return cost;
}

static void find_paths(const struct rootcause_model *model, struct rootcause_view *view,
                       struct heap *heap)
{
    for (size_t n = 0; n < model->nodes_count; n++) {
        view->cost[n] = INFINITY;
        view->before[n] = view->by[n] = ROOTCAUSE_NONE;
    }
    heap->count = 0;
    view->cost[model->symptom_node] = 0;
    heap_put(heap, model->symptom_node, 0);
    while (heap->count) {
        double key;
        size_t node = heap_take(heap, &key);
        if (key > view->cost[node])
            continue;
        for (size_t i = 0; i < model->nodes[node].influence_count; i++) {
            size_t at = model->nodes[node].influences + i;
            const struct rootcause_influence *influence = &model->influences[at];
            double cost = key + step_cost(model, view, influence);
            size_t to = influence->cause;
            if (cost > view->cost[to] ||
                (cost == view->cost[to] &&
                 (view->before[to] == ROOTCAUSE_NONE ||
                  strcmp(model->nodes[node].id, model->nodes[view->before[to]].id) >= 0)))
                continue;
            bool shorter = cost < view->cost[to];
            view->cost[to] = cost;
            view->before[to] = node;
            view->by[to] = at;
            if (shorter)
                heap_put(heap, to, cost);
        }
    }
}

/* ---- scores ---- */

/* The part of what its callers feel of a thing that nothing else explains. */
static double own_harm(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t n)
{
    double most = 0;
    for (size_t i = 0; i < model->nodes[n].count; i++) {
        size_t s = model->series[model->nodes[n].first + i];
        if (view->excursion[s].severity > 0 &&
            rootcause_is_felt(model->given->metrics.series[s].class))
            most = fmax(most, 1 - view->explained[s]);
    }
    return most;
}

double rootcause_weigh(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t s)
{
    const struct telemetry_excursion *x = &view->excursion[s];
    double relevance = rootcause_relevance(model->symptom_class,
                                           model->given->metrics.series[s].class, x->score > 0);
    double severity = x->severity * ENOUGH / (x->severity + ENOUGH);
    const struct rootcause_node *node = &model->nodes[model->node_of[s]];
    /* a busy thing whose callers feel nothing that is its own can harm by its host alone */
    if (model->has_graph && node->serves &&
        model->given->metrics.series[s].class == TELEMETRY_RESOURCE)
        severity *= fmax(fmax(ALONE, own_harm(model, view, model->node_of[s])),
                         rootcause_tenant_share(model, view, s));
    return severity * relevance * (1 - view->explained[s]) *
           (ALONE + (1 - ALONE) * view->together[s]);
}

static bool changed_before(const struct rootcause_model *model, const struct rootcause_view *view,
                           size_t node)
{
    const struct rootcause_case *given = model->given;
    double onset = given->metrics.times[view->from];
    double end = given->metrics.times[view->to - 1];
    for (size_t i = 0; i < given->changes.count; i++)
        if (given->changes.items[i].time >= onset - CHANGE_BACK_S &&
            given->changes.items[i].time <= end &&
            strcmp(given->changes.items[i].entity, model->nodes[node].id) == 0)
            return true;
    return false;
}

/* Nothing can be compared of what is not heard; what stands on a silent host is silent with it. */
static double of_silence(const struct rootcause_model *model, const struct rootcause_view *view,
                         size_t n)
{
    double score = ROOTCAUSE_SILENCE * ENOUGH / (ROOTCAUSE_SILENCE + ENOUGH) * UNHEARD;
    for (size_t i = 0; i < model->nodes[n].influence_count; i++) {
        const struct rootcause_influence *influence =
            &model->influences[model->nodes[n].influences + i];
        if (influence->way == ROOTCAUSE_BY_HOST && view->silent[influence->cause] != ROOTCAUSE_NONE)
            return score * ALONE;
    }
    return score;
}

static double of_node(const struct rootcause_model *model, struct rootcause_view *view, size_t n)
{
    const struct rootcause_node *node = &model->nodes[n];
    double best = 0, second = 0;
    enum telemetry_class class = 0;
    view->best_series[n] = ROOTCAUSE_NONE;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < node->count; i++) {
            size_t s = model->series[node->first + i];
            if (view->excursion[s].severity <= 0)
                continue;
            double score = rootcause_weigh(model, view, s);
            const struct telemetry_series *series = &model->given->metrics.series[s];
            if (pass == 0 &&
                (view->best_series[n] == ROOTCAUSE_NONE || score > best ||
                 (score == best &&
                  strcmp(series->metric,
                         model->given->metrics.series[view->best_series[n]].metric) < 0))) {
                best = score;
                class = series->class;
                view->best_series[n] = s;
            } else if (pass == 1 && series->class != class) {
                second = fmax(second, score);
            }
        }
    double score = best + SECOND * second;
    if (view->silent[n] != ROOTCAUSE_NONE)
        score = fmax(score, of_silence(model, view, n));
    if (node->outside)
        score *= OUTSIDE;
    if (model->symptom_node != ROOTCAUSE_NONE && model->has_graph)
        score *= isinf(view->cost[n]) ? NO_PATH : fmax(NO_PATH, 1 / (1 + view->cost[n]));
    if (!model->told && model->symptom_node == n)
        score *= SYMPTOM; /* nothing tells what explains it, but something usually does */
    if (score > 0 && changed_before(model, view, n))
        score *= CHANGED;
    return score;
}

/* The carrier's own score, or that of its votes; the path ends where the nearest voter stands. */
static void of_common(const struct rootcause_model *model, struct rootcause_view *view)
{
    size_t n = view->common;
    double score = view->carriers[n].score, path = 1;
    if (view->carriers[n].loose)
        path = LOOSE_PATH;
    else if (model->symptom_node != ROOTCAUSE_NONE)
        path = isinf(view->cost[n]) ? NO_PATH
                                    : fmax(NO_PATH, 1 / (1 + fmax(0, view->cost[n] - QUIET_PATH)));
    if (score * path <= view->score[n]) {
        view->common = ROOTCAUSE_NONE; /* speaks for itself */
        return;
    }
    view->score[n] = score * path;
    if (view->severity[n] <= 0)
        view->best_series[n] = view->common_series;
}

struct ranked {
    double score;
    const char *id;
    size_t node;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* Several that nobody explains and that go together: a call between them may be missing from the
 * topology.  The one that the others' answer times could hold goes first. */
static void weigh_rivals(const struct rootcause_model *model, struct rootcause_view *view,
                         struct ranked *ranked)
{
    size_t count = 0;
    double left[RIVALS_MOST];
    while (count < view->rank_count && count < RIVALS_MOST &&
           ranked[count].score >= (model->doubted ? RIVAL_DOUBTED : RIVAL) * ranked[0].score)
        count++;
    for (size_t i = 0; i < count; i++) {
        left[i] = 1;
        for (size_t k = 0; k < count; k++)
            if (i != k && ranked[k].node != view->common && ranked[i].node != view->common &&
                view->cost[ranked[k].node] >= POOR_PATH)
                left[i] = fmin(left[i],
                               1 - rootcause_suppose(model, view, ranked[i].node, ranked[k].node));
    }
    for (size_t i = 0; i < count; i++)
        view->score[ranked[i].node] = ranked[i].score *= left[i];
}

double rootcause_look(const struct rootcause_model *model, struct rootcause_view *view, size_t from,
                      size_t to)
{
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, (size_t)1 << 30);
    size_t pad = to - from;
    pad = pad < PAD_LEAST ? PAD_LEAST : pad > PAD_MOST ? PAD_MOST : pad;
    view->from = from;
    view->to = to;
    view->pad = from > pad ? from - pad : 0;
    find_excursions(model, view);
    bool any_silent = find_silent(model, view);
    view->rank_count = 0;
    if (view->anomalous_count == 0 && !any_silent)
        return 0;
    rootcause_explain(model, view);
    rootcause_find_common(model, view);
    if (model->symptom_node != ROOTCAUSE_NONE && model->has_graph) {
        size_t edges = 1;
        for (size_t n = 0; n < model->nodes_count; n++)
            edges += model->nodes[n].influence_count;
        struct heap heap = {arena_array(&scratch, edges, sizeof(size_t)),
                            arena_array(&scratch, edges, sizeof(double)), 0};
        find_paths(model, view, &heap);
    }
    struct ranked *ranked = arena_array(&scratch, model->nodes_count, sizeof *ranked);
    for (size_t n = 0; n < model->nodes_count; n++) {
        view->score[n] = view->severity[n] > 0 ? of_node(model, view, n) : 0;
        if (n == view->common)
            of_common(model, view);
        if (view->score[n] > 0)
            ranked[view->rank_count++] = (struct ranked){view->score[n], model->nodes[n].id, n};
    }
    qsort(ranked, view->rank_count, sizeof *ranked, by_score);
    double first = view->rank_count ? ranked[0].score : 0;
    if (model->has_graph && model->symptom_series != ROOTCAUSE_NONE) {
        weigh_rivals(model, view, ranked);
        qsort(ranked, view->rank_count, sizeof *ranked, by_score);
    }
    for (size_t i = 0; i < view->rank_count; i++)
        view->rank[i] = ranked[i].node;
    return first;
}

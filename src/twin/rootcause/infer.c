/* infer.c - who calls whom and what runs where, read from the history of the metrics.
 *
 * Contract: only rows before the window are looked at, so a fault cannot tell lies about its ways.
 * Requests are conserved: a service's requests are the sum of what its callers cause, and a
 * caller's requests in progress hold those of its callees (Little 1961), which tells the direction.
 * A host's use is the sum of its tenants'.  O(series² × rows) for at most SERVICES_MOST of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "twin/rootcause/rootcause_priv.h"
#include "twin/rootcause/sparse.h"

#define ROWS_LEAST 60     /* of history */
#define ROWS_MOST 1000    /* the last ones */
#define ROWS_WORTH 40.0   /* rows that a fit must be worth */
#define SERVICES_MOST 512 /* beyond, those that are farthest outside in the window */
#define PRESENT 0.97     /* of the history, to be a part: gaps are bridged, which is not counting */
#define BOUND 1.03       /* means are not exact */
#define ROOMY 1.5        /* times what a call needs of its caller's answer time */
#define ROUNDS 4         /* of fitting without the calls that proved wrong */
#define DECLARED 3.0     /* favour of what the topology tells */
#define SHARE_LEAST 0.04 /* of the callee's requests that an inferred caller causes */
#define NONE_SHARE 0.25  /* less than this of the callee's requests, and … */
#define NONE_CALLS 0.15  /* … of the caller's: such a call is not there */
#define WHOLE 0.8        /* share of the callee's requests from where all is accounted for */
#define TWINS 0.02       /* square left over below which two series are one */
#define ONE 0.998        /* squared correlation of two series that are one */
#define TWINS_MOST 0.2   /* of all series: beyond, calls are not told from requests */
#define LOOSE 0.6        /* … and above which they have little to do with each other */
#define TIED_LEAST 0.5   /* of what serves: less is no graph */
#define SURE 2.5         /* errors beyond the estimate that count as possible */
#define HALF_SURE 8.0    /* certainty that makes a confidence of one half */
#define CONFIDENCE_MOST 0.95
#define AGAINST 0.1 /* confidence of a contradicted call */

struct inference {
    struct rootcause_model *model;
    struct arena *arena;
    size_t *nodes, count; /* that are parts */
    struct rootcause_parts parts;
    double *most, *favour, *target;
    double *answers;           /* [part] mean answer time, 0 = not told */
    size_t *place;             /* [node] among nodes, or NONE */
    size_t *told_first, *told; /* declared ties by callee: told[told_first[part]] and on */
    size_t first_row, rows;
};

static double mean_of(const struct rootcause_model *model, size_t series)
{
    const double *values = model->given->metrics.values + series * model->given->metrics.rows;
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < model->base; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            count++;
        }
    return count ? sum / (double)count : 0;
}

/* The series of answer times that comes nearest to a mean; NONE without one. */
static size_t answer_time(const struct rootcause_model *model, size_t node)
{
    static const char *const names[] = {"avg", "average", "mean", "p50", "median", ""};
    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        for (size_t i = 0; i < model->nodes[node].count; i++) {
            size_t s = model->series[model->nodes[node].first + i];
            const struct telemetry_series *series = &model->given->metrics.series[s];
            if (series->class == TELEMETRY_LATENCY && model->scores.normal[s].known &&
                strcasestr(series->metric, names[k]))
                return s;
        }
    return ROOTCAUSE_NONE;
}

static bool is_part(const struct rootcause_model *model, size_t series)
{
    return series != ROOTCAUSE_NONE && model->scores.normal[series].known &&
           model->scores.normal[series].present >= PRESENT && mean_of(model, series) > 0;
}

static void copy_history(const struct inference *in, size_t series, double *out)
{
    const struct telemetry_table *table = &in->model->given->metrics;
    memcpy(out, table->values + series * table->rows + in->first_row, in->rows * sizeof *out);
}

struct outside {
    double severity;
    size_t node;
};

static int by_severity(const void *a, const void *b)
{
    const struct outside *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Of too many services, the symptom's and those that are farthest outside of their history. */
static void keep_farthest(struct inference *in)
{
    const struct rootcause_model *model = in->model;
    if (in->count <= SERVICES_MOST)
        return;
    struct outside *order = arena_array(in->arena, in->count, sizeof *order);
    for (size_t k = 0; k < in->count; k++) {
        const struct rootcause_node *node = &model->nodes[in->nodes[k]];
        order[k] =
            (struct outside){in->nodes[k] == model->symptom_node ? INFINITY : 0, in->nodes[k]};
        for (size_t i = 0; i < node->count; i++) {
            struct telemetry_excursion x;
            telemetry_excursion_find(&model->scores, model->series[node->first + i], model->from,
                                     model->to, &x);
            order[k].severity = fmax(order[k].severity, x.severity);
        }
    }
    qsort(order, in->count, sizeof *order, by_severity);
    in->count = SERVICES_MOST;
    for (size_t k = 0; k < in->count; k++)
        in->nodes[k] = order[k].node;
}

static bool begin(struct inference *in, struct rootcause_model *model, struct arena *arena)
{
    *in = (struct inference){.model = model, .arena = arena};
    in->rows = model->base < ROWS_MOST ? model->base : ROWS_MOST;
    in->first_row = model->base - in->rows;
    if (in->rows < ROWS_LEAST)
        return false;
    in->nodes = arena_array(arena, model->nodes_count, sizeof *in->nodes);
    in->place = arena_array(arena, model->nodes_count, sizeof *in->place);
    for (size_t n = 0; n < model->nodes_count; n++)
        in->place[n] = ROOTCAUSE_NONE;
    in->target = arena_array(arena, in->rows, sizeof *in->target);
    return true;
}

static void ready(struct inference *in)
{
    in->most = arena_array(in->arena, in->count, sizeof *in->most);
    in->favour = arena_array(in->arena, in->count, sizeof *in->favour);
    rootcause_parts_ready(&in->parts);
}

static double confidence_of(double certain)
{
    double square = certain * certain;
    return CONFIDENCE_MOST * square / (square + HALF_SURE * HALF_SURE);
}

static struct rootcause_tie *add_tie(struct rootcause_model *model, size_t from, size_t to,
                                     enum rootcause_relation relation, double confidence,
                                     struct arena *arena)
{
    struct rootcause_tie *tie = LIST_ADD(arena, &model->ties);
    *tie = (struct rootcause_tie){from, to, relation, confidence, true, false};
    return tie;
}

/* ---- calls ---- */

/* How often a caller can call at most for one request, so that its requests in progress hold those
 * of the callee; infinite when answer times are not told. */
static double calls_most(const struct inference *in, size_t caller, size_t callee)
{
    double own = in->answers[caller], other = in->answers[callee];
    return own > 0 && other > 0 ? BOUND * own / other : INFINITY;
}

static bool is_call(const struct rootcause_tie *tie)
{
    return tie->relation == ROOTCAUSE_CALLS || tie->relation == ROOTCAUSE_DEPENDS_ON;
}

struct call {              /* one that a fit found */
    size_t caller, callee; /* parts */
    double share;          /* of the callee's requests */
    double certain;
    double rank; /* the share, less where answer times hardly leave room for it */
    bool declared;
};

struct calls {
    LIST(struct call) found;
    struct rootcause_fit *fits; /* [part] */
    bool *barred;               /* [callee * count + caller] */
    size_t *stack;              /* of the search for circles */
    bool *seen;
};

static void sort_declared(struct inference *in)
{
    const struct rootcause_model *model = in->model;
    size_t *next = arena_array(in->arena, in->count + 1, sizeof *next);
    in->told_first = arena_array(in->arena, in->count + 1, sizeof *in->told_first);
    in->told = arena_array(in->arena, model->ties.count + 1, sizeof *in->told);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t e = 0; e < model->ties.count; e++) {
            const struct rootcause_tie *tie = &model->ties.items[e];
            size_t callee = in->place[tie->to];
            if (!is_call(tie) || tie->from == tie->to || callee == ROOTCAUSE_NONE)
                continue;
            if (pass)
                in->told[next[callee]++] = e;
            else
                in->told_first[callee + 1]++;
        }
        for (size_t k = 0; !pass && k < in->count; k++)
            next[k + 1] = in->told_first[k + 1] += in->told_first[k];
    }
}

static void fit_callers(struct inference *in, struct calls *calls, size_t at)
{
    const struct rootcause_model *model = in->model;
    double requests = in->parts.means[at];
    struct rootcause_fit *fit = &calls->fits[at];
    memcpy(in->target, in->parts.values + at * in->rows, in->rows * sizeof *in->target);
    for (size_t k = 0; k < in->count; k++) {
        in->most[k] = fmin(BOUND * requests / in->parts.means[k], calls_most(in, k, at));
        in->favour[k] = 1;
        in->parts.closed[k] = k == at || model->nodes[in->nodes[k]].remote ||
                              in->parts.products[k * in->count + k] <= 0 ||
                              calls->barred[at * in->count + k];
    }
    for (size_t i = in->told_first[at]; i < in->told_first[at + 1]; i++) {
        size_t caller = in->place[model->ties.items[in->told[i]].from];
        if (caller == ROOTCAUSE_NONE)
            continue;
        in->favour[caller] = DECLARED;
        in->most[caller] = INFINITY;
    }
    rootcause_fit_parts(&in->parts, in->target, requests, in->most, in->favour, fit);
    if (fit->rows < ROWS_WORTH)
        fit->count = 0;
    for (size_t m = 0; m < fit->count; m++) {
        size_t caller = fit->part[m];
        double share = fit->weight[m] * in->parts.means[caller] / requests;
        double slack = calls_most(in, caller, at) / fit->weight[m];
        *LIST_ADD(in->arena, &calls->found) = (struct call){.caller = caller,
                                                            .callee = at,
                                                            .share = share,
                                                            .certain = fit->certain[m],
                                                            .rank = share * fmin(1, slack / ROOMY),
                                                            .declared = in->favour[caller] > 1};
    }
}

static int by_rank(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    if (x->declared != y->declared)
        return x->declared ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return x->callee != y->callee ? (x->callee > y->callee) - (x->callee < y->callee)
                                  : (x->caller > y->caller) - (x->caller < y->caller);
}

/* Is there a way of accepted calls from one to the other? */
static bool leads_to(struct calls *calls, const size_t *heads, const size_t *after, size_t count,
                     size_t from, size_t to)
{
    size_t depth = 0;
    memset(calls->seen, 0, count * sizeof *calls->seen);
    calls->stack[depth++] = from;
    calls->seen[from] = true;
    while (depth) {
        size_t at = calls->stack[--depth];
        if (at == to)
            return true;
        for (size_t e = heads[at]; e; e = after[e - 1]) {
            size_t next = calls->found.items[e - 1].callee;
            if (!calls->seen[next]) {
                calls->seen[next] = true;
                calls->stack[depth++] = next;
            }
        }
    }
    return false;
}

/* A callee tells of its caller as the caller does of the callee: in a circle, the call that brings
 * the least of its callee's requests is the false one.  True when one was barred. */
static bool break_circles(struct inference *in, struct calls *calls)
{
    bool any = false;
    size_t count = calls->found.count;
    if (count == 0)
        return false;
    qsort(calls->found.items, count, sizeof *calls->found.items, by_rank);
    size_t *heads = arena_array(in->arena, in->count, sizeof *heads);
    size_t *after = arena_array(in->arena, count + 1, sizeof *after);
    for (size_t e = 0; e < count; e++) {
        const struct call *call = &calls->found.items[e];
        if (!call->declared &&
            leads_to(calls, heads, after, in->count, call->callee, call->caller)) {
            calls->barred[call->callee * in->count + call->caller] = any = true;
            continue;
        }
        after[e] = heads[call->caller];
        heads[call->caller] = e + 1;
    }
    return any;
}

/* Share of the callee's requests that the fit puts down to the part; 0 when it was not chosen. */
static double share_of(const struct inference *in, const struct rootcause_fit *fit, size_t at,
                       size_t part)
{
    for (size_t m = 0; m < fit->count; m++)
        if (fit->part[m] == part)
            return fit->weight[m] * in->parts.means[part] / in->parts.means[at];
    return 0;
}

/* Declared callers are contradicted where the callee's requests are all accounted for without them.
 * Not where one series is the twin of another: then anything besides is told nothing of.  Returns
 * the share that is left for callers that nobody told of. */
static double doubt_declared(struct inference *in, const struct calls *calls, size_t at)
{
    struct rootcause_model *model = in->model;
    const struct rootcause_fit *fit = &calls->fits[at];
    double told = 0, whole = 0, square = in->parts.products[at * in->count + at];
    bool open = false; /* is there one of which nothing can be said? */
    memcpy(in->target, in->parts.values + at * in->rows, in->rows * sizeof *in->target);
    for (size_t m = 0; m < fit->count; m++)
        whole += fit->weight[m] * in->parts.means[fit->part[m]] / in->parts.means[at];
    double left = fit->error * fit->error * (double)in->rows / square;
    bool clear = fit->count && whole > WHOLE && whole < 2 - WHOLE && left > TWINS && left < LOOSE;
    for (size_t i = in->told_first[at]; i < in->told_first[at + 1]; i++) {
        struct rootcause_tie *tie = &model->ties.items[in->told[i]];
        double weight, error;
        if (tie->against)
            continue;
        size_t part = in->place[tie->from];
        double share = part == ROOTCAUSE_NONE ? 0 : share_of(in, fit, at, part);
        told += share;
        if (share > 0)
            continue;
        if (clear && part != ROOTCAUSE_NONE &&
            rootcause_fit_more(&in->parts, in->target, fit, part, &weight, &error)) {
            double possible = fmax(0, weight) + SURE * error;
            share = possible * in->parts.means[part] / in->parts.means[at];
            tie->against = possible < NONE_CALLS || (share < NONE_SHARE && weight < 2 * error);
            model->contradicted += tie->against;
            tie->confidence = tie->against ? AGAINST : 1;
        }
        open = open || !tie->against;
    }
    return open ? 0 : 1 - told;
}

/* Where many series are one, as of calls made exactly once for each request, nothing but a topology
 * tells which of them calls which. */
static bool has_twins(const struct inference *in)
{
    size_t twins = 0;
    for (size_t i = 0; i < in->count; i++) {
        double own = in->parts.products[i * in->count + i];
        bool twin = false;
        for (size_t k = 0; k < in->count && !twin; k++) {
            double both = in->parts.products[i * in->count + k];
            twin = k != i && both > 0 &&
                   both * both >= ONE * own * in->parts.products[k * in->count + k];
        }
        twins += twin && own > 0;
    }
    return (double)twins > TWINS_MOST * (double)in->count;
}

static void find_calls(struct inference *in)
{
    struct rootcause_model *model = in->model;
    struct arena *arena = in->arena;
    sort_declared(in);
    struct calls calls = {.fits = arena_array(arena, in->count, sizeof *calls.fits),
                          .barred = arena_array(arena, in->count * in->count, sizeof(bool)),
                          .stack = arena_array(arena, in->count, sizeof(size_t)),
                          .seen = arena_array(arena, in->count, sizeof(bool))};
    for (int round = 0; round < ROUNDS; round++) {
        calls.found.count = 0;
        for (size_t k = 0; k < in->count; k++)
            if (in->parts.products[k * in->count + k] > 0)
                fit_callers(in, &calls, k);
        if (!break_circles(in, &calls))
            break;
    }
    double *room = arena_array(arena, in->count, sizeof *room);
    for (size_t k = 0; k < in->count; k++)
        room[k] = doubt_declared(in, &calls, k);
    for (size_t i = 0; i < calls.found.count; i++) {
        const struct call *call = &calls.found.items[i];
        if (!call->declared && call->share >= SHARE_LEAST && room[call->callee] > 1 - WHOLE &&
            !calls.barred[call->callee * in->count + call->caller])
            add_tie(model, in->nodes[call->caller], in->nodes[call->callee], ROOTCAUSE_CALLS,
                    confidence_of(call->certain), arena);
    }
}

static void infer_calls(struct rootcause_model *model, struct arena *arena)
{
    struct inference in;
    if (!begin(&in, model, arena))
        return;
    for (size_t n = 0; n < model->nodes_count; n++)
        if (is_part(model, model->traffic[n]))
            in.nodes[in.count++] = n;
    keep_farthest(&in);
    rootcause_parts_init(&in.parts, in.count, in.rows, arena);
    in.answers = arena_array(arena, in.count, sizeof *in.answers);
    for (size_t k = 0; k < in.count; k++) {
        size_t answer = answer_time(model, in.nodes[k]);
        in.answers[k] = answer == ROOTCAUSE_NONE ? 0 : mean_of(model, answer);
        in.place[in.nodes[k]] = k;
        copy_history(&in, model->traffic[in.nodes[k]], in.parts.values + k * in.rows);
    }
    ready(&in);
    if (model->told || !has_twins(&in))
        find_calls(&in);
}

/* ---- hosts ---- */

static size_t series_named(const struct rootcause_model *model, size_t node, const char *metric)
{
    for (size_t i = 0; i < model->nodes[node].count; i++) {
        size_t s = model->series[model->nodes[node].first + i];
        if (str_eq(model->given->metrics.series[s].metric, metric))
            return s;
    }
    return ROOTCAUSE_NONE;
}

/* What serves nobody itself, and of which the same is measured as of those that do: a host. */
static size_t host_series(const struct rootcause_model *model, size_t node)
{
    for (size_t i = 0; i < model->nodes[node].count; i++) {
        size_t s = model->series[model->nodes[node].first + i];
        if (!model->nodes[node].serves && model->traffic[node] == ROOTCAUSE_NONE &&
            model->given->metrics.series[s].class == TELEMETRY_RESOURCE &&
            strcasestr(model->given->metrics.series[s].metric, "cpu") && is_part(model, s))
            return s;
    }
    return ROOTCAUSE_NONE;
}

static bool *find_hosted(const struct rootcause_model *model, struct arena *arena)
{
    bool *hosted = arena_array(arena, model->nodes_count, sizeof *hosted);
    for (size_t e = 0; e < model->ties.count; e++) {
        const struct rootcause_tie *tie = &model->ties.items[e];
        if (tie->relation == ROOTCAUSE_RUNS_ON)
            hosted[tie->from] = true;
        else if (tie->relation == ROOTCAUSE_HOSTS)
            hosted[tie->to] = true;
    }
    return hosted;
}

struct lodging {
    size_t host;
    double certain;
};

static void infer_hosts(struct rootcause_model *model, struct arena *arena)
{
    struct inference in;
    const char *metric = NULL;
    if (!begin(&in, model, arena))
        return;
    const bool *hosted = find_hosted(model, arena);
    struct lodging *lodging = arena_array(arena, model->nodes_count, sizeof *lodging);
    for (size_t n = 0; n < model->nodes_count && !metric; n++) {
        size_t s = host_series(model, n);
        if (s != ROOTCAUSE_NONE)
            metric = model->given->metrics.series[s].metric;
    }
    for (size_t n = 0; metric && n < model->nodes_count; n++) {
        size_t s = series_named(model, n, metric);
        if (model->nodes[n].serves && s != ROOTCAUSE_NONE && is_part(model, s) && !hosted[n])
            in.nodes[in.count++] = n;
    }
    if (in.count == 0)
        return;
    keep_farthest(&in);
    rootcause_parts_init(&in.parts, in.count, in.rows, arena);
    for (size_t k = 0; k < in.count; k++)
        copy_history(&in, series_named(model, in.nodes[k], metric), in.parts.values + k * in.rows);
    ready(&in);
    memset(in.parts.means, 0, in.count * sizeof *in.parts.means);
    for (size_t n = 0; n < model->nodes_count; n++) {
        size_t s = host_series(model, n);
        struct rootcause_fit fit;
        if (s == ROOTCAUSE_NONE)
            continue;
        copy_history(&in, s, in.target);
        double mean;
        if (!rootcause_centre(in.target, in.rows, &mean))
            continue;
        for (size_t k = 0; k < in.count; k++) {
            in.most[k] = INFINITY;
            in.favour[k] = 1;
            in.parts.closed[k] = in.parts.products[k * in.count + k] <= 0;
        }
        rootcause_fit_parts(&in.parts, in.target, 0, in.most, in.favour, &fit);
        for (size_t m = 0; m < fit.count && fit.rows >= ROWS_WORTH; m++) {
            struct lodging *l = &lodging[in.nodes[fit.part[m]]];
            if (fit.certain[m] > l->certain)
                *l = (struct lodging){n, fit.certain[m]};
        }
    }
    for (size_t k = 0; k < in.count; k++) {
        const struct lodging *l = &lodging[in.nodes[k]];
        if (l->certain > 0)
            add_tie(model, in.nodes[k], l->host, ROOTCAUSE_RUNS_ON, confidence_of(l->certain),
                    arena);
    }
}

/* A tie here and there is chance rather than a graph. */
static bool is_graph(const struct rootcause_model *model, struct arena *arena)
{
    bool *tied = arena_array(arena, model->nodes_count, sizeof *tied);
    size_t count = 0, serving = 0;
    for (size_t e = 0; e < model->ties.count; e++)
        tied[model->ties.items[e].from] = tied[model->ties.items[e].to] = true;
    for (size_t n = 0; n < model->nodes_count; n++) {
        serving += model->nodes[n].serves;
        count += model->nodes[n].serves && tied[n];
    }
    return (double)count >= TIED_LEAST * (double)serving;
}

void rootcause_infer(struct rootcause_model *model, struct arena *arena)
{
    infer_calls(model, arena);
    infer_hosts(model, arena);
    if (!model->told && !is_graph(model, arena))
        model->ties.count = 0;
}

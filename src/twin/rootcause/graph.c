/* graph.c - entities, their series and who may make whom worse.
 *
 * Contract: every entity of the metrics and of the topology is a node once; influences of one
 * effect stand together; edges that the history speaks against are marked, not removed.
 * O(series + edges). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "twin/rootcause/rootcause_priv.h"

#define LOOKBACK_S 600.0      /* an alarm is late by less than this … */
#define LOOKBACK_SHARE 0.2    /* … and by less than this share of the history */
#define AFTER_S 1800.0        /* later rows tell of repair, not of cause */
#define AFTER_ROWS 24         /* but so many are looked at however long their steps are */
#define HISTORY_LEAST 8       /* rows */
#define CONTRADICTION 0.2     /* requests of two ends that move together less than this … */
#define AGREEMENT 0.5         /* … while requests in this case usually do so more than this */
#define CONTRADICTION_ROWS 30 /* of history, at least */
#define DOUBT_LEAST 2    /* contradicted calls from where the topology as a whole is doubted … */
#define DOUBT_SHARE 0.04 /* … and this share of all */
#define MEMORY_LEAST 0.5 /* load that follows itself from row to row: no mere noise */

/* ---- nodes ---- */

static size_t node_named(struct map *ids, const char *id, struct rootcause_model *model)
{
    size_t place = (size_t)map_find(ids, id);
    if (!place) {
        place = ++model->nodes_count;
        model->nodes[place - 1] = (struct rootcause_node){.id = id};
        map_put(ids, id, (void *)place);
    }
    return place - 1;
}

/* Seen by those who call it, or calling only: nothing of its own is measured there. */
static bool is_outside(const char *id, const char *kind)
{
    static const char *const kinds[] = {"remote", "client", "external", "user", "internet"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kind && strcasecmp(kind, kinds[i]) == 0)
            return true;
    return !kind && (str_has_suffix(id, "_client") || str_has_suffix(id, "_remote"));
}

static void note_kind(struct rootcause_node *node, const char *kind)
{
    node->outside = is_outside(node->id, kind);
    node->remote = kind ? strcasecmp(kind, "remote") == 0 : str_has_suffix(node->id, "_remote");
}

bool rootcause_is_felt(enum telemetry_class class)
{
    return class == TELEMETRY_LATENCY || class == TELEMETRY_ERRORS ||
           class == TELEMETRY_AVAILABILITY;
}

static void place_series(struct rootcause_model *model, struct map *ids, struct arena *arena)
{
    const struct telemetry_table *table = &model->given->metrics;
    model->node_of = arena_array(arena, table->count, sizeof *model->node_of);
    model->series = arena_array(arena, table->count, sizeof *model->series);
    for (size_t s = 0; s < table->count; s++) {
        model->node_of[s] = node_named(ids, table->series[s].entity, model);
        model->nodes[model->node_of[s]].count++;
    }
    size_t at = 0;
    for (size_t n = 0; n < model->nodes_count; n++) {
        model->nodes[n].first = at;
        at += model->nodes[n].count;
        model->nodes[n].observed = model->nodes[n].count > 0;
        model->nodes[n].count = 0;
    }
    model->traffic = arena_array(arena, model->nodes_count, sizeof *model->traffic);
    for (size_t n = 0; n < model->nodes_count; n++)
        model->traffic[n] = ROOTCAUSE_NONE;
    for (size_t s = 0; s < table->count; s++) {
        struct rootcause_node *node = &model->nodes[model->node_of[s]];
        size_t *traffic = &model->traffic[model->node_of[s]];
        model->series[node->first + node->count++] = s;
        node->serves = node->serves || rootcause_is_felt(table->series[s].class);
        if (table->series[s].class == TELEMETRY_TRAFFIC && *traffic == ROOTCAUSE_NONE)
            *traffic = s;
    }
}

/* ---- influences ---- */

static void count_or_put(struct rootcause_model *model, size_t *at, size_t effect, size_t cause,
                         enum rootcause_way way, const struct rootcause_tie *tie)
{
    if (model->influences)
        model->influences[at[effect]++] = (struct rootcause_influence){
            cause, way, tie->relation, tie->against, tie->inferred, tie->confidence};
    else
        model->nodes[effect].influence_count++;
}

static void add_tie(struct rootcause_model *model, size_t *at, const struct rootcause_tie *tie)
{
    size_t from = tie->from, to = tie->to;
    switch (tie->relation) {
    case ROOTCAUSE_CALLS:
    case ROOTCAUSE_DEPENDS_ON:
        count_or_put(model, at, from, to, ROOTCAUSE_BY_CALLEE, tie);
        count_or_put(model, at, to, from, ROOTCAUSE_BY_CALLER, tie);
        break;
    case ROOTCAUSE_RUNS_ON:
        count_or_put(model, at, from, to, ROOTCAUSE_BY_HOST, tie);
        count_or_put(model, at, to, from, ROOTCAUSE_BY_TENANT, tie);
        break;
    case ROOTCAUSE_HOSTS:
        count_or_put(model, at, to, from, ROOTCAUSE_BY_HOST, tie);
        count_or_put(model, at, from, to, ROOTCAUSE_BY_TENANT, tie);
        break;
    case ROOTCAUSE_CONNECTS:
        count_or_put(model, at, from, to, ROOTCAUSE_BY_LINK, tie);
        count_or_put(model, at, to, from, ROOTCAUSE_BY_LINK, tie);
        break;
    }
}

/* Correlation of a series with itself one row later, over the history. */
static double memory_of(const struct rootcause_model *model, size_t series)
{
    const float *row = model->scores.signed_score + series * model->given->metrics.rows;
    double n = 0, sum = 0, square = 0, next = 0;
    for (size_t i = 0; i < model->base; i++)
        if (!isnan(row[i])) {
            n++;
            sum += (double)row[i];
        }
    double mean = n > 0 ? sum / n : 0;
    for (size_t i = 0; i + 1 < model->base; i++)
        if (!isnan(row[i]) && !isnan(row[i + 1])) {
            square += ((double)row[i] - mean) * ((double)row[i] - mean);
            next += ((double)row[i] - mean) * ((double)row[i + 1] - mean);
        }
    return square > 0 ? next / square : 0;
}

/* How requests at both ends of a call moved together in the history; NAN = cannot be said. */
static double agreement(const struct rootcause_model *model, size_t from, size_t to)
{
    size_t a = model->traffic[from], b = model->traffic[to];
    if (a == ROOTCAUSE_NONE || b == ROOTCAUSE_NONE || model->base < CONTRADICTION_ROWS ||
        !model->scores.normal[a].known || !model->scores.normal[b].known)
        return (double)NAN;
    if (memory_of(model, a) < MEMORY_LEAST || memory_of(model, b) < MEMORY_LEAST)
        return (double)NAN; /* steady load: nothing to compare */
    return telemetry_together(&model->scores, a, b, 0, model->base, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Edges whose ends' loads are strangers while the case's calls usually carry load along. */
static void contradict(struct rootcause_model *model, struct arena *arena)
{
    size_t edges = model->ties.count, count = 0;
    double *values = arena_array(arena, edges, sizeof *values);
    double *known = arena_array(arena, edges, sizeof *known);
    for (size_t e = 0; e < edges; e++) {
        const struct rootcause_tie *tie = &model->ties.items[e];
        bool call = tie->relation == ROOTCAUSE_CALLS || tie->relation == ROOTCAUSE_DEPENDS_ON;
        values[e] = call ? agreement(model, tie->from, tie->to) : (double)NAN;
        if (!isnan(values[e]))
            known[count++] = values[e];
    }
    qsort(known, count, sizeof *known, by_value);
    if (count < 4 || known[count / 2] < AGREEMENT)
        return;
    for (size_t e = 0; e < edges; e++) {
        model->ties.items[e].against = values[e] < CONTRADICTION;
        model->contradicted += values[e] < CONTRADICTION;
    }
}

static void place_ties(struct rootcause_model *model, struct arena *arena)
{
    size_t total = 0, *at = arena_array(arena, model->nodes_count, sizeof *at);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t e = 0; e < model->ties.count; e++)
            add_tie(model, at, &model->ties.items[e]);
        if (pass)
            break;
        for (size_t n = 0; n < model->nodes_count; n++) {
            model->nodes[n].influences = at[n] = total;
            total += model->nodes[n].influence_count;
        }
        model->influences = arena_array(arena, total + 1, sizeof *model->influences);
    }
}

static bool is_doubted(const struct rootcause_model *model)
{
    size_t calls = 0;
    for (size_t e = 0; e < model->ties.count; e++)
        calls += !model->ties.items[e].inferred &&
                 (model->ties.items[e].relation == ROOTCAUSE_CALLS ||
                  model->ties.items[e].relation == ROOTCAUSE_DEPENDS_ON);
    return model->contradicted >= DOUBT_LEAST &&
           (double)model->contradicted >= DOUBT_SHARE * (double)calls;
}

/* Without a topology a link is tied to nothing: what it carries is not told by its metrics. */
static void find_loose(struct rootcause_model *model, struct arena *arena)
{
    if (model->told || !model->has_graph)
        return;
    model->loose = arena_array(arena, model->nodes_count, sizeof *model->loose);
    for (size_t n = 0; n < model->nodes_count; n++) {
        const struct rootcause_node *node = &model->nodes[n];
        if (node->influence_count == 0 && !node->serves && model->traffic[n] == ROOTCAUSE_NONE &&
            n != model->symptom_node)
            model->loose[model->loose_count++] = n;
    }
}

/* ---- the window ---- */

static size_t first_at(const struct telemetry_table *table, double time)
{
    size_t low = 0, high = table->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err_code choose_window(struct rootcause_model *model, struct err *err)
{
    const struct telemetry_table *table = &model->given->metrics;
    double alarm = model->given->alarm_time;
    double first = table->times[0], last = table->times[table->rows - 1];
    if (alarm < first || alarm > last + fmax(LOOKBACK_S, 2 * table->step_s)) {
        err_set(err, ERR_INVALID,
                "the alarm at %.0f lies outside of the metrics, which are from %.0f to %.0f", alarm,
                first, last);
        return err_hint(err, "give metrics from well before the alarm up to it");
    }
    size_t alarm_row = first_at(table, alarm);
    double back = fmin(fmax(LOOKBACK_S, 2 * table->step_s), LOOKBACK_SHARE * (alarm - first));
    model->from = first_at(table, alarm - back);
    size_t after = first_at(table, alarm + AFTER_S);
    size_t least = alarm_row + AFTER_ROWS;
    model->to = after > least ? after : least < table->rows ? least : table->rows;
    if (model->from >= model->to) /* the alarm came after the last row */
        model->from = model->to - 1;
    model->base = model->from;
    return ERR_OK;
}

static size_t persistence(size_t window)
{
    size_t rows = window / 16;
    return rows < 2 ? 2 : rows > 16 ? 16 : rows;
}

static void find_symptom(struct rootcause_model *model, struct map *ids)
{
    const struct rootcause_case *given = model->given;
    model->symptom_node = model->symptom_series = ROOTCAUSE_NONE;
    size_t place = given->symptom_entity ? (size_t)map_find(ids, given->symptom_entity) : 0;
    if (!place)
        return;
    model->symptom_node = place - 1;
    const struct rootcause_node *node = &model->nodes[place - 1];
    for (size_t i = 0; i < node->count; i++) {
        size_t s = model->series[node->first + i];
        if (given->symptom_metric &&
            str_eq(given->metrics.series[s].metric, given->symptom_metric)) {
            model->symptom_series = s;
            model->symptom_class = given->metrics.series[s].class;
        }
    }
}

enum err_code rootcause_model_init(const struct rootcause_case *given,
                                   struct rootcause_model *model, struct arena *arena,
                                   struct err *err)
{
    CLEANUP(map_free_at) struct map *ids = map_new();
    *model = (struct rootcause_model){
        .given = given, .told = given->edges.count > 0, .has_graph = given->edges.count > 0};
    enum err_code rc = choose_window(model, err);
    if (rc)
        return rc;
    size_t most = given->metrics.count + given->entities.count;
    model->nodes = arena_array(arena, most, sizeof *model->nodes);
    size_t *node_at = arena_array(arena, given->entities.count + 1, sizeof *node_at);
    for (size_t i = 0; i < given->entities.count; i++)
        node_at[i] = node_named(ids, given->entities.items[i].id, model);
    place_series(model, ids, arena);
    for (size_t n = 0; n < model->nodes_count; n++)
        note_kind(&model->nodes[n],
                  n < given->entities.count ? given->entities.items[n].kind : NULL);
    find_symptom(model, ids);
    if (model->base < HISTORY_LEAST)
        return arena_check(arena, err);
    size_t window = model->to - model->from;
    size_t part = model->base / 5;
    if ((rc = telemetry_score(&given->metrics, model->base,
                              persistence(window < part ? window : part), &model->scores, arena,
                              err)))
        return rc;
    for (size_t e = 0; e < given->edges.count; e++) {
        const struct rootcause_edge *edge = &given->edges.items[e];
        *LIST_ADD(arena, &model->ties) = (struct rootcause_tie){
            node_at[edge->from], node_at[edge->to], edge->relation, 1, false, false};
    }
    contradict(model, arena);
    rootcause_infer(model, arena);
    model->inferred = model->ties.count - given->edges.count;
    model->has_graph = model->ties.count > 0;
    model->doubted = model->told && is_doubted(model);
    place_ties(model, arena);
    find_loose(model, arena);
    return arena_check(arena, err);
}

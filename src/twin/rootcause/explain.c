/* explain.c - what a series shows because of a neighbour, or of the load on its own entity.
 *
 * Contract: shares are 0…1.  A neighbour explains only if it moved together with the effect and its
 * own change is large enough in natural units: a slow callee adds its delay to its callers, failed
 * calls fail their callers, a busy host slows what runs on it, more requests are more work. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "twin/rootcause/rootcause_priv.h"

#define TOGETHER_LEAST 0.3 /* less is no company */
#define ENOUGH 0.2         /* share of a change that a callee must add to explain half of it */
#define HALF 0.5           /* severity of a cause of another kind that explains half */
#define SUPPOSED 0.7       /* what a call that nobody told of explains at most */
#define SUPPOSE_LEAST 0.7  /* company that it takes to suppose one */
#define BY_SILENCE 0.7     /* what a callee or a host that fell silent explains */
#define SLOW_FAILS 0.9     /* time-outs, and threads that wait until none is left */
#define CHAIN_MOST 24      /* callers that a rise of requests is followed over */
#define AGAIN 0.8          /* of a rise of requests that callers' retries may be */
#define LATE 0.5           /* what an explanation is worth whose cause came later */

/* How well a change of class `cause` explains one of class `effect` over an influence. */
static double weight_of(enum rootcause_way way, enum telemetry_class effect, bool effect_rises,
                        enum telemetry_class cause, bool cause_rises)
{
    bool fails = effect == TELEMETRY_ERRORS || effect == TELEMETRY_AVAILABILITY;
    bool cause_fails = cause == TELEMETRY_ERRORS || cause == TELEMETRY_AVAILABILITY;
    bool slow = effect == TELEMETRY_LATENCY, cause_slow = cause == TELEMETRY_LATENCY;
    bool busy = effect == TELEMETRY_RESOURCE, cause_busy = cause == TELEMETRY_RESOURCE;
    switch (way) {
    case ROOTCAUSE_BY_CALLEE:
        if (slow)
            return cause_slow ? 1 : cause_fails ? 0.6 : cause_busy ? 0.5 : 0;
        if (fails)
            return cause_fails ? 1 : cause_slow ? SLOW_FAILS : cause_busy ? 0.5 : 0;
        if (busy) /* waiting threads hold memory and connections */
            return cause_slow || cause_fails ? 0.4 : 0;
        if (effect == TELEMETRY_TRAFFIC && !effect_rises)
            return cause_fails || cause_slow ? 0.5 : 0;
        return 0;
    case ROOTCAUSE_BY_HOST:
        return (slow || fails) && (cause_busy || cause_slow || cause_fails) ? 0.9 : 0;
    case ROOTCAUSE_BY_TENANT:
        return busy && cause_busy ? 0.9 : 0;
    case ROOTCAUSE_BY_CALLER:
        return effect == TELEMETRY_TRAFFIC && cause == TELEMETRY_TRAFFIC &&
                       effect_rises == cause_rises
                   ? 1
                   : 0;
    case ROOTCAUSE_BY_LINK:
        return (slow || fails) && (cause_busy || cause_slow || cause_fails) ? 0.8 : 0;
    }
    return 0;
}

/* Mean change over the window in natural units, in the direction of the excursion. */
static double change_of(const struct rootcause_model *model, const struct rootcause_view *view,
                        size_t series)
{
    const struct telemetry_scores *scores = &model->scores;
    const float *row = scores->signed_score + series * scores->table->rows;
    double side = view->excursion[series].score < 0 ? -1 : 1, sum = 0;
    size_t count = 0;
    for (size_t i = view->from; i < view->to; i++) {
        if (isnan(row[i]) || (double)row[i] * side < 1)
            continue;
        sum += (double)row[i] * side;
        count++;
    }
    return count ? sum / (double)count * scores->normal[series].scale : 0;
}

/* Requests of the cause per request of the effect, as far as they are known. */
static double calls_ratio(const struct rootcause_model *model, size_t effect, size_t cause)
{
    size_t a = model->traffic[effect], b = model->traffic[cause];
    if (a == ROOTCAUSE_NONE || b == ROOTCAUSE_NONE)
        return 1;
    double from = model->scores.normal[a].centre, to = model->scores.normal[b].centre;
    if (!(from > 0) || !(to > 0))
        return 1;
    return fmax(0.1, fmin(2, to / from));
}

/* Part of a host's rise that is its tenant's, when use adds up: their usual ratio gives the unit.
 */
static double tenants_part(const struct rootcause_model *model, const struct rootcause_view *view,
                           size_t host, size_t tenant)
{
    const struct telemetry_series *series = model->given->metrics.series;
    const struct rootcause_node *node = &model->nodes[model->node_of[host]];
    double rise = change_of(model, view, host), together = 0;
    if (!str_eq(series[host].metric, series[tenant].metric))
        return 0;
    for (size_t i = 0; i < node->influence_count; i++) {
        const struct rootcause_influence *influence = &model->influences[node->influences + i];
        const struct rootcause_node *other = &model->nodes[influence->cause];
        for (size_t k = 0; influence->way == ROOTCAUSE_BY_TENANT && k < other->count; k++) {
            size_t s = model->series[other->first + k];
            if (str_eq(series[s].metric, series[host].metric))
                together += fmax(0, model->scores.normal[s].centre);
        }
    }
    double unit = together > 0 ? model->scores.normal[host].centre / together : 1;
    double part = rise > 0 ? fmax(0, unit * change_of(model, view, tenant) / rise) : 0;
    /* more than the host felt: it was not that, unless the host is now full */
    bool full = rise > model->scores.normal[host].centre;
    return part <= 1 ? part : full ? 1 : 1 / (part * part);
}

double rootcause_tenant_share(const struct rootcause_model *model,
                              const struct rootcause_view *view, size_t tenant)
{
    const struct rootcause_node *node = &model->nodes[model->node_of[tenant]];
    double most = 0;
    for (size_t i = 0; i < node->influence_count; i++) {
        const struct rootcause_influence *influence = &model->influences[node->influences + i];
        const struct rootcause_node *host = &model->nodes[influence->cause];
        for (size_t k = 0; influence->way == ROOTCAUSE_BY_HOST && k < host->count; k++) {
            size_t s = model->series[host->first + k];
            if (view->excursion[s].severity > 0)
                most = fmax(most, tenants_part(model, view, s, tenant));
        }
    }
    return most;
}

/* Of a host's rise, the part that is one tenant's. */
static double own_part(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t host, size_t tenant)
{
    for (size_t k = 0; k < model->nodes[tenant].count; k++) {
        size_t s = model->series[model->nodes[tenant].first + k];
        if (view->excursion[s].severity > 0 && str_eq(model->given->metrics.series[s].metric,
                                                      model->given->metrics.series[host].metric))
            return tenants_part(model, view, host, s);
    }
    return 0;
}

/* A caller's answer time holds its callee's, so its relative rise is the smaller one; where it is
 * not, an inferred call may go the other way. */
static double the_right_way(const struct rootcause_model *model, const struct rootcause_view *view,
                            size_t effect, size_t cause)
{
    double own = change_of(model, view, effect) / model->scores.normal[effect].centre;
    double other = change_of(model, view, cause) / model->scores.normal[cause].centre;
    return own > 0 && other > 0 && isfinite(own) && isfinite(other) ? fmin(1, other / own) : 1;
}

double rootcause_share(const struct rootcause_model *model, const struct rootcause_view *view,
                       const struct rootcause_influence *influence, size_t effect, size_t cause)
{
    const struct telemetry_series *a = &model->given->metrics.series[effect];
    const struct telemetry_series *b = &model->given->metrics.series[cause];
    const struct telemetry_excursion *x = &view->excursion[effect], *y = &view->excursion[cause];
    double weight = weight_of(influence->way, a->class, x->score > 0, b->class, y->score > 0);
    if (influence->way == ROOTCAUSE_BY_CALLEE && strcasestr(a->metric, "cpu"))
        weight = 0; /* waiting is no work */
    if (weight <= 0)
        return 0;
    size_t lag = view->to - view->pad > 20 ? 1 : 0;
    double together = telemetry_together(&model->scores, effect, cause, view->pad, view->to, lag);
    if (together < TOGETHER_LEAST)
        return 0;
    double share;
    bool adds = influence->way == ROOTCAUSE_BY_CALLEE && a->class != TELEMETRY_RESOURCE &&
                str_eq(a->metric, b->metric);
    if (adds) {
        double ratio = a->class == TELEMETRY_ERRORS
                           ? 1
                           : calls_ratio(model, model->node_of[effect], model->node_of[cause]);
        double own = change_of(model, view, effect);
        double part = own > 0 ? ratio * change_of(model, view, cause) / own : 1;
        share = part / (part + ENOUGH) * (1 + ENOUGH);
        if (a->class == TELEMETRY_LATENCY && influence->confidence < 1)
            share *= the_right_way(model, view, effect, cause);
    } else if (influence->way == ROOTCAUSE_BY_TENANT) {
        share = tenants_part(model, view, effect, cause);
    } else if (influence->way == ROOTCAUSE_BY_HOST) {
        /* not for what it did to the host itself */
        share = y->severity / (y->severity + HALF) *
                (1 - own_part(model, view, cause, model->node_of[effect]));
    } else {
        /* units do not compare: it is enough that the cause is well outside of its history */
        share = y->severity / (y->severity + HALF);
    }
    return fmin(1, weight * fmin(1, share) * together) * influence->confidence;
}

static double by_neighbours(const struct rootcause_model *model, const struct rootcause_view *view,
                            size_t series)
{
    const struct rootcause_node *node = &model->nodes[model->node_of[series]];
    double left = 1;
    for (size_t i = 0; i < node->influence_count; i++) {
        const struct rootcause_influence *influence = &model->influences[node->influences + i];
        const struct rootcause_node *cause = &model->nodes[influence->cause];
        double best = 0;
        if (view->severity[influence->cause] <= 0)
            continue;
        bool stands_on =
            influence->way == ROOTCAUSE_BY_CALLEE || influence->way == ROOTCAUSE_BY_HOST;
        if (stands_on && view->silent[influence->cause] != ROOTCAUSE_NONE &&
            rootcause_is_felt(model->given->metrics.series[series].class) &&
            view->silent[influence->cause] <=
                rootcause_onset_of(model, view, series) + rootcause_tolerance(model))
            best = BY_SILENCE;
        for (size_t k = 0; k < cause->count; k++) {
            size_t other = model->series[cause->first + k];
            if (view->excursion[other].severity <= 0)
                continue;
            double share = rootcause_share(model, view, influence, series, other);
            size_t mine = rootcause_onset_of(model, view, series);
            if (share > best &&
                rootcause_onset_of(model, view, other) > mine + rootcause_tolerance(model))
                share *= LATE;
            best = fmax(best, share * (cause->outside ? 0.5 : 1));
        }
        left *= 1 - best;
    }
    return 1 - left;
}

/* Work grows with requests: at most in proportion, waiting faster. */
static double by_load(const struct rootcause_model *model, const struct rootcause_view *view,
                      size_t series)
{
    size_t traffic = model->traffic[model->node_of[series]];
    enum telemetry_class class = model->given->metrics.series[series].class;
    if (traffic == ROOTCAUSE_NONE || traffic == series || class == TELEMETRY_TRAFFIC ||
        view->excursion[traffic].severity <= 0 || view->excursion[traffic].score < 0 ||
        (view->excursion[series].score < 0) != (class == TELEMETRY_AVAILABILITY))
        return 0;
    double usual = model->scores.normal[traffic].centre;
    double own = model->scores.normal[series].centre;
    double growth = usual > 0 ? change_of(model, view, traffic) / usual : 1;
    double change = own > 0 ? change_of(model, view, series) / own : 1;
    if (class == TELEMETRY_AVAILABILITY || class == TELEMETRY_ERRORS)
        change = fmin(1, change); /* who is full turns the rest away */
    double part = growth / fmax(change, 1e-9);
    double together = telemetry_together(&model->scores, series, traffic, view->pad, view->to, 0);
    if (together < TOGETHER_LEAST)
        return 0;
    if (class == TELEMETRY_RESOURCE)
        return fmin(1, part) * together;
    part *= 4;
    return fmin(1, part / (part + ENOUGH) * (1 + ENOUGH)) * together;
}

/* Could `cause` be a callee of `effect`, if nobody tells?  A caller's answer time holds that of its
 * callee; failures thin out on the way up. */
static double supposed(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t effect, size_t cause)
{
    const struct telemetry_series *series = model->given->metrics.series;
    double own = change_of(model, view, effect), other = change_of(model, view, cause);
    bool slow = series[effect].class == TELEMETRY_LATENCY;
    if (!str_eq(series[effect].metric, series[cause].metric) || own <= 0 ||
        model->nodes[model->node_of[cause]].outside ||
        (slow ? model->scores.normal[cause].centre >= model->scores.normal[effect].centre
              : other <= own))
        return 0;
    size_t mine = rootcause_onset_of(model, view, effect);
    if (rootcause_onset_of(model, view, cause) > mine + rootcause_tolerance(model))
        return 0;
    double together = telemetry_together(&model->scores, effect, cause, view->pad, view->to, 0);
    double part = other / own;
    return together < SUPPOSE_LEAST
               ? 0
               : SUPPOSED * together * fmin(1, part / (part + ENOUGH) * (1 + ENOUGH));
}

/* Could `tenant` stand on the host, if nobody tells?  Its work rose as the host's did. */
static double supposed_tenant(const struct rootcause_model *model,
                              const struct rootcause_view *view, size_t host, size_t tenant)
{
    const struct telemetry_series *series = model->given->metrics.series;
    if (model->told || model->nodes[model->node_of[host]].serves ||
        !model->nodes[model->node_of[tenant]].serves || series[host].class != TELEMETRY_RESOURCE ||
        !str_eq(series[host].metric, series[tenant].metric))
        return 0;
    double together = telemetry_together(&model->scores, host, tenant, view->pad, view->to, 0);
    return together < SUPPOSE_LEAST ? 0 : SUPPOSED * together;
}

double rootcause_suppose(const struct rootcause_model *model, const struct rootcause_view *view,
                         size_t effect, size_t cause)
{
    const struct rootcause_node *a = &model->nodes[effect], *b = &model->nodes[cause];
    double most = 0;
    for (size_t i = 0; i < a->count; i++) {
        size_t x = model->series[a->first + i];
        bool felt = rootcause_is_felt(model->given->metrics.series[x].class);
        if (view->excursion[x].severity <= 0)
            continue;
        for (size_t k = 0; k < b->count; k++) {
            size_t y = model->series[b->first + k];
            if (view->excursion[y].severity > 0)
                most = fmax(most, felt ? supposed(model, view, x, y)
                                       : supposed_tenant(model, view, x, y));
        }
    }
    return most;
}

/* Who fails is asked again: of a rise that nobody's customers made. */
static double by_retries(const struct rootcause_model *model, const struct rootcause_view *view,
                         size_t traffic)
{
    const struct rootcause_node *node = &model->nodes[model->node_of[traffic]];
    double most = 0;
    for (size_t i = 0; i < node->count; i++) {
        size_t s = model->series[node->first + i];
        enum telemetry_class class = model->given->metrics.series[s].class;
        if (view->excursion[s].severity > 0 && rootcause_is_felt(class))
            most =
                fmax(most, telemetry_together(&model->scores, traffic, s, view->pad, view->to, 0));
    }
    return AGAIN * most;
}

static bool is_entry(const struct rootcause_model *model, size_t node)
{
    for (size_t k = 0; k < model->nodes[node].influence_count; k++)
        if (model->influences[model->nodes[node].influences + k].way == ROOTCAUSE_BY_CALLER)
            return false;
    return true;
}

/* How far a node's rise of requests goes back to customers, over callers that rose as well: by the
 * weakest link of the best chain.  Load that no customer asked for is a symptom itself: retries. */
static void find_demand(const struct rootcause_model *model, struct rootcause_view *view)
{
    const struct telemetry_series *series = model->given->metrics.series;
    for (size_t n = 0; n < model->nodes_count; n++)
        view->demand[n] = is_entry(model, n);
    bool changed = true;
    for (int round = 0; round < CHAIN_MOST && changed; round++) {
        changed = false;
        for (size_t i = 0; i < view->anomalous_count; i++) {
            size_t s = view->anomalous[i], n = model->node_of[s];
            const struct rootcause_node *node = &model->nodes[n];
            if (series[s].class != TELEMETRY_TRAFFIC || view->excursion[s].score < 0)
                continue;
            for (size_t k = 0; k < node->influence_count; k++) {
                const struct rootcause_influence *by = &model->influences[node->influences + k];
                size_t asked = model->traffic[by->cause];
                if (by->way != ROOTCAUSE_BY_CALLER || asked == ROOTCAUSE_NONE ||
                    view->excursion[asked].severity <= 0)
                    continue;
                double chain =
                    fmin(view->demand[by->cause], rootcause_share(model, view, by, s, asked));
                changed = changed || chain > view->demand[n];
                view->demand[n] = fmax(view->demand[n], chain);
            }
        }
    }
}

void rootcause_explain(const struct rootcause_model *model, struct rootcause_view *view)
{
    for (size_t i = 0; i < view->anomalous_count; i++)
        view->explained[view->anomalous[i]] = by_neighbours(model, view, view->anomalous[i]);
    find_demand(model, view);
    for (size_t i = 0; i < view->anomalous_count; i++) {
        size_t s = view->anomalous[i];
        double load = by_load(model, view, s) * view->demand[model->node_of[s]];
        view->loaded[s] = load;
        view->explained[s] = 1 - (1 - view->explained[s]) * (1 - load);
    }
    for (size_t i = 0; i < view->anomalous_count; i++) {
        size_t s = view->anomalous[i];
        if (model->given->metrics.series[s].class == TELEMETRY_TRAFFIC &&
            view->excursion[s].score > 0 && !is_entry(model, model->node_of[s]))
            view->explained[s] = 1 - (1 - view->explained[s]) * (1 - by_retries(model, view, s));
    }
}

double rootcause_relevance(enum telemetry_class symptom, enum telemetry_class class, bool rise)
{
    /* rows: symptom none, other, latency, errors, availability, traffic, resource; columns: other,
     * latency, errors, availability, traffic up, traffic down, resource */
    static const double table[][7] = {
        {0.6, 0.9, 1.0, 1.0, 0.4, 0.4, 1.0}, {1.0, 0.8, 0.8, 0.8, 0.6, 0.6, 0.8},
        {0.5, 1.0, 0.7, 0.7, 0.5, 0.1, 0.9}, {0.5, 0.6, 1.0, 1.0, 0.4, 0.2, 0.8},
        {0.5, 0.6, 1.0, 1.0, 0.4, 0.2, 0.8}, {0.5, 0.7, 0.9, 0.9, 1.0, 1.0, 0.7},
        {0.5, 0.6, 0.6, 0.6, 0.7, 0.3, 1.0}};
    static const int column[] = {0, 0, 1, 2, 3, 4, 6};
    return table[symptom][column[class] + (class == TELEMETRY_TRAFFIC && !rise)];
}

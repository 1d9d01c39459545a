/* common.c - a host or a link that nobody sees ill, but all who use it do.
 *
 * Contract: votes are those of services whose latency or errors nothing else explains, for what
 * they stand on and what their calls pass.  A carrier is a candidate when at least two vote for it,
 * most of those who use it do, and most of what is unexplained is theirs.  O(edges) for one look.
 */
#include <math.h>
#include <string.h>

#include "twin/rootcause/rootcause_priv.h"

#define VOTERS_LEAST 2
#define ALIKE_LEAST 1.5 /* … as if they were so many that are equally ill */
#define PART_LEAST 0.5  /* of what is unexplained in the whole */
#define HIT_LEAST 0.35  /* of those who use it, by count */
#define EXPLAINS 0.8    /* of a voter's change, when all agree */
#define FLAT 0.25       /* what is left when the carrier is measured and did not stir */
#define PERCENT 100.0001
#define FULL 97.0       /* percent */
#define FULL_COUNTS 1.6 /* times */
#define LOOSE_HIT 0.6   /* of the users of what is tied to nothing: they are not known */
#define LOOSE_VOTERS 3
#define STIRRED 1.5 /* scales, on the mean, that count as a stir */

typedef void (*carrier_fn)(size_t carrier, void *ctx);

static void each_way(const struct rootcause_model *model, size_t node, enum rootcause_way way,
                     carrier_fn fn, void *ctx)
{
    for (size_t i = 0; i < model->nodes[node].influence_count; i++) {
        const struct rootcause_influence *influence =
            &model->influences[model->nodes[node].influences + i];
        if (influence->way == way && !model->nodes[influence->cause].serves)
            fn(influence->cause, ctx);
    }
}

static size_t host_of(const struct rootcause_model *model, size_t node)
{
    for (size_t i = 0; i < model->nodes[node].influence_count; i++) {
        const struct rootcause_influence *influence =
            &model->influences[model->nodes[node].influences + i];
        if (influence->way == ROOTCAUSE_BY_HOST)
            return influence->cause;
    }
    return ROOTCAUSE_NONE;
}

/* Calls fn for what the service stands on and for the links that its calls pass; a carrier may come
 * several times. */
static void each_carrier(const struct rootcause_model *model, size_t node, carrier_fn fn, void *ctx)
{
    size_t host = host_of(model, node);
    bool calls_away = false;
    if (host != ROOTCAUSE_NONE)
        fn(host, ctx);
    each_way(model, node, ROOTCAUSE_BY_LINK, fn, ctx);
    for (size_t i = 0; i < model->nodes[node].influence_count; i++) {
        const struct rootcause_influence *influence =
            &model->influences[model->nodes[node].influences + i];
        if (influence->way != ROOTCAUSE_BY_CALLEE)
            continue;
        size_t other = host_of(model, influence->cause);
        if (other == host)
            continue;
        calls_away = true;
        each_way(model, influence->cause, ROOTCAUSE_BY_LINK, fn, ctx);
        if (other != ROOTCAUSE_NONE)
            each_way(model, other, ROOTCAUSE_BY_LINK, fn, ctx);
    }
    if (calls_away && host != ROOTCAUSE_NONE)
        each_way(model, host, ROOTCAUSE_BY_LINK, fn, ctx);
}

/* ---- votes ---- */

struct ballot {
    struct rootcause_view *view;
    size_t voter;
    double weight;
    bool count_users;
    bool echo; /* of a callee's: counts by weight, not as one more */
};

static void vote(size_t carrier, void *ctx)
{
    struct ballot *ballot = ctx;
    struct rootcause_carrier *c = &ballot->view->carriers[carrier];
    if (c->last == ballot->voter + 1)
        return; /* once each */
    c->last = ballot->voter + 1;
    if (ballot->count_users) {
        c->users++;
        return;
    }
    c->voters++;
    c->echoes += ballot->echo;
    c->votes += ballot->weight;
    c->squares += ballot->weight * ballot->weight;
}

void rootcause_count_users(const struct rootcause_model *model, struct rootcause_view *view)
{
    for (size_t n = 0; n < model->nodes_count; n++) {
        struct ballot ballot = {view, n, 0, true, false};
        if (model->nodes[n].serves)
            each_carrier(model, n, vote, &ballot);
    }
}

/* What of a service's latency and errors nobody explains. */
static double unexplained(const struct rootcause_model *model, const struct rootcause_view *view,
                          size_t node)
{
    double most = 0;
    for (size_t i = 0; i < model->nodes[node].count; i++) {
        size_t s = model->series[model->nodes[node].first + i];
        if (view->excursion[s].severity > 0 &&
            rootcause_is_felt(model->given->metrics.series[s].class))
            most = fmax(most, rootcause_weigh(model, view, s));
    }
    return most;
}

/* Ill because of a callee that is more so? */
static bool is_echo(const struct rootcause_model *model, const struct rootcause_view *view,
                    size_t node)
{
    for (size_t i = 0; i < model->nodes[node].influence_count; i++) {
        const struct rootcause_influence *influence =
            &model->influences[model->nodes[node].influences + i];
        if (influence->way == ROOTCAUSE_BY_CALLEE &&
            view->weight[influence->cause] > view->weight[node])
            return true;
    }
    return false;
}

/* The carrier's series that stirred most; its mean score in the harmful direction. */
static double stir(const struct rootcause_model *model, const struct rootcause_view *view,
                   size_t node, size_t *ret_series)
{
    const struct rootcause_node *of = &model->nodes[node];
    double most = -INFINITY;
    *ret_series = ROOTCAUSE_NONE;
    for (size_t i = 0; i < of->count; i++) {
        size_t s = model->series[of->first + i];
        const float *row = model->scores.signed_score + s * model->given->metrics.rows;
        int direction = model->given->metrics.series[s].direction;
        double sum = 0, count = 0;
        for (size_t r = view->to - (view->to - view->from + 1) / 2; r < view->to; r++)
            if (!isnan(row[r])) {
                sum += (double)row[r] * (direction ? direction : 1);
                count++;
            }
        if (count > 0 && sum / count > most) {
            most = sum / count;
            *ret_series = s;
        }
    }
    return most;
}

static void lighten_voter(const struct rootcause_model *model, struct rootcause_view *view,
                          size_t node, double share)
{
    for (size_t i = 0; i < model->nodes[node].count; i++) {
        size_t s = model->series[model->nodes[node].first + i];
        if (view->excursion[s].severity > 0 &&
            rootcause_is_felt(model->given->metrics.series[s].class))
            view->explained[s] = 1 - (1 - view->explained[s]) * (1 - share);
    }
}

struct search {
    size_t wanted;
    bool found;
};

static void look_for(size_t carrier, void *ctx)
{
    struct search *search = ctx;
    search->found = search->found || carrier == search->wanted;
}

/* Does a share of something, told in percent, stand at its end? */
static bool is_full(const struct rootcause_model *model, const struct rootcause_view *view,
                    size_t series)
{
    const double *values = model->given->metrics.values + series * model->given->metrics.rows;
    size_t full = 0, known = 0;
    if (model->given->metrics.series[series].class != TELEMETRY_RESOURCE)
        return false;
    for (size_t r = 0; r < view->to; r++)
        if (values[r] > PERCENT || values[r] < 0)
            return false;
    for (size_t r = view->to - (view->to - view->from + 1) / 2; r < view->to; r++)
        if (!isnan(values[r])) {
            known++;
            full += values[r] >= FULL;
        }
    return full > 0 && 2 * full >= known;
}

/* Of all that something stands on, where most of the ill stand by their share; or NONE. */
static size_t likeliest_host(const struct rootcause_model *model, const struct rootcause_view *view)
{
    size_t best = ROOTCAUSE_NONE;
    double most = 0;
    for (size_t n = 0; n < model->nodes_count; n++) {
        const struct rootcause_carrier *c = &view->carriers[n];
        double value = c->users ? c->votes * (double)c->voters / (double)c->users : 0;
        if (c->voters >= VOTERS_LEAST && !c->loose && value > most) {
            most = value;
            best = n;
        }
    }
    return best;
}

/* A carrier that nothing ties to anything and that is ill itself, while several services are ill
 * and nothing explains it: it may be what they share.  All that is unexplained votes. */
static bool blame_loose(const struct rootcause_model *model, struct rootcause_view *view,
                        double total, double best)
{
    size_t found = ROOTCAUSE_NONE, host = view->common;
    double worst = 0;
    bool full = false;
    for (size_t i = 0; i < model->loose_count; i++) {
        size_t n = model->loose[i], series;
        if (view->severity[n] <= 0)
            continue;
        stir(model, view, n, &series);
        bool here = is_full(model, view, series);
        if (here > full || (here == full && view->severity[n] > worst)) {
            found = n;
            full = here;
            worst = view->severity[n];
        }
    }
    if (found == ROOTCAUSE_NONE)
        return false;
    struct rootcause_carrier c = {.votes = total, .part = 1, .hit = LOOSE_HIT, .loose = true};
    for (size_t n = 0; n < model->nodes_count; n++) {
        c.voters += view->weight[n] > 0;
        c.users += model->nodes[n].serves;
    }
    if (c.voters < LOOSE_VOTERS)
        return false;
    c.score = c.votes / (double)c.voters * c.hit * log2(1 + (double)c.voters);
    if (full)
        c.score *= FULL_COUNTS;
    if (c.score <= best && host != ROOTCAUSE_NONE && view->severity[host] > 0)
        return false;
    view->carriers[found] = c;
    view->common = found;
    view->common_series = ROOTCAUSE_NONE;
    view->common_beside = host != ROOTCAUSE_NONE ? host : likeliest_host(model, view);
    for (size_t n = 0; n < model->nodes_count; n++)
        if (view->service[n] > 0)
            lighten_voter(model, view, n, EXPLAINS * c.hit);
    return true;
}

void rootcause_find_common(const struct rootcause_model *model, struct rootcause_view *view)
{
    double total = 0, best = 0;
    view->common = view->common_beside = ROOTCAUSE_NONE;
    for (size_t n = 0; n < model->nodes_count; n++) {
        view->carriers[n].voters = view->carriers[n].echoes = 0;
        view->carriers[n].votes = view->carriers[n].squares = 0;
        view->carriers[n].last = 0;
        view->carriers[n].loose = false;
    }
    for (size_t n = 0; n < model->nodes_count; n++)
        view->weight[n] = view->service[n] > 0 ? unexplained(model, view, n) : 0;
    for (size_t n = 0; n < model->nodes_count; n++) {
        struct ballot ballot = {view, n, view->weight[n], false, is_echo(model, view, n)};
        if (ballot.weight <= 0)
            continue;
        total += ballot.weight;
        each_carrier(model, n, vote, &ballot);
    }
    for (size_t n = 0; n < model->nodes_count; n++) {
        struct rootcause_carrier *c = &view->carriers[n];
        size_t series;
        if (c->voters < VOTERS_LEAST || (c->voters == VOTERS_LEAST && c->echoes > 0) ||
            c->votes * c->votes < ALIKE_LEAST * c->squares)
            continue; /* one that is much iller than the rest is one */
        double stirred = stir(model, view, n, &series);
        bool full = series != ROOTCAUSE_NONE && view->excursion[series].severity > 0 &&
                    is_full(model, view, series);
        double least = full ? 0.5 : 1; /* who is full needs fewer witnesses */
        if (c->votes < least * PART_LEAST * total ||
            (double)c->voters < least * HIT_LEAST * (double)c->users)
            continue;
        c->part = c->votes / total;
        c->hit = (double)c->voters / (double)c->users;
        c->score = c->votes / (double)c->voters * c->part * c->hit * log2(1 + (double)c->voters);
        c->calm = 1;
        if (full)
            c->score *= FULL_COUNTS;
        if (series != ROOTCAUSE_NONE && view->excursion[series].severity > 0)
            c->score *= 1 - view->explained[series]; /* it was one of its tenants */
        else if (series != ROOTCAUSE_NONE)
            c->calm = stirred < STIRRED ? FLAT : 2 * FLAT;
        c->score *= c->calm;
        if (c->score > best || (c->score == best && view->common != ROOTCAUSE_NONE &&
                                strcmp(model->nodes[n].id, model->nodes[view->common].id) < 0)) {
            best = c->score;
            view->common = n;
            view->common_series = series;
        }
    }
    if (blame_loose(model, view, total, best))
        return;
    if (view->common == ROOTCAUSE_NONE)
        return;
    const struct rootcause_carrier *c = &view->carriers[view->common];
    for (size_t n = 0; n < model->nodes_count; n++) {
        struct search search = {view->common, false};
        if (view->service[n] <= 0)
            continue;
        each_carrier(model, n, look_for, &search);
        if (search.found)
            lighten_voter(model, view, n, EXPLAINS * c->part * c->hit * c->calm);
    }
}

/* bound.c - what no placement can beat.
 *
 * Lagrangian relaxation of "each fetch comes from somewhere": with a price λ for each fetch of a
 * site and artefact, a copy is worth what its neighbours' prices exceed their seconds from it, and
 * each site fills its room with the best of them on its own (a continuous knapsack).  The sum of
 * prices less what the sites so save is a lower bound for any λ up to the seconds from the origin
 * (it always serves) and up to what lies beyond the nearest few (so that farther sites can be left
 * out).
 *
 * λ begins where the placement would put it: between the nearest and the second holder, such that a
 * copy just pays for its filling and for the room at the price of the worst copy kept there; a few
 * subgradient steps follow (Held, Wolfe, Crowder 1974).
 *
 * Each step costs O(sites × CACHE_NEAR × artefacts). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/place_priv.h"

#define WORK 1200000000.0 /* sites × artefacts × CACHE_NEAR × steps */
#define STEPS_MOST 200
#define KEEP 0.7f   /* of the last direction; with LENGTH the best of a few tried */
#define LENGTH 0.45 /* of the way that the target promises, at first */

struct value {
    float value, density;
    uint32_t artefact;
};

struct dual {
    const struct cache_placing *p;
    float *price; /* λ of a fetch, seconds */
    float *most;  /* what it may be */
    float *way;   /* the direction of the last step */
    float *slope; /* 1 − how much the sites would serve it */
    float *values;
    struct value *wanted; /* at the site at hand, and how much of a copy it takes */
    float *part;
    size_t wanted_count;
};

/* Brings the best for their room to the front, as many as the room takes, the last one in part: a
 * continuous knapsack, around pivots; the order inside does not matter.  Returns what they save. */
static double fill(struct dual *d, size_t count, double room)
{
    size_t low = 0, high = count;
    double saved = 0;
    while (low < high && room > 0) {
        float pivot = d->wanted[low + (high - low) / 2].density;
        double need = 0;
        size_t more = low, k = low, less = high;
        while (k < less) {
            struct value item = d->wanted[k];
            if (item.density > pivot) {
                d->wanted[k++] = d->wanted[more];
                d->wanted[more++] = item;
                need += (double)d->p->size_gib[item.artefact];
            } else if (item.density < pivot) {
                d->wanted[k] = d->wanted[--less];
                d->wanted[less] = item;
            } else {
                k++;
            }
        }
        if (need > room) {
            high = more;
            continue;
        }
        for (; low < less && room > 0; low++) { /* all dearer ones, then the equal ones */
            double size = d->p->size_gib[d->wanted[low].artefact], part = fmin(1, room / size);
            d->part[low] = (float)part;
            saved += part * (double)d->wanted[low].value;
            room -= size;
        }
    }
    d->wanted_count = low;
    return saved;
}

/* What the site saves at most at these prices; what it keeps for that goes to d->wanted. */
static double best_filling(struct dual *d, size_t site)
{
    const struct cache_placing *p = d->p;
    size_t n = p->artefacts, count = 0;
    float *restrict values = d->values;
    const float *own = d->price + site * n;
    for (size_t a = 0; a < n; a++)
        values[a] = p->fetches[site * n + a] * own[a] - p->fill[site * n + a];
    for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
        const struct cache_way *way = &p->ways[p->reverse[k]];
        size_t row = p->reverse[k] / CACHE_NEAR * n;
        const float *restrict fetches = p->fetches + row;
        const float *restrict price = d->price + row;
        const float *restrict size = p->size_gib;
        float latency = way->latency_s, gib_s = way->gib_s;
        for (size_t a = 0; a < n; a++) {
            float over = price[a] - (latency + size[a] * gib_s);
            values[a] += fetches[a] * cache_above(over);
        }
    }
    for (size_t a = 0; a < n; a++) {
        if (values[a] > 0 && p->size_gib[a] <= (float)p->room_gib[site] * 1.000001f)
            d->wanted[count++] = (struct value){values[a], values[a] / p->size_gib[a], (uint32_t)a};
    }
    return fill(d, count, p->room_gib[site] * (1 + 1e-9));
}

/* The bound of the prices as they are, and its slopes. */
static double evaluate(struct dual *d)
{
    const struct cache_placing *p = d->p;
    size_t n = p->artefacts;
    double bound = 0;
    for (size_t site = 0; site < p->sites; site++) {
        double row = 0;
        for (size_t a = 0; a < n; a++) {
            row += (double)p->fetches[site * n + a] * d->price[site * n + a];
            d->slope[site * n + a] = 1;
        }
        bound += row;
    }
    for (size_t site = 0; site < p->sites; site++) {
        if (!(p->room_gib[site] > 0))
            continue;
        bound -= best_filling(d, site);
        for (size_t c = 0; c < d->wanted_count; c++) {
            size_t a = d->wanted[c].artefact;
            d->slope[site * n + a] -= d->price[site * n + a] > 0 ? d->part[c] : 0;
        }
        for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
            const struct cache_way *way = &p->ways[p->reverse[k]];
            const float *price = d->price + p->reverse[k] / CACHE_NEAR * n;
            float *slope = d->slope + p->reverse[k] / CACHE_NEAR * n;
            for (size_t c = 0; c < d->wanted_count; c++) {
                size_t a = d->wanted[c].artefact;
                if (price[a] > cache_way_seconds(way, p->size_gib[a]))
                    slope[a] -= d->part[c];
            }
        }
    }
    return bound;
}

/* One step along the slopes, of which earlier ones still count a part; each measured by what a
 * fetch from the origin takes. */
static void step(struct dual *d, double target, double bound, double length)
{
    const struct cache_placing *p = d->p;
    double square = 0;
    for (size_t at = 0; at < p->sites * p->artefacts; at++) {
        float g = d->slope[at];
        if ((g > 0 && d->price[at] >= d->most[at]) || (g < 0 && d->price[at] <= 0))
            g = 0; /* the wall stops it */
        g += KEEP * d->way[at];
        d->way[at] = g;
        square += (double)p->fetches[at] * g * g * d->most[at];
    }
    if (!(square > 0))
        return;
    float move = (float)(length * (target - bound) / square);
    for (size_t at = 0; at < p->sites * p->artefacts; at++) {
        float price = d->price[at] + move * d->way[at] * d->most[at];
        d->price[at] = price < 0 ? 0 : price > d->most[at] ? d->most[at] : price;
    }
}

/* λ from the placement: the nearest holder's seconds and the part of the second's that pays for the
 * copy. */
static void begin_prices(struct dual *d)
{
    const struct cache_placing *p = d->p;
    size_t n = p->artefacts;
    for (size_t j = 0; j < p->sites; j++)
        for (size_t a = 0; a < n; a++) {
            size_t at = j * n + a;
            float beyond = p->beyond_s[j] + p->size_gib[a] * p->least_gib_s[j];
            d->most[at] = fminf(p->far[at], beyond);
            d->price[at] = fminf(d->most[at], p->wait[at]);
        }
    for (size_t site = 0; site < p->sites; site++) {
        double least = INFINITY, most = 0;
        if (!(p->room_gib[site] > 0))
            continue;
        cache_copy_values(p, site, d->values);
        for (size_t a = 0; a < n; a++) {
            double density = d->values[a] / p->size_gib[a];
            if (p->has[site * n + a] > 0)
                least = fmin(least, density);
            else if (p->used_gib[site] + (double)p->size_gib[a] > p->room_gib[site] &&
                     (double)p->size_gib[a] <= p->room_gib[site])
                most = fmax(most, density);
        }
        double room_price = most > 0 ? fmin(most, least) : 0;
        for (size_t a = 0; a < n; a++) {
            size_t at = site * n + a;
            if (!(p->has[at] > 0))
                continue;
            double gross = d->values[a] + p->fill[at];
            float part =
                (float)fmin(1, (p->fill[at] + room_price * p->size_gib[a]) / fmax(gross, 1e-30));
            d->price[at] = fminf(d->most[at], part * fminf(p->next[at], p->far[at]));
            for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
                const struct cache_way *way = &p->ways[p->reverse[k]];
                size_t to = p->reverse[k] / CACHE_NEAR * n + a;
                float seconds = cache_way_seconds(way, p->size_gib[a]);
                if (seconds <= p->wait[to])
                    d->price[to] = fminf(d->most[to], seconds + part * (p->next[to] - seconds));
            }
        }
    }
}

double cache_place_bound(const struct cache_placing *p, double seconds)
{
    size_t entries = p->sites * p->artefacts;
    CLEANUP(mem_free_at) float *floats = mem_array(4 * entries + 2 * p->artefacts, sizeof *floats);
    CLEANUP(mem_free_at) struct value *wanted = mem_array(p->artefacts, sizeof *wanted);
    struct dual d = {.p = p,
                     .price = floats,
                     .most = floats + entries,
                     .slope = floats + 2 * entries,
                     .way = floats + 3 * entries,
                     .values = floats + 4 * entries,
                     .part = floats + 4 * entries + p->artefacts,
                     .wanted = wanted};
    double best = 0, length = LENGTH;
    int idle = 0, steps = (int)fmin(STEPS_MOST, 4 + WORK / ((double)entries * CACHE_NEAR));
    begin_prices(&d);
    for (int k = 0; k < steps && !cache_stopped(p->asked); k++) {
        double bound = evaluate(&d);
        if (bound > best) {
            best = bound;
            idle = 0;
        } else if (++idle == 3) {
            length /= 2;
            idle = 0;
        }
        step(&d, seconds, bound, length);
    }
    /* sums of floats: one part in a million stands for their rounding */
    return fmin(seconds, best * (1 - 1e-6));
}

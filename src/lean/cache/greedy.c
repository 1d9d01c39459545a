/* greedy.c - copies one by one, the one that saves most for each GiB first.
 *
 * What a copy saves falls as others are made (it is submodular), so a value on the heap is an upper
 * bound and only the top is counted again (Minoux 1978).  Afterwards each site is filled anew with
 * the others held fast, until nothing is gained. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/place_priv.h"

#define ROOMS_FULL 4 /* of offers for each site's room */

struct offer {
    float density; /* seconds saved for each GiB */
    uint32_t site, artefact;
};

/* Seconds a month that a copy saves beside what is there; may be negative. */
static double gain_of(const struct cache_placing *p, size_t a, size_t site)
{
    size_t at = site * p->artefacts + a;
    float size = p->size_gib[a];
    double gain = (double)p->fetches[at] * p->wait[at] - p->fill[at];
    for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
        const struct cache_way *way = &p->ways[p->reverse[k]];
        size_t from = p->reverse[k] / CACHE_NEAR * p->artefacts + a;
        float less = p->wait[from] - cache_way_seconds(way, size);
        if (less > 0)
            gain += (double)p->fetches[from] * less;
    }
    return gain;
}

void cache_copy_values(const struct cache_placing *p, size_t site, float *restrict values)
{
    size_t n = p->artefacts;
    const float *has = p->has + site * n, *size = p->size_gib;
    for (size_t a = 0; a < n; a++) {
        size_t at = site * n + a;
        values[a] =
            p->fetches[at] * (p->wait[at] + has[a] * (p->next[at] - p->wait[at])) - p->fill[at];
    }
    for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
        const struct cache_way *way = &p->ways[p->reverse[k]];
        size_t row = p->reverse[k] / CACHE_NEAR * n;
        const float *restrict fetches = p->fetches + row;
        const float *restrict wait = p->wait + row;
        const float *restrict next = p->next + row;
        float latency = way->latency_s, gib_s = way->gib_s;
        for (size_t a = 0; a < n; a++) {
            /* without a copy here the second holder would serve whom this one serves */
            float other = wait[a] + has[a] * (next[a] - wait[a]);
            float less = other - (latency + size[a] * gib_s);
            values[a] += fetches[a] * cache_above(less);
        }
    }
}

static void look_again(struct cache_placing *p, size_t a, size_t j)
{
    size_t at = j * p->artefacts + a;
    float wait = p->far[at], next = CACHE_ENDLESS;
    if (p->has[at] > 0) {
        next = wait;
        wait = 0;
    }
    for (size_t k = 0; k < p->way_count[j]; k++) {
        const struct cache_way *way = &p->ways[j * CACHE_NEAR + k];
        if (!(p->has[way->site * p->artefacts + a] > 0))
            continue;
        float seconds = cache_way_seconds(way, p->size_gib[a]);
        if (seconds < wait) {
            next = wait;
            wait = seconds;
        } else if (seconds < next) {
            next = seconds;
        }
    }
    p->wait[at] = wait;
    p->next[at] = next;
}

/* Site j waits longer or shorter now: those that serve it, or could, look again. */
static void make_stale(struct cache_placing *p, size_t j)
{
    p->stale[j] = true;
    for (size_t k = 0; k < p->way_count[j]; k++)
        p->stale[p->ways[j * CACHE_NEAR + k].site] = true;
}

/* One holder more for site j, `seconds` away. */
static void look_at(struct cache_placing *p, size_t at, float seconds)
{
    if (seconds < p->wait[at]) {
        p->next[at] = p->wait[at];
        p->wait[at] = seconds;
    } else if (seconds < p->next[at]) {
        p->next[at] = seconds;
    }
}

static void change_copy(struct cache_placing *p, size_t a, size_t site, bool add)
{
    p->has[site * p->artefacts + a] = add;
    p->used_gib[site] += add ? (double)p->size_gib[a] : -(double)p->size_gib[a];
    if (add)
        look_at(p, site * p->artefacts + a, 0);
    else
        look_again(p, a, site);
    make_stale(p, site);
    for (size_t k = p->reverse_begin[site]; k < p->reverse_begin[site + 1]; k++) {
        size_t j = p->reverse[k] / CACHE_NEAR;
        if (add)
            look_at(p, j * p->artefacts + a,
                    cache_way_seconds(&p->ways[p->reverse[k]], p->size_gib[a]));
        else
            look_again(p, a, j);
        make_stale(p, p->reverse[k] / CACHE_NEAR);
    }
}

static void sink(struct offer *heap, size_t count, size_t i)
{
    struct offer item = heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < count && heap[child + 1].density > heap[child].density)
            child++;
        if (child >= count || heap[child].density <= item.density)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = item;
}

static bool fits(const struct cache_placing *p, size_t a, size_t site)
{
    return p->used_gib[site] + (double)p->size_gib[a] <= p->room_gib[site] * (1 + 1e-9);
}

static int densest_first(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->density != y->density)
        return x->density > y->density ? -1 : 1;
    return x->artefact < y->artefact ? -1 : x->artefact > y->artefact;
}

/* Of each site the best ROOMS_FULL rooms full; what is below them comes in at the later rounds. */
static struct offer *all_offers(const struct cache_placing *p, size_t *ret_count)
{
    CLEANUP(mem_free_at) float *values = mem_array(p->artefacts, sizeof *values);
    size_t count = 0, room = 1024 + p->artefacts;
    struct offer *offers = mem_array(room, sizeof *offers);
    for (size_t site = 0; site < p->sites; site++) {
        size_t first = count;
        double full = 0;
        if (!(p->room_gib[site] > 0))
            continue;
        if (count + p->artefacts > room)
            offers = mem_resize(offers, room = 2 * room + p->artefacts, sizeof *offers);
        cache_copy_values(p, site, values);
        for (size_t a = 0; a < p->artefacts; a++)
            if (values[a] > 0 && fits(p, a, site))
                offers[count++] =
                    (struct offer){values[a] / p->size_gib[a], (uint32_t)site, (uint32_t)a};
        qsort(offers + first, count - first, sizeof *offers, densest_first);
        size_t kept = first;
        for (; kept < count && full < ROOMS_FULL * p->room_gib[site]; kept++)
            full += (double)p->size_gib[offers[kept].artefact];
        count = kept;
    }
    *ret_count = count;
    return offers;
}

void cache_place_greedily(struct cache_placing *p)
{
    size_t count;
    for (size_t at = 0; at < p->sites * p->artefacts; at++) {
        p->wait[at] = p->far[at];
        p->next[at] = CACHE_ENDLESS;
    }
    CLEANUP(mem_free_at) struct offer *heap = all_offers(p, &count);
    for (size_t i = count / 2; i-- > 0;)
        sink(heap, count, i);
    for (size_t done = 0; count; done++) {
        struct offer top = heap[0];
        if (done % 4096 == 0 && cache_stopped(p->asked))
            break;
        float density = 0, second = 0;
        if (fits(p, top.artefact, top.site))
            density = (float)gain_of(p, top.artefact, top.site) / p->size_gib[top.artefact];
        for (size_t child = 1; child <= 2 && child < count; child++)
            second = fmaxf(second, heap[child].density);
        if (density > 0 && density < second) { /* no longer the best: later, perhaps */
            heap[0].density = density;
            sink(heap, count, 0);
            continue;
        }
        if (density > 0)
            change_copy(p, top.artefact, top.site, true);
        heap[0] = heap[--count];
        sink(heap, count, 0);
    }
}

struct value {
    float value, density;
    uint32_t artefact;
};

static int by_density(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    if (x->density != y->density)
        return x->density > y->density ? -1 : 1;
    return x->artefact < y->artefact ? -1 : x->artefact > y->artefact;
}

/* Brings the densest to the front, more than `room` of them if there are so many; returns how many.
 */
static size_t densest(const struct cache_placing *p, struct value *wanted, size_t count,
                      double room)
{
    size_t low = 0, high = count;
    while (low < high && room > 0) {
        float pivot = wanted[low + (high - low) / 2].density;
        double need = 0;
        size_t more = low, k = low, less = high;
        while (k < less) {
            struct value item = wanted[k];
            if (item.density > pivot) {
                wanted[k++] = wanted[more];
                wanted[more++] = item;
                need += (double)p->size_gib[item.artefact];
            } else if (item.density < pivot) {
                wanted[k] = wanted[--less];
                wanted[less] = item;
            } else {
                k++;
            }
        }
        if (need > room) {
            high = more;
            continue;
        }
        room -= need;
        for (; more < less; more++)
            room -= (double)p->size_gib[wanted[more].artefact];
        low = less;
    }
    return high < count ? high : count;
}

struct filling { /* work space of one site */
    float *values;
    struct value *wanted;
    unsigned char *chosen;
};

/* Fills the site anew if that is worth more than what it holds. */
static bool fill_again(struct cache_placing *p, size_t site, struct filling *f)
{
    const float *has = p->has + site * p->artefacts;
    double held = 0, worth = 0, used = 0;
    size_t count = 0;
    cache_copy_values(p, site, f->values);
    for (size_t a = 0; a < p->artefacts; a++) {
        f->chosen[a] = 0;
        held += has[a] > 0 ? f->values[a] : 0;
        if (f->values[a] > 0)
            f->wanted[count++] =
                (struct value){f->values[a], f->values[a] / p->size_gib[a], (uint32_t)a};
    }
    /* what does not fit leaves its place to others, of which three more rooms full are enough */
    count = densest(p, f->wanted, count, ROOMS_FULL * p->room_gib[site]);
    qsort(f->wanted, count, sizeof *f->wanted, by_density);
    for (size_t k = 0; k < count; k++) {
        double size = p->size_gib[f->wanted[k].artefact];
        if (used + size > p->room_gib[site] * (1 + 1e-9))
            continue;
        used += size;
        worth += f->wanted[k].value;
        f->chosen[f->wanted[k].artefact] = 1;
    }
    if (!(worth > held * (1 + 1e-5) + 1e-6)) /* values are floats: less is no gain */
        return false;
    for (size_t a = 0; a < p->artefacts; a++)
        if (has[a] > 0 && !f->chosen[a])
            change_copy(p, a, site, false);
    for (size_t a = 0; a < p->artefacts; a++)
        if (!(has[a] > 0) && f->chosen[a])
            change_copy(p, a, site, true);
    return true;
}

bool cache_place_again(struct cache_placing *p)
{
    CLEANUP(mem_free_at) float *values = mem_array(p->artefacts, sizeof *values);
    CLEANUP(mem_free_at) struct value *wanted = mem_array(p->artefacts, sizeof *wanted);
    CLEANUP(mem_free_at) unsigned char *chosen = mem_array(p->artefacts, 1);
    struct filling filling = {values, wanted, chosen};
    bool better = false;
    for (size_t site = 0; site < p->sites; site++) {
        if (site % 64 == 0 && cache_stopped(p->asked))
            return false;
        if (!(p->room_gib[site] > 0) || !p->stale[site])
            continue;
        better = fill_again(p, site, &filling) || better;
        p->stale[site] = false;
    }
    return better;
}

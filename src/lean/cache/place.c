/* place.c - many artefacts over a network: which site caches what, who fetches from whom.
 *
 * Near sites and origins first (paths.c), then copies by what they save for each GiB, then each
 * site filled again with the others held fast (greedy.c), then the bound at the prices that storage
 * has come to, moved a few times towards what is over- and under-booked (bound.c).
 *
 * Contract: no site holds more than its room; each fetch goes to the nearest holder of those the
 * site looks at; lower_bound holds for every placement, also for those with farther sources. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "lean/cache/place_priv.h"

#define ROUND_TRIPS 4 /* TCP, TLS 1.3, the request, and one more for a redirect or a manifest */
#define AGAIN_MOST 8  /* rounds over all sites */

/* ---- reading the wish against the network ---- */

static enum err_code find_site(const struct map *names, const char *name, size_t *out,
                               struct err *err)
{
    size_t place = (size_t)(uintptr_t)map_find(names, name);
    if (!place)
        return err_set(err, ERR_INVALID, "no site is named '%.128s'", name);
    *out = place - 1;
    return ERR_OK;
}

static enum err_code read_room(struct cache_placing *p, const struct map *names, struct err *err)
{
    const struct cache_wish *wish = p->wish;
    CLEANUP(mem_free_at) bool *named = mem_array(p->sites, sizeof *named);
    for (size_t k = 0; k < wish->storage.count; k++) {
        size_t site = 0;
        if (find_site(names, wish->storage.items[k].site, &site, err))
            return err_field(err, "storage[%zu].site", k);
        if (named[site]) {
            err_set(err, ERR_INVALID, "site '%.128s' stands twice", wish->storage.items[k].site);
            return err_field(err, "storage[%zu].site", k);
        }
        named[site] = true;
        p->room_gib[site] = wish->storage.items[k].gib;
    }
    for (size_t i = 0; i < p->sites && wish->storage_percent.set; i++) {
        const struct site *site = &p->network->sites.items[i];
        double used = site->allocated.disk_gib.set ? site->allocated.disk_gib.value : 0;
        if (!named[i] && site->capacity.disk_gib.set)
            p->room_gib[i] =
                fmax(0, site->capacity.disk_gib.value - used) * wish->storage_percent.value / 100;
    }
    return ERR_OK;
}

/* Artefacts with the same origins share one table of ways. */
static enum err_code read_origins(struct cache_placing *p, const struct map *names,
                                  struct map *tables, struct arena *arena, struct err *err)
{
    for (size_t a = 0; a < p->artefacts; a++) {
        const struct cache_artefact *item = &p->wish->artefacts.items[a];
        CLEANUP(mem_free_at) size_t *from = mem_array(item->origins.count, sizeof *from);
        CLEANUP(buf_done) struct buf key = BUF_INIT;
        for (size_t k = 0; k < item->origins.count; k++) {
            if (find_site(names, item->origins.items[k], &from[k], err))
                return err_field(err, "artefacts[%zu].origins[%zu]", a, k);
            buf_printf(&key, "%zu,", from[k]);
        }
        struct cache_way *ways = map_find(tables, buf_str(&key));
        if (!ways) {
            ways = arena_array(arena, p->sites, sizeof *ways);
            cache_from_origins(&p->graph, from, item->origins.count, ways);
            map_put(tables, buf_str(&key), ways);
        }
        p->origin[a] = ways;
    }
    return ERR_OK;
}

static enum err_code read_demand(struct cache_placing *p, const struct map *names, uint32_t *site,
                                 uint32_t *artefact, struct err *err)
{
    CLEANUP(map_free_at) struct map *artefacts = map_new();
    for (size_t a = 0; a < p->artefacts; a++)
        if (map_put(artefacts, p->wish->artefacts.items[a].id, (void *)(uintptr_t)(a + 1))) {
            err_set(err, ERR_INVALID, "artefact '%.128s' stands twice",
                    p->wish->artefacts.items[a].id);
            return err_field(err, "artefacts[%zu].id", a);
        }
    for (size_t d = 0; d < p->wish->demand.count; d++) {
        const struct cache_demand *demand = &p->wish->demand.items[d];
        size_t place = 0, a = (size_t)(uintptr_t)map_find(artefacts, demand->artefact);
        if (find_site(names, demand->site, &place, err))
            return err_field(err, "demand[%zu].site", d);
        if (!a) {
            err_set(err, ERR_INVALID, "no artefact is named '%.128s'", demand->artefact);
            return err_field(err, "demand[%zu].artefact", d);
        }
        site[d] = (uint32_t)place;
        artefact[d] = (uint32_t)(a - 1);
        if (p->origin[a - 1][place].site != CACHE_NOWHERE)
            p->fetches[place * p->artefacts + a - 1] += (float)demand->fetches;
    }
    return ERR_OK;
}

/* ---- the placement ---- */

static void make_reverse(struct cache_placing *p)
{
    p->reverse_begin = mem_array(p->sites + 2, sizeof *p->reverse_begin);
    for (size_t j = 0; j < p->sites; j++)
        for (size_t k = 0; k < p->way_count[j]; k++)
            p->reverse_begin[p->ways[j * CACHE_NEAR + k].site + 2]++;
    for (size_t i = 2; i < p->sites + 2; i++)
        p->reverse_begin[i] += p->reverse_begin[i - 1];
    p->reverse = mem_array(p->reverse_begin[p->sites + 1], sizeof *p->reverse);
    for (size_t j = 0; j < p->sites; j++)
        for (size_t k = 0; k < p->way_count[j]; k++)
            p->reverse[p->reverse_begin[p->ways[j * CACHE_NEAR + k].site + 1]++] =
                (uint32_t)(j * CACHE_NEAR + k);
}

static void look_around(struct cache_placing *p)
{
    CLEANUP(mem_free_at) bool *room = mem_array(p->sites, sizeof *room);
    for (size_t i = 0; i < p->sites; i++) {
        float widest = 0;
        room[i] = p->room_gib[i] > 0;
        for (size_t k = p->graph.begin[i]; k < p->graph.begin[i + 1]; k++)
            widest = fmaxf(widest, p->graph.arcs[k].mbps);
        p->least_gib_s[i] = widest > 0 ? cache_gib_seconds(widest) : 0;
    }
    cache_nearest(&p->graph, room, p->ways, p->way_count, p->beyond_s);
    make_reverse(p);
}

/* What a fetch from the origin and a copy cost, for each site and artefact. */
static void look_back(struct cache_placing *p)
{
    for (size_t i = 0; i < p->sites; i++)
        for (size_t a = 0; a < p->artefacts; a++) {
            const struct cache_artefact *item = &p->wish->artefacts.items[a];
            const struct cache_way *way = &p->origin[a][i];
            size_t at = i * p->artefacts + a;
            bool reached = way->site != CACHE_NOWHERE, can = reached && way->site != i;
            double updates = item->updates.set ? item->updates.value : 1;
            p->far[at] = reached ? cache_way_seconds(way, p->size_gib[a]) : 0;
            p->fill[at] = can && item->size_gib <= p->room_gib[i] ? (float)updates * p->far[at]
                                                                  : CACHE_ENDLESS;
        }
}

/* Seconds of filling and of waiting, as things are. */
static double seconds_now(const struct cache_placing *p, double *ret_filling)
{
    double waiting = 0, filling = 0;
    for (size_t at = 0; at < p->sites * p->artefacts; at++) {
        waiting += (double)p->fetches[at] * p->wait[at];
        filling += p->has[at] > 0 ? (double)p->fill[at] : 0;
    }
    *ret_filling = filling;
    return waiting + filling;
}

static size_t holder_of(const struct cache_placing *p, size_t a, size_t j, float *ret_seconds)
{
    size_t from = p->origin[a][j].site;
    float least = p->far[j * p->artefacts + a];
    for (size_t k = 0; k < p->way_count[j]; k++) {
        const struct cache_way *way = &p->ways[j * CACHE_NEAR + k];
        float seconds = cache_way_seconds(way, p->size_gib[a]);
        if (p->has[way->site * p->artefacts + a] > 0 && seconds < least) {
            least = seconds;
            from = way->site;
        }
    }
    if (p->has[j * p->artefacts + a] > 0) {
        least = 0;
        from = j;
    }
    *ret_seconds = least;
    return from;
}

static void write_fetches(const struct cache_placing *p, const uint32_t *site,
                          const uint32_t *artefact, struct cache_placement *out,
                          struct arena *arena)
{
    size_t count = p->wish->demand.count;
    out->fetches.items = arena_array(arena, count, sizeof *out->fetches.items);
    for (size_t d = 0; d < count; d++) {
        size_t a = artefact[d], j = site[d];
        double fetches = p->wish->demand.items[d].fetches;
        float seconds = 0;
        double gib = p->wish->artefacts.items[a].size_gib * fetches;
        if (p->origin[a][j].site == CACHE_NOWHERE) {
            out->unmet++;
            continue;
        }
        size_t from = holder_of(p, a, j, &seconds);
        out->fetches.items[out->fetches.count++] =
            (struct cache_fetch){j, a, from, fetches, fetches * (double)seconds};
        if (p->origin[a][j].site != j) {
            out->origin_gib_before += gib;
            out->origin_gib += p->has[from * p->artefacts + a] > 0 ? 0 : gib;
        }
    }
}

static void write_copies(const struct cache_placing *p, struct cache_placement *out,
                         struct arena *arena)
{
    CLEANUP(mem_free_at) float *values = mem_array(p->artefacts, sizeof *values);
    for (size_t i = 0; i < p->sites; i++) {
        if (!(p->used_gib[i] > 0))
            continue;
        cache_copy_values(p, i, values);
        for (size_t a = 0; a < p->artefacts; a++) {
            const struct cache_artefact *item = &p->wish->artefacts.items[a];
            if (!(p->has[i * p->artefacts + a] > 0))
                continue;
            *LIST_ADD(arena, &out->copies) = (struct cache_copy){i, a, values[a]};
            out->stored_gib += item->size_gib;
            out->origin_gib += item->size_gib * (item->updates.set ? item->updates.value : 1);
        }
    }
}

static void run(struct cache_placing *p, struct cache_placement *out)
{
    for (size_t at = 0; at < p->sites * p->artefacts; at++)
        out->seconds_before += (double)p->fetches[at] * p->far[at];
    cache_place_greedily(p);
    for (int round = 0; round < AGAIN_MOST && cache_place_again(p); round++)
        ;
    out->seconds = seconds_now(p, &out->filling_s);
    out->lower_bound = cache_place_bound(p, out->seconds);
    out->stopped = cache_stopped(p->asked);
}

static void placing_init(struct cache_placing *p)
{
    size_t n = p->sites, entries = n * p->artefacts;
    cache_graph_make(
        p->network, p->wish->round_trips.set ? p->wish->round_trips.value : ROUND_TRIPS, &p->graph);
    p->room_gib = mem_array(n, sizeof *p->room_gib);
    p->used_gib = mem_array(n, sizeof *p->used_gib);
    p->stale = mem_array(n, sizeof *p->stale);
    p->ways = mem_array(n * CACHE_NEAR, sizeof *p->ways);
    p->way_count = mem_array(n, sizeof *p->way_count);
    p->beyond_s = mem_array(n, sizeof *p->beyond_s);
    p->least_gib_s = mem_array(n, sizeof *p->least_gib_s);
    p->origin = mem_array(p->artefacts, sizeof *p->origin);
    p->size_gib = mem_array(p->artefacts, sizeof *p->size_gib);
    for (size_t a = 0; a < p->artefacts; a++)
        p->size_gib[a] = (float)p->wish->artefacts.items[a].size_gib;
    p->fetches = mem_array(6 * entries, sizeof *p->fetches);
    p->far = p->fetches + entries;
    p->fill = p->fetches + 2 * entries;
    p->has = p->fetches + 3 * entries;
    p->wait = p->fetches + 4 * entries;
    p->next = p->fetches + 5 * entries;
}

static void placing_done(struct cache_placing *p)
{
    cache_graph_done(&p->graph);
    mem_free(p->room_gib);
    mem_free(p->used_gib);
    mem_free(p->stale);
    mem_free(p->ways);
    mem_free(p->way_count);
    mem_free(p->beyond_s);
    mem_free(p->least_gib_s);
    mem_free(p->reverse_begin);
    mem_free(p->reverse);
    mem_free(p->origin);
    mem_free(p->size_gib);
    mem_free(p->fetches);
}

/* ---- order of sites ---- */

/* Each site near its nearest ones: figures of neighbours then stand near each other in memory,
 * which is worth half of the time.  order[place] = place in the network. */
static void order_by_nearness(const struct network *network, size_t *order)
{
    size_t n = network->sites.count, count = 0, waiting = 0;
    struct cache_graph graph;
    CLEANUP(mem_free_at) bool *any = mem_array(n, sizeof *any);
    CLEANUP(mem_free_at) bool *seen = mem_array(n, sizeof *seen);
    CLEANUP(mem_free_at) struct cache_way *ways = mem_array(n * CACHE_NEAR, sizeof *ways);
    CLEANUP(mem_free_at) unsigned char *way_count = mem_array(n, sizeof *way_count);
    CLEANUP(mem_free_at) float *beyond_s = mem_array(n, sizeof *beyond_s);
    CLEANUP(mem_free_at) uint32_t *stack = mem_array(n * CACHE_NEAR + 1, sizeof *stack);
    memset(any, 1, n * sizeof *any);
    cache_graph_make(network, 1, &graph);
    cache_nearest(&graph, any, ways, way_count, beyond_s);
    cache_graph_done(&graph);
    for (size_t first = 0; first < n; first++) {
        stack[waiting++] = (uint32_t)first;
        while (waiting) {
            size_t site = stack[--waiting];
            if (seen[site])
                continue;
            seen[site] = true;
            order[count++] = site;
            for (size_t k = way_count[site]; k-- > 0;) /* the nearest is looked at first */
                stack[waiting++] = ways[site * CACHE_NEAR + k].site;
        }
    }
}

static int by_site(const void *a, const void *b)
{
    const struct cache_copy *x = a, *y = b;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->artefact < y->artefact ? -1 : x->artefact > y->artefact;
}

static void tell_places(struct cache_placement *placement, const size_t *order)
{
    for (size_t k = 0; k < placement->copies.count; k++)
        placement->copies.items[k].site = order[placement->copies.items[k].site];
    for (size_t k = 0; k < placement->fetches.count; k++) {
        struct cache_fetch *fetch = &placement->fetches.items[k];
        fetch->site = order[fetch->site];
        fetch->from = order[fetch->from];
    }
    if (placement->copies.count)
        qsort(placement->copies.items, placement->copies.count, sizeof *placement->copies.items,
              by_site);
}

enum err_code cache_place(const struct network *network, const struct cache_wish *wish,
                          const struct cache_search *search, struct cache_placement *out,
                          struct arena *arena, struct err *err)
{
    struct cache_placement placement = {.copies = {NULL, 0}};
    struct network ordered = *network; /* its sites in another order */
    struct cache_placing p = {.network = &ordered,
                              .wish = wish,
                              .asked = search,
                              .sites = network->sites.count,
                              .artefacts = wish->artefacts.count};
    size_t entries = CACHE_MAX_ENTRIES / (p.sites + 1);
    if (!p.sites)
        return err_set(err, ERR_INVALID, "the network has no site");
    if (p.artefacts > entries)
        return err_set(err, ERR_TOO_LARGE, "%zu sites × %zu artefacts: the most is %zu", p.sites,
                       p.artefacts, CACHE_MAX_ENTRIES);
    CLEANUP(arena_done) struct arena own = ARENA_INIT;
    CLEANUP(map_free_at) struct map *names = map_new();
    CLEANUP(map_free_at) struct map *tables = map_new();
    CLEANUP(mem_free_at) uint32_t *site = mem_array(wish->demand.count, sizeof *site);
    CLEANUP(mem_free_at) uint32_t *artefact = mem_array(wish->demand.count, sizeof *artefact);
    CLEANUP(mem_free_at) size_t *order = mem_array(p.sites, sizeof *order);
    CLEANUP(mem_free_at) struct site *sites = mem_array(p.sites, sizeof *sites);
    order_by_nearness(network, order);
    ordered.sites.items = sites;
    for (size_t i = 0; i < p.sites; i++) {
        sites[i] = network->sites.items[order[i]];
        map_put(names, sites[i].id, (void *)(uintptr_t)(i + 1));
    }
    placing_init(&p);
    enum err_code rc;
    if (!(rc = read_room(&p, names, err)) && !(rc = read_origins(&p, names, tables, &own, err)) &&
        !(rc = read_demand(&p, names, site, artefact, err))) {
        look_around(&p);
        look_back(&p);
        run(&p, &placement);
        write_fetches(&p, site, artefact, &placement, arena);
        write_copies(&p, &placement, arena);
        placement.links_left_out = p.graph.links_left_out;
        for (size_t i = 0; i < p.sites; i++)
            placement.sites_with_room += p.room_gib[i] > 0;
        tell_places(&placement, order);
        *out = placement;
    }
    placing_done(&p);
    return rc;
}

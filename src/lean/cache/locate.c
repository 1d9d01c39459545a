/* locate.c - the door: what a problem must be, and which method it gets. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

bool cache_stopped(const struct cache_search *search)
{
    return search->should_stop && search->should_stop(search->stop_ctx);
}

double cache_cutoff(double cost, bool whole)
{
    if (!isfinite(cost))
        return INFINITY;
    return whole ? cost - 1 + 1e-6 : cost - 1e-9 * fmax(1, fabs(cost));
}

static bool is_whole(double value)
{
    return !isfinite(value) || (value == floor(value) && fabs(value) < 1e12);
}

bool cache_is_whole(const struct cache_location *problem)
{
    for (size_t i = 0; i < problem->facilities && problem->open; i++)
        if (!is_whole(problem->open[i]))
            return false;
    for (size_t k = 0; k < problem->facilities * problem->customers; k++)
        if (!is_whole(problem->serve[k]))
            return false;
    return true;
}

bool cache_best_offer(struct cache_best *best, const unsigned char *open, double cost)
{
    if (!(cost < best->cost))
        return false;
    best->cost = cost;
    memcpy(best->open, open, best->problem->facilities);
    return true;
}

void cache_frame_init(struct cache_frame *frame, const struct cache_location *problem,
                      const struct cache_frame *from)
{
    size_t customers = problem->customers, facilities = problem->facilities;
    frame->price = mem_array(customers, sizeof *frame->price);
    frame->often = mem_array(facilities, sizeof *frame->often);
    frame->state = mem_array(facilities, 1);
    if (!from)
        return;
    memcpy(frame->price, from->price, customers * sizeof *frame->price);
    memcpy(frame->often, from->often, facilities * sizeof *frame->often);
    memcpy(frame->state, from->state, facilities);
}

void cache_frame_done(struct cache_frame *frame)
{
    mem_free(frame->price);
    mem_free(frame->often);
    mem_free(frame->state);
}

static enum err_code check(const struct cache_location *problem, struct err *err)
{
    if (!problem->facilities || !problem->customers)
        return err_set(err, ERR_INVALID, "a location problem has facilities and customers");
    if (problem->facilities > CACHE_MAX_ENTRIES / problem->customers)
        return err_set(err, ERR_TOO_LARGE, "%zu facilities × %zu customers: the most is %zu",
                       problem->facilities, problem->customers, CACHE_MAX_ENTRIES);
    if (problem->capacity && problem->most)
        return err_set(err, ERR_INVALID,
                       "capacities and a number of facilities do not go together");
    for (size_t j = 0; j < problem->customers; j++) {
        bool served = false;
        for (size_t i = 0; i < problem->facilities && !served; i++)
            served = isfinite(problem->serve[j * problem->facilities + i]);
        if (!served)
            return err_set(err, ERR_INFEASIBLE, "no facility can serve customer %zu", j + 1);
    }
    return ERR_OK;
}

enum err_code cache_locate(const struct cache_location *problem, const struct cache_search *search,
                           struct cache_located *out, struct arena *arena, struct err *err)
{
    struct cache_located located = {.cost = INFINITY};
    enum err_code rc = check(problem, err);
    if (!rc)
        rc = problem->capacity ? cache_locate_capacity(problem, search, &located, arena, err)
                               : cache_locate_free(problem, search, &located, arena, err);
    if (!rc)
        *out = located;
    return rc;
}

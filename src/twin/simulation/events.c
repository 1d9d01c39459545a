/* events.c - what is going to happen, by time, then by order of making: a heap of four.
 *
 * Contract: O(log n) an event, in the events that are waiting. */
#include "twin/simulation/run_priv.h"

static bool is_sooner(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void simulation_schedule(struct sim_run *run, double at, enum sim_event_kind kind, uint32_t who,
                         uint32_t ticket)
{
    struct sim_event event = {at, run->made++, who, ticket, kind};
    if (run->event_count == run->event_room) {
        run->event_room = run->event_room ? run->event_room * 2 : 1024;
        run->events = mem_resize(run->events, run->event_room, sizeof *run->events);
    }
    size_t i = run->event_count++;
    for (; i && is_sooner(&event, &run->events[(i - 1) / 4]); i = (i - 1) / 4)
        run->events[i] = run->events[(i - 1) / 4];
    run->events[i] = event;
}

struct sim_event simulation_take_next(struct sim_run *run)
{
    struct sim_event top = run->events[0], last = run->events[--run->event_count];
    size_t i = 0;
    for (size_t child; (child = 4 * i + 1) < run->event_count;) {
        size_t best = child;
        for (size_t k = child + 1; k < child + 4 && k < run->event_count; k++)
            if (is_sooner(&run->events[k], &run->events[best]))
                best = k;
        if (!is_sooner(&run->events[best], &last))
            break;
        run->events[i] = run->events[best];
        i = best;
    }
    run->events[i] = last;
    return top;
}

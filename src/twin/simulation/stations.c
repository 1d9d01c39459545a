/* stations.c - instances as queues, first come first served: who waits, who is worked on.
 *
 * Contract: O(1) a visit but for the heap.  Busy slots and presence are added up by time, so that
 * Little's law holds as an identity. */
#include <math.h>

#include "twin/simulation/run_priv.h"

void simulation_station_count(struct sim_run *run, struct sim_station *station)
{
    double passed = run->now - station->seen;
    station->busy_area += passed * (double)station->busy;
    station->present_area += passed * (double)station->present;
    station->seen = run->now;
}

static void list_add(struct sim_run *run, struct sim_list *list, uint32_t id)
{
    run->attempts[id].before = list->tail;
    run->attempts[id].behind = SIM_NOBODY;
    *(list->tail == SIM_NOBODY ? &list->head : &run->attempts[list->tail].behind) = id;
    list->tail = id;
}

static void list_remove(struct sim_run *run, struct sim_list *list, uint32_t id)
{
    const struct sim_attempt *attempt = &run->attempts[id];
    *(attempt->before == SIM_NOBODY ? &list->head : &run->attempts[attempt->before].behind) =
        attempt->behind;
    *(attempt->behind == SIM_NOBODY ? &list->tail : &run->attempts[attempt->behind].before) =
        attempt->before;
}

/* Mean 1.  Up to 1 a constant and an exponential part; above, two exponentials of equal shares of
 * the mean (balanced means). */
static double draw(struct rand *rand, double cv)
{
    if (cv <= 1)
        return 1 - cv + (cv > 0 ? rand_exponential(rand, cv) : 0);
    double p = (1 + sqrt((cv * cv - 1) / (cv * cv + 1))) / 2;
    double share = rand_unit(rand) < p ? p : 1 - p;
    return rand_exponential(rand, 1 / (2 * share));
}

static void begin_work(struct sim_run *run, int32_t instance, uint32_t id)
{
    const struct sim_world *world = run->world;
    const struct sim_service *service = &world->services[world->instance_service[instance]];
    struct sim_station *station = &run->stations[instance];
    const struct sim_attempt *attempt = &run->attempts[id];
    bool given = attempt->task && attempt->depth == 1 && attempt->task->work_s >= 0;
    double time =
        (given ? attempt->task->work_s : service->mean_s * draw(&run->rand, service->cv)) *
        world->node_slow[world->instance_node[instance]];
    station->busy++;
    run->attempts[id].working = true;
    list_add(run, &station->work, id);
    simulation_schedule(run, run->now + time, SIM_SERVED, id, run->attempts[id].life);
}

void simulation_station_enter(struct sim_run *run, uint32_t id)
{
    struct sim_attempt *attempt = &run->attempts[id];
    int32_t instance = attempt->frames[attempt->depth - 1].instance;
    struct sim_station *station = &run->stations[instance];
    if (run->world->node_down[run->world->instance_node[instance]]) {
        simulation_lose(run, id);
        return;
    }
    simulation_station_count(run, station);
    station->present++;
    station->visits++;
    attempt->entered = run->now;
    attempt->working = false;
    if (station->busy < run->world->services[run->world->instance_service[instance]].slots)
        begin_work(run, instance, id);
    else
        list_add(run, &station->queue, id);
}

static void leave(struct sim_run *run, int32_t instance, uint32_t id)
{
    struct sim_station *station = &run->stations[instance];
    bool worked = run->attempts[id].working;
    simulation_station_count(run, station);
    station->present--;
    station->busy -= worked;
    station->response_sum += run->now - run->attempts[id].entered;
    list_remove(run, worked ? &station->work : &station->queue, id);
}

void simulation_station_done(struct sim_run *run, int32_t instance, uint32_t id)
{
    leave(run, instance, id);
    uint32_t next = run->stations[instance].queue.head;
    if (next != SIM_NOBODY) {
        list_remove(run, &run->stations[instance].queue, next);
        begin_work(run, instance, next);
    }
}

void simulation_station_kill(struct sim_run *run, int32_t instance)
{
    struct sim_station *station = &run->stations[instance];
    for (uint32_t id;
         (id = station->work.head) != SIM_NOBODY || (id = station->queue.head) != SIM_NOBODY;) {
        leave(run, instance, id);
        simulation_lose(run, id);
    }
}

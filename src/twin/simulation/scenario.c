/* scenario.c - the tables of scenario and answers, and what a solution says of a scenario.
 *
 * Contract: bounds keep every later product of times, rates and sizes finite.  Whether names exist
 * is checked against the network, in world.c. */
#include <math.h>

#include "base/str.h"
#include "twin/simulation/simulation.h"

#define SECONDS_MOST 1e9
#define RATE_MOST 1e9
#define KB_MOST 1e12
#define MS_MOST 1e9
#define RETRIES_MOST 100
#define SLOTS_MOST 1000000
#define CV_MOST 100
#define FACTOR_LEAST 1e-6
#define FACTOR_MOST 1e6

const char *const simulation_mode_names[] = {NULL, "active-active", "active-standby", NULL};
const char *const simulation_kind_names[] = {NULL, "fail", "slow", "grow", NULL};

static const struct json_field call_fields[] = {
    JSON_FIELD("to", JSON_STRING, struct simulation_call, to, JSON_REQUIRED | JSON_NON_EMPTY,
               "service that is asked"),
    JSON_FIELD_RANGE("probability", JSON_OPT_DOUBLE, struct simulation_call, probability, 0, 0, 1,
                     "of being asked, 1 if not said"),
    JSON_FIELD_RANGE("request_kb", JSON_DOUBLE, struct simulation_call, request_kb, 0, 0, KB_MOST,
                     "mean size of the request, in 1000 bytes"),
    JSON_FIELD_RANGE("reply_kb", JSON_DOUBLE, struct simulation_call, reply_kb, 0, 0, KB_MOST,
                     "mean size of the reply"),
};
static const struct json_table call_table =
    JSON_TABLE("SimulationCall", struct simulation_call, call_fields,
               "what a service asks another one for, after its own work", NULL);

static const struct json_field service_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct simulation_service, name, JSON_REQUIRED | JSON_NON_EMPTY,
               "unique name; that of a component if a solution is given"),
    JSON_FIELD("sites", JSON_STRINGS, struct simulation_service, sites, 0,
               "where its instances are, one each"),
    JSON_FIELD_RANGE("slots", JSON_OPT_INT, struct simulation_service, slots, 0, 1, SLOTS_MOST,
                     "requests that one instance works on at a time"),
    JSON_FIELD_RANGE("service_ms", JSON_OPT_DOUBLE, struct simulation_service, service_ms,
                     JSON_POSITIVE, 0, MS_MOST, "mean work of one request"),
    JSON_FIELD_RANGE("service_cv", JSON_OPT_DOUBLE, struct simulation_service, service_cv, 0, 0,
                     CV_MOST, "its coefficient of variation; 1 if not said, 0 is constant"),
    JSON_FIELD_ENUM("mode", struct simulation_service, mode, 0, simulation_mode_names,
                    "whether all instances work or the first one that lives"),
    JSON_FIELD_TABLE("calls", JSON_ARRAY, struct simulation_service, calls, 0, &call_table,
                     "what it asks of others, one after the other"),
};
static const struct json_table service_table =
    JSON_TABLE("SimulationService", struct simulation_service, service_fields,
               "a service and its instances", NULL);

static const struct json_field task_fields[] = {
    JSON_FIELD_RANGE("at_s", JSON_DOUBLE, struct simulation_task, at_s, JSON_REQUIRED, 0,
                     SECONDS_MOST, "when it is made, seconds from the start"),
    JSON_FIELD("site", JSON_STRING, struct simulation_task, site, JSON_NON_EMPTY,
               "where it is served; any if not said"),
    JSON_FIELD_RANGE("work_ms", JSON_OPT_DOUBLE, struct simulation_task, work_ms, 0, 0, MS_MOST,
                     "its work there; drawn if not said"),
    JSON_FIELD_RANGE("request_kb", JSON_DOUBLE, struct simulation_task, request_kb, 0, 0, KB_MOST,
                     "size of the request, in 1000 bytes"),
    JSON_FIELD_RANGE("reply_kb", JSON_DOUBLE, struct simulation_task, reply_kb, 0, 0, KB_MOST,
                     "size of the reply"),
};
static const struct json_table task_table = JSON_TABLE(
    "SimulationTask", struct simulation_task, task_fields, "one request, as it was recorded", NULL);

static enum err_code check_flow(const void *object, struct err *err)
{
    const struct simulation_flow *flow = object;
    if ((flow->rate_per_s > 0) != (flow->tasks.count > 0))
        return ERR_OK;
    err_set(err, ERR_INVALID,
            flow->tasks.count ? "requests are a stream or listed, not both"
                              : "nothing says how many requests there are");
    err_field(err, "rate_per_s");
    return err_hint(err, "rate_per_s, or tasks");
}

static const struct json_field flow_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct simulation_flow, name, JSON_REQUIRED | JSON_NON_EMPTY,
               "unique name"),
    JSON_FIELD("from", JSON_STRING, struct simulation_flow, from, JSON_REQUIRED | JSON_NON_EMPTY,
               "access point or site where requests come from"),
    JSON_FIELD("to", JSON_STRING, struct simulation_flow, to, JSON_REQUIRED | JSON_NON_EMPTY,
               "service that is asked"),
    JSON_FIELD_RANGE("rate_per_s", JSON_DOUBLE, struct simulation_flow, rate_per_s, JSON_POSITIVE,
                     0, RATE_MOST, "requests, a Poisson stream"),
    JSON_FIELD_TABLE("tasks", JSON_ARRAY, struct simulation_flow, tasks, 0, &task_table,
                     "instead of the stream: recorded requests"),
    JSON_FIELD_RANGE("request_kb", JSON_DOUBLE, struct simulation_flow, request_kb, 0, 0, KB_MOST,
                     "mean size of the request, in 1000 bytes"),
    JSON_FIELD_RANGE("reply_kb", JSON_DOUBLE, struct simulation_flow, reply_kb, 0, 0, KB_MOST,
                     "mean size of the reply"),
    JSON_FIELD_RANGE("timeout_ms", JSON_OPT_DOUBLE, struct simulation_flow, timeout_ms,
                     JSON_POSITIVE, 0, MS_MOST,
                     "patience with one try; without it a loss is noticed at once"),
    JSON_FIELD_RANGE("retries", JSON_INT, struct simulation_flow, retries, 0, 0, RETRIES_MOST,
                     "tries after the first one"),
    JSON_FIELD_RANGE("backoff_ms", JSON_DOUBLE, struct simulation_flow, backoff_ms, 0, 0, MS_MOST,
                     "pause before the first retry; doubles with each one"),
};
static const struct json_table flow_table =
    JSON_TABLE("SimulationFlow", struct simulation_flow, flow_fields,
               "who asks a service, how often", check_flow);

static enum err_code check_fault(const void *object, struct err *err)
{
    const struct simulation_fault *fault = object;
    bool link = fault->a || fault->b, grows = fault->kind == SIMULATION_GROW;
    if (link && !(fault->a && fault->b)) {
        err_set(err, ERR_INVALID, "a link has two ends");
        return err_field(err, "%s", fault->a ? "b" : "a");
    }
    if (grows ? !fault->flow || link || fault->site : fault->flow || link == !!fault->site) {
        err_set(err, ERR_INVALID,
                grows ? "what grows is one flow" : "what fails or slows is one site or one link");
        return err_field(err, "kind");
    }
    if (fault->factor.set == (fault->kind == SIMULATION_FAIL)) {
        err_set(err, ERR_INVALID,
                fault->factor.set ? "a failure has no factor" : "by which factor is not said");
        return err_field(err, "factor");
    }
    if (fault->until_s.set && fault->until_s.value <= fault->at_s) {
        err_set(err, ERR_INVALID, "it ends before it begins");
        return err_field(err, "until_s");
    }
    return ERR_OK;
}

static const struct json_field fault_fields[] = {
    JSON_FIELD_ENUM("kind", struct simulation_fault, kind, JSON_REQUIRED, simulation_kind_names,
                    "what happens"),
    JSON_FIELD_RANGE("at_s", JSON_DOUBLE, struct simulation_fault, at_s, JSON_REQUIRED, 0,
                     SECONDS_MOST, "when it begins, seconds from the start"),
    JSON_FIELD_RANGE("until_s", JSON_OPT_DOUBLE, struct simulation_fault, until_s, 0, 0,
                     SECONDS_MOST, "when it is over; never if not said"),
    JSON_FIELD("site", JSON_STRING, struct simulation_fault, site, JSON_NON_EMPTY,
               "site or access point that fails, or site where work takes longer"),
    JSON_FIELD("a", JSON_STRING, struct simulation_fault, a, JSON_NON_EMPTY,
               "one end of a link that fails, or carries less"),
    JSON_FIELD("b", JSON_STRING, struct simulation_fault, b, JSON_NON_EMPTY, "its other end"),
    JSON_FIELD("flow", JSON_STRING, struct simulation_fault, flow, JSON_NON_EMPTY,
               "flow that grows"),
    JSON_FIELD_RANGE("factor", JSON_OPT_DOUBLE, struct simulation_fault, factor, 0, FACTOR_LEAST,
                     FACTOR_MOST, "times slower, or times as many requests"),
};
static const struct json_table fault_table =
    JSON_TABLE("SimulationFault", struct simulation_fault, fault_fields,
               "what fails, degrades or grows, and when", check_fault);

static const struct json_field scenario_fields[] = {
    JSON_FIELD_RANGE("duration_s", JSON_DOUBLE, struct simulation_scenario, duration_s,
                     JSON_REQUIRED | JSON_POSITIVE, 0, SECONDS_MOST,
                     "how long requests are made; then the last ones are waited for"),
    JSON_FIELD_RANGE("warmup_s", JSON_DOUBLE, struct simulation_scenario, warmup_s, 0, 0,
                     SECONDS_MOST, "what is asked before is not counted"),
    JSON_FIELD_RANGE("failover_s", JSON_DOUBLE, struct simulation_scenario, failover_s, 0, 0,
                     SECONDS_MOST, "until a dead or a returned site is noticed"),
    JSON_FIELD_RANGE("reroute_s", JSON_DOUBLE, struct simulation_scenario, reroute_s, 0, 0,
                     SECONDS_MOST, "until a dead or a returned link is noticed"),
    JSON_FIELD_TABLE("services", JSON_ARRAY, struct simulation_scenario, services, JSON_NON_EMPTY,
                     &service_table, "services and where they run"),
    JSON_FIELD_TABLE("flows", JSON_ARRAY, struct simulation_scenario, flows, 0, &flow_table,
                     "who asks them; from the requirement if not said"),
    JSON_FIELD_TABLE("faults", JSON_ARRAY, struct simulation_scenario, faults, 0, &fault_table,
                     "what happens"),
};
const struct json_table simulation_scenario_table =
    JSON_TABLE("SimulationScenario", struct simulation_scenario, scenario_fields,
               "services, who asks them, and what happens", NULL);

/* ---- answers ---- */

static const struct json_field figures_fields[] = {
    JSON_FIELD("mean_ms", JSON_OPT_DOUBLE, struct simulation_figures, mean_ms, 0,
               "mean latency of answered requests, retries included"),
    JSON_FIELD("p50_ms", JSON_OPT_DOUBLE, struct simulation_figures, p50_ms, 0, "its median"),
    JSON_FIELD("p99_ms", JSON_OPT_DOUBLE, struct simulation_figures, p99_ms, 0,
               "99 % are answered sooner"),
    JSON_FIELD("offered", JSON_INT, struct simulation_figures, offered, 0, "requests made"),
    JSON_FIELD("answered", JSON_INT, struct simulation_figures, answered, 0, "requests answered"),
    JSON_FIELD("lost", JSON_INT, struct simulation_figures, lost, 0, "requests given up"),
    JSON_FIELD("retries", JSON_INT, struct simulation_figures, retries, 0, "tries after the first"),
    JSON_FIELD("throughput_per_s", JSON_DOUBLE, struct simulation_figures, throughput_per_s, 0,
               "answered by length of the phase"),
    JSON_FIELD("loss", JSON_DOUBLE, struct simulation_figures, loss, 0, "share of offered"),
    JSON_FIELD("availability", JSON_DOUBLE, struct simulation_figures, availability, 0,
               "share of the time in which the flow could be served"),
};
static const struct json_table figures_table =
    JSON_TABLE("SimulationFigures", struct simulation_figures, figures_fields,
               "what a flow saw in a phase", NULL);

static const struct json_field outcome_fields[] = {
    JSON_FIELD("flow", JSON_STRING, struct simulation_outcome, flow, 0, "name"),
    JSON_FIELD("phase", JSON_STRING, struct simulation_outcome, phase, 0, "before, during, after"),
    JSON_FIELD("state", JSON_STRING, struct simulation_outcome, state, 0,
               "down, lossy, slower, busier, same: the worst that holds, against the base"),
    JSON_FIELD("from_s", JSON_DOUBLE, struct simulation_outcome, from_s, JSON_KEEP, "its begin"),
    JSON_FIELD("to_s", JSON_DOUBLE, struct simulation_outcome, to_s, 0, "its end"),
    JSON_FIELD_TABLE("with", JSON_OBJECT, struct simulation_outcome, with, JSON_KEEP,
                     &figures_table, "with the faults"),
    JSON_FIELD_TABLE("base", JSON_OBJECT, struct simulation_outcome, base, JSON_KEEP,
                     &figures_table, "the same requests without them"),
    JSON_FIELD("mean_change_ms", JSON_OPT_DOUBLE, struct simulation_outcome, mean_change_ms, 0,
               "with less base"),
    JSON_FIELD("p99_change_ms", JSON_OPT_DOUBLE, struct simulation_outcome, p99_change_ms, 0,
               "with less base"),
    JSON_FIELD("throughput_change_per_s", JSON_DOUBLE, struct simulation_outcome,
               throughput_change_per_s, 0, "with less base"),
    JSON_FIELD("loss_change", JSON_DOUBLE, struct simulation_outcome, loss_change, 0,
               "with less base"),
    JSON_FIELD("availability_change", JSON_DOUBLE, struct simulation_outcome, availability_change,
               0, "with less base"),
};
static const struct json_table outcome_table = JSON_TABLE(
    "SimulationOutcome", struct simulation_outcome, outcome_fields, "one flow in one phase", NULL);

static const struct json_field station_fields[] = {
    JSON_FIELD("service", JSON_STRING, struct simulation_station, service, 0, "name"),
    JSON_FIELD("site", JSON_STRING, struct simulation_station, site, 0, "where"),
    JSON_FIELD("visits", JSON_INT, struct simulation_station, visits, 0, "requests that came"),
    JSON_FIELD("base_visits", JSON_INT, struct simulation_station, base_visits, 0,
               "the same without the faults"),
    JSON_FIELD("base_utilisation", JSON_DOUBLE, struct simulation_station, base_utilisation, 0,
               "the same without the faults"),
    JSON_FIELD("base_mean_present", JSON_DOUBLE, struct simulation_station, base_mean_present, 0,
               "the same without the faults"),
    JSON_FIELD("base_mean_response_ms", JSON_DOUBLE, struct simulation_station,
               base_mean_response_ms, 0, "the same without the faults"),
    JSON_FIELD("utilisation", JSON_DOUBLE, struct simulation_station, utilisation, 0,
               "busy slots by time"),
    JSON_FIELD("mean_present", JSON_DOUBLE, struct simulation_station, mean_present, 0,
               "requests waiting or worked on, by time"),
    JSON_FIELD("mean_response_ms", JSON_DOUBLE, struct simulation_station, mean_response_ms, 0,
               "wait and work of a visit"),
};
static const struct json_table station_table = JSON_TABLE(
    "SimulationStation", struct simulation_station, station_fields, "one instance", NULL);

static const struct json_field happening_fields[] = {
    JSON_FIELD("at_s", JSON_DOUBLE, struct simulation_happening, at_s, JSON_KEEP, "when"),
    JSON_FIELD_ENUM("kind", struct simulation_happening, kind, 0, simulation_kind_names,
                    "of the fault"),
    JSON_FIELD("stage", JSON_STRING, struct simulation_happening, stage, 0,
               "begins, noticed, ends, end noticed"),
    JSON_FIELD("what", JSON_STRING, struct simulation_happening, what, 0,
               "site, access point, flow, or the ends of a link"),
    JSON_FIELD("factor", JSON_OPT_DOUBLE, struct simulation_happening, factor, 0,
               "times slower, or as many requests"),
};
static const struct json_table happening_table =
    JSON_TABLE("SimulationHappening", struct simulation_happening, happening_fields,
               "what changes at a time", NULL);

static const struct json_field task_outcome_fields[] = {
    JSON_FIELD("flow", JSON_STRING, struct simulation_task_outcome, flow, 0, "name"),
    JSON_FIELD("at_s", JSON_DOUBLE, struct simulation_task_outcome, at_s, JSON_KEEP,
               "when it was made"),
    JSON_FIELD("response_ms", JSON_OPT_DOUBLE, struct simulation_task_outcome, response_ms, 0,
               "until it was answered; absent if it was given up"),
};
static const struct json_table task_outcome_table =
    JSON_TABLE("SimulationTaskOutcome", struct simulation_task_outcome, task_outcome_fields,
               "what became of a listed request", NULL);

static const struct json_field result_fields[] = {
    JSON_FIELD("seed", JSON_INT, struct simulation_result, seed, 0, "same seed, same answer"),
    JSON_FIELD("events", JSON_INT, struct simulation_result, events, 0, "of both runs"),
    JSON_FIELD("ended_s", JSON_DOUBLE, struct simulation_result, ended_s, 0,
               "when the last request was settled"),
    JSON_FIELD_TABLE("happenings", JSON_ARRAY, struct simulation_result, happenings, JSON_KEEP,
                     &happening_table, "what happens, by time"),
    JSON_FIELD_TABLE("timeline", JSON_ARRAY, struct simulation_result, timeline, 0, &outcome_table,
                     "by flow, from one happening to the next"),
    JSON_FIELD_TABLE("outcomes", JSON_ARRAY, struct simulation_result, outcomes, JSON_KEEP,
                     &outcome_table, "by flow and phase"),
    JSON_FIELD_TABLE("stations", JSON_ARRAY, struct simulation_result, stations, JSON_KEEP,
                     &station_table, "instances, with the faults"),
    JSON_FIELD_TABLE("tasks", JSON_ARRAY, struct simulation_result, tasks, 0, &task_outcome_table,
                     "listed requests, with the faults"),
    JSON_FIELD("assumptions", JSON_STRINGS, struct simulation_result, assumptions, JSON_KEEP,
               "what was assumed where nothing is said"),
};
const struct json_table simulation_result_table = JSON_TABLE(
    "SimulationResult", struct simulation_result, result_fields, "what a simulation found", NULL);

static const struct json_field steady_fields[] = {
    JSON_FIELD("flow", JSON_STRING, struct simulation_steady, flow, 0, "name"),
    JSON_FIELD("from_s", JSON_DOUBLE, struct simulation_steady, from_s, 0, "begin of the stretch"),
    JSON_FIELD("to_s", JSON_DOUBLE, struct simulation_steady, to_s, 0, "its end"),
    JSON_FIELD("available", JSON_BOOL, struct simulation_steady, available, JSON_KEEP,
               "whether the flow can be served"),
    JSON_FIELD("saturated", JSON_BOOL, struct simulation_steady, saturated, JSON_KEEP,
               "whether a queue on the way grows without end"),
    JSON_FIELD("mean_ms", JSON_OPT_DOUBLE, struct simulation_steady, mean_ms, 0,
               "mean latency in the steady state"),
};
static const struct json_table steady_table = JSON_TABLE(
    "SimulationSteady", struct simulation_steady, steady_fields, "one flow in one stretch", NULL);

static const struct json_field analysis_fields[] = {
    JSON_FIELD_TABLE("flows", JSON_ARRAY, struct simulation_analysis, flows, JSON_KEEP,
                     &steady_table, "by stretch of time and flow"),
    JSON_FIELD("assumptions", JSON_STRINGS, struct simulation_analysis, assumptions, JSON_KEEP,
               "what was assumed where nothing is said"),
};
const struct json_table simulation_analysis_table =
    JSON_TABLE("SimulationAnalysis", struct simulation_analysis, analysis_fields,
               "steady states by queueing theory", NULL);

/* ---- from a solution ---- */

static struct simulation_service *service_of(struct simulation_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->services.count; i++)
        if (str_eq(scenario->services.items[i].name, name))
            return &scenario->services.items[i];
    return NULL;
}

static void fill_service(struct simulation_service *service, const struct solution *solution,
                         const struct requirement *requirement, struct arena *arena)
{
    const struct requirement_component *component = requirement_find(requirement, service->name);
    bool open_sites = !service->sites.count, open_calls = !service->calls.count;
    for (size_t i = 0; open_sites && i < solution->placements.count; i++)
        if (str_eq(solution->placements.items[i].component, service->name))
            *LIST_ADD(arena, &service->sites) = solution->placements.items[i].site;
    if (component && !service->slots.set && component->vcpus.set)
        service->slots = (struct opt_int){
            true, (int64_t)fmax(1, fmin(ceil(component->vcpus.value), SLOTS_MOST))};
    if (component && !service->mode && requirement->reliability.mode == MODE_ACTIVE_STANDBY)
        service->mode = SIMULATION_STANDBY;
    for (size_t i = 0; open_calls && i < requirement->flows.count; i++)
        if (str_eq(requirement->flows.items[i].from, service->name))
            *LIST_ADD(arena, &service->calls) =
                (struct simulation_call){.to = requirement->flows.items[i].to};
}

/* One flow for each place and service that users ask. */
static void fill_flows(struct simulation_scenario *scenario, const struct solution *solution,
                       double rate_per_s, struct arena *arena)
{
    for (size_t i = 0; i < solution->routes.count; i++) {
        const struct solution_route *route = &solution->routes.items[i];
        bool known = !str_eq(route->from, "user");
        for (size_t k = 0; k < scenario->flows.count && !known; k++)
            known = str_eq(scenario->flows.items[k].from, route->from_node) &&
                    str_eq(scenario->flows.items[k].to, route->to);
        if (!known)
            *LIST_ADD(arena, &scenario->flows) = (struct simulation_flow){
                .name = arena_printf(arena, "%s→%s", route->from_node, route->to),
                .from = route->from_node,
                .to = route->to};
    }
    for (size_t i = 0; i < scenario->flows.count; i++)
        scenario->flows.items[i].rate_per_s = rate_per_s / (double)scenario->flows.count;
}

enum err_code simulation_fill(struct simulation_scenario *scenario, const struct solution *solution,
                              const struct requirement *requirement, struct arena *arena,
                              struct err *err)
{
    struct simulation_scenario filled = *scenario;
    filled.services.items = arena_memdup(arena, scenario->services.items,
                                         scenario->services.count * sizeof *filled.services.items);
    for (size_t i = 0; i < solution->placements.count; i++) {
        const char *name = solution->placements.items[i].component;
        if (!service_of(&filled, name)) {
            err_set(err, ERR_INVALID, "nothing is said of component '%s'", name);
            err_field(err, "services");
            return err_hint(err, "name it in services, with its service_ms");
        }
    }
    for (size_t i = 0; i < filled.services.count; i++)
        fill_service(&filled.services.items[i], solution, requirement, arena);
    if (!filled.flows.count) {
        if (!requirement->service_level.throughput_per_s.set ||
            requirement->service_level.throughput_per_s.value <= 0) {
            err_set(err, ERR_INVALID, "nothing says how many requests there are");
            err_field(err, "flows");
            return err_hint(err, "name flows, or service_level.throughput_per_s in the "
                                 "requirement");
        }
        fill_flows(&filled, solution, requirement->service_level.throughput_per_s.value, arena);
    }
    *scenario = filled;
    return ERR_OK;
}

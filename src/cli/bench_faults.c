/* bench_faults.c - random worlds, faults in them, and what their monitoring sees.
 *
 * Contract: all comes from the seed.  A fault is kept only if an entry sees it; what is observed
 * has noise by kind (a service's own, often larger than the entry's), spikes, missing cells,
 * changes that did nothing and entities that jump for reasons of their own. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cli/bench_faults.h"

#define HISTORY 300 /* rows, a minute each */
#define AFTER 8     /* rows after the alarm */
#define STEP_S 60.0
#define SETTLE_FIRST 60
#define SETTLE 8
#define TRIES 200
#define WORLDS 30
#define PEAK 1.4     /* of the usual load */
#define VISIBLE 6.0  /* scales of the entry's own noise */
#define COLLAPSE 0.7 /* share of failures at an entry from where all is down */
#define START 1700000000.0
#define PROPAGATED 0.6 /* part of a latency's noise that is real work; the rest is measuring */
#define MEASURED 0.8   /* so that the squares add up to one */

const char *const cli_fault_names[] = {NULL,        "slow",    "link",    "leak",
                                       "neighbour", "release", "retries", "partial",
                                       "two",       "quiet",   "surge",   NULL};
const char *const cli_fault_topologies[] = {NULL, "given", "none", "wrong", NULL};

struct part { /* one fault */
    enum cli_fault_kind kind;
    size_t service, host; /* where */
    double strength;      /* 0…1 */
};

struct world {
    struct rand rand;
    struct cli_flow flow;
    size_t entries;
    double *noise;  /* [service] of its latency */
    double *memory; /* [service] usual MiB */
    double *uplink; /* [host] usual share of strangers */
    double *bursts; /* [host] how they come and go */
    double *drift;  /* [entry] of its customers */
    double *normal_latency;
    struct cli_flow_service *healthy;    /* services and hosts as they were without a fault: what */
    struct cli_flow_host *healthy_hosts; /* collapsed under retries does not come back by itself */
    struct part parts[2];
    size_t part_count;
    size_t onset, alarm, rows;
    double phase, surge, common;
    size_t entry; /* where the alarm is */
    bool by_errors;
};

static double between(struct rand *rand, double low, double high)
{
    return low + (high - low) * rand_unit(rand);
}

static double log_between(struct rand *rand, double low, double high)
{
    return exp(between(rand, log(low), log(high)));
}

/* ---- the world ---- */

static void add_call(struct world *w, size_t from, size_t to)
{
    struct cli_flow_service *s = &w->flow.services[from];
    for (size_t k = 0; k < s->call_count; k++)
        if (s->calls[k].to == to)
            return;
    if (s->call_count == CLI_FAULTS_CALLS)
        return;
    s->calls[s->call_count++] = (struct cli_flow_call){
        .to = to,
        .per_request = log_between(&w->rand, 0.3, 1.6),
        .timeout_s = 10, /* sized below */
        .retries = (int)rand_below(&w->rand, 2),
        .critical = rand_unit(&w->rand) < 0.8,
        .kb = log_between(&w->rand, 2, 40),
        .luck = 1,
    };
}

static void make_calls(struct world *w)
{
    size_t count = w->flow.service_count;
    for (size_t i = 0; i < w->entries; i++)
        w->flow.services[i].outside = between(&w->rand, 10, 40);
    for (size_t i = w->entries; i < count; i++) {
        /* callers stand within a stretch before, so that chains grow long */
        size_t reach = 4 + count / 8, low = i > reach ? i - reach : 0;
        add_call(w, low + rand_below(&w->rand, i - low), i);
        if (rand_unit(&w->rand) < 0.35)
            add_call(w, rand_below(&w->rand, i), i);
    }
}

static void size_all(struct world *w)
{
    struct cli_flow *flow = &w->flow;
    for (size_t i = 0; i < flow->service_count; i++) {
        struct cli_flow_service *s = &flow->services[i];
        s->rate += s->outside;
        s->admitted = s->luck = 1;
        s->work_s = log_between(&w->rand, 0.002, 0.03);
        s->servers = fmax(2, ceil(s->rate * s->work_s / between(&w->rand, 0.25, 0.6)));
        s->host = rand_below(&w->rand, flow->host_count);
        s->threads = 1e6;
        for (size_t k = 0; k < s->call_count; k++)
            flow->services[s->calls[k].to].rate += s->rate * s->calls[k].per_request;
        flow->hosts[s->host].cores += s->rate * s->work_s / between(&w->rand, 0.35, 0.6);
        w->noise[i] =
            i < w->entries ? between(&w->rand, 0.02, 0.04) : log_between(&w->rand, 0.03, 0.25);
        w->memory[i] = log_between(&w->rand, 100, 2000);
    }
    for (size_t h = 0; h < flow->host_count; h++) {
        flow->hosts[h].cores = ceil(flow->hosts[h].cores + 1);
        w->uplink[h] = between(&w->rand, 0.1, 0.4);
        w->bursts[h] = between(&w->rand, 0.1, 0.4);
        flow->hosts[h].uplink_other = w->uplink[h];
        flow->hosts[h].uplink_kb_per_s = 1e9;
    }
    cli_flow_settle(flow, SETTLE_FIRST);
    for (size_t h = 0; h < flow->host_count; h++) /* 100 Mbit/s or more */
        flow->hosts[h].uplink_kb_per_s =
            fmax(12500, flow->hosts[h].uplink_kb / between(&w->rand, 0.05, 0.2));
    for (size_t i = 0; i < flow->service_count; i++) {
        struct cli_flow_service *s = &flow->services[i];
        s->threads = ceil(s->rate * s->latency_s * between(&w->rand, 2, 5)) + 4;
        for (size_t k = 0; k < s->call_count; k++)
            s->calls[k].timeout_s =
                0.05 + flow->services[s->calls[k].to].latency_s * between(&w->rand, 8, 14);
    }
    cli_flow_settle(flow, SETTLE_FIRST);
    for (size_t i = 0; i < flow->service_count; i++)
        w->normal_latency[i] = flow->services[i].latency_s;
}

static void keep(struct world *w)
{
    memcpy(w->healthy, w->flow.services, w->flow.service_count * sizeof *w->healthy);
    memcpy(w->healthy_hosts, w->flow.hosts, w->flow.host_count * sizeof *w->healthy_hosts);
}

static void heal(struct world *w)
{
    memcpy(w->flow.services, w->healthy, w->flow.service_count * sizeof *w->healthy);
    memcpy(w->flow.hosts, w->healthy_hosts, w->flow.host_count * sizeof *w->healthy_hosts);
}

/* Does it bear the day's peak?  Leaves it settled at its usual load. */
static bool is_healthy(struct world *w)
{
    bool good = true;
    for (size_t i = 0; i < w->entries; i++)
        w->flow.services[i].outside *= PEAK;
    cli_flow_settle(&w->flow, SETTLE_FIRST);
    for (size_t i = 0; i < w->flow.service_count; i++)
        good = good && w->flow.services[i].errors < 0.003 &&
               w->flow.services[i].latency_s < 3 * w->normal_latency[i];
    for (size_t i = 0; i < w->entries; i++)
        w->flow.services[i].outside /= PEAK;
    cli_flow_settle(&w->flow, SETTLE_FIRST);
    return good;
}

static bool make_world(struct world *w, size_t services, struct rand rand, struct arena *arena)
{
    *w = (struct world){.rand = rand,
                        .flow = {.service_count = services, .host_count = services / 5 + 2}};
    w->entries = services / 40 + 1;
    w->flow.services = arena_array(arena, services, sizeof *w->flow.services);
    w->flow.hosts = arena_array(arena, w->flow.host_count, sizeof *w->flow.hosts);
    w->noise = arena_array(arena, services, sizeof *w->noise);
    w->memory = arena_array(arena, services, sizeof *w->memory);
    w->healthy = arena_array(arena, services, sizeof *w->healthy);
    w->healthy_hosts = arena_array(arena, w->flow.host_count, sizeof *w->healthy_hosts);
    w->normal_latency = arena_array(arena, services, sizeof *w->normal_latency);
    w->uplink = arena_array(arena, w->flow.host_count, sizeof *w->uplink);
    w->bursts = arena_array(arena, w->flow.host_count, sizeof *w->bursts);
    w->drift = arena_array(arena, w->entries, sizeof *w->drift);
    w->phase = between(&w->rand, 0, 6.2831853);
    w->surge = 1;
    make_calls(w);
    size_all(w);
    bool good = is_healthy(w);
    keep(w);
    return good;
}

/* ---- faults ---- */

/* Share of the part's full strength at a row. */
static double ramp(const struct part *part, const struct world *w, size_t row)
{
    if (row < w->onset)
        return 0;
    if (part->kind == FAULT_LEAK) { /* collecting takes ever longer */
        double share = (double)(row - w->onset + 1) / (double)(w->alarm - w->onset + 1);
        return fmin(1.2, share * share);
    }
    return row == w->onset ? 0.6 : 1;
}

static void set_part(struct world *w, const struct part *part, double share)
{
    struct cli_flow_service *s = &w->flow.services[part->service];
    struct cli_flow_host *host = &w->flow.hosts[part->host];
    double force = share * part->strength;
    switch (part->kind) {
    case FAULT_SLOW:
        s->delay_s = force * 6 * w->normal_latency[part->service];
        break;
    case FAULT_LINK:
        host->uplink_other = w->uplink[part->host] +
                             share * (0.82 + 0.28 * part->strength - w->uplink[part->host]);
        break;
    case FAULT_LEAK:
        s->more_work = force * 6;
        break;
    case FAULT_NEIGHBOUR:
        s->burn = force * 1.2 * host->cores;
        break;
    case FAULT_RELEASE:
        if (part->strength > 0.6)
            s->own_errors = share * (part->strength - 0.5);
        else
            s->more_work = force * 8;
        break;
    case FAULT_RETRIES:
        s->lost_servers = share * s->servers * (0.4 + 0.5 * part->strength);
        break;
    case FAULT_PARTIAL:
        s->own_errors = force * 0.25; /* one replica of four, at most */
        break;
    default:
        break;
    }
}

static struct part draw_part(struct world *w, enum cli_fault_kind kind)
{
    size_t count = w->flow.service_count;
    struct part part = {.kind = kind, .strength = between(&w->rand, 0.3, 1)};
    part.service = w->entries + rand_below(&w->rand, count - w->entries);
    part.host = w->flow.services[part.service].host;
    return part;
}

/* Callers of the part's service that do not give up. */
static void arm(struct world *w, const struct part *part)
{
    for (size_t i = 0; part->kind == FAULT_RETRIES && i < w->flow.service_count; i++)
        for (size_t k = 0; k < w->flow.services[i].call_count; k++)
            if (w->flow.services[i].calls[k].to == part->service)
                w->flow.services[i].calls[k].retries = 4;
}

/* How clearly one part alone shows at the entry that sees it best. */
static double visible(struct world *w, const struct part *part, size_t *ret_entry, bool *ret_errors)
{
    double best = 0;
    heal(w);
    arm(w, part);
    double latency[CLI_FAULTS_SERVICES_MAX / 40 + 1], errors[CLI_FAULTS_SERVICES_MAX / 40 + 1];
    for (size_t i = 0; i < w->entries; i++) {
        latency[i] = w->flow.services[i].latency_s;
        errors[i] = w->flow.services[i].errors;
    }
    set_part(w, part, 1);
    cli_flow_settle(&w->flow, SETTLE_FIRST);
    for (size_t i = 0; i < w->entries; i++) {
        const struct cli_flow_service *s = &w->flow.services[i];
        double slow = (s->latency_s / latency[i] - 1) / w->noise[i];
        double fail = (s->errors - errors[i]) / 0.003;
        if (part->kind != FAULT_RETRIES && s->errors > COLLAPSE)
            best = -INFINITY; /* nobody could tell one from another then */
        if (fmax(slow, fail) > best && !isinf(best)) {
            best = fmax(slow, fail);
            *ret_entry = i;
            *ret_errors = fail > slow;
        }
    }
    heal(w);
    return best;
}

static enum cli_fault_kind any_kind(struct rand *rand)
{
    return (enum cli_fault_kind)(FAULT_SLOW + rand_below(rand, FAULT_TWO - FAULT_SLOW));
}

static bool draw_faults(struct world *w, enum cli_fault_kind kind)
{
    size_t wanted = kind == FAULT_TWO ? 2 : kind >= FAULT_QUIET ? 0 : 1;
    w->onset = HISTORY - 2 - rand_below(&w->rand, 5);
    w->alarm = HISTORY;
    w->rows = HISTORY + AFTER;
    w->entry = rand_below(&w->rand, w->entries);
    for (int tries = 0; tries < TRIES && w->part_count < wanted; tries++) {
        size_t entry = 0;
        bool errors = false;
        struct part part = draw_part(w, kind == FAULT_TWO ? any_kind(&w->rand) : kind);
        if (visible(w, &part, &entry, &errors) < VISIBLE)
            continue;
        if (w->part_count &&
            (entry != w->entry || errors != w->by_errors || part.service == w->parts[0].service))
            continue;
        w->entry = entry;
        w->by_errors = errors;
        w->parts[w->part_count++] = part;
        arm(w, &part);
        keep(w);
    }
    if (kind == FAULT_SURGE)
        w->surge = between(&w->rand, 1.4, 2.0);
    return w->part_count == wanted;
}

/* ---- what is observed ---- */

enum { OF_LATENCY, OF_REQUESTS, OF_AVAILABILITY, OF_CPU, OF_MEMORY, PER_SERVICE };
static const char *const service_metrics[] = {"latency_avg", "requests", "availability", "cpu",
                                              "memory"};

static void name_series(struct world *w, struct cli_fault_case *c, struct arena *arena)
{
    struct telemetry_table *table = &c->given.metrics;
    size_t services = w->flow.service_count, hosts = w->flow.host_count, s = 0;
    table->rows = w->rows;
    table->count = services * PER_SERVICE + 2 * hosts;
    table->step_s = STEP_S;
    table->times = arena_array(arena, table->rows, sizeof *table->times);
    table->series = arena_array(arena, table->count, sizeof *table->series);
    table->values = arena_array(arena, table->count * table->rows, sizeof *table->values);
    for (size_t i = 0; i < table->rows; i++)
        table->times[i] = START + STEP_S * (double)i;
    for (size_t i = 0; i < services + 2 * hosts; i++) {
        size_t count = i < services ? PER_SERVICE : 1;
        for (size_t m = 0; m < count; m++, s++) {
            table->series[s].entity = c->truth.entities.items[i].id;
            table->series[s].metric = i < services           ? service_metrics[m]
                                      : i < services + hosts ? "cpu"
                                                             : "network";
            telemetry_semantics(table->series[s].metric, &table->series[s].class,
                                &table->series[s].direction);
        }
    }
}

/* Failures among so many requests. */
static double failures(struct rand *rand, double requests, double share)
{
    double mean = requests * share;
    if (mean > 30)
        return fmax(0, mean + sqrt(mean) * rand_normal(rand));
    double limit = exp(-mean), product = rand_unit(rand);
    int count = 0;
    for (; product > limit && count < 200; count++)
        product *= rand_unit(rand);
    return count;
}

/* What is different from minute to minute: how many customers come and how many calls they cause,
 * how heavy their requests are, what strangers send. */
static void breathe(struct world *w, const double *outside, size_t row)
{
    struct rand *rand = &w->rand;
    double day = 1 + 0.3 * sin(6.2831853 * (double)row * STEP_S / 86400 + w->phase);
    double surge = row < w->onset ? 1 : row == w->onset ? 0.5 + 0.5 * w->surge : w->surge;
    w->common = 0.9 * w->common + 0.015 * rand_normal(rand);
    for (size_t i = 0; i < w->entries; i++) {
        w->drift[i] = 0.9 * w->drift[i] + 0.015 * rand_normal(rand);
        double rate = outside[i] * day * surge * exp(w->common + w->drift[i]);
        w->flow.services[i].outside = fmax(0, rate + sqrt(rate / STEP_S) * rand_normal(rand));
    }
    for (size_t i = 0; i < w->flow.service_count; i++) {
        struct cli_flow_service *s = &w->flow.services[i];
        s->luck = exp(PROPAGATED * w->noise[i] * rand_normal(rand));
        for (size_t k = 0; k < s->call_count; k++) {
            double p = s->calls[k].per_request, odd = p - floor(p);
            double requests = fmax(1, w->healthy[i].rate * STEP_S);
            double spread = sqrt((odd * (1 - odd) + 0.05 * p) / requests) / p;
            s->calls[k].luck = fmax(0, 1 + spread * rand_normal(rand));
        }
    }
    for (size_t h = 0; h < w->flow.host_count; h++)
        w->flow.hosts[h].uplink_other = w->uplink[h] * exp(w->bursts[h] * rand_normal(rand));
}

static void observe_service(struct world *w, size_t i, size_t row, double *at[PER_SERVICE])
{
    const struct cli_flow_service *s = &w->flow.services[i];
    struct rand *rand = &w->rand;
    double spike = rand_unit(rand) < 0.004 ? between(rand, 1.5, 4) : 1;
    double requests = fmax(1, s->rate * STEP_S * (1 + 0.003 * rand_normal(rand)));
    double leak = 0;
    for (size_t p = 0; p < w->part_count; p++)
        if (w->parts[p].kind == FAULT_LEAK && w->parts[p].service == i && row + 40 > w->onset)
            leak += (double)(row + 40 - w->onset) * 0.015;
    at[OF_LATENCY][row] = s->latency_s * spike * exp(MEASURED * w->noise[i] * rand_normal(rand));
    at[OF_REQUESTS][row] = requests / STEP_S;
    at[OF_AVAILABILITY][row] =
        100 * fmax(0, 1 - failures(rand, requests, s->errors + 1e-4) / requests);
    at[OF_CPU][row] = 100 * s->cpu * (1 + 0.02 * rand_normal(rand)) + 0.3 * fabs(rand_normal(rand));
    /* collected in teeth of their own length */
    double tooth = (double)((row + 7 * i) % (5 + i % 23)) / (double)(5 + i % 23);
    at[OF_MEMORY][row] = w->memory[i] * (1 + leak + 0.25 * tooth + 0.01 * rand_normal(rand));
}

static void observe(struct world *w, struct cli_fault_case *c, size_t row)
{
    struct telemetry_table *table = &c->given.metrics;
    struct rand *rand = &w->rand;
    size_t s = 0;
    for (size_t i = 0; i < w->flow.service_count; i++, s += PER_SERVICE) {
        double *at[PER_SERVICE];
        for (size_t m = 0; m < PER_SERVICE; m++)
            at[m] = table->values + (s + m) * table->rows;
        observe_service(w, i, row, at);
    }
    for (size_t h = 0; h < w->flow.host_count; h++, s++)
        table->values[s * table->rows + row] =
            100 * fmin(1, w->flow.hosts[h].cpu * (1 + 0.02 * rand_normal(rand)) + 0.02);
    for (size_t h = 0; h < w->flow.host_count; h++, s++)
        table->values[s * table->rows + row] =
            100 * fmin(1, w->flow.hosts[h].uplink_use * (1 + 0.02 * rand_normal(rand)));
}

/* Jumps that have nothing to do with it, and cells that were lost. */
static void disturb(struct world *w, struct cli_fault_case *c)
{
    struct telemetry_table *table = &c->given.metrics;
    struct rand *rand = &w->rand;
    size_t jumps = 2 + rand_below(rand, 3) + w->flow.service_count / 50;
    for (size_t j = 0; j < jumps; j++) {
        size_t i = w->entries + rand_below(rand, w->flow.service_count - w->entries);
        double *values =
            table->values + (i * PER_SERVICE + OF_CPU + rand_below(rand, 2)) * table->rows;
        size_t from = HISTORY - 60 + rand_below(rand, 64), length = 5 + rand_below(rand, 60);
        double factor = between(rand, 2, 6);
        for (size_t r = from; r < table->rows && r < from + length; r++)
            values[r] *= factor;
    }
    for (size_t i = 0; i < table->count * table->rows; i++)
        if (rand_unit(rand) < 0.005)
            table->values[i] = (double)NAN;
}

static void run_timeline(struct world *w, struct cli_fault_case *c, struct arena *arena)
{
    double *outside = arena_array(arena, w->entries, sizeof *outside);
    for (size_t i = 0; i < w->entries; i++)
        outside[i] = w->flow.services[i].outside;
    for (size_t row = 0; row < w->rows; row++) {
        breathe(w, outside, row);
        for (size_t p = 0; p < w->part_count; p++)
            set_part(w, &w->parts[p], ramp(&w->parts[p], w, row));
        cli_flow_settle(&w->flow, row == 0 ? SETTLE_FIRST : SETTLE);
        observe(w, c, row);
    }
    disturb(w, c);
}

/* ---- topology, changes, question ---- */

static void add_edge(struct rootcause_case *c, size_t from, size_t to,
                     enum rootcause_relation relation, struct arena *arena)
{
    *LIST_ADD(arena, &c->edges) = (struct rootcause_edge){from, to, relation};
}

static void make_truth(const struct world *w, struct cli_fault_case *c, struct arena *arena)
{
    size_t services = w->flow.service_count, hosts = w->flow.host_count;
    for (size_t i = 0; i < services + 2 * hosts; i++) {
        struct rootcause_entity *entity = LIST_ADD(arena, &c->truth.entities);
        entity->kind = i < services ? "service" : i < services + hosts ? "host" : "link";
        entity->id = arena_printf(arena, "%s-%zu", entity->kind,
                                  i < services           ? i
                                  : i < services + hosts ? i - services
                                                         : i - services - hosts);
    }
    for (size_t i = 0; i < services; i++) {
        const struct cli_flow_service *s = &w->flow.services[i];
        for (size_t k = 0; k < s->call_count; k++)
            add_edge(&c->truth, i, s->calls[k].to, ROOTCAUSE_CALLS, arena);
        add_edge(&c->truth, i, services + s->host, ROOTCAUSE_RUNS_ON, arena);
    }
    for (size_t h = 0; h < hosts; h++)
        add_edge(&c->truth, services + h, services + hosts + h, ROOTCAUSE_CONNECTS, arena);
}

static void tell_topology(struct world *w, enum cli_fault_topology topology,
                          struct cli_fault_case *c, struct arena *arena)
{
    if (topology == FAULTS_NONE)
        return;
    for (size_t i = 0; i < c->truth.entities.count; i++)
        *LIST_ADD(arena, &c->given.entities) = c->truth.entities.items[i];
    for (size_t i = 0; i < c->truth.edges.count; i++) {
        struct rootcause_edge edge = c->truth.edges.items[i];
        if (topology == FAULTS_WRONG && edge.relation == ROOTCAUSE_CALLS) {
            double luck = rand_unit(&w->rand);
            if (luck < 0.1)
                continue; /* forgotten */
            if (luck < 0.3)
                edge.to = rand_below(&w->rand, w->flow.service_count);
            if (edge.to == edge.from)
                continue;
        }
        *LIST_ADD(arena, &c->given.edges) = edge;
    }
}

static void tell_changes(struct world *w, struct cli_fault_case *c, struct arena *arena)
{
    double onset = START + STEP_S * (double)w->onset;
    size_t decoys = 2 + rand_below(&w->rand, 4);
    for (size_t i = 0; i < decoys; i++)
        *LIST_ADD(arena, &c->given.changes) = (struct rootcause_change){
            onset - between(&w->rand, 0, 7200),
            c->truth.entities.items[rand_below(&w->rand, w->flow.service_count)].id, "release"};
    for (size_t p = 0; p < w->part_count; p++)
        if (w->parts[p].kind == FAULT_RELEASE)
            *LIST_ADD(arena, &c->given.changes) = (struct rootcause_change){
                onset - between(&w->rand, 0, 120), c->truth.entities.items[w->parts[p].service].id,
                "release"};
}

enum err_code cli_fault_case_new(size_t services, enum cli_fault_kind kind,
                                 enum cli_fault_topology topology, uint64_t seed,
                                 struct cli_fault_case *out, struct arena *arena, struct err *err)
{
    struct world world;
    *out = (struct cli_fault_case){0};
    struct rand rand;
    bool good = false;
    rand_init(&rand, seed * FAULT_KINDS + kind);
    for (int tries = 0; tries < WORLDS && !good; tries++) {
        good = make_world(&world, services, rand, arena);
        rand = world.rand;
    }
    if (!good || !draw_faults(&world, kind))
        return err_set(err, ERR_INFEASIBLE, "no fault of kind %s was seen at an entry",
                       cli_fault_names[kind]);
    make_truth(&world, out, arena);
    name_series(&world, out, arena);
    run_timeline(&world, out, arena);
    tell_topology(&world, topology, out, arena);
    tell_changes(&world, out, arena);
    for (size_t p = 0; p < world.part_count; p++) {
        const struct part *part = &world.parts[p];
        size_t place = part->kind == FAULT_LINK ? services + world.flow.host_count + part->host
                                                : part->service;
        out->roots[out->root_count++] = out->truth.entities.items[place].id;
    }
    out->given.has_alarm = true;
    out->given.alarm_time = START + STEP_S * (double)world.alarm;
    out->given.symptom_entity = out->truth.entities.items[world.entry].id;
    out->given.symptom_metric = world.by_errors ? "availability" : "latency_avg";
    return arena_check(arena, err);
}

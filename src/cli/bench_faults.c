/* bench_faults.c - random worlds, faults in them, and what their monitoring sees.
 *
 * Contract: all comes from the seed.  A fault is kept only if an entry sees it; what is observed
 * has noise by kind (a service's own, often larger than the entry's), spikes, missing cells,
 * changes that did nothing and entities that jump for reasons of their own. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cli/bench_faults.h"
#include "twin/simulation/simulation.h"

#define HISTORY 300 /* rows, a minute each */
#define AFTER 8     /* rows after the alarm */
#define STEP_S 60.0
#define SETTLE_FIRST 60
#define SETTLE 8
#define TRIES 200
#define WORLDS 30
#define PEAK 1.4           /* of the usual load */
#define VISIBLE 6.0        /* scales of the entry's own noise */
#define ERRORS_NOISE 0.003 /* share of requests */
#define ILL 0.02      /* share of failures at an entry that no history without a fault has … */
#define ILL_ROWS 3    /* … in more rows than these, nor answers four times as slow */
#define MANY 500      /* services, from where the weak ones are made stronger … */
#define STRENGTHEN 12 /* … so many times */
#define ILL_OF 250    /* services, of which one may be ill at the peak */
#define COLLAPSE 0.7  /* share of failures at an entry from where all is down */
#define START 1700000000.0
#define CALLS_MOST 6        /* callees of one service */
#define LINK_KB_LEAST 12500 /* 100 Mbit/s */
#define LINK_MESSAGES 100
#define STRANGERS_MOST 0.7 /* of a link, as long as nothing is wrong */
#define LEAK_ROWS 40       /* that a leak has gone on for before it is felt */
#define PROPAGATED 0.6     /* part of a latency's noise that is real work; the rest is measuring */
#define MEASURED 0.8       /* so that the squares add up to one */

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
    struct simulation_mesh mesh, healthy; /* healthy: as it is without a fault; what collapsed under
                                             retries does not come back by itself */
    size_t entries;
    double *noise; /* [service] of its latency */
    double *usual; /* [service] latency */
    double *strangers,
        *bursts;   /* [host] usual use of its link by others, and how it comes and goes */
    double *drift; /* [entry] of its customers */
    double common; /* … and of all together */
    struct part parts[2];
    size_t part_count;
    size_t onset, alarm, rows;
    double phase, surge;
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

static bool add_call(struct world *w, size_t from, size_t to)
{
    struct simulation_mesh_service *s = &w->mesh.services[from];
    for (int32_t k = 0; k < s->call_count; k++)
        if (s->calls[k].to == (int32_t)to)
            return true;
    if (s->call_count == CALLS_MOST)
        return false;
    s->calls[s->call_count++] = (struct simulation_mesh_call){
        .to = (int32_t)to,
        .retries = (int32_t)rand_below(&w->rand, 2),
        .per_request = log_between(&w->rand, 0.3, 1.6),
        .request_kb = log_between(&w->rand, 1, 8),
        .reply_kb = log_between(&w->rand, 2, 32),
        .timeout_s = 10, /* sized below */
        .critical = rand_unit(&w->rand) < 0.8,
    };
    return true;
}

static void make_calls(struct world *w)
{
    size_t count = (size_t)w->mesh.service_count;
    for (size_t i = 0; i < w->entries; i++)
        w->mesh.services[i].outside_per_s = between(&w->rand, 10, 40);
    for (size_t i = w->entries; i < count; i++) {
        /* callers stand within a stretch before, so that chains grow long */
        size_t reach = 4 + count / 8, low = i > reach ? i - reach : 0;
        while (!add_call(w, low + rand_below(&w->rand, i - low), i))
            low = low > 0 ? low - 1 : 0; /* somebody has room: calls are fewer than places */
        if (rand_unit(&w->rand) < 0.35)
            add_call(w, rand_below(&w->rand, i), i);
    }
}

/* Workers, hosts and memory for the load that is to come; threads, links and time-outs for what
 * shows when it is there. */
static void size_all(struct world *w, double *rate)
{
    struct simulation_mesh *mesh = &w->mesh;
    struct rand *rand = &w->rand;
    for (int32_t i = 0; i < mesh->service_count; i++) {
        struct simulation_mesh_service *s = &mesh->services[i];
        rate[i] += s->outside_per_s;
        s->work_s = log_between(rand, 0.002, 0.03);
        s->servers = (int32_t)fmax(2, ceil(rate[i] * s->work_s / between(rand, 0.25, 0.6)));
        s->host = (int32_t)rand_below(rand, (size_t)mesh->host_count);
        s->memory_mib = log_between(rand, 100, 2000);
        s->memory_limit_mib = s->memory_mib * between(rand, 2, 3);
        s->collect = between(rand, 0.05, 0.2);
        for (int32_t k = 0; k < s->call_count; k++)
            rate[s->calls[k].to] += rate[i] * s->calls[k].per_request;
        mesh->hosts[s->host].cores += rate[i] * s->work_s / between(rand, 0.35, 0.6);
        w->noise[i] =
            (size_t)i < w->entries ? between(rand, 0.02, 0.04) : log_between(rand, 0.03, 0.25);
    }
    for (int32_t h = 0; h < mesh->host_count; h++) {
        struct simulation_mesh_host *host = &mesh->hosts[h];
        host->cores = ceil(host->cores + 1);
        host->latency_s = between(rand, 0.0001, 0.0005);
        w->strangers[h] = between(rand, 0.1, 0.4);
        w->bursts[h] = between(rand, 0.1, 0.4);
    }
    simulation_mesh_settle(mesh, SETTLE_FIRST);
    for (int32_t h = 0; h < mesh->host_count; h++) {
        struct simulation_mesh_host *host = &mesh->hosts[h];
        double kb = fmax(host->out_kb_per_s, host->in_kb_per_s);
        host->link_kb_per_s = fmax(LINK_KB_LEAST, kb / between(rand, 0.05, 0.2));
        host->link_messages = LINK_MESSAGES;
        host->link_used = w->strangers[h];
    }
    for (int32_t i = 0; i < mesh->service_count; i++) {
        struct simulation_mesh_service *s = &mesh->services[i];
        s->threads = (int32_t)ceil(rate[i] * s->latency_s * between(rand, 2, 5)) + 4;
        s->backlog = s->threads;
        for (int32_t k = 0; k < s->call_count; k++)
            s->calls[k].timeout_s =
                0.05 + mesh->services[s->calls[k].to].latency_s * between(rand, 8, 14);
    }
    simulation_mesh_settle(mesh, SETTLE_FIRST);
    for (int32_t i = 0; i < mesh->service_count; i++)
        w->usual[i] = mesh->services[i].latency_s;
}

static void copy_mesh(struct simulation_mesh *to, const struct simulation_mesh *from)
{
    memcpy(to->hosts, from->hosts, (size_t)from->host_count * sizeof *to->hosts);
    for (int32_t i = 0; i < from->service_count; i++) {
        struct simulation_mesh_call *calls = to->services[i].calls;
        to->services[i] = from->services[i];
        to->services[i].calls = calls;
        memcpy(calls, from->services[i].calls,
               (size_t)from->services[i].call_count * sizeof *calls);
    }
}

/* More of everything for those that do not bear it, as their owners would. */
static size_t strengthen(struct world *w, bool really)
{
    size_t ill = 0;
    for (int32_t i = 0; i < w->mesh.service_count; i++) {
        struct simulation_mesh_service *s = &w->mesh.services[i];
        if (s->errors < 0.003 && s->latency_s < 3 * w->usual[i])
            continue;
        ill++;
        if (!really)
            continue;
        s->servers += 1 + s->servers / 2;
        s->threads *= 2;
        s->backlog = s->threads;
        w->mesh.hosts[s->host].cores *= 1.3;
        w->mesh.hosts[s->host].link_kb_per_s *= 1.3;
        for (int32_t k = 0; k < s->call_count; k++)
            s->calls[k].timeout_s *= 1.3;
    }
    return ill;
}

/* Does it bear the day's peak?  Leaves it settled at its usual load. */
static bool is_healthy(struct world *w)
{
    for (size_t i = 0; i < w->entries; i++)
        w->mesh.services[i].outside_per_s *= PEAK;
    simulation_mesh_settle(&w->mesh, SETTLE_FIRST);
    /* of very many, some always are too weak; a few worlds of few are found by drawing again */
    for (int round = 0; w->mesh.service_count >= MANY && round < STRENGTHEN; round++) {
        strengthen(w, true);
        simulation_mesh_settle(&w->mesh, SETTLE_FIRST);
    }
    bool good = strengthen(w, false) <= (size_t)w->mesh.service_count / ILL_OF;
    for (size_t i = 0; i < w->entries; i++)
        w->mesh.services[i].outside_per_s /= PEAK;
    simulation_mesh_settle(&w->mesh, SETTLE_FIRST);
    return good;
}

static void new_mesh(struct simulation_mesh *mesh, size_t services, struct arena *arena)
{
    mesh->service_count = (int32_t)services;
    mesh->host_count = (int32_t)(services / 5 + 2);
    mesh->services = arena_array(arena, services, sizeof *mesh->services);
    mesh->hosts = arena_array(arena, (size_t)mesh->host_count, sizeof *mesh->hosts);
    for (size_t i = 0; i < services; i++)
        mesh->services[i].calls = arena_array(arena, CALLS_MOST, sizeof *mesh->services[i].calls);
}

static bool make_world(struct world *w, size_t services, struct rand rand, struct arena *arena)
{
    *w = (struct world){.rand = rand, .entries = services / 40 + 1, .surge = 1};
    new_mesh(&w->mesh, services, arena);
    new_mesh(&w->healthy, services, arena);
    size_t hosts = (size_t)w->mesh.host_count;
    w->noise = arena_array(arena, services, sizeof *w->noise);
    w->usual = arena_array(arena, services, sizeof *w->usual);
    w->strangers = arena_array(arena, hosts, sizeof *w->strangers);
    w->bursts = arena_array(arena, hosts, sizeof *w->bursts);
    w->drift = arena_array(arena, w->entries, sizeof *w->drift);
    w->phase = between(&w->rand, 0, 6.2831853);
    make_calls(w);
    size_all(w, arena_array(arena, services, sizeof(double)));
    bool good = is_healthy(w);
    copy_mesh(&w->healthy, &w->mesh);
    return good;
}

/* ---- faults ---- */

/* Share of the part's full strength at a row. */
static double ramp(const struct part *part, const struct world *w, size_t row)
{
    if (part->kind == FAULT_LEAK) /* has gone on for a while before it is felt */
        return row + LEAK_ROWS < w->onset
                   ? 0
                   : fmin(1, (double)(row + LEAK_ROWS - w->onset + 1) /
                                 (double)(w->alarm + LEAK_ROWS - w->onset + 1));
    return row < w->onset ? 0 : row == w->onset ? 0.6 : 1;
}

static void set_part(struct world *w, const struct part *part, double share)
{
    struct simulation_mesh_service *s = &w->mesh.services[part->service];
    struct simulation_mesh_host *host = &w->mesh.hosts[part->host];
    double force = share * part->strength;
    switch (part->kind) {
    case FAULT_SLOW:
        s->delay_s = force * 6 * w->usual[part->service];
        break;
    case FAULT_LINK:
        if (share > 0)
            host->link_used += share * (0.85 + 0.3 * part->strength - w->strangers[part->host]);
        break;
    case FAULT_LEAK: { /* at its end, collecting takes two to six times the work */
        double times = (2 + 4 * part->strength) / s->collect;
        s->leaked_mib = share * (s->memory_limit_mib * times / (1 + times) - s->memory_mib);
        break;
    }
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
        s->lost_servers = (int32_t)(share * s->servers * (0.4 + 0.6 * part->strength) + 0.5);
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
    size_t count = (size_t)w->mesh.service_count;
    struct part part = {.kind = kind, .strength = between(&w->rand, 0.3, 1)};
    part.service = w->entries + rand_below(&w->rand, count - w->entries);
    part.host = (size_t)w->mesh.services[part.service].host;
    return part;
}

/* Callers of the part's service that do not give up. */
static void arm(struct world *w, const struct part *part)
{
    for (int32_t i = 0; part->kind == FAULT_RETRIES && i < w->mesh.service_count; i++)
        for (int32_t k = 0; k < w->mesh.services[i].call_count; k++)
            if (w->mesh.services[i].calls[k].to == (int32_t)part->service)
                w->mesh.services[i].calls[k].retries = 4;
}

/* How clearly one part alone shows at the entry that sees it best. */
static double visible(struct world *w, const struct part *part, size_t *ret_entry, bool *ret_errors)
{
    double best = 0;
    copy_mesh(&w->mesh, &w->healthy);
    arm(w, part);
    double latency[CLI_FAULTS_SERVICES_MAX / 40 + 1], errors[CLI_FAULTS_SERVICES_MAX / 40 + 1];
    for (size_t i = 0; i < w->entries; i++) {
        latency[i] = w->mesh.services[i].latency_s;
        errors[i] = w->mesh.services[i].errors;
    }
    set_part(w, part, 1);
    simulation_mesh_settle(&w->mesh, SETTLE_FIRST);
    for (size_t i = 0; i < w->entries; i++) {
        const struct simulation_mesh_service *s = &w->mesh.services[i];
        double slow = (s->latency_s / latency[i] - 1) / w->noise[i];
        double fail = (s->errors - errors[i]) / ERRORS_NOISE;
        if (part->kind != FAULT_RETRIES && s->errors > COLLAPSE)
            best = -INFINITY; /* nobody could tell one from another then */
        if (fmax(slow, fail) > best && !isinf(best)) {
            best = fmax(slow, fail);
            *ret_entry = i;
            *ret_errors = fail > slow;
        }
    }
    copy_mesh(&w->mesh, &w->healthy);
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
        copy_mesh(&w->healthy, &w->mesh);
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
    size_t services = (size_t)w->mesh.service_count, hosts = (size_t)w->mesh.host_count, s = 0;
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
static void breathe(struct world *w, size_t row)
{
    struct rand *rand = &w->rand;
    double day = 1 + 0.3 * sin(6.2831853 * (double)row * STEP_S / 86400 + w->phase);
    double surge = row < w->onset ? 1 : row == w->onset ? 0.5 + 0.5 * w->surge : w->surge;
    w->common = 0.9 * w->common + 0.015 * rand_normal(rand);
    for (int32_t i = 0; i < w->mesh.service_count; i++) {
        struct simulation_mesh_service *s = &w->mesh.services[i];
        const struct simulation_mesh_service *usual = &w->healthy.services[i];
        s->work_s = usual->work_s * exp(PROPAGATED * w->noise[i] * rand_normal(rand));
        if ((size_t)i < w->entries) {
            w->drift[i] = 0.9 * w->drift[i] + 0.015 * rand_normal(rand);
            double rate = usual->outside_per_s * day * surge * exp(w->common + w->drift[i]);
            s->outside_per_s = fmax(0, rate + sqrt(rate / STEP_S) * rand_normal(rand));
        }
        for (int32_t k = 0; k < s->call_count; k++) {
            /* so many for sure and one more by chance, of a mix of requests that is never the same
             */
            double p = usual->calls[k].per_request, chance = p - floor(p);
            double requests = fmax(1, usual->rate_per_s * STEP_S);
            double spread = sqrt((chance * (1 - chance) + 0.05 * p) / requests);
            s->calls[k].per_request = fmax(0, p + spread * rand_normal(rand));
        }
    }
    for (int32_t h = 0; h < w->mesh.host_count; h++)
        w->mesh.hosts[h].link_used =
            fmin(STRANGERS_MOST, w->strangers[h] * exp(w->bursts[h] * rand_normal(rand)));
}

static void observe_service(struct world *w, size_t i, size_t row, double *at[PER_SERVICE])
{
    const struct simulation_mesh_service *s = &w->mesh.services[i];
    struct rand *rand = &w->rand;
    double spike = rand_unit(rand) < 0.004 ? between(rand, 1.5, 4) : 1;
    double requests = fmax(1, s->rate_per_s * STEP_S * (1 + 0.003 * rand_normal(rand)));
    at[OF_LATENCY][row] = s->latency_s * spike * exp(MEASURED * w->noise[i] * rand_normal(rand));
    at[OF_REQUESTS][row] = requests / STEP_S;
    at[OF_AVAILABILITY][row] =
        100 * fmax(0, 1 - failures(rand, requests, s->errors + 1e-4) / requests);
    at[OF_CPU][row] = 100 * s->cpu * (1 + 0.02 * rand_normal(rand)) + 0.3 * fabs(rand_normal(rand));
    /* collected in teeth of their own length */
    double tooth = (double)((row + 7 * i) % (5 + i % 23)) / (double)(5 + i % 23);
    at[OF_MEMORY][row] = s->memory_used_mib * (1 + 0.25 * tooth) * (1 + 0.01 * rand_normal(rand));
}

static void observe(struct world *w, struct cli_fault_case *c, size_t row)
{
    struct telemetry_table *table = &c->given.metrics;
    struct rand *rand = &w->rand;
    size_t s = 0;
    for (size_t i = 0; i < (size_t)w->mesh.service_count; i++, s += PER_SERVICE) {
        double *at[PER_SERVICE];
        for (size_t m = 0; m < PER_SERVICE; m++)
            at[m] = table->values + (s + m) * table->rows;
        observe_service(w, i, row, at);
    }
    for (size_t h = 0; h < (size_t)w->mesh.host_count; h++, s++)
        table->values[s * table->rows + row] =
            100 * fmin(1, w->mesh.hosts[h].cpu * (1 + 0.02 * rand_normal(rand)) + 0.02);
    for (size_t h = 0; h < (size_t)w->mesh.host_count; h++, s++)
        table->values[s * table->rows + row] =
            100 * fmin(1, fmax(w->mesh.hosts[h].out_use, w->mesh.hosts[h].in_use) *
                              (1 + 0.02 * rand_normal(rand)));
}

/* Jumps that have nothing to do with it, and cells that were lost. */
static void disturb(struct world *w, struct cli_fault_case *c)
{
    struct telemetry_table *table = &c->given.metrics;
    struct rand *rand = &w->rand;
    size_t jumps = 2 + rand_below(rand, 3) + (size_t)w->mesh.service_count / 50;
    for (size_t j = 0; j < jumps; j++) {
        size_t i = w->entries + rand_below(rand, (size_t)w->mesh.service_count - w->entries);
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

/* What an entry really is in a while, not what is measured. */
struct state {
    double latency_s, errors;
    size_t rows;
};

static void note_state(const struct world *w, size_t entry, struct state *state)
{
    state->latency_s += w->mesh.services[entry].latency_s;
    state->errors += w->mesh.services[entry].errors;
    state->rows++;
}

/* False when this is no case: a history that was ill without a fault, or a fault that the load of
 * its hour lets nobody see. */
static bool run_timeline(struct world *w, struct cli_fault_case *c)
{
    struct state before = {0}, after = {0};
    size_t ill = 0;
    for (size_t row = 0; row < w->rows; row++) {
        breathe(w, row);
        for (size_t p = 0; p < w->part_count; p++)
            set_part(w, &w->parts[p], ramp(&w->parts[p], w, row));
        simulation_mesh_settle(&w->mesh, row == 0 ? SETTLE_FIRST : SETTLE);
        observe(w, c, row);
        for (size_t i = 0; row + LEAK_ROWS < w->onset && i < w->entries; i++)
            ill +=
                w->mesh.services[i].errors > ILL || w->mesh.services[i].latency_s > 4 * w->usual[i];
        if (row + 2 * LEAK_ROWS >= w->onset && row + LEAK_ROWS < w->onset)
            note_state(w, w->entry, &before);
        if (row >= w->alarm)
            note_state(w, w->entry, &after);
        if (ill > ILL_ROWS + ILL_ROWS * (w->entries / 8))
            return false;
    }
    double slow =
        (after.latency_s / (double)after.rows) / (before.latency_s / (double)before.rows) - 1;
    double fail = after.errors / (double)after.rows - before.errors / (double)before.rows;
    if (w->part_count && fmax(slow / w->noise[w->entry], fail / ERRORS_NOISE) < VISIBLE / 2)
        return false;
    disturb(w, c);
    return true;
}

/* ---- topology, changes, question ---- */

static void add_edge(struct rootcause_case *c, size_t from, size_t to,
                     enum rootcause_relation relation, struct arena *arena)
{
    *LIST_ADD(arena, &c->edges) = (struct rootcause_edge){from, to, relation};
}

static void make_truth(const struct world *w, struct cli_fault_case *c, struct arena *arena)
{
    size_t services = (size_t)w->mesh.service_count, hosts = (size_t)w->mesh.host_count;
    for (size_t i = 0; i < services + 2 * hosts; i++) {
        struct rootcause_entity *entity = LIST_ADD(arena, &c->truth.entities);
        entity->kind = i < services ? "service" : i < services + hosts ? "host" : "link";
        entity->id = arena_printf(arena, "%s-%zu", entity->kind,
                                  i < services           ? i
                                  : i < services + hosts ? i - services
                                                         : i - services - hosts);
    }
    for (size_t i = 0; i < services; i++) {
        const struct simulation_mesh_service *s = &w->mesh.services[i];
        for (int32_t k = 0; k < s->call_count; k++)
            add_edge(&c->truth, i, (size_t)s->calls[k].to, ROOTCAUSE_CALLS, arena);
        add_edge(&c->truth, i, services + (size_t)s->host, ROOTCAUSE_RUNS_ON, arena);
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
                edge.to = rand_below(&w->rand, (size_t)w->mesh.service_count);
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
            c->truth.entities.items[rand_below(&w->rand, (size_t)w->mesh.service_count)].id,
            "release"};
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
    struct rand rand;
    bool good = false;
    rand_init(&rand, seed * FAULT_KINDS + kind);
    for (int tries = 0; tries < WORLDS && !good; tries++) {
        *out = (struct cli_fault_case){0};
        good = make_world(&world, services, rand, arena) && draw_faults(&world, kind);
        if (good) {
            make_truth(&world, out, arena);
            name_series(&world, out, arena);
            good = run_timeline(&world, out);
        }
        rand = world.rand;
        enum err_code rc = arena_check(arena, err);
        if (rc)
            return rc;
    }
    if (!good)
        return err_set(err, ERR_INFEASIBLE, "no fault of kind %s was seen at an entry",
                       cli_fault_names[kind]);
    tell_topology(&world, topology, out, arena);
    tell_changes(&world, out, arena);
    for (size_t p = 0; p < world.part_count; p++) {
        const struct part *part = &world.parts[p];
        size_t place = part->kind == FAULT_LINK
                           ? services + (size_t)world.mesh.host_count + part->host
                           : part->service;
        out->roots[out->root_count++] = out->truth.entities.items[place].id;
    }
    out->given.has_alarm = true;
    out->given.alarm_time = START + STEP_S * (double)world.alarm;
    out->given.symptom_entity = out->truth.entities.items[world.entry].id;
    out->given.symptom_metric = world.by_errors ? "availability" : "latency_avg";
    return arena_check(arena, err);
}

/* design_cbc.c - CBC on the same needs and networks as `swan bench design`, in the same run.
 *
 *   design-cbc [--sites 100,300,1000] [--seed N] [--needs N] [--time-limit SECONDS]
 *
 * The model is the one that is usually written down: a count x of instances for each component and
 * site, y = 1 where any stands, and for each flow between components z = 1 for the pair of sites
 * that serves it; pairs that the flow's bound forbids are left out.  Capacity by site, bandwidth by
 * link.  Left out are needs with an availability, which is not linear, and those in which a
 * component of several instances sends, as nearest-sender rows would be cubic.  Both answers are
 * compared. */
#include <coin/Cbc_C_Interface.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/bench.h"
#include "intelligent/design/design.h"

#define TOLERANCE 1e-6
#define PATH_MAX_LINKS 256

struct option {
    size_t site;
    int accelerator;
    double cost;
};

struct load { /* what a column puts on a link */
    size_t link;
    int column;
    double mbps;
};

struct model {
    Cbc_Model *cbc;
    struct evaluation_model *evaluation;
    const struct requirement *requirement;
    const struct network *network;
    struct option *options[CLI_BENCH_COMPONENTS_MAX];
    size_t count[CLI_BENCH_COMPONENTS_MAX];
    int x[CLI_BENCH_COMPONENTS_MAX], y[CLI_BENCH_COMPONENTS_MAX]; /* first column */
    int columns;
    struct arena *arena;
    LIST(struct load) loads;
};

static int add_column(struct model *m, double upper, double cost)
{
    Cbc_addCol(m->cbc, "c", 0, upper, cost, 1, 0, NULL, NULL);
    return m->columns++;
}

static void add_row(struct model *m, int count, const int *columns, const double *values,
                    char sense, double right)
{
    Cbc_addRow(m->cbc, "r", count, columns, values, sense, right);
}

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0;
}

/* Flows from the user become part of y's cost and of which options there are. */
static bool user_flows(struct model *m, size_t c, size_t site, double *ret_cost)
{
    const struct evaluation_flow *flows;
    size_t count = evaluation_flows(m->evaluation, &flows);
    *ret_cost = 0;
    for (size_t f = 0; f < count; f++) {
        if (flows[f].from >= 0 || flows[f].to != (int)c)
            continue;
        size_t node = evaluation_user_node(m->evaluation, site);
        if (flows[f].max_latency_ms.set && evaluation_latency(m->evaluation, node, site) >
                                               flows[f].max_latency_ms.value + TOLERANCE)
            return false;
        *ret_cost += flows[f].bandwidth_mbps *
                     (amount(m->network->sites.items[site].price.bandwidth_mbps_month) +
                      evaluation_path(m->evaluation, node, site, NULL, NULL, 0));
    }
    return true;
}

static void load_path(struct model *m, size_t from, size_t to, int column, double mbps)
{
    size_t links[PATH_MAX_LINKS], count = 0;
    if (mbps <= 0)
        return;
    evaluation_path(m->evaluation, from, to, links, &count, PATH_MAX_LINKS);
    for (size_t i = 0; i < count; i++)
        *LIST_ADD(m->arena, &m->loads) = (struct load){links[i], column, mbps};
}

static void add_component(struct model *m, size_t c)
{
    const struct network *network = m->network;
    int64_t n = requirement_instances(m->requirement, &m->requirement->components.items[c]);
    m->options[c] = arena_array(m->arena, network->sites.count * 4, sizeof **m->options);
    double *once = arena_array(m->arena, network->sites.count * 4, sizeof *once);
    for (size_t s = 0; s < network->sites.count; s++) {
        struct evaluation_option found[4];
        double flow_cost;
        if (!evaluation_eligible(m->evaluation, c, s, NULL, NULL) ||
            !user_flows(m, c, s, &flow_cost))
            continue;
        size_t kinds = evaluation_options(m->evaluation, c, s, found, 4);
        for (size_t k = 0; k < kinds && k < 4; k++) {
            once[m->count[c]] = flow_cost;
            m->options[c][m->count[c]++] = (struct option){s, found[k].accelerator, found[k].cost};
        }
    }
    m->x[c] = m->columns;
    for (size_t o = 0; o < m->count[c]; o++)
        add_column(m, (double)n, m->options[c][o].cost);
    m->y[c] = m->columns;
    for (size_t o = 0; o < m->count[c]; o++)
        add_column(m, 1, once[o]);
    int *columns = arena_array(m->arena, m->count[c] + 1, sizeof *columns);
    double *ones = arena_array(m->arena, m->count[c] + 1, sizeof *ones);
    for (size_t o = 0; o < m->count[c]; o++) {
        columns[o] = m->x[c] + (int)o;
        ones[o] = 1;
        int pair[] = {m->x[c] + (int)o, m->y[c] + (int)o};
        double values[] = {1, -(double)n};
        add_row(m, 2, pair, values, 'L', 0);
        double there[] = {-1, 1}; /* nothing is sent from where nothing stands */
        add_row(m, 2, pair, there, 'L', 0);
    }
    add_row(m, (int)m->count[c], columns, ones, 'E', (double)n);
    const struct evaluation_flow *flows;
    size_t flow_count = evaluation_flows(m->evaluation, &flows);
    for (size_t f = 0; f < flow_count; f++)
        for (size_t o = 0; flows[f].from < 0 && flows[f].to == (int)c && o < m->count[c]; o++)
            load_path(m, evaluation_user_node(m->evaluation, m->options[c][o].site),
                      m->options[c][o].site, m->y[c] + (int)o, flows[f].bandwidth_mbps);
}

/* Σ z over senders = y of the receiver; z only from where a sender stands. */
static void add_flow(struct model *m, const struct evaluation_flow *flow)
{
    size_t from = (size_t)flow->from, to = (size_t)flow->to;
    size_t senders = m->count[from];
    int *columns = arena_array(m->arena, senders + 2, sizeof *columns);
    double *values = arena_array(m->arena, senders + 2, sizeof *values);
    for (size_t r = 0; r < m->count[to]; r++) {
        int count = 0;
        for (size_t o = 0; o < senders; o++) {
            size_t a = m->options[from][o].site, b = m->options[to][r].site;
            double latency = evaluation_latency(m->evaluation, a, b);
            if (flow->max_latency_ms.set && latency > flow->max_latency_ms.value + TOLERANCE)
                continue;
            double price =
                flow->bandwidth_mbps > 0
                    ? flow->bandwidth_mbps * evaluation_path(m->evaluation, a, b, NULL, NULL, 0)
                    : 0;
            int z = add_column(m, 1, price);
            load_path(m, a, b, z, flow->bandwidth_mbps);
            int pair[] = {z, m->y[from] + (int)o};
            double ones[] = {1, -1};
            add_row(m, 2, pair, ones, 'L', 0);
            columns[count] = z;
            values[count++] = 1;
        }
        columns[count] = m->y[to] + (int)r;
        values[count++] = -1;
        add_row(m, count, columns, values, 'E', 0);
    }
}

/* Σ of what stands on a site ≤ what is free there: 0 vcpus, 1 memory, 2 disk. */
static void add_capacity(struct model *m, int what)
{
    const struct requirement *requirement = m->requirement;
    size_t total = 0;
    for (size_t c = 0; c < requirement->components.count; c++)
        total += m->count[c];
    int *columns = arena_array(m->arena, total + 1, sizeof *columns);
    double *values = arena_array(m->arena, total + 1, sizeof *values);
    for (size_t s = 0; s < m->network->sites.count; s++) {
        const struct site *site = &m->network->sites.items[s];
        int count = 0;
        for (size_t c = 0; c < requirement->components.count; c++) {
            const struct requirement_component *item = &requirement->components.items[c];
            double need = amount(what == 0   ? item->vcpus
                                 : what == 1 ? item->memory_gib
                                             : item->disk_gib);
            for (size_t o = 0; o < m->count[c]; o++)
                if (m->options[c][o].site == s && need > 0) {
                    columns[count] = m->x[c] + (int)o;
                    values[count++] = need;
                }
        }
        const struct site_amount *have = &site->capacity, *used = &site->allocated;
        double room = what == 0   ? amount(have->vcpus) - amount(used->vcpus)
                      : what == 1 ? amount(have->memory_gib) - amount(used->memory_gib)
                                  : amount(have->disk_gib) - amount(used->disk_gib);
        if (count > 0)
            add_row(m, count, columns, values, 'L', room);
    }
}

static void add_cards(struct model *m)
{
    for (size_t s = 0; s < m->network->sites.count; s++)
        for (size_t k = 0; k < m->network->sites.items[s].accelerators.count; k++) {
            const struct site_accelerator *card = &m->network->sites.items[s].accelerators.items[k];
            int columns[CLI_BENCH_COMPONENTS_MAX], count = 0;
            double values[CLI_BENCH_COMPONENTS_MAX];
            for (size_t c = 0; c < m->requirement->components.count; c++)
                for (size_t o = 0; o < m->count[c]; o++)
                    if (m->options[c][o].site == s && m->options[c][o].accelerator == (int)k) {
                        columns[count] = m->x[c] + (int)o;
                        values[count++] =
                            (double)m->requirement->components.items[c].accelerator->count;
                    }
            if (count > 0)
                add_row(m, count, columns, values, 'L', (double)(card->count - card->allocated));
        }
}

static int by_link(const void *a, const void *b)
{
    const struct load *x = a, *y = b;
    if (x->link != y->link)
        return x->link < y->link ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static void add_links(struct model *m)
{
    qsort(m->loads.items, m->loads.count, sizeof *m->loads.items, by_link);
    int *columns = arena_array(m->arena, m->loads.count + 1, sizeof *columns);
    double *values = arena_array(m->arena, m->loads.count + 1, sizeof *values);
    for (size_t i = 0; i < m->loads.count;) {
        size_t link = m->loads.items[i].link;
        int count = 0;
        for (; i < m->loads.count && m->loads.items[i].link == link; i++) {
            const struct load *load = &m->loads.items[i];
            if (count > 0 && columns[count - 1] == load->column) {
                values[count - 1] += load->mbps;
                continue;
            }
            columns[count] = load->column;
            values[count++] = load->mbps;
        }
        const struct network_link *item = &m->network->links.items[link];
        add_row(m, count, columns, values, 'L',
                item->bandwidth_mbps.value - amount(item->used_mbps));
    }
}

/* Whether the model says all that the need says. */
static bool is_linear(const struct requirement *requirement)
{
    for (size_t f = 0; f < requirement->flows.count; f++) {
        const struct requirement_component *from =
            requirement_find(requirement, requirement->flows.items[f].from);
        if (from && requirement_instances(requirement, from) > 1)
            return false;
    }
    return !requirement->service_level.availability_percent.set;
}

struct outcome {
    double ms, cost;
    bool proven;
};

static enum err_code run_cbc(const struct network *network, const struct requirement *requirement,
                             const char *limit_s, struct outcome *out, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, (size_t)8 << 30);
    int64_t start = clock_mono_us();
    struct model m = {
        .cbc = Cbc_newModel(), .requirement = requirement, .network = network, .arena = &arena};
    struct evaluation_input input = {.requirement = requirement, .network = network};
    enum err_code rc = evaluation_model_new(&input, &m.evaluation, &arena, err);
    if (rc)
        return rc;
    Cbc_setLogLevel(m.cbc, 0);
    Cbc_setParameter(m.cbc, "sec", limit_s);
    Cbc_setParameter(m.cbc, "ratio", "0");
    for (size_t c = 0; c < requirement->components.count; c++)
        add_component(&m, c);
    const struct evaluation_flow *flows;
    size_t flow_count = evaluation_flows(m.evaluation, &flows);
    for (size_t f = 0; f < flow_count; f++)
        if (flows[f].from >= 0)
            add_flow(&m, &flows[f]);
    for (int what = 0; what < 3; what++)
        add_capacity(&m, what);
    add_cards(&m);
    add_links(&m);
    Cbc_solve(m.cbc);
    *out = (struct outcome){(double)(clock_mono_us() - start) / 1000, Cbc_getObjValue(m.cbc),
                            Cbc_isProvenOptimal(m.cbc) != 0};
    Cbc_deleteModel(m.cbc);
    return ERR_OK;
}

static enum err_code run_swan(const struct network *network, const struct requirement *requirement,
                              struct outcome *out, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, (size_t)8 << 30);
    struct solution_answer answer = {0};
    struct design_input input = {.given = {.requirement = requirement, .network = network},
                                 .objective = OBJECTIVE_COST,
                                 .only_objective = true};
    int64_t start = clock_mono_us();
    enum err_code rc = design_solve(&input, &answer, &arena, err);
    if (!rc)
        *out = (struct outcome){(double)(clock_mono_us() - start) / 1000,
                                answer.solutions.items[0].cost, answer.solutions.items[0].gap == 0};
    return rc;
}

static const char *argument(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (str_eq(argv[i], name))
            return argv[i + 1];
    return fallback;
}

static enum err_code compare(size_t sites, uint64_t seed, size_t number, const char *limit,
                             struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, (size_t)8 << 30);
    struct network network;
    struct requirement requirement;
    struct outcome cbc, swan;
    cli_bench_network(sites, seed, &network, &arena);
    enum err_code rc =
        cli_bench_requirement(&network, 8, seed * 1000 + number, &requirement, &arena, err);
    if (rc || !is_linear(&requirement))
        return rc;
    if ((rc = run_swan(&network, &requirement, &swan, err)) ||
        (rc = run_cbc(&network, &requirement, limit, &cbc, err)))
        return rc;
    bool same = fabs(cbc.cost - swan.cost) <= 0.01 + TOLERANCE * swan.cost;
    printf("%6zu %4zu  %10.2f %14.2f %s  %10.0f %14.2f %s  %s\n", sites, number, swan.ms, swan.cost,
           swan.proven ? "proven " : "stopped", cbc.ms, cbc.cost,
           cbc.proven ? "proven " : "stopped",
           same                                 ? "same"
           : cbc.proven && cbc.cost < swan.cost ? "CBC IS CHEAPER"
                                                : "swan is cheaper");
    fflush(stdout);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    const char *sizes = argument(argc, argv, "--sites", "100,300,1000");
    const char *limit = argument(argc, argv, "--time-limit", "60");
    uint64_t seed = strtoull(argument(argc, argv, "--seed", "1"), NULL, 10);
    size_t needs = strtoull(argument(argc, argv, "--needs", "12"), NULL, 10);
    printf("%6s %4s  %10s %14s %7s  %10s %14s %7s\n", "sites", "need", "swan ms", "cost", "",
           "CBC ms", "cost", "");
    for (const char *at = sizes; *at;) {
        char *end;
        size_t sites = strtoull(at, &end, 10);
        if (end == at || sites < CLI_BENCH_SITES_MIN || sites > CLI_BENCH_SITES_MAX) {
            fprintf(stderr, "--sites takes sizes with commas between them\n");
            return 2;
        }
        for (size_t i = 0; i < needs; i++) {
            struct err err = {0};
            if (compare(sites, seed, i, limit, &err))
                fprintf(stderr, "%zu sites, need %zu: %s\n", sites, i, err.text);
        }
        at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

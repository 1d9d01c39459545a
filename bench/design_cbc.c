/* design_cbc.c - CBC on the same needs and networks as `swan bench design`, in the same run.
 *
 *   design-cbc [--sites 100,300,1000] [--seed N] [--needs N] [--time-limit SECONDS]
 *
 * The model is made as small and tight as we could, and is equivalent to the contract's (save for
 * what is said below):
 * - only sites that are eligible, within the users' bounds; capacity and link rows only where all
 * of the need together could exceed them;
 * - sites that hang on one link are counted to the node at its other end (the hub).  A path is then
 *   link + path between hubs + link, so flows with bandwidth need one column for each pair of hubs
 *   that could serve, not of sites;
 * - a latency bound says that a receiver stands only where a sender is near enough: near enough at
 * a hub are the nearest few of its sites, so running sums over them (one column a site) make one
 *   row for each receiver, with a term for each hub.
 * Availability is linear in the logarithm for components of one instance.  For those of several
 * their least possible loss is taken, so CBC may then find less than is possible; such rows are
 * marked "relaxed".  Left out are needs in which a component of several instances sends with
 * bandwidth, as the nearest sender's price is not linear. */
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

struct hang {   /* where a site hangs in the network */
    size_t hub; /* node; itself when it has several links */
    size_t link;
    double latency, price; /* of that link; 0 when it is a hub itself */
    bool leaf;
};

struct model {
    Cbc_Model *cbc;
    struct hang *hangs; /* by site */
    size_t *hubs;       /* nodes that some site hangs on */
    size_t hub_count;
    size_t *hub_number; /* by node */
    double flow_total;  /* Mbit/s, were all flows to run over one link */
    bool relaxed;
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

static int add_continuous(struct model *m, double upper, double cost)
{
    Cbc_addCol(m->cbc, "c", 0, upper, cost, 0, 0, NULL, NULL);
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

/* Only where all flows together could exceed it. */
static void load_link(struct model *m, size_t link, int column, double mbps)
{
    const struct network_link *item = &m->network->links.items[link];
    if (m->flow_total > item->bandwidth_mbps.value - amount(item->used_mbps))
        *LIST_ADD(m->arena, &m->loads) = (struct load){link, column, mbps};
}

static void load_path(struct model *m, size_t from, size_t to, int column, double mbps)
{
    size_t links[PATH_MAX_LINKS], count = 0;
    if (mbps <= 0)
        return;
    evaluation_path(m->evaluation, from, to, links, &count, PATH_MAX_LINKS);
    for (size_t i = 0; i < count; i++)
        load_link(m, links[i], column, mbps);
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
        add_column(m, (double)n, m->options[c][o].cost + (n == 1 ? once[o] : 0));
    m->y[c] = n == 1 ? m->x[c] : m->columns;
    for (size_t o = 0; o < m->count[c] && n > 1; o++)
        add_column(m, 1, once[o]);
    int *columns = arena_array(m->arena, m->count[c] + 1, sizeof *columns);
    double *ones = arena_array(m->arena, m->count[c] + 1, sizeof *ones);
    for (size_t o = 0; o < m->count[c]; o++) {
        columns[o] = m->x[c] + (int)o;
        ones[o] = 1;
        int pair[] = {m->x[c] + (int)o, m->y[c] + (int)o};
        double values[] = {1, -(double)n}, there[] = {-1, 1};
        if (n > 1) {
            add_row(m, 2, pair, values, 'L', 0);
            add_row(m, 2, pair, there, 'L', 0); /* nothing is sent from where nothing stands */
        }
    }
    add_row(m, (int)m->count[c], columns, ones, 'E', (double)n);
    const struct evaluation_flow *flows;
    size_t flow_count = evaluation_flows(m->evaluation, &flows);
    for (size_t f = 0; f < flow_count; f++)
        for (size_t o = 0; flows[f].from < 0 && flows[f].to == (int)c && o < m->count[c]; o++)
            load_path(m, evaluation_user_node(m->evaluation, m->options[c][o].site),
                      m->options[c][o].site, m->y[c] + (int)o, flows[f].bandwidth_mbps);
}

/* ---- hubs ---- */
static size_t node_named(const struct network *network, const char *id)
{
    for (size_t i = 0; i < network->sites.count; i++)
        if (str_eq(network->sites.items[i].id, id))
            return i;
    for (size_t i = 0; i < network->access.count; i++)
        if (str_eq(network->access.items[i].id, id))
            return network->sites.count + i;
    return SIZE_MAX;
}

static void find_hubs(struct model *m)
{
    const struct network *network = m->network;
    size_t nodes = network->sites.count + network->access.count;
    size_t *degree = arena_array(m->arena, nodes + 1, sizeof *degree);
    m->hangs = arena_array(m->arena, nodes + 1, sizeof *m->hangs);
    m->hubs = arena_array(m->arena, nodes + 1, sizeof *m->hubs);
    m->hub_number = arena_array(m->arena, nodes + 1, sizeof *m->hub_number);
    for (size_t i = 0; i < nodes; i++)
        m->hangs[i].hub = i;
    for (int pass = 0; pass < 2; pass++) /* the first counts links, the second takes the only one */
        for (size_t i = 0; i < network->links.count; i++) {
            const struct network_link *link = &network->links.items[i];
            size_t ends[2] = {node_named(network, link->a), node_named(network, link->b)};
            for (int k = 0; k < 2; k++) {
                degree[ends[k]] += pass == 0;
                if (pass == 1 && degree[ends[k]] == 1 && degree[ends[1 - k]] > 1 &&
                    ends[k] < network->sites.count)
                    m->hangs[ends[k]] = (struct hang){ends[1 - k], i, link->latency_ms.value,
                                                      amount(link->price_mbps_month), true};
            }
        }
    for (size_t i = 0; i < nodes; i++)
        m->hub_number[i] = SIZE_MAX;
    for (size_t i = 0; i < network->sites.count; i++) {
        size_t *number = &m->hub_number[m->hangs[i].hub];
        if (*number == SIZE_MAX) {
            *number = m->hub_count;
            m->hubs[m->hub_count++] = m->hangs[i].hub;
        }
    }
}

/* ---- flows ---- */
struct rung { /* a sender's option, nearest to its hub first */
    double latency;
    int column; /* what stands there */
};

struct ladder { /* of one hub */
    LIST(struct rung) rungs;
    int first; /* running sums, one column each */
};

static int by_latency(const void *a, const void *b)
{
    const struct rung *x = a, *y = b;
    return (x->latency > y->latency) - (x->latency < y->latency);
}

static void raise_ladders(struct model *m, size_t from, struct ladder *ladders)
{
    for (size_t o = 0; o < m->count[from]; o++) {
        const struct hang *hang = &m->hangs[m->options[from][o].site];
        *LIST_ADD(m->arena, &ladders[m->hub_number[hang->hub]].rungs) =
            (struct rung){hang->latency, m->y[from] + (int)o};
    }
    for (size_t h = 0; h < m->hub_count; h++) {
        struct ladder *ladder = &ladders[h];
        if (ladder->rungs.count > 1)
            qsort(ladder->rungs.items, ladder->rungs.count, sizeof *ladder->rungs.items,
                  by_latency);
        ladder->first = m->columns;
        for (size_t i = 0; i < ladder->rungs.count; i++) {
            int sum = add_continuous(m, INFINITY, 0);
            int columns[] = {sum, ladder->rungs.items[i].column, sum - 1};
            double values[] = {1, -1, -1};
            add_row(m, i ? 3 : 2, columns, values, 'E', 0);
        }
    }
}

/* y of the receiver ≤ what stands near enough: of each hub the running sum up to the last such. */
static void bound_latency(struct model *m, const struct evaluation_flow *flow)
{
    size_t from = (size_t)flow->from, to = (size_t)flow->to;
    struct ladder *ladders = arena_array(m->arena, m->hub_count + 1, sizeof *ladders);
    int *columns = arena_array(m->arena, m->hub_count + m->count[from] + 2, sizeof *columns);
    double *values = arena_array(m->arena, m->hub_count + m->count[from] + 2, sizeof *values);
    raise_ladders(m, from, ladders);
    for (size_t r = 0; r < m->count[to]; r++) {
        size_t site = m->options[to][r].site;
        const struct hang *hang = &m->hangs[site];
        int count = 0;
        bool own_in = false; /* the sender on the same site is among those counted */
        for (size_t h = 0; h < m->hub_count; h++) {
            double room = flow->max_latency_ms.value + TOLERANCE - hang->latency -
                          evaluation_latency(m->evaluation, m->hubs[h], hang->hub);
            size_t near = 0;
            while (near < ladders[h].rungs.count && ladders[h].rungs.items[near].latency <= room)
                near++;
            if (near == 0)
                continue;
            columns[count] = ladders[h].first + (int)near - 1;
            values[count++] = -1;
            own_in = own_in || (m->hubs[h] == hang->hub && hang->latency <= room);
        }
        for (size_t o = 0; o < m->count[from] && !own_in; o++)
            if (m->options[from][o].site == site) {
                columns[count] = m->y[from] + (int)o;
                values[count++] = -1;
            }
        columns[count] = m->y[to] + (int)r;
        values[count++] = 1;
        add_row(m, count, columns, values, 'L', 0);
    }
}

/* The price of paths, for a single sender: w of two hubs = the receiver's sites at the one that are
 * served from the other; q of a sender = how many it serves; less what stands on one site. */
static void pay_paths(struct model *m, const struct evaluation_flow *flow)
{
    size_t from = (size_t)flow->from, to = (size_t)flow->to, hubs = m->hub_count;
    double n = (double)requirement_instances(m->requirement, &m->requirement->components.items[to]);
    double mbps = flow->bandwidth_mbps;
    size_t most = hubs + m->count[from] + m->count[to] + 2;
    int *columns = arena_array(m->arena, most, sizeof *columns);
    double *values = arena_array(m->arena, most, sizeof *values);
    int *w = arena_array(m->arena, hubs * hubs + 1, sizeof *w);
    int q = m->columns;
    bool *sends = arena_array(m->arena, hubs, sizeof *sends);
    bool *takes = arena_array(m->arena, hubs, sizeof *takes);
    for (size_t o = 0; o < m->count[from]; o++) {
        const struct hang *hang = &m->hangs[m->options[from][o].site];
        sends[m->hub_number[hang->hub]] = true;
        int column = add_continuous(m, n, mbps * hang->price);
        int pair[] = {column, m->y[from] + (int)o};
        double limit[] = {1, -n};
        add_row(m, 2, pair, limit, 'L', 0);
        if (hang->leaf)
            load_link(m, hang->link, column, mbps);
    }
    for (size_t r = 0; r < m->count[to]; r++) {
        const struct hang *hang = &m->hangs[m->options[to][r].site];
        takes[m->hub_number[hang->hub]] = true;
        int column = m->y[to] + (int)r;
        Cbc_setObjCoeff(m->cbc, column,
                        Cbc_getObjCoefficients(m->cbc)[column] + mbps * hang->price);
        if (hang->leaf)
            load_link(m, hang->link, column, mbps);
        for (size_t o = 0; o < m->count[from] && hang->leaf; o++) {
            if (m->options[from][o].site != m->options[to][r].site)
                continue;
            int same = add_continuous(m, 1, -2 * mbps * hang->price); /* no path at all */
            int first[] = {same, column}, second[] = {same, m->y[from] + (int)o};
            double less[] = {1, -1};
            add_row(m, 2, first, less, 'L', 0);
            add_row(m, 2, second, less, 'L', 0);
            load_link(m, hang->link, same, -2 * mbps);
        }
    }
    for (size_t h = 0; h < hubs; h++)
        for (size_t k = 0; k < hubs; k++) {
            w[h * hubs + k] = -1;
            double latency = evaluation_latency(m->evaluation, m->hubs[h], m->hubs[k]);
            if (!sends[h] || !takes[k] ||
                (flow->max_latency_ms.set && latency > flow->max_latency_ms.value + TOLERANCE))
                continue;
            double price = evaluation_path(m->evaluation, m->hubs[h], m->hubs[k], NULL, NULL, 0);
            w[h * hubs + k] = add_continuous(m, n, mbps * price);
            load_path(m, m->hubs[h], m->hubs[k], w[h * hubs + k], mbps);
        }
    for (size_t h = 0; h < hubs; h++) { /* Σ w from a hub = Σ q there; Σ w to a hub = Σ y there */
        for (int side = 0; side < 2; side++) {
            size_t component = side ? to : from;
            int count = 0;
            for (size_t k = 0; k < hubs; k++) {
                int column = w[side ? k * hubs + h : h * hubs + k];
                if (column < 0)
                    continue;
                columns[count] = column;
                values[count++] = 1;
            }
            for (size_t o = 0; o < m->count[component]; o++)
                if (m->hub_number[m->hangs[m->options[component][o].site].hub] == h) {
                    columns[count] = side ? m->y[to] + (int)o : q + (int)o;
                    values[count++] = -1;
                }
            if (count > 0)
                add_row(m, count, columns, values, 'E', 0);
        }
    }
}

static void add_flow(struct model *m, const struct evaluation_flow *flow)
{
    if (flow->max_latency_ms.set)
        bound_latency(m, flow);
    if (flow->bandwidth_mbps > 0)
        pay_paths(m, flow);
}

/* Σ −log availability ≤ that asked; of components of several instances the least there is. */
static void add_availability(struct model *m)
{
    struct opt_double asked = m->requirement->service_level.availability_percent;
    size_t total = 0, count = 0;
    if (!asked.set)
        return;
    double right = -log(asked.value / 100 - 1e-9);
    for (size_t c = 0; c < m->requirement->components.count; c++)
        total += m->count[c];
    int *columns = arena_array(m->arena, total + 1, sizeof *columns);
    double *values = arena_array(m->arena, total + 1, sizeof *values);
    for (size_t c = 0; c < m->requirement->components.count; c++) {
        int64_t n = requirement_instances(m->requirement, &m->requirement->components.items[c]);
        double least_down = 1;
        for (size_t o = 0; o < m->count[c]; o++) {
            double down =
                1 - m->network->sites.items[m->options[c][o].site].availability_percent.value / 100;
            least_down = fmin(least_down, down);
            if (n > 1)
                continue;
            columns[count] = m->x[c] + (int)o;
            values[count++] = -log1p(-down);
        }
        if (n > 1) {
            right += log1p(-pow(least_down, (double)n));
            m->relaxed = true;
        }
    }
    add_row(m, (int)count, columns, values, 'L', right);
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
        double most = 0; /* all that could stand there */
        for (size_t c = 0; c < requirement->components.count; c++) {
            const struct requirement_component *item = &requirement->components.items[c];
            size_t before = (size_t)count;
            double need = amount(what == 0   ? item->vcpus
                                 : what == 1 ? item->memory_gib
                                             : item->disk_gib);
            for (size_t o = 0; o < m->count[c]; o++)
                if (m->options[c][o].site == s && need > 0) {
                    columns[count] = m->x[c] + (int)o;
                    values[count++] = need;
                }
            if ((size_t)count > before)
                most += need * (double)requirement_instances(requirement, item);
        }
        const struct site_amount *have = &site->capacity, *used = &site->allocated;
        double room = what == 0   ? amount(have->vcpus) - amount(used->vcpus)
                      : what == 1 ? amount(have->memory_gib) - amount(used->memory_gib)
                                  : amount(have->disk_gib) - amount(used->disk_gib);
        if (count > 0 && most > room)
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

/* Whether the model says all that the need says, availability of several instances apart. */
static bool is_linear(const struct requirement *requirement)
{
    for (size_t f = 0; f < requirement->flows.count; f++) {
        const struct requirement_component *from =
            requirement_find(requirement, requirement->flows.items[f].from);
        if (from && requirement_instances(requirement, from) > 1 &&
            amount(requirement->flows.items[f].bandwidth_mbps) > 0)
            return false;
    }
    return true;
}

struct outcome {
    double ms, cost, bound;
    bool proven, relaxed;
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
    const struct evaluation_flow *flows;
    size_t flow_count = evaluation_flows(m.evaluation, &flows);
    for (size_t f = 0; f < flow_count; f++)
        m.flow_total +=
            flows[f].bandwidth_mbps *
            (double)requirement_instances(requirement, &requirement->components.items[flows[f].to]);
    find_hubs(&m);
    for (size_t c = 0; c < requirement->components.count; c++)
        add_component(&m, c);
    for (size_t f = 0; f < flow_count; f++)
        if (flows[f].from >= 0)
            add_flow(&m, &flows[f]);
    for (int what = 0; what < 3; what++)
        add_capacity(&m, what);
    add_cards(&m);
    add_links(&m);
    add_availability(&m);
    Cbc_solve(m.cbc);
    *out = (struct outcome){.ms = (double)(clock_mono_us() - start) / 1000,
                            .cost = Cbc_getObjValue(m.cbc),
                            .bound = Cbc_getBestPossibleObjValue(m.cbc),
                            .proven = Cbc_isProvenOptimal(m.cbc) != 0,
                            .relaxed = m.relaxed};
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
        *out = (struct outcome){.ms = (double)(clock_mono_us() - start) / 1000,
                                .cost = answer.solutions.items[0].cost,
                                .proven = answer.solutions.items[0].gap == 0};
    return rc;
}

static const char *argument(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (str_eq(argv[i], name))
            return argv[i + 1];
    return fallback;
}

#define NEEDS_MAX 99
struct totals {
    size_t needs, proven;
    double swan[NEEDS_MAX], cbc[NEEDS_MAX]; /* ms */
};

static int by_ms(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_totals(size_t sites, struct totals *totals)
{
    if (totals->needs == 0)
        return;
    qsort(totals->swan, totals->needs, sizeof *totals->swan, by_ms);
    qsort(totals->cbc, totals->needs, sizeof *totals->cbc, by_ms);
    size_t middle = totals->needs / 2, last = totals->needs - 1;
    printf("%6zu sites: swan median %.2f ms, worst %.2f; CBC median %.0f ms, worst %.0f, proven "
           "%zu of %zu\n",
           sites, totals->swan[middle], totals->swan[last], totals->cbc[middle], totals->cbc[last],
           totals->proven, totals->needs);
}

static enum err_code compare(size_t sites, uint64_t seed, size_t number, const char *limit,
                             struct totals *totals, struct err *err)
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
    bool nothing = !cbc.proven && !(fabs(cbc.cost) < 1e20);
    const char *answers = same                                  ? "same"
                          : nothing                             ? "CBC found nothing"
                          : cbc.relaxed && cbc.cost < swan.cost ? "CBC's is relaxed"
                          : cbc.cost < swan.cost                ? "CBC IS CHEAPER"
                                                                : "swan is cheaper";
    printf("%6zu %4zu  %10.2f %14.2f %s  %10.0f %14.2f %s %9.2f%% %s %s\n", sites, number, swan.ms,
           swan.cost, swan.proven ? "proven " : "stopped", cbc.ms, nothing ? NAN : cbc.cost,
           cbc.proven ? "proven " : "stopped",
           cbc.proven ? 0 : 100 * (1 - fmax(0, cbc.bound) / (nothing ? swan.cost : cbc.cost)),
           cbc.relaxed ? "relaxed" : "exact  ", answers);
    totals->needs++;
    totals->proven += cbc.proven;
    totals->swan[totals->needs - 1] = swan.ms;
    totals->cbc[totals->needs - 1] = cbc.ms;
    fflush(stdout);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    const char *sizes = argument(argc, argv, "--sites", "100,300,1000");
    const char *limit = argument(argc, argv, "--time-limit", "60");
    uint64_t seed = strtoull(argument(argc, argv, "--seed", "1"), NULL, 10);
    size_t needs = strtoull(argument(argc, argv, "--needs", "12"), NULL, 10);
    needs = needs < NEEDS_MAX ? needs : NEEDS_MAX;
    printf("%6s %4s  %10s %14s %7s  %10s %14s %7s %10s %7s\n", "sites", "need", "swan ms", "cost",
           "", "CBC ms", "cost", "", "gap", "model");
    for (const char *at = sizes; *at;) {
        char *end;
        size_t sites = strtoull(at, &end, 10);
        if (end == at || sites < CLI_BENCH_SITES_MIN || sites > CLI_BENCH_SITES_MAX) {
            fprintf(stderr, "--sites takes sizes with commas between them\n");
            return 2;
        }
        struct totals totals = {0};
        for (size_t i = 0; i < needs; i++) {
            struct err err = {0};
            if (compare(sites, seed, i, limit, &totals, &err))
                fprintf(stderr, "%zu sites, need %zu: %s\n", sites, i, err.text);
        }
        print_totals(sites, &totals);
        at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

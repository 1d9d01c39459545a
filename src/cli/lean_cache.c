/* lean_cache.c - swan lean cache and swan bench cache: files in, the engine, the answer for people
 * or programs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "base/str.h"
#include "cli/bench.h"
#include "cli/cli_priv.h"
#include "lean/cache/cache.h"

#define ORLIB_MAX ((size_t)1 << 30)
#define DEMAND_MAX ((size_t)1 << 30)
#define ARENA_MAX ((size_t)4 << 30)
#define SHOWN 20 /* copies in the table for people */

static const struct cli_option cache_options[] = {
    {"orlib", 0, CLI_FILE, "FILE", NULL,
     N_("OR-Library file: p-median (pmed) or warehouses (cap)")},
    {"p", 0, CLI_INTEGER, "P", NULL, N_("medians, instead of the file's number")},
    {"uncapacitated", 0, CLI_FLAG, NULL, NULL, N_("warehouses: leave the capacities out")},
    {"capacity", 0, CLI_NUMBER, "UNITS", NULL,
     N_("warehouses: capacity of each, where the file leaves it open")},
    {"network", 0, CLI_FILE, "FILE", NULL, N_("network file (YAML or JSON)")},
    {"wish", 0, CLI_FILE, "FILE", NULL,
     N_("artefacts, room and forecast demand (YAML or JSON); with --network")},
    {"demand", 0, CLI_FILE, "FILE", NULL,
     N_("more forecast demand as CSV: site,artefact,fetches (a month)")},
    {"fetches", 0, CLI_FLAG, NULL, NULL, N_("in JSON: who fetches what from whom")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the search; same seed, same answer")},
    {"time-limit", 0, CLI_NUMBER, "SECONDS", NULL, N_("most seconds for the search")},
    {.name = NULL}};
static const struct cli_option bench_options[] = {
    {"sites", 0, CLI_INTEGER, "N", NULL, N_("sites of the network; 10000 if not said")},
    {"artefacts", 0, CLI_INTEGER, "N", NULL, N_("artefacts; 200 if not said")},
    {"share", 0, CLI_NUMBER, "PERCENT", NULL,
     N_("of all pairs of site and artefact that have demand; 100 if not said")},
    {"room", 0, CLI_NUMBER, "PERCENT", NULL,
     N_("room of a site, of all artefacts together; 5 if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of network and demand; 1 if not said")},
    {"time-limit", 0, CLI_NUMBER, "SECONDS", NULL, N_("most seconds for the search")},
    {.name = NULL}};

static bool is_late(void *deadline)
{
    return clock_mono_ms() >= *(int64_t *)deadline;
}

static struct cache_search search_of(struct cli_call *call, int64_t *deadline)
{
    double limit = cli_number(call, "time-limit", 0);
    *deadline = clock_mono_ms() + (int64_t)(limit * 1000);
    return (struct cache_search){.seed = (uint64_t)cli_integer(call, "seed", 1),
                                 .should_stop = limit > 0 ? is_late : NULL,
                                 .stop_ctx = deadline};
}

/* ---- one location problem ---- */

static void show_located(struct cli_call *call, const struct cache_orlib *problem,
                         const struct cache_located *located, double seconds)
{
    const char *numbers = "";
    for (size_t i = 0; i < located->open.count; i++)
        numbers =
            arena_printf(call->arena, "%s%s%zu", numbers, i ? " " : "", located->open.items[i] + 1);
    size_t facilities = problem->location.facilities, customers = problem->location.customers;
    cli_say(call, _("problem     %s, %s, %s\n"),
            problem->median              ? _("p-median")
            : problem->location.capacity ? _("warehouses with capacities")
                                         : _("warehouses"),
            arena_printf(call->arena, P_("%zu facility", "%zu facilities", facilities), facilities),
            arena_printf(call->arena, P_("%zu customer", "%zu customers", customers), customers));
    cli_say(call, _("cost        %s\n"), cli_number_text(call->arena, located->cost));
    if (located->proven)
        cli_say(call, _("bound       the same: no cheaper one exists (%s)\n"), located->proved_by);
    else
        cli_say(call, _("bound       %s: at most %.3g %% cheaper ones may exist\n"),
                cli_number_text(call->arena, located->lower_bound),
                100 * (located->cost - located->lower_bound) / located->cost);
    cli_say_wrapped(call, _("open        "), NULL, numbers);
    cli_say(call, _("took        %s\n"), cli_seconds(call->arena, seconds));
}

static enum err_code run_orlib(struct cli_call *call, const char *path, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cache_orlib problem;
    struct cache_located located;
    int64_t begin = clock_mono_ms(), deadline, p = cli_integer(call, "p", 0);
    bool free_of_capacity = cli_flag(call, "uncapacitated");
    struct cache_search search = search_of(call, &deadline);
    enum err_code rc;
    arena_init(&arena, ARENA_MAX);
    if ((rc = file_read(path, ORLIB_MAX, &text, err)))
        return rc;
    double capacity = free_of_capacity ? 1 : cli_number(call, "capacity", 0);
    if ((rc = cache_read_orlib(buf_str(&text), text.len, capacity, &problem, &arena, err)))
        return err_context(err, "%s", path), rc;
    if (free_of_capacity)
        problem.location.capacity = problem.location.demand = NULL;
    if (p && (!problem.median || p < 0 || (size_t)p > problem.location.facilities))
        return err_set(err, ERR_USAGE, _("--p is for p-median files, 1 to %zu"),
                       problem.location.facilities);
    if (p)
        problem.location.most = (size_t)p;
    if ((rc = cache_locate(&problem.location, &search, &located, &arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show_located(call, &problem, &located, (double)(clock_mono_ms() - begin) / 1000);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    cache_write_located(&problem, &located, &out);
    if ((rc = buf_check(&out, err)))
        return rc;
    cli_answer_json(call, buf_str(&out), out.len);
    return ERR_OK;
}

/* ---- many artefacts over a network ---- */

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static int by_saving(const void *a, const void *b)
{
    const struct cache_copy *x = a, *y = b;
    if (x->saved_s != y->saved_s)
        return x->saved_s > y->saved_s ? -1 : 1;
    if (x->artefact != y->artefact)
        return x->artefact < y->artefact ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static void show_copies(struct cli_call *call, const struct network *network,
                        const struct cache_wish *wish, const struct cache_placement *placement)
{
    struct cli_column columns[] = {{.title = _("ARTEFACT")},
                                   {.title = _("KEPT AT")},
                                   {.title = _("SIZE, GIB"), .right = true},
                                   {.title = _("SAVES A MONTH"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t count = placement->copies.count;
    struct cache_copy *sorted =
        arena_memdup(call->arena, placement->copies.items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_saving);
    for (size_t k = 0; k < count && k < SHOWN; k++) {
        const struct cache_artefact *item = &wish->artefacts.items[sorted[k].artefact];
        cli_cell(&table, item->id);
        cli_cell(&table, network->sites.items[sorted[k].site].id);
        cli_cell(&table, cli_number_text(call->arena, item->size_gib));
        cli_cell(&table, cli_seconds(call->arena, sorted[k].saved_s));
    }
    if (count)
        cli_table_print(call, &table);
    if (count > SHOWN)
        cli_say(call,
                P_("and %zu more copy: -o json shows all\n",
                   "and %zu more copies: -o json shows all\n", count - SHOWN),
                count - SHOWN);
}

static void show_placement(struct cli_call *call, const struct network *network,
                           const struct cache_wish *wish, const struct cache_placement *placement,
                           double seconds)
{
    show_copies(call, network, wish, placement);
    cli_say(call,
            P_("copies      %zu on %lld site with room, %s GiB\n",
               "copies      %zu on %lld sites with room, %s GiB\n", placement->sites_with_room),
            placement->copies.count, (long long)placement->sites_with_room,
            cli_number_text(call->arena, round(placement->stored_gib)));
    cli_say(call,
            _("waiting     %s a month instead of %s (filling the copies included): %.1f %% less\n"),
            cli_seconds(call->arena, placement->seconds),
            cli_seconds(call->arena, placement->seconds_before),
            percent(placement->seconds_before - placement->seconds, placement->seconds_before));
    cli_say(call, _("bound       no placement waits less than %s: at most %.2g %% may be gained\n"),
            cli_seconds(call->arena, placement->lower_bound),
            percent(placement->seconds - placement->lower_bound, placement->seconds));
    cli_say(call, _("origins     give out %s GiB a month instead of %s\n"),
            cli_number_text(call->arena, round(placement->origin_gib)),
            cli_number_text(call->arena, round(placement->origin_gib_before)));
    if (placement->unmet)
        cli_say(call,
                P_("unmet       %lld demand: no origin can be reached from there\n",
                   "unmet       %lld demands: no origin can be reached from there\n",
                   placement->unmet),
                (long long)placement->unmet);
    if (placement->links_left_out)
        cli_say(call,
                P_("left out    %lld link whose latency or bandwidth is unknown or used up\n",
                   "left out    %lld links whose latency or bandwidth is unknown or used up\n",
                   placement->links_left_out),
                (long long)placement->links_left_out);
    if (placement->stopped)
        cli_say(call, "%s\n", _("stopped by the time limit"));
    cli_say(call, _("took        %s\n"), cli_seconds(call->arena, seconds));
}

static enum err_code answer_placement(struct cli_call *call, const struct network *network,
                                      const struct cache_wish *wish,
                                      const struct cache_placement *placement, bool fetches,
                                      double seconds, struct err *err)
{
    if (call->format == CLI_TABLE) {
        show_placement(call, network, wish, placement, seconds);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_init(&out, DEMAND_MAX);
    cache_write_placement(network, wish, placement, fetches, &out);
    enum err_code rc = buf_check(&out, err);
    if (!rc)
        cli_answer_json(call, buf_str(&out), out.len);
    return rc;
}

static enum err_code run_network(struct cli_call *call, const char *path, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *wish_path = cli_option(call, "wish"), *demand = cli_option(call, "demand");
    struct network network;
    struct cache_wish wish;
    struct cache_placement placement;
    int64_t begin = clock_mono_ms(), deadline;
    enum err_code rc;
    arena_init(&arena, ARENA_MAX);
    if (!wish_path)
        return err_set(err, ERR_USAGE, _("--wish is missing"));
    if ((rc = network_read_file(path, &network, &arena, err)) ||
        (rc = json_decode_file(wish_path, &cache_wish_table, &json_limits_large, &wish, &arena,
                               err)) ||
        (demand && (rc = file_read(demand, DEMAND_MAX, &text, err))))
        return rc;
    if (demand && (rc = cache_read_demand(buf_str(&text), text.len, &wish, &arena, err)))
        return err_context(err, "%s", demand), rc;
    struct cache_search search = search_of(call, &deadline);
    if ((rc = cache_place(&network, &wish, &search, &placement, &arena, err)))
        return rc;
    return answer_placement(call, &network, &wish, &placement, cli_flag(call, "fetches"),
                            (double)(clock_mono_ms() - begin) / 1000, err);
}

static enum err_code run_lean_cache(struct cli_call *call, struct err *err)
{
    const char *orlib = cli_option(call, "orlib"), *network = cli_option(call, "network");
    if (!orlib == !network) {
        err_set(err, ERR_USAGE, _("give either --orlib or --network"));
        return err_hint(err, _("--orlib FILE, or --network FILE --wish FILE"));
    }
    return orlib ? run_orlib(call, orlib, err) : run_network(call, network, err);
}

/* ---- bench ---- */

/* Sizes from 10 MB to 20 GB, log-uniform; demand by Zipf's law over artefacts and by a site's own
 * weight; two origins. */
static void make_wish(struct cli_call *call, const struct network *network, size_t artefacts,
                      struct cache_wish *wish, struct arena *arena)
{
    struct rand rand;
    double share = cli_number(call, "share", 100) / 100, room = cli_number(call, "room", 5) / 100;
    double total = 0;
    size_t sites = network->sites.count;
    rand_init(&rand, (uint64_t)cli_integer(call, "seed", 1));
    *wish = (struct cache_wish){.artefacts = {NULL, 0}};
    size_t origins[2] = {rand_below(&rand, sites), rand_below(&rand, sites)};
    for (size_t a = 0; a < artefacts; a++) {
        struct cache_artefact *item = LIST_ADD(arena, &wish->artefacts);
        item->id = arena_printf(arena, "artefact-%zu", a);
        item->size_gib = 0.01 * pow(2000, rand_unit(&rand));
        total += item->size_gib;
        for (size_t k = 0; k < 2; k++)
            *LIST_ADD(arena, &item->origins) = network->sites.items[origins[k]].id;
    }
    for (size_t i = 0; i < sites; i++) {
        double weight = 1 / (0.05 + rand_unit(&rand));
        *LIST_ADD(arena, &wish->storage) =
            (struct cache_storage){network->sites.items[i].id, total * room * 2 * rand_unit(&rand)};
        for (size_t a = 0; a < artefacts; a++)
            if (rand_unit(&rand) < share)
                *LIST_ADD(arena, &wish->demand) =
                    (struct cache_demand){network->sites.items[i].id, wish->artefacts.items[a].id,
                                          weight * 60 / (double)(1 + (a * 7919) % artefacts)};
    }
}

static enum err_code run_bench_cache(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    int64_t sites = cli_integer(call, "sites", 10000), deadline;
    int64_t artefacts = cli_integer(call, "artefacts", 200);
    struct network network;
    struct cache_wish wish;
    struct cache_placement placement;
    arena_init(&arena, ARENA_MAX);
    if (sites < CLI_BENCH_SITES_MIN || sites > CLI_BENCH_SITES_MAX || artefacts < 1 ||
        artefacts > 10000)
        return err_set(err, ERR_USAGE, _("--sites is %d to %d, --artefacts 1 to 10000"),
                       CLI_BENCH_SITES_MIN, CLI_BENCH_SITES_MAX);
    cli_bench_network((size_t)sites, (uint64_t)cli_integer(call, "seed", 1), &network, &arena);
    make_wish(call, &network, (size_t)artefacts, &wish, &arena);
    int64_t begin = clock_mono_ms();
    struct cache_search search = search_of(call, &deadline);
    enum err_code rc = cache_place(&network, &wish, &search, &placement, &arena, err);
    if (rc)
        return rc;
    return answer_placement(call, &network, &wish, &placement, false,
                            (double)(clock_mono_ms() - begin) / 1000, err);
}

static const struct cli_command commands[] = {
    {"lean", "cache", NULL, cache_options, N_("where things are kept, so that few wait for them"),
     run_lean_cache, NULL,
     N_("Needs no server. With --orlib one problem of the OR-Library: its cheapest set of open "
        "facilities and the proof. With --network and --wish many artefacts over a network: which "
        "site keeps what, who fetches from whom, what origins give out, and a bound.\n"
        "A wish: artefacts [{id, kind, size_gib, origins, updates}], storage [{site, gib}] or "
        "storage_percent, demand [{site, artefact, fetches}], round_trips."),
     false},
    {"bench", "cache", NULL, bench_options,
     N_("time to place copies of many artefacts over a large network"), run_bench_cache, NULL,
     N_("Network, sizes, room and demand come from a seed."), false},
};
const struct cli_command_table cli_lean_cache_table = {commands, ARRAY_LEN(commands)};

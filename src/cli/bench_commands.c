/* bench_commands.c - `swan bench design`: how long the proven cheapest solution takes, by size.
 *
 * Contract: networks and requirements come from a seed; their making and the reading into an index
 * are timed apart.  Memory is what the process reached at most while designing, less what it held
 * before; each size runs in a process of its own so that one does not hide another's. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/bench.h"
#include "cli/cli_priv.h"
#include "intelligent/design/design.h"

#define NEEDS_MAX 99
#define REPORTED_NEEDS 3 /* for which the reports are timed */
#define ARENA_MOST ((size_t)8 << 30)

static const size_t default_sizes[] = {100, 300, 1000, 3000, 10000, 30000, 100000};

struct bench_row { /* passed through a pipe as it is */
    size_t sites, links;
    double network_ms; /* making it */
    double index_ms;   /* median: names, paths */
    double design_ms;  /* median, index included */
    double cpu_ms;     /* median of the same, in CPU time */
    double worst_ms;   /* in CPU time */
    double gap;        /* largest */
    double report_ms;  /* largest: of the alternatives, five dimensions each, index included */
    size_t reports;    /* least: alternatives that differ */
    double network_mib, design_mib;
    size_t needs, proven;
    bool failed;
    char text[480]; /* of an error */
};

struct wish {
    size_t sites, components, needs;
    uint64_t seed;
    double limit_s;
};

/* Of this process: what it would take on a machine that does nothing else, as one thread does all.
 */
static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_late(void *deadline)
{
    return cpu_us() >= *(int64_t *)deadline;
}

/* Most memory held so far, MiB. */
static double peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static double since_ms(int64_t start_us)
{
    return (double)(clock_mono_us() - start_us) / 1000;
}

static double cpu_since_ms(int64_t start_us)
{
    return (double)(cpu_us() - start_us) / 1000;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count ? values[count / 2] : 0;
}

/* Up to five different designs: those of the objectives, then more with a site of each one before
 * shut out. */
#define ALTERNATIVES 5
#define ALTERNATIVES_LIMIT_US 10000000

static bool is_among(const struct solution *const *all, size_t count, const struct solution *one)
{
    for (size_t i = 0; i < count; i++) {
        bool same = all[i]->placements.count == one->placements.count;
        for (size_t k = 0; k < one->placements.count && same; k++)
            same = str_eq(all[i]->placements.items[k].site, one->placements.items[k].site);
        if (same)
            return true;
    }
    return false;
}

static size_t list_alternatives(struct design_input input, const struct solution *all[ALTERNATIVES],
                                struct arena *arena)
{
    size_t count = 0;
    int64_t deadline = cpu_us() + ALTERNATIVES_LIMIT_US;
    input.should_stop = is_late;
    input.stop_ctx = &deadline;
    input.only_objective = false;
    for (int round_ = 0; round_ < 2 * ALTERNATIVES && count < ALTERNATIVES; round_++) {
        struct solution_answer answer = {0};
        if (design_solve(&input, &answer, arena, NULL))
            break;
        for (size_t i = 0; i < answer.solutions.count && count < ALTERNATIVES; i++)
            if (!is_among(all, count, &answer.solutions.items[i]))
                all[count++] = &answer.solutions.items[i];
        const struct solution *last = all[count - 1];
        *LIST_ADD(arena, &input.exclusions) = (struct design_exclusion){
            NULL, last->placements.items[round_ % (int)last->placements.count].site};
    }
    return count;
}

/* These, judged anew in five dimensions over one fresh model, its index included. */
static enum err_code time_reports(const struct design_input *input, double *ret_ms,
                                  size_t *ret_count, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, ARENA_MOST);
    const struct solution *all[ALTERNATIVES];
    size_t count = list_alternatives(*input, all, &arena);
    struct evaluation_model *model;
    int64_t start = cpu_us();
    enum err_code rc = evaluation_model_new(&input->given, &model, &arena, err);
    for (size_t i = 0; i < count && !rc; i++) {
        struct feasibility_report report;
        rc = evaluation_report_with(model, all[i], &report, &arena, err);
    }
    *ret_ms = cpu_since_ms(start);
    *ret_count = count;
    return rc;
}

struct bench_times {
    double index_ms, design_ms, cpu_ms;
};

static enum err_code one_need(const struct wish *wish, const struct network *network, size_t number,
                              struct bench_row *row, struct bench_times *out, struct err *err)
{
    CLEANUP(arena_done) struct arena need_arena = ARENA_INIT;
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, ARENA_MOST);
    struct requirement requirement;
    struct solution_answer answer = {0};
    struct evaluation_model *model;
    enum err_code rc = cli_bench_requirement(network, wish->components, wish->seed * 1000 + number,
                                             &requirement, &need_arena, err);
    if (rc)
        return rc;
    struct design_input input = {.given = {.requirement = &requirement, .network = network},
                                 .objective = OBJECTIVE_COST,
                                 .only_objective = true};
    int64_t start = cpu_us();
    if ((rc = evaluation_model_new(&input.given, &model, &arena, err)))
        return rc;
    out->index_ms = cpu_since_ms(start);
    arena_clear(&arena);
    start = clock_mono_us();
    int64_t cpu_start = cpu_us(), deadline = cpu_start + (int64_t)(wish->limit_s * 1e6);
    input.should_stop = is_late;
    input.stop_ctx = &deadline;
    rc = design_solve(&input, &answer, &arena, err);
    out->design_ms = since_ms(start);
    out->cpu_ms = cpu_since_ms(cpu_start);
    if (rc == ERR_CANCELLED) { /* nothing is known of it: as bad as a gap can be */
        row->gap = 1;
        return ERR_OK;
    }
    if (rc)
        return rc;
    row->gap = fmax(row->gap, answer.solutions.items[0].gap);
    row->proven += answer.solutions.items[0].gap == 0;
    double report_ms = 0;
    size_t reports = 0;
    if (number >= REPORTED_NEEDS)
        return ERR_OK;
    rc = time_reports(&input, &report_ms, &reports, err);
    row->report_ms = fmax(row->report_ms, report_ms);
    row->reports = row->reports ? (reports < row->reports ? reports : row->reports) : reports;
    return rc;
}

static enum err_code one_size(const struct wish *wish, struct bench_row *row, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, ARENA_MOST);
    struct network network;
    double index[NEEDS_MAX], design[NEEDS_MAX], cpu[NEEDS_MAX];
    enum err_code rc = ERR_OK;
    int64_t start = clock_mono_us();
    cli_bench_network(wish->sites, wish->seed, &network, &arena);
    row->network_ms = since_ms(start);
    row->links = network.links.count;
    row->network_mib = peak_mib();
    for (size_t i = 0; i < wish->needs && !rc; i++) {
        struct bench_times times = {0};
        rc = one_need(wish, &network, i, row, &times, err);
        index[i] = times.index_ms;
        design[i] = times.design_ms;
        cpu[i] = times.cpu_ms;
        row->needs += !rc;
    }
    row->index_ms = median(index, row->needs);
    row->design_ms = median(design, row->needs);
    row->cpu_ms = median(cpu, row->needs);
    row->worst_ms = row->needs ? cpu[row->needs - 1] : 0;
    row->design_mib = peak_mib();
    return rc;
}

/* In a process of its own: the peak of memory is of this size alone. */
static enum err_code measured(const struct wish *wish, struct bench_row *row, struct err *err)
{
    int ends[2];
    *row = (struct bench_row){.sites = wish->sites};
    if (pipe(ends))
        return err_errno(err, errno, "pipe");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct err own = {0};
        row->failed = one_size(wish, row, &own) != ERR_OK;
        snprintf(row->text, sizeof row->text, "%s", own.text);
        _exit(write(ends[1], row, sizeof *row) == (ssize_t)sizeof *row ? 0 : 1);
    }
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], row, sizeof *row) : -1;
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (got != (ssize_t)sizeof *row)
        return err_set(err, ERR_BUG, "the process that measured %zu sites ended early",
                       wish->sites);
    return row->failed ? err_set(err, ERR_INFEASIBLE, "%zu sites: %s", wish->sites, row->text)
                       : ERR_OK;
}

static const char *figure(struct arena *arena, double value)
{
    return arena_printf(arena, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
}

static void show(struct cli_call *call, const struct bench_row *rows, size_t count)
{
    static const struct cli_column columns[] = {
        {N_("SITES"), true, true},       {N_("LINKS"), true, true},
        {N_("PROVEN"), true, true},      {N_("DESIGN ms"), true, true},
        {N_("CPU ms"), true, true},      {N_("WORST ms"), true, true},
        {N_("GAP"), true, true},         {N_("INDEX ms"), true, true},
        {N_("REPORTS ms"), true, true},  {N_("NETWORK ms"), true, true},
        {N_("NETWORK MiB"), true, true}, {N_("PEAK MiB"), true, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        translated[i] = columns[i];
        translated[i].title = _(columns[i].title);
    }
    struct cli_table table = CLI_TABLE_INIT(translated, call->arena);
    for (size_t i = 0; i < count; i++) {
        const struct bench_row *row = &rows[i];
        cli_cell(&table, arena_printf(call->arena, "%zu", row->sites));
        cli_cell(&table, arena_printf(call->arena, "%zu", row->links));
        cli_cell(&table, arena_printf(call->arena, "%zu/%zu", row->proven, row->needs));
        cli_cell(&table, figure(call->arena, row->design_ms));
        cli_cell(&table, figure(call->arena, row->cpu_ms));
        cli_cell(&table, figure(call->arena, row->worst_ms));
        cli_cell(&table, arena_printf(call->arena, "%.4g", row->gap));
        cli_cell(&table, figure(call->arena, row->index_ms));
        cli_cell(&table, arena_printf(call->arena, "%s (%zu)", figure(call->arena, row->report_ms),
                                      row->reports));
        cli_cell(&table, figure(call->arena, row->network_ms));
        cli_cell(&table, figure(call->arena, row->network_mib));
        cli_cell(&table, figure(call->arena, row->design_mib));
    }
    cli_table_print(call, &table);
    cli_say(call, "%s\n",
            _("design: median from network and requirement to the proven cheapest solution, index "
              "included; the making of the network is not"));
    cli_say(call, "%s\n",
            _("reports: five dimensions of so many different solutions in all, index included"));
    cli_say(
        call, "%s\n",
        _("CPU: of this process, which is one thread; so are worst, index, reports and the time "
          "limit, as a busy machine does not change them much"));
}

static void answer_json(struct cli_call *call, const struct bench_row *rows, size_t count,
                        uint64_t seed)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct json_writer w = JSON_WRITER(&out);
    json_begin(&w, '{');
    json_member_int(&w, "seed", (int64_t)seed);
    json_key(&w, "sizes");
    json_begin(&w, '[');
    for (size_t i = 0; i < count; i++) {
        const struct bench_row *row = &rows[i];
        json_begin(&w, '{');
        json_member_int(&w, "sites", (int64_t)row->sites);
        json_member_int(&w, "links", (int64_t)row->links);
        json_member_int(&w, "requirements", (int64_t)row->needs);
        json_member_int(&w, "proven", (int64_t)row->proven);
        json_member_int(&w, "reports", (int64_t)row->reports);
        const struct {
            const char *name;
            double value;
        } figures[] = {{"design_ms_median", row->design_ms},
                       {"design_cpu_ms_median", row->cpu_ms},
                       {"design_cpu_ms_worst", row->worst_ms},
                       {"gap_worst", row->gap},
                       {"index_ms", row->index_ms},
                       {"reports_ms", row->report_ms},
                       {"network_ms", row->network_ms},
                       {"network_mib", row->network_mib},
                       {"peak_mib", row->design_mib}};
        for (size_t k = 0; k < ARRAY_LEN(figures); k++)
            json_member_double(&w, figures[k].name, figures[k].value);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    json_end(&w, '}');
    cli_answer_json(call, buf_str(&out), out.len);
}

/* "100,1000" into sizes; the default ones when absent. */
static enum err_code read_sizes(const char *text, size_t *sizes, size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    if (!text) {
        memcpy(sizes, default_sizes, sizeof default_sizes);
        *ret_count = ARRAY_LEN(default_sizes);
        return ERR_OK;
    }
    for (const char *at = text; *ret_count < 16;) {
        char *end;
        unsigned long value = strtoul(at, &end, 10);
        if (end == at || value < CLI_BENCH_SITES_MIN || value > CLI_BENCH_SITES_MAX ||
            (*end && *end != ','))
            break;
        sizes[(*ret_count)++] = value;
        if (!*end)
            return ERR_OK;
        at = end + 1;
    }
    return err_set(err, ERR_USAGE, _("--sites takes sizes from %d to %d with commas between them"),
                   CLI_BENCH_SITES_MIN, CLI_BENCH_SITES_MAX);
}

enum err_code cli_run_bench_design(struct cli_call *call, struct err *err)
{
    size_t sizes[16], count;
    struct bench_row rows[16];
    int64_t components = cli_integer(call, "components", 8), needs = cli_integer(call, "needs", 5);
    enum err_code rc = read_sizes(cli_option(call, "sites"), sizes, &count, err);
    if (rc)
        return rc;
    if (components < 1 || components > CLI_BENCH_COMPONENTS_MAX || needs < 1 || needs > NEEDS_MAX)
        return err_set(err, ERR_USAGE, _("--components is 1 to %d, --needs 1 to %d"),
                       CLI_BENCH_COMPONENTS_MAX, NEEDS_MAX);
    for (size_t i = 0; i < count && !rc; i++) {
        struct wish wish = {sizes[i], (size_t)components, (size_t)needs,
                            (uint64_t)cli_integer(call, "seed", 1),
                            cli_number(call, "time-limit", 60)};
        rc = measured(&wish, &rows[i], err);
    }
    if (rc)
        return rc;
    if (call->format == CLI_TABLE)
        show(call, rows, count);
    else
        answer_json(call, rows, count, (uint64_t)cli_integer(call, "seed", 1));
    return ERR_OK;
}

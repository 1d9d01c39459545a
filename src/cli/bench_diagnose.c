/* bench_diagnose.c - `swan bench diagnose`: how often the root cause is found in faults that
 * spread, beside the plain z-score.
 *
 * Contract: cases come from a seed; what is judged is entity by entity: AC@k is the share of cases
 * with a root among the first k different entities, Avg@5 the mean of AC@1…AC@5.  A claim is
 * grounded when its path leads from the symptom to a root over edges that are there in truth.  The
 * baseline ranks entities by the largest z-score in the harmful direction, over all metrics or over
 * the symptom's metric alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/bench_faults.h"
#include "cli/cli_priv.h"

#define CASES_MOST 1000
#define MEMORY_MOST ((size_t)4 << 30)
#define BASE_LOOKBACK 10 /* rows before the alarm that the baseline takes as window */
#define KS 5

enum { BY_SWAN, BY_Z, BY_Z_METRIC, METHODS };

struct tally {
    size_t cases, hits[METHODS][KS], both; /* both: all roots among the first five */
    size_t claims, right, grounded, confirmed, confirmed_right;
    double seconds, worst_s;
};

struct ranked {
    double score;
    const char *entity;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->entity, y->entity);
}

/* ---- the baseline ---- */

static double z_score(const struct telemetry_table *table, size_t s, size_t from)
{
    const double *values = table->values + s * table->rows;
    double n = 0, sum = 0, square = 0, best = 0;
    for (size_t i = 0; i < from; i++)
        if (!isnan(values[i])) {
            n++;
            sum += values[i];
        }
    double mean = n > 0 ? sum / n : 0;
    for (size_t i = 0; i < from; i++)
        if (!isnan(values[i]))
            square += (values[i] - mean) * (values[i] - mean);
    double deviation = n > 0 ? sqrt(square / n) : 0;
    for (size_t i = from; i < table->rows; i++)
        if (!isnan(values[i]))
            best = fmax(best, (values[i] - mean) * table->series[s].direction /
                                  (deviation > 0 ? deviation : 1));
    return best;
}

/* Entities by their largest z-score; `metric` NULL = of any. */
static struct ranked *rank_by_z(const struct rootcause_case *given, const char *metric,
                                size_t *ret_count, struct arena *arena)
{
    const struct telemetry_table *table = &given->metrics;
    CLEANUP(map_free_at) struct map *seen = map_new();
    struct ranked *ranked = arena_array(arena, table->count, sizeof *ranked);
    size_t alarm = 0, count = 0;
    while (alarm < table->rows && table->times[alarm] < given->alarm_time)
        alarm++;
    for (size_t s = 0; s < table->count; s++) {
        if (metric && !str_eq(table->series[s].metric, metric))
            continue;
        double z = z_score(table, s, alarm > BASE_LOOKBACK ? alarm - BASE_LOOKBACK : 0);
        struct ranked *known = map_find(seen, table->series[s].entity);
        if (!known) {
            known = &ranked[count++];
            known->entity = table->series[s].entity;
            map_put(seen, known->entity, known);
        }
        known->score = fmax(known->score, z);
    }
    qsort(ranked, count, sizeof *ranked, by_score);
    *ret_count = count;
    return ranked;
}

/* ---- judging ---- */

static bool is_root(const struct cli_fault_case *c, const char *entity)
{
    for (size_t i = 0; i < c->root_count; i++)
        if (str_eq(c->roots[i], entity))
            return true;
    return false;
}

static void count_hits(const struct cli_fault_case *c, const struct ranked *ranked, size_t count,
                       size_t hits[KS])
{
    for (size_t i = 0; i < count && i < KS; i++)
        if (is_root(c, ranked[i].entity)) {
            for (size_t k = i; k < KS; k++)
                hits[k]++;
            return;
        }
}

/* Is there an edge in truth by which `cause` may make `effect` worse? */
static bool is_true_step(const struct rootcause_case *truth, const char *effect, const char *cause)
{
    for (size_t i = 0; i < truth->edges.count; i++) {
        const char *from = truth->entities.items[truth->edges.items[i].from].id;
        const char *to = truth->entities.items[truth->edges.items[i].to].id;
        if ((str_eq(from, effect) && str_eq(to, cause)) ||
            (str_eq(from, cause) && str_eq(to, effect)))
            return true;
    }
    return false;
}

static bool is_grounded(const struct cli_fault_case *c, const struct rootcause_cause *cause)
{
    if (!is_root(c, cause->entity) || cause->path.count == 0 ||
        !str_eq(cause->path.items[0], c->given.symptom_entity))
        return false;
    for (size_t i = 1; i < cause->path.count; i++)
        if (!is_true_step(&c->truth, cause->path.items[i - 1], cause->path.items[i]))
            return false;
    return true;
}

static void judge(const struct cli_fault_case *c, const struct rootcause_answer *answer,
                  struct tally *tally, struct arena *arena)
{
    struct ranked swan[ROOTCAUSE_CAUSES];
    size_t count = 0, found = 0;
    for (size_t i = 0; i < answer->causes.count && i < ROOTCAUSE_CAUSES; i++) {
        swan[count++] = (struct ranked){0, answer->causes.items[i].entity};
        found += i < KS && is_root(c, answer->causes.items[i].entity);
    }
    tally->cases++;
    tally->both += c->root_count && found >= c->root_count;
    count_hits(c, swan, count, tally->hits[BY_SWAN]);
    for (int method = BY_Z; method < METHODS; method++) {
        size_t ranks;
        const char *metric = method == BY_Z ? NULL : c->given.symptom_metric;
        struct ranked *z = rank_by_z(&c->given, metric, &ranks, arena);
        count_hits(c, z, ranks, tally->hits[method]);
    }
    if (answer->status == ROOTCAUSE_INCONCLUSIVE)
        return;
    bool right = is_root(c, answer->causes.items[0].entity);
    tally->claims++;
    tally->right += right;
    tally->grounded += is_grounded(c, &answer->causes.items[0]);
    if (answer->status == ROOTCAUSE_CONFIRMED) {
        tally->confirmed++;
        tally->confirmed_right += right;
    }
}

static enum err_code one_case(size_t services, enum cli_fault_kind kind,
                              enum cli_fault_topology topology, uint64_t seed, struct tally *tally,
                              struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    struct cli_fault_case c;
    struct rootcause_answer answer;
    arena_init(&arena, MEMORY_MOST);
    enum err_code rc = cli_fault_case_new(services, kind, topology, seed, &c, &arena, err);
    if (rc == ERR_INFEASIBLE) { /* this world has no such fault: the next seed */
        err_clear(err);
        return ERR_OK;
    }
    if (rc)
        return rc;
    int64_t start = clock_mono_us();
    if ((rc = rootcause_diagnose(&c.given, &answer, &arena, err)))
        return rc;
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    tally->seconds += seconds;
    tally->worst_s = fmax(tally->worst_s, seconds);
    judge(&c, &answer, tally, &arena);
    return ERR_OK;
}

/* ---- what people and programs see ---- */

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double mean_hits(const struct tally *tally, int method)
{
    size_t sum = 0;
    for (size_t k = 0; k < KS; k++)
        sum += tally->hits[method][k];
    return share(sum, KS * tally->cases);
}

static void cell(struct cli_table *table, struct arena *arena, bool known, double value)
{
    cli_cell(table, known ? arena_printf(arena, "%.3f", value) : NULL);
}

static void show(struct cli_call *call, const struct tally *tallies)
{
    static const struct cli_column columns[] = {
        {N_("FAULT"), false, true},  {N_("CASES"), true, true},
        {"AC@1", true, true},        {"AC@3", true, true},
        {"Avg@5", true, true},       {N_("CLAIMED"), true, true},
        {N_("RIGHT"), true, true},   {N_("GROUNDED"), true, true},
        {"z AC@1", true, true},      {"z AC@3", true, true},
        {"z Avg@5", true, true},     {N_("z METRIC AC@1"), true, true},
        {N_("WORST ms"), true, true}};
    struct cli_column translated[ARRAY_LEN(columns)];
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        translated[i] = columns[i];
        translated[i].title = _(columns[i].title);
    }
    struct cli_table table = CLI_TABLE_INIT(translated, call->arena);
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        const struct tally *t = &tallies[kind]; /* 0 = all faults together */
        bool fault = kind < FAULT_QUIET;
        if (t->cases == 0)
            continue;
        cli_cell(&table, kind ? cli_fault_names[kind] : _("all faults"));
        cli_cell(&table, arena_printf(call->arena, "%zu", t->cases));
        cell(&table, call->arena, fault, share(t->hits[BY_SWAN][0], t->cases));
        cell(&table, call->arena, fault, share(t->hits[BY_SWAN][2], t->cases));
        cell(&table, call->arena, fault, mean_hits(t, BY_SWAN));
        cell(&table, call->arena, true, share(t->claims, t->cases));
        cell(&table, call->arena, fault && t->claims, share(t->right, t->claims));
        cell(&table, call->arena, fault && t->claims, share(t->grounded, t->claims));
        cell(&table, call->arena, fault, share(t->hits[BY_Z][0], t->cases));
        cell(&table, call->arena, fault, share(t->hits[BY_Z][2], t->cases));
        cell(&table, call->arena, fault, mean_hits(t, BY_Z));
        cell(&table, call->arena, fault, share(t->hits[BY_Z_METRIC][0], t->cases));
        cli_cell(&table, arena_printf(call->arena, "%.1f", 1000 * t->worst_s));
    }
    cli_table_print(call, &table);
    cli_say(
        call, "%s\n",
        _("RIGHT and GROUNDED are shares of the claims; what is claimed of quiet and surge is a "
          "false claim. z: entities by their largest z-score, over all metrics or the symptom's."));
}

static void put_tally(struct json_writer *w, const char *name, const struct tally *t)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {{"ac1", share(t->hits[BY_SWAN][0], t->cases)},
                   {"ac3", share(t->hits[BY_SWAN][2], t->cases)},
                   {"avg5", mean_hits(t, BY_SWAN)},
                   {"all_roots_at_5", share(t->both, t->cases)},
                   {"claimed", share(t->claims, t->cases)},
                   {"abstained", 1 - share(t->claims, t->cases)},
                   {"right_of_claims", share(t->right, t->claims)},
                   {"grounded_of_claims", share(t->grounded, t->claims)},
                   {"confirmed", share(t->confirmed, t->cases)},
                   {"right_of_confirmed", share(t->confirmed_right, t->confirmed)},
                   {"z_ac1", share(t->hits[BY_Z][0], t->cases)},
                   {"z_ac3", share(t->hits[BY_Z][2], t->cases)},
                   {"z_avg5", mean_hits(t, BY_Z)},
                   {"z_metric_ac1", share(t->hits[BY_Z_METRIC][0], t->cases)},
                   {"z_metric_ac3", share(t->hits[BY_Z_METRIC][2], t->cases)},
                   {"z_metric_avg5", mean_hits(t, BY_Z_METRIC)},
                   {"seconds_mean", t->seconds / fmax(1, (double)t->cases)},
                   {"seconds_worst", t->worst_s}};
    json_begin(w, '{');
    json_member_text(w, "fault", name);
    json_member_int(w, "cases", (int64_t)t->cases);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        json_member_double(w, figures[i].name, figures[i].value);
    json_end(w, '}');
}

static void answer_json(struct cli_call *call, const struct tally *tallies)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct json_writer w = JSON_WRITER(&out);
    json_begin(&w, '{');
    json_key(&w, "faults");
    json_begin(&w, '[');
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (tallies[kind].cases)
            put_tally(&w, kind ? cli_fault_names[kind] : "all", &tallies[kind]);
    json_end(&w, ']');
    json_end(&w, '}');
    cli_answer_json(call, buf_str(&out), out.len);
}

/* ---- the command ---- */

static void add(struct tally *sum, const struct tally *part)
{
    sum->cases += part->cases;
    for (int m = 0; m < METHODS; m++)
        for (size_t k = 0; k < KS; k++)
            sum->hits[m][k] += part->hits[m][k];
    sum->both += part->both;
    sum->claims += part->claims;
    sum->right += part->right;
    sum->grounded += part->grounded;
    sum->confirmed += part->confirmed;
    sum->confirmed_right += part->confirmed_right;
    sum->seconds += part->seconds;
    sum->worst_s = fmax(sum->worst_s, part->worst_s);
}

static enum err_code read_sizes(const char *text, size_t *sizes, size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    for (const char *at = text ? text : "20,60,200"; *ret_count < 16;) {
        char *end;
        unsigned long value = strtoul(at, &end, 10);
        if (end == at || value < CLI_FAULTS_SERVICES_MIN || value > CLI_FAULTS_SERVICES_MAX ||
            (*end && *end != ','))
            break;
        sizes[(*ret_count)++] = value;
        if (!*end)
            return ERR_OK;
        at = end + 1;
    }
    return err_set(err, ERR_USAGE,
                   _("--services takes sizes from %d to %d with commas between them"),
                   CLI_FAULTS_SERVICES_MIN, CLI_FAULTS_SERVICES_MAX);
}

enum err_code cli_run_bench_diagnose(struct cli_call *call, struct err *err)
{
    size_t sizes[16], count;
    struct tally tallies[FAULT_KINDS] = {{0}};
    int64_t cases = cli_integer(call, "cases", 10), seed = cli_integer(call, "seed", 1);
    const char *topology = cli_option(call, "topology");
    int told = topology ? json_enum_find(cli_fault_topologies, topology) : FAULTS_GIVEN;
    enum err_code rc = read_sizes(cli_option(call, "services"), sizes, &count, err);
    if (rc)
        return rc;
    if (cases < 1 || cases > CASES_MOST)
        return err_set(err, ERR_USAGE, _("--cases is 1 to %d"), CASES_MOST);
    for (int kind = 1; kind < FAULT_KINDS; kind++) {
        for (size_t i = 0; i < count; i++)
            for (int64_t n = 0; n < cases && !rc; n++)
                rc = one_case(sizes[i], (enum cli_fault_kind)kind, (enum cli_fault_topology)told,
                              (uint64_t)(seed * CASES_MOST * 16 + n), &tallies[kind], err);
        if (rc)
            return rc;
        if (kind < FAULT_QUIET)
            add(&tallies[0], &tallies[kind]);
    }
    if (call->format == CLI_TABLE)
        show(call, tallies);
    else
        answer_json(call, tallies);
    return ERR_OK;
}

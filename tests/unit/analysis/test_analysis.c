/* test_analysis.c - a flow whose figures are known by hand, formats, refusals, brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rand.h"
#include "lean/analysis/analysis.h"

static const struct analysis_parameters no_rates = {.rate_hour = 0};

static void read_ok(const char *text, struct analysis_log *log)
{
    struct err err = ERR_INIT;
    if (analysis_read(text, strlen(text), log, &err))
        fail_msg("%s", err.text);
}

static const struct analysis_kind *kind_of(const struct analysis_log *log,
                                           const struct analysis_report *r, const char *name)
{
    for (size_t i = 0; i < r->kinds.count; i++)
        if (strcmp(log->texts[r->kinds.items[i].kind], name) == 0)
            return &r->kinds.items[i];
    fail_msg("no kind %s", name);
    return NULL;
}

/* open 0–10 s beside deliver 2–6 s (waited 2 s, another actor than its predecessor's); start waits
 * for both, 1 s for a worker, and needs a second attempt: 11–15 s. */
static const char flow[] =
    "{\"run\":\"r\",\"task\":\"a\",\"kind\":\"open\",\"actor\":\"x\",\"queued_at\":1000000,"
    "\"started_at\":1000000,\"ended_at\":1010000}\n"
    "{\"run\":\"r\",\"task\":\"b\",\"kind\":\"deliver\",\"actor\":\"x\",\"queued_at\":1000000,"
    "\"started_at\":1002000,\"ended_at\":1006000,\"key\":\"k\"}\n"
    "\n"
    "{\"run\":\"r\",\"task\":\"c\",\"kind\":\"start\",\"actor\":\"y\",\"after\":[\"a\",\"b\"],"
    "\"queued_at\":1000000,\"started_at\":1011000,\"ended_at\":1015000,\"attempt\":2,"
    "\"wait_reason\":\"no free worker\",\"state\":\"succeeded\"}\n"
    "{\"run\":\"r\",\"task\":\"d\",\"kind\":\"deliver\",\"after\":[\"b\"],"
    "\"started_at\":1006000,\"ended_at\":1008000,\"key\":\"k\",\"unheard\":{\"of\":[1,{}]}}";

static void test_a_known_flow_has_the_figures_worked_by_hand(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct analysis_parameters parameters = {.rate_hour = 3600};
    struct err err = ERR_INIT;
    (void)state;
    read_ok(flow, &log);
    assert_int_equal(analysis_measure(&log, &parameters, &r, &arena, &err), ERR_OK);
    assert_int_equal(r.tasks, 4);
    assert_int_equal(r.runs, 1);
    assert_true(r.lead.p50 == 15);
    assert_true(r.serial_s == 10 + 4 + 4 + 2);
    assert_true(r.critical_s == 14); /* open, start */
    assert_true(fabs(r.parallel_rate - (1 - 15.0 / 20)) < 1e-12);
    assert_true(fabs(r.serial_rate - 14.0 / 20) < 1e-12);
    assert_true(fabs(r.cycle_efficiency - 14.0 / 15) < 1e-12); /* all add value, but 10–11 s */
    assert_true(r.takt_s == 15 && r.wip_mean == 1 && r.wip_law == 1);
    const struct analysis_kind *start = kind_of(&log, &r, "start");
    assert_true(start->complete_accurate == 0 && start->retried_s == 2 && start->critical_s == 4);
    assert_true(start->wait.sum == 1);
    assert_true(kind_of(&log, &r, "deliver")->wait.sum == 2);
    assert_true(r.rolled_yield == 0 && r.clean_runs == 0);
    const struct analysis_waste *w = r.wastes;
    assert_true(w[ANALYSIS_TRANSPORT].seconds == 1 && w[ANALYSIS_TRANSPORT].count == 1);
    assert_true(w[ANALYSIS_WAITING].seconds == 2);
    assert_true(w[ANALYSIS_DEFECTS].seconds == 2 && w[ANALYSIS_DEFECTS].money == 2);
    /* b ended at 6; d looked at it at once, so only that c came later is no idling */
    assert_true(w[ANALYSIS_INVENTORY].seconds == 0);
    assert_true(w[ANALYSIS_REPEATED].seconds == 2 && w[ANALYSIS_REPEATED].known);
    assert_false(w[ANALYSIS_OVERPRODUCTION].known);
    assert_true(r.cost == 20);
    assert_string_equal(log.texts[r.reasons.items[1].reason], "no free worker");
    analysis_log_done(&log);
}

static void test_an_output_that_waits_for_others_is_inventory(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct err err = ERR_INIT;
    (void)state;
    read_ok("{\"task\":\"a\",\"started_at\":1000,\"ended_at\":3000}\n"
            "{\"task\":\"b\",\"started_at\":1000,\"ended_at\":9000}\n"
            "{\"task\":\"c\",\"after\":[\"a\",\"b\"],\"started_at\":9000,\"ended_at\":9500}\n",
            &log);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    assert_true(r.wastes[ANALYSIS_INVENTORY].seconds == 6);
    assert_false(r.has_cost);
    assert_false(r.wastes[ANALYSIS_TRANSPORT].known); /* nobody says who did it */
    analysis_log_done(&log);
}

static void test_a_run_record_and_a_trace_are_read(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct err err = ERR_INIT;
    (void)state;
    read_ok(
        "{\"id\":\"run_1\",\"status\":{\"tasks\":[{\"id\":\"a\",\"kind\":\"open\",\"state\":"
        "\"succeeded\",\"started_at\":\"2026-11-23T12:00:00Z\",\"ended_at\":"
        "\"2026-11-23T12:00:02.5Z\"},{\"id\":\"b\",\"kind\":\"start\",\"after\":[\"a\"],"
        "\"started_at\":\"2026-11-23T20:00:03+08:00\",\"ended_at\":\"2026-11-23T12:00:04Z\"}]}}",
        &log);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    assert_true(r.lead.p50 == 4 && r.critical_s == 3.5);
    analysis_log_done(&log);
    read_ok("{\"name\":\"montage\",\"workflow\":{\"specification\":{\"tasks\":["
            "{\"name\":\"mProject_0001\",\"id\":\"p1\",\"parents\":[]},"
            "{\"name\":\"mProject_0002\",\"id\":\"p2\"},"
            "{\"name\":\"mAdd_0003\",\"id\":\"s\",\"parents\":[\"p1\",\"p2\"]}]},"
            "\"execution\":{\"tasks\":[{\"id\":\"s\",\"runtimeInSeconds\":1.5},"
            "{\"id\":\"p1\",\"runtimeInSeconds\":4},{\"id\":\"p2\",\"runtimeInSeconds\":7}]}}}",
            &log);
    assert_true(log.derived);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    assert_true(r.lead.p50 == 8.5 && r.serial_s == 12.5 && r.critical_s == 8.5);
    assert_int_equal(kind_of(&log, &r, "mProject")->duration.count, 2);
    analysis_log_done(&log);
}

static void test_bad_records_name_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "there is no task record"},
        {"{\"task\":\"a\"}\n{\"kind\":\"b\"}\n", "line 2: 'task' is missing"},
        {"{\"task\":\"a\"}\nnonsense\n", "line 2: a task record is a JSON object"},
        {"{\"task\":\"a\",\"started_at\":\"yesterday\"}", "line 1: 'started_at' should be a time"},
        {"{\"task\":7}", "line 1: 'task' should be text"},
        {"{\"task\":\"a\",\"attempt\":-1}", "line 1: 'attempt' should be 0 to 1e9"},
        {"{\"task\":\"a\",\"value\":\"none\"}", "line 1: 'value' should be added"},
        {"{\"task\":\"a\",\"after\":\"b\"}", "line 1: 'after' should be a list of names"},
        {"{\"task\":\"a\"}\n{\"task\":\"b\"} x", "line 2: the line goes on after the record"},
        {"{\"task\":\"\\ud800\"}", "line 1: 'task' should be text"},
        {"{\"task\":\"a\",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
         "]]]]]]}",
         "line 1: a value is no JSON, or deeper"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct analysis_log log;
        struct err err = ERR_INIT;
        assert_int_equal(analysis_read(cases[i].text, strlen(cases[i].text), &log, &err),
                         ERR_INVALID);
        if (strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("'%s' instead of '%s'", err.text, cases[i].says);
    }
}

static void test_clocks_that_run_backwards_and_gaps_are_counted_not_guessed(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct err err = ERR_INIT;
    (void)state;
    read_ok("{\"task\":\"a\",\"started_at\":5000,\"ended_at\":3000}\n"
            "{\"task\":\"b\",\"started_at\":5000}\n"
            "{\"task\":\"c\",\"after\":[\"nobody\",\"c\"],\"started_at\":5000,\"ended_at\":6000}\n",
            &log);
    assert_int_equal(log.after_unknown, 2);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    assert_int_equal(r.skewed, 1);
    assert_int_equal(r.incomplete, 1);
    assert_true(r.serial_s == 1);
    analysis_log_done(&log);
}

/* Longest chain through task `at`, by trying all. */
static double longest_to(const struct analysis_log *log, size_t at)
{
    double most = 0;
    for (uint32_t k = 0; k < log->records[at].after_count; k++)
        most = fmax(most, longest_to(log, log->after[log->records[at].after + k]));
    return most + (double)(log->records[at].ended - log->records[at].started) / 1000;
}

static double longest_from(const struct analysis_log *log, size_t at)
{
    double most = 0;
    for (size_t i = 0; i < log->count; i++)
        for (uint32_t k = 0; k < log->records[i].after_count; k++)
            if (log->after[log->records[i].after + k] == at)
                most = fmax(most, longest_from(log, i));
    return most + (double)(log->records[at].ended - log->records[at].started) / 1000;
}

static void test_critical_paths_and_slack_are_those_of_brute_force(void **state)
{
    struct rand rand;
    (void)state;
    rand_init(&rand, 7);
    for (int round = 0; round < 2000; round++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        size_t n = 1 + rand_below(&rand, 9);
        double earliest[9], slack[9], most = 0;
        bool critical[9];
        struct analysis_log log;
        for (size_t i = 0; i < n; i++) {
            buf_printf(&text,
                       "{\"run\":\"r\",\"task\":\"t%zu\",\"started_at\":1000,"
                       "\"ended_at\":%d,\"after\":[",
                       i, 1000 + 1000 * (int)rand_below(&rand, 5));
            bool any = false;
            for (size_t b = 0; b < i; b++)
                if (rand_below(&rand, 3) == 0) {
                    buf_printf(&text, "%s\"t%zu\"", any ? "," : "", b);
                    any = true;
                }
            buf_add_str(&text, "]}\n");
        }
        read_ok(buf_str(&text), &log);
        assert_true(analysis_slack(&log, 0, earliest, slack, critical));
        for (size_t i = 0; i < n; i++)
            most = fmax(most, longest_to(&log, i));
        for (size_t i = 0; i < n; i++) {
            double duration = (double)(log.records[i].ended - log.records[i].started) / 1000;
            assert_true(fabs(earliest[i] + duration - longest_to(&log, i)) < 1e-9);
            double through = longest_to(&log, i) + longest_from(&log, i) - duration;
            assert_true(fabs(slack[i] - (most - through)) < 1e-9);
            assert_int_equal(critical[i], duration > 0 && through > most - 1e-9);
        }
        analysis_log_done(&log);
    }
}

static void test_a_cycle_of_predecessors_has_no_critical_path(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct err err = ERR_INIT;
    (void)state;
    read_ok("{\"task\":\"a\",\"after\":[\"b\"],\"started_at\":1000,\"ended_at\":2000}\n"
            "{\"task\":\"b\",\"after\":[\"a\"],\"started_at\":1000,\"ended_at\":2000}\n",
            &log);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    assert_true(r.flows.items[0].cyclic && r.critical_s == 0);
    analysis_log_done(&log);
}

static void test_two_periods_differ_only_where_they_do(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct analysis_log log, before, after;
    struct analysis_comparison c;
    struct err err = ERR_INIT;
    struct rand rand;
    (void)state;
    rand_init(&rand, 3);
    for (int run = 0; run < 80; run++) {
        int64_t begin = 1000000 * (run + 1), late = run >= 40;
        int64_t slow = begin + (late ? 9000 : 5000) + (int64_t)rand_below(&rand, 3000);
        int64_t same = begin + 2000 + (int64_t)rand_below(&rand, 3000);
        buf_printf(&text,
                   "{\"run\":\"%d\",\"task\":\"a\",\"kind\":\"slow\",\"started_at\":%lld,"
                   "\"ended_at\":%lld}\n{\"run\":\"%d\",\"task\":\"b\",\"kind\":\"same\","
                   "\"started_at\":%lld,\"ended_at\":%lld}\n",
                   run, (long long)begin, (long long)slow, run, (long long)begin, (long long)same);
    }
    read_ok(buf_str(&text), &log);
    assert_int_equal(analysis_split(&log, 41000000, &before, &after, &err), ERR_OK);
    assert_int_equal(before.runs, 40);
    assert_int_equal(after.runs, 40);
    assert_int_equal(analysis_compare(&before, &after, &c, &arena, &err), ERR_OK);
    assert_int_equal(c.items.count, 3);
    assert_true(c.items.items[0].significant && c.items.items[0].shift > 0.9);
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(c.items.items[i].significant, strcmp(c.items.items[i].what, "slow") == 0);
    assert_int_equal(analysis_split(&log, 1, &before, &after, &err), ERR_INVALID);
    analysis_log_done(&before);
    analysis_log_done(&after);
    analysis_log_done(&log);
}

static const struct analysis_proposal *proposal_of(const struct analysis_proposals *p, int kind)
{
    for (size_t i = 0; i < p->items.count; i++)
        if ((int)p->items.items[i].kind == kind)
            return &p->items.items[i];
    return NULL;
}

/* open 10 s → deliver 6 s → start 1 s; in three runs out of six deliver began beside open. */
static void test_proposals_gain_what_the_schedule_then_gains(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct analysis_log log;
    struct analysis_proposals p;
    struct err err = ERR_INIT;
    (void)state;
    for (int run = 0; run < 6; run++) {
        int64_t begin = 1000000 * (run + 1), deliver = begin + (run < 3 ? 10000 : 0);
        int64_t start = begin + (run < 3 ? 16000 : 10000);
        buf_printf(&text,
                   "{\"run\":\"%d\",\"task\":\"o\",\"kind\":\"open\",\"started_at\":%lld,"
                   "\"ended_at\":%lld}\n{\"run\":\"%d\",\"task\":\"d\",\"kind\":\"deliver\","
                   "\"started_at\":%lld,\"ended_at\":%lld,\"after\":[%s]}\n{\"run\":\"%d\","
                   "\"task\":\"s\",\"kind\":\"start\",\"started_at\":%lld,\"ended_at\":%lld,"
                   "\"after\":[\"o\",\"d\"]}\n",
                   run, (long long)begin, (long long)begin + 10000, run, (long long)deliver,
                   (long long)deliver + 6000, run < 3 ? "\"o\"" : "", run, (long long)start,
                   (long long)start + 1000);
    }
    read_ok(buf_str(&text), &log);
    assert_int_equal(analysis_propose(&log, &p, &arena, &err), ERR_OK);
    assert_int_equal(p.runs_tried, 6);
    assert_true(fabs(p.base_s - (17 * 3 + 11 * 3) / 6.0) < 1e-9);
    const struct analysis_proposal *early = proposal_of(&p, ANALYSIS_EARLY);
    const struct analysis_proposal *drop = proposal_of(&p, ANALYSIS_UNNEEDED);
    assert_true(early && early->gain_s == 3 && early->runs == 3);
    assert_true(drop && drop->gain_s == 3 && drop->cases == 3);
    assert_null(proposal_of(&p, ANALYSIS_PARALLEL)); /* nobody waited */
    assert_null(proposal_of(&p, ANALYSIS_PACK));
    assert_null(proposal_of(&p, ANALYSIS_MEMOISE));
    assert_null(proposal_of(&p, ANALYSIS_CACHE)); /* all deliveries take the same */
    analysis_log_done(&log);
}

/* Two runs of a: x, x (the same key), 4 s and 2 s one after the other. */
static void test_repeated_work_is_proposed_to_be_kept(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_proposals p;
    struct err err = ERR_INIT;
    (void)state;
    read_ok(
        "{\"task\":\"a\",\"kind\":\"pull\",\"key\":\"k\",\"started_at\":1000,\"ended_at\":5000}\n"
        "{\"task\":\"b\",\"kind\":\"pull\",\"key\":\"k\",\"after\":[\"a\"],\"started_at\":5000,"
        "\"ended_at\":7000}\n",
        &log);
    assert_int_equal(analysis_propose(&log, &p, &arena, &err), ERR_OK);
    const struct analysis_proposal *keep = proposal_of(&p, ANALYSIS_MEMOISE);
    assert_non_null(keep);
    assert_true(keep->gain_s == 2 && fabs(keep->gain_share - 2.0 / 6) < 1e-12 && keep->cases == 1);
    assert_null(proposal_of(&p, ANALYSIS_CACHE)); /* two are too few to know how fast it can be */
    analysis_log_done(&log);
}

static void test_names_in_drawings_are_no_markup(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf gantt = BUF_INIT, stream = BUF_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct analysis_tasks tasks;
    struct err err = ERR_INIT;
    (void)state;
    read_ok("{\"run\":\"<script>\",\"task\":\"a&b\",\"kind\":\"\\\"<g>\",\"started_at\":1000,"
            "\"ended_at\":2000}\n",
            &log);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    analysis_list(&log, &r, 0, &tasks, &arena);
    analysis_gantt(&log, &tasks, false, &gantt);
    analysis_value_stream(&log, &r, true, &stream);
    assert_null(strstr(buf_str(&gantt), "<script>"));
    assert_non_null(strstr(buf_str(&gantt), "a&amp;b"));
    assert_null(strstr(buf_str(&stream), "<g>"));
    assert_non_null(strstr(buf_str(&stream), "价值流"));
    analysis_log_done(&log);
}

#define RUN_A                                                                                      \
    "{\"id\":\"run_a\",\"status\":{\"tasks\":[{\"id\":\"t\",\"kind\":\"open\",\"provider\":\"p\"," \
    "\"started_at\":1000,\"ended_at\":4000}]}}"
#define RUN_B                                                                                     \
    "{\n\"id\":\"run_b\",\"spec\":{\"purpose\":\"remove\"},\"status\":{\"tasks\":[{\"id\":\"t\"," \
    "\"kind\":\"open\",\"state\":\"undone\",\"started_at\":1000,\"ended_at\":2000}]}\n}"

static void test_run_records_stand_alone_in_lists_and_one_after_the_other(void **state)
{
    static const char *const texts[] = {RUN_A "\n" RUN_B, "[" RUN_A "," RUN_B "]",
                                        "{\"items\":[" RUN_B "," RUN_A "]}", RUN_A RUN_B "\n" RUN_A,
                                        "{\"items\":[" RUN_A "]}" RUN_B};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_report r;
    struct err err = ERR_INIT;
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct analysis_log log;
        read_ok(texts[k], &log);
        assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
        assert_int_equal(r.runs, 2);
        assert_int_equal(r.tasks, 2); /* a run that stands twice is read once */
        /* what a removal undoes is its work, and no defect */
        assert_true(kind_of(&log, &r, "remove open")->complete_accurate == 1);
        assert_int_equal(kind_of(&log, &r, "remove open")->value, ANALYSIS_VALUE_NECESSARY);
        assert_true(r.wastes[ANALYSIS_DEFECTS].seconds == 0);
        analysis_log_done(&log);
    }
}

static void test_runs_of_a_list_without_tasks_are_told(void **state)
{
    struct analysis_log log;
    (void)state;
    read_ok("{\"items\":[{\"id\":\"run_x\",\"status\":{\"state\":\"queued\"}}," RUN_A "]}", &log);
    assert_int_equal(log.bare_count, 1);
    assert_string_equal(log.texts[log.bare[0]], "run_x");
    assert_int_equal(log.count, 1);
    analysis_log_done(&log);
}

static void refuse(const char *text, const char *expected)
{
    struct analysis_log log;
    struct err err = ERR_INIT;
    assert_int_not_equal(analysis_read(text, strlen(text), &log, &err), ERR_OK);
    if (!strstr(err.text, expected))
        fail_msg("'%s' does not say '%s'", err.text, expected);
}

static void test_broken_documents_name_their_line(void **state)
{
    (void)state;
    refuse(RUN_A "\n\n{\"id\":\"r\",\n\"status\":{\"tasks\":[{]}}", "line 4");
    refuse("\n\n" RUN_A "\n{\"status\":{\"tasks\":[{\"kind\":\"x\"}]}}", "line 4: task 1");
    refuse("\n{\"id\":\"r\",\"status\":{\"tasks\":[{\"id\":\"t\",\"started_at\":\"yesterday\"}]}}",
           "line 2: run 'r': task 't': 'started_at'");
    refuse("{\"workflow\":{\"tasks\":[]}}", "the workflow has no tasks");
    refuse("{\"workflow\":{\"tasks\":[{}]}}", "workflow task 1 has neither id nor name");
    refuse("{\"items\":[{\"tasks\":[]},{\"x\":1}]}", "item 2: no Run record");
    refuse("[1]", "no Run record");
    refuse("[]", "no Run record");
    refuse("", "no task record");
}

/* x is busy with a from 0 to 10 s; b was ready at 0 and c at 9: b waited for x, c for nobody in
 * particular; d has no actor; e says why. */
static void test_waits_without_a_reason_get_one_from_who_was_busy(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct analysis_log log;
    struct analysis_report r;
    struct analysis_tasks tasks;
    struct err err = ERR_INIT;
    (void)state;
    read_ok("{\"task\":\"a\",\"actor\":\"x\",\"started_at\":100000,\"ended_at\":110000}\n"
            "{\"task\":\"b\",\"actor\":\"x\",\"queued_at\":100000,\"started_at\":112000,"
            "\"ended_at\":113000}\n"
            "{\"task\":\"c\",\"actor\":\"x\",\"queued_at\":109000,\"started_at\":118000,"
            "\"ended_at\":119000}\n"
            "{\"task\":\"d\",\"queued_at\":100000,\"started_at\":103000,\"ended_at\":104000}\n"
            "{\"task\":\"e\",\"actor\":\"x\",\"queued_at\":100000,\"started_at\":120000,"
            "\"ended_at\":121000,\"wait_reason\":\"rain\",\"asked\":8,\"used\":2}\n",
            &log);
    assert_int_equal(analysis_measure(&log, &no_rates, &r, &arena, &err), ERR_OK);
    const struct {
        enum analysis_cause cause;
        const char *reason;
        double seconds;
    } expected[] = {{ANALYSIS_SAID, "rain", 20},
                    {ANALYSIS_BUSY, "x", 12},
                    {ANALYSIS_NOT_TAKEN, NULL, 9},
                    {ANALYSIS_UNEXPLAINED, NULL, 3}};
    assert_int_equal(r.reasons.count, 4);
    for (size_t k = 0; k < 4; k++) {
        const struct analysis_reason *reason = &r.reasons.items[k];
        assert_int_equal(reason->cause, expected[k].cause);
        assert_true(reason->seconds == expected[k].seconds && reason->count == 1);
        if (expected[k].reason)
            assert_string_equal(log.texts[reason->reason], expected[k].reason);
        else
            assert_int_equal(reason->reason, ANALYSIS_NONE);
    }
    /* 8 asked, 2 used: three quarters of the second were too much */
    assert_true(r.wastes[ANALYSIS_OVERPRODUCTION].known);
    assert_true(r.wastes[ANALYSIS_OVERPRODUCTION].seconds == 0.75);
    analysis_list(&log, &r, 0, &tasks, &arena);
    assert_int_equal(tasks.items.count, 5);
    assert_true(tasks.seconds == 21 && tasks.items.items[2].begin_s == 12 &&
                tasks.items.items[2].wait_s == 12 && tasks.items.items[2].cause == ANALYSIS_BUSY);
    analysis_log_done(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_flow_has_the_figures_worked_by_hand),
        cmocka_unit_test(test_an_output_that_waits_for_others_is_inventory),
        cmocka_unit_test(test_a_run_record_and_a_trace_are_read),
        cmocka_unit_test(test_bad_records_name_their_line),
        cmocka_unit_test(test_clocks_that_run_backwards_and_gaps_are_counted_not_guessed),
        cmocka_unit_test(test_critical_paths_and_slack_are_those_of_brute_force),
        cmocka_unit_test(test_a_cycle_of_predecessors_has_no_critical_path),
        cmocka_unit_test(test_two_periods_differ_only_where_they_do),
        cmocka_unit_test(test_proposals_gain_what_the_schedule_then_gains),
        cmocka_unit_test(test_repeated_work_is_proposed_to_be_kept),
        cmocka_unit_test(test_names_in_drawings_are_no_markup),
        cmocka_unit_test(test_waits_without_a_reason_get_one_from_who_was_busy),
        cmocka_unit_test(test_broken_documents_name_their_line),
        cmocka_unit_test(test_runs_of_a_list_without_tasks_are_told),
        cmocka_unit_test(test_run_records_stand_alone_in_lists_and_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_mesh.c - the queues by their closed forms or by summing their states, and services that call
 * each other where theory, the stretches or the events say what comes of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "simulation_test.h"

#define SETTLED 300

/* ---- queues ---- */

static void test_erlang_b_equals_its_recursion(void **state)
{
    (void)state;
    assert_near(simulation_erlang_b(1, 0.7), 0.7 / 1.7, 1e-14);
    assert_near(simulation_erlang_b(10, 5), 0.018384570336648132, 1e-12);
    for (double load = 0.05; load < 400; load *= 1.7) {
        double blocked = 1;
        for (int64_t c = 1; c <= 200; c++) {
            blocked = load * blocked / ((double)c + load * blocked);
            if (blocked > 1e-90)
                assert_near(simulation_erlang_b(c, load), blocked, 1e-10);
        }
    }
    assert_true(simulation_erlang_b(5, 0) == 0);
}

/* Chances below 1e-15 are none. */
static void assert_chance(double got, double wanted)
{
    if (fabs(got - wanted) > 1e-9 * wanted + 1e-15)
        fail_msg("%g is not %g", got, wanted);
}

/* By the weights of all states. */
static void check_limited(double rate, double work, int64_t slots, int64_t places)
{
    double weight = 1, sum = 1, waiting = 0;
    for (int64_t n = 1; n <= slots + places; n++) {
        weight *= rate * work / (double)(n < slots ? n : slots);
        sum += weight;
        waiting += n > slots ? weight * (double)(n - slots) : 0;
    }
    double refused = weight / sum;
    struct simulation_queue queue = simulation_queue_limited(rate, work, slots, places);
    assert_chance(queue.refused, refused);
    assert_near(queue.wait_s, waiting / sum / (rate * (1 - refused)), 1e-9); /* Little */
}

static void test_a_queue_with_few_places_equals_the_sum_of_its_states(void **state)
{
    (void)state;
    for (int64_t slots = 1; slots <= 16; slots *= 2)
        for (int64_t places = 1; places <= 64; places *= 4)
            for (double use = 0.3; use < 4; use += 0.35)
                check_limited(use * (double)slots / 0.02, 0.02, slots, places);
    check_limited(50, 0.02, 1, 7); /* exactly full: each state as likely as the next */
    assert_near(simulation_queue_limited(50, 0.02, 1, 7).refused, 1.0 / 9, 1e-12);
}

static void test_many_places_are_as_good_as_any_number(void **state)
{
    (void)state;
    struct simulation_queue any = simulation_queue_unlimited(80, 0.03, 3);
    struct simulation_queue many = simulation_queue_limited(80, 0.03, 3, 2000);
    assert_near(many.wait_s, any.wait_s, 1e-9);
    assert_near(many.wait_square, any.wait_square, 1e-9);
    assert_true(many.refused < 1e-12);
    assert_true(isinf(simulation_queue_unlimited(100, 0.03, 3).wait_s));
}

static void test_far_too_much_leaves_a_full_queue(void **state)
{
    (void)state;
    struct simulation_queue queue = simulation_queue_limited(1e6, 0.01, 1, 1000);
    assert_near(queue.refused, 1 - 100 / 1e6, 1e-9);
    assert_near(queue.wait_s, 10, 1e-3);
}

static void test_shared_processors_slow_down_as_theory_says(void **state)
{
    (void)state;
    assert_near(simulation_sharing(0.7, 1, 100000, 0), 1 / 0.3, 1e-9); /* M/G/1-PS */
    assert_near(simulation_sharing(0.7, 1, 100000, 2), 3 / 0.3, 1e-9); /* with two that stay */
    for (double load = 0.5; load < 4; load += 0.5) /* M/M/4: as many are there as in a queue */
        assert_near(simulation_sharing(load, 4, 100000, 0),
                    1 + simulation_erlang_c(4, load) / (4 - load), 1e-9);
    assert_near(simulation_sharing(1e6, 4, 12, 0), 3, 1e-4); /* all twelve workers on four */
    assert_near(simulation_sharing(0, 4, 12, 7), 2, 1e-12);  /* alone with seven on four */
    assert_true(simulation_sharing(1, 4, 12, 0) > 1);
}

static void test_a_cut_time_is_exact_when_it_is_exponential(void **state)
{
    (void)state;
    for (double limit = 0.1; limit < 20; limit *= 1.5) {
        struct simulation_cut cut = simulation_cut_at(2, 8, limit);
        double beyond = exp(-limit / 2);
        assert_near(cut.beyond, beyond, 1e-9);
        assert_near(cut.mean, 2 * (1 - beyond), 1e-9);
        assert_near(cut.square, 8 - beyond * (8 + 4 * limit), 1e-8);
    }
    assert_near(simulation_quantile(2, 8, 0.99), -2 * log(0.01), 1e-8);
    assert_near(simulation_quantile(2, 6, 0.5), 1.678346990016661, 1e-8); /* Erlang of two */
    assert_near(simulation_cut_at(2, 4, 1).mean, 1, 1e-6);                /* never varies */
    assert_true(simulation_cut_at(2, 8, 0).beyond == 1);
}

/* ---- one service ---- */

static struct simulation_mesh_service alone(struct simulation_mesh_service service)
{
    struct simulation_mesh_host host = {.cores = 1e6};
    struct simulation_mesh mesh = {&service, &host, 1, 1};
    assert_true(simulation_mesh_settle(&mesh, SETTLED) < 1e-9);
    return service;
}

static void test_a_service_alone_is_m_m_c(void **state)
{
    (void)state;
    struct simulation_mesh_service s =
        alone((struct simulation_mesh_service){.servers = 3, .work_s = 0.01, .outside_per_s = 200});
    assert_near(s.latency_s, 0.01 + 4.0 / 9 * 0.01, 1e-9);
    assert_near(s.cpu, 2, 1e-9);
    assert_true(s.errors < 1e-9);
    s = alone((struct simulation_mesh_service){.servers = 1, .work_s = 0.01, .outside_per_s = 70});
    assert_near(simulation_quantile(s.latency_s, s.square, 0.99), -log(0.01) / 30, 1e-6);
}

/* Threads, of which some are with the workers and some wait elsewhere: a product form, cut. */
static void check_threads(double rate, int64_t threads)
{
    const double work = 0.02, delay = 0.05;
    const int64_t servers = 2;
    double full = 0, all = 0, present = 0;
    for (int64_t n = 0; n <= threads; n++)
        for (int64_t j = 0; j <= n; j++) {
            double weight = 1;
            for (int64_t k = 1; k <= j; k++)
                weight *= rate * work / (double)(k < servers ? k : servers);
            for (int64_t k = 1; k <= n - j; k++)
                weight *= rate * delay / (double)k;
            all += weight;
            full += n == threads ? weight : 0;
            present += weight * (double)n;
        }
    struct simulation_mesh_service s =
        alone((struct simulation_mesh_service){.servers = (int32_t)servers,
                                               .threads = (int32_t)threads,
                                               .work_s = work,
                                               .delay_s = delay,
                                               .outside_per_s = rate});
    double refused = full / all;
    assert_chance(s.refused, refused);
    assert_near(s.latency_s, present / all / (rate * (1 - refused)), 1e-8);
    assert_near(s.present, present / all, 1e-8);
}

static void test_threads_that_wait_for_others_are_a_product_form(void **state)
{
    (void)state;
    for (int64_t threads = 1; threads <= 40; threads += 3)
        for (double rate = 10; rate < 1000; rate *= 2)
            check_threads(rate, threads);
}

static void test_a_long_and_a_short_way_of_reckoning_agree(void **state)
{
    (void)state; /* from few threads to so many that they are no longer looked at */
    struct simulation_mesh_service s = {
        .servers = 4, .backlog = 100, .work_s = 0.01, .delay_s = 0.1, .outside_per_s = 360};
    s.threads = 5000;
    double many = alone(s).latency_s;
    for (s.threads = 300; s.threads < 800; s.threads += 25)
        assert_near(alone(s).latency_s, many, 1e-8);
}

static void test_a_backlog_waits_and_what_is_beyond_it_is_refused(void **state)
{
    (void)state; /* one thread that does nothing but work: M/M/1 with so many places */
    for (double rate = 20; rate < 500; rate *= 1.6) {
        struct simulation_mesh_service s = alone((struct simulation_mesh_service){
            .servers = 1, .threads = 1, .backlog = 9, .work_s = 0.01, .outside_per_s = rate});
        struct simulation_queue queue = simulation_queue_limited(rate, 0.01, 1, 9);
        assert_near(s.refused, queue.refused, 1e-9);
        assert_near(s.latency_s, queue.wait_s + 0.01, 1e-9);
        assert_near(s.square - s.latency_s * s.latency_s,
                    1e-4 + queue.wait_square - queue.wait_s * queue.wait_s, 1e-6);
    }
}

/* Two workers, six threads, a backlog of five: the Markov chain of its 62 states, solved by
 * elimination.  The aggregate takes the pace of a full pool as constant: near, and not equal. */
static void test_a_backlog_before_a_pool_is_near_its_markov_chain(void **state)
{
    (void)state;
    static const struct {
        double rate, work_s, delay_s, refused, latency_s;
    } chain[] = {
        {20, 0.02, 0.03, 3.12220953e-07, 0.0508359619},
        {20, 0.01, 0.08, 1.36893466e-05, 0.0903142622},
        {20, 0.03, 0.01, 3.04226232e-06, 0.0429664358},
        {30.0, 0.02, 0.03, 1.63273535e-05, 0.0520016715},
        {30.0, 0.01, 0.08, 0.000514957806, 0.0917437243},
        {30.0, 0.03, 0.01, 0.000167758205, 0.0475737608},
        {45.0, 0.02, 0.03, 0.000653561878, 0.0552287956},
        {45.0, 0.01, 0.08, 0.0120830604, 0.0991117437},
        {45.0, 0.03, 0.01, 0.00647478945, 0.0621856302},
        {67.5, 0.02, 0.03, 0.0162011024, 0.0652972899},
        {67.5, 0.01, 0.08, 0.115891577, 0.120736094},
        {67.5, 0.03, 0.01, 0.0981465422, 0.101329719},
        {101.25, 0.02, 0.03, 0.147392998, 0.0874151728},
        {101.25, 0.01, 0.08, 0.35320935, 0.143969762},
        {101.25, 0.03, 0.01, 0.345796281, 0.138873455},
        {151.875, 0.02, 0.03, 0.396975299, 0.105349852},
        {151.875, 0.01, 0.08, 0.564357848, 0.155381681},
        {151.875, 0.03, 0.01, 0.5612836, 0.153394446},
    };
    for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
        struct simulation_mesh_service s =
            alone((struct simulation_mesh_service){.servers = 2,
                                                   .threads = 6,
                                                   .backlog = 5,
                                                   .work_s = chain[i].work_s,
                                                   .delay_s = chain[i].delay_s,
                                                   .outside_per_s = chain[i].rate});
        if (fabs(s.refused - chain[i].refused) > 0.01)
            fail_msg("refused %g is not %g", s.refused, chain[i].refused);
        assert_near(s.latency_s, chain[i].latency_s, 0.06);
    }
}

static void test_no_load_is_too_much_to_be_reckoned(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 5);
    for (int i = 0; i < 3000; i++) {
        struct simulation_mesh_service s = {
            .servers = 1 + (int32_t)rand_below(&rand, 40),
            .threads = (int32_t)rand_below(&rand, 3000),
            .backlog = (int32_t)rand_below(&rand, 300),
            .work_s = rand_below(&rand, 20) ? exp(10 * rand_unit(&rand) - 9) : 0,
            .delay_s = rand_below(&rand, 2) ? exp(10 * rand_unit(&rand) - 9) : 0,
            .outside_per_s = rand_below(&rand, 20) ? exp(30 * rand_unit(&rand) - 18) : 0};
        struct simulation_mesh_host host = {.cores = 1e6};
        struct simulation_mesh mesh = {&s, &host, 1, 1};
        simulation_mesh_settle(&mesh, 60);
        double done = s.outside_per_s * (1 - s.refused);
        assert_true(isfinite(s.latency_s) && s.latency_s >= s.work_s * 0.999);
        assert_true(s.refused >= 0 && s.refused <= 1 && s.errors >= s.refused - 1e-9);
        assert_true(s.square >= s.latency_s * s.latency_s * 0.999);
        /* no more comes out than the workers do */
        assert_true(done * s.work_s <= s.servers * (1 + 1e-6));
    }
}

/* ---- services that call each other ---- */

static void test_calls_with_feedback_are_a_jackson_network(void **state)
{
    (void)state; /* the network of test_theory.c: 2/30 s */
    struct simulation_mesh_call calls[] = {{.to = 0, .per_request = 0.4},
                                           {.to = 1, .per_request = 0.5}};
    struct simulation_mesh_service services[] = {
        {.servers = 1, .work_s = 0.01, .outside_per_s = 30, .calls = calls, .call_count = 2},
        {.servers = 1, .work_s = 0.02}};
    struct simulation_mesh_host host = {.cores = 1e6};
    struct simulation_mesh mesh = {services, &host, 2, 1};
    assert_true(simulation_mesh_settle(&mesh, SETTLED) < 1e-9);
    assert_near(services[0].latency_s, 2.0 / 30, 1e-9);
    assert_near(services[0].rate_per_s, 50, 1e-9);
    assert_near(services[1].rate_per_s, 25, 1e-9);
}

static void test_both_analytic_modes_agree_on_random_networks(void **state)
{
    (void)state; /* services that call those behind them, and now and then themselves */
    enum { SERVICES = 12 };
    int compared = 0;
    struct rand rand;
    rand_init(&rand, 9);
    for (int i = 0; i < 40; i++) {
        struct simulation_mesh_call calls[SERVICES][SERVICES];
        struct simulation_mesh_service services[SERVICES] = {0};
        struct simulation_mesh_host host = {.cores = 1e6};
        struct simulation_mesh mesh = {services, &host, SERVICES, 1};
        struct test_case c;
        char text[12000];
        int n = snprintf(text, sizeof text, "duration_s: 10\nservices:\n");
        for (int32_t k = 0; k < SERVICES; k++) {
            services[k].servers = 1 + (int32_t)rand_below(&rand, 8);
            services[k].work_s = 0.001 * (double)(1 + rand_below(&rand, 40));
            services[k].calls = calls[k];
            n += snprintf(text + n, sizeof text - (size_t)n,
                          "  - {name: s%d, sites: [s1], slots: %d, service_ms: %.17g, calls: [", k,
                          services[k].servers, services[k].work_s * 1000);
            for (int32_t to = k; to < SERVICES; to++) {
                double p = (double)rand_below(&rand, 60) / 100;
                if ((to == k && p > 0.3) || p < 0.2)
                    continue;
                calls[k][services[k].call_count++] =
                    (struct simulation_mesh_call){.to = to, .per_request = p};
                n += snprintf(text + n, sizeof text - (size_t)n, "%s{to: s%d, probability: %g}",
                              services[k].call_count > 1 ? ", " : "", to, p);
            }
            n += snprintf(text + n, sizeof text - (size_t)n, "]}\n");
        }
        services[0].outside_per_s = 1 + (double)rand_below(&rand, 5);
        snprintf(text + n, sizeof text - (size_t)n,
                 "flows: [{name: f, from: user, to: s0, rate_per_s: %g}]\n",
                 services[0].outside_per_s);
        case_read(&c, case_one_site, text);
        struct simulation_analysis analysis;
        assert_int_equal(simulation_analyse(&c.network, &c.scenario, &analysis, &c.arena, &c.err),
                         ERR_OK);
        if (!analysis.flows.items[0].saturated) {
            assert_true(simulation_mesh_settle(&mesh, SETTLED) < 1e-9);
            assert_near(services[0].latency_s * 1000, analysis.flows.items[0].mean_ms.value, 1e-7);
            compared++;
        }
        case_done(&c);
    }
    assert_true(compared > 10);
}

static void test_what_is_far_takes_the_way_there_and_back(void **state)
{
    (void)state; /* 100 kB at 1 MB/s with an M/M/1 queue at either end, 2 + 3 ms each way */
    struct simulation_mesh_call call = {.to = 1, .per_request = 1, .request_kb = 100};
    struct simulation_mesh_service services[] = {
        {.servers = 100, .work_s = 1e-9, .outside_per_s = 6, .calls = &call, .call_count = 1},
        {.servers = 100, .work_s = 1e-9, .host = 1}};
    struct simulation_mesh_host hosts[] = {
        {.cores = 1e6, .latency_s = 0.002, .link_kb_per_s = 1000, .link_messages = 5000},
        {.cores = 1e6, .latency_s = 0.003, .link_kb_per_s = 2000, .link_messages = 5000}};
    struct simulation_mesh mesh = {services, hosts, 2, 2};
    simulation_mesh_settle(&mesh, SETTLED);
    double first = 0.1 / (1 - 0.6), second = 0.05 / (1 - 0.3);
    assert_near(services[0].latency_s, first + second + 0.01, 1e-6);
    assert_near(hosts[0].out_use, 0.6, 1e-9);
    assert_near(hosts[1].in_use, 0.3, 1e-9);
    assert_true(hosts[0].in_use == 0);
    hosts[0].link_used = 0.9; /* 1.5 times what it carries: a third is lost */
    hosts[0].link_messages = 50;
    simulation_mesh_settle(&mesh, SETTLED);
    assert_near(services[1].rate_per_s, 4, 1e-4);
    assert_near(hosts[0].out_use, 1, 1e-4);
}

static void test_retries_make_load_and_critical_failures_go_up(void **state)
{
    (void)state;
    struct simulation_mesh_call call = {.to = 1, .per_request = 1, .retries = 2, .critical = true};
    struct simulation_mesh_service services[] = {
        {.servers = 8, .work_s = 0.001, .outside_per_s = 100, .calls = &call, .call_count = 1},
        {.servers = 8, .work_s = 0.001, .own_errors = 0.5}};
    struct simulation_mesh_host host = {.cores = 1e6};
    struct simulation_mesh mesh = {services, &host, 2, 1};
    simulation_mesh_settle(&mesh, SETTLED);
    assert_near(services[1].rate_per_s, 175, 1e-9); /* 1 + 1/2 + 1/4 */
    assert_near(services[0].errors, 0.125, 1e-9);
    call.critical = false;
    simulation_mesh_settle(&mesh, SETTLED);
    assert_true(services[0].errors < 1e-9);
}

static void test_a_slow_callee_makes_its_caller_slower_than_itself(void **state)
{
    (void)state;
    struct simulation_mesh_call call = {.to = 1, .per_request = 2, .timeout_s = 5, .retries = 1};
    struct simulation_mesh_service services[] = {{.servers = 8,
                                                  .threads = 12,
                                                  .backlog = 20,
                                                  .work_s = 0.001,
                                                  .outside_per_s = 50,
                                                  .calls = &call,
                                                  .call_count = 1},
                                                 {.servers = 8, .work_s = 0.001}};
    struct simulation_mesh_host host = {.cores = 100};
    struct simulation_mesh mesh = {services, &host, 2, 1};
    simulation_mesh_settle(&mesh, SETTLED);
    double caller = services[0].latency_s, callee = services[1].latency_s;
    services[1].delay_s = 0.1;
    simulation_mesh_settle(&mesh, SETTLED);
    assert_true(services[0].latency_s - caller > 2 * (services[1].latency_s - callee));
}

static void test_a_noisy_neighbour_slows_all_on_its_host(void **state)
{
    (void)state;
    struct simulation_mesh_service services[] = {
        {.servers = 400, .work_s = 0.01, .outside_per_s = 100},
        {.servers = 400, .work_s = 0.02, .outside_per_s = 50},
        {.servers = 400, .work_s = 0.02, .outside_per_s = 50, .host = 1}};
    struct simulation_mesh_host hosts[] = {{.cores = 4}, {.cores = 4}};
    struct simulation_mesh mesh = {services, hosts, 3, 2};
    simulation_mesh_settle(&mesh, SETTLED);
    double alone_s = services[2].latency_s;
    hosts[0].other_cores = 3;
    simulation_mesh_settle(&mesh, SETTLED);
    double slow = simulation_sharing(2, 4, 800, 3);
    assert_true(slow > 1.5);
    assert_near(services[0].latency_s, 0.01 * slow, 1e-6);
    assert_near(services[1].latency_s, 0.02 * slow, 1e-6);
    assert_near(services[2].latency_s, alone_s, 1e-9);
    assert_near(hosts[0].cpu, 1, 1e-9);
    assert_near(hosts[1].cpu, 0.25, 1e-9);
}

static void test_a_leak_costs_more_and_more_and_then_all(void **state)
{
    (void)state;
    struct simulation_mesh_service service = {.servers = 4,
                                              .work_s = 0.01,
                                              .outside_per_s = 100,
                                              .memory_mib = 500,
                                              .memory_limit_mib = 1000,
                                              .collect = 0.05};
    struct simulation_mesh_host host = {.cores = 1e6};
    struct simulation_mesh mesh = {&service, &host, 1, 1};
    simulation_mesh_settle(&mesh, SETTLED);
    assert_near(service.cpu, 1.05, 1e-9);
    service.leaked_mib = 400; /* 900 of 1000: 0.05 × 9 more */
    simulation_mesh_settle(&mesh, SETTLED);
    assert_near(service.cpu, 1.45, 1e-9);
    assert_true(service.errors < 1e-9);
    service.leaked_mib = 500;
    simulation_mesh_settle(&mesh, SETTLED);
    assert_near(service.errors, 1, 1e-9);
}

/* Users with patience ask one server, in events and in the mesh. */
static void check_patience(int retries, double share)
{
    struct test_case c;
    char text[400];
    snprintf(text, sizeof text,
             "duration_s: 6000\n"
             "warmup_s: 100\n"
             "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
             "flows: [{name: f, from: user, to: a, rate_per_s: 45, timeout_ms: 80, retries: %d, "
             "backoff_ms: 3000}]\n",
             retries);
    case_read(&c, case_one_site, text);
    case_run(&c, 11);
    const struct simulation_figures *seen = &case_outcome(&c, "f", "before")->with;
    struct simulation_mesh_call call = {
        .to = 1, .per_request = 1, .retries = retries, .timeout_s = 0.08, .critical = true};
    struct simulation_mesh_service services[] = {
        {.servers = 100, .work_s = 1e-9, .outside_per_s = 45, .calls = &call, .call_count = 1},
        {.servers = 1, .work_s = 0.01}};
    struct simulation_mesh_host host = {.cores = 1e6};
    struct simulation_mesh mesh = {services, &host, 2, 1};
    simulation_mesh_settle(&mesh, SETTLED);
    double late = (double)(retries ? seen->retries : seen->lost) / (double)seen->offered;
    assert_near(call.fails, exp(-0.08 * (100 - services[1].rate_per_s)), 1e-6);
    assert_near(late, call.fails, share);
    assert_near(c.result.stations.items[0].mean_response_ms, services[1].latency_s * 1000, 0.02);
    assert_near(c.result.stations.items[0].utilisation, services[1].cpu, 0.01);
    case_done(&c);
}

static void test_patience_ends_as_in_the_simulation(void **state)
{
    (void)state;
    check_patience(0, 0.05);
    check_patience(1, 0.15); /* who was late together comes back together: more than the mesh has */
}

/* The same settled graph whichever way it is come to, and faults heal. */
static void test_what_heals_is_as_it_was(void **state)
{
    (void)state;
    struct simulation_mesh_call calls[60];
    struct simulation_mesh_service services[61] = {0}, before[61];
    struct simulation_mesh_host hosts[10] = {0};
    struct rand rand;
    rand_init(&rand, 3);
    for (int32_t i = 0; i < 61; i++) {
        services[i] = (struct simulation_mesh_service){.host = i % 10,
                                                       .servers = 6,
                                                       .threads = 60,
                                                       .backlog = 50,
                                                       .work_s = 0.002 + 0.004 * rand_unit(&rand)};
        hosts[i % 10] = (struct simulation_mesh_host){
            .cores = 16, .latency_s = 1e-4, .link_kb_per_s = 1e5, .link_messages = 1000};
        if (i < 60)
            calls[i] = (struct simulation_mesh_call){.to = i < 55 ? i + 5 : 60,
                                                     .per_request = 0.8,
                                                     .request_kb = 2,
                                                     .reply_kb = 20,
                                                     .retries = 1,
                                                     .timeout_s = 0.5,
                                                     .critical = true};
    }
    for (int32_t i = 0; i < 60; i++) {
        services[i].calls = &calls[i];
        services[i].call_count = 1;
    }
    for (int32_t i = 0; i < 5; i++)
        services[i].outside_per_s = 100;
    struct simulation_mesh mesh = {services, hosts, 61, 10};
    assert_true(simulation_mesh_settle(&mesh, SETTLED) < 1e-9);
    memcpy(before, services, sizeof services);
    services[40].delay_s = 0.2;
    hosts[3].other_cores = 20;
    hosts[4].link_used = 0.9;
    services[50].lost_servers = 5;
    simulation_mesh_settle(&mesh, SETTLED);
    assert_true(services[0].latency_s > before[0].latency_s * 1.001);
    services[40].delay_s = 0;
    hosts[3].other_cores = 0;
    hosts[4].link_used = 0;
    services[50].lost_servers = 0;
    simulation_mesh_settle(&mesh, SETTLED);
    for (int32_t i = 0; i < 61; i++)
        assert_near(services[i].latency_s, before[i].latency_s, 1e-6);
}

int case_mesh_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang_b_equals_its_recursion),
        cmocka_unit_test(test_a_queue_with_few_places_equals_the_sum_of_its_states),
        cmocka_unit_test(test_many_places_are_as_good_as_any_number),
        cmocka_unit_test(test_far_too_much_leaves_a_full_queue),
        cmocka_unit_test(test_shared_processors_slow_down_as_theory_says),
        cmocka_unit_test(test_a_cut_time_is_exact_when_it_is_exponential),
        cmocka_unit_test(test_a_service_alone_is_m_m_c),
        cmocka_unit_test(test_threads_that_wait_for_others_are_a_product_form),
        cmocka_unit_test(test_a_long_and_a_short_way_of_reckoning_agree),
        cmocka_unit_test(test_a_backlog_waits_and_what_is_beyond_it_is_refused),
        cmocka_unit_test(test_a_backlog_before_a_pool_is_near_its_markov_chain),
        cmocka_unit_test(test_no_load_is_too_much_to_be_reckoned),
        cmocka_unit_test(test_calls_with_feedback_are_a_jackson_network),
        cmocka_unit_test(test_both_analytic_modes_agree_on_random_networks),
        cmocka_unit_test(test_what_is_far_takes_the_way_there_and_back),
        cmocka_unit_test(test_retries_make_load_and_critical_failures_go_up),
        cmocka_unit_test(test_a_slow_callee_makes_its_caller_slower_than_itself),
        cmocka_unit_test(test_a_noisy_neighbour_slows_all_on_its_host),
        cmocka_unit_test(test_a_leak_costs_more_and_more_and_then_all),
        cmocka_unit_test(test_patience_ends_as_in_the_simulation),
        cmocka_unit_test(test_what_heals_is_as_it_was),
    };
    return cmocka_run_group_tests_name("mesh", tests, NULL, NULL);
}

/* test_planner.c - from a chosen solution to tasks, and from a deployment to what takes it away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "provision/plan/planner.h"

#define NETWORK                                                                               \
    "currency: CNY\n"                                                                         \
    "access: [{id: home, lat: 31.2, lon: 121.4}]\n"                                           \
    "sites:\n"                                                                                \
    "  - {id: local, tier: edge, regions: [here], lat: 31.2, lon: 121.6, provider: host,\n"   \
    "     arch: [x86_64], capacity: {vcpus: 8, memory_gib: 16, disk_gib: 100},\n"             \
    "     price: {vcpu_hour: 0.1, memory_gib_hour: 0.1, disk_gib_month: 1,\n"                 \
    "             bandwidth_mbps_month: 20, public_ip_month: 20}}\n"                          \
    "  - {id: cloud, tier: public-cloud, regions: [there], lat: 31.2, lon: 121.6, provider: " \
    "none,\n"                                                                                 \
    "     arch: [x86_64], capacity: {vcpus: 80, memory_gib: 160, disk_gib: 1000},\n"          \
    "     price: {vcpu_hour: 0.1, memory_gib_hour: 0.1, disk_gib_month: 1,\n"                 \
    "             bandwidth_mbps_month: 20, public_ip_month: 20}}\n"                          \
    "links: [{a: home, b: local, type: optical, latency_ms: 1, bandwidth_mbps: 1000},\n"      \
    "        {a: home, b: cloud, type: optical, latency_ms: 9, bandwidth_mbps: 1000}]\n"

struct fixture {
    struct arena arena;
    struct err err;
    struct network network;
    struct site_connections connections;
    struct application_spec_refs applications;
    struct requirement requirement;
    struct solution solution;
    struct planner_input input;
    struct plan plan;
};

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    if (network_read_text(NETWORK, strlen(NETWORK), &f->network, &f->arena, &f->err)) {
        print_error("%s: %s\n", f->err.field, f->err.text);
        return -1;
    }
    struct site_connection *connection = LIST_ADD(&f->arena, &f->connections.items);
    *connection =
        (struct site_connection){.site = "local", .provider = "host", .endpoint = "local"};
    *LIST_ADD(&f->arena, &connection->forms) = FORM_PACKAGE;
    f->solution.cost = 123.456789;
    f->solution.currency = "CNY";
    f->input = (struct planner_input){.deployment = "dep-0k3v8q1s5t7w9x2z",
                                      .requirement = &f->requirement,
                                      .solution = &f->solution,
                                      .solution_id = "sol-1@1",
                                      .network_version = 17,
                                      .network = &f->network,
                                      .connections = &f->connections,
                                      .applications = &f->applications};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    mem_free(f);
    return 0;
}

/* ---- building input ---- */

static struct requirement_component *need(struct fixture *f, const char *name, int form)
{
    struct requirement_component *c = LIST_ADD(&f->arena, &f->requirement.components);
    c->name = name;
    c->form = form;
    return c;
}

static struct application_spec_ref *publish(struct fixture *f, const char *component, bool health)
{
    struct application_spec_ref *ref = LIST_ADD(&f->arena, &f->applications.items);
    ref->component = component;
    ref->id = arena_printf(&f->arena, "%s@1.0", component);
    ref->digest = arena_printf(&f->arena, "sha256:%s", component);
    ref->size_bytes = 25000000;
    ref->state = "published";
    ref->spec.name = component;
    ref->spec.version = "1.0";
    ref->spec.form = FORM_PACKAGE;
    *LIST_ADD(&f->arena, &ref->spec.ports) = (struct application_spec_port){"http", 0, "http"};
    if (health) {
        ref->spec.health = arena_zalloc(&f->arena, sizeof *ref->spec.health);
        ref->spec.health->path = "/health";
    }
    return ref;
}

static void place(struct fixture *f, const char *component, int64_t instance, const char *site)
{
    *LIST_ADD(&f->arena, &f->solution.placements) =
        (struct solution_placement){.component = component, .instance = instance, .site = site};
}

static void plan(struct fixture *f)
{
    if (planner_open(&f->input, &f->plan, &f->arena, &f->err))
        fail_msg("%s", f->err.text);
}

static void assert_infeasible(struct fixture *f, const char *text, const char *hint)
{
    assert_int_equal(planner_open(&f->input, &f->plan, &f->arena, &f->err), ERR_INFEASIBLE);
    if (!strstr(f->err.text, text) || !strstr(f->err.hint, hint))
        fail_msg("text '%s', hint '%s'", f->err.text, f->err.hint);
    assert_int_equal(f->plan.tasks.count, 0);
}

static const struct plan_task *task(const struct plan *p, const char *id)
{
    for (size_t i = 0; i < p->tasks.count; i++)
        if (str_eq(p->tasks.items[i].id, id))
            return &p->tasks.items[i];
    fail_msg("no task '%s'", id);
    return NULL;
}

static bool is_after(const struct plan_task *t, const char *id)
{
    for (size_t i = 0; i < t->after.count; i++)
        if (str_eq(t->after.items[i], id))
            return true;
    return false;
}

static size_t count_kind(const struct plan *p, int kind)
{
    size_t count = 0;
    for (size_t i = 0; i < p->tasks.count; i++)
        count += p->tasks.items[i].kind == kind;
    return count;
}

/* ---- opening ---- */

static void test_two_instances_share_one_delivery_and_are_checked(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT)->vcpus = (struct opt_double){true, 0.5};
    publish(f, "web", true)->spec.needs.memory_gib = (struct opt_double){true, 0.25};
    place(f, "web", 1, "local");
    place(f, "web", 0, "local");
    plan(f);
    assert_int_equal(f->plan.tasks.count, 5);
    const struct plan_task *deliver = task(&f->plan, "deliver-web-0");
    assert_int_equal(deliver->kind, TASK_DELIVER);
    assert_int_equal(deliver->after.count, 0);
    assert_int_equal(deliver->spec.artefact_bytes, 25000000);
    const struct plan_task *start = task(&f->plan, "start-web-1");
    assert_string_equal(start->spec.name, "swan-dep-0k3v8q1s5t7w9x2z-web-1");
    assert_true(is_after(start, "deliver-web-0"));
    assert_true(start->spec.vcpus.set && start->spec.vcpus.value == 0.5);
    assert_true(start->spec.memory_gib.set && start->spec.memory_gib.value == 0.25);
    assert_int_equal(start->spec.ports.count, 1);
    assert_int_equal(start->spec.form, FORM_PACKAGE);
    assert_string_equal(start->provider, "host");
    const struct plan_task *check = task(&f->plan, "check-web-1");
    assert_string_equal(check->spec.target, start->spec.name);
    assert_true(is_after(check, "start-web-1"));
    assert_non_null(check->spec.health);
    assert_int_equal(f->plan.price_month, 123456789);
    assert_string_equal(f->plan.currency, "CNY");
    assert_int_equal(f->plan.basis.network_version, 17);
    assert_int_equal(f->plan.basis.artefacts.count, 1);
    assert_false(f->plan.simulated);
    assert_int_equal(plan_check_seal(&f->plan, &f->err), ERR_OK);
    assert_int_equal(json_validate(&plan_table, &f->plan, &f->err), ERR_OK);
}

static void test_the_eta_is_the_critical_path_of_the_estimates(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    publish(f, "web", true);
    place(f, "web", 0, "local");
    place(f, "web", 1, "local");
    const struct planner_estimate estimates[] = {{NULL, TASK_DELIVER, 100},
                                                 {"host", TASK_DELIVER, 7},
                                                 {NULL, TASK_INSTANCE, 3},
                                                 {"docker", TASK_INSTANCE, 50},
                                                 {NULL, TASK_CHECK, 2}};
    f->input.estimates = estimates;
    f->input.estimate_count = ARRAY_LEN(estimates);
    plan(f);
    assert_true(f->plan.eta_s > 11.999 && f->plan.eta_s < 12.001);
}

static void test_a_dependency_waits_for_the_check_of_every_instance(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    need(f, "database", FORM_ABSENT);
    struct application_spec_ref *web = publish(f, "web", false);
    *LIST_ADD(&f->arena, &web->spec.dependencies) =
        (struct application_spec_dependency){.name = "database", .version = "*"};
    *LIST_ADD(&f->arena, &web->spec.dependencies) =
        (struct application_spec_dependency){.name = "elsewhere", .version = "*"};
    publish(f, "database", true);
    place(f, "web", 0, "local");
    place(f, "database", 0, "local");
    place(f, "database", 1, "local");
    plan(f);
    const struct plan_task *start = task(&f->plan, "start-web-0");
    assert_true(is_after(start, "check-database-0"));
    assert_true(is_after(start, "check-database-1"));
    assert_int_equal(start->after.count, 3);
    /* topological order: each stands behind all that it is after */
    for (size_t i = 0; i < f->plan.tasks.count; i++)
        for (size_t j = i; j < f->plan.tasks.count; j++)
            assert_false(is_after(&f->plan.tasks.items[i], f->plan.tasks.items[j].id));
}

static void test_dependencies_in_a_circle_are_infeasible(void **state)
{
    struct fixture *f = *state;
    need(f, "a", FORM_ABSENT);
    need(f, "b", FORM_ABSENT);
    struct application_spec_ref *ref = publish(f, "a", false);
    *LIST_ADD(&f->arena, &ref->spec.dependencies) =
        (struct application_spec_dependency){.name = "b", .version = "*"};
    ref = publish(f, "b", false);
    *LIST_ADD(&f->arena, &ref->spec.dependencies) =
        (struct application_spec_dependency){.name = "a", .version = "*"};
    place(f, "a", 0, "local");
    place(f, "b", 0, "local");
    assert_infeasible(f, "circle", "app.yaml");
}

static void test_the_papers_example_opens_on_the_simulator_only_when_asked(void **state)
{
    struct fixture *f = *state;
    need(f, "云主机", FORM_SERVER)->vcpus = (struct opt_double){true, 8};
    place(f, "云主机", 0, "cloud");
    place(f, "云主机", 1, "cloud");
    f->requirement.network.bandwidth_mbps = (struct opt_double){true, 5};
    f->requirement.network.public_ips = (struct opt_int){true, 1};
    assert_infeasible(f, "catalogue only", "simulat");
    f->input.simulate = true;
    plan(f);
    assert_int_equal(f->plan.tasks.count, 4);
    assert_int_equal(count_kind(&f->plan, TASK_SERVER), 2);
    assert_true(f->plan.simulated);
    for (size_t i = 0; i < f->plan.tasks.count; i++) {
        const struct plan_task *t = &f->plan.tasks.items[i];
        assert_true(t->simulated);
        assert_string_equal(t->provider, "simulator");
        assert_string_equal(t->endpoint, "simulator:default");
        assert_true(strlen(t->spec.name) <= 63);
        for (const char *c = t->spec.name; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-');
        if (t->kind == TASK_BANDWIDTH)
            assert_true(t->spec.bandwidth_mbps.value == 5 && t->after.count == 0);
        if (t->kind == TASK_ADDRESS) {
            assert_int_equal(t->after.count, 1);
            const struct plan_task *server = task(&f->plan, t->after.items[0]);
            assert_int_equal(server->spec.instance, 0);
            assert_string_equal(t->spec.target, server->spec.name);
        }
    }
}

static void test_addresses_go_round_the_instances_at_the_first_ones_site(void **state)
{
    struct fixture *f = *state;
    f->input.simulate = true;
    need(f, "vm", FORM_SERVER);
    place(f, "vm", 0, "cloud");
    place(f, "vm", 1, "cloud");
    f->requirement.network.public_ips = (struct opt_int){true, 3};
    plan(f);
    assert_true(is_after(task(&f->plan, "address-0"), "open-vm-0"));
    assert_true(is_after(task(&f->plan, "address-1"), "open-vm-1"));
    assert_true(is_after(task(&f->plan, "address-2"), "open-vm-0"));
}

static void test_bandwidth_is_opened_at_each_site_that_users_reach(void **state)
{
    struct fixture *f = *state;
    f->input.simulate = true;
    need(f, "front", FORM_SERVER);
    need(f, "back", FORM_SERVER);
    place(f, "front", 0, "cloud");
    place(f, "front", 1, "cloud");
    place(f, "back", 0, "cloud");
    *LIST_ADD(&f->arena, &f->requirement.flows) =
        (struct requirement_flow){.from = "user", .to = "front", .bandwidth_mbps = {true, 30}};
    *LIST_ADD(&f->arena, &f->requirement.flows) =
        (struct requirement_flow){.from = "front", .to = "back", .bandwidth_mbps = {true, 500}};
    plan(f);
    assert_int_equal(count_kind(&f->plan, TASK_BANDWIDTH), 1);
    assert_true(task(&f->plan, "bandwidth-0")->spec.bandwidth_mbps.value == 30);
}

static bool does_no_bandwidth(const void *ctx, const char *provider, int kind)
{
    (void)ctx;
    (void)provider;
    return kind != TASK_BANDWIDTH;
}

static void test_what_the_provider_cannot_do_is_refused_before_anything_runs(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    publish(f, "web", false);
    place(f, "web", 0, "local");
    f->input.does = does_no_bandwidth;
    plan(f);
    f->plan = (struct plan){0};
    f->requirement.network.bandwidth_mbps = (struct opt_double){true, 5};
    assert_infeasible(f, "cannot do bandwidth.open", "leave it out");
}

static void test_a_component_without_an_application_names_swan_app_publish(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_CONTAINER);
    place(f, "web", 0, "local");
    assert_infeasible(f, "component 'web'", "swan app publish");
    struct application_spec_ref *ref = publish(f, "web", false);
    assert_infeasible(f, "asks for the form 'container'", "swan app publish");
    ref->spec.form = FORM_CONTAINER;
    assert_infeasible(f, "no connection of site 'local' can open the form 'container'", "connect");
    ref->state = "draft";
    assert_infeasible(f, "draft", "swan app publish");
    ref->state = "published";
    ref->digest = NULL;
    assert_infeasible(f, "no artefact", "swan app publish");
}

static void test_a_solution_of_another_requirement_is_invalid(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_SERVER);
    assert_int_equal(planner_open(&f->input, &f->plan, &f->arena, &f->err), ERR_INVALID);
    place(f, "web", 0, "local");
    place(f, "web", 0, "cloud");
    assert_int_equal(planner_open(&f->input, &f->plan, &f->arena, &f->err), ERR_INVALID);
    f->solution.placements.items[1].component = "other";
    assert_int_equal(planner_open(&f->input, &f->plan, &f->arena, &f->err), ERR_INVALID);
    f->solution.placements.count = 1;
    f->solution.placements.items[0].site = "nowhere";
    assert_infeasible(f, "not in the network", "design");
    assert_int_equal(f->plan.tasks.count, 0);
}

static void test_names_are_unique_whatever_components_are_called(void **state)
{
    struct fixture *f = *state;
    f->input.simulate = true;
    f->input.deployment = "a deployment with a very long name, 很长的名字";
    static const char *const names[] = {
        "web",    "Web",   "WEB",   "网页",
        "数据库", "ip",    "net",   "artefact",
        "web_1",  "web.1", "-web-", "a-component-with-a-name-that-is-much-too-long",
        "1",      "c"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        need(f, names[i], FORM_SERVER);
        place(f, names[i], 0, "cloud");
        place(f, names[i], 9999, "cloud");
    }
    f->requirement.network.public_ips = (struct opt_int){true, 2};
    f->requirement.network.bandwidth_mbps = (struct opt_double){true, 5};
    plan(f);
    for (size_t i = 0; i < f->plan.tasks.count; i++) {
        const struct plan_task *a = &f->plan.tasks.items[i];
        assert_true(strlen(a->spec.name) <= 63);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(a->spec.name, f->plan.tasks.items[j].spec.name);
            assert_string_not_equal(a->id, f->plan.tasks.items[j].id);
        }
    }
    assert_int_equal(json_validate(&plan_table, &f->plan, &f->err), ERR_OK);
}

static void test_equal_input_gives_an_equal_digest_and_other_input_another(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    publish(f, "web", true);
    place(f, "web", 0, "local");
    plan(f);
    const char *first = f->plan.digest;
    plan(f);
    assert_string_equal(f->plan.digest, first);
    f->solution.cost += 0.000001;
    plan(f);
    assert_string_not_equal(f->plan.digest, first);
    f->solution.cost -= 0.000001;
    f->input.network_version++;
    plan(f);
    assert_string_not_equal(f->plan.digest, first);
}

/* ---- removing ---- */

static struct deployment_status deployed(struct fixture *f)
{
    struct deployment_status status = {0};
    for (size_t i = 0; i < f->plan.tasks.count; i++) {
        const struct plan_task *t = &f->plan.tasks.items[i];
        if (t->kind == TASK_DELIVER || t->kind == TASK_CHECK)
            continue;
        *LIST_ADD(&f->arena, &status.instances) =
            (struct deployment_instance){.name = t->spec.name,
                                         .component = t->spec.component,
                                         .instance = t->spec.instance,
                                         .site = t->site,
                                         .provider = t->provider,
                                         .endpoint = t->endpoint,
                                         .kind = t->kind,
                                         .state = DEPLOYMENT_UP};
    }
    return status;
}

static void test_what_was_made_last_is_removed_first(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    need(f, "database", FORM_ABSENT);
    struct application_spec_ref *web = publish(f, "web", true);
    *LIST_ADD(&f->arena, &web->spec.dependencies) =
        (struct application_spec_dependency){.name = "database", .version = "*"};
    publish(f, "database", true);
    place(f, "web", 0, "local");
    place(f, "database", 0, "local");
    f->requirement.network.public_ips = (struct opt_int){true, 1};
    plan(f);
    struct deployment_status status = deployed(f);
    struct plan remove = {0};
    assert_int_equal(
        planner_remove(f->input.deployment, &status, &f->plan, &remove, &f->arena, &f->err),
        ERR_OK);
    assert_string_equal(remove.purpose, "remove");
    assert_int_equal(remove.tasks.count, 5);
    /* through the check between them */
    assert_true(is_after(task(&remove, "remove-start-database-0"), "remove-start-web-0"));
    assert_true(is_after(task(&remove, "remove-start-web-0"), "remove-address-0"));
    assert_true(is_after(task(&remove, "remove-deliver-web-0"), "remove-start-web-0"));
    assert_true(is_after(task(&remove, "remove-deliver-database-1"), "remove-start-database-0"));
    assert_int_equal(task(&remove, "remove-address-0")->after.count, 0);
    assert_string_equal(task(&remove, "remove-start-web-0")->spec.name,
                        task(&f->plan, "start-web-0")->spec.name);
    assert_int_equal(plan_check_seal(&remove, &f->err), ERR_OK);
    assert_int_equal(json_validate(&plan_table, &remove, &f->err), ERR_OK);
}

static void test_only_what_is_still_there_is_removed(void **state)
{
    struct fixture *f = *state;
    need(f, "web", FORM_ABSENT);
    publish(f, "web", false);
    place(f, "web", 0, "local");
    place(f, "web", 1, "local");
    plan(f);
    struct deployment_status status = deployed(f);
    status.instances.items[0].state = DEPLOYMENT_REMOVED;
    *LIST_ADD(&f->arena, &status.instances) = (struct deployment_instance){.name = "swan-found",
                                                                           .site = "local",
                                                                           .provider = "host",
                                                                           .endpoint = "local",
                                                                           .kind = TASK_INSTANCE};
    struct plan remove = {0};
    assert_int_equal(planner_remove("dep", &status, &f->plan, &remove, &f->arena, &f->err), ERR_OK);
    assert_int_equal(count_kind(&remove, TASK_INSTANCE), 2);
    assert_int_equal(count_kind(&remove, TASK_DELIVER), 1);
    task(&remove, "remove-swan-found");
    /* without the opening plan too */
    assert_int_equal(planner_remove("dep", &status, NULL, &remove, &f->arena, &f->err), ERR_OK);
    assert_int_equal(remove.tasks.count, 2);
    status.instances.items[1].endpoint = NULL;
    assert_int_equal(planner_remove("dep", &status, NULL, &remove, &f->arena, &f->err),
                     ERR_INVALID);
    assert_string_equal(f->err.field, "instances[1]");
}

#define PLANNER_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLANNER_TEST(test_two_instances_share_one_delivery_and_are_checked),
        PLANNER_TEST(test_the_eta_is_the_critical_path_of_the_estimates),
        PLANNER_TEST(test_a_dependency_waits_for_the_check_of_every_instance),
        PLANNER_TEST(test_dependencies_in_a_circle_are_infeasible),
        PLANNER_TEST(test_the_papers_example_opens_on_the_simulator_only_when_asked),
        PLANNER_TEST(test_addresses_go_round_the_instances_at_the_first_ones_site),
        PLANNER_TEST(test_bandwidth_is_opened_at_each_site_that_users_reach),
        PLANNER_TEST(test_what_the_provider_cannot_do_is_refused_before_anything_runs),
        PLANNER_TEST(test_a_component_without_an_application_names_swan_app_publish),
        PLANNER_TEST(test_a_solution_of_another_requirement_is_invalid),
        PLANNER_TEST(test_names_are_unique_whatever_components_are_called),
        PLANNER_TEST(test_equal_input_gives_an_equal_digest_and_other_input_another),
        PLANNER_TEST(test_what_was_made_last_is_removed_first),
        PLANNER_TEST(test_only_what_is_still_there_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

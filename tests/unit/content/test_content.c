/* test_content.c - the network, notes and prices that ship: they decode, every price says where it
 * comes from, and the paper's demand costs what the price book says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "intelligent/evaluation/evaluation.h"
#include "types/network.h"

static const char *content; /* folder */
static struct arena arena;
static struct err err;
static struct network network;
static struct price_notes notes;
static struct price_book book;

static void read_file(const char *name, const struct json_table *table, void *out)
{
    const char *path = arena_printf(&arena, "%s/%s", content, name);
    if (json_decode_file(path, table, &json_limits_large, out, &arena, &err))
        fail_msg("%s: %s (%s)", name, err.text, err.field);
}

static int set_up(void **state)
{
    (void)state;
    read_file("network/starter.yaml", &network_table, &network);
    read_file("network/starter-prices.yaml", &price_notes_table, &notes);
    read_file("prices/price-book.yaml", &price_book_table, &book);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void test_the_shipped_files_are_what_their_tables_say(void **state)
{
    (void)state;
    assert_int_equal(network_check(&network, &err), ERR_OK);
    assert_string_equal(network.currency, "CNY");
    assert_true(network.sites.count > 10);
    assert_true(network.links.count > 10);
    assert_true(book.items.count > 10);
}

static void test_shipped_sites_can_be_designed_for_and_not_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < network.sites.count; i++) {
        const struct site *site = &network.sites.items[i];
        if (!site_is_catalogue_only(site) || site->regions.count == 0 || !site->lat.set ||
            !site->capacity.vcpus.set || !site->capacity.memory_gib.set ||
            !site->availability_percent.set || !site->protection_level.set)
            fail_msg("%s lacks something", site->id);
    }
}

static const struct price_note *note_of(const struct site *site, const char *item)
{
    const struct price_note *note = price_note_find(&notes, site->id, item);
    if (!note || note->basis == BASIS_ABSENT || !note->source || !note->source[0] ||
        !note->as_of_ms)
        fail_msg("the price %s of %s does not say where it comes from", item, site->id);
    return note;
}

static void test_every_price_of_every_site_says_basis_source_and_day(void **state)
{
    (void)state;
    for (size_t i = 0; i < network.sites.count; i++) {
        const struct site *site = &network.sites.items[i];
        const struct {
            const char *name;
            struct opt_double price;
        } items[] = {{"vcpu_hour", site->price.vcpu_hour},
                     {"memory_gib_hour", site->price.memory_gib_hour},
                     {"disk_gib_month", site->price.disk_gib_month},
                     {"bandwidth_mbps_month", site->price.bandwidth_mbps_month},
                     {"public_ip_month", site->price.public_ip_month}};
        size_t priced = site->flavors.count;
        note_of(site, NULL);
        for (size_t k = 0; k < ARRAY_LEN(items); k++) {
            priced += items[k].price.set;
            if (items[k].price.set)
                note_of(site, items[k].name);
        }
        for (size_t k = 0; k < site->flavors.count; k++)
            note_of(site, arena_printf(&arena, "flavor.%s", site->flavors.items[k].name));
        for (size_t k = 0; k < site->price.accelerator_hour.count; k++)
            note_of(site, arena_printf(&arena, "accelerator_hour.%s",
                                       site->price.accelerator_hour.items[k].name));
        assert_true(priced > 0);
        for (size_t k = 0; k < site->accelerators.count; k++) {
            bool has = false;
            for (size_t p = 0; p < site->price.accelerator_hour.count; p++)
                has = has || str_eq(site->price.accelerator_hour.items[p].name,
                                    site->accelerators.items[k].model);
            if (!has)
                fail_msg("%s has no price for %s", site->id, site->accelerators.items[k].model);
        }
    }
    for (size_t i = 0; i < notes.items.count; i++)
        if (!network_find_site(&network, notes.items.items[i].site))
            fail_msg("a note is about '%s', which is no site", notes.items.items[i].site);
}

static void test_every_line_of_the_price_book_is_priced_once_with_basis_and_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < book.items.count; i++) {
        const struct price_entry *entry = &book.items.items[i];
        if ((!entry->hour.set && !entry->month.set) || entry->basis == BASIS_ABSENT ||
            !entry->source || !entry->source[0] || !entry->unit[0])
            fail_msg("line %s is not complete", entry->sku);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(entry->sku, book.items.items[k].sku);
    }
}

/* Two servers of 8 vCPU and 16 GiB with 256 GiB of disk each, 5 Mbit/s, one public address: by the
 * formula of the network contract, at a site of the east, whose factor is 1.00:
 *   servers    2 × 0.8767123288 an hour × 730 h = 2 × 640            1280.00
 *   disk       2 × 256 GiB × 0.5                                      256.00
 *   bandwidth  5 Mbit/s × 23 at each distinct site = one              115.00
 *   address    bound to a server                                        0.00
 *   together                                                         1651.00 CNY a month */
#define PAPER_COST 1651.00

static double cost_at(const char *site)
{
    static const char *const demand =
        "{\"components\":[{\"name\":\"server\",\"form\":\"server\",\"instances\":2,\"vcpus\":8,"
        "\"memory_gib\":16,\"disk_gib\":256}],\"network\":{\"bandwidth_mbps\":5,\"public_ips\":1},"
        "\"user_location\":\"上海\"}";
    struct requirement requirement;
    struct solution solution = {.objective = "cost"};
    struct evaluation_model *model;
    struct evaluation_figures figures;
    if (json_decode(demand, strlen(demand), &requirement_table, NULL, &requirement, &arena, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 2; i++)
        *LIST_ADD(&arena, &solution.placements) =
            (struct solution_placement){.component = "server", .instance = i, .site = site};
    struct evaluation_input input = {
        .requirement = &requirement, .network = &network, .notes = &notes};
    if (evaluation_model_new(&input, &model, &arena, &err) ||
        evaluation_measure(model, &solution, &figures, &arena, &err))
        fail_msg("%s: %s", site, err.text);
    assert_true(figures.feasible);
    double sum = 0;
    for (size_t i = 0; i < solution.cost_lines.count; i++) {
        const struct solution_cost_line *line = &solution.cost_lines.items[i];
        if (line->basis == BASIS_ABSENT || !line->source)
            fail_msg("%s: the line %s does not say where it comes from", site, line->item);
        sum += line->amount;
    }
    assert_true(solution.cost_lines.count == 0 || fabs(sum - figures.cost) < 0.01);
    return figures.cost;
}

static void test_the_papers_demand_costs_1651_a_month_in_the_east(void **state)
{
    static const char *const sites[] = {"wuhu-cloud", "qingpu-cloud"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
        double cost = cost_at(sites[i]);
        if (fabs(cost - PAPER_COST) > 0.005)
            fail_msg("%s: %.4f", sites[i], cost);
    }
    assert_true(cost_at("zhangjiakou-cloud") < PAPER_COST - 1); /* factor 0.95 */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_shipped_files_are_what_their_tables_say),
        cmocka_unit_test(test_shipped_sites_can_be_designed_for_and_not_opened),
        cmocka_unit_test(test_every_price_of_every_site_says_basis_source_and_day),
        cmocka_unit_test(test_every_line_of_the_price_book_is_priced_once_with_basis_and_source),
        cmocka_unit_test(test_the_papers_demand_costs_1651_a_month_in_the_east),
    };
    if (argc < 2)
        return 2;
    content = argv[1];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* property_resolve.c - the choice of versions against brute force: every choice of a version, or of
 * none, for each package is looked at, on thousands of small random problems.
 *
 *   found      iff brute force finds a closed choice; what is found is one
 *   explained  the blamed groups alone have no choice, and with any one of them left out they have
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "intelligent/evaluation/resolve_priv.h"

#define ROUNDS 6000
#define DEEP_ROUNDS 6000
#define PACKAGES_MAX 8 /* of the deep ones; the others have up to five */
#define VERSIONS_MAX 3
#define STATEMENTS_MAX 72

struct instance {
    struct resolve_problem problem;
    struct resolve_package packages[PACKAGES_MAX];
    struct resolve_statement statements[STATEMENTS_MAX];
    bool allows[STATEMENTS_MAX][VERSIONS_MAX];
    size_t needs[PACKAGES_MAX][VERSIONS_MAX][STATEMENTS_MAX];
    size_t counts[PACKAGES_MAX][VERSIONS_MAX];
    const size_t *lists[PACKAGES_MAX][VERSIONS_MAX];
};

static void add_statement(struct instance *in, struct rand *rand, size_t owner, size_t version,
                          uint64_t generosity)
{
    size_t i = in->problem.statement_count;
    if (i == STATEMENTS_MAX)
        return;
    size_t package = rand_below(rand, in->problem.package_count);
    for (size_t v = 0; v < in->packages[package].versions; v++)
        in->allows[i][v] = rand_below(rand, 10) < generosity;
    /* some statements share a group, as the same need of several versions does */
    size_t group = i && owner != RESOLVE_ROOT && in->statements[i - 1].owner == owner &&
                           rand_below(rand, 3) == 0
                       ? in->statements[i - 1].group
                       : in->problem.group_count++;
    in->statements[i] = (struct resolve_statement){owner, version, package, in->allows[i], group};
    in->problem.statement_count++;
    if (owner != RESOLVE_ROOT)
        in->needs[owner][version][in->counts[owner][version]++] = i;
}

static void make(struct instance *in, struct rand *rand, bool deep)
{
    memset(in, 0, sizeof *in);
    in->problem = (struct resolve_problem){.packages = in->packages, .statements = in->statements};
    in->problem.package_count = deep ? PACKAGES_MAX - rand_below(rand, 2) : 1 + rand_below(rand, 5);
    uint64_t generosity = 2 + rand_below(rand, 7), needs = rand_below(rand, 4);
    if (deep) {
        generosity = 5 + rand_below(rand, 3);
        needs = 2 + rand_below(rand, 2);
    }
    for (size_t p = 0; p < in->problem.package_count; p++)
        in->packages[p].versions = rand_below(rand, 12) == 0 ? 0
                                   : deep                    ? VERSIONS_MAX
                                                             : 1 + rand_below(rand, VERSIONS_MAX);
    for (size_t i = 1 + rand_below(rand, 3); i > 0; i--)
        add_statement(in, rand, RESOLVE_ROOT, 0, generosity);
    for (size_t p = 0; p < in->problem.package_count; p++)
        for (size_t v = 0; v < in->packages[p].versions; v++)
            for (uint64_t i = rand_below(rand, needs + 1); i > 0; i--)
                add_statement(in, rand, p, v, generosity);
    for (size_t p = 0; p < in->problem.package_count; p++) {
        for (size_t v = 0; v < in->packages[p].versions; v++)
            in->lists[p][v] = in->needs[p][v];
        in->packages[p].needs = in->lists[p];
        in->packages[p].need_count = in->counts[p];
    }
}

/* Is every statement met that holds under the choice? */
static bool is_closed(const struct instance *in, const size_t *chosen, const bool *enabled)
{
    for (size_t i = 0; i < in->problem.statement_count; i++) {
        const struct resolve_statement *s = &in->statements[i];
        if ((enabled && !enabled[s->group]) ||
            (s->owner != RESOLVE_ROOT && chosen[s->owner] != s->owner_version))
            continue;
        if (chosen[s->package] == SIZE_MAX || !s->allows[chosen[s->package]])
            return false;
    }
    return true;
}

static bool exists(const struct instance *in, const bool *enabled)
{
    size_t chosen[PACKAGES_MAX], total = 1;
    for (size_t p = 0; p < in->problem.package_count; p++)
        total *= in->packages[p].versions + 1;
    for (size_t code = 0; code < total; code++) {
        size_t rest = code;
        for (size_t p = 0; p < in->problem.package_count; p++) {
            size_t pick = rest % (in->packages[p].versions + 1);
            rest /= in->packages[p].versions + 1;
            chosen[p] = pick ? pick - 1 : SIZE_MAX;
        }
        if (is_closed(in, chosen, enabled))
            return true;
    }
    return false;
}

/* Only what is needed is chosen: each chosen package is asked for by something that holds. */
static bool is_lean(const struct instance *in, const size_t *chosen)
{
    for (size_t p = 0; p < in->problem.package_count; p++) {
        bool asked = chosen[p] == SIZE_MAX;
        for (size_t i = 0; i < in->problem.statement_count && !asked; i++) {
            const struct resolve_statement *s = &in->statements[i];
            asked = s->package == p &&
                    (s->owner == RESOLVE_ROOT || chosen[s->owner] == s->owner_version);
        }
        if (!asked)
            return false;
    }
    return true;
}

static void test_a_choice_is_found_iff_there_is_one_and_else_the_least_reason(void **state)
{
    (void)state;
    static struct instance in;
    struct rand rand;
    size_t found = 0, none = 0;
    rand_init(&rand, 20261123);
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = ARENA_INIT;
        struct resolve_answer answer;
        make(&in, &rand, false);
        evaluation_resolve(&in.problem, &answer, &arena);
        bool there = exists(&in, NULL);
        if (answer.outcome != (there ? RESOLVE_FOUND : RESOLVE_NONE))
            fail_msg("round %d: outcome %d, brute force says %d", round, (int)answer.outcome,
                     (int)there);
        if (there) {
            found++;
            assert_true(is_closed(&in, answer.chosen, NULL));
            assert_true(is_lean(&in, answer.chosen));
        } else {
            none++;
            assert_true(answer.minimal);
            if (exists(&in, answer.blamed))
                fail_msg("round %d: what is blamed can be met", round);
            for (size_t g = 0; g < in.problem.group_count; g++) {
                if (!answer.blamed[g])
                    continue;
                answer.blamed[g] = false;
                if (!exists(&in, answer.blamed))
                    fail_msg("round %d: group %zu is blamed for nothing", round, g);
                answer.blamed[g] = true;
            }
        }
        arena_done(&arena);
    }
    assert_true(found > ROUNDS / 5 && none > ROUNDS / 5);
}

/* Deep enough that decisions are jumped over and conflicts are met again. */
static void test_deep_choices_are_found_iff_there_are_any(void **state)
{
    (void)state;
    static struct instance in;
    struct rand rand;
    size_t none = 0;
    rand_init(&rand, 1993);
    for (int round = 0; round < DEEP_ROUNDS; round++) {
        struct arena arena = ARENA_INIT;
        struct resolve_answer answer;
        make(&in, &rand, true);
        evaluation_resolve(&in.problem, &answer, &arena);
        bool there = exists(&in, NULL);
        if (answer.outcome != (there ? RESOLVE_FOUND : RESOLVE_NONE))
            fail_msg("round %d: outcome %d, brute force says %d", round, (int)answer.outcome,
                     (int)there);
        if (there)
            assert_true(is_closed(&in, answer.chosen, NULL) && is_lean(&in, answer.chosen));
        none += !there;
        arena_done(&arena);
    }
    assert_true(none > DEEP_ROUNDS / 10 && none < DEEP_ROUNDS * 9 / 10);
}

static void test_the_work_is_bounded(void **state)
{
    (void)state;
    static struct instance in;
    struct rand rand;
    rand_init(&rand, 3);
    for (int round = 0; round < 500; round++) {
        struct arena arena = ARENA_INIT;
        struct resolve_answer answer;
        make(&in, &rand, false);
        in.problem.work_max = 1;
        evaluation_resolve(&in.problem, &answer, &arena);
        if (answer.outcome == RESOLVE_FOUND)
            assert_true(is_closed(&in, answer.chosen, NULL));
        if (answer.outcome == RESOLVE_NONE)
            assert_false(exists(&in, NULL));
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_choice_is_found_iff_there_is_one_and_else_the_least_reason),
        cmocka_unit_test(test_deep_choices_are_found_iff_there_are_any),
        cmocka_unit_test(test_the_work_is_bounded),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}

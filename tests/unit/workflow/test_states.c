/* test_states.c - the state machines as tables, and what errors and attempts mean. */
#include "fixture.h"

#include "base/mem.h"
#include "provision/workflow/workflow_priv.h"

/* Marks what can be reached from `state`. */
static void walk(const struct workflow_rule *rules, size_t count, int state, bool *seen)
{
    seen[state] = true;
    for (size_t i = 0; i < count; i++)
        if (rules[i].state == state && !seen[rules[i].next])
            walk(rules, count, rules[i].next, seen);
}

static bool can_end(const struct workflow_rule *rules, size_t count, int state, const bool *ends)
{
    bool seen[32] = {false};
    walk(rules, count, state, seen);
    for (int i = 0; i < 32; i++)
        if (seen[i] && ends[i])
            return true;
    return false;
}

static void test_every_state_of_a_task_is_reached_and_leads_to_an_end(void **state)
{
    (void)state;
    bool seen[32] = {false};
    const bool ends[32] = {[RUN_TASK_SUCCEEDED] = true,
                           [RUN_TASK_FAILED] = true,
                           [RUN_TASK_UNDONE] = true,
                           [RUN_TASK_SKIPPED] = true};
    walk(workflow_task_rules, workflow_task_rule_count, RUN_TASK_WAITING, seen);
    for (int i = RUN_TASK_WAITING; i <= RUN_TASK_SKIPPED; i++) {
        assert_true(seen[i]);
        assert_non_null(run_task_state_names[i]);
        assert_true(can_end(workflow_task_rules, workflow_task_rule_count, i, ends));
    }
}

static void test_every_state_of_a_run_is_reached_and_only_ends_are_final(void **state)
{
    (void)state;
    bool seen[32] = {false}, left[32] = {false};
    walk(workflow_run_rules, workflow_run_rule_count, RUN_QUEUED, seen);
    for (size_t i = 0; i < workflow_run_rule_count; i++)
        left[workflow_run_rules[i].state] = true;
    for (int i = RUN_QUEUED; i <= RUN_CANCELLED; i++) {
        assert_true(seen[i]);
        assert_int_equal(left[i], !workflow_run_has_ended(i));
    }
}

static void test_a_state_and_an_event_have_one_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < workflow_task_rule_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(workflow_task_rules[i].state == workflow_task_rules[j].state &&
                         workflow_task_rules[i].event == workflow_task_rules[j].event);
    for (size_t i = 0; i < workflow_run_rule_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(workflow_run_rules[i].state == workflow_run_rules[j].state &&
                         workflow_run_rules[i].event == workflow_run_rules[j].event);
    assert_int_equal(workflow_next_task_state(RUN_TASK_UNDONE, EVENT_DO), 0);
    assert_int_equal(workflow_next_run_state(RUN_SUCCEEDED, EVENT_UNDO), 0);
}

static void test_the_class_of_an_error_decides_about_another_attempt(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_CODES; code++)
        assert_int_equal(workflow_may_pass((enum err_code)code),
                         code == ERR_TRANSIENT || code == ERR_TIMEOUT || code == ERR_RATE ||
                             code == ERR_IO);
}

static void test_pauses_double_up_to_sixty_times_with_jitter(void **state)
{
    (void)state;
    assert_int_equal(workflow_backoff_ms(500, 1, 1), 500);
    assert_int_equal(workflow_backoff_ms(500, 1, 0), 250);
    assert_int_equal(workflow_backoff_ms(500, 3, 1), 2000);
    assert_int_equal(workflow_backoff_ms(500, 7, 1), 30000);
    assert_int_equal(workflow_backoff_ms(500, 1000000, 1), 30000);
    assert_int_equal(workflow_backoff_ms(500, 1000000, 0), 15000);
}

const struct CMUnitTest state_tests[] = {
    cmocka_unit_test(test_every_state_of_a_task_is_reached_and_leads_to_an_end),
    cmocka_unit_test(test_every_state_of_a_run_is_reached_and_only_ends_are_final),
    cmocka_unit_test(test_a_state_and_an_event_have_one_answer),
    cmocka_unit_test(test_the_class_of_an_error_decides_about_another_attempt),
    cmocka_unit_test(test_pauses_double_up_to_sixty_times_with_jitter),
};
const size_t state_test_count = ARRAY_LEN(state_tests);

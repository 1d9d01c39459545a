/* workflow_states.c - the state machines of tasks and runs as tables, and what an error means for
 * them.
 *
 * Contract: pure.  A transition that is not in a table does not happen: workflow_change_move
 * answers ERR_BUG.  tests/unit/workflow walks both tables for states that cannot be reached or
 * left. */
#include "base/mem.h"
#include "provision/workflow/workflow_priv.h"

const struct workflow_rule workflow_task_rules[] = {
    {RUN_TASK_WAITING, EVENT_READY, RUN_TASK_ELIGIBLE},
    {RUN_TASK_WAITING, EVENT_DO, RUN_TASK_DOING}, /* a retry whose time has come */
    {RUN_TASK_WAITING, EVENT_SKIP, RUN_TASK_SKIPPED},
    {RUN_TASK_WAITING, EVENT_UNDO, RUN_TASK_UNDOING}, /* between two attempts */
    {RUN_TASK_ELIGIBLE, EVENT_DO, RUN_TASK_DOING},
    {RUN_TASK_ELIGIBLE, EVENT_UNDO, RUN_TASK_UNDOING}, /* of a plan that removes */
    {RUN_TASK_ELIGIBLE, EVENT_SKIP, RUN_TASK_SKIPPED},
    {RUN_TASK_DOING, EVENT_DONE, RUN_TASK_VERIFYING},
    {RUN_TASK_DOING, EVENT_RETRY, RUN_TASK_WAITING},
    {RUN_TASK_DOING, EVENT_FAIL, RUN_TASK_FAILED},
    {RUN_TASK_DOING, EVENT_UNDO, RUN_TASK_UNDOING},
    {RUN_TASK_VERIFYING, EVENT_VERIFIED, RUN_TASK_SUCCEEDED},
    {RUN_TASK_VERIFYING, EVENT_RETRY, RUN_TASK_WAITING},
    {RUN_TASK_VERIFYING, EVENT_FAIL, RUN_TASK_FAILED},
    {RUN_TASK_VERIFYING, EVENT_UNDO, RUN_TASK_UNDOING},
    {RUN_TASK_SUCCEEDED, EVENT_UNDO, RUN_TASK_UNDOING},
    {RUN_TASK_FAILED, EVENT_UNDO, RUN_TASK_UNDOING},
    {RUN_TASK_UNDOING, EVENT_UNDONE, RUN_TASK_UNDONE},
    {RUN_TASK_UNDOING, EVENT_FAIL, RUN_TASK_FAILED},
};
const size_t workflow_task_rule_count = ARRAY_LEN(workflow_task_rules);

const struct workflow_rule workflow_run_rules[] = {
    {RUN_QUEUED, EVENT_START, RUN_RUNNING},
    {RUN_QUEUED, EVENT_SUCCEED, RUN_SUCCEEDED}, /* nothing to do */
    {RUN_QUEUED, EVENT_UNDO, RUN_UNDOING},
    {RUN_QUEUED, EVENT_CANCEL, RUN_CANCELLED},
    {RUN_RUNNING, EVENT_SUCCEED, RUN_SUCCEEDED},
    {RUN_RUNNING, EVENT_UNDO, RUN_UNDOING},
    {RUN_RUNNING, EVENT_LEAVE, RUN_PARTLY},     /* a plan that removes */
    {RUN_RUNNING, EVENT_CANCEL, RUN_CANCELLED}, /* a plan that removes */
    {RUN_UNDOING, EVENT_FAIL, RUN_FAILED},
    {RUN_UNDOING, EVENT_LEAVE, RUN_PARTLY},
    {RUN_UNDOING, EVENT_CANCEL, RUN_CANCELLED},
};
const size_t workflow_run_rule_count = ARRAY_LEN(workflow_run_rules);

static int next_state(const struct workflow_rule *rules, size_t count, int state, int event)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].state == state && rules[i].event == event)
            return rules[i].next;
    return 0;
}

int workflow_next_task_state(int state, int event)
{
    return next_state(workflow_task_rules, workflow_task_rule_count, state, event);
}

int workflow_next_run_state(int state, int event)
{
    return next_state(workflow_run_rules, workflow_run_rule_count, state, event);
}

bool workflow_run_has_ended(int state)
{
    return state == RUN_SUCCEEDED || state == RUN_FAILED || state == RUN_PARTLY ||
           state == RUN_CANCELLED;
}

bool workflow_may_pass(enum err_code code)
{
    switch (code) {
    case ERR_TRANSIENT:
    case ERR_TIMEOUT:
    case ERR_RATE:
    case ERR_IO:
        return true;
    default:
        return false;
    }
}

#define BACKOFF_TIMES_MAX 60 /* 0.5 s … 30 s */

int64_t workflow_backoff_ms(int64_t base_ms, int64_t attempt, double random)
{
    int64_t times =
        attempt >= 7 ? BACKOFF_TIMES_MAX : (int64_t)1 << (attempt > 0 ? attempt - 1 : 0);
    if (times > BACKOFF_TIMES_MAX)
        times = BACKOFF_TIMES_MAX;
    return (int64_t)((double)(base_ms * times) * (0.5 + random / 2));
}

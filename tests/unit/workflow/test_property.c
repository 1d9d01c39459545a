/* test_property.c - random plans, random mishaps, random stops: whatever happens, the invariants
 * hold. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

#define ROUNDS 40

static const char *random_script(struct rand *rand, struct arena *arena)
{
    static const char *const mishaps[] = {
        "apply=transient*1", "apply=transient*2/half", "apply=timeout*1", "verify=transient*2",
        "check=io*1",        "undo=transient*2",       "undo=rate*1",     "apply=capacity",
        "apply=quota/half",  "verify=policy",          "undo=policy",     "apply=io"};
    char text[256] = "";
    for (size_t i = 0; i < ARRAY_LEN(mishaps); i++) {
        /* Those that end a run are rarer, so that runs get far before they fail. */
        bool ends = i >= 7;
        if (rand_below(rand, ends ? 60 : 12) || strstr(text, strndupa(mishaps[i], 4)))
            continue;
        strcat(strcat(text, text[0] ? " " : ""), mishaps[i]);
    }
    if (rand_below(rand, 4) == 0)
        strcat(strcat(text, text[0] ? " " : ""), "slow=3");
    return arena_strdup(arena, text);
}

static void random_plan(struct fixture *f, struct rand *rand, int round)
{
    f->plan = (struct plan){0};
    int count = 1 + (int)rand_below(rand, 12);
    for (int i = 0; i < count; i++) {
        char after[512] = "";
        for (int j = 0; j < i; j++)
            if (rand_below(rand, 4) == 0)
                strcat(strcat(after, " "), f->plan.tasks.items[j].id);
        struct plan_task *task = add_task(f, arena_printf(&f->arena, "r%d-t%d", round, i), after,
                                          random_script(rand, &f->arena));
        if (rand_below(rand, 6) == 0)
            task->kind = TASK_CHECK;
        task->site = rand_below(rand, 2) ? "site-a" : "site-b";
    }
}

static enum err_code cancel_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return workflow_cancel(tx, ctx, &actor, err);
}

static void test_invariants_hold_for_random_plans_mishaps_and_stops(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    rand_init(&rand, 7);
    int ends[RUN_CANCELLED + 1] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        char run[32];
        snprintf(run, sizeof run, "run-%d", round);
        random_plan(f, &rand, round);
        if (!f->workflow)
            start(f, "one");
        submit(f, run);
        if (rand_below(&rand, 5) == 0) {
            clock_sleep_ms((int64_t)rand_below(&rand, 30));
            /* It may have ended by now. */
            enum err_code rc = store_write(f->store, cancel_body, run, &f->err);
            assert_true(rc == ERR_OK || rc == ERR_CONFLICT);
        }
        for (int stops = (int)rand_below(&rand, 3); stops > 0; stops--) {
            clock_sleep_ms((int64_t)rand_below(&rand, 25));
            stop(f);
            start(f, stops % 2 ? "one" : "two");
        }
        ends[wait_end(f, run).state]++;
        assert_invariants(f, run, 1);
    }
    /* The mixture is worth something only if all ends were met. */
    assert_true(ends[RUN_SUCCEEDED] > 0 && ends[RUN_FAILED] > 0 && ends[RUN_CANCELLED] > 0);
}

const struct CMUnitTest property_tests[] = {
    WORKFLOW_TEST(test_invariants_hold_for_random_plans_mishaps_and_stops),
};
const size_t property_test_count = ARRAY_LEN(property_tests);

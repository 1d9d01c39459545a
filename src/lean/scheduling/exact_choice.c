/* exact_choice.c - what the exact search decides next.
 *
 * Contract: choices are the literals "task starts at v or before", one for each task and each v of
 * its window.  A heap holds at least all that are open, by activity (VSIDS: Moskewicz et al. 2001):
 * how often they stood in late conflicts.  The side is that of the best schedule known. */
#include <string.h>

#include "lean/scheduling/exact_priv.h"

static bool above(const struct scheduling_exact *exact, int32_t a, int32_t b)
{
    float x = exact->activity[a], y = exact->activity[b];
    return x != y ? x > y : a < b;
}

static void sift_up(struct scheduling_exact *exact, int32_t at)
{
    int32_t choice = exact->heap[at];
    for (; at && above(exact, choice, exact->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        exact->heap[at] = exact->heap[(at - 1) / 2];
        exact->heap_at[exact->heap[at]] = at;
    }
    exact->heap[at] = choice;
    exact->heap_at[choice] = at;
}

static int32_t heap_take(struct scheduling_exact *exact)
{
    int32_t top = exact->heap[0], choice = exact->heap[--exact->heap_count], at = 0;
    exact->heap_at[top] = -1;
    if (exact->heap_count == 0)
        return top;
    for (int32_t child; (child = 2 * at + 1) < exact->heap_count; at = child) {
        if (child + 1 < exact->heap_count &&
            above(exact, exact->heap[child + 1], exact->heap[child]))
            child++;
        if (above(exact, choice, exact->heap[child]))
            break;
        exact->heap[at] = exact->heap[child];
        exact->heap_at[exact->heap[at]] = at;
    }
    exact->heap[at] = choice;
    exact->heap_at[choice] = at;
    return top;
}

static void heap_add(struct scheduling_exact *exact, int32_t choice)
{
    if (exact->heap_at[choice] >= 0)
        return;
    exact->heap[exact->heap_count] = choice;
    exact->heap_at[choice] = exact->heap_count;
    sift_up(exact, exact->heap_count++);
}

void scheduling_exact_choice_init(struct scheduling_exact *exact)
{
    size_t n = (size_t)exact->n, total = 0;
    exact->choice_at = arena_array(exact->arena, n + 1, sizeof(int32_t));
    exact->choice_low = arena_array(exact->arena, n + 1, sizeof(int32_t));
    for (size_t i = 0; i < n; i++) {
        exact->choice_at[i] = (int32_t)total;
        exact->choice_low[i] = exact_low(exact, (int32_t)i);
        total += (size_t)(exact_high(exact, (int32_t)i) - exact->choice_low[i]);
    }
    exact->choice_at[n] = (int32_t)total;
    exact->activity = arena_array(exact->arena, total + 1, sizeof *exact->activity);
    exact->heap = arena_array(exact->arena, total + 1, sizeof *exact->heap);
    exact->heap_at = arena_array(exact->arena, total + 1, sizeof *exact->heap_at);
    exact->choice_task = arena_array(exact->arena, total + 1, sizeof *exact->choice_task);
    exact->step = 1;
    for (int32_t i = 0; i < exact->n; i++)
        for (int32_t c = exact->choice_at[i]; c < exact->choice_at[i + 1]; c++) {
            exact->choice_task[c] = i;
            exact->heap[c] = c;
            exact->heap_at[c] = c;
        }
    exact->heap_count = (int32_t)total;
}

void scheduling_exact_bump(struct scheduling_exact *exact, struct exact_literal l)
{
    int32_t task = l.bound / 2, v = l.bound & 1 ? -l.value : l.value - 1;
    if (task >= exact->n)
        return;
    int32_t choice = exact->choice_at[task] + v - exact->choice_low[task];
    if (choice < exact->choice_at[task] || choice >= exact->choice_at[task + 1])
        return;
    exact->activity[choice] += exact->step;
    if (exact->heap_at[choice] >= 0)
        sift_up(exact, exact->heap_at[choice]);
}

void scheduling_exact_decay(struct scheduling_exact *exact)
{
    exact->step *= 1 / 0.95f;
    if (exact->step < 1e20f)
        return;
    for (int32_t c = 0; c < exact->choice_at[exact->n]; c++)
        exact->activity[c] *= 1e-20f; /* keeps the order: the heap stays one */
    exact->step *= 1e-20f;
}

void scheduling_exact_reopen(struct scheduling_exact *exact, int32_t bound, int32_t value,
                             int32_t old)
{
    int32_t task = bound / 2;
    if (task >= exact->n)
        return;
    /* "at most v" was decided for v in [old, value) of a lower bound, [-value, -old) of an upper */
    int32_t from = bound & 1 ? -value : old, until = bound & 1 ? -old : value;
    int32_t base = exact->choice_at[task] - exact->choice_low[task];
    for (int32_t v = from; v < until; v++)
        heap_add(exact, base + v);
}

static bool earliest_open(struct scheduling_exact *exact, struct exact_literal *ret)
{
    int32_t best = -1, least = 0;
    for (int32_t i = 0; i < exact->n; i++) {
        int32_t low = exact_low(exact, i), late = low + (exact->delay ? exact->delay[i] : 0);
        if (low < exact_high(exact, i) &&
            (best < 0 || late < least ||
             (late == least && exact_high(exact, i) < exact_high(exact, best)))) {
            best = i;
            least = late;
        }
    }
    if (best < 0)
        return false;
    *ret = (struct exact_literal){2 * best + 1, -exact_low(exact, best)};
    return true;
}

bool scheduling_exact_choose(struct scheduling_exact *exact, bool by_time,
                             struct exact_literal *ret)
{
    if (by_time)
        return earliest_open(exact, ret);
    while (exact->heap_count) {
        int32_t choice = heap_take(exact), task = exact->choice_task[choice];
        int32_t v = exact->choice_low[task] + choice - exact->choice_at[task];
        if (v < exact_low(exact, task) || v >= exact_high(exact, task))
            continue;
        *ret = (struct exact_literal){2 * task + 1, -v};
        if (exact->guide && exact->guide[task] > v)
            *ret = exact_not(*ret);
        return true;
    }
    return false;
}

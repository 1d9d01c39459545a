/* exact_propagate.c - what follows from bounds: arcs, clauses, pairs, and the timetable.
 *
 * Contract: every change is an entry of the trail with the reason from which exact_explain builds,
 * later and only when asked, the literals that forced it; these were all true before the entry.
 * Explanations are as weak as the rule allows: of a full resource they name for each task only that
 * it covers the one time point. */
#include <assert.h>
#include <string.h>

#include "lean/scheduling/exact_priv.h"

static void push(struct scheduling_exact *exact, struct exact_literal l, struct exact_why why)
{
    if (exact->trail_count == exact->trail_room) {
        int32_t room = exact->trail_room * 2;
        struct exact_entry *bigger = arena_array(exact->arena, (size_t)room, sizeof *exact->trail);
        memcpy(bigger, exact->trail, (size_t)exact->trail_count * sizeof *bigger);
        exact->trail = bigger;
        exact->trail_room = room;
    }
    exact->trail[exact->trail_count] =
        (struct exact_entry){l.bound, l.value, exact->value[l.bound], exact->last[l.bound], why};
    exact->last[l.bound] = exact->trail_count++;
    exact->value[l.bound] = l.value;
    exact->touched = true;
}

bool scheduling_exact_enqueue(struct scheduling_exact *exact, struct exact_literal l,
                              struct exact_why why)
{
    struct exact_literal against = exact_not(l);
    if (exact_is_true(exact, l))
        return true;
    if (!exact_is_true(exact, against)) {
        push(exact, l, why);
        return true;
    }
    int32_t count = scheduling_exact_explain(exact, l, why, exact->trail_count);
    memcpy(exact->conflict, exact->reason, (size_t)count * sizeof *exact->conflict);
    exact->conflict[count] = against;
    exact->conflict_count = count + 1;
    return false;
}

/* The bound's value before the entry `at`. */
static int32_t value_before(const struct scheduling_exact *exact, int32_t bound, int32_t at)
{
    int32_t value = exact->value[bound];
    for (int32_t e = exact->last[bound]; e >= at; e = exact->trail[e].before)
        value = exact->trail[e].old;
    return value;
}

/* Tasks that must run at `time`, as many as it takes to use more than `room` of the resource. */
static int32_t explain_full(struct scheduling_exact *exact, int32_t resource, int32_t time,
                            int64_t room, int32_t but, int32_t at)
{
    const struct scheduling_model *model = exact->model;
    int32_t m = model->resources, count = 0;
    int64_t surplus = -room - 1;
    exact->work += exact->n * 2;
    for (int32_t i = 0; i < exact->n; i++) {
        int32_t use = model->demand[i * m + resource], from = time - model->duration[i] + 1;
        if (i == but || !use || value_before(exact, 2 * i, at) < from ||
            value_before(exact, 2 * i + 1, at) < -time)
            continue;
        exact->reason[count++] = (struct exact_literal){2 * i, from};
        exact->reason[count++] = (struct exact_literal){2 * i + 1, -time};
        surplus += use;
    }
    assert(surplus >= 0);
    for (int32_t k = count - 2; k >= 0 && surplus; k -= 2) { /* leave out what is not needed */
        int32_t use = model->demand[(exact->reason[k].bound / 2) * m + resource];
        if (use > surplus)
            continue;
        surplus -= use;
        count -= 2;
        exact->reason[k] = exact->reason[count];
        exact->reason[k + 1] = exact->reason[count + 1];
    }
    return count;
}

static int32_t base_free(const struct scheduling_exact *exact, int32_t resource, int32_t time)
{
    const struct scheduling_model *model = exact->model;
    int32_t low = 0, high = model->base_count - 1;
    while (low < high) {
        int32_t middle = (low + high + 1) / 2;
        if (model->base[middle].time <= time)
            low = middle;
        else
            high = middle - 1;
    }
    return model->base[low].free[resource];
}

int32_t scheduling_exact_explain(struct scheduling_exact *exact, struct exact_literal l,
                                 struct exact_why why, int32_t at)
{
    const struct scheduling_model *model = exact->model;
    int32_t task = l.bound / 2, other = why.a, count = 0;
    bool upper = l.bound & 1;
    switch (why.kind) {
    case EXACT_DECIDED:
        return 0;
    case EXACT_ARC: /* other + its duration ≤ task, or task + its duration ≤ other */
        exact->reason[0] = (struct exact_literal){2 * other + upper,
                                                  l.value - model->duration[upper ? task : other]};
        return 1;
    case EXACT_CLAUSE: {
        const int32_t *clause = exact->pool + why.a;
        for (int32_t k = 0; k < clause[0]; k++) {
            struct exact_literal one = {clause[EXACT_HEAD + 2 * k], clause[EXACT_HEAD + 2 * k + 1]};
            if (one.bound != l.bound || one.value < l.value)
                exact->reason[count++] = exact_not(one);
        }
        return count;
    }
    case EXACT_TIMETABLE: {
        int32_t use = model->demand[task * model->resources + why.a];
        count = explain_full(exact, why.a, why.b, (int64_t)base_free(exact, why.a, why.b) - use,
                             task, at);
        if (upper) /* start ≤ time - duration, because it is ≤ time */
            exact->reason[count++] = (struct exact_literal){l.bound, -why.b};
        else
            exact->reason[count++] =
                (struct exact_literal){l.bound, why.b - model->duration[task] + 1};
        return count;
    }
    default: /* EXACT_PAIR: the order `task` before `other`, or after it, is shut out */
        if (upper) {
            /* other cannot end before task starts: task first, so task ≤ other - duration */
            int32_t low = why.b; /* other's least start */
            exact->reason[0] = (struct exact_literal){2 * other, low};
            exact->reason[1] = (struct exact_literal){l.bound, -(low + model->duration[other] - 1)};
            exact->reason[2] =
                (struct exact_literal){2 * other + 1, l.value - model->duration[task]};
        } else {
            int32_t high = why.b; /* other's latest start */
            exact->reason[0] = (struct exact_literal){2 * other + 1, -high};
            exact->reason[1] = (struct exact_literal){l.bound, high - model->duration[task] + 1};
            exact->reason[2] = (struct exact_literal){2 * other, l.value - model->duration[other]};
        }
        return 3;
    }
}

/* ---- arcs ---- */

static bool follow_arcs(struct scheduling_exact *exact, int32_t bound)
{
    const struct scheduling_model *model = exact->model;
    int32_t task = bound / 2, n = exact->n;
    struct exact_why why = {EXACT_ARC, task, 0};
    if (!(bound & 1)) {
        if (task == n)
            return true;
        int32_t end = exact->value[bound] + model->duration[task];
        int32_t first = model->arc_at[1][task], last = model->arc_at[1][task + 1];
        for (int32_t a = first; a < last; a++)
            if (exact->value[2 * model->arc[1][a]] < end &&
                !scheduling_exact_enqueue(exact, (struct exact_literal){2 * model->arc[1][a], end},
                                          why))
                return false;
        return first < last ||
               scheduling_exact_enqueue(exact, (struct exact_literal){2 * n, end}, why);
    }
    if (task == n) {
        for (int32_t k = 0; k < exact->sink_count; k++) {
            int32_t sink = exact->sinks[k];
            if (!scheduling_exact_enqueue(
                    exact,
                    (struct exact_literal){2 * sink + 1,
                                           exact->value[bound] + model->duration[sink]},
                    why))
                return false;
        }
        return true;
    }
    for (int32_t a = model->arc_at[0][task]; a < model->arc_at[0][task + 1]; a++) {
        int32_t p = model->arc[0][a];
        struct exact_literal l = {2 * p + 1, exact->value[bound] + model->duration[p]};
        if (exact->value[l.bound] < l.value && !scheduling_exact_enqueue(exact, l, why))
            return false;
    }
    return true;
}

/* ---- pairs ---- */

/* `first` cannot start after `second` ends: then second waits for first, and first hurries. */
static bool order_pair(struct scheduling_exact *exact, int32_t first, int32_t second)
{
    const struct scheduling_model *model = exact->model;
    int32_t low = exact_low(exact, second), high = exact_high(exact, first);
    if (low + model->duration[second] <= high)
        return true;
    struct exact_literal later = {2 * second, exact_low(exact, first) + model->duration[first]};
    if (!scheduling_exact_enqueue(exact, later, (struct exact_why){EXACT_PAIR, first, high}))
        return false;
    struct exact_literal sooner = {2 * first + 1,
                                   exact->value[2 * second + 1] + model->duration[first]};
    return scheduling_exact_enqueue(exact, sooner, (struct exact_why){EXACT_PAIR, second, low});
}

static bool follow_pairs(struct scheduling_exact *exact, int32_t task)
{
    for (int32_t k = exact->pair_at[task]; k < exact->pair_at[task + 1]; k++)
        if (!order_pair(exact, task, exact->pair[k]) || !order_pair(exact, exact->pair[k], task))
            return false;
    return true;
}

/* ---- clauses ---- */

static struct exact_watches *watches_of(struct scheduling_exact *exact, int32_t bound,
                                        int32_t value)
{
    return &exact->watches[exact->watch_at[bound] + value];
}

void scheduling_exact_watch(struct scheduling_exact *exact, struct exact_literal literal,
                            struct exact_literal other, int32_t clause)
{
    struct exact_literal when = exact_not(literal);
    struct exact_watches *list = watches_of(exact, when.bound, when.value);
    if (list->count == list->room) {
        int32_t room = list->room ? list->room * 2 : 4;
        struct exact_watch *bigger = arena_array(exact->arena, (size_t)room, sizeof *bigger);
        if (list->count)
            memcpy(bigger, list->items, (size_t)list->count * sizeof *bigger);
        list->items = bigger;
        list->room = room;
    }
    list->items[list->count++] = (struct exact_watch){clause, other};
}

static struct exact_literal *literals(struct scheduling_exact *exact, int32_t clause)
{
    return (struct exact_literal *)(void *)(exact->pool + clause + EXACT_HEAD);
}

/* Looks for another literal to watch in place of the second. */
static bool move_watch(struct scheduling_exact *exact, int32_t clause, struct exact_literal *l)
{
    for (int32_t k = 2; k < exact->pool[clause]; k++) {
        if (exact_is_true(exact, exact_not(l[k])))
            continue;
        struct exact_literal other = l[k];
        l[k] = l[1];
        l[1] = other;
        scheduling_exact_watch(exact, other, l[0],
                               clause); /* another list: `other` has not fallen */
        return true;
    }
    return false;
}

/* The literal has become false. */
static bool fall(struct scheduling_exact *exact, struct exact_literal fallen,
                 struct exact_watches *list)
{
    int32_t kept = 0, k = 0;
    bool ok = true;
    exact->work += list->count * 4;
    while (k < list->count && ok) {
        struct exact_watch watch = list->items[k++];
        if (exact_is_true(exact, watch.other)) {
            list->items[kept++] = watch;
            continue;
        }
        struct exact_literal *l = literals(exact, watch.clause);
        if (l[0].bound == fallen.bound && l[0].value == fallen.value) {
            l[0] = l[1];
            l[1] = fallen;
        }
        watch.other = l[0];
        if (!exact_is_true(exact, l[0])) {
            if (move_watch(exact, watch.clause, l))
                continue;
            ok = scheduling_exact_enqueue(exact, l[0],
                                          (struct exact_why){EXACT_CLAUSE, watch.clause, 0});
        }
        list->items[kept++] = watch;
    }
    while (k < list->count)
        list->items[kept++] = list->items[k++];
    list->count = kept;
    return ok;
}

static bool follow_clauses(struct scheduling_exact *exact, const struct exact_entry *entry)
{
    for (int32_t v = entry->old + 1; v <= entry->value; v++) {
        struct exact_watches *list = watches_of(exact, entry->bound, v);
        if (list->count && !fall(exact, (struct exact_literal){entry->bound ^ 1, 1 - v}, list))
            return false;
    }
    return true;
}

/* ---- timetable ---- */

static int32_t full_resource(const struct scheduling_exact *exact, const uint64_t *free,
                             const uint64_t *need)
{
    const struct scheduling_model *model = exact->model;
    for (int32_t w = 0; w < model->words; w++) {
        uint64_t missing = ~(free[w] - need[w]) & model->guard;
        if (missing)
            return w * model->lanes + __builtin_ctzll(missing) / model->lane_bits;
    }
    return -1;
}

static inline bool has_room(const struct scheduling_model *model, const uint64_t *free,
                            const uint64_t *need)
{
    uint64_t all = model->guard;
    for (int32_t w = 0; w < model->words; w++)
        all &= free[w] - need[w];
    return all == model->guard;
}

static bool build_profile(struct scheduling_exact *exact, bool earliest)
{
    const struct scheduling_model *model = exact->model;
    size_t words = (size_t)model->words;
    memcpy(exact->profile, exact->base,
           (size_t)exact->profile_size * words * sizeof *exact->profile);
    for (int32_t i = 0; i < exact->n; i++) {
        int32_t low = exact_low(exact, i), from = earliest ? low : exact_high(exact, i);
        int32_t until = low + model->duration[i];
        const uint64_t *need = model->need + (size_t)i * words;
        for (int32_t t = from; t < until; t++) {
            uint64_t *free = exact->profile + (size_t)t * words;
            if (!has_room(model, free, need)) {
                if (earliest)
                    return false;
                int32_t r = full_resource(exact, free, need);
                exact->conflict_count =
                    explain_full(exact, r, t, base_free(exact, r, t), -1, exact->trail_count);
                memcpy(exact->conflict, exact->reason,
                       (size_t)exact->conflict_count * sizeof *exact->conflict);
                return false;
            }
            for (size_t w = 0; w < words; w++)
                free[w] -= need[w];
        }
    }
    return true;
}

bool scheduling_exact_earliest_holds(struct scheduling_exact *exact)
{
    return build_profile(exact, true);
}

static bool sweep_task(struct scheduling_exact *exact, int32_t task)
{
    const struct scheduling_model *model = exact->model;
    size_t words = (size_t)model->words;
    const uint64_t *need = model->need + (size_t)task * words;
    int32_t duration = model->duration[task];
    int32_t low = exact_low(exact, task), high = exact_high(exact, task);
    for (int32_t t = (low + duration < high ? low + duration : high) - 1; t >= low; t--) {
        const uint64_t *free = exact->profile + (size_t)t * words;
        if (has_room(model, free, need))
            continue;
        struct exact_why why = {EXACT_TIMETABLE, full_resource(exact, free, need), t};
        if (!scheduling_exact_enqueue(exact, (struct exact_literal){2 * task, t + 1}, why))
            return false;
        low = t + 1;
        t = low + duration < high ? low + duration : high;
    }
    for (int32_t t = low + duration > high ? low + duration : high; t < high + duration; t++) {
        const uint64_t *free = exact->profile + (size_t)t * words;
        if (has_room(model, free, need))
            continue;
        struct exact_why why = {EXACT_TIMETABLE, full_resource(exact, free, need), t};
        if (!scheduling_exact_enqueue(exact, (struct exact_literal){2 * task + 1, duration - t},
                                      why))
            return false;
        high = t - duration;
        t = (low + duration > high ? low + duration : high) - 1;
    }
    return true;
}

static bool follow_timetable(struct scheduling_exact *exact)
{
    const struct scheduling_model *model = exact->model;
    exact->touched = false;
    exact->work += exact->profile_size * model->words + exact->n * 16;
    if (!build_profile(exact, false))
        return false;
    for (int32_t i = 0; i < exact->n; i++)
        if (exact->value[2 * i] + exact->value[2 * i + 1] < 0 && model->duration[i] &&
            model->load[i] && !sweep_task(exact, i))
            return false;
    return true;
}

bool scheduling_exact_begin(struct scheduling_exact *exact)
{
    for (int32_t i = 0; i < exact->n; i++)
        if (!follow_pairs(exact, i))
            return false;
    return scheduling_exact_propagate(exact);
}

bool scheduling_exact_propagate(struct scheduling_exact *exact)
{
    for (;;) {
        while (exact->done < exact->trail_count) {
            struct exact_entry entry = exact->trail[exact->done++];
            int32_t task = entry.bound / 2;
            exact->work += 8 + entry.value - entry.old;
            if (entry.value < exact->value[entry.bound])
                ; /* a newer entry does the rest, but clauses are counted off step by step */
            else if (!follow_arcs(exact, entry.bound) ||
                     (task < exact->n && !follow_pairs(exact, task)))
                return false;
            if (!follow_clauses(exact, &entry))
                return false;
        }
        if (!exact->touched)
            return true;
        if (!follow_timetable(exact))
            return false;
    }
}

/* search_begin.c - first schedules: priority rules, and lists drawn by regret.
 *
 * Contract: one pass for each; the same index and state of the random numbers give the same. */
#include "lean/scheduling/search_priv.h"

static void measure_rules(struct scheduling_search *search, int rule)
{
    const struct scheduling_model *model = search->model;
    for (int32_t i = 0; i < model->n; i++) {
        int64_t v = 0;
        switch (rule) {
        case 0: /* latest finish */
            v = (int64_t)model->longest - model->tail[i] + model->duration[i];
            break;
        case 1: /* latest start */
            v = (int64_t)model->longest - model->tail[i];
            break;
        case 2: { /* rank positional weight */
            v = -model->duration[i];
            for (int32_t a = model->arc_at[1][i]; a < model->arc_at[1][i + 1]; a++)
                v -= model->duration[model->arc[1][a]];
            break;
        }
        case 3:
            v = (int64_t)model->longest - model->tail[i] - model->head[i];
            break;
        default:
            v = 0;
        }
        search->priority[i] = v;
    }
}

/* A list drawn with chances that grow with the regret of not taking a task. */
static void sample(struct scheduling_search *search, double alpha, int32_t *list)
{
    const struct scheduling_model *model = search->model;
    int32_t n = model->n, count = 0, at = 0;
    int32_t *open = search->scratch, *eligible = search->scratch + n;
    for (int32_t i = 0; i < n; i++)
        if ((open[i] = model->arc_at[0][i + 1] - model->arc_at[0][i]) == 0)
            eligible[count++] = i;
    while (count) {
        int64_t worst = INT64_MIN, least = INT64_MAX;
        int32_t k = 0;
        for (int32_t e = 0; e < count; e++) {
            int64_t v = search->priority[eligible[e]];
            worst = v > worst ? v : worst;
            if (v < least) {
                least = v;
                k = e;
            }
        }
        if (alpha > 0) {
            double sum = 0;
            for (int32_t e = 0; e < count; e++) {
                double c = (double)(worst - search->priority[eligible[e]] + 1);
                sum += alpha == 2 ? c * c : c;
                search->chance[e] = sum;
            }
            double draw = rand_unit(&search->rand) * sum;
            for (k = 0; k + 1 < count && search->chance[k] <= draw; k++)
                ;
        }
        int32_t task = eligible[k];
        eligible[k] = eligible[--count];
        list[at++] = task;
        for (int32_t a = model->arc_at[1][task]; a < model->arc_at[1][task + 1]; a++)
            if (--open[model->arc[1][a]] == 0)
                eligible[count++] = model->arc[1][a];
    }
}

void scheduling_search_begin_one(struct scheduling_search *search, int32_t index,
                                 struct scheduling_one *out)
{
    static const int rules[] = {0, 1, 2, 0, 3, 0};
    measure_rules(search, index < 6 ? rules[index] : index % 4 == 3 ? 1 : 0);
    sample(search, index < 4 ? 0 : 1, search->list);
    if (index == 3 || (index > 5 && rand_unit(&search->rand) < search->t.begun_parallel))
        scheduling_search_parallel(search, 0, search->list, out);
    else
        scheduling_search_serial(search, 0, search->list, out);
}

/* batch.c - several needs over one network: each alone, then together (batch_search.c), and the
 * answer: who gets what, who was moved off which site and by whom, or which needs cannot hold
 * together.
 *
 * Contract: every solution was recomputed by evaluation_measure, and their sum over sites and links
 * held against what is free; a disagreement is reported as a bug.  On failure `out` says what is
 * known of each need and nothing else. */
#include <stdlib.h>

#include "base/json.h"
#include "intelligent/design/batch_priv.h"

#define NODE_MAX UINT64_C(20000)
#define TRIAL_NODES UINT64_C(500) /* of one subset, when it is looked for who conflicts */
#define CHOICE_WORK UINT64_C(20000000)
#define SHORT_MAX 8 /* resources named */

struct solver {
    const struct design_batch_input *input;
    struct batch batch;
    struct batch_need *needs;
    struct design_batch *out;
    bool *left_out;
    struct arena *arena;
};

/* ---- what a choice uses ---- */
struct uses {
    LIST(struct batch_use) items;
    struct arena *arena;
};

static void use_add(struct uses *uses, uint32_t resource, double amount)
{
    if (amount > 0)
        *LIST_ADD(uses->arena, &uses->items) = (struct batch_use){resource, amount};
}

static int by_resource(const void *a, const void *b)
{
    const struct batch_use *x = a, *y = b;
    if (x->resource != y->resource)
        return x->resource < y->resource ? -1 : 1;
    return (x->amount > y->amount) - (x->amount < y->amount); /* sums come out alike */
}

static size_t distinct_sites(const struct design_problem *p, size_t component,
                             const uint32_t *chosen, uint32_t *sites)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)p->components[component].instances; i++) {
        uint32_t site = p->components[component].options.items[chosen[i]].site;
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = sites[k] == site;
        if (!known)
            sites[count++] = site;
    }
    return count;
}

static void add_flow(struct uses *uses, const struct design_problem *p,
                     const struct evaluation_flow *flow, uint32_t *const *chosen, size_t *path,
                     size_t path_max)
{
    uint32_t to[DESIGN_MAX_INSTANCES], from[DESIGN_MAX_INSTANCES];
    size_t from_count = 0, to_count = distinct_sites(p, (size_t)flow->to, chosen[flow->to], to);
    if (flow->from >= 0)
        from_count = distinct_sites(p, (size_t)flow->from, chosen[flow->from], from);
    for (size_t i = 0; i < to_count && flow->from != flow->to; i++) {
        double latency;
        size_t links = 0;
        size_t node = flow->from < 0 ? evaluation_user_node(p->model, to[i])
                                     : from[design_nearest(p, from, from_count, to[i], &latency)];
        if (node == SIZE_MAX)
            continue;
        evaluation_path(p->model, node, to[i], path, &links, path_max);
        for (size_t k = 0; k < links && k < path_max; k++)
            use_add(uses, design_resource_of_link(p, path[k]), flow->bandwidth_mbps);
    }
}

static void list_uses(const struct design_problem *p, struct batch_choice *choice,
                      struct arena *arena)
{
    struct arena own;
    arena_init(&own, 0);
    struct uses uses = {.arena = &own};
    size_t path_max = p->network->sites.count + p->network->access.count;
    size_t *path = NULL;
    for (size_t c = 0; c < p->count; c++) {
        const struct design_component *component = &p->components[c];
        for (size_t i = 0; i < (size_t)component->instances; i++) {
            const struct design_option *option = &component->options.items[choice->chosen[c][i]];
            use_add(&uses, design_resource_of_site(option->site, DESIGN_VCPUS), component->vcpus);
            use_add(&uses, design_resource_of_site(option->site, DESIGN_MEMORY),
                    component->memory_gib);
            use_add(&uses, design_resource_of_site(option->site, DESIGN_DISK), component->disk_gib);
            if (option->accelerator >= 0)
                use_add(&uses, design_resource_of_cards(p, option->site, option->accelerator),
                        (double)component->cards);
        }
    }
    for (size_t f = 0; f < p->flow_count; f++)
        if (p->flows[f].bandwidth_mbps > 0) {
            if (!path)
                path = arena_array(&own, path_max + 1, sizeof *path);
            add_flow(&uses, p, &p->flows[f], choice->chosen, path, path_max);
        }
    if (uses.items.count > 1)
        qsort(uses.items.items, uses.items.count, sizeof *uses.items.items, by_resource);
    for (size_t i = 0; i < uses.items.count; i++) {
        struct batch_use *last =
            choice->use_count ? &uses.items.items[choice->use_count - 1] : NULL;
        if (last && last->resource == uses.items.items[i].resource)
            last->amount += uses.items.items[i].amount;
        else
            uses.items.items[choice->use_count++] = uses.items.items[i];
    }
    if (choice->use_count)
        choice->uses =
            arena_memdup(arena, uses.items.items, choice->use_count * sizeof *choice->uses);
    arena_done(&own);
}

const struct batch_choice *design_batch_choose(struct batch *batch, size_t need,
                                               const struct design_hold *holds, size_t hold_count,
                                               double value_below, bool *ret_stopped)
{
    struct design_task task = {.problem = batch->needs[need].problem,
                               .weights = {1, 0, 0, 0},
                               .value_below = value_below,
                               .holds = holds,
                               .hold_count = hold_count,
                               .work_max = CHOICE_WORK,
                               .should_stop = batch->should_stop,
                               .stop_ctx = batch->stop_ctx};
    struct design_result result;
    design_search(&task, &result, batch->arena);
    *ret_stopped = result.outcome == DESIGN_UNDECIDED;
    if (result.outcome != DESIGN_OPTIMAL && result.outcome != DESIGN_FOUND)
        return NULL;
    struct batch_choice *choice = arena_zalloc(batch->arena, sizeof *choice);
    *choice = (struct batch_choice){
        .value = result.value, .bound = result.bound, .chosen = result.chosen};
    list_uses(task.problem, choice, batch->arena);
    return choice;
}

/* ---- resources ---- */
static double amount_of(struct opt_double value)
{
    return value.set ? value.value : 0;
}

static void list_free(struct solver *s, const struct design_problem *p)
{
    const struct network *network = p->network;
    size_t sites = network->sites.count, cards = p->card_base[sites];
    struct batch *batch = &s->batch;
    batch->resource_count = sites * DESIGN_AMOUNTS + cards + network->links.count;
    batch->free = arena_array(s->arena, batch->resource_count + 1, sizeof *batch->free);
    batch->taken = arena_array(s->arena, batch->resource_count + 1, sizeof *batch->taken);
    for (uint32_t i = 0; i < sites; i++) {
        const struct site *site = &network->sites.items[i];
        const struct site_amount *all = &site->capacity, *used = &site->allocated;
        double *amounts = &batch->free[design_resource_of_site(i, 0)];
        amounts[DESIGN_VCPUS] = amount_of(all->vcpus) - amount_of(used->vcpus);
        amounts[DESIGN_MEMORY] = amount_of(all->memory_gib) - amount_of(used->memory_gib);
        amounts[DESIGN_DISK] = amount_of(all->disk_gib) - amount_of(used->disk_gib);
        for (size_t k = 0; k < site->accelerators.count; k++)
            batch->free[design_resource_of_cards(p, i, (int)k)] =
                (double)(site->accelerators.items[k].count - site->accelerators.items[k].allocated);
    }
    for (size_t i = 0; i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        if (link->bandwidth_mbps.set)
            batch->free[design_resource_of_link(p, i)] =
                link->bandwidth_mbps.value - amount_of(link->used_mbps);
    }
}

static const char *resource_name(const struct solver *s, uint32_t resource)
{
    static const char *const amounts[] = {"vcpus", "memory_gib", "disk_gib"};
    const struct design_problem *p = s->needs[0].problem;
    const struct network *network = p->network;
    size_t sites = network->sites.count, cards = p->card_base[sites];
    if (resource < sites * DESIGN_AMOUNTS)
        return arena_printf(s->arena, "%s of %s", amounts[resource % DESIGN_AMOUNTS],
                            network->sites.items[resource / DESIGN_AMOUNTS].id);
    resource -= (uint32_t)(sites * DESIGN_AMOUNTS);
    if (resource < cards) {
        size_t low = 0, high = sites; /* the last site whose numbers begin at or before it */
        while (high - low > 1) {
            size_t middle = (low + high) / 2;
            if (p->card_base[middle] <= resource)
                low = middle;
            else
                high = middle;
        }
        const struct site *site = &network->sites.items[low];
        const char *model = site->accelerators.items[resource - p->card_base[low]].model;
        return arena_printf(s->arena, "%s of %s", model ? model : "accelerators", site->id);
    }
    const struct network_link *link = &network->links.items[resource - cards];
    return arena_printf(s->arena, "bandwidth of %s—%s", link->a, link->b);
}

/* ---- each alone ---- */
static const char *text_of(const struct design_input *input, struct arena *arena)
{
    struct buf text = BUF_INIT;
    json_encode(&requirement_table, input->given.requirement, JSON_COMPACT, &text);
    const char *copy = buf_str(&text);
    for (size_t i = 0; i < input->pins.count; i++)
        copy = arena_printf(arena, "%s\npin %s[%lld]@%s", copy, input->pins.items[i].component,
                            (long long)input->pins.items[i].instance, input->pins.items[i].site);
    for (size_t i = 0; i < input->exclusions.count; i++) {
        const char *component = input->exclusions.items[i].component;
        copy = arena_printf(arena, "%s\nexclude %s@%s", copy, component ? component : "",
                            input->exclusions.items[i].site);
    }
    copy = arena_printf(arena, "%s", copy);
    buf_done(&text);
    return copy;
}

static enum err_code meet_alone(struct solver *s, size_t i, struct evaluation_model *model,
                                struct err *err)
{
    struct design_batch_need *need = &s->out->needs[i];
    struct design_wishes wishes;
    struct design_problem *problem;
    bool stopped;
    enum err_code code = design_wishes_read(&s->input->needs[i], &wishes, s->arena, err);
    if (!code)
        code = design_problem_new(model, &wishes, true, &problem, s->arena, err);
    if (code)
        return code;
    s->needs[i].problem = problem;
    s->needs[i].wishes = wishes;
    if (!s->batch.free) {
        list_free(s, problem);
    }
    need->answer.sites_seen = (int64_t)problem->network->sites.count;
    design_list_rejections(problem, &need->answer, s->arena);
    s->needs[i].alone = design_batch_choose(&s->batch, i, NULL, 0, 0, &stopped);
    if (s->needs[i].alone) {
        need->alone = s->needs[i].alone->value;
        return ERR_OK;
    }
    struct err why = ERR_INIT;
    if (stopped) {
        need->code = err_set(&why, ERR_CANCELLED, "stopped before a solution was found");
    } else {
        struct design_limits limits = {s->input->should_stop, s->input->stop_ctx};
        code = design_explain(model, &wishes, &limits, &need->answer, s->arena, err);
        need->code = design_say_infeasible(problem, &need->answer, s->arena, &why);
    }
    need->text = arena_printf(s->arena, "%s", why.text);
    s->left_out[i] = true;
    return code;
}

static enum err_code meet_each_alone(struct solver *s, struct err *err)
{
    const struct design_batch_input *input = s->input;
    struct evaluation_model *first = NULL;
    const char **texts = arena_array(s->arena, input->count, sizeof *texts);
    for (size_t i = 0; i < input->count; i++) {
        struct evaluation_model *model = NULL;
        enum err_code code = ERR_OK;
        texts[i] = text_of(&input->needs[i], s->arena);
        size_t same = 0;
        while (same < i && strcmp(texts[same], texts[i]) != 0)
            same++;
        s->needs[i].kind = same;
        s->out->needs[i].alone = NAN;
        if (same < i) {
            s->needs[i] = s->needs[same];
            s->out->needs[i] = s->out->needs[same];
            s->left_out[i] = s->left_out[same];
            continue;
        }
        if (input->needs[i].given.network != input->needs[0].given.network)
            code = err_set(err, ERR_INVALID, "all needs of a batch are over one network");
        else if (!first)
            code = evaluation_model_new(&input->needs[i].given, &model, s->arena, err);
        else
            code = evaluation_model_again(first, input->needs[i].given.requirement, &model,
                                          s->arena, err);
        first = first ? first : model;
        if (!code)
            code = meet_alone(s, i, model, err);
        if (code) {
            char field[sizeof err->field] = "";
            if (err)
                str_format(field, sizeof field, "%s", err->field);
            return err_field(err, "needs[%zu]%s%s", i, *field ? "." : "", field), code;
        }
    }
    return ERR_OK;
}

/* ---- who was moved, and by whom ---- */
static void list_takers(const struct solver *s, const struct batch_result *result, size_t need,
                        uint32_t resource, struct design_move *move)
{
    for (size_t o = 0; o < s->batch.count; o++) {
        const struct batch_choice *choice = result->choices[o];
        for (size_t k = 0; o != need && choice && k < choice->use_count; k++)
            if (choice->uses[k].resource == resource)
                *LIST_ADD(s->arena, &move->by) = o;
    }
}

static size_t count_of(const uint32_t *chosen, size_t count, uint32_t option)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += chosen[i] == option;
    return found;
}

/* The resource whose shortage keeps the component off the site: one of the site's if any, else the
 * first that its need alone would exceed. */
static bool short_resource(const struct solver *s, const struct batch_choice *alone, uint32_t site,
                           uint32_t *ret_resource)
{
    const struct batch *batch = &s->batch;
    const struct design_problem *p = s->needs[0].problem;
    uint32_t first_card = design_resource_of_cards(p, site, 0);
    uint32_t last_card = design_resource_of_cards(p, site + 1, 0);
    bool any = false;
    for (size_t k = 0; k < alone->use_count; k++) {
        uint32_t r = alone->uses[k].resource;
        if (batch->taken[r] + alone->uses[k].amount <= batch->free[r] + BATCH_TOL)
            continue;
        bool own = r / DESIGN_AMOUNTS == site || (r >= first_card && r < last_card);
        if (!any || own)
            *ret_resource = r;
        any = true;
        if (own)
            return true;
    }
    return any;
}

/* Of each option that fewer instances take than would alone, where the first of them went. */
static void list_moves_of(struct solver *s, const struct batch_result *result, size_t need)
{
    const struct design_problem *p = s->needs[need].problem;
    const struct batch_choice *alone = s->needs[need].alone, *own = result->choices[need];
    for (size_t c = 0; c < p->count; c++) {
        const struct design_option *options = p->components[c].options.items;
        size_t n = (size_t)p->components[c].instances;
        const uint32_t *was = alone->chosen[c], *is = own->chosen[c];
        for (size_t i = 0; i < n; i++) {
            uint32_t resource = 0, to = UINT32_MAX;
            if (count_of(was, i, was[i]) > 0 || /* looked at */
                count_of(is, n, was[i]) >= count_of(was, n, was[i]) ||
                !short_resource(s, alone, options[was[i]].site, &resource))
                continue;
            for (size_t k = 0; k < n && to == UINT32_MAX; k++)
                if (count_of(is, n, is[k]) > count_of(was, n, is[k]))
                    to = options[is[k]].site;
            struct design_move *move = LIST_ADD(s->arena, &s->out->moves);
            *move = (struct design_move){.need = need,
                                         .component = p->requirement->components.items[c].name,
                                         .from = p->network->sites.items[options[was[i]].site].id,
                                         .to = p->network->sites.items[to].id,
                                         .resource = resource_name(s, resource)};
            list_takers(s, result, need, resource, move);
        }
    }
}

static void list_moves(struct solver *s, const struct batch_result *result)
{
    for (size_t i = 0; i < s->batch.count; i++) {
        if (!result->choices[i] ||
            result->choices[i]->value <= s->needs[i].alone->value * (1 + 1e-9))
            continue;
        for (size_t o = 0; o < s->batch.count; o++)
            if (o != i)
                design_batch_take(&s->batch, result->choices[o], 1);
        list_moves_of(s, result, i);
        memset(s->batch.taken, 0, s->batch.resource_count * sizeof *s->batch.taken);
    }
}

/* ---- together ---- */
static void list_short(struct solver *s)
{
    for (size_t i = 0; i < s->out->together.count; i++)
        design_batch_take(&s->batch, s->needs[s->out->together.items[i]].alone, 1);
    for (uint32_t r = 0; r < s->batch.resource_count && s->out->short_of.count < SHORT_MAX; r++)
        if (s->batch.taken[r] > s->batch.free[r] + BATCH_TOL)
            *LIST_ADD(s->arena, &s->out->short_of) = resource_name(s, r);
    memset(s->batch.taken, 0, s->batch.resource_count * sizeof *s->batch.taken);
}

/* Deletion filtering over needs: what is left cannot hold together, and all of it is needed. */
static void name_conflict(struct solver *s)
{
    s->out->together_minimal = true;
    for (size_t i = 0; i < s->batch.count; i++) {
        struct batch_result trial;
        if (s->left_out[i])
            continue;
        s->left_out[i] = true;
        design_batch_search(&s->batch, s->left_out, TRIAL_NODES, &trial);
        if (trial.outcome != BATCH_NONE)
            s->left_out[i] = false;
        if (trial.outcome == BATCH_UNDECIDED)
            s->out->together_minimal = false;
    }
    for (size_t i = 0; i < s->batch.count; i++)
        if (!s->left_out[i])
            *LIST_ADD(s->arena, &s->out->together) = i;
    list_short(s);
}

static enum err_code say_conflict(const struct solver *s, struct err *err)
{
    const char *names = "", *resources = "";
    for (size_t i = 0; i < s->out->together.count; i++)
        names = arena_printf(s->arena, "%s%s%zu", names, i ? ", " : "", s->out->together.items[i]);
    for (size_t i = 0; i < s->out->short_of.count; i++)
        resources = arena_printf(s->arena, "%s%s%s", resources,
                                 i ? ", " : "; short of: ", s->out->short_of.items[i]);
    return err_set(err, ERR_INFEASIBLE,
                   "each of these needs is possible alone, not all together: %s%s", names,
                   resources);
}

static enum err_code emit_one(struct solver *s, const struct batch_result *result, size_t i,
                              struct err *err)
{
    struct design_batch_need *need = &s->out->needs[i];
    const struct design_problem *p = s->needs[i].problem;
    struct solution *solution = arena_zalloc(s->arena, sizeof *solution);
    struct evaluation_figures figures;
    enum err_code code =
        design_measured(p, result->choices[i]->chosen, solution, &figures, s->arena, err);
    if (code)
        return code;
    *LIST_ADD(s->arena, &solution->wins) = "cost";
    solution->objective = "cost";
    solution->gap = s->out->gap;
    solution->proved_by = s->out->proved_by;
    design_assume(p, &s->needs[i].wishes, &s->input->needs[i].given, solution, s->arena);
    if (s->batch.count > 1)
        *LIST_ADD(s->arena, &solution->assumptions) = arena_printf(
            s->arena,
            "designed together with %zu other needs, which take their share of sites and "
            "links",
            s->batch.count - 1);
    struct feasibility_report *report = arena_zalloc(s->arena, sizeof *report);
    if ((code = evaluation_report_with(p->model, solution, report, s->arena, err)))
        return code;
    solution->evaluation = report;
    need->answer.solutions.items = NULL; /* of needs that are alike each has its own */
    need->answer.solutions.count = 0;
    *LIST_ADD(s->arena, &need->answer.solutions) = *solution;
    return ERR_OK;
}

static enum err_code check_sum(struct solver *s, const struct batch_result *result, struct err *err)
{
    enum err_code code = ERR_OK;
    uint32_t resource;
    for (size_t i = 0; i < s->batch.count && !code; i++) {
        if (!result->choices[i])
            continue;
        if (design_batch_exceeds(&s->batch, result->choices[i], &resource))
            code = err_set(err, ERR_BUG, "a joint design exceeds %s", resource_name(s, resource));
        design_batch_take(&s->batch, result->choices[i], 1);
    }
    memset(s->batch.taken, 0, s->batch.resource_count * sizeof *s->batch.taken);
    return code;
}

static enum err_code emit(struct solver *s, const struct batch_result *result, struct err *err)
{
    struct design_batch *out = s->out;
    enum err_code code = check_sum(s, result, err);
    out->total = result->total;
    out->bound = result->outcome == BATCH_PROVEN ? result->total : fmax(0, result->bound);
    out->gap = out->total > out->bound ? (out->total - out->bound) / out->total : 0;
    out->proved_by = arena_printf(s->arena, "conflict-based search, %s, %llu nodes",
                                  result->outcome == BATCH_PROVEN ? "complete" : "stopped",
                                  (unsigned long long)result->nodes);
    for (size_t i = 0; i < s->batch.count && !code; i++)
        if (result->choices[i])
            code = emit_one(s, result, i, err);
    if (!code)
        list_moves(s, result);
    return code;
}

static enum err_code meet_together(struct solver *s, struct err *err)
{
    size_t open = 0;
    bool undecided = false;
    for (size_t i = 0; i < s->batch.count; i++) {
        open += !s->left_out[i];
        undecided = undecided || s->out->needs[i].code == ERR_CANCELLED;
    }
    if (undecided)
        return err_set(err, ERR_CANCELLED, "stopped before each need had a solution of its own");
    if (open == 0) {
        s->out->proved_by = "no need is possible alone";
        return ERR_OK;
    }
    struct batch_result result;
    design_batch_search(&s->batch, s->left_out, NODE_MAX, &result);
    switch (result.outcome) {
    case BATCH_PROVEN:
    case BATCH_FOUND:
        return emit(s, &result, err);
    case BATCH_NONE:
        name_conflict(s);
        return say_conflict(s, err);
    default:
        return err_set(err, ERR_CANCELLED, "stopped before a joint solution was found");
    }
}

enum err_code design_solve_batch(const struct design_batch_input *input, struct design_batch *out,
                                 struct arena *arena, struct err *err)
{
    struct design_batch answer = {.count = input->count};
    struct solver s = {.input = input, .out = &answer, .arena = arena};
    if (input->count > DESIGN_BATCH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a batch has at most %d needs", DESIGN_BATCH_MAX);
    answer.needs = arena_array(arena, input->count + 1, sizeof *answer.needs);
    s.needs = arena_array(arena, input->count + 1, sizeof *s.needs);
    s.left_out = arena_array(arena, input->count + 1, sizeof *s.left_out);
    s.batch = (struct batch){.needs = s.needs,
                             .count = input->count,
                             .should_stop = input->should_stop,
                             .stop_ctx = input->stop_ctx,
                             .arena = arena};
    enum err_code code = meet_each_alone(&s, err);
    if (code)
        return code;
    code = meet_together(&s, err);
    *out = answer;
    return code ? code : arena_check(arena, err);
}

/* measure_models.c - which accelerator model each instance of a site takes: the one it names, or,
 * for those that leave it open, the cheapest assignment that fits (one model per instance).
 *
 * Contract: exact up to MODEL_SEARCH_NODES, beyond them the best found; when nothing fits each
 * takes its cheapest, and capacity tells. */
#include "intelligent/evaluation/measure_priv.h"

/* Search nodes in giving accelerator models to instances of one site that name none; with one model
 * per kind, the usual case, it needs one node an instance. */
#define MODEL_SEARCH_NODES 20000

/* Instances of one site that leave their model open, and the cheapest way found to serve them. */
struct model_search {
    struct measure *m;
    const struct site *site;
    LIST(struct seat *) open;
    LIST(size_t) component;
    int64_t *used;
    int *now, *best;
    double best_cost;
    bool best_fits;
    int nodes;
};

static void search_models(struct model_search *search, size_t at, double cost)
{
    if (search->nodes++ > MODEL_SEARCH_NODES || (search->best_fits && cost >= search->best_cost))
        return;
    if (at == search->open.count) {
        search->best_fits = true;
        search->best_cost = cost;
        memcpy(search->best, search->now, at * sizeof *search->best);
        return;
    }
    const struct requirement_accelerator *asked =
        component_at(search->m, search->component.items[at])->accelerator;
    bool *tried =
        arena_array(search->m->arena, search->site->accelerators.count + 1, sizeof *tried);
    for (;;) { /* cheapest model first */
        int pick = -1;
        double price = INFINITY;
        for (size_t i = 0; i < search->site->accelerators.count; i++) {
            const struct site_accelerator *offered = &search->site->accelerators.items[i];
            double own = evaluation_accelerator_price(search->site, offered->model);
            own = isnan(own) ? 1e12 : own; /* an unpriced model is taken last */
            if (!tried[i] && evaluation_accelerator_suits(offered, asked) && own < price &&
                search->used[i] + asked->count <= offered->count - offered->allocated) {
                pick = (int)i;
                price = own;
            }
        }
        if (pick < 0)
            return;
        tried[pick] = true;
        search->used[pick] += asked->count;
        search->now[at] = pick;
        search_models(search, at + 1, cost + (double)asked->count * price);
        search->used[pick] -= asked->count;
    }
}

/* When no assignment fits, each takes its cheapest model, and capacity tells. */
static int cheapest_model(const struct site *site, const struct requirement_accelerator *asked)
{
    int best = -1;
    double price = INFINITY;
    for (size_t i = 0; i < site->accelerators.count; i++) {
        double own = evaluation_accelerator_price(site, site->accelerators.items[i].model);
        if (evaluation_accelerator_suits(&site->accelerators.items[i], asked) &&
            (best < 0 || own < price)) {
            best = (int)i;
            price = own;
        }
    }
    return best;
}

void evaluation_settle_models(struct measure *m, struct use *use)
{
    struct model_search search = {.m = m, .site = site_at(m, use->site), .used = use->accelerators};
    for (size_t c = 0; c < m->model->requirement->components.count; c++) {
        const struct requirement_accelerator *asked = component_at(m, c)->accelerator;
        if (!asked)
            continue;
        for (size_t i = 0; i < m->where[c].count; i++) {
            struct seat *seat = &m->where[c].seats[i];
            if (seat->site != use->site)
                continue;
            const char *named = m->solution->placements.items[seat->placement].accelerator_model;
            if (!named) {
                *LIST_ADD(m->arena, &search.open) = seat;
                *LIST_ADD(m->arena, &search.component) = c;
                continue;
            }
            for (size_t k = 0; k < search.site->accelerators.count; k++)
                if (str_eq(search.site->accelerators.items[k].model, named) &&
                    evaluation_accelerator_suits(&search.site->accelerators.items[k], asked))
                    seat->accelerator = (int)k;
            if (seat->accelerator < 0)
                evaluation_measure_claim(
                    m, DIMENSION_COMPUTE, "accelerator", component_at(m, c)->name, VERDICT_FAIL,
                    asked->model ? asked->model
                                 : json_enum_name(requirement_accelerator_names, asked->kind),
                    named, NULL, NAN);
            else
                use->accelerators[seat->accelerator] += asked->count;
        }
    }
    if (search.open.count == 0)
        return;
    search.now = arena_array(m->arena, search.open.count, sizeof *search.now);
    search.best = arena_array(m->arena, search.open.count, sizeof *search.best);
    search_models(&search, 0, 0);
    for (size_t i = 0; i < search.open.count; i++) {
        struct seat *seat = search.open.items[i];
        const struct requirement_accelerator *asked =
            component_at(m, search.component.items[i])->accelerator;
        seat->accelerator = search.best_fits ? search.best[i] : cheapest_model(search.site, asked);
        if (seat->accelerator < 0)
            continue; /* none offered: said by eligibility */
        use->accelerators[seat->accelerator] += asked->count;
        m->solution->placements.items[seat->placement].accelerator_model =
            search.site->accelerators.items[seat->accelerator].model;
    }
}

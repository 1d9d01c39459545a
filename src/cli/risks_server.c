/* risks_server.c - the server's network and its open deployments as one solution, for swan twin
 * risks.
 *
 * A deployment's placements are its own; its routes are those of the candidate that was ordered.
 * The server's network leaves out what Swan itself has taken: with several deployments it is added
 * to what is allocated, with one the engine adds it from the requirement. */
#include <string.h>

#include "base/str.h"
#include "cli/risks_server.h"

static const char *prefixed(struct arena *arena, const char *prefix, const char *name)
{
    return prefix && name && !str_eq(name, "user") ? arena_printf(arena, "%s/%s", prefix, name)
                                                   : name;
}

static const struct requirement_component *component_of(const struct requirement *requirement,
                                                        const char *name)
{
    for (size_t i = 0; i < requirement->components.count; i++)
        if (str_eq(requirement->components.items[i].name, name))
            return &requirement->components.items[i];
    return NULL;
}

static void add(struct opt_double *sum, struct opt_double value)
{
    if (value.set)
        *sum = (struct opt_double){true, sum->value + value.value};
}

/* The site's amounts with one instance more on it. */
static void take(struct network *network, const struct solution_placement *placement,
                 const struct requirement_component *component)
{
    for (size_t i = 0; i < network->sites.count; i++) {
        struct site *site = &network->sites.items[i];
        if (!str_eq(site->id, placement->site))
            continue;
        add(&site->allocated.vcpus, component->vcpus);
        add(&site->allocated.memory_gib, component->memory_gib);
        add(&site->allocated.disk_gib, component->disk_gib);
        for (size_t k = 0; k < site->accelerators.count && component->accelerator; k++)
            if (str_eq(site->accelerators.items[k].model, placement->accelerator_model))
                site->accelerators.items[k].allocated += component->accelerator->count;
    }
}

static enum err_code read_candidate(struct cli_call *call, const char *order,
                                    struct cli_risks_open *open, struct solution *out,
                                    struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *ordered = NULL;
    CLEANUP(json_doc_free_at) struct json_doc *set = NULL;
    struct order_spec spec;
    struct solution_answer answer;
    enum err_code rc;
    if ((rc = cli_get(call, cli_path(arena, "/api/v1/orders/", order, NULL), &ordered, err)) ||
        (rc = cli_decode(json_get(json_root(ordered), "spec"), &order_spec_table, &spec, arena,
                         err)))
        return rc;
    const char *version =
        arena_printf(arena, "/versions/%lld", (long long)(spec.version ? spec.version : 1));
    if ((rc = cli_get(call, cli_path(arena, "/api/v1/solutions/", spec.solution, version), &set,
                      err)) ||
        (rc = cli_decode(json_path(json_root(set), "spec.answer"), &solution_answer_table, &answer,
                         arena, err)) ||
        (rc = cli_decode(json_path(json_root(set), "spec.requirement"), &requirement_table,
                         &open->requirement, arena, err)))
        return rc;
    if (spec.choice < 0 || (size_t)spec.choice >= answer.solutions.count)
        return err_set(err, ERR_INVALID, _("the server's answer lacks what is needed"));
    *out = answer.solutions.items[spec.choice];
    return ERR_OK;
}

static enum err_code add_deployment(struct cli_call *call, const struct json_value *record,
                                    bool several, struct cli_risks_open *open, struct arena *arena,
                                    struct err *err)
{
    struct deployment_spec spec;
    struct solution candidate = {.objective = NULL};
    const char *id = arena_strdup(arena, json_text(json_get(record, "id"), ""));
    const char *prefix = several ? id : NULL;
    enum err_code rc;
    if ((rc = cli_decode(json_get(record, "spec"), &deployment_spec_table, &spec, arena, err)) ||
        (rc = read_candidate(call, spec.order, open, &candidate, arena, err)))
        return rc;
    for (size_t i = 0; i < spec.placements.count; i++) {
        struct solution_placement *placement = LIST_ADD(arena, &open->solution.placements);
        const struct requirement_component *component =
            component_of(&open->requirement, spec.placements.items[i].component);
        *placement = spec.placements.items[i];
        if (several && component)
            take(&open->network, placement, component);
        placement->component = prefixed(arena, prefix, placement->component);
    }
    for (size_t i = 0; i < candidate.routes.count; i++) {
        struct solution_route *route = LIST_ADD(arena, &open->solution.routes);
        *route = candidate.routes.items[i];
        route->from = several && str_eq(route->from, "user") ? arena_printf(arena, "%s/user", id)
                                                             : prefixed(arena, prefix, route->from);
        route->to = prefixed(arena, prefix, route->to);
    }
    struct opt_int users = open->requirement.service_level.concurrent_users;
    open->users = (struct opt_double){!several && users.set, (double)users.value};
    open->deployments++;
    return ERR_OK;
}

static enum err_code read_deployments(struct cli_call *call, struct cli_risks_open *open,
                                      struct arena *arena, struct err *err)
{
    const char *cursor = NULL;
    LIST(struct json_doc *) pages = {NULL, 0};
    size_t count = 0;
    enum err_code rc;
    do {
        CLEANUP(buf_done) struct buf path = BUF_INIT;
        struct json_doc *doc = NULL;
        buf_add_str(&path, "/api/v1/deployments");
        cli_query_add(&path, "limit", "200");
        cli_query_add(&path, "filter", "status.state!=removed");
        if (cursor)
            cli_query_add(&path, "cursor", cursor);
        if ((rc = cli_get(call, buf_str(&path), &doc, err)))
            break;
        *LIST_ADD(arena, &pages) = doc;
        count += json_size(json_get(json_root(doc), "items"));
        cursor = json_text(json_get(json_root(doc), "next"), NULL);
    } while (cursor);
    for (size_t i = 0; i < pages.count; i++) {
        const struct json_value *items = json_get(json_root(pages.items[i]), "items");
        for (size_t k = 0; k < json_size(items) && !rc; k++)
            rc = add_deployment(call, json_at(items, k), count > 1, open, arena, err);
        json_doc_free(pages.items[i]);
    }
    return rc;
}

enum err_code cli_risks_from_server(struct cli_call *call, struct cli_risks_open *open,
                                    struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *network = NULL;
    CLEANUP(json_doc_free_at) struct json_doc *record = NULL;
    enum err_code rc;
    if ((rc = cli_get(call, "/api/v1/network", &network, err)) ||
        (rc = cli_decode(json_root(network), &network_table, &open->network, arena, err)))
        return rc;
    if (!open->deployment)
        return read_deployments(call, open, arena, err);
    if ((rc = cli_get(call, cli_path(arena, "/api/v1/deployments/", open->deployment, NULL),
                      &record, err)))
        return rc;
    return add_deployment(call, json_root(record), false, open, arena, err);
}

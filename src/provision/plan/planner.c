/* planner.c - a chosen solution becomes tasks.
 *
 * Contract: pure; on failure *out is as it was.  Order of tasks before sorting: deliveries and
 * resources as the components of the requirement name them, so equal input gives equal bytes.  What
 * stands before what:
 *   artefact.deliver   nothing: it starts with the run, beside everything else
 *   bandwidth.open     nothing
 *   server.open        nothing
 *   instance.start     the delivery of its artefact to its site; every instance (its check, where
 *                      it has one) of the components that its application depends on
 *   instance.check     its instance
 *   address.open       the server or instance that it is bound to
 * O(placements² of one dependency) edges at worst, else linear. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "provision/plan/planner_priv.h"

#define ADDRESSES_MAX \
    4096 /* public addresses of one deployment: a /20; more is a slip of the pen */
#define MILLIONTHS 1e6
#define PRICE_MAX 9e12 /* whole units of currency that fit into int64 millionths */

struct place { /* through which connection something is opened */
    const char *site, *provider, *endpoint;
    bool simulated;
};

struct piece { /* one component, resolved */
    const struct requirement_component *component;
    const struct application_spec_ref *application; /* NULL for a bare server */
    const char *slug;
    int form;
    const struct solution_placement **placements; /* by instance */
    struct place *places;
    const char **names; /* of the things */
    const char **tasks; /* ids of what starts them */
    const char **ready; /* ids of what proves them: the check, else the start */
    size_t count;
    double user_mbps; /* bandwidth of the flows from the user to it */
};

struct builder {
    const struct planner_input *input;
    const char *deployment; /* as part of names */
    struct plan plan;
    LIST(struct piece) pieces;
    struct map *deliveries; /* "site provider endpoint digest" → task id */
    struct arena *arena;
};

static bool is_user(const char *name)
{
    return str_eq(name, "user");
}

/* ---- where ---- */

static bool has_connection(const struct planner_input *input, const char *site)
{
    return site_connection_find(input->connections, site, FORM_ABSENT) != NULL;
}

static enum err_code find_place(const struct planner_input *input, const char *site_id, int form,
                                struct place *out, struct err *err)
{
    const struct site *site = network_find_site(input->network, site_id);
    if (!site) {
        err_set(err, ERR_INFEASIBLE, "site '%s' is not in the network any more", site_id);
        return err_hint(err, "design again");
    }
    const struct site_connection *connection =
        site_connection_find(input->connections, site_id, form);
    if (connection) {
        *out = (struct place){site->id, connection->provider, connection->endpoint,
                              connection->simulated || str_eq(connection->provider, "simulator")};
        return ERR_OK;
    }
    if (has_connection(input, site_id)) {
        const char *name = json_enum_name(requirement_form_names, form);
        err_set(err, ERR_INFEASIBLE, "no connection of site '%s' can open the form '%s'", site_id,
                name ? name : "unknown");
        return err_hint(err, "connect a provider that opens it to the site, or exclude the site");
    }
    /* A site whose own provider is the simulator says so itself. */
    if (str_eq(site->provider, "simulator") || (input->simulate && site_is_catalogue_only(site))) {
        *out = (struct place){site->id, "simulator", "simulator:default", true};
        return ERR_OK;
    }
    if (site_is_catalogue_only(site)) {
        err_set(err, ERR_INFEASIBLE, "site '%s' is catalogue only: nobody can open things there",
                site_id);
        return err_hint(err, "connect a provider to it, or open it on the simulator (simulate)");
    }
    err_set(err, ERR_INFEASIBLE, "site '%s' has no connection to its provider '%s'", site_id,
            site->provider);
    return err_hint(err, "connect the site");
}

static enum err_code check_does(const struct planner_input *input, const struct place *place,
                                int kind, struct err *err)
{
    if (!input->does || input->does(input->does_ctx, place->provider, kind))
        return ERR_OK;
    err_set(err, ERR_INFEASIBLE, "provider '%s' of site '%s' cannot do %s", place->provider,
            place->site, json_enum_name(plan_task_kind_names, kind));
    return err_hint(err, "leave it out of the requirement, or choose a site whose provider can");
}

/* ---- components ---- */

static bool slug_is_taken(const struct builder *b, const char *slug)
{
    /* Words that stand for things of the deployment itself in names. */
    if (str_eq(slug, "artefact") || str_eq(slug, "net") || str_eq(slug, "ip"))
        return true;
    for (size_t i = 0; i < b->pieces.count; i++)
        if (str_eq(b->pieces.items[i].slug, slug))
            return true;
    return false;
}

static int by_instance(const void *a, const void *b)
{
    const struct solution_placement *x = *(const struct solution_placement *const *)a;
    const struct solution_placement *y = *(const struct solution_placement *const *)b;
    return (x->instance > y->instance) - (x->instance < y->instance);
}

static enum err_code collect_placements(struct builder *b, struct piece *piece, struct err *err)
{
    const struct solution *solution = b->input->solution;
    const char *name = piece->component->name;
    piece->placements =
        arena_array(b->arena, solution->placements.count, sizeof(struct solution_placement *));
    for (size_t i = 0; i < solution->placements.count; i++)
        if (str_eq(solution->placements.items[i].component, name))
            piece->placements[piece->count++] = &solution->placements.items[i];
    if (piece->count == 0)
        return err_set(err, ERR_INVALID, "the solution places no instance of '%s'", name);
    qsort(piece->placements, piece->count, sizeof(struct solution_placement *), by_instance);
    for (size_t i = 0; i < piece->count; i++) {
        if (piece->placements[i]->instance < 0)
            return err_set(err, ERR_INVALID, "the solution numbers an instance of '%s' below 0",
                           name);
        if (i > 0 && piece->placements[i]->instance == piece->placements[i - 1]->instance)
            return err_set(err, ERR_INVALID, "the solution places instance %lld of '%s' twice",
                           (long long)piece->placements[i]->instance, name);
    }
    return ERR_OK;
}

/* Which application answers the component, and in which form it is opened. */
static enum err_code resolve_application(struct builder *b, struct piece *piece, struct err *err)
{
    const struct requirement_component *component = piece->component;
    if (component->form == FORM_SERVER) {
        piece->form = FORM_SERVER;
        return ERR_OK;
    }
    const struct application_spec_ref *ref =
        application_spec_find(b->input->applications, component->name);
    if (!ref || (ref->state && !str_eq(ref->state, "published"))) {
        if (ref)
            err_set(err, ERR_INFEASIBLE, "application '%s' of component '%s' is %s, not published",
                    ref->id, component->name, ref->state);
        else
            err_set(err, ERR_INFEASIBLE, "no published application answers component '%s'",
                    component->name);
        return err_hint(err, "publish one with `swan app publish PATH`, or ask for a bare server");
    }
    if (component->form != FORM_ABSENT && component->form != ref->spec.form) {
        err_set(err, ERR_INFEASIBLE,
                "component '%s' asks for the form '%s', application '%s' is '%s'", component->name,
                json_enum_name(requirement_form_names, component->form), ref->id,
                json_enum_name(requirement_form_names, ref->spec.form));
        return err_hint(err, "publish that form with `swan app publish PATH`");
    }
    if (!ref->digest || !ref->digest[0]) {
        err_set(err, ERR_INFEASIBLE, "application '%s' of component '%s' has no artefact", ref->id,
                component->name);
        return err_hint(err, "publish it again with its artefact: `swan app publish PATH`");
    }
    piece->application = ref;
    piece->form = ref->spec.form;
    return ERR_OK;
}

static enum err_code add_piece(struct builder *b, const struct requirement_component *component,
                               struct err *err)
{
    struct piece piece = {.component = component};
    enum err_code rc;
    if ((rc = collect_placements(b, &piece, err)) || (rc = resolve_application(b, &piece, err)))
        return rc;
    piece.slug = planner_slug(component->name, PLANNER_COMPONENT_MAX, b->arena);
    for (size_t i = 0; slug_is_taken(b, piece.slug); i++)
        /* The slash makes it unfit, so that it gets a digest of its own. */
        piece.slug = planner_slug(arena_printf(b->arena, "%s/%zu", component->name, i),
                                  PLANNER_COMPONENT_MAX, b->arena);
    piece.places = arena_array(b->arena, piece.count, sizeof *piece.places);
    piece.names = arena_array(b->arena, piece.count, sizeof *piece.names);
    piece.tasks = arena_array(b->arena, piece.count, sizeof *piece.tasks);
    piece.ready = arena_array(b->arena, piece.count, sizeof *piece.ready);
    int kind = piece.form == FORM_SERVER ? TASK_SERVER : TASK_INSTANCE;
    for (size_t i = 0; i < piece.count; i++) {
        if ((rc = find_place(b->input, piece.placements[i]->site, piece.form, &piece.places[i],
                             err)) ||
            (rc = check_does(b->input, &piece.places[i], kind, err)))
            return rc;
        piece.names[i] = arena_printf(b->arena, "swan-%s-%s-%lld", b->deployment, piece.slug,
                                      (long long)piece.placements[i]->instance);
        if (strlen(piece.names[i]) + strlen("-check") > PLANNER_NAME_MAX)
            return err_set(err, ERR_INVALID, "instance number %lld of '%s' is too large",
                           (long long)piece.placements[i]->instance, component->name);
    }
    *LIST_ADD(b->arena, &b->pieces) = piece;
    return ERR_OK;
}

/* The flows from the user, as contract network.md completes them from network.bandwidth_mbps. */
static void find_user_bandwidth(struct builder *b)
{
    const struct requirement *need = b->input->requirement;
    struct opt_double whole = need->network.bandwidth_mbps;
    bool has_user_flow = false, has_near = false, has_free = false;
    for (size_t i = 0; i < need->flows.count; i++) {
        const struct requirement_flow *flow = &need->flows.items[i];
        if (!is_user(flow->from))
            continue;
        has_user_flow = true;
        struct opt_double mbps = flow->bandwidth_mbps.set ? flow->bandwidth_mbps : whole;
        for (size_t j = 0; mbps.set && j < b->pieces.count; j++)
            if (str_eq(b->pieces.items[j].component->name, flow->to))
                b->pieces.items[j].user_mbps += mbps.value;
    }
    if (has_user_flow || !whole.set)
        return;
    for (size_t i = 0; i < b->pieces.count; i++) {
        const struct requirement_component *c = b->pieces.items[i].component;
        has_near = has_near || c->tier == TIER_EDGE || c->tier == TIER_DEVICE;
        has_free = has_free || !c->location;
    }
    for (size_t i = 0; i < b->pieces.count; i++) {
        const struct requirement_component *c = b->pieces.items[i].component;
        if (has_near ? c->tier == TIER_EDGE || c->tier == TIER_DEVICE : !has_free || !c->location)
            b->pieces.items[i].user_mbps = whole.value;
    }
}

/* ---- tasks ---- */

static struct plan_task *add_task(struct builder *b, int kind, const char *id, const char *name,
                                  const struct place *place, int64_t bytes)
{
    struct plan_task *task = LIST_ADD(b->arena, &b->plan.tasks);
    task->id = id;
    task->kind = kind;
    task->site = place->site;
    task->provider = place->provider;
    task->endpoint = place->endpoint;
    task->simulated = place->simulated;
    task->estimate_s = planner_seconds(b->input->estimates, b->input->estimate_count,
                                       place->provider, kind, bytes);
    task->spec.name = name;
    task->spec.deployment = b->input->deployment;
    return task;
}

static void add_after(struct builder *b, struct plan_task *task, const char *id)
{
    *LIST_ADD(b->arena, &task->after) = id;
}

static void note_artefact(struct builder *b, const char *digest)
{
    for (size_t i = 0; i < b->plan.basis.artefacts.count; i++)
        if (str_eq(b->plan.basis.artefacts.items[i], digest))
            return;
    *LIST_ADD(b->arena, &b->plan.basis.artefacts) = digest;
}

/* The id of the task that brings the piece's artefact to the place; one for each connection of a
 * site, since each provider keeps artefacts in its own way. */
static const char *delivery(struct builder *b, const struct piece *piece, const struct place *place)
{
    const struct application_spec_ref *ref = piece->application;
    const char *key = arena_printf(b->arena, "%s\n%s\n%s\n%s", place->site, place->provider,
                                   place->endpoint, ref->digest);
    const char *id = map_find(b->deliveries, key);
    if (id)
        return id;
    size_t number = map_count(b->deliveries);
    char *new_id = arena_printf(b->arena, "deliver-%s-%zu", piece->slug, number);
    struct plan_task *task =
        add_task(b, TASK_DELIVER, new_id,
                 arena_printf(b->arena, "swan-%s-artefact-%zu", b->deployment, number), place,
                 ref->size_bytes);
    task->title = arena_printf(b->arena, "deliver %s to %s", ref->id, place->site);
    task->spec.component = piece->component->name;
    task->spec.form = piece->form;
    task->spec.application = ref->id;
    task->spec.artefact_digest = ref->digest;
    task->spec.artefact_bytes = ref->size_bytes;
    note_artefact(b, ref->digest);
    map_put(b->deliveries, key, new_id);
    return new_id;
}

static struct opt_double first_set(struct opt_double a, struct opt_double b)
{
    return a.set ? a : b;
}

static void fill_resources(struct builder *b, const struct piece *piece, size_t i,
                           struct plan_task_spec *spec)
{
    static const struct application_spec_needs no_needs;
    const struct requirement_component *c = piece->component;
    const struct application_spec_needs *needs =
        piece->application ? &piece->application->spec.needs : &no_needs;
    spec->component = c->name;
    spec->instance = piece->placements[i]->instance;
    spec->vcpus = first_set(c->vcpus, needs->vcpus);
    spec->memory_gib = first_set(c->memory_gib, needs->memory_gib);
    spec->disk_gib = first_set(c->disk_gib, needs->disk_gib);
    spec->flavor = piece->placements[i]->flavor;
    spec->form = piece->form;
    const struct requirement_accelerator *cards =
        c->accelerator ? c->accelerator : needs->accelerator;
    if (cards) {
        spec->accelerator = arena_memdup(b->arena, cards, sizeof *cards);
        if (piece->placements[i]->accelerator_model)
            spec->accelerator->model = piece->placements[i]->accelerator_model;
    }
}

static void fill_application(struct builder *b, const struct application_spec_ref *ref,
                             struct plan_task_spec *spec)
{
    const struct application_spec *app = &ref->spec;
    spec->application = ref->id;
    spec->artefact_digest = ref->digest;
    spec->artefact_bytes = ref->size_bytes;
    spec->command.items = app->command.items;
    spec->command.count = app->command.count;
    spec->environment.items = app->environment.items;
    spec->environment.count = app->environment.count;
    for (size_t i = 0; i < app->ports.count; i++)
        *LIST_ADD(b->arena, &spec->ports) = (struct plan_port){
            app->ports.items[i].name, app->ports.items[i].port, 0, app->ports.items[i].protocol};
    spec->health = app->health;
}

static enum err_code add_instance(struct builder *b, struct piece *piece, size_t i, struct err *err)
{
    const struct place *place = &piece->places[i];
    long long number = (long long)piece->placements[i]->instance;
    if (piece->form == FORM_SERVER) {
        piece->tasks[i] = arena_printf(b->arena, "open-%s-%lld", piece->slug, number);
        piece->ready[i] = piece->tasks[i];
        struct plan_task *task =
            add_task(b, TASK_SERVER, piece->tasks[i], piece->names[i], place, 0);
        task->title = arena_printf(b->arena, "open server %s %lld at %s", piece->component->name,
                                   number, place->site);
        fill_resources(b, piece, i, &task->spec);
        return ERR_OK;
    }
    enum err_code rc = check_does(b->input, place, TASK_DELIVER, err);
    if (rc)
        return rc;
    const char *delivered = delivery(b, piece, place);
    piece->tasks[i] = arena_printf(b->arena, "start-%s-%lld", piece->slug, number);
    piece->ready[i] = piece->tasks[i];
    struct plan_task *task = add_task(b, TASK_INSTANCE, piece->tasks[i], piece->names[i], place, 0);
    task->title =
        arena_printf(b->arena, "start %s %lld at %s", piece->component->name, number, place->site);
    fill_resources(b, piece, i, &task->spec);
    fill_application(b, piece->application, &task->spec);
    add_after(b, task, delivered);
    if (!piece->application->spec.health)
        return ERR_OK;

    if ((rc = check_does(b->input, place, TASK_CHECK, err)))
        return rc;
    struct plan_task_spec spec = task->spec; /* a check sees the instance's ports and health */
    piece->ready[i] = arena_printf(b->arena, "check-%s-%lld", piece->slug, number);
    task = add_task(b, TASK_CHECK, piece->ready[i],
                    arena_printf(b->arena, "%s-check", piece->names[i]), place, 0);
    task->title =
        arena_printf(b->arena, "check %s %lld at %s", piece->component->name, number, place->site);
    spec.name = task->spec.name;
    spec.target = piece->names[i];
    task->spec = spec;
    add_after(b, task, piece->tasks[i]);
    return ERR_OK;
}

static bool depends(const struct piece *piece, const struct piece *other)
{
    if (!piece->application || piece == other)
        return false;
    const struct application_spec *app = &piece->application->spec;
    for (size_t d = 0; d < app->dependencies.count; d++) {
        const char *name = app->dependencies.items[d].name;
        if (str_eq(other->component->name, name) ||
            (other->application && str_eq(other->application->spec.name, name)))
            return true;
    }
    return false;
}

/* Every instance waits for every instance of the components that its application depends on.  A
 * dependency that no component answers is somebody else's: evaluation has judged it. */
static void add_dependencies(struct builder *b)
{
    CLEANUP(map_free_at) struct map *tasks = map_new();
    for (size_t i = 0; i < b->plan.tasks.count; i++)
        map_put(tasks, b->plan.tasks.items[i].id, &b->plan.tasks.items[i]);
    for (size_t i = 0; i < b->pieces.count; i++)
        for (size_t j = 0; j < b->pieces.count; j++) {
            const struct piece *piece = &b->pieces.items[i], *other = &b->pieces.items[j];
            if (!depends(piece, other))
                continue;
            for (size_t k = 0; k < piece->count; k++) {
                struct plan_task *task = map_find(tasks, piece->tasks[k]);
                for (size_t m = 0; m < other->count; m++)
                    add_after(b, task, other->ready[m]);
            }
        }
}

static enum err_code add_bandwidth(struct builder *b, struct err *err)
{
    struct {
        const struct place *place;
        const char *component;
        double mbps;
    } *sites = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < b->pieces.count; i++)
        room += b->pieces.items[i].count;
    sites = arena_array(b->arena, room, sizeof *sites);
    for (size_t i = 0; i < b->pieces.count; i++) {
        const struct piece *piece = &b->pieces.items[i];
        if (piece->user_mbps <= 0)
            continue;
        CLEANUP(map_free_at) struct map *seen = map_new(); /* a flow is paid once for each site */
        for (size_t k = 0; k < piece->count; k++) {
            size_t at = 0;
            if (map_put(seen, piece->places[k].site, (void *)piece))
                continue;
            while (at < count && !str_eq(sites[at].place->site, piece->places[k].site))
                at++;
            if (at == count) {
                sites[count].place = &piece->places[k];
                sites[count++].component = piece->component->name;
            }
            sites[at].mbps += piece->user_mbps;
        }
    }
    for (size_t i = 0; i < count; i++) {
        enum err_code rc = check_does(b->input, sites[i].place, TASK_BANDWIDTH, err);
        if (rc)
            return rc;
        struct plan_task *task = add_task(
            b, TASK_BANDWIDTH, arena_printf(b->arena, "bandwidth-%zu", i),
            arena_printf(b->arena, "swan-%s-net-%zu", b->deployment, i), sites[i].place, 0);
        task->title =
            arena_printf(b->arena, "open %g Mbit/s at %s", sites[i].mbps, sites[i].place->site);
        task->spec.component = sites[i].component;
        task->spec.bandwidth_mbps = (struct opt_double){true, sites[i].mbps};
    }
    return ERR_OK;
}

/* Addresses go round the instances of the first component that stand at the site of its first
 * instance: that is where network.md prices them. */
static enum err_code add_addresses(struct builder *b, struct err *err)
{
    struct opt_int asked = b->input->requirement->network.public_ips;
    if (!asked.set || asked.value <= 0 || b->pieces.count == 0)
        return ERR_OK;
    if (asked.value > ADDRESSES_MAX)
        return err_set(err, ERR_TOO_LARGE, "%lld public addresses are asked, at most %d are opened",
                       (long long)asked.value, ADDRESSES_MAX);
    const struct piece *piece = &b->pieces.items[0];
    enum err_code rc = check_does(b->input, &piece->places[0], TASK_ADDRESS, err);
    if (rc)
        return rc;
    size_t at = 0;
    for (int64_t i = 0; i < asked.value; i++) {
        struct plan_task *task =
            add_task(b, TASK_ADDRESS, arena_printf(b->arena, "address-%lld", (long long)i),
                     arena_printf(b->arena, "swan-%s-ip-%lld", b->deployment, (long long)i),
                     &piece->places[at], 0);
        task->title = arena_printf(
            b->arena, "open a public address for %s %lld at %s", piece->component->name,
            (long long)piece->placements[at]->instance, piece->places[at].site);
        task->spec.component = piece->component->name;
        task->spec.instance = piece->placements[at]->instance;
        task->spec.target = piece->names[at];
        add_after(b, task, piece->tasks[at]);
        do
            at = (at + 1) % piece->count;
        while (!str_eq(piece->places[at].site, piece->places[0].site));
    }
    return ERR_OK;
}

static enum err_code build(struct builder *b, struct err *err)
{
    const struct planner_input *input = b->input;
    const struct requirement *need = input->requirement;
    enum err_code rc;
    if (!input->deployment || !input->deployment[0])
        return err_set(err, ERR_INVALID, "a plan needs a deployment");
    for (size_t i = 0; i < input->solution->placements.count; i++)
        if (!requirement_find(need, input->solution->placements.items[i].component))
            return err_set(err, ERR_INVALID, "the solution places '%s', which is not asked for",
                           input->solution->placements.items[i].component);
    if (!(fabs(input->solution->cost) < PRICE_MAX))
        return err_set(err, ERR_INVALID, "the solution's cost is not a price");
    for (size_t i = 0; i < need->components.count; i++)
        if ((rc = add_piece(b, &need->components.items[i], err)))
            return rc;
    find_user_bandwidth(b);
    for (size_t i = 0; i < b->pieces.count; i++)
        for (size_t k = 0; k < b->pieces.items[i].count; k++)
            if ((rc = add_instance(b, &b->pieces.items[i], k, err)))
                return rc;
    add_dependencies(b);
    if ((rc = add_bandwidth(b, err)) || (rc = add_addresses(b, err)))
        return rc;
    b->plan.deployment = input->deployment;
    b->plan.purpose = "open";
    b->plan.currency =
        input->solution->currency ? input->solution->currency : input->network->currency;
    b->plan.price_month = llround(input->solution->cost * MILLIONTHS);
    b->plan.basis.network_version = input->network_version;
    b->plan.basis.solution = input->solution_id;
    return planner_finish(&b->plan, b->arena, err);
}

enum err_code planner_open(const struct planner_input *input, struct plan *out, struct arena *arena,
                           struct err *err)
{
    struct builder b = {.input = input, .arena = arena, .deliveries = map_new()};
    b.deployment =
        planner_slug(input->deployment ? input->deployment : "", PLANNER_DEPLOYMENT_MAX, arena);
    enum err_code rc = build(&b, err);
    map_free(b.deliveries);
    if (!rc)
        *out = b.plan;
    return rc;
}

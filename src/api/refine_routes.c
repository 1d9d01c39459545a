/* refine_routes.c - what people do with a solution set: refine it, compare, choose, confirm, let go
 * of what is held for it.
 *
 * Contract: a refinement is made over the requirement as it was asked for, and over all pins and
 * exclusions that hold so far; assumptions are made anew.  It is stored with who, when, why and
 * what was before. */
#include <string.h>

#include "api/api_priv.h"
#include "api/designing.h"
#include "base/clock.h"
#include "base/str.h"
#include "types/solution_diff.h"

/* ---- refine ---- */

struct change_wish {
    const char *path, *value; /* value: any JSON scalar */
};
static const struct json_field change_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct change_wish, path, JSON_REQUIRED | JSON_NON_EMPTY,
               "field of the requirement: network.max_latency_ms, COMPONENT.location"),
    JSON_FIELD("value", JSON_RAW, struct change_wish, value, 0,
               "what it is to be; null, \"\" or absent = left out"),
};
static const struct json_table change_table = JSON_TABLE(
    "ChangeWish", struct change_wish, change_fields, "one field, and what it is to be", NULL);

struct refine_wish {
    struct opt_int choice, version, reserve_s;
    LIST(struct change_wish) set;
    LIST(struct solution_pin) pins;
    LIST(struct solution_exclusion) exclusions, allowed;
    int objective;
    struct opt_double time_limit_s;
    const char *note;
};
#define MAX_DECISIONS 1000 /* pins, exclusions or changes of one refinement */
#define WISHES(name_, member_, table_, doc_)                                                \
    {                                                                                       \
        .name = name_, .kind = JSON_ARRAY, .offset = offsetof(struct refine_wish, member_), \
        .table = table_, .max_len = MAX_DECISIONS, .doc = doc_                              \
    }
static const struct json_field refine_fields[] = {
    JSON_FIELD_RANGE("version", JSON_OPT_INT, struct refine_wish, version, 0, 1, 1e9,
                     "version that was looked at, which must be the newest; absent = the newest"),
    JSON_FIELD_RANGE("choice", JSON_OPT_INT, struct refine_wish, choice, 0, 0, 1000,
                     "candidate to go on from: what it is best in is preferred"),
    WISHES("set", set, &change_table, "fields of the requirement that change"),
    WISHES("pins", pins, &solution_pin_table, "where components must run; without site: no more"),
    WISHES("exclusions", exclusions, &solution_exclusion_table, "where they must not run"),
    WISHES("allowed", allowed, &solution_exclusion_table, "exclusions that are taken back"),
    JSON_FIELD_ENUM("objective", struct refine_wish, objective, 0, requirement_objective_names,
                    "what to prefer; absent = as before"),
    JSON_FIELD_RANGE("time_limit_s", JSON_OPT_DOUBLE, struct refine_wish, time_limit_s, 0, 0.01,
                     600, "most seconds for the search"),
    JSON_FIELD_RANGE("reserve_s", JSON_OPT_INT, struct refine_wish, reserve_s, 0, 0,
                     API_RESERVE_MAX_S, "seconds for which room is held; absent = as before"),
    {.name = "note",
     .kind = JSON_STRING,
     .offset = offsetof(struct refine_wish, note),
     .max_len = 1000,
     .doc = "why; kept with the version"},
};
static const struct json_table refine_table = JSON_TABLE(
    "RefineWish", struct refine_wish, refine_fields, "how a solution set is to change", NULL);

struct refining {
    struct api_call *call;
    struct refine_wish wish;
    struct business_solution before;
    struct solution_status status;
    struct requirement *asked;
    struct solution_refinement *done;
    struct business_solution *spec; /* of the new version */
};

/* The text of a JSON scalar; NULL = left out. */
static const char *scalar(const char *json, struct arena *arena)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    if (!json || str_eq(json, "null"))
        return NULL;
    if (json[0] != '"')
        return json;
    if (json_parse(json, strlen(json), NULL, &doc, NULL))
        return json;
    const char *text = json_text(json_root(doc), NULL);
    return text && text[0] ? arena_strdup(arena, text) : NULL;
}

static enum err_code change_need(struct refining *r, struct err *err)
{
    struct arena *arena = r->call->arena;
    for (size_t i = 0; i < r->wish.set.count; i++) {
        const struct change_wish *change = &r->wish.set.items[i];
        const char *value = scalar(change->value, arena);
        const char *was = requirement_text(r->asked, change->path, arena);
        enum err_code rc = requirement_set(r->asked, change->path, value, arena, err);
        if (rc)
            return rc;
        *LIST_ADD(arena, &r->done->set) = (struct solution_change){change->path, value, was};
    }
    return requirement_check(r->asked, err);
}

/* ---- pins ---- */

static bool same_instance(const struct solution_pin *a, const struct solution_pin *b)
{
    return str_eq(a->component, b->component) && a->instance.set == b->instance.set &&
           (!a->instance.set || a->instance.value == b->instance.value);
}

static void add_pin(struct refining *r, const struct solution_pin *pin)
{
    *LIST_ADD(r->call->arena, &r->spec->pins) = *pin;
}

/* A pin of all instances, but for one that is pinned otherwise now: pins of the others. */
static void spread_pin(struct refining *r, const struct solution_pin *all, int64_t but)
{
    const struct requirement_component *component = requirement_find(r->asked, all->component);
    int64_t count = component ? requirement_instances(r->asked, component) : 0;
    for (int64_t i = 0; i < count && i < MAX_DECISIONS; i++) {
        struct solution_pin one = {all->component, {true, i}, all->site};
        if (i != but)
            add_pin(r, &one);
    }
}

/* One wish over the pins so far: it replaces what it names. */
static void apply_pin(struct refining *r, const struct solution_pin *wish)
{
    struct solution_pin *old = r->spec->pins.items;
    size_t count = r->spec->pins.count;
    r->spec->pins.items = NULL;
    r->spec->pins.count = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = str_eq(old[i].component, wish->component);
        if (!same || (wish->instance.set && old[i].instance.set && !same_instance(&old[i], wish)))
            add_pin(r, &old[i]);
        else if (wish->instance.set && !old[i].instance.set)
            spread_pin(r, &old[i], wish->instance.value);
    }
    if (wish->site && wish->site[0])
        add_pin(r, wish);
}

static bool same_exclusion(const struct solution_exclusion *a, const struct solution_exclusion *b)
{
    return str_eq(a->component, b->component) && str_eq(a->site, b->site);
}

static void apply_exclusion(struct refining *r, const struct solution_exclusion *wish, bool add)
{
    struct solution_exclusion *old = r->spec->exclusions.items;
    size_t count = r->spec->exclusions.count;
    r->spec->exclusions.items = NULL;
    r->spec->exclusions.count = 0;
    for (size_t i = 0; i < count; i++)
        if (!same_exclusion(&old[i], wish))
            *LIST_ADD(r->call->arena, &r->spec->exclusions) = old[i];
    if (add)
        *LIST_ADD(r->call->arena, &r->spec->exclusions) = *wish;
}

static enum err_code decide(struct refining *r, struct err *err)
{
    struct arena *arena = r->call->arena;
    /* Lists that were decoded may have any capacity: what grows is a copy. */
    for (size_t i = 0; i < r->before.pins.count; i++)
        add_pin(r, &r->before.pins.items[i]);
    for (size_t i = 0; i < r->before.exclusions.count; i++)
        *LIST_ADD(arena, &r->spec->exclusions) = r->before.exclusions.items[i];
    for (size_t i = 0; i < r->wish.pins.count; i++)
        apply_pin(r, &r->wish.pins.items[i]);
    for (size_t i = 0; i < r->wish.exclusions.count; i++)
        apply_exclusion(r, &r->wish.exclusions.items[i], true);
    for (size_t i = 0; i < r->wish.allowed.count; i++)
        apply_exclusion(r, &r->wish.allowed.items[i], false);
    if (r->spec->pins.count > MAX_DECISIONS || r->spec->exclusions.count > MAX_DECISIONS)
        return err_set(err, ERR_TOO_LARGE, "a solution takes at most %d pins and %d exclusions",
                       MAX_DECISIONS, MAX_DECISIONS);
    r->done->pins.items = r->wish.pins.items;
    r->done->pins.count = r->wish.pins.count;
    r->done->exclusions.items = r->wish.exclusions.items;
    r->done->exclusions.count = r->wish.exclusions.count;
    r->done->allowed.items = r->wish.allowed.items;
    r->done->allowed.count = r->wish.allowed.count;
    return ERR_OK;
}

/* ---- from what ---- */

static enum err_code candidate_of(const struct business_solution *set, int64_t choice,
                                  const char *field, const struct solution **out, struct err *err)
{
    size_t count = set->answer->solutions.count;
    if (choice < 0 || (size_t)choice >= count) {
        err_set(err, ERR_INVALID, "version %lld holds %zu candidates", (long long)set->number,
                count);
        return err_field(err, "%s", field);
    }
    *out = &set->answer->solutions.items[choice];
    return ERR_OK;
}

static enum err_code prefer(struct refining *r, struct err *err)
{
    const struct solution *candidate = NULL;
    enum err_code rc = candidate_of(&r->before, r->wish.choice.value, "choice", &candidate, err);
    if (rc)
        return rc;
    r->spec->objective = r->before.objective;
    if (r->wish.choice.set) /* "balanced" is none of the objectives: then as before */
        r->spec->objective = json_enum_find(requirement_objective_names, candidate->objective);
    if (r->wish.objective)
        r->spec->objective = r->wish.objective;
    if (!r->spec->objective)
        r->spec->objective = r->before.objective;
    return ERR_OK;
}

static enum err_code load_asked(struct refining *r, struct store_tx *tx, struct err *err)
{
    struct business_requirement need;
    struct arena *arena = r->call->arena;
    const char *id = r->before.requirement_id;
    if (r->before.asked)
        return requirement_copy(r->before.asked, &r->asked, arena, err);
    if (!id)
        return requirement_copy(r->before.requirement, &r->asked, arena, err);
    enum err_code rc = business_requirement_load(tx, arena_strndup(arena, id, strcspn(id, "@")),
                                                 api_tenant(r->call), &need, NULL, arena, err);
    return rc ? rc : requirement_copy(need.requirement, &r->asked, arena, err);
}

static enum err_code load_before(struct refining *r, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct api_call *call = r->call;
    const char *id = call->params[0];
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, id, 0, api_tenant(call), &r->before, NULL, call->arena,
                                     err)) ||
        (rc = business_solution_status(tx, id, NULL, &r->status, call->arena, err)) ||
        (rc = load_asked(r, tx, err)))
        return rc;
    if (!r->wish.version.set || r->wish.version.value == r->before.number)
        return ERR_OK;
    err_set(err, ERR_PRECONDITION, "solution '%s' has version %lld now, not %lld", id,
            (long long)r->before.number, (long long)r->wish.version.value);
    err_hint(err, "look at the newest, then refine again");
    return err_field(err, "version");
}

static enum err_code refine(struct api_call *call, struct err *err)
{
    struct api_design design = {.stage = {.call = call, .existing = call->params[0]}};
    struct solution_refinement *done = arena_zalloc(call->arena, sizeof *done);
    struct refining r = {.call = call, .done = done, .spec = &design.spec};
    enum err_code rc;
    call->object = arena_printf(call->arena, "solutions/%s", call->params[0]);
    if ((rc = api_decode(call, &refine_table, &r.wish, err)) ||
        (rc = api_if_match(call, "solutions", call->params[0], &design.expected, err)) ||
        (rc = load_before(&r, err)) || (rc = prefer(&r, err)) || (rc = change_need(&r, err)) ||
        (rc = decide(&r, err)))
        return rc;
    done->from = r.before.number;
    done->choice = r.wish.choice.value;
    done->by = call->actor.user;
    done->at_ms = clock_now_ms();
    done->note = r.wish.note;
    design.spec.refinement = done;
    design.spec.requirement_id = r.before.requirement_id;
    design.spec.asked = r.asked;
    design.asked = r.asked;
    design.time_limit_s = r.wish.time_limit_s;
    design.reserve_s = r.wish.reserve_s.set || r.status.hold.seconds <= 0
                           ? api_reserve_s(call, r.wish.reserve_s)
                           : r.status.hold.seconds;
    return api_design_and_store(&design, err);
}

/* ---- choose, confirm ---- */

struct mark_wish {
    struct opt_int version, choice;
};
static const struct json_field mark_fields[] = {
    JSON_FIELD_RANGE("version", JSON_OPT_INT, struct mark_wish, version, 0, 1, 1e9,
                     "version of the set; absent = the newest"),
    JSON_FIELD_RANGE("choice", JSON_OPT_INT, struct mark_wish, choice, 0, 0, 1000,
                     "index of the candidate; absent = the chosen one, else the first"),
};
static const struct json_table mark_table =
    JSON_TABLE("MarkWish", struct mark_wish, mark_fields, "which candidate", NULL);

struct mark_stage {
    struct api_stage stage;
    enum business_solution_event event;
    struct mark_wish wish;
    int64_t expected;
};

static enum err_code check_version(struct store_tx *tx, const struct mark_stage *mark,
                                   struct err *err)
{
    struct store_record record;
    struct api_call *call = mark->stage.call;
    enum err_code rc = store_get(tx, "solutions", mark->stage.existing, &record, call->arena, err);
    if (rc == ERR_NOT_FOUND ||
        (!rc && !api_may_see(call, api_collection_find("solutions"), &record)))
        return err_set(err, ERR_NOT_FOUND, "no solution is named '%s'", mark->stage.existing);
    if (rc || !mark->expected || record.version == mark->expected)
        return rc;
    return err_set(err, ERR_PRECONDITION, "'%s' has version %lld, not %lld", record.id,
                   (long long)record.version, (long long)mark->expected);
}

static enum err_code mark_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    const struct mark_stage *mark = (struct mark_stage *)stage;
    struct api_call *call = stage->call;
    struct business_marking marking = {stage->existing, mark->event, mark->wish.version.value,
                                       mark->wish.choice.set ? mark->wish.choice.value : -1};
    struct business_marked marked;
    enum err_code rc;
    if ((rc = check_version(tx, mark, err)) ||
        (rc = api_act_for(call, tx, "solutions", stage->existing, err)) ||
        (rc = business_solution_mark(tx, &marking, &call->actor, &marked, call->arena, err)))
        return rc;
    if (marked.unchanged || marked.hold.state != SOLUTION_HOLD_HELD)
        return ERR_OK;
    struct compute_reservation wish = {stage->existing, marked.requirement, marked.candidate,
                                       marked.hold.expires_ms};
    return compute_reserve(tx, &wish, &call->actor, err);
}

static enum err_code mark(struct api_call *call, enum business_solution_event event,
                          struct err *err)
{
    struct mark_stage stage = {.stage = {.call = call,
                                         .collection = "solutions",
                                         .body = mark_body,
                                         .existing = call->params[0]},
                               .event = event};
    enum err_code rc;
    call->object = arena_printf(call->arena, "solutions/%s", call->params[0]);
    if ((rc = api_decode(call, &mark_table, &stage.wish, err)) ||
        (rc = api_if_match(call, "solutions", call->params[0], &stage.expected, err)))
        return rc;
    return api_stage_store(&stage.stage, err);
}

static enum err_code choose(struct api_call *call, struct err *err)
{
    return mark(call, BUSINESS_CHOOSE, err);
}

static enum err_code confirm(struct api_call *call, struct err *err)
{
    return mark(call, BUSINESS_CONFIRM, err);
}

/* ---- letting go ---- */

static enum err_code release_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct api_call *call = stage->call;
    struct store_record record;
    enum err_code rc = store_get(tx, stage->collection, stage->existing, &record, call->arena, err);
    const struct api_collection *collection = api_collection_find(stage->collection);
    if (rc == ERR_NOT_FOUND || (!rc && !api_may_see(call, collection, &record)))
        return err_set(err, ERR_NOT_FOUND, "no %s is named '%s'", collection->singular,
                       stage->existing);
    if (rc || (rc = api_act_for(call, tx, stage->collection, stage->existing, err)) ||
        (rc = business_hold_ended(tx, stage->existing, SOLUTION_HOLD_RELEASED, &call->actor, err)))
        return rc;
    return compute_release(tx, stage->existing, &call->actor, err);
}

static enum err_code release(struct api_call *call, const char *collection, struct err *err)
{
    struct api_stage stage = {
        .call = call, .collection = collection, .body = release_body, .existing = call->params[0]};
    call->object = arena_printf(call->arena, "%s/%s", collection, call->params[0]);
    return api_stage_store(&stage, err);
}

static enum err_code release_solution(struct api_call *call, struct err *err)
{
    return release(call, "solutions", err);
}

static enum err_code release_order(struct api_call *call, struct err *err)
{
    return release(call, "orders", err);
}

/* ---- versions ---- */

static enum err_code get_version(struct api_call *call, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_record record;
    struct business_solution set;
    int64_t number;
    enum err_code rc;
    if (str_to_int64(call->params[1], &number, NULL) || number < 1)
        return err_set(err, ERR_NOT_FOUND, "a version is a number from 1");
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, call->params[0], 0, api_tenant(call), &set, NULL,
                                     call->arena, err)) ||
        (number != set.number && (rc = business_solution_load(tx, call->params[0], number, NULL,
                                                              &set, NULL, call->arena, err))))
        return rc;
    CLEANUP(buf_done) struct buf spec = BUF_INIT;
    json_encode(&business_solution_table, &set, JSON_COMPACT, &spec);
    if ((rc = store_get(tx, "solutions", call->params[0], &record, call->arena, err)))
        return rc;
    /* A version stays as it is; when it was made is its own affair. */
    record = (struct store_record){
        .collection = "solution-versions",
        .id = arena_printf(call->arena, "%s@%lld", call->params[0], (long long)number),
        .tenant = record.tenant,
        .version = 1,
        .created_ms = set.refinement ? set.refinement->at_ms : record.created_ms,
        .updated_ms = set.refinement ? set.refinement->at_ms : record.created_ms,
        .spec = buf_str(&spec)};
    api_answer_known_record(call, &record);
    return ERR_OK;
}

/* ---- diff ---- */

static enum err_code query_number(struct api_call *call, const char *name, int64_t least,
                                  int64_t *out, struct err *err)
{
    const char *text = http_query(call->request, name);
    if (!text)
        return ERR_OK;
    if (!str_to_int64(text, out, NULL) && *out >= least)
        return ERR_OK;
    err_set(err, ERR_INVALID, "%s is a number from %lld", name, (long long)least);
    return err_field(err, "%s", name);
}

static enum err_code diff(struct api_call *call, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct business_solution to, from;
    int64_t numbers[2] = {0, 0}, choices[2] = {0, 0};
    const struct solution *a = NULL, *b = NULL;
    struct solution_diff out = {.currency = NULL};
    const char *id = call->params[0];
    enum err_code rc;
    if ((rc = query_number(call, "from", 1, &numbers[0], err)) ||
        (rc = query_number(call, "to", 1, &numbers[1], err)) ||
        (rc = query_number(call, "from_choice", 0, &choices[0], err)) ||
        (rc = query_number(call, "to_choice", 0, &choices[1], err)) ||
        (rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, id, numbers[1], api_tenant(call), &to, NULL, call->arena,
                                     err)))
        return rc;
    bool candidates = http_query(call->request, "from_choice") && choices[0] != choices[1];
    if (!numbers[0]) /* the one before, or another candidate of the same */
        numbers[0] = candidates || !to.refinement ? to.number : to.refinement->from;
    if ((rc = business_solution_load(tx, id, numbers[0], NULL, &from, NULL, call->arena, err)) ||
        (rc = candidate_of(&from, choices[0], "from_choice", &a, err)) ||
        (rc = candidate_of(&to, choices[1], "to_choice", &b, err)))
        return rc;
    solution_compare(a, b, &out, call->arena);
    out.from.version = from.number;
    out.from.choice = choices[0];
    out.to.version = to.number;
    out.to.choice = choices[1];
    if ((rc = solution_compare_needs(from.requirement, to.requirement, &out, call->arena, err)))
        return rc;
    api_answer_table(call, &solution_diff_table, &out);
    return ERR_OK;
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/solutions/{id}/refine", ACCESS_CUSTOMER,
     API_DRY_RUN | API_IF_MATCH | API_LONG, &refine_table, NULL, "solutions", NULL,
     "design again over a changed need, as the next version", refine},
    {"POST", "/api/v1/solutions/{id}/choose", ACCESS_CUSTOMER, API_DRY_RUN | API_IF_MATCH,
     &mark_table, NULL, "solutions", NULL, "say which candidate is wanted", choose},
    {"POST", "/api/v1/solutions/{id}/confirm", ACCESS_CUSTOMER, API_DRY_RUN | API_IF_MATCH,
     &mark_table, NULL, "solutions", NULL, "say which candidate may be ordered", confirm},
    {"POST", "/api/v1/solutions/{id}/release", ACCESS_CUSTOMER, API_DRY_RUN, NULL, NULL,
     "solutions", NULL, "give back the room that is held for a solution", release_solution},
    {"POST", "/api/v1/orders/{id}/release", ACCESS_CUSTOMER, API_DRY_RUN, NULL, NULL, "orders",
     NULL, "give back the room that is held for an order", release_order},
    {"GET", "/api/v1/solutions/{id}/versions/{number}", ACCESS_VIEWER, 0, NULL, NULL,
     "solution-versions", NULL, "one version of a solution set", get_version},
    {"GET", "/api/v1/solutions/{id}/diff", ACCESS_VIEWER, 0, NULL, &solution_diff_table, NULL,
     "from to from_choice to_choice", "what differs between two versions or candidates", diff},
};
const struct api_routes api_routes_refine = {routes, ARRAY_LEN(routes)};

/* twin.c - the graph's tables: what begins, what ends, what was seen.
 *
 * Contract: a row is never deleted.  An entity or edge that ends gets valid_to; one that comes
 * again gets a new row.  Each change of an entity's state is journalled once, and kept in
 * twin_states, from which the state at any moment is read.  All writes are in the caller's
 * transaction, beside the journal entry that caused them. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "twin/model/twin_priv.h"

static const struct store_migration migrations[] = {
    {1, "twin: entities and edges with validity",
     "CREATE TABLE twin_entities ("
     " id TEXT NOT NULL, valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL,"
     " layer BIGINT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, deployment TEXT NOT NULL,"
     " state BIGINT NOT NULL, origin BIGINT NOT NULL, simulated BIGINT NOT NULL,"
     " seen_at BIGINT NOT NULL, note TEXT, attributes TEXT,"
     " PRIMARY KEY (id, valid_from));"
     "CREATE INDEX twin_entities_deployment ON twin_entities (deployment, valid_to);"
     "CREATE TABLE twin_edges ("
     " from_id TEXT NOT NULL, relation BIGINT NOT NULL, to_id TEXT NOT NULL,"
     " valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL, origin BIGINT NOT NULL,"
     " deployment TEXT NOT NULL,"
     " PRIMARY KEY (from_id, relation, to_id, valid_from));"
     "CREATE INDEX twin_edges_deployment ON twin_edges (deployment, valid_to)"},
    {2, "twin: states of entities over time, edges by their end",
     "CREATE TABLE twin_states ("
     " id TEXT NOT NULL, at_ms BIGINT NOT NULL, state BIGINT NOT NULL, note TEXT,"
     " PRIMARY KEY (id, at_ms));"
     "CREATE INDEX twin_edges_to ON twin_edges (to_id, valid_to);"
     "INSERT INTO twin_states (id, at_ms, state, note)"
     " SELECT id, valid_from, state, note FROM twin_entities WHERE valid_to = 0"},
};
const struct store_module twin_store_module = {"twin", migrations, ARRAY_LEN(migrations)};

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

static const struct json_field attributes_fields[] = {
    JSON_FIELD("items", JSON_STRING_MAP, struct twin_attributes, items, JSON_KEEP, "particulars"),
};
const struct json_table twin_attributes_table = JSON_TABLE(
    "TwinAttributes", struct twin_attributes, attributes_fields, "particulars of an entity", NULL);

static enum err_code journal_change(struct store_tx *tx, const char *id, int before, int after,
                                    const char *text, const struct store_actor *actor,
                                    struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "before", json_enum_name(twin_state_names, before));
    json_member_text(&w, "after", json_enum_name(twin_state_names, after));
    if (text)
        json_member_text(&w, "text", text);
    json_end(&w, '}');
    return store_append(tx, "twin", id, "state-changed", buf_str(&body), actor, NULL, err);
}

static enum err_code keep_state(struct store_tx *tx, const char *id, int64_t at, int state,
                                const char *text, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(id), STORE_V_INT(at), STORE_V_INT(state),
                                 STORE_V_TEXT(text)};
    return store_exec(tx,
                      "INSERT INTO twin_states (id, at_ms, state, note) VALUES ($1, $2, $3, $4)"
                      " ON CONFLICT (id, at_ms) DO UPDATE SET state = $3, note = $4",
                      args, ARRAY_LEN(args), NULL, err);
}

/* The row of the living entity among `ids` (2 to 4 of them may be asked, NULL fills up): id, state,
 * attributes.  No row when none lives. */
static enum err_code find_living(struct store_tx *tx, const char *const ids[4],
                                 struct store_rows *out, struct arena *arena, struct err *err)
{
    struct store_value args[4];
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        args[i] = STORE_V_TEXT(ids[i] ? ids[i] : ids[0]);
    return store_query(tx,
                       "SELECT id, state, attributes FROM twin_entities"
                       " WHERE id IN ($1, $2, $3, $4) AND valid_to = 0",
                       args, ARRAY_LEN(args), 4, out, arena, err);
}

static enum err_code insert_entity(struct store_tx *tx, const struct twin_entity *entity,
                                   const char *attributes, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(entity->id),
                                 STORE_V_INT(entity->valid_from),
                                 STORE_V_INT(entity->layer),
                                 STORE_V_TEXT(entity->kind),
                                 STORE_V_TEXT(entity->name ? entity->name : entity->id),
                                 STORE_V_TEXT(entity->deployment ? entity->deployment : ""),
                                 STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->origin),
                                 STORE_V_INT(entity->simulated),
                                 STORE_V_INT(entity->seen_at),
                                 STORE_V_TEXT(entity->text),
                                 STORE_V_TEXT(attributes)};
    /* The same id in the same millisecond: it ended and began again before the clock moved. */
    enum err_code rc = store_exec(
        tx,
        "INSERT INTO twin_entities (id, valid_from, valid_to, layer, kind, name,"
        " deployment, state, origin, simulated, seen_at, note, attributes)"
        " VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (id, valid_from) DO UPDATE SET valid_to = 0, state = $7, origin = $8,"
        " seen_at = $10, note = $11, attributes = $12",
        args, ARRAY_LEN(args), NULL, err);
    return rc ? rc
              : keep_state(tx, entity->id, entity->valid_from, entity->state, entity->text, err);
}

static enum err_code update_entity(struct store_tx *tx, const struct twin_entity *entity,
                                   int before, const char *attributes, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(entity->id),
                                 STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->origin),
                                 STORE_V_INT(entity->seen_at),
                                 STORE_V_TEXT(entity->text),
                                 STORE_V_TEXT(attributes),
                                 STORE_V_TEXT(entity->name ? entity->name : entity->id)};
    enum err_code rc = store_exec(tx,
                                  "UPDATE twin_entities SET state = $2, origin = $3, seen_at = $4,"
                                  " note = $5, attributes = $6, name = $7"
                                  " WHERE id = $1 AND valid_to = 0",
                                  args, ARRAY_LEN(args), NULL, err);
    if (rc || before == entity->state)
        return rc;
    if ((rc = keep_state(tx, entity->id, entity->valid_from, entity->state, entity->text, err)))
        return rc;
    return journal_change(tx, entity->id, before, entity->state, entity->text, &system_actor, err);
}

/* Begins an entity, or brings a living one up to date. */
static enum err_code begin_entity(struct store_tx *tx, const struct twin_entity *entity,
                                  struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct twin_attributes attributes = {0};
    struct store_rows rows;
    attributes.items.items = entity->attributes.items;
    attributes.items.count = entity->attributes.count;
    json_encode(&twin_attributes_table, &attributes, JSON_COMPACT, &text);
    const char *const ids[4] = {entity->id};
    enum err_code rc = find_living(tx, ids, &rows, &arena, err);
    if (rc)
        return rc;
    if (rows.count == 0)
        return insert_entity(tx, entity, buf_str(&text), err);
    int before = (int)store_cell(&rows, 0, 1)->integer;
    return update_entity(tx, entity, before, buf_str(&text), err);
}

/* Begins an entity that many deployments share; what is known of a living one stays. */
static enum err_code share_entity(struct store_tx *tx, const struct twin_entity *entity,
                                  struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    const char *const ids[4] = {entity->id};
    enum err_code rc = find_living(tx, ids, &rows, &arena, err);
    if (rc)
        return rc;
    if (rows.count == 0)
        return insert_entity(tx, entity, "{\"items\":{}}", err);
    int before = (int)store_cell(&rows, 0, 1)->integer;
    if (before == entity->state)
        return ERR_OK;
    struct store_value args[] = {STORE_V_TEXT(entity->id), STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->seen_at), STORE_V_TEXT(entity->text)};
    if ((rc = store_exec(tx,
                         "UPDATE twin_entities SET state = $2, seen_at = $3, note = $4"
                         " WHERE id = $1 AND valid_to = 0",
                         args, ARRAY_LEN(args), NULL, err)) ||
        (rc = keep_state(tx, entity->id, entity->valid_from, entity->state, entity->text, err)))
        return rc;
    return journal_change(tx, entity->id, before, entity->state, entity->text, &system_actor, err);
}

static enum err_code begin_edge(struct store_tx *tx, const char *from, int relation, const char *to,
                                int origin, const char *deployment, int64_t now, struct err *err)
{
    struct store_value key[] = {STORE_V_TEXT(from), STORE_V_INT(relation), STORE_V_TEXT(to)};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT valid_from FROM twin_edges WHERE from_id = $1 AND"
                                   " relation = $2 AND to_id = $3 AND valid_to = 0",
                                   key, 3, 1, &rows, &arena, err);
    if (rc || rows.count)
        return rc;
    struct store_value insert[] = {STORE_V_TEXT(from),  STORE_V_INT(relation),
                                   STORE_V_TEXT(to),    STORE_V_INT(now),
                                   STORE_V_INT(origin), STORE_V_TEXT(deployment)};
    return store_exec(tx,
                      "INSERT INTO twin_edges (from_id, relation, to_id, valid_from, valid_to,"
                      " origin, deployment) VALUES ($1, $2, $3, $4, 0, $5, $6)"
                      " ON CONFLICT (from_id, relation, to_id, valid_from) DO UPDATE SET"
                      " valid_to = 0",
                      insert, ARRAY_LEN(insert), NULL, err);
}

/* Ends the entity and its edges, and the application versions that nothing depends on any more. */
static enum err_code end_entity(struct store_tx *tx, const char *id, int64_t now, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(id), STORE_V_INT(now), STORE_V_INT(TWIN_DEPENDS_ON)};
    static const char *const statements[] = {
        "UPDATE twin_entities SET valid_to = $2 WHERE id = $1 AND valid_to = 0",
        "UPDATE twin_edges SET valid_to = $2 WHERE from_id = $1 AND valid_to = 0",
        "UPDATE twin_edges SET valid_to = $2 WHERE to_id = $1 AND valid_to = 0",
    };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < ARRAY_LEN(statements); i++)
        rc = store_exec(tx, statements[i], args, 2, NULL, err);
    if (rc)
        return rc;
    return store_exec(tx,
                      "UPDATE twin_entities SET valid_to = $2 WHERE valid_to = 0 AND"
                      " kind = 'application' AND id IN (SELECT to_id FROM twin_edges WHERE"
                      " from_id = $1 AND relation = $3) AND NOT EXISTS (SELECT 1 FROM twin_edges"
                      " AS living WHERE living.to_id = twin_entities.id AND living.valid_to = 0)",
                      args, 3, NULL, err);
}

static const struct {
    int task, layer;
    const char *kind;
} parts[] = {
    {TASK_SERVER, TWIN_VIRTUAL, "server"},
    {TASK_BANDWIDTH, TWIN_VIRTUAL, "bandwidth"},
    {TASK_ADDRESS, TWIN_VIRTUAL, "address"},
    {TASK_INSTANCE, TWIN_APPLICATION, "instance"},
};

static const char *kind_of(int task_kind, int *ret_layer)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].task == task_kind) {
            *ret_layer = parts[i].layer;
            return parts[i].kind;
        }
    return NULL;
}

static void attribute(struct arena *arena, struct twin_entity *entity, const char *name,
                      const char *value)
{
    if (value && *value)
        *LIST_ADD(arena, &entity->attributes) = (struct json_string_pair){name, value};
}

static enum err_code made(struct store_tx *tx, const struct run_spec *run,
                          const struct plan_task *task, const struct run_task *state,
                          const char *kind, int layer, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const struct plan_task_spec *spec = &task->spec;
    const struct plan_task_result *result = state->result;
    int64_t now = state->ended_at ? state->ended_at : clock_now_ms();
    struct twin_entity entity = {.id = arena_printf(&arena, "%s/%s", kind, spec->name),
                                 .layer = layer,
                                 .kind = kind,
                                 .name = spec->name,
                                 .deployment = run->deployment,
                                 .state = TWIN_UP,
                                 .origin = TWIN_DECLARED,
                                 .simulated = task->simulated,
                                 .valid_from = now,
                                 .seen_at = now,
                                 .text = "opened and verified"};
    attribute(&arena, &entity, "component", spec->component);
    attribute(&arena, &entity, "provider", task->provider);
    if (result) {
        attribute(&arena, &entity, "ref", result->ref);
        attribute(&arena, &entity, "address", result->address);
        attribute(&arena, &entity, "url", result->url);
        attribute(&arena, &entity, "note", result->note);
    }
    struct twin_entity site = {.id = arena_printf(&arena, "site/%s", task->site),
                               .layer = TWIN_PHYSICAL,
                               .kind = "site",
                               .name = task->site,
                               .state = TWIN_UP,
                               .origin = TWIN_DECLARED,
                               .simulated = task->simulated,
                               .valid_from = now,
                               .seen_at = now,
                               .text = "a task ended there"};
    const char *deployment = arena_printf(&arena, "deployment/%s", run->deployment);
    enum err_code rc;
    if ((rc = share_entity(tx, &site, err)) || (rc = begin_entity(tx, &entity, err)) ||
        (rc = begin_edge(tx, entity.id, TWIN_RUNS_ON, site.id, TWIN_DECLARED, run->deployment, now,
                         err)) ||
        (rc = begin_edge(tx, entity.id, TWIN_PART_OF, deployment, TWIN_DECLARED, run->deployment,
                         now, err)))
        return rc;
    if (spec->target && (task->kind == TASK_ADDRESS || task->kind == TASK_BANDWIDTH)) {
        const char *target = arena_printf(&arena, "server/%s", spec->target);
        if ((rc = begin_edge(tx, entity.id, TWIN_CONNECTS, target, TWIN_DECLARED, run->deployment,
                             now, err)))
            return rc;
    }
    if (!spec->application)
        return ERR_OK;
    struct twin_entity application = {.id =
                                          arena_printf(&arena, "application/%s", spec->application),
                                      .layer = TWIN_APPLICATION,
                                      .kind = "application",
                                      .name = spec->application,
                                      .state = TWIN_UP,
                                      .origin = TWIN_DECLARED,
                                      .valid_from = now,
                                      .text = spec->artefact_digest};
    if ((rc = share_entity(tx, &application, err)))
        return rc;
    return begin_edge(tx, entity.id, TWIN_DEPENDS_ON, application.id, TWIN_DECLARED,
                      run->deployment, now, err);
}

enum err_code twin_on_task(struct store_tx *tx, const struct run_spec *run,
                           const struct plan_task *task, const struct run_task *state,
                           struct err *err)
{
    int layer = 0;
    const char *kind = kind_of(task->kind, &layer);
    if (!kind)
        return ERR_OK;
    bool opening = str_eq(run->purpose, "open");
    if (state->state == RUN_TASK_SUCCEEDED && opening)
        return made(tx, run, task, state, kind, layer, err);
    if (state->state != RUN_TASK_UNDONE && !(state->state == RUN_TASK_SUCCEEDED && !opening))
        return ERR_OK;
    char *id = mem_printf("%s/%s", kind, task->spec.name);
    enum err_code rc = end_entity(tx, id, clock_now_ms(), err);
    mem_free(id);
    return rc;
}

static int state_of_deployment(int state)
{
    switch (state) {
    case DEPLOYMENT_UP:
        return TWIN_UP;
    case DEPLOYMENT_DEGRADED:
        return TWIN_DEGRADED;
    case DEPLOYMENT_DOWN:
        return TWIN_DEAD;
    default:
        return TWIN_UNKNOWN;
    }
}

enum err_code twin_on_deployment(struct store_tx *tx, const char *deployment, const char *title,
                                 const struct deployment_status *status, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    int64_t now = clock_now_ms();
    const char *id = arena_printf(&arena, "deployment/%s", deployment);
    if (status->state == DEPLOYMENT_REMOVED || status->state == DEPLOYMENT_FAILED)
        return end_entity(tx, id, now, err);
    struct twin_entity entity = {.id = id,
                                 .layer = TWIN_BUSINESS,
                                 .kind = "deployment",
                                 .name = title ? title : deployment,
                                 .deployment = deployment,
                                 .state = state_of_deployment(status->state),
                                 .origin = TWIN_DECLARED,
                                 .simulated = status->simulated,
                                 .valid_from = now,
                                 .seen_at = now,
                                 .text = deployment_state_names[status->state]};
    for (size_t i = 0; i < status->urls.count && i < 8; i++)
        attribute(&arena, &entity, arena_printf(&arena, "url%zu", i), status->urls.items[i]);
    return begin_entity(tx, &entity, err);
}

/* What the opening said, with what was measured beside it; NULL when nothing was measured. */
static enum err_code merge_measured(const char *known, const struct twin_observation *observation,
                                    char **ret_text, struct arena *arena, struct err *err)
{
    struct twin_attributes old = {0}, merged = {0};
    *ret_text = NULL;
    if (!observation->cpu_percent.set && !observation->memory_mib.set)
        return ERR_OK;
    enum err_code rc =
        known ? json_decode_stored(known, &twin_attributes_table, &old, arena, err) : ERR_OK;
    if (rc)
        return rc;
    for (size_t i = 0; i < old.items.count; i++)
        if (!str_eq(old.items.items[i].name, "cpu_percent") &&
            !str_eq(old.items.items[i].name, "memory_mib"))
            *LIST_ADD(arena, &merged.items) = old.items.items[i];
    if (observation->cpu_percent.set)
        *LIST_ADD(arena, &merged.items) = (struct json_string_pair){
            "cpu_percent", arena_printf(arena, "%.1f", observation->cpu_percent.value)};
    if (observation->memory_mib.set)
        *LIST_ADD(arena, &merged.items) = (struct json_string_pair){
            "memory_mib", arena_printf(arena, "%.1f", observation->memory_mib.value)};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&twin_attributes_table, &merged, JSON_COMPACT, &text);
    *ret_text = arena_strdup(arena, buf_str(&text));
    return ERR_OK;
}

/* Writes what was seen of the living one of `ids`; of none when none lives. */
static enum err_code observe(struct store_tx *tx, const char *const ids[4],
                             const struct twin_observation *seen, const struct store_actor *actor,
                             struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    char *attributes;
    enum err_code rc = find_living(tx, ids, &rows, &arena, err);
    if (rc || rows.count == 0)
        return rc;
    const char *id = store_cell(&rows, 0, 0)->text;
    int before = (int)store_cell(&rows, 0, 1)->integer;
    if ((rc = merge_measured(store_cell(&rows, 0, 2)->text, seen, &attributes, &arena, err)))
        return rc;
    struct store_value args[] = {STORE_V_TEXT(id),           STORE_V_INT(seen->state),
                                 STORE_V_INT(seen->at),      STORE_V_TEXT(seen->text),
                                 STORE_V_INT(TWIN_OBSERVED), STORE_V_TEXT(attributes)};
    if ((rc = store_exec(tx,
                         "UPDATE twin_entities SET state = $2, seen_at = $3, note = $4,"
                         " origin = $5, attributes = COALESCE(CAST($6 AS TEXT), attributes)"
                         " WHERE id = $1 AND valid_to = 0",
                         args, ARRAY_LEN(args), NULL, err)) ||
        before == seen->state || (rc = keep_state(tx, id, seen->at, seen->state, seen->text, err)))
        return rc;
    return journal_change(tx, id, before, seen->state, seen->text, actor, err);
}

enum err_code twin_observed(struct store_tx *tx, const struct twin_observation *observations,
                            size_t count, const struct store_actor *actor, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        const char *ids[4];
        _Static_assert(ARRAY_LEN(parts) == ARRAY_LEN(ids), "one id for each kind of part");
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            ids[k] = arena_printf(&arena, "%s/%s", parts[k].kind, observations[i].name);
        rc = observe(tx, ids, &observations[i], actor, err);
    }
    return rc;
}

enum err_code twin_site_state(struct store_tx *tx, const char *site, int state, const char *text,
                              int64_t at, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *const ids[4] = {arena_printf(&arena, "site/%s", site)};
    struct twin_observation seen = {.name = site, .state = state, .text = text, .at = at};
    return observe(tx, ids, &seen, &system_actor, err);
}

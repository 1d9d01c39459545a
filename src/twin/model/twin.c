/* twin.c - what the workflow and the observers tell the twin: what begins, what ends, what was
 * seen.
 *
 * Contract: every write is in the caller's transaction, beside the journal entry that caused it;
 * a call that comes twice makes nothing twice.  How rows and facts are written: write.c. */
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
    {3, "twin: expiry and confidence; packs of the graph",
     "ALTER TABLE twin_entities ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;"
     "ALTER TABLE twin_entities ADD COLUMN confidence DOUBLE PRECISION NOT NULL DEFAULT 1;"
     "ALTER TABLE twin_edges ADD COLUMN state BIGINT NOT NULL DEFAULT 1;"
     "ALTER TABLE twin_edges ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;"
     "ALTER TABLE twin_edges ADD COLUMN confidence DOUBLE PRECISION NOT NULL DEFAULT 1;"
     "CREATE TABLE twin_packs ("
     " pack TEXT PRIMARY KEY NOT NULL, position BIGINT NOT NULL, at_ms BIGINT NOT NULL,"
     " parts BIGINT NOT NULL, entities BIGINT NOT NULL, edges BIGINT NOT NULL);"
     "CREATE TABLE twin_pack_parts ("
     " pack TEXT NOT NULL, part BIGINT NOT NULL, made_ms BIGINT NOT NULL, body BYTEA NOT NULL,"
     " PRIMARY KEY (pack, part))"},
};
const struct store_module twin_store_module = {"twin", migrations, ARRAY_LEN(migrations)};

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

static enum err_code join(struct twin_write *w, const char *from, int relation, const char *to,
                          const char *deployment, int64_t now, struct err *err)
{
    struct twin_change_edge edge = {.from = from,
                                    .to = to,
                                    .relation = relation,
                                    .state = TWIN_UP,
                                    .origin = TWIN_DECLARED,
                                    .valid_from = now};
    return twin_begin_edge(w, &edge, deployment, err);
}

struct part { /* what a task opens */
    const char *kind;
    int layer;
};

static enum err_code made(struct twin_write *w, const struct run_spec *run,
                          const struct plan_task *task, const struct run_task *state,
                          struct part part, struct err *err)
{
    struct arena *arena = w->arena;
    const struct plan_task_spec *spec = &task->spec;
    const struct plan_task_result *result = state->result;
    int64_t now = state->ended_at ? state->ended_at : clock_now_ms();
    struct twin_entity entity = {.id = arena_printf(arena, "%s/%s", part.kind, spec->name),
                                 .layer = part.layer,
                                 .kind = part.kind,
                                 .name = spec->name,
                                 .deployment = run->deployment,
                                 .state = TWIN_UP,
                                 .origin = TWIN_DECLARED,
                                 .simulated = task->simulated,
                                 .valid_from = now,
                                 .seen_at = now,
                                 .text = "opened and verified"};
    attribute(arena, &entity, "component", spec->component);
    attribute(arena, &entity, "provider", task->provider);
    if (result) {
        attribute(arena, &entity, "ref", result->ref);
        attribute(arena, &entity, "address", result->address);
        attribute(arena, &entity, "url", result->url);
        attribute(arena, &entity, "note", result->note);
    }
    struct twin_entity site = {.id = arena_printf(arena, "site/%s", task->site),
                               .layer = TWIN_PHYSICAL,
                               .kind = "site",
                               .name = task->site,
                               .state = TWIN_UP,
                               .origin = TWIN_DECLARED,
                               .simulated = task->simulated,
                               .valid_from = now,
                               .seen_at = now,
                               .text = "a task ended there"};
    const char *deployment = arena_printf(arena, "deployment/%s", run->deployment);
    enum err_code rc;
    if ((rc = twin_share_entity(w, &site, err)) || (rc = twin_begin_entity(w, &entity, err)) ||
        (rc = join(w, entity.id, TWIN_RUNS_ON, site.id, run->deployment, now, err)) ||
        (rc = join(w, entity.id, TWIN_PART_OF, deployment, run->deployment, now, err)))
        return rc;
    if (spec->target && (task->kind == TASK_ADDRESS || task->kind == TASK_BANDWIDTH)) {
        const char *target = arena_printf(arena, "server/%s", spec->target);
        if ((rc = join(w, entity.id, TWIN_CONNECTS, target, run->deployment, now, err)))
            return rc;
    }
    if (!spec->application)
        return ERR_OK;
    struct twin_entity application = {.id =
                                          arena_printf(arena, "application/%s", spec->application),
                                      .layer = TWIN_APPLICATION,
                                      .kind = "application",
                                      .name = spec->application,
                                      .state = TWIN_UP,
                                      .origin = TWIN_DECLARED,
                                      .valid_from = now,
                                      .text = spec->artefact_digest};
    if ((rc = twin_share_entity(w, &application, err)))
        return rc;
    return join(w, entity.id, TWIN_DEPENDS_ON, application.id, run->deployment, now, err);
}

enum err_code twin_on_task(struct store_tx *tx, const struct run_spec *run,
                           const struct plan_task *task, const struct run_task *state,
                           struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct twin_write w = {.tx = tx, .actor = &twin_system_actor, .arena = &arena};
    struct part part = {.layer = 0};
    part.kind = kind_of(task->kind, &part.layer);
    bool opening = str_eq(run->purpose, "open");
    enum err_code rc = ERR_OK;
    if (!part.kind)
        return ERR_OK;
    if (state->state == RUN_TASK_SUCCEEDED && opening)
        rc = made(&w, run, task, state, part, err);
    else if (state->state == RUN_TASK_UNDONE || (state->state == RUN_TASK_SUCCEEDED && !opening))
        rc = twin_end_entity(&w, arena_printf(&arena, "%s/%s", part.kind, task->spec.name),
                             clock_now_ms(), NULL, err);
    return rc ? rc : twin_write_end(&w, err);
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
    struct twin_write w = {.tx = tx, .actor = &twin_system_actor, .arena = &arena};
    int64_t now = clock_now_ms();
    const char *id = arena_printf(&arena, "deployment/%s", deployment);
    enum err_code rc;
    if (status->state == DEPLOYMENT_REMOVED || status->state == DEPLOYMENT_FAILED) {
        rc = twin_end_entity(&w, id, now, NULL, err);
        return rc ? rc : twin_write_end(&w, err);
    }
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
    rc = twin_begin_entity(&w, &entity, err);
    return rc ? rc : twin_write_end(&w, err);
}

enum err_code twin_observed(struct store_tx *tx, const struct twin_observation *observations,
                            size_t count, const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct twin_write w = {.tx = tx, .actor = actor, .arena = &arena};
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        const char *ids[4];
        _Static_assert(ARRAY_LEN(parts) == ARRAY_LEN(ids), "one id for each kind of part");
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            ids[k] = arena_printf(&arena, "%s/%s", parts[k].kind, observations[i].name);
        rc = twin_observe(&w, ids, &observations[i], err);
    }
    return rc ? rc : twin_write_end(&w, err);
}

enum err_code twin_site_state(struct store_tx *tx, const char *site,
                              const struct twin_observation *seen, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct twin_write w = {.tx = tx, .actor = &twin_system_actor, .arena = &arena};
    const char *const ids[4] = {arena_printf(&arena, "site/%s", site)};
    enum err_code rc = twin_observe(&w, ids, seen, err);
    return rc ? rc : twin_write_end(&w, err);
}

/* ---- what people declare ---- */

static int or_else(int value, int otherwise)
{
    return value ? value : otherwise;
}

static enum err_code declare_entity(struct twin_write *w, const struct twin_change_entity *asked,
                                    int64_t now, struct err *err)
{
    struct twin_entity entity = {.id = asked->id,
                                 .layer = asked->layer,
                                 .kind = asked->kind,
                                 .name = asked->name,
                                 .state = or_else(asked->state, TWIN_UP),
                                 .origin = or_else(asked->origin, TWIN_DECLARED),
                                 .confidence = asked->confidence,
                                 .valid_from = asked->valid_from ? asked->valid_from : now,
                                 .valid_to = asked->valid_to,
                                 .seen_at = now,
                                 .expires_at = asked->expires_at,
                                 .text = "declared"};
    return twin_begin_entity(w, &entity, err);
}

static enum err_code check_end(struct twin_write *w, const char *id, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(id)};
    struct store_rows rows;
    enum err_code rc = store_query(w->tx,
                                   "SELECT 1 FROM twin_entities WHERE id = $1 AND valid_to = 0"
                                   " LIMIT 1",
                                   args, 1, 1, &rows, w->arena, err);
    if (!rc && !rows.count)
        rc = err_set(err, ERR_NOT_FOUND, "no entity is named '%.200s'", id);
    return rc;
}

static enum err_code declare_edge(struct twin_write *w, const struct twin_change_edge *asked,
                                  int64_t now, struct err *err)
{
    struct twin_change_edge edge = *asked;
    enum err_code rc;
    if ((rc = check_end(w, asked->from, err)) || (rc = check_end(w, asked->to, err)))
        return rc;
    edge.state = or_else(edge.state, TWIN_UP);
    edge.origin = or_else(edge.origin, TWIN_DECLARED);
    edge.valid_from = edge.valid_from ? edge.valid_from : now;
    return twin_begin_edge(w, &edge, "", err);
}

enum err_code twin_declare(struct store_tx *tx, const struct twin_change *change,
                           const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct twin_write w = {.tx = tx, .actor = actor, .arena = &arena};
    int64_t now = clock_now_ms();
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < change->entities.count; i++)
        if ((rc = declare_entity(&w, &change->entities.items[i], now, err)))
            err_field(err, "entities[%zu]", i);
    for (size_t i = 0; !rc && i < change->edges.count; i++)
        if ((rc = declare_edge(&w, &change->edges.items[i], now, err)))
            err_field(err, "edges[%zu]", i);
    for (size_t i = 0; !rc && i < change->ended.count; i++) {
        const struct twin_change_end *end = &change->ended.items[i];
        bool found = false;
        rc = twin_end_entity(&w, end->id, end->at ? end->at : now, &found, err);
        if (!rc && !found) {
            rc = err_set(err, ERR_NOT_FOUND, "no entity is named '%.200s'", end->id);
            err_field(err, "ended[%zu]", i);
        }
    }
    return rc ? rc : twin_write_end(&w, err);
}

/* twin_routes.c - questions to the graph of the twin, and what people declare of it.
 *
 * Contract: answers come from a snapshot in memory; asking first takes in what the journal says,
 * unless another thread is at it, and waits for nobody.  The graph is everybody's together, so it
 * is for those who see all tenants. */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/str.h"

static enum err_code read_time(struct api_call *call, const char *name, int64_t *out,
                               struct err *err)
{
    const char *text = http_query(call->request, name);
    *out = 0;
    if (!text || !clock_parse(text, out, err))
        return ERR_OK;
    return err_field(err, "%s", name);
}

static enum err_code read_number(struct api_call *call, const char *name, int64_t *out,
                                 struct err *err)
{
    const char *text = http_query(call->request, name);
    *out = 0;
    if (!text || (!str_to_int64(text, out, NULL) && *out >= 0 && *out <= INT32_MAX))
        return ERR_OK;
    err_set(err, ERR_INVALID, "%s is a whole number", name);
    return err_field(err, "%s", name);
}

/* Names with commas between them, as bits. */
static enum err_code read_names(struct api_call *call, const char *name, const char *const *names,
                                uint32_t *out, struct err *err)
{
    const char *text = http_query(call->request, name);
    *out = 0;
    while (text && *text) {
        size_t len = strcspn(text, ",");
        const char *word = arena_strndup(call->arena, text, len);
        int number = json_enum_find(names, word);
        if (!number) {
            err_set(err, ERR_INVALID, "there is no %s '%.80s'", name, word);
            return err_field(err, "%s", name);
        }
        *out |= GRAPH_BIT((uint32_t)number);
        text += len + (text[len] == ',');
    }
    return ERR_OK;
}

static enum err_code begin(struct api_call *call, struct err *err)
{
    if (!call->who.all_tenants)
        return err_set(err, ERR_FORBIDDEN,
                       "the whole twin is for operators; ask for a "
                       "deployment's: /api/v1/deployments/ID/twin");
    return twin_try_refresh(call->api->options.twin, err);
}

static enum err_code read_query(struct api_call *call, struct twin_query *out, struct err *err)
{
    const char *direction = http_query(call->request, "direction");
    enum err_code rc = begin(call, err);
    *out = (struct twin_query){.entity = http_query(call->request, "entity"),
                               .to = http_query(call->request, "to"),
                               .direction = json_enum_find(twin_direction_names, direction),
                               .cursor = http_query(call->request, "cursor")};
    if (rc || (rc = read_time(call, "at", &out->at, err)) ||
        (rc = read_number(call, "depth", &out->depth, err)) ||
        (rc = read_number(call, "limit", &out->limit, err)) ||
        (rc = read_names(call, "layer", twin_layer_names, &out->layers, err)) ||
        (rc = read_names(call, "relation", twin_relation_names, &out->relations, err)))
        return rc;
    if (direction && !out->direction) {
        err_set(err, ERR_INVALID, "a direction is up, down or both");
        return err_field(err, "direction");
    }
    if (!out->entity) {
        err_set(err, ERR_INVALID, "which entity?");
        return err_field(err, "entity");
    }
    return ERR_OK;
}

typedef enum err_code (*ask_fn)(struct twin *twin, const struct twin_query *query,
                                struct twin_answer *out, struct arena *arena, struct err *err);

static enum err_code ask(struct api_call *call, ask_fn fn, struct err *err)
{
    struct twin_query query;
    struct twin_answer answer;
    enum err_code rc = read_query(call, &query, err);
    if (rc || (rc = fn(call->api->options.twin, &query, &answer, call->arena, err)))
        return rc;
    api_answer_table(call, &twin_answer_table, &answer);
    return ERR_OK;
}

static enum err_code neighbours(struct api_call *call, struct err *err)
{
    return ask(call, twin_neighbours, err);
}

static enum err_code impact(struct api_call *call, struct err *err)
{
    return ask(call, twin_impact, err);
}

static enum err_code path(struct api_call *call, struct err *err)
{
    return ask(call, twin_path, err);
}

static enum err_code diff(struct api_call *call, struct err *err)
{
    struct twin_diff answer;
    int64_t from, to, limit;
    enum err_code rc = begin(call, err);
    if (rc || (rc = read_time(call, "from", &from, err)) ||
        (rc = read_time(call, "to", &to, err)) || (rc = read_number(call, "limit", &limit, err)))
        return rc;
    if (!from) {
        err_set(err, ERR_INVALID, "from which moment?");
        return err_field(err, "from");
    }
    if ((rc = twin_diff(call->api->options.twin, from, to, limit,
                        http_query(call->request, "cursor"), &answer, call->arena, err)))
        return rc;
    api_answer_table(call, &twin_diff_table, &answer);
    return ERR_OK;
}

static enum err_code history(struct api_call *call, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    const char *entity = http_query(call->request, "entity");
    struct twin_history answer;
    int64_t limit;
    enum err_code rc = begin(call, err);
    if (rc || (rc = read_number(call, "limit", &limit, err)))
        return rc;
    if (!entity) {
        err_set(err, ERR_INVALID, "which entity?");
        return err_field(err, "entity");
    }
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = twin_history(tx, entity, limit, http_query(call->request, "cursor"), &answer,
                           call->arena, err)))
        return rc;
    api_answer_table(call, &twin_history_table, &answer);
    return ERR_OK;
}

static enum err_code outline(struct api_call *call, struct err *err)
{
    struct twin_outline answer;
    int64_t at, most;
    enum err_code rc = begin(call, err);
    if (rc || (rc = read_time(call, "at", &at, err)) ||
        (rc = read_number(call, "most", &most, err)) ||
        (rc = twin_outline(call->api->options.twin, at, http_query(call->request, "by"), most,
                           &answer, call->arena, err)))
        return rc;
    api_answer_table(call, &twin_outline_table, &answer);
    return ERR_OK;
}

static enum err_code what_if(struct api_call *call, struct err *err)
{
    struct twin_what_if wish;
    struct twin_consequences answer;
    enum err_code rc = begin(call, err);
    if (rc || (rc = api_decode(call, &twin_what_if_table, &wish, err)) ||
        (rc = twin_what_if(call->api->options.twin, &wish, &answer, call->arena, err)))
        return rc;
    api_answer_table(call, &twin_consequences_table, &answer);
    return ERR_OK;
}

/* ---- declaring ---- */

struct declared {
    int64_t entities, edges, ended;
};
static const struct json_field declared_fields[] = {
    JSON_FIELD("entities", JSON_INT, struct declared, entities, 0, "added or replaced"),
    JSON_FIELD("edges", JSON_INT, struct declared, edges, 0, "added or replaced"),
    JSON_FIELD("ended", JSON_INT, struct declared, ended, 0, "ended"),
};
static const struct json_table declared_table = JSON_TABLE(
    "TwinDeclared", struct declared, declared_fields, "what was taken into the twin", NULL);

struct declaration {
    struct api_call *call;
    struct twin_change change;
};

static enum err_code declare_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct declaration *d = ctx;
    enum err_code rc = twin_declare(tx, &d->change, &d->call->actor, err);
    return rc ? rc : api_idempotency_keep(d->call, tx, err);
}

static enum err_code declare(struct api_call *call, struct err *err)
{
    struct declaration d = {.call = call};
    enum err_code rc = begin(call, err);
    if (rc || (rc = api_decode(call, &twin_change_table, &d.change, err)))
        return rc;
    struct declared answer = {.entities = (int64_t)d.change.entities.count,
                              .edges = (int64_t)d.change.edges.count,
                              .ended = (int64_t)d.change.ended.count};
    call->object = "twin-graph/graph";
    api_answer_table(call, &declared_table, &answer);
    if ((rc = store_write(call->api->options.store, declare_body, &d, err)))
        return rc;
    /* Committed: what fails here the next refresh makes good. */
    twin_try_refresh(call->api->options.twin, NULL);
    return ERR_OK;
}

#define ASKED "entity direction layer relation depth limit cursor at"
static const struct api_route routes[] = {
    {"GET", "/api/v1/twin/neighbours", ACCESS_VIEWER, 0, NULL, &twin_answer_table, NULL,
     "entity direction layer relation limit cursor at", "what is joined to an entity", neighbours},
    {"GET", "/api/v1/twin/impact", ACCESS_VIEWER, 0, NULL, &twin_answer_table, NULL, ASKED,
     "what depends on an entity (direction up), or what it depends on (down)", impact},
    {"GET", "/api/v1/twin/path", ACCESS_VIEWER, 0, NULL, &twin_answer_table, NULL,
     "entity to direction relation at", "the shortest way from one entity to another", path},
    {"GET", "/api/v1/twin/diff", ACCESS_VIEWER, 0, NULL, &twin_diff_table, NULL,
     "from to limit cursor", "what differs between two moments; to absent = now", diff},
    {"GET", "/api/v1/twin/history", ACCESS_VIEWER, 0, NULL, &twin_history_table, NULL,
     "entity limit cursor", "lives and states of an entity", history},
    {"GET", "/api/v1/twin/outline", ACCESS_VIEWER, 0, NULL, &twin_outline_table, NULL, "at by most",
     "the twin drawn from afar: groups by kind, layer or what holds things (site, region), at most "
     "that many",
     outline},
    {"POST", "/api/v1/twin/what-if", ACCESS_VIEWER, API_NO_EFFECT, &twin_what_if_table,
     &twin_consequences_table, NULL, NULL, "which states would follow from a change", what_if},
    {"POST", "/api/v1/twin/changes", ACCESS_OPERATOR, 0, &twin_change_table, &declared_table, NULL,
     NULL, "declare entities and edges, end entities", declare},
};
const struct api_routes api_routes_twin = {routes, ARRAY_LEN(routes)};

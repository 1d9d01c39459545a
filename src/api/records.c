/* records.c - lists, single records and watches of every collection, from one table of collections.
 */
#include <string.h>

#include "api/api_priv.h"
#include "base/str.h"
#include "business/business.h"

const struct api_collection api_collections[] = {
    {"sites", "site", ACCESS_VIEWER, &network_site_table, &compute_site_status_table, false},
    {"links", "link", ACCESS_VIEWER, &network_link_table, NULL, false},
    {"access-points", "access point", ACCESS_VIEWER, &network_access_table, NULL, false},
    {"connections", "connection", ACCESS_OPERATOR, &site_connection_table, NULL, false},
    {"price-notes", "price note", ACCESS_VIEWER, &price_note_table, NULL, false},
    {"prices", "price", ACCESS_VIEWER, &price_entry_table, NULL, false},
    {"applications", "application", ACCESS_VIEWER, &application_spec_table,
     &application_status_table, false},
    {"requirements", "requirement", ACCESS_VIEWER, &business_requirement_table, NULL, true},
    {"solutions", "solution", ACCESS_VIEWER, &business_solution_table, NULL, true},
    {"orders", "order", ACCESS_VIEWER, &order_spec_table, &order_status_table, true},
    {"plans", "plan", ACCESS_VIEWER, &plan_table, NULL, true},
    {"runs", "run", ACCESS_VIEWER, &run_spec_table, &run_status_table, true},
    {"deployments", "deployment", ACCESS_VIEWER, &deployment_spec_table, &deployment_status_table,
     true},
    {"users", "user", ACCESS_ADMIN, &access_user_table, NULL, false},
    {"tenants", "tenant", ACCESS_ADMIN, &access_tenant_table, NULL, false},
    {"tokens", "token", ACCESS_ADMIN, &access_token_table, NULL, false},
};
const size_t api_collection_count = ARRAY_LEN(api_collections);

const struct api_collection *api_collection_find(const char *name)
{
    for (size_t i = 0; i < api_collection_count; i++)
        if (str_eq(api_collections[i].name, name))
            return &api_collections[i];
    return NULL;
}

#define MAX_CONDITIONS 8

struct filters {
    struct store_condition conditions[MAX_CONDITIONS];
    size_t count;
    struct arena *arena;
    const char *bad; /* first filter that cannot be read */
    bool too_many;
};

static void add_filter(void *ctx, const char *name, const char *value)
{
    static const struct {
        const char *text;
        enum store_operator operator;
    } operators[] = {{"==", STORE_EQ},   {"!=", STORE_NE}, {"<=", STORE_LE}, {">=", STORE_GE},
                     {"~=", STORE_LIKE}, {"<", STORE_LT},  {">", STORE_GT}};
    struct filters *filters = ctx;
    if (!str_eq(name, "filter") || filters->bad)
        return;
    if (filters->count == MAX_CONDITIONS) {
        filters->too_many = true;
        return;
    }
    size_t len = strcspn(value, "=!<>~");
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (len == 0 || !str_has_prefix(value + len, operators[i].text))
            continue;
        filters->conditions[filters->count++] = (struct store_condition){
            .path = arena_strndup(filters->arena, value, len),
            .operator= operators[i].operator,
            .value = arena_strdup(filters->arena, value + len + strlen(operators[i].text))};
        return;
    }
    filters->bad = value;
}

static enum err_code read_query(struct api_call *call, const char *collection,
                                struct store_list_query *query, struct filters *filters,
                                struct err *err)
{
    filters->arena = call->arena;
    http_each_query(call->request, add_filter, filters);
    if (filters->bad) {
        err_set(err, ERR_INVALID, "'%s' is no filter", filters->bad);
        err_hint(err, "write filter=spec.tier==edge, with one of == != < <= > >= ~=");
        return err_field(err, "filter");
    }
    if (filters->too_many) {
        err_set(err, ERR_TOO_LARGE, "at most %d filters are possible", MAX_CONDITIONS);
        return err_field(err, "filter");
    }
    *query = (struct store_list_query){.collection = collection,
                                       .conditions = filters->conditions,
                                       .condition_count = filters->count,
                                       .cursor = http_query(call->request, "cursor")};
    const char *sort = http_query(call->request, "sort");
    if (sort) {
        query->descending = sort[0] == '-';
        query->sort = sort + (sort[0] == '-');
    }
    const char *limit = http_query(call->request, "limit");
    int64_t number = 0;
    if (limit && (str_to_int64(limit, &number, NULL) || number < 1 || number > 1000)) {
        err_set(err, ERR_INVALID, "a limit is a number from 1 to 1000");
        return err_field(err, "limit");
    }
    query->limit = (size_t)number;
    return ERR_OK;
}

static enum err_code collection_of(struct api_call *call, const struct api_collection **out,
                                   struct err *err)
{
    const struct api_collection *collection = api_collection_find(call->params[0]);
    if (!collection) {
        err_set(err, ERR_NOT_FOUND, "no collection is named '%s'", call->params[0]);
        return err_hint(err, "GET /api/v1/openapi.json lists every path");
    }
    if (call->who.role < collection->role)
        return err_set(err, ERR_FORBIDDEN, "reading %s needs the role %s", collection->name,
                       access_role_names[collection->role]);
    *out = collection;
    return ERR_OK;
}

static enum err_code list(struct api_call *call, struct err *err)
{
    const struct api_collection *collection = NULL;
    struct store_list_query query;
    struct filters filters = {.count = 0};
    enum err_code rc = collection_of(call, &collection, err);
    if (rc)
        return rc;
    if (api_query_is_true(call, "watch"))
        return api_watch_start(call, collection->name, NULL, err);
    if ((rc = read_query(call, collection->name, &query, &filters, err)))
        return rc;
    query.tenant = collection->by_tenant ? api_tenant(call) : NULL;

    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_page page;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_list(tx, &query, &page, call->arena, err)))
        return rc;
    struct buf *out = &call->response->body;
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_key(&w, "items");
    json_begin(&w, '[');
    for (size_t i = 0; i < page.count; i++) {
        if (i)
            buf_add_char(out, ',');
        api_write_record(out, &page.records[i]);
    }
    json_end(&w, ']');
    if (page.next)
        json_member_text(&w, "next", page.next);
    json_member_int(&w, "position", page.position);
    json_end(&w, '}');
    buf_add_char(out, '\n');
    return ERR_OK;
}

static enum err_code get(struct api_call *call, struct err *err)
{
    const struct api_collection *collection = NULL;
    enum err_code rc = collection_of(call, &collection, err);
    if (rc)
        return rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_record record;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_get(tx, collection->name, call->params[1], &record, call->arena, err)))
        return rc;
    const char *tenant = api_tenant(call);
    if (collection->by_tenant && tenant && !str_eq(record.tenant, tenant))
        return err_set(err, ERR_NOT_FOUND, "no %s is named '%s'", collection->singular,
                       call->params[1]);
    if (api_query_is_true(call, "watch"))
        return api_watch_start(call, collection->name, call->params[1], err);
    if (str_eq(collection->name, "runs")) {
        struct run_status status;
        if ((rc = workflow_view(tx, record.id, &status, call->arena, err)))
            return rc;
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        json_encode(&run_status_table, &status, JSON_COMPACT, &text);
        record.status = arena_strdup(call->arena, buf_str(&text));
    }
    api_answer_record(call, &record);
    return ERR_OK;
}

/* The path that is asked most: answered from the snapshot, no store, ready-made text. */
static enum err_code get_site(struct api_call *call, struct err *err)
{
    if (api_query_is_true(call, "watch"))
        return api_watch_start(call, "sites", call->params[0], err);
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    size_t len;
    const char *etag;
    const char *text = compute_snapshot_site_json(snapshot, call->params[0], &len, &etag);
    enum err_code rc = ERR_OK;
    if (text) {
        const char *known = http_header(call->request, "If-None-Match");
        http_add_header(call->response, "ETag", arena_strdup(call->arena, etag));
        if (known && strstr(known, etag))
            call->response->status = 304;
        else
            buf_add(&call->response->body, text, len);
    } else {
        rc = err_set(err, ERR_NOT_FOUND, "no site is named '%s'", call->params[0]);
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

static const struct api_route routes[] = {
    {"GET", "/api/v1/sites/{id}", ACCESS_VIEWER, 0, NULL, &network_site_table, "one site",
     get_site},
    {"GET", "/api/v1/{collection}", ACCESS_VIEWER, API_LIST, NULL, NULL, "list a collection", list},
    {"GET", "/api/v1/{collection}/{id}", ACCESS_VIEWER, API_LIST, NULL, NULL, "one record", get},
};
const struct api_routes api_routes_records = {routes, ARRAY_LEN(routes)};

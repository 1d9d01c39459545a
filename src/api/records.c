/* records.c - lists, single records and watches of every collection, from one table of collections.
 */
#include <string.h>

#include "api/api_priv.h"
#include "api/operations.h"
#include "base/str.h"
#include "business/business.h"

const struct api_collection api_collections[] = {
    {"sites", "site", ACCESS_VIEWER, &network_site_table, &compute_site_status_table,
     API_EVERYBODY},
    {"links", "link", ACCESS_VIEWER, &network_link_table, NULL, API_EVERYBODY},
    {"access-points", "access point", ACCESS_VIEWER, &network_access_table, NULL, API_EVERYBODY},
    {"connections", "connection", ACCESS_OPERATOR, &site_connection_table, NULL, API_EVERYBODY},
    {"price-notes", "price note", ACCESS_VIEWER, &price_note_table, NULL, API_EVERYBODY},
    {"prices", "price", ACCESS_VIEWER, &price_entry_table, NULL, API_EVERYBODY},
    {"applications", "application", ACCESS_VIEWER, &application_spec_table,
     &application_status_table, API_PUBLISHED},
    {"requirements", "requirement", ACCESS_VIEWER, &business_requirement_table, NULL, API_TENANT},
    {"solutions", "solution", ACCESS_VIEWER, &business_solution_table, &solution_status_table,
     API_TENANT},
    {"solution-versions", "version of a solution", ACCESS_VIEWER, &business_solution_table, NULL,
     API_TENANT},
    {"orders", "order", ACCESS_VIEWER, &order_spec_table, &order_status_table, API_TENANT},
    {"plans", "plan", ACCESS_VIEWER, &plan_table, NULL, API_TENANT},
    {"runs", "run", ACCESS_VIEWER, &run_spec_table, &run_status_table, API_TENANT},
    {"deployments", "deployment", ACCESS_VIEWER, &deployment_spec_table, &deployment_status_table,
     API_TENANT},
    {"operations", "operation", ACCESS_VIEWER, &api_operation_spec_table,
     &api_operation_status_table, API_TENANT},
    {"cases", "case", ACCESS_VIEWER, &feasibility_case_table, NULL, API_TENANT},
    {"users", "user", ACCESS_ADMIN, &access_user_table, NULL, API_EVERYBODY},
    {"tenants", "tenant", ACCESS_ADMIN, &access_tenant_table, NULL, API_EVERYBODY},
    {"tokens", "token", ACCESS_ADMIN, &access_token_table, NULL, API_EVERYBODY},
};
const size_t api_collection_count = ARRAY_LEN(api_collections);

const struct api_collection *api_collection_find(const char *name)
{
    for (size_t i = 0; i < api_collection_count; i++)
        if (str_eq(api_collections[i].name, name))
            return &api_collections[i];
    return NULL;
}

static bool is_published(const struct store_record *record, struct arena *arena)
{
    struct application_status status;
    return record->status &&
           !json_decode_stored(record->status, &application_status_table, &status, arena, NULL) &&
           (status.state == APPLICATION_PUBLISHED || status.state == APPLICATION_RETIRED);
}

bool api_may_see(const struct api_call *call, const struct api_collection *collection,
                 const struct store_record *record)
{
    const char *tenant = api_tenant(call);
    if (!tenant || collection->sight == API_EVERYBODY || str_eq(record->tenant, tenant))
        return true;
    return collection->sight == API_PUBLISHED && is_published(record, call->arena);
}

struct filters {
    struct api_list_query *list;
    struct arena *arena;
    size_t count;
    enum err_code rc;
    struct err *err;
};

static void add_filter(void *ctx, const char *name, const char *value)
{
    struct filters *filters = ctx;
    if (!str_eq(name, "filter") || filters->rc)
        return;
    if (filters->count == API_MAX_CONDITIONS) {
        filters->rc = err_set(filters->err, ERR_TOO_LARGE, "at most %d filters are possible",
                              API_MAX_CONDITIONS);
        err_field(filters->err, "filter");
        return;
    }
    filters->rc = api_read_filter(value, &filters->list->conditions[filters->count++],
                                  filters->arena, filters->err);
}

static enum err_code read_query(struct api_call *call, const struct api_collection *collection,
                                struct api_list_query *list, struct err *err)
{
    struct filters filters = {.list = list, .arena = call->arena, .err = err};
    const char *sort = http_query(call->request, "sort");
    const char *limit = http_query(call->request, "limit");
    int64_t number = 0;
    http_each_query(call->request, add_filter, &filters);
    if (filters.rc)
        return filters.rc;
    if (limit && (str_to_int64(limit, &number, NULL) || number < 1 || number > 1000)) {
        err_set(err, ERR_INVALID, "a limit is a number from 1 to 1000");
        return err_field(err, "limit");
    }
    /* The store's tenant filter admits everybody's records; those of a tenant are its own only. */
    if (collection->sight == API_TENANT && api_tenant(call))
        list->conditions[filters.count++] =
            (struct store_condition){"tenant", STORE_EQ, api_tenant(call)};
    list->query = (struct store_list_query){.collection = collection->name,
                                            .conditions = list->conditions,
                                            .condition_count = filters.count,
                                            .limit = (size_t)number,
                                            .cursor = http_query(call->request, "cursor")};
    if (sort) {
        list->query.descending = sort[0] == '-';
        list->query.sort = sort + (sort[0] == '-');
        if (!list->query.sort[0]) {
            err_set(err, ERR_INVALID, "sort takes the path of a member, such as spec.name");
            return err_field(err, "sort");
        }
    }
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

static enum err_code watch_list(struct api_call *call, const struct api_collection *collection,
                                struct err *err)
{
    static const char *const refused[] = {"filter", "sort", "limit", "cursor"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (http_query(call->request, refused[i])) {
            err_set(err, ERR_INVALID, "a watch takes no %s", refused[i]);
            return err_field(err, "%s", refused[i]);
        }
    return api_watch_start(call, collection->name, NULL, err);
}

static enum err_code list(struct api_call *call, struct err *err)
{
    const struct api_collection *collection = NULL;
    struct api_list_query query;
    enum err_code rc = collection_of(call, &collection, err);
    if (rc)
        return rc;
    if (api_wants_watch(call))
        return watch_list(call, collection, err);
    if ((rc = read_query(call, collection, &query, err)))
        return rc;

    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_page page;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_list(tx, &query.query, &page, call->arena, err)))
        return rc;
    struct buf *out = &call->response->body;
    struct json_writer w = JSON_WRITER(out);
    bool first = true;
    json_begin(&w, '{');
    json_key(&w, "items");
    json_begin(&w, '[');
    for (size_t i = 0; i < page.count; i++) {
        /* A page may be shorter than its limit; the next one goes on all the same. */
        if (!api_may_see(call, collection, &page.records[i]))
            continue;
        if (!first)
            buf_add_char(out, ',');
        first = false;
        store_write_record(&page.records[i], out);
    }
    json_end(&w, ']');
    if (page.next)
        json_member_text(&w, "next", page.next);
    json_member_int(&w, "position", page.position);
    json_end(&w, '}');
    buf_add_char(out, '\n');
    return ERR_OK;
}

/* A run that is under way says more at each moment than its version tells. */
static enum err_code answer_run(struct api_call *call, struct store_tx *tx,
                                struct store_record *record, struct err *err)
{
    struct run_status status;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = workflow_view(tx, record->id, &status, call->arena, err);
    if (rc)
        return rc;
    json_encode(&run_status_table, &status, JSON_COMPACT, &text);
    record->status = arena_strdup(call->arena, buf_str(&text));
    bool ended = status.state == RUN_SUCCEEDED || status.state == RUN_FAILED ||
                 status.state == RUN_PARTLY || status.state == RUN_CANCELLED;
    if (ended)
        api_answer_known_record(call, record);
    else
        api_answer_record(call, record);
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
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)))
        return rc;
    rc = store_get(tx, collection->name, call->params[1], &record, call->arena, err);
    /* What one may not see and what does not exist answer alike; an impossible name, too. */
    if (rc == ERR_NOT_FOUND || rc == ERR_INVALID ||
        (!rc && !api_may_see(call, collection, &record)))
        return err_set(err, ERR_NOT_FOUND, "no %s is named '%.100s'", collection->singular,
                       call->params[1]);
    if (rc)
        return rc;
    if (api_wants_watch(call))
        return api_watch_start(call, collection->name, record.id, err);
    if (str_eq(collection->name, "runs"))
        return answer_run(call, tx, &record, err);
    if (str_eq(collection->name, "operations")) { /* one that runs says more than its version */
        if ((rc = api_operation_view(call, &record, err)))
            return rc;
        api_answer_record(call, &record);
        return ERR_OK;
    }
    api_answer_known_record(call, &record);
    return ERR_OK;
}

/* The path that is asked most: answered from the snapshot, no store, ready-made text. */
static enum err_code get_site(struct api_call *call, struct err *err)
{
    if (api_wants_watch(call))
        return api_watch_start(call, "sites", call->params[0], err);
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    size_t len;
    const char *etag;
    const char *text = compute_snapshot_site_json(snapshot, call->params[0], &len, &etag);
    enum err_code rc = ERR_OK;
    if (text) {
        http_add_header(call->response, "ETag", arena_strdup(call->arena, etag));
        if (api_is_known(call, etag))
            call->response->status = 304;
        else
            buf_add(&call->response->body, text, len);
    } else {
        rc = err_set(err, ERR_NOT_FOUND, "no site is named '%.100s'", call->params[0]);
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

static const struct api_route routes[] = {
    {"GET", "/api/v1/sites/{id}", ACCESS_VIEWER, API_WATCH, NULL, NULL, "sites", NULL, "one site",
     get_site},
    {"GET", "/api/v1/{collection}", ACCESS_VIEWER, API_LIST | API_WATCH, NULL, NULL, NULL, NULL,
     "list a collection", list},
    {"GET", "/api/v1/{collection}/{id}", ACCESS_VIEWER, API_WATCH, NULL, NULL, NULL, NULL,
     "one record", get},
};
const struct api_routes api_routes_records = {routes, ARRAY_LEN(routes)};

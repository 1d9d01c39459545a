/* openapi.c - the OpenAPI 3.1 document, printed from the route table and the field tables. */
#include <string.h>

#include "api/api_priv.h"
#include "base/map.h"
#include "base/str.h"

const struct api_routes *const api_route_parts[] = {
    &api_routes_base,       &api_routes_access, &api_routes_network,    &api_routes_application,
    &api_routes_need,       &api_routes_refine, &api_routes_batch,      &api_routes_loop,
    &api_routes_deployment, &api_routes_twin,   &api_routes_operations, &api_routes_records,
    /* records last: its patterns catch any collection */
};
const size_t api_route_part_count = ARRAY_LEN(api_route_parts);

struct schemas {
    struct json_writer *writer;
    struct map *seen;
};

static void write_schema(const struct json_table *table, void *ctx)
{
    struct schemas *schemas = ctx;
    if (map_has(schemas->seen, table->name))
        return;
    map_put(schemas->seen, table->name, schemas);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_schema(table, &text);
    json_key(schemas->writer, table->name);
    json_put_raw(schemas->writer, buf_str(&text));
}

static void write_ref(struct json_writer *w, const char *schema)
{
    char ref[128];
    str_format(ref, sizeof ref, "#/components/schemas/%s", schema);
    json_begin(w, '{');
    json_member_text(w, "$ref", ref);
    json_end(w, '}');
}

static void write_parameter(struct json_writer *w, const char *where, const char *name,
                            bool required, const char *type, const char *doc)
{
    json_begin(w, '{');
    json_member_text(w, "name", name);
    json_member_text(w, "in", where);
    json_member_bool(w, "required", required);
    json_member_text(w, "description", doc);
    json_key(w, "schema");
    json_begin(w, '{');
    json_member_text(w, "type", type);
    json_end(w, '}');
    json_end(w, '}');
}

/* "access point" → "AccessPoint" */
static void type_name(const char *singular, const char *suffix, char *out, size_t size)
{
    size_t len = 0;
    bool begins = true;
    for (const char *at = singular; *at && len + 1 < size; at++) {
        if (*at == ' ') {
            begins = true;
            continue;
        }
        out[len++] = begins ? (char)(*at & ~0x20) : *at;
        begins = false;
    }
    out[len] = '\0';
    str_format(out + len, size - len, "%s", suffix);
}

static void write_query_parameters(struct json_writer *w, const struct api_route *route)
{
    if (route->flags & API_WATCH) {
        write_parameter(w, "query", "watch", false, "boolean", "answer with server-sent events");
        write_parameter(w, "query", "position", false, "integer", "journal position to watch from");
        write_parameter(w, "header", "Last-Event-ID", false, "string",
                        "the last event that was seen, to resume after it");
    }
    if (route->flags & API_LIST) {
        write_parameter(w, "query", "filter", false, "string", "spec.tier==edge; repeatable");
        write_parameter(w, "query", "sort", false, "string", "path, with - before it descending");
        write_parameter(w, "query", "limit", false, "integer", "1 to 1000");
        write_parameter(w, "query", "cursor", false, "string", "`next` of the page before");
    }
    if (route->query)
        write_parameter(w, "query", route->query, false, "string", "see the summary");
    if (route->flags & API_DRY_RUN)
        write_parameter(w, "query", "dry_run", false, "boolean", "check only, keep nothing");
}

static void write_parameters(struct json_writer *w, const struct api_route *route,
                             const char *collection)
{
    json_key(w, "parameters");
    json_begin(w, '[');
    for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
        char name[32];
        size_t len = strcspn(at + 1, "}");
        str_format(name, sizeof name, "%.*s", (int)len, at + 1);
        if (!(collection && str_eq(name, "collection")))
            write_parameter(w, "path", name, true, "string", "which one");
    }
    write_query_parameters(w, route);
    if (route->flags & API_IF_MATCH)
        write_parameter(w, "header", "If-Match", false, "string",
                        "ETag of the version that is changed, or *");
    if (route->flags & API_LONG)
        write_parameter(
            w, "header", "Prefer", false, "string",
            "respond-async: answer 202 with an operation at once; wait=SECONDS: when it "
            "takes longer than that (up to 30; 1 if not said)");
    if (str_eq(route->method, "POST") && !(route->flags & (API_SECRET | API_OPEN | API_NO_EFFECT)))
        write_parameter(w, "header", "Idempotency-Key", false, "string",
                        "a repeated request with the same key takes effect once");
    json_end(w, ']');
}

/* Name of the schema of what a route answers; "" when it has none. */
static void answer_type(const struct api_route *route, const char *collection, char *out,
                        size_t size)
{
    const struct api_collection *of =
        route->record || collection
            ? api_collection_find(route->record ? route->record : collection)
            : NULL;
    out[0] = '\0';
    if (route->answer)
        str_format(out, size, "%s", route->answer->name);
    else if (of)
        type_name(of->singular, route->flags & API_LIST ? "List" : "Record", out, size);
}

static void write_accepted(struct json_writer *w)
{
    json_key(w, "202");
    json_put_raw(
        w, "{\"description\":\"it goes on as an operation: Location tells which\",\"content\":{"
           "\"application/json\":{\"schema\":{\"$ref\":"
           "\"#/components/schemas/OperationRecord\"}}}}");
}

static void write_answers(struct json_writer *w, const struct api_route *route,
                          const char *collection)
{
    const char *status = route->flags & API_ACCEPTED     ? "202"
                         : route->flags & API_CREATED    ? "201"
                         : route->flags & API_NO_CONTENT ? "204"
                                                         : "200";
    char type[96];
    answer_type(route, collection, type, sizeof type);
    json_key(w, "responses");
    json_begin(w, '{');
    json_key(w, status);
    json_begin(w, '{');
    json_member_text(w, "description", route->summary);
    if (*type) {
        json_key(w, "content");
        json_begin(w, '{');
        json_key(w, "application/json");
        json_begin(w, '{');
        json_key(w, "schema");
        write_ref(w, type);
        json_end(w, '}');
        if (route->flags & API_WATCH) {
            json_key(w, "text/event-stream");
            json_put_raw(w, "{\"schema\":{\"type\":\"string\"}}");
        }
        json_end(w, '}');
    }
    json_end(w, '}');
    if (route->flags & API_LONG)
        write_accepted(w);
    json_key(w, "default");
    json_begin(w, '{');
    json_member_text(w, "$ref", "#/components/responses/Problem");
    json_end(w, '}');
    json_end(w, '}');
}

static void write_property_ref(struct json_writer *w, const char *name,
                               const struct json_table *table)
{
    json_key(w, name);
    if (table)
        write_ref(w, table->name);
    else
        json_put_raw(w, "{\"type\":\"object\"}");
}

/* The one shape of records, and the list of them. */
static void write_record_schemas(struct json_writer *w, const struct api_collection *collection)
{
    char record[96], list[96];
    type_name(collection->singular, "Record", record, sizeof record);
    type_name(collection->singular, "List", list, sizeof list);
    json_key(w, record);
    json_begin(w, '{');
    json_member_text(w, "type", "object");
    json_key(w, "required");
    json_put_raw(w, "[\"id\",\"collection\",\"version\",\"tenant\",\"created_at\","
                    "\"updated_at\",\"spec\"]");
    json_key(w, "properties");
    json_begin(w, '{');
    json_key(w, "id");
    json_put_raw(w, "{\"type\":\"string\"}");
    json_key(w, "collection");
    json_begin(w, '{');
    json_member_text(w, "const", collection->name);
    json_end(w, '}');
    json_key(w, "version");
    json_put_raw(w, "{\"type\":\"integer\",\"minimum\":1}");
    json_key(w, "tenant");
    json_put_raw(w, "{\"type\":\"string\"}");
    json_key(w, "created_at");
    json_put_raw(w, "{\"type\":\"string\",\"format\":\"date-time\"}");
    json_key(w, "updated_at");
    json_put_raw(w, "{\"type\":\"string\",\"format\":\"date-time\"}");
    write_property_ref(w, "spec", collection->spec);
    write_property_ref(w, "status", collection->status);
    json_end(w, '}');
    json_end(w, '}');
    json_key(w, list);
    json_begin(w, '{');
    json_member_text(w, "type", "object");
    json_key(w, "required");
    json_put_raw(w, "[\"items\",\"position\"]");
    json_key(w, "properties");
    json_begin(w, '{');
    json_key(w, "items");
    json_begin(w, '{');
    json_member_text(w, "type", "array");
    json_key(w, "items");
    write_ref(w, record);
    json_end(w, '}');
    json_key(w, "next");
    json_put_raw(w, "{\"type\":\"string\"}");
    json_key(w, "position");
    json_put_raw(w, "{\"type\":\"integer\"}");
    json_end(w, '}');
    json_end(w, '}');
}

static void write_operation(struct json_writer *w, const struct api_route *route,
                            const char *collection)
{
    char id[160], *at = id;
    str_format(id, sizeof id, "%s_%s", route->method,
               collection ? collection
                          : route->path + (str_has_prefix(route->path, "/api/v1/") ? 8 : 1));
    if (collection && strstr(route->path, "{id}"))
        str_format(id + strlen(id), sizeof id - strlen(id), "/{id}");
    for (; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')))
            *at = '_';
    char method[8];
    str_format(method, sizeof method, "%s", route->method);
    for (at = method; *at; at++)
        *at = (char)(*at | 0x20);
    json_key(w, method);
    json_begin(w, '{');
    json_member_text(w, "operationId", id);
    json_member_text(w, "summary", route->summary);
    if (route->flags & API_OPEN) {
        json_key(w, "security");
        json_put_raw(w, "[]");
    } else {
        json_member_text(w, "x-role", access_role_names[route->role]);
    }
    write_parameters(w, route, collection);
    if (route->body || (route->flags & API_BINARY)) {
        json_key(w, "requestBody");
        json_begin(w, '{');
        json_member_bool(w, "required", true);
        json_key(w, "content");
        json_begin(w, '{');
        json_key(w, route->flags & API_BINARY ? "application/octet-stream" : "application/json");
        json_begin(w, '{');
        if (route->body) {
            json_key(w, "schema");
            write_ref(w, route->body->name);
        }
        json_end(w, '}');
        if (route->flags & API_YAML) {
            json_key(w, "application/yaml");
            json_begin(w, '{');
            json_key(w, "schema");
            write_ref(w, route->body->name);
            json_end(w, '}');
        }
        json_end(w, '}');
        json_end(w, '}');
    }
    write_answers(w, route, collection);
    json_end(w, '}');
}

/* Operations of one concrete path: all routes whose pattern is exactly it. */
static void write_path(struct json_writer *w, struct map *done, const char *path)
{
    if (map_has(done, path))
        return;
    map_put(done, path, done);
    json_key(w, path);
    json_begin(w, '{');
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++)
            if (str_eq(api_route_parts[p]->items[i].path, path))
                write_operation(w, &api_route_parts[p]->items[i], NULL);
    const char *tail = path + strlen("/api/v1/");
    for (size_t c = 0; c < api_collection_count && str_has_prefix(path, "/api/v1/"); c++) {
        const char *name = api_collections[c].name;
        bool one = str_has_prefix(tail, name) && str_eq(tail + strlen(name), "/{id}");
        for (size_t i = 0; i < api_routes_records.count; i++) {
            const struct api_route *route = &api_routes_records.items[i];
            bool generic_one = str_eq(route->path, "/api/v1/{collection}/{id}");
            bool generic_list = str_eq(route->path, "/api/v1/{collection}");
            if ((generic_one && one && !str_eq(name, "sites")) ||
                (generic_list && str_eq(tail, name))) {
                struct api_route concrete = *route;
                concrete.role = api_collections[c].role;
                write_operation(w, &concrete, name);
            }
        }
    }
    json_end(w, '}');
}

static void write_problem_response(struct json_writer *w)
{
    json_key(w, "responses");
    json_begin(w, '{');
    json_key(w, "Problem");
    json_put_raw(w, "{\"description\":\"what went wrong (RFC 9457)\",\"content\":{"
                    "\"application/problem+json\":{\"schema\":{"
                    "\"$ref\":\"#/components/schemas/Problem\"}}}}");
    json_end(w, '}');
    json_key(w, "securitySchemes");
    json_put_raw(w, "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
}

static const char *const problem_schema =
    "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\","
    "\"class\",\"retryable\"],\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":"
    "\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"instance\":{"
    "\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"class\":{\"enum\":[\"input\","
    "\"credential\",\"conflict\",\"quota\",\"capacity\",\"balance\",\"policy\",\"transient\","
    "\"bug\"]},\"retryable\":{\"type\":\"boolean\"},\"field\":{\"type\":\"string\"},\"hint\":{"
    "\"type\":\"string\"},\"request_id\":{\"type\":\"string\"}}}";

void api_openapi(const char *version, struct buf *out)
{
    struct json_writer writer = JSON_WRITER(out), *w = &writer;
    CLEANUP(map_free_at) struct map *done = map_new();
    CLEANUP(map_free_at) struct map *seen = map_new();
    json_begin(w, '{');
    json_member_text(w, "openapi", "3.1.0");
    json_key(w, "info");
    json_begin(w, '{');
    json_member_text(w, "title", "Swan");
    json_member_text(w, "version", version);
    json_member_text(w, "description", "Operations platform for computing power networks");
    json_key(w, "license");
    json_put_raw(w, "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
    json_end(w, '}');
    json_key(w, "servers");
    json_put_raw(w, "[{\"url\":\"/\"}]");
    json_key(w, "security");
    json_put_raw(w, "[{\"token\":[]}]");
    json_key(w, "paths");
    json_begin(w, '{');
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++)
            if (!strstr(api_route_parts[p]->items[i].path, "{collection}"))
                write_path(w, done, api_route_parts[p]->items[i].path);
    for (size_t c = 0; c < api_collection_count; c++) {
        char path[128];
        str_format(path, sizeof path, "/api/v1/%s", api_collections[c].name);
        write_path(w, done, path);
        str_format(path, sizeof path, "/api/v1/%s/{id}", api_collections[c].name);
        write_path(w, done, path);
    }
    json_end(w, '}');
    json_key(w, "components");
    json_begin(w, '{');
    json_key(w, "schemas");
    json_begin(w, '{');
    json_key(w, "Problem");
    json_put_raw(w, problem_schema);
    struct schemas schemas = {w, seen};
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            const struct api_route *route = &api_route_parts[p]->items[i];
            if (route->body)
                json_walk_tables(route->body, write_schema, &schemas);
            if (route->answer)
                json_walk_tables(route->answer, write_schema, &schemas);
        }
    for (size_t c = 0; c < api_collection_count; c++) {
        json_walk_tables(api_collections[c].spec, write_schema, &schemas);
        if (api_collections[c].status)
            json_walk_tables(api_collections[c].status, write_schema, &schemas);
        write_record_schemas(w, &api_collections[c]);
    }
    json_end(w, '}');
    write_problem_response(w);
    json_end(w, '}');
    json_end(w, '}');
    buf_add_char(out, '\n');
}

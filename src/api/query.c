/* query.c - what requests bring beside their body: query parameters, conditions, If-Match; and
 * decoding of the body itself. */
#include <string.h>

#include "api/api_priv.h"
#include "base/str.h"

enum err_code api_decode(struct api_call *call, const struct json_table *table, void *out,
                         struct err *err)
{
    const char *text = call->request->body_len ? call->request->body : "{}";
    size_t len = call->request->body_len ? call->request->body_len : 2;
    if (call->route->flags & API_YAML)
        return json_decode_yaml(text, len, table, &json_limits_large, out, call->arena, err);
    return json_decode(text, len, table, NULL, out, call->arena, err);
}

enum err_code api_if_match(struct api_call *call, const char *collection, const char *id,
                           int64_t *out, struct err *err)
{
    const char *text = call->if_match;
    *out = 0;
    if (!text)
        return ERR_OK;
    if (str_eq(text, "*")) {
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_record record;
        enum err_code rc = store_begin(call->api->options.store, STORE_READ, &tx, err);
        if (rc)
            return rc;
        rc = store_get(tx, collection, id, &record, call->arena, err);
        if (rc == ERR_NOT_FOUND)
            rc = err_set(err, ERR_PRECONDITION, "'%s' does not exist", id);
        else if (!rc)
            *out = record.version;
        return rc;
    }
    size_t len = strlen(text);
    char digits[24];
    if (len >= 3 && len < sizeof digits && text[0] == '"' && text[len - 1] == '"') {
        str_format(digits, len - 1, "%s", text + 1);
        if (!str_to_int64(digits, out, NULL) && *out > 0)
            return ERR_OK;
    }
    err_set(err, ERR_INVALID, "If-Match takes one ETag of ours, such as \"3\"");
    return err_field(err, "If-Match");
}

const char *api_tenant(const struct api_call *call)
{
    return call->who.all_tenants ? NULL : call->who.tenant;
}

enum err_code api_query_flag(const struct api_call *call, const char *name, bool *out,
                             struct err *err)
{
    const char *value = http_query(call->request, name);
    *out = value && (str_eq(value, "true") || str_eq(value, "1") || str_eq(value, ""));
    if (!value || *out || str_eq(value, "false") || str_eq(value, "0"))
        return ERR_OK;
    err_set(err, ERR_INVALID, "%s is true or false", name);
    return err_field(err, "%s", name);
}

bool api_wants_watch(const struct api_call *call)
{
    bool watch = false;
    return !api_query_flag(call, "watch", &watch, NULL) && watch;
}

struct query_check {
    const struct api_call *call;
    const char *unknown, *twice;
};

/* Is `name` one of the words? */
static bool has_word(const char *words, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = words; at && *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == len && memcmp(at, name, len) == 0)
            return true;
        at += word;
    }
    return false;
}

static void check_parameter(void *ctx, const char *name, const char *value)
{
    struct query_check *check = ctx;
    const struct api_route *route = check->call->route;
    bool write = !str_eq(route->method, "GET");
    bool known = has_word(route->query, name) || (write && str_eq(name, "dry_run")) ||
                 ((route->flags & API_WATCH) && has_word("watch position", name)) ||
                 ((route->flags & API_LIST) && has_word("filter sort limit cursor", name));
    if (!known && !check->unknown)
        check->unknown = name;
    /* http_query gives the first of a name: another value is a repetition. */
    if (!str_eq(name, "filter") && http_query(check->call->request, name) != value)
        check->twice = name;
}

enum err_code api_check_query(const struct api_call *call, struct err *err)
{
    struct query_check check = {.call = call};
    bool watch;
    http_each_query(call->request, check_parameter, &check);
    if (check.unknown) {
        err_set(err, ERR_INVALID, "'%.80s' is no parameter of %s %s", check.unknown,
                call->route->method, call->route->path);
        return err_field(err, "%.80s", check.unknown);
    }
    if (check.twice) {
        err_set(err, ERR_INVALID, "the parameter '%.80s' is given twice", check.twice);
        return err_field(err, "%.80s", check.twice);
    }
    return call->route->flags & API_WATCH ? api_query_flag(call, "watch", &watch, err) : ERR_OK;
}

enum err_code api_read_filter(const char *text, struct store_condition *out, struct arena *arena,
                              struct err *err)
{
    static const struct {
        const char *text;
        enum store_operator operator;
    } operators[] = {{"==", STORE_EQ},   {"!=", STORE_NE}, {"<=", STORE_LE}, {">=", STORE_GE},
                     {"~=", STORE_LIKE}, {"<", STORE_LT},  {">", STORE_GT}};
    size_t len = strcspn(text, "=!<>~");
    for (size_t i = 0; i < ARRAY_LEN(operators) && len > 0; i++) {
        if (!str_has_prefix(text + len, operators[i].text))
            continue;
        *out = (struct store_condition){
            .path = arena_strndup(arena, text, len),
            .operator= operators[i].operator,
            .value = arena_strdup(arena, text + len + strlen(operators[i].text))};
        return ERR_OK;
    }
    err_set(err, ERR_INVALID, "'%.80s' is no filter", text);
    err_hint(err, "write filter=spec.tier==edge, with one of == != < <= > >= ~=");
    return err_field(err, "filter");
}

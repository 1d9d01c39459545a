/* list.c - records of a collection with conditions, sort and cursor, as one SQL statement.
 *
 * Contract, the same on both backends:
 * - A member of spec or status is a number, a text (booleans are the texts "true" and "false") or
 *   absent (objects, arrays and null count as absent).
 * - A condition compares numbers when the member and the value are numbers and bytes of text
 *   otherwise; a number is below every text.  An absent member meets no condition but NE.  LIKE
 *   looks into texts only, and minds case.
 * - Order: numbers, then texts bytewise (their first SORT_TEXT characters), the other way round
 * when descending; absent ones last either way; ties by id, ascending.
 * - A cursor holds the digest of its query, the sort value and the id of the last record.  It is no
 *   secret and gives no right: the conditions of the query apply to the next page too.
 * Outside text reaches the database only as a parameter; paths are checked letter by letter. */
#include "store/store_priv.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

#define SORT_TEXT 200 /* characters of a text that take part in sorting: bounds the cursor */
#define PATH_MAX_BYTES 128
#define CONDITIONS_MAX 16
#define CURSOR_MAX 8192
#define LIST_LIMIT 100
#define LIST_LIMIT_MAX 1000

enum path_kind { PATH_ID, PATH_TENANT, PATH_TIME, PATH_VERSION, PATH_MEMBER };
struct path {
    enum path_kind kind;
    const char *column;
    const char *member; /* "tier" of "spec.tier" */
};

struct statement {
    struct buf sql;
    struct store_value args[2 * CONDITIONS_MAX + 8];
    size_t count;
    const struct store_dialect *dialect;
};

/* Where a page ended. */
struct mark {
    int64_t rank; /* order of the value's kind in this query */
    bool has_number;
    double number;
    const char *text; /* NULL if none */
    const char *id;
};

static enum err_code path_parse(const char *text, struct path *out, struct err *err)
{
    static const struct {
        const char *name;
        struct path path;
    } known[] = {{"id", {PATH_ID, "id", NULL}},
                 {"tenant", {PATH_TENANT, "tenant", NULL}},
                 {"created_at", {PATH_TIME, "created_ms", NULL}},
                 {"updated_at", {PATH_TIME, "updated_ms", NULL}},
                 {"version", {PATH_VERSION, "version", NULL}}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(text, known[i].name)) {
            *out = known[i].path;
            return ERR_OK;
        }
    }
    bool spec = str_has_prefix(text, "spec."), status = str_has_prefix(text, "status.");
    size_t len = strlen(text);
    if ((!spec && !status) || len > PATH_MAX_BYTES || text[len - 1] == '.' || strstr(text, "..") ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.") != len) {
        err_set(err, ERR_INVALID, "'%.80s' is not a path of a record", text);
        err_hint(err, "id, tenant, version, created_at, updated_at, spec.NAME… or status.NAME…");
        return ERR_INVALID;
    }
    *out = (struct path){PATH_MEMBER, spec ? "spec" : "status", strchr(text, '.') + 1};
    return ERR_OK;
}

static size_t arg(struct statement *s, struct store_value value)
{
    s->args[s->count++] = value;
    return s->count;
}

static void add_is_number(struct statement *s, const struct path *path)
{
    s->dialect->kind(&s->sql, path->column, path->member);
    buf_printf(&s->sql, " IN (%s)", s->dialect->numbers);
}

static void add_is_text(struct statement *s, const struct path *path)
{
    s->dialect->kind(&s->sql, path->column, path->member);
    buf_printf(&s->sql, " IN (%s,%s)", s->dialect->string, s->dialect->booleans);
}

static void add_number(struct statement *s, const struct path *path)
{
    buf_add_str(&s->sql, "CAST(");
    s->dialect->value(&s->sql, path->column, path->member);
    buf_add_str(&s->sql, " AS DOUBLE PRECISION)");
}

static void add_text(struct statement *s, const struct path *path)
{
    if (s->dialect->bool_text_is_kind) {
        buf_add_str(&s->sql, "CASE WHEN ");
        s->dialect->kind(&s->sql, path->column, path->member);
        buf_printf(&s->sql, " IN (%s) THEN ", s->dialect->booleans);
        s->dialect->kind(&s->sql, path->column, path->member);
        buf_add_str(&s->sql, " ELSE ");
    }
    s->dialect->value(&s->sql, path->column, path->member);
    if (s->dialect->bool_text_is_kind) {
        buf_add_str(&s->sql, " END");
    }
}

static const char *operator_sql(enum store_operator operator)
{
    switch (operator) {
    case STORE_NE:
    case STORE_EQ:
        return "=";
    case STORE_LT:
        return "<";
    case STORE_LE:
        return "<=";
    case STORE_GT:
        return ">";
    case STORE_GE:
        return ">=";
    case STORE_LIKE:
        break;
    }
    return NULL;
}

/* expression OP value, on text. */
static void add_text_test(struct statement *s, const struct path *path,
                          const struct store_condition *condition)
{
    size_t n = arg(s, STORE_V_TEXT(condition->value));
    bool like = condition->operator== STORE_LIKE;
    buf_printf(&s->sql, "%s(", like ? s->dialect->contains : "");
    if (path->kind == PATH_MEMBER) {
        add_text(s, path);
    } else {
        buf_add_str(&s->sql, path->column);
    }
    if (like) {
        buf_printf(&s->sql, ", $%zu) > 0", n);
    } else {
        buf_printf(&s->sql, ")%s %s $%zu", s->dialect->bytewise, operator_sql(condition->operator),
                   n);
    }
}

static void add_member_test(struct statement *s, const struct path *path,
                            const struct store_condition *condition)
{
    double number;
    enum store_operator operator= condition->operator;
    bool below = operator== STORE_LT || operator== STORE_LE;
    buf_add_str(&s->sql, "CASE WHEN ");
    add_is_number(s, path);
    buf_add_str(&s->sql, " THEN ");
    if (operator!= STORE_LIKE && str_to_double(condition->value, &number, NULL) == ERR_OK) {
        add_number(s, path);
        buf_printf(&s->sql, " %s $%zu", operator_sql(operator), arg(s, STORE_V_REAL(number)));
    } else {
        buf_add_str(&s->sql, below ? "TRUE" : "FALSE");
    }
    buf_add_str(&s->sql, " WHEN ");
    add_is_text(s, path);
    buf_add_str(&s->sql, " THEN ");
    add_text_test(s, path, condition);
    buf_add_str(&s->sql, " ELSE FALSE END");
}

static enum err_code add_integer_test(struct statement *s, const struct path *path,
                                      const struct store_condition *condition, struct err *err)
{
    int64_t value;
    bool time = path->kind == PATH_TIME;
    if (condition->operator==
        STORE_LIKE ||(str_to_int64(condition->value, &value, NULL) != ERR_OK &&
                      (!time || clock_parse(condition->value, &value, NULL) != ERR_OK))) {
        return err_set(err, ERR_INVALID, "%s is compared with %s", condition->path,
                       time ? "a time such as 2026-11-23T12:00:00Z" : "a whole number");
    }
    buf_printf(&s->sql, "%s %s $%zu", path->column, operator_sql(condition->operator),
               arg(s, STORE_V_INT(value)));
    return ERR_OK;
}

static enum err_code add_condition(struct statement *s, const struct store_condition *condition,
                                   struct err *err)
{
    struct path path;
    enum err_code rc = path_parse(condition->path, &path, err);
    if (rc) {
        return rc;
    }
    rc = store_check_text("the value of a condition", condition->value, STORE_JSON_MAX, true, err);
    if (rc) {
        return rc;
    }
    if ((unsigned)condition->operator> STORE_LIKE) {
        return err_set(err, ERR_BUG, "a condition has operator %d", (int)condition->operator);
    }
    buf_add_str(&s->sql, condition->operator== STORE_NE ? " AND NOT (" : " AND (");
    if (path.kind == PATH_MEMBER) {
        add_member_test(s, &path, condition);
    } else if (path.kind == PATH_ID || path.kind == PATH_TENANT) {
        add_text_test(s, &path, condition);
    } else {
        rc = add_integer_test(s, &path, condition, err);
    }
    buf_add_char(&s->sql, ')');
    return rc;
}

/* FROM … WHERE …, common to lists and counts. */
static enum err_code add_source(struct statement *s, const struct store_list_query *query,
                                struct err *err)
{
    enum err_code rc =
        store_check_text("the collection", query->collection, STORE_NAME_MAX, false, err);
    if (rc) {
        return rc;
    }
    if (query->condition_count > CONDITIONS_MAX) {
        return err_set(err, ERR_TOO_LARGE, "more than %d conditions", CONDITIONS_MAX);
    }
    buf_printf(&s->sql, " FROM store_record WHERE collection = $%zu",
               arg(s, STORE_V_TEXT(query->collection)));
    if (query->tenant) {
        rc = store_check_text("the tenant", query->tenant, STORE_NAME_MAX, true, err);
        if (rc) {
            return rc;
        }
        buf_printf(&s->sql, " AND (tenant = $%zu OR tenant = '')",
                   arg(s, STORE_V_TEXT(query->tenant)));
    }
    for (size_t i = 0; i < query->condition_count; i++) {
        if ((rc = add_condition(s, &query->conditions[i], err))) {
            return rc;
        }
    }
    return ERR_OK;
}

/* The three sort columns: sort_rank (order of kinds), sort_number, sort_text. */
static void add_sort_columns(struct statement *s, const struct path *path, bool descending)
{
    int number_rank = descending ? 1 : 0, text_rank = descending ? 0 : 1;
    switch (path->kind) {
    case PATH_MEMBER:
        buf_add_str(&s->sql, ", CASE WHEN ");
        add_is_number(s, path);
        buf_printf(&s->sql, " THEN %d WHEN ", number_rank);
        add_is_text(s, path);
        buf_printf(&s->sql, " THEN %d ELSE 2 END AS sort_rank, CASE WHEN ", text_rank);
        add_is_number(s, path);
        buf_add_str(&s->sql, " THEN ");
        add_number(s, path);
        buf_add_str(&s->sql, " END AS sort_number, CASE WHEN ");
        add_is_text(s, path);
        buf_add_str(&s->sql, " THEN substr(");
        add_text(s, path);
        buf_printf(&s->sql, ", 1, %d) END%s AS sort_text", SORT_TEXT, s->dialect->bytewise);
        break;
    case PATH_TIME:
    case PATH_VERSION:
        buf_printf(&s->sql,
                   ", %d AS sort_rank, CAST(%s AS DOUBLE PRECISION) AS sort_number,"
                   " CAST(NULL AS TEXT) AS sort_text",
                   number_rank, path->column);
        break;
    case PATH_ID:
    case PATH_TENANT:
        buf_printf(&s->sql,
                   ", %d AS sort_rank, CAST(NULL AS DOUBLE PRECISION) AS sort_number,"
                   " %s AS sort_text",
                   text_rank, path->column);
        break;
    }
}

static void add_after(struct statement *s, const struct path *path, bool descending,
                      const struct mark *mark)
{
    const char *beyond = descending ? "<" : ">";
    size_t id = arg(s, STORE_V_TEXT(mark->id));
    if (path->kind == PATH_ID) {
        buf_printf(&s->sql, " WHERE id %s $%zu", beyond, id);
        return;
    }
    size_t rank = arg(s, STORE_V_INT(mark->rank));
    buf_printf(&s->sql, " WHERE (sort_rank > $%zu OR (sort_rank = $%zu AND ", rank, rank);
    if (mark->has_number || mark->text) {
        const char *column = mark->has_number ? "sort_number" : "sort_text";
        size_t value =
            arg(s, mark->has_number ? STORE_V_REAL(mark->number) : STORE_V_TEXT(mark->text));
        buf_printf(&s->sql, "(%s %s $%zu OR (%s = $%zu AND id > $%zu))))", column, beyond, value,
                   column, value, id);
    } else {
        buf_printf(&s->sql, "id > $%zu))", id);
    }
}

/* ---- cursors: base64url of "DIGEST RANK n:BITS|t:LENGTH:TEXT|- ID" as fixed fields ---- */

/* What makes two queries the same list: everything but limit and cursor. */
static void query_digest(const struct store_list_query *query, const char *sort, char out[17])
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    char digest[ID_DIGEST_SIZE];
    buf_printf(&all, "%s\n%d%s\n%d%s\n", query->collection, query->tenant != NULL,
               query->tenant ? query->tenant : "", query->descending, sort);
    for (size_t i = 0; i < query->condition_count; i++) {
        const struct store_condition *c = &query->conditions[i];
        buf_printf(&all, "%s %d %zu:%s\n", c->path, (int)c->operator, strlen(c->value), c->value);
    }
    id_digest(all.data, all.len, digest);
    memcpy(out, digest + strlen("sha256:"), 16);
    out[16] = '\0';
}

static const char *cursor_write(const char *digest, const struct mark *mark, struct arena *arena)
{
    uint64_t bits = 0;
    memcpy(&bits, &mark->number, sizeof bits);
    char kind = mark->has_number ? 'n' : mark->text ? 't' : '-';
    const char *plain =
        arena_printf(arena, "%s%c%c%016llx%06zx%s%s", digest, (char)('0' + mark->rank), kind,
                     (unsigned long long)(mark->has_number ? bits : 0),
                     mark->text ? strlen(mark->text) : 0, mark->text ? mark->text : "", mark->id);
    size_t len = strlen(plain);
    int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t room = sodium_base64_encoded_len(len, variant);
    return sodium_bin2base64(arena_alloc(arena, room), room, (const unsigned char *)plain, len,
                             variant);
}

static bool read_hex(const char *text, size_t digits, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *alphabet = "0123456789abcdef";
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at) {
            return false;
        }
        value = value << 4 | (uint64_t)(at - alphabet);
    }
    *out = value;
    return true;
}

static bool cursor_parts(char *plain, size_t len, struct mark *out, struct arena *arena)
{
    const size_t fixed = 16 + 1 + 1 + 16 + 6;
    uint64_t bits, text_len;
    if (len <= fixed || !str_is_utf8(plain, len) || plain[16] < '0' || plain[16] > '2' ||
        !read_hex(plain + 18, 16, &bits) || !read_hex(plain + 34, 6, &text_len) ||
        text_len >= len - fixed) {
        return false;
    }
    *out = (struct mark){.rank = plain[16] - '0', .id = plain + fixed + text_len};
    if (plain[17] == 'n') {
        out->has_number = true;
        memcpy(&out->number, &bits, sizeof bits);
        return isfinite(out->number) && text_len == 0;
    }
    if (plain[17] == 't') {
        out->text = arena_strndup(arena, plain + fixed, text_len);
        return str_is_utf8(out->text, text_len) && str_is_utf8(out->id, strlen(out->id));
    }
    return plain[17] == '-' && text_len == 0;
}

static enum err_code cursor_read(const char *cursor, const char *digest, struct mark *out,
                                 struct arena *arena, struct err *err)
{
    size_t len = strlen(cursor), plain_len = 0;
    const char *stop = NULL;
    char *plain = arena_zalloc(arena, len < CURSOR_MAX ? len + 1 : 1);
    if (len >= CURSOR_MAX ||
        sodium_base642bin((unsigned char *)plain, len + 1, cursor, len, NULL, &plain_len, &stop,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        *stop != '\0' || !cursor_parts(plain, plain_len, out, arena)) {
        err_set(err, ERR_INVALID, "this is not a cursor");
    } else if (strncmp(plain, digest, 16) != 0) {
        err_set(err, ERR_INVALID, "the cursor belongs to another query");
    } else {
        return ERR_OK;
    }
    err_hint(err, "begin again without a cursor");
    return ERR_INVALID;
}

/* ---- the two calls ---- */

static void statement_done(struct statement *s)
{
    buf_done(&s->sql);
}

static enum err_code check_list(const struct store_list_query *query, struct path *sort,
                                const char **sort_text, struct err *err)
{
    *sort_text = query->sort && query->sort[0] ? query->sort : "id";
    if (query->limit > LIST_LIMIT_MAX) {
        return err_set(err, ERR_INVALID, "a page has at most %d records", LIST_LIMIT_MAX);
    }
    return path_parse(*sort_text, sort, err);
}

static void page_fill(const struct store_list_query *query, const struct store_rows *rows,
                      size_t limit, struct store_page *out, struct arena *arena)
{
    const char *collection = arena_strdup(arena, query->collection);
    out->count = rows->count < limit ? rows->count : limit;
    out->records = arena_array(arena, out->count ? out->count : 1, sizeof *out->records);
    for (size_t i = 0; i < out->count; i++) {
        out->records[i] = (struct store_record){.collection = collection,
                                                .id = store_cell(rows, i, 0)->text,
                                                .tenant = store_cell(rows, i, 1)->text,
                                                .version = store_cell(rows, i, 2)->integer,
                                                .created_ms = store_cell(rows, i, 3)->integer,
                                                .updated_ms = store_cell(rows, i, 4)->integer,
                                                .spec = store_cell(rows, i, 5)->text,
                                                .status = store_cell(rows, i, 6)->text};
    }
}

enum err_code store_list(struct store_tx *tx, const struct store_list_query *query,
                         struct store_page *out, struct arena *arena, struct err *err)
{
    CLEANUP(statement_done)
    struct statement s = {.sql = BUF_INIT, .dialect = tx->store->backend->dialect};
    struct path sort;
    const char *sort_text;
    char digest[17];
    enum err_code rc = check_list(query, &sort, &sort_text, err);
    if (rc) {
        return rc;
    }
    size_t limit = query->limit ? query->limit : LIST_LIMIT;
    const char *direction = query->descending ? " DESC" : "";
    buf_add_str(&s.sql, "SELECT * FROM (SELECT id, tenant, version, created_ms, updated_ms, spec,"
                        " status");
    add_sort_columns(&s, &sort, query->descending);
    if ((rc = add_source(&s, query, err))) {
        return rc;
    }
    buf_add_str(&s.sql, ") found");
    query_digest(query, sort_text, digest);
    if (query->cursor) {
        struct mark mark;
        if ((rc = cursor_read(query->cursor, digest, &mark, arena, err))) {
            return rc;
        }
        add_after(&s, &sort, query->descending, &mark);
    }
    if (sort.kind == PATH_ID) {
        buf_printf(&s.sql, " ORDER BY id%s", direction);
    } else {
        buf_printf(&s.sql, " ORDER BY sort_rank, sort_number%s, sort_text%s, id", direction,
                   direction);
    }
    buf_printf(&s.sql, " LIMIT $%zu", arg(&s, STORE_V_INT((int64_t)limit + 1)));

    struct store_rows rows;
    struct store_page page = {0};
    if ((rc = store_query(tx, s.sql.data, s.args, s.count, limit + 1, &rows, arena, err)) ||
        (rc = store_position(tx, &page.position, err))) {
        return rc;
    }
    page_fill(query, &rows, limit, &page, arena);
    if (rows.count > limit) {
        const struct store_value *number = store_cell(&rows, limit - 1, 8);
        struct mark mark = {.rank = store_cell(&rows, limit - 1, 7)->integer,
                            .has_number = number->type != STORE_NULL,
                            .number = number->real,
                            .text = store_cell(&rows, limit - 1, 9)->text,
                            .id = page.records[limit - 1].id};
        if (sort.kind == PATH_ID) {
            mark.text = NULL;
        }
        page.next = cursor_write(digest, &mark, arena);
    }
    *out = page;
    return ERR_OK;
}

enum err_code store_count(struct store_tx *tx, const struct store_list_query *query, int64_t *out,
                          struct err *err)
{
    CLEANUP(statement_done)
    struct statement s = {.sql = BUF_INIT, .dialect = tx->store->backend->dialect};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    buf_add_str(&s.sql, "SELECT COUNT(*)");
    enum err_code rc = add_source(&s, query, err);
    if (rc) {
        return rc;
    }
    rc = store_query(tx, s.sql.data, s.args, s.count, 1, &rows, &arena, err);
    if (rc == ERR_OK) {
        *out = store_cell(&rows, 0, 0)->integer;
    }
    return rc;
}

/* record.c - documents of a collection: insert, update, delete, get.
 *
 * Contract: each change of a record and its journal event are in the same transaction; the event
 * carries the tenant of the record (not of the actor), so whoever may see the record sees the
 * event. Everything outside is checked before the first statement; when the event cannot be written
 * after the record was, the transaction is doomed. */
#include "store/store_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static enum err_code check_key(const char *collection, const char *id, struct err *err)
{
    enum err_code rc = store_check_text("the collection", collection, STORE_NAME_MAX, false, err);
    return rc ? rc : store_check_text("the id", id, STORE_ID_MAX, false, err);
}

static enum err_code check_bodies(const char *spec, const char *status, struct err *err)
{
    enum err_code rc = spec ? store_check_json("the spec", spec, err) : ERR_OK;
    return rc || !status ? rc : store_check_json("the status", status, err);
}

static enum err_code missing(const char *collection, const char *id, struct err *err)
{
    char singular[STORE_NAME_MAX + 1];
    store_singular(collection, singular, sizeof singular);
    return err_set(err, ERR_NOT_FOUND, "no %s is named '%s'", singular, id);
}

/* {"spec":…,"status":…}; parts that are NULL are left out. */
static enum err_code journal_record(struct store_tx *tx, const struct store_record *record,
                                    const char *event, const struct store_actor *actor,
                                    struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    buf_add_str(&body, "{\"spec\":");
    buf_add_str(&body, record->spec);
    if (record->status) {
        buf_add_str(&body, ",\"status\":");
        buf_add_str(&body, record->status);
    }
    buf_add_char(&body, '}');
    enum err_code rc = store_append_as(tx, record->tenant, record->version, record->collection,
                                       record->id, event, body.data, actor, NULL, err);
    return rc ? store_doom(tx, rc) : ERR_OK;
}

enum err_code store_insert(struct store_tx *tx, const struct store_record *record,
                           const struct store_actor *actor, struct err *err)
{
    struct store_record made = *record;
    enum err_code rc = check_key(made.collection, made.id, err);
    if (rc == ERR_OK) {
        rc = store_check_event(made.collection, made.id, "created", actor, err);
    }
    if (rc == ERR_OK && !made.spec) {
        rc = err_set(err, ERR_INVALID, "the spec is missing");
    }
    if (rc == ERR_OK) {
        rc = check_bodies(made.spec, made.status, err);
    }
    made.tenant = made.tenant ? made.tenant : "";
    if (rc == ERR_OK) {
        rc = store_check_text("the tenant", made.tenant, STORE_NAME_MAX, true, err);
    }
    if (rc) {
        return rc;
    }
    made.version = 1;
    made.created_ms = made.created_ms > 0 ? made.created_ms : clock_now_ms();
    made.updated_ms = made.updated_ms > 0 ? made.updated_ms : made.created_ms;
    const struct store_value args[] = {STORE_V_TEXT(made.collection), STORE_V_TEXT(made.id),
                                       STORE_V_TEXT(made.tenant),     STORE_V_INT(made.created_ms),
                                       STORE_V_INT(made.updated_ms),  STORE_V_TEXT(made.spec),
                                       STORE_V_TEXT(made.status)};
    int64_t changed = 0;
    rc = store_exec(tx,
                    "INSERT INTO store_record (collection, id, tenant, version, created_ms,"
                    " updated_ms, spec, status) VALUES ($1, $2, $3, 1, $4, $5, $6, $7)"
                    " ON CONFLICT DO NOTHING",
                    args, ARRAY_LEN(args), &changed, err);
    if (rc) {
        return rc;
    }
    if (changed == 0) {
        char singular[STORE_NAME_MAX + 1];
        store_singular(made.collection, singular, sizeof singular);
        return err_set(err, ERR_CONFLICT, "there is a %s named '%s' already", singular, made.id);
    }
    return journal_record(tx, &made, "created", actor, err);
}

/* Why did a change with a WHERE on version touch nothing? */
static enum err_code refuse(struct store_tx *tx, const char *collection, const char *id,
                            int64_t expected, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(collection), STORE_V_TEXT(id)};
    enum err_code rc =
        store_query(tx, "SELECT version FROM store_record WHERE collection = $1 AND id = $2", args,
                    ARRAY_LEN(args), 1, &rows, &arena, err);
    if (rc) {
        return rc;
    }
    if (rows.count == 0) {
        return missing(collection, id, err);
    }
    err_set(err, ERR_PRECONDITION, "'%s' is at version %lld, not %lld", id,
            (long long)store_cell(&rows, 0, 0)->integer, (long long)expected);
    err_hint(err, "read it again and repeat the change on the new version");
    return ERR_PRECONDITION;
}

enum err_code store_update(struct store_tx *tx, const char *collection, const char *id,
                           int64_t expected, const char *spec, const char *status,
                           const char *event, const struct store_actor *actor, int64_t *ret_version,
                           struct err *err)
{
    enum err_code rc = check_key(collection, id, err);
    if (rc == ERR_OK) {
        rc = store_check_event(collection, id, event, actor, err);
    }
    if (rc == ERR_OK) {
        rc = check_bodies(spec, status, err);
    }
    if (rc) {
        return rc;
    }
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(collection), STORE_V_TEXT(id),
                                       STORE_V_INT(expected),    STORE_V_TEXT(spec),
                                       STORE_V_TEXT(status),     STORE_V_INT(clock_now_ms())};
    rc = store_query(tx,
                     "UPDATE store_record SET version = version + 1, updated_ms = $6,"
                     " spec = COALESCE($4, spec), status = COALESCE($5, status)"
                     " WHERE collection = $1 AND id = $2 AND ($3 = 0 OR version = $3)"
                     " RETURNING version, tenant, spec, status",
                     args, ARRAY_LEN(args), 1, &rows, &arena, err);
    if (rc) {
        return rc;
    }
    if (rows.count == 0) {
        return refuse(tx, collection, id, expected, err);
    }
    struct store_record made = {.collection = collection,
                                .id = id,
                                .version = store_cell(&rows, 0, 0)->integer,
                                .tenant = store_cell(&rows, 0, 1)->text,
                                .spec = store_cell(&rows, 0, 2)->text,
                                .status = store_cell(&rows, 0, 3)->text};
    rc = journal_record(tx, &made, event, actor, err);
    if (rc == ERR_OK && ret_version) {
        *ret_version = made.version;
    }
    return rc;
}

enum err_code store_delete(struct store_tx *tx, const char *collection, const char *id,
                           int64_t expected, const struct store_actor *actor, struct err *err)
{
    enum err_code rc = check_key(collection, id, err);
    if (rc == ERR_OK) {
        rc = store_check_event(collection, id, "deleted", actor, err);
    }
    if (rc) {
        return rc;
    }
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(collection), STORE_V_TEXT(id),
                                       STORE_V_INT(expected)};
    rc = store_query(tx,
                     "DELETE FROM store_record WHERE collection = $1 AND id = $2"
                     " AND ($3 = 0 OR version = $3) RETURNING version, tenant, spec, status",
                     args, ARRAY_LEN(args), 1, &rows, &arena, err);
    if (rc) {
        return rc;
    }
    if (rows.count == 0) {
        return refuse(tx, collection, id, expected, err);
    }
    struct store_record gone = {.collection = collection,
                                .id = id,
                                .version = store_cell(&rows, 0, 0)->integer,
                                .tenant = store_cell(&rows, 0, 1)->text,
                                .spec = store_cell(&rows, 0, 2)->text,
                                .status = store_cell(&rows, 0, 3)->text};
    return journal_record(tx, &gone, "deleted", actor, err);
}

enum err_code store_get(struct store_tx *tx, const char *collection, const char *id,
                        struct store_record *out, struct arena *arena, struct err *err)
{
    enum err_code rc = check_key(collection, id, err);
    if (rc) {
        return rc;
    }
    bool lock = tx->mode == STORE_WRITE && tx->store->backend->lock_row[0];
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(collection), STORE_V_TEXT(id)};
#define GET_SQL                                                                      \
    "SELECT tenant, version, created_ms, updated_ms, spec, status FROM store_record" \
    " WHERE collection = $1 AND id = $2"
    rc = store_query(tx, lock ? GET_SQL " FOR UPDATE" : GET_SQL, args, ARRAY_LEN(args), 1, &rows,
                     arena, err);
    if (rc) {
        return rc;
    }
    if (rows.count == 0) {
        return missing(collection, id, err);
    }
    *out = (struct store_record){.collection = arena_strdup(arena, collection),
                                 .id = arena_strdup(arena, id),
                                 .tenant = store_cell(&rows, 0, 0)->text,
                                 .version = store_cell(&rows, 0, 1)->integer,
                                 .created_ms = store_cell(&rows, 0, 2)->integer,
                                 .updated_ms = store_cell(&rows, 0, 3)->integer,
                                 .spec = store_cell(&rows, 0, 4)->text,
                                 .status = store_cell(&rows, 0, 5)->text};
    return ERR_OK;
}

void store_write_record(const struct store_record *record, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_text(&w, "id", record->id);
    json_member_text(&w, "collection", record->collection);
    json_member_int(&w, "version", record->version);
    json_member_text(&w, "tenant", record->tenant ? record->tenant : "");
    json_member_time(&w, "created_at", record->created_ms);
    json_member_time(&w, "updated_at", record->updated_ms);
    json_key(&w, "spec");
    json_put_raw(&w, record->spec ? record->spec : "{}");
    if (record->status) {
        json_key(&w, "status");
        json_put_raw(&w, record->status);
    }
    json_end(&w, '}');
}

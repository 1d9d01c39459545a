/* journal.c - what happened, in order, and those who wait for more.
 *
 * Contract: an event is written in the transaction of the change it tells.  store_events returns an
 * event only when no transaction that commits later can have a lower position:
 * - SQLite has one writer, so positions (AUTOINCREMENT) grow in the order of commits.
 * - PostgreSQL: position = base + transaction id × 2^16 + number of the event in its transaction,
 * and a reader sees only transactions below the xmin of its snapshot.  All of those have ended;
 * everything that comes later has a higher id.  Writers take no common lock for it.  See
 * docs/modules/store.md. */
#include "store/store_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/fault.h"

enum err_code store_check_event(const char *collection, const char *object, const char *event,
                                const struct store_actor *actor, struct err *err)
{
    enum err_code rc = store_check_text("the collection", collection, STORE_NAME_MAX, false, err);
    if (rc == ERR_OK) {
        rc = store_check_text("the object", object, STORE_ID_MAX, true, err);
    }
    if (rc == ERR_OK) {
        rc = store_check_text("the event", event, STORE_NAME_MAX, false, err);
    }
    if (rc == ERR_OK) {
        rc = store_check_text("the actor", actor->user, STORE_NAME_MAX, false, err);
    }
    if (rc == ERR_OK && actor->tenant) {
        rc = store_check_text("the actor's tenant", actor->tenant, STORE_NAME_MAX, true, err);
    }
    if (rc == ERR_OK && actor->request) {
        rc = store_check_text("the request id", actor->request, STORE_NAME_MAX, true, err);
    }
    return rc;
}

static enum err_code take_integer(void *ctx, const struct store_value *cells, size_t columns,
                                  struct err *err)
{
    (void)err;
    if (columns > 0) {
        *(int64_t *)ctx = cells[0].integer;
    }
    return ERR_OK;
}

/* The arguments have been checked. */
enum err_code store_append_as(struct store_tx *tx, const char *tenant, int64_t version,
                              const char *collection, const char *object, const char *event,
                              const char *body, const struct store_actor *actor,
                              int64_t *ret_position, struct err *err)
{
    if (tx->events >= STORE_TX_EVENTS_MAX) {
        err_set(err, ERR_TOO_LARGE, "more than %d events in one transaction", STORE_TX_EVENTS_MAX);
        err_hint(err, "make the change in several transactions");
        return ERR_TOO_LARGE;
    }
    const struct store_value args[] = {STORE_V_INT(clock_now_ms()), STORE_V_TEXT(collection),
                                       STORE_V_TEXT(object),        STORE_V_TEXT(event),
                                       STORE_V_INT(version),        STORE_V_TEXT(tenant),
                                       STORE_V_TEXT(actor->user),   STORE_V_TEXT(actor->request),
                                       STORE_V_TEXT(body),          STORE_V_INT(tx->events + 1)};
    int64_t position = 0;
    enum err_code rc = store_each(tx, tx->store->backend->append, args, ARRAY_LEN(args),
                                  take_integer, &position, err);
    if (rc) {
        return rc;
    }
    tx->events++;
    tx->last_position = position;
    if (ret_position) {
        *ret_position = position;
    }
    return ERR_OK;
}

enum err_code store_append(struct store_tx *tx, const char *collection, const char *object,
                           const char *event, const char *body, const struct store_actor *actor,
                           int64_t *ret_position, struct err *err)
{
    enum err_code rc = store_check_event(collection, object ? object : "", event, actor, err);
    if (rc == ERR_OK && body) {
        rc = store_check_json("the body", body, err);
    }
    if (rc) {
        return rc;
    }
    return store_append_as(tx, actor->tenant ? actor->tenant : "", 0, collection,
                           object ? object : "", event, body, actor, ret_position, err);
}

enum err_code store_events(struct store_tx *tx, int64_t after, const char *collection,
                           const char *object, const char *tenant, size_t limit,
                           struct store_event **out, size_t *out_count, struct arena *arena,
                           struct err *err)
{
    if (limit < 1 || limit > 1000) {
        return err_set(err, ERR_INVALID, "the limit of events is 1 to 1000");
    }
    CLEANUP(buf_done) struct buf sql = BUF_INIT;
    struct store_value args[5] = {STORE_V_INT(after), STORE_V_INT((int64_t)limit)};
    size_t count = 2;
    buf_add_str(&sql, "SELECT position, at_ms, collection, object, event, version, tenant,"
                      " user_name, request, body FROM store_journal WHERE position > $1");
    buf_add_str(&sql, tx->store->backend->events_until);
    if (collection) {
        args[count++] = STORE_V_TEXT(collection);
        buf_printf(&sql, " AND collection = $%zu", count);
    }
    if (object) {
        args[count++] = STORE_V_TEXT(object);
        buf_printf(&sql, " AND object = $%zu", count);
    }
    if (tenant) {
        args[count++] = STORE_V_TEXT(tenant);
        buf_printf(&sql, " AND (tenant = $%zu OR tenant = '')", count);
    }
    buf_add_str(&sql, " ORDER BY position LIMIT $2");
    struct store_rows rows;
    enum err_code rc = store_query(tx, sql.data, args, count, limit, &rows, arena, err);
    if (rc) {
        return rc;
    }
    struct store_event *events = arena_array(arena, rows.count ? rows.count : 1, sizeof *events);
    for (size_t i = 0; i < rows.count; i++) {
        events[i] = (struct store_event){.position = store_cell(&rows, i, 0)->integer,
                                         .at_ms = store_cell(&rows, i, 1)->integer,
                                         .collection = store_cell(&rows, i, 2)->text,
                                         .object = store_cell(&rows, i, 3)->text,
                                         .event = store_cell(&rows, i, 4)->text,
                                         .version = store_cell(&rows, i, 5)->integer,
                                         .tenant = store_cell(&rows, i, 6)->text,
                                         .user = store_cell(&rows, i, 7)->text,
                                         .request = store_cell(&rows, i, 8)->text,
                                         .body = store_cell(&rows, i, 9)->text};
    }
    *out = events;
    *out_count = rows.count;
    return ERR_OK;
}

enum err_code store_position(struct store_tx *tx, int64_t *out, struct err *err)
{
    int64_t position = 0;
    enum err_code rc =
        store_each(tx, tx->store->backend->position, NULL, 0, take_integer, &position, err);
    if (rc == ERR_OK) {
        *out = position;
    }
    return rc;
}

void store_news(struct store *store, int64_t position)
{
    pthread_mutex_lock(&store->follow_lock);
    store->news_count++;
    if (position > store->known_position) {
        store->known_position = position;
    }
    pthread_cond_broadcast(&store->follow_cond);
    pthread_mutex_unlock(&store->follow_lock);
}

void store_wake(struct store *store)
{
    pthread_mutex_lock(&store->follow_lock);
    store->wake_count++;
    pthread_cond_broadcast(&store->follow_cond);
    pthread_mutex_unlock(&store->follow_lock);
}

enum err_code store_follow(struct store *store, int64_t after, int64_t timeout_ms, struct err *err)
{
    enum err_code rc = FAULT_POINT("store.follow", err);
    if (rc) {
        return rc;
    }
    return store->backend->follow(store, after, clock_mono_ms() + (timeout_ms > 0 ? timeout_ms : 0),
                                  err);
}

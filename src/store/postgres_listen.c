/* postgres_listen.c - who waits for the journal on PostgreSQL.
 *
 * One thread with a connection of its own LISTENs.  It also sends the NOTIFY of this process'
 * commits: inside the committing transaction NOTIFY takes a lock that makes all commits of the
 * database queue for each other's fsync, after it, from here, it costs nobody anything and many
 * commits share one.
 *
 * Contract: a follower is woken by commits of this process at once, by others' through NOTIFY, and
 * should a process die between its COMMIT and its NOTIFY, through a look at the journal each
 * second. When its connection is lost, and each time it has made one (which store_open does not
 * wait for), the thread wakes everybody. */
#include "store/postgres_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

static void ring(struct postgres_store *store)
{
    uint64_t one = 1;
    /* Fails only when the counter is full, and then it is ringing already. */
    ssize_t written = write(store->signal, &one, sizeof one);
    (void)written;
}

void store_postgres_announce(struct store *base)
{
    struct postgres_store *store = (struct postgres_store *)base;
    if (!atomic_exchange(&store->announce, true)) {
        ring(store);
    }
}

/* Notifications that have arrived; *news when one is of another process. */
static void take_notifications(struct postgres_conn *conn, bool *news)
{
    PGnotify *notify;
    PQconsumeInput(conn->pg);
    while ((notify = PQnotifies(conn->pg))) {
        *news |= notify->be_pid != PQbackendPID(conn->pg);
        PQfreemem(notify);
    }
}

/* One round on a good connection: sleeps until something happens. */
static void listen_once(struct postgres_store *store, struct postgres_conn *conn, int64_t *last)
{
    struct pollfd fds[2] = {{.fd = PQsocket(conn->pg), .events = POLLIN},
                            {.fd = store->signal, .events = POLLIN}};
    bool news = false;
    int64_t now = 0;
    int ready = poll(fds, 2, POSTGRES_STORE_POLL_MS);
    if (ready > 0 && fds[1].revents) {
        uint64_t ignored;
        ssize_t got = read(store->signal, &ignored, sizeof ignored);
        (void)got;
    }
    if (atomic_load(&store->stop)) {
        return;
    }
    if (atomic_exchange(&store->announce, false) &&
        store_postgres_do(conn, "NOTIFY " POSTGRES_STORE_CHANNEL, NULL, NULL, NULL) != ERR_OK) {
        atomic_store(&store->announce, true); /* by the next connection */
    }
    take_notifications(conn, &news);
    if (ready == 0 && store_postgres_do(conn, "SELECT MAX(position) FROM store_journal", &now, NULL,
                                        NULL) == ERR_OK) {
        news |= now != *last;
        *last = now;
    }
    if (news) {
        store_news(&store->base, 0);
    }
}

static struct postgres_conn *connect_listener(struct postgres_store *store, struct err *err)
{
    struct postgres_conn *conn = NULL;
    if (store_postgres_connect(store->url, &conn, err) != ERR_OK) {
        return NULL;
    }
    if (store_postgres_do(conn, "LISTEN " POSTGRES_STORE_CHANNEL, NULL, NULL, err) != ERR_OK) {
        store_postgres_disconnect(conn);
        return NULL;
    }
    return conn;
}

static void *listener(void *arg)
{
    struct postgres_store *store = arg;
    struct postgres_conn *conn = NULL;
    int64_t last = 0;
    while (!atomic_load(&store->stop)) {
        if (!conn) {
            conn = connect_listener(store, NULL);
            if (!conn) {
                struct pollfd fd = {.fd = store->signal, .events = POLLIN};
                if (poll(&fd, 1, 200) > 0) { /* a commit or stop: look again, but not busily */
                    clock_sleep_ms(20);
                }
                continue;
            }
            store_news(&store->base, 0); /* what was committed while nobody listened */
        }
        listen_once(store, conn, &last);
        if (store_postgres_broken(conn)) {
            store_postgres_disconnect(conn);
            conn = NULL;
            store_news(&store->base, 0); /* who waits sees for himself that the server is away */
        }
    }
    store_postgres_disconnect(conn);
    return NULL;
}

enum err_code store_postgres_listen(struct postgres_store *store, struct err *err)
{
    store->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->signal < 0) {
        return err_errno(err, errno, "making an eventfd");
    }
    int code = pthread_create(&store->listener, NULL, listener, store);
    if (code) {
        return err_errno(err, code, "starting a thread");
    }
    store->listening = true;
    return ERR_OK;
}

void store_postgres_unlisten(struct postgres_store *store)
{
    if (store->listening) {
        atomic_store(&store->stop, true);
        ring(store);
        pthread_join(store->listener, NULL);
    }
    if (store->signal >= 0) {
        close(store->signal);
    }
}

struct pending {
    bool visible; /* an event beyond `after` may be read */
    bool held;    /* one is committed, but an older transaction is still open */
};

static enum err_code take_pending(void *ctx, const struct store_value *cells, size_t columns,
                                  struct err *err)
{
    struct pending *pending = ctx;
    (void)err;
    if (columns == 2) {
        pending->visible = cells[0].integer != 0;
        pending->held = cells[1].integer != 0;
    }
    return ERR_OK;
}

static enum err_code look(struct store *store, int64_t after, struct pending *out, struct err *err)
{
    struct store_tx *tx = NULL;
    bool retry = false;
    struct store_wish wish = {.mode = STORE_READ};
    const struct store_value args[] = {STORE_V_INT(after)};
    enum err_code rc = store->backend->begin(store, &wish, &tx, &retry, err);
    if (rc) {
        return rc;
    }
    rc = store_postgres_run(
        tx,
        "SELECT EXISTS (SELECT 1 FROM store_journal WHERE position > $1 AND position"
        " < " POSTGRES_STORE_HORIZON "), EXISTS (SELECT 1 FROM store_journal WHERE position > $1)",
        args, ARRAY_LEN(args), take_pending, out, NULL, err);
    store->backend->end(tx, false, &retry, NULL);
    return rc;
}

enum err_code store_postgres_follow(struct store *store, int64_t after, int64_t deadline_ms,
                                    struct err *err)
{
    int64_t pause_ms = 1;
    pthread_mutex_lock(&store->follow_lock);
    uint64_t wakes = store->wake_count;
    enum err_code rc = ERR_OK;
    for (;;) {
        struct pending pending = {false, false};
        uint64_t news = store->news_count;
        pthread_mutex_unlock(&store->follow_lock);
        rc = look(store, after, &pending, err);
        pthread_mutex_lock(&store->follow_lock);
        int64_t now = clock_mono_ms();
        if (pending.visible || store->wake_count != wakes || now >= deadline_ms) {
            break;
        }
        /* Held events come free when some older transaction ends, which nobody announces; and when
         * the server is away, a follower must not spin. */
        int64_t until = deadline_ms;
        if (pending.held || rc) {
            until = now + (rc ? 200 : pause_ms);
            pause_ms = pause_ms < 50 ? pause_ms * 2 : pause_ms;
        }
        struct timespec at = store_timespec(until < deadline_ms ? until : deadline_ms);
        while (store->news_count == news && store->wake_count == wakes &&
               pthread_cond_timedwait(&store->follow_cond, &store->follow_lock, &at) == 0) {
        }
        if (rc) {
            break;
        }
    }
    pthread_mutex_unlock(&store->follow_lock);
    return rc;
}

/* sqlite_writer.c - the one writing connection: turns in order of arrival, and commits in groups.
 *
 * SQLite has one writer.  Writers queue here first come first served, so nobody starves and the
 * file's own lock is met only by other processes.
 *
 * Group commit.  A commit costs an fsync, the rest of a transaction some ten microseconds.  So a
 * store_write that is ready while the next store_write already queues does not COMMIT: it releases
 * its savepoint, passes the connection on inside the same outer transaction and sleeps.  The last
 * one in the queue (or the 64th, or the first after 4 ms) commits for all and wakes them with the
 * result.
 *
 * Contract:
 * - Nobody returns success before the COMMIT of the group (WAL, synchronous=FULL) has succeeded;
 * when it fails, all of the group fail with its error and none of their changes exist.
 * - The order is serial: each member sees the members before it, no reader sees any of them before
 *   the COMMIT.  A member that gave up after it saw others waits for the group too, and when the
 * group fails its verdict is replaced by the group's error.
 * - Only store_write bodies take part.  A plain store_begin … store_commit always commits by
 * itself, so nobody's commit waits for code that runs between someone's begin and commit calls.
 * - SQLite may roll the outer transaction back by itself (disk full, I/O error): the group is then
 *   broken, the one who sees it ends it and all members fail.
 * - A crash leaves the last complete COMMIT: WAL recovery drops the rest. */
#include "store/sqlite_priv.h"

#include "base/clock.h"

/* ---- turns ---- */

static void take_turn(struct sqlite_writer *writer, bool grouped)
{
    pthread_mutex_lock(&writer->lock);
    if (!writer->busy) {
        writer->busy = true;
        pthread_mutex_unlock(&writer->lock);
        return;
    }
    struct sqlite_waiter me = {.grouped = grouped};
    store_cond_init(&me.turn);
    if (writer->last) {
        writer->last->next = &me;
    } else {
        writer->first = &me;
    }
    writer->last = &me;
    while (!me.granted) {
        pthread_cond_wait(&me.turn, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    pthread_cond_destroy(&me.turn);
}

/* With the lock held. */
static void pass_turn(struct sqlite_writer *writer)
{
    struct sqlite_waiter *next = writer->first;
    if (!next) {
        writer->busy = false;
        return;
    }
    writer->first = next->next;
    if (!writer->first) {
        writer->last = NULL;
    }
    next->granted = true;
    pthread_cond_signal(&next->turn);
}

/* ---- groups ---- */

static struct sqlite_group *group_new(void)
{
    struct sqlite_group *group = mem_zalloc(sizeof *group);
    group->refs = 1;
    group->opened_us = clock_mono_us();
    store_cond_init(&group->ended);
    return group;
}

/* With the lock held. */
static void group_unref(struct sqlite_group *group)
{
    if (--group->refs == 0) {
        pthread_cond_destroy(&group->ended);
        mem_free(group);
    }
}

enum err_code store_sqlite_writer_begin(struct sqlite_store *store, struct sqlite_tx *tx,
                                        bool *retry, struct err *err)
{
    struct sqlite_writer *writer = &store->writer;
    enum err_code rc = ERR_OK;
    take_turn(writer, tx->grouped);
    /* From here to the next pass_turn conn and group are ours alone. */
    if (!writer->group) {
        rc = store_sqlite_do(writer->conn, "BEGIN IMMEDIATE", retry, err);
        if (rc) {
            pthread_mutex_lock(&writer->lock);
            pass_turn(writer);
            pthread_mutex_unlock(&writer->lock);
            return rc;
        }
        writer->group = group_new();
    }
    tx->conn = writer->conn;
    tx->group = writer->group;
    tx->group->joined++;
    tx->group->refs++;
    rc = store_sqlite_do(writer->conn, "SAVEPOINT member", retry, err);
    if (rc) {
        bool ignored = false;
        tx->conn = NULL; /* no savepoint to go back to */
        store_sqlite_writer_end(store, tx, false, &ignored, NULL);
    }
    return rc;
}

/* Ends the member's part: releases or undoes its savepoint. */
static enum err_code end_member(struct sqlite_writer *writer, struct sqlite_tx *tx, bool commit,
                                bool *retry, struct err *err)
{
    struct sqlite_group *group = tx->group;
    sqlite3 *db = writer->conn->db;
    enum err_code rc = ERR_OK;
    if (commit && !sqlite3_get_autocommit(db)) {
        rc = store_sqlite_do(writer->conn, "RELEASE member", retry, err);
        if (rc == ERR_OK) {
            group->wrote = true;
            return ERR_OK;
        }
    }
    if (tx->conn && !sqlite3_get_autocommit(db)) {
        bool ignored = false;
        if (store_sqlite_do(writer->conn, "ROLLBACK TO member", &ignored, NULL) != ERR_OK ||
            store_sqlite_do(writer->conn, "RELEASE member", &ignored, NULL) != ERR_OK) {
            store_sqlite_do(writer->conn, "ROLLBACK", &ignored, NULL);
        }
    }
    if (sqlite3_get_autocommit(db)) {
        group->broken = true;
        if (commit && rc == ERR_OK) {
            rc = err_set(err, ERR_IO, "the database has rolled the transaction back");
        }
    }
    return rc;
}

/* Ends the outer transaction, by the one who has the turn. */
static void end_group(struct sqlite_writer *writer, struct sqlite_group *group)
{
    bool ignored = false;
    if (group->broken) {
        group->rc = err_set(&group->err, ERR_IO, "the database has rolled the transaction back");
        err_hint(&group->err, "look for a full disk or a failing one");
    } else if (group->wrote) {
        group->rc = store_sqlite_do(writer->conn, "COMMIT", &group->retry, &group->err);
    } else {
        store_sqlite_do(writer->conn, "ROLLBACK", &ignored, NULL);
    }
    if (!sqlite3_get_autocommit(writer->conn->db)) {
        store_sqlite_do(writer->conn, "ROLLBACK", &ignored, NULL);
    }
}

/* With the lock held: may the next in the queue go on in this group? */
static bool can_continue(const struct sqlite_writer *writer, const struct sqlite_tx *tx)
{
    const struct sqlite_group *group = tx->group;
    return tx->grouped && !group->broken && group->joined < SQLITE_STORE_GROUP && writer->first &&
           writer->first->grouped && clock_mono_us() - group->opened_us < SQLITE_STORE_GROUP_US;
}

enum err_code store_sqlite_writer_end(struct sqlite_store *store, struct sqlite_tx *tx, bool commit,
                                      bool *retry, struct err *err)
{
    struct sqlite_writer *writer = &store->writer;
    struct sqlite_group *group = tx->group;
    enum err_code rc = end_member(writer, tx, commit, retry, err);

    pthread_mutex_lock(&writer->lock);
    if (can_continue(writer, tx)) {
        pass_turn(writer);
        while (!group->done) {
            pthread_cond_wait(&group->ended, &writer->lock);
        }
    } else {
        pthread_mutex_unlock(&writer->lock);
        end_group(writer, group);
        pthread_mutex_lock(&writer->lock);
        group->done = true;
        writer->group = NULL;
        pthread_cond_broadcast(&group->ended);
        pass_turn(writer);
        group_unref(group); /* the writer's own */
    }
    if (group->rc && (commit || group->joined > 1)) {
        rc = group->rc;
        *retry = group->retry;
        if (err) {
            *err = group->err;
        }
    }
    group_unref(group);
    pthread_mutex_unlock(&writer->lock);
    return rc;
}

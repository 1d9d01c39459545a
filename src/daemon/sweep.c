/* sweep.c - reservations that are past their time: their rows go, and the solution set or order
 * that held them says so.
 *
 * Contract: nothing depends on the sweep being in time: whoever counts passes over what is past its
 * end.  Each holder is ended in a transaction of its own, which looks again: it may have been
 * renewed meanwhile, also by another server. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_priv.h"

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

static enum err_code end_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const char *holder = ctx;
    bool holds;
    enum err_code rc = compute_holds(tx, holder, &holds, err);
    if (rc || holds || (rc = compute_release(tx, holder, &system_actor, err)))
        return rc;
    rc = business_hold_ended(tx, holder, SOLUTION_HOLD_LAPSED, &system_actor, err);
    if (rc == ERR_NOT_FOUND) { /* rows of nobody: they go all the same */
        err_clear(err);
        rc = ERR_OK;
    }
    return rc;
}

void daemon_sweep(struct daemon *daemon)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    const char **holders;
    size_t count = 0;
    struct err err = ERR_INIT;
    if (store_begin(daemon->store, STORE_READ, &tx, &err) ||
        compute_lapsed(tx, clock_now_ms(), &holders, &count, &arena, &err)) {
        log_error("daemon", "reservations cannot be read", &err);
        return;
    }
    store_rollback_at(&tx);
    for (size_t i = 0; i < count && !daemon->stop; i++)
        if (store_write(daemon->store, end_body, (void *)(uintptr_t)holders[i], &err))
            log_error("daemon", "a reservation could not be ended", &err);
}

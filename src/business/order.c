/* order.c - orders: of confirmed candidates only; what is held for them, and how it ends.
 *
 * Contract: an order says by version, choice and digest what was confirmed, so that nothing that is
 * done to the set afterwards touches it.  Room that was held for the set is held for the order from
 * then on (the caller moves it in the same transaction).  An order that is not applied before its
 * end is lapsed: it holds nothing any more, and may still be planned or applied where there is
 * room. */
#include <math.h>

#include "base/str.h"
#include "business/business_priv.h"

#define MAX_PRICE 9e12 /* a price in millionths fits 63 bits */

static enum err_code check_confirmed(const struct business_set *set, const struct order_spec *spec,
                                     struct err *err)
{
    const struct solution_mark *confirmed = set->status.confirmed;
    if (business_solution_next(set->status.state, BUSINESS_ORDER) && confirmed &&
        confirmed->version == spec->version && confirmed->choice == spec->choice)
        return ERR_OK;
    if (confirmed)
        err_set(err, ERR_CONFLICT,
                "of solution '%s' candidate %lld of version %lld is confirmed, not candidate %lld "
                "of version %lld",
                spec->solution, (long long)confirmed->choice + 1, (long long)confirmed->version,
                (long long)spec->choice + 1, (long long)spec->version);
    else
        err_set(err, ERR_CONFLICT, "no candidate of solution '%s' is confirmed", spec->solution);
    return err_hint(err, "confirm it first: swan solution confirm %s --choice %lld", spec->solution,
                    (long long)spec->choice + 1);
}

enum err_code business_order_save(struct store_tx *tx, struct order_spec *spec,
                                  const struct store_actor *actor, char out_id[32], struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_set set;
    struct business_solution version;
    enum err_code rc;
    if ((rc = business_set_get(tx, spec->solution, NULL, &set, &arena, err)) ||
        (rc = business_solution_load(tx, spec->solution, spec->version, NULL, &version,
                                     &spec->version, &arena, err)))
        return rc;
    if (spec->choice < 0 || (size_t)spec->choice >= version.answer->solutions.count) {
        err_set(err, ERR_INVALID, "the set holds %zu solutions", version.answer->solutions.count);
        return err_field(err, "choice");
    }
    const struct solution *chosen = &version.answer->solutions.items[spec->choice];
    if (!(chosen->cost >= 0 && chosen->cost < MAX_PRICE))
        return err_set(err, ERR_INVALID, "a solution for %g a month cannot be ordered",
                       chosen->cost);
    if ((rc = check_confirmed(&set, spec, err)))
        return rc;
    struct order_spec stored = *spec;
    stored.digest = set.status.confirmed->digest;
    struct order_status status = {.state = BUSINESS_ORDER_CONFIRMED,
                                  .currency = chosen->currency,
                                  .price_month = llround(chosen->cost * 1e6),
                                  .hold = business_hold(set.status.hold.seconds, spec->choice)};
    struct business_stage stage = {.collection = "orders",
                                   .prefix = "ord",
                                   .tenant = set.tenant,
                                   .spec_table = &order_spec_table,
                                   .spec = &stored,
                                   .status_table = &order_status_table,
                                   .status = &status};
    set.status.state = business_solution_next(set.status.state, BUSINESS_ORDER);
    if (set.status.hold.seconds)
        set.status.hold = (struct solution_hold){.state = SOLUTION_HOLD_ORDERED,
                                                 .choice = spec->choice,
                                                 .seconds = set.status.hold.seconds};
    rc = business_set_status(tx, spec->solution, &set.status, "ordered", actor, err);
    return rc ? rc : business_insert(tx, &stage, actor, out_id, err);
}

static bool is_waiting(int state)
{
    return state == BUSINESS_ORDER_CONFIRMED || state == BUSINESS_ORDER_PLANNED;
}

static const char *end_event(int hold_state)
{
    return hold_state == SOLUTION_HOLD_LAPSED ? "lapsed" : "released";
}

static void end_hold(struct solution_hold *hold, int hold_state)
{
    hold->state = hold_state;
    hold->expires_ms = 0;
}

enum err_code business_hold_ended(struct store_tx *tx, const char *holder, int hold_state,
                                  const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_set set;
    struct business_order order;
    enum err_code rc;
    if (str_has_prefix(holder, "sol-")) {
        rc = business_set_get(tx, holder, NULL, &set, &arena, err);
        if (rc || set.status.hold.state != SOLUTION_HOLD_HELD)
            return rc;
        end_hold(&set.status.hold, hold_state);
        return business_set_status(tx, holder, &set.status, end_event(hold_state), actor, err);
    }
    rc = business_order_get(tx, holder, NULL, &order, &arena, err);
    if (rc || order.status.hold.state != SOLUTION_HOLD_HELD)
        return rc;
    end_hold(&order.status.hold, hold_state);
    if (is_waiting(order.status.state))
        order.status.state = BUSINESS_ORDER_LAPSED;
    return business_order_status(tx, holder, &order.status, end_event(hold_state), actor, err);
}

enum err_code business_order_cancel(struct store_tx *tx, const char *id, const char *tenant,
                                    const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_order order;
    enum err_code rc = business_order_get(tx, id, tenant, &order, &arena, err);
    if (rc || order.status.state == BUSINESS_ORDER_CANCELLED)
        return rc;
    if (!is_waiting(order.status.state) && order.status.state != BUSINESS_ORDER_LAPSED) {
        err_set(err, ERR_CONFLICT, "order '%s' is %s and is not cancelled", id,
                order_state_names[order.status.state]);
        if (order.status.deployment)
            err_hint(err, "what it opened is removed by: swan deployment delete %s",
                     order.status.deployment);
        return ERR_CONFLICT;
    }
    order.status.state = BUSINESS_ORDER_CANCELLED;
    if (order.status.hold.state == SOLUTION_HOLD_HELD)
        end_hold(&order.status.hold, SOLUTION_HOLD_RELEASED);
    return business_order_status(tx, id, &order.status, "cancelled", actor, err);
}

/* solution.c - solution sets: versions, the candidate that is chosen and confirmed, and what is
 * held for it.
 *
 * Contract: a version never changes once it is stored.  The record of the set shows the newest one;
 * when the next comes, the one before moves to "solution-versions" in the same transaction.  The
 * status tells what was decided; each change of it is an event of the journal: refined, chosen,
 * confirmed, ordered, lapsed, released. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business_priv.h"

/* Refinements of one set; its list of versions stays short enough to be read at a glance. */
#define MAX_VERSIONS 200

/* ---- the states ---- */

static const struct {
    int state, event, next;
} steps[] = {
    {SOLUTION_DESIGNED, BUSINESS_REFINE, SOLUTION_DESIGNED},
    {SOLUTION_DESIGNED, BUSINESS_CHOOSE, SOLUTION_CHOSEN},
    {SOLUTION_DESIGNED, BUSINESS_CONFIRM, SOLUTION_CONFIRMED},
    {SOLUTION_CHOSEN, BUSINESS_REFINE, SOLUTION_DESIGNED},
    {SOLUTION_CHOSEN, BUSINESS_CHOOSE, SOLUTION_CHOSEN},
    {SOLUTION_CHOSEN, BUSINESS_CONFIRM, SOLUTION_CONFIRMED},
    {SOLUTION_CONFIRMED, BUSINESS_REFINE, SOLUTION_DESIGNED},
    {SOLUTION_CONFIRMED, BUSINESS_CHOOSE, SOLUTION_CHOSEN}, /* takes the confirmation back */
    {SOLUTION_CONFIRMED, BUSINESS_CONFIRM, SOLUTION_CONFIRMED},
    {SOLUTION_CONFIRMED, BUSINESS_ORDER, SOLUTION_ORDERED},
    {SOLUTION_ORDERED, BUSINESS_REFINE, SOLUTION_DESIGNED},
    {SOLUTION_ORDERED, BUSINESS_CHOOSE, SOLUTION_CHOSEN},
    {SOLUTION_ORDERED, BUSINESS_CONFIRM, SOLUTION_CONFIRMED},
    {SOLUTION_ORDERED, BUSINESS_ORDER, SOLUTION_ORDERED}, /* the same once more */
};

int business_solution_next(int state, enum business_solution_event event)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i].state == state && steps[i].event == (int)event)
            return steps[i].next;
    return SOLUTION_STATE_ABSENT;
}

/* ---- reading ---- */

static struct solution_version version_line(const struct business_solution *spec, const char *by,
                                            int64_t at_ms)
{
    struct solution_version line = {.number = spec->number,
                                    .by = by,
                                    .note = spec->refinement ? spec->refinement->note : NULL,
                                    .at_ms = at_ms,
                                    .candidates = (int64_t)spec->answer->solutions.count};
    if (spec->answer->solutions.count) {
        line.cost = spec->answer->solutions.items[0].cost;
        line.currency = spec->answer->solutions.items[0].currency;
    }
    return line;
}

static enum err_code decode_spec(const char *text, struct business_solution *out,
                                 struct arena *arena, struct err *err)
{
    enum err_code rc = json_decode_stored(text, &business_solution_table, out, arena, err);
    if (!rc && !out->number) /* from before there were versions */
        out->number = 1;
    return rc;
}

enum err_code business_set_get(struct store_tx *tx, const char *id, const char *tenant,
                               struct business_set *out, struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = business_get(tx, "solutions", "solution", id, tenant, &record, arena, err);
    if (rc || (rc = decode_spec(record.spec, &out->spec, arena, err)))
        return rc;
    out->tenant = record.tenant;
    out->spec_text = record.spec;
    if (record.status)
        return json_decode_stored(record.status, &solution_status_table, &out->status, arena, err);
    out->status =
        (struct solution_status){.state = SOLUTION_DESIGNED, .hold = {.state = SOLUTION_HOLD_NONE}};
    *LIST_ADD(arena, &out->status.versions) = version_line(&out->spec, NULL, record.created_ms);
    return ERR_OK;
}

enum err_code business_solution_load(struct store_tx *tx, const char *id, int64_t number,
                                     const char *tenant, struct business_solution *out,
                                     int64_t *ret_number, struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = business_get(tx, "solutions", "solution", id, tenant, &record, arena, err);
    if (rc || (rc = decode_spec(record.spec, out, arena, err)))
        return rc;
    if (number && number != out->number) {
        int64_t newest = out->number;
        const char *old = arena_printf(arena, "%s@%lld", id, (long long)number);
        rc = store_get(tx, "solution-versions", old, &record, arena, err);
        if (rc == ERR_NOT_FOUND) {
            err_set(err, ERR_NOT_FOUND, "solution '%s' has no version %lld", id, (long long)number);
            return err_hint(err, "its versions are 1 to %lld", (long long)newest);
        }
        if (rc || (rc = decode_spec(record.spec, out, arena, err)))
            return rc;
    }
    if (ret_number)
        *ret_number = out->number;
    return ERR_OK;
}

enum err_code business_solution_status(struct store_tx *tx, const char *id, const char *tenant,
                                       struct solution_status *out, struct arena *arena,
                                       struct err *err)
{
    struct business_set set;
    enum err_code rc = business_set_get(tx, id, tenant, &set, arena, err);
    if (!rc)
        *out = set.status;
    return rc;
}

/* ---- writing ---- */

enum err_code business_set_status(struct store_tx *tx, const char *id,
                                  const struct solution_status *status, const char *event,
                                  const struct store_actor *actor, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&solution_status_table, status, JSON_COMPACT, &text);
    return store_update(tx, "solutions", id, 0, NULL, buf_str(&text), event, actor, NULL, err);
}

struct solution_hold business_hold(int64_t seconds, int64_t choice)
{
    if (seconds <= 0)
        return (struct solution_hold){.state = SOLUTION_HOLD_NONE, .choice = choice};
    return (struct solution_hold){.state = SOLUTION_HOLD_HELD,
                                  .choice = choice,
                                  .expires_ms = clock_now_ms() + seconds * 1000,
                                  .seconds = seconds};
}

enum err_code business_solution_save(struct store_tx *tx, const struct business_solution *spec,
                                     const struct solution_hold *hold,
                                     const struct store_actor *actor, char out_id[32],
                                     struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_solution first = *spec;
    first.number = 1;
    struct solution_status status = {.state = SOLUTION_DESIGNED,
                                     .hold = hold ? *hold : business_hold(0, 0)};
    *LIST_ADD(&arena, &status.versions) = version_line(&first, actor->user, clock_now_ms());
    struct business_stage stage = {.collection = "solutions",
                                   .prefix = "sol",
                                   .spec_table = &business_solution_table,
                                   .spec = &first,
                                   .status_table = &solution_status_table,
                                   .status = &status};
    enum err_code rc =
        business_tenant_of_need(tx, spec->requirement_id, actor, &stage.tenant, &arena, err);
    return rc ? rc : business_insert(tx, &stage, actor, out_id, err);
}

static enum err_code keep_version(struct store_tx *tx, const char *id,
                                  const struct business_set *set, const struct store_actor *actor,
                                  struct arena *arena, struct err *err)
{
    struct store_record record = {
        .collection = "solution-versions",
        .id = arena_printf(arena, "%s@%lld", id, (long long)set->spec.number),
        .tenant = set->tenant,
        .spec = set->spec_text};
    return store_insert(tx, &record, actor, err);
}

enum err_code business_solution_refine(struct store_tx *tx, const char *id,
                                       struct business_solution *spec,
                                       const struct solution_hold *hold,
                                       const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf spec_text = BUF_INIT;
    CLEANUP(buf_done) struct buf status_text = BUF_INIT;
    struct business_set set;
    enum err_code rc = business_set_get(tx, id, NULL, &set, &arena, err);
    if (rc)
        return rc;
    if (spec->refinement->from != set.spec.number) {
        err_set(err, ERR_PRECONDITION, "solution '%s' has version %lld now, not %lld", id,
                (long long)set.spec.number, (long long)spec->refinement->from);
        return err_hint(err, "somebody refined it meanwhile: look at it, then refine again");
    }
    if (set.spec.number >= MAX_VERSIONS) {
        err_set(err, ERR_TOO_LARGE, "solution '%s' has %d versions already", id, MAX_VERSIONS);
        return err_hint(err, "design anew");
    }
    spec->number = set.spec.number + 1;
    set.status.state = business_solution_next(set.status.state, BUSINESS_REFINE);
    set.status.chosen = set.status.confirmed = NULL;
    set.status.hold = hold ? *hold : business_hold(0, 0);
    size_t count = set.status.versions.count;
    struct solution_version *versions = arena_array(&arena, count + 1, sizeof *versions);
    if (count)
        memcpy(versions, set.status.versions.items, count * sizeof *versions);
    versions[count] = version_line(spec, actor->user, clock_now_ms());
    set.status.versions.items = versions;
    set.status.versions.count = count + 1;
    json_encode(&business_solution_table, spec, JSON_COMPACT, &spec_text);
    json_encode(&solution_status_table, &set.status, JSON_COMPACT, &status_text);
    if ((rc = buf_check(&spec_text, err)) || (rc = buf_check(&status_text, err)) ||
        (rc = keep_version(tx, id, &set, actor, &arena, err)))
        return rc;
    return store_update(tx, "solutions", id, 0, buf_str(&spec_text), buf_str(&status_text),
                        "refined", actor, NULL, err);
}

/* ---- choosing and confirming ---- */

void business_candidate_digest(const struct business_marking *which,
                               const struct solution *candidate, char out[72])
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf canonical = BUF_INIT;
    struct json_writer w = JSON_WRITER(&text);
    json_begin(&w, '{');
    json_member_text(&w, "solution", which->id);
    json_member_int(&w, "version", which->version);
    json_member_int(&w, "choice", which->choice);
    json_key(&w, "candidate");
    json_put_object(&w, &solution_table, candidate);
    json_end(&w, '}');
    /* Our own encoder's text is always JSON: canonical form cannot fail on it. */
    json_canonical(buf_str(&text), text.len, &canonical, NULL);
    id_digest(buf_str(&canonical), canonical.len, out);
}

static bool is_marked(const struct solution_mark *mark, const struct business_marking *which)
{
    return mark && mark->version == which->version && mark->choice == which->choice;
}

/* The candidate that is meant; fills version and choice of `which`. */
static enum err_code find_candidate(struct store_tx *tx, struct business_marking *which,
                                    const struct business_set *set, struct business_marked *out,
                                    struct arena *arena, struct err *err)
{
    struct business_solution version;
    enum err_code rc = business_solution_load(tx, which->id, which->version, NULL, &version,
                                              &which->version, arena, err);
    if (rc)
        return rc;
    if (which->choice < 0) {
        const struct solution_mark *chosen = set->status.chosen;
        which->choice = chosen && chosen->version == which->version ? chosen->choice : 0;
    }
    if ((size_t)which->choice >= version.answer->solutions.count) {
        err_set(err, ERR_INVALID, "version %lld holds %zu candidates", (long long)which->version,
                version.answer->solutions.count);
        return err_field(err, "choice");
    }
    out->requirement = version.requirement;
    out->candidate = &version.answer->solutions.items[which->choice];
    return ERR_OK;
}

enum err_code business_solution_mark(struct store_tx *tx, const struct business_marking *marking,
                                     const struct store_actor *actor, struct business_marked *out,
                                     struct arena *arena, struct err *err)
{
    struct business_marking which = *marking;
    struct business_set set;
    char digest[ID_DIGEST_SIZE];
    bool confirm = marking->event == BUSINESS_CONFIRM;
    *out = (struct business_marked){.unchanged = false};
    enum err_code rc = business_set_get(tx, which.id, NULL, &set, arena, err);
    if (rc || (rc = find_candidate(tx, &which, &set, out, arena, err)))
        return rc;
    business_candidate_digest(&which, out->candidate, digest);
    out->mark = (struct solution_mark){.version = which.version,
                                       .choice = which.choice,
                                       .digest = arena_strdup(arena, digest),
                                       .by = actor->user,
                                       .at_ms = clock_now_ms()};
    if (confirm && set.status.state == SOLUTION_ORDERED &&
        is_marked(set.status.confirmed, &which)) {
        out->unchanged = true;
        out->mark = *set.status.confirmed;
        out->hold = set.status.hold;
        return ERR_OK;
    }
    set.status.state = business_solution_next(set.status.state, marking->event);
    set.status.chosen = &out->mark;
    set.status.confirmed = confirm ? &out->mark : NULL;
    set.status.hold = business_hold(set.status.hold.seconds, which.choice);
    out->hold = set.status.hold;
    return business_set_status(tx, which.id, &set.status, confirm ? "confirmed" : "chosen", actor,
                               err);
}

/* consequences.c - the states that follow from the states of what is needed.
 *
 * Contract: reads only.  States only get worse, by the rules in graph.h, until nothing moves: the
 * least fixed point, which does not depend on the order.  A round looks once at each user of what
 * has moved; there are at most as many rounds as a chain of needs is long, times the three steps
 * down (degraded, unreachable, dead). */
#include "base/str.h"
#include "twin/graph/graph_priv.h"

/* Unknown says nothing about others, so it stands beside up. */
enum rank { FINE, HALF, AWAY, GONE };

static enum rank rank_of(uint8_t state)
{
    switch (state) {
    case GRAPH_DEGRADED:
        return HALF;
    case GRAPH_UNREACHABLE:
        return AWAY;
    case GRAPH_DEAD:
        return GONE;
    default:
        return FINE;
    }
}

static uint8_t state_of(enum rank rank, uint8_t declared)
{
    static const uint8_t states[] = {GRAPH_UP, GRAPH_DEGRADED, GRAPH_UNREACHABLE, GRAPH_DEAD};
    return rank == FINE ? declared : states[rank];
}

struct redundant { /* parts or servers of one kind: one is enough */
    uint8_t relation;
    const char *kind;
    uint32_t count, lost, worst; /* worst: the part to name */
    enum rank best, most;
};

struct spread {
    const struct graph_snapshot *snapshot;
    int64_t at_ms;
    uint8_t *rank;     /* of each entity, so far */
    uint32_t *because; /* the need that decided */
    uint64_t *queued;
    LIST(uint32_t) now, next;
    LIST(struct redundant) kinds;
    struct arena *arena, *scratch;
};

static bool holds(const struct spread *s, uint32_t entity)
{
    return graph_holds(&graph_entity(s->snapshot, entity)->fact, s->at_ms);
}

static void count_in(struct spread *s, const struct graph_edge *edge, uint32_t need)
{
    const char *kind = graph_entity(s->snapshot, need)->kind;
    struct redundant *found = NULL;
    enum rank rank = (enum rank)s->rank[need];
    for (size_t i = 0; i < s->kinds.count && !found; i++)
        if (s->kinds.items[i].relation == edge->relation && str_eq(s->kinds.items[i].kind, kind))
            found = &s->kinds.items[i];
    if (!found) {
        found = LIST_ADD(s->scratch, &s->kinds);
        *found = (struct redundant){edge->relation, kind, 0, 0, need, GONE, FINE};
    }
    found->count++;
    found->lost += rank >= AWAY;
    found->best = rank < found->best ? rank : found->best;
    if (rank > found->most) {
        found->most = rank;
        found->worst = need;
    }
}

static void worsen(enum rank rank, uint32_t need, enum rank *to, uint32_t *because)
{
    if (rank <= *to)
        return;
    *to = rank;
    *because = need;
}

/* What the needs of an entity leave of it. */
static enum rank judge(struct spread *s, uint32_t entity, uint32_t *because)
{
    const struct graph_entity *e = graph_entity(s->snapshot, entity);
    enum rank rank = (enum rank)s->rank[entity];
    *because = s->because[entity];
    if (s->kinds.count) {
        arena_clear(s->scratch);
        s->kinds.items = NULL;
        s->kinds.count = 0;
    }
    for (int out = 0; out < 2; out++)
        for (uint32_t i = out ? e->first_out : e->first_in; i != GRAPH_NONE;) {
            const struct graph_edge *edge = graph_edge(s->snapshot, i);
            uint32_t need = out ? edge->to : edge->from;
            i = out ? edge->next_out : edge->next_in;
            if (edge->relation == GRAPH_CONNECTS || !graph_holds(&edge->fact, s->at_ms) ||
                !graph_follows(GRAPH_DOWN_TO_NEEDS, edge->relation, out) || !holds(s, need))
                continue;
            enum rank theirs = (enum rank)s->rank[need];
            if (edge->relation == GRAPH_SERVES || edge->relation == GRAPH_PART_OF)
                count_in(s, edge, need);
            else if (edge->relation == GRAPH_HOSTS || edge->relation == GRAPH_RUNS_ON)
                worsen(theirs, need, &rank, because);
            else
                worsen(theirs >= AWAY ? HALF : FINE, need, &rank, because);
        }
    for (size_t i = 0; i < s->kinds.count; i++) {
        const struct redundant *r = &s->kinds.items[i];
        worsen(r->lost == r->count ? r->best : r->most ? HALF : FINE, r->worst, &rank, because);
    }
    return rank;
}

static void tell_users(struct spread *s, uint32_t entity)
{
    const struct graph_entity *e = graph_entity(s->snapshot, entity);
    for (int out = 0; out < 2; out++)
        for (uint32_t i = out ? e->first_out : e->first_in; i != GRAPH_NONE;) {
            const struct graph_edge *edge = graph_edge(s->snapshot, i);
            uint32_t user = out ? edge->to : edge->from;
            uint64_t bit = UINT64_C(1) << (user & 63);
            i = out ? edge->next_out : edge->next_in;
            if (edge->relation == GRAPH_CONNECTS || !graph_holds(&edge->fact, s->at_ms) ||
                !graph_follows(GRAPH_UP_TO_USERS, edge->relation, out) || !holds(s, user) ||
                (s->queued[user >> 6] & bit))
                continue;
            s->queued[user >> 6] |= bit;
            *LIST_ADD(s->arena, &s->next) = user;
        }
}

static void round_over(struct spread *s)
{
    s->now.items = s->next.items;
    s->now.count = s->next.count;
    s->next.items = NULL;
    s->next.count = 0;
    for (size_t i = 0; i < s->now.count; i++)
        s->queued[s->now.items[i] >> 6] &= ~(UINT64_C(1) << (s->now.items[i] & 63));
}

static enum err_code run(struct spread *s, struct err *err)
{
    for (round_over(s); s->now.count; round_over(s)) {
        for (size_t i = 0; i < s->now.count; i++) {
            uint32_t entity = s->now.items[i], because;
            enum rank rank = judge(s, entity, &because);
            if (rank <= (enum rank)s->rank[entity])
                continue;
            s->rank[entity] = (uint8_t)rank;
            s->because[entity] = because;
            tell_users(s, entity);
        }
        if (arena_check(s->arena, err))
            return err->code;
    }
    return ERR_OK;
}

enum err_code graph_consequences(const struct graph_snapshot *snapshot, int64_t at_ms,
                                 struct graph_consequences *out, struct arena *arena,
                                 struct err *err)
{
    CLEANUP(arena_done) struct arena scratch = ARENA_INIT;
    uint32_t count = graph_entity_count(snapshot);
    struct graph_consequences answer = {{NULL, 0}};
    struct spread s = {.snapshot = snapshot,
                       .at_ms = at_ms,
                       .rank = arena_array(arena, (size_t)count + 1, sizeof *s.rank),
                       .because = arena_array(arena, (size_t)count + 1, sizeof *s.because),
                       .queued = arena_array(arena, (size_t)count / 64 + 1, sizeof *s.queued),
                       .arena = arena,
                       .scratch = &scratch};
    for (uint32_t i = 0; i < count; i++) {
        s.rank[i] =
            (uint8_t)rank_of((uint8_t)graph_state_at(&graph_entity(snapshot, i)->fact, at_ms));
        s.because[i] = i;
    }
    for (uint32_t i = 0; i < count; i++)
        if (s.rank[i] && holds(&s, i))
            tell_users(&s, i);
    if (run(&s, err))
        return err->code;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t declared = (uint8_t)graph_state_at(&graph_entity(snapshot, i)->fact, at_ms);
        uint8_t follows = state_of((enum rank)s.rank[i], declared);
        if (follows != declared && holds(&s, i))
            *LIST_ADD(arena, &answer.items) =
                (struct graph_consequence){i, s.because[i], declared, follows};
    }
    if (arena_check(arena, err))
        return err->code;
    *out = answer;
    return ERR_OK;
}

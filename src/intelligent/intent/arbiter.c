/* arbiter.c - facts → components.
 *
 * Facts of one clause that do not contradict each other form a phrase (数据库 1台 8C32G); phrases
 * are laid, in order, onto the component at hand until one contradicts it or names another thing,
 * which begins the next component.  Then references (同上, 翻倍), totals, shared places and
 * statements about the whole are resolved.  The number of components is bounded, so the work is
 * linear in the facts. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/phrase.h"

#define COMPONENTS_MAX 64 /* more is no sentence of a customer; the rest is left unread */

struct group {
    const char *name;
    struct intent_fact *app, *role, *machine, *delivery;
    struct intent_fact *slots[SLOTS];
    bool borrowed[SLOTS]; /* copied from another component: no span of its own */
    double value[SLOTS];
    struct intent_fact *spread[PLACES_MAX];
    unsigned spread_count;
    int same;              /* index of the component that it follows, or -1 */
    double factor[SLOTS];  /* 翻倍 */
    bool same_slot[SLOTS]; /* only these follow it */
    uint32_t clause, sentence;
    bool form_borrowed;
    bool removed[SLOTS];
};

struct arbiter {
    struct intent_read *read;
    struct group groups[COMPONENTS_MAX];
    int count, current;
    struct intent_fact *all[SLOTS];     /* said of every component */
    struct intent_fact *pending[SLOTS]; /* said before the component that it belongs to */
    uint32_t pending_sentence;
};

static bool is_spec(int slot)
{
    return slot == SLOT_CPU || slot == SLOT_MEMORY || slot == SLOT_DISK || slot == SLOT_ACCEL;
}

static const struct intent_clause *clause_of(const struct arbiter *a, uint32_t clause)
{
    return &a->read->clauses.items[clause];
}

/* ---- components ---- */

static bool has_spec(struct intent_fact *const slots[SLOTS])
{
    return slots[SLOT_CPU] || slots[SLOT_MEMORY] || slots[SLOT_DISK] || slots[SLOT_ACCEL];
}

static bool group_scored(const struct group *g)
{
    for (int s = 0; s < SLOTS; s++)
        if (g->slots[s])
            return true;
    return g->machine || g->delivery || g->same >= 0;
}

static bool same_name(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t na = strlen(a), nb = strlen(b);
    if (na == 0 || nb == 0)
        return false;
    return na >= nb ? strstr(a, b) != NULL : strstr(b, a) != NULL;
}

static int find_named(const struct arbiter *a, const char *name)
{
    for (int i = a->count; i-- > 0;)
        if (a->groups[i].app && same_name(a->groups[i].app->text, name))
            return i;
    return -1;
}

static struct group *begin(struct arbiter *a, const struct intent_phrase *p)
{
    if (a->count == COMPONENTS_MAX)
        return &a->groups[a->current];
    struct group *g = &a->groups[a->count];
    memset(g, 0, sizeof *g);
    g->same = -1;
    g->clause = p->clause;
    g->sentence = clause_of(a, p->clause)->sentence;
    a->current = a->count++;
    for (int s = 0; s < SLOTS; s++)
        if (a->pending[s]) {
            g->slots[s] = a->pending[s];
            g->value[s] = a->pending[s]->value;
        }
    return g;
}

static void give(struct group *g, int slot, struct intent_fact *fact)
{
    g->slots[slot] = fact;
    g->value[slot] = fact->value;
    g->borrowed[slot] = false;
}

static int label_slot(const struct intent_read *read, const struct intent_fact *fact,
                      int slots[SLOTS])
{
    const struct intent_clause *clause = &read->clauses.items[fact->clause];
    uint32_t first = fact->first > clause->first + 5 ? fact->first - 5 : clause->first;
    int found = 0;
    for (uint32_t i = first; i < clause->last && i < fact->last + 4; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (i >= fact->first && i < fact->last)
            continue;
        int slot = -1;
        if (intent_is(token, CLASS_LABEL, LABEL_CPU) || intent_is(token, CLASS_UNIT, UNIT_CORE))
            slot = SLOT_CPU;
        else if (intent_is(token, CLASS_LABEL, LABEL_MEMORY))
            slot = SLOT_MEMORY;
        else if (intent_is(token, CLASS_LABEL, LABEL_DISK))
            slot = SLOT_DISK;
        else if (intent_sense_of(token, CLASS_ACCELKIND))
            slot = SLOT_ACCEL;
        if (slot >= 0 && !token->used) {
            slots[slot] = 1;
            found++;
        }
    }
    return found;
}

/* 同上, same spec as the dashboard, CPU内存翻倍 */
static void refer(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    int index = (int)(g - a->groups), target = index - 1;
    for (size_t i = p->first; i < p->last; i++) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->field == FIELD_HEAD && intent_of_component(fact)) {
            int named = find_named(a, fact->text);
            if (named >= 0 && named != index)
                target = named;
        }
    }
    if (target < 0)
        return;
    if (p->twice) {
        int slots[SLOTS] = {0};
        if (label_slot(a->read, p->twice, slots) == 0)
            slots[SLOT_CPU] = slots[SLOT_MEMORY] = slots[SLOT_DISK] = slots[SLOT_ACCEL] = 1;
        for (int s = 0; s < SLOTS; s++)
            if (slots[s])
                g->factor[s] = p->twice->value;
        g->same = target;
        if (!p->same)
            return;
    }
    int slots[SLOTS] = {0};
    bool partial = !p->app && !p->machine && p->same && label_slot(a->read, p->same, slots) > 0;
    for (int s = 0; s < SLOTS; s++)
        g->same_slot[s] |= partial ? slots[s] == 1 : is_spec(s) || s == SLOT_ARCH;
    g->same = target;
}

static void lay(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    for (int s = 0; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        if (s == SLOT_DISK && g->slots[s] && !g->borrowed[s]) {
            g->value[s] += fact->value + p->more_disk; /* 系统盘 + 数据盘 in two clauses */
            continue;
        }
        if (s == SLOT_ACCEL && g->slots[s] && !g->borrowed[s]) {
            intent_join_cards(g->slots[s], fact);
            g->value[s] = g->slots[s]->value;
            continue;
        }
        give(g, s, fact);
        if (s == SLOT_DISK)
            g->value[s] += p->more_disk;
    }
    if (p->spread_count > 1 && !g->spread_count) {
        memcpy(g->spread, p->spread, sizeof g->spread);
        g->spread_count = p->spread_count;
    }
    g->app = g->app ? g->app : p->app;
    g->role = g->role ? g->role : p->role;
    g->machine = g->machine ? g->machine : p->machine;
    g->delivery = g->delivery ? g->delivery : p->delivery;
    if (p->same || p->twice)
        refer(a, g, p);
    if (p->places && p->slots[SLOT_COUNT]) {
        if (p->places->value == 0) {
            for (int i = a->count; i-- > 0;)
                if (a->groups[i].spread_count > 1 && &a->groups[i] != g) {
                    memcpy(g->spread, a->groups[i].spread, sizeof g->spread);
                    g->spread_count = a->groups[i].spread_count;
                    break;
                }
        }
    }
}

static bool differs(const struct group *g, const struct intent_phrase *p)
{
    for (int s = 0; s < SLOTS; s++) {
        const struct intent_fact *have = g->slots[s], *want = p->slots[s];
        if (!have || !want || g->borrowed[s])
            continue;
        if (s == SLOT_DISK || s == SLOT_ARCH)
            continue;
        if (s == SLOT_TIER && have->code == want->code)
            continue;
        if (s == SLOT_LOCATION && str_eq(have->text, want->text))
            continue;
        if (s == SLOT_ACCEL && intent_same_cards(have, want))
            continue;
        return true;
    }
    return g->slots[SLOT_DISK] && p->slots[SLOT_DISK] && p->slots[SLOT_COUNT] &&
           g->slots[SLOT_COUNT];
}

static void correct(struct arbiter *a, const struct intent_phrase *p)
{
    struct group *g = &a->groups[a->current];
    if (p->app) {
        int named = find_named(a, p->app->text);
        if (named >= 0)
            g = &a->groups[named];
    }
    for (int s = 0; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        struct group *target = g;
        for (int i = a->count; !target->slots[s] && !p->app && i-- > 0;)
            if (a->groups[i].slots[s])
                target = &a->groups[i];
        if (s == SLOT_ACCEL && target->slots[s]) { /* 换成2张A10: what is not corrected stays */
            if (!fact->text && fact->code == target->slots[s]->code)
                fact->text = target->slots[s]->text;
            if (fact->value == 0)
                fact->value = target->value[s];
        }
        give(target, s, fact);
        if (s == SLOT_DISK)
            target->value[s] += p->more_disk;
    }
    if (p->delivery)
        g->delivery = p->delivery;
    if (!g->machine)
        g->machine = p->machine;
}

static bool only_places(const struct intent_phrase *p)
{
    return !p->app && !p->role && !p->machine && !p->delivery && !p->slots[SLOT_COUNT] &&
           !has_spec(p->slots) && !p->same && !p->twice && !p->places;
}

/* "web 2台，db 1台，放上海": nothing stronger than a comma stands between the list and this clause;
 * "…；都要SSD，放在苏州": the clause before spoke of all. */
static bool of_whole(const struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *before = p->clause > 0 ? clause_of(a, p->clause - 1) : NULL;
    if (before &&
        intent_find(a->read, before->first, before->last, CLASS_MARK, MARK_ALL) != UINT32_MAX)
        return true;
    uint32_t first = a->groups[a->count - 2].clause;
    for (uint32_t c = first + 1; c <= p->clause; c++) {
        char sign = clause_of(a, c)->before;
        if (sign == ';' || sign == 'E' || sign == '\n')
            return false;
    }
    return true;
}

/* A clause of places, tiers or architectures alone. */
static void qualify(struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *clause = clause_of(a, p->clause);
    bool strong = clause->before == ';' || clause->before == 'E' || clause->before == '\n';
    for (int s = SLOT_ARCH; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        if ((fact->flags & FACT_ALL) && a->count > 0) {
            a->all[s] = fact;
            continue;
        }
        if (a->count == 0) {
            a->pending[s] = fact;
            continue;
        }
        bool any = false;
        for (int i = 0; i < a->count; i++)
            any |= a->groups[i].slots[s] != NULL;
        struct group *g = &a->groups[a->current];
        if (a->count > 1 && !any && (strong || of_whole(a, p)))
            a->all[s] = fact;
        else if (!g->slots[s]) {
            give(g, s, fact);
            if (s == SLOT_LOCATION && p->spread_count > 1) {
                memcpy(g->spread, p->spread, sizeof g->spread);
                g->spread_count = p->spread_count;
            }
        } else if (s != SLOT_ARCH)
            a->pending[s] = fact;
    }
}

static bool spread_spec(struct arbiter *a, const struct intent_phrase *p)
{
    /* 北京3台、上海2台，每台8核16G: a specification after several that have none */
    if (p->app || p->machine || p->slots[SLOT_COUNT] || !has_spec(p->slots) || p->same || p->twice)
        return false;
    uint32_t sentence = clause_of(a, p->clause)->sentence;
    int first = a->count;
    while (first > 0 && a->groups[first - 1].sentence == sentence &&
           !has_spec(a->groups[first - 1].slots) && a->groups[first - 1].slots[SLOT_COUNT])
        first--;
    if (a->count - first < 2)
        return false;
    for (int i = first; i < a->count; i++)
        lay(a, &a->groups[i], p);
    return true;
}

static void settle(struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *clause = clause_of(a, p->clause);
    bool strong = clause->before == ';' || clause->before == 'E' || clause->before == '\n';
    if (p->correction && a->count > 0) {
        correct(a, p);
        return;
    }
    if (only_places(p) && !clause->row) {
        qualify(a, p);
        return;
    }
    struct group *g = a->count > 0 ? &a->groups[a->current] : NULL;
    bool table = clause->column != 0 || clause->row || clause->before == '|';
    bool spec = has_spec(p->slots) || p->slots[SLOT_COUNT];
    bool scored = spec || p->slots[SLOT_TIER] || p->slots[SLOT_LOCATION] || p->machine ||
                  p->delivery || p->same || p->twice;
    if (!g || clause->row) {
        if (g && !group_scored(g) && !table) {
            lay(a, g, p);
            return;
        }
        lay(a, begin(a, p), p);
        memset(a->pending, 0, sizeof a->pending);
        return;
    }
    if (table && clause->before == '|') {
        lay(a, g, p);
        return;
    }
    if (spread_spec(a, p))
        return;
    struct intent_phrase reference;
    if (p->app && (p->same || p->twice) && (g->app || group_scored(g))) {
        int named = find_named(a, p->app->text);
        if (named >= 0 &&
            named != a->current) { /* 配置是网站的两倍: named as a model, not as a part */
            reference = *p;
            reference.app = NULL;
            p = &reference;
        }
    }
    if (p->app) {
        int named = find_named(a, p->app->text);
        if (named >= 0 && !differs(&a->groups[named], p)) {
            a->current = named;
            lay(a, &a->groups[named], p);
            return;
        }
        bool uses = (p->app->flags & FACT_RUN) != 0 && !strong;
        if (g->app && !same_name(g->app->text, p->app->text)) {
            if (!group_scored(g)) {
                if (scored || (p->app->sense && !g->app->sense)) {
                    struct intent_fact *old = g->app;
                    g->app = p->app;
                    lay(a, g, p);
                    (void)old;
                }
                return;
            }
            if (!scored && (uses || a->read->clauses.items[p->clause].before == '('))
                return;
            lay(a, begin(a, p), p);
            memset(a->pending, 0, sizeof a->pending);
            return;
        }
        if (!g->app && group_scored(g) && has_spec(g->slots) && spec && !uses &&
            (strong || (p->app->flags & FACT_CONJ) || differs(g, p))) {
            lay(a, begin(a, p), p);
            memset(a->pending, 0, sizeof a->pending);
            return;
        }
    }
    if (differs(g, p)) {
        struct group *old = g;
        g = begin(a, p);
        lay(a, g, p);
        memset(a->pending, 0, sizeof a->pending);
        /* 北京3台，上海2台: the same machines elsewhere */
        if (!p->app && !p->machine && !p->delivery && !has_spec(p->slots) && g != old &&
            (p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER]) && !p->same && !p->twice &&
            has_spec(old->slots)) {
            for (int s = 0; s < SLOTS; s++)
                if (is_spec(s) || s == SLOT_ARCH)
                    if (!g->slots[s] && old->slots[s]) {
                        g->slots[s] = old->slots[s];
                        g->value[s] = old->value[s];
                        g->borrowed[s] = true;
                    }
        }
        if (!p->app && !p->role && !has_spec(p->slots) && !p->machine && !p->delivery &&
            (p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER])) {
            g->app = old->app;
            g->machine = old->machine;
            g->delivery = old->delivery;
            g->form_borrowed = true;
        }
        return;
    }
    lay(a, g, p);
}

/* ---- from groups to the requirement ---- */

static void resolve(struct arbiter *a, int index)
{
    struct group *g = &a->groups[index];
    if (g->same >= 0 && g->same < a->count && g->same != index) {
        const struct group *from = &a->groups[g->same];
        for (int s = 0; s < SLOTS; s++) {
            if (g->slots[s] && !g->borrowed[s] && !(g->factor[s] > 0))
                continue;
            if (!from->slots[s])
                continue;
            if (g->factor[s] > 0) {
                g->slots[s] = from->slots[s];
                g->value[s] = from->value[s] * g->factor[s];
                g->borrowed[s] = true;
            } else if (g->same_slot[s] ||
                       (s == SLOT_MEMORY && g->factor[SLOT_CPU] > 0 && !(g->factor[s] > 0))) {
                g->slots[s] = from->slots[s];
                g->value[s] = from->value[s];
                g->borrowed[s] = true;
            }
        }
        if (!g->machine && !g->delivery) {
            g->machine = from->machine;
            g->delivery = from->delivery;
        }
    }
    for (int s = 0; s < SLOTS; s++)
        if (a->all[s] && !g->slots[s]) {
            g->slots[s] = a->all[s];
            g->value[s] = a->all[s]->value;
        }
}

static void share_totals(struct group *g)
{
    double machines = g->slots[SLOT_COUNT] ? g->value[SLOT_COUNT] : 0;
    for (int s = 0; s < SLOTS; s++)
        if (is_spec(s) && g->slots[s] && (g->slots[s]->flags & FACT_TOTAL) && machines > 1 &&
            !g->borrowed[s])
            g->value[s] /= machines;
}

/* 8个校区各3台, 主备各一台: machines counted for each of several. */
static double implied_count(const struct arbiter *a, const struct group *g)
{
    const struct intent_fact *count = g->slots[SLOT_COUNT];
    if (!count || !(count->flags & FACT_EACH) || g->spread_count > 1)
        return 1;
    for (size_t i = 0; i < a->read->facts.count; i++) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->field == FIELD_PLACES && fact->value > 1 && fact->clause + 3 >= count->clause &&
            fact->clause <= count->clause + 2)
            return fact->value;
    }
    for (size_t i = 0; i < a->read->facts.count; i++) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->clause > count->clause)
            break;
        if (fact->clause == count->clause && fact->field == FIELD_MODE && !fact->dead &&
            fact->last <= count->first && fact->code == MODE_ACTIVE_STANDBY)
            return 2;
    }
    return 1;
}

static void set_double(struct arbiter *a, int index, int slot, struct opt_double *out,
                       const char *name)
{
    const struct group *g = &a->groups[index];
    if (!g->slots[slot] || (g->slots[slot]->flags & FACT_EITHER) || !(g->value[slot] > 0))
        return;
    out->set = true;
    out->value = g->value[slot];
    intent_span_add(a->read, g->slots[slot]->first, g->slots[slot]->last, "components[%zu].%s",
                    a->read->out->requirement.components.count - 1, name);
}

static const char *fallback_name(const struct arbiter *a)
{
    return str_eq(a->read->out->language, "zh") ? "服务器" : "servers";
}

static bool name_taken(const struct arbiter *a, const char *name, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(a->read->out->requirement.components.items[i].name, name))
            return true;
    return false;
}

/* Names are keys to those who read the requirement: a second one takes its place or a number. */
static void name_apart(struct arbiter *a, struct requirement_component *c, size_t index)
{
    const char *name = c->name;
    if (name_taken(a, name, index) && c->location)
        c->name = name = arena_printf(a->read->arena, "%s %s", name, c->location);
    for (size_t n = 2; name_taken(a, c->name, index); n++)
        c->name = arena_printf(a->read->arena, "%s %zu", name, n);
}

static void emit(struct arbiter *a, int index, const struct intent_fact *location)
{
    struct group *g = &a->groups[index];
    struct requirement_component *c =
        LIST_ADD(a->read->arena, &a->read->out->requirement.components);
    size_t n = a->read->out->requirement.components.count - 1;
    const struct intent_fact *namer = g->app       ? g->app
                                      : g->role    ? g->role
                                      : g->machine ? g->machine
                                                   : g->delivery;
    c->name = namer && namer->text[0] ? namer->text : fallback_name(a);
    if (namer)
        intent_span_add(a->read, namer->first, namer->last, "components[%zu].name", n);
    const struct intent_fact *count = g->slots[SLOT_COUNT];
    const struct intent_fact *form = g->delivery ? g->delivery : g->machine;
    if (g->delivery)
        c->form = (int)g->delivery->value;
    else if (g->machine)
        c->form = (int)g->machine->value;
    else if (count && (count->flags & FACT_FORM)) {
        c->form = FORM_SERVER;
        form = count;
    } else if (!g->app && !g->role && (count || g->slots[SLOT_CPU] || g->slots[SLOT_MEMORY]))
        c->form = FORM_SERVER; /* a bare specification is of servers */
    if (c->form && form)
        intent_span_add(a->read, form->first, form->last, "components[%zu].form", n);
    if (count && g->value[SLOT_COUNT] >= 1 && g->value[SLOT_COUNT] < 1e12) {
        c->instances =
            (struct opt_int){true, (int64_t)(g->value[SLOT_COUNT] * implied_count(a, g))};
        intent_span_add(a->read, count->first, count->last, "components[%zu].instances", n);
    }
    set_double(a, index, SLOT_CPU, &c->vcpus, "vcpus");
    set_double(a, index, SLOT_MEMORY, &c->memory_gib, "memory_gib");
    set_double(a, index, SLOT_DISK, &c->disk_gib, "disk_gib");
    const struct intent_fact *fact = g->slots[SLOT_ARCH];
    if (fact && !(fact->flags & FACT_EITHER)) {
        c->arch = fact->code;
        intent_span_add(a->read, fact->first, fact->last, "components[%zu].arch", n);
    }
    fact = g->slots[SLOT_ACCEL];
    if (fact && fact->code) {
        c->accelerator = arena_zalloc(a->read->arena, sizeof *c->accelerator);
        c->accelerator->kind = fact->code;
        c->accelerator->model = fact->flags & FACT_EITHER ? NULL : fact->text;
        double cards = g->value[SLOT_ACCEL];
        c->accelerator->count = cards >= 1 && cards < 1e12 ? (int64_t)cards : 1;
        intent_span_add(a->read, fact->first, fact->last, "components[%zu].accelerator", n);
    }
    fact = g->slots[SLOT_TIER];
    if (fact && !(fact->flags & FACT_EITHER)) {
        c->tier = fact->code;
        intent_span_add(a->read, fact->first, fact->last, "components[%zu].tier", n);
    }
    fact = location ? location : g->slots[SLOT_LOCATION];
    if (fact && !(fact->flags & FACT_EITHER)) {
        c->location = fact->text;
        intent_span_add(a->read, fact->first, fact->last, "components[%zu].location", n);
    }
    name_apart(a, c, n);
}

static bool worth(const struct arbiter *a, int index)
{
    const struct group *g = &a->groups[index];
    for (int s = 0; s < SLOTS; s++)
        if (g->slots[s])
            return true;
    return g->machine || g->delivery || g->same >= 0;
}

void intent_arbitrate(struct intent_read *read)
{
    struct arbiter *a = arena_zalloc(read->arena, sizeof *a);
    a->read = read;
    for (size_t i = 0; i < read->facts.count;) {
        if (!intent_of_component(&read->facts.items[i])) {
            i++;
            continue;
        }
        struct intent_phrase phrase;
        i = intent_phrase_read(a->read, i, &phrase);
        settle(a, &phrase);
    }
    int kept = 0;
    for (int i = 0; i < a->count; i++) {
        resolve(a, i);
        kept += worth(a, i);
    }
    for (int i = 0; i < a->count; i++) {
        struct group *g = &a->groups[i];
        if (kept > 0 && !worth(a, i))
            continue;
        if (kept == 0 && i > 0)
            break;
        share_totals(g);
        if (g->spread_count > 1 && !(g->spread[0]->flags & FACT_EITHER)) {
            for (unsigned k = 0; k < g->spread_count; k++)
                emit(a, i, g->spread[k]);
        } else {
            emit(a, i, NULL);
        }
    }
    if (read->out->requirement.components.count == 0) {
        struct requirement_component *c = LIST_ADD(read->arena, &read->out->requirement.components);
        c->name = "未说明";
        for (int s = 0; s < SLOTS; s++) {
            const struct intent_fact *fact = a->pending[s];
            if (fact && s == SLOT_LOCATION)
                c->location = fact->text;
            if (fact && s == SLOT_TIER)
                c->tier = fact->code;
            if (fact && s == SLOT_ARCH)
                c->arch = fact->code;
        }
        intent_ask(read, "components", "missing",
                   "what is to run: an application, or how many machines of which size?");
    }
}

/* arbiter.c - facts → components.
 *
 * Facts of one clause that do not contradict each other form a phrase (数据库 1台 8C32G); phrases
 * are laid, in order, onto the component at hand until one contradicts it or names another thing,
 * which begins the next component.  Then references (同上, 翻倍), totals, shared places and
 * statements about the whole are resolved.  The number of components is bounded, so the work is
 * linear in the facts. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/arbiter_priv.h"

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
        if (s == SLOT_ARCH && a->pending[s] && a->count == 1 &&
            clause_of(a, a->pending_clause)->sentence != g->sentence) {
            a->all[s] = a->pending[s]; /* CPU海光，OS麒麟。应用3台…: said before all */
        } else if (a->pending[s]) {
            g->slots[s] = a->pending[s];
            g->value[s] = a->pending[s]->value;
        }
    if (a->pending_count > 1) {
        memcpy(g->spread, a->pending_spread, sizeof g->spread);
        g->spread_count = a->pending_count;
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

static bool says(const struct arbiter *a, uint32_t clause, int mark)
{
    const struct intent_clause *c = clause_of(a, clause);
    return intent_find(a->read, c->first, c->last, CLASS_MARK, mark) != UINT32_MAX;
}

/* "same as A": the component whose name ends in the word after the mark. */
static int find_pointed(const struct arbiter *a, const struct intent_fact *same, int index)
{
    const struct intent_read *read = a->read;
    const struct intent_clause *clause = clause_of(a, same->clause);
    for (uint32_t i = same->last; i < clause->last && i < same->last + 3; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->kind != TOKEN_LATIN && token->kind != TOKEN_NUMBER && token->kind != TOKEN_WORD)
            break;
        if (token->kind == TOKEN_WORD && !intent_sense_of(token, CLASS_FUNC))
            break;
        for (int k = 0; k < a->count; k++) {
            const struct intent_fact *name = a->groups[k].app;
            if (k == index || !name || name->last <= name->first)
                continue;
            const struct intent_token *end = intent_at(read, name->last - 1);
            if (end->end - end->begin == token->end - token->begin &&
                memcmp(read->text.data + end->begin, read->text.data + token->begin,
                       token->end - token->begin) == 0)
                return k;
        }
    }
    return -1;
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
    if (p->same && target == index - 1) {
        int named = find_pointed(a, p->same, index);
        target = named >= 0 ? named : target;
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
        for (int s = 0; s < SLOTS && !p->same && !has_spec(p->slots) && slots[SLOT_CPU] == 0; s++)
            g->same_slot[s] |= g->app && !slots[s] && (intent_is_spec(s) || s == SLOT_ARCH) &&
                               says(a, p->clause, MARK_ORDINAL); /* 第三台内存减半 */
        if (!p->same)
            return;
    }
    int slots[SLOTS] = {0};
    bool partial = !p->app && !p->machine && p->same && label_slot(a->read, p->same, slots) > 0;
    for (int s = 0; s < SLOTS; s++)
        g->same_slot[s] |= partial ? slots[s] == 1 : intent_is_spec(s) || s == SLOT_ARCH;
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
        if (s == SLOT_LOCATION && (fact->flags & FACT_ALL) && p->spread_count < 2)
            a->all[s] = fact;
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
        if (s == SLOT_COUNT && g->value[s] == want->value && !has_spec(g->slots) && !p->app)
            continue; /* 平时4台，先按4台8核16G */
        if (intent_is_spec(s) && !p->slots[SLOT_COUNT] && s != SLOT_ACCEL &&
            g->value[s] == want->value)
            continue; /* 每路24核，一共48核: said twice */
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

/* "…；飞腾三台…，等保三级，拉萨": the clause before states something of the whole and no more. */
static bool after_whole(const struct arbiter *a, const struct intent_phrase *p)
{
    bool whole = false;
    for (size_t i = p->first; i-- > 0 && a->read->facts.items[i].clause + 1 >= p->clause;) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->clause + 1 != p->clause)
            continue;
        if (fact->field < FIELD_BREAK)
            return false;
        whole |= fact->field > FIELD_BREAK && fact->field != FIELD_SCENARIO;
    }
    return whole;
}

static void put_off(struct arbiter *a, int slot, const struct intent_phrase *p)
{
    a->pending[slot] = p->slots[slot];
    a->pending_clause = p->clause;
    if (slot == SLOT_LOCATION) {
        memcpy(a->pending_spread, p->spread, sizeof a->pending_spread);
        a->pending_count = p->spread_count;
    }
}

static void forget_pending(struct arbiter *a)
{
    memset(a->pending, 0, sizeof a->pending);
    a->pending_count = 0;
}

/* Does the clause before `clause` name something and state no amount? */
static bool names_only(const struct arbiter *a, uint32_t clause)
{
    const struct intent_clause *before = clause > 0 ? clause_of(a, clause - 1) : NULL;
    if (!before || before->sentence != clause_of(a, clause)->sentence)
        return false;
    bool role = false;
    for (uint32_t i = before->first; i < before->last; i++) {
        const struct intent_token *token = intent_at(a->read, i);
        if (token->kind == TOKEN_NUMBER)
            return false;
        role |= intent_sense_of(token, CLASS_ROLE) != NULL;
    }
    return role;
}

/* A clause of places, tiers or architectures alone. */
static void qualify(struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *clause = clause_of(a, p->clause);
    bool strong = clause->before == ';' || clause->before == 'E' || clause->before == '\n';
    bool of_next = clause->before == '(' && a->count > 0 && names_only(a, p->clause);
    bool goes_on = a->qualified_clause == p->clause && clause->before == ',';
    for (int s = SLOT_ARCH; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        if (of_next) { /* 总部（深圳）放1台 */
            put_off(a, s, p);
            continue;
        }
        if (fact->flags & FACT_ALL) {
            a->all[s] = fact;
            continue;
        }
        if (a->count == 0) {
            put_off(a, s, p);
            continue;
        }
        bool any = false;
        for (int i = 0; i < a->count; i++)
            any |= a->groups[i].slots[s] != NULL;
        struct group *g = &a->groups[a->current];
        if (s == SLOT_TIER && g->slots[s] && g->slots[s]->code == fact->code)
            continue;
        if (s == SLOT_LOCATION && a->pending[SLOT_TIER] && p->clause <= a->pending_clause + 1) {
            put_off(a, s, p); /* 云端（公有云，福州）一台…: both speak of what follows */
            continue;
        }
        const struct intent_fact *wide = g->slots[s];
        if (s == SLOT_LOCATION && wide && wide->sense && fact->sense && p->spread_count == 1 &&
            wide->sense->code > LEVEL_CITY && fact->sense->code == LEVEL_CITY &&
            p->clause == wide->clause + 1 && g->spread_count < 2) {
            give(g, s, fact); /* 美国西海岸，硅谷 */
            continue;
        }
        if (a->count > 1 && !any && !(goes_on && !g->slots[s]) &&
            (strong || of_whole(a, p) || after_whole(a, p) ||
             clause->sentence != a->groups[a->current].sentence))
            a->all[s] = fact;
        else if (!g->slots[s]) {
            give(g, s, fact);
            a->qualified_clause = p->clause + 1;
            if (s == SLOT_LOCATION && p->spread_count > 1) {
                memcpy(g->spread, p->spread, sizeof g->spread);
                g->spread_count = p->spread_count;
            }
        } else if (s != SLOT_ARCH)
            put_off(a, s, p);
    }
}

static bool spread_spec(struct arbiter *a, const struct intent_phrase *p)
{
    /* 北京3台、上海2台，每台8核16G: a specification after several that have none */
    bool counts = p->slots[SLOT_COUNT] && (p->slots[SLOT_COUNT]->flags & FACT_EACH);
    uint32_t sentence = clause_of(a, p->clause)->sentence;
    bool open = a->shared_last == a->count && a->shared_sentence == sentence;
    if (p->app || p->machine || (p->slots[SLOT_COUNT] && !(counts && open)) ||
        !(has_spec(p->slots) || (counts && open)) || p->same || p->twice)
        return false;
    if (a->shared_last == a->count && a->shared_sentence == sentence) {
        for (int i = a->shared_first; i < a->shared_last; i++)
            if (differs(&a->groups[i], p))
                return false;
        for (int i = a->shared_first; i < a->shared_last; i++)
            lay(a, &a->groups[i], p);
        return true;
    }
    int first = a->count;
    const struct intent_clause *c = clause_of(a, p->clause);
    bool all = intent_find(a->read, c->first, c->last, CLASS_MARK, MARK_ALL) != UINT32_MAX;
    while (first > 0 && a->groups[first - 1].sentence == sentence &&
           !has_spec(a->groups[first - 1].slots) && (all || a->groups[first - 1].slots[SLOT_COUNT]))
        first--;
    if (a->count - first < 2)
        return false;
    a->shared_first = first;
    a->shared_last = a->count;
    a->shared_sentence = sentence;
    for (int i = first; i < a->count; i++)
        lay(a, &a->groups[i], p);
    return true;
}

static bool is_single(const struct intent_fact *count)
{
    return count && count->value == 1 && (count->flags & FACT_FORM);
}

/* 10台服务器，一台8卡; 8卡一台，要3台: one machine stands for each. */
static bool one_means_each(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    const struct intent_fact *have = g->slots[SLOT_COUNT];
    struct intent_fact *want = p->slots[SLOT_COUNT];
    bool other = p->delivery && g->delivery && p->delivery->value != g->delivery->value;
    if (!have || !want || p->app || p->role || other || p->same || p->twice ||
        p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER] ||
        clause_of(a, p->clause)->sentence != clause_of(a, have->clause)->sentence ||
        p->clause > have->clause + 2 || says(a, p->clause, MARK_CONJ) ||
        says(a, p->clause, MARK_PARTITION))
        return false;
    bool overlap = false;
    for (int s = 0; s < SLOTS; s++)
        overlap |= s != SLOT_COUNT && g->slots[s] && p->slots[s] &&
                   !(s == SLOT_ACCEL && intent_same_cards(g->slots[s], p->slots[s]));
    if (overlap)
        return false;
    struct intent_phrase rest = *p;
    rest.slots[SLOT_COUNT] = NULL;
    bool single = is_single(want) || (want->value == 1 && (p->machine || p->delivery));
    if (single && have->value > 1 && has_spec(p->slots)) {
        lay(a, g, &rest);
        return true;
    }
    if (is_single(have) && want->value > 1 && !has_spec(p->slots) && has_spec(g->slots)) {
        lay(a, g, &rest);
        give(g, SLOT_COUNT, want);
        return true;
    }
    return false;
}

static void borrow(struct group *g, const struct group *from)
{
    for (int s = 0; s < SLOTS; s++)
        if ((intent_is_spec(s) || s == SLOT_ARCH) && !g->slots[s] && from->slots[s]) {
            g->slots[s] = from->slots[s];
            g->value[s] = from->value[s];
            g->borrowed[s] = true;
        }
    g->machine = g->machine ? g->machine : from->machine;
    g->delivery = g->delivery ? g->delivery : from->delivery;
}

/* 8台，其中5台放上海、3台放成都，其余…: parts of a number of machines. */
static bool part_of(struct arbiter *a, const struct intent_phrase *p)
{
    uint32_t sentence = clause_of(a, p->clause)->sentence;
    bool begins = says(a, p->clause, MARK_PARTITION) && a->whole_sentence != sentence + 1;
    bool rest = says(a, p->clause, MARK_REST) && !p->slots[SLOT_COUNT];
    struct intent_fact *count = p->slots[SLOT_COUNT];
    if (begins) {
        const struct group *g = a->count > 0 ? &a->groups[a->current] : NULL;
        if (!g || !count || !g->slots[SLOT_COUNT] || g->value[SLOT_COUNT] <= count->value)
            return false;
        a->whole = a->current;
        a->rest = g->value[SLOT_COUNT];
        a->whole_sentence = sentence + 1;
    }
    if (a->whole_sentence != sentence + 1 || !(count || rest) ||
        (count && count->value > a->rest) || a->rest <= 0)
        return false;
    if (!(p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER] || p->app || p->role ||
          has_spec(p->slots)))
        return false;
    struct group *whole = &a->groups[a->whole], *g = whole;
    double machines = count ? count->value : a->rest;
    if (begins) {
        lay(a, g, p);
    } else {
        g = begin(a, p);
        if (g == whole)
            return false;
        lay(a, g, p);
        borrow(g, whole);
        g->slots[SLOT_COUNT] = count ? count : whole->slots[SLOT_COUNT];
        if (!g->app)
            g->app = whole->app;
    }
    g->value[SLOT_COUNT] = machines;
    a->rest -= machines;
    return true;
}

/* WMS+WCS各两台，8核32G: one count and one specification of several applications. */
static void share(struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_fact *count = p->slots[SLOT_COUNT];
    uint32_t next = p->clause + 1;
    bool alike = says(a, p->clause, MARK_SAME) || says(a, p->clause, MARK_ALL) ||
                 (next < a->read->clauses.count && says(a, next, MARK_ALL) &&
                  clause_of(a, next)->sentence == clause_of(a, p->clause)->sentence);
    if (p->more_count == 0 || !(alike || (count && (count->flags & FACT_EACH))))
        return;
    int first = a->current;
    for (unsigned i = 0; i < p->more_count; i++) {
        struct intent_phrase other = *p;
        other.app = p->more[i];
        other.more_count = 0;
        lay(a, begin(a, &other), &other);
    }
    a->shared_first = first;
    a->shared_last = a->count;
    a->shared_sentence = clause_of(a, p->clause)->sentence;
}

/* 容器30个 … 北京上海各15个: the same machines, counted again by place. */
static bool counted_by_place(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    struct intent_fact *count = p->slots[SLOT_COUNT];
    unsigned places = p->spread_count > 1 ? p->spread_count : g->spread_count;
    if (!count || places < 2 || !g->slots[SLOT_COUNT] || p->app || has_spec(p->slots) ||
        g->value[SLOT_COUNT] != count->value * places)
        return false;
    g->slots[SLOT_COUNT] = NULL;
    lay(a, g, p);
    return true;
}

static bool is_storage(const struct intent_fact *app)
{
    return app && app->sense && str_eq(app->sense->value, "storage");
}

/* …共计11台: the sum of what has been counted says nothing new. */
static bool sums_up(const struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_fact *count = p->slots[SLOT_COUNT];
    if (!count || p->app || has_spec(p->slots) || a->count < 2 ||
        !(says(a, p->clause, MARK_TOTAL) || (count->flags & FACT_TOTAL)))
        return false;
    double sum = 0;
    for (int i = 0; i < a->count; i++)
        sum += a->groups[i].slots[SLOT_COUNT] ? a->groups[i].value[SLOT_COUNT] : 0;
    return sum == count->value;
}

static bool only_form(const struct intent_phrase *p)
{
    return !p->role && !p->slots[SLOT_LOCATION] && !p->slots[SLOT_TIER] && !p->same && !p->twice;
}

/* The component that a head of an earlier phrase meant: by its name, or the one database. */
static int meant(const struct arbiter *a, const struct intent_fact *head)
{
    int found = find_named(a, head->text);
    bool database = head->sense && str_eq(head->sense->value, "database");
    for (int i = 0; i < a->count && found < 0; i++) {
        const struct intent_fact *own = a->groups[i].app ? a->groups[i].app : a->groups[i].role;
        if (own && (same_name(own->text, head->text) ||
                    (database && own->sense && str_eq(own->sense->value, "database"))))
            found = i;
    }
    return found;
}

/* 前端放公有云，后端和库放私有云; Kafka和ES每台再加2T盘: of components named before. */
static bool said_of_named(struct arbiter *a, const struct intent_phrase *p)
{
    int targets[APPS_MAX];
    int count = 0;
    bool place = p->slots[SLOT_TIER] || p->slots[SLOT_LOCATION];
    if (p->slots[SLOT_COUNT] || p->slots[SLOT_CPU] || p->slots[SLOT_MEMORY] || p->same ||
        p->twice || !(place || p->slots[SLOT_DISK]) || p->spread_count > 1)
        return false;
    for (size_t i = p->first; i < p->last; i++) {
        const struct intent_fact *head = &a->read->facts.items[i];
        if (head->field != FIELD_HEAD || !intent_of_component(head) || head->code == HEAD_MACHINE)
            continue;
        int named = head->code == HEAD_DELIVERY ? -1 : meant(a, head);
        if (named < 0 || count == APPS_MAX || !has_spec(a->groups[named].slots))
            return false;
        targets[count++] = named;
    }
    if (count == 0)
        return false;
    for (int k = 0; k < count; k++)
        for (int s = 0; s < SLOTS; s++) {
            struct group *g = &a->groups[targets[k]];
            if (!p->slots[s] || (g->slots[s] && s != SLOT_DISK))
                continue;
            double have = g->slots[s] ? g->value[s] : 0;
            give(g, s, p->slots[s]);
            g->value[s] = have + p->slots[s]->value + (s == SLOT_DISK ? p->more_disk : 0);
        }
    a->current = targets[count - 1];
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
        forget_pending(a);
        return;
    }
    if (table && clause->before == '|') {
        lay(a, g, p);
        return;
    }
    if ((p->machine || p->delivery) && !p->app && !spec && a->count > 1 &&
        says(a, p->clause, MARK_ALL)) {
        a->form = p->delivery ? p->delivery : p->machine;
        if (only_form(p))
            return;
    }
    if (sums_up(a, p))
        return;
    if (part_of(a, p) || spread_spec(a, p) || one_means_each(a, g, p) || counted_by_place(a, g, p))
        return;
    if (is_storage(p->app) && p->slots[SLOT_DISK] && !p->slots[SLOT_CPU] && group_scored(g) &&
        !(is_storage(g->app) && !g->slots[SLOT_DISK])) {
        lay(a, begin(a, p), p); /* a storage service is a thing of its own */
        forget_pending(a);
        return;
    }
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
    if (said_of_named(a, p))
        return;
    if (!p->app && p->role && has_spec(p->slots) && !p->slots[SLOT_COUNT]) {
        int named = find_named(a, p->role->text); /* 三台应用服务器，…，应用8核16G */
        if (named >= 0 && !has_spec(a->groups[named].slots)) {
            a->current = named;
            lay(a, &a->groups[named], p);
            return;
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
            if (!scored && g->app->sense && p->app->sense &&
                str_eq(g->app->sense->value, p->app->sense->value) &&
                str_eq(p->app->sense->value, "database")) {
                g->app = p->app; /* 一台数据库服务器，Oracle: which one */
                return;
            }
            if (!scored && (uses || a->read->clauses.items[p->clause].before == '('))
                return;
            lay(a, begin(a, p), p);
            forget_pending(a);
            return;
        }
        if (!g->app && group_scored(g) && has_spec(g->slots) && spec && !uses &&
            (strong || (p->app->flags & FACT_CONJ) || differs(g, p))) {
            lay(a, begin(a, p), p);
            forget_pending(a);
            return;
        }
    }
    if (!p->app && p->role && spec && g->app && !group_scored(g)) {
        lay(a, begin(a, p), p); /* 数据库要加密；应用4个容器: what was only named is left */
        forget_pending(a);
        return;
    }
    if (differs(g, p)) {
        struct group *old = g;
        g = begin(a, p);
        lay(a, g, p);
        bool counted = p->slots[SLOT_COUNT] && (p->slots[SLOT_COUNT]->flags & FACT_FORM);
        if (!p->app && !p->role && !p->machine && !p->delivery && !counted && g != old &&
            old->delivery && old->sentence == g->sentence)
            g->delivery = old->delivery; /* vmdk两个，一个4C8G，一个2C4G */
        forget_pending(a);
        /* 北京3台，上海2台: the same machines elsewhere */
        if (!p->app && !p->role && !p->machine && !p->delivery && !has_spec(p->slots) && g != old &&
            (p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER]) && !p->same && !p->twice &&
            has_spec(old->slots)) {
            borrow(g, old);
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

void intent_arbitrate(struct intent_read *read)
{
    struct arbiter *a = arena_zalloc(read->arena, sizeof *a);
    a->read = read;
    a->whole = -1;
    for (size_t i = 0; i < read->facts.count;) {
        if (!intent_of_component(&read->facts.items[i])) {
            i++;
            continue;
        }
        struct intent_phrase phrase;
        i = intent_phrase_read(a->read, i, &phrase);
        settle(a, &phrase);
        if (phrase.more_count > 0 && a->count > 0 && a->groups[a->current].app == phrase.app)
            share(a, &phrase);
    }
    intent_components(a);
}

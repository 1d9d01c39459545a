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

static bool only_places(const struct intent_phrase *p)
{
    return !p->app && !p->role && !p->machine && !p->delivery && !p->slots[SLOT_COUNT] &&
           !intent_has_spec(p->slots) && !p->same && !p->twice && !p->places;
}

/* "web 2台，db 1台，放上海": nothing stronger than a comma stands between the list and this clause;
 * "…；都要SSD，放在苏州": the clause before spoke of all. */
static bool of_whole(const struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *before =
        p->clause > 0 ? intent_arbiter_clause(a, p->clause - 1) : NULL;
    if (before &&
        intent_find(a->read, before->first, before->last, CLASS_MARK, MARK_ALL) != UINT32_MAX)
        return true;
    uint32_t first = a->groups[a->count - 2].clause;
    for (uint32_t c = first + 1; c <= p->clause; c++) {
        char sign = intent_arbiter_clause(a, c)->before;
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
    const struct intent_clause *before = clause > 0 ? intent_arbiter_clause(a, clause - 1) : NULL;
    if (!before || before->sentence != intent_arbiter_clause(a, clause)->sentence)
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
    const struct intent_clause *clause = intent_arbiter_clause(a, p->clause);
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
            intent_group_give(g, s, fact); /* 美国西海岸，硅谷 */
            continue;
        }
        if (a->count > 1 && !any && !(goes_on && !g->slots[s]) &&
            (strong || of_whole(a, p) || after_whole(a, p) ||
             clause->sentence != a->groups[a->current].sentence))
            a->all[s] = fact;
        else if (!g->slots[s]) {
            intent_group_give(g, s, fact);
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
    uint32_t sentence = intent_arbiter_clause(a, p->clause)->sentence;
    bool open = a->shared_last == a->count && a->shared_sentence == sentence;
    if (p->app || p->machine || (p->slots[SLOT_COUNT] && !(counts && open)) ||
        !(intent_has_spec(p->slots) || (counts && open)) || p->same || p->twice)
        return false;
    if (a->shared_last == a->count && a->shared_sentence == sentence) {
        for (int i = a->shared_first; i < a->shared_last; i++)
            if (intent_group_differs(&a->groups[i], p))
                return false;
        for (int i = a->shared_first; i < a->shared_last; i++)
            intent_group_lay(a, &a->groups[i], p);
        return true;
    }
    int first = a->count;
    const struct intent_clause *c = intent_arbiter_clause(a, p->clause);
    bool all = intent_find(a->read, c->first, c->last, CLASS_MARK, MARK_ALL) != UINT32_MAX;
    while (first > 0 && a->groups[first - 1].sentence == sentence &&
           !intent_has_spec(a->groups[first - 1].slots) &&
           (all || a->groups[first - 1].slots[SLOT_COUNT]))
        first--;
    if (a->count - first < 2)
        return false;
    a->shared_first = first;
    a->shared_last = a->count;
    a->shared_sentence = sentence;
    for (int i = first; i < a->count; i++)
        intent_group_lay(a, &a->groups[i], p);
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
        intent_arbiter_clause(a, p->clause)->sentence !=
            intent_arbiter_clause(a, have->clause)->sentence ||
        p->clause > have->clause + 2 || intent_clause_says(a, p->clause, MARK_CONJ) ||
        intent_clause_says(a, p->clause, MARK_PARTITION))
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
    if (single && have->value > 1 && intent_has_spec(p->slots)) {
        intent_group_lay(a, g, &rest);
        return true;
    }
    if (is_single(have) && want->value > 1 && !intent_has_spec(p->slots) &&
        intent_has_spec(g->slots)) {
        intent_group_lay(a, g, &rest);
        intent_group_give(g, SLOT_COUNT, want);
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
    uint32_t sentence = intent_arbiter_clause(a, p->clause)->sentence;
    bool begins =
        intent_clause_says(a, p->clause, MARK_PARTITION) && a->whole_sentence != sentence + 1;
    bool rest = intent_clause_says(a, p->clause, MARK_REST) && !p->slots[SLOT_COUNT];
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
          intent_has_spec(p->slots)))
        return false;
    struct group *whole = &a->groups[a->whole], *g = whole;
    double machines = count ? count->value : a->rest;
    if (begins) {
        intent_group_lay(a, g, p);
    } else {
        g = intent_group_begin(a, p);
        if (g == whole)
            return false;
        intent_group_lay(a, g, p);
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
    bool alike =
        intent_clause_says(a, p->clause, MARK_SAME) || intent_clause_says(a, p->clause, MARK_ALL) ||
        (next < a->read->clauses.count && intent_clause_says(a, next, MARK_ALL) &&
         intent_arbiter_clause(a, next)->sentence == intent_arbiter_clause(a, p->clause)->sentence);
    if (p->more_count == 0 || !(alike || (count && (count->flags & FACT_EACH))))
        return;
    int first = a->current;
    for (unsigned i = 0; i < p->more_count; i++) {
        struct intent_phrase other = *p;
        other.app = p->more[i];
        other.more_count = 0;
        intent_group_lay(a, intent_group_begin(a, &other), &other);
    }
    a->shared_first = first;
    a->shared_last = a->count;
    a->shared_sentence = intent_arbiter_clause(a, p->clause)->sentence;
}

/* 容器30个 … 北京上海各15个: the same machines, counted again by place. */
static bool counted_by_place(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    struct intent_fact *count = p->slots[SLOT_COUNT];
    unsigned places = p->spread_count > 1 ? p->spread_count : g->spread_count;
    if (!count || places < 2 || !g->slots[SLOT_COUNT] || p->app || intent_has_spec(p->slots) ||
        g->value[SLOT_COUNT] != count->value * places)
        return false;
    g->slots[SLOT_COUNT] = NULL;
    intent_group_lay(a, g, p);
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
    if (!count || p->app || intent_has_spec(p->slots) || a->count < 2 ||
        !(intent_clause_says(a, p->clause, MARK_TOTAL) || (count->flags & FACT_TOTAL)))
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
    int found = intent_group_find(a, head->text);
    bool database = head->sense && str_eq(head->sense->value, "database");
    for (int i = 0; i < a->count && found < 0; i++) {
        const struct intent_fact *own = a->groups[i].app ? a->groups[i].app : a->groups[i].role;
        if (own && (intent_same_name(own->text, head->text) ||
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
        if (named < 0 || count == APPS_MAX || !intent_has_spec(a->groups[named].slots))
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
            intent_group_give(g, s, p->slots[s]);
            g->value[s] = have + p->slots[s]->value + (s == SLOT_DISK ? p->more_disk : 0);
        }
    a->current = targets[count - 1];
    return true;
}

static void settle(struct arbiter *a, const struct intent_phrase *p)
{
    const struct intent_clause *clause = intent_arbiter_clause(a, p->clause);
    bool strong = clause->before == ';' || clause->before == 'E' || clause->before == '\n';
    if (p->correction && a->count > 0) {
        intent_group_correct(a, p);
        return;
    }
    if (only_places(p) && !clause->row) {
        qualify(a, p);
        return;
    }
    struct group *g = a->count > 0 ? &a->groups[a->current] : NULL;
    bool table = clause->column != 0 || clause->row || clause->before == '|';
    bool spec = intent_has_spec(p->slots) || p->slots[SLOT_COUNT];
    bool scored = spec || p->slots[SLOT_TIER] || p->slots[SLOT_LOCATION] || p->machine ||
                  p->delivery || p->same || p->twice;
    if (!g || clause->row) {
        if (g && !intent_group_is_scored(g) && !table) {
            intent_group_lay(a, g, p);
            return;
        }
        intent_group_lay(a, intent_group_begin(a, p), p);
        forget_pending(a);
        return;
    }
    if (table && clause->before == '|') {
        intent_group_lay(a, g, p);
        return;
    }
    if ((p->machine || p->delivery) && !p->app && !spec && a->count > 1 &&
        intent_clause_says(a, p->clause, MARK_ALL)) {
        a->form = p->delivery ? p->delivery : p->machine;
        if (only_form(p))
            return;
    }
    if (sums_up(a, p))
        return;
    if (part_of(a, p) || spread_spec(a, p) || one_means_each(a, g, p) || counted_by_place(a, g, p))
        return;
    if (is_storage(p->app) && p->slots[SLOT_DISK] && !p->slots[SLOT_CPU] &&
        intent_group_is_scored(g) && !(is_storage(g->app) && !g->slots[SLOT_DISK])) {
        intent_group_lay(a, intent_group_begin(a, p),
                         p); /* a storage service is a thing of its own */
        forget_pending(a);
        return;
    }
    struct intent_phrase reference;
    if (p->app && (p->same || p->twice) && (g->app || intent_group_is_scored(g))) {
        int named = intent_group_find(a, p->app->text);
        if (named >= 0 &&
            named != a->current) { /* 配置是网站的两倍: named as a model, not as a part */
            reference = *p;
            reference.app = NULL;
            p = &reference;
        }
    }
    if (said_of_named(a, p))
        return;
    if (!p->app && p->role && intent_has_spec(p->slots) && !p->slots[SLOT_COUNT]) {
        int named = intent_group_find(a, p->role->text); /* 三台应用服务器，…，应用8核16G */
        if (named >= 0 && !intent_has_spec(a->groups[named].slots)) {
            a->current = named;
            intent_group_lay(a, &a->groups[named], p);
            return;
        }
    }
    if (p->app) {
        int named = intent_group_find(a, p->app->text);
        if (named >= 0 && !intent_group_differs(&a->groups[named], p)) {
            a->current = named;
            intent_group_lay(a, &a->groups[named], p);
            return;
        }
        bool uses = (p->app->flags & FACT_RUN) != 0 && !strong;
        if (g->app && !intent_same_name(g->app->text, p->app->text)) {
            if (!intent_group_is_scored(g)) {
                if (scored || (p->app->sense && !g->app->sense)) {
                    struct intent_fact *old = g->app;
                    g->app = p->app;
                    intent_group_lay(a, g, p);
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
            intent_group_lay(a, intent_group_begin(a, p), p);
            forget_pending(a);
            return;
        }
        if (!g->app && intent_group_is_scored(g) && intent_has_spec(g->slots) && spec && !uses &&
            (strong || (p->app->flags & FACT_CONJ) || intent_group_differs(g, p))) {
            intent_group_lay(a, intent_group_begin(a, p), p);
            forget_pending(a);
            return;
        }
    }
    if (!p->app && p->role && spec && g->app && !intent_group_is_scored(g)) {
        intent_group_lay(a, intent_group_begin(a, p),
                         p); /* 数据库要加密；应用4个容器: what was only named is left */
        forget_pending(a);
        return;
    }
    if (intent_group_differs(g, p)) {
        struct group *old = g;
        g = intent_group_begin(a, p);
        intent_group_lay(a, g, p);
        bool counted = p->slots[SLOT_COUNT] && (p->slots[SLOT_COUNT]->flags & FACT_FORM);
        if (!p->app && !p->role && !p->machine && !p->delivery && !counted && g != old &&
            old->delivery && old->sentence == g->sentence)
            g->delivery = old->delivery; /* vmdk两个，一个4C8G，一个2C4G */
        forget_pending(a);
        /* 北京3台，上海2台: the same machines elsewhere */
        if (!p->app && !p->role && !p->machine && !p->delivery && !intent_has_spec(p->slots) &&
            g != old && (p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER]) && !p->same && !p->twice &&
            intent_has_spec(old->slots)) {
            borrow(g, old);
        }
        if (!p->app && !p->role && !intent_has_spec(p->slots) && !p->machine && !p->delivery &&
            (p->slots[SLOT_LOCATION] || p->slots[SLOT_TIER])) {
            g->app = old->app;
            g->machine = old->machine;
            g->delivery = old->delivery;
            g->form_borrowed = true;
        }
        return;
    }
    intent_group_lay(a, g, p);
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

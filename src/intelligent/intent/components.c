/* components.c - groups of facts → the components of the requirement.
 *
 * Contract: references (同上, 翻倍), totals, shared places and statements about all are resolved
 * here, each in one pass over the bounded number of groups; every field written leaves its span. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/arbiter_priv.h"

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
            g->server = from->server ||
                        (from->slots[SLOT_COUNT] && (from->slots[SLOT_COUNT]->flags & FACT_FORM));
        }
    }
}

/* 64张，8台均分: what stands before machines that share it is a total. */
static bool split(const struct arbiter *a, const struct intent_fact *count,
                  const struct intent_fact *fact)
{
    const struct intent_clause *clause = &a->read->clauses.items[count->clause];
    return !(fact->flags & FACT_EACH) && fact->first < count->first &&
           intent_find(a->read, fact->clause == count->clause ? fact->last : count->first,
                       clause->last, CLASS_MARK, MARK_SPLIT) != UINT32_MAX;
}

static void share_totals(const struct arbiter *a, struct group *g)
{
    double machines = g->slots[SLOT_COUNT] ? g->value[SLOT_COUNT] : 0;
    for (int s = 0; s < SLOTS; s++)
        if (intent_is_spec(s) && g->slots[s] && machines > 1 && !g->borrowed[s] &&
            ((g->slots[s]->flags & FACT_TOTAL) || split(a, g->slots[SLOT_COUNT], g->slots[s])))
            g->value[s] /= machines;
}

/* 8个校区各3台, 主备各一台: machines counted for each of several. */
static double implied_count(const struct arbiter *a, const struct group *g)
{
    const struct intent_fact *count = g->slots[SLOT_COUNT];
    if (!count || !(count->flags & FACT_EACH) || g->spread_count > 1)
        return 1;
    double near = 1; /* 上海两个机房各4台 */
    for (size_t i = 0; i < a->read->facts.count; i++) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->field == FIELD_PLACES && fact->factor > 1 && fact->clause == count->clause)
            near = fact->factor;
        if (fact->field == FIELD_PLACES && fact->value > 1 && fact->clause + 3 >= count->clause &&
            fact->clause <= count->clause + 2)
            return fact->value;
    }
    if (near > 1 && g->slots[SLOT_LOCATION])
        return near;
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

/* 测试环境 is no application: a specification beside it is of servers. */
static bool is_environment(const struct arbiter *a, const struct intent_fact *role)
{
    for (uint32_t i = role->first; i < role->last; i++) {
        const struct intent_sense *sense = intent_sense_of(intent_at(a->read, i), CLASS_ROLE);
        if (sense && str_eq(sense->value, "environment"))
            return true;
    }
    return false;
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
    const struct intent_sense *use = g->app ? g->app->sense : NULL;
    bool serves = use && (str_eq(use->value, "database") || str_eq(use->value, "cache") ||
                          str_eq(use->value, "storage"));
    bool bare = !g->app && g->same < 0 && g->slots[SLOT_CPU]; /* ECS beside a database */
    a->read->other_parts |= ((g->app || g->role) && !serves) || bare;
    const struct intent_fact *count = g->slots[SLOT_COUNT];
    const struct intent_fact *form = g->delivery ? g->delivery : g->machine;
    if (g->delivery)
        c->form = (int)g->delivery->value;
    else if (g->machine)
        c->form = (int)g->machine->value;
    else if (count && (count->flags & FACT_FORM)) {
        c->form = FORM_SERVER;
        form = count;
    } else if (g->server) {
        c->form = FORM_SERVER;
    } else if (a->form) {
        c->form = (int)a->form->value;
        form = a->form;
    } else if (!g->app && (!g->role || is_environment(a, g->role)) &&
               ((count && !g->paired) || g->slots[SLOT_CPU] || g->slots[SLOT_MEMORY]))
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
    if (fact && fact->code && !(fact->flags & FACT_KINDS)) {
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

/* 双机热备, 一主一备: two machines of the component at hand, unless it is counted. */
static void double_machines(struct arbiter *a)
{
    for (size_t i = 0; i < a->read->facts.count; i++) {
        struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->field != FIELD_MODE || fact->dead || !fact->sense || fact->sense->number < 2)
            continue;
        for (int k = a->count; k-- > 0;) {
            struct group *g = &a->groups[k];
            if (g->clause > fact->clause || !worth(a, k))
                continue;
            if (!g->slots[SLOT_COUNT]) {
                g->slots[SLOT_COUNT] = fact;
                g->value[SLOT_COUNT] = fact->sense->number;
                g->paired = true;
            }
            break;
        }
    }
}

/* 6台VM（2台4C8G、4台8C16G）: a number that the next components itemise. */
static bool itemised(struct arbiter *a, int index)
{
    struct group *g = &a->groups[index];
    if (!g->slots[SLOT_COUNT])
        return false;
    for (int s = 0; s < SLOTS; s++)
        if (intent_is_spec(s) && g->slots[s])
            return false;
    double sum = 0;
    int i = index + 1;
    for (; i < a->count && sum < g->value[SLOT_COUNT] && a->groups[i].slots[SLOT_COUNT]; i++)
        sum += a->groups[i].value[SLOT_COUNT];
    if (i < index + 3 || sum != g->value[SLOT_COUNT])
        return false;
    while (--i > index) {
        a->groups[i].machine = a->groups[i].machine ? a->groups[i].machine : g->machine;
        a->groups[i].delivery = a->groups[i].delivery ? a->groups[i].delivery : g->delivery;
    }
    return true;
}

/* 三台主机：一台跑Nginx，一台跑MySQL，…: what only counts the named machines that follow. */
static bool counts_named(const struct arbiter *a, int index)
{
    const struct group *head = &a->groups[index];
    double sum = 0;
    int parts = 0;
    if (head->app || !head->machine || !head->slots[SLOT_COUNT])
        return false;
    for (int s = 0; s < SLOTS; s++) /* said beside the number, a size is that of machines */
        if (intent_is_spec(s) && head->slots[s] &&
            head->slots[s]->clause == head->slots[SLOT_COUNT]->clause)
            return false;
    for (int i = index + 1; i < a->count && a->groups[i].sentence == head->sentence; i++) {
        const struct group *part = &a->groups[i];
        if (!part->app || !part->slots[SLOT_COUNT])
            break;
        sum += part->value[SLOT_COUNT];
        parts++;
    }
    return parts >= 2 && sum == head->value[SLOT_COUNT];
}

void intent_components(struct arbiter *a)
{
    int kept = 0;
    for (int i = 0; i < a->count; i++) {
        resolve(a, i);
        kept += worth(a, i);
    }
    double_machines(a);
    for (int i = 0; i < a->count; i++) {
        a->groups[i].idle = (kept > 0 && !worth(a, i)) || itemised(a, i) || counts_named(a, i);
        for (int s = 0; s < SLOTS; s++)
            if (a->all[s] && !a->groups[i].slots[s]) {
                a->groups[i].slots[s] = a->all[s];
                a->groups[i].value[s] = a->all[s]->value;
            }
    }
    for (int i = 0; i < a->count; i++) {
        struct group *g = &a->groups[i];
        if (g->idle)
            continue;
        if (kept == 0 && i > 0)
            break;
        share_totals(a, g);
        if (g->spread_count > 1 && !(g->spread[0]->flags & FACT_EITHER)) {
            for (unsigned k = 0; k < g->spread_count; k++)
                emit(a, i, g->spread[k]);
        } else {
            emit(a, i, NULL);
        }
    }
    if (a->read->out->requirement.components.count == 0) {
        struct requirement_component *c =
            LIST_ADD(a->read->arena, &a->read->out->requirement.components);
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
        intent_ask(a->read, "components", "missing",
                   "what is to run: an application, or how many machines of which size?");
    }
}

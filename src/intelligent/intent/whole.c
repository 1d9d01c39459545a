/* whole.c - facts → the fields that describe the whole requirement.
 *
 * Contract: the last word counts after a correction; of normal and peak loads the peak; the
 * scenario is the one use of the highest rank.  Two different values without a correction are asked
 * about. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/intent_priv.h"

#define DATABASE_RANK 10

static double machines_of(const struct intent_read *read)
{
    double total = 0;
    for (size_t i = 0; i < read->out->requirement.components.count; i++) {
        const struct requirement_component *c = &read->out->requirement.components.items[i];
        total += c->instances.set ? (double)c->instances.value : 1;
    }
    return total > 0 ? total : 1;
}

static bool alive(const struct intent_fact *fact, int field)
{
    return fact->field == field && !fact->dead && !(fact->flags & (FACT_NEGATED | FACT_EITHER));
}

/* The fact that states `field`: the first, overruled by corrections; contradictions are asked
 * about. */
static const struct intent_fact *choose(struct intent_read *read, int field, const char *path)
{
    const struct intent_fact *chosen = NULL;
    bool contradiction = false;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (!alive(fact, field))
            continue;
        if (!chosen || (fact->flags & FACT_CORRECTION)) {
            chosen = fact;
            contradiction = false;
        } else if (fact->value != chosen->value || fact->code != chosen->code ||
                   !str_eq(fact->text, chosen->text)) {
            contradiction = true;
        }
    }
    if (contradiction && path)
        intent_ask(read, path, "contradiction",
                   "the text states this more than once, with different values");
    if (chosen && path)
        intent_span_add(read, chosen->first, chosen->last, "%s", path);
    return chosen;
}

/* Of several loads the greatest; a correction overrules. */
static const struct intent_fact *greatest(const struct intent_read *read, int field)
{
    const struct intent_fact *chosen = NULL;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (alive(fact, field) &&
            (!chosen || fact->value > chosen->value || (fact->flags & FACT_CORRECTION)))
            chosen = fact;
    }
    return chosen;
}

static int by_name(const char *const *names, const char *text)
{
    return json_enum_find(names, text);
}

static void network(struct intent_read *read, struct requirement *r)
{
    bool total = false;
    for (size_t i = 0; i < read->facts.count; i++) /* 每台1G，总带宽10G: the total counts */
        if (alive(&read->facts.items[i], FIELD_BANDWIDTH) &&
            (read->facts.items[i].flags & FACT_TOTAL))
            total = true;
    for (size_t i = 0; i < read->facts.count && total; i++)
        if (read->facts.items[i].field == FIELD_BANDWIDTH &&
            !(read->facts.items[i].flags & FACT_TOTAL))
            read->facts.items[i].dead = true;
    const struct intent_fact *fact = choose(read, FIELD_BANDWIDTH, "network.bandwidth_mbps");
    if (fact && fact->value > 0) {
        const struct intent_fact *streams = greatest(read, FIELD_STREAMS);
        double factor = fact->flags & FACT_PER_STREAM && streams ? streams->value : 1;
        r->network.bandwidth_mbps = (struct opt_double){true, fact->value * factor};
    }
    if ((fact = choose(read, FIELD_PUBLIC_IPS, NULL))) {
        double ips = fact->value * (fact->flags & FACT_EACH ? machines_of(read) : 1);
        if (ips >= 0 && ips < 1e12) {
            r->network.public_ips = (struct opt_int){true, (int64_t)ips};
            intent_span_add(read, fact->first, fact->last, "network.public_ips");
        }
    }
    if ((fact = choose(read, FIELD_LATENCY, "network.max_latency_ms")))
        r->network.max_latency_ms = (struct opt_double){true, fact->upper};
    if ((fact = choose(read, FIELD_ACCESS, "network.access")))
        r->network.access = by_name(requirement_access_names, fact->text);
}

static void service(struct intent_read *read, struct requirement *r)
{
    const struct intent_fact *fact = choose(read, FIELD_RESPONSE, "service_level.max_response_ms");
    if (fact)
        r->service_level.max_response_ms = (struct opt_double){true, fact->upper};
    if ((fact = choose(read, FIELD_AVAILABILITY, "service_level.availability_percent")))
        r->service_level.availability_percent = (struct opt_double){true, fact->value};
    if ((fact = greatest(read, FIELD_THROUGHPUT))) {
        const struct intent_fact *streams = greatest(read, FIELD_STREAMS);
        double factor =
            fact->flags & FACT_PER_STREAM && streams && fact->value <= 120 ? streams->value : 1;
        r->service_level.throughput_per_s = (struct opt_double){true, fact->value * factor};
        intent_span_add(read, fact->first, fact->last, "service_level.throughput_per_s");
    }
    fact = greatest(read, FIELD_USERS);
    if (fact && fact->value >= 1 && fact->value < 1e15) {
        r->service_level.concurrent_users = (struct opt_int){true, (int64_t)fact->value};
        intent_span_add(read, fact->first, fact->last, "service_level.concurrent_users");
    }
}

static const char *province_said(const struct intent_read *read)
{
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if ((fact->field == FIELD_LOCATION || fact->field == FIELD_USER_LOCATION) && fact->sense &&
            fact->sense->code == LEVEL_PROVINCE)
            return fact->text;
    }
    return NULL;
}

static const char *province_named(const struct intent_read *read)
{
    const char *said = province_said(read);
    for (uint32_t i = 0; i < read->tokens.count && !said; i++) { /* 江苏电力 */
        const struct intent_token *token = &read->tokens.items[i];
        const struct intent_sense *place = intent_sense_of(token, CLASS_PLACE);
        if (place && place->code == LEVEL_PROVINCE && !token->masked)
            said = place->value;
    }
    return said;
}

static const char *city_said(const struct intent_read *read)
{
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if ((fact->field == FIELD_LOCATION || fact->field == FIELD_USER_LOCATION) && fact->sense &&
            fact->sense->code == LEVEL_CITY)
            return fact->text;
    }
    return NULL;
}

/* 主备 of a part and 双活 of the whole: the wider one describes the whole. */
static const struct intent_fact *widest_mode(const struct intent_read *read)
{
    const struct intent_fact *chosen = NULL;
    static const int order[] = {
        [MODE_ACTIVE_STANDBY] = 1, [MODE_ACTIVE_ACTIVE] = 2, [MODE_MULTI_SITE] = 3};
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (alive(fact, FIELD_MODE) &&
            (!chosen || (fact->flags & FACT_CORRECTION) || order[fact->code] > order[chosen->code]))
            chosen = fact;
    }
    return chosen;
}

/* 不能出境，最好不出上海: the narrower bound holds both. */
static const struct intent_fact *narrowest(const struct intent_read *read)
{
    const struct intent_fact *chosen = NULL;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (alive(fact, FIELD_RESIDENCY) &&
            (!chosen || (fact->flags & FACT_CORRECTION) || fact->value > chosen->value))
            chosen = fact;
    }
    return chosen;
}

static void safety(struct intent_read *read, struct requirement *r)
{
    const struct intent_fact *fact = choose(read, FIELD_REPLICAS, "reliability.replicas");
    if (fact && fact->value >= 1 && fact->value < 1e9)
        r->reliability.replicas = (struct opt_int){true, (int64_t)fact->value};
    if ((fact = widest_mode(read))) {
        r->reliability.mode = fact->code;
        intent_span_add(read, fact->first, fact->last, "reliability.mode");
    }
    if ((fact = choose(read, FIELD_BACKUP, "reliability.backup")))
        r->reliability.backup = (struct opt_bool){true, fact->value > 0};
    if ((fact = choose(read, FIELD_ENCRYPTION, "security.encryption")))
        r->security.encryption = (struct opt_bool){true, fact->value > 0};
    if ((fact = choose(read, FIELD_PROTECTION, "security.protection_level")))
        r->security.protection_level = (struct opt_int){true, (int64_t)fact->value};
    if ((fact = narrowest(read))) {
        const char *place = fact->text;
        if (str_eq(place, "省"))
            place = province_named(read);
        else if (str_eq(place, "市"))
            place = city_said(read);
        if (place) {
            r->security.data_residency = place;
            intent_span_add(read, fact->first, fact->last, "security.data_residency");
        }
    }
}

/* A labelled amount speaks of the budget before an unlabelled one; a correction overrules both. */
static void budget(struct intent_read *read, struct requirement *r)
{
    const struct intent_fact *chosen = NULL;
    bool contradiction = false;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (!alive(fact, FIELD_BUDGET))
            continue;
        bool better = !chosen || (fact->flags & FACT_CORRECTION) ||
                      ((fact->flags & FACT_LABELLED) && !(chosen->flags & FACT_LABELLED));
        if (better) {
            chosen = fact;
            contradiction = false;
        } else if ((fact->flags & FACT_LABELLED) == (chosen->flags & FACT_LABELLED) &&
                   fact->value != chosen->value) {
            contradiction = true;
        }
    }
    if (!chosen)
        return;
    if (contradiction)
        intent_ask(read, "budget", "contradiction", "the text states more than one budget");
    r->budget = arena_zalloc(read->arena, sizeof *r->budget);
    r->budget->amount = chosen->upper * (chosen->flags & FACT_PER_MACHINE ? machines_of(read) : 1);
    r->budget->currency = chosen->code;
    r->budget->period = (int)chosen->factor;
    intent_span_add(read, chosen->first, chosen->last, "budget");
}

static bool states_in(const struct intent_read *read, size_t near, int field)
{
    const struct intent_fact *facts = read->facts.items;
    uint32_t clause = facts[near].clause;
    for (size_t k = near; k-- > 0 && facts[k].clause == clause;)
        if (facts[k].field == field)
            return true;
    for (size_t k = near + 1; k < read->facts.count && facts[k].clause == clause; k++)
        if (facts[k].field == field)
            return true;
    return false;
}

static bool says(const struct intent_read *read, const struct intent_clause *clause, int class,
                 int code)
{
    return intent_find(read, clause->first, clause->last, class, code) != UINT32_MAX;
}

/* 用一天, 跑一天: how long; 一天 alone is a rate's. */
static bool is_used_for(const struct intent_read *read, const struct intent_fact *fact)
{
    return fact->first > read->clauses.items[fact->clause].first &&
           (intent_is(intent_at(read, fact->first - 1), CLASS_MARK, MARK_USE) ||
            intent_is(intent_at(read, fact->first - 1), CLASS_MARK, MARK_RUN));
}

/* A span beside money is its period (预算每月…, 一年预算两万), beside a load its rate. */
static void duration(struct intent_read *read, struct requirement *r)
{
    const struct intent_fact *chosen = NULL;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (!alive(fact, FIELD_DURATION))
            continue;
        const struct intent_clause *clause = &read->clauses.items[fact->clause];
        if (fact->sense &&
            ((fact->sense->code == SPAN_DAY && !is_used_for(read, fact)) ||
             says(read, clause, CLASS_UNIT, UNIT_CNY) || says(read, clause, CLASS_UNIT, UNIT_USD) ||
             says(read, clause, CLASS_LABEL, LABEL_BUDGET) || states_in(read, i, FIELD_BUDGET) ||
             states_in(read, i, FIELD_THROUGHPUT) ||
             says(read, clause, CLASS_MARK, MARK_RETENTION) ||
             says(read, clause, CLASS_MARK, MARK_DEADLINE)))
            continue;
        if (!chosen || (fact->flags & FACT_CORRECTION))
            chosen = fact;
    }
    if (!chosen || !(chosen->value > 0))
        return;
    r->duration_days = (struct opt_double){true, chosen->value};
    intent_span_add(read, chosen->first, chosen->last, "duration_days");
}

/* 60路 …识别…: cameras or streams, and something recognises. */
static bool watches(const struct intent_read *read)
{
    bool recognises = false, cameras = false;
    for (uint32_t i = 0; i < read->tokens.count; i++) {
        const struct intent_token *token = &read->tokens.items[i];
        if (token->masked)
            continue;
        recognises |= intent_is(token, CLASS_MARK, MARK_RECOGNISE);
        cameras |=
            intent_is(token, CLASS_UNIT, UNIT_STREAM) || intent_is(token, CLASS_MARK, MARK_CAMERA);
    }
    return recognises && cameras;
}

static void scenario(struct intent_read *read, struct requirement *r)
{
    const struct intent_fact *best = NULL;
    bool tie = false;
    for (size_t i = 0; i < read->facts.count; i++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (!alive(fact, FIELD_SCENARIO))
            continue;
        if (fact->value <= DATABASE_RANK && read->other_parts && str_eq(fact->text, "database"))
            continue; /* one part among others is not the main thing */
        if (!best || fact->value > best->value) {
            best = fact;
            tie = false;
        } else if (fact->value == best->value && !str_eq(fact->text, best->text)) {
            tie = true;
        }
    }
    if (!best && watches(read)) {
        r->scenario = by_name(requirement_scenario_names, "video-analytics");
        return;
    }
    if (!best || tie)
        return;
    r->scenario = by_name(requirement_scenario_names, best->text);
    intent_span_add(read, best->first, best->last, "scenario");
}

static void ask_sizes(struct intent_read *read)
{
    for (size_t i = 0; i < read->out->requirement.components.count; i++) {
        const struct requirement_component *c = &read->out->requirement.components.items[i];
        if (!c->vcpus.set && !c->memory_gib.set && !c->disk_gib.set && !c->accelerator &&
            !str_eq(c->name, "未说明"))
            intent_ask(read, arena_printf(read->arena, "components[%zu].vcpus", i), "missing",
                       "how many cores and how much memory does one instance need?");
    }
}

void intent_conclude(struct intent_read *read)
{
    struct requirement *r = &read->out->requirement;
    network(read, r);
    service(read, r);
    safety(read, r);
    budget(read, r);
    duration(read, r);
    scenario(read, r);
    const struct intent_fact *fact = choose(read, FIELD_USER_LOCATION, "user_location");
    if (fact)
        r->user_location = fact->text;
    if ((fact = choose(read, FIELD_OBJECTIVE, "objective")))
        r->objective = fact->code;
    ask_sizes(read);
}

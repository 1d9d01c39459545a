/* reconcile.c - two readings of one text → one: field by field over the Requirement's tables.
 *
 * Contract: what both say is kept; what one says alone is taken with lower confidence; where they
 * differ, the one whose words stand in the text wins, and when neither or both have words the field
 * is left absent and asked about.  Components are paired by name, else by the most equal fields.
 * The work is bounded by the square of the number of components, which the reader bounds. */
#include "intelligent/intent/intent.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

#define COMPONENTS_MAX 256 /* of one reading: they are paired by looking at each with each */
#define CONFIDENCE_BOTH 1.0
#define CONFIDENCE_WORDS 0.8 /* one reader, and its words stand in the text */
#define CONFIDENCE_ALONE 0.5 /* one reader, which shows no words */

struct side {
    const struct intent_result *result;
    const char *prefix; /* of paths: "", or "components[3]." */
};

struct merge {
    const char *text;
    size_t len;
    struct intent_result *out;
    struct arena *arena;
};

static const void *at(const void *object, const struct json_field *field)
{
    return (const char *)object + field->offset;
}

static bool is_absent(const struct json_field *field, const void *p)
{
    switch (field->kind) {
    case JSON_STRING:
        return *(const char *const *)p == NULL;
    case JSON_ENUM:
        return *(const int *)p == 0;
    case JSON_OPT_BOOL:
        return !((const struct opt_bool *)p)->set;
    case JSON_OPT_INT:
        return !((const struct opt_int *)p)->set;
    case JSON_OPT_DOUBLE:
        return !((const struct opt_double *)p)->set;
    case JSON_OBJECT_PTR:
        return *(const void *const *)p == NULL;
    default:
        return false;
    }
}

static bool same_object(const struct json_table *table, const void *a, const void *b);

static bool is_same(const struct json_field *field, const void *a, const void *b)
{
    if (is_absent(field, a) || is_absent(field, b))
        return is_absent(field, a) && is_absent(field, b);
    switch (field->kind) {
    case JSON_STRING:
        return str_eq(*(const char *const *)a, *(const char *const *)b);
    case JSON_ENUM:
        return *(const int *)a == *(const int *)b;
    case JSON_INT:
        return *(const int64_t *)a == *(const int64_t *)b;
    case JSON_DOUBLE:
        return !(fabs(*(const double *)a - *(const double *)b) > 1e-9 * fabs(*(const double *)a));
    case JSON_OPT_BOOL:
        return ((const struct opt_bool *)a)->value == ((const struct opt_bool *)b)->value;
    case JSON_OPT_INT:
        return ((const struct opt_int *)a)->value == ((const struct opt_int *)b)->value;
    case JSON_OPT_DOUBLE: {
        double x = ((const struct opt_double *)a)->value, y = ((const struct opt_double *)b)->value;
        return !(fabs(x - y) > 1e-9 * fabs(x));
    }
    case JSON_OBJECT_PTR:
        return same_object(field->table, *(const void *const *)a, *(const void *const *)b);
    default:
        return false;
    }
}

static bool same_object(const struct json_table *table, const void *a, const void *b)
{
    for (size_t i = 0; i < table->field_count; i++)
        if (!is_same(&table->fields[i], at(a, &table->fields[i]), at(b, &table->fields[i])))
            return false;
    return true;
}

/* The words that a side shows for a path; they count only where they stand in the text. */
static const struct intent_span *words_of(const struct merge *m, const struct side *side,
                                          const char *name)
{
    size_t prefix = strlen(side->prefix);
    for (size_t i = 0; i < side->result->spans.count; i++) {
        const struct intent_span *span = &side->result->spans.items[i];
        if (strncmp(span->path, side->prefix, prefix) != 0 || !str_eq(span->path + prefix, name))
            continue;
        size_t len = strlen(span->text);
        if (span->begin >= 0 && span->end >= span->begin && (size_t)span->end <= m->len &&
            (size_t)(span->end - span->begin) == len && len > 0 &&
            memcmp(m->text + span->begin, span->text, len) == 0)
            return span;
    }
    return NULL;
}

static void note(struct merge *m, const char *path, double confidence, const char *reader,
                 const struct intent_span *words)
{
    struct intent_agreement *agreement = LIST_ADD(m->arena, &m->out->agreements);
    *agreement = (struct intent_agreement){path, confidence, reader};
    if (words) {
        struct intent_span *span = LIST_ADD(m->arena, &m->out->spans);
        *span = *words;
        span->path = path;
    }
}

/* One field of two sides into `out`; `name` is its path below the sides' prefixes. */
static void merge_field(struct merge *m, const struct json_field *field, const struct side side[2],
                        const void *const from[2], void *out, const char *name, const char *path)
{
    const struct intent_span *words[2] = {words_of(m, &side[0], name), words_of(m, &side[1], name)};
    bool silent[2] = {is_absent(field, from[0]), is_absent(field, from[1])};
    if (silent[0] && silent[1])
        return;
    int taken = silent[0] ? 1 : 0;
    double confidence = CONFIDENCE_BOTH;
    const char *reader = NULL;
    if (silent[0] || silent[1]) {
        confidence = words[taken] ? CONFIDENCE_WORDS : CONFIDENCE_ALONE;
        reader = side[taken].result->reader;
    } else if (is_same(field, from[0], from[1])) {
        taken = words[0] ? 0 : 1;
    } else if (!words[0] == !words[1]) {
        struct intent_question *question = LIST_ADD(m->arena, &m->out->questions);
        *question = (struct intent_question){
            path, "ambiguous", "the readers differ and the words of the text do not decide"};
        return;
    } else {
        taken = words[0] ? 0 : 1;
        confidence = CONFIDENCE_WORDS;
        reader = side[taken].result->reader;
    }
    memcpy(out, from[taken], json_field_size(field));
    note(m, path, confidence, reader, words[taken]);
}

static void merge_object(struct merge *m, const struct json_table *table, const struct side side[2],
                         const void *const from[2], void *out, const char *below,
                         const char *prefix)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const struct json_field *field = &table->fields[i];
        const void *parts[2] = {at(from[0], field), at(from[1], field)};
        void *part = (char *)out + field->offset;
        const char *name = arena_printf(m->arena, "%s%s", below, field->name);
        const char *path = arena_printf(m->arena, "%s%s", prefix, field->name);
        if (field->kind == JSON_OBJECT)
            merge_object(m, field->table, side, parts, part, arena_printf(m->arena, "%s.", name),
                         arena_printf(m->arena, "%s.", path));
        else if (field->kind != JSON_ARRAY)
            merge_field(m, field, side, parts, part, name, path);
    }
}

/* ---- components ---- */

static const struct json_table *component_table(void)
{
    for (size_t i = 0; i < requirement_table.field_count; i++)
        if (str_eq(requirement_table.fields[i].name, "components"))
            return requirement_table.fields[i].table;
    return NULL;
}

static unsigned likeness(const struct requirement_component *a,
                         const struct requirement_component *b)
{
    const struct json_table *table = component_table();
    unsigned equal = str_eq(a->name, b->name) ? 100 : 0;
    for (size_t i = 0; i < table->field_count; i++) {
        const struct json_field *field = &table->fields[i];
        equal += !is_absent(field, at(a, field)) && is_same(field, at(a, field), at(b, field));
    }
    return equal;
}

static size_t partner_of(const struct requirement_component *component,
                         const struct requirement *other, const bool *taken)
{
    size_t best = other->components.count;
    unsigned most = 0;
    for (size_t i = 0; i < other->components.count; i++) {
        unsigned equal = taken[i] ? 0 : likeness(component, &other->components.items[i]);
        if (equal > most) {
            most = equal;
            best = i;
        }
    }
    return best;
}

/* Without the name, which only the first side gives. */
static void merge_component(struct merge *m, const struct side side[2],
                            const struct requirement_component *const from[2])
{
    struct requirement_component *out = LIST_ADD(m->arena, &m->out->requirement.components);
    size_t index = m->out->requirement.components.count - 1;
    struct requirement_component parts[2] = {*from[0], *from[1]};
    parts[1].name = parts[0].name;
    const void *const objects[2] = {&parts[0], &parts[1]};
    merge_object(m, component_table(), side, objects, out, "",
                 arena_printf(m->arena, "components[%zu].", index));
}

static bool is_empty(const struct requirement *requirement)
{
    return requirement->components.count == 1 &&
           str_eq(requirement->components.items[0].name, "未说明");
}

static void merge_components(struct merge *m, const struct intent_result *a,
                             const struct intent_result *b)
{
    static const struct requirement_component nothing;
    size_t count = is_empty(&b->requirement) ? 0 : b->requirement.components.count;
    bool *taken = arena_zalloc(m->arena, (count + 1) * sizeof *taken);
    for (size_t i = 0; i < a->requirement.components.count; i++) {
        const struct requirement_component *own = &a->requirement.components.items[i];
        size_t other = partner_of(own, &b->requirement, taken);
        if (other == count && i == 0 && a->requirement.components.count == 1 && count == 1)
            other = 0; /* one thing each: it is the same thing */
        taken[other < count ? other : count] = true;
        const struct side side[2] = {
            {a, arena_printf(m->arena, "components[%zu].", i)},
            {b, arena_printf(m->arena, "components[%zu].", other)},
        };
        const struct requirement_component *const pair[2] = {
            own, other < count ? &b->requirement.components.items[other] : &nothing};
        merge_component(m, side, pair);
    }
    for (size_t k = 0; k < count; k++) { /* named by the second reader alone */
        if (taken[k])
            continue;
        const struct requirement_component *own = &b->requirement.components.items[k];
        const struct side side[2] = {
            {b, arena_printf(m->arena, "components[%zu].", k)},
            {a, "components[none]."},
        };
        const struct requirement_component *const pair[2] = {own, &nothing};
        merge_component(m, side, pair);
    }
}

static bool same_flow(const struct requirement_flow *a, const struct requirement_flow *b)
{
    return str_eq(a->from, b->from) && str_eq(a->to, b->to);
}

static void merge_flows(struct merge *m, const struct requirement *a, const struct requirement *b)
{
    for (int s = 0; s < 2; s++) {
        const struct requirement *from = s == 0 ? a : b;
        for (size_t i = 0; i < from->flows.count; i++) {
            const struct requirement_flow *flow = &from->flows.items[i];
            bool known = !(str_eq(flow->from, "user") ||
                           requirement_find(&m->out->requirement, flow->from)) ||
                         !requirement_find(&m->out->requirement, flow->to);
            for (size_t k = 0; k < m->out->requirement.flows.count && !known; k++)
                known = same_flow(flow, &m->out->requirement.flows.items[k]);
            if (!known)
                *LIST_ADD(m->arena, &m->out->requirement.flows) = *flow;
        }
    }
}

/* A question stays open unless the field has now been read. */
static void keep_questions(struct merge *m, const struct intent_result *result)
{
    for (size_t i = 0; i < result->questions.count; i++) {
        const struct intent_question *question = &result->questions.items[i];
        bool known = false;
        for (size_t k = 0; k < m->out->agreements.count && !known; k++)
            known = str_eq(m->out->agreements.items[k].path, question->path);
        for (size_t k = 0; k < m->out->questions.count && !known; k++)
            known = str_eq(m->out->questions.items[k].path, question->path);
        if (!known)
            *LIST_ADD(m->arena, &m->out->questions) = *question;
    }
}

enum err_code intent_reconcile(const char *text, size_t len, const struct intent_result *a,
                               const struct intent_result *b, struct intent_result *out,
                               struct arena *arena, struct err *err)
{
    if (a->requirement.components.count > COMPONENTS_MAX ||
        b->requirement.components.count > COMPONENTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a reading has more than %d components", COMPONENTS_MAX);
    if (is_empty(&a->requirement) && !is_empty(&b->requirement)) {
        const struct intent_result *other = a; /* who saw nothing names nothing */
        a = b;
        b = other;
    }
    struct intent_result result = {.language = a->language, .reader = "reconciled"};
    struct merge m = {text, len, &result, arena};
    const struct side side[2] = {{a, ""}, {b, ""}};
    const void *const objects[2] = {&a->requirement, &b->requirement};
    merge_components(&m, a, b);
    merge_object(&m, &requirement_table, side, objects, &result.requirement, "", "");
    merge_flows(&m, &a->requirement, &b->requirement);
    keep_questions(&m, a);
    keep_questions(&m, b);
    enum err_code code = arena_check(arena, err);
    if (code == ERR_OK &&
        (code = json_validate(&requirement_table, &result.requirement, err)) == ERR_OK)
        *out = result;
    return code;
}

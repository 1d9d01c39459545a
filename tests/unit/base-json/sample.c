/* sample.c - the table of struct sample. */
#include "sample.h"

#include <string.h>

#include "base/str.h"

const char *const sample_tiers[] = {NULL, "edge", "public-cloud", "device", NULL};

static const struct json_field part_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct sample_part, name, JSON_REQUIRED | JSON_NON_EMPTY,
               "what it is called"),
    JSON_FIELD_RANGE("vcpus", JSON_INT, struct sample_part, vcpus, 0, 0, 1024, "virtual cores"),
    JSON_FIELD("memory_gib", JSON_OPT_DOUBLE, struct sample_part, memory_gib, JSON_NON_NEGATIVE,
               "memory"),
    JSON_FIELD("labels", JSON_STRINGS, struct sample_part, labels, JSON_NAME, "words about it"),
};
const struct json_table sample_part_table =
    JSON_TABLE("SamplePart", struct sample_part, part_fields, "one part", NULL);

/* The rule across fields: a part of the capacity may not be more than the whole. */
static enum err_code check_amount(const void *object, struct err *err)
{
    const struct sample_amount *amount = object;
    if (amount->memory_gib > 1000 * (double)amount->cpus && amount->cpus > 0) {
        err_set(err, ERR_INVALID, "more than 1000 GiB per core");
        err_field(err, "memory_gib");
        return err_hint(err, "add cores");
    }
    return ERR_OK;
}

static const struct json_field amount_fields[] = {
    JSON_FIELD("cpus", JSON_INT, struct sample_amount, cpus, JSON_NON_NEGATIVE, "cores"),
    JSON_FIELD("memory_gib", JSON_DOUBLE, struct sample_amount, memory_gib, JSON_NON_NEGATIVE,
               "memory"),
    JSON_FIELD("disk_gib", JSON_OPT_INT, struct sample_amount, disk_gib, JSON_NON_NEGATIVE, "disk"),
};
const struct json_table sample_amount_table =
    JSON_TABLE("SampleAmount", struct sample_amount, amount_fields, "an amount", check_amount);

static enum err_code check_sample(const void *object, struct err *err)
{
    const struct sample *sample = object;
    for (size_t i = 0; i < sample->parts.count; i++) {
        if (strcmp(sample->parts.items[i].name, "forbidden") == 0) {
            err_set(err, ERR_POLICY, "no part may be called so");
            return err_field(err, "parts[%zu].name", i);
        }
    }
    if (str_eq(sample->note, "bad"))
        return err_set(err, ERR_INVALID, "the whole is bad");
    return ERR_OK;
}

static const struct json_field fields[] = {
    JSON_FIELD("id", JSON_STRING, struct sample, id, JSON_REQUIRED | JSON_NAME, "unique name"),
    {.name = "note",
     .kind = JSON_STRING,
     .offset = offsetof(struct sample, note),
     .doc = "free",
     .max_len = 4096},
    JSON_FIELD("enabled", JSON_BOOL, struct sample, enabled, 0, "whether it runs"),
    JSON_FIELD("kept", JSON_BOOL, struct sample, kept, JSON_KEEP, "always written"),
    JSON_FIELD("count", JSON_INT, struct sample, count, 0, "any whole number"),
    JSON_FIELD("replicas", JSON_INT, struct sample, replicas, JSON_POSITIVE, "at least one"),
    JSON_FIELD("ratio", JSON_DOUBLE, struct sample, ratio, 0, "any number"),
    JSON_FIELD("opt_flag", JSON_OPT_BOOL, struct sample, opt_flag, 0, "yes, no or unknown"),
    JSON_FIELD("opt_count", JSON_OPT_INT, struct sample, opt_count, 0, "a count or unknown"),
    JSON_FIELD_RANGE("opt_percent", JSON_OPT_DOUBLE, struct sample, opt_percent, 0, 0, 100,
                     "a share or unknown"),
    JSON_FIELD("price", JSON_DECIMAL, struct sample, price, 0, "money"),
    JSON_FIELD_ENUM("tier", struct sample, tier, 0, sample_tiers, "kind of site"),
    JSON_FIELD("made_at", JSON_TIME, struct sample, made_at, 0, "when"),
    JSON_FIELD_TABLE("capacity", JSON_OBJECT, struct sample, capacity, 0, &sample_amount_table,
                     "what there is"),
    JSON_FIELD_TABLE("next", JSON_OBJECT_PTR, struct sample, next, 0, &sample_table,
                     "another of the kind"),
    {.name = "parts",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct sample, parts),
     .doc = "parts",
     .table = &sample_part_table,
     .max_len = 100},
    JSON_FIELD("regions", JSON_STRINGS, struct sample, regions, JSON_KEEP, "places"),
    {.name = "tiers",
     .kind = JSON_ENUMS,
     .offset = offsetof(struct sample, tiers),
     .doc = "kinds",
     .names = sample_tiers},
    JSON_FIELD("weights", JSON_DOUBLES, struct sample, weights, JSON_NON_EMPTY, "numbers"),
    JSON_FIELD("prices", JSON_NUMBER_MAP, struct sample, prices, JSON_NON_NEGATIVE, "by model"),
    JSON_FIELD("labels", JSON_STRING_MAP, struct sample, labels, 0, "by key"),
    JSON_FIELD("extra", JSON_RAW, struct sample, extra, 0, "anything"),
    JSON_FIELD("version", JSON_STRING, struct sample, version, JSON_READ_ONLY, "set by the server"),
    JSON_FIELD("token", JSON_STRING, struct sample, token, JSON_SECRET, "never shown"),
};
const struct json_table sample_table =
    JSON_TABLE("Sample", struct sample, fields, "every kind of field", check_sample);

/* ---- equality ---- */

static bool strings_equal(const char *const *a, size_t a_count, const char *const *b,
                          size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!str_eq(a[i], b[i]))
            return false;
    }
    return true;
}

static bool opt_double_equal(struct opt_double a, struct opt_double b)
{
    return a.set == b.set && (!a.set || a.value == b.value);
}

static bool opt_int_equal(struct opt_int a, struct opt_int b)
{
    return a.set == b.set && (!a.set || a.value == b.value);
}

static bool part_equal(const struct sample_part *a, const struct sample_part *b)
{
    return str_eq(a->name, b->name) && a->vcpus == b->vcpus &&
           opt_double_equal(a->memory_gib, b->memory_gib) &&
           strings_equal(a->labels.items, a->labels.count, b->labels.items, b->labels.count);
}

static bool lists_equal(const struct sample *a, const struct sample *b)
{
    if (a->parts.count != b->parts.count || a->tiers.count != b->tiers.count ||
        a->weights.count != b->weights.count || a->prices.count != b->prices.count ||
        a->labels.count != b->labels.count)
        return false;
    for (size_t i = 0; i < a->parts.count; i++) {
        if (!part_equal(&a->parts.items[i], &b->parts.items[i]))
            return false;
    }
    for (size_t i = 0; i < a->tiers.count; i++) {
        if (a->tiers.items[i] != b->tiers.items[i])
            return false;
    }
    for (size_t i = 0; i < a->weights.count; i++) {
        if (a->weights.items[i] != b->weights.items[i])
            return false;
    }
    for (size_t i = 0; i < a->prices.count; i++) {
        if (!str_eq(a->prices.items[i].name, b->prices.items[i].name) ||
            a->prices.items[i].value != b->prices.items[i].value)
            return false;
    }
    for (size_t i = 0; i < a->labels.count; i++) {
        if (!str_eq(a->labels.items[i].name, b->labels.items[i].name) ||
            !str_eq(a->labels.items[i].value, b->labels.items[i].value))
            return false;
    }
    return strings_equal(a->regions.items, a->regions.count, b->regions.items, b->regions.count);
}

bool sample_equal(const struct sample *a, const struct sample *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return str_eq(a->id, b->id) && str_eq(a->note, b->note) && a->enabled == b->enabled &&
           a->kept == b->kept && a->count == b->count && a->replicas == b->replicas &&
           a->ratio == b->ratio && a->opt_flag.set == b->opt_flag.set &&
           a->opt_flag.value == b->opt_flag.value && opt_int_equal(a->opt_count, b->opt_count) &&
           opt_double_equal(a->opt_percent, b->opt_percent) && a->price == b->price &&
           a->tier == b->tier && a->made_at == b->made_at && a->capacity.cpus == b->capacity.cpus &&
           a->capacity.memory_gib == b->capacity.memory_gib &&
           opt_int_equal(a->capacity.disk_gib, b->capacity.disk_gib) &&
           sample_equal(a->next, b->next) && lists_equal(a, b) && str_eq(a->extra, b->extra);
}

/* sample.h - a struct with every kind and flag of base/json.h, for the tests and the fuzzers. */
#ifndef SWAN_TESTS_BASE_JSON_SAMPLE_H
#define SWAN_TESTS_BASE_JSON_SAMPLE_H

#include "base/json.h"
#include "base/mem.h"

enum sample_tier { SAMPLE_TIER_NONE, SAMPLE_EDGE, SAMPLE_PUBLIC_CLOUD, SAMPLE_DEVICE };
extern const char *const sample_tiers[];

struct sample_part {
    const char *name; /* required */
    int64_t vcpus;    /* 0…1024 */
    struct opt_double memory_gib;
    LIST(const char *) labels;
};

struct sample_amount {
    int64_t cpus;
    double memory_gib;
    struct opt_int disk_gib;
};

struct sample {
    const char *id; /* required, a name */
    const char *note;
    bool enabled;
    bool kept;
    int64_t count;
    int64_t replicas; /* positive */
    double ratio;
    struct opt_bool opt_flag;
    struct opt_int opt_count;
    struct opt_double opt_percent; /* 0…100 */
    int64_t price;                 /* millionths */
    int tier;
    int64_t made_at;
    struct sample_amount capacity;
    struct sample *next;
    LIST(struct sample_part) parts;
    LIST(const char *) regions;
    LIST(int) tiers;
    LIST(double) weights;
    LIST(struct json_number_pair) prices;
    LIST(struct json_string_pair) labels;
    const char *extra;   /* raw */
    const char *version; /* read-only */
    const char *token;   /* secret */
};

extern const struct json_table sample_part_table;
extern const struct json_table sample_amount_table;
extern const struct json_table sample_table;

/* Deep equality by value; absent and empty lists are equal. */
bool sample_equal(const struct sample *a, const struct sample *b);

#endif

/* test_property.c - random structs through JSON and YAML and back; random texts through YAML. */
#include "tests.h"

#include <math.h>
#include <string.h>

#include "base/rand.h"

/* Pieces that YAML or JSON readers may take for something else. */
static const char *const pieces[] = {
    "a",
    "B",
    "0",
    "1",
    "-",
    ".",
    ":",
    " ",
    "\n",
    "#",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "~",
    "=",
    "<<",
    "?",
    "\\",
    "\t",
    "yes",
    "No",
    "true",
    "null",
    "1e3",
    "0x1f",
    "0o7",
    ": ",
    " #",
    "- ",
    "---",
    "...",
    "\r",
    "\x7f",
    "\x01",
    "\xc2\x85",
    "\xc2\xa0",
    "上",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "\xef\xbf\xbd",
    "\xef\xbf\xbe",
    "\xf0\x9f\x98\x80",
    "2026-11-23",
    "  ",
    "\n\n",
    "\n ",
    "\ne",
    ".inf",
    "/",
    "+1",
};

static const char *random_text(struct rand *rand, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    size_t count = rand_below(rand, 6);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&text, pieces[rand_below(rand, ARRAY_LEN(pieces))]);
    if (rand_below(rand, 50) == 0) { /* longer than YAML's short keys, than a line, than a buffer */
        for (size_t i = 0; i < 40 + rand_below(rand, 2000); i++)
            buf_add_str(&text, pieces[rand_below(rand, 12)]);
    }
    return arena_strndup(arena, buf_str(&text), text.len);
}

static const char *random_name(struct rand *rand, struct arena *arena)
{
    static const char *const heads[] = {"a", "上海", "x-1", "yes", "1.0", "0x1F", "null", "1e5"};
    return arena_printf(arena, "%s%u", heads[rand_below(rand, ARRAY_LEN(heads))],
                        (unsigned)rand_below(rand, 1000));
}

static double random_double(struct rand *rand)
{
    union {
        uint64_t bits;
        double value;
    } any;
    switch (rand_below(rand, 5)) {
    case 0:
        return (double)(int64_t)rand_below(rand, 2000) - 1000;
    case 1:
        return ((double)rand_below(rand, 2000000) - 1e6) / 1000;
    case 2:
        return rand_normal(rand) * pow(10, (double)rand_below(rand, 30) - 15);
    case 3:
        return 0;
    default:
        do {
            any.bits = rand_u64(rand);
        } while (!isfinite(any.value));
        return any.value;
    }
}

static int64_t random_int(struct rand *rand)
{
    return (int64_t)(rand_u64(rand) >> rand_below(rand, 64));
}

static bool coin(struct rand *rand)
{
    return rand_below(rand, 2) == 0;
}

static void random_lists(struct rand *rand, struct arena *arena, struct sample *s)
{
    for (size_t i = rand_below(rand, 4); i > 0; i--) {
        struct sample_part *part = LIST_ADD(arena, &s->parts);
        part->name = random_name(rand, arena);
        part->vcpus = (int64_t)rand_below(rand, 1025);
        part->memory_gib = (struct opt_double){coin(rand), 0};
        if (part->memory_gib.set)
            part->memory_gib.value = fabs(random_double(rand));
        for (size_t k = rand_below(rand, 3); k > 0; k--)
            *LIST_ADD(arena, &part->labels) = random_name(rand, arena);
    }
    for (size_t i = rand_below(rand, 4); i > 0; i--)
        *LIST_ADD(arena, &s->regions) = random_text(rand, arena);
    for (size_t i = rand_below(rand, 4); i > 0; i--)
        *LIST_ADD(arena, &s->tiers) = 1 + (int)rand_below(rand, 3);
    for (size_t i = rand_below(rand, 4); i > 0; i--)
        *LIST_ADD(arena, &s->weights) = random_double(rand);
    for (size_t i = 0; i < rand_below(rand, 4); i++) {
        struct json_number_pair *pair = LIST_ADD(arena, &s->prices);
        pair->name = arena_printf(arena, "%zu%s", i, random_text(rand, arena)); /* no duplicates */
        pair->value = fabs(random_double(rand));
    }
    for (size_t i = 0; i < rand_below(rand, 4); i++) {
        struct json_string_pair *pair = LIST_ADD(arena, &s->labels);
        pair->name = arena_printf(arena, "%s%zu", random_text(rand, arena), i);
        pair->value = random_text(rand, arena);
    }
}

static void random_sample(struct rand *rand, struct arena *arena, struct sample *s, int depth)
{
    memset(s, 0, sizeof *s);
    s->id = random_name(rand, arena);
    s->note = coin(rand) ? random_text(rand, arena) : NULL;
    s->enabled = coin(rand);
    s->kept = coin(rand);
    s->count = coin(rand) ? random_int(rand) : -random_int(rand);
    s->replicas = (int64_t)rand_below(rand, 5);
    s->ratio = random_double(rand);
    s->opt_flag.set = coin(rand);
    s->opt_flag.value = s->opt_flag.set && coin(rand);
    s->opt_count.set = coin(rand);
    s->opt_count.value = s->opt_count.set ? random_int(rand) : 0;
    s->opt_percent.set = coin(rand);
    s->opt_percent.value = s->opt_percent.set ? rand_unit(rand) * 100 : 0;
    s->price = (int64_t)rand_below(rand, UINT64_C(8000000000000000)) - INT64_C(4000000000000000);
    s->tier = (int)rand_below(rand, 4);
    s->made_at = coin(rand) ? (int64_t)rand_below(rand, UINT64_C(253402300800000)) : 0;
    if (coin(rand)) {
        s->capacity.cpus = 1 + (int64_t)rand_below(rand, 1000);
        s->capacity.memory_gib = rand_unit(rand) * 1000;
        s->capacity.disk_gib.set = coin(rand);
    }
    random_lists(rand, arena, s);
    s->extra = coin(rand) ? "{\"k\":[1,null,{\"x\":\"yes\"}],\"e\":[[]]}" : NULL;
    if (depth > 0 && rand_below(rand, 3) == 0) {
        s->next = arena_alloc(arena, sizeof *s->next);
        random_sample(rand, arena, s->next, depth - 1);
    }
}

static void check_round_trip(uint64_t seed, const struct sample *s, const struct buf *text,
                             bool yaml)
{
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct sample back;
    enum err_code code =
        yaml ? json_decode_yaml(buf_str(text), text->len, &sample_table, NULL, &back, &arena, &err)
             : json_decode(buf_str(text), text->len, &sample_table, NULL, &back, &arena, &err);
    if (code != ERR_OK)
        fail_msg("seed %llu: %s: %s\n%s", (unsigned long long)seed, err.field, err.text,
                 buf_str(text));
    if (!sample_equal(s, &back))
        fail_msg("seed %llu differs\n%s", (unsigned long long)seed, buf_str(text));
    arena_done(&arena);
}

static void test_random_structs_survive_json_and_yaml(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf compact = BUF_INIT, pretty = BUF_INIT, yaml = BUF_INIT, one = BUF_INIT,
               other = BUF_INIT;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct rand rand;
        struct sample s;
        struct err err = ERR_INIT;
        rand_init(&rand, seed);
        random_sample(&rand, &arena, &s, 3);
        if (json_validate(&sample_table, &s, &err) != ERR_OK)
            fail_msg("seed %llu: %s: %s", (unsigned long long)seed, err.field, err.text);
        json_encode(&sample_table, &s, JSON_COMPACT, &compact);
        json_encode(&sample_table, &s, JSON_PRETTY, &pretty);
        yaml_encode(&sample_table, &s, &yaml);
        check_round_trip(seed, &s, &compact, false);
        check_round_trip(seed, &s, &pretty, false);
        check_round_trip(seed, &s, &yaml, true);
        assert_int_equal(json_canonical(buf_str(&compact), compact.len, &one, &err), ERR_OK);
        assert_int_equal(json_canonical(buf_str(&pretty), pretty.len, &other, &err), ERR_OK);
        assert_string_equal(buf_str(&one), buf_str(&other));
        buf_clear(&compact);
        buf_clear(&pretty);
        buf_clear(&yaml);
        buf_clear(&one);
        buf_clear(&other);
        arena_clear(&arena);
    }
    buf_done(&compact);
    buf_done(&pretty);
    buf_done(&yaml);
    buf_done(&one);
    buf_done(&other);
    arena_done(&arena);
}

static void test_an_empty_patch_changes_nothing(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rand rand;
        struct sample s, out;
        struct err err = ERR_INIT;
        rand_init(&rand, seed);
        random_sample(&rand, &arena, &s, 3);
        s.version = "3";
        if (json_merge(&sample_table, &s, "{}", 2, &out, &arena, &err) != ERR_OK)
            fail_msg("seed %llu: %s: %s", (unsigned long long)seed, err.field, err.text);
        assert_true(sample_equal(&s, &out));
        assert_string_equal(out.version, "3");
        arena_clear(&arena);
    }
    arena_done(&arena);
}

static void test_random_money_is_exact(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct rand rand;
    rand_init(&rand, 7);
    for (int i = 0; i < 20000; i++) {
        /* up to 2^33 units a double tells neighbouring millionths apart */
        int64_t price = (int64_t)(rand_u64(&rand) % (UINT64_C(8589934592) * 1000000));
        price >>= rand_below(&rand, 50);
        if (coin(&rand))
            price = -price;
        struct sample s = {.id = "a", .price = price}, back;
        struct buf text = BUF_INIT;
        json_encode(&sample_table, &s, JSON_COMPACT, &text);
        assert_int_equal(
            json_decode(buf_str(&text), text.len, &sample_table, NULL, &back, &arena, NULL),
            ERR_OK);
        assert_true(back.price == price);
        buf_done(&text);
        arena_clear(&arena);
    }
    arena_done(&arena);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_structs_survive_json_and_yaml),
    cmocka_unit_test(test_an_empty_patch_changes_nothing),
    cmocka_unit_test(test_random_money_is_exact),
};

int run_property_tests(void)
{
    return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}

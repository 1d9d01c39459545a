/* json_bench.c - MB/s of decoding and encoding a large network file, and ns of one small answer.
 *
 *   meson setup build-bench -Dtests=true && ninja -C build-bench bench/json-bench
 *   build-bench/bench/json-bench [SITES]        default 100 000 sites */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rand.h"

struct amount {
    double vcpus, memory_gib, disk_gib;
};
struct accelerator {
    const char *kind, *model;
    int64_t count;
};
struct price {
    int64_t vcpu_hour, memory_gib_hour, disk_gib_month;
    LIST(struct json_number_pair) accelerator_hour;
};
struct site {
    const char *id, *name, *provider, *owner;
    int tier;
    LIST(const char *) regions;
    LIST(const char *) arch;
    struct opt_double lat, lon, availability_percent, pue, carbon_g_per_kwh;
    struct amount capacity, allocated;
    LIST(struct accelerator) accelerators;
    struct price price;
    struct opt_int protection_level;
};
struct network {
    const char *currency;
    LIST(struct site) sites;
};

static const char *const tiers[] = {NULL, "public-cloud", "edge", "device", NULL};

static const struct json_field amount_fields[] = {
    JSON_FIELD("vcpus", JSON_DOUBLE, struct amount, vcpus, JSON_NON_NEGATIVE, "cores"),
    JSON_FIELD("memory_gib", JSON_DOUBLE, struct amount, memory_gib, JSON_NON_NEGATIVE, "memory"),
    JSON_FIELD("disk_gib", JSON_DOUBLE, struct amount, disk_gib, JSON_NON_NEGATIVE, "disk"),
};
static const struct json_table amount_table =
    JSON_TABLE("Amount", struct amount, amount_fields, "amount", NULL);

static const struct json_field accelerator_fields[] = {
    JSON_FIELD("kind", JSON_STRING, struct accelerator, kind, JSON_REQUIRED, "kind"),
    JSON_FIELD("model", JSON_STRING, struct accelerator, model, 0, "model"),
    JSON_FIELD("count", JSON_INT, struct accelerator, count, JSON_POSITIVE, "count"),
};
static const struct json_table accelerator_table =
    JSON_TABLE("Accelerator", struct accelerator, accelerator_fields, "accelerator", NULL);

static const struct json_field price_fields[] = {
    JSON_FIELD("vcpu_hour", JSON_DECIMAL, struct price, vcpu_hour, JSON_NON_NEGATIVE, "price"),
    JSON_FIELD("memory_gib_hour", JSON_DECIMAL, struct price, memory_gib_hour, JSON_NON_NEGATIVE,
               "price"),
    JSON_FIELD("disk_gib_month", JSON_DECIMAL, struct price, disk_gib_month, JSON_NON_NEGATIVE,
               "price"),
    JSON_FIELD("accelerator_hour", JSON_NUMBER_MAP, struct price, accelerator_hour,
               JSON_NON_NEGATIVE, "price by model"),
};
static const struct json_table price_table =
    JSON_TABLE("Price", struct price, price_fields, "price", NULL);

static const struct json_field site_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct site, id, JSON_REQUIRED | JSON_NAME, "name"),
    JSON_FIELD("name", JSON_STRING, struct site, name, 0, "text"),
    JSON_FIELD_ENUM("tier", struct site, tier, JSON_REQUIRED, tiers, "tier"),
    JSON_FIELD("regions", JSON_STRINGS, struct site, regions, 0, "places"),
    JSON_FIELD_RANGE("lat", JSON_OPT_DOUBLE, struct site, lat, 0, -90, 90, "latitude"),
    JSON_FIELD_RANGE("lon", JSON_OPT_DOUBLE, struct site, lon, 0, -180, 180, "longitude"),
    JSON_FIELD("provider", JSON_STRING, struct site, provider, 0, "adapter"),
    JSON_FIELD("owner", JSON_STRING, struct site, owner, 0, "owner"),
    JSON_FIELD("arch", JSON_STRINGS, struct site, arch, 0, "architectures"),
    JSON_FIELD_TABLE("capacity", JSON_OBJECT, struct site, capacity, JSON_REQUIRED, &amount_table,
                     "all"),
    JSON_FIELD_TABLE("allocated", JSON_OBJECT, struct site, allocated, 0, &amount_table, "taken"),
    JSON_FIELD_TABLE("accelerators", JSON_ARRAY, struct site, accelerators, 0, &accelerator_table,
                     "accelerators"),
    JSON_FIELD_TABLE("price", JSON_OBJECT, struct site, price, 0, &price_table, "prices"),
    JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct site, availability_percent, 0,
                     0, 100, "share of time"),
    JSON_FIELD("protection_level", JSON_OPT_INT, struct site, protection_level, 0, "level"),
    JSON_FIELD("pue", JSON_OPT_DOUBLE, struct site, pue, 0, "pue"),
    JSON_FIELD("carbon_g_per_kwh", JSON_OPT_DOUBLE, struct site, carbon_g_per_kwh, 0, "carbon"),
};
static const struct json_table site_table =
    JSON_TABLE("Site", struct site, site_fields, "site", NULL);

static const struct json_field network_fields[] = {
    JSON_FIELD("currency", JSON_STRING, struct network, currency, 0, "currency"),
    JSON_FIELD_TABLE("sites", JSON_ARRAY, struct network, sites, JSON_REQUIRED, &site_table,
                     "sites"),
};
static const struct json_table network_table =
    JSON_TABLE("Network", struct network, network_fields, "network", NULL);

static double round_to(double value, double step)
{
    return (double)(int64_t)(value / step + 0.5) * step;
}

static struct opt_double some(double value)
{
    return (struct opt_double){true, value};
}

static void make(struct network *network, struct arena *arena, size_t sites)
{
    struct rand rand;
    rand_init(&rand, 1);
    network->currency = "CNY";
    for (size_t i = 0; i < sites; i++) {
        struct site *site = LIST_ADD(arena, &network->sites);
        site->id = arena_printf(arena, "edge-site-%06zu", i);
        site->name = arena_printf(arena, "上海张江边缘节点 %zu", i);
        site->provider = "simulator";
        site->owner = "运营商A";
        site->tier = 1 + (int)rand_below(&rand, 3);
        *LIST_ADD(arena, &site->regions) = "上海";
        *LIST_ADD(arena, &site->regions) = "华东";
        *LIST_ADD(arena, &site->arch) = "x86_64";
        site->lat = some(round_to(rand_unit(&rand) * 50, 0.0001));
        site->lon = some(round_to(rand_unit(&rand) * 130, 0.0001));
        site->capacity = (struct amount){512, 2048, 100000};
        site->allocated.vcpus = (double)rand_below(&rand, 512);
        site->allocated.memory_gib = round_to(rand_unit(&rand) * 2048, 0.5);
        struct accelerator *accelerator = LIST_ADD(arena, &site->accelerators);
        *accelerator = (struct accelerator){"gpu", "T4", 16};
        site->price.vcpu_hour = (int64_t)rand_below(&rand, 1000000);
        site->price.memory_gib_hour = (int64_t)rand_below(&rand, 100000);
        site->price.disk_gib_month = 350000;
        *LIST_ADD(arena, &site->price.accelerator_hour) = (struct json_number_pair){"T4", 6};
        site->availability_percent = some(99.95);
        site->protection_level = (struct opt_int){true, 3};
        site->pue = some(1.25);
        site->carbon_g_per_kwh = some(550);
    }
}

static void tell(const char *what, size_t bytes, int64_t us)
{
    printf("%-22s %7.1f MB  %8.1f ms  %7.1f MB/s\n", what, (double)bytes / 1e6, (double)us / 1e3,
           (double)bytes / (double)us);
}

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, err->field, err->text);
    exit(1);
}

static void decode(const char *what, const struct buf *text, bool yaml, struct network *out)
{
    struct arena arena;
    struct err err = ERR_INIT;
    arena_init(&arena, (size_t)4 << 30);
    int64_t begin = clock_mono_us();
    enum err_code code = yaml ? json_decode_yaml(buf_str(text), text->len, &network_table,
                                                 &json_limits_large, out, &arena, &err)
                              : json_decode(buf_str(text), text->len, &network_table,
                                            &json_limits_large, out, &arena, &err);
    tell(what, text->len, clock_mono_us() - begin);
    if (code != ERR_OK)
        die(what, &err);
    arena_done(&arena);
}

int main(int argc, char **argv)
{
    size_t sites = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    struct arena arena;
    struct network network = {0}, back;
    struct buf json = BUF_INIT, yaml = BUF_INIT, one = BUF_INIT;
    struct err err = ERR_INIT;
    struct rusage usage;
    arena_init(&arena, (size_t)4 << 30);
    make(&network, &arena, sites);

    int64_t begin = clock_mono_us();
    json_encode(&network_table, &network, JSON_COMPACT, &json);
    tell("encode JSON", json.len, clock_mono_us() - begin);
    decode("decode JSON", &json, false, &back);
    getrusage(RUSAGE_SELF, &usage);
    printf("%-22s %7ld MB\n", "most memory so far", usage.ru_maxrss / 1000);
    begin = clock_mono_us();
    yaml_encode(&network_table, &network, &yaml);
    tell("encode YAML", yaml.len, clock_mono_us() - begin);
    decode("decode YAML", &yaml, true, &back);

    /* The last site is wrong: the worst place to find the line of. */
    struct site *last = &network.sites.items[sites - 1];
    last->lat.value = 91;
    buf_clear(&json);
    json_encode(&network_table, &network, JSON_PRETTY, &json);
    begin = clock_mono_us();
    struct arena scratch;
    arena_init(&scratch, (size_t)4 << 30);
    if (json_decode(buf_str(&json), json.len, &network_table, &json_limits_large, &back, &scratch,
                    &err) == ERR_OK)
        die("a wrong file was taken", &err);
    tell("refuse pretty JSON", json.len, clock_mono_us() - begin);
    printf("  %s: %s\n", err.field, err.text);
    arena_done(&scratch);

    const int rounds = 200000;
    last->lat.value = 31.2;
    begin = clock_mono_us();
    for (int i = 0; i < rounds; i++) {
        buf_clear(&one);
        json_encode(&site_table, last, JSON_COMPACT, &one);
    }
    int64_t us = clock_mono_us() - begin;
    tell("encode one site", one.len * (size_t)rounds, us);
    printf("  %zu bytes in %.0f ns\n", one.len, (double)us * 1000 / rounds);
    begin = clock_mono_us();
    for (int i = 0; i < rounds; i++) {
        struct site site;
        arena_clear(&scratch);
        if (json_decode(buf_str(&one), one.len, &site_table, NULL, &site, &scratch, &err) != ERR_OK)
            die("one site", &err);
    }
    us = clock_mono_us() - begin;
    tell("decode one site", one.len * (size_t)rounds, us);
    printf("  %zu bytes in %.0f ns\n", one.len, (double)us * 1000 / rounds);
    buf_done(&json);
    buf_done(&yaml);
    buf_done(&one);
    arena_done(&scratch);
    arena_done(&arena);
    return 0;
}

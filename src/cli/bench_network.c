/* bench_network.c - seeded networks with the structure of a country's: hubs on a ring, cities on
 * hubs, districts, sites.
 *
 * Contract: same count and seed, same network on every machine; what is made passes network_check.
 * Figures are typical ones, made up for measuring: no site of them exists. */
#include <math.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "cli/bench.h"

#define HUBS 10
#define RING 8
#define DISTRICTS_FROM 2000 /* sites from which cities have districts */
#define DISTRICT_SITES 60

struct city {
    const char *name;
    double lat, lon;
    const char *province, *area, *more[2];
    int weight;
    double price, pue, carbon;
};

static const struct city cities[] = {
    {"北京", 39.90, 116.40, "北京", "华北", {"京津冀", NULL}, 10, 1.05, 1.35, 580},
    {"天津", 39.13, 117.20, "天津", "华北", {"京津冀", NULL}, 4, 1.00, 1.35, 590},
    {"张家口", 40.41, 115.52, "河北", "华北", {"京津冀", "张家口集群"}, 4, 0.85, 1.22, 420},
    {"石家庄", 38.04, 114.51, "河北", "华北", {"京津冀", NULL}, 3, 0.92, 1.40, 650},
    {"上海", 31.23, 121.47, "上海", "华东", {"长三角", NULL}, 10, 1.08, 1.30, 550},
    {"青浦", 31.15, 121.12, "上海", "华东", {"长三角", "长三角示范区集群"}, 4, 1.02, 1.25, 540},
    {"杭州", 30.27, 120.15, "浙江", "华东", {"长三角", NULL}, 6, 1.03, 1.35, 520},
    {"宁波", 29.87, 121.55, "浙江", "华东", {"长三角", NULL}, 3, 1.00, 1.40, 520},
    {"南京", 32.06, 118.80, "江苏", "华东", {"长三角", NULL}, 5, 1.02, 1.35, 570},
    {"苏州", 31.30, 120.58, "江苏", "华东", {"长三角", NULL}, 5, 1.02, 1.35, 570},
    {"无锡", 31.49, 120.31, "江苏", "华东", {"长三角", NULL}, 3, 1.00, 1.38, 570},
    {"合肥", 31.82, 117.23, "安徽", "华东", {"长三角", NULL}, 4, 0.96, 1.38, 600},
    {"芜湖", 31.35, 118.43, "安徽", "华东", {"长三角", "芜湖集群"}, 4, 0.90, 1.25, 590},
    {"济南", 36.65, 117.12, "山东", "华东", {NULL, NULL}, 4, 0.96, 1.40, 640},
    {"青岛", 36.07, 120.38, "山东", "华东", {NULL, NULL}, 4, 0.98, 1.38, 640},
    {"福州", 26.07, 119.30, "福建", "华东", {NULL, NULL}, 3, 0.98, 1.40, 430},
    {"厦门", 24.48, 118.09, "福建", "华东", {NULL, NULL}, 3, 1.00, 1.40, 430},
    {"南昌", 28.68, 115.86, "江西", "华东", {NULL, NULL}, 3, 0.94, 1.40, 560},
    {"广州", 23.13, 113.26, "广东", "华南", {"粤港澳大湾区", NULL}, 9, 1.06, 1.38, 450},
    {"深圳", 22.54, 114.06, "广东", "华南", {"粤港澳大湾区", NULL}, 9, 1.08, 1.38, 450},
    {"东莞", 23.02, 113.75, "广东", "华南", {"粤港澳大湾区", NULL}, 4, 1.02, 1.40, 450},
    {"韶关", 24.81, 113.60, "广东", "华南", {"粤港澳大湾区", "韶关集群"}, 4, 0.90, 1.25, 440},
    {"南宁", 22.82, 108.32, "广西", "华南", {NULL, NULL}, 3, 0.92, 1.42, 480},
    {"海口", 20.04, 110.34, "海南", "华南", {NULL, NULL}, 2, 0.98, 1.45, 460},
    {"武汉", 30.59, 114.31, "湖北", "华中", {NULL, NULL}, 6, 0.97, 1.38, 380},
    {"长沙", 28.23, 112.94, "湖南", "华中", {NULL, NULL}, 4, 0.95, 1.40, 480},
    {"郑州", 34.75, 113.63, "河南", "华中", {NULL, NULL}, 5, 0.95, 1.40, 620},
    {"成都", 30.66, 104.07, "四川", "西南", {"成渝", "天府集群"}, 7, 0.92, 1.28, 200},
    {"重庆", 29.80, 106.50, "重庆", "西南", {"成渝", "重庆集群"}, 6, 0.92, 1.28, 430},
    {"贵阳", 26.42, 106.53, "贵州", "西南", {"贵安集群", NULL}, 6, 0.80, 1.18, 420},
    {"昆明", 25.04, 102.71, "云南", "西南", {NULL, NULL}, 3, 0.88, 1.40, 150},
    {"西安", 34.34, 108.94, "陕西", "西北", {NULL, NULL}, 5, 0.92, 1.38, 640},
    {"庆阳", 35.73, 107.64, "甘肃", "西北", {"庆阳集群", NULL}, 4, 0.80, 1.19, 430},
    {"兰州", 36.06, 103.83, "甘肃", "西北", {NULL, NULL}, 3, 0.86, 1.38, 430},
    {"中卫", 37.51, 105.19, "宁夏", "西北", {"中卫集群", NULL}, 5, 0.80, 1.17, 600},
    {"银川", 38.49, 106.23, "宁夏", "西北", {NULL, NULL}, 2, 0.85, 1.38, 600},
    {"西宁", 36.62, 101.78, "青海", "西北", {NULL, NULL}, 2, 0.85, 1.30, 120},
    {"乌鲁木齐", 43.83, 87.62, "新疆", "西北", {NULL, NULL}, 3, 0.84, 1.35, 600},
    {"呼和浩特", 40.38, 111.82, "内蒙古", "华北", {"和林格尔集群", NULL}, 6, 0.80, 1.18, 680},
    {"乌兰察布", 40.99, 113.13, "内蒙古", "华北", {NULL, NULL}, 3, 0.80, 1.18, 500},
    {"太原", 37.87, 112.55, "山西", "华北", {NULL, NULL}, 3, 0.90, 1.40, 700},
    {"沈阳", 41.80, 123.43, "辽宁", "东北", {NULL, NULL}, 4, 0.92, 1.38, 600},
    {"大连", 38.91, 121.61, "辽宁", "东北", {NULL, NULL}, 3, 0.95, 1.38, 600},
    {"长春", 43.88, 125.32, "吉林", "东北", {NULL, NULL}, 2, 0.90, 1.38, 560},
    {"哈尔滨", 45.80, 126.53, "黑龙江", "东北", {NULL, NULL}, 3, 0.88, 1.35, 580},
};
#define CITIES ARRAY_LEN(cities)
/* the ring first, in its order, then the two that chord it */
static const char *const hub_names[HUBS] = {"北京", "沈阳", "上海",     "广州", "贵阳",
                                            "成都", "中卫", "呼和浩特", "武汉", "西安"};

struct spot { /* a city or one of its districts: what sites hang on */
    const char *id;
    double lat, lon;
    size_t city;
};

struct maker {
    struct rand rand;
    struct network *network;
    struct arena *arena;
    LIST(struct spot) spots;
    LIST(size_t) of_city[CITIES];
    const char **regions[CITIES];
    size_t region_count[CITIES];
    size_t hubs[HUBS];
    size_t numbers[CITIES][7]; /* by tier */
    int weight_sum;
};

static double uniform(struct maker *m, double low, double high)
{
    return low + (high - low) * rand_unit(&m->rand);
}

static double pick(struct maker *m, const double *values, size_t count)
{
    return values[rand_below(&m->rand, count)];
}
#define PICK(m, ...) \
    pick((m), (const double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))

static double rounded(double value, double step)
{
    return round(value / step) * step;
}

static struct opt_double known(double value)
{
    return (struct opt_double){true, value};
}

static double km(double lat_a, double lon_a, double lat_b, double lon_b)
{
    double rad = 3.14159265358979323846 / 180;
    double p = sin((lat_b - lat_a) * rad / 2), q = sin((lon_b - lon_a) * rad / 2);
    double h = p * p + cos(lat_a * rad) * cos(lat_b * rad) * q * q;
    return 12742 * asin(sqrt(h));
}

static size_t city_named(const char *name)
{
    size_t i = 0;
    while (!str_eq(cities[i].name, name))
        i++;
    return i;
}

static bool is_hub(const struct maker *m, size_t city)
{
    for (size_t i = 0; i < HUBS; i++)
        if (m->hubs[i] == city)
            return true;
    return false;
}

static bool linked(const struct maker *m, const char *a, const char *b)
{
    for (size_t i = 0; i < m->network->links.count; i++) {
        const struct network_link *link = &m->network->links.items[i];
        if ((str_eq(link->a, a) && str_eq(link->b, b)) ||
            (str_eq(link->a, b) && str_eq(link->b, a)))
            return true;
    }
    return false;
}

struct line {
    int type;
    double hop, bandwidth, used, price, distance;
};

static void join(struct maker *m, const char *a, const char *b, const struct line *line)
{
    struct network_link *link = LIST_ADD(m->arena, &m->network->links);
    link->a = a;
    link->b = b;
    link->type = line->type;
    /* light in fibre takes 5 µs a kilometre, fibre a third more than the straight line */
    link->latency_ms = known(rounded(line->distance * 1.3 * 0.005 + line->hop +
                                         uniform(m, 0, 0.05) + uniform(m, 0, 0.001),
                                     1e-4));
    link->bandwidth_mbps = known(line->bandwidth);
    link->used_mbps = known(round(line->used));
    link->loss_percent = known(rounded(uniform(m, 0, 0.05), 1e-3));
    link->price_mbps_month = known(rounded(line->price, 0.01));
}

static int link_type(const char *name)
{
    return json_enum_find(network_link_type_names, name);
}

static void trunk(struct maker *m, const struct spot *a, const struct spot *b, double bandwidth)
{
    double far = km(a->lat, a->lon, b->lat, b->lon);
    struct line line = {link_type("optical"),
                        0.25,
                        bandwidth,
                        bandwidth * PICK(m, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99),
                        1.0 + far / 250 * uniform(m, 0.7, 1.3),
                        far};
    join(m, a->id, b->id, &line);
}

/* The n-th nearest of the hubs to a city. */
static size_t near_hub(const struct maker *m, size_t city, size_t n)
{
    bool taken[HUBS] = {false};
    size_t best = 0;
    for (size_t round_ = 0; round_ <= n; round_++) {
        double least = INFINITY;
        for (size_t i = 0; i < HUBS; i++) {
            const struct city *hub = &cities[m->hubs[i]];
            double far = km(hub->lat, hub->lon, cities[city].lat, cities[city].lon);
            if (taken[i] || m->hubs[i] == city || far >= least)
                continue;
            least = far;
            best = i;
        }
        taken[best] = true;
    }
    return m->hubs[best];
}

static size_t near_city(const struct maker *m, size_t city)
{
    size_t best = city;
    double least = INFINITY;
    for (size_t i = 0; i < CITIES; i++) {
        double far = km(cities[i].lat, cities[i].lon, cities[city].lat, cities[city].lon);
        if (i == city || is_hub(m, i) || far >= least)
            continue;
        least = far;
        best = i;
    }
    return best;
}

static void add_spot(struct maker *m, size_t city, const char *id, double lat, double lon)
{
    struct network_access *access = LIST_ADD(m->arena, &m->network->access);
    *access = (struct network_access){id, known(lat), known(lon)};
    *LIST_ADD(m->arena, &m->of_city[city]) = m->spots.count;
    *LIST_ADD(m->arena, &m->spots) = (struct spot){id, lat, lon, city};
}

/* Spots are the cities first, in their order. */
static void join_cities(struct maker *m)
{
    for (size_t i = 0; i < HUBS; i++)
        m->hubs[i] = city_named(hub_names[i]);
    for (size_t i = 0; i < CITIES; i++) {
        const struct city *city = &cities[i];
        add_spot(m, i, city->name, city->lat, city->lon);
        m->weight_sum += city->weight;
        m->regions[i] = arena_array(m->arena, 6, sizeof *m->regions[i]);
        const char *names[] = {
            city->name,    str_eq(city->province, city->name) ? NULL : city->province,
            city->area,    city->more[0],
            city->more[1], "中国"};
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (names[k])
                m->regions[i][m->region_count[i]++] = names[k];
    }
    for (size_t i = 0; i < RING; i++)
        trunk(m, &m->spots.items[m->hubs[i]], &m->spots.items[m->hubs[(i + 1) % RING]],
              PICK(m, 40000, 100000, 400000));
    for (size_t i = RING; i < HUBS; i++)
        for (size_t n = 0; n < 3; n++)
            if (!linked(m, cities[m->hubs[i]].name, cities[near_hub(m, m->hubs[i], n)].name))
                trunk(m, &m->spots.items[m->hubs[i]], &m->spots.items[near_hub(m, m->hubs[i], n)],
                      PICK(m, 40000, 100000));
    for (size_t i = 0; i < CITIES; i++) {
        if (is_hub(m, i))
            continue;
        trunk(m, &m->spots.items[i], &m->spots.items[near_hub(m, i, 0)],
              PICK(m, 10000, 20000, 40000));
        if (rand_unit(&m->rand) < 0.4)
            trunk(m, &m->spots.items[i], &m->spots.items[near_hub(m, i, 1)], PICK(m, 10000, 20000));
        size_t other = near_city(m, i);
        if (rand_unit(&m->rand) < 0.3 && !linked(m, cities[i].name, cities[other].name))
            trunk(m, &m->spots.items[i], &m->spots.items[other], PICK(m, 2000, 10000));
    }
}

static size_t any_city(struct maker *m)
{
    int left = (int)rand_below(&m->rand, (uint64_t)m->weight_sum);
    size_t i = 0;
    while ((left -= cities[i].weight) >= 0)
        i++;
    return i;
}

static void add_districts(struct maker *m, size_t sites)
{
    for (size_t i = 0; sites > DISTRICTS_FROM && i < sites / DISTRICT_SITES; i++) {
        size_t city = any_city(m);
        const char *id =
            arena_printf(m->arena, "%s-%03zu区", cities[city].name, m->of_city[city].count);
        add_spot(m, city, id, cities[city].lat + uniform(m, -0.6, 0.6),
                 cities[city].lon + uniform(m, -0.6, 0.6));
        trunk(m, &m->spots.items[m->spots.count - 1], &m->spots.items[city],
              PICK(m, 10000, 20000, 40000));
    }
}

/* ---- sites ---- */
struct card {
    const char *model;
    int kind;
    double price;
};
static const struct card cards[] = {
    {"T4", ACCELERATOR_GPU, 3.2},   {"L4", ACCELERATOR_GPU, 4.2},   {"A10", ACCELERATOR_GPU, 6.0},
    {"L40S", ACCELERATOR_GPU, 9.5}, {"A100", ACCELERATOR_GPU, 12},  {"H20", ACCELERATOR_GPU, 9.0},
    {"H100", ACCELERATOR_GPU, 18},  {"910B", ACCELERATOR_NPU, 9.0}, {"310P", ACCELERATOR_NPU, 2.4},
    {"K100", ACCELERATOR_GPU, 5.0},
};

static void add_cards(struct maker *m, struct site *site, size_t card, double count, double factor)
{
    struct site_accelerator *item = LIST_ADD(m->arena, &site->accelerators);
    item->kind = cards[card].kind;
    item->model = cards[card].model;
    item->count = (int64_t)count;
    item->allocated = (int64_t)floor(count * PICK(m, 0, 0.25, 0.5, 0.75, 0.9));
    struct json_number_pair *price = LIST_ADD(m->arena, &site->price.accelerator_hour);
    price->name = item->model;
    price->value = rounded(cards[card].price * factor * uniform(m, 0.85, 1.15), 1e-3);
}

struct tier_mix {
    int tier, weight;
    const char *name;
    double factor;
};
static const struct tier_mix tiers[] = {
    {TIER_EDGE, 42, "edge", 1.3},
    {TIER_PUBLIC_CLOUD, 20, "pub", 1.0},
    {TIER_INTELLIGENT_COMPUTING, 14, "aidc", 0.95},
    {TIER_PRIVATE_CLOUD, 12, "priv", 0.95},
    {TIER_DEVICE, 7, "dev", 1.4},
    {TIER_SUPERCOMPUTING, 5, "hpc", 0.75},
};

static const struct tier_mix *any_tier(struct maker *m)
{
    int left = (int)rand_below(&m->rand, 100);
    size_t i = 0;
    while ((left -= tiers[i].weight) >= 0)
        i++;
    return &tiers[i];
}

static void set_room(struct maker *m, struct site *site)
{
    double vcpus, per, disk, share;
    switch (site->tier) {
    case TIER_EDGE:
        vcpus = PICK(m, 32, 64, 96, 128, 256), per = PICK(m, 2, 4);
        disk = PICK(m, 2000, 8000, 20000), share = PICK(m, 0.1, 0.4, 0.6, 0.8, 0.9);
        break;
    case TIER_DEVICE:
        vcpus = PICK(m, 4, 8, 16), per = 2, disk = PICK(m, 250, 500, 1000);
        share = PICK(m, 0, 0.25, 0.5);
        break;
    case TIER_PRIVATE_CLOUD:
        vcpus = PICK(m, 64, 128, 256, 512), per = 4, disk = PICK(m, 10000, 40000);
        share = PICK(m, 0.3, 0.6, 0.8, 0.9);
        break;
    case TIER_PUBLIC_CLOUD:
        vcpus = PICK(m, 20000, 40000, 80000), per = 4, disk = 5000000;
        share = PICK(m, 0.3, 0.5, 0.7);
        break;
    case TIER_INTELLIGENT_COMPUTING:
        vcpus = PICK(m, 512, 1024, 4096, 8192), per = 8, disk = PICK(m, 100000, 500000);
        share = PICK(m, 0.3, 0.6, 0.8, 0.9);
        break;
    default:
        vcpus = PICK(m, 2048, 8192, 16384), per = 4, disk = PICK(m, 100000, 500000);
        share = PICK(m, 0.4, 0.7, 0.9);
        break;
    }
    double memory_share = fmin(0.97, fmax(0, share + uniform(m, -0.05, 0.05)));
    site->capacity = (struct site_amount){known(vcpus), known(vcpus * per), known(disk)};
    site->allocated =
        (struct site_amount){known(round(vcpus * share)), known(round(vcpus * per * memory_share)),
                             known(round(disk * share * uniform(m, 0.6, 1.0)))};
}

static void set_cards(struct maker *m, struct site *site, double factor)
{
    static const size_t centre[] = {4, 5, 6, 7, 7, 3, 9}, edge[] = {0, 0, 1, 8, 2},
                        private[] = {0, 2, 3}, public[] = {0, 2, 4, 3}, super[] = {4, 9};
    double luck = rand_unit(&m->rand);
    if (site->tier == TIER_INTELLIGENT_COMPUTING)
        add_cards(m, site, centre[rand_below(&m->rand, ARRAY_LEN(centre))],
                  PICK(m, 64, 128, 256, 1024), factor);
    else if (site->tier == TIER_EDGE && luck < 0.4)
        add_cards(m, site, edge[rand_below(&m->rand, ARRAY_LEN(edge))], PICK(m, 2, 4, 8, 16),
                  factor);
    else if (site->tier == TIER_PRIVATE_CLOUD && luck < 0.25)
        add_cards(m, site, private[rand_below(&m->rand, ARRAY_LEN(private))], PICK(m, 4, 8),
                  factor);
    else if (site->tier == TIER_PUBLIC_CLOUD && luck < 0.35)
        add_cards(m, site, public[rand_below(&m->rand, ARRAY_LEN(public))], PICK(m, 64, 256),
                  factor);
    else if (site->tier == TIER_SUPERCOMPUTING && luck < 0.5)
        add_cards(m, site, super[rand_below(&m->rand, ARRAY_LEN(super))], 256, factor);
}

static void set_flavors(struct maker *m, struct site *site, double factor)
{
    static const struct {
        const char *name;
        double vcpus, memory;
    } sizes[] = {{"c2", 2, 4},     {"g2", 2, 8},     {"c4", 4, 8},     {"g4", 4, 16},
                 {"c8", 8, 16},    {"g8", 8, 32},    {"c16", 16, 32},  {"g16", 16, 64},
                 {"r16", 16, 128}, {"g32", 32, 128}, {"g64", 64, 256}, {"r64", 64, 512}};
    site->flavors.items = arena_array(m->arena, ARRAY_LEN(sizes), sizeof *site->flavors.items);
    site->flavors.count = ARRAY_LEN(sizes);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        site->flavors.items[i] =
            (struct site_flavor){sizes[i].name, sizes[i].vcpus, sizes[i].memory,
                                 rounded((sizes[i].vcpus * 0.13 + sizes[i].memory * 0.026) *
                                             factor * uniform(m, 0.8, 1.2),
                                         1e-3)};
}

static void set_price(struct maker *m, struct site *site, const struct city *city, double factor)
{
    bool own =
        site->tier == TIER_EDGE || site->tier == TIER_PRIVATE_CLOUD || site->tier == TIER_DEVICE;
    site->price.vcpu_hour = known(rounded(0.13 * factor * uniform(m, 0.9, 1.1), 1e-4));
    site->price.memory_gib_hour = known(rounded(0.026 * factor * uniform(m, 0.9, 1.1), 1e-4));
    site->price.disk_gib_month =
        known(rounded(PICK(m, 0.35, 0.5, 0.8) * city->price * uniform(m, 0.9, 1.1), 1e-3));
    site->price.bandwidth_mbps_month =
        known(rounded(uniform(m, 16, 40) * city->price * (own ? 0.6 : 1), 0.01));
    site->price.public_ip_month = known(rounded(uniform(m, 10, 30), 0.1));
}

static void hang(struct maker *m, const struct site *site, size_t city)
{
    size_t spot = m->of_city[city].items[0];
    if (site->tier == TIER_EDGE || site->tier == TIER_DEVICE)
        spot = m->of_city[city].items[rand_below(&m->rand, m->of_city[city].count)];
    static const struct {
        const char *type;
        double hop, bandwidth, price;
    } kinds[3][4] = {
        {{"5g", 6, 200, 2},
         {"industrial-ethernet", 0.4, 1000, 0},
         {"wifi", 3, 300, 0},
         {"wifi", 3, 300, 0}},
        {{"optical", 0.3, 10000, 0},
         {"dedicated-line", 0.8, 1000, 3},
         {"5g", 4, 1000, 1.5},
         {"ethernet", 0.5, 2000, 0}},
        {{"optical", 0.4, 40000, 0},
         {"optical", 0.6, 100000, 0},
         {"dedicated-line", 1, 2000, 2},
         {"sd-wan", 2.5, 1000, 0.5}},
    };
    size_t row = site->tier == TIER_DEVICE ? 0 : site->tier == TIER_EDGE ? 1 : 2;
    size_t column = rand_below(&m->rand, 4);
    const struct spot *at = &m->spots.items[spot];
    struct line line = {link_type(kinds[row][column].type),
                        kinds[row][column].hop * uniform(m, 0.7, 1.6),
                        kinds[row][column].bandwidth,
                        kinds[row][column].bandwidth * PICK(m, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99),
                        kinds[row][column].price * uniform(m, 0.8, 1.2),
                        km(at->lat, at->lon, site->lat.value, site->lon.value)};
    join(m, at->id, site->id, &line);
    if (row < 2 || rand_unit(&m->rand) >= 0.04)
        return;
    size_t other = m->hubs[rand_below(&m->rand, HUBS)];
    if (other == city)
        return;
    double far = km(cities[other].lat, cities[other].lon, site->lat.value, site->lon.value);
    line = (struct line){link_type("dedicated-line"), 0.5,           2000,
                         PICK(m, 200, 1500),          2 + far / 200, far};
    join(m, cities[other].name, site->id, &line);
}

static double availability(struct maker *m, int tier)
{
    switch (tier) {
    case TIER_EDGE:
        return PICK(m, 99.0, 99.5, 99.7, 99.9);
    case TIER_DEVICE:
        return PICK(m, 99.0, 99.2, 99.5);
    case TIER_PUBLIC_CLOUD:
        return PICK(m, 99.9, 99.95, 99.975, 99.99);
    case TIER_SUPERCOMPUTING:
        return PICK(m, 99.0, 99.5, 99.9);
    default:
        return PICK(m, 99.5, 99.9, 99.95);
    }
}

static void add_site(struct maker *m, struct site *site, size_t city_index)
{
    const struct city *city = &cities[city_index];
    const struct tier_mix *tier = any_tier(m);
    double factor = city->price * uniform(m, 0.85, 1.2) * tier->factor;
    site->id = arena_printf(m->arena, "%s-%s-%zu", city->name, tier->name,
                            ++m->numbers[city_index][tier->tier]);
    site->name = site->id;
    site->tier = tier->tier;
    site->regions.items = m->regions[city_index];
    site->regions.count = m->region_count[city_index];
    site->lat = known(city->lat + uniform(m, -0.3, 0.3));
    site->lon = known(city->lon + uniform(m, -0.3, 0.3));
    site->provider = "simulator";
    site->owner = "bench";
    *LIST_ADD(m->arena, &site->arch) = ARCH_X86_64;
    if (rand_unit(&m->rand) < 0.15)
        *LIST_ADD(m->arena, &site->arch) = ARCH_ARM64;
    set_room(m, site);
    set_cards(m, site, factor);
    if (site->tier == TIER_PUBLIC_CLOUD && rand_unit(&m->rand) < 0.65)
        set_flavors(m, site, factor);
    set_price(m, site, city, factor);
    site->availability_percent = known(availability(m, site->tier));
    site->protection_level = (struct opt_int){
        true, (int64_t)(site->tier == TIER_DEVICE ? PICK(m, 1, 2) : PICK(m, 2, 2, 3, 3, 3, 4))};
    bool small = site->tier == TIER_EDGE || site->tier == TIER_DEVICE;
    site->pue = known(rounded(city->pue + (small ? 0.3 : uniform(m, -0.04, 0.08)), 0.01));
    site->carbon_g_per_kwh = known(city->carbon);
    hang(m, site, city_index);
}

void cli_bench_network(size_t sites, uint64_t seed, struct network *out, struct arena *arena)
{
    struct maker *m = arena_zalloc(arena, sizeof *m);
    memset(out, 0, sizeof *out);
    m->network = out;
    m->arena = arena;
    rand_init(&m->rand, seed * UINT64_C(1000003) + sites);
    out->currency = "CNY";
    join_cities(m);
    add_districts(m, sites);
    out->sites.items = arena_array(arena, sites, sizeof *out->sites.items);
    for (size_t i = 0; i < sites; i++) {
        out->sites.count = i + 1;
        add_site(m, &out->sites.items[i], i < CITIES ? i : any_city(m));
    }
}

/* network.c - the field tables of contract/network.md and the rules between fields.
 * network_check takes O(n log n) of the network's size (names go through a hash map, links are
 * sorted). */
#include "types/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"

const char *const network_link_type_names[] = {NULL,
                                               "5g",
                                               "5g-private",
                                               "wifi",
                                               "industrial-ethernet",
                                               "ethernet",
                                               "wan",
                                               "optical",
                                               "dedicated-line",
                                               "sd-wan",
                                               "internet",
                                               "loopback",
                                               "other",
                                               NULL};
const char *const price_basis_names[] = {NULL, "list", "contract", "estimated", "reconciled", NULL};

#define MAX_AMOUNT 1e15

static const struct json_field access_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct network_access, id, JSON_REQUIRED | JSON_NON_EMPTY,
               "name of the place; shares one name space with sites"),
    JSON_FIELD_RANGE("lat", JSON_OPT_DOUBLE, struct network_access, lat, 0, -90, 90,
                     "degrees north"),
    JSON_FIELD_RANGE("lon", JSON_OPT_DOUBLE, struct network_access, lon, 0, -180, 180,
                     "degrees east"),
};
const struct json_table network_access_table = JSON_TABLE(
    "AccessPoint", struct network_access, access_fields, "where users and data sources are", NULL);

static const struct json_field amount_fields[] = {
    JSON_FIELD_RANGE("vcpus", JSON_OPT_DOUBLE, struct site_amount, vcpus, 0, 0, MAX_AMOUNT,
                     "virtual CPUs"),
    JSON_FIELD_RANGE("memory_gib", JSON_OPT_DOUBLE, struct site_amount, memory_gib, 0, 0,
                     MAX_AMOUNT, "memory"),
    JSON_FIELD_RANGE("disk_gib", JSON_OPT_DOUBLE, struct site_amount, disk_gib, 0, 0, MAX_AMOUNT,
                     "disk"),
};
static const struct json_table amount_table =
    JSON_TABLE("Amount", struct site_amount, amount_fields, "amounts of compute", NULL);

static const struct json_field accelerator_fields[] = {
    JSON_FIELD_ENUM("kind", struct site_accelerator, kind, JSON_REQUIRED,
                    requirement_accelerator_names, "kind of card"),
    JSON_FIELD("model", JSON_STRING, struct site_accelerator, model, JSON_REQUIRED | JSON_NON_EMPTY,
               "model"),
    JSON_FIELD_RANGE("count", JSON_INT, struct site_accelerator, count, JSON_REQUIRED, 0, 1e9,
                     "cards there"),
    JSON_FIELD_RANGE("allocated", JSON_INT, struct site_accelerator, allocated, 0, 0, 1e9,
                     "cards in use"),
};
static const struct json_table accelerator_table = JSON_TABLE(
    "SiteAccelerator", struct site_accelerator, accelerator_fields, "cards of one model", NULL);

static const struct json_field price_fields[] = {
    JSON_FIELD_RANGE("vcpu_hour", JSON_OPT_DOUBLE, struct site_price, vcpu_hour, 0, 0, 1e9,
                     "per vCPU and hour"),
    JSON_FIELD_RANGE("memory_gib_hour", JSON_OPT_DOUBLE, struct site_price, memory_gib_hour, 0, 0,
                     1e9, "per GiB of memory and hour"),
    JSON_FIELD_RANGE("disk_gib_month", JSON_OPT_DOUBLE, struct site_price, disk_gib_month, 0, 0,
                     1e9, "per GiB of disk and month"),
    JSON_FIELD_RANGE("bandwidth_mbps_month", JSON_OPT_DOUBLE, struct site_price,
                     bandwidth_mbps_month, 0, 0, 1e9, "per Mbit/s and month"),
    JSON_FIELD_RANGE("public_ip_month", JSON_OPT_DOUBLE, struct site_price, public_ip_month, 0, 0,
                     1e9, "per public address and month"),
    JSON_FIELD_RANGE("accelerator_hour", JSON_NUMBER_MAP, struct site_price, accelerator_hour, 0, 0,
                     1e9, "per card and hour, by model"),
};
static const struct json_table price_table =
    JSON_TABLE("SitePrice", struct site_price, price_fields, "unit prices; absent = unknown", NULL);

static const struct json_field flavor_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct site_flavor, name, JSON_REQUIRED | JSON_NON_EMPTY,
               "name"),
    JSON_FIELD_RANGE("vcpus", JSON_DOUBLE, struct site_flavor, vcpus, JSON_REQUIRED, 0, MAX_AMOUNT,
                     "vCPUs it holds"),
    JSON_FIELD_RANGE("memory_gib", JSON_DOUBLE, struct site_flavor, memory_gib, JSON_REQUIRED, 0,
                     MAX_AMOUNT, "memory it holds"),
    JSON_FIELD_RANGE("price_hour", JSON_DOUBLE, struct site_flavor, price_hour, JSON_REQUIRED, 0,
                     1e9, "price an hour"),
};
static const struct json_table flavor_table =
    JSON_TABLE("Flavor", struct site_flavor, flavor_fields, "a size that is sold", NULL);

static enum err_code exceeds(struct err *err, const char *what, double allocated, double capacity)
{
    err_set(err, ERR_INVALID, "%g is allocated of %g", allocated, capacity);
    return err_field(err, "allocated.%s", what);
}

static enum err_code check_shared_risk(const char *const *names, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        bool twice = false;
        for (size_t j = 0; j < i; j++)
            twice = twice || str_eq(names[i], names[j]);
        if (names[i][0] && !twice)
            continue;
        if (twice)
            err_set(err, ERR_INVALID, "the group '%s' stands twice", names[i]);
        else
            err_set(err, ERR_INVALID, "a group has no name");
        return err_field(err, "shared_risk[%zu]", i);
    }
    return ERR_OK;
}

static enum err_code check_site(const void *object, struct err *err)
{
    const struct site *site = object;
    const struct site_amount *a = &site->allocated, *c = &site->capacity;
    if (a->vcpus.set && c->vcpus.set && a->vcpus.value > c->vcpus.value)
        return exceeds(err, "vcpus", a->vcpus.value, c->vcpus.value);
    if (a->memory_gib.set && c->memory_gib.set && a->memory_gib.value > c->memory_gib.value)
        return exceeds(err, "memory_gib", a->memory_gib.value, c->memory_gib.value);
    if (a->disk_gib.set && c->disk_gib.set && a->disk_gib.value > c->disk_gib.value)
        return exceeds(err, "disk_gib", a->disk_gib.value, c->disk_gib.value);
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *card = &site->accelerators.items[i];
        if (card->allocated > card->count) {
            err_set(err, ERR_INVALID, "%lld is allocated of %lld", (long long)card->allocated,
                    (long long)card->count);
            return err_field(err, "accelerators[%zu].allocated", i);
        }
        for (size_t j = 0; j < i; j++)
            if (str_eq(card->model, site->accelerators.items[j].model)) {
                err_set(err, ERR_INVALID, "model '%s' stands twice", card->model);
                return err_field(err, "accelerators[%zu].model", i);
            }
    }
    for (size_t i = 0; i < site->flavors.count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(site->flavors.items[i].name, site->flavors.items[j].name)) {
                err_set(err, ERR_INVALID, "flavor '%s' stands twice", site->flavors.items[i].name);
                return err_field(err, "flavors[%zu].name", i);
            }
    return check_shared_risk(site->shared_risk.items, site->shared_risk.count, err);
}

/* An extension of contract/network.md: docs/contract-notes.md. */
#define SHARED_RISK(struct_)                                                                   \
    {                                                                                          \
        .name = "shared_risk", .kind = JSON_STRINGS, .offset = offsetof(struct_, shared_risk), \
        .max_len = 64, .doc = "groups that fail together: duct, cable, building, power feed"   \
    }

static const struct json_field site_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct site, id, JSON_REQUIRED | JSON_NAME, "unique name"),
    JSON_FIELD("name", JSON_STRING, struct site, name, 0, "name for people"),
    JSON_FIELD_ENUM("tier", struct site, tier, JSON_REQUIRED, requirement_tier_names,
                    "kind of site"),
    {.name = "regions",
     .kind = JSON_STRINGS,
     .offset = offsetof(struct site, regions),
     .max_len = 64,
     .doc = "every place name that it lies in"},
    JSON_FIELD_RANGE("lat", JSON_OPT_DOUBLE, struct site, lat, 0, -90, 90, "degrees north"),
    JSON_FIELD_RANGE("lon", JSON_OPT_DOUBLE, struct site, lon, 0, -180, 180, "degrees east"),
    JSON_FIELD("provider", JSON_STRING, struct site, provider, JSON_NAME,
               "adapter that opens things here; none = catalogue only"),
    JSON_FIELD("owner", JSON_STRING, struct site, owner, 0, "whose it is"),
    {.name = "arch",
     .kind = JSON_ENUMS,
     .offset = offsetof(struct site, arch),
     .names = requirement_arch_names,
     .max_len = 8,
     .doc = "instruction sets"},
    JSON_FIELD_TABLE("capacity", JSON_OBJECT, struct site, capacity, 0, &amount_table, "total"),
    JSON_FIELD_TABLE("allocated", JSON_OBJECT, struct site, allocated, 0, &amount_table,
                     "given away; absent = 0"),
    {.name = "accelerators",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct site, accelerators),
     .table = &accelerator_table,
     .max_len = 64,
     .doc = "accelerator cards, an entry per model"},
    JSON_FIELD_TABLE("price", JSON_OBJECT, struct site, price, 0, &price_table, "unit prices"),
    {.name = "flavors",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct site, flavors),
     .table = &flavor_table,
     .max_len = 1000,
     .doc = "sizes sold; when present an instance takes the cheapest that holds it"},
    JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct site, availability_percent, 0,
                     0, 100, "availability of the site"),
    JSON_FIELD_RANGE("protection_level", JSON_OPT_INT, struct site, protection_level, 0, 1, 5,
                     "level of classified protection (等保)"),
    JSON_FIELD_RANGE("pue", JSON_OPT_DOUBLE, struct site, pue, 0, 1, 10,
                     "power usage effectiveness"),
    JSON_FIELD_RANGE("carbon_g_per_kwh", JSON_OPT_DOUBLE, struct site, carbon_g_per_kwh, 0, 0, 1e5,
                     "carbon of its power"),
    SHARED_RISK(struct site),
};
const struct json_table network_site_table =
    JSON_TABLE("Site", struct site, site_fields, "a site (算力节点)", check_site);

static enum err_code check_link(const void *object, struct err *err)
{
    const struct network_link *link = object;
    if (str_eq(link->a, link->b)) {
        err_set(err, ERR_INVALID, "a link joins two different ends, not '%s' to itself", link->a);
        return err_field(err, "b");
    }
    if (link->used_mbps.set && link->bandwidth_mbps.set &&
        link->used_mbps.value > link->bandwidth_mbps.value) {
        err_set(err, ERR_INVALID, "%g Mbit/s is used of %g", link->used_mbps.value,
                link->bandwidth_mbps.value);
        return err_field(err, "used_mbps");
    }
    return check_shared_risk(link->shared_risk.items, link->shared_risk.count, err);
}

static const struct json_field link_fields[] = {
    JSON_FIELD("a", JSON_STRING, struct network_link, a, JSON_REQUIRED | JSON_NON_EMPTY,
               "one end: access point or site"),
    JSON_FIELD("b", JSON_STRING, struct network_link, b, JSON_REQUIRED | JSON_NON_EMPTY,
               "other end"),
    JSON_FIELD_ENUM("type", struct network_link, type, 0, network_link_type_names,
                    "kind of network"),
    JSON_FIELD_RANGE("latency_ms", JSON_OPT_DOUBLE, struct network_link, latency_ms, JSON_REQUIRED,
                     0, 1e6, "one-way latency"),
    JSON_FIELD_RANGE("bandwidth_mbps", JSON_OPT_DOUBLE, struct network_link, bandwidth_mbps, 0, 0,
                     MAX_AMOUNT, "bandwidth"),
    JSON_FIELD_RANGE("used_mbps", JSON_OPT_DOUBLE, struct network_link, used_mbps, 0, 0, MAX_AMOUNT,
                     "in use; absent = 0"),
    JSON_FIELD_RANGE("loss_percent", JSON_OPT_DOUBLE, struct network_link, loss_percent, 0, 0, 100,
                     "packet loss"),
    JSON_FIELD_RANGE("jitter_ms", JSON_OPT_DOUBLE, struct network_link, jitter_ms, 0, 0, 1e6,
                     "variation of the latency"),
    JSON_FIELD_RANGE("price_mbps_month", JSON_OPT_DOUBLE, struct network_link, price_mbps_month, 0,
                     0, 1e9, "per Mbit/s and month; absent = 0"),
    SHARED_RISK(struct network_link),
};
const struct json_table network_link_table =
    JSON_TABLE("Link", struct network_link, link_fields, "an undirected link", check_link);

static const struct json_field fields[] = {
    JSON_FIELD("currency", JSON_STRING, struct network, currency, JSON_REQUIRED | JSON_NON_EMPTY,
               "ISO 4217 currency of all prices"),
    {.name = "access",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct network, access),
     .table = &network_access_table,
     .max_len = 1000000,
     .doc = "access points"},
    {.name = "sites",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct network, sites),
     .table = &network_site_table,
     .max_len = 1000000,
     .doc = "sites"},
    {.name = "links",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct network, links),
     .table = &network_link_table,
     .max_len = 10000000,
     .doc = "links"},
};

static enum err_code add_name(struct map *names, const char *id, const char *list, size_t index,
                              struct err *err)
{
    if (!map_has(names, id)) {
        map_put(names, id, names);
        return ERR_OK;
    }
    err_set(err, ERR_INVALID, "'%s' is named twice", id);
    err_hint(err, "sites and access points share one name space");
    return err_field(err, "%s[%zu].id", list, index);
}

static enum err_code check_names(const struct network *network, struct map *names, struct err *err)
{
    enum err_code rc;
    for (size_t i = 0; i < network->access.count; i++)
        if ((rc = add_name(names, network->access.items[i].id, "access", i, err)))
            return rc;
    for (size_t i = 0; i < network->sites.count; i++)
        if ((rc = add_name(names, network->sites.items[i].id, "sites", i, err)))
            return rc;
    for (size_t i = 0; i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        const char *missing = !map_has(names, link->a)   ? link->a
                              : !map_has(names, link->b) ? link->b
                                                         : NULL;
        if (missing) {
            err_set(err, ERR_INVALID, "'%s' is neither a site nor an access point", missing);
            return err_field(err, "links[%zu].%s", i, missing == link->a ? "a" : "b");
        }
    }
    return ERR_OK;
}

/* Two links may join the same ends, by different lines; the same line twice is a slip, and would
 * count its bandwidth twice. */
struct link_rank {
    const struct network_link *link;
    size_t index;
};

static int compare_number(struct opt_double a, struct opt_double b)
{
    if (a.set != b.set)
        return a.set ? 1 : -1;
    return !a.set ? 0 : (a.value > b.value) - (a.value < b.value);
}

/* Ends in either order; 0 = the same link in all fields. */
static int compare_links(const struct network_link *x, const struct network_link *y)
{
    bool turn_x = strcmp(x->a, x->b) > 0, turn_y = strcmp(y->a, y->b) > 0;
    int order = strcmp(turn_x ? x->b : x->a, turn_y ? y->b : y->a);
    if (!order)
        order = strcmp(turn_x ? x->a : x->b, turn_y ? y->a : y->b);
    if (!order)
        order = x->type - y->type;
    const struct opt_double numbers[][2] = {
        {x->latency_ms, y->latency_ms}, {x->bandwidth_mbps, y->bandwidth_mbps},
        {x->used_mbps, y->used_mbps},   {x->loss_percent, y->loss_percent},
        {x->jitter_ms, y->jitter_ms},   {x->price_mbps_month, y->price_mbps_month},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers) && !order; i++)
        order = compare_number(numbers[i][0], numbers[i][1]);
    if (!order && x->shared_risk.count != y->shared_risk.count)
        order = x->shared_risk.count < y->shared_risk.count ? -1 : 1;
    for (size_t i = 0; i < x->shared_risk.count && !order; i++)
        order = strcmp(x->shared_risk.items[i], y->shared_risk.items[i]);
    return order;
}

static int by_link(const void *a, const void *b)
{
    const struct link_rank *x = a, *y = b;
    int order = compare_links(x->link, y->link);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static enum err_code check_links_differ(const struct network *network, struct err *err)
{
    size_t count = network->links.count, repeated = SIZE_MAX, first = 0;
    struct link_rank *ranks = mem_array(count, sizeof *ranks);
    for (size_t i = 0; i < count; i++)
        ranks[i] = (struct link_rank){&network->links.items[i], i};
    qsort(ranks, count, sizeof *ranks, by_link);
    for (size_t i = 1; i < count; i++)
        if (compare_links(ranks[i - 1].link, ranks[i].link) == 0 && ranks[i].index < repeated) {
            repeated = ranks[i].index;
            first = ranks[i - 1].index;
        }
    mem_free(ranks);
    if (repeated == SIZE_MAX)
        return ERR_OK;
    err_set(err, ERR_INVALID, "the link %s—%s is that of links[%zu] again, in all fields",
            network->links.items[repeated].a, network->links.items[repeated].b, first);
    return err_field(err, "links[%zu].a", repeated);
}

static enum err_code check_network(const void *object, struct err *err)
{
    CLEANUP(map_free_at) struct map *names = map_new();
    enum err_code rc = check_names(object, names, err);
    return rc ? rc : check_links_differ(object, err);
}

const struct json_table network_table =
    JSON_TABLE("Network", struct network, fields, "a network file", check_network);

enum err_code network_check(const struct network *network, struct err *err)
{
    return json_validate(&network_table, network, err);
}

enum err_code network_read_text(const char *text, size_t len, struct network *out,
                                struct arena *arena, struct err *err)
{
    return json_decode_yaml(text, len, &network_table, &json_limits_large, out, arena, err);
}

enum err_code network_read_file(const char *path, struct network *out, struct arena *arena,
                                struct err *err)
{
    return json_decode_file(path, &network_table, &json_limits_large, out, arena, err);
}

const struct site *network_find_site(const struct network *network, const char *id)
{
    for (size_t i = 0; i < network->sites.count; i++)
        if (str_eq(network->sites.items[i].id, id))
            return &network->sites.items[i];
    return NULL;
}

bool site_is_catalogue_only(const struct site *site)
{
    return !site->provider || str_eq(site->provider, "none");
}

bool site_lies_in(const struct site *site, const char *place)
{
    for (size_t i = 0; i < site->regions.count; i++)
        if (str_eq(site->regions.items[i], place))
            return true;
    return false;
}

static const struct json_field connection_fields[] = {
    JSON_FIELD("site", JSON_STRING, struct site_connection, site, JSON_REQUIRED | JSON_NAME,
               "site that it opens"),
    JSON_FIELD("provider", JSON_STRING, struct site_connection, provider, JSON_REQUIRED | JSON_NAME,
               "adapter"),
    JSON_FIELD("endpoint", JSON_STRING, struct site_connection, endpoint,
               JSON_REQUIRED | JSON_NON_EMPTY, "where the adapter finds the site"),
    {.name = "forms",
     .kind = JSON_ENUMS,
     .offset = offsetof(struct site_connection, forms),
     .names = requirement_form_names,
     .max_len = 8,
     .flags = JSON_READ_ONLY,
     .doc = "forms that it can open"},
    JSON_FIELD("simulated", JSON_BOOL, struct site_connection, simulated, JSON_READ_ONLY,
               "nothing real happens behind it"),
};
const struct json_table site_connection_table =
    JSON_TABLE("Connection", struct site_connection, connection_fields,
               "how things are opened at a site", NULL);

const struct site_connection *site_connection_find(const struct site_connections *connections,
                                                   const char *site, int form)
{
    for (size_t i = 0; connections && i < connections->items.count; i++) {
        const struct site_connection *connection = &connections->items.items[i];
        if (!str_eq(connection->site, site))
            continue;
        if (form == FORM_ABSENT)
            return connection;
        for (size_t j = 0; j < connection->forms.count; j++)
            if (connection->forms.items[j] == form)
                return connection;
    }
    return NULL;
}

static const struct json_field note_fields[] = {
    JSON_FIELD("site", JSON_STRING, struct price_note, site, JSON_REQUIRED | JSON_NAME,
               "site whose price it is"),
    JSON_FIELD("item", JSON_STRING, struct price_note, item, 0,
               "unit price that it explains; absent = all of the site"),
    JSON_FIELD_ENUM("basis", struct price_note, basis, JSON_REQUIRED, price_basis_names,
                    "what kind of price"),
    JSON_FIELD("source", JSON_STRING, struct price_note, source, JSON_REQUIRED | JSON_NON_EMPTY,
               "where it comes from, with the confidence tag"),
    JSON_FIELD("as_of", JSON_TIME, struct price_note, as_of_ms, 0, "day of the price"),
};
const struct json_table price_note_table =
    JSON_TABLE("PriceNote", struct price_note, note_fields, "where a price comes from", NULL);

static const struct json_field notes_fields[] = {
    {.name = "items",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct price_notes, items),
     .flags = JSON_REQUIRED,
     .table = &price_note_table,
     .max_len = 1000000,
     .doc = "the notes"},
};
const struct json_table price_notes_table = JSON_TABLE(
    "PriceNotes", struct price_notes, notes_fields, "where the prices of sites come from", NULL);

static const struct json_field entry_fields[] = {
    JSON_FIELD("sku", JSON_STRING, struct price_entry, sku, JSON_REQUIRED | JSON_NON_EMPTY,
               "name of the line"),
    JSON_FIELD("spec", JSON_STRING, struct price_entry, spec, JSON_REQUIRED, "what is sold"),
    JSON_FIELD("unit", JSON_STRING, struct price_entry, unit, JSON_REQUIRED, "per what"),
    JSON_FIELD_RANGE("hour", JSON_OPT_DOUBLE, struct price_entry, hour, 0, 0, 1e9, "pay as you go"),
    JSON_FIELD_RANGE("month", JSON_OPT_DOUBLE, struct price_entry, month, 0, 0, 1e9,
                     "subscription"),
    JSON_FIELD_ENUM("basis", struct price_entry, basis, JSON_REQUIRED, price_basis_names,
                    "what kind of price"),
    JSON_FIELD("source", JSON_STRING, struct price_entry, source, JSON_REQUIRED,
               "where it comes from, with the confidence tag"),
    JSON_FIELD("as_of", JSON_TIME, struct price_entry, as_of_ms, 0, "day of the price"),
};
const struct json_table price_entry_table =
    JSON_TABLE("PriceEntry", struct price_entry, entry_fields, "one line of the price book", NULL);

static const struct json_field book_fields[] = {
    {.name = "items",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct price_book, items),
     .flags = JSON_REQUIRED,
     .table = &price_entry_table,
     .max_len = 100000,
     .doc = "the lines"},
};
const struct json_table price_book_table =
    JSON_TABLE("PriceBook", struct price_book, book_fields, "a price book", NULL);

const struct price_note *price_note_find(const struct price_notes *notes, const char *site,
                                         const char *item)
{
    const struct price_note *general = NULL;
    for (size_t i = 0; notes && i < notes->items.count; i++) {
        const struct price_note *note = &notes->items.items[i];
        if (!str_eq(note->site, site))
            continue;
        if (note->item && item && str_eq(note->item, item))
            return note;
        if (!note->item)
            general = note;
    }
    return general;
}

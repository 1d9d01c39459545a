/* network.h - sites, links and access points as contract/network.md writes them.  A value is a
 * plain, immutable snapshot once built; engines read nothing else. */
#ifndef SWAN_TYPES_NETWORK_H
#define SWAN_TYPES_NETWORK_H

#include "base/json.h"
#include "types/requirement.h"

struct network_access {
    const char *id; /* shares one name space with sites */
    struct opt_double lat, lon;
};

struct site_amount {
    struct opt_double vcpus, memory_gib, disk_gib;
};

struct site_accelerator {
    int kind; /* enum requirement_accelerator_kind */
    const char *model;
    int64_t count, allocated;
};

struct site_price { /* in the network's currency; absent = unknown */
    struct opt_double vcpu_hour, memory_gib_hour, disk_gib_month, bandwidth_mbps_month,
        public_ip_month;
    LIST(struct json_number_pair) accelerator_hour; /* model → price */
};

struct site_flavor {
    const char *name;
    double vcpus, memory_gib, price_hour;
};

struct site {
    const char *id, *name;
    int tier; /* enum requirement_tier */
    LIST(const char *) regions;
    struct opt_double lat, lon;
    const char *provider; /* adapter that opens things here; "none" or NULL = catalogue only */
    const char *owner;
    LIST(int) arch; /* enum requirement_arch */
    struct site_amount capacity, allocated;
    LIST(struct site_accelerator) accelerators;
    struct site_price price;
    LIST(struct site_flavor) flavors;
    struct opt_double availability_percent;
    struct opt_int protection_level;
    struct opt_double pue, carbon_g_per_kwh;
    LIST(const char *) shared_risk; /* groups that fail together: a building, a power feed */
};

extern const char *const network_link_type_names[];

struct network_link {  /* undirected */
    const char *a, *b; /* access points or sites */
    int type;          /* index into network_link_type_names; 0 = absent */
    struct opt_double latency_ms, bandwidth_mbps, used_mbps, loss_percent, jitter_ms,
        price_mbps_month;
    LIST(const char *) shared_risk; /* the same name space as that of sites: a duct, a cable */
};

struct network {
    const char *currency;
    LIST(struct network_access) access;
    LIST(struct site) sites;
    LIST(struct network_link) links;
};

extern const struct json_table network_table;      /* the network file */
extern const struct json_table network_site_table; /* one site */
extern const struct json_table network_link_table;
extern const struct json_table network_access_table;

/* Reads a network file (YAML or JSON by content) and checks what single fields cannot: names are
 * unique over sites and access points, link ends exist, allocated ≤ capacity, flavors and models
 * are unique in a site, no link stands twice with the same fields.  err->field is the path. */
enum err_code network_read_file(const char *path, struct network *out, struct arena *arena,
                                struct err *err);
enum err_code network_read_text(const char *text, size_t len, struct network *out,
                                struct arena *arena, struct err *err);
enum err_code network_check(const struct network *network, struct err *err);

/* NULL if none; linear. */
const struct site *network_find_site(const struct network *network, const char *id);

bool site_is_catalogue_only(const struct site *site);
bool site_lies_in(const struct site *site, const char *place);

/* How things are opened at a site: one adapter and where it finds the site.  A site may have
 * several (a host with a container engine has host and docker). */
struct site_connection {
    const char *site;
    const char *provider; /* adapter: host, docker, simulator */
    const char *endpoint; /* "local", "ssh://root@10.0.0.2:22?key=FILE", "unix:///run/docker.sock",
                             "tcp://…", "simulator:SEED" */
    LIST(int) forms;      /* enum requirement_form that it can open */
    bool simulated;       /* nothing real happens behind it */
};
extern const struct json_table site_connection_table;
struct site_connections {
    LIST(struct site_connection) items;
};
/* The first connection of the site that can open the form; FORM_ABSENT takes any.  NULL if none. */
const struct site_connection *site_connection_find(const struct site_connections *connections,
                                                   const char *site, int form);

/* Where a price comes from.  Engines carry these into cost lines; a price without a note reads
 * basis "unknown". */
enum price_basis { BASIS_ABSENT, BASIS_LIST, BASIS_CONTRACT, BASIS_ESTIMATED, BASIS_RECONCILED };
extern const char *const price_basis_names[];

struct price_note {
    const char *site;   /* site id */
    const char *item;   /* field of site_price ("vcpu_hour"), "accelerator_hour.T4" or
                           "flavor.c2.xlarge"; NULL = all of the site */
    int basis;          /* enum price_basis */
    const char *source; /* in words, with the confidence tag: "price book ECS, D" */
    int64_t as_of_ms;   /* 0 = unknown */
};
extern const struct json_table price_note_table;
extern const struct json_table price_notes_table; /* {items: [note…]} */

/* One line of a price book: what a thing costs by default, before any contract. */
struct price_entry {
    const char *sku, *spec, *unit;
    struct opt_double hour, month; /* pay as you go; subscription */
    int basis;
    const char *source;
    int64_t as_of_ms;
};
struct price_book {
    LIST(struct price_entry) items;
};
extern const struct json_table price_entry_table;
extern const struct json_table price_book_table;

struct price_notes {
    LIST(struct price_note) items;
};
/* The note of that item of that site, else the site's general note, else NULL. */
const struct price_note *price_note_find(const struct price_notes *notes, const char *site,
                                         const char *item);

#endif

/* tables.c - field tables of compute. */
#include "compute/compute_priv.h"

const char *const compute_site_state_names[] = {NULL, "up", "unreachable", "dead", "unknown", NULL};

static const struct json_field amount_fields[] = {
    JSON_FIELD("vcpus", JSON_OPT_DOUBLE, struct site_amount, vcpus, 0, "virtual CPUs"),
    JSON_FIELD("memory_gib", JSON_OPT_DOUBLE, struct site_amount, memory_gib, 0, "memory"),
    JSON_FIELD("disk_gib", JSON_OPT_DOUBLE, struct site_amount, disk_gib, 0, "disk"),
};
static const struct json_table amount_table =
    JSON_TABLE("MeasuredAmount", struct site_amount, amount_fields, "amounts as measured", NULL);

static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct compute_site_status, state, JSON_REQUIRED,
                    compute_site_state_names, "state as last seen"),
    JSON_FIELD("seen_at", JSON_TIME, struct compute_site_status, seen_at, 0,
               "last time it answered"),
    JSON_FIELD("checked_at", JSON_TIME, struct compute_site_status, checked_at, 0,
               "last time it was asked"),
    JSON_FIELD("system", JSON_STRING, struct compute_site_status, system, 0, "system found"),
    JSON_FIELD("engine", JSON_STRING, struct compute_site_status, engine, 0,
               "container engine found"),
    JSON_FIELD_TABLE("measured", JSON_OBJECT, struct compute_site_status, measured, 0,
                     &amount_table, "capacity as discovered"),
    JSON_FIELD_TABLE("used", JSON_OBJECT, struct compute_site_status, used, 0, &amount_table,
                     "used by others, as measured"),
    JSON_FIELD_TABLE("allocated_by_swan", JSON_OBJECT, struct compute_site_status,
                     allocated_by_swan, 0, &amount_table, "taken by deployments"),
    JSON_FIELD("error", JSON_STRING, struct compute_site_status, error, 0,
               "why it could not be asked"),
};
const struct json_table compute_site_status_table =
    JSON_TABLE("SiteStatus", struct compute_site_status, status_fields, "how a site is", NULL);

static const struct json_field settings_fields[] = {
    JSON_FIELD("currency", JSON_STRING, struct compute_settings, currency, 0, "of all prices"),
};
const struct json_table compute_settings_table = JSON_TABLE(
    "NetworkSettings", struct compute_settings, settings_fields, "settings of the network", NULL);

const struct compute_collection compute_collections[COMPUTE_KINDS] = {
    [COMPUTE_SITES] = {"sites", &network_site_table, sizeof(struct site)},
    [COMPUTE_LINKS] = {"links", &network_link_table, sizeof(struct network_link)},
    [COMPUTE_ACCESS] = {"access-points", &network_access_table, sizeof(struct network_access)},
    [COMPUTE_CONNECTIONS] = {"connections", &site_connection_table, sizeof(struct site_connection)},
    [COMPUTE_NOTES] = {"price-notes", &price_note_table, sizeof(struct price_note)},
};

/* compute_priv.h - entries that snapshots share, and what the files of compute have in common. */
#ifndef SWAN_COMPUTE_COMPUTE_PRIV_H
#define SWAN_COMPUTE_COMPUTE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "compute/compute.h"

/* One record as it was at one version; immutable, shared by the snapshots that show it. */
struct compute_entry {
    atomic_int refs;
    struct arena arena;
    union {
        struct site site;
        struct network_link link;
        struct network_access access;
        struct site_connection connection;
        struct price_note note;
    } value;
    int64_t version;
    char *json; /* the ready answer, sites only */
    size_t json_len;
    char etag[24];
};

enum compute_kind {
    COMPUTE_SITES,
    COMPUTE_LINKS,
    COMPUTE_ACCESS,
    COMPUTE_CONNECTIONS,
    COMPUTE_NOTES,
    COMPUTE_KINDS
};
struct compute_collection {
    const char *name;
    const struct json_table *table;
    size_t size;
};
extern const struct compute_collection compute_collections[COMPUTE_KINDS];

struct compute_shared { /* a snapshot with what it keeps alive */
    struct compute_snapshot snapshot;
    atomic_int refs;
    struct arena arena;
    struct map *sites; /* id → entry */
    struct compute_entry **entries;
    size_t entry_count;
};

struct compute_used { /* Swan's allocations and reservations on one site */
    double vcpus, memory_gib, disk_gib;
    LIST(struct json_number_pair) cards;
    LIST(struct compute_reserved) reserved;
    struct arena arena;
};

struct compute {
    struct store *store;
    pthread_mutex_t refresh_lock; /* one refresh at a time; guards all but `current` */
    struct map *entries[COMPUTE_KINDS];
    struct map *used; /* site → struct compute_used */
    char *currency;
    int64_t position, version;
    bool dirty;           /* entries or used have moved since the last snapshot was made */
    pthread_mutex_t lock; /* guards `current` */
    struct compute_shared *current;
};

void compute_entry_unref(struct compute_entry *entry);
/* Does the newest snapshot show that record at this version or a later one?  0 = gone. */
bool compute_shows(struct compute *compute, enum compute_kind kind, const char *id,
                   int64_t version);

/* What holds for the whole network; one record. */
#define COMPUTE_SETTINGS "network-settings"
#define COMPUTE_SETTINGS_ID "network"
struct compute_settings {
    const char *currency; /* of all prices */
};
extern const struct json_table compute_settings_table;

#endif

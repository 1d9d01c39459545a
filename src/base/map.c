/* map.c - text to pointer: entries in order of insertion, and an open-addressed index over them.
 *
 * Contract: index size is a power of two and at least 4/3 of the entries in use, removed ones
 * included; a removed entry keeps its place (key NULL) until the next rebuild.  Find, put and take
 * are O(1) expected, with a hash key that outsiders do not know. */
#include "base/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

struct map_entry {
    char *key; /* NULL when removed */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries;
    size_t used, cap; /* of entries; used counts the removed ones too */
    size_t count;     /* living entries */
    size_t *index;    /* 0 empty, else 1 + number of the entry */
    size_t mask;
};

#define MAP_CAP_MIN ((size_t)6)

static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    id_random(hash_key, sizeof hash_key);
}

uint64_t map_hash(const char *key, size_t len)
{
    uint64_t hash;
    _Static_assert(crypto_shorthash_BYTES == sizeof hash, "SipHash gives 64 bits");
    pthread_once(&hash_key_once, make_hash_key);
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, len, hash_key);
    return hash;
}

static uint64_t hash_of(const char *key)
{
    return map_hash(key, strlen(key));
}

struct map *map_new(void)
{
    return mem_zalloc(sizeof(struct map));
}

void map_free(struct map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->used; i++)
        mem_free(map->entries[i].key);
    mem_free(map->entries);
    mem_free(map->index);
    mem_free(map);
}

void map_free_at(struct map **map)
{
    map_free(*map);
    *map = NULL;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

static struct map_entry *find_entry(const struct map *map, const char *key, uint64_t hash)
{
    if (!map->index)
        return NULL;
    for (size_t slot = hash & map->mask; map->index[slot]; slot = (slot + 1) & map->mask) {
        struct map_entry *entry = &map->entries[map->index[slot] - 1];
        if (entry->key && entry->hash == hash && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static void put_index(struct map *map, size_t number)
{
    size_t slot = map->entries[number].hash & map->mask;
    while (map->index[slot])
        slot = (slot + 1) & map->mask;
    map->index[slot] = number + 1;
}

/* Drops removed entries and makes room for at least one more. */
static void rebuild(struct map *map)
{
    size_t living = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].key)
            map->entries[living++] = map->entries[i];
    }
    map->used = living;
    size_t cap = MAP_CAP_MIN;
    while (cap < living + living / 2 + 1)
        cap *= 2;
    size_t slots = 8;
    while (slots < cap + cap / 3)
        slots *= 2;
    map->entries = mem_resize(map->entries, cap, sizeof *map->entries);
    map->cap = cap;
    mem_free(map->index);
    map->index = mem_array(slots, sizeof *map->index);
    map->mask = slots - 1;
    for (size_t i = 0; i < living; i++)
        put_index(map, i);
}

void *map_put(struct map *map, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    struct map_entry *entry = find_entry(map, key, hash);
    if (entry) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if (map->used == map->cap)
        rebuild(map);
    map->entries[map->used] = (struct map_entry){mem_strdup(key), value, hash};
    put_index(map, map->used);
    map->used++;
    map->count++;
    return NULL;
}

void *map_find(const struct map *map, const char *key)
{
    const struct map_entry *entry = find_entry(map, key, hash_of(key));
    return entry ? entry->value : NULL;
}

bool map_has(const struct map *map, const char *key)
{
    return find_entry(map, key, hash_of(key)) != NULL;
}

void *map_take(struct map *map, const char *key)
{
    struct map_entry *entry = find_entry(map, key, hash_of(key));
    if (!entry)
        return NULL;
    void *value = entry->value;
    mem_free(entry->key);
    *entry = (struct map_entry){.hash = entry->hash};
    map->count--;
    return value;
}

bool map_next(const struct map *map, size_t *at, const char **key, void **value)
{
    while (*at < map->used) {
        const struct map_entry *entry = &map->entries[(*at)++];
        if (!entry->key)
            continue;
        if (key)
            *key = entry->key;
        if (value)
            *value = entry->value;
        return true;
    }
    return false;
}

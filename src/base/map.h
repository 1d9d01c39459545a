/* map.h - text to pointer, hashed with a random key (SipHash of libsodium), so that outsiders
 * cannot choose collisions.  Keys are copied.  Iteration order is order of insertion. */
#ifndef SWAN_BASE_MAP_H
#define SWAN_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

struct map *map_new(void);
void map_free(struct map *map); /* values are not touched; NULL is fine */
void map_free_at(struct map **map);
size_t map_count(const struct map *map);
/* Sets; returns the value that was there before, or NULL. */
void *map_put(struct map *map, const char *key, void *value);
void *map_find(const struct map *map, const char *key); /* NULL if none */
bool map_has(const struct map *map, const char *key);
void *map_take(struct map *map, const char *key); /* removes; NULL if none */
/* size_t at = 0; while (map_next(map, &at, &key, &value)) … ; no changes meanwhile. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

/* The hash that maps use: of this process, with its random key.  For tables of another shape. */
uint64_t map_hash(const char *key, size_t len);

#endif

/* arena.h - memory of one lifetime: a request, a plan, a simulation.  Never freed piecewise.
 *
 * An arena has a named soft maximum.  arena_alloc itself never fails; whoever feeds it from outside
 * asks arena_check between items, so that a hostile input ends in an ordinary error. */
#ifndef SWAN_BASE_ARENA_H
#define SWAN_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

struct arena {
    struct arena_block *block; /* newest first */
    size_t used;               /* bytes handed out */
    size_t max;                /* soft maximum; 0 = ARENA_MAX_DEFAULT */
};

#define ARENA_MAX_DEFAULT ((size_t)256 << 20)

/* All-zero is a valid empty arena with the default maximum. */
#define ARENA_INIT \
    {              \
        NULL, 0, 0 \
    }

void arena_init(struct arena *arena, size_t max);
void arena_done(struct arena *arena);
/* Forgets everything, keeps the newest block for reuse. */
void arena_clear(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);               /* 16-byte aligned, not zeroed */
void *arena_zalloc(struct arena *arena, size_t size);              /* zeroed */
void *arena_array(struct arena *arena, size_t count, size_t size); /* zeroed, overflow checked */
char *arena_strdup(struct arena *arena, const char *text);         /* NULL stays NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
void *arena_memdup(struct arena *arena, const void *data, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* ERR_TOO_LARGE when more than the maximum was handed out. */
enum err_code arena_check(const struct arena *arena, struct err *err);

/* One more zeroed item at the end of a LIST; doubles at each power of two, so a list needs no
 * capacity field.  `struct site *s = LIST_ADD(arena, &network->sites);` */
#define LIST_ADD(arena, list)                                                                \
    ((__typeof__((list)->items))arena_grow((arena), (void **)&(list)->items, &(list)->count, \
                                           sizeof *(list)->items))

/* The function below LIST_ADD; returns the address of the new item. */
void *arena_grow(struct arena *arena, void **items, size_t *count, size_t item_size);

#endif

/* mem.h - the only door to malloc.  True exhaustion ends the process with a message: Swan restarts
 * from its journal.  Growth fed from outside is bounded where it happens (arena, buf, decoders). */
#ifndef SWAN_BASE_MEM_H
#define SWAN_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* CLEANUP(buf_done) struct buf b = …;   runs buf_done(&b) at scope end. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a variable that has a cleanup. */
#define TAKE(p)                          \
    __extension__({                      \
        __typeof__(p) take_value_ = (p); \
        (p) = NULL;                      \
        take_value_;                     \
    })

/* A counted array as every decoded list is kept.  LIST_ADD in arena.h grows it. */
#define LIST(type)    \
    struct {          \
        type *items;  \
        size_t count; \
    }

/* Never NULL; size 0 gives a unique pointer. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
/* count × size with overflow checked, zeroed. */
void *mem_array(size_t count, size_t size);
void *mem_resize(void *p, size_t count, size_t size);
void mem_free(void *p);
/* For CLEANUP: frees what the char* (or any pointer) variable holds. */
void mem_free_at(void *pointer_to_pointer);
char *mem_strdup(const char *text); /* NULL stays NULL */
char *mem_strndup(const char *text, size_t length);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif

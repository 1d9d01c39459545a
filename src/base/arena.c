/* arena.c - a chain of blocks that is freed as a whole.
 *
 * Contract: an allocation costs a few instructions; memory in use is at most about twice what was
 * handed out, plus one block.  Blocks double from ARENA_BLOCK_MIN to ARENA_BLOCK_MAX; an item
 * that would waste the rest of the newest block gets a block of its own behind it.  Under
 * AddressSanitizer unused bytes are poisoned and items stand apart, so that an overrun of one item
 * is found although they share a block. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(p, n) __asan_poison_memory_region((p), (n))
#define ARENA_UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define ARENA_GAP ((size_t)16)
#else
#define ARENA_POISON(p, n) ((void)(p), (void)(n))
#define ARENA_UNPOISON(p, n) ((void)(p), (void)(n))
#define ARENA_GAP ((size_t)0)
#endif

#define ARENA_ALIGN ((size_t)16)
#define ARENA_BLOCK_MIN ((size_t)4 << 10) /* a small request fits */
#define ARENA_BLOCK_MAX ((size_t)1 << 20) /* beyond this, calls to malloc no longer matter */

struct arena_block {
    struct arena_block *older;
    size_t size, used; /* of data */
    _Alignas(16) unsigned char data[];
};

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena)ARENA_INIT;
    arena->max = max;
}

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        ARENA_UNPOISON(block->data, block->size);
        mem_free(block);
        block = older;
    }
}

void arena_done(struct arena *arena)
{
    free_chain(arena->block);
    arena->block = NULL;
    arena->used = 0;
}

void arena_clear(struct arena *arena)
{
    arena->used = 0;
    if (!arena->block)
        return;
    free_chain(arena->block->older);
    arena->block->older = NULL;
    arena->block->used = 0;
    ARENA_POISON(arena->block->data, arena->block->size);
}

static struct arena_block *new_block(size_t size)
{
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->older = NULL;
    block->size = size;
    block->used = 0;
    ARENA_POISON(block->data, block->size);
    return block;
}

static void *take_from(struct arena_block *block, size_t size, size_t step)
{
    void *p = block->data + block->used;
    block->used += step;
    ARENA_UNPOISON(p, size);
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - 4 * ARENA_ALIGN)
        return mem_array(size, 2); /* ends the process with mem's message */
    size_t step = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    if (step == 0)
        step = ARENA_ALIGN; /* a unique pointer */
    step += ARENA_GAP;
    arena->used += step;

    struct arena_block *head = arena->block;
    if (head && head->size - head->used >= step)
        return take_from(head, size, step);

    size_t next = head ? head->size * 2 : ARENA_BLOCK_MIN;
    if (next < ARENA_BLOCK_MIN)
        next = ARENA_BLOCK_MIN;
    if (next > ARENA_BLOCK_MAX)
        next = ARENA_BLOCK_MAX;
    if (step > next / 4) {
        struct arena_block *own = new_block(step);
        if (head) {
            own->older = head->older;
            head->older = own;
        } else {
            arena->block = own;
        }
        return take_from(own, size, step);
    }
    struct arena_block *block = new_block(next);
    block->older = head;
    arena->block = block;
    return take_from(block, size, step);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return mem_array(count, size); /* ends the process with mem's message */
    return arena_zalloc(arena, bytes);
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_memdup(arena, text, strlen(text) + 1) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    if (!text)
        return NULL;
    length = strnlen(text, length);
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *arena_memdup(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

enum err_code arena_check(const struct arena *arena, struct err *err)
{
    size_t max = arena->max ? arena->max : ARENA_MAX_DEFAULT;
    if (arena->used <= max)
        return ERR_OK;
    return err_set(err, ERR_TOO_LARGE, "the input needs more than %zu bytes of memory", max);
}

void *arena_grow(struct arena *arena, void **items, size_t *count, size_t item_size)
{
    size_t n = *count;
    if ((n & (n - 1)) == 0) { /* 0 or a power of two: full */
        unsigned char *bigger = arena_array(arena, n ? 2 * n : 1, item_size);
        if (n)
            memcpy(bigger, *items, n * item_size);
        *items = bigger;
    }
    *count = n + 1;
    return memset((unsigned char *)*items + n * item_size, 0, item_size);
}

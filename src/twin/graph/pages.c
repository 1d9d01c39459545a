/* pages.c - persistent arrays: a tree of pages that versions share (Driscoll, Sarnak, Sleator,
 * Tarjan 1989, path copying; pages a change made itself are edited in place).
 *
 * Contract: a page with more than one holder is never written.  Reading is O(levels), an edit
 * copies at most levels + 1 pages.  Reference counts are atomic: the last holder, on any thread,
 * frees. */
#include <string.h>

#include "twin/graph/graph_priv.h"

static size_t page_bytes(const struct graph_array *array, uint32_t level)
{
    return level ? GRAPH_FAN * sizeof(struct graph_page *) : (size_t)GRAPH_LEAF * array->item_size;
}

static struct graph_page **children(struct graph_page *page)
{
    return (struct graph_page **)(void *)page->data;
}

static struct graph_page *child_at(const struct graph_page *page, uint32_t i)
{
    return ((struct graph_page *const *)(const void *)page->data)[i];
}

static struct graph_page *page_new(const struct graph_array *array, uint32_t level, uint64_t owner)
{
    struct graph_page *page = mem_zalloc(sizeof *page + page_bytes(array, level));
    atomic_init(&page->refs, 1);
    page->owner = owner;
    return page;
}

static void page_unref(const struct graph_array *array, struct graph_page *page, uint32_t level)
{
    if (!page || atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; level && i < GRAPH_FAN; i++)
        page_unref(array, child_at(page, i), level - 1); /* as deep as the tree: at most 5 */
    mem_free(page);
}

/* The page at *at, fit to be written by owner. */
static struct graph_page *page_own(const struct graph_array *array, struct graph_page **at,
                                   uint32_t level, uint64_t owner)
{
    struct graph_page *page = *at;
    if (!page)
        return *at = page_new(array, level, owner);
    if (page->owner == owner)
        return page;
    struct graph_page *copy = page_new(array, level, owner);
    memcpy(copy->data, page->data, page_bytes(array, level));
    for (uint32_t i = 0; level && i < GRAPH_FAN; i++)
        if (child_at(copy, i))
            atomic_fetch_add_explicit(&child_at(copy, i)->refs, 1, memory_order_relaxed);
    page_unref(array, page, level);
    return *at = copy;
}

void graph_array_ref(struct graph_array *array)
{
    if (array->root)
        atomic_fetch_add_explicit(&array->root->refs, 1, memory_order_relaxed);
}

void graph_array_unref(struct graph_array *array)
{
    page_unref(array, array->root, array->levels);
    array->root = NULL;
}

static uint32_t place_in(uint32_t index, uint32_t level)
{
    return (index >> (GRAPH_LEAF_BITS + GRAPH_FAN_BITS * (level - 1))) & (GRAPH_FAN - 1);
}

const void *graph_array_at(const struct graph_array *array, uint32_t index)
{
    const struct graph_page *page = array->root;
    for (uint32_t level = array->levels; level; level--)
        page = child_at(page, place_in(index, level));
    return page->data + (size_t)(index & (GRAPH_LEAF - 1)) * array->item_size;
}

void *graph_array_edit(struct graph_array *array, uint32_t index, uint64_t owner)
{
    struct graph_page **at = &array->root;
    for (uint32_t level = array->levels; level; level--)
        at = &children(page_own(array, at, level, owner))[place_in(index, level)];
    return page_own(array, at, 0, owner)->data +
           (size_t)(index & (GRAPH_LEAF - 1)) * array->item_size;
}

static uint64_t room(const struct graph_array *array)
{
    return (uint64_t)1 << (GRAPH_LEAF_BITS + GRAPH_FAN_BITS * array->levels);
}

void *graph_array_push(struct graph_array *array, uint64_t owner)
{
    while (array->root && array->count >= room(array)) {
        struct graph_page *root = page_new(array, array->levels + 1, owner);
        children(root)[0] = array->root;
        array->root = root;
        array->levels++;
    }
    return graph_array_edit(array, array->count++, owner);
}

struct differ {
    const struct graph_array *a, *b;
    void (*fn)(void *ctx, uint32_t index);
    void *ctx;
};

/* Pages of the same place in two trees of the same height. */
static void pages_differ(const struct differ *d, const struct graph_page *a,
                         const struct graph_page *b, uint32_t level, uint32_t first)
{
    if (a == b)
        return;
    uint32_t count = d->a->count > d->b->count ? d->a->count : d->b->count;
    if (!level) {
        for (uint32_t i = 0; i < GRAPH_LEAF && first + i < count; i++)
            d->fn(d->ctx, first + i);
        return;
    }
    uint32_t width = 1u << (GRAPH_LEAF_BITS + GRAPH_FAN_BITS * (level - 1));
    for (uint32_t i = 0; i < GRAPH_FAN; i++)
        pages_differ(d, a ? child_at(a, i) : NULL, b ? child_at(b, i) : NULL, level - 1,
                     first + i * width);
}

static void raise_differ(const struct differ *d, const struct graph_page *low,
                         const struct graph_page *high, uint32_t low_level, uint32_t high_level,
                         uint32_t first)
{
    if (low_level == high_level) {
        pages_differ(d, low, high, high_level, first);
        return;
    }
    uint32_t width = 1u << (GRAPH_LEAF_BITS + GRAPH_FAN_BITS * (high_level - 1));
    for (uint32_t i = 0; high && i < GRAPH_FAN; i++) {
        if (i == 0)
            raise_differ(d, low, child_at(high, 0), low_level, high_level - 1, first);
        else
            pages_differ(d, NULL, child_at(high, i), high_level - 1, first + i * width);
    }
}

void graph_array_differ(const struct graph_array *a, const struct graph_array *b,
                        void (*fn)(void *ctx, uint32_t index), void *ctx)
{
    struct differ d = {a, b, fn, ctx};
    if (a->levels <= b->levels)
        raise_differ(&d, a->root, b->root, a->levels, b->levels, 0);
    else
        raise_differ(&d, b->root, a->root, b->levels, a->levels, 0);
}

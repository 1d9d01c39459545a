/* dag.c - topological order (Kahn, "Topological sorting of large networks", 1962) and the forward
 * pass of the critical path method.
 *
 * Contract: pure; memory comes from the arena.  On failure `order` is as it was.  The free node
 * with the lowest index goes first, so equal input gives equal order. */
#include "base/dag.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

/* Successors of each node in one array: those of node i stand at next[first[i]…first[i+1]-1]. */
struct successors {
    size_t *first;
    size_t *next;
};

static struct successors group_by_before(size_t count, const struct dag_edge *edges,
                                         size_t edge_count, struct arena *arena)
{
    struct successors s = {arena_array(arena, count + 2, sizeof *s.first),
                           arena_array(arena, edge_count, sizeof *s.next)};
    size_t *fill = s.first + 1; /* while filling, fill[i] is where node i's next successor goes */
    for (size_t e = 0; e < edge_count; e++)
        fill[edges[e].before + 1]++;
    for (size_t i = 1; i <= count; i++)
        fill[i] += fill[i - 1];
    for (size_t e = 0; e < edge_count; e++)
        s.next[fill[edges[e].before]++] = edges[e].after;
    return s;
}

/* A binary heap of node indices, lowest on top. */
static void heap_push(size_t *heap, size_t *len, size_t node)
{
    size_t at = (*len)++;
    while (at > 0 && heap[(at - 1) / 2] > node) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = node;
}

static size_t heap_pop(size_t *heap, size_t *len)
{
    size_t top = heap[0], last = heap[--*len], at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= *len)
            break;
        if (child + 1 < *len && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

/* Every node with waits[i] > 0 has a predecessor of that kind, so walking back from any of them
 * runs into a cycle, which is then told in its forward direction. */
static enum err_code tell_cycle(size_t count, const struct dag_edge *edges, size_t edge_count,
                                const size_t *waits, struct arena *arena, struct err *err)
{
    enum { SHOWN = 12 };
    size_t *from = arena_array(arena, count, sizeof *from);
    bool *seen = arena_array(arena, count, sizeof *seen);
    size_t node = 0;
    for (size_t e = edge_count; e-- > 0;) {
        if (waits[edges[e].before] > 0 && waits[edges[e].after] > 0)
            from[edges[e].after] = edges[e].before;
    }
    while (waits[node] == 0)
        node++;
    for (; !seen[node]; node = from[node])
        seen[node] = true;

    size_t *cycle = arena_array(arena, count, sizeof *cycle), length = 0, at = node;
    do {
        cycle[length++] = at;
        at = from[at];
    } while (at != node);
    char text[400];
    size_t used = 0;
    for (size_t i = length; i-- > 0 && length - i <= SHOWN;) {
        str_format(text + used, sizeof text - used, "%zu -> ", cycle[i]);
        used += strlen(text + used);
    }
    if (length > SHOWN)
        str_format(text + used, sizeof text - used, "... (%zu nodes)", length);
    else
        str_format(text + used, sizeof text - used, "%zu", cycle[length - 1]);
    return err_set(err, ERR_INVALID, "the order has a cycle: %s", text);
}

enum err_code dag_order(size_t count, const struct dag_edge *edges, size_t edge_count,
                        size_t *order, struct arena *arena, struct err *err)
{
    for (size_t e = 0; e < edge_count; e++) {
        if (edges[e].before >= count || edges[e].after >= count)
            return err_set(err, ERR_INVALID, "edge %zu (%zu -> %zu) leaves the %zu nodes", e,
                           edges[e].before, edges[e].after, count);
    }
    struct successors s = group_by_before(count, edges, edge_count, arena);
    size_t *waits = arena_array(arena, count, sizeof *waits); /* predecessors not yet ordered */
    size_t *heap = arena_array(arena, count, sizeof *heap), heap_len = 0;
    size_t *sorted = arena_array(arena, count, sizeof *sorted), done = 0;
    for (size_t e = 0; e < edge_count; e++)
        waits[edges[e].after]++;
    for (size_t i = 0; i < count; i++) {
        if (waits[i] == 0)
            heap_push(heap, &heap_len, i);
    }
    while (heap_len > 0) {
        size_t node = heap_pop(heap, &heap_len);
        sorted[done++] = node;
        for (size_t k = s.first[node]; k < s.first[node + 1]; k++) {
            if (--waits[s.next[k]] == 0)
                heap_push(heap, &heap_len, s.next[k]);
        }
    }
    if (done < count)
        return tell_cycle(count, edges, edge_count, waits, arena, err);
    if (count)
        memcpy(order, sorted, count * sizeof *order);
    return ERR_OK;
}

void dag_earliest(size_t count, const struct dag_edge *edges, size_t edge_count,
                  const size_t *order, const double *duration, double *ret_start,
                  double *ret_length, struct arena *arena)
{
    struct successors s = group_by_before(count, edges, edge_count, arena);
    double length = 0;
    for (size_t i = 0; i < count; i++)
        ret_start[i] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t node = order[i];
        double end = ret_start[node] + duration[node];
        if (end > length)
            length = end;
        for (size_t k = s.first[node]; k < s.first[node + 1]; k++) {
            if (ret_start[s.next[k]] < end)
                ret_start[s.next[k]] = end;
        }
    }
    *ret_length = length;
}

/* read.c - problems in the formats of the OR-Library (Beasley 1990).
 *
 * Contract: numbers are parted by white space; every one is checked and an error names its line; on
 * failure *out is as it was. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

#define NODES_MOST 8000      /* a distance for each pair is kept: 512 MB */
#define NUMBER_MOST 1e12     /* of costs and demands */
#define NUMBER_TEXT_MOST 64  /* bytes of one number */
#define EDGES_MOST 100000000 /* of one file */

struct reader {
    const char *at, *end;
    size_t line;
};

/* The next word and its length; 0 at the end. */
static size_t next_word(struct reader *r, const char **ret_word)
{
    while (r->at < r->end && isspace((unsigned char)*r->at)) {
        r->line += *r->at == '\n';
        r->at++;
    }
    const char *begin = r->at;
    while (r->at < r->end && !isspace((unsigned char)*r->at))
        r->at++;
    *ret_word = begin;
    return (size_t)(r->at - begin);
}

static enum err_code next_number(struct reader *r, const char *what, double least, double most,
                                 double *out, struct err *err)
{
    const char *word;
    char text[NUMBER_TEXT_MOST + 1], *end;
    size_t len = next_word(r, &word);
    if (!len)
        return err_set(err, ERR_INVALID, "line %zu: the file ends where %s should be", r->line,
                       what);
    if (len > NUMBER_TEXT_MOST)
        return err_set(err, ERR_INVALID, "line %zu: %s has %zu characters", r->line, what, len);
    memcpy(text, word, len);
    text[len] = '\0';
    double value = strtod(text, &end);
    if (*end || strspn(text, "0123456789+-.eE") != len || !isfinite(value))
        return err_set(err, ERR_INVALID, "line %zu: %s is '%.32s', no number", r->line, what, text);
    if (value < least || value > most)
        return err_set(err, ERR_INVALID, "line %zu: %s is %g, allowed is %g to %g", r->line, what,
                       value, least, most);
    *out = value;
    return ERR_OK;
}

static enum err_code next_count(struct reader *r, const char *what, double least, double most,
                                size_t *out, struct err *err)
{
    double value = 0;
    enum err_code rc = next_number(r, what, least, most, &value, err);
    if (rc)
        return rc;
    if (value != floor(value))
        return err_set(err, ERR_INVALID, "line %zu: %s is %g, no whole number", r->line, what,
                       value);
    *out = (size_t)value;
    return ERR_OK;
}

static enum err_code must_end(struct reader *r, struct err *err)
{
    const char *word;
    if (next_word(r, &word))
        return err_set(err, ERR_INVALID, "line %zu: the file goes on after its last number",
                       r->line);
    return ERR_OK;
}

/* ---- p-median ---- */

struct edge {
    uint32_t a, b;
    double cost;
    size_t listed;
};

static int by_ends(const void *x, const void *y)
{
    const struct edge *p = x, *q = y;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    if (p->b != q->b)
        return p->b < q->b ? -1 : 1;
    return p->listed < q->listed ? -1 : p->listed > q->listed;
}

/* Of edges that are listed twice the last stays; returns how many are left. */
static size_t drop_twice(struct edge *edges, size_t count)
{
    size_t kept = 0;
    qsort(edges, count, sizeof *edges, by_ends);
    for (size_t e = 0; e < count; e++)
        if (e + 1 == count || edges[e].a != edges[e + 1].a || edges[e].b != edges[e + 1].b)
            edges[kept++] = edges[e];
    return kept;
}

struct arc {
    uint32_t to;
    double cost;
};

struct heap {
    uint32_t *node;
    double *key;
    size_t count;
};

static void heap_push(struct heap *h, uint32_t node, double key)
{
    size_t i = h->count++;
    while (i && h->key[(i - 1) / 2] > key) {
        h->node[i] = h->node[(i - 1) / 2];
        h->key[i] = h->key[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->node[i] = node;
    h->key[i] = key;
}

static uint32_t heap_pop(struct heap *h, double *ret_key)
{
    uint32_t top = h->node[0], node = h->node[--h->count];
    double key = h->key[h->count];
    *ret_key = h->key[0];
    for (size_t i = 0;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count) {
            h->node[i] = node;
            h->key[i] = key;
            return top;
        }
        if (child + 1 < h->count && h->key[child + 1] < h->key[child])
            child++;
        if (h->key[child] >= key) {
            h->node[i] = node;
            h->key[i] = key;
            return top;
        }
        h->node[i] = h->node[child];
        h->key[i] = h->key[child];
        i = child;
    }
}

/* Shortest distances from each node, by Dijkstra's method; out[n × n]. */
static void distances(const struct edge *edges, size_t count, size_t n, double *out)
{
    CLEANUP(mem_free_at) size_t *begin = mem_array(n + 2, sizeof *begin);
    CLEANUP(mem_free_at) struct arc *arcs = mem_array(2 * count + 1, sizeof *arcs);
    CLEANUP(mem_free_at) uint32_t *node = mem_array(2 * count + 2, sizeof *node);
    CLEANUP(mem_free_at) double *key = mem_array(2 * count + 2, sizeof *key);
    for (size_t e = 0; e < count; e++) {
        begin[edges[e].a + 2]++;
        begin[edges[e].b + 2]++;
    }
    for (size_t i = 2; i < n + 2; i++)
        begin[i] += begin[i - 1];
    for (size_t e = 0; e < count; e++) {
        arcs[begin[edges[e].a + 1]++] = (struct arc){edges[e].b, edges[e].cost};
        arcs[begin[edges[e].b + 1]++] = (struct arc){edges[e].a, edges[e].cost};
    }
    for (size_t from = 0; from < n; from++) {
        double *row = out + from * n;
        struct heap heap = {node, key, 0};
        for (size_t i = 0; i < n; i++)
            row[i] = INFINITY;
        row[from] = 0;
        heap_push(&heap, (uint32_t)from, 0);
        while (heap.count) {
            double distance;
            uint32_t i = heap_pop(&heap, &distance);
            if (distance > row[i])
                continue;
            for (size_t k = begin[i]; k < begin[i + 1]; k++)
                if (distance + arcs[k].cost < row[arcs[k].to]) {
                    row[arcs[k].to] = distance + arcs[k].cost;
                    heap_push(&heap, arcs[k].to, row[arcs[k].to]);
                }
        }
    }
}

static enum err_code read_median(struct reader *r, struct cache_orlib *out, struct arena *arena,
                                 struct err *err)
{
    size_t n = 0, count = 0, p = 0;
    enum err_code rc;
    if ((rc = next_count(r, "the number of nodes", 1, NODES_MOST, &n, err)) ||
        (rc = next_count(r, "the number of edges", 0, EDGES_MOST, &count, err)) ||
        (rc = next_count(r, "the number of medians", 1, (double)n, &p, err)))
        return rc;
    if (count > (size_t)(r->end - r->at) / 2) /* an edge has three numbers */
        return err_set(err, ERR_INVALID, "line %zu: %zu edges are announced, the file is too short",
                       r->line, count);
    CLEANUP(mem_free_at) struct edge *edges = mem_array(count + 1, sizeof *edges);
    for (size_t e = 0; e < count; e++) {
        size_t a = 0, b = 0;
        double cost = 0;
        if ((rc = next_count(r, "an end of an edge", 1, (double)n, &a, err)) ||
            (rc = next_count(r, "an end of an edge", 1, (double)n, &b, err)) ||
            (rc = next_number(r, "the cost of an edge", 0, NUMBER_MOST, &cost, err)))
            return rc;
        edges[e] = (struct edge){(uint32_t)(a < b ? a - 1 : b - 1),
                                 (uint32_t)(a < b ? b - 1 : a - 1), cost, e};
    }
    if ((rc = must_end(r, err)))
        return rc;
    if (n * n * sizeof(double) > (arena->max ? arena->max : ARENA_MAX_DEFAULT))
        return err_set(err, ERR_TOO_LARGE,
                       "%zu nodes need %zu MiB, more than this reading may take", n,
                       n * n * sizeof(double) >> 20);
    double *serve = arena_alloc(arena, n * n * sizeof *serve);
    distances(edges, drop_twice(edges, count), n, serve);
    out->location =
        (struct cache_location){.facilities = n, .customers = n, .serve = serve, .most = p};
    out->median = true;
    return ERR_OK;
}

/* ---- warehouses ---- */

static enum err_code read_capacity(struct reader *r, double given, double *out, struct err *err)
{
    struct reader ahead = *r;
    const char *word;
    size_t len = next_word(&ahead, &word);
    if (len != strlen("capacity") || memcmp(word, "capacity", len) != 0)
        return next_number(r, "a capacity", 0, NUMBER_MOST, out, err);
    *r = ahead;
    *out = given;
    if (given > 0)
        return ERR_OK;
    err_set(err, ERR_INVALID, "line %zu: the file leaves the capacity open", r->line);
    return err_hint(err, "say it with --capacity, or leave capacities out with --uncapacitated");
}

static enum err_code read_warehouses(struct reader *r, double given, struct cache_orlib *out,
                                     struct arena *arena, struct err *err)
{
    size_t m = 0, n = 0;
    enum err_code rc;
    if ((rc = next_count(r, "the number of warehouses", 1, 1e6, &m, err)) ||
        (rc = next_count(r, "the number of customers", 1, 1e6, &n, err)))
        return rc;
    if (m > CACHE_MAX_ENTRIES / n || m * n > (size_t)(r->end - r->at))
        return err_set(err, ERR_INVALID,
                       "line %zu: %zu warehouses and %zu customers are announced, the file is too "
                       "short",
                       r->line, m, n);
    double *capacity = arena_alloc(arena, m * sizeof *capacity);
    double *open = arena_alloc(arena, m * sizeof *open);
    double *demand = arena_alloc(arena, n * sizeof *demand);
    double *serve = arena_alloc(arena, m * n * sizeof *serve);
    for (size_t i = 0; i < m; i++)
        if ((rc = read_capacity(r, given, &capacity[i], err)) ||
            (rc = next_number(r, "a fixed cost", 0, NUMBER_MOST, &open[i], err)))
            return rc;
    for (size_t j = 0; j < n; j++) {
        if ((rc = next_number(r, "a demand", 0, NUMBER_MOST, &demand[j], err)))
            return rc;
        for (size_t i = 0; i < m; i++)
            if ((rc = next_number(r, "a cost of serving", 0, NUMBER_MOST, &serve[j * m + i], err)))
                return rc;
    }
    if ((rc = must_end(r, err)))
        return rc;
    out->location = (struct cache_location){.facilities = m,
                                            .customers = n,
                                            .serve = serve,
                                            .open = open,
                                            .capacity = capacity,
                                            .demand = demand};
    out->median = false;
    return ERR_OK;
}

enum err_code cache_read_orlib(const char *text, size_t len, double capacity,
                               struct cache_orlib *out, struct arena *arena, struct err *err)
{
    struct reader r = {text, text + len, 1};
    struct reader ahead = r;
    struct cache_orlib read;
    const char *word;
    size_t words = 0, line = 0;
    while (next_word(&ahead, &word)) { /* three words in the first line that has any: p-median */
        if (words && ahead.line != line)
            break;
        line = ahead.line;
        words++;
    }
    enum err_code rc;
    if (words == 3)
        rc = read_median(&r, &read, arena, err);
    else if (words == 2)
        rc = read_warehouses(&r, capacity, &read, arena, err);
    else
        rc = err_set(err, ERR_INVALID,
                     "line %zu: the first line has %zu words; a p-median has 3, warehouses 2",
                     line ? line : 1, words);
    if (!rc)
        *out = read;
    return rc;
}

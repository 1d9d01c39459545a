/* dag.h - order and length of a directed acyclic graph given as index pairs. */
#ifndef SWAN_BASE_DAG_H
#define SWAN_BASE_DAG_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct dag_edge {
    size_t before, after; /* node indices; `before` ends before `after` starts */
};

/* Writes a topological order of nodes 0…count-1 to `order`, lowest index first among the free
 * (deterministic).  A cycle is ERR_INVALID; err->text names its nodes' indices.
 * O(nodes log nodes + edges).  Kahn 1962. */
enum err_code dag_order(size_t count, const struct dag_edge *edges, size_t edge_count,
                        size_t *order, struct arena *arena, struct err *err);

/* Earliest start of each node when node i takes duration[i]; returns the length of the critical
 * path through *ret_length.  `order` as made by dag_order. */
void dag_earliest(size_t count, const struct dag_edge *edges, size_t edge_count,
                  const size_t *order, const double *duration, double *ret_start,
                  double *ret_length, struct arena *arena);

#endif

/* figures.c - counters of a store, for /metrics.  Each is read by itself; together they are no
 * snapshot. */
#include "store/store_priv.h"

void store_figures(const struct store *store, struct store_figures *out)
{
    out->commits = atomic_load_explicit(&store->commits, memory_order_relaxed);
    out->rollbacks = atomic_load_explicit(&store->rollbacks, memory_order_relaxed);
    out->retries = atomic_load_explicit(&store->retries, memory_order_relaxed);
    out->queries = atomic_load_explicit(&store->queries, memory_order_relaxed);
}

/* frontier.c - non-dominated pairs of (loss, value), lowest loss first.
 *
 * Contract: whatever is dropped is dominated by what stays, or replaced by something better in both
 * (coarsening), so a minimum over a frontier is always a valid lower bound. */
#include "intelligent/design/design_priv.h"

/* Two neighbours become one that is as good as both: the loss of the first, the value of the
 * second. */
static void coarsen(struct design_frontier *frontier)
{
    size_t kept = 0;
    for (size_t i = 0; i < frontier->count; i += 2) {
        struct design_point point = frontier->points[i];
        if (i + 1 < frontier->count)
            point.value = frontier->points[i + 1].value;
        frontier->points[kept++] = point;
    }
    frontier->count = kept;
}

void design_frontier_add(struct design_frontier *frontier, struct design_point point)
{
    struct design_point *points = frontier->points;
    size_t low = 0, high = frontier->count; /* first point of larger loss */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (points[middle].loss <= point.loss)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && points[low - 1].value <= point.value)
        return;
    size_t begin = low; /* those before it of the same loss are worse: value is larger */
    while (begin > 0 && points[begin - 1].loss >= point.loss)
        begin--;
    size_t end = low;
    while (end < frontier->count && points[end].value >= point.value)
        end++;
    if (begin == end && frontier->count == DESIGN_FRONTIER_MAX) {
        coarsen(frontier);
        design_frontier_add(frontier, point);
        return;
    }
    memmove(&points[begin + 1], &points[end], (frontier->count - end) * sizeof *points);
    points[begin] = point;
    frontier->count = frontier->count - (end - begin) + 1;
}

void design_frontier_join(struct design_frontier *into, const struct design_frontier *other)
{
    if (other->count == 1) {
        for (size_t i = 0; i < into->count; i++) {
            into->points[i].loss += other->points[0].loss;
            into->points[i].value += other->points[0].value;
        }
        return;
    }
    struct design_frontier sum;
    sum.count = 0;
    for (size_t i = 0; i < into->count; i++)
        for (size_t k = 0; k < other->count; k++)
            design_frontier_add(
                &sum, (struct design_point){into->points[i].loss + other->points[k].loss,
                                            into->points[i].value + other->points[k].value});
    into->count = sum.count;
    memcpy(into->points, sum.points, sum.count * sizeof *sum.points);
}

double design_frontier_least(const struct design_frontier *frontier, double loss_max,
                             double loss_weight)
{
    double least = INFINITY;
    for (size_t i = 0; i < frontier->count && frontier->points[i].loss <= loss_max; i++)
        least = fmin(least, frontier->points[i].value + loss_weight * frontier->points[i].loss);
    return least;
}

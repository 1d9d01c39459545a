/* robust.c - order statistics by selection (Hoare 1961, median of three).
 *
 * Contract: values hold no NaN; expected linear time; what equals the pivot goes to both sides, so
 * that constant series stay linear. */
#include "twin/telemetry/robust.h"

#include <math.h>

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

static double select_at(double *values, size_t count, size_t rank)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values[middle] < values[low])
            swap(&values[middle], &values[low]);
        if (values[high] < values[low])
            swap(&values[high], &values[low]);
        if (values[high] < values[middle])
            swap(&values[high], &values[middle]);
        double pivot = values[middle];
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap(&values[i++], &values[j--]);
        }
        /* [low, j] <= pivot <= [j + 1, high]; the first swap happened, so j < high */
        if (rank <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[rank];
}

double telemetry_quantile(double *values, size_t count, double share)
{
    if (count == 0)
        return (double)NAN;
    double place = share * (double)(count - 1);
    size_t rank = (size_t)(place + 0.5);
    return select_at(values, count, rank < count ? rank : count - 1);
}

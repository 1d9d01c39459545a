/* queue.c - the queues that all modes of the engine stand on.
 *
 * Contract: arrivals are Poisson; work is exponential where nothing else is said.  Answers are
 * finite for every finite load when the places are limited, and each is a closed form, so a test
 * can hold it to 1e-9. */
#include <math.h>

#include "twin/simulation/simulation_priv.h"

#define TINY 1e-17
#define HUGE_SUM 1e100 /* blocking below 1e-100 is none */
#define GAMMA_ROUNDS 2000

/* 1/B is the sum of c!/(c−k)!/load^k over k: the terms fade soon unless B is nearly nothing. */
double simulation_erlang_b(int64_t slots, double load)
{
    double sum = 1, term = 1;
    if (load <= 0)
        return slots > 0 ? 0 : 1;
    for (int64_t c = slots; c > 0 && term > TINY * sum && sum < HUGE_SUM; c--) {
        term *= (double)c / load;
        sum += term;
    }
    return 1 / sum;
}

double simulation_erlang_c(int64_t slots, double load)
{
    double blocked = simulation_erlang_b(slots, load);
    return blocked / (1 - load / (double)slots * (1 - blocked));
}

struct simulation_queue simulation_queue_unlimited(double rate, double work_s, int64_t slots)
{
    double load = rate * work_s, spare = ((double)slots - load) / work_s;
    if (load >= (double)slots)
        return (struct simulation_queue){.wait_s = INFINITY, .wait_square = INFINITY};
    if (load <= 0)
        return (struct simulation_queue){0};
    double waits = simulation_erlang_c(slots, load);
    return (struct simulation_queue){.wait_s = waits / spare,
                                     .wait_square = 2 * waits / (spare * spare)};
}

struct simulation_queue simulation_queue_limited(double rate, double work_s, int64_t slots,
                                                 int64_t places)
{
    double use = rate * work_s / (double)slots, step = work_s / (double)slots;
    double blocked = simulation_erlang_b(slots, rate * work_s);
    /* Chances of i waiting, blocked × use^i, by the largest of them; all slots or fewer: one. */
    double ratio = use <= 1 ? use : 1 / use, term = blocked, full = 0;
    double less = use <= 1 ? 1 : pow(use, -(double)places);
    double sum = 0, wait = 0, square = 0;
    for (int64_t k = 0; k <= places && term > TINY * sum; k++, term *= ratio) {
        double i = (double)(use <= 1 ? k : places - k);
        sum += i > 0 ? term : 0;
        if (i < (double)places) { /* who comes now waits for i + 1 to be done */
            wait += term * (i + 1) * step;
            square += term * (i + 1) * (i + 2) * step * step;
        } else {
            full = term;
        }
    }
    double whole = less + sum, let_in = whole - full;
    return (struct simulation_queue){.wait_s = let_in > 0 ? wait / let_in : 0,
                                     .wait_square = let_in > 0 ? square / let_in : 0,
                                     .refused = full / whole};
}

double simulation_wait_general(double rate, double mean_s, double square_s2)
{
    double use = rate * mean_s;
    return use >= 1 ? INFINITY : rate * square_s2 / (2 * (1 - use));
}

/* States by chance: n at work goes on with n·min(1, cores/(n + others)) of them a second. */
double simulation_sharing(double load, double cores, int64_t workers, double others)
{
    double first = fmin(1, cores / (1 + others)), term = 1, sum = 1, present = 0;
    if (load <= 0 || workers < 1)
        return 1 / first;
    for (int64_t n = 1; n <= workers; n++) {
        double pace = (double)n * fmin(1, cores / ((double)n + others));
        term *= load / pace;
        sum += term;
        present += (double)n * term;
        if (load < pace && term < TINY * sum) {
            term = 0;
            break;
        }
        if (sum > HUGE_SUM) {
            term /= HUGE_SUM;
            sum /= HUGE_SUM;
            present /= HUGE_SUM;
        }
    }
    return present / (load * (sum - term));
}

/* ---- times by mean and second moment: a gamma distribution, exact where they are exponential ----
 */

/* Share below x of the gamma distribution of that shape and scale 1 (series, or Lentz's continued
 * fraction); *ret_point = x^shape e^−x / Γ(shape + 1). */
static double gamma_below(double shape, double x, double *ret_point)
{
    int sign;
    double point = exp(shape * log(x) - x - lgamma_r(shape + 1, &sign));
    *ret_point = point;
    if (x < shape + 1) {
        double term = 1, sum = 1;
        for (int i = 1; i < GAMMA_ROUNDS && term > 1e-16 * sum; i++) {
            term *= x / (shape + i);
            sum += term;
        }
        return fmin(1, point * sum);
    }
    double b = x + 1 - shape, c = INFINITY, d = 1 / b, h = d;
    for (int i = 1; i < GAMMA_ROUNDS; i++) {
        double a = -i * (i - shape);
        b += 2;
        d = 1 / (a * d + b);
        c = b + a / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return fmax(0, 1 - point * shape * h);
}

#define SHAPE_LEAST 0.05 /* variation 4.5 times the mean */
#define SHAPE_MOST 400.0 /* variation of 5 %: nearly constant */

static double shape_of(double mean, double square)
{
    double variance = square - mean * mean;
    return fmax(SHAPE_LEAST, variance > 0 ? fmin(SHAPE_MOST, mean * mean / variance) : SHAPE_MOST);
}

struct simulation_cut simulation_cut_at(double mean, double square, double limit)
{
    if (limit <= 0)
        return (struct simulation_cut){.beyond = 1};
    if (mean <= 0 || isinf(limit))
        return (struct simulation_cut){.mean = mean, .square = square};
    double shape = shape_of(mean, square), scale = mean / shape, x = limit / scale, point;
    double below = gamma_below(shape, x, &point), beyond = 1 - below;
    double below1 = fmax(0, below - point), below2 = fmax(0, below1 - point * x / (shape + 1));
    return (struct simulation_cut){.beyond = beyond,
                                   .mean = mean * below1 + limit * beyond,
                                   .square = shape * (shape + 1) * scale * scale * below2 +
                                             limit * limit * beyond};
}

double simulation_quantile(double mean, double square, double share)
{
    if (mean <= 0)
        return 0;
    double shape = shape_of(mean, square), low = 0, high = shape + 1, point;
    while (gamma_below(shape, high, &point) < share)
        low = high, high *= 2;
    for (int i = 0; i < 60 && high - low > 1e-10 * high; i++) {
        double middle = (low + high) / 2, below = gamma_below(shape, middle, &point);
        /* Newton's step when it stays between, else the middle */
        double slope = point * shape / middle, next = middle - (below - share) / slope;
        *(below < share ? &low : &high) = middle;
        if (slope > 0 && next > low && next < high)
            *(gamma_below(shape, next, &point) < share ? &low : &high) = next;
    }
    return (low + high) / 2 * mean / shape;
}

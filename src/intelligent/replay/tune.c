/* tune.c - chooses how patient the swan policy is, by trying.
 *
 * Lists differ in what is short: GPU, CPU, or GPUs that can be shared.  Instead of one compromise,
 * each tuning fills the empty fleet with streams drawn from the pod list's statistics, up to
 * HORIZON of the capacity, and the one that used the most GPU is taken.  The streams are the
 * engine's own draws: what really comes is not looked at.  O(tunings × replay). */
#include "base/mem.h"
#include "intelligent/replay/replay_priv.h"

#define HORIZON 1.3          /* arrivals over capacity: the overload that the measure looks at */
#define TRIALS 1             /* streams a tuning is tried on */
#define ARRIVALS_MOST 400000 /* of one trial: a list with hardly any GPU must end too */

/* The first is the default. */
static const struct replay_tuning tunings[] = {
    {10, 40, 1, 0, 30},   {40, 10, 3, 0, 100},   {20, 20, 3, 0.3, 300},
    {40, 40, 1, 0, 1000}, {20, 5, 5, 0.3, 1000}, {40, 20, 5, 0.05, 300},
};

struct urn {
    int64_t *until; /* running sums of what is listed */
    size_t count;
};

static size_t draw(const struct urn *urn, struct rand *rand)
{
    int64_t at = (int64_t)rand_below(rand, (uint64_t)urn->until[urn->count - 1]);
    size_t low = 0, high = urn->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (urn->until[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int64_t try(struct replay_course *course, const struct urn *urn, struct rand *rand)
{
    double until = HORIZON * (double)replay_course_capacity(course);
    replay_course_clear(course);
    for (size_t n = 0; n < ARRIVALS_MOST && (double)replay_course_arrived(course) < until; n++)
        replay_course_place(course, draw(urn, rand));
    return replay_course_used(course);
}

void replay_tune(const struct replay_fleet *fleet, const struct replay_stream *stream,
                 struct replay_judge *judge, struct rand *rand)
{
    CLEANUP(replay_course_free_at)
    struct replay_course *course = replay_course_new(fleet, stream, judge, rand);
    CLEANUP(mem_free_at) int64_t *until = mem_array(stream->types.count + 1, sizeof *until);
    struct urn urn = {until, stream->types.count};
    int64_t most = -1, sum = 0;
    size_t best = 0;
    for (size_t i = 0; i < stream->types.count; i++)
        until[i] = sum += stream->types.items[i].listed;
    for (size_t t = 0; t < ARRAY_LEN(tunings) && sum > 0; t++) {
        struct rand same = *rand; /* every tuning meets the same streams */
        int64_t used = 0;
        judge->cpu_fit = tunings[t].cpu_fit;
        replay_gap_tune(judge->gap, &tunings[t]);
        for (int i = 0; i < TRIALS; i++)
            used += try(course, &urn, &same);
        if (used > most) {
            most = used;
            best = t;
        }
    }
    judge->cpu_fit = tunings[best].cpu_fit;
    replay_gap_tune(judge->gap, &tunings[best]);
}

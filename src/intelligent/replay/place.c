/* place.c - a fleet being filled: one pod at a time to the node with the lowest score.
 *
 * Contract: a score is kept with the version of its node and asked for again only when the node has
 * changed since (or all values have: the epoch).  Kept scores are bounded by CACHE_MOST; types
 * beyond it are scored anew each time.  The first node wins among equals, except that random draws
 * one.  Per arrival: O(nodes) looks, and scores of what changed since this type last
 * came. */
#include <math.h>

#include "base/mem.h"
#include "intelligent/replay/replay_priv.h"

#define CACHE_MOST ((size_t)1 << 24) /* kept scores: 256 MiB */

struct kept {
    double value;
    uint32_t gpus, version; /* version 0 = none */
};

struct replay_course {
    const struct replay_fleet *fleet;
    const struct replay_stream *stream;
    const struct replay_judge *judge;
    struct rand *rand;
    struct replay_state *states;
    uint32_t *versions; /* of each node, from 1 */
    struct kept *kept;  /* [type][node] */
    size_t kept_types;
    int64_t capacity, arrived, used;
};

struct replay_course *replay_course_new(const struct replay_fleet *fleet,
                                        const struct replay_stream *stream,
                                        const struct replay_judge *judge, struct rand *rand)
{
    struct replay_course *course = mem_zalloc(sizeof *course);
    size_t nodes = fleet->nodes.count, fit = nodes ? CACHE_MOST / nodes : 0;
    *course =
        (struct replay_course){.fleet = fleet, .stream = stream, .judge = judge, .rand = rand};
    course->states = mem_array(nodes, sizeof *course->states);
    course->versions = mem_array(nodes, sizeof *course->versions);
    course->kept_types = stream->types.count < fit ? stream->types.count : fit;
    course->kept = mem_array(course->kept_types * nodes, sizeof *course->kept);
    for (size_t i = 0; i < nodes; i++)
        course->capacity += (int64_t)fleet->nodes.items[i].gpus * REPLAY_GPU_MILLI;
    replay_course_clear(course);
    return course;
}

void replay_course_free(struct replay_course *course)
{
    if (!course)
        return;
    mem_free(course->states);
    mem_free(course->versions);
    mem_free(course->kept);
    mem_free(course);
}

void replay_course_free_at(struct replay_course **course)
{
    replay_course_free(*course);
}

static void touch_all(struct replay_course *course)
{
    for (size_t i = 0; i < course->fleet->nodes.count; i++)
        course->versions[i]++;
}

void replay_course_clear(struct replay_course *course)
{
    for (size_t i = 0; i < course->fleet->nodes.count; i++) {
        const struct replay_node *node = &course->fleet->nodes.items[i];
        course->states[i] = (struct replay_state){.cpu_milli = node->cpu_milli,
                                                  .memory_mib = node->memory_mib,
                                                  .gpus = node->gpus,
                                                  .model = node->model};
        for (int g = 0; g < node->gpus; g++)
            course->states[i].free[g] = REPLAY_GPU_MILLI;
    }
    course->arrived = course->used = 0;
    touch_all(course);
}

/* INFINITY: the node cannot hold it. */
static struct replay_score judge(const struct replay_course *course,
                                 const struct replay_type *asked, size_t node)
{
    const struct replay_state *state = &course->states[node];
    return replay_fits(state, asked) ? replay_judge_score(course->judge, state, asked)
                                     : (struct replay_score){INFINITY, 0};
}

static struct replay_score score(struct replay_course *course, size_t type, size_t node)
{
    const struct replay_type *asked = &course->stream->types.items[type];
    if (type >= course->kept_types)
        return judge(course, asked, node);
    struct kept *kept = &course->kept[type * course->fleet->nodes.count + node];
    if (kept->version != course->versions[node]) {
        struct replay_score fresh = judge(course, asked, node);
        *kept = (struct kept){fresh.value, fresh.gpus, course->versions[node]};
    }
    return (struct replay_score){kept->value, kept->gpus};
}

struct replay_placement replay_course_place(struct replay_course *course, size_t type)
{
    const struct replay_type *asked = &course->stream->types.items[type];
    enum replay_policy policy = course->judge->policy;
    bool draws = policy == REPLAY_RANDOM;
    struct replay_placement out = {false, 0, 0};
    double best = 0;
    uint64_t equals = 0;
    course->arrived += (int64_t)asked->gpus * asked->gpu_milli;
    if (policy == REPLAY_SWAN && course->capacity &&
        replay_gap_progress(course->judge->gap, (double)course->arrived / (double)course->capacity))
        touch_all(course);
    for (size_t i = 0; i < course->fleet->nodes.count; i++) {
        struct replay_score now = score(course, type, i);
        if (isinf(now.value))
            continue;
        if (!out.placed || now.value < best)
            equals = 1;
        else if (!draws || now.value > best || rand_below(course->rand, ++equals) > 0)
            continue;
        out = (struct replay_placement){true, i, now.gpus};
        best = now.value;
    }
    if (out.placed) {
        replay_take(&course->states[out.node], asked, out.gpus);
        course->versions[out.node]++;
        course->used += (int64_t)asked->gpus * asked->gpu_milli;
    }
    return out;
}

int64_t replay_course_arrived(const struct replay_course *course)
{
    return course->arrived;
}

int64_t replay_course_used(const struct replay_course *course)
{
    return course->used;
}

int64_t replay_course_capacity(const struct replay_course *course)
{
    return course->capacity;
}

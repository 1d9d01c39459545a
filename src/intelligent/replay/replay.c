/* replay.c - a stream against a fleet, and the measure.
 *
 * Measure: capacity C = 1000 milli × GPUs.  After each arrival, arrived % and allocated % are the
 * GPU milli arrived and placed so far, of C.  The allocation is the mean of allocated % over the
 * arrivals with 129.5 <= arrived % < 130.5. */
#include <string.h>

#include "intelligent/replay/replay_priv.h"

#define WINDOW_BEGIN 129.5
#define WINDOW_END 130.5

static double most(double a, int64_t b)
{
    return (double)b > a ? (double)b : a;
}

static void run(struct replay_course *course, const struct replay_stream *stream,
                struct replay_result *out)
{
    double capacity = (double)replay_course_capacity(course), sum = 0;
    size_t seen = 0;
    for (size_t i = 0; i < stream->pods.count; i++) {
        out->placements[i] = replay_course_place(course, stream->pods.items[i].type);
        out->failed += !out->placements[i].placed;
        if (!(capacity > 0))
            continue;
        double arrived = 100 * (double)replay_course_arrived(course) / capacity;
        if (arrived >= WINDOW_BEGIN && arrived < WINDOW_END) {
            sum += 100 * (double)replay_course_used(course) / capacity;
            seen++;
        }
    }
    out->has_allocation = seen > 0;
    out->allocation_percent = seen ? sum / (double)seen : 0;
}

enum err_code replay_run(const struct replay_fleet *fleet, const struct replay_stream *stream,
                         enum replay_policy policy, uint64_t seed, struct replay_result *out,
                         struct arena *arena, struct err *err)
{
    struct replay_judge judge = {.policy = policy, .cpu_most = 1, .gpu_most = 1, .memory_most = 1};
    struct replay_result result = {.failed = 0};
    struct rand rand;
    rand_init(&rand, seed);
    result.placements = arena_array(arena, stream->pods.count, sizeof *result.placements);
    for (size_t i = 0; i < fleet->nodes.count; i++) {
        const struct replay_node *node = &fleet->nodes.items[i];
        judge.cpu_most = most(judge.cpu_most, node->cpu_milli);
        judge.memory_most = most(judge.memory_most, node->memory_mib);
        judge.gpu_most = most(judge.gpu_most, (int64_t)node->gpus * REPLAY_GPU_MILLI);
    }
    switch (policy) {
    case REPLAY_RANDOM:
    case REPLAY_BESTFIT:
    case REPLAY_DOTPRODUCT:
        break;
    case REPLAY_FGD:
        judge.fgd = replay_fgd_new(stream, arena);
        break;
    case REPLAY_SWAN:
        judge.gap = replay_gap_new(fleet, stream);
        replay_tune(fleet, stream, &judge, &rand);
        break;
    }
    CLEANUP(replay_course_free_at)
    struct replay_course *course = replay_course_new(fleet, stream, &judge, &rand);
    run(course, stream, &result);
    replay_gap_free(judge.gap);
    enum err_code rc = arena_check(arena, err);
    if (rc)
        return rc;
    *out = result;
    return ERR_OK;
}

/* An id that reads as a whole number is written as one. */
static void write_id(struct json_writer *w, const char *id)
{
    size_t len = strlen(id);
    if (len <= 15 && strspn(id, "0123456789") == len && (id[0] != '0' || len == 1))
        json_put_raw(w, id);
    else
        json_put_text(w, id);
}

void replay_write(const struct replay_fleet *fleet, const struct replay_stream *stream,
                  enum replay_policy policy, const struct replay_result *result, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_text(&w, "policy", replay_policy_names[policy]);
    json_member_int(&w, "arrivals", (int64_t)stream->pods.count);
    json_member_int(&w, "failed", (int64_t)result->failed);
    json_key(&w, "allocation_percent");
    if (result->has_allocation)
        json_put_double(&w, result->allocation_percent);
    else
        json_put_null(&w);
    json_key(&w, "placed");
    json_begin(&w, '[');
    for (size_t i = 0; i < stream->pods.count; i++) {
        const struct replay_placement *placement = &result->placements[i];
        if (!placement->placed)
            continue;
        json_begin(&w, '[');
        write_id(&w, stream->pods.items[i].id);
        json_put_text(&w, fleet->nodes.items[placement->node].sn);
        json_begin(&w, '[');
        for (int g = 0; g < REPLAY_MAX_GPUS; g++)
            if (placement->gpus >> g & 1)
                json_put_int(&w, g);
        json_end(&w, ']');
        json_end(&w, ']');
    }
    json_end(&w, ']');
    json_end(&w, '}');
}

/* replay.c - swan solution replay: files in, the engine, the answer for people or programs. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "intelligent/replay/replay.h"

#define NODES_MAX ((size_t)64 << 20)
#define PODS_MAX ((size_t)512 << 20)

static enum err_code read_fleet(const char *path, struct replay_fleet *out, struct arena *arena,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, NODES_MAX, &text, err);
    if (rc)
        return rc;
    if ((rc = replay_read_nodes(buf_str(&text), text.len, out, arena, err)))
        err_context(err, "%s", path);
    return rc;
}

static enum err_code read_stream(const char *path, const struct replay_fleet *fleet,
                                 struct replay_stream *out, struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, PODS_MAX, &text, err);
    if (rc)
        return rc;
    if ((rc = replay_read_pods(buf_str(&text), text.len, fleet, out, arena, err)))
        err_context(err, "%s", path);
    return rc;
}

static void show(struct cli_call *call, const struct replay_stream *stream, const char *policy,
                 const struct replay_result *result, double seconds)
{
    cli_say(call, _("policy      %s\n"), policy);
    cli_say(call, _("arrivals    %zu\n"), stream->pods.count);
    cli_say(call, _("refused     %zu\n"), result->failed);
    if (result->has_allocation)
        cli_say(call, _("allocation  %.2f %% of the GPU, at 130 %% asked for\n"),
                result->allocation_percent);
    else
        cli_say(call, _("allocation  unknown: less than 129.5 %% of the GPU is asked for\n"));
    cli_say(call, _("took        %s\n"), cli_seconds(call->arena, seconds));
}

enum err_code cli_run_solution_replay(struct cli_call *call, struct err *err)
{
    const char *nodes = cli_option(call, "nodes"), *pods = cli_option(call, "pods");
    const char *policy = cli_option(call, "policy");
    struct replay_fleet fleet;
    struct replay_stream stream;
    struct replay_result result;
    enum err_code rc;
    if (!nodes || !pods) {
        err_set(err, ERR_USAGE, _("--%s is missing"), nodes ? "pods" : "nodes");
        return err_hint(err, _("--nodes FILE and --pods FILE are both needed"));
    }
    policy = policy ? policy : replay_policy_names[REPLAY_SWAN];
    if ((rc = read_fleet(nodes, &fleet, call->arena, err)) ||
        (rc = read_stream(pods, &fleet, &stream, call->arena, err)))
        return rc;
    enum replay_policy chosen = (enum replay_policy)json_enum_find(replay_policy_names, policy);
    int64_t begin = clock_mono_ms();
    if ((rc = replay_run(&fleet, &stream, chosen, (uint64_t)cli_integer(call, "seed", 0), &result,
                         call->arena, err)))
        return rc;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (call->format == CLI_TABLE) {
        show(call, &stream, policy, &result, (double)(clock_mono_ms() - begin) / 1000);
        return ERR_OK;
    }
    replay_write(&fleet, &stream, chosen, &result, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

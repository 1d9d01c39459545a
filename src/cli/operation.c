/* operation.c - waiting for a request that the server works on as an operation (202).
 *
 * Contract: the reply becomes what the request would have been answered, so that no caller need
 * know.  Ctrl-C cancels the server's work and waits for it to end; the old handler is put back.  A
 * server that is away for a moment is asked again: what was told of is never lost there. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define LOOK_MS 100 /* between two looks, at first */
#define LOOK_MOST_MS 500
#define LOSSES_MAX 20 /* looks that fail in a row: 10 s without a server */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

bool cli_is_operation(const struct cli_request *request, const struct http_reply *reply)
{
    const char *location = http_reply_header(reply, "Location");
    return reply->status == 202 && request->method && str_eq(request->method, "POST") && location &&
           str_has_prefix(location, "/api/v1/operations/");
}

static void draw(struct cli_call *call, const struct json_value *status)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    double elapsed = json_number(json_get(status, "elapsed_s"), 0);
    double limit = json_number(json_get(status, "time_limit_s"), 0);
    if (!call->terminal || !call->people)
        return;
    cli_add_bar(&line, json_number(json_get(status, "progress"), 0), S_GREEN);
    buf_printf(&line, " %s",
               limit > 0 ? arena_printf(call->arena, _("%s of at most %s; Ctrl-C stops it"),
                                        cli_seconds(call->arena, elapsed),
                                        cli_seconds(call->arena, limit))
                         : cli_word("state", "waiting"));
    cli_say(call, "\r  %s\033[K", buf_str(&line));
    fflush(call->people);
}

/* One look; *ret_ended with the reply in place. */
static enum err_code look(struct cli_call *call, const char *path, struct http_reply *reply,
                          bool *ret_ended, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = cli_get(call, path, &doc, err);
    if (rc)
        return rc;
    const struct json_value *status = json_get(json_root(doc), "status");
    const struct json_value *answer = json_get(status, "answer");
    const struct json_value *problem = json_get(status, "problem");
    if (str_eq(json_text(json_get(status, "state"), ""), "running")) {
        draw(call, status);
        return ERR_OK;
    }
    if (answer || problem)
        json_write(answer ? answer : problem, JSON_COMPACT, &text);
    reply->status = (int)json_int(json_get(status, "http_status"), answer ? 200 : 500);
    reply->body = arena_strdup(call->arena, buf_str(&text));
    reply->body_len = text.len;
    *ret_ended = true;
    return ERR_OK;
}

static enum err_code wait_for(struct cli_call *call, const char *path, struct http_reply *reply,
                              struct err *err)
{
    bool ended = false, told = false;
    int losses = 0;
    int64_t pause_ms = LOOK_MS;
    for (;;) {
        if (interrupted && !told) {
            told = !cli_send(call, &(struct cli_request){.method = "DELETE", .path = path},
                             &(struct http_reply){.status = 0}, NULL);
            pause_ms = LOOK_MS;
        }
        enum err_code rc = look(call, path, reply, &ended, err);
        losses = rc ? losses + 1 : 0;
        if ((rc && rc != ERR_TRANSIENT) || losses == LOSSES_MAX || (rc && interrupted))
            return rc;
        if (ended)
            return ERR_OK;
        if (!rc)
            err_clear(err);
        clock_sleep_ms(rc ? LOOK_MOST_MS : pause_ms);
        pause_ms = pause_ms * 2 < LOOK_MOST_MS ? pause_ms * 2 : LOOK_MOST_MS;
    }
}

enum err_code cli_await_operation(struct cli_call *call, struct http_reply *reply, struct err *err)
{
    const char *path = arena_strdup(call->arena, http_reply_header(reply, "Location"));
    struct sigaction act = {.sa_handler = on_interrupt}, before;
    interrupted = 0;
    sigaction(SIGINT, &act, &before);
    enum err_code rc = wait_for(call, path, reply, err);
    sigaction(SIGINT, &before, NULL);
    if (call->terminal && call->people)
        cli_say(call, "\r\033[K");
    return rc;
}

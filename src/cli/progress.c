/* progress.c - following a run: live bars on a terminal, one line an event elsewhere.
 *
 * Contract: one thread talks to the server (events by SSE; when the stream breaks, polling), one
 * draws ten times a second; they share the latest status under a lock.  Events only say "look
 * again": the truth is always the run itself, read after each event and at least every two seconds.
 * Ctrl-C lets go of the run and never touches it; the old handler is put back. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define DRAW_MS 100
#define LOOK_AT_LEAST_MS 2000 /* between two reads while nothing is told */
#define LOOK_AT_MOST_MS 100   /* between two reads however much is told */
#define POLL_MS 500           /* where the stream does not work */
#define LOSSES_MAX 20         /* reads that fail in a row: 10 s without a server */
#define BAR_COLUMNS 24
#define TITLE_MAX 36

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct follow {
    struct cli_call *call;
    const char *path;        /* of the run */
    const struct plan *plan; /* for its words; NULL = not to be had */
    struct sse_reader reader;
    int64_t looked_at;
    bool told; /* an event came since */
    int losses;
    struct err lost;

    pthread_mutex_t lock;   /* guards what stands below */
    struct arena arenas[2]; /* the status lives in one, the next is read into the other */
    int current;
    struct run_status *status; /* NULL before the first read */
    int64_t status_at;         /* monotonic, when it was read */
    bool done;
    /* drawing */
    size_t drawn; /* lines on the screen */
    unsigned frame;
    int *shown; /* last state printed of each task, where there is no terminal */
    size_t shown_count;
};

static bool has_ended(const struct run_status *status)
{
    return status && (status->state == RUN_SUCCEEDED || status->state == RUN_FAILED ||
                      status->state == RUN_PARTLY || status->state == RUN_CANCELLED);
}

/* ---- plain lines ---- */

static void say_task(struct follow *follow, const struct run_task *task, struct arena *arena)
{
    struct cli_call *call = follow->call;
    const char *state = cli_task_state(follow->plan, task->state);
    const char *style = cli_state_style(state);
    cli_say(call, "%s%s%s  %s  %s%s%s%s\n", style ? style : "", cli_word("state", state),
            style ? S_RESET : "", cli_task_title(follow->plan, task->id, arena),
            task->site ? task->site : "", task->simulated ? _(" (simulated)") : "",
            task->error_text ? _(": ") : "",
            task->error_text ? cli_sentence(task->error_text, arena) : "");
}

static void say_changes(struct follow *follow)
{
    const struct run_status *status = follow->status;
    if (!follow->shown || follow->shown_count != status->tasks.count) {
        mem_free(follow->shown);
        follow->shown = mem_array(status->tasks.count, sizeof *follow->shown);
        follow->shown_count = status->tasks.count;
        for (size_t i = 0; i < status->tasks.count; i++)
            follow->shown[i] = RUN_TASK_WAITING;
    }
    for (size_t i = 0; i < status->tasks.count; i++) {
        const struct run_task *task = &status->tasks.items[i];
        if (follow->shown[i] == task->state)
            continue;
        follow->shown[i] = task->state;
        if (task->state != RUN_TASK_ELIGIBLE)
            say_task(follow, task, &follow->arenas[follow->current]);
    }
    if (follow->call->people)
        fflush(follow->call->people);
}

/* ---- bars ---- */

/* Where a task stands between what the server said and the estimate: it moves, but never to the
 * end by itself. */
static double share_of(const struct run_task *task)
{
    switch (task->state) {
    case RUN_TASK_SUCCEEDED:
    case RUN_TASK_UNDONE:
    case RUN_TASK_SKIPPED:
        return 1;
    case RUN_TASK_DOING:
    case RUN_TASK_VERIFYING:
        break;
    default:
        return task->progress;
    }
    double elapsed = task->started_at ? (double)(clock_now_ms() - task->started_at) / 1000 : 0;
    double guess = task->estimate_s > 0 && elapsed > 0 ? elapsed / task->estimate_s : 0;
    guess = guess > 0.95 ? 0.95 : guess;
    return task->progress > guess ? task->progress : guess;
}

void cli_add_bar(struct buf *out, double share, const char *style)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)(share * BAR_COLUMNS * 8);
    eighths = eighths < 0 ? 0 : eighths > BAR_COLUMNS * 8 ? BAR_COLUMNS * 8 : eighths;
    int columns = eighths / 8, rest = eighths % 8;
    buf_add_str(out, style);
    for (int i = 0; i < columns; i++)
        buf_add_str(out, "█");
    buf_add_str(out, parts[rest]);
    buf_printf(out, "%s%s", S_RESET, S_DIM);
    for (int i = columns + (rest > 0); i < BAR_COLUMNS; i++)
        buf_add_str(out, "·");
    buf_add_str(out, S_RESET);
}

static const char *sign_of(const struct follow *follow, const struct run_task *task)
{
    static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    switch (task->state) {
    case RUN_TASK_SUCCEEDED:
        return S_GREEN "✔" S_RESET;
    case RUN_TASK_FAILED:
        return S_RED "✘" S_RESET;
    case RUN_TASK_DOING:
    case RUN_TASK_VERIFYING:
    case RUN_TASK_UNDOING:
        return spinner[follow->frame % ARRAY_LEN(spinner)];
    case RUN_TASK_UNDONE:
        return str_eq(cli_task_state(follow->plan, task->state), "removed") ? S_GREEN "✔" S_RESET
                                                                            : S_YELLOW "↺" S_RESET;
    default:
        return S_DIM "·" S_RESET;
    }
}

static const char *side_note(const struct follow *follow, const struct run_task *task,
                             struct arena *arena)
{
    const char *code = cli_task_state(follow->plan, task->state);
    const char *state = cli_word("state", code);
    bool good = task->state == RUN_TASK_SUCCEEDED || str_eq(code, "removed");
    if (good && task->started_at && task->ended_at)
        return cli_seconds(arena, (double)(task->ended_at - task->started_at) / 1000);
    if (task->error_text && !good)
        return arena_printf(arena, _("%s, try %lld: %s"), state, (long long)task->attempt,
                            cli_sentence(task->error_text, arena));
    if (task->state == RUN_TASK_WAITING && task->wait_reason)
        return cli_join(arena, state, " · ", cli_sentence(task->wait_reason, arena));
    return state;
}

static void add_line(struct buf *out, const char *text)
{
    buf_printf(out, "%s\n", text);
}

static void draw_task(struct follow *follow, const struct run_task *task, size_t name_width,
                      struct arena *arena, struct buf *out)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    const char *style = task->state == RUN_TASK_FAILED      ? S_RED
                        : task->state == RUN_TASK_UNDOING   ? S_YELLOW
                        : task->state == RUN_TASK_SUCCEEDED ? S_GREEN
                                                            : S_CYAN;
    const char *title = cli_task_title(follow->plan, task->id, arena);
    const char *name = cli_pad(cli_fit(title, name_width, arena), name_width, false, arena);
    buf_printf(&line, "  %s %s ", sign_of(follow, task), name);
    cli_add_bar(&line, share_of(task), style);
    size_t used = 2 + 2 + name_width + 1 + BAR_COLUMNS + 1;
    size_t width = (size_t)(follow->call->width > 0 ? follow->call->width : 80);
    if (width > used + 4)
        buf_printf(&line, " %s%s%s", S_DIM,
                   cli_fit(side_note(follow, task, arena), width - used - 1, arena), S_RESET);
    add_line(out, buf_str(&line));
}

/* A task that is of interest when not all of them fit. */
static bool is_busy(const struct run_task *task)
{
    return task->state == RUN_TASK_DOING || task->state == RUN_TASK_VERIFYING ||
           task->state == RUN_TASK_UNDOING || task->state == RUN_TASK_FAILED;
}

static void draw_total(struct follow *follow, struct arena *arena, struct buf *out)
{
    const struct run_status *status = follow->status;
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    double passed = (double)(clock_mono_ms() - follow->status_at) / 1000;
    double left = status->eta_s > passed ? status->eta_s - passed : 0;
    const char *state = json_enum_name(run_state_names, status->state);
    buf_printf(&line, "  %s%s%s ", S_BOLD, cli_word("state", state), S_RESET);
    cli_add_bar(&line, status->progress, status->state == RUN_UNDOING ? S_YELLOW : S_GREEN);
    buf_printf(&line, " %s",
               arena_printf(arena, P_("%lld/%lld task", "%lld/%lld tasks", status->tasks_total),
                            (long long)status->tasks_done, (long long)status->tasks_total));
    if (!has_ended(status) && left > 0)
        buf_printf(&line, " · %s",
                   arena_printf(arena, _("about %s left"), cli_seconds(arena, left)));
    add_line(out, buf_str(&line));
}

static size_t widest_title(const struct follow *follow, struct arena *arena)
{
    size_t widest = 8;
    for (size_t i = 0; i < follow->status->tasks.count; i++) {
        size_t width =
            str_width(cli_task_title(follow->plan, follow->status->tasks.items[i].id, arena));
        widest = width > widest ? width : widest;
    }
    return widest < TITLE_MAX ? widest : TITLE_MAX;
}

/* Called with the lock held. */
static void draw(struct follow *follow)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    const struct run_status *status = follow->status;
    if (!status)
        return;
    size_t room = (size_t)cli_terminal_height() > 6 ? (size_t)cli_terminal_height() - 4 : 2;
    bool all = status->tasks.count <= room;
    size_t lines = 0, width = widest_title(follow, &arena);
    for (size_t i = 0; i < status->tasks.count && lines < room; i++) {
        if (!all && !is_busy(&status->tasks.items[i]))
            continue;
        draw_task(follow, &status->tasks.items[i], width, &arena, &out);
        lines++;
    }
    draw_total(follow, &arena, &out);
    lines++;
    follow->frame++;
    if (follow->drawn)
        fprintf(stdout, "\033[%zuA", follow->drawn);
    fputs("\r\033[J", stdout);
    cli_emit(stdout, follow->call->colour, buf_str(&out));
    fflush(stdout);
    follow->drawn = lines;
}

static void *drawing(void *self)
{
    struct follow *follow = self;
    pthread_mutex_lock(&follow->lock);
    while (!follow->done) {
        draw(follow);
        pthread_mutex_unlock(&follow->lock);
        clock_sleep_ms(DRAW_MS);
        pthread_mutex_lock(&follow->lock);
    }
    pthread_mutex_unlock(&follow->lock);
    return NULL;
}

/* ---- reading ---- */

static enum err_code look(struct follow *follow, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct arena *arena = &follow->arenas[1 - follow->current];
    struct cli_call call = *follow->call;
    arena_clear(arena);
    call.arena = arena;
    follow->told = false;
    follow->looked_at = clock_mono_ms();
    struct run_status *status = arena_zalloc(arena, sizeof *status);
    enum err_code rc = cli_get(&call, follow->path, &doc, err);
    if (!rc)
        rc = cli_decode(json_get(json_root(doc), "status"), &run_status_table, status, arena, err);
    if (rc && !err_is_retryable(rc))
        return rc;
    if (rc) { /* the server restarts: the run waits for it, and so do we */
        follow->losses++;
        return follow->losses >= LOSSES_MAX ? rc : ERR_OK;
    }
    follow->losses = 0;
    const struct plan *plan = follow->plan;
    if (!plan && !follow->status)
        plan = cli_load_plan(follow->call, json_text(json_path(json_root(doc), "spec.plan"), NULL));
    pthread_mutex_lock(&follow->lock);
    follow->plan = plan;
    follow->status = status;
    follow->status_at = clock_mono_ms();
    follow->current = 1 - follow->current;
    if (!follow->call->terminal && follow->call->people)
        say_changes(follow);
    pthread_mutex_unlock(&follow->lock);
    return ERR_OK;
}

static bool should_end(const struct follow *follow)
{
    return interrupted || follow->lost.code || has_ended(follow->status);
}

/* Reads when something was told or it is time; what fails is kept and ends the following. */
static void look_if_due(struct follow *follow)
{
    int64_t since = clock_mono_ms() - follow->looked_at;
    if (should_end(follow) || (follow->told ? since < LOOK_AT_MOST_MS : since < LOOK_AT_LEAST_MS))
        return;
    look(follow, &follow->lost);
    if (follow->losses && follow->losses < LOSSES_MAX)
        err_clear(&follow->lost);
}

static void on_event(void *ctx, const char *id, const char *event, const char *data)
{
    struct follow *follow = ctx;
    (void)id;
    (void)event;
    (void)data;
    follow->told = true;
}

static void pause_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&time, NULL); /* ends early when a signal comes */
}

/* What was told soon after a look is looked at when it may be, not when something else comes: a
 * quiet stream calls on_time only once a second. */
static enum err_code on_data(void *ctx, const char *data, size_t len, struct err *err)
{
    struct follow *follow = ctx;
    sse_reader_feed(&follow->reader, data, len);
    int64_t since = clock_mono_ms() - follow->looked_at;
    if (follow->told && !should_end(follow) && since < LOOK_AT_MOST_MS)
        pause_ms(LOOK_AT_MOST_MS - since);
    look_if_due(follow);
    return should_end(follow) ? err_set(err, ERR_CANCELLED, "%s", "enough") : ERR_OK;
}

static bool on_time(void *ctx, double share)
{
    struct follow *follow = ctx;
    (void)share;
    look_if_due(follow);
    return !should_end(follow);
}

/* Until the run ends, the stream breaks, or somebody lets go. */
static void stream(struct follow *follow)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cli_call *call = follow->call;
    struct http_header_pair headers[1];
    size_t count = 0;
    struct http_reply reply;
    struct cli_call own = *call;
    own.arena = &arena;
    if (call->token)
        headers[count++] = cli_authorization(&own);
    struct http_call http = {
        .method = "GET",
        .url = arena_printf(&arena, "%s%s?watch=true", call->server, follow->path),
        .headers = headers,
        .header_count = count,
        .timeout_ms = -1,
        .on_data = on_data,
        .on_progress = on_time,
        .ctx = follow,
    };
    http_call(&http, &reply, &arena, NULL);
}

static void follow_to_end(struct follow *follow)
{
    look(follow, &follow->lost);
    while (!should_end(follow)) {
        if (follow->losses == 0)
            stream(follow);
        if (should_end(follow))
            break;
        pause_ms(POLL_MS);
        follow->told = true;
        look_if_due(follow);
    }
}

static void copy_status(struct follow *follow, struct run_status *out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    memset(out, 0, sizeof *out);
    if (!follow->status)
        return;
    json_encode(&run_status_table, follow->status, JSON_COMPACT, &text);
    json_decode_stored(buf_str(&text), &run_status_table, out, follow->call->arena, NULL);
}

enum err_code cli_follow(struct cli_call *call, const char *run, struct run_status *out,
                         struct err *err)
{
    struct follow follow = {
        .call = call,
        .path = cli_path(call->arena, "/api/v1/runs/", run, NULL),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .arenas = {ARENA_INIT, ARENA_INIT},
        .lost = ERR_INIT,
    };
    struct sigaction act = {.sa_handler = on_interrupt}, before;
    pthread_t thread;
    follow.reader.on_event = on_event;
    follow.reader.ctx = &follow;
    interrupted = 0;
    sigaction(SIGINT, &act, &before);
    bool draws = call->terminal && call->people && !pthread_create(&thread, NULL, drawing, &follow);
    follow_to_end(&follow);
    pthread_mutex_lock(&follow.lock);
    follow.done = true;
    if (draws)
        draw(&follow);
    pthread_mutex_unlock(&follow.lock);
    if (draws)
        pthread_join(thread, NULL);
    sigaction(SIGINT, &before, NULL);
    copy_status(&follow, out);
    sse_reader_done(&follow.reader);
    arena_done(&follow.arenas[0]);
    arena_done(&follow.arenas[1]);
    mem_free(follow.shown);
    if (has_ended(out))
        return ERR_OK;
    if (interrupted) {
        err_set(err, ERR_PARTIAL, _("let go of run %s, which goes on"), run);
        return err_hint(err, _("follow it: swan run watch %s; stop it: swan run cancel %s"), run,
                        run);
    }
    if (err)
        *err = follow.lost;
    if (follow.losses)
        err_hint(err, _("the run goes on when the server does; follow it: swan run watch %s"), run);
    return follow.lost.code;
}

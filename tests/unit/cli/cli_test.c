/* cli_test.c - see cli_test.h. */
#include "cli_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

static struct world *current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void ran_done(struct ran *ran)
{
    buf_done(&ran->out);
    buf_done(&ran->err);
}

/* The command line, in a process of its own: argv is {"as-swan", URL, "swan", word…}. */
int run_as_swan(int argc, char **argv)
{
    static const struct cli_hooks hooks = {.version = "9.9.9"};
    setenv("SWAN_LANG", getenv("TEST_LANG") ? getenv("TEST_LANG") : "en", 1);
    setenv("TZ", "UTC", 1);
    if (!getenv("TEST_HOME"))
        setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    setenv("SWAN_SERVER", argv[1], 1);
    setenv("SWAN_TOKEN", "swan_right", 0);
    return cli_main(argc - 2, argv + 2, &hooks);
}

/* The scripted server has threads: until exec only what is safe after a fork of such a process,
 * which allocating is not (another thread may hold the allocator's lock for ever). */
static void child(char **argv, const int in[2], const int out[2], const int err[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    close(in[1]);
    close(out[0]);
    close(err[0]);
    execv("/proc/self/exe", argv);
    _exit(127);
}

static void drain(int fd, struct buf *out)
{
    char block[4096];
    ssize_t got;
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    close(fd);
}

struct drainer {
    int fd;
    struct buf *out;
};

static void *drain_thread(void *self)
{
    struct drainer *drainer = self;
    drain(drainer->fd, drainer->out);
    return NULL;
}

struct ran run_cli(const char *input, ...)
{
    struct ran ran = {-1, BUF_INIT, BUF_INIT};
    char *argv[34] = {(char *)"as-swan", current ? current->url : (char *)"http://127.0.0.1:1",
                      (char *)"swan"};
    int argc = 3, in[2], out[2], err[2], status = 0;
    va_list args;
    va_start(args, input);
    for (char *word; (word = va_arg(args, char *)) && argc < 33;)
        argv[argc++] = word;
    va_end(args);
    assert_int_equal(pipe(in) | pipe(out) | pipe(err), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(argv, in, out, err);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    pthread_t thread;
    struct drainer drainer = {err[0], &ran.err};
    pthread_create(&thread, NULL, drain_thread, &drainer);
    if (input && write(in[1], input, strlen(input)) < 0)
        fail_msg("the child takes no input");
    close(in[1]);
    drain(out[0], &ran.out);
    pthread_join(thread, NULL);
    waitpid(pid, &status, 0);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

void assert_has(const struct buf *text, const char *part)
{
    if (!strstr(buf_str(text), part))
        fail_msg("'%s' is not in:\n%s", part, buf_str(text));
}

void assert_lacks(const struct buf *text, const char *part)
{
    if (strstr(buf_str(text), part))
        fail_msg("'%s' is in:\n%s", part, buf_str(text));
}

/* ---- the scripted server ---- */

static const char *const unauthenticated =
    "{\"type\":\"urn:swan:problem:unauthenticated\",\"title\":\"Not authenticated\",\"status\":401,"
    "\"detail\":\"this token is not known, or no longer\",\"code\":\"unauthenticated\","
    "\"class\":\"credential\",\"retryable\":false}";

static const struct step *find_step(struct world *world, const struct http_request *request)
{
    size_t last = world->count;
    for (size_t i = 0; i < world->count; i++) {
        if (!str_eq(world->steps[i].method, request->method) ||
            !str_eq(world->steps[i].path, request->path))
            continue;
        last = i;
        if (world->used[i] == 0)
            break;
    }
    if (last == world->count)
        return NULL;
    world->used[last]++;
    return &world->steps[last];
}

static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    struct world *world = ctx;
    const char *token = http_header(request, "Authorization");
    pthread_mutex_lock(&lock);
    buf_printf(&world->requests, "%s %s %s\n", request->method, request->path, request->body);
    if (http_header(request, "Idempotency-Key"))
        buf_printf(&world->idempotent, "%s %s\n", request->method, request->path);
    const struct step *step = NULL;
    if (!str_eq(token, "Bearer swan_right")) {
        response->status = 401;
        response->content_type = "application/problem+json";
        buf_add_str(&response->body, unauthenticated);
    } else if (http_query(request, "watch")) { /* no stream here: the poll does it */
        response->status = 404;
        buf_add_str(&response->body, "{}");
    } else if ((step = find_step(world, request))) {
        response->status = step->status ? step->status : 200;
        buf_add_str(&response->body, step->body);
    } else {
        response->status = 404;
        buf_add_str(&response->body, "{\"code\":\"not-found\",\"detail\":\"no such thing\"}");
    }
    pthread_mutex_unlock(&lock);
}

void world_start(struct world *world, const struct step *steps, size_t count)
{
    if (current) /* a test before failed and left its own */
        world_stop(current);
    *world = (struct world){.steps = steps,
                            .count = count,
                            .used = mem_array(count, sizeof *world->used),
                            .requests = BUF_INIT,
                            .idempotent = BUF_INIT};
    struct http_server_options options = {
        .address = "127.0.0.1", .threads = 2, .handler = handle, .ctx = world};
    struct err err = ERR_INIT;
    if (http_server_start(&options, &world->server, &err))
        fail_msg("%s", err.text);
    str_format(world->url, sizeof world->url, "http://127.0.0.1:%d",
               http_server_port(world->server));
    current = world;
}

void world_stop(struct world *world)
{
    current = NULL;
    http_server_stop(world->server);
    buf_done(&world->requests);
    buf_done(&world->idempotent);
    mem_free(world->used);
}

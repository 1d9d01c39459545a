/* engine_double.c - one thread, one connection at a time, each closed after its answer. */
#include "engine_double.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define REQUEST_MAX ((size_t)1 << 20)
#define ANSWERS_MAX 64

static struct {
    pthread_t thread;
    int listener, wake[2];
    const struct engine_answer *answers;
    int used[ANSWERS_MAX];
    struct buf log;
    char path[108];
} engine;

/* The whole request, by its Content-Length. */
static void read_request(int fd, struct buf *request)
{
    char chunk[4096];
    for (;;) {
        const char *end = strstr(buf_str(request), "\r\n\r\n");
        if (end != NULL) {
            size_t head = (size_t)(end - request->data) + 4;
            const char *field = strcasestr(request->data, "\r\nContent-Length:");
            size_t body = field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0;
            if (request->len >= head + body) {
                return;
            }
        }
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0 || request->len > REQUEST_MAX) {
            return;
        }
        buf_add(request, chunk, (size_t)n);
    }
}

static const struct engine_answer *find_answer(const char *request)
{
    static const struct engine_answer none = {NULL, 404, "{\"message\":\"no script\"}", 0, 0};
    for (size_t i = 0; engine.answers[i].request != NULL; i++) {
        const struct engine_answer *answer = &engine.answers[i];
        assert(i < ANSWERS_MAX);
        if (strncmp(request, answer->request, strlen(answer->request)) == 0 &&
            (answer->times == 0 || engine.used[i] < answer->times)) {
            engine.used[i]++;
            return answer;
        }
    }
    return &none;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

static void serve(int fd)
{
    struct buf request = BUF_INIT, reply = BUF_INIT;
    read_request(fd, &request);
    const char *text = buf_str(&request);
    const char *body = strstr(text, "\r\n\r\n");
    size_t line = strcspn(text, "\r\n");
    buf_printf(&engine.log, "%.*s\n%s\n", (int)(line > 9 ? line - 9 : line), text,
               body != NULL ? body + 4 : "");
    const struct engine_answer *answer = find_answer(text);
    const char *content = answer->body != NULL ? answer->body : "";
    if (answer->status == 0) {
        buf_add_str(&reply, content);
    } else {
        buf_printf(&reply,
                   "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n",
                   answer->status);
        if (answer->status != 204 && answer->status != 304) {
            buf_printf(&reply, "Content-Length: %zu\r\n", strlen(content) + answer->pad);
        }
        buf_printf(&reply, "\r\n%s", content);
    }
    for (size_t i = 0; i < answer->pad; i++) {
        buf_add_char(&reply, ' ');
    }
    send_all(fd, reply.data, reply.len);
    buf_done(&request);
    buf_done(&reply);
}

static void *run(void *ctx)
{
    (void)ctx;
    for (;;) {
        struct pollfd waits[2] = {{engine.listener, POLLIN, 0}, {engine.wake[0], POLLIN, 0}};
        poll(waits, 2, -1);
        if (waits[1].revents != 0) {
            return NULL;
        }
        int fd = accept(engine.listener, NULL, NULL);
        if (fd >= 0) {
            serve(fd);
            close(fd);
        }
    }
}

void engine_double_start(const char *socket_path, const struct engine_answer *answers)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    snprintf(engine.path, sizeof engine.path, "%s", socket_path);
    memset(engine.used, 0, sizeof engine.used);
    engine.answers = answers;
    engine.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = bind(engine.listener, (struct sockaddr *)&address, sizeof address);
    failed |= listen(engine.listener, 16);
    failed |= pipe(engine.wake);
    failed |= pthread_create(&engine.thread, NULL, run, NULL);
    assert(failed == 0);
    (void)failed;
}

void engine_double_stop(void)
{
    if (engine.path[0] == '\0') {
        return;
    }
    ssize_t n = write(engine.wake[1], "x", 1);
    assert(n == 1);
    (void)n;
    pthread_join(engine.thread, NULL);
    close(engine.listener);
    close(engine.wake[0]);
    close(engine.wake[1]);
    unlink(engine.path);
    engine.path[0] = '\0';
    buf_done(&engine.log);
    buf_init(&engine.log, 0);
}

const char *engine_double_log(void)
{
    return buf_str(&engine.log);
}

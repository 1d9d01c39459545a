/* wire_test.c - see wire_test.h. */
#include "wire_test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#define STREAMS_MAX 512

struct test_server {
    struct http_server *http;
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct http_stream *streams[STREAMS_MAX];
    size_t made, taken;
};

static int64_t number(struct http_request *request, const char *name)
{
    int64_t n = 0;
    const char *text = http_query(request, name);
    if (text)
        str_to_int64(text, &n, NULL);
    return n;
}

static void add_pair(void *ctx, const char *name, const char *value)
{
    buf_printf(ctx, "%s=%s;", name, value);
}

static void echo(struct http_request *request, struct http_response *response)
{
    buf_add(&response->body, request->body, request->body_len);
    http_add_header(response, "X-Method", request->method);
    http_add_header(response, "X-Path", request->path);
    http_add_header(response, "X-Peer", request->peer);
    if (http_query(request, "q"))
        http_add_header(response, "X-Q", http_query(request, "q"));
    if (http_header(request, "x-IN"))
        http_add_header(response, "X-In", http_header(request, "x-IN"));
}

static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    struct test_server *server = ctx;
    response->content_type = "text/plain";
    if (str_eq(request->path, "/hello")) {
        buf_add_str(&response->body, "hello");
    } else if (str_eq(request->path, "/echo")) {
        echo(request, response);
    } else if (str_eq(request->path, "/big")) {
        char piece[1024];
        memset(piece, 'b', sizeof piece);
        for (int64_t left = number(request, "n"); left > 0; left -= (int64_t)sizeof piece)
            buf_add(&response->body, piece,
                    left < (int64_t)sizeof piece ? (size_t)left : sizeof piece);
    } else if (str_eq(request->path, "/slow")) {
        clock_sleep_ms(number(request, "ms"));
        buf_add_str(&response->body, "slow");
    } else if (str_eq(request->path, "/queries")) {
        http_each_query(request, add_pair, &response->body);
    } else if (str_eq(request->path, "/status")) {
        response->status = (int)number(request, "n");
        if (http_query(request, "to"))
            http_add_header(response, "Location", http_query(request, "to"));
    } else if (str_eq(request->path, "/stream")) {
        response->content_type = NULL;
        response->stream = http_stream_new((size_t)number(request, "max"));
        buf_add_str(&response->body, ": first\n\n");
        pthread_mutex_lock(&server->lock);
        server->streams[server->made++ % STREAMS_MAX] = response->stream;
        pthread_cond_broadcast(&server->came);
        pthread_mutex_unlock(&server->lock);
    } else {
        response->status = 404;
        buf_printf(&response->body, "nothing at %s", request->path);
    }
}

struct test_server *test_server_start(void (*change)(struct http_server_options *options))
{
    struct test_server *server = mem_zalloc(sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->came, NULL);
    struct http_server_options options = {
        .address = "127.0.0.1", .threads = 2, .handler = handle, .ctx = server};
    if (change)
        change(&options);
    struct err err = ERR_INIT;
    if (http_server_start(&options, &server->http, &err))
        fail_msg("the server does not start: %s", err.text);
    return server;
}

void test_server_stop(struct test_server *server)
{
    http_server_stop(server->http);
    while (server->taken < server->made)
        http_stream_unref(server->streams[server->taken++ % STREAMS_MAX]);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->came);
    mem_free(server);
}

struct http_server *test_server_http(struct test_server *server)
{
    return server->http;
}

int test_server_port(struct test_server *server)
{
    return http_server_port(server->http);
}

const char *test_server_url(struct test_server *server, struct arena *arena, const char *path)
{
    return arena_printf(arena, "http://127.0.0.1:%d%s", test_server_port(server), path);
}

struct http_stream *test_server_stream(struct test_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (server->taken == server->made)
        pthread_cond_wait(&server->came, &server->lock);
    struct http_stream *stream = server->streams[server->taken++ % STREAMS_MAX];
    pthread_mutex_unlock(&server->lock);
    return stream;
}

int raw_connect(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool raw_try_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

void raw_send(int fd, const char *text)
{
    assert_true(raw_try_send(fd, text, strlen(text)));
}

bool raw_read(int fd, struct buf *out, const char *until, int64_t timeout_ms)
{
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    for (;;) {
        if (until && out->len > 0 && strstr(out->data, until))
            return false;
        int64_t left_ms = end_ms - clock_mono_ms();
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) <= 0)
            return false;
        char piece[4096];
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return true;
        buf_add(out, piece, (size_t)n);
    }
}

int raw_status(const struct buf *answer)
{
    return answer->len > 12 && memcmp(answer->data, "HTTP/1.", 7) == 0 ? atoi(answer->data + 9) : 0;
}

int raw_exchange(int port, const char *text)
{
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    int fd = raw_connect(port);
    raw_send(fd, text);
    shutdown(fd, SHUT_WR);
    bool closed = raw_read(fd, &answer, NULL, 5000);
    close(fd);
    if (!closed)
        fail_msg("the server holds the connection after: %s", text);
    return raw_status(&answer);
}

void temp_dir_make(char out[64])
{
    snprintf(out, 64, "/tmp/swan-wire-XXXXXX");
    assert_non_null(mkdtemp(out));
}

void temp_dir_remove(const char *path)
{
    assert_int_equal(file_remove_tree(path, NULL), ERR_OK);
}

int shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    CLEANUP(mem_free_at) char *command = mem_vprintf(format, args);
    va_end(args);
    int status = system(command); /* NOLINT: test code with its own words */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

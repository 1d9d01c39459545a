/* SSE: order and loss, peers that vanish, slow readers, many streams at once. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire_test.h"

struct reading {
    struct test_server *server;
    struct sse_reader reader;
    int events, wrong;
    bool by_event_name;
};

static void count_event(void *ctx, const char *id, const char *event, const char *data)
{
    struct reading *reading = ctx;
    char expected[32];
    snprintf(expected, sizeof expected, "%d", reading->events);
    if (!id || strcmp(id, expected) != 0 || strcmp(event, "tick") != 0 ||
        strncmp(data, expected, strlen(expected)) != 0)
        reading->wrong++;
    reading->events++;
}

static enum err_code feed(void *ctx, const char *data, size_t len, struct err *err)
{
    (void)err;
    struct reading *reading = ctx;
    sse_reader_feed(&reading->reader, data, len);
    return ERR_OK;
}

static void *read_stream(void *ctx)
{
    struct reading *reading = ctx;
    struct arena arena = ARENA_INIT;
    reading->reader.on_event = count_event;
    reading->reader.ctx = reading;
    struct http_reply reply = {0};
    struct http_call request = {.url = test_server_url(reading->server, &arena, "/stream"),
                                .timeout_ms = -1,
                                .on_data = feed,
                                .ctx = reading};
    if (http_call(&request, &reply, &arena, NULL) || reply.status != 200 ||
        strcmp(reply.content_type, "text/event-stream") != 0)
        reading->wrong++;
    sse_reader_done(&reading->reader);
    arena_done(&arena);
    return NULL;
}

static void send_ticks(struct http_stream *stream, int from, int to, size_t padding)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT;
    for (int i = from; i < to; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        buf_clear(&data);
        buf_printf(&data, "%d", i);
        for (size_t k = 0; k < padding; k++)
            buf_add_char(&data, k % 50 == 9 ? '\n' : '.');
        struct err err = ERR_INIT;
        if (http_stream_send(stream, id, "tick", data.data, &err))
            fail_msg("event %d: %s", i, err.text);
    }
}

static void test_events_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    struct reading reading = {.server = server};
    pthread_t thread;
    pthread_create(&thread, NULL, read_stream, &reading);
    struct http_stream *stream = test_server_stream(server);
    send_ticks(stream, 0, 2000, 0);
    for (int i = 2000; i < 2100; i++) {
        send_ticks(stream, i, i + 1, 3000);
        clock_sleep_ms(1);
        assert_int_equal(http_stream_comment(stream, "still here", NULL), ERR_OK);
    }
    http_stream_end(stream);
    assert_int_equal(http_stream_send(stream, NULL, NULL, "late", NULL), ERR_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(reading.wrong, 0);
    assert_int_equal(reading.events, 2100);
    http_stream_unref(stream);
    test_server_stop(server);
}

static void test_the_body_comes_first_and_headers_keep_proxies_from_waiting(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int fd = raw_connect(test_server_port(server));
    raw_send(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_stream *stream = test_server_stream(server);
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    assert_int_equal(http_stream_send(stream, NULL, NULL, "x\ny", NULL), ERR_OK);
    raw_read(fd, &answer, "data: y\n", 5000);
    assert_non_null(strstr(answer.data, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(answer.data, "Cache-Control: no-cache\r\n"));
    assert_non_null(strstr(answer.data, "X-Accel-Buffering: no\r\n"));
    char *first = strstr(answer.data, ": first\n\n"),
         *then = strstr(answer.data, "data: x\ndata: y");
    assert_true(first && then && first < then);
    assert_int_equal(http_stream_send(stream, "a\nb", NULL, "x", NULL), ERR_INVALID);
    assert_int_equal(http_stream_send(stream, NULL, "a\rb", "x", NULL), ERR_INVALID);
    assert_true(http_stream_is_open(stream));
    http_stream_unref(stream);
    close(fd);
    test_server_stop(server);
}

static void test_a_peer_that_vanished_is_noticed(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    for (int reset = 0; reset < 2; reset++) {
        int fd = raw_connect(test_server_port(server));
        raw_send(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
        struct http_stream *stream = test_server_stream(server);
        CLEANUP(buf_done) struct buf answer = BUF_INIT;
        raw_read(fd, &answer, ": first\n\n", 5000);
        assert_true(http_stream_is_open(stream));
        struct linger linger = {reset, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(fd);
        enum err_code rc = ERR_OK;
        for (int i = 0; i < 200 && !rc; i++) {
            rc = http_stream_comment(stream, "there?", NULL);
            clock_sleep_ms(5);
        }
        assert_int_equal(rc, ERR_CANCELLED);
        assert_false(http_stream_is_open(stream));
        http_stream_unref(stream);
    }
    struct http_server_figures figures = {.open_connections = 1};
    for (int i = 0; i < 1000 && (figures.open_connections || figures.open_streams); i++) {
        clock_sleep_ms(5);
        http_server_figures(test_server_http(server), &figures);
    }
    assert_int_equal(figures.open_streams, 0);
    assert_int_equal(figures.open_connections, 0);
    test_server_stop(server);
}

static void test_a_reader_that_does_not_read_is_ended_at_the_queue_limit(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int fd = raw_connect(test_server_port(server));
    raw_send(fd, "GET /stream?max=100000 HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_stream *stream = test_server_stream(server);
    char data[8192];
    memset(data, 'd', sizeof data - 1);
    data[sizeof data - 1] = '\0';
    enum err_code rc = ERR_OK;
    size_t sent = 0;
    while (!rc && sent < (size_t)64 << 20) {
        rc = http_stream_send(stream, NULL, NULL, data, NULL);
        sent += sizeof data;
    }
    assert_int_equal(rc, ERR_TOO_LARGE);
    assert_int_equal(http_stream_send(stream, NULL, NULL, "x", NULL), ERR_TOO_LARGE);
    assert_false(http_stream_is_open(stream));
    CLEANUP(buf_done) struct buf rest = BUF_INIT;
    assert_true(raw_read(fd, &rest, NULL, 5000));
    close(fd);
    http_stream_unref(stream);
    assert_int_equal(raw_exchange(test_server_port(server),
                                  "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     200);
    test_server_stop(server);
}

#define STREAMS 200

struct sender {
    struct http_stream **streams;
    int from, to;
    int failed;
};

static void *send_to_all(void *ctx)
{
    struct sender *sender = ctx;
    for (int round = 0; round < 20; round++) {
        for (int i = sender->from; i < sender->to; i++) {
            char id[32];
            snprintf(id, sizeof id, "%d", round);
            if (http_stream_send(sender->streams[i], id, "tick", id, NULL))
                sender->failed++;
        }
    }
    for (int i = sender->from; i < sender->to; i++) {
        http_stream_end(sender->streams[i]);
        http_stream_unref(sender->streams[i]);
    }
    return NULL;
}

static void test_200_streams_on_two_threads_lose_nothing_while_requests_go_on(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int fds[STREAMS];
    struct http_stream *streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        fds[i] = raw_connect(test_server_port(server));
        raw_send(fds[i], "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        streams[i] = test_server_stream(server);
    }
    struct http_server_figures figures = {0};
    for (int i = 0; i < 1000 && figures.open_streams < STREAMS; i++) {
        clock_sleep_ms(2);
        http_server_figures(test_server_http(server), &figures);
    }
    assert_int_equal(figures.open_streams, STREAMS);
    assert_int_equal(raw_exchange(test_server_port(server),
                                  "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     200);
    struct sender senders[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        senders[i] = (struct sender){streams, i * STREAMS / 4, (i + 1) * STREAMS / 4, 0};
        pthread_create(&threads[i], NULL, send_to_all, &senders[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(senders[i].failed, 0);
    }
    for (int i = 0; i < STREAMS; i++) {
        CLEANUP(buf_done) struct buf answer = BUF_INIT;
        assert_true(raw_read(fds[i], &answer, NULL, 5000));
        close(fds[i]);
        const char *at = answer.data;
        for (int round = 0; round < 20; round++) {
            char expected[64];
            snprintf(expected, sizeof expected, "id: %d\nevent: tick\ndata: %d\n\n", round, round);
            at = strstr(at, expected);
            assert_non_null(at);
        }
    }
    test_server_stop(server);
}

static void *end_streams(void *ctx)
{
    struct http_stream *stream = ctx;
    while (http_stream_comment(stream, "on", NULL) == ERR_OK)
        continue;
    return NULL;
}

static void test_stopping_ends_open_streams_while_others_still_send(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct test_server *server = test_server_start(NULL);
        struct reading reading[4] = {{0}};
        pthread_t readers[4], senders[4];
        struct http_stream *streams[4];
        for (int i = 0; i < 4; i++) {
            reading[i].server = server;
            pthread_create(&readers[i], NULL, read_stream, &reading[i]);
            streams[i] = test_server_stream(server);
        }
        for (int i = 0; i < 2; i++) /* the other two stay silent, suspended */
            pthread_create(&senders[i], NULL, end_streams, streams[i]);
        int64_t start_ms = clock_mono_ms();
        test_server_stop(server);
        assert_true(clock_mono_ms() - start_ms < 4000);
        for (int i = 0; i < 4; i++) {
            if (i < 2)
                pthread_join(senders[i], NULL);
            pthread_join(readers[i], NULL);
            assert_false(http_stream_is_open(streams[i]));
            http_stream_unref(streams[i]);
        }
    }
}

static void test_head_of_a_stream_ends_it(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    assert_int_equal(raw_exchange(test_server_port(server),
                                  "HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     200);
    struct http_stream *stream = test_server_stream(server);
    bool open = true;
    for (int i = 0; i < 1000 && open; i++) {
        clock_sleep_ms(2);
        open = http_stream_is_open(stream);
    }
    assert_false(open);
    http_stream_unref(stream);
    test_server_stop(server);
}

int wire_stream_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_arrive_whole_and_in_order),
        cmocka_unit_test(test_the_body_comes_first_and_headers_keep_proxies_from_waiting),
        cmocka_unit_test(test_a_peer_that_vanished_is_noticed),
        cmocka_unit_test(test_a_reader_that_does_not_read_is_ended_at_the_queue_limit),
        cmocka_unit_test(test_200_streams_on_two_threads_lose_nothing_while_requests_go_on),
        cmocka_unit_test(test_stopping_ends_open_streams_while_others_still_send),
        cmocka_unit_test(test_head_of_a_stream_ends_it),
    };
    return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}

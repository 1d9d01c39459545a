/* The server with clients that keep to the protocol. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "wire_test.h"

static struct http_reply call(struct test_server *server, struct arena *arena,
                              struct http_call request, const char *path)
{
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    request.url = test_server_url(server, arena, path);
    if (http_call(&request, &reply, arena, &err))
        fail_msg("%s: %s", path, err.text);
    return reply;
}

static void test_method_path_query_header_and_body_reach_the_handler(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_header_pair header = {"X-In", "through"};
    struct http_reply reply = call(server, &arena,
                                   (struct http_call){.method = "PATCH",
                                                      .headers = &header,
                                                      .header_count = 1,
                                                      .body = "a\0b",
                                                      .body_len = 3},
                                   "/ech%6f?q=%E7%AE%97+1&q=2");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, 3);
    assert_memory_equal(reply.body, "a\0b", 4);
    assert_string_equal(http_reply_header(&reply, "x-method"), "PATCH");
    assert_string_equal(http_reply_header(&reply, "X-Path"), "/echo");
    assert_string_equal(http_reply_header(&reply, "X-Peer"), "127.0.0.1");
    assert_string_equal(http_reply_header(&reply, "X-Q"), "算 1");
    assert_string_equal(http_reply_header(&reply, "X-In"), "through");
    assert_string_equal(reply.content_type, "text/plain");
    assert_non_null(http_reply_header(&reply, "Date"));
    assert_null(http_reply_header(&reply, "Server"));
    reply = call(server, &arena, (struct http_call){0}, "/queries?b=1&a=%26&b=2");
    assert_string_equal(reply.body, "b=1;a=&;b=2;");
    test_server_stop(server);
}

static void test_head_and_options_reach_the_handler(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = call(server, &arena, (struct http_call){.method = "HEAD"}, "/hello");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, 0);
    assert_string_equal(http_reply_header(&reply, "Content-Length"), "5");
    reply = call(server, &arena, (struct http_call){.method = "OPTIONS"}, "/echo");
    assert_string_equal(http_reply_header(&reply, "X-Method"), "OPTIONS");
    reply = call(server, &arena, (struct http_call){.method = "DELETE"}, "/status?n=204");
    assert_int_equal(reply.status, 204);
    test_server_stop(server);
}

static void test_requests_of_one_connection_do_not_see_each_other(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answers = BUF_INIT;
    /* Three at once: pipelined. */
    raw_send(fd, "POST /echo?q=1 HTTP/1.1\r\nHost: a\r\nX-In: one\r\nContent-Length: 5\r\n\r\nfirst"
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                 "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(raw_read(fd, &answers, NULL, 5000));
    close(fd);
    const char *second = strstr(answers.data + 1, "HTTP/1.1 200");
    assert_non_null(second);
    const char *third = strstr(second + 1, "HTTP/1.1 200");
    assert_non_null(third);
    assert_non_null(strstr(third, "\r\n\r\nhello"));
    char *seen = mem_strndup(second, (size_t)(third - second));
    assert_null(strstr(seen, "X-In"));
    assert_null(strstr(seen, "X-Q"));
    assert_non_null(strstr(seen, "Content-Length: 0"));
    mem_free(seen);
    struct http_server_figures figures;
    http_server_figures(test_server_http(server), &figures);
    assert_int_equal(figures.requests, 3);
    assert_int_equal(figures.connections, 1);
    test_server_stop(server);
}

static size_t larger_for_uploads(void *ctx, const struct http_request *request)
{
    (void)ctx;
    return strcmp(request->method, "PUT") == 0 && strcmp(request->path, "/echo") == 0 ? 4096 : 0;
}

static void small_bodies(struct http_server_options *options)
{
    options->max_body_bytes = 1024;
    options->body_limit = larger_for_uploads;
}

static void test_a_body_at_its_limit_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(small_bodies);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char body[4097];
    memset(body, 'y', sizeof body);
    struct http_header_pair chunked = {"Transfer-Encoding", "chunked"};
    const struct {
        const char *method;
        size_t len;
        int status;
    } cases[] = {{"POST", 1024, 200}, {"POST", 1025, 413}, {"PUT", 4096, 200}, {"PUT", 4097, 413}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        struct http_reply reply = call(server, &arena,
                                       (struct http_call){.method = cases[i / 2].method,
                                                          .headers = &chunked,
                                                          .header_count = i % 2,
                                                          .body = body,
                                                          .body_len = cases[i / 2].len},
                                       "/echo");
        assert_int_equal(reply.status, cases[i / 2].status);
        if (reply.status == 200)
            assert_int_equal(reply.body_len, cases[i / 2].len);
    }
    test_server_stop(server);
}

static void test_an_announced_body_too_large_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(small_bodies);
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                 "Content-Length: 99999999999\r\n\r\n");
    raw_read(fd, &answer, "\r\n\r\n", 5000);
    assert_int_equal(raw_status(&answer), 413);
    close(fd);
    /* One who sends all the same still gets to read the answer. */
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *body = mem_zalloc((size_t)4 << 20);
    struct http_header_pair none = {"Expect", ""};
    for (int i = 0; i < 20; i++) {
        struct http_reply reply = call(
            server, &arena,
            (struct http_call){
                .headers = &none, .header_count = 1, .body = body, .body_len = (size_t)4 << 20},
            "/echo");
        assert_int_equal(reply.status, 413);
    }
    mem_free(body);
    test_server_stop(server);
}

static void test_expect_continue_is_answered_before_the_body(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                 "Content-Length: 3\r\nConnection: close\r\n\r\n");
    raw_read(fd, &answer, "\r\n\r\n", 5000);
    assert_int_equal(raw_status(&answer), 100);
    buf_clear(&answer);
    raw_send(fd, "abc");
    assert_true(raw_read(fd, &answer, NULL, 5000));
    assert_int_equal(raw_status(&answer), 200);
    assert_non_null(strstr(answer.data, "\r\n\r\nabc"));
    close(fd);
    test_server_stop(server);
}

#define CLIENTS 64
#define CALLS 50

struct load {
    struct test_server *server;
    struct http_client *client;
    int number, good;
};

static void *run_load(void *ctx)
{
    struct load *load = ctx;
    struct arena arena = ARENA_INIT;
    for (int i = 0; i < CALLS; i++) {
        arena_clear(&arena);
        char *body = arena_printf(&arena, "client %d call %d", load->number, i);
        struct http_call request = {.url = test_server_url(load->server, &arena, "/echo"),
                                    .body = body,
                                    .body_len = strlen(body)};
        struct http_reply reply;
        if (http_client_call(load->client, &request, &reply, &arena, NULL) == ERR_OK &&
            reply.status == 200 && strcmp(reply.body, body) == 0)
            load->good++;
    }
    arena_done(&arena);
    return NULL;
}

static void test_64_keep_alive_clients_each_get_their_own_answers(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    struct load loads[CLIENTS];
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        loads[i] = (struct load){server, http_client_new(), i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run_load, &loads[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        http_client_free(loads[i].client);
        assert_int_equal(loads[i].good, CALLS);
    }
    struct http_server_figures figures;
    http_server_figures(test_server_http(server), &figures);
    assert_int_equal(figures.requests, CLIENTS * CALLS);
    assert_int_equal(figures.connections, CLIENTS);
    assert_int_equal(figures.refused, 0);
    test_server_stop(server);
}

static void refuse_as_json(void *ctx, const struct err *err, struct http_response *response)
{
    (void)ctx;
    buf_printf(&response->body, "{\"status\":%d,\"code\":\"%s\"}", response->status,
               err_info(err->code)->name);
}

static void three_connections(struct http_server_options *options)
{
    options->max_connections = 3;
    options->refusal = refuse_as_json;
}

static void test_one_connection_too_many_is_told_so_and_later_served(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(three_connections);
    int port = test_server_port(server), fds[3];
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    const char *request = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect(port);
        buf_clear(&answer);
        raw_send(fds[i], request);
        raw_read(fds[i], &answer, "hello", 5000);
        assert_int_equal(raw_status(&answer), 200);
    }
    buf_clear(&answer);
    int extra = raw_connect(port);
    raw_send(extra, request);
    assert_true(raw_read(extra, &answer, NULL, 5000));
    assert_int_equal(raw_status(&answer), 503);
    assert_non_null(strstr(answer.data, "{\"status\":503,\"code\":\"transient\"}"));
    close(extra);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    int status = 0;
    for (int64_t end_ms = clock_mono_ms() + 5000; status != 200 && clock_mono_ms() < end_ms;)
        status = raw_exchange(port, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_int_equal(status, 200);
    struct http_server_figures figures;
    http_server_figures(test_server_http(server), &figures);
    assert_true(figures.refused >= 1);
    test_server_stop(server);
}

struct slow_call {
    struct test_server *server;
    int status;
};

static void *run_slow_call(void *ctx)
{
    struct slow_call *slow = ctx;
    struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct http_call request = {.url = test_server_url(slow->server, &arena, "/slow?ms=500")};
    if (http_call(&request, &reply, &arena, NULL) == ERR_OK && strcmp(reply.body, "slow") == 0)
        slow->status = reply.status;
    arena_done(&arena);
    return NULL;
}

static void test_stopping_lets_an_answer_under_way_finish(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    int port = test_server_port(server);
    int idle = raw_connect(port);
    struct slow_call slow = {server, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, run_slow_call, &slow);
    struct http_server_figures figures = {0};
    while (figures.requests == 0) {
        clock_sleep_ms(5);
        http_server_figures(test_server_http(server), &figures);
    }
    int64_t start_ms = clock_mono_ms();
    test_server_stop(server);
    pthread_join(thread, NULL);
    assert_int_equal(slow.status, 200);
    assert_true(clock_mono_ms() - start_ms < 4000);
    CLEANUP(buf_done) struct buf rest = BUF_INIT;
    assert_true(raw_read(idle, &rest, NULL, 1000));
    close(idle);
}

static void test_a_port_in_use_and_bad_addresses_are_clear_errors(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    struct http_server_options options = {.address = "127.0.0.1", .port = test_server_port(server)};
    struct http_server *second = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(http_server_start(&options, &second, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "in use"));
    options.port = 70000;
    assert_int_equal(http_server_start(&options, &second, &err), ERR_INVALID);
    options = (struct http_server_options){.address = "somewhere"};
    assert_int_equal(http_server_start(&options, &second, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "somewhere"));
    assert_null(second);
    test_server_stop(server);
}

static void on_ipv6(struct http_server_options *options)
{
    options->address = "::1";
}

static void test_ipv6_works(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    if (probe < 0 || shell("grep -q 00000001 /proc/net/if_inet6 2>/dev/null") != 0) {
        if (probe >= 0)
            close(probe);
        skip();
    }
    close(probe);
    struct test_server *server = test_server_start(on_ipv6);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct http_call request = {
        .url = arena_printf(&arena, "http://[::1]:%d/echo", test_server_port(server))};
    assert_int_equal(http_call(&request, &reply, &arena, NULL), ERR_OK);
    assert_string_equal(http_reply_header(&reply, "X-Peer"), "::1");
    test_server_stop(server);
}

int wire_server_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_path_query_header_and_body_reach_the_handler),
        cmocka_unit_test(test_head_and_options_reach_the_handler),
        cmocka_unit_test(test_requests_of_one_connection_do_not_see_each_other),
        cmocka_unit_test(test_a_body_at_its_limit_passes_and_one_byte_more_does_not),
        cmocka_unit_test(test_an_announced_body_too_large_is_refused_before_it_is_sent),
        cmocka_unit_test(test_expect_continue_is_answered_before_the_body),
        cmocka_unit_test(test_64_keep_alive_clients_each_get_their_own_answers),
        cmocka_unit_test(test_one_connection_too_many_is_told_so_and_later_served),
        cmocka_unit_test(test_stopping_lets_an_answer_under_way_finish),
        cmocka_unit_test(test_a_port_in_use_and_bad_addresses_are_clear_errors),
        cmocka_unit_test(test_ipv6_works),
    };
    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}

/* The client: limits, time, uploads, refusals of what it must not do, faults. */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "wire_test.h"

static size_t large_uploads(void *ctx, const struct http_request *request)
{
    (void)ctx, (void)request;
    return (size_t)64 << 20;
}

static void take_large(struct http_server_options *options)
{
    options->body_limit = large_uploads;
}

static void test_a_big_reply_comes_whole_and_one_too_big_is_an_error(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    struct http_call request = {.url = test_server_url(server, &arena, "/big?n=15000000")};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_OK);
    assert_int_equal(reply.body_len, 15000000);
    for (size_t i = 0; i < reply.body_len; i += 997)
        assert_int_equal(reply.body[i], 'b');
    request.max_reply_bytes = 999;
    request.url = test_server_url(server, &arena, "/big?n=1000");
    reply.status = -5;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "999"));
    assert_int_equal(reply.status, -5);
    request.max_reply_bytes = 1000;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_OK);
    test_server_stop(server);
}

static void test_a_late_answer_is_a_timeout(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    struct http_call request = {.url = test_server_url(server, &arena, "/slow?ms=2000"),
                                .timeout_ms = 200};
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start_ms < 1500);
    test_server_stop(server);
}

static void test_no_connection_is_transient_and_a_full_queue_is_a_timeout(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    /* Bound but not listening: nobody else can take the port meanwhile. */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    struct http_call request = {
        .url = arena_printf(&arena, "http://127.0.0.1:%d/", ntohs(address.sin_port)),
        .connect_timeout_ms = 300};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_TRANSIENT);
    assert_non_null(strstr(err.text, request.url));
    /* A full backlog drops what comes: connecting does not end. */
    assert_int_equal(listen(fd, 0), 0);
    int fill = raw_connect(ntohs(address.sin_port));
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start_ms < 2000);
    close(fill);
    close(fd);
}

static void test_redirects_are_answers_and_other_protocols_are_refused(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    struct http_call request = {
        .url = test_server_url(server, &arena, "/status?n=302&to=file:///etc/passwd")};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_OK);
    assert_int_equal(reply.status, 302);
    assert_string_equal(http_reply_header(&reply, "location"), "file:///etc/passwd");
    const char *bad[] = {"file:///etc/passwd",  "ftp://127.0.0.1/",
                         "gopher://127.0.0.1/", "http://",
                         "not an address",      "",
                         "http://a b/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        request.url = bad[i];
        assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_INVALID);
    }
    request.url = NULL;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_INVALID);
    test_server_stop(server);
}

static void test_a_header_or_method_with_a_line_break_is_refused(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    const struct http_header_pair bad[] = {
        {"X-In", "a\r\nX-Evil: b"}, {"X\nIn", "a"}, {"", "a"}, {"X-In", NULL}, {"X In", "a"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_call request = {
            .url = test_server_url(server, &arena, "/echo"), .headers = &bad[i], .header_count = 1};
        assert_int_equal(http_call(&request, &reply, &arena, NULL), ERR_INVALID);
    }
    struct http_call request = {.url = test_server_url(server, &arena, "/echo"),
                                .method = "GET /x HTTP/1.1\r\nA:"};
    assert_int_equal(http_call(&request, &reply, &arena, NULL), ERR_INVALID);
    test_server_stop(server);
}

static void test_a_proxy_of_the_environment_is_not_asked_for_loopback(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    const char *hosts[] = {"127.0.0.1", "127.1.2.3", "localhost"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct http_call request = {
            .url = arena_printf(&arena, "http://%s:%d/hello", hosts[i], test_server_port(server))};
        /* 127.1.2.3 has no listener, but the refusal must come from there, not from the proxy. */
        enum err_code rc = http_call(&request, &reply, &arena, &err);
        if (i == 1)
            assert_null(strstr(err.text, "port 1 "));
        else
            assert_int_equal(rc, ERR_OK);
    }
    struct http_call request = {.url = "http://192.0.2.1/", .connect_timeout_ms = 500};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_TRANSIENT);
    assert_non_null(strstr(err.text, "port 1 "));
    unsetenv("http_proxy");
    test_server_stop(server);
}

struct progress {
    double last;
    int calls, cancel_after;
    bool backwards;
};

static bool on_progress(void *ctx, double share)
{
    struct progress *progress = ctx;
    if (share < progress->last)
        progress->backwards = true;
    progress->last = share;
    return ++progress->calls != progress->cancel_after;
}

static void test_a_file_is_uploaded_with_progress_and_can_be_cancelled(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(take_large);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char dir[64];
    temp_dir_make(dir);
    char *path = arena_printf(&arena, "%s/upload", dir);
    size_t size = (size_t)8 << 20;
    char *data = mem_alloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 >> 3);
    assert_int_equal(file_write_atomic(path, data, size, 0600, NULL), ERR_OK);
    struct progress progress = {0};
    struct http_call request = {.url = test_server_url(server, &arena, "/echo"),
                                .method = "PUT",
                                .body_file = path,
                                .content_type = "application/gzip",
                                .on_progress = on_progress,
                                .ctx = &progress};
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    if (http_call(&request, &reply, &arena, &err))
        fail_msg("%s", err.text);
    assert_int_equal(reply.status, 200);
    assert_string_equal(http_reply_header(&reply, "X-Method"), "PUT");
    assert_int_equal(reply.body_len, size);
    assert_memory_equal(reply.body, data, size);
    assert_true(progress.calls > 2 && !progress.backwards && progress.last == 1);
    progress = (struct progress){.cancel_after = 3};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_CANCELLED);
    assert_int_equal(progress.calls, 3);
    request.body_file = "/nonexistent/file";
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_NOT_FOUND);
    request.body_file = dir;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_INVALID);
    mem_free(data);
    temp_dir_remove(dir);
    test_server_stop(server);
}

static enum err_code end_after_three(void *ctx, const char *data, size_t len, struct err *err)
{
    (void)data;
    size_t *seen = ctx;
    *seen += len;
    return *seen >= 3 ? err_set(err, ERR_POLICY, "that is enough") : ERR_OK;
}

static void test_a_reader_can_end_a_stream_with_its_own_error(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    size_t seen = 0;
    struct http_call request = {.url = test_server_url(server, &arena, "/stream"),
                                .timeout_ms = -1,
                                .on_data = end_after_three,
                                .ctx = &seen};
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_POLICY);
    assert_string_equal(err.text, "that is enough");
    test_server_stop(server);
}

/* A peer that answers one connection with fixed bytes and closes. */
struct canned {
    int listener;
    const char *answer;
    size_t len, repeat;
};

static void *answer_canned(void *ctx)
{
    struct canned *canned = ctx;
    int fd = accept(canned->listener, NULL, NULL);
    CLEANUP(buf_done) struct buf request = BUF_INIT;
    raw_read(fd, &request, "\r\n\r\n", 5000);
    for (size_t i = 0; i <= canned->repeat; i++)
        if (!raw_try_send(fd, canned->answer, canned->len))
            break;
    close(fd);
    return NULL;
}

static enum err_code call_canned(const char *answer, size_t len, size_t repeat,
                                 struct http_reply *reply, struct arena *arena, struct err *err)
{
    struct canned canned = {.answer = answer, .len = len, .repeat = repeat};
    char dir[64];
    temp_dir_make(dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir);
    canned.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(canned.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(canned.listener, 1), 0);
    pthread_t thread;
    pthread_create(&thread, NULL, answer_canned, &canned);
    struct http_call request = {.url = "http://docker/version", .unix_socket = address.sun_path};
    enum err_code rc = http_call(&request, reply, arena, err);
    pthread_join(thread, NULL);
    close(canned.listener);
    temp_dir_remove(dir);
    return rc;
}

static void test_unix_sockets_work_and_broken_answers_are_errors(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    const char good[] = "HTTP/1.1 103 Early\r\nX-A: no\r\n\r\nHTTP/1.1 200 OK\r\nX-A:  yes \r\n"
                        "Content-Length: 2\r\n\r\nok";
    assert_int_equal(call_canned(good, sizeof good - 1, 0, &reply, &arena, &err), ERR_OK);
    assert_string_equal(reply.body, "ok");
    assert_string_equal(http_reply_header(&reply, "x-a"), "yes");
    assert_null(reply.content_type);
    const char *broken[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "SSH-2.0-OpenSSH\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        err_clear(&err);
        enum err_code rc = call_canned(broken[i], strlen(broken[i]), 0, &reply, &arena, &err);
        if (rc != ERR_TRANSIENT)
            fail_msg("%s gives %d", broken[i], rc);
        assert_true(err.text[0] != '\0');
    }
    /* A header without end. */
    char line[4096];
    memset(line, 'h', sizeof line);
    memcpy(line, "X-H: ", 5);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    CLEANUP(buf_done) struct buf start = BUF_INIT;
    buf_add_str(&start, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10000; i++)
        buf_add(&start, line, sizeof line);
    assert_int_equal(call_canned(start.data, start.len, 0, &reply, &arena, &err), ERR_TOO_LARGE);
}

static void test_a_client_keeps_its_connection_and_outlives_the_server(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_client *client = http_client_new();
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    struct http_call get = {.url = test_server_url(server, &arena, "/hello")};
    struct http_call post = {.url = test_server_url(server, &arena, "/echo"),
                             .body = "x",
                             .body_len = 1,
                             .method = "PUT"};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(http_client_call(client, &post, &reply, &arena, &err), ERR_OK);
        assert_string_equal(http_reply_header(&reply, "X-Method"), "PUT");
        assert_int_equal(http_client_call(client, &get, &reply, &arena, &err), ERR_OK);
        assert_string_equal(reply.body, "hello");
    }
    struct http_server_figures figures;
    http_server_figures(test_server_http(server), &figures);
    assert_int_equal(figures.connections, 1);
    test_server_stop(server);
    assert_int_equal(http_client_call(client, &get, &reply, &arena, &err), ERR_TRANSIENT);
    http_client_free(client);
}

static void test_the_fault_point_fails_the_call_it_is_armed_for(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(NULL);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_client *client = http_client_new();
    struct http_reply reply = {0};
    struct http_call request = {.url = test_server_url(server, &arena, "/hello")};
    assert_int_equal(fault_arm("wire.http_call=timeout@2", NULL), ERR_OK);
    assert_int_equal(http_client_call(client, &request, &reply, &arena, NULL), ERR_OK);
    assert_int_equal(http_call(&request, &reply, &arena, NULL), ERR_TIMEOUT);
    assert_int_equal(http_client_call(client, &request, &reply, &arena, NULL), ERR_OK);
    fault_disarm();
    http_client_free(client);
    test_server_stop(server);
}

int wire_client_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_big_reply_comes_whole_and_one_too_big_is_an_error),
        cmocka_unit_test(test_a_late_answer_is_a_timeout),
        cmocka_unit_test(test_no_connection_is_transient_and_a_full_queue_is_a_timeout),
        cmocka_unit_test(test_redirects_are_answers_and_other_protocols_are_refused),
        cmocka_unit_test(test_a_header_or_method_with_a_line_break_is_refused),
        cmocka_unit_test(test_a_proxy_of_the_environment_is_not_asked_for_loopback),
        cmocka_unit_test(test_a_file_is_uploaded_with_progress_and_can_be_cancelled),
        cmocka_unit_test(test_a_reader_can_end_a_stream_with_its_own_error),
        cmocka_unit_test(test_unix_sockets_work_and_broken_answers_are_errors),
        cmocka_unit_test(test_a_client_keeps_its_connection_and_outlives_the_server),
        cmocka_unit_test(test_the_fault_point_fails_the_call_it_is_armed_for),
    };
    return cmocka_run_group_tests_name("http client", tests, NULL, NULL);
}

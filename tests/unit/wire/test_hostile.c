/* The server with clients that break the protocol: each gets a refusal or is cut, and the next
 * honest request is answered. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire_test.h"

static struct test_server *server;

static int set_up(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static void check_alive(struct test_server *which)
{
    assert_int_equal(raw_exchange(test_server_port(which),
                                  "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     200);
}

static int tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

static void test_malformed_requests_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int status; /* -1: any refusal or none, but closed */
    } cases[] = {
        {"GET /a/..%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a?b=%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"get /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /hello HTTP/1.1\r\n\r\n", 400},
        {"GET /hello HTTP/9.9\r\nHost: a\r\n\r\n", -1},
        {"GET /hello\r\n\r\n", -1},
        {"NONSENSE\r\n\r\n", -1},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", -1},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3x\r\n\r\nabc", 400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
         -1},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n", 400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
         400},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = raw_exchange(test_server_port(server), cases[i].text);
        if (cases[i].status >= 0 ? status != cases[i].status : status == 200)
            fail_msg("status %d, not %d, for %s", status, cases[i].status, cases[i].text);
    }
    check_alive(server);
}

static void test_a_request_that_stops_anywhere_is_never_handled(void **state)
{
    (void)state;
    const char *whole = "POST /echo?a=%41 HTTP/1.1\r\nHost: a\r\nX-In: b\r\nContent-Length: 4\r\n"
                        "Connection: close\r\n\r\nbody";
    int fds[256];
    size_t count = strlen(whole);
    assert_true(count <= ARRAY_LEN(fds));
    for (size_t len = 0; len < count; len++) {
        fds[len] = raw_connect(test_server_port(server));
        assert_true(raw_try_send(fds[len], whole, len));
        shutdown(fds[len], SHUT_WR);
    }
    for (size_t len = 0; len < count; len++) {
        CLEANUP(buf_done) struct buf answer = BUF_INIT;
        assert_true(raw_read(fds[len], &answer, NULL, 5000));
        close(fds[len]);
        int status = raw_status(&answer);
        assert_true(status == 0 || status >= 400);
    }
    assert_int_equal(raw_exchange(test_server_port(server), whole), 200);
}

static int with_header(size_t bytes, size_t lines)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_add_str(&text, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (size_t i = 0; i < lines; i++) {
        buf_printf(&text, "X-%zu: ", i);
        for (size_t k = 0; k < bytes / lines; k++)
            buf_add_char(&text, 'h');
        buf_add_str(&text, "\r\n");
    }
    buf_add_str(&text, "\r\n");
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    raw_try_send(fd, text.data, text.len);
    raw_read(fd, &answer, NULL, 5000);
    close(fd);
    return raw_status(&answer);
}

static void test_a_header_too_large_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with_header(15 << 10, 1), 200);
    assert_int_equal(with_header(15 << 10, 60), 200);
    assert_int_equal(with_header(17 << 10, 1), 431);
    int status = with_header(60 << 10, 60);
    assert_true(status == 431 || status == 413 || status == 0);
    status = with_header(4 << 20, 1);
    assert_true(status == 431 || status == 413 || status == 0);
    status = with_header(200000, 20000);
    assert_true(status == 431 || status == 413 || status == 0);
    CLEANUP(buf_done) struct buf target = BUF_INIT;
    buf_add_str(&target, "GET /");
    while (target.len < 100000)
        buf_add_char(&target, 'p');
    buf_add_str(&target, " HTTP/1.1\r\nHost: a\r\n\r\n");
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    raw_try_send(fd, target.data, target.len);
    raw_read(fd, &answer, NULL, 5000);
    close(fd);
    status = raw_status(&answer);
    assert_true(status == 0 || status == 414 || status == 431);
    check_alive(server);
}

static void test_an_endless_chunked_body_is_cut(void **state)
{
    (void)state;
    int fd = raw_connect(test_server_port(server));
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[4 + 4096 + 2 + 2];
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'e', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    size_t sent = 0, most = (size_t)64 << 20;
    while (sent < most && raw_try_send(fd, chunk, 6 + 4096 + 2))
        sent += 4096;
    close(fd);
    assert_true(sent < most);
    check_alive(server);
}

static void impatient(struct http_server_options *options)
{
    options->timeout_s = 1;
}

/* Sends a byte each 200 ms; true if the server closes within 6 s. */
static bool drips_until_cut(int fd, const char *text)
{
    raw_send(fd, text);
    int64_t end_ms = clock_mono_ms() + 6000;
    while (clock_mono_ms() < end_ms) {
        CLEANUP(buf_done) struct buf answer = BUF_INIT;
        if (!raw_try_send(fd, "x", 1) || raw_read(fd, &answer, NULL, 200))
            return true;
    }
    return false;
}

static void test_clients_that_drip_or_stay_silent_are_dropped(void **state)
{
    (void)state;
    struct test_server *quick = test_server_start(impatient);
    int port = test_server_port(quick);
    int silent = raw_connect(port);
    int64_t start_ms = clock_mono_ms();
    CLEANUP(buf_done) struct buf none = BUF_INIT;
    assert_true(raw_read(silent, &none, NULL, 5000));
    assert_true(clock_mono_ms() - start_ms >= 900);
    close(silent);
    int fd = raw_connect(port);
    assert_true(drips_until_cut(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: "));
    close(fd);
    fd = raw_connect(port);
    assert_true(
        drips_until_cut(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"));
    close(fd);
    check_alive(quick);
    test_server_stop(quick);
}

static void test_a_slow_but_honest_upload_is_not_dropped(void **state)
{
    (void)state;
    struct test_server *quick = test_server_start(impatient);
    int fd = raw_connect(test_server_port(quick));
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20480\r\n"
                 "Connection: close\r\n\r\n");
    char piece[2048];
    memset(piece, 's', sizeof piece);
    for (int i = 0; i < 10; i++) { /* 3 s in all, three times the timeout */
        clock_sleep_ms(300);
        assert_true(raw_try_send(fd, piece, sizeof piece));
    }
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    assert_true(raw_read(fd, &answer, NULL, 5000));
    assert_int_equal(raw_status(&answer), 200);
    close(fd);
    test_server_stop(quick);
}

static void test_a_thousand_connections_cut_short_leave_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        int fd = raw_connect(test_server_port(server));
        if (i % 3)
            raw_try_send(fd, "POST /big?n=100000 HTTP/1.1\r\nHost: a\r\n\r\nGET /he",
                         (size_t)(i % 48));
        struct linger reset = {1, 0};
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    check_alive(server);
    struct http_server_figures figures = {.open_connections = 1};
    for (int64_t end_ms = clock_mono_ms() + 5000;
         figures.open_connections > 0 && clock_mono_ms() < end_ms;) {
        clock_sleep_ms(5);
        http_server_figures(test_server_http(server), &figures);
    }
    assert_int_equal(figures.open_connections, 0);
}

int wire_hostile_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_requests_are_refused),
        cmocka_unit_test(test_a_request_that_stops_anywhere_is_never_handled),
        cmocka_unit_test(test_a_header_too_large_is_refused),
        cmocka_unit_test(test_an_endless_chunked_body_is_cut),
        cmocka_unit_test(test_clients_that_drip_or_stay_silent_are_dropped),
        cmocka_unit_test(test_a_slow_but_honest_upload_is_not_dropped),
        cmocka_unit_test(test_a_thousand_connections_cut_short_leave_nothing),
    };
    return cmocka_run_group_tests_name("hostile clients", tests, set_up, tear_down);
}

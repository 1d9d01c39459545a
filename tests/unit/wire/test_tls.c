/* TLS with certificates made here by the openssl command. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "wire_test.h"

static char dir[64], certificate[96], key[96], other_key[96], nonsense[96];

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(dir);
    snprintf(certificate, sizeof certificate, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(other_key, sizeof other_key, "%s/other.pem", dir);
    snprintf(nonsense, sizeof nonsense, "%s/nonsense.pem", dir);
    file_write_atomic(nonsense, "hello\n", 6, 0600, NULL);
    return shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
                 " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
                 " -keyout %s -out %s 2>/dev/null"
                 " && openssl ecparam -name prime256v1 -genkey -noout -out %s 2>/dev/null",
                 key, certificate, other_key);
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static void with_tls(struct http_server_options *options)
{
    options->certificate_file = certificate;
    options->key_file = key;
    options->timeout_s = 1;
}

static void test_tls_serves_those_who_trust_the_certificate(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(with_tls);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    struct http_call request = {
        .url = arena_printf(&arena, "https://localhost:%d/echo", test_server_port(server)),
        .body = "secret",
        .body_len = 6,
        .ca_file = certificate};
    struct http_client *client = http_client_new();
    for (int i = 0; i < 5; i++) {
        if (http_client_call(client, &request, &reply, &arena, &err))
            fail_msg("%s", err.text);
        assert_string_equal(reply.body, "secret");
    }
    request.url =
        arena_printf(&arena, "https://127.0.0.1:%d/big?n=3000000", test_server_port(server));
    assert_int_equal(http_client_call(client, &request, &reply, &arena, &err), ERR_OK);
    assert_int_equal(reply.body_len, 3000000);
    http_client_free(client);
    request.ca_file = NULL;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_CREDENTIAL);
    assert_true(err.hint[0] != '\0');
    request.ca_file = other_key;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_CREDENTIAL);
    request.ca_file = NULL;
    request.insecure = true;
    assert_int_equal(http_call(&request, &reply, &arena, &err), ERR_OK);
    test_server_stop(server);
}

static enum err_code count_bytes(void *ctx, const char *data, size_t len, struct err *err)
{
    (void)data, (void)err;
    *(size_t *)ctx += len;
    return *(size_t *)ctx > 200000 ? ERR_CANCELLED : ERR_OK;
}

static void *stream_much(void *ctx)
{
    struct http_stream *stream = ctx;
    char data[1000];
    memset(data, 't', sizeof data - 1);
    data[sizeof data - 1] = '\0';
    while (http_stream_send(stream, NULL, NULL, data, NULL) == ERR_OK)
        clock_sleep_ms(1);
    http_stream_unref(stream);
    return NULL;
}

struct tls_stream {
    struct test_server *server;
};

static void *serve_stream(void *ctx)
{
    struct tls_stream *tls = ctx;
    return stream_much(test_server_stream(tls->server));
}

static void test_streams_go_over_tls_too(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(with_tls);
    struct tls_stream tls = {server};
    pthread_t thread;
    pthread_create(&thread, NULL, serve_stream, &tls);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    size_t seen = 0;
    struct http_call request = {
        .url = arena_printf(&arena, "https://localhost:%d/stream", test_server_port(server)),
        .ca_file = certificate,
        .timeout_ms = 20000,
        .on_data = count_bytes,
        .ctx = &seen};
    assert_int_equal(http_call(&request, &reply, &arena, NULL), ERR_CANCELLED);
    assert_true(seen > 200000);
    pthread_join(thread, NULL); /* ends because the peer has gone */
    test_server_stop(server);
}

static void test_plain_http_and_silence_on_a_tls_port_are_cut(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(with_tls);
    int fd = raw_connect(test_server_port(server));
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    raw_send(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(raw_read(fd, &answer, NULL, 5000));
    assert_int_equal(raw_status(&answer), 0);
    close(fd);
    fd = raw_connect(test_server_port(server));
    assert_true(raw_read(fd, &answer, NULL, 5000));
    close(fd);
    test_server_stop(server);
}

static void test_missing_wrong_and_unfitting_files_are_clear_errors(void **state)
{
    (void)state;
    struct http_server *server = NULL;
    const struct {
        const char *certificate, *key;
        enum err_code code;
        const char *says;
    } cases[] = {
        {certificate, NULL, ERR_INVALID, "both"},
        {NULL, key, ERR_INVALID, "both"},
        {"/nonexistent/cert.pem", key, ERR_NOT_FOUND, "/nonexistent/cert.pem"},
        {certificate, "/nonexistent/key.pem", ERR_NOT_FOUND, "/nonexistent/key.pem"},
        {nonsense, key, ERR_INVALID, nonsense},
        {certificate, nonsense, ERR_INVALID, nonsense},
        {key, certificate, ERR_INVALID, key},
        {certificate, other_key, ERR_INVALID, "cannot be used together"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_server_options options = {.address = "127.0.0.1",
                                              .certificate_file = cases[i].certificate,
                                              .key_file = cases[i].key};
        struct err err = ERR_INIT;
        assert_int_equal(http_server_start(&options, &server, &err), cases[i].code);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu says: %s", i, err.text);
        assert_null(server);
    }
}

static void test_tls_1_1_is_refused(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(with_tls);
    int port = test_server_port(server);
    assert_int_equal(shell("openssl s_client -connect 127.0.0.1:%d -tls1_2 </dev/null "
                           ">/dev/null 2>&1",
                           port),
                     0);
    assert_int_not_equal(shell("openssl s_client -connect 127.0.0.1:%d -tls1_1 "
                               "-cipher DEFAULT@SECLEVEL=0 </dev/null >/dev/null 2>&1",
                               port),
                         0);
    test_server_stop(server);
}

int wire_tls_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_serves_those_who_trust_the_certificate),
        cmocka_unit_test(test_streams_go_over_tls_too),
        cmocka_unit_test(test_plain_http_and_silence_on_a_tls_port_are_cut),
        cmocka_unit_test(test_missing_wrong_and_unfitting_files_are_clear_errors),
        cmocka_unit_test(test_tls_1_1_is_refused),
    };
    return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}

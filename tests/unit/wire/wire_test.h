/* wire_test.h - what the test files of this program share: a server with a few routes and raw
 * sockets for clients that do not keep to the protocol. */
#ifndef WIRE_TEST_H
#define WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/http.h"

int wire_path_tests(void);
int wire_sse_reader_tests(void);
int wire_server_tests(void);
int wire_hostile_tests(void);
int wire_stream_tests(void);
int wire_client_tests(void);
int wire_tls_tests(void);
int wire_ssh_tests(void);

/* A server that answers
 *   /hello        "hello"
 *   /echo         the body; X-Method, X-Path, X-Peer, X-Q (query q), X-In (header X-In)
 *   /big?n=N      N bytes
 *   /slow?ms=N    "slow" after N ms
 *   /queries      the query's pairs as name=value;
 *   /status?n=N   that status, no body
 *   /stream       text/event-stream; test_server_stream gives the handler's ref
 * and anything else with 404. */
struct test_server;
struct test_server *test_server_start(void (*change)(struct http_server_options *options));
void test_server_stop(struct test_server *server);
struct http_server *test_server_http(struct test_server *server);
int test_server_port(struct test_server *server);
/* "http://127.0.0.1:PORT" PATH, in the arena. */
const char *test_server_url(struct test_server *server, struct arena *arena, const char *path);
/* Waits for the next stream that /stream made; the caller owns the ref. */
struct http_stream *test_server_stream(struct test_server *server);

int raw_connect(int port);
void raw_send(int fd, const char *text);
/* Like raw_send for bytes; false when the peer has closed. */
bool raw_try_send(int fd, const char *data, size_t len);
/* Reads until the peer closes, or `until` was seen, or timeout_ms; true if the peer has closed. */
bool raw_read(int fd, struct buf *out, const char *until, int64_t timeout_ms);
/* The status of an answer, 0 if there is none. */
int raw_status(const struct buf *answer);
/* Sends text, reads till the end, gives the status; 0 when the server only closes. */
int raw_exchange(int port, const char *text);

/* A folder for this test's files; the name is without '/' at the end. */
void temp_dir_make(char out[64]);
void temp_dir_remove(const char *path);
/* Runs a command by the shell; its exit status. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* http.h - HTTP/1.1 server on libmicrohttpd and client on libcurl.
 *
 * Server: a pool of threads, keep-alive, limits on header, body, time and connections, TLS by
 * certificate and key, SSE streams.  A handler runs on a pool thread with an arena of its own
 * that lives until the answer is sent; it must not block for long (long work is a run). */
#ifndef SWAN_WIRE_HTTP_H
#define SWAN_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ---- server ---- */
struct http_server;
struct http_stream; /* an open SSE answer, shared: handler side and network side */

struct http_request {
    const char *method; /* GET … upper case */
    const char *path;   /* percent-decoded once, valid UTF-8, no NUL, no "." or ".." segment, begins
                           with '/' */
    const char *peer;   /* address text */
    const char *body;   /* NUL-ended; "" when none */
    size_t body_len;
    struct arena *arena;
    void *impl;
};
/* NULL if absent; names without regard to case.  A repeated query parameter gives the first. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);
/* Calls fn for each query parameter. */
void http_each_query(const struct http_request *request,
                     void (*fn)(void *ctx, const char *name, const char *value), void *ctx);

struct http_response {
    int status;               /* 200 when left 0 */
    const char *content_type; /* "application/json" when NULL */
    struct buf body;          /* moved out by the server */
    struct {
        const char *name, *value; /* arena or static */
    } headers[12];
    size_t header_count;
    struct http_stream *stream; /* set: answer is text/event-stream, body is sent first */
};
void http_add_header(struct http_response *response, const char *name, const char *value);

typedef void (*http_handler_fn)(void *ctx, struct http_request *request,
                                struct http_response *response);
/* For requests that never reach the handler (too large, malformed, too many): fills a body.
 * response->status is already set (400, 413, 431, 503) and may be kept. */
typedef void (*http_refusal_fn)(void *ctx, const struct err *err, struct http_response *response);

struct http_server_options {
    const char *address;     /* "127.0.0.1", "::1", "0.0.0.0" */
    int port;                /* 0 = any free; http_server_port tells */
    int threads;             /* 0 = cores, at least 2 */
    int max_connections;     /* 0 = 1000 */
    size_t max_header_bytes; /* 0 = 16 KiB */
    size_t max_body_bytes;   /* 0 = 1 MiB */
    /* A larger limit for some requests (uploads), asked when the header was read and the body was
     * not: who may send much can be told by http_header.  Returns 0 for the default.  May be
     * NULL. */
    size_t (*body_limit)(void *ctx, const struct http_request *request);
    int timeout_s;                           /* idle and slow senders; 0 = 30 */
    const char *certificate_file, *key_file; /* PEM; both or none */
    http_handler_fn handler;
    http_refusal_fn refusal; /* may be NULL: plain text */
    void *ctx;
};
enum err_code http_server_start(const struct http_server_options *options, struct http_server **out,
                                struct err *err);
int http_server_port(const struct http_server *server);
/* Stops accepting, ends streams, waits up to 5 s for answers under way, then cuts the rest.  A
 * handler that is still running is waited for.  Frees the server; NULL is fine. */
void http_server_stop(struct http_server *server);
struct http_server_figures {
    int64_t requests, connections, open_connections, open_streams, refused;
};
void http_server_figures(const struct http_server *server, struct http_server_figures *out);

/* SSE: make it in the handler, give one ref to response->stream and keep the other.
 * Thread-safe. */
struct http_stream *http_stream_new(size_t max_queued_bytes); /* 0 = 1 MiB; two refs */
/* id and event may be NULL.  ERR_CANCELLED once the peer has gone, ERR_TOO_LARGE when it reads too
 * slowly (the stream then ends).  A line break in id or event is ERR_INVALID; in data it
 * is fine. */
enum err_code http_stream_send(struct http_stream *stream, const char *id, const char *event,
                               const char *data, struct err *err);
/* Keep-alive, and the way to notice a peer that went while nothing is sent. */
enum err_code http_stream_comment(struct http_stream *stream, const char *text, struct err *err);
void http_stream_end(struct http_stream *stream); /* after what is queued */
bool http_stream_is_open(struct http_stream *stream);
void http_stream_unref(struct http_stream *stream);

/* ---- client ---- */
struct http_header_pair {
    const char *name, *value;
};
struct http_call {
    const char *method;      /* NULL = GET, or POST with a body */
    const char *url;         /* http://, https:// */
    const char *unix_socket; /* or NULL */
    const struct http_header_pair *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *body_file;      /* upload from a file instead */
    const char *content_type;   /* NULL = application/json when there is a body */
    int64_t timeout_ms;         /* whole call; 0 = 30 000; -1 = none (streams) */
    int64_t connect_timeout_ms; /* 0 = 5 000 */
    size_t max_reply_bytes;     /* 0 = 16 MiB */
    const char *ca_file;        /* extra trusted certificate; NULL = system's */
    bool insecure;              /* accept any certificate */
    /* Streaming: gets the bytes as they come instead of reply->body, without limit unless
     * max_reply_bytes is set; a value other than ERR_OK ends the call and is its result. */
    enum err_code (*on_data)(void *ctx, const char *data, size_t len, struct err *err);
    /* 0…1 of an upload (1 when there is none); also called about once a second while nothing
     * moves.  May be NULL.  Returning false cancels. */
    bool (*on_progress)(void *ctx, double share);
    void *ctx;
};
struct http_reply {
    int status;
    const char *content_type;
    const char *body; /* arena, NUL-ended */
    size_t body_len;
    LIST(struct http_header_pair) headers;
};
/* Any HTTP status is ERR_OK; what fails is the transport: ERR_TRANSIENT (no connection),
 * ERR_TIMEOUT, ERR_TOO_LARGE, ERR_CREDENTIAL (certificate), ERR_CANCELLED.  Fault point
 * "wire.http_call". */
enum err_code http_call(const struct http_call *call, struct http_reply *out, struct arena *arena,
                        struct err *err);
const char *http_reply_header(const struct http_reply *reply, const char *name);

/* A client that keeps connections between calls (one per thread at a time is used; thread-safe). */
struct http_client;
struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);
enum err_code http_client_call(struct http_client *client, const struct http_call *call,
                               struct http_reply *out, struct arena *arena, struct err *err);

/* SSE reader: feed bytes, get events.  All zero but on_event and ctx is a good start; an event
 * larger than SSE_EVENT_MAX is dropped whole. */
#define SSE_EVENT_MAX ((size_t)4 << 20)
struct sse_reader {
    struct buf line, data, event, id;
    bool begun, after_cr,
        dropped; /* inside: a line was read, the last byte was CR, event too large */
    void (*on_event)(void *ctx, const char *id, const char *event, const char *data);
    void *ctx;
};
void sse_reader_feed(struct sse_reader *reader, const char *bytes, size_t len);
void sse_reader_done(struct sse_reader *reader);

#endif

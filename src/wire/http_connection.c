/* http_connection.c - one connection and its requests, one after another, as MHD's callbacks.
 *
 * Contract: MHD calls on_target with the raw request line's target, on_request once with the
 * header, then with each piece of body, then once without; on_completed ends each request.  All of
 * them run on the pool thread that owns the connection.  What is refused before the body was read
 * is answered at once and the connection closes; everything else keeps it open.  Memory of a
 * request (arena, body) is kept for the next one while it is small. */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/http_priv.h"

/* What one idle connection may keep of its last request. */
#define KEPT_BODY ((size_t)16 << 10)
#define KEPT_ARENA ((size_t)64 << 10)
/* A chunked body is read on this far past its limit so that the refusal can be sent. */
#define SURPLUS_BODY_MAX ((size_t)1 << 20)
/* MHD copies this much at a time while it has no write buffer of its own. */
#define STREAM_BLOCK ((size_t)1 << 10)

const char *http_header(const struct http_request *request, const char *name)
{
    struct http_connection *connection = request->impl;
    return MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *request, const char *name)
{
    struct http_connection *connection = request->impl;
    for (size_t i = 0; i < connection->target.parameters.count; i++)
        if (strcmp(connection->target.parameters.items[i].name, name) == 0)
            return connection->target.parameters.items[i].value;
    return NULL;
}

void http_each_query(const struct http_request *request,
                     void (*fn)(void *ctx, const char *name, const char *value), void *ctx)
{
    struct http_connection *connection = request->impl;
    for (size_t i = 0; i < connection->target.parameters.count; i++)
        fn(ctx, connection->target.parameters.items[i].name,
           connection->target.parameters.items[i].value);
}

void http_add_header(struct http_response *response, const char *name, const char *value)
{
    assert(response->header_count < ARRAY_LEN(response->headers));
    response->headers[response->header_count].name = name;
    response->headers[response->header_count].value = value;
    response->header_count++;
}

/* ---- answers ---- */

/* Takes response->body and response->stream in every case.  NULL if MHD could not make it. */
static struct MHD_Response *make(struct http_connection *connection, struct http_response *response)
{
    struct MHD_Response *made;
    if (response->stream) {
        struct http_stream *stream = response->stream;
        struct http_server *server = connection->server;
        made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, http_stream_read,
                                                 stream, http_stream_release);
        if (made) {
            http_stream_attach(stream, server, connection->mhd, connection->fd, &response->body);
            http_stream_ref(stream);
            pthread_mutex_lock(&server->lock);
            connection->stream = stream;
            pthread_mutex_unlock(&server->lock);
            if (atomic_load(&server->stopping))
                http_stream_end(stream);
        } else {
            http_stream_release(stream);
        }
        buf_done(&response->body);
        response->stream = NULL;
    } else if (response->body.len > 0) {
        size_t len = response->body.len;
        char *body = buf_take(&response->body);
        made = MHD_create_response_from_buffer_with_free_callback_cls(len, body, mem_free, body);
        if (!made)
            mem_free(body);
    } else {
        buf_done(&response->body);
        made = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    }
    return made;
}

static void set_header(struct MHD_Response *made, const char *name, const char *value)
{
    if (MHD_add_response_header(made, name, value) != MHD_YES)
        log_event(LOG_WARN, "wire", "a response header was left out: it is malformed", "name", name,
                  NULL);
}

static enum MHD_Result answer(struct http_connection *connection, struct http_response *response,
                              bool close)
{
    connection->phase = HTTP_ANSWER;
    int status = response->status ? response->status : 200;
    if (status < 200 || status > 599 || buf_check(&response->body, NULL)) {
        log_event(LOG_ERROR, "wire", "a handler gave an impossible answer", "path",
                  connection->request.path, NULL);
        buf_done(&response->body);
        status = 500;
    }
    const char *type = response->content_type;
    if (!type && response->stream)
        type = "text/event-stream";
    else if (!type && response->body.len > 0)
        type = "application/json";
    bool is_stream = response->stream != NULL;
    struct MHD_Response *made = make(connection, response);
    if (!made)
        return MHD_NO;
    if (type)
        set_header(made, "Content-Type", type);
    if (is_stream) {
        set_header(made, "Cache-Control", "no-cache");
        set_header(made, "X-Accel-Buffering", "no"); /* nginx in front must not hold events back */
    }
    for (size_t i = 0; i < response->header_count; i++)
        set_header(made, response->headers[i].name, response->headers[i].value);
    if (close)
        set_header(made, "Connection", "close");
    enum MHD_Result queued = MHD_queue_response(connection->mhd, (unsigned)status, made);
    MHD_destroy_response(made);
    return queued;
}

static enum MHD_Result refuse(struct http_connection *connection, int status, const struct err *err)
{
    const struct http_server_options *options = &connection->server->options;
    atomic_fetch_add(&connection->server->refused, 1);
    atomic_store(&connection->waiting_since_ms, 0);
    struct http_response response = {.status = status};
    if (options->refusal) {
        options->refusal(options->ctx, err, &response);
    } else {
        response.content_type = "text/plain; charset=utf-8";
        buf_printf(&response.body, "%s\n", err->text);
    }
    return answer(connection, &response, true);
}

/* ---- a request, step by step ---- */

void *http_connection_on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    (void)cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *connection = info ? info->socket_context : NULL;
    if (connection) {
        connection->raw_target = arena_strdup(&connection->arena, uri);
        connection->phase = HTTP_TARGET;
        atomic_fetch_add(&connection->server->under_way, 1);
    }
    return connection;
}

/* What the header says about the body. */
struct framing {
    int lengths, codings;
    const char *length;
};

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    (void)kind;
    struct framing *framing = cls;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        framing->lengths++;
        framing->length = value;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->codings++;
    }
    return MHD_YES;
}

/* ERR_OK, or the reason to refuse with *status. */
static enum err_code check_header(struct http_connection *connection, const char *method,
                                  const struct framing *framing, int *status, struct err *err)
{
    struct http_server *server = connection->server;
    *status = 503;
    if (atomic_load(&server->stopping))
        return err_set(err, ERR_TRANSIENT, "the server is stopping");
    if (connection->surplus)
        return err_set(err, ERR_TRANSIENT, "the server has too many connections");
    *status = 431;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size && size->header_size > server->options.max_header_bytes)
        return err_set(err, ERR_TOO_LARGE, "the request header is larger than %zu bytes",
                       server->options.max_header_bytes);
    *status = 400;
    if (method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")] != '\0')
        return err_set(err, ERR_INVALID, "the method is not a word in upper case");
    /* Two readers that disagree about where a body ends let one request hide in another. */
    if (framing->lengths > 1 || framing->codings > 1 || (framing->lengths && framing->codings))
        return err_set(err, ERR_INVALID, "the header gives the length of the body twice");
    enum err_code rc =
        http_target_decode(connection->raw_target, &connection->target, &connection->arena, err);
    if (rc)
        return rc;
    *status = 413;
    const struct http_server_options *options = &server->options;
    connection->request = (struct http_request){.method = method,
                                                .path = connection->target.path,
                                                .peer = connection->peer,
                                                .body = "",
                                                .arena = &connection->arena,
                                                .impl = connection};
    size_t limit =
        options->body_limit ? options->body_limit(options->ctx, &connection->request) : 0;
    connection->body_limit = limit ? limit : options->max_body_bytes;
    if (framing->length && strtoull(framing->length, NULL, 10) > connection->body_limit)
        return err_set(err, ERR_TOO_LARGE, "the body is larger than %zu bytes",
                       connection->body_limit);
    return ERR_OK;
}

static enum MHD_Result begin(struct http_connection *connection, const char *method)
{
    struct framing framing = {0};
    MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, count_framing, &framing);
    struct err err = ERR_INIT;
    int status;
    if (check_header(connection, method, &framing, &status, &err)) {
        connection->linger = framing.lengths > 0 || framing.codings > 0;
        return refuse(connection, status, &err);
    }
    connection->phase = HTTP_BODY;
    buf_clear(&connection->body);
    connection->body.max = connection->body_limit;
    connection->surplus_body = 0;
    atomic_store(&connection->received, 0);
    atomic_store(&connection->waiting_since_ms, clock_mono_ms());
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_connection *connection, const char *data, size_t *len)
{
    buf_add(&connection->body, data, *len);
    if (connection->body.over) {
        connection->surplus_body += *len;
        if (connection->surplus_body > SURPLUS_BODY_MAX)
            return MHD_NO;
    }
    atomic_fetch_add(&connection->received, (int64_t)*len);
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result handle(struct http_connection *connection, const char *method)
{
    const struct http_server_options *options = &connection->server->options;
    atomic_store(&connection->waiting_since_ms, 0);
    atomic_fetch_add(&connection->server->requests, 1);
    if (connection->body.over) {
        struct err err = ERR_INIT;
        err_set(&err, ERR_TOO_LARGE, "the body is larger than %zu bytes", connection->body_limit);
        return refuse(connection, 413, &err);
    }
    connection->request = (struct http_request){
        .method = method,
        .path = connection->target.path,
        .peer = connection->peer,
        .body = buf_str(&connection->body),
        .body_len = connection->body.len,
        .arena = &connection->arena,
        .impl = connection,
    };
    struct http_response response = {0};
    options->handler(options->ctx, &connection->request, &response);
    return answer(connection, &response, atomic_load(&connection->server->stopping));
}

enum MHD_Result http_connection_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                           const char *method, const char *version,
                                           const char *upload, size_t *upload_len, void **con_cls)
{
    (void)cls, (void)mhd, (void)url, (void)version;
    struct http_connection *connection = *con_cls;
    if (!connection)
        return MHD_NO;
    if (connection->phase == HTTP_TARGET)
        return begin(connection, method);
    if (*upload_len > 0)
        return take_body(connection, upload, upload_len);
    if (connection->phase != HTTP_BODY)
        return MHD_YES;
    return handle(connection, method);
}

static void leave_stream(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    struct http_stream *stream = TAKE(connection->stream);
    pthread_mutex_unlock(&server->lock);
    if (stream) {
        http_stream_detach(stream);
        http_stream_unref(stream);
    }
}

void http_connection_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                                  enum MHD_RequestTerminationCode how)
{
    (void)cls, (void)mhd, (void)how;
    struct http_connection *connection = *con_cls;
    if (!connection)
        return;
    *con_cls = NULL;
    leave_stream(connection);
    if (connection->linger && connection->phase == HTTP_ANSWER)
        http_server_linger(connection->server, connection->fd);
    connection->linger = false;
    if (connection->body.cap > KEPT_BODY)
        buf_done(&connection->body);
    if (connection->arena.used > KEPT_ARENA)
        arena_done(&connection->arena);
    else
        arena_clear(&connection->arena);
    connection->target = (struct http_target){0};
    connection->raw_target = NULL;
    if (connection->phase != HTTP_IDLE)
        atomic_fetch_sub(&connection->server->under_way, 1);
    connection->phase = HTTP_IDLE;
    atomic_store(&connection->received, 0);
    atomic_store(&connection->waiting_since_ms, clock_mono_ms());
}

/* ---- the connection itself ---- */

static void name_peer(struct http_connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *bytes = NULL;
    if (address && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!bytes || !inet_ntop(address->sa_family, bytes, connection->peer, sizeof connection->peer))
        connection->peer[0] = '\0';
}

static void opened(struct http_server *server, struct MHD_Connection *mhd, void **socket_context)
{
    struct http_connection *connection = mem_zalloc(sizeof *connection);
    connection->server = server;
    connection->mhd = mhd;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->fd = info ? info->connect_fd : -1;
    /* A peer that is cut off without a word is given up as fast as a silent one, streams included.
     */
    unsigned unanswered_ms = (unsigned)server->options.timeout_s * 1000;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
    name_peer(connection);
    atomic_store(&connection->waiting_since_ms, clock_mono_ms());
    atomic_fetch_add(&server->connections, 1);
    connection->surplus =
        atomic_fetch_add(&server->open_connections, 1) >= server->options.max_connections;
    pthread_mutex_lock(&server->lock);
    connection->next = server->first;
    if (server->first)
        server->first->previous = connection;
    server->first = connection;
    pthread_mutex_unlock(&server->lock);
    *socket_context = connection;
}

static void closed(struct http_server *server, struct http_connection *connection)
{
    leave_stream(connection);
    pthread_mutex_lock(&server->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_sub(&server->open_connections, 1);
    buf_done(&connection->body);
    arena_done(&connection->arena);
    mem_free(connection);
}

void http_connection_on_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                               enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        opened(cls, mhd, socket_context);
    } else if (*socket_context) {
        closed(cls, *socket_context);
        *socket_context = NULL;
    }
}

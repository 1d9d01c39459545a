/* docker_engine.c - the engine behind an endpoint: its address, calls to it, and its refusals as
 * errors of ours.
 *
 * Contract: paths carry no version, so that each engine speaks the newest that it has; a call
 * changes nothing here; an answer is hostile (bounded, parsed loosely, shown only after control
 * characters are gone).  A cancel is seen while libcurl turns its loop, at least once a second. */
#include "provision/providers/docker/docker_priv.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/http.h"

#define HOST_MAX 253
#define REPLY_MAX ((size_t)8 << 20) /* a list of some thousand containers */
#define MESSAGE_MAX 300
#define SLICE_MS 50

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f) {
            return false;
        }
    }
    return true;
}

static enum err_code parse_unix(const char *path, struct docker_engine *out, struct arena *arena,
                                struct err *err)
{
    if (path[0] != '/' || path[1] == '\0' || !is_plain(path) || strchr(path, '?') != NULL) {
        return err_set(err, ERR_INVALID, "docker endpoint: '%s' is no absolute path of a socket",
                       path);
    }
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return err_set(err, ERR_TOO_LARGE,
                       "docker endpoint: the path of a socket has at most %zu "
                       "bytes",
                       sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
    }
    out->unix_socket = arena_strdup(arena, path);
    out->base = "http://engine";
    out->host = "127.0.0.1";
    out->local = true;
    return ERR_OK;
}

static bool is_host(const char *host)
{
    size_t length = strlen(host);
    if (length == 0 || length > HOST_MAX || host[0] == '-' || host[0] == '.') {
        return false;
    }
    for (const char *at = host; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-.", *at) == NULL) {
            return false;
        }
    }
    return true;
}

static enum err_code parse_tcp(const char *text, struct docker_engine *out, struct arena *arena,
                               struct err *err)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    if (colon == NULL || !isdigit((unsigned char)colon[1]) ||
        str_to_int64(colon + 1, &port, NULL) != ERR_OK || port < 1 || port > 65535) {
        return err_set(err, ERR_INVALID, "docker endpoint: 'tcp://%s' does not end in :PORT", text);
    }
    char *host = arena_strndup(arena, text, (size_t)(colon - text));
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (bracketed) {
        struct in6_addr address;
        host[length - 1] = '\0';
        host++;
        if (inet_pton(AF_INET6, host, &address) != 1) {
            return err_set(err, ERR_INVALID, "docker endpoint: '%s' is no IPv6 address", host);
        }
    } else if (!is_host(host)) {
        return err_set(err, ERR_INVALID, "docker endpoint: '%s' is no host", host);
    }
    out->unix_socket = NULL;
    out->base = arena_printf(arena, bracketed ? "http://[%s]:%d" : "http://%s:%d", host, (int)port);
    out->local = str_eq(host, "localhost") || str_eq(host, "::1") || str_has_prefix(host, "127.");
    out->host = out->local ? "127.0.0.1" : host;
    return ERR_OK;
}

enum err_code docker_engine_parse(const char *endpoint, struct docker_engine *out,
                                  struct arena *arena, struct err *err)
{
    struct docker_engine engine = {0};
    enum err_code rc = ERR_OK;
    if (endpoint != NULL && str_has_prefix(endpoint, "unix://")) {
        rc = parse_unix(endpoint + strlen("unix://"), &engine, arena, err);
    } else if (endpoint != NULL && str_has_prefix(endpoint, "tcp://")) {
        rc = parse_tcp(endpoint + strlen("tcp://"), &engine, arena, err);
    } else {
        rc = err_set(err, ERR_UNSUPPORTED, "not an endpoint of a container engine");
        err_hint(err, "it is unix:///path/of/the.sock or tcp://HOST:PORT");
    }
    if (rc == ERR_OK) {
        *out = engine;
    }
    return rc;
}

enum err_code docker_engine_open(const struct provider_call *call, struct docker_engine *out,
                                 struct arena *arena, struct err *err)
{
    enum err_code rc = docker_engine_parse(call->endpoint, out, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    out->call = call;
    if (out->unix_socket != NULL && access(out->unix_socket, R_OK | W_OK) != 0) {
        if (errno == EACCES || errno == EPERM) {
            err_set(err, ERR_CREDENTIAL, "this user may not open '%s'", out->unix_socket);
            err_hint(err, "add the user to the group of the socket (often docker)");
            return ERR_CREDENTIAL;
        }
        err_set(err, ERR_TRANSIENT, "there is no container engine at '%s': %s", out->unix_socket,
                strerror(errno));
        err_hint(err, "start it, or correct the endpoint");
        return ERR_TRANSIENT;
    }
    return ERR_OK;
}

bool docker_cancelled(const struct docker_engine *engine)
{
    const struct provider_call *call = engine->call;
    return call != NULL && call->cancel != NULL && call->cancel(call->ctx);
}

enum err_code docker_wait(const struct docker_engine *engine, int64_t ms, struct err *err)
{
    int64_t end = clock_mono_ms() + ms;
    for (;;) {
        if (docker_cancelled(engine)) {
            return err_set(err, ERR_CANCELLED, "cancelled");
        }
        int64_t left = end - clock_mono_ms();
        if (left <= 0) {
            return ERR_OK;
        }
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
}

struct transfer {
    const struct docker_engine *engine;
    bool is_upload;
};

static bool on_progress(void *ctx, double share)
{
    const struct transfer *transfer = ctx;
    const struct provider_call *call = transfer->engine->call;
    if (transfer->is_upload && call->progress != NULL) {
        call->progress(call->ctx, share);
    }
    return !docker_cancelled(transfer->engine);
}

void docker_reply_done(struct docker_reply *reply)
{
    json_doc_free(reply->doc);
    *reply = (struct docker_reply)DOCKER_REPLY_INIT;
}

enum err_code docker_engine_call(const struct docker_engine *engine,
                                 const struct docker_request *request, struct docker_reply *out,
                                 struct arena *arena, struct err *err)
{
    docker_reply_done(out);
    if (docker_cancelled(engine)) {
        return err_set(err, ERR_CANCELLED, "cancelled");
    }
    struct transfer transfer = {engine, request->body_file != NULL};
    struct http_call call = {
        .method = request->method,
        .url = arena_printf(arena, "%s%s", engine->base, request->path),
        .unix_socket = engine->unix_socket,
        .body = request->body,
        .body_len = request->body != NULL ? strlen(request->body) : 0,
        .body_file = request->body_file,
        .content_type = request->body_file != NULL ? "application/x-tar" : "application/json",
        .timeout_ms = request->timeout_ms,
        .max_reply_bytes = REPLY_MAX,
        .on_progress = engine->call != NULL ? on_progress : NULL,
        .ctx = &transfer,
    };
    struct http_reply reply = {0};
    enum err_code rc = http_call(&call, &reply, arena, err);
    if (rc != ERR_OK) {
        if (rc != ERR_CANCELLED) {
            err_context(err, "container engine");
        }
        return rc;
    }
    out->status = reply.status;
    out->body = reply.body != NULL ? reply.body : "";
    out->body_len = reply.body_len;
    const struct json_limits limits = {REPLY_MAX, 32, (size_t)1 << 20, 100000, 1000000};
    if (out->body_len > 0 &&
        json_parse(out->body, out->body_len, &limits, &out->doc, NULL) == ERR_OK) {
        out->root = json_root(out->doc);
    }
    return ERR_OK;
}

const char *docker_reply_message(const struct docker_reply *reply, struct arena *arena)
{
    const char *text = json_text(json_get(reply->root, "message"), NULL);
    if (text == NULL) {
        return arena_printf(arena, "HTTP status %d without a message", reply->status);
    }
    char *message = arena_strndup(arena, text, strnlen(text, MESSAGE_MAX));
    size_t length = strlen(message);
    while (length > 0 && !str_is_utf8(message, length)) { /* cut within a character */
        message[--length] = '\0';
    }
    for (char *at = message; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = ' ';
        }
    }
    return message;
}

/* Engines answer 500 for much that is not their fault; their words tell it apart. */
static enum err_code class_of(int status, const char *message)
{
    if (strcasestr(message, "no space left on device") != NULL ||
        strcasestr(message, "range of cpus is from") != NULL ||
        strcasestr(message, "cannot allocate memory") != NULL) {
        return ERR_CAPACITY;
    }
    if (strcasestr(message, "port is already allocated") != NULL ||
        strcasestr(message, "address already in use") != NULL) {
        return ERR_CONFLICT;
    }
    if (status >= 400 && (strcasestr(message, "executable file") != NULL ||
                          strcasestr(message, "no such file or directory: unknown") != NULL ||
                          strcasestr(message, "no command") != NULL)) {
        return ERR_INVALID;
    }
    switch (status) {
    case 401:
    case 403:
        return ERR_CREDENTIAL;
    case 404:
        return ERR_NOT_FOUND;
    case 408:
        return ERR_TIMEOUT;
    case 409:
        return ERR_CONFLICT;
    case 413:
        return ERR_TOO_LARGE;
    case 429:
        return ERR_RATE;
    case 501:
        return ERR_UNSUPPORTED;
    default:
        return status >= 400 && status < 500 ? ERR_INVALID : ERR_TRANSIENT;
    }
}

enum err_code docker_reply_error(const struct docker_reply *reply, const char *what,
                                 struct arena *arena, struct err *err)
{
    const char *message = docker_reply_message(reply, arena);
    return err_set(err, class_of(reply->status, message), "container engine: %s: %s", what,
                   message);
}

enum err_code docker_reply_nonsense(const char *what, struct err *err)
{
    err_set(err, ERR_TRANSIENT, "container engine: %s: the answer cannot be understood", what);
    err_hint(err, "look whether a container engine listens at the endpoint");
    return ERR_TRANSIENT;
}

char *docker_quote(const char *text, struct arena *arena)
{
    char *quoted = arena_alloc(arena, strlen(text) * 3 + 1), *to = quoted;
    for (const char *at = text; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at) || strchr("-_.~/", *at) != NULL) {
            *to++ = *at;
        } else {
            static const char hex[] = "0123456789ABCDEF";
            *to++ = '%';
            *to++ = hex[(unsigned char)*at >> 4];
            *to++ = hex[(unsigned char)*at & 15];
        }
    }
    *to = '\0';
    return quoted;
}

enum err_code docker_engine_look(const struct docker_engine *engine, const struct docker_look *look,
                                 struct docker_reply *out, struct arena *arena, struct err *err)
{
    struct docker_request request = {.method = "GET", .path = look->path};
    enum err_code rc = docker_engine_call(engine, &request, out, arena, err);
    if (rc != ERR_OK || out->status == 200 || (look->may_lack && out->status == 404)) {
        return rc;
    }
    return docker_reply_error(out, look->what, arena, err);
}

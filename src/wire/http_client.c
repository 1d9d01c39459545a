/* http_client.c - HTTP calls over libcurl.
 *
 * Contract: only http and https, redirects are an answer like any other, a proxy from the
 * environment is not asked for loopback addresses and unix sockets.  A reply (header and body) is
 * bounded.  A client keeps a few easy handles, and with them their open connections; a handle is
 * used by one call at a time, calls of several threads take different handles.  *out is written
 * only by a call that succeeds. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "wire/http.h"

#define KEPT_HANDLES 8
#define REPLY_DEFAULT ((size_t)16 << 20)
#define REPLY_HEADER_MAX ((size_t)256 << 10)
#define TIMEOUT_DEFAULT_MS 30000
#define CONNECT_TIMEOUT_DEFAULT_MS 5000
/* Below this a body is sent at once instead of asking with "Expect: 100-continue". */
#define EXPECT_FROM ((size_t)1 << 20)

struct http_client {
    pthread_mutex_t lock;
    CURL *idle[KEPT_HANDLES];
    size_t idle_count;
};

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURL *new_handle(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    return curl_easy_init();
}

struct http_client *http_client_new(void)
{
    struct http_client *client = mem_zalloc(sizeof *client);
    pthread_mutex_init(&client->lock, NULL);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

static CURL *borrow_handle(struct http_client *client)
{
    CURL *handle = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->idle_count > 0)
        handle = client->idle[--client->idle_count];
    pthread_mutex_unlock(&client->lock);
    return handle ? handle : new_handle();
}

static void return_handle(struct http_client *client, CURL *handle)
{
    curl_easy_reset(handle); /* keeps its connections */
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < KEPT_HANDLES)
        client->idle[client->idle_count++] = TAKE(handle);
    pthread_mutex_unlock(&client->lock);
    curl_easy_cleanup(handle);
}

/* ---- one exchange ---- */

struct exchange {
    const struct http_call *call;
    struct arena *arena;
    CURL *handle;
    struct curl_slist *headers;
    int file; /* body_file, or -1 */
    size_t header_bytes, reply_max, received;
    bool header_whole; /* its blank line has come */
    struct buf body;
    struct http_reply reply;
    struct err err; /* set by a callback that ended the call */
    char curl_text[CURL_ERROR_SIZE];
};

static void exchange_done(struct exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    if (exchange->file >= 0)
        close(exchange->file);
    buf_done(&exchange->body);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    size_t len = size * count, whole = len;
    exchange->header_bytes += len;
    if (exchange->header_bytes > REPLY_HEADER_MAX) {
        err_set(&exchange->err, ERR_TOO_LARGE, "the header of the reply is larger than %zu bytes",
                REPLY_HEADER_MAX);
        return 0;
    }
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    const char *colon = memchr(line, ':', len);
    exchange->header_whole = len == 0;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A new status line: what came before was 100 Continue or the like. */
        exchange->reply.headers.items = NULL;
        exchange->reply.headers.count = 0;
    } else if (colon) {
        struct http_header_pair *pair = LIST_ADD(exchange->arena, &exchange->reply.headers);
        pair->name = arena_strndup(exchange->arena, line, (size_t)(colon - line));
        const char *value = colon + 1, *end = line + len;
        while (value < end && (*value == ' ' || *value == '\t'))
            value++;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        pair->value = arena_strndup(exchange->arena, value, (size_t)(end - value));
    }
    return whole;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    const struct http_call *call = exchange->call;
    size_t len = size * count;
    if (exchange->reply_max && len > exchange->reply_max - exchange->received) {
        err_set(&exchange->err, ERR_TOO_LARGE, "the reply is larger than %zu bytes",
                exchange->reply_max);
        return CURL_WRITEFUNC_ERROR;
    }
    exchange->received += len;
    if (!call->on_data) {
        buf_add(&exchange->body, data, len);
        return len;
    }
    enum err_code rc = call->on_data(call->ctx, data, len, &exchange->err);
    if (rc && exchange->err.code == ERR_OK)
        err_set(&exchange->err, rc, "the reader of the reply ended the call");
    return rc ? CURL_WRITEFUNC_ERROR : len;
}

static size_t on_read_file(char *out, size_t size, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    ssize_t n;
    do
        n = read(exchange->file, out, size * count);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        err_errno(&exchange->err, errno, "cannot read '%s'", exchange->call->body_file);
        return CURL_READFUNC_ABORT;
    }
    return (size_t)n;
}

static int on_seek_file(void *ctx, curl_off_t offset, int origin)
{
    struct exchange *exchange = ctx;
    return lseek(exchange->file, offset, origin) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static int on_transfer(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    (void)down_total, (void)down;
    struct exchange *exchange = ctx;
    double share = up_total > 0 ? (double)up / (double)up_total : 1;
    if (up_total <= 0 && (exchange->call->body_len > 0 || exchange->file >= 0))
        share = 0; /* not connected yet */
    if (exchange->call->on_progress(exchange->call->ctx, share > 1 ? 1 : share))
        return 0;
    err_set(&exchange->err, ERR_CANCELLED, "the call was cancelled");
    return 1;
}

/* ---- preparing ---- */

static bool is_token(const char *text)
{
    if (!text || !*text)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f ||
            strchr("()<>@,;:\\\"/[]?={}", *text))
            return false;
    return true;
}

static enum err_code add_header(struct exchange *exchange, const char *name, const char *value,
                                struct err *err)
{
    if (!is_token(name) || !value || strpbrk(value, "\r\n"))
        return err_set(err, ERR_INVALID, "a request header has a bad name or a line break");
    /* "Name;" is how libcurl is told to send an empty value. */
    CLEANUP(mem_free_at)
    char *line = *value ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);
    exchange->headers = curl_slist_append(exchange->headers, line);
    return ERR_OK;
}

static bool has_header(const struct http_call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++)
        if (call->headers[i].name && strcasecmp(call->headers[i].name, name) == 0)
            return true;
    return false;
}

static enum err_code set_headers(struct exchange *exchange, bool has_body, size_t body_len,
                                 struct err *err)
{
    const struct http_call *call = exchange->call;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < call->header_count; i++)
        rc = add_header(exchange, call->headers[i].name, call->headers[i].value, err);
    if (!rc && has_body && !has_header(call, "Content-Type"))
        rc = add_header(exchange, "Content-Type",
                        call->content_type ? call->content_type : "application/json", err);
    if (rc)
        return rc;
    if (body_len < EXPECT_FROM)
        exchange->headers = curl_slist_append(exchange->headers, "Expect:");
    curl_easy_setopt(exchange->handle, CURLOPT_HTTPHEADER, exchange->headers);
    return ERR_OK;
}

/* The URL parsed once, for the checks libcurl would do late, and for the loopback rule. */
static enum err_code check_url(const char *url, bool *out_loopback, struct err *err)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    CURLUcode code = url ? curl_url_set(parsed, CURLUPART_URL, url, 0) : CURLUE_MALFORMED_INPUT;
    if (!code)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_HOST, &host, 0);
    enum err_code rc = ERR_OK;
    if (code == CURLUE_UNSUPPORTED_SCHEME ||
        (!code && !str_eq(scheme, "http") && !str_eq(scheme, "https"))) {
        rc = err_set(err, ERR_INVALID, "'%s' is neither an http nor an https address", url);
    } else if (code) {
        rc = err_set(err, ERR_INVALID, "'%s' is not a usable address: %s", url ? url : "",
                     curl_url_strerror(code));
    } else {
        struct in_addr v4;
        *out_loopback = strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
                        (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return rc;
}

static enum err_code set_body(struct exchange *exchange, bool *out_has_body, size_t *out_len,
                              struct err *err)
{
    const struct http_call *call = exchange->call;
    CURL *handle = exchange->handle;
    *out_has_body = call->body || call->body_file;
    *out_len = call->body_len;
    if (call->body_file) {
        exchange->file = open(call->body_file, O_RDONLY | O_CLOEXEC);
        struct stat status;
        if (exchange->file < 0 || fstat(exchange->file, &status) != 0)
            return err_errno(err, errno, "cannot read '%s'", call->body_file);
        if (!S_ISREG(status.st_mode))
            return err_set(err, ERR_INVALID, "'%s' is not a file", call->body_file);
        *out_len = (size_t)status.st_size;
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)status.st_size);
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read_file);
        curl_easy_setopt(handle, CURLOPT_READDATA, exchange);
        curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek_file);
        curl_easy_setopt(handle, CURLOPT_SEEKDATA, exchange);
    } else if (call->body) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body);
    }
    return ERR_OK;
}

static enum err_code prepare(struct exchange *exchange, struct err *err)
{
    const struct http_call *call = exchange->call;
    CURL *handle = exchange->handle;
    bool loopback = false, has_body;
    size_t body_len;
    enum err_code rc = check_url(call->url, &loopback, err);
    if (rc)
        return rc;
    if (call->method && !is_token(call->method))
        return err_set(err, ERR_INVALID, "the method is not a word");
    rc = set_body(exchange, &has_body, &body_len, err);
    if (!rc)
        rc = set_headers(exchange, has_body, body_len, err);
    if (rc)
        return rc;
    const char *method = call->method ? call->method : has_body ? "POST" : "GET";
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(handle, CURLOPT_URL, call->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, exchange->curl_text);
    if (call->unix_socket)
        curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, call->unix_socket);
    if (call->unix_socket || loopback)
        curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    int64_t timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_DEFAULT_MS;
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms < 0 ? 0L : (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(call->connect_timeout_ms > 0 ? call->connect_timeout_ms
                                                         : CONNECT_TIMEOUT_DEFAULT_MS));
    if (call->ca_file) /* libcurl asks the system's folder of certificates besides this file */
        curl_easy_setopt(handle, CURLOPT_CAINFO, call->ca_file);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, call->insecure ? 0L : 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, call->insecure ? 0L : 2L);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange);
    if (call->on_progress) {
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_transfer);
        curl_easy_setopt(handle, CURLOPT_XFERINFODATA, exchange);
    }
    return ERR_OK;
}

/* ---- what came of it ---- */

static enum err_code code_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return ERR_CREDENTIAL;
    case CURLE_URL_MALFORMAT:
        return ERR_INVALID;
    case CURLE_ABORTED_BY_CALLBACK:
        return ERR_CANCELLED;
    case CURLE_FILESIZE_EXCEEDED:
        return ERR_TOO_LARGE;
    default:
        return ERR_TRANSIENT;
    }
}

static enum err_code explain(struct exchange *exchange, CURLcode code, struct err *err)
{
    if (exchange->err.code != ERR_OK) {
        if (err)
            *err = exchange->err;
        return exchange->err.code;
    }
    const struct http_call *call = exchange->call;
    const char *detail = exchange->curl_text[0] ? exchange->curl_text : curl_easy_strerror(code);
    enum err_code mapped = code_of(code);
    if (call->unix_socket)
        err_set(err, mapped, "call of %s over '%s' failed: %s", call->url, call->unix_socket,
                detail);
    else
        err_set(err, mapped, "call of %s failed: %s", call->url, detail);
    if (mapped == ERR_CREDENTIAL)
        err_hint(err, "check the server's certificate, or give the certificate to trust");
    return mapped;
}

static enum err_code perform(CURL *handle, const struct http_call *call, struct http_reply *out,
                             struct arena *arena, struct err *err)
{
    if (!handle)
        return err_set(err, ERR_IO, "libcurl cannot start");
    CLEANUP(exchange_done)
    struct exchange exchange = {
        .call = call,
        .arena = arena,
        .handle = handle,
        .file = -1,
        .reply_max = call->max_reply_bytes ? call->max_reply_bytes
                     : call->on_data       ? 0
                                           : REPLY_DEFAULT,
    };
    enum err_code rc = prepare(&exchange, err);
    if (rc)
        return rc;
    CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK)
        return explain(&exchange, code, err);
    if (!exchange.header_whole) /* libcurl lets that pass */
        return err_set(err, ERR_TRANSIENT, "call of %s failed: the header of the reply broke off",
                       call->url);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    exchange.reply.status = (int)status;
    exchange.reply.content_type = http_reply_header(&exchange.reply, "Content-Type");
    exchange.reply.body_len = exchange.body.len;
    char *body = arena_alloc(arena, exchange.body.len + 1);
    memcpy(body, buf_str(&exchange.body), exchange.body.len + 1);
    exchange.reply.body = body;
    *out = exchange.reply;
    return ERR_OK;
}

enum err_code http_client_call(struct http_client *client, const struct http_call *call,
                               struct http_reply *out, struct arena *arena, struct err *err)
{
    enum err_code rc = FAULT_POINT("wire.http_call", err);
    if (rc)
        return rc;
    CURL *handle = borrow_handle(client);
    rc = perform(handle, call, out, arena, err);
    if (handle)
        return_handle(client, handle);
    return rc;
}

enum err_code http_call(const struct http_call *call, struct http_reply *out, struct arena *arena,
                        struct err *err)
{
    enum err_code rc = FAULT_POINT("wire.http_call", err);
    if (rc)
        return rc;
    CURL *handle = new_handle();
    rc = perform(handle, call, out, arena, err);
    curl_easy_cleanup(handle);
    return rc;
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->headers.count; i++)
        if (strcasecmp(reply->headers.items[i].name, name) == 0)
            return reply->headers.items[i].value;
    return NULL;
}

/* http_server.c - starts, watches and stops libmicrohttpd with its pool of epoll threads.
 *
 * Contract: MHD closes connections on which nothing moves for timeout_s.  That alone would let a
 * client hold one for ever with a byte now and then, so a watcher cuts every connection whose
 * request is not whole timeout_s after the last answer (header) or after the header (body), one
 * second more for each BODY_RATE bytes received.  MHD's edge-triggered epoll also misses a peer
 * that closes in the same moment as it sends half a request; the watcher cuts those, too.  The
 * watcher also keeps the sockets of early refusals readable for a moment (http_server_linger).
 * Stopping: no new connections, streams end, answers under way get STOP_WAIT_MS, then everything is
 * cut and joined. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/http_priv.h"

#define STOP_WAIT_MS 5000
#define LINGER_MS 3000
#define BODY_RATE 1024 /* bytes a second that a slow but honest link manages */
#define BACKLOG 1024
/* Handlers decode JSON, talk to SQLite and run engines; only touched pages cost memory. */
#define THREAD_STACK ((size_t)1 << 20)
#define WATCHER_STACK ((size_t)128 << 10)
#define PEM_MAX ((size_t)1 << 20)
/* Of MHD's memory per connection, what is left beside the request's header for its own lists and
 * for the answer's header. */
#define ANSWER_ROOM ((size_t)16 << 10)

/* ---- watcher ---- */

void http_server_linger(struct http_server *server, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return;
    shutdown(copy, SHUT_WR);
    pthread_mutex_lock(&server->lock);
    bool kept = server->linger_count < HTTP_LINGER_MAX;
    if (kept)
        server->lingers[server->linger_count++] =
            (struct http_linger){copy, clock_mono_ms() + LINGER_MS};
    pthread_mutex_unlock(&server->lock);
    if (!kept)
        close(copy);
    else
        eventfd_write(server->wake_fd, 1);
}

/* Reads and forgets; false once the peer has closed or its time is over. */
static bool drain(const struct http_linger *linger, int64_t now_ms)
{
    char trash[16384];
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(linger->fd, trash, sizeof trash, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n < 0)
            break;
    }
    return now_ms < linger->until_ms;
}

/* The peer has closed and MHD has read all it sent: the request will never be whole. */
static bool has_left(const struct http_connection *connection)
{
    struct pollfd poll_fd = {.fd = connection->fd, .events = POLLRDHUP};
    int unread = 0;
    return poll(&poll_fd, 1, 0) > 0 && ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* Under the lock. */
static void cut_hopeless(struct http_server *server, int64_t now_ms)
{
    for (struct http_connection *c = server->first; c; c = c->next) {
        int64_t since_ms = atomic_load(&c->waiting_since_ms);
        int64_t allowed_ms = (int64_t)server->options.timeout_s * 1000 +
                             atomic_load(&c->received) * 1000 / BODY_RATE;
        bool left = since_ms > 0 && has_left(c);
        if (since_ms > 0 && (now_ms - since_ms > allowed_ms || (left && c->left)))
            shutdown(c->fd, SHUT_RDWR);
        c->left = left;
    }
}

static void *watch(void *ctx)
{
    struct http_server *server = ctx;
    int64_t next_round_ms = clock_mono_ms() + 1000;
    while (!atomic_load(&server->watcher_ends)) {
        struct pollfd fds[1 + HTTP_LINGER_MAX] = {{.fd = server->wake_fd, .events = POLLIN}};
        pthread_mutex_lock(&server->lock);
        size_t count = server->linger_count;
        for (size_t i = 0; i < count; i++)
            fds[1 + i] = (struct pollfd){.fd = server->lingers[i].fd, .events = POLLIN};
        pthread_mutex_unlock(&server->lock);

        int64_t wait_ms = next_round_ms - clock_mono_ms();
        if (poll(fds, 1 + (nfds_t)count, wait_ms < 0 ? 0 : (int)wait_ms) < 0 && errno != EINTR)
            clock_sleep_ms(100);
        eventfd_t ignored;
        if (fds[0].revents & POLLIN)
            eventfd_read(server->wake_fd, &ignored);

        int64_t now_ms = clock_mono_ms();
        pthread_mutex_lock(&server->lock);
        for (size_t i = server->linger_count; i-- > 0;) {
            if (drain(&server->lingers[i], now_ms))
                continue;
            close(server->lingers[i].fd);
            server->lingers[i] = server->lingers[--server->linger_count];
        }
        if (now_ms >= next_round_ms) {
            cut_hopeless(server, now_ms);
            next_round_ms = now_ms + 1000;
        }
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static enum err_code start_watcher(struct http_server *server, struct err *err)
{
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->wake_fd < 0)
        return err_errno(err, errno, "cannot start the HTTP server");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WATCHER_STACK);
    int rc = pthread_create(&server->watcher, &attributes, watch, server);
    pthread_attr_destroy(&attributes);
    if (rc != 0) {
        close(server->wake_fd);
        return err_errno(err, rc, "cannot start a thread of the HTTP server");
    }
    return ERR_OK;
}

static void stop_watcher(struct http_server *server)
{
    atomic_store(&server->watcher_ends, true);
    eventfd_write(server->wake_fd, 1);
    pthread_join(server->watcher, NULL);
    for (size_t i = 0; i < server->linger_count; i++)
        close(server->lingers[i].fd);
    close(server->wake_fd);
}

/* ---- start ---- */

static enum err_code open_listener(const char *address, int port, int *out_fd, int *out_port,
                                   int *out_family, struct err *err)
{
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (port < 0 || port > 65535)
        return err_set(err, ERR_INVALID, "%d is not a port", port);
    if (!address || getaddrinfo(address, port_text, &hints, &found) != 0)
        return err_set(err, ERR_INVALID, "'%s' is not a numeric IP address",
                       address ? address : "");
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, off = 0;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (ok && found->ai_family == AF_INET6) /* "::" serves both families */
        ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    ok = ok && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    ok = ok && getsockname(fd, (struct sockaddr *)&bound, &len) == 0;
    int saved = errno;
    *out_family = found->ai_family;
    freeaddrinfo(found);
    if (!ok) {
        if (fd >= 0)
            close(fd);
        if (saved == EADDRINUSE) {
            err_set(err, ERR_CONFLICT, "%s port %d is in use by another program", address, port);
            err_hint(err, "choose another port, or stop that program");
            return ERR_CONFLICT;
        }
        return err_errno(err, saved, "cannot listen on %s port %d", address, port);
    }
    *out_fd = fd;
    *out_port =
        ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                          : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    return ERR_OK;
}

/* Certificate and key as text; both stay empty without TLS. */
static enum err_code read_pems(const struct http_server_options *options, struct buf *certificate,
                               struct buf *key, struct err *err)
{
    if (!options->certificate_file && !options->key_file)
        return ERR_OK;
    if (!options->certificate_file || !options->key_file)
        return err_set(err, ERR_INVALID, "TLS needs both a certificate file and a key file");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return err_set(err, ERR_UNSUPPORTED, "this libmicrohttpd was built without TLS");
    enum err_code rc = file_read(options->certificate_file, PEM_MAX, certificate, err);
    if (!rc)
        rc = file_read(options->key_file, PEM_MAX, key, err);
    if (rc)
        return rc;
    if (!strstr(buf_str(certificate), "-----BEGIN CERTIFICATE-----"))
        return err_set(err, ERR_INVALID, "'%s' holds no PEM certificate",
                       options->certificate_file);
    if (!strstr(buf_str(key), "PRIVATE KEY-----"))
        return err_set(err, ERR_INVALID, "'%s' holds no PEM private key", options->key_file);
    return ERR_OK;
}

/* MHD must leave the target as it came: http_path.c decodes it. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls, (void)mhd;
    return strlen(text);
}

static void on_mhd_log(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void on_mhd_log(void *cls, const char *format, va_list args)
{
    struct http_server *server = cls;
    if (!atomic_load(&server->started) && !atomic_exchange(&server->start_said, true)) {
        vsnprintf(server->start_error, sizeof server->start_error, format, args);
        server->start_error[strcspn(server->start_error, "\n")] = '\0';
    } else if (log_wants(LOG_DEBUG)) {
        char text[256];
        vsnprintf(text, sizeof text, format, args);
        text[strcspn(text, "\n")] = '\0';
        log_event(LOG_DEBUG, "wire", "libmicrohttpd", "said", text, NULL);
    }
}

static enum err_code start_daemon(struct http_server *server, int listen_fd, int family,
                                  const struct buf *certificate, const struct buf *key,
                                  struct err *err)
{
    const struct http_server_options *options = &server->options;
    server->tls = certificate->len > 0;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (family == AF_INET6)
        flags |= MHD_USE_IPv6;
    if (server->tls)
        flags |= MHD_USE_TLS;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate->data},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key->data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    /* Some room above the limit, so that those who are too many can be told. */
    unsigned limit = (unsigned)(options->max_connections + options->max_connections / 8 + 16);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_connection_on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        on_mhd_log, server, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)options->threads, MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK,
        MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)options->timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->max_header_bytes + ANSWER_ROOM, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, http_connection_on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_connection_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        http_connection_on_notify, server, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        server->tls ? tls : none, MHD_OPTION_END);
    if (daemon) {
        server->daemon = daemon;
        atomic_store(&server->started, true);
        return ERR_OK;
    }
    if (server->tls)
        return err_set(err, ERR_INVALID, "the TLS certificate and key cannot be used together: %s",
                       server->start_error[0] ? server->start_error : "TLS refuses them");
    return err_set(err, ERR_IO, "cannot start the HTTP server: %s",
                   server->start_error[0] ? server->start_error : "libmicrohttpd gives no reason");
}

static void fill_defaults(struct http_server_options *options)
{
    if (options->threads <= 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        options->threads = cores < 2 ? 2 : cores > 256 ? 256 : (int)cores;
    }
    if (options->max_connections <= 0)
        options->max_connections = 1000;
    if (options->max_header_bytes == 0)
        options->max_header_bytes = (size_t)16 << 10;
    if (options->max_body_bytes == 0)
        options->max_body_bytes = (size_t)1 << 20;
    if (options->timeout_s <= 0)
        options->timeout_s = 30;
}

static void free_server(struct http_server *server)
{
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}

enum err_code http_server_start(const struct http_server_options *options, struct http_server **out,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf certificate = BUF_INIT;
    CLEANUP(buf_done) struct buf key = BUF_INIT;
    enum err_code rc = read_pems(options, &certificate, &key, err);
    if (rc)
        return rc;
    int listen_fd = -1, port = 0, family = AF_UNSPEC;
    rc = open_listener(options->address, options->port, &listen_fd, &port, &family, err);
    if (rc)
        return rc;
    struct http_server *server = mem_zalloc(sizeof *server);
    server->options = *options;
    fill_defaults(&server->options);
    server->options.address = NULL;
    server->options.certificate_file = server->options.key_file = NULL;
    server->port = port;
    pthread_mutex_init(&server->lock, NULL);
    rc = start_watcher(server, err);
    if (rc) {
        close(listen_fd);
        free_server(server);
        return rc;
    }
    rc = start_daemon(server, listen_fd, family, &certificate, &key, err);
    if (key.data)
        explicit_bzero(key.data, key.len);
    if (rc) {
        stop_watcher(server);
        close(listen_fd);
        free_server(server);
        return rc;
    }
    *out = server;
    return ERR_OK;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    /* What comes from now on is told that the server is stopping.  MHD_quiesce_daemon, which would
     * not let it in, takes the socket out of the workers' epoll sets beside them and dies when one
     * of them is faster (libmicrohttpd 0.9.75). */
    atomic_store(&server->stopping, true);
    pthread_mutex_lock(&server->lock);
    for (struct http_connection *c = server->first; c; c = c->next)
        if (c->stream)
            http_stream_end(c->stream);
    pthread_mutex_unlock(&server->lock);
    int64_t until_ms = clock_mono_ms() + STOP_WAIT_MS;
    while (atomic_load(&server->under_way) > 0 && clock_mono_ms() < until_ms)
        clock_sleep_ms(2);
    pthread_mutex_lock(&server->lock);
    for (struct http_connection *c = server->first; c; c = c->next) {
        if (c->stream)
            http_stream_abort(c->stream);
        shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
    MHD_stop_daemon(server->daemon);
    stop_watcher(server);
    free_server(server);
}

void http_server_figures(const struct http_server *server, struct http_server_figures *out)
{
    *out = (struct http_server_figures){
        .requests = atomic_load(&server->requests),
        .connections = atomic_load(&server->connections),
        .open_connections = atomic_load(&server->open_connections),
        .open_streams = atomic_load(&server->open_streams),
        .refused = atomic_load(&server->refused),
    };
}

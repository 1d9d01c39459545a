/* hello.c - the smallest useful web service, to see that a place really runs things.
 *
 * GET / greets and tells which instance answered on which host; GET /healthz says ok.  HTTP/1.1
 * with keep-alive, one thread, one poll loop, no memory asked for.  HOST and PORT in the
 * environment say where it listens; SIGTERM ends it.  A connection that is silent for 30 s is
 * closed; when all CONNECTIONS_MAX are taken, new ones wait in the kernel's queue. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define REQUEST_MAX 8192 /* line and headers */
#define IDLE_S 30

struct connection {
    int fd; /* -1 = free */
    char request[REQUEST_MAX];
    size_t len;
    char answer[4096];
    size_t answer_len, sent;
    bool closing;
    time_t seen;
};

static struct connection connections[CONNECTIONS_MAX];
static char page[2048];
static size_t page_len;
static volatile sig_atomic_t ended;

static void on_end(int signal)
{
    (void)signal;
    ended = 1;
}

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Text into HTML: what is not plain becomes '?'. */
static void copy_plain(char *out, size_t size, const char *text)
{
    size_t len = 0;
    for (; *text != '\0' && len + 1 < size; text++)
        out[len++] = strchr("<>&\"'", *text) != NULL ? '?' : *text;
    out[len] = '\0';
}

static void make_page(void)
{
    char host[256] = "", instance[256], name[256];
    gethostname(host, sizeof host - 1);
    const char *given = getenv("SWAN_INSTANCE");
    copy_plain(name, sizeof name, host);
    copy_plain(instance, sizeof instance, given != NULL ? given : "hello");
    int len = snprintf(page, sizeof page,
                       "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Hello</title>"
                       "</head><body><h1>Hello from Swan</h1><p>instance <b>%s</b> on host "
                       "<b>%s</b></p></body></html>\n",
                       instance, name);
    page_len = len > 0 ? (size_t)len : 0;
}

static void hang_up(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
}

static void answer(struct connection *c, const char *status, const char *type, const char *body,
                   size_t body_len, bool with_body)
{
    int head = snprintf(c->answer, sizeof c->answer,
                        "HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
                        "Cache-Control: no-store\r\nConnection: %s\r\n\r\n",
                        status, type, body_len, c->closing ? "close" : "keep-alive");
    c->answer_len = head > 0 ? (size_t)head : 0;
    if (with_body && c->answer_len + body_len <= sizeof c->answer) {
        memcpy(c->answer + c->answer_len, body, body_len);
        c->answer_len += body_len;
    }
    c->sent = 0;
}

static bool wants_close(const char *headers)
{
    for (const char *line = strstr(headers, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "connection:", 11) == 0) {
            const char *value = line + 13 + strspn(line + 13, " \t");
            return strncasecmp(value, "close", 5) == 0;
        }
    return false;
}

/* A body is never read, so a request that has one is answered and the connection closed. */
static bool has_body(const char *headers)
{
    for (const char *line = strstr(headers, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "content-length:", 15) == 0 ||
            strncasecmp(line + 2, "transfer-encoding:", 18) == 0)
            return true;
    return false;
}

static void handle(struct connection *c)
{
    static const char ok[] = "ok\n", missing[] = "not found\n", bad[] = "bad request\n",
                      method[] = "only GET and HEAD\n";
    char verb[16], path[1024], version[16];
    bool parsed = sscanf(c->request, "%15s %1023s %15s", verb, path, version) == 3;
    c->closing = !parsed || strcmp(version, "HTTP/1.1") != 0 || wants_close(c->request) ||
                 has_body(c->request);
    if (!parsed || strncmp(version, "HTTP/1.", 7) != 0) {
        answer(c, "400 Bad Request", "text/plain", bad, sizeof bad - 1, true);
        return;
    }
    bool with_body = strcmp(verb, "HEAD") != 0;
    path[strcspn(path, "?")] = '\0';
    if (with_body && strcmp(verb, "GET") != 0)
        answer(c, "405 Method Not Allowed", "text/plain", method, sizeof method - 1, true);
    else if (strcmp(path, "/") == 0)
        answer(c, "200 OK", "text/html", page, page_len, with_body);
    else if (strcmp(path, "/healthz") == 0)
        answer(c, "200 OK", "text/plain", ok, sizeof ok - 1, with_body);
    else
        answer(c, "404 Not Found", "text/plain", missing, sizeof missing - 1, with_body);
}

/* Answers the whole requests that stand in the buffer, one after the other. */
static void serve(struct connection *c)
{
    while (c->fd >= 0) {
        while (c->sent < c->answer_len) {
            ssize_t put = send(c->fd, c->answer + c->sent, c->answer_len - c->sent, MSG_NOSIGNAL);
            if (put < 0 && errno == EAGAIN)
                return;
            if (put < 0) {
                hang_up(c);
                return;
            }
            c->sent += (size_t)put;
        }
        if (c->closing) {
            hang_up(c);
            return;
        }
        c->request[c->len] = '\0';
        char *end = strstr(c->request, "\r\n\r\n");
        if (end == NULL && c->len + 1 < sizeof c->request)
            return;
        if (end == NULL || memchr(c->request, '\0', c->len) != NULL) {
            c->closing = true;
            answer(c, "400 Bad Request", "text/plain", "too large\n", 10, true);
            continue;
        }
        end[2] = '\0';
        handle(c);
        size_t used = (size_t)(end + 4 - c->request);
        memmove(c->request, c->request + used, c->len - used);
        c->len -= used;
    }
}

static void receive(struct connection *c)
{
    ssize_t got = recv(c->fd, c->request + c->len, sizeof c->request - 1 - c->len, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        hang_up(c);
        return;
    }
    if (got > 0)
        c->len += (size_t)got;
    c->seen = now_s();
}

static void accept_one(int listener)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        if (c->fd >= 0)
            continue;
        c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        c->len = c->answer_len = c->sent = 0;
        c->closing = false;
        c->seen = now_s();
        return;
    }
}

static int listen_at(const char *host, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &at.sin_addr) != 1) {
        fprintf(stderr, "hello: HOST '%s' is no IPv4 address\n", host);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1024) < 0) {
        fprintf(stderr, "hello: %s:%d: %s\n", host, port, strerror(errno));
        return -1;
    }
    return fd;
}

static bool is_full(void)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd < 0)
            return false;
    return true;
}

static void serve_round(int listener)
{
    static struct pollfd fds[CONNECTIONS_MAX + 1];
    static struct connection *of[CONNECTIONS_MAX + 1];
    nfds_t count = 1;
    fds[0] = (struct pollfd){.fd = is_full() ? -1 : listener, .events = POLLIN};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        if (c->fd < 0)
            continue;
        of[count] = c;
        fds[count++] =
            (struct pollfd){.fd = c->fd, .events = c->sent < c->answer_len ? POLLOUT : POLLIN};
    }
    if (poll(fds, count, 1000) < 0)
        return;
    for (nfds_t i = 1; i < count; i++) {
        struct connection *c = of[i];
        if (fds[i].revents != 0 && c->sent >= c->answer_len)
            receive(c);
        if (fds[i].revents != 0 && c->fd >= 0)
            serve(c);
        else if (c->fd >= 0 && now_s() - c->seen > IDLE_S)
            hang_up(c);
    }
    if (fds[0].revents != 0)
        accept_one(listener);
}

int main(void)
{
    const char *host = getenv("HOST"), *port = getenv("PORT");
    char *rest = NULL;
    long number = port != NULL ? strtol(port, &rest, 10) : 8080;
    if (number < 1 || number > 65535 || (rest != NULL && *rest != '\0')) {
        fprintf(stderr, "hello: PORT '%s' is no port\n", port);
        return 2;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        connections[i].fd = -1;
    struct sigaction end = {.sa_handler = on_end};
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    make_page();
    int listener = listen_at(host != NULL ? host : "127.0.0.1", (int)number);
    if (listener < 0)
        return 1;
    fprintf(stderr, "hello: listening on port %ld\n", number);
    while (!ended)
        serve_round(listener);
    return 0;
}

/* host_measure.c - how quick the way to a machine is: one number for a round trip, one for a rate.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define PINGS 50
#define BUDGET_US 70000 /* for each of the two measurements */
#define TRANSFER_BYTES ((int64_t)32 << 20)
#define PIECE ((size_t)128 << 10)
#define SSH_BYTES ((size_t)4 << 20) /* through the session: enough to tell 10 from 1000 Mbit/s */
#define SSH_CONNECTS 3

/* The other end: sends one byte back for each of PINGS, then swallows. */
static void *answer(void *ctx)
{
    int listener = *(int *)ctx, on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char *piece = mem_alloc(PIECE);
    int64_t seen = 0;
    for (ssize_t got; (got = recv(fd, piece, PIECE, 0)) > 0; seen += got)
        if (seen < PINGS && send(fd, piece, 1, MSG_NOSIGNAL) != 1)
            break;
    /* The sender's clock stops when all has arrived. */
    send(fd, piece, 1, MSG_NOSIGNAL);
    mem_free(piece);
    close(fd);
    return NULL;
}

static int listen_on_loopback(struct sockaddr_in *at)
{
    socklen_t len = sizeof *at;
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)at, sizeof *at) < 0 || listen(fd, 1) < 0 ||
                    getsockname(fd, (struct sockaddr *)at, &len) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The least of the round trips: what the way takes when nobody is in it. */
static void measure_latency(int fd, struct opt_double *ret_latency_ms)
{
    int64_t start = clock_mono_us(), best = INT64_MAX;
    char byte = 0;
    for (int i = 0; i < PINGS; i++) {
        int64_t from = clock_mono_us();
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
            return;
        int64_t took = clock_mono_us() - from;
        best = took < best ? took : best;
        if (clock_mono_us() - start > BUDGET_US)
            break;
    }
    *ret_latency_ms = (struct opt_double){true, (double)(best > 0 ? best : 1) / 1000};
}

static void measure_rate(int fd, struct opt_double *ret_mbps)
{
    char *piece = mem_zalloc(PIECE);
    int64_t start = clock_mono_us(), sent = 0;
    while (sent < TRANSFER_BYTES && clock_mono_us() - start < BUDGET_US) {
        ssize_t put = send(fd, piece, PIECE, MSG_NOSIGNAL);
        if (put <= 0)
            break;
        sent += put;
    }
    shutdown(fd, SHUT_WR);
    bool arrived = recv(fd, piece, 1, 0) == 1;
    int64_t took = clock_mono_us() - start;
    mem_free(piece);
    if (arrived && took > 0 && sent > 0)
        *ret_mbps = (struct opt_double){true, (double)sent * 8 / (double)took};
}

void host_measure_loopback(struct opt_double *ret_latency_ms, struct opt_double *ret_mbps)
{
    struct sockaddr_in at;
    int listener = listen_on_loopback(&at), on = 1;
    pthread_t thread;
    if (listener < 0)
        return;
    if (pthread_create(&thread, NULL, answer, &listener) != 0) {
        close(listener);
        return;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        measure_latency(fd, ret_latency_ms);
        measure_rate(fd, ret_mbps);
    } else {
        shutdown(listener, SHUT_RDWR); /* wakes accept */
    }
    if (fd >= 0)
        close(fd);
    pthread_join(thread, NULL);
    close(listener);
}

static bool connect_once(const struct addrinfo *to, int64_t *ret_us)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    int64_t from = clock_mono_us();
    int failed = connect(fd, to->ai_addr, to->ai_addrlen) < 0 ? errno : 0;
    if (failed == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        socklen_t len = sizeof failed;
        if (poll(&wait, 1, 2000) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
            failed = ETIMEDOUT;
    }
    *ret_us = clock_mono_us() - from;
    close(fd);
    return failed == 0;
}

static void measure_connect(const struct host_endpoint *endpoint, struct opt_double *out)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[16];
    int64_t best = INT64_MAX, took = 0;
    str_format(port, sizeof port, "%d", endpoint->port);
    if (getaddrinfo(endpoint->host, port, &wanted, &found) != 0)
        return;
    for (int i = 0; i < SSH_CONNECTS; i++)
        if (connect_once(found, &took) && took < best)
            best = took;
    freeaddrinfo(found);
    if (best != INT64_MAX)
        *out = (struct opt_double){true, (double)(best > 0 ? best : 1) / 1000};
}

void host_measure_ssh(struct host_machine *machine, struct opt_double *ret_latency_ms,
                      struct opt_double *ret_mbps)
{
    int status = 0;
    measure_connect(&machine->endpoint, ret_latency_ms);
    char *data = mem_zalloc(SSH_BYTES);
    int64_t from = clock_mono_us();
    enum err_code rc =
        ssh_run(machine->ssh, "cat >/dev/null", data, SSH_BYTES, NULL, NULL, &status, 10000, NULL);
    int64_t took = clock_mono_us() - from;
    mem_free(data);
    if (rc == ERR_OK && status == 0 && took > 0)
        *ret_mbps = (struct opt_double){true, (double)SSH_BYTES * 8 / (double)took};
}

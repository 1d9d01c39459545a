/* probe.c - one HTTP GET asked on the machine itself, for services that cannot be reached from
 * where Swan runs; with the path "-" only a TCP connection.  Prints status= (of HTTP) and
 * latency_us=, or why there was no answer. */
#include "provision/providers/host/supervise/supervise.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PROBE_MS 3000

static int64_t mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int supervise_verb_probe(const char *address, const char *port, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int64_t number, start = mono_us();
    char request[4096] = "", answer[256];
    bool only_connect = strcmp(path, "-") == 0;
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        !supervise_to_int(port, 1, 65535, &number) ||
        (!only_connect && (path[0] != '/' || strpbrk(path, " \r\n") != NULL)) ||
        !supervise_format(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", path,
                          address, port))
        return supervise_fail(SUPERVISE_INVALID, "bad address, port or path");
    at.sin_port = htons((uint16_t)number);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_sec = PROBE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        return supervise_fail(SUPERVISE_AGAIN, "connect: %s", strerror(errno));
    if (only_connect) {
        dprintf(STDOUT_FILENO, "latency_us=%lld\n", (long long)(mono_us() - start));
        close(fd);
        return SUPERVISE_OK;
    }
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return supervise_fail(SUPERVISE_AGAIN, "send: %s", strerror(errno));
    size_t len = 0;
    while (len < 13) { /* "HTTP/1.1 200 " */
        ssize_t got = recv(fd, answer + len, sizeof answer - 1 - len, 0);
        if (got <= 0)
            return supervise_fail(SUPERVISE_AGAIN, "no answer");
        len += (size_t)got;
    }
    answer[len] = '\0';
    int status = 0;
    if (sscanf(answer, "HTTP/1.%*1[01] %3d", &status) != 1)
        return supervise_fail(SUPERVISE_AGAIN, "what answers does not speak HTTP");
    dprintf(STDOUT_FILENO, "status=%d\nlatency_us=%lld\n", status, (long long)(mono_us() - start));
    close(fd);
    return SUPERVISE_OK;
}

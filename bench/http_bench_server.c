/* http_bench_server.c - the HTTP server with one small answer from memory, for http_bench.sh.
 *
 *     http_bench_server BYTES [THREADS]
 * prints its port and serves until its standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/http.h"

static void answer(void *ctx, struct http_request *request, struct http_response *response)
{
    (void)request;
    const struct buf *body = ctx;
    response->content_type = "text/plain";
    buf_add(&response->body, body->data, body->len);
}

int main(int argc, char **argv)
{
    size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    while (body.len < bytes)
        buf_add_char(&body, 'x');
    struct http_server_options options = {
        .address = "127.0.0.1",
        .threads = argc > 2 ? atoi(argv[2]) : 0,
        .handler = answer,
        .ctx = &body,
    };
    struct err err = ERR_INIT;
    struct http_server *server;
    if (http_server_start(&options, &server, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%d\n", http_server_port(server));
    fflush(stdout);
    char end;
    while (read(STDIN_FILENO, &end, 1) > 0)
        continue;
    http_server_stop(server);
    return 0;
}

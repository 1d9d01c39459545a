/* http_priv.h - what the parts of the HTTP server share. */
#ifndef SWAN_WIRE_HTTP_PRIV_H
#define SWAN_WIRE_HTTP_PRIV_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <microhttpd.h>

#include "wire/http.h"

/* ---- http_path.c: pure ---- */
struct http_parameter {
    const char *name, *value;
};
struct http_target {
    const char *path;
    LIST(struct http_parameter) parameters;
};
/* More than this many parameters in one query is refused. */
#define HTTP_PARAMETERS_MAX 256
/* Decodes the target of a request line ("/a%20b?x=1", also "http://host/a").  ERR_INVALID says what
 * is wrong with it; the result lives in the arena. */
enum err_code http_target_decode(const char *target, struct http_target *out, struct arena *arena,
                                 struct err *err);

/* ---- http_server.c ---- */
struct http_connection;

#define HTTP_LINGER_MAX 32

struct http_server {
    struct http_server_options options; /* defaults filled in; address and files not kept */
    struct MHD_Daemon *daemon;
    int port;
    bool tls;
    atomic_bool started, start_said;
    char start_error[200]; /* what MHD said first while starting */
    int wake_fd;           /* eventfd of the watcher */
    pthread_t watcher;
    atomic_bool stopping, watcher_ends;
    _Atomic int64_t requests, connections, open_connections, open_streams, refused, under_way;

    pthread_mutex_t lock; /* the two lists below; taken before a stream's lock */
    struct http_connection *first;
    struct http_linger {
        int fd;
        int64_t until_ms;
    } lingers[HTTP_LINGER_MAX];
    size_t linger_count;
};
/* Keeps the socket readable for a while after MHD has closed it, so that a peer that is still
 * sending reads our answer instead of a reset. */
void http_server_linger(struct http_server *server, int fd);

/* ---- http_connection.c ---- */
enum http_phase {
    HTTP_IDLE,   /* between requests, or header coming in */
    HTTP_TARGET, /* request line was read */
    HTTP_BODY,   /* header accepted, body coming in */
    HTTP_ANSWER, /* an answer was queued */
};

struct http_connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_connection *previous, *next; /* server->lock */
    int fd;                                  /* MHD's; valid while in the list */
    bool surplus;                            /* beyond max_connections: gets a refusal */
    bool left;                               /* watcher: the peer had closed a round ago */
    char peer[INET6_ADDRSTRLEN];
    /* The watcher reads these two: since when we wait for a whole request (0 = we do not wait),
     * and how many bytes of body came meanwhile. */
    _Atomic int64_t waiting_since_ms, received;

    /* The request; touched by the connection's pool thread only. */
    enum http_phase phase;
    bool linger; /* answered before the body was read */
    const char *raw_target;
    struct http_target target;
    size_t body_limit;
    size_t surplus_body; /* bytes beyond the limit, thrown away */
    struct buf body;
    struct arena arena;
    struct http_request request;
    struct http_stream *stream; /* server->lock; holds a ref */
};

/* MHD's callbacks. */
void *http_connection_on_target(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_connection_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                           const char *method, const char *version,
                                           const char *upload, size_t *upload_len, void **con_cls);
void http_connection_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                                  enum MHD_RequestTerminationCode how);
void http_connection_on_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                               enum MHD_ConnectionNotificationCode what);

/* ---- http_stream.c ---- */
/* Puts `body` at the head of what is sent and ties the stream to a connection. */
void http_stream_attach(struct http_stream *stream, struct http_server *server,
                        struct MHD_Connection *mhd, int fd, const struct buf *body);
/* The connection goes: nothing is sent any more.  Idempotent. */
void http_stream_detach(struct http_stream *stream);
void http_stream_ref(struct http_stream *stream);
/* Ends at once, without what is queued. */
void http_stream_abort(struct http_stream *stream);
/* MHD's reader and the release of its ref. */
ssize_t http_stream_read(void *cls, uint64_t position, char *out, size_t max);
void http_stream_release(void *cls);

#endif

/* http_stream.c - an open SSE answer: senders put events into a queue, MHD's thread takes them out.
 *
 * Contract: `lock` guards everything but refs.  While the queue is empty the connection is
 * suspended; whoever adds bytes resumes it, under the lock, so that `suspended` and MHD's state
 * never differ.  A suspended connection cannot go away, hence `mhd` is valid whenever `suspended`
 * is true.  `fd` is valid while attached.  Order of locks: server, stream, MHD's own.
 * The queue never holds more than `max` bytes: a peer that reads too slowly ends its own stream,
 * and nothing else waits for it. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/http_priv.h"

#define STREAM_QUEUE_DEFAULT ((size_t)1 << 20)

struct http_stream {
    _Atomic int refs;
    pthread_mutex_t lock;
    struct buf queue;
    size_t taken; /* bytes at the head of the queue that are sent */
    size_t max;
    bool ended; /* no more is added; what is queued is still sent */
    bool gone;  /* the peer or the server has left, or the queue overflowed */
    bool too_slow;
    bool suspended;
    struct http_server *server; /* set while attached */
    struct MHD_Connection *mhd;
    int fd;
};

struct http_stream *http_stream_new(size_t max_queued_bytes)
{
    struct http_stream *stream = mem_zalloc(sizeof *stream);
    stream->refs = 2;
    stream->max = max_queued_bytes ? max_queued_bytes : STREAM_QUEUE_DEFAULT;
    stream->fd = -1;
    pthread_mutex_init(&stream->lock, NULL);
    return stream;
}

void http_stream_ref(struct http_stream *stream)
{
    atomic_fetch_add(&stream->refs, 1);
}

void http_stream_unref(struct http_stream *stream)
{
    if (!stream || atomic_fetch_sub(&stream->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&stream->lock);
    buf_done(&stream->queue);
    mem_free(stream);
}

/* Under the lock: lets MHD's thread call http_stream_read again. */
static void wake(struct http_stream *stream)
{
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->mhd);
}

/* Under the lock. */
static void give_up(struct http_stream *stream)
{
    stream->gone = true;
    buf_done(&stream->queue);
    stream->taken = 0;
    wake(stream);
}

/* Under the lock: MHD does not watch the socket of a suspended connection, so we look. */
static bool peer_has_left(struct http_stream *stream)
{
    if (stream->fd < 0)
        return false;
    struct pollfd poll_fd = {.fd = stream->fd, .events = POLLRDHUP};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Under the lock: may bytes be added? */
static enum err_code check_open(struct http_stream *stream, struct err *err)
{
    if (stream->too_slow)
        return err_set(err, ERR_TOO_LARGE, "the reader of the stream is too slow");
    if (!stream->gone && peer_has_left(stream))
        give_up(stream);
    if (stream->gone || stream->ended)
        return err_set(err, ERR_CANCELLED, "the stream has ended");
    return ERR_OK;
}

/* Under the lock: room for len more bytes at the tail. */
static enum err_code make_room(struct http_stream *stream, size_t len, struct err *err)
{
    size_t waiting = stream->queue.len - stream->taken;
    if (len > stream->max || waiting > stream->max - len) {
        stream->too_slow = true;
        give_up(stream);
        /* MHD may wait for this socket to become writable, which will not happen soon. */
        if (stream->fd >= 0)
            shutdown(stream->fd, SHUT_RDWR);
        return err_set(err, ERR_TOO_LARGE, "the reader of the stream is too slow");
    }
    if (stream->taken > 0 && stream->taken >= stream->queue.len / 2) {
        if (waiting > 0)
            memmove(stream->queue.data, stream->queue.data + stream->taken, waiting);
        stream->queue.len = waiting;
        stream->queue.data[waiting] = '\0';
        stream->taken = 0;
    }
    return ERR_OK;
}

/* "name: line" for each line of text. */
static void add_field(struct buf *out, const char *name, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "\r\n");
        buf_add_str(out, name);
        buf_add(out, text, len);
        buf_add_char(out, '\n');
        text += len;
        if (*text == '\0')
            return;
        text += text[0] == '\r' && text[1] == '\n' ? 2 : 1;
    }
}

static enum err_code add(struct http_stream *stream, const struct buf *event, struct err *err)
{
    pthread_mutex_lock(&stream->lock);
    enum err_code rc = check_open(stream, err);
    if (!rc)
        rc = make_room(stream, event->len, err);
    if (!rc) {
        buf_add(&stream->queue, event->data, event->len);
        wake(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return rc;
}

enum err_code http_stream_send(struct http_stream *stream, const char *id, const char *event,
                               const char *data, struct err *err)
{
    if ((id && strpbrk(id, "\r\n")) || (event && strpbrk(event, "\r\n")))
        return err_set(err, ERR_INVALID, "an id or event name of a stream holds a line break");
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (id)
        add_field(&text, "id: ", id);
    if (event)
        add_field(&text, "event: ", event);
    add_field(&text, "data: ", data);
    buf_add_char(&text, '\n');
    return add(stream, &text, err);
}

enum err_code http_stream_comment(struct http_stream *stream, const char *comment, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    add_field(&text, ": ", comment);
    buf_add_char(&text, '\n');
    return add(stream, &text, err);
}

void http_stream_end(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    wake(stream);
    pthread_mutex_unlock(&stream->lock);
}

bool http_stream_is_open(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool open = check_open(stream, NULL) == ERR_OK;
    pthread_mutex_unlock(&stream->lock);
    return open;
}

void http_stream_abort(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    give_up(stream);
    pthread_mutex_unlock(&stream->lock);
}

void http_stream_attach(struct http_stream *stream, struct http_server *server,
                        struct MHD_Connection *mhd, int fd, const struct buf *body)
{
    pthread_mutex_lock(&stream->lock);
    stream->server = server;
    stream->mhd = mhd;
    stream->fd = fd;
    atomic_fetch_add(&server->open_streams, 1);
    if (body->len > 0 && !stream->gone) {
        struct buf queue = BUF_INIT;
        buf_add(&queue, body->data, body->len);
        buf_add_str(&queue, buf_str(&stream->queue));
        buf_done(&stream->queue);
        stream->queue = queue;
    }
    pthread_mutex_unlock(&stream->lock);
}

void http_stream_detach(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    if (stream->server)
        atomic_fetch_sub(&stream->server->open_streams, 1);
    stream->server = NULL;
    stream->suspended = false;
    stream->mhd = NULL;
    stream->fd = -1;
    give_up(stream);
    pthread_mutex_unlock(&stream->lock);
}

ssize_t http_stream_read(void *cls, uint64_t position, char *out, size_t max)
{
    (void)position;
    struct http_stream *stream = cls;
    ssize_t result;
    pthread_mutex_lock(&stream->lock);
    size_t waiting = stream->queue.len - stream->taken;
    if (stream->gone) {
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (waiting > 0) {
        size_t len = waiting < max ? waiting : max;
        memcpy(out, stream->queue.data + stream->taken, len);
        stream->taken += len;
        if (len == waiting) {
            buf_done(&stream->queue); /* an idle stream keeps no memory */
            stream->taken = 0;
        }
        result = (ssize_t)len;
    } else if (stream->ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->mhd);
        result = 0;
    }
    pthread_mutex_unlock(&stream->lock);
    return result;
}

void http_stream_release(void *cls)
{
    http_stream_detach(cls);
    http_stream_unref(cls);
}

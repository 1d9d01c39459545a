/* watch.c - server-sent events from the journal.
 *
 * One thread follows the journal and gives each new event to the streams that asked for it.  A
 * stream begins at a position: the thread first brings it up to the common position from the
 * journal, so nothing is missed and nothing comes twice.  A peer that reads too slowly is ended by
 * its queue. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define MAX_STREAMS 1000
#define KEEP_ALIVE_MS 15000
#define BATCH 500

struct subscriber {
    struct http_stream *stream;
    char collection[32], object[160], tenant[64]; /* "" = any */
    bool all_tenants;
    int64_t position;
    struct subscriber *next;
};

struct api_watch {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `fresh` and `count` */
    struct subscriber *fresh;
    size_t count;
    atomic_bool stop;
};

static void subscriber_free(struct subscriber *subscriber)
{
    http_stream_end(subscriber->stream);
    http_stream_unref(subscriber->stream);
    mem_free(subscriber);
}

static bool wants(const struct subscriber *subscriber, const struct store_event *event)
{
    return str_eq(subscriber->collection, event->collection) &&
           (!subscriber->object[0] || str_eq(subscriber->object, event->object)) &&
           (subscriber->all_tenants || !event->tenant || !event->tenant[0] ||
            str_eq(subscriber->tenant, event->tenant));
}

static bool send_event(struct subscriber *subscriber, const struct store_event *event)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT;
    struct json_writer w = JSON_WRITER(&data);
    char position[24];
    json_begin(&w, '{');
    json_member_text(&w, "collection", event->collection);
    json_member_text(&w, "object", event->object);
    json_member_text(&w, "event", event->event);
    json_member_int(&w, "version", event->version);
    json_member_time(&w, "at", event->at_ms);
    if (event->body) {
        json_key(&w, "body");
        json_put_raw(&w, event->body);
    }
    json_end(&w, '}');
    str_format(position, sizeof position, "%lld", (long long)event->position);
    return http_stream_send(subscriber->stream, position, event->event, buf_str(&data), NULL) ==
           ERR_OK;
}

/* Gives one subscriber all it has not seen; false when the peer has gone. */
static enum err_code feed(struct api_watch *watch, struct subscriber *subscriber, bool *ret_open,
                          struct err *err)
{
    *ret_open = http_stream_is_open(subscriber->stream);
    for (bool more = *ret_open; more && *ret_open;) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_event *events;
        size_t count;
        enum err_code rc;
        if ((rc = store_begin(watch->store, STORE_READ, &tx, err)) ||
            (rc = store_events(tx, subscriber->position, subscriber->collection,
                               subscriber->object[0] ? subscriber->object : NULL, NULL, BATCH,
                               &events, &count, &arena, err)))
            return rc;
        for (size_t i = 0; i < count && *ret_open; i++) {
            if (wants(subscriber, &events[i]))
                *ret_open = send_event(subscriber, &events[i]);
            subscriber->position = events[i].position;
        }
        more = count == BATCH;
    }
    return ERR_OK;
}

static void *follow(void *self)
{
    struct api_watch *watch = self;
    struct subscriber *all = NULL;
    int64_t position = 0, spoken_at = clock_mono_ms();
    while (!watch->stop) {
        struct err err = ERR_INIT;
        pthread_mutex_lock(&watch->lock);
        while (watch->fresh) {
            struct subscriber *subscriber = watch->fresh;
            watch->fresh = subscriber->next;
            subscriber->next = all;
            all = subscriber;
        }
        pthread_mutex_unlock(&watch->lock);
        bool idle = clock_mono_ms() - spoken_at > KEEP_ALIVE_MS;
        if (idle)
            spoken_at = clock_mono_ms();
        for (struct subscriber **at = &all; *at;) {
            struct subscriber *subscriber = *at;
            bool open = true;
            if (feed(watch, subscriber, &open, &err))
                log_error("api", "a watch could not read the journal", &err);
            if (open && idle)
                open = http_stream_comment(subscriber->stream, "still here", NULL) == ERR_OK;
            if (subscriber->position > position)
                position = subscriber->position;
            if (open) {
                at = &subscriber->next;
                continue;
            }
            *at = subscriber->next;
            subscriber_free(subscriber);
            pthread_mutex_lock(&watch->lock);
            watch->count--;
            pthread_mutex_unlock(&watch->lock);
        }
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        if (!store_begin(watch->store, STORE_READ, &tx, NULL))
            store_position(tx, &position, NULL);
        store_rollback_at(&tx);
        if (watch->stop)
            break;
        if (store_follow(watch->store, position, all ? 1000 : 60000, &err)) {
            log_error("api", "the journal cannot be followed", &err);
            clock_sleep_ms(200);
        }
    }
    while (all) {
        struct subscriber *next = all->next;
        subscriber_free(all);
        all = next;
    }
    return NULL;
}

struct api_watch *api_watch_new(struct store *store)
{
    struct api_watch *watch = mem_zalloc(sizeof *watch);
    watch->store = store;
    pthread_mutex_init(&watch->lock, NULL);
    if (pthread_create(&watch->thread, NULL, follow, watch))
        watch->store = NULL;
    return watch;
}

void api_watch_free(struct api_watch *watch)
{
    if (!watch)
        return;
    watch->stop = true;
    if (watch->store) {
        store_wake(watch->store);
        pthread_join(watch->thread, NULL);
    }
    while (watch->fresh) {
        struct subscriber *next = watch->fresh->next;
        subscriber_free(watch->fresh);
        watch->fresh = next;
    }
    pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}

static enum err_code start_position(struct api_call *call, int64_t *out, struct err *err)
{
    const char *text = http_header(call->request, "Last-Event-ID");
    if (!text)
        text = http_query(call->request, "position");
    if (text) {
        if (!str_to_int64(text, out, NULL) && *out >= 0)
            return ERR_OK;
        err_set(err, ERR_INVALID, "a position is a number of the journal");
        return err_field(err, "position");
    }
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc = store_begin(call->api->options.store, STORE_READ, &tx, err);
    return rc ? rc : store_position(tx, out, err);
}

enum err_code api_watch_start(struct api_call *call, const char *collection, const char *object,
                              struct err *err)
{
    struct api_watch *watch = call->api->watch;
    int64_t position;
    enum err_code rc = start_position(call, &position, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&watch->lock);
    bool full = !watch->store || watch->count >= MAX_STREAMS;
    if (!full)
        watch->count++;
    pthread_mutex_unlock(&watch->lock);
    if (full)
        return err_set(err, ERR_RATE, "%d watches are open, no more are taken", MAX_STREAMS);

    struct subscriber *subscriber = mem_zalloc(sizeof *subscriber);
    const struct api_collection *known = api_collection_find(collection);
    subscriber->stream = http_stream_new(0);
    str_format(subscriber->collection, sizeof subscriber->collection, "%s", collection);
    str_format(subscriber->object, sizeof subscriber->object, "%s", object ? object : "");
    str_format(subscriber->tenant, sizeof subscriber->tenant, "%s", call->who.tenant);
    subscriber->all_tenants = call->who.all_tenants || (known && !known->by_tenant);
    subscriber->position = position;
    call->response->stream = subscriber->stream;
    buf_add_str(&call->response->body, ": watching\n\n");
    pthread_mutex_lock(&watch->lock);
    subscriber->next = watch->fresh;
    watch->fresh = subscriber;
    pthread_mutex_unlock(&watch->lock);
    store_wake(watch->store);
    return ERR_OK;
}

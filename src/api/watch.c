/* watch.c - server-sent events from the journal.
 *
 * One thread follows the journal.  `position` is the last event that it has read; it reads what
 * comes after once, and gives each event to the streams that asked for it.  A stream that begins
 * before that position is first brought up to it from the journal, one that begins after it skips
 * what it has seen: nothing is missed and nothing comes twice.  A peer that reads too slowly is
 * ended by its queue and resumes where it was.  The token that opened a stream is looked at again
 * every second: when it counts no longer, the stream ends. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define MAX_STREAMS 1000
#define KEEP_ALIVE_MS 15000
#define LOOK_MS 1000 /* between looks at tokens and at peers that went */
#define BATCH 500

struct subscriber {
    struct http_stream *stream;
    char *collection, *object; /* object NULL = all */
    char *authorization;       /* for looking at the token again */
    struct access_identity who;
    enum access_role role; /* needed for the collection */
    enum api_sight sight;
    int64_t position;
    struct subscriber *next;
};

struct api_watch {
    struct store *store;
    struct access *access;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `fresh` and `count` */
    struct subscriber *fresh;
    size_t count;
    atomic_bool stop;
    /* The thread's own. */
    struct subscriber *all;
    int64_t position;
    int64_t looked_ms, spoken_ms;
};

static void subscriber_free(struct subscriber *subscriber)
{
    http_stream_end(subscriber->stream);
    http_stream_unref(subscriber->stream);
    if (subscriber->authorization)
        explicit_bzero(subscriber->authorization, strlen(subscriber->authorization));
    mem_free(subscriber->authorization);
    mem_free(subscriber->collection);
    mem_free(subscriber->object);
    mem_free(subscriber);
}

/* Events carry the tenant of their record; of one object the record itself was looked at. */
static bool may_see(const struct subscriber *subscriber, const struct store_event *event)
{
    if (subscriber->object || subscriber->who.all_tenants || subscriber->sight == API_EVERYBODY ||
        str_eq(subscriber->who.tenant, event->tenant))
        return true;
    return subscriber->sight == API_PUBLISHED &&
           (str_eq(event->event, application_state_names[APPLICATION_PUBLISHED]) ||
            str_eq(event->event, application_state_names[APPLICATION_RETIRED]));
}

static bool wants(const struct subscriber *subscriber, const struct store_event *event)
{
    return event->position > subscriber->position &&
           str_eq(subscriber->collection, event->collection) &&
           (!subscriber->object || str_eq(subscriber->object, event->object)) &&
           may_see(subscriber, event);
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

/* Gives one subscriber what lies between his position and ours. */
static enum err_code catch_up(struct api_watch *watch, struct subscriber *subscriber, bool *open,
                              struct err *err)
{
    while (*open && subscriber->position < watch->position) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_event *events;
        size_t count;
        enum err_code rc;
        if ((rc = store_begin(watch->store, STORE_READ, &tx, err)) ||
            (rc = store_events(tx, subscriber->position, subscriber->collection, subscriber->object,
                               NULL, BATCH, &events, &count, &arena, err)))
            return rc;
        for (size_t i = 0; i < count && *open && events[i].position <= watch->position; i++) {
            if (wants(subscriber, &events[i]))
                *open = send_event(subscriber, &events[i]);
            subscriber->position = events[i].position;
        }
        if (count < BATCH || events[count - 1].position >= watch->position)
            subscriber->position = watch->position;
    }
    return ERR_OK;
}

static void drop(struct api_watch *watch, struct subscriber **at)
{
    struct subscriber *subscriber = *at;
    *at = subscriber->next;
    subscriber_free(subscriber);
    pthread_mutex_lock(&watch->lock);
    watch->count--;
    pthread_mutex_unlock(&watch->lock);
}

/* Those that came since.  Who cannot be brought up to date stays fresh for the next round. */
static enum err_code take_fresh(struct api_watch *watch, struct err *err)
{
    pthread_mutex_lock(&watch->lock);
    struct subscriber *fresh = TAKE(watch->fresh);
    pthread_mutex_unlock(&watch->lock);
    enum err_code rc = ERR_OK;
    while (fresh) {
        struct subscriber *subscriber = fresh;
        fresh = subscriber->next;
        bool open = true;
        if (!watch->all)
            watch->position = subscriber->position; /* nobody else reads: begin where he does */
        if (!rc)
            rc = catch_up(watch, subscriber, &open, err);
        if (rc) {
            pthread_mutex_lock(&watch->lock);
            subscriber->next = watch->fresh;
            watch->fresh = subscriber;
            pthread_mutex_unlock(&watch->lock);
            continue;
        }
        subscriber->next = watch->all;
        watch->all = subscriber;
        if (!open)
            drop(watch, &watch->all);
    }
    return rc;
}

static void give(struct api_watch *watch, const struct store_event *event)
{
    for (struct subscriber **at = &watch->all; *at;) {
        bool open = !wants(*at, event) || send_event(*at, event);
        if (event->position > (*at)->position)
            (*at)->position = event->position;
        if (open)
            at = &(*at)->next;
        else
            drop(watch, at);
    }
}

static enum err_code read_on(struct api_watch *watch, struct err *err)
{
    for (size_t count = BATCH; count == BATCH && watch->all && !watch->stop;) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_event *events;
        enum err_code rc;
        if ((rc = store_begin(watch->store, STORE_READ, &tx, err)) ||
            (rc = store_events(tx, watch->position, NULL, NULL, NULL, BATCH, &events, &count,
                               &arena, err)))
            return rc;
        store_rollback_at(&tx);
        for (size_t i = 0; i < count; i++) {
            give(watch, &events[i]);
            watch->position = events[i].position;
        }
    }
    return ERR_OK;
}

static bool still_counts(struct api_watch *watch, const struct subscriber *subscriber)
{
    struct access_identity now;
    return !access_check(watch->access, subscriber->authorization, &now, NULL) &&
           now.all_tenants == subscriber->who.all_tenants && now.role >= subscriber->role &&
           str_eq(now.tenant, subscriber->who.tenant);
}

static void look_at_all(struct api_watch *watch)
{
    int64_t now = clock_mono_ms();
    if (now - watch->looked_ms < LOOK_MS)
        return;
    bool speak = now - watch->spoken_ms >= KEEP_ALIVE_MS;
    watch->looked_ms = now;
    if (speak)
        watch->spoken_ms = now;
    for (struct subscriber **at = &watch->all; *at;) {
        bool open = still_counts(watch, *at) &&
                    (speak ? http_stream_comment((*at)->stream, "still here", NULL) == ERR_OK
                           : http_stream_is_open((*at)->stream));
        if (open)
            at = &(*at)->next;
        else
            drop(watch, at);
    }
}

static void *follow(void *self)
{
    struct api_watch *watch = self;
    while (!watch->stop) {
        struct err err = ERR_INIT;
        if (take_fresh(watch, &err) || read_on(watch, &err)) {
            log_error("api", "watches cannot read the journal", &err);
            clock_sleep_ms(200);
        }
        look_at_all(watch);
        if (watch->stop)
            break;
        /* Whoever comes wakes us; with nobody there the journal is of no interest. */
        if (store_follow(watch->store, watch->all ? watch->position : INT64_MAX, LOOK_MS, &err)) {
            log_error("api", "the journal cannot be followed", &err);
            clock_sleep_ms(200);
        }
    }
    return NULL;
}

struct api_watch *api_watch_new(struct store *store, struct access *access)
{
    struct api_watch *watch = mem_zalloc(sizeof *watch);
    watch->store = store;
    watch->access = access;
    pthread_mutex_init(&watch->lock, NULL);
    if (pthread_create(&watch->thread, NULL, follow, watch))
        watch->store = NULL;
    return watch;
}

static void free_all(struct subscriber *subscriber)
{
    while (subscriber) {
        struct subscriber *next = subscriber->next;
        subscriber_free(subscriber);
        subscriber = next;
    }
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
    free_all(watch->all);
    free_all(watch->fresh);
    pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}

/* Where to begin: after what the asker has seen, else now. */
static enum err_code start_position(struct api_call *call, int64_t *out, struct err *err)
{
    const char *text = http_header(call->request, "Last-Event-ID");
    if (!text)
        text = http_query(call->request, "position");
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    int64_t now, asked = 0;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_position(tx, &now, err)))
        return rc;
    if (text && (str_to_int64(text, &asked, NULL) || asked < 0)) {
        err_set(err, ERR_INVALID, "a position is a number of the journal");
        return err_field(err, "position");
    }
    if (asked > now) {
        err_set(err, ERR_INVALID, "the journal has not come to %lld: it is at %lld",
                (long long)asked, (long long)now);
        err_hint(err, "this is another journal than before: list again and watch from there");
        return err_field(err, "position");
    }
    *out = text ? asked : now;
    return ERR_OK;
}

enum err_code api_watch_start(struct api_call *call, const char *collection, const char *object,
                              struct err *err)
{
    struct api_watch *watch = call->api->watch;
    int64_t position = 0;
    enum err_code rc = start_position(call, &position, err);
    if (rc)
        return rc;
    if (str_eq(call->request->method, "HEAD")) {
        call->response->content_type = "text/event-stream";
        return ERR_OK;
    }
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
    subscriber->collection = mem_strdup(collection);
    subscriber->object = mem_strdup(object);
    subscriber->authorization = mem_strdup(http_header(call->request, "Authorization"));
    subscriber->who = call->who;
    subscriber->role = known ? known->role : call->route->role;
    subscriber->sight = known ? known->sight : API_TENANT;
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

/* test_watch.c - events: none missed, none twice, none of another tenant. */
#include "house.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"

#define MAX_EVENTS 4000

struct watcher {
    struct house *house;
    char token[64];
    const char *url, *last;
    pthread_t thread;
    pthread_mutex_t lock;
    struct sse_reader reader;
    struct {
        int64_t position;
        char event[32], object[64];
    } events[MAX_EVENTS];
    size_t count;
    atomic_bool stop, open, ended;
    int status;
};

static void on_event(void *ctx, const char *id, const char *event, const char *data)
{
    struct watcher *w = ctx;
    struct json_doc *doc = NULL;
    int64_t position = 0;
    str_to_int64(id, &position, NULL);
    if (json_parse(data, strlen(data), NULL, &doc, NULL))
        return;
    pthread_mutex_lock(&w->lock);
    if (w->count < MAX_EVENTS) {
        w->events[w->count].position = position;
        str_format(w->events[w->count].event, 32, "%s", event);
        str_format(w->events[w->count].object, 64, "%s",
                   json_text(json_get(json_root(doc), "object"), ""));
        w->count++;
    }
    pthread_mutex_unlock(&w->lock);
    json_doc_free(doc);
}

static enum err_code on_data(void *ctx, const char *data, size_t len, struct err *err)
{
    struct watcher *w = ctx;
    w->open = true;
    sse_reader_feed(&w->reader, data, len);
    return w->stop ? err_set(err, ERR_CANCELLED, "enough") : ERR_OK;
}

static bool go_on(void *ctx, double share)
{
    (void)share;
    return !((struct watcher *)ctx)->stop;
}

static void *watch(void *ctx)
{
    struct watcher *w = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply = {0};
    struct http_header_pair headers[] = {
        {"Authorization", arena_printf(&arena, "Bearer %s", w->token)}, {"Last-Event-ID", w->last}};
    struct http_call call = {.url = w->url,
                             .headers = headers,
                             .header_count = w->last ? 2 : 1,
                             .timeout_ms = -1,
                             .on_data = on_data,
                             .on_progress = go_on,
                             .ctx = w};
    http_call(&call, &reply, &arena, NULL);
    w->status = reply.status;
    w->ended = true;
    return NULL;
}

static struct watcher *begin(struct house *house, enum who who, const char *path, const char *last)
{
    struct watcher *w = mem_zalloc(sizeof *w);
    w->house = house;
    str_format(w->token, sizeof w->token, "%s", house->tokens[who]);
    w->url = word(house, "http://127.0.0.1:%d%s", house->port, path);
    w->last = last;
    w->reader = (struct sse_reader){.on_event = on_event, .ctx = w};
    pthread_mutex_init(&w->lock, NULL);
    assert_int_equal(pthread_create(&w->thread, NULL, watch, w), 0);
    for (int64_t until = clock_mono_ms() + 10000; !w->open && !w->ended;) {
        assert_true(clock_mono_ms() < until);
        clock_sleep_ms(2);
    }
    return w;
}

static void finish(struct watcher *w)
{
    w->stop = true;
    pthread_join(w->thread, NULL);
    sse_reader_done(&w->reader);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

static size_t seen(struct watcher *w)
{
    pthread_mutex_lock(&w->lock);
    size_t count = w->count;
    pthread_mutex_unlock(&w->lock);
    return count;
}

static bool has_event(struct watcher *w, const char *event)
{
    bool found = false;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->count; i++)
        found = found || str_eq(w->events[i].event, event);
    pthread_mutex_unlock(&w->lock);
    return found;
}

static void wait_event(struct watcher *w, const char *event)
{
    for (int64_t until = clock_mono_ms() + 20000; !has_event(w, event); clock_sleep_ms(5))
        if (clock_mono_ms() > until)
            fail_msg("no event %s among %zu", event, seen(w));
}

static void wait_count(struct watcher *w, size_t count)
{
    for (int64_t until = clock_mono_ms() + 20000; seen(w) < count; clock_sleep_ms(5))
        if (clock_mono_ms() > until)
            fail_msg("%zu events of %zu", seen(w), count);
}

/* What the watcher saw is exactly what the journal says of those. */
static void assert_is_journal(struct watcher *w, int64_t after, const char *collection,
                              const char *object)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_event *events;
    size_t count;
    struct err err = ERR_INIT;
    assert_int_equal(store_begin(w->house->store, STORE_READ, &tx, &err), ERR_OK);
    assert_int_equal(
        store_events(tx, after, collection, object, NULL, 1000, &events, &count, &arena, &err),
        ERR_OK);
    assert_true(count > 0);
    wait_count(w, count);
    assert_int_equal(seen(w), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(w->events[i].position, events[i].position);
        assert_string_equal(w->events[i].event, events[i].event);
        assert_string_equal(w->events[i].object, events[i].object);
    }
}

static void test_a_watch_of_a_run_tells_its_tasks_and_resumes_without_loss(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct answer list = ask(house, ANN, "GET", "/api/v1/runs", NULL, NULL);
    int64_t position = json_int(json_get(list.json, "position"), -1);
    const char *path = word(house, "/api/v1/runs?watch=true&position=%lld", (long long)position);
    struct watcher *live = begin(house, ANN, path, NULL);
    const char *run = open_one(house, ANN);
    wait_event(live, "run-succeeded");
    assert_true(has_event(live, "created"));
    assert_true(has_event(live, "task-doing"));
    assert_true(has_event(live, "task-done"));
    assert_true(has_event(live, "task-verified"));
    assert_is_journal(live, position, "runs", NULL);

    /* From any event on, the rest. */
    for (size_t i = 0; i < seen(live); i += 3) {
        const char *last = word(house, "%lld", (long long)live->events[i].position);
        struct watcher *again =
            begin(house, ANN, word(house, "/api/v1/runs/%s?watch=true", run), last);
        if (i + 1 < seen(live))
            assert_is_journal(again, live->events[i].position, "runs", run);
        finish(again);
    }
    finish(live);
}

static void test_a_tenant_hears_of_its_own_only(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct watcher *bob = begin(house, BOB, "/api/v1/runs?watch=true", NULL);
    struct watcher *vera = begin(house, VIEWER, "/api/v1/deployments?watch=true", NULL);
    struct watcher *olga = begin(house, OPERATOR, "/api/v1/runs?watch=true", NULL);
    const char *anns = open_one(house, ANN);
    const char *house_own = open_one(house, OPERATOR);
    const char *bobs = open_one(house, BOB);
    wait_event(bob, "run-succeeded");
    for (size_t i = 0; i < seen(bob); i++)
        assert_string_equal(bob->events[i].object, bobs);
    wait_event(vera, "up");
    struct answer mine = ask(house, ANN, "GET", "/api/v1/deployments", NULL, NULL);
    for (size_t i = 0; i < seen(vera); i++)
        assert_string_equal(vera->events[i].object, text_of(&mine, "items[0].id"));
    bool saw_ann = false, saw_own = false;
    for (size_t i = 0; i < seen(olga); i++) {
        saw_ann = saw_ann || str_eq(olga->events[i].object, anns);
        saw_own = saw_own || str_eq(olga->events[i].object, house_own);
    }
    assert_true(saw_ann && saw_own);
    finish(bob);
    finish(vera);
    finish(olga);
}

#define WRITERS 3
#define WRITES 60
#define WATCHERS 12

static void *write_many(void *ctx)
{
    struct house *house = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply;
    for (int i = 0; i < WRITES; i++)
        if (ask_plain(house, ANN, "POST", "/api/v1/requirements", NULL,
                      "{\"text\":\"two servers with 2 cores\"}", &reply, &arena) != 201)
            return house;
    return NULL;
}

/* Watches begin somewhere in the writing of others, each at a position of its own. */
static void test_many_watches_among_many_writes_see_each_event_once(void **state)
{
    struct house *house = *state;
    pthread_t writers[WRITERS];
    struct watcher *watchers[WATCHERS];
    int64_t starts[WATCHERS];
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, house), 0);
    for (int i = 0; i < WATCHERS; i++) {
        struct answer list = ask(house, ANN, "GET", "/api/v1/requirements?limit=1", NULL, NULL);
        starts[i] = json_int(json_get(list.json, "position"), -1);
        watchers[i] = begin(
            house, ANN,
            word(house, "/api/v1/requirements?watch=true&position=%lld", (long long)starts[i]),
            NULL);
    }
    void *failed[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], &failed[i]);
    for (int i = 0; i < WRITERS; i++)
        assert_null(failed[i]);
    for (int i = 0; i < WATCHERS; i++) {
        assert_is_journal(watchers[i], starts[i], "requirements", NULL);
        finish(watchers[i]);
    }
}

static void test_a_revoked_token_ends_its_watch(void **state)
{
    struct house *house = *state;
    struct watcher *bob = begin(house, BOB, "/api/v1/orders?watch=true", NULL);
    struct answer answer = ask(house, ADMIN, "DELETE",
                               word(house, "/api/v1/tokens/%s", house->token_ids[BOB]), NULL, NULL);
    assert_status(answer, 204);
    for (int64_t until = clock_mono_ms() + 10000; !bob->ended; clock_sleep_ms(10))
        assert_true(clock_mono_ms() < until);
    finish(bob);
}

static void test_audits_can_be_watched_by_admins(void **state)
{
    struct house *house = *state;
    struct watcher *admin = begin(house, ADMIN, "/api/v1/audit?watch=true", NULL);
    ask(house, ANN, "DELETE", "/api/v1/sites/nowhere", NULL, NULL);
    wait_event(admin, "403 forbidden");
    finish(admin);
}

const struct CMUnitTest watch_tests[] = {
    API_TEST(test_a_watch_of_a_run_tells_its_tasks_and_resumes_without_loss),
    API_TEST(test_a_tenant_hears_of_its_own_only),
    API_TEST(test_many_watches_among_many_writes_see_each_event_once),
    API_TEST(test_a_revoked_token_ends_its_watch),
    API_TEST(test_audits_can_be_watched_by_admins),
};
const size_t watch_test_count = ARRAY_LEN(watch_tests);

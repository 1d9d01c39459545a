/* test_graph.c - the graph in memory against rows, journal and packs. */
#include "graph_tests.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

static int64_t later(void)
{
    int64_t now = clock_now_ms();
    while (clock_now_ms() <= now + 1)
        clock_sleep_ms(1);
    return clock_now_ms();
}

static void run_sql(struct fixture *f, const char *sql)
{
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_exec(tx, sql, NULL, 0, NULL, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
}

struct declaration {
    struct twin_change *change;
    const struct twin_observation *seen; /* or an observation */
};

static enum err_code declare_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct declaration *d = ctx;
    return d->seen ? twin_observed(tx, d->seen, 1, &actor, err)
                   : twin_declare(tx, d->change, &actor, err);
}

static enum err_code declare_json(struct fixture *f, const char *json)
{
    struct declaration d = {.change = decode(f, &twin_change_table, json)};
    return store_write(f->store, declare_body, &d, &f->err);
}

static void observe(struct fixture *f, const struct twin_observation *seen)
{
    struct declaration d = {.seen = seen};
    assert_ok(f, store_write(f->store, declare_body, &d, &f->err));
}

static struct twin *open_twin(struct fixture *f)
{
    struct twin *twin = NULL;
    assert_ok(f, twin_open(f->store, &twin, &f->err));
    return twin;
}

/* One line for each thing that holds: equal graphs have equal texts. */
static char *picture(struct fixture *f, const struct twin_moment *m)
{
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < graph_entity_count(m->graph); i++) {
        const struct graph_entity *e = graph_entity(m->graph, i);
        buf_printf(&text, "%u %s %s %d %d %d %.3f %lld %lld %lld\n", i, e->id, e->kind, e->layer,
                   (int)graph_state_at(&e->fact, m->at), e->fact.origin, (double)e->fact.confidence,
                   (long long)e->fact.valid_from_ms, (long long)e->fact.valid_to_ms,
                   (long long)e->fact.expires_ms);
    }
    for (uint32_t i = 0; i < graph_edge_count(m->graph); i++) {
        const struct graph_edge *e = graph_edge(m->graph, i);
        buf_printf(&text, "%u %u %d %u %d %d %lld %lld\n", i, e->from, e->relation, e->to,
                   e->fact.state, e->fact.origin, (long long)e->fact.valid_from_ms,
                   (long long)e->fact.valid_to_ms);
    }
    char *out = arena_strdup(&f->arena, buf_str(&text));
    buf_done(&text);
    return out;
}

static char *picture_at(struct fixture *f, struct twin *twin, int64_t at)
{
    struct twin_moment moment;
    assert_ok(f, twin_moment(twin, at, &moment, &f->err));
    char *out = picture(f, &moment);
    twin_moment_done(&moment);
    return out;
}

static const struct twin_entity *row_of(const struct twin_view *view, const char *id)
{
    for (size_t i = 0; i < view->entities.count; i++)
        if (str_eq(view->entities.items[i].id, id))
            return &view->entities.items[i];
    return NULL;
}

static void compare_with_rows(struct fixture *f, struct twin *twin)
{
    struct twin_moment moment;
    struct twin_view view;
    struct store_tx *tx = NULL;
    size_t entities = 0, edges = 0;
    assert_ok(f, twin_refresh(twin, &f->err));
    assert_ok(f, twin_moment(twin, 0, &moment, &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, twin_show(tx, NULL, moment.at, &view, &f->arena, &f->err));
    store_rollback(tx);
    for (uint32_t i = 0; i < graph_entity_count(moment.graph); i++) {
        const struct graph_entity *e = graph_entity(moment.graph, i);
        if (!graph_holds(&e->fact, moment.at))
            continue;
        const struct twin_entity *row = row_of(&view, e->id);
        entities++;
        assert_non_null(row);
        assert_int_equal(row->state, graph_state_at(&e->fact, moment.at));
        assert_int_equal(row->layer, e->layer);
        assert_int_equal(row->origin, e->fact.origin);
        assert_int_equal(row->valid_from, e->fact.valid_from_ms);
        assert_int_equal(row->expires_at, e->fact.expires_ms);
        assert_string_equal(row->kind, e->kind);
    }
    for (uint32_t i = 0; i < graph_edge_count(moment.graph); i++)
        edges += graph_holds(&graph_edge(moment.graph, i)->fact, moment.at);
    assert_int_equal(entities, view.entities.count);
    assert_int_equal(edges, view.edges.count);
    twin_moment_done(&moment);
}

/* A random change of ten entities and what joins them; later ones end some again. */
static void scribble(struct fixture *f, struct rand *rand)
{
    struct buf json = BUF_INIT;
    struct json_writer w = JSON_WRITER(&json);
    int first = (int)rand_below(rand, 5), count = 2 + (int)rand_below(rand, 4);
    json_begin(&w, '{');
    json_key(&w, "entities");
    json_begin(&w, '[');
    for (int i = first; i < first + count; i++) {
        json_begin(&w, '{');
        json_member_text(&w, "id", arena_printf(&f->arena, "server/%d", i));
        json_member_text(&w, "kind", "server");
        json_member_text(&w, "layer", "virtual");
        json_member_text(&w, "state", twin_state_names[1 + rand_below(rand, 5)]);
        json_member_text(&w, "origin", twin_origin_names[1 + rand_below(rand, 3)]);
        if (rand_below(rand, 3) == 0)
            json_member_double(&w, "confidence", 0.25);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    json_key(&w, "edges");
    json_begin(&w, '[');
    for (int i = first; i + 1 < first + count; i++) {
        json_begin(&w, '{');
        json_member_text(&w, "from", arena_printf(&f->arena, "server/%d", i));
        json_member_text(&w, "to", arena_printf(&f->arena, "server/%d", i + 1));
        json_member_text(&w, "relation", twin_relation_names[1 + rand_below(rand, 7)]);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    if (rand_below(rand, 3) == 0) {
        json_key(&w, "ended");
        json_begin(&w, '[');
        json_begin(&w, '{');
        json_member_text(&w, "id", arena_printf(&f->arena, "server/%d", first));
        json_end(&w, '}');
        json_end(&w, ']');
    }
    json_end(&w, '}');
    assert_ok(f, declare_json(f, buf_str(&json)));
    buf_done(&json);
}

void test_the_graph_says_what_the_rows_say(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct rand rand;
    rand_init(&rand, 3);
    compare_with_rows(f, twin);
    for (int i = 0; i < 25; i++) {
        scribble(f, &rand);
        later();
        compare_with_rows(f, twin);
    }
    twin_close(twin);
}

#define MOMENTS 90 /* more events than are taken in one by one */

void test_a_moment_is_the_same_from_memory_from_the_journal_and_from_a_pack(void **state)
{
    struct fixture *f = *state;
    struct twin *live = open_twin(f);
    struct rand rand;
    int64_t at[MOMENTS];
    char *seen[MOMENTS];
    rand_init(&rand, 8);
    for (int i = 0; i < MOMENTS; i++) {
        scribble(f, &rand);
        at[i] = later();
        later();
        assert_ok(f, twin_refresh(live, &f->err));
        seen[i] = picture_at(f, live, at[i]);
        if (i == MOMENTS / 3) /* one that a later start does not read, but old moments do */
            assert_ok(f, twin_pack(live, true, &f->err));
        if (i == MOMENTS - 5)
            assert_ok(f, twin_pack(live, true, &f->err));
    }
    for (int i = 0; i < MOMENTS; i++)
        assert_string_equal(picture_at(f, live, at[i]), seen[i]);
    struct twin *packed = open_twin(f);
    for (int i = MOMENTS - 1; i >= 0; i--)
        assert_string_equal(picture_at(f, packed, at[i]), seen[i]);
    twin_close(packed);
    run_sql(f, "DELETE FROM twin_packs");
    struct twin *journal = open_twin(f);
    for (int i = 0; i < MOMENTS; i++)
        assert_string_equal(picture_at(f, journal, at[i]), seen[i]);
    assert_string_equal(picture_at(f, journal, 1), "");
    twin_close(journal);
    twin_close(live);
}

void test_half_a_pack_is_no_pack_and_a_damaged_one_is_only_slow(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    rand_init(&rand, 21);
    for (int i = 0; i < 10; i++)
        scribble(f, &rand);
    struct twin *twin = open_twin(f);
    int64_t now = later();
    char *right = picture_at(f, twin, now);
    assert_ok(f, twin_pack(twin, true, &f->err));
    twin_close(twin);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM twin_packs"), 1);
    const char *const harm[] = {
        "UPDATE twin_packs SET entities = entities + 1",
        "UPDATE twin_packs SET parts = 9",
        "DELETE FROM twin_pack_parts WHERE part = 1",
        "UPDATE twin_pack_parts SET part = 7 - part",
        "DELETE FROM twin_packs",
    };
    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        run_sql(f, harm[i]);
        twin = open_twin(f);
        assert_string_equal(picture_at(f, twin, now), right);
        assert_string_equal(picture_at(f, twin, 0), right);
        twin_close(twin);
    }
}

void test_a_store_from_before_the_journal_told_the_graph_is_told(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    rand_init(&rand, 30);
    for (int i = 0; i < 10; i++)
        scribble(f, &rand);
    later();
    run_sql(f, "UPDATE twin_entities SET confidence = 1"); /* columns of those days */
    run_sql(f, "UPDATE twin_entities SET valid_to = valid_from - 5 WHERE valid_to > 0");
    run_sql(f, "DELETE FROM store_journal WHERE collection = 'twin-graph'");
    struct twin *twin = open_twin(f);
    later();
    compare_with_rows(f, twin);
    twin_close(twin);
    int64_t events = events_of(f, "twin-graph", NULL, NULL);
    assert_true(events > 0);
    twin = open_twin(f);
    assert_int_equal(events_of(f, "twin-graph", NULL, NULL), events); /* once */
    twin_close(twin);
}

static enum err_code fault_declare(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    return declare_json(f, arena_printf(&f->arena,
                                        "{'entities':[{'id':'host/%d','kind':'host','layer':"
                                        "'physical'},{'id':'host/x','kind':'host','layer':"
                                        "'physical','state':'%s'}],'edges':[{'from':'host/%d','to':"
                                        "'host/x','relation':'connects'}]}",
                                        n, n % 2 ? "up" : "dead", n));
}

void test_what_is_declared_stands_in_rows_and_graph_or_nowhere(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum err_code code;
        const char *json, *field;
    } wrong[] = {
        {ERR_NOT_FOUND,
         "{'entities':[{'id':'a','kind':'host','layer':'physical'}],"
         "'edges':[{'from':'a','to':'b','relation':'calls'}]}",
         "edges[0]"},
        {ERR_NOT_FOUND, "{'ended':[{'id':'nobody'}]}", "ended[0]"},
    };
    char *before = dump(f);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_fails(f, wrong[i].code, declare_json(f, wrong[i].json));
        assert_string_equal(f->err.field, wrong[i].field);
        assert_string_equal(dump(f), before);
    }
    assert_all_or_nothing(f, fault_declare, NULL);
    struct twin *twin = open_twin(f);
    later();
    compare_with_rows(f, twin);
    twin_close(twin);
}

void test_an_observation_that_has_expired_is_unknown(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct twin_moment moment;
    int64_t now = later();
    struct twin_observation seen = {
        .name = "web-0", .state = TWIN_UP, .at = now, .expires_at = now + 100000};
    assert_ok(f, declare_json(f, "{'entities':[{'id':'instance/web-0','kind':'instance','layer':"
                                 "'application'}]}"));
    observe(f, &seen);
    int64_t events = events_of(f, "twin-graph", NULL, NULL);
    for (int i = 1; i <= 10; i++) { /* renewed not before half of the time is over */
        seen.at = now + i * 10000;
        seen.expires_at = seen.at + 100000;
        observe(f, &seen);
    }
    assert_int_equal(events_of(f, "twin-graph", NULL, NULL), events + 1);
    assert_ok(f, twin_refresh(twin, &f->err));
    assert_ok(f, twin_moment(twin, 0, &moment, &f->err));
    uint32_t web = graph_find(moment.graph, "instance/web-0");
    const struct graph_fact *fact = &graph_entity(moment.graph, web)->fact;
    assert_int_equal(fact->origin, GRAPH_OBSERVED);
    assert_int_equal(fact->expires_ms, now + 160000);
    twin_moment_done(&moment);
    static const int states[] = {TWIN_UP, TWIN_UNKNOWN};
    for (int64_t i = 0; i < 2; i++) { /* by the time that is asked for, in graph and rows alike */
        struct twin_query query = {.entity = "instance/web-0", .at = now + 159999 + i};
        struct twin_answer answer;
        struct twin_view view;
        struct store_tx *tx = NULL;
        assert_ok(f, twin_impact(twin, &query, &answer, &f->arena, &f->err));
        assert_int_equal(answer.subject->state, states[i]);
        assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
        assert_ok(f, twin_show(tx, NULL, now + 159999 + i, &view, &f->arena, &f->err));
        store_rollback(tx);
        assert_int_equal(row_of(&view, "instance/web-0")->state, states[i]);
    }
    twin_close(twin);
}

static void build_tree(struct fixture *f, int leaves)
{
    struct buf json = BUF_INIT;
    buf_printf(&json, "{'entities':[{'id':'site/a','kind':'site','layer':'physical'}");
    for (int i = 0; i < leaves; i++)
        buf_printf(&json,
                   ",{'id':'server/%d','kind':'server','layer':'virtual'},"
                   "{'id':'instance/%d','kind':'instance','layer':'application'}",
                   i, i);
    buf_printf(&json, ",{'id':'service/s','kind':'service','layer':'business'}],'edges':[");
    for (int i = 0; i < leaves; i++)
        buf_printf(&json,
                   "%s{'from':'server/%d','to':'site/a','relation':'runs-on'},"
                   "{'from':'instance/%d','to':'server/%d','relation':'runs-on'},"
                   "{'from':'instance/%d','to':'service/s','relation':'part-of'}",
                   i ? "," : "", i, i, i, i);
    buf_printf(&json, "]}");
    assert_ok(f, declare_json(f, buf_str(&json)));
    buf_done(&json);
}

void test_questions_are_answered_page_by_page_of_one_moment(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct twin_answer all, page, path;
    build_tree(f, 10);
    later();
    assert_ok(f, twin_refresh(twin, &f->err));
    struct twin_query query = {.entity = "site/a"};
    assert_ok(f, twin_impact(twin, &query, &all, &f->arena, &f->err));
    assert_int_equal(all.total, 21);
    assert_null(all.next);
    assert_string_equal(all.items.items[20].id, "service/s");
    assert_int_equal(all.items.items[20].depth.value, 3);
    assert_int_equal(all.items.items[20].relation, TWIN_PART_OF);
    query.limit = 6;
    size_t seen = 0;
    do {
        assert_ok(f, twin_impact(twin, &query, &page, &f->arena, &f->err));
        for (size_t i = 0; i < page.items.count; i++)
            assert_string_equal(page.items.items[i].id, all.items.items[seen++].id);
        query.cursor = page.next;
        if (seen == 6) { /* what happens meanwhile is not in them */
            assert_ok(f, declare_json(f, "{'ended':[{'id':'instance/3'}]}"));
            assert_ok(f, twin_refresh(twin, &f->err));
        }
    } while (page.next);
    assert_int_equal(seen, 21);
    query = (struct twin_query){.entity = "site/a", .layers = GRAPH_BIT(TWIN_APPLICATION)};
    assert_ok(f, twin_impact(twin, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.total, 9);
    query = (struct twin_query){.entity = "instance/1", .to = "instance/2"};
    assert_ok(f, twin_path(twin, &query, &path, &f->arena, &f->err));
    assert_int_equal(path.total, 3);
    assert_string_equal(path.items.items[1].id, "service/s");
    query.direction = GRAPH_UP_TO_USERS;
    assert_ok(f, twin_path(twin, &query, &path, &f->arena, &f->err));
    assert_int_equal(path.total, 0);
    query = (struct twin_query){.entity = "server/4", .direction = GRAPH_DOWN_TO_NEEDS};
    assert_ok(f, twin_neighbours(twin, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.total, 1);
    assert_true(page.items.items[0].outward);
    query.entity = "instance/3";
    assert_fails(f, ERR_NOT_FOUND, twin_neighbours(twin, &query, &page, &f->arena, &f->err));
    const char *const bad[] = {"", "1", "1.2", "1.2.", "1.2.x", "-1.2.3", "1.2.3.4", "9.2.3"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        query = (struct twin_query){.entity = "site/a", .cursor = bad[i]};
        assert_fails(f, i + 1 < ARRAY_LEN(bad) ? ERR_INVALID : ERR_CONFLICT,
                     twin_impact(twin, &query, &page, &f->arena, &f->err));
    }
    struct twin_outline outline;
    assert_ok(f, twin_outline(twin, 0, "site", 0, &outline, &f->arena, &f->err));
    assert_int_equal(outline.groups.count, 1);
    assert_string_equal(outline.groups.items[0].name, "site/a");
    assert_int_equal(outline.groups.items[0].count, 21);
    twin_close(twin);
}

void test_a_difference_shows_what_time_alone_has_done(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct twin_diff diff;
    int64_t begin = later();
    later();
    build_tree(f, 3);
    assert_ok(f, declare_json(f, "{'entities':[{'id':'server/alone','kind':'server','layer':"
                                 "'virtual'}]}"));
    int64_t middle = later();
    struct twin_observation seen = {
        .name = "alone", .state = TWIN_UP, .at = later(), .expires_at = clock_now_ms() + 1000};
    observe(f, &seen);
    assert_ok(f, declare_json(f, "{'ended':[{'id':'server/2'}]}"));
    later();
    assert_ok(f, twin_refresh(twin, &f->err));
    assert_ok(f, twin_diff(twin, begin, middle, 1000, NULL, &diff, &f->arena, &f->err));
    assert_int_equal(diff.total, 9 + 9);
    assert_int_equal(diff.items.items[0].change, 1);
    assert_ok(f, twin_diff(twin, middle, 0, 0, NULL, &diff, &f->arena, &f->err));
    assert_int_equal(diff.total, 4); /* one observed, another gone with its two edges */
    int64_t now = diff.to;
    assert_ok(f, twin_diff(twin, now, seen.expires_at, 0, NULL, &diff, &f->arena, &f->err));
    assert_int_equal(diff.total, 1);
    assert_string_equal(diff.items.items[0].entity, "server/alone");
    assert_int_equal(diff.items.items[0].state_before, TWIN_UP);
    assert_int_equal(diff.items.items[0].state_after, TWIN_UNKNOWN);
    size_t count = 0;
    const char *cursor = NULL;
    do {
        assert_ok(f, twin_diff(twin, begin, now, 4, cursor, &diff, &f->arena, &f->err));
        count += diff.items.count;
        cursor = diff.next;
    } while (cursor);
    assert_int_equal(count, diff.total);
    struct twin_history history;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, twin_history(tx, "server/2", 2, NULL, &history, &f->arena, &f->err));
    assert_int_equal(history.total, 3);
    assert_string_equal(history.items.items[0].what, "ended");
    assert_ok(f, twin_history(tx, "server/2", 2, history.next, &history, &f->arena, &f->err));
    assert_string_equal(history.items.items[0].what, "began");
    assert_null(history.next);
    assert_fails(f, ERR_NOT_FOUND,
                 twin_history(tx, "server/9", 2, NULL, &history, &f->arena, &f->err));
    store_rollback(tx);
    twin_close(twin);
}

void test_what_if_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct twin_consequences answer;
    build_tree(f, 2);
    later();
    assert_ok(f, twin_refresh(twin, &f->err));
    char *before = dump(f), *graph = picture_at(f, twin, clock_now_ms());
    struct twin_what_if *wish =
        decode(f, &twin_what_if_table, "{'states':[{'id':'server/0','state':'dead'}]}");
    assert_ok(f, twin_what_if(twin, wish, &answer, &f->arena, &f->err));
    assert_int_equal(answer.total, 3);
    assert_int_equal(answer.dead, 2);
    assert_int_equal(answer.degraded, 1);
    assert_string_equal(answer.items.items[2].id, "service/s");
    assert_string_equal(answer.items.items[2].because, "instance/0");
    wish = decode(f, &twin_what_if_table, "{'states':[{'id':'site/a','state':'unreachable'}]}");
    assert_ok(f, twin_what_if(twin, wish, &answer, &f->arena, &f->err));
    assert_int_equal(answer.unreachable, 6);
    /* Another instance elsewhere: the service only suffers. */
    wish = decode(f, &twin_what_if_table,
                  "{'states':[{'id':'site/a','state':'dead'}],'change':{'entities':[{'id':"
                  "'instance/9','kind':'instance','layer':'application'}],'edges':[{'from':"
                  "'instance/9','to':'service/s','relation':'part-of'}]}}");
    assert_ok(f, twin_what_if(twin, wish, &answer, &f->arena, &f->err));
    assert_int_equal(answer.dead, 5);
    assert_int_equal(answer.degraded, 1);
    wish = decode(f, &twin_what_if_table, "{'states':[{'id':'nobody','state':'dead'}]}");
    assert_fails(f, ERR_NOT_FOUND, twin_what_if(twin, wish, &answer, &f->arena, &f->err));
    assert_string_equal(dump(f), before);
    assert_string_equal(picture_at(f, twin, clock_now_ms()), graph);
    twin_close(twin);
}

void test_old_packs_go_and_parts_of_dead_writers_too(void **state)
{
    struct fixture *f = *state;
    struct twin *twin = open_twin(f);
    struct rand rand;
    rand_init(&rand, 4);
    run_sql(f, "INSERT INTO twin_pack_parts (pack, part, made_ms, body)"
               " SELECT 'pack-dead', 0, 5, CAST('x' AS BYTEA)");
    for (int i = 0; i < 7; i++) {
        scribble(f, &rand);
        assert_ok(f, twin_refresh(twin, &f->err));
        assert_ok(f, twin_pack(twin, false, &f->err)); /* too little for a pack */
        assert_ok(f, twin_pack(twin, true, &f->err));
    }
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM twin_packs"), 4);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM twin_pack_parts WHERE pack = 'pack-dead'"),
                     0);
    twin_close(twin);
}

/* ---- several threads ---- */

#define READERS 3
#define WRITES 40
#define THINGS 30 /* of one change: all carry its number */

struct stage {
    struct fixture *f;
    struct twin *twin;
    atomic_bool over;
    atomic_int broken, looks;
};

static void tell(struct stage *stage, int64_t number)
{
    struct twin_change_entity things[THINGS];
    char ids[THINGS][24];
    struct twin_change change = {.entities = {things, THINGS}};
    struct declaration d = {.change = &change};
    for (int i = 0; i < THINGS; i++) {
        str_format(ids[i], sizeof ids[i], "server/%d", i);
        things[i] = (struct twin_change_entity){.id = ids[i],
                                                .kind = "server",
                                                .layer = TWIN_VIRTUAL,
                                                .expires_at = INT64_C(9000000000000) + number};
    }
    assert_ok(stage->f, store_write(stage->f->store, declare_body, &d, &stage->f->err));
}

static bool is_whole(const struct twin_moment *moment)
{
    uint32_t count = graph_entity_count(moment->graph);
    for (uint32_t i = 1; i < count; i++)
        if (graph_entity(moment->graph, i)->fact.expires_ms !=
            graph_entity(moment->graph, 0)->fact.expires_ms)
            return false;
    return count == 0 || count == THINGS;
}

/* Looks at now and at the past, and takes in what is new when nobody else does. */
static void *read_on(void *ctx)
{
    struct stage *stage = ctx;
    int64_t position = 0, begin = clock_now_ms();
    for (int i = 0; !atomic_load(&stage->over) || i < 3; i++) {
        struct arena arena = ARENA_INIT;
        struct twin_moment now, then;
        struct twin_outline outline;
        struct err err = ERR_INIT;
        bool right =
            !twin_try_refresh(stage->twin, &err) && !twin_moment(stage->twin, 0, &now, &err);
        if (right) {
            right = is_whole(&now) && now.position >= position;
            position = now.position;
            twin_moment_done(&now);
        }
        if (right && !twin_moment(stage->twin, begin + i % 50, &then, &err)) {
            right = is_whole(&then);
            twin_moment_done(&then);
        }
        right = right && !twin_outline(stage->twin, 0, "kind", 0, &outline, &arena, &err);
        atomic_fetch_add(&stage->broken, !right);
        atomic_fetch_add(&stage->looks, 1);
        arena_done(&arena);
    }
    return NULL;
}

void test_readers_and_refreshers_get_whole_moments_while_others_write(void **state)
{
    struct fixture *f = *state;
    struct stage stage = {.f = f, .twin = open_twin(f)};
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &stage), 0);
    for (int i = 1; i <= WRITES; i++) {
        tell(&stage, i);
        if (i % 10 == 0) {
            assert_ok(f, twin_refresh(stage.twin, &f->err));
            assert_ok(f, twin_pack(stage.twin, true, &f->err));
        }
    }
    atomic_store(&stage.over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&stage.broken), 0);
    assert_true(atomic_load(&stage.looks) >= 3 * READERS);
    twin_close(stage.twin);
}

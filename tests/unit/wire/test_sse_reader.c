/* text/event-stream, cut anywhere. */
#include <string.h>

#include "wire_test.h"

static void note(void *ctx, const char *id, const char *event, const char *data)
{
    buf_printf(ctx, "[%s|%s|%s]", id ? id : "-", event, data);
}

/* Feeds text in pieces of `step` bytes. */
static void check(const char *text, size_t len, const char *expected)
{
    for (size_t step = 1; step <= len; step++) {
        CLEANUP(buf_done) struct buf seen = BUF_INIT;
        struct sse_reader reader = {.on_event = note, .ctx = &seen};
        for (size_t at = 0; at < len; at += step)
            sse_reader_feed(&reader, text + at, len - at < step ? len - at : step);
        sse_reader_done(&reader);
        assert_string_equal(buf_str(&seen), expected);
    }
}

static void test_events_are_the_same_however_the_bytes_are_cut(void **state)
{
    (void)state;
    const char text[] = "\xEF\xBB\xBF"
                        "data: one\n\n"
                        ": comment\r\n"
                        "id: 7\r\nevent: tick\r\ndata: a\r\ndata:  b\r\n\r\n"
                        "data\rdata:x:y\r\r"
                        "unknown: z\nevent: dropped\n\n"
                        "id\ndata: last\n\n"
                        "data: never ended";
    check(text, sizeof text - 1, "[-|message|one][7|tick|a\n b][7|message|\nx:y][-|message|last]");
}

static void test_an_id_with_nul_is_ignored(void **state)
{
    (void)state;
    const char text[] = "id: a\0b\ndata: x\n\n";
    check(text, sizeof text - 1, "[-|message|x]");
}

static void test_an_event_too_large_is_dropped_whole(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf seen = BUF_INIT;
    struct sse_reader reader = {.on_event = note, .ctx = &seen};
    char piece[4096];
    memset(piece, 'x', sizeof piece);
    sse_reader_feed(&reader, "data: ", 6);
    for (size_t fed = 0; fed <= SSE_EVENT_MAX; fed += sizeof piece)
        sse_reader_feed(&reader, piece, sizeof piece);
    sse_reader_feed(&reader, "\ndata: tail\n\ndata: next\n\n", 26);
    sse_reader_done(&reader);
    assert_string_equal(buf_str(&seen), "[-|message|next]");
}

int wire_sse_reader_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_the_same_however_the_bytes_are_cut),
        cmocka_unit_test(test_an_id_with_nul_is_ignored),
        cmocka_unit_test(test_an_event_too_large_is_dropped_whole),
    };
    return cmocka_run_group_tests_name("sse reader", tests, NULL, NULL);
}

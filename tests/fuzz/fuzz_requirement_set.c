/* fuzz_requirement_set.c - lines PATH=VALUE upon a requirement.  What is refused names the path;
 * what is set and passes the rules between fields can be written and read back as the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "types/requirement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base[] =
    "{\"components\":[{\"name\":\"web\"},{\"name\":\"network\"},{\"name\":\"a.b\"}],"
    "\"flows\":[{\"from\":\"user\",\"to\":\"web\"}]}";

static void check_round_trip(const struct requirement *need, struct arena *arena)
{
    CLEANUP(buf_done) struct buf one = BUF_INIT;
    CLEANUP(buf_done) struct buf two = BUF_INIT;
    struct requirement *again = NULL;
    struct err err = ERR_INIT;
    if (requirement_check(need, &err)) {
        assert(err.code == ERR_INVALID || err.code == ERR_TOO_LARGE);
        return;
    }
    assert(requirement_copy(need, &again, arena, &err) == ERR_OK);
    json_encode(&requirement_table, need, JSON_COMPACT, &one);
    json_encode(&requirement_table, again, JSON_COMPACT, &two);
    assert(str_eq(buf_str(&one), buf_str(&two)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct requirement need;
    struct err err = ERR_INIT;
    char *text = arena_strndup(&arena, (const char *)data, size);
    assert(json_decode(base, sizeof base - 1, &requirement_table, NULL, &need, &arena, &err) ==
           ERR_OK);
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *equals = strchr(line, '=');
        if (equals)
            *equals++ = '\0';
        err = (struct err)ERR_INIT;
        if (requirement_set(&need, line, equals, &arena, &err)) {
            assert(err.code == ERR_INVALID || err.code == ERR_TOO_LARGE);
            assert(err.text[0] && (err.field[0] || !line[0]));
            continue;
        }
        requirement_text(&need, line, &arena);
        check_round_trip(&need, &arena);
    }
    return 0;
}

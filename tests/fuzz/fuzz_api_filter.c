/* fuzz_api_filter.c - ?filter= conditions.  What is accepted has a path without operator and gives
 * the text again when its parts are put together; what is refused says so about the filter. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">=", "~="};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_condition condition;
    struct err err = ERR_INIT;
    const char *text = arena_strndup(&arena, (const char *)data, size);
    if (api_read_filter(text, &condition, &arena, &err)) {
        assert(err.code == ERR_INVALID && str_eq(err.field, "filter"));
        return 0;
    }
    assert(condition.path[0] && strpbrk(condition.path, "=!<>~") == NULL);
    assert((size_t)condition.operator<ARRAY_LEN(operators));
    const char *again = arena_printf(&arena, "%s%s%s", condition.path,
                                     operators[condition.operator], condition.value);
    assert(str_eq(again, text));
    return 0;
}

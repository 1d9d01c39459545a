/* ask.h - what the questions to the twin share. */
#ifndef SWAN_TWIN_MODEL_ASK_H
#define SWAN_TWIN_MODEL_ASK_H

#include "twin/model/twin_priv.h"

struct twin_cursor {
    int64_t position, at, skip;
};
const char *twin_cursor_write(const struct twin_cursor *cursor, struct arena *arena);
enum err_code twin_cursor_read(const char *text, struct twin_cursor *out, struct err *err);
size_t twin_page(int64_t limit);
void twin_item_of(const struct graph_entity *entity, int64_t at, struct twin_item *out,
                  struct arena *arena);

#endif

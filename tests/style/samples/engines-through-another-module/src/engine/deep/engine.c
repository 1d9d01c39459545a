#include "engine/deep/engine.h"

#include <string.h>

#include "base/mem.h"
#include "engine/door.h"

int engine_run(const char *text)
{
    char *copy = mem_alloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy[0] + door_open();
}

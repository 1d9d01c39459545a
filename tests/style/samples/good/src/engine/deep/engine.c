#include "engine/deep/engine.h"

#include <string.h>

#include "base/mem.h"

int engine_run(const char *text)
{
    char *copy = mem_alloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy[0];
}

#include "base/mem.h"

#include <stdlib.h>

#include "engine/deep/engine.h"

void *mem_alloc(size_t size)
{
    return malloc(size);
}

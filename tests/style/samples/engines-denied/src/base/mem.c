#include "base/mem.h"

#include <stdlib.h>

void *mem_alloc(size_t size)
{
    return malloc(size);
}

void mem_dump(void)
{
}

#ifndef SAMPLE_BASE_MEM_H
#define SAMPLE_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);

#endif

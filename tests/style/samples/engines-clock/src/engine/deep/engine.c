#include "engine/deep/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int engine_run(const char *text)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return fopen(text, "r") != 0 && getenv(text) != 0;
}

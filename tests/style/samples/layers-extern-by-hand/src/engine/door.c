#include "engine/door.h"

extern int engine_run(const char *text);

int door_open(void)
{
    return engine_run("");
}

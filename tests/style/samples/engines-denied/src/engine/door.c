#include "engine/door.h"

int door_open(void)
{
    return 1;
}

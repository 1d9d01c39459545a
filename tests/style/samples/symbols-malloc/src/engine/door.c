#include "engine/door.h"

#include <string.h>

int door_open(void)
{
    return strdup(__FILE__) != 0;
}

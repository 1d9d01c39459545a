#include "engine/door.h"

#include <base/mem.h>

#include "../base/mem.h"
#include "nowhere.h"

int door_open(void)
{
    return 1;
}

#include "engine/door.h"

int helper(void);

int helper(void)
{
    return 2;
}

int door_open(void)
{
    return 1;
}

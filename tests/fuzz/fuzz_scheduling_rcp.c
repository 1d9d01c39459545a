/* fuzz_scheduling_rcp.c - any bytes as an instance in Patterson's format: no crash. */
#include "fuzz_scheduling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plan_what_is_read(scheduling_parse_rcp, data, size);
    return 0;
}

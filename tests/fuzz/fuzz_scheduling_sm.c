/* fuzz_scheduling_sm.c - any bytes as an instance in PSPLIB's format: no crash. */
#include "fuzz_scheduling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plan_what_is_read(scheduling_parse_sm, data, size);
    return 0;
}

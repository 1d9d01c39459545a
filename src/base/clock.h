/* clock.h - time.  UTC RFC 3339 outside, int64 milliseconds since 1970 inside. */
#ifndef SWAN_BASE_CLOCK_H
#define SWAN_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"

int64_t clock_now_ms(void);  /* wall */
int64_t clock_mono_ms(void); /* monotonic, for durations */
int64_t clock_mono_us(void);
/* "2026-11-23T12:00:00.000Z" */
#define CLOCK_TEXT_SIZE 32
void clock_format(int64_t ms, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset, seconds fraction optional, years 1970…9999. */
enum err_code clock_parse(const char *text, int64_t *out_ms, struct err *err);
void clock_sleep_ms(int64_t ms);

#endif

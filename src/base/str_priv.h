/* str_priv.h - the Unicode ranges behind str_width and str_check_name. */
#ifndef SWAN_BASE_STR_PRIV_H
#define SWAN_BASE_STR_PRIV_H

#include <stddef.h>
#include <stdint.h>

struct str_range {
    uint32_t first, last;
};

/* Letters with their marks, and decimal digits of every script. */
extern const struct str_range str_name_ranges[];
extern const size_t str_name_ranges_count;
/* Code points that take no column on a terminal, and those that take two. */
extern const struct str_range str_zero_ranges[];
extern const size_t str_zero_ranges_count;
extern const struct str_range str_wide_ranges[];
extern const size_t str_wide_ranges_count;

#endif

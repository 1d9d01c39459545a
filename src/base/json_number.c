/* json_number.c - numbers as JSON text, and money as millionths.
 *
 * Contract: json_add_double writes the shortest decimal that reads back as the same double.  Most
 * numbers of Swan have at most six decimals; these take a quick path: n / 10^k is correctly rounded
 * when n < 2^53 and 10^k is exact, so equality with the value proves the text. */
#include <math.h>
#include <string.h>

#include "base/json_priv.h"

static char *put_digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void json_add_int(struct buf *out, int64_t value)
{
    char text[24];
    char *end = text + sizeof text;
    char *start = put_digits(end, magnitude(value));
    if (value < 0)
        *--start = '-';
    buf_add(out, start, (size_t)(end - start));
}

/* value × 10^-decimals, no trailing zeros. */
static void add_scaled(struct buf *out, bool negative, uint64_t value, unsigned decimals)
{
    char text[32];
    char *end = text + sizeof text;
    while (decimals > 0 && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    char *start = end;
    for (unsigned i = 0; i < decimals; i++) {
        *--start = (char)('0' + value % 10);
        value /= 10;
    }
    if (decimals > 0)
        *--start = '.';
    start = put_digits(start, value);
    if (negative)
        *--start = '-';
    buf_add(out, start, (size_t)(end - start));
}

void json_add_double(struct buf *out, double value)
{
    static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    double size = fabs(value);
    if (size < 1e9) { /* so that size × 10^6 < 2^53 */
        for (unsigned k = 0; k < sizeof powers / sizeof powers[0]; k++) {
            int64_t n = (int64_t)(size * powers[k] + 0.5);
            if ((double)n / powers[k] == size) {
                add_scaled(out, value < 0, (uint64_t)n, k);
                return;
            }
        }
    }
    buf_add_json_double(out, value);
}

void json_add_decimal(struct buf *out, int64_t millionths)
{
    add_scaled(out, millionths < 0, magnitude(millionths), 6);
}

bool json_decimal_from_double(double value, int64_t *out)
{
    if (!(fabs(value) <= JSON_DECIMAL_MAX))
        return false;
    *out = (int64_t)llroundl((long double)value * JSON_MILLION);
    return true;
}

/* clock.c - time now, and RFC 3339 both ways.
 *
 * Contract: no time zone data and no locale is used.  What clock_format writes, clock_parse reads
 * back to the same millisecond.  Calendar arithmetic after H. Hinnant, "chrono-compatible low-level
 * date algorithms". */
#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "base/str.h"

/* 9999-12-31T23:59:59.999Z */
#define CLOCK_MAX INT64_C(253402300799999)
/* 0000-01-01T00:00:00.000Z */
#define CLOCK_MIN INT64_C(-62167219200000)

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t year_of_era = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t day_of_year = doe - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

void clock_format(int64_t ms, char out[CLOCK_TEXT_SIZE])
{
    if (ms < CLOCK_MIN)
        ms = CLOCK_MIN;
    if (ms > CLOCK_MAX)
        ms = CLOCK_MAX;
    int64_t days = ms / 86400000, rest = ms % 86400000, year;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int month, day;
    date_from_days(days, &year, &month, &day);
    int of_day = (int)rest;
    str_format(out, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
               of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60, of_day % 1000);
}

/* `digits` decimal digits at *text, which moves on; -1 if they are not there. */
static int take_digits(const char **text, int digits)
{
    int value = 0;
    for (; digits > 0; digits--, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        value = value * 10 + (**text - '0');
    }
    return value;
}

static bool take_char(const char **text, char c, char also)
{
    if (**text != c && **text != also)
        return false;
    (*text)++;
    return true;
}

struct moment {
    int year, month, day, hour, minute, second, ms, offset_minutes;
};

/* The grammar of RFC 3339 section 5.6, every field in its range. */
static bool read_moment(const char *p, struct moment *m)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if ((m->year = take_digits(&p, 4)) < 0 || !take_char(&p, '-', '-') ||
        (m->month = take_digits(&p, 2)) < 0 || !take_char(&p, '-', '-') ||
        (m->day = take_digits(&p, 2)) < 0 || !take_char(&p, 'T', 't') ||
        (m->hour = take_digits(&p, 2)) < 0 || !take_char(&p, ':', ':') ||
        (m->minute = take_digits(&p, 2)) < 0 || !take_char(&p, ':', ':') ||
        (m->second = take_digits(&p, 2)) < 0)
        return false;
    m->ms = 0;
    if (*p == '.') {
        p++;
        if (*p < '0' || *p > '9')
            return false;
        for (int unit = 100; *p >= '0' && *p <= '9'; p++, unit /= 10)
            m->ms += unit * (*p - '0');
    }
    m->offset_minutes = 0;
    if (!take_char(&p, 'Z', 'z')) {
        int sign = *p == '-' ? -1 : 1;
        if (!take_char(&p, '+', '-'))
            return false;
        int hours = take_digits(&p, 2);
        if (hours < 0 || hours > 23 || !take_char(&p, ':', ':'))
            return false;
        int minutes = take_digits(&p, 2);
        if (minutes < 0 || minutes > 59)
            return false;
        m->offset_minutes = sign * (hours * 60 + minutes);
    }
    bool leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
    return *p == '\0' && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= month_days[m->month - 1] + (leap && m->month == 2) && m->hour <= 23 &&
           m->minute <= 59 && m->second <= 60;
}

enum err_code clock_parse(const char *text, int64_t *out_ms, struct err *err)
{
    struct moment m;
    bool good = text && read_moment(text, &m);
    int64_t ms = 0;
    if (good) {
        int64_t minutes = days_from_date(m.year, m.month, m.day) * 1440 + m.hour * 60 + m.minute -
                          m.offset_minutes;
        ms = minutes * 60000 + m.second * 1000 + m.ms;
        /* A leap second stands only at the end of a UTC day; it is the next second to us. */
        bool leap_place = minutes % 1440 == 1439;
        good = (m.second < 60 || leap_place) && ms >= 0 && ms <= CLOCK_MAX;
    }
    if (!good) {
        err_set(err, ERR_INVALID, "'%s' is not a time of the years 1970 to 9999",
                text ? text : "null");
        err_hint(err, "write it as RFC 3339, for example 2026-11-23T12:00:00Z");
        return ERR_INVALID;
    }
    *out_ms = ms;
    return ERR_OK;
}

/* lines.c - task records, one JSON object a line.
 *
 * A million records are read in about a second, so no tree is built: a scanner walks each line once
 * and keeps what it knows.  Keys that it does not know are skipped, whatever they hold.  A line is
 * taken as a whole or refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lean/analysis/analysis_priv.h"

#define DEPTH_MOST 32
#define TEXT_MOST 4096 /* bytes of one text */
#define TIME_MOST ((int64_t)1 << 50)

struct scan {
    const char *at, *end;
    char text[TEXT_MOST * 3 + 4]; /* of a string that had escapes */
};

struct span {
    const char *text;
    size_t len;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex4(struct scan *s, unsigned *out)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->end || hex(*s->at) < 0)
            return false;
        value = value << 4 | (unsigned)hex(*s->at);
    }
    *out = value;
    return true;
}

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* After the backslash. */
static bool unescape(struct scan *s, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned c, low;
    if (s->at == s->end)
        return false;
    char kind = *s->at++;
    const char *simple = kind ? strchr(from, kind) : NULL;
    if (simple) {
        s->text[(*len)++] = to[simple - from];
        return true;
    }
    if (kind != 'u' || !hex4(s, &c) || !c)
        return false;
    if (c >= 0xdc00 && c < 0xe000)
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
            return false;
        s->at += 2;
        if (!hex4(s, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *len += put_utf8(s->text + *len, c);
    return true;
}

/* The string at the scanner; points into the line, or into s->text when it had escapes. */
static bool string(struct scan *s, struct span *out)
{
    if (!take(s, '"'))
        return false;
    const char *begin = s->at;
    while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= 0x20)
        s->at++;
    size_t len = (size_t)(s->at - begin);
    if (len > TEXT_MOST || s->at == s->end || (unsigned char)*s->at < 0x20)
        return false;
    if (*s->at == '"') {
        s->at++;
        *out = (struct span){begin, len};
        return true;
    }
    memcpy(s->text, begin, len);
    while (s->at < s->end && *s->at != '"') {
        if (len > TEXT_MOST || (unsigned char)*s->at < 0x20)
            return false;
        if (*s->at != '\\') {
            s->text[len++] = *s->at++;
            continue;
        }
        s->at++;
        if (!unescape(s, &len))
            return false;
    }
    if (s->at == s->end || len > TEXT_MOST)
        return false;
    s->at++;
    *out = (struct span){s->text, len};
    return true;
}

/* A bare word: number, true, false, null. */
static bool word(struct scan *s, struct span *out)
{
    skip_blanks(s);
    const char *begin = s->at;
    while (s->at < s->end &&
           ((*s->at >= '0' && *s->at <= '9') || (*s->at && strchr("+-.eEtrufalsn", *s->at))))
        s->at++;
    *out = (struct span){begin, (size_t)(s->at - begin)};
    return out->len > 0 && out->len < 64;
}

static bool skip_value(struct scan *s, int depth)
{
    struct span nothing;
    skip_blanks(s);
    if (s->at == s->end || depth > DEPTH_MOST)
        return false;
    if (*s->at == '"')
        return string(s, &nothing);
    if (*s->at != '{' && *s->at != '[')
        return word(s, &nothing);
    bool object = *s->at == '{';
    char close = object ? '}' : ']';
    s->at++;
    if (take(s, close))
        return true;
    do {
        if (object && (!string(s, &nothing) || !take(s, ':')))
            return false;
        if (!skip_value(s, depth + 1))
            return false;
    } while (take(s, ','));
    return take(s, close);
}

static bool number(const struct span *span, double *out)
{
    char text[64], *end;
    if (span->len >= sizeof text)
        return false;
    if (span->len && span->len <= 15) { /* whole numbers are most of them */
        int64_t whole = 0;
        size_t i = 0;
        while (i < span->len && span->text[i] >= '0' && span->text[i] <= '9')
            whole = 10 * whole + span->text[i++] - '0';
        if (i == span->len) {
            *out = (double)whole;
            return true;
        }
    }
    memcpy(text, span->text, span->len);
    text[span->len] = '\0';
    *out = strtod(text, &end);
    return !*end && span->len && strspn(text, "+-.0123456789eE") == span->len && isfinite(*out);
}

static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = 10 * value + text[i] - '0';
    }
    return value;
}

/* Days from 1970-01-01 of the Gregorian calendar (Hinnant's method). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400,
            of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool analysis_time(const char *text, size_t len, int64_t *out)
{
    /* "2026-11-23T12:00:00Z" or with ".123": most records; everything else goes the long way */
    if ((len == 20 || len == 24) && text[len - 1] == 'Z' && text[4] == '-' && text[7] == '-' &&
        text[10] == 'T' && text[13] == ':' && text[16] == ':' && (len == 20 || text[19] == '.')) {
        int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
        int hour = digits(text + 11, 2), minute = digits(text + 14, 2);
        int second = digits(text + 17, 2), ms = len == 24 ? digits(text + 20, 3) : 0;
        if (year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour >= 0 &&
            hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && ms >= 0) {
            *out = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60000 + second * 1000 +
                   ms;
            return true;
        }
    }
    char copy[64];
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return clock_parse(copy, out, NULL) == ERR_OK;
}

enum key {
    K_RUN,
    K_TASK,
    K_KIND,
    K_SITE,
    K_ACTOR,
    K_REASON,
    K_ERROR,
    K_KEY,
    K_AFTER,
    K_ATTEMPT,
    K_STATE,
    K_VALUE,
    K_BYTES,
    K_COST,
    K_ASKED,
    K_USED,
    K_QUEUED,
    K_ELIGIBLE,
    K_STARTED,
    K_ENDED,
    KEYS
};
static const char *const key_names[KEYS] = {
    "run",   "task",  "kind",      "site",        "actor",      "wait_reason", "error_class",
    "key",   "after", "attempt",   "state",       "value",      "bytes_gib",   "cost_hour",
    "asked", "used",  "queued_at", "eligible_at", "started_at", "ended_at"};

static int find_key(const struct span *name)
{
    for (int k = 0; k < KEYS; k++)
        if (name->text[0] == key_names[k][0] && strncmp(name->text, key_names[k], name->len) == 0 &&
            !key_names[k][name->len])
            return k;
    return name->len == 2 && memcmp(name->text, "id", 2) == 0 ? K_TASK : KEYS;
}

static enum err_code wrong(int key, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INVALID, "'%s' should be %s", key_names[key], wanted);
}

static enum err_code read_after(struct analysis_reader *r, struct analysis_record *record,
                                struct scan *s, struct err *err)
{
    struct span name;
    if (!take(s, '['))
        return wrong(K_AFTER, "a list of names", err);
    if (take(s, ']'))
        return ERR_OK;
    do {
        if (!string(s, &name))
            return wrong(K_AFTER, "a list of names", err);
        analysis_add_after(r, record, analysis_text(r, name.text, name.len));
    } while (take(s, ','));
    return take(s, ']') ? ERR_OK : wrong(K_AFTER, "a list of names", err);
}

static bool equals(const struct span *span, const char *text)
{
    return span->len == strlen(text) && memcmp(span->text, text, span->len) == 0;
}

static void set_state(struct analysis_record *record, const struct span *state)
{
    if (equals(state, "failed"))
        record->outcome = ANALYSIS_FAILED;
    else if (equals(state, "undone") || equals(state, "undoing"))
        record->outcome = ANALYSIS_UNDONE;
    else if (equals(state, "skipped"))
        record->outcome = ANALYSIS_SKIPPED;
}

static enum err_code set_value(struct analysis_record *record, const struct span *value,
                               struct err *err)
{
    if (equals(value, "added"))
        record->value = ANALYSIS_VALUE_ADDED;
    else if (equals(value, "necessary"))
        record->value = ANALYSIS_VALUE_NECESSARY;
    else if (equals(value, "waste"))
        record->value = ANALYSIS_VALUE_WASTE;
    else
        return wrong(K_VALUE, "added, necessary or waste", err);
    return ERR_OK;
}

static enum err_code set_text(struct analysis_reader *r, struct analysis_record *record, int key,
                              const struct span *span, struct err *err)
{
    uint32_t *const places[] = {&record->run,   &record->task,   &record->kind,  &record->site,
                                &record->actor, &record->reason, &record->error, &record->key};
    if (key <= K_KEY) {
        if (span->len)
            *places[key] = analysis_text(r, span->text, span->len);
        return ERR_OK;
    }
    if (key == K_STATE)
        return set_state(record, span), ERR_OK;
    if (key == K_VALUE)
        return set_value(record, span, err);
    int64_t *const times[] = {&record->queued, &record->eligible, &record->started, &record->ended};
    if (key < K_QUEUED)
        return wrong(key, "a number", err);
    if (!analysis_time(span->text, span->len, times[key - K_QUEUED]))
        return wrong(key, "a time such as 2026-11-23T12:00:00Z", err);
    return ERR_OK;
}

static enum err_code set_number(struct analysis_record *record, int key, const struct span *span,
                                struct err *err)
{
    int64_t *const times[] = {&record->queued, &record->eligible, &record->started, &record->ended};
    float *const amounts[] = {&record->bytes_gib, &record->cost_hour, &record->asked,
                              &record->used};
    double value;
    if (equals(span, "null"))
        return ERR_OK;
    if (!number(span, &value) || key <= K_AFTER || key == K_STATE || key == K_VALUE)
        return wrong(key, key <= K_AFTER || key == K_STATE ? "text" : "a number", err);
    if (key >= K_QUEUED) {
        if (fabs(value) > (double)TIME_MOST)
            return wrong(key, "milliseconds since 1970", err);
        if (value != 0) /* records write 0 for "not yet" */
            *times[key - K_QUEUED] = (int64_t)value;
        return ERR_OK;
    }
    if (value < 0 || value > 1e9)
        return wrong(key, "0 to 1e9", err);
    if (key == K_ATTEMPT)
        record->attempts = value < 1 ? 1 : (uint32_t)value;
    else
        *amounts[key - K_BYTES] = (float)value;
    return ERR_OK;
}

static enum err_code read_member(struct analysis_reader *r, struct analysis_record *record,
                                 struct scan *s, struct err *err)
{
    struct span name, value;
    if (!string(s, &name))
        return err_set(err, ERR_INVALID, "a key should stand where '%.*s' is",
                       (int)(s->end - s->at < 12 ? s->end - s->at : 12), s->at);
    int key = find_key(&name);
    if (!take(s, ':'))
        return err_set(err, ERR_INVALID, "a ':' is missing after a key");
    skip_blanks(s);
    if (key == KEYS) {
        if (!skip_value(s, 0))
            return err_set(err, ERR_INVALID, "a value is no JSON, or deeper than %d", DEPTH_MOST);
        return ERR_OK;
    }
    if (key == K_AFTER && s->at < s->end && *s->at == '[')
        return read_after(r, record, s, err);
    if (s->at < s->end && *s->at == '"') {
        if (!string(s, &value))
            return wrong(key, "text that is closed and at most 4096 bytes long", err);
        if (key == K_AFTER)
            return wrong(key, "a list of names", err);
        return set_text(r, record, key, &value, err);
    }
    if (!word(s, &value))
        return wrong(key, key <= K_KEY ? "text" : "a number", err);
    return set_number(record, key, &value, err);
}

enum err_code analysis_read_line(struct analysis_reader *r, const char *line, size_t len,
                                 struct err *err)
{
    struct scan s;
    s.at = line;
    s.end = line + len;
    struct analysis_record *record = analysis_add(r);
    enum err_code rc = ERR_OK;
    if (!take(&s, '{'))
        return err_set(err, ERR_INVALID, "a task record is a JSON object");
    if (!take(&s, '}')) {
        do
            rc = read_member(r, record, &s, err);
        while (!rc && take(&s, ','));
        if (rc)
            return rc;
        if (!take(&s, '}'))
            return err_set(err, ERR_INVALID, "a '}' or ',' is missing");
    }
    skip_blanks(&s);
    if (s.at < s.end)
        return err_set(err, ERR_INVALID, "the line goes on after the record");
    if (record->task == ANALYSIS_NONE)
        return err_set(err, ERR_INVALID, "'task' is missing");
    return ERR_OK;
}

/* output.c - answers as JSON or YAML, and amounts as people read them. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

/* C1 controls are legal in JSON texts, but some terminals obey them: written as \u0080 they mean
 * the same. */
static void print_json(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t begin = at;
        uint32_t c = str_next(text, len, &at);
        if (c >= 0x7f && c <= 0x9f)
            printf("\\u%04x", (unsigned)c);
        else
            fwrite(text + begin, 1, at - begin, stdout);
    }
}

bool cli_answer_json(struct cli_call *call, const char *text, size_t len)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    if (call->format == CLI_TABLE)
        return false;
    enum err_code rc = call->format == CLI_YAML ? yaml_from_json(text, len, &out, NULL)
                                                : json_reformat(text, len, JSON_PRETTY, &out, NULL);
    if (rc) /* not JSON: what came, as a text */
        buf_add_json_str(&out, text, len);
    if (call->format == CLI_YAML)
        fwrite(buf_str(&out), 1, out.len, stdout);
    else
        print_json(buf_str(&out), out.len);
    if (!out.len || out.data[out.len - 1] != '\n')
        putchar('\n');
    return true;
}

bool cli_answer_doc(struct cli_call *call, const struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (call->format == CLI_TABLE)
        return false;
    json_write(json_root(doc), JSON_COMPACT, &text);
    return cli_answer_json(call, buf_str(&text), text.len);
}

bool cli_answer_table(struct cli_call *call, const struct json_table *table, const void *object)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (call->format == CLI_TABLE)
        return false;
    json_encode(table, object, JSON_COMPACT, &text);
    return cli_answer_json(call, buf_str(&text), text.len);
}

const char *cli_number_text(struct arena *arena, double value)
{
    if (!isfinite(value))
        return "?";
    double rounded = round(value * 1000) / 1000;
    return arena_printf(arena, "%.12g", fabs(value) < 1e9 && rounded != 0 ? rounded : value);
}

const char *cli_money(struct arena *arena, double amount, const char *currency)
{
    return cli_join(arena, arena_printf(arena, "%.2f", amount), " ", currency);
}

const char *cli_seconds(struct arena *arena, double seconds)
{
    if (!isfinite(seconds) || seconds < 0)
        return "?";
    if (seconds < 10)
        return arena_printf(arena, _("%.1f s"), seconds);
    if (seconds < 120)
        return arena_printf(arena, _("%.0f s"), seconds);
    if (seconds < 7200)
        return arena_printf(arena, _("%d min %02d s"), (int)(seconds / 60), (int)seconds % 60);
    return arena_printf(arena, _("%.1f h"), seconds / 3600);
}

const char *cli_time(struct arena *arena, const char *rfc3339)
{
    int64_t ms;
    struct tm tm, now;
    char text[64];
    time_t today = (time_t)(clock_now_ms() / 1000);
    if (!rfc3339 || clock_parse(rfc3339, &ms, NULL))
        return rfc3339;
    time_t seconds = (time_t)(ms / 1000);
    if (!localtime_r(&seconds, &tm) || !localtime_r(&today, &now))
        return rfc3339;
    const char *format = tm.tm_year == now.tm_year ? "%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M:%S";
    return strftime(text, sizeof text, format, &tm) ? arena_strdup(arena, text) : rfc3339;
}

const char *cli_join(struct arena *arena, const char *a, const char *between, const char *b)
{
    if (!a || !a[0])
        return b;
    if (!b || !b[0])
        return a;
    return arena_printf(arena, "%s%s%s", a, between, b);
}

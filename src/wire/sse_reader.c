/* sse_reader.c - text/event-stream into events, as the HTML standard's section 9.2.6 reads it.
 *
 * Contract: bytes may be cut anywhere; lines end in LF, CR or CRLF.  An event is told when its
 * blank line comes, never half.  The id of an event stays for those after it.  A line or an event
 * larger than SSE_EVENT_MAX drops that event and nothing else. */
#include <string.h>

#include "wire/http.h"

static void dispatch(struct sse_reader *reader)
{
    if (reader->data.len > 0 && !reader->dropped) {
        reader->data.data[--reader->data.len] = '\0'; /* the line break after the last line */
        reader->on_event(reader->ctx, reader->id.len ? reader->id.data : NULL,
                         reader->event.len ? reader->event.data : "message", reader->data.data);
    }
    buf_clear(&reader->data);
    buf_clear(&reader->event);
    reader->dropped = false;
}

static void set_text(struct buf *out, const char *value, size_t len)
{
    buf_clear(out);
    buf_add(out, value, len);
}

static void end_line(struct sse_reader *reader)
{
    struct buf *line = &reader->line;
    if (line->over) {
        reader->dropped = true;
        buf_clear(line);
        return;
    }
    if (line->len == 0) {
        dispatch(reader);
        return;
    }
    size_t name_len = strcspn(line->data, ":");
    const char *value = line->data + name_len;
    if (name_len < line->len && *value == ':')
        value++;
    if (*value == ' ')
        value++;
    size_t len = line->len - (size_t)(value - line->data);
    if (name_len == 4 && memcmp(line->data, "data", 4) == 0) {
        buf_add(&reader->data, value, len);
        buf_add_char(&reader->data, '\n');
        if (reader->data.over)
            reader->dropped = true;
    } else if (name_len == 5 && memcmp(line->data, "event", 5) == 0) {
        set_text(&reader->event, value, len);
    } else if (name_len == 2 && memcmp(line->data, "id", 2) == 0 && !memchr(value, '\0', len)) {
        set_text(&reader->id, value, len);
    }
    buf_clear(line);
}

void sse_reader_feed(struct sse_reader *reader, const char *bytes, size_t len)
{
    reader->line.max = reader->data.max = SSE_EVENT_MAX;
    while (len > 0) {
        if (reader->after_cr) {
            reader->after_cr = false;
            if (*bytes == '\n') {
                bytes++;
                len--;
                continue;
            }
        }
        size_t n = 0;
        while (n < len && bytes[n] != '\n' && bytes[n] != '\r')
            n++;
        buf_add(&reader->line, bytes, n);
        bytes += n;
        len -= n;
        if (len == 0)
            return;
        if (!reader->begun && reader->line.len >= 3 &&
            memcmp(reader->line.data, "\xEF\xBB\xBF", 3) == 0) {
            /* A byte order mark may stand before the first line. */
            reader->line.len -= 3;
            memmove(reader->line.data, reader->line.data + 3, reader->line.len + 1);
        }
        reader->begun = true;
        reader->after_cr = *bytes == '\r';
        bytes++;
        len--;
        end_line(reader);
    }
}

void sse_reader_done(struct sse_reader *reader)
{
    buf_done(&reader->line);
    buf_done(&reader->data);
    buf_done(&reader->event);
    buf_done(&reader->id);
}

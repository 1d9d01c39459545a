/* read.c - which format a text has; task records a line, and Run records as trees.
 *
 * A text is either task records, one a line, or a sequence of JSON documents: Run records, lists of
 * them, WfCommons instances (trace.c).  Its first value says which.  Errors name the line in the
 * whole text: of a document that is no JSON the place, of one that says wrong things the line on
 * which it begins. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Length of the JSON value at the front, by its brackets; everything when they do not match. */
static size_t value_length(const char *text, size_t len)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            quoted = c != '"' && c != '\n';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (!depth || !--depth)
                return i + 1;
        }
    }
    return len;
}

/* The object has one of the keys, itself and not inside. */
static bool has_key(const char *text, size_t len, const char *const *keys, size_t count)
{
    int depth = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '{' || text[i] == '[')
            depth++;
        else if (text[i] == '}' || text[i] == ']')
            depth--;
        if (text[i] != '"')
            continue;
        size_t from = ++i;
        while (i < len && text[i] != '"')
            i += text[i] == '\\' ? 2 : 1;
        size_t after = i + 1;
        while (after < len && is_blank(text[after]))
            after++;
        if (depth != 1 || after >= len || text[after] != ':')
            continue;
        for (size_t k = 0; k < count; k++)
            if (i - from == strlen(keys[k]) && memcmp(text + from, keys[k], i - from) == 0)
                return true;
    }
    return false;
}

/* Task records stand one a line; any other JSON is a sequence of documents. */
static bool is_lines(const char *text, size_t len)
{
    static const char *const of_documents[] = {"workflow", "items", "tasks", "status",
                                               "collection"};
    while (len && is_blank(*text)) {
        text++;
        len--;
    }
    if (!len || *text != '{')
        return !len || *text != '[';
    return !has_key(text, value_length(text, len), of_documents,
                    sizeof of_documents / sizeof *of_documents);
}

static enum err_code read_lines(struct analysis_reader *r, const char *text, size_t len,
                                struct err *err)
{
    size_t number = 0;
    for (const char *at = text, *end = text + len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at), blank = 0;
        number++;
        while (blank < line && is_blank(at[blank]))
            blank++;
        enum err_code rc = ERR_OK;
        if (line > ANALYSIS_LINE_MOST)
            rc = err_set(err, ERR_TOO_LARGE, "longer than %zu bytes", ANALYSIS_LINE_MOST);
        else if (r->log.count == ANALYSIS_MAX_RECORDS)
            rc = err_set(err, ERR_TOO_LARGE, "more than %d records", ANALYSIS_MAX_RECORDS);
        else if (blank < line)
            rc = analysis_read_line(r, at, line, err);
        if (rc)
            return err_context(err, "line %zu", number), rc;
        at += line + 1;
    }
    return ERR_OK;
}

/* ---- what documents are made of ---- */

uint32_t analysis_text_of(struct analysis_reader *r, const struct json_value *value)
{
    const char *text = json_text(value, NULL);
    return text && *text ? analysis_text(r, text, strlen(text)) : ANALYSIS_NONE;
}

bool analysis_time_of(const struct json_value *value, int64_t *out)
{
    const char *text = json_text(value, NULL);
    *out = ANALYSIS_UNKNOWN;
    if (text)
        return !*text || analysis_time(text, strlen(text), out);
    double number = json_number(value, 0);
    if (number > 0 && number < 1e15)
        *out = (int64_t)number;
    return number >= 0 && number < 1e15;
}

void analysis_add_after_list(struct analysis_reader *r, struct analysis_record *record,
                             const struct json_value *names)
{
    for (size_t i = 0; i < json_size(names); i++) {
        uint32_t name = analysis_text_of(r, json_at(names, i));
        if (name != ANALYSIS_NONE)
            analysis_add_after(r, record, name);
    }
}

/* ---- Run records ---- */

/* The run removes what another one made: other work than making it, "undone" is its success. */
static void set_removal(struct analysis_reader *r, struct analysis_record *record,
                        const struct json_value *task)
{
    char kind[80] = "remove ";
    const char *name = json_text(json_get(task, "kind"), "");
    size_t len = strnlen(name, sizeof kind - 8);
    memcpy(kind + 7, name, len);
    record->kind = analysis_text(r, kind, 7 + len);
    record->value = ANALYSIS_VALUE_NECESSARY;
    if (record->outcome == ANALYSIS_UNDONE)
        record->outcome = ANALYSIS_SUCCEEDED;
}

static enum err_code read_run_task(struct analysis_reader *r, uint32_t run,
                                   const struct json_value *task, struct err *err)
{
    static const struct {
        const char *name;
        unsigned char outcome;
    } states[] = {{"failed", ANALYSIS_FAILED},
                  {"undone", ANALYSIS_UNDONE},
                  {"undoing", ANALYSIS_UNDONE},
                  {"skipped", ANALYSIS_SKIPPED}};
    struct analysis_record *record = analysis_add(r);
    const char *state = json_text(json_get(task, "state"), "");
    record->run = run;
    record->task = analysis_text_of(r, json_get(task, "id"));
    record->kind = analysis_text_of(r, json_get(task, "kind"));
    record->site = analysis_text_of(r, json_get(task, "site"));
    record->actor = analysis_text_of(r, json_get(task, "provider"));
    record->reason = analysis_text_of(r, json_get(task, "wait_reason"));
    record->error = analysis_text_of(r, json_get(task, "error_class"));
    record->key = analysis_text_of(r, json_get(task, "key"));
    double attempts = json_number(json_get(task, "attempt"), 1);
    record->attempts = attempts >= 1 && attempts < 1e9 ? (uint32_t)attempts : 1;
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        if (strcmp(state, states[k].name) == 0)
            record->outcome = states[k].outcome;
    const struct {
        const char *name;
        int64_t *at;
    } times[] = {{"queued_at", &record->queued},
                 {"eligible_at", &record->eligible},
                 {"started_at", &record->started},
                 {"ended_at", &record->ended}};
    for (size_t k = 0; k < sizeof times / sizeof *times; k++)
        if (!analysis_time_of(json_get(task, times[k].name), times[k].at))
            return err_set(err, ERR_INVALID,
                           "task '%.80s': '%s' should be a time such as "
                           "2026-11-23T12:00:00Z",
                           json_text(json_get(task, "id"), ""), times[k].name);
    analysis_add_after_list(r, record, json_get(task, "after"));
    return ERR_OK;
}

static void add_bare(struct analysis_reader *r, uint32_t name)
{
    struct analysis_log *log = &r->log;
    if (log->bare_count == r->bare_room) {
        r->bare_room = r->bare_room ? 2 * r->bare_room : 64;
        log->bare = mem_resize(log->bare, r->bare_room, sizeof *log->bare);
    }
    log->bare[log->bare_count++] = name;
}

/* A run that stands several times is read once. */
static bool is_new_run(struct analysis_reader *r, uint32_t name)
{
    if (name >= r->run_room) {
        size_t room = 2 * (size_t)name + 64;
        r->run_seen = mem_resize(r->run_seen, room, sizeof *r->run_seen);
        memset(r->run_seen + r->run_room, 0, (room - r->run_room) * sizeof *r->run_seen);
        r->run_room = room;
    }
    bool is_new = !r->run_seen[name];
    r->run_seen[name] = true;
    return is_new;
}

static enum err_code read_run(struct analysis_reader *r, const struct json_value *run,
                              struct err *err)
{
    const struct json_value *tasks = json_path(run, "status.tasks");
    tasks = tasks ? tasks : json_get(run, "tasks");
    uint32_t name = analysis_text_of(r, json_get(run, "id"));
    bool removes = strcmp(json_text(json_path(run, "spec.purpose"), ""), "remove") == 0;
    if (!tasks && !json_get(run, "status") && !json_get(run, "collection"))
        return err_set(err, ERR_INVALID, "no Run record: it has neither status nor tasks");
    if (name != ANALYSIS_NONE && json_size(tasks) && !is_new_run(r, name))
        return ERR_OK;
    if (!json_size(tasks) && name != ANALYSIS_NONE)
        add_bare(r, name);
    for (size_t i = 0; i < json_size(tasks); i++) {
        if (r->log.count == ANALYSIS_MAX_RECORDS)
            return err_set(err, ERR_TOO_LARGE, "more than %d records", ANALYSIS_MAX_RECORDS);
        enum err_code rc = json_text(json_get(json_at(tasks, i), "id"), NULL)
                               ? read_run_task(r, name, json_at(tasks, i), err)
                               : err_set(err, ERR_INVALID, "task %zu of the run has no id", i + 1);
        if (!rc && removes)
            set_removal(r, &r->log.records[r->log.count - 1], json_at(tasks, i));
        if (rc) {
            if (name != ANALYSIS_NONE)
                err_context(err, "run '%.80s'", r->log.texts[name]);
            return rc;
        }
    }
    return ERR_OK;
}

static enum err_code read_tree(struct analysis_reader *r, const struct json_value *root,
                               struct err *err)
{
    const struct json_value *items = json_get(root, "items");
    if (json_get(root, "workflow"))
        return analysis_read_trace(r, root, err);
    if (!items && !json_at(root, 0))
        return read_run(r, root, err);
    items = items ? items : root;
    for (size_t i = 0; i < json_size(items); i++) {
        enum err_code rc = read_run(r, json_at(items, i), err);
        if (rc)
            return err_context(err, "item %zu", i + 1), rc;
    }
    return ERR_OK;
}

static size_t newlines(const char *from, const char *to)
{
    size_t count = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from)))) {
        count++;
        from++;
    }
    return count;
}

static enum err_code read_documents(struct analysis_reader *r, const char *text, size_t len,
                                    struct err *err)
{
    const char *at = text, *end = text + len;
    for (;;) {
        while (at < end && is_blank(*at))
            at++;
        if (at == end)
            return ERR_OK;
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        size_t value = value_length(at, (size_t)(end - at));
        enum err_code rc = json_parse(at, value, &json_limits_large, &doc, err);
        if (rc && at > text) { /* once more, with the lines before it, so that the line is right */
            CLEANUP(buf_done) struct buf again = BUF_INIT;
            for (size_t k = newlines(text, at); k; k--)
                buf_add_char(&again, '\n');
            buf_add(&again, at, value);
            err_clear(err);
            return json_parse(buf_str(&again), again.len, &json_limits_large, &doc, err);
        }
        if (rc)
            return rc;
        if ((rc = read_tree(r, json_root(doc), err)))
            return err_context(err, "line %zu", newlines(text, at) + 1), rc;
        at += value;
    }
}

enum err_code analysis_read(const char *text, size_t len, struct analysis_log *out, struct err *err)
{
    struct analysis_reader r;
    analysis_reader_init(&r);
    enum err_code rc =
        is_lines(text, len) ? read_lines(&r, text, len, err) : read_documents(&r, text, len, err);
    if (!rc)
        rc = analysis_reader_end(&r, out, err);
    bool traced = r.traced;
    analysis_reader_done(&r);
    if (!rc)
        analysis_derive_starts(out, traced);
    return rc;
}

/* read.c - which format a text has; Run records and WfCommons instances, as trees. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

static bool holds(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

/* Task records stand one a line; any other JSON is one document. */
static bool is_lines(const char *text, size_t len)
{
    while (len && strchr(" \t\r\n", *text) && *text) {
        text++;
        len--;
    }
    const char *newline = memchr(text, '\n', len);
    size_t first = newline ? (size_t)(newline - text) : len, end = first;
    while (end && strchr(" \t\r", text[end - 1]) && text[end - 1])
        end--;
    if (!end || text[0] != '{' || text[end - 1] != '}')
        return len && text[0] == '{' ? false : true;
    return !holds(text, end, "\"tasks\"") && !holds(text, end, "\"items\"") &&
           !holds(text, end, "\"workflow\"");
}

static enum err_code read_lines(struct analysis_reader *r, const char *text, size_t len,
                                struct err *err)
{
    size_t number = 0;
    for (const char *at = text, *end = text + len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at), blank = 0;
        number++;
        while (blank < line && (at[blank] == ' ' || at[blank] == '\t' || at[blank] == '\r'))
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

/* ---- documents ---- */

static uint32_t text_of(struct analysis_reader *r, const struct json_value *value)
{
    const char *text = json_text(value, NULL);
    return text && *text ? analysis_text(r, text, strlen(text)) : ANALYSIS_NONE;
}

static int64_t time_of(const struct json_value *value)
{
    int64_t time;
    const char *text = json_text(value, NULL);
    if (text && analysis_time(text, strlen(text), &time))
        return time;
    double number = json_number(value, 0);
    return number > 0 && number < 1e15 ? (int64_t)number : ANALYSIS_UNKNOWN;
}

static void add_after_list(struct analysis_reader *r, struct analysis_record *record,
                           const struct json_value *names)
{
    for (size_t i = 0; i < json_size(names); i++) {
        uint32_t name = text_of(r, json_at(names, i));
        if (name != ANALYSIS_NONE)
            analysis_add_after(r, record, name);
    }
}

static void read_run_task(struct analysis_reader *r, uint32_t run, const struct json_value *task)
{
    static const char *const states[] = {"", "failed", "undone", "skipped"};
    struct analysis_record *record = analysis_add(r);
    const char *state = json_text(json_get(task, "state"), "");
    record->run = run;
    record->task = text_of(r, json_get(task, "id"));
    record->kind = text_of(r, json_get(task, "kind"));
    record->site = text_of(r, json_get(task, "site"));
    record->actor = text_of(r, json_get(task, "provider"));
    record->reason = text_of(r, json_get(task, "wait_reason"));
    record->error = text_of(r, json_get(task, "error_class"));
    record->key = text_of(r, json_get(task, "key"));
    double attempts = json_number(json_get(task, "attempt"), 1);
    record->attempts = attempts >= 1 && attempts < 1e9 ? (uint32_t)attempts : 1;
    for (unsigned char k = ANALYSIS_FAILED; k <= ANALYSIS_SKIPPED; k++)
        if (strcmp(state, states[k]) == 0)
            record->outcome = k;
    record->queued = time_of(json_get(task, "queued_at"));
    record->eligible = time_of(json_get(task, "eligible_at"));
    record->started = time_of(json_get(task, "started_at"));
    record->ended = time_of(json_get(task, "ended_at"));
    add_after_list(r, record, json_get(task, "after"));
}

static enum err_code read_run(struct analysis_reader *r, const struct json_value *run,
                              struct err *err)
{
    const struct json_value *tasks = json_path(run, "status.tasks");
    tasks = tasks ? tasks : json_get(run, "tasks");
    uint32_t name = text_of(r, json_get(run, "id"));
    for (size_t i = 0; i < json_size(tasks); i++) {
        if (!json_text(json_path(json_at(tasks, i), "id"), NULL))
            return err_set(err, ERR_INVALID, "task %zu of the run has no id", i + 1);
        read_run_task(r, name, json_at(tasks, i));
    }
    return ERR_OK;
}

/* WfCommons: 1.3 and 1.4 keep everything in workflow.tasks; 1.5 parts specification and execution.
 */
struct trace {
    const struct json_value *tasks, *executed;
};

static const struct json_value *executed_of(const struct trace *t, const char *id, size_t *hint)
{
    size_t count = json_size(t->executed);
    for (size_t k = 0; k < count; k++) { /* both lists mostly have one order */
        const struct json_value *task = json_at(t->executed, (*hint + k) % count);
        const char *name = json_text(json_get(task, "id"), "");
        if (strcmp(name, id) == 0) {
            *hint = (*hint + k + 1) % count;
            return task;
        }
    }
    return NULL;
}

static double runtime_of(const struct json_value *task)
{
    double runtime = json_number(json_get(task, "runtimeInSeconds"), -1);
    return runtime >= 0 ? runtime : json_number(json_get(task, "runtime"), -1);
}

static uint32_t machine_of(struct analysis_reader *r, const struct json_value *task)
{
    uint32_t name = text_of(r, json_get(task, "machine"));
    return name != ANALYSIS_NONE ? name : text_of(r, json_at(json_get(task, "machines"), 0));
}

static enum err_code read_trace_task(struct analysis_reader *r, const struct trace *t, size_t i,
                                     size_t *hint, uint32_t run, struct err *err)
{
    const struct json_value *task = json_at(t->tasks, i);
    const char *name = json_text(json_get(task, "name"), NULL);
    const char *id = json_text(json_get(task, "id"), name);
    if (!id)
        return err_set(err, ERR_INVALID, "workflow task %zu has neither id nor name", i + 1);
    const struct json_value *ran = t->executed ? executed_of(t, id, hint) : task;
    double runtime = runtime_of(ran);
    struct analysis_record *record = analysis_add(r);
    record->run = run;
    record->task = analysis_text(r, id, strlen(id));
    size_t len = strlen(name ? name : id); /* "mProject_00000012" → mProject */
    const char *kind = name ? name : id;
    while (len && (kind[len - 1] == '_' || (kind[len - 1] >= '0' && kind[len - 1] <= '9')))
        len--;
    const char *category = json_text(json_get(task, "category"), NULL);
    record->kind = category ? analysis_text(r, category, strlen(category))
                            : analysis_text(r, kind, len ? len : strlen(kind));
    record->actor = machine_of(r, ran);
    int64_t at = time_of(json_get(ran, "executedAt"));
    at = at != ANALYSIS_UNKNOWN ? at : time_of(json_get(ran, "startedAt"));
    record->started = at;
    if (runtime >= 0 && runtime < 1e9)
        record->ended = (at != ANALYSIS_UNKNOWN ? at : 0) + (int64_t)llround(runtime * 1000);
    add_after_list(r, record, json_get(task, "parents"));
    return ERR_OK;
}

/* Without start times: each begins when its predecessors have ended. */
static void derive_starts(struct analysis_log *log, int64_t begin)
{
    CLEANUP(mem_free_at) int64_t *start = mem_array(log->count, sizeof *start);
    CLEANUP(mem_free_at) uint32_t *order = analysis_order(log, 0, log->count);
    for (size_t i = 0; i < log->count; i++)
        start[i] = begin;
    for (size_t o = 0; o < log->count && order[o] != ANALYSIS_NONE; o++) {
        const struct analysis_record *record = &log->records[order[o]];
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t b = log->after[record->after + k];
            if (b != ANALYSIS_NONE && log->records[b].ended != ANALYSIS_UNKNOWN &&
                start[b] + log->records[b].ended > start[order[o]])
                start[order[o]] = start[b] + log->records[b].ended;
        }
    }
    for (size_t i = 0; i < log->count; i++) {
        struct analysis_record *record = &log->records[i];
        if (record->ended == ANALYSIS_UNKNOWN)
            continue;
        record->started = start[i];
        record->ended += start[i];
    }
    log->derived = true;
}

static enum err_code read_trace(struct analysis_reader *r, const struct json_value *root,
                                struct err *err)
{
    const struct json_value *workflow = json_get(root, "workflow");
    struct trace t = {.tasks = json_path(workflow, "specification.tasks"),
                      .executed = json_path(workflow, "execution.tasks")};
    uint32_t run = text_of(r, json_get(root, "name"));
    size_t hint = 0;
    if (!t.tasks) {
        t.tasks = json_get(workflow, "tasks");
        t.tasks = t.tasks ? t.tasks : json_get(workflow, "jobs");
        t.executed = NULL;
    }
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < json_size(t.tasks) && !rc; i++)
        rc = read_trace_task(r, &t, i, &hint, run, err);
    return rc;
}

enum err_code analysis_read_document(struct analysis_reader *r, const char *text, size_t len,
                                     struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = json_parse(text, len, &json_limits_large, &doc, err);
    if (rc)
        return rc;
    const struct json_value *root = json_root(doc), *items = json_get(root, "items");
    if (json_get(root, "workflow"))
        return read_trace(r, root, err);
    if (!items)
        return read_run(r, root, err);
    for (size_t i = 0; i < json_size(items) && !rc; i++)
        rc = read_run(r, json_at(items, i), err);
    return rc;
}

enum err_code analysis_read(const char *text, size_t len, struct analysis_log *out, struct err *err)
{
    struct analysis_reader r;
    analysis_reader_init(&r);
    enum err_code rc = is_lines(text, len) ? read_lines(&r, text, len, err)
                                           : analysis_read_document(&r, text, len, err);
    if (!rc)
        rc = analysis_reader_end(&r, out, err);
    analysis_reader_done(&r);
    if (rc)
        return rc;
    bool any = false, all = true;
    for (size_t i = 0; i < out->count; i++) {
        any = any || out->records[i].started != ANALYSIS_UNKNOWN;
        all = all && out->records[i].ended != ANALYSIS_UNKNOWN;
    }
    if (!any && all)
        derive_starts(out, 0);
    return ERR_OK;
}

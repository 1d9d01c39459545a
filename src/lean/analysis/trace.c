/* trace.c - WfCommons instances, schema 1.3 to 1.6: 1.3 and 1.4 keep everything in workflow.tasks
 * (1.2: jobs), from 1.5 on specification and execution are two lists, matched by id. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

struct trace {
    const struct json_value *tasks;
    struct map *executed; /* by id; NULL: in the task itself */
    struct map *ids;      /* of each name: predecessors are told by name in 1.3 and 1.4 */
};

static double runtime_of(const struct json_value *task)
{
    double runtime = json_number(json_get(task, "runtimeInSeconds"), -1);
    return runtime >= 0 ? runtime : json_number(json_get(task, "runtime"), -1);
}

static uint32_t machine_of(struct analysis_reader *r, const struct json_value *task)
{
    uint32_t name = analysis_text_of(r, json_get(task, "machine"));
    return name != ANALYSIS_NONE ? name
                                 : analysis_text_of(r, json_at(json_get(task, "machines"), 0));
}

/* "mProject_00000012" → mProject */
static uint32_t kind_of(struct analysis_reader *r, const struct json_value *task, const char *name)
{
    const char *category = json_text(json_get(task, "category"), NULL);
    size_t len = strlen(name);
    if (category && *category)
        return analysis_text(r, category, strlen(category));
    while (len && (name[len - 1] == '_' || (name[len - 1] >= '0' && name[len - 1] <= '9')))
        len--;
    return analysis_text(r, name, len ? len : strlen(name));
}

static enum err_code read_task(struct analysis_reader *r, const struct trace *t, size_t i,
                               uint32_t run, struct err *err)
{
    const struct json_value *task = json_at(t->tasks, i);
    const char *name = json_text(json_get(task, "name"), NULL);
    const char *id = json_text(json_get(task, "id"), name);
    int64_t at = ANALYSIS_UNKNOWN;
    if (!id || !*id)
        return err_set(err, ERR_INVALID, "workflow task %zu has neither id nor name", i + 1);
    const struct json_value *ran = t->executed ? map_find(t->executed, id) : task;
    double runtime = runtime_of(ran);
    if (!analysis_time_of(json_get(ran, "executedAt"), &at) ||
        (at == ANALYSIS_UNKNOWN && !analysis_time_of(json_get(ran, "startedAt"), &at)))
        return err_set(err, ERR_INVALID, "workflow task '%.80s': it began at no time that is known",
                       id);
    struct analysis_record *record = analysis_add(r);
    record->run = run;
    record->task = analysis_text(r, id, strlen(id));
    record->kind = kind_of(r, task, name && *name ? name : id);
    record->actor = machine_of(r, ran);
    record->started = at;
    if (runtime >= 0 && runtime < 1e9)
        record->ended = (at != ANALYSIS_UNKNOWN ? at : 0) + (int64_t)llround(runtime * 1000);
    const struct json_value *parents = json_get(task, "parents");
    for (size_t k = 0; k < json_size(parents); k++) {
        const char *parent = json_text(json_at(parents, k), "");
        const char *by_name = map_find(t->ids, parent);
        parent = by_name ? by_name : parent;
        if (*parent)
            analysis_add_after(r, record, analysis_text(r, parent, strlen(parent)));
    }
    return ERR_OK;
}

/* Names that stand for one id and are no id themselves. */
static void find_ids(struct trace *t)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < json_size(t->tasks); i++) {
            const struct json_value *task = json_at(t->tasks, i);
            const char *name = json_text(json_get(task, "name"), "");
            const char *id = json_text(json_get(task, "id"), name);
            if (!pass)
                map_put(t->ids, id, (void *)(uintptr_t)id);
            else if (*name && !map_has(t->ids, name))
                map_put(t->ids, name, (void *)(uintptr_t)id);
        }
}

enum err_code analysis_read_trace(struct analysis_reader *r, const struct json_value *root,
                                  struct err *err)
{
    const struct json_value *workflow = json_get(root, "workflow");
    const struct json_value *executed = json_path(workflow, "execution.tasks");
    CLEANUP(map_free_at) struct map *by_id = map_new();
    CLEANUP(map_free_at) struct map *ids = map_new();
    struct trace t = {.tasks = json_path(workflow, "specification.tasks"), .ids = ids};
    if (t.tasks) {
        t.executed = by_id;
        for (size_t i = 0; i < json_size(executed); i++) {
            const struct json_value *task = json_at(executed, i);
            const char *id = json_text(json_get(task, "id"), json_text(json_get(task, "name"), ""));
            map_put(by_id, id, (void *)(uintptr_t)task);
        }
    } else {
        t.tasks = json_get(workflow, "tasks");
        t.tasks = t.tasks ? t.tasks : json_get(workflow, "jobs");
    }
    if (!json_size(t.tasks))
        return err_set(err, ERR_INVALID, "the workflow has no tasks");
    find_ids(&t);
    r->traced = true;
    uint32_t run = analysis_text_of(r, json_get(root, "name"));
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < json_size(t.tasks) && !rc; i++)
        rc = read_task(r, &t, i, run, err);
    return rc;
}

/* Generated instances bear the moment at which they were written: most tasks then "begin" before
 * their predecessors have ended. */
static bool starts_contradict(const struct analysis_log *log)
{
    size_t asked = 0, against = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t b = log->after[record->after + k];
            if (b == ANALYSIS_NONE || log->records[b].ended == ANALYSIS_UNKNOWN ||
                record->started == ANALYSIS_UNKNOWN)
                continue;
            asked++;
            against += record->started < log->records[b].ended;
        }
    }
    return 2 * against > asked;
}

void analysis_derive_starts(struct analysis_log *log, bool traced)
{
    if (traced && starts_contradict(log))
        for (size_t i = 0; i < log->count; i++) {
            struct analysis_record *record = &log->records[i];
            if (record->started != ANALYSIS_UNKNOWN && record->ended != ANALYSIS_UNKNOWN)
                record->ended -= record->started;
            record->started = ANALYSIS_UNKNOWN;
        }
    bool any = false, all = true;
    for (size_t i = 0; i < log->count; i++) {
        any = any || log->records[i].started != ANALYSIS_UNKNOWN;
        all = all && log->records[i].ended != ANALYSIS_UNKNOWN;
    }
    if (any || !all || !log->count)
        return;
    CLEANUP(mem_free_at) int64_t *start = mem_array(log->count, sizeof *start);
    CLEANUP(mem_free_at) uint32_t *order = analysis_order(log, 0, log->count);
    for (size_t o = 0; o < log->count && order[o] != ANALYSIS_NONE; o++) {
        const struct analysis_record *record = &log->records[order[o]];
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t b = log->after[record->after + k];
            if (b != ANALYSIS_NONE && start[b] + log->records[b].ended > start[order[o]])
                start[order[o]] = start[b] + log->records[b].ended;
        }
    }
    for (size_t i = 0; i < log->count; i++) {
        log->records[i].started = start[i];
        log->records[i].ended += start[i];
    }
    log->derived = true;
}

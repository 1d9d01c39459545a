/* problem.c - a problem as people and programs write it: YAML or JSON, tasks and resources by name.
 *
 * Contract: what the tables let through becomes a problem, or an error with its field
 * (tasks[3].after[0]).  Names are unique; what is named exists; needs are whole numbers.  Whether
 * the problem makes sense (times, cycles, capacities) is left to the engine, which names fields in
 * the same way.  O(n log n). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "lean/scheduling/scheduling_priv.h"

static const char *const state_names[] = {NULL, "waiting", "running", "done", NULL};

static const struct json_field interval_fields[] = {
    JSON_FIELD("from", JSON_INT, struct scheduling_interval, from, JSON_REQUIRED, "first time"),
    JSON_FIELD("to", JSON_INT, struct scheduling_interval, to, JSON_REQUIRED,
               "first time at which the usual capacity is back"),
    JSON_FIELD("capacity", JSON_INT, struct scheduling_interval, capacity, JSON_REQUIRED,
               "what there is between"),
};
static const struct json_table interval_table =
    JSON_TABLE("SchedulingInterval", struct scheduling_interval, interval_fields,
               "a time with another capacity", NULL);

static const struct json_field quantile_fields[] = {
    JSON_FIELD("share", JSON_DOUBLE, struct scheduling_quantile, share, JSON_REQUIRED,
               "chance that it takes no longer, between 0 and 1"),
    JSON_FIELD("duration", JSON_INT, struct scheduling_quantile, duration, JSON_REQUIRED,
               "than this"),
};
static const struct json_table quantile_table =
    JSON_TABLE("SchedulingQuantile", struct scheduling_quantile, quantile_fields,
               "a quantile of a duration", NULL);

static const struct json_field resource_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct scheduling_resource, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "unique name"),
    JSON_FIELD("capacity", JSON_INT, struct scheduling_resource, capacity, JSON_REQUIRED,
               "how much there is at any time"),
    JSON_FIELD_TABLE("calendar", JSON_ARRAY, struct scheduling_resource, calendar, 0,
                     &interval_table, "times with another capacity, ascending and apart"),
};
static const struct json_table resource_table =
    JSON_TABLE("SchedulingResource", struct scheduling_resource, resource_fields,
               "what tasks hold while they run", NULL);

static const struct json_field task_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct scheduling_file_task, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "unique name"),
    JSON_FIELD("duration", JSON_OPT_INT, struct scheduling_file_task, duration, 0,
               "what is planned with; if not said, the first quantile of half or more"),
    JSON_FIELD_TABLE("quantiles", JSON_ARRAY, struct scheduling_file_task, quantiles, 0,
                     &quantile_table, "how the duration spreads, ascending"),
    JSON_FIELD("release", JSON_INT, struct scheduling_file_task, release, 0, "not before"),
    JSON_FIELD("deadline", JSON_INT, struct scheduling_file_task, deadline, 0,
               "lateness counts from here; 0 = none"),
    JSON_FIELD("weight", JSON_OPT_INT, struct scheduling_file_task, weight, 0,
               "of a unit of lateness; 1 if not said"),
    JSON_FIELD("after", JSON_STRINGS, struct scheduling_file_task, after, 0,
               "tasks that end before it starts"),
    JSON_FIELD("needs", JSON_NUMBER_MAP, struct scheduling_file_task, needs, 0,
               "how much of which resource it holds"),
    JSON_FIELD_ENUM("state", struct scheduling_file_task, state, 0, state_names,
                    "waiting if not said"),
    JSON_FIELD("start", JSON_OPT_INT, struct scheduling_file_task, start, 0,
               "when a running or done task started"),
    JSON_FIELD("planned", JSON_OPT_INT, struct scheduling_file_task, planned, 0,
               "its start in the plan in force, for a new plan that is near"),
};
static const struct json_table task_table =
    JSON_TABLE("SchedulingTask", struct scheduling_file_task, task_fields, "what takes time", NULL);

static const struct json_field file_fields[] = {
    JSON_FIELD("now", JSON_INT, struct scheduling_file, now, 0,
               "waiting tasks start at this time or later"),
    JSON_FIELD_TABLE("resources", JSON_ARRAY, struct scheduling_file, resources, 0, &resource_table,
                     "what can be short"),
    JSON_FIELD_TABLE("tasks", JSON_ARRAY, struct scheduling_file, tasks,
                     JSON_REQUIRED | JSON_NON_EMPTY, &task_table, "what is to be done"),
};
const struct json_table scheduling_file_table = JSON_TABLE(
    "SchedulingProblem", struct scheduling_file, file_fields, "tasks, resources and times", NULL);

/* ---- names ---- */

struct named {
    const char *name;
    size_t index;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static const struct named *find(const struct named *names, size_t count, const char *name)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && str_eq(names[low].name, name) ? &names[low] : NULL;
}

/* Sorts them; ERR_INVALID: one stands twice. */
static enum err_code sort_names(struct named *names, size_t count, const char *list,
                                struct err *err)
{
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count; i++)
        if (str_eq(names[i - 1].name, names[i].name)) {
            err_set(err, ERR_INVALID, "'%.64s' is the name of %s[%zu] too", names[i].name, list,
                    names[i - 1].index);
            return err_field(err, "%s[%zu].name", list, names[i].index);
        }
    return ERR_OK;
}

/* ---- tasks ---- */

struct reader {
    const struct scheduling_file *file;
    struct named *tasks, *resources;
    struct arena *arena;
    struct err *err;
};

static enum err_code read_needs(struct reader *reader, size_t index, struct scheduling_task *out)
{
    const struct scheduling_file_task *task = &reader->file->tasks.items[index];
    size_t count = reader->file->resources.count;
    int64_t *demands = arena_array(reader->arena, count + 1, sizeof *demands);
    for (size_t k = 0; k < task->needs.count; k++) {
        const struct json_number_pair *need = &task->needs.items[k];
        const struct named *resource = find(reader->resources, count, need->name);
        if (!resource)
            err_set(reader->err, ERR_INVALID, "no resource is named '%.64s'", need->name);
        else if (!(need->value >= 0 && need->value <= (double)SCHEDULING_MAX_CAPACITY) ||
                 floor(need->value) != need->value)
            err_set(reader->err, ERR_INVALID, "a need is a whole number between 0 and 2^30");
        else {
            demands[resource->index] = (int64_t)need->value;
            continue;
        }
        return err_field(reader->err, "tasks[%zu].needs.%.64s", index, need->name);
    }
    out->demands = demands;
    return ERR_OK;
}

static enum err_code read_after(struct reader *reader, size_t index, struct scheduling_task *out)
{
    const struct scheduling_file_task *task = &reader->file->tasks.items[index];
    for (size_t k = 0; k < task->after.count; k++) {
        const struct named *before =
            find(reader->tasks, reader->file->tasks.count, task->after.items[k]);
        if (!before) {
            err_set(reader->err, ERR_INVALID, "no task is named '%.64s'", task->after.items[k]);
            return err_field(reader->err, "tasks[%zu].after[%zu]", index, k);
        }
        *LIST_ADD(reader->arena, &out->after) = before->index;
    }
    return ERR_OK;
}

static enum err_code read_times(struct reader *reader, size_t index, struct scheduling_task *out)
{
    const struct scheduling_file_task *task = &reader->file->tasks.items[index];
    size_t half = 0;
    if (!task->duration.set && !task->quantiles.count) {
        err_set(reader->err, ERR_INVALID, "a task has a duration, or quantiles of it");
        return err_field(reader->err, "tasks[%zu].duration", index);
    }
    while (half + 1 < task->quantiles.count && task->quantiles.items[half].share < 0.5)
        half++;
    out->duration =
        task->duration.set ? task->duration.value : task->quantiles.items[half].duration;
    for (size_t k = 0; k < task->quantiles.count; k++)
        *LIST_ADD(reader->arena, &out->quantiles) = task->quantiles.items[k];
    out->release = task->release;
    out->deadline = task->deadline;
    out->weight = task->weight.set ? task->weight.value : 1;
    out->state = task->state ? (enum scheduling_state)(task->state - 1) : SCHEDULING_WAITING;
    if (task->start.set != (out->state != SCHEDULING_WAITING)) {
        err_set(reader->err, ERR_INVALID, "a running or done task has a start, and only such");
        return err_field(reader->err, "tasks[%zu].start", index);
    }
    out->start = task->start.value;
    return ERR_OK;
}

static enum err_code read_task(struct reader *reader, size_t index, struct scheduling_task *out,
                               int64_t *planned)
{
    const struct scheduling_file_task *task = &reader->file->tasks.items[index];
    enum err_code rc;
    out->name = task->name;
    *planned = task->planned.set ? task->planned.value : -1;
    if (task->planned.set && task->planned.value < 0) {
        err_set(reader->err, ERR_INVALID, "a planned start is a time of 0 or more");
        return err_field(reader->err, "tasks[%zu].planned", index);
    }
    if ((rc = read_times(reader, index, out)) || (rc = read_needs(reader, index, out)) ||
        (rc = read_after(reader, index, out)))
        return rc;
    return index % 1024 ? ERR_OK : arena_check(reader->arena, reader->err);
}

enum err_code scheduling_from_file(const struct scheduling_file *file,
                                   struct scheduling_problem *out, int64_t **ret_planned,
                                   struct arena *arena, struct err *err)
{
    size_t tasks = file->tasks.count, resources = file->resources.count;
    struct reader reader = {
        .file = file,
        .tasks = arena_array(arena, tasks + 1, sizeof(struct named)),
        .resources = arena_array(arena, resources + 1, sizeof(struct named)),
        .arena = arena,
        .err = err,
    };
    int64_t *planned = arena_array(arena, tasks + 1, sizeof *planned);
    enum err_code rc;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < tasks; i++)
        reader.tasks[i] = (struct named){file->tasks.items[i].name, i};
    for (size_t i = 0; i < resources; i++)
        reader.resources[i] = (struct named){file->resources.items[i].name, i};
    if ((rc = sort_names(reader.tasks, tasks, "tasks", err)) ||
        (rc = sort_names(reader.resources, resources, "resources", err)))
        return rc;
    struct scheduling_problem problem = {.now = file->now};
    for (size_t i = 0; i < resources; i++)
        *LIST_ADD(arena, &problem.resources) = file->resources.items[i];
    for (size_t i = 0; i < tasks; i++)
        if ((rc = read_task(&reader, i, LIST_ADD(arena, &problem.tasks), &planned[i])))
            return rc;
    *out = problem;
    *ret_planned = planned;
    return ERR_OK;
}

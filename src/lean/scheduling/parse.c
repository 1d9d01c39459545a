/* parse.c - instances of the project scheduling libraries: PSPLIB's .sm, Patterson's .rcp.
 *
 * Contract: any bytes in, a problem or an error with its line out; what comes out has whole numbers
 * within bounds, jobs numbered 1…n once each, and predecessors that exist.  Cycles and demands
 * beyond capacity are left to the engine.  O(length). */
#include <ctype.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define NUMBER_MAX 1000000000

struct reader {
    const char *at, *end;
    size_t line; /* of `at`, from 1 */
    struct arena *arena;
    struct err *err;
};

static enum err_code bad(struct reader *reader, size_t line, const char *text)
{
    return err_set(reader->err, ERR_INVALID, "line %zu: %s", line, text);
}

static enum err_code too_large(struct reader *reader, size_t line, const char *text)
{
    return err_set(reader->err, ERR_TOO_LARGE, "line %zu: %s", line, text);
}

/* ---- words and numbers ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* To the next word; over ends of lines only when told to.  False when there is none. */
static bool to_word(struct reader *reader, bool over_lines)
{
    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == '\n' && !over_lines)
            return false;
        if (*reader->at == '\n')
            reader->line++;
        else if (!is_blank(*reader->at))
            return true;
    }
    return false;
}

/* A whole number of 0 or more, ended by a blank or the end of its line. */
static enum err_code number(struct reader *reader, const char *what, int64_t *ret)
{
    int64_t value = 0;
    const char *at = reader->at;
    for (; at < reader->end && *at >= '0' && *at <= '9' && value <= NUMBER_MAX; at++)
        value = value * 10 + (*at - '0');
    if (at == reader->at ||
        (at < reader->end && !is_blank(*at) && *at != '\n' && !(*at >= '0' && *at <= '9')))
        return err_set(reader->err, ERR_INVALID, "line %zu: %s must be a whole number of 0 or more",
                       reader->line, what);
    if (value > NUMBER_MAX)
        return err_set(reader->err, ERR_TOO_LARGE, "line %zu: %s is larger than %d", reader->line,
                       what, NUMBER_MAX);
    reader->at = at;
    *ret = value;
    return ERR_OK;
}

/* The next number on this line. */
static enum err_code number_here(struct reader *reader, const char *what, int64_t *ret)
{
    if (!to_word(reader, false))
        return err_set(reader->err, ERR_INVALID, "line %zu: %s is missing", reader->line, what);
    return number(reader, what, ret);
}

/* The next number on this or a later line. */
static enum err_code number_next(struct reader *reader, const char *what, int64_t *ret)
{
    if (!to_word(reader, true))
        return err_set(reader->err, ERR_INVALID, "line %zu: the file ends before %s", reader->line,
                       what);
    return number(reader, what, ret);
}

static enum err_code line_done(struct reader *reader)
{
    if (to_word(reader, false))
        return bad(reader, reader->line, "more on this line than belongs there");
    return ERR_OK;
}

/* Behind the end of this line; false at the end of the text. */
static bool next_line(struct reader *reader)
{
    const char *end = reader->at < reader->end
                          ? memchr(reader->at, '\n', (size_t)(reader->end - reader->at))
                          : NULL;
    if (!end) {
        reader->at = reader->end;
        return false;
    }
    reader->at = end + 1;
    reader->line++;
    return true;
}

static bool begins(const struct reader *reader, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, word, len) == 0;
}

/* Behind the heading's line, plus as many lines of column titles. */
static enum err_code to_section(struct reader *reader, const char *word, int titles)
{
    while (!begins(reader, word))
        if (!next_line(reader))
            return err_set(reader->err, ERR_INVALID, "line %zu: the file ends before \"%s\"",
                           reader->line, word);
    for (int i = 0; i <= titles; i++)
        if (!next_line(reader))
            return err_set(reader->err, ERR_INVALID, "line %zu: nothing under \"%s\"", reader->line,
                           word);
    return ERR_OK;
}

static bool in_section(struct reader *reader)
{
    while (reader->at < reader->end) {
        const char *begin = reader->at;
        if (to_word(reader, false)) {
            reader->at = begin;
            return *begin != '*';
        }
        if (!next_line(reader))
            return false;
    }
    return false;
}

static enum err_code reader_check(struct reader *reader)
{
    enum err_code rc = arena_check(reader->arena, reader->err);
    return rc ? err_context(reader->err, "line %zu", reader->line) : ERR_OK;
}

/* ---- successors become predecessors ---- */

struct arc {
    size_t from, to;
    size_t line;
};

struct arcs {
    LIST(struct arc) list;
};

static enum err_code set_predecessors(struct reader *reader, struct scheduling_problem *out,
                                      const struct arcs *arcs)
{
    size_t n = out->tasks.count;
    size_t *count = arena_array(reader->arena, n + 1, sizeof *count);
    for (size_t i = 0; i < arcs->list.count; i++) {
        const struct arc *arc = &arcs->list.items[i];
        if (arc->to >= n || arc->from >= n || arc->to == arc->from)
            return err_set(reader->err, ERR_INVALID, "line %zu: job %zu cannot follow job %zu",
                           arc->line, arc->to + 1, arc->from + 1);
        count[arc->to]++;
    }
    size_t *all = arena_array(reader->arena, arcs->list.count + 1, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        out->tasks.items[i].after.items = all;
        all += count[i];
    }
    for (size_t i = 0; i < arcs->list.count; i++) {
        const struct arc *arc = &arcs->list.items[i];
        struct scheduling_task *task = &out->tasks.items[arc->to];
        task->after.items[task->after.count++] = arc->from;
    }
    return reader_check(reader);
}

static enum err_code read_arcs(struct reader *reader, size_t from, int64_t count, bool over_lines,
                               struct arcs *arcs)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t to;
        enum err_code rc = over_lines ? number_next(reader, "a successor", &to)
                                      : number_here(reader, "a successor", &to);
        if (rc)
            return rc;
        if (to < 1)
            return bad(reader, reader->line, "successors are numbered from 1");
        if (arcs->list.count >= SCHEDULING_MAX_ARCS)
            return too_large(reader, reader->line, "too many successors");
        *LIST_ADD(reader->arena, &arcs->list) = (struct arc){from, (size_t)to - 1, reader->line};
    }
    return reader_check(reader);
}

/* ---- .sm ---- */

static enum err_code sm_precedence(struct reader *reader, struct scheduling_problem *out,
                                   struct arcs *arcs)
{
    enum err_code rc = to_section(reader, "PRECEDENCE RELATIONS", 1);
    if (rc)
        return rc;
    while (in_section(reader)) {
        int64_t job, modes, count;
        if ((rc = number_here(reader, "the job's number", &job)) ||
            (rc = number_here(reader, "the number of modes", &modes)) ||
            (rc = number_here(reader, "the number of successors", &count)))
            return rc;
        if (job != (int64_t)out->tasks.count + 1)
            return bad(reader, reader->line, "jobs are numbered 1, 2, … in their order");
        if (modes != 1)
            return bad(reader, reader->line, "only jobs of one mode can be read");
        if (out->tasks.count >= SCHEDULING_MAX_TASKS)
            return too_large(reader, reader->line, "too many jobs");
        LIST_ADD(reader->arena, &out->tasks);
        if ((rc = read_arcs(reader, (size_t)job - 1, count, false, arcs)) ||
            (rc = line_done(reader)))
            return rc;
        next_line(reader);
    }
    if (out->tasks.count == 0)
        return bad(reader, reader->line, "no job is listed");
    return ERR_OK;
}

/* How many numbers the capacity line has. */
static enum err_code sm_resources(struct reader reader, struct scheduling_problem *out)
{
    enum err_code rc = to_section(&reader, "RESOURCEAVAILABILITIES", 1);
    if (rc)
        return rc;
    while (to_word(&reader, false)) {
        if (out->resources.count >= SCHEDULING_MAX_RESOURCES)
            return too_large(&reader, reader.line, "too many resources");
        struct scheduling_resource *resource = LIST_ADD(reader.arena, &out->resources);
        if ((rc = number(&reader, "a capacity", &resource->capacity)))
            return rc;
    }
    return ERR_OK;
}

static enum err_code demand_row(struct reader *reader, size_t count, bool over_lines,
                                struct scheduling_task *task)
{
    int64_t *demands = arena_array(reader->arena, count + 1, sizeof *demands);
    enum err_code rc;
    for (size_t r = 0; r < count; r++)
        if ((rc = over_lines ? number_next(reader, "a demand", &demands[r])
                             : number_here(reader, "a demand", &demands[r])))
            return rc;
    task->demands = demands;
    return reader_check(reader);
}

static enum err_code sm_requests(struct reader *reader, struct scheduling_problem *out)
{
    enum err_code rc = to_section(reader, "REQUESTS/DURATIONS", 2);
    size_t at = 0;
    if (rc)
        return rc;
    for (; in_section(reader); at++) {
        int64_t job, mode;
        if (at >= out->tasks.count)
            return bad(reader, reader->line, "more jobs here than under precedence relations");
        struct scheduling_task *task = &out->tasks.items[at];
        if ((rc = number_here(reader, "the job's number", &job)) ||
            (rc = number_here(reader, "the mode", &mode)) ||
            (rc = number_here(reader, "the duration", &task->duration)))
            return rc;
        if (job != (int64_t)at + 1 || mode != 1)
            return bad(reader, reader->line, "jobs are numbered 1, 2, … and have mode 1");
        if ((rc = demand_row(reader, out->resources.count, false, task)) ||
            (rc = line_done(reader)))
            return rc;
        next_line(reader);
    }
    if (at != out->tasks.count)
        return bad(reader, reader->line, "fewer jobs here than under precedence relations");
    return ERR_OK;
}

enum err_code scheduling_parse_sm(const char *text, size_t len, struct scheduling_problem *out,
                                  struct arena *arena, struct err *err)
{
    struct reader reader = {text, text + len, 1, arena, err};
    struct arcs arcs = {0};
    enum err_code rc;
    memset(out, 0, sizeof *out);
    if ((rc = sm_precedence(&reader, out, &arcs)) || (rc = sm_resources(reader, out)) ||
        (rc = sm_requests(&reader, out)))
        return rc;
    return set_predecessors(&reader, out, &arcs);
}

/* ---- .rcp ---- */

enum err_code scheduling_parse_rcp(const char *text, size_t len, struct scheduling_problem *out,
                                   struct arena *arena, struct err *err)
{
    struct reader reader = {text, text + len, 1, arena, err};
    struct arcs arcs = {0};
    int64_t jobs, resources, successors;
    enum err_code rc;
    memset(out, 0, sizeof *out);
    if ((rc = number_next(&reader, "the number of jobs", &jobs)) ||
        (rc = number_next(&reader, "the number of resources", &resources)))
        return rc;
    if (jobs < 1 || jobs > SCHEDULING_MAX_TASKS || resources > SCHEDULING_MAX_RESOURCES)
        return too_large(&reader, reader.line, "a number of jobs or resources out of bounds");
    for (int64_t r = 0; r < resources; r++) {
        struct scheduling_resource *resource = LIST_ADD(arena, &out->resources);
        if ((rc = number_next(&reader, "a capacity", &resource->capacity)))
            return rc;
    }
    for (int64_t job = 0; job < jobs; job++) {
        struct scheduling_task *task = LIST_ADD(arena, &out->tasks);
        if ((rc = number_next(&reader, "a duration", &task->duration)) ||
            (rc = demand_row(&reader, out->resources.count, true, task)) ||
            (rc = number_next(&reader, "a number of successors", &successors)) ||
            (rc = read_arcs(&reader, (size_t)job, successors, true, &arcs)))
            return rc;
    }
    if (to_word(&reader, true))
        return bad(&reader, reader.line, "more follows the last job than belongs there");
    return set_predecessors(&reader, out, &arcs);
}

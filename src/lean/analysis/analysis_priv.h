/* analysis_priv.h - what the files of analysis share. */
#ifndef SWAN_LEAN_ANALYSIS_ANALYSIS_PRIV_H
#define SWAN_LEAN_ANALYSIS_ANALYSIS_PRIV_H

#include "lean/analysis/analysis.h"

struct analysis_memory { /* behind a log */
    struct arena texts;
    uint32_t *run_begin;
};

/* A log being read. */
struct analysis_reader {
    struct analysis_log log;
    size_t room, after_room, text_room, bare_room;
    uint32_t *slots; /* of the table of texts; ANALYSIS_NONE = free */
    size_t slot_count;
    uint32_t *lengths; /* of each text */
    bool *run_seen;    /* of each text: a run of that name was read */
    size_t run_room;
    bool traced;           /* there was a WfCommons instance */
    uint32_t *after_names; /* log.after before names were found: texts */
};
void analysis_reader_init(struct analysis_reader *r);
/* Number of the text; equal texts have one. */
uint32_t analysis_text(struct analysis_reader *r, const char *text, size_t len);
/* A new record, all of it not said. */
struct analysis_record *analysis_add(struct analysis_reader *r);
/* One more predecessor, by name, of the newest record. */
void analysis_add_after(struct analysis_reader *r, struct analysis_record *record, uint32_t name);
/* Orders by run and finds predecessors; takes everything out of the reader. */
enum err_code analysis_reader_end(struct analysis_reader *r, struct analysis_log *out,
                                  struct err *err);
void analysis_reader_done(struct analysis_reader *r);

/* One task record of a line; ERR_INVALID says what is wrong, without the line's number. */
enum err_code analysis_read_line(struct analysis_reader *r, const char *line, size_t len,
                                 struct err *err);
/* "2026-11-23T12:00:00.5Z", or a number of milliseconds as text. */
bool analysis_time(const char *text, size_t len, int64_t *out);
/* A WfCommons instance. */
struct json_value;
enum err_code analysis_read_trace(struct analysis_reader *r, const struct json_value *root,
                                  struct err *err);
/* Members of documents.  A text that is missing or empty is ANALYSIS_NONE, a time that is missing
 * or 0 ANALYSIS_UNKNOWN; false: no time. */
uint32_t analysis_text_of(struct analysis_reader *r, const struct json_value *value);
bool analysis_time_of(const struct json_value *value, int64_t *out);
void analysis_add_after_list(struct analysis_reader *r, struct analysis_record *record,
                             const struct json_value *names);
/* Where no record says when it began (`ended` holds durations then), or where a trace says what
 * cannot be: each begins when its predecessors have ended. */
void analysis_derive_starts(struct analysis_log *log, bool traced);

/* Records begin … end − 1 (all of the same runs), each after its predecessors; ANALYSIS_NONE from
 * where a cycle stops it.  The caller frees it (mem_free). */
uint32_t *analysis_order(const struct analysis_log *log, size_t begin, size_t end);

double analysis_seconds(int64_t from, int64_t to); /* 0 when one is unknown or it is negative */
/* When the task could have begun: eligible, else the end of its last predecessor, else queued. */
int64_t analysis_ready(const struct analysis_log *log, size_t record);
enum analysis_value analysis_value_of(const struct analysis_log *log,
                                      const struct analysis_record *record);
/* The value below which the share lies, between two of them by proportion; reorders `values`. */
double analysis_quantile(double *values, size_t count, double share);
/* Fills the spread; reorders `values`, which are not negative. */
void analysis_spread_of(double *values, size_t count, struct analysis_spread *out);

/* ---- measuring ---- */

struct analysis_measuring {
    const struct analysis_log *log;
    const struct analysis_parameters *parameters;
    struct analysis_report *report;
    struct arena *arena;
    double *duration, *wait; /* of each record, seconds; −1 = not known */
    int64_t *ready;          /* of each whole record: analysis_ready */
    bool *critical;
    unsigned char *value;
    uint32_t *begin; /* work space of analysis_group_by */
};
/* Records grouped by one of their texts: order[], and where each group begins in m->begin
 * (text_count is "not said").  The caller frees it (mem_free). */
uint32_t *analysis_group_by(const struct analysis_measuring *m, size_t offset);
/* report->cause and report->reasons. */
void analysis_find_causes(struct analysis_measuring *m);
/* The text that belongs to the cause: struct analysis_reason. */
uint32_t analysis_reason_of(const struct analysis_record *record, enum analysis_cause cause);
void analysis_find_wastes(struct analysis_measuring *m);
/* repeats[record]: the same kind with the same key had succeeded in an earlier record. */
void analysis_find_repeats(const struct analysis_log *log, bool *repeats);
/* Start and end are known, in that order, and it was not skipped. */
bool analysis_is_whole(const struct analysis_record *record);

/* ---- drawing ---- */

/* Colours that people who see red and green alike can tell apart (Okabe and Ito 2008); none is the
 * only sign of anything. */
#define ANALYSIS_INK "#1f2733"
#define ANALYSIS_GREY "#5b6675"
#define ANALYSIS_LINE "#dfe4eb"
#define ANALYSIS_WORK_COLOUR "#0072b2"
#define ANALYSIS_CRITICAL_COLOUR "#d55e00"
#define ANALYSIS_WAIT_COLOUR "#b9c2ce"
#define ANALYSIS_FAILED_COLOUR "#6b1a4f"

void analysis_svg_begin(struct buf *out, double width, double height);
/* Text as content: nothing in it becomes markup; cut to `most` pixels at that font size. */
void analysis_svg_text(struct buf *out, const char *text, double most, double size);
/* <text …> with the attributes, cut to `most` pixels. */
void analysis_svg_label(struct buf *out, double x, double y, const char *attributes,
                        const char *text, double most, double size);
/* Pixels that the text takes, about. */
double analysis_svg_width(const char *text, double size);
/* "1.5 min" */
void analysis_svg_seconds(struct buf *out, double seconds);
/* Lines and labels of a time axis: left … left + width are 0 … seconds. */
void analysis_svg_axis(struct buf *out, double left, double width, double seconds, double top,
                       double bottom);

#endif

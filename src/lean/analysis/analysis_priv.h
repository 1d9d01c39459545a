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
    size_t room, after_room, text_room;
    uint32_t *slots; /* of the table of texts; ANALYSIS_NONE = free */
    size_t slot_count;
    uint32_t *lengths;     /* of each text */
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
/* Run records and WfCommons. */
enum err_code analysis_read_document(struct analysis_reader *r, const char *text, size_t len,
                                     struct err *err);

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

#endif

/* rootcause.h - engine: symptoms, graph and changes into ranked causes with their evidence.
 *
 * Pure: same case, same answer; the order of columns, entities and edges does not matter.  Method,
 * literature, limits: README.md beside this file.  All memory comes from the caller's arena. */
#ifndef SWAN_TWIN_ROOTCAUSE_ROOTCAUSE_H
#define SWAN_TWIN_ROOTCAUSE_ROOTCAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "twin/telemetry/telemetry.h"

#define ROOTCAUSE_MAX_ENTITIES 200000
#define ROOTCAUSE_MAX_EDGES 1000000
#define ROOTCAUSE_MAX_CHANGES 100000
#define ROOTCAUSE_CAUSES 20 /* at most so many are answered */

enum rootcause_relation {
    ROOTCAUSE_CALLS = 1, /* from calls to */
    ROOTCAUSE_RUNS_ON,   /* from runs on to */
    ROOTCAUSE_HOSTS,     /* to runs on from */
    ROOTCAUSE_CONNECTS,  /* either way */
    ROOTCAUSE_DEPENDS_ON /* as calls */
};
extern const char *const rootcause_relation_names[]; /* [0] = NULL, then names, then NULL */

struct rootcause_entity {
    const char *id, *kind; /* kind may be NULL */
};

struct rootcause_edge {
    size_t from, to; /* indices of entities */
    enum rootcause_relation relation;
};

struct rootcause_change {
    double time;
    const char *entity, *what;
};

/* A fault case.  Readers may be called in any order; rootcause_read_metrics last of all is fine. */
struct rootcause_case {
    struct telemetry_table metrics;
    LIST(struct rootcause_entity) entities;
    LIST(struct rootcause_edge) edges;
    LIST(struct rootcause_change) changes;
    bool has_alarm;
    double alarm_time;                           /* seconds */
    const char *symptom_entity, *symptom_metric; /* or NULL */
};

/* JSON texts of contract case.md.  Unknown members are ignored; a wrong type, a name twice or an
 * unknown relation is ERR_INVALID with its path. */
enum err_code rootcause_read_topology(const char *text, size_t len, struct rootcause_case *out,
                                      struct arena *arena, struct err *err);
enum err_code rootcause_read_changes(const char *text, size_t len, struct rootcause_case *out,
                                     struct arena *arena, struct err *err);
enum err_code rootcause_read_question(const char *text, size_t len, struct rootcause_case *out,
                                      struct arena *arena, struct err *err);

enum rootcause_status { ROOTCAUSE_CONFIRMED = 1, ROOTCAUSE_LIKELY, ROOTCAUSE_INCONCLUSIVE };
extern const char *const rootcause_status_names[];

/* One step of a path, from an effect to what it is put down to. */
struct rootcause_step {
    const char *effect, *cause, *by; /* by: "calls", "runs-on", …, or "inferred" */
    bool verified;        /* both ends left their normal band, moved together, cause not later */
    const char *why;      /* of a step that is not verified; else NULL */
    const char *inferred; /* how: "calls", … when the history tells so, not the topology; or NULL */
    double confidence;    /* of that */
};

struct rootcause_cause {
    const char *entity, *metric; /* metric may be NULL: the entity fell silent */
    double score;
    double onset;            /* seconds */
    LIST(const char *) path; /* from the symptom (or the cause alone) to the cause */
    LIST(struct rootcause_step) steps;
    LIST(const char *) supporting;
    LIST(const char *) contradicting;
    LIST(const char *) unverified;
};

struct rootcause_answer {
    enum rootcause_status status;
    LIST(struct rootcause_cause) causes; /* best first */
    LIST(const char *) reasons;          /* of the status */
    LIST(const char *) notes;            /* of the data: merged rows, contradicted edges … */
    bool topology_inferred;
    double window_from, window_to; /* seconds */
    double evidence;               /* of the first cause */
    double usual_evidence;         /* most that the same method finds in windows of the history */
    size_t usual_windows;          /* how many such windows */
};

enum err_code rootcause_diagnose(const struct rootcause_case *given, struct rootcause_answer *out,
                                 struct arena *arena, struct err *err);

/* The answer of contract case.md, and beside it reasons, notes, steps, window, calibration. */
void rootcause_write(const struct rootcause_answer *answer, struct buf *out);

#endif

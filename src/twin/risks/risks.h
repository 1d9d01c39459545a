/* risks.h - engine: hidden dangers of a network and of what is placed on it.
 *
 * Pure: same input, same answer.  Method, complexity, literature and limits: README.md beside this
 * file.  All memory comes from the caller's arena; the network must have passed network_check. */
#ifndef SWAN_TWIN_RISKS_RISKS_H
#define SWAN_TWIN_RISKS_RISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "types/network.h"
#include "types/solution.h"

#define RISKS_MAX_ROWS 2000000 /* of a usage file */
#define RISKS_MAX_NAME 512     /* bytes of an entity or a resource */
#define RISKS_MAX_ROUTES 20000
#define RISKS_TREND_LEAST 4 /* points below which no trend is told */

/* ---- history of use ---- */
struct risks_point {
    double day; /* since 1970 */
    double value;
};
struct risks_series {
    const char *entity; /* site, or "a—b" of a link */
    const char
        *resource; /* vcpus, memory_gib, disk_gib, bandwidth_mbps or an accelerator's model */
    LIST(struct risks_point) points; /* by rising time; of one time the last in the file */
};
struct risks_usage {
    LIST(struct risks_series) series;
};
/* CSV with the header "time,entity,resource,value"; time in Unix seconds or RFC 3339, value the
 * amount in use; RFC 4180 quotes, LF or CRLF, rows in any order.  ERR_INVALID and ERR_TOO_LARGE
 * name the line.  Names are copied; the text may go. */
enum err_code risks_read_usage(const char *text, size_t len, struct risks_usage *out,
                               struct arena *arena, struct err *err);

/* Theil and Sen's line with intervals of 95 %, through daily maxima where there are several values
 * a day, through the highest weekday where weekdays differ. */
struct risks_trend {
    bool known;         /* false: fewer than RISKS_TREND_LEAST times, and `why` says so */
    bool daily, weekly; /* what it was taken by */
    const char *why;
    size_t points;                       /* after thinning */
    double span;                         /* days of history */
    double slope, slope_low, slope_high; /* a day */
    double level, level_low, level_high; /* of the line at the last time; of the outer ones */
};
void risks_trend(const struct risks_series *series, struct risks_trend *out, struct arena *arena);
/* From the last time to where the line meets the capacity; absent = never. */
void risks_trend_days(const struct risks_trend *trend, double capacity, struct opt_double *ret_days,
                      struct opt_double *ret_low, struct opt_double *ret_high);
/* Whether the history is long enough to tell of so many days. */
bool risks_trend_reaches(const struct risks_trend *trend, double days);

/* ---- the question ---- */
struct risks_input {
    const struct network *network;
    const struct solution *solution; /* placements and routes; NULL = the network alone */
    const struct requirement
        *requirement;                /* what the solution is for; NULL = no advice on replicas */
    const struct risks_usage *usage; /* or NULL */
    double headroom_percent;         /* a cliff when less is free; 0 = 20 */
    double horizon_days;             /* a trend that ends within is a cliff; 0 = 90 */
    size_t pairs;                    /* most pairs tried with a solution; 0 = 20000 */
    size_t firsts;                   /* most first elements of pairs without a solution; 0 = 50 */
    bool declared_only;              /* no groups but those of the file */
};

/* ---- the answer ---- */
enum risks_kind {
    RISKS_BROKEN = 1, /* a service that does not hold with nothing failed */
    RISKS_SERVICE,    /* one failure, and a service breaks */
    RISKS_ONE_SITE,   /* all instances of a component stand on one site */
    RISKS_ONE_GROUP,  /* instances of a component stand in one shared-risk group */
    RISKS_CUT,        /* one failure parts the network */
    RISKS_CAPACITY,   /* little room, or a trend that uses it up */
    RISKS_PAIR,       /* two failures break what each alone does not */
    RISKS_SLOWER,     /* one failure, and sites are farther from the access points */
    RISKS_KINDS
};
extern const char *const risks_kind_names[]; /* [0] = NULL, then names, then NULL */

enum risks_severity {
    RISKS_CRITICAL = 1,
    RISKS_HIGH,
    RISKS_MEDIUM,
    RISKS_LOW,
};
extern const char *const risks_severity_names[];

enum risks_reason {
    RISKS_GONE = 1,    /* every instance fails with it */
    RISKS_UNREACHABLE, /* instances are left, no path to them is */
    RISKS_LATENCY_UNKNOWN,
    RISKS_LATE,
    RISKS_CONGESTED, /* the links of the new path do not carry it */
    RISKS_CUT_OFF,
    RISKS_FARTHER,
    RISKS_HEADROOM,
    RISKS_EXHAUSTION,
    RISKS_ONE_INSTANCE,
    RISKS_SAME_SITE,
    RISKS_SAME_GROUP,
};
extern const char *const risks_reason_names[];

/* Why elements are taken to fail together. */
enum risks_basis {
    RISKS_ALONE,      /* no group */
    RISKS_DECLARED,   /* the network file says so */
    RISKS_SAME_PLACE, /* these and the others are guesses */
    RISKS_SAME_ENDS,
    RISKS_SAME_OWNER,
    RISKS_SAME_REGION
};
extern const char *const risks_basis_names[];

struct risks_amount { /* what stands there; unknown capacity counts as none, and is counted */
    uint32_t sites, access;
    double vcpus, memory_gib, accelerators;
    uint32_t unknown; /* sites whose vcpus or memory are unknown */
};

struct risks_element {      /* what fails: a node, a link or a group */
    const char *kind;       /* site, access, link, group, component; NULL = none */
    const char *id;         /* of a link "a—b" */
    uint32_t position;      /* of a link in the network file, from 1; 0 = not one link */
    enum risks_basis basis; /* of a group */
    uint32_t members;
};

struct risks_finding {
    int kind, severity, reason; /* enum risks_kind, risks_severity, risks_reason */
    struct risks_element element, second;
    const char *service;  /* "user→web", or a component */
    const char *resource; /* of capacity */
    const char *at;       /* where it shows most: a site or a link */
    const char *hub;      /* CUT of a single site by its only link: the node at the other end */
    struct opt_double observed, required, margin; /* margin = room, negative = missing */
    const char *unit;
    struct risks_amount off;  /* CUT: all that is not in the largest piece, the element excluded */
    struct risks_amount lost; /* what fails with a group itself */
    uint32_t dark;            /* sites that no access point reaches any more */
    uint32_t slower;          /* sites that are farther */
    int64_t left, of;         /* instances */
    const char *unknown;      /* what could not be read, and so was not judged */
    struct opt_double days, days_low, days_high;    /* to exhaustion; high absent = never */
    struct opt_double slope, slope_low, slope_high; /* of the trend, a day */
    struct opt_double growth;                       /* what it adds within the horizon */
    const char
        *season; /* what it was taken by: daily-peaks, weekly-peaks, daily-and-weekly-peaks */
};

/* What removes a danger, tried on a copy. */
enum risks_action {
    RISKS_ADD_LINK = 1,  /* the shortest, or the shortest set */
    RISKS_MOVE_INSTANCE, /* the cheapest */
    RISKS_ADD_INSTANCE,
    RISKS_ADD_BANDWIDTH, /* to a link */
    RISKS_ADD_CAPACITY   /* to a site */
};
extern const char *const risks_action_names[];

struct risks_advice {
    int action;
    const char *a, *b;            /* ends of the link, the first of several; or what grows */
    size_t links;                 /* how many in all */
    struct opt_double km;         /* great circle, of all of them */
    struct opt_double latency_ms; /* of the first, at least: 200 km a ms */
    struct opt_double amount;     /* bandwidth that it must carry, or what is added */
    const char *unit;             /* of it */
    const char *component;        /* instances */
    int64_t instance;
    const char *from, *to;         /* sites; from NULL = added */
    struct opt_double cost_change; /* a month; absent: a price is unknown */
    const char *currency;
    size_t tried, of;             /* sites whose cost was worked out, of those that may take it */
    size_t mended;                /* of the services that the danger breaks */
    size_t breaks, breaks_before; /* services broken by single failures, summed over failures */
};

/* What one failure does, over all findings of it; or what single sites that hang on one node have
 * in common. */
struct risks_danger {
    struct risks_element element, second;
    int severity;
    size_t findings;
    size_t hanging;     /* above 1: so many sites hang on `element` by one link each */
    size_t services;    /* that break */
    double consequence; /* services × users × missing share; users count 1 when unknown */
    uint32_t dark, off_sites, off_access, slower;
    const struct risks_finding *worst;
    LIST(const char *) names; /* of the services, at most RISKS_NAMES */
    bool advised;             /* advice was sought */
    LIST(struct risks_advice) advice;
    const char *no_advice; /* why there is none, or not all */
};
#define RISKS_NAMES 4

struct risks_answer {
    size_t sites, access, links;
    size_t unreached;        /* sites that no access point reaches now */
    size_t services;         /* flows and components looked at */
    size_t broken_now;       /* of them broken with nothing failed */
    size_t singles;          /* elements whose failure was looked at: all of them */
    size_t singles_felt;     /* of them felt by anything */
    size_t groups, inferred; /* looked at: declared, and guessed */
    size_t unjudged; /* services that hold, one failure given, only if links of unknown bandwidth
                        have room */
    uint64_t pairs;  /* of elements and declared groups there are */
    uint64_t pairs_tried;                /* worked out */
    uint64_t pairs_left;                 /* that were not, and may hold something */
    struct opt_double pair_most;         /* sites that a pair left out can darken at most */
    size_t counts[RISKS_KINDS];          /* of all findings */
    LIST(struct risks_finding) findings; /* worst first */
    LIST(struct risks_danger) dangers;   /* after risks_rank */
    LIST(const char *) notes;
};

/* ERR_INVALID: the solution names what the network or its placements do not hold. */
enum err_code risks_analyse(const struct risks_input *input, struct risks_answer *out,
                            struct arena *arena, struct err *err);

/* ---- level of detail ---- */
enum risks_layer { RISKS_ANY_LAYER, RISKS_COMPUTE, RISKS_NETWORK, RISKS_APPLICATION };
extern const char *const risks_layer_names[]; /* [0] = NULL, then names, then NULL */

struct risks_filter {
    int kind;  /* 0 = any */
    int layer; /* enum risks_layer */
};
enum risks_layer risks_layer_of(const struct risks_finding *finding);
/* Keeps the findings that fit; counts are of them then. */
void risks_filter(struct risks_answer *answer, const struct risks_filter *filter);

/* Fills answer->dangers from its findings, the greatest consequence first: by severity, guesses
 * last, then services × users × missing share, sites, days, name. */
void risks_rank(struct risks_answer *answer, struct opt_double users, struct arena *arena);

/* Advice for the first `most` dangers.  Each was tried: the changed network or solution was
 * analysed again.  Ends early when the work of many tries would be too much (danger->advised
 * tells). ERR_INVALID as risks_analyse. */
enum err_code risks_advise(const struct risks_input *input, struct risks_answer *answer,
                           size_t most, struct arena *arena, struct err *err);

struct risks_page { /* what is written */
    size_t top;     /* dangers; SIZE_MAX = all */
    size_t most;    /* findings of each kind; SIZE_MAX = all */
    size_t skip;    /* findings of each kind that come before */
};
void risks_write(const struct risks_answer *answer, const struct risks_page *page, struct buf *out);

#endif

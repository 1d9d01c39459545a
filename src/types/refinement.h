/* refinement.h - what people do with a solution set: refine it into a new version, choose and
 * confirm a candidate, hold room for it.  Parts of stored solutions and orders. */
#ifndef SWAN_TYPES_REFINEMENT_H
#define SWAN_TYPES_REFINEMENT_H

#include "base/json.h"

/* One field of the requirement, changed.  Texts, as people write them. */
struct solution_change {
    const char *path;  /* "inference.location" */
    const char *value; /* NULL = left out */
    const char *was;   /* NULL = was not said */
};
struct solution_pin { /* that component runs there */
    const char *component;
    struct opt_int instance; /* absent = all of them */
    const char *site;
};
struct solution_exclusion { /* nothing, or that component, runs there */
    const char *component;  /* NULL = nothing */
    const char *site;
};
extern const struct json_table solution_pin_table;
extern const struct json_table solution_exclusion_table;

/* One refinement: how a version came from another. */
struct solution_refinement {
    int64_t from, choice; /* version, and the candidate that was looked at */
    const char *by, *note;
    int64_t at_ms;
    LIST(struct solution_change) set;
    LIST(struct solution_pin) pins; /* site NULL = the pin is taken out */
    LIST(struct solution_exclusion) exclusions;
    LIST(struct solution_exclusion) allowed; /* exclusions that were taken back */
};
extern const struct json_table solution_refinement_table;

/* Which candidate of which version, and by whom. */
struct solution_mark {
    int64_t version, choice;
    const char *digest; /* of the candidate, see business_candidate_digest */
    const char *by;
    int64_t at_ms;
};

/* Room held for a solution set or an order. */
extern const char *const solution_hold_names[];
enum solution_hold_state { /* held until expires_at, then lapsed */
                           SOLUTION_HOLD_ABSENT,
                           SOLUTION_HOLD_HELD,
                           SOLUTION_HOLD_LAPSED,
                           SOLUTION_HOLD_RELEASED, /* given back */
                           SOLUTION_HOLD_ORDERED,  /* the order holds it now */
                           SOLUTION_HOLD_USED,     /* the deployment has it */
                           SOLUTION_HOLD_NONE      /* none was wanted */
};
struct solution_hold {
    int state;
    int64_t choice;     /* candidate it is for */
    int64_t expires_ms; /* while held: until when */
    int64_t seconds;    /* for how long it was and will be held each time */
};
extern const struct json_table solution_hold_table;

struct solution_version { /* a line of the list of versions */
    int64_t number;
    const char *by, *note;
    int64_t at_ms, candidates;
    double cost; /* of the first candidate */
    const char *currency;
};

extern const char *const solution_state_names[];
enum solution_state { /* of a solution set; docs/modules/business.md */
                      SOLUTION_STATE_ABSENT,
                      SOLUTION_DESIGNED,
                      SOLUTION_CHOSEN,
                      SOLUTION_CONFIRMED,
                      SOLUTION_ORDERED
};
struct solution_status {
    int state;
    struct solution_mark *chosen, *confirmed; /* NULL = none */
    struct solution_hold hold;
    LIST(struct solution_version) versions; /* oldest first */
};
extern const struct json_table solution_status_table;

#endif

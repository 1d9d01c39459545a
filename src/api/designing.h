/* designing.h - a design that is made, stored and reserved; private to api. */
#ifndef SWAN_API_DESIGNING_H
#define SWAN_API_DESIGNING_H

#include "api/api_priv.h"
#include "business/business.h"

struct api_design {
    struct api_stage stage;                  /* call; existing = the set that is refined, or NULL */
    const struct business_requirement *said; /* words that are stored with it, or NULL */
    const struct requirement *asked;         /* without assumptions */
    struct opt_double time_limit_s;
    int64_t reserve_s; /* 0 = not at all */
    int64_t expected;  /* version of the record that is refined; 0 = any */
    /* Given: requirement_id (unless said), objective, pins, exclusions, asked, refinement.  The
     * rest is filled in. */
    struct business_solution spec;
    struct evaluation_input judge; /* applications, standards, cases */
};
/* Answers the record; 422 with conflict and relaxations when there is no design.  When the room is
 * gone by the time it is stored, designs again. */
enum err_code api_design_and_store(struct api_design *design, struct err *err);

/* How long to hold: what is wished, else what the server does. */
int64_t api_reserve_s(const struct api_call *call, struct opt_int wished);
#define API_RESERVE_MAX_S 86400

#endif

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

/* ---- the parts of it, for several designs at once ---- */
/* Reads the need that a wish names: a stored requirement, or words that will be stored. */
enum err_code api_design_need(struct api_call *call, const char *requirement, const char *text,
                              struct api_design *design, struct err *err);
/* What the design is made from, with assumptions on that network; texts of them in *assumed. */
enum err_code api_design_prepare(struct api_design *design, const struct network *network,
                                 struct solution_answer *assumed, struct err *err);
/* The answer becomes what is stored. */
void api_design_finish(struct api_design *design, struct solution_answer *answer,
                       const struct solution_answer *assumed);
/* Stores and reserves it in the transaction: stage.id is the new set's. */
enum err_code api_design_save(struct store_tx *tx, struct api_design *design, struct err *err);
/* Calls `once` until it does not fail for want of room, a few times, as designing.c says. */
typedef enum err_code (*api_design_fn)(void *ctx, struct err *err);
enum err_code api_design_attempts(struct api_call *call, api_design_fn once, void *ctx,
                                  int64_t *ret_redesigns, struct err *err);
/* When a search ends: at its limit, from now on, or when its operation is cancelled. */
struct api_design_stop {
    const struct api_call *call;
    int64_t deadline_ms; /* of clock_mono_ms */
};
struct api_design_stop api_design_stop(struct api_call *call, struct opt_double limit_s);
bool api_design_is_late(void *stop);

/* How long to hold: what is wished, else what the server does. */
int64_t api_reserve_s(const struct api_call *call, struct opt_int wished);
#define API_RESERVE_MAX_S 86400

#endif

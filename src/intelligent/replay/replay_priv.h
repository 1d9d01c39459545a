/* replay_priv.h - what the files of replay share. */
#ifndef SWAN_INTELLIGENT_REPLAY_REPLAY_PRIV_H
#define SWAN_INTELLIGENT_REPLAY_REPLAY_PRIV_H

#include "base/rand.h"
#include "intelligent/replay/replay.h"

/* A node as it is now. */
struct replay_state {
    int64_t cpu_milli, memory_mib;
    int gpus, model;
    int free[REPLAY_MAX_GPUS]; /* milli of each GPU */
};

/* The best way to put a type on a node.  Lower is better. */
struct replay_score {
    double value;
    uint32_t gpus; /* bits */
};

/* ---- state.c ---- */
bool replay_fits(const struct replay_state *state, const struct replay_type *type);
void replay_take(struct replay_state *state, const struct replay_type *type, uint32_t gpus);
/* The GPUs with the least room that can hold the type; it fits. */
uint32_t replay_tightest(const struct replay_state *state, const struct replay_type *type);
int64_t replay_free_gpu(const struct replay_state *state); /* milli, of all its GPUs */
/* Calls next until it gives every choice of GPUs worth a look: each different gap for a part of one
 * GPU, else the tightest.  Begin with *at = 0; false at the end. */
bool replay_next_choice(const struct replay_state *state, const struct replay_type *type, int *at,
                        uint32_t *gpus);

/* ---- fgd.c: expected fragmentation ---- */
struct replay_fgd;
struct replay_fgd *replay_fgd_new(const struct replay_stream *stream, struct arena *arena);
double replay_fragmentation(const struct replay_fgd *fgd, const struct replay_state *state);

/* ---- gap.c: expected use of what is free ---- */
#define REPLAY_DRAWS 40 /* tables exist for 1…REPLAY_DRAWS further pods */

/* How patient to be, and how to place pods without GPU. */
struct replay_tuning {
    int first_draws, last_draws; /* of an empty and of a full fleet */
    int hasty_draws;             /* mixed in … */
    double hasty_share;          /* … with this weight */
    double cpu_fit;              /* pods without GPU: weight of the CPU that stays free */
};
struct replay_gap;
struct replay_gap *replay_gap_new(const struct replay_fleet *fleet,
                                  const struct replay_stream *stream);
void replay_gap_free(struct replay_gap *gap);
void replay_gap_tune(struct replay_gap *gap, const struct replay_tuning *tuning);
/* Tells how full the arrivals make the fleet (0…1); true when values are others from now on. */
bool replay_gap_progress(struct replay_gap *gap, double share);
/* Milli of free GPU that are expected to stay unused. */
double replay_gap_loss(struct replay_gap *gap, const struct replay_state *state);

/* ---- policy.c ---- */
struct replay_judge {
    enum replay_policy policy;
    double cpu_most, gpu_most, memory_most; /* of one node, the scale of differences */
    double cpu_fit;
    const struct replay_fgd *fgd;
    struct replay_gap *gap;
};
struct replay_score replay_judge_score(const struct replay_judge *judge,
                                       const struct replay_state *state,
                                       const struct replay_type *type);

/* ---- place.c ---- */
struct replay_course; /* a fleet being filled */
struct replay_course *replay_course_new(const struct replay_fleet *fleet,
                                        const struct replay_stream *stream,
                                        const struct replay_judge *judge, struct rand *rand);
void replay_course_free(struct replay_course *course);
void replay_course_free_at(struct replay_course **course);
void replay_course_clear(struct replay_course *course); /* everything is free again */
struct replay_placement replay_course_place(struct replay_course *course, size_t type);
int64_t replay_course_arrived(const struct replay_course *course); /* GPU milli */
int64_t replay_course_used(const struct replay_course *course);    /* GPU milli */
int64_t replay_course_capacity(const struct replay_course *course);

/* ---- tune.c ---- */
/* Tries each tuning on streams drawn from the statistics; leaves the best in the judge. */
void replay_tune(const struct replay_fleet *fleet, const struct replay_stream *stream,
                 struct replay_judge *judge, struct rand *rand);

#endif

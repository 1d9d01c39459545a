/* replay.h - engine: a stream of pods placed one by one on an accelerator fleet (continuous
 * arrivals).  Pure: same input, policy and seed, same answer.  Problem, policies, literature,
 * complexity and limits: README.md beside this file. */
#ifndef SWAN_INTELLIGENT_REPLAY_REPLAY_H
#define SWAN_INTELLIGENT_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define REPLAY_MAX_GPUS 16      /* of one node */
#define REPLAY_MAX_MODELS 64    /* of one fleet */
#define REPLAY_MAX_NODES 100000 /* of one fleet */
#define REPLAY_MAX_PODS 2000000 /* of one stream */
#define REPLAY_GPU_MILLI 1000   /* a whole GPU */

enum replay_policy {
    REPLAY_RANDOM = 1, /* any node that can hold the pod, with equal chance */
    REPLAY_BESTFIT,    /* the node with the least left over */
    REPLAY_DOTPRODUCT, /* the node whose free resources align best with the need */
    REPLAY_FGD,        /* fragmentation gradient descent, Weng et al., USENIX ATC 2023 */
    REPLAY_SWAN,       /* least loss of expected GPU use, tables from the pod list's statistics */
};
extern const char *const replay_policy_names[]; /* [0] = NULL, then names, then NULL */

struct replay_node {
    const char *sn;
    int64_t cpu_milli, memory_mib;
    int gpus;  /* 0…REPLAY_MAX_GPUS */
    int model; /* index in the fleet's models; -1 = not said */
};

struct replay_fleet {
    LIST(struct replay_node) nodes;
    LIST(const char *) models;
};

/* What a pod asks for.  Pods that ask for the same share one. */
struct replay_type {
    int64_t cpu_milli, memory_mib;
    int gpus, gpu_milli; /* gpu_milli of each of the GPUs; 0 when gpus is 0 */
    bool any_model;
    uint64_t models; /* bits of the fleet's models, when not any_model */
    int64_t listed;  /* pods of different names that ask for this: the pod list's statistics */
};

struct replay_pod {
    const char *id;
    size_t type;
};

struct replay_stream {
    LIST(struct replay_pod) pods;
    LIST(struct replay_type) types;
};

struct replay_placement {
    bool placed;
    size_t node;
    uint32_t gpus; /* bits of the node's GPUs */
};

struct replay_result {
    size_t failed;
    bool has_allocation; /* false: arrivals never reach 129.5 % of the capacity */
    double allocation_percent;
    struct replay_placement *placements; /* one per pod of the stream */
};

/* CSV with a header; columns in any order, others are ignored.  Nodes: sn, cpu_milli, memory_mib,
 * gpu, model.  Pods: id, name, cpu_milli, memory_mib, num_gpu, gpu_milli, and gpu_spec (models with
 * | between them, empty = any; the column may be missing).  ERR_INVALID and ERR_TOO_LARGE name the
 * line.  Texts are copied into the arena. */
enum err_code replay_read_nodes(const char *text, size_t len, struct replay_fleet *out,
                                struct arena *arena, struct err *err);
enum err_code replay_read_pods(const char *text, size_t len, const struct replay_fleet *fleet,
                               struct replay_stream *out, struct arena *arena, struct err *err);

/* Places the stream in its order.  A pod is refused only when no node can hold it.  The policy sees
 * the pods that came, and of the rest only how often each type stands in the pod list. */
enum err_code replay_run(const struct replay_fleet *fleet, const struct replay_stream *stream,
                         enum replay_policy policy, uint64_t seed, struct replay_result *out,
                         struct arena *arena, struct err *err);

/* {"policy","arrivals","failed","allocation_percent","placed":[[ID,"node",[GPU,…]],…]} */
void replay_write(const struct replay_fleet *fleet, const struct replay_stream *stream,
                  enum replay_policy policy, const struct replay_result *result, struct buf *out);

#endif

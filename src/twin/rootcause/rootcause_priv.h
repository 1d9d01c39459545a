/* rootcause_priv.h - the model and its views, inside rootcause. */
#ifndef SWAN_TWIN_ROOTCAUSE_ROOTCAUSE_PRIV_H
#define SWAN_TWIN_ROOTCAUSE_ROOTCAUSE_PRIV_H

#include "twin/rootcause/rootcause.h"

#define ROOTCAUSE_NONE ((size_t)-1)

/* How a thing may make another worse. */
enum rootcause_way {
    ROOTCAUSE_BY_CALLEE = 1, /* what I call or depend on */
    ROOTCAUSE_BY_HOST,       /* what I run on */
    ROOTCAUSE_BY_TENANT,     /* what runs on me */
    ROOTCAUSE_BY_CALLER,     /* what calls me: load */
    ROOTCAUSE_BY_LINK,       /* what I am connected to */
};

struct rootcause_influence {
    size_t cause; /* entity */
    enum rootcause_way way;
    enum rootcause_relation relation;
    bool contradicted; /* the history speaks against the edge */
    bool inferred;
    double confidence; /* 1 of what was told; less of what was inferred */
};

/* An edge as it is believed: told by the topology, or inferred. */
struct rootcause_tie {
    size_t from, to; /* nodes */
    enum rootcause_relation relation;
    double confidence;
    bool inferred, against;
};

struct rootcause_node {
    const char *id;
    size_t first, count;                /* its series in model->series */
    size_t influences, influence_count; /* in model->influences */
    bool outside;                       /* seen by others only: client, remote end */
    bool observed;                      /* has a series */
    bool remote;                        /* seen by its callers only: calls nobody */
    bool serves; /* has one that its callers feel: latency, errors, availability */
};

struct rootcause_model {
    const struct rootcause_case *given;
    struct telemetry_scores scores;
    size_t nodes_count;
    struct rootcause_node *nodes;
    size_t *series;  /* series by node */
    size_t *node_of; /* [series] */
    size_t *traffic; /* [node] its series of requests, or NONE */
    LIST(struct rootcause_tie) ties;
    struct rootcause_influence *influences; /* by effect */
    size_t symptom_node, symptom_series;    /* or NONE */
    enum telemetry_class symptom_class;     /* 0 without a symptom */
    bool told;                              /* there is a topology */
    bool doubted;          /* several of its calls are contradicted: others will be missing */
    bool has_graph;        /* … or ties were inferred */
    size_t base, from, to; /* history [0, base), window [from, to) */
    size_t contradicted, inferred; /* ties */
    size_t *loose;                 /* nodes that carry (no service, no requests), tied to nothing */
    size_t loose_count;
};

/* What several things stand on or pass: a host, a link. */
struct rootcause_carrier {
    size_t users;  /* services that use it */
    size_t voters; /* of them, those that are ill and nothing explains it */
    size_t echoes; /* of the voters, those whose callee is iller */
    size_t last;
    bool loose; /* not known whose it is */
    double votes, squares, part, hit, score;
    double calm; /* what is left of it when it is measured itself and did not stir; else 1 */
};

#define ROOTCAUSE_SILENCE 2.0 /* severity of an entity that stopped reporting altogether */

/* One window looked at. */
struct rootcause_view {
    size_t from, to, pad;                  /* correlations are taken over [pad, to) */
    struct telemetry_excursion *excursion; /* [series] */
    double *together;  /* [series] with the symptom, 0…1; 1 without a symptom */
    double *loaded;    /* [series] share that the load of customers explains */
    double *explained; /* [series] share that a neighbour explains */
    double *demand;    /* [node] how far its rise of requests goes back to customers */
    size_t *anomalous; /* series with severity > 0 */
    size_t anomalous_count;
    double *severity; /* [node] largest of its series */
    double *service;  /* [node] largest of those that its callers feel: latency, errors */
    double *cost;     /* [node] of the path from the symptom; INFINITY = none */
    size_t *before;   /* [node] the effect before it on that path, or NONE */
    size_t *by;       /* [node] influence that leads to it */
    double *score;    /* [node] */
    size_t *silent;   /* [node] row since which all that it reported is missing, or NONE */
    double *weight;   /* [node] what of its latency and errors nobody explains */
    struct rootcause_carrier *carriers; /* [node] */
    size_t common,
        common_series;    /* the carrier that explains most, or NONE, and its series or NONE */
    size_t common_beside; /* of a loose one, the host whose users vote most, or NONE */
    size_t *best_series;  /* [node] what speaks loudest, or NONE */
    size_t *rank;         /* nodes with a score, best first */
    size_t rank_count;
};

/* graph.c */
enum err_code rootcause_model_init(const struct rootcause_case *given,
                                   struct rootcause_model *model, struct arena *arena,
                                   struct err *err);
bool rootcause_is_felt(enum telemetry_class class); /* by callers */
/* infer.c: adds ties that the history shows, marks those that it speaks against. */
void rootcause_infer(struct rootcause_model *model, struct arena *arena);
/* rank.c */
void rootcause_view_init(const struct rootcause_model *model, struct rootcause_view *view,
                         struct arena *arena);
/* Looks at rows [from, to); returns the first score, 0 when nothing speaks. */
double rootcause_look(const struct rootcause_model *model, struct rootcause_view *view, size_t from,
                      size_t to);
/* explain.c: how much of what a series shows is put down to series `cause` over an influence. */
double rootcause_share(const struct rootcause_model *model, const struct rootcause_view *view,
                       const struct rootcause_influence *influence, size_t effect, size_t cause);
/* How much of what `effect` shows a call to `cause` would explain, were there one. */
double rootcause_suppose(const struct rootcause_model *model, const struct rootcause_view *view,
                         size_t effect, size_t cause);
/* Part of its host's rise in the same metric that a tenant's is; 0 when the host is quiet. */
double rootcause_tenant_share(const struct rootcause_model *model,
                              const struct rootcause_view *view, size_t tenant);
/* Share of each anomalous series that neighbours, or the load of its own entity, explain. */
void rootcause_explain(const struct rootcause_model *model, struct rootcause_view *view);
/* What a class of metric says about a symptom of another class. */
double rootcause_relevance(enum telemetry_class symptom, enum telemetry_class class, bool rise);
/* What a series speaks for blaming its own entity. */
double rootcause_weigh(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t series);
/* common.c: once for a view, then in each look. */
void rootcause_count_users(const struct rootcause_model *model, struct rootcause_view *view);
void rootcause_find_common(const struct rootcause_model *model, struct rootcause_view *view);
/* decide.c */
void rootcause_decide(const struct rootcause_model *model, const struct rootcause_view *view,
                      struct rootcause_answer *out, struct arena *arena);
size_t rootcause_onset_of(const struct rootcause_model *model, const struct rootcause_view *view,
                          size_t series);
/* Rows by which an onset may be late: clocks and sampling. */
size_t rootcause_tolerance(const struct rootcause_model *model);

#endif

/* api_priv.h - what the files of api share: one call, one route, and ways to answer. */
#ifndef SWAN_API_API_PRIV_H
#define SWAN_API_API_PRIV_H

#include <pthread.h>

#include "api/api.h"
#include "intelligent/evaluation/evaluation.h"

#define API_MAX_PARAMS 2
#define API_BODY_NETWORK ((size_t)256 << 20)   /* a network of 100 000 sites is about 60 MB */
#define API_BODY_ARTEFACT ((size_t)2048 << 20) /* one artefact by HTTP */
/* Refused writes without a token that get an audit record each minute; more are only counted, so
 * that a stranger cannot fill the journal. */
#define API_ANONYMOUS_AUDITS 60

struct api_watch;
struct api_operations;
struct api_operation;

struct api {
    struct api_options options;
    struct api_watch *watch;
    struct api_operations *operations;
    _Atomic bool ready;
    _Atomic int64_t answered[6]; /* by status class */
    _Atomic int64_t writes, designs, designs_infeasible, unaudited;
    _Atomic int64_t anonymous_minute, anonymous_audits;
    int64_t started_ms;
    struct arena standards_arena;
    struct feasibility_standards standards; /* scenario profiles, access technologies; that ship */
    pthread_rwlock_t designing;             /* see designing.c */
};

struct api_call {
    struct api *api;
    struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    const struct api_route *route;
    const char *params[API_MAX_PARAMS]; /* what stood at {…}, decoded */
    struct access_identity who;         /* role: what it counts for here, see authorise() */
    struct store_actor actor;
    char request_id[64];
    char allow[64]; /* methods of the path, when none of them was asked */
    size_t headers; /* of every answer; those after them are dropped when a handler fails */
    bool dry_run;
    struct api_operation *operation; /* that this call runs in; NULL = in none */
    const char *if_match;            /* the header; NULL = none */
    const char *object;              /* collection/id that a write touched, for the audit */
    const char *idempotency_key;     /* NULL = none or already answered */
    char fingerprint[ID_DIGEST_SIZE];
};

typedef enum err_code (*api_handler_fn)(struct api_call *call, struct err *err);

enum api_flag {
    API_OPEN = 1 << 0,        /* no token needed */
    API_NO_EFFECT = 1 << 1,   /* a POST that changes nothing: neither audit nor idempotency */
    API_SECRET = 1 << 2,      /* the answer holds a secret: never kept, neither here nor there */
    API_LIST = 1 << 3,        /* takes filter, sort, limit, cursor; answers a list of records */
    API_WATCH = 1 << 4,       /* takes watch, position */
    API_BINARY = 1 << 5,      /* the body is bytes */
    API_YAML = 1 << 6,        /* the body may be YAML */
    API_DRY_RUN = 1 << 7,     /* takes dry_run */
    API_IF_MATCH = 1 << 8,    /* takes If-Match */
    API_ACCEPTED = 1 << 9,    /* answers 202 */
    API_CREATED = 1 << 10,    /* answers 201 */
    API_NO_CONTENT = 1 << 11, /* answers 204 */
    API_LONG = 1 << 12,       /* may take long: see operations.h */
};

struct api_route {
    const char *method, *path; /* "/api/v1/sites/{id}" */
    enum access_role role;
    unsigned flags;
    const struct json_table *body;   /* NULL = none, or bytes */
    const struct json_table *answer; /* of what is answered; or */
    const char *record;              /* a record of that collection is; or neither */
    const char *query;               /* names of further query parameters, blank between */
    const char *summary;
    api_handler_fn handler;
};

struct api_routes {
    const struct api_route *items;
    size_t count;
};
/* Each file of routes gives its part of the table. */
extern const struct api_routes api_routes_base, api_routes_records, api_routes_network,
    api_routes_application, api_routes_need, api_routes_refine, api_routes_batch, api_routes_loop,
    api_routes_deployment, api_routes_operations, api_routes_twin, api_routes_access;
extern const struct api_routes *const api_route_parts[];
extern const size_t api_route_part_count;

/* ---- reading ---- */
enum err_code api_decode(struct api_call *call, const struct json_table *table, void *out,
                         struct err *err); /* empty body reads as {} */
/* If-Match as a version of that record; 0 = none given.  "*" is the version there is now. */
enum err_code api_if_match(struct api_call *call, const char *collection, const char *id,
                           int64_t *out, struct err *err);
/* NULL = sees all tenants. */
const char *api_tenant(const struct api_call *call);
/* A query parameter that is true or false; absent is false. */
enum err_code api_query_flag(const struct api_call *call, const char *name, bool *out,
                             struct err *err);
/* Does the request ask to watch?  (query.c has checked that the value is one.) */
bool api_wants_watch(const struct api_call *call);
/* Only parameters that the route takes, each once. */
enum err_code api_check_query(const struct api_call *call, struct err *err);

/* ---- lists ---- */
#define API_MAX_CONDITIONS 8
struct api_list_query {
    struct store_list_query query;
    struct store_condition conditions[API_MAX_CONDITIONS + 1]; /* one for the tenant */
};
/* One text of ?filter=: "spec.tier==edge".  Parts come from the arena. */
enum err_code api_read_filter(const char *text, struct store_condition *out, struct arena *arena,
                              struct err *err);

/* ---- answering ---- */
/* Of an answer that says none. */
int api_default_status(const struct api_route *route);
/* Takes the status that is set in the response, else that of the error. */
void api_problem(struct http_response *response, const struct err *err, const char *instance,
                 const char *request_id, const char *extra_members);
/* 200 (or the route's status) with ETag, and Location where something was made. */
void api_answer_record(struct api_call *call, const struct store_record *record);
/* The same, or 304 when the asker knows that version.  For records that change only with it. */
void api_answer_known_record(struct api_call *call, const struct store_record *record);
bool api_is_known(const struct api_call *call, const char *etag);
void api_answer_table(struct api_call *call, const struct json_table *table, const void *object);
void api_answer_text(struct api_call *call, int status, const char *content_type, const char *text);
/* Reads the record back and answers it. */
enum err_code api_answer_stored(struct api_call *call, const char *collection, const char *id,
                                struct err *err);

/* ---- one stage of the loop ---- */
/* Stores a stage, its answer and the kept answer for a repeated request in one transaction; with
 * dry_run everything but the commit. */
struct api_stage {
    struct api_call *call;
    const char *collection; /* of the record that is answered */
    /* Does the work in the transaction and leaves the id of that record; may run again. */
    enum err_code (*body)(struct store_tx *tx, struct api_stage *stage, struct err *err);
    void (*answer)(struct api_stage *stage); /* writes the answer; NULL = that record */
    char id[ID_SIZE];
    const char *existing; /* id of a record that was there before, instead of `id` */
};
enum err_code api_stage_store(struct api_stage *stage, struct err *err);
/* What is made stands in the tenant of what it is made from, also when an operator makes it. */
enum err_code api_act_for(struct api_call *call, struct store_tx *tx, const char *collection,
                          const char *id, struct err *err);

/* designing.c: the network as one need sees it; what `holder` has reserved is free for him. */
const struct network *api_network_for(struct api_call *call, const struct requirement *requirement,
                                      const struct compute_snapshot *snapshot, const char *holder);

/* judging.c: what a report is held against beside need and network: applications that answer it
 * and those that they may depend on, the standards that ship, past cases of its scenario. */
enum err_code api_judge(struct api_call *call, const struct requirement *need,
                        struct evaluation_input *out, struct err *err);

/* deployment_routes.c: the plan that removes a deployment, from its state in that transaction. */
enum err_code api_plan_removal(struct api_call *call, struct store_tx *tx, const char *deployment,
                               struct plan *out, const char **ret_order, const char **ret_title,
                               struct err *err);

/* ---- once only ---- */
/* Before a POST with a key: answers a repeated one (*ret_answered) or notes that it is under way.
 */
enum err_code api_idempotency_begin(struct api_call *call, bool *ret_answered, struct err *err);
/* Keeps the answer; in the transaction of the change where the handler has one.  Does nothing
 * without a key. */
enum err_code api_idempotency_keep(struct api_call *call, struct store_tx *tx, struct err *err);
void api_idempotency_forget(struct api_call *call);

/* ---- watching ---- */
struct api_watch *api_watch_new(struct store *store, struct access *access);
void api_watch_free(struct api_watch *watch);
/* Turns the call into a stream of events of that collection and object (NULL = all of it that the
 * asker may see).  Whether he may see the object has been checked. */
enum err_code api_watch_start(struct api_call *call, const char *collection, const char *object,
                              struct err *err);

/* Who sees a record of a collection, beside those who see all tenants. */
enum api_sight {
    API_EVERYBODY,
    API_TENANT,   /* its tenant */
    API_PUBLISHED /* its tenant; everybody once it is published */
};
/* Is the collection readable by generic routes, and by whom?  NULL = no. */
struct api_collection {
    const char *name, *singular;
    enum access_role role;
    const struct json_table *spec, *status;
    enum api_sight sight;
};
const struct api_collection *api_collection_find(const char *name);
extern const struct api_collection api_collections[];
extern const size_t api_collection_count;
bool api_may_see(const struct api_call *call, const struct api_collection *collection,
                 const struct store_record *record);

void api_metrics(struct api *api, struct buf *out);

#endif

/* api_priv.h - what the files of api share: one call, one route, and ways to answer. */
#ifndef SWAN_API_API_PRIV_H
#define SWAN_API_API_PRIV_H

#include "api/api.h"

#define API_MAX_PARAMS 2
#define API_BODY_DEFAULT ((size_t)1 << 20)
#define API_BODY_NETWORK ((size_t)256 << 20)   /* a network of 100 000 sites is about 60 MB */
#define API_BODY_ARTEFACT ((size_t)2048 << 20) /* one artefact by HTTP */

struct api_watch;

struct api {
    struct api_options options;
    struct api_watch *watch;
    _Atomic bool ready;
    _Atomic int64_t answered[6]; /* by status class */
    _Atomic int64_t writes, designs, designs_infeasible;
    int64_t started_ms;
};

struct api_call {
    struct api *api;
    struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    const struct api_route *route;
    const char *params[API_MAX_PARAMS]; /* what stood at {…}, decoded */
    struct access_identity who;
    struct store_actor actor;
    char request_id[64];
    bool dry_run;
    const char *object;          /* collection/id that a write touched, for the audit */
    const char *idempotency_key; /* NULL = none or already answered */
    char fingerprint[ID_DIGEST_SIZE];
};

typedef enum err_code (*api_handler_fn)(struct api_call *call, struct err *err);

enum api_flag {
    API_OPEN = 1 << 0,       /* no token needed */
    API_NO_AUDIT = 1 << 1,   /* a POST that changes nothing */
    API_SECRET = 1 << 2,     /* the answer holds a secret: never kept for idempotency */
    API_LIST = 1 << 3,       /* takes filter, sort, limit, cursor, watch */
    API_BINARY = 1 << 4,     /* the body is bytes */
    API_YAML = 1 << 5,       /* the body may be YAML */
    API_DRY_RUN = 1 << 6,    /* takes dry_run */
    API_ACCEPTED = 1 << 7,   /* answers 202 */
    API_CREATED = 1 << 8,    /* answers 201 */
    API_NO_CONTENT = 1 << 9, /* answers 204 */
};

struct api_route {
    const char *method, *path; /* "/api/v1/sites/{id}" */
    enum access_role role;
    unsigned flags;
    const struct json_table *body;   /* NULL = none or free */
    const struct json_table *answer; /* of what is answered */
    const char *summary;
    api_handler_fn handler;
};

struct api_routes {
    const struct api_route *items;
    size_t count;
};
/* Each file of routes gives its part of the table. */
extern const struct api_routes api_routes_base, api_routes_records, api_routes_network,
    api_routes_application, api_routes_loop, api_routes_deployment, api_routes_access;
extern const struct api_routes *const api_route_parts[];
extern const size_t api_route_part_count;

/* ---- reading ---- */
enum err_code api_decode(struct api_call *call, const struct json_table *table, void *out,
                         struct err *err); /* empty body reads as {} */
/* If-Match as a version; 0 = none given.  "*" is -2 (must exist). */
enum err_code api_if_match(struct api_call *call, int64_t *out, struct err *err);
/* NULL = sees all tenants. */
const char *api_tenant(const struct api_call *call);
bool api_query_is_true(const struct api_call *call, const char *name);

/* ---- answering ---- */
void api_problem(struct http_response *response, const struct err *err, const char *instance,
                 const char *request_id, const char *extra_members);
void api_write_record(struct buf *out, const struct store_record *record);
/* 200 (or the route's status) with ETag; honours If-None-Match on GET. */
void api_answer_record(struct api_call *call, const struct store_record *record);
void api_answer_table(struct api_call *call, const struct json_table *table, const void *object);
void api_answer_text(struct api_call *call, int status, const char *content_type, const char *text);
/* Reads the record back and answers it. */
enum err_code api_answer_stored(struct api_call *call, const char *collection, const char *id,
                                struct err *err);

/* ---- once only ---- */
/* Before a POST with a key: answers a repeated one (*ret_answered) or remembers that it is under
 * way. */
enum err_code api_idempotency_begin(struct api_call *call, bool *ret_answered, struct err *err);
/* Keeps the answer; in the transaction of the change where the handler has one.  Does nothing
 * without a key. */
enum err_code api_idempotency_keep(struct api_call *call, struct store_tx *tx, struct err *err);
void api_idempotency_forget(struct api_call *call);

/* ---- watching ---- */
struct api_watch *api_watch_new(struct store *store);
void api_watch_free(struct api_watch *watch);
/* Turns the call into a stream of events of that collection and object (NULL = all of it). */
enum err_code api_watch_start(struct api_call *call, const char *collection, const char *object,
                              struct err *err);

/* Is the collection readable by generic routes, and by whom?  NULL = no. */
struct api_collection {
    const char *name, *singular;
    enum access_role role;
    const struct json_table *spec, *status;
    bool by_tenant;
};
const struct api_collection *api_collection_find(const char *name);
extern const struct api_collection api_collections[];
extern const size_t api_collection_count;

void api_metrics(struct api *api, struct buf *out);

#endif

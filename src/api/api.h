/* api.h - the HTTP face: a route table over the services.  Thin: authenticate, authorise, decode,
 * handle. docs/api.md tells its habits; /api/v1/openapi.json is printed from the same tables. */
#ifndef SWAN_API_API_H
#define SWAN_API_API_H

#include "access/access.h"
#include "application/application.h"
#include "compute/compute.h"
#include "intelligent/intent/intent.h"
#include "provision/providers/provider.h"
#include "provision/workflow/workflow.h"
#include "store/store.h"
#include "twin/model/twin.h"
#include "wire/http.h"

extern const struct store_module api_store_module;

struct api_options { /* everything outlives the api */
    struct store *store;
    struct access *access;
    struct compute *compute;
    struct application *application;
    struct twin *twin;
    struct workflow *workflow;
    const struct provider_set *providers;
    const struct provider_host *host;
    const struct intent_reader *reader;
    const char *version;
    const char *instance;       /* name of this server */
    const char *local_place;    /* region name of this machine ("本机"), an access point too */
    double design_time_limit_s; /* most that one design may take; 0 = 10 */
    /* A design that takes longer becomes an operation, unless the request says how long it waits;
     * 0 = 1 s. */
    int64_t answer_within_ms;
    int64_t reserve_ms; /* how long designs hold their room; 0 = 10 min, -1 = not at all */
    void (*read_figures)(void *ctx, struct http_server_figures *out);
    void *ctx;
};
struct api;
enum err_code api_new(const struct api_options *options, struct api **out, struct err *err);
/* Ends watches and the thread that feeds them. */
void api_free(struct api *api);
void api_set_ready(struct api *api, bool ready); /* what /readyz says */

/* For http_server_options. */
void api_handle(void *api, struct http_request *request, struct http_response *response);
void api_refuse(void *api, const struct err *err, struct http_response *response);
/* Large bodies only for those who may send them: told before the body is read. */
size_t api_body_limit(void *api, const struct http_request *request);

/* The OpenAPI 3.1 document, as served; for tests and docs. */
void api_openapi(const char *version, struct buf *out);

#endif

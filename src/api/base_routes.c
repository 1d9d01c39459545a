/* base_routes.c - health, figures, version, the OpenAPI document and the front page. */
#include "api/api_priv.h"
#include "base/clock.h"

static enum err_code healthz(struct api_call *call, struct err *err)
{
    (void)err;
    api_answer_text(call, 200, "text/plain; charset=utf-8", "ok\n");
    return ERR_OK;
}

static enum err_code readyz(struct api_call *call, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc = store_begin(call->api->options.store, STORE_READ, &tx, err);
    if (rc)
        return err_set(err, ERR_TRANSIENT, "the store does not answer");
    if (!call->api->ready)
        return err_set(err, ERR_TRANSIENT, "still starting, or stopping");
    api_answer_text(call, 200, "text/plain; charset=utf-8", "ready\n");
    return ERR_OK;
}

static enum err_code metrics(struct api_call *call, struct err *err)
{
    (void)err;
    call->response->status = 200;
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    api_metrics(call->api, &call->response->body);
    return ERR_OK;
}

static enum err_code openapi(struct api_call *call, struct err *err)
{
    (void)err;
    api_openapi(call->api->options.version, &call->response->body);
    return ERR_OK;
}

struct version {
    const char *version, *store, *instance;
    int64_t started_at;
};
static const struct json_field version_fields[] = {
    JSON_FIELD("version", JSON_STRING, struct version, version, 0, "of Swan"),
    JSON_FIELD("store", JSON_STRING, struct version, store, 0, "sqlite or postgresql"),
    JSON_FIELD("instance", JSON_STRING, struct version, instance, 0, "name of this server"),
    JSON_FIELD("started_at", JSON_TIME, struct version, started_at, 0, "since when it runs"),
};
static const struct json_table version_table =
    JSON_TABLE("Version", struct version, version_fields, "what runs here", NULL);

static enum err_code version(struct api_call *call, struct err *err)
{
    (void)err;
    struct version answer = {call->api->options.version, store_kind(call->api->options.store),
                             call->api->options.instance, call->api->started_ms};
    api_answer_table(call, &version_table, &answer);
    return ERR_OK;
}

/* Until the console is there: says what this is and where to go on. */
static const char *const page =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Swan 算网</title>"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:42em;margin:4em auto;padding:0 1em;"
    "color:#1c2733}code,pre{background:#eef2f6;padding:.15em .4em;border-radius:4px}"
    "pre{padding:1em;overflow:auto}a{color:#0b63c5}h1{font-weight:600}</style>"
    "<h1>Swan 算网</h1><p>An operations platform for computing power networks is running here. "
    "算力网络运营平台正在运行。</p>"
    "<p>Say what you need in a terminal · 在终端里说出需求：</p>"
    "<pre>build/swan launch \"在本机部署一个 hello 网页服务，2个副本\"</pre>"
    "<ul><li><a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a></li>"
    "<li><a href=\"/metrics\">Metrics</a> · <a href=\"/healthz\">health</a> · "
    "<a href=\"/readyz\">ready</a></li></ul></html>\n";

static enum err_code front(struct api_call *call, struct err *err)
{
    (void)err;
    http_add_header(call->response, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'");
    api_answer_text(call, 200, "text/html; charset=utf-8", page);
    return ERR_OK;
}

static const struct api_route routes[] = {
    {"GET", "/", ACCESS_NOBODY, API_OPEN, NULL, NULL, NULL, NULL, "front page", front},
    {"GET", "/healthz", ACCESS_NOBODY, API_OPEN, NULL, NULL, NULL, NULL, "the process lives",
     healthz},
    {"GET", "/readyz", ACCESS_NOBODY, API_OPEN, NULL, NULL, NULL, NULL, "requests can be served",
     readyz},
    {"GET", "/metrics", ACCESS_NOBODY, API_OPEN, NULL, NULL, NULL, NULL, "figures for Prometheus",
     metrics},
    {"GET", "/api/v1/openapi.json", ACCESS_NOBODY, API_OPEN, NULL, NULL, NULL, NULL,
     "this document", openapi},
    {"GET", "/api/v1/version", ACCESS_NOBODY, API_OPEN, NULL, &version_table, NULL, NULL,
     "version and store", version},
};
const struct api_routes api_routes_base = {routes, ARRAY_LEN(routes)};

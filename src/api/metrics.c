/* metrics.c - figures in the Prometheus text format. */
#include "api/api_priv.h"
#include "base/clock.h"

static void figure(struct buf *out, const char *name, const char *type, const char *help,
                   int64_t value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name,
               (long long)value);
}

void api_metrics(struct api *api, struct buf *out)
{
    struct store_figures store;
    struct workflow_figures flow;
    struct http_server_figures http = {0};
    store_figures(api->options.store, &store);
    workflow_figures(api->options.workflow, &flow);
    if (api->options.read_figures)
        api->options.read_figures(api->options.ctx, &http);

    buf_add_str(out, "# HELP swan_http_answers_total answers by status class\n"
                     "# TYPE swan_http_answers_total counter\n");
    for (int class = 1; class <= 5; class ++)
        buf_printf(out, "swan_http_answers_total{class=\"%dxx\"} %lld\n", class,
                   (long long)api->answered[class]);
    figure(out, "swan_http_open_connections", "gauge", "connections open now",
           http.open_connections);
    figure(out, "swan_http_open_streams", "gauge", "watches open now", http.open_streams);
    figure(out, "swan_http_refused_total", "counter", "requests refused before a handler",
           http.refused);
    figure(out, "swan_writes_total", "counter", "writes that were tried", api->writes);
    figure(out, "swan_unaudited_refusals_total", "counter",
           "refused writes of strangers beyond those that are audited", api->unaudited);
    figure(out, "swan_designs_total", "counter", "designs made", api->designs);
    figure(out, "swan_designs_infeasible_total", "counter", "designs without solution",
           api->designs_infeasible);
    figure(out, "swan_store_commits_total", "counter", "transactions committed", store.commits);
    figure(out, "swan_store_rollbacks_total", "counter", "transactions rolled back",
           store.rollbacks);
    figure(out, "swan_store_retries_total", "counter", "transactions run again", store.retries);
    figure(out, "swan_runs_active", "gauge", "runs under way", flow.runs_active);
    figure(out, "swan_tasks_active", "gauge", "tasks under way", flow.tasks_active);
    figure(out, "swan_tasks_succeeded_total", "counter", "tasks that ended well",
           flow.tasks_succeeded);
    figure(out, "swan_tasks_failed_total", "counter", "tasks that failed for good",
           flow.tasks_failed);
    figure(out, "swan_tasks_retried_total", "counter", "attempts that were repeated",
           flow.tasks_retried);
    figure(out, "swan_tasks_undone_total", "counter", "tasks undone", flow.tasks_undone);
    figure(out, "swan_leases_taken_over_total", "counter", "tasks taken over from a dead server",
           flow.leases_taken_over);
    struct twin_figures twin;
    twin_figures(api->options.twin, &twin);
    figure(out, "swan_twin_entities", "gauge", "entities of the twin, also ended ones",
           twin.entities);
    figure(out, "swan_twin_edges", "gauge", "edges of the twin, also ended ones", twin.edges);
    figure(out, "swan_twin_position", "gauge", "journal position that the twin shows",
           twin.position);
    figure(out, "swan_uptime_seconds", "gauge", "since this server started",
           (clock_now_ms() - api->started_ms) / 1000);
}

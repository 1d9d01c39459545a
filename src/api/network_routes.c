/* network_routes.c - sites, links, access points, connections, prices (算力管理). */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/str.h"

struct counts {
    int64_t sites, links, access_points, price_notes, prices, unchanged;
};
static const struct json_field counts_fields[] = {
    JSON_FIELD("sites", JSON_INT, struct counts, sites, 0, "added or changed"),
    JSON_FIELD("links", JSON_INT, struct counts, links, 0, "added or changed"),
    JSON_FIELD("access_points", JSON_INT, struct counts, access_points, 0, "added or changed"),
    JSON_FIELD("price_notes", JSON_INT, struct counts, price_notes, 0, "added or changed"),
    JSON_FIELD("prices", JSON_INT, struct counts, prices, 0, "added or changed"),
    JSON_FIELD("unchanged", JSON_INT, struct counts, unchanged, 0, "as they were"),
};
static const struct json_table counts_table =
    JSON_TABLE("ImportCounts", struct counts, counts_fields, "what an import changed", NULL);

static enum err_code same_name(struct api_call *call, const char *name, const char *field,
                               struct err *err)
{
    if (str_eq(name, call->params[0]))
        return ERR_OK;
    err_set(err, ERR_INVALID, "the path names '%s', the body '%s'", call->params[0], name);
    return err_field(err, "%s", field);
}

static enum err_code import_network(struct api_call *call, struct err *err)
{
    struct network network;
    struct compute_import_counts done;
    enum err_code rc;
    if ((rc = network_read_text(call->request->body, call->request->body_len, &network, call->arena,
                                err)) ||
        (rc = compute_import(call->api->options.compute, &network, NULL, call->dry_run,
                             &call->actor, &done, err)))
        return rc;
    struct counts counts = {.sites = done.sites,
                            .links = done.links,
                            .access_points = done.access_points,
                            .unchanged = done.unchanged};
    api_answer_table(call, &counts_table, &counts);
    return ERR_OK;
}

static enum err_code import_notes(struct api_call *call, struct err *err)
{
    struct price_notes notes;
    struct network none = {0};
    struct compute_import_counts done;
    enum err_code rc;
    if ((rc = api_decode(call, &price_notes_table, &notes, err)) ||
        (rc = compute_import(call->api->options.compute, &none, &notes, call->dry_run, &call->actor,
                             &done, err)))
        return rc;
    struct counts counts = {.price_notes = done.price_notes, .unchanged = done.unchanged};
    api_answer_table(call, &counts_table, &counts);
    return ERR_OK;
}

static enum err_code import_prices(struct api_call *call, struct err *err)
{
    struct price_book book;
    struct counts counts = {0};
    enum err_code rc;
    if ((rc = api_decode(call, &price_book_table, &book, err)) ||
        (rc = compute_price_book_import(call->api->options.compute, &book, &call->actor,
                                        &counts.prices, err)))
        return rc;
    counts.unchanged = (int64_t)book.items.count - counts.prices;
    api_answer_table(call, &counts_table, &counts);
    return ERR_OK;
}

static enum err_code export_network(struct api_call *call, struct err *err)
{
    (void)err;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    api_answer_table(call, &network_table, compute_network_declared(snapshot, call->arena));
    compute_snapshot_unref(snapshot);
    return ERR_OK;
}

static enum err_code site_put(struct api_call *call, struct err *err)
{
    struct site site;
    int64_t expected;
    enum err_code rc;
    if ((rc = api_decode(call, &network_site_table, &site, err)) ||
        (rc = same_name(call, site.id, "id", err)) ||
        (rc = api_if_match(call, "sites", site.id, &expected, err)))
        return rc;
    const char *none = http_header(call->request, "If-None-Match");
    if (none && str_eq(none, "*"))
        expected = -1;
    rc = compute_site_put(call->api->options.compute, &site, expected, &call->actor, NULL, err);
    return rc ? rc : api_answer_stored(call, "sites", site.id, err);
}

static enum err_code site_delete(struct api_call *call, struct err *err)
{
    int64_t expected;
    call->object = arena_printf(call->arena, "sites/%s", call->params[0]);
    enum err_code rc = api_if_match(call, "sites", call->params[0], &expected, err);
    return rc ? rc
              : compute_site_delete(call->api->options.compute, call->params[0], expected,
                                    &call->actor, err);
}

static void set_error(struct compute_site_status *status, const struct err *err,
                      struct arena *arena)
{
    status->state = err->code == ERR_TRANSIENT || err->code == ERR_TIMEOUT ? COMPUTE_UNREACHABLE
                                                                           : COMPUTE_UNKNOWN;
    status->error = arena_strdup(arena, err->text);
}

/* Asks the site's first connection what is there; an answer, also a bad one, goes into its status.
 */
static enum err_code site_discover(struct api_call *call, struct err *err)
{
    const char *id = call->params[0];
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    const struct site_connection *connection =
        site_connection_find(&snapshot->connections, id, FORM_ABSENT);
    struct provider_discovery found = {0};
    struct err trouble = ERR_INIT;
    enum err_code rc = ERR_OK;
    if (!network_find_site(&snapshot->network, id)) {
        rc = err_set(err, ERR_NOT_FOUND, "no site is named '%s'", id);
    } else if (!connection) {
        err_set(err, ERR_CONFLICT, "site '%s' has no connection: it is catalogue only", id);
        rc = err_hint(err, "swan connection add --site %s --provider host --endpoint …", id);
    } else {
        const struct provider_ops *provider =
            provider_find(call->api->options.providers, connection->provider);
        struct provider_call ask = {.endpoint = connection->endpoint,
                                    .host = call->api->options.host};
        if (!provider)
            rc = err_set(err, ERR_UNSUPPORTED, "no provider is named '%s'", connection->provider);
        else
            provider->discover(&ask, &found, call->arena, &trouble);
    }
    compute_snapshot_unref(snapshot);
    if (rc)
        return rc;
    struct compute_site_status status = {.state = COMPUTE_UP, .checked_at = clock_now_ms()};
    if (trouble.code) {
        set_error(&status, &trouble, call->arena);
    } else {
        status.seen_at = status.checked_at;
        status.measured = found.capacity;
        status.used = found.used;
        status.system = found.system;
        status.engine = found.engine;
    }
    rc = compute_site_observed(call->api->options.compute, id, &status, err);
    return rc ? rc : api_answer_stored(call, "sites", id, err);
}

static enum err_code link_put(struct api_call *call, struct err *err)
{
    struct network_link link;
    int64_t expected;
    enum err_code rc;
    if ((rc = api_decode(call, &network_link_table, &link, err)))
        return rc;
    const char *id = arena_printf(call->arena, "%s~%s", link.a, link.b);
    if ((rc = same_name(call, id, "a", err)) ||
        (rc = api_if_match(call, "links", id, &expected, err)) ||
        (rc = compute_link_put(call->api->options.compute, &link, expected, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "links", id, err);
}

static enum err_code link_delete(struct api_call *call, struct err *err)
{
    int64_t expected;
    call->object = arena_printf(call->arena, "links/%s", call->params[0]);
    enum err_code rc = api_if_match(call, "links", call->params[0], &expected, err);
    return rc ? rc
              : compute_link_delete(call->api->options.compute, call->params[0], expected,
                                    &call->actor, err);
}

static enum err_code access_put(struct api_call *call, struct err *err)
{
    struct network_access access;
    enum err_code rc;
    if ((rc = api_decode(call, &network_access_table, &access, err)) ||
        (rc = same_name(call, access.id, "id", err)) ||
        (rc = compute_access_put(call->api->options.compute, &access, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "access-points", access.id, err);
}

static enum err_code connection_put(struct api_call *call, struct err *err)
{
    struct site_connection connection;
    enum err_code rc = api_decode(call, &site_connection_table, &connection, err);
    if (rc)
        return rc;
    const char *id = arena_printf(call->arena, "%s~%s", connection.site, connection.provider);
    if ((rc = same_name(call, id, "site", err)))
        return rc;
    const struct provider_ops *provider =
        provider_find(call->api->options.providers, connection.provider);
    if (!provider) {
        err_set(err, ERR_INVALID, "no provider is named '%s'", connection.provider);
        return err_field(err, "provider");
    }
    if ((rc = provider->match(connection.endpoint, err)))
        return err_field(err, "endpoint");
    for (const int *form = provider->forms; *form != FORM_ABSENT; form++)
        *LIST_ADD(call->arena, &connection.forms) = *form;
    connection.simulated = provider->simulated;
    if ((rc = compute_connection_put(call->api->options.compute, &connection, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "connections", id, err);
}

static enum err_code connection_delete(struct api_call *call, struct err *err)
{
    call->object = arena_printf(call->arena, "connections/%s", call->params[0]);
    const char *tilde = strrchr(call->params[0], '~');
    if (!tilde)
        return err_set(err, ERR_NOT_FOUND, "no connection is named '%s'", call->params[0]);
    const char *site =
        arena_strndup(call->arena, call->params[0], (size_t)(tilde - call->params[0]));
    return compute_connection_delete(call->api->options.compute, site, tilde + 1, &call->actor,
                                     err);
}

static const struct api_route routes[] = {
    {"PUT", "/api/v1/sites/{id}", ACCESS_OPERATOR, API_IF_MATCH, &network_site_table, NULL, "sites",
     NULL, "add or replace a site", site_put},
    {"DELETE", "/api/v1/sites/{id}", ACCESS_OPERATOR, API_IF_MATCH | API_NO_CONTENT, NULL, NULL,
     NULL, NULL, "remove a site", site_delete},
    {"POST", "/api/v1/sites/{id}/discover", ACCESS_OPERATOR, 0, NULL, NULL, "sites", NULL,
     "measure a site through its connection", site_discover},
    {"PUT", "/api/v1/links/{id}", ACCESS_OPERATOR, API_IF_MATCH, &network_link_table, NULL, "links",
     NULL, "add or replace a link", link_put},
    {"DELETE", "/api/v1/links/{id}", ACCESS_OPERATOR, API_IF_MATCH | API_NO_CONTENT, NULL, NULL,
     NULL, NULL, "remove a link", link_delete},
    {"PUT", "/api/v1/access-points/{id}", ACCESS_OPERATOR, 0, &network_access_table, NULL,
     "access-points", NULL, "add or replace an access point", access_put},
    {"PUT", "/api/v1/connections/{id}", ACCESS_OPERATOR, 0, &site_connection_table, NULL,
     "connections", NULL, "say how a site is opened", connection_put},
    {"DELETE", "/api/v1/connections/{id}", ACCESS_OPERATOR, API_NO_CONTENT, NULL, NULL, NULL, NULL,
     "forget how a site is opened", connection_delete},
    {"GET", "/api/v1/network", ACCESS_VIEWER, 0, NULL, &network_table, NULL, NULL,
     "the whole network as a network file", export_network},
    {"POST", "/api/v1/network/import", ACCESS_OPERATOR, API_YAML | API_DRY_RUN, &network_table,
     &counts_table, NULL, NULL, "add or replace what a network file holds", import_network},
    {"POST", "/api/v1/price-notes/import", ACCESS_OPERATOR, API_YAML | API_DRY_RUN,
     &price_notes_table, &counts_table, NULL, NULL, "say where prices come from", import_notes},
    {"POST", "/api/v1/prices/import", ACCESS_OPERATOR, API_YAML, &price_book_table, &counts_table,
     NULL, NULL, "add or replace lines of the price book", import_prices},
};
const struct api_routes api_routes_network = {routes, ARRAY_LEN(routes)};

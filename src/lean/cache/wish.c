/* wish.c - what is asked of a placement: artefacts, forecast demand, room; from YAML, JSON and CSV.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "lean/cache/cache_priv.h"

#define LINE_MOST 1024 /* bytes of a row of the CSV */
#define ARENA_EVERY 4096

const char *const cache_artefact_kind_names[] = {NULL, "image", "package", "data", "config", NULL};

static const struct json_field artefact_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct cache_artefact, id, JSON_REQUIRED | JSON_NON_EMPTY,
               "unique name"),
    JSON_FIELD_ENUM("kind", struct cache_artefact, kind, 0, cache_artefact_kind_names,
                    "what it is"),
    JSON_FIELD_RANGE("size_gib", JSON_DOUBLE, struct cache_artefact, size_gib,
                     JSON_REQUIRED | JSON_POSITIVE, 0, 1e9, "size"),
    {.name = "origins",
     .kind = JSON_STRINGS,
     .offset = offsetof(struct cache_artefact, origins),
     .flags = JSON_REQUIRED | JSON_NON_EMPTY,
     .max_len = 1000,
     .doc = "sites that hold it anyway"},
    JSON_FIELD_RANGE("updates", JSON_OPT_DOUBLE, struct cache_artefact, updates, 0, 0, 1e6,
                     "new versions a month: each copy is fetched anew; 1 if not said"),
};
static const struct json_table artefact_table =
    JSON_TABLE("CacheArtefact", struct cache_artefact, artefact_fields, "what can be cached", NULL);

static const struct json_field demand_fields[] = {
    JSON_FIELD("site", JSON_STRING, struct cache_demand, site, JSON_REQUIRED | JSON_NON_EMPTY,
               "who fetches"),
    JSON_FIELD("artefact", JSON_STRING, struct cache_demand, artefact,
               JSON_REQUIRED | JSON_NON_EMPTY, "what"),
    JSON_FIELD_RANGE("fetches", JSON_DOUBLE, struct cache_demand, fetches, JSON_REQUIRED, 0, 1e12,
                     "times a month, as forecast"),
};
static const struct json_table demand_table =
    JSON_TABLE("CacheDemand", struct cache_demand, demand_fields, "forecast demand", NULL);

static const struct json_field storage_fields[] = {
    JSON_FIELD("site", JSON_STRING, struct cache_storage, site, JSON_REQUIRED | JSON_NON_EMPTY,
               "where"),
    JSON_FIELD_RANGE("gib", JSON_DOUBLE, struct cache_storage, gib, JSON_REQUIRED, 0, 1e15,
                     "room for copies"),
};
static const struct json_table storage_table =
    JSON_TABLE("CacheStorage", struct cache_storage, storage_fields, "room for copies", NULL);

static const struct json_field wish_fields[] = {
    JSON_FIELD_TABLE("artefacts", JSON_ARRAY, struct cache_wish, artefacts,
                     JSON_REQUIRED | JSON_NON_EMPTY, &artefact_table, "what can be cached"),
    JSON_FIELD_TABLE("demand", JSON_ARRAY, struct cache_wish, demand, 0, &demand_table,
                     "who will fetch what how often"),
    JSON_FIELD_TABLE("storage", JSON_ARRAY, struct cache_wish, storage, 0, &storage_table,
                     "room by site"),
    JSON_FIELD_RANGE("storage_percent", JSON_OPT_DOUBLE, struct cache_wish, storage_percent, 0, 0,
                     100, "of the free disk of sites that storage does not name"),
    JSON_FIELD_RANGE("round_trips", JSON_OPT_DOUBLE, struct cache_wish, round_trips, 0, 0, 1000,
                     "before the first byte of a fetch; 4 if not said"),
};
const struct json_table cache_wish_table =
    JSON_TABLE("CacheWish", struct cache_wish, wish_fields,
               "what may be cached, for whom, in what room", NULL);

/* ---- demand as CSV ---- */

enum { SITE, ARTEFACT, FETCHES, COLUMNS };
static const char *const columns[COLUMNS] = {"site", "artefact", "fetches"};

struct row {
    const char *cell[COLUMNS];
    size_t len[COLUMNS];
    size_t count;
};

static enum err_code split(const char *line, size_t len, size_t number, struct row *out,
                           struct err *err)
{
    out->count = 0;
    for (const char *at = line, *end = line + len;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t cell = comma ? (size_t)(comma - at) : (size_t)(end - at);
        if (out->count == COLUMNS)
            return err_set(err, ERR_INVALID, "line %zu: more than %d cells", number, COLUMNS);
        out->cell[out->count] = at;
        out->len[out->count++] = cell;
        if (!comma)
            break;
        at = comma + 1;
    }
    if (out->count != COLUMNS)
        return err_set(err, ERR_INVALID, "line %zu: %zu cells, wanted are site, artefact, fetches",
                       number, out->count);
    return ERR_OK;
}

static enum err_code find_columns(const struct row *header, size_t *place, struct err *err)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        place[c] = COLUMNS;
        for (size_t k = 0; k < COLUMNS; k++)
            if (header->len[k] == strlen(columns[c]) &&
                memcmp(header->cell[k], columns[c], header->len[k]) == 0)
                place[c] = k;
        if (place[c] == COLUMNS)
            return err_set(err, ERR_INVALID, "line 1: no column is named '%s'", columns[c]);
    }
    return ERR_OK;
}

static enum err_code read_row(const struct row *row, const size_t *place, size_t number,
                              struct cache_demand *out, struct arena *arena, struct err *err)
{
    char text[64], *end;
    size_t len = row->len[place[FETCHES]];
    if (!row->len[place[SITE]] || !row->len[place[ARTEFACT]])
        return err_set(err, ERR_INVALID, "line %zu: a cell is empty", number);
    if (!len || len >= sizeof text)
        return err_set(err, ERR_INVALID, "line %zu: fetches is no number", number);
    memcpy(text, row->cell[place[FETCHES]], len);
    text[len] = '\0';
    double fetches = strtod(text, &end);
    if (*end || strspn(text, "0123456789+-.eE") != len || !(fetches >= 0 && fetches <= 1e12))
        return err_set(err, ERR_INVALID, "line %zu: fetches is '%.32s', wanted is 0 to 1e12",
                       number, text);
    out->site = arena_strndup(arena, row->cell[place[SITE]], row->len[place[SITE]]);
    out->artefact = arena_strndup(arena, row->cell[place[ARTEFACT]], row->len[place[ARTEFACT]]);
    out->fetches = fetches;
    return ERR_OK;
}

enum err_code cache_read_demand(const char *text, size_t len, struct cache_wish *wish,
                                struct arena *arena, struct err *err)
{
    size_t place[COLUMNS] = {0}, number = 0;
    __typeof__(wish->demand) demand = {NULL, 0}; /* LIST_ADD wants a list of its own */
    for (size_t i = 0; i < wish->demand.count; i++)
        *LIST_ADD(arena, &demand) = wish->demand.items[i];
    for (const char *at = text, *end = text + len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at);
        size_t bare = line && at[line - 1] == '\r' ? line - 1 : line;
        struct row row;
        enum err_code rc;
        number++;
        if (bare > LINE_MOST)
            return err_set(err, ERR_TOO_LARGE, "line %zu has more than %d bytes", number,
                           LINE_MOST);
        if (memchr(at, '\0', bare))
            return err_set(err, ERR_INVALID, "line %zu holds a zero byte", number);
        if (bare) {
            if ((rc = split(at, bare, number, &row, err)))
                return rc;
            if (number == 1)
                rc = find_columns(&row, place, err);
            else
                rc = read_row(&row, place, number, LIST_ADD(arena, &demand), arena, err);
            if (rc)
                return rc;
        } else if (number == 1) {
            return err_set(err, ERR_INVALID, "line 1: wanted is site,artefact,fetches");
        }
        if (number % ARENA_EVERY == 0 && (rc = arena_check(arena, err)))
            return err_context(err, "line %zu", number);
        at += line + 1;
    }
    if (!number)
        return err_set(err, ERR_INVALID, "line 1: wanted is site,artefact,fetches");
    wish->demand.items = demand.items;
    wish->demand.count = demand.count;
    return ERR_OK;
}

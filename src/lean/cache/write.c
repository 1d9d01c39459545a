/* write.c - answers as JSON. */
#include "base/json.h"
#include "lean/cache/cache_priv.h"

void cache_write_located(const struct cache_orlib *problem, const struct cache_located *located,
                         struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    size_t customers = problem->location.customers;
    json_begin(&w, '{');
    json_member_text(&w, "problem",
                     problem->median              ? "p-median"
                     : problem->location.capacity ? "capacitated"
                                                  : "uncapacitated");
    json_key(&w, "cost");
    json_put_double(&w, located->cost);
    json_key(&w, "lower_bound");
    json_put_double(&w, located->lower_bound);
    json_key(&w, "gap");
    json_put_double(&w,
                    located->cost > 0 ? (located->cost - located->lower_bound) / located->cost : 0);
    json_member_bool(&w, "proven", located->proven);
    json_member_text(&w, "proved_by", located->proved_by);
    json_member_int(&w, "nodes", located->nodes);
    json_member_int(&w, "steps", located->steps);
    json_key(&w, "open");
    json_begin(&w, '[');
    for (size_t i = 0; i < located->open.count; i++)
        json_put_int(&w, (int64_t)located->open.items[i] + 1);
    json_end(&w, ']');
    json_key(&w, "assign");
    json_begin(&w, '[');
    for (size_t j = 0; j < customers; j++)
        json_put_int(&w, (int64_t)located->assign[j] + 1);
    json_end(&w, ']');
    if (problem->location.capacity) {
        json_key(&w, "shares");
        json_begin(&w, '[');
        for (size_t k = 0; k < located->shares.count; k++) {
            const struct cache_share *share = &located->shares.items[k];
            json_begin(&w, '[');
            json_put_int(&w, (int64_t)share->customer + 1);
            json_put_int(&w, (int64_t)share->facility + 1);
            json_put_double(&w, share->part);
            json_end(&w, ']');
        }
        json_end(&w, ']');
    }
    json_end(&w, '}');
}

static void write_copies(struct json_writer *w, const struct network *network,
                         const struct cache_wish *wish, const struct cache_placement *placement)
{
    json_key(w, "copies");
    json_begin(w, '[');
    for (size_t k = 0; k < placement->copies.count; k++) {
        const struct cache_copy *copy = &placement->copies.items[k];
        json_begin(w, '{');
        json_member_text(w, "site", network->sites.items[copy->site].id);
        json_member_text(w, "artefact", wish->artefacts.items[copy->artefact].id);
        json_member_double(w, "saved_s", copy->saved_s);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void write_fetches(struct json_writer *w, const struct network *network,
                          const struct cache_wish *wish, const struct cache_placement *placement)
{
    json_key(w, "fetches");
    json_begin(w, '[');
    for (size_t k = 0; k < placement->fetches.count; k++) {
        const struct cache_fetch *fetch = &placement->fetches.items[k];
        json_begin(w, '{');
        json_member_text(w, "site", network->sites.items[fetch->site].id);
        json_member_text(w, "artefact", wish->artefacts.items[fetch->artefact].id);
        json_member_text(w, "from", network->sites.items[fetch->from].id);
        json_member_double(w, "seconds", fetch->seconds);
        json_end(w, '}');
    }
    json_end(w, ']');
}

void cache_write_placement(const struct network *network, const struct cache_wish *wish,
                           const struct cache_placement *placement, bool fetches, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_double(&w, "seconds_before", placement->seconds_before);
    json_member_double(&w, "seconds", placement->seconds);
    json_member_double(&w, "filling_s", placement->filling_s);
    json_member_double(&w, "lower_bound", placement->lower_bound);
    json_member_double(&w, "gap",
                       placement->seconds > 0
                           ? (placement->seconds - placement->lower_bound) / placement->seconds
                           : 0);
    json_member_double(&w, "origin_gib_before", placement->origin_gib_before);
    json_member_double(&w, "origin_gib", placement->origin_gib);
    json_member_double(&w, "stored_gib", placement->stored_gib);
    json_member_int(&w, "sites_with_room", placement->sites_with_room);
    json_member_int(&w, "unmet", placement->unmet);
    json_member_int(&w, "links_left_out", placement->links_left_out);
    json_member_bool(&w, "stopped", placement->stopped);
    write_copies(&w, network, wish, placement);
    if (fetches)
        write_fetches(&w, network, wish, placement);
    json_end(&w, '}');
}

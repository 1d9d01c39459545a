/* packs.c - packed snapshots of the graph in the store.
 *
 * Contract: parts first, each in a transaction of its own so that other writers get in between;
 * then the row of twin_packs that makes them a pack.  A crash leaves parts without that row: nobody
 * reads them, and a later pack removes them when they are an hour old (another server may be
 * writing).  What a pack holds the journal holds too: a damaged one is only slow. */
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "twin/model/twin_priv.h"

#define PART_BYTES ((size_t)1 << 20)
#define PACKS_KEPT 4 /* older moments are made from these, or from the whole journal */
#define ORPHAN_MS 3600000

enum err_code twin_pack_find(struct store_tx *tx, int64_t at, struct twin_pack_info *out,
                             struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_INT(at)};
    struct store_rows rows;
    *out = (struct twin_pack_info){.position = 0};
    enum err_code rc = store_query(tx,
                                   "SELECT pack, position, at_ms, parts, entities, edges FROM"
                                   " twin_packs WHERE at_ms <= $1 ORDER BY position DESC, pack"
                                   " LIMIT 1",
                                   args, 1, 1, &rows, &arena, err);
    if (rc || !rows.count)
        return rc;
    str_format(out->id, sizeof out->id, "%s", store_cell(&rows, 0, 0)->text);
    out->position = store_cell(&rows, 0, 1)->integer;
    out->at = store_cell(&rows, 0, 2)->integer;
    out->parts = store_cell(&rows, 0, 3)->integer;
    out->entities = store_cell(&rows, 0, 4)->integer;
    out->edges = store_cell(&rows, 0, 5)->integer;
    return ERR_OK;
}

static enum err_code read_parts(struct store_tx *tx, const struct twin_pack_info *info,
                                struct graph_unpacking *unpacking, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    enum err_code rc = ERR_OK;
    for (int64_t i = 0; !rc && i < info->parts; i++) {
        struct store_value args[] = {STORE_V_TEXT(info->id), STORE_V_INT(i)};
        struct store_rows rows;
        arena_clear(&arena);
        if ((rc = store_query(tx, "SELECT body FROM twin_pack_parts WHERE pack = $1 AND part = $2",
                              args, 2, 1, &rows, &arena, err)))
            return rc;
        if (!rows.count)
            return err_set(err, ERR_CORRUPT, "part %lld of %s is missing", (long long)i, info->id);
        rc = graph_unpack(unpacking, store_cell(&rows, 0, 0)->text, store_cell(&rows, 0, 0)->len,
                          err);
    }
    return rc;
}

enum err_code twin_pack_read(struct store_tx *tx, const struct twin_pack_info *info, uint64_t seed,
                             struct graph_snapshot **out, struct err *err)
{
    struct graph_unpacking *unpacking = graph_unpack_new(seed);
    enum err_code rc = read_parts(tx, info, unpacking, err);
    if (!rc)
        rc = graph_unpack_end(unpacking, info->at, info->position, out, err);
    if (rc) {
        graph_unpack_free(unpacking);
        return rc;
    }
    if (graph_entity_count(*out) == info->entities && graph_edge_count(*out) == info->edges)
        return ERR_OK;
    graph_unref(*out);
    return err_set(err, ERR_CORRUPT, "pack %s does not hold what it says", info->id);
}

/* ---- writing ---- */

struct part {
    const char *pack;
    int64_t number;
    const struct buf *body;
};

static enum err_code write_part(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct part *part = ctx;
    struct store_value args[] = {STORE_V_TEXT(part->pack), STORE_V_INT(part->number),
                                 STORE_V_INT(clock_now_ms()),
                                 STORE_V_BLOB(part->body->data, part->body->len)};
    return store_exec(tx,
                      "INSERT INTO twin_pack_parts (pack, part, made_ms, body)"
                      " VALUES ($1, $2, $3, $4)",
                      args, ARRAY_LEN(args), NULL, err);
}

static enum err_code write_pack(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct twin_pack_info *info = ctx;
    struct store_value args[] = {STORE_V_TEXT(info->id),      STORE_V_INT(info->position),
                                 STORE_V_INT(info->at),       STORE_V_INT(info->parts),
                                 STORE_V_INT(info->entities), STORE_V_INT(info->edges)};
    struct store_value kept[] = {STORE_V_INT(PACKS_KEPT)};
    struct store_value orphan[] = {STORE_V_INT(clock_now_ms() - ORPHAN_MS)};
    enum err_code rc = store_exec(tx,
                                  "INSERT INTO twin_packs (pack, position, at_ms, parts, entities,"
                                  " edges) VALUES ($1, $2, $3, $4, $5, $6)",
                                  args, ARRAY_LEN(args), NULL, err);
    if (!rc)
        rc = store_exec(tx,
                        "DELETE FROM twin_packs WHERE pack NOT IN (SELECT pack FROM twin_packs"
                        " ORDER BY position DESC, pack LIMIT $1)",
                        kept, 1, NULL, err);
    if (!rc)
        rc = store_exec(tx,
                        "DELETE FROM twin_pack_parts WHERE pack NOT IN (SELECT pack FROM"
                        " twin_packs) AND made_ms < $1",
                        orphan, 1, NULL, err);
    return rc;
}

enum err_code twin_pack_write(struct store *store, const struct graph_snapshot *snapshot,
                              struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct graph_packing at = {0, 0};
    struct twin_pack_info info = {.position = graph_marked(snapshot),
                                  .at = graph_published_ms(snapshot),
                                  .entities = graph_entity_count(snapshot),
                                  .edges = graph_edge_count(snapshot)};
    enum err_code rc = ERR_OK;
    id_new("pack", info.id);
    while (!rc && graph_pack(snapshot, &at, PART_BYTES, &body)) {
        struct part part = {info.id, info.parts++, &body};
        if (!(rc = buf_check(&body, err)))
            rc = store_write(store, write_part, &part, err);
        buf_clear(&body);
    }
    return rc ? rc : store_write(store, write_pack, &info, err);
}

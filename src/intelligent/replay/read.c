/* read.c - nodes and pods from CSV.
 *
 * Contract: every amount is a whole number within its bound, so no later sum can overflow; names of
 * nodes and ids of pods are unique; on failure *out is as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "intelligent/replay/replay_csv.h"
#include "intelligent/replay/replay_priv.h"

#define CPU_MOST 1000000000       /* milli: a million cores */
#define MEMORY_MOST 1000000000000 /* MiB */
#define TEXT_MOST 256             /* bytes of a name */
#define ARENA_EVERY 4096          /* rows between looks at the arena */

/* ERR_OK with *more = false at the end of the text. */
static enum err_code next_row(struct replay_csv *csv, size_t cells, size_t done,
                              const struct arena *arena, bool *more, struct err *err)
{
    enum err_code rc = ERR_OK;
    *more = replay_csv_next(csv, err);
    if (!*more)
        return err->code;
    if (csv->count != cells)
        return err_set(err, ERR_INVALID, "line %zu: %zu cells, the header has %zu", csv->number,
                       csv->count, cells);
    if (done % ARENA_EVERY == 0 && (rc = arena_check(arena, err)))
        err_context(err, "line %zu", csv->number);
    return rc;
}

static enum err_code check_text(const struct replay_csv *csv, const char *column, const char *text,
                                struct err *err)
{
    if (!*text)
        return err_set(err, ERR_INVALID, "line %zu: %s is empty", csv->number, column);
    if (strlen(text) > TEXT_MOST)
        return err_set(err, ERR_TOO_LARGE, "line %zu: %s is longer than %d bytes", csv->number,
                       column, TEXT_MOST);
    return ERR_OK;
}

static int find_model(const struct replay_fleet *fleet, const char *name, size_t len)
{
    for (size_t i = 0; i < fleet->models.count; i++)
        if (strlen(fleet->models.items[i]) == len && memcmp(fleet->models.items[i], name, len) == 0)
            return (int)i;
    return -1;
}

/* ---- nodes ---- */

enum { N_SN, N_CPU, N_MEMORY, N_GPU, N_MODEL, N_COLUMNS };
static const struct replay_column node_columns[N_COLUMNS] = {
    {"sn", false}, {"cpu_milli", false}, {"memory_mib", false}, {"gpu", false}, {"model", false}};

static enum err_code add_node(const struct replay_csv *csv, const int *places, struct map *names,
                              struct replay_fleet *fleet, struct arena *arena, struct err *err)
{
    const char *sn = replay_csv_text(csv, places[N_SN]);
    const char *model = replay_csv_text(csv, places[N_MODEL]);
    struct replay_node node = {.model = -1};
    int64_t gpus;
    enum err_code rc;
    if ((rc = check_text(csv, "sn", sn, err)) ||
        (rc = replay_csv_number(csv, "cpu_milli", places[N_CPU], CPU_MOST, &node.cpu_milli, err)) ||
        (rc = replay_csv_number(csv, "memory_mib", places[N_MEMORY], MEMORY_MOST, &node.memory_mib,
                                err)) ||
        (rc = replay_csv_number(csv, "gpu", places[N_GPU], REPLAY_MAX_GPUS, &gpus, err)))
        return rc;
    if (map_has(names, sn))
        return err_set(err, ERR_INVALID, "line %zu: node '%s' is there twice", csv->number, sn);
    if (fleet->nodes.count == REPLAY_MAX_NODES)
        return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d nodes", csv->number,
                       REPLAY_MAX_NODES);
    if (*model && (node.model = find_model(fleet, model, strlen(model))) < 0) {
        if ((rc = check_text(csv, "model", model, err)))
            return rc;
        if (strchr(model, '|'))
            return err_set(err, ERR_INVALID, "line %zu: model '%s' has a '|'", csv->number, model);
        if (fleet->models.count == REPLAY_MAX_MODELS)
            return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d models", csv->number,
                           REPLAY_MAX_MODELS);
        node.model = (int)fleet->models.count;
        *LIST_ADD(arena, &fleet->models) = arena_strdup(arena, model);
    }
    node.gpus = (int)gpus;
    node.sn = arena_strdup(arena, sn);
    map_put(names, node.sn, fleet);
    *LIST_ADD(arena, &fleet->nodes) = node;
    return ERR_OK;
}

enum err_code replay_read_nodes(const char *text, size_t len, struct replay_fleet *out,
                                struct arena *arena, struct err *err)
{
    CLEANUP(map_free_at) struct map *names = map_new();
    struct replay_fleet fleet = {.nodes = {NULL, 0}};
    struct replay_csv csv;
    struct err own = ERR_INIT;
    int places[N_COLUMNS];
    bool more;
    enum err_code rc;
    err = err ? err : &own;
    err_clear(err);
    if ((rc = replay_csv_begin(&csv, text, len, err)) ||
        (rc = replay_csv_columns(&csv, node_columns, N_COLUMNS, places, err)))
        return rc;
    size_t cells = csv.count;
    while (!(rc = next_row(&csv, cells, fleet.nodes.count, arena, &more, err)) && more)
        if ((rc = add_node(&csv, places, names, &fleet, arena, err)))
            return rc;
    if (rc)
        return rc;
    if (!fleet.nodes.count)
        return err_set(err, ERR_INVALID, "there is no node after the header");
    *out = fleet;
    return ERR_OK;
}

/* ---- pods ---- */

static int by_need(const void *a, const void *b)
{
    const struct replay_type *x = *(const struct replay_type *const *)a;
    const struct replay_type *y = *(const struct replay_type *const *)b;
    if (x->gpus != y->gpus)
        return x->gpus - y->gpus;
    if (x->gpu_milli != y->gpu_milli)
        return x->gpu_milli - y->gpu_milli;
    if (x->cpu_milli != y->cpu_milli)
        return x->cpu_milli < y->cpu_milli ? -1 : 1;
    if (x->memory_mib != y->memory_mib)
        return x->memory_mib < y->memory_mib ? -1 : 1;
    if (x->any_model != y->any_model)
        return x->any_model - y->any_model;
    return x->models < y->models ? -1 : x->models > y->models;
}

/* Types by what they ask for, so that their order says nothing about the order of arrivals. */
static void order_types(struct replay_stream *stream, struct arena *arena)
{
    size_t count = stream->types.count;
    CLEANUP(mem_free_at) const struct replay_type **order = mem_array(count, sizeof *order);
    CLEANUP(mem_free_at) size_t *place = mem_array(count, sizeof *place);
    struct replay_type *sorted = arena_array(arena, count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        order[i] = &stream->types.items[i];
    qsort(order, count, sizeof *order, by_need);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = *order[i];
        place[order[i] - stream->types.items] = i;
    }
    for (size_t i = 0; i < stream->pods.count; i++)
        stream->pods.items[i].type = place[stream->pods.items[i].type];
    stream->types.items = sorted;
}

enum { P_ID, P_NAME, P_CPU, P_MEMORY, P_GPUS, P_MILLI, P_SPEC, P_COLUMNS };
static const struct replay_column pod_columns[P_COLUMNS] = {
    {"id", false},      {"name", false},      {"cpu_milli", false}, {"memory_mib", false},
    {"num_gpu", false}, {"gpu_milli", false}, {"gpu_spec", true}};

struct pod_reading {
    const struct replay_fleet *fleet;
    struct map *ids, *names; /* names: to a type's index + 1 */
    struct map *types;       /* by their text */
    struct replay_stream stream;
    struct arena *arena;
};

/* Models of the fleet that are named; others cannot serve, which is no error. */
static uint64_t read_spec(const struct replay_fleet *fleet, const char *spec, bool *ret_any)
{
    uint64_t models = 0;
    *ret_any = true;
    while (*spec) {
        size_t len = strcspn(spec, "|");
        int model = find_model(fleet, spec, len);
        if (len > 0)
            *ret_any = false;
        if (len > 0 && model >= 0)
            models |= UINT64_C(1) << model;
        spec += len + (spec[len] == '|');
    }
    return models;
}

static size_t find_type(struct pod_reading *r, const struct replay_type *type)
{
    char key[160];
    str_format(key, sizeof key, "%lld %lld %d %d %d %llx", (long long)type->cpu_milli,
               (long long)type->memory_mib, type->gpus, type->gpu_milli, type->any_model,
               (unsigned long long)type->models);
    size_t index = (size_t)(uintptr_t)map_find(r->types, key);
    if (index)
        return index - 1;
    *LIST_ADD(r->arena, &r->stream.types) = *type;
    map_put(r->types, key, (void *)(uintptr_t)r->stream.types.count);
    return r->stream.types.count - 1;
}

static enum err_code add_pod(const struct replay_csv *csv, const int *places, struct pod_reading *r,
                             struct err *err)
{
    const char *id = replay_csv_text(csv, places[P_ID]);
    const char *name = replay_csv_text(csv, places[P_NAME]);
    struct replay_type type = {.listed = 0};
    int64_t gpus, milli;
    enum err_code rc;
    if ((rc = check_text(csv, "id", id, err)) || (rc = check_text(csv, "name", name, err)) ||
        (rc = replay_csv_number(csv, "cpu_milli", places[P_CPU], CPU_MOST, &type.cpu_milli, err)) ||
        (rc = replay_csv_number(csv, "memory_mib", places[P_MEMORY], MEMORY_MOST, &type.memory_mib,
                                err)) ||
        (rc = replay_csv_number(csv, "num_gpu", places[P_GPUS], REPLAY_MAX_GPUS, &gpus, err)) ||
        (rc = replay_csv_number(csv, "gpu_milli", places[P_MILLI], REPLAY_GPU_MILLI, &milli, err)))
        return rc;
    if (map_has(r->ids, id))
        return err_set(err, ERR_INVALID, "line %zu: id '%s' is there twice", csv->number, id);
    if (r->stream.pods.count == REPLAY_MAX_PODS)
        return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d pods", csv->number,
                       REPLAY_MAX_PODS);
    type.gpus = (int)gpus;
    type.gpu_milli = gpus ? (int)milli : 0;
    type.any_model = true;
    if (gpus)
        type.models = read_spec(r->fleet, replay_csv_text(csv, places[P_SPEC]), &type.any_model);
    size_t index = find_type(r, &type), known = (size_t)(uintptr_t)map_find(r->names, name);
    if (known && known != index + 1)
        return err_set(err, ERR_INVALID, "line %zu: pod '%s' asked for something else before",
                       csv->number, name);
    if (!known) {
        map_put(r->names, name, (void *)(uintptr_t)(index + 1));
        r->stream.types.items[index].listed++;
    }
    map_put(r->ids, id, r);
    *LIST_ADD(r->arena, &r->stream.pods) = (struct replay_pod){arena_strdup(r->arena, id), index};
    return ERR_OK;
}

static enum err_code read_pods(const char *text, size_t len, struct pod_reading *r, struct err *err)
{
    struct replay_csv csv;
    int places[P_COLUMNS];
    bool more;
    enum err_code rc;
    if ((rc = replay_csv_begin(&csv, text, len, err)) ||
        (rc = replay_csv_columns(&csv, pod_columns, P_COLUMNS, places, err)))
        return rc;
    size_t cells = csv.count;
    while (!(rc = next_row(&csv, cells, r->stream.pods.count, r->arena, &more, err)) && more)
        if ((rc = add_pod(&csv, places, r, err)))
            return rc;
    if (!rc && !r->stream.pods.count)
        return err_set(err, ERR_INVALID, "there is no pod after the header");
    return rc;
}

enum err_code replay_read_pods(const char *text, size_t len, const struct replay_fleet *fleet,
                               struct replay_stream *out, struct arena *arena, struct err *err)
{
    CLEANUP(map_free_at) struct map *ids = map_new();
    CLEANUP(map_free_at) struct map *names = map_new();
    CLEANUP(map_free_at) struct map *types = map_new();
    struct pod_reading r = {
        .fleet = fleet, .ids = ids, .names = names, .types = types, .arena = arena};
    struct err own = ERR_INIT;
    err = err ? err : &own;
    err_clear(err);
    enum err_code rc = read_pods(text, len, &r, err);
    if (rc)
        return rc;
    order_types(&r.stream, arena);
    *out = r.stream;
    return ERR_OK;
}

/* solution_diff.c - two solutions side by side.
 *
 * Contract: pure; lists stand in the order of the newer solution, what only the older one has comes
 * after it.  Matching goes by key through a map: placements by component and number, cost lines by
 * item, component and site (several of one key are summed), checks by dimension, code and
 * subject. */
#include "types/solution_diff.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

static const struct json_field side_fields[] = {
    JSON_FIELD("version", JSON_INT, struct solution_side, version, 0, "version of the set"),
    JSON_FIELD("choice", JSON_INT, struct solution_side, choice, 0, "index of the candidate"),
    JSON_FIELD("objective", JSON_STRING, struct solution_side, objective, 0, "what it is best in"),
};
static const struct json_table side_table =
    JSON_TABLE("SolutionSide", struct solution_side, side_fields, "which candidate", NULL);

static const struct json_field figure_fields[] = {
    JSON_FIELD("figure", JSON_STRING, struct solution_figure_diff, figure, JSON_REQUIRED,
               "cost, latency, reliability, green or opening"),
    JSON_FIELD("unit", JSON_STRING, struct solution_figure_diff, unit, 0, "unit"),
    JSON_FIELD("from", JSON_OPT_DOUBLE, struct solution_figure_diff, from, 0, "as it was"),
    JSON_FIELD("to", JSON_OPT_DOUBLE, struct solution_figure_diff, to, 0, "as it is"),
    JSON_FIELD("change", JSON_OPT_DOUBLE, struct solution_figure_diff, change, 0, "to - from"),
    JSON_FIELD("percent", JSON_OPT_DOUBLE, struct solution_figure_diff, percent, 0,
               "change in percent of what was"),
};
static const struct json_table figure_table = JSON_TABLE(
    "FigureDiff", struct solution_figure_diff, figure_fields, "one figure, before and after", NULL);

static const struct json_field placement_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct solution_placement_diff, component, JSON_REQUIRED,
               "component"),
    JSON_FIELD("instance", JSON_INT, struct solution_placement_diff, instance, 0, "number, from 0"),
    JSON_FIELD("change", JSON_STRING, struct solution_placement_diff, change, 0,
               "added, removed, moved or resized"),
    JSON_FIELD("from_site", JSON_STRING, struct solution_placement_diff, from_site, 0, "site"),
    JSON_FIELD("to_site", JSON_STRING, struct solution_placement_diff, to_site, 0, "site"),
    JSON_FIELD("from_flavor", JSON_STRING, struct solution_placement_diff, from_flavor, 0,
               "flavor or accelerator"),
    JSON_FIELD("to_flavor", JSON_STRING, struct solution_placement_diff, to_flavor, 0,
               "flavor or accelerator"),
};
static const struct json_table placement_table =
    JSON_TABLE("PlacementDiff", struct solution_placement_diff, placement_fields,
               "an instance that runs elsewhere", NULL);

static const struct json_field cost_fields[] = {
    JSON_FIELD("item", JSON_STRING, struct solution_cost_diff, item, JSON_REQUIRED, "item"),
    JSON_FIELD("component", JSON_STRING, struct solution_cost_diff, component, 0, "for whom"),
    JSON_FIELD("site", JSON_STRING, struct solution_cost_diff, site, 0, "where"),
    JSON_FIELD("from", JSON_DOUBLE, struct solution_cost_diff, from, 0, "per month"),
    JSON_FIELD("to", JSON_DOUBLE, struct solution_cost_diff, to, 0, "per month"),
    JSON_FIELD("change", JSON_DOUBLE, struct solution_cost_diff, change, 0, "to - from"),
};
static const struct json_table cost_table = JSON_TABLE(
    "CostDiff", struct solution_cost_diff, cost_fields, "a cost line that changed", NULL);

static const struct json_field check_fields[] = {
    JSON_FIELD_ENUM("dimension", struct solution_check_diff, dimension, 0,
                    feasibility_dimension_names, "dimension; absent = the whole"),
    JSON_FIELD("code", JSON_STRING, struct solution_check_diff, code, 0, "code of a check"),
    JSON_FIELD("subject", JSON_STRING, struct solution_check_diff, subject, 0, "of what"),
    JSON_FIELD_ENUM("from", struct solution_check_diff, from, 0, feasibility_verdict_names,
                    "verdict; absent = was not judged"),
    JSON_FIELD_ENUM("to", struct solution_check_diff, to, 0, feasibility_verdict_names,
                    "verdict; absent = is not judged"),
    JSON_FIELD("observed_from", JSON_STRING, struct solution_check_diff, observed_from, 0, "found"),
    JSON_FIELD("observed_to", JSON_STRING, struct solution_check_diff, observed_to, 0, "found"),
    JSON_FIELD("unit", JSON_STRING, struct solution_check_diff, unit, 0, "unit of both"),
};
static const struct json_table check_table = JSON_TABLE(
    "VerdictDiff", struct solution_check_diff, check_fields, "a verdict that changed", NULL);

static const struct json_field need_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct solution_field_diff, path, JSON_REQUIRED, "field"),
    JSON_FIELD("from", JSON_STRING, struct solution_field_diff, from, 0, "absent = not said"),
    JSON_FIELD("to", JSON_STRING, struct solution_field_diff, to, 0, "absent = not said"),
};
static const struct json_table need_table =
    JSON_TABLE("RequirementDiff", struct solution_field_diff, need_fields,
               "a field of the requirement that changed", NULL);

static const struct json_field fields[] = {
    JSON_FIELD_TABLE("from", JSON_OBJECT, struct solution_diff, from, 0, &side_table, "the older"),
    JSON_FIELD_TABLE("to", JSON_OBJECT, struct solution_diff, to, 0, &side_table, "the newer"),
    JSON_FIELD("currency", JSON_STRING, struct solution_diff, currency, 0, "of all amounts"),
    JSON_FIELD_TABLE("requirement", JSON_ARRAY, struct solution_diff, requirement, JSON_KEEP,
                     &need_table, "what is asked differently"),
    JSON_FIELD_TABLE("figures", JSON_ARRAY, struct solution_diff, figures, JSON_KEEP, &figure_table,
                     "cost, latency, availability …"),
    JSON_FIELD_TABLE("placements", JSON_ARRAY, struct solution_diff, placements, JSON_KEEP,
                     &placement_table, "instances that run elsewhere"),
    JSON_FIELD_TABLE("costs", JSON_ARRAY, struct solution_diff, costs, JSON_KEEP, &cost_table,
                     "cost lines that changed"),
    JSON_FIELD_TABLE("verdicts", JSON_ARRAY, struct solution_diff, verdicts, JSON_KEEP,
                     &check_table, "verdicts that changed"),
};
const struct json_table solution_diff_table = JSON_TABLE(
    "SolutionDiff", struct solution_diff, fields, "what differs between two solutions", NULL);

static void add_figure(struct solution_diff *out, const char *figure, const char *unit,
                       struct opt_double from, struct opt_double to, struct arena *arena)
{
    struct solution_figure_diff *diff = LIST_ADD(arena, &out->figures);
    *diff = (struct solution_figure_diff){.figure = figure, .unit = unit, .from = from, .to = to};
    if (!from.set || !to.set)
        return;
    diff->change = (struct opt_double){true, to.value - from.value};
    if (fabs(from.value) > 0)
        diff->percent = (struct opt_double){true, 100 * diff->change.value / fabs(from.value)};
}

static const char *size_of(const struct solution_placement *placement, struct arena *arena)
{
    if (placement->flavor && placement->accelerator_model)
        return arena_printf(arena, "%s %s", placement->flavor, placement->accelerator_model);
    return placement->flavor ? placement->flavor : placement->accelerator_model;
}

static const char *placement_key(const struct solution_placement *placement, struct arena *arena)
{
    return arena_printf(arena, "%lld %s", (long long)placement->instance, placement->component);
}

static void compare_placements(const struct solution *from, const struct solution *to,
                               struct solution_diff *out, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *before = map_new();
    for (size_t i = 0; i < from->placements.count; i++)
        map_put(before, placement_key(&from->placements.items[i], arena),
                &from->placements.items[i]);
    for (size_t i = 0; i < to->placements.count; i++) {
        const struct solution_placement *now = &to->placements.items[i];
        const struct solution_placement *was = map_take(before, placement_key(now, arena));
        const char *size = size_of(now, arena), *old = was ? size_of(was, arena) : NULL;
        if (was && str_eq(was->site, now->site) && str_eq(size, old))
            continue;
        *LIST_ADD(arena, &out->placements) =
            (struct solution_placement_diff){.component = now->component,
                                             .instance = now->instance,
                                             .change = !was                           ? "added"
                                                       : str_eq(was->site, now->site) ? "resized"
                                                                                      : "moved",
                                             .from_site = was ? was->site : NULL,
                                             .to_site = now->site,
                                             .from_flavor = old,
                                             .to_flavor = size};
    }
    for (size_t i = 0; i < from->placements.count; i++) {
        const struct solution_placement *was = &from->placements.items[i];
        if (map_has(before, placement_key(was, arena)))
            *LIST_ADD(arena, &out->placements) =
                (struct solution_placement_diff){.component = was->component,
                                                 .instance = was->instance,
                                                 .change = "removed",
                                                 .from_site = was->site,
                                                 .from_flavor = size_of(was, arena)};
    }
}

static struct solution_cost_diff *cost_of(struct map *lines, const struct solution_cost_line *line,
                                          struct arena *arena)
{
    const char *key =
        arena_printf(arena, "%s\n%s\n%s", line->item ? line->item : "",
                     line->component ? line->component : "", line->site ? line->site : "");
    struct solution_cost_diff *diff = map_find(lines, key);
    if (diff)
        return diff;
    diff = arena_zalloc(arena, sizeof *diff);
    *diff = (struct solution_cost_diff){
        .item = line->item, .component = line->component, .site = line->site};
    map_put(lines, key, diff);
    return diff;
}

static void compare_costs(const struct solution *from, const struct solution *to,
                          struct solution_diff *out, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *lines = map_new();
    for (size_t i = 0; i < to->cost_lines.count; i++)
        cost_of(lines, &to->cost_lines.items[i], arena)->to += to->cost_lines.items[i].amount;
    for (size_t i = 0; i < from->cost_lines.count; i++)
        cost_of(lines, &from->cost_lines.items[i], arena)->from += from->cost_lines.items[i].amount;
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(lines, &at, &key, &value)) {
        struct solution_cost_diff *diff = value;
        diff->change = diff->to - diff->from;
        if (!(fabs(diff->change) < 0.005)) /* less than half a cent is rounding */
            *LIST_ADD(arena, &out->costs) = *diff;
    }
}

static struct solution_check_diff *check_of(struct map *checks, int dimension,
                                            const struct feasibility_check *check,
                                            struct arena *arena)
{
    const char *key =
        arena_printf(arena, "%d\n%s\n%s", dimension, check && check->code ? check->code : "",
                     check && check->subject ? check->subject : "");
    struct solution_check_diff *diff = map_find(checks, key);
    if (diff)
        return diff;
    diff = arena_zalloc(arena, sizeof *diff);
    diff->dimension = dimension;
    if (check) {
        diff->code = check->code;
        diff->subject = check->subject;
        diff->unit = check->unit;
    }
    map_put(checks, key, diff);
    return diff;
}

static void gather_checks(struct map *checks, const struct feasibility_report *report, bool newer,
                          struct arena *arena)
{
    struct solution_check_diff *diff = check_of(checks, DIMENSION_ABSENT, NULL, arena);
    if (!report)
        return;
    *(newer ? &diff->to : &diff->from) = report->verdict;
    for (size_t d = 0; d < report->dimensions.count; d++) {
        const struct feasibility_dimension *dimension = &report->dimensions.items[d];
        diff = check_of(checks, dimension->kind, NULL, arena);
        *(newer ? &diff->to : &diff->from) = dimension->verdict;
        for (size_t i = 0; i < dimension->checks.count; i++) {
            const struct feasibility_check *check = &dimension->checks.items[i];
            diff = check_of(checks, dimension->kind, check, arena);
            *(newer ? &diff->to : &diff->from) = check->verdict;
            *(newer ? &diff->observed_to : &diff->observed_from) = check->observed;
        }
    }
}

/* A check that exists on one side only tells of other sites or other needs; it matters when it does
 * not pass. */
static bool verdict_differs(const struct solution_check_diff *diff)
{
    if (diff->from == diff->to)
        return false;
    return (diff->from && diff->to) || (diff->from | diff->to) != VERDICT_PASS;
}

static void compare_verdicts(const struct solution *from, const struct solution *to,
                             struct solution_diff *out, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *checks = map_new();
    gather_checks(checks, to->evaluation, true, arena);
    gather_checks(checks, from->evaluation, false, arena);
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(checks, &at, &key, &value)) {
        const struct solution_check_diff *diff = value;
        if (verdict_differs(diff))
            *LIST_ADD(arena, &out->verdicts) = *diff;
    }
}

void solution_compare(const struct solution *from, const struct solution *to,
                      struct solution_diff *out, struct arena *arena)
{
    out->from.objective = from->objective;
    out->to.objective = to->objective;
    out->currency = to->currency;
    add_figure(out, "cost", to->currency, (struct opt_double){true, from->cost},
               (struct opt_double){true, to->cost}, arena);
    add_figure(out, "latency", "ms", from->latency, to->latency, arena);
    add_figure(out, "reliability", NULL, from->reliability, to->reliability, arena);
    add_figure(out, "green", NULL, from->green, to->green, arena);
    add_figure(out, "opening", "s", from->opening_s, to->opening_s, arena);
    compare_placements(from, to, out, arena);
    compare_costs(from, to, out, arena);
    compare_verdicts(from, to, out, arena);
}

/* ---- requirements ---- */

struct leaves { /* path → struct solution_field_diff */
    struct map *by_path;
    bool newer;
    struct arena *arena;
};

static void add_leaf(const struct leaves *leaves, const char *path, const struct json_value *value)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct solution_field_diff *diff = map_find(leaves->by_path, path);
    if (!diff) {
        diff = arena_zalloc(leaves->arena, sizeof *diff);
        diff->path = path;
        map_put(leaves->by_path, path, diff);
    }
    json_write(value, JSON_COMPACT, &text);
    const char *shown =
        arena_strdup(leaves->arena, json_text(value, NULL) ? json_text(value, "") : buf_str(&text));
    *(leaves->newer ? &diff->to : &diff->from) = shown;
}

static void gather_leaves(const struct leaves *leaves, const char *path,
                          const struct json_value *value);

/* Components go by name, as in the paths that people write; everything else by index. */
static void gather_items(const struct leaves *leaves, const char *path,
                         const struct json_value *list)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json_value *item = json_at(list, i);
        const char *name = json_text(json_get(item, "name"), NULL);
        bool component = str_eq(path, "components") && name;
        gather_leaves(leaves,
                      component ? arena_strdup(leaves->arena, name)
                                : arena_printf(leaves->arena, "%s[%zu]", path, i),
                      item);
    }
}

static void gather_leaves(const struct leaves *leaves, const char *path,
                          const struct json_value *value)
{
    size_t at = 0;
    const char *key;
    const struct json_value *member;
    if (json_at(value, 0)) {
        gather_items(leaves, path, value);
        return;
    }
    bool object = false;
    while (json_each(value, &at, &key, &member)) {
        object = true;
        gather_leaves(leaves,
                      path[0] ? arena_printf(leaves->arena, "%s.%s", path, key)
                              : arena_strdup(leaves->arena, key),
                      member);
    }
    if (!object && path[0])
        add_leaf(leaves, path, value);
}

static enum err_code gather_need(const struct leaves *leaves, const struct requirement *need,
                                 struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    json_encode(&requirement_table, need, JSON_COMPACT, &text);
    enum err_code rc = json_parse(buf_str(&text), text.len, &json_limits_large, &doc, err);
    if (!rc)
        gather_leaves(leaves, "", json_root(doc));
    return rc;
}

enum err_code solution_compare_needs(const struct requirement *from, const struct requirement *to,
                                     struct solution_diff *out, struct arena *arena,
                                     struct err *err)
{
    CLEANUP(map_free_at) struct map *by_path = map_new();
    struct leaves leaves = {by_path, true, arena};
    enum err_code rc = gather_need(&leaves, to, err);
    leaves.newer = false;
    if (rc || (rc = gather_need(&leaves, from, err)))
        return rc;
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(by_path, &at, &key, &value)) {
        const struct solution_field_diff *diff = value;
        if (!str_eq(diff->from, diff->to))
            *LIST_ADD(arena, &out->requirement) = *diff;
    }
    return ERR_OK;
}

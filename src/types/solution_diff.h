/* solution_diff.h - what differs between two solutions, and by how much. */
#ifndef SWAN_TYPES_SOLUTION_DIFF_H
#define SWAN_TYPES_SOLUTION_DIFF_H

#include "types/requirement.h"
#include "types/solution.h"

struct solution_side { /* one of the two */
    int64_t version, choice;
    const char *objective;
};
struct solution_figure_diff {
    const char *figure; /* cost, latency, reliability, green, opening */
    const char *unit;
    struct opt_double from, to, change; /* change = to - from */
    struct opt_double percent;          /* of from; absent when from is 0 */
};
struct solution_placement_diff {
    const char *component;
    int64_t instance;
    const char *change; /* added, removed, moved, resized */
    const char *from_site, *to_site;
    const char *from_flavor, *to_flavor; /* flavor or accelerator model */
};
struct solution_cost_diff {
    const char *item, *component, *site;
    double from, to, change;
};
struct solution_check_diff { /* a verdict, of a dimension (code NULL) or of a check */
    int dimension;           /* enum feasibility_dimension_kind; ABSENT = of the whole */
    const char *code, *subject;
    int from, to; /* enum feasibility_verdict; ABSENT = was not there */
    const char *observed_from, *observed_to, *unit;
};
struct solution_field_diff { /* of the requirement */
    const char *path, *from, *to;
};
struct solution_diff {
    struct solution_side from, to;
    const char *currency;
    LIST(struct solution_field_diff) requirement;
    LIST(struct solution_figure_diff) figures;
    LIST(struct solution_placement_diff) placements;
    LIST(struct solution_cost_diff) costs;
    LIST(struct solution_check_diff) verdicts;
};
extern const struct json_table solution_diff_table;

/* Only what differs is listed, save the figures, which are all there.  O(n log n) in placements and
 * cost lines. */
void solution_compare(const struct solution *from, const struct solution *to,
                      struct solution_diff *out, struct arena *arena);
/* Adds what differs between the requirements: the paths of single fields. */
enum err_code solution_compare_needs(const struct requirement *from, const struct requirement *to,
                                     struct solution_diff *out, struct arena *arena,
                                     struct err *err);

#endif

/* wishes.c - pins and exclusions: from names to indices.
 *
 * Contract: what is read names a component, an instance and a site that exist; no instance is
 * pinned to two sites.  O(wishes × log sites); a name that is not found costs one look at all. */
#include <stdlib.h>

#include "intelligent/design/design_priv.h"

#define NAME_MAX_NEAR 63 /* bytes; longer names are near to none */

/* ---- names ---- */
/* Optimal string alignment distance, by bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), rows[3][NAME_MAX_NEAR + 1];
    if (n > NAME_MAX_NEAR || m > NAME_MAX_NEAR)
        return SIZE_MAX;
    for (size_t k = 0; k <= m; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= m; k++) {
            size_t best = before[k - 1] + (a[i - 1] != b[k - 1]);
            best = before[k] + 1 < best ? before[k] + 1 : best;
            best = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                earlier[k - 2] + 1 < best)
                best = earlier[k - 2] + 1;
            now[k] = best;
        }
    }
    return rows[n % 3][m];
}

struct nearest {
    const char *asked, *name;
    size_t distance;
};

static void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t own = distance(nearest->asked, name);
    if (!nearest->name || own < nearest->distance) {
        nearest->name = name;
        nearest->distance = own;
    }
}

static void nearest_hint(const struct nearest *nearest, struct err *err)
{
    if (nearest->name && nearest->distance <= strlen(nearest->asked) / 2 + 1)
        err_hint(err, "did you mean '%s'?", nearest->name);
}

struct site_names { /* by id; made at the first question */
    const struct network *network;
    uint32_t *by_id;
};

static int by_site_id(const void *a, const void *b, void *network)
{
    const struct site *sites = ((const struct network *)network)->sites.items;
    return strcmp(sites[*(const uint32_t *)a].id, sites[*(const uint32_t *)b].id);
}

static enum err_code find_site(const struct site_names *names, const char *id, uint32_t *ret_site,
                               struct err *err)
{
    const struct network *network = names->network;
    size_t low = 0, high = network->sites.count;
    while (id && low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(network->sites.items[names->by_id[middle]].id, id);
        if (order == 0) {
            *ret_site = names->by_id[middle];
            return ERR_OK;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    if (!id)
        return err_set(err, ERR_INVALID, "no site is named");
    struct nearest nearest = {.asked = id};
    for (size_t i = 0; i < network->sites.count; i++)
        nearest_offer(&nearest, network->sites.items[i].id);
    err_set(err, ERR_INVALID, "no site is named '%s'", id);
    nearest_hint(&nearest, err);
    return ERR_INVALID;
}

static enum err_code find_component(const struct requirement *requirement, const char *name,
                                    size_t *ret_component, struct err *err)
{
    struct nearest nearest = {.asked = name};
    for (size_t c = 0; name && c < requirement->components.count; c++) {
        if (strcmp(requirement->components.items[c].name, name) == 0) {
            *ret_component = c;
            return ERR_OK;
        }
        nearest_offer(&nearest, requirement->components.items[c].name);
    }
    if (!name)
        return err_set(err, ERR_INVALID, "no component is named");
    err_set(err, ERR_INVALID, "no component is named '%s'", name);
    nearest_hint(&nearest, err);
    return ERR_INVALID;
}

/* ---- reading ---- */
static enum err_code read_pin(const struct design_input *input, const struct site_names *names,
                              size_t index, struct design_wishes *out, struct arena *arena,
                              struct err *err)
{
    const struct requirement *requirement = input->given.requirement;
    const struct design_pin *pin = &input->pins.items[index];
    struct design_wish wish = {.instance = pin->instance < 0 ? -1 : pin->instance};
    enum err_code code;
    if ((code = find_component(requirement, pin->component, &wish.component, err)) ||
        (code = find_site(names, pin->site, &wish.site, err)))
        return code;
    int64_t instances =
        requirement_instances(requirement, &requirement->components.items[wish.component]);
    if (wish.instance >= instances)
        return err_set(err, ERR_INVALID, "'%s' has %lld instances; there is no number %lld",
                       pin->component, (long long)instances, (long long)wish.instance);
    for (size_t i = 0; i < out->items.count; i++) {
        const struct design_wish *other = &out->items.items[i];
        if (other->component != wish.component ||
            (other->instance >= 0 && wish.instance >= 0 && other->instance != wish.instance))
            continue;
        if (other->site != wish.site)
            return err_set(err, ERR_INVALID, "'%s' is pinned to '%s' and to '%s'", pin->component,
                           names->network->sites.items[other->site].id, pin->site);
        if (other->instance == wish.instance)
            return ERR_OK; /* said twice */
    }
    wish.name = wish.instance < 0 ? arena_printf(arena, "pin %s@%s", pin->component, pin->site)
                                  : arena_printf(arena, "pin %s[%lld]@%s", pin->component,
                                                 (long long)wish.instance, pin->site);
    *LIST_ADD(arena, &out->items) = wish;
    return ERR_OK;
}

static enum err_code read_exclusion(const struct design_input *input,
                                    const struct site_names *names, size_t index,
                                    struct design_wishes *out, struct arena *arena, struct err *err)
{
    const struct design_exclusion *exclusion = &input->exclusions.items[index];
    struct design_wish wish = {.component = SIZE_MAX, .instance = -1, .exclude = true};
    enum err_code code = ERR_OK;
    if (exclusion->component)
        code = find_component(input->given.requirement, exclusion->component, &wish.component, err);
    if (!code)
        code = find_site(names, exclusion->site, &wish.site, err);
    if (code)
        return code;
    for (size_t i = 0; i < out->items.count; i++) {
        const struct design_wish *other = &out->items.items[i];
        if (other->exclude && other->component == wish.component && other->site == wish.site)
            return ERR_OK;
    }
    wish.name = exclusion->component
                    ? arena_printf(arena, "exclude %s@%s", exclusion->component, exclusion->site)
                    : arena_printf(arena, "exclude %s", exclusion->site);
    *LIST_ADD(arena, &out->items) = wish;
    return ERR_OK;
}

enum err_code design_wishes_read(const struct design_input *input, struct design_wishes *out,
                                 struct arena *arena, struct err *err)
{
    struct design_wishes wishes = {0};
    struct site_names names = {.network = input->given.network};
    enum err_code code;
    if (input->pins.count + input->exclusions.count > 0) {
        size_t count = names.network->sites.count;
        names.by_id = arena_array(arena, count + 1, sizeof *names.by_id);
        for (size_t i = 0; i < count; i++)
            names.by_id[i] = (uint32_t)i;
        qsort_r(names.by_id, count, sizeof *names.by_id, by_site_id, (void *)names.network);
    }
    for (size_t i = 0; i < input->pins.count; i++)
        if ((code = read_pin(input, &names, i, &wishes, arena, err)))
            return err_field(err, "pins[%zu]", i), code;
    for (size_t i = 0; i < input->exclusions.count; i++)
        if ((code = read_exclusion(input, &names, i, &wishes, arena, err)))
            return err_field(err, "exclusions[%zu]", i), code;
    *out = wishes;
    return ERR_OK;
}

struct design_wishes *design_wishes_copy(const struct design_wishes *wishes, struct arena *arena)
{
    struct design_wishes *copy = arena_zalloc(arena, sizeof *copy);
    for (size_t i = 0; wishes && i < wishes->items.count; i++)
        *LIST_ADD(arena, &copy->items) = wishes->items.items[i];
    return copy;
}

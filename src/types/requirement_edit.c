/* requirement_edit.c - single fields of a requirement by their paths, for refinement.
 *
 * Contract: what a path means comes from the field tables alone.  Components go by index as
 * everything does, and by name, which is what people see; where a component is named like a field
 * of the whole, the component is meant only if it has the field that follows. */
#include <string.h>

#include "base/str.h"
#include "types/requirement.h"

static const struct json_table *component_table(void)
{
    for (size_t i = 0; i < requirement_table.field_count; i++)
        if (str_eq(requirement_table.fields[i].name, "components"))
            return requirement_table.fields[i].table;
    return NULL;
}

static bool has_field(const struct json_table *table, const char *path)
{
    size_t len = strcspn(path, ".[");
    for (size_t i = 0; i < table->field_count; i++)
        if (strlen(table->fields[i].name) == len && !strncmp(table->fields[i].name, path, len))
            return true;
    return false;
}

/* The component whose name begins the path, the longest of several; SIZE_MAX = none.  *ret_rest is
 * what follows the dot. */
static size_t component_of(const struct requirement *requirement, const char *path,
                           const char **ret_rest)
{
    size_t best = SIZE_MAX, longest = 0;
    for (size_t i = 0; i < requirement->components.count; i++) {
        const char *name = requirement->components.items[i].name;
        size_t len = name ? strlen(name) : 0; /* it may have been left out just now */
        if (len > longest && !strncmp(path, name, len) && path[len] == '.') {
            best = i;
            longest = len;
        }
    }
    if (best != SIZE_MAX)
        *ret_rest = path + longest + 1;
    return best;
}

/* The path as the tables know it; NULL when nothing is named so. */
static const char *table_path(const struct requirement *requirement, const char *path,
                              struct arena *arena)
{
    const char *rest = NULL;
    size_t component = component_of(requirement, path, &rest);
    if (has_field(&requirement_table, path) &&
        (component == SIZE_MAX || !has_field(component_table(), rest)))
        return path;
    return component == SIZE_MAX ? NULL
                                 : arena_printf(arena, "components[%zu].%s", component, rest);
}

static enum err_code unknown_path(const struct requirement *requirement, const char *path,
                                  struct arena *arena, struct err *err)
{
    const char *head = arena_strndup(arena, path, strcspn(path, ".["));
    struct str_suggestion near = {.word = head};
    for (size_t i = 0; i < requirement->components.count; i++)
        if (requirement->components.items[i].name)
            str_suggest(&near, requirement->components.items[i].name);
    for (size_t i = 0; i < requirement_table.field_count; i++)
        str_suggest(&near, requirement_table.fields[i].name);
    err_set(err, ERR_INVALID, "'%s' is neither a component nor a field of a requirement", head);
    const char *best = str_suggested(&near);
    if (best)
        err_hint(err, "did you mean '%s%s'?", best, path + strlen(head));
    else
        err_hint(err, "such as network.max_latency_ms, or COMPONENT.location");
    return err_field(err, "%s", path);
}

enum err_code requirement_set(struct requirement *requirement, const char *path, const char *text,
                              struct arena *arena, struct err *err)
{
    const char *known = table_path(requirement, path, arena);
    if (!known)
        return unknown_path(requirement, path, arena, err);
    enum err_code rc = json_set(&requirement_table, requirement, known, text, arena, err);
    if (rc)
        err_field(err, "%s", path);
    return rc;
}

enum err_code requirement_check(const struct requirement *requirement, struct err *err)
{
    return json_validate(&requirement_table, requirement, err);
}

const char *requirement_text(const struct requirement *requirement, const char *path,
                             struct arena *arena)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    CLEANUP(buf_done) struct buf part = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *known = table_path(requirement, path, arena);
    json_encode(&requirement_table, requirement, JSON_COMPACT, &all);
    if (!known || json_parse(buf_str(&all), all.len, &json_limits_large, &doc, NULL))
        return NULL;
    const struct json_value *value = json_path(json_root(doc), known);
    if (!value)
        return NULL;
    if (json_text(value, NULL))
        return arena_strdup(arena, json_text(value, NULL));
    json_write(value, JSON_COMPACT, &part);
    return arena_strdup(arena, buf_str(&part));
}

enum err_code requirement_copy(const struct requirement *from, struct requirement **out,
                               struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct requirement *copy = arena_zalloc(arena, sizeof *copy);
    json_encode(&requirement_table, from, JSON_COMPACT, &text);
    enum err_code rc = json_decode_stored(arena_strdup(arena, buf_str(&text)), &requirement_table,
                                          copy, arena, err);
    if (!rc)
        *out = copy;
    return rc;
}

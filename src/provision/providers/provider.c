/* provider.c - what all providers have in common: finding one, asking what it can, and the digest
 * by which a thing is recognised.
 *
 * Contract: the digest depends on the canonical JSON of the spec and on the kind alone, so it is
 * the same in every process, on every machine and for every order of members. */
#include "provision/providers/provider.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"

const struct provider_ops *provider_find(const struct provider_set *set, const char *name)
{
    for (size_t i = 0; set && name && i < set->count; i++)
        if (str_eq(set->items[i]->name, name))
            return set->items[i];
    return NULL;
}

/* Is value in a list that ends with 0? */
static bool holds(const int *list, int value)
{
    for (; list && *list; list++)
        if (*list == value)
            return true;
    return false;
}

bool provider_opens(const struct provider_ops *ops, int form)
{
    return holds(ops->forms, form);
}

bool provider_does(const struct provider_ops *ops, int task_kind)
{
    return holds(ops->task_kinds, task_kind);
}

void provider_spec_digest(const struct plan_task_spec *spec, int kind, char out[72])
{
    _Static_assert(ID_DIGEST_SIZE == 72, "the header promises 72 bytes");
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf canonical = BUF_INIT;
    json_encode(&plan_task_spec_table, spec, JSON_COMPACT, &text);
    /* Our own encoder's text is always JSON: canonical form cannot fail on it. */
    json_canonical(buf_str(&text), text.len, &canonical, NULL);
    const char *kind_name = json_enum_name(plan_task_kind_names, kind);
    buf_printf(&canonical, "\n%s", kind_name ? kind_name : "");
    id_digest(buf_str(&canonical), canonical.len, out);
}

/* match.c - which published version answers a component of a need. */
#include <string.h>

#include "application/application_priv.h"
#include "base/str.h"

/* Lower case, full width folded to half, blanks, hyphens and underscores dropped: what people's
 * spellings have in common.  starts[i] says that a word begins at byte i of it. */
struct folded {
    char *text;
    bool *starts;
};

static bool is_letter(uint32_t c)
{
    return c >= 'a' && c <= 'z';
}

static struct folded fold(const char *text, struct arena *arena)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    size_t len = strlen(text);
    struct folded folded = {.starts = arena_zalloc(arena, 3 * len + 1)};
    uint32_t before = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = str_next(text, len, &at);
        char bytes[5];
        if (c >= 0xFF01 && c <= 0xFF5E)
            c -= 0xFEE0;
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (c == ' ' || c == 0x3000 || c == '-' || c == '_' || c == '\t') {
            before = 0;
            continue;
        }
        /* Only runs of Latin letters hold together: others are written without blanks. */
        folded.starts[out.len] = !is_letter(before) || !is_letter(c);
        buf_add(&out, bytes, str_put(bytes, c));
        before = c;
    }
    folded.starts[out.len] = true;
    folded.text = arena_strdup(arena, buf_str(&out));
    return folded;
}

/* Do the words hold the name, not just as a part of a longer Latin word? */
static bool holds(const struct folded *words, const char *name, size_t len)
{
    for (const char *at = words->text; (at = strstr(at, name)); at++) {
        size_t begin = (size_t)(at - words->text);
        if (words->starts[begin] && words->starts[begin + len])
            return true;
    }
    return false;
}

/* Length of the longest name of the application that the words contain; 0 = none. */
static size_t match_length(const struct folded *words, const struct application_spec *spec,
                           struct arena *arena)
{
    size_t best = 0;
    const char *names[2] = {spec->name, spec->title};
    for (size_t i = 0; i < 2 + spec->aliases.count; i++) {
        const char *name = i < 2 ? names[i] : spec->aliases.items[i - 2];
        const char *folded = name ? fold(name, arena).text : "";
        size_t len = strlen(folded);
        if (len > best && holds(words, folded, len))
            best = len;
    }
    return best;
}

static bool arch_fits(const struct application_spec *spec, int arch)
{
    if (arch == ARCH_ABSENT || spec->needs.arch.count == 0)
        return true;
    for (size_t i = 0; i < spec->needs.arch.count; i++)
        if (spec->needs.arch.items[i] == arch)
            return true;
    return false;
}

static enum err_code load_published(struct store_tx *tx, struct application_spec_refs *out,
                                    struct arena *arena, struct err *err)
{
    struct store_condition published = {"status.state", STORE_EQ, "published"};
    struct store_list_query query = {.collection = "applications",
                                     .conditions = &published,
                                     .condition_count = 1,
                                     .limit = 1000};
    do {
        struct store_page page;
        enum err_code rc = store_list(tx, &query, &page, arena, err);
        for (size_t i = 0; !rc && i < page.count; i++) {
            struct application_status status;
            struct application_spec_ref *ref = LIST_ADD(arena, &out->items);
            if (!(rc = json_decode_stored(page.records[i].spec, &application_spec_table, &ref->spec,
                                          arena, err)))
                rc = json_decode_stored(page.records[i].status, &application_status_table, &status,
                                        arena, err);
            if (rc)
                return rc;
            ref->id = page.records[i].id;
            ref->digest = status.digest;
            ref->size_bytes = status.size_bytes;
            ref->state = application_state_names[status.state];
        }
        if (rc)
            return rc;
        query.cursor = page.next;
    } while (query.cursor);
    return ERR_OK;
}

static void match_all(const struct application_spec_refs *all,
                      const struct requirement *requirement, struct application_spec_refs *out,
                      struct arena *arena)
{
    for (size_t c = 0; c < requirement->components.count; c++) {
        const struct requirement_component *component = &requirement->components.items[c];
        CLEANUP(arena_done) struct arena scratch = ARENA_INIT;
        const struct folded words = fold(component->name, &scratch);
        const struct application_spec_ref *best = NULL;
        size_t best_length = 0;
        if (component->form == FORM_SERVER)
            continue; /* bare servers run whatever is put on them later */
        for (size_t i = 0; i < all->items.count; i++) {
            const struct application_spec_ref *ref = &all->items.items[i];
            if (component->form != FORM_ABSENT && component->form != ref->spec.form)
                continue;
            if (!arch_fits(&ref->spec, component->arch))
                continue;
            size_t length = match_length(&words, &ref->spec, &scratch);
            bool newer = best && length == best_length && str_eq(best->spec.name, ref->spec.name) &&
                         application_version_compare(ref->spec.version, best->spec.version) > 0;
            if (length && (length > best_length || newer)) {
                best = ref;
                best_length = length;
            }
        }
        if (best) {
            struct application_spec_ref *found = LIST_ADD(arena, &out->items);
            *found = *best;
            found->component = component->name;
        }
    }
}

enum err_code application_match(struct application *application, struct store_tx *tx,
                                const struct requirement *requirement,
                                struct application_spec_refs *out, struct arena *arena,
                                struct err *err)
{
    struct application_spec_refs all = {0};
    (void)application;
    *out = (struct application_spec_refs){0};
    enum err_code rc = load_published(tx, &all, arena, err);
    if (!rc)
        match_all(&all, requirement, out, arena);
    return rc;
}

enum err_code application_match_known(struct application *application, struct store_tx *tx,
                                      const struct requirement *requirement,
                                      struct application_spec_refs *out, struct arena *arena,
                                      struct err *err)
{
    struct application_spec_refs all = {0};
    (void)application;
    *out = (struct application_spec_refs){0};
    enum err_code rc = load_published(tx, &all, arena, err);
    if (rc)
        return rc;
    match_all(&all, requirement, out, arena);
    for (size_t i = 0; i < all.items.count; i++)
        *LIST_ADD(arena, &out->items) = all.items.items[i];
    return ERR_OK;
}

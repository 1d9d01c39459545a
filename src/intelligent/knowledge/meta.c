/* meta.c - what is said about a document: front matter, sidecar, folder, meta tags.
 *
 * Contract: members that are not ours are left alone, for headers of documents serve many programs;
 * a member of ours with a value that cannot be used is an error, because a wrong validity or
 * confidence must not be guessed. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

static const struct json_limits meta_limits = {.bytes = 256 << 10,
                                               .depth = 16,
                                               .text_bytes = 16 << 10,
                                               .list_items = 2000,
                                               .total_items = 8000};

/* A day is its first moment, UTC. */
static enum err_code read_time(const char *name, const char *text, int64_t *out, struct err *err)
{
    char whole[64];
    str_format(whole, sizeof whole, "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    if (clock_parse(whole, out, NULL) == ERR_OK)
        return ERR_OK;
    err_set(err, ERR_INVALID, "%s is '%.40s', no day and no time", name, text);
    return err_hint(err, "write 2026-11-23 or 2026-11-23T12:00:00Z");
}

/* A, B, C, D, or several by '/': as good as the worst that carries it. */
static enum err_code check_confidence(const char *text, struct err *err)
{
    size_t len = strlen(text);
    bool good = len % 2 == 1 && len <= 7;
    for (size_t i = 0; i < len && good; i++)
        good = i % 2 ? text[i] == '/' : text[i] >= 'A' && text[i] <= 'D';
    if (good)
        return ERR_OK;
    err_set(err, ERR_INVALID, "confidence is '%.40s', not A, B, C or D", text);
    return err_hint(err, "A standard or vendor text, B secondary source, C general knowledge, D "
                         "design default; B/C for both");
}

static bool is_name(const char *name, const char *ours)
{
    const char *const prefixes[] = {"", "swan-", "swan:", "swan.", "dc."};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        if (strncasecmp(name, prefixes[i], len) == 0 && strcasecmp(name + len, ours) == 0)
            return true;
    }
    return false;
}

enum err_code knowledge_meta_set(struct knowledge_meta *meta, const char *name, const char *value,
                                 struct arena *arena, struct err *err)
{
    enum err_code rc;
    int64_t ms;
    if (!value || !value[0])
        return ERR_OK;
    if (is_name(name, "valid_from") || is_name(name, "valid_to")) {
        if ((rc = read_time(name, value, &ms, err)))
            return rc;
        *(is_name(name, "valid_from") ? &meta->valid_from_ms : &meta->valid_to_ms) = ms;
        return ERR_OK;
    }
    if (is_name(name, "confidence")) {
        if ((rc = check_confidence(value, err)))
            return rc;
        meta->confidence = arena_strdup(arena, value);
    } else if (is_name(name, "id")) {
        if (strpbrk(value, "#\n\r\t") || strlen(value) > 200)
            return err_set(err, ERR_INVALID, "the id '%.40s' holds '#' or is too long", value);
        meta->id = arena_strdup(arena, value);
    } else if (is_name(name, "title"))
        meta->title = arena_strdup(arena, value);
    else if (is_name(name, "source"))
        meta->source = arena_strdup(arena, value);
    else if (is_name(name, "language") || is_name(name, "lang"))
        meta->language = arena_strndup(arena, value, strcspn(value, "-_"));
    return ERR_OK;
}

enum err_code knowledge_meta_read(struct knowledge_meta *meta, const char *yaml, size_t len,
                                  struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const struct json_value *member;
    const char *key;
    size_t at = 0;
    enum err_code rc = json_parse_yaml(yaml, len, &meta_limits, &doc, err);
    while (!rc && json_each(json_root(doc), &at, &key, &member)) {
        CLEANUP(buf_done) struct buf number = BUF_INIT;
        const char *value = json_text(member, NULL);
        if (!value && json_size(member) == 0) { /* a number where a text stands as well */
            json_write(member, JSON_COMPACT, &number);
            value = str_eq(buf_str(&number), "null") ? NULL : buf_str(&number);
        }
        if (str_eq(key, "sources")) {
            const struct json_value *source;
            const char *mark;
            size_t place = 0;
            while (json_each(member, &place, &mark, &source))
                *LIST_ADD(arena, &meta->sources) =
                    (struct json_string_pair){.name = arena_strdup(arena, mark),
                                              .value = arena_strdup(arena, json_text(source, ""))};
        } else if (value)
            rc = knowledge_meta_set(meta, key, value, arena, err);
    }
    if (!rc && meta->valid_from_ms && meta->valid_to_ms && meta->valid_to_ms <= meta->valid_from_ms)
        return err_set(err, ERR_INVALID, "valid_to is not after valid_from");
    return rc;
}

void knowledge_meta_default(struct knowledge_meta *meta, const struct knowledge_meta *fallback,
                            struct arena *arena)
{
    meta->id = meta->id ? meta->id : fallback->id;
    meta->title = meta->title ? meta->title : fallback->title;
    meta->source = meta->source ? meta->source : fallback->source;
    meta->confidence = meta->confidence ? meta->confidence : fallback->confidence;
    meta->language = meta->language ? meta->language : fallback->language;
    if (!meta->valid_from_ms)
        meta->valid_from_ms = fallback->valid_from_ms;
    if (!meta->valid_to_ms)
        meta->valid_to_ms = fallback->valid_to_ms;
    for (size_t i = 0; i < fallback->sources.count; i++)
        *LIST_ADD(arena, &meta->sources) = fallback->sources.items[i];
}

/* base.c - a knowledge base: what is known now and what was known before.
 *
 * Contract: on disk it is one file, knowledge.jsonl in its folder: a line that says the format, a
 * line for each document, a line for each passage.  It is replaced whole and at once, under a lock
 * that ingests of one base hold in turn, so a reader sees the state before or after, and a crash
 * leaves the old one.  Nothing that was ever valid is forgotten: versions end, they are not
 * removed.  A service can keep the same two structs in tables instead. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define BASE_FILE "knowledge.jsonl"
#define BASE_LOCK "knowledge.lock"
#define BASE_HEAD "{\"format\":\"swan-knowledge-1\"}\n"
#define BASE_MAX ((size_t)1 << 30)

static const struct json_field passage_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct knowledge_passage, id, JSON_REQUIRED, "DOCUMENT#ANCHOR"),
    JSON_FIELD("document", JSON_STRING, struct knowledge_passage, document, JSON_REQUIRED,
               "id of its document"),
    JSON_FIELD("version", JSON_INT, struct knowledge_passage, version,
               JSON_REQUIRED | JSON_POSITIVE, "version of the document with which it came"),
    JSON_FIELD("title", JSON_STRING, struct knowledge_passage, title, 0, "title of the document"),
    JSON_FIELD("headings", JSON_STRING, struct knowledge_passage, headings, 0, "chapter > section"),
    JSON_FIELD("text", JSON_STRING, struct knowledge_passage, text, JSON_REQUIRED, "the passage"),
    JSON_FIELD("kind", JSON_STRING, struct knowledge_passage, kind, 0, "text, list, table or code"),
    JSON_FIELD("source", JSON_STRING, struct knowledge_passage, source, 0, "where it comes from"),
    JSON_FIELD(
        "confidence", JSON_STRING, struct knowledge_passage, confidence, 0,
        "A standard or vendor text, B secondary source, C general knowledge, D design default"),
    JSON_FIELD("language", JSON_STRING, struct knowledge_passage, language, 0, "zh, en, …"),
    JSON_FIELD("valid_from", JSON_TIME, struct knowledge_passage, valid_from_ms, 0,
               "valid from then; absent = always was"),
    JSON_FIELD("valid_to", JSON_TIME, struct knowledge_passage, valid_to_ms, 0,
               "no longer valid then; absent = still is"),
    JSON_FIELD("ended_at", JSON_TIME, struct knowledge_passage, ended_ms, 0,
               "when a later version had it no more"),
    JSON_FIELD("begin", JSON_INT, struct knowledge_passage, begin, 0, "first byte in the text"),
    JSON_FIELD("end", JSON_INT, struct knowledge_passage, end, 0, "byte after the last"),
    JSON_FIELD("page", JSON_INT, struct knowledge_passage, page, 0, "page from 1; 0 = no pages"),
    JSON_FIELD("digest", JSON_STRING, struct knowledge_passage, digest, 0, "of its content"),
};
const struct json_table knowledge_passage_table = JSON_TABLE(
    "KnowledgePassage", struct knowledge_passage, passage_fields, "a passage of a document", NULL);

static const struct json_field document_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct knowledge_document, id, JSON_REQUIRED,
               "path in its folder, or what its header says"),
    JSON_FIELD("path", JSON_STRING, struct knowledge_document, path, JSON_REQUIRED,
               "path in its folder"),
    JSON_FIELD("title", JSON_STRING, struct knowledge_document, title, 0, "title"),
    JSON_FIELD("media", JSON_STRING, struct knowledge_document, media, 0,
               "markdown, text, html, pdf or docx"),
    JSON_FIELD("digest", JSON_STRING, struct knowledge_document, digest, JSON_REQUIRED,
               "of its bytes and of what is said beside it"),
    JSON_FIELD("version", JSON_INT, struct knowledge_document, version,
               JSON_REQUIRED | JSON_POSITIVE, "from 1"),
    JSON_FIELD("source", JSON_STRING, struct knowledge_document, source, 0, "where it comes from"),
    JSON_FIELD("confidence", JSON_STRING, struct knowledge_document, confidence, 0, "A, B, C or D"),
    JSON_FIELD("language", JSON_STRING, struct knowledge_document, language, 0, "zh, en, …"),
    JSON_FIELD("valid_from", JSON_TIME, struct knowledge_document, valid_from_ms, 0, "as it says"),
    JSON_FIELD("valid_to", JSON_TIME, struct knowledge_document, valid_to_ms, 0, "as it says"),
    JSON_FIELD("ingested_at", JSON_TIME, struct knowledge_document, ingested_ms, 0,
               "when this version came"),
    JSON_FIELD("ended_at", JSON_TIME, struct knowledge_document, ended_ms, 0,
               "when the document was gone"),
    JSON_FIELD("encoding", JSON_STRING, struct knowledge_document, encoding, 0,
               "what its bytes were"),
    JSON_FIELD("note", JSON_STRING, struct knowledge_document, note, 0,
               "what the reader had to decide"),
};
const struct json_table knowledge_document_table =
    JSON_TABLE("KnowledgeDocument", struct knowledge_document, document_fields, "a document", NULL);

bool knowledge_is_valid(const struct knowledge_passage *passage, int64_t at_ms)
{
    return (!passage->valid_from_ms || at_ms >= passage->valid_from_ms) &&
           (!passage->valid_to_ms || at_ms < passage->valid_to_ms);
}

/* ---- updating ---- */

struct update {
    struct knowledge_base *base;
    struct map *documents; /* id → index + 1 in base->documents */
    struct map *current; /* id of passage → index + 1 in base->passages, of those not yet ended */
    int64_t now_ms;
    struct knowledge_changes *out;
    struct arena *arena;
};

static size_t index_of(const struct map *map, const char *id) /* + 1; 0 = none */
{
    return (size_t)(uintptr_t)map_find(map, id);
}

static void end_passage(struct update *u, struct knowledge_passage *passage)
{
    if (!passage->valid_to_ms || passage->valid_to_ms > u->now_ms)
        passage->valid_to_ms = u->now_ms;
    passage->ended_ms = u->now_ms;
    map_take(u->current, passage->id);
    u->out->passages_ended++;
}

/* New passages of a later version begin now, or when the document says if that is to come. */
static void add_passage(struct update *u, const struct knowledge_passage *given, int64_t version)
{
    struct knowledge_passage *passage = LIST_ADD(u->arena, &u->base->passages);
    *passage = *given;
    passage->version = version;
    if (version > 1 && passage->valid_from_ms < u->now_ms)
        passage->valid_from_ms = u->now_ms;
    map_put(u->current, passage->id, (void *)(uintptr_t)u->base->passages.count);
    u->out->passages_added++;
}

/* Passages of documents that have a new version: what is not in it ends. */
static void end_missing(struct update *u, const struct map *kept, const struct map *changed)
{
    for (size_t i = 0; i < u->base->passages.count; i++) {
        struct knowledge_passage *passage = &u->base->passages.items[i];
        if (index_of(u->current, passage->id) != i + 1 || !map_has(changed, passage->document))
            continue;
        if (!map_has(kept, passage->id))
            end_passage(u, passage);
    }
}

static void update_document(struct update *u, const struct knowledge_reading *reading,
                            struct map *kept)
{
    struct knowledge_document document = reading->document;
    size_t at = index_of(u->documents, document.id);
    document.ingested_ms = u->now_ms;
    if (at == 0) {
        *LIST_ADD(u->arena, &u->base->documents) = document;
        map_put(u->documents, document.id, (void *)(uintptr_t)u->base->documents.count);
        u->out->documents_added++;
    } else {
        document.version = u->base->documents.items[at - 1].version + 1;
        u->base->documents.items[at - 1] = document;
        u->out->documents_changed++;
    }
    for (size_t i = 0; i < reading->passages.count; i++) {
        const struct knowledge_passage *given = &reading->passages.items[i];
        size_t old = index_of(u->current, given->id);
        map_put(kept, given->id, u);
        if (old) {
            struct knowledge_passage *passage = &u->base->passages.items[old - 1];
            if (str_eq(passage->digest, given->digest)) { /* may have moved */
                passage->begin = given->begin;
                passage->end = given->end;
                passage->page = given->page;
                u->out->passages_kept++;
                continue;
            }
            end_passage(u, passage);
        }
        add_passage(u, given, document.version);
    }
}

/* Documents that are neither read, unchanged nor refused are gone. */
static void end_gone(struct update *u, const struct knowledge_folder *folder, struct map *changed)
{
    CLEANUP(map_free_at) struct map *there = map_new();
    for (size_t i = 0; i < folder->readings.count; i++)
        map_put(there, folder->readings.items[i].document.path, u);
    for (size_t i = 0; i < folder->unchanged.count; i++)
        map_put(there, folder->unchanged.items[i], u);
    for (size_t i = 0; i < folder->refused.count; i++)
        map_put(there, folder->refused.items[i].path, u);
    for (size_t i = 0; i < u->base->documents.count; i++) {
        struct knowledge_document *document = &u->base->documents.items[i];
        if (document->ended_ms || map_has(there, document->path))
            continue;
        document->ended_ms = u->now_ms;
        map_put(changed, document->id, u);
        u->out->documents_ended++;
    }
}

enum err_code knowledge_update(struct knowledge_base *base, const struct knowledge_folder *folder,
                               int64_t now_ms, struct knowledge_changes *out, struct arena *arena,
                               struct err *err)
{
    CLEANUP(map_free_at) struct map *documents = map_new();
    CLEANUP(map_free_at) struct map *current = map_new();
    CLEANUP(map_free_at) struct map *kept = map_new();
    CLEANUP(map_free_at) struct map *changed = map_new();
    struct update u = {.base = base,
                       .documents = documents,
                       .current = current,
                       .now_ms = now_ms,
                       .out = out,
                       .arena = arena};
    for (size_t i = 0; i < folder->readings.count; i++) {
        const char *id = folder->readings.items[i].document.id;
        if (map_put(changed, id, &u))
            return err_set(err, ERR_CONFLICT, "two documents have the id '%s'", id);
    }
    *out = (struct knowledge_changes){.documents_unchanged = folder->unchanged.count};
    for (size_t i = 0; i < base->documents.count; i++)
        map_put(documents, base->documents.items[i].id, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < base->passages.count; i++)
        if (!base->passages.items[i].ended_ms)
            map_put(current, base->passages.items[i].id, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < folder->readings.count; i++)
        update_document(&u, &folder->readings.items[i], kept);
    end_gone(&u, folder, changed);
    end_missing(&u, kept, changed);
    return arena_check(arena, err);
}

/* ---- on disk ---- */

bool knowledge_is_base(const char *folder)
{
    CLEANUP(mem_free_at) char *path = mem_printf("%s/%s", folder, BASE_FILE);
    return file_exists(path);
}

static enum err_code load_line(const char *line, size_t len, struct knowledge_base *out,
                               struct arena *arena, struct err *err)
{
    static const char document[] = "{\"document\":", passage[] = "{\"passage\":";
    struct knowledge_document a_document;
    struct knowledge_passage a_passage;
    enum err_code rc;
    if (len > sizeof document && memcmp(line, document, strlen(document)) == 0) {
        rc = json_decode(line + strlen(document), len - strlen(document) - 1,
                         &knowledge_document_table, &json_limits_large, &a_document, arena, err);
        if (!rc)
            *LIST_ADD(arena, &out->documents) = a_document;
        return rc;
    }
    if (len > sizeof passage && memcmp(line, passage, strlen(passage)) == 0) {
        rc = json_decode(line + strlen(passage), len - strlen(passage) - 1,
                         &knowledge_passage_table, &json_limits_large, &a_passage, arena, err);
        if (!rc)
            *LIST_ADD(arena, &out->passages) = a_passage;
        return rc;
    }
    return err_set(err, ERR_INVALID, "a line that is neither document nor passage");
}

enum err_code knowledge_load(const char *folder, struct knowledge_base *out, struct arena *arena,
                             struct err *err)
{
    CLEANUP(mem_free_at) char *path = mem_printf("%s/%s", folder, BASE_FILE);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct knowledge_base base = {.documents = {NULL, 0}};
    size_t number = 1;
    enum err_code rc;
    *out = base;
    if (!file_exists(path))
        return ERR_OK;
    if ((rc = file_read(path, BASE_MAX, &text, err)))
        return rc;
    const char *at = buf_str(&text), *end = at + text.len;
    if (!str_has_prefix(at, BASE_HEAD))
        return err_set(err, ERR_CORRUPT, "'%s' is no knowledge base of a format known here", path);
    for (at += strlen(BASE_HEAD); at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct err why = ERR_INIT;
        if (!stop)
            return err_set(err, ERR_CORRUPT, "'%s' ends within line %zu", path, number + 1);
        if (load_line(at, (size_t)(stop - at), &base, arena, &why))
            return err_set(err, ERR_CORRUPT, "'%s', line %zu: %s", path, number + 1, why.text);
        if ((rc = arena_check(arena, err)))
            return rc;
        at = stop + 1;
    }
    *out = base;
    return ERR_OK;
}

static enum err_code save(const char *folder, const struct knowledge_base *base, struct err *err)
{
    CLEANUP(mem_free_at) char *path = mem_printf("%s/%s", folder, BASE_FILE);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc;
    buf_init(&text, BASE_MAX);
    buf_add_str(&text, BASE_HEAD);
    for (size_t i = 0; i < base->documents.count; i++) {
        buf_add_str(&text, "{\"document\":");
        json_encode(&knowledge_document_table, &base->documents.items[i], JSON_COMPACT, &text);
        buf_add_str(&text, "}\n");
    }
    for (size_t i = 0; i < base->passages.count; i++) {
        buf_add_str(&text, "{\"passage\":");
        json_encode(&knowledge_passage_table, &base->passages.items[i], JSON_COMPACT, &text);
        buf_add_str(&text, "}\n");
    }
    if ((rc = buf_check(&text, err)))
        return rc;
    return file_write_atomic(path, text.data, text.len, 0600, err);
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* A share that is not mounted looks like a folder from which everything was deleted. */
static enum err_code refuse_emptiness(const char *from, const struct knowledge_base *base,
                                      const struct knowledge_folder *folder, struct err *err)
{
    size_t current = 0;
    for (size_t i = 0; i < base->documents.count; i++)
        current += base->documents.items[i].ended_ms == 0;
    if (current == 0 || folder->readings.count + folder->unchanged.count + folder->refused.count)
        return ERR_OK;
    err_set(err, ERR_CONFLICT, "'%s' holds no document, the knowledge base has %zu", from, current);
    return err_hint(err, "is it the right folder? to be rid of all knowledge, remove the base");
}

enum err_code knowledge_ingest(const char *from, const char *into, int64_t now_ms,
                               struct knowledge_folder *folder, struct knowledge_changes *out,
                               struct arena *arena, struct err *err)
{
    CLEANUP(mem_free_at) char *lock_path = mem_printf("%s/%s", into, BASE_LOCK);
    struct knowledge_base base;
    enum err_code rc;
    if (!file_exists(from))
        return err_set(err, ERR_NOT_FOUND, "there is no folder '%s'", from);
    if ((rc = file_make_dirs(into, 0700, err)))
        return rc;
    CLEANUP(close_at) int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        return err_errno(err, errno, "cannot lock '%s'", lock_path);
    if ((rc = knowledge_load(into, &base, arena, err)) ||
        (rc = knowledge_read_folder(from, &base, folder, arena, err)) ||
        (rc = refuse_emptiness(from, &base, folder, err)) ||
        (rc = knowledge_update(&base, folder, now_ms, out, arena, err)))
        return rc;
    bool changed = out->documents_added + out->documents_changed + out->documents_ended > 0;
    return changed || !knowledge_is_base(into) ? save(into, &base, err) : ERR_OK;
}

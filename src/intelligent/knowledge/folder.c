/* folder.c - every document below a folder.
 *
 * Contract: links are not followed and hidden files not read; a file that cannot be read is refused
 * by name and the others go on; only limits of the whole (files, depth, memory) end the reading.
 * The order is that of names, so the same folder gives the same answer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define SIDECAR ".meta.yaml"
#define FOLDER_DEFAULTS "folder.meta.yaml"
#define SIDECAR_MAX ((size_t)256 << 10)

struct walk {
    const char *folder;
    struct map *known; /* path → document; NULL = none */
    struct map *seen;  /* ids of this reading */
    struct knowledge_folder *out;
    struct arena *arena;
    size_t files;
};

static void refuse(struct walk *walk, const char *path, const struct err *why)
{
    *LIST_ADD(walk->arena, &walk->out->refused) =
        (struct knowledge_refusal){.path = arena_strdup(walk->arena, path),
                                   .reason = arena_strdup(walk->arena, why->text),
                                   .hint = arena_strdup(walk->arena, why->hint)};
}

/* NULL when there is none. */
static enum err_code read_beside(const char *path, struct buf *text, const char **out,
                                 struct err *err)
{
    struct stat info;
    *out = NULL;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return ERR_OK;
    enum err_code rc = file_read(path, SIDECAR_MAX, text, err);
    if (!rc)
        *out = buf_str(text);
    return rc;
}

static enum err_code read_one(struct walk *walk, const char *path, const char *defaults,
                              struct err *err)
{
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    CLEANUP(buf_done) struct buf beside = BUF_INIT;
    CLEANUP(mem_free_at) char *whole = mem_printf("%s/%s", walk->folder, path);
    CLEANUP(mem_free_at) char *beside_path = mem_printf("%s%s", whole, SIDECAR);
    struct knowledge_reading reading;
    const struct knowledge_document *known;
    char digest[ID_DIGEST_SIZE];
    const char *sidecar;
    enum err_code rc;
    if ((rc = file_read(whole, KNOWLEDGE_FILE_MAX, &bytes, err)) ||
        (rc = read_beside(beside_path, &beside, &sidecar, err)))
        return rc;
    knowledge_file_digest(buf_str(&bytes), bytes.len, defaults, sidecar, digest);
    known = walk->known ? map_find(walk->known, path) : NULL;
    if (known && !known->ended_ms && str_eq(known->digest, digest) &&
        !map_has(walk->seen, known->id)) {
        map_put(walk->seen, known->id, walk);
        *LIST_ADD(walk->arena, &walk->out->unchanged) = known->path;
        return ERR_OK;
    }
    if ((rc = knowledge_read_file(walk->folder, path, buf_str(&bytes), bytes.len, defaults, sidecar,
                                  &reading, walk->arena, err)))
        return rc;
    if (map_has(walk->seen, reading.document.id)) {
        err_set(err, ERR_CONFLICT, "another document has the id '%s'", reading.document.id);
        return err_hint(err, "ids of front matter and sidecars must differ");
    }
    map_put(walk->seen, reading.document.id, walk);
    *LIST_ADD(walk->arena, &walk->out->readings) = reading;
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    LIST(const char *) items;
};

static enum err_code list_names(const char *whole, struct names *out, struct arena *arena,
                                struct err *err)
{
    DIR *dir = opendir(whole);
    struct dirent *entry;
    if (!dir)
        return err_errno(err, errno, "cannot open the folder '%s'", whole);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && str_is_utf8(entry->d_name, strlen(entry->d_name)))
            *LIST_ADD(arena, &out->items) = arena_strdup(arena, entry->d_name);
    closedir(dir);
    if (out->items.count > 1)
        qsort(out->items.items, out->items.count, sizeof *out->items.items, by_name);
    return ERR_OK;
}

static enum err_code walk_folder(struct walk *walk, const char *inside, int depth, struct err *err);

static enum err_code visit(struct walk *walk, const char *path, const char *defaults, int depth,
                           struct err *err)
{
    CLEANUP(mem_free_at) char *whole = mem_printf("%s/%s", walk->folder, path);
    struct err why = ERR_INIT;
    struct stat info;
    if (lstat(whole, &info) != 0)
        return ERR_OK; /* went away meanwhile */
    if (S_ISDIR(info.st_mode))
        return walk_folder(walk, path, depth + 1, err);
    if (!S_ISREG(info.st_mode) || !knowledge_is_document(path))
        return ERR_OK;
    if (++walk->files > KNOWLEDGE_FOLDER_FILES)
        return err_set(err, ERR_TOO_LARGE, "the folder holds more than %d documents",
                       KNOWLEDGE_FOLDER_FILES);
    if (read_one(walk, path, defaults, &why))
        refuse(walk, path, &why);
    return arena_check(walk->arena, err);
}

static enum err_code walk_folder(struct walk *walk, const char *inside, int depth, struct err *err)
{
    CLEANUP(mem_free_at)
    char *whole = mem_printf("%s%s%s", walk->folder, inside[0] ? "/" : "", inside);
    CLEANUP(mem_free_at) char *defaults_path = mem_printf("%s/%s", whole, FOLDER_DEFAULTS);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct names names = {.items = {NULL, 0}};
    const char *defaults;
    enum err_code rc;
    if (depth > KNOWLEDGE_FOLDER_DEPTH)
        return err_set(err, ERR_TOO_LARGE, "folders are nested deeper than %d",
                       KNOWLEDGE_FOLDER_DEPTH);
    if ((rc = list_names(whole, &names, walk->arena, err)) ||
        (rc = read_beside(defaults_path, &text, &defaults, err)))
        return rc;
    for (size_t i = 0; i < names.items.count && !rc; i++) {
        const char *name = names.items.items[i];
        rc = visit(walk, arena_printf(walk->arena, "%s%s%s", inside, inside[0] ? "/" : "", name),
                   defaults, depth, err);
    }
    return rc;
}

enum err_code knowledge_read_folder(const char *folder, const struct knowledge_base *known,
                                    struct knowledge_folder *out, struct arena *arena,
                                    struct err *err)
{
    CLEANUP(map_free_at) struct map *paths = map_new();
    CLEANUP(map_free_at) struct map *seen = map_new();
    struct knowledge_folder result = {.refused = {NULL, 0}};
    struct walk walk = {.folder = folder,
                        .known = known ? paths : NULL,
                        .seen = seen,
                        .out = &result,
                        .arena = arena};
    for (size_t i = 0; known && i < known->documents.count; i++)
        map_put(paths, known->documents.items[i].path, &known->documents.items[i]);
    enum err_code rc = walk_folder(&walk, "", 0, err);
    if (!rc)
        *out = result;
    return rc;
}

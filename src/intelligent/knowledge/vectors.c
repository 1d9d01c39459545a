/* vectors.c - vectors that were paid for once, kept by the digest of their text.
 *
 * Contract: one file for each endpoint and model in the cache's folder: a head with the dimensions,
 * then rows of digest and floats in this machine's order.  Rows are only added, under a lock; a row
 * that a crash cut off is dropped at the next addition.  A file that is not ours or has other
 * dimensions than the endpoint now gives is begun anew. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define HEAD "swan-vectors-1\n"
#define HEAD_SIZE 32
#define KEY_SIZE 64 /* hex digits of a SHA-256 */
#define CACHE_MAX ((size_t)4 << 30)
#define KEEP_EVERY 512 /* texts asked for and then kept at once */

struct cache {
    const char *path;
    struct buf bytes;
    size_t dimensions; /* 0 = nothing kept */
    struct map *rows;  /* hex digest → row in bytes */
};

static size_t row_size(size_t dimensions)
{
    return KEY_SIZE + dimensions * sizeof(float);
}

static void make_head(size_t dimensions, char out[HEAD_SIZE])
{
    memset(out, 0, HEAD_SIZE);
    str_format(out, HEAD_SIZE, HEAD "%zu", dimensions);
}

static void key_of(const char *text, char out[KEY_SIZE + 1])
{
    char digest[ID_DIGEST_SIZE];
    id_digest(text, strlen(text), digest);
    memcpy(out, digest + strlen("sha256:"), KEY_SIZE);
    out[KEY_SIZE] = '\0';
}

/* What cannot be read is as if it were not there. */
static void load(struct cache *cache)
{
    int64_t dimensions = 0;
    char head[HEAD_SIZE];
    cache->dimensions = 0;
    if (!file_exists(cache->path) || file_read(cache->path, CACHE_MAX, &cache->bytes, NULL) ||
        cache->bytes.len < HEAD_SIZE || memcmp(cache->bytes.data, HEAD, strlen(HEAD)) != 0)
        return;
    memcpy(head, cache->bytes.data, HEAD_SIZE);
    head[HEAD_SIZE - 1] = '\0';
    if (str_to_int64(head + strlen(HEAD), &dimensions, NULL) || dimensions < 1 ||
        dimensions > 16384)
        return;
    cache->dimensions = (size_t)dimensions;
    size_t size = row_size(cache->dimensions);
    for (size_t at = HEAD_SIZE; at + size <= cache->bytes.len; at += size) {
        char key[KEY_SIZE + 1];
        memcpy(key, cache->bytes.data + at, KEY_SIZE);
        key[KEY_SIZE] = '\0';
        map_put(cache->rows, key, cache->bytes.data + at + KEY_SIZE);
    }
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum err_code write_all(int fd, const char *data, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot keep vectors");
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return ERR_OK;
}

/* Adds rows; begins the file anew when its head is another one. */
static enum err_code keep(const struct cache *cache, const char *const *texts,
                          const struct knowledge_vectors *vectors, struct err *err)
{
    CLEANUP(buf_done) struct buf rows = BUF_INIT;
    char head[HEAD_SIZE], there[HEAD_SIZE], key[KEY_SIZE + 1];
    size_t size = row_size(vectors->dimensions);
    struct stat info;
    CLEANUP(close_at)
    int fd = open(cache->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &info) != 0)
        return err_errno(err, errno, "cannot keep vectors in '%s'", cache->path);
    make_head(vectors->dimensions, head);
    off_t whole = 0;
    if (info.st_size >= HEAD_SIZE && pread(fd, there, HEAD_SIZE, 0) == HEAD_SIZE &&
        memcmp(head, there, HEAD_SIZE) == 0)
        whole = HEAD_SIZE + (info.st_size - HEAD_SIZE) / (off_t)size * (off_t)size;
    if (ftruncate(fd, whole) != 0 || lseek(fd, whole, SEEK_SET) < 0)
        return err_errno(err, errno, "cannot keep vectors in '%s'", cache->path);
    if (whole == 0)
        buf_add(&rows, head, HEAD_SIZE);
    for (size_t i = 0; i < vectors->count; i++) {
        key_of(texts[i], key);
        buf_add(&rows, key, KEY_SIZE);
        buf_add(&rows, vectors->rows + i * vectors->dimensions,
                vectors->dimensions * sizeof(float));
    }
    return write_all(fd, rows.data, rows.len, err);
}

struct wanted {
    const char **texts;
    size_t *places;
    size_t count;
};

static enum err_code same_dimensions(struct knowledge_vectors *all, size_t dimensions,
                                     struct err *err)
{
    if (!all->rows) {
        all->dimensions = dimensions;
        all->rows = mem_array(all->count * dimensions, sizeof *all->rows);
    }
    if (all->dimensions == dimensions)
        return ERR_OK;
    err_set(err, ERR_INVALID,
            "the embeddings endpoint gives vectors of %zu dimensions, the ones kept have %zu",
            dimensions, all->dimensions);
    return err_hint(err, "another model needs another name, or an empty cache");
}

/* Texts in portions: what was given is kept before the next is asked for. */
static enum err_code ask(const struct knowledge_embedding *embedding, const struct cache *cache,
                         const struct wanted *wanted, struct knowledge_vectors *all,
                         struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t from = 0; from < wanted->count && !rc; from += KEEP_EVERY) {
        CLEANUP(knowledge_vectors_done) struct knowledge_vectors part = {0, 0, NULL};
        size_t count = wanted->count - from < KEEP_EVERY ? wanted->count - from : KEEP_EVERY;
        if ((rc = knowledge_embed(embedding, wanted->texts + from, count, &part, err)) ||
            (rc = same_dimensions(all, part.dimensions, err)) ||
            (rc = cache->path ? keep(cache, wanted->texts + from, &part, err) : ERR_OK))
            return rc;
        for (size_t i = 0; i < count; i++)
            memcpy(all->rows + wanted->places[from + i] * all->dimensions,
                   part.rows + i * part.dimensions, part.dimensions * sizeof(float));
    }
    return rc;
}

static void cache_done(struct cache *cache)
{
    buf_done(&cache->bytes);
    map_free(cache->rows);
    mem_free((void *)(uintptr_t)cache->path);
}

static enum err_code open_cache(const struct knowledge_embedding *embedding, struct cache *cache,
                                struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    enum err_code rc;
    buf_init(&cache->bytes, CACHE_MAX);
    cache->rows = map_new();
    if (!embedding->cache)
        return ERR_OK;
    if ((rc = file_make_dirs(embedding->cache, 0700, err)))
        return rc;
    CLEANUP(mem_free_at) char *name = mem_printf("%s\n%s", embedding->url, embedding->model);
    id_digest(name, strlen(name), digest);
    cache->path = mem_printf("%s/%.16s.vectors", embedding->cache, digest + strlen("sha256:"));
    load(cache);
    return ERR_OK;
}

enum err_code knowledge_embed_cached(const struct knowledge_embedding *embedding,
                                     const char *const *texts, size_t count,
                                     struct knowledge_vectors *out, struct err *err)
{
    CLEANUP(cache_done) struct cache cache = {.path = NULL};
    CLEANUP(mem_free_at) const char **missing = mem_array(count, sizeof *missing);
    CLEANUP(mem_free_at) size_t *places = mem_array(count, sizeof *places);
    struct knowledge_vectors all = {.count = count};
    struct wanted wanted = {.texts = missing, .places = places};
    enum err_code rc = open_cache(embedding, &cache, err);
    for (size_t i = 0; i < count && !rc; i++) {
        char key[KEY_SIZE + 1];
        key_of(texts[i], key);
        const void *row = map_find(cache.rows, key);
        if (!row) {
            missing[wanted.count] = texts[i];
            places[wanted.count++] = i;
        } else if (!(rc = same_dimensions(&all, cache.dimensions, err)))
            memcpy(all.rows + i * all.dimensions, row, all.dimensions * sizeof(float));
    }
    if (!rc)
        rc = ask(embedding, &cache, &wanted, &all, err);
    if (rc) {
        knowledge_vectors_done(&all);
        return rc;
    }
    *out = all;
    return ERR_OK;
}

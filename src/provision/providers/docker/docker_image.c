/* docker_image.c - artefacts as images.
 *
 * Contract: an image is there when its reference is; the reference is written last, by the engine
 * itself (import) or by a tag of what was loaded, so a crash leaves no reference to half an image
 * and a retry begins anew.  Deliveries to one engine follow one another under a lock file of ours,
 * so that two callers do not import the same artefact twice.  An image is never removed here:
 * other instances, and the next ones, run from it. */
#include "provision/providers/docker/docker_priv.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#define DIGEST_PREFIX "sha256:"
#define TAG_DIGITS 12
#define APPLICATION_MAX 100
#define MANIFEST_MAX ((size_t)1 << 20)
#define ENTRIES_MAX 2000000       /* of an archive; more is no image that we take */
#define UPLOAD_TIMEOUT_MS 3600000 /* an hour: gigabytes over a slow link */
#define LOCK_POLL_MS 50

/* The application's name in the alphabet of image names: lower-case letters, digits and single
 * separators between them.  What does not fit is told apart by a digest of the name. */
static char *repository_of(const char *application, struct arena *arena)
{
    const char *at_sign = strchr(application, '@');
    size_t length = at_sign != NULL ? (size_t)(at_sign - application) : strlen(application);
    char *name = arena_alloc(arena, length + 1);
    size_t used = 0;
    bool fits = length > 0 && length <= APPLICATION_MAX;
    for (size_t i = 0; i < length; i++) {
        char c = application[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool is_separator = c == '-' || c == '_' || c == '.';
        if (is_word || (is_separator && used > 0 && isalnum((unsigned char)name[used - 1]))) {
            name[used++] = c;
        } else {
            fits = false;
        }
    }
    fits = fits && isalnum((unsigned char)name[used - 1]);
    name[used] = '\0';
    if (fits) {
        return name;
    }
    char digest[ID_DIGEST_SIZE];
    id_digest(application, length, digest);
    return arena_printf(arena, "app-%.12s", digest + strlen(DIGEST_PREFIX));
}

enum err_code docker_image_reference(const struct plan_task_spec *spec, char **ret_reference,
                                     struct arena *arena, struct err *err)
{
    const char *digest = spec->artefact_digest;
    if (spec->application == NULL || digest == NULL) {
        return err_set(err, ERR_INVALID, "'%s' names no application and artefact", spec->name);
    }
    size_t start = strlen(DIGEST_PREFIX);
    if (!str_has_prefix(digest, DIGEST_PREFIX) || strlen(digest) != start + 64 ||
        strspn(digest + start, "0123456789abcdef") != 64) {
        return err_set(err, ERR_INVALID, "'%s' is no digest of an artefact", digest);
    }
    *ret_reference =
        arena_printf(arena, "localhost/swan/%s:%.*s", repository_of(spec->application, arena),
                     TAG_DIGITS, digest + start);
    return ERR_OK;
}

enum err_code docker_image_find(const struct docker_engine *engine, const char *reference,
                                char **ret_id, struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {
        .path = arena_printf(arena, "/images/%s/json", docker_quote(reference, arena)),
        .what = "looking for an image",
        .may_lack = true};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (reply.status == 404) {
        *ret_id = NULL;
        return ERR_OK;
    }
    const char *id = json_text(json_get(reply.root, "Id"), NULL);
    if (id == NULL || *id == '\0') {
        return docker_reply_nonsense("looking for an image", err);
    }
    *ret_id = arena_strdup(arena, id);
    return ERR_OK;
}

static void image_result(const char *reference, const char *id, struct plan_task_result *out,
                         struct arena *arena)
{
    struct plan_task_result result = {.ref = id};
    *LIST_ADD(arena, &result.details) = (struct json_string_pair){"image", reference};
    *out = result;
}

enum err_code docker_image_check(const struct docker_engine *engine,
                                 enum provider_presence *ret_presence, struct plan_task_result *out,
                                 struct arena *arena, struct err *err)
{
    char *reference = NULL, *id = NULL;
    enum err_code rc = docker_image_reference(engine->call->spec, &reference, arena, err);
    if (rc == ERR_OK) {
        rc = docker_image_find(engine, reference, &id, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    *ret_presence = id != NULL ? PROVIDER_PRESENT : PROVIDER_ABSENT_THING;
    if (id != NULL) {
        image_result(reference, id, out, arena);
    }
    return ERR_OK;
}

/* ---- what the artefact is ---- */

static void free_archive_at(struct archive **archive)
{
    archive_read_free(*archive);
}

/* Is this the manifest of `docker save`: a list whose first item names a configuration? */
static bool is_manifest(struct archive *archive, size_t size)
{
    if (size == 0 || size > MANIFEST_MAX) {
        return false;
    }
    CLEANUP(mem_free_at) char *text = mem_alloc(size);
    if (archive_read_data(archive, text, size) != (la_ssize_t)size) {
        return false;
    }
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    return json_parse(text, size, NULL, &doc, NULL) == ERR_OK &&
           json_text(json_get(json_at(json_root(doc), 0), "Config"), NULL) != NULL;
}

enum err_code docker_archive_kind(const char *path, enum docker_archive *ret_kind, struct err *err)
{
    CLEANUP(free_archive_at) struct archive *archive = archive_read_new();
    archive_read_support_filter_all(archive);
    archive_read_support_format_tar(archive);
    if (archive_read_open_filename(archive, path, 65536) != ARCHIVE_OK) {
        return err_set(err, ERR_INVALID, "the artefact is no archive: %s",
                       archive_error_string(archive));
    }
    size_t entries = 0;
    bool has_layout = false;
    struct archive_entry *entry = NULL;
    int status = ARCHIVE_OK;
    while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
           status == ARCHIVE_WARN) {
        if (++entries > ENTRIES_MAX) {
            return err_set(err, ERR_TOO_LARGE, "the artefact has more than %d files", ENTRIES_MAX);
        }
        const char *name = archive_entry_pathname(entry);
        if (name == NULL) {
            continue;
        }
        name = str_has_prefix(name, "./") ? name + 2 : name;
        has_layout = has_layout || str_eq(name, "oci-layout");
        if (str_eq(name, "manifest.json") && archive_entry_filetype(entry) == AE_IFREG &&
            is_manifest(archive, (size_t)archive_entry_size(entry))) {
            *ret_kind = DOCKER_ARCHIVE_SAVED;
            return ERR_OK;
        }
    }
    if (status != ARCHIVE_EOF || entries == 0) {
        return err_set(err, ERR_INVALID, "the artefact is no complete tar archive: %s",
                       status == ARCHIVE_EOF || archive_error_string(archive) == NULL
                           ? "it is empty"
                           : archive_error_string(archive));
    }
    if (has_layout) {
        err_set(err, ERR_UNSUPPORTED, "the artefact is an OCI layout without manifest.json");
        err_hint(err, "publish a root file system, or what `docker save` writes");
        return ERR_UNSUPPORTED;
    }
    *ret_kind = DOCKER_ARCHIVE_ROOTFS;
    return ERR_OK;
}

/* ---- delivering ---- */

/* Import and load answer 200 and tell of a failure in a stream of JSON lines. */
static enum err_code check_stream(const struct docker_reply *reply, const char *what,
                                  const char **ret_loaded, struct arena *arena, struct err *err)
{
    if (reply->status != 200) {
        return docker_reply_error(reply, what, arena, err);
    }
    const char *at = reply->body;
    while (*at != '\0') {
        size_t length = strcspn(at, "\r\n");
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        if (length > 0 && json_parse(at, length, NULL, &doc, NULL) == ERR_OK) {
            const struct json_value *line = json_root(doc);
            const char *failed = json_text(json_get(line, "error"), NULL);
            if (failed != NULL) {
                bool full = strcasestr(failed, "no space left") != NULL;
                return err_set(err, full ? ERR_CAPACITY : ERR_INVALID, "container engine: %s: %.*s",
                               what, 300, failed);
            }
            const char *text = json_text(json_get(line, "stream"), "");
            const char *loaded = strstr(text, "Loaded image");
            const char *name = loaded != NULL ? strstr(loaded, ": ") : NULL;
            if (name != NULL && *ret_loaded == NULL) {
                name += 2;
                *ret_loaded = arena_strndup(arena, name, strcspn(name, ", \r\n"));
            }
        }
        at += length;
        at += strspn(at, "\r\n");
    }
    return ERR_OK;
}

static enum err_code is_podman(const struct docker_engine *engine, bool *ret_is,
                               struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {.path = "/version", .what = "asking for the version"};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *name = json_text(json_path(reply.root, "Components[0].Name"), "");
    *ret_is = str_has_prefix(name, "Podman");
    return ERR_OK;
}

/* Podman's images/create ignores the tag (4.3); it has a call of its own for the same. */
static enum err_code import_rootfs(const struct docker_engine *engine, const char *path,
                                   const char *reference, struct arena *arena, struct err *err)
{
    bool podman = false;
    enum err_code rc = is_podman(engine, &podman, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *colon = strrchr(reference, ':');
    const char *quoted = docker_quote(reference, arena);
    const char *change = docker_quote(
        arena_printf(arena, "LABEL swan.artefact=%s", engine->call->spec->artefact_digest), arena);
    struct docker_request request = {
        .method = "POST", .body_file = path, .timeout_ms = UPLOAD_TIMEOUT_MS};
    if (podman) {
        request.path = arena_printf(arena, "/v4.0.0/libpod/images/import?reference=%s&changes=%s",
                                    quoted, change);
    } else {
        request.path = arena_printf(arena, "/images/create?fromSrc=-&repo=%.*s&tag=%s&changes=%s",
                                    (int)(colon - reference), reference, colon + 1, change);
    }
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    rc = docker_engine_call(engine, &request, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *loaded = NULL;
    return check_stream(&reply, "importing an image", &loaded, arena, err);
}

static enum err_code load_saved(const struct docker_engine *engine, const char *path,
                                const char *reference, struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_request load = {.method = "POST",
                                  .path = "/images/load?quiet=true",
                                  .body_file = path,
                                  .timeout_ms = UPLOAD_TIMEOUT_MS};
    const char *loaded = NULL;
    enum err_code rc = docker_engine_call(engine, &load, &reply, arena, err);
    if (rc == ERR_OK) {
        rc = check_stream(&reply, "loading an image", &loaded, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (loaded == NULL || *loaded == '\0') {
        return docker_reply_nonsense("loading an image", err);
    }
    rc = FAULT_POINT("provider.docker.apply.half", err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *colon = strrchr(reference, ':');
    struct docker_request tag = {
        .method = "POST",
        .path = arena_printf(arena, "/images/%s/tag?repo=%.*s&tag=%s", docker_quote(loaded, arena),
                             (int)(colon - reference), reference, colon + 1)};
    rc = docker_engine_call(engine, &tag, &reply, arena, err);
    if (rc == ERR_OK && reply.status != 201 && reply.status != 200) {
        rc = docker_reply_error(&reply, "naming an image", arena, err);
    }
    return rc;
}

static void close_at(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* One delivery at a time to this engine from this machine; without a state folder, none waits. */
static enum err_code lock_deliveries(const struct docker_engine *engine, int *ret_fd,
                                     struct arena *arena, struct err *err)
{
    const struct provider_host *host = engine->call->host;
    if (host->state_dir == NULL) {
        return ERR_OK;
    }
    const char *folder = arena_printf(arena, "%s/docker", host->state_dir);
    enum err_code rc = file_make_dirs(folder, 0700, err);
    if (rc != ERR_OK) {
        return rc;
    }
    char digest[ID_DIGEST_SIZE];
    id_digest(engine->call->endpoint, strlen(engine->call->endpoint), digest);
    const char *path = arena_printf(arena, "%s/%.16s.lock", folder, digest + strlen(DIGEST_PREFIX));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open %s", path);
    }
    *ret_fd = fd;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return err_errno(err, errno, "cannot lock %s", path);
        }
        rc = docker_wait(engine, LOCK_POLL_MS, err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
    return ERR_OK;
}

enum err_code docker_image_deliver(const struct docker_engine *engine, struct plan_task_result *out,
                                   struct arena *arena, struct err *err)
{
    const struct provider_call *call = engine->call;
    if (call->host == NULL || call->host->artefact_path == NULL) {
        return err_set(err, ERR_BUG, "the docker provider was lent no store of artefacts");
    }
    CLEANUP(close_at) int lock = -1;
    char *reference = NULL, *id = NULL;
    enum err_code rc = docker_image_reference(call->spec, &reference, arena, err);
    if (rc == ERR_OK) {
        rc = lock_deliveries(engine, &lock, arena, err);
    }
    if (rc == ERR_OK) {
        rc = docker_image_find(engine, reference, &id, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (id == NULL) {
        char *path = NULL;
        enum docker_archive kind = DOCKER_ARCHIVE_ROOTFS;
        rc = call->host->artefact_path(call->host->ctx, call->spec->artefact_digest, &path, arena,
                                       err);
        if (rc == ERR_OK) {
            rc = docker_archive_kind(path, &kind, err);
        }
        if (rc == ERR_OK) {
            rc = kind == DOCKER_ARCHIVE_SAVED ? load_saved(engine, path, reference, arena, err)
                                              : import_rootfs(engine, path, reference, arena, err);
        }
        if (rc == ERR_OK) {
            rc = docker_image_find(engine, reference, &id, arena, err);
        }
        if (rc == ERR_OK && id == NULL) {
            rc = docker_reply_nonsense("importing an image", err);
        }
        if (rc != ERR_OK) {
            return rc;
        }
    }
    image_result(reference, id, out, arena);
    return ERR_OK;
}

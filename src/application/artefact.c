/* artefact.c - artefacts by digest: storing them and looking into them.
 *
 * Contract: an artefact is written under a temporary name, synced and renamed, so a name that is a
 * digest always holds that content.  Looking in reads headers and skips data; nothing is unpacked.
 */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "application/application_priv.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/str.h"

#define MAX_FILES 100000
#define MAX_UNPACKED ((int64_t)20 << 30)
#define READ_BLOCK 65536

enum err_code application_path_of(const struct application *application, const char *digest,
                                  char **ret_path, struct arena *arena, struct err *err)
{
    const char *hex = digest ? digest + strlen("sha256:") : "";
    bool good = digest && str_has_prefix(digest, "sha256:") && strlen(hex) == 64 &&
                strspn(hex, "0123456789abcdef") == 64;
    if (!good) {
        err_set(err, ERR_INVALID, "a digest is sha256: and 64 lower-case hex digits");
        return err_field(err, "digest");
    }
    *ret_path = arena_printf(arena, "%s/sha256/%.2s/%s", application->folder, hex, hex);
    return ERR_OK;
}

enum err_code application_artefact_put(struct application *application, const char *digest,
                                       const void *data, size_t len, char out_digest[72],
                                       struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *path;
    enum err_code rc;
    if (len == 0)
        return err_set(err, ERR_INVALID, "an artefact is not empty");
    id_digest(data, len, out_digest);
    if (digest && (rc = application_path_of(application, digest, &path, &arena, err)))
        return rc;
    if (digest && !str_eq(digest, out_digest)) {
        err_set(err, ERR_INVALID, "the bytes have the digest %s", out_digest);
        return err_field(err, "digest");
    }
    if ((rc = application_path_of(application, out_digest, &path, &arena, err)))
        return rc;
    if (file_exists(path))
        return ERR_OK;
    char *folder = arena_strdup(&arena, path);
    *strrchr(folder, '/') = '\0';
    if ((rc = FAULT_POINT("application.artefact_put", err)) ||
        (rc = file_make_dirs(folder, 0700, err)))
        return rc;
    return file_write_atomic(path, data, len, 0600, err);
}

enum err_code application_artefact_path(struct application *application, const char *digest,
                                        char **ret_path, struct arena *arena, struct err *err)
{
    enum err_code rc = application_path_of(application, digest, ret_path, arena, err);
    if (rc)
        return rc;
    if (file_exists(*ret_path))
        return ERR_OK;
    err_set(err, ERR_NOT_FOUND, "no artefact has the digest %s", digest);
    return err_hint(err, "publish the application again: swan app publish PATH");
}

/* A path inside an archive that stays inside: relative, no "..", no empty or "." parts but at the
 * front. */
static bool stays_inside(const char *path)
{
    if (!path || path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && at[0] == '.' && at[1] == '.')
            return false;
        at += len;
        while (*at == '/')
            at++;
    }
    return true;
}

static const char *plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path;
}

/* A link that leads out of the unpacked tree: resolved by counting levels. */
static bool link_stays_inside(const char *path, const char *target)
{
    int depth = 0;
    if (!target || target[0] == '/')
        return false;
    for (const char *at = plain(path); (at = strchr(at, '/')); at++)
        depth++;
    for (const char *at = target; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && at[0] == '.' && at[1] == '.')
            depth--;
        else if (len && !(len == 1 && at[0] == '.'))
            depth++;
        if (depth < 0)
            return false;
        at += len;
        while (*at == '/')
            at++;
    }
    return true;
}

struct look {
    const struct application_spec *spec;
    int64_t files, bytes;
    bool has_command, has_manifest;
};

static enum err_code bad_entry(struct err *err, const char *path, const char *why)
{
    char shown[128];
    str_format(shown, sizeof shown, "%s", path ? path : "(no name)");
    err_set(err, ERR_INVALID, "the archive holds '%s', %s", shown, why);
    return err_field(err, "artefact");
}

static enum err_code look_at(struct archive_entry *entry, struct look *look, struct err *err)
{
    const char *path = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);
    bool package = look->spec->form == FORM_PACKAGE;
    if (!path)
        return bad_entry(err, path, "a name that cannot be read");
    if (!stays_inside(path))
        return bad_entry(err, path, "a path that leads out of it");
    if (package && archive_entry_symlink(entry) &&
        !link_stays_inside(path, archive_entry_symlink(entry)))
        return bad_entry(err, path, "a link that leads out of it");
    if (archive_entry_hardlink(entry) && !stays_inside(archive_entry_hardlink(entry)))
        return bad_entry(err, path, "a link that leads out of it");
    if (package && !archive_entry_hardlink(entry) && type != AE_IFREG && type != AE_IFDIR &&
        type != AE_IFLNK)
        return bad_entry(err, path, "neither file, folder nor link");
    if (package && (archive_entry_mode(entry) & (S_ISUID | S_ISGID)) && type == AE_IFREG)
        return bad_entry(err, path, "a program that changes its user");
    look->files++;
    look->bytes += archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (look->files > MAX_FILES || look->bytes > MAX_UNPACKED) {
        err_set(err, ERR_TOO_LARGE, "the archive holds more than %d files or 20 GiB", MAX_FILES);
        return err_field(err, "artefact");
    }
    if (package && look->spec->command.count &&
        str_eq(plain(path), plain(look->spec->command.items[0])))
        look->has_command = type == AE_IFLNK || (archive_entry_mode(entry) & S_IXUSR);
    if (str_eq(plain(path), "manifest.json") || str_eq(plain(path), "index.json"))
        look->has_manifest = true;
    return ERR_OK;
}

static enum err_code unreadable(struct archive *archive, struct err *err)
{
    const char *why = archive_error_string(archive);
    err_set(err, ERR_INVALID, "the artefact is no archive that can be read: %s",
            why ? why : "unknown format");
    err_hint(err, "a package is a .tar.gz, .tar.xz, .tar.zst or .zip");
    return err_field(err, "artefact");
}

static enum err_code walk(struct archive *archive, const char *path, struct look *look,
                          struct err *err)
{
    struct archive_entry *entry;
    int step;
    archive_read_support_filter_all(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    if (archive_read_open_filename(archive, path, READ_BLOCK) != ARCHIVE_OK)
        return unreadable(archive, err);
    while ((step = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
           step == ARCHIVE_WARN) {
        enum err_code rc = look_at(entry, look, err);
        if (rc)
            return rc;
        if (archive_read_data_skip(archive) < ARCHIVE_WARN)
            return unreadable(archive, err);
    }
    return step == ARCHIVE_EOF ? ERR_OK : unreadable(archive, err);
}

enum err_code application_check_artefact(const char *path, const struct application_spec *spec,
                                         struct err *err)
{
    if (spec->form != FORM_PACKAGE && spec->form != FORM_CONTAINER)
        return ERR_OK; /* images of machines and function bundles: only their digest is known */
    struct look look = {.spec = spec};
    struct archive *archive = archive_read_new();
    enum err_code rc = walk(archive, path, &look, err);
    archive_read_free(archive);
    if (rc)
        return rc;
    if (look.files == 0) {
        err_set(err, ERR_INVALID, "the archive is empty");
        return err_field(err, "artefact");
    }
    if (spec->form == FORM_PACKAGE && !look.has_command) {
        err_set(err, ERR_INVALID, "the package holds no executable file '%s'",
                spec->command.items[0]);
        return err_field(err, "command");
    }
    return ERR_OK;
}

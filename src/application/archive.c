/* archive.c - looking into artefacts: would unpacking them be safe, and do they hold what they say?
 *
 * Contract: nothing is unpacked, no other program is run, and no memory is taken that grows with
 * the content but for the names.  Every byte is read, so sizes are those that unpacking would give,
 * whatever headers say.
 *
 * A package is safe when no entry's path is absolute, goes up, or leads through a link, and each
 * symbolic link goes up only at the beginning of its target, and not beyond the root.  Then each
 * link leads into the tree from where it really lies, and so does any chain of them. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "application/application_priv.h"
#include "base/map.h"
#include "base/str.h"

#define MAX_FILES 100000
#define MAX_UNPACKED ((int64_t)20 << 30)
#define READ_BLOCK 65536

struct look {
    const struct application_spec *spec;
    int64_t files, bytes;
    struct map *links;   /* paths of symbolic links */
    struct map *folders; /* paths that other entries lie in */
    bool has_command, has_manifest;
};

static enum err_code bad_entry(struct err *err, const char *path, const char *why)
{
    char shown[128];
    str_format(shown, sizeof shown, "%s", path ? path : "(no name)");
    err_set(err, ERR_INVALID, "the archive holds '%s', %s", shown, why);
    return err_field(err, "artefact");
}

static enum err_code too_large(struct err *err)
{
    err_set(err, ERR_TOO_LARGE, "the archive holds more than %d files or 20 GiB", MAX_FILES);
    return err_field(err, "artefact");
}

/* The path without empty and "." parts, in the arena; NULL when it is absolute or goes up. */
static char *normal(const char *path, struct arena *arena)
{
    char *out = arena_strdup(arena, path), *end = out;
    if (path[0] == '/')
        return NULL;
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && at[0] == '.' && at[1] == '.')
            return NULL;
        if (len && !(len == 1 && at[0] == '.')) {
            if (end > out)
                *end++ = '/';
            memmove(end, at, len);
            end += len;
        }
        at += len;
        at += *at == '/';
    }
    *end = '\0';
    return out;
}

/* A link at `path` goes up at most to the root, and only at the beginning of its target. */
static bool link_stays_inside(const char *path, const char *target)
{
    int depth = 0;
    bool down = false;
    if (target[0] == '/' || target[0] == '\0')
        return false;
    for (const char *at = path; (at = strchr(at, '/')); at++)
        depth++;
    for (const char *at = target; *at;) {
        size_t len = strcspn(at, "/");
        bool up = len == 2 && at[0] == '.' && at[1] == '.';
        if (up && (down || --depth < 0))
            return false;
        down = down || (len && !up && !(len == 1 && at[0] == '.'));
        at += len;
        at += *at == '/';
    }
    return true;
}

/* Does the path lead through a link?  Remembers the folders on its way. */
static bool leads_through_link(struct look *look, char *path)
{
    for (char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        bool link = map_has(look->links, path);
        if (!link && !map_has(look->folders, path))
            map_put(look->folders, path, look);
        *at = '/';
        if (link)
            return true;
    }
    return false;
}

static enum err_code look_at_package(struct archive_entry *entry, char *path, const char *symlink,
                                     const char *hardlink, struct look *look, struct err *err)
{
    mode_t type = archive_entry_filetype(entry);
    if (leads_through_link(look, path))
        return bad_entry(err, path, "a path that leads through a link");
    if (!hardlink && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return bad_entry(err, path, "neither file, folder nor link");
    if ((archive_entry_mode(entry) & (S_ISUID | S_ISGID)) && type != AE_IFDIR)
        return bad_entry(err, path, "a program that changes its user");
    if (map_has(look->links, path))
        return bad_entry(err, path, "which is there already as a link");
    if (type == AE_IFLNK && !hardlink) {
        if (!symlink || !link_stays_inside(path, symlink) || !path[0])
            return bad_entry(err, path, "a link that leads out of it");
        if (map_has(look->folders, path))
            return bad_entry(err, path, "a link in the place of a folder");
        map_put(look->links, path, look);
    }
    return ERR_OK;
}

/* Names are bytes, or UTF-8 that this process's locale may not be able to show. */
static const char *either(const char *bytes, const char *utf8)
{
    return bytes ? bytes : utf8;
}

static enum err_code look_at(struct archive_entry *entry, struct look *look, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *given = either(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
    const char *symlink = either(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
    const char *hardlink =
        either(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
    bool package = look->spec->form == FORM_PACKAGE;
    enum err_code rc;
    if (!given || !given[0])
        return bad_entry(err, given, "a name that cannot be read");
    char *path = normal(given, &arena);
    if (!path)
        return bad_entry(err, given, "a path that leads out of it");
    if (hardlink && !normal(hardlink, &arena))
        return bad_entry(err, given, "a link that leads out of it");
    if (package && (rc = look_at_package(entry, path, symlink, hardlink, look, err)))
        return rc;
    if (++look->files > MAX_FILES)
        return too_large(err);
    const char *command =
        look->spec->command.count ? normal(look->spec->command.items[0], &arena) : NULL;
    mode_t type = archive_entry_filetype(entry);
    if (command && str_eq(path, command))
        look->has_command = type == AE_IFLNK || hardlink ||
                            (type == AE_IFREG && (archive_entry_mode(entry) & S_IXUSR));
    if (str_eq(path, "manifest.json") || str_eq(path, "index.json"))
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

/* Reads the entry's data to its end; holes count as what they unpack to. */
static enum err_code count_data(struct archive *archive, struct look *look, struct err *err)
{
    int64_t end = 0;
    for (;;) {
        const void *data;
        size_t len;
        la_int64_t at;
        int step = archive_read_data_block(archive, &data, &len, &at);
        if (step == ARCHIVE_EOF)
            break;
        if (step < ARCHIVE_WARN)
            return unreadable(archive, err);
        if (at < 0 || at > MAX_UNPACKED || (int64_t)len > MAX_UNPACKED - look->bytes - at)
            return too_large(err);
        if (at + (int64_t)len > end)
            end = at + (int64_t)len;
    }
    look->bytes += end;
    return look->bytes > MAX_UNPACKED ? too_large(err) : ERR_OK;
}

static void support_formats(struct archive *archive)
{
    /* Not all that libarchive knows: some filters run other programs. */
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
}

static enum err_code walk(struct archive *archive, const char *path, struct look *look,
                          struct err *err)
{
    struct archive_entry *entry;
    int step;
    support_formats(archive);
    if (archive_read_open_filename(archive, path, READ_BLOCK) != ARCHIVE_OK)
        return unreadable(archive, err);
    while ((step = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
           step == ARCHIVE_WARN) {
        enum err_code rc = look_at(entry, look, err);
        /* A size that is too large already need not be read. */
        if (!rc && archive_entry_size_is_set(entry) &&
            archive_entry_size(entry) > MAX_UNPACKED - look->bytes)
            rc = too_large(err);
        if (rc || (rc = count_data(archive, look, err)))
            return rc;
    }
    return step == ARCHIVE_EOF ? ERR_OK : unreadable(archive, err);
}

enum err_code application_check_artefact(const char *path, const struct application_spec *spec,
                                         struct err *err)
{
    if (spec->form != FORM_PACKAGE && spec->form != FORM_CONTAINER)
        return ERR_OK; /* images of machines and function bundles: only their digest is known */
    CLEANUP(map_free_at) struct map *links = map_new();
    CLEANUP(map_free_at) struct map *folders = map_new();
    struct look look = {.spec = spec, .links = links, .folders = folders};
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
    if (spec->form == FORM_CONTAINER && !look.has_manifest && spec->command.count == 0) {
        err_set(err, ERR_INVALID,
                "the archive is no image (it has no manifest.json), and a root "
                "file system needs the command that starts it");
        return err_field(err, "command");
    }
    return ERR_OK;
}

/* host_package.c - what is in a package, looked at before any machine unpacks it.
 *
 * Contract: an archive passes only when every entry is a plain file, folder or link below the
 * root, no link leads out of it, no entry lies below a link, nothing is setuid, and sizes and
 * counts stay within the maxima.  So whichever tar unpacks it, nothing appears outside. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define ENTRIES_MAX 200000
#define DEPTH_MAX 100 /* folders in folders; removal walks them */
#define UNPACKED_MAX ((int64_t)64 << 30)
#define PIECE ((size_t)64 << 10)

enum err_code host_artefact_name(const char *digest, const char **ret_name, struct arena *arena,
                                 struct err *err)
{
    const char *hex = digest != NULL && str_has_prefix(digest, "sha256:") ? digest + 7 : "";
    if (strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
        return err_set(err, ERR_INVALID, "'%s' is no digest of an artefact",
                       digest != NULL ? digest : "");
    *ret_name = arena_printf(arena, "sha256-%s", hex);
    return ERR_OK;
}

static void free_reader(struct archive **archive)
{
    archive_read_free(*archive);
}

static void free_writer(struct archive **archive)
{
    archive_write_free(*archive);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* "./a//b/" → "a/b" in out; NULL when all is well, else what is wrong with it. */
static const char *clean_path(const char *path, struct buf *out, int *ret_depth)
{
    int depth = 0;
    buf_clear(out);
    if (path == NULL || path[0] == '\0')
        return "has no name";
    if (path[0] == '/')
        return "is absolute";
    for (const char *part = path; *part != '\0';) {
        size_t len = strcspn(part, "/");
        if (len == 2 && part[0] == '.' && part[1] == '.')
            return "leads upwards";
        if (len > 255)
            return "has too long a name";
        if (len > 0 && !(len == 1 && part[0] == '.')) {
            if (out->len > 0)
                buf_add_char(out, '/');
            buf_add(out, part, len);
            depth++;
        }
        part += len + (part[len] == '/');
    }
    *ret_depth = depth;
    return depth > DEPTH_MAX || out->len > 2000 ? "lies too deep" : NULL;
}

/* Where a link leads: up only at its beginning and never above the root.  Behind another link names
 * do not tell where ".." leads ("x" → ".", "y" → "x/.."), so there it is refused. */
static const char *check_link(const char *path, const char *target)
{
    if (target == NULL || target[0] == '\0' || target[0] == '/')
        return "is a link to an absolute path";
    int depth = 0;
    bool named = false;
    for (const char *c = path; *c != '\0'; c++)
        depth += *c == '/';
    for (const char *part = target; *part != '\0';) {
        size_t len = strcspn(part, "/");
        bool up = len == 2 && part[0] == '.' && part[1] == '.';
        if (up && (named || --depth < 0))
            return "is a link that leads out";
        named = named || (len > 0 && !up && !(len == 1 && part[0] == '.'));
        part += len + (part[len] == '/');
    }
    return NULL;
}

/* Does the path, or a folder above it, name a link that came before? */
static bool is_below_link(const struct map *links, const char *path)
{
    char part[2048];
    str_format(part, sizeof part, "%s", path);
    for (char *slash = part;; slash++) {
        slash = strchrnul(slash, '/');
        char was = *slash;
        *slash = '\0';
        if (map_has(links, part))
            return true;
        *slash = was;
        if (was == '\0')
            return false;
    }
}

struct inspection {
    struct map *links;
    int64_t entries, bytes;
    struct buf path, target;
};

static void inspection_done(struct inspection *inspection)
{
    map_free(inspection->links);
    buf_done(&inspection->path);
    buf_done(&inspection->target);
}

/* NULL or what is wrong with the entry; its clean path in inspection->path. */
static const char *inspect(struct inspection *inspection, struct archive_entry *entry)
{
    int depth = 0;
    if (++inspection->entries > ENTRIES_MAX)
        return "is one too many";
    const char *wrong = clean_path(archive_entry_pathname(entry), &inspection->path, &depth);
    if (wrong != NULL)
        return wrong;
    const char *path = buf_str(&inspection->path);
    mode_t type = archive_entry_filetype(entry);
    if (depth == 0)
        return type == AE_IFDIR ? NULL : "is the root and no folder";
    if (archive_entry_hardlink(entry) != NULL) {
        wrong = clean_path(archive_entry_hardlink(entry), &inspection->target, &depth);
        if (wrong != NULL || is_below_link(inspection->links, buf_str(&inspection->target)))
            return "is a hard link that leads out";
        type = AE_IFREG;
    }
    if (is_below_link(inspection->links, path))
        return "lies below a link";
    if (type == AE_IFLNK) {
        wrong = check_link(path, archive_entry_symlink(entry));
        if (wrong == NULL)
            map_put(inspection->links, path, inspection);
        return wrong;
    }
    if (type != AE_IFREG && type != AE_IFDIR)
        return "is no file, folder or link";
    if ((archive_entry_mode(entry) & (S_ISUID | S_ISGID)) != 0 && type == AE_IFREG)
        return "is setuid or setgid";
    return NULL;
}

static enum err_code not_archive(struct archive *archive, const char *path, struct err *err)
{
    const char *words = archive_error_string(archive);
    return err_set(err, ERR_INVALID, "'%s' is no whole tar, tar.gz, tar.xz or zip: %s", path,
                   words != NULL ? words : "unreadable");
}

/* The entry's content: counted, and copied when there is a writer. */
static enum err_code take_content(const struct provider_call *call, struct inspection *inspection,
                                  struct archive *in, struct archive *out, const char *path,
                                  struct err *err)
{
    char piece[PIECE];
    for (la_ssize_t got; (got = archive_read_data(in, piece, sizeof piece)) != 0;) {
        if (got < 0)
            return not_archive(in, path, err);
        inspection->bytes += got;
        if (inspection->bytes > UNPACKED_MAX)
            return err_set(err, ERR_TOO_LARGE, "the package holds more than %lld GiB",
                           (long long)(UNPACKED_MAX >> 30));
        if (out != NULL && archive_write_data(out, piece, (size_t)got) != got)
            return err_set(err, ERR_IO, "cannot rewrite '%s'", path);
        if (host_cancelled(call))
            return err_set(err, ERR_CANCELLED, "cancelled");
    }
    return ERR_OK;
}

static enum err_code open_reader(struct archive *in, const char *path, struct err *err)
{
    archive_read_support_filter_gzip(in);
    archive_read_support_filter_xz(in);
    archive_read_support_format_tar(in);
    archive_read_support_format_gnutar(in);
    archive_read_support_format_zip(in);
    if (archive_read_open_filename(in, path, PIECE) != ARCHIVE_OK)
        return not_archive(in, path, err);
    return ERR_OK;
}

/* A tar to copy a zip into: machines have tar, but seldom unzip. */
static enum err_code open_writer(struct archive *out, const char *folder, int *fd,
                                 const char **ret_path, struct arena *arena, struct err *err)
{
    char unique[ID_SIZE];
    id_new("zip", unique);
    const char *path = arena_printf(arena, "%s/.%s.tar", folder, unique);
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(err, errno, "'%s'", path);
    *ret_path = path;
    archive_write_set_format_pax_restricted(out);
    return archive_write_open_fd(out, *fd) == ARCHIVE_OK
               ? ERR_OK
               : err_set(err, ERR_IO, "cannot write '%s'", path);
}

static enum err_code walk(const struct provider_call *call, const char *path,
                          const char *temporary_dir, const char **ret_tar, struct arena *arena,
                          struct err *err)
{
    CLEANUP(inspection_done)
    struct inspection inspection = {map_new(), 0, 0, BUF_INIT, BUF_INIT};
    CLEANUP(close_fd) int fd = -1;
    CLEANUP(free_reader) struct archive *in = archive_read_new();
    CLEANUP(free_writer) struct archive *out = archive_write_new();
    struct archive_entry *entry;
    enum err_code rc = open_reader(in, path, err);
    int step = ARCHIVE_OK;
    while (rc == ERR_OK && (step = archive_read_next_header(in, &entry)) != ARCHIVE_EOF) {
        if (step < ARCHIVE_WARN)
            return not_archive(in, path, err);
        const char *wrong = inspect(&inspection, entry);
        if (wrong != NULL)
            return err_set(
                err, ERR_POLICY, "the package is refused: '%.200s' %s",
                archive_entry_pathname(entry) != NULL ? archive_entry_pathname(entry) : "", wrong);
        if ((archive_format(in) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP && fd < 0)
            rc = open_writer(out, temporary_dir, &fd, ret_tar, arena, err);
        if (rc == ERR_OK && fd >= 0) {
            if (inspection.path.len == 0)
                continue; /* the root itself */
            if (!archive_entry_size_is_set(entry)) {
                return err_set(err, ERR_INVALID, "'%s': an entry does not tell its size", path);
            }
            if (archive_write_header(out, entry) < ARCHIVE_WARN)
                rc = err_set(err, ERR_IO, "cannot rewrite '%s'", path);
        }
        if (rc == ERR_OK)
            rc = take_content(call, &inspection, in, fd >= 0 ? out : NULL, path, err);
    }
    if (rc == ERR_OK && inspection.entries == 0)
        rc = err_set(err, ERR_INVALID, "'%s' is an empty archive", path);
    if (rc == ERR_OK && fd >= 0 && archive_write_close(out) != ARCHIVE_OK)
        rc = err_set(err, ERR_IO, "cannot rewrite '%s'", path);
    return rc;
}

enum err_code host_package_check(const struct provider_call *call, const char *path,
                                 const char *temporary_dir, const char **ret_tar,
                                 struct arena *arena, struct err *err)
{
    *ret_tar = NULL;
    enum err_code rc = walk(call, path, temporary_dir, ret_tar, arena, err);
    if (rc != ERR_OK && *ret_tar != NULL) {
        unlink(*ret_tar);
        *ret_tar = NULL;
    }
    return rc;
}

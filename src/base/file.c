/* file.c - whole files and folders, safely.
 *
 * Contract of file_write_atomic: the new text is written to ".NAME.part" beside the target, locked,
 * synced, renamed over the target, and the folder is synced.  A crash leaves the old file whole and
 * at most that one part, which the next write takes over: parts never pile up.  Writers of one
 * target wait for each other.  Only a failing sync of the folder can return an error after readers
 * see the new file.
 *
 * Contract of file_remove_tree: works by descriptors relative to the opened parent, so a link put
 * in the way meanwhile is removed, never followed.  A failure midway leaves the rest in place;
 * calling again continues. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"

static void close_at(int *fd)
{
    if (*fd > STDERR_FILENO)
        close(*fd);
}

static enum err_code open_for_reading(const char *path, size_t max, int *out_fd, struct err *err)
{
    /* Not blocking: a pipe in place of the file must not hang us before it is refused. */
    CLEANUP(close_at) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_errno(err, errno, "cannot open '%s'", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "cannot read '%s'", path);
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "'%s' is a folder, not a file", path);
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
        err_hint(err, "give '-' to read standard input");
        return ERR_INVALID;
    }
    if ((uint64_t)st.st_size > max)
        return err_set(err, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", path, max);
    *out_fd = fd;
    fd = -1;
    return ERR_OK;
}

enum err_code file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
    bool is_stdin = str_eq(path, "-");
    const char *name = is_stdin ? "standard input" : path;
    CLEANUP(close_at) int fd = STDIN_FILENO;
    enum err_code code = is_stdin ? ERR_OK : open_for_reading(path, max, &fd, err);
    if (code)
        return code;

    struct buf before = *out;
    char chunk[16 * 1024];
    size_t total = 0;
    while (!code) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0)
            break;
        if (got < 0) {
            if (errno != EINTR)
                code = err_errno(err, errno, "cannot read '%s'", name);
            continue;
        }
        if ((size_t)got > max - total) {
            code = err_set(err, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", name, max);
            break;
        }
        total += (size_t)got;
        buf_add(out, chunk, (size_t)got);
        if ((code = buf_check(out, err)))
            err_context(err, "'%s'", name);
    }
    if (code && out->data) {
        out->len = before.len;
        out->over = before.over;
        out->data[out->len] = '\0';
    }
    return code;
}

/* Splits "a/b/name" into folder ("a/b", "." or "/") and name. */
static const char *split_path(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        memcpy(folder, ".", 2);
        return path;
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, path, len);
    folder[len] = '\0';
    return slash + 1;
}

/* The part, opened and locked.  Whoever held it before may have renamed it away while we waited for
 * the lock: then the name is another file by now, and we begin again. */
static int open_part(int dir, const char *part)
{
    for (;;) {
        int fd = openat(dir, part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
            return -1;
        struct stat ours, named;
        bool locked = flock(fd, LOCK_EX) == 0;
        if ((!locked && errno != EINTR) || fstat(fd, &ours) < 0) {
            int why = errno;
            close(fd);
            errno = why;
            return -1;
        }
        if (locked && fstatat(dir, part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

enum err_code file_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                                struct err *err)
{
    char folder[PATH_MAX], part[NAME_MAX + 1];
    if (strlen(path) >= sizeof folder)
        return err_errno(err, ENAMETOOLONG, "cannot write '%s'", path);
    const char *name = split_path(path, folder);
    if (*name == '\0' || str_eq(name, ".") || str_eq(name, ".."))
        return err_set(err, ERR_INVALID, "'%s' does not name a file", path);
    if (strlen(name) + strlen("..part") >= sizeof part)
        return err_errno(err, ENAMETOOLONG, "cannot write '%s'", path);
    str_format(part, sizeof part, ".%s.part", name);

    CLEANUP(close_at) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(err, errno, "cannot open the folder of '%s'", path);
    CLEANUP(close_at) int fd = open_part(dir, part);
    if (fd < 0)
        return err_errno(err, errno, "cannot write '%s'", path);
    enum err_code code = FAULT_POINT("file.before_write", err);
    if (!code && (ftruncate(fd, 0) < 0 || !write_all(fd, data, len) ||
                  fchmod(fd, (mode_t)mode & 07777) < 0 || fsync(fd) < 0))
        code = err_errno(err, errno, "cannot write '%s'", path);
    if (!code)
        code = FAULT_POINT("file.before_rename", err);
    if (!code && renameat(dir, part, dir, name) < 0)
        code = err_errno(err, errno, "cannot write '%s'", path);
    if (code) {
        unlinkat(dir, part, 0);
        return code;
    }
    code = FAULT_POINT("file.before_sync", err);
    if (!code && fsync(dir) < 0)
        code = err_errno(err, errno, "cannot sync the folder of '%s'", path);
    return code;
}

enum err_code file_make_dirs(const char *path, unsigned mode, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return err_errno(err, len ? ENAMETOOLONG : ENOENT, "cannot make the folder '%s'", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        /* A folder on the way must let us go on inside it. */
        mode_t bits = (mode_t)mode | (path[i] ? S_IWUSR | S_IXUSR : 0);
        if (mkdir(part, bits & 07777) == 0)
            continue;
        int why = errno;
        struct stat st;
        if (stat(part, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                continue;
            why = ENOTDIR;
        }
        return err_errno(err, why, "cannot make the folder '%s'", part);
    }
    return ERR_OK;
}

/* Folders nested deeper than this are moved up to the root of the removal, and met again there: a
 * tree of any depth goes with this many descriptors and frames. */
#define REMOVE_DEPTH_MAX 64

struct removal {
    const char *path;
    int root; /* descriptor of the topmost folder */
    dev_t device;
    unsigned moved; /* folders moved up so far */
};

static enum err_code remove_entry(struct removal *r, int parent, const char *name, unsigned depth,
                                  struct err *err);

/* Opens the folder `name` for listing and removing; gives ourselves the right if it is ours. */
static int open_folder(int parent, const char *name)
{
    int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, O_RDONLY | flags);
    if (fd < 0 && errno == EACCES) {
        CLEANUP(close_at) int handle = openat(parent, name, O_PATH | flags);
        char by_handle[64];
        str_format(by_handle, sizeof by_handle, "/proc/self/fd/%d", handle);
        if (handle >= 0 && chmod(by_handle, S_IRWXU) == 0)
            fd = openat(parent, name, O_RDONLY | flags);
    }
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
        (void)!fchmod(fd, st.st_mode | S_IRWXU); /* if it is not ours, removing will tell */
    return fd;
}

static void close_dir_at(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* Empties the folder behind fd, which is consumed. */
static enum err_code remove_content(struct removal *r, int fd, unsigned depth, struct err *err)
{
    CLEANUP(close_dir_at) DIR *dir = fdopendir(fd);
    if (!dir) {
        int why = errno;
        close(fd);
        return err_errno(err, why, "cannot list a folder in '%s'", r->path);
    }
    if (depth == 0)
        r->root = fd;
    /* Removing while listing may skip entries, and folders may be moved up to us. */
    for (bool found = true; found;) {
        found = false;
        rewinddir(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
            if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
                continue;
            found = true;
            enum err_code code = remove_entry(r, fd, entry->d_name, depth + 1, err);
            if (code)
                return code;
        }
    }
    return ERR_OK;
}

/* A removal that was killed may have left folders of the same name: those are passed over. */
static enum err_code move_up(struct removal *r, int parent, const char *name, struct err *err)
{
    char moved[32];
    do {
        str_format(moved, sizeof moved, ".removing-%u", r->moved++);
        if (renameat(parent, name, r->root, moved) == 0)
            return ERR_OK;
    } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    return err_errno(err, errno, "cannot move '%s' up in '%s'", name, r->path);
}

static enum err_code remove_entry(struct removal *r, int parent, const char *name, unsigned depth,
                                  struct err *err)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return ERR_OK;
        return err_errno(err, errno, "cannot look at '%s' in '%s'", name, r->path);
    }
    if (!S_ISDIR(st.st_mode)) {
        if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
            return ERR_OK;
        return err_errno(err, errno, "cannot remove '%s' in '%s'", name, r->path);
    }
    if (depth > REMOVE_DEPTH_MAX)
        return move_up(r, parent, name, err);
    if (depth > 0 && st.st_dev != r->device)
        return err_set(err, ERR_CONFLICT, "'%s' in '%s' lies on another device", name, r->path);
    int fd = open_folder(parent, name);
    if (fd < 0 && errno != ENOENT)
        return err_errno(err, errno, "cannot open '%s' in '%s'", name, r->path);
    if (fd >= 0) {
        enum err_code code = remove_content(r, fd, depth, err);
        if (code)
            return code;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return ERR_OK;
    return err_errno(err, errno, "cannot remove the folder '%s' in '%s'", name, r->path);
}

enum err_code file_remove_tree(const char *path, struct err *err)
{
    char trimmed[PATH_MAX], folder[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--; /* "link/" is the link, too */
    if (len >= sizeof trimmed)
        return err_errno(err, ENAMETOOLONG, "cannot remove '%s'", path);
    memcpy(trimmed, path, len);
    trimmed[len] = '\0';
    const char *name = split_path(trimmed, folder);
    if (*name == '\0' || str_eq(name, ".") || str_eq(name, ".."))
        return err_set(err, ERR_INVALID, "'%s' does not name a folder to remove", path);
    CLEANUP(close_at) int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) {
        if (errno == ENOENT)
            return ERR_OK;
        return err_errno(err, errno, "cannot open the folder of '%s'", path);
    }
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return ERR_OK;
        return err_errno(err, errno, "cannot look at '%s'", path);
    }
    struct removal r = {.path = path, .root = -1, .device = st.st_dev};
    return remove_entry(&r, parent, name, 0, err);
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

enum err_code file_program_dir(char *out, size_t size, struct err *err)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len < 0)
        return err_errno(err, errno, "cannot find the program's own folder");
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return err_set(err, ERR_BUG, "the program's path '%s' has no folder", path);
    if (slash == path)
        slash++; /* the root keeps its slash */
    *slash = '\0';
    if (strlen(path) >= size)
        return err_set(err, ERR_TOO_LARGE, "the program's folder has a path longer than %zu bytes",
                       size);
    memcpy(out, path, strlen(path) + 1);
    return ERR_OK;
}

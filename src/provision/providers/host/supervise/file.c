/* file.c - files, folders and lock files of swan-supervise.
 *
 * Contract: a written file is seen old or new, never half.  A lock file that its holder removes is
 * never held by two: who gets the lock looks whether the path still leads to the file he locked. */
#include "provision/providers/host/supervise/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

ssize_t supervise_read(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, out + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || len + (size_t)got >= size) {
            int why = got < 0 ? errno : EFBIG;
            close(fd);
            errno = why;
            return -1;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    close(fd);
    out[len] = '\0';
    return (ssize_t)len;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

bool supervise_write(const char *path, const char *data, size_t len, mode_t mode, bool durable)
{
    char beside[PATH_MAX];
    if (!supervise_format(beside, sizeof beside, "%s.new", path))
        return false;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, data, len) && (!durable || fsync(fd) == 0);
    ok = close(fd) == 0 && ok;
    ok = ok && rename(beside, path) == 0;
    if (!ok)
        unlink(beside);
    return ok;
}

bool supervise_make_dir(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    if (!supervise_format(part, sizeof part, "%s", path))
        return false;
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(part, mode) == 0 || errno == EEXIST;
}

/* Depth is bounded by the descriptors that a process may have; a package is checked for its depth
 * before it is unpacked, and what an application nests deeper makes the removal fail, not crash. */
static bool remove_at(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;
    if (depth > 200)
        return false;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    fchmod(fd, 0700); /* a folder that came read-only in a package */
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return false;
    }
    bool ok = true;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = remove_at(fd, entry->d_name, depth + 1) && ok;
    }
    closedir(dir);
    return ok && (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

bool supervise_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path, 0);
}

int supervise_lock(const char *path, int wait_ms)
{
    int64_t end = supervise_mono_ms() + wait_ms;
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -1;
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK || supervise_mono_ms() >= end) {
                int why = errno;
                close(fd);
                errno = why;
                return -1;
            }
            supervise_sleep_ms(5);
        }
        struct stat held, named;
        if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev)
            return fd;
        close(fd); /* its holder removed it while we waited */
    }
}

static int64_t now_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t supervise_now_ms(void)
{
    return now_of(CLOCK_REALTIME);
}

int64_t supervise_mono_ms(void)
{
    return now_of(CLOCK_MONOTONIC);
}

void supervise_sleep_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&pause, &pause) < 0 && errno == EINTR) {
    }
}

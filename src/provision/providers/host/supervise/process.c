/* process.c - who runs: the holder of DIR/lock, and all processes of an instance.
 *
 * Contract: DIR/lock is a POSIX record lock of the supervisor.  The kernel drops it when that
 * process ends in whatever way, a child does not inherit it, and F_GETLK names the holder without
 * taking anything, so a look never disturbs a start.  The processes of an instance are found by the
 * mark in their environment, which descendants inherit also across setsid and re-parenting. */
#include "provision/providers/host/supervise/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int open_lock(const char *dir, int flags)
{
    char path[PATH_MAX];
    if (!supervise_format(path, sizeof path, "%s/lock", dir))
        return -1;
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

pid_t supervise_holder(const char *dir)
{
    int fd = open_lock(dir, O_RDWR);
    if (fd < 0)
        return 0;
    struct flock ask = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = fcntl(fd, F_GETLK, &ask);
    close(fd);
    return rc == 0 && ask.l_type != F_UNLCK ? ask.l_pid : 0;
}

bool supervise_hold(const char *dir)
{
    int fd = open_lock(dir, O_RDWR | O_CREAT);
    if (fd < 0)
        return false;
    struct flock take = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &take) == 0)
        return true; /* the descriptor stays open as long as this process lives */
    close(fd);
    return false;
}

int64_t supervise_start_time(pid_t pid)
{
    char path[64], text[2048];
    supervise_format(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (supervise_read(path, text, sizeof text) < 0)
        return 0;
    const char *at = strrchr(text, ')'); /* the name may hold blanks */
    if (at == NULL || at[1] == '\0' || at[2] == 'Z')
        return 0;
    at++;
    for (int field = 3; field <= 22 && at != NULL; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    return at != NULL ? strtoll(at, NULL, 10) : 0;
}

static bool is_marked(int proc, const char *pid, const char *mark)
{
    static char text[SUPERVISE_TEXT_MAX];
    char path[64];
    if (!supervise_format(path, sizeof path, "%s/environ", pid))
        return false;
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    for (ssize_t got; len < sizeof text - 1; len += (size_t)got) {
        got = read(fd, text + len, sizeof text - 1 - len);
        if (got <= 0)
            break;
    }
    close(fd);
    text[len] = '\0';
    for (size_t at = 0; at < len; at += strlen(text + at) + 1)
        if (strcmp(text + at, mark) == 0)
            return true;
    return false;
}

void supervise_each_process(const char *dir, void (*fn)(void *ctx, pid_t pid), void *ctx)
{
    char mark[PATH_MAX + 32];
    if (!supervise_format(mark, sizeof mark, "%s=%s", SUPERVISE_MARK, dir))
        return;
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        int64_t pid;
        if (supervise_to_int(entry->d_name, 1, INT_MAX, &pid) && pid != getpid() &&
            is_marked(dirfd(proc), entry->d_name, mark))
            fn(ctx, (pid_t)pid);
    }
    closedir(proc);
}

static void add_usage(void *ctx, pid_t pid)
{
    struct supervise_usage *usage = ctx;
    clockid_t id;
    struct timespec used;
    if (clock_getcpuclockid(pid, &id) == 0 && clock_gettime(id, &used) == 0)
        usage->cpu_ms += (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
    char path[64], text[256];
    supervise_format(path, sizeof path, "/proc/%d/statm", (int)pid);
    long long pages = 0;
    if (supervise_read(path, text, sizeof text) > 0 && sscanf(text, "%*d %lld", &pages) == 1)
        usage->memory_bytes += pages * sysconf(_SC_PAGESIZE);
    usage->processes++;
}

void supervise_usage(const char *dir, struct supervise_usage *out)
{
    *out = (struct supervise_usage){0};
    supervise_each_process(dir, add_usage, out);
}

static void kill_one(void *ctx, pid_t pid)
{
    (*(int *)ctx)++;
    kill(pid, SIGKILL);
}

bool supervise_kill_leftovers(const char *dir, const char *cgroup_name)
{
    supervise_cgroup_kill(cgroup_name);
    /* One that forks while we look is found by the next round. */
    for (int round = 0; round < 200; round++) {
        int found = 0;
        supervise_each_process(dir, kill_one, &found);
        if (found == 0)
            return true;
        supervise_sleep_ms(10);
    }
    return false;
}

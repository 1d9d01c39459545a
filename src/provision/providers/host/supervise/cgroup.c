/* cgroup.c - limits by cgroup v2, where this machine lets us.
 *
 * Tried in this order: "swan" at the root of the v2 mount, then "swan" beside our own cgroup (a
 * delegated slice of an ordinary user).  What cannot be enforced is said in words; nothing is
 * promised that the kernel did not accept. */
#include "provision/providers/host/supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void supervise_cgroup_name(const char *name, const char *dir, char out[SUPERVISE_NAME_MAX + 16])
{
    uint32_t hash = 2166136261u; /* FNV-1a: no secret, only tells two folders apart */
    for (const char *c = dir; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    supervise_format(out, SUPERVISE_NAME_MAX + 16, "%s-%08x", name, hash);
}

/* Mount point of cgroup v2, "" when there is none. */
static void find_mount(char out[PATH_MAX])
{
    static char text[SUPERVISE_TEXT_MAX];
    out[0] = '\0';
    if (supervise_read("/proc/self/mounts", text, sizeof text) < 0)
        return;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char place[PATH_MAX], type[64];
        if (sscanf(line, "%*s %4095s %63s", place, type) == 2 && strcmp(type, "cgroup2") == 0) {
            supervise_format(out, PATH_MAX, "%s", place);
            return;
        }
    }
}

/* "/a/b" of the line "0::/a/b" of /proc/self/cgroup; "/" when there is none. */
static void find_own(char out[PATH_MAX])
{
    char text[8192];
    supervise_format(out, PATH_MAX, "/");
    if (supervise_read("/proc/self/cgroup", text, sizeof text) < 0)
        return;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "0::/", 4) == 0)
            supervise_format(out, PATH_MAX, "%s", line + 3);
}

/* The n-th folder in which "swan" may lie; false after the last. */
static bool candidate(int n, char out[PATH_MAX])
{
    char mount[PATH_MAX], own[PATH_MAX];
    find_mount(mount);
    if (mount[0] == '\0' || n > 1)
        return false;
    if (n == 0)
        return supervise_format(out, PATH_MAX, "%s", mount);
    find_own(own);
    char *slash = strrchr(own, '/');
    if (slash == own) /* we are at the root, or right below it */
        return false;
    *slash = '\0';
    return supervise_format(out, PATH_MAX, "%s%s", mount, own);
}

static bool put(const char *folder, const char *file, const char *text)
{
    char path[PATH_MAX];
    if (!supervise_format(path, sizeof path, "%s/%s", folder, file))
        return false;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static bool join(char out[PATH_MAX], const char *folder, const char *name)
{
    return supervise_format(out, PATH_MAX, "%s/%s", folder, name);
}

struct verdict {
    char enforced[96], missing[128];
};

/* Limits in `folder`; `wanted` 0 needs none. */
static void set_limit(struct verdict *verdict, const char *folder, const char *file,
                      const char *value, const char *what)
{
    char *into = verdict->enforced;
    size_t size = sizeof verdict->enforced;
    char reason[64] = "";
    if (!put(folder, file, value)) {
        into = verdict->missing;
        size = sizeof verdict->missing;
        supervise_format(reason, sizeof reason, " (%s)",
                         errno == ENOENT ? "controller not in cgroup v2 here" : strerror(errno));
    }
    size_t len = strlen(into);
    supervise_format(into + len, size - len, "%s%s%s", len > 0 ? ", " : "", what, reason);
}

static void make_limits(const struct supervise_spec *spec, const char *folder, const char *swan,
                        const char *own, struct verdict *verdict)
{
    char value[64];
    /* One by one: an absent controller must not keep the other away. */
    put(folder, "cgroup.subtree_control", "+memory");
    put(folder, "cgroup.subtree_control", "+cpu");
    put(swan, "cgroup.subtree_control", "+memory");
    put(swan, "cgroup.subtree_control", "+cpu");
    if (spec->memory_bytes > 0) {
        supervise_format(value, sizeof value, "%lld", (long long)spec->memory_bytes);
        set_limit(verdict, own, "memory.max", value, "memory");
        put(own, "memory.oom.group", "1"); /* all or none, so that a restart begins clean */
    }
    if (spec->vcpus > 0) {
        double quota_us = spec->vcpus * 100000;
        supervise_format(value, sizeof value, "%.0f 100000", quota_us < 1000 ? 1000.0 : quota_us);
        set_limit(verdict, own, "cpu.max", value, "cpu");
    }
}

static void tell(struct supervise_status *status, const struct verdict *verdict)
{
    const char *comma = verdict->enforced[0] != '\0' && verdict->missing[0] != '\0' ? "; " : "";
    supervise_format(status->limits, sizeof status->limits, "%s%s%s%s%s",
                     verdict->enforced[0] != '\0' ? "enforced: " : "", verdict->enforced, comma,
                     verdict->missing[0] != '\0' ? "not enforced: " : "", verdict->missing);
}

void supervise_cgroup_make(const struct supervise_spec *spec, const char *cgroup_name,
                           struct supervise_status *status, char procs[PATH_MAX])
{
    struct verdict verdict = {{0}, {0}};
    char folder[PATH_MAX], swan[PATH_MAX], own[PATH_MAX], why[128] = "no cgroup v2 is mounted";
    procs[0] = '\0';
    for (int n = 0; candidate(n, folder); n++) {
        if (!join(swan, folder, "swan") || !join(own, swan, cgroup_name))
            continue;
        if ((mkdir(swan, 0755) < 0 && errno != EEXIST) ||
            (mkdir(own, 0755) < 0 && errno != EEXIST)) {
            supervise_format(why, sizeof why, "cgroup v2 is not delegated to us: %s",
                             strerror(errno));
            rmdir(swan);
            continue;
        }
        make_limits(spec, folder, swan, own, &verdict);
        tell(status, &verdict);
        join(procs, own, "cgroup.procs");
        return;
    }
    if (spec->memory_bytes > 0 || spec->vcpus > 0)
        supervise_format(status->limits, sizeof status->limits, "not enforced: %s", why);
}

void supervise_cgroup_kill(const char *cgroup_name)
{
    char folder[PATH_MAX], swan[PATH_MAX], own[PATH_MAX];
    for (int n = 0; candidate(n, folder); n++) {
        if (join(swan, folder, "swan") && join(own, swan, cgroup_name))
            put(own, "cgroup.kill", "1"); /* Linux 5.14; else the mark finds them */
    }
}

void supervise_cgroup_remove(const char *cgroup_name)
{
    char folder[PATH_MAX], swan[PATH_MAX], own[PATH_MAX];
    for (int n = 0; candidate(n, folder); n++) {
        if (!join(swan, folder, "swan") || !join(own, swan, cgroup_name))
            continue;
        for (int attempt = 0; attempt < 100; attempt++) {
            if (rmdir(own) == 0 || errno != EBUSY)
                break;
            supervise_sleep_ms(10); /* the killed are still being reaped */
        }
        rmdir(swan); /* the last one puts out the light */
    }
}

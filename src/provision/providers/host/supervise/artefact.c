/* artefact.c - packages on a machine: unpacked once per digest, shared by all who use them.
 *
 * BASE/artefacts/ARTEFACT        the unpacked package; appears whole, by rename
 * BASE/artefacts/.ARTEFACT.tmp   being unpacked; .ARTEFACT.lock is held meanwhile
 * BASE/deliveries/NAME           one line: the artefact that the delivery NAME brought
 *
 * Contract: an artefact is removed when no delivery names it and no instance's spec does, under its
 * lock, so never while another unpacks or adopts it.  What a crash leaves begins with ".ARTEFACT."
 * and goes with the next unpack or release. */
#include "provision/providers/host/supervise/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNPACK_WAIT_MS 600000 /* another may be unpacking the same large package */

struct depot {
    char artefacts[PATH_MAX], deliveries[PATH_MAX], instances[PATH_MAX];
    char whole[PATH_MAX], part[PATH_MAX], lock[PATH_MAX], delivery[PATH_MAX];
};

static bool is_plain(const char *name, size_t max)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) <= max && strchr(name, '/') == NULL;
}

static bool find_depot(const char *base, const char *name, const char *artefact, struct depot *out)
{
    return base[0] == '/' && is_plain(name, SUPERVISE_NAME_MAX) && is_plain(artefact, 100) &&
           supervise_format(out->artefacts, PATH_MAX, "%s/artefacts", base) &&
           supervise_format(out->deliveries, PATH_MAX, "%s/deliveries", base) &&
           supervise_format(out->instances, PATH_MAX, "%s/instances", base) &&
           supervise_format(out->whole, PATH_MAX, "%s/artefacts/%s", base, artefact) &&
           supervise_format(out->part, PATH_MAX, "%s/artefacts/.%s.tmp", base, artefact) &&
           supervise_format(out->lock, PATH_MAX, "%s/artefacts/.%s.lock", base, artefact) &&
           supervise_format(out->delivery, PATH_MAX, "%s/deliveries/%s", base, name);
}

static bool names_artefact(const char *path, const char *artefact)
{
    char text[256];
    return supervise_read(path, text, sizeof text) > 0 && strcmp(text, artefact) == 0;
}

static bool instance_uses(const char *dir, const char *artefact)
{
    static struct supervise_spec spec;
    return supervise_spec_read(dir, &spec) && spec.artefact != NULL &&
           strcmp(spec.artefact, artefact) == 0;
}

static bool any(const char *folder, const char *artefact,
                bool (*uses)(const char *path, const char *artefact))
{
    DIR *dir = opendir(folder);
    bool found = false;
    for (struct dirent *entry; dir != NULL && !found && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] != '.' &&
            supervise_format(path, sizeof path, "%s/%s", folder, entry->d_name))
            found = uses(path, artefact);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

/* Whatever a cut-short upload, unpacking or removal left; the lock file stays. */
static void clear_parts(const struct depot *depot, const char *artefact)
{
    char prefix[128], path[PATH_MAX];
    supervise_format(prefix, sizeof prefix, ".%s.", artefact);
    DIR *dir = opendir(depot->artefacts);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            supervise_format(path, sizeof path, "%s/%s", depot->artefacts, entry->d_name) &&
            strcmp(path, depot->lock) != 0)
            supervise_remove_tree(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static int run_tar(const char *archive, const char *into, char *words, size_t size)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        /* -o: files belong to us, whatever numbers stand in the archive */
        execlp("tar", "tar", "-x", "-o", "-f", archive, "-C", into, (char *)NULL);
        dprintf(2, "tar: %s\n", strerror(errno));
        _exit(127);
    }
    close(fds[1]);
    size_t len = 0;
    char rest[512];
    for (ssize_t got; pid > 0;) {
        bool room = len + 1 < size;
        got = room ? read(fds[0], words + len, size - 1 - len) : read(fds[0], rest, sizeof rest);
        if (got <= 0)
            break;
        len += room ? (size_t)got : 0;
    }
    words[len] = '\0';
    close(fds[0]);
    int how = -1;
    if (pid < 0 || waitpid(pid, &how, 0) < 0)
        return -1;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static int unpack(const struct depot *depot, const char *archive)
{
    char words[512];
    if (!supervise_remove_tree(depot->part) || mkdir(depot->part, 0755) < 0)
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", depot->part, strerror(errno));
    if (run_tar(archive, depot->part, words, sizeof words) != 0) {
        supervise_remove_tree(depot->part);
        return supervise_fail(SUPERVISE_FAULT, "the package cannot be unpacked: %s", words);
    }
    int fd = open(depot->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        syncfs(fd); /* what is seen under its name survives a power cut */
        close(fd);
    }
    if (rename(depot->part, depot->whole) < 0)
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", depot->whole, strerror(errno));
    return SUPERVISE_OK;
}

int supervise_verb_unpack(const char *base, const char *name, const char *artefact,
                          const char *archive)
{
    struct depot depot;
    char before[256] = "";
    if (!find_depot(base, name, artefact, &depot))
        return supervise_fail(SUPERVISE_INVALID, "bad base, name or artefact");
    if (!supervise_make_dir(depot.artefacts, 0755) || !supervise_make_dir(depot.deliveries, 0700))
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", base, strerror(errno));
    int lock = supervise_lock(depot.lock, UNPACK_WAIT_MS);
    if (lock < 0)
        return supervise_fail(SUPERVISE_AGAIN, "somebody else unpacks '%s'", artefact);
    int rc = access(depot.whole, F_OK) == 0 ? SUPERVISE_OK : unpack(&depot, archive);
    if (rc == SUPERVISE_OK) {
        supervise_read(depot.delivery, before, sizeof before);
        if (!supervise_write(depot.delivery, artefact, strlen(artefact), 0600, true))
            rc = supervise_fail(SUPERVISE_FAULT, "%s: %s", depot.delivery, strerror(errno));
        clear_parts(&depot, artefact);
    }
    unlink(depot.lock);
    close(lock);
    if (rc == SUPERVISE_OK && before[0] != '\0' && strcmp(before, artefact) != 0)
        supervise_collect(base, before);
    return rc;
}

void supervise_collect(const char *base, const char *artefact)
{
    struct depot depot;
    char gone[PATH_MAX];
    if (!find_depot(base, "x", artefact, &depot) ||
        !supervise_format(gone, sizeof gone, "%s/.%s.gone", depot.artefacts, artefact))
        return;
    int lock = supervise_lock(depot.lock, UNPACK_WAIT_MS);
    if (lock < 0)
        return; /* no folder of artefacts */
    if (!any(depot.deliveries, artefact, names_artefact) &&
        !any(depot.instances, artefact, instance_uses)) {
        rename(depot.whole, gone); /* never half there under its name */
        clear_parts(&depot, artefact);
    }
    unlink(depot.lock);
    close(lock);
}

int supervise_verb_release(const char *base, const char *name, const char *artefact)
{
    struct depot depot;
    if (!find_depot(base, name, artefact, &depot))
        return supervise_fail(SUPERVISE_INVALID, "bad base, name or artefact");
    if (unlink(depot.delivery) < 0 && errno != ENOENT)
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", depot.delivery, strerror(errno));
    supervise_collect(base, artefact);
    return SUPERVISE_OK;
}

int supervise_verb_delivered(const char *base, const char *name, const char *artefact)
{
    struct depot depot;
    if (!find_depot(base, name, artefact, &depot))
        return supervise_fail(SUPERVISE_INVALID, "bad base, name or artefact");
    bool whole = access(depot.whole, F_OK) == 0;
    bool noted = names_artefact(depot.delivery, artefact);
    dprintf(STDOUT_FILENO, "artefact=%s\nnoted=%s\n", whole ? "yes" : "no", noted ? "yes" : "no");
    return SUPERVISE_OK;
}

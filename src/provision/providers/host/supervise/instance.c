/* instance.c - the verbs on instances: apply, stop, remove, show.
 *
 * BASE/instances/NAME/      spec, status, lock, log, log.1, data/
 * BASE/instances/.NAME.lock held during apply, stop and remove; gone after remove
 *
 * Contract: whoever changes an instance holds its lock file, so of any number of callers at once
 * one acts and the others find what it made.  Order of apply: end what does not fit → choose ports
 * → spec (durable) → supervisor.  A crash between any two leaves a folder that show calls "half" or
 * "dead", which apply completes and remove clears. */
#include "provision/providers/host/supervise/supervise.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCK_WAIT_MS 30000 /* an apply that must first stop takes 6 s */
#define STOP_WAIT_MS 8000  /* the supervisor itself kills its child after 5 s */
#define START_WAIT_MS 5000

struct place {
    char dir[PATH_MAX], lock[PATH_MAX], instances[PATH_MAX];
};

static bool find_place(const char *base, const char *name, struct place *out)
{
    size_t len = strlen(name);
    return len > 0 && len <= SUPERVISE_NAME_MAX && name[0] != '.' && strchr(name, '/') == NULL &&
           base[0] == '/' &&
           supervise_format(out->instances, sizeof out->instances, "%s/instances", base) &&
           supervise_format(out->dir, sizeof out->dir, "%s/instances/%s", base, name) &&
           supervise_format(out->lock, sizeof out->lock, "%s/instances/.%s.lock", base, name);
}

/* ---- ports ---- */

static int bind_port(const char *address, int64_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
        at.sin_addr.s_addr = htonl(INADDR_ANY);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    /* As servers do: a connection in TIME_WAIT does not hold a port. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Is somebody there?  bind alone does not tell with SO_REUSEADDR unless he listens. */
static bool port_is_free(const char *address, int64_t port)
{
    int fd = bind_port(address, port);
    bool ok = fd >= 0 && listen(fd, 1) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static struct supervise_spec other;

static bool promised_to_other(const char *instances, const char *name, int64_t port)
{
    DIR *dir = opendir(instances);
    bool taken = false;
    for (struct dirent *entry; dir != NULL && !taken && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, name) == 0 ||
            !supervise_format(path, sizeof path, "%s/%s", instances, entry->d_name) ||
            !supervise_spec_read(path, &other))
            continue;
        for (size_t i = 0; i < other.port_count; i++)
            taken = taken || other.ports[i].port == port;
    }
    if (dir != NULL)
        closedir(dir);
    return taken;
}

static int64_t choose_port(const struct place *place, const struct supervise_spec *spec, int held[])
{
    for (int attempt = 0; attempt < 64; attempt++) {
        struct sockaddr_in at;
        socklen_t len = sizeof at;
        int fd = bind_port(spec->bind, 0);
        if (fd < 0 || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
            return 0;
        held[attempt] = fd; /* so that the next try gets another */
        int64_t port = ntohs(at.sin_port);
        if (!promised_to_other(place->instances, spec->name, port))
            return port;
    }
    return 0;
}

static int choose_ports(const struct place *place, struct supervise_spec *spec)
{
    for (size_t i = 0; i < spec->port_count; i++) {
        struct supervise_port *port = &spec->ports[i];
        if (port->port != 0 && !port_is_free(spec->bind, port->port)) {
            if (port->fixed)
                return supervise_fail(SUPERVISE_CONFLICT, "port %lld of '%s' is in use",
                                      (long long)port->port, spec->name);
            port->port = 0;
        }
        if (port->port != 0)
            continue;
        int held[64];
        memset(held, -1, sizeof held);
        port->port = choose_port(place, spec, held);
        for (size_t j = 0; j < 64; j++)
            if (held[j] >= 0)
                close(held[j]);
        for (size_t j = 0; j < i; j++)
            if (spec->ports[j].port == port->port)
                port->port = 0;
        if (port->port == 0)
            return supervise_fail(SUPERVISE_FAULT, "no free port was found");
    }
    return SUPERVISE_OK;
}

/* ---- stop ---- */

/* A pid may be reused between a look and a kill; a pidfd taken before the second look may not. */
static void kill_holder(const char *dir, pid_t pid, int signal)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        if (errno == ENOSYS && supervise_holder(dir) == pid)
            kill(pid, signal);
        return;
    }
    if (supervise_holder(dir) == pid)
        syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
    close(fd);
}

static bool wait_free(const char *dir, int wait_ms)
{
    int64_t end = supervise_mono_ms() + wait_ms;
    while (supervise_holder(dir) != 0) {
        if (supervise_mono_ms() >= end)
            return false;
        supervise_sleep_ms(5);
    }
    return true;
}

/* Ends all that runs for DIR, whatever runs it.  Holding the instance's lock. */
static bool stop_all(const struct place *place, const char *name)
{
    char cgroup[SUPERVISE_NAME_MAX + 16];
    supervise_cgroup_name(name, place->dir, cgroup);
    if (supervise_systemd_usable() && !supervise_systemd_foreign(place->dir, name) &&
        !supervise_systemd_stop(name))
        return false;
    pid_t pid = supervise_holder(place->dir);
    if (pid > 0) {
        kill_holder(place->dir, pid, SIGTERM);
        if (!wait_free(place->dir, STOP_WAIT_MS)) {
            kill_holder(place->dir, pid, SIGKILL);
            if (!wait_free(place->dir, 2000))
                return false;
        }
    } else if (pid < 0) {
        return false; /* held from another pid namespace */
    }
    bool gone = supervise_kill_leftovers(place->dir, cgroup);
    supervise_cgroup_remove(cgroup);
    return gone;
}

/* ---- show ---- */

struct seen {
    struct supervise_status status;
    const char *state;
    bool has_spec;
};

static void look(const char *dir, const char *name, struct supervise_spec *spec, struct seen *out)
{
    memset(out, 0, sizeof *out);
    out->has_spec = supervise_spec_read(dir, spec);
    if (!out->has_spec) {
        out->state = "half";
        return;
    }
    if (spec->by != NULL && strcmp(spec->by, "systemd") == 0) {
        bool known = supervise_systemd_status(name, &out->status);
        out->state = known ? out->status.state : "half";
        return;
    }
    bool known = supervise_status_read(dir, &out->status);
    pid_t holder = supervise_holder(dir);
    if (holder == 0)
        out->state = !known                                      ? "half"
                     : strcmp(out->status.state, "stopped") == 0 ? "stopped"
                                                                 : "dead";
    else
        out->state = known && out->status.supervisor == holder ? out->status.state : "starting";
    if (holder == 0)
        out->status.pid = 0;
}

/* The last line of the log that says something, for those who ask why it does not run. */
static void last_line(const char *dir, char *out, size_t size)
{
    char path[PATH_MAX], tail[2048];
    out[0] = '\0';
    if (!supervise_format(path, sizeof path, "%s/log", dir))
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)sizeof tail - 1 ? end - (off_t)sizeof tail + 1 : 0;
    ssize_t got = pread(fd, tail, sizeof tail - 1, from);
    close(fd);
    tail[got > 0 ? got : 0] = '\0';
    for (char *save = NULL, *line = strtok_r(tail, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "swan-supervise: exit ", 21) != 0 &&
            strncmp(line, "swan-supervise: signal ", 23) != 0)
            supervise_format(out, size, "%.300s", line);
}

static void show_one(const struct place *place, const char *name, struct supervise_spec *spec,
                     const struct supervise_usage *before, const struct supervise_usage *after,
                     double elapsed_ms)
{
    static char data[32 << 10];
    struct supervise_text text = {.data = data, .size = sizeof data};
    struct seen seen;
    char line[512];
    look(place->dir, name, spec, &seen);
    supervise_add_line(&text, "name", name);
    supervise_add_line(&text, "state", seen.state);
    if (seen.has_spec) {
        supervise_add_line(&text, "digest", spec->digest);
        supervise_add_line(&text, "by", spec->by != NULL ? spec->by : "supervisor");
        for (size_t i = 0; i < spec->port_count; i++) {
            const struct supervise_port *port = &spec->ports[i];
            if (supervise_format(line, sizeof line, "%s:%s:%lld:%s", port->name, port->protocol,
                                 (long long)port->port, port->fixed ? "fixed" : "auto"))
                supervise_add_line(&text, "port", line);
        }
    }
    int64_t up_ms = seen.status.started_ms > 0 ? supervise_now_ms() - seen.status.started_ms : 0;
    supervise_add(&text, "pid=%lld\nrestarts=%lld\nup_ms=%lld\n", (long long)seen.status.pid,
                  (long long)seen.status.restarts, (long long)up_ms);
    supervise_add_line(&text, "exit", seen.status.exit);
    supervise_add_line(&text, "limits", seen.status.limits);
    if (strcmp(seen.state, "running") != 0 || seen.status.restarts > 0) {
        last_line(place->dir, line, sizeof line);
        supervise_add_line(&text, "log", line);
    }
    if (after != NULL && after->processes > 0 && elapsed_ms > 0) {
        double used = after->cpu_ms - before->cpu_ms;
        supervise_add(&text, "processes=%d\ncpu_percent=%.2f\nmemory_mib=%.2f\n", after->processes,
                      used > 0 ? 100 * used / elapsed_ms : 0.0,
                      (double)after->memory_bytes / (1 << 20));
    }
    supervise_add(&text, "\n");
    dprintf(STDOUT_FILENO, "%s", text.data);
}

#define SHOW_MAX 4096 /* instances of one machine that are shown */

int supervise_verb_show(const char *base, const char *prefix, bool exact, int sample_ms)
{
    static char names[SHOW_MAX][SUPERVISE_NAME_MAX + 1];
    static struct supervise_usage before[SHOW_MAX];
    static struct supervise_spec spec;
    size_t count = 0;
    char instances[PATH_MAX];
    struct place place;
    if (base[0] != '/' || !supervise_format(instances, sizeof instances, "%s/instances", base))
        return supervise_fail(SUPERVISE_INVALID, "the base is no absolute path");
    DIR *dir = opendir(instances);
    if (dir == NULL && errno != ENOENT)
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", instances, strerror(errno));
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        bool wanted =
            exact ? strcmp(name, prefix) == 0 : strncmp(name, prefix, strlen(prefix)) == 0;
        if (name[0] == '.' || !wanted || strlen(name) > SUPERVISE_NAME_MAX || count == SHOW_MAX)
            continue;
        memcpy(names[count++], name, strlen(name) + 1);
    }
    if (dir != NULL)
        closedir(dir);
    int64_t start = supervise_mono_ms();
    for (size_t i = 0; sample_ms > 0 && i < count; i++)
        if (find_place(base, names[i], &place))
            supervise_usage(place.dir, &before[i]);
    if (sample_ms > 0 && count > 0)
        supervise_sleep_ms(sample_ms);
    for (size_t i = 0; i < count; i++) {
        struct supervise_usage after = {0};
        if (!find_place(base, names[i], &place))
            continue;
        if (sample_ms > 0)
            supervise_usage(place.dir, &after);
        show_one(&place, names[i], &spec, &before[i], sample_ms > 0 ? &after : NULL,
                 (double)(supervise_mono_ms() - start));
    }
    return SUPERVISE_OK;
}

/* ---- apply ---- */

static struct supervise_spec wanted, current;

static int read_wanted(const char *name)
{
    size_t len = 0;
    for (ssize_t got;; len += (size_t)got) {
        got = read(STDIN_FILENO, wanted.text + len, sizeof wanted.text - 1 - len);
        if (got < 0 && errno == EINTR) {
            got = 0;
            continue;
        }
        if (got <= 0)
            break;
    }
    if (len == sizeof wanted.text - 1)
        return supervise_fail(SUPERVISE_INVALID, "the spec is larger than %zu bytes", len);
    wanted.text[len] = '\0';
    const char *wrong =
        memchr(wanted.text, '\0', len) != NULL ? "a NUL byte" : supervise_spec_parse(&wanted);
    if (wrong == NULL && strcmp(wanted.name, name) != 0)
        wrong = "its name is another";
    return wrong == NULL ? SUPERVISE_OK : supervise_fail(SUPERVISE_INVALID, "spec: %s", wrong);
}

/* An instance that comes and goes because somebody else sits on its port. */
static bool port_is_lost(const struct supervise_spec *spec, const struct seen *seen)
{
    if (strcmp(seen->state, "backoff") != 0)
        return false;
    for (size_t i = 0; i < spec->port_count; i++)
        if (!spec->ports[i].fixed && !port_is_free(spec->bind, spec->ports[i].port))
            return true;
    return false;
}

static bool stands(const struct seen *seen)
{
    return strcmp(seen->state, "running") == 0 || strcmp(seen->state, "backoff") == 0;
}

static int start_wanted(const struct place *place, bool same, bool start)
{
    if (same) { /* keeps the ports that it was told, if they are still free */
        for (size_t i = 0; i < wanted.port_count && i < current.port_count; i++)
            wanted.ports[i].port = current.ports[i].port;
    }
    bool by_systemd = supervise_systemd_usable();
    wanted.by = by_systemd ? "systemd" : "supervisor";
    if (by_systemd && supervise_systemd_foreign(place->dir, wanted.name))
        return supervise_fail(SUPERVISE_CONFLICT, "unit swan-%s.service belongs to another folder",
                              wanted.name);
    struct stat st;
    char data[PATH_MAX], status[PATH_MAX];
    if (!supervise_format(data, sizeof data, "%s/data", place->dir) ||
        !supervise_format(status, sizeof status, "%s/status", place->dir) ||
        !supervise_make_dir(place->dir, 0700) || !supervise_make_dir(data, 0700))
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", place->dir, strerror(errno));
    if (stat(wanted.cwd, &st) < 0 || !S_ISDIR(st.st_mode))
        return supervise_fail(SUPERVISE_MISSING, "its folder is not there: '%s'", wanted.cwd);
    int rc = choose_ports(place, &wanted);
    if (rc != SUPERVISE_OK)
        return rc;
    unlink(status); /* of the one before */
    if (!supervise_spec_write(place->dir, &wanted))
        return supervise_fail(SUPERVISE_FAULT, "spec of '%s': %s", wanted.name, strerror(errno));
    if (!start)
        return SUPERVISE_OK;
    const char *wrong =
        by_systemd ? supervise_systemd_start(place->dir, &wanted) : supervise_start(place->dir);
    return wrong[0] == '\0'
               ? SUPERVISE_OK
               : supervise_fail(SUPERVISE_FAULT, "'%s' cannot be started: %s", wanted.name, wrong);
}

static int make(const struct place *place, const char *name, bool start)
{
    struct seen seen;
    look(place->dir, name, &current, &seen);
    bool same = seen.has_spec && strcmp(current.digest, wanted.digest) == 0;
    int64_t end = supervise_mono_ms() + START_WAIT_MS;
    while (same && strcmp(seen.state, "starting") == 0 && supervise_mono_ms() < end) {
        supervise_sleep_ms(10);
        look(place->dir, name, &current, &seen);
    }
    if (same && stands(&seen) && !port_is_lost(&current, &seen))
        return SUPERVISE_OK;
    if (!stop_all(place, name))
        return supervise_fail(SUPERVISE_AGAIN, "what ran as '%s' cannot be ended", name);
    return start_wanted(place, same, start);
}

static int lock_failed(const char *name)
{
    return errno == EWOULDBLOCK
               ? supervise_fail(SUPERVISE_AGAIN, "somebody else is at work on '%s'", name)
               : supervise_fail(SUPERVISE_FAULT, "lock of '%s': %s", name, strerror(errno));
}

int supervise_verb_apply(const char *base, const char *name, bool start)
{
    struct place place;
    if (!find_place(base, name, &place))
        return supervise_fail(SUPERVISE_INVALID, "bad base or name");
    int rc = read_wanted(name);
    if (rc != SUPERVISE_OK)
        return rc;
    if (!supervise_make_dir(place.instances, 0700))
        return supervise_fail(SUPERVISE_FAULT, "%s: %s", place.instances, strerror(errno));
    int lock = supervise_lock(place.lock, LOCK_WAIT_MS);
    if (lock < 0)
        return lock_failed(name);
    rc = make(&place, name, start);
    if (rc == SUPERVISE_OK)
        rc = supervise_verb_show(base, name, true, 0);
    /* A refusal that made nothing leaves nothing: neither an empty folder nor the lock's file. */
    char data[PATH_MAX];
    if (rc != SUPERVISE_OK && supervise_format(data, sizeof data, "%s/data", place.dir) &&
        !supervise_spec_read(place.dir, &current)) {
        rmdir(data);
        rmdir(place.dir);
        if (access(place.dir, F_OK) < 0)
            unlink(place.lock);
    }
    close(lock);
    return rc;
}

static int end(const char *base, const char *name, bool remove)
{
    struct place place;
    if (!find_place(base, name, &place))
        return supervise_fail(SUPERVISE_INVALID, "bad base or name");
    int lock = supervise_lock(place.lock, LOCK_WAIT_MS);
    if (lock < 0)
        return errno == ENOENT ? SUPERVISE_OK : lock_failed(name); /* no folder of instances */
    int rc = SUPERVISE_OK;
    char artefact[128] = "";
    if (remove && supervise_spec_read(place.dir, &current) && current.artefact != NULL)
        supervise_format(artefact, sizeof artefact, "%s", current.artefact);
    if (!stop_all(&place, name))
        rc = supervise_fail(SUPERVISE_AGAIN, "what ran as '%s' cannot be ended", name);
    if (rc == SUPERVISE_OK && remove && supervise_systemd_usable() &&
        !supervise_systemd_foreign(place.dir, name) && !supervise_systemd_remove(name))
        rc = supervise_fail(SUPERVISE_AGAIN, "the unit of '%s' cannot be removed", name);
    if (rc == SUPERVISE_OK && remove && !supervise_remove_tree(place.dir))
        rc = supervise_fail(SUPERVISE_FAULT, "%s: %s", place.dir, strerror(errno));
    if (rc == SUPERVISE_OK && access(place.dir, F_OK) < 0)
        unlink(place.lock); /* while we hold it: see supervise_lock */
    close(lock);
    if (rc == SUPERVISE_OK && artefact[0] != '\0')
        supervise_collect(base, artefact);
    return rc;
}

int supervise_verb_stop(const char *base, const char *name)
{
    return end(base, name, false);
}

int supervise_verb_remove(const char *base, const char *name)
{
    return end(base, name, true);
}

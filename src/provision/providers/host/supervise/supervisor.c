/* supervisor.c - the process that stays: runs one child, restarts it, writes its output to a log of
 * bounded size, and says in DIR/status what is going on.
 *
 * Contract: exactly one supervisor per DIR (the lock), at most one main child per supervisor.  The
 * child asks the kernel to be killed when its supervisor dies (PDEATHSIG), so a supervisor killed
 * by -9 leaves no service behind that nobody watches; what the child itself left is ended by the
 * next apply or stop.  SIGTERM: child's group gets TERM, after 5 s KILL; then status "stopped",
 * exit. */
#include "provision/providers/host/supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 10000
#define HEALTHY_MS 10000 /* who ran that long starts again without waiting */
#define STOP_MS 5000
#define START_MS 10000 /* until the starter gives up waiting for word */

struct supervisor {
    const char *dir;
    struct supervise_status status;
    char cgroup[SUPERVISE_NAME_MAX + 16], procs[PATH_MAX];
    char program[PATH_MAX], log_path[PATH_MAX], old_log_path[PATH_MAX];
    char *envp[SUPERVISE_ENV_MAX + SUPERVISE_PORTS_MAX + 8];
    int signals, output[2], log;
    off_t log_size;
    pid_t child;
    int64_t child_since, backoff_ms, start_at; /* monotonic */
    bool stopping;
    int64_t kill_at;
};

static struct supervise_spec spec;
static char pool[64 << 10];

/* ---- log ---- */

static void open_log(struct supervisor *s)
{
    s->log = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    s->log_size = s->log >= 0 && fstat(s->log, &st) == 0 ? st.st_size : 0;
}

static void write_log(struct supervisor *s, const char *data, size_t len)
{
    if (s->log_size + (off_t)len > SUPERVISE_LOG_MAX) {
        close(s->log);
        rename(s->log_path, s->old_log_path);
        open_log(s);
    }
    ssize_t put = s->log >= 0 ? write(s->log, data, len) : -1;
    if (put > 0)
        s->log_size += put; /* a full disk loses output, never the service */
}

static void say(struct supervisor *s, const char *text)
{
    char line[512];
    if (supervise_format(line, sizeof line, "swan-supervise: %s\n", text))
        write_log(s, line, strlen(line));
}

static void drain_output(struct supervisor *s)
{
    char data[16384];
    for (int i = 0; i < 16; i++) { /* then look at signals again */
        ssize_t got = read(s->output[0], data, sizeof data);
        if (got <= 0)
            return;
        write_log(s, data, (size_t)got);
    }
}

/* ---- child ---- */

static void run_child(struct supervisor *s, int error_fd, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    setsid();
    /* The death of the parent before this line leaves it adopted by another. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(127);
    if (s->procs[0] != '\0') {
        int fd = open(s->procs, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, "0", 1) < 0)
            dprintf(s->output[1], "swan-supervise: not in its cgroup: %s\n", strerror(errno));
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(s->output[1], 1);
    dup2(s->output[1], 2);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir(spec.cwd) == 0)
        execve(s->program, (char *const *)(uintptr_t)spec.argv, s->envp);
    int why = errno;
    if (write(error_fd, &why, sizeof why) < 0)
        _exit(127);
    _exit(127);
}

static void publish(struct supervisor *s, const char *state)
{
    supervise_format(s->status.state, sizeof s->status.state, "%s", state);
    supervise_status_write(s->dir, &s->status);
}

static void wait_before_next(struct supervisor *s, int64_t ran_ms)
{
    s->backoff_ms =
        ran_ms >= HEALTHY_MS || s->backoff_ms == 0 ? BACKOFF_FIRST_MS : s->backoff_ms * 2;
    if (s->backoff_ms > BACKOFF_MAX_MS)
        s->backoff_ms = BACKOFF_MAX_MS;
    s->start_at = supervise_mono_ms() + s->backoff_ms;
    s->child = 0;
    s->status.pid = 0;
    s->status.pid_start = 0;
    publish(s, "backoff");
}

static void start_child(struct supervisor *s)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) {
        supervise_format(s->status.exit, sizeof s->status.exit, "no pipe: %s", strerror(errno));
        wait_before_next(s, 0);
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(s, report[1], parent);
    int why = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0 && read(report[0], &why, sizeof why) == sizeof why)
        waitpid(pid, NULL, 0);
    close(report[0]);
    if (why != 0) {
        supervise_format(s->status.exit, sizeof s->status.exit, "cannot run '%.80s': %s",
                         spec.argv[0], strerror(why));
        say(s, s->status.exit);
        wait_before_next(s, 0);
        return;
    }
    s->child = pid;
    s->child_since = supervise_mono_ms();
    s->status.pid = pid;
    s->status.pid_start = supervise_start_time(pid);
    s->status.started_ms = supervise_now_ms();
    publish(s, "running");
}

static void kill_all(struct supervisor *s, pid_t group)
{
    if (group > 0)
        kill(-group, SIGKILL);
    supervise_kill_leftovers(s->dir, s->cgroup);
}

static void child_ended(struct supervisor *s, int how)
{
    if (WIFSIGNALED(how))
        supervise_format(s->status.exit, sizeof s->status.exit, "signal %d (%s)", WTERMSIG(how),
                         strsignal(WTERMSIG(how)));
    else
        supervise_format(s->status.exit, sizeof s->status.exit, "exit status %d", WEXITSTATUS(how));
    pid_t group = s->child;
    s->child = 0;
    drain_output(s);
    kill_all(s, group); /* what it left would hold its port */
    say(s, s->status.exit);
    if (s->stopping)
        return;
    wait_before_next(s, supervise_mono_ms() - s->child_since);
}

static void reap(struct supervisor *s)
{
    int how;
    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;)
        if (pid == s->child)
            child_ended(s, how);
}

static void on_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD || s->stopping)
            continue;
        s->stopping = true;
        s->kill_at = supervise_mono_ms() + STOP_MS;
        if (s->child > 0)
            kill(-s->child, SIGTERM);
    }
    reap(s);
}

static int until(const struct supervisor *s)
{
    int64_t at = s->stopping ? s->kill_at : s->start_at;
    int64_t left = at - supervise_mono_ms();
    if (!s->stopping && s->child > 0)
        return -1;
    return left < 0 ? 0 : (int)left;
}

static void supervise_loop(struct supervisor *s)
{
    while (!s->stopping || s->child > 0) {
        struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN},
                               {.fd = s->output[0], .events = POLLIN}};
        if (poll(fds, 2, until(s)) < 0 && errno != EINTR)
            break;
        if (fds[1].revents != 0)
            drain_output(s);
        on_signal(s);
        if (s->stopping) {
            if (s->child > 0 && supervise_mono_ms() >= s->kill_at) {
                kill_all(s, s->child);
                s->kill_at += 1000;
            }
        } else if (s->child == 0 && supervise_mono_ms() >= s->start_at) {
            s->status.restarts++;
            start_child(s);
        }
    }
    kill_all(s, 0);
    supervise_cgroup_remove(s->cgroup);
    s->status.pid = 0;
    s->status.pid_start = 0;
    publish(s, "stopped");
}

/* ---- becoming a supervisor ---- */

static void report(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(1);
}

static const char *prepare(struct supervisor *s)
{
    if (!supervise_spec_read(s->dir, &spec))
        return "its spec cannot be read";
    supervise_format(s->status.digest, sizeof s->status.digest, "%s", spec.digest);
    s->status.supervisor = getpid();
    if (!supervise_format(s->log_path, sizeof s->log_path, "%s/log", s->dir) ||
        !supervise_format(s->old_log_path, sizeof s->old_log_path, "%s/log.1", s->dir) ||
        !supervise_spec_environment(&spec, s->dir, pool, sizeof pool, s->envp,
                                    sizeof s->envp / sizeof s->envp[0]))
        return "its folder's path or its environment is too long";
    if (!supervise_spec_program(&spec, s->program))
        supervise_format(s->program, sizeof s->program, "%s", spec.argv[0]);
    open_log(s);
    if (s->log < 0)
        return "its log cannot be opened";
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0 || pipe2(s->output, O_CLOEXEC) < 0)
        return "no descriptors are left";
    fcntl(s->output[0], F_SETFL, O_NONBLOCK);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "swan-supervise");
    return "";
}

static void detach(int keep)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (keep != 3) {
        dup3(keep, 3, O_CLOEXEC);
        keep = 3;
    }
    close_range(4, ~0U, 0); /* nothing of the starter's: locks, pipes, sockets */
    if (chdir("/") < 0)
        _exit(1);
    umask(022);
}

static void be_supervisor(const char *dir, int word)
{
    static struct supervisor s;
    s.dir = dir;
    detach(word);
    if (!supervise_hold(dir)) {
        report(3, supervise_holder(dir) > 0 ? "held\n" : "its lock cannot be taken\n");
        _exit(0);
    }
    const char *wrong = prepare(&s);
    if (wrong[0] != '\0') {
        report(3, wrong);
        _exit(1);
    }
    supervise_cgroup_name(spec.name, dir, s.cgroup);
    supervise_kill_leftovers(dir, s.cgroup);
    supervise_cgroup_make(&spec, s.cgroup, &s.status, s.procs);
    start_child(&s);
    report(3, "ok\n");
    close(3);
    supervise_loop(&s);
    _exit(0);
}

const char *supervise_start(const char *dir)
{
    static char word[160];
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return strerror(errno);
    pid_t pid = fork();
    if (pid < 0)
        return strerror(errno);
    if (pid == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        be_supervisor(dir, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    waitpid(pid, NULL, 0);
    struct pollfd fd = {.fd = pipe_fds[0], .events = POLLIN};
    ssize_t got = poll(&fd, 1, START_MS) > 0 ? read(pipe_fds[0], word, sizeof word - 1) : 0;
    close(pipe_fds[0]);
    word[got > 0 ? got : 0] = '\0';
    if (strcmp(word, "ok\n") == 0 || strcmp(word, "held\n") == 0)
        return "";
    return got > 0 ? word : "the supervisor ended before it gave word";
}

/* host_local.c - the machine that we run on: commands by posix_spawn, files as they lie.
 *
 * Contract: a command runs in a process group of its own with default signals and is killed with
 * all of its group when it is cancelled or takes too long; what it started in the background in
 * sessions of their own (supervisors) lives on.  Input goes through a socket, so that a command
 * that does not read it costs an error, not a SIGPIPE. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "provision/providers/host/host_priv.h"

#define POLL_MS 100 /* cancel is polled this often; provider.h asks for 200 at most */

struct job {
    pid_t pid;
    int in, out, words; /* our ends; -1 = closed */
    const char *input;
    size_t input_len;
    struct buf *to_out, *to_words;
};

static int spawn_shell(pid_t *pid, const char *command, const int child[3])
{
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    char *envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                    NULL};
    return process_spawn("/bin/sh", argv, envp, child, pid);
}

static enum err_code start(struct job *job, const char *command, struct err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, words[2] = {-1, -1};
    int why = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        pipe2(words, O_CLOEXEC) < 0)
        why = errno;
    if (why == 0)
        why = spawn_shell(&job->pid, command, (const int[3]){in[1], out[1], words[1]});
    process_close_at(&in[1]);
    process_close_at(&out[1]);
    process_close_at(&words[1]);
    job->in = in[0];
    job->out = out[0];
    job->words = words[0];
    if (why == 0)
        return ERR_OK;
    process_close_at(&job->in);
    process_close_at(&job->out);
    process_close_at(&job->words);
    return err_errno(err, why, "cannot run a command");
}

static void give(struct job *job)
{
    ssize_t put = send(job->in, job->input, job->input_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
        job->input += put;
        job->input_len -= (size_t)put;
    }
    if (job->input_len == 0 || (put < 0 && errno != EAGAIN && errno != EINTR))
        process_close_at(&job->in);
}

/* Until both outputs are closed.  A daemon closes them early. */
static enum err_code pump(struct job *job, const struct provider_call *call, int64_t end_ms,
                          struct err *err)
{
    if (job->input_len == 0)
        process_close_at(&job->in);
    while (job->out >= 0 || job->words >= 0) {
        if (host_cancelled(call))
            return err_set(err, ERR_CANCELLED, "cancelled");
        if (clock_mono_ms() >= end_ms)
            return err_set(err, ERR_TIMEOUT, "a command takes too long");
        struct pollfd fds[] = {{.fd = job->in, .events = POLLOUT},
                               {.fd = job->out, .events = POLLIN},
                               {.fd = job->words, .events = POLLIN}};
        if (poll(fds, 3, POLL_MS) < 0 && errno != EINTR)
            return err_errno(err, errno, "poll");
        if (fds[0].revents != 0)
            give(job);
        if (fds[1].revents != 0)
            process_take(&job->out, job->to_out, SIZE_MAX);
        if (fds[2].revents != 0)
            process_take(&job->words, job->to_words, SIZE_MAX);
    }
    return ERR_OK;
}

static enum err_code run(struct host_machine *machine, const char *command, const char *input,
                         struct buf *out, struct buf *words, int *ret_status, int64_t timeout_ms,
                         struct err *err)
{
    if (host_cancelled(machine->call))
        return err_set(err, ERR_CANCELLED, "cancelled");
    struct job job = {.pid = -1,
                      .input = input,
                      .input_len = input != NULL ? strlen(input) : 0,
                      .to_out = out,
                      .to_words = words};
    enum err_code rc = start(&job, command, err);
    if (rc != ERR_OK)
        return rc;
    rc = pump(&job, machine->call, clock_mono_ms() + timeout_ms, err);
    if (rc != ERR_OK)
        kill(-job.pid, SIGKILL);
    process_close_at(&job.in);
    process_close_at(&job.out);
    process_close_at(&job.words);
    int how = 0;
    while (waitpid(job.pid, &how, 0) < 0 && errno == EINTR) {
    }
    if (rc != ERR_OK)
        return rc;
    *ret_status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    rc = out != NULL ? buf_check(out, err) : ERR_OK;
    return rc == ERR_OK && words != NULL ? buf_check(words, err) : rc;
}

static enum err_code upload(struct host_machine *machine, const char *local, const char *name,
                            const char **ret_path, struct err *err)
{
    (void)machine, (void)name, (void)err;
    *ret_path = local; /* it lies here already */
    return ERR_OK;
}

enum err_code host_local_open(struct host_machine *machine, struct err *err)
{
    const char *state_dir = machine->call->host->state_dir;
    char here[4096] = "";
    if (state_dir == NULL)
        return err_set(err, ERR_BUG, "the provider has no folder");
    if (state_dir[0] != '/' && getcwd(here, sizeof here) == NULL)
        return err_errno(err, errno, "the working folder");
    machine->base =
        arena_printf(machine->arena, "%s%s%s/host", here, here[0] != '\0' ? "/" : "", state_dir);
    machine->tool = machine->call->host->supervisor_path;
    machine->address = "127.0.0.1";
    machine->bind = "127.0.0.1";
    machine->run = run;
    machine->upload = upload;
    return ERR_OK;
}

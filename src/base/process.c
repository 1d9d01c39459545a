/* process.c - see process.h. */
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int process_spawn(const char *file, char *const argv[], char *const envp[], const int child[3],
                  pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_adddup2(&actions, child[fd], fd);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    int why = posix_spawnp(ret_pid, file, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

void process_take(int *fd, struct buf *to, size_t max)
{
    char data[16384];
    ssize_t got = read(*fd, data, sizeof data);
    if (got > 0 && to && to->len < max)
        buf_add(to, data, (size_t)got);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
        process_close_at(fd);
}

void process_close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

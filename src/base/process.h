/* process.h - a program that is run beside us, with pipes to and from it. */
#ifndef SWAN_BASE_PROCESS_H
#define SWAN_BASE_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"

/* Starts a program (looked for in PATH unless `file` has a slash) in a process group of its own,
 * with default signals and child[0…2] as its standard input, output and error; everything else that
 * it is not to have must be O_CLOEXEC.  0, or an errno. */
int process_spawn(const char *file, char *const argv[], char *const envp[], const int child[3],
                  pid_t *ret_pid);
/* Appends what a pipe has ready to `to` (NULL = drops it) while that holds less than max bytes;
 * closes the pipe at its end. */
void process_take(int *fd, struct buf *to, size_t max);
/* Closes what is open (not -1) and makes it -1; for CLEANUP too. */
void process_close_at(int *fd);

#endif

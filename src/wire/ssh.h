/* ssh.h - commands and files on another host, over libssh.  Host keys are checked against a
 * known-hosts file; keys or agent, no passwords.  Blocking; one session per thread.  OpenSSH's
 * configuration files are not read.  Fault points wire.ssh_connect, wire.ssh_run, wire.ssh_upload.
 */
#ifndef SWAN_WIRE_SSH_H
#define SWAN_WIRE_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct ssh;
struct ssh_options {
    const char *host, *user; /* user NULL = root */
    int port;                /* 0 = 22 */
    const char *key_file;    /* NULL = agent and default keys */
    const char *known_hosts; /* NULL = ~/.ssh/known_hosts; an unknown host is ERR_CREDENTIAL */
    int64_t timeout_ms;      /* 0 = 10 000 */
};
/* ERR_TRANSIENT (cannot be reached), ERR_TIMEOUT, ERR_CREDENTIAL (host key or login refused). Named
 * open because libssh has an ssh_connect. */
enum err_code ssh_open(const struct ssh_options *options, struct ssh **out, struct err *err);
void ssh_close(struct ssh *ssh);
/* Runs a command through the login shell; gives its output (limit by out->max) and exit status.
 * `input` may be NULL.  A status other than 0 is not an error of this function; a command ended by
 * a signal gives 128 + its number.  timeout_ms 0 = none; when it passes the channel is closed and
 * the result is ERR_TIMEOUT.  The command is sent a KILL, but may live on: OpenSSH passes no
 * signal to commands of root.  out or out_stderr NULL: that output is thrown away. */
enum err_code ssh_run(struct ssh *ssh, const char *command, const void *input, size_t input_len,
                      struct buf *out, struct buf *out_stderr, int *ret_status, int64_t timeout_ms,
                      struct err *err);
/* Copies a local file by sftp to a temporary name beside `remote`, then renames it there. */
enum err_code ssh_upload(struct ssh *ssh, const char *local, const char *remote, unsigned mode,
                         bool (*on_progress)(void *ctx, double share), void *ctx, struct err *err);
/* 'text' quoted for a POSIX shell, appended. */
void ssh_quote(struct buf *out, const char *text);

#endif

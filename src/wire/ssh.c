/* ssh.c - commands and files on another host, over libssh.
 *
 * Contract: nothing is sent to a host whose key is not in the known-hosts file.  The session is
 * blocking with the caller's timeout except while a command runs, when reading, writing and the
 * command's own deadline share one loop.  An upload becomes visible under its name whole or not at
 * all; what is left of a failed one is removed while the connection lasts. */
#include "wire/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/mem.h"

#define TIMEOUT_DEFAULT_MS 10000
/* OpenSSH's server takes messages up to 256 KiB; a larger piece waits for fewer answers. */
#define SFTP_PIECE ((size_t)128 << 10)
#define CHANNEL_PIECE ((size_t)32 << 10)

struct ssh {
    ssh_session session;
    sftp_session sftp; /* opened by the first upload */
    char *host;
    int64_t timeout_ms;
};

/* ---- connecting ---- */

static void free_key(ssh_key *key)
{
    ssh_key_free(*key);
}

/* Sets an error with libssh's own words. */
static enum err_code failed(struct ssh *ssh, enum err_code code, const char *what, struct err *err)
{
    return err_set(err, code, "%s '%s': %s", what, ssh->host, ssh_get_error(ssh->session));
}

static enum err_code set_options(struct ssh *ssh, const struct ssh_options *options,
                                 struct err *err)
{
    unsigned port = options->port ? (unsigned)options->port : 22;
    long seconds = (long)(ssh->timeout_ms / 1000);
    long microseconds = (long)(ssh->timeout_ms % 1000) * 1000;
    int off = 0, on = 1;
    bool ok = ssh_options_set(ssh->session, SSH_OPTIONS_PROCESS_CONFIG, &off) == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_NODELAY, &on) == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_HOST, options->host) == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_PORT, &port) == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_USER,
                              options->user ? options->user : "root") == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_TIMEOUT, &seconds) == 0 &&
              ssh_options_set(ssh->session, SSH_OPTIONS_TIMEOUT_USEC, &microseconds) == 0;
    if (ok && options->known_hosts) /* that file and no other */
        ok = ssh_options_set(ssh->session, SSH_OPTIONS_KNOWNHOSTS, options->known_hosts) == 0 &&
             ssh_options_set(ssh->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == 0;
    return ok ? ERR_OK : failed(ssh, ERR_INVALID, "unusable options for", err);
}

static enum err_code check_host(struct ssh *ssh, struct err *err)
{
    enum ssh_known_hosts_e known = ssh_session_is_known_server(ssh->session);
    if (known == SSH_KNOWN_HOSTS_OK)
        return ERR_OK;
    CLEANUP(free_key) ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t hash_len = 0;
    char *fingerprint = NULL;
    if (ssh_get_server_publickey(ssh->session, &key) == SSH_OK &&
        ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &hash_len) == SSH_OK)
        fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hash_len);
    const char *shown = fingerprint ? fingerprint : "unreadable";
    if (known == SSH_KNOWN_HOSTS_CHANGED || known == SSH_KNOWN_HOSTS_OTHER) {
        err_set(err, ERR_CREDENTIAL, "the key of host '%s' is not the known one: %s", ssh->host,
                shown);
        err_hint(err, "someone may stand between; if the host was set up anew, replace its line in "
                      "the known-hosts file");
    } else {
        err_set(err, ERR_CREDENTIAL, "host '%s' is not in the known-hosts file; its key is %s",
                ssh->host, shown);
        err_hint(err, "compare the key with the host's own, then add it to the known-hosts file");
    }
    ssh_string_free_char(fingerprint);
    ssh_clean_pubkey_hash(&hash);
    return ERR_CREDENTIAL;
}

static enum err_code log_in(struct ssh *ssh, const struct ssh_options *options, struct err *err)
{
    int rc;
    if (options->key_file) {
        CLEANUP(free_key) ssh_key key = NULL;
        if (ssh_pki_import_privkey_file(options->key_file, NULL, NULL, NULL, &key) != SSH_OK) {
            err_set(err, ERR_CREDENTIAL, "'%s' is not a readable private key without passphrase",
                    options->key_file);
            return ERR_CREDENTIAL;
        }
        rc = ssh_userauth_publickey(ssh->session, NULL, key);
    } else {
        rc = ssh_userauth_publickey_auto(ssh->session, NULL, NULL);
    }
    if (rc == SSH_AUTH_SUCCESS)
        return ERR_OK;
    if (!ssh_is_connected(ssh->session))
        return failed(ssh, ERR_TRANSIENT, "the connection broke while logging in to", err);
    err_set(err, ERR_CREDENTIAL, "host '%s' does not let %s in with this key", ssh->host,
            options->user ? options->user : "root");
    err_hint(err, "add the public key to the host's authorized_keys");
    return ERR_CREDENTIAL;
}

enum err_code ssh_open(const struct ssh_options *options, struct ssh **out, struct err *err)
{
    enum err_code rc = FAULT_POINT("wire.ssh_connect", err);
    if (rc)
        return rc;
    if (!options->host || !*options->host)
        return err_set(err, ERR_INVALID, "an SSH connection needs a host");
    struct ssh *ssh = mem_zalloc(sizeof *ssh);
    ssh->host = mem_strdup(options->host);
    ssh->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_DEFAULT_MS;
    ssh->session = ssh_new();
    if (!ssh->session) {
        ssh_close(ssh);
        return err_set(err, ERR_IO, "libssh cannot start");
    }
    rc = set_options(ssh, options, err);
    int64_t start_ms = clock_mono_ms();
    if (!rc && ssh_connect(ssh->session) != SSH_OK) {
        bool late = clock_mono_ms() - start_ms >= ssh->timeout_ms;
        rc = failed(ssh, late ? ERR_TIMEOUT : ERR_TRANSIENT, "cannot connect to", err);
    }
    if (!rc)
        rc = check_host(ssh, err);
    if (!rc)
        rc = log_in(ssh, options, err);
    if (rc) {
        ssh_close(ssh);
        return rc;
    }
    *out = ssh;
    return ERR_OK;
}

void ssh_close(struct ssh *ssh)
{
    if (!ssh)
        return;
    if (ssh->sftp)
        sftp_free(ssh->sftp);
    if (ssh->session) {
        ssh_disconnect(ssh->session);
        ssh_free(ssh->session);
    }
    mem_free(ssh->host);
    mem_free(ssh);
}

/* ---- commands ---- */

struct command {
    struct ssh *ssh;
    ssh_channel channel;
    const char *input;
    size_t input_len;
    bool input_closed;
    struct buf *outputs[2]; /* stdout, stderr; NULL = thrown away */
    int status;             /* -1 until known */
    int64_t until_ms;       /* 0 = no deadline */
};

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *ctx)
{
    (void)session, (void)channel;
    struct command *command = ctx;
    command->status = status;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *name, int core,
                           const char *text, const char *language, void *ctx)
{
    (void)session, (void)channel, (void)core, (void)text, (void)language;
    /* RFC 4254, 6.10 */
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"ABRT", 6},  {"ALRM", 14}, {"FPE", 8},   {"HUP", 1},  {"ILL", 4},
                   {"INT", 2},   {"KILL", 9},  {"PIPE", 13}, {"QUIT", 3}, {"SEGV", 11},
                   {"TERM", 15}, {"USR1", 10}, {"USR2", 12}};
    struct command *command = ctx;
    command->status = 255;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (name && strcmp(name, signals[i].name) == 0)
            command->status = 128 + signals[i].number;
}

/* Takes what has come; true if anything had. */
static bool take_output(struct command *command)
{
    bool any = false;
    char piece[CHANNEL_PIECE];
    for (int i = 0; i < 2; i++) {
        int n = ssh_channel_read_nonblocking(command->channel, piece, sizeof piece, i);
        if (n <= 0)
            continue;
        any = true;
        if (command->outputs[i])
            buf_add(command->outputs[i], piece, (size_t)n);
    }
    return any;
}

/* Sends what the other side has room for; true if anything went. */
static bool give_input(struct command *command)
{
    if (command->input_closed)
        return false;
    if (command->input_len == 0) {
        command->input_closed = true;
        ssh_channel_send_eof(command->channel);
        return true;
    }
    size_t room = ssh_channel_window_size(command->channel);
    size_t len = command->input_len < CHANNEL_PIECE ? command->input_len : CHANNEL_PIECE;
    if (len > room)
        len = room;
    if (len == 0)
        return false;
    int n = ssh_channel_write(command->channel, command->input, (uint32_t)len);
    if (n <= 0)
        return false;
    command->input += n;
    command->input_len -= (size_t)n;
    return true;
}

static enum err_code check_outputs(struct command *command, struct err *err)
{
    for (int i = 0; i < 2; i++)
        if (command->outputs[i] && command->outputs[i]->over)
            return err_set(err, ERR_TOO_LARGE, "the output of a command on '%s' is too large",
                           command->ssh->host);
    return ERR_OK;
}

/* Until the command has ended and its output is taken. */
static enum err_code converse(struct command *command, struct err *err)
{
    ssh_session session = command->ssh->session;
    for (;;) {
        bool moved = take_output(command);
        enum err_code rc = check_outputs(command, err);
        if (rc)
            return rc;
        moved |= give_input(command);
        if (moved)
            continue;
        /* Once the other side has sent EOF, reading takes no more packets in; this does. */
        ssh_channel_get_exit_status(command->channel);
        if (ssh_channel_is_closed(command->channel) ||
            (command->status >= 0 && ssh_channel_is_eof(command->channel))) {
            if (command->status < 0)
                return failed(command->ssh, ERR_TRANSIENT, "a command got no status from", err);
            return ERR_OK;
        }
        if (!ssh_is_connected(session))
            return failed(command->ssh, ERR_TRANSIENT, "the connection broke to", err);
        int64_t wait_ms = 200; /* libssh may hold what poll no longer shows */
        if (command->until_ms) {
            int64_t left_ms = command->until_ms - clock_mono_ms();
            if (left_ms <= 0)
                return err_set(err, ERR_TIMEOUT, "a command on '%s' did not end in time",
                               command->ssh->host);
            if (left_ms < wait_ms)
                wait_ms = left_ms;
        }
        bool unsent = (ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
        struct pollfd poll_fd = {.fd = ssh_get_fd(session),
                                 .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
        poll(&poll_fd, 1, (int)wait_ms);
    }
}

static void restore(struct buf *buf, size_t len)
{
    if (!buf)
        return;
    buf->over = false;
    buf->len = len;
    if (buf->data)
        buf->data[len] = '\0';
}

static void free_channel(ssh_channel *channel)
{
    if (*channel)
        ssh_channel_free(*channel);
}

enum err_code ssh_run(struct ssh *ssh, const char *command, const void *input, size_t input_len,
                      struct buf *out, struct buf *out_stderr, int *ret_status, int64_t timeout_ms,
                      struct err *err)
{
    enum err_code rc = FAULT_POINT("wire.ssh_run", err);
    if (rc)
        return rc;
    size_t out_len = out ? out->len : 0, stderr_len = out_stderr ? out_stderr->len : 0;
    CLEANUP(free_channel) ssh_channel channel = ssh_channel_new(ssh->session);
    if (!channel)
        return failed(ssh, ERR_TRANSIENT, "cannot open a channel to", err);
    struct command run = {
        .ssh = ssh,
        .channel = channel,
        .input = input,
        .input_len = input ? input_len : 0,
        .outputs = {out, out_stderr},
        .status = -1,
        .until_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : 0,
    };
    struct ssh_channel_callbacks_struct callbacks = {
        .userdata = &run,
        .channel_exit_status_function = on_exit_status,
        .channel_exit_signal_function = on_exit_signal,
    };
    ssh_callbacks_init(&callbacks);
    ssh_set_channel_callbacks(channel, &callbacks);
    if (ssh_channel_open_session(channel) != SSH_OK ||
        ssh_channel_request_exec(channel, command) != SSH_OK)
        return failed(ssh, ERR_TRANSIENT, "cannot start a command on", err);
    ssh_set_blocking(ssh->session, 0);
    rc = converse(&run, err);
    ssh_set_blocking(ssh->session, 1);
    if (rc && ssh_channel_is_open(channel))
        ssh_channel_request_send_signal(channel, "KILL");
    ssh_channel_close(channel);
    ssh_remove_channel_callbacks(channel, &callbacks);
    if (rc) {
        restore(out, out_len);
        restore(out_stderr, stderr_len);
        return rc;
    }
    *ret_status = run.status;
    return ERR_OK;
}

void ssh_quote(struct buf *out, const char *text)
{
    buf_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_str(out, "'\\''");
        else
            buf_add_char(out, *text);
    }
    buf_add_char(out, '\'');
}

/* ---- files ---- */

static enum err_code sftp_failed(struct ssh *ssh, const char *what, const char *path,
                                 struct err *err)
{
    int code = ssh->sftp ? sftp_get_error(ssh->sftp) : SSH_FX_NO_CONNECTION;
    if (!ssh_is_connected(ssh->session))
        return failed(ssh, ERR_TRANSIENT, "the connection broke to", err);
    switch (code) {
    case SSH_FX_NO_SUCH_FILE:
    case SSH_FX_NO_SUCH_PATH:
        return err_set(err, ERR_NOT_FOUND, "cannot %s '%s' on '%s': there is no such folder", what,
                       path, ssh->host);
    case SSH_FX_PERMISSION_DENIED:
    case SSH_FX_WRITE_PROTECT:
        return err_set(err, ERR_FORBIDDEN, "cannot %s '%s' on '%s': permission denied", what, path,
                       ssh->host);
    case SSH_FX_NO_CONNECTION:
    case SSH_FX_CONNECTION_LOST:
        return err_set(err, ERR_TRANSIENT, "cannot %s '%s' on '%s': the connection is lost", what,
                       path, ssh->host);
    default:
        return err_set(err, ERR_IO, "cannot %s '%s' on '%s': sftp status %d", what, path, ssh->host,
                       code);
    }
}

static enum err_code open_sftp(struct ssh *ssh, struct err *err)
{
    if (ssh->sftp)
        return ERR_OK;
    sftp_session sftp = sftp_new(ssh->session);
    if (sftp && sftp_init(sftp) == SSH_OK) {
        ssh->sftp = sftp;
        return ERR_OK;
    }
    if (sftp)
        sftp_free(sftp);
    return failed(ssh, ssh_is_connected(ssh->session) ? ERR_UNSUPPORTED : ERR_TRANSIENT,
                  "cannot start sftp on", err);
}

struct upload {
    struct ssh *ssh;
    const char *local, *name; /* the temporary name */
    int fd;
    int64_t size;
    bool (*on_progress)(void *ctx, double share);
    void *ctx;
};

static enum err_code copy(const struct upload *upload, sftp_file file, struct err *err)
{
    CLEANUP(mem_free_at) char *piece = mem_alloc(SFTP_PIECE);
    for (int64_t sent = 0;;) {
        if (upload->on_progress) {
            double share = upload->size > 0 ? (double)sent / (double)upload->size : 1;
            if (!upload->on_progress(upload->ctx, share > 1 ? 1 : share))
                return err_set(err, ERR_CANCELLED, "the upload of '%s' was cancelled",
                               upload->local);
        }
        ssize_t n = read(upload->fd, piece, SFTP_PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "cannot read '%s'", upload->local);
        if (n == 0)
            return ERR_OK;
        for (ssize_t done = 0; done < n;) {
            ssize_t written = sftp_write(file, piece + done, (size_t)(n - done));
            if (written <= 0)
                return sftp_failed(upload->ssh, "write", upload->name, err);
            done += written;
        }
        sent += n;
    }
}

/* Makes the temporary file whole; the caller removes it when this fails. */
static enum err_code fill(const struct upload *upload, unsigned mode, struct err *err)
{
    struct ssh *ssh = upload->ssh;
    sftp_file file = sftp_open(ssh->sftp, upload->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file)
        return sftp_failed(ssh, "make", upload->name, err);
    enum err_code rc = copy(upload, file, err);
    if (!rc && sftp_extension_supported(ssh->sftp, "fsync@openssh.com", "1") &&
        sftp_fsync(file) != SSH_OK)
        rc = sftp_failed(ssh, "write", upload->name, err);
    if (sftp_close(file) != SSH_NO_ERROR && !rc)
        rc = sftp_failed(ssh, "write", upload->name, err);
    if (!rc && sftp_chmod(ssh->sftp, upload->name, mode & 07777) != 0)
        rc = sftp_failed(ssh, "set the mode of", upload->name, err);
    return rc;
}

/* libssh's rename does not replace, as sftp version 3 has it; the host's own mv does. */
static enum err_code replace(struct ssh *ssh, const char *name, const char *remote, struct err *err)
{
    if (sftp_rename(ssh->sftp, name, remote) == 0)
        return ERR_OK;
    sftp_attributes there = sftp_stat(ssh->sftp, remote);
    bool is_file = there && there->type == SSH_FILEXFER_TYPE_REGULAR;
    bool is_other = there && !is_file;
    if (there)
        sftp_attributes_free(there);
    if (is_other)
        return err_set(err, ERR_CONFLICT, "'%s' on '%s' is not a file", remote, ssh->host);
    if (!is_file)
        return sftp_failed(ssh, "rename to", remote, err);
    CLEANUP(buf_done) struct buf command = BUF_INIT;
    buf_add_str(&command, "mv -f -- ");
    ssh_quote(&command, name);
    buf_add_char(&command, ' ');
    ssh_quote(&command, remote);
    int status = -1;
    enum err_code rc =
        ssh_run(ssh, command.data, NULL, 0, NULL, NULL, &status, ssh->timeout_ms, err);
    if (!rc && status != 0)
        rc = err_set(err, ERR_IO, "cannot replace '%s' on '%s': mv ends with %d", remote, ssh->host,
                     status);
    return rc;
}

enum err_code ssh_upload(struct ssh *ssh, const char *local, const char *remote, unsigned mode,
                         bool (*on_progress)(void *ctx, double share), void *ctx, struct err *err)
{
    enum err_code rc = FAULT_POINT("wire.ssh_upload", err);
    if (rc)
        return rc;
    int fd = open(local, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return err_errno(err, errno, "cannot read '%s'", local);
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return err_set(err, ERR_INVALID, "'%s' is not a file", local);
    }
    char id[ID_SIZE];
    id_new("part", id);
    CLEANUP(mem_free_at) char *name = mem_printf("%s.%s", remote, id);
    struct upload upload = {ssh, local, name, fd, status.st_size, on_progress, ctx};
    rc = open_sftp(ssh, err);
    if (!rc) {
        rc = fill(&upload, mode, err);
        if (!rc)
            rc = replace(ssh, name, remote, err);
        if (rc && ssh_is_connected(ssh->session))
            sftp_unlink(ssh->sftp, name);
    }
    close(fd);
    return rc;
}

/* host_ssh.c - another machine: one SSH session per call of the provider.
 *
 * The first command tells arch, user and home, and whether the tool is there already under a name
 * that carries its digest; else it is copied.  Nothing else is asked of the machine than sh, tar
 * and sftp. */
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define ASK_MAX ((size_t)64 << 10)
#define ASK_MS 20000

static enum err_code run(struct host_machine *machine, const char *command, const char *input,
                         struct buf *out, struct buf *words, int *ret_status, int64_t timeout_ms,
                         struct err *err)
{
    if (host_cancelled(machine->call))
        return err_set(err, ERR_CANCELLED, "cancelled");
    return ssh_run(machine->ssh, command, input, input != NULL ? strlen(input) : 0, out, words,
                   ret_status, timeout_ms, err);
}

static bool on_progress(void *ctx, double share)
{
    const struct host_machine *machine = ctx;
    if (machine->call->progress != NULL)
        machine->call->progress(machine->call->ctx, share * 0.9); /* unpacking is the rest */
    return !host_cancelled(machine->call);
}

static enum err_code upload(struct host_machine *machine, const char *local, const char *name,
                            const char **ret_path, struct err *err)
{
    char unique[ID_SIZE];
    id_new("up", unique);
    const char *folder = arena_printf(machine->arena, "%s/artefacts", machine->base);
    const char *path = arena_printf(machine->arena, "%s/.%s.%s", folder, name, unique);
    CLEANUP(buf_done) struct buf command = BUF_INIT;
    int status = 0;
    buf_add_str(&command, "mkdir -p ");
    ssh_quote(&command, folder);
    enum err_code rc = run(machine, buf_str(&command), NULL, NULL, NULL, &status, ASK_MS, err);
    if (rc == ERR_OK && status != 0)
        rc = err_set(err, ERR_IO, "'%s' cannot be made on '%s'", folder, machine->endpoint.host);
    if (rc == ERR_OK)
        rc = ssh_upload(machine->ssh, local, path, 0600, on_progress, machine, err);
    if (rc == ERR_OK)
        *ret_path = path;
    return rc;
}

/* The line after `from`'s line end, cut off in place. */
static char *next_line(char **from)
{
    char *line = *from;
    if (line == NULL)
        return "";
    char *end = strchr(line, '\n');
    *from = end != NULL ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return line;
}

static enum err_code ask(struct host_machine *machine, const char *command, char **ret_lines,
                         struct err *err)
{
    CLEANUP(buf_done) struct buf out = {.max = ASK_MAX};
    int status = 0;
    enum err_code rc = run(machine, command, NULL, &out, NULL, &status, ASK_MS, err);
    if (rc != ERR_OK)
        return rc;
    /* A login script may have talked before. */
    char *begin = strstr(buf_str(&out), "swan-begins\n");
    if (status != 0 || begin == NULL)
        return err_set(err, ERR_TRANSIENT, "the shell of '%s' does not answer (status %d)",
                       machine->endpoint.host, status);
    *ret_lines = arena_strdup(machine->arena, begin + strlen("swan-begins\n"));
    return ERR_OK;
}

/* swan-supervise for that arch, as a file here. */
static enum err_code find_tool(struct host_machine *machine, const char *arch, const char *own_arch,
                               const char **ret_path, struct err *err)
{
    const char *path = machine->call->host->supervisor_path;
    if (!str_eq(arch, own_arch)) {
        path = arena_printf(machine->arena, "%s-%s", path, arch);
        if (!file_exists(path)) {
            err_set(err, ERR_UNSUPPORTED, "host '%s' is %s and there is no swan-supervise for it",
                    machine->endpoint.host, arch);
            if (err != NULL)
                err_hint(err, "build it for %s and put it to '%s'", arch, path);
            return ERR_UNSUPPORTED;
        }
    }
    *ret_path = path;
    return ERR_OK;
}

static enum err_code install_tool(struct host_machine *machine, const char *local, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    uint64_t size = 0;
    enum err_code rc = id_digest_file(local, digest, &size, err);
    if (rc != ERR_OK)
        return rc;
    const char *folder = arena_printf(machine->arena, "%s/bin", machine->base);
    machine->tool =
        arena_printf(machine->arena, "%s/swan-supervise-%.16s", folder, digest + strlen("sha256:"));
    CLEANUP(buf_done) struct buf command = BUF_INIT;
    buf_add_str(&command, "echo swan-begins; if [ -x ");
    ssh_quote(&command, machine->tool);
    buf_add_str(&command, " ]; then echo there; else mkdir -p ");
    ssh_quote(&command, folder);
    buf_add_str(&command, " && echo absent; fi");
    char *lines = NULL;
    rc = ask(machine, buf_str(&command), &lines, err);
    if (rc != ERR_OK)
        return rc;
    const char *word = next_line(&lines);
    if (str_eq(word, "there"))
        return ERR_OK;
    if (!str_eq(word, "absent"))
        return err_set(err, ERR_IO, "'%s' cannot be made on '%s'", folder, machine->endpoint.host);
    return ssh_upload(machine->ssh, local, machine->tool, 0755, NULL, NULL, err);
}

#if defined(__x86_64__)
#define OWN_ARCH "x86_64"
#elif defined(__aarch64__)
#define OWN_ARCH "aarch64"
#else
#define OWN_ARCH "unknown"
#endif

enum err_code host_ssh_open(struct host_machine *machine, struct err *err)
{
    const struct host_endpoint *endpoint = &machine->endpoint;
    struct ssh_options options = {.host = endpoint->host,
                                  .user = endpoint->user,
                                  .port = endpoint->port,
                                  .key_file = endpoint->key_file,
                                  .known_hosts = endpoint->known_hosts};
    if (host_cancelled(machine->call))
        return err_set(err, ERR_CANCELLED, "cancelled");
    enum err_code rc = ssh_open(&options, &machine->ssh, err);
    if (rc != ERR_OK)
        return rc;
    machine->run = run;
    machine->upload = upload;
    machine->address = endpoint->host;
    machine->bind = "0.0.0.0";
    char *lines = NULL;
    rc = ask(machine, "echo swan-begins; uname -m; id -u; printf '%s\\n' \"$HOME\"", &lines, err);
    if (rc != ERR_OK)
        return rc;
    const char *arch = next_line(&lines), *user = next_line(&lines), *home = next_line(&lines);
    if (!str_eq(user, "0") && home[0] != '/')
        return err_set(err, ERR_UNSUPPORTED, "user %s of '%s' has no home", endpoint->user,
                       endpoint->host);
    if (endpoint->base != NULL)
        machine->base = endpoint->base;
    else if (str_eq(user, "0"))
        machine->base = "/var/lib/swan";
    else
        machine->base = arena_printf(machine->arena, "%s/.swan", home);
    const char *local = NULL;
    rc = find_tool(machine, arch, OWN_ARCH, &local, err);
    return rc == ERR_OK ? install_tool(machine, local, err) : rc;
}

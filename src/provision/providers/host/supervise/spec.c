/* spec.c - DIR/spec (what shall run) and DIR/status (what does), as key=value lines.
 *
 * Contract: a spec is written only while nobody holds DIR/lock and before its supervisor starts, so
 * the file is always what the running supervisor read.  A status is the supervisor's alone and is
 * worth nothing once DIR/lock is free. */
#include "provision/providers/host/supervise/supervise.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NAME:PROTOCOL:PORT:auto|fixed */
static const char *parse_port(struct supervise_spec *spec, char *value)
{
    if (spec->port_count == SUPERVISE_PORTS_MAX)
        return "too many ports";
    char *parts[4] = {value, NULL, NULL, NULL};
    for (size_t i = 3; i > 0; i--) {
        char *colon = strrchr(value, ':');
        if (colon == NULL)
            return "a port is NAME:PROTOCOL:PORT:auto or :fixed";
        *colon = '\0';
        parts[i] = colon + 1;
    }
    struct supervise_port *port = &spec->ports[spec->port_count];
    port->name = parts[0];
    port->protocol = parts[1];
    port->fixed = strcmp(parts[3], "fixed") == 0;
    if (!supervise_to_int(parts[2], 0, 65535, &port->port) || (port->fixed && port->port == 0))
        return "a port is no number from 1 to 65535";
    spec->port_count++;
    return NULL;
}

static const char *parse_line(struct supervise_spec *spec, const char *key, char *value)
{
    static const struct {
        const char *key;
        size_t offset;
    } texts[] = {
        {"name", offsetof(struct supervise_spec, name)},
        {"digest", offsetof(struct supervise_spec, digest)},
        {"artefact", offsetof(struct supervise_spec, artefact)},
        {"cwd", offsetof(struct supervise_spec, cwd)},
        {"bind", offsetof(struct supervise_spec, bind)},
        {"by", offsetof(struct supervise_spec, by)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(key, texts[i].key) == 0) {
            *(const char **)(void *)((char *)spec + texts[i].offset) = value;
            return NULL;
        }
    if (strcmp(key, "argv") == 0) {
        if (spec->argc == SUPERVISE_ARGS_MAX)
            return "too many arguments";
        spec->argv[spec->argc++] = value;
        return NULL;
    }
    if (strcmp(key, "env") == 0) {
        if (spec->env_count == SUPERVISE_ENV_MAX)
            return "too many environment variables";
        if (value[0] == '=' || strchr(value, '=') == NULL)
            return "an environment variable is NAME=VALUE";
        spec->env[spec->env_count++] = value;
        return NULL;
    }
    if (strcmp(key, "port") == 0)
        return parse_port(spec, value);
    if (strcmp(key, "vcpus") == 0)
        return supervise_to_double(value, 0, 1e6, &spec->vcpus) ? NULL : "vcpus is no number";
    if (strcmp(key, "memory_bytes") == 0)
        return supervise_to_int(value, 0, INT64_MAX, &spec->memory_bytes) ? NULL
                                                                          : "bad memory_bytes";
    return "unknown key";
}

const char *supervise_spec_parse(struct supervise_spec *spec)
{
    memset((char *)spec + sizeof spec->text, 0, sizeof *spec - sizeof spec->text);
    char *at = spec->text, *key, *value;
    while (supervise_next_line(&at, &key, &value)) {
        const char *wrong = key == NULL ? "a line without '='" : parse_line(spec, key, value);
        if (wrong != NULL)
            return wrong;
    }
    if (spec->name == NULL || spec->digest == NULL || spec->cwd == NULL || spec->bind == NULL ||
        spec->argc == 0)
        return "name, digest, cwd, bind or argv is missing";
    if (strlen(spec->digest) >= sizeof((struct supervise_status *)0)->digest)
        return "the digest is too long";
    return NULL;
}

bool supervise_spec_read(const char *dir, struct supervise_spec *spec)
{
    char path[PATH_MAX];
    if (!supervise_format(path, sizeof path, "%s/spec", dir) ||
        supervise_read(path, spec->text, sizeof spec->text) < 0)
        return false;
    if (supervise_spec_parse(spec) != NULL) {
        errno = EINVAL;
        return false;
    }
    return true;
}

bool supervise_spec_write(const char *dir, const struct supervise_spec *spec)
{
    static char data[SUPERVISE_TEXT_MAX + 8192];
    struct supervise_text text = {.data = data, .size = sizeof data};
    char path[PATH_MAX], line[512];
    supervise_add_line(&text, "name", spec->name);
    supervise_add_line(&text, "digest", spec->digest);
    supervise_add_line(&text, "artefact", spec->artefact);
    supervise_add_line(&text, "cwd", spec->cwd);
    supervise_add_line(&text, "bind", spec->bind);
    supervise_add_line(&text, "by", spec->by);
    for (size_t i = 0; i < spec->argc; i++)
        supervise_add_line(&text, "argv", spec->argv[i]);
    for (size_t i = 0; i < spec->env_count; i++)
        supervise_add_line(&text, "env", spec->env[i]);
    for (size_t i = 0; i < spec->port_count; i++) {
        const struct supervise_port *port = &spec->ports[i];
        if (!supervise_format(line, sizeof line, "%s:%s:%lld:%s", port->name, port->protocol,
                              (long long)port->port, port->fixed ? "fixed" : "auto"))
            return false;
        supervise_add_line(&text, "port", line);
    }
    supervise_add(&text, "vcpus=%.6g\nmemory_bytes=%lld\n", spec->vcpus,
                  (long long)spec->memory_bytes);
    return !text.over && supervise_format(path, sizeof path, "%s/spec", dir) &&
           supervise_write(path, text.data, text.len, 0600, true);
}

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

bool supervise_spec_program(const struct supervise_spec *spec, char out[PATH_MAX])
{
    const char *word = spec->argv[0];
    if (word[0] == '/')
        return supervise_format(out, PATH_MAX, "%s", word);
    bool fits = supervise_format(out, PATH_MAX, "%s/%s", spec->cwd, word);
    if (strchr(word, '/') != NULL || (fits && is_program(out)))
        return fits;
    static const char *const folders[] = {"/usr/local/bin",  "/usr/bin",  "/bin",
                                          "/usr/local/sbin", "/usr/sbin", "/sbin"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (supervise_format(out, PATH_MAX, "%s/%s", folders[i], word) && is_program(out))
            return true;
    return false;
}

/* PORT_ADMIN of "admin". */
static void add_port_name(struct supervise_text *pool, const char *name)
{
    supervise_add(pool, "PORT_");
    for (const char *c = name; *c != '\0'; c++)
        supervise_add(pool, "%c",
                      isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : (int)'_');
}

/* One "NAME=VALUE" begins in the pool: the end of the one before is its NUL. */
static char *begin(struct supervise_text *pool)
{
    if (pool->len + 1 >= pool->size) {
        pool->over = true;
        return pool->data + pool->len;
    }
    if (pool->len > 0)
        pool->data[pool->len++] = '\0';
    return pool->data + pool->len;
}

static bool sets(const struct supervise_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->env_count; i++)
        if (strncmp(spec->env[i], name, strlen(name)) == 0)
            return true;
    return false;
}

bool supervise_spec_environment(const struct supervise_spec *spec, const char *dir, char *pool_data,
                                size_t pool_size, char **envp, size_t envp_size)
{
    struct supervise_text pool = {.data = pool_data, .size = pool_size};
    size_t count = 0;
    if (envp_size < spec->env_count + spec->port_count + 8)
        return false;
    envp[count++] = begin(&pool);
    supervise_add(&pool, "%s=%s", SUPERVISE_MARK, dir);
    if (!sets(spec, "PATH=")) {
        envp[count++] = begin(&pool);
        supervise_add(&pool, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    }
    if (!sets(spec, "HOME=")) {
        envp[count++] = begin(&pool);
        supervise_add(&pool, "HOME=%s/data", dir);
    }
    envp[count++] = begin(&pool);
    supervise_add(&pool, "HOST=%s", spec->bind);
    for (size_t i = 0; i < spec->port_count; i++) {
        if (i == 0) {
            envp[count++] = begin(&pool);
            supervise_add(&pool, "PORT=%lld", (long long)spec->ports[i].port);
        }
        envp[count++] = begin(&pool);
        add_port_name(&pool, spec->ports[i].name);
        supervise_add(&pool, "=%lld", (long long)spec->ports[i].port);
    }
    for (size_t i = 0; i < spec->env_count; i++)
        envp[count++] = (char *)(uintptr_t)spec->env[i];
    envp[count] = NULL;
    return !pool.over;
}

bool supervise_status_read(const char *dir, struct supervise_status *out)
{
    char path[PATH_MAX], data[4096];
    memset(out, 0, sizeof *out);
    if (!supervise_format(path, sizeof path, "%s/status", dir) ||
        supervise_read(path, data, sizeof data) < 0)
        return false;
    char *at = data, *key, *value;
    while (supervise_next_line(&at, &key, &value)) {
        if (key == NULL)
            return false;
        if (strcmp(key, "state") == 0)
            supervise_format(out->state, sizeof out->state, "%s", value);
        else if (strcmp(key, "digest") == 0)
            supervise_format(out->digest, sizeof out->digest, "%s", value);
        else if (strcmp(key, "exit") == 0)
            supervise_format(out->exit, sizeof out->exit, "%s", value);
        else if (strcmp(key, "limits") == 0)
            supervise_format(out->limits, sizeof out->limits, "%s", value);
        else if (strcmp(key, "supervisor") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->supervisor);
        else if (strcmp(key, "pid") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->pid);
        else if (strcmp(key, "pid_start") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->pid_start);
        else if (strcmp(key, "started_ms") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->started_ms);
        else if (strcmp(key, "restarts") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->restarts);
    }
    return out->state[0] != '\0';
}

bool supervise_status_write(const char *dir, const struct supervise_status *status)
{
    char path[PATH_MAX], data[4096];
    struct supervise_text text = {.data = data, .size = sizeof data};
    supervise_add_line(&text, "state", status->state);
    supervise_add_line(&text, "digest", status->digest);
    supervise_add(
        &text, "supervisor=%lld\npid=%lld\npid_start=%lld\nstarted_ms=%lld\nrestarts=%lld\n",
        (long long)status->supervisor, (long long)status->pid, (long long)status->pid_start,
        (long long)status->started_ms, (long long)status->restarts);
    supervise_add_line(&text, "exit", status->exit);
    supervise_add_line(&text, "limits", status->limits);
    return !text.over && supervise_format(path, sizeof path, "%s/status", dir) &&
           supervise_write(path, text.data, text.len, 0600, false);
}

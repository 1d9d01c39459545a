/* systemd.c - where systemd is pid 1 it supervises: one system unit per instance,
 * swan-<name>.service.
 *
 * Contract: the unit file is written whole before systemd hears of it; its second line names the
 * folder it was made for, so that two Swans on one machine never take each other's unit.  Removing
 * ends with the file, so that a removal cut short is found and done again. */
#include "provision/providers/host/supervise/supervise.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIT_DIR "/etc/systemd/system"
#define UNIT_TEXT_MAX ((size_t)512 << 10)

bool supervise_systemd_usable(void)
{
    return geteuid() == 0 && access("/run/systemd/system", F_OK) == 0 &&
           (access("/usr/bin/systemctl", X_OK) == 0 || access("/bin/systemctl", X_OK) == 0);
}

/* swan-NAME.service; bytes that a unit's name may not hold become \xNN, as systemd-escape does. */
static bool unit_name(const char *name, char *out, size_t size)
{
    struct supervise_text text = {.data = out, .size = size};
    supervise_add(&text, "swan-");
    for (const char *c = name; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 128 && (isalnum(byte) || byte == '-' || byte == '_' || byte == '.'))
            supervise_add(&text, "%c", byte);
        else
            supervise_add(&text, "\\x%02x", byte);
    }
    supervise_add(&text, ".service");
    return !text.over && text.len < 255;
}

static bool unit_path(const char *name, char out[PATH_MAX])
{
    char unit[1024];
    return unit_name(name, unit, sizeof unit) &&
           supervise_format(out, PATH_MAX, "%s/%s", UNIT_DIR, unit);
}

/* Runs systemctl; its output (cut to size) in out.  -1 when it could not be run. */
static int systemctl(char *out, size_t size, const char *const *args)
{
    const char *argv[8] = {"systemctl"};
    for (size_t i = 0; args[i] != NULL && i < 6; i++)
        argv[i + 1] = args[i];
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        execvp("systemctl", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    size_t len = 0;
    char rest[512];
    for (ssize_t got; pid > 0;) {
        bool room = len + 1 < size;
        got = room ? read(fds[0], out + len, size - 1 - len) : read(fds[0], rest, sizeof rest);
        if (got <= 0)
            break;
        len += room ? (size_t)got : 0;
    }
    close(fds[0]);
    out[len] = '\0';
    int how = -1;
    if (pid < 0 || waitpid(pid, &how, 0) < 0)
        return -1;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

/* A word of a unit file: quoted as C, '%' doubled, and '$' too where systemd expands it. */
static void add_word(struct supervise_text *text, const char *word, bool expands)
{
    supervise_add(text, "\"");
    for (const char *c = word; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            supervise_add(text, "\\%c", byte);
        else if (byte == '%' || (byte == '$' && expands))
            supervise_add(text, "%c%c", byte, byte);
        else if (byte < 32)
            supervise_add(text, "\\x%02x", byte);
        else
            supervise_add(text, "%c", byte);
    }
    supervise_add(text, "\"");
}

/* A path as the whole value of a setting: no quotes there, only '%' is special. */
static void add_path(struct supervise_text *text, const char *path)
{
    for (const char *c = path; *c != '\0'; c++)
        supervise_add(text, *c == '%' ? "%%%%" : "%c", *c);
}

static bool write_unit(const char *dir, const struct supervise_spec *spec)
{
    static char data[UNIT_TEXT_MAX], pool[64 << 10];
    static char *envp[SUPERVISE_ENV_MAX + SUPERVISE_PORTS_MAX + 8];
    struct supervise_text text = {.data = data, .size = sizeof data};
    char program[PATH_MAX], path[PATH_MAX];
    if (!supervise_spec_program(spec, program) || !unit_path(spec->name, path) ||
        !supervise_spec_environment(spec, dir, pool, sizeof pool, envp,
                                    sizeof envp / sizeof envp[0]))
        return false;
    supervise_add(&text, "# Made by swan; what is changed here is lost.\n# folder: %s\n", dir);
    supervise_add(&text, "[Unit]\nDescription=Swan instance ");
    add_path(&text, spec->name);
    supervise_add(&text, "\nAfter=network.target\nStartLimitIntervalSec=0\n\n[Service]\n"
                         "Type=exec\nRestart=always\nRestartSec=1\nTimeoutStopSec=5\n"
                         "WorkingDirectory=");
    add_path(&text, spec->cwd);
    supervise_add(&text, "\nExecStart=");
    add_word(&text, program, true);
    for (size_t i = 1; i < spec->argc; i++) {
        supervise_add(&text, " ");
        add_word(&text, spec->argv[i], true);
    }
    for (size_t i = 0; envp[i] != NULL; i++) {
        supervise_add(&text, "\nEnvironment=");
        add_word(&text, envp[i], false);
    }
    if (spec->memory_bytes > 0)
        supervise_add(&text, "\nMemoryMax=%lld", (long long)spec->memory_bytes);
    if (spec->vcpus > 0)
        supervise_add(&text, "\nCPUQuota=%.0f%%", spec->vcpus < 0.01 ? 1.0 : spec->vcpus * 100);
    supervise_add(&text, "\n\n[Install]\nWantedBy=multi-user.target\n");
    /* 0600: the environment may hold secrets. */
    return !text.over && supervise_write(path, text.data, text.len, 0600, true);
}

const char *supervise_systemd_start(const char *dir, const struct supervise_spec *spec)
{
    static char output[512];
    char unit[1024];
    if (!write_unit(dir, spec) || !unit_name(spec->name, unit, sizeof unit))
        return "the unit file cannot be written";
    if (systemctl(output, sizeof output, (const char *const[]){"daemon-reload", NULL}) != 0 ||
        systemctl(output, sizeof output, (const char *const[]){"enable", unit, NULL}) != 0)
        return output[0] != '\0' ? output : "systemctl failed";
    /* A program that cannot be run makes this fail; systemd goes on trying and status tells. */
    systemctl(output, sizeof output, (const char *const[]){"restart", unit, NULL});
    return "";
}

bool supervise_systemd_stop(const char *name)
{
    char unit[1024], output[512], path[PATH_MAX];
    if (!unit_path(name, path) || access(path, F_OK) < 0)
        return true;
    return unit_name(name, unit, sizeof unit) &&
           systemctl(output, sizeof output, (const char *const[]){"stop", unit, NULL}) == 0;
}

bool supervise_systemd_remove(const char *name)
{
    char unit[1024], output[512], path[PATH_MAX];
    if (!unit_path(name, path) || access(path, F_OK) < 0)
        return true;
    if (!unit_name(name, unit, sizeof unit) || !supervise_systemd_stop(name))
        return false;
    systemctl(output, sizeof output, (const char *const[]){"disable", unit, NULL});
    if (unlink(path) < 0 && errno != ENOENT)
        return false;
    systemctl(output, sizeof output, (const char *const[]){"daemon-reload", NULL});
    systemctl(output, sizeof output, (const char *const[]){"reset-failed", unit, NULL});
    return true;
}

bool supervise_systemd_foreign(const char *dir, const char *name)
{
    static char text[UNIT_TEXT_MAX];
    char path[PATH_MAX], mark[PATH_MAX + 32];
    if (!unit_path(name, path) || supervise_read(path, text, sizeof text) < 0)
        return false;
    return !supervise_format(mark, sizeof mark, "\n# folder: %s\n", dir) ||
           strstr(text, mark) == NULL;
}

/* Does the kernel hold the limit?  A property of the unit alone does not say so: without the
 * controller systemd keeps the number and does nothing. */
static bool is_limited(const char *cgroup, const char *const *formats)
{
    for (size_t i = 0; formats[i] != NULL; i++) {
        char path[PATH_MAX], text[64];
        struct supervise_text name = {.data = path, .size = sizeof path};
        supervise_add(&name, "/sys/fs/cgroup/");
        for (const char *c = formats[i]; *c != '\0'; c++) {
            if (*c == '@')
                supervise_add(&name, "%s", cgroup);
            else
                supervise_add(&name, "%c", *c);
        }
        if (!name.over && supervise_read(path, text, sizeof text) > 0)
            return strncmp(text, "max", 3) != 0 && text[0] != '-' && strlen(text) < 19;
    }
    return false;
}

static void tell_limits(const char *cgroup, bool memory, bool cpu, struct supervise_status *out)
{
    static const char *const memory_files[] = {"@/memory.max", "memory@/memory.limit_in_bytes",
                                               NULL};
    static const char *const cpu_files[] = {"@/cpu.max", "cpu,cpuacct@/cpu.cfs_quota_us",
                                            "cpu@/cpu.cfs_quota_us", NULL};
    bool has_memory = memory && is_limited(cgroup, memory_files);
    bool has_cpu = cpu && is_limited(cgroup, cpu_files);
    bool lacks = (memory && !has_memory) || (cpu && !has_cpu);
    bool has = has_memory || has_cpu;
    supervise_format(out->limits, sizeof out->limits, "%s%s%s%s%s%s%s%s%s%s",
                     has ? "enforced: " : "", has_memory ? "memory" : "",
                     has_memory && has_cpu ? ", " : "", has_cpu ? "cpu" : "",
                     has ? " by systemd" : "", has && lacks ? "; " : "",
                     lacks ? "not enforced: " : "", memory && !has_memory ? "memory " : "",
                     cpu && !has_cpu ? "cpu " : "", lacks ? "(controller not in systemd)" : "");
}

bool supervise_systemd_status(const char *name, struct supervise_status *out)
{
    char unit[1024], output[4096], load[32] = "", active[32] = "", sub[32] = "";
    char cgroup[2048] = "";
    int64_t code = 0, status = 0, since_us = 0;
    memset(out, 0, sizeof *out);
    if (!unit_name(name, unit, sizeof unit) ||
        systemctl(output, sizeof output,
                  (const char *const[]){"show", unit, "-p",
                                        "LoadState,ActiveState,SubState,MainPID,NRestarts,"
                                        "ExecMainCode,ExecMainStatus,MemoryMax,CPUQuotaPerSecUSec,"
                                        "ControlGroup,ExecMainStartTimestampMonotonic",
                                        NULL}) != 0)
        return false;
    char *at = output, *key, *value;
    bool memory = false, cpu = false;
    while (supervise_next_line(&at, &key, &value)) {
        if (key == NULL)
            continue;
        if (strcmp(key, "LoadState") == 0)
            supervise_format(load, sizeof load, "%s", value);
        else if (strcmp(key, "ActiveState") == 0)
            supervise_format(active, sizeof active, "%s", value);
        else if (strcmp(key, "SubState") == 0)
            supervise_format(sub, sizeof sub, "%s", value);
        else if (strcmp(key, "ControlGroup") == 0)
            supervise_format(cgroup, sizeof cgroup, "%s", value);
        else if (strcmp(key, "ExecMainStartTimestampMonotonic") == 0)
            supervise_to_int(value, 0, INT64_MAX, &since_us);
        else if (strcmp(key, "MainPID") == 0)
            supervise_to_int(value, 0, INT_MAX, &out->pid);
        else if (strcmp(key, "NRestarts") == 0)
            supervise_to_int(value, 0, INT64_MAX, &out->restarts);
        else if (strcmp(key, "ExecMainCode") == 0)
            supervise_to_int(value, 0, INT_MAX, &code);
        else if (strcmp(key, "ExecMainStatus") == 0)
            supervise_to_int(value, 0, INT_MAX, &status);
        else if (strcmp(key, "MemoryMax") == 0)
            memory = strcmp(value, "infinity") != 0;
        else if (strcmp(key, "CPUQuotaPerSecUSec") == 0)
            cpu = strcmp(value, "infinity") != 0;
    }
    if (strcmp(load, "loaded") != 0)
        return false;
    const char *state = "stopped";
    if (strcmp(active, "active") == 0 && strcmp(sub, "running") == 0)
        state = "running";
    else if (strcmp(active, "activating") == 0)
        state = strcmp(sub, "auto-restart") == 0 ? "backoff" : "starting";
    supervise_format(out->state, sizeof out->state, "%s", state);
    if (code == CLD_EXITED)
        supervise_format(out->exit, sizeof out->exit, "exit status %lld", (long long)status);
    else if (code != 0 && out->restarts > 0)
        supervise_format(out->exit, sizeof out->exit, "signal %lld (%s)", (long long)status,
                         strsignal((int)status));
    if (since_us > 0 && out->pid > 0)
        out->started_ms = supervise_now_ms() - (supervise_mono_ms() - since_us / 1000);
    if (strcmp(state, "running") == 0 && cgroup[0] != '\0')
        tell_limits(cgroup, memory, cpu, out);
    return true;
}

/* host_instance.c - instances on a machine: from the task's spec to the lines that swan-supervise
 * reads, and from its lines to results and observations.
 *
 * Contract: apply is prepare (written down, not started) and then apply of the same lines; both
 * adopt what stands.  A crash between them leaves a prepared instance, which check calls broken. */
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define CHANGE_MS 90000 /* waits for another's apply, which may wait for a stop */
#define ASK_MS 30000
#define SAMPLE_MS "100"

static bool is_reserved(const char *name)
{
    static const char *const names[] = {
        "HOST", "PORT", "SWAN_INSTANCE", "SWAN_COMPONENT", "SWAN_DEPLOYMENT", "SWAN_INSTANCE_DIR"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, names[i]))
            return true;
    return str_has_prefix(name, "PORT_");
}

static void add_variable(struct buf *out, const char *name, const char *value)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    buf_printf(&line, "%s=%s", name, value != NULL ? value : "");
    host_add_line(out, "env", buf_str(&line));
}

static enum err_code add_environment(const struct plan_task_spec *spec, struct buf *out,
                                     struct err *err)
{
    for (size_t i = 0; i < spec->environment.count; i++) {
        const struct json_string_pair *pair = &spec->environment.items[i];
        if (pair->name == NULL || pair->name[0] == '\0' || strpbrk(pair->name, "=\n") != NULL) {
            err_set(err, ERR_INVALID, "an environment variable has no plain name");
            if (err != NULL)
                err_field(err, "environment");
            return ERR_INVALID;
        }
        if (!is_reserved(pair->name))
            add_variable(out, pair->name, pair->value);
    }
    add_variable(out, "SWAN_INSTANCE", spec->name);
    add_variable(out, "SWAN_DEPLOYMENT", spec->deployment);
    add_variable(out, "SWAN_COMPONENT", spec->component);
    return ERR_OK;
}

/* There is no network of its own: what is inside is what is outside. */
static enum err_code add_ports(const struct plan_task_spec *spec, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < spec->ports.count; i++) {
        const struct plan_port *port = &spec->ports.items[i];
        const char *name = port->name != NULL ? port->name : "port";
        const char *protocol = port->protocol != NULL ? port->protocol : "tcp";
        if (port->port != 0 && port->host_port != 0 && port->port != port->host_port)
            return err_set(err, ERR_UNSUPPORTED,
                           "port '%s': a host cannot show port %lld as port %lld", name,
                           (long long)port->port, (long long)port->host_port);
        if (str_check_name(name, 60, "name of a port", err) != ERR_OK ||
            str_check_name(protocol, 30, "protocol", err) != ERR_OK)
            return ERR_INVALID;
        int64_t number = port->host_port != 0 ? port->host_port : port->port;
        buf_printf(out, "port=%s:%s:%lld:%s\n", name, protocol, (long long)number,
                   number != 0 ? "fixed" : "auto");
    }
    return ERR_OK;
}

static enum err_code add_command(struct host_machine *machine, struct buf *out, struct err *err)
{
    const struct plan_task_spec *spec = machine->call->spec;
    if (spec->command.count == 0 || spec->command.items[0][0] == '\0')
        return err_set(err, ERR_INVALID, "'%s' has no command", spec->name);
    CLEANUP(buf_done) struct buf word = BUF_INIT;
    buf_printf(&word, "/%s/", spec->command.items[0]);
    if (strstr(buf_str(&word), "/../") != NULL)
        return err_set(err, ERR_POLICY, "the command of '%s' leads out of its package", spec->name);
    for (size_t i = 0; i < spec->command.count; i++)
        host_add_line(out, "argv", spec->command.items[i]);
    if (spec->artefact_digest == NULL) {
        host_add_line(
            out, "cwd",
            arena_printf(machine->arena, "%s/instances/%s/data", machine->base, spec->name));
        return ERR_OK;
    }
    const char *artefact = NULL;
    enum err_code rc = host_artefact_name(spec->artefact_digest, &artefact, machine->arena, err);
    if (rc == ERR_OK) {
        host_add_line(out, "artefact", artefact);
        host_add_line(out, "cwd",
                      arena_printf(machine->arena, "%s/artefacts/%s", machine->base, artefact));
    }
    return rc;
}

static enum err_code write_spec(struct host_machine *machine, struct buf *out, struct err *err)
{
    const struct plan_task_spec *spec = machine->call->spec;
    char digest[72];
    if (spec->form != FORM_PACKAGE && spec->form != FORM_ABSENT)
        return err_set(err, ERR_UNSUPPORTED, "a host runs packages; '%s' is a %s", spec->name,
                       requirement_form_names[spec->form]);
    provider_spec_digest(spec, machine->call->kind, digest);
    host_add_line(out, "name", spec->name);
    host_add_line(out, "digest", digest);
    host_add_line(out, "bind", machine->bind);
    enum err_code rc = add_command(machine, out, err);
    if (rc == ERR_OK)
        rc = add_environment(spec, out, err);
    if (rc == ERR_OK)
        rc = add_ports(spec, out, err);
    if (spec->vcpus.set)
        buf_printf(out, "vcpus=%.6g\n", spec->vcpus.value);
    if (spec->memory_gib.set)
        buf_printf(out, "memory_bytes=%.0f\n", spec->memory_gib.value * (1 << 30));
    return rc == ERR_OK ? buf_check(out, err) : rc;
}

/* ---- lines to results ---- */

bool host_instance_is_up(const struct host_record *record)
{
    return str_eq(host_record_text(record, "state"), "running");
}

/* NAME:PROTOCOL:PORT:HOW */
static void add_port(struct host_machine *machine, const char *line, struct plan_task_result *out)
{
    char *text = arena_strdup(machine->arena, line);
    char *parts[4] = {text, NULL, NULL, NULL};
    for (size_t i = 3; i > 0; i--) {
        char *colon = strrchr(text, ':');
        if (colon == NULL)
            return;
        *colon = '\0';
        parts[i] = colon + 1;
    }
    int64_t number = 0;
    if (str_to_int64(parts[2], &number, NULL) != ERR_OK || number < 0 || number > 65535)
        return;
    *LIST_ADD(machine->arena, &out->ports) = (struct plan_port){
        .name = parts[0], .port = number, .host_port = number, .protocol = parts[1]};
    bool http = str_eq(parts[1], "http") || str_eq(parts[1], "https");
    if (http && out->url == NULL && number > 0) {
        bool six = strchr(machine->address, ':') != NULL;
        out->url = arena_printf(machine->arena, "%s://%s%s%s:%lld", parts[1], six ? "[" : "",
                                machine->address, six ? "]" : "", (long long)number);
    }
}

void host_instance_result(struct host_machine *machine, const struct host_record *record,
                          struct plan_task_result *out)
{
    struct arena *arena = machine->arena;
    *out = (struct plan_task_result){.address = machine->address};
    if (!str_eq(host_record_text(record, "pid"), "0"))
        out->ref = arena_printf(arena, "pid %s", host_record_text(record, "pid"));
    for (size_t i = 0; i < record->lines.count; i++)
        if (str_eq(record->lines.items[i].name, "port"))
            add_port(machine, record->lines.items[i].value, out);
    const char *limits = host_record_text(record, "limits");
    if (strstr(limits, "not enforced") != NULL)
        out->note = arena_printf(arena, "limits %s", limits);
    static const char *const kept[] = {"by", "limits"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (host_record_text(record, kept[i])[0] != '\0')
            *LIST_ADD(arena, &out->details) =
                (struct json_string_pair){kept[i], host_record_text(record, kept[i])};
}

const char *host_instance_text(const struct host_record *record, struct arena *arena)
{
    const char *state = host_record_text(record, "state"), *end = host_record_text(record, "exit");
    const char *log = host_record_text(record, "log");
    double restarts = 0;
    host_record_number(record, "restarts", &restarts);
    if (str_eq(state, "running"))
        return arena_printf(arena, "running, pid %s, %.0f restarts%s%s",
                            host_record_text(record, "pid"), restarts,
                            end[0] != '\0' ? ", ended last by " : "", end);
    if (str_eq(state, "backoff"))
        return arena_printf(arena, "ends again and again: %s, %.0f restarts%s%s", end, restarts,
                            log[0] != '\0' ? "; its last words: " : "", log);
    if (str_eq(state, "dead"))
        return "its supervisor is gone";
    if (str_eq(state, "half"))
        return "prepared or half removed, not running";
    return arena_strdup(arena, state);
}

enum err_code host_instance_look(struct host_machine *machine, const char *name,
                                 const struct host_record **ret_record, struct err *err)
{
    struct host_reply reply;
    *ret_record = NULL;
    enum err_code rc = host_tool(machine, (const char *const[]){"look", machine->base, name, NULL},
                                 NULL, &reply, ASK_MS, err);
    if (rc == ERR_OK && reply.records.count > 0)
        *ret_record = reply.records.items;
    return rc;
}

/* ---- verbs ---- */

enum err_code host_instance_check(struct host_machine *machine,
                                  enum provider_presence *ret_presence,
                                  struct plan_task_result *out, struct err *err)
{
    const struct plan_task_spec *spec = machine->call->spec;
    const struct host_record *record = NULL;
    char digest[72];
    enum err_code rc = host_instance_look(machine, spec->name, &record, err);
    if (rc != ERR_OK)
        return rc;
    if (record == NULL) {
        *ret_presence = PROVIDER_ABSENT_THING;
        return ERR_OK;
    }
    provider_spec_digest(spec, machine->call->kind, digest);
    bool same = str_eq(host_record_text(record, "digest"), digest);
    *ret_presence = same && host_instance_is_up(record) ? PROVIDER_PRESENT : PROVIDER_BROKEN;
    host_instance_result(machine, record, out);
    return ERR_OK;
}

static enum err_code change(struct host_machine *machine, const char *verb, const char *lines,
                            const struct host_record **ret_record, struct err *err)
{
    struct host_reply reply;
    const char *name = machine->call->spec->name;
    enum err_code rc = host_tool(machine, (const char *const[]){verb, machine->base, name, NULL},
                                 lines, &reply, CHANGE_MS, err);
    if (rc == ERR_OK && ret_record != NULL) {
        if (reply.records.count == 0)
            return err_set(err, ERR_TRANSIENT, "'%s' went away meanwhile", name);
        *ret_record = reply.records.items;
    }
    return rc;
}

enum err_code host_instance_apply(struct host_machine *machine, struct plan_task_result *out,
                                  struct err *err)
{
    CLEANUP(buf_done) struct buf lines = BUF_INIT;
    const struct host_record *record = NULL;
    enum err_code rc = write_spec(machine, &lines, err);
    if (rc == ERR_OK)
        rc = change(machine, "prepare", buf_str(&lines), &record, err);
    if (rc == ERR_OK)
        rc = FAULT_POINT("provider.host.apply.half", err);
    if (rc == ERR_OK && !host_instance_is_up(record))
        rc = change(machine, "apply", buf_str(&lines), &record, err);
    if (rc == ERR_OK)
        rc = FAULT_POINT("provider.host.apply.started", err);
    if (rc == ERR_OK)
        host_instance_result(machine, record, out);
    return rc;
}

enum err_code host_instance_undo(struct host_machine *machine, struct err *err)
{
    enum err_code rc = change(machine, "stop", NULL, NULL, err);
    if (rc == ERR_OK)
        rc = FAULT_POINT("provider.host.undo.half", err);
    if (rc == ERR_OK)
        rc = change(machine, "remove", NULL, NULL, err);
    return rc;
}

enum err_code host_instance_observe(struct host_machine *machine, const char *prefix,
                                    struct provider_observations *out, struct err *err)
{
    struct host_reply reply;
    enum err_code rc = host_tool(
        machine,
        (const char *const[]){"show", machine->base, prefix != NULL ? prefix : "", SAMPLE_MS, NULL},
        NULL, &reply, ASK_MS, err);
    if (rc != ERR_OK)
        return rc;
    struct provider_observations seen = {{0}};
    for (size_t i = 0; i < reply.records.count; i++) {
        const struct host_record *record = &reply.records.items[i];
        if (host_record_text(record, "name")[0] == '\0')
            continue;
        struct provider_observation *one = LIST_ADD(machine->arena, &seen.items);
        one->name = host_record_text(record, "name");
        one->up = host_instance_is_up(record);
        one->text = host_instance_text(record, machine->arena);
        host_instance_result(machine, record, &one->result);
        one->cpu_percent.set = host_record_number(record, "cpu_percent", &one->cpu_percent.value);
        one->memory_mib.set = host_record_number(record, "memory_mib", &one->memory_mib.value);
    }
    *out = seen;
    return ERR_OK;
}

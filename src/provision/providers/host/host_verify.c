/* host_verify.c - does an instance really work?
 *
 * Contract: asked from here by HTTP; when a remote machine cannot be reached that way, the machine
 * asks itself and the note says so.  The instance must be the same process before and after, so an
 * answer of a stranger on its port does not count. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"
#include "wire/http.h"

#define ANSWER_MS 3000
#define CONNECT_MS 2000
#define ASK_MS 15000
#define SETTLED_MS 500 /* who has no port is well when it has run that long */

static const struct plan_port *find_port(const struct plan_task_result *result, const char *name)
{
    for (size_t i = 0; i < result->ports.count; i++)
        if (name == NULL || str_eq(result->ports.items[i].name, name))
            return &result->ports.items[i];
    return NULL;
}

static bool is_expected(const struct application_spec_health *health, int status)
{
    if (health->expect_status != 0)
        return status == health->expect_status;
    return status >= 200 && status < 300;
}

/* The machine asks itself; `path` "-" is a connection alone. */
static enum err_code ask_there(struct host_machine *machine, int64_t port, const char *path,
                               int *ret_status, struct err *err)
{
    struct host_reply reply;
    double status = 0;
    const char *number = arena_printf(machine->arena, "%lld", (long long)port);
    enum err_code rc =
        host_tool(machine, (const char *const[]){"probe", "127.0.0.1", number, path, NULL}, NULL,
                  &reply, ASK_MS, err);
    if (rc == ERR_OK && reply.records.count > 0)
        host_record_number(reply.records.items, "status", &status);
    *ret_status = (int)status;
    return rc;
}

static enum err_code ask_here(struct host_machine *machine, int64_t port, const char *path,
                              int *ret_status, struct err *err)
{
    bool six = strchr(machine->address, ':') != NULL;
    struct http_call call = {
        .url = arena_printf(machine->arena, "http://%s%s%s:%lld%s", six ? "[" : "",
                            machine->address, six ? "]" : "", (long long)port, path),
        .timeout_ms = ANSWER_MS,
        .connect_timeout_ms = CONNECT_MS,
    };
    struct http_reply reply = {0};
    enum err_code rc = http_call(&call, &reply, machine->arena, err);
    *ret_status = reply.status;
    return rc;
}

static enum err_code ask_health(struct host_machine *machine, const char *name,
                                struct plan_task_result *result, struct err *err)
{
    const struct application_spec_health *health = machine->call->spec->health;
    const struct plan_port *port = find_port(result, health->port);
    int status = 0;
    if (port == NULL)
        return err_set(err, ERR_INVALID, "'%s' has no port to ask for its health", name);
    if (health->path == NULL || health->path[0] != '/' || strpbrk(health->path, " \r\n") != NULL)
        return err_set(err, ERR_INVALID, "the health path of '%s' is no path", name);
    enum err_code rc = ask_here(machine, port->host_port, health->path, &status, err);
    if (rc != ERR_OK && machine->endpoint.remote) {
        const char *why = arena_strdup(machine->arena, err != NULL ? err->text : "no connection");
        err_clear(err);
        rc = ask_there(machine, port->host_port, health->path, &status, err);
        if (rc == ERR_OK)
            result->note = arena_printf(
                machine->arena, "%s%sanswers on the host itself, not from here: %s",
                result->note != NULL ? result->note : "", result->note != NULL ? "; " : "", why);
    }
    if (rc != ERR_OK)
        return err_set(err, ERR_TRANSIENT, "'%s' does not answer yet", name);
    if (!is_expected(health, status))
        return err_set(err, ERR_TRANSIENT, "'%s' answers %s with status %d", name, health->path,
                       status);
    return ERR_OK;
}

static enum err_code ask_any(struct host_machine *machine, const char *name,
                             const struct host_record *record,
                             const struct plan_task_result *result, struct err *err)
{
    int status = 0;
    double up_ms = 0;
    const struct plan_port *port = find_port(result, NULL);
    if (port != NULL && !str_eq(port->protocol, "udp")) {
        if (ask_there(machine, port->host_port, "-", &status, err) != ERR_OK)
            return err_set(err, ERR_TRANSIENT, "'%s' takes no connections yet", name);
        return ERR_OK;
    }
    if (!host_record_number(record, "up_ms", &up_ms) || up_ms < SETTLED_MS)
        return err_set(err, ERR_TRANSIENT, "'%s' was started just now", name);
    return ERR_OK;
}

/* One that ends again and again may have lost its port to a stranger: apply finds another. */
static void repair(struct host_machine *machine)
{
    struct plan_task_result ignored;
    if (machine->call->kind == TASK_INSTANCE)
        host_instance_apply(machine, &ignored, NULL);
}

enum err_code host_verify_instance(struct host_machine *machine, const char *name,
                                   struct plan_task_result *out, struct err *err)
{
    const struct host_record *before = NULL, *after = NULL;
    struct plan_task_result result = {0};
    enum err_code rc = host_instance_look(machine, name, &before, err);
    if (rc != ERR_OK)
        return rc;
    if (before == NULL)
        return err_set(err, ERR_NOT_FOUND, "there is no instance '%s'", name);
    if (!host_instance_is_up(before)) {
        if (str_eq(host_record_text(before, "state"), "backoff"))
            repair(machine);
        return err_set(err, ERR_TRANSIENT, "'%s' does not run: %s", name,
                       host_instance_text(before, machine->arena));
    }
    host_instance_result(machine, before, &result);
    rc = machine->call->spec->health != NULL ? ask_health(machine, name, &result, err)
                                             : ask_any(machine, name, before, &result, err);
    if (rc == ERR_OK)
        rc = host_instance_look(machine, name, &after, err);
    if (rc != ERR_OK)
        return rc;
    if (after == NULL || !host_instance_is_up(after) ||
        !str_eq(host_record_text(before, "pid"), host_record_text(after, "pid")))
        return err_set(err, ERR_TRANSIENT, "'%s' was restarted meanwhile", name);
    *out = result;
    return ERR_OK;
}

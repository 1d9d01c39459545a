/* host_deliver.c - packages brought to a machine: checked here, unpacked there, once per digest.
 *
 * Contract: the bytes are those of the digest and have passed host_package_check before anything
 * unpacks them.  The machine's own lock lets one unpack; the others adopt. */
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define UNPACK_MS 1800000
#define ASK_MS 30000

static void fill_result(struct host_machine *machine, const char *artefact,
                        struct plan_task_result *out)
{
    *out = (struct plan_task_result){
        .ref = arena_printf(machine->arena, "%s/artefacts/%s", machine->base, artefact),
        .address = machine->address};
}

static enum err_code look(struct host_machine *machine, const char **ret_artefact,
                          enum provider_presence *ret_presence, struct err *err)
{
    const struct plan_task_spec *spec = machine->call->spec;
    struct host_reply reply;
    enum err_code rc = host_artefact_name(spec->artefact_digest, ret_artefact, machine->arena, err);
    if (rc == ERR_OK)
        rc = host_tool(
            machine,
            (const char *const[]){"delivered", machine->base, spec->name, *ret_artefact, NULL},
            NULL, &reply, ASK_MS, err);
    if (rc != ERR_OK)
        return rc;
    const struct host_record *record = reply.records.count > 0 ? reply.records.items : NULL;
    bool whole = str_eq(host_record_text(record, "artefact"), "yes");
    bool noted = str_eq(host_record_text(record, "noted"), "yes");
    *ret_presence = whole && noted ? PROVIDER_PRESENT
                    : noted        ? PROVIDER_BROKEN
                                   : PROVIDER_ABSENT_THING;
    return ERR_OK;
}

enum err_code host_deliver_check(struct host_machine *machine, enum provider_presence *ret_presence,
                                 struct plan_task_result *out, struct err *err)
{
    const char *artefact = NULL;
    enum err_code rc = look(machine, &artefact, ret_presence, err);
    if (rc == ERR_OK && *ret_presence == PROVIDER_PRESENT)
        fill_result(machine, artefact, out);
    return rc;
}

static void remove_file(const char **path)
{
    if (*path != NULL)
        unlink(*path);
}

/* The artefact of the local store, and that it is what its digest says. */
static enum err_code find_local(struct host_machine *machine, char **ret_path, struct err *err)
{
    const struct provider_host *host = machine->call->host;
    const char *wanted = machine->call->spec->artefact_digest;
    char digest[ID_DIGEST_SIZE];
    uint64_t size = 0;
    if (host->artefact_path == NULL)
        return err_set(err, ERR_UNSUPPORTED, "there is no store of artefacts");
    enum err_code rc = host->artefact_path(host->ctx, wanted, ret_path, machine->arena, err);
    if (rc == ERR_OK)
        rc = id_digest_file(*ret_path, digest, &size, err);
    if (rc == ERR_OK && !str_eq(digest, wanted))
        rc = err_set(err, ERR_CORRUPT, "artefact %s has other bytes in the store", wanted);
    return rc;
}

static enum err_code bring(struct host_machine *machine, const char *artefact, struct err *err)
{
    const struct provider_call *call = machine->call;
    const char *temporary = arena_printf(machine->arena, "%s/host", call->host->state_dir);
    char *local = NULL;
    CLEANUP(remove_file) const char *tar = NULL;
    enum err_code rc = find_local(machine, &local, err);
    if (rc == ERR_OK)
        rc = file_make_dirs(temporary, 0700, err);
    if (rc == ERR_OK)
        rc = host_package_check(call, local, temporary, &tar, machine->arena, err);
    const char *there = NULL;
    if (rc == ERR_OK)
        rc = machine->upload(machine, tar != NULL ? tar : local, artefact, &there, err);
    if (rc == ERR_OK)
        rc = FAULT_POINT("provider.host.deliver.half", err);
    struct host_reply reply;
    if (rc == ERR_OK)
        rc = host_tool(
            machine,
            (const char *const[]){"unpack", machine->base, call->spec->name, artefact, there, NULL},
            NULL, &reply, UNPACK_MS, err);
    return rc;
}

enum err_code host_deliver_apply(struct host_machine *machine, struct plan_task_result *out,
                                 struct err *err)
{
    const char *artefact = NULL;
    enum provider_presence presence = PROVIDER_UNKNOWN;
    enum err_code rc = look(machine, &artefact, &presence, err);
    if (rc == ERR_OK && presence != PROVIDER_PRESENT)
        rc = bring(machine, artefact, err);
    if (rc != ERR_OK)
        return rc;
    if (machine->call->progress != NULL)
        machine->call->progress(machine->call->ctx, 1);
    fill_result(machine, artefact, out);
    return ERR_OK;
}

enum err_code host_deliver_undo(struct host_machine *machine, struct err *err)
{
    const struct plan_task_spec *spec = machine->call->spec;
    const char *artefact = NULL;
    struct host_reply reply;
    enum err_code rc = host_artefact_name(spec->artefact_digest, &artefact, machine->arena, err);
    if (rc == ERR_OK)
        rc = host_tool(machine,
                       (const char *const[]){"release", machine->base, spec->name, artefact, NULL},
                       NULL, &reply, UNPACK_MS, err);
    return rc;
}

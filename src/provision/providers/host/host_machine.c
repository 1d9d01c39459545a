/* host_machine.c - opening and closing a machine of either kind. */
#include <string.h>

#include "provision/providers/host/host_priv.h"

bool host_cancelled(const struct provider_call *call)
{
    return call->cancel != NULL && call->cancel(call->ctx);
}

enum err_code host_machine_open(const struct provider_call *call, struct host_machine *out,
                                struct arena *arena, struct err *err)
{
    *out = (struct host_machine){.call = call, .arena = arena};
    enum err_code rc = host_endpoint_parse(call->endpoint, &out->endpoint, arena, err);
    if (rc != ERR_OK)
        return rc;
    if (call->host == NULL || call->host->supervisor_path == NULL)
        return err_set(err, ERR_UNSUPPORTED, "the program swan-supervise is not there");
    return out->endpoint.remote ? host_ssh_open(out, err) : host_local_open(out, err);
}

void host_machine_done(struct host_machine *machine)
{
    ssh_close(machine->ssh);
    machine->ssh = NULL;
}

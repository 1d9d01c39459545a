/* plan.c - field tables of plans and task results, and the seal of a plan. */
#include "types/plan.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"

const char *const plan_task_kind_names[] = {
    NULL,           "artefact.deliver", "server.open",    "bandwidth.open",
    "address.open", "instance.start",   "instance.check", NULL};

static const struct json_field port_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct plan_port, name, JSON_NON_EMPTY, "name of the port"),
    JSON_FIELD_RANGE("port", JSON_INT, struct plan_port, port, 0, 0, 65535,
                     "inside; 0 = told by $PORT"),
    JSON_FIELD_RANGE("host_port", JSON_INT, struct plan_port, host_port, 0, 0, 65535,
                     "outside; 0 = any free one"),
    JSON_FIELD("protocol", JSON_STRING, struct plan_port, protocol, 0, "http, tcp …"),
};
static const struct json_table port_table =
    JSON_TABLE("PlanPort", struct plan_port, port_fields, "a port inside and outside", NULL);

static const struct json_field spec_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct plan_task_spec, name, JSON_REQUIRED | JSON_NAME,
               "idempotency key: the name of the thing at the provider"),
    JSON_FIELD("deployment", JSON_STRING, struct plan_task_spec, deployment, 0, "deployment"),
    JSON_FIELD("component", JSON_STRING, struct plan_task_spec, component, 0, "component"),
    JSON_FIELD_RANGE("instance", JSON_INT, struct plan_task_spec, instance, 0, 0, 1e9,
                     "number of the instance, from 0"),
    JSON_FIELD_RANGE("vcpus", JSON_OPT_DOUBLE, struct plan_task_spec, vcpus, 0, 0, 1e9, "vCPUs"),
    JSON_FIELD_RANGE("memory_gib", JSON_OPT_DOUBLE, struct plan_task_spec, memory_gib, 0, 0, 1e9,
                     "memory"),
    JSON_FIELD_RANGE("disk_gib", JSON_OPT_DOUBLE, struct plan_task_spec, disk_gib, 0, 0, 1e12,
                     "disk"),
    JSON_FIELD_RANGE("bandwidth_mbps", JSON_OPT_DOUBLE, struct plan_task_spec, bandwidth_mbps, 0, 0,
                     1e9, "bandwidth"),
    JSON_FIELD_TABLE("accelerator", JSON_OBJECT_PTR, struct plan_task_spec, accelerator, 0,
                     &requirement_accelerator_table, "accelerator cards"),
    JSON_FIELD("flavor", JSON_STRING, struct plan_task_spec, flavor, 0, "size that is sold"),
    JSON_FIELD("target", JSON_STRING, struct plan_task_spec, target, 0,
               "name of the thing that this belongs to"),
    JSON_FIELD_ENUM("form", struct plan_task_spec, form, 0, requirement_form_names,
                    "form of the application"),
    JSON_FIELD("application", JSON_STRING, struct plan_task_spec, application, 0, "name@version"),
    JSON_FIELD("artefact_digest", JSON_STRING, struct plan_task_spec, artefact_digest, 0,
               "digest of the artefact"),
    JSON_FIELD_RANGE("artefact_bytes", JSON_INT, struct plan_task_spec, artefact_bytes, 0, 0, 1e15,
                     "size of the artefact"),
    JSON_FIELD("command", JSON_STRINGS, struct plan_task_spec, command, 0, "argv"),
    JSON_FIELD("environment", JSON_STRING_MAP, struct plan_task_spec, environment, 0,
               "environment variables"),
    JSON_FIELD_TABLE("ports", JSON_ARRAY, struct plan_task_spec, ports, 0, &port_table, "ports"),
    JSON_FIELD_TABLE("health", JSON_OBJECT_PTR, struct plan_task_spec, health, 0,
                     &application_spec_health_table, "health check"),
};
const struct json_table plan_task_spec_table = JSON_TABLE(
    "TaskSpec", struct plan_task_spec, spec_fields, "what a provider is told of a task", NULL);

static const struct json_field task_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct plan_task, id, JSON_REQUIRED | JSON_NAME,
               "unique in the plan"),
    JSON_FIELD_ENUM("kind", struct plan_task, kind, JSON_REQUIRED, plan_task_kind_names,
                    "what is done"),
    JSON_FIELD("title", JSON_STRING, struct plan_task, title, 0, "in words"),
    JSON_FIELD("site", JSON_STRING, struct plan_task, site, JSON_REQUIRED, "where"),
    JSON_FIELD("provider", JSON_STRING, struct plan_task, provider, JSON_REQUIRED, "by whom"),
    JSON_FIELD("endpoint", JSON_STRING, struct plan_task, endpoint, JSON_REQUIRED,
               "where the provider finds the site"),
    JSON_FIELD("simulated", JSON_BOOL, struct plan_task, simulated, 0, "nothing real happens"),
    JSON_FIELD("after", JSON_STRINGS, struct plan_task, after, 0, "tasks that must end before"),
    JSON_FIELD_RANGE("estimate_s", JSON_DOUBLE, struct plan_task, estimate_s, 0, 0, 1e9,
                     "estimated seconds"),
    JSON_FIELD_TABLE("spec", JSON_OBJECT, struct plan_task, spec, JSON_REQUIRED,
                     &plan_task_spec_table, "what the provider is told"),
};
static const struct json_table task_table =
    JSON_TABLE("PlanTask", struct plan_task, task_fields, "one task of a plan", NULL);

static const struct json_field basis_fields[] = {
    JSON_FIELD("network_version", JSON_INT, struct plan_basis, network_version, 0,
               "journal position of the last change of sites, links and prices"),
    JSON_FIELD("solution", JSON_STRING, struct plan_basis, solution, 0, "id@version"),
    JSON_FIELD("artefacts", JSON_STRINGS, struct plan_basis, artefacts, 0, "digests"),
};
static const struct json_table basis_table =
    JSON_TABLE("PlanBasis", struct plan_basis, basis_fields, "what it was made from", NULL);

static const struct json_field fields[] = {
    JSON_FIELD("deployment", JSON_STRING, struct plan, deployment, JSON_REQUIRED,
               "deployment that it opens or removes"),
    JSON_FIELD("purpose", JSON_STRING, struct plan, purpose, JSON_REQUIRED, "open or remove"),
    JSON_FIELD_TABLE("tasks", JSON_ARRAY, struct plan, tasks, JSON_KEEP, &task_table,
                     "in a topological order"),
    JSON_FIELD("currency", JSON_STRING, struct plan, currency, 0, "ISO 4217"),
    JSON_FIELD("price_month", JSON_DECIMAL, struct plan, price_month, 0, "price per month"),
    JSON_FIELD("eta_s", JSON_DOUBLE, struct plan, eta_s, 0, "length of the critical path"),
    JSON_FIELD_TABLE("basis", JSON_OBJECT, struct plan, basis, 0, &basis_table,
                     "what it was made from; when that has moved, apply refuses"),
    JSON_FIELD("simulated", JSON_BOOL, struct plan, simulated, JSON_KEEP,
               "at least one task goes to the simulator"),
    JSON_FIELD("digest", JSON_STRING, struct plan, digest, 0,
               "sha256 of the canonical JSON of all the rest"),
};
const struct json_table plan_table =
    JSON_TABLE("Plan", struct plan, fields, "what will be done, with price and digest", NULL);

static void digest_of(const struct plan *plan, char out[ID_DIGEST_SIZE])
{
    struct plan bare = *plan;
    bare.digest = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf canonical = BUF_INIT;
    json_encode(&plan_table, &bare, JSON_COMPACT, &text);
    /* Our own encoder's text is always JSON: canonical form cannot fail on it. */
    json_canonical(buf_str(&text), text.len, &canonical, NULL);
    id_digest(buf_str(&canonical), canonical.len, out);
}

void plan_seal(struct plan *plan, struct arena *arena)
{
    char digest[ID_DIGEST_SIZE];
    digest_of(plan, digest);
    plan->digest = arena_strdup(arena, digest);
}

enum err_code plan_check_seal(const struct plan *plan, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    digest_of(plan, digest);
    if (str_eq(digest, plan->digest))
        return ERR_OK;
    err_set(err, ERR_PRECONDITION, "the plan's digest is not that of its content");
    return err_hint(err, "make a new plan; a plan is not edited");
}

static const struct json_field result_fields[] = {
    JSON_FIELD("ref", JSON_STRING, struct plan_task_result, ref, 0, "the provider's own id"),
    JSON_FIELD("address", JSON_STRING, struct plan_task_result, address, 0, "host or IP"),
    JSON_FIELD_TABLE("ports", JSON_ARRAY, struct plan_task_result, ports, 0, &port_table, "ports"),
    JSON_FIELD("url", JSON_STRING, struct plan_task_result, url, 0, "where it answers"),
    JSON_FIELD("note", JSON_STRING, struct plan_task_result, note, 0, "what one should know"),
    JSON_FIELD("simulated", JSON_BOOL, struct plan_task_result, simulated, 0, "nothing is real"),
    JSON_FIELD("details", JSON_STRING_MAP, struct plan_task_result, details, 0,
               "provider's particulars"),
};
const struct json_table plan_task_result_table = JSON_TABLE(
    "TaskResult", struct plan_task_result, result_fields, "what a provider answered", NULL);

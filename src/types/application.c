/* application.c - the field tables of app.yaml. */
#include "types/application.h"

#include "base/str.h"

static const struct json_field needs_fields[] = {
    JSON_FIELD_RANGE("vcpus", JSON_OPT_DOUBLE, struct application_spec_needs, vcpus, 0, 0, 1e6,
                     "least vCPUs of an instance"),
    JSON_FIELD_RANGE("memory_gib", JSON_OPT_DOUBLE, struct application_spec_needs, memory_gib, 0, 0,
                     1e6, "least memory of an instance"),
    JSON_FIELD_RANGE("disk_gib", JSON_OPT_DOUBLE, struct application_spec_needs, disk_gib, 0, 0,
                     1e9, "least disk of an instance"),
    {.name = "arch",
     .kind = JSON_ENUMS,
     .offset = offsetof(struct application_spec_needs, arch),
     .names = requirement_arch_names,
     .max_len = 8,
     .doc = "instruction sets it runs on; absent = any"},
    JSON_FIELD_TABLE("accelerator", JSON_OBJECT_PTR, struct application_spec_needs, accelerator, 0,
                     &requirement_accelerator_table, "accelerator cards"),
};
static const struct json_table needs_table =
    JSON_TABLE("ApplicationNeeds", struct application_spec_needs, needs_fields,
               "the least that one instance needs", NULL);

static const struct json_field dependency_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct application_spec_dependency, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "application or middleware"),
    JSON_FIELD("version", JSON_STRING, struct application_spec_dependency, version, 0,
               "range: \">=14 <17\", \"17\"; absent = any"),
    JSON_FIELD("optional", JSON_OPT_BOOL, struct application_spec_dependency, optional, 0,
               "works without"),
};
static const struct json_table dependency_table =
    JSON_TABLE("ApplicationDependency", struct application_spec_dependency, dependency_fields,
               "what must be there for it to work", NULL);

static const struct json_field offer_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct application_spec_interface, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "REST, MQTT, OPC UA"),
    JSON_FIELD("version", JSON_STRING, struct application_spec_interface, version, JSON_NON_EMPTY,
               "version of the interface; absent = not stated"),
};
static const struct json_table offer_table =
    JSON_TABLE("ApplicationInterface", struct application_spec_interface, offer_fields,
               "an open interface that it offers", NULL);

static const struct json_field consumption_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct application_spec_consumption, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "REST, MQTT, OPC UA"),
    JSON_FIELD("version", JSON_STRING, struct application_spec_consumption, version, JSON_NON_EMPTY,
               "range of versions: \">=2 <4\"; absent = any"),
    JSON_FIELD("from", JSON_STRING, struct application_spec_consumption, from, JSON_NON_EMPTY,
               "application that is to offer it; absent = any that it is joined with"),
    JSON_FIELD("optional", JSON_OPT_BOOL, struct application_spec_consumption, optional, 0,
               "works without"),
};
static const struct json_table consumption_table =
    JSON_TABLE("ApplicationConsumption", struct application_spec_consumption, consumption_fields,
               "an open interface that it wants from another application", NULL);

static const struct json_field port_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct application_spec_port, name, JSON_REQUIRED | JSON_NAME,
               "name of the port"),
    JSON_FIELD_RANGE("port", JSON_INT, struct application_spec_port, port, 0, 0, 65535,
                     "port inside the instance; 0 = the program is told by $PORT"),
    JSON_FIELD("protocol", JSON_STRING, struct application_spec_port, protocol, JSON_NON_EMPTY,
               "http, https, tcp, udp, mqtt"),
};
static const struct json_table port_table = JSON_TABLE(
    "ApplicationPort", struct application_spec_port, port_fields, "a port that it serves", NULL);

static const struct json_field health_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct application_spec_health, path,
               JSON_REQUIRED | JSON_NON_EMPTY, "asked by GET"),
    JSON_FIELD("port", JSON_STRING, struct application_spec_health, port, JSON_NON_EMPTY,
               "name of the port; absent = the first"),
    JSON_FIELD_RANGE("expect_status", JSON_INT, struct application_spec_health, expect_status, 0, 0,
                     599, "0 = any 2xx"),
    JSON_FIELD_RANGE("timeout_s", JSON_OPT_DOUBLE, struct application_spec_health, timeout_s, 0,
                     0.1, 3600, "patience until it answers first"),
    JSON_FIELD_RANGE("interval_s", JSON_OPT_DOUBLE, struct application_spec_health, interval_s, 0,
                     0.1, 3600, "between checks"),
};
const struct json_table application_spec_health_table = JSON_TABLE(
    "HealthCheck", struct application_spec_health, health_fields, "how to see that it works", NULL);

static enum err_code check(const void *object, struct err *err)
{
    const struct application_spec *spec = object;
    for (size_t i = 0; i < spec->ports.count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(spec->ports.items[i].name, spec->ports.items[j].name)) {
                err_set(err, ERR_INVALID, "port '%s' stands twice", spec->ports.items[i].name);
                return err_field(err, "ports[%zu].name", i);
            }
    if (spec->form == FORM_SERVER) {
        err_set(err, ERR_INVALID,
                "an application has the form container, package, vm-image or "
                "function; a bare server is no application");
        return err_field(err, "form");
    }
    if (spec->health) {
        if (spec->health->path[0] != '/') {
            err_set(err, ERR_INVALID, "the path begins with '/'");
            return err_field(err, "health.path");
        }
        if (spec->ports.count == 0) {
            err_set(err, ERR_INVALID, "a health check needs a port to ask");
            return err_field(err, "health");
        }
        bool found = !spec->health->port;
        for (size_t i = 0; i < spec->ports.count; i++)
            found = found || str_eq(spec->ports.items[i].name, spec->health->port);
        if (!found) {
            err_set(err, ERR_INVALID, "no port is named '%s'", spec->health->port);
            return err_field(err, "health.port");
        }
    }
    if (spec->form == FORM_PACKAGE && spec->command.count == 0) {
        err_set(err, ERR_INVALID, "a package needs the command that starts it");
        return err_field(err, "command");
    }
    return ERR_OK;
}

static const struct json_field fields[] = {
    JSON_FIELD("name", JSON_STRING, struct application_spec, name, JSON_REQUIRED | JSON_NAME,
               "name of the application"),
    JSON_FIELD("version", JSON_STRING, struct application_spec, version, JSON_REQUIRED | JSON_NAME,
               "version, in quotes"),
    JSON_FIELD("title", JSON_STRING, struct application_spec, title, 0, "name for people"),
    JSON_FIELD("description", JSON_STRING, struct application_spec, description, 0, "what it does"),
    {.name = "aliases",
     .kind = JSON_STRINGS,
     .offset = offsetof(struct application_spec, aliases),
     .max_len = 64,
     .doc = "words by which people ask for it"},
    JSON_FIELD_ENUM("form", struct application_spec, form, JSON_REQUIRED, requirement_form_names,
                    "container, package, vm-image or function"),
    JSON_FIELD("artefact", JSON_STRING, struct application_spec, artefact,
               JSON_REQUIRED | JSON_NON_EMPTY, "file in the published folder"),
    {.name = "command",
     .kind = JSON_STRINGS,
     .offset = offsetof(struct application_spec, command),
     .max_len = 256,
     .doc = "argv; of a package relative to its root"},
    {.name = "environment",
     .kind = JSON_STRING_MAP,
     .offset = offsetof(struct application_spec, environment),
     .max_len = 256,
     .doc = "environment variables"},
    JSON_FIELD_TABLE("needs", JSON_OBJECT, struct application_spec, needs, 0, &needs_table,
                     "least resources of an instance"),
    {.name = "dependencies",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct application_spec, dependencies),
     .table = &dependency_table,
     .max_len = 256,
     .doc = "what must be there"},
    {.name = "ports",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct application_spec, ports),
     .table = &port_table,
     .max_len = 64,
     .doc = "ports that it serves"},
    JSON_FIELD_TABLE("health", JSON_OBJECT_PTR, struct application_spec, health, 0,
                     &application_spec_health_table, "health check"),
    {.name = "interfaces",
     .kind = JSON_STRINGS,
     .offset = offsetof(struct application_spec, interfaces),
     .max_len = 64,
     .doc = "open interfaces offered: REST, MQTT"},
    {.name = "offers",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct application_spec, offers),
     .table = &offer_table,
     .max_len = 64,
     .doc = "open interfaces offered, with their versions"},
    {.name = "consumes",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct application_spec, consumes),
     .table = &consumption_table,
     .max_len = 64,
     .doc = "open interfaces that it wants from other applications"},
};
const struct json_table application_spec_table =
    JSON_TABLE("Application", struct application_spec, fields,
               "what an application is, needs and offers (app.yaml)", check);

static const struct json_field ref_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct application_spec_ref, component, JSON_NON_EMPTY,
               "component of the requirement that it answers; absent = there to be depended on"),
    JSON_FIELD("id", JSON_STRING, struct application_spec_ref, id, JSON_REQUIRED | JSON_NON_EMPTY,
               "name@version"),
    JSON_FIELD("digest", JSON_STRING, struct application_spec_ref, digest, 0, "of the artefact"),
    JSON_FIELD_RANGE("size_bytes", JSON_INT, struct application_spec_ref, size_bytes, 0, 0, 1e15,
                     "of the artefact"),
    JSON_FIELD("state", JSON_STRING, struct application_spec_ref, state, JSON_REQUIRED,
               "draft, submitted, approved, published or retired"),
    JSON_FIELD_TABLE("spec", JSON_OBJECT, struct application_spec_ref, spec, JSON_REQUIRED,
                     &application_spec_table, "its app.yaml"),
};
static const struct json_table ref_table = JSON_TABLE(
    "ApplicationVersion", struct application_spec_ref, ref_fields, "a version that is known", NULL);
static const struct json_field refs_fields[] = {
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct application_spec_refs, items, JSON_KEEP,
                     &ref_table, "versions"),
};
const struct json_table application_spec_refs_table =
    JSON_TABLE("ApplicationVersions", struct application_spec_refs, refs_fields,
               "versions of applications that are known", NULL);

const struct application_spec_ref *application_spec_find(const struct application_spec_refs *refs,
                                                         const char *component)
{
    for (size_t i = 0; refs && i < refs->items.count; i++)
        if (str_eq(refs->items.items[i].component, component))
            return &refs->items.items[i];
    return NULL;
}

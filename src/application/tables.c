/* tables.c - field tables and the lifecycle table of applications. */
#include "application/application_priv.h"

const char *const application_state_names[] = {NULL,        "draft",   "submitted", "approved",
                                               "published", "retired", NULL};
const char *const application_action_names[] = {"submit",  "reject", "approve",
                                                "publish", "retire", NULL};

static const struct json_field step_fields[] = {
    JSON_FIELD_ENUM("state", struct application_step, state, JSON_REQUIRED, application_state_names,
                    "state reached"),
    JSON_FIELD("who", JSON_STRING, struct application_step, who, 0, "by whom"),
    JSON_FIELD("at", JSON_TIME, struct application_step, at, 0, "when"),
    JSON_FIELD("note", JSON_STRING, struct application_step, note, 0, "why"),
};
static const struct json_table step_table = JSON_TABLE(
    "LifecycleRecord", struct application_step, step_fields, "one step that was taken", NULL);

static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct application_status, state, JSON_REQUIRED,
                    application_state_names, "state"),
    JSON_FIELD("digest", JSON_STRING, struct application_status, digest, 0, "of the artefact"),
    JSON_FIELD("size_bytes", JSON_INT, struct application_status, size_bytes, 0,
               "size of the artefact"),
    JSON_FIELD_TABLE("history", JSON_ARRAY, struct application_status, history, JSON_KEEP,
                     &step_table, "who and when"),
};
const struct json_table application_status_table =
    JSON_TABLE("ApplicationStatus", struct application_status, status_fields,
               "state and history of an application version", NULL);

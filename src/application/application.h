/* application.h - service: 应用管理.  Versions, artefacts by digest, and their lifecycle.
 *
 * Collection "applications": id name@version, spec application_spec_table, status
 * application_status_table. Artefacts lie in FOLDER/sha256/xx/<hex> (written to a temporary name,
 * fsynced, renamed: a crash leaves at most a temporary file, swept at start).  Lifecycle as a
 * table: draft → submitted → approved → published → retired, submitted → draft (reject); who and
 * when of every step are kept.  Only published versions are matched by needs: publishing is the
 * operator's decision to offer a version to all tenants.  Names are one space for all tenants. */
#ifndef SWAN_APPLICATION_APPLICATION_H
#define SWAN_APPLICATION_APPLICATION_H

#include "store/store.h"
#include "types/application.h"
#include "types/requirement.h"

extern const struct store_module application_store_module;

enum application_state {
    APPLICATION_ABSENT,
    APPLICATION_DRAFT,
    APPLICATION_SUBMITTED,
    APPLICATION_APPROVED,
    APPLICATION_PUBLISHED,
    APPLICATION_RETIRED
};
extern const char *const application_state_names[];
extern const char *const application_action_names[]; /* submit, reject, approve, publish, retire */

struct application_step {
    int state; /* reached */
    const char *who, *note;
    int64_t at;
};
struct application_status {
    int state;
    const char *digest;
    int64_t size_bytes;
    LIST(struct application_step) history;
};
extern const struct json_table application_status_table;

struct application;
enum err_code application_open(struct store *store, const char *folder, struct application **out,
                               struct err *err);
void application_close(struct application *application);

/* Takes `len` bytes as an artefact; the digest must be theirs (NULL = compute).  Already there is
 * fine.  The content is checked when an application is created with it. */
enum err_code application_artefact_put(struct application *application, const char *digest,
                                       const void *data, size_t len, char out_digest[72],
                                       struct err *err);
enum err_code application_artefact_path(struct application *application, const char *digest,
                                        char **ret_path, struct arena *arena, struct err *err);

/* Creates a draft.  Checks the artefact against the spec: a package is a readable tar/zip
 * (libarchive) without absolute or escaping paths, links out of it, paths through links, devices,
 * programs that change their user, or more than 100 000 files / 20 GiB unpacked, and holds
 * command[0] as an executable file; a container is an image archive (manifest.json, or index.json
 * of an OCI layout) or a root file system, which needs a command.  Same id with the same content of
 * the same tenant is fine (idempotent), else ERR_CONFLICT. */
enum err_code application_create(struct application *application,
                                 const struct application_spec *spec, const char *digest,
                                 const struct store_actor *actor, struct err *err);
/* One step of the lifecycle; ERR_CONFLICT says which steps are possible now.  A tenant's customer
 * may submit (checked by routes), and only what is the tenant's own: ERR_FORBIDDEN. */
enum err_code application_act(struct application *application, const char *id, const char *action,
                              const char *note, int64_t expected, const struct store_actor *actor,
                              struct err *err);

/* For each component of the requirement the published version that answers it: by name, title or
 * alias contained in the component's words (case and width folded; not within a longer Latin word),
 * longest match first, form and arch as asked, newest version (numbers compared as numbers).
 * Components without match are left out. */
enum err_code application_match(struct application *application, struct store_tx *tx,
                                const struct requirement *requirement,
                                struct application_spec_refs *out, struct arena *arena,
                                struct err *err);
/* The same, followed by every published version, without a component: what those may depend on. */
enum err_code application_match_known(struct application *application, struct store_tx *tx,
                                      const struct requirement *requirement,
                                      struct application_spec_refs *out, struct arena *arena,
                                      struct err *err);
/* Versions by dotted parts: <0, 0, >0. */
int application_version_compare(const char *a, const char *b);

#endif

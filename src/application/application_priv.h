/* application_priv.h - what the files of application share. */
#ifndef SWAN_APPLICATION_APPLICATION_PRIV_H
#define SWAN_APPLICATION_APPLICATION_PRIV_H

#include "application/application.h"

struct application {
    struct store *store;
    char *folder;
};

struct application_transition {
    int state;
    const char *action;
    int next;
};
extern const struct application_transition application_lifecycle[];
extern const size_t application_lifecycle_count;

/* Removes temporary files that a crash left below `folder`, not those being written. */
void application_sweep(const char *folder);
/* FOLDER/sha256/ab/<hex>; the digest must be well formed. */
enum err_code application_path_of(const struct application *application, const char *digest,
                                  char **ret_path, struct arena *arena, struct err *err);
/* Is the artefact what its form says?  Rules in application.h. */
enum err_code application_check_artefact(const char *path, const struct application_spec *spec,
                                         struct err *err);

#endif

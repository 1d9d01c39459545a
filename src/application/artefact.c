/* artefact.c - artefacts by digest: storing and finding them.
 *
 * Contract: an artefact is written under a temporary name, synced and renamed, so a name that is a
 * digest always holds that content.  Temporary files that a crash left go at the next start. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "application/application_priv.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/str.h"

enum err_code application_path_of(const struct application *application, const char *digest,
                                  char **ret_path, struct arena *arena, struct err *err)
{
    const char *hex = digest ? digest + strlen("sha256:") : "";
    bool good = digest && str_has_prefix(digest, "sha256:") && strlen(hex) == 64 &&
                strspn(hex, "0123456789abcdef") == 64;
    if (!good) {
        err_set(err, ERR_INVALID, "a digest is sha256: and 64 lower-case hex digits");
        return err_field(err, "digest");
    }
    *ret_path = arena_printf(arena, "%s/sha256/%.2s/%s", application->folder, hex, hex);
    return ERR_OK;
}

enum err_code application_artefact_put(struct application *application, const char *digest,
                                       const void *data, size_t len, char out_digest[72],
                                       struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *path;
    enum err_code rc;
    if (len == 0)
        return err_set(err, ERR_INVALID, "an artefact is not empty");
    id_digest(data, len, out_digest);
    if (digest && (rc = application_path_of(application, digest, &path, &arena, err)))
        return rc;
    if (digest && !str_eq(digest, out_digest)) {
        err_set(err, ERR_INVALID, "the bytes have the digest %s", out_digest);
        return err_field(err, "digest");
    }
    if ((rc = application_path_of(application, out_digest, &path, &arena, err)))
        return rc;
    if (file_exists(path))
        return ERR_OK;
    char *folder = arena_strdup(&arena, path);
    *strrchr(folder, '/') = '\0';
    if ((rc = FAULT_POINT("application.artefact_put", err)) ||
        (rc = file_make_dirs(folder, 0700, err)))
        return rc;
    return file_write_atomic(path, data, len, 0600, err);
}

enum err_code application_artefact_path(struct application *application, const char *digest,
                                        char **ret_path, struct arena *arena, struct err *err)
{
    enum err_code rc = application_path_of(application, digest, ret_path, arena, err);
    if (rc)
        return rc;
    if (file_exists(*ret_path))
        return ERR_OK;
    err_set(err, ERR_NOT_FOUND, "no artefact has the digest %s", digest);
    return err_hint(err, "publish the application again: swan app publish PATH");
}

/* A part is locked while somebody writes it (file_write_atomic). */
static void sweep_part(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

static void sweep_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] == '.' && str_has_suffix(entry->d_name, ".part"))
            sweep_part(dirfd(folder), entry->d_name);
    if (folder)
        closedir(folder);
}

void application_sweep(const char *folder)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *path = arena_printf(&arena, "%s/sha256", folder);
    DIR *all = opendir(path);
    const struct dirent *entry;
    while (all && (entry = readdir(all)))
        if (entry->d_name[0] != '.')
            sweep_folder(arena_printf(&arena, "%s/%s", path, entry->d_name));
    if (all)
        closedir(all);
}

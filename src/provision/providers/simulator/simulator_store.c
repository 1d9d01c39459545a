/* simulator_store.c - one JSON file a thing, in one folder an endpoint.
 *
 * Contract: NAME.json is written beside and renamed, so a reader sees the old or the new thing and
 * never a half; every change is made under an exclusive flock of the file "lock", so that threads
 * and processes see one order, and a process that dies gives its lock back.  Beside the things lies
 * the folder "attempts" with a number for each name and verb that was tried in a world that fails;
 * losing it changes only which attempt fails.  A listing reads every file: O(things). */
#include "provision/providers/simulator/simulator_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/simulator/simulator.h"

#define THING_MAX_BYTES ((size_t)1 << 20)
#define NAME_MAX_BYTES 200 /* with ".json" and a temporary suffix still a file name */
#define LOCK_POLL_MS 5
#define FILE_MODE 0600u
#define FOLDER_MODE 0700u

static const char *const state_names[] = {NULL, "making", "up", "removing", NULL};

static const struct json_field thing_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct simulator_thing, name, JSON_REQUIRED | JSON_NAME,
               "the thing's name"),
    JSON_FIELD_ENUM("kind", struct simulator_thing, kind, JSON_REQUIRED, plan_task_kind_names,
                    "kind of the task that made it"),
    JSON_FIELD("digest", JSON_STRING, struct simulator_thing, digest, JSON_REQUIRED,
               "digest of its spec"),
    JSON_FIELD_ENUM("state", struct simulator_thing, state, JSON_REQUIRED, state_names,
                    "how far it is"),
    JSON_FIELD("made_at", JSON_TIME, struct simulator_thing, made_at, JSON_REQUIRED,
               "when it was begun"),
    JSON_FIELD_TABLE("spec", JSON_OBJECT, struct simulator_thing, spec, JSON_REQUIRED,
                     &plan_task_spec_table, "what was asked"),
    JSON_FIELD_TABLE("result", JSON_OBJECT, struct simulator_thing, result, 0,
                     &plan_task_result_table, "what was answered"),
};
static const struct json_table thing_table =
    JSON_TABLE("SimulatedThing", struct simulator_thing, thing_fields, "one simulated thing", NULL);

char *simulator_folder(const char *state_dir, const char *endpoint, struct arena *arena)
{
    char digest[ID_DIGEST_SIZE];
    id_digest(endpoint, strlen(endpoint), digest);
    return arena_printf(arena, "%s/simulator/%.16s", state_dir, digest + strlen("sha256:"));
}

static char *thing_path(const struct simulator_store *store, const char *name, struct arena *arena)
{
    return arena_printf(arena, "%s/%s.json", store->folder, name);
}

static char *attempt_path(const struct simulator_store *store, const char *name, const char *verb,
                          struct arena *arena)
{
    return arena_printf(arena, "%s/attempts/%s.%s", store->folder, name, verb);
}

enum err_code simulator_store_open(const struct provider_call *call, struct simulator_store *out,
                                   struct arena *arena, struct err *err)
{
    if (call->host == NULL || call->host->state_dir == NULL) {
        return err_set(err, ERR_BUG, "the simulator was lent no state folder");
    }
    char *folder = simulator_folder(call->host->state_dir, call->endpoint, arena);
    enum err_code rc = file_make_dirs(arena_printf(arena, "%s/attempts", folder), FOLDER_MODE, err);
    if (rc != ERR_OK) {
        return rc;
    }
    *out = (struct simulator_store){.folder = folder, .lock = -1};
    return ERR_OK;
}

enum err_code simulator_store_lock(struct simulator_store *store, const struct provider_call *call,
                                   struct err *err)
{
    CLEANUP(mem_free_at) char *path = mem_printf("%s/lock", store->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open %s", path);
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int saved = errno;
            close(fd);
            return err_errno(err, saved, "cannot lock %s", path);
        }
        if (call->cancel != NULL && call->cancel(call->ctx)) {
            close(fd);
            return err_set(err, ERR_CANCELLED, "cancelled while waiting for the simulated site");
        }
        clock_sleep_ms(LOCK_POLL_MS);
    }
    store->lock = fd;
    return ERR_OK;
}

void simulator_store_unlock(struct simulator_store *store)
{
    if (store->lock >= 0) {
        close(store->lock);
        store->lock = -1;
    }
}

static enum err_code check_name(const char *name, struct err *err)
{
    return str_check_name(name, NAME_MAX_BYTES, "name of a thing", err);
}

enum err_code simulator_store_read(const struct simulator_store *store, const char *name,
                                   struct simulator_thing *out, struct arena *arena,
                                   struct err *err)
{
    enum err_code rc = check_name(name, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *path = thing_path(store, name, arena);
    if (!file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "nothing named '%s' is simulated here", name);
    }
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    rc = file_read(path, THING_MAX_BYTES, &text, err);
    if (rc == ERR_NOT_FOUND) {
        return rc;
    }
    struct simulator_thing thing = {0};
    if (rc == ERR_OK) {
        rc = json_decode(buf_str(&text), text.len, &thing_table, NULL, &thing, arena, err);
    }
    if (rc == ERR_OK && !str_eq(thing.name, name)) {
        rc = err_set(err, ERR_INVALID, "it is a record of '%s'", thing.name);
    }
    if (rc != ERR_OK) {
        if (rc == ERR_INVALID || rc == ERR_TOO_LARGE) {
            struct err cause = ERR_INIT;
            if (err != NULL) {
                cause = *err;
            }
            return err_set(err, ERR_CORRUPT, "%s: %s", path, cause.text);
        }
        return rc;
    }
    *out = thing;
    return ERR_OK;
}

enum err_code simulator_store_write(const struct simulator_store *store,
                                    const struct simulator_thing *thing, struct err *err)
{
    enum err_code rc = check_name(thing->name, err);
    if (rc != ERR_OK) {
        return rc;
    }
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&thing_table, thing, JSON_COMPACT, &text);
    CLEANUP(mem_free_at) char *path = mem_printf("%s/%s.json", store->folder, thing->name);
    return file_write_atomic(path, buf_str(&text), text.len, FILE_MODE, err);
}

enum err_code simulator_store_remove(const struct simulator_store *store, const char *name,
                                     struct arena *arena, struct err *err)
{
    enum err_code rc = check_name(name, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *path = thing_path(store, name, arena);
    if (unlink(path) != 0 && errno != ENOENT) {
        return err_errno(err, errno, "cannot remove %s", path);
    }
    static const char *const verbs[] = {"apply", "verify", "undo"};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        /* Only a count for draws: one that stays does no harm. */
        (void)unlink(attempt_path(store, name, verbs[i], arena));
    }
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct simulator_thing *)a)->name,
                  ((const struct simulator_thing *)b)->name);
}

enum err_code simulator_store_list(const struct simulator_store *store, const char *prefix,
                                   struct simulator_things *out, struct arena *arena,
                                   struct err *err)
{
    DIR *dir = opendir(store->folder);
    if (dir == NULL) {
        return err_errno(err, errno, "cannot list %s", store->folder);
    }
    struct simulator_things things = {{0}};
    enum err_code rc = ERR_OK;
    for (struct dirent *entry = NULL; rc == ERR_OK && (entry = readdir(dir)) != NULL;) {
        const char *file = entry->d_name;
        if (!str_has_suffix(file, ".json") || !str_has_prefix(file, prefix)) {
            continue;
        }
        char *name = arena_strndup(arena, file, strlen(file) - strlen(".json"));
        if (check_name(name, NULL) != ERR_OK) {
            continue;
        }
        struct simulator_thing thing = {0};
        rc = simulator_store_read(store, name, &thing, arena, err);
        if (rc == ERR_NOT_FOUND) { /* removed since readdir */
            rc = ERR_OK;
            continue;
        }
        if (rc == ERR_CORRUPT) {
            thing = (struct simulator_thing){.name = name};
            rc = ERR_OK;
        }
        if (rc == ERR_OK) {
            *LIST_ADD(arena, &things.items) = thing;
            rc = arena_check(arena, err);
        }
    }
    closedir(dir);
    if (rc != ERR_OK) {
        return rc;
    }
    if (things.items.count > 1) {
        qsort(things.items.items, things.items.count, sizeof *things.items.items, by_name);
    }
    *out = things;
    return ERR_OK;
}

enum err_code simulator_store_attempt(const struct simulator_store *store, const char *name,
                                      const char *verb, int64_t *ret_attempt, struct arena *arena,
                                      struct err *err)
{
    const char *path = attempt_path(store, name, verb, arena);
    int64_t attempt = 0;
    if (file_exists(path)) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        if (file_read(path, 64, &text, NULL) != ERR_OK ||
            str_to_int64(buf_str(&text), &attempt, NULL) != ERR_OK || attempt < 0 ||
            attempt > INT64_MAX / 2) {
            attempt = 0;
        }
    }
    attempt++;
    const char *text = arena_printf(arena, "%lld", (long long)attempt);
    enum err_code rc = file_write_atomic(path, text, strlen(text), FILE_MODE, err);
    if (rc == ERR_OK) {
        *ret_attempt = attempt;
    }
    return rc;
}

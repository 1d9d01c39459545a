/* application.c - versions and their lifecycle.
 *
 * Contract: the lifecycle is the table below and nothing else; each step is one transaction that
 * keeps who and when.  A version's spec never changes once it is created. */
#include "application/application.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "application/application_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

const struct store_module application_store_module = {"application", NULL, 0};

const struct application_transition application_lifecycle[] = {
    {APPLICATION_DRAFT, "submit", APPLICATION_SUBMITTED},
    {APPLICATION_SUBMITTED, "reject", APPLICATION_DRAFT},
    {APPLICATION_SUBMITTED, "approve", APPLICATION_APPROVED},
    {APPLICATION_APPROVED, "publish", APPLICATION_PUBLISHED},
    {APPLICATION_PUBLISHED, "retire", APPLICATION_RETIRED},
};
const size_t application_lifecycle_count = ARRAY_LEN(application_lifecycle);

enum err_code application_open(struct store *store, const char *folder, struct application **out,
                               struct err *err)
{
    enum err_code rc = file_make_dirs(folder, 0700, err);
    if (rc)
        return rc;
    application_sweep(folder);
    struct application *application = mem_zalloc(sizeof *application);
    application->store = store;
    application->folder = mem_strdup(folder);
    *out = application;
    return ERR_OK;
}

void application_close(struct application *application)
{
    if (!application)
        return;
    mem_free(application->folder);
    mem_free(application);
}

struct create {
    const struct application_spec *spec;
    const char *digest, *id;
    int64_t size;
    const struct store_actor *actor;
};

static enum err_code create_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct create *create = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf spec = BUF_INIT;
    CLEANUP(buf_done) struct buf status_text = BUF_INIT;
    struct application_status status = {
        .state = APPLICATION_DRAFT, .digest = create->digest, .size_bytes = create->size};
    *LIST_ADD(&arena, &status.history) = (struct application_step){
        .state = APPLICATION_DRAFT, .who = create->actor->user, .at = clock_now_ms()};
    json_encode(&application_spec_table, create->spec, JSON_COMPACT, &spec);
    json_encode(&application_status_table, &status, JSON_COMPACT, &status_text);
    struct store_record old;
    enum err_code rc = buf_check(&spec, err);
    if (rc)
        return rc;
    rc = store_get(tx, "applications", create->id, &old, &arena, err);
    if (!rc) {
        struct application_status was;
        if ((rc = json_decode_stored(old.status, &application_status_table, &was, &arena, err)))
            return rc;
        if (str_eq(old.tenant, create->actor->tenant ? create->actor->tenant : "") &&
            str_eq(old.spec, buf_str(&spec)) && str_eq(was.digest, create->digest))
            return ERR_OK;
        err_set(err, ERR_CONFLICT, "%s exists with other content or is another's", create->id);
        return err_hint(err, "a version does not change: give it a new number");
    }
    if (rc != ERR_NOT_FOUND)
        return rc;
    err_clear(err);
    struct store_record record = {.collection = "applications",
                                  .id = create->id,
                                  .tenant = create->actor->tenant,
                                  .spec = buf_str(&spec),
                                  .status = buf_str(&status_text)};
    return store_insert(tx, &record, create->actor, err);
}

enum err_code application_create(struct application *application,
                                 const struct application_spec *spec, const char *digest,
                                 const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *path;
    struct stat stat_of;
    enum err_code rc;
    if ((rc = json_validate(&application_spec_table, spec, err)) ||
        (rc = application_artefact_path(application, digest, &path, &arena, err)) ||
        (rc = application_check_artefact(path, spec, err)))
        return rc;
    struct create create = {.spec = spec, .digest = digest, .actor = actor};
    if (stat(path, &stat_of))
        return err_errno(err, errno, "cannot look at the artefact %s", digest);
    create.size = stat_of.st_size;
    create.id = arena_printf(&arena, "%s@%s", spec->name, spec->version);
    return store_write(application->store, create_body, &create, err);
}

struct act {
    const char *id, *action, *note;
    int64_t expected;
    const struct store_actor *actor;
};

static enum err_code impossible(struct err *err, const struct act *act, int state)
{
    char possible[96] = "";
    for (size_t i = 0; i < ARRAY_LEN(application_lifecycle); i++)
        if (application_lifecycle[i].state == state)
            str_format(possible + strlen(possible), sizeof possible - strlen(possible), "%s%s",
                       *possible ? ", " : "", application_lifecycle[i].action);
    err_set(err, ERR_CONFLICT, "%s is %s: %s is not possible", act->id,
            application_state_names[state], act->action);
    return err_hint(err, "possible now: %s", *possible ? possible : "nothing more");
}

static enum err_code act_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct act *act = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct store_record record;
    struct application_status status;
    int next = APPLICATION_ABSENT;
    enum err_code rc = store_get(tx, "applications", act->id, &record, &arena, err);
    if (rc)
        return rc;
    if (act->actor->tenant && act->actor->tenant[0] && !str_eq(record.tenant, act->actor->tenant))
        return err_set(err, ERR_FORBIDDEN, "%s belongs to another", act->id);
    if ((rc = json_decode_stored(record.status, &application_status_table, &status, &arena, err)))
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(application_lifecycle); i++)
        if (application_lifecycle[i].state == status.state &&
            str_eq(application_lifecycle[i].action, act->action))
            next = application_lifecycle[i].next;
    if (!next)
        return impossible(err, act, status.state);
    status.state = next;
    *LIST_ADD(&arena, &status.history) = (struct application_step){
        .state = next, .who = act->actor->user, .note = act->note, .at = clock_now_ms()};
    json_encode(&application_status_table, &status, JSON_COMPACT, &text);
    return store_update(tx, "applications", act->id, act->expected, NULL, buf_str(&text),
                        application_state_names[next], act->actor, NULL, err);
}

enum err_code application_act(struct application *application, const char *id, const char *action,
                              const char *note, int64_t expected, const struct store_actor *actor,
                              struct err *err)
{
    struct act act = {id, action, note, expected, actor};
    return store_write(application->store, act_body, &act, err);
}

int application_version_compare(const char *a, const char *b)
{
    while (*a || *b) {
        size_t la = strspn(a, "0123456789"), lb = strspn(b, "0123456789");
        if (la && lb) {
            while (*a == '0' && la > 1)
                a++, la--;
            while (*b == '0' && lb > 1)
                b++, lb--;
            if (la != lb)
                return la < lb ? -1 : 1;
            int order = strncmp(a, b, la);
            if (order)
                return order;
            a += la;
            b += lb;
            continue;
        }
        if (*a != *b) {
            /* 1.0-rc1 comes before 1.0: what has a '-' where the other ends is older. */
            if (!*a)
                return *b == '-' ? 1 : -1;
            if (!*b)
                return *a == '-' ? -1 : 1;
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        }
        a++;
        b++;
    }
    return 0;
}

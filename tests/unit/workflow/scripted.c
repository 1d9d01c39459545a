/* scripted.c - a provider whose things are files and whose mishaps are written in the plan. */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"

#define THINGS_MOST 100 /* times that one thing is made: more is a fault of the test */

static const char *script(const struct provider_call *call, const char *key)
{
    for (size_t i = 0; i < call->spec->environment.count; i++)
        if (str_eq(call->spec->environment.items[i].name, key))
            return call->spec->environment.items[i].value;
    return NULL;
}

static void path_of(char out[512], const char *folder, const char *name, const char *kind, int n)
{
    snprintf(out, 512, "%s/%s.%s%d", folder, name, kind, n);
}

/* One more call of the verb; how many there were. */
static int count_call(const char *folder, const char *name, const char *verb)
{
    char path[512];
    struct stat status = {0};
    snprintf(path, sizeof path, "%s/calls/%s.%s", folder, name, verb);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &status))
        abort();
    close(fd);
    return (int)status.st_size;
}

int scripted_calls(const char *folder, const char *name, const char *verb)
{
    char path[512];
    struct stat status = {0};
    snprintf(path, sizeof path, "%s/calls/%s.%s", folder, name, verb);
    return stat(path, &status) ? 0 : (int)status.st_size;
}

/* CODE[*COUNT][/half] */
static enum err_code mishap(const struct provider_call *call, const char *verb, bool *ret_half,
                            struct err *err)
{
    const char *text = script(call, verb);
    int calls = count_call(call->endpoint, call->spec->name, verb);
    *ret_half = text && str_has_suffix(text, "/half");
    if (!text)
        return ERR_OK;
    char code[32];
    size_t length = strcspn(text, "*/");
    snprintf(code, sizeof code, "%.*s", (int)length, text);
    if (text[length] == '*' && calls > atoi(text + length + 1))
        return ERR_OK;
    return err_set(err, err_code_by_name(code), "scripted %s of %s", verb, verb);
}

/* The number of the thing that exists; 0 if none.  *ret_last: the highest number ever given. */
static int find_thing(const char *folder, const char *name, int *ret_last)
{
    char path[512];
    int there = 0;
    *ret_last = 0;
    for (int n = 1; n <= THINGS_MOST; n++) {
        path_of(path, folder, name, "g", n);
        bool is_there = access(path, F_OK) == 0;
        path_of(path, folder, name, "x", n);
        if (!is_there && access(path, F_OK))
            break;
        *ret_last = n;
        if (is_there)
            there = n;
    }
    return there;
}

int scripted_made(const char *folder, const char *name)
{
    int last;
    find_thing(folder, name, &last);
    return last;
}

int scripted_there(const char *folder, const char *name)
{
    char path[512];
    int count = 0;
    for (int n = 1; n <= THINGS_MOST; n++) {
        path_of(path, folder, name, "g", n);
        count += access(path, F_OK) == 0;
    }
    return count;
}

int scripted_all_there(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        count += dot && dot[1] == 'g';
    }
    closedir(dir);
    return count;
}

static void fill_result(const struct provider_call *call, int n, struct plan_task_result *out,
                        struct arena *arena)
{
    out->ref = arena_printf(arena, "%s.g%d", call->spec->name, n);
    out->address = "192.0.2.1";
}

static enum err_code scripted_check(const struct provider_call *call,
                                    enum provider_presence *ret_presence,
                                    struct plan_task_result *out, struct arena *arena,
                                    struct err *err)
{
    bool half;
    int last;
    enum err_code rc = mishap(call, "check", &half, err);
    if (rc)
        return rc;
    int there = find_thing(call->endpoint, call->spec->name, &last);
    char path[512];
    struct stat status;
    path_of(path, call->endpoint, call->spec->name, "g", there);
    *ret_presence = PROVIDER_ABSENT_THING;
    if (there && !stat(path, &status)) {
        *ret_presence = status.st_size > 0 ? PROVIDER_PRESENT : PROVIDER_BROKEN;
        fill_result(call, there, out, arena);
    }
    return ERR_OK;
}

/* Makes or completes the file; whole = it has content. */
static enum err_code make_thing(const struct provider_call *call, bool whole, int *ret_n,
                                struct err *err)
{
    char path[512];
    int last, n = find_thing(call->endpoint, call->spec->name, &last);
    if (!n)
        n = last + 1;
    path_of(path, call->endpoint, call->spec->name, "g", n);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || (whole && write(fd, "whole", 5) != 5)) {
        if (fd >= 0)
            close(fd);
        return err_errno(err, errno, "%s", path);
    }
    close(fd);
    *ret_n = n;
    return ERR_OK;
}

static enum err_code scripted_apply(const struct provider_call *call, struct plan_task_result *out,
                                    struct arena *arena, struct err *err)
{
    bool half = false;
    int n = 0;
    int64_t slow = script(call, "slow") ? atoi(script(call, "slow")) : 0;
    int64_t begin = clock_mono_ms();
    enum err_code rc = mishap(call, "apply", &half, err);
    if (rc && half)
        make_thing(call, false, &n, NULL);
    if (rc)
        return rc;
    if (script(call, "hang"))
        slow = INT64_MAX;
    for (int64_t passed; (passed = clock_mono_ms() - begin) < slow;) {
        if (call->cancel && call->cancel(call->ctx))
            return err_set(err, ERR_CANCELLED, "cancelled");
        if (call->progress)
            call->progress(call->ctx, (double)passed / (double)slow);
        clock_sleep_ms(2);
    }
    if (call->kind != TASK_CHECK && (rc = make_thing(call, true, &n, err)))
        return rc;
    fill_result(call, n, out, arena);
    return FAULT_POINT("scripted.apply", err);
}

static enum err_code scripted_verify(const struct provider_call *call, struct plan_task_result *out,
                                     struct arena *arena, struct err *err)
{
    (void)arena;
    bool half;
    enum err_code rc = mishap(call, "verify", &half, err);
    if (!rc)
        out->url = "http://192.0.2.1/";
    return rc;
}

static enum err_code scripted_undo(const struct provider_call *call, struct arena *arena,
                                   struct err *err)
{
    (void)arena;
    bool half;
    int last;
    enum err_code rc = mishap(call, "undo", &half, err);
    if (rc)
        return rc;
    int n = find_thing(call->endpoint, call->spec->name, &last);
    char from[512], to[512];
    path_of(from, call->endpoint, call->spec->name, "g", n);
    path_of(to, call->endpoint, call->spec->name, "x", n);
    if (n && rename(from, to) && errno != ENOENT)
        return err_errno(err, errno, "%s", from);
    return ERR_OK;
}

static const int forms[] = {FORM_PACKAGE, FORM_ABSENT};
static const int kinds[] = {TASK_DELIVER,  TASK_SERVER, TASK_BANDWIDTH, TASK_ADDRESS,
                            TASK_INSTANCE, TASK_CHECK,  TASK_ABSENT};
const struct provider_ops scripted_provider = {
    .name = "scripted",
    .doc = "files",
    .forms = forms,
    .task_kinds = kinds,
    .check = scripted_check,
    .apply = scripted_apply,
    .verify = scripted_verify,
    .undo = scripted_undo,
};

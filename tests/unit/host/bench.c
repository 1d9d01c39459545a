/* bench.c - the machine under test is this one; what is counted is counted in /proc. */
#include "host_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

struct bench bench;

static enum err_code artefact_path(void *ctx, const char *digest, char **ret_path,
                                   struct arena *arena, struct err *err)
{
    (void)ctx;
    if (bench.artefact == NULL || !str_eq(digest, bench.digest))
        return err_set(err, ERR_NOT_FOUND, "no artefact %s", digest);
    *ret_path = arena_strdup(arena, bench.artefact);
    return ERR_OK;
}

int bench_up(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof bench);
    strcpy(bench.folder, "/tmp/swan-host-XXXXXX");
    assert_non_null(mkdtemp(bench.folder));
    arena_init(&bench.arena, 0);
    bench.host = (struct provider_host){.state_dir = bench.folder,
                                        .artefact_path = artefact_path,
                                        .supervisor_path = getenv("SWAN_SUPERVISE")};
    assert_non_null(bench.host.supervisor_path);
    return 0;
}

int bench_down(void **state)
{
    (void)state;
    fault_disarm();
    struct provider_call call = call_of(NULL, TASK_ABSENT);
    struct provider_observations seen = {{0}};
    host_provider.observe(&call, "", &seen, &bench.arena, NULL);
    for (size_t i = 0; i < seen.items.count; i++) { /* what a failed test left */
        struct plan_task_spec spec = {.name = seen.items.items[i].name};
        undo(&spec);
    }
    arena_done(&bench.arena);
    return file_remove_tree(bench.folder, NULL) == ERR_OK ? 0 : -1;
}

void bench_artefact(const char *path)
{
    bench.artefact = path;
    assert_int_equal(id_digest_file(path, bench.digest, NULL, NULL), ERR_OK);
}

struct plan_task_spec sh_spec(const char *name, const char *script)
{
    struct plan_task_spec spec = {
        .name = name, .deployment = "dep-1", .component = "web", .form = FORM_PACKAGE};
    *LIST_ADD(&bench.arena, &spec.command) = "/bin/sh";
    *LIST_ADD(&bench.arena, &spec.command) = "-c";
    *LIST_ADD(&bench.arena, &spec.command) = script;
    return spec;
}

struct provider_call call_of(const struct plan_task_spec *spec, int kind)
{
    return (struct provider_call){
        .endpoint = "local", .spec = spec, .kind = kind, .host = &bench.host};
}

enum err_code apply(const struct plan_task_spec *spec, struct plan_task_result *out)
{
    struct provider_call call = call_of(spec, TASK_INSTANCE);
    struct plan_task_result ignored;
    struct err err = ERR_INIT;
    enum err_code rc = host_provider.apply(&call, out ? out : &ignored, &bench.arena, &err);
    if (rc != ERR_OK)
        print_message("apply '%s': %s: %s\n", spec->name, err_info(rc)->name, err.text);
    return rc;
}

enum err_code undo(const struct plan_task_spec *spec)
{
    struct provider_call call = call_of(spec, TASK_INSTANCE);
    struct err err = ERR_INIT;
    enum err_code rc = host_provider.undo(&call, &bench.arena, &err);
    if (rc != ERR_OK)
        print_message("undo '%s': %s: %s\n", spec->name, err_info(rc)->name, err.text);
    return rc;
}

enum provider_presence check(const struct plan_task_spec *spec)
{
    struct provider_call call = call_of(spec, TASK_INSTANCE);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct plan_task_result result;
    assert_int_equal(host_provider.check(&call, &presence, &result, &bench.arena, NULL), ERR_OK);
    return presence;
}

const struct provider_observation *observe(const char *name)
{
    struct provider_call call = call_of(NULL, TASK_ABSENT);
    struct provider_observations seen = {{0}};
    assert_int_equal(host_provider.observe(&call, "swan-", &seen, &bench.arena, NULL), ERR_OK);
    for (size_t i = 0; i < seen.items.count; i++)
        if (str_eq(seen.items.items[i].name, name))
            return &seen.items.items[i];
    return NULL;
}

const struct provider_observation *wait_for_text(const char *name, const char *word)
{
    const struct provider_observation *seen = NULL;
    for (int64_t end = clock_mono_ms() + 10000; clock_mono_ms() < end;) {
        seen = observe(name);
        if (seen != NULL && strstr(seen->text, word) != NULL)
            return seen;
        clock_sleep_ms(20);
    }
    fail_msg("'%s' never came; last was: %s", word, seen != NULL ? seen->text : "nothing");
    return NULL;
}

int count_processes(const char *name)
{
    const char *mark =
        arena_printf(&bench.arena, "SWAN_INSTANCE_DIR=%s/host/instances/%s", bench.folder, name);
    int count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        static char text[1 << 18];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        FILE *file = fopen(arena_printf(&bench.arena, "/proc/%s/environ", entry->d_name), "r");
        if (file == NULL)
            continue;
        size_t len = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[len] = '\0';
        for (size_t at = 0; at < len; at += strlen(text + at) + 1)
            if (strcmp(text + at, mark) == 0) {
                count++;
                break;
            }
    }
    closedir(proc);
    return count;
}

const char *file_of(const char *name, const char *file)
{
    return arena_printf(&bench.arena, "%s/host/instances/%s/%s", bench.folder, name, file);
}

long number_in_status(const char *name, const char *key)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    assert_int_equal(file_read(file_of(name, "status"), 1 << 16, &text, NULL), ERR_OK);
    char *at = strstr(buf_str(&text), arena_printf(&bench.arena, "\n%s=", key));
    assert_non_null(at);
    return strtol(at + strlen(key) + 2, NULL, 10);
}

void must_be_gone(const struct plan_task_spec *spec)
{
    assert_int_equal(undo(spec), ERR_OK);
    assert_int_equal(undo(spec), ERR_OK);
    assert_int_equal(check(spec), PROVIDER_ABSENT_THING);
    assert_int_equal(count_processes(spec->name), 0);
    assert_false(file_exists(file_of(spec->name, "")));
    DIR *dir = opendir(arena_printf(&bench.arena, "%s/host/instances", bench.folder));
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (strstr(entry->d_name, spec->name) != NULL) /* its lock file, too */
            fail_msg("'%s' stayed", entry->d_name);
    if (dir != NULL)
        closedir(dir);
}

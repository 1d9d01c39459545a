/* bed.c - the endpoint under test: started by its script, asked through its provider, counted past
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "conformance.h"

#define VERIFY_TIMEOUT_MS 30000

struct bed bed;

static enum err_code artefact_path(void *ctx, const char *digest, char **ret_path,
                                   struct arena *arena, struct err *err)
{
    (void)ctx;
    if (!str_eq(digest, bed.digest)) {
        return err_set(err, ERR_NOT_FOUND, "no artefact %s", digest);
    }
    *ret_path = arena_strdup(arena, bed.artefact);
    return ERR_OK;
}

static void take_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (str_has_prefix(line, "endpoint=")) {
        str_format(bed.endpoint, sizeof bed.endpoint, "%s", line + strlen("endpoint="));
    } else if (str_has_prefix(line, "artefact=")) {
        str_format(bed.artefact, sizeof bed.artefact, "%s", line + strlen("artefact="));
    } else if (str_has_prefix(line, "supervisor=")) {
        str_format(bed.supervisor, sizeof bed.supervisor, "%s", line + strlen("supervisor="));
        bed.host.supervisor_path = bed.supervisor;
    } else if (str_has_prefix(line, "command=")) {
        char *rest = mem_strdup(line + strlen("command=")), *save = NULL;
        for (char *word = strtok_r(rest, " ", &save);
             word != NULL && bed.command_count < ARRAY_LEN(bed.command);
             word = strtok_r(NULL, " ", &save)) {
            bed.command[bed.command_count++] = mem_strdup(word);
        }
        mem_free(rest);
    } else if (str_has_prefix(line, "SKIP")) {
        printf("%s: %s\n", bed.row->name, line);
    }
}

int bed_up(const struct row *row, const char *testbed)
{
    bed.row = row;
    bed.ops = row->ops;
    strcpy(bed.folder, "/tmp/swan-conformance-XXXXXX");
    if (mkdtemp(bed.folder) == NULL) {
        perror(bed.folder);
        return 1;
    }
    str_format(bed.script, sizeof bed.script, "%s/%s", testbed, row->script);
    str_format(bed.state_dir, sizeof bed.state_dir, "%s/state", bed.folder);
    bed.host = (struct provider_host){.state_dir = bed.state_dir, .artefact_path = artefact_path};
    char *command = mem_printf("%s up %s", bed.script, bed.folder);
    FILE *lines = popen(command, "r");
    mem_free(command);
    char line[1024];
    while (lines != NULL && fgets(line, sizeof line, lines) != NULL) {
        take_line(line);
    }
    int status = lines != NULL ? pclose(lines) : 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        return 77;
    }
    uint64_t size = 0;
    if (status != 0 || bed.endpoint[0] == '\0' ||
        (bed.artefact[0] != '\0' &&
         id_digest_file(bed.artefact, bed.digest, &size, NULL) != ERR_OK)) {
        printf("%s: '%s up' failed\n", row->name, bed.script);
        return 1;
    }
    bed.artefact_bytes = (int64_t)size;
    if (bed.artefact[0] == '\0') {
        id_digest("none", 4, bed.digest);
    }
    return 0;
}

void bed_down(void)
{
    char *command = mem_printf("%s down %s", bed.script, bed.folder);
    if (system(command) != 0) {
        printf("'%s' failed\n", command);
    }
    mem_free(command);
    for (size_t i = 0; i < bed.command_count; i++) {
        mem_free((char *)(uintptr_t)bed.command[i]);
    }
    file_remove_tree(bed.folder, NULL);
}

int bed_count(const char *name)
{
    char *command = mem_printf("%s count %s %s", bed.script, bed.folder, name);
    FILE *lines = popen(command, "r");
    int count = -1;
    assert_non_null(lines);
    assert_int_equal(fscanf(lines, "%d", &count), 1);
    assert_int_equal(pclose(lines), 0);
    mem_free(command);
    return count;
}

struct plan_task_spec bed_spec(const char *name, const char *mark)
{
    static struct application_spec_health health = {.path = "/", .expect_status = 200};
    struct plan_task_spec spec = {
        .name = name,
        .deployment = "dep-conformance",
        .component = "web",
        .vcpus = {true, 0.25},
        .memory_gib = {true, 0.0625},
        .form = bed.row->form,
        .application = "hello@1.0.0",
        .artefact_digest = bed.digest,
        .artefact_bytes = bed.artefact_bytes,
        .health = &health,
    };
    for (size_t i = 0; i < bed.command_count; i++) {
        *LIST_ADD(&bed.arena, &spec.command) = bed.command[i];
    }
    *LIST_ADD(&bed.arena, &spec.environment) = (struct json_string_pair){"MARK", mark};
    *LIST_ADD(&bed.arena, &spec.ports) = (struct plan_port){.name = "http", .protocol = "http"};
    return spec;
}

struct provider_call bed_call(const struct plan_task_spec *spec, int kind)
{
    return (struct provider_call){
        .endpoint = bed.endpoint, .spec = spec, .kind = kind, .host = &bed.host};
}

enum err_code bed_apply(const struct plan_task_spec *spec, int kind, struct plan_task_result *out)
{
    struct provider_call call = bed_call(spec, kind);
    struct err err = ERR_INIT;
    enum err_code rc = bed.ops->apply(&call, out, &bed.arena, &err);
    if (rc != ERR_OK) {
        print_message("apply '%s': %s: %s\n", spec->name, err_info(rc)->name, err.text);
    }
    return rc;
}

enum provider_presence bed_check(const struct plan_task_spec *spec, int kind)
{
    struct provider_call call = bed_call(spec, kind);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    enum err_code rc = bed.ops->check(&call, &presence, &result, &bed.arena, &err);
    if (rc != ERR_OK) {
        fail_msg("check '%s': %s", spec->name, err.text);
    }
    return presence;
}

void bed_verify(const struct plan_task_spec *spec, int kind, struct plan_task_result *out)
{
    struct provider_call call = bed_call(spec, kind);
    struct err err = ERR_INIT;
    int64_t end = clock_mono_ms() + VERIFY_TIMEOUT_MS;
    enum err_code rc = ERR_TRANSIENT;
    while ((rc = bed.ops->verify(&call, out, &bed.arena, &err)) == ERR_TRANSIENT &&
           clock_mono_ms() < end) {
        clock_sleep_ms(100);
    }
    if (rc != ERR_OK) {
        fail_msg("verify '%s': %s: %s", spec->name, err_info(rc)->name, err.text);
    }
}

enum err_code bed_undo(const struct plan_task_spec *spec, int kind)
{
    struct provider_call call = bed_call(spec, kind);
    struct err err = ERR_INIT;
    enum err_code rc = bed.ops->undo(&call, &bed.arena, &err);
    if (rc != ERR_OK) {
        print_message("undo '%s': %s: %s\n", spec->name, err_info(rc)->name, err.text);
    }
    return rc;
}

void bed_must_undo(const struct plan_task_spec *spec, int kind)
{
    assert_int_equal(bed_undo(spec, kind), ERR_OK);
    assert_int_equal(bed_check(spec, kind), PROVIDER_ABSENT_THING);
    assert_int_equal(bed_count(spec->name), 0);
}

void bed_deliver(void)
{
    if (bed.artefact[0] == '\0' || !provider_does(bed.ops, TASK_DELIVER)) {
        return;
    }
    struct plan_task_spec spec = bed_spec("swan-conf-artefact", "");
    struct plan_task_result result = {0};
    assert_int_equal(bed_apply(&spec, TASK_DELIVER, &result), ERR_OK);
}

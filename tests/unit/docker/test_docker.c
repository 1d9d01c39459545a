/* test_docker.c - the docker provider against answers that real engines gave, and against answers
 * that no engine should give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine_double.h"
#include "provision/providers/docker/docker.h"
#include "provision/providers/docker/docker_priv.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID "3affb25d27732607574a9bea35fa66087bc59a7769c0a9818ac17f53b940fdce"
/* Recorded from dockerd 20.10.24 and podman 4.3.1, shortened. */
#define DOCKERD_INFO                                                                          \
    "{\"ID\":\"TOE4\",\"KernelVersion\":\"6.1.0\",\"OperatingSystem\":\"Debian GNU/Linux 12 " \
    "(bookworm)\",\"Architecture\":\"x86_64\",\"NCPU\":2,\"MemTotal\":25276510208,"           \
    "\"DockerRootDir\":\"/nonexistent\",\"CgroupVersion\":\"1\",\"ServerVersion\":\"20.10.24\"}"
#define DOCKERD_VERSION                                                                            \
    "{\"Platform\":{\"Name\":\"\"},\"Components\":[{\"Name\":\"Engine\",\"Version\":\"20.10.24\"}" \
    "],"                                                                                           \
    "\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}"
#define PODMAN_VERSION                                                                            \
    "{\"Components\":[{\"Name\":\"Podman Engine\",\"Version\":\"4.3.1\"},{\"Name\":\"Conmon\"}]," \
    "\"Version\":\"4.3.1\",\"ApiVersion\":\"1.41\"}"
#define NO_CONTAINER "{\"message\":\"No such container: swan-x-0\"}"

struct fixture {
    char folder[64];
    char endpoint[128], socket[128];
    struct provider_host host;
    struct arena arena;
    char *artefact;
};
static struct fixture *now; /* of the running test */

static enum err_code artefact_path(void *ctx, const char *digest, char **ret_path,
                                   struct arena *arena, struct err *err)
{
    (void)ctx, (void)digest, (void)err;
    *ret_path = arena_strdup(arena, now->artefact);
    return ERR_OK;
}

static int set_up(void **state)
{
    now = mem_zalloc(sizeof *now);
    strcpy(now->folder, "/tmp/swan-docker-XXXXXX");
    assert_non_null(mkdtemp(now->folder));
    str_format(now->socket, sizeof now->socket, "%s/sock", now->folder);
    str_format(now->endpoint, sizeof now->endpoint, "unix://%s", now->socket);
    now->host = (struct provider_host){.state_dir = now->folder, .artefact_path = artefact_path};
    *state = now;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_disarm();
    engine_double_stop();
    assert_int_equal(file_remove_tree(now->folder, NULL), ERR_OK);
    arena_done(&now->arena);
    mem_free(now);
    return 0;
}

static struct plan_task_spec instance_spec(void)
{
    struct plan_task_spec spec = {.name = "swan-x-0",
                                  .deployment = "dep-1",
                                  .component = "web",
                                  .vcpus = {true, 0.5},
                                  .memory_gib = {true, 0.25},
                                  .form = FORM_CONTAINER,
                                  .application = "hello@1.0.0",
                                  .artefact_digest = DIGEST};
    *LIST_ADD(&now->arena, &spec.command) = "/bin/hello";
    *LIST_ADD(&now->arena, &spec.environment) = (struct json_string_pair){"GREETING", "\"你好\"\n"};
    *LIST_ADD(&now->arena, &spec.ports) = (struct plan_port){.name = "http", .protocol = "http"};
    return spec;
}

static struct provider_call call_for(const struct plan_task_spec *spec, int kind)
{
    return (struct provider_call){
        .endpoint = now->endpoint, .spec = spec, .kind = kind, .host = &now->host};
}

/* What inspect answers for a container of that spec. */
static char *container(const struct plan_task_spec *spec, const char *state, bool limits)
{
    char digest[72];
    provider_spec_digest(spec, TASK_INSTANCE, digest);
    return arena_printf(
        &now->arena,
        "{\"Id\":\"" ID "\",\"State\":{\"Status\":\"%s\",\"Pid\":15364,"
        "\"ExitCode\":0},\"Config\":{\"Image\":\"localhost/swan/hello:0123456789ab\","
        "\"Labels\":{\"swan.name\":\"%s\",\"swan.spec\":\"%s\"}},\"HostConfig\":{"
        "\"Memory\":%d,\"NanoCpus\":%d},\"NetworkSettings\":{\"Ports\":{\"8080/"
        "tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"32768\"}],\"53/"
        "udp\":null}}}",
        state, spec->name, digest, limits ? 268435456 : 0, limits ? 500000000 : 0);
}

static void start(const struct engine_answer *answers)
{
    engine_double_start(now->socket, answers);
}

static void test_an_endpoint_is_read_strictly(void **state)
{
    (void)state;
    struct docker_engine engine;
    assert_int_equal(docker_engine_parse("tcp://[fd00::1]:2375", &engine, &now->arena, NULL),
                     ERR_OK);
    assert_string_equal(engine.base, "http://[fd00::1]:2375");
    assert_string_equal(engine.host, "fd00::1");
    assert_false(engine.local);
    assert_int_equal(docker_engine_parse("tcp://localhost:2375", &engine, &now->arena, NULL),
                     ERR_OK);
    assert_true(engine.local);
    static const char *const bad[] = {
        "tcp://[fd00::1:2375", "tcp://[x]:1",  "tcp://a b:1", "tcp://user@host:1", "tcp://h:+1",
        "tcp://h: 1",          "tcp://-h:1",   "tcp://.h:1",  "tcp://h:1?x",       "tcp://h:1#",
        "unix:///a b",         "unix:///a\nb", "unix://a",    "unix:///a?x=1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (docker_provider.match(bad[i], NULL) != ERR_INVALID) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
    char large[300] = "unix:///";
    memset(large + 8, 'a', 200);
    assert_int_equal(docker_provider.match(large, NULL), ERR_TOO_LARGE);
    assert_int_equal(docker_provider.match("ssh://host", NULL), ERR_UNSUPPORTED);
    assert_int_equal(docker_provider.match(NULL, NULL), ERR_UNSUPPORTED);
}

static void test_no_engine_at_the_socket_is_transient(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    enum provider_presence presence = PROVIDER_PRESENT;
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    assert_int_equal(docker_provider.check(&call, &presence, &result, &now->arena, &err),
                     ERR_TRANSIENT);
    assert_non_null(strstr(err.text, now->socket));
    assert_int_equal(presence, PROVIDER_PRESENT); /* unchanged on failure */
}

static enum err_code discover(const char *info, const char *version,
                              struct provider_discovery *found, struct err *err)
{
    const struct engine_answer answers[] = {{"GET /info", 200, info, 0, 0},
                                            {"GET /version", 200, version, 0, 0},
                                            {"GET /_ping", 200, "OK", 0, 0},
                                            {"GET /containers/json", 200, "[]", 0, 0},
                                            {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(NULL, TASK_ABSENT);
    start(answers);
    enum err_code rc = docker_provider.discover(&call, found, &now->arena, err);
    engine_double_stop();
    return rc;
}

static void test_discovery_reads_what_engines_really_answer(void **state)
{
    (void)state;
    struct provider_discovery found = {0};
    struct err err = ERR_INIT;
    assert_int_equal(discover(DOCKERD_INFO, DOCKERD_VERSION, &found, &err), ERR_OK);
    assert_float_equal(found.capacity.vcpus.value, 2, 0);
    assert_float_equal(found.capacity.memory_gib.value, 23.54, 0.01);
    assert_false(found.capacity.disk_gib.set);
    assert_int_equal(found.arch.items[0], ARCH_X86_64);
    assert_string_equal(found.engine, "docker 20.10.24");
    assert_true(found.latency_ms.set && found.latency_ms.value > 0);
    assert_int_equal(discover(DOCKERD_INFO, PODMAN_VERSION, &found, &err), ERR_OK);
    assert_string_equal(found.engine, "podman 4.3.1");
}

static void test_a_senseless_answer_is_an_error_and_never_a_figure(void **state)
{
    (void)state;
    static const char *const senseless[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"NCPU\":2",
        "{\"NCPU\":\"2\",\"MemTotal\":1}",
        "{\"NCPU\":-1,\"MemTotal\":1}",
        "{\"NCPU\":1e300,\"MemTotal\":1}",
        "{\"NCPU\":2,\"MemTotal\":-5}",
        "{\"NCPU\":2,\"MemTotal\":{}}",
        "{\"NCPU\":2,\"NCPU\":2,\"MemTotal\":[1]}",
        "<html>",
        "\xff\xfe{}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    for (size_t i = 0; i < ARRAY_LEN(senseless); i++) {
        struct provider_discovery found = {0};
        struct err err = ERR_INIT;
        enum err_code rc = discover(senseless[i], DOCKERD_VERSION, &found, &err);
        if (rc != ERR_TRANSIENT || found.capacity.vcpus.set) {
            fail_msg("'%s' gives %d: %s", senseless[i], rc, err.text);
        }
    }
}

static enum err_code check_with(const struct engine_answer *answers, struct err *err)
{
    struct plan_task_spec spec = instance_spec();
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct plan_task_result result = {0};
    start(answers);
    enum err_code rc = docker_provider.check(&call, &presence, &result, &now->arena, err);
    engine_double_stop();
    return rc;
}

static void test_refusals_get_the_class_that_they_mean(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err_code code;
    } cases[] = {
        {400, "{\"message\":\"bad\"}", ERR_INVALID},
        {401, "", ERR_CREDENTIAL},
        {403, "{\"message\":\"authorization denied by plugin\"}", ERR_CREDENTIAL},
        {409, "{\"message\":\"taken\"}", ERR_CONFLICT},
        {429, "{}", ERR_RATE},
        {500, "{\"message\":\"boom\\u0007\\n\"}", ERR_TRANSIENT},
        {500, "{\"message\":\"write /x: no space left on device\"}", ERR_CAPACITY},
        {500, "{\"message\":17}", ERR_TRANSIENT},
        {502, "<html>bad gateway</html>", ERR_TRANSIENT},
        {503, NULL, ERR_TRANSIENT},
        {0, "", ERR_TRANSIENT},
        {0, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":", ERR_TRANSIENT},
        {0, "\x16\x03\x01 this is no HTTP", ERR_TRANSIENT},
        {200, "{\"Id\":\"../../x\",\"State\":{\"Status\":\"running\"}}", ERR_TRANSIENT},
        {200, "{\"Id\":\"\",\"State\":{\"Status\":\"running\"}}", ERR_TRANSIENT},
        {200, "{\"Id\":\"abc\",\"State\":[]}", ERR_TRANSIENT},
        {200, "[]", ERR_TRANSIENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct engine_answer answers[] = {
            {"GET /containers/swan-x-0/json", cases[i].status, cases[i].body, 0, 0},
            {NULL, 0, NULL, 0, 0}};
        struct err err = ERR_INIT;
        enum err_code rc = check_with(answers, &err);
        if (rc != cases[i].code || strpbrk(err.text, "\n\a") != NULL) {
            fail_msg("%d %s gives %s: %s", cases[i].status, cases[i].body, err_info(rc)->name,
                     err.text);
        }
    }
}

static void test_an_answer_without_end_is_cut(void **state)
{
    (void)state;
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 200, "{}", 0, (size_t)9 << 20}, {NULL, 0, NULL, 0, 0}};
    assert_int_equal(check_with(answers, NULL), ERR_TOO_LARGE);
}

static void test_an_instance_is_created_with_all_that_the_spec_says(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 404, NO_CONTAINER, 1, 0},
        {"POST /containers/create?name=swan-x-0 ", 201, "{\"Id\":\"" ID "\",\"Warnings\":[]}", 1,
         0},
        {"POST /containers/" ID "/start", 204, NULL, 1, 0},
        {"GET /containers/swan-x-0/json", 200, container(&spec, "running", true), 0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    struct plan_task_result result = {0};
    start(answers);
    assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), ERR_OK);
    const char *log = engine_double_log();
    static const char *const parts[] = {
        "\"Image\":\"localhost/swan/hello:0123456789ab\"",
        "\"Cmd\":[\"/bin/hello\"]",
        "PORT=8080",
        "GREETING=\\\"你好\\\"\\n",
        "\"swan.name\":\"swan-x-0\"",
        "\"ExposedPorts\":{\"8080/tcp\":{}}",
        "\"PortBindings\":{\"8080/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}",
        "\"NanoCpus\":500000000",
        "\"Memory\":268435456",
        "\"unless-stopped\"",
        "{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":4096}",
        "{\"Name\":\"nproc\",\"Soft\":4096,\"Hard\":4096}"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strstr(log, parts[i]) == NULL) {
            fail_msg("no %s in\n%s", parts[i], log);
        }
    }
    assert_string_equal(result.ref, "3affb25d2773");
    assert_string_equal(result.url, "http://127.0.0.1:32768/");
    assert_int_equal(result.ports.items[0].port, 8080);
    assert_int_equal(result.ports.items[0].host_port, 32768);
    assert_null(result.note);
    assert_false(result.simulated);
}

static void test_an_image_that_is_not_there_is_a_conflict_with_a_hint(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"POST /containers/create", 404, "{\"message\":\"No such image: x\"}", 0, 0},
        {"GET /containers/", 404, NO_CONTAINER, 0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    start(answers);
    assert_int_equal(docker_provider.apply(&call, &result, &now->arena, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "localhost/swan/hello:0123456789ab"));
    assert_non_null(strstr(err.hint, "deliver"));
}

static void test_refused_limits_are_left_out_and_told(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    /* Refused at start, as runtimes do: the container is removed and made again without. */
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 404, NO_CONTAINER, 1, 0},
        {"POST /containers/create", 201, "{\"Id\":\"" ID "\"}", 0, 0},
        {"POST /containers/" ID "/start", 500,
         "{\"message\":\"OCI runtime create failed: cannot set memory limit: cgroup v2 not "
         "delegated\"}",
         1, 0},
        {"GET /containers/swan-x-0/json", 200, container(&spec, "created", true), 1, 0},
        {"DELETE /containers/" ID, 204, NULL, 1, 0},
        {"GET /containers/" ID "/json", 404, NO_CONTAINER, 1, 0},
        {"GET /containers/swan-x-0/json", 404, NO_CONTAINER, 1, 0},
        {"POST /containers/" ID "/start", 204, NULL, 1, 0},
        {"GET /containers/swan-x-0/json", 200, container(&spec, "running", false), 0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    start(answers);
    if (docker_provider.apply(&call, &result, &now->arena, &err) != ERR_OK) {
        fail_msg("%s\n%s", err.text, engine_double_log());
    }
    assert_string_equal(
        result.note,
        "cpu limit not enforced by the engine; memory limit not enforced by the engine");
    const char *second = strstr(strstr(engine_double_log(), "POST /containers/create") + 1,
                                "POST /containers/create");
    assert_non_null(second);
    assert_null(strstr(second, "NanoCpus"));
}

static void test_a_machine_that_is_too_small_is_a_matter_of_capacity(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"POST /containers/create", 400,
         "{\"message\":\"Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available\"}",
         0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    struct plan_task_result result = {0};
    start(answers);
    assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), ERR_CAPACITY);
}

static void test_what_another_caller_has_just_made_is_adopted(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 404, NO_CONTAINER, 1, 0},
        {"POST /containers/create", 409,
         "{\"message\":\"Conflict. The container name \\\"/swan-x-0\\\" is already in use\"}", 1,
         0},
        {"GET /containers/swan-x-0/json", 200, container(&spec, "running", true), 0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    struct plan_task_result result = {0};
    start(answers);
    assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), ERR_OK);
    assert_null(strstr(engine_double_log(), "/start"));
    assert_null(strstr(engine_double_log(), "DELETE"));
}

static void test_a_container_that_is_not_ours_is_never_touched(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 200,
         "{\"Id\":\"" ID
         "\",\"State\":{\"Status\":\"exited\"},\"Config\":{\"Labels\":{\"swan.name\":"
         "\"another\"}}}",
         0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct plan_task_result result = {0};
    start(answers);
    assert_int_equal(docker_provider.check(&call, &presence, &result, &now->arena, NULL), ERR_OK);
    assert_int_equal(presence, PROVIDER_ABSENT_THING);
    assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), ERR_CONFLICT);
    assert_int_equal(docker_provider.undo(&call, &now->arena, NULL), ERR_OK);
    assert_null(strstr(engine_double_log(), "POST"));
    assert_null(strstr(engine_double_log(), "DELETE"));
}

static void test_undo_returns_when_the_container_is_gone(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    const struct engine_answer answers[] = {
        {"GET /containers/swan-x-0/json", 200, container(&spec, "running", true), 1, 0},
        {"POST /containers/" ID "/stop?t=2", 500, "{\"message\":\"cannot stop\"}", 1, 0},
        {"DELETE /containers/" ID "?force=true&v=true", 409,
         "{\"message\":\"removal is already in progress\"}", 1, 0},
        {"GET /containers/" ID "/json", 200, container(&spec, "removing", true), 2, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_INSTANCE);
    start(answers);
    assert_int_equal(docker_provider.undo(&call, &now->arena, NULL), ERR_OK);
    const char *at = engine_double_log();
    int looks = 0;
    while ((at = strstr(at, "GET /containers/" ID "/json")) != NULL) {
        looks++;
        at++;
    }
    assert_int_equal(looks, 3);
}

static void test_a_list_of_anything_is_observed_safely(void **state)
{
    (void)state;
    const struct engine_answer answers[] = {
        {"GET /containers/json", 200,
         "[1,null,\"x\",[],{},{\"Id\":7},{\"Id\":\"../x\",\"Labels\":{\"swan.name\":\"swan-a\"}},"
         "{\"Id\":\"abc\",\"Labels\":{\"swan.name\":[]}},"
         "{\"Id\":\"abd\",\"Labels\":{\"swan.name\":\"other-1\"},\"State\":\"running\"},"
         "{\"Id\":\"abe\",\"Labels\":{\"swan.name\":\"swan-b\"},\"State\":\"running\","
         "\"Status\":\"Up\",\"Ports\":[{\"PublicPort\":99999999},{\"PrivatePort\":8080,"
         "\"PublicPort\":32768}]},"
         "{\"Id\":\"abf\",\"Labels\":{\"swan.name\":\"swan-c\"},\"State\":\"exited\"}]",
         0, 0},
        {"GET /containers/abe/stats", 200,
         "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":19122173}},\"memory_stats\":{\"usage\":"
         "1048576}}",
         0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(NULL, TASK_ABSENT);
    struct provider_observations seen = {{0}};
    start(answers);
    assert_int_equal(docker_provider.observe(&call, "swan-", &seen, &now->arena, NULL), ERR_OK);
    assert_int_equal(seen.items.count, 2);
    assert_string_equal(seen.items.items[0].name, "swan-b");
    assert_true(seen.items.items[0].up);
    assert_int_equal(seen.items.items[0].result.ports.count, 1);
    assert_true(seen.items.items[0].memory_mib.set);
    assert_float_equal(seen.items.items[0].memory_mib.value, 1, 0);
    assert_true(seen.items.items[0].cpu_percent.set);
    assert_float_equal(seen.items.items[0].cpu_percent.value, 0, 0);
    assert_string_equal(seen.items.items[1].name, "swan-c");
    assert_false(seen.items.items[1].up);
    assert_false(seen.items.items[1].cpu_percent.set);
}

/* ---- artefacts ---- */

static char *write_tar(const char *name, const char *const *files, bool gzip)
{
    char *path = arena_printf(&now->arena, "%s/%s", now->folder, name);
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax_restricted(archive);
    if (gzip) {
        archive_write_add_filter_gzip(archive);
    }
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; files[i] != NULL; i += 2) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, files[i]);
        archive_entry_set_size(entry, (la_int64_t)strlen(files[i + 1]));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        archive_write_data(archive, files[i + 1], strlen(files[i + 1]));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
    return path;
}

static const char *const rootfs_files[] = {"./bin/hello", "program", "./manifest.json",
                                           "{\"a web page's manifest\":1}", NULL};
static const char *const saved_files[] = {"abc/layer.tar", "layer", "manifest.json",
                                          "[{\"Config\":\"abc.json\",\"RepoTags\":null}]", NULL};
static const char *const layout_files[] = {"oci-layout", "{}", "index.json", "{}", NULL};

static void test_an_artefact_is_known_by_its_content(void **state)
{
    (void)state;
    enum docker_archive kind = DOCKER_ARCHIVE_SAVED;
    assert_int_equal(docker_archive_kind(write_tar("a", rootfs_files, true), &kind, NULL), ERR_OK);
    assert_int_equal(kind, DOCKER_ARCHIVE_ROOTFS);
    char *saved = write_tar("b", saved_files, false);
    assert_int_equal(docker_archive_kind(saved, &kind, NULL), ERR_OK);
    assert_int_equal(kind, DOCKER_ARCHIVE_SAVED);
    assert_int_equal(docker_archive_kind(write_tar("c", layout_files, false), &kind, NULL),
                     ERR_UNSUPPORTED);
    char *cut = write_tar("d", rootfs_files, true);
    assert_int_equal(truncate(cut, 60), 0);
    assert_int_equal(docker_archive_kind(cut, &kind, NULL), ERR_INVALID);
    assert_int_equal(truncate(cut, 0), 0);
    assert_int_equal(docker_archive_kind(cut, &kind, NULL), ERR_INVALID);
    assert_int_equal(file_write_atomic(cut, "no archive at all", 17, 0600, NULL), ERR_OK);
    assert_int_equal(docker_archive_kind(cut, &kind, NULL), ERR_INVALID);
    assert_int_equal(docker_archive_kind("/nonexistent", &kind, NULL), ERR_INVALID);
}

static void test_each_engine_imports_in_its_own_way(void **state)
{
    (void)state;
    static const char *const versions[] = {DOCKERD_VERSION, PODMAN_VERSION};
    static const char *const paths[] = {
        "POST /images/create?fromSrc=-&repo=localhost/swan/hello&tag=0123456789ab&changes=LABEL%20",
        "POST /v4.0.0/libpod/images/import?reference=localhost/swan/hello%3A0123456789ab&changes="};
    struct plan_task_spec spec = instance_spec();
    now->artefact = write_tar("rootfs", rootfs_files, true);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        const struct engine_answer answers[] = {
            {"GET /images/", 404, "{\"message\":\"no such image\"}", 1, 0},
            {"GET /version", 200, versions[i], 0, 0},
            {paths[i], 200, "{\"status\":\"sha256:abc\"}\r\n", 1, 0},
            {"GET /images/localhost/swan/hello%3A0123456789ab/json", 200, "{\"Id\":\"sha256:abc\"}",
             0, 0},
            {NULL, 0, NULL, 0, 0}};
        struct provider_call call = call_for(&spec, TASK_DELIVER);
        struct plan_task_result result = {0};
        struct err err = ERR_INIT;
        start(answers);
        if (docker_provider.apply(&call, &result, &now->arena, &err) != ERR_OK) {
            fail_msg("%s", err.text);
        }
        assert_string_equal(result.ref, "sha256:abc");
        engine_double_stop();
    }
}

static void test_a_saved_image_is_loaded_and_named(void **state)
{
    (void)state;
    struct plan_task_spec spec = instance_spec();
    spec.application = "Büro/Hello@2"; /* no name that an image can have */
    now->artefact = write_tar("saved", saved_files, false);
    const struct engine_answer answers[] = {
        {"GET /images/", 404, "{\"message\":\"no such image\"}", 1, 0},
        {"POST /images/load", 200, "{\"stream\":\"Loaded image ID: sha256:d126\\n\"}\r\n", 1, 0},
        {"POST /images/sha256%3Ad126/tag?repo=localhost/swan/app-", 201, NULL, 1, 0},
        {"GET /images/localhost/swan/app-", 200, "{\"Id\":\"sha256:d126\"}", 0, 0},
        {NULL, 0, NULL, 0, 0}};
    struct provider_call call = call_for(&spec, TASK_DELIVER);
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    start(answers);
    if (docker_provider.apply(&call, &result, &now->arena, &err) != ERR_OK) {
        fail_msg("%s\n%s", err.text, engine_double_log());
    }
    assert_string_equal(result.ref, "sha256:d126");
}

static void test_a_failure_told_in_the_stream_is_a_failure(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum err_code code;
    } cases[] = {
        {"{\"status\":\"x\"}\n{\"errorDetail\":{},\"error\":\"write: no space left on device\"}\n",
         ERR_CAPACITY},
        {"{\"error\":\"archive/tar: invalid tar header\"}", ERR_INVALID},
        {"", ERR_TRANSIENT}, /* and then there is no such image */
        {"\x01\x02", ERR_TRANSIENT},
    };
    struct plan_task_spec spec = instance_spec();
    now->artefact = write_tar("rootfs", rootfs_files, false);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct engine_answer answers[] = {{"GET /version", 200, DOCKERD_VERSION, 0, 0},
                                                {"POST /images/create", 200, cases[i].body, 0, 0},
                                                {NULL, 0, NULL, 0, 0}};
        struct provider_call call = call_for(&spec, TASK_DELIVER);
        struct plan_task_result result = {0};
        start(answers);
        assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), cases[i].code);
        engine_double_stop();
    }
}

static void test_a_digest_that_is_none_is_refused_before_the_engine_is_asked(void **state)
{
    (void)state;
    static const char *const digests[] = {NULL, "", "sha256:", "md5:abc",
                                          "sha256:../../../../../../../../../../../../../../../../"
                                          "../../../../../../etc"};
    const struct engine_answer answers[] = {{NULL, 0, NULL, 0, 0}};
    start(answers);
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        struct plan_task_spec spec = instance_spec();
        spec.artefact_digest = digests[i];
        struct provider_call call = call_for(&spec, TASK_DELIVER);
        struct plan_task_result result = {0};
        assert_int_equal(docker_provider.apply(&call, &result, &now->arena, NULL), ERR_INVALID);
    }
    assert_string_equal(engine_double_log(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_an_endpoint_is_read_strictly),
        TEST(test_no_engine_at_the_socket_is_transient),
        TEST(test_discovery_reads_what_engines_really_answer),
        TEST(test_a_senseless_answer_is_an_error_and_never_a_figure),
        TEST(test_refusals_get_the_class_that_they_mean),
        TEST(test_an_answer_without_end_is_cut),
        TEST(test_an_instance_is_created_with_all_that_the_spec_says),
        TEST(test_an_image_that_is_not_there_is_a_conflict_with_a_hint),
        TEST(test_refused_limits_are_left_out_and_told),
        TEST(test_a_machine_that_is_too_small_is_a_matter_of_capacity),
        TEST(test_what_another_caller_has_just_made_is_adopted),
        TEST(test_a_container_that_is_not_ours_is_never_touched),
        TEST(test_undo_returns_when_the_container_is_gone),
        TEST(test_a_list_of_anything_is_observed_safely),
        TEST(test_an_artefact_is_known_by_its_content),
        TEST(test_each_engine_imports_in_its_own_way),
        TEST(test_a_saved_image_is_loaded_and_named),
        TEST(test_a_failure_told_in_the_stream_is_a_failure),
        TEST(test_a_digest_that_is_none_is_refused_before_the_engine_is_asked),
    };
    return cmocka_run_group_tests_name("docker", tests, NULL, NULL);
}

/* house.c - see house.h. */
#include "house.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fresh_schema.h"
#include "base/clock.h"
#include "base/file.h"
#include "business/business.h"
#include "daemon/daemon_priv.h"
#include "provision/providers/simulator/simulator.h"

static const struct provider_ops *const providers[] = {&simulator_provider};
static const struct provider_set provider_set = {providers, ARRAY_LEN(providers)};

struct rest { /* what tests need not see */
    struct access *access;
    struct compute *compute;
    struct application *application;
    struct twin *twin;
    struct workflow *workflow;
    struct http_server *http;
    struct provider_host host;
    char state_dir[96];
    pthread_t follower;
    atomic_bool stop;
    struct store *store;
    LIST(struct json_doc *) docs;
};

static void *follow(void *ctx)
{
    struct rest *rest = ctx;
    int64_t position = 0;
    while (!rest->stop) {
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        if (!store_begin(rest->store, STORE_READ, &tx, NULL))
            store_position(tx, &position, NULL);
        store_rollback_at(&tx);
        compute_refresh(rest->compute, NULL);
        access_refresh(rest->access, NULL);
        store_follow(rest->store, position, 100, NULL);
    }
    return NULL;
}

static void must(enum err_code rc, const struct err *err, const char *what)
{
    if (rc)
        fail_msg("%s: %s (%s)", what, err->text, err->field);
}

static void add_person(struct house *house, enum who who, const char *name, const char *tenant,
                       enum access_role role)
{
    static const struct store_actor actor = {.user = "system", .tenant = ""};
    struct err err = ERR_INIT;
    struct access_user_spec user = {.name = name, .tenant = tenant, .role = (int)role};
    struct access_token_spec token = {.user = name};
    must(access_user_create(house->rest->access, &user, &actor, &err), &err, name);
    must(access_token_create(house->rest->access, &token, &actor, house->token_ids[who],
                             house->tokens[who], &err),
         &err, name);
}

/* The service refuses such a user; one that stands in the store all the same gets no rights of it.
 */
static void promote_chief(struct house *house)
{
    static const struct store_actor actor = {.user = "system", .tenant = ""};
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct err err = ERR_INIT;
    must(store_begin(house->store, STORE_WRITE, &tx, &err), &err, "begin");
    must(store_update(tx, "users", "chief", 0,
                      "{\"name\":\"chief\",\"tenant\":\"acme\",\"role\":\"admin\"}", NULL,
                      "updated", &actor, NULL, &err),
         &err, "chief");
    must(store_commit(TAKE(tx), &err), &err, "commit");
    must(access_refresh(house->rest->access, &err), &err, "refresh");
}

static void add_people(struct house *house)
{
    static const struct store_actor actor = {.user = "system", .tenant = ""};
    static const char *const tenants[] = {"acme", "beta"};
    struct err err = ERR_INIT;
    must(access_bootstrap(house->rest->access, house->tokens[ADMIN], &err), &err, "bootstrap");
    for (size_t i = 0; i < ARRAY_LEN(tenants); i++) {
        struct access_tenant_spec tenant = {.name = tenants[i]};
        must(access_tenant_create(house->rest->access, &tenant, &actor, &err), &err, tenants[i]);
    }
    str_format(house->tokens[STRANGER], 64, "swan_%043d", 0);
    add_person(house, VIEWER, "vera", "acme", ACCESS_VIEWER);
    add_person(house, ANN, "ann", "acme", ACCESS_CUSTOMER);
    add_person(house, BOB, "bob", "beta", ACCESS_CUSTOMER);
    add_person(house, CHIEF, "chief", "acme", ACCESS_CUSTOMER);
    promote_chief(house);
    add_person(house, OPERATOR, "olga", NULL, ACCESS_OPERATOR);
}

bool on_postgres;

static void open_store(struct house *house)
{
    const struct store_module modules[] = {
        access_store_module, compute_store_module,  application_store_module, workflow_store_module,
        twin_store_module,   business_store_module, api_store_module};
    struct err err = ERR_INIT;
    char address[512];
    if (on_postgres)
        must(fresh_schema(address, &err), &err, "schema");
    else
        str_format(address, sizeof address, "sqlite:%s/swan.db", house->folder);
    must(store_open(address, &house->store, &err), &err, "store");
    must(store_migrate(house->store, modules, ARRAY_LEN(modules), &err), &err, "migrate");
    house->rest->store = house->store;
}

/* Folders carry the number of the process that made them. */
#define FOLDERS "/tmp"
#define FOLDER "swan-api-"

void house_sweep(void)
{
    DIR *folders = opendir(FOLDERS);
    struct dirent *entry;
    while (folders && (entry = readdir(folders))) {
        long pid = 0;
        char path[sizeof FOLDERS + sizeof entry->d_name];
        if (sscanf(entry->d_name, FOLDER "%ld-", &pid) != 1 || pid <= 0 ||
            kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        str_format(path, sizeof path, FOLDERS "/%s", entry->d_name);
        file_remove_tree(path, NULL); /* another's stays */
    }
    if (folders)
        closedir(folders);
}

int house_open(void **state)
{
    struct house *house = mem_zalloc(sizeof *house);
    struct rest *rest = house->rest = mem_zalloc(sizeof *rest);
    struct err err = ERR_INIT;
    char path[96];
    *state = house;
    str_format(house->folder, sizeof house->folder, FOLDERS "/" FOLDER "%ld-XXXXXX",
               (long)getpid());
    assert_non_null(mkdtemp(house->folder));
    open_store(house);
    str_format(path, sizeof path, "%s/key", house->folder);
    must(access_open(house->store, path, &rest->access, &err), &err, "access");
    must(compute_open(house->store, &rest->compute, &err), &err, "compute");
    str_format(path, sizeof path, "%s/artefacts", house->folder);
    must(application_open(house->store, path, &rest->application, &err), &err, "application");
    must(twin_open(house->store, &rest->twin, &err), &err, "twin");
    str_format(rest->state_dir, sizeof rest->state_dir, "%s/providers", house->folder);
    must(file_make_dirs(rest->state_dir, 0700, &err), &err, "folder");
    rest->host = (struct provider_host){.state_dir = rest->state_dir};
    struct workflow_options flow = {.store = house->store,
                                    .providers = &provider_set,
                                    .host = &rest->host,
                                    .instance = "test",
                                    .workers = 4,
                                    .on_task = daemon_on_task,
                                    .on_run = daemon_on_run};
    must(workflow_start(&flow, &rest->workflow, &err), &err, "workflow");
    struct api_options options = {.store = house->store,
                                  .access = rest->access,
                                  .compute = rest->compute,
                                  .application = rest->application,
                                  .twin = rest->twin,
                                  .workflow = rest->workflow,
                                  .providers = &provider_set,
                                  .host = &rest->host,
                                  .reader = &intent_embedded,
                                  .version = "test",
                                  .instance = "test",
                                  /* what is slow on a busy machine is answered all the same */
                                  .answer_within_ms = 60000};
    must(api_new(&options, &house->api, &err), &err, "api");
    struct http_server_options http = {.address = "127.0.0.1",
                                       .threads = 4,
                                       .body_limit = api_body_limit,
                                       .handler = api_handle,
                                       .refusal = api_refuse,
                                       .ctx = house->api};
    must(http_server_start(&http, &rest->http, &err), &err, "http");
    house->port = http_server_port(rest->http);
    house->client = http_client_new();
    assert_int_equal(pthread_create(&rest->follower, NULL, follow, rest), 0);
    api_set_ready(house->api, true);
    add_people(house);
    return 0;
}

int house_close(void **state)
{
    struct house *house = *state;
    struct rest *rest = house->rest;
    rest->stop = true;
    store_wake(house->store);
    pthread_join(rest->follower, NULL);
    http_client_free(house->client);
    http_server_stop(rest->http);
    api_free(house->api);
    workflow_stop(rest->workflow);
    twin_close(rest->twin);
    application_close(rest->application);
    compute_close(rest->compute);
    access_close(rest->access);
    store_close(house->store);
    for (size_t i = 0; i < rest->docs.count; i++)
        json_doc_free(rest->docs.items[i]);
    file_remove_tree(house->folder, NULL);
    arena_done(&house->arena);
    mem_free(rest);
    mem_free(house);
    return 0;
}

const char *word(struct house *house, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(&house->arena, format, args);
    va_end(args);
    return text;
}

/* ---- asking ---- */

static size_t read_headers(const char *lines, struct http_header_pair *out, size_t max,
                           struct arena *arena)
{
    size_t count = 0;
    while (lines && *lines && count < max) {
        size_t len = strcspn(lines, "\n"), name = strcspn(lines, ":");
        out[count++] =
            (struct http_header_pair){arena_strndup(arena, lines, name),
                                      arena_strndup(arena, lines + name + 2, len - name - 2)};
        lines += len + (lines[len] == '\n');
    }
    return count;
}

static struct http_call prepare(struct house *house, enum who who, const char *method,
                                const char *path, const char *headers, const void *body, size_t len,
                                struct http_header_pair pairs[8], struct arena *arena)
{
    size_t count = read_headers(headers, pairs, 7, arena);
    if (who != NOBODY)
        pairs[count++] = (struct http_header_pair){
            "Authorization", arena_printf(arena, "Bearer %s", house->tokens[who])};
    return (struct http_call){.method = method,
                              .url =
                                  arena_printf(arena, "http://127.0.0.1:%d%s", house->port, path),
                              .headers = pairs,
                              .header_count = count,
                              .body = body,
                              .body_len = len,
                              .timeout_ms = 60000};
}

struct answer ask_bytes(struct house *house, enum who who, const char *method, const char *path,
                        const char *headers, const void *body, size_t len)
{
    struct answer answer = {0};
    struct err err = ERR_INIT;
    struct http_header_pair pairs[8];
    struct http_call call =
        prepare(house, who, method, path, headers, body, len, pairs, &house->arena);
    if (http_client_call(house->client, &call, &answer.reply, &house->arena, &err))
        fail_msg("%s %s: %s", method, path, err.text);
    answer.status = answer.reply.status;
    if (answer.reply.body_len && !json_parse(answer.reply.body, answer.reply.body_len,
                                             &json_limits_large, &answer.doc, NULL)) {
        answer.json = json_root(answer.doc);
        *LIST_ADD(&house->arena, &house->rest->docs) = answer.doc;
    }
    return answer;
}

struct answer ask(struct house *house, enum who who, const char *method, const char *path,
                  const char *headers, const char *body)
{
    return ask_bytes(house, who, method, path, headers, body, body ? strlen(body) : 0);
}

int ask_plain(struct house *house, enum who who, const char *method, const char *path,
              const char *headers, const char *body, struct http_reply *reply, struct arena *arena)
{
    struct http_header_pair pairs[8];
    struct http_call call =
        prepare(house, who, method, path, headers, body, body ? strlen(body) : 0, pairs, arena);
    *reply = (struct http_reply){0};
    return http_client_call(house->client, &call, reply, arena, NULL) ? 0 : reply->status;
}

const char *text_of(const struct answer *answer, const char *path)
{
    return json_text(json_path(answer->json, path), "");
}

const char *header_of(const struct answer *answer, const char *name)
{
    return http_reply_header(&answer->reply, name);
}

void assert_status_(const struct answer *answer, int expected, const char *file, int line)
{
    if (answer->status == expected)
        return;
    print_error("status %d, not %d: %.600s\n", answer->status, expected, answer->reply.body);
    _fail(file, line);
}

const char *problem_code(const struct answer *answer)
{
    assert_string_equal(answer->reply.content_type, "application/problem+json");
    assert_non_null(answer->json);
    assert_int_equal(json_int(json_get(answer->json, "status"), 0), answer->status);
    static const char *const members[] = {"type", "title", "detail", "code", "class"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_string_not_equal(text_of(answer, members[i]), "");
    return text_of(answer, "code");
}

int64_t count_of(struct house *house, const char *sql)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    struct err err = ERR_INIT;
    must(store_begin(house->store, STORE_READ, &tx, &err), &err, "begin");
    must(store_query(tx, sql, NULL, 0, 1, &rows, &arena, &err), &err, sql);
    return store_cell(&rows, 0, 0)->integer;
}

int64_t changes(struct house *house)
{
    return count_of(house, "SELECT COUNT(*) FROM store_journal WHERE collection <> 'audit'");
}

/* ---- the loop ---- */

void give_network(struct house *house, int vcpus)
{
    const char *text = word(
        house,
        "{\"currency\":\"CNY\",\"access\":[{\"id\":\"city\",\"lat\":30,\"lon\":110}],\"sites\":[{"
        "\"id\":\"a\",\"name\":\"A\",\"tier\":\"public-cloud\",\"regions\":[\"here\"],"
        "\"provider\":\"simulator\",\"arch\":[\"x86_64\"],\"capacity\":{\"vcpus\":%d,"
        "\"memory_gib\":1000,\"disk_gib\":10000},\"price\":{\"vcpu_hour\":0.1,"
        "\"memory_gib_hour\":0.01,\"disk_gib_month\":0.2,\"bandwidth_mbps_month\":5,"
        "\"public_ip_month\":3},\"availability_percent\":99.9}],\"links\":[{\"a\":\"city\","
        "\"b\":\"a\",\"type\":\"optical\",\"latency_ms\":2,\"bandwidth_mbps\":10000}]}",
        vcpus);
    struct answer answer = ask(house, OPERATOR, "POST", "/api/v1/network/import", NULL, text);
    assert_status(answer, 200);
}

const char *make_plan_for(struct house *house, enum who who)
{
    struct answer answer =
        ask(house, who, "POST", "/api/v1/requirements", NULL,
            "{\"requirement\":{\"components\":[{\"name\":\"web\",\"form\":\"server\","
            "\"instances\":1,\"vcpus\":1,\"memory_gib\":1,\"disk_gib\":1}]}}");
    assert_status(answer, 201);
    answer = ask(house, who, "POST", "/api/v1/solutions", NULL,
                 word(house, "{\"requirement\":\"%s\",\"reserve_s\":0}", text_of(&answer, "id")));
    assert_status(answer, 201);
    answer = ask(
        house, who, "POST", "/api/v1/orders", NULL,
        word(house, "{\"solution\":\"%s\",\"choice\":0,\"confirm\":true}", text_of(&answer, "id")));
    assert_status(answer, 201);
    answer = ask(house, who, "POST", "/api/v1/plans", NULL,
                 word(house, "{\"order\":\"%s\"}", text_of(&answer, "id")));
    assert_status(answer, 201);
    return word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}", text_of(&answer, "id"),
                text_of(&answer, "spec.digest"));
}

void wait_run(struct house *house, enum who who, const char *run, const char *state)
{
    int64_t until = clock_mono_ms() + 30000;
    for (;;) {
        struct answer answer =
            ask(house, who, "GET", word(house, "/api/v1/runs/%s", run), NULL, NULL);
        assert_status(answer, 200);
        const char *now = text_of(&answer, "status.state");
        if (str_eq(now, state))
            return;
        if (clock_mono_ms() > until || str_eq(now, "failed") || str_eq(now, "cancelled"))
            fail_msg("run is %s, not %s: %.800s", now, state, answer.reply.body);
        clock_sleep_ms(10);
    }
}

const char *open_one(struct house *house, enum who who)
{
    struct answer answer = ask(house, who, "POST", "/api/v1/runs", NULL, make_plan_for(house, who));
    assert_status(answer, 202);
    const char *run = text_of(&answer, "id");
    wait_run(house, who, run, "succeeded");
    return run;
}

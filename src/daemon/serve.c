/* serve.c - `swan serve`: opens the store, wires the services, listens, and ends in order.
 *
 * Contract: ready means that requests are served; runs that a dead server left are taken up before
 * that.  On SIGTERM or SIGINT: no new requests, tasks reach their next journal entry, the store is
 * closed. One server per data folder (a lock on it); several servers share one PostgreSQL, each
 * with a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/daemon_priv.h"
#include "provision/providers/docker/docker.h"
#include "provision/providers/host/host.h"
#include "provision/providers/simulator/simulator.h"

static const struct provider_ops *const providers[] = {&host_provider, &docker_provider,
                                                       &simulator_provider};
const struct provider_set daemon_providers = {providers, ARRAY_LEN(providers)};

static enum err_code artefact_path(void *ctx, const char *digest, char **ret_path,
                                   struct arena *arena, struct err *err)
{
    struct daemon *daemon = ctx;
    return application_artefact_path(daemon->application, digest, ret_path, arena, err);
}

/* A design or a discovery holds its thread for seconds: with fewer threads than this two of them
 * would stop everybody on a small machine. */
#define LEAST_THREADS 8
#define RESERVE_MS 600000 /* time to look at a design and to order it */

static int default_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > LEAST_THREADS ? (int)cores : LEAST_THREADS;
}

static bool is_loopback(const char *address)
{
    return str_has_prefix(address, "127.") || str_eq(address, "::1") ||
           str_eq(address, "localhost");
}

static enum err_code check_options(const struct daemon_options *options, struct err *err)
{
    if (!options->certificate != !options->key)
        return err_set(err, ERR_USAGE, "--tls-cert and --tls-key go together");
    if (is_loopback(options->address) || options->certificate || options->force_public)
        return ERR_OK;
    err_set(err, ERR_POLICY, "'%s' can be reached from outside, and there is no TLS",
            options->address);
    return err_hint(err, "give --tls-cert and --tls-key, or --force-public behind a proxy of your "
                         "own that does TLS");
}

static enum err_code lock_folder(struct daemon *daemon, struct err *err)
{
    char path[4096];
    enum err_code rc = file_make_dirs(daemon->options.data, 0700, err);
    if (rc)
        return rc;
    str_format(path, sizeof path, "%s/lock", daemon->options.data);
    daemon->lock_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (daemon->lock_fd < 0)
        return err_errno(err, errno, "the data folder cannot be locked: %s", path);
    if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    err_set(err, ERR_CONFLICT, "another server works in %s", daemon->options.data);
    return err_hint(err, "./run stop ends it; or give another folder with --data");
}

/* The name of this server among servers: made once, so that after a crash it takes up its own work
 * at once. */
static enum err_code read_instance(struct daemon *daemon, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    char path[4096];
    enum err_code rc;
    str_format(path, sizeof path, "%s/instance", daemon->options.data);
    if (!file_exists(path)) {
        char id[ID_SIZE];
        id_new("srv", id);
        if ((rc = file_write_atomic(path, id, strlen(id), 0600, err)))
            return rc;
    }
    if ((rc = file_read(path, sizeof daemon->instance - 1, &text, err)))
        return rc;
    str_format(daemon->instance, sizeof daemon->instance, "%s", buf_str(&text));
    return str_check_name(daemon->instance, sizeof daemon->instance, "server instance", err);
}

static enum err_code open_store(struct daemon *daemon, struct err *err)
{
    const struct store_module modules[] = {
        access_store_module, compute_store_module,  application_store_module, workflow_store_module,
        twin_store_module,   business_store_module, api_store_module};
    char *address = daemon->options.store ? mem_strdup(daemon->options.store)
                                          : mem_printf("sqlite:%s/swan.db", daemon->options.data);
    enum err_code rc = store_open(address, &daemon->store, err);
    mem_free(address);
    return rc ? rc : store_migrate(daemon->store, modules, ARRAY_LEN(modules), err);
}

static enum err_code open_services(struct daemon *daemon, struct err *err)
{
    char key[4096], artefacts[4096], program[3072];
    enum err_code rc;
    str_format(key, sizeof key, "%s/access.key", daemon->options.data);
    str_format(artefacts, sizeof artefacts, "%s/artefacts", daemon->options.data);
    if ((rc = access_open(daemon->store, key, &daemon->access, err)) ||
        (rc = compute_open(daemon->store, &daemon->compute, err)) ||
        (rc = application_open(daemon->store, artefacts, &daemon->application, err)) ||
        (rc = twin_open(daemon->store, &daemon->twin, err)) ||
        (rc = file_program_dir(program, sizeof program, err)))
        return rc;
    daemon->state_dir = mem_printf("%s/providers", daemon->options.data);
    daemon->supervisor = mem_printf("%s/swan-supervise", program);
    daemon->host = (struct provider_host){.state_dir = daemon->state_dir,
                                          .artefact_path = artefact_path,
                                          .supervisor_path = daemon->supervisor,
                                          .ctx = daemon};
    return file_make_dirs(daemon->state_dir, 0700, err);
}

/* The first administrator's token: on a terminal it is shown, else it lies in a file that only the
 * owner reads, until somebody takes it (./run does). */
static enum err_code first_token(struct daemon *daemon, struct err *err)
{
    char token[64], path[4096];
    enum err_code rc = access_bootstrap(daemon->access, token, err);
    if (rc || !token[0])
        return rc;
    if (isatty(STDOUT_FILENO)) {
        printf("first admin token (shown once): %s\n", token);
        fflush(stdout);
        return ERR_OK;
    }
    str_format(path, sizeof path, "%s/first-token", daemon->options.data);
    return file_write_atomic(path, token, strlen(token), 0600, err);
}

/* Refreshes what follows the journal, whoever wrote it. */
static void *follow(void *self)
{
    struct daemon *daemon = self;
    int64_t position = 0;
    while (!daemon->stop) {
        struct err err = ERR_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        if (!store_begin(daemon->store, STORE_READ, &tx, &err))
            store_position(tx, &position, &err);
        store_rollback_at(&tx);
        if (compute_refresh(daemon->compute, &err) || access_refresh(daemon->access, &err) ||
            twin_refresh(daemon->twin, &err) || twin_pack(daemon->twin, false, &err))
            log_error("daemon", "the journal cannot be followed", &err);
        if (!daemon->stop && store_follow(daemon->store, position, 60000, &err))
            daemon_sleep(daemon, 500);
    }
    return NULL;
}

static void read_figures(void *ctx, struct http_server_figures *out)
{
    struct daemon *daemon = ctx;
    if (daemon->http)
        http_server_figures(daemon->http, out);
}

static enum err_code open_faces(struct daemon *daemon, struct err *err)
{
    struct workflow_options flow = {.store = daemon->store,
                                    .providers = &daemon_providers,
                                    .host = &daemon->host,
                                    .instance = daemon->instance,
                                    .on_task = daemon_on_task,
                                    .on_run = daemon_on_run,
                                    .ctx = daemon};
    struct api_options api = {.store = daemon->store,
                              .access = daemon->access,
                              .compute = daemon->compute,
                              .application = daemon->application,
                              .twin = daemon->twin,
                              .providers = &daemon_providers,
                              .host = &daemon->host,
                              .reader = &intent_embedded,
                              .version = DAEMON_VERSION,
                              .instance = daemon->instance,
                              .local_place = DAEMON_LOCAL_PLACE,
                              .reserve_ms = daemon->options.reserve_ms,
                              .read_figures = read_figures,
                              .ctx = daemon};
    enum err_code rc = workflow_start(&flow, &daemon->workflow, err);
    if (rc)
        return rc;
    api.workflow = daemon->workflow;
    if ((rc = api_new(&api, &daemon->api, err)))
        return rc;
    struct http_server_options http = {.address = daemon->options.address,
                                       .port = daemon->options.port,
                                       .threads = daemon->options.threads,
                                       .certificate_file = daemon->options.certificate,
                                       .key_file = daemon->options.key,
                                       .body_limit = api_body_limit,
                                       .handler = api_handle,
                                       .refusal = api_refuse,
                                       .ctx = daemon->api};
    return http_server_start(&http, &daemon->http, err);
}

static enum err_code start(struct daemon *daemon, struct err *err)
{
    enum err_code rc;
    if ((rc = check_options(&daemon->options, err)) || (rc = lock_folder(daemon, err)) ||
        (rc = read_instance(daemon, err)) || (rc = open_store(daemon, err)) ||
        (rc = open_services(daemon, err)) || (rc = first_token(daemon, err)) ||
        (rc = open_faces(daemon, err)))
        return rc;
    if (pthread_create(&daemon->follower, NULL, follow, daemon))
        return err_set(err, ERR_IO, "no thread can be started");
    daemon->follower_runs = true;
    api_set_ready(daemon->api, true);
    if (pthread_create(&daemon->observer, NULL, daemon_observe, daemon))
        return err_set(err, ERR_IO, "no thread can be started");
    daemon->observer_runs = true;
    return ERR_OK;
}

static void stop(struct daemon *daemon)
{
    if (daemon->api)
        api_set_ready(daemon->api, false);
    pthread_mutex_lock(&daemon->stop_lock);
    daemon->stop = true;
    pthread_cond_broadcast(&daemon->stop_now);
    pthread_mutex_unlock(&daemon->stop_lock);
    if (daemon->store)
        store_wake(daemon->store);
    if (daemon->follower_runs)
        pthread_join(daemon->follower, NULL);
    if (daemon->observer_runs)
        pthread_join(daemon->observer, NULL);
    http_server_stop(daemon->http);
    api_free(daemon->api);
    workflow_stop(daemon->workflow);
    twin_close(daemon->twin);
    application_close(daemon->application);
    compute_close(daemon->compute);
    access_close(daemon->access);
    store_close(daemon->store);
    mem_free(daemon->state_dir);
    mem_free(daemon->supervisor);
    if (daemon->lock_fd >= 0)
        close(daemon->lock_fd);
}

static void say_ready(struct daemon *daemon, int64_t started_us)
{
    char port[16], took[32], path[4096], text[300];
    str_format(port, sizeof port, "%d", http_server_port(daemon->http));
    str_format(took, sizeof took, "%.1f", (double)(clock_mono_us() - started_us) / 1000.0);
    log_event(LOG_INFO, "daemon", "ready", "address", daemon->options.address, "port", port,
              "store", store_kind(daemon->store), "instance", daemon->instance, "took_ms", took,
              NULL);
    /* For scripts: where it listens, whichever port was free. */
    bool v6 = strchr(daemon->options.address, ':') != NULL;
    str_format(text, sizeof text, "%s://%s%s%s:%s\n",
               daemon->options.certificate ? "https" : "http", v6 ? "[" : "",
               daemon->options.address, v6 ? "]" : "", port);
    str_format(path, sizeof path, "%s/url", daemon->options.data);
    file_write_atomic(path, text, strlen(text), 0600, NULL);
}

static enum err_code serve(struct cli_call *call, struct err *err)
{
    int64_t started_us = clock_mono_us();
    const char *format = cli_option(call, "log"), *level = cli_option(call, "log-level");
    struct daemon daemon = {.lock_fd = -1};
    const char *address = cli_option(call, "listen"), *data = cli_option(call, "data");
    daemon.options =
        (struct daemon_options){.data = data ? data : "data",
                                .address = address ? address : "127.0.0.1",
                                .port = (int)cli_integer(call, "port", 8080),
                                .threads = (int)cli_integer(call, "threads", default_threads()),
                                .store = cli_option(call, "store"),
                                .certificate = cli_option(call, "tls-cert"),
                                .key = cli_option(call, "tls-key"),
                                .engine = cli_option(call, "engine"),
                                .force_public = cli_flag(call, "force-public"),
                                .no_local_site = cli_flag(call, "no-local-site"),
                                .observe_ms = cli_duration_ms(call, "observe", 5000),
                                .reserve_ms = cli_duration_ms(call, "reserve", RESERVE_MS)};
    if (daemon.options.reserve_ms <= 0) /* 0 on the command line: not at all */
        daemon.options.reserve_ms = -1;
    enum err_code rc;
    enum log_level wanted = str_eq(level, "debug")   ? LOG_DEBUG
                            : str_eq(level, "warn")  ? LOG_WARN
                            : str_eq(level, "error") ? LOG_ERROR
                                                     : LOG_INFO;
    if ((rc = log_open(NULL, str_eq(format, "json") ? LOG_JSON : LOG_TEXT, wanted, err)) ||
        (rc = fault_arm_environment(err)))
        return rc;
    /* Signals are blocked before any thread exists, so that only sigwait below sees them. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&daemon.stop_lock, NULL);
    pthread_cond_init(&daemon.stop_now, NULL);
    rc = start(&daemon, err);
    if (!rc) {
        int signal_number = 0;
        say_ready(&daemon, started_us);
        sigwait(&ends, &signal_number);
        log_event(LOG_INFO, "daemon", "stopping", NULL);
    }
    stop(&daemon);
    pthread_mutex_destroy(&daemon.stop_lock);
    pthread_cond_destroy(&daemon.stop_now);
    return rc;
}

static const char *const log_formats[] = {NULL, "text", "json", NULL};
static const char *const log_levels[] = {NULL, "debug", "info", "warn", "error", NULL};

static const struct cli_option serve_options[] = {
    {"data", 0, CLI_FILE, "FOLDER", NULL, N_("where everything is kept (data)")},
    {"listen", 0, CLI_TEXT, "ADDRESS", NULL, N_("address to listen on (127.0.0.1)")},
    {"port", 0, CLI_INTEGER, "N", NULL, N_("port; 0 takes any free one (8080)")},
    {"store", 0, CLI_TEXT, "ADDRESS", NULL,
     N_("sqlite:FILE or postgresql://… (sqlite in the data folder)")},
    {"tls-cert", 0, CLI_FILE, "FILE", NULL, N_("certificate, PEM")},
    {"tls-key", 0, CLI_FILE, "FILE", NULL, N_("its key, PEM")},
    {"force-public", 0, CLI_FLAG, NULL, NULL,
     N_("listen on a public address without TLS (behind a proxy)")},
    {"threads", 0, CLI_INTEGER, "N", NULL, N_("threads that answer requests (cores, at least 8)")},
    {"engine", 0, CLI_TEXT, "ENDPOINT", NULL,
     N_("container engine of this machine: unix:///run/docker.sock")},
    {"no-local-site", 0, CLI_FLAG, NULL, NULL, N_("do not register this machine as a site")},
    {"observe", 0, CLI_DURATION, "TIME", NULL, N_("between looks at what runs (5s)")},
    {"reserve", 0, CLI_SPAN, "TIME", NULL,
     N_("how long a design holds the room it needs; 0 = not at all (10m)")},
    {"log", 0, CLI_CHOICE, "FORMAT", log_formats, N_("text or json (text)")},
    {"log-level", 0, CLI_CHOICE, "LEVEL", log_levels, N_("debug, info, warn or error (info)")},
    {0},
};

const struct cli_command daemon_commands[] = {
    {.noun = "serve", .options = serve_options, .summary = N_("run the server"), .run = serve},
};
const size_t daemon_command_count = ARRAY_LEN(daemon_commands);
const struct cli_noun daemon_nouns[] = {{"serve", N_("run the server")}};
const size_t daemon_noun_count = ARRAY_LEN(daemon_nouns);

/* daemon_priv.h - one running server. */
#ifndef SWAN_DAEMON_DAEMON_PRIV_H
#define SWAN_DAEMON_DAEMON_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/access.h"
#include "api/api.h"
#include "application/application.h"
#include "business/business.h"
#include "compute/compute.h"
#include "provision/workflow/workflow.h"
#include "twin/model/twin.h"
#include "wire/http.h"

#define DAEMON_LOCAL_SITE "local"
#define DAEMON_LOCAL_PLACE "本机"

struct daemon_options {
    const char *data, *address, *store;
    int port, threads;
    const char *certificate, *key;
    const char *engine; /* endpoint of a container engine, or NULL = look for one */
    bool force_public, no_local_site;
    int64_t observe_ms;
    int64_t reserve_ms; /* as api_options has it */
};

struct daemon {
    struct daemon_options options;
    char instance[64];
    char *state_dir, *supervisor;
    int lock_fd;
    struct store *store;
    struct access *access;
    struct compute *compute;
    struct application *application;
    struct twin *twin;
    struct provider_host host;
    struct workflow *workflow;
    struct api *api;
    struct http_server *http;
    pthread_t follower, observer;
    bool follower_runs, observer_runs;
    atomic_bool stop;
    pthread_mutex_t stop_lock; /* with stop_now: ends sleeps of the observer */
    pthread_cond_t stop_now;
};

extern const struct provider_set daemon_providers;

/* hooks.c: the workflow's news, in its transactions. */
enum err_code daemon_on_task(void *daemon, struct store_tx *tx, const char *run_id,
                             const struct run_spec *spec, const struct plan_task *task,
                             const struct run_task *state, struct err *err);
enum err_code daemon_on_run(void *daemon, struct store_tx *tx, const char *run_id,
                            const struct run_spec *spec, const struct run_status *status,
                            struct err *err);

/* The twin's picture of a deployment, as its record says now. */
enum err_code daemon_show_deployment(struct store_tx *tx, const char *deployment, struct err *err);

/* local_site.c: this machine as a site, measured; again at each start. */
enum err_code daemon_join_local_site(struct daemon *daemon, struct err *err);

/* sweep.c: ends reservations that are past their time. */
void daemon_sweep(struct daemon *daemon);

/* observer.c: looks at everything that was opened, each observe_ms. */
void *daemon_observe(void *daemon);
/* Sleeps; false when the daemon is to stop. */
bool daemon_sleep(struct daemon *daemon, int64_t ms);

#endif

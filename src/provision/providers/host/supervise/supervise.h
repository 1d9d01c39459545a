/* supervise.h - inside of swan-supervise, the small program that keeps one instance running on a
 * machine and does there what must be done in one piece: start, stop, remove, list, adopt.
 *
 * It depends on nothing but libc and is linked statically, so that it can be copied to another
 * machine of the same arch.  It asks for no memory of its own: everything has a fixed size, and a
 * text that does not fit is an error.  The provider `host` talks to it by arguments, key=value
 * lines on stdin and stdout, and the exit status. */
#ifndef SWAN_HOST_SUPERVISE_H
#define SWAN_HOST_SUPERVISE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit statuses; the line "error=…" on stdout says what. */
enum supervise_exit {
    SUPERVISE_OK = 0,
    SUPERVISE_FAULT = 1,    /* the machine below failed */
    SUPERVISE_INVALID = 2,  /* bad arguments or a bad spec */
    SUPERVISE_CONFLICT = 3, /* a fixed port or a unit name is taken by another */
    SUPERVISE_AGAIN = 4,    /* somebody else is at work on it; later */
    SUPERVISE_MISSING = 5   /* the artefact is not there */
};

#define SUPERVISE_NAME_MAX 200 /* bytes; a lock file's name must fit into 255 */
#define SUPERVISE_TEXT_MAX ((size_t)256 << 10)
#define SUPERVISE_ARGS_MAX 512
#define SUPERVISE_ENV_MAX 512
#define SUPERVISE_PORTS_MAX 64
#define SUPERVISE_LOG_MAX ((off_t)1 << 20) /* then log becomes log.1 */

/* In the environment of every process of an instance: by it they are found again. */
#define SUPERVISE_MARK "SWAN_INSTANCE_DIR"

/* ---- text.c: bounded text ---- */

struct supervise_text {
    char *data;
    size_t size, len;
    bool over;
};
void supervise_add(struct supervise_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* key=value with '\' and line ends of the value escaped, and a line end. */
void supervise_add_line(struct supervise_text *text, const char *key, const char *value);
/* Takes the next line off *at in place: unescapes, splits at the first '='.  False at the end;
 * *key is NULL for a line without '='. */
bool supervise_next_line(char **at, char **key, char **value);
/* snprintf; false when it did not fit. */
bool supervise_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool supervise_to_int(const char *text, int64_t low, int64_t high, int64_t *out);
bool supervise_to_double(const char *text, double low, double high, double *out);
/* "error=…" on stdout; returns `code`. */
int supervise_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- file.c ---- */

/* Whole file, NUL-ended; length or -1 with errno (EFBIG when it does not fit). */
ssize_t supervise_read(const char *path, char *out, size_t size);
/* Beside, fsync when `durable`, rename. */
bool supervise_write(const char *path, const char *data, size_t len, mode_t mode, bool durable);
bool supervise_make_dir(const char *path, mode_t mode); /* with parents; there already is fine */
bool supervise_remove_tree(const char *path);           /* follows no link; absent is fine */
/* Opens and locks a lock file which its holder may unlink while he has it.  Waits up to wait_ms;
 * -1 with EAGAIN when another holds it that long. */
int supervise_lock(const char *path, int wait_ms);
int64_t supervise_now_ms(void); /* wall */
int64_t supervise_mono_ms(void);
void supervise_sleep_ms(int ms);

/* ---- spec.c: DIR/spec and DIR/status ---- */

struct supervise_port {
    const char *name, *protocol;
    int64_t port; /* 0 = to be chosen */
    bool fixed;   /* asked for by number, never exchanged */
};

struct supervise_spec {
    char text[SUPERVISE_TEXT_MAX]; /* what the pointers point into */
    const char *name, *digest, *artefact, *cwd, *bind, *by;
    const char *argv[SUPERVISE_ARGS_MAX + 1];
    size_t argc;
    const char *env[SUPERVISE_ENV_MAX];
    size_t env_count;
    struct supervise_port ports[SUPERVISE_PORTS_MAX];
    size_t port_count;
    double vcpus;         /* 0 = no limit */
    int64_t memory_bytes; /* 0 = no limit */
};
/* Parses spec->text (NUL-ended).  NULL or what is wrong with it. */
const char *supervise_spec_parse(struct supervise_spec *spec);
/* ENOENT, EFBIG, EINVAL (not a spec) in errno. */
bool supervise_spec_read(const char *dir, struct supervise_spec *spec);
bool supervise_spec_write(const char *dir, const struct supervise_spec *spec);
/* The program that argv[0] means: a file below cwd, else found by PATH. */
bool supervise_spec_program(const struct supervise_spec *spec, char out[PATH_MAX]);
/* Environment of the instance, mark first; `pool` holds the texts made here. */
bool supervise_spec_environment(const struct supervise_spec *spec, const char *dir, char *pool,
                                size_t pool_size, char **envp, size_t envp_size);

struct supervise_status {
    char state[16]; /* starting, running, backoff, stopped */
    char digest[80];
    int64_t supervisor, pid, pid_start, started_ms, restarts;
    char exit[160];   /* how it ended last: "exit status 3" */
    char limits[256]; /* "enforced: …" or "not enforced: …" */
};
bool supervise_status_read(const char *dir, struct supervise_status *out);
bool supervise_status_write(const char *dir, const struct supervise_status *status);

/* ---- process.c ---- */

/* The process that holds DIR/lock: its pid, 0 when none.  Asks the kernel, takes nothing. */
pid_t supervise_holder(const char *dir);
/* Takes DIR/lock for the life of this process; false when another holds it. */
bool supervise_hold(const char *dir);
/* Field 22 of /proc/PID/stat; 0 when there is no such process. */
int64_t supervise_start_time(pid_t pid);

struct supervise_usage {
    double cpu_ms; /* since start, all processes */
    int64_t memory_bytes;
    int processes;
};
/* Calls fn for each live process whose environment carries the mark of `dir`. */
void supervise_each_process(const char *dir, void (*fn)(void *ctx, pid_t pid), void *ctx);
void supervise_usage(const char *dir, struct supervise_usage *out);
/* Ends what an instance left behind when its supervisor is gone; false when some still lives. */
bool supervise_kill_leftovers(const char *dir, const char *cgroup_name);

/* ---- cgroup.c ---- */

/* Name below the cgroup "swan": the instance's name and a mark of DIR, for two Swans on one
 * machine may use one name. */
void supervise_cgroup_name(const char *name, const char *dir, char out[SUPERVISE_NAME_MAX + 16]);
/* Makes the cgroup, writes what is enforced or why not into status->limits.  Gives the path of its
 * cgroup.procs, or "". */
void supervise_cgroup_make(const struct supervise_spec *spec, const char *cgroup_name,
                           struct supervise_status *status, char procs[PATH_MAX]);
void supervise_cgroup_kill(const char *cgroup_name);
/* After its processes have gone. */
void supervise_cgroup_remove(const char *cgroup_name);

/* ---- supervisor.c ---- */

/* Starts the supervisor of DIR in the background and waits until its child was started once.
 * "" or what went wrong.  Another supervisor of DIR is no error. */
const char *supervise_start(const char *dir);

/* ---- systemd.c ---- */

/* Is systemd pid 1, and may we make system units? */
bool supervise_systemd_usable(void);
/* Writes the unit and starts it; "" or what went wrong. */
const char *supervise_systemd_start(const char *dir, const struct supervise_spec *spec);
bool supervise_systemd_stop(const char *name);   /* also of a unit that is not there */
bool supervise_systemd_remove(const char *name); /* stop, unit file, links */
/* Is there a unit of that name made for another folder? */
bool supervise_systemd_foreign(const char *dir, const char *name);
/* Fills state, pid, restarts, exit, limits; false when systemd knows no such unit. */
bool supervise_systemd_status(const char *name, struct supervise_status *out);

/* ---- verbs; each returns an exit status ---- */

/* instance.c.  Spec on stdin.  Without `start` what stands as wanted stays, and what does not is
 * ended and written down anew, ready to be started by a second call. */
int supervise_verb_apply(const char *base, const char *name, bool start);
int supervise_verb_stop(const char *base, const char *name);
int supervise_verb_remove(const char *base, const char *name);
/* Lines of each instance whose name begins with prefix, and an empty line after each; with
 * sample_ms > 0 processor and memory use measured over that time. */
int supervise_verb_show(const char *base, const char *prefix, bool exact, int sample_ms);
/* artefact.c: unpacks the archive into BASE/artefacts/ARTEFACT and notes that NAME uses it. */
int supervise_verb_unpack(const char *base, const char *name, const char *artefact,
                          const char *archive);
int supervise_verb_release(const char *base, const char *name, const char *artefact);
int supervise_verb_delivered(const char *base, const char *name, const char *artefact);
/* Removes an artefact that no delivery and no instance uses any more. */
void supervise_collect(const char *base, const char *artefact);
int supervise_verb_discover(const char *base);                                     /* discover.c */
int supervise_verb_probe(const char *address, const char *port, const char *path); /* probe.c */

#endif

/* fault.c - the armed faults, and what a hit does.
 *
 * Contract: fault_armed_ is true exactly while at least one fault is armed.  Each armed fault
 * counts the hits of the points it matches; all matching faults count a hit, delays run first
 * (outside the lock), then the first failing one decides.  A bad spec arms nothing of itself. */
#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define FAULT_MAX 32 /* a test arms a handful */
#define FAULT_NAME_MAX 64
#define FAULT_DELAY_MAX_MS 3600000 /* more is a mistake */

enum fault_action { FAULT_KILL, FAULT_DELAY, FAULT_FAIL };

struct fault {
    char point[FAULT_NAME_MAX];
    bool is_prefix; /* POINT ended in '*' */
    enum fault_action action;
    enum err_code code; /* of FAULT_FAIL */
    int64_t delay_ms;
    uint64_t first; /* the hit from which it goes off */
    bool onwards;   /* and every later one */
    uint64_t hits;
};

bool fault_armed_;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[FAULT_MAX];
static size_t fault_count;
static uint64_t fired;

static bool matches(const struct fault *fault, const char *name)
{
    return fault->is_prefix ? str_has_prefix(name, fault->point) : str_eq(name, fault->point);
}

enum err_code fault_hit(const char *name, struct err *err)
{
    enum err_code code = ERR_OK;
    int64_t delay_ms = 0;
    bool kill_now = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < fault_count; i++) {
        struct fault *f = &faults[i];
        if (!matches(f, name))
            continue;
        f->hits++;
        if (f->hits != f->first && !(f->onwards && f->hits > f->first))
            continue;
        fired++;
        if (f->action == FAULT_KILL)
            kill_now = true;
        else if (f->action == FAULT_DELAY)
            delay_ms += f->delay_ms;
        else if (code == ERR_OK)
            code = f->code;
    }
    pthread_mutex_unlock(&lock);
    clock_sleep_ms(delay_ms);
    if (kill_now) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause(); /* the signal may reach another thread first */
    }
    if (code)
        return err_set(err, code, "fault point '%s' was made to fail", name);
    return ERR_OK;
}

static bool read_point(const char *text, size_t len, struct fault *out)
{
    out->is_prefix = len > 0 && text[len - 1] == '*';
    if (out->is_prefix)
        len--;
    if (len >= sizeof out->point || (len == 0 && !out->is_prefix))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    memcpy(out->point, text, len);
    out->point[len] = '\0';
    return true;
}

/* Digits only: "+3" and "-1" are no counts. */
static bool read_count(const char *text, int64_t max, int64_t *out)
{
    return text[0] >= '0' && text[0] <= '9' && str_to_int64(text, out, NULL) == ERR_OK &&
           *out <= max;
}

static bool read_action(const char *text, struct fault *out)
{
    static const struct {
        const char *name;
        enum fault_action action;
        enum err_code code;
    } actions[] = {
        {"kill", FAULT_KILL, ERR_OK},         {"fail", FAULT_FAIL, ERR_TRANSIENT},
        {"io", FAULT_FAIL, ERR_IO},           {"permanent", FAULT_FAIL, ERR_POLICY},
        {"timeout", FAULT_FAIL, ERR_TIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_eq(text, actions[i].name)) {
            out->action = actions[i].action;
            out->code = actions[i].code;
            return true;
        }
    }
    out->action = FAULT_DELAY;
    return str_has_prefix(text, "delay:") &&
           read_count(text + strlen("delay:"), FAULT_DELAY_MAX_MS, &out->delay_ms);
}

/* POINT=ACTION[@N[+]]; `item` is taken apart in place. */
static enum err_code read_item(char *item, struct fault *out, struct err *err)
{
    char whole[200];
    str_format(whole, sizeof whole, "%s", item);
    *out = (struct fault){.first = 1, .onwards = true};
    char *equals = strchr(item, '=');
    if (!equals || !read_point(item, (size_t)(equals - item), out))
        return err_set(err, ERR_INVALID, "fault '%s' names no point before '='", whole);
    char *action = equals + 1, *at = strchr(action, '@');
    if (at) {
        *at++ = '\0';
        size_t len = strlen(at);
        out->onwards = len > 0 && at[len - 1] == '+';
        if (out->onwards)
            at[len - 1] = '\0';
        int64_t first;
        if (!read_count(at, INT64_MAX, &first) || first == 0)
            return err_set(err, ERR_INVALID, "fault '%s' has no whole number from 1 after '@'",
                           whole);
        out->first = (uint64_t)first;
    }
    if (!read_action(action, out)) {
        err_set(err, ERR_INVALID, "fault '%s' has an unknown action", whole);
        err_hint(err, "actions are kill, fail, io, permanent, timeout and delay:MILLISECONDS");
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err_code fault_arm(const char *spec, struct err *err)
{
    struct fault parsed[FAULT_MAX];
    size_t count = 0;
    CLEANUP(mem_free_at) char *copy = mem_strdup(spec ? spec : "");
    for (char *item = copy; item;) {
        char *end = strchr(item, ';');
        if (end)
            *end++ = '\0';
        if (count == FAULT_MAX)
            return err_set(err, ERR_TOO_LARGE, "more than %d faults", FAULT_MAX);
        enum err_code code = read_item(item, &parsed[count], err);
        if (code)
            return code;
        count++;
        item = end;
    }
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&lock);
    if (count > FAULT_MAX - fault_count) {
        code = err_set(err, ERR_TOO_LARGE, "more than %d faults", FAULT_MAX);
    } else {
        memcpy(faults + fault_count, parsed, count * sizeof *parsed);
        fault_count += count;
        __atomic_store_n(&fault_armed_, true, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

enum err_code fault_arm_environment(struct err *err)
{
    const char *spec = getenv("SWAN_FAULTS");
    if (!spec || !*spec)
        return ERR_OK;
    enum err_code code = fault_arm(spec, err);
    if (code)
        err_context(err, "SWAN_FAULTS");
    return code;
}

void fault_disarm(void)
{
    pthread_mutex_lock(&lock);
    fault_count = 0;
    fired = 0;
    __atomic_store_n(&fault_armed_, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
}

uint64_t fault_fired(void)
{
    pthread_mutex_lock(&lock);
    uint64_t count = fired;
    pthread_mutex_unlock(&lock);
    return count;
}

/* simulator_world.c - the endpoint's text as a world, and the draws that its seed decides.
 *
 * Contract: parsing is strict (unknown, repeated, empty and out-of-range keys are refused by name)
 * and changes nothing on failure; a draw is a pure function of seed, name, purpose and attempt, so
 * the same world treats the same name the same way on every machine. */
#include "provision/providers/simulator/simulator_priv.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "types/requirement.h"

#define SCHEME "simulator:"
#define ENDPOINT_MAX 1024
#define NAME_MAX_BYTES 64
#define LATENCY_MAX_MS 600000.0
#define AMOUNT_MAX 1e12      /* keeps sums of amounts exact enough to compare */
#define PUBLIC_IPS_MAX 254.0 /* hosts of 203.0.113.0/24 */
#define ACCELERATORS_MAX 1000000

enum value_kind {
    VALUE_SEED,
    VALUE_DOUBLE,
    VALUE_OPT_DOUBLE,
    VALUE_OPT_INT,
    VALUE_ARCH,
    VALUE_ACCELERATORS
};

struct key {
    const char *name;
    enum value_kind kind;
    size_t offset;
    double min, max;
};

#define KEY(name_, kind_, member_, min_, max_)                              \
    {                                                                       \
        name_, kind_, offsetof(struct simulator_world, member_), min_, max_ \
    }

static const struct key keys[] = {
    KEY("seed", VALUE_SEED, seed, 0, 0),
    KEY("latency_ms", VALUE_DOUBLE, latency_ms, 0, LATENCY_MAX_MS),
    KEY("transfer_mbps", VALUE_OPT_DOUBLE, transfer_mbps, 0.001, AMOUNT_MAX),
    KEY("failure", VALUE_DOUBLE, failure, 0, 1),
    KEY("refusal", VALUE_DOUBLE, refusal, 0, 1),
    KEY("vcpus", VALUE_OPT_DOUBLE, capacity.vcpus, 0, AMOUNT_MAX),
    KEY("memory_gib", VALUE_OPT_DOUBLE, capacity.memory_gib, 0, AMOUNT_MAX),
    KEY("disk_gib", VALUE_OPT_DOUBLE, capacity.disk_gib, 0, AMOUNT_MAX),
    KEY("bandwidth_mbps", VALUE_OPT_DOUBLE, bandwidth_mbps, 0, AMOUNT_MAX),
    KEY("public_ips", VALUE_OPT_INT, public_ips, 0, PUBLIC_IPS_MAX),
    KEY("arch", VALUE_ARCH, arch, 0, 0),
    KEY("accelerators", VALUE_ACCELERATORS, accelerators, 0, 0),
};

/* The next part of *rest up to `separator`, in the arena; NULL at the end. */
static char *take_part(const char **rest, char separator, struct arena *arena)
{
    if (*rest == NULL) {
        return NULL;
    }
    const char *end = strchr(*rest, separator);
    size_t length = end != NULL ? (size_t)(end - *rest) : strlen(*rest);
    char *part = arena_strndup(arena, *rest, length);
    *rest = end != NULL ? end + 1 : NULL;
    return part;
}

static enum err_code parse_double(const struct key *key, const char *text, double *out,
                                  struct err *err)
{
    double value = 0;
    enum err_code rc = str_to_double(text, &value, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (!(value >= key->min && value <= key->max)) {
        return err_set(err, ERR_INVALID, "must be between %g and %g", key->min, key->max);
    }
    *out = value;
    return ERR_OK;
}

static enum err_code parse_arch(const char *text, struct simulator_world *world,
                                struct arena *arena, struct err *err)
{
    const char *rest = text;
    for (char *part = NULL; (part = take_part(&rest, ',', arena)) != NULL;) {
        int arch = json_enum_find(requirement_arch_names, part);
        if (arch == ARCH_ABSENT) {
            return err_set(err, ERR_INVALID, "'%s' is no architecture", part);
        }
        for (size_t i = 0; i < world->arch.count; i++) {
            if (world->arch.items[i] == arch) {
                return err_set(err, ERR_INVALID, "'%s' is named twice", part);
            }
        }
        *LIST_ADD(arena, &world->arch) = arch;
    }
    return ERR_OK;
}

static enum err_code parse_accelerators(const char *text, struct simulator_world *world,
                                        struct arena *arena, struct err *err)
{
    const char *rest = text;
    for (char *part = NULL; (part = take_part(&rest, ',', arena)) != NULL;) {
        const char *fields = part;
        const char *kind = take_part(&fields, ':', arena);
        const char *model = take_part(&fields, ':', arena);
        const char *count = take_part(&fields, ':', arena);
        if (model == NULL || count == NULL || fields != NULL) {
            return err_set(err, ERR_INVALID, "'%s' is not KIND:MODEL:COUNT", part);
        }
        struct site_accelerator one = {.kind = json_enum_find(requirement_accelerator_names, kind),
                                       .model = model};
        if (one.kind == ACCELERATOR_ABSENT) {
            return err_set(err, ERR_INVALID, "'%s' is no kind of accelerator", kind);
        }
        enum err_code rc = str_check_name(model, NAME_MAX_BYTES, "model", err);
        if (rc == ERR_OK) {
            rc = str_to_int64(count, &one.count, err);
        }
        if (rc != ERR_OK) {
            return rc;
        }
        if (one.count < 1 || one.count > ACCELERATORS_MAX) {
            return err_set(err, ERR_INVALID, "a count must be between 1 and %d", ACCELERATORS_MAX);
        }
        for (size_t i = 0; i < world->accelerators.count; i++) {
            if (str_eq(world->accelerators.items[i].model, model)) {
                return err_set(err, ERR_INVALID, "model '%s' is named twice", model);
            }
        }
        *LIST_ADD(arena, &world->accelerators) = one;
    }
    return ERR_OK;
}

static enum err_code parse_value(const struct key *key, const char *text,
                                 struct simulator_world *world, struct arena *arena,
                                 struct err *err)
{
    char *member = (char *)world + key->offset;
    enum err_code rc = ERR_OK;
    int64_t whole = 0;
    double number = 0;
    switch (key->kind) {
    case VALUE_SEED:
        rc = str_to_int64(text, &whole, err);
        if (rc == ERR_OK && whole < 0) {
            rc = err_set(err, ERR_INVALID, "must not be negative");
        }
        if (rc == ERR_OK) {
            world->seed = (uint64_t)whole;
        }
        return rc;
    case VALUE_DOUBLE:
        return parse_double(key, text, (double *)(void *)member, err);
    case VALUE_OPT_DOUBLE:
        rc = parse_double(key, text, &number, err);
        if (rc == ERR_OK) {
            *(struct opt_double *)(void *)member = (struct opt_double){true, number};
        }
        return rc;
    case VALUE_OPT_INT:
        rc = str_to_int64(text, &whole, err);
        if (rc == ERR_OK && ((double)whole < key->min || (double)whole > key->max)) {
            rc = err_set(err, ERR_INVALID, "must be between %g and %g", key->min, key->max);
        }
        if (rc == ERR_OK) {
            *(struct opt_int *)(void *)member = (struct opt_int){true, whole};
        }
        return rc;
    case VALUE_ARCH:
        return parse_arch(text, world, arena, err);
    case VALUE_ACCELERATORS:
        return parse_accelerators(text, world, arena, err);
    }
    return err_set(err, ERR_BUG, "a key of no kind");
}

static enum err_code parse_pair(char *pair, bool *seen, struct simulator_world *world,
                                struct arena *arena, struct err *err)
{
    char *equals = strchr(pair, '=');
    if (equals == NULL || equals == pair || equals[1] == '\0') {
        return err_set(err, ERR_INVALID, "simulator endpoint: '%s' is not key=value", pair);
    }
    *equals = '\0';
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_eq(keys[i].name, pair)) {
            continue;
        }
        enum err_code rc = ERR_OK;
        if (seen[i]) {
            rc = err_set(err, ERR_INVALID, "is given twice");
        } else {
            rc = parse_value(&keys[i], equals + 1, world, arena, err);
        }
        seen[i] = true;
        if (rc != ERR_OK) {
            err_context(err, "simulator endpoint: %s", pair);
            err_field(err, "%s", pair);
        }
        return rc;
    }
    err_set(err, ERR_INVALID, "simulator endpoint: there is no key '%s'", pair);
    err_field(err, "%s", pair);
    err_hint(err, "keys are seed, latency_ms, transfer_mbps, failure, refusal, vcpus, memory_gib, "
                  "disk_gib, bandwidth_mbps, public_ips, arch, accelerators");
    return ERR_INVALID;
}

enum err_code simulator_world_parse(const char *endpoint, struct simulator_world *out,
                                    struct arena *arena, struct err *err)
{
    if (endpoint == NULL || !str_has_prefix(endpoint, SCHEME)) {
        return err_set(err, ERR_UNSUPPORTED, "not an endpoint of the simulator: it begins '%s'",
                       SCHEME);
    }
    size_t length = strnlen(endpoint, ENDPOINT_MAX + 1);
    if (length > ENDPOINT_MAX) {
        return err_set(err, ERR_TOO_LARGE, "simulator endpoint: more than %d bytes", ENDPOINT_MAX);
    }
    if (!str_is_utf8(endpoint, length)) {
        return err_set(err, ERR_INVALID, "simulator endpoint: not UTF-8");
    }
    struct simulator_world world = {0};
    const char *rest = endpoint + strlen(SCHEME);
    world.name = take_part(&rest, '?', arena);
    enum err_code rc =
        str_check_name(world.name, NAME_MAX_BYTES, "name of the simulated site", err);
    if (rc != ERR_OK) {
        err_context(err, "simulator endpoint");
        return rc;
    }
    bool seen[ARRAY_LEN(keys)] = {false};
    for (char *pair = NULL; rc == ERR_OK && (pair = take_part(&rest, '&', arena)) != NULL;) {
        rc = parse_pair(pair, seen, &world, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (world.arch.count == 0) {
        *LIST_ADD(arena, &world.arch) = ARCH_X86_64;
    }
    *out = world;
    return ERR_OK;
}

uint64_t simulator_draw(const struct simulator_world *world, const char *name, const char *what,
                        int64_t attempt)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "%llu|%s|%s|%lld", (unsigned long long)world->seed, name, what,
               (long long)attempt);
    char digest[ID_DIGEST_SIZE];
    id_digest(text.data, text.len, digest);
    uint64_t value = 0;
    for (const char *at = digest + strlen("sha256:"), *end = at + 16; at < end; at++) {
        value = value << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    }
    return value;
}

double simulator_unit(const struct simulator_world *world, const char *name, const char *what,
                      int64_t attempt)
{
    struct rand rand;
    rand_init(&rand, simulator_draw(world, name, what, attempt));
    return rand_unit(&rand);
}

int64_t simulator_duration_ms(const struct simulator_world *world,
                              const struct plan_task_spec *spec, int kind, const char *verb)
{
    /* Half is fixed and half exponential: a floor as real control planes have, with a long tail. */
    double draw = simulator_unit(world, spec->name, verb, 0);
    double duration = world->latency_ms * fmin(0.5 - 0.5 * log1p(-draw), 10.0);
    if (kind == TASK_DELIVER && world->transfer_mbps.set && spec->artefact_bytes > 0) {
        duration += (double)spec->artefact_bytes * 8.0 / (world->transfer_mbps.value * 1000.0);
    }
    return (int64_t)fmin(duration, 10.0 * LATENCY_MAX_MS);
}

/* test_application.c - lifecycle, artefacts good and hostile, and which version answers a need. */
#include "../services/fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "application/application.h"
#include "application/application_priv.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/rand.h"

const char *const service_tables[] = {NULL};

void service_open(struct fixture *f)
{
    struct application *application = NULL;
    assert_ok(f, store_migrate(f->store, &application_store_module, 1, &f->err));
    assert_ok(f, application_open(f->store, arena_printf(&f->arena, "%s/artefacts", f->folder),
                                  &application, &f->err));
    f->service = application;
}

void service_close(struct fixture *f)
{
    application_close(f->service);
}

/* ---- archives ---- */

struct member {
    const char *path;
    unsigned type; /* AE_IF… */
    unsigned mode;
    const char *target; /* of links; hard when type is 0 */
    int64_t size;       /* > 0: of that many zeros instead of a word */
    bool lies;          /* the header says `size`, no data follow */
};
enum { TAR, TAR_GZ, ZIP };

static void add_member(struct archive *out, const struct member *m)
{
    static const char zeros[65536];
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, m->path);
    archive_entry_set_filetype(entry, m->type ? m->type : AE_IFREG);
    archive_entry_set_perm(entry, (mode_t)(m->mode ? m->mode : 0644));
    if (m->target && m->type)
        archive_entry_set_symlink(entry, m->target);
    else if (m->target)
        archive_entry_set_hardlink(entry, m->target);
    int64_t size = m->target || (m->type && m->type != AE_IFREG) ? 0 : m->size ? m->size : 5;
    archive_entry_set_size(entry, size);
    assert_true(archive_write_header(out, entry) >= ARCHIVE_WARN);
    for (int64_t left = m->lies ? 0 : size; left > 0;) {
        size_t part = left < (int64_t)sizeof zeros ? (size_t)left : sizeof zeros;
        assert_int_equal(archive_write_data(out, m->size ? zeros : "hello", part), part);
        left -= (int64_t)part;
    }
    archive_entry_free(entry);
}

static void *packed(struct fixture *f, int format, const struct member *members, size_t count,
                    size_t *ret_len)
{
    size_t room = (size_t)8 << 20;
    char *data = arena_alloc(&f->arena, room);
    struct archive *out = archive_write_new();
    if (format == ZIP)
        archive_write_set_format_zip(out);
    else
        archive_write_set_format_pax_restricted(out);
    if (format == TAR_GZ)
        archive_write_add_filter_gzip(out);
    assert_int_equal(archive_write_open_memory(out, data, room, ret_len), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        add_member(out, &members[i]);
    archive_write_close(out);
    archive_write_free(out);
    return data;
}

static struct application_spec *package(struct fixture *f, const char *id_version)
{
    return decode(f, &application_spec_table,
                  arena_printf(&f->arena,
                               "{%s,'form':'package','artefact':'a.tgz','command':['bin/run'],"
                               "'title':'Hello 网页','aliases':['你好']}",
                               id_version));
}

#define HELLO "'name':'hello','version':'1.0.0'"

static enum err_code create(struct fixture *f, const struct application_spec *spec,
                            const void *data, size_t len)
{
    char digest[ID_DIGEST_SIZE];
    enum err_code rc = application_artefact_put(f->service, NULL, data, len, digest, &f->err);
    return rc ? rc : application_create(f->service, spec, digest, &actor, &f->err);
}

static const struct member run = {"./bin/run", AE_IFREG, 0755, NULL, 0, false};

static enum err_code create_with(struct fixture *f, int format, const struct member *members,
                                 size_t count)
{
    struct member all[16] = {run};
    size_t len;
    if (count)
        memcpy(&all[1], members, count * sizeof *members);
    void *data = packed(f, format, all, count + 1, &len);
    return create(f, package(f, HELLO), data, len);
}

static void test_a_good_package_is_taken_in_each_format(void **state)
{
    struct fixture *f = *state;
    const struct member members[] = {
        {"bin/", AE_IFDIR, 0755, NULL, 0, false},
        {"share/网页/index.html", AE_IFREG, 0644, NULL, 0, false},
        {"lib/real.so", AE_IFREG, 0644, NULL, 0, false},
        {"lib/link.so", AE_IFLNK, 0777, "real.so", 0, false},
        {"bin/up", AE_IFLNK, 0777, "../lib/./real.so", 0, false},
        {"bin/same", 0, 0755, "bin/run", 0, false},
    };
    for (int format = TAR; format <= ZIP; format++) {
        size_t len, count = format == ZIP ? ARRAY_LEN(members) - 1 : ARRAY_LEN(members);
        struct member all[8] = {run};
        memcpy(&all[1], members, count * sizeof *members);
        void *data = packed(f, format, all, count + 1, &len);
        assert_ok(
            f, create(f, package(f, arena_printf(&f->arena, "'name':'h','version':'%d'", format)),
                      data, len));
    }
    assert_int_equal(events_of(f, "applications", NULL, "created"), 3);
}

static void test_hostile_packages_are_refused_by_name_and_leave_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct member members[3];
        size_t count;
        const char *says;
        enum err_code code;
    } cases[] = {
        {{{"../out", AE_IFREG, 0, NULL, 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"a/../../out", AE_IFREG, 0, NULL, 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"/etc/passwd", AE_IFREG, 0, NULL, 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"l", AE_IFLNK, 0, "/etc", 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"l", AE_IFLNK, 0, "..", 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"a/l", AE_IFLNK, 0, "../../x", 0, false}}, 1, "leads out", ERR_INVALID},
        /* a link that goes up behind another link, which lies elsewhere than it seems */
        {{{"deep/l", AE_IFLNK, 0, "..", 0, false}, {"k", AE_IFLNK, 0, "deep/l/..", 0, false}},
         2,
         "leads out",
         ERR_INVALID},
        {{{"s", AE_IFLNK, 0, "bin", 0, false}, {"s/file", AE_IFREG, 0, NULL, 0, false}},
         2,
         "through a link",
         ERR_INVALID},
        {{{"d/file", AE_IFREG, 0, NULL, 0, false}, {"d", AE_IFLNK, 0, "bin", 0, false}},
         2,
         "in the place of a folder",
         ERR_INVALID},
        {{{"w", AE_IFLNK, 0, "bin/run", 0, false}, {"w", AE_IFREG, 0, NULL, 0, false}},
         2,
         "as a link",
         ERR_INVALID},
        {{{"h", 0, 0, "../../etc/shadow", 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"h", 0, 0, "/etc/shadow", 0, false}}, 1, "leads out", ERR_INVALID},
        {{{"dev/sda", AE_IFBLK, 0, NULL, 0, false}}, 1, "neither file", ERR_INVALID},
        {{{"dev/tty", AE_IFCHR, 0, NULL, 0, false}}, 1, "neither file", ERR_INVALID},
        {{{"pipe", AE_IFIFO, 0, NULL, 0, false}}, 1, "neither file", ERR_INVALID},
        {{{"su", AE_IFREG, 04755, NULL, 0, false}}, 1, "changes its user", ERR_INVALID},
        {{{"sg", AE_IFREG, 02755, NULL, 0, false}}, 1, "changes its user", ERR_INVALID},
        {{{"huge", AE_IFREG, 0644, NULL, (int64_t)21 << 30, true}}, 1, "20 GiB", ERR_TOO_LARGE},
        {{{"huge", AE_IFREG, 0644, NULL, INT64_MAX / 2, true}}, 1, "20 GiB", ERR_TOO_LARGE},
    };
    char *before = dump(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum err_code rc = create_with(f, TAR, cases[i].members, cases[i].count);
        if (rc != cases[i].code || !strstr(f->err.text, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].members[0].path, err_info(rc)->name, f->err.text);
        assert_string_equal(f->err.field, "artefact");
    }
    assert_string_equal(before, dump(f));
}

static void test_what_is_no_archive_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t len;
    struct rand rand;
    char *good = packed(f, TAR_GZ, &run, 1, &len), *noise = arena_alloc(&f->arena, 5000);
    rand_init(&rand, 1);
    for (size_t i = 0; i < 5000; i++)
        noise[i] = (char)rand_below(&rand, 256);
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), noise, 5000));
    assert_true(f->err.hint[0]);
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), "hello", 5));
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), good, 0));
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), good, len / 2)); /* truncated */
    char *zip = packed(f, ZIP, &run, 1, &len);
    for (size_t cut = 10; cut < len; cut += 20)
        assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), zip, cut));
    void *empty = packed(f, TAR, NULL, 0, &len);
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), empty, len));
    const struct member plain = {"bin/run", AE_IFREG, 0644, NULL, 0, false};
    void *without = packed(f, TAR, &plain, 1, &len);
    assert_fails(f, ERR_INVALID, create(f, package(f, HELLO), without, len));
    assert_string_equal(f->err.field, "command");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_record"), 0);
}

static void test_no_more_files_than_allowed(void **state)
{
    struct fixture *f = *state;
    size_t len = 512 * 100010;
    /* 100 001 empty files in one tar, whose headers differ in nothing but the name. */
    char *data = mem_zalloc(len);
    size_t one_len;
    const struct member one = {"f000000", AE_IFREG, 0644, NULL, 0, false};
    char *header = packed(f, TAR, &one, 1, &one_len);
    memcpy(header + 124, "00000000000", 11); /* of size 0 */
    for (size_t i = 0; i <= 100000; i++) {
        char *at = data + 512 * i;
        unsigned sum = 0;
        memcpy(at, header, 512);
        snprintf(at, 100, "f%06zu", i);
        memset(at + 148, ' ', 8);
        for (size_t b = 0; b < 512; b++)
            sum += (unsigned char)at[b];
        snprintf(at + 148, 8, "%06o", sum);
    }
    enum err_code rc = create(f, package(f, HELLO), data, len);
    mem_free(data);
    assert_fails(f, ERR_TOO_LARGE, rc);
}

static void test_a_container_is_an_image_or_a_root_file_system_with_a_command(void **state)
{
    struct fixture *f = *state;
    const struct member image[] = {{"manifest.json", AE_IFREG, 0644, NULL, 0, false}};
    const struct member rootfs[] = {{"bin/sh", AE_IFLNK, 0777, "/bin/busybox", 0, false},
                                    {"dev/null", AE_IFCHR, 0666, NULL, 0, false}};
    const char *spec = "{'name':'c','version':'%d','form':'container','artefact':'a.tar'%s}";
    size_t len;
    void *data = packed(f, TAR, image, 1, &len);
    assert_ok(f, create(f, decode(f, &application_spec_table, arena_printf(&f->arena, spec, 1, "")),
                        data, len));
    data = packed(f, TAR, rootfs, 2, &len);
    assert_fails(f, ERR_INVALID,
                 create(f, decode(f, &application_spec_table, arena_printf(&f->arena, spec, 2, "")),
                        data, len));
    assert_ok(f, create(f,
                        decode(f, &application_spec_table,
                               arena_printf(&f->arena, spec, 2, ",'command':['/bin/sh']")),
                        data, len));
}

static void test_an_artefact_is_known_by_its_digest_only(void **state)
{
    struct fixture *f = *state;
    char digest[ID_DIGEST_SIZE], other[ID_DIGEST_SIZE];
    char *path;
    struct stat st;
    id_digest("other", 5, other);
    assert_fails(f, ERR_INVALID,
                 application_artefact_put(f->service, other, "hello", 5, digest, &f->err));
    assert_string_equal(f->err.field, "digest");
    assert_fails(f, ERR_NOT_FOUND,
                 application_artefact_path(f->service, digest, &path, &f->arena, &f->err));
    assert_ok(f, application_artefact_put(f->service, digest, "hello", 5, other, &f->err));
    assert_ok(f, application_artefact_put(f->service, NULL, "hello", 5, other, &f->err));
    assert_string_equal(digest, other);
    assert_ok(f, application_artefact_path(f->service, digest, &path, &f->arena, &f->err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(st.st_mode & 0777, 0600);
    const char *const bad[] = {
        "",           "sha256:",      "../../etc", "sha256:../../../../../../../../etc/passwd",
        "md5:abcdef", "sha256:ABCDEF"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(f, ERR_INVALID,
                     application_artefact_path(f->service, bad[i], &path, &f->arena, &f->err));
    assert_fails(
        f, ERR_NOT_FOUND,
        application_create(f->service, package(f, HELLO),
                           "sha256:00000000000000000000000000000000000000000000000000000000"
                           "00000000",
                           &actor, &f->err));
}

static void test_a_write_of_an_artefact_that_fails_leaves_no_file(void **state)
{
    struct fixture *f = *state;
    const char *const points[] = {"application.artefact_put", "file.before_write",
                                  "file.before_rename"};
    char digest[ID_DIGEST_SIZE], *path;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        assert_ok(f, fault_arm(arena_printf(&f->arena, "%s=io@1", points[i]), &f->err));
        assert_fails(f, ERR_IO,
                     application_artefact_put(f->service, NULL, "hello", 5, digest, &f->err));
        fault_disarm();
        assert_fails(f, ERR_NOT_FOUND,
                     application_artefact_path(f->service, digest, &path, &f->arena, &f->err));
    }
}

static void test_parts_that_a_crash_left_go_at_the_next_start(void **state)
{
    struct fixture *f = *state;
    char digest[ID_DIGEST_SIZE], *path;
    assert_ok(f, application_artefact_put(f->service, NULL, "hello", 5, digest, &f->err));
    assert_ok(f, application_artefact_path(f->service, digest, &path, &f->arena, &f->err));
    char *folder = arena_strdup(&f->arena, path);
    *strrchr(folder, '/') = '\0';
    const char *part = arena_printf(&f->arena, "%s/.abcdef.part", folder);
    assert_ok(f, file_write_atomic(part, "half", 4, 0600, &f->err));
    service_close(f);
    service_open(f);
    assert_false(file_exists(part));
    assert_true(file_exists(path));
}

/* ---- lifecycle ---- */

static void test_every_state_can_be_reached_and_only_retired_is_an_end(void **state)
{
    bool reached[APPLICATION_RETIRED + 1] = {[APPLICATION_DRAFT] = true};
    (void)state;
    for (int round = 0; round <= APPLICATION_RETIRED; round++)
        for (size_t i = 0; i < application_lifecycle_count; i++)
            if (reached[application_lifecycle[i].state])
                reached[application_lifecycle[i].next] = true;
    for (int s = APPLICATION_DRAFT; s <= APPLICATION_RETIRED; s++) {
        bool leaves = false;
        assert_true(reached[s]);
        assert_non_null(application_state_names[s]);
        for (size_t i = 0; i < application_lifecycle_count; i++)
            leaves = leaves || application_lifecycle[i].state == s;
        assert_int_equal(leaves, s != APPLICATION_RETIRED);
    }
    for (size_t i = 0; i < application_lifecycle_count; i++) {
        size_t k = 0;
        while (!str_eq(application_action_names[k], application_lifecycle[i].action))
            k++; /* would run off the list's NULL */
        for (size_t j = 0; j < i; j++)
            assert_false(application_lifecycle[i].state == application_lifecycle[j].state &&
                         str_eq(application_lifecycle[i].action, application_lifecycle[j].action));
    }
}

static void publish(struct fixture *f, const char *id)
{
    const char *const steps[] = {"submit", "approve", "publish"};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_ok(f, application_act(f->service, id, steps[i], NULL, 0, &actor, &f->err));
}

static void test_each_step_keeps_who_and_when_and_others_are_refused(void **state)
{
    struct fixture *f = *state;
    struct application_status status;
    const struct store_actor boss = {.user = "boss", .tenant = ""};
    assert_ok(f, create_with(f, TAR_GZ, NULL, 0));
    assert_fails(f, ERR_CONFLICT,
                 application_act(f->service, "hello@1.0.0", "publish", NULL, 0, &boss, &f->err));
    assert_string_equal(f->err.hint, "possible now: submit");
    assert_fails(f, ERR_CONFLICT,
                 application_act(f->service, "hello@1.0.0", "jump", NULL, 0, &boss, &f->err));
    assert_ok(f, application_act(f->service, "hello@1.0.0", "submit", NULL, 0, &actor, &f->err));
    assert_fails(f, ERR_PRECONDITION,
                 application_act(f->service, "hello@1.0.0", "reject", "why", 1, &boss, &f->err));
    assert_ok(f, application_act(f->service, "hello@1.0.0", "reject", "why", 2, &boss, &f->err));
    publish(f, "hello@1.0.0");
    assert_ok(f, application_act(f->service, "hello@1.0.0", "retire", NULL, 0, &boss, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 application_act(f->service, "hello@1.0.0", "submit", NULL, 0, &actor, &f->err));
    assert_string_equal(f->err.hint, "possible now: nothing more");
    assert_fails(f, ERR_NOT_FOUND,
                 application_act(f->service, "none@1", "submit", NULL, 0, &actor, &f->err));
    assert_ok(f, json_decode_stored(record_of(f, "applications", "hello@1.0.0").status,
                                    &application_status_table, &status, &f->arena, &f->err));
    const int states[] = {APPLICATION_DRAFT,     APPLICATION_SUBMITTED, APPLICATION_DRAFT,
                          APPLICATION_SUBMITTED, APPLICATION_APPROVED,  APPLICATION_PUBLISHED,
                          APPLICATION_RETIRED};
    assert_int_equal(status.history.count, ARRAY_LEN(states));
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        assert_int_equal(status.history.items[i].state, states[i]);
        assert_true(status.history.items[i].at > 0);
    }
    assert_string_equal(status.history.items[2].who, "boss");
    assert_string_equal(status.history.items[2].note, "why");
    assert_int_equal(events_of(f, "applications", "hello@1.0.0", "submitted"), 2);
    assert_int_equal(events_of(f, "applications", "hello@1.0.0", "retired"), 1);
}

static void test_a_customer_acts_on_what_is_the_tenants_own(void **state)
{
    struct fixture *f = *state;
    const struct store_actor acme = {.user = "a", .tenant = "acme"},
                             other = {.user = "o", .tenant = "other"};
    char digest[ID_DIGEST_SIZE];
    size_t len;
    void *data = packed(f, TAR, &run, 1, &len);
    assert_ok(f, application_artefact_put(f->service, NULL, data, len, digest, &f->err));
    assert_ok(f, application_create(f->service, package(f, HELLO), digest, &acme, &f->err));
    char *before = dump(f);
    assert_fails(f, ERR_FORBIDDEN,
                 application_act(f->service, "hello@1.0.0", "submit", NULL, 0, &other, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 application_create(f->service, package(f, HELLO), digest, &other, &f->err));
    assert_string_equal(before, dump(f));
    assert_ok(f, application_act(f->service, "hello@1.0.0", "submit", NULL, 0, &acme, &f->err));
    assert_ok(f, application_act(f->service, "hello@1.0.0", "approve", NULL, 0, &actor, &f->err));
}

static void test_a_version_does_not_change_its_content(void **state)
{
    struct fixture *f = *state;
    const struct member more = {"more", AE_IFREG, 0644, NULL, 0, false};
    assert_ok(f, create_with(f, TAR, NULL, 0));
    char *before = dump(f);
    assert_ok(f, create_with(f, TAR, NULL, 0)); /* the same again */
    assert_string_equal(before, dump(f));
    assert_fails(f, ERR_CONFLICT, create_with(f, TAR, &more, 1)); /* other bytes */
    size_t len;
    void *data = packed(f, TAR, &run, 1, &len);
    struct application_spec *spec = package(f, HELLO);
    spec->description = "other words";
    assert_fails(f, ERR_CONFLICT, create(f, spec, data, len));
    assert_string_equal(before, dump(f));
}

/* ---- matching ---- */

static void offer(struct fixture *f, const char *fields, const char *id)
{
    size_t len;
    void *data = packed(f, TAR, &run, 1, &len);
    const char *json = arena_printf(&f->arena, "{%s,'artefact':'a','command':['bin/run']}", fields);
    assert_ok(f, create(f, decode(f, &application_spec_table, json), data, len));
    publish(f, id);
}

/* id of what answers the one component of the need, or NULL */
static const char *answer(struct fixture *f, const char *component)
{
    struct application_spec_refs refs;
    struct store_tx *tx = NULL;
    const struct requirement *need =
        decode(f, &requirement_table, arena_printf(&f->arena, "{'components':[%s]}", component));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, application_match(f->service, tx, need, &refs, &f->arena, &f->err));
    store_rollback(tx);
    if (refs.items.count == 0)
        return NULL;
    assert_string_equal(refs.items.items[0].component, need->components.items[0].name);
    assert_string_equal(refs.items.items[0].state, "published");
    return refs.items.items[0].id;
}

static void test_words_are_answered_by_the_longest_name_and_the_newest_version(void **state)
{
    struct fixture *f = *state;
    offer(f, "'name':'hello','version':'1.9.0','form':'package','aliases':['你好','网页服务']",
          "hello@1.9.0");
    offer(f, "'name':'hello','version':'1.10.0','form':'package','aliases':['你好','网页服务']",
          "hello@1.10.0");
    offer(f, "'name':'hello','version':'1.2.0','form':'package'", "hello@1.2.0");
    offer(f, "'name':'hello-web','version':'0.1','form':'package'", "hello-web@0.1");
    offer(f, "'name':'sql','version':'1','form':'package'", "sql@1");
    offer(f, "'name':'arm-only','version':'1','form':'package','needs':{'arch':['arm64']}",
          "arm-only@1");
    offer(f, "'name':'redis','version':'7','form':'function'", "redis@7");
    const struct {
        const char *component, *id;
    } cases[] = {
        {"{'name':'hello'}", "hello@1.10.0"},
        {"{'name':'HELLO 网页服务'}", "hello@1.10.0"},
        {"{'name':'ｈｅｌｌｏ'}", "hello@1.10.0"}, /* full width */
        {"{'name':'我的你好服务'}", "hello@1.10.0"},
        {"{'name':'Hello Web'}", "hello-web@0.1"},
        {"{'name':'hello_web server'}", "hello-web@0.1"},
        {"{'name':'mysql'}", NULL}, /* is no sql */
        {"{'name':'a SQL base'}", "sql@1"},
        {"{'name':'sql数据库'}", "sql@1"},
        {"{'name':'othello'}", NULL},
        {"{'name':'redis','form':'container'}", NULL},
        {"{'name':'redis','form':'function'}", "redis@7"},
        {"{'name':'redis 6'}", "redis@7"},
        {"{'name':'hello','form':'server'}", NULL},
        {"{'name':'arm-only','arch':'x86_64'}", NULL},
        {"{'name':'arm-only','arch':'arm64'}", "arm-only@1"},
        {"{'name':'arm-only'}", "arm-only@1"},
        {"{'name':'云主机'}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *id = answer(f, cases[i].component);
        if (!str_eq(id, cases[i].id))
            fail_msg("%s: %s", cases[i].component, id ? id : "none");
    }
    assert_ok(f, application_act(f->service, "hello@1.10.0", "retire", NULL, 0, &actor, &f->err));
    assert_string_equal(answer(f, "{'name':'hello'}"), "hello@1.9.0");
}

static void test_versions_are_ordered_by_their_numbers(void **state)
{
    static const char *const rising[] = {"0.9",    "1.0-rc1", "1.0-rc2", "1.0-rc10",
                                         "1.0",    "1.0.1",   "1.2",     "1.9.0",
                                         "1.10.0", "2",       "10",      "20261123"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rising); i++)
        for (size_t j = 0; j < ARRAY_LEN(rising); j++) {
            int order = application_version_compare(rising[i], rising[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s and %s: %d", rising[i], rising[j], order);
        }
    assert_int_equal(application_version_compare("1.01", "1.1"), 0);
}

/* ---- faults ---- */

static enum err_code fault_create(struct fixture *f, int n, void *ctx)
{
    size_t len;
    (void)ctx;
    void *data = packed(f, TAR, &run, 1, &len);
    return create(f, package(f, arena_printf(&f->arena, "'name':'n%d','version':'1'", n)), data,
                  len);
}

static enum err_code fault_act(struct fixture *f, int n, void *ctx)
{
    int *next = ctx;
    (void)n;
    enum err_code rc = application_act(f->service, "hello@1.0.0", *next % 2 ? "reject" : "submit",
                                       NULL, 0, &actor, &f->err);
    *next += rc == ERR_OK;
    return rc;
}

static void test_a_write_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    int next = 0;
    assert_ok(f, create_with(f, TAR, NULL, 0));
    assert_all_or_nothing(f, fault_create, NULL);
    assert_all_or_nothing(f, fault_act, &next);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(test_a_good_package_is_taken_in_each_format),
        SERVICE_TEST(test_hostile_packages_are_refused_by_name_and_leave_nothing),
        SERVICE_TEST(test_what_is_no_archive_is_refused),
        SERVICE_TEST(test_no_more_files_than_allowed),
        SERVICE_TEST(test_a_container_is_an_image_or_a_root_file_system_with_a_command),
        SERVICE_TEST(test_an_artefact_is_known_by_its_digest_only),
        SERVICE_TEST(test_a_write_of_an_artefact_that_fails_leaves_no_file),
        SERVICE_TEST(test_parts_that_a_crash_left_go_at_the_next_start),
        cmocka_unit_test(test_every_state_can_be_reached_and_only_retired_is_an_end),
        SERVICE_TEST(test_each_step_keeps_who_and_when_and_others_are_refused),
        SERVICE_TEST(test_a_customer_acts_on_what_is_the_tenants_own),
        SERVICE_TEST(test_a_version_does_not_change_its_content),
        SERVICE_TEST(test_words_are_answered_by_the_longest_name_and_the_newest_version),
        cmocka_unit_test(test_versions_are_ordered_by_their_numbers),
        SERVICE_TEST(test_a_write_that_the_store_fails_has_changed_nothing),
    };
    return fixture_main(argc, argv, "application", tests, ARRAY_LEN(tests));
}

/* test_package.c - endpoints, and packages good and hostile. */
#include "host_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/id.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

void test_good_endpoints_are_read(void **state)
{
    (void)state;
    struct host_endpoint endpoint;
    assert_int_equal(host_endpoint_parse("local", &endpoint, &bench.arena, NULL), ERR_OK);
    assert_false(endpoint.remote);
    assert_int_equal(host_endpoint_parse("ssh://edge.example", &endpoint, &bench.arena, NULL),
                     ERR_OK);
    assert_true(endpoint.remote);
    assert_string_equal(endpoint.user, "root");
    assert_int_equal(endpoint.port, 22);
    assert_null(endpoint.key_file);
    assert_int_equal(host_endpoint_parse("ssh://li@[fe80::1%eth0]:2022?key=/a/k&base=/srv/x",
                                         &endpoint, &bench.arena, NULL),
                     ERR_OK);
    assert_string_equal(endpoint.user, "li");
    assert_string_equal(endpoint.host, "fe80::1%eth0");
    assert_int_equal(endpoint.port, 2022);
    assert_string_equal(endpoint.key_file, "/a/k");
    assert_string_equal(endpoint.base, "/srv/x");
}

void test_bad_endpoints_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "local ",
                                      "Local",
                                      "ssh:/h",
                                      "ssh://",
                                      "ssh://@h",
                                      "ssh://-u@h",
                                      "ssh://a:b@h",
                                      "ssh://h:",
                                      "ssh://h:0",
                                      "ssh://h:65536",
                                      "ssh://h:+1",
                                      "ssh://-oProxyCommand=id",
                                      "ssh://h;id",
                                      "ssh://$(id)",
                                      "ssh://[::1",
                                      "ssh://[::1]x",
                                      "ssh://h?",
                                      "ssh://h?key",
                                      "ssh://h?key=",
                                      "ssh://h?key=relative",
                                      "ssh://h?key=/a&key=/b",
                                      "ssh://h?shell=/bin/sh",
                                      "ssh://h\n",
                                      "unix:///run/docker.sock"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = ERR_INIT;
        if (host_provider.match(bad[i], &err) != ERR_INVALID || err.text[0] == '\0')
            fail_msg("'%s' passed", bad[i]);
    }
    assert_int_equal(host_provider.match(NULL, NULL), ERR_INVALID);
}

struct entry {
    const char *path;
    unsigned type; /* AE_IFREG … */
    const char *link;
    unsigned mode;
};

static const char *make_archive(const char *name, bool zip, const struct entry *entries,
                                size_t count)
{
    const char *path = arena_printf(&bench.arena, "%s/%s", bench.folder, name);
    struct archive *out = archive_write_new();
    if (zip) {
        archive_write_set_format_zip(out);
    } else {
        archive_write_add_filter_gzip(out);
        archive_write_set_format_pax_restricted(out);
    }
    assert_int_equal(archive_write_open_filename(out, path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        const char *content = "#!/bin/sh\necho hello; exec sleep 1000\n";
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, e->path);
        archive_entry_set_filetype(entry, e->type != 0 ? e->type : (unsigned)AE_IFREG);
        archive_entry_set_perm(entry, e->mode != 0 ? e->mode : 0755);
        archive_entry_set_size(entry, 0);
        if (e->type == AE_IFLNK)
            archive_entry_set_symlink(entry, e->link);
        else if (e->link != NULL)
            archive_entry_set_hardlink(entry, e->link);
        else if (e->type == 0)
            archive_entry_set_size(entry, (la_int64_t)strlen(content));
        if (e->type == AE_IFCHR) {
            archive_entry_set_rdevmajor(entry, 1);
            archive_entry_set_rdevminor(entry, 3);
        }
        assert_int_equal(archive_write_header(out, entry), ARCHIVE_OK);
        if (e->type == 0 && e->link == NULL)
            archive_write_data(out, content, strlen(content));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(out), ARCHIVE_OK);
    archive_write_free(out);
    return path;
}

static enum err_code look_into(const char *path, struct err *err)
{
    struct provider_call call = call_of(NULL, TASK_DELIVER);
    const char *tar = NULL;
    enum err_code rc = host_package_check(&call, path, bench.folder, &tar, &bench.arena, err);
    if (tar != NULL)
        unlink(tar);
    return rc;
}

void test_a_good_package_passes(void **state)
{
    (void)state;
    static const struct entry entries[] = {{".", AE_IFDIR, NULL, 0},
                                           {"./bin", AE_IFDIR, NULL, 0},
                                           {"./bin/run", 0, NULL, 0},
                                           {"lib/a..b/...c", 0, NULL, 0},
                                           {"bin/link", AE_IFLNK, "../lib/a..b", 0},
                                           {"bin/hard", 0, "bin/run", 0}};
    struct err err = ERR_INIT;
    const char *path = make_archive("good.tar.gz", false, entries, 6);
    if (look_into(path, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

void test_hostile_entries_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct entry entries[2];
        const char *why;
    } cases[] = {
        {{{"../evil", 0, NULL, 0}}, "upwards"},
        {{{"a/../../evil", 0, NULL, 0}}, "upwards"},
        {{{"a/..", AE_IFDIR, NULL, 0}}, "upwards"},
        {{{"/etc/evil", 0, NULL, 0}}, "absolute"},
        {{{"out", AE_IFLNK, "/etc", 0}}, "absolute path"},
        {{{"a/out", AE_IFLNK, "../../etc", 0}}, "leads out"},
        {{{"a/out", AE_IFLNK, "b/../../../c", 0}}, "leads out"},
        {{{"x", AE_IFLNK, ".", 0}, {"y", AE_IFLNK, "x/..", 0}}, "leads out"},
        {{{"in", AE_IFLNK, "sub", 0}, {"in/file", 0, NULL, 0}}, "below a link"},
        {{{"in", AE_IFLNK, "sub", 0}, {"in", 0, NULL, 0}}, "below a link"},
        {{{"hard", 0, "../../etc/passwd", 0}}, "hard link"},
        {{{"hard", 0, "/etc/passwd", 0}}, "hard link"},
        {{{"in", AE_IFLNK, "sub", 0}, {"hard", 0, "in/x", 0}}, "hard link"},
        {{{"null", AE_IFCHR, NULL, 0}}, "no file"},
        {{{"pipe", AE_IFIFO, NULL, 0}}, "no file"},
        {{{"su", 0, NULL, 04755}}, "setuid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        const char *path = make_archive("bad.tar.gz", false, cases[i].entries,
                                        cases[i].entries[1].path != NULL ? 2 : 1);
        enum err_code rc = look_into(path, &err);
        if (rc != ERR_POLICY || strstr(err.text, cases[i].why) == NULL)
            fail_msg("'%s': %s: %s", cases[i].entries[0].path, err_info(rc)->name, err.text);
    }
}

static enum err_code deliver(const char *name, struct err *err)
{
    struct plan_task_spec spec = {.name = name, .artefact_digest = bench.digest};
    struct provider_call call = call_of(&spec, TASK_DELIVER);
    struct plan_task_result result;
    return host_provider.apply(&call, &result, &bench.arena, err);
}

static enum err_code release(const char *name)
{
    struct plan_task_spec spec = {.name = name, .artefact_digest = bench.digest};
    struct provider_call call = call_of(&spec, TASK_DELIVER);
    return host_provider.undo(&call, &bench.arena, NULL);
}

static int count_entries(const char *folder)
{
    DIR *dir = opendir(arena_printf(&bench.arena, "%s/host/%s", bench.folder, folder));
    int count = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir != NULL)
        closedir(dir);
    return count;
}

void test_a_zip_is_unpacked_like_a_tar(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"bin/run", 0, NULL, 0}};
    bench_artefact(make_archive("good.zip", true, entries, 1));
    struct err err = ERR_INIT;
    if (deliver("swan-zip", &err) != ERR_OK)
        fail_msg("%s", err.text);
    struct stat st;
    const char *program = arena_printf(&bench.arena, "%s/host/artefacts/sha256-%s/bin/run",
                                       bench.folder, bench.digest + 7);
    assert_int_equal(stat(program, &st), 0);
    assert_true((st.st_mode & 0111) != 0);
    struct plan_task_spec spec = {
        .name = "swan-zip-0", .form = FORM_PACKAGE, .artefact_digest = bench.digest};
    *LIST_ADD(&bench.arena, &spec.command) = "bin/run";
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    assert_int_equal(check(&spec), PROVIDER_PRESENT);
    must_be_gone(&spec);
    static const struct entry bad[] = {{"../evil", 0, NULL, 0}};
    assert_int_equal(look_into(make_archive("bad.zip", true, bad, 1), &err), ERR_POLICY);
    assert_int_equal(count_entries(""), 3); /* artefacts, deliveries, instances: no tar stayed */
}

void test_a_cut_archive_is_refused(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"bin/run", 0, NULL, 0}, {"bin/other", 0, NULL, 0}};
    const char *whole = make_archive("whole.tar.gz", false, entries, 2);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    assert_int_equal(file_read(whole, 1 << 20, &text, NULL), ERR_OK);
    const char *cut = arena_printf(&bench.arena, "%s/cut.tar.gz", bench.folder);
    for (size_t len = 0; len < text.len - 8; len += text.len / 13) {
        assert_int_equal(file_write_atomic(cut, text.data, len, 0600, NULL), ERR_OK);
        assert_int_equal(look_into(cut, NULL), ERR_INVALID);
    }
}

void test_a_refused_package_leaves_nothing_on_the_machine(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"good", 0, NULL, 0}, {"../evil", 0, NULL, 0}};
    bench_artefact(make_archive("bad.tar.gz", false, entries, 2));
    struct err err = ERR_INIT;
    assert_int_equal(deliver("swan-bad", &err), ERR_POLICY);
    assert_int_equal(count_entries("artefacts"), 0);
    assert_int_equal(count_entries("deliveries"), 0);
}

void test_an_artefact_with_other_bytes_is_refused(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"good", 0, NULL, 0}};
    bench_artefact(make_archive("good.tar.gz", false, entries, 1));
    bench.digest[20] = bench.digest[20] == '0' ? '1' : '0';
    assert_int_equal(deliver("swan-other", NULL), ERR_CORRUPT);
    strcpy(bench.digest, "sha256:../../../../etc");
    assert_int_equal(deliver("swan-other", NULL), ERR_INVALID);
}

void test_an_artefact_stays_until_its_last_user_has_gone(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"bin/run", 0, NULL, 0}};
    bench_artefact(make_archive("good.tar.gz", false, entries, 1));
    assert_int_equal(deliver("swan-a", NULL), ERR_OK);
    assert_int_equal(deliver("swan-b", NULL), ERR_OK);
    assert_int_equal(count_entries("artefacts"), 1);
    struct plan_task_spec spec = {
        .name = "swan-use-0", .form = FORM_PACKAGE, .artefact_digest = bench.digest};
    *LIST_ADD(&bench.arena, &spec.command) = "bin/run";
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    assert_int_equal(release("swan-a"), ERR_OK);
    assert_int_equal(count_entries("artefacts"), 1);
    assert_int_equal(release("swan-b"), ERR_OK);
    assert_int_equal(count_entries("artefacts"), 1); /* the instance runs from it */
    assert_int_equal(check(&spec), PROVIDER_PRESENT);
    must_be_gone(&spec);
    assert_int_equal(count_entries("artefacts"), 0);
    assert_int_equal(count_entries("deliveries"), 0);
    assert_int_equal(apply(&spec, NULL), ERR_PRECONDITION); /* not delivered any more */
    assert_int_equal(check(&spec), PROVIDER_ABSENT_THING);
}

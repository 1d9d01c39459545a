/* test_access.c - who may do what: tokens, users, roles, passwords, the first admin. */
#include "../services/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "access/access.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

const char *const service_tables[] = {
    "SELECT hash, id, user_name, role, expires_ms FROM access_tokens ORDER BY hash",
    "SELECT user_name, hash FROM access_passwords ORDER BY user_name", NULL};

static struct access *open_access(struct fixture *f)
{
    struct access *access = NULL;
    assert_ok(
        f, access_open(f->store, arena_printf(&f->arena, "%s/key", f->folder), &access, &f->err));
    return access;
}

void service_open(struct fixture *f)
{
    assert_ok(f, store_migrate(f->store, &access_store_module, 1, &f->err));
    f->service = open_access(f);
}

void service_close(struct fixture *f)
{
    access_close(f->service);
}

#define PASSWORD "correct horse 电池"

static void add_user(struct fixture *f, const char *name, int role, const char *password)
{
    struct access_user_spec spec = {.name = name, .role = role, .password = password};
    assert_ok(f, access_user_create(f->service, &spec, &actor, &f->err));
}

static const char *add_token(struct fixture *f, const char *user, int role, int64_t expires_at,
                             const char **ret_id)
{
    char id[ID_SIZE], token[64];
    struct access_token_spec spec = {.user = user, .role = role, .expires_at = expires_at};
    assert_ok(f, access_token_create(f->service, &spec, &actor, id, token, &f->err));
    if (ret_id)
        *ret_id = arena_strdup(&f->arena, id);
    return arena_printf(&f->arena, "Bearer %s", token);
}

static enum err_code check(struct fixture *f, struct access *access, const char *token,
                           struct access_identity *out)
{
    struct access_identity identity;
    return access_check(access, token, out ? out : &identity, &f->err);
}

struct starter {
    pthread_t thread;
    struct access *access;
    pthread_barrier_t *barrier;
    char token[64];
    enum err_code rc;
    struct err err;
};

static void *bootstrap(void *arg)
{
    struct starter *me = arg;
    pthread_barrier_wait(me->barrier);
    me->rc = access_bootstrap(me->access, me->token, &me->err);
    return NULL;
}

static void test_the_first_admin_is_made_once_even_by_threads_at_once(void **state)
{
    struct fixture *f = *state;
    struct starter starters[6];
    pthread_barrier_t barrier;
    int made = 0;
    char token[64];
    pthread_barrier_init(&barrier, NULL, ARRAY_LEN(starters));
    for (size_t i = 0; i < ARRAY_LEN(starters); i++) {
        starters[i] = (struct starter){.access = f->service, .barrier = &barrier};
        pthread_create(&starters[i].thread, NULL, bootstrap, &starters[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(starters); i++) {
        pthread_join(starters[i].thread, NULL);
        assert_ok_(starters[i].rc, &starters[i].err, "bootstrap", __FILE__, __LINE__);
        if (!starters[i].token[0])
            continue;
        struct access_identity who;
        made++;
        assert_ok(
            f, check(f, f->service, arena_printf(&f->arena, "Bearer %s", starters[i].token), &who));
        assert_string_equal(who.user, "admin");
        assert_int_equal(who.role, ACCESS_ADMIN);
        assert_true(who.all_tenants);
    }
    pthread_barrier_destroy(&barrier);
    assert_int_equal(made, 1);
    assert_int_equal(events_of(f, "users", NULL, NULL), 1);
    assert_int_equal(events_of(f, "tokens", NULL, NULL), 1);
    assert_ok(f, access_bootstrap(f->service, token, &f->err));
    assert_string_equal(token, "");
}

static void test_only_the_whole_token_is_known(void **state)
{
    struct fixture *f = *state;
    add_user(f, "li", ACCESS_VIEWER, NULL);
    const char *token = add_token(f, "li", 0, 0, NULL);
    char changed[80];
    assert_ok(f, check(f, f->service, token, NULL));
    assert_int_equal(strlen(token), strlen("Bearer swan_") + 43);
    for (size_t i = strlen("Bearer "); i < strlen(token); i++) {
        snprintf(changed, sizeof changed, "%s", token);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, changed, NULL));
    }
    char *huge = arena_alloc(&f->arena, 100001);
    memset(huge, 'a', 100000);
    memcpy(huge, "Bearer ", 7);
    huge[100000] = '\0';
    const char *const others[] = {NULL,
                                  "",
                                  "Bearer",
                                  "Bearer ",
                                  token + strlen("Bearer "),
                                  arena_printf(&f->arena, "%sA", token),
                                  arena_printf(&f->arena, "Basic %s", token),
                                  huge};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, others[i], NULL));
        assert_true(f->err.hint[0]);
    }
}

static void test_a_revoked_token_stops_at_once_here_and_after_a_refresh_elsewhere(void **state)
{
    struct fixture *f = *state;
    const char *id;
    add_user(f, "li", ACCESS_OPERATOR, NULL);
    struct access *other = open_access(f);
    const char *token = add_token(f, "li", 0, 0, &id), *kept = add_token(f, "li", 0, 0, NULL);
    assert_ok(f, check(f, f->service, token, NULL));
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, other, token, NULL));
    assert_ok(f, access_refresh(other, &f->err));
    assert_ok(f, check(f, other, token, NULL));
    assert_ok(f, access_token_revoke(f->service, id, &actor, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, token, NULL));
    assert_ok(f, check(f, other, token, NULL));
    assert_ok(f, access_refresh(other, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, other, token, NULL));
    assert_ok(f, check(f, other, kept, NULL));
    access_close(other);
    assert_fails(f, ERR_NOT_FOUND, access_token_revoke(f->service, id, &actor, &f->err));
}

static void test_a_token_ends_at_its_time_and_is_swept_by_the_next(void **state)
{
    struct fixture *f = *state;
    add_user(f, "li", ACCESS_VIEWER, NULL);
    struct access_token_spec past = {.user = "li", .expires_at = clock_now_ms() - 1};
    char id[ID_SIZE], text[64];
    assert_fails(f, ERR_INVALID, access_token_create(f->service, &past, &actor, id, text, &f->err));
    assert_string_equal(f->err.field, "expires_at");
    int64_t end = clock_now_ms() + 400;
    const char *token = add_token(f, "li", 0, end, NULL);
    assert_ok(f, check(f, f->service, token, NULL));
    while (clock_now_ms() <= end)
        clock_sleep_ms(10);
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, token, NULL));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM access_tokens"), 1);
    add_token(f, "li", 0, 0, NULL);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM access_tokens"), 1);
    assert_int_equal(events_of(f, "tokens", NULL, "deleted"), 1);
}

static void test_a_disabled_user_has_no_working_token_until_enabled(void **state)
{
    struct fixture *f = *state;
    char token_text[64];
    int64_t expires;
    add_user(f, "wang", ACCESS_CUSTOMER, PASSWORD);
    const char *token = add_token(f, "wang", 0, 0, NULL);
    struct access_user_spec spec = {
        .name = "wang", .role = ACCESS_CUSTOMER, .disabled = {true, true}};
    assert_ok(f, access_user_update(f->service, "wang", 0, &spec, &actor, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, token, NULL));
    assert_fails(f, ERR_UNAUTHENTICATED,
                 access_login(f->service, "wang", PASSWORD, token_text, &expires, &f->err));
    spec.disabled.value = false;
    assert_ok(f, access_user_update(f->service, "wang", 0, &spec, &actor, &f->err));
    assert_ok(f, check(f, f->service, token, NULL));
    /* The update without a password has kept it. */
    assert_ok(f, access_login(f->service, "wang", PASSWORD, token_text, &expires, &f->err));
}

static void test_the_last_enabled_admin_stays(void **state)
{
    struct fixture *f = *state;
    char token[64];
    assert_ok(f, access_bootstrap(f->service, token, &f->err));
    add_user(f, "bob", ACCESS_OPERATOR, NULL);
    struct access_user_spec lower = {.name = "admin", .role = ACCESS_OPERATOR};
    struct access_user_spec off = {.name = "admin", .role = ACCESS_ADMIN, .disabled = {true, true}};
    char *before = dump(f);
    assert_fails(f, ERR_CONFLICT, access_user_delete(f->service, "admin", &actor, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 access_user_update(f->service, "admin", 0, &lower, &actor, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 access_user_update(f->service, "admin", 0, &off, &actor, &f->err));
    assert_string_equal(before, dump(f));
    struct access_user_spec second = {
        .name = "bob", .role = ACCESS_ADMIN, .disabled = {true, true}};
    assert_ok(f, access_user_update(f->service, "bob", 0, &second, &actor, &f->err));
    assert_fails(f, ERR_CONFLICT, access_user_delete(f->service, "admin", &actor, &f->err));
    second.disabled.value = false;
    assert_ok(f, access_user_update(f->service, "bob", 0, &second, &actor, &f->err));
    assert_ok(f, access_user_delete(f->service, "admin", &actor, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED,
                 check(f, f->service, arena_printf(&f->arena, "Bearer %s", token), NULL));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM access_tokens"), 0);
    assert_fails(f, ERR_CONFLICT, access_user_delete(f->service, "bob", &actor, &f->err));
    assert_fails(f, ERR_NOT_FOUND, access_user_delete(f->service, "nobody", &actor, &f->err));
}

static void test_a_token_has_at_most_the_users_role(void **state)
{
    struct fixture *f = *state;
    struct access_identity who;
    char id[ID_SIZE], text[64];
    add_user(f, "op", ACCESS_OPERATOR, NULL);
    struct access_token_spec more = {.user = "op", .role = ACCESS_ADMIN};
    assert_fails(f, ERR_INVALID, access_token_create(f->service, &more, &actor, id, text, &f->err));
    assert_string_equal(f->err.field, "role");
    const char *less = add_token(f, "op", ACCESS_VIEWER, 0, NULL);
    const char *same = add_token(f, "op", 0, 0, NULL);
    const char *fixed = add_token(f, "op", ACCESS_OPERATOR, 0, NULL);
    assert_ok(f, check(f, f->service, less, &who));
    assert_int_equal(who.role, ACCESS_VIEWER);
    assert_false(who.all_tenants);
    assert_ok(f, check(f, f->service, same, &who));
    assert_int_equal(who.role, ACCESS_OPERATOR);
    assert_true(who.all_tenants);
    struct access_user_spec lower = {.name = "op", .role = ACCESS_CUSTOMER};
    assert_ok(f, access_user_update(f->service, "op", 0, &lower, &actor, &f->err));
    assert_ok(f, check(f, f->service, fixed, &who));
    assert_int_equal(who.role, ACCESS_CUSTOMER);
    struct access_token_spec nobodys = {.user = "nobody"};
    assert_fails(f, ERR_NOT_FOUND,
                 access_token_create(f->service, &nobodys, &actor, id, text, &f->err));
    struct access_token_spec whose = {.title = "x"};
    assert_fails(f, ERR_INVALID,
                 access_token_create(f->service, &whose, &actor, id, text, &f->err));
}

static void test_operators_and_admins_belong_to_no_tenant(void **state)
{
    struct fixture *f = *state;
    struct access_tenant_spec tenant = {.name = "acme"};
    struct access_identity who;
    assert_ok(f, access_tenant_create(f->service, &tenant, &actor, &f->err));
    struct access_user_spec spec = {.name = "eve", .tenant = "acme", .role = ACCESS_OPERATOR};
    assert_fails(f, ERR_INVALID, access_user_create(f->service, &spec, &actor, &f->err));
    assert_string_equal(f->err.field, "tenant");
    spec.role = ACCESS_CUSTOMER;
    assert_ok(f, access_user_create(f->service, &spec, &actor, &f->err));
    assert_ok(f, check(f, f->service, add_token(f, "eve", 0, 0, NULL), &who));
    assert_string_equal(who.tenant, "acme");
    assert_false(who.all_tenants);
    spec.role = ACCESS_ADMIN;
    assert_fails(f, ERR_INVALID, access_user_update(f->service, "eve", 0, &spec, &actor, &f->err));
    struct access_user_spec nowhere = {.name = "x", .tenant = "nowhere", .role = ACCESS_VIEWER};
    assert_fails(f, ERR_INVALID, access_user_create(f->service, &nowhere, &actor, &f->err));
    assert_string_equal(f->err.field, "tenant");
}

static void test_names_that_an_identity_cannot_hold_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[65];
    memset(name, 'a', 64);
    name[64] = '\0';
    struct access_tenant_spec tenant = {.name = name};
    struct access_user_spec user = {.name = name, .role = ACCESS_VIEWER};
    assert_fails(f, ERR_INVALID, access_tenant_create(f->service, &tenant, &actor, &f->err));
    assert_fails(f, ERR_INVALID, access_user_create(f->service, &user, &actor, &f->err));
    name[63] = '\0';
    assert_ok(f, access_tenant_create(f->service, &tenant, &actor, &f->err));
    user.tenant = name;
    assert_ok(f, access_user_create(f->service, &user, &actor, &f->err));
    struct access_identity who;
    assert_ok(f, check(f, f->service, add_token(f, name, 0, 0, NULL), &who));
    assert_string_equal(who.tenant, name);
    assert_string_equal(who.user, name);
    struct access_user_spec renamed = {.name = "b", .role = ACCESS_VIEWER};
    assert_fails(f, ERR_INVALID,
                 access_user_update(f->service, name, 0, &renamed, &actor, &f->err));
    struct access_user_spec slash = {.name = "a/b", .role = ACCESS_VIEWER};
    assert_fails(f, ERR_INVALID, access_user_create(f->service, &slash, &actor, &f->err));
}

static void test_a_right_password_gives_a_token_and_a_wrong_one_says_nothing(void **state)
{
    struct fixture *f = *state;
    char token[64], wrong_text[480];
    int64_t expires;
    struct access_identity who;
    add_user(f, "li", ACCESS_CUSTOMER, PASSWORD);
    add_user(f, "tokens-only", ACCESS_VIEWER, NULL);
    assert_ok(f, access_login(f->service, "li", PASSWORD, token, &expires, &f->err));
    assert_true(expires > clock_now_ms() + 11 * 3600 * 1000 &&
                expires <= clock_now_ms() + 12 * 3600 * 1000);
    assert_ok(f, check(f, f->service, arena_printf(&f->arena, "Bearer %s", token), &who));
    assert_string_equal(who.user, "li");
    int64_t begin = clock_mono_us();
    assert_fails(f, ERR_UNAUTHENTICATED,
                 access_login(f->service, "li", "correct horse", token, &expires, &f->err));
    int64_t known_us = clock_mono_us() - begin;
    snprintf(wrong_text, sizeof wrong_text, "%s", f->err.text);
    begin = clock_mono_us();
    assert_fails(f, ERR_UNAUTHENTICATED,
                 access_login(f->service, "nobody", PASSWORD, token, &expires, &f->err));
    int64_t unknown_us = clock_mono_us() - begin;
    assert_string_equal(f->err.text, wrong_text);
    assert_true(unknown_us > known_us / 4); /* a hash was checked, too */
    assert_fails(f, ERR_UNAUTHENTICATED,
                 access_login(f->service, "tokens-only", "", token, &expires, &f->err));
    assert_string_equal(f->err.text, wrong_text);
    struct access_user_spec brief = {.name = "b", .role = ACCESS_VIEWER, .password = "1234567"};
    assert_fails(f, ERR_INVALID, access_user_create(f->service, &brief, &actor, &f->err));
    assert_string_equal(f->err.field, "password");
}

static void test_a_new_password_ends_logins_and_leaves_tokens_of_programs(void **state)
{
    struct fixture *f = *state;
    char login[64], program[64], id[ID_SIZE];
    int64_t expires;
    struct access_identity who;
    add_user(f, "li", ACCESS_CUSTOMER, PASSWORD);
    assert_ok(f, access_login(f->service, "li", PASSWORD, login, &expires, &f->err));
    struct access_token_spec spec = {
        .user = "li", .title = "backup", .expires_at = clock_now_ms() + 3600 * 1000};
    assert_ok(f, access_token_create(f->service, &spec, &actor, id, program, &f->err));
    struct access_user_spec renamed = {.name = "li", .title = "Li", .role = ACCESS_CUSTOMER};
    assert_ok(f, access_user_update(f->service, "li", 0, &renamed, &actor, &f->err));
    assert_ok(f, check(f, f->service, arena_printf(&f->arena, "Bearer %s", login), &who));
    renamed.password = "another horse";
    assert_ok(f, access_user_update(f->service, "li", 0, &renamed, &actor, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED,
                 check(f, f->service, arena_printf(&f->arena, "Bearer %s", login), &who));
    assert_ok(f, check(f, f->service, arena_printf(&f->arena, "Bearer %s", program), &who));
}

struct guesser {
    pthread_t thread;
    struct access *access;
    int wrong, slowed, others;
};

static void *guess(void *arg)
{
    struct guesser *me = arg;
    for (int i = 0; i < 4; i++) {
        char token[64];
        int64_t expires;
        struct err err;
        enum err_code rc =
            access_login(me->access, "li", "not the password", token, &expires, &err);
        me->wrong += rc == ERR_UNAUTHENTICATED;
        me->slowed += rc == ERR_RATE;
        me->others += rc != ERR_UNAUTHENTICATED && rc != ERR_RATE;
    }
    return NULL;
}

static void test_ten_wrong_passwords_slow_a_user_also_when_tried_at_once(void **state)
{
    struct fixture *f = *state;
    struct guesser guessers[8];
    char token[64];
    int64_t expires;
    int wrong = 0, slowed = 0;
    add_user(f, "li", ACCESS_VIEWER, PASSWORD);
    add_user(f, "wang", ACCESS_VIEWER, PASSWORD);
    for (size_t i = 0; i < ARRAY_LEN(guessers); i++) {
        guessers[i] = (struct guesser){.access = f->service};
        pthread_create(&guessers[i].thread, NULL, guess, &guessers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(guessers); i++) {
        pthread_join(guessers[i].thread, NULL);
        wrong += guessers[i].wrong;
        slowed += guessers[i].slowed;
        assert_int_equal(guessers[i].others, 0);
    }
    /* Two are checked at a time, so one more than ten can slip through. */
    assert_in_range(wrong, 10, 11);
    assert_int_equal(wrong + slowed, 32);
    assert_fails(f, ERR_RATE, access_login(f->service, "li", PASSWORD, token, &expires, &f->err));
    assert_ok(f, access_login(f->service, "wang", PASSWORD, token, &expires, &f->err));
}

static void test_no_record_event_or_table_holds_a_password_or_a_token(void **state)
{
    struct fixture *f = *state;
    char token[64], bootstrap_token[64];
    int64_t expires;
    assert_ok(f, access_bootstrap(f->service, bootstrap_token, &f->err));
    add_user(f, "li", ACCESS_CUSTOMER, PASSWORD);
    struct access_user_spec change = {
        .name = "li", .role = ACCESS_CUSTOMER, .password = "another pass phrase"};
    assert_ok(f, access_user_update(f->service, "li", 0, &change, &actor, &f->err));
    assert_ok(f, access_login(f->service, "li", "another pass phrase", token, &expires, &f->err));
    const char *all = dump(f);
    const char *const secrets[] = {PASSWORD, "correct horse", "another pass", token,
                                   bootstrap_token};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        assert_null(strstr(all, secrets[i]));
    assert_non_null(strstr(all, "$argon2id$"));
    /* Hashes stay in tables of their own: what records and events show has none. */
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_journal WHERE body LIKE '%argon2%'"
                                  " OR body LIKE '%password%'"),
                     0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_record WHERE spec LIKE '%argon2%'"
                                  " OR spec LIKE '%password%'"),
                     0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_journal AS j, access_tokens AS t"
                                  " WHERE j.body LIKE '%' || t.hash || '%'"),
                     0);
}

static void test_the_key_is_private_and_another_key_knows_no_token(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    struct access *other = NULL;
    add_user(f, "li", ACCESS_VIEWER, NULL);
    const char *token = add_token(f, "li", 0, 0, NULL);
    assert_int_equal(stat(arena_printf(&f->arena, "%s/key", f->folder), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_ok(
        f, access_open(f->store, arena_printf(&f->arena, "%s/other", f->folder), &other, &f->err));
    assert_fails(f, ERR_UNAUTHENTICATED, check(f, other, token, NULL));
    access_close(other);
    other = open_access(f);
    assert_ok(f, check(f, other, token, NULL));
    access_close(other);
    const char *broken = arena_printf(&f->arena, "%s/broken", f->folder);
    assert_ok(f, file_write_atomic(broken, "abc", 3, 0600, &f->err));
    assert_fails(f, ERR_CORRUPT, access_open(f->store, broken, &other, &f->err));
}

struct checker {
    pthread_t thread;
    struct access *access;
    const char *token;
    volatile bool *stop;
    long checks, refused;
};

static void *keep_checking(void *arg)
{
    struct checker *me = arg;
    struct access_identity who;
    while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED)) {
        me->checks++;
        me->refused += access_check(me->access, me->token, &who, NULL) != ERR_OK;
    }
    return NULL;
}

static void *keep_refreshing(void *arg)
{
    struct checker *me = arg;
    while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED))
        me->refused += access_refresh(me->access, NULL) != ERR_OK;
    return NULL;
}

static void test_checks_go_on_while_users_and_tokens_change(void **state)
{
    struct fixture *f = *state;
    struct checker threads[4];
    bool stop = false;
    add_user(f, "li", ACCESS_VIEWER, NULL);
    const char *token = add_token(f, "li", 0, 0, NULL), *id, *dead[20];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        threads[i] = (struct checker){.access = f->service, .token = token, .stop = &stop};
        pthread_create(&threads[i].thread, NULL, i < 2 ? keep_checking : keep_refreshing,
                       &threads[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
        dead[i] = add_token(f, "li", 0, 0, &id);
        assert_ok(f, check(f, f->service, dead[i], NULL));
        assert_ok(f, access_token_revoke(f->service, id, &actor, &f->err));
        assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, dead[i], NULL));
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i].thread, NULL);
        assert_int_equal(threads[i].refused, 0);
        assert_true(i >= 2 || threads[i].checks > 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(dead); i++)
        assert_fails(f, ERR_UNAUTHENTICATED, check(f, f->service, dead[i], NULL));
}

static void test_every_write_leaves_an_audit_event_even_with_a_path_too_long(void **state)
{
    struct fixture *f = *state;
    struct access_identity who = {.user = "li", .tenant = "acme"}, nobody = {.user = ""};
    char path[5000];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    struct access_audit audit = {.method = "POST",
                                 .path = "/api/v1/orders",
                                 .outcome = "201",
                                 .object = "orders/ord-1",
                                 .request = "r1",
                                 .peer = "127.0.0.1"};
    assert_ok(f, access_audit_write(f->service, &who, &audit, &f->err));
    audit = (struct access_audit){.method = "PUT", .path = path, .outcome = "403 forbidden"};
    assert_ok(f, access_audit_write(f->service, &nobody, &audit, &f->err));
    assert_int_equal(events_of(f, "audit", "orders/ord-1", "201"), 1);
    assert_int_equal(events_of(f, "audit", NULL, "403 forbidden"), 1);
}

/* ---- faults ---- */

static enum err_code make_user(struct fixture *f, int n, void *ctx)
{
    struct access_user_spec spec = {.name = arena_printf(&f->arena, "u%d-%s", n, (char *)ctx),
                                    .role = ACCESS_VIEWER};
    return access_user_create(f->service, &spec, &actor, &f->err);
}

static enum err_code change_user(struct fixture *f, int n, void *ctx)
{
    struct access_user_spec spec = {
        .name = ctx, .title = arena_printf(&f->arena, "title %d", n), .role = ACCESS_VIEWER};
    return access_user_update(f->service, ctx, 0, &spec, &actor, &f->err);
}

static enum err_code make_token(struct fixture *f, int n, void *ctx)
{
    struct access_token_spec spec = {.user = ctx};
    char id[ID_SIZE], token[64];
    (void)n;
    return access_token_create(f->service, &spec, &actor, id, token, &f->err);
}

static enum err_code remove_user(struct fixture *f, int n, void *ctx)
{
    (void)n;
    (void)ctx;
    struct store_list_query query = {.collection = "users", .sort = "id", .limit = 1};
    struct store_page page;
    struct store_tx *tx = NULL;
    enum err_code rc = store_begin(f->store, STORE_READ, &tx, &f->err);
    if (!rc)
        rc = store_list(tx, &query, &page, &f->arena, &f->err);
    store_rollback(tx);
    return rc ? rc : access_user_delete(f->service, page.records[0].id, &actor, &f->err);
}

static enum err_code write_audit(struct fixture *f, int n, void *ctx)
{
    struct access_identity who = {.user = "li"};
    struct access_audit audit = {.method = "GET", .path = "/", .outcome = "200"};
    (void)n;
    (void)ctx;
    return access_audit_write(f->service, &who, &audit, &f->err);
}

static enum err_code make_tenant(struct fixture *f, int n, void *ctx)
{
    struct access_tenant_spec spec = {.name = arena_printf(&f->arena, "t%d", n)};
    (void)ctx;
    return access_tenant_create(f->service, &spec, &actor, &f->err);
}

static void test_a_write_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    add_user(f, "li", ACCESS_VIEWER, NULL);
    assert_all_or_nothing(f, make_tenant, NULL);
    assert_all_or_nothing(f, make_user, (void *)(uintptr_t) "x");
    assert_all_or_nothing(f, change_user, (void *)(uintptr_t) "li");
    assert_all_or_nothing(f, make_token, (void *)(uintptr_t) "li");
    for (int i = 0; i < 60; i++)
        add_user(f, arena_printf(&f->arena, "a%02d", i), ACCESS_VIEWER, NULL);
    assert_all_or_nothing(f, remove_user, NULL);
    assert_all_or_nothing(f, write_audit, NULL);
}

static void test_the_first_token_is_not_lost_when_showing_it_fails(void **state)
{
    struct fixture *f = *state;
    for (int hit = 1; hit < 20; hit++) {
        char token[64], spec[64];
        snprintf(spec, sizeof spec, "store.query=io@%d", hit);
        assert_ok(f, fault_arm(spec, &f->err));
        enum err_code rc = access_bootstrap(f->service, token, &f->err);
        fault_disarm();
        if (rc) {
            assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_record"), 0);
            continue;
        }
        assert_true(token[0]);
        assert_ok(f, access_refresh(f->service, &f->err));
        assert_ok(f, check(f, f->service, arena_printf(&f->arena, "Bearer %s", token), NULL));
        return;
    }
    fail();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(test_the_first_admin_is_made_once_even_by_threads_at_once),
        SERVICE_TEST(test_only_the_whole_token_is_known),
        SERVICE_TEST(test_a_revoked_token_stops_at_once_here_and_after_a_refresh_elsewhere),
        SERVICE_TEST(test_a_token_ends_at_its_time_and_is_swept_by_the_next),
        SERVICE_TEST(test_a_disabled_user_has_no_working_token_until_enabled),
        SERVICE_TEST(test_the_last_enabled_admin_stays),
        SERVICE_TEST(test_a_token_has_at_most_the_users_role),
        SERVICE_TEST(test_operators_and_admins_belong_to_no_tenant),
        SERVICE_TEST(test_names_that_an_identity_cannot_hold_are_refused),
        SERVICE_TEST(test_a_right_password_gives_a_token_and_a_wrong_one_says_nothing),
        SERVICE_TEST(test_a_new_password_ends_logins_and_leaves_tokens_of_programs),
        SERVICE_TEST(test_ten_wrong_passwords_slow_a_user_also_when_tried_at_once),
        SERVICE_TEST(test_no_record_event_or_table_holds_a_password_or_a_token),
        SERVICE_TEST(test_the_key_is_private_and_another_key_knows_no_token),
        SERVICE_TEST(test_checks_go_on_while_users_and_tokens_change),
        SERVICE_TEST(test_every_write_leaves_an_audit_event_even_with_a_path_too_long),
        SERVICE_TEST(test_a_write_that_the_store_fails_has_changed_nothing),
        SERVICE_TEST(test_the_first_token_is_not_lost_when_showing_it_fails),
    };
    return fixture_main(argc, argv, "access", tests, ARRAY_LEN(tests));
}

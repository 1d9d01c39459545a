/* postgres_conn.c - one PostgreSQL connection: settings, prepared statements, values in and out,
 * what its errors mean.
 *
 * Contract: a connection is used by one thread at a time.  Arguments travel in binary form with
 * the type of their value, results in text form.  After any function here the connection is idle or
 * broken, never in the middle of a result. */
#include "store/postgres_priv.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* pg_type.h: these numbers never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700
};

/* ---- errors ---- */

struct state_meaning {
    const char *prefix; /* of SQLSTATE; the first that fits counts */
    enum err_code code;
    bool retry;
};
static const struct state_meaning meanings[] = {
    {"40001", ERR_TRANSIENT, true},  /* serialization failure */
    {"40P01", ERR_TRANSIENT, true},  /* deadlock */
    {"40", ERR_TRANSIENT, true},     /* other rollback */
    {"55P03", ERR_TRANSIENT, true},  /* lock not available */
    {"23505", ERR_CONFLICT, false},  /* unique */
    {"23503", ERR_CONFLICT, false},  /* foreign key */
    {"23P01", ERR_CONFLICT, false},  /* exclusion */
    {"23", ERR_INVALID, false},      /* not null, check */
    {"22", ERR_INVALID, false},      /* data */
    {"25006", ERR_BUG, false},       /* writing in a read transaction */
    {"28", ERR_CREDENTIAL, false},   /* authorization */
    {"3D000", ERR_NOT_FOUND, false}, /* no such database */
    {"42501", ERR_CREDENTIAL, false},
    {"53100", ERR_IO, false},      /* disk full */
    {"53", ERR_TRANSIENT, true},   /* memory, connections */
    {"54", ERR_TOO_LARGE, false},  /* program limit */
    {"57", ERR_TRANSIENT, true},   /* shutdown, starting up, cancelled */
    {"08P01", ERR_BUG, false},     /* protocol: arguments that do not fit */
    {"08", ERR_TRANSIENT, true},   /* connection */
    {"58", ERR_IO, false},         /* system */
    {"XX001", ERR_CORRUPT, false}, /* data corrupted */
    {"XX002", ERR_CORRUPT, false}, /* index corrupted */
};

bool store_postgres_broken(const struct postgres_conn *conn)
{
    return PQstatus(conn->pg) != CONNECTION_OK;
}

/* The first line of a message, without its severity. */
static void first_line(const char *message, char *out, size_t size)
{
    const char *colon = strstr(message, ":  ");
    const char *text = colon ? colon + 3 : message;
    str_format(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

enum err_code store_postgres_error(const struct postgres_conn *conn, const PGresult *result,
                                   bool *retry, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    char text[300];
    if (!state) {
        /* Made by libpq: the connection is gone. */
        first_line(PQerrorMessage(conn->pg), text, sizeof text);
        if (retry) {
            *retry = true;
        }
        return err_set(err, ERR_TRANSIENT, "PostgreSQL: %s",
                       text[0] ? text : "the connection is broken");
    }
    str_format(text, sizeof text, "%s", primary ? primary : state);
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (str_has_prefix(state, meanings[i].prefix)) {
            if (retry) {
                *retry = meanings[i].retry;
            }
            return err_set(err, meanings[i].code, "PostgreSQL: %s", text);
        }
    }
    return err_set(err, ERR_BUG, "PostgreSQL %s: %s", state, text);
}

/* ---- connecting ---- */

static void drop_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

static enum err_code check_server(struct postgres_conn *conn, struct err *err)
{
    const char *encoding = PQparameterStatus(conn->pg, "server_encoding");
    if (!str_eq(encoding, "UTF8")) {
        err_set(err, ERR_UNSUPPORTED, "the database's encoding is %s, not UTF8",
                encoding ? encoding : "unknown");
        err_hint(err, "create it with: createdb -E UTF8 -T template0 NAME");
        return ERR_UNSUPPORTED;
    }
    if (PQserverVersion(conn->pg) < POSTGRES_STORE_VERSION_MIN) {
        return err_set(err, ERR_UNSUPPORTED, "PostgreSQL is older than version 13");
    }
    return ERR_OK;
}

enum err_code store_postgres_connect(const char *url, struct postgres_conn **out, struct err *err)
{
    /* Those before dbname are defaults that the URL may override, those after are fixed. */
    const char *const names[] = {
        "connect_timeout",  "keepalives_idle",  "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "fallback_application_name",
        "dbname",           "client_encoding",  NULL};
    const char *const values[] = {"10", "30", "10", "3", "30000", "swan", url, "UTF8", NULL};
    /* A commit is durable even where the database's default says it need not be. */
    static const char settings[] =
        "SET bytea_output = hex; SET standard_conforming_strings = on; SET extra_float_digits = 1;"
        " SET client_min_messages = warning; SET idle_in_transaction_session_timeout = '5min';"
        " SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'";
    struct postgres_conn *conn = mem_zalloc(sizeof *conn);
    conn->pg = PQconnectdbParams(names, values, 1);
    enum err_code rc = ERR_OK;
    if (!conn->pg || PQstatus(conn->pg) != CONNECTION_OK) {
        char text[300] = "";
        if (conn->pg) {
            first_line(PQerrorMessage(conn->pg), text, sizeof text);
        }
        rc = err_set(err, ERR_TRANSIENT, "PostgreSQL cannot be reached: %s", text);
        err_hint(err, "check the address of the store and whether the server runs");
    } else {
        PQsetNoticeReceiver(conn->pg, drop_notice, NULL);
        rc = check_server(conn, err);
        if (rc == ERR_OK) {
            rc = store_postgres_do(conn, settings, NULL, NULL, err);
        }
    }
    if (rc) {
        store_postgres_disconnect(conn);
        return rc;
    }
    *out = conn;
    return ERR_OK;
}

static void clear_statements(struct postgres_conn *conn)
{
    for (size_t i = 0; i < conn->statement_count; i++) {
        mem_free(conn->statements[i].key);
    }
    conn->statement_count = 0;
}

void store_postgres_disconnect(struct postgres_conn *conn)
{
    if (conn) {
        clear_statements(conn);
        PQfinish(conn->pg);
        mem_free(conn);
    }
}

void store_postgres_forget_statements(struct postgres_conn *conn)
{
    clear_statements(conn);
    store_postgres_do(conn, "DEALLOCATE ALL", NULL, NULL, NULL);
}

enum err_code store_postgres_do(struct postgres_conn *conn, const char *sql, int64_t *out,
                                bool *retry, struct err *err)
{
    PGresult *result = PQexec(conn->pg, sql);
    enum err_code rc = ERR_OK;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        rc = store_postgres_error(conn, result, retry, err);
    } else if (out) {
        bool has = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
        *out = has ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    }
    PQclear(result);
    return rc;
}

/* ---- arguments ---- */

struct arguments {
    Oid *types;
    const char **values;
    int *lengths, *formats;
    uint64_t *numbers; /* in network order, for values to point at */
};

static void arguments_init(struct arguments *a, const struct store_value *args, size_t count)
{
    size_t room = count + 1;
    a->types = mem_array(room, sizeof *a->types);
    a->values = mem_array(room, sizeof *a->values);
    a->lengths = mem_array(room, sizeof *a->lengths);
    a->formats = mem_array(room, sizeof *a->formats);
    a->numbers = mem_array(room, sizeof *a->numbers);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = (uint64_t)args[i].integer;
        a->formats[i] = 1;
        switch (args[i].type) {
        case STORE_REAL:
            memcpy(&bits, &args[i].real, sizeof bits);
            /* fall through */
        case STORE_INT:
            a->types[i] = args[i].type == STORE_INT ? OID_INT8 : OID_FLOAT8;
            a->numbers[i] = htobe64(bits);
            a->values[i] = (const char *)&a->numbers[i];
            a->lengths[i] = (int)sizeof bits;
            break;
        case STORE_TEXT:
        case STORE_BLOB:
            a->types[i] = args[i].type == STORE_TEXT ? OID_TEXT : OID_BYTEA;
            a->values[i] = args[i].len ? args[i].text : "";
            a->lengths[i] = (int)args[i].len;
            break;
        case STORE_NULL:
            break; /* type 0: the server infers it */
        }
    }
}

static void arguments_done(struct arguments *a)
{
    mem_free(a->types);
    mem_free(a->values);
    mem_free(a->lengths);
    mem_free(a->formats);
    mem_free(a->numbers);
}

/* ---- prepared statements ---- */

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

static struct postgres_statement *free_slot(struct postgres_conn *conn)
{
    if (conn->statement_count < POSTGRES_STORE_STATEMENTS) {
        return &conn->statements[conn->statement_count++];
    }
    struct postgres_statement *oldest = &conn->statements[0];
    for (size_t i = 1; i < conn->statement_count; i++) {
        if (conn->statements[i].used < oldest->used) {
            oldest = &conn->statements[i];
        }
    }
    char sql[64];
    snprintf(sql, sizeof sql, "DEALLOCATE %s", oldest->name);
    store_postgres_do(conn, sql, NULL, NULL, NULL);
    mem_free(oldest->key);
    return oldest;
}

static enum err_code prepare(struct postgres_conn *conn, const char *sql,
                             const struct store_value *args, size_t arg_count,
                             const struct arguments *arguments, const char **out, bool *retry,
                             struct err *err)
{
    CLEANUP(buf_done) struct buf key = BUF_INIT;
    buf_add_str(&key, sql);
    for (size_t i = 0; i < arg_count; i++) {
        buf_add_char(&key, (char)('\1' + (int)args[i].type));
    }
    uint64_t hash = hash_text(key.data);
    for (size_t i = 0; i < conn->statement_count; i++) {
        struct postgres_statement *found = &conn->statements[i];
        if (found->hash == hash && strcmp(found->key, key.data) == 0) {
            found->used = ++conn->clock;
            *out = found->name;
            return ERR_OK;
        }
    }
    char name[24];
    snprintf(name, sizeof name, "s%llu", (unsigned long long)++conn->serial);
    PGresult *result = PQprepare(conn->pg, name, sql, (int)arg_count, arguments->types);
    enum err_code rc = ERR_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        rc = store_postgres_error(conn, result, retry, err);
    }
    PQclear(result);
    if (rc) {
        return rc;
    }
    struct postgres_statement *slot = free_slot(conn);
    *slot = (struct postgres_statement){.key = buf_take(&key), .hash = hash, .used = ++conn->clock};
    memcpy(slot->name, name, sizeof name);
    *out = slot->name;
    return ERR_OK;
}

/* ---- results ---- */

/* *owned: what the cell's bytes were decoded into, to be freed with PQfreemem. */
static void cell_value(const PGresult *result, int row, int column, struct store_value *out,
                       unsigned char **owned)
{
    *out = (struct store_value){.type = STORE_NULL};
    if (PQgetisnull(result, row, column)) {
        return;
    }
    char *text = PQgetvalue(result, row, column);
    switch (PQftype(result, column)) {
    case OID_BOOL:
        out->type = STORE_INT;
        out->integer = text[0] == 't';
        break;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        out->type = STORE_INT;
        out->integer = strtoll(text, NULL, 10);
        break;
    case OID_NUMERIC: /* SUM of BIGINT: an integer to SQLite */
        if (str_to_int64(text, &out->integer, NULL) == ERR_OK) {
            out->type = STORE_INT;
            break;
        }
        /* fall through */
    case OID_FLOAT4:
    case OID_FLOAT8:
        out->type = STORE_REAL;
        out->real = strtod(text, NULL);
        return;
    case OID_BYTEA:
        out->type = STORE_BLOB;
        *owned = PQunescapeBytea((const unsigned char *)text, &out->len);
        out->text = (const char *)*owned;
        return;
    default:
        out->type = STORE_TEXT;
        out->text = text;
        out->len = (size_t)PQgetlength(result, row, column);
        return;
    }
    out->real = (double)out->integer;
}

static enum err_code deliver(const PGresult *result, store_row_fn row, void *ctx, struct err *err)
{
    int columns = PQnfields(result);
    struct store_value *cells = mem_array((size_t)columns + 1, sizeof *cells);
    unsigned char **owned = mem_array((size_t)columns + 1, sizeof *owned);
    enum err_code rc = ERR_OK;
    for (int r = 0; rc == ERR_OK && r < PQntuples(result); r++) {
        for (int c = 0; c < columns; c++) {
            cell_value(result, r, c, &cells[c], &owned[c]);
        }
        rc = row(ctx, cells, (size_t)columns, err);
        for (int c = 0; c < columns; c++) {
            PQfreemem(owned[c]);
            owned[c] = NULL;
        }
    }
    mem_free(cells);
    mem_free(owned);
    return rc;
}

/* Reads all results of a statement that was sent; rows one by one, so a table of any size streams.
 */
static enum err_code receive(struct postgres_conn *conn, store_row_fn row, void *ctx,
                             int64_t *changed, bool *retry, struct err *err)
{
    enum err_code rc = ERR_OK;
    PGresult *result;
    while ((result = PQgetResult(conn->pg))) {
        ExecStatusType status = PQresultStatus(result);
        if (rc != ERR_OK) {
            /* drain */
        } else if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
            rc = row ? deliver(result, row, ctx, err) : ERR_OK;
            if (rc) {
                char ignored[256];
                PGcancel *cancel = PQgetCancel(conn->pg);
                PQcancel(cancel, ignored, sizeof ignored);
                PQfreeCancel(cancel);
            }
        } else if (status != PGRES_COMMAND_OK) {
            rc = store_postgres_error(conn, result, retry, err);
        }
        if (rc == ERR_OK && changed && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)) {
            const char *count = PQcmdTuples(result);
            *changed = count[0] ? strtoll(count, NULL, 10) : 0;
        }
        PQclear(result);
        if (PQstatus(conn->pg) != CONNECTION_OK) {
            break;
        }
    }
    if (rc == ERR_OK && PQstatus(conn->pg) != CONNECTION_OK) {
        rc = store_postgres_error(conn, NULL, retry, err);
    }
    return rc;
}

enum err_code store_postgres_run(struct store_tx *base, const char *sql,
                                 const struct store_value *args, size_t arg_count, store_row_fn row,
                                 void *ctx, int64_t *changed, struct err *err)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    CLEANUP(arguments_done) struct arguments arguments;
    const char *name;
    arguments_init(&arguments, args, arg_count);
    enum err_code rc =
        prepare(tx->conn, sql, args, arg_count, &arguments, &name, &base->retry, err);
    if (rc) {
        return rc;
    }
    if (!PQsendQueryPrepared(tx->conn->pg, name, (int)arg_count, arguments.values,
                             arguments.lengths, arguments.formats, 0)) {
        return store_postgres_error(tx->conn, NULL, &base->retry, err);
    }
    if (row) {
        PQsetSingleRowMode(tx->conn->pg);
    }
    return receive(tx->conn, row, ctx, changed, &base->retry, err);
}

enum err_code store_postgres_script(struct store_tx *base, const char *sql, struct err *err)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    return store_postgres_do(tx->conn, sql, NULL, &base->retry, err);
}

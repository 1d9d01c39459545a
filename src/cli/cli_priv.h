/* cli_priv.h - what the files of cli share. */
#ifndef SWAN_CLI_CLI_PRIV_H
#define SWAN_CLI_CLI_PRIV_H

#include <stdio.h>

#include "base/json.h"
#include "cli/cli.h"
#include "types/deployment.h"
#include "types/plan.h"
#include "types/requirement.h"
#include "types/run.h"
#include "types/solution.h"
#include "types/solution_batch.h"
#include "wire/http.h"

#define CLI_PROGRAM "swan"
#define CLI_MAX_ARGUMENTS 4
#define CLI_MAX_OPTIONS 128
#define CLI_SERVER_DEFAULT "http://127.0.0.1:8080"

enum cli_format { CLI_TABLE, CLI_JSON, CLI_YAML };

struct cli_call {
    const struct cli_command *command;
    const struct cli_hooks *hooks;
    struct arena *arena;
    const char *arguments[CLI_MAX_ARGUMENTS];
    size_t argument_count;
    struct {
        const struct cli_option *option;
        const char *value; /* "" of a flag */
    } options[CLI_MAX_OPTIONS];
    size_t option_count;
    enum cli_format format;
    bool quiet;
    bool colour;   /* escape sequences are wanted on stdout */
    bool terminal; /* stdout is one, and it can move its cursor */
    int width;     /* columns of the terminal; 0 = unlimited */
    FILE *people;  /* where text for people goes: stdout, or stderr beside JSON; NULL = nowhere */
    const char *server, *token;
    int64_t timeout_ms;
    bool reached; /* the server has answered once: a broken connection is worth another try */
};

/* ---- commands.c: the table ---- */
struct cli_command_table { /* the commands of one file */
    const struct cli_command *commands;
    size_t count;
};
extern const struct cli_command_table cli_refine_table;
extern const struct cli_command_table cli_knowledge_table;
extern const struct cli_command_table cli_lean_table;
extern const struct cli_command_table cli_lean_cache_table;
extern const struct cli_command_table cli_lean_report_table;
extern const struct cli_command_table cli_twin_table;
extern const struct cli_command_table cli_twin_graph_table;
extern const struct cli_command_table cli_twin_risks_table;
extern const struct cli_command_table cli_twin_simulate_table;
extern const struct cli_command_table cli_bench_simulate_table;
extern const struct cli_noun cli_nouns[];
extern const size_t cli_noun_count;
extern const struct cli_option cli_common_options[]; /* ends with name NULL */
/* Each calls fn for every command (of cli, then of the program). */
const struct cli_command *cli_command_at(const struct cli_hooks *hooks, size_t index);
const struct cli_noun *cli_noun_at(const struct cli_hooks *hooks, size_t index);
const struct cli_noun *cli_noun_find(const struct cli_hooks *hooks, const char *name);
bool cli_noun_has_verbs(const struct cli_hooks *hooks, const char *noun);

/* ---- arguments.c ---- */
struct cli_wish { /* what a command line asks for, before any command runs */
    bool help, version;
    const char *noun;                  /* for help */
    const struct cli_command *command; /* or NULL */
    const char *lang;
    bool no_colour;
};
/* Fills call and wish; ERR_USAGE with a hint that names the nearest word. */
enum err_code cli_parse(int argc, char **argv, struct cli_call *call, struct cli_wish *wish,
                        struct err *err);
/* The value of an option anywhere in argv, before anything is parsed: the language. */
const char *cli_peek(int argc, char **argv, const char *option);

/* ---- help.c, completion.c ---- */
void cli_help_program(struct cli_call *call, FILE *out);
void cli_help_noun(struct cli_call *call, const char *noun, FILE *out);
void cli_help_command(struct cli_call *call, const struct cli_command *command, FILE *out);
enum err_code cli_run_help(struct cli_call *call, struct err *err);
enum err_code cli_run_completion(struct cli_call *call, struct err *err);

/* ---- language.c ---- */
/* Chooses the language: lang, SWAN_LANG, LANGUAGE, LC_ALL, LC_MESSAGES, LANG.  Works where no
 * locale but C.UTF-8 is installed. */
void cli_language_init(const char *lang);
bool cli_language_is_chinese(void);

/* ---- words.c: codes of the API in the reader's language ---- */
/* The word of a code in a group ("tier", "verdict", "reason" …); the code itself when unknown. */
const char *cli_word(const char *group, const char *code);
/* English sentences of engines and server whose shape is known, in the reader's language. */
const char *cli_sentence(const char *text, struct arena *arena);
/* refusals.c: the sentences of those that refuse input. */
extern const char *const cli_refusals[];
extern const size_t cli_refusal_count;

/* ---- labels.c: fields of a requirement as people name them ---- */
const char *cli_value_text(const char *leaf, const struct json_value *value, struct arena *arena);
const char *cli_label(const char *path, const struct requirement *requirement, struct arena *arena);
/* What the requirement says there; "" = nothing. */
const char *cli_label_value(const char *path, const struct requirement *requirement,
                            struct arena *arena);
/* A sentence whose words that are paths become labels; then as cli_sentence. */
const char *cli_relabel(const char *text, const struct requirement *requirement,
                        struct arena *arena);

/* ---- screen.c: text for people ---- */
/* Styles inside texts: one byte each, mapped to escape sequences or dropped. */
#define S_RESET "\x01"
#define S_BOLD "\x02"
#define S_DIM "\x03"
#define S_RED "\x04"
#define S_GREEN "\x05"
#define S_YELLOW "\x06"
#define S_CYAN "\x0e"
/* Writes with styles mapped; other control characters and direction overrides come out escaped. */
void cli_emit(FILE *out, bool colour, const char *text);
void cli_say(struct cli_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line to stderr. */
void cli_warn(struct cli_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_print_error(struct cli_call *call, const struct err *err);
/* Text cut to columns, with … at its end. */
const char *cli_fit(const char *text, size_t columns, struct arena *arena);
const char *cli_pad(const char *text, size_t columns, bool right, struct arena *arena);
/* Whole words a line, as wide as the terminal; the first line begins with `lead`, later ones as
 * far to the right.  Texts without blanks are broken between wide characters. */
void cli_say_wrapped(struct cli_call *call, const char *lead, const char *style, const char *text);
void cli_wrap(struct buf *out, const char *text, size_t indent, size_t width);
/* A heading line, styled. */
void cli_heading(struct cli_call *call, const char *text);

/* ---- table.c ---- */
struct cli_column {
    const char *title; /* translated */
    bool right;        /* numbers */
    bool keep;         /* never cut */
    bool late;         /* cut only when cutting the others does not do */
};
struct cli_cell {
    const char *text;  /* NULL = "-" */
    const char *style; /* S_… or NULL */
};
struct cli_table {
    const struct cli_column *columns;
    size_t column_count;
    LIST(struct cli_cell) cells; /* row-major */
    struct arena *arena;
    const char *indent;
    bool drop_empty; /* columns without any content are left out */
};
#define CLI_TABLE_INIT(columns_, arena_)                                              \
    {                                                                                 \
        .columns = (columns_), .column_count = ARRAY_LEN(columns_), .arena = (arena_) \
    }
void cli_cell(struct cli_table *table, const char *text);
void cli_cell_style(struct cli_table *table, const char *text, const char *style);
void cli_table_print(struct cli_call *call, const struct cli_table *table);

/* ---- terminal.c ---- */
bool cli_can_ask(void); /* stdin is a terminal */
/* ERR_USAGE with a hint when nobody can be asked; ERR_CANCELLED at the end of input. */
enum err_code cli_ask(struct cli_call *call, const char *question, char *out, size_t size,
                      struct err *err);
/* yes/no; anything else than yes is no. */
enum err_code cli_confirm(struct cli_call *call, const char *question, bool *out, struct err *err);
/* Without echo from the terminal, else a line of stdin. */
enum err_code cli_ask_secret(struct cli_call *call, const char *question, char *out, size_t size,
                             struct err *err);
int cli_terminal_width(void);
int cli_terminal_height(void);

/* ---- context.c ---- */
struct cli_context {
    const char *server, *token, *user;
};
/* Absent file: all NULL. */
enum err_code cli_context_load(struct cli_context *out, struct arena *arena, struct err *err);
enum err_code cli_context_save(const struct cli_context *context, const char **ret_path,
                               struct arena *arena, struct err *err);
/* Server and token of the call: option, environment, context file.  The file's token goes to the
 * file's server only. */
enum err_code cli_context_apply(struct cli_call *call, struct err *err);

/* ---- client.c ---- */
struct cli_request {
    const char *method, *path; /* "/api/v1/…", already encoded */
    const char *body;          /* JSON, or NULL */
    size_t body_len;           /* 0 = strlen */
    const char *body_file;
    const char *content_type;
    const char *idempotency_key; /* then a lost answer is asked for again */
    bool (*on_progress)(void *ctx, double share);
    void *ctx;
    int64_t timeout_ms; /* 0 = the call's */
};
/* A status of 400 or more becomes an error of the problem's code; *out then still holds it. */
enum err_code cli_send(struct cli_call *call, const struct cli_request *request,
                       struct http_reply *out, struct err *err);
/* The same, parsed; the caller frees the document (CLEANUP(json_doc_free_at)). */
enum err_code cli_send_json(struct cli_call *call, const struct cli_request *request,
                            struct json_doc **out, struct err *err);
enum err_code cli_get(struct cli_call *call, const char *path, struct json_doc **out,
                      struct err *err);
/* "/api/v1/sites/" + id with what a path segment may not hold percent-encoded. */
const char *cli_path(struct arena *arena, const char *prefix, const char *id, const char *suffix);
void cli_query_add(struct buf *path, const char *name, const char *value);
struct http_header_pair cli_authorization(struct cli_call *call);
/* A member of a loose document as a typed value. */
enum err_code cli_decode(const struct json_value *value, const struct json_table *table, void *out,
                         struct arena *arena, struct err *err);

/* ---- operation.c ---- */
/* Is it what the server answers when it goes on working on the request? */
bool cli_is_operation(const struct cli_request *request, const struct http_reply *reply);
/* Waits until it has ended, with a bar on a terminal; the reply becomes that of the request. Ctrl-C
 * cancels it. */
enum err_code cli_await_operation(struct cli_call *call, struct http_reply *reply, struct err *err);
/* progress.c */
void cli_add_bar(struct buf *out, double share, const char *style);

/* ---- output.c ---- */
/* In JSON or YAML: writes the text and says true; in table form says false. */
bool cli_answer_json(struct cli_call *call, const char *text, size_t len);
bool cli_answer_doc(struct cli_call *call, const struct json_doc *doc);
bool cli_answer_table(struct cli_call *call, const struct json_table *table, const void *object);
/* Amounts for people. */
const char *cli_money(struct arena *arena, double amount, const char *currency);
const char *cli_seconds(struct arena *arena, double seconds);
const char *cli_number_text(struct arena *arena, double value);
/* Local time to the second; without the year when it is this one. */
const char *cli_time(struct arena *arena, const char *rfc3339);
const char *cli_join(struct arena *arena, const char *a, const char *between, const char *b);

/* ---- records.c: list and show of any collection ---- */
enum cli_cell_kind {
    CLI_CELL_TEXT,
    CLI_CELL_NUMBER,
    CLI_CELL_TIME,
    CLI_CELL_WORD,  /* code of `group` */
    CLI_CELL_STATE, /* the same, coloured */
    CLI_CELL_LIST,  /* texts with commas */
    CLI_CELL_COUNT, /* of a list */
    CLI_CELL_MONEY, /* amount; `group` is the path of the currency */
    CLI_CELL_BOOL,
    CLI_CELL_SENTENCE /* English of the server, where it is known in the reader's language */
};
struct cli_field {
    const char *title; /* N_() */
    const char *path;  /* "spec.name" */
    enum cli_cell_kind kind;
    const char *group;
};
struct cli_collection {
    const char *name; /* "sites" */
    const struct cli_field *fields;
    size_t field_count;
    /* How one record is shown; NULL = its fields, then spec and status as YAML. */
    enum err_code (*show)(struct cli_call *call, const struct json_value *record, struct err *err);
    const char *usual; /* filter of a list without --filter and --all; NULL = none */
};
enum err_code cli_run_list(struct cli_call *call, struct err *err);
enum err_code cli_run_show(struct cli_call *call, struct err *err);
/* DELETE of the record, confirmed. */
enum err_code cli_run_delete(struct cli_call *call, struct err *err);
const char *cli_field_text(const struct cli_field *field, const struct json_value *record,
                           struct arena *arena);
const char *cli_state_style(const char *state);
/* A table of the items of a loose list. */
void cli_show_items(struct cli_call *call, const struct json_value *items,
                    const struct cli_field *fields, size_t field_count);

/* ---- show_*.c: typed values for people ---- */
void cli_show_requirement(struct cli_call *call, const struct requirement *requirement,
                          const struct json_value *spans, const struct json_value *questions);
void cli_show_candidates(struct cli_call *call, const struct solution_answer *answer,
                         size_t chosen);
void cli_show_batch(struct cli_call *call, const struct solution_batch *batch);
void cli_show_solution(struct cli_call *call, const struct solution *solution);
void cli_show_report(struct cli_call *call, const struct feasibility_report *report, bool all);
void cli_show_rejected(struct cli_call *call, const struct solution_answer *answer);
/* Sets err to what people can read; returns its code. */
enum err_code cli_show_infeasible(struct cli_call *call, const struct solution_answer *answer,
                                  const struct requirement *requirement, struct err *err);
/* The same from the problem that the server answered. */
enum err_code cli_tell_infeasible(struct cli_call *call, const struct http_reply *reply,
                                  const struct requirement *requirement, struct err *err);
/* Versions of a solution set, what was decided, what is held. */
void cli_show_solution_status(struct cli_call *call, const struct json_value *record);
void cli_show_plan(struct cli_call *call, const char *id, const struct plan *plan);
/* What a run carries out, for its words; NULL when it cannot be had. */
const struct plan *cli_load_plan(struct cli_call *call, const char *id);
/* plan may be NULL: then tasks go by their ids. */
void cli_show_tasks(struct cli_call *call, const struct run_status *status,
                    const struct plan *plan);
/* "start hello-0"; of a plan that removes "remove instance hello-0". */
const char *cli_task_title(const struct plan *plan, const char *id, struct arena *arena);
/* Code of a task's state: what is undone by a plan that removes is removed. */
const char *cli_task_state(const struct plan *plan, int state);
enum err_code cli_show_requirement_record(struct cli_call *call, const struct json_value *record,
                                          struct err *err);
enum err_code cli_show_solution_record(struct cli_call *call, const struct json_value *record,
                                       struct err *err);
enum err_code cli_show_plan_record(struct cli_call *call, const struct json_value *record,
                                   struct err *err);
enum err_code cli_show_run_record(struct cli_call *call, const struct json_value *record,
                                  struct err *err);
enum err_code cli_show_deployment_record(struct cli_call *call, const struct json_value *record,
                                         struct err *err);

/* ---- progress.c ---- */
/* Follows a run to its end with progress on the screen.  ERR_PARTIAL when the person let go
 * (Ctrl-C), *out then is how it was.  How the run ended is in out->state. */
enum err_code cli_follow(struct cli_call *call, const char *run, struct run_status *out,
                         struct err *err);
/* The error of a run that did not succeed; ERR_OK of one that did. */
enum err_code cli_run_outcome(const struct run_status *status, struct err *err);

/* ---- the commands ---- */
enum err_code cli_run_launch(struct cli_call *call, struct err *err);
enum err_code cli_run_intent_read(struct cli_call *call, struct err *err);
enum err_code cli_run_solution_design(struct cli_call *call, struct err *err);
enum err_code cli_run_bench_diagnose(struct cli_call *call, struct err *err);
enum err_code cli_run_bench_design(struct cli_call *call, struct err *err);
enum err_code cli_run_solution_show(struct cli_call *call, struct err *err);
enum err_code cli_run_solution_evaluate(struct cli_call *call, struct err *err);
enum err_code cli_run_solution_replay(struct cli_call *call, struct err *err);
enum err_code cli_run_order_create(struct cli_call *call, struct err *err);
enum err_code cli_run_plan_create(struct cli_call *call, struct err *err);
enum err_code cli_run_run_start(struct cli_call *call, struct err *err);
enum err_code cli_run_run_watch(struct cli_call *call, struct err *err);
enum err_code cli_run_run_cancel(struct cli_call *call, struct err *err);
enum err_code cli_run_deployment_delete(struct cli_call *call, struct err *err);
enum err_code cli_run_twin_show(struct cli_call *call, struct err *err);
enum err_code cli_run_site_put(struct cli_call *call, struct err *err);
enum err_code cli_run_site_discover(struct cli_call *call, struct err *err);
enum err_code cli_run_network_import(struct cli_call *call, struct err *err);
enum err_code cli_run_network_export(struct cli_call *call, struct err *err);
enum err_code cli_run_connection_add(struct cli_call *call, struct err *err);
enum err_code cli_run_app_publish(struct cli_call *call, struct err *err);
enum err_code cli_run_app_step(struct cli_call *call, struct err *err);
enum err_code cli_run_user_create(struct cli_call *call, struct err *err);
enum err_code cli_run_tenant_create(struct cli_call *call, struct err *err);
enum err_code cli_run_token_create(struct cli_call *call, struct err *err);
enum err_code cli_run_login(struct cli_call *call, struct err *err);
enum err_code cli_run_whoami(struct cli_call *call, struct err *err);
enum err_code cli_run_audit_list(struct cli_call *call, struct err *err);
enum err_code cli_run_status(struct cli_call *call, struct err *err);
enum err_code cli_run_version(struct cli_call *call, struct err *err);

/* What several commands begin with. */
enum err_code cli_post(struct cli_call *call, const char *path, const char *body,
                       struct json_doc **out, struct err *err);
/* Starts the plan with its digest, once; gives the run's id. */
enum err_code cli_start_run(struct cli_call *call, const char *plan_id, const char *digest,
                            const char **ret_run, struct err *err);
/* Follows a run, tells how it ended and, of an opened deployment, its addresses. */
enum err_code cli_watch_run(struct cli_call *call, const char *run, struct err *err);
/* A requirement from FILE, "-", inline JSON or words; spans only of words. */
enum err_code cli_read_requirement(struct cli_call *call, const char *given,
                                   struct requirement *out, struct err *err);

#endif

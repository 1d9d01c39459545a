/* engines.c - commands that need no server: reading words, designing, judging. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "intelligent/design/design.h"
#include "intelligent/evaluation/evaluation.h"
#include "intelligent/intent/intent.h"

#define BATCH_MAX ((size_t)1 << 30)
#define REQUIREMENT_MAX ((size_t)1 << 20)

/* ---- intent read ---- */

/* A line may say more than id and text (labels, tags): that is somebody else's. */
static enum err_code batch_line(const char *line, size_t len, struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct intent_result result;
    enum err_code rc = json_parse(line, len, NULL, &doc, err);
    if (rc)
        return rc;
    const char *id = json_text(json_get(json_root(doc), "id"), NULL);
    const char *text = json_text(json_get(json_root(doc), "text"), NULL);
    if (!id || !text)
        return err_set(err, ERR_INVALID, _("a line is {\"id\": \"…\", \"text\": \"…\"}"));
    if ((rc = intent_read(&intent_embedded, text, strlen(text), &result, arena, err)))
        return rc;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct json_writer w = JSON_WRITER(&out);
    json_begin(&w, '{');
    json_member_text(&w, "id", id);
    json_key(&w, "requirement");
    json_put_object(&w, &requirement_table, &result.requirement);
    json_end(&w, '}');
    puts(buf_str(&out));
    return ERR_OK;
}

static enum err_code read_batch(const char *path, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    size_t number = 0;
    enum err_code rc = file_read(path, BATCH_MAX, &text, err);
    if (rc)
        return rc;
    for (const char *line = buf_str(&text); *line;) {
        size_t len = strcspn(line, "\n");
        number++;
        if (len > 0 && strspn(line, " \t\r") < len) {
            arena_clear(&arena);
            if ((rc = batch_line(line, len, &arena, err)))
                return err_context(err, "%s:%zu", path, number), rc;
        }
        line += len + (line[len] == '\n');
    }
    if (strlen(buf_str(&text)) != text.len)
        return err_set(err, ERR_INVALID, _("%s:%zu: a NUL byte"), path, number);
    return ERR_OK;
}

static enum err_code read_words(const char *given, const char **ret, struct arena *arena,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    *ret = given;
    if (given && !str_eq(given, "-"))
        return ERR_OK;
    enum err_code rc = file_read("-", INTENT_MAX_BYTES, &text, err);
    if (rc)
        return rc;
    if (strlen(buf_str(&text)) != text.len)
        return err_set(err, ERR_INVALID, _("the words hold a NUL byte"));
    while (text.len && strchr("\r\n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    *ret = arena_strdup(arena, buf_str(&text));
    return ERR_OK;
}

/* Spans and questions as loose JSON, the form in which the server keeps them too. */
static enum err_code show_read(struct cli_call *call, const struct intent_result *result,
                               struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    json_encode(&intent_result_table, result, JSON_COMPACT, &text);
    enum err_code rc = json_parse(buf_str(&text), text.len, &json_limits_large, &doc, err);
    if (!rc)
        cli_show_requirement(call, &result->requirement, json_get(json_root(doc), "spans"),
                             json_get(json_root(doc), "questions"));
    return rc;
}

enum err_code cli_run_intent_read(struct cli_call *call, struct err *err)
{
    struct intent_result result;
    const char *batch = cli_option(call, "batch"), *text;
    enum err_code rc;
    if (batch)
        return cli_argument(call, 0) ? err_set(err, ERR_USAGE, _("give either TEXT or --batch"))
                                     : read_batch(batch, err);
    if ((rc = read_words(cli_argument(call, 0), &text, call->arena, err)) ||
        (rc = intent_read(&intent_embedded, text, strlen(text), &result, call->arena, err)))
        return rc;
    if (cli_flag(call, "explain") ? cli_answer_table(call, &intent_result_table, &result)
                                  : cli_answer_table(call, &requirement_table, &result.requirement))
        return ERR_OK;
    return show_read(call, &result, err);
}

/* ---- what design and evaluate read ---- */

static bool looks_like_path(const char *given)
{
    return str_has_suffix(given, ".json") || str_has_suffix(given, ".yaml") ||
           str_has_suffix(given, ".yml");
}

enum err_code cli_read_requirement(struct cli_call *call, const char *given,
                                   struct requirement *out, struct err *err)
{
    struct intent_result result;
    if (str_eq(given, "-") || file_exists(given) || looks_like_path(given))
        return json_decode_file(given, &requirement_table, NULL, out, call->arena, err);
    if (given[0] == '{')
        return json_decode(given, strlen(given), &requirement_table, NULL, out, call->arena, err);
    enum err_code rc =
        intent_read(&intent_embedded, given, strlen(given), &result, call->arena, err);
    if (rc)
        return rc;
    *out = result.requirement;
    if (call->format == CLI_TABLE)
        return show_read(call, &result, err);
    return ERR_OK;
}

struct inputs {
    struct requirement requirement;
    struct network network;
    struct price_notes notes;
    struct application_spec_refs applications;
    struct feasibility_standards standards;
    struct feasibility_cases cases;
    struct feasibility_measurements measurements;
    struct evaluation_input given;
};

/* What a report is held against beside network and requirement: files where they are named, for the
 * standards else those that ship. */
static enum err_code read_standards(struct cli_call *call, struct inputs *inputs, struct err *err)
{
    const struct {
        const char *option;
        const struct json_table *table;
        void *out;
    } files[] = {
        {"scenarios", &feasibility_profiles_table, &inputs->standards.profiles},
        {"technologies", &feasibility_technologies_table, &inputs->standards.technologies},
        {"cases", &feasibility_cases_table, &inputs->cases},
        {"applications", &application_spec_refs_table, &inputs->applications},
        {"measurements", &feasibility_measurements_table, &inputs->measurements},
    };
    enum err_code rc = evaluation_standards_shipped(&inputs->standards, call->arena, err);
    for (size_t i = 0; i < ARRAY_LEN(files) && !rc; i++)
        if (cli_option(call, files[i].option))
            rc = json_decode_file(cli_option(call, files[i].option), files[i].table,
                                  &json_limits_large, files[i].out, call->arena, err);
    return rc;
}

static size_t requirements_given(const struct cli_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < call->option_count; i++)
        count += str_eq(call->options[i].option->name, "requirement");
    return count;
}

static enum err_code read_inputs(struct cli_call *call, struct inputs *inputs, struct err *err)
{
    const char *network = cli_option(call, "network"), *notes = cli_option(call, "price-notes");
    const char *requirement = cli_option(call, "requirement");
    enum err_code rc;
    if (!network || !requirement) {
        err_set(err, ERR_USAGE, _("--%s is missing"), network ? "requirement" : "network");
        return err_hint(err, _("--network FILE and --requirement REQ are both needed"));
    }
    if ((rc = network_read_file(network, &inputs->network, call->arena, err)) ||
        (requirements_given(call) == 1 &&
         (rc = cli_read_requirement(call, requirement, &inputs->requirement, err))))
        return rc;
    if (notes && (rc = json_decode_file(notes, &price_notes_table, &json_limits_large,
                                        &inputs->notes, call->arena, err)))
        return rc;
    if ((rc = read_standards(call, inputs, err)))
        return rc;
    inputs->given = (struct evaluation_input){
        .requirement = &inputs->requirement,
        .network = &inputs->network,
        .notes = notes ? &inputs->notes : NULL,
        .applications = cli_option(call, "applications") ? &inputs->applications : NULL,
        .standards = &inputs->standards,
        .cases = cli_option(call, "cases") ? &inputs->cases : NULL,
        .measurements = cli_option(call, "measurements") ? &inputs->measurements : NULL,
        .now_ms = clock_now_ms()};
    return ERR_OK;
}

/* ---- solution design ---- */

static bool is_late(void *deadline)
{
    return clock_mono_ms() >= *(int64_t *)deadline;
}

/* ---- several at once ---- */

struct several {
    struct cli_call *call;
    const char **names; /* as they were given */
    struct design_input *needs;
    struct requirement *requirements;
    size_t count;
};

static enum err_code read_several(struct several *several, const struct inputs *inputs,
                                  struct err *err)
{
    struct cli_call *call = several->call;
    several->names = arena_array(call->arena, call->option_count, sizeof *several->names);
    several->needs = arena_array(call->arena, call->option_count, sizeof *several->needs);
    several->requirements =
        arena_array(call->arena, call->option_count, sizeof *several->requirements);
    for (size_t i = 0; i < call->option_count; i++) {
        if (!str_eq(call->options[i].option->name, "requirement"))
            continue;
        size_t at = several->count++;
        several->names[at] = call->options[i].value;
        enum err_code rc =
            cli_read_requirement(call, call->options[i].value, &several->requirements[at], err);
        if (rc)
            return rc;
        several->needs[at].given = inputs->given;
        several->needs[at].given.requirement = &several->requirements[at];
    }
    return ERR_OK;
}

static enum err_code batch_outcome(const struct solution_batch *batch, enum err_code rc,
                                   struct err *err)
{
    size_t met = 0;
    for (size_t i = 0; i < batch->needs.count; i++)
        met += batch->needs.items[i].code == NULL;
    if (rc == ERR_INFEASIBLE)
        return err_set(err, rc, _("the needs cannot be met together"));
    if (!met)
        return err_set(err, ERR_INFEASIBLE, _("none of the needs can be met"));
    if (met < batch->needs.count)
        return err_set(err, ERR_PARTIAL, _("%zu of %zu needs cannot be met"),
                       batch->needs.count - met, batch->needs.count);
    return ERR_OK;
}

static enum err_code design_several(struct cli_call *call, const struct inputs *inputs,
                                    struct err *err)
{
    struct several several = {.call = call};
    struct design_batch found = {.count = 0};
    struct solution_batch batch;
    double limit = cli_number(call, "time-limit", 0);
    int64_t deadline = clock_mono_ms() + (int64_t)(limit * 1000);
    const char *objective = cli_option(call, "objective");
    if (objective && !str_eq(objective, "cost"))
        return err_set(err, ERR_USAGE, _("several needs are designed for the least total cost"));
    enum err_code rc = read_several(&several, inputs, err);
    if (rc)
        return rc;
    struct design_batch_input input = {.needs = several.needs,
                                       .count = several.count,
                                       .should_stop = limit > 0 ? is_late : NULL,
                                       .stop_ctx = &deadline};
    rc = design_solve_batch(&input, &found, call->arena, err);
    if (rc && rc != ERR_INFEASIBLE)
        return rc;
    design_batch_tell(&found, inputs->network.currency, &batch, call->arena);
    for (size_t i = 0; i < batch.needs.count; i++)
        batch.needs.items[i].requirement = several.names[i];
    if (!cli_answer_table(call, &solution_batch_table, &batch))
        cli_show_batch(call, &batch);
    return batch_outcome(&batch, rc, err);
}

enum err_code cli_run_solution_design(struct cli_call *call, struct err *err)
{
    struct inputs inputs = {.notes = {{NULL, 0}}};
    struct solution_answer answer = {.sites_seen = 0};
    double limit = cli_number(call, "time-limit", 0);
    int64_t deadline = clock_mono_ms() + (int64_t)(limit * 1000);
    enum err_code rc = read_inputs(call, &inputs, err);
    if (rc)
        return rc;
    if (requirements_given(call) > 1)
        return design_several(call, &inputs, err);
    struct design_input input = {
        .given = inputs.given,
        .objective = json_enum_find(requirement_objective_names, cli_option(call, "objective")),
        .seed = (uint64_t)cli_integer(call, "seed", 0),
        .only_objective = cli_flag(call, "only-objective"),
        .should_stop = limit > 0 ? is_late : NULL,
        .stop_ctx = &deadline,
    };
    rc = design_solve(&input, &answer, call->arena, err);
    if (rc && rc != ERR_INFEASIBLE)
        return rc;
    if (cli_answer_table(call, &solution_answer_table, &answer))
        return rc;
    if (rc)
        return cli_show_infeasible(call, &answer, &inputs.requirement, err);
    cli_say(call, "\n");
    cli_show_candidates(call, &answer, 0);
    if (answer.solutions.count)
        cli_show_solution(call, &answer.solutions.items[0]);
    cli_show_rejected(call, &answer);
    return ERR_OK;
}

/* ---- solution evaluate ---- */

/* A solution as it is, or one of the solutions of an answer. */
static enum err_code read_solution(struct cli_call *call, struct solution *out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *path = cli_argument(call, 0);
    int64_t choice = cli_integer(call, "choice", 1);
    enum err_code rc = file_read(path, json_limits_large.bytes, &text, err);
    if (rc)
        return rc;
    bool is_answer = !json_parse(buf_str(&text), text.len, &json_limits_large, &doc, NULL) &&
                     json_get(json_root(doc), "solutions");
    if (!is_answer) {
        rc = json_decode_yaml(buf_str(&text), text.len, &solution_table, &json_limits_large, out,
                              call->arena, err);
        return rc ? (err_context(err, "%s", path), rc) : ERR_OK;
    }
    struct solution_answer answer;
    if ((rc = json_decode(buf_str(&text), text.len, &solution_answer_table, &json_limits_large,
                          &answer, call->arena, err)))
        return err_context(err, "%s", path), rc;
    if (choice < 1 || (size_t)choice > answer.solutions.count)
        return err_set(err, ERR_INVALID,
                       P_("%s holds %zu solution, there is no number %lld",
                          "%s holds %zu solutions, there is no number %lld",
                          answer.solutions.count),
                       path, answer.solutions.count, (long long)choice);
    *out = answer.solutions.items[choice - 1];
    return ERR_OK;
}

enum err_code cli_run_solution_evaluate(struct cli_call *call, struct err *err)
{
    struct inputs inputs = {.notes = {{NULL, 0}}};
    struct solution solution;
    struct feasibility_report report;
    enum err_code rc;
    if ((rc = read_inputs(call, &inputs, err)) || (rc = read_solution(call, &solution, err)) ||
        (rc = evaluation_report(&inputs.given, &solution, &report, call->arena, err)))
        return rc;
    if (!cli_answer_table(call, &feasibility_report_table, &report))
        cli_show_report(call, &report, true);
    return ERR_OK;
}

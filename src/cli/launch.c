/* launch.c - the main job: from one sentence to a running service, shown and asked at each step.
 *
 * Contract: nothing costs before the plan that was shown is approved: requirement, solutions, order
 * and plan are records.  What the design holds meanwhile is given back when it ends before that.
 * The run is started with the digest of that plan and an idempotency key, so
 * a broken connection starts nothing twice. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

struct launch {
    struct cli_call *call;
    const char *words;
    struct json_doc *requirement, *solution, *plan_doc;
    struct solution_answer answer;
    size_t chosen;
    struct requirement need;
    struct plan plan;
    const char *requirement_id, *solution_id, *order_id, *plan_id, *run_id;
};

static void launch_done(struct launch *launch)
{
    json_doc_free(launch->requirement);
    json_doc_free(launch->solution);
    json_doc_free(launch->plan_doc);
}

static const char *text_at(const struct json_doc *doc, const char *path, struct arena *arena)
{
    return arena_strdup(arena, json_text(json_path(json_root(doc), path), ""));
}

static void step(struct cli_call *call, int number, const char *text)
{
    cli_say(call, "\n%s%s%d/4 %s%s\n", S_BOLD, S_CYAN, number, text, S_RESET);
    if (call->people)
        fflush(call->people);
}

/* ---- 1: the need ---- */

static enum err_code read_need(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "text", launch->words);
    json_end(&w, '}');
    enum err_code rc =
        cli_post(call, "/api/v1/requirements", buf_str(&body), &launch->requirement, err);
    if (rc)
        return rc;
    const struct json_value *record = json_root(launch->requirement);
    if ((rc = cli_decode(json_path(record, "spec.requirement"), &requirement_table, &launch->need,
                         call->arena, err)))
        return rc;
    launch->requirement_id = text_at(launch->requirement, "id", call->arena);
    step(call, 1, _("what was understood"));
    cli_show_requirement(call, &launch->need, json_path(record, "spec.spans"),
                         json_path(record, "spec.questions"));
    return ERR_OK;
}

/* ---- 2: candidates ---- */

static enum err_code design(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    struct http_reply reply = {.status = 0};
    const char *objective = cli_option(call, "objective");
    json_begin(&w, '{');
    json_member_text(&w, "requirement", launch->requirement_id);
    if (objective)
        json_member_text(&w, "objective", objective);
    if (cli_option(call, "time-limit"))
        json_member_double(&w, "time_limit_s", cli_number(call, "time-limit", 0));
    json_end(&w, '}');
    step(call, 2, _("candidates"));
    enum err_code rc =
        cli_send(call,
                 &(struct cli_request){
                     .method = "POST", .path = "/api/v1/solutions", .body = buf_str(&body)},
                 &reply, err);
    if (rc == ERR_INFEASIBLE)
        return cli_tell_infeasible(call, &reply, &launch->need, err);
    if (!rc)
        rc = json_parse(reply.body, reply.body_len, &json_limits_large, &launch->solution, err);
    if (!rc)
        rc = cli_decode(json_path(json_root(launch->solution), "spec.answer"),
                        &solution_answer_table, &launch->answer, call->arena, err);
    if (rc)
        return rc;
    launch->solution_id = text_at(launch->solution, "id", call->arena);
    if (!launch->answer.solutions.count)
        return err_set(err, ERR_INFEASIBLE, _("the server found no candidate"));
    return ERR_OK;
}

/* ---- 3: the choice ---- */

static enum err_code check_choice(const struct launch *launch, int64_t number, struct err *err)
{
    size_t count = launch->answer.solutions.count;
    if (number >= 1 && (size_t)number <= count)
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   P_("there is %zu candidate: no number %lld",
                      "there are the candidates 1 to %zu: no number %lld", count),
                   count, (long long)number);
}

/* With --real-only a candidate that needs the simulator is passed over where another exists. */
static size_t preferred(const struct launch *launch)
{
    if (cli_flag(launch->call, "real-only"))
        for (size_t i = 0; i < launch->answer.solutions.count; i++)
            if (!launch->answer.solutions.items[i].catalogue_only)
                return i;
    return 0;
}

static enum err_code ask_choice(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    size_t count = launch->answer.solutions.count;
    char answer[32];
    int64_t number;
    const char *question =
        count == 1 ? arena_printf(call->arena, _("Take this one? [Y/n] "))
                   : arena_printf(call->arena, _("Which one? 1-%zu, Enter for %zu, n for none: "),
                                  count, launch->chosen + 1);
    for (;;) {
        enum err_code rc =
            cli_ask(call, arena_printf(call->arena, "\n%s%s%s", S_BOLD, question, S_RESET), answer,
                    sizeof answer, err);
        if (rc)
            return rc;
        if (!answer[0] || str_eq(answer, "y") || str_eq(answer, "Y") || str_eq(answer, "yes") ||
            str_eq(answer, "是"))
            return ERR_OK;
        if (str_eq(answer, "n") || str_eq(answer, "N") || str_eq(answer, "no") ||
            str_eq(answer, "否")) {
            err_set(err, ERR_CANCELLED, _("nothing is ordered"));
            return err_hint(err, _("change it: swan solution refine %s --set …"),
                            launch->solution_id);
        }
        if (!str_to_int64(answer, &number, NULL) && !check_choice(launch, number, err)) {
            launch->chosen = (size_t)number - 1;
            return ERR_OK;
        }
        cli_say(call, "%s\n",
                arena_printf(call->arena, _("a number from 1 to %zu, please"), count));
    }
}

static enum err_code choose(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    bool given = cli_option(call, "choice") != NULL;
    int64_t number = cli_integer(call, "choice", 1);
    enum err_code rc = given ? check_choice(launch, number, err) : ERR_OK;
    if (rc)
        return rc;
    launch->chosen = given ? (size_t)number - 1 : preferred(launch);
    cli_show_candidates(call, &launch->answer, launch->chosen);
    cli_show_solution(call, &launch->answer.solutions.items[launch->chosen]);
    cli_show_rejected(call, &launch->answer);
    if (given || cli_flag(call, "yes"))
        return ERR_OK;
    size_t before = launch->chosen;
    rc = ask_choice(launch, err);
    if (!rc && launch->chosen != before)
        cli_show_solution(call, &launch->answer.solutions.items[launch->chosen]);
    return rc;
}

/* ---- 4: order, plan, run ---- */

static void warn_simulated(struct launch *launch)
{
    struct cli_call *call = launch->call;
    CLEANUP(buf_done) struct buf sites = BUF_INIT;
    for (size_t i = 0; i < launch->plan.tasks.count; i++) {
        const struct plan_task *task = &launch->plan.tasks.items[i];
        if (task->simulated && task->site && !strstr(buf_str(&sites), task->site))
            buf_printf(&sites, "%s%s", sites.len ? ", " : "", task->site);
    }
    cli_say(call, "\n");
    bool stands_in = launch->answer.solutions.items[launch->chosen].catalogue_only;
    cli_say_wrapped(
        call, "", S_BOLD S_YELLOW,
        stands_in ? _("! SIMULATED: these sites are catalogue only, the simulator stands in for "
                      "them. Nothing real is opened there:")
                  : _("! SIMULATED: the simulator opens these sites. Nothing real is opened "
                      "there:"));
    cli_say_wrapped(call, "  ", S_YELLOW, buf_str(&sites));
}

static enum err_code order(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "solution", launch->solution_id);
    json_member_int(&w, "choice", (int64_t)launch->chosen);
    json_member_bool(&w, "confirm", true); /* it was shown and taken */
    json_end(&w, '}');
    enum err_code rc = cli_post(call, "/api/v1/orders", buf_str(&body), &doc, err);
    if (!rc)
        launch->order_id = text_at(doc, "id", call->arena);
    return rc;
}

static enum err_code plan(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    bool catalogue_only = launch->answer.solutions.items[launch->chosen].catalogue_only;
    bool simulate = catalogue_only && !cli_flag(call, "real-only");
    if (catalogue_only && !simulate) {
        err_set(err, ERR_POLICY,
                _("this candidate has sites that no provider can open, and --real-only is set"));
        return err_hint(err, _("connect the site (swan connection add), choose another candidate, "
                               "or leave out --real-only"));
    }
    json_begin(&w, '{');
    json_member_text(&w, "order", launch->order_id);
    json_member_bool(&w, "simulate", simulate);
    json_end(&w, '}');
    enum err_code rc = cli_post(call, "/api/v1/plans", buf_str(&body), &launch->plan_doc, err);
    if (!rc)
        rc = cli_decode(json_get(json_root(launch->plan_doc), "spec"), &plan_table, &launch->plan,
                        call->arena, err);
    if (rc)
        return rc;
    launch->plan_id = text_at(launch->plan_doc, "id", call->arena);
    cli_show_plan(call, launch->plan_id, &launch->plan);
    if (!launch->plan.simulated)
        return ERR_OK;
    warn_simulated(launch);
    if (cli_flag(call, "real-only"))
        return err_set(err, ERR_POLICY, _("the plan is simulated, and --real-only is set"));
    return ERR_OK;
}

static enum err_code approve(struct launch *launch, struct err *err)
{
    struct cli_call *call = launch->call;
    bool sure = cli_flag(call, "yes");
    if (sure)
        return ERR_OK;
    cli_say(call, "\n");
    enum err_code rc = cli_confirm(call, _("Open it?"), &sure, err);
    if (rc || sure)
        return rc;
    err_set(err, ERR_CANCELLED, _("nothing is opened"));
    return err_hint(err, _("the plan is kept: swan run start %s"), launch->plan_id);
}

/* Room that is held for what nobody takes is kept from others: it is given back at once.  What goes
 * wrong here is no news: it would have lapsed by itself. */
static void let_go(struct launch *launch)
{
    struct json_doc *doc = NULL;
    struct err ignored = ERR_INIT;
    const char *prefix = launch->order_id ? "/api/v1/orders/" : "/api/v1/solutions/";
    const char *id = launch->order_id ? launch->order_id : launch->solution_id;
    if (id && !launch->run_id)
        cli_post(launch->call, cli_path(launch->call->arena, prefix, id, "/release"), NULL, &doc,
                 &ignored);
    json_doc_free(doc);
}

static enum err_code words_of(struct cli_call *call, const char **ret, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    *ret = cli_argument(call, 0);
    if (!str_eq(*ret, "-"))
        return (*ret)[0] ? ERR_OK : err_set(err, ERR_USAGE, _("the words are empty"));
    enum err_code rc = file_read("-", 64 * 1024, &text, err);
    if (!rc && strlen(buf_str(&text)) != text.len)
        rc = err_set(err, ERR_INVALID, _("the words hold a NUL byte"));
    if (!rc)
        *ret = arena_strdup(call->arena, buf_str(&text));
    return rc;
}

static enum err_code up_to_run(struct launch *launch, struct err *err)
{
    enum err_code rc;
    if ((rc = choose(launch, err)) || (rc = order(launch, err)))
        return rc;
    step(launch->call, 3, _("the plan"));
    if ((rc = plan(launch, err)) || (rc = approve(launch, err)))
        return rc;
    step(launch->call, 4, _("opening it"));
    return cli_start_run(launch->call, launch->plan_id, launch->plan.digest, &launch->run_id, err);
}

enum err_code cli_run_launch(struct cli_call *call, struct err *err)
{
    CLEANUP(launch_done) struct launch launch = {.call = call};
    enum err_code rc;
    if ((rc = words_of(call, &launch.words, err)) || (rc = read_need(&launch, err)) ||
        (rc = design(&launch, err)))
        return rc;
    if ((rc = up_to_run(&launch, err))) {
        let_go(&launch);
        return rc;
    }
    cli_say(call, _("run %s\n"), launch.run_id);
    if (!cli_flag(call, "no-wait"))
        return cli_watch_run(call, launch.run_id, err);
    if (call->quiet)
        printf("%s\n", launch.run_id);
    cli_say(call, _("follow it: swan run watch %s\n"), launch.run_id);
    return ERR_OK;
}

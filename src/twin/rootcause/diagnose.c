/* diagnose.c - the whole way from a case to an answer, and the answer as JSON.
 *
 * Contract: pure.  The same look that ranks the alarm's window is given to windows of the history;
 * what it finds there is what a normal window looks like in this case. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "twin/rootcause/rootcause_priv.h"

#define WINDOWS_MOST 120    /* of the history */
#define CELLS_PER_LOOK 40e6 /* all windows together look at so many cells, or a few windows */
#define WINDOWS_FEW 8
#define FALSE_CLAIMS 0.05 /* of the history's windows may show more than what counts as usual */
#define TOLD_MOST 5       /* contradicted calls by name */
#define SAY(list, ...) (*LIST_ADD(arena, list) = arena_printf(arena, __VA_ARGS__))

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* What windows of the history show under the same look. */
static void calibrate(const struct rootcause_model *model, struct rootcause_view *view,
                      struct rootcause_answer *out)
{
    size_t window = model->to - model->from, part = model->base / 5;
    window = window < part ? window : part;
    if (window < model->scores.persist) {
        out->evidence = rootcause_look(model, view, model->from, model->to);
        return;
    }
    for (size_t at = model->from;; at += (window + 1) / 2) {
        size_t end = at + window < model->to ? at + window : model->to;
        out->evidence = fmax(out->evidence, rootcause_look(model, view, at, end));
        if (end == model->to)
            break;
    }
    double cells = (double)model->given->metrics.count * (double)(2 * window);
    size_t most = (size_t)fmax(WINDOWS_FEW, fmin(WINDOWS_MOST, CELLS_PER_LOOK / cells));
    size_t places = model->base - window + 1;
    size_t step = places / most + 1;
    double found[WINDOWS_MOST + 1];
    for (size_t at = (places - 1) % step; at < places && out->usual_windows < ARRAY_LEN(found);
         at += step)
        found[out->usual_windows++] = rootcause_look(model, view, at, at + window);
    qsort(found, out->usual_windows, sizeof *found, falling);
    out->usual_evidence = found[(size_t)(FALSE_CLAIMS * (double)out->usual_windows)];
}

static const char *contradicted_ones(const struct rootcause_model *model, struct arena *arena)
{
    const char *text = "";
    size_t told = 0;
    for (size_t e = 0; e < model->ties.count && told < TOLD_MOST; e++) {
        const struct rootcause_tie *tie = &model->ties.items[e];
        if (tie->against)
            text = arena_printf(arena, "%s%s%s calls %s", text, told++ ? ", " : "",
                                model->nodes[tie->from].id, model->nodes[tie->to].id);
    }
    return told < model->contradicted ? arena_printf(arena, "%s, …", text) : text;
}

static void say_notes(const struct rootcause_model *model, struct rootcause_answer *out,
                      struct arena *arena)
{
    const struct telemetry_notes *notes = &model->given->metrics.notes;
    if (notes->unsorted)
        SAY(&out->notes, "%zu rows of metrics.csv were out of order and were sorted",
            notes->unsorted);
    if (notes->duplicates)
        SAY(&out->notes,
            "%zu rows of metrics.csv had a time that was there already and were merged",
            notes->duplicates);
    if (notes->not_finite)
        SAY(&out->notes, "%zu cells hold no finite number and count as missing", notes->not_finite);
    if (notes->gaps)
        SAY(&out->notes, "%zu gaps in time", notes->gaps);
    if (model->contradicted)
        SAY(&out->notes, "%zu calls of the topology are contradicted by the history's requests: %s",
            model->contradicted, contradicted_ones(model, arena));
    if (model->inferred)
        SAY(&out->notes, "%zu ties are inferred from the history's requests and use of processors",
            model->inferred);
    if (!model->has_graph)
        SAY(&out->notes, "there is no topology: ties are inferred from time and shape alone");
    if (model->given->symptom_entity && model->symptom_node == ROOTCAUSE_NONE)
        SAY(&out->notes,
            "the symptom's entity '%.100s' is neither in the metrics nor in the topology",
            model->given->symptom_entity);
    else if (model->given->symptom_metric && model->symptom_series == ROOTCAUSE_NONE)
        SAY(&out->notes, "the symptom's metric '%.100s' is not among the metrics",
            model->given->symptom_metric);
}

enum err_code rootcause_diagnose(const struct rootcause_case *given, struct rootcause_answer *out,
                                 struct arena *arena, struct err *err)
{
    struct rootcause_model model;
    struct rootcause_view view;
    struct rootcause_answer answer = {.topology_inferred = given->edges.count == 0};
    enum err_code rc = rootcause_model_init(given, &model, arena, err);
    if (rc)
        return rc;
    answer.window_from = given->metrics.times[model.from];
    answer.window_to = given->metrics.times[model.to - 1];
    say_notes(&model, &answer, arena);
    if (!model.scores.table) {
        answer.status = ROOTCAUSE_INCONCLUSIVE;
        SAY(&answer.reasons, "the history before the alarm is too short: %zu rows", model.base);
        *out = answer;
        return arena_check(arena, err);
    }
    rootcause_view_init(&model, &view, arena);
    if ((rc = arena_check(arena, err)))
        return rc;
    calibrate(&model, &view, &answer);
    rootcause_look(&model, &view, model.from, model.to);
    rootcause_decide(&model, &view, &answer, arena);
    *out = answer;
    return arena_check(arena, err);
}

/* ---- JSON ---- */

static void put_texts(struct json_writer *w, const char *key, const char *const *items,
                      size_t count)
{
    json_key(w, key);
    json_begin(w, '[');
    for (size_t i = 0; i < count; i++)
        json_put_text(w, items[i]);
    json_end(w, ']');
}

static void put_cause(struct json_writer *w, const struct rootcause_cause *cause)
{
    json_begin(w, '{');
    json_member_text(w, "entity", cause->entity);
    json_member_text(w, "metric", cause->metric);
    json_member_double(w, "score", cause->score);
    json_member_double(w, "onset", cause->onset);
    put_texts(w, "path", cause->path.items, cause->path.count);
    put_texts(w, "supporting", cause->supporting.items, cause->supporting.count);
    put_texts(w, "contradicting", cause->contradicting.items, cause->contradicting.count);
    put_texts(w, "unverified", cause->unverified.items, cause->unverified.count);
    json_key(w, "steps");
    json_begin(w, '[');
    for (size_t i = 0; i < cause->steps.count; i++) {
        const struct rootcause_step *step = &cause->steps.items[i];
        json_begin(w, '{');
        json_member_text(w, "effect", step->effect);
        json_member_text(w, "cause", step->cause);
        json_member_text(w, "by", step->by);
        json_member_bool(w, "verified", step->verified);
        if (step->inferred) {
            json_member_text(w, "inferred", step->inferred);
            json_member_double(w, "confidence", step->confidence);
        }
        json_end(w, '}');
    }
    json_end(w, ']');
    json_end(w, '}');
}

void rootcause_write(const struct rootcause_answer *answer, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_text(&w, "status", rootcause_status_names[answer->status]);
    json_key(&w, "causes");
    json_begin(&w, '[');
    for (size_t i = 0; i < answer->causes.count; i++)
        put_cause(&w, &answer->causes.items[i]);
    json_end(&w, ']');
    put_texts(&w, "reasons", answer->reasons.items, answer->reasons.count);
    put_texts(&w, "notes", answer->notes.items, answer->notes.count);
    json_member_bool(&w, "topology_inferred", answer->topology_inferred);
    json_key(&w, "window");
    json_begin(&w, '{');
    json_member_double(&w, "from", answer->window_from);
    json_member_double(&w, "to", answer->window_to);
    json_end(&w, '}');
    json_key(&w, "calibration");
    json_begin(&w, '{');
    json_member_double(&w, "evidence", answer->evidence);
    json_member_double(&w, "usual", answer->usual_evidence);
    json_member_int(&w, "windows", (int64_t)answer->usual_windows);
    json_end(&w, '}');
    json_end(&w, '}');
}

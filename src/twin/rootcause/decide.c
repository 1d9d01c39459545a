/* decide.c - paths checked step by step, evidence in words, and what may be claimed.
 *
 * Contract: a status other than inconclusive has a cause; confirmed means that every check below
 * passed, likely that the change is real and belongs to the symptom while something is left open.
 * The status never depends on a rank or a score alone. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "twin/rootcause/rootcause_priv.h"

#define STEP_TOGETHER 0.4 /* ends of a verified step move together at least so */
#define SYMPTOM_TOGETHER 0.4
#define MARGIN 1.25        /* evidence must pass the most of the history's windows by this */
#define EVIDENCE_LEAST 0.3 /* and be worth something where the history is all quiet … */
#define EVIDENCE_ALONE 0.9 /* … more without a symptom: then every series is a suspect */
#define WINDOWS_LEAST 10   /* for a calibration that can confirm */
#define RIVAL_UNTOLD 0.8   /* without a topology; one that began later is no rival then */
#define RIVAL_INFERRED 0.5 /* with inferred ties alone */
#define RIVAL 0.7          /* a runner-up with this share of the score is not excluded */
#define EXPLAINED_MOST 0.5 /* a confirmed cause is not mostly explained by others */
#define DEMAND 0.5         /* share of the symptom that its own customers explain */
#define CONDUIT 0.5        /* of a carrier's users, and of the unexplained, that make it a cause */
#define STEPS_MOST 64
#define WORDS_MOST 6

#define SAY(list, ...) (*LIST_ADD(arena, list) = arena_printf(arena, __VA_ARGS__))

static const char *const way_names[] = {NULL, "calls", "runs-on", "hosts", "called-by", "connects"};

/* ---- steps ---- */

struct ends {
    size_t effect, cause; /* series, or NONE */
    double together;
};

/* The two series, one of each end, that go together best. */
static struct ends best_ends(const struct rootcause_model *model, const struct rootcause_view *view,
                             size_t effect, size_t cause)
{
    const struct rootcause_node *a = &model->nodes[effect], *b = &model->nodes[cause];
    struct ends best = {ROOTCAUSE_NONE, ROOTCAUSE_NONE, 0};
    double best_value = -1;
    for (size_t i = 0; i < a->count; i++) {
        size_t x = model->series[a->first + i];
        bool symptom = x == model->symptom_series;
        if (view->excursion[x].severity <= 0 && !symptom)
            continue;
        for (size_t k = 0; k < b->count; k++) {
            size_t y = model->series[b->first + k];
            if (view->excursion[y].severity <= 0)
                continue;
            double together = telemetry_together(&model->scores, x, y, view->pad, view->to,
                                                 view->to - view->pad > 20 ? 1 : 0);
            double value = together + (symptom ? 0.3 : 0) +
                           0.3 * rootcause_relevance(model->given->metrics.series[x].class,
                                                     model->given->metrics.series[y].class,
                                                     view->excursion[y].score > 0);
            if (value > best_value) {
                best_value = value;
                best = (struct ends){x, y, together};
            }
        }
    }
    return best;
}

static void check_step(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t effect, size_t cause, struct rootcause_step *step,
                       struct arena *arena)
{
    struct ends ends = best_ends(model, view, effect, cause);
    const double *times = model->given->metrics.times;
    step->effect = model->nodes[effect].id;
    step->cause = model->nodes[cause].id;
    if (view->silent[cause] != ROOTCAUSE_NONE) { /* who waits for it or stands on it is not well */
        size_t felt =
            ends.effect != ROOTCAUSE_NONE ? rootcause_onset_of(model, view, ends.effect) : view->to;
        step->verified = view->silent[cause] <= felt + rootcause_tolerance(model);
        step->why = step->verified ? NULL : "it fell silent only after its effect began";
        return;
    }
    if (ends.cause == ROOTCAUSE_NONE) {
        bool quiet = view->severity[cause] <= 0;
        size_t which = quiet ? cause : effect;
        step->why = arena_printf(arena,
                                 model->nodes[which].observed ? "%s did not leave its normal band"
                                                              : "%s is not measured",
                                 model->nodes[which].id);
        return;
    }
    size_t first = rootcause_onset_of(model, view, ends.cause);
    size_t then = view->excursion[ends.effect].score != 0
                      ? rootcause_onset_of(model, view, ends.effect)
                      : view->to;
    if (ends.together < STEP_TOGETHER)
        step->why =
            arena_printf(arena, "they did not move together (correlation %.2f)", ends.together);
    else if (first > then + rootcause_tolerance(model))
        step->why = arena_printf(arena, "the cause began %.0f s after its effect",
                                 times[first] - times[then]);
    else
        step->verified = true;
}

/* Between those who are ill and what they share stand things that need not be ill themselves. */
static bool is_conduit(const struct rootcause_view *view, size_t carrier, size_t cause)
{
    const struct rootcause_carrier *c = &view->carriers[carrier];
    return c->hit >= CONDUIT && c->part >= CONDUIT && view->service[cause] <= 0;
}

/* Path from the symptom to the node, checked. */
static void trace_path(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t node, struct rootcause_cause *out, struct arena *arena)
{
    size_t nodes[STEPS_MOST], count = 0;
    bool loose = node == view->common && view->carriers[node].loose;
    size_t from = loose && view->common_beside != ROOTCAUSE_NONE ? view->common_beside : node;
    bool has_path =
        model->symptom_node != ROOTCAUSE_NONE && model->has_graph && !isinf(view->cost[from]);
    if (has_path && from != node)
        nodes[count++] = node;
    if (has_path)
        for (size_t n = from; n != ROOTCAUSE_NONE && count < STEPS_MOST; n = view->before[n])
            nodes[count++] = n;
    else {
        nodes[count++] = node;
        if (model->symptom_node != ROOTCAUSE_NONE && model->symptom_node != node)
            nodes[count++] = model->symptom_node;
    }
    for (size_t i = count; i > 0; i--)
        *LIST_ADD(arena, &out->path) = model->nodes[nodes[i - 1]].id;
    for (size_t i = count; i > 1; i--) {
        struct rootcause_step *step = LIST_ADD(arena, &out->steps);
        check_step(model, view, nodes[i - 1], nodes[i - 2], step, arena);
        const struct rootcause_influence *influence =
            has_path && view->by[nodes[i - 2]] != ROOTCAUSE_NONE
                ? &model->influences[view->by[nodes[i - 2]]]
                : NULL;
        step->by = influence && !influence->inferred ? way_names[influence->way] : "inferred";
        if (influence && influence->inferred) {
            step->inferred = way_names[influence->way];
            step->confidence = influence->confidence;
        }
        if (!influence) {
            step->verified = false;
            step->why = loose              ? "nothing tells what it carries"
                        : model->has_graph ? "the topology has no way between them"
                                           : "there is no topology: only time and shape tie them";
        } else if (node == view->common && !step->verified && !influence->contradicted &&
                   is_conduit(view, node, nodes[i - 2])) {
            step->verified = true;
            step->why = NULL;
        } else if (influence->contradicted) {
            step->verified = false;
            step->why = "the requests of both ends never moved together: the edge is doubtful";
        }
    }
}

/* Row where a node's change began; of a carrier, where the first of its users fell ill. */
static size_t onset_of_node(const struct rootcause_model *model, const struct rootcause_view *view,
                            size_t node)
{
    size_t first = view->to - 1;
    if (view->best_series[node] == ROOTCAUSE_NONE && view->silent[node] != ROOTCAUSE_NONE)
        return view->silent[node];
    if (node != view->common)
        return rootcause_onset_of(model, view, view->best_series[node]);
    for (size_t i = 0; i < view->anomalous_count; i++) {
        size_t s = view->anomalous[i];
        size_t onset = rootcause_onset_of(model, view, s);
        if (view->together[s] >= SYMPTOM_TOGETHER && onset < first &&
            rootcause_is_felt(model->given->metrics.series[s].class))
            first = onset;
    }
    return first;
}

/* ---- words ---- */

static void say_changes(const struct rootcause_model *model, const struct rootcause_view *view,
                        struct rootcause_cause *out, struct arena *arena)
{
    const struct rootcause_case *given = model->given;
    double end = given->metrics.times[view->to - 1];
    for (size_t i = 0; i < given->changes.count; i++) {
        const struct rootcause_change *change = &given->changes.items[i];
        char when[CLOCK_TEXT_SIZE];
        if (!str_eq(change->entity, out->entity) || change->time > end ||
            change->time < out->onset - 4 * 3600)
            continue;
        clock_format((int64_t)(change->time * 1000), when);
        if (change->time <= out->onset + 2 * given->metrics.step_s)
            SAY(&out->supporting, "change before it, at %s: %s", when, change->what);
        else
            SAY(&out->contradicting, "a change came only after it began, at %s: %s", when,
                change->what);
    }
}

static void say_steps(struct rootcause_cause *out, struct arena *arena)
{
    for (size_t i = 0; i < out->steps.count; i++) {
        const struct rootcause_step *step = &out->steps.items[i];
        const char *by = step->inferred ? step->inferred : step->by;
        if (step->verified)
            SAY(&out->supporting, "verified: %s %s %s%s", step->effect, by, step->cause,
                step->inferred ? " (inferred)" : "");
        else
            SAY(&out->unverified, "%s %s %s: %s", step->effect, by, step->cause, step->why);
        if (step->inferred)
            SAY(&out->unverified,
                "that %s %s %s is inferred from the history, confidence %.2f, and not told",
                step->effect, by, step->cause, step->confidence);
    }
}

/* Calls that the topology tells of it and the history does not know. */
static void say_doubts(const struct rootcause_model *model, size_t node,
                       struct rootcause_cause *out, struct arena *arena)
{
    const struct rootcause_node *of = &model->nodes[node];
    for (size_t i = 0; i < of->influence_count; i++) {
        const struct rootcause_influence *influence = &model->influences[of->influences + i];
        if (influence->contradicted)
            SAY(&out->contradicting, "the topology says that it %s %s, the history's requests not",
                influence->way == ROOTCAUSE_BY_CALLEE ? "calls" : "is called by",
                model->nodes[influence->cause].id);
    }
}

static void say_common(const struct rootcause_model *model, const struct rootcause_view *view,
                       size_t node, struct rootcause_cause *out, struct arena *arena)
{
    const struct rootcause_carrier *c = &view->carriers[node];
    size_t series = view->best_series[node];
    SAY(&out->supporting,
        "%zu of the %zu that use it are ill and nothing else explains it; it is %.0f percent of "
        "what "
        "is unexplained",
        c->voters, c->users, 100 * c->part);
    if (series != ROOTCAUSE_NONE && view->excursion[series].severity > 0)
        SAY(&out->supporting, "%s",
            telemetry_words(&model->scores, series, &view->excursion[series],
                            rootcause_onset_of(model, view, series), arena));
    else if (series != ROOTCAUSE_NONE)
        SAY(&out->contradicting, "its own %s stays within its history",
            model->given->metrics.series[series].metric);
    say_changes(model, view, out, arena);
    say_steps(out, arena);
}

static void say_silence(const struct rootcause_model *model, const struct rootcause_view *view,
                        size_t node, struct rootcause_cause *out, struct arena *arena)
{
    char when[CLOCK_TEXT_SIZE];
    clock_format((int64_t)(model->given->metrics.times[view->silent[node]] * 1000), when);
    SAY(&out->supporting, "%s reported nothing any more from %s on, as never before",
        model->nodes[node].id, when);
    SAY(&out->unverified, "silence has no shape: it may be its monitoring that failed");
    say_changes(model, view, out, arena);
    say_steps(out, arena);
}

static void say_evidence(const struct rootcause_model *model, const struct rootcause_view *view,
                         size_t node, struct rootcause_cause *out, struct arena *arena)
{
    const struct rootcause_node *of = &model->nodes[node];
    size_t best = view->best_series[node], said = 0;
    const struct telemetry_excursion *x = &view->excursion[best == ROOTCAUSE_NONE ? 0 : best];
    if (node == view->common) {
        say_common(model, view, node, out, arena);
        return;
    }
    if (best == ROOTCAUSE_NONE) {
        say_silence(model, view, node, out, arena);
        return;
    }
    SAY(&out->supporting, "%s",
        telemetry_words(&model->scores, best, x, rootcause_onset_of(model, view, best), arena));
    for (size_t i = 0; i < of->count && said < WORDS_MOST; i++) {
        size_t s = model->series[of->first + i];
        if (s == best || view->excursion[s].severity <= 0)
            continue;
        SAY(&out->supporting, "%s",
            telemetry_words(&model->scores, s, &view->excursion[s],
                            rootcause_onset_of(model, view, s), arena));
        said++;
    }
    if (model->symptom_series != ROOTCAUSE_NONE && best != model->symptom_series) {
        double together = view->together[best];
        if (together >= SYMPTOM_TOGETHER)
            SAY(&out->supporting, "moves together with the symptom (correlation %.2f)", together);
        else
            SAY(&out->contradicting, "hardly moves together with the symptom (correlation %.2f)",
                together);
    }
    if (view->explained[best] > 0.2)
        SAY(&out->contradicting,
            "%.0f percent of it is explained by what it depends on or by its load",
            100 * view->explained[best]);
    if (of->outside)
        SAY(&out->contradicting,
            "it is seen through others only; what is behind it may be at work");
    say_changes(model, view, out, arena);
    say_steps(out, arena);
}

/* ---- what may be claimed ---- */

struct checks {
    bool real, related, demand, verified, symptom_moved, alone, own, calibrated, inside, heard,
        elsewhere;
};

static bool rival_is_separate(const struct rootcause_model *model,
                              const struct rootcause_view *view, size_t first, size_t second)
{
    /* a runner-up on the first one's path is its effect, not its rival */
    for (size_t n = first; model->has_graph && model->symptom_node != ROOTCAUSE_NONE &&
                           !isinf(view->cost[first]) && n != ROOTCAUSE_NONE;
         n = view->before[n])
        if (n == second)
            return false;
    return true;
}

/* The symptom is within its history while its customers are more than ever, and the candidate works
 * more but nobody feels it. */
static bool is_demand(const struct rootcause_model *model, const struct rootcause_view *view,
                      size_t best)
{
    size_t traffic = model->symptom_node == ROOTCAUSE_NONE ? ROOTCAUSE_NONE
                                                           : model->traffic[model->symptom_node];
    return traffic != ROOTCAUSE_NONE && model->symptom_series != ROOTCAUSE_NONE &&
           view->excursion[model->symptom_series].severity <= 0 &&
           view->excursion[traffic].severity > 0 && view->excursion[traffic].score > 0 &&
           view->explained[traffic] < EXPLAINED_MOST && view->service[model->node_of[best]] <= 0;
}

/* More is asked of it, and that goes back to more customers. */
static bool is_surge(const struct rootcause_model *model, const struct rootcause_view *view,
                     size_t node)
{
    size_t traffic = model->traffic[node];
    return traffic != ROOTCAUSE_NONE && model->symptom_series != ROOTCAUSE_NONE &&
           view->excursion[traffic].severity > 0 && view->excursion[traffic].score > 0 &&
           view->demand[node] >= DEMAND;
}

/* From which share of the first score a candidate is a rival. */
static double rival_share(const struct rootcause_model *model)
{
    return model->told && !model->doubted ? RIVAL
           : model->has_graph             ? RIVAL_INFERRED
                                          : RIVAL_UNTOLD;
}

static struct checks make_checks(const struct rootcause_model *model,
                                 const struct rootcause_view *view,
                                 const struct rootcause_answer *answer)
{
    struct checks c = {.verified = true, .alone = true};
    size_t node = view->rank[0], best = view->best_series[node];
    bool common = node == view->common || best == ROOTCAUSE_NONE; /* or fell silent */
    const struct rootcause_cause *cause = &answer->causes.items[0];
    c.real = answer->evidence >=
             fmax(model->symptom_series == ROOTCAUSE_NONE ? EVIDENCE_ALONE : EVIDENCE_LEAST,
                  MARGIN * answer->usual_evidence);
    c.related = common || model->symptom_series == ROOTCAUSE_NONE ||
                view->together[best] >= SYMPTOM_TOGETHER;
    c.demand = !common && model->given->metrics.series[best].class == TELEMETRY_TRAFFIC &&
               view->excursion[best].score > 0;
    c.demand = c.demand || (model->symptom_series != ROOTCAUSE_NONE &&
                            view->loaded[model->symptom_series] >= DEMAND);
    c.demand = c.demand || (!common && is_demand(model, view, best)) ||
               (!common && view->loaded[best] >= DEMAND) || is_surge(model, view, node);
    for (size_t i = 0; i < cause->steps.count; i++)
        c.verified = c.verified && cause->steps.items[i].verified;
    c.symptom_moved = model->symptom_series != ROOTCAUSE_NONE &&
                      view->excursion[model->symptom_series].severity > 0;
    for (size_t i = 1; i < view->rank_count; i++) {
        size_t other = view->rank[i];
        if (view->score[other] < rival_share(model) * view->score[node])
            break;
        bool later =
            !model->has_graph && onset_of_node(model, view, other) >
                                     onset_of_node(model, view, node) + rootcause_tolerance(model);
        if (!later && rival_is_separate(model, view, node, other))
            c.alone = false;
    }
    c.elsewhere = node != model->symptom_node || view->rank_count < 2;
    c.own = common || view->explained[best] <= EXPLAINED_MOST;
    c.calibrated = answer->usual_windows >= WINDOWS_LEAST;
    c.inside = !model->nodes[node].outside;
    c.heard = node == view->common || best != ROOTCAUSE_NONE;
    return c;
}

static void settle(const struct rootcause_model *model, const struct checks *c,
                   struct rootcause_answer *out, struct arena *arena)
{
    out->status = ROOTCAUSE_INCONCLUSIVE;
    if (!c->real) {
        SAY(&out->reasons,
            "nothing stands out: evidence %.2f, while windows of the history without an alarm "
            "reach %.2f",
            out->evidence, out->usual_evidence);
        return;
    }
    if (!c->related) {
        SAY(&out->reasons, "what stands out does not move together with the symptom");
        return;
    }
    if (model->symptom_series != ROOTCAUSE_NONE && !c->symptom_moved && !c->verified) {
        SAY(&out->reasons,
            "neither did the symptom leave its history, nor is the path to what did verified");
        return;
    }
    if ((!model->told || model->doubted) && !c->elsewhere) {
        SAY(&out->reasons, "without a topology that can be trusted nothing tells the symptom's own "
                           "trouble from that of its callees");
        return;
    }
    if ((!model->told || model->doubted) && !c->alone) {
        SAY(&out->reasons,
            "without a topology that can be trusted nothing tells the first candidates apart");
        return;
    }
    if (c->demand) {
        SAY(&out->reasons, "demand rose and what else moved follows it: nothing is broken");
        return;
    }
    SAY(&out->reasons,
        "evidence %.2f passes the most of %zu windows of the history without an alarm, %.2f",
        out->evidence, out->usual_windows, out->usual_evidence);
    out->status = ROOTCAUSE_LIKELY;
    bool all = true;
    const struct {
        bool holds;
        const char *open;
    } checks[] = {
        {model->symptom_series != ROOTCAUSE_NONE, "no symptom was given to trace from"},
        {model->told, "there is no topology: paths are inferred"},
        {!model->doubted, "calls of the topology are contradicted: others may be missing"},
        {c->symptom_moved || model->symptom_series == ROOTCAUSE_NONE,
         "the symptom itself stays within its history"},
        {c->verified, "a step of the path is not verified"},
        {c->alone, "another candidate is not excluded"},
        {c->own, "most of the first candidate's change is explained by others"},
        {c->calibrated, "the history is too short for more than a few windows to compare with"},
        {c->inside, "the first candidate is seen through others only"},
        {c->heard, "the first candidate fell silent: nothing of it can be compared"},
    };
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (!checks[i].holds) {
            all = false;
            SAY(&out->reasons, "%s", checks[i].open);
        }
    if (!all)
        return;
    SAY(&out->reasons, "every step of the path is verified and no other candidate comes near");
    out->status = ROOTCAUSE_CONFIRMED;
}

void rootcause_decide(const struct rootcause_model *model, const struct rootcause_view *view,
                      struct rootcause_answer *out, struct arena *arena)
{
    for (size_t i = 0; i < view->rank_count && i < ROOTCAUSE_CAUSES; i++) {
        size_t node = view->rank[i];
        struct rootcause_cause *cause = LIST_ADD(arena, &out->causes);
        size_t best = view->best_series[node];
        cause->entity = model->nodes[node].id;
        cause->metric = best == ROOTCAUSE_NONE ? NULL : model->given->metrics.series[best].metric;
        cause->score = view->score[node];
        cause->onset = model->given->metrics.times[onset_of_node(model, view, node)];
        trace_path(model, view, node, cause, arena);
        say_evidence(model, view, node, cause, arena);
        say_doubts(model, node, cause, arena);
    }
    if (out->causes.count == 0) {
        out->status = ROOTCAUSE_INCONCLUSIVE;
        SAY(&out->reasons, "no series left its normal band for long enough");
        return;
    }
    struct checks checks = make_checks(model, view, out);
    settle(model, &checks, out, arena);
}

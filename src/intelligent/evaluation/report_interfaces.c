/* report_interfaces.c - do the open interfaces match that applications want from each other?
 *
 * An interface that is wanted from a named application is looked for there; else with every
 * application that a flow joins, and when no flow names the component, with all of the solution.
 * Names are compared without case, blanks, hyphens and underscores: "OPC UA" is "opc-ua". */
#include <ctype.h>

#include "intelligent/evaluation/evaluation_priv.h"

enum match { NO_MATCH, MATCH_WITHOUT_VERSION, MATCH };

static const char *next_letter(const char *text)
{
    while (*text == ' ' || *text == '-' || *text == '_')
        text++;
    return text;
}

static bool same_interface(const char *a, const char *b)
{
    for (;; a++, b++) {
        a = next_letter(a);
        b = next_letter(b);
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static enum match offers(const struct application_spec *spec,
                         const struct application_spec_consumption *want)
{
    enum match best = NO_MATCH;
    bool any = !want->version || str_eq(want->version, "*");
    for (size_t i = 0; i < spec->offers.count; i++) {
        const struct application_spec_interface *offer = &spec->offers.items[i];
        bool understood = true;
        if (!offer->name || !same_interface(offer->name, want->name))
            continue;
        if (any || (offer->version &&
                    evaluation_version_suits(offer->version, want->version, &understood)))
            return MATCH;
        if (!offer->version || !understood)
            best = MATCH_WITHOUT_VERSION;
    }
    for (size_t i = 0; i < spec->interfaces.count && best == NO_MATCH; i++)
        if (same_interface(spec->interfaces.items[i], want->name))
            best = any ? MATCH : MATCH_WITHOUT_VERSION;
    return best;
}

/* "REST 1.0, MQTT" */
static const char *offers_text(const struct application_spec *spec, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < spec->offers.count; i++)
        text = arena_printf(arena, "%s%s%s%s%s", text, *text ? ", " : "",
                            spec->offers.items[i].name, spec->offers.items[i].version ? " " : "",
                            spec->offers.items[i].version ? spec->offers.items[i].version : "");
    for (size_t i = 0; i < spec->interfaces.count; i++)
        text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", spec->interfaces.items[i]);
    return *text ? text : "no open interface";
}

struct wanted {
    struct evaluation_model *model;
    struct evaluation_checks *checks;
    size_t component;
    const struct application_spec_ref *ref;
    const struct application_spec_consumption *want;
};

static bool is_joined(const struct evaluation_model *model, size_t a, size_t b)
{
    for (size_t f = 0; f < model->flow_count; f++) {
        const struct evaluation_flow *flow = &model->flows[f];
        if (flow->from >= 0 && (((size_t)flow->from == a && (size_t)flow->to == b) ||
                                ((size_t)flow->from == b && (size_t)flow->to == a)))
            return true;
    }
    return false;
}

static bool has_partners(const struct evaluation_model *model, size_t component)
{
    for (size_t c = 0; c < model->requirement->components.count; c++)
        if (c != component && is_joined(model, component, c))
            return true;
    return false;
}

/* Can that component be the one that offers it? */
static bool may_offer(const struct wanted *w, size_t other, bool joined_only)
{
    const struct application_spec_ref *ref = evaluation_application(w->model, other);
    if (other == w->component)
        return false;
    if (w->want->from)
        return !ref || str_eq(ref->spec.name, w->want->from);
    return !joined_only || is_joined(w->model, w->component, other);
}

static void check_wanted(const struct wanted *w)
{
    struct arena *arena = w->checks->arena;
    const struct requirement *requirement = w->model->requirement;
    bool joined_only = has_partners(w->model, w->component), unknown = false;
    const struct application_spec_ref *best_ref = NULL;
    enum match best = NO_MATCH;
    const char *seen = NULL;
    for (size_t c = 0; c < requirement->components.count && best != MATCH; c++) {
        if (!may_offer(w, c, joined_only))
            continue;
        const struct application_spec_ref *ref = evaluation_application(w->model, c);
        if (!ref) { /* nobody knows what it offers; a bare server offers nothing by itself */
            unknown = unknown || requirement->components.items[c].form != FORM_SERVER;
            continue;
        }
        enum match own = offers(&ref->spec, w->want);
        if (own > best) {
            best = own;
            best_ref = ref;
        }
        seen = arena_printf(arena, "%s%s%s: %s", seen ? seen : "", seen ? "; " : "",
                            ref->id ? ref->id : "?", offers_text(&ref->spec, arena));
    }
    int verdict = best == MATCH                              ? VERDICT_PASS
                  : best == MATCH_WITHOUT_VERSION || unknown ? VERDICT_UNKNOWN
                                                             : VERDICT_FAIL;
    struct evaluation_claim item = {
        DIMENSION_APPLICATION,
        "interface",
        requirement->components.items[w->component].name,
        arena_printf(arena, "%s%s%s%s%s", w->want->name, w->want->version ? " " : "",
                     w->want->version ? w->want->version : "", w->want->from ? " @ " : "",
                     w->want->from ? w->want->from : ""),
        best == MATCH             ? best_ref->id
        : seen                    ? seen
        : verdict == VERDICT_FAIL ? "none"
                                  : NULL,
        NULL,
        {false, 0},
        verdict,
        verdict == VERDICT_UNKNOWN ? 0.0 : 1.0};
    struct feasibility_check *check = evaluation_check_add(w->checks, &item);
    evaluation_evidence_add(w->checks, check, "application", w->ref->id,
                            best == MATCH ? "what it wants is offered"
                            : best == MATCH_WITHOUT_VERSION
                                ? "it is offered, in a version that nobody states"
                            : unknown ? "no published application is known for what may offer it"
                                      : "nothing in the solution offers it",
                            0);
}

void evaluation_report_interfaces(struct evaluation_model *model, struct evaluation_checks *checks)
{
    for (size_t c = 0; c < model->requirement->components.count; c++) {
        const struct application_spec_ref *ref = evaluation_application(model, c);
        if (!ref || model->requirement->components.items[c].form == FORM_SERVER)
            continue;
        for (size_t i = 0; i < ref->spec.consumes.count; i++) {
            const struct application_spec_consumption *want = &ref->spec.consumes.items[i];
            if (!want->name || (want->optional.set && want->optional.value))
                continue;
            struct wanted wanted = {model, checks, c, ref, want};
            check_wanted(&wanted);
        }
    }
}

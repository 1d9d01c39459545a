/* report_application.c - the application dimension: is there a published application for each
 * component, can its form be opened where it is placed, does it run there, is it given what it
 * needs, are its dependencies met.  What nobody published is unknown, not passed. */
#include "intelligent/evaluation/evaluation_priv.h"

struct application_report {
    struct evaluation_model *model;
    const struct solution *solution;
    struct evaluation_checks *checks;
};

static struct feasibility_check *claim(struct application_report *r, const char *code,
                                       const char *subject, int verdict, const char *required,
                                       const char *observed, double confidence)
{
    return evaluation_claim_application(r->checks, code, subject, verdict, required, observed,
                                        confidence);
}

static void say_application(struct application_report *r, struct feasibility_check *check,
                            const struct application_spec_ref *ref)
{
    evaluation_evidence_add(r->checks, check, "application", ref->id, ref->digest, 0);
}

static void check_published(struct application_report *r,
                            const struct requirement_component *component,
                            const struct application_spec_ref *ref)
{
    bool published = str_eq(ref->state, "published");
    say_application(r,
                    claim(r, "application", component->name,
                          published ? VERDICT_PASS : VERDICT_FAIL, "published", ref->state, 1.0),
                    ref);
    if (!component->form || component->form == FORM_SERVER)
        return;
    say_application(r,
                    claim(r, "application.form", component->name,
                          component->form == ref->spec.form ? VERDICT_PASS : VERDICT_FAIL,
                          json_enum_name(requirement_form_names, component->form),
                          json_enum_name(requirement_form_names, ref->spec.form), 1.0),
                    ref);
}

static void check_amount(struct application_report *r,
                         const struct requirement_component *component,
                         const struct application_spec_ref *ref, const char *code, const char *unit,
                         struct opt_double needed, struct opt_double given)
{
    if (!needed.set)
        return;
    struct arena *arena = r->checks->arena;
    int verdict = !given.set                                            ? VERDICT_UNKNOWN
                  : given.value >= needed.value - EVALUATION_AMOUNT_TOL ? VERDICT_PASS
                                                                        : VERDICT_FAIL;
    struct evaluation_claim item = {DIMENSION_APPLICATION,
                                    code,
                                    component->name,
                                    evaluation_number(arena, needed.value),
                                    given.set ? evaluation_number(arena, given.value) : NULL,
                                    unit,
                                    evaluation_margin(given.set ? given.value - needed.value : NAN),
                                    verdict,
                                    given.set ? 1.0 : 0.0};
    say_application(r, evaluation_check_add(r->checks, &item), ref);
}

static void check_needs(struct application_report *r, const struct requirement_component *component,
                        const struct application_spec_ref *ref)
{
    const struct application_spec_needs *needs = &ref->spec.needs;
    check_amount(r, component, ref, "needs.vcpus", "vCPU", needs->vcpus, component->vcpus);
    check_amount(r, component, ref, "needs.memory_gib", "GiB", needs->memory_gib,
                 component->memory_gib);
    check_amount(r, component, ref, "needs.disk_gib", "GiB", needs->disk_gib, component->disk_gib);
    if (!needs->accelerator)
        return;
    const struct requirement_accelerator *asked = needs->accelerator,
                                         *given = component->accelerator;
    bool met = given && given->kind == asked->kind && given->count >= asked->count &&
               (!asked->model || !given->model || str_eq(asked->model, given->model));
    const char *kind = json_enum_name(requirement_accelerator_names, asked->kind);
    say_application(r,
                    claim(r, "needs.accelerator", component->name,
                          met ? VERDICT_PASS : VERDICT_FAIL, asked->model ? asked->model : kind,
                          !given ? "none"
                          : given->model
                              ? given->model
                              : json_enum_name(requirement_accelerator_names, given->kind),
                          1.0),
                    ref);
}

static const struct site *placed_at(struct application_report *r, size_t placement)
{
    size_t node =
        evaluation_index_find(r->model->index, r->solution->placements.items[placement].site);
    return node < r->model->index->sites ? &r->model->network->sites.items[node] : NULL;
}

static bool seen_before(struct application_report *r, size_t placement)
{
    const struct solution_placement *own = &r->solution->placements.items[placement];
    for (size_t i = 0; i < placement; i++)
        if (str_eq(r->solution->placements.items[i].component, own->component) &&
            str_eq(r->solution->placements.items[i].site, own->site))
            return true;
    return false;
}

/* Can what is placed there be opened there? */
static void check_opening(struct application_report *r,
                          const struct requirement_component *component, int form,
                          const struct site *site)
{
    const struct site_connections *connections = r->model->input.connections;
    const char *required = json_enum_name(requirement_form_names, form);
    const char *observed = NULL, *text;
    int verdict = VERDICT_UNKNOWN;
    double confidence = 0.0;
    const struct site_connection *found =
        connections ? site_connection_find(connections, site->id, form) : NULL;
    if (found) {
        verdict = VERDICT_PASS;
        confidence = found->simulated ? 0.5 : 1.0;
        observed = found->provider;
        text = found->simulated ? "simulated: nothing real would be opened"
                                : "a connection opens this form";
    } else if (connections && site_connection_find(connections, site->id, FORM_ABSENT)) {
        if (component->form == form)
            return; /* reason "form" of eligibility has said so */
        verdict = VERDICT_FAIL;
        confidence = 1.0;
        text = "none of the site's connections opens this form";
    } else if (site_is_catalogue_only(site)) {
        text = "catalogue only: no provider opens anything here";
    } else if (!connections) {
        verdict = VERDICT_PASS;
        confidence = 0.5;
        observed = site->provider;
        text = "by the name of the site's provider alone";
    } else {
        text = "no connection to this site is known";
    }
    evaluation_evidence_add(
        r->checks, claim(r, "opening", component->name, verdict, required, observed, confidence),
        "site", site->id, text, 0);
}

static void check_places(struct application_report *r,
                         const struct requirement_component *component,
                         const struct application_spec_ref *ref)
{
    int form = component->form ? component->form : ref ? ref->spec.form : FORM_ABSENT;
    for (size_t p = 0; p < r->solution->placements.count; p++) {
        if (!str_eq(r->solution->placements.items[p].component, component->name) ||
            seen_before(r, p))
            continue;
        const struct site *site = placed_at(r, p);
        if (!site)
            continue;
        if (form)
            check_opening(r, component, form, site);
        if (!ref || ref->spec.needs.arch.count == 0)
            continue;
        bool runs = false;
        for (size_t i = 0; i < ref->spec.needs.arch.count; i++)
            for (size_t k = 0; k < site->arch.count; k++)
                runs = runs || ref->spec.needs.arch.items[i] == site->arch.items[k];
        say_application(r,
                        claim(r, "application.arch", component->name,
                              site->arch.count == 0 ? VERDICT_UNKNOWN
                              : runs                ? VERDICT_PASS
                                                    : VERDICT_FAIL,
                              json_enum_name(requirement_arch_names, ref->spec.needs.arch.items[0]),
                              site->arch.count
                                  ? json_enum_name(requirement_arch_names, site->arch.items[0])
                                  : NULL,
                              site->arch.count ? 1.0 : 0.0),
                        ref);
    }
}

void evaluation_report_application(struct evaluation_model *model, const struct solution *solution,
                                   struct evaluation_checks *checks)
{
    struct application_report report = {model, solution, checks};
    const struct requirement *requirement = model->requirement;
    for (size_t c = 0; c < requirement->components.count; c++) {
        const struct requirement_component *component = &requirement->components.items[c];
        const struct application_spec_ref *ref =
            model->input.applications
                ? application_spec_find(model->input.applications, component->name)
                : NULL;
        if (component->form == FORM_SERVER) {
            struct feasibility_check *check = claim(&report, "application", component->name,
                                                    VERDICT_PASS, "none", "bare server", 1.0);
            evaluation_evidence_add(checks, check, "requirement", component->name,
                                    "a bare server needs no application", 0);
        } else if (ref) {
            check_published(&report, component, ref);
            check_needs(&report, component, ref);
        } else {
            struct feasibility_check *check = claim(&report, "application", component->name,
                                                    VERDICT_UNKNOWN, "published", NULL, 0.0);
            evaluation_evidence_add(checks, check, "requirement", component->name,
                                    "no published application is known for it", 0);
        }
        check_places(&report, component, ref);
    }
    evaluation_report_dependencies(model, checks);
    evaluation_report_interfaces(model, checks);
}

/* write.c - an answer as JSON; what does not apply or is not known is left out.
 *
 * Contract: `findings` keeps the order of the answer; counts are of all findings, also of those
 * that `most` leaves out. */
#include "base/json.h"

#include "twin/risks/risks.h"

static void write_known(struct json_writer *w, const char *key, struct opt_double value)
{
    if (value.set)
        json_member_double(w, key, value.value);
}

static void write_element(struct json_writer *w, const char *key,
                          const struct risks_element *element)
{
    if (!element->kind)
        return;
    json_key(w, key);
    json_begin(w, '{');
    json_member_text(w, "kind", element->kind);
    json_member_text(w, "id", element->id);
    if (element->position)
        json_member_int(w, "index", element->position - 1);
    if (element->basis) {
        json_member_text(w, "basis", risks_basis_names[element->basis]);
        json_member_bool(w, "inferred", element->basis != RISKS_DECLARED);
        json_member_int(w, "members", element->members);
    }
    json_end(w, '}');
}

static void write_amount(struct json_writer *w, const char *key, const struct risks_amount *amount)
{
    json_key(w, key);
    json_begin(w, '{');
    json_member_int(w, "sites", amount->sites);
    json_member_int(w, "access", amount->access);
    json_member_double(w, "vcpus", amount->vcpus);
    json_member_double(w, "memory_gib", amount->memory_gib);
    json_member_double(w, "accelerators", amount->accelerators);
    if (amount->unknown)
        json_member_int(w, "sites_of_unknown_capacity", amount->unknown);
    json_end(w, '}');
}

static void write_text(struct json_writer *w, const char *key, const char *text)
{
    if (text)
        json_member_text(w, key, text);
}

static void write_finding(struct json_writer *w, const struct risks_finding *finding)
{
    json_begin(w, '{');
    json_member_text(w, "kind", risks_kind_names[finding->kind]);
    json_member_text(w, "severity", risks_severity_names[finding->severity]);
    json_member_text(w, "reason", risks_reason_names[finding->reason]);
    write_element(w, "element", &finding->element);
    write_element(w, "second", &finding->second);
    write_text(w, "service", finding->service);
    write_text(w, "resource", finding->resource);
    write_text(w, "at", finding->at);
    write_known(w, "observed", finding->observed);
    write_known(w, "required", finding->required);
    write_known(w, "margin", finding->margin);
    write_text(w, "unit", finding->unit);
    if (finding->kind == RISKS_CUT)
        write_amount(w, "cut_off", &finding->off);
    if (finding->kind == RISKS_CUT && finding->element.basis)
        write_amount(w, "fails_with_it", &finding->lost);
    if (finding->kind == RISKS_CUT || (finding->kind == RISKS_PAIR && !finding->service))
        json_member_int(w, "dark_sites", finding->dark);
    if (finding->kind == RISKS_SLOWER)
        json_member_int(w, "farther_sites", finding->slower);
    if (finding->of) {
        json_member_int(w, "instances", finding->of);
        json_member_int(w, "instances_left", finding->left);
    }
    write_text(w, "unknown", finding->unknown);
    write_known(w, "days", finding->days);
    write_known(w, "days_low", finding->days_low);
    write_known(w, "days_high", finding->days_high);
    write_known(w, "slope", finding->slope);
    write_known(w, "slope_low", finding->slope_low);
    write_known(w, "slope_high", finding->slope_high);
    write_text(w, "season", finding->season);
    json_end(w, '}');
}

static void write_summary(struct json_writer *w, const struct risks_answer *answer)
{
    json_key(w, "summary");
    json_begin(w, '{');
    json_member_int(w, "sites", (int64_t)answer->sites);
    json_member_int(w, "access", (int64_t)answer->access);
    json_member_int(w, "links", (int64_t)answer->links);
    json_member_int(w, "unreached_sites", (int64_t)answer->unreached);
    json_member_int(w, "services", (int64_t)answer->services);
    json_member_int(w, "services_broken_now", (int64_t)answer->broken_now);
    json_member_int(w, "single_failures", (int64_t)answer->singles);
    json_member_int(w, "single_failures_felt", (int64_t)answer->singles_felt);
    json_member_int(w, "pairs", (int64_t)answer->pairs);
    json_member_int(w, "pairs_worked_out", (int64_t)answer->pairs_tried);
    json_member_int(w, "pairs_left_out", (int64_t)answer->pairs_left);
    if (answer->pair_most.set)
        json_member_double(w, "pair_left_out_darkens_at_most", answer->pair_most.value);
    json_key(w, "findings");
    json_begin(w, '{');
    for (int kind = 1; kind < RISKS_KINDS; kind++)
        json_member_int(w, risks_kind_names[kind], (int64_t)answer->counts[kind]);
    json_end(w, '}');
    json_member_int(w, "shared_risk_groups", (int64_t)answer->groups);
    json_member_int(w, "inferred_groups", (int64_t)answer->inferred);
    json_member_int(w, "services_unjudged", (int64_t)answer->unjudged);
    json_end(w, '}');
}

static void write_advice(struct json_writer *w, const struct risks_advice *advice)
{
    json_begin(w, '{');
    json_member_text(w, "action", risks_action_names[advice->action]);
    write_text(w, "a", advice->a);
    write_text(w, "b", advice->b);
    if (advice->links)
        json_member_int(w, "links", (int64_t)advice->links);
    write_known(w, "km", advice->km);
    write_known(w, "latency_ms_at_least", advice->latency_ms);
    write_known(w, "amount", advice->amount);
    write_text(w, "unit", advice->unit);
    write_text(w, "component", advice->component);
    if (advice->to) {
        json_member_int(w, "instance", advice->instance);
        write_text(w, "from", advice->from);
        write_text(w, "to", advice->to);
        write_known(w, "cost_change_month", advice->cost_change);
        write_text(w, "currency", advice->currency);
        json_member_int(w, "sites_tried", (int64_t)advice->tried);
        json_member_int(w, "sites_eligible", (int64_t)advice->of);
    }
    if (advice->mended) {
        json_member_int(w, "services_mended", (int64_t)advice->mended);
        json_member_int(w, "breaks_before", (int64_t)advice->breaks_before);
        json_member_int(w, "breaks_after", (int64_t)advice->breaks);
    }
    json_end(w, '}');
}

static void write_danger(struct json_writer *w, const struct risks_danger *danger)
{
    json_begin(w, '{');
    json_member_text(w, "severity", risks_severity_names[danger->severity]);
    write_element(w, "element", &danger->element);
    write_element(w, "second", &danger->second);
    json_member_int(w, "findings", (int64_t)danger->findings);
    json_member_text(w, "worst", risks_kind_names[danger->worst->kind]);
    json_member_text(w, "reason", risks_reason_names[danger->worst->reason]);
    if (danger->hanging)
        json_member_int(w, "hanging_sites", (int64_t)danger->hanging);
    json_member_int(w, "services", (int64_t)danger->services);
    json_key(w, "names");
    json_begin(w, '[');
    for (size_t i = 0; i < danger->names.count; i++)
        json_put_text(w, danger->names.items[i]);
    json_end(w, ']');
    json_member_double(w, "consequence", danger->consequence);
    json_member_int(w, "dark_sites", danger->dark);
    json_member_int(w, "cut_off_sites", danger->off_sites);
    json_member_int(w, "cut_off_access", danger->off_access);
    json_member_int(w, "farther_sites", danger->slower);
    if (danger->advised) {
        json_key(w, "advice");
        json_begin(w, '[');
        for (size_t i = 0; i < danger->advice.count; i++)
            write_advice(w, &danger->advice.items[i]);
        json_end(w, ']');
        write_text(w, "no_advice", danger->no_advice);
    }
    json_end(w, '}');
}

static size_t write_findings(struct json_writer *w, const struct risks_answer *answer,
                             const struct risks_page *page)
{
    size_t seen[RISKS_KINDS] = {0}, written = 0;
    json_key(w, "findings");
    json_begin(w, '[');
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        size_t at = seen[finding->kind]++;
        if (at < page->skip || at - page->skip >= page->most)
            continue;
        write_finding(w, finding);
        written++;
    }
    json_end(w, ']');
    return written;
}

void risks_write(const struct risks_answer *answer, const struct risks_page *page, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    size_t all = 0;
    for (int kind = 1; kind < RISKS_KINDS; kind++)
        all += answer->counts[kind];
    json_begin(&w, '{');
    write_summary(&w, answer);
    json_key(&w, "dangers");
    json_begin(&w, '[');
    for (size_t i = 0; i < answer->dangers.count && i < page->top; i++)
        write_danger(&w, &answer->dangers.items[i]);
    json_end(&w, ']');
    json_member_int(&w, "dangers_in_all", (int64_t)answer->dangers.count);
    size_t written = write_findings(&w, answer, page);
    json_member_int(&w, "findings_left_out", (int64_t)(all - written));
    json_key(&w, "notes");
    json_begin(&w, '[');
    for (size_t i = 0; i < answer->notes.count; i++)
        json_put_text(&w, answer->notes.items[i]);
    json_end(&w, ']');
    json_end(&w, '}');
}

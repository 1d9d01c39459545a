/* fuzz_network.c - any bytes as a network file: no crash; what is refused names why; what is
 * accepted comes back the same from its own text, and its hidden dangers are found, ranked, advised
 * on and written, with finite figures. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/risks/risks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SITES_MOST 3

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void comes_back(const struct network *network, struct arena *arena)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct network again;
    struct err err = ERR_INIT;
    json_encode(&network_table, network, JSON_COMPACT, &first);
    expect(!json_decode(buf_str(&first), first.len, &network_table, &json_limits_large, &again,
                        arena, &err),
           "what was accepted is accepted again");
    json_encode(&network_table, &again, JSON_COMPACT, &second);
    expect(first.len == second.len && !memcmp(buf_str(&first), buf_str(&second), first.len),
           "and is the same");
    buf_done(&first);
    buf_done(&second);
}

/* One component on the first sites, called from the first access point. */
static void place(const struct network *network, struct solution *out, struct arena *arena)
{
    for (size_t i = 0; i < network->sites.count && i < SITES_MOST; i++) {
        *LIST_ADD(arena, &out->placements) =
            (struct solution_placement){"web", (int64_t)i, network->sites.items[i].id, NULL, NULL};
        if (!network->access.count)
            continue;
        struct solution_route *route = LIST_ADD(arena, &out->routes);
        route->from = "user";
        route->from_node = network->access.items[0].id;
        route->to = "web";
        route->to_node = network->sites.items[i].id;
        route->bound_ms = (struct opt_double){true, 10};
        route->bandwidth_mbps = (struct opt_double){true, 20};
    }
}

static void check_findings(const struct risks_answer *answer)
{
    size_t gathered = 0;
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        expect(isfinite(finding->margin.value) && isfinite(finding->observed.value),
               "figures are finite");
        expect(finding->element.kind && finding->element.id, "what fails is named");
    }
    for (size_t i = 0; i < answer->dangers.count; i++)
        gathered += answer->dangers.items[i].findings;
    expect(gathered == answer->findings.count, "every finding is in one danger");
}

static void analyse(const struct network *network, const struct solution *solution,
                    struct arena *arena)
{
    struct risks_input input = {
        .network = network, .solution = solution, .pairs = 50, .firsts = 10};
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_doc *doc = NULL;
    expect(!risks_analyse(&input, &answer, arena, &err), "a checked network is analysed");
    risks_rank(&answer, (struct opt_double){false, 0}, arena);
    expect(!risks_advise(&input, &answer, 3, arena, &err), "and advised on");
    check_findings(&answer);
    risks_write(&answer, &(struct risks_page){.top = 5, .most = 20}, &out);
    expect(!json_parse(buf_str(&out), out.len, &json_limits_large, &doc, &err), "and written");
    json_doc_free(doc);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct network network;
    struct solution solution = {.objective = NULL};
    struct err err = ERR_INIT;
    enum err_code rc =
        network_read_text(size ? (const char *)data : "", size, &network, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK) {
        comes_back(&network, &arena);
        analyse(&network, NULL, &arena);
        place(&network, &solution, &arena);
        analyse(&network, &solution, &arena);
    }
    arena_done(&arena);
    return 0;
}

/* batch_tell.c - a joint design as people and programs are shown it. */
#include <math.h>

#include "intelligent/design/design.h"

static void tell_need(const struct design_batch_need *need, struct solution_batch_need *told,
                      struct arena *arena)
{
    *told = (struct solution_batch_need){
        .code = need->code ? err_info(need->code)->name : NULL,
        .text = need->text,
        .answer = arena_memdup(arena, &need->answer, sizeof need->answer)};
    if (isfinite(need->alone))
        told->alone = (struct opt_double){true, need->alone};
    if (need->answer.solutions.count)
        told->cost = (struct opt_double){true, need->answer.solutions.items[0].cost};
}

static void tell_move(const struct design_move *move, struct solution_batch_move *told,
                      struct arena *arena)
{
    *told = (struct solution_batch_move){.need = (int64_t)move->need,
                                         .component = move->component,
                                         .from = move->from,
                                         .to = move->to,
                                         .resource = move->resource};
    for (size_t k = 0; k < move->by.count; k++)
        *LIST_ADD(arena, &told->by) = (double)move->by.items[k];
}

void design_batch_tell(const struct design_batch *found, const char *currency,
                       struct solution_batch *out, struct arena *arena)
{
    *out = (struct solution_batch){.total = found->total,
                                   .bound = found->bound,
                                   .gap = found->gap,
                                   .currency = currency,
                                   .proved_by = found->proved_by};
    for (size_t i = 0; i < found->count; i++)
        tell_need(&found->needs[i], LIST_ADD(arena, &out->needs), arena);
    for (size_t i = 0; i < found->moves.count; i++)
        tell_move(&found->moves.items[i], LIST_ADD(arena, &out->moves), arena);
    for (size_t i = 0; i < found->together.count; i++)
        *LIST_ADD(arena, &out->together) = (double)found->together.items[i];
    if (found->together.count)
        out->together_minimal = (struct opt_bool){true, found->together_minimal};
    for (size_t i = 0; i < found->short_of.count; i++)
        *LIST_ADD(arena, &out->short_of) = found->short_of.items[i];
}

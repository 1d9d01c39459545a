/* show_batch.c - the joint design of several needs, for people. */
#include "base/str.h"
#include "cli/cli_priv.h"

static const char *sites_of(const struct solution *solution, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < solution->placements.count; i++) {
        const struct solution_placement *p = &solution->placements.items[i];
        buf_printf(&text, "%s%s@%s", i ? ", " : "", p->component, p->site);
    }
    return arena_strdup(arena, buf_str(&text));
}

static void show_needs(struct cli_call *call, const struct solution_batch *batch)
{
    const struct cli_column columns[] = {{"#", true, true},
                                         {_("REQUIREMENT"), false, false, true},
                                         {_("SITES"), false, false},
                                         {_("COST/MONTH"), true, true},
                                         {_("ALONE"), true, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    for (size_t i = 0; i < batch->needs.count; i++) {
        const struct solution_batch_need *need = &batch->needs.items[i];
        bool met = !need->code && need->answer && need->answer->solutions.count;
        cli_cell(&table, arena_printf(call->arena, "%zu", i + 1));
        cli_cell(&table, need->requirement);
        cli_cell_style(&table,
                       met          ? sites_of(&need->answer->solutions.items[0], call->arena)
                       : need->text ? need->text
                                    : need->code,
                       met ? NULL : S_RED);
        cli_cell_style(&table,
                       need->cost.set ? cli_money(call->arena, need->cost.value, batch->currency)
                                      : NULL,
                       S_BOLD);
        cli_cell(&table, need->alone.set
                             ? cli_money(call->arena, need->alone.value, batch->currency)
                             : NULL);
    }
    cli_table_print(call, &table);
}

static const char *numbers(const double *items, size_t count, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%.0f", i ? ", " : "", items[i] + 1);
    return arena_strdup(arena, buf_str(&text));
}

static void show_moves(struct cli_call *call, const struct solution_batch *batch)
{
    const struct cli_column columns[] = {{"#", true, true},          {_("COMPONENT"), false, false},
                                         {_("FROM"), false, false},  {_("TO"), false, false},
                                         {_("SHORT"), false, false}, {_("TAKEN BY"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    if (!batch->moves.count)
        return;
    cli_heading(call, _("Not where it would be alone"));
    for (size_t i = 0; i < batch->moves.count; i++) {
        const struct solution_batch_move *move = &batch->moves.items[i];
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)move->need + 1));
        cli_cell(&table, move->component);
        cli_cell(&table, move->from);
        cli_cell(&table, move->to);
        cli_cell(&table, move->resource);
        cli_cell(&table, numbers(move->by.items, move->by.count, call->arena));
    }
    cli_table_print(call, &table);
}

void cli_show_batch(struct cli_call *call, const struct solution_batch *batch)
{
    cli_say(call, "\n");
    show_needs(call, batch);
    show_moves(call, batch);
    if (batch->together.count) {
        cli_say(call, "\n%s%s%s\n", S_RED,
                arena_printf(call->arena, _("these cannot be met together: %s"),
                             numbers(batch->together.items, batch->together.count, call->arena)),
                S_RESET);
        for (size_t i = 0; i < batch->short_of.count; i++)
            cli_say(call, "  - %s\n", batch->short_of.items[i]);
        return;
    }
    cli_say(call, "\n  %s%s%s\n", S_BOLD,
            arena_printf(call->arena, _("total %s a month"),
                         cli_money(call->arena, batch->total, batch->currency)),
            S_RESET);
    cli_say(call, "  %s\n",
            batch->gap > 1e-9
                ? arena_printf(call->arena, _("at most %.2f%% above the cheapest that can exist"),
                               batch->gap * 100)
                : _("proven: no joint design costs less"));
}

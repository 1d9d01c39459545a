/* solution_batch.c - field tables of the joint design of several needs. */
#include "types/solution_batch.h"

static const struct json_field need_fields[] = {
    JSON_FIELD("requirement", JSON_STRING, struct solution_batch_need, requirement, 0,
               "what was to be designed for"),
    JSON_FIELD("solution", JSON_STRING, struct solution_batch_need, solution, 0,
               "id of the stored set, where one was stored"),
    JSON_FIELD("code", JSON_STRING, struct solution_batch_need, code, 0,
               "why there is no solution; absent = there is one"),
    JSON_FIELD("text", JSON_STRING, struct solution_batch_need, text, 0, "the same in words"),
    JSON_FIELD("cost", JSON_OPT_DOUBLE, struct solution_batch_need, cost, 0, "per month"),
    JSON_FIELD("alone", JSON_OPT_DOUBLE, struct solution_batch_need, alone, 0,
               "the least it would cost with the network to itself"),
    JSON_FIELD_TABLE("answer", JSON_OBJECT_PTR, struct solution_batch_need, answer, 0,
                     &solution_answer_table, "the one solution, or why there is none"),
};
static const struct json_table need_table = JSON_TABLE(
    "SolutionBatchNeed", struct solution_batch_need, need_fields, "one of the needs", NULL);

static const struct json_field move_fields[] = {
    JSON_FIELD("need", JSON_INT, struct solution_batch_move, need, JSON_REQUIRED, "index, from 0"),
    JSON_FIELD("component", JSON_STRING, struct solution_batch_move, component, 0, "component"),
    JSON_FIELD("from", JSON_STRING, struct solution_batch_move, from, 0,
               "site that it would have alone"),
    JSON_FIELD("to", JSON_STRING, struct solution_batch_move, to, 0, "site that it has"),
    JSON_FIELD("resource", JSON_STRING, struct solution_batch_move, resource, 0, "what is short"),
    JSON_FIELD("by", JSON_DOUBLES, struct solution_batch_move, by, 0,
               "indices of the needs that take it"),
};
static const struct json_table move_table =
    JSON_TABLE("SolutionBatchMove", struct solution_batch_move, move_fields,
               "a component that makes way for other needs", NULL);

static const struct json_field fields[] = {
    JSON_FIELD_TABLE("needs", JSON_ARRAY, struct solution_batch, needs, JSON_KEEP, &need_table,
                     "in the order given"),
    JSON_FIELD("total", JSON_DOUBLE, struct solution_batch, total, 0,
               "per month, of all that have a solution"),
    JSON_FIELD("bound", JSON_DOUBLE, struct solution_batch, bound, 0,
               "proven: no joint design costs less"),
    JSON_FIELD("gap", JSON_DOUBLE, struct solution_batch, gap, 0,
               "(total - bound) / total; 0 = proven least"),
    JSON_FIELD("currency", JSON_STRING, struct solution_batch, currency, 0, "of the network"),
    JSON_FIELD("proved_by", JSON_STRING, struct solution_batch, proved_by, 0,
               "how the bound was proven"),
    JSON_FIELD_TABLE("moves", JSON_ARRAY, struct solution_batch, moves, JSON_KEEP, &move_table,
                     "what makes way for what"),
    JSON_FIELD("together", JSON_DOUBLES, struct solution_batch, together, 0,
               "indices of needs that are possible alone and not together"),
    JSON_FIELD("together_minimal", JSON_OPT_BOOL, struct solution_batch, together_minimal, 0,
               "without any one of these the others are possible"),
    JSON_FIELD("short_of", JSON_STRINGS, struct solution_batch, short_of, 0,
               "what they contend for"),
    JSON_FIELD("redesigns", JSON_INT, struct solution_batch, redesigns, 0,
               "times that it was designed again because others took the room"),
};
const struct json_table solution_batch_table = JSON_TABLE(
    "SolutionBatch", struct solution_batch, fields, "the joint design of several needs", NULL);

/* intent.c - the door of the module: limits, the embedded reader, the JSON form of what was read.
 *
 * Contract: pure; the same text gives the same result.  All memory is the caller's arena. */
#include "intelligent/intent/intent.h"

#include "base/str.h"
#include "intelligent/intent/intent_priv.h"

static const struct json_field span_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct intent_span, path, JSON_REQUIRED,
               "field of the requirement"),
    JSON_FIELD("begin", JSON_INT, struct intent_span, begin, JSON_REQUIRED,
               "first byte in the text"),
    JSON_FIELD("end", JSON_INT, struct intent_span, end, JSON_REQUIRED, "byte after the last"),
    JSON_FIELD("text", JSON_STRING, struct intent_span, text, JSON_REQUIRED,
               "the words themselves"),
};
static const struct json_table span_table = JSON_TABLE(
    "IntentSpan", struct intent_span, span_fields, "The words that a field was read from.", NULL);

static const struct json_field question_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct intent_question, path, JSON_REQUIRED,
               "field that is missing and needed, or contradictory"),
    JSON_FIELD("code", JSON_STRING, struct intent_question, code, JSON_REQUIRED,
               "missing, contradiction or ambiguous"),
    JSON_FIELD("text", JSON_STRING, struct intent_question, text, JSON_REQUIRED,
               "the question in English"),
};
static const struct json_table question_table =
    JSON_TABLE("IntentQuestion", struct intent_question, question_fields,
               "What only the customer can answer.", NULL);

static const struct json_field result_fields[] = {
    JSON_FIELD_TABLE("requirement", JSON_OBJECT, struct intent_result, requirement, JSON_REQUIRED,
                     &requirement_table, "what was asked for"),
    JSON_FIELD_TABLE("spans", JSON_ARRAY, struct intent_result, spans, JSON_KEEP, &span_table,
                     "where each field was read"),
    JSON_FIELD_TABLE("questions", JSON_ARRAY, struct intent_result, questions, JSON_KEEP,
                     &question_table, "what is open"),
    JSON_FIELD("language", JSON_STRING, struct intent_result, language, 0,
               "zh or en: of the sentence frame"),
    JSON_FIELD("reader", JSON_STRING, struct intent_result, reader, 0, "who read it"),
};
const struct json_table intent_result_table =
    JSON_TABLE("IntentResult", struct intent_result, result_fields,
               "A requirement read from words, with its evidence.", NULL);

static enum err_code embedded_read(const void *self, const char *text, size_t len,
                                   struct intent_result *out, struct arena *arena, struct err *err)
{
    (void)self;
    (void)err;
    struct intent_read read = {.out = out, .arena = arena, .work = &out->work};
    intent_find_columns(&read, text, len);
    intent_normalise(&read, text, len);
    /* Chinese has no blanks: two characters weigh as one word */
    out->language = read.text.han > 0 && read.text.han >= read.text.latin ? "zh" : "en";
    intent_tokenise(&read);
    intent_divide(&read);
    intent_collect(&read);
    intent_arbitrate(&read);
    intent_flows(&read);
    intent_conclude(&read);
    intent_bound(&read);
    return arena_check(arena, err);
}

const struct intent_reader intent_embedded = {"embedded", embedded_read, NULL};

enum err_code intent_read(const struct intent_reader *reader, const char *text, size_t len,
                          struct intent_result *out, struct arena *arena, struct err *err)
{
    if (len > INTENT_MAX_BYTES) {
        err_set(err, ERR_TOO_LARGE, "the text has %zu bytes; a need is read from at most %d", len,
                INTENT_MAX_BYTES);
        return err_hint(err, "state the need in fewer words");
    }
    if (!str_is_utf8(text, len))
        return err_set(err, ERR_INVALID, "the text is not valid UTF-8");
    struct intent_result result = {.reader = reader->name, .language = "zh"};
    enum err_code code = reader->read(reader->self, text, len, &result, arena, err);
    if (code != ERR_OK)
        return code;
    *out = result;
    return ERR_OK;
}

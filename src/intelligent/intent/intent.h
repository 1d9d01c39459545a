/* intent.h - engine: words → Requirement (意图分析).  Pure: text, parameters in; Requirement with
 * the spans it came from and open questions out.  Rules of reading: the annotation guide restated
 * in docs/modules/intent.md.  Linear in the length of the text. */
#ifndef SWAN_INTENT_INTENT_H
#define SWAN_INTENT_INTENT_H

#include "base/json.h"
#include "types/requirement.h"

struct intent_span {
    const char *path;   /* "components[0].vcpus" */
    int64_t begin, end; /* bytes of the source text */
    const char *text;   /* the words themselves */
};
struct intent_question {
    const char *path; /* field that is missing and needed, or contradictory */
    const char *code; /* "missing", "contradiction", "ambiguous" */
    const char *text; /* English; faces translate by code and path */
};
/* How sure a field is after two readings were laid together. */
struct intent_agreement {
    const char *path;
    double confidence;  /* 1 both readers say so … 0.5 one does and shows no words */
    const char *reader; /* who says so alone; NULL: both */
};
struct intent_result {
    struct requirement requirement;
    LIST(struct intent_span) spans;
    LIST(struct intent_question) questions;
    LIST(struct intent_agreement) agreements; /* of intent_reconcile() only */
    const char *language;                     /* "zh" or "en": of the sentence frame */
    const char *reader;                       /* who read it: "embedded" */
    uint64_t work; /* looks at tokens that it took; grows as the text does */
};
extern const struct json_table intent_result_table;

#define INTENT_MAX_BYTES (64 * 1024) /* a longer text is ERR_TOO_LARGE */

/* A reader is a struct of functions; the embedded one needs no model.  Others (model-backed) come
 * later and are reconciled with it field by field. */
struct intent_reader {
    const char *name;
    enum err_code (*read)(const void *self, const char *text, size_t len, struct intent_result *out,
                          struct arena *arena, struct err *err);
    const void *self;
};
extern const struct intent_reader intent_embedded;

/* A text with no need at all gives one component "未说明", not an error.  Invalid UTF-8 is
 * ERR_INVALID. */
enum err_code intent_read(const struct intent_reader *reader, const char *text, size_t len,
                          struct intent_result *out, struct arena *arena, struct err *err);

/* Two readings of one text laid together field by field: agreed fields are kept, what one reader
 * says alone is taken with lower confidence, a difference goes to the side whose words stand in the
 * text and else becomes a question "ambiguous" with the field absent.  The first side names the
 * components.  Both results must be valid and live as long as *out. */
enum err_code intent_reconcile(const char *text, size_t len, const struct intent_result *a,
                               const struct intent_result *b, struct intent_result *out,
                               struct arena *arena, struct err *err);

#endif

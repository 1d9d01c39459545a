/* lexicon.h - the words that the reader knows, compiled from content/lexicon by
 * tools/make-lexicon.py into a trie over normalised bytes.  A surface may have several senses. */
#ifndef SWAN_INTENT_LEXICON_H
#define SWAN_INTENT_LEXICON_H

#include <stddef.h>
#include <stdint.h>

#include "types/requirement.h"

enum intent_class {
    CLASS_NONE,
    CLASS_PLACE,
    CLASS_NUMBER,
    CLASS_SCALE,
    CLASS_SPEED,
    CLASS_UNIT,
    CLASS_MACHINE,
    CLASS_DELIVERY,
    CLASS_APP,
    CLASS_ROLE,
    CLASS_ACCEL,
    CLASS_ACCELKIND,
    CLASS_ARCH,
    CLASS_TIER,
    CLASS_CLOUD,
    CLASS_ACCESS,
    CLASS_LABEL,
    CLASS_MARK,
    CLASS_MODE,
    CLASS_OBJECTIVE,
    CLASS_STOP,
    CLASS_FUNC,
    CLASS_USER,
    CLASS_HERE,
    CLASS_MUL,
    CLASS_SPAN,
    CLASS_MOMENT
};

enum intent_unit {
    UNIT_NONE,
    UNIT_CORE,
    UNIT_GB,
    UNIT_TB,
    UNIT_PB,
    UNIT_MB,
    UNIT_MBPS,
    UNIT_GBPS,
    UNIT_TBPS,
    UNIT_KBPS,
    UNIT_MBYTEPS,
    UNIT_GBYTEPS,
    UNIT_MS,
    UNIT_US,
    UNIT_S,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_MACHINE,
    UNIT_PIECE,
    UNIT_SET,
    UNIT_STREAM,
    UNIT_CARD,
    UNIT_PERSON,
    UNIT_FRAME,
    UNIT_REQUEST,
    UNIT_RATE,
    UNIT_CNY,
    UNIT_USD,
    UNIT_EUR,
    UNIT_PERCENT,
    UNIT_NINE,
    UNIT_LEVEL,
    UNIT_REPLICA,
    UNIT_TIMES,
    UNIT_PARAMS,
    UNIT_OTHER,
    UNIT_INSTANCE
};

enum intent_label {
    LABEL_NONE,
    LABEL_CPU,
    LABEL_MEMORY,
    LABEL_DISK,
    LABEL_VRAM,
    LABEL_BANDWIDTH,
    LABEL_NETLATENCY,
    LABEL_LATENCY,
    LABEL_RESPONSE,
    LABEL_BUDGET,
    LABEL_CONCURRENT,
    LABEL_AVAILABILITY,
    LABEL_PROTECTION,
    LABEL_LEVEL,
    LABEL_BACKUP,
    LABEL_ENCRYPTION,
    LABEL_COUNT,
    LABEL_NAME,
    LABEL_SPEC,
    LABEL_PLACE,
    LABEL_DURATION,
    LABEL_PARAMS,
    LABEL_THROUGHPUT,
    LABEL_CARDCOUNT,
    LABEL_PUBLIC_IP,
    LABEL_REPLICAS,
    LABEL_NO_PUBLIC,
    LABEL_CARRIER
};

enum intent_mark {
    MARK_NONE,
    MARK_EACH,
    MARK_TOTAL,
    MARK_SPLIT,
    MARK_CORRECTION,
    MARK_NEGATION,
    MARK_NEGATED,
    MARK_BACKGROUND,
    MARK_FUTURE,
    MARK_NEED,
    MARK_SAME,
    MARK_DOUBLE,
    MARK_ALL,
    MARK_RANGE,
    MARK_CONJ,
    MARK_RUN,
    MARK_USE,
    MARK_AT,
    MARK_EITHER,
    MARK_PERSECOND,
    MARK_PERMINUTE,
    MARK_PERHOUR,
    MARK_PERDAY,
    MARK_PERMONTH,
    MARK_PERYEAR,
    MARK_ONCE,
    MARK_PEAK,
    MARK_NORMAL,
    MARK_BOUND,
    MARK_APPROX,
    MARK_RETENTION,
    MARK_DEADLINE,
    MARK_INTRO,
    MARK_INJECT,
    MARK_PUT,
    MARK_INSTITUTION,
    MARK_RESIDENCY,
    MARK_PREMISES,
    MARK_COUNTRY,
    MARK_PROVINCE,
    MARK_TOWNWORD,
    MARK_PLACES,
    MARK_PRESENT,
    MARK_PARTITION,
    MARK_SOCKET,
    MARK_REST,
    MARK_RECOGNISE,
    MARK_CAMERA,
    MARK_BETWEEN,
    MARK_ONE,
    MARK_ORDINAL
};

enum intent_level { LEVEL_NONE, LEVEL_CITY, LEVEL_PROVINCE, LEVEL_REGION, LEVEL_COUNTRY };
enum intent_span_kind { SPAN_NONE, SPAN_DAY, SPAN_MONTH, SPAN_YEAR, SPAN_ONCE };
enum intent_moment_kind { MOMENT_NONE, MOMENT_SECOND, MOMENT_MINUTE, MOMENT_HOUR };

struct intent_sense {
    uint8_t class;        /* enum intent_class */
    uint8_t code;         /* of the class: unit, label, mark, form, tier, … */
    uint8_t rank;         /* weight of the scenario */
    double number;        /* of a number, scale, speed, factor, span */
    const char *value;    /* as written in the lexicon */
    const char *scenario; /* or NULL */
    const char *extra;    /* accel: memory sizes "40,80"; place: its province */
};
struct intent_node {
    uint32_t edge, sense;
    uint16_t edges, senses;
};
struct intent_edge {
    uint8_t byte;
    uint32_t target;
};
struct intent_variant {
    uint32_t from, to;
};

extern const struct intent_sense intent_senses[];
extern const struct intent_node intent_nodes[];
extern const struct intent_edge intent_edges[];
extern const struct intent_variant intent_variants[];
extern const size_t intent_variant_count;

#endif

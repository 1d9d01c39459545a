/* phrase.h - facts of one clause that do not contradict each other; what the arbiter lays together.
 */
#ifndef SWAN_INTENT_PHRASE_H
#define SWAN_INTENT_PHRASE_H

#include "intelligent/intent/intent_priv.h"

#define APPS_MAX 8   /* applications that one count is said of */
#define PLACES_MAX 8 /* places that one statement spreads machines over */

enum slot {
    SLOT_COUNT,
    SLOT_CPU,
    SLOT_MEMORY,
    SLOT_DISK,
    SLOT_ACCEL,
    SLOT_ARCH,
    SLOT_TIER,
    SLOT_LOCATION,
    SLOTS
};

struct intent_phrase {
    size_t first, last; /* facts */
    uint32_t clause;
    struct intent_fact *slots[SLOTS];
    struct intent_fact *app, *role, *machine, *delivery; /* heads, the first of each */
    struct intent_fact *more[APPS_MAX]; /* further applications: WMS+WCS各两台 */
    unsigned more_count;
    struct intent_fact *same, *twice, *places, *cloud;
    struct intent_fact *spread[PLACES_MAX];
    unsigned spread_count;
    double more_disk; /* system disk + data disk */
    bool correction;
};

/* Does this fact describe a component, and has nobody taken it back? */
bool intent_of_component(const struct intent_fact *fact);
/* The phrase that begins at fact `first`; returns the fact after it. */
size_t intent_phrase_read(struct intent_read *read, size_t first, struct intent_phrase *p);

/* Can both facts speak of the same cards?  If so, join makes `have` say what both say. */
bool intent_same_cards(const struct intent_fact *have, const struct intent_fact *want);
void intent_join_cards(struct intent_fact *have, const struct intent_fact *want);

#endif

/* fault.h - named points at which a test makes things go wrong.
 *
 * Armed only from SWAN_FAULTS in the environment or by fault_arm in a test; when nothing is armed a
 * point costs one load and one branch.  SWAN_FAULTS is a list "POINT=ACTION[@N[+]][;…]":
 *   store.commit=fail@3          the third hit fails with ERR_TRANSIENT
 *   store.*=io@2+                every hit of any store point from the second on fails with ERR_IO
 *   workflow.before_do=kill@1    the process kills itself with SIGKILL
 *   provider.do=delay:250        each hit sleeps 250 ms
 * POINT may end in '*'.  ACTION: kill, fail (ERR_TRANSIENT), io (ERR_IO), permanent (ERR_POLICY),
 * timeout (ERR_TIMEOUT), delay:MS. */
#ifndef SWAN_BASE_FAULT_H
#define SWAN_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

extern bool fault_armed_; /* internal to FAULT_POINT */

/* ERR_OK unless armed:   if ((rc = FAULT_POINT("store.commit", err))) return rc; */
#define FAULT_POINT(name, err) \
    (__atomic_load_n(&fault_armed_, __ATOMIC_RELAXED) ? fault_hit((name), (err)) : ERR_OK)

enum err_code fault_hit(const char *name, struct err *err);
/* Parses and adds; ERR_INVALID on a bad text. */
enum err_code fault_arm(const char *spec, struct err *err);
/* From SWAN_FAULTS; called by main. */
enum err_code fault_arm_environment(struct err *err);
void fault_disarm(void);
/* How many armed faults went off since the last disarm: loops end when it stays 0. */
uint64_t fault_fired(void);

#endif

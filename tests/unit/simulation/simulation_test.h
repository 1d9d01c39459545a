/* simulation_test.h - scenarios as text, so that the tables are in the tests too. */
#ifndef SWAN_TESTS_SIMULATION_TEST_H
#define SWAN_TESTS_SIMULATION_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "twin/simulation/simulation.h"

struct test_case {
    struct arena arena;
    struct network network;
    struct simulation_scenario scenario;
    struct simulation_result result;
    struct err err;
};

/* Scenarios are YAML.  Fails the test when one cannot be read. */
void case_read(struct test_case *c, const char *network, const char *scenario);
void case_run(struct test_case *c, uint64_t seed);
void case_done(struct test_case *c);
/* The flow in the phase; fails the test when it is not there. */
const struct simulation_outcome *case_outcome(const struct test_case *c, const char *flow,
                                              const char *phase);
/* Mean latency of the first flow in the first stretch, by theory. */
double case_theory_ms(struct test_case *c);
void assert_near(double got, double wanted, double share);

extern const char case_one_site[]; /* user — s1, no latency */
extern const char case_ring[];     /* user — s1 (1 ms), s1 — s2 (1 ms), user — s2 (10 ms) */

int case_theory_tests(void);
int case_mesh_tests(void);
int case_confidence_tests(void);

#endif

/* test_evaluation.h - what the two parts of the program share. */
#ifndef SWAN_TESTS_UNIT_EVALUATION_H
#define SWAN_TESTS_UNIT_EVALUATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "intelligent/evaluation/evaluation.h"

/* cmocka compares floats; costs need doubles. */
static inline void assert_near(double value, double expected, double tolerance)
{
    double off = value > expected ? value - expected : expected - value;
    if (!(off <= tolerance))
        fail_msg("%.12g is not %.12g", value, expected);
}

struct world { /* a network, a requirement and a solution read from text */
    struct arena arena;
    struct network network;
    struct requirement requirement;
    struct solution solution;
    struct evaluation_input input;
};
void world_init(struct world *world, const char *network, const char *requirement,
                const char *solution);
void world_done(struct world *world);
struct evaluation_figures world_measure(struct world *world);
/* NULL if there is no such violation. */
const struct feasibility_check *violation(const struct evaluation_figures *figures,
                                          const char *code);
/* The first check of that code in the dimension; NULL if none. */
const struct feasibility_check *report_check(const struct feasibility_report *report, int dimension,
                                             const char *code);

/* The report, of which five dimensions in order are asserted. */
struct feasibility_report world_report(struct world *world);
/* Gives the world the standards that ship. */
void world_standards(struct world *world);

extern const char world_network[];
int report_tests(void);
int network_tests(void);
int version_tests(void);
int business_tests(void);
int hostile_tests(void);

#endif

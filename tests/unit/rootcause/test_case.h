/* test_case.h - a small shop whose metrics tests bend. */
#ifndef SWAN_TESTS_ROOTCAUSE_TEST_CASE_H
#define SWAN_TESTS_ROOTCAUSE_TEST_CASE_H

#include "twin/rootcause/rootcause.h"

enum { SHOP, CART, DB, NEWS, SERVICES };
enum { LATENCY, REQUESTS, CPU, METRICS };
enum { ROWS = 160, ALARM = 150, STEP = 60 };

/* shop calls cart and news, cart calls db; each with latency_avg, requests and cpu. */
struct test_case {
    struct arena arena;
    struct rootcause_case given;
    struct rootcause_answer answer;
    struct err err;
};

/* Normal noise; a symptom shop:latency_avg at row ALARM. */
void case_init(struct test_case *c, uint64_t seed);
void case_done(struct test_case *c);
double *case_series(struct test_case *c, int service, int metric); /* [ROWS] */
/* Adds to a series from a row on. */
void case_add(struct test_case *c, int service, int metric, size_t from, double amount);
/* A slow db from row 148: 0.2 s on it, on cart and on shop. */
void case_slow_db(struct test_case *c);
void case_diagnose(struct test_case *c); /* must answer */

#endif

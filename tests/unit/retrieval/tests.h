/* tests.h - the parts of the program that tests intelligent/retrieval. */
#ifndef SWAN_TESTS_RETRIEVAL_TESTS_H
#define SWAN_TESTS_RETRIEVAL_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "intelligent/retrieval/retrieval_priv.h"

int run_save_tests(void);
int run_scan_tests(void);
int run_select_tests(void);

/* A sealed index of texts, with ids "0", "1", …; NULL ends the list. */
struct retrieval_index *index_of(const char *const *texts);
/* Ids of the hits with a blank between them. */
const char *found(const struct retrieval_index *index, const char *query, struct arena *arena);

#endif

/* tests.h - what the files of this program share. */
#ifndef SWAN_TESTS_KNOWLEDGE_H
#define SWAN_TESTS_KNOWLEDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

extern const char *test_python, *test_endpoint, *test_samples; /* arguments of the program */

/* A folder of its own for each test, and its arena; removed after it. */
struct bed {
    struct arena arena;
    char folder[64];
    struct err err;
};
int bed_up(void **state);
int bed_down(void **state);
void put(struct bed *bed, const char *path, const char *text);
void put_bytes(struct bed *bed, const char *path, const void *data, size_t len);
const char *in(struct bed *bed, const char *path);

/* Reads text under a name; the test fails when that fails. */
struct knowledge_reading read_text(struct bed *bed, const char *path, const char *text);
const struct knowledge_passage *passage(const struct knowledge_reading *reading, size_t at);

#define BED_TEST(test) cmocka_unit_test_setup_teardown(test, bed_up, bed_down)

int run_read_tests(void);
int run_folder_tests(void);
int run_embed_tests(void);

#endif

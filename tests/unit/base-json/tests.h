/* tests.h - what the files of this test program share. */
#ifndef SWAN_TESTS_BASE_JSON_TESTS_H
#define SWAN_TESTS_BASE_JSON_TESTS_H

/* cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "sample.h"

int run_decode_tests(void);
int run_encode_tests(void);
int run_hostile_tests(void);
int run_loose_tests(void);
int run_property_tests(void);

#endif

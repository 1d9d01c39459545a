/* replay_test.h - what the files of this program share. */
#ifndef REPLAY_TEST_H
#define REPLAY_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "intelligent/replay/replay.h"

#define assert_near(a, b, within) assert_true(fabs((a) - (b)) <= (within))

struct test_case {
    struct arena arena;
    struct replay_fleet fleet;
    struct replay_stream stream;
};

/* Reads both texts; fails the test when they are refused. */
void case_read(struct test_case *c, const char *nodes, const char *pods);
/* A small random fleet and a stream that asks for about 1.5 times its GPU. */
void case_random(struct test_case *c, uint64_t seed, size_t nodes);
void case_done(struct test_case *c);

extern const struct CMUnitTest read_tests[], policy_tests[];
extern const size_t read_test_count, policy_test_count;

#endif

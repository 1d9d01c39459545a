/* test_reservations.h - the tests of reservations, for the main of the program. */
#ifndef SWAN_TEST_COMPUTE_RESERVATIONS_H
#define SWAN_TEST_COMPUTE_RESERVATIONS_H

#include "../services/fixture.h"

#include <string.h>

extern const struct CMUnitTest reservation_tests[];
extern const size_t reservation_test_count;

#endif

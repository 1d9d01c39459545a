/* test_csv.h - the reader's tests, run with those of the scores. */
#ifndef SWAN_TESTS_TELEMETRY_TEST_CSV_H
#define SWAN_TESTS_TELEMETRY_TEST_CSV_H

int test_csv_run(void);

#endif

/* test_shared.h - tests of what several services share, run with the others. */
#ifndef SWAN_TESTS_ROOTCAUSE_TEST_SHARED_H
#define SWAN_TESTS_ROOTCAUSE_TEST_SHARED_H

int test_shared_run(void);

#endif

/* test_infer.h - tests of what is inferred from requests and use. */
#ifndef TEST_INFER_H
#define TEST_INFER_H

int infer_tests(void);

#endif

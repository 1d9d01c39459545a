/* torture.h - the child program of the kill test. */
#ifndef SWAN_TEST_STORE_TORTURE_H
#define SWAN_TEST_STORE_TORTURE_H

#define TORTURE_THREADS 4

int torture_child(const char *address);

#endif

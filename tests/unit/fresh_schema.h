/* fresh_schema.h - a schema of a test's own in the one PostgreSQL database of the run. */
#ifndef SWAN_TEST_FRESH_SCHEMA_H
#define SWAN_TEST_FRESH_SCHEMA_H

#include "base/err.h"

#define FRESH_ADDRESS_SIZE 512

/* Makes one in the database of SWAN_TEST_POSTGRES; out is the address of a store in it. */
enum err_code fresh_schema(char out[FRESH_ADDRESS_SIZE], struct err *err);

#endif

/* fresh_schema.c - see fresh_schema.h. */
#include "fresh_schema.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "store/store.h"

enum err_code fresh_schema(char out[FRESH_ADDRESS_SIZE], struct err *err)
{
    static unsigned serial;
    const char *url = getenv("SWAN_TEST_POSTGRES");
    struct store *store = NULL;
    struct store_tx *tx = NULL;
    char name[32], sql[64];
    str_format(name, sizeof name, "t%u_%u", (unsigned)getpid(), ++serial);
    str_format(sql, sizeof sql, "CREATE SCHEMA %s", name);
    enum err_code rc = store_open(url, &store, err);
    if (rc)
        return rc;
    if (!(rc = store_begin(store, STORE_WRITE, &tx, err)) &&
        !(rc = store_exec(tx, sql, NULL, 0, NULL, err))) {
        rc = store_commit(tx, err);
        tx = NULL;
    }
    store_rollback(tx);
    store_close(store);
    str_format(out, FRESH_ADDRESS_SIZE, "%s?options=-csearch_path%%3D%s", url, name);
    return rc;
}

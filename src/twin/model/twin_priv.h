/* twin_priv.h - what the files of the twin's model share. */
#ifndef SWAN_TWIN_TWIN_PRIV_H
#define SWAN_TWIN_TWIN_PRIV_H

#include "twin/model/twin.h"

struct twin_attributes { /* as kept in a column */
    LIST(struct json_string_pair) items;
};
extern const struct json_table twin_attributes_table;

#endif

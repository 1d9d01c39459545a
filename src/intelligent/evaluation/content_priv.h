/* content_priv.h - the texts that tools/embed-text.py puts into the program. */
#ifndef SWAN_EVALUATION_CONTENT_PRIV_H
#define SWAN_EVALUATION_CONTENT_PRIV_H

#include <stddef.h>

extern const char evaluation_profiles_yaml[];
extern const size_t evaluation_profiles_yaml_len;
extern const char evaluation_technologies_yaml[];
extern const size_t evaluation_technologies_yaml_len;

#endif

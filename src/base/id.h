/* id.h - names for things that have none, and digests of things that have content. */
#ifndef SWAN_BASE_ID_H
#define SWAN_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ID_SIZE 32
/* "run-0k3v8q1s5t7w9x2z": prefix (up to 8 bytes), then 48 bits of milliseconds and 40 random bits
 * in lower-case Crockford base 32, so ids of one prefix sort by time of making. */
void id_new(const char *prefix, char out[ID_SIZE]);

#define ID_DIGEST_SIZE 72
/* "sha256:" and 64 hex digits. */
void id_digest(const void *data, size_t len, char out[ID_DIGEST_SIZE]);
enum err_code id_digest_file(const char *path, char out[ID_DIGEST_SIZE], uint64_t *out_size,
                             struct err *err);

/* Random bytes for secrets, from the kernel. */
void id_random(void *out, size_t len);
/* BLAKE2b keyed hash as 64 hex digits (65 bytes with NUL); key is 32 bytes. */
void id_keyed_hash(const unsigned char key[32], const void *data, size_t len, char out[65]);

#endif

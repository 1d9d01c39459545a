/* id.c - ids that sort by time, digests, and bytes from the kernel's generator.
 *
 * Contract: an id is prefix, '-', ten digits of milliseconds and eight random digits, in lower-case
 * Crockford base 32 (no i, l, o, u).  SHA-256 and BLAKE2b are libsodium's. */
#include "base/id.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define ID_PREFIX_MAX 8

static void start_sodium(void)
{
    /* Chooses the fastest code for this processor; fails only where it cannot get randomness. */
    int rc = sodium_init();
    assert(rc >= 0);
    (void)rc;
}

static void need_sodium(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_sodium);
}

static void put_base32(uint64_t value, size_t digits, char *out)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    for (size_t i = digits; i-- > 0; value >>= 5)
        out[i] = alphabet[value & 31];
}

void id_new(const char *prefix, char out[ID_SIZE])
{
    size_t len = strlen(prefix);
    assert(len >= 1 && len <= ID_PREFIX_MAX);
    memcpy(out, prefix, len);
    out[len] = '-';
    uint64_t random = 0;
    id_random(&random, 5);
    put_base32((uint64_t)clock_now_ms() & ((UINT64_C(1) << 48) - 1), 10, out + len + 1);
    put_base32(random, 8, out + len + 11);
    out[len + 19] = '\0';
}

static void put_digest(const unsigned char hash[crypto_hash_sha256_BYTES], char out[ID_DIGEST_SIZE])
{
    memcpy(out, "sha256:", 7);
    sodium_bin2hex(out + 7, ID_DIGEST_SIZE - 7, hash, crypto_hash_sha256_BYTES);
}

void id_digest(const void *data, size_t len, char out[ID_DIGEST_SIZE])
{
    need_sodium();
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, data, len);
    put_digest(hash, out);
}

enum err_code id_digest_file(const char *path, char out[ID_DIGEST_SIZE], uint64_t *out_size,
                             struct err *err)
{
    enum { CHUNK = 256 * 1024 };
    need_sodium();
    /* Not blocking: a pipe in place of the file must not hang us before it is refused. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, errno, "cannot open '%s'", path);
    struct stat st;
    enum err_code code = ERR_OK;
    if (fstat(fd, &st) < 0)
        code = err_errno(err, errno, "cannot read '%s'", path);
    else if (!S_ISREG(st.st_mode))
        code = err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    uint64_t size = 0;
    unsigned char *chunk = mem_alloc(CHUNK);
    while (!code) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got == 0)
            break;
        if (got > 0) {
            crypto_hash_sha256_update(&state, chunk, (size_t)got);
            size += (uint64_t)got;
        } else if (errno != EINTR) {
            code = err_errno(err, errno, "cannot read '%s'", path);
        }
    }
    mem_free(chunk);
    close(fd);
    if (code)
        return code;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, hash);
    put_digest(hash, out);
    if (out_size)
        *out_size = size;
    return ERR_OK;
}

void id_random(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t got = getrandom(p, len, 0);
        assert(got > 0 || errno == EINTR); /* the kernel documents no other failure */
        if (got > 0) {
            p += got;
            len -= (size_t)got;
        }
    }
}

void id_keyed_hash(const unsigned char key[32], const void *data, size_t len, char out[65])
{
    need_sodium();
    unsigned char hash[32];
    int rc = crypto_generichash(hash, sizeof hash, data, len, key, 32);
    assert(rc == 0);
    (void)rc;
    sodium_bin2hex(out, 65, hash, sizeof hash);
}

/* mem.c - the only caller of malloc in the house.
 *
 * Contract: no function returns NULL except for a NULL text.  When the machine has no memory left,
 * or a size overflows, one line goes to stderr and the process aborts: nothing can be decided
 * without memory, and a restart continues from the journal. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noreturn)) static void die(const char *why)
{
    /* No stdio: it may want memory. */
    ssize_t ignored = write(STDERR_FILENO, why, strlen(why));
    (void)ignored;
    abort();
}

static void *must(void *p)
{
    if (!p)
        die("swan: out of memory\n");
    return p;
}

static size_t multiply(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        die("swan: a memory size overflows\n");
    return bytes;
}

void *mem_alloc(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
    return mem_zalloc(multiply(count, size));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t bytes = multiply(count, size);
    return must(realloc(p, bytes ? bytes : 1));
}

void mem_free(void *p)
{
    free(p);
}

void mem_free_at(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p); /* the variable may be a pointer of any type */
    free(p);
}

char *mem_strdup(const char *text)
{
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *text, size_t length)
{
    if (!text)
        return NULL;
    length = strnlen(text, length);
    char *copy = mem_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *mem_vprintf(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        die("swan: a text cannot be formatted\n");
    return text;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    return text;
}

/* file.h - whole files, safely.  Paths are used as given; callers check names from outside. */
#ifndef SWAN_BASE_FILE_H
#define SWAN_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* "-" is stdin.  A file larger than max is ERR_TOO_LARGE and is not read further; a directory,
 * device or missing file is an error that names the path.  Appends to out. */
enum err_code file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* Writes beside, fsyncs, renames, fsyncs the folder: readers see old or new, never half. */
enum err_code file_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                                struct err *err);
enum err_code file_make_dirs(const char *path, unsigned mode, struct err *err); /* like mkdir -p */
enum err_code
file_remove_tree(const char *path,
                 struct err *err); /* stays on one device, follows no link; absent is fine */
bool file_exists(const char *path);
/* The folder of the running program, without a slash at the end. */
enum err_code file_program_dir(char *out, size_t size, struct err *err);

#endif

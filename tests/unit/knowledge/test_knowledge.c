/* test_knowledge.c - the program: `test-knowledge PYTHON ENDPOINT.PY SAMPLES`, and what its parts
 * share. */
#include <unistd.h>

#include "base/file.h"
#include "tests.h"

const char *test_python, *test_endpoint, *test_samples;

int bed_up(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);
    arena_init(&bed->arena, (size_t)1 << 30);
    strcpy(bed->folder, "/tmp/swan-knowledge-XXXXXX");
    if (!bed || !mkdtemp(bed->folder))
        return -1;
    *state = bed;
    return 0;
}

int bed_down(void **state)
{
    struct bed *bed = *state;
    file_remove_tree(bed->folder, NULL);
    arena_done(&bed->arena);
    free(bed);
    return 0;
}

const char *in(struct bed *bed, const char *path)
{
    return arena_printf(&bed->arena, "%s/%s", bed->folder, path);
}

void put_bytes(struct bed *bed, const char *path, const void *data, size_t len)
{
    char *whole = arena_strdup(&bed->arena, in(bed, path));
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    assert_int_equal(file_make_dirs(whole, 0700, NULL), ERR_OK);
    *slash = '/';
    assert_int_equal(file_write_atomic(whole, data, len, 0600, NULL), ERR_OK);
}

void put(struct bed *bed, const char *path, const char *text)
{
    put_bytes(bed, path, text, strlen(text));
}

struct knowledge_reading read_text(struct bed *bed, const char *path, const char *text)
{
    struct knowledge_reading reading = {.passages = {NULL, 0}};
    if (knowledge_read_bytes(path, text, strlen(text), NULL, NULL, &reading, &bed->arena,
                             &bed->err))
        fail_msg("%s: %s", path, bed->err.text);
    return reading;
}

const struct knowledge_passage *passage(const struct knowledge_reading *reading, size_t at)
{
    if (at >= reading->passages.count)
        fail_msg("%zu passages, none has number %zu", reading->passages.count, at);
    return &reading->passages.items[at];
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    test_python = argv[1];
    test_endpoint = argv[2];
    test_samples = argv[3];
    return run_read_tests() + run_folder_tests() + run_embed_tests();
}

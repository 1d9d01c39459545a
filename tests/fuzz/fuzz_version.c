/* fuzz_version.c - any bytes as a version and, after the first line, a range: no crash, the same
 * answer twice, an order of versions that agrees with itself and with the ranges. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intelligent/evaluation/evaluation_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, strnlen((const char *)data, size));
    char *range = strchr(text, '\n');
    if (range)
        *range++ = '\0';
    else
        range = text + strlen(text);
    bool known, again_known, any;
    bool holds = evaluation_version_suits(text, range, &known);
    expect(known || !holds, "what is not understood does not hold");
    expect(evaluation_version_suits(text, range, &again_known) == holds && again_known == known,
           "the same question has the same answer");
    expect(evaluation_version_suits(text, "*", &any) && any, "everything lies in *");
    expect(evaluation_version_compare(text, text) == 0, "a version equals itself");
    int order = evaluation_version_compare(text, range);
    int turned = evaluation_version_compare(range, text);
    expect((order < 0) == (turned > 0) && (order > 0) == (turned < 0), "orders turn around");
    mem_free(text);
    return 0;
}

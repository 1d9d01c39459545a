/* retrieval_bench.c - indexing, answering and saving on synthetic passages, half of them of words,
 * half of ideographs, with the frequencies of language.
 *
 *   meson setup build-bench -Dtests=true && ninja -C build-bench bench/retrieval-bench
 *   build-bench/bench/retrieval-bench [PASSAGES…]      default 10000 100000
 *
 * Times are processor times of the one thread that works.
 *
 * Words are drawn by Zipf's law with Mandelbrot's shift, from vocabularies of 200 000 words and
 * 40 000 words of one to three ideographs; a passage is a topic: a third of its words come from the
 * 60 words of the topic.  Queries are 3 to 12 words of a passage, half of them of its topic. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval.h"

#define WORDS 200000u
#define HAN_WORDS 40000u
#define TOPICS 2000u
#define TOPIC_WORDS 60u
#define QUERIES 2000

static unsigned zipf(struct rand *rand, unsigned vocabulary)
{
    /* the inverse of the integral of 1 / (x + 2.7) */
    double u = rand_unit(rand), low = log(2.7), high = log(vocabulary + 2.7);
    unsigned word = (unsigned)(exp(low + u * (high - low)) - 2.7);
    return word < vocabulary ? word : vocabulary - 1;
}

static void add_word(struct buf *out, unsigned word, bool han)
{
    struct rand rand;
    rand_init(&rand, word * 2 + han);
    if (!han) {
        /* frequent words are short */
        size_t len = 2 + rand_below(&rand, 3) + (word > 100 ? 2u : 0u) + (word > 5000 ? 2u : 0u);
        for (size_t i = 0; i < len; i++)
            buf_add_char(out, (char)('a' + rand_below(&rand, 26)));
        buf_add_char(out, ' ');
        return;
    }
    size_t len = word < 60 ? 1 : word < 30000 ? 2 : 3;
    for (size_t i = 0; i < len; i++) {
        char utf8[5];
        double u = rand_unit(&rand);
        size_t n = str_put(utf8, 0x4e00 + (uint32_t)(6000 * u * u));
        buf_add(out, utf8, n);
    }
}

static unsigned topic_word(unsigned topic, unsigned which, bool han)
{
    struct rand rand;
    rand_init(&rand, topic * 1000u + which);
    unsigned vocabulary = han ? HAN_WORDS : WORDS;
    return 100 + (unsigned)rand_below(&rand, vocabulary - 100);
}

static void make_text(struct buf *out, uint64_t number, size_t words, size_t step, bool han)
{
    struct rand rand;
    rand_init(&rand, number);
    unsigned topic = (unsigned)rand_below(&rand, TOPICS);
    buf_clear(out);
    for (size_t i = 0; i < words; i++) {
        bool of_topic = rand_below(&rand, step) == 0;
        unsigned word = of_topic ? topic_word(topic, zipf(&rand, TOPIC_WORDS), han)
                                 : zipf(&rand, han ? HAN_WORDS : WORDS);
        add_word(out, word, han);
        if (han && i % 12 == 11)
            buf_add_str(out, "，");
    }
}

/* Processor time of this thread: the figures hold on a busy machine too. */
static int64_t busy_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double held_mib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * 4096 / 1048576;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ask(const struct retrieval_index *index, size_t passages, bool han)
{
    static double took[QUERIES];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct rand rand;
    rand_init(&rand, 99);
    for (size_t q = 0; q < QUERIES; q++) {
        struct retrieval_answer answer;
        uint64_t number = rand_below(&rand, passages) / 2 * 2 + han;
        make_text(&text, number, 3 + rand_below(&rand, 10), 2, han);
        struct retrieval_query query = {.text = buf_str(&text), .limit = 10, .explain = true};
        int64_t from = busy_us();
        arena_clear(&arena);
        if (retrieval_search(index, &query, &answer, &arena, NULL) != ERR_OK)
            exit(1);
        took[q] = (double)(busy_us() - from) / 1000;
    }
    qsort(took, QUERIES, sizeof *took, by_value);
    printf("  %s queries: median %.2f ms, p95 %.2f ms, p99 %.2f ms, worst %.2f ms\n",
           han ? "ideograph" : "word", took[QUERIES / 2], took[QUERIES * 95 / 100],
           took[QUERIES * 99 / 100], took[QUERIES - 1]);
}

static void save_and_load(const struct retrieval_index *index)
{
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    struct retrieval_index *loaded = NULL;
    int64_t from = busy_us();
    if (retrieval_index_save(index, &bytes, NULL) != ERR_OK)
        exit(1);
    double saving = (double)(busy_us() - from) * 1e-6;
    from = busy_us();
    if (retrieval_index_load(&loaded, bytes.data, bytes.len, NULL) != ERR_OK)
        exit(1);
    printf("  saved in %.2f s as %.0f MiB, loaded in %.2f s\n", saving, (double)bytes.len / 1048576,
           (double)(busy_us() - from) * 1e-6);
    retrieval_index_free(loaded);
}

static void measure(size_t passages)
{
    struct retrieval_index *index;
    CLEANUP(buf_done) struct buf text = BUF_INIT, title = BUF_INIT;
    struct err err = ERR_INIT;
    size_t bytes = 0;
    int64_t indexing = 0;
    double before = held_mib();
    retrieval_index_new(&index, NULL);
    for (size_t i = 0; i < passages; i++) {
        char id[24];
        bool han = i % 2;
        snprintf(id, sizeof id, "%zu", i);
        make_text(&text, i, 150, 3, han);
        make_text(&title, i, 6, 2, han);
        bytes += text.len + title.len;
        struct retrieval_passage passage = {id, buf_str(&title), NULL, buf_str(&text)};
        int64_t from = busy_us();
        if (retrieval_index_add(index, &passage, &err) != ERR_OK) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        indexing += busy_us() - from;
    }
    int64_t from = busy_us();
    if (retrieval_index_seal(index, &err) != ERR_OK)
        exit(1);
    int64_t sealing = busy_us() - from;
    printf("%zu passages, %.0f MiB of text: added in %.2f s, sealed in %.2f s; index %.0f MiB\n",
           passages, (double)bytes / 1048576, (double)indexing * 1e-6, (double)sealing * 1e-6,
           held_mib() - before);
    ask(index, passages, false);
    ask(index, passages, true);
    save_and_load(index);
    retrieval_index_free(index);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure((size_t)strtoull(argv[i], NULL, 10));
    if (argc < 2) {
        measure(10000);
        measure(100000);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("most memory held: %.0f MiB\n", (double)usage.ru_maxrss / 1024);
    return 0;
}

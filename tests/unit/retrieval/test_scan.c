/* test_scan.c - text to terms: folding, words, stems, characters, bigrams, known words. */
#include <string.h>

#include "base/mem.h"
#include "tests.h"

/* Terms with a blank between positions and '/' within one. */
static const char *terms(const char *text, const struct retrieval_lexicon *lexicon)
{
    static char out[4096];
    struct retrieval_scanner scanner;
    const struct retrieval_token *token;
    size_t at = 0, before = 0;
    out[0] = 0;
    retrieval_scan_init(&scanner, text, strlen(text), lexicon);
    while ((token = retrieval_scan_next(&scanner))) {
        assert_true(token->begin >= before && token->end > token->begin);
        assert_true(token->end <= strlen(text));
        assert_int_equal(token->len, strlen(token->term));
        before = token->begin;
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s%s", at == 0 ? "" : "",
                               at == 0 ? "" : (token->moves ? " " : "/"), token->term);
    }
    return out;
}

static const char *stem(const char *word)
{
    static char out[64];
    strcpy(out, word);
    out[retrieval_stem(out, strlen(out))] = 0;
    return out;
}

static void test_english_words_become_their_stems(void **state)
{
    (void)state;
    /* from the sample vocabulary that is published with the algorithm */
    static const char *const words[][2] = {
        {"consist", "consist"},
        {"consisted", "consist"},
        {"consistency", "consist"},
        {"consistently", "consist"},
        {"consolation", "consol"},
        {"consolatory", "consolatori"},
        {"conspicuous", "conspicu"},
        {"conspiracy", "conspiraci"},
        {"constancy", "constanc"},
        {"knackeries", "knackeri"},
        {"knavish", "knavish"},
        {"kneaded", "knead"},
        {"knees", "knee"},
        {"knightly", "knight"},
        {"knitting", "knit"},
        {"knotted", "knot"},
        {"cries", "cri"},
        {"ties", "tie"},
        {"hopping", "hop"},
        {"hoping", "hope"},
        {"luxuriated", "luxuri"},
        {"generously", "generous"},
        {"communities", "communiti"},
        {"skies", "sky"},
        {"dying", "die"},
        {"news", "news"},
        {"succeeding", "succeed"},
        {"rational", "ration"},
        {"relational", "relat"},
        {"hopefulness", "hope"},
        {"happy", "happi"},
        {"say", "say"},
        {"by", "by"},
        {"gas", "gas"},
        {"gaps", "gap"},
        {"kiwis", "kiwi"},
        {"bed", "bed"},
        {"shred", "shred"},
        {"boundaries", "boundari"},
        {"aerodynamics", "aerodynam"},
        {"adjustment", "adjust"},
        {"controlling", "control"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_string_equal(stem(words[i][0]), words[i][1]);
}

static void test_words_are_cut_folded_and_stemmed(void **state)
{
    (void)state;
    assert_string_equal(terms("The Boundary-Layers, of 1.5 and 1,000 plates!", NULL),
                        "the boundari/boundarylay layer of 1.5 and 1000 plate");
    assert_string_equal(terms("the author's don't H100 C++ c# x86_64", NULL),
                        "the author dont h100 c++ c# x86 64");
    assert_string_equal(terms("Éclair na\xc3\xafve Straße CO\xe2\x82\x82", NULL),
                        "eclair naiv strass co2");
    assert_string_equal(terms("TNF-\xce\xb1", NULL), "tnf/tnfα alpha");
    assert_string_equal(terms("TNF\xce\xb1", NULL), "tnfα");
    assert_string_equal(terms("non-linear state-of-the-art 5G-A -a- b--c", NULL),
                        "non/nonlinear linear state of the art 5g a a b c");
    assert_string_equal(terms("\xef\xbc\xa8\xef\xbc\x91", NULL), "h1"); /* full width */
    assert_string_equal(terms("", NULL), "");
    assert_string_equal(terms(" .,;", NULL), "");
}

static void test_chinese_becomes_characters_bigrams_and_known_words(void **state)
{
    (void)state;
    assert_string_equal(terms("算力网络", NULL), "算/算力 力/力网 网/网络 络");
    assert_string_equal(terms("算力，网", NULL), "算/算力 力 网");
    assert_string_equal(terms("用GPU算", NULL), "用 gpu 算");
    struct retrieval_lexicon lexicon = {map_new(), 4};
    map_put(lexicon.words, "力网络", &lexicon);
    assert_string_equal(terms("算力网络", &lexicon), "算/算力 力/力网/力网络 网/网络 络");
    map_free(lexicon.words);
}

static void test_traditional_characters_are_found_by_simplified_ones(void **state)
{
    (void)state;
    assert_string_equal(terms("算力網絡", NULL), "算/算力 力/力网 网/网络 络");
}

static void test_bytes_that_are_no_text_separate(void **state)
{
    (void)state;
    assert_string_equal(terms("one\xfftwo", NULL), "one two");
    assert_string_equal(terms("\xe7\xae", NULL), "");
}

static void test_a_word_longer_than_a_term_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'q', sizeof text);
    text[399] = 0;
    assert_int_equal(strlen(terms(text, NULL)), RETRIEVAL_TERM_SIZE - 2);
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xd0\xb6", 2);
    text[398] = 0;
    assert_int_equal(strlen(terms(text, NULL)) % 2, 0);
}

static void test_folding_twice_is_folding_once(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x30000; c++) {
        uint32_t once[3], twice[3];
        size_t count, again;
        enum retrieval_class class = retrieval_fold(c, once, &count);
        assert_true(count <= 3 && (count == 0) == (class == RETRIEVAL_NOTHING));
        for (size_t i = 0; i < count; i++) {
            enum retrieval_class second = retrieval_fold(once[i], twice, &again);
            assert_int_equal(again, 1);
            assert_int_equal(twice[0], once[i]);
            assert_true(second == class || class != RETRIEVAL_IDEOGRAPH);
        }
    }
}

int run_scan_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english_words_become_their_stems),
        cmocka_unit_test(test_words_are_cut_folded_and_stemmed),
        cmocka_unit_test(test_chinese_becomes_characters_bigrams_and_known_words),
        cmocka_unit_test(test_traditional_characters_are_found_by_simplified_ones),
        cmocka_unit_test(test_bytes_that_are_no_text_separate),
        cmocka_unit_test(test_a_word_longer_than_a_term_is_cut_at_a_character),
        cmocka_unit_test(test_folding_twice_is_folding_once),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}

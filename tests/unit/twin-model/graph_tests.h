/* graph_tests.h - the half of the twin's tests that looks at the graph in memory. */
#ifndef SWAN_TEST_TWIN_GRAPH_TESTS_H
#define SWAN_TEST_TWIN_GRAPH_TESTS_H

#include "../services/fixture.h"
#include "twin/model/twin.h"

void test_the_graph_says_what_the_rows_say(void **state);
void test_a_moment_is_the_same_from_memory_from_the_journal_and_from_a_pack(void **state);
void test_half_a_pack_is_no_pack_and_a_damaged_one_is_only_slow(void **state);
void test_a_store_from_before_the_journal_told_the_graph_is_told(void **state);
void test_what_is_declared_stands_in_rows_and_graph_or_nowhere(void **state);
void test_an_observation_that_has_expired_is_unknown(void **state);
void test_questions_are_answered_page_by_page_of_one_moment(void **state);
void test_a_difference_shows_what_time_alone_has_done(void **state);
void test_what_if_changes_nothing(void **state);
void test_old_packs_go_and_parts_of_dead_writers_too(void **state);
void test_readers_and_refreshers_get_whole_moments_while_others_write(void **state);

#endif

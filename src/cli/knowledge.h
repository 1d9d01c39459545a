/* knowledge.h - what `swan knowledge` searches: a folder as passages.  Private to cli.
 *
 * How a folder is read depends on what it holds: cli_corpus_readers is asked from top to bottom,
 * and the first reader that fits reads it. */
#ifndef SWAN_CLI_KNOWLEDGE_H
#define SWAN_CLI_KNOWLEDGE_H

#include "base/arena.h"
#include "base/json.h"
#include "intelligent/retrieval/retrieval.h"

struct cli_corpus {
    struct arena *arena; /* what the passages point into */
    LIST(struct retrieval_passage) passages;
    LIST(const char *) words; /* Chinese words to know beside characters and bigrams */
};

struct cli_corpus_reader {
    const char *holds; /* "corpus.jsonl": what makes a folder fit, for the error that none does */
    bool (*fits)(const char *dir);
    enum err_code (*read)(const char *dir, struct cli_corpus *out, struct err *err);
};
extern const struct cli_corpus_reader cli_corpus_readers[];
extern const size_t cli_corpus_reader_count;

/* corpus.jsonl: lines {"id","text"} or {"id","title","text"}; without a title, the first line of a
 * text of several lines is its title if it is short.  A bad line is an error with file and line. */
bool cli_corpus_is_jsonl(const char *dir);
enum err_code cli_corpus_read_jsonl(const char *dir, struct cli_corpus *out, struct err *err);

/* Calls fn for each line that is not blank, as a JSON object; an error of fn or of the line gets
 * "FILE line N" before it. */
enum err_code cli_jsonl_each(const char *path,
                             enum err_code (*fn)(const struct json_value *line, void *ctx,
                                                 struct err *err),
                             void *ctx, struct err *err);

/* ---- knowledge_documents.c: a folder of documents, or what ingest made of one ---- */
bool cli_corpus_is_base(const char *dir);      /* ingested */
bool cli_corpus_is_documents(const char *dir); /* a folder: the last reader to be asked */
/* Passages valid now, by their ids. */
enum err_code cli_corpus_read_base(const char *dir, struct cli_corpus *out, struct err *err);
enum err_code cli_corpus_read_documents(const char *dir, struct cli_corpus *out, struct err *err);
/* The knowledge that ships with the program; NULL when it is not installed. */
const char *cli_shipped_knowledge(struct arena *arena);
/* The member "why" of a hit; with those that feedback added marked, or not. */
void cli_write_matches(struct json_writer *w, const struct retrieval_match *matches, size_t count,
                       bool say_added);
struct cli_call;
/* Searches either of them, with sources, validity and vectors. */
enum err_code cli_search_documents(struct cli_call *call, const char *dir, const char *text,
                                   size_t limit, struct err *err);

/* ---- knowledge_ingest.c ---- */
enum err_code cli_run_knowledge_ingest(struct cli_call *call, struct err *err);

#endif

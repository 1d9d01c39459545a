/* knowledge.h - documents → passages with source, confidence, validity; kept in a folder; found
 * again by words and, if asked for, by vectors (知识库).
 *
 * Reads Markdown, text, HTML, PDF (through pdftotext) and DOCX.  Every input is hostile: sizes,
 * nesting and time have named limits, and a file that cannot be read is refused by name while the
 * others go on.  docs/modules/knowledge.md has the pipeline and how to add a kind of document. */
#ifndef SWAN_KNOWLEDGE_KNOWLEDGE_H
#define SWAN_KNOWLEDGE_KNOWLEDGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "intelligent/retrieval/retrieval.h"

#define KNOWLEDGE_FILE_MAX ((size_t)64 << 20) /* bytes of one file */
#define KNOWLEDGE_TEXT_MAX ((size_t)64 << 20) /* bytes of text in one document, unpacked */
#define KNOWLEDGE_FOLDER_FILES 100000         /* documents of one folder */
#define KNOWLEDGE_FOLDER_DEPTH 16             /* folders in folders */
#define KNOWLEDGE_ARENA_MAX ((size_t)3 << 30) /* memory of one folder */
#define KNOWLEDGE_DEPTH 256                   /* elements in elements of HTML and XML */
#define KNOWLEDGE_PASSAGE_TARGET 800          /* columns at which a passage is full */
#define KNOWLEDGE_PASSAGE_MAX 1600            /* columns that none exceeds; Chinese counts 2 */
#define KNOWLEDGE_PDF_TIME_MS 60000           /* of pdftotext for one file */

/* ---- what is known ---- */
struct knowledge_passage {
    const char *id;         /* DOCUMENT#ANCHOR: the heading's anchor, words or digest */
    const char *document;   /* id of the document */
    int64_t version;        /* of the document, with which the passage came */
    const char *title;      /* of the document */
    const char *headings;   /* "chapter > section"; "" = none */
    const char *text;       /* UTF-8, lines of lists and tables by '\n' */
    const char *kind;       /* text, list, table or code */
    const char *source;     /* NULL = not said */
    const char *confidence; /* A standard or vendor text, B secondary, C general knowledge, D design
                               default; "B/C"; NULL = not said */
    const char *language;   /* zh, en, … */
    int64_t valid_from_ms, valid_to_ms; /* [from, to); 0 = open */
    int64_t ended_ms;                   /* when a later version had it no more; 0 = it is current */
    int64_t begin, end; /* bytes of the document's text as UTF-8 that it was made of (DOCX: of its
                           document.xml) */
    int64_t page;       /* from 1; 0 = no pages */
    const char *digest; /* of all above but version, validity set by later versions, and position */
};
extern const struct json_table knowledge_passage_table;

struct knowledge_document {
    const char *id;   /* path in its folder, or what its header says */
    const char *path; /* in its folder */
    const char *title;
    const char *media; /* markdown, text, html, pdf, docx */
    const char
        *digest;     /* of its bytes, its sidecar, its folder's defaults and the reader's number */
    int64_t version; /* from 1 */
    const char *source, *confidence, *language;
    int64_t valid_from_ms, valid_to_ms;
    int64_t ingested_ms, ended_ms; /* of this version; 0 = not */
    const char *encoding;          /* what its bytes were: UTF-8, GB18030, UTF-16LE … */
    const char *note;              /* what the reader had to decide; NULL = nothing */
};
extern const struct json_table knowledge_document_table;

struct knowledge_base { /* current and ended; passages of one document stand in its order */
    LIST(struct knowledge_document) documents;
    LIST(struct knowledge_passage) passages;
};

/* ---- reading ---- */
struct knowledge_reading { /* one document, read */
    struct knowledge_document document;
    LIST(struct knowledge_passage) passages;
};
/* A document from its bytes.  `path` names its kind by its ending; `defaults` and `sidecar` are
 * YAML texts or NULL.  ERR_UNSUPPORTED: no reader for the ending; ERR_INVALID: broken;
 * ERR_TOO_LARGE. PDF is read by knowledge_read_file only. */
enum err_code knowledge_read_bytes(const char *path, const char *bytes, size_t len,
                                   const char *defaults, const char *sidecar,
                                   struct knowledge_reading *out, struct arena *arena,
                                   struct err *err);
bool knowledge_is_document(const char *path); /* by its ending */

struct knowledge_refusal {
    const char *path, *reason, *hint; /* hint "" = none */
};
struct knowledge_folder {
    LIST(struct knowledge_reading) readings;
    LIST(const char *) unchanged;           /* paths whose digest `known` has */
    LIST(struct knowledge_refusal) refused; /* the others went on */
};
/* Every document below `folder` in the order of names; hidden files, links and other endings are
 * left out.  NAME.meta.yaml beside a document and folder.meta.yaml in its folder add what the
 * document does not say itself.  `known` may be NULL. */
enum err_code knowledge_read_folder(const char *folder, const struct knowledge_base *known,
                                    struct knowledge_folder *out, struct arena *arena,
                                    struct err *err);

/* ---- keeping ---- */
struct knowledge_changes {
    size_t documents_added, documents_changed, documents_ended, documents_unchanged;
    size_t passages_added, passages_ended, passages_kept;
};
/* A new document comes as version 1; a changed one as a new version, in which passages that are as
 * before stay as they are, others end now and new ones begin now; a document that is gone ends.
 * What was refused stays as it was.  ERR_CONFLICT: two documents of one id. */
enum err_code knowledge_update(struct knowledge_base *base, const struct knowledge_folder *folder,
                               int64_t now_ms, struct knowledge_changes *out, struct arena *arena,
                               struct err *err);
/* A folder with a file knowledge.jsonl.  Absent: an empty base. */
enum err_code knowledge_load(const char *folder, struct knowledge_base *out, struct arena *arena,
                             struct err *err);
bool knowledge_is_base(const char *folder);
/* Reads `from`, loads, updates, saves; one at a time, and nothing is written when nothing changed.
 * `folder_out` tells what was refused.  ERR_CONFLICT: a folder without any document would end all
 * that is known. */
enum err_code knowledge_ingest(const char *from, const char *into, int64_t now_ms,
                               struct knowledge_folder *folder_out, struct knowledge_changes *out,
                               struct arena *arena, struct err *err);
bool knowledge_is_valid(const struct knowledge_passage *passage, int64_t at_ms);

/* ---- vectors: an OpenAI-compatible endpoint, off unless asked for ---- */
struct knowledge_embedding {
    const char *url; /* up to …/v1, or the whole …/v1/embeddings */
    const char *model;
    const char *key;    /* bearer; NULL = none */
    const char *cache;  /* folder of vectors; made when absent */
    int64_t timeout_ms; /* of one call; 0 = 30 000 */
    int retries;        /* of a call that fails for now; 0 = 3, -1 = none */
    size_t batch;       /* texts of one call; 0 = 64 */
};

/* ---- finding ---- */
struct knowledge_index;
/* `base` must live as long; `words` (may be NULL) are Chinese words known beside characters, ended
 * by NULL. */
enum err_code knowledge_index_new(const struct knowledge_base *base, const char *const *words,
                                  struct knowledge_index **out, struct err *err);
void knowledge_index_free(struct knowledge_index *index);
/* Vectors of all passages, from the cache or the endpoint; before the searches, by one thread.
 * Without them, and when this fails, searches rank by words. */
enum err_code knowledge_index_embed(struct knowledge_index *index,
                                    const struct knowledge_embedding *embedding, struct err *err);

struct knowledge_query {
    const char *text;
    size_t limit;  /* 0 = 10 */
    int64_t at_ms; /* which passages are valid */
    bool explain;
    const struct knowledge_embedding *embedding; /* of the question; NULL = words alone */
};
struct knowledge_hit {
    const struct knowledge_passage *passage;
    double score;
    int64_t word_rank, vector_rank; /* from 1; 0 = not among the first of that ranking */
    double similarity;              /* cosine, when vector_rank is set */
    LIST(struct retrieval_match) why;
    size_t snippet_begin, snippet_end; /* of the passage's text */
};
struct knowledge_answer {
    LIST(struct knowledge_hit) hits;
    bool with_vectors;
    const char *note; /* why there are no vectors although asked for; NULL = nothing to say */
};
/* By any number of threads.  A failing endpoint is no error: words rank alone, the note says why.
 */
enum err_code knowledge_search(const struct knowledge_index *index,
                               const struct knowledge_query *query, struct knowledge_answer *out,
                               struct arena *arena, struct err *err);

#endif

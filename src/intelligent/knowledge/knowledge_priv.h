/* knowledge_priv.h - what the readers share: blocks in, passages out. */
#ifndef SWAN_KNOWLEDGE_KNOWLEDGE_PRIV_H
#define SWAN_KNOWLEDGE_KNOWLEDGE_PRIV_H

#include "intelligent/knowledge/knowledge.h"

/* Goes into digests: raise it when readers give other passages for the same bytes. */
#define KNOWLEDGE_READER "1"

enum knowledge_kind {
    KNOWLEDGE_TEXT,
    KNOWLEDGE_LIST,  /* one item a line */
    KNOWLEDGE_TABLE, /* one row a line, the first is the header */
    KNOWLEDGE_CODE,
    KNOWLEDGE_HEADING
};
struct knowledge_block {
    enum knowledge_kind kind;
    int level;          /* of a heading, 1 to 6 */
    const char *text;   /* UTF-8 */
    const char *anchor; /* of a heading: {#anchor}, id="…"; or NULL */
    size_t begin, end;
    int64_t page;
};

/* What a document, its sidecar and its folder say about it; NULL and 0 = not said. */
struct knowledge_meta {
    const char *id, *title, *source, *confidence, *language;
    int64_t valid_from_ms, valid_to_ms;
    LIST(struct json_string_pair) sources; /* marks of the text → where */
};
/* A member by name, as meta tags give it.  Unknown names are ignored; ERR_INVALID on a bad date or
 * tag. */
enum err_code knowledge_meta_set(struct knowledge_meta *meta, const char *name, const char *value,
                                 struct arena *arena, struct err *err);
enum err_code knowledge_meta_read(struct knowledge_meta *meta, const char *yaml, size_t len,
                                  struct arena *arena, struct err *err);
void knowledge_meta_default(struct knowledge_meta *meta, const struct knowledge_meta *fallback,
                            struct arena *arena);

/* What a reader fills. */
struct knowledge_draft {
    struct arena *arena;
    struct knowledge_meta meta;
    LIST(struct knowledge_block) blocks;
    const char *note;
    size_t text_bytes; /* of all blocks */
};
/* Text without blanks at its ends; an empty one adds nothing.  ERR_TOO_LARGE beyond
 * KNOWLEDGE_TEXT_MAX. */
enum err_code knowledge_block_add(struct knowledge_draft *draft, enum knowledge_kind kind,
                                  int level, const char *text, size_t len, size_t begin, size_t end,
                                  struct err *err);
void knowledge_note(struct knowledge_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- readers: UTF-8 text (DOCX: bytes) to blocks ---- */
enum err_code knowledge_read_markdown(struct knowledge_draft *draft, const char *text, size_t len,
                                      struct err *err);
/* Pages are parted by form feeds. */
enum err_code knowledge_read_plain(struct knowledge_draft *draft, const char *text, size_t len,
                                   bool pages, struct err *err);
enum err_code knowledge_read_html(struct knowledge_draft *draft, const char *text, size_t len,
                                  struct err *err);
enum err_code knowledge_read_docx(struct knowledge_draft *draft, const char *bytes, size_t len,
                                  struct err *err);
enum err_code knowledge_read_docx_document(struct knowledge_draft *draft, const char *xml,
                                           size_t len, const char *styles, size_t styles_len,
                                           struct err *err);
enum err_code knowledge_read_docx_core(struct knowledge_draft *draft, const char *xml, size_t len,
                                       struct err *err);
/* Appends what pdftotext says of the file, pages by form feeds. */
enum err_code knowledge_pdf_text(const char *path, struct buf *out, struct err *err);

/* ---- text.c ---- */
/* Any bytes as UTF-8: BOM, UTF-8, UTF-16, the charset that HTML declares, GB18030.  `encoding` says
 * which. */
enum err_code knowledge_decode(const char *bytes, size_t len, bool html, struct buf *out,
                               const char **encoding, struct err *err);
/* Columns: ASCII 1, all else 2. */
size_t knowledge_columns(const char *text, size_t len);
bool knowledge_is_wide(const char *text, size_t len, size_t at); /* Chinese begins or ends there */
/* Bytes of the longest beginning that has at most `columns` and ends well: at the end of a
 * sentence, else of a clause, else between words, else between characters. */
size_t knowledge_cut(const char *text, size_t len, size_t columns);
/* Adds a line to a paragraph: with a blank between unless Chinese meets Chinese. */
void knowledge_join_line(struct buf *paragraph, const char *line, size_t len);
const char *knowledge_language(const char *text, size_t len);

/* ---- split.c ---- */
enum err_code knowledge_split(const struct knowledge_draft *draft, struct knowledge_reading *out,
                              struct err *err);

/* One document of a folder, whatever its kind. */
enum err_code knowledge_read_file(const char *folder, const char *path, const char *bytes,
                                  size_t len, const char *defaults, const char *sidecar,
                                  struct knowledge_reading *out, struct arena *arena,
                                  struct err *err);
void knowledge_file_digest(const char *bytes, size_t len, const char *defaults, const char *sidecar,
                           char out[72]);

/* ---- embed.c, vectors.c ---- */
struct knowledge_vectors { /* one row a text, of length 1 */
    size_t dimensions, count;
    float *rows; /* mem_alloc'd */
};
void knowledge_vectors_done(struct knowledge_vectors *vectors);
/* From the endpoint, in calls of a batch. */
enum err_code knowledge_embed(const struct knowledge_embedding *embedding, const char *const *texts,
                              size_t count, struct knowledge_vectors *out, struct err *err);
/* From the cache where it has them; what the endpoint gave is kept even when a later call fails. */
enum err_code knowledge_embed_cached(const struct knowledge_embedding *embedding,
                                     const char *const *texts, size_t count,
                                     struct knowledge_vectors *out, struct err *err);

#endif

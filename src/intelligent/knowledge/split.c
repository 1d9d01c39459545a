/* split.c - blocks of a document → passages.
 *
 * Contract: a passage never spans two headings.  Paragraphs and items of one section join until
 * KNOWLEDGE_PASSAGE_TARGET columns, tables and code with no more than their introduction; what
 * alone is longer than KNOWLEDGE_PASSAGE_MAX is cut at ends of sentences where there are any; a
 * table's header row begins each of its passages.  A mark at the end of a paragraph or an item,
 * 〔B：S24〕 or [B: S24], says confidence and sources of what stands before it since the last mark,
 * and ends the passage.  A mark alone in a paragraph speaks for the block before it.
 *
 * Ids: DOCUMENT#ANCHOR is the first passage of a section, DOCUMENT#ANCHOR~DIGEST each further one,
 * DOCUMENT#~DIGEST one without a heading.  So an insertion gives no other passage another id. */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define LEVELS 6
#define ANCHOR_MAX 64 /* bytes of an anchor made from a heading */
#define MARK_MAX 200  /* bytes of a mark */
/* A paragraph longer than the maximum falls into even pieces of about this many columns. */
#define PIECE_COLUMNS (KNOWLEDGE_PASSAGE_MAX * 3 / 4)

struct mark {
    char confidence[8];
    const char *sources; /* arena; NULL = none named */
};

struct splitter {
    const struct knowledge_draft *draft;
    struct knowledge_reading *out;
    struct arena *arena;
    const char *title;
    const char *names[LEVELS + 1];
    const char *anchor; /* of the section; "" before the first heading */
    bool first;         /* no passage of this section yet */
    struct map *anchors, *ids;
    struct buf text; /* the passage that is being gathered */
    size_t columns;
    enum knowledge_kind kind;
    size_t begin, end;
    int64_t page;
};

/* ---- marks ---- */

static const char *const openings[] = {"〔", "["}, *const closings[] = {"〕", "]"};

static bool read_tags(const char **at, const char *end, char out[8])
{
    size_t len = 0;
    const char *c = *at;
    while (c < end && *c >= 'A' && *c <= 'D' && len < 7) {
        out[len++] = *c++;
        if (c < end && *c == '/' && c + 1 < end && len < 6)
            out[len++] = *c++;
        else
            break;
    }
    out[len] = '\0';
    *at = c;
    return len % 2 == 1;
}

static const char *source_of(const struct splitter *s, const char *name)
{
    for (size_t i = 0; i < s->draft->meta.sources.count; i++)
        if (str_eq(s->draft->meta.sources.items[i].name, name))
            return arena_printf(s->arena, "%s %s", name, s->draft->meta.sources.items[i].value);
    return name;
}

/* "S24、S25" → their entries of the header's list; other words stand as they are. */
static const char *read_sources(const struct splitter *s, const char *at, const char *end)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    static const char *const parting[] = {"、", "，", "；", ",", ";"};
    while (at < end) {
        const char *stop = end;
        size_t skip = 0;
        for (size_t i = 0; i < ARRAY_LEN(parting); i++) {
            const char *hit = memmem(at, (size_t)(stop - at), parting[i], strlen(parting[i]));
            if (hit) {
                stop = hit;
                skip = strlen(parting[i]);
            }
        }
        const char *from = at, *to = stop;
        while (from < to && *from == ' ')
            from++;
        while (to > from && to[-1] == ' ')
            to--;
        if (to > from) {
            const char *name = arena_strndup(s->arena, from, (size_t)(to - from));
            buf_printf(&all, "%s%s", all.len ? "; " : "", source_of(s, name));
        }
        at = stop + skip;
    }
    return all.len ? arena_strdup(s->arena, buf_str(&all)) : NULL;
}

/* Takes a mark off the end of the text; false when there is none. */
static bool take_mark(const struct splitter *s, const char *text, size_t *len, struct mark *out)
{
    for (size_t i = 0; i < ARRAY_LEN(closings); i++) {
        size_t close = strlen(closings[i]), open = strlen(openings[i]);
        if (*len < close + open + 1 || memcmp(text + *len - close, closings[i], close) != 0)
            continue;
        const char *end = text + *len - close,
                   *floor = end - text > MARK_MAX ? end - MARK_MAX : text;
        const char *at = NULL;
        for (const char *c = end; c-- > floor;)
            if ((size_t)(end - c) >= open && memcmp(c, openings[i], open) == 0) {
                at = c;
                break;
            }
        if (!at)
            continue;
        const char *inside = at + open;
        if (!read_tags(&inside, end, out->confidence))
            continue;
        if (inside < end && *inside != ':' && *inside != ' ' && memcmp(inside, "：", 3) != 0)
            continue; /* "[Beta]" */
        while (inside < end && (*inside == ':' || *inside == ' '))
            inside++;
        if (end - inside >= 3 && memcmp(inside, "：", 3) == 0)
            inside += 3;
        out->sources = read_sources(s, inside, end);
        *len = (size_t)(at - text);
        while (*len > 0 && strchr(" \t\n", text[*len - 1]))
            *len -= 1;
        return true;
    }
    return false;
}

/* The block is nothing but a mark. */
static bool is_mark(const struct splitter *s, const struct knowledge_block *block, struct mark *out)
{
    size_t len = strlen(block->text);
    return block->kind == KNOWLEDGE_TEXT && len <= MARK_MAX + 8 &&
           take_mark(s, block->text, &len, out) && len == 0;
}

/* ---- names ---- */

static bool parts_words(uint32_t c)
{
    return (c < 0x80 && !((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                          c == '_' || c == '.')) ||
           (c >= 0x80 && c <= 0xBF) || (c >= 0x2000 && c <= 0x2BFF) ||
           (c >= 0x3000 && c <= 0x303F) || (c >= 0xFF00 && c <= 0xFF0F) ||
           (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFF3B && c <= 0xFF40) ||
           (c >= 0xFF5B && c <= 0xFF65) || c == 0xFFFD;
}

static const char *make_anchor(const char *text, struct arena *arena)
{
    char out[ANCHOR_MAX + 8];
    size_t len = 0, size = strlen(text);
    bool part = false;
    for (size_t at = 0; at < size && len < ANCHOR_MAX;) {
        size_t begin = at;
        uint32_t c = str_next(text, size, &at);
        if (parts_words(c)) {
            part = len > 0;
            continue;
        }
        if (part)
            out[len++] = '-';
        part = false;
        if (c < 0x80)
            out[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        else {
            memcpy(out + len, text + begin, at - begin);
            len += at - begin;
        }
    }
    return len ? arena_strndup(arena, out, len) : "section";
}

/* The n-th of one name gets ".n". */
static const char *unique(struct map *taken, const char *name, struct arena *arena)
{
    size_t times = (size_t)(uintptr_t)map_find(taken, name) + 1;
    map_put(taken, name, (void *)(uintptr_t)times);
    if (times == 1)
        return name;
    const char *longer = arena_printf(arena, "%s.%zu", name, times);
    return map_has(taken, longer) ? unique(taken, longer, arena)
                                  : (map_put(taken, longer, (void *)(uintptr_t)1), longer);
}

static const char *heading_path(const struct splitter *s)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    for (int level = 1; level <= LEVELS; level++)
        if (s->names[level] && !str_eq(s->names[level], s->title))
            buf_printf(&path, "%s%s", path.len ? " > " : "", s->names[level]);
    return arena_strdup(s->arena, buf_str(&path));
}

static const char *passage_id(struct splitter *s, const char *text)
{
    char digest[ID_DIGEST_SIZE];
    const char *document = s->out->document.id, *id;
    id_digest(text, strlen(text), digest);
    digest[7 + 10] = '\0';
    if (!s->anchor[0])
        id = arena_printf(s->arena, "%s#~%s", document, digest + 7);
    else if (s->first)
        id = arena_printf(s->arena, "%s#%s", document, s->anchor);
    else
        id = arena_printf(s->arena, "%s#%s~%s", document, s->anchor, digest + 7);
    s->first = false;
    return unique(s->ids, id, s->arena);
}

static const char *digest_of(const struct knowledge_passage *p, struct arena *arena)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    char digest[ID_DIGEST_SIZE];
    const char *const parts[] = {p->id,   p->title,  p->headings,   p->text,
                                 p->kind, p->source, p->confidence, p->language};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_printf(&all, "%s\x1f", parts[i] ? parts[i] : "\x1e");
    buf_printf(&all, "%lld\x1f%lld", (long long)p->valid_from_ms, (long long)p->valid_to_ms);
    id_digest(buf_str(&all), all.len, digest);
    return arena_strdup(arena, digest);
}

/* ---- gathering ---- */

static const char *const kind_names[] = {"text", "list", "table", "code", "heading"};

static void flush(struct splitter *s, const struct mark *mark)
{
    const struct knowledge_meta *meta = &s->draft->meta;
    if (s->text.len == 0)
        return;
    const char *text = arena_strdup(s->arena, buf_str(&s->text));
    struct knowledge_passage passage = {
        .id = passage_id(s, text),
        .document = s->out->document.id,
        .version = 1,
        .title = s->title,
        .headings = heading_path(s),
        .text = text,
        .kind = kind_names[s->kind],
        .source = mark && mark->sources ? mark->sources : meta->source,
        .confidence = mark ? arena_strdup(s->arena, mark->confidence) : meta->confidence,
        .language = meta->language ? meta->language : knowledge_language(text, strlen(text)),
        .valid_from_ms = meta->valid_from_ms,
        .valid_to_ms = meta->valid_to_ms,
        .begin = (int64_t)s->begin,
        .end = (int64_t)s->end,
        .page = s->page,
    };
    passage.digest = digest_of(&passage, s->arena);
    *LIST_ADD(s->arena, &s->out->passages) = passage;
    buf_clear(&s->text);
    s->columns = 0;
}

static void gather(struct splitter *s, const struct knowledge_block *block, const char *text,
                   size_t len)
{
    if (len == 0)
        return;
    if (s->text.len == 0) {
        s->kind = block->kind;
        s->begin = s->end = block->begin;
        s->page = block->page;
    } else {
        buf_add_char(&s->text, '\n');
        if (block->kind > s->kind) /* a list with its introduction is a list */
            s->kind = block->kind;
    }
    if (s->end < block->end) /* a broken XML may count backwards */
        s->end = block->end;
    buf_add(&s->text, text, len);
    s->columns += knowledge_columns(text, len) + 1;
}

static bool is_full(const struct splitter *s, size_t more)
{
    return s->text.len > 0 && s->columns + more > KNOWLEDGE_PASSAGE_TARGET;
}

/* A paragraph, an item, a row: one piece where it fits, else even ones. */
static void add_unit(struct splitter *s, const struct knowledge_block *block, const char *text,
                     size_t len, const struct mark *mark, const char *header)
{
    size_t columns = knowledge_columns(text, len), limit = columns;
    size_t head = header ? strlen(header) : 0, head_columns = knowledge_columns(header, head);
    if (head_columns > KNOWLEDGE_PASSAGE_MAX / 4)
        head = head_columns = 0; /* a header that would fill the passage helps nobody */
    if (columns + head_columns > KNOWLEDGE_PASSAGE_MAX)
        limit = columns / ((columns + PIECE_COLUMNS - 1) / PIECE_COLUMNS) + 60;
    if (limit + head_columns > KNOWLEDGE_PASSAGE_MAX)
        limit = KNOWLEDGE_PASSAGE_MAX - head_columns;
    while (len > 0) {
        size_t piece = knowledge_cut(text, len, limit), shown = piece;
        while (shown > 0 && strchr(" \t\n", text[shown - 1]))
            shown--;
        if (is_full(s, knowledge_columns(text, shown)))
            flush(s, mark);
        if (s->text.len == 0 && head > 0)
            gather(s, block, header, head);
        gather(s, block, text, shown);
        if (piece < len)
            flush(s, mark);
        text += piece;
        len -= piece;
        while (len > 0 && strchr(" \t\n", *text)) {
            text++;
            len--;
        }
    }
}

static void add_paragraph(struct splitter *s, const struct knowledge_block *block, size_t len,
                          const struct mark *after)
{
    struct mark mark;
    bool marked = take_mark(s, block->text, &len, &mark);
    if (marked && len == 0)
        return; /* a mark without anything before it */
    add_unit(s, block, block->text, len, marked ? &mark : after, NULL);
    if (marked)
        flush(s, &mark);
}

static void add_lines(struct splitter *s, const struct knowledge_block *block,
                      const struct mark *after)
{
    const char *line = block->text, *header = NULL;
    while (*line) {
        size_t len = strcspn(line, "\n"), used = len;
        struct mark mark;
        bool marked = block->kind == KNOWLEDGE_LIST && take_mark(s, line, &used, &mark);
        if (block->kind == KNOWLEDGE_TABLE && !header && line[len] == '\n') {
            header = arena_strndup(s->arena, line, len);
            if (is_full(s, knowledge_columns(line, len) * 2))
                flush(s, after);
            if (s->text.len > 0)
                add_unit(s, block, line, len, after, NULL);
        } else
            add_unit(s, block, line, used, marked ? &mark : after, header);
        if (marked)
            flush(s, &mark);
        line += len + (line[len] == '\n');
    }
}

static void enter_section(struct splitter *s, const struct knowledge_block *block)
{
    flush(s, NULL);
    int level = block->level < 1 ? 1 : block->level > LEVELS ? LEVELS : block->level;
    for (int i = level; i <= LEVELS; i++)
        s->names[i] = NULL;
    s->names[level] = block->text;
    s->anchor = unique(
        s->anchors, make_anchor(block->anchor ? block->anchor : block->text, s->arena), s->arena);
    s->first = true;
}

/* Tables and code take an introduction, but nothing joins them from behind. */
static bool stand_apart(enum knowledge_kind before, enum knowledge_kind next)
{
    bool structured = before == KNOWLEDGE_TABLE || before == KNOWLEDGE_CODE;
    return (structured && next != before) ||
           (before == KNOWLEDGE_LIST && (next == KNOWLEDGE_TABLE || next == KNOWLEDGE_CODE));
}

/* What the document says, else its one heading of level 1, else its file's name. */
static const char *find_title(const struct knowledge_draft *draft, const char *path)
{
    const struct knowledge_block *only = NULL;
    size_t count = 0;
    if (draft->meta.title)
        return draft->meta.title;
    for (size_t i = 0; i < draft->blocks.count; i++)
        if (draft->blocks.items[i].kind == KNOWLEDGE_HEADING && draft->blocks.items[i].level == 1) {
            only = &draft->blocks.items[i];
            count++;
        }
    if (count == 1)
        return only->text;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *dot = strrchr(name, '.');
    return arena_strndup(draft->arena, name,
                         dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

enum err_code knowledge_split(const struct knowledge_draft *draft, struct knowledge_reading *out,
                              struct err *err)
{
    CLEANUP(map_free_at) struct map *anchors = map_new();
    CLEANUP(map_free_at) struct map *ids = map_new();
    struct splitter s = {.draft = draft,
                         .out = out,
                         .arena = draft->arena,
                         .anchor = "",
                         .anchors = anchors,
                         .ids = ids,
                         .text = BUF_INIT};
    enum err_code rc = ERR_OK;
    s.title = out->document.title = find_title(draft, out->document.path);
    for (size_t i = 0; i < draft->blocks.count && !rc; i++) {
        const struct knowledge_block *block = &draft->blocks.items[i];
        struct mark mark;
        bool after = i + 1 < draft->blocks.count && is_mark(&s, block + 1, &mark);
        if (block->kind == KNOWLEDGE_HEADING) {
            enter_section(&s, block);
            continue;
        }
        if (s.text.len > 0 && stand_apart(s.kind, block->kind))
            flush(&s, NULL);
        if (block->kind == KNOWLEDGE_TEXT)
            add_paragraph(&s, block, strlen(block->text), after ? &mark : NULL);
        else
            add_lines(&s, block, after ? &mark : NULL);
        if (after) {
            flush(&s, &mark);
            i++;
        }
        rc = arena_check(s.arena, err);
    }
    flush(&s, NULL);
    buf_done(&s.text);
    return rc;
}

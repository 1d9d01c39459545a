/* markdown.c - Markdown and its front matter → blocks.
 *
 * Contract: one pass over the lines, linear in the text whatever it holds.  Known: ATX and setext
 * headings with {#anchor}, fenced code, pipe tables, lists, quotes, comments, HTML tags, front
 * matter between "---" lines.  Not known (and then a paragraph): indented code, footnotes, tables
 * of HTML. */
#include <string.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define LINK_TEXT_MAX 512 /* bytes looked at for the end of a link's text, address or tag */
#define LINK_URL_MAX 2048
#define FRONT_MATTER_MAX ((size_t)256 << 10)

struct reader {
    struct knowledge_draft *draft;
    const char *text;
    size_t len;
    struct buf pending; /* the paragraph, list or table being read */
    struct buf line;    /* the line, cleaned */
    enum knowledge_kind kind;
    size_t begin, end;
    bool open;
};

/* ---- within a line ---- */

static bool is_entity(const char *at, size_t left, const char *name, size_t *len)
{
    *len = strlen(name);
    return left >= *len && memcmp(at, name, *len) == 0;
}

static size_t entity(const char *at, size_t left, struct buf *out)
{
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"},  {"&lt;", "<"},  {"&gt;", ">"},  {"&quot;", "\""},
                    {"&nbsp;", " "}, {"&#39;", "'"}, {"&apos;", "'"}};
    size_t len;
    for (size_t i = 0; i < ARRAY_LEN(entities); i++)
        if (is_entity(at, left, entities[i].name, &len)) {
            buf_add_str(out, entities[i].text);
            return len;
        }
    return 0;
}

static const char *find_within(const char *at, size_t left, char c, size_t limit)
{
    return memchr(at, c, left < limit ? left : limit);
}

static void clean(const char *line, size_t len, struct buf *out);

/* [text](address), ![text](address): the text.  Returns how many bytes that was, 0 = no link.  A
 * text holds no ']', so links do not nest. */
static size_t link_text(const char *at, size_t left, struct buf *out)
{
    size_t skip = at[0] == '!' ? 2 : 1;
    if (left < skip + 1 || at[skip - 1] != '[')
        return 0;
    const char *close = find_within(at + skip, left - skip, ']', LINK_TEXT_MAX);
    if (!close || (size_t)(close - at) + 1 >= left || close[1] != '(')
        return 0;
    const char *end = find_within(close + 2, left - (size_t)(close + 2 - at), ')', LINK_URL_MAX);
    if (!end)
        return 0;
    clean(at + skip, (size_t)(close - at) - skip, out);
    return (size_t)(end - at) + 1;
}

/* <b>, </td>, <br/>: nothing, or a blank; <https://…>: the address. */
static size_t tag(const char *at, size_t left, struct buf *out)
{
    char first = left > 1 ? (char)(at[1] | 0x20) : '\0';
    if (left < 3 || !((first >= 'a' && first <= 'z') || at[1] == '/' || at[1] == '!'))
        return 0;
    const char *end = find_within(at, left, '>', LINK_TEXT_MAX);
    if (!end)
        return 0;
    if (memmem(at, (size_t)(end - at), "://", 3) && !memchr(at, ' ', (size_t)(end - at)))
        buf_add(out, at + 1, (size_t)(end - at) - 1);
    else if (first == 'b' && (at[2] | 0x20) == 'r')
        buf_add_char(out, ' ');
    return (size_t)(end - at) + 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The words of a line without the marks of emphasis, code and links. */
static void clean(const char *line, size_t len, struct buf *out)
{
    bool code = false;
    for (size_t i = 0; i < len;) {
        char c = line[i];
        size_t used = 0;
        if (c == '`') {
            code = !code;
            i++;
            continue;
        }
        if (!code) {
            if (c == '\\' && i + 1 < len && strchr("\\`*_{}[]()#+-.!|<>~", line[i + 1])) {
                buf_add_char(out, line[i + 1]);
                i += 2;
                continue;
            }
            if (c == '[' || (c == '!' && i + 1 < len && line[i + 1] == '['))
                used = link_text(line + i, len - i, out);
            else if (c == '<')
                used = tag(line + i, len - i, out);
            else if (c == '&')
                used = entity(line + i, len - i, out);
            else if (c == '*' || c == '~') {
                size_t run = 1;
                while (i + run < len && line[i + run] == c)
                    run++;
                bool before = i > 0 && !is_blank(line[i - 1]);
                bool after = i + run < len && !is_blank(line[i + run]);
                bool digits = before && after && line[i - 1] >= '0' && line[i - 1] <= '9' &&
                              line[i + run] >= '0' && line[i + run] <= '9';
                if ((before || after) && !digits && (c == '*' || run == 2))
                    used = run;
                else {
                    buf_add(out, line + i, run);
                    i += run;
                    continue;
                }
            }
        }
        if (used == 0) {
            buf_add_char(out, c);
            used = 1;
        }
        i += used;
    }
}

/* ---- blocks ---- */

static enum err_code close_block(struct reader *r, struct err *err)
{
    if (!r->open)
        return ERR_OK;
    enum err_code rc = buf_check(&r->pending, err);
    if (!rc)
        rc = knowledge_block_add(r->draft, r->kind, 0, buf_str(&r->pending), r->pending.len,
                                 r->begin, r->end, err);
    buf_clear(&r->pending);
    r->open = false;
    return rc;
}

static enum err_code open_block(struct reader *r, enum knowledge_kind kind, size_t begin,
                                struct err *err)
{
    enum err_code rc = ERR_OK;
    if (r->open && r->kind == kind)
        return ERR_OK;
    if ((rc = close_block(r, err)))
        return rc;
    r->open = true;
    r->kind = kind;
    r->begin = begin;
    return ERR_OK;
}

static size_t indent_of(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && is_blank(line[i]))
        i++;
    return i;
}

/* "{#name}" at the end of a heading. */
static const char *take_anchor(const char *line, size_t *len, struct arena *arena)
{
    if (*len < 4 || line[*len - 1] != '}')
        return NULL;
    for (size_t i = *len - 1; i > 0 && *len - i < 80; i--)
        if (line[i] == '#' && line[i - 1] == '{') {
            const char *anchor = arena_strndup(arena, line + i + 1, *len - i - 2);
            *len = i - 1;
            while (*len > 0 && is_blank(line[*len - 1]))
                *len -= 1;
            return anchor;
        }
    return NULL;
}

static enum err_code add_heading(struct reader *r, int level, const char *line, size_t len,
                                 size_t begin, size_t end, struct err *err)
{
    enum err_code rc = close_block(r, err);
    const char *anchor = take_anchor(line, &len, r->draft->arena);
    buf_clear(&r->line);
    clean(line, len, &r->line);
    size_t before = r->draft->blocks.count;
    if (!rc)
        rc = knowledge_block_add(r->draft, KNOWLEDGE_HEADING, level, buf_str(&r->line), r->line.len,
                                 begin, end, err);
    if (!rc && r->draft->blocks.count > before)
        r->draft->blocks.items[before].anchor = anchor;
    return rc;
}

static bool is_atx(const char *line, size_t len, int *level, size_t *at)
{
    size_t i = indent_of(line, len), marks = 0;
    while (i + marks < len && line[i + marks] == '#')
        marks++;
    if (i > 3 || marks < 1 || marks > 6 || (i + marks < len && !is_blank(line[i + marks])))
        return false;
    *level = (int)marks;
    *at = i + marks + indent_of(line + i + marks, len - i - marks);
    return true;
}

static bool is_run_of(const char *line, size_t len, char c, size_t least)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (line[i] != c && !is_blank(line[i]))
            return false;
        count += line[i] == c;
    }
    return count >= least;
}

/* "- ", "* ", "1. ", "2) ", "（1）" is none. */
static bool is_item(const char *line, size_t len, size_t *at)
{
    size_t i = indent_of(line, len), begin = i;
    if (i < len && strchr("-*+", line[i]))
        i++;
    else {
        while (i < len && i - begin < 9 && line[i] >= '0' && line[i] <= '9')
            i++;
        if (i == begin || i >= len || (line[i] != '.' && line[i] != ')'))
            return false;
        i++;
    }
    if (i >= len || !is_blank(line[i]))
        return false;
    *at = i + indent_of(line + i, len - i);
    return true;
}

/* |---|:---:| under a table's header. */
static bool is_rule(const char *line, size_t len)
{
    bool dash = false, bar = false;
    for (size_t i = 0; i < len; i++) {
        if (!strchr("|-: \t", line[i]))
            return false;
        dash = dash || line[i] == '-';
        bar = bar || line[i] == '|';
    }
    return dash && bar;
}

static void add_row(struct reader *r, const char *line, size_t len)
{
    size_t i = indent_of(line, len), cells = 0;
    while (len > i && is_blank(line[len - 1]))
        len--;
    i += i < len && line[i] == '|';
    if (len > i && line[len - 1] == '|' && (len < 2 || line[len - 2] != '\\'))
        len--;
    if (r->pending.len > 0)
        buf_add_char(&r->pending, '\n');
    while (i <= len) {
        size_t end = i;
        while (end < len && !(line[end] == '|' && line[end - (end > 0)] != '\\'))
            end++;
        size_t from = i + indent_of(line + i, end - i), to = end;
        while (to > from && is_blank(line[to - 1]))
            to--;
        buf_add_str(&r->pending, cells++ ? " | " : "");
        clean(line + from, to - from, &r->pending);
        i = end + 1;
    }
}

/* Fenced code, to its closing fence or the end. */
static enum err_code read_fence(struct reader *r, size_t *at, char fence, size_t count,
                                struct err *err)
{
    enum err_code rc = close_block(r, err);
    size_t begin = *at, first = 0;
    while (!rc && *at < r->len) {
        const char *line = r->text + *at, *stop = memchr(line, '\n', r->len - *at);
        size_t len = stop ? (size_t)(stop - line) : r->len - *at;
        *at += len + (stop != NULL);
        if (first++ == 0)
            continue;
        size_t marks = indent_of(line, len), indent = marks;
        while (marks < len && line[marks] == fence)
            marks++;
        if (marks - indent >= count && is_run_of(line + marks, len - marks, '\r', 0))
            break;
        if (r->pending.len > 0)
            buf_add_char(&r->pending, '\n');
        buf_add(&r->pending, line, len);
    }
    if (!rc)
        rc = knowledge_block_add(r->draft, KNOWLEDGE_CODE, 0, buf_str(&r->pending), r->pending.len,
                                 begin, *at, err);
    buf_clear(&r->pending);
    return rc;
}

static size_t fence_of(const char *line, size_t len, char *fence)
{
    size_t i = indent_of(line, len), count = 0;
    if (i > 3 || i >= len || (line[i] != '`' && line[i] != '~'))
        return 0;
    *fence = line[i];
    while (i + count < len && line[i + count] == *fence)
        count++;
    if (*fence == '`' && memchr(line + i + count, '`', len - i - count))
        return 0;
    return count >= 3 ? count : 0;
}

struct line {
    const char *at;
    size_t len, begin, end; /* without its break; bytes of the text */
};

static struct line line_at(const struct reader *r, size_t at)
{
    const char *from = r->text + at, *stop = memchr(from, '\n', r->len - at);
    struct line line = {.at = from, .len = stop ? (size_t)(stop - from) : r->len - at, .begin = at};
    line.end = at + line.len + (stop != NULL);
    while (line.len > 0 && (line.at[line.len - 1] == '\r' || is_blank(line.at[line.len - 1])))
        line.len--;
    return line;
}

static enum err_code add_line(struct reader *r, const struct line *line, struct err *err)
{
    size_t at = 0;
    enum err_code rc = ERR_OK;
    if (is_item(line->at, line->len, &at)) {
        if (!r->open || r->kind != KNOWLEDGE_LIST)
            rc = open_block(r, KNOWLEDGE_LIST, line->begin, err);
        if (r->pending.len > 0)
            buf_add_char(&r->pending, '\n');
    } else if (r->open && r->kind == KNOWLEDGE_LIST) { /* goes on in its item */
        at = indent_of(line->at, line->len);
    } else {
        at = indent_of(line->at, line->len);
        rc = open_block(r, KNOWLEDGE_TEXT, line->begin, err);
    }
    buf_clear(&r->line);
    clean(line->at + at, line->len - at, &r->line);
    if (r->pending.len > 0 && r->pending.data[r->pending.len - 1] == '\n')
        buf_add(&r->pending, buf_str(&r->line), r->line.len);
    else
        knowledge_join_line(&r->pending, buf_str(&r->line), r->line.len);
    r->end = line->end;
    return rc;
}

static enum err_code read_table(struct reader *r, struct line line, size_t *at, struct err *err)
{
    enum err_code rc = close_block(r, err);
    r->open = true;
    r->kind = KNOWLEDGE_TABLE;
    r->begin = line.begin;
    add_row(r, line.at, line.len);
    r->end = *at = line_at(r, line.end).end; /* past the rule */
    while (*at < r->len) {
        line = line_at(r, *at);
        if (!memchr(line.at, '|', line.len))
            break;
        add_row(r, line.at, line.len);
        r->end = *at = line.end;
    }
    return rc ? rc : close_block(r, err);
}

static void skip_comment(const struct reader *r, size_t *at)
{
    const char *end = memmem(r->text + *at, r->len - *at, "-->", 3);
    *at = end ? (size_t)(end - r->text) + 3 : r->len;
}

static enum err_code read_line(struct reader *r, size_t *at, struct err *err)
{
    struct line line = line_at(r, *at);
    int level = 0, quotes = 0;
    size_t from = 0, indent = indent_of(line.at, line.len), count;
    char fence = '\0';
    enum err_code rc;
    while (indent < line.len && line.at[indent] == '>' && quotes++ < 16) {
        line.at += indent + 1;
        line.len -= indent + 1;
        indent = indent_of(line.at, line.len);
    }
    if (indent == line.len) {
        *at = line.end;
        return close_block(r, err);
    }
    if (line.len - indent >= 4 && memcmp(line.at + indent, "<!--", 4) == 0) {
        rc = close_block(r, err);
        skip_comment(r, at);
        return rc;
    }
    if (quotes == 0 && (count = fence_of(line.at, line.len, &fence)))
        return read_fence(r, at, fence, count, err);
    *at = line.end;
    if (is_atx(line.at, line.len, &level, &from)) {
        while (line.len > from && line.at[line.len - 1] == '#')
            line.len--;
        while (line.len > from && is_blank(line.at[line.len - 1]))
            line.len--;
        return add_heading(r, level, line.at + from, line.len - from, line.begin, line.end, err);
    }
    if (r->open && r->kind == KNOWLEDGE_TEXT &&
        (is_run_of(line.at, line.len, '=', 2) || is_run_of(line.at, line.len, '-', 2)) &&
        !memchr(line.at, ' ', line.len)) {
        char *title = arena_strndup(r->draft->arena, buf_str(&r->pending), r->pending.len);
        size_t begin = r->begin;
        buf_clear(&r->pending);
        r->open = false;
        return add_heading(r, line.at[indent] == '=' ? 1 : 2, title, strlen(title), begin, line.end,
                           err);
    }
    if (is_run_of(line.at, line.len, '-', 3) || is_run_of(line.at, line.len, '*', 3) ||
        is_run_of(line.at, line.len, '_', 3))
        return close_block(r, err);
    if (quotes == 0 && *at < r->len && memchr(line.at, '|', line.len)) {
        struct line next = line_at(r, *at);
        if (is_rule(next.at, next.len))
            return read_table(r, line, at, err);
    }
    return add_line(r, &line, err);
}

/* ---- front matter ---- */

/* Between a first line "---" and a line "---" or "..."; what is no YAML is left out, and that is
 * said: generators of pages put their own languages there. */
static enum err_code read_front_matter(struct knowledge_draft *draft, const char *text, size_t len,
                                       size_t *at, struct err *err)
{
    struct reader r = {.text = text, .len = len};
    struct err why = ERR_INIT;
    *at = 0;
    if (len < 4 || memcmp(text, "---", 3) != 0 || line_at(&r, 0).len != 3)
        return ERR_OK;
    size_t begin = line_at(&r, 0).end;
    for (size_t next = begin; next < len && next - begin < FRONT_MATTER_MAX;) {
        struct line line = line_at(&r, next);
        if (line.len == 3 && (memcmp(line.at, "---", 3) == 0 || memcmp(line.at, "...", 3) == 0)) {
            CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
            *at = line.end;
            if (json_parse_yaml(text + begin, next - begin, NULL, &doc, &why)) {
                knowledge_note(draft, "front matter left out: %s", why.text);
                return ERR_OK;
            }
            enum err_code rc =
                knowledge_meta_read(&draft->meta, text + begin, next - begin, draft->arena, err);
            return rc ? (err_context(err, "front matter"), rc) : ERR_OK;
        }
        next = line.end;
    }
    return ERR_OK; /* a rule, not front matter */
}

enum err_code knowledge_read_markdown(struct knowledge_draft *draft, const char *text, size_t len,
                                      struct err *err)
{
    struct reader r = {.draft = draft, .text = text, .len = len};
    size_t at = 0;
    enum err_code rc = read_front_matter(draft, text, len, &at, err);
    while (!rc && at < len)
        rc = read_line(&r, &at, err);
    if (!rc)
        rc = close_block(&r, err);
    buf_done(&r.pending);
    buf_done(&r.line);
    return rc;
}

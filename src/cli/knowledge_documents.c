/* knowledge_documents.c - swan knowledge search over documents: a folder of them, or a base that
 * was made by swan knowledge ingest.
 *
 * Contract: a document that cannot be read is named on stderr and the others are searched. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "cli/knowledge.h"
#include "intelligent/knowledge/knowledge.h"

#define KEY_VARIABLE "SWAN_EMBEDDINGS_KEY"
#define LIMIT_MAX 1000
#define WHY_SHOWN 8

bool cli_corpus_is_base(const char *dir)
{
    return knowledge_is_base(dir);
}

bool cli_corpus_is_documents(const char *dir)
{
    struct stat info;
    return stat(dir, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *cli_shipped_knowledge(struct arena *arena)
{
    static const char *const places[] = {"../share/swan/knowledge", "../content/knowledge"};
    char folder[4096];
    if (file_program_dir(folder, sizeof folder, NULL))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, places[i]);
        if (file_exists(path))
            return path;
    }
    return NULL;
}

static enum err_code load(const char *dir, struct knowledge_base *out, struct arena *arena,
                          struct err *err)
{
    struct knowledge_folder folder = {.refused = {NULL, 0}};
    struct knowledge_changes changes;
    *out = (struct knowledge_base){.documents = {NULL, 0}};
    if (knowledge_is_base(dir))
        return knowledge_load(dir, out, arena, err);
    enum err_code rc = knowledge_read_folder(dir, NULL, &folder, arena, err);
    if (rc || (rc = knowledge_update(out, &folder, clock_now_ms(), &changes, arena, err)))
        return rc;
    for (size_t i = 0; i < folder.refused.count; i++) {
        const struct knowledge_refusal *refused = &folder.refused.items[i];
        cli_emit(stderr, false,
                 arena_printf(arena, _("%s is left out: %s%s%s"), refused->path, refused->reason,
                              refused->hint[0] ? "; " : "", refused->hint));
        cli_emit(stderr, false, "\n");
    }
    return ERR_OK;
}

/* ---- as lines for the trial ---- */

static enum err_code read_passages(const char *dir, struct cli_corpus *out, struct err *err)
{
    CLEANUP(map_free_at) struct map *ids = map_new();
    struct knowledge_base base;
    int64_t now_ms = clock_now_ms();
    enum err_code rc = load(dir, &base, out->arena, err);
    for (size_t i = 0; !rc && i < base.passages.count; i++) {
        const struct knowledge_passage *passage = &base.passages.items[i];
        if (!knowledge_is_valid(passage, now_ms) || map_put(ids, passage->id, out))
            continue;
        *LIST_ADD(out->arena, &out->passages) =
            (struct retrieval_passage){.id = passage->id,
                                       .title = passage->title,
                                       .headings = passage->headings,
                                       .text = passage->text};
    }
    return rc;
}

enum err_code cli_corpus_read_base(const char *dir, struct cli_corpus *out, struct err *err)
{
    return read_passages(dir, out, err);
}

enum err_code cli_corpus_read_documents(const char *dir, struct cli_corpus *out, struct err *err)
{
    return read_passages(dir, out, err);
}

/* ---- one query ---- */

static void member_maybe(struct json_writer *w, const char *key, const char *text)
{
    if (text && text[0])
        json_member_text(w, key, text);
}

void cli_write_matches(struct json_writer *w, const struct retrieval_match *matches, size_t count,
                       bool say_added)
{
    json_key(w, "why");
    json_begin(w, '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(w, '{');
        json_member_text(w, "term", matches[i].term);
        json_member_text(w, "field", matches[i].field);
        json_member_int(w, "count", matches[i].count);
        json_member_double(w, "score", matches[i].score);
        if (say_added && matches[i].added)
            json_member_bool(w, "added", true);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static const char *snippet(const struct knowledge_hit *hit, struct arena *arena)
{
    size_t len = strlen(hit->passage->text);
    bool some = hit->snippet_end > hit->snippet_begin && hit->snippet_end <= len;
    return some ? arena_strndup(arena, hit->passage->text + hit->snippet_begin,
                                hit->snippet_end - hit->snippet_begin)
                : arena_strdup(arena, hit->passage->text);
}

static void write_hit(struct json_writer *w, const struct knowledge_hit *hit, struct arena *arena)
{
    const struct knowledge_passage *p = hit->passage;
    json_begin(w, '{');
    json_member_text(w, "id", p->id);
    json_member_double(w, "score", hit->score);
    json_member_text(w, "document", p->document);
    json_member_int(w, "version", p->version);
    member_maybe(w, "title", p->title);
    member_maybe(w, "headings", p->headings);
    member_maybe(w, "source", p->source);
    member_maybe(w, "confidence", p->confidence);
    member_maybe(w, "language", p->language);
    if (p->valid_from_ms)
        json_member_time(w, "valid_from", p->valid_from_ms);
    if (p->valid_to_ms)
        json_member_time(w, "valid_to", p->valid_to_ms);
    if (p->page)
        json_member_int(w, "page", p->page);
    json_member_int(w, "begin", p->begin);
    json_member_int(w, "end", p->end);
    json_member_text(w, "text", p->text);
    json_member_text(w, "snippet", snippet(hit, arena));
    if (hit->word_rank)
        json_member_int(w, "word_rank", hit->word_rank);
    if (hit->vector_rank) {
        json_member_int(w, "vector_rank", hit->vector_rank);
        json_member_double(w, "similarity", hit->similarity);
    }
    cli_write_matches(w, hit->why.items, hit->why.count, false);
    json_end(w, '}');
}

static const char *place_of(const struct knowledge_passage *p, struct arena *arena)
{
    const char *place =
        p->headings && p->headings[0] ? cli_join(arena, p->title, " > ", p->headings) : p->title;
    return p->page ? arena_printf(arena, _("%s, page %" PRId64), place, p->page) : place;
}

static const char *confidence_word(const char *tag)
{
    static const struct {
        const char *tag, *word;
    } words[] = {{"A", N_("standard or vendor text")},
                 {"B", N_("secondary source")},
                 {"C", N_("general knowledge, to be checked")},
                 {"D", N_("design default")}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(tag, words[i].tag))
            return _(words[i].word);
    return NULL;
}

static void show_hit(struct cli_call *call, size_t rank, const struct knowledge_hit *hit)
{
    const struct knowledge_passage *p = hit->passage;
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    cli_say(call, S_BOLD "%zu. %s" S_RESET "\n", rank, place_of(p, call->arena));
    cli_say_wrapped(call, "   ", "", snippet(hit, call->arena));
    const char *word = p->confidence ? confidence_word(p->confidence) : NULL;
    if (p->source || p->confidence)
        cli_say_wrapped(call, "   ", S_CYAN,
                        arena_printf(call->arena, _("source: %s; confidence: %s%s%s%s"),
                                     p->source ? p->source : _("not said"),
                                     p->confidence ? p->confidence : _("not said"),
                                     word ? " (" : "", word ? word : "", word ? ")" : ""));
    buf_printf(&why, "%s@%" PRId64, p->id, p->version);
    if (hit->vector_rank)
        buf_printf(&why, _("; by vectors number %" PRId64 ", similarity %.3f"), hit->vector_rank,
                   hit->similarity);
    if (hit->word_rank)
        buf_printf(&why, _("; by words number %" PRId64 ": "), hit->word_rank);
    for (size_t i = 0; i < hit->why.count && i < WHY_SHOWN; i++)
        buf_printf(&why, "%s%s ×%" PRId64 " %.2f", i ? ", " : "", hit->why.items[i].term,
                   hit->why.items[i].count, hit->why.items[i].score);
    if (hit->why.count > WHY_SHOWN)
        buf_add_str(&why, " …");
    cli_say_wrapped(call, "   ", S_DIM, buf_str(&why));
}

static void write_answer(struct buf *out, const struct knowledge_base *base, const char *text,
                         const struct knowledge_answer *answer, struct arena *arena)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_text(&w, "query", text);
    json_member_int(&w, "documents", (int64_t)base->documents.count);
    json_member_int(&w, "passages", (int64_t)base->passages.count);
    json_member_text(&w, "ranking", answer->with_vectors ? "words+vectors" : "words");
    member_maybe(&w, "note", answer->note);
    json_key(&w, "hits");
    json_begin(&w, '[');
    for (size_t i = 0; i < answer->hits.count; i++)
        write_hit(&w, &answer->hits.items[i], arena);
    json_end(&w, ']');
    json_end(&w, '}');
}

/* ---- options ---- */

static const char *cache_folder(struct cli_call *call)
{
    const char *given = cli_option(call, "embedding-cache");
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (given)
        return given;
    if (xdg && xdg[0] == '/')
        return arena_printf(call->arena, "%s/swan/embeddings", xdg);
    return home && home[0] == '/' ? arena_printf(call->arena, "%s/.cache/swan/embeddings", home)
                                  : NULL;
}

static enum err_code read_embedding(struct cli_call *call, struct knowledge_embedding *out,
                                    struct err *err)
{
    *out = (struct knowledge_embedding){.url = cli_option(call, "embeddings"),
                                        .model = cli_option(call, "embedding-model"),
                                        .key = getenv(KEY_VARIABLE),
                                        .cache = cache_folder(call),
                                        .timeout_ms = call->timeout_ms};
    if (!out->url == !out->model)
        return ERR_OK;
    return err_set(err, ERR_USAGE, _("--embeddings URL and --embedding-model NAME go together"));
}

static enum err_code read_moment(struct cli_call *call, int64_t *out, struct err *err)
{
    const char *at = cli_option(call, "at");
    *out = clock_now_ms();
    if (!at)
        return ERR_OK;
    const char *whole = strlen(at) == 10 ? arena_printf(call->arena, "%sT00:00:00Z", at) : at;
    if (clock_parse(whole, out, NULL) == ERR_OK)
        return ERR_OK;
    err_set(err, ERR_USAGE, _("'%s' is no moment"), at);
    return err_hint(err, _("such as 2026-11-23 or 2026-11-23T12:00:00Z"));
}

struct search {
    struct arena arena;
    struct knowledge_base base;
    struct knowledge_index *index;
};

static void search_done(struct search *search)
{
    knowledge_index_free(search->index);
    arena_done(&search->arena);
}

enum err_code cli_search_documents(struct cli_call *call, const char *dir, const char *text,
                                   size_t limit, struct err *err)
{
    CLEANUP(search_done) struct search search = {.index = NULL};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct knowledge_embedding embedding;
    struct knowledge_answer answer;
    struct err why = ERR_INIT;
    struct knowledge_query query = {.text = text, .limit = limit, .explain = true};
    enum err_code rc;
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set(err, ERR_USAGE, _("--limit is 1 to %d"), LIMIT_MAX);
    arena_init(&search.arena, KNOWLEDGE_ARENA_MAX);
    if ((rc = read_embedding(call, &embedding, err)) ||
        (rc = read_moment(call, &query.at_ms, err)) ||
        (rc = load(dir, &search.base, &search.arena, err)) ||
        (rc = knowledge_index_new(&search.base, NULL, &search.index, err)))
        return rc;
    bool failed = embedding.url && knowledge_index_embed(search.index, &embedding, &why);
    query.embedding = embedding.url && !failed ? &embedding : NULL;
    if ((rc = knowledge_search(search.index, &query, &answer, call->arena, err)))
        return rc;
    if (failed)
        answer.note = arena_printf(call->arena, "ranked by words alone: %s", why.text);
    if (call->format != CLI_TABLE) {
        write_answer(&out, &search.base, text, &answer, call->arena);
        if ((rc = buf_check(&out, err)))
            return rc;
        cli_answer_json(call, buf_str(&out), out.len);
        return ERR_OK;
    }
    if (answer.note)
        cli_warn(call, "%s", answer.note);
    for (size_t i = 0; i < answer.hits.count; i++)
        show_hit(call, i + 1, &answer.hits.items[i]);
    if (answer.hits.count == 0)
        cli_say(call, _("nothing found\n"));
    return ERR_OK;
}

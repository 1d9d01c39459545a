/* knowledge_commands.c - swan knowledge search: a folder in, passages that answer out; and how good
 * the answers are, by judged queries.
 *
 * Contract: the answers to the queries of --eval are made before the judgments are read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "cli/knowledge.h"

#define CORPUS_MAX ((size_t)4 << 30)
#define JUDGMENTS_MAX ((size_t)256 << 20)
#define LIMIT_MAX 1000
#define DEPTH 1000 /* of the rankings that MAP is taken over */
#define SHOWN 10   /* ids of each answer */

/* ---- the folder ---- */
struct library {
    struct arena arena; /* of the corpus */
    struct cli_corpus corpus;
    struct retrieval_index *index;
    double seconds; /* reading and indexing */
};

static void library_done(struct library *library)
{
    retrieval_index_free(library->index);
    arena_done(&library->arena);
}

static enum err_code read_corpus(const char *dir, struct cli_corpus *out, struct err *err)
{
    CLEANUP(buf_done) struct buf known = BUF_INIT;
    for (size_t i = 0; i < cli_corpus_reader_count; i++) {
        const struct cli_corpus_reader *reader = &cli_corpus_readers[i];
        if (reader->fits(dir))
            return reader->read(dir, out, err);
        buf_printf(&known, "%s%s", i ? ", " : "", reader->holds);
    }
    err_set(err, ERR_NOT_FOUND, _("nothing to search in folder %s"), dir);
    return err_hint(err, _("it should hold: %s"), buf_str(&known));
}

static enum err_code library_open(struct library *library, const char *dir, struct err *err)
{
    int64_t begin = clock_mono_us();
    arena_init(&library->arena, CORPUS_MAX);
    library->corpus.arena = &library->arena;
    enum err_code rc = read_corpus(dir, &library->corpus, err);
    if (rc || (rc = retrieval_index_new(&library->index, err)))
        return rc;
    for (size_t i = 0; i < library->corpus.words.count; i++) {
        if ((rc = retrieval_index_word(library->index, library->corpus.words.items[i], err)))
            return rc;
    }
    for (size_t i = 0; i < library->corpus.passages.count; i++) {
        if ((rc = retrieval_index_add(library->index, &library->corpus.passages.items[i], err)))
            return err_context(err, "%s", dir);
    }
    rc = retrieval_index_seal(library->index, err);
    library->seconds = (double)(clock_mono_us() - begin) * 1e-6;
    return rc;
}

/* ---- one query ---- */
static const char *snippet(const struct library *library, const struct retrieval_hit *hit,
                           struct arena *arena)
{
    const struct retrieval_passage *passage = &library->corpus.passages.items[hit->passage];
    return arena_strndup(arena, passage->text + hit->snippet_begin,
                         hit->snippet_end - hit->snippet_begin);
}

static void write_hit(struct json_writer *w, const struct library *library,
                      const struct retrieval_hit *hit, struct arena *arena)
{
    const struct retrieval_passage *passage = &library->corpus.passages.items[hit->passage];
    json_begin(w, '{');
    json_member_text(w, "id", hit->id);
    json_member_double(w, "score", hit->score);
    json_member_double(w, "near", hit->near);
    if (passage->title)
        json_member_text(w, "title", passage->title);
    if (passage->headings)
        json_member_text(w, "headings", passage->headings);
    json_member_text(w, "snippet", snippet(library, hit, arena));
    json_member_int(w, "snippet_begin", (int64_t)hit->snippet_begin);
    json_member_int(w, "snippet_end", (int64_t)hit->snippet_end);
    cli_write_matches(w, hit->why.items, hit->why.count, true);
    json_end(w, '}');
}

static const char *field_word(const char *field)
{
    if (str_eq(field, "title"))
        return _("title");
    return str_eq(field, "headings") ? _("headings") : _("text");
}

static void show_hit(struct cli_call *call, const struct library *library, size_t rank,
                     const struct retrieval_hit *hit)
{
    const struct retrieval_passage *passage = &library->corpus.passages.items[hit->passage];
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    cli_say(call, S_BOLD "%zu. %s" S_RESET "  %.2f%s%s\n", rank, hit->id, hit->score,
            passage->title ? "  " : "", passage->title ? passage->title : "");
    cli_say_wrapped(call, "   ", "", snippet(library, hit, call->arena));
    for (size_t i = 0; i < hit->why.count && i < 8; i++) {
        const struct retrieval_match *match = &hit->why.items[i];
        buf_printf(&why, "%s%s%s ×%" PRId64 " %s %.2f", i ? ", " : "", match->added ? "+" : "",
                   match->term, match->count, field_word(match->field), match->score);
    }
    if (hit->why.count > 8)
        buf_add_str(&why, " …");
    cli_say_wrapped(call, "   ", S_DIM, buf_str(&why));
}

static enum err_code run_query(struct cli_call *call, const struct library *library,
                               const char *text, struct err *err)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct retrieval_answer answer;
    int64_t limit = cli_integer(call, "limit", SHOWN);
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set(err, ERR_USAGE, _("--limit is 1 to %d"), LIMIT_MAX);
    struct retrieval_query query = {.text = text, .limit = (size_t)limit, .explain = true};
    enum err_code rc = retrieval_search(library->index, &query, &answer, call->arena, err);
    if (rc)
        return rc;
    if (call->format == CLI_TABLE) {
        for (size_t i = 0; i < answer.hits.count; i++)
            show_hit(call, library, i + 1, &answer.hits.items[i]);
        if (answer.hits.count == 0)
            cli_say(call, _("nothing found\n"));
        return ERR_OK;
    }
    struct json_writer w = JSON_WRITER(&out);
    json_begin(&w, '{');
    json_member_text(&w, "query", text);
    json_member_int(&w, "documents", (int64_t)library->corpus.passages.count);
    json_key(&w, "hits");
    json_begin(&w, '[');
    for (size_t i = 0; i < answer.hits.count; i++)
        write_hit(&w, library, &answer.hits.items[i], call->arena);
    json_end(&w, ']');
    json_end(&w, '}');
    if ((rc = buf_check(&out, err)))
        return rc;
    cli_answer_json(call, buf_str(&out), out.len);
    return ERR_OK;
}

/* ---- judged queries ---- */
struct judged_query {
    const char *id, *text;
    const char *ids[DEPTH]; /* best first */
    size_t id_count;
    struct map *grades; /* of ids; NULL = none is judged */
    LIST(double) judged;
};
struct trial {
    struct arena arena;
    LIST(struct judged_query) queries;
    struct map *by_id;
    LIST(double) numbers; /* the grades that the maps point at */
};

static void trial_done(struct trial *trial)
{
    for (size_t i = 0; i < trial->queries.count; i++)
        map_free(trial->queries.items[i].grades);
    map_free(trial->by_id);
    arena_done(&trial->arena);
}

static enum err_code add_query(const struct json_value *line, void *ctx, struct err *err)
{
    struct trial *trial = ctx;
    const char *id = json_text(json_get(line, "id"), NULL);
    const char *text = json_text(json_get(line, "text"), NULL);
    if (!id || !text)
        return err_set(err, ERR_INVALID, _("want {\"id\",\"text\"}, both texts"));
    if (map_put(trial->by_id, id, (void *)(uintptr_t)(trial->queries.count + 1)))
        return err_set(err, ERR_CONFLICT, _("two queries have the id '%s'"), id);
    struct judged_query *query = LIST_ADD(&trial->arena, &trial->queries);
    query->id = arena_strdup(&trial->arena, id);
    query->text = arena_strdup(&trial->arena, text);
    return arena_check(&trial->arena, err);
}

static enum err_code answer_queries(struct trial *trial, const struct library *library,
                                    struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < trial->queries.count; i++) {
        struct judged_query *query = &trial->queries.items[i];
        struct retrieval_query asked = {.text = query->text, .limit = DEPTH};
        struct retrieval_answer answer;
        arena_clear(&arena);
        enum err_code rc = retrieval_search(library->index, &asked, &answer, &arena, err);
        if (rc)
            return err_context(err, "%s", query->id);
        for (size_t r = 0; r < answer.hits.count; r++)
            query->ids[query->id_count++] = answer.hits.items[r].id;
    }
    return ERR_OK;
}

/* query-id TAB corpus-id TAB score; *text is cut into the three. */
static bool split_judgment(char *line, char **parts, double *grade)
{
    size_t count = 0;
    for (char *rest = line; rest && count < 4;)
        parts[count++] = strsep(&rest, "\t");
    return count == 3 && str_to_double(parts[2], grade, NULL) == ERR_OK;
}

/* A judgment of a query that is not asked, or of a passage that is not there, is no fault: sets of
 * judgments are often shared by several collections. */
static enum err_code read_judgments(struct trial *trial, const char *path, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, JUDGMENTS_MAX, &text, err);
    if (rc)
        return rc;
    char *rest = text.data;
    for (size_t number = 1; rest; number++) {
        char *line = strsep(&rest, "\n"), *parts[4];
        double grade = 0;
        line[strcspn(line, "\r")] = 0;
        if (number == 1 || !*line) /* the heading */
            continue;
        if (!split_judgment(line, parts, &grade))
            return err_set(err, ERR_INVALID, _("%s line %zu: want query-id, corpus-id, score"),
                           path, number);
        size_t known = (size_t)(uintptr_t)map_find(trial->by_id, parts[0]);
        if (!known)
            continue;
        struct judged_query *query = &trial->queries.items[known - 1];
        if (!query->grades)
            query->grades = map_new();
        double *kept = arena_memdup(&trial->arena, &grade, sizeof grade);
        if (map_put(query->grades, parts[1], kept))
            return err_set(err, ERR_INVALID, _("%s line %zu: judged twice"), path, number);
        *LIST_ADD(&trial->arena, &query->judged) = grade;
    }
    return arena_check(&trial->arena, err);
}

static size_t judge(struct trial *trial, struct retrieval_measure *mean)
{
    size_t counted = 0;
    memset(mean, 0, sizeof *mean);
    for (size_t i = 0; i < trial->queries.count; i++) {
        const struct judged_query *query = &trial->queries.items[i];
        double ranked[DEPTH] = {0};
        struct retrieval_measure one;
        for (size_t r = 0; r < query->id_count && query->grades; r++) {
            const double *grade = map_find(query->grades, query->ids[r]);
            ranked[r] = grade ? *grade : 0;
        }
        if (!retrieval_judge(ranked, query->id_count, query->judged.items, query->judged.count,
                             &one, &trial->arena))
            continue;
        counted++;
        mean->ndcg_at_10 += one.ndcg_at_10;
        mean->recall_at_1 += one.recall_at_1;
        mean->recall_at_10 += one.recall_at_10;
        mean->mrr_at_10 += one.mrr_at_10;
        mean->average_precision += one.average_precision;
    }
    double n = counted ? (double)counted : 1;
    mean->ndcg_at_10 /= n;
    mean->recall_at_1 /= n;
    mean->recall_at_10 /= n;
    mean->mrr_at_10 /= n;
    mean->average_precision /= n;
    return counted;
}

static void write_trial(struct buf *out, const struct library *library, const struct trial *trial,
                        const struct retrieval_measure *mean, double query_ms)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_int(&w, "documents", (int64_t)library->corpus.passages.count);
    json_member_int(&w, "queries", (int64_t)trial->queries.count);
    json_member_double(&w, "ndcg_at_10", mean->ndcg_at_10);
    json_member_double(&w, "recall_at_1", mean->recall_at_1);
    json_member_double(&w, "recall_at_10", mean->recall_at_10);
    json_member_double(&w, "mrr_at_10", mean->mrr_at_10);
    json_member_double(&w, "map", mean->average_precision);
    json_member_double(&w, "index_seconds", library->seconds);
    json_member_double(&w, "query_ms", query_ms);
    json_key(&w, "results");
    json_begin(&w, '[');
    for (size_t i = 0; i < trial->queries.count; i++) {
        const struct judged_query *query = &trial->queries.items[i];
        json_begin(&w, '{');
        json_member_text(&w, "id", query->id);
        json_key(&w, "ids");
        json_begin(&w, '[');
        for (size_t r = 0; r < query->id_count && r < SHOWN; r++)
            json_put_text(&w, query->ids[r]);
        json_end(&w, ']');
        json_end(&w, '}');
    }
    json_end(&w, ']');
    json_end(&w, '}');
}

static void show_trial(struct cli_call *call, const struct library *library,
                       const struct trial *trial, size_t counted,
                       const struct retrieval_measure *mean, double query_ms)
{
    cli_say(call, _("documents   %zu, read and indexed in %s\n"), library->corpus.passages.count,
            cli_seconds(call->arena, library->seconds));
    cli_say(call, _("queries     %zu, judged %zu, %.2f ms each\n"), trial->queries.count, counted,
            query_ms);
    cli_say(call, "nDCG@10     %.4f\n", mean->ndcg_at_10);
    cli_say(call, "Recall@1    %.4f\n", mean->recall_at_1);
    cli_say(call, "Recall@10   %.4f\n", mean->recall_at_10);
    cli_say(call, "MRR@10      %.4f\n", mean->mrr_at_10);
    cli_say(call, "MAP         %.4f\n", mean->average_precision);
}

static enum err_code run_trial(struct cli_call *call, const struct library *library,
                               const char *dir, struct err *err)
{
    CLEANUP(trial_done) struct trial trial = {.by_id = map_new()};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct retrieval_measure mean;
    arena_init(&trial.arena, CORPUS_MAX);
    enum err_code rc =
        cli_jsonl_each(arena_printf(call->arena, "%s/queries.jsonl", dir), add_query, &trial, err);
    int64_t begin = clock_mono_us();
    if (rc || (rc = answer_queries(&trial, library, err)))
        return rc;
    size_t count = trial.queries.count ? trial.queries.count : 1;
    double query_ms = (double)(clock_mono_us() - begin) / 1000 / (double)count;
    if ((rc = read_judgments(&trial, arena_printf(call->arena, "%s/qrels.tsv", dir), err)))
        return rc;
    size_t counted = judge(&trial, &mean);
    if (call->format == CLI_TABLE) {
        show_trial(call, library, &trial, counted, &mean, query_ms);
        return ERR_OK;
    }
    write_trial(&out, library, &trial, &mean, query_ms);
    if ((rc = buf_check(&out, err)))
        return rc;
    cli_answer_json(call, buf_str(&out), out.len);
    return ERR_OK;
}

static enum err_code run_search(struct cli_call *call, struct err *err)
{
    const char *dir = cli_option(call, "corpus"), *eval = cli_option(call, "eval");
    const char *text = cli_argument(call, 0);
    if (!dir && !(dir = cli_shipped_knowledge(call->arena)))
        return err_set(err, ERR_USAGE, _("--%s is missing"), "corpus");
    if (!eval == !text)
        return err_set(err, ERR_USAGE, _("want either a QUERY or --eval DIR"));
    if ((!text || cli_corpus_is_jsonl(dir)) &&
        (cli_option(call, "at") || cli_option(call, "embeddings")))
        return err_set(err, ERR_USAGE, _("--at and --embeddings go with a QUERY to documents"));
    if (text && !cli_corpus_is_jsonl(dir) &&
        (cli_corpus_is_base(dir) || cli_corpus_is_documents(dir)))
        return cli_search_documents(call, dir, text, (size_t)cli_integer(call, "limit", SHOWN),
                                    err);
    CLEANUP(library_done) struct library library = {.index = NULL};
    enum err_code rc = library_open(&library, dir, err);
    if (rc)
        return rc;
    return eval ? run_trial(call, &library, eval, err) : run_query(call, &library, text, err);
}

/* ---- the table ---- */
static const struct cli_argument query_argument[] = {
    {"QUERY", true, false, N_("what is looked for, in Chinese or English words")}, {NULL}};
static const struct cli_option search_options[] = {
    {"corpus", 0, CLI_FILE, "DIR", NULL,
     N_("folder that is searched; without it the knowledge that ships with swan")},
    {"eval", 0, CLI_FILE, "DIR", NULL,
     N_("folder with queries.jsonl and qrels.tsv: how good the answers are")},
    {"limit", 0, CLI_INTEGER, "N", NULL, N_("passages to show; 10 if not said")},
    {"at", 0, CLI_TEXT, "TIME", NULL,
     N_("what was valid at another moment, such as 2026-11-23T12:00:00Z")},
    {"embeddings", 0, CLI_TEXT, "URL", NULL,
     N_("rank by vectors too: an OpenAI-compatible endpoint, up to /v1")},
    {"embedding-model", 0, CLI_TEXT, "NAME", NULL, N_("model that the endpoint is asked for")},
    {"embedding-cache", 0, CLI_FILE, "DIR", NULL,
     N_("where vectors are kept; $XDG_CACHE_HOME/swan/embeddings if not said")},
    {NULL}};
static const struct cli_argument folder_argument[] = {
    {"DIR", false, true, N_("folder with Markdown, text, HTML, PDF or DOCX")}, {NULL}};
static const struct cli_option ingest_options[] = {
    {"into", 0, CLI_FILE, "KB", NULL, N_("folder of the knowledge base; made when absent")},
    {NULL}};
static const struct cli_command commands[] = {
    {"knowledge", "search", query_argument, search_options,
     N_("find the passages of a folder that answer a question"), run_search, NULL,
     N_("Needs no server and no model. With -o json each hit says which terms of the query it "
        "matched, in which field, and their share of its score. --eval prints nDCG@10, recall, "
        "MRR@10 and MAP over judged queries. The key of --embeddings is read from "
        "SWAN_EMBEDDINGS_KEY."),
     false},
    {"knowledge", "ingest", folder_argument, ingest_options,
     N_("read a folder of documents into a knowledge base, again and again"),
     cli_run_knowledge_ingest, NULL,
     N_("Needs no server. What did not change stays as it is; a changed document becomes a new "
        "version, and passages that it has no more are no longer valid. A file that cannot be "
        "read is named, and the command ends with 4."),
     false},
};
const struct cli_command_table cli_knowledge_table = {commands, ARRAY_LEN(commands)};

/* embed.c - texts → vectors, by an OpenAI-compatible endpoint.
 *
 * Contract: all vectors asked for or an error that says why.  The answer is foreign: count, order,
 * numbers and dimensions are checked.  Status 429 and 5xx, broken connections and, once, a call
 * that takes too long are tried again after a growing wait; everything else is final.  The key goes
 * into the header of the call and nowhere else. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"
#include "wire/http.h"

#define BATCH_DEFAULT 64
#define RETRIES_DEFAULT 3
#define TIMEOUT_DEFAULT_MS 30000
#define FIRST_WAIT_MS 200
#define DIMENSIONS_MAX 16384
#define REPLY_MAX ((size_t)256 << 20)
#define TEXT_MAX 8000 /* bytes of one text: models cut longer ones anyway, or refuse them */

void knowledge_vectors_done(struct knowledge_vectors *vectors)
{
    mem_free(vectors->rows);
    *vectors = (struct knowledge_vectors){0, 0, NULL};
}

static size_t shortened(const char *text)
{
    size_t len = strlen(text);
    if (len <= TEXT_MAX)
        return len;
    for (len = TEXT_MAX; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
        len--;
    return len;
}

static void write_request(const struct knowledge_embedding *embedding, const char *const *texts,
                          size_t count, struct buf *out)
{
    buf_add_str(out, "{\"model\":");
    buf_add_json_str(out, embedding->model, strlen(embedding->model));
    buf_add_str(out, ",\"encoding_format\":\"float\",\"input\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json_str(out, texts[i], shortened(texts[i]));
    }
    buf_add_str(out, "]}");
}

/* The row becomes as long as 1, so that a product of two is their cosine. */
static enum err_code read_row(const struct json_value *numbers, float *row, size_t dimensions,
                              struct err *err)
{
    double sum = 0;
    if (json_size(numbers) != dimensions)
        return err_set(err, ERR_INVALID, "vectors of %zu and of %zu dimensions in one set",
                       dimensions, json_size(numbers));
    for (size_t i = 0; i < dimensions; i++) {
        double value = json_number(json_at(numbers, i), NAN);
        if (!isfinite(value) || fabs(value) > 1e9)
            return err_set(err, ERR_INVALID, "a vector holds something that is no number");
        sum += value * value;
        row[i] = (float)value;
    }
    if (sum <= 0)
        return err_set(err, ERR_INVALID, "a vector is all zero");
    for (size_t i = 0; i < dimensions; i++)
        row[i] = (float)(row[i] / sqrt(sum));
    return ERR_OK;
}

static enum err_code read_answer(const struct http_reply *reply, size_t count, size_t from,
                                 struct knowledge_vectors *out, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(mem_free_at) bool *seen = mem_array(count, sizeof *seen);
    enum err_code rc = json_parse(reply->body, reply->body_len, &json_limits_large, &doc, err);
    if (rc)
        return err_context(err, "the answer"), rc;
    const struct json_value *data = json_get(json_root(doc), "data");
    if (json_size(data) != count)
        return err_set(err, ERR_INVALID, "%zu vectors for %zu texts", json_size(data), count);
    for (size_t i = 0; i < count; i++) {
        const struct json_value *item = json_at(data, i), *numbers = json_get(item, "embedding");
        int64_t index = json_int(json_get(item, "index"), (int64_t)i);
        if (index < 0 || (size_t)index >= count || seen[index])
            return err_set(err, ERR_INVALID, "vectors out of order");
        seen[index] = true;
        if (!out->rows) {
            out->dimensions = json_size(numbers);
            if (out->dimensions == 0 || out->dimensions > DIMENSIONS_MAX)
                return err_set(err, ERR_INVALID, "vectors of %zu dimensions", out->dimensions);
            out->rows = mem_array(out->count * out->dimensions, sizeof *out->rows);
        }
        float *row = out->rows + (from + (size_t)index) * out->dimensions;
        if ((rc = read_row(numbers, row, out->dimensions, err)))
            return rc;
    }
    return ERR_OK;
}

static enum err_code judge_status(const struct http_reply *reply, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *why = "";
    if (reply->status == 200)
        return ERR_OK;
    if (json_parse(reply->body, reply->body_len, NULL, &doc, NULL) == ERR_OK)
        why = json_text(json_path(json_root(doc), "error.message"), "");
    enum err_code code = reply->status == 401 || reply->status == 403   ? ERR_CREDENTIAL
                         : reply->status == 429 || reply->status >= 500 ? ERR_TRANSIENT
                                                                        : ERR_INVALID;
    return err_set(err, code, "status %d%s%.200s", reply->status, why[0] ? ": " : "", why);
}

/* One call, without another try. */
static enum err_code call_once(struct http_client *client,
                               const struct knowledge_embedding *embedding, const char *url,
                               const struct buf *body, size_t count, size_t from,
                               struct knowledge_vectors *out, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_header_pair header = {"Authorization", ""};
    struct http_reply reply;
    struct http_call call = {.method = "POST",
                             .url = url,
                             .headers = &header,
                             .header_count = embedding->key && embedding->key[0],
                             .body = buf_str(body),
                             .body_len = body->len,
                             .timeout_ms =
                                 embedding->timeout_ms ? embedding->timeout_ms : TIMEOUT_DEFAULT_MS,
                             .max_reply_bytes = REPLY_MAX};
    enum err_code rc;
    arena_init(&arena, REPLY_MAX * 2);
    if (call.header_count)
        header.value = arena_printf(&arena, "Bearer %s", embedding->key);
    if ((rc = http_client_call(client, &call, &reply, &arena, err)) ||
        (rc = judge_status(&reply, err)))
        return rc;
    return read_answer(&reply, count, from, out, err);
}

static enum err_code call_batch(struct http_client *client,
                                const struct knowledge_embedding *embedding, const char *url,
                                const char *const *texts, size_t count, size_t from,
                                struct knowledge_vectors *out, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    int retries = embedding->retries == 0 ? RETRIES_DEFAULT : embedding->retries;
    int64_t wait_ms = FIRST_WAIT_MS;
    write_request(embedding, texts, count, &body);
    enum err_code rc = buf_check(&body, err);
    for (int tried = 0; !rc; tried++) {
        rc = call_once(client, embedding, url, &body, count, from, out, err);
        bool again = rc == ERR_TRANSIENT || (rc == ERR_TIMEOUT && tried == 0);
        if (!rc || !again || tried >= retries)
            return rc;
        clock_sleep_ms(wait_ms);
        wait_ms *= 2;
        rc = ERR_OK;
    }
    return rc;
}

enum err_code knowledge_embed(const struct knowledge_embedding *embedding, const char *const *texts,
                              size_t count, struct knowledge_vectors *out, struct err *err)
{
    struct knowledge_vectors vectors = {.count = count};
    size_t batch = embedding->batch ? embedding->batch : BATCH_DEFAULT;
    bool whole = str_has_suffix(embedding->url, "/embeddings");
    CLEANUP(mem_free_at)
    char *url = mem_printf("%s%s%s", embedding->url,
                           whole || str_has_suffix(embedding->url, "/") ? "" : "/",
                           whole ? "" : "embeddings");
    struct http_client *client = http_client_new();
    enum err_code rc = ERR_OK;
    for (size_t from = 0; from < count && !rc; from += batch) {
        size_t size = count - from < batch ? count - from : batch;
        rc = call_batch(client, embedding, url, texts + from, size, from, &vectors, err);
    }
    http_client_free(client);
    if (rc) {
        knowledge_vectors_done(&vectors);
        return err_context(err, "the embeddings endpoint"), rc;
    }
    *out = vectors;
    return ERR_OK;
}

/*
 * response_cache.c - keeps responses of vision-language models in a library. What is stored of an
 * answer is JSON text.
 */
#include <glimpse/response_cache.h>

#include "core/error.h"
#include "core/file.h"
#include "image/format.h"
#include "library_private.h"
#include "text/json_load.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct glimpse_response_cache {
    const glimpse_store_ops *ops;
    glimpse_responses *responses;
    glimpse_vlm_cache calls;
};

/*
 * An answer as JSON text, so that what answers carry may grow without a change of the tables.
 */
static json_t *to_json(const glimpse_vlm_answer *answer) {
    json_t *ids = json_array();
    for (size_t i = 0; i < answer->id_count; i++) {
        if (json_array_append_new(ids, json_integer(answer->ids[i])) != 0) {
            json_decref(ids);
            return NULL;
        }
    }
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:s, s:f, s:f, s:I, s:I, s:b, s:f, s:f, s:f, s:i, s:i, s:I, s:o}",
        "outcome", (int)answer->outcome, "text", answer->text, "answered_by", answer->answered_by,
        "reason", answer->reason, "probability", answer->probability, "confidence",
        answer->confidence, "tokens_in", (json_int_t)answer->tokens_in, "tokens_out",
        (json_int_t)answer->tokens_out, "tokens_known", answer->tokens_known, "cost", answer->cost,
        "log_probability", answer->log_probability, "cosine", answer->cosine, "sent_width",
        (int)answer->sent_width, "sent_height", (int)answer->sent_height, "sent_bytes",
        (json_int_t)answer->sent_bytes, "ids", ids);
    if (root && answer->json && json_object_set_new(root, "json", json_string(answer->json)) != 0) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static double number(const json_t *root, const char *name) {
    return json_number_value(json_object_get(root, name));
}

static uint64_t count(const json_t *root, const char *name) {
    json_int_t value = json_integer_value(json_object_get(root, name));
    return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *root, const char *name) {
    const char *value = json_string_value(json_object_get(root, name));
    return value ? value : "";
}

static int from_json(glimpse_vlm_answer **out, const json_t *root, const char *model) {
    const json_t *list = json_object_get(root, "ids");
    size_t id_count = json_array_size(list);
    int32_t *ids = calloc(id_count + 1, sizeof *ids);
    if (!ids) return glimpse_fail_nomem(id_count * sizeof *ids, "an answer");
    for (size_t i = 0; i < id_count; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    glimpse_vlm_answer answer = {
        .size = sizeof answer,
        .outcome = (glimpse_vlm_outcome)json_integer_value(json_object_get(root, "outcome")),
        .text = text(root, "text"),
        .json = json_string_value(json_object_get(root, "json")),
        .answered_by = text(root, "answered_by"),
        .reason = text(root, "reason"),
        .model = model,
        .probability = number(root, "probability"),
        .confidence = number(root, "confidence"),
        .agreement = -1.0,
        .samples = 1,
        .tokens_in = count(root, "tokens_in"),
        .tokens_out = count(root, "tokens_out"),
        .tokens_known = json_is_true(json_object_get(root, "tokens_known")),
        .cost = number(root, "cost"),
        .log_probability = number(root, "log_probability"),
        .cosine = number(root, "cosine"),
        .sent_width = (uint32_t)count(root, "sent_width"),
        .sent_height = (uint32_t)count(root, "sent_height"),
        .sent_bytes = count(root, "sent_bytes"),
        .ids = ids,
        .id_count = id_count,
    };
    int status = GLIMPSE_OK;
    if ((unsigned)answer.outcome > GLIMPSE_VLM_CANNOT_TELL) {
        status = 0; /* of a newer glimpse: not for us */
        *out = NULL;
    } else {
        status = glimpse_vlm_answer_copy(out, &answer);
        if (status == GLIMPSE_OK) status = 1;
    }
    free(ids);
    return status;
}

/*
 * The cache.
 */
static int find(void *user, glimpse_vlm_answer **out, const glimpse_vlm_question *question) {
    glimpse_response_cache *cache = user;
    glimpse_hash key;
    char *stored = NULL;
    *out = NULL;
    if (!glimpse_hash_from_hex(&key, question->key)) return 0;
    int found = cache->ops->responses.find(&stored, cache->responses, &key);
    json_error_t error;
    json_t *root = stored ? glimpse_json_load(stored, strlen(stored), 0, &error) : NULL;
    if (root) found = from_json(out, root, question->model);
    json_decref(root);
    free(stored);
    return found;
}

static int keep(void *user, const glimpse_vlm_question *question,
                const glimpse_vlm_answer *answer) {
    glimpse_response_cache *cache = user;
    glimpse_response response = {.contents = question->contents,
                                 .model = question->model,
                                 .prompt = question->prompt,
                                 .parameters = question->parameters};
    if (cache->ops->responses.is_read_only(cache->responses)) return GLIMPSE_OK;
    if (!glimpse_hash_from_hex(&response.key, question->key)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%.40s\" is no key of a question", question->key);
    }
    json_t *root = to_json(answer);
    char *stored = root ? glimpse_json_dump(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!stored) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for an answer");
    time_t now = time(NULL);
    struct tm utc;
    char made[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&now, &utc)) (void)strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%S", &utc);
    response.answer = stored;
    response.made = made;
    int status = cache->ops->responses.write(cache->responses, &response);
    free(stored);
    return status;
}

static int picture_id(void *user, char *id, const void *bytes, size_t byte_count) {
    glimpse_response_cache *cache = user;
    glimpse_hash hash, identity;
    if (!glimpse_hash_from_hex(&hash, id)) return GLIMPSE_OK;
    const int known = bytes && glimpse_image_identity(&identity, NULL, bytes, byte_count) >= 0;
    int status =
        cache->ops->responses.picture_id(&hash, cache->responses, known ? &identity : NULL);
    if (status == GLIMPSE_OK) glimpse_hash_to_hex(&hash, id);
    return status;
}

/*
 * Opening.
 */
static int make(glimpse_response_cache **out, const glimpse_store_ops *ops,
                glimpse_responses *responses) {
    glimpse_response_cache *cache = calloc(1, sizeof *cache);
    if (!cache) {
        ops->responses.close(responses);
        return glimpse_fail_nomem(sizeof *cache, "answers");
    }
    cache->ops = ops;
    cache->responses = responses;
    cache->calls = GLIMPSE_VLM_CACHE_INIT;
    cache->calls.find = find;
    cache->calls.keep = keep;
    cache->calls.picture_id = picture_id;
    cache->calls.user = cache;
    *out = cache;
    return GLIMPSE_OK;
}

int glimpse_response_cache_open_library(glimpse_response_cache **out, glimpse_library *library) {
    if (out) *out = NULL;
    if (!out || !library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    const glimpse_store *store = glimpse_library_store(library);
    glimpse_responses *responses = NULL;
    int status = store->ops->responses.open_store(&responses, store);
    return status < 0 ? status : make(out, store->ops, responses);
}

static int open_at(glimpse_response_cache **out, const char *path) {
    const glimpse_store_ops *ops = glimpse_store_backend(NULL);
    glimpse_responses *responses = NULL;
    int status = ops->responses.open(&responses, path);
    return status < 0 ? status : make(out, ops, responses);
}

int glimpse_response_cache_open(glimpse_response_cache **out, const char *path) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "nowhere to put the answers");
    *out = NULL;
    if (path) return open_at(out, path);
    char *directory = glimpse_user_cache_directory();
    if (!directory) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "no place for answers: neither XDG_CACHE_HOME nor HOME is set");
    }
    int status = glimpse_make_directories(directory);
    char *file = status == GLIMPSE_OK ? glimpse_path_join(directory, "answers.db") : NULL;
    if (status == GLIMPSE_OK) {
        status = file ? open_at(out, file) : glimpse_fail_nomem(strlen(directory), "a path");
    }
    free(file);
    free(directory);
    return status;
}

void glimpse_response_cache_close(glimpse_response_cache *cache) {
    if (!cache) return;
    cache->ops->responses.close(cache->responses);
    free(cache);
}

const glimpse_vlm_cache *glimpse_response_cache_calls(const glimpse_response_cache *cache) {
    return cache ? &cache->calls : NULL;
}

int glimpse_response_cache_count(int64_t *total, const glimpse_response_cache *cache) {
    if (!cache || !total) return glimpse_fail(GLIMPSE_E_INVALID, "no answers");
    return cache->ops->responses.count(total, cache->responses);
}

int glimpse_response_cache_forget(int64_t *forgotten, glimpse_response_cache *cache,
                                  const char *model) {
    int64_t count = 0;
    if (!cache) return glimpse_fail(GLIMPSE_E_INVALID, "no answers");
    int status = cache->ops->responses.forget(&count, cache->responses, model);
    if (status == GLIMPSE_OK && forgotten) *forgotten = count;
    return status;
}

/*
 * remote_openai.c - OpenAI chat completions: POST BASE/chat/completions.
 *
 * Also what llama-server, Ollama, vLLM and LM Studio take. They differ in which parameters they
 * know; one that a server names in a 400 is left out from then on.
 */
#include "vlm/remote/remote.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *url(const glimpse_remote *remote, int versioned) {
    return glimpse_remote_url(remote, versioned, remote->dialect->path);
}

static void headers(const glimpse_remote *remote, char lines[3][1024]) {
    if (*remote->key) (void)snprintf(lines[0], 1024, "Authorization: Bearer %s", remote->key);
}

static json_t *text_part(const char *text) {
    json_t *part = json_object();
    if (part && glimpse_json_set(part, "type", json_string("text")) &&
        glimpse_json_set(part, "text", glimpse_json_text(text))) {
        return part;
    }
    json_decref(part);
    return NULL;
}

static json_t *picture_part(const glimpse_asking *asking, size_t i) {
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "data:%s;base64,", asking->job->pictures[i].media_type);
    json_t *image = json_object(), *part = json_object();
    int fine = image && glimpse_json_set(image, "url", glimpse_remote_data(asking, i, prefix));
    if (fine && asking->job->request->task == GLIMPSE_VLM_TEXT) {
        fine = glimpse_json_set(image, "detail", json_string("high"));
    }
    if (!fine) {
        json_decref(image);
        image = NULL;
    }
    if (part && glimpse_json_set(part, "image_url", image) &&
        glimpse_json_set(part, "type", json_string("image_url"))) {
        return part;
    }
    json_decref(part);
    return NULL;
}

static int add_parameters(json_t *body, glimpse_remote *remote, const glimpse_asking *asking) {
    const glimpse_vlm_job *job = asking->job;
    unsigned lacks = glimpse_remote_lacks(remote);
    /* OpenAI calls it max_completion_tokens now, and its newest models know no other name; the
     * other servers know the old one. */
    int new_name = remote->own_base ? (lacks & GLIMPSE_LACKS_MAX_TOKENS) != 0
                                    : !(lacks & GLIMPSE_LACKS_MAX_COMPLETION_TOKENS);
    int fine = glimpse_json_set(body, new_name ? "max_completion_tokens" : "max_tokens",
                                json_integer(asking->max_tokens));
    if (!(lacks & GLIMPSE_LACKS_TEMPERATURE)) {
        fine = fine && glimpse_json_set(body, "temperature", json_real(job->temperature));
    }
    if (job->temperature > 0.0 && !(lacks & GLIMPSE_LACKS_SEED)) {
        fine = fine &&
               glimpse_json_set(body, "seed", json_integer((json_int_t)(job->seed & INT32_MAX)));
    }
    if (job->request->schema != GLIMPSE_VLM_PLAIN && !(lacks & GLIMPSE_LACKS_FORMAT)) {
        fine = fine &&
               glimpse_json_set(body, "response_format", json_pack("{s:s}", "type", "json_object"));
    }
    return fine && glimpse_json_set(body, "stream", json_false());
}

static json_t *body(glimpse_remote *remote, const glimpse_asking *asking) {
    json_t *parts = json_array();
    int fine = parts != NULL;
    for (size_t i = 0; i < asking->job->request->picture_count && fine; i++) {
        const char *label = asking->job->pictures[i].from->label;
        if (label) fine = glimpse_json_add(parts, text_part(label));
        fine = fine && glimpse_json_add(parts, picture_part(asking, i));
    }
    fine = fine && glimpse_json_add(parts, text_part(asking->prompt));
    if (!fine) {
        json_decref(parts);
        return NULL;
    }
    json_t *root = json_pack("{s:s, s:[{s:s, s:o}]}", "model", remote->model, "messages", "role",
                             "user", "content", parts);
    if (root && add_parameters(root, remote, asking)) return root;
    json_decref(root);
    return NULL;
}

static int has_words(const json_t *value) {
    return json_is_array(value) ? json_array_size(value) > 0 : json_string_length(value) > 0;
}

/* Reasoning comes beside the content ("reasoning_content", "reasoning") or as parts of it; it is
 * never the answer, not even where there is no other. */
static int read_reply(const json_t *from, glimpse_reply *reply) {
    const json_t *choice = glimpse_json_at(from, (const char *const[]){"choices", "0", NULL});
    const json_t *message = json_object_get(choice, "message");
    const json_t *error = json_object_get(choice, "error");
    if (!json_is_object(message) && !json_is_object(error)) return 0;
    const json_t *end = json_object_get(choice, "finish_reason");
    const char *finish = json_string_value(end);
    const char *refusal = json_string_value(json_object_get(message, "refusal"));
    if (!glimpse_reply_join(reply, json_object_get(message, "content"))) return 0;
    if (refusal && *refusal) {
        reply->refused = 1;
        reply->text = refusal;
    } else if (finish && strcmp(finish, "content_filter") == 0) {
        reply->why = "the provider's content filter";
    }
    glimpse_reply_finish(reply, end);
    glimpse_reply_error(reply, error);
    glimpse_reply_error(reply, json_object_get(message, "error"));
    glimpse_reply_error(reply, json_object_get(from, "error"));
    reply->model = json_string_value(json_object_get(from, "model"));
    const json_t *usage = json_object_get(from, "usage");
    const json_t *details = json_object_get(usage, "completion_tokens_details");
    if (has_words(json_object_get(message, "reasoning_content")) ||
        has_words(json_object_get(message, "reasoning")) ||
        has_words(json_object_get(message, "reasoning_details")) ||
        glimpse_json_count(json_object_get(details, "reasoning_tokens")) > 0) {
        reply->thought = 1;
    }
    reply->tokens_known = json_is_integer(json_object_get(usage, "prompt_tokens"));
    reply->tokens_in = glimpse_json_count(json_object_get(usage, "prompt_tokens"));
    reply->tokens_out = glimpse_json_count(json_object_get(usage, "completion_tokens"));
    return 1;
}

/* As OpenAI documents it for its models without patches: the short side to 768, tiles of 512. */
static double picture_tiles(uint32_t width, uint32_t height) {
    double shorter = fmin(width, height), by = shorter > 768.0 ? 768.0 / shorter : 1.0;
    return ceil(width * by / 512.0) * ceil(height * by / 512.0);
}

static double picture_tokens(uint32_t width, uint32_t height) {
    return 85.0 + 170.0 * picture_tiles(width, height);
}

/* OpenAI's newest models and other servers know less than its documentation. */
static const glimpse_remote_parameter optional[] = {
    {"max_completion_tokens", GLIMPSE_LACKS_MAX_COMPLETION_TOKENS},
    {"max_tokens", GLIMPSE_LACKS_MAX_TOKENS},
    {"temperature", GLIMPSE_LACKS_TEMPERATURE},
    {"response_format", GLIMPSE_LACKS_FORMAT},
    {"seed", GLIMPSE_LACKS_SEED},
    {NULL, 0},
};

/* As its documentation names them. */
static const char *const versions[] = {"-YYYY-MM-DD", NULL};

static const glimpse_dialect dialect = {
    .base = "https://api.openai.com/v1",
    .path = "/chat/completions",
    .version = "/v1",
    .optional = optional,
    .versions = versions,
    .url = url,
    .body = body,
    .headers = headers,
    .read = read_reply,
    .read_fault = glimpse_remote_read_fault,
    .picture_tokens = picture_tokens,
};

const glimpse_vlm_kind glimpse_vlm_kind_openai = {
    .provider = {.name = "openai",
                 .spec = "openai:MODEL",
                 .about = "OpenAI chat completions, and every server that speaks them",
                 .key = "OPENAI_API_KEY",
                 .remote = 1},
    .open = glimpse_remote_open,
    .dialect = &dialect,
};

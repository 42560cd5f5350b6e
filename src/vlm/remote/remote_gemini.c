/*
 * remote_gemini.c - Gemini generateContent: POST BASE/models/MODEL:generateContent.
 */
#include "vlm/remote/remote.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *url(const glimpse_remote *remote, int versioned) {
    size_t size = strlen(remote->model) + 32;
    char *path = malloc(size);
    if (!path) return NULL;
    /* model_in_url saw to it that the name needs no escaping. */
    (void)snprintf(path, size, "%s%s:generateContent", remote->dialect->path, remote->model);
    char *whole = glimpse_remote_url(remote, versioned, path);
    free(path);
    return whole;
}

static void headers(const glimpse_remote *remote, char lines[3][1024]) {
    if (*remote->key) (void)snprintf(lines[0], 1024, "x-goog-api-key: %s", remote->key);
}

static json_t *text_part(const char *text) {
    json_t *part = json_object();
    if (part && glimpse_json_set(part, "text", glimpse_json_text(text))) return part;
    json_decref(part);
    return NULL;
}

static json_t *picture_part(const glimpse_asking *asking, size_t i) {
    json_t *data = json_object(), *part = json_object();
    if (!data || !glimpse_json_set(data, "mimeType", glimpse_remote_media_type(asking, i)) ||
        !glimpse_json_set(data, "data", glimpse_remote_data(asking, i, ""))) {
        json_decref(data);
        data = NULL;
    }
    if (part && glimpse_json_set(part, "inlineData", data)) return part;
    json_decref(part);
    return NULL;
}

static json_t *body(glimpse_remote *remote, const glimpse_asking *asking) {
    const glimpse_vlm_job *job = asking->job;
    (void)remote;
    json_t *parts = json_array();
    int fine = parts != NULL;
    for (size_t i = 0; i < job->request->picture_count && fine; i++) {
        const char *label = job->pictures[i].from->label;
        if (label) fine = glimpse_json_add(parts, text_part(label));
        fine = fine && glimpse_json_add(parts, picture_part(asking, i));
    }
    fine = fine && glimpse_json_add(parts, text_part(asking->prompt));
    json_t *config = fine ? json_pack("{s:i, s:f}", "maxOutputTokens", (int)asking->max_tokens,
                                      "temperature", job->temperature)
                          : NULL;
    fine = config != NULL;
    if (fine && job->temperature > 0.0) {
        fine = glimpse_json_set(config, "seed", json_integer((json_int_t)(job->seed & INT32_MAX)));
    }
    if (fine && job->request->schema != GLIMPSE_VLM_PLAIN) {
        fine = glimpse_json_set(config, "responseMimeType", json_string("application/json"));
    }
    if (!fine) {
        json_decref(parts);
        json_decref(config);
        return NULL;
    }
    return json_pack("{s:[{s:s, s:o}], s:o}", "contents", "role", "user", "parts", parts,
                     "generationConfig", config);
}

static int read_reply(const json_t *from, glimpse_reply *reply) {
    const json_t *usage = json_object_get(from, "usageMetadata");
    reply->tokens_known = json_is_integer(json_object_get(usage, "promptTokenCount"));
    reply->tokens_in = glimpse_json_count(json_object_get(usage, "promptTokenCount"));
    /* Thinking is billed as output. */
    reply->tokens_out = glimpse_json_count(json_object_get(usage, "candidatesTokenCount")) +
                        glimpse_json_count(json_object_get(usage, "thoughtsTokenCount"));
    reply->thought = glimpse_json_count(json_object_get(usage, "thoughtsTokenCount")) > 0;
    reply->model = json_string_value(json_object_get(from, "modelVersion"));
    const char *blocked = json_string_value(
        glimpse_json_at(from, (const char *const[]){"promptFeedback", "blockReason", NULL}));
    if (blocked) {
        reply->refused = 1;
        reply->why = blocked;
        return 1;
    }
    const json_t *candidate = glimpse_json_at(from, (const char *const[]){"candidates", "0", NULL});
    if (!json_is_object(candidate)) return 0;
    const json_t *finish = json_object_get(candidate, "finishReason");
    const json_t *parts =
        glimpse_json_at(candidate, (const char *const[]){"content", "parts", NULL});
    if (parts && !glimpse_reply_join(reply, parts)) return 0;
    const char *words = json_string_value(json_object_get(candidate, "finishMessage"));
    if (words && *words) reply->why = words;
    glimpse_reply_finish(reply, finish);
    glimpse_reply_error(reply, json_object_get(candidate, "error"));
    glimpse_reply_error(reply, json_object_get(from, "error"));
    return reply->text || json_is_string(finish) || reply->refused ||
           reply->end != GLIMPSE_REPLY_WHOLE;
}

/* As Google documents it: 258 up to 384 pixels a side, else 258 for each tile of 768. */
static double picture_tokens(uint32_t width, uint32_t height) {
    if (width <= 384 && height <= 384) return 258.0;
    return 258.0 * ceil(width / 768.0) * ceil(height / 768.0);
}

/* As its documentation names them. */
static const char *const versions[] = {"-###", "-latest", NULL};

static const glimpse_dialect dialect = {
    .base = "https://generativelanguage.googleapis.com/v1beta",
    .path = "/models/",
    .version = "/v1beta",
    .model_in_url = 1,
    .versions = versions,
    .url = url,
    .body = body,
    .headers = headers,
    .read = read_reply,
    .read_fault = glimpse_remote_read_fault,
    .picture_tokens = picture_tokens,
};

const glimpse_vlm_kind glimpse_vlm_kind_gemini = {
    .provider = {.name = "gemini",
                 .spec = "gemini:MODEL",
                 .about = "Gemini generateContent",
                 .key = "GEMINI_API_KEY",
                 .remote = 1},
    .open = glimpse_remote_open,
    .dialect = &dialect,
};

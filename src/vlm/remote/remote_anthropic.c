/*
 * remote_anthropic.c - Anthropic messages: POST BASE/messages, version 2023-06-01.
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
    (void)snprintf(lines[0], 1024, "anthropic-version: 2023-06-01");
    if (*remote->key) (void)snprintf(lines[1], 1024, "x-api-key: %s", remote->key);
}

static json_t *text_block(const char *text) {
    json_t *block = json_object();
    if (block && glimpse_json_set(block, "type", json_string("text")) &&
        glimpse_json_set(block, "text", glimpse_json_text(text))) {
        return block;
    }
    json_decref(block);
    return NULL;
}

static json_t *picture_block(const glimpse_asking *asking, size_t i) {
    json_t *source = json_object(), *block = json_object();
    int fine = source && glimpse_json_set(source, "type", json_string("base64")) &&
               glimpse_json_set(source, "media_type", glimpse_remote_media_type(asking, i)) &&
               glimpse_json_set(source, "data", glimpse_remote_data(asking, i, ""));
    if (!fine) {
        json_decref(source);
        source = NULL;
    }
    if (block && glimpse_json_set(block, "source", source) &&
        glimpse_json_set(block, "type", json_string("image"))) {
        return block;
    }
    json_decref(block);
    return NULL;
}

static json_t *body(glimpse_remote *remote, const glimpse_asking *asking) {
    json_t *blocks = json_array();
    int fine = blocks != NULL;
    for (size_t i = 0; i < asking->job->request->picture_count && fine; i++) {
        const char *label = asking->job->pictures[i].from->label;
        if (label) fine = glimpse_json_add(blocks, text_block(label));
        fine = fine && glimpse_json_add(blocks, picture_block(asking, i));
    }
    fine = fine && glimpse_json_add(blocks, text_block(asking->prompt));
    if (!fine) {
        json_decref(blocks);
        return NULL;
    }
    double temperature = fmin(1.0, asking->job->temperature); /* its range is 0..1 */
    json_t *root = json_pack("{s:s, s:i, s:b, s:[{s:s, s:o}]}", "model", remote->model,
                             "max_tokens", (int)asking->max_tokens, "stream", 0, "messages", "role",
                             "user", "content", blocks);
    if (root && !(glimpse_remote_lacks(remote) & GLIMPSE_LACKS_TEMPERATURE) &&
        !glimpse_json_set(root, "temperature", json_real(temperature))) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static int read_reply(const json_t *from, glimpse_reply *reply) {
    const json_t *content = json_object_get(from, "content");
    if (!json_is_array(content) && !json_is_string(content)) return 0;
    if (!glimpse_reply_join(reply, content)) return 0;
    const json_t *stop = json_object_get(from, "stop_reason");
    glimpse_reply_finish(reply, stop);
    if (reply->filtered) reply->why = NULL; /* "refusal" explains nothing */
    glimpse_reply_error(reply, json_object_get(from, "error"));
    reply->model = json_string_value(json_object_get(from, "model"));
    const json_t *usage = json_object_get(from, "usage");
    reply->tokens_known = json_is_integer(json_object_get(usage, "input_tokens"));
    reply->tokens_in = glimpse_json_count(json_object_get(usage, "input_tokens")) +
                       glimpse_json_count(json_object_get(usage, "cache_creation_input_tokens")) +
                       glimpse_json_count(json_object_get(usage, "cache_read_input_tokens"));
    reply->tokens_out = glimpse_json_count(json_object_get(usage, "output_tokens"));
    return reply->text || json_is_string(stop) || reply->refused ||
           reply->end != GLIMPSE_REPLY_WHOLE;
}

/* As Anthropic documents it. */
static double picture_tokens(uint32_t width, uint32_t height) {
    return ceil((double)width * height / 750.0);
}

static const glimpse_remote_parameter optional[] = {
    {"temperature", GLIMPSE_LACKS_TEMPERATURE},
    {NULL, 0},
};

/* As its documentation names them. */
static const char *const versions[] = {"-YYYYMMDD", "-latest", NULL};

static const glimpse_dialect dialect = {
    .base = "https://api.anthropic.com/v1",
    .path = "/messages",
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

const glimpse_vlm_kind glimpse_vlm_kind_anthropic = {
    .provider = {.name = "anthropic",
                 .spec = "anthropic:MODEL",
                 .about = "Anthropic messages",
                 .key = "ANTHROPIC_API_KEY",
                 .remote = 1},
    .open = glimpse_remote_open,
    .dialect = &dialect,
};

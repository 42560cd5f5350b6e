/*
 * remote_endpoint.c - the plain endpoint of one's own: POST URL, in and out as docs/remote.md says.
 *
 *     {"glimpse": 1, "operation": "ask", "schema": "plain", "prompt": "...", "text": "...",
 *      "max_tokens": 512, "temperature": 0, "seed": 0,
 *      "images": [{"media_type": "image/jpeg", "width": 1024, "height": 683, "data": "BASE64"}]}
 *
 *     {"text": "..."} or {"json": {...}} or {"refused": true} or {"cannot_tell": true}
 *     with, where known, "model", "tokens_in", "tokens_out", "cost", and "finish_reason" ("length")
 */
#include "text/json_load.h"
#include "vlm/remote/remote.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *url(const glimpse_remote *remote, int versioned) {
    (void)versioned;
    return glimpse_remote_url(remote, 0, "");
}

static void headers(const glimpse_remote *remote, char lines[3][1024]) {
    if (*remote->key) (void)snprintf(lines[0], 1024, "Authorization: Bearer %s", remote->key);
}

static const char *operation_name(glimpse_vlm_operation operation) {
    switch (operation) {
    case GLIMPSE_VLM_CAPTION: return "caption";
    case GLIMPSE_VLM_SCORE: return "score";
    case GLIMPSE_VLM_ASK: break;
    }
    return "ask";
}

static json_t *picture(const glimpse_asking *asking, size_t i) {
    const glimpse_vlm_loaded *from = &asking->job->pictures[i];
    json_t *value = json_object();
    int fine = value &&
               glimpse_json_set(value, "media_type", glimpse_remote_media_type(asking, i)) &&
               glimpse_json_set(value, "width", json_integer(from->width)) &&
               glimpse_json_set(value, "height", json_integer(from->height)) &&
               glimpse_json_set(value, "data", glimpse_remote_data(asking, i, ""));
    if (fine && from->from->label) {
        fine = glimpse_json_set(value, "label", glimpse_json_text(from->from->label));
    }
    if (fine) return value;
    json_decref(value);
    return NULL;
}

static json_t *body(glimpse_remote *remote, const glimpse_asking *asking) {
    const glimpse_vlm_job *job = asking->job;
    const glimpse_vlm_request *request = job->request;
    glimpse_vlm_schema schema =
        request->operation == GLIMPSE_VLM_SCORE ? GLIMPSE_VLM_JSON_SCORE : request->schema;
    (void)remote;
    json_t *pictures = json_array(), *root = json_object();
    int fine = pictures && root;
    for (size_t i = 0; i < request->picture_count && fine; i++)
        fine = glimpse_json_add(pictures, picture(asking, i));
    if (!fine) {
        json_decref(pictures);
        json_decref(root);
        return NULL;
    }
    fine = glimpse_json_set(root, "images", pictures) &&
           glimpse_json_set(root, "glimpse", json_integer(1)) &&
           glimpse_json_set(root, "operation", json_string(operation_name(request->operation))) &&
           glimpse_json_set(root, "schema", json_string(glimpse_vlm_schema_name(schema))) &&
           glimpse_json_set(root, "prompt", glimpse_json_text(asking->prompt)) &&
           glimpse_json_set(root, "text", glimpse_json_text(request->text ? request->text : "")) &&
           glimpse_json_set(root, "max_tokens", json_integer(asking->max_tokens)) &&
           glimpse_json_set(root, "temperature", json_real(job->temperature)) &&
           glimpse_json_set(root, "seed", json_integer((json_int_t)(job->seed & INT32_MAX)));
    if (fine) return root;
    json_decref(root);
    return NULL;
}

static int read_reply(const json_t *from, glimpse_reply *reply) {
    const json_t *cost = json_object_get(from, "cost"), *json = json_object_get(from, "json");
    const json_t *finish = json_object_get(from, "finish_reason");
    reply->text = json_string_value(json_object_get(from, "text"));
    if (!reply->text && json_is_object(json)) {
        reply->joined = glimpse_json_dump(json, JSON_COMPACT);
        reply->text = reply->joined;
    }
    reply->refused = json_is_true(json_object_get(from, "refused"));
    reply->cannot_tell = json_is_true(json_object_get(from, "cannot_tell"));
    glimpse_reply_finish(reply, finish);
    if (reply->text) glimpse_reply_error(reply, json_object_get(from, "error"));
    reply->model = json_string_value(json_object_get(from, "model"));
    reply->tokens_known = json_is_integer(json_object_get(from, "tokens_in"));
    reply->tokens_in = glimpse_json_count(json_object_get(from, "tokens_in"));
    reply->tokens_out = glimpse_json_count(json_object_get(from, "tokens_out"));
    if (json_is_number(cost) && json_number_value(cost) >= 0.0) {
        reply->cost = json_number_value(cost);
    }
    return reply->text || reply->refused || reply->cannot_tell || json_is_string(finish);
}

static double picture_tokens(uint32_t width, uint32_t height) {
    return ceil((double)width * height / 750.0);
}

static const glimpse_dialect dialect = {
    .url = url,
    .body = body,
    .headers = headers,
    .read = read_reply,
    .read_fault = glimpse_remote_read_fault,
    .picture_tokens = picture_tokens,
};

const glimpse_vlm_kind glimpse_vlm_kind_endpoint = {
    .provider = {.name = "endpoint",
                 .spec = "endpoint:URL",
                 .about = "an endpoint of one's own; docs/remote.md has its JSON",
                 .key = "GLIMPSE_VLM_KEY",
                 .remote = 1},
    .open = glimpse_remote_open,
    .dialect = &dialect,
};

/*
 * remote_finish.c - how a model's answer ended, and which parts of a message are its answer.
 *
 * One table for all dialects: servers that imitate one provider borrow another's words. A word
 * that is in no list is not taken for a good end.
 */
#include "vlm/remote/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const whole[] = {
    "stop",       "end_turn", "stop_sequence", "eos",      "eos_token",
    "stop_token", "end",      "end_of_text",   "complete", "completed",
    "done",       "finished", "stop_str",      "null",     "",
    NULL};
static const char *const cut[] = {"length",
                                  "max_tokens",
                                  "max_output_tokens",
                                  "model_length",
                                  "max_length",
                                  "max_new_tokens",
                                  "model_context_window_exceeded",
                                  "context_length_exceeded",
                                  "context_window_exceeded",
                                  NULL};
static const char *const filtered[] = {"content_filter",
                                       "refusal",
                                       "content_filtered",
                                       "guardrail_intervened",
                                       "safety",
                                       "recitation",
                                       "blocklist",
                                       "prohibited_content",
                                       "spii",
                                       "image_safety",
                                       "image_prohibited_content",
                                       "image_recitation",
                                       "language",
                                       "model_armor",
                                       NULL};

static int is_one_of(const char *word, const char *const *words) {
    for (; *words; words++) {
        if (strcasecmp(word, *words) == 0) return 1;
    }
    return 0;
}

void glimpse_reply_finish(glimpse_reply *reply, const json_t *from) {
    const char *finish = json_string_value(from);
    if (!from || json_is_null(from) || (finish && is_one_of(finish, whole))) return;
    if (!finish) finish = "its finish reason is no text";
    if (is_one_of(finish, cut)) {
        if (reply->end == GLIMPSE_REPLY_WHOLE) reply->end = GLIMPSE_REPLY_CUT;
    } else if (is_one_of(finish, filtered)) {
        reply->refused = 1;
        reply->filtered = 1;
        if (!reply->why) reply->why = finish;
    } else {
        reply->end = GLIMPSE_REPLY_BROKEN;
        if (!reply->why) reply->why = finish;
    }
}

void glimpse_reply_error(glimpse_reply *reply, const json_t *error) {
    if (!error || json_is_null(error) || json_is_false(error)) return;
    const char *message = json_string_value(error);
    if (!message) message = json_string_value(json_object_get(error, "message"));
    reply->end = GLIMPSE_REPLY_BROKEN;
    reply->why = message && *message ? message : "an error without words";
}

/*
 * Parts.
 */
/* The text of a part that is the answer; NULL for thinking, tool calls and all else. */
static const char *text_of(const json_t *part) {
    if (json_is_string(part)) return json_string_value(part);
    const char *type = json_string_value(json_object_get(part, "type"));
    if (type && strcmp(type, "text") != 0 && strcmp(type, "output_text") != 0) return NULL;
    if (json_is_true(json_object_get(part, "thought"))) return NULL;
    return json_string_value(json_object_get(part, "text"));
}

static int is_of_type(const json_t *part, const char *type) {
    const char *found = json_string_value(json_object_get(part, "type"));
    return found && strcmp(found, type) == 0;
}

/* What a part says beside the text of the others. */
static void read_part(glimpse_reply *reply, const json_t *part) {
    const int thinks = is_of_type(part, "thinking") || is_of_type(part, "redacted_thinking") ||
                       is_of_type(part, "reasoning");
    if (thinks || json_is_true(json_object_get(part, "thought"))) {
        reply->thought = 1;
    } else if (is_of_type(part, "error")) {
        const json_t *error = json_object_get(part, "error");
        glimpse_reply_error(reply, error ? error : part);
    } else if (is_of_type(part, "refusal")) {
        const char *words = json_string_value(json_object_get(part, "refusal"));
        if (!words) words = json_string_value(json_object_get(part, "text"));
        reply->refused = 1;
        if (words && *words) reply->text = words;
    }
}

int glimpse_reply_join(glimpse_reply *reply, const json_t *content) {
    size_t i, size = 1, count = 0;
    json_t *part;
    if (!json_is_array(content)) {
        reply->text = text_of(content);
        read_part(reply, content);
        return 1;
    }
    json_array_foreach(content, i, part) {
        const char *text = text_of(part);
        if (!text) continue;
        size += strlen(text);
        reply->text = text;
        count++;
    }
    for (i = 0; i < json_array_size(content); i++)
        read_part(reply, json_array_get(content, i));
    if (count < 2 || reply->refused) return 1;
    char *end = reply->joined = malloc(size);
    if (!end) return 0;
    json_array_foreach(content, i, part) {
        const char *text = text_of(part);
        if (text) end = stpcpy(end, text);
    }
    reply->text = reply->joined;
    return 1;
}

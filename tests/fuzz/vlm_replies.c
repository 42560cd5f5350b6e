/*
 * vlm_replies.c - what servers send back: headers, bodies of every dialect, errors, pages, and the
 * JSON that models write into their texts.
 *
 * Parts: "headers" (a line each), and "openai", "anthropic", "gemini", "endpoint", the body that
 * such a server sends. An input without parts is the text of a model.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "text/json_load.h"
#include "vlm/remote/remote.h"

#include <glimpse/status.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_share_or_negative(double value) {
    return value < 0 || (value >= 0 && value <= 1);
}

static void read_text(const char *text) {
    for (int schema = GLIMPSE_VLM_PLAIN; schema <= GLIMPSE_VLM_JSON_PAGES; schema++) {
        glimpse_vlm_answer *answer = NULL;
        PROMISE(glimpse_vlm_answer_new(&answer, "a model") == GLIMPSE_OK);
        const int status = glimpse_vlm_read_text(answer, text, (glimpse_vlm_schema)schema);
        PROMISE(status == 0 || status == 1);
        PROMISE(answer->text && answer->reason);
        if (status == 0) PROMISE(answer->outcome == GLIMPSE_VLM_FAILED && *answer->reason);
        PROMISE(is_share_or_negative(answer->probability));
        PROMISE(is_share_or_negative(answer->confidence));
        if (answer->json) {
            PROMISE(schema != GLIMPSE_VLM_PLAIN);
            json_t *root = json_loads(answer->json, 0, NULL);
            PROMISE(json_is_object(root));
            json_decref(root);
        }
        glimpse_vlm_answer_free(answer);
    }
}

static void read_fault(const glimpse_dialect *dialect, const json_t *root, const char *body,
                       size_t size) {
    glimpse_remote_fault fault = {.retry_after = -1.0};
    dialect->read_fault(root, &fault);
    if (!fault.message) glimpse_remote_read_page(body, size, &fault);
    PROMISE(!fault.message || fault.message == fault.words);
    PROMISE(memchr(fault.words, '\0', sizeof fault.words));
    PROMISE(!isnan(fault.retry_after));
}

static void read_body(const glimpse_vlm_kind *kind, const fuzz_part *part) {
    static const char key[] = "sk-secret";
    char *body = fuzz_text(part->data, part->size);
    glimpse_remote_hide_key(body, part->size, key);
    PROMISE(!memmem(body, part->size, key, strlen(key)));
    json_error_t error;
    json_t *root = glimpse_json_load(body, part->size, 0, &error);
    glimpse_reply reply = {.cost = -1.0};
    if (root && kind->dialect->read(root, &reply)) {
        PROMISE(!isnan(reply.cost));
        read_text(reply.text ? reply.text : "");
    }
    read_fault(kind->dialect, root, body, part->size);
    free(reply.joined);
    json_decref(root);
    free(body);
}

/* A line that ends nowhere, as libcurl hands them over. */
static void read_headers(const fuzz_part *part) {
    static glimpse_http_pool *pool; /* loads libcurl, which reads dates */
    if (!pool && glimpse_http_pool_create(&pool) < 0) return;
    glimpse_http http = {.retry_after = -1.0};
    const uint8_t *at = part->data, *end = at + part->size;
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t length = newline ? (size_t)(newline - at) + 1 : (size_t)(end - at);
        char *line = malloc(length);
        if (!line) abort();
        memcpy(line, at, length);
        glimpse_http_read_header(&http, line, length);
        free(line);
        at += length;
    }
    PROMISE(!isnan(http.retry_after) && http.retry_after <= GLIMPSE_LONGEST_PAUSE);
    PROMISE(memchr(http.location, '\0', sizeof http.location));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct {
        const char *name;
        const glimpse_vlm_kind *kind;
    } kinds[] = {{"openai", &glimpse_vlm_kind_openai},
                 {"anthropic", &glimpse_vlm_kind_anthropic},
                 {"gemini", &glimpse_vlm_kind_gemini},
                 {"endpoint", &glimpse_vlm_kind_endpoint}};
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    if (count == 0) {
        char *text = fuzz_text(data, size);
        read_text(text);
        free(text);
    }
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "headers")) read_headers(&parts[i]);
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            if (fuzz_is(&parts[i], kinds[k].name)) read_body(kinds[k].kind, &parts[i]);
        }
    }
    return 0;
}

/*
 * remote_errors.c - what the failures of servers mean, in words that hold no key.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies without what may be a key: the key itself, and words that begin as keys do. */
static void redact(char *text, const char *key) {
    size_t length = strlen(key);
    for (char *p = text; length >= 4 && (p = strstr(p, key));)
        memset(p, '*', length);
    static const char *const starts[] = {"sk-", "AIza", "Bearer "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (char *p = text; (p = strstr(p, starts[i]));) {
            p += strlen(starts[i]);
            size_t more = strcspn(p, " \t\r\n\"'<>,;)");
            if (more >= 8) memset(p, '*', more);
            p += more;
        }
    }
}

void glimpse_remote_hide_key(char *body, size_t size, const char *key) {
    size_t length = strlen(key);
    if (!body || length < 8) return;
    for (char *p = body; (p = memmem(p, size - (size_t)(p - body), key, length));)
        memset(p, '*', length);
}

int glimpse_remote_fail(const glimpse_remote *remote, int status, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    redact(text, remote->key);
    for (char *p = text; *p; p++) { /* servers send what they like */
        if ((unsigned char)*p < ' ' || *p == 127) *p = ' ';
    }
    return glimpse_fail(status, "%s: %s", remote->identity, text);
}

const char *glimpse_remote_status_meaning(long status) {
    switch (status) {
    case 400: return "the server does not understand the request";
    case 401: return "the key is not accepted";
    case 402: return "the account has no money left";
    case 403: return "not allowed";
    case 404: return "there is no such model or address";
    case 408: return "the server waited too long for the request";
    case 413: return "the request is too large";
    case 429: return "too many requests";
    case 500: return "the server failed";
    case 502:
    case 503: return "the server is not available";
    case 504: return "the server's server did not answer";
    case 529: return "the server is overloaded";
    default: return "unexpected status";
    }
}

/* "34s" in a Gemini error: RetryInfo.retryDelay. */
static double retry_delay(const json_t *body) {
    const json_t *details = glimpse_json_at(body, (const char *const[]){"error", "details", NULL});
    size_t i;
    json_t *detail;
    json_array_foreach(details, i, detail) {
        const char *delay = json_string_value(json_object_get(detail, "retryDelay"));
        char *end = NULL;
        double seconds = delay ? strtod(delay, &end) : -1.0;
        if (delay && end != delay && strcmp(end, "s") == 0 && seconds >= 0.0 && seconds < 1e9) {
            return seconds;
        }
    }
    return -1.0;
}

/* The message of an error body: {"error":{"message"}}, {"error":text}, {"message"}. */
static const char *message_of(const json_t *body) {
    const json_t *from = json_is_array(body) ? json_array_get(body, 0) : body;
    const json_t *error = json_object_get(from, "error");
    if (json_is_string(error)) return json_string_value(error);
    const char *message = json_string_value(json_object_get(error, "message"));
    return message ? message : json_string_value(json_object_get(from, "message"));
}

void glimpse_remote_read_fault(const json_t *body, glimpse_remote_fault *fault) {
    const json_t *error = json_object_get(body, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    fault->message = message_of(body);
    fault->parameter = json_string_value(json_object_get(error, "param"));
    fault->retry_after = retry_delay(body);
    fault->filtered = code && (strcmp(code, "content_policy_violation") == 0 ||
                               strcmp(code, "content_filter") == 0);
    fault->no_money = code && strcmp(code, "insufficient_quota") == 0;
}

int glimpse_remote_leave_out(glimpse_remote *remote, const glimpse_remote_fault *fault,
                             int *is_new) {
    *is_new = 0;
    for (const glimpse_remote_parameter *p = remote->dialect->optional; p && p->name; p++) {
        int named = fault->parameter ? strcmp(fault->parameter, p->name) == 0
                                     : fault->message && strstr(fault->message, p->name) != NULL;
        if (!named) continue;
        (void)pthread_mutex_lock(&remote->mutex);
        *is_new = !(remote->lacks & p->bit);
        remote->lacks |= p->bit;
        (void)pthread_mutex_unlock(&remote->mutex);
        return 1;
    }
    return 0;
}

unsigned glimpse_remote_lacks(glimpse_remote *remote) {
    (void)pthread_mutex_lock(&remote->mutex);
    unsigned lacks = remote->lacks;
    (void)pthread_mutex_unlock(&remote->mutex);
    return lacks;
}

/*
 * remote_errors.c - what the failures of servers mean, in words that hold no key.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
        if (delay && end != delay && strcmp(end, "s") == 0 && seconds >= 0.0) {
            return fmin(seconds, GLIMPSE_LONGEST_PAUSE);
        }
    }
    return -1.0;
}

/* Appends words, with ". " between them; control characters and runs of blanks become one blank.
 * What does not fit is left out, no character of UTF-8 in half. */
static void add_words(glimpse_remote_fault *fault, const char *words, size_t size) {
    size_t used = strlen(fault->words), capacity = sizeof fault->words - 1;
    if (used > 0 && used + 2 < capacity) {
        memcpy(fault->words + used, "; ", 2);
        used += 2;
    }
    size_t start = used;
    for (size_t i = 0; i < size && used < capacity; i++) {
        unsigned char c = (unsigned char)words[i];
        if (c <= ' ' || c == 127) c = ' ';
        if (c == ' ' && (used == start || fault->words[used - 1] == ' ')) continue;
        fault->words[used++] = (char)c;
    }
    if (used == capacity) {
        while (used > start && ((unsigned char)fault->words[used - 1] & 0xc0) == 0x80)
            used--;
        if (used > start) used--;
    }
    while (used > 0 && fault->words[used - 1] == ' ')
        used--;
    fault->words[used] = '\0';
    if (used > 0) fault->message = fault->words;
}

/* {"width": ["is too small"]}, the members of an object that has none of the usual names. */
static int add_members(glimpse_remote_fault *fault, const json_t *from) {
    json_t *object = (json_t *)(uintptr_t)from, *value;
    const char *name;
    int count = 0;
    json_object_foreach(object, name, value) {
        char words[200];
        const char *text =
            json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
        if (!text || !*text || count == 4) continue;
        (void)snprintf(words, sizeof words, "%.60s: %.120s", name, text);
        add_words(fault, words, strlen(words));
        count++;
    }
    return count > 0;
}

/* The words of an error in whatever shape: a text, a list of errors, or an object that has them
 * under one of the usual names. 1: there were some. */
static int add_message(glimpse_remote_fault *fault, const json_t *from, int depth) {
    static const char *const names[] = {"message", "detail", "error",       "errors",
                                        "msg",     "title",  "description", "error_description",
                                        "reason",  "details"};
    const char *text = json_string_value(from);
    size_t i;
    json_t *item;
    int found = 0;
    if (depth > 4) return 0;
    if (text && *text) {
        add_words(fault, text, strlen(text));
        return 1;
    }
    json_array_foreach(from, i, item) {
        if (i < 4) found |= add_message(fault, item, depth + 1);
    }
    for (i = 0; i < sizeof names / sizeof *names && json_is_object(from) && !found; i++)
        found = add_message(fault, json_object_get(from, names[i]), depth + 1);
    if (!found && depth > 0 && json_is_object(from)) found = add_members(fault, from);
    return found;
}

/* Finds `tag` without regard to case. */
static const char *find_tag(const char *text, size_t size, const char *tag) {
    size_t length = strlen(tag);
    for (size_t i = 0; i + length <= size; i++) {
        if (text[i] == '<' && strncasecmp(text + i, tag, length) == 0) return text + i;
    }
    return NULL;
}

/* The text of a page as it is read: with the characters that the usual entities stand for. */
static void add_html(glimpse_remote_fault *fault, const char *text, size_t size) {
    static const char *const entities[][2] = {{"&amp;", "&"},  {"&lt;", "<"},    {"&gt;", ">"},
                                              {"&#39;", "'"},  {"&apos;", "'"},  {"&quot;", "\""},
                                              {"&nbsp;", " "}, {"&mdash;", "-"}, {"&ndash;", "-"}};
    char plain[400];
    size_t used = 0;
    for (size_t i = 0; i < size && used < sizeof plain; i++) {
        plain[used] = text[i];
        for (size_t e = 0; text[i] == '&' && e < sizeof entities / sizeof *entities; e++) {
            size_t length = strlen(entities[e][0]);
            if (length > size - i || memcmp(text + i, entities[e][0], length) != 0) continue;
            plain[used] = *entities[e][1];
            i += length - 1;
            break;
        }
        used++;
    }
    add_words(fault, plain, used);
}

void glimpse_remote_read_page(const char *text, size_t size, glimpse_remote_fault *fault) {
    enum { LOOKED_AT = 64 << 10 };
    if (!text || size == 0) return;
    if (size > LOOKED_AT) size = LOOKED_AT;
    size_t length = strnlen(text, size), skip = strspn(text, " \t\r\n");
    if (length < size || skip >= length || text[skip] == '{' || text[skip] == '[') return;
    if (text[skip] != '<') { /* plain text */
        add_words(fault, text, length);
        return;
    }
    static const char *const tags[][2] = {{"<title", "</title"}, {"<h1", "</h1"}, {"<p", "</p"}};
    for (size_t i = 0; i < sizeof tags / sizeof *tags && !fault->message; i++) {
        const char *open = find_tag(text, length, tags[i][0]);
        const char *start = open ? memchr(open, '>', length - (size_t)(open - text)) : NULL;
        if (!start) continue;
        start++;
        size_t left = length - (size_t)(start - text);
        const char *end = find_tag(start, left, tags[i][1]);
        if (end) add_html(fault, start, (size_t)(end - start));
    }
}

void glimpse_remote_read_fault(const json_t *body, glimpse_remote_fault *fault) {
    const json_t *from = json_is_array(body) ? json_array_get(body, 0) : body;
    const json_t *error = json_object_get(from, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    if (!json_is_string(body)) (void)add_message(fault, body, 0);
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

int glimpse_remote_version(glimpse_remote *remote) {
    (void)pthread_mutex_lock(&remote->mutex);
    int version = (int)remote->version;
    (void)pthread_mutex_unlock(&remote->mutex);
    return version;
}

void glimpse_remote_set_version(glimpse_remote *remote, int version) {
    (void)pthread_mutex_lock(&remote->mutex);
    remote->version = version;
    (void)pthread_mutex_unlock(&remote->mutex);
}

unsigned glimpse_remote_lacks(glimpse_remote *remote) {
    (void)pthread_mutex_lock(&remote->mutex);
    unsigned lacks = remote->lacks;
    (void)pthread_mutex_unlock(&remote->mutex);
    return lacks;
}

/*
 * core/error.c - the thread-local last error.
 */
#define GLIMPSE_CORE_ERROR_C
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { MESSAGE_BYTES = sizeof(glimpse_kept_error) };

static _Thread_local char last_message[MESSAGE_BYTES];

const char *glimpse_last_error(void) {
    return last_message;
}

const char *glimpse_status_name(int status) {
    switch (status) {
    case GLIMPSE_OK: return "ok";
    case GLIMPSE_E_INVALID: return "invalid argument";
    case GLIMPSE_E_NOT_FOUND: return "not found";
    case GLIMPSE_E_IO: return "input/output error";
    case GLIMPSE_E_FORMAT: return "damaged or malformed";
    case GLIMPSE_E_UNSUPPORTED: return "not supported";
    case GLIMPSE_E_LIMIT: return "over a limit";
    case GLIMPSE_E_NOMEM: return "out of memory";
    case GLIMPSE_E_BUSY: return "busy";
    case GLIMPSE_E_CANCELLED: return "cancelled";
    case GLIMPSE_E_CORRUPT: return "library damaged";
    case GLIMPSE_E_INTERNAL: return "internal error";
    default: return "unknown status";
    }
}

int glimpse_fail(int status, const char *format, ...) {
    /* Formatted aside first: an argument may point into the current message. */
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    memcpy(last_message, message, sizeof message);
    return status;
}

int glimpse_fail_context(int status, const char *format, ...) {
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (used < 0) return status;
    size_t offset = (size_t)used < sizeof message ? (size_t)used : sizeof message - 1;
    size_t capacity = sizeof message - 1 - offset;
    (void)snprintf(message + offset, capacity + 1, ": %.*s", (int)capacity, last_message);
    memcpy(last_message, message, sizeof message);
    return status;
}

/* strerror_r comes in two kinds: POSIX's fills the buffer and returns 0, GNU's returns the text,
 * which need not be in the buffer. Which one this is depends on the C library and its macros. */
static const char *posix_reason(int result, const char *reason) {
    return result == 0 ? reason : NULL;
}
static const char *gnu_reason(const char *result, const char *reason) {
    (void)reason;
    return result;
}
#define REASON(result, reason) \
 _Generic((result), int : posix_reason, default : gnu_reason)((result), (reason))

/* Nothing that is half written is ever left where it would be taken for whole. */
const char *glimpse_errno_advice(char *out, size_t size, int error) {
    static const char again[] = "then do the same again";
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    *out = '\0';
    if (error == ENOSPC || error == EDQUOT) {
        (void)snprintf(out, size, "; make space there, %s", again);
    } else if (error == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
               limit.rlim_cur != RLIM_INFINITY) {
        (void)snprintf(out, size,
                       "; no file may have more than %llu bytes (ulimit -f): raise it, %s",
                       (unsigned long long)limit.rlim_cur, again);
    } else if (error == EFBIG) {
        (void)snprintf(out, size, "; the file system takes no larger one");
    } else if (error == EMFILE && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        (void)snprintf(out, size, "; no more than %llu may be open (ulimit -n): raise it, %s",
                       (unsigned long long)limit.rlim_cur, again);
    }
    return out;
}

int glimpse_fail_errno(const char *format, ...) {
    int error = errno;
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t offset = used < 0 ? 0 : (size_t)used;
    if (offset > sizeof message - 1) offset = sizeof message - 1;
    char buffer[128];
    const char *reason = REASON(strerror_r(error, buffer, sizeof buffer), buffer);
    char words[GLIMPSE_ADVICE_BYTES];
    const char *advice = glimpse_errno_advice(words, sizeof words, error);
    if (reason) {
        (void)snprintf(message + offset, sizeof message - offset, ": %s%s", reason, advice);
    } else {
        (void)snprintf(message + offset, sizeof message - offset, ": error %d%s", error, advice);
    }
    memcpy(last_message, message, sizeof message);
    if (error == ENOENT) return GLIMPSE_E_NOT_FOUND;
    if (error == ENOMEM) return GLIMPSE_E_NOMEM;
    return GLIMPSE_E_IO;
}

const char *glimpse_without_path(const char *message, const char *path) {
    size_t length = path ? strlen(path) : 0;
    int begins = length > 0 && strncmp(message, path, length) == 0;
    return begins && strncmp(message + length, ": ", 2) == 0 ? message + length + 2 : message;
}

const char *glimpse_foreign_message(const char *message, const char *otherwise) {
    enum { BUFFERS = 4, BYTES = 512 };
    static _Thread_local char buffers[BUFFERS][BYTES];
    static _Thread_local unsigned next;
    char *text = buffers[next++ % BUFFERS];
    size_t used = 0;
    for (const char *at = message ? message : ""; *at && used < BYTES - 1; at++) {
        const int is_blank = (unsigned char)*at <= ' ' || *at == 0x7f;
        if (is_blank && (used == 0 || text[used - 1] == ' ')) continue;
        text[used++] = (char)(is_blank ? ' ' : *at);
    }
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
    return used > 0 ? text : otherwise;
}

static void usual_wording(char *text, size_t size, const char *name, const char *value) {
    int is_call = strncmp(name, "glimpse_", 8) == 0 && !strchr(name, '.');
    if (is_call) value = NULL;
    (void)snprintf(text, size, "%s%s%s", name, value ? " = " : "", value ? value : "");
}

static _Atomic(glimpse_wording_fn) chosen_wording; /* NULL: none */

void glimpse_set_wording(glimpse_wording_fn wording) {
    chosen_wording = wording;
}

const char *glimpse_wording(const char *name, const char *value) {
    enum { BUFFERS = 4, BYTES = 512 };
    static _Thread_local char buffers[BUFFERS][BYTES];
    static _Thread_local unsigned next;
    glimpse_wording_fn wording = chosen_wording;
    char *text = buffers[next++ % BUFFERS];
    (wording ? wording : usual_wording)(text, BYTES, name, value);
    return text;
}

int glimpse_fail_nomem(unsigned long long bytes, const char *what) {
    return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory (%llu bytes for %s)", bytes, what);
}

int glimpse_fail_null(const char *call) {
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: a NULL argument", call);
}

glimpse_kept_error glimpse_error_keep(void) {
    glimpse_kept_error kept;
    memcpy(kept.message, last_message, sizeof kept.message);
    return kept;
}

void glimpse_error_restore(const glimpse_kept_error *kept) {
    memcpy(last_message, kept->message, sizeof last_message);
}

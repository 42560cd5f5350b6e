/*
 * session_shared.c - what all calls of a session share: callbacks, notes, lists, strings that live
 * as long as it does.
 */
#include "session_private.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int glimpse_session_check_cancelled(const session_control *control) {
    if (!control || !control->cancelled || !control->cancelled(control->user)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

int glimpse_session_report_progress(const session_control *control, const char *stage,
                                    uint64_t done, uint64_t total, double seconds) {
    if (!control || !control->progress) return GLIMPSE_OK;
    glimpse_progress progress = {.stage = stage,
                                 .done = done,
                                 .total = total,
                                 .total_is_final = 1,
                                 .seconds = seconds,
                                 .path = ""};
    if (!control->progress(control->user, &progress)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

void glimpse_session_note(glimpse_session *session, const char *format, ...) {
    char note[1024];
    va_list args;
    if (!session->note) return;
    va_start(args, format);
    (void)vsnprintf(note, sizeof note, format, args);
    va_end(args);
    session->note(session->user, note);
}

unsigned glimpse_session_jobs(const glimpse_session *session, unsigned jobs) {
    if (jobs == 0) jobs = session->jobs;
    if (jobs > 0) return jobs;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (unsigned)cores : 1;
}

int glimpse_session_list_add(session_list *list, void *item) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        void **items = realloc(list->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "a list");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return GLIMPSE_OK;
}

int glimpse_session_keep_string(const char **out, glimpse_session *session, char *string) {
    *out = NULL;
    if (!string) return glimpse_fail_nomem(1, "a string");
    (void)pthread_mutex_lock(&session->lock);
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < session->strings.count && !*out; i++) {
        if (strcmp(session->strings.items[i], string) == 0) *out = session->strings.items[i];
    }
    if (*out) {
        free(string);
    } else {
        status = glimpse_session_list_add(&session->strings, string);
        if (status == GLIMPSE_OK) *out = string;
        if (status < 0) free(string);
    }
    (void)pthread_mutex_unlock(&session->lock);
    return status;
}

/*
 * actions_words.c - the names of things, and what was found about a file, in words for people.
 */
#include "actions_internal.h"
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *glimpse_action_kind_name(glimpse_action_kind kind) {
    switch (kind) {
    case GLIMPSE_ACTION_MOVE: return "move";
    case GLIMPSE_ACTION_TRASH: return "trash";
    case GLIMPSE_ACTION_DELETE: return "delete";
    case GLIMPSE_ACTION_HARDLINK: return "hardlink";
    case GLIMPSE_ACTION_SYMLINK: return "symlink";
    case GLIMPSE_ACTION_REFLINK: return "reflink";
    case GLIMPSE_ACTION_WRITE: return "write";
    }
    return "unknown";
}

const char *glimpse_action_outcome_name(glimpse_action_outcome outcome) {
    switch (outcome) {
    case GLIMPSE_OUTCOME_DONE: return "done";
    case GLIMPSE_OUTCOME_MISSING: return "missing";
    case GLIMPSE_OUTCOME_CHANGED: return "changed";
    case GLIMPSE_OUTCOME_READ_ONLY: return "read-only";
    case GLIMPSE_OUTCOME_KEEPER: return "keeper";
    case GLIMPSE_OUTCOME_SAME_FILE: return "same-file";
    case GLIMPSE_OUTCOME_DIFFERENT: return "different";
    case GLIMPSE_OUTCOME_UNSUPPORTED: return "unsupported";
    case GLIMPSE_OUTCOME_OCCUPIED: return "occupied";
    case GLIMPSE_OUTCOME_FAILED: return "failed";
    case GLIMPSE_OUTCOME_LINKED: return "linked";
    case GLIMPSE_OUTCOME_COMPANION: return "companion";
    }
    return "unknown";
}

static void verdict_set(action_verdict *verdict, glimpse_action_outcome outcome, const char *format,
                        va_list args) {
    verdict->outcome = outcome;
    (void)vsnprintf(verdict->message, sizeof verdict->message, format, args);
}

int glimpse_verdict(action_verdict *verdict, glimpse_action_outcome outcome, const char *format,
                    ...) {
    va_list args;
    va_start(args, format);
    verdict_set(verdict, outcome, format, args);
    va_end(args);
    return -1;
}

int glimpse_verdict_errno(action_verdict *verdict, int error, const char *format, ...) {
    glimpse_action_outcome outcome = GLIMPSE_OUTCOME_FAILED;
    if (error == EACCES || error == EPERM || error == EROFS) outcome = GLIMPSE_OUTCOME_READ_ONLY;
    if (error == ENOENT || error == ENOTDIR) outcome = GLIMPSE_OUTCOME_MISSING;
    if (error == EXDEV || error == ENOTSUP) outcome = GLIMPSE_OUTCOME_UNSUPPORTED;
    va_list args;
    va_start(args, format);
    verdict_set(verdict, outcome, format, args);
    va_end(args);
    size_t used = strlen(verdict->message);
    char advice[GLIMPSE_ADVICE_BYTES];
    (void)snprintf(verdict->message + used, sizeof verdict->message - used, ": %s%s",
                   strerror(error), glimpse_errno_advice(advice, sizeof advice, error));
    return -1;
}

void glimpse_action_point(const glimpse_actions *actions, const char *name) {
    if (actions && actions->point) actions->point(actions->point_user, name);
}

/*
 * glimpse/messages.h - what a long call has to say while it works.
 *
 * The library never prints. What a person should know, and what is no failure of the call, goes to
 * a callback; a failure is the call's status with glimpse_last_error().
 *
 * Threads: messages of one call come one at a time, on the thread that called.
 */
#ifndef GLIMPSE_MESSAGES_H
#define GLIMPSE_MESSAGES_H

#include <glimpse/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_message_kind {
    GLIMPSE_MESSAGE_NOTE = 0, /* worth knowing; fine to leave unsaid */
    GLIMPSE_MESSAGE_PROBLEM   /* something was left out or could not be used; say it */
} glimpse_message_kind;

/* `text` is one line without a newline, valid during the call; names in it are bytes as they are on
 * disk. Called by the thread that called. */
typedef void (*glimpse_message_fn)(void *user, glimpse_message_kind kind, const char *text);

#ifdef __cplusplus
}
#endif
#endif

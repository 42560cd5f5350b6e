/*
 * tool.h - what every part of the command shares: exit codes, messages, memory.
 *
 * Results go to stdout, everything else to stderr. A program this size has no use for running on
 * without memory: the x functions report and exit with EXIT_FAILED.
 */
#ifndef GLIMPSE_TOOLS_TOOL_H
#define GLIMPSE_TOOLS_TOOL_H

#include <glimpse/status.h>

#include <stddef.h>

enum {
    EXIT_FOUND = 0,    /* found, done, all well */
    EXIT_NOTHING = 1,  /* nothing found, or differences reported */
    EXIT_USAGE = 2,    /* the command line makes no sense */
    EXIT_PARTIAL = 3,  /* done, except for files that could not be used */
    EXIT_FAILED = 4,   /* could not be done */
    EXIT_STOPPED = 130 /* stopped by Ctrl-C (or SIGTERM) after committing what was done */
};

/* Prints "glimpse: MESSAGE" on stderr, control characters made visible. */
void tool_say(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* The same, and returns EXIT_FAILED. */
int tool_fail(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* Prints the library's last error and returns EXIT_FAILED. */
int tool_fail_last(void);
/* "--quiet": tool_note() is silent from now on. */
void tool_set_quiet(int quiet);
/* Something worth knowing, no failure. */
void tool_note(const char *format, ...) GLIMPSE_PRINTF(1, 2);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) GLIMPSE_PRINTF(1, 2);

/* Clean stopping. tool_catch_stop() makes the first SIGINT or SIGTERM set the flag that
 * tool_stopped() reads, and the second one kill. */
void tool_catch_stop(void);
int tool_stopped(void);

/* Once at the start: stdin, stdout and stderr exist (a closed one must not become a database), and
 * a reader that goes away ends the program quietly. */
void tool_start(void);
/* Once at the end: stdout is written out; a failure of that is a message and EXIT_FAILED. */
int tool_finish(int code);

#endif

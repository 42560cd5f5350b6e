/*
 * tool.h - what every part of the command shares: messages, signals, the two ends of a run; with
 * exit codes and memory.
 *
 * Results go to stdout, everything else to stderr.
 */
#ifndef GLIMPSE_TOOLS_TOOL_H
#define GLIMPSE_TOOLS_TOOL_H

#include "exit_codes.h"
#include "memory.h"

#include <glimpse/messages.h>
#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

/* Prints "glimpse: MESSAGE" on stderr, control characters made visible. */
void tool_print(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* The same, and returns EXIT_FAILED. */
int tool_fail(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* Prints the library's last error and returns EXIT_FAILED. */
int tool_fail_last(void);
/* "--quiet": tool_note() is silent from now on, and no progress is drawn. */
void tool_set_quiet(int quiet);
/* Something worth knowing, no failure. */
void tool_note(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* A note that `count` directories were left out, unless it is 0. */
void tool_note_nomedia(uint64_t count);

/* What the library has to say while it works (glimpse_message_fn). */
void tool_message(void *user, glimpse_message_kind kind, const char *text);

/* Clean stopping. tool_catch_stop() makes the first SIGINT or SIGTERM set the flag that
 * tool_stopped() reads, and the second one kill; and SIGTSTP stop the process when what is under
 * way is committed, the second one at once. */
void tool_catch_stop(void);
int tool_stopped(void);

/*
 * Output. Whatever becomes of stdout, the work goes on: a reader that goes away (| head) is passed
 * over, the exit code stays that of the work; any other failure is reported by tool_finish(). Files
 * are written before anything is printed.
 */
/* For a run that does nothing but print, picture after picture: it ends with its reader. */
void tool_only_prints(void);
/* What is printed so far is written out. */
void tool_flush(void);

/* What to do about a disk that is full or a limit on the size of files, "; ..." to go behind the
 * reason; "" for everything else. Returns `out`. */
enum { TOOL_ADVICE_BYTES = 128 };
const char *tool_errno_advice(char *out, size_t size, int error);

/* Once at the start: stdin, stdout and stderr exist (a closed one must not become a database), and
 * messages of the library name the command's options, and no thread spins that nobody uses. */
void tool_start(void);
/* Once at the end: stdout is written out; a failure of that is a message and EXIT_FAILED. */
int tool_finish(int code);

#endif

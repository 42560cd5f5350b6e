/*
 * core/error.h - setting the thread's last error. Private to the library.
 *
 *     if (!file) return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no such model directory", path);
 *
 * Rules: the lowest layer that knows the file and the value writes the message; a layer above may
 * add context with glimpse_fail_context() but never overwrites it. Reporting out of memory does
 * not allocate: the buffer is part of the thread.
 */
#ifndef GLIMPSE_CORE_ERROR_H
#define GLIMPSE_CORE_ERROR_H

#include <glimpse/status.h>

/* Sets the message (printf style, cut at 1023 bytes) and returns `status`, which must be < 0. */
int glimpse_fail(int status, const char *format, ...) GLIMPSE_PRINTF(2, 3);

/* Puts "context: " in front of the current message and returns `status`. */
int glimpse_fail_context(int status, const char *format, ...) GLIMPSE_PRINTF(2, 3);

/* Like glimpse_fail, with ": " and the text of errno at the time of the call behind it. ENOENT
 * becomes GLIMPSE_E_NOT_FOUND, ENOMEM becomes GLIMPSE_E_NOMEM, everything else GLIMPSE_E_IO. A full
 * disk or quota has what to do about it behind that. */
int glimpse_fail_errno(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* What to do about a disk that is full or a limit of the system, "; ..." to go behind the reason;
 * "" for everything else. Returns `out`. glimpse_fail_errno() appends it. */
enum { GLIMPSE_ADVICE_BYTES = 128 };
const char *glimpse_errno_advice(char *out, size_t size, int error);

/* `message` without the "PATH: " that it begins with, when it does: for structs that have the path
 * in a member of its own. Part of `message`. */
const char *glimpse_without_path(const char *message, const char *path);

/* What another library says of a failure, as a part of a message: on one line, without blanks at
 * its ends (some end in a line break). `otherwise` when it says nothing. Static storage of the
 * thread, four in turn. */
const char *glimpse_foreign_message(const char *message, const char *otherwise);

/* `name` (with `value`, or NULL) as messages call it: see glimpse_set_wording(). Messages never say
 * how the command or another program calls an option:
 *
 *     glimpse_fail(GLIMPSE_E_NOT_FOUND, "no model was chosen; choose one with %s",
 *                  glimpse_wording("options.model", "DIR"));
 *
 * Static storage of the thread, four in turn. */
const char *glimpse_wording(const char *name, const char *value);

/* "out of memory (N bytes for WHAT)". */
int glimpse_fail_nomem(unsigned long long bytes, const char *what);

/* "CALL: a NULL argument", GLIMPSE_E_INVALID, of a public call: `call` is its __func__. */
int glimpse_fail_null(const char *call);

/* A call that succeeds leaves the last error alone (glimpse/status.h). Where a failure below it is
 * none above, such as a cache that has nothing yet, the message of before is put back:
 *
 *     glimpse_kept_error before = glimpse_error_keep();
 *     if (glimpse_file_map(&mapping, path) < 0) glimpse_error_restore(&before);
 */
typedef struct glimpse_kept_error {
    char message[1024];
} glimpse_kept_error;
glimpse_kept_error glimpse_error_keep(void);
void glimpse_error_restore(const glimpse_kept_error *kept);

/* clang's analyzer sees one source at a time. Told what these return, it does not follow paths on
 * which a call has failed and its caller goes on. */
#if defined __clang_analyzer__ && !defined GLIMPSE_CORE_ERROR_C
# define glimpse_fail(status, ...)         (glimpse_fail(status, __VA_ARGS__), (status))
# define glimpse_fail_context(status, ...) (glimpse_fail_context(status, __VA_ARGS__), (status))
# define glimpse_fail_errno(...)           (glimpse_fail_errno(__VA_ARGS__), GLIMPSE_E_IO)
# define glimpse_fail_nomem(...)           (glimpse_fail_nomem(__VA_ARGS__), GLIMPSE_E_NOMEM)
# define glimpse_fail_null(call)           (glimpse_fail_null(call), GLIMPSE_E_INVALID)
#endif

#endif

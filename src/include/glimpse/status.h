/*
 * glimpse/status.h - how every call of libglimpse reports success and failure.
 *
 *     glimpse_model *model = NULL;
 *     if (glimpse_model_open(&model, "data/models/demo", NULL) < 0) {
 *         fprintf(stderr, "%s\n", glimpse_last_error());
 *         return 1;
 *     }
 *
 * A function that can fail returns an int: GLIMPSE_OK (0) or one of the negative codes below.
 * The code is what a program branches on; the message says which file, which value and what to
 * do, and is meant for a person. The library never prints and never exits.
 *
 * Threads: the message belongs to the calling thread. It is replaced by that thread's next
 * failure and left alone by success.
 *
 * Ownership, for the whole library: `T **out` gives the caller an object to release with the
 * matching `_free` or `_close` (glimpse_free for a string); a returned `const T *` is borrowed from
 * its parent and dies with it. On failure `*out` is set to NULL. Release functions return void and
 * accept NULL.
 *
 * docs/api.md has the whole convention: order of arguments, options and reports, callbacks,
 * cancelling.
 */
#ifndef GLIMPSE_STATUS_H
#define GLIMPSE_STATUS_H

#if defined(__GNUC__)
# define GLIMPSE_API                 __attribute__((visibility("default")))
# define GLIMPSE_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
# define GLIMPSE_API
# define GLIMPSE_PRINTF(text, first)
#endif

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum glimpse_status {
    GLIMPSE_OK = 0,
    GLIMPSE_E_INVALID = -1,     /* an argument or a setting makes no sense */
    GLIMPSE_E_NOT_FOUND = -2,   /* the file, model, library or item does not exist */
    GLIMPSE_E_IO = -3,          /* the system refused a read, write or lock */
    GLIMPSE_E_FORMAT = -4,      /* the bytes are damaged or are not what they claim to be */
    GLIMPSE_E_UNSUPPORTED = -5, /* well-formed, but this build cannot handle it */
    GLIMPSE_E_LIMIT = -6,       /* refused because it exceeds a stated limit */
    GLIMPSE_E_NOMEM = -7,       /* out of memory */
    GLIMPSE_E_BUSY = -8,        /* another process holds the library */
    GLIMPSE_E_CANCELLED = -9,   /* stopped because the caller asked for it */
    GLIMPSE_E_CORRUPT = -10,    /* the library on disk contradicts itself */
    GLIMPSE_E_INTERNAL = -11    /* a dependency failed in a way it should not */
};

/* The calling thread's last failure, never NULL ("" when nothing failed yet). Valid until the
 * thread's next failing call. */
GLIMPSE_API const char *glimpse_last_error(void);

/*
 * How messages name the members and calls that they advise to use: "options.model" or, with a
 * value, "options.model = DIR"; "glimpse_library_reindex". A program whose own users have other
 * words for them (the glimpse command says --model DIR and glimpse reindex) sets a function that
 * writes those.
 *
 * `name` is a member as C has it, behind the usual name of what it belongs to ("options.model",
 * "settings.escalate_below") or its type ("glimpse_retrieval_options.captions"); a parameter; or
 * a call. `value` is what the member should be, or what stands for it, or NULL; with a call of a
 * session, the library that the session was opened with, when that was named. At most `size`
 * bytes may be written, with the NUL. For the whole process: set it before there are other
 * threads; NULL is the library's own way again. It is called by any thread. */
typedef void (*glimpse_wording_fn)(char *text, size_t size, const char *name, const char *value);
GLIMPSE_API void glimpse_set_wording(glimpse_wording_fn wording);

/* A short constant name for a code, such as "not found"; never NULL. */
GLIMPSE_API const char *glimpse_status_name(int status);

/* Releases memory that a call gave to the caller and that has no release function of its own, such
 * as the string of glimpse_vlm_fill. NULL is fine. */
GLIMPSE_API void glimpse_free(void *memory);

/*
 * A flag that asks running calls to stop, for `cancelled` callbacks:
 *
 *     static glimpse_cancel cancel;
 *     static int cancelled(void *user) { return glimpse_cancel_raised((glimpse_cancel *)user); }
 *     ...
 *     options.cancelled = cancelled, options.user = &cancel;
 *
 * A flag of zeros is not raised. Raising is safe from any thread and from a signal handler; it
 * stays raised until it is cleared.
 */
typedef struct glimpse_cancel {
    int raised; /* only through the calls below */
} glimpse_cancel;

GLIMPSE_API void glimpse_cancel_raise(glimpse_cancel *cancel);
/* 1 when it was raised; 0 when not, and for NULL. */
GLIMPSE_API int glimpse_cancel_raised(const glimpse_cancel *cancel);
GLIMPSE_API void glimpse_cancel_clear(glimpse_cancel *cancel);

#ifdef __cplusplus
}
#endif
#endif

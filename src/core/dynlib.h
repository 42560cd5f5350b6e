/*
 * core/dynlib.h - a library of others that is loaded when it is first needed, because linking it
 * would cost every start of a program the loading of it.
 *
 *     static struct { __typeof__(xyz_open) *open; int (*init)(void); } xyz;
 *     static const glimpse_dynlib_symbol symbols[] = {
 *         GLIMPSE_DYNLIB_SYMBOL("xyz_open", xyz.open),
 *         GLIMPSE_DYNLIB_OPTIONAL("xyz_init", xyz.init),
 *         {0},
 *     };
 *     static glimpse_dynlib library = {
 *         .name = "libxyz", .package = "libxyz1", .files = {"libxyz.so.1"}, .symbols = symbols,
 *         .mutex = PTHREAD_MUTEX_INITIALIZER};
 *     ...
 *     if (!glimpse_dynlib_load(&library)) return glimpse_dynlib_fail(&library, "XYZ pictures
 * need");
 *
 * What was loaded stays for the life of the process. Any thread.
 */
#ifndef GLIMPSE_CORE_DYNLIB_H
#define GLIMPSE_CORE_DYNLIB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

typedef struct glimpse_dynlib_symbol {
    const char *name; /* NULL: the end of the table */
    void *to;         /* the function pointer that is set */
    int optional;     /* NULL where the library has it not */
} glimpse_dynlib_symbol;

/* `pointer`: a function pointer. */
#define GLIMPSE_DYNLIB_SYMBOL(name, pointer) \
 { name, &(pointer), 0 }
#define GLIMPSE_DYNLIB_OPTIONAL(name, pointer) \
 { name, &(pointer), 1 }

enum { GLIMPSE_DYNLIB_FILES = 4, GLIMPSE_DYNLIB_REASON = 256 };

typedef struct glimpse_dynlib {
    const char *name, *package;              /* for messages: what it is, what to install */
    const char *files[GLIMPSE_DYNLIB_FILES]; /* tried in this order, up to NULL */
    const glimpse_dynlib_symbol *symbols;
    /* Optional: which version that is, major, minor and patch; one below `min_version` is not
     * used. */
    void (*version)(unsigned version[3]);
    unsigned min_version[3];
    /* Optional, the last step: NULL when the library is ready, else why not. */
    const char *(*start)(void);

    pthread_mutex_t mutex; /* PTHREAD_MUTEX_INITIALIZER */
    atomic_int state;      /* 0: not tried yet */
    char reason[GLIMPSE_DYNLIB_REASON];
} glimpse_dynlib;

/* 1 when it can be used: every symbol is set. Tried once; the answer stays. */
int glimpse_dynlib_load(glimpse_dynlib *library);
/* After 0: GLIMPSE_E_UNSUPPORTED with "XYZ pictures need libxyz, which cannot be used here: why;
 * install libxyz1". */
int glimpse_dynlib_fail(const glimpse_dynlib *library, const char *who_needs);

#endif

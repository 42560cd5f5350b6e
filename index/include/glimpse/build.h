/*
 * glimpse/build.h - what this build of libglimpse was made with, for reports and bug reports.
 *
 *     size_t count;
 *     const glimpse_build_part *parts = glimpse_build_parts(&count);
 *     for (size_t i = 0; i < count; i++) printf("%s %s\n", parts[i].name, parts[i].version);
 *
 * Threads: any.
 */
#ifndef GLIMPSE_BUILD_H
#define GLIMPSE_BUILD_H

#include <glimpse/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_build_part {
    const char *name;    /* "SQLite" */
    const char *version; /* as the library in use says it, or as the build found it */
} glimpse_build_part;

/* [*count]; static, never NULL. */
GLIMPSE_API const glimpse_build_part *glimpse_build_parts(size_t *count);

#ifdef __cplusplus
}
#endif
#endif

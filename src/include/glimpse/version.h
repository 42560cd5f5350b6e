/*
 * glimpse/version.h - which libglimpse a program was compiled with, and which one it runs with.
 *
 *     #if GLIMPSE_VERSION_NUMBER < 100              // before 0.1.0
 *     # error "libglimpse 0.1.0 or later is needed"
 *     #endif
 *     printf("compiled with %s, running with %s\n", GLIMPSE_VERSION, glimpse_version());
 *
 * The numbers below are the project's version: the build reads them from here. What each of them
 * promises is in docs/api.md.
 *
 * Threads: any.
 */
#ifndef GLIMPSE_VERSION_H
#define GLIMPSE_VERSION_H

#include <glimpse/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GLIMPSE_VERSION_MAJOR 0
#define GLIMPSE_VERSION_MINOR 1
#define GLIMPSE_VERSION_PATCH 0

#define GLIMPSE_VERSION "0.1.0"

/* 10000 * major + 100 * minor + patch: 100 for 0.1.0. */
#define GLIMPSE_VERSION_NUMBER \
 (10000 * GLIMPSE_VERSION_MAJOR + 100 * GLIMPSE_VERSION_MINOR + GLIMPSE_VERSION_PATCH)

/* The version of the library that is running, in the form of GLIMPSE_VERSION. */
GLIMPSE_API const char *glimpse_version(void);

#ifdef __cplusplus
}
#endif
#endif

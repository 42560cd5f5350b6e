/*
 * version.c - the version of the library that runs.
 */
#include <glimpse/version.h>

const char *glimpse_version(void) {
    return GLIMPSE_VERSION;
}

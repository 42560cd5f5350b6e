/*
 * version.c - which libglimpse this is.
 */
#include <glimpse/glimpse.h>

const char *glimpse_version(void) {
    return GLIMPSE_VERSION;
}

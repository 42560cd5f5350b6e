/*
 * version.c - see <glimpse/version.h>.
 */
#include <glimpse/version.h>

const char *glimpse_version(void) {
    return GLIMPSE_VERSION;
}

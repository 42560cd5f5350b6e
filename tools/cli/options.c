/*
 * options.c - see options.h.
 */
#include "options.h"

const char *const option_decodings[] = {"fast", "exact", NULL};

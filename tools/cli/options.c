/*
 * options.c - the words between which options of several commands choose.
 */
#include "options.h"

const char *const option_decodings[] = {"fast", "exact", NULL};

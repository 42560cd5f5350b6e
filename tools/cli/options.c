/*
 * options.c - the letters that options have in every command.
 */
#include "options.h"

const char *const option_decodings[] = {"fast", "exact", NULL};

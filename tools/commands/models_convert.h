/*
 * models_convert.h - glimpse models --convert.
 */
#ifndef GLIMPSE_TOOLS_MODELS_CONVERT_H
#define GLIMPSE_TOOLS_MODELS_CONVERT_H

#include <glimpse/session.h>

/* `path` is a file, a directory, or the name of an installed model; `output` may be NULL. Prints
 * what was written; the exit code. */
int models_convert(const char *path, const char *output, int json, glimpse_session *session);

#endif

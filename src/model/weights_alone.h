/*
 * model/weights_alone.h - weights without what belongs to them: what clip and open_clip keep, and
 * what people download by hand.
 */
#ifndef GLIMPSE_MODEL_WEIGHTS_ALONE_H
#define GLIMPSE_MODEL_WEIGHTS_ALONE_H

#include <stddef.h>

/* Fails for the file at `path`, which was given as a model and begins with `bytes`: says what it is
 * and what to do. */
int glimpse_weights_fail_file(const char *path, const void *bytes, size_t size);
/* Fails for a directory without a configuration, which may have such a file in it. */
int glimpse_weights_fail_directory(const char *directory);

#endif

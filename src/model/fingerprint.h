/*
 * model/fingerprint.h - which vectors may be compared: a hash over everything that decides them.
 */
#ifndef GLIMPSE_MODEL_FINGERPRINT_H
#define GLIMPSE_MODEL_FINGERPRINT_H

#include "core/hash.h"
#include "model/config.h"
#include "model/tensors.h"

/* `hex` [33]. `image` has the image tower where it is not in `tensors`; else NULL. Reads every byte
 * of the weights unless the user's cache directory knows files of the same identity (path, device,
 * inode, size, mtime, ctime). */
int glimpse_fingerprint(char *hex, const char *directory, const glimpse_model_config *config,
                        const glimpse_tensors *tensors, const glimpse_tensors *image);

#endif

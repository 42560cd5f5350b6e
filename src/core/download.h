/*
 * core/download.h - files that are there but are not what their name says: what a download, a clone
 * or another program left in place of the files of a model.
 *
 * Recognised by their first bytes, whatever they are called, so that the message says what to do
 * rather than which byte is wrong.
 */
#ifndef GLIMPSE_CORE_DOWNLOAD_H
#define GLIMPSE_CORE_DOWNLOAD_H

#include <stddef.h>

/* Of any file of a model: fails (GLIMPSE_E_FORMAT) for a git-lfs pointer and for a web page, naming
 * the file and how to get it. GLIMPSE_OK for everything else. */
int glimpse_download_check(const char *path, const void *data, size_t size);

/* What format of weights that glimpse does not read these bytes begin with: "ONNX", ...; NULL when
 * none is recognised. A zip archive, a safetensors file and a pickle are none of them. */
const char *glimpse_download_format(const void *data, size_t size);

/* Of a file that should hold weights: the above, and GLIMPSE_E_UNSUPPORTED for another format. */
int glimpse_download_check_weights(const char *path, const void *data, size_t size);

/* What is to be done instead, to end a message: "get ..., for example with glimpse pull ORG/NAME";
 * thread's static storage. */
const char *glimpse_download_advice(void);

/* As glimpse_file_read(), for a file of a model: what glimpse_download_check() refuses is not
 * handed out. */
int glimpse_download_read(void **out, size_t *size, const char *path, size_t limit);

#endif

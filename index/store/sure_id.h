/*
 * index/store/sure_id.h - the content id of a file that the library knows, without reading it.
 * Private to the library.
 */
#ifndef GLIMPSE_INDEX_SURE_ID_H
#define GLIMPSE_INDEX_SURE_ID_H

#include <glimpse/library.h>

/* The id of a result when its file has the size and the time it was indexed with, else NULL. */
const char *glimpse_sure_id(const glimpse_result *result);

#endif

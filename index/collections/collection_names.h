/*
 * collection_names.h - names of tags and albums as they are kept.
 */
#ifndef GLIMPSE_INDEX_COLLECTION_NAMES_H
#define GLIMPSE_INDEX_COLLECTION_NAMES_H

#include <glimpse/tags.h>

/* `name` without the blanks around it and around its parts. GLIMPSE_E_INVALID for what is none. */
int glimpse_collection_name_clean(char out[GLIMPSE_COLLECTION_NAME_MAX + 1], const char *name);

#endif

/*
 * list_out.h - the pictures of a list, one after the other, in the forms that scripts and people
 * read.
 */
#ifndef GLIMPSE_TOOLS_LIST_OUT_H
#define GLIMPSE_TOOLS_LIST_OUT_H

#include <glimpse/listing.h>

typedef struct list_out {
    int json, tsv, paths, nul;
} list_out;

/* One picture, a line (--print0: up to a NUL byte). */
void list_out_print(const list_out *o, const glimpse_listed *picture);

#endif

/*
 * writeback.h - what the library knows of a picture, and where it is written; for the session, and
 * what the files of this directory share.
 */
#ifndef GLIMPSE_INDEX_WRITEBACK_H
#define GLIMPSE_INDEX_WRITEBACK_H

#include "metadata/xmp_edit.h"

#include <glimpse/session_write.h>

/* A run. `actions` NULL: a preview. The options are checked. */
int glimpse_writeback_run(glimpse_write_report *report, glimpse_library *library,
                          glimpse_actions *actions, const glimpse_write_options *options,
                          glimpse_write_fn each, void *user);

/* scratch_file.c */
int glimpse_writeback_write_file(const char *path, const void *bytes, size_t size);

/*
 * sources.c: the library's words for a picture. A new source is a row of the table there and a bit
 * of glimpse/session_write.h.
 */
typedef struct writeback_texts {
    char **items;
    size_t count, capacity;
} writeback_texts;

typedef struct writeback_picture {
    char *path;
    char *metadata; /* JSON */
    char format[16];
    int has_gps, dated_by_file;
    double latitude, longitude;
    /* glimpse_writeback_load */
    glimpse_xmp_item *items;
    size_t item_count, item_capacity;
    writeback_texts texts; /* what the items point into */
    writeback_texts keywords, hierarchical;
    const char *description, *title;
} writeback_picture;

void glimpse_writeback_picture_free(writeback_picture *picture);
int glimpse_writeback_load(writeback_picture *picture, glimpse_library *library,
                           const glimpse_write_options *options);
/* [*count] of the sources that were asked. */
const char *const *glimpse_writeback_sources(size_t *count, const char *names[8], unsigned what);

/*
 * sidecar_path.c
 */
/* malloc'ed: the sidecar of a picture that is there, or is to be made. GLIMPSE_E_UNSUPPORTED with a
 * message when this program reads none of such a file. */
int glimpse_writeback_sidecar(char **out, int *is_there, const char *path,
                              glimpse_write_target target);

/*
 * embedded.c
 */
/* GLIMPSE_E_UNSUPPORTED with a message when exiftool is not there. */
int glimpse_writeback_check_program(void);
/* Whether a file of this format is written into; a message says why not. */
int glimpse_writeback_check_format(const char *format);
/* malloc'ed: the file `path`, whose bytes are `data` [size], with this packet. `scratch`: a file
 * that may be written, without a percent sign in its path: that begins a code of exiftool's. */
int glimpse_writeback_embed(void **out, size_t *out_size, const char *path, const void *data,
                            size_t size, const char *packet, size_t packet_size,
                            const char *scratch);

#endif

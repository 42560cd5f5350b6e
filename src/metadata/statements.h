/*
 * metadata/statements.h - everything that the blocks of a file say, a value at a time, whether this
 * program has a use for it or not: for those who ask what would be lost with a file.
 */
#ifndef GLIMPSE_METADATA_STATEMENTS_H
#define GLIMPSE_METADATA_STATEMENTS_H

#include "metadata/fields.h"

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_statement_source {
    GLIMPSE_STATEMENT_EXIF, /* IFD0 and the EXIF directory */
    GLIMPSE_STATEMENT_GPS,
    GLIMPSE_STATEMENT_IPTC,
    GLIMPSE_STATEMENT_XMP
} glimpse_statement_source;

typedef struct glimpse_statement {
    glimpse_statement_source source;
    unsigned tag;      /* of EXIF and GPS; of IPTC 256 * record + data set; of XMP 0 */
    const char *space; /* XMP: of the property of the picture; else "" */
    const char *name;  /* XMP: that property, and below it with slashes what is in it: names without
                          their spaces; else "" */
    const char *text;  /* numbers as decimals, each one of a list a statement of its own; text in
                          UTF-8; NULL for bytes that are neither */
    const uint8_t *data;
    size_t size; /* of `data`, where text is NULL */
} glimpse_statement;

typedef void (*glimpse_statement_fn)(void *user, const glimpse_statement *statement);

/* Of a picture file. 0, or 1 when memory was short and something was left out. */
int glimpse_statements_visit(const uint8_t *data, size_t size, glimpse_statement_fn visit,
                             void *user);
/* Of an XMP packet, or a sidecar. */
int glimpse_statements_visit_xmp(const uint8_t *data, size_t size, glimpse_statement_fn visit,
                                 void *user);

#endif

/*
 * metadata/fields.h - what one block (EXIF, an XMP packet, IPTC) says, before the blocks are made
 * one. Private to this directory.
 *
 * Setting a field that has a value already changes nothing: within a block the first one counts.
 */
#ifndef GLIMPSE_METADATA_FIELDS_H
#define GLIMPSE_METADATA_FIELDS_H

#include "metadata/moment.h"

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_date_kind {
    GLIMPSE_DATE_ORIGINAL = 0,
    GLIMPSE_DATE_CREATED, /* photoshop:DateCreated, IPTC's DateCreated */
    GLIMPSE_DATE_DIGITIZED,
    GLIMPSE_DATE_XMP_CREATED, /* xmp:CreateDate, a PNG's Creation Time */
    GLIMPSE_DATE_MODIFIED,
    GLIMPSE_DATE_KINDS
} glimpse_date_kind;

typedef struct glimpse_texts {
    char **items;
    size_t count, capacity;
} glimpse_texts;

typedef enum glimpse_text_field {
    GLIMPSE_TEXT_MAKE,
    GLIMPSE_TEXT_MODEL,
    GLIMPSE_TEXT_LENS,
    GLIMPSE_TEXT_LABEL,
    GLIMPSE_TEXT_TITLE,
    GLIMPSE_TEXT_DESCRIPTION,
    GLIMPSE_TEXT_COPYRIGHT,
    GLIMPSE_TEXT_FIELDS
} glimpse_text_field;

typedef enum glimpse_list_field {
    GLIMPSE_LIST_CREATORS,
    GLIMPSE_LIST_KEYWORDS,
    GLIMPSE_LIST_HIERARCHICAL,
    GLIMPSE_LIST_FIELDS
} glimpse_list_field;

typedef struct glimpse_fields {
    glimpse_moment dates[GLIMPSE_DATE_KINDS]; /* text "" where there is none */
    char *texts[GLIMPSE_TEXT_FIELDS];         /* NULL where there is none */
    glimpse_texts lists[GLIMPSE_LIST_FIELDS];
    double focal_length, aperture, exposure; /* 0: absent */
    uint32_t iso;
    int has_flash, flash, orientation, has_rating;
    double rating;
    int has_gps, has_altitude;
    double latitude, longitude, altitude;
    glimpse_person *people; /* names are owned */
    size_t people_count, people_capacity;
    int nomem;
} glimpse_fields;

void glimpse_fields_free(glimpse_fields *fields);

/* Text in UTF-8, or else Latin-1, up to a NUL: control characters become blanks, ends are trimmed.
 * Empty text is none. */
void glimpse_fields_set(glimpse_fields *fields, glimpse_text_field field, const char *text,
                        size_t length);
void glimpse_fields_add(glimpse_fields *fields, glimpse_list_field field, const char *text,
                        size_t length);
void glimpse_fields_date(glimpse_fields *fields, glimpse_date_kind kind, const char *text,
                         size_t length, int partial);
/* As people write it: with the name of its month. */
void glimpse_fields_date_in_words(glimpse_fields *fields, glimpse_date_kind kind, const char *text,
                                  size_t length);
/* Degrees with their sign. */
void glimpse_fields_place(glimpse_fields *fields, double latitude, double longitude);
void glimpse_fields_person(glimpse_fields *fields, const char *name, const double region[4]);

/* The blocks. */
typedef enum glimpse_tiff_kind {
    GLIMPSE_TIFF_WHOLE,
    GLIMPSE_TIFF_EXIF,
    GLIMPSE_TIFF_GPS
} glimpse_tiff_kind;

/* A TIFF structure. `kind`: what its first directory is; WHOLE: IFD0 with pointers to the others.
 */
void glimpse_exif_parse(glimpse_fields *fields, const uint8_t *data, size_t size,
                        glimpse_tiff_kind kind);
void glimpse_xmp_parse(glimpse_fields *fields, const uint8_t *data, size_t size);
void glimpse_iptc_parse(glimpse_fields *fields, const uint8_t *data, size_t size);

#endif

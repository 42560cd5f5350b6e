/*
 * glimpse/sys/metadata.h - what a picture file says about its picture: EXIF, XMP and IPTC in one
 * struct.
 *
 *     glimpse_metadata *m = NULL;
 *     if (glimpse_metadata_load(&m, "photo.jpg") < 0) ...
 *     printf("%s with %s\n", m->taken, m->model);
 *     glimpse_metadata_free(m);
 *
 * Read from JPEG, PNG, WebP, HEIC, AVIF, TIFF and what is built on it (DNG and most other raw
 * files), CR3, JPEG XL with plain boxes, PSD and GIF. Nothing is decoded; damaged blocks are no
 * failure: what can be read is kept. Text is UTF-8: EXIF and IPTC text that is not, is taken as
 * Latin-1.
 *
 * Where several blocks have a field, the first of these that has it counts:
 *
 *   date          EXIF DateTimeOriginal, EXIF DateTimeDigitized (each in its own directory, or
 *                 astray in IFD0), XMP exif:DateTimeOriginal, photoshop:DateCreated,
 *                 exif:DateTimeDigitized, xmp:CreateDate, IPTC DateCreated and TimeCreated, IPTC
 *                 DigitalCreationDate and ...Time, the text "Creation Time" of a PNG, EXIF
 *                 DateTime, XMP tiff:DateTime. Of XMP, the embedded packet counts before the
 *                 sidecar. Offset and sub-seconds are those of the date that counts.
 *   camera, lens, exposure, place
 *                 EXIF, embedded XMP, sidecar: what the camera wrote.
 *   orientation   EXIF alone, by which everybody turns pictures.
 *   title, description, creator, copyright, rating, colour label, keywords, people
 *                 sidecar, embedded XMP, IPTC, EXIF: what people wrote, in the form that keeps all
 *                 of it. (EXIF last: cameras fill ImageDescription with their own name, and it is
 *                 ASCII by its specification.) Lists are taken whole from one of them, not mixed;
 *                 flat and hierarchical keywords, and people, each for themselves.
 *
 * Sidecars are `a.jpg.xmp` and `a.xmp` beside `a.jpg`, with `.XMP` or `.Xmp` just as well; where
 * both are, the first counts before the second.
 *
 * Dates are kept as written, without a zone. Months, days and hours that do not exist (30 February)
 * are no date, zeros and blanks neither. Missing seconds or a missing time are zeros;
 * `taken_precision` says so. One-digit fields, other separators and padding are read.
 *
 * Threads: a struct is plain data. Reading different files in different threads is safe.
 */
#ifndef GLIMPSE_METADATA_H
#define GLIMPSE_METADATA_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the date of a picture comes from; the numbers are stored. */
typedef enum glimpse_taken_from {
    GLIMPSE_TAKEN_UNKNOWN = 0, /* no date */
    GLIMPSE_TAKEN_EXIF = 1,
    GLIMPSE_TAKEN_XMP = 2,  /* or IPTC or a PNG's text, which XMP's specification makes it of */
    GLIMPSE_TAKEN_NAME = 3, /* the name of the file */
    GLIMPSE_TAKEN_FILE = 4  /* the time of the last change, in local time */
} glimpse_taken_from;

typedef enum glimpse_taken_precision {
    GLIMPSE_PRECISION_SECOND = 0,
    GLIMPSE_PRECISION_MINUTE,
    GLIMPSE_PRECISION_DAY,
    GLIMPSE_PRECISION_MONTH,
    GLIMPSE_PRECISION_YEAR
} glimpse_taken_precision;

/* A person in the picture. The region is that of MWG: its middle and its sides, as parts of the
 * picture's width and height. */
typedef struct glimpse_person {
    const char *name; /* "" for a face that nobody named */
    int has_region;
    double x, y, width, height;
} glimpse_person;

typedef struct glimpse_text_list {
    const char *const *items;
    size_t count;
} glimpse_text_list;

/* Texts are "" when absent. Made by the library alone: members may come at the end. */
typedef struct glimpse_metadata {
    char taken[32]; /* "2021-05-30T14:03:59" or "" */
    glimpse_taken_from taken_from;
    glimpse_taken_precision taken_precision;
    int taken_is_modification; /* 1: EXIF DateTime or its like, which editors set when they save */
    int has_offset;
    int offset_minutes;  /* of local time from UTC: 330 for +05:30 */
    char subseconds[12]; /* digits behind the seconds, as written */
    int orientation;     /* 1..8; 1 when absent or out of range */
    const char *make, *model, *lens;
    double focal_length; /* mm; 0: absent, as for the next three */
    double aperture;     /* f-number */
    double exposure;     /* seconds */
    uint32_t iso;
    int flash;   /* EXIF's Flash; bit 0: it fired. -1: absent */
    int has_gps; /* 1 when both coordinates are present, valid and not exactly 0,0 */
    int has_altitude;
    double latitude, longitude, altitude; /* signed degrees; metres above the sea */
    int has_rating;
    double rating;     /* 0..5, -1: rejected */
    const char *label; /* "Red" */
    const char *title, *description, *copyright;
    glimpse_text_list creators, keywords;
    glimpse_text_list hierarchical; /* "animal|dog" */
    const glimpse_person *people;
    size_t people_count;
} glimpse_metadata;

/* From the `size` bytes of a picture file, without sidecars. GLIMPSE_E_NOMEM is the only failure: a
 * file that says nothing, or is no picture, gives an empty struct. */
GLIMPSE_API int glimpse_metadata_read(glimpse_metadata **out, const void *data, size_t size);

/* The same with the sidecars of a file of this name, which itself is not opened. Sidecars that
 * cannot be read, and such of more than 16 MB, are left out. `path` may be NULL. */
GLIMPSE_API int glimpse_metadata_read_beside(glimpse_metadata **out, const void *data, size_t size,
                                             const char *path);

/* From a file and its sidecars. GLIMPSE_E_NOT_FOUND, GLIMPSE_E_IO; GLIMPSE_E_LIMIT for more than 4
 * GB. */
GLIMPSE_API int glimpse_metadata_load(glimpse_metadata **out, const char *path);

/* A number that changes when a sidecar of `path` comes, goes or is written; 0: there is none. Looks
 * at sizes and times, opens nothing. */
GLIMPSE_API int64_t glimpse_sidecar_stamp(const char *path);

GLIMPSE_API void glimpse_metadata_free(glimpse_metadata *metadata);

/* "exif", "xmp", "name", "file"; "" for GLIMPSE_TAKEN_UNKNOWN and other numbers. */
GLIMPSE_API const char *glimpse_taken_from_name(glimpse_taken_from from);

/* The date in a file's name (of a path, the last part): "IMG_20190704_101502.jpg", "2019-07-04
 * 10.15.02.png", "Screenshot 2019-07-04 at 9.15.02 PM" in any language, "IMG-20190704-WA0003.jpg".
 * 1 and "2019-07-04T10:15:02" (zeros for a time that is not there), or 0. A part of a longer
 * number, of a hash or of a version is no date. */
GLIMPSE_API int glimpse_date_of_name(char taken[32], const char *path);

/* Minutes from UTC of that date, where the name says so: "PXL_20190704_101502123.jpg", whose kind
 * is in UTC, "20190704T101502Z.jpg". 1 or 0. */
GLIMPSE_API int glimpse_offset_of_name(int *minutes, const char *path);

/* "NIKON D70" of "NIKON CORPORATION" and "NIKON D70", "Apple iPhone 4" of "Apple" and "iPhone 4":
 * make and model without saying the make twice. Cut to `capacity` bytes with their NUL. */
GLIMPSE_API void glimpse_camera_name(char *out, size_t capacity, const char *make,
                                     const char *model);

/* "+05:30" of 330. */
GLIMPSE_API void glimpse_offset_text(char text[8], int minutes);

#ifdef __cplusplus
}
#endif
#endif

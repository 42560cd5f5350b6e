/*
 * xmp.h - XMP sidecars: files beside pictures that photo programs read.
 *
 * PICTURE.jpg gets PICTURE.jpg.xmp (the naming of darktable and digiKam, and the one that tells
 * a.jpg from a.png). A sidecar that is there already belongs to somebody: a photo program's edits,
 * ratings, keywords. It is never changed. The exception is a sidecar that glimpse wrote and nobody
 * changed since: its last line is a comment with a hash (FNV-1a, 64 bits) of all that stands before
 * it. Such a one is brought up to date part by part: labels do not lose the description, captions
 * do not lose the keywords. Each is written whole under another name first.
 * Private.
 */
#ifndef GLIMPSE_INDEX_XMP_H
#define GLIMPSE_INDEX_XMP_H

#include <stddef.h>

/* Beside the picture (`directory` NULL), or below a directory under its path as it is seen from
 * `relative_to` (NULL: its absolute one; `keep_outside`: one that is not below there as it is
 * given). NULL when out of memory. Free it. */
char *glimpse_xmp_path(const char *directory, const char *relative_to, const char *picture,
                       int keep_outside);

typedef enum glimpse_xmp_state {
    GLIMPSE_XMP_NONE = 0,
    GLIMPSE_XMP_OURS,
    GLIMPSE_XMP_FOREIGN
} glimpse_xmp_state;

/* What is at `path`, or GLIMPSE_E_NOMEM; *text is its text when it is ours, else NULL: free it. */
int glimpse_xmp_look_at(char **text, const char *path);

/* The properties a sidecar of ours has, in the order they are written. */
typedef enum glimpse_xmp_property {
    GLIMPSE_XMP_SUBJECT = 0, /* dc:subject, a bag of keywords */
    GLIMPSE_XMP_HIERARCHY,   /* lr:hierarchicalSubject, "animal|dog|terrier" */
    GLIMPSE_XMP_DESCRIPTION, /* dc:description */
    GLIMPSE_XMP_ALT_TEXT,    /* Iptc4xmpCore:AltTextAccessibility */
    GLIMPSE_XMP_PROPERTIES
} glimpse_xmp_property;

/* Each is NULL or a malloc'ed piece of XML, from the opening to the closing tag and its newline. */
typedef struct glimpse_xmp_parts {
    char *parts[GLIMPSE_XMP_PROPERTIES];
} glimpse_xmp_parts;

/* Takes the parts of a sidecar of ours (NULL: none) apart; free them also when it fails. */
int glimpse_xmp_parts_read(glimpse_xmp_parts *parts, const char *text);
void glimpse_xmp_parts_free(glimpse_xmp_parts *parts);
/* Replaces a part: removed when `count` is 0. `items` [count]: a bag has any number, a text (as
 * GLIMPSE_XMP_DESCRIPTION) one, in the default language. */
int glimpse_xmp_parts_set(glimpse_xmp_parts *parts, glimpse_xmp_property property,
                          const char *const *items, size_t count);
/* The keywords in GLIMPSE_XMP_SUBJECT as they were put in: a list with *capacity for more
 * (glimpse_grown), malloc'ed and so is each. */
int glimpse_xmp_parts_keywords(char ***words, size_t *count, size_t *capacity,
                               const glimpse_xmp_parts *parts);

/* Writes the sidecar, with the directories above it; removes it when there are no parts. `path`
 * is changed and changed back. */
int glimpse_xmp_write(char *path, const glimpse_xmp_parts *parts);

#endif

/*
 * xmp_out.h - XMP sidecars: files beside pictures that photo programs read.
 *
 * PICTURE.jpg gets PICTURE.jpg.xmp (the naming of darktable and digiKam, and the one that tells
 * a.jpg from a.png). A sidecar that is there already belongs to somebody: a photo program's edits,
 * ratings, keywords. It is never changed. The exception is a sidecar that glimpse wrote and nobody
 * changed since: its last line is a comment with a hash (FNV-1a, 64 bits) of all that stands before
 * it. Such a one is brought up to date part by part: labels do not lose the description, captions
 * do not lose the keywords. Each is written whole under another name first.
 */
#ifndef GLIMPSE_TOOLS_XMP_OUT_H
#define GLIMPSE_TOOLS_XMP_OUT_H

#include <stddef.h>
#include <stdio.h>

typedef enum xmp_state { XMP_NONE, XMP_OURS, XMP_FOREIGN } xmp_state;

/* What is at `path`; *text (may be NULL as an argument) is its text when it is ours: free it. */
xmp_state xmp_look_at(const char *path, char **text);

/* The properties a sidecar of ours has, in the order they are written. */
typedef enum xmp_property {
    XMP_SUBJECT = 0, /* dc:subject, a bag of keywords */
    XMP_HIERARCHY,   /* lr:hierarchicalSubject, "animal|dog|terrier" */
    XMP_DESCRIPTION, /* dc:description */
    XMP_ALT_TEXT,    /* Iptc4xmpCore:AltTextAccessibility */
    XMP_PROPERTIES
} xmp_property;

/* Each is NULL or a malloc'ed piece of XML, from the opening to the closing tag and its newline. */
typedef struct xmp_parts {
    char *parts[XMP_PROPERTIES];
} xmp_parts;

/* Takes the parts of a sidecar of ours (NULL: none) apart. */
void xmp_parts_read(xmp_parts *parts, const char *text);
void xmp_parts_free(xmp_parts *parts);
int xmp_parts_empty(const xmp_parts *parts);
/* Replaces a part: removed when `count` is 0. `items` [count]: a bag has any number, a text (as
 * XMP_DESCRIPTION) one, in the default language. */
void xmp_parts_set(xmp_parts *parts, xmp_property property, const char *const *items, size_t count);
/* The keywords in XMP_SUBJECT, malloc'ed, as they were put in. */
char **xmp_parts_keywords(const xmp_parts *parts, size_t *count);

/* Writes the sidecar, with the folders above it; removes it when there are no parts. 0, or -1 with
 * errno. */
int xmp_write(char *path, const xmp_parts *parts);

#endif

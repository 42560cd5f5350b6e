/*
 * metadata/xmp_scan.h - where in an XMP packet the properties are that are written. Private to this
 * directory.
 */
#ifndef GLIMPSE_METADATA_XMP_SCAN_H
#define GLIMPSE_METADATA_XMP_SCAN_H

#include <stddef.h>

#define GLIMPSE_NS_RDF       "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#define GLIMPSE_NS_DC        "http://purl.org/dc/elements/1.1/"
#define GLIMPSE_NS_XMP       "http://ns.adobe.com/xap/1.0/"
#define GLIMPSE_NS_EXIF      "http://ns.adobe.com/exif/1.0/"
#define GLIMPSE_NS_LIGHTROOM "http://ns.adobe.com/lightroom/1.0/"
#define GLIMPSE_NS_DIGIKAM   "http://www.digikam.org/ns/1.0/"
#define GLIMPSE_NS_NOTE      "http://ns.adobe.com/xmp/note/"
/* A name and no address: `invalid` is nobody's domain, and never will be (RFC 6761). */
#define GLIMPSE_NS_WRITTEN "http://glimpse.invalid/written/1.0/"

typedef enum glimpse_xmp_property {
    GLIMPSE_XMP_P_SUBJECT = 0,
    GLIMPSE_XMP_P_HIERARCHICAL,
    GLIMPSE_XMP_P_TAGS_LIST,
    GLIMPSE_XMP_P_WRITTEN,
    GLIMPSE_XMP_P_DESCRIPTION,
    GLIMPSE_XMP_P_TITLE,
    GLIMPSE_XMP_P_RATING,
    GLIMPSE_XMP_P_LABEL,
    GLIMPSE_XMP_P_LATITUDE,
    GLIMPSE_XMP_P_LONGITUDE,
    GLIMPSE_XMP_P_EXTENDED, /* xmpNote:HasExtendedXMP: the rest is elsewhere */
    GLIMPSE_XMP_PROPERTIES
} glimpse_xmp_property;

typedef struct glimpse_xmp_property_name {
    const char *space, *prefix, *name;
    const char *container; /* "Bag", "Seq", "Alt"; NULL: a simple value */
} glimpse_xmp_property_name;
extern const glimpse_xmp_property_name glimpse_xmp_property_names[GLIMPSE_XMP_PROPERTIES];

typedef struct glimpse_xmp_span {
    size_t begin, end;
} glimpse_xmp_span;

typedef struct glimpse_xmp_list_item {
    glimpse_xmp_span span; /* the element */
    char *text;            /* trimmed */
    char language[16];     /* "x-default", "" */
} glimpse_xmp_list_item;

typedef enum glimpse_xmp_form {
    GLIMPSE_XMP_ABSENT = 0,
    GLIMPSE_XMP_ATTRIBUTE,
    GLIMPSE_XMP_SIMPLE, /* an element with text */
    GLIMPSE_XMP_LIST,
    GLIMPSE_XMP_OTHER, /* a struct, a list that is none */
    GLIMPSE_XMP_TWICE
} glimpse_xmp_form;

typedef struct glimpse_xmp_found {
    glimpse_xmp_form form;
    glimpse_xmp_span span;      /* of the element, or of the attribute with the blanks before it */
    char *text;                 /* ATTRIBUTE, SIMPLE: trimmed */
    glimpse_xmp_span container; /* LIST: its start tag */
    size_t container_end;       /* where its end tag begins; of an empty element 0 */
    glimpse_xmp_list_item *items;
    size_t item_count, item_capacity;
} glimpse_xmp_found;

typedef struct glimpse_xmp_scan {
    glimpse_xmp_found found[GLIMPSE_XMP_PROPERTIES];
    int has_rdf;
    glimpse_xmp_span rdf_start; /* the start tag of rdf:RDF */
    size_t rdf_end;             /* where its end tag begins; of an empty element 0 */
    char *about;                /* of the first rdf:Description; NULL: there is none */
} glimpse_xmp_scan;

/* White space of XML. */
static inline int glimpse_xmp_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
/* malloc'ed, without blanks at its ends; NULL when out of memory. */
char *glimpse_xmp_trimmed(const char *text, size_t length);

/* Free it in any case. */
int glimpse_xmp_scan_packet(glimpse_xmp_scan *out, const char *packet, size_t size);
void glimpse_xmp_scan_free(glimpse_xmp_scan *scan);

#endif

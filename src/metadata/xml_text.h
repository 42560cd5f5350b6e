/*
 * metadata/xml_text.h - the text of an element, which a parser of XML hands over in pieces.
 */
#ifndef GLIMPSE_METADATA_XML_TEXT_H
#define GLIMPSE_METADATA_XML_TEXT_H

#include <stddef.h>

typedef struct glimpse_xml_text {
    char *bytes; /* free() it */
    size_t used, capacity;
} glimpse_xml_text;

/* Adds a piece, of all of them at most `limit` - 1 bytes: the rest is cut. There is room for a NUL
 * behind. 0 when out of memory. */
int glimpse_xml_text_add(glimpse_xml_text *to, const char *piece, size_t count, size_t limit);

#endif

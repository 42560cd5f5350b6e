/*
 * metadata/xmp_edit.h - adding to an XMP packet, with every byte kept that is not about it.
 *
 *     glimpse_xmp_item items[] = {{"labels", GLIMPSE_XMP_KEYWORD, "dog"},
 *                                 {"captions", GLIMPSE_XMP_DESCRIPTION, "a dog in the snow"}};
 *     glimpse_xmp_edit edit = {.items = items, .item_count = 2, .sources = sources, ...};
 *     glimpse_xmp_edited edited;
 *     if (glimpse_xmp_edit_packet(&edited, packet, size, &edit) < 0) ...
 *     if (edited.size > 0) ...                       // 0: there is nothing to change
 *     glimpse_xmp_edited_free(&edited);
 *
 * The packet is not written anew: it is read with the offsets of what is looked for, and pieces are
 * taken out and put in. What programs keep there (histories, regions, their own lists) stays byte
 * for byte.
 *
 * What was written is listed in the packet itself, in glimpse:Written, as "SOURCE FIELD VALUE". An
 * item that is listed and still has that value is ours: it is replaced or removed when its source
 * says something else now. All else is somebody's:
 *   - keywords are added to those there are, in each list of keywords that there is (dc:subject,
 *     lr:hierarchicalSubject, digiKam:TagsList); dc:subject is made where it is not, the others
 * only for keywords with a hierarchy ("animal|dog");
 *   - a description or title is written where there is none; rating, colour label and place where
 *     they are absent; with `overwrite`, over what is there;
 *   - what is listed and gone was removed by somebody, and is not written again, without
 *     `overwrite`.
 */
#ifndef GLIMPSE_METADATA_XMP_EDIT_H
#define GLIMPSE_METADATA_XMP_EDIT_H

#include <stddef.h>

typedef enum glimpse_xmp_field {
    GLIMPSE_XMP_KEYWORD = 0, /* "dog", "animal|dog" */
    GLIMPSE_XMP_DESCRIPTION,
    GLIMPSE_XMP_TITLE,
    GLIMPSE_XMP_RATING, /* "4" */
    GLIMPSE_XMP_LABEL,  /* "Red" */
    GLIMPSE_XMP_PLACE,  /* "38.711300 -9.136700" */
    GLIMPSE_XMP_FIELDS
} glimpse_xmp_field;

/* "keyword", "description", ... */
const char *glimpse_xmp_field_name(glimpse_xmp_field field);

typedef struct glimpse_xmp_item {
    const char *source; /* one word */
    glimpse_xmp_field field;
    const char *text; /* UTF-8, not empty */
} glimpse_xmp_item;

typedef struct glimpse_xmp_edit {
    const glimpse_xmp_item *items; /* [item_count]; of one field but keywords the first counts */
    size_t item_count;
    const char *const *sources; /* [source_count] those that the items are all of: what is listed of
                                   them and not among the items goes */
    size_t source_count;
    /* What the picture is known to say elsewhere: a list that is made begins with these, and a text
     * that is known is not hidden by another one. */
    const char *const *keywords, *const *hierarchical;
    size_t keyword_count, hierarchical_count;
    const char *description, *title; /* "": none is known */
    int is_digikam;                  /* hierarchies are written to digiKam's list, too */
    int overwrite;
    int is_packet; /* a packet that is made is for a file's inside, and has its wrapper */
} glimpse_xmp_edit;

typedef enum glimpse_xmp_change_kind {
    GLIMPSE_XMP_ADDED = 0,
    GLIMPSE_XMP_REMOVED,
    GLIMPSE_XMP_REPLACED,
    GLIMPSE_XMP_KEPT /* somebody else's is there, or somebody removed it */
} glimpse_xmp_change_kind;

typedef struct glimpse_xmp_change {
    glimpse_xmp_change_kind kind;
    glimpse_xmp_field field;
    char *text;
} glimpse_xmp_change;

typedef struct glimpse_xmp_edited {
    char *bytes; /* NULL: nothing to change */
    size_t size;
    glimpse_xmp_change *changes;
    size_t change_count, change_capacity;
} glimpse_xmp_edited;

/* `packet` NULL: there is none, one is made. GLIMPSE_E_FORMAT for what is not XMP, or has a
 * property in a form that nobody writes; GLIMPSE_E_UNSUPPORTED for other encodings than UTF-8 and
 * documents that declare entities; GLIMPSE_E_NOMEM. Nothing is changed then. */
int glimpse_xmp_edit_packet(glimpse_xmp_edited *out, const char *packet, size_t size,
                            const glimpse_xmp_edit *edit);
void glimpse_xmp_edited_free(glimpse_xmp_edited *edited);

#endif

/*
 * core/companions.h - the files that belong to a picture by their names: the one list of those who
 * ask what a picture holds, and of those who take along what belongs to one.
 *
 *     a.mov, a_HEVC.mov, a.jpg.mov     the video of a live photo a.jpg
 *     a.wav                            what was said to it
 *     a.dng                            the RAW beside a JPEG
 *     a.xmp, a.jpg.xmp, aO.aae         sidecars
 *
 * Capitals do not matter.
 */
#ifndef GLIMPSE_CORE_COMPANIONS_H
#define GLIMPSE_CORE_COMPANIONS_H

#include <stddef.h>

typedef enum glimpse_companion_role {
    GLIMPSE_COMPANION_NONE = 0,
    GLIMPSE_COMPANION_RAW,
    GLIMPSE_COMPANION_VIDEO,
    GLIMPSE_COMPANION_SOUND,
    GLIMPSE_COMPANION_XMP,      /* metadata of XMP */
    GLIMPSE_COMPANION_SETTINGS, /* how an editor develops the picture */
    GLIMPSE_COMPANION_NOTES,    /* what is said of it in other forms */
    GLIMPSE_COMPANION_THUMBNAIL
} glimpse_companion_role;

typedef struct glimpse_companion_ending {
    const char *ending; /* "mov" */
    glimpse_companion_role role;
    const char *mark; /* between stem and dot, in the names of other files; "" */
} glimpse_companion_ending;

/* NULL behind the last one. */
const glimpse_companion_ending *glimpse_companion_ending_at(size_t i);
/* Of what is behind the last dot. */
glimpse_companion_role glimpse_companion_role_of(const char *ending);

/* Behind the last dot, "" when there is none; how long what is before it is. */
const char *glimpse_name_ending(const char *name);
size_t glimpse_name_stem(const char *name);

/* How many bytes at its beginning the name of a companion shares with that of the picture: the
 * stem, or all of it; 0: it is no companion. */
size_t glimpse_companion_shared(const char *picture, const char *candidate);

#endif

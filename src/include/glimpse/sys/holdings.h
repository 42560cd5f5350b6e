/*
 * glimpse/sys/holdings.h - what a picture file holds beside the 8-bit colours of its first picture:
 * what would be lost with the file though another one has the same first picture.
 *
 *     glimpse_holdings *a = NULL, *b = NULL;
 *     if (glimpse_holdings_load(&a, "IMG_1.JPG", NULL) < 0) ...
 *     if (glimpse_holdings_load(&b, "copy.jpg", NULL) < 0) ...
 *     uint32_t lost = glimpse_holdings_lacking(a, b, 1);      // with a, if b were to stay
 *     if (lost >> GLIMPSE_HOLDING_VIDEO & 1) puts("the copy has no video");
 *
 * A holding has a kind, an amount where that makes sense, and parts: identities of what it is made
 * of (pages, keywords, the bytes of a video). A file lacks what another one holds when it has no
 * holding of that kind, or a part is missing, or the amount is smaller.
 *
 * Looked into are JPEG (segments, MPF, what follows the end of the picture), PNG, GIF, WebP, TIFF,
 * PSD, HEIC and AVIF, of other formats the depth and the metadata; metadata as
 * glimpse/sys/metadata.h reads them, and every other field of EXIF, IPTC and XMP; sidecars
 * included, and the film of a live photo. Words that stand in another block of the other file are
 * not lacking. No holding are thumbnails and previews, software and history, empty fields,
 * opacities of which none is below the most, deep samples that are 8-bit ones made wider, profiles
 * that are sRGB.
 *
 * Damage is no failure: what can be read counts. Memory: the file, up to 64 MB of a film beside it,
 * 16 bytes a part (65536 parts at most), and where the header says that there may be alpha or more
 * than eight bits, what decoding takes (glimpse/sys/image.h).
 *
 * Threads: holdings are immutable.
 */
#ifndef GLIMPSE_HOLDINGS_H
#define GLIMPSE_HOLDINGS_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order in which they are listed. New ones go before COUNT. */
typedef enum glimpse_holding_kind {
    GLIMPSE_HOLDING_PAGES = 0,  /* of a TIFF, pictures of a HEIC; amount: beside the first */
    GLIMPSE_HOLDING_FRAMES,     /* of an animation; amount: beside the first */
    GLIMPSE_HOLDING_VIDEO,      /* amount: seconds, 0 when not told */
    GLIMPSE_HOLDING_AUDIO,      /* behind a JPEG */
    GLIMPSE_HOLDING_ALPHA,      /* something can be seen through */
    GLIMPSE_HOLDING_DEPTH,      /* amount: bits of a sample */
    GLIMPSE_HOLDING_PROFILE,    /* colours other than sRGB; inks (CMYK) */
    GLIMPSE_HOLDING_VIEWS,      /* other views of MPO; amount: beside the first */
    GLIMPSE_HOLDING_DEPTH_MAP,  /* distances, and mattes of portraits */
    GLIMPSE_HOLDING_GAIN_MAP,   /* what makes an HDR picture of it */
    GLIMPSE_HOLDING_LAYERS,     /* amount: how many, 0 when not told */
    GLIMPSE_HOLDING_ATTACHMENT, /* of unknown kind, behind the picture; amount: bytes */
    GLIMPSE_HOLDING_EDITS,      /* an .aae file beside it */
    GLIMPSE_HOLDING_CAPTION,    /* descriptions and comments */
    GLIMPSE_HOLDING_TITLE,
    GLIMPSE_HOLDING_KEYWORDS, /* flat and hierarchical ones; amount: how many */
    GLIMPSE_HOLDING_PEOPLE,   /* amount: how many */
    GLIMPSE_HOLDING_RATING,
    GLIMPSE_HOLDING_LABEL, /* "Red" */
    GLIMPSE_HOLDING_PLACE, /* coordinates */
    GLIMPSE_HOLDING_DATE,  /* of the shot; offset and sub-seconds are parts of their own. The date
                              of a change counts where the other file has no date at all */
    GLIMPSE_HOLDING_CREATOR,
    GLIMPSE_HOLDING_COPYRIGHT,
    GLIMPSE_HOLDING_CAMERA,   /* with lens and exposure */
    GLIMPSE_HOLDING_METADATA, /* whatever else EXIF, IPTC, XMP or the texts of a PNG say */
    /* What two files of one picture may differ in as well; no file is said to hold them. */
    GLIMPSE_HOLDING_RESOLUTION,
    GLIMPSE_HOLDING_COLOUR,
    GLIMPSE_HOLDING_QUALITY,
    GLIMPSE_HOLDING_COUNT
} glimpse_holding_kind;

/* "pages", "gain-map"; "?" for other numbers. */
GLIMPSE_API const char *glimpse_holding_kind_name(glimpse_holding_kind kind);
/* 1 and the kind of that name, or 0. */
GLIMPSE_API int glimpse_holding_kind_of_name(glimpse_holding_kind *kind, const char *name);

typedef struct glimpse_holding {
    glimpse_holding_kind kind;
    double amount;
    const uint64_t *parts; /* [part_count] ascending, each once */
    size_t part_count;
    int is_weak;    /* the date of a change */
    uint64_t order; /* of pages and frames: in which they come, how fast and how often; it tells
                       files with the same parts apart */
} glimpse_holding;

typedef struct glimpse_holdings {
    const glimpse_holding *items; /* by kind, at most one of each */
    size_t count;
} glimpse_holdings;

/* Of the `size` bytes of a picture file. `path` (or NULL) says what is beside it; it is not opened
 * itself. `max_pixels` as in glimpse_decode_options. GLIMPSE_E_NOMEM is the only failure. */
GLIMPSE_API int glimpse_holdings_read(glimpse_holdings **out, const void *data, size_t size,
                                      const char *path, uint64_t max_pixels);
/* GLIMPSE_E_NOT_FOUND, GLIMPSE_E_IO; GLIMPSE_E_LIMIT for more than 4 GB. */
GLIMPSE_API int glimpse_holdings_load(glimpse_holdings **out, const char *path,
                                      uint64_t max_pixels);
GLIMPSE_API void glimpse_holdings_free(glimpse_holdings *holdings);

/* 1 when something that belongs to the file is beside it: then equal bytes may hold different
 * things. Opens nothing. */
GLIMPSE_API int glimpse_holdings_has_companion(const char *path);

/* A bit for each kind of which `b` lacks something that `a` holds. `same_pixels`: the first
 * pictures are equal, so that what goes pixel by pixel (alpha, depth) is compared as well; else
 * that `b` has it, and as many bits, is enough. NULL holds nothing. */
GLIMPSE_API uint32_t glimpse_holdings_lacking(const glimpse_holdings *a, const glimpse_holdings *b,
                                              int same_pixels);
/* NULL: there is none of that kind. */
GLIMPSE_API const glimpse_holding *glimpse_holdings_find(const glimpse_holdings *holdings,
                                                         glimpse_holding_kind kind);
/* "pages:11", "depth:16", "caption"; cut to `capacity` bytes with their NUL. */
GLIMPSE_API void glimpse_holding_text(char *out, size_t capacity, const glimpse_holding *holding);

#ifdef __cplusplus
}
#endif
#endif

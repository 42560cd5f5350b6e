/*
 * glimpse/sys/image.h - from the bytes of a picture file to the pixels a model looks at.
 *
 *     glimpse_image *image = NULL;
 *     if (glimpse_image_load(&image, "photo.jpg", NULL) < 0) ...
 *     printf("%u x %u\n", glimpse_image_width(image), glimpse_image_height(image));
 *     glimpse_image_free(image);
 *
 * Decoding: JPEG (grey, YCbCr, CMYK/YCCK, progressive), PNG, BMP, GIF (first frame), PNM, TGA,
 * PSD (merged picture), Radiance HDR, Softimage PIC, WebP (first frame); HEIC, AVIF and TIFF (first
 * page) where the build has their libraries (glimpse_image_format_supported). The format is told
 * from the bytes, never from the file name. Pixels come out as Pillow's convert("RGB") gives them:
 * alpha and transparent colours dropped (unless `ground` says otherwise), palettes looked up,
 * 16-bit samples reduced to their high byte (PNM: rounded), gamma and colour profiles ignored. The
 * EXIF orientation is always applied, so width and height are those of the picture as a person sees
 * it.
 *
 * Broken files: one that ends before its picture does is refused; damage inside the data of a JPEG
 * is tolerated, as Pillow and every viewer do. Damaged metadata never costs a picture.
 *
 * Memory: every size in a file is checked against `max_pixels` before memory is taken. Decoding
 * then peaks at no more than 12 bytes per pixel plus the file itself: 3 for the result and, while
 * decoding, up to 8 for a progressive JPEG (2 per stored component and pixel), 4 for TGA, lossless
 * WebP and rare TIFFs, 3 for turning what is no JPEG by 90 degrees, rows or nothing for all else;
 * 12 in all for Radiance HDR. HEIC and AVIF go through libheif, whose own buffers come to about 10
 * bytes per pixel for 8-bit pictures and 20 for deeper ones. At the default limit a file may have
 * 1.7 GB; larger ones are refused before they are read. TGA and PIC of more than 536 million pixels
 * and HDR of more than 178 million are refused (GLIMPSE_E_LIMIT) whatever `max_pixels` says.
 *
 * Threads: an image is plain data; use it from one thread at a time or only read it. Decoding
 * different images in different threads is safe.
 */
#ifndef GLIMPSE_IMAGE_H
#define GLIMPSE_IMAGE_H

#include <glimpse/status.h>
#include <glimpse/sys/metadata.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_image glimpse_image;

/* Every format that is decoded or recognised: X(value, row), where GLIMPSE_FORMAT_value is its
 * number here and glimpse_format_row its row in the library's table. New ones go to the end, so
 * that numbers stay. HEIF is HEIC and other HEVC pictures; JPEG XL (JXL), JPEG 2000 (JP2) and
 * camera raw files (RAW) are recognised, to be refused by name. */
#define GLIMPSE_IMAGE_FORMATS(X) \
 X(JPEG, jpeg)                   \
 X(PNG, png)                     \
 X(GIF, gif)                     \
 X(BMP, bmp)                     \
 X(PNM, pnm)                     \
 X(TGA, tga)                     \
 X(PSD, psd)                     \
 X(HDR, hdr)                     \
 X(WEBP, webp)                   \
 X(TIFF, tiff)                   \
 X(HEIF, heif)                   \
 X(AVIF, avif)                   \
 X(JXL, jxl)                     \
 X(JP2, jp2)                     \
 X(RAW, raw)                     \
 X(PIC, pic)

/* GLIMPSE_FORMAT_UNKNOWN = 0, GLIMPSE_FORMAT_JPEG = 1, ..., GLIMPSE_FORMAT_COUNT */
#define GLIMPSE_FORMAT_VALUE(value, row) GLIMPSE_FORMAT_##value,
typedef enum glimpse_image_format {
    GLIMPSE_FORMAT_UNKNOWN = 0,
    GLIMPSE_IMAGE_FORMATS(GLIMPSE_FORMAT_VALUE) GLIMPSE_FORMAT_COUNT
} glimpse_image_format;
#undef GLIMPSE_FORMAT_VALUE

/* What becomes of what is transparent (PNG, WebP, GIF, TIFF, PSD, TGA, HEIC, AVIF). All but NONE
 * take up to 5 more bytes a pixel while decoding. */
typedef enum glimpse_ground {
    GLIMPSE_GROUND_NONE = 0,  /* alpha is dropped, as embedding models were trained */
    GLIMPSE_GROUND_VISIBLE,   /* laid over white, or over mid grey where the mean of the visible
                                 pixels is above 0.8 and white would hide them: for models that
                                 describe */
    GLIMPSE_GROUND_CHECKERED, /* over squares of two light greys, or of two middle ones there, as
                                 people know it: a 24th of the longer side each */
    GLIMPSE_GROUND_LIGHT,     /* over white */
    GLIMPSE_GROUND_DARK,      /* over black */
    GLIMPSE_GROUND_KEEP       /* colours as without alpha, and alpha beside them (a byte a pixel):
                                 glimpse_image_alpha(), glimpse_image_on_ground() */
} glimpse_ground;

typedef struct glimpse_decode_options {
    size_t size; /* GLIMPSE_DECODE_OPTIONS_INIT sets it */
    /* Pictures that declare more pixels (width x height) are refused with GLIMPSE_E_LIMIT. 0
     * means GLIMPSE_DEFAULT_MAX_PIXELS. */
    uint64_t max_pixels;
    /* 0: all pixels. Otherwise decoders that can do so cheaply (JPEG by reducing the inverse DCT,
     * WebP by its own rescaler) deliver the picture at 1/2, 1/4 or 1/8 of its size, the smallest
     * whose short side still has this many pixels. For pictures that are scaled down afterwards
     * anyway; twice the size wanted in the end is a good value. */
    uint32_t short_side;
    uint32_t reserved;
    glimpse_ground ground;
} glimpse_decode_options;

#define GLIMPSE_DEFAULT_MAX_PIXELS UINT64_C(200000000)
static inline glimpse_decode_options glimpse_decode_options_init(void) {
    glimpse_decode_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_DECODE_OPTIONS_INIT glimpse_decode_options_init()

/* What a file says about its picture, beside the pixels. Strings are UTF-8, "" when absent. */
typedef struct glimpse_image_meta {
    glimpse_image_format format;
    uint32_t width, height; /* of the whole picture, upright: after the orientation */
    int orientation;  /* EXIF 1..8 as stored, already applied; 1 when absent or out of range */
    char taken[32];   /* "2021-05-30T14:03:59", no zone; "" when there is none. By the order of
                         glimpse/sys/metadata.h, which reads more than this */
    char camera[128]; /* make and model, without repeating the make */
    int has_gps;      /* 1 when both coordinates are present, valid and not exactly 0,0 */
    double latitude, longitude;    /* signed degrees */
    glimpse_taken_from taken_from; /* GLIMPSE_TAKEN_EXIF or _XMP; _UNKNOWN where `taken` is "" */
    int taken_is_modification;     /* 1: only the date of the last change was there */
    int has_offset;
    int offset_minutes;  /* of `taken` from UTC, where `has_offset` */
    char subseconds[12]; /* digits behind the seconds of `taken`, as written, or "" */
} glimpse_image_meta;

/* Decodes a file. `options` may be NULL. The message of a failure begins with `path`.
 *
 * GLIMPSE_E_FORMAT: damaged, cut, or no picture; GLIMPSE_E_UNSUPPORTED: a picture that this build
 * cannot decode, such as JPEG XL or a camera raw file; GLIMPSE_E_LIMIT: too many pixels, too large
 * a file, or a progressive JPEG made to burn time; GLIMPSE_E_NOMEM; GLIMPSE_E_NOT_FOUND and
 * GLIMPSE_E_IO from reading. */
GLIMPSE_API int glimpse_image_load(glimpse_image **out, const char *path,
                                   const glimpse_decode_options *options);

/* Decodes `size` bytes at `data`, which are only read and may go away afterwards. `name` is used
 * in messages. */
GLIMPSE_API int glimpse_image_decode(glimpse_image **out, const void *data, size_t size,
                                     const char *name, const glimpse_decode_options *options);

/* Wraps a copy of width*height*3 bytes of R,G,B. */
GLIMPSE_API int glimpse_image_create(glimpse_image **out, const uint8_t *rgb, uint32_t width,
                                     uint32_t height);

GLIMPSE_API void glimpse_image_free(glimpse_image *image);

/* Of the pixels that are there: smaller than what the meta data say when it was decoded reduced. */
GLIMPSE_API uint32_t glimpse_image_width(const glimpse_image *image);
GLIMPSE_API uint32_t glimpse_image_height(const glimpse_image *image);
/* height rows of width R,G,B triples, no padding; borrowed. */
GLIMPSE_API const uint8_t *glimpse_image_pixels(const glimpse_image *image);
/* height rows of width opacities, 0 to 255, of a picture decoded with GLIMPSE_GROUND_KEEP; NULL
 * when all of it is opaque. Borrowed. The colours under an opacity of 0 are whatever the file has.
 */
GLIMPSE_API const uint8_t *glimpse_image_alpha(const glimpse_image *image);
/* A new picture: `image`, which may have alpha, on a ground other than KEEP. The same as decoding
 * with that ground, but for PSD on NONE (whose colours are stored as they look over white). */
GLIMPSE_API int glimpse_image_on_ground(glimpse_image **out, const glimpse_image *image,
                                        glimpse_ground ground);
/* Borrowed; format GLIMPSE_FORMAT_UNKNOWN for glimpse_image_create. */
GLIMPSE_API const glimpse_image_meta *glimpse_image_metadata(const glimpse_image *image);

/* The format the first bytes announce (GLIMPSE_SNIFF_BYTES are enough, fewer are taken);
 * GLIMPSE_FORMAT_UNKNOWN when none. TGA has no signature and is told by plausibility, so a caller
 * that only wants to know whether to look closer should also consider the name. */
#define GLIMPSE_SNIFF_BYTES 96
GLIMPSE_API glimpse_image_format glimpse_image_sniff(const void *data, size_t size);
GLIMPSE_API const char *glimpse_image_format_name(glimpse_image_format format); /* "JPEG" */
GLIMPSE_API int glimpse_image_format_supported(glimpse_image_format format);    /* 1 or 0 */

/* 1 when the name's ending (any case) is one that pictures have, whether or not this build can
 * decode it: .jpg .jpeg .jpe .jfif .png .gif .bmp .dib .pnm .pbm .pgm .ppm .tga .psd .hdr .webp
 * .tif .tiff .heic .heif .hif .avif .jxl .jp2 .dng .cr2 .cr3 .nef .arw .orf .rw2 .raf, .ico .qoi
 * .exr .dds .sgi .pcx ... */
GLIMPSE_API int glimpse_image_name_is_picture(const char *name);

/*
 * Resizing, bit for bit as Pillow's Image.resize on 8-bit RGB: two passes (horizontal first, a
 * pass whose size does not change is skipped), antialiased filter support, weights rounded to
 * 22-bit fixed point, clipped to 0..255 after each pass.
 */
typedef enum glimpse_resample {
    GLIMPSE_RESAMPLE_BILINEAR = 2, /* numbers as in preprocessor_config.json and Pillow */
    GLIMPSE_RESAMPLE_BICUBIC = 3   /* a = -0.5 */
} glimpse_resample;

/* New image of width x height, both at least 1 and at most 65536. Needs, beside the result,
 * width * 3 bytes per input row when both sides change. */
GLIMPSE_API int glimpse_image_resize(glimpse_image **out, const glimpse_image *image,
                                     uint32_t width, uint32_t height, glimpse_resample filter);

/*
 * Preprocessing: what happens between a decoded picture and the model's input.
 */
typedef enum glimpse_crop_rule {
    GLIMPSE_CROP_HF = 0, /* offset floor((n - crop) / 2); padding: smaller part bottom/right */
    GLIMPSE_CROP_TORCHVISION = 1 /* offset round-half-even((n - crop) / 2); smaller part top/left */
} glimpse_crop_rule;

typedef enum glimpse_resize_rule {
    GLIMPSE_RESIZE_NONE = 0,
    GLIMPSE_RESIZE_SHORTEST =
        1,                     /* short edge to `resize_width`, long = floor(size * long / short) */
    GLIMPSE_RESIZE_EXACT = 2,  /* squash to resize_width x resize_height */
    GLIMPSE_RESIZE_PATCHES = 3 /* to a size of the picture's own, see glimpse_preprocess_for() */
} glimpse_resize_rule;

typedef struct glimpse_preprocess {
    glimpse_resize_rule resize;
    uint32_t resize_width, resize_height; /* SHORTEST uses resize_width only */
    glimpse_resample resample;
    int center_crop; /* 1: crop (or zero-pad) to width x height afterwards */
    glimpse_crop_rule crop_rule;
    uint32_t width, height; /* of the result = the model's input; PATCHES: the largest square */
    int normalize;          /* 0: only multiply by scale */
    float scale;            /* 1/255 */
    float mean[3], std[3];
    uint32_t patch, max_patches; /* of PATCHES: pixels of a patch's side, patches of a picture */
} glimpse_preprocess;

/* The rules for pictures of width x height pixels: of the whole picture, as its metadata say. Those
 * whose result has the same size for every picture are copied.
 *
 * With GLIMPSE_RESIZE_PATCHES (SigLIP 2 NaFlex) a picture nearly keeps its aspect. It is scaled by
 * the largest s for which ceil(width s / patch) * ceil(height s / patch) is at most `max_patches`,
 * and each side is rounded up to whole patches. As in the reference, s is found by halving 1e-6 to
 * 100 until less than 1e-5 is left, so that a tiny picture ends below the limit. The result is
 * GLIMPSE_RESIZE_EXACT to that size, for the calls below. GLIMPSE_E_LIMIT when not even 1e-6 is
 * small enough. */
GLIMPSE_API int glimpse_preprocess_for(glimpse_preprocess *out, const glimpse_preprocess *p,
                                       uint32_t width, uint32_t height);
/* Bytes of R,G,B that no result exceeds. */
GLIMPSE_API size_t glimpse_preprocess_max_bytes(const glimpse_preprocess *p);

/* What decode options' `short_side` should be for a picture that these rules are applied to: twice
 * the side that the resize ends at. Its filter then still averages over two pixels and more, and
 * what the decoder left out is finer than what is left. 0 (all pixels) when nothing is resized. Of
 * PATCHES enough for pictures of any aspect. */
GLIMPSE_API uint32_t glimpse_preprocess_short_side(const glimpse_preprocess *p);

/* Resize and crop to p->width x p->height. The geometry follows the whole picture's size, also when
 * it was decoded reduced. `rgb` holds p->width * p->height * 3 bytes. Fails
 * with GLIMPSE_E_INVALID when the rules do not end at that size, which those of PATCHES do only
 * once glimpse_preprocess_for() made them the picture's own. Equal bytes to
 * glimpse_preprocess_rgb_plain, which does the steps one by one; this one computes only the rows
 * and columns that survive the crop, so that a very long picture costs no more memory than any
 * other (the plain one refuses it with GLIMPSE_E_LIMIT). */
GLIMPSE_API int glimpse_preprocess_rgb(uint8_t *rgb, const glimpse_preprocess *p,
                                       const glimpse_image *image);
GLIMPSE_API int glimpse_preprocess_rgb_plain(uint8_t *rgb, const glimpse_preprocess *p,
                                             const glimpse_image *image);

/* A part of a picture, in pixels of the upright whole, whatever size it was decoded at. */
typedef struct glimpse_box {
    uint32_t x, y, width, height;
} glimpse_box;

/* glimpse_preprocess_rgb of what lies in `box` alone, as if it were the whole picture: rules of
 * PATCHES are made for its size (glimpse_preprocess_for). Pixels just outside have their part in
 * those at the edge, as in Pillow's resize with a box. GLIMPSE_E_INVALID for a box that is empty or
 * not inside the picture. */
GLIMPSE_API int glimpse_preprocess_box_rgb(uint8_t *rgb, const glimpse_preprocess *p,
                                           const glimpse_image *image, const glimpse_box *box);

/* rgb [H][W][3] bytes -> chw [3][H][W] floats: (byte * scale - mean[c]) / std[c]. Cannot fail. */
GLIMPSE_API void glimpse_preprocess_normalize(float *chw, const glimpse_preprocess *p,
                                              const uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif

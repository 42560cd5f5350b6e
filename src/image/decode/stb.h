/*
 * image/decode/stb.h - stb_image, for what it decodes here: TGA, Radiance HDR and Softimage PIC.
 *
 * stb_image is lenient: past the end of a file it reads zeros, and what it does not know it takes
 * for something else. So each format's file (stb_tga.c, stb_hdr.c, stb_pic.c) looks at the header
 * first and hands stb_image a stream in which everything is as stb_image understands it; this part
 * notices when more is read than is there.
 */
#ifndef GLIMPSE_IMAGE_DECODE_STB_H
#define GLIMPSE_IMAGE_DECODE_STB_H

#include "image/decode/decoder.h"

/* What stb_image reads, in this order. */
typedef struct glimpse_stb_stream {
    const uint8_t *head; /* in place of the file's own header; may be empty */
    size_t head_size;
    const uint8_t *rest; /* of the file, as it is; may be empty */
    size_t rest_size;
    /* What follows, piece by piece: returns the size of the next one at *piece, which stays until
     * the next call, or 0 at the end. NULL: nothing follows. The header is in what comes before. */
    size_t (*next)(void *user, const uint8_t **piece);
    void *user;
} glimpse_stb_stream;

typedef enum glimpse_stb_samples {
    GLIMPSE_STB_RGB,   /* 8 bits, whatever the file has */
    GLIMPSE_STB_RGBA,  /* likewise; alpha is the picture's opacity where the source wants to know,
                          and dropped where not */
    GLIMPSE_STB_LIGHT, /* linear light, rendered at exposure 1: clipped, gamma 2.2 */
} glimpse_stb_samples;

/* Decodes `stream` into `picture`; `name` is the format's, for messages. Takes at most 4 bytes per
 * pixel and the picture's 3 (4 with opacities), or 12 in all for GLIMPSE_STB_LIGHT.
 * GLIMPSE_E_FORMAT also when stb_image wanted more bytes than there are; GLIMPSE_E_LIMIT beyond
 * source->max_pixels or what stb_image can address (2 GB of samples); GLIMPSE_E_NOMEM. */
int glimpse_stb_decode(glimpse_image *picture, const glimpse_source *source, const char *name,
                       const glimpse_stb_stream *stream, glimpse_stb_samples samples);

/* The failure of a file that was cut. */
int glimpse_stb_cut(const char *name);

#endif

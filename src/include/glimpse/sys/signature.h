/*
 * glimpse/sys/signature.h - the whole picture as the means of a few cells: for results of a search
 * that are the same picture over again. Signatures say less than thumbnails
 * (glimpse/sys/fingerprint.h), and cost next to nothing to make, to keep and to compare.
 *
 * Threads: plain data and pure functions.
 */
#ifndef GLIMPSE_SIGNATURE_H
#define GLIMPSE_SIGNATURE_H

#include <glimpse/status.h>
#include <glimpse/sys/image.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GLIMPSE_SIGNATURE_SIDE = 16,
    GLIMPSE_SIGNATURE_COLOUR = 8,
    GLIMPSE_SIGNATURE_VERSION = 1 /* moves when the same picture gets another one */
};

typedef struct glimpse_signature {
    uint8_t luma[GLIMPSE_SIGNATURE_SIDE * GLIMPSE_SIGNATURE_SIDE];     /* Rec. 601 */
    uint8_t blue[GLIMPSE_SIGNATURE_COLOUR * GLIMPSE_SIGNATURE_COLOUR]; /* less luma; 128: grey */
    uint8_t red[GLIMPSE_SIGNATURE_COLOUR * GLIMPSE_SIGNATURE_COLOUR];
} glimpse_signature;

typedef struct glimpse_signature_difference {
    double correlation; /* of the luma, -1..1 */
    double contrast;    /* 1 or more: how many times that of the one is that of the other */
    double brightness;  /* between the means, 0..255 */
    /* Of the luma once brightness and contrast are those of the picture with more contrast. */
    double largest, mean; /* of any cell; root of the mean square */
    double colour;        /* root of the mean square */
} glimpse_signature_difference;

GLIMPSE_API void glimpse_signature_make(glimpse_signature *signature, const glimpse_image *image);
/* The same whichever comes first. */
GLIMPSE_API void glimpse_signature_compare(glimpse_signature_difference *out,
                                           const glimpse_signature *a, const glimpse_signature *b);

#ifdef __cplusplus
}
#endif
#endif

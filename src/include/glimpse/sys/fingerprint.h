/*
 * glimpse/sys/fingerprint.h - what makes two pictures the same picture: perceptual hashes to find
 * candidates, thumbnails to look at them, and measures of what is odd about one.
 *
 *     glimpse_thumb a, b;
 *     glimpse_thumb_make(&a, image_a), glimpse_thumb_make(&b, image_b);
 *     if (glimpse_hamming(glimpse_phash(NULL, &a, NULL), glimpse_phash(NULL, &b, NULL)) <= 8) {
 *         glimpse_comparison c;
 *         glimpse_compare(&c, &a, &b, NULL, 1);
 *         puts(c.verdict == GLIMPSE_VERDICT_EDITED ? "an edited copy" : "something else");
 *     }
 *
 * Coordinates are fractions of a picture's sides, x to the right and y down, 0..1, so that pictures
 * of any size and shape compare: thumbnails are square.
 *
 * Threads: plain data and pure functions.
 */
#ifndef GLIMPSE_FINGERPRINT_H
#define GLIMPSE_FINGERPRINT_H

#include <glimpse/status.h>
#include <glimpse/sys/image.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a picture. */
typedef struct glimpse_window {
    float x0, y0, x1, y1; /* 0 <= x0 < x1 <= 1 */
} glimpse_window;

enum { GLIMPSE_THUMB_SIDE = 128, GLIMPSE_THUMB_COLOUR = 32 };

typedef struct glimpse_thumb {
    uint8_t grey[GLIMPSE_THUMB_SIDE * GLIMPSE_THUMB_SIDE]; /* Rec. 601 luma */
    uint8_t rgb[GLIMPSE_THUMB_COLOUR * GLIMPSE_THUMB_COLOUR * 3];
    uint32_t width, height; /* of the picture it was made from */
    glimpse_window content; /* what remains inside a uniform border; the whole when there is none */
    int framed;             /* 1 when two opposite sides at least have such a border */
} glimpse_thumb;

/* The picture is squeezed to a square with Pillow's antialiased bilinear filter. Its only failure
 * is GLIMPSE_E_NOMEM. */
GLIMPSE_API int glimpse_thumb_make(glimpse_thumb *thumb, const glimpse_image *image);
/* As EXIF orientation 1..8 would turn it. `to` and `from` are different. */
GLIMPSE_API void glimpse_thumb_orient(glimpse_thumb *to, const glimpse_thumb *from,
                                      int orientation);

/*
 * Hashes. The perceptual hash is that of Zauner 2010 ("Implementation and benchmarking of
 * perceptual image hash functions", 3.2): 32x32 grey, DCT-II, frequencies 1..8 in both directions,
 * a bit for each that is above the median of the 64. The difference hash has a bit for each of 8x8
 * places that is brighter than its right neighbour on a 9x8 grid.
 */
/* Of a window; NULL: the whole. *weak, unless NULL, gets the GLIMPSE_WEAK_BITS bits whose
 * coefficient is nearest the median: those that an edit flips first. */
enum { GLIMPSE_WEAK_BITS = 24 };
GLIMPSE_API uint64_t glimpse_phash(uint64_t *weak, const glimpse_thumb *thumb,
                                   const glimpse_window *window);
/* Of the whole picture in the eight orientations: hashes[o - 1] is that of glimpse_thumb_orient(o).
 * Worked out from the coefficients: mirroring changes the signs of the odd ones, transposing
 * swaps them. `weak` may be NULL. */
GLIMPSE_API void glimpse_phash_orientations(uint64_t hashes[8], uint64_t weak[8],
                                            const glimpse_thumb *thumb);
GLIMPSE_API uint64_t glimpse_dhash(uint64_t *weak, const glimpse_thumb *thumb);

static inline int glimpse_hamming(uint64_t a, uint64_t b) {
    return __builtin_popcountll(a ^ b);
}

/* Windows in which copies of a picture are looked for: a crop of it has, whole, about the hash
 * that it has there. */
enum { GLIMPSE_WINDOW_COUNT = 23 };
/* [0] is the whole; [1] of a picture is its content instead. */
GLIMPSE_API extern const glimpse_window glimpse_windows[GLIMPSE_WINDOW_COUNT];

/*
 * Comparing two thumbnails. An affine warp from the second picture to the first is refined from a
 * first guess by maximising the correlation of the part they share (ECC: Evangelidis and Psarakis
 * 2008, "Parametric image alignment using enhanced correlation coefficient maximization"), from
 * coarse to fine. What is aligned is compared block by block by SSIM's structure term (Wang et al.
 * 2004), so that neither tones nor a line of text matter much and a moved thing does.
 */
typedef enum glimpse_verdict {
    GLIMPSE_VERDICT_REENCODED = 0, /* same view, same tones */
    GLIMPSE_VERDICT_EDITED,        /* same picture: cropped, framed, other tones, written upon */
    GLIMPSE_VERDICT_NEAR,          /* another view or moment of the same thing */
    GLIMPSE_VERDICT_DIFFERENT
} glimpse_verdict;

/* x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]: a place in the second picture to the
 * same in the first. */
typedef struct glimpse_warp {
    double m[6];
} glimpse_warp;

enum { /* what was done to the second picture, or to the first */
       GLIMPSE_EDIT_CROPPED = 1,
       GLIMPSE_EDIT_FRAMED = 2,
       GLIMPSE_EDIT_ROTATED = 4, /* by some degrees */
       GLIMPSE_EDIT_STRETCHED = 8,
       GLIMPSE_EDIT_TONES = 16,
       GLIMPSE_EDIT_COLOURS = 32, /* grey, tinted */
       GLIMPSE_EDIT_PARTS = 64,   /* text, a logo, something painted over */
       GLIMPSE_EDIT_DETAIL =
           128 /* softened, sharpened, grain, or coded coarsely before: by a search
                  for duplicates, which knows how the files say they are coded */
};

typedef struct glimpse_comparison {
    glimpse_verdict verdict;
    double score;       /* 0..1, mean structure of the shared part */
    double correlation; /* of the aligned thumbnails */
    double agreeing;    /* share of the blocks with something in them that agree */
    double covered[2];  /* share of the first and of the second picture that is shared */
    double motion;      /* how far parts lie beside where the warp puts them: third quartile of the
                           blocks, in percent of the picture's side */
    double gain, bias;  /* tones: second = gain * first + bias */
    double colour;      /* mean difference of colour, beyond the tones, 0..255 */
    double angle;       /* degrees */
    unsigned edits;
    glimpse_warp warp;
    double recoloured; /* share of the picture where the same structure has another colour, while
                          the rest kept its own but for white balance: a thing in another colour;
                          0 for tints and grey conversions, which leave nothing as it was */
} glimpse_comparison;

/* `hint` is a first guess (NULL: the pictures show the same view). `orientation`: of EXIF,
 * 1..8, to apply to `b` first. */
GLIMPSE_API void glimpse_compare(glimpse_comparison *result, const glimpse_thumb *a,
                                 const glimpse_thumb *b, const glimpse_warp *hint, int orientation);
/* The guess that window `b` of the second picture is window `a` of the first. */
GLIMPSE_API glimpse_warp glimpse_warp_windows(const glimpse_window *a, const glimpse_window *b);
/* First `inner`, then `outer`. */
GLIMPSE_API glimpse_warp glimpse_warp_chain(const glimpse_warp *outer, const glimpse_warp *inner);
/* Identity when it cannot be inverted. */
GLIMPSE_API glimpse_warp glimpse_warp_inverse(const glimpse_warp *warp);

/*
 * Comparing two pictures at full resolution, once their thumbnails say that they show the same
 * view (glimpse_compare: REENCODED or EDITED, turned by nothing). Thumbnails cannot see a digit, a
 * signature or closed eyes; every pixel of the smaller picture can.
 *
 * The grid is that of the picture with fewer pixels; the other one is brought to it with Pillow's
 * antialiased bilinear filter, then moved by an affine warp that is refined from coarse to fine to
 * fractions of a pixel (Gauss-Newton on the brightness, Lucas and Kanade 1981, with weights that
 * let what differs have no say). Gain, bias and sharpness of the one are fitted to the other: two
 * resamplers or a mild sharpening differ by a Laplacian.
 *
 * What is left is averaged over 3x3 and over 9x9 pixels in brightness (Rec. 601) and over 5x5 in
 * both chroma planes, so that coding noise, which averages out, gives way to content, which does
 * not. Each tile of 16x16 pixels is held against what recompression explains *for this pair*:
 * coding loses more where there is more, so tiles are ordered by the gradient around them, and a
 * tile's largest difference is judged by the median of tiles like it. The explanation is bounded
 * from both ends: below, what 8-bit rounding does is never odd; above, nothing explains a
 * difference of a large part of the contrast. A tile beyond it is odd, and odd tiles that touch
 * are one region.
 *
 * Pictures of which one is sharper here and the other there are a focus stack, not copies.
 *
 * Memory, beside the pictures: 16 bytes a pixel of the grid. Grids of more than
 * GLIMPSE_DETAIL_MAX_PIXELS are reduced to that, so that of larger scans a difference of fewer
 * than about two pixels may be missed. Time: about 0.1 s a megapixel on one core.
 */
enum { GLIMPSE_DETAIL_MAX_PIXELS = 12000000, GLIMPSE_DIFFERENCES = 16 };

/* A part of the first picture, in fractions of its sides. */
typedef struct glimpse_difference {
    double x, y, width, height;
    double strength; /* the largest difference, in units of what recompression just explains */
} glimpse_difference;

typedef struct glimpse_detail {
    glimpse_verdict verdict; /* REENCODED: nothing stands out; EDITED: something does; NEAR: another
                                focus, or too little agrees to be a copy; DIFFERENT is not given */
    uint32_t width, height;  /* of the grid */
    double noise;            /* what coding does to a tile of middling contrast, 0..255 */
    double gain, bias;       /* tones: first = gain * second + bias, by the parts that agree */
    double colours[2];       /* the same gain of the two chroma planes: saturation */
    double tint[2];          /* and their bias at no colour */
    double loss;             /* root mean square of what is left of brightness after that, 0..255 */
    double contrast[2];      /* that of the Laplacian of each picture's brightness */
    double odd;              /* share of the tiles that stand out */
    double strength;         /* of the strongest difference; of 1 and less where nothing is odd */
    int marked; /* 1: the first picture was written upon (a date, a logo, an arrow) where the second
                   shows what is below; 2: the second was; 0: neither, or it cannot be told */
    int written;       /* likewise, on a blank ground: a signature, a cross in a box */
    double sharper[2]; /* share of the tiles with something in them where the first, and where
                          the second picture is clearly sharper */
    glimpse_difference differences[GLIMPSE_DIFFERENCES]; /* strongest first */
    size_t count;
} glimpse_detail;

/* `warp` takes the second picture to the first (that of a comparison; NULL: the same view). Its
 * failures are GLIMPSE_E_NOMEM, and GLIMPSE_E_INVALID for a warp that mirrors or turns by more
 * than a degree or so, or leaves too little shared. */
GLIMPSE_API int glimpse_compare_detail(glimpse_detail *result, const glimpse_image *a,
                                       const glimpse_image *b, const glimpse_warp *warp);

/* What one pass over the pixels says about a picture, for audits. Grey is Rec. 601 luma, 0..255,
 * of the picture scaled to at most 256 pixels on its long side (never enlarged). */
typedef struct glimpse_picture_measures {
    double mean, deviation; /* of grey */
    double low, high;       /* 1st and 99th percentile of grey */
    double entropy;         /* of the grey histogram, bits: 0..8 */
    double sharpness;       /* variance of the Laplacian (Pech-Pacheco et al. 2000) */
    double colourfulness;   /* Hasler and Suesstrunk 2003 */
    double aspect;          /* long side / short side */
    int grey;               /* 1 when R = G = B everywhere, within rounding of the encoders */
} glimpse_picture_measures;

GLIMPSE_API int glimpse_picture_measure(glimpse_picture_measures *measures,
                                        const glimpse_image *image);

/* The quality 1..100 that libjpeg would need for quantisation tables such as those of the JPEG in
 * `data`; 0 when it is no JPEG or has none. */
GLIMPSE_API int glimpse_jpeg_quality(const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif

/*
 * scenes.h - pictures drawn by seeded random numbers, in pairs that differ as pictures of people
 * do: forms, signatures, slides, date stamps, faces, focus stacks, other colours; and what is done
 * to a picture without changing what it shows. For tests and benchmarks of duplicates.
 */
#ifndef GLIMPSE_TESTS_SCENES_H
#define GLIMPSE_TESTS_SCENES_H

#include <stddef.h>
#include <stdint.h>

typedef struct scene {
    unsigned width, height;
    uint8_t *rgb; /* free() it */
} scene;

/* Two pictures of which the second is not the first. */
typedef enum scene_difference {
    SCENE_FORM_NUMBERS = 0, /* one form, every field filled in anew */
    SCENE_ONE_DIGIT,        /* a page of text, one digit of it an 8 and a 9 */
    SCENE_COMMA,            /* a page of text, and a comma more */
    SCENE_SIGNATURE,        /* a page, and a signature below its text */
    SCENE_SLIDE_LINE,       /* a slide, and one more line on it */
    SCENE_DATE_STAMP,       /* a photograph, and a small orange date in a corner */
    SCENE_EYES,             /* a group of faces, and one with eyes closed, other sensor noise */
    SCENE_BURST,            /* something moved, other sensor noise */
    SCENE_FOCUS_STACK,      /* near in focus, far in focus */
    SCENE_VARIANT,          /* one thing in another colour */
    SCENE_DIFFERENCES
} scene_difference;
const char *scene_difference_name(scene_difference difference);
/* The same pair for the same seed. */
void scene_pair(scene *first, scene *second, scene_difference difference, unsigned seed);
/* A picture as the first of a pair has it. */
scene scene_draw(scene_difference like, unsigned seed);

/* What leaves a picture the same picture. Each may also be written as JPEG. */
typedef enum scene_coding {
    SCENE_Q10 = 0,
    SCENE_Q30,
    SCENE_Q50,
    SCENE_Q75,
    SCENE_Q92,
    SCENE_TWICE,       /* q70, one pixel less, q55 */
    SCENE_HALF,        /* half the size, box filter, q80 */
    SCENE_QUARTER,     /* a quarter of the size, box filter, q80 */
    SCENE_THREE_FIFTH, /* 60 %, then sharpened, q85 */
    SCENE_LARGER,      /* 150 %, cubic, q85 */
    SCENE_NO_EDGE,     /* without its outermost line and column */
    SCENE_ROUNDED,     /* through 7 bits and a gamma of 1.02 */
    SCENE_DITHERED,    /* 32 levels a channel, ordered dithering, as a palette has it */
    SCENE_SMOOTHED,    /* detail of low contrast taken away, as modern codecs do; q90 */
    SCENE_MESSENGER,   /* 70 %, q35, full decode, q60 */
    SCENE_CODINGS
} scene_coding;
const char *scene_coding_name(scene_coding coding);
/* A picture file in memory (JPEG or PPM); free() it. `seed` for what is random in it. */
uint8_t *scene_encode(size_t *size, const scene *from, scene_coding coding);
uint8_t *scene_jpeg(size_t *size, const scene *from, int quality);
uint8_t *scene_ppm(size_t *size, const scene *from);
/* The second picture of a scene_difference, drawn upon a given one: SCENE_DATE_STAMP, SCENE_COMMA,
 * SCENE_ONE_DIGIT (a digit is written upon it before and after). */
void scene_stamp(scene *first, scene *second, const scene *from, unsigned seed);

#endif

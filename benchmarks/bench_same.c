/*
 * bench_same.c - how often another picture is called the same one: by thumbnails alone, and after
 * the comparison at full resolution; and how often a copy still is.
 *
 *     bench_same [SEEDS] [PHOTOS]    pairs of each kind (12); a directory of photographs for more
 */
#include "bench.h"
#include "support/scenes.h"

#include <glimpse/sys/fingerprint.h>
#include <glimpse/sys/image.h>

#include <dirent.h>
#include <math.h>
#include <string.h>

typedef struct tally {
    size_t pairs, before, after, near;
    double *strengths;
} tally;

static glimpse_image *decode(const uint8_t *data, size_t size) {
    glimpse_image *image = NULL;
    bench_check(glimpse_image_decode(&image, data, size, "a scene", NULL));
    return image;
}

static void judge(tally *t, const glimpse_image *a, const glimpse_image *b, const char *what) {
    glimpse_thumb *thumbs = malloc(2 * sizeof *thumbs);
    glimpse_comparison c;
    glimpse_detail d = {.verdict = GLIMPSE_VERDICT_DIFFERENT};
    if (!thumbs) exit(1);
    bench_check(glimpse_thumb_make(&thumbs[0], a));
    bench_check(glimpse_thumb_make(&thumbs[1], b));
    glimpse_compare(&c, &thumbs[0], &thumbs[1], NULL, 1);
    t->strengths = realloc(t->strengths, (t->pairs + 1) * sizeof *t->strengths);
    if (!t->strengths) exit(1);
    t->strengths[t->pairs] = -1;
    t->pairs++;
    /* As in a search: slight tones may be thin lines on a coarse grid, and full size knows. */
    const unsigned tones = GLIMPSE_EDIT_TONES | GLIMPSE_EDIT_STRETCHED;
    const int slight = c.verdict == GLIMPSE_VERDICT_EDITED && !(c.edits & ~tones) &&
                       fabs(c.gain - 1) < 0.16 && fabs(c.gain * 128 + c.bias - 128) < 16;
    t->before += c.verdict == GLIMPSE_VERDICT_REENCODED;
    if (c.recoloured > 0.015) {
        free(thumbs);
        return;
    }
    if (c.verdict == GLIMPSE_VERDICT_REENCODED || slight) {
        bench_check(glimpse_compare_detail(&d, a, b, &c.warp));
        t->after += d.verdict == GLIMPSE_VERDICT_REENCODED &&
                    (!slight || (fabs(d.gain - 1) < 0.05 && fabs(d.gain * 128 + d.bias - 128) < 4));
        t->near += d.verdict == GLIMPSE_VERDICT_NEAR;
        t->strengths[t->pairs - 1] = d.strength;
        if (getenv("GLIMPSE_BENCH_VERBOSE"))
            (void)printf(
                "  %s: %ux%u verdict %d noise %.2f odd %.4f strength %.2f sharper %.3f %.3f\n",
                what, d.width, d.height, (int)d.verdict, d.noise, d.odd, d.strength, d.sharper[0],
                d.sharper[1]);
    } else if (getenv("GLIMPSE_BENCH_VERBOSE")) {
        (void)printf("  %s: thumbnails say %d edits %u recoloured %.3f\n", what, (int)c.verdict,
                     c.edits, c.recoloured);
    }
    free(thumbs);
}

static void print_row(const char *name, tally *t) {
    size_t from = 0;
    qsort(t->strengths, t->pairs, sizeof *t->strengths, bench_compare);
    while (from < t->pairs && t->strengths[from] < 0)
        from++;
    (void)printf("%-26s %6zu %8.1f %% %8.1f %% %6zu", name, t->pairs,
                 100.0 * (double)t->before / (double)t->pairs,
                 100.0 * (double)t->after / (double)t->pairs, t->near);
    if (from < t->pairs)
        (void)printf("   %.2f .. %.2f .. %.2f", t->strengths[from],
                     t->strengths[from + (t->pairs - from) / 2], t->strengths[t->pairs - 1]);
    (void)printf("\n");
    (void)fflush(stdout);
    free(t->strengths);
}

static const scene_coding codings[4] = {SCENE_Q92, SCENE_Q75, SCENE_Q50, SCENE_HALF};

static void other_pictures(unsigned seeds) {
    for (int k = 0; k < SCENE_DIFFERENCES; k++) {
        tally t = {0};
        for (unsigned seed = 0; seed < seeds; seed++) {
            scene first, second;
            size_t sizes[2];
            scene_pair(&first, &second, (scene_difference)k, seed);
            uint8_t *a =
                seed % 2 ? scene_ppm(&sizes[0], &first) : scene_jpeg(&sizes[0], &first, 90);
            uint8_t *b = seed % 5 ? scene_encode(&sizes[1], &second, codings[seed % 4])
                                  : scene_ppm(&sizes[1], &second);
            glimpse_image *x = decode(a, sizes[0]), *y = decode(b, sizes[1]);
            char what[64];
            (void)snprintf(what, sizeof what, "%s %u", scene_difference_name((scene_difference)k),
                           seed);
            judge(&t, x, y, what);
            glimpse_image_free(x), glimpse_image_free(y);
            free(a), free(b), free(first.rgb), free(second.rgb);
        }
        print_row(scene_difference_name((scene_difference)k), &t);
    }
}

static void copies(unsigned seeds) {
    const char *only = getenv("ONLY"), *one = getenv("SEED");
    for (int k = 0; k < SCENE_CODINGS; k++) {
        tally t = {0};
        if (only && atoi(only) != k) continue;
        for (unsigned seed = one ? (unsigned)atoi(one) : 0; seed < seeds; seed++) {
            size_t sizes[2];
            const scene first = scene_draw((scene_difference)(seed % SCENE_DIFFERENCES), seed / 10);
            uint8_t *a =
                seed % 2 ? scene_ppm(&sizes[0], &first) : scene_jpeg(&sizes[0], &first, 90);
            uint8_t *b = scene_encode(&sizes[1], &first, (scene_coding)k);
            glimpse_image *x = decode(a, sizes[0]), *y = decode(b, sizes[1]);
            char what[64];
            (void)snprintf(what, sizeof what, "%s %u", scene_coding_name((scene_coding)k), seed);
            judge(&t, x, y, what);
            glimpse_image_free(x), glimpse_image_free(y);
            free(a), free(b), free(first.rgb);
        }
        if (t.pairs) print_row(scene_coding_name((scene_coding)k), &t);
    }
}

static scene scene_of(const glimpse_image *image) {
    scene s = {glimpse_image_width(image), glimpse_image_height(image), NULL};
    s.rgb = malloc((size_t)s.width * s.height * 3);
    if (!s.rgb) exit(1);
    memcpy(s.rgb, glimpse_image_pixels(image), (size_t)s.width * s.height * 3);
    return s;
}

static void photographs(const char *directory, unsigned every) {
    tally kinds[SCENE_CODINGS + 1] = {{0}};
    DIR *d = opendir(directory);
    struct dirent *entry;
    unsigned index = 0;
    while (d && (entry = readdir(d))) {
        char path[2048];
        glimpse_image *original = NULL;
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] == '.' || index++ % every) continue;
        if (glimpse_image_load(&original, path, NULL) < 0) continue;
        const scene s = scene_of(original);
        for (int k = 0; k <= SCENE_CODINGS; k++) {
            size_t size;
            uint8_t *data;
            char what[400];
            if (k < SCENE_CODINGS) {
                data = scene_encode(&size, &s, (scene_coding)k);
            } else {
                scene first, second;
                scene_stamp(&first, &second, &s, index);
                data = scene_jpeg(&size, &second, 75);
                free(first.rgb), free(second.rgb);
            }
            glimpse_image *copy = decode(data, size);
            (void)snprintf(what, sizeof what, "%s %s",
                           k < SCENE_CODINGS ? scene_coding_name((scene_coding)k) : "stamp",
                           entry->d_name);
            judge(&kinds[k], original, copy, what);
            glimpse_image_free(copy);
            free(data);
        }
        free(s.rgb);
        glimpse_image_free(original);
    }
    if (d) (void)closedir(d);
    for (int k = 0; k <= SCENE_CODINGS; k++)
        print_row(k < SCENE_CODINGS ? scene_coding_name((scene_coding)k) : "date stamp", &kinds[k]);
}

int main(int argc, char **argv) {
    const unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 12;
    (void)printf("called the same picture       pairs   thumbnails   full size  near  strength of "
                 "the odd\n\nother pictures\n");
    if (seeds && !getenv("ONLY")) other_pictures(seeds);
    (void)printf("\ncopies\n");
    if (seeds) copies(2 * seeds);
    if (argc > 2) {
        (void)printf("\nphotographs\n");
        photographs(argv[2], argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1);
    }
    return 0;
}

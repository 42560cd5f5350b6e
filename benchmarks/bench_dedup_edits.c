/*
 * bench_dedup_edits.c - edited copies of photographs, made by seeded random numbers: crops anywhere
 * and not only in the middle, frames of any colour, tones, sizes, qualities. And what must not be
 * taken for the same picture: other shots, imitated by a smooth random displacement (parallax), a
 * shift of the view and new noise.
 */
#include "bench.h"
#include "bench_dedup.h"

#include <glimpse/sys/image.h>

#include <dirent.h>
#include <jpeglib.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct raster {
    uint32_t w, h;
    uint8_t *rgb;
} raster;

static uint64_t random_state = 20240607;
static double uniform(double low, double high) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return low + (high - low) * (double)(random_state >> 11) / 9007199254740992.0;
}

static raster make(uint32_t w, uint32_t h) {
    raster r = {w, h, malloc((size_t)w * h * 3)};
    if (!r.rgb) exit(1);
    return r;
}

static uint8_t clip(double value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

static void sample(const raster *from, double x, double y, double out[3]) {
    x = x < 0 ? 0 : x > from->w - 1.001 ? from->w - 1.001 : x;
    y = y < 0 ? 0 : y > from->h - 1.001 ? from->h - 1.001 : y;
    size_t i = (size_t)x, j = (size_t)y;
    double f = x - (double)i, g = y - (double)j;
    const uint8_t *p = from->rgb + 3 * (j * from->w + i), *q = p + 3 * (size_t)from->w;
    for (int c = 0; c < 3; c++)
        out[c] = (1 - g) * ((1 - f) * p[c] + f * p[3 + c]) + g * ((1 - f) * q[c] + f * q[3 + c]);
}

static raster crop(const raster *from, double share) {
    /* `share` of the picture's area goes away. */
    double side = sqrt(1 - share);
    raster r = make((uint32_t)(from->w * side), (uint32_t)(from->h * side));
    size_t x = (size_t)uniform(0, from->w - r.w), y = (size_t)uniform(0, from->h - r.h);
    for (size_t j = 0; j < r.h; j++) {
        memcpy(r.rgb + 3 * j * r.w, from->rgb + 3 * ((y + j) * from->w + x), 3 * (size_t)r.w);
    }
    return r;
}

static raster resize(const raster *from, double scale) {
    glimpse_image *image = NULL, *small = NULL;
    uint32_t w = (uint32_t)(from->w * scale), h = (uint32_t)(from->h * scale);
    if (glimpse_image_create(&image, from->rgb, from->w, from->h) < 0 ||
        glimpse_image_resize(&small, image, w > 16 ? w : 16, h > 16 ? h : 16,
                             GLIMPSE_RESAMPLE_BICUBIC) < 0)
        exit(1);
    raster r = make(glimpse_image_width(small), glimpse_image_height(small));
    memcpy(r.rgb, glimpse_image_pixels(small), (size_t)r.w * r.h * 3);
    glimpse_image_free(small);
    glimpse_image_free(image);
    return r;
}

static raster tones(const raster *from, double gain, double bias, double gamma, int grey) {
    raster r = make(from->w, from->h);
    for (size_t i = 0; i < (size_t)r.w * r.h; i++) {
        const uint8_t *p = from->rgb + 3 * i;
        double luma = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        for (size_t c = 0; c < 3; c++) {
            double v = 255 * pow((grey ? luma : p[c]) / 255, gamma);
            r.rgb[3 * i + c] = clip((v - 128) * gain + 128 + bias);
        }
    }
    return r;
}

static raster frame(const raster *from) {
    uint32_t wide = (uint32_t)(uniform(0.02, 0.08) * from->w), high = wide;
    uint8_t colour[3] = {clip(uniform(-60, 315)), 0, 0};
    colour[1] = uniform(0, 1) < 0.7 ? colour[0] : clip(uniform(0, 255));
    colour[2] = colour[1];
    if (uniform(0, 1) < 0.3) wide = 0; /* bars above and below */
    raster r = make(from->w + 2 * wide, from->h + 2 * high);
    for (size_t i = 0; i < (size_t)r.w * r.h; i++)
        memcpy(r.rgb + 3 * i, colour, 3);
    for (size_t j = 0; j < from->h; j++) {
        memcpy(r.rgb + 3 * ((j + high) * r.w + wide), from->rgb + 3 * j * from->w,
               3 * (size_t)from->w);
    }
    return r;
}

/* Lines of blocks, as text is from afar. */
static raster caption(const raster *from) {
    raster r = make(from->w, from->h);
    memcpy(r.rgb, from->rgb, (size_t)r.w * r.h * 3);
    uint32_t height = r.h / 14 + 4, x = r.w / 20, y = (uint32_t)uniform(0, r.h - height);
    uint8_t colour = uniform(0, 1) < 0.5 ? 255 : 0;
    while (x + height / 2 < r.w * 3 / 4) {
        uint32_t wide = 2 + (uint32_t)uniform(0, height * 0.5);
        for (uint32_t j = y; j < y + height; j++) {
            for (uint32_t i = x; i < x + wide; i++)
                memset(r.rgb + 3 * ((size_t)j * r.w + i), colour, 3);
        }
        x += wide + 2 + (uint32_t)uniform(0, height * 0.4);
    }
    return r;
}

/* Turned about the centre, cut to what is covered. */
static raster rotate(const raster *from, double degrees) {
    double a = degrees * 3.14159265358979 / 180, s = fabs(sin(a)), c = cos(a);
    double w = from->w, h = from->h;
    double k = fmin(w / (w * c + h * s), h / (w * s + h * c));
    raster r = make((uint32_t)(w * k), (uint32_t)(h * k));
    for (uint32_t j = 0; j < r.h; j++) {
        for (uint32_t i = 0; i < r.w; i++) {
            double x = i - r.w / 2.0, y = j - r.h / 2.0, out[3];
            sample(from, w / 2 + x * cos(a) - y * sin(a), h / 2 + x * sin(a) + y * cos(a), out);
            for (size_t n = 0; n < 3; n++)
                r.rgb[3 * ((size_t)j * r.w + i) + n] = clip(out[n]);
        }
    }
    return r;
}

static raster mirror(const raster *from) {
    raster r = make(from->w, from->h);
    for (size_t j = 0; j < r.h; j++) {
        for (size_t i = 0; i < r.w; i++)
            memcpy(r.rgb + 3 * (j * r.w + i), from->rgb + 3 * (j * r.w + r.w - 1 - i), 3);
    }
    return r;
}

/* Another shot: the view moved by up to `shift` of the side, things at several depths moved by up
 * to `parallax` against each other, other noise. */
static raster other_shot(const raster *from, double shift, double parallax) {
    raster r = make((uint32_t)(from->w * 0.88), (uint32_t)(from->h * 0.88));
    double phase[4][3], sx = uniform(-shift, shift), sy = uniform(-shift, shift);
    for (int k = 0; k < 4; k++) {
        phase[k][0] = uniform(0, 6.28);
        phase[k][1] = uniform(5, 16);
        phase[k][2] = uniform(5, 16);
    }
    for (uint32_t j = 0; j < r.h; j++) {
        for (uint32_t i = 0; i < r.w; i++) {
            double x = (double)i / r.w, y = (double)j / r.h, dx = 0, dy = 0, out[3];
            for (int k = 0; k < 4; k++) {
                double wave =
                    sin(phase[k][0] + phase[k][1] * x + phase[k][2] * y * (k % 2 ? 1 : -1));
                if (k < 2) dx += wave / 2;
                if (k >= 2) dy += wave / 2;
            }
            sample(from, (0.06 + sx + parallax * dx + 0.88 * x) * from->w,
                   (0.06 + sy + parallax * dy + 0.88 * y) * from->h, out);
            double noise = uniform(-6, 6);
            for (size_t n = 0; n < 3; n++)
                r.rgb[3 * ((size_t)j * r.w + i) + n] = clip(out[n] + noise);
        }
    }
    return r;
}

static int write_jpeg(const raster *r, const char *path, int quality) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    if (!file) return -1;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, file);
    c.image_width = r->w, c.image_height = r->h;
    c.input_components = 3, c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = r->rgb + 3 * (size_t)c.next_scanline * r->w;
        (void)jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return fclose(file);
}

typedef struct edit {
    const char *name;
    int same; /* 0: another picture, to be told apart */
} edit;
static const edit edits[] = {{"resize 20-90%", 1},
                             {"resize 110-180%", 1},
                             {"jpeg q15-40", 1},
                             {"jpeg q40-85", 1},
                             {"brightness +-15-45", 1},
                             {"contrast 0.6-1.5", 1},
                             {"gamma 0.6-1.6", 1},
                             {"grayscale", 1},
                             {"frame 2-8%", 1},
                             {"crop 2-5%", 1},
                             {"crop 5-10%", 1},
                             {"crop 10-20%", 1},
                             {"crop 20-30%", 1},
                             {"crop 30-40%", 1},
                             {"caption", 1},
                             {"crop 5-10%+resize+q40", 1},
                             {"rotate 1-3", 1},
                             {"rotate 3-6", 1},
                             {"mirror", 1},
                             {"shot: parallax 1%", 0},
                             {"shot: parallax 2%", 0},
                             {"shot: parallax 4%", 0}};
enum { EDITS = sizeof edits / sizeof edits[0], PER_PHOTO = 5 };

static raster apply(int which, const raster *from, int *quality) {
    *quality = 85;
    switch (which) {
    case 0: return resize(from, uniform(0.2, 0.9));
    case 1: return resize(from, uniform(1.1, 1.8));
    case 2: *quality = (int)uniform(15, 40); return resize(from, 1);
    case 3: *quality = (int)uniform(40, 85); return resize(from, 1);
    case 4: return tones(from, 1, uniform(15, 45) * (uniform(0, 1) < 0.5 ? -1 : 1), 1, 0);
    case 5: return tones(from, uniform(0.6, 1.5), 0, 1, 0);
    case 6: return tones(from, 1, 0, uniform(0.6, 1.6), 0);
    case 7: return tones(from, 1, 0, 1, 1);
    case 8: return frame(from);
    case 9: return crop(from, uniform(0.02, 0.05));
    case 10: return crop(from, uniform(0.05, 0.10));
    case 11: return crop(from, uniform(0.10, 0.20));
    case 12: return crop(from, uniform(0.20, 0.30));
    case 13: return crop(from, uniform(0.30, 0.40));
    case 14: return caption(from);
    case 15: {
        raster cut = crop(from, uniform(0.05, 0.10)), r = resize(&cut, uniform(0.4, 0.8));
        free(cut.rgb);
        *quality = 40;
        return r;
    }
    case 16: return rotate(from, uniform(1, 3) * (uniform(0, 1) < 0.5 ? -1 : 1));
    case 17: return rotate(from, uniform(3, 6) * (uniform(0, 1) < 0.5 ? -1 : 1));
    case 18: return mirror(from);
    case 19: return other_shot(from, 0.03, 0.01);
    case 20: return other_shot(from, 0.03, 0.02);
    default: return other_shot(from, 0.05, 0.04);
    }
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void make_edits(truth *t, const char *photo, const char *name, size_t number,
                       const char *directory) {
    glimpse_image *image = NULL;
    char path[PATH_MAX + 300], original[32];
    if (glimpse_image_load(&image, photo, NULL) < 0) return;
    raster from = {glimpse_image_width(image), glimpse_image_height(image), NULL};
    from.rgb = malloc((size_t)from.w * from.h * 3);
    if (!from.rgb) exit(1);
    memcpy(from.rgb, glimpse_image_pixels(image), (size_t)from.w * from.h * 3);
    glimpse_image_free(image);
    (void)snprintf(original, sizeof original, "p%zu", number);
    (void)truth_add(t, photo, original, "original");
    for (size_t k = 0; k < PER_PHOTO; k++) {
        size_t which = (number * PER_PHOTO + k) % EDITS;
        int quality;
        raster r = apply((int)which, &from, &quality);
        (void)snprintf(path, sizeof path, "%s/%.200s_%zu.jpg", directory, name, which);
        if (write_jpeg(&r, path, quality) == 0) {
            char other[48];
            (void)snprintf(other, sizeof other, "%s shot %zu", original, which);
            (void)truth_add(t, path, edits[which].same ? original : other,
                            edits[which].same ? edits[which].name : "");
        }
        free(r.rgb);
    }
    free(from.rgb);
}

int bench_dedup_edits(const char *images) {
    char photos[PATH_MAX], given[PATH_MAX + 16], directory[PATH_MAX], path[PATH_MAX + 300];
    const char *temporary = getenv("TMPDIR");
    char *names[4096];
    size_t count = 0;
    truth t = {0};
    (void)snprintf(given, sizeof given, "%.4000s/photos", images);
    (void)snprintf(path, sizeof path, "%.3000s/bench_dedup_XXXXXX", temporary ? temporary : "/tmp");
    DIR *dir = realpath(given, photos) ? opendir(photos) : NULL;
    if (!dir || !mkdtemp(path) || !realpath(path, directory)) {
        (void)fprintf(stderr, "%s cannot be read, or no temporary folder made\n", given);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(dir)) && count < 4096;) {
        if (glimpse_image_name_is_picture(entry->d_name)) names[count++] = strdup(entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%.250s", photos, names[i]);
        make_edits(&t, path, names[i], i, directory);
        free(names[i]);
    }
    const char *roots[] = {photos, directory};
    printf("%d random edits of each of %zu photographs\n", PER_PHOTO, count);
    int failed = truth_judge(&t, roots, 2);
    for (size_t i = 0; i < t.count && !getenv("BENCH_DEDUP_KEEP"); i++) {
        if (strncmp(t.files[i].path, directory, strlen(directory)) == 0)
            (void)unlink(t.files[i].path);
    }
    (void)rmdir(directory);
    free(t.files);
    return failed;
}

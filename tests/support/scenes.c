/*
 * scenes.c - draws with strokes whose edges are smooth, so that nothing snaps to pixels.
 */
#include "support/scenes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct colour {
    double c[3];
} colour;
static const colour black = {{16, 16, 20}}, white = {{254, 254, 252}}, orange = {{250, 140, 40}},
                    blue = {{28, 60, 140}}, ink = {{30, 30, 110}};

static double uniform(uint64_t *state, double low, double high) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return low + (high - low) * (double)(*state >> 11) / 9007199254740992.0;
}

static uint64_t seeded(unsigned seed, unsigned of) {
    uint64_t state =
        (uint64_t)seed * UINT64_C(0x9E3779B97F4A7C15) + of * UINT64_C(0xBF58476D1CE4E5B9) + 1;
    for (int i = 0; i < 8; i++)
        (void)uniform(&state, 0, 1);
    return state;
}

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (!memory) abort();
    return memory;
}

static uint8_t clip(double value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

static scene make(unsigned width, unsigned height, colour fill) {
    scene s = {width, height, allocate((size_t)width * height * 3)};
    for (size_t i = 0; i < (size_t)width * height * 3; i++)
        s.rgb[i] = clip(fill.c[i % 3]);
    return s;
}

static scene copy(const scene *from) {
    scene s = {from->width, from->height, allocate((size_t)from->width * from->height * 3)};
    memcpy(s.rgb, from->rgb, (size_t)from->width * from->height * 3);
    return s;
}

static void blend(scene *s, int x, int y, colour ink_, double opacity) {
    if (x < 0 || y < 0 || x >= (int)s->width || y >= (int)s->height || opacity <= 0) return;
    uint8_t *p = s->rgb + 3 * ((size_t)y * s->width + (size_t)x);
    for (int k = 0; k < 3; k++)
        p[k] = clip(p[k] + opacity * (ink_.c[k] - p[k]));
}

/* A line with round ends. */
static void stroke(scene *s, double x0, double y0, double x1, double y1, double thickness,
                   colour c) {
    const double dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy, r = thickness / 2 + 1;
    for (int y = (int)floor(fmin(y0, y1) - r); y <= (int)ceil(fmax(y0, y1) + r); y++) {
        for (int x = (int)floor(fmin(x0, x1) - r); x <= (int)ceil(fmax(x0, x1) + r); x++) {
            double t = length > 0 ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            const double distance = hypot(x - x0 - t * dx, y - y0 - t * dy);
            const double cover = thickness / 2 + 0.5 - distance;
            blend(s, x, y, c, cover < 0 ? 0 : cover > 1 ? 1 : cover);
        }
    }
}

static void box(scene *s, double x0, double y0, double x1, double y1, colour c) {
    for (int y = (int)y0; y < (int)y1; y++) {
        for (int x = (int)x0; x < (int)x1; x++)
            blend(s, x, y, c, 1);
    }
}

static void disc(scene *s, double cx, double cy, double rx, double ry, colour c, double shade) {
    for (int y = (int)(cy - ry - 1); y <= (int)(cy + ry + 1); y++) {
        for (int x = (int)(cx - rx - 1); x <= (int)(cx + rx + 1); x++) {
            const double u = (x - cx) / rx, v = (y - cy) / ry, d = sqrt(u * u + v * v);
            const double cover = (1 - d) * fmin(rx, ry) + 0.5, light = 1 - shade * (u + v) / 2;
            const colour lit = {{c.c[0] * light, c.c[1] * light, c.c[2] * light}};
            blend(s, x, y, lit, cover < 0 ? 0 : cover > 1 ? 1 : cover);
        }
    }
}

/*
 * Writing: digits of seven segments, letters of a few strokes between nine points.
 */
static void digit(scene *s, int value, double x, double y, double height, colour c) {
    static const unsigned char segments[10] = {0x77, 0x24, 0x5D, 0x6D, 0x2E,
                                               0x6B, 0x7B, 0x25, 0x7F, 0x6F};
    const double w = height * 0.5, h = height / 2, t = height * 0.11;
    const double line[7][4] = {{0, 0, w, 0},        {0, 0, 0, h},     {w, 0, w, h},
                               {0, h, w, h},        {0, h, 0, 2 * h}, {w, h, w, 2 * h},
                               {0, 2 * h, w, 2 * h}};
    for (int k = 0; k < 7; k++) {
        if (segments[value] >> k & 1)
            stroke(s, x + line[k][0], y + line[k][1], x + line[k][2], y + line[k][3], t, c);
    }
}

static void letter(scene *s, unsigned which, double x, double y, double height, colour c) {
    uint64_t state = seeded(which, 77);
    const int strokes = 2 + (int)(which % 3);
    double px = floor(uniform(&state, 0, 2.99)), py = floor(uniform(&state, 0, 2.99));
    for (int k = 0; k < strokes; k++) {
        double qx = px, qy = py;
        while (fabs(qx - px) < 0.5 && fabs(qy - py) < 0.5) {
            qx = floor(uniform(&state, 0, 2.99));
            qy = floor(uniform(&state, 0, 2.99));
        }
        stroke(s, x + px * height * 0.25, y + py * height / 2, x + qx * height * 0.25,
               y + qy * height / 2, height * 0.1, c);
        px = qx, py = qy;
    }
}

/* Returns where it ends. */
static double word(scene *s, uint64_t *state, int letters, double x, double y, double height,
                   colour c) {
    for (int k = 0; k < letters; k++, x += height * 0.72)
        letter(s, (unsigned)uniform(state, 0, 26), x, y, height, c);
    return x;
}

static void number(scene *s, uint64_t *state, int digits, double x, double y, double height,
                   colour c) {
    for (int k = 0; k < digits; k++)
        digit(s, (int)uniform(state, 0, 9.99), x + k * height * 0.75, y, height, c);
}

static void paragraph(scene *s, uint64_t *state, double x0, double x1, double y0, double y1,
                      double height) {
    for (double y = y0; y + height < y1; y += height * 1.9) {
        for (double x = x0;;) {
            const int letters = 2 + (int)uniform(state, 0, 8);
            if (x + letters * height * 0.72 > x1) break;
            x = word(s, state, letters, x, y, height, black) + height * 0.5;
        }
    }
}

static scene page(unsigned seed, double *height) {
    uint64_t state = seeded(seed, 1);
    static const unsigned widths[3] = {850, 1240, 1700};
    const unsigned w = widths[seed % 3];
    scene s = make(w, w * 1414 / 1000, white);
    *height = uniform(&state, 0.011, 0.016) * w;
    (void)word(&s, &state, 9, 0.12 * w, 0.1 * w, 2 * *height, black);
    paragraph(&s, &state, 0.12 * w, 0.88 * w, 0.18 * w, uniform(&state, 0.6, 0.95) * w, *height);
    return s;
}

static scene form(unsigned seed, unsigned numbers) {
    uint64_t state = seeded(seed, 2), fields = seeded(numbers, 3);
    const unsigned w = seed % 2 ? 850 : 1240;
    const double height = 0.02 * w;
    scene s = make(w, w * 1294 / 1000, white);
    box(&s, 0.06 * w, 0.06 * w, 0.94 * w, 0.15 * w, blue);
    (void)word(&s, &state, 12, 0.09 * w, 0.085 * w, 1.7 * height, white);
    const int rows = 5 + (int)(seed % 5);
    for (int k = 0; k < rows; k++) {
        const double y = (0.25 + 0.095 * k) * w;
        (void)word(&s, &state, 5 + k % 4, 0.09 * w, y, height, black);
        stroke(&s, 0.42 * w, y - height, 0.9 * w, y - height, 1, black);
        stroke(&s, 0.42 * w, y + 2 * height, 0.9 * w, y + 2 * height, 1, black);
        stroke(&s, 0.42 * w, y - height, 0.42 * w, y + 2 * height, 1, black);
        stroke(&s, 0.9 * w, y - height, 0.9 * w, y + 2 * height, 1, black);
        number(&s, &fields, 5, 0.44 * w, y, height, black);
    }
    (void)word(&s, &state, 20, 0.09 * w, 1.2 * w, 0.8 * height, black);
    return s;
}

static scene slide(unsigned seed, int lines, double *next) {
    uint64_t state = seeded(seed, 4);
    const unsigned w = 1280, h = 720;
    const colour grounds[3] = {white, {{24, 34, 60}}, {{238, 232, 214}}};
    const colour text = seed % 3 == 1 ? white : black;
    scene s = make(w, h, grounds[seed % 3]);
    (void)word(&s, &state, 10 + (int)(seed % 6), 80, 60, 44, text);
    box(&s, 80, 130, 1200, 134, orange);
    double y = 180;
    for (int k = 0; k < lines; k++, y += 62) {
        disc(&s, 92, y + 13, 6, 6, text, 0);
        for (double x = 120; x < uniform(&state, 500, 1000);)
            x = word(&s, &state, 3 + (int)uniform(&state, 0, 6), x, y, 26, text) + 16;
    }
    *next = y;
    return s;
}

/*
 * Photographs: noise of several octaves, shaded discs, a sensor's noise.
 */
static double lattice(uint64_t seed, int x, int y) {
    uint64_t h = seed + (uint64_t)(int64_t)x * UINT64_C(0x9E3779B97F4A7C15) +
                 (uint64_t)(int64_t)y * UINT64_C(0xC2B2AE3D27D4EB4F);
    h ^= h >> 29, h *= UINT64_C(0xBF58476D1CE4E5B9), h ^= h >> 32;
    h *= UINT64_C(0x94D049BB133111EB), h ^= h >> 29;
    return (double)(h >> 11) / 9007199254740992.0 - 0.5;
}

static double smooth_noise(uint64_t seed, double x, double y) {
    const int i = (int)floor(x), j = (int)floor(y);
    const double f = x - i, g = y - j, u = f * f * (3 - 2 * f), v = g * g * (3 - 2 * g);
    return (1 - v) * ((1 - u) * lattice(seed, i, j) + u * lattice(seed, i + 1, j)) +
           v * ((1 - u) * lattice(seed, i, j + 1) + u * lattice(seed, i + 1, j + 1));
}

static scene landscape(unsigned seed, unsigned w, unsigned h) {
    uint64_t state = seeded(seed, 5);
    const uint64_t a = seeded(seed, 6), b = seeded(seed, 7);
    scene s = make(w, h, black);
    const double horizon = uniform(&state, 0.3, 0.6), rough = uniform(&state, 0.4, 1.2);
    const colour sky = {{120 + uniform(&state, -30, 60), 160, 210}},
                 ground = {{uniform(&state, 60, 150), uniform(&state, 80, 140), 70}};
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w; x++) {
            const double u = (double)x / w, v = (double)y / w;
            const double edge = horizon * h / w + 0.05 * smooth_noise(a, 5 * u, 0.5) +
                                0.01 * smooth_noise(b, 40 * u, 0.5);
            double detail = 0, light = 0;
            for (int o = 0; o < 6; o++) {
                const double f = 6 << o;
                detail += smooth_noise(a + (uint64_t)o, f * u, f * v) / (1 + 0.4 * o);
            }
            light =
                v < edge ? 1 - 0.4 * v + 0.1 * smooth_noise(b, 3 * u, 3 * v) : 1 + rough * detail;
            for (int k = 0; k < 3; k++)
                s.rgb[3 * ((size_t)y * w + x) + (size_t)k] =
                    clip(light * (v < edge ? sky.c[k] : ground.c[k]));
        }
    }
    for (int k = 0; k < 7; k++) {
        const colour c = {
            {uniform(&state, 30, 230), uniform(&state, 30, 230), uniform(&state, 30, 230)}};
        const double r = uniform(&state, 0.02, 0.09) * w;
        disc(&s, uniform(&state, 0.05, 0.95) * w, uniform(&state, 0.3, 0.95) * h, r,
             r * uniform(&state, 0.6, 1.5), c, 0.4);
    }
    return s;
}

static void add_noise(scene *s, unsigned seed, double deviation) {
    uint64_t state = seeded(seed, 8);
    for (size_t i = 0; i < (size_t)s->width * s->height; i++) {
        for (int k = 0; k < 3; k++) {
            double sum = -2;
            for (int n = 0; n < 4; n++)
                sum += uniform(&state, 0, 1);
            s->rgb[3 * i + (size_t)k] = clip(s->rgb[3 * i + (size_t)k] + sum * 1.73 * deviation);
        }
    }
}

static scene faces(unsigned seed, int closed) {
    uint64_t state = seeded(seed, 9);
    scene s = landscape(seed + 1000, 1200, 900);
    const int count = 2 + (int)(seed % 3);
    for (int k = 0; k < count; k++) {
        const double cx = (k + 0.5) * 1200 / count + uniform(&state, -40, 40);
        const double cy = uniform(&state, 380, 480), r = uniform(&state, 55, 85);
        const colour skin = {{uniform(&state, 190, 235), uniform(&state, 150, 180), 140}};
        disc(&s, cx, cy + 3.2 * r, 1.7 * r, 2.2 * r, blue, 0.3);
        disc(&s, cx, cy, r, 1.25 * r, skin, 0.3);
        for (int side = -1; side <= 1; side += 2) {
            const double ex = cx + side * 0.4 * r, ey = cy - 0.2 * r;
            if (closed && k == (int)(seed % (unsigned)count)) {
                stroke(&s, ex - 0.16 * r, ey, ex + 0.16 * r, ey + 0.03 * r, 0.05 * r, black);
            } else {
                disc(&s, ex, ey, 0.18 * r, 0.1 * r, white, 0);
                disc(&s, ex, ey, 0.09 * r, 0.09 * r, black, 0);
            }
        }
        stroke(&s, cx - 0.3 * r, cy + 0.6 * r, cx + 0.3 * r, cy + 0.62 * r, 0.1 * r, ink);
    }
    return s;
}

/* A blur of the given radius right of a line, or left of it. */
static scene focused(const scene *from, int right, double radius) {
    scene s = copy(from);
    const int r = (int)ceil(radius);
    for (int y = 0; y < (int)s.height; y++) {
        for (int x = 0; x < (int)s.width; x++) {
            if ((x > (int)s.width / 2) == right) continue;
            double sum[3] = {0, 0, 0}, weight = 0;
            for (int v = -r; v <= r; v++) {
                for (int u = -r; u <= r; u++) {
                    const int i = x + u, j = y + v;
                    if (i < 0 || j < 0 || i >= (int)s.width || j >= (int)s.height) continue;
                    if (u * u + v * v > radius * radius) continue;
                    const uint8_t *p = from->rgb + 3 * ((size_t)j * s.width + (size_t)i);
                    for (int k = 0; k < 3; k++)
                        sum[k] += p[k];
                    weight++;
                }
            }
            for (size_t k = 0; k < 3; k++)
                s.rgb[3 * ((size_t)y * s.width + (size_t)x) + k] = clip(sum[k] / weight);
        }
    }
    return s;
}

static scene mug(unsigned seed, int which) {
    uint64_t state = seeded(seed, 10);
    static const colour colours[5] = {
        {{190, 40, 40}}, {{40, 70, 180}}, {{40, 140, 60}}, {{225, 190, 50}}, {{120, 50, 140}}};
    scene s = make(900, 900, (colour){{236, 234, 230}});
    const colour c = colours[(seed + (unsigned)which * (1 + seed % 4)) % 5];
    const double r = uniform(&state, 150, 220), x = uniform(&state, 400, 480);
    disc(&s, x, 660, 1.3 * r, 0.3 * r, (colour){{200, 198, 194}}, 0.1);
    disc(&s, x + r, 480, 0.55 * r, 0.6 * r, c, 0.3);
    disc(&s, x + r, 480, 0.38 * r, 0.42 * r, (colour){{236, 234, 230}}, 0);
    for (int y = 480 - (int)r; y < 480 + (int)r; y++) {
        for (int i = (int)(x - r); i < (int)(x + r); i++) {
            const double light = 1 - 0.35 * (i - x) / r;
            blend(&s, i, y, (colour){{c.c[0] * light, c.c[1] * light, c.c[2] * light}}, 1);
        }
    }
    (void)word(&s, &state, 5, x - 0.7 * r, 450, 0.3 * r, white);
    return s;
}

/*
 * The pairs.
 */
const char *scene_difference_name(scene_difference difference) {
    static const char *const names[SCENE_DIFFERENCES] = {
        "form, other numbers",    "page, one digit",        "page, a comma",
        "page, signature",        "slide, one line",        "photograph, date stamp",
        "faces, eyes closed",     "burst, something moved", "focus stack",
        "thing in another colour"};
    return names[difference];
}

void scene_stamp(scene *first, scene *second, const scene *from, unsigned seed) {
    uint64_t state = seeded(seed, 11);
    const double height = fmax(9, uniform(&state, 0.018, 0.03) * from->height);
    *first = copy(from);
    *second = copy(from);
    number(second, &state, 8, from->width - 7 * height, from->height - 2.2 * height, height,
           orange);
}

void scene_pair(scene *first, scene *second, scene_difference difference, unsigned seed) {
    uint64_t state = seeded(seed, 12);
    double height = 0, next = 0;
    scene base;
    switch (difference) {
    case SCENE_FORM_NUMBERS:
        *first = form(seed, 2 * seed);
        *second = form(seed, 2 * seed + 1);
        break;
    case SCENE_ONE_DIGIT: {
        *first = page(seed, &height);
        const double x = uniform(&state, 0.2, 0.8) * first->width;
        box(first, x - height, 1.05 * first->width - height, x + 8 * height,
            1.05 * first->width + 2 * height, white);
        number(first, &state, 6, x + height, 1.05 * first->width, height, black);
        *second = copy(first);
        digit(first, 8, x, 1.05 * first->width, height, black);
        digit(second, 9, x, 1.05 * first->width, height, black);
        break;
    }
    case SCENE_COMMA: {
        *first = page(seed, &height);
        *second = copy(first);
        const double x = uniform(&state, 0.2, 0.8) * first->width, y = 0.16 * first->width;
        stroke(second, x, y, x - 0.12 * height, y + 0.35 * height, 0.2 * height, black);
        break;
    }
    case SCENE_SIGNATURE: {
        *first = page(seed, &height);
        *second = copy(first);
        double x = 0.55 * first->width, y = 1.15 * first->width;
        for (int k = 0; k < 14; k++) {
            const double qx = x + uniform(&state, -0.6, 2) * height,
                         qy = 1.15 * first->width + uniform(&state, -1.5, 1.5) * height;
            stroke(second, x, y, qx, qy, 0.13 * height, ink);
            x = qx, y = qy;
        }
        break;
    }
    case SCENE_SLIDE_LINE: {
        const int lines = 3 + (int)(seed % 4);
        *first = slide(seed, lines, &next);
        *second = slide(seed, lines + 1, &next);
        break;
    }
    case SCENE_DATE_STAMP:
        base = landscape(seed, seed % 2 ? 1024 : 640, seed % 2 ? 768 : 480);
        add_noise(&base, seed, 2);
        scene_stamp(first, second, &base, seed);
        free(base.rgb);
        break;
    case SCENE_EYES:
        *first = faces(seed, 0);
        *second = faces(seed, 1);
        add_noise(first, 2 * seed, 2);
        add_noise(second, 2 * seed + 1, 2);
        break;
    case SCENE_BURST: {
        *first = landscape(seed, 1024, 768);
        *second = copy(first);
        const double x = uniform(&state, 0.2, 0.8) * 1024, y = uniform(&state, 0.4, 0.8) * 768;
        const double step = uniform(&state, 6, 20), r = uniform(&state, 14, 40);
        const colour c = {{uniform(&state, 150, 230), 60, 60}};
        disc(first, x, y, r, r, c, 0.4);
        disc(second, x + step, y, r, r, c, 0.4);
        add_noise(first, 2 * seed, 2.5);
        add_noise(second, 2 * seed + 1, 2.5);
        break;
    }
    case SCENE_FOCUS_STACK:
        base = landscape(seed, 800, 600);
        *first = focused(&base, 0, uniform(&state, 1.6, 3.5));
        *second = focused(&base, 1, uniform(&state, 1.6, 3.5));
        add_noise(first, 2 * seed, 1.5);
        add_noise(second, 2 * seed + 1, 1.5);
        free(base.rgb);
        break;
    default:
        *first = mug(seed, 0);
        *second = mug(seed, 1);
        add_noise(first, 2 * seed, 1.5);
        add_noise(second, 2 * seed + 1, 1.5);
    }
}

scene scene_draw(scene_difference like, unsigned seed) {
    scene first, second;
    scene_pair(&first, &second, like, seed);
    free(second.rgb);
    return first;
}

/*
 * Codings.
 */
const char *scene_coding_name(scene_coding coding) {
    static const char *const names[SCENE_CODINGS] = {
        "JPEG q10",         "JPEG q30",      "JPEG q50",     "JPEG q75",           "JPEG q92",
        "JPEG twice",       "half size",     "quarter size", "60 % and sharpened", "150 %",
        "without its edge", "tones rounded", "dithered",     "smoothed",           "messenger"};
    return names[coding];
}

uint8_t *scene_jpeg(size_t *size, const scene *from, int quality) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long length = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &length);
    c.image_width = from->width, c.image_height = from->height;
    c.input_components = 3, c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = from->rgb + 3 * (size_t)c.next_scanline * from->width;
        (void)jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    *size = length;
    return out;
}

static scene decode_jpeg(const uint8_t *data, size_t size) {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    d.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, data, size);
    (void)jpeg_read_header(&d, TRUE);
    d.out_color_space = JCS_RGB;
    (void)jpeg_start_decompress(&d);
    scene s = {d.output_width, d.output_height,
               allocate((size_t)d.output_width * d.output_height * 3)};
    while (d.output_scanline < d.output_height) {
        JSAMPROW row = s.rgb + 3 * (size_t)d.output_scanline * s.width;
        (void)jpeg_read_scanlines(&d, &row, 1);
    }
    (void)jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
    return s;
}

static scene through_jpeg(const scene *from, int quality) {
    size_t size;
    uint8_t *data = scene_jpeg(&size, from, quality);
    const scene s = decode_jpeg(data, size);
    free(data);
    return s;
}

uint8_t *scene_ppm(size_t *size, const scene *from) {
    const size_t bytes = (size_t)from->width * from->height * 3;
    uint8_t *data = allocate(bytes + 40);
    const int head = snprintf((char *)data, 40, "P6\n%u %u\n255\n", from->width, from->height);
    memcpy(data + head, from->rgb, bytes);
    *size = (size_t)head + bytes;
    return data;
}

/* Averages over the area of each new pixel. */
static scene shrunk(const scene *from, double factor) {
    scene s = make((unsigned)lround(from->width * factor), (unsigned)lround(from->height * factor),
                   black);
    const double sx = (double)from->width / s.width, sy = (double)from->height / s.height;
    for (unsigned y = 0; y < s.height; y++) {
        for (unsigned x = 0; x < s.width; x++) {
            double sum[3] = {0, 0, 0}, weight = 0;
            for (unsigned j = (unsigned)(y * sy); j < from->height && j < (y + 1) * sy; j++) {
                for (unsigned i = (unsigned)(x * sx); i < from->width && i < (x + 1) * sx; i++) {
                    const double w = (fmin(i + 1, (x + 1) * sx) - fmax(i, x * sx)) *
                                     (fmin(j + 1, (y + 1) * sy) - fmax(j, y * sy));
                    const uint8_t *p = from->rgb + 3 * ((size_t)j * from->width + i);
                    for (int k = 0; k < 3; k++)
                        sum[k] += w * p[k];
                    weight += w;
                }
            }
            for (size_t k = 0; k < 3; k++)
                s.rgb[3 * ((size_t)y * s.width + x) + k] = clip(sum[k] / weight);
        }
    }
    return s;
}

static double cubic(double t) {
    t = fabs(t);
    if (t < 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
    return t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2 : 0;
}

static scene enlarged(const scene *from, double factor) {
    scene s = make((unsigned)lround(from->width * factor), (unsigned)lround(from->height * factor),
                   black);
    for (unsigned y = 0; y < s.height; y++) {
        for (unsigned x = 0; x < s.width; x++) {
            const double u = (x + 0.5) * from->width / s.width - 0.5;
            const double v = (y + 0.5) * from->height / s.height - 0.5;
            double sum[3] = {0, 0, 0};
            for (int j = (int)floor(v) - 1; j <= (int)floor(v) + 2; j++) {
                for (int i = (int)floor(u) - 1; i <= (int)floor(u) + 2; i++) {
                    const int p = i < 0 ? 0 : i >= (int)from->width ? (int)from->width - 1 : i;
                    const int q = j < 0 ? 0 : j >= (int)from->height ? (int)from->height - 1 : j;
                    const double w = cubic(u - i) * cubic(v - j);
                    for (size_t k = 0; k < 3; k++)
                        sum[k] += w * from->rgb[3 * ((size_t)q * from->width + (size_t)p) + k];
                }
            }
            for (size_t k = 0; k < 3; k++)
                s.rgb[3 * ((size_t)y * s.width + x) + k] = clip(sum[k]);
        }
    }
    return s;
}

/* p + amount (p - mean of the 3x3 around it), where that is at least `low` or at most `high`. */
static scene sharpened(const scene *from, double amount, double high) {
    scene s = copy(from);
    for (unsigned y = 1; y + 1 < s.height; y++) {
        for (unsigned x = 1; x + 1 < s.width; x++) {
            for (size_t k = 0; k < 3; k++) {
                const size_t at = 3 * ((size_t)y * s.width + x) + k, row = 3 * (size_t)s.width;
                double sum = 0;
                for (int v = -1; v <= 1; v++) {
                    for (int u = -1; u <= 1; u++)
                        sum += from->rgb[at + (size_t)(v * (ptrdiff_t)row + 3 * u)];
                }
                const double detail = from->rgb[at] - sum / 9;
                if (fabs(detail) <= high) s.rgb[at] = clip(from->rgb[at] + amount * detail);
            }
        }
    }
    return s;
}

static scene cut(const scene *from) {
    scene s = make(from->width - 2, from->height - 1, black);
    for (unsigned y = 0; y < s.height; y++)
        memcpy(s.rgb + 3 * (size_t)y * s.width, from->rgb + 3 * ((size_t)(y + 1) * from->width + 1),
               3 * (size_t)s.width);
    return s;
}

static scene rounded(const scene *from) {
    scene s = copy(from);
    for (size_t i = 0; i < 3 * (size_t)s.width * s.height; i++)
        s.rgb[i] = clip(255 * pow((s.rgb[i] & 0xFE) / 254.0, 1.02));
    return s;
}

static scene dithered(const scene *from) {
    static const int bayer[16] = {0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5};
    scene s = copy(from);
    for (unsigned y = 0; y < s.height; y++) {
        for (unsigned x = 0; x < s.width; x++) {
            for (size_t k = 0; k < 3; k++) {
                uint8_t *p = s.rgb + 3 * ((size_t)y * s.width + x) + k;
                const double level = *p / 255.0 * 31 + (bayer[y % 4 * 4 + x % 4] + 0.5) / 16 - 0.5;
                *p = clip(floor(level + 0.5) * 255 / 31);
            }
        }
    }
    return s;
}

static uint8_t *encode_free(size_t *size, scene s, int quality) {
    uint8_t *data = quality ? scene_jpeg(size, &s, quality) : scene_ppm(size, &s);
    free(s.rgb);
    return data;
}

uint8_t *scene_encode(size_t *size, const scene *from, scene_coding coding) {
    scene a, b;
    uint8_t *data;
    switch (coding) {
    case SCENE_Q10: return scene_jpeg(size, from, 10);
    case SCENE_Q30: return scene_jpeg(size, from, 30);
    case SCENE_Q50: return scene_jpeg(size, from, 50);
    case SCENE_Q75: return scene_jpeg(size, from, 75);
    case SCENE_Q92: return scene_jpeg(size, from, 92);
    case SCENE_HALF: return encode_free(size, shrunk(from, 0.5), 80);
    case SCENE_QUARTER: return encode_free(size, shrunk(from, 0.25), 80);
    case SCENE_LARGER: return encode_free(size, enlarged(from, 1.5), 85);
    case SCENE_NO_EDGE: return encode_free(size, cut(from), 88);
    case SCENE_ROUNDED: return encode_free(size, rounded(from), 0);
    case SCENE_DITHERED: return encode_free(size, dithered(from), 0);
    case SCENE_SMOOTHED: return encode_free(size, sharpened(from, -0.8, 6), 90);
    case SCENE_TWICE:
        a = through_jpeg(from, 70), b = cut(&a);
        data = scene_jpeg(size, &b, 55);
        break;
    case SCENE_THREE_FIFTH:
        a = shrunk(from, 0.6), b = sharpened(&a, 0.7, 255);
        data = scene_jpeg(size, &b, 85);
        break;
    default: a = shrunk(from, 0.7), b = through_jpeg(&a, 35); data = scene_jpeg(size, &b, 60);
    }
    free(a.rgb);
    free(b.rgb);
    return data;
}

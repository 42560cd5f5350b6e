/*
 * bench_relevance_draw.c - draws scenes of the demo model's world from the sprites and sceneries in
 * benchmarks/relevance, with layouts of its own.
 */
#include "bench.h"
#include "bench_relevance.h"

#include <glimpse/sys/image.h>

#include "image/output/jpeg_out.h"

#include <math.h>
#include <string.h>

enum { CELL = 96, COLUMNS = 16, GROUND = 192, GROUND_EACH = 4, SPRITES = 256, CANVAS = 256 };

typedef struct colour {
    const char *name;
    double rgb[3];
} colour;

static const colour colours[] = {
    {"red", {215, 35, 40}},     {"orange", {245, 135, 25}}, {"yellow", {250, 215, 40}},
    {"green", {45, 160, 65}},   {"blue", {40, 90, 215}},    {"purple", {130, 60, 180}},
    {"pink", {245, 130, 180}},  {"brown", {125, 75, 40}},   {"black", {30, 30, 34}},
    {"white", {246, 246, 246}}, {"gray", {140, 142, 146}}};
enum { COLOURS = sizeof colours / sizeof *colours };

/* In the order of grounds.jpg, with the colours that would drown there. */
static const struct {
    const char *name, *drowns;
} sceneries[] = {{"sky", "blue"},           {"grass", "green"},        {"sea", "blue"},
                 {"night", "black"},        {"snow", "white"},         {"desert", "yellow orange"},
                 {"sunset", "orange pink"}, {"forest", "green brown"}, {"city", "gray"},
                 {"room", "brown"}};
enum { SCENERIES = sizeof sceneries / sizeof *sceneries };

typedef struct sprite {
    char name[24], colour[12]; /* of a shape "form" and "fill" */
} sprite;

static struct {
    sprite sprites[SPRITES];
    size_t count;
    glimpse_image *rgb, *masks, *grounds;
} sheet;

typedef struct cell {
    float rgb[CELL][CELL][3], alpha[CELL][CELL];
} cell;

/* xorshift64*: the same pictures everywhere. */
static uint64_t state;

static uint64_t next_random(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 2685821657736338717u;
}
static double uniform(double low, double high) {
    return low + (high - low) * ((double)(next_random() >> 11) / 9007199254740992.0);
}
static size_t below(size_t end) {
    return (size_t)(next_random() >> 33) % end;
}

void relevance_read_sheet(const char *directory) {
    char path[256], line[80];
    glimpse_image **images[] = {&sheet.rgb, &sheet.masks, &sheet.grounds};
    const char *names[] = {"sprites.jpg", "masks.png", "grounds.jpg"};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        bench_check(glimpse_image_load(images[i], path, NULL));
    }
    (void)snprintf(path, sizeof path, "%s/sprites.tsv", directory);
    FILE *file = fopen(path, "r");
    while (file && sheet.count < SPRITES && fgets(line, sizeof line, file)) {
        sprite *s = &sheet.sprites[sheet.count];
        sheet.count += sscanf(line, "%23[^\t]\t%11s", s->name, s->colour) == 2;
    }
    if (file) (void)fclose(file);
    if (!sheet.count) {
        (void)fprintf(stderr, "the benchmark is void: %s has no sprites\n", path);
        exit(1);
    }
}

void relevance_free_sheet(void) {
    glimpse_image_free(sheet.rgb);
    glimpse_image_free(sheet.masks);
    glimpse_image_free(sheet.grounds);
}

static const uint8_t *pixel(const glimpse_image *image, size_t x, size_t y) {
    return glimpse_image_pixels(image) + (y * glimpse_image_width(image) + x) * 3;
}

static int is_form(size_t i) {
    return strcmp(sheet.sprites[i].colour, "form") == 0;
}

static void load_cell(cell *out, size_t index) {
    size_t x0 = index % COLUMNS * CELL, y0 = index / COLUMNS * CELL;
    for (size_t y = 0; y < CELL; y++) {
        for (size_t x = 0; x < CELL; x++) {
            for (int c = 0; c < 3; c++)
                out->rgb[y][x][c] = pixel(sheet.rgb, x0 + x, y0 + y)[c];
            out->alpha[y][x] = (float)pixel(sheet.masks, x0 + x, y0 + y)[0] / 255;
        }
    }
}

/* A shape: its form in the colour of the edge, its fill in its own, with pale stripes or dots. */
static void paint_shape(cell *out, size_t form, const relevance_thing *thing) {
    size_t x0 = (form + 1) % COLUMNS * CELL, y0 = (form + 1) / COLUMNS * CELL;
    const colour *own = colours;
    while (strcmp(own->name, thing->colour) != 0)
        own++;
    double mean = (own->rgb[0] + own->rgb[1] + own->rgb[2]) / 3;
    int is_white = strcmp(own->name, "white") == 0, slant = (int)below(2);
    load_cell(out, form);
    for (size_t y = 0; y < CELL; y++) {
        for (size_t x = 0; x < CELL; x++) {
            double fill = (double)pixel(sheet.masks, x0 + x, y0 + y)[0] / 255;
            double along = slant ? (double)x : (double)y, step = CELL / 5.5;
            int is_pale = strcmp(thing->texture, "striped") == 0 && fmod(along, step) < 0.45 * step;
            if (strcmp(thing->texture, "dotted") == 0) {
                double s = CELL / 5.0, row = floor((double)y / (0.87 * s));
                double dx = fmod((double)x + (fmod(row, 2) != 0 ? s / 2 : 0), s) - s / 2;
                double dy = (double)y - (row + 0.5) * 0.87 * s;
                is_pale = dx * dx + dy * dy < 0.27 * 0.27 * s * s;
            }
            for (int c = 0; c < 3; c++) {
                double v = own->rgb[c], edge = mean > 60 ? v * 0.62 : v + 70;
                if (is_pale) v = is_white ? v * 0.62 : v * 0.25 + 255 * 0.75;
                out->rgb[y][x][c] = (float)(fill * v + (1 - fill) * edge);
            }
        }
    }
}

static void load_thing(cell *out, const relevance_thing *thing) {
    size_t fitting[8], count = 0;
    for (size_t i = 0; i < sheet.count && count < 8; i++) {
        const sprite *s = &sheet.sprites[i];
        if (strcmp(s->name, thing->name) != 0) continue;
        if (is_form(i)) {
            paint_shape(out, i, thing);
            return;
        }
        if (strcmp(s->colour, thing->colour[0] ? thing->colour : "-") == 0) fitting[count++] = i;
    }
    if (!count) {
        (void)fprintf(stderr, "the benchmark is void: nothing to draw a %s %s with\n",
                      thing->colour, thing->name);
        exit(1);
    }
    load_cell(out, fitting[below(count)]);
}

typedef struct canvas {
    float rgb[CANVAS][CANVAS][3];
    size_t width, height;
} canvas;

static void draw_ground(canvas *to, const char *ground) {
    size_t kind = 0, plain = 0;
    while (kind < SCENERIES && strcmp(sceneries[kind].name, ground) != 0)
        kind++;
    while (plain < COLOURS && strcmp(colours[plain].name, ground) != 0)
        plain++;
    double lift = uniform(-12, 12), shift[3] = {uniform(-4, 4), uniform(-4, 4), uniform(-4, 4)};
    double side = (double)(to->width > to->height ? to->width : to->height);
    double crop = uniform(0.8, 1.0) * GROUND, scale = crop / side;
    double left = uniform(0, GROUND - crop), top = uniform(0, GROUND - crop);
    size_t x0 = below(GROUND_EACH) * GROUND, y0 = kind * GROUND;
    int is_flipped = (int)below(2);
    for (size_t y = 0; y < to->height; y++) {
        for (size_t x = 0; x < to->width; x++) {
            double at = 1 - 2 * (double)y / (double)to->height;
            double sx = left + ((double)x + 0.5) * scale, sy = top + ((double)y + 0.5) * scale;
            if (is_flipped) sx = GROUND - sx;
            sx = fmin(fmax(sx - 0.5, 0), GROUND - 1.001),
            sy = fmin(fmax(sy - 0.5, 0), GROUND - 1.001);
            size_t ix = (size_t)sx, iy = (size_t)sy;
            double fx = sx - (double)ix, fy = sy - (double)iy;
            for (int c = 0; c < 3; c++) {
                double v;
                if (kind == SCENERIES) {
                    v = colours[plain].rgb[c] + lift * at + shift[c];
                } else {
                    v = (1 - fy) * ((1 - fx) * pixel(sheet.grounds, x0 + ix, y0 + iy)[c] +
                                    fx * pixel(sheet.grounds, x0 + ix + 1, y0 + iy)[c]) +
                        fy * ((1 - fx) * pixel(sheet.grounds, x0 + ix, y0 + iy + 1)[c] +
                              fx * pixel(sheet.grounds, x0 + ix + 1, y0 + iy + 1)[c]);
                }
                to->rgb[y][x][c] = (float)v;
            }
        }
    }
}

/* Centre and size in pixels. Four samples a pixel, bilinear. */
static void paste(canvas *to, const cell *from, double cx, double cy, double size, double angle,
                  int is_flipped) {
    double radius = size * 0.75, co = cos(angle), si = sin(angle), scale = CELL / size;
    for (int y = (int)floor(cy - radius); y <= (int)ceil(cy + radius); y++) {
        for (int x = (int)floor(cx - radius); x <= (int)ceil(cx + radius); x++) {
            double sum[3] = {0, 0, 0}, alpha = 0;
            if (x < 0 || y < 0 || x >= (int)to->width || y >= (int)to->height) continue;
            for (int s = 0; s < 4; s++) {
                double dx = x + 0.25 + 0.5 * (s & 1) - cx, dy = y + 0.25 + 0.5 * (s >> 1) - cy;
                double u = (co * dx + si * dy) * scale, v = (co * dy - si * dx) * scale;
                u = (is_flipped ? -u : u) + CELL / 2.0 - 0.5, v += CELL / 2.0 - 0.5;
                if (u < 0 || v < 0 || u >= CELL - 1 || v >= CELL - 1) continue;
                size_t iu = (size_t)u, iv = (size_t)v;
                double fu = u - (double)iu, fv = v - (double)iv;
                for (int k = 0; k < 4; k++) {
                    size_t px = iu + (size_t)(k & 1), py = iv + (size_t)(k >> 1);
                    double w = ((k & 1) ? fu : 1 - fu) * ((k >> 1) ? fv : 1 - fv);
                    double a = w * (double)from->alpha[py][px] / 4;
                    alpha += a;
                    for (int c = 0; c < 3; c++)
                        sum[c] += a * (double)from->rgb[py][px][c];
                }
            }
            for (int c = 0; c < 3; c++) {
                float *p = &to->rgb[y][x][c];
                *p = (float)((double)*p * (1 - alpha) + sum[c]);
            }
        }
    }
}

/* As a camera would: no two pictures have quite the same light. */
static void write_canvas(const canvas *to, const char *path) {
    static uint8_t rgb[CANVAS * CANVAS * 3];
    double gain = uniform(0.85, 1.12), contrast = uniform(0.85, 1.12);
    double noise = below(3) == 0 ? 8 : 0;
    for (size_t y = 0; y < to->height; y++) {
        for (size_t x = 0; x < to->width; x++) {
            for (int c = 0; c < 3; c++) {
                double v = ((double)to->rgb[y][x][c] * gain - 128) * contrast + 128;
                if (noise > 0) v += uniform(-noise, noise);
                rgb[(y * to->width + x) * 3 + (size_t)c] = (uint8_t)lround(fmin(fmax(v, 0), 255));
            }
        }
    }
    uint8_t *bytes = NULL;
    size_t size = 0;
    bench_check(glimpse_jpeg_encode(&bytes, &size, rgb, (uint32_t)to->width, (uint32_t)to->height,
                                    60 + (int)below(35), NULL, 0));
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        (void)fprintf(stderr, "the benchmark is void: %s cannot be written\n", path);
        exit(1);
    }
    free(bytes);
}

/* Places for all things of a scene in the central square, in units of its side. */
static size_t lay_out(double places[16][3], const relevance_scene *scene) {
    size_t total = 0, cells = 1, order[9];
    for (size_t i = 0; i < scene->thing_count; i++)
        total += (size_t)scene->things[i].count;
    if (total == 1) {
        double what = uniform(0, 1);
        double size = what < 0.12   ? uniform(0.24, 0.3)
                      : what < 0.28 ? uniform(0.7, 0.85)
                                    : uniform(0.38, 0.62);
        double free = (1 - size) / 2 * 0.95;
        places[0][0] = 0.5 + uniform(-free, free), places[0][1] = 0.5 + uniform(-free, free);
        places[0][2] = size;
        return 1;
    }
    cells = total <= 4 ? 2 : 3;
    for (size_t i = 0; i < cells * cells; i++)
        order[i] = i;
    /* Like things side by side: two groups take different rows, or different columns. */
    int by_columns = (int)below(2);
    if (scene->thing_count != 2 || total > 4) {
        for (size_t i = cells * cells - 1; i > 0; i--) {
            size_t j = below(i + 1), keep = order[i];
            order[i] = order[j], order[j] = keep;
        }
    } else if (below(2)) {
        for (size_t i = 0; i < 2; i++) {
            size_t keep = order[i];
            order[i] = order[3 - i], order[3 - i] = keep;
        }
    }
    for (size_t i = 0; i < total; i++) {
        size_t at = order[i];
        if (scene->thing_count == 2 && total <= 4)
            at = i < (size_t)scene->things[0].count ? order[i]
                                                    : order[2 + i - (size_t)scene->things[0].count];
        size_t column = by_columns ? at / cells : at % cells,
               row = by_columns ? at % cells : at / cells;
        double size = uniform(0.78, 0.96) / (double)cells, free = (1.0 / (double)cells - size) / 2;
        places[i][0] = ((double)column + 0.5) / (double)cells + uniform(-free, free);
        places[i][1] = ((double)row + 0.5) / (double)cells + uniform(-free, free);
        places[i][2] = size;
    }
    return total;
}

void relevance_draw(const relevance_scene *scene, const char *path, uint64_t seed) {
    static canvas to;
    static cell from;
    double places[16][3];
    size_t at = 0;
    state = seed * 0x9E3779B97F4A7C15u + 88172645463325252u;
    for (int i = 0; i < 8; i++)
        (void)next_random();
    size_t shape = below(4), side = 128 + below(65);
    to.width = shape == 1 ? side * 4 / 3 : side, to.height = shape == 2 ? side * 4 / 3 : side;
    if (to.width > CANVAS) to.width = CANVAS;
    if (to.height > CANVAS) to.height = CANVAS;
    draw_ground(&to, scene->ground);
    (void)lay_out(places, scene);
    double left = ((double)to.width - (double)side) / 2,
           top = ((double)to.height - (double)side) / 2;
    for (size_t i = 0; i < scene->thing_count; i++) {
        for (int n = 0; n < scene->things[i].count; n++, at++) {
            int is_circle = strcmp(scene->things[i].name, "circle") == 0;
            int is_shape = scene->things[i].texture[0] != '\0';
            load_thing(&from, &scene->things[i]);
            paste(&to, &from, left + places[at][0] * (double)side,
                  top + places[at][1] * (double)side, places[at][2] * (double)side,
                  is_circle ? 0 : uniform(-0.24, 0.24), !is_shape && below(2));
        }
    }
    write_canvas(&to, path);
}

void relevance_draw_nothing(const char *path, uint64_t seed) {
    static canvas to;
    state = seed * 0x9E3779B97F4A7C15u + 3202034522624059733u;
    for (int i = 0; i < 8; i++)
        (void)next_random();
    double angle = uniform(0, 3.1), step = uniform(0.05, 0.9), grain = uniform(0, 120);
    double waves[3][3];
    for (int c = 0; c < 3; c++)
        waves[c][0] = uniform(0, 255), waves[c][1] = uniform(0, 120), waves[c][2] = uniform(0, 6);
    to.width = to.height = 160;
    for (size_t y = 0; y < to.height; y++) {
        for (size_t x = 0; x < to.width; x++) {
            double along = cos(angle) * (double)x + sin(angle) * (double)y;
            double across = sin(angle) * (double)x - cos(angle) * (double)y;
            for (int c = 0; c < 3; c++) {
                double wave = sin(along * step + waves[c][2]);
                if (seed % 3 == 1) wave *= sin(across * step * 0.7);
                to.rgb[y][x][c] =
                    (float)(waves[c][0] + waves[c][1] * wave + uniform(-grain, grain));
            }
        }
    }
    write_canvas(&to, path);
}

/*
 * Which scenes there are.
 */
static int has_colour(const char *list, const char *name) {
    return name[0] && strstr(list, name) != NULL;
}

static relevance_thing sample_thing(const relevance_recipe *recipe, size_t number) {
    relevance_thing thing;
    memset(&thing, 0, sizeof thing);
    thing.count = 1;
    size_t fitting[16], count = 0;
    const char *name =
        recipe->names[uniform(0, 1) < recipe->dominant ? 0 : number % recipe->name_count];
    (void)snprintf(thing.name, sizeof thing.name, "%s", name);
    for (size_t i = 0; i < sheet.count && count < 16; i++) {
        if (strcmp(sheet.sprites[i].name, name) == 0) fitting[count++] = i;
    }
    if (is_form(fitting[0])) {
        (void)snprintf(thing.colour, sizeof thing.colour, "%s", colours[below(COLOURS)].name);
        size_t texture = below(5);
        (void)snprintf(thing.texture, sizeof thing.texture, "%s",
                       texture == 0   ? "striped"
                       : texture == 1 ? "dotted"
                                      : "solid");
    } else {
        const char *own = sheet.sprites[fitting[below(count)]].colour;
        (void)snprintf(thing.colour, sizeof thing.colour, "%s", strcmp(own, "-") == 0 ? "" : own);
    }
    return thing;
}

static void sample_ground(relevance_scene *scene, const relevance_recipe *recipe) {
    for (int tries = 0; tries < 60; tries++) {
        int fits = 1;
        const char *drowns;
        if (scene->thing_count && uniform(0, 1) < 0.35) {
            drowns = colours[below(COLOURS)].name;
            (void)snprintf(scene->ground, sizeof scene->ground, "%s", drowns);
        } else {
            size_t i = below(SCENERIES);
            if (has_colour(recipe->no_grounds, sceneries[i].name)) continue;
            drowns = sceneries[i].drowns;
            (void)snprintf(scene->ground, sizeof scene->ground, "%s", sceneries[i].name);
        }
        for (size_t i = 0; i < scene->thing_count; i++)
            fits &= !has_colour(drowns, scene->things[i].colour);
        if (fits) return;
    }
}

void relevance_sample(relevance_scenes *out, const relevance_recipe *recipe) {
    state = recipe->seed * 0x9E3779B97F4A7C15u + 1442695040888963407u;
    for (int i = 0; i < 8; i++)
        (void)next_random();
    for (size_t i = 0; i < recipe->pictures; i++) {
        relevance_scene scene;
        memset(&scene, 0, sizeof scene);
        (void)snprintf(scene.file, sizeof scene.file, "%06zu.jpg", i);
        double what = uniform(0, 1);
        /* One thing, several alike, two or three different ones, scenery alone. */
        size_t things = what < 0.55 ? 1 : what < 0.7 ? 1 : what < 0.9 ? 2 : what < 0.97 ? 3 : 0;
        for (size_t t = 0; t < things; t++) {
            size_t number = t == 0 ? i : below(recipe->name_count);
            relevance_thing thing = sample_thing(recipe, number);
            int is_there = 0;
            for (size_t j = 0; j < t; j++)
                is_there |= strcmp(scene.things[j].name, thing.name) == 0;
            if (!is_there) scene.things[scene.thing_count++] = thing;
        }
        if (what >= 0.55 && what < 0.7) scene.things[0].count = 2 + (int)below(4);
        if (things == 2 && below(4) == 0) scene.things[0].count = 2;
        sample_ground(&scene, recipe);
        relevance_add_scene(out, &scene);
    }
}

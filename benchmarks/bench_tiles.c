/*
 * bench_tiles.c - small things in big pictures, found with and without tiles, and what tiles cost.
 *
 * Pictures of 1,600 x 1,200 are composed of the demo's: a thing is cut out of its plain background
 * and put, small, somewhere on one of the demo's landscapes. Each thing is in one picture of a
 * directory, so that the first result of "a THING" is right or wrong. Then the control: the demo's
 * own pictures and captions, where what is asked for fills the picture. All figures twice, for the
 * even and the odd things and captions: what is chosen by one half is to be judged by the other.
 *
 *     bench_tiles [--geometry] [DATA]     the demo's data (data); --geometry: tiles in other places
 */
#include "bench.h"
#include "support/scenes.h"

#include <glimpse/glimpse.h>
#include <glimpse/sys/image.h>

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WIDTH = 1600, HEIGHT = 1200, MAX_THINGS = 64, SEEDS = 3, MAX_LINE = 1024 };
static const double shares[] = {0.01, 0.025, 0.045}; /* of the picture's area */
enum { SHARES = sizeof shares / sizeof *shares };

/* A thing and what is not transparent of it. */
typedef struct thing {
    char name[64];
    uint32_t width, height, pixels;
    uint8_t *rgb, *mask;
} thing;

typedef struct bench {
    const char *data;
    char directory[PATH_MAX];
    thing things[MAX_THINGS];
    size_t thing_count;
    glimpse_image *grounds[16];
    size_t ground_count;
    glimpse_model *model;
    glimpse_encoder *encoder;
    uint64_t random;
} bench;

static double draw(bench *b) {
    b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(b->random >> 11) / 9007199254740992.0;
}

static int distance(const uint8_t *a, const double *colour) {
    double sum = 0;
    for (int c = 0; c < 3; c++)
        sum += fabs(a[c] - colour[c]);
    return (int)sum;
}

/* What differs from the colour of the border, as seen from outside: holes stay. */
static void cut_out(thing *t, const glimpse_image *image) {
    const uint32_t w = glimpse_image_width(image), h = glimpse_image_height(image);
    const uint8_t *rgb = glimpse_image_pixels(image);
    double colour[3] = {0};
    for (uint32_t x = 0; x < w; x++)
        for (int c = 0; c < 3; c++)
            colour[c] += rgb[3 * x + (size_t)c] / (double)w;
    uint8_t *outside = calloc((size_t)w * h, 1);
    uint32_t *stack = malloc((size_t)w * h * 4 * sizeof *stack);
    size_t used = 0;
    if (!outside || !stack) exit(1);
    for (uint32_t i = 0; i < w * h; i++)
        if (i / w == 0 || i / w == h - 1 || i % w == 0 || i % w == w - 1) stack[used++] = i;
    while (used > 0) {
        const uint32_t i = stack[--used], x = i % w, y = i / w;
        if (outside[i] || distance(rgb + 3 * (size_t)i, colour) > 60) continue;
        outside[i] = 1;
        if (x > 0) stack[used++] = i - 1;
        if (x + 1 < w) stack[used++] = i + 1;
        if (y > 0) stack[used++] = i - w;
        if (y + 1 < h) stack[used++] = i + w;
    }
    uint32_t left = w, top = h, right = 0, bottom = 0;
    for (uint32_t i = 0; i < w * h; i++) {
        if (outside[i]) continue;
        if (i % w < left) left = i % w;
        if (i % w > right) right = i % w;
        if (i / w < top) top = i / w;
        if (i / w > bottom) bottom = i / w;
    }
    t->width = right >= left ? right - left + 1 : 0;
    t->height = bottom >= top ? bottom - top + 1 : 0;
    t->rgb = malloc((size_t)t->width * t->height * 3 + 1);
    t->mask = malloc((size_t)t->width * t->height + 1);
    if (!t->rgb || !t->mask) exit(1);
    for (uint32_t y = 0; y < t->height; y++) {
        for (uint32_t x = 0; x < t->width; x++) {
            const size_t to = (size_t)y * t->width + x, from = (size_t)(top + y) * w + left + x;
            memcpy(t->rgb + 3 * to, rgb + 3 * from, 3);
            t->mask[to] = !outside[from];
            t->pixels += t->mask[to];
        }
    }
    free(stack);
    free(outside);
}

/* "animals/panda-white-026.jpg": a single thing on a plain ground. */
static int is_on_plain_ground(const char *path) {
    static const char *const colours[] = {"white", "gray", "brown", "black",  "pink",  "yellow",
                                          "green", "blue", "red",   "orange", "purple"};
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        char part[16];
        (void)snprintf(part, sizeof part, "-%s-", colours[i]);
        const char *found = strstr(path, part);
        if (found && found[strlen(part)] >= '0' && found[strlen(part)] <= '9') return 1;
    }
    return 0;
}

static FILE *open_table(const bench *b, const char *name) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/demo/%s", b->data, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)fprintf(stderr, "%s: cannot be read; name the directory of the data\n", path);
        exit(1);
    }
    return file;
}

static void load_things(bench *b) {
    char line[MAX_LINE];
    FILE *table = open_table(b, "labels.tsv");
    while (fgets(line, sizeof line, table) && b->thing_count < MAX_THINGS) {
        char *name = strchr(line, '\t'), path[PATH_MAX];
        if (!name || !is_on_plain_ground(line)) continue;
        *name++ = '\0';
        name[strcspn(name, "\t\r\n")] = '\0';
        int known = 0;
        for (size_t i = 0; i < b->thing_count; i++)
            known |= strcmp(b->things[i].name, name) == 0;
        if (known) continue;
        glimpse_image *image = NULL;
        thing *t = &b->things[b->thing_count];
        (void)snprintf(path, sizeof path, "%s/demo/%.800s", b->data, line);
        bench_check(glimpse_image_load(&image, path, NULL));
        (void)snprintf(t->name, sizeof t->name, "%.63s", name);
        cut_out(t, image);
        glimpse_image_free(image);
        if (t->pixels > 400) b->thing_count++;
    }
    (void)fclose(table);
}

static void load_grounds(bench *b) {
    static const char *const files[] = {"city-272.jpg",   "desert-278.png", "forest-274.jpg",
                                        "grass-277.webp", "night-018.jpg",  "room-279.jpg",
                                        "sea-273.webp",   "sky-275.png",    "sunset-276.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_MAX];
        glimpse_image *image = NULL;
        (void)snprintf(path, sizeof path, "%s/demo/places/view-%s", b->data, files[i]);
        bench_check(glimpse_image_load(&image, path, NULL));
        bench_check(glimpse_image_resize(&b->grounds[b->ground_count++], image, WIDTH, HEIGHT,
                                         GLIMPSE_RESAMPLE_BICUBIC));
        glimpse_image_free(image);
    }
}

/* The thing with its centre anywhere where all of it is inside, on `share` of the picture. */
static void put_on(scene *picture, bench *b, const thing *t, double share) {
    const double scale = sqrt(share * WIDTH * HEIGHT / (double)t->pixels);
    const uint32_t w = (uint32_t)(t->width * scale), h = (uint32_t)(t->height * scale);
    const uint32_t left = (uint32_t)(draw(b) * (WIDTH - w)), top = (uint32_t)(draw(b) * (HEIGHT - h));
    glimpse_image *cut = NULL, *scaled = NULL;
    bench_check(glimpse_image_create(&cut, t->rgb, t->width, t->height));
    bench_check(glimpse_image_resize(&scaled, cut, w, h, GLIMPSE_RESAMPLE_BILINEAR));
    const uint8_t *rgb = glimpse_image_pixels(scaled);
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t x = 0; x < w; x++) {
            const size_t from = (size_t)((uint64_t)y * t->height / h) * t->width +
                                (size_t)((uint64_t)x * t->width / w);
            if (!t->mask[from]) continue;
            memcpy(picture->rgb + ((size_t)(top + y) * WIDTH + left + x) * 3,
                   rgb + ((size_t)y * w + x) * 3, 3);
        }
    }
    glimpse_image_free(scaled);
    glimpse_image_free(cut);
}

static void picture_path(char path[PATH_MAX], const bench *b, size_t share, size_t seed, size_t i) {
    (void)snprintf(path, PATH_MAX, "%.3000s/%zu-%zu/%02zu.jpg", b->directory, share, seed, i);
}

static void compose_all(bench *b) {
    for (size_t share = 0; share < SHARES; share++) {
        for (size_t seed = 0; seed < SEEDS; seed++) {
            char path[PATH_MAX];
            picture_path(path, b, share, seed, 0);
            *strrchr(path, '/') = '\0';
            (void)mkdir(path, 0777);
            for (size_t i = 0; i < b->thing_count; i++) {
                const glimpse_image *ground = b->grounds[(i + seed * 5) % b->ground_count];
                scene picture = {WIDTH, HEIGHT, malloc((size_t)WIDTH * HEIGHT * 3)};
                if (!picture.rgb) exit(1);
                memcpy(picture.rgb, glimpse_image_pixels(ground), (size_t)WIDTH * HEIGHT * 3);
                put_on(&picture, b, &b->things[i], shares[share]);
                size_t size = 0;
                uint8_t *jpeg = scene_jpeg(&size, &picture, 90);
                picture_path(path, b, share, seed, i);
                FILE *file = fopen(path, "wb");
                if (!file || fwrite(jpeg, 1, size, file) != size || fclose(file) != 0) exit(1);
                free(jpeg);
                free(picture.rgb);
            }
        }
    }
}

static void query_of(float *vector, const bench *b, const char *text) {
    bench_check(glimpse_encoder_texts(vector, NULL, b->encoder, &text, 1, 0));
}

static void name_query(float *vector, const bench *b, const char *name) {
    char text[96];
    (void)snprintf(text, sizeof text, "a%s %s", strchr("aeiou", name[0]) ? "n" : "", name);
    query_of(vector, b, text);
}

/*
 * Other places for tiles, in memory.
 */
typedef struct geometry {
    const char *name;
    int grids; /* bits: 1 << n */
    double overlap;
    int square;
} geometry;

static size_t boxes_of(glimpse_box *boxes, const geometry *g, uint32_t width, uint32_t height) {
    size_t count = 0;
    boxes[count++] = (glimpse_box){0, 0, width, height};
    for (uint32_t n = 2; n <= 4; n++) {
        if (!(g->grids & 1 << n)) continue;
        const double parts = n - (n - 1) * g->overlap;
        uint32_t w = (uint32_t)(width / parts), h = (uint32_t)(height / parts);
        if (g->square) {
            w = h = width > height ? w : h;
            if (w > (width < height ? width : height)) w = h = width < height ? width : height;
        }
        for (uint32_t i = 0; i < n * n; i++) {
            boxes[count++] =
                (glimpse_box){(width - w) * (i % n) / (n - 1), (height - h) * (i / n) / (n - 1), w, h};
        }
    }
    return count;
}

static float cosine(const float *a, const float *b, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void try_geometry(bench *b, const geometry *g) {
    const size_t dim = glimpse_model_embedding_size(b->model), n = b->thing_count;
    const glimpse_preprocess *rules = glimpse_model_preprocess(b->model);
    const size_t bytes = glimpse_preprocess_max_bytes(rules);
    glimpse_box boxes[32];
    uint8_t *rgb = malloc(32 * bytes);
    float *parts = malloc(n * 32 * dim * sizeof *parts), *query = malloc(dim * sizeof *query);
    size_t count = 0;
    if (!rgb || !parts || !query) exit(1);
    (void)printf("| %s |", g->name);
    for (size_t share = 0; share < SHARES; share++) {
        size_t right = 0;
        for (size_t seed = 0; seed < SEEDS; seed++) {
            for (size_t i = 0; i < n; i++) {
                char path[PATH_MAX];
                glimpse_image *image = NULL;
                picture_path(path, b, share, seed, i);
                bench_check(glimpse_image_load(&image, path, NULL));
                count = boxes_of(boxes, g, WIDTH, HEIGHT);
                for (size_t k = 0; k < count; k++)
                    bench_check(glimpse_preprocess_box_rgb(rgb + k * bytes, rules, image, &boxes[k]));
                bench_check(glimpse_encoder_rgb(parts + i * 32 * dim, b->encoder, rgb, count, 0));
                glimpse_image_free(image);
            }
            for (size_t i = 0; i < n; i++) {
                size_t best = 0;
                float best_score = -2;
                name_query(query, b, b->things[i].name);
                for (size_t k = 0; k < n; k++) {
                    for (size_t p = 0; p < count; p++) {
                        const float score = cosine(query, parts + (k * 32 + p) * dim, dim);
                        if (score > best_score) best_score = score, best = k;
                    }
                }
                right += best == i;
            }
        }
        (void)printf(" %.3f |", (double)right / (double)(n * SEEDS));
        (void)fflush(stdout);
    }
    (void)printf(" %zu |\n", count - 1);
    free(query);
    free(parts);
    free(rgb);
}

static void try_geometries(bench *b) {
    static const geometry all[] = {
        {"whole only", 0, 0, 1},          {"2 x 2, as the picture", 4, 0, 0},
        {"2 x 2, square", 4, 0, 1},       {"2 x 2, overlap 25 %", 4, 0.25, 1},
        {"3 x 3, square", 8, 0, 1},       {"3 x 3, overlap 25 %", 8, 0.25, 1},
        {"both, as the picture", 12, 0, 0}, {"both, square", 12, 0, 1},
        {"both, overlap 12 %", 12, 0.125, 1}, {"both, overlap 25 %", 12, 0.25, 1},
        {"both, overlap 40 %", 12, 0.4, 1}, {"both, as the picture, overlap 25 %", 12, 0.25, 0},
        {"and 4 x 4, overlap 25 %", 28, 0.25, 1},
    };
    (void)printf("| R@1 | 1 %% | 2.5 %% | 4.5 %% | tiles |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        try_geometry(b, &all[i]);
}

/*
 * The library.
 */
typedef struct indexed {
    glimpse_ingest_report report;
    uint64_t catalog_bytes, vectors_bytes;
} indexed;

static void index_all(indexed *out, glimpse_library *library, const bench *b, int tiles) {
    char demo[PATH_MAX];
    (void)snprintf(demo, sizeof demo, "%s/demo", b->data);
    const char *const roots[] = {b->directory, demo};
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_library_status *status = NULL;
    options.model = b->model;
    options.roots = roots;
    options.root_count = 2;
    options.tiles = tiles;
    out->report = GLIMPSE_INGEST_REPORT_INIT;
    bench_check(glimpse_library_ingest(&out->report, library, &options));
    bench_check(glimpse_library_load_status(&status, library));
    out->catalog_bytes = status->catalog_bytes;
    out->vectors_bytes = status->vectors_bytes;
    glimpse_library_status_free(status);
}

/* What a search found, to be ordered with other penalties: by path. */
typedef struct found {
    const char *path;
    double whole, best;
} found;

static int by_path(const void *a, const void *b) {
    return strcmp(((const found *)a)->path, ((const found *)b)->path);
}

/* Both searches with everything among the results, which live as long as `held`. */
static found *search_both(size_t *count, glimpse_results *held[2], glimpse_library *library,
                          const bench *b, const float *query, const char *prefix) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 1000000;
    options.path_prefix = prefix;
    for (int whole = 0; whole < 2; whole++) {
        options.whole_only = whole;
        bench_check(glimpse_library_search(&held[whole], library, b->model, query, &options));
    }
    *count = glimpse_results_count(held[0]);
    found *list = calloc(*count + 1, sizeof *list);
    if (!list) exit(1);
    for (size_t i = 0; i < *count; i++) {
        const glimpse_result *r = glimpse_results_get(held[0], i);
        list[i] = (found){r->path, r->tile.width ? NAN : r->score, r->score};
    }
    qsort(list, *count, sizeof *list, by_path);
    for (size_t i = 0; i < *count; i++) {
        const glimpse_result *r = glimpse_results_get(held[1], i);
        const found key = {r->path, 0, 0};
        found *f = bsearch(&key, list, *count, sizeof *list, by_path);
        if (f) f->whole = r->score;
    }
    return list;
}

static const char *first_with(const found *list, size_t count, double penalty) {
    size_t first = 0;
    double best = -9;
    for (size_t i = 0; i < count; i++) {
        double score = list[i].whole;
        if (list[i].best - penalty > score) score = list[i].best - penalty;
        if (score > best) best = score, first = i;
    }
    return count ? list[first].path : "";
}

/* The first is whole pictures alone, the second what a search does. */
static const double penalties[] = {9, 0, 0.01, 0.02, 0.03, 0.05, 0.08};
enum { PENALTIES = sizeof penalties / sizeof *penalties };

typedef struct tally {
    size_t asked[2], right[2][PENALTIES]; /* of even and odd ones */
} tally;

static void print_tally(const char *name, const tally *t) {
    for (int half = 0; half < 3; half++) {
        const char *const halves[] = {"even", "odd", "all"};
        (void)printf("| %s | %s, %zu |", name, halves[half],
                     half < 2 ? t->asked[half] : t->asked[0] + t->asked[1]);
        for (size_t p = 0; p < PENALTIES; p++) {
            const size_t right = half < 2 ? t->right[half][p] : t->right[0][p] + t->right[1][p];
            const size_t asked = half < 2 ? t->asked[half] : t->asked[0] + t->asked[1];
            (void)printf(" %.3f |", (double)right / (double)asked);
        }
        (void)printf("\n");
    }
}

static void ask_for_things(glimpse_library *library, const bench *b, float *query) {
    for (size_t share = 0; share < SHARES; share++) {
        tally t = {0};
        char name[32];
        for (size_t seed = 0; seed < SEEDS; seed++) {
            for (size_t i = 0; i < b->thing_count; i++) {
                char path[PATH_MAX], prefix[PATH_MAX];
                glimpse_results *held[2];
                size_t count = 0;
                picture_path(path, b, share, seed, i);
                memcpy(prefix, path, sizeof prefix);
                *strrchr(prefix, '/') = '\0';
                name_query(query, b, b->things[i].name);
                found *list = search_both(&count, held, library, b, query, prefix);
                t.asked[i % 2]++;
                for (size_t p = 0; p < PENALTIES; p++)
                    t.right[i % 2][p] += strcmp(first_with(list, count, penalties[p]), path) == 0;
                free(list);
                glimpse_results_free(held[0]);
                glimpse_results_free(held[1]);
            }
        }
        (void)snprintf(name, sizeof name, "things of %.1f %%", 100 * shares[share]);
        print_tally(name, &t);
    }
}

/* Captions of the demo: each fits one picture and its duplicates, which have the same caption. */
typedef struct captions {
    char file[512][160], text[512][160];
    size_t count;
} captions;

static const char *caption_of(const captions *c, const char *path) {
    const char *below = strstr(path, "/demo/");
    for (size_t i = 0; below && i < c->count; i++)
        if (strcmp(c->file[i], below + 6) == 0) return c->text[i];
    return "";
}

static void ask_for_captions(const char *name, glimpse_library *library, const bench *b,
                             float *query, const char *prefix) {
    static captions c;
    char line[MAX_LINE];
    tally t = {0};
    FILE *table = open_table(b, "captions.tsv");
    c.count = 0;
    (void)fgets(line, sizeof line, table);
    while (fgets(line, sizeof line, table) && c.count < 512) {
        char *text = strchr(line, '\t');
        if (!text) continue;
        *text++ = '\0';
        text[strcspn(text, "\t\r\n")] = '\0';
        if (!*text) continue;
        (void)snprintf(c.file[c.count], sizeof c.file[0], "%.159s", line);
        (void)snprintf(c.text[c.count++], sizeof c.text[0], "%.159s", text);
    }
    (void)fclose(table);
    for (size_t i = 0; i < c.count; i++) {
        glimpse_results *held[2];
        size_t count = 0;
        query_of(query, b, c.text[i]);
        found *list = search_both(&count, held, library, b, query, prefix);
        t.asked[i % 2]++;
        for (size_t p = 0; p < PENALTIES; p++) {
            const char *first = caption_of(&c, first_with(list, count, penalties[p]));
            t.right[i % 2][p] += strcmp(first, c.text[i]) == 0;
        }
        free(list);
        glimpse_results_free(held[0]);
        glimpse_results_free(held[1]);
    }
    print_tally(name, &t);
}

typedef struct searching {
    glimpse_library *library;
    const glimpse_model *model;
    const float *query;
    int whole_only;
} searching;

static int search_once(void *user) {
    const searching *s = user;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_results *results = NULL;
    options.whole_only = s->whole_only;
    int status = glimpse_library_search(&results, s->library, s->model, s->query, &options);
    glimpse_results_free(results);
    return status;
}

static void print_cost(const char *name, const indexed *i, double before) {
    const glimpse_ingest_report *r = &i->report;
    (void)printf("| %s | %.2f s | %.1f | %zu MB | %.1f MB | %.2f MB |\n", name, r->seconds,
                 before > 0 ? r->seconds / before : 1.0, r->peak_bytes >> 20,
                 (double)i->catalog_bytes / 1e6, (double)i->vectors_bytes / 1e6);
}

static void with_library(bench *b) {
    char path[PATH_MAX], demo[PATH_MAX];
    float *query = malloc(glimpse_model_embedding_size(b->model) * sizeof *query);
    glimpse_library *library = NULL;
    indexed whole, added, tiled;
    if (!query) exit(1);
    (void)snprintf(demo, sizeof demo, "%s/demo", b->data);
    (void)snprintf(path, sizeof path, "%.3000s/at-once.glimpse", b->directory);
    bench_check(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    index_all(&tiled, library, b, 1);
    glimpse_library_close(library);
    (void)snprintf(path, sizeof path, "%.3000s/library.glimpse", b->directory);
    bench_check(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    index_all(&whole, library, b, 0);
    index_all(&added, library, b, 1);

    (void)printf("\n| first result right | asked | whole |");
    for (size_t p = 1; p < PENALTIES; p++)
        (void)printf(" tiles - %.2f |", penalties[p]);
    (void)printf("\n| --- | --- |");
    for (size_t p = 0; p < PENALTIES; p++)
        (void)printf(" --- |");
    (void)printf("\n");
    ask_for_things(library, b, query);
    ask_for_captions("captions, in the demo", library, b, query, demo);
    ask_for_captions("captions, in everything", library, b, query, NULL);

    (void)printf("\n| %zu pictures | time | x | in flight | catalogue | vectors |\n"
                 "| --- | --- | --- | --- | --- | --- |\n",
                 (size_t)whole.report.embedded);
    print_cost("**whole (baseline)**", &whole, 0);
    print_cost("tiles at once", &tiled, whole.report.seconds);
    print_cost("tiles added later", &added, whole.report.seconds);
    (void)printf("\n%llu tiles of %llu pictures\n", (unsigned long long)tiled.report.tiles,
                 (unsigned long long)tiled.report.tiled);
    searching s = {library, b->model, query, 1};
    const bench_time without = bench_run(search_once, &s, 60, 2);
    s.whole_only = 0;
    const bench_time with = bench_run(search_once, &s, 60, 2);
    (void)printf("a search: %.3f ms whole, %.3f ms with tiles (x %.1f)\n", 1e3 * without.median,
                 1e3 * with.median, with.median / without.median);
    glimpse_library_close(library);
    free(query);
}

static void clean_up(const bench *b) {
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", b->directory);
    if (system(command) != 0) (void)fprintf(stderr, "%s is left\n", b->directory);
}

int main(int argc, char **argv) {
    static bench b = {.data = "data", .random = 20260101};
    int geometries = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--geometry") == 0) {
            geometries = 1;
        } else {
            b.data = argv[i];
        }
    }
    char model[PATH_MAX];
    (void)snprintf(model, sizeof model, "%s/models/demo", b.data);
    (void)snprintf(b.directory, sizeof b.directory, "/tmp/bench-tiles-XXXXXX");
    if (!mkdtemp(b.directory)) return 1;
    bench_check(glimpse_model_open(&b.model, model, NULL));
    bench_check(glimpse_encoder_create(&b.encoder, b.model, 32));
    load_things(&b);
    load_grounds(&b);
    compose_all(&b);
    (void)printf("%s; %zu things, %d pictures of each, %d x %d pixels\n", bench_cpu(),
                 b.thing_count, (int)SHARES * SEEDS, (int)WIDTH, (int)HEIGHT);
    if (geometries) {
        try_geometries(&b);
    } else {
        with_library(&b);
    }
    for (size_t i = 0; i < b.thing_count; i++) {
        free(b.things[i].rgb);
        free(b.things[i].mask);
    }
    for (size_t i = 0; i < b.ground_count; i++)
        glimpse_image_free(b.grounds[i]);
    glimpse_encoder_free(b.encoder);
    glimpse_model_close(b.model);
    clean_up(&b);
    return 0;
}

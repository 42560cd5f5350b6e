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
static void paste(scene *picture, bench *b, const thing *t, double share) {
    const double scale = sqrt(share * WIDTH * HEIGHT / (double)t->pixels);
    const uint32_t w = (uint32_t)(t->width * scale), h = (uint32_t)(t->height * scale);
    const uint32_t left = (uint32_t)(draw(b) * (WIDTH - w)),
                   top = (uint32_t)(draw(b) * (HEIGHT - h));
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
                paste(&picture, b, &b->things[i], shares[share]);
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
            boxes[count++] = (glimpse_box){(width - w) * (i % n) / (n - 1),
                                           (height - h) * (i / n) / (n - 1), w, h};
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
                    bench_check(
                        glimpse_preprocess_box_rgb(rgb + k * bytes, rules, image, &boxes[k]));
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
        {"whole only", 0, 0, 1},
        {"2 x 2, as the picture", 4, 0, 0},
        {"2 x 2, square", 4, 0, 1},
        {"2 x 2, overlap 25 %", 4, 0.25, 1},
        {"3 x 3, square", 8, 0, 1},
        {"3 x 3, overlap 25 %", 8, 0.25, 1},
        {"both, as the picture", 12, 0, 0},
        {"both, square", 12, 0, 1},
        {"both, overlap 12 %", 12, 0.125, 1},
        {"both, overlap 25 %", 12, 0.25, 1},
        {"both, overlap 40 %", 12, 0.4, 1},
        {"both, as the picture, overlap 25 %", 12, 0.25, 0},
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

/*
 * What is found first. A tile's score is (1 - context) of its own cosine and `context` of its
 * picture's; here with others than GLIMPSE_TILE_CONTEXT, over embeddings in memory.
 */
typedef struct picture {
    char path[PATH_MAX];
    size_t count; /* itself and its tiles */
    float *parts; /* [count][dim] */
} picture;

typedef struct pictures {
    picture *items; /* [count], those that were composed first */
    size_t count, composed;
} pictures;

static void add_picture(pictures *all, bench *b, const char *path) {
    const glimpse_preprocess *rules = glimpse_model_preprocess(b->model);
    const size_t dim = glimpse_model_embedding_size(b->model);
    const size_t bytes = glimpse_preprocess_max_bytes(rules);
    glimpse_image *image = NULL;
    if (glimpse_image_load(&image, path, NULL) < 0) return; /* the demo has broken ones */
    picture *p = &all->items[all->count++];
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    uint8_t *rgb = malloc((GLIMPSE_TILES + 1) * bytes);
    p->parts = malloc((GLIMPSE_TILES + 1) * dim * sizeof *p->parts);
    if (!rgb || !p->parts) exit(1);
    (void)snprintf(p->path, sizeof p->path, "%.4000s", path);
    glimpse_box box = {0, 0, width, height};
    for (unsigned tile = 0; tile <= GLIMPSE_TILES; tile++) {
        if (tile > 0 && !glimpse_tile_box(&box, tile, width, height)) continue;
        if (tile > 0 && box.width < rules->resize_width) continue;
        bench_check(glimpse_preprocess_box_rgb(rgb + p->count++ * bytes, rules, image, &box));
    }
    bench_check(glimpse_encoder_rgb(p->parts, b->encoder, rgb, p->count, 0));
    free(rgb);
    glimpse_image_free(image);
}

static double score_of(const picture *p, const float *query, size_t dim, double context) {
    const double whole = cosine(query, p->parts, dim);
    double best = whole;
    for (size_t i = 1; i < p->count && context < 1.0; i++) {
        const double own = cosine(query, p->parts + i * dim, dim);
        const double score = whole + (1.0 - context) * (own - whole);
        if (score > best) best = score;
    }
    return best;
}

/* 1: whole pictures alone. */
static const double contexts[] = {1, 0, 0.1, 0.2, 0.3, 0.5, 0.7};
enum { CONTEXTS = sizeof contexts / sizeof *contexts };

static const picture *first_of(const picture *list, size_t count, const float *query, size_t dim,
                               double context) {
    const picture *first = list;
    double best = -9;
    for (size_t i = 0; i < count; i++) {
        const double score = score_of(&list[i], query, dim, context);
        if (score > best) best = score, first = &list[i];
    }
    return first;
}

typedef struct tally {
    size_t asked[2], right[2][CONTEXTS]; /* of even and odd ones */
} tally;

static void print_tally(const char *name, const tally *t) {
    for (int half = 0; half < 3; half++) {
        const char *const halves[] = {"even", "odd", "all"};
        const size_t asked = half < 2 ? t->asked[half] : t->asked[0] + t->asked[1];
        (void)printf("| %s | %s, %zu |", name, halves[half], asked);
        for (size_t c = 0; c < CONTEXTS; c++) {
            const size_t right = half < 2 ? t->right[half][c] : t->right[0][c] + t->right[1][c];
            (void)printf(" %.3f |", (double)right / (double)asked);
        }
        (void)printf("\n");
    }
}

static void ask_for_things(const bench *b, const pictures *all, float *query) {
    const size_t dim = glimpse_model_embedding_size(b->model), n = b->thing_count;
    for (size_t share = 0; share < SHARES; share++) {
        tally t = {0};
        char name[32];
        for (size_t k = 0; k < SEEDS * n; k++) {
            const picture *list = all->items + (share * SEEDS + k / n) * n;
            name_query(query, b, b->things[k % n].name);
            t.asked[k % n % 2]++;
            for (size_t c = 0; c < CONTEXTS; c++)
                t.right[k % n % 2][c] += first_of(list, n, query, dim, contexts[c]) == &list[k % n];
        }
        (void)snprintf(name, sizeof name, "things of %.1f %%", 100 * shares[share]);
        print_tally(name, &t);
    }
}

/* Captions of the demo: each fits one picture and its duplicates. */
typedef struct captions {
    char file[512][160], text[512][160];
    size_t count;
} captions;

static void load_captions(captions *c, const bench *b) {
    char line[MAX_LINE];
    FILE *table = open_table(b, "captions.tsv");
    for (int head = 1; fgets(line, sizeof line, table) && c->count < 512; head = 0) {
        char *text = strchr(line, '\t');
        if (!text || head) continue;
        *text++ = '\0';
        text[strcspn(text, "\t\r\n")] = '\0';
        if (!*text) continue;
        (void)snprintf(c->file[c->count], sizeof c->file[0], "%.159s", line);
        (void)snprintf(c->text[c->count++], sizeof c->text[0], "%.159s", text);
    }
    (void)fclose(table);
}

static const char *caption_of(const captions *c, const char *path) {
    const char *below = strstr(path, "/demo/");
    for (size_t i = 0; below && i < c->count; i++)
        if (strcmp(c->file[i], below + 6) == 0) return c->text[i];
    return "";
}

static void ask_for_captions(const char *name, const bench *b, const captions *c,
                             const picture *list, size_t count, float *query) {
    const size_t dim = glimpse_model_embedding_size(b->model);
    tally t = {0};
    for (size_t i = 0; i < c->count; i++) {
        query_of(query, b, c->text[i]);
        t.asked[i % 2]++;
        for (size_t k = 0; k < CONTEXTS; k++) {
            const picture *first = first_of(list, count, query, dim, contexts[k]);
            t.right[i % 2][k] += strcmp(caption_of(c, first->path), c->text[i]) == 0;
        }
    }
    print_tally(name, &t);
}

static void try_contexts(bench *b) {
    static captions c;
    pictures all = {calloc(2000, sizeof *all.items), 0, 0};
    float *query = malloc(glimpse_model_embedding_size(b->model) * sizeof *query);
    char path[PATH_MAX];
    if (!all.items || !query) exit(1);
    load_captions(&c, b);
    for (size_t k = 0; k < (size_t)SHARES * SEEDS * b->thing_count; k++) {
        const size_t set = k / b->thing_count;
        picture_path(path, b, set / SEEDS, set % SEEDS, k % b->thing_count);
        add_picture(&all, b, path);
    }
    all.composed = all.count;
    for (size_t i = 0; i < c.count; i++) {
        (void)snprintf(path, sizeof path, "%s/demo/%.160s", b->data, c.file[i]);
        add_picture(&all, b, path);
    }
    (void)printf("\n| first result right | asked | whole |");
    for (size_t k = 1; k < CONTEXTS; k++)
        (void)printf(" %s%.1f |", k == 1 ? "context " : "", contexts[k]);
    (void)printf("\n| --- | --- |");
    for (size_t k = 0; k < CONTEXTS; k++)
        (void)printf(" --- |");
    (void)printf("\n");
    ask_for_things(b, &all, query);
    ask_for_captions("captions, the demo alone", b, &c, all.items + all.composed,
                     all.count - all.composed, query);
    ask_for_captions("captions, all pictures", b, &c, all.items, all.count, query);
    for (size_t i = 0; i < all.count; i++)
        free(all.items[i].parts);
    free(all.items);
    free(query);
}

/* The same by searches of the library: 1 when the first of those below `prefix` is `path`. */
static int is_found(glimpse_library *library, const bench *b, const float *query, const char *path,
                    const char *prefix, int whole_only) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_results *results = NULL;
    options.k = 1;
    options.within = &prefix;
    options.within_count = prefix != NULL;
    options.whole_only = whole_only;
    bench_check(glimpse_library_search(&results, library, b->model, query, &options));
    const glimpse_result *first = glimpse_results_get(results, 0);
    const int right = first && strcmp(first->path, path) == 0;
    glimpse_results_free(results);
    return right;
}

static void search_for_things(glimpse_library *library, const bench *b, float *query) {
    const size_t n = b->thing_count;
    for (size_t share = 0; share < SHARES; share++) {
        size_t right[2] = {0};
        for (size_t k = 0; k < SEEDS * n; k++) {
            char path[PATH_MAX], prefix[PATH_MAX];
            picture_path(path, b, share, k / n, k % n);
            memcpy(prefix, path, sizeof prefix);
            *strrchr(prefix, '/') = '\0';
            name_query(query, b, b->things[k % n].name);
            for (int whole = 0; whole < 2; whole++)
                right[whole] += (size_t)is_found(library, b, query, path, prefix, whole);
        }
        (void)printf("by searches, things of %.1f %%: R@1 %.3f whole, %.3f with tiles\n",
                     100 * shares[share], (double)right[1] / (double)(SEEDS * n),
                     (double)right[0] / (double)(SEEDS * n));
    }
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
    char path[PATH_MAX];
    float *query = malloc(glimpse_model_embedding_size(b->model) * sizeof *query);
    glimpse_library *library = NULL;
    indexed whole, added, tiled;
    if (!query) exit(1);
    (void)snprintf(path, sizeof path, "%.3000s/at-once.glimpse", b->directory);
    bench_check(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    index_all(&tiled, library, b, 1);
    glimpse_library_close(library);
    (void)snprintf(path, sizeof path, "%.3000s/library.glimpse", b->directory);
    bench_check(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    index_all(&whole, library, b, 0);
    index_all(&added, library, b, 1);

    search_for_things(library, b, query);
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
        try_contexts(&b);
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

/*
 * bench_hot - what a program that keeps model and library open waits for: a text query from its
 * words to ten results, over 100,000 embeddings. ViT-B/32 with random weights; the library is on
 * disk, with SQLite and FAISS. Baseline of the same run: the products alone, a plain loop over the
 * same vectors in f32 on one thread.
 *
 * With --tiles each has 13 tiles as well (random ones, which are harder than real ones: none is
 * much better than the others), and searches are made with and without them.
 *
 *     bench_hot [--count N] [--tiles] [--precision f32|bf16]
 */
#include "bench.h"
#include "bench_store.h"
#include "support/random_model.h"

#include "library_private.h"

#include <glimpse/glimpse.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { K = 10 };

typedef struct hot {
    glimpse_model *model;
    glimpse_encoder *encoder;
    glimpse_library *library;
    size_t count, dim;
    int tiles, whole_only;
    float *rows, *query;
    double best;
} hot;

static void fill(hot *h) {
    uint64_t state = 7;
    for (size_t i = 0; i < h->count; i++)
        bench_random_row(h->rows + i * h->dim, h->dim, &state);
}

static void store(hot *h) {
    glimpse_store *catalog = glimpse_library_store(h->library);
    const glimpse_model_key key = glimpse_model_get_key(h->model);
    int64_t model = 0;
    bench_check(glimpse_library_lock(h->library, "benchmark"));
    bench_check(catalog->ops->begin(catalog));
    bench_check(catalog->ops->models.use(&model, catalog, &key));
    for (size_t i = 0; i < h->count; i++)
        bench_check(bench_add_picture(catalog, model, i, h->rows + i * h->dim, h->dim));
    uint64_t state = 11;
    for (size_t i = 0; i < h->count && h->tiles; i++) {
        float row[4096];
        for (uint32_t tile = 1; tile <= GLIMPSE_TILES; tile++) {
            bench_random_row(row, h->dim, &state);
            bench_check(catalog->ops->picture_parts.write(catalog, model, (int64_t)i + 1, tile, row,
                                                          h->dim));
        }
    }
    bench_check(catalog->ops->commit(catalog));
    glimpse_library_unlock(h->library);
}

static int encode(void *user) {
    hot *h = user;
    static const char *const text[] = {"two parrots on a branch"};
    return glimpse_encoder_texts(h->query, NULL, h->encoder, text, 1, 0);
}

static int search(void *user) {
    hot *h = user;
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = K;
    options.whole_only = h->whole_only;
    int status = glimpse_library_search(&results, h->library, h->model, h->query, &options);
    if (status == GLIMPSE_OK) h->best = glimpse_results_get(results, 0)->score;
    glimpse_results_free(results);
    return status;
}

static int both(void *user) {
    int status = encode(user);
    return status < 0 ? status : search(user);
}

static int plain(void *user) {
    hot *h = user;
    h->best = -2.0;
    for (size_t i = 0; i < h->count; i++) {
        const float *row = h->rows + i * h->dim;
        float dot = 0.0F;
        for (size_t d = 0; d < h->dim; d++)
            dot += row[d] * h->query[d];
        if ((double)dot > h->best) h->best = (double)dot;
    }
    return 0;
}

static void print(const char *what, bench_time t, double baseline) {
    printf("%-34s %8.2f ms (%.2f to %.2f)", what, 1e3 * t.median, 1e3 * t.min, 1e3 * t.max);
    if (baseline > 0.0) printf(", %.2f x the baseline's rate", baseline / t.median);
    putchar('\n');
}

int main(int argc, char **argv) {
    static hot h = {.count = 100000};
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.towers = GLIMPSE_TOWER_TEXT;
    for (int i = 1; i < argc; i++)
        h.tiles |= strcmp(argv[i], "--tiles") == 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--count") == 0) h.count = (size_t)atoll(argv[i + 1]);
        if (strcmp(argv[i], "--precision") == 0) {
            options.precision =
                strcmp(argv[i + 1], "bf16") == 0 ? GLIMPSE_PRECISION_BF16 : GLIMPSE_PRECISION_F32;
        }
    }
    char directory[] = "/tmp/glimpse-bench-XXXXXX", model_path[64], library_path[64], command[96];
    if (h.count < 1 || h.count > 10000000 || !mkdtemp(directory)) return 1;
    (void)snprintf(model_path, sizeof model_path, "%s/model", directory);
    (void)snprintf(library_path, sizeof library_path, "%s/library", directory);
    random_model shape = random_model_vit_b32();
    shape.vocabulary = 514;
    if (!random_model_write(&shape, model_path)) return 1;
    bench_check(glimpse_model_open(&h.model, model_path, &options));
    bench_check(glimpse_encoder_create(&h.encoder, h.model, 1));
    h.dim = glimpse_model_embedding_size(h.model);
    h.rows = malloc(h.count * h.dim * sizeof *h.rows);
    h.query = malloc(h.dim * sizeof *h.query);
    if (!h.rows || !h.query) return 1;
    fill(&h);
    bench_check(glimpse_library_open(&h.library, library_path, GLIMPSE_LIBRARY_CREATE));
    store(&h);
    printf("%s, %s, ViT-B/32 with random weights, %zu embeddings of %zu\n\n", bench_cpu(),
           glimpse_model_backend_name(h.model), h.count, h.dim);
    const bench_time encoding = bench_run(encode, &h, 40, 10.0);
    const bench_time loop = bench_run(plain, &h, 20, 10.0);
    const double expected = h.best;
    const double start = bench_now();
    bench_check(search(&h));
    const double first = bench_now() - start;
    if (!h.tiles && fabs(expected - h.best) > 1e-3)
        printf("DIFFERENT RESULTS: %g %g\n", expected, h.best);
    const bench_time searching = bench_run(search, &h, 40, 10.0);
    const bench_time query = bench_run(both, &h, 40, 10.0);
    print("plain loop over f32 (baseline)", loop, 0.0);
    print("search, hot", searching, loop.median);
    if (h.tiles) {
        h.whole_only = 1;
        print("search, whole pictures only", bench_run(search, &h, 40, 10.0), loop.median);
    }
    print("encode one short text, hot", encoding, 0.0);
    print("the query as a whole, hot", query, 0.0);
    printf("%-34s %8.2f ms (index written and opened)\n", "the first search", 1e3 * first);
    glimpse_library_close(h.library);
    glimpse_encoder_free(h.encoder);
    glimpse_model_close(h.model);
    free(h.rows), free(h.query);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) != 0;
}

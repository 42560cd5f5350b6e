/*
 * bench_blip - BLIP-base with random weights (ViT-B/16 at 384 pixels, BERT base, 30524 words), one
 * worker: ms per picture for its states, ms per picture-text pair of ITM, alone and 16 together,
 * ms per caption of 16 tokens, and what the cache of keys and values saves: the same caption with
 * every step computed from the whole sequence, as a ratio.
 *
 *     bench_blip [--onednn] [--bf16] [--tiny]      --tiny: only to see that it runs
 */
#include "bench.h"
#include "support/random_blip.h"

#include <string.h>
#include <unistd.h>

enum { TEXTS = 16, TOKENS = 12, LENGTH = 17, MAX_PICTURES = 4 };

typedef struct job {
    glimpse_blip_worker *worker;
    glimpse_blip_image *images[MAX_PICTURES];
    size_t pictures, texts;
    const float *pixels;
    glimpse_blip_text text[TEXTS];
    glimpse_blip_generation how;
    int forget; /* the worker has not seen the picture before */
} job;

static int see(void *user) {
    job *j = user;
    glimpse_blip_image *image = NULL;
    int status = glimpse_blip_image_from_pixels(&image, j->worker, j->pixels);
    glimpse_blip_image_free(image);
    return status;
}

static int match(void *user) {
    job *j = user;
    float logits[2 * TEXTS];
    const glimpse_blip_image *one = j->images[0];
    if (j->forget) {
        /* The worker keeps one picture: another one in between empties its place. */
        const glimpse_blip_image *other = j->images[1];
        int status = glimpse_blip_match(logits, j->worker, &other, 1, j->text, 1);
        if (status < 0) return status;
    }
    return glimpse_blip_match(logits, j->worker, &one, 1, j->text, j->texts);
}

static int caption(void *user) {
    job *j = user;
    glimpse_blip_result *results[MAX_PICTURES] = {NULL};
    int status =
        glimpse_blip_caption(results, j->worker, (const glimpse_blip_image *const *)j->images,
                             j->pictures, NULL, &j->how);
    for (size_t i = 0; i < j->pictures; i++)
        glimpse_blip_result_free(results[i]);
    return status;
}

static void fail_if(int status) {
    if (status >= 0) return;
    (void)fprintf(stderr, "the benchmark is void: %s\n", glimpse_last_error());
    exit(1);
}

static void start(job *j, const char *directory, const random_blip *shape,
                  const glimpse_blip_options *options, const glimpse_blip_limits *limits,
                  glimpse_blip **model) {
    if (!random_blip_write(shape, directory)) exit(1);
    fail_if(glimpse_blip_open(model, directory, options));
    fail_if(glimpse_blip_worker_create(&j->worker, *model, limits));
    for (size_t i = 0; i < MAX_PICTURES; i++)
        fail_if(glimpse_blip_image_from_pixels(&j->images[i], j->worker, j->pixels));
    printf("%s, worker of %.0f MB\n", glimpse_blip_backend_name(*model),
           (double)glimpse_blip_worker_memory(j->worker) / 1e6);
}

static void stop(job *j, glimpse_blip *model) {
    for (size_t i = 0; i < MAX_PICTURES; i++)
        glimpse_blip_image_free(j->images[i]);
    glimpse_blip_worker_free(j->worker);
    glimpse_blip_close(model);
}

static void line(const char *what, bench_time t, double items, double base) {
    printf("%-44s %9.1f ms  (%.1f to %.1f)", what, 1e3 * t.median / items, 1e3 * t.min / items,
           1e3 * t.max / items);
    if (base > 0) printf("   x %.2f", t.median / items / base);
    printf("\n");
    (void)fflush(stdout);
}

static void bench_match(job *j, const char *directory, const glimpse_blip_options *options,
                        int tiny) {
    glimpse_blip *model = NULL;
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    random_blip shape =
        tiny ? random_blip_tiny(GLIMPSE_BLIP_MATCH) : random_blip_base(GLIMPSE_BLIP_MATCH);
    limits.pictures = 1;
    start(j, directory, &shape, options, &limits, &model);
    line("states of a picture", bench_run(see, j, 9, 12.0), 1, 0);
    j->texts = 1;
    j->forget = 1;
    /* Two pictures take turns, so this is two pairs with their keys and values. */
    bench_time first = bench_run(match, j, 9, 8.0);
    line("first text of a picture", first, 2, 0);
    j->forget = 0;
    bench_time alone = bench_run(match, j, 15, 6.0);
    line("another text", alone, 1, 0);
    j->texts = TEXTS;
    line("another text, 16 together", bench_run(match, j, 9, 8.0), TEXTS, alone.median);
    stop(j, model);
}

static void bench_caption(job *j, const char *directory, const glimpse_blip_options *options,
                          int tiny) {
    glimpse_blip *model = NULL;
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    random_blip shape =
        tiny ? random_blip_tiny(GLIMPSE_BLIP_CAPTION) : random_blip_base(GLIMPSE_BLIP_CAPTION);
    limits.pictures = MAX_PICTURES;
    start(j, directory, &shape, options, &limits, &model);
    j->how = GLIMPSE_BLIP_GENERATION_INIT;
    (void)glimpse_blip_generation_defaults(&j->how, model);
    j->how.max_length = j->how.min_length = LENGTH;
    j->pictures = 1;
    bench_time greedy = bench_run(caption, j, 7, 10.0);
    line("caption of 16 tokens, greedy", greedy, 1, 0);
    j->how.flags = GLIMPSE_BLIP_NO_CACHE;
    line("  without the cache", bench_run(caption, j, 3, 10.0), 1, greedy.median);
    j->how.flags = 0;
    j->pictures = MAX_PICTURES;
    line("  4 pictures together", bench_run(caption, j, 5, 10.0), MAX_PICTURES, greedy.median);
    j->pictures = 1;
    j->how.beams = 3;
    bench_time beams = bench_run(caption, j, 5, 10.0);
    line("  3 beams", beams, 1, greedy.median);
    j->how.flags = GLIMPSE_BLIP_NO_CACHE;
    line("  3 beams without the cache (x 3 beams)", bench_run(caption, j, 3, 10.0), 1,
         beams.median);
    stop(j, model);
}

int main(int argc, char **argv) {
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    int tiny = 0;
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = GLIMPSE_PRECISION_F32;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--onednn") == 0) options.backend = GLIMPSE_BACKEND_ONEDNN;
        if (strcmp(argv[i], "--bf16") == 0) options.precision = GLIMPSE_PRECISION_BF16;
        tiny = tiny || strcmp(argv[i], "--tiny") == 0;
    }
    size_t area = tiny ? 3 * 32 * 32 : 3 * 384 * 384;
    float *pixels = malloc(area * sizeof *pixels);
    int32_t ids[TOKENS] = {2};
    char directory[] = "/tmp/glimpse-bench-XXXXXX";
    if (!pixels || !mkdtemp(directory)) return 1;
    for (size_t i = 0; i < area; i++)
        pixels[i] = (float)(i * 2654435761u % 2001) / 1000.0f - 1.0f;
    for (size_t i = 1; i < TOKENS; i++)
        ids[i] = (int32_t)(5 + i);
    ids[TOKENS - 1] = 3;
    job j = {.pixels = pixels};
    for (size_t i = 0; i < TEXTS; i++)
        j.text[i] = (glimpse_blip_text){ids, TOKENS};
    printf("%s, one worker, random %s; texts of %d tokens\n", bench_cpu(),
           tiny ? "tiny model" : "BLIP-base", TOKENS);
    bench_match(&j, directory, &options, tiny);
    bench_caption(&j, directory, &options, tiny);
    free(pixels);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) != 0;
}

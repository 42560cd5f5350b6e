/*
 * bench_label.c - labelling an indexed library: 100,000 embeddings, 1,000 classes, 80 templates.
 *
 *     bench_label [--pictures N] [--classes K] [--templates T] [--model DIR] [--width E]
 *                 [--library 1]
 *
 * 1. The classifier is built with the model's text tower into an empty cache, then again from the
 *    cache: seconds, and how many prompts were embedded each time.
 * 2. All pictures are labelled by glimpse_classifier_label_many (one matrix product, in panels)
 * and, a sample of them, by glimpse_classifier_score (the plain reference, the baseline). Both must
 * name the same classes, or the benchmark is void.
 * 3. The share of the time that is the product alone: the same sgemm without what follows.
 *
 * 4. With --library: the same embeddings as an indexed library on disk, and the whole way from its
 *    catalogue to labels, as glimpse label --all goes it (without printing).
 *
 * Embeddings are random unit vectors: what they show does not matter to the time. --width makes
 * the scoring one of a classifier with random rows of that width (512 as in ViT-B/32) instead of
 * the model's.
 */
#include "bench.h"
#include "bench_store.h"

#include "label_internal.h"
#include "library_private.h"
#include "math/init.h"
#include "math/linear.h"
#include "search_private.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct work {
    glimpse_classifier *classifier;
    float *embeddings; /* [pictures][width] */
    size_t pictures, width, plain_pictures;
    glimpse_label *labels;
    glimpse_label_verdict *verdicts;
    float *scores; /* [128][rows] */
    glimpse_math math;
} work;

static uint64_t state = 1;

static float noise(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(state >> 11) * (1.0 / 9007199254740992.0)) - 0.5f;
}

static float *random_rows(size_t count, size_t width) {
    float *rows = malloc(count * width * sizeof *rows);
    if (!rows) exit(1);
    for (size_t i = 0; i < count; i++) {
        double norm = 0;
        for (size_t j = 0; j < width; j++) {
            float v = rows[i * width + j] = noise();
            norm += (double)v * (double)v;
        }
        for (size_t j = 0; j < width; j++)
            rows[i * width + j] = (float)((double)rows[i * width + j] / sqrt(norm));
    }
    return rows;
}

static int label_all(void *user) {
    work *w = user;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    return glimpse_classifier_label_many(w->labels, w->verdicts, w->classifier, &rules,
                                         w->embeddings, w->pictures, 1);
}

static int score_each(void *user) {
    work *w = user;
    for (size_t i = 0; i < w->plain_pictures; i++) {
        glimpse_label label;
        int got = glimpse_classifier_score(&label, w->classifier, w->embeddings + i * w->width, 1);
        if (got < 0) return got;
        if (label.class_index != w->labels[i].class_index &&
            fabs(label.score - w->labels[i].score) > 1e-5) {
            (void)fprintf(stderr, "picture %zu: the plain reference disagrees\n", i);
            exit(1);
        }
    }
    return 0;
}

static int product_alone(void *user) {
    work *w = user;
    size_t rows = w->classifier->count;
    for (size_t done = 0; done < w->pictures; done += 128) {
        size_t n = w->pictures - done < 128 ? w->pictures - done : 128;
        glimpse_gemm(&w->math, 1, n, rows, w->width, 1.0f, w->embeddings + done * w->width,
                     w->width, w->classifier->rows, w->width, w->scores, rows);
    }
    return 0;
}

/*
 * A library of these embeddings.
 */
typedef struct prepared {
    work *work;
    size_t count, labelled;
    float *block; /* [512][width] */
} prepared;

static glimpse_model_key key_of_library(size_t width) {
    return (glimpse_model_key){"0123456789abcdef0123456789abcdef", "random", "/random", width};
}

static int fill_library(glimpse_library *library, const work *w) {
    glimpse_store *catalog = glimpse_library_store(library);
    glimpse_model_key key = key_of_library(w->width);
    int64_t model = 0;
    int status = glimpse_library_lock(library, "benchmark");
    if (status == GLIMPSE_OK) status = catalog->ops->begin(catalog);
    if (status == GLIMPSE_OK) status = catalog->ops->models.use(&model, catalog, &key);
    for (size_t i = 0; i < w->pictures && status == GLIMPSE_OK; i++)
        status = bench_add_picture(catalog, model, i, w->embeddings + i * w->width, w->width);
    if (status == GLIMPSE_OK) status = catalog->ops->commit(catalog);
    glimpse_library_unlock(library);
    return status;
}

static int flush(prepared *s) {
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    int status = glimpse_classifier_label_many(s->work->labels + s->labelled, s->work->verdicts,
                                               s->work->classifier, &rules, s->block, s->count, 1);
    s->labelled += s->count;
    s->count = 0;
    return status;
}

static int on_row(void *user, const glimpse_result *file, const float *embedding) {
    prepared *s = user;
    (void)file;
    memcpy(s->block + s->count++ * s->work->width, embedding, s->work->width * sizeof *embedding);
    return s->count == 512 ? flush(s) : 0;
}

static glimpse_library *bench_library;

static int label_library(void *user) {
    work *w = user;
    glimpse_model_key key = key_of_library(w->width);
    prepared s = {w, 0, 0, malloc(512 * w->width * sizeof *s.block)};
    if (!s.block) return GLIMPSE_E_NOMEM;
    int status = glimpse_library_visit_key(bench_library, &key, NULL, on_row, &s);
    if (status >= 0) status = flush(&s);
    if (s.labelled != w->pictures) status = GLIMPSE_E_INTERNAL;
    free(s.block);
    return status;
}

static bench_time time_library(work *w) {
    char directory[] = "/tmp/bench-label-XXXXXX", path[64], command[64];
    bench_time t = {0, 0, 0};
    double start = bench_now();
    (void)snprintf(path, sizeof path, "%s/library", mkdtemp(directory) ? directory : "/nowhere");
    if (glimpse_library_open(&bench_library, path, GLIMPSE_LIBRARY_CREATE) < 0 ||
        fill_library(bench_library, w) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    (void)printf("(library written in %.1f s)\n", bench_now() - start);
    t = bench_run(label_library, w, 3, 20);
    glimpse_library_close(bench_library);
    (void)snprintf(command, sizeof command, "rm -r %s", directory);
    if (system(command) != 0) (void)fprintf(stderr, "%s was not removed\n", directory);
    return t;
}

static double megabytes(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* Builds twice, into and from an empty cache. */
static glimpse_classifier *build(const char *directory, size_t classes, size_t templates) {
    static char names[20000][16], prompts[200][48];
    const char *name_list[20000], *prompt_list[200];
    char cache[] = "/tmp/bench-label-XXXXXX", command[64];
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_classes *list = NULL;
    glimpse_classifier *classifier = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.towers = GLIMPSE_TOWER_TEXT;
    for (size_t i = 0; i < classes; i++) {
        (void)snprintf(names[i], sizeof names[i], "thing %zu", i);
        name_list[i] = names[i];
    }
    for (size_t i = 0; i < templates; i++) {
        (void)snprintf(prompts[i], sizeof prompts[i], "a photo of a {}, number %zu.", i);
        prompt_list[i] = prompts[i];
    }
    if (!mkdtemp(cache) || glimpse_model_open(&model, directory, &options) < 0 ||
        glimpse_encoder_create(&encoder, model, 64) < 0 ||
        glimpse_classes_create(&list, name_list, classes) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    glimpse_classifier_options build_options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    build_options.classes = list;
    build_options.templates = prompt_list;
    build_options.template_count = templates;
    build_options.cache_directory = cache;
    double first_seconds = 0;
    for (int pass = 0; pass < 2; pass++) {
        double start = bench_now();
        glimpse_classifier_free(classifier);
        if (glimpse_classifier_build(&classifier, encoder, model, &build_options) < 0) {
            (void)fprintf(stderr, "%s\n", glimpse_last_error());
            exit(1);
        }
        double seconds = bench_now() - start;
        if (pass == 0) first_seconds = seconds;
        (void)printf("%-26s %9.3f s  %6zu prompts embedded  (x%.0f)\n",
                     pass == 0 ? "classifier, empty cache" : "classifier, from the cache", seconds,
                     glimpse_classifier_prompts_embedded(classifier), first_seconds / seconds);
    }
    (void)snprintf(command, sizeof command, "rm -r %s", cache);
    if (system(command) != 0) (void)fprintf(stderr, "%s was not removed\n", cache);
    glimpse_classes_free(list);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    return classifier;
}

static void print_rate(const char *what, const bench_time *t, size_t pictures, double baseline) {
    double rate = (double)pictures / t->median;
    (void)printf("%-28s %9.3f s  (%.3f to %.3f)  %11.0f pictures/s  %6.2f x plain\n", what,
                 t->median, t->min, t->max, rate, baseline > 0 ? rate / baseline : 1.0);
}

int main(int argc, char **argv) {
    size_t classes = 1000, templates = 80, width = 0, library = 0;
    const char *model = "data/models/demo";
    work w = {.pictures = 100000};
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t number = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--pictures") == 0)
            w.pictures = number;
        else if (strcmp(argv[i], "--classes") == 0)
            classes = number;
        else if (strcmp(argv[i], "--templates") == 0)
            templates = number;
        else if (strcmp(argv[i], "--width") == 0)
            width = number;
        else if (strcmp(argv[i], "--library") == 0)
            library = number;
        else if (strcmp(argv[i], "--model") == 0)
            model = argv[i + 1];
    }
    if (classes < 1 || classes > 20000 || templates < 1 || templates > 200 || w.pictures < 1) {
        (void)fprintf(stderr, "1 to 20000 classes, 1 to 200 templates, 1 or more pictures\n");
        return 2;
    }
    (void)printf("%s\n%zu pictures, %zu classes, %zu templates\n", bench_cpu(), w.pictures, classes,
                 templates);
    w.classifier = build(model, classes, templates);
    if (width > 0) {
        float *rows = random_rows(classes, width);
        const char **names = malloc(classes * sizeof *names);
        glimpse_classifier *wide = NULL;
        if (!names) return 1;
        for (size_t i = 0; i < classes; i++)
            names[i] = glimpse_classifier_class(w.classifier, i);
        if (glimpse_classifier_from_weights(&wide, names, classes, rows, width, 100) < 0) return 1;
        glimpse_classifier_free(w.classifier);
        w.classifier = wide;
        free(names);
        free(rows);
    }
    w.width = w.classifier->width;
    w.embeddings = random_rows(w.pictures, w.width);
    w.labels = calloc(w.pictures, sizeof *w.labels);
    w.verdicts = calloc(w.pictures, sizeof *w.verdicts);
    w.scores = malloc(128 * classes * sizeof *w.scores);
    w.plain_pictures = w.pictures < 5000 ? w.pictures : 5000;
    if (!w.labels || !w.verdicts || !w.scores ||
        glimpse_math_init(&w.math, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32) < 0) {
        return 1;
    }
    double before = megabytes();
    bench_time many = bench_run(label_all, &w, 5, 20);
    double after = megabytes();
    bench_time product = bench_run(product_alone, &w, 5, 20);
    bench_time plain = bench_run(score_each, &w, 5, 20);
    double baseline = (double)w.plain_pictures / plain.median;
    (void)printf("width %zu, one thread\n", w.width);
    print_rate("plain, one by one", &plain, w.plain_pictures, baseline);
    print_rate("one product, labels", &many, w.pictures, baseline);
    print_rate("the product alone", &product, w.pictures, baseline);
    if (library) {
        bench_time all = time_library(&w);
        print_rate("from the library's catalogue", &all, w.pictures, baseline);
        (void)printf("the process at its largest: %.0f MB\n", megabytes());
    }
    (void)printf("memory: embeddings %.1f MB, weights %.1f MB, labelling itself %.1f MB more\n",
                 (double)(w.pictures * w.width * 4) / 1e6, (double)(classes * w.width * 4) / 1e6,
                 after - before);
    glimpse_classifier_free(w.classifier);
    free(w.embeddings);
    free(w.labels);
    free(w.verdicts);
    free(w.scores);
    return 0;
}

/*
 * bench_cold - how long a search takes from nothing: `glimpse search` as a whole process, page
 * cache warm, on a library of 10,000 pictures and a random ViT-B/32 with a vocabulary of real size.
 * Also what a start is made of, and the memory it takes. Baseline: the same command doing nothing
 * (`glimpse --version`), which is what the system's own start-up costs.
 *
 *     bench_cold [--pictures N] [--dtype F16|BF16|F32] [--precision P] [--l14] [--keep]
 *
 * --keep leaves the directory and prints it, for profiling by hand.
 */
#include "bench.h"
#include "bench_store.h"
#include "library_private.h"
#include "support/random_model.h"

#include <glimpse/library.h>
#include <glimpse/sys/model.h>

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct setup {
    char tool[1024], directory[64], library[96], model[96];
    const char *precision, *backend;
    size_t pictures;
    int version_only, no_cache;
    long peak_kib; /* of the last child */
} setup;

static int fill_library(const setup *s) {
    glimpse_library *library = NULL;
    char fingerprint[33];
    size_t dim = 0, context = 0;
    glimpse_model *opened = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.towers = GLIMPSE_TOWER_TEXT;
    bench_check(glimpse_model_open(&opened, s->model, &options));
    dim = glimpse_model_embedding_size(opened), context = glimpse_model_context_length(opened);
    (void)snprintf(fingerprint, sizeof fingerprint, "%s", glimpse_model_fingerprint(opened));
    glimpse_model_close(opened);
    if (context == 0) return -1;
    bench_check(glimpse_library_open(&library, s->library, GLIMPSE_LIBRARY_CREATE));
    glimpse_store *catalog = glimpse_library_store(library);
    glimpse_model_key key = {fingerprint, "random", s->model, dim};
    int64_t model = 0;
    bench_check(glimpse_library_lock(library, "benchmark"));
    bench_check(catalog->ops->begin(catalog));
    bench_check(catalog->ops->models.use(&model, catalog, &key));
    float *row = malloc(dim * sizeof *row);
    if (!row) return -1;
    uint64_t state = 1;
    for (size_t i = 0; i < s->pictures; i++) {
        bench_random_row(row, dim, &state);
        bench_check(bench_add_picture(catalog, model, i, row, dim));
    }
    bench_check(catalog->ops->commit(catalog));
    glimpse_library_unlock(library);
    glimpse_library_close(library);
    free(row);
    return 0;
}

static int command(void *user) {
    setup *s = user;
    (void)fflush(stdout); /* or the child would print what is buffered here once more */
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        if (nothing < 0 || dup2(nothing, 1) < 0) _exit(1);
        if (s->no_cache) (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
        if (s->version_only) {
            execl(s->tool, "glimpse", "--version", (char *)NULL);
        } else {
            execl(s->tool, "glimpse", "search", "two parrots on a branch", "--library", s->library,
                  "--model", s->model, "--precision", s->precision, "--backend", s->backend,
                  (char *)NULL);
        }
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status)) {
        (void)fprintf(stderr, "%s search failed\n", s->tool);
        return -1;
    }
    s->peak_kib = usage.ru_maxrss;
    return 0;
}

static double report(const char *what, setup *s, double base) {
    bench_time t = bench_run(command, s, 21, 20.0);
    (void)printf("%-34s %7.1f ms (%.1f to %.1f)  %6.2f x the process alone, %4ld MB at most\n",
                 what, 1e3 * t.median, 1e3 * t.min, 1e3 * t.max, base > 0 ? t.median / base : 1.0,
                 s->peak_kib / 1024);
    return t.median;
}

int main(int argc, char **argv) {
    static setup s = {.directory = "/tmp/glimpse-bench-XXXXXX",
                      .precision = "auto",
                      .backend = "auto",
                      .pictures = 10000};
    random_model shape = random_model_vit_b32();
    int keep = 0, large = 0;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--pictures") == 0) s.pictures = strtoul(next, NULL, 10);
        if (strcmp(argv[i], "--precision") == 0) s.precision = next;
        if (strcmp(argv[i], "--backend") == 0) s.backend = next;
        if (strcmp(argv[i], "--dtype") == 0) shape.dtype = next;
        if (strcmp(argv[i], "--keep") == 0) keep = 1;
        if (strcmp(argv[i], "--l14") == 0) large = 1;
    }
    if (large) {
        const char *dtype = shape.dtype;
        shape = random_model_vit_l14();
        shape.dtype = dtype;
    }
    shape.merges = 1;
    ssize_t length = readlink("/proc/self/exe", s.tool, sizeof s.tool - 16);
    char *slash = length > 0 ? strrchr(s.tool, '/') : NULL;
    if (!slash || !mkdtemp(s.directory)) return 1;
    memcpy(slash + 1, "glimpse", 8); /* the command lies beside this program */
    (void)snprintf(s.library, sizeof s.library, "%s/library", s.directory);
    (void)snprintf(s.model, sizeof s.model, "%s/model", s.directory);
    (void)setenv("XDG_CACHE_HOME", s.directory, 1);
    if (!random_model_write(&shape, s.model) || fill_library(&s) < 0) return 1;

    (void)printf("%s, random %s (%s weights), %zu pictures, --precision %s\n", bench_cpu(),
                 large ? "ViT-L/14" : "ViT-B/32", shape.dtype, s.pictures, s.precision);
    s.version_only = 1;
    double base = report("glimpse --version (baseline)", &s, 0);
    s.version_only = 0;
    s.no_cache = 1;
    (void)report("glimpse search, no weights cache", &s, base);
    s.no_cache = 0;
    (void)report("glimpse search", &s, base);
    if (keep) {
        (void)printf("kept: %s\n", s.directory);
        return 0;
    }
    char remove[128];
    (void)snprintf(remove, sizeof remove, "rm -rf '%s'", s.directory);
    return system(remove) != 0;
}

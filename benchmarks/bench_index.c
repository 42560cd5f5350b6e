/*
 * bench_index - from files to a searchable library: 300 generated JPEGs of 640x480 and 60 of 12
 * megapixels, ViT-B/32 with random weights, SQLite and FAISS included. Baselines of the same run:
 * decoding and preprocessing alone (every pixel, and reduced), and encoding alone; the floor is
 * what both need together on all cores. Then the cold start of `glimpse search` as a whole process
 * on that library, and re-indexing with nothing changed.
 *
 *     bench_index [--jobs N] [--count N] [--large N] [--precision f32|bf16]
 */
#include "bench.h"
#include "support/random_model.h"

#include <glimpse/glimpse.h>
#include <jpeglib.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 4000, HEIGHT = 3000, MAX_COUNT = 100000 }; /* of the largest pictures */

/* Smooth shapes with some grain: compresses to about what a photograph does (40-60 KB). */
static int write_picture(const char *path, unsigned width, unsigned height, unsigned seed) {
    static JSAMPLE row[3 * WIDTH];
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = width, jpeg.image_height = height;
    jpeg.input_components = 3, jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 88, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    uint64_t state = seed + 1;
    double fx = 640.0 / width * (0.01 + 0.002 * (seed % 17));
    double fy = 480.0 / height * (0.008 + 0.003 * (seed % 11));
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            double grain = (double)(state >> 58) - 32.0;
            double wave = 90.0 * sin(fx * x + seed) * cos(fy * y);
            for (unsigned c = 0; c < 3; c++) {
                double value = 128.0 + wave * (c == seed % 3 ? 1.0 : 0.5) + grain * 0.4;
                row[3 * x + c] = (JSAMPLE)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
        JSAMPROW rows[1] = {row};
        (void)jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return fclose(file) == 0;
}

/* Pictures of one size. */
typedef struct series {
    const char *name;
    unsigned width, height;
    size_t count, bytes;
    char directory[96];
    double exact, reduced; /* seconds a picture, decoding and preprocessing on one thread */
} series;

typedef struct setup {
    char directory[64], library[80], model_path[80], tool[4096];
    unsigned jobs;
    long cores;
    double encode; /* seconds a picture on one thread */
    glimpse_model *model;
    uint8_t *rgb;
} setup;

static void picture_path(char path[128], const series *pictures, size_t i) {
    (void)snprintf(path, 128, "%s/%05zu.jpg", pictures->directory, i);
}

static void write_series(const setup *s, series *pictures) {
    (void)snprintf(pictures->directory, sizeof pictures->directory, "%s/%s", s->directory,
                   pictures->name);
    (void)mkdir(pictures->directory, 0777);
    for (size_t i = 0; i < pictures->count; i++) {
        char path[128];
        struct stat info;
        picture_path(path, pictures, i);
        if (!write_picture(path, pictures->width, pictures->height, (unsigned)i) ||
            stat(path, &info) != 0) {
            exit(1);
        }
        pictures->bytes += (size_t)info.st_size;
    }
}

/* One thread: seconds per picture for reading, decoding and preprocessing. */
static double decode_alone(const setup *s, const series *pictures, uint32_t short_side) {
    const size_t n = pictures->count < 100 ? pictures->count : 100;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.short_side = short_side;
    const double start = bench_now();
    for (size_t i = 0; i < n; i++) {
        char path[128];
        picture_path(path, pictures, i);
        glimpse_image *image = NULL;
        bench_check(glimpse_image_load(&image, path, &options));
        bench_check(glimpse_preprocess_rgb(s->rgb, glimpse_model_preprocess(s->model), image));
        glimpse_image_free(image);
    }
    return (bench_now() - start) / (double)n;
}

/* One worker: seconds per picture at batch 16. */
static double encode_alone(const setup *s) {
    const glimpse_preprocess *p = glimpse_model_preprocess(s->model);
    size_t area = (size_t)p->width * p->height * 3;
    uint8_t *rgb = calloc(16, area);
    float *out = malloc(16 * glimpse_model_embedding_size(s->model) * sizeof *out);
    glimpse_encoder *encoder = NULL;
    if (!rgb || !out) exit(1);
    for (size_t i = 0; i < 16 * area; i++)
        rgb[i] = (uint8_t)(i * 31);
    bench_check(glimpse_encoder_create(&encoder, s->model, 16));
    bench_check(glimpse_encoder_rgb(out, encoder, rgb, 16, 0));
    double start = bench_now();
    for (int i = 0; i < 4; i++)
        bench_check(glimpse_encoder_rgb(out, encoder, rgb, 16, 0));
    double each = (bench_now() - start) / 64.0;
    glimpse_encoder_free(encoder);
    free(rgb), free(out);
    return each;
}

static glimpse_ingest_report ingest(const setup *s, const series *pictures, int exact) {
    glimpse_library *library = NULL;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    const char *roots[1] = {pictures->directory};
    options.model = s->model, options.roots = roots, options.root_count = 1, options.jobs = s->jobs;
    options.exact_decode = exact;
    bench_check(glimpse_library_open(&library, s->library, GLIMPSE_LIBRARY_CREATE));
    bench_check(glimpse_library_ingest(&report, library, &options));
    glimpse_library_close(library);
    return report;
}

static void forget(const char *path) {
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0) exit(1);
}

/* Indexes a series into a new library and prints how near to the floor that is. */
static void measure(const setup *s, const series *pictures, int exact) {
    forget(s->library);
    const double decode = exact ? pictures->exact : pictures->reduced;
    const double floor = (decode + s->encode) * (double)pictures->count / (double)s->cores;
    const double start = bench_now();
    const glimpse_ingest_report r = ingest(s, pictures, exact);
    const double seconds = bench_now() - start;
    const double all = r.jobs * r.pipeline_seconds;
    printf("index, %-7s decoding    %7.1f pictures/s, %.2f of the floor of %.1f; read %.0f%%, "
           "decode %.0f%%, encode %.0f%%\n",
           exact ? "exact" : "reduced", (double)pictures->count / seconds, floor / seconds,
           (double)pictures->count / floor, 100.0 * r.busy_read / all, 100.0 * r.busy_decode / all,
           100.0 * r.busy_encode / all);
    if (r.embedded != pictures->count)
        printf("ONLY %llu embedded\n", (unsigned long long)r.embedded);
}

static int search_cold(void *user) {
    setup *s = user;
    (void)fflush(stdout); /* or the child would print what is buffered here once more */
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout)) _exit(1);
        execl(s->tool, "glimpse", "search", "two parrots", "--library", s->library, "--model",
              s->model_path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
        (void)fprintf(stderr, "%s search failed\n", s->tool);
        return -1;
    }
    return 0;
}

static void report_series(setup *s, series *pictures) {
    const glimpse_preprocess *p = glimpse_model_preprocess(s->model);
    write_series(s, pictures);
    pictures->exact = decode_alone(s, pictures, 0);
    pictures->reduced = decode_alone(s, pictures, 2 * p->width);
    printf("\n%zu JPEGs of %u x %u, %.0f KB on average\n", pictures->count, pictures->width,
           pictures->height, (double)pictures->bytes / 1024.0 / (double)pictures->count);
    printf("decode + preprocess alone  %7.2f ms a picture, one thread (baseline)\n",
           1e3 * pictures->exact);
    printf("the same, reduced          %7.2f ms, %.2f x\n", 1e3 * pictures->reduced,
           pictures->exact / pictures->reduced);
    measure(s, pictures, 1);
    measure(s, pictures, 0);
}

int main(int argc, char **argv) {
    static setup s = {.directory = "/tmp/glimpse-bench-XXXXXX"};
    static series small = {.name = "small", .width = 640, .height = 480, .count = 300};
    static series large = {.name = "large", .width = WIDTH, .height = HEIGHT, .count = 60};
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--jobs") == 0) s.jobs = (unsigned)atoi(argv[i + 1]);
        if (strcmp(argv[i], "--count") == 0) small.count = (size_t)atoi(argv[i + 1]);
        if (strcmp(argv[i], "--large") == 0) large.count = (size_t)atoi(argv[i + 1]);
        if (strcmp(argv[i], "--precision") == 0) {
            options.precision =
                strcmp(argv[i + 1], "bf16") == 0 ? GLIMPSE_PRECISION_BF16 : GLIMPSE_PRECISION_F32;
        }
    }
    if (small.count < 1 || small.count > MAX_COUNT || large.count > MAX_COUNT ||
        !mkdtemp(s.directory))
        return 1;
    /* The command lies beside this program. */
    ssize_t length = readlink("/proc/self/exe", s.tool, sizeof s.tool - 16);
    char *slash = length > 0 ? strrchr(s.tool, '/') : NULL;
    if (!slash) return 1;
    memcpy(slash + 1, "glimpse", 8);
    (void)snprintf(s.library, sizeof s.library, "%s/library", s.directory);
    (void)snprintf(s.model_path, sizeof s.model_path, "%s/model", s.directory);
    random_model shape = random_model_vit_b32();
    shape.vocabulary = 514;
    if (!random_model_write(&shape, s.model_path)) return 1;
    bench_check(glimpse_model_open(&s.model, s.model_path, &options));
    const glimpse_preprocess *p = glimpse_model_preprocess(s.model);
    s.rgb = malloc((size_t)p->width * p->height * 3);
    if (!s.rgb) return 1;
    s.cores = sysconf(_SC_NPROCESSORS_ONLN);
    s.encode = encode_alone(&s);
    printf("%s, %ld cores, %s, ViT-B/32 with random weights\n", bench_cpu(), s.cores,
           glimpse_model_backend_name(s.model));
    printf("encode alone, batch 16     %7.2f ms a picture, one thread\n", 1e3 * s.encode);
    if (large.count > 0) report_series(&s, &large);
    report_series(&s, &small);

    const double start = bench_now();
    const glimpse_ingest_report report = ingest(&s, &small, 0);
    printf("index again, unchanged     %7.1f ms for %llu files\n", 1e3 * (bench_now() - start),
           (unsigned long long)report.unchanged);
    bench_time cold = bench_run(search_cold, &s, 9, 20.0);
    printf("glimpse search, whole process, page cache warm: %.0f ms (%.0f to %.0f)\n",
           1e3 * cold.median, 1e3 * cold.min, 1e3 * cold.max);
    free(s.rgb);
    glimpse_model_close(s.model);
    forget(s.directory);
    return 0;
}

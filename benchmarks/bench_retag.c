/*
 * bench_retag - re-indexing files whose metadata another program edited. Small JPEGs, each a
 * picture of its own, are indexed with the demo model; then they are indexed again: unchanged (the
 * baseline), touched (another time of change, the same bytes: read and hashed), and with another
 * rating (another hash: their pictures are recognised). Nothing of it may be encoded. Last, what
 * the first command does with a library that 0.1 wrote: it reads all files for their identities.
 *
 *     bench_retag MODEL [COUNT]      MODEL: data/models/demo; 10000
 */
#include "bench.h"

#include "image/output/jpeg_out.h"
#include "library_private.h"
#include "sqlite_store.h"

#include <fcntl.h>
#include <glimpse/glimpse.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 96, RUNS = 3 };

typedef struct setup {
    char directory[64], pictures[80], path[128];
    size_t count;
    glimpse_model *model;
    glimpse_library *library;
} setup;

static const char *path_of(setup *s, size_t i) {
    (void)snprintf(s->path, sizeof s->path, "%s/%06zu.jpg", s->pictures, i);
    return s->path;
}

/* With an XMP block that says so, or without one. */
static void write_picture(setup *s, size_t i, int rating) {
    static uint8_t rgb[SIDE * SIDE * 3];
    uint8_t block[64] = "\xff\xe1\x00\x2ehttp://ns.adobe.com/xap/1.0/";
    uint8_t *jpeg = NULL;
    size_t size = 0;
    uint64_t state = i + 1;
    (void)snprintf((char *)block + 33, 16, "Rating=%d", rating);
    for (size_t k = 0; k < sizeof rgb; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        rgb[k] = (uint8_t)(k / 96 + i + (state >> 61));
    }
    bench_check(glimpse_jpeg_encode(&jpeg, &size, rgb, SIDE, SIDE, 85, rating ? block : NULL,
                                    rating ? 48 : 0));
    FILE *file = fopen(path_of(s, i), "wb");
    if (!file || fwrite(jpeg, 1, size, file) != size || fclose(file) != 0) exit(1);
    free(jpeg);
}

static glimpse_ingest_report ingest(setup *s) {
    const char *roots[1] = {s->pictures};
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    options.model = s->model;
    options.roots = roots;
    options.root_count = 1;
    bench_check(glimpse_library_ingest(&report, s->library, &options));
    return report;
}

static void by_nothing(setup *s, int round) {
    (void)s;
    (void)round;
}

static void by_time(setup *s, int round) {
    for (size_t i = 0; i < s->count; i++) {
        const struct timespec times[2] = {{1000000000 + round, 0}, {1000000000 + round, 0}};
        if (utimensat(AT_FDCWD, path_of(s, i), times, 0) != 0) exit(1);
    }
}

static void by_rating(setup *s, int round) {
    for (size_t i = 0; i < s->count; i++)
        write_picture(s, i, round + 1);
    by_time(s, round + 100);
}

static double median_of(setup *s, void (*change)(setup *s, int round), const char *name,
                        double baseline) {
    double seconds[RUNS];
    for (int round = 0; round < RUNS; round++) {
        change(s, round);
        sync(); /* other programs' edits are on the disk: they are not to be written out in ours */
        const glimpse_ingest_report report = ingest(s);
        if (report.embedded || report.files != s->count) exit(1);
        seconds[round] = report.seconds;
    }
    qsort(seconds, RUNS, sizeof *seconds, bench_compare);
    const double median = seconds[RUNS / 2];
    printf("%-10s %8.3f s   %6.1f us a file   x unchanged %5.1f\n", name, median,
           1e6 * median / (double)s->count, baseline > 0 ? median / baseline : 1.0);
    return median;
}

/* As the upgrade of a library that knows no identities leaves it. */
static void forget_identities(const setup *s) {
    glimpse_db *db = glimpse_store_db(glimpse_library_store(s->library));
    bench_check(glimpse_db_begin(db));
    bench_check(glimpse_db_script(
        db, "UPDATE picture SET identity = NULL,"
            " sum = glimpse_sum(hash, size, NULL, width, height, orientation, format);"
            "DELETE FROM metadata; INSERT INTO unfinished VALUES ('identities');"));
    bench_check(glimpse_db_commit(db));
}

static void measure_upgrade(const setup *s, double baseline) {
    double seconds[RUNS];
    for (int round = 0; round < RUNS; round++) {
        forget_identities(s);
        const double start = bench_now();
        bench_check(glimpse_library_identify(s->library, 0, NULL, NULL));
        seconds[round] = bench_now() - start;
    }
    qsort(seconds, RUNS, sizeof *seconds, bench_compare);
    const double median = seconds[RUNS / 2];
    printf("%-10s %8.3f s   %6.1f us a file   x unchanged %5.1f\n", "upgraded", median,
           1e6 * median / (double)s->count, median / baseline);
}

int main(int argc, char **argv) {
    setup s = {.directory = "/tmp/bench-retag-XXXXXX"};
    char library[80], command[128];
    if (argc < 2 || !mkdtemp(s.directory)) {
        (void)fprintf(stderr, "usage: bench_retag MODEL [COUNT]\n");
        return 2;
    }
    s.count = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 10000;
    (void)snprintf(s.pictures, sizeof s.pictures, "%s/pictures", s.directory);
    (void)snprintf(library, sizeof library, "%s/library", s.directory);
    (void)mkdir(s.pictures, 0777);
    for (size_t i = 0; i < s.count; i++)
        write_picture(&s, i, 0);
    bench_check(glimpse_model_open(&s.model, argv[1], NULL));
    bench_check(glimpse_library_open(&s.library, library, GLIMPSE_LIBRARY_CREATE));
    const glimpse_ingest_report first = ingest(&s);
    printf("%s\nfirst      %8.3f s   %6.1f us a file\n", bench_cpu(), first.seconds,
           1e6 * first.seconds / (double)s.count);
    const double unchanged = median_of(&s, by_nothing, "unchanged", 0);
    (void)median_of(&s, by_time, "touched", unchanged);
    (void)median_of(&s, by_rating, "re-tagged", unchanged);
    measure_upgrade(&s, unchanged);
    glimpse_library_close(s.library);
    glimpse_model_close(s.model);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s.directory);
    return system(command) == 0 ? 0 : 1;
}

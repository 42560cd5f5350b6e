/*
 * bench_retag - re-indexing files whose metadata another program edited. Small JPEGs, each a
 * picture of its own, are indexed with the demo model; then they are indexed again: unchanged (the
 * baseline), touched (another time of change, the same bytes: read and hashed), and with another
 * rating (another hash: their pictures are recognised). Nothing of it may be encoded. Then what the
 * first command does with a library that 0.1 wrote: it reads all files for their identities.
 *
 * Each row is compared with the unchanged one of its kind: of indexing alone, and of the command
 * `glimpse index` from its start to its end, which loads the model and opens the library as well.
 *
 *     bench_retag MODEL [COUNT]      MODEL: data/models/demo; 10000. The command is the one that
 * was built beside the benchmark
 */
#include "bench.h"

#include "image/output/jpeg_out.h"
#include "library_private.h"
#include "sqlite_store.h"

#include <fcntl.h>
#include <glimpse/glimpse.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDE = 96, SEGMENT = 4096, RUNS = 5, COMMAND_ROUNDS = 200 /* labels of their own */ };

typedef struct setup {
    char directory[64], pictures[80], library_path[80], path[128], command[PATH_MAX];
    const char *model_path;
    size_t count;
    glimpse_model *model;
    glimpse_library *library;
} setup;

static const char *path_of(setup *s, size_t i) {
    (void)snprintf(s->path, sizeof s->path, "%s/%06zu.jpg", s->pictures, i);
    return s->path;
}

/* The APP1 segment that other programs write: a packet of XMP, and blanks to be overwritten. */
static size_t write_packet(uint8_t segment[SEGMENT], int rating) {
    static const char head[] = "http://ns.adobe.com/xap/1.0/";
    char packet[SEGMENT];
    const int size =
        snprintf(packet, sizeof packet,
                 "<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
                 "<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='bench_retag'>\n"
                 "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n\n"
                 " <rdf:Description rdf:about=''\n  xmlns:xmp='http://ns.adobe.com/xap/1.0/'>\n"
                 "  <xmp:Rating>%d</xmp:Rating>\n  <xmp:Label>%d</xmp:Label>\n </rdf:Description>\n"
                 "</rdf:RDF>\n</x:xmpmeta>\n%2400s\n<?xpacket end='w'?>",
                 rating % 5 + 1, rating, "");
    if (size < 0 || (size_t)size + 4 + sizeof head > SEGMENT) exit(1);
    const size_t length = 2 + sizeof head + (size_t)size;
    segment[0] = 0xff;
    segment[1] = 0xe1;
    segment[2] = (uint8_t)(length >> 8);
    segment[3] = (uint8_t)length;
    memcpy(segment + 4, head, sizeof head);
    memcpy(segment + 4 + sizeof head, packet, (size_t)size);
    return 2 + length;
}

/* With an XMP packet that says so, or without one. */
static void write_picture(setup *s, size_t i, int rating) {
    static uint8_t rgb[SIDE * SIDE * 3], segment[SEGMENT];
    const size_t segment_size = rating ? write_packet(segment, rating) : 0;
    uint8_t *jpeg = NULL;
    size_t size = 0;
    uint64_t state = i + 1;
    for (size_t k = 0; k < sizeof rgb; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        rgb[k] = (uint8_t)(k / 96 + i + (state >> 61));
    }
    bench_check(glimpse_jpeg_encode(&jpeg, &size, rgb, SIDE, SIDE, 85, rating ? segment : NULL,
                                    segment_size));
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

/* Wall and CPU time of all threads, in seconds. */
typedef struct cost {
    double wall, cpu;
} cost;

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double cpu_of(const struct rusage *usage) {
    return seconds_of(usage->ru_utime) + seconds_of(usage->ru_stime);
}

static cost index_in_process(setup *s) {
    struct rusage before, after;
    (void)getrusage(RUSAGE_SELF, &before);
    const glimpse_ingest_report report = ingest(s);
    (void)getrusage(RUSAGE_SELF, &after);
    if (report.embedded || report.files != s->count) exit(1);
    return (cost){report.seconds, cpu_of(&after) - cpu_of(&before)};
}

static cost index_by_command(setup *s) {
    struct rusage usage;
    int status = 0;
    const double start = bench_now();
    const pid_t child = fork();
    if (child == 0) {
        (void)execl(s->command, s->command, "index", s->pictures, "-l", s->library_path, "-m",
                    s->model_path, "--quiet", (char *)NULL);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
        (void)fprintf(stderr, "the benchmark is void: %s fails\n", s->command);
        exit(1);
    }
    return (cost){bench_now() - start, cpu_of(&usage)};
}

/* `baseline` 0: it is one. */
static double report_row(const setup *s, const char *name, double *wall, double *cpu,
                         double baseline) {
    qsort(wall, RUNS, sizeof *wall, bench_compare);
    qsort(cpu, RUNS, sizeof *cpu, bench_compare);
    const double median = wall[RUNS / 2], each = 1e6 / (double)s->count;
    printf("%-22s %8.3f s   %6.1f us a file (%.1f to %.1f)   of CPU %6.1f   x unchanged %5.1f\n",
           name, median, each * median, each * wall[0], each * wall[RUNS - 1], each * cpu[RUNS / 2],
           baseline > 0 ? median / baseline : 1.0);
    (void)fflush(stdout);
    return median;
}

static double median_of(setup *s, void (*change)(setup *s, int round), cost (*index)(setup *s),
                        int first_round, const char *name, double baseline) {
    double wall[RUNS], cpu[RUNS];
    for (int i = 0; i < RUNS; i++) {
        change(s, first_round + i);
        sync(); /* other programs' edits are on the disk: they are not to be written out in ours */
        const cost one = index(s);
        wall[i] = one.wall;
        cpu[i] = one.cpu;
    }
    return report_row(s, name, wall, cpu, baseline);
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
    double wall[RUNS], cpu[RUNS];
    for (int i = 0; i < RUNS; i++) {
        struct rusage before, after;
        forget_identities(s);
        (void)getrusage(RUSAGE_SELF, &before);
        const double start = bench_now();
        bench_check(glimpse_library_identify(s->library, 0, NULL, NULL));
        wall[i] = bench_now() - start;
        (void)getrusage(RUSAGE_SELF, &after);
        cpu[i] = cpu_of(&after) - cpu_of(&before);
    }
    (void)report_row(s, "upgraded", wall, cpu, baseline);
}

static void measure_command(setup *s) {
    char *slash;
    const ssize_t length = readlink("/proc/self/exe", s->command, sizeof s->command - 16);
    if (length <= 0) exit(1);
    s->command[length] = '\0';
    slash = strrchr(s->command, '/');
    (void)snprintf(slash, 16, "/glimpse");
    const double unchanged = median_of(s, by_nothing, index_by_command, 0, "command, unchanged", 0);
    (void)median_of(s, by_rating, index_by_command, COMMAND_ROUNDS, "command, re-tagged",
                    unchanged);
}

/* Of each picture one embedding, and none of an edited file. */
static void check_embedded(const setup *s) {
    int64_t count = 0;
    glimpse_db *db = glimpse_store_db(glimpse_library_store(s->library));
    bench_check(glimpse_db_integer(db, &count, "SELECT count(*) FROM embedding", ""));
    if ((size_t)count != s->count) exit(1);
}

int main(int argc, char **argv) {
    setup s = {.directory = "/tmp/bench-retag-XXXXXX"};
    char command[128];
    if (argc < 2 || !mkdtemp(s.directory)) {
        (void)fprintf(stderr, "usage: bench_retag MODEL [COUNT]\n");
        return 2;
    }
    s.count = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 10000;
    (void)snprintf(s.pictures, sizeof s.pictures, "%s/pictures", s.directory);
    (void)snprintf(s.library_path, sizeof s.library_path, "%s/library", s.directory);
    s.model_path = argv[1];
    (void)mkdir(s.pictures, 0777);
    for (size_t i = 0; i < s.count; i++)
        write_picture(&s, i, 0);
    bench_check(glimpse_model_open(&s.model, argv[1], NULL));
    bench_check(glimpse_library_open(&s.library, s.library_path, GLIMPSE_LIBRARY_CREATE));
    const glimpse_ingest_report first = ingest(&s);
    printf("%s\nfirst                  %8.3f s   %6.1f us a file\n", bench_cpu(), first.seconds,
           1e6 * first.seconds / (double)s.count);
    const double unchanged = median_of(&s, by_nothing, index_in_process, 0, "unchanged", 0);
    (void)median_of(&s, by_time, index_in_process, 0, "touched", unchanged);
    (void)median_of(&s, by_rating, index_in_process, 0, "re-tagged", unchanged);
    measure_upgrade(&s, unchanged);
    glimpse_library_close(s.library);
    measure_command(&s);
    bench_check(glimpse_library_open(&s.library, s.library_path, 0));
    check_embedded(&s);
    glimpse_library_close(s.library);
    glimpse_model_close(s.model);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s.directory);
    return system(command) == 0 ? 0 : 1;
}

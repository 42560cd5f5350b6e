/*
 * Seeded damage to real small files: flipped bits, changed bytes, cuts, repeated and exchanged
 * pieces. Every result is decoded; the promise is no crash, no leak (the sanitizer build sees
 * both), bounded time, and on failure a message and no picture.
 *
 *     GLIMPSE_FUZZ=100000 GLIMPSE_FUZZ_SEED=7 build/asan/bin/test_image_fuzz
 *
 * runs longer and elsewhere; GLIMPSE_FUZZ_DIRECTORY takes the files of another directory. A failure
 * prints the number of the mutation that caused it.
 */
#include "image_support.h"

#include <dirent.h>
#include <time.h>

enum { MAX_SEEDS = 256, MAX_BYTES = 40000 };

static struct seed_file {
    char name[128];
    uint8_t *data;
    size_t size;
} seeds[MAX_SEEDS];
static size_t seed_count;

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct seed_file *)a)->name, ((const struct seed_file *)b)->name);
}

static int load_seeds(void **state) {
    (void)state;
    char directory[4096]; /* a copy: the paths of source_path() come round again */
    const char *other = getenv("GLIMPSE_FUZZ_DIRECTORY");
    (void)snprintf(directory, sizeof directory, "%s",
                   other ? other : source_path("tests/image/fixtures"));
    DIR *dir = opendir(directory);
    if (!dir) return 1;
    for (struct dirent *entry; (entry = readdir(dir)) && seed_count < MAX_SEEDS;) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, ".py") ||
            strstr(entry->d_name, ".tsv") || strstr(entry->d_name, ".c")) {
            continue;
        }
        /* libheif's AV1 decoder complains on stderr and leaks a little on damaged streams; its
         * pictures are mutated only where they are asked for. */
        if (!other && strncmp(entry->d_name, "heif_", 5) == 0) {
            continue;
        }
        struct seed_file *s = &seeds[seed_count];
        (void)snprintf(s->name, sizeof s->name, "%.120s", entry->d_name);
        s->data = read_whole_file(path_in(directory, entry->d_name), &s->size);
        if (s->size < 16 || s->size > MAX_BYTES) {
            free(s->data);
            continue;
        }
        seed_count++;
    }
    (void)closedir(dir);
    qsort(seeds, seed_count, sizeof seeds[0], by_name); /* the same order everywhere */
    return seed_count == 0;
}

static int drop_seeds(void **state) {
    (void)state;
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    return 0;
}

/* Places where damage is most telling are the first bytes; half of the mutations go there. */
static size_t random_place(uint64_t *state, size_t size) {
    const uint64_t r = next_random(state);
    const size_t availability = r & 1 && size > 128 ? 128 : size;
    return (size_t)(r >> 20) % availability;
}

static size_t mutate(uint8_t *data, size_t size, uint64_t *state) {
    static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    const int times = 1 + (int)(next_random(state) >> 61);
    for (int i = 0; i < times && size > 4; i++) {
        const size_t at = random_place(state, size);
        switch ((next_random(state) >> 40) % 7) {
        case 0: data[at] ^= (uint8_t)(1u << (next_random(state) >> 61)); break;
        case 1: data[at] = (uint8_t)(next_random(state) >> 56); break;
        case 2: data[at] = telling[(next_random(state) >> 40) % sizeof telling]; break;
        case 3: size = at + 4 < size ? at + 4 : size; break; /* cut */
        case 4: {                                            /* exchange a piece */
            const struct seed_file *other = &seeds[(next_random(state) >> 30) % seed_count];
            size_t from = random_place(state, other->size), length = 1 + random_place(state, 64);
            if (length > other->size - from) length = other->size - from;
            if (length > size - at) length = size - at;
            memcpy(data + at, other->data + from, length);
            break;
        }
        case 5: { /* repeat a piece of its own */
            const size_t from = random_place(state, size);
            size_t length = 1 + random_place(state, 64);
            if (length > size - from) length = size - from;
            if (length > size - at) length = size - at;
            memmove(data + at, data + from, length);
            break;
        }
        default: /* a 16-bit field with an extreme value */
            if (at + 2 <= size) {
                data[at] = telling[(next_random(state) >> 40) % sizeof telling];
                data[at + 1] = telling[(next_random(state) >> 40) % sizeof telling];
            }
            break;
        }
    }
    return size;
}

static void damaged_files_are_survived(void **unused) {
    (void)unused;
    const char *wanted = getenv("GLIMPSE_FUZZ"), *start = getenv("GLIMPSE_FUZZ_SEED");
    const long iterations = wanted ? strtol(wanted, NULL, 10) : 6000;
    const uint64_t base = start ? strtoull(start, NULL, 10) : 1;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.max_pixels = 1 << 20; /* most mutations of sizes are refused, the rest are quick */
    long decoded = 0;
    double slowest = 0;
    for (long i = 0; i < iterations; i++) {
        uint64_t state = (base * UINT64_C(1000003) + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15);
        if (!state) state = 1;
        const struct seed_file *seed = &seeds[(next_random(&state) >> 20) % seed_count];
        uint8_t *data = malloc(seed->size);
        assert_non_null(data);
        memcpy(data, seed->data, seed->size);
        const size_t size = mutate(data, seed->size, &state);
        uint8_t *exact = realloc(data, size); /* the sanitizer sees reads behind the end */
        assert_non_null(exact);
        glimpse_image *image;
        struct timespec before, after;
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        const int status = glimpse_image_decode(&image, exact, size, seed->name, &options);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        const double seconds =
            (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        if (seconds > slowest) slowest = seconds;
        if (seconds > 5.0) fail_msg("%s, mutation %ld: %.1f s", seed->name, i, seconds);
        if (status == GLIMPSE_OK) {
            decoded++;
            if ((uint64_t)glimpse_image_width(image) * glimpse_image_height(image) >
                options.max_pixels) {
                fail_msg("%s, mutation %ld: more pixels than allowed", seed->name, i);
            }
        } else if (image || !strstr(glimpse_last_error(), seed->name)) {
            fail_msg("%s, mutation %ld: '%s'", seed->name, i, glimpse_last_error());
        }
        glimpse_image_free(image);
        free(exact);
    }
    print_message("%ld mutations of %zu files, %ld still decoded, slowest %.3f s\n", iterations,
                  seed_count, decoded, slowest);
    assert_true(decoded > iterations / 20); /* else the mutations are too wild to test much */
    assert_true(decoded < iterations * 19 / 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_survived),
    };
    return cmocka_run_group_tests(tests, load_seeds, drop_seeds);
}

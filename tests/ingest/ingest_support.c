/*
 * ingest_support.c - pictures, directory trees and a fake model for the tests of ingest.
 */
#include "ingest_support.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <time.h>

static void pause_us(unsigned us) {
    if (us == 0) return;
    const struct timespec rest = {us / 1000000, (long)(us % 1000000) * 1000};
    (void)nanosleep(&rest, NULL);
}

static void raise_to(atomic_uint *max, unsigned value) {
    unsigned seen = atomic_load(max);
    while (value > seen && !atomic_compare_exchange_weak(max, &seen, value)) {}
}

/* Of a picture that is decoded already. */
static int fake_preprocess(const glimpse_ingest_engine *engine, const glimpse_image *image,
                           uint8_t *rgb) {
    fake_model *fake = (fake_model *)(uintptr_t)engine->context;
    raise_to(&fake->max_decoding, atomic_fetch_add(&fake->decoding, 1) + 1);
    pause_us(fake->decode_us);
    (void)atomic_fetch_sub(&fake->decoding, 1);
    (void)atomic_fetch_add(&fake->decoded, 1);
    const uint8_t *pixels = glimpse_image_pixels(image);
    const size_t bytes = (size_t)glimpse_image_width(image) * glimpse_image_height(image) * 3;
    const glimpse_hash hash = glimpse_hash_bytes(pixels, bytes);
    memset(rgb, 0, FAKE_INPUT);
    memcpy(rgb, hash.bytes, sizeof hash.bytes);
    rgb[FAKE_INPUT - 1] = pixels[0];
    if (rgb[FAKE_INPUT - 1] == FIRST_PIXEL_NOMEM) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "picture: out of memory (12 bytes for pixels)");
    }
    return GLIMPSE_OK;
}

static int fake_decode(const glimpse_ingest_engine *engine, const void *data, size_t size,
                       const glimpse_decode_options *options, uint8_t *rgb,
                       glimpse_image_meta *meta) {
    glimpse_image *image = NULL;
    int status = glimpse_image_decode(&image, data, size, "picture", options);
    if (status < 0) return status;
    (void)atomic_fetch_add(&((fake_model *)(uintptr_t)engine->context)->from_bytes, 1);
    *meta = *glimpse_image_metadata(image);
    status = fake_preprocess(engine, image, rgb);
    glimpse_image_free(image);
    return status;
}

/* A hash of the pixels of the tile alone. */
static int fake_crop(const glimpse_ingest_engine *engine, const glimpse_image *image,
                     const glimpse_box *box, uint8_t *rgb) {
    fake_model *fake = (fake_model *)(uintptr_t)engine->context;
    const uint8_t *pixels = glimpse_image_pixels(image);
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory");
    (void)atomic_fetch_add(&fake->cropped, 1);
    for (uint32_t y = box->y; y < box->y + box->height; y++) {
        const size_t at = (size_t)y * glimpse_image_width(image) + box->x;
        glimpse_hasher_update(hasher, pixels + at * 3, (size_t)box->width * 3);
    }
    const glimpse_hash hash = glimpse_hasher_finish(hasher);
    memset(rgb, 0, FAKE_INPUT);
    memcpy(rgb, hash.bytes, sizeof hash.bytes);
    return GLIMPSE_OK;
}

static int fake_create(const glimpse_ingest_engine *engine, void **out, size_t max_batch) {
    fake_model *fake = (fake_model *)(uintptr_t)engine->context;
    (void)max_batch;
    *out = NULL;
    if (fake->fail_creating) return glimpse_fail(GLIMPSE_E_NOMEM, "no memory for an encoder");
    (void)atomic_fetch_add(&fake->encoders, 1);
    *out = fake;
    return GLIMPSE_OK;
}

static void fake_free(void *encoder) {
    fake_model *fake = encoder;
    (void)atomic_fetch_sub(&fake->encoders, 1);
}

static int fake_encode(void *encoder, const uint8_t *rgb, size_t count, float *embeddings) {
    fake_model *fake = encoder;
    const unsigned batches = atomic_fetch_add(&fake->batches, 1) + 1;
    if (fake->fail_encoding_after && batches > fake->fail_encoding_after) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "the encoder broke down");
    }
    raise_to(&fake->largest_batch, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *input = rgb + i * FAKE_INPUT;
        float *vector = embeddings + i * FAKE_DIM;
        pause_us(fake->encode_us);
        (void)atomic_fetch_add(&fake->encoded, 1);
        for (size_t k = 0; k < FAKE_DIM; k++)
            vector[k] = (float)input[k] - 127.5f;
        if (input[FAKE_INPUT - 1] == FIRST_PIXEL_ZERO_VECTOR) memset(vector, 0, FAKE_DIM * 4);
        if (input[FAKE_INPUT - 1] == FIRST_PIXEL_NAN) vector[3] = (float)strtod("nan", NULL);
    }
    return GLIMPSE_OK;
}

void fake_model_init(fake_model *fake) {
    memset(fake, 0, sizeof *fake);
    fake->engine =
        (glimpse_ingest_engine){.key = {.fingerprint = "0123456789abcdef0123456789abcdef",
                                        .name = "stand-in",
                                        .path = "/models/stand-in",
                                        .dim = FAKE_DIM},
                                .input_bytes = FAKE_INPUT,
                                .decode = fake_decode,
                                .preprocess = fake_preprocess,
                                .crop = fake_crop,
                                .encoder_create = fake_create,
                                .encoder_free = fake_free,
                                .encode = fake_encode,
                                .context = fake};
}

void fixture_open_library(fixture *f) {
    assert_ok(glimpse_library_open(&f->library, f->library_path, GLIMPSE_LIBRARY_CREATE));
}

void fixture_close_library(fixture *f) {
    glimpse_library_close(f->library);
    f->library = NULL;
}

int fixture_begin(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->directory = make_resolved_temp_directory();
    f->pictures = glimpse_path_join(f->directory, "pictures");
    f->library_path = glimpse_path_join(f->directory, "library");
    if (mkdir(f->pictures, 0777) != 0) return -1;
    fake_model_init(&f->fake);
    fixture_open_library(f);
    *state = f;
    return 0;
}

int fixture_end(void **state) {
    fixture *f = *state;
    fixture_close_library(f);
    remove_tree(f->directory);
    free(f->directory);
    free(f->pictures);
    free(f->library_path);
    free(f);
    return 0;
}

const char *at(const fixture *f, const char *relative) {
    static char paths[8][PATH_MAX];
    static unsigned orientation;
    char *path = paths[orientation++ % 8];
    (void)snprintf(path, PATH_MAX, "%s/%s", f->directory, relative);
    return path;
}

void write_bytes_file(const fixture *f, const char *relative, const void *data, size_t size) {
    make_parents(at(f, relative));
    write_file(at(f, relative), data, size);
}

void write_text_file(const fixture *f, const char *relative, const char *text) {
    write_bytes_file(f, relative, text, strlen(text));
}

void write_marked_picture(const fixture *f, const char *relative, unsigned seed,
                          unsigned char mark) {
    enum { WIDTH = 8, HEIGHT = 6, HEADER = 11 };
    unsigned char bytes[HEADER + WIDTH * HEIGHT * 3] = "P6\n8 6\n255\n";
    uint64_t random = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = HEADER; i < sizeof bytes; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (unsigned char)(random >> 56);
    }
    bytes[HEADER] = mark;
    write_bytes_file(f, relative, bytes, sizeof bytes);
}

void write_picture(const fixture *f, const char *relative, unsigned seed) {
    write_marked_picture(f, relative, seed, 200);
}

void touch_by(const fixture *f, const char *relative, long seconds) {
    struct stat info;
    assert_int_equal(stat(at(f, relative), &info), 0);
    struct timespec times[2] = {info.st_atim, info.st_mtim};
    times[1].tv_sec += seconds;
    assert_int_equal(utimensat(AT_FDCWD, at(f, relative), times, 0), 0);
}

void rename_to(const fixture *f, const char *from, const char *to) {
    assert_int_equal(rename(at(f, from), at(f, to)), 0);
}

void remove_file(const fixture *f, const char *relative) {
    assert_int_equal(unlink(at(f, relative)), 0);
}

glimpse_ingest_options options_for(fixture *f) {
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    options.roots = (const char *const *)&f->pictures;
    options.root_count = 1;
    options.jobs = 3;
    options.batch = 4;
    return options;
}

int ingest_with(fixture *f, const glimpse_ingest_options *options) {
    atomic_store(&f->fake.decoded, 0);
    atomic_store(&f->fake.from_bytes, 0);
    atomic_store(&f->fake.cropped, 0);
    atomic_store(&f->fake.encoded, 0);
    atomic_store(&f->fake.batches, 0);
    atomic_store(&f->fake.largest_batch, 0);
    atomic_store(&f->fake.max_decoding, 0);
    f->report = GLIMPSE_INGEST_REPORT_INIT;
    int status = glimpse_ingest_run(&f->report, f->library, options, &f->fake.engine);
    assert_int_equal(atomic_load(&f->fake.encoders), 0);
    return status;
}

void ingest(fixture *f) {
    const glimpse_ingest_options options = options_for(f);
    assert_ok(ingest_with(f, &options));
}

void assert_report(const fixture *f, int files, int unchanged, int embedded, int bound,
                   int quarantined, int missing) {
    const glimpse_ingest_report *r = &f->report;
    const struct {
        const char *what;
        int expected;
        uint64_t found;
    } numbers[] = {
        {"files", files, r->files},
        {"unchanged", unchanged, r->unchanged},
        {"embedded", embedded, r->embedded},
        {"bound", bound, r->bound},
        {"quarantined", quarantined, r->quarantined},
        {"missing", missing, r->missing},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].expected < 0 || numbers[i].found == (uint64_t)numbers[i].expected) continue;
        fail_msg("%s: %llu, expected %d (files %llu, unchanged %llu, embedded %llu, bound %llu, "
                 "quarantined %llu, missing %llu)",
                 numbers[i].what, (unsigned long long)numbers[i].found, numbers[i].expected,
                 (unsigned long long)r->files, (unsigned long long)r->unchanged,
                 (unsigned long long)r->embedded, (unsigned long long)r->bound,
                 (unsigned long long)r->quarantined, (unsigned long long)r->missing);
    }
}

static void print_problem(void *user, const char *problem) {
    (void)user;
    print_message("verify: %s\n", problem);
}

void assert_sound(fixture *f) {
    uint64_t checked = 0;
    assert_ok(glimpse_library_verify(&checked, f->library, print_problem, NULL));
}

char *dump_catalog(const fixture *f, int stamps) {
    static const char sql[] =
        "SELECT f.path, f.missing, coalesce(f.code, 0), coalesce(f.reason, ''),"
        " coalesce(hex(c.hash), ''), coalesce(hex(e.vector), ''), f.size, f.mtime_ns,"
        " coalesce(p.width || 'x' || p.height || p.format || hex(p.identity), '')"
        " FROM file f LEFT JOIN content c ON c.id = f.content_id"
        " LEFT JOIN picture p ON p.id = f.picture_id"
        " LEFT JOIN embedding e ON e.picture_id = p.id ORDER BY f.path, e.part";
    char path[PATH_MAX], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_non_null(out);
    (void)snprintf(path, sizeof path, "%s/catalog.db", f->library_path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *bytes = sqlite3_column_blob(row, 0);
        const int length = sqlite3_column_bytes(row, 0), below = (int)strlen(f->directory) + 1;
        if (length > below && memcmp(bytes, f->directory, (size_t)below - 1) == 0) {
            fprintf(out, "%.*s", length - below, bytes + below);
        } else {
            fprintf(out, "%.*s", length, bytes);
        }
        for (int i = 1; i < 6; i++)
            fprintf(out, " %s", (const char *)sqlite3_column_text(row, i));
        fprintf(out, " %s", (const char *)sqlite3_column_text(row, 8));
        if (stamps) {
            fprintf(out, " %lld %lld", (long long)sqlite3_column_int64(row, 6),
                    (long long)sqlite3_column_int64(row, 7));
        }
        fputc('\n', out);
    }
    assert_int_equal(code, SQLITE_DONE);
    (void)sqlite3_finalize(row);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT count(*) FROM content),"
                                        " (SELECT count(*) FROM embedding)",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    fprintf(out, "contents %d, embeddings %d\n", sqlite3_column_int(row, 0),
            sqlite3_column_int(row, 1));
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(db);
    assert_int_equal(fclose(out), 0);
    return text;
}

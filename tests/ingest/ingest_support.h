/*
 * ingest_support.h - a stand-in for the model, pictures of a few bytes, and a catalogue in words.
 *
 * The stand-in decodes with the real decoders, and its "embedding" is a hash of the pixels spread
 * over 16 numbers: equal pictures get equal vectors, different ones different, in microseconds.
 */
#ifndef GLIMPSE_TESTS_INGEST_SUPPORT_H
#define GLIMPSE_TESTS_INGEST_SUPPORT_H

#include "support/test.h"

#include "ingest_internal.h"

#include <glimpse/library.h>

#include <limits.h>
#include <stdatomic.h>

enum { FAKE_DIM = 16, FAKE_INPUT = 24 };

/* Its pictures have all tiles, however small. */
typedef struct fake_model {
    atomic_uint decoded, encoded, batches, encoders; /* encoders: alive now */
    atomic_uint cropped;                             /* tiles */
    atomic_uint from_bytes; /* of `decoded`: not decoded already by who asked for their identity */
    atomic_uint largest_batch;
    atomic_uint decoding, max_decoding; /* at the same time */
    unsigned decode_us, encode_us;      /* slow down, per picture */
    unsigned fail_encoding_after;       /* batches; 0: never */
    int fail_creating;
    glimpse_ingest_engine engine;
} fake_model;

/* Pictures whose first pixel says what goes wrong. */
enum { FIRST_PIXEL_NOMEM = 1, FIRST_PIXEL_ZERO_VECTOR = 2, FIRST_PIXEL_NAN = 3 };

typedef struct fixture {
    char *directory; /* resolved; everything is below */
    char *pictures;  /* directory/pictures, exists */
    char *library_path;
    glimpse_library *library;
    fake_model fake;
    glimpse_ingest_report report;
} fixture;

void fake_model_init(fake_model *fake);

/* cmocka set-up and tear-down: *state is a fixture with an open library. */
int fixture_begin(void **state);
int fixture_end(void **state);
void fixture_close_library(fixture *f);
void fixture_open_library(fixture *f);

/* directory/relative; static storage, eight in turn. */
const char *at(const fixture *f, const char *relative);
/* A PPM of 8x6 pixels that `seed` decides; makes directories on the way. */
void write_picture(const fixture *f, const char *relative, unsigned seed);
/* The same with its first pixel's red set. */
void write_marked_picture(const fixture *f, const char *relative, unsigned seed,
                          unsigned char mark);
void write_bytes_file(const fixture *f, const char *relative, const void *data, size_t size);
void write_text_file(const fixture *f, const char *relative, const char *text);
/* Moves the file's mtime by `seconds`. */
void touch_by(const fixture *f, const char *relative, long seconds);
void rename_to(const fixture *f, const char *from, const char *to);
void remove_file(const fixture *f, const char *relative);

/* Ingests f->pictures (or what options say) with the stand-in into f->report; fails the test when
 * that fails. Counters of the stand-in begin at 0. */
void ingest(fixture *f);
int ingest_with(fixture *f, const glimpse_ingest_options *options);
/* Options with f->pictures as the only root. */
glimpse_ingest_options options_for(fixture *f);

/* files, unchanged, embedded, bound, quarantined, missing; -1: any. */
void assert_report(const fixture *f, int files, int unchanged, int embedded, int bound,
                   int quarantined, int missing);

/* glimpse_library_verify without a problem. */
void assert_sound(fixture *f);

/* Every file, relative to f->directory, in order: "path missing code reason hash vector" lines,
 * then counts of contents and embeddings. malloc'ed. With `stamps`, also size and mtime. */
char *dump_catalog(const fixture *f, int stamps);

#endif

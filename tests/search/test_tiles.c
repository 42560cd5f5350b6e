/*
 * Tiles: a search gives what scoring every part of every picture gives, whatever the filters; where
 * tiles lie; what is kept and derived of them, and that it is checked.
 */
#include "support/libraries.h"

#include "dates.h"
#include "math/half.h"
#include "tiles.h"

#include <math.h>

enum { FEW = 90, MANY = 600, PARTS = GLIMPSE_TILES + 1 };

/* Beside the world's contents: what is stored of their tiles. */
typedef struct tiled_world {
    world w;
    float (*vectors)[PARTS][WORLD_DIM];
    uint32_t *parts; /* bits */
} tiled_world;

static void as_stored(float *out, const float *vector) {
    double square = 0.0;
    for (size_t i = 0; i < WORLD_DIM; i++)
        square += (double)vector[i] * (double)vector[i];
    for (size_t i = 0; i < WORLD_DIM; i++) {
        const float unit = (float)((double)vector[i] * (1.0 / sqrt(square)));
        out[i] = glimpse_f16_to_f32(glimpse_f32_to_f16(unit));
    }
}

/* Most pictures have all tiles, some a few or none; now and then a tile is like its picture, or
 * like another one. */
static void open_tiled(tiled_world *t, uint64_t seed, size_t pictures) {
    world *w = &t->w;
    world_open(w, seed);
    world_populate(w, pictures);
    t->vectors = calloc(w->content_count, sizeof *t->vectors);
    t->parts = calloc(w->content_count, sizeof *t->parts);
    assert_non_null(t->vectors);
    assert_non_null(t->parts);
    glimpse_store *store = glimpse_library_store(w->library);
    assert_ok(store->ops->begin(store));
    for (size_t i = 0; i < w->content_count; i++) {
        const size_t kind = world_below(w, 4);
        for (uint32_t tile = 1; tile < PARTS; tile++) {
            float vector[WORLD_DIM];
            if (kind == 0 || (kind == 1 && world_below(w, 3))) continue;
            world_vector(w, vector);
            if (world_below(w, 9) == 0) {
                const size_t like = world_below(w, 2) ? i : world_below(w, w->content_count);
                memcpy(vector, w->contents[like].vector, sizeof vector);
            }
            assert_ok(store->ops->picture_parts.write(store, w->model, w->contents[i].id, tile,
                                                      vector, WORLD_DIM));
            as_stored(t->vectors[i][tile], vector);
            t->parts[i] |= UINT32_C(1) << tile;
        }
    }
    assert_ok(store->ops->commit(store));
}

static void close_tiled(tiled_world *t) {
    free(t->vectors);
    free(t->parts);
    world_close(&t->w);
}

static double cosine(const float *unit, const float *stored) {
    double score = 0.0;
    for (size_t i = 0; i < WORLD_DIM; i++)
        score += (double)unit[i] * (double)stored[i];
    return score > 1.0 ? 1.0 : score < -1.0 ? -1.0 : score;
}

typedef struct answer {
    double score;
    uint32_t tile;
    const world_content *content;
} answer;

static int by_score(const void *a, const void *b) {
    const answer *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return memcmp(x->content->hash.bytes, y->content->hash.bytes, GLIMPSE_HASH_BYTES);
}

static int passes(const world *w, size_t content, const glimpse_search_options *o) {
    for (size_t i = 0; i < w->file_count; i++) {
        const world_file *f = &w->files[i];
        char when[GLIMPSE_DATE_BYTES];
        if (f->missing || f->content != content) continue;
        if (o->within_count > 0 && !glimpse_path_is_below(f->path, o->within[0])) continue;
        glimpse_date_of_file(f->mtime_ns, when, NULL);
        const char *taken = *w->contents[content].taken ? w->contents[content].taken : when;
        if (o->after && strcmp(taken, o->after) < 0) continue;
        return 1;
    }
    return 0;
}

static size_t look_at_everything(answer *answers, const tiled_world *t, const float *query,
                                 const glimpse_search_options *o) {
    const world *w = &t->w;
    float unit[WORLD_DIM];
    double square = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < WORLD_DIM; i++)
        square += (double)query[i] * (double)query[i];
    for (size_t i = 0; i < WORLD_DIM; i++)
        unit[i] = (float)((double)query[i] * (1.0 / sqrt(square)));
    for (size_t i = 0; i < w->content_count; i++) {
        char hex[GLIMPSE_HASH_HEX];
        const double whole = cosine(unit, w->contents[i].vector);
        answer a = {whole, 0, &w->contents[i]};
        for (uint32_t tile = 1; tile < PARTS && !o->whole_only; tile++) {
            if (!(t->parts[i] & UINT32_C(1) << tile)) continue;
            const double part = cosine(unit, t->vectors[i][tile]);
            const double score = whole + (1.0 - GLIMPSE_TILE_CONTEXT) * (part - whole);
            if (score > a.score) a.score = score, a.tile = tile;
        }
        glimpse_hash_to_hex(&w->contents[i].hash, hex);
        if (o->exclude_id && strcmp(hex, o->exclude_id) == 0) continue;
        if (a.score >= o->min_score && passes(w, i, o)) answers[count++] = a;
    }
    qsort(answers, count, sizeof *answers, by_score);
    return count < o->k ? count : o->k;
}

static void check_search(tiled_world *t, const float *query, const glimpse_search_options *o) {
    answer *expected = calloc(t->w.content_count + 1, sizeof *expected);
    assert_non_null(expected);
    const size_t count = look_at_everything(expected, t, query, o);
    glimpse_results *results = NULL;
    assert_ok(glimpse_library_search_key(&results, t->w.library, &t->w.key, query, o));
    assert_int_equal(glimpse_results_count(results), count);
    for (size_t i = 0; i < count; i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        char hex[GLIMPSE_HASH_HEX];
        glimpse_box box = {0, 0, 0, 0};
        if (fabs(r->score - expected[i].score) > 1e-12) {
            fail_msg("rank %zu of %zu: %.15f instead of %.15f", i + 1, count, r->score,
                     expected[i].score);
        }
        glimpse_hash_to_hex(&expected[i].content->hash, hex);
        const int tied = (i > 0 && expected[i - 1].score - expected[i].score < 1e-12) ||
                         (i + 1 < count && expected[i].score - expected[i + 1].score < 1e-12) ||
                         i + 1 == count;
        if (!tied && strcmp(r->id, hex) != 0) fail_msg("rank %zu is another picture", i + 1);
        if (strcmp(r->id, hex) != 0) continue;
        (void)glimpse_tile_box(&box, expected[i].tile, r->width, r->height);
        assert_memory_equal(&r->tile, &box, sizeof box);
        assert_int_equal(r->tile.width == 0, expected[i].tile == 0);
    }
    glimpse_results_free(results);
    free(expected);
}

static void a_search_equals_scoring_every_part_of_every_picture(void **state) {
    (void)state;
    static const char *const directories[] = {NULL, "a", "a-b", "holiday 2021"};
    static const size_t ks[] = {1, 3, 10, 60, 5000};
    tiled_world t;
    size_t tile_won = 0;
    open_tiled(&t, 21, MANY);
    world *w = &t.w;
    for (int i = 0; i < 120; i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        char directory[800], id[GLIMPSE_HASH_HEX];
        const size_t like = world_below(w, w->content_count);
        world_vector(w, query);
        if (world_below(w, 3) == 0) memcpy(query, w->contents[like].vector, sizeof query);
        if (world_below(w, 3) == 0 && t.parts[like] & 1u << 7)
            memcpy(query, t.vectors[like][7], sizeof query);
        options.k = ks[world_below(w, 5)];
        const char *within = directory;
        if (world_below(w, 3) == 0) {
            const char *name = directories[world_below(w, 4)];
            (void)snprintf(directory, sizeof directory, "%s/%s", w->pictures, name ? name : "");
            options.within = &within;
            options.within_count = name != NULL;
        }
        if (world_below(w, 3) == 0) options.after = "2020-06";
        if (world_below(w, 3) == 0) options.min_score = (double)world_below(w, 100) / 200.0;
        if (world_below(w, 4) == 0) options.whole_only = 1;
        if (world_below(w, 4) == 0) {
            glimpse_hash_to_hex(&w->contents[like].hash, id);
            options.exclude_id = id;
        }
        check_search(&t, query, &options);
        glimpse_results *results = NULL;
        assert_ok(glimpse_library_search_key(&results, w->library, &w->key, query, &options));
        if (glimpse_results_count(results) > 0)
            tile_won += glimpse_results_get(results, 0)->tile.width > 0;
        glimpse_results_free(results);
    }
    assert_in_range(tile_won, 20, 110); /* both happen */
    close_tiled(&t);
}

static void whole_pictures_alone_are_found_as_if_there_were_no_tiles(void **state) {
    (void)state;
    tiled_world t;
    open_tiled(&t, 22, FEW);
    for (int i = 0; i < 10; i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        world_vector(&t.w, query);
        options.whole_only = 1;
        options.k = 25;
        world_check_search(&t.w, query, &options);
    }
    close_tiled(&t);
}

/*
 * What is kept, and derived.
 */
static char *parts_path(world *w) {
    char *path = NULL;
    assert_ok(
        glimpse_indexes_parts_path(&path, glimpse_library_store(w->library), w->key.fingerprint));
    return path;
}

static void search_once(tiled_world *t) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    check_search(t, t->vectors[3][5][0] != 0.0f ? t->vectors[3][5] : t->w.contents[3].vector,
                 &options);
}

static void vectors_of_tiles_are_derived_and_mended(void **state) {
    (void)state;
    tiled_world t;
    char text[2000];
    open_tiled(&t, 23, FEW);
    world *w = &t.w;
    char *path = parts_path(w);
    search_once(&t);
    assert_int_equal(access(path, F_OK), 0);
    assert_ok(world_verify(w, text, sizeof text));
    /* Damaged: reported, not used; the answers are the same. */
    world_overwrite(path, 3000, "damage", 6);
    world_reopen(w, 0);
    assert_int_equal(world_verify(w, text, sizeof text), GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(text, "vector index"));
    world_reopen(w, 0);
    search_once(&t);
    assert_ok(world_verify(w, text, sizeof text));
    assert_int_equal(unlink(path), 0);
    world_reopen(w, 0);
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, w->library));
    assert_string_equal(status->models[0].index_state, "missing");
    glimpse_library_status_free(status);
    assert_ok(glimpse_library_reindex(w->library));
    assert_int_equal(access(path, F_OK), 0);
    search_once(&t);
    /* Goes with the model. */
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    prune.model = w->key.fingerprint;
    assert_ok(glimpse_library_prune(NULL, w->library, &prune));
    assert_int_equal(access(path, F_OK), -1);
    free(path);
    close_tiled(&t);
}

static void a_tile_that_changed_or_went_is_found_out(void **state) {
    (void)state;
    static const char *const damage[] = {
        "DROP TRIGGER embedding_kept; UPDATE embedding SET vector = zeroblob(128) WHERE part = 9",
        "DROP TRIGGER embedding_kept; UPDATE embedding SET part = 60 WHERE part = 9",
        "DROP TRIGGER part_removed; DELETE FROM embedding WHERE part = 9",
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        tiled_world t;
        char text[20000];
        open_tiled(&t, 24, FEW);
        assert_ok(world_verify(&t.w, text, sizeof text));
        assert_ok(
            glimpse_db_script(glimpse_store_db(glimpse_library_store(t.w.library)), damage[i]));
        assert_int_equal(world_verify(&t.w, text, sizeof text), GLIMPSE_E_CORRUPT);
        close_tiled(&t);
    }
}

static void tiles_are_counted_apart_from_pictures(void **state) {
    (void)state;
    tiled_world t;
    open_tiled(&t, 25, FEW);
    world *w = &t.w;
    uint64_t tiles = 0, tiled = 0;
    for (size_t i = 0; i < w->content_count; i++) {
        tiles += glimpse_tiles_count(t.parts[i]);
        tiled += t.parts[i] != 0;
    }
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, w->library));
    assert_int_equal(status->tiles, tiles);
    assert_int_equal(status->tiled, tiled);
    assert_int_equal(status->models[0].embedded, w->content_count);
    assert_true(status->embedded <= w->content_count);
    assert_int_equal(status->files, status->embedded + status->duplicates +
                                        status->quarantined_count + status->pending);
    glimpse_library_status_free(status);
    glimpse_store *store = glimpse_library_store(w->library);
    uint64_t covered = 0, all = 0;
    assert_ok(store->ops->models.coverage(&covered, &all, store, w->model));
    assert_int_equal(covered, w->content_count);
    assert_int_equal(all, w->content_count);
    close_tiled(&t);
}

/*
 * Where they lie.
 */
static void tiles_are_squares_inside_that_show_all_of_it(void **state) {
    (void)state;
    static const uint32_t sizes[][2] = {{640, 480}, {480, 640}, {1000, 1000}, {1921, 1080},
                                        {999, 501}, {300, 200}, {77, 77},     {1200, 401}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint32_t w = sizes[i][0], h = sizes[i][1];
        const int narrow = w > 2 * h; /* not even two squares show all of it */
        uint8_t *seen = calloc((size_t)w * h, 1);
        assert_non_null(seen);
        for (unsigned tile = 1; tile <= GLIMPSE_TILES; tile++) {
            glimpse_box box;
            if (!glimpse_tile_box(&box, tile, w, h)) {
                assert_true(narrow);
                continue;
            }
            assert_int_equal(box.width, box.height);
            assert_true(box.width < w || box.height < h);
            assert_true(box.x + box.width <= w && box.y + box.height <= h);
            for (uint32_t y = box.y; y < box.y + box.height; y++)
                for (uint32_t x = box.x; x < box.x + box.width; x++)
                    seen[(size_t)y * w + x] |= tile <= 4 ? 1 : 2;
        }
        for (size_t k = 0; k < (size_t)w * h; k++)
            assert_int_equal(seen[k] | (narrow ? 1 : 0), 3);
        free(seen);
    }
}

static void a_strip_has_no_tile_twice_and_a_dot_none(void **state) {
    (void)state;
    glimpse_box box;
    /* Two at its ends, and the middle one of three. */
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(5000, 100, 0)), 3);
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(1, 1, 0)), 0);
    assert_int_equal(glimpse_tile_box(&box, 0, 640, 480), 0);
    assert_int_equal(glimpse_tile_box(&box, GLIMPSE_TILES + 1, 640, 480), 0);
    assert_int_equal(box.width, 0);
}

static void tiles_smaller_than_what_the_model_looks_at_are_left_out(void **state) {
    (void)state;
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(1000, 800, 224)), 13);
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(671, 500, 224)), 13);
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(669, 500, 224)), 4);
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(448, 336, 224)), 4);
    assert_int_equal(glimpse_tiles_count(glimpse_tiles_of(446, 336, 224)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_equals_scoring_every_part_of_every_picture),
        cmocka_unit_test(whole_pictures_alone_are_found_as_if_there_were_no_tiles),
        cmocka_unit_test(vectors_of_tiles_are_derived_and_mended),
        cmocka_unit_test(a_tile_that_changed_or_went_is_found_out),
        cmocka_unit_test(tiles_are_counted_apart_from_pictures),
        cmocka_unit_test(tiles_are_squares_inside_that_show_all_of_it),
        cmocka_unit_test(a_strip_has_no_tile_twice_and_a_dot_none),
        cmocka_unit_test(tiles_smaller_than_what_the_model_looks_at_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

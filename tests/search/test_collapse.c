/*
 * What a search collapses, and what it must not: the rule, results against a plain reference that
 * collapses the whole ranking, pages, and diverse orders.
 */
#include "support/libraries.h"

#include "collapse.h"

#include <glimpse/sys/signature.h>

#include <math.h>

enum { MAX_RESULTS = 5000, STEPS = 5 };

/*
 * The rule.
 */
enum { WIDTH = 480, HEIGHT = 360 };

static void fill(uint8_t *rgb, int x0, int y0, int x1, int y1, uint32_t colour) {
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < HEIGHT; y++) {
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < WIDTH; x++) {
            for (int c = 0; c < 3; c++)
                rgb[3 * (y * WIDTH + x) + c] = (uint8_t)(colour >> (16 - 8 * c));
        }
    }
}

/* A title bar and six lines of words in small letters, by chance. */
static glimpse_image *slide(uint64_t seed) {
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    world w = {.random = seed};
    glimpse_image *image = NULL;
    fill(rgb, 0, 0, WIDTH, HEIGHT, 0xfafafa);
    fill(rgb, 0, 0, WIDTH, 60, 0x204080);
    for (int line = 0; line < 6; line++) {
        const int y = 90 + 42 * line, end = 200 + (int)world_below(&w, 240);
        for (int x = 30; x < end;) {
            const int length = 10 + (int)world_below(&w, 50);
            for (int letter = x; letter < x + length && letter < end; letter += 6)
                fill(rgb, letter, y, letter + 3, y + 10, 0x303030);
            x += length + 8;
        }
    }
    assert_ok(glimpse_image_create(&image, rgb, WIDTH, HEIGHT));
    return image;
}

/* Grass, always the same, with an animal of some colour and stature on it, `dx` further right. */
static glimpse_image *animal(uint32_t colour, int length, int dx) {
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    world w = {.random = 3};
    glimpse_image *image = NULL;
    for (int y = 0; y < HEIGHT; y += 12) {
        for (int x = 0; x < WIDTH; x += 12) {
            fill(rgb, x, y, x + 12, y + 12,
                 0x205010U + 0x010101U * (uint32_t)world_below(&w, 60) + (uint32_t)y / 8 * 0x0100U);
        }
    }
    fill(rgb, 150 + dx, 160, 150 + dx + length, 230, colour);
    fill(rgb, 160 + dx, 230, 175 + dx, 290, colour);
    fill(rgb, 130 + dx + length, 230, 145 + dx + length, 290, colour);
    fill(rgb, 130 + dx + length, 120, 180 + dx + length, 180, colour);
    assert_ok(glimpse_image_create(&image, rgb, WIDTH, HEIGHT));
    return image;
}

/* Frees `image`. */
static glimpse_store_likeness like(glimpse_image *image) {
    glimpse_store_likeness l = {.width = WIDTH, .height = HEIGHT, .has_signature = 1};
    glimpse_signature_make(&l.signature, image);
    glimpse_image_free(image);
    return l;
}

/* Smaller, darker, and of less contrast. */
static glimpse_image *edited(glimpse_image *image) {
    glimpse_image *small = NULL, *out = NULL;
    assert_ok(glimpse_image_resize(&small, image, 200, 150, GLIMPSE_RESAMPLE_BILINEAR));
    uint8_t *rgb = malloc(200 * 150 * 3);
    assert_non_null(rgb);
    for (size_t i = 0; i < 200 * 150 * 3; i++)
        rgb[i] = (uint8_t)(glimpse_image_pixels(small)[i] * 4 / 5 + 10);
    assert_ok(glimpse_image_create(&out, rgb, 200, 150));
    free(rgb);
    glimpse_image_free(small);
    glimpse_image_free(image);
    return out;
}

static void set_taken(glimpse_store_likeness *l, const char *taken, const char *camera) {
    (void)snprintf(l->taken, sizeof l->taken, "%s", taken);
    (void)snprintf(l->camera, sizeof l->camera, "%s", camera);
}

static void the_same_picture_scaled_and_toned_is_near(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        const glimpse_store_likeness slides[] = {like(slide((uint64_t)i)),
                                                 like(edited(slide((uint64_t)i)))};
        const glimpse_store_likeness dogs[] = {like(animal(0x906030, 120 + 10 * i, 0)),
                                               like(edited(animal(0x906030, 120 + 10 * i, 0)))};
        assert_true(glimpse_is_near(&slides[0], &slides[1], 0.95));
        assert_true(glimpse_is_near(&dogs[0], &dogs[1], 0.95));
        assert_true(glimpse_is_near(&dogs[1], &dogs[0], 0.95));
        /* The model says that they are not. */
        assert_false(glimpse_is_near(&dogs[0], &dogs[1], 0.8));
        assert_false(glimpse_is_near(&dogs[0], &dogs[1], NAN));
    }
}

static void slides_of_one_template_and_animals_on_one_ground_are_not_near(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        const glimpse_store_likeness one = like(slide(i));
        for (uint64_t k = i + 1; k < 12; k++) {
            const glimpse_store_likeness other = like(slide(k));
            assert_false(glimpse_is_near(&one, &other, 0.999));
        }
    }
    const glimpse_store_likeness dogs[] = {
        like(animal(0x906030, 150, 0)), like(animal(0x202020, 150, 0)),
        like(animal(0x906030, 110, 0)), like(animal(0xe0d0c0, 150, 0)),
        like(animal(0x906030, 150, 60))};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < i; k++)
            assert_false(glimpse_is_near(&dogs[i], &dogs[k], 0.999));
    }
}

static void a_burst_is_near_and_what_is_later_or_of_another_camera_is_not(void **state) {
    (void)state;
    glimpse_store_likeness first = like(animal(0x906030, 150, 0)),
                           next = like(animal(0x906030, 150, 20)), slides = like(slide(1));
    set_taken(&first, "2021-12-31T23:59:58", "Canon EOS 5D");
    set_taken(&next, "2022-01-01T00:00:01", "Canon EOS 5D");
    set_taken(&slides, "2022-01-01T00:00:01", "Canon EOS 5D");
    assert_true(glimpse_is_near(&first, &next, 0.92));
    assert_false(glimpse_is_near(&first, &next, 0.85));
    assert_false(glimpse_is_near(&slides, &next, 0.99));
    set_taken(&next, "2022-01-01T00:00:02", "Canon EOS 5D");
    assert_false(glimpse_is_near(&first, &next, 0.99));
    set_taken(&next, "2022-01-01T00:00:01", "Canon EOS R");
    assert_false(glimpse_is_near(&first, &next, 0.99));
    set_taken(&next, "2022-01-01T00:00:01", "");
    set_taken(&first, "2021-12-31T23:59:58", "");
    assert_false(glimpse_is_near(&first, &next, 0.99));
}

static void without_signatures_only_equal_embeddings_are_near(void **state) {
    (void)state;
    glimpse_store_likeness a = {.width = 640, .height = 480}, b = {.width = 320, .height = 240};
    assert_true(glimpse_is_near(&a, &b, 0.999999));
    assert_false(glimpse_is_near(&a, &b, 0.9999));
    b.height = 320;
    assert_false(glimpse_is_near(&a, &b, 1.0));
}

/*
 * A library of clusters whose members are near some of the others: from step to step a cell
 * becomes brighter, by less than what is near, and by more over two of them.
 */
typedef struct sequence {
    float centre[WORLD_DIM];
    glimpse_signature signature;
} sequence;

static size_t add_member(world *w, const sequence *s, int step, const char *directory) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    float vector[WORLD_DIM], noise[WORLD_DIM];
    char name[64];
    world_vector(w, noise);
    for (size_t d = 0; d < WORLD_DIM; d++) /* now and then too far apart */
        vector[d] = s->centre[d] + noise[d] * (world_below(w, 10) ? 0.1F : 0.6F);
    const size_t content = world_add_content(w, vector, "");
    glimpse_signature signature = s->signature;
    signature.luma[7] = (uint8_t)(100 + 11 * step);
    if (world_below(w, 8)) {
        assert_ok(catalog->ops->signatures.write(catalog, w->contents[content].id, &signature));
    }
    (void)snprintf(name, sizeof name, "%s/%zu.jpg", directory, w->file_count);
    (void)world_add_file(w, name, content, 0, 0);
    return content;
}

static void make_sequence(world *w, sequence *s) {
    world_vector(w, s->centre);
    for (size_t i = 0; i < sizeof s->signature; i++)
        ((uint8_t *)&s->signature)[i] = (uint8_t)(40 + world_below(w, 170));
}

static sequence *populate(world *w, size_t sequences) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    sequence *all = calloc(sequences, sizeof *all);
    assert_non_null(all);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = 0; i < sequences; i++) {
        make_sequence(w, &all[i]);
        for (int n = 0; n < 1 + (int)(i % 7); n++)
            (void)add_member(w, &all[i], (int)world_below(w, STEPS), "some");
    }
    assert_ok(catalog->ops->commit(catalog));
    return all;
}

static glimpse_results *search(world *w, const float *query, const glimpse_search_options *options,
                               const glimpse_search_page *page) {
    glimpse_results *results = NULL;
    assert_ok(glimpse_library_search_page_key(&results, w->library, &w->key, query, options, page));
    return results;
}

static const world_content *content_of(const world *w, const char *id) {
    char hex[GLIMPSE_HASH_HEX];
    for (size_t i = 0; i < w->content_count; i++) {
        glimpse_hash_to_hex(&w->contents[i].hash, hex);
        if (strcmp(hex, id) == 0) return &w->contents[i];
    }
    fail_msg("%s is no content", id);
    return NULL;
}

static double cosine(const float *a, const float *b) {
    double product = 0, of_a = 0, of_b = 0;
    for (size_t i = 0; i < WORLD_DIM; i++) {
        product += (double)a[i] * (double)b[i];
        of_a += (double)a[i] * (double)a[i];
        of_b += (double)b[i] * (double)b[i];
    }
    return product / sqrt(of_a * of_b);
}

static int are_near(const world *w, const glimpse_result *a, const glimpse_result *b) {
    glimpse_store *store = glimpse_library_store(w->library);
    glimpse_store_likeness of_a, of_b;
    const world_content *x = content_of(w, a->id), *y = content_of(w, b->id);
    assert_ok(store->ops->signatures.likeness(&of_a, store, x->id));
    assert_ok(store->ops->signatures.likeness(&of_b, store, y->id));
    return glimpse_is_near(&of_a, &of_b, cosine(x->vector, y->vector));
}

/* leaders[i]: of the i-th result of `all`, a whole ranking; itself for leaders. */
static size_t collapse_all(const world *w, const glimpse_results *all, size_t *leaders) {
    size_t count = 0;
    for (size_t i = 0; i < glimpse_results_count(all); i++) {
        leaders[i] = i;
        for (size_t k = 0; k < i && leaders[i] == i; k++) {
            if (leaders[k] != k) continue;
            if (are_near(w, glimpse_results_get(all, k), glimpse_results_get(all, i))) {
                leaders[i] = k;
            }
        }
        count += leaders[i] == i;
    }
    return count;
}

static void check_group(const glimpse_results *all, const size_t *leaders, size_t leader,
                        const glimpse_result *r) {
    const glimpse_result *expected = glimpse_results_get(all, leader);
    size_t count = 0;
    assert_string_equal(r->id, expected->id);
    assert_true(r->score == expected->score);
    for (size_t i = leader + 1; i < glimpse_results_count(all); i++) {
        if (leaders[i] != leader) continue;
        assert_true(count < r->other_count);
        assert_string_equal(r->others[count++], glimpse_results_get(all, i)->path);
    }
    assert_int_equal(r->collapsed, count);
    assert_int_equal(r->other_count, count);
}

static void results_are_those_of_collapsing_the_whole_ranking(void **state) {
    (void)state;
    world w;
    size_t joined = 0;
    world_open(&w, 21);
    sequence *sequences = populate(&w, 60);
    for (int i = 0; i < 12; i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        world_vector(&w, query);
        if (i % 2) memcpy(query, sequences[6 + 7 * (size_t)(i / 2)].centre, sizeof query);
        options.k = MAX_RESULTS;
        if (i % 3 == 2) options.min_score = 0.05;
        glimpse_results *all = search(&w, query, &options, NULL);
        size_t *leaders = calloc(glimpse_results_count(all), sizeof *leaders);
        assert_non_null(leaders);
        const size_t count = collapse_all(&w, all, leaders);
        options.collapse = 1;
        options.k = i % 4 == 3 ? MAX_RESULTS : 1 + world_below(&w, 40);
        glimpse_results *results = search(&w, query, &options, NULL);
        assert_int_equal(glimpse_results_count(results), count < options.k ? count : options.k);
        for (size_t n = 0, leader = 0; n < glimpse_results_count(results); n++, leader++) {
            while (leaders[leader] != leader)
                leader++;
            check_group(all, leaders, leader, glimpse_results_get(results, n));
            assert_int_equal(glimpse_results_get(results, n)->rank, n + 1);
            joined += glimpse_results_get(results, n)->collapsed;
        }
        glimpse_results_free(results);
        glimpse_results_free(all);
        free(leaders);
    }
    assert_true(joined > 200);
    free(sequences);
    world_close(&w);
}

static void a_crowd_of_equals_is_one_result_and_does_not_hide_what_is_behind_it(void **state) {
    (void)state;
    world w;
    float same[WORLD_DIM];
    world_open(&w, 22);
    world_vector(&w, same);
    glimpse_store *catalog = glimpse_library_store(w.library);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = 0; i < 1800; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "many/%zu.jpg", i);
        world_add_file(&w, name, world_add_content(&w, i % 60 ? same : NULL, ""), 0, 0);
    }
    assert_ok(catalog->ops->commit(catalog));
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 6;
    options.collapse = 1;
    glimpse_results *results = search(&w, same, &options, NULL);
    assert_int_equal(glimpse_results_count(results), 6);
    assert_int_equal(glimpse_results_get(results, 0)->collapsed, 1800 - 30 - 1);
    assert_int_equal(glimpse_results_get(results, 0)->other_count, GLIMPSE_OTHERS_MAX);
    for (size_t i = 1; i < 6; i++)
        assert_int_equal(glimpse_results_get(results, i)->collapsed, 0);
    glimpse_results_free(results);
    options.collapse = 0;
    results = search(&w, same, &options, NULL);
    assert_int_equal(glimpse_results_get(results, 5)->rank, 6);
    assert_null(glimpse_results_get(results, 0)->others);
    glimpse_results_free(results);
    world_close(&w);
}

/*
 * Pages.
 */
typedef struct seen {
    const char *result[MAX_RESULTS]; /* ids shown, */
    size_t result_count;
    char (*others)[1024]; /* and paths of others */
    size_t other_count;
} seen;

static void lose_some(world *w, size_t limit) {
    size_t lost[4], count = 0;
    for (size_t i = world_below(w, limit); i > 0; i--) {
        const size_t file = world_below(w, w->file_count);
        if (!w->files[file].missing) lost[count++] = file;
    }
    if (count > 0) world_lose_files(w, lost, count);
}

static void add_some(world *w, const sequence *sequences, size_t count) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = world_below(w, 4); i > 0; i--) {
        (void)add_member(w, &sequences[world_below(w, count)], (int)world_below(w, STEPS), "new");
    }
    assert_ok(catalog->ops->commit(catalog));
}

static int was_shown(const seen *s, const glimpse_result *r) {
    for (size_t i = 0; i < s->result_count; i++)
        if (strcmp(s->result[i], r->id) == 0) return 1;
    return 0;
}

static int was_other(const seen *s, const char *path) {
    for (size_t i = 0; i < s->other_count; i++)
        if (strcmp(s->others[i], path) == 0) return 1;
    return 0;
}

static int is_missing(const world *w, const char *path) {
    for (size_t i = 0; i < w->file_count; i++)
        if (strcmp(w->files[i].path, path) == 0) return w->files[i].missing;
    return 1;
}

enum { SEQUENCES = 40 };

/* All pages of a query; `losing`: pictures are removed between them. */
static void read_pages(world *w, const sequence *sequences, const float *query, int losing) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    seen s = {.others = calloc(MAX_RESULTS, sizeof *s.others)};
    const size_t old_count = w->content_count;
    assert_non_null(s.others);
    options.k = MAX_RESULTS;
    glimpse_results *all = search(w, query, &options, NULL);
    options.collapse = 1;
    glimpse_results *whole = search(w, query, &options, NULL), *kept[MAX_RESULTS];
    size_t pages = 0;
    for (glimpse_search_page place, *page = NULL;; pages++) {
        options.k = 1 + world_below(w, 9);
        glimpse_results *results = kept[pages] = search(w, query, &options, page);
        for (size_t i = 0; i < glimpse_results_count(results); i++) {
            const glimpse_result *r = glimpse_results_get(results, i);
            assert_false(was_shown(&s, r));
            assert_true((size_t)(content_of(w, r->id) - w->contents) < old_count);
            if (!losing) {
                const glimpse_result *e = glimpse_results_get(whole, s.result_count);
                assert_string_equal(r->id, e->id);
                assert_int_equal(r->collapsed, e->collapsed);
                assert_false(was_other(&s, r->path));
            }
            s.result[s.result_count++] = r->id;
            assert_int_equal(r->rank, s.result_count);
            for (size_t n = 0; n < r->other_count; n++)
                (void)snprintf(s.others[s.other_count++], sizeof *s.others, "%s", r->others[n]);
        }
        const glimpse_search_page *next = glimpse_results_next_page(results);
        if (!next) break;
        place = *next;
        page = &place;
        add_some(w, sequences, SEQUENCES);
        if (losing) lose_some(w, 4);
    }
    for (size_t i = 0; i < glimpse_results_count(all); i++) {
        const glimpse_result *r = glimpse_results_get(all, i);
        if (was_shown(&s, r) || was_other(&s, r->path) || is_missing(w, r->path)) continue;
        fail_msg("%s was on no page", r->path);
    }
    for (size_t i = 0; i <= pages; i++)
        glimpse_results_free(kept[i]);
    glimpse_results_free(whole);
    glimpse_results_free(all);
    free(s.others);
}

static void pages_are_one_collapsed_list_whatever_is_added_in_between(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    world_open(&w, 23);
    sequence *sequences = populate(&w, SEQUENCES);
    for (int i = 0; i < 6; i++) {
        world_vector(&w, query);
        read_pages(&w, sequences, query, 0);
    }
    free(sequences);
    world_close(&w);
}

static void what_is_removed_between_pages_makes_them_repeat_and_leave_out_nothing(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        world w;
        float query[WORLD_DIM];
        world_open(&w, 24 + i);
        sequence *sequences = populate(&w, SEQUENCES);
        for (int n = 0; n < 3; n++) {
            world_vector(&w, query);
            read_pages(&w, sequences, query, 1);
        }
        free(sequences);
        world_close(&w);
    }
}

/* `score`: about the cosine to `query`. */
static size_t add_at(world *w, const float *query, double score,
                     const glimpse_signature *signature) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    float vector[WORLD_DIM];
    char name[64];
    const double across = sqrt(1 - score * score);
    double square = 0;
    for (size_t d = 0; d < WORLD_DIM; d++)
        square += (double)query[d] * (double)query[d];
    for (size_t d = 0; d < WORLD_DIM; d++) /* swapped pairs are orthogonal */
        vector[d] = (float)((score * query[d] + across * (d % 2 ? query[d - 1] : -query[d + 1])) /
                            sqrt(square));
    const size_t content = world_add_content(w, vector, "");
    assert_ok(catalog->ops->signatures.write(catalog, w->contents[content].id, signature));
    (void)snprintf(name, sizeof name, "at/%zu.jpg", w->file_count);
    return world_add_file(w, name, content, 0, 0);
}

static void what_only_a_member_of_a_removed_result_was_near_is_not_lost(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    sequence s, unlike;
    world_open(&w, 41);
    make_sequence(&w, &s);
    make_sequence(&w, &unlike);
    world_vector(&w, query);
    glimpse_store *catalog = glimpse_library_store(w.library);
    assert_ok(catalog->ops->begin(catalog));
    s.signature.luma[7] = 100;
    const size_t leader = add_at(&w, query, 0.99, &s.signature);
    s.signature.luma[7] = 112;
    const size_t member = add_at(&w, query, 0.98, &s.signature);
    (void)add_at(&w, query, 0.97, &unlike.signature);
    s.signature.luma[7] = 124; /* near the member, not the leader */
    const size_t last = add_at(&w, query, 0.96, &s.signature);
    assert_ok(catalog->ops->commit(catalog));
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 2;
    options.collapse = 1;
    glimpse_results *first = search(&w, query, &options, NULL);
    assert_string_equal(glimpse_results_get(first, 0)->path, w.files[leader].path);
    assert_int_equal(glimpse_results_get(first, 0)->collapsed, 1);
    assert_string_equal(glimpse_results_get(first, 0)->others[0], w.files[member].path);
    assert_non_null(glimpse_results_next_page(first));
    for (int removed = 0; removed < 2; removed++) {
        if (removed) world_lose_files(&w, &leader, 1);
        glimpse_results *next = search(&w, query, &options, glimpse_results_next_page(first));
        assert_int_equal(glimpse_results_count(next), 1);
        assert_string_equal(glimpse_results_get(next, 0)->path, w.files[last].path);
        assert_int_equal(glimpse_results_get(next, 0)->rank, 3);
        glimpse_results_free(next);
    }
    glimpse_results_free(first);
    world_close(&w);
}

/*
 * Diverse orders.
 */
static double scale(double value, double low, double high) {
    return high > low ? (value - low) / (high - low) : 0.0;
}

/* By the formula, from `list`. */
static void plain_mmr(const world *w, const glimpse_results *list, double lambda, size_t *order,
                      size_t wanted) {
    const size_t count = glimpse_results_count(list);
    double low = 2, high = -2;
    int *taken = calloc(count, sizeof *taken);
    assert_non_null(taken);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            const double c = cosine(content_of(w, glimpse_results_get(list, i)->id)->vector,
                                    content_of(w, glimpse_results_get(list, k)->id)->vector);
            low = fmin(low, c), high = fmax(high, c);
        }
    }
    const double best = glimpse_results_get(list, 0)->score,
                 worst = glimpse_results_get(list, count - 1)->score;
    for (size_t n = 0; n < wanted; n++) {
        double max = -3;
        for (size_t i = 0; i < count; i++) {
            double likest = 0;
            if (taken[i]) continue;
            const glimpse_result *r = glimpse_results_get(list, i);
            for (size_t k = 0; k < n; k++) {
                const char *before = glimpse_results_get(list, order[k])->id;
                likest =
                    fmax(likest,
                         scale(cosine(content_of(w, r->id)->vector, content_of(w, before)->vector),
                               low, high));
            }
            const double value = lambda * scale(r->score, worst, best) - (1 - lambda) * likest;
            if (value > max) max = value, order[n] = i;
        }
        taken[order[n]] = 1;
    }
    free(taken);
}

static void a_diverse_order_is_that_of_the_formula_over_the_best(void **state) {
    (void)state;
    world w;
    world_open(&w, 31);
    sequence *sequences = populate(&w, 40);
    for (int i = 0; i < 6; i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        size_t order[12];
        memcpy(query, sequences[3 * (size_t)i].centre, sizeof query);
        options.collapse = i % 2;
        options.k = GLIMPSE_DIVERSE_DEPTH;
        options.min_score = 0.05; /* fewer than that: all of them are candidates */
        glimpse_results *list = search(&w, query, &options, NULL);
        assert_true(glimpse_results_count(list) >= 12);
        assert_true(glimpse_results_count(list) < GLIMPSE_DIVERSE_DEPTH);
        options.diverse = 1;
        options.diverse_lambda = 0.2 * i;
        options.k = 12;
        plain_mmr(&w, list, options.diverse_lambda, order, 12);
        glimpse_results *results = search(&w, query, &options, NULL);
        assert_int_equal(glimpse_results_count(results), 12);
        assert_null(glimpse_results_next_page(results));
        for (size_t n = 0; n < 12; n++) {
            const glimpse_result *r = glimpse_results_get(results, n);
            const glimpse_result *e = glimpse_results_get(list, order[n]);
            assert_string_equal(r->id, e->id);
            assert_int_equal(r->rank, n + 1);
            assert_int_equal(r->collapsed, e->collapsed);
        }
        glimpse_results_free(results);
        glimpse_results_free(list);
    }
    free(sequences);
    world_close(&w);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    glimpse_results *results = NULL;
    const glimpse_search_page page = {.shown = 1};
    world_open(&w, 32);
    world_vector(&w, query);
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.diverse = 1;
    assert_int_equal(
        glimpse_library_search_page_key(&results, w.library, &w.key, query, &options, &page),
        GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "no pages"));
    options.diverse_lambda = 1.5;
    assert_int_equal(glimpse_search_options_check(&options), GLIMPSE_E_INVALID);
    options.diverse_lambda = 0.5;
    options.k = GLIMPSE_DIVERSE_MAX + 1;
    assert_int_equal(glimpse_search_options_check(&options), GLIMPSE_E_INVALID);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_picture_scaled_and_toned_is_near),
        cmocka_unit_test(slides_of_one_template_and_animals_on_one_ground_are_not_near),
        cmocka_unit_test(a_burst_is_near_and_what_is_later_or_of_another_camera_is_not),
        cmocka_unit_test(without_signatures_only_equal_embeddings_are_near),
        cmocka_unit_test(results_are_those_of_collapsing_the_whole_ranking),
        cmocka_unit_test(a_crowd_of_equals_is_one_result_and_does_not_hide_what_is_behind_it),
        cmocka_unit_test(pages_are_one_collapsed_list_whatever_is_added_in_between),
        cmocka_unit_test(what_is_removed_between_pages_makes_them_repeat_and_leave_out_nothing),
        cmocka_unit_test(what_only_a_member_of_a_removed_result_was_near_is_not_lost),
        cmocka_unit_test(a_diverse_order_is_that_of_the_formula_over_the_best),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

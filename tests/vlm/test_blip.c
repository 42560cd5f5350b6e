/*
 * BLIP: one answer per question, whatever the batch, the cache and the backend; and what cannot be
 * honoured is refused.
 */
#include "support/test.h"

#include "math/init.h"
#include "support/random_blip.h"
#include "vlm/blip/blip_internal.h"

#include <math.h>
#include <pthread.h>

enum { PICTURES = 5, SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_COUNT = 40 };

/* The first member of a glimpse_blip_limits that is written out. */
enum { LIMITS = sizeof(glimpse_blip_limits) };

static char *directory;

typedef struct blip {
    glimpse_blip *model;
    glimpse_blip_worker *worker;
    glimpse_blip_image *images[PICTURES];
} blip;

static const glimpse_blip_image *const *all(const blip *b) {
    return (const glimpse_blip_image *const *)b->images;
}

static const char *directory_of(const char *name) {
    return path_in(directory, name);
}

/* Overwrites the number `back` from the end of the weights (f32), which end with the bias of the
 * last layer. */
static void set_number(const char *name, long back, float value) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", name);
    FILE *file = fopen(directory_of(path), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -4 * back, SEEK_END), 0);
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

enum { VOCABULARY = 100, SEP = 3, DEC = 98 };

static int make_models(void **unused) {
    (void)unused;
    directory = make_temp_directory();
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_blip_write(&m, directory_of("match")));
    m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, directory_of("caption")));
    m = random_blip_tiny(GLIMPSE_BLIP_ANSWER);
    assert_true(random_blip_write(&m, directory_of("answer")));
    /* So that some sequences end before they must. */
    set_number("caption", VOCABULARY - SEP, 2.5f);
    set_number("answer", VOCABULARY - SEP, 2.5f);
    return 0;
}

static int remove_models(void **unused) {
    (void)unused;
    remove_tree(directory);
    free(directory);
    return 0;
}

static const float *pixels_of(size_t picture) {
    static float pixels[PIXELS];
    uint32_t state = (uint32_t)picture + 1;
    for (size_t i = 0; i < PIXELS; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    return pixels;
}

static void open_blip(blip *b, const char *name, glimpse_backend backend,
                      glimpse_precision precision, const glimpse_blip_limits *limits) {
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    options.precision = precision;
    options.backend = backend;
    memset(b, 0, sizeof *b);
    assert_ok(glimpse_blip_open(&b->model, directory_of(name), &options));
    assert_ok(glimpse_blip_worker_create(&b->worker, b->model, limits));
    for (size_t i = 0; i < PICTURES; i++)
        assert_ok(glimpse_blip_image_from_pixels(&b->images[i], b->worker, pixels_of(i)));
}

static void open_usual(blip *b, const char *name) {
    open_blip(b, name, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, NULL);
}

static void close_blip(blip *b) {
    for (size_t i = 0; i < PICTURES; i++)
        glimpse_blip_image_free(b->images[i]);
    glimpse_blip_worker_free(b->worker);
    glimpse_blip_close(b->model);
}

static const char *const words[] = {"a red square", "", "how many dogs",
                                    "what what what what what what what what what", "blue"};
enum { WORDS = sizeof words / sizeof words[0] };

static glimpse_blip_text encode(const blip *b, glimpse_blip_role role, const char *text,
                                int32_t *ids) {
    glimpse_tokens tokens = {ids, MAX_COUNT, 0, 0};
    assert_ok(glimpse_blip_encode(&tokens, b->model, role, text, strlen(text)));
    return (glimpse_blip_text){ids, tokens.count};
}

static void encode_all(const blip *b, glimpse_blip_role role, int32_t ids[WORDS][MAX_COUNT],
                       glimpse_blip_text *texts) {
    for (size_t i = 0; i < WORDS; i++)
        texts[i] = encode(b, role, words[i], ids[i]);
}

static void the_kind_is_told_from_the_configuration_or_the_tensors(void **unused) {
    (void)unused;
    for (int kind = GLIMPSE_BLIP_MATCH; kind <= GLIMPSE_BLIP_ANSWER; kind++) {
        for (int unnamed = 0; unnamed < 2; unnamed++) {
            random_blip m = random_blip_tiny((glimpse_blip_kind)kind);
            m.unnamed = unnamed;
            assert_true(random_blip_write(&m, directory_of("kind")));
            glimpse_blip *model = NULL;
            assert_int_equal(glimpse_blip_is_model(directory_of("kind")), 1);
            assert_ok(glimpse_blip_open(&model, directory_of("kind"), NULL));
            assert_int_equal(glimpse_blip_kind_of(model), kind);
            assert_string_equal(glimpse_blip_name(model), "kind");
            assert_int_equal(glimpse_blip_joint_width(model),
                             kind == GLIMPSE_BLIP_MATCH ? m.joint : 0);
            glimpse_blip_close(model);
            remove_tree(directory_of("kind"));
        }
    }
    assert_int_equal(glimpse_blip_is_model(directory), 0);
}

static void matching_does_not_depend_on_the_batch(void **unused) {
    (void)unused;
    float pairs[PICTURES * WORDS * 2], other[PICTURES * WORDS * 2];
    int32_t ids[WORDS][MAX_COUNT];
    glimpse_blip_text texts[WORDS];
    static const glimpse_blip_limits limits[] = {
        {LIMITS, 1, 1, 1, 0}, {LIMITS, 1, 3, 1, 0}, {LIMITS, 3, 2, 1, 0}, {LIMITS, 5, 100, 1, 0}};
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        blip b;
        open_blip(&b, "match", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, &limits[l]);
        encode_all(&b, GLIMPSE_BLIP_TEXT_CLS, ids, texts);
        float *to = l == 0 ? pairs : other;
        assert_ok(glimpse_blip_match(to, b.worker, all(&b), PICTURES, texts, WORDS));
        for (size_t i = 0; i < PICTURES * WORDS * 2; i++)
            assert_float_equal(to[i], pairs[i], 1e-5);
        /* Many pictures against one text, in another order, and pictures that repeat. */
        const glimpse_blip_image *oriented[7];
        for (size_t i = 0; i < 7; i++)
            oriented[i] = b.images[(7 - i) % PICTURES];
        float column[14];
        assert_ok(glimpse_blip_match(column, b.worker, oriented, 7, &texts[2], 1));
        for (size_t i = 0; i < 7; i++) {
            const float *same = pairs + (((7 - i) % PICTURES) * WORDS + 2) * 2;
            assert_float_equal(column[2 * i], same[0], 1e-5);
            assert_float_equal(column[2 * i + 1], same[1], 1e-5);
        }
        close_blip(&b);
    }
    /* Pictures and texts matter. */
    assert_true(fabsf(pairs[0] - pairs[2]) > 1e-3f);
    assert_true(fabsf(pairs[0] - pairs[2 * WORDS]) > 1e-3f);
}

static void features_have_unit_length_and_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    blip b;
    int32_t ids[WORDS][MAX_COUNT];
    glimpse_blip_text texts[WORDS];
    float together[WORDS * 24], alone[24];
    open_usual(&b, "match");
    encode_all(&b, GLIMPSE_BLIP_TEXT_CLS, ids, texts);
    assert_ok(glimpse_blip_text_features(together, b.worker, texts, WORDS));
    for (size_t i = 0; i < WORDS; i++) {
        double length = 0;
        assert_ok(glimpse_blip_text_features(alone, b.worker, &texts[i], 1));
        for (size_t j = 0; j < 24; j++) {
            assert_float_equal(alone[j], together[i * 24 + j], 1e-5);
            length += (double)alone[j] * (double)alone[j];
        }
        assert_true(fabs(length - 1) < 1e-5);
    }
    close_blip(&b);
}

/*
 * Generating.
 */
static glimpse_blip_generation settings(const blip *b, size_t beams, size_t max, size_t min) {
    glimpse_blip_generation g = GLIMPSE_BLIP_GENERATION_INIT;
    assert_ok(glimpse_blip_generation_defaults(&g, b->model));
    g.beams = beams;
    g.max_length = max;
    g.min_length = min;
    return g;
}

static void expect_same(const glimpse_blip_result *a, const glimpse_blip_result *b,
                        double tolerance) {
    assert_int_equal(glimpse_blip_result_count(a), glimpse_blip_result_count(b));
    for (size_t i = 0; i < glimpse_blip_result_count(a); i++) {
        const glimpse_blip_sequence *x = glimpse_blip_result_get(a, i);
        const glimpse_blip_sequence *y = glimpse_blip_result_get(b, i);
        assert_int_equal(x->count, y->count);
        assert_memory_equal(x->ids, y->ids, x->count * sizeof *x->ids);
        assert_string_equal(x->text, y->text);
        assert_true(fabs(x->sum - y->sum) < tolerance);
        assert_true(fabs(x->score - y->score) < tolerance);
    }
}

static void free_results(glimpse_blip_result **results, size_t count) {
    for (size_t i = 0; i < count; i++)
        glimpse_blip_result_free(results[i]);
}

/* Every picture, or every picture with its question. */
static void generate(const blip *b, const glimpse_blip_generation *how, size_t count,
                     glimpse_blip_result **results) {
    int32_t ids[WORDS][MAX_COUNT], prompt_ids[MAX_COUNT];
    glimpse_blip_text questions[WORDS];
    if (glimpse_blip_kind_of(b->model) == GLIMPSE_BLIP_CAPTION) {
        glimpse_blip_text prompt = encode(b, GLIMPSE_BLIP_TEXT_PROMPT, "a red", prompt_ids);
        assert_int_equal(prompt.count, 3);
        assert_ok(glimpse_blip_caption(results, b->worker, all(b), count, &prompt, how));
    } else {
        encode_all(b, GLIMPSE_BLIP_TEXT_ENC, ids, questions);
        assert_ok(glimpse_blip_answer(results, b->worker, all(b), questions, count, how));
    }
}

static const struct modes {
    size_t beams, max, min;
    int sample;
} modes[] = {{1, 20, 0, 0}, {1, 12, 12, 0}, {2, 15, 0, 0},
             {3, 20, 8, 0}, {8, 9, 0, 0},   {1, 20, 0, 1}};
enum { MODES = sizeof modes / sizeof modes[0] };

static glimpse_blip_generation mode(const blip *b, size_t i) {
    glimpse_blip_generation g = settings(b, modes[i].beams, modes[i].max, modes[i].min);
    g.sample = modes[i].sample;
    g.seed = 11;
    g.temperature = 1.3;
    g.top_p = 0.95;
    return g;
}

static void check_batches(const char *name, glimpse_backend backend, unsigned flags) {
    static const glimpse_blip_limits limits[] = {
        {LIMITS, 1, 4, 8, 0}, {LIMITS, 2, 4, 8, 20}, {LIMITS, 5, 1, 8, 0}};
    /* oneDNN compiles code for every layer of every worker: one of those is enough. */
    size_t workers = backend == GLIMPSE_BACKEND_ONEDNN ? 2 : 3;
    blip b[3];
    for (size_t l = 0; l < workers; l++) {
        open_blip(&b[l], name, l == 0 ? GLIMPSE_BACKEND_OPENBLAS : backend, GLIMPSE_PRECISION_F32,
                  &limits[l]);
    }
    for (size_t i = 0; i < MODES; i++) {
        glimpse_blip_result *first[PICTURES] = {NULL}, *other[PICTURES] = {NULL};
        glimpse_blip_generation how = mode(&b[0], i);
        generate(&b[0], &how, PICTURES, first);
        how.flags = flags;
        for (size_t l = 1; l < workers; l++) {
            generate(&b[l], &how, PICTURES, other);
            for (size_t p = 0; p < PICTURES; p++)
                expect_same(first[p], other[p], 1e-3);
            free_results(other, PICTURES);
        }
        free_results(first, PICTURES);
    }
    for (size_t l = 0; l < workers; l++)
        close_blip(&b[l]);
}

static void generation_does_not_depend_on_the_batch(void **unused) {
    (void)unused;
    check_batches("caption", GLIMPSE_BACKEND_OPENBLAS, 0);
    check_batches("answer", GLIMPSE_BACKEND_OPENBLAS, 0);
}

static void the_cache_changes_nothing(void **unused) {
    (void)unused;
    check_batches("caption", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_BLIP_NO_CACHE);
    check_batches("answer", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_BLIP_NO_CACHE);
}

static void plain_loops_generate_the_same(void **unused) {
    (void)unused;
    check_batches("caption", GLIMPSE_BACKEND_PLAIN, 0);
}

static void onednn_generates_the_same(void **unused) {
    (void)unused;
    glimpse_math math;
    if (glimpse_math_init(&math, GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_F32) < 0) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        skip();
    }
    check_batches("caption", GLIMPSE_BACKEND_ONEDNN, 0);
}

static void lengths_and_scores_are_what_they_say(void **unused) {
    (void)unused;
    blip b;
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.beams = 8;
    open_blip(&b, "caption", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, &limits);
    for (size_t i = 0; i < MODES; i++) {
        glimpse_blip_generation how = mode(&b, i);
        how.length_penalty = i % 2 ? 1.0 : 0.5;
        glimpse_blip_result *results[PICTURES];
        generate(&b, &how, PICTURES, results);
        for (size_t p = 0; p < PICTURES; p++) {
            assert_int_equal(glimpse_blip_result_count(results[p]), how.beams);
            assert_null(glimpse_blip_result_get(results[p], how.beams));
            double last = INFINITY;
            for (size_t r = 0; r < how.beams; r++) {
                const glimpse_blip_sequence *s = glimpse_blip_result_get(results[p], r);
                glimpse_blip_text text = {s->ids, s->count};
                double whole, given = 0;
                assert_int_equal(s->prompt, 3);
                assert_true(s->count <= how.max_length);
                int ended = s->ids[s->count - 1] == SEP;
                assert_true(ended || s->count == how.max_length);
                /* [SEP] may follow as soon as the sequence is min_length long. */
                if (ended) assert_true(s->count > how.min_length);
                assert_ok(glimpse_blip_rate(&whole, b.worker, b.images[p], NULL, &text, 1));
                text.count = s->prompt;
                assert_ok(glimpse_blip_rate(&given, b.worker, b.images[p], NULL, &text, 1));
                assert_true(fabs(s->sum - (whole - given)) < 1e-4);
                double tokens = (double)(s->count - s->prompt);
                assert_true(fabs(s->score - s->sum / pow(tokens, how.length_penalty)) < 1e-9);
                assert_true(s->score <= last);
                last = s->score;
            }
        }
        free_results(results, PICTURES);
    }
    close_blip(&b);
}

/* Beam search by its definition, over whole sequences, without caches, batches or shared code. */
typedef struct hypothesis {
    int32_t ids[MAX_COUNT];
    size_t count;
    double sum, score;
} hypothesis;

static int by_sum(const void *a, const void *b) {
    double x = ((const hypothesis *)a)->sum, y = ((const hypothesis *)b)->sum;
    return (x < y) - (x > y);
}

static int by_score(const void *a, const void *b) {
    double x = ((const hypothesis *)a)->score, y = ((const hypothesis *)b)->score;
    return (x < y) - (x > y);
}

/* `ends`: how far down a [SEP] still finishes a sequence, which by definition is `beams`. */
static size_t search_plainly(const blip *b, size_t picture, size_t beams, size_t max, size_t min,
                             size_t ends, hypothesis *done) {
    enum { N = VOCABULARY };
    static hypothesis next[8 * N], live[8];
    static float logits[MAX_COUNT * N];
    size_t live_count = 1, done_count = 0;
    live[0] = (hypothesis){.ids = {DEC}, .count = 1};
    for (size_t length = 1; length < max; length++) {
        size_t count = 0;
        for (size_t l = 0; l < live_count; l++) {
            glimpse_blip_text text = {live[l].ids, length};
            assert_ok(glimpse_blip_logits(logits, b->worker, b->images[picture], NULL, &text));
            const float *row = logits + (length - 1) * N;
            double total = 0;
            for (size_t i = 0; i < N; i++)
                total += exp((double)row[i]);
            for (int32_t i = 0; i < N; i++) {
                if (i == SEP && length < min) continue;
                next[count] = live[l];
                next[count].ids[length] = i;
                next[count].count = length + 1;
                next[count++].sum += (double)row[i] - log(total);
            }
        }
        qsort(next, count, sizeof *next, by_sum);
        live_count = 0;
        for (size_t rank = 0; rank < 2 * beams && live_count < beams; rank++) {
            next[rank].score = next[rank].sum / (double)length;
            if (next[rank].ids[length] != SEP) {
                live[live_count++] = next[rank];
            } else if (rank < ends) {
                done[done_count++] = next[rank];
                qsort(done, done_count, sizeof *done, by_score);
                if (done_count > beams) done_count = beams;
            }
        }
        if (done_count == beams && done[beams - 1].score >= next[0].sum / (double)length)
            return done_count;
    }
    for (size_t l = 0; l < live_count; l++) {
        done[done_count++] = live[l];
        qsort(done, done_count, sizeof *done, by_score);
        if (done_count > beams) done_count = beams;
    }
    return done_count;
}

static size_t ended, cut, mattered;

static void check_search(const blip *b, size_t picture, size_t beams, size_t min) {
    hypothesis expected[9], loose[9];
    size_t count = search_plainly(b, picture, beams, 10, min, beams, expected);
    size_t others = search_plainly(b, picture, beams, 10, min, 2 * beams, loose);
    glimpse_blip_generation how = settings(b, beams, 10, min);
    glimpse_blip_result *result = NULL;
    assert_ok(glimpse_blip_caption(&result, b->worker, all(b) + picture, 1, NULL, &how));
    assert_int_equal(glimpse_blip_result_count(result), count);
    for (size_t r = 0; r < count; r++) {
        const glimpse_blip_sequence *s = glimpse_blip_result_get(result, r);
        assert_int_equal(s->count, expected[r].count);
        assert_memory_equal(s->ids, expected[r].ids, s->count * sizeof *s->ids);
        assert_true(fabs(s->score - expected[r].score) < 1e-4);
        s->ids[s->count - 1] == SEP ? ended++ : cut++;
        mattered += r >= others || fabs(expected[r].score - loose[r].score) > 1e-6;
    }
    glimpse_blip_result_free(result);
}

static void beam_search_is_what_its_definition_says(void **unused) {
    (void)unused;
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.beams = 4;
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    m.sharpness = 0.3f; /* close candidates, so that the rules have something to decide */
    assert_true(random_blip_write(&m, directory_of("beams")));
    ended = cut = mattered = 0;
    for (int bias = 1; bias <= 2; bias++) {
        blip b;
        set_number("beams", VOCABULARY - SEP, (float)bias);
        open_blip(&b, "beams", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, &limits);
        for (size_t beams = 2; beams <= 4; beams++) {
            for (size_t p = 0; p < PICTURES; p++)
                check_search(&b, p, beams, p % 2 ? 5 : 0);
        }
        close_blip(&b);
    }
    /* Both ways of ending were seen, and it made a difference which [SEP] count. */
    assert_true(ended > 0 && cut > 0 && mattered > 0);
}

static void sampling_follows_its_seed(void **unused) {
    (void)unused;
    blip b;
    open_usual(&b, "caption");
    glimpse_blip_generation greedy = settings(&b, 1, 20, 0), how = greedy;
    glimpse_blip_result *results[3] = {NULL}, *likeliest = NULL;
    const glimpse_blip_image *same[3] = {b.images[0], b.images[1], b.images[0]};
    how.sample = 1;
    how.seed = 5;
    how.temperature = 1.5;
    assert_ok(glimpse_blip_caption(results, b.worker, same, 3, NULL, &how));
    expect_same(results[0], results[2], 1e-5); /* a picture's text does not depend on its place */
    size_t different = 0;
    for (how.seed = 6; how.seed < 12; how.seed++) {
        glimpse_blip_result *other = NULL;
        assert_ok(glimpse_blip_caption(&other, b.worker, same, 1, NULL, &how));
        different += strcmp(glimpse_blip_result_get(other, 0)->text,
                            glimpse_blip_result_get(results[0], 0)->text) != 0;
        glimpse_blip_result_free(other);
    }
    assert_true(different > 0);
    free_results(results, 3);
    /* Only the likeliest token is left in each of these. */
    assert_ok(glimpse_blip_caption(&likeliest, b.worker, same, 1, NULL, &greedy));
    glimpse_blip_generation narrow[3] = {how, how, how};
    narrow[0].temperature = 1e-4;
    narrow[1].top_k = 1;
    narrow[2].top_p = 1e-6;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(glimpse_blip_caption(results, b.worker, same, 1, NULL, &narrow[i]));
        expect_same(likeliest, results[0], 1e-5);
        glimpse_blip_result_free(results[0]);
    }
    glimpse_blip_result_free(likeliest);
    close_blip(&b);
}

static void tokens_are_drawn_as_often_as_they_are_likely(void **unused) {
    (void)unused;
    enum { N = 6, DRAWS = 60000 };
    static const double shares[N] = {0.05, 0.4, 0.1, 0.25, 0.15, 0.05};
    static const struct {
        size_t top_k;
        double top_p, temperature;
        int32_t forbidden;
        double expected[N]; /* in proportion */
    } cases[] = {
        {0, 1.0, 1.0, -1, {0.05, 0.4, 0.1, 0.25, 0.15, 0.05}},
        {3, 1.0, 1.0, -1, {0, 0.4, 0, 0.25, 0.15, 0}},
        {0, 0.6, 1.0, -1, {0, 0.4, 0, 0.25, 0, 0}},
        {0, 0.7, 1.0, -1, {0, 0.4, 0, 0.25, 0.15, 0}},
        {0, 1.0, 1.0, 1, {0.05, 0, 0.1, 0.25, 0.15, 0.05}},
        {2, 0.99, 0.5, -1, {0, 0.16, 0, 0.0625, 0, 0}},
    };
    float logits[N];
    glimpse_blip_choice scratch[N];
    for (size_t i = 0; i < N; i++)
        logits[i] = (float)log(shares[i]) + 7.0f;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        glimpse_blip_generation how = {
            .temperature = cases[c].temperature, .top_k = cases[c].top_k, .top_p = cases[c].top_p};
        size_t counts[N] = {0};
        uint64_t random = 42 + c;
        double total = 0;
        for (size_t i = 0; i < DRAWS; i++)
            counts[glimpse_blip_draw(logits, N, cases[c].forbidden, &how, &random, scratch)]++;
        for (size_t i = 0; i < N; i++)
            total += cases[c].expected[i];
        for (size_t i = 0; i < N; i++) {
            double share = (double)counts[i] / DRAWS, wanted = cases[c].expected[i] / total;
            if (wanted == 0) assert_int_equal(counts[i], 0);
            assert_true(fabs(share - wanted) < 0.012); /* six standard deviations */
        }
    }
}

static void likelihood_does_not_depend_on_the_batch(void **unused) {
    (void)unused;
    blip b;
    int32_t ids[WORDS][MAX_COUNT], question_ids[MAX_COUNT];
    glimpse_blip_text texts[WORDS];
    double together[WORDS], alone;
    open_usual(&b, "answer");
    glimpse_blip_text question = encode(&b, GLIMPSE_BLIP_TEXT_CLS, "how many", question_ids);
    encode_all(&b, GLIMPSE_BLIP_TEXT_OUTPUT, ids, texts);
    assert_ok(glimpse_blip_rate(together, b.worker, b.images[2], &question, texts, WORDS));
    for (size_t i = 0; i < WORDS; i++) {
        assert_ok(glimpse_blip_rate(&alone, b.worker, b.images[2], &question, &texts[i], 1));
        assert_true(fabs(alone - together[i]) < 1e-4);
    }
    close_blip(&b);
}

/*
 * Precisions, layouts.
 */
static void bf16_is_close(void **unused) {
    (void)unused;
    blip exact, rounded;
    open_usual(&exact, "match");
    open_blip(&rounded, "match", GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_BF16, NULL);
    assert_int_equal(glimpse_blip_precision(rounded.model), GLIMPSE_PRECISION_BF16);
    for (size_t p = 0; p < PICTURES; p++) {
        const float *x = glimpse_blip_image_states(exact.images[p]);
        const float *y = glimpse_blip_image_states(rounded.images[p]);
        double dot = 0, xx = 0, yy = 0;
        for (size_t i = 0; i < 17 * 48; i++) {
            dot += (double)x[i] * (double)y[i];
            xx += (double)x[i] * (double)x[i], yy += (double)y[i] * (double)y[i];
        }
        assert_true(dot / sqrt(xx * yy) > 0.999);
    }
    int32_t ids[WORDS][MAX_COUNT];
    glimpse_blip_text texts[WORDS];
    float a[PICTURES * WORDS * 2], c[PICTURES * WORDS * 2];
    encode_all(&exact, GLIMPSE_BLIP_TEXT_CLS, ids, texts);
    assert_ok(glimpse_blip_match(a, exact.worker, all(&exact), PICTURES, texts, WORDS));
    assert_ok(glimpse_blip_match(c, rounded.worker, all(&rounded), PICTURES, texts, WORDS));
    for (size_t i = 0; i < PICTURES * WORDS * 2; i++)
        assert_float_equal(a[i], c[i], 0.05);
    close_blip(&exact);
    close_blip(&rounded);
}

static void shards_halves_and_tied_weights_are_read(void **unused) {
    (void)unused;
    blip one, other;
    glimpse_blip_result *a[PICTURES], *c[PICTURES];
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    m.tied = 1;
    assert_true(random_blip_write(&m, directory_of("tied")));
    m.shards = 3;
    assert_true(random_blip_write(&m, directory_of("shards")));
    open_usual(&one, "tied");
    open_usual(&other, "shards");
    glimpse_blip_generation how = settings(&one, 3, 16, 0);
    generate(&one, &how, PICTURES, a);
    generate(&other, &how, PICTURES, c);
    /* The writer draws shard by shard, so these are other numbers: only the shape is the same. */
    assert_int_equal(glimpse_blip_result_count(a[0]), glimpse_blip_result_count(c[0]));
    free_results(a, PICTURES);
    free_results(c, PICTURES);
    close_blip(&one);
    close_blip(&other);
    static const char *const types[] = {"F16", "BF16"};
    for (size_t i = 0; i < 2; i++) {
        m = random_blip_tiny(GLIMPSE_BLIP_MATCH);
        m.dtype = types[i];
        assert_true(random_blip_write(&m, directory_of(types[i])));
        open_usual(&one, "match");
        open_usual(&other, types[i]);
        for (size_t j = 0; j < 24; j++) {
            assert_float_equal(glimpse_blip_image_feature(one.images[0])[j],
                               glimpse_blip_image_feature(other.images[0])[j], 0.03);
        }
        close_blip(&one);
        close_blip(&other);
    }
}

static void memory_is_stated_and_grows_with_the_limits(void **unused) {
    (void)unused;
    glimpse_blip *model = NULL;
    assert_ok(glimpse_blip_open(&model, directory_of("caption"), NULL));
    size_t min = 0;
    static const glimpse_blip_limits limits[] = {
        {LIMITS, 1, 1, 1, 8}, {LIMITS, 2, 1, 1, 8}, {LIMITS, 2, 1, 4, 8}, {LIMITS, 2, 1, 4, 40}};
    for (size_t i = 0; i < 4; i++) {
        glimpse_blip_worker *worker = NULL;
        assert_ok(glimpse_blip_worker_create(&worker, model, &limits[i]));
        assert_true(glimpse_blip_worker_memory(worker) > min);
        min = glimpse_blip_worker_memory(worker);
        glimpse_blip_worker_free(worker);
    }
    assert_true(glimpse_blip_memory(model) > 100000);
    glimpse_blip_close(model);
}

static void fingerprint_of(const char *name, char hex[33]) {
    glimpse_blip *model = NULL;
    assert_ok(glimpse_blip_open(&model, directory_of(name), NULL));
    assert_ok(glimpse_blip_fingerprint(hex, model));
    assert_int_equal(strlen(hex), 32);
    glimpse_blip_close(model);
}

static void the_fingerprint_follows_what_decides_the_texts(void **unused) {
    (void)unused;
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_CAPTION), variants[4] = {m, m, m, m};
    char first[33], again[33], changed[33];
    assert_true(random_blip_write(&m, directory_of("print")));
    fingerprint_of("print", first);
    m.unnamed = 1; /* the same model, told by its tensors */
    assert_true(random_blip_write(&m, directory_of("print")));
    fingerprint_of("print", again);
    assert_string_equal(first, again);
    variants[0].seed = 2;
    variants[1].dtype = "BF16";
    variants[2].text_heads = 4;
    variants[3].vision_heads = 6;
    for (size_t i = 0; i < 4; i++) {
        assert_true(random_blip_write(&variants[i], directory_of("print")));
        fingerprint_of("print", changed);
        assert_string_not_equal(first, changed);
    }
    m.unnamed = 0;
    assert_true(random_blip_write(&m, directory_of("print")));
    FILE *vocabulary = fopen(directory_of("print/vocab.txt"), "r+b");
    assert_non_null(vocabulary);
    (void)fputs("[PAT]", vocabulary);
    assert_int_equal(fclose(vocabulary), 0);
    glimpse_blip *model = NULL;
    if (glimpse_blip_open(&model, directory_of("print"), NULL) == GLIMPSE_OK) {
        assert_ok(glimpse_blip_fingerprint(changed, model));
        assert_string_not_equal(first, changed);
    }
    glimpse_blip_close(model);
}

typedef struct job {
    const blip *shared;
    glimpse_blip_result *result[PICTURES];
    int status;
} job;

static void *work(void *user) {
    job *j = user;
    glimpse_blip_worker *worker = NULL;
    j->status = glimpse_blip_worker_create(&worker, j->shared->model, NULL);
    if (j->status == GLIMPSE_OK) {
        j->status = glimpse_blip_caption(j->result, worker, all(j->shared), PICTURES, NULL, NULL);
    }
    glimpse_blip_worker_free(worker);
    return NULL;
}

static void workers_share_a_model_and_pictures(void **unused) {
    (void)unused;
    blip b;
    job jobs[3];
    pthread_t threads[3];
    open_usual(&b, "caption");
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (job){.shared = &b};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].status, GLIMPSE_OK);
        for (size_t p = 0; p < PICTURES; p++)
            expect_same(jobs[0].result[p], jobs[i].result[p], 1e-9);
    }
    for (size_t i = 0; i < 3; i++)
        free_results(jobs[i].result, PICTURES);
    close_blip(&b);
}

/*
 * What is refused.
 */
static void refused(int status, int expected, const char *because) {
    if (status != expected || !strstr(glimpse_last_error(), because)) {
        fail_msg("status %d and \"%s\" instead of %d and \"%s\"", status, glimpse_last_error(),
                 expected, because);
    }
}

static void calls_that_make_no_sense_are_refused(void **unused) {
    (void)unused;
    blip b, c, a;
    int32_t ids[MAX_COUNT + 1] = {DEC, 5, 6, SEP};
    float logits[2];
    double sum;
    glimpse_blip_text text = {ids, 4}, none = {ids, 0}, longest = {ids, MAX_COUNT + 1};
    glimpse_blip_result *result = NULL;
    open_usual(&b, "match");
    open_usual(&c, "caption");
    open_usual(&a, "answer");
    const int bad = GLIMPSE_E_INVALID;
    refused(glimpse_blip_caption(&result, b.worker, all(&b), 1, NULL, NULL), bad,
            "BlipForConditionalGeneration");
    refused(glimpse_blip_answer(&result, c.worker, all(&c), &text, 1, NULL), bad,
            "BlipForQuestionAnswering");
    refused(glimpse_blip_match(logits, a.worker, all(&a), 1, &text, 1), bad,
            "BlipForImageTextRetrieval");
    refused(glimpse_blip_match(logits, b.worker, all(&c), 1, &text, 1), bad, "another model");
    refused(glimpse_blip_match(logits, b.worker, all(&b), 1, &none, 1), bad, "0 tokens");
    refused(glimpse_blip_match(logits, b.worker, all(&b), 1, &longest, 1), bad, "41 tokens");
    ids[1] = 100;
    refused(glimpse_blip_match(logits, b.worker, all(&b), 1, &text, 1), bad, "id 100");
    ids[1] = -1;
    refused(glimpse_blip_rate(&sum, c.worker, c.images[0], NULL, &text, 1), bad, "id -1");
    ids[1] = 5;
    refused(glimpse_blip_rate(&sum, c.worker, c.images[0], &text, &text, 1), bad, "no question");
    refused(glimpse_blip_rate(&sum, a.worker, a.images[0], NULL, &text, 1), bad,
            "needs a question");
    glimpse_blip_generation g = settings(&c, 4, 20, 0);
    refused(glimpse_blip_caption(&result, c.worker, all(&c), 1, NULL, &g), bad, "4 beams");
    g = settings(&c, 1, 41, 0);
    refused(glimpse_blip_caption(&result, c.worker, all(&c), 1, NULL, &g), bad, "max_length of 41");
    g = settings(&c, 1, 4, 0);
    refused(glimpse_blip_caption(&result, c.worker, all(&c), 1, &text, &g), bad, "leaves nothing");
    refused(glimpse_blip_caption(&result, c.worker, all(&c), 1, &none, NULL), bad, "prompt");
    static const struct {
        double temperature, top_p;
    } wrong[] = {{0, 1}, {-1, 1}, {NAN, 1}, {1, 0}, {1, 1.5}, {1, NAN}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        g = settings(&c, 1, 20, 0);
        g.sample = 1;
        g.temperature = wrong[i].temperature;
        g.top_p = wrong[i].top_p;
        refused(glimpse_blip_caption(&result, c.worker, all(&c), 1, NULL, &g), bad, "sampling");
    }
    assert_null(result);
    glimpse_blip_worker *worker = NULL;
    static const glimpse_blip_limits limits[] = {{2, 1, 1, 1, 0},       {LIMITS, 0, 1, 1, 0},
                                                 {LIMITS, 1, 0, 1, 0},  {LIMITS, 1, 1, 0, 0},
                                                 {LIMITS, 1, 1, 65, 0}, {LIMITS, 1, 1, 1, 41}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        assert_int_equal(glimpse_blip_worker_create(&worker, c.model, &limits[i]), bad);
        assert_null(worker);
    }
    /* After all that, the worker still works. */
    assert_ok(glimpse_blip_caption(&result, c.worker, all(&c), 1, NULL, NULL));
    glimpse_blip_result_free(result);
    close_blip(&b);
    close_blip(&c);
    close_blip(&a);
}

static void write_named_file(const char *name, const char *text) {
    FILE *file = fopen(directory_of(name), "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void damaged_configurations_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *config, *pictures, *because;
        int status;
    } cases[] = {
        {"[]", "{}", "object", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\"", "{}", "line", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{}", "clip", GLIMPSE_E_UNSUPPORTED},
        {"{}", "{}", "missing", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\", \"text_config\": 3}", "{}", "text_config", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\", \"text_config\": {\"num_attention_heads\": 7}}", "{}",
         "multiple", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\", \"text_config\": {\"hidden_size\": -4}}", "{}", "hidden_size",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\", \"text_config\": {\"hidden_act\": \"relu\"}}", "{}", "relu",
         GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\", \"text_config\": {\"bos_token_id\": 30524}}", "{}",
         "vocab_size", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\", \"text_config\": {\"vocab_size\": 1e9}}", "{}", "vocab_size",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\", \"text_config\": {\"position_embedding_type\": "
         "\"relative_key\"}}",
         "{}", "relative_key", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\", \"vision_config\": {\"num_channels\": 1}}", "{}",
         "num_channels", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\", \"vision_config\": {\"patch_size\": 500}}", "{}", "patches",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\"}", "{\"size\": 224}", "384 x 384", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\"}", "{\"size\": {\"shortest_edge\": 384}}", "size",
         GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\"}", "{\"do_center_crop\": true}", "do_center_crop",
         GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\"}", "{\"resample\": 1}", "resample", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"blip\"}", "{\"image_std\": [0, 1, 1]}", "positive", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"blip\"}", "{\"image_mean\": [0, 1]}", "three", GLIMPSE_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_blip_config c;
        write_named_file("config.json", cases[i].config);
        write_named_file("preprocessor_config.json", cases[i].pictures);
        refused(glimpse_blip_config_read(&c, directory), cases[i].status, cases[i].because);
        assert_non_null(strstr(glimpse_last_error(), directory));
    }
}

static void absent_keys_take_the_defaults_of_blip(void **unused) {
    (void)unused;
    glimpse_blip_config c;
    write_named_file("config.json",
                     "{\"model_type\": \"blip\", \"text_config\": {\"num_beams\": null}}");
    write_named_file("preprocessor_config.json", "{}");
    assert_ok(glimpse_blip_config_read(&c, directory));
    assert_int_equal(c.kind, 0);
    assert_int_equal(c.text.heads, 8);
    assert_int_equal(c.vision.heads, 12);
    assert_int_equal(c.text.layers, 12);
    assert_int_equal(c.text.activation, GLIMPSE_ACTIVATION_GELU);
    assert_float_equal(c.text.eps, 1e-12, 1e-18);
    assert_float_equal(c.vision.eps, 1e-5, 1e-12);
    assert_int_equal(c.context, 512);
    assert_int_equal(c.vocabulary, 30524);
    assert_int_equal(c.dec_id, 30522);
    assert_int_equal(c.sep_id, 102);
    assert_int_equal(c.joint, 256);
    assert_int_equal(c.image_size, 384);
    assert_int_equal(c.patch, 16);
    assert_int_equal(c.beams, 1);
    assert_int_equal(c.max_length, 20);
    assert_int_equal(c.min_length, 0);
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_EXACT);
    assert_int_equal(c.preprocess.width, 384);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BICUBIC);
    write_named_file("config.json",
                     "{\"model_type\": \"blip\", \"vision_config\": {\"image_size\": 64}, "
                     "\"text_config\": {\"max_length\": 30, \"min_length\": 5, \"num_beams\": "
                     "3}}");
    write_named_file("preprocessor_config.json", "{\"size\": 64, \"resample\": 2}");
    assert_ok(glimpse_blip_config_read(&c, directory));
    assert_int_equal(c.beams, 3);
    assert_int_equal(c.max_length, 30);
    assert_int_equal(c.min_length, 5);
    assert_int_equal(c.preprocess.height, 64);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
    /* As newer versions of transformers write it; and no such file at all. */
    assert_int_equal(remove(directory_of("preprocessor_config.json")), 0);
    write_named_file("processor_config.json",
                     "{\"image_processor\": {\"size\": 64, \"image_mean\": [0.5, 0, 0]}}");
    assert_ok(glimpse_blip_config_read(&c, directory));
    assert_int_equal(c.preprocess.width, 64);
    assert_float_equal(c.preprocess.mean[0], 0.5, 0);
    assert_int_equal(remove(directory_of("processor_config.json")), 0);
    assert_ok(glimpse_blip_config_read(&c, directory));
    assert_int_equal(c.preprocess.width, 64);
    assert_float_equal(c.preprocess.mean[0], 0.48145466, 1e-7);
}

static void copy_config(const char *from, const char *to) {
    char command[2400];
    (void)snprintf(command, sizeof command, "cp '%s/config.json' '%s/config.json'", from, to);
    assert_int_equal(system(command), 0);
}

static void missing_and_misshapen_tensors_are_named(void **unused) {
    (void)unused;
    glimpse_blip *model = NULL;
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, directory_of("mixed")));
    /* A caption model that calls itself something else. */
    copy_config(directory_of("answer"), directory_of("mixed"));
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT,
            "text_encoder.");
    copy_config(directory_of("match"), directory_of("mixed"));
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT,
            "text_encoder.");
    m.text_mlp = 88;
    assert_true(random_blip_write(&m, directory_of("mixed")));
    copy_config(directory_of("caption"), directory_of("mixed"));
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT,
            "intermediate");
    /* An answering model whose question states do not fit its decoder. */
    m = random_blip_tiny(GLIMPSE_BLIP_ANSWER);
    m.vision_width = 64;
    assert_true(random_blip_write(&m, directory_of("mixed")));
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT, "width 64");
    /* More words than rows. */
    m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, directory_of("mixed")));
    FILE *vocabulary = fopen(directory_of("mixed/vocab.txt"), "ab");
    assert_non_null(vocabulary);
    (void)fputs("one\ntwo\nthree\n", vocabulary);
    assert_int_equal(fclose(vocabulary), 0);
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT, "tokenizer");
    assert_int_equal(remove(directory_of("mixed/vocab.txt")), 0);
    assert_int_equal(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_NOT_FOUND);
    assert_true(random_blip_write(&m, directory_of("mixed")));
    assert_int_equal(truncate(directory_of("mixed/model.safetensors"), 40000), 0);
    assert_int_equal(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_FORMAT);
    assert_int_equal(remove(directory_of("mixed/model.safetensors")), 0);
    refused(glimpse_blip_open(&model, directory_of("mixed"), NULL), GLIMPSE_E_NOT_FOUND,
            "safetensors");
    refused(glimpse_blip_open(&model, directory_of("nowhere"), NULL), GLIMPSE_E_NOT_FOUND,
            "nowhere");
    refused(glimpse_blip_open(&model, directory_of("caption/config.json"), NULL), GLIMPSE_E_INVALID,
            "folder");
    assert_null(model);
}

static void weights_that_give_no_numbers_are_an_error(void **unused) {
    (void)unused;
    blip b;
    float logits[2];
    int32_t ids[MAX_COUNT];
    glimpse_blip_result *result = NULL;
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_blip_write(&m, directory_of("nan")));
    set_number("nan", 1, NAN);
    open_usual(&b, "nan");
    glimpse_blip_text text = encode(&b, GLIMPSE_BLIP_TEXT_CLS, "dog", ids);
    refused(glimpse_blip_match(logits, b.worker, all(&b), 1, &text, 1), GLIMPSE_E_FORMAT,
            "damaged");
    close_blip(&b);
    m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, directory_of("nan")));
    set_number("nan", 1, NAN);
    open_usual(&b, "nan");
    refused(glimpse_blip_caption(&result, b.worker, all(&b), 1, NULL, NULL), GLIMPSE_E_FORMAT,
            "damaged");
    glimpse_blip_generation g = settings(&b, 3, 20, 0);
    refused(glimpse_blip_caption(&result, b.worker, all(&b), 1, NULL, &g), GLIMPSE_E_FORMAT,
            "damaged");
    assert_null(result);
    close_blip(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_is_told_from_the_configuration_or_the_tensors),
        cmocka_unit_test(matching_does_not_depend_on_the_batch),
        cmocka_unit_test(features_have_unit_length_and_do_not_depend_on_the_batch),
        cmocka_unit_test(generation_does_not_depend_on_the_batch),
        cmocka_unit_test(the_cache_changes_nothing),
        cmocka_unit_test(plain_loops_generate_the_same),
        cmocka_unit_test(onednn_generates_the_same),
        cmocka_unit_test(lengths_and_scores_are_what_they_say),
        cmocka_unit_test(beam_search_is_what_its_definition_says),
        cmocka_unit_test(sampling_follows_its_seed),
        cmocka_unit_test(tokens_are_drawn_as_often_as_they_are_likely),
        cmocka_unit_test(likelihood_does_not_depend_on_the_batch),
        cmocka_unit_test(bf16_is_close),
        cmocka_unit_test(shards_halves_and_tied_weights_are_read),
        cmocka_unit_test(memory_is_stated_and_grows_with_the_limits),
        cmocka_unit_test(the_fingerprint_follows_what_decides_the_texts),
        cmocka_unit_test(workers_share_a_model_and_pictures),
        cmocka_unit_test(calls_that_make_no_sense_are_refused),
        cmocka_unit_test(damaged_configurations_are_refused),
        cmocka_unit_test(absent_keys_take_the_defaults_of_blip),
        cmocka_unit_test(missing_and_misshapen_tensors_are_named),
        cmocka_unit_test(weights_that_give_no_numbers_are_an_error),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}

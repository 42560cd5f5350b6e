/*
 * Captions in a library: kept by content, searched at once, one ranking with the vectors, never
 * out of step with their text index.
 */
#include "support/libraries.h"

#include <glimpse/captions.h>

#include <math.h>
#include <sqlite3.h>

static const char *id_of(const world *w, size_t content) {
    static char ids[8][GLIMPSE_HASH_HEX];
    static unsigned orientation;
    char *id = ids[orientation++ % 8];
    glimpse_hash_to_hex(&w->contents[content].hash, id);
    return id;
}

static void add_caption(world *w, size_t content, glimpse_caption_style style, const char *model,
                        const char *text) {
    size_t stored = 0;
    const glimpse_caption caption = {
        .id = id_of(w, content), .style = style, .model = model, .prompt = "", .text = text};
    assert_ok(glimpse_library_store_captions(&stored, w->library, &caption, 1));
    assert_int_equal(stored, 1);
}

/* A world of `count` pictures, one file each, the first of which is best for `query`. */
static void small_world(world *w, size_t count, float *query) {
    world_open(w, 77);
    for (size_t i = 0; i < count; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "%zu.jpg", i);
        world_add_file(w, name, world_add_content(w, NULL, ""), 0, 0);
    }
    if (count > 0) memcpy(query, w->contents[0].vector, WORLD_DIM * sizeof *query);
}

static glimpse_results *find(world *w, const float *query, const char *captions) {
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 1000;
    options.captions = captions;
    assert_ok(glimpse_library_search_key(&results, w->library, &w->key, query, &options));
    return results;
}

/* How many results have a caption that matches. */
static size_t matches(world *w, const char *captions) {
    float query[WORLD_DIM];
    memcpy(query, w->contents[0].vector, sizeof query);
    glimpse_results *results = find(w, query, captions);
    size_t count = 0;
    for (size_t i = 0; i < glimpse_results_count(results); i++)
        count += glimpse_results_get(results, i)->caption_rank > 0;
    glimpse_results_free(results);
    return count;
}

static void check_sound(world *w) {
    char text[2000];
    if (world_verify(w, text, sizeof text) != GLIMPSE_OK) fail_msg("verify: %s", text);
}

typedef struct seen {
    size_t count;
    char text[4096]; /* "style model text; " each */
} seen;

static int see(void *user, const glimpse_caption *caption) {
    seen *s = user;
    size_t used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof s->text - used, "%s %s %s; ",
                   glimpse_caption_style_name((int)caption->style), caption->model, caption->text);
    assert_int_equal(strlen(caption->id), 32);
    assert_int_equal(strlen(caption->created), 19);
    s->count++;
    return 0;
}

static void a_caption_is_found_as_soon_as_it_is_stored(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    glimpse_library *other = NULL;
    small_world(&w, 5, query);
    assert_ok(glimpse_library_open(&other, w.library_path, GLIMPSE_LIBRARY_READ_ONLY));
    assert_int_equal(matches(&w, "zebra"), 0);
    add_caption(&w, 3, GLIMPSE_CAPTION_SHORT, "m", "a zebra on a bicycle");
    assert_int_equal(matches(&w, "zebra"), 1);
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.captions = "Zebras"; /* another case, another ending */
    assert_ok(glimpse_library_search_key(&results, other, &w.key, query, &options));
    assert_int_equal(glimpse_results_count(results), 5);
    size_t with = 0;
    for (size_t i = 0; i < 5; i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        assert_true(r->vector_rank >= 1 && r->vector_rank <= 5);
        if (!r->caption) continue;
        with++;
        assert_string_equal(r->id, id_of(&w, 3));
        assert_string_equal(r->caption, "a zebra on a bicycle");
        assert_int_equal(r->caption_rank, 1);
        assert_true(r->caption_score > 0);
        assert_true(fabs(2 * r->fused - 1.0 / (60.0 + (double)r->vector_rank) - 1.0 / 61.0) <
                    1e-15);
    }
    assert_int_equal(with, 1);
    glimpse_results_free(results);
    /* Without captions nothing of it shows. */
    results = find(&w, query, NULL);
    assert_true(glimpse_results_get(results, 0)->fused == 0);
    assert_null(glimpse_results_get(results, 0)->caption);
    glimpse_results_free(results);
    glimpse_library_close(other);
    check_sound(&w);
    world_close(&w);
}

static void the_same_question_has_one_caption_and_others_stand_beside_it(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    small_world(&w, 3, query);
    add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "m", "a walrus");
    add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "m", "a giraffe"); /* again */
    add_caption(&w, 1, GLIMPSE_CAPTION_ALT, "m", "an old piano");
    add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "n", "an ostrich");
    assert_int_equal(matches(&w, "walrus"), 0);
    assert_int_equal(matches(&w, "giraffe"), 1);
    assert_int_equal(matches(&w, "piano"), 1);
    assert_int_equal(matches(&w, "giraffe piano ostrich"), 1); /* one picture */
    seen all = {0}, one = {0};
    assert_ok(glimpse_library_captions(w.library, NULL, see, &all));
    assert_int_equal(all.count, 3);
    glimpse_caption_filter filter = GLIMPSE_CAPTION_FILTER_INIT;
    filter.path_or_id = w.files[1].path;
    filter.style = GLIMPSE_CAPTION_SHORT;
    filter.model = "n";
    assert_ok(glimpse_library_captions(w.library, &filter, see, &one));
    assert_string_equal(one.text, "short n an ostrich; ");
    uint64_t forgotten = 0;
    assert_ok(glimpse_library_forget_captions(&forgotten, w.library, &filter));
    assert_int_equal(forgotten, 1);
    assert_int_equal(matches(&w, "ostrich"), 0);
    assert_int_equal(matches(&w, "giraffe"), 1);
    filter.path_or_id = "/nowhere/at/all.jpg";
    assert_int_equal(glimpse_library_captions(w.library, &filter, see, &one), GLIMPSE_E_NOT_FOUND);
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, w.library));
    assert_int_equal(status->captions, 2);
    assert_int_equal(status->captioned, 1);
    glimpse_library_status_free(status);
    check_sound(&w);
    world_close(&w);
}

static void words_are_found_whatever_their_case_accents_and_endings(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    small_world(&w, 8, query);
    add_caption(&w, 0, GLIMPSE_CAPTION_SHORT, "m", "Zwei B\xC3\xA4ren im Schnee, Caf\xC3\xA9");
    add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "m", "people running with dogs");
    add_caption(&w, 2, GLIMPSE_CAPTION_SHORT, "m", "a T-shirt that doesn't fit");
    add_caption(&w, 3, GLIMPSE_CAPTION_SHORT, "m",
                "\xE9\xB8\x9F\xE5\x9C\xA8\xE6\xA0\x91\xE4\xB8\x8A");
    assert_int_equal(matches(&w, "BAREN"), 1);
    assert_int_equal(matches(&w, "cafe"), 1);
    assert_int_equal(matches(&w, "a dog runs"), 2); /* and "a T-shirt": an ordinary word here */
    assert_int_equal(matches(&w, "t-shirt"), 1);
    assert_int_equal(matches(&w, "shirt-t"), 0); /* a phrase */
    assert_int_equal(matches(&w, "doesn't"), 1);
    assert_int_equal(matches(&w, "\"dogs with\""), 0);
    assert_int_equal(matches(&w, "\"with dogs\""), 1);
    assert_int_equal(matches(&w, "sch*"), 1);
    assert_int_equal(matches(&w, "sch"), 0);
    assert_int_equal(matches(&w, "\xE9\xB8\x9F*"), 1);
    assert_int_equal(matches(&w, "bear"), 0);
    world_close(&w);
}

/* Words of more than half of all captions do not make everything a match. */
static void common_words_count_only_when_there_is_nothing_else(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    small_world(&w, 10, query);
    add_caption(&w, 0, GLIMPSE_CAPTION_SHORT, "m", "a photo of a cat");
    assert_int_equal(matches(&w, "a photo of"), 1); /* the only caption there is */
    for (size_t i = 1; i < 9; i++)
        add_caption(&w, i, GLIMPSE_CAPTION_SHORT, "m",
                    i < 4 ? "a photo of a dog" : "a photo of a house");
    assert_int_equal(matches(&w, "a photo of a dog"), 3);
    assert_int_equal(matches(&w, "a photo"), 9);
    assert_int_equal(matches(&w, "a photo of a unicorn"), 9);
    assert_int_equal(matches(&w, "unicorn"), 0);
    world_close(&w);
}

static void no_text_is_a_syntax_error(void **state) {
    (void)state;
    static const char *const nasty[] = {"",
                                        " ",
                                        "\"",
                                        "\"\"",
                                        "\"\"\"",
                                        "'",
                                        "(",
                                        ")",
                                        "()",
                                        "a AND",
                                        "OR",
                                        "NOT zebra",
                                        "AND OR",
                                        "NEAR(a b)",
                                        "text:dog",
                                        "-dog",
                                        "+dog",
                                        "^dog",
                                        "dog*",
                                        "*",
                                        "**",
                                        "\"dog",
                                        "dog\"",
                                        "{a b}: c",
                                        "a:b",
                                        "--",
                                        ";",
                                        "'; DROP TABLE",
                                        "%s%n",
                                        "\\",
                                        "\xFF\xFE",
                                        "\xE2\x82",
                                        "\x01\x02",
                                        "NEAR/3",
                                        "\"a\"\"b\"",
                                        "\"*\"*",
                                        "a OR b)",
                                        "(a",
                                        "dog AND (",
                                        "\xE2\x80\xA6",
                                        "\"\xE2\x80\xA6\"*",
                                        "_ - ' *"};
    world w;
    float query[WORLD_DIM];
    small_world(&w, 4, query);
    add_caption(&w, 0, GLIMPSE_CAPTION_SHORT, "m", "a dog and a zebra near text");
    add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "m", "nothing");
    add_caption(&w, 2, GLIMPSE_CAPTION_SHORT, "m", "nobody");
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++) {
        glimpse_results *results = find(&w, query, nasty[i]);
        assert_int_equal(glimpse_results_count(results), 4);
        glimpse_results_free(results);
    }
    assert_int_equal(matches(&w, "NOT zebra"), 1); /* NOT is a word that nothing has */
    for (unsigned orientation = 0; orientation < 150; orientation++) {
        static const char letters[] = "ab\"'*()-+:^{}, ANDORTNE\xC3\xA4\xFF\n\\";
        char text[48];
        size_t length = world_below(&w, sizeof text - 1);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[world_below(&w, sizeof letters - 1)];
        text[length] = '\0';
        (void)matches(&w, text);
    }
    /* As long as anybody likes. */
    char *huge = malloc(200001);
    assert_non_null(huge);
    for (size_t i = 0; i < 200000; i++)
        huge[i] = i % 5 == 4 ? ' ' : (char)('a' + world_below(&w, 26));
    huge[200000] = '\0';
    (void)matches(&w, huge);
    free(huge);
    world_close(&w);
}

/*
 * The plain reference: BM25 and the fusion by their formulas, over everything.
 */
enum { WORDS = 14, LONGEST = 8 };

typedef struct plain_caption {
    size_t content, length;
    int counts[WORDS];
} plain_caption;

typedef struct plain_result {
    char id[33];
    double cosine, bm25, fused;
    size_t vector_rank, caption_rank;
} plain_result;

static double plain_bm25(const plain_caption *captions, size_t count, const plain_caption *one,
                         const int *query, size_t terms) {
    double total = 0, score = 0;
    for (size_t i = 0; i < count; i++)
        total += (double)captions[i].length;
    for (size_t t = 0; t < terms; t++) {
        size_t have = 0;
        for (size_t i = 0; i < count; i++)
            have += captions[i].counts[query[t]] > 0;
        double idf = log(((double)(count - have) + 0.5) / ((double)have + 0.5));
        if (idf <= 0) idf = 1e-6;
        double f = one->counts[query[t]];
        score +=
            idf * ((f * 2.2) /
                   (f + 1.2 * (1 - 0.75 + 0.75 * (double)one->length * (double)count / total)));
    }
    return score;
}

static int by_fused(const void *a, const void *b) {
    const plain_result *x = a, *y = b;
    if (x->fused != y->fused) return x->fused < y->fused ? 1 : -1;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return strcmp(x->id, y->id);
}

static void fused_search_equals_the_plain_formula(void **state) {
    (void)state;
    static const size_t sizes[] = {40, 150, 1300};
    for (size_t round = 0; round < 3; round++) {
        world w;
        char word_list[WORDS][8];
        world_open(&w, 100 + round);
        world_populate(&w, sizes[round]);
        for (size_t i = 0; i < WORDS; i++)
            (void)snprintf(word_list[i], sizeof word_list[i], "zq%zux", i);
        plain_caption *captions = calloc(2 * w.content_count, sizeof *captions);
        glimpse_caption *stored = calloc(2 * w.content_count, sizeof *stored);
        char(*texts)[8 * LONGEST + 1] = calloc(2 * w.content_count, sizeof *texts);
        char(*ids)[GLIMPSE_HASH_HEX] = calloc(w.content_count, sizeof *ids);
        assert_true(captions && stored && texts && ids);
        size_t count = 0;
        for (size_t i = 0; i < w.content_count; i++) {
            glimpse_hash_to_hex(&w.contents[i].hash, ids[i]);
            for (int style = 0; style < 2; style++) {
                if (world_below(&w, 4) == 0) continue;
                plain_caption *c = &captions[count];
                c->content = i;
                c->length = 1 + world_below(&w, LONGEST);
                for (size_t k = 0; k < c->length; k++) {
                    /* low numbers are common */
                    size_t word = world_below(&w, 1 + world_below(&w, WORDS));
                    c->counts[word]++;
                    (void)snprintf(texts[count] + strlen(texts[count]), 9, "%s%s", k ? " " : "",
                                   word_list[word]);
                }
                stored[count] = (glimpse_caption){.id = ids[i],
                                                  .style = (glimpse_caption_style)style,
                                                  .model = "m",
                                                  .prompt = "",
                                                  .text = texts[count]};
                count++;
            }
        }
        assert_ok(glimpse_library_store_captions(NULL, w.library, stored, count));
        char prefix[700];
        (void)snprintf(prefix, sizeof prefix, "%s/a", w.pictures);
        for (size_t orientation = 0; orientation < (round < 2 ? 12 : 3); orientation++) {
            float query[WORLD_DIM];
            glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
            glimpse_results *all = NULL, *fused = NULL;
            int terms[3], kept[3];
            size_t term_count = 1 + world_below(&w, 3), kept_count = 0;
            char text[100] = "";
            int rare = 0;
            world_vector(&w, query);
            const char *within = prefix;
            if (orientation % 3 == 1) options.within = &within, options.within_count = 1;
            if (orientation % 4 == 2) options.after = "2020";
            if (orientation % 5 == 3) options.exclude_id = ids[world_below(&w, w.content_count)];
            if (orientation % 6 == 4) options.min_score = 0.0;
            for (size_t t = 0; t < term_count; t++) {
                terms[t] = (int)((world_below(&w, WORDS) + t * 5) % WORDS);
                int twice = 0;
                for (size_t u = 0; u < t; u++)
                    twice |= terms[u] == terms[t];
                if (twice) terms[t] = terms[0];
                (void)snprintf(text + strlen(text), 20, "%s ", word_list[terms[t]]);
            }
            size_t haves[3];
            for (size_t t = 0; t < term_count; t++) {
                haves[t] = 0;
                for (size_t i = 0; i < count; i++)
                    haves[t] += captions[i].counts[terms[t]] > 0;
                rare |= haves[t] > 0 && 2 * haves[t] <= count;
            }
            for (size_t t = 0; t < term_count; t++) {
                int twice = 0;
                for (size_t u = 0; u < t; u++)
                    twice |= terms[u] == terms[t];
                if (!twice && haves[t] > 0 && !(rare && 2 * haves[t] > count)) {
                    kept[kept_count++] = terms[t];
                }
            }
            static const double weights[] = {GLIMPSE_CAPTIONS_WEIGHT, 0, 0.2, 0.75, 1};
            double weight = weights[world_below(&w, sizeof weights / sizeof *weights)];
            options.k = 1000000; /* everything that passes, by cosine */
            assert_ok(glimpse_library_search_key(&all, w.library, &w.key, query, &options));
            size_t n = glimpse_results_count(all), depth = GLIMPSE_FUSION_DEPTH;
            plain_result *plain = calloc(n + 1, sizeof *plain);
            assert_non_null(plain);
            for (size_t i = 0; i < n; i++) {
                const glimpse_result *r = glimpse_results_get(all, i);
                memcpy(plain[i].id, r->id, 33);
                plain[i].cosine = r->score;
                for (size_t c = 0; c < count; c++) {
                    if (strcmp(ids[captions[c].content], r->id) != 0) continue;
                    double score = 0;
                    int any = 0;
                    for (size_t t = 0; t < kept_count; t++)
                        any |= captions[c].counts[kept[t]] > 0;
                    if (any) score = plain_bm25(captions, count, &captions[c], kept, kept_count);
                    if (score > plain[i].bm25) plain[i].bm25 = score;
                }
            }
            for (size_t i = 0; i < n; i++) {
                size_t better = 0, better_caption = 0;
                for (size_t j = 0; j < n; j++) {
                    better += plain[j].cosine > plain[i].cosine;
                    better_caption += plain[j].bm25 > plain[i].bm25 + 1e-12;
                }
                if (i < depth) plain[i].vector_rank = better + 1;
                if (plain[i].bm25 > 0 && better_caption < depth) {
                    plain[i].caption_rank = better_caption + 1;
                }
                double by_cosine = 0, by_caption = 0;
                if (plain[i].vector_rank) by_cosine = 1.0 / (60.0 + (double)plain[i].vector_rank);
                if (plain[i].caption_rank)
                    by_caption = 1.0 / (60.0 + (double)plain[i].caption_rank);
                plain[i].fused = (1 - weight) * by_cosine + weight * by_caption;
            }
            qsort(plain, n, sizeof *plain, by_fused);
            options.k = 1 + world_below(&w, 60);
            options.captions = text;
            options.captions_weight = weight;
            assert_ok(glimpse_library_search_key(&fused, w.library, &w.key, query, &options));
            assert_int_equal(glimpse_results_count(fused), n < options.k ? n : options.k);
            for (size_t i = 0; i < glimpse_results_count(fused); i++) {
                const glimpse_result *r = glimpse_results_get(fused, i);
                if (strcmp(r->id, plain[i].id) != 0) {
                    fail_msg("size %zu, \"%s\", rank %zu: %s (%.9f, ranks %zu %zu) instead of %s "
                             "(%.9f, ranks %zu %zu)",
                             sizes[round], text, i + 1, r->id, r->fused, r->vector_rank,
                             r->caption_rank, plain[i].id, plain[i].fused, plain[i].vector_rank,
                             plain[i].caption_rank);
                }
                assert_int_equal(r->vector_rank, plain[i].vector_rank);
                assert_int_equal(r->caption_rank, plain[i].caption_rank);
                assert_true(fabs(r->caption_score - plain[i].bm25) < 1e-9);
                assert_int_equal(r->caption != NULL, r->caption_rank > 0);
            }
            glimpse_results_free(fused);
            glimpse_results_free(all);
            free(plain);
        }
        check_sound(&w);
        free(ids);
        free(texts);
        free(stored);
        free(captions);
        world_close(&w);
    }
}

static void captions_go_with_their_contents_and_never_before(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    small_world(&w, 6, query);
    world_add_file(&w, "copy of 2.jpg", 2, 0, 0);
    for (size_t i = 0; i < 6; i++)
        add_caption(&w, i, GLIMPSE_CAPTION_SHORT, "m", i == 1 ? "a red kite" : "a green kite");
    world_lose_files(&w, (const size_t[]){1, 2}, 2); /* 2 has a copy */
    assert_int_equal(matches(&w, "red"), 0);         /* not shown, not forgotten */
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    options.dry_run = 1;
    assert_ok(glimpse_library_prune(&report, w.library, &options));
    assert_int_equal(report.captions, 1);
    seen before = {0}, after = {0};
    assert_ok(glimpse_library_captions(w.library, NULL, see, &before));
    assert_int_equal(before.count, 6);
    options.dry_run = 0;
    assert_ok(glimpse_library_prune(&report, w.library, &options));
    assert_int_equal(report.contents, 1);
    assert_int_equal(report.captions, 1);
    assert_ok(glimpse_library_captions(w.library, NULL, see, &after));
    assert_int_equal(after.count, 5);
    assert_null(strstr(after.text, "red"));
    assert_int_equal(matches(&w, "green"), 5);
    check_sound(&w);
    /* Captions of contents that are gone are left out. */
    const glimpse_caption late[] = {
        {.id = id_of(&w, 1), .model = "m", .prompt = "", .text = "too late"},
        {.id = id_of(&w, 3), .model = "m", .prompt = "", .text = "in time"}};
    size_t stored = 0;
    assert_ok(glimpse_library_store_captions(&stored, w.library, late, 2));
    assert_int_equal(stored, 1);
    world_close(&w);
}

/* Changes the catalogue behind the library's back. */
static void tamper(world *w, const char *sql) {
    char path[700];
    sqlite3 *db = NULL;
    char *message = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.db", w->library_path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void verify_sees_a_text_index_out_of_step_and_reindex_mends_it(void **state) {
    (void)state;
    static const char *const wrongs[] = {
        "INSERT INTO caption_text (caption_text, rowid, text) VALUES ('delete', 2, 'a blue owl')",
        "INSERT INTO caption_text (rowid, text) VALUES (900, 'a ghost')",
        "DELETE FROM caption WHERE id = 3",
        "UPDATE caption_text_data SET block = x'0305' WHERE id = 1",
        "UPDATE caption_text_docsize SET sz = x'09' WHERE id = 1",
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        world w;
        float query[WORLD_DIM];
        char text[4000];
        small_world(&w, 4, query);
        add_caption(&w, 0, GLIMPSE_CAPTION_SHORT, "m", "a red owl");
        add_caption(&w, 1, GLIMPSE_CAPTION_SHORT, "m", "a blue owl");
        add_caption(&w, 2, GLIMPSE_CAPTION_SHORT, "m", "a grey mouse");
        check_sound(&w);
        glimpse_library_close(w.library);
        w.library = NULL;
        tamper(&w, wrongs[i]);
        world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
        assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
        if (!strstr(text, "captions: the text index")) fail_msg("case %zu: %s", i, text);
        world_reopen(&w, 0);
        assert_ok(glimpse_library_reindex(w.library));
        check_sound(&w);
        assert_int_equal(matches(&w, "red"), 1);
        /* None left is sound as well, before and after. */
        assert_ok(glimpse_library_forget_captions(NULL, w.library, NULL));
        check_sound(&w);
        assert_ok(glimpse_library_reindex(w.library));
        check_sound(&w);
        world_close(&w);
    }
}

static void a_changed_caption_is_found_by_its_checksum_and_not_handed_out(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    char text[2000];
    seen all = {0};
    small_world(&w, 2, query);
    add_caption(&w, 0, GLIMPSE_CAPTION_SHORT, "m", "a red owl");
    glimpse_library_close(w.library);
    w.library = NULL;
    tamper(&w, "UPDATE caption SET text = 'a rat' WHERE id = 1");
    world_reopen(&w, 0);
    assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(text, "caption 1 does not match its checksum"));
    assert_int_equal(glimpse_library_captions(w.library, NULL, see, &all), GLIMPSE_E_CORRUPT);
    assert_int_equal(all.count, 0);
    world_close(&w);
}

static void a_library_from_before_captions_learns_them(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    small_world(&w, 3, query);
    world_rewind(&w, 6);
    world_reopen(&w, 0);
    add_caption(&w, 2, GLIMPSE_CAPTION_SHORT, "m", "a lighthouse");
    assert_int_equal(matches(&w, "lighthouse"), 1);
    check_sound(&w);
    world_close(&w);
}

static void answers_do_not_depend_on_the_order_of_storing(void **state) {
    (void)state;
    static const char *const texts[] = {"a dog", "a dog", "two dogs", "a cat", "a dog", "a cow"};
    glimpse_hash first = {{0}};
    for (int orientation = 0; orientation < 2; orientation++) {
        world w;
        float query[WORLD_DIM];
        small_world(&w, 6, query);
        for (size_t i = 0; i < 6; i++) {
            size_t content = orientation ? 5 - i : i;
            add_caption(&w, content, GLIMPSE_CAPTION_SHORT, "m", texts[content]);
        }
        glimpse_results *results = find(&w, query, "dog");
        glimpse_hasher *hasher = glimpse_hasher_create();
        for (size_t i = 0; i < glimpse_results_count(results); i++) {
            const glimpse_result *r = glimpse_results_get(results, i);
            glimpse_hasher_update(hasher, r->id, 32);
            glimpse_hasher_update(hasher, &r->fused, sizeof r->fused);
        }
        glimpse_hash hash = glimpse_hasher_finish(hasher);
        if (orientation == 0) first = hash;
        assert_memory_equal(hash.bytes, first.bytes, sizeof hash.bytes);
        glimpse_results_free(results);
        world_close(&w);
    }
}

static void what_is_no_caption_is_refused_and_nothing_is_stored(void **state) {
    (void)state;
    world w;
    float query[WORLD_DIM];
    seen all = {0};
    small_world(&w, 2, query);
    char *huge = malloc(70000);
    assert_non_null(huge);
    memset(huge, 'x', 69999);
    huge[69999] = '\0';
    const glimpse_caption good = {
        .id = id_of(&w, 0), .model = "m", .prompt = "", .text = "a good one"};
    glimpse_caption bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].id = "nonsense", bad[1].id = NULL, bad[2].model = "", bad[3].text = "";
    bad[4].text = NULL, bad[5].text = "\xFF", bad[6].text = huge, bad[7].prompt = NULL;
    bad[8].style = (glimpse_caption_style)4;
    for (size_t i = 0; i < 9; i++) {
        size_t stored = 7;
        const glimpse_caption both[] = {good, bad[i]};
        assert_int_equal(glimpse_library_store_captions(&stored, w.library, both, 2),
                         GLIMPSE_E_INVALID);
        assert_int_equal(stored, 0);
    }
    assert_ok(glimpse_library_captions(w.library, NULL, see, &all));
    assert_int_equal(all.count, 0);
    assert_null(glimpse_caption_style_name(-1));
    assert_null(glimpse_caption_style_name(4));
    world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
    assert_int_equal(glimpse_library_store_captions(NULL, w.library, &good, 1), GLIMPSE_E_IO);
    free(huge);
    world_close(&w);
}

static void pictures_are_listed_once_each_by_path(void **state) {
    (void)state;
    world w;
    world_open(&w, 5);
    world_populate(&w, 120);
    char prefix[700];
    (void)snprintf(prefix, sizeof prefix, "%s/a", w.pictures);
    for (int orientation = 0; orientation < 2; orientation++) {
        glimpse_results *list = NULL;
        const char *within = prefix;
        assert_ok(glimpse_library_pictures(&list, w.library, &within, (size_t)orientation));
        size_t expected = 0;
        for (size_t i = 0; i < w.content_count; i++) {
            int there = 0;
            for (size_t j = 0; j < w.file_count; j++) {
                there |= w.files[j].content == i && !w.files[j].missing &&
                         (!orientation || glimpse_path_is_below(w.files[j].path, prefix));
            }
            expected += there != 0;
        }
        assert_int_equal(glimpse_results_count(list), expected);
        for (size_t i = 1; i < expected; i++) {
            assert_true(strcmp(glimpse_results_get(list, i - 1)->path,
                               glimpse_results_get(list, i)->path) < 0);
        }
        glimpse_results_free(list);
    }
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caption_is_found_as_soon_as_it_is_stored),
        cmocka_unit_test(the_same_question_has_one_caption_and_others_stand_beside_it),
        cmocka_unit_test(words_are_found_whatever_their_case_accents_and_endings),
        cmocka_unit_test(common_words_count_only_when_there_is_nothing_else),
        cmocka_unit_test(no_text_is_a_syntax_error),
        cmocka_unit_test(fused_search_equals_the_plain_formula),
        cmocka_unit_test(captions_go_with_their_contents_and_never_before),
        cmocka_unit_test(verify_sees_a_text_index_out_of_step_and_reindex_mends_it),
        cmocka_unit_test(a_changed_caption_is_found_by_its_checksum_and_not_handed_out),
        cmocka_unit_test(a_library_from_before_captions_learns_them),
        cmocka_unit_test(answers_do_not_depend_on_the_order_of_storing),
        cmocka_unit_test(pictures_are_listed_once_each_by_path),
        cmocka_unit_test(what_is_no_caption_is_refused_and_nothing_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

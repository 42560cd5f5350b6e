/*
 * test_one_thread.c - what a session promises to one thread.
 */
#include "session_support.h"

#include <glimpse/query.h>
#include <glimpse/session_models.h>

#include <math.h>

/*
 * Opening.
 */
static void a_session_opens_without_a_library_and_says_so_where_it_needs_one(void **state) {
    fixture *f = *state;
    const char *words[] = {"a red circle"};
    glimpse_hits *hits = NULL;
    glimpse_library_status *status = NULL;
    open_session(f, NULL);
    assert_string_equal(glimpse_session_library_path(f->session), f->library);
    assert_int_equal(glimpse_session_search(&hits, f->session, words, 1, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_message("there is no library at ");
    assert_message("yet; make one with: glimpse_session_index");
    assert_null(hits);
    assert_int_equal(glimpse_session_load_status(&status, f->session), GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_session_reindex(f->session), GLIMPSE_E_NOT_FOUND);
    /* It was named, so that nobody can mean another one. */
    assert_int_equal(glimpse_session_has_library(f->session), GLIMPSE_E_NOT_FOUND);
    assert_int_not_equal(access(f->library, F_OK), 0);
}

static void the_place_of_the_library_is_that_of_the_moment_of_opening(void **state) {
    fixture *f = *state;
    char expected[1200], elsewhere[1200];
    glimpse_session_options options = options_for(f);
    options.library = NULL;
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", f->directory);
    (void)setenv("GLIMPSE_LIBRARY", elsewhere, 1);
    open_session(f, &options);
    (void)unsetenv("GLIMPSE_LIBRARY");
    assert_string_equal(glimpse_session_library_path(f->session), elsewhere);
    assert_int_equal(glimpse_session_has_library(f->session), 0);
    glimpse_session_close(f->session);
    f->session = NULL;
    open_session(f, &options);
    (void)snprintf(expected, sizeof expected, "%s/.local/share/glimpse/library", f->directory);
    assert_string_equal(glimpse_session_library_path(f->session), expected);
    glimpse_session_close(f->session);
    f->session = NULL;
    (void)unsetenv("HOME");
    open_session(f, &options);
    assert_null(glimpse_session_library_path(f->session));
    assert_int_equal(glimpse_session_reindex(f->session), GLIMPSE_E_NOT_FOUND);
    assert_message("HOME is not set");
}

static void options_of_another_size_are_taken_as_far_as_they_are_understood(void **state) {
    fixture *f = *state;
    struct {
        glimpse_session_options known;
        void *unknown;
    } newer = {options_for(f), NULL};
    newer.known.size = sizeof newer;
    open_session(f, &newer.known);
    glimpse_session_close(f->session);
    f->session = NULL;
    newer.unknown = &newer;
    assert_int_equal(glimpse_session_open(&f->session, &newer.known), GLIMPSE_E_UNSUPPORTED);
    assert_message("this version of the library does not know");
    assert_null(f->session);
    /* What nobody initialised. */
    glimpse_session_options blank = options_for(f);
    blank.size = 0;
    assert_int_equal(glimpse_session_open(&f->session, &blank), GLIMPSE_E_INVALID);
    assert_message("GLIMPSE_SESSION_OPTIONS_INIT");
}

static void a_data_directory_that_is_not_there_is_named(void **state) {
    fixture *f = *state;
    glimpse_session_options options = options_for(f);
    options.data_directory = "/nowhere/at/all";
    assert_int_equal(glimpse_session_open(&f->session, &options), GLIMPSE_E_NOT_FOUND);
    assert_message("/nowhere/at/all");
}

static void what_ships_is_found_from_where_the_code_is(void **state) {
    fixture *f = *state;
    glimpse_session_options options = options_for(f);
    options.data_directory = NULL;
    open_session(f, &options);
    const char *prices = glimpse_session_shipped(f->session, "prices.json");
    assert_non_null(prices);
    assert_int_equal(access(prices, R_OK), 0);
    assert_ptr_equal(glimpse_session_shipped(f->session, "prices.json"), prices);
    assert_null(glimpse_session_shipped(f->session, "no/such/thing"));
}

/*
 * Models.
 */
static void without_a_choice_the_demo_model_is_used_and_said_so_once(void **state) {
    fixture *f = *state;
    const glimpse_model *model = NULL, *again = NULL;
    const char *path = NULL;
    open_session(f, NULL);
    assert_ok(glimpse_session_model_path(&path, f->session));
    assert_string_equal(path, GLIMPSE_SOURCE_DIR "/data/models/demo");
    assert_ok(glimpse_session_model(&model, f->session, GLIMPSE_TOWER_TEXT));
    assert_ok(glimpse_session_model(&again, f->session, GLIMPSE_TOWER_TEXT));
    assert_ptr_equal(model, again);
    assert_int_equal(f->note_count, 1);
    assert_non_null(strstr(f->notes[0], "no model was chosen, using the demo model"));
}

static void a_tower_is_opened_when_it_is_needed_and_lent_models_stay(void **state) {
    fixture *f = *state;
    const glimpse_model *text = NULL, *image = NULL, *both = NULL, *again = NULL;
    open_session(f, NULL);
    assert_ok(glimpse_session_model(&text, f->session, GLIMPSE_TOWER_TEXT));
    assert_int_equal(glimpse_model_towers(text), GLIMPSE_TOWER_TEXT);
    assert_ok(glimpse_session_model(&image, f->session, GLIMPSE_TOWER_IMAGE));
    assert_int_equal(glimpse_model_towers(image), GLIMPSE_TOWER_IMAGE);
    assert_ok(glimpse_session_model(&both, f->session, GLIMPSE_TOWER_BOTH));
    assert_int_equal(glimpse_model_towers(both), GLIMPSE_TOWER_BOTH);
    assert_ok(glimpse_session_model(&again, f->session, GLIMPSE_TOWER_TEXT));
    assert_ptr_equal(text, again);
    assert_string_equal(glimpse_model_fingerprint(text), glimpse_model_fingerprint(both));
    assert_int_equal(glimpse_session_model(&again, f->session, 4), GLIMPSE_E_INVALID);
    assert_null(again);
}

static void a_model_that_is_not_there_is_named_with_the_places_looked_at(void **state) {
    fixture *f = *state;
    const glimpse_model *model = NULL;
    glimpse_session_options options = options_for(f);
    options.model = "clip-vit-none";
    open_session(f, &options);
    assert_int_equal(glimpse_session_model(&model, f->session, GLIMPSE_TOWER_TEXT),
                     GLIMPSE_E_NOT_FOUND);
    assert_message("there is no model clip-vit-none");
    assert_message("/.local/share/glimpse/models");
}

static void the_library_s_model_is_the_session_s(void **state) {
    fixture *f = *state;
    const char *path = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_session_close(f->session);
    f->session = NULL;
    f->note_count = 0;
    open_session(f, NULL);
    assert_ok(glimpse_session_model_path(&path, f->session));
    assert_string_equal(path, GLIMPSE_SOURCE_DIR "/data/models/demo");
    assert_int_equal(f->note_count, 1); /* nobody chose it when the library was made */
    assert_non_null(strstr(f->notes[0], "using the demo model"));
    assert_ok(glimpse_session_set_library_model(f->session, "demo"));
    glimpse_session_close(f->session);
    f->session = NULL;
    f->note_count = 0;
    open_session(f, NULL);
    assert_ok(glimpse_session_model_path(&path, f->session));
    assert_int_equal(f->note_count, 0); /* now it was chosen */
}

/*
 * Indexing.
 */
static void no_library_is_made_for_a_directory_that_is_not_there(void **state) {
    fixture *f = *state;
    const char *roots[] = {"/no/such/folder", "/nor/this"};
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    options.roots = roots;
    options.root_count = 2;
    open_session(f, NULL);
    assert_int_equal(glimpse_session_index(NULL, f->session, &options), GLIMPSE_E_NOT_FOUND);
    assert_message("/no/such/folder");
    assert_int_not_equal(access(f->library, F_OK), 0);
    /* Nor without anything to index. */
    assert_int_equal(glimpse_session_index(NULL, f->session, NULL), GLIMPSE_E_NOT_FOUND);
    assert_int_not_equal(access(f->library, F_OK), 0);
}

static void indexing_without_roots_looks_at_those_it_knows(void **state) {
    fixture *f = *state;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_index(&report, f->session, NULL));
    assert_true(report.files > 0);
    assert_int_equal(report.unchanged, report.files);
    assert_int_equal(report.embedded, 0);
}

static void a_session_that_only_reads_indexes_nothing(void **state) {
    fixture *f = *state;
    glimpse_session_options options = options_for(f);
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_session_close(f->session);
    f->session = NULL;
    options.library_flags = GLIMPSE_LIBRARY_READ_ONLY;
    open_session(f, &options);
    assert_int_equal(glimpse_session_index(NULL, f->session, NULL), GLIMPSE_E_IO);
    glimpse_hits_free(search(f, "a red circle", NULL));
}

/*
 * Searching.
 */
static void a_search_finds_what_the_library_s_own_search_does(void **state) {
    fixture *f = *state;
    const char *words[] = {"a", "red", "circle", "-", "blue"};
    glimpse_hits *hits = NULL;
    glimpse_library *library = NULL;
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_query *query = NULL;
    glimpse_results *results = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_search(&hits, f->session, words, 5, NULL));

    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_ok(glimpse_model_open(&model, GLIMPSE_SOURCE_DIR "/data/models/demo", &options));
    assert_ok(glimpse_encoder_create(&encoder, model, 1));
    assert_ok(glimpse_query_parse(&query, words, 5));
    float *vector = calloc(glimpse_model_embedding_size(model), sizeof *vector);
    assert_non_null(vector);
    assert_ok(glimpse_query_embed(vector, NULL, query, encoder, model));
    assert_ok(glimpse_library_open(&library, f->library, GLIMPSE_LIBRARY_READ_ONLY));
    assert_ok(glimpse_library_search(&results, library, model, vector, NULL));
    assert_int_equal(glimpse_hits_count(hits), 10);
    assert_int_equal(glimpse_results_count(results), 10);
    for (size_t i = 0; i < 10; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        assert_string_equal(hit->path, glimpse_results_get(results, i)->path);
        assert_string_equal(hit->result->id, glimpse_results_get(results, i)->id);
        assert_int_equal(hit->first_rank, i + 1);
        assert_true(isnan(hit->probability) && isnan(hit->blended) && !hit->reason);
    }
    assert_null(glimpse_hits_get(hits, 10));
    assert_string_equal(glimpse_hits_summarize(hits)->fingerprint,
                        glimpse_model_fingerprint(model));
    assert_int_equal(glimpse_hits_summarize(hits)->reranked, 0);
    free(vector);
    glimpse_results_free(results);
    glimpse_query_free(query);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    glimpse_library_close(library);
    glimpse_hits_free(hits);
}

static void hits_outlive_the_session(void **state) {
    fixture *f = *state;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits *hits = search(f, "a red circle", NULL);
    glimpse_session_close(f->session);
    f->session = NULL;
    assert_int_equal(access(glimpse_hits_get(hits, 0)->path, R_OK), 0);
    assert_string_equal(glimpse_hits_summarize(hits)->model, "demo");
    glimpse_hits_free(hits);
}

static void what_makes_no_sense_is_said_before_anything_is_opened(void **state) {
    fixture *f = *state;
    const char *words[] = {"a red circle"}, *nothing[] = {"-", "blue"};
    glimpse_hits *hits = NULL;
    glimpse_search_options search_options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    open_session(f, NULL); /* whose library does not exist: that would be GLIMPSE_E_NOT_FOUND */
    options.search = &search_options;
    search_options.after = "2020-13";
    assert_int_equal(glimpse_session_search(&hits, f->session, words, 1, &options),
                     GLIMPSE_E_INVALID);
    assert_message("2020-13");
    search_options.after = NULL;
    assert_int_equal(glimpse_session_search(&hits, f->session, words, 0, &options),
                     GLIMPSE_E_INVALID);
    options.rerank = 1;
    assert_int_equal(glimpse_session_search(&hits, f->session, nothing, 2, &options),
                     GLIMPSE_E_INVALID);
    assert_message("needs words");
    options.rerank_weight = 1.5;
    assert_int_equal(glimpse_session_search(&hits, f->session, words, 1, &options),
                     GLIMPSE_E_INVALID);
    assert_message("1.5");
    assert_null(hits);
}

static void the_picture_itself_is_left_out_of_what_is_similar(void **state) {
    fixture *f = *state;
    glimpse_hits *hits = NULL;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    char copy[1200], command[4000];
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits *all = search(f, "a red circle", NULL);
    const char *path = glimpse_hits_get(all, 0)->path;
    assert_ok(glimpse_session_similar(&hits, f->session, path, &options));
    assert_int_equal(glimpse_hits_count(hits), 10);
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        assert_string_not_equal(glimpse_hits_get(hits, i)->path, path);
    glimpse_hits_free(hits);
    options.with_self = 1;
    assert_ok(glimpse_session_similar(&hits, f->session, path, &options));
    assert_string_equal(glimpse_hits_get(hits, 0)->path, path);
    assert_true(glimpse_hits_get(hits, 0)->result->score > 0.999);
    glimpse_hits_free(hits);
    /* Its bytes under a name that the library does not know are the same picture. */
    (void)snprintf(copy, sizeof copy, "%s/copy", f->directory);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", path, copy);
    assert_int_equal(system(command), 0);
    options.with_self = 0;
    assert_ok(glimpse_session_similar(&hits, f->session, copy, &options));
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        assert_string_not_equal(glimpse_hits_get(hits, i)->path, path);
    glimpse_hits_free(hits);
    glimpse_hits_free(all);
    assert_int_equal(glimpse_session_similar(&hits, f->session, "/no/such.png", &options),
                     GLIMPSE_E_NOT_FOUND);
    assert_null(hits);
}

static void re_ranking_orders_the_first_results_anew(void **state) {
    fixture *f = *state;
    glimpse_search_options search_options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    open_session(f, NULL);
    index_demo(f, "shapes");
    search_options.k = 5;
    options.search = &search_options;
    options.rerank = 1;
    options.rerank_depth = 8;
    f->note_count = 0;
    glimpse_hits *hits = search(f, "a red circle", &options);
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    assert_int_equal(glimpse_hits_count(hits), 5);
    assert_true(summary->reranked && summary->depth == 8 && summary->failed == 0);
    assert_string_equal(summary->vlm.name, "itm");
    assert_int_equal(summary->vlm.remote, 0);
    assert_int_equal(summary->vlm.totals.answered, 8);
    assert_int_equal(f->note_count, 1);
    assert_non_null(strstr(f->notes[0], "no vision-language model was chosen"));
    double last = INFINITY;
    for (size_t i = 0; i < 5; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        assert_true(hit->probability >= 0 && hit->probability <= 1);
        assert_true(hit->blended <= last);
        assert_true(hit->first_rank >= 1 && hit->first_rank <= 8);
        last = hit->blended;
    }
    /* The answers are kept, the model is, and its note is not repeated. */
    glimpse_hits *again = search(f, "a red circle", &options);
    assert_int_equal(glimpse_hits_summarize(again)->vlm.totals.cached, 8);
    assert_int_equal(f->note_count, 1);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(glimpse_hits_get(hits, i)->path, glimpse_hits_get(again, i)->path);
    }
    glimpse_hits_free(again);
    glimpse_hits_free(hits);
    /* With weight 0 the first order stands. */
    options.rerank_weight = 0;
    hits = search(f, "a red circle", &options);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(glimpse_hits_get(hits, i)->first_rank, i + 1);
    glimpse_hits_free(hits);
}

static int count_looks(void *user, const glimpse_progress *progress) {
    size_t *looks = user;
    assert_string_equal(progress->stage, "looked at again");
    return ++*looks == 2;
}

static void a_list_of_files_is_put_in_order_and_can_be_stopped(void **state) {
    fixture *f = *state;
    const char *paths[] = {"/no/such.png", GLIMPSE_SOURCE_DIR "/data/demo/captions.tsv", NULL,
                           NULL};
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    glimpse_session_options session = options_for(f);
    glimpse_hits *hits = NULL;
    size_t looks = 0;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits *red = search(f, "a red circle", NULL);
    paths[2] = glimpse_hits_get(red, 9)->path;
    paths[3] = glimpse_hits_get(red, 0)->path;
    options.rerank_weight = 1;
    glimpse_session_close(f->session);
    f->session = NULL;
    session.no_library = 1;
    open_session(f, &session);
    assert_ok(glimpse_session_rerank(&hits, f->session, "a red circle", paths, 4, &options));
    assert_int_equal(glimpse_hits_count(hits), 4);
    assert_int_equal(glimpse_hits_summarize(hits)->failed, 2);
    for (size_t i = 0; i < 2; i++) { /* what cannot be looked at keeps its place */
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        assert_string_equal(hit->path, paths[i]);
        assert_true(isnan(hit->probability));
        assert_non_null(hit->reason);
        assert_null(strstr(hit->reason, paths[i]));
        assert_null(hit->result);
    }
    assert_true(glimpse_hits_get(hits, 2)->probability >= glimpse_hits_get(hits, 3)->probability);
    glimpse_hits_free(hits);
    options.progress = count_looks;
    options.user = &looks;
    assert_int_equal(glimpse_session_rerank(&hits, f->session, "a red circle", paths, 4, &options),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(looks, 2);
    assert_null(hits);
    glimpse_hits_free(red);
}

/*
 * The rest.
 */
static int count_visits(void *user, const glimpse_result *file, const float *embedding) {
    size_t *count = user;
    assert_non_null(file->path);
    assert_true(isfinite(embedding[0]));
    ++*count;
    return 0;
}

static void the_library_can_be_looked_at_and_looked_after(void **state) {
    fixture *f = *state;
    glimpse_library_status *status = NULL;
    glimpse_results *pictures = NULL;
    uint64_t checked = 0;
    size_t visits = 0;
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report forgotten = GLIMPSE_PRUNE_REPORT_INIT;
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_load_status(&status, f->session));
    assert_true(status->embedded > 10);
    assert_ok(glimpse_session_pictures(&pictures, f->session, NULL, 0));
    assert_int_equal(glimpse_results_count(pictures), status->embedded);
    assert_ok(glimpse_session_visit(f->session, NULL, 0, count_visits, &visits));
    assert_int_equal(visits, status->files);
    assert_ok(glimpse_session_verify(&checked, f->session, NULL, NULL));
    assert_int_equal(checked, status->embedded);
    assert_ok(glimpse_session_reindex(f->session));
    prune.model = "no-such-model";
    assert_int_equal(glimpse_session_prune(NULL, f->session, &prune), GLIMPSE_E_NOT_FOUND);
    prune.model = "demo";
    assert_ok(glimpse_session_prune(&forgotten, f->session, &prune));
    assert_int_equal(forgotten.embeddings, status->embedded);
    glimpse_results_free(pictures);
    glimpse_library_status_free(status);
}

static void texts_and_pictures_are_embedded_as_the_encoder_does(void **state) {
    fixture *f = *state;
    const char *texts[] = {"a red circle", "a blue square"};
    const char *picture = GLIMPSE_SOURCE_DIR "/data/demo/captions.tsv";
    const glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_session_options options = options_for(f);
    int truncated[2] = {9, 9}, unusable = 0;
    options.no_library = 1;
    open_session(f, &options);
    assert_ok(glimpse_session_model(&model, f->session, GLIMPSE_TOWER_TEXT));
    size_t width = glimpse_model_embedding_size(model);
    float *made = calloc(4 * width, sizeof *made), *expected = made + 2 * width;
    assert_non_null(made);
    assert_ok(glimpse_session_embed_texts(made, truncated, f->session, texts, 2, 0));
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_texts(expected, NULL, encoder, texts, 2, 0));
    assert_memory_equal(made, expected, 2 * width * sizeof *made);
    assert_int_equal(truncated[0] + truncated[1], 0);
    assert_true(glimpse_session_embed_picture(made, &unusable, f->session, picture, 0) < 0);
    assert_int_equal(unusable, 1);
    assert_message("captions.tsv");
    glimpse_encoder_free(encoder);
    free(made);
    assert_int_equal(glimpse_session_reindex(f->session), GLIMPSE_E_INVALID);
    assert_message("without a library");
}

static void models_are_listed_by_name_with_what_the_library_has(void **state) {
    fixture *f = *state;
    glimpse_model_list *list = NULL;
    char command[4000];
    (void)snprintf(command, sizeof command,
                   "mkdir -p '%s/.local/share/glimpse/models/org' && cp -r '%s' "
                   "'%s/.local/share/glimpse/models/org/copy'",
                   f->directory, GLIMPSE_SOURCE_DIR "/data/models/demo", f->directory);
    assert_int_equal(system(command), 0);
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_list_models(&list, f->session));
    assert_int_equal(glimpse_model_list_count(list), 2);
    const glimpse_model_entry *copy = glimpse_model_list_get(list, 0);
    const glimpse_model_entry *demo = glimpse_model_list_get(list, 1);
    assert_string_equal(copy->name, "org/copy");
    assert_string_equal(demo->name, "demo");
    assert_string_equal(copy->fingerprint, demo->fingerprint);
    assert_true(demo->in_library && demo->last_used && demo->embedded > 10);
    assert_true(demo->is_available && !demo->is_blip);
    glimpse_model_list_free(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_session_opens_without_a_library_and_says_so_where_it_needs_one),
        TEST(the_place_of_the_library_is_that_of_the_moment_of_opening),
        TEST(options_of_another_size_are_taken_as_far_as_they_are_understood),
        TEST(a_data_directory_that_is_not_there_is_named),
        TEST(what_ships_is_found_from_where_the_code_is),
        TEST(without_a_choice_the_demo_model_is_used_and_said_so_once),
        TEST(a_tower_is_opened_when_it_is_needed_and_lent_models_stay),
        TEST(a_model_that_is_not_there_is_named_with_the_places_looked_at),
        TEST(the_library_s_model_is_the_session_s),
        TEST(no_library_is_made_for_a_directory_that_is_not_there),
        TEST(indexing_without_roots_looks_at_those_it_knows),
        TEST(a_session_that_only_reads_indexes_nothing),
        TEST(a_search_finds_what_the_library_s_own_search_does),
        TEST(hits_outlive_the_session),
        TEST(what_makes_no_sense_is_said_before_anything_is_opened),
        TEST(the_picture_itself_is_left_out_of_what_is_similar),
        TEST(re_ranking_orders_the_first_results_anew),
        TEST(a_list_of_files_is_put_in_order_and_can_be_stopped),
        TEST(the_library_can_be_looked_at_and_looked_after),
        TEST(texts_and_pictures_are_embedded_as_the_encoder_does),
        TEST(models_are_listed_by_name_with_what_the_library_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

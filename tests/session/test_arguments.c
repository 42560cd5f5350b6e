/*
 * The two promises that all calls of glimpse/ share: an argument that is NULL and may not be is
 * GLIMPSE_E_INVALID with a message that says so, and a call that succeeds leaves the thread's last
 * error alone.
 */
#include "session_support.h"

#include <glimpse/glimpse.h>

#define BEFORE "the failure of before"

/* One of everything that a call may want. */
typedef struct world {
    glimpse_session *session;
    glimpse_library *library;
    const glimpse_model *model;
    glimpse_encoder *encoder;
    glimpse_classes *classes;
    glimpse_classifier *classifier;
    glimpse_labeller *labeller;
    glimpse_query *query;
    glimpse_decisions *decisions;
    glimpse_label_eval *eval;
    glimpse_truth *truth;
} world;

static const char *names[] = {"circle", "square"};
static const char *paths[] = {GLIMPSE_SOURCE_DIR "/data/demo/shapes"};
static const char table[] = "path,class\ncircle-night-149.jpg,circle\n";

static void set_up(world *w, fixture *f) {
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    char truth[1200];
    *w = (world){0};
    open_session(f, NULL);
    index_demo(f, "shapes");
    w->session = f->session;
    options.classes = "circle,square";
    options.jobs = 1;
    assert_ok(glimpse_session_open_library(&w->library, f->session, 0));
    assert_ok(glimpse_session_model(&w->model, f->session, GLIMPSE_TOWER_BOTH));
    assert_ok(glimpse_encoder_create(&w->encoder, w->model, 2));
    assert_ok(glimpse_classes_create(&w->classes, names, 2));
    assert_ok(glimpse_classifier_create(&w->classifier, w->encoder, w->model, names, 2, NULL, 0));
    assert_ok(glimpse_labeller_open(&w->labeller, w->library, w->model, w->encoder, &options));
    assert_ok(glimpse_query_parse(&w->query, names, 1));
    assert_ok(glimpse_decisions_load(&w->decisions, w->library));
    assert_ok(glimpse_label_eval_create(&w->eval, 2));
    (void)snprintf(truth, sizeof truth, "%s/truth.csv", f->directory);
    write_text(truth, table);
    assert_ok(glimpse_truth_load(&w->truth, truth, NULL));
}

static void tear_down(world *w) {
    glimpse_truth_free(w->truth);
    glimpse_label_eval_free(w->eval);
    glimpse_decisions_free(w->decisions);
    glimpse_query_free(w->query);
    glimpse_labeller_close(w->labeller);
    glimpse_classifier_free(w->classifier);
    glimpse_classes_free(w->classes);
    glimpse_encoder_free(w->encoder);
    glimpse_library_close(w->library);
}

/* Sets the last error to something that no call of the test says. */
static void fail_before(void) {
    glimpse_library *none = NULL;
    assert_true(glimpse_library_open(&none, "/no-such-place/" BEFORE, 0) < 0);
    assert_non_null(strstr(glimpse_last_error(), BEFORE));
}

static void expect_invalid(int status, const char *call) {
    if (status != GLIMPSE_E_INVALID) {
        fail_msg("%s: %s (%s)", call, glimpse_status_name(status), glimpse_last_error());
    }
    if (strstr(glimpse_last_error(), BEFORE)) fail_msg("%s says nothing", call);
    fail_before();
}
#define INVALID(call) expect_invalid((call), #call)

static int no_visit(void *user, const glimpse_result *file, const float *embedding) {
    (void)user, (void)file, (void)embedding;
    return 0;
}

/*
 * NULL, call by call; each line has one argument that may not be.
 */
static void nulls_of_sets(const world *w) {
    glimpse_dataset_options data = GLIMPSE_DATASET_OPTIONS_INIT;
    glimpse_caption_write_options text = GLIMPSE_CAPTION_WRITE_OPTIONS_INIT;
    glimpse_dataset_writer *writer = NULL;
    glimpse_table *rows = NULL;
    glimpse_query_file *queries = NULL;
    glimpse_truth *truth = NULL;
    glimpse_predictions *predictions = NULL;
    glimpse_judgement *judgement = NULL;
    glimpse_caption_pairs *pairs = NULL;
    glimpse_label_set set = {0};
    const glimpse_labelled labelled = {0};
    char **words = NULL;
    size_t count = 0;
    data.format = "jsonl";
    data.stream = stdout;
    INVALID(glimpse_dataset_writer_open(NULL, &set, &data));
    INVALID(glimpse_dataset_writer_open(&writer, NULL, &data));
    INVALID(glimpse_dataset_writer_open(&writer, &set, NULL));
    INVALID(glimpse_dataset_writer_add(NULL, &labelled));
    INVALID(glimpse_dataset_writer_finish(NULL, 1));
    assert_int_equal(glimpse_dataset_writer_left_out(NULL), 0);
    INVALID(glimpse_captions_write(NULL, NULL, 1, &text));
    INVALID(glimpse_captions_write(NULL, NULL, 0, NULL));
    assert_int_equal(glimpse_caption_format_of(NULL), -1);
    INVALID(glimpse_table_load(NULL, "x.csv"));
    INVALID(glimpse_table_load(&rows, NULL));
    INVALID(glimpse_query_file_load(NULL, "x.txt"));
    INVALID(glimpse_query_file_load(&queries, NULL));
    assert_int_equal(glimpse_table_column(NULL, "path"), -1);
    INVALID(glimpse_truth_load(NULL, "x.csv", NULL));
    INVALID(glimpse_truth_load(&truth, NULL, NULL));
    INVALID(glimpse_truth_find(NULL, w->truth, "x", 0));
    INVALID(glimpse_truth_find(&count, NULL, "x", 0));
    INVALID(glimpse_truth_find(&count, w->truth, NULL, 0));
    INVALID(glimpse_predictions_load(NULL, "x.csv"));
    INVALID(glimpse_predictions_load(&predictions, NULL));
    INVALID(glimpse_judgement_create(NULL, "x.csv", "y.csv", NULL));
    INVALID(glimpse_judgement_create(&judgement, NULL, "y.csv", NULL));
    INVALID(glimpse_judgement_create(&judgement, "x.csv", NULL, NULL));
    INVALID(glimpse_caption_pairs_load(NULL, "x.json", NULL));
    INVALID(glimpse_caption_pairs_load(&pairs, NULL, NULL));
    INVALID(glimpse_caption_pairs_drop(NULL, (const unsigned char *)""));
    INVALID(glimpse_caption_keywords(NULL, &count, "a"));
    INVALID(glimpse_caption_keywords(&words, NULL, "a"));
    INVALID(glimpse_caption_keywords(&words, &count, NULL));
}

static void nulls_of_labels(const world *w) {
    glimpse_lines *lines = NULL;
    glimpse_classes *classes = NULL;
    glimpse_classifier *classifier = NULL;
    glimpse_labeller *labeller = NULL;
    glimpse_labelling *labelling = NULL;
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    glimpse_classifier_options build = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    glimpse_calibration calibration = GLIMPSE_CALIBRATION_INIT;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label labels[2];
    glimpse_label_verdict verdict;
    const size_t truth[1] = {0};
    const float row[1] = {1};
    double numbers[3] = {0};
    size_t i;
    options.classes = "circle,square";
    build.classes = w->classes;
    INVALID(glimpse_lines_load(NULL, "x.txt"));
    INVALID(glimpse_lines_load(&lines, NULL));
    INVALID(glimpse_lines_split(NULL, "a", ','));
    INVALID(glimpse_lines_split(&lines, NULL, ','));
    INVALID(glimpse_classes_load(NULL, "x.txt"));
    INVALID(glimpse_classes_load(&classes, NULL));
    INVALID(glimpse_classes_split(NULL, "a"));
    INVALID(glimpse_classes_split(&classes, NULL));
    INVALID(glimpse_classes_create(NULL, names, 2));
    INVALID(glimpse_classes_create(&classes, NULL, 2));
    INVALID(glimpse_classes_find(NULL, w->classes, "circle"));
    INVALID(glimpse_classes_find(&i, NULL, "circle"));
    INVALID(glimpse_classes_find(&i, w->classes, NULL));
    INVALID(glimpse_classifier_build(NULL, w->encoder, w->model, &build));
    INVALID(glimpse_classifier_build(&classifier, w->encoder, NULL, &build));
    INVALID(glimpse_classifier_build(&classifier, w->encoder, w->model, NULL));
    INVALID(glimpse_classifier_create(NULL, w->encoder, w->model, names, 2, NULL, 0));
    INVALID(glimpse_classifier_create(&classifier, NULL, w->model, names, 2, NULL, 0));
    INVALID(glimpse_classifier_create(&classifier, w->encoder, NULL, names, 2, NULL, 0));
    INVALID(glimpse_classifier_create(&classifier, w->encoder, w->model, NULL, 2, NULL, 0));
    INVALID(glimpse_classifier_create(&classifier, w->encoder, w->model, names, 2, NULL, 1));
    INVALID(glimpse_classifier_score(NULL, w->classifier, row, 1));
    INVALID(glimpse_classifier_score(labels, NULL, row, 1));
    INVALID(glimpse_classifier_score(labels, w->classifier, NULL, 1));
    INVALID(glimpse_classifier_label_many(NULL, &verdict, w->classifier, &rules, row, 1, 1));
    INVALID(glimpse_classifier_label_many(labels, NULL, w->classifier, &rules, row, 1, 1));
    INVALID(glimpse_classifier_label_many(labels, &verdict, NULL, &rules, row, 1, 1));
    INVALID(glimpse_classifier_label_many(labels, &verdict, w->classifier, NULL, row, 1, 1));
    INVALID(glimpse_classifier_label_many(labels, &verdict, w->classifier, &rules, NULL, 1, 1));
    INVALID(glimpse_classifier_logits(NULL, w->classifier, row, 1));
    INVALID(glimpse_classifier_logits(numbers, NULL, row, 1));
    INVALID(glimpse_classifier_logits(numbers, w->classifier, NULL, 1));
    INVALID(glimpse_classifier_add_examples(NULL, NULL, row, truth, 1));
    INVALID(glimpse_classifier_add_examples(NULL, w->classifier, NULL, truth, 1));
    INVALID(glimpse_classifier_add_examples(NULL, w->classifier, row, NULL, 1));
    INVALID(glimpse_calibrate(NULL, GLIMPSE_SCORING_SOFTMAX, numbers, truth, 1, 2, 0));
    INVALID(glimpse_calibrate(&calibration, GLIMPSE_SCORING_SOFTMAX, NULL, truth, 1, 2, 0));
    INVALID(glimpse_calibrate(&calibration, GLIMPSE_SCORING_SOFTMAX, numbers, NULL, 1, 2, 0));
    INVALID(glimpse_calibrate_thresholds(NULL, GLIMPSE_SCORING_SIGMOID, numbers, truth, 1, 2, 0));
    INVALID(glimpse_calibrate_thresholds(numbers, GLIMPSE_SCORING_SIGMOID, NULL, truth, 1, 2, 0));
    INVALID(glimpse_calibrate_thresholds(numbers, GLIMPSE_SCORING_SIGMOID, numbers, NULL, 1, 2, 0));
    INVALID(glimpse_calibration_write(NULL, w->classifier, NULL, "c.json"));
    INVALID(glimpse_calibration_write(&calibration, NULL, NULL, "c.json"));
    INVALID(glimpse_calibration_write(&calibration, w->classifier, NULL, NULL));
    INVALID(glimpse_calibration_read(NULL, NULL, w->classifier, "c.json"));
    INVALID(glimpse_calibration_read(&calibration, NULL, NULL, "c.json"));
    INVALID(glimpse_calibration_read(&calibration, NULL, w->classifier, NULL));
    INVALID(glimpse_labeller_open(NULL, NULL, w->model, w->encoder, &options));
    INVALID(glimpse_labeller_open(&labeller, NULL, NULL, w->encoder, &options));
    INVALID(glimpse_labeller_open(&labeller, NULL, w->model, NULL, &options));
    INVALID(glimpse_labeller_open(&labeller, NULL, w->model, w->encoder, NULL));
    INVALID(glimpse_labeller_fit(NULL));
    assert_null(glimpse_labeller_set(NULL));
    assert_null(glimpse_labeller_calibration(NULL));
    INVALID(glimpse_labeller_label_paths(NULL, NULL, paths, 1, NULL, NULL));
    INVALID(glimpse_labeller_label_paths(NULL, w->labeller, NULL, 1, NULL, NULL));
    INVALID(glimpse_labeller_label_library(NULL, NULL, NULL, 0, NULL, NULL));
    INVALID(glimpse_labeller_score_prompts(NULL, "x.csv", NULL, NULL));
    INVALID(glimpse_labeller_score_prompts(w->labeller, NULL, NULL, NULL));
    INVALID(glimpse_labeller_score_prompts(w->labeller, "x.csv", NULL, NULL));
    INVALID(glimpse_labelling_create(NULL, w->library, w->model, w->classifier, "a", ""));
    INVALID(glimpse_labelling_create(&labelling, NULL, w->model, w->classifier, "a", ""));
    INVALID(glimpse_labelling_create(&labelling, w->library, NULL, w->classifier, "a", ""));
    INVALID(glimpse_labelling_create(&labelling, w->library, w->model, NULL, "a", ""));
    INVALID(glimpse_labelling_create(&labelling, w->library, w->model, w->classifier, NULL, ""));
    INVALID(glimpse_labelling_add(NULL, "0", labels, 1));
    INVALID(glimpse_labelling_commit(NULL, NULL));
    INVALID(glimpse_library_labellings(NULL, NULL, NULL));
    INVALID(glimpse_library_labellings(w->library, NULL, NULL));
    INVALID(glimpse_library_labels(w->library, NULL, NULL, NULL));
    INVALID(glimpse_library_labels(w->library, "x", NULL, NULL));
    INVALID(glimpse_library_forget_labelling(NULL, "a"));
    INVALID(glimpse_library_forget_labelling(w->library, NULL));
}

static void nulls_of_figures(const world *w) {
    glimpse_label_report *report = NULL;
    glimpse_retrieval_report *retrieval = NULL;
    glimpse_reranked order;
    const glimpse_pair pair = {0, 0};
    const float row[1] = {1};
    const double score = 1;
    INVALID(glimpse_label_eval_create(NULL, 2));
    INVALID(glimpse_label_eval_add(NULL, NULL, 0, NULL, 0, 0));
    INVALID(glimpse_label_eval_add(w->eval, NULL, 1, NULL, 0, 0));
    INVALID(glimpse_label_eval_add(w->eval, NULL, 0, NULL, 1, 0));
    INVALID(glimpse_label_eval_margin(NULL, 0));
    INVALID(glimpse_label_eval_report(NULL, w->eval, NULL));
    INVALID(glimpse_label_eval_report(&report, NULL, NULL));
    INVALID(glimpse_retrieval_evaluate(NULL, row, 1, row, 1, 1, &pair, 1, NULL));
    INVALID(glimpse_retrieval_evaluate(&retrieval, NULL, 1, row, 1, 1, &pair, 1, NULL));
    INVALID(glimpse_retrieval_evaluate(&retrieval, row, 1, NULL, 1, 1, &pair, 1, NULL));
    INVALID(glimpse_retrieval_evaluate(&retrieval, row, 1, row, 1, 1, NULL, 1, NULL));
    INVALID(glimpse_rerank(NULL, &score, &score, 1, 0.5));
    INVALID(glimpse_rerank(&order, NULL, &score, 1, 0.5));
    INVALID(glimpse_rerank(&order, &score, NULL, 1, 0.5));
}

static void nulls_of_the_library(const world *w) {
    glimpse_library *library = NULL;
    glimpse_library_status *status = NULL;
    glimpse_results *results = NULL;
    glimpse_query *query = NULL;
    glimpse_response_cache *cache = NULL;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    const float vector[1] = {1};
    float embedding[1];
    int64_t number;
    ingest.model = w->model;
    INVALID(glimpse_library_open(NULL, "x", 0));
    INVALID(glimpse_library_open(&library, NULL, 0));
    INVALID(glimpse_library_open_sibling(NULL, w->library));
    INVALID(glimpse_library_open_sibling(&library, NULL));
    INVALID(glimpse_library_ingest(NULL, NULL, &ingest));
    INVALID(glimpse_library_ingest(NULL, w->library, NULL));
    INVALID(glimpse_library_search(NULL, w->library, w->model, vector, NULL));
    INVALID(glimpse_library_search(&results, NULL, w->model, vector, NULL));
    INVALID(glimpse_library_search(&results, w->library, NULL, vector, NULL));
    INVALID(glimpse_library_search(&results, w->library, w->model, NULL, NULL));
    INVALID(glimpse_library_embedding(NULL, NULL, w->library, w->model, "x"));
    INVALID(glimpse_library_embedding(embedding, NULL, NULL, w->model, "x"));
    INVALID(glimpse_library_embedding(embedding, NULL, w->library, NULL, "x"));
    INVALID(glimpse_library_embedding(embedding, NULL, w->library, w->model, NULL));
    INVALID(glimpse_library_visit(NULL, w->model, NULL, 0, no_visit, NULL));
    INVALID(glimpse_library_visit(w->library, NULL, NULL, 0, no_visit, NULL));
    INVALID(glimpse_library_visit(w->library, w->model, NULL, 0, NULL, NULL));
    INVALID(glimpse_library_pictures(NULL, w->library, NULL, 0));
    INVALID(glimpse_library_pictures(&results, NULL, NULL, 0));
    INVALID(glimpse_library_pictures_filtered(NULL, w->library, NULL));
    INVALID(glimpse_library_pictures_filtered(&results, NULL, NULL));
    INVALID(glimpse_library_visit_filtered(NULL, w->model, NULL, no_visit, NULL));
    INVALID(glimpse_library_visit_filtered(w->library, w->model, NULL, NULL, NULL));
    INVALID(glimpse_library_list(NULL, NULL, NULL, NULL));
    INVALID(glimpse_library_list(w->library, NULL, NULL, NULL));
    INVALID(glimpse_collection_name_check(NULL));
    INVALID(glimpse_library_collect(NULL, NULL, GLIMPSE_COLLECTION_TAG, names, 1, NULL));
    INVALID(glimpse_library_collect(NULL, w->library, GLIMPSE_COLLECTION_TAG, NULL, 1, NULL));
    INVALID(glimpse_library_collect(NULL, w->library, GLIMPSE_COLLECTION_TAG, NULL, 0, NULL));
    INVALID(glimpse_library_collect(NULL, w->library, (glimpse_collection_kind)3, names, 1, NULL));
    INVALID(glimpse_library_uncollect(NULL, NULL, GLIMPSE_COLLECTION_TAG, names, 1, NULL));
    INVALID(glimpse_library_uncollect(NULL, w->library, GLIMPSE_COLLECTION_TAG, NULL, 1, NULL));
    INVALID(glimpse_library_collections(NULL, GLIMPSE_COLLECTION_TAG, NULL, NULL));
    INVALID(glimpse_library_collections(w->library, GLIMPSE_COLLECTION_TAG, NULL, NULL));
    INVALID(glimpse_library_collections_of(NULL, GLIMPSE_COLLECTION_TAG, "x", NULL, NULL));
    INVALID(glimpse_library_collections_of(w->library, GLIMPSE_COLLECTION_TAG, NULL, NULL, NULL));
    INVALID(glimpse_library_create_album(NULL, "x"));
    INVALID(glimpse_library_create_album(w->library, NULL));
    INVALID(glimpse_library_rename_collection(NULL, NULL, GLIMPSE_COLLECTION_TAG, "x", "y"));
    INVALID(glimpse_library_rename_collection(NULL, w->library, GLIMPSE_COLLECTION_TAG, "x", NULL));
    INVALID(glimpse_library_delete_collection(NULL, GLIMPSE_COLLECTION_TAG, "x"));
    INVALID(glimpse_library_delete_collection(w->library, GLIMPSE_COLLECTION_TAG, NULL));
    INVALID(glimpse_where_check(NULL));
    INVALID(glimpse_places_describe(NULL, NULL));
    INVALID(glimpse_library_load_status(NULL, w->library));
    INVALID(glimpse_library_load_status(&status, NULL));
    INVALID(glimpse_library_load_model_status(NULL, w->library));
    INVALID(glimpse_library_load_model_status(&status, NULL));
    INVALID(glimpse_library_verify(NULL, NULL, NULL, NULL));
    INVALID(glimpse_library_reindex(NULL));
    INVALID(glimpse_library_prune(NULL, NULL, NULL));
    INVALID(glimpse_library_store_captions(NULL, NULL, NULL, 0));
    INVALID(glimpse_library_store_captions(NULL, w->library, NULL, 1));
    INVALID(glimpse_library_captions(NULL, NULL, NULL, NULL));
    INVALID(glimpse_library_captions(w->library, NULL, NULL, NULL));
    INVALID(glimpse_library_forget_captions(NULL, NULL, NULL));
    INVALID(glimpse_query_parse(NULL, names, 1));
    INVALID(glimpse_query_parse(&query, NULL, 1));
    INVALID(glimpse_query_embed(NULL, NULL, w->query, w->encoder, w->model));
    INVALID(glimpse_query_embed(embedding, NULL, NULL, w->encoder, w->model));
    INVALID(glimpse_query_embed(embedding, NULL, w->query, NULL, w->model));
    INVALID(glimpse_query_embed(embedding, NULL, w->query, w->encoder, NULL));
    INVALID(glimpse_response_cache_open_library(NULL, w->library));
    INVALID(glimpse_response_cache_open_library(&cache, NULL));
    INVALID(glimpse_response_cache_open(NULL, "x"));
    INVALID(glimpse_response_cache_count(&number, NULL));
    INVALID(glimpse_response_cache_forget(NULL, NULL, NULL));
}

static void nulls_of_duplicates(const world *w) {
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_dedup_options search = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *found = NULL;
    glimpse_dedup_plan *plan = NULL;
    glimpse_audit *audit = NULL;
    glimpse_decisions *decisions = NULL;
    char id[33];
    options.kind = GLIMPSE_ACTION_TRASH;
    assert_ok(glimpse_actions_open(&actions, NULL));
    INVALID(glimpse_actions_open(NULL, NULL));
    INVALID(glimpse_actions_preview(NULL, &options, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_preview(&report, NULL, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_preview(&report, &options, NULL, 1, NULL, NULL));
    INVALID(glimpse_actions_apply(NULL, actions, &options, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_apply(&report, NULL, &options, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_apply(&report, actions, NULL, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_apply(&report, actions, &options, NULL, 1, NULL, NULL));
    options.kind = GLIMPSE_ACTION_MOVE;
    INVALID(glimpse_actions_preview(&report, &options, NULL, 0, NULL, NULL));
    assert_int_equal(glimpse_actions_preview(&report, &options, NULL, 0, NULL, NULL),
                     GLIMPSE_E_INVALID);
    assert_string_equal(glimpse_last_error(), "no directory to move to");
    options.directory = "relative";
    assert_int_equal(glimpse_actions_preview(&report, &options, NULL, 0, NULL, NULL),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "relative"));
    fail_before();
    INVALID(glimpse_actions_undo(NULL, actions, 0, NULL, NULL));
    INVALID(glimpse_actions_undo(&report, NULL, 0, NULL, NULL));
    INVALID(glimpse_actions_empty(NULL, actions, 0, 0, NULL, NULL));
    INVALID(glimpse_actions_empty(&report, NULL, 0, 0, NULL, NULL));
    INVALID(glimpse_actions_runs(NULL, NULL, NULL));
    INVALID(glimpse_actions_runs(actions, NULL, NULL));
    glimpse_actions_close(actions);
    INVALID(glimpse_content_id(NULL, "x"));
    INVALID(glimpse_content_id(id, NULL));
    INVALID(glimpse_decision_add(NULL, NULL, GLIMPSE_DECISION_KEEP_ALL, NULL, NULL, 0));
    INVALID(glimpse_decision_add(NULL, w->library, GLIMPSE_DECISION_KEEP_ALL, NULL, NULL, 2));
    INVALID(glimpse_decision_forget(NULL, 1));
    INVALID(glimpse_decisions_load(NULL, w->library));
    INVALID(glimpse_decisions_load(&decisions, NULL));
    INVALID(glimpse_dedup_run(NULL, &search));
    INVALID(glimpse_dedup_run(&found, NULL));
    INVALID(glimpse_audit_run(NULL, found, NULL));
    INVALID(glimpse_audit_run(&audit, NULL, NULL));
    INVALID(glimpse_dedup_plan_create(NULL, found, NULL));
    INVALID(glimpse_dedup_plan_create(&plan, NULL, NULL));
    INVALID(glimpse_dedup_check_target(NULL, paths, 1));
    INVALID(glimpse_dedup_check_target("/x", NULL, 1));
}

static void nulls_of_the_session(const world *w) {
    glimpse_session *s = w->session, *session = NULL;
    const glimpse_model *model = NULL;
    glimpse_model_list *models = NULL;
    glimpse_library *library = NULL;
    glimpse_library_status *status = NULL;
    glimpse_results *results = NULL;
    glimpse_hits *hits = NULL;
    glimpse_model_coverage coverage;
    glimpse_model_comparison *comparison = NULL;
    const glimpse_query_line line = {.text = "x", .line = 1};
    const glimpse_query_file asked = {.path = "x", .queries = &line, .count = 1};
    size_t coverage_count = 0;
    glimpse_retrieval_evaluation *evaluation = NULL;
    glimpse_retrieval_set set = {0};
    const char *path = NULL;
    const glimpse_catalog *catalog = NULL;
    glimpse_catalog *loaded = NULL;
    glimpse_pull *pull = NULL;
    double flops;
    float embedding[1];
    INVALID(glimpse_session_open(NULL, NULL));
    INVALID(glimpse_session_has_library(session));
    INVALID(glimpse_session_model_path(NULL, s));
    INVALID(glimpse_session_model_path(&path, NULL));
    INVALID(glimpse_session_catalog(NULL, s));
    INVALID(glimpse_session_catalog(&catalog, NULL));
    INVALID(glimpse_catalog_load(NULL, "x.json"));
    INVALID(glimpse_catalog_load(&loaded, NULL));
    INVALID(glimpse_session_open_pull(NULL, s, "org/name", NULL));
    INVALID(glimpse_session_open_pull(&pull, NULL, "org/name", NULL));
    INVALID(glimpse_session_open_pull(&pull, s, NULL, NULL));
    INVALID(glimpse_pull_open(NULL, "org/name", NULL, "/models", NULL));
    INVALID(glimpse_pull_open(&pull, NULL, NULL, "/models", NULL));
    INVALID(glimpse_pull_open(&pull, "org/name", NULL, NULL, NULL));
    INVALID(glimpse_pull_run(NULL));
    INVALID(glimpse_session_measure_flops(NULL, s));
    INVALID(glimpse_session_measure_flops(&flops, NULL));
    INVALID(glimpse_session_list_models(NULL, s));
    INVALID(glimpse_session_list_models(&models, NULL));
    INVALID(glimpse_session_model(NULL, s, GLIMPSE_TOWER_TEXT));
    INVALID(glimpse_session_model(&model, NULL, GLIMPSE_TOWER_TEXT));
    INVALID(glimpse_session_open_library(NULL, s, 0));
    INVALID(glimpse_session_open_library(&library, NULL, 0));
    INVALID(glimpse_session_index(NULL, NULL, NULL));
    INVALID(glimpse_session_load_status(NULL, s));
    INVALID(glimpse_session_load_status(&status, NULL));
    INVALID(glimpse_session_load_model_status(NULL, s));
    INVALID(glimpse_session_load_model_status(&status, NULL));
    INVALID(glimpse_session_pictures(NULL, s, NULL, 0));
    INVALID(glimpse_session_pictures(&results, NULL, NULL, 0));
    INVALID(glimpse_session_visit(NULL, NULL, 0, no_visit, NULL));
    INVALID(glimpse_session_visit(s, NULL, 0, NULL, NULL));
    INVALID(glimpse_session_list(s, NULL, NULL, NULL));
    INVALID(glimpse_session_list(NULL, NULL, NULL, NULL));
    INVALID(glimpse_session_collect(NULL, NULL, GLIMPSE_COLLECTION_TAG, names, 1, NULL));
    INVALID(glimpse_session_uncollect(NULL, NULL, GLIMPSE_COLLECTION_TAG, names, 1, NULL));
    INVALID(glimpse_session_collections(NULL, GLIMPSE_COLLECTION_TAG, NULL, NULL));
    INVALID(glimpse_session_collections(s, GLIMPSE_COLLECTION_TAG, NULL, NULL));
    INVALID(glimpse_session_collections_of(NULL, GLIMPSE_COLLECTION_TAG, "x", NULL, NULL));
    INVALID(glimpse_session_collections_of(s, GLIMPSE_COLLECTION_TAG, NULL, NULL, NULL));
    INVALID(glimpse_session_create_album(NULL, "x"));
    INVALID(glimpse_session_rename_collection(NULL, NULL, GLIMPSE_COLLECTION_TAG, "x", "y"));
    INVALID(glimpse_session_delete_collection(NULL, GLIMPSE_COLLECTION_TAG, "x"));
    INVALID(glimpse_session_verify(NULL, NULL, NULL, NULL));
    INVALID(glimpse_session_reindex(NULL));
    INVALID(glimpse_session_prune(NULL, NULL, NULL));
    INVALID(glimpse_session_embed_texts(NULL, NULL, s, names, 1, 0));
    INVALID(glimpse_session_embed_texts(embedding, NULL, NULL, names, 1, 0));
    INVALID(glimpse_session_embed_texts(embedding, NULL, s, NULL, 1, 0));
    INVALID(glimpse_session_embed_picture(NULL, NULL, s, "x", 0));
    INVALID(glimpse_session_embed_picture(embedding, NULL, NULL, "x", 0));
    INVALID(glimpse_session_embed_picture(embedding, NULL, s, NULL, 0));
    INVALID(glimpse_session_search(NULL, s, names, 1, NULL));
    INVALID(glimpse_session_search(&hits, NULL, names, 1, NULL));
    INVALID(glimpse_session_search(&hits, s, NULL, 1, NULL));
    INVALID(glimpse_session_load_coverage(NULL, &coverage_count, s));
    INVALID(glimpse_session_load_coverage(&coverage, NULL, s));
    INVALID(glimpse_session_load_coverage(&coverage, &coverage_count, NULL));
    INVALID(glimpse_session_embed_rest(NULL, NULL, NULL));
    INVALID(glimpse_session_compare_models(NULL, s, names, 2, &asked, NULL));
    INVALID(glimpse_session_compare_models(&comparison, NULL, names, 2, &asked, NULL));
    INVALID(glimpse_session_compare_models(&comparison, s, NULL, 2, &asked, NULL));
    INVALID(glimpse_session_compare_models(&comparison, s, names, 2, NULL, NULL));
    INVALID(glimpse_session_similar(NULL, s, "x", NULL));
    INVALID(glimpse_session_similar(&hits, NULL, "x", NULL));
    INVALID(glimpse_session_similar(&hits, s, NULL, NULL));
    INVALID(glimpse_session_rerank(NULL, s, "x", paths, 1, NULL));
    INVALID(glimpse_session_rerank(&hits, NULL, "x", paths, 1, NULL));
    INVALID(glimpse_session_rerank(&hits, s, NULL, paths, 1, NULL));
    INVALID(glimpse_session_rerank(&hits, s, "x", NULL, 1, NULL));
    INVALID(glimpse_session_evaluate_retrieval(NULL, s, &set, NULL));
    INVALID(glimpse_session_evaluate_retrieval(&evaluation, NULL, &set, NULL));
    INVALID(glimpse_session_evaluate_retrieval(&evaluation, s, NULL, NULL));
}

static void nulls_of_the_session_s_parts(const world *w) {
    glimpse_session *s = w->session;
    glimpse_labeller *labeller = NULL;
    glimpse_captioning *captions = NULL;
    glimpse_compared_pair *pair = NULL;
    glimpse_reading *reading = NULL;
    glimpse_vlm *vlm = NULL;
    glimpse_dedup_report *found = NULL;
    glimpse_audit *audit = NULL;
    glimpse_decisions *decisions = NULL;
    glimpse_dedup_plan plan = {0};
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    glimpse_action_options action = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    const char *spec = NULL;
    char *prompt = NULL;
    options.classes = "circle,square";
    action.kind = GLIMPSE_ACTION_TRASH;
    INVALID(glimpse_session_open_labeller(NULL, s, 0, &options));
    INVALID(glimpse_session_open_labeller(&labeller, NULL, 0, &options));
    INVALID(glimpse_session_open_labeller(&labeller, s, 0, NULL));
    INVALID(glimpse_session_label(NULL, NULL, paths, 1, &options, NULL, NULL));
    INVALID(glimpse_session_label(NULL, s, NULL, 1, &options, NULL, NULL));
    INVALID(glimpse_session_label(NULL, s, paths, 1, NULL, NULL, NULL));
    INVALID(glimpse_session_label_library(NULL, NULL, NULL, 0, &options, NULL, NULL));
    INVALID(glimpse_session_label_library(NULL, s, NULL, 0, NULL, NULL, NULL));
    INVALID(glimpse_session_labellings(NULL, NULL, NULL));
    INVALID(glimpse_session_labellings(s, NULL, NULL));
    INVALID(glimpse_session_forget_labelling(NULL, "a"));
    INVALID(glimpse_session_forget_labelling(s, NULL));
    INVALID(glimpse_session_ask(NULL, NULL, "what?", paths, 1, NULL, NULL, NULL));
    INVALID(glimpse_session_ask(NULL, s, NULL, paths, 1, NULL, NULL, NULL));
    INVALID(glimpse_session_ask(NULL, s, "what?", NULL, 1, NULL, NULL, NULL));
    INVALID(glimpse_session_caption(NULL, s, NULL, 0, NULL));
    INVALID(glimpse_session_caption(&captions, NULL, NULL, 0, NULL));
    INVALID(glimpse_session_caption(&captions, s, NULL, 1, NULL));
    INVALID(glimpse_session_compare(NULL, s, "a", "b", NULL));
    INVALID(glimpse_session_compare(&pair, NULL, "a", "b", NULL));
    INVALID(glimpse_session_compare(&pair, s, NULL, "b", NULL));
    INVALID(glimpse_session_compare(&pair, s, "a", NULL, NULL));
    INVALID(glimpse_session_read(NULL, s, "a.pdf", "what?", NULL));
    INVALID(glimpse_session_read(&reading, NULL, "a.pdf", "what?", NULL));
    INVALID(glimpse_session_read(&reading, s, NULL, "what?", NULL));
    INVALID(glimpse_session_read(&reading, s, "a.pdf", NULL, NULL));
    INVALID(glimpse_session_vlm_spec(NULL, s, NULL, NULL));
    INVALID(glimpse_session_vlm_spec(&spec, NULL, NULL, NULL));
    INVALID(glimpse_session_vlm(NULL, NULL, s, NULL, NULL));
    INVALID(glimpse_session_vlm(&vlm, NULL, NULL, NULL, NULL));
    INVALID(glimpse_session_prompt(NULL, s, "ask", ""));
    INVALID(glimpse_session_prompt(&prompt, NULL, "ask", ""));
    INVALID(glimpse_session_prompt(&prompt, s, NULL, ""));
    INVALID(glimpse_session_prompt(&prompt, s, "ask", NULL));
    INVALID(glimpse_session_dedup(NULL, s, NULL));
    INVALID(glimpse_session_dedup(&found, NULL, NULL));
    INVALID(glimpse_session_audit(NULL, &found, s, NULL, NULL));
    INVALID(glimpse_session_audit(&audit, NULL, s, NULL, NULL));
    INVALID(glimpse_session_audit(&audit, &found, NULL, NULL, NULL));
    INVALID(glimpse_session_act(NULL, s, &plan, &action, 0, NULL, NULL));
    INVALID(glimpse_session_act(&report, NULL, &plan, &action, 0, NULL, NULL));
    INVALID(glimpse_session_act(&report, s, NULL, &action, 0, NULL, NULL));
    INVALID(glimpse_session_act(&report, s, &plan, NULL, 0, NULL, NULL));
    INVALID(glimpse_session_undo(NULL, s, 0, NULL, NULL));
    INVALID(glimpse_session_undo(&report, NULL, 0, NULL, NULL));
    INVALID(glimpse_session_empty(NULL, s, 0, 0, NULL, NULL));
    INVALID(glimpse_session_empty(&report, NULL, 0, 0, NULL, NULL));
    INVALID(glimpse_session_action_runs(NULL, NULL, NULL));
    INVALID(glimpse_session_action_runs(s, NULL, NULL));
    INVALID(glimpse_session_decide(NULL, NULL, NULL, GLIMPSE_DECISION_KEEP_ALL, paths, 1));
    INVALID(glimpse_session_decide(NULL, NULL, s, GLIMPSE_DECISION_KEEP_ALL, NULL, 1));
    INVALID(glimpse_session_load_decisions(NULL, s));
    INVALID(glimpse_session_load_decisions(&decisions, NULL));
    INVALID(glimpse_session_forget_decision(NULL, 1));
}

static void a_null_that_may_not_be_is_refused_by_every_call(void **state) {
    world w;
    set_up(&w, *state);
    fail_before();
    nulls_of_sets(&w);
    nulls_of_labels(&w);
    nulls_of_figures(&w);
    nulls_of_the_library(&w);
    nulls_of_duplicates(&w);
    nulls_of_the_session(&w);
    nulls_of_the_session_s_parts(&w);
    tear_down(&w);
}

/*
 * Success.
 */
static void expect_quiet(int status, const char *call) {
    if (status != GLIMPSE_OK) {
        fail_msg("%s: %s (%s)", call, glimpse_status_name(status), glimpse_last_error());
    }
    if (!strstr(glimpse_last_error(), BEFORE)) {
        fail_msg("%s succeeded and left \"%s\"", call, glimpse_last_error());
    }
}
#define QUIET(call) expect_quiet((call), #call)

static void success_leaves_the_last_error_alone(void **state) {
    fixture *f = *state;
    const char *mixed[] = {paths[0], "/no-such-directory/no-such-picture.jpg"};
    const char *picture[] = {GLIMPSE_SOURCE_DIR "/data/demo/shapes/circle-night-149.jpg", mixed[1]};
    const char *word = "a red circle";
    float embedding[4096];
    double flops;
    glimpse_hits *hits = NULL;
    const glimpse_catalog *catalog = NULL;
    glimpse_model_list *models = NULL;
    glimpse_library_status *status = NULL;
    glimpse_decisions *decisions = NULL;
    glimpse_labeller *labeller = NULL;
    glimpse_captioning *captions = NULL;
    glimpse_dedup_report *report = NULL;
    glimpse_labeller_options label = GLIMPSE_LABELLER_OPTIONS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_dedup_options search = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_find_options again = GLIMPSE_FIND_OPTIONS_INIT;
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    label.classes = "circle,square";
    label.jobs = 1;
    ingest.roots = paths;
    ingest.root_count = 1;
    search.roots = paths;
    search.root_count = 1;
    again.rerank = 1;
    again.rerank_depth = 2;
    open_session(f, NULL);
    fail_before();
    assert_int_equal(glimpse_session_has_library(f->session), GLIMPSE_E_NOT_FOUND);
    fail_before();
    /* Without a library and with no cache filled. */
    QUIET(glimpse_session_embed_texts(embedding, NULL, f->session, &word, 1, 0));
    QUIET(glimpse_session_index(NULL, f->session, &ingest));
    /* Caches that are empty, and then full. */
    for (int i = 0; i < 2; i++) {
        QUIET(glimpse_session_open_labeller(&labeller, f->session, 0, &label));
        QUIET(glimpse_labeller_label_paths(&totals, labeller, mixed, 2, NULL, NULL));
        assert_true(totals.failed == 1 && totals.labelled > 0);
        glimpse_labeller_close(labeller);
        QUIET(glimpse_session_search(&hits, f->session, &word, 1, NULL));
        glimpse_hits_free(hits);
        QUIET(glimpse_session_search(&hits, f->session, &word, 1, &again));
        glimpse_hits_free(hits);
        QUIET(glimpse_session_similar(&hits, f->session, picture[0], NULL));
        glimpse_hits_free(hits);
        QUIET(glimpse_session_catalog(&catalog, f->session));
        QUIET(glimpse_session_measure_flops(&flops, f->session));
        QUIET(glimpse_session_list_models(&models, f->session));
        glimpse_model_list_free(models);
        QUIET(glimpse_session_load_status(&status, f->session));
        glimpse_library_status_free(status);
        QUIET(glimpse_session_load_decisions(&decisions, f->session));
        glimpse_decisions_free(decisions);
        QUIET(glimpse_session_dedup(&report, f->session, &search));
        glimpse_dedup_report_free(report);
        QUIET(glimpse_session_ask(NULL, f->session, "what is it?", picture, 2, NULL, NULL, NULL));
        QUIET(glimpse_session_caption(&captions, f->session, picture, 2, NULL));
        glimpse_captioning_free(captions);
        QUIET(glimpse_session_index(NULL, f->session, NULL));
        QUIET(glimpse_session_verify(NULL, f->session, NULL, NULL));
        QUIET(glimpse_session_prune(NULL, f->session, NULL));
        QUIET(glimpse_session_reindex(f->session));
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        TEST(a_null_that_may_not_be_is_refused_by_every_call),
        TEST(success_leaves_the_last_error_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

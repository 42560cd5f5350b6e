/*
 * test_place.c - what a session does when things move: its library is removed or replaced,
 * the working directory changes.
 */
#include "session_support.h"

#include <glimpse/session_dedup.h>
#include <glimpse/session_label.h>
#include <glimpse/session_vlm.h>

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static void install(const char *library, const char *from) {
    char command[4000];
    (void)snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", library, from,
                   library);
    assert_int_equal(system(command), 0);
}

/* The vector file in a library's directory, read. */
static void *read_vectors(const char *library, size_t *size) {
    char path[2400] = "";
    DIR *dir = opendir(library);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strncmp(entry->d_name, "vectors-", 8) != 0) continue;
        (void)snprintf(path, sizeof path, "%s/%.255s", library, entry->d_name);
    }
    (void)closedir(dir);
    assert_string_not_equal(path, "");
    return read_whole_file(path, size);
}

static uint64_t count_embedded(fixture *f) {
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_session_load_status(&status, f->session));
    uint64_t count = status->embedded;
    glimpse_library_status_free(status);
    return count;
}

/* Makes directory/saved, a library of "animals", and one of "shapes" that f->session has open. */
static char *make_two_libraries(fixture *f) {
    static char saved[1200];
    (void)snprintf(saved, sizeof saved, "%s/saved", f->directory);
    glimpse_session_options options = options_for(f);
    options.library = saved;
    open_session(f, &options);
    index_demo(f, "animals");
    glimpse_session_close(f->session);
    f->session = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits_free(search(f, "a red circle", NULL));
    return saved;
}

/*
 * The library.
 */
static void the_library_that_is_there_now_is_the_one_that_is_used(void **state) {
    fixture *f = *state;
    const char *saved = make_two_libraries(f);
    install(f->library, saved);
    glimpse_hits *hits = search(f, "a red circle", NULL);
    assert_non_null(strstr(glimpse_hits_get(hits, 0)->path, "/animals/"));
    glimpse_hits_free(hits);
    uint64_t animals = count_embedded(f);
    index_demo(f, "shapes");
    assert_true(count_embedded(f) > animals);
    /* On the disk as well: another session sees the same. */
    glimpse_session_close(f->session);
    f->session = NULL;
    open_session(f, NULL);
    assert_true(count_embedded(f) > animals);
    hits = search(f, "a red circle", NULL);
    assert_non_null(strstr(glimpse_hits_get(hits, 0)->path, "/shapes/"));
    glimpse_hits_free(hits);
    assert_ok(glimpse_session_verify(NULL, f->session, NULL, NULL));
}

static void a_library_that_was_removed_is_missing_until_indexing_makes_one(void **state) {
    fixture *f = *state;
    const char *words[] = {"a red circle"}, *pictures[] = {"00000000000000000000000000000000",
                                                           "11111111111111111111111111111111"};
    glimpse_hits *hits = NULL;
    (void)make_two_libraries(f);
    remove_tree(f->library);
    assert_int_equal(glimpse_session_search(&hits, f->session, words, 1, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_message("there is no library at ");
    assert_int_equal(glimpse_session_has_library(f->session), GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_session_reindex(f->session), GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_session_prune(NULL, f->session, NULL), GLIMPSE_E_NOT_FOUND);
    assert_int_not_equal(access(f->library, F_OK), 0);
    index_demo(f, "food");
    assert_int_equal(glimpse_session_has_library(f->session), 1);
    assert_true(count_embedded(f) > 10);
    hits = search(f, "a red circle", NULL);
    assert_non_null(strstr(glimpse_hits_get(hits, 0)->path, "/food/"));
    glimpse_hits_free(hits);
    /* A decision makes one, too. */
    remove_tree(f->library);
    assert_ok(glimpse_session_decide(NULL, NULL, f->session, GLIMPSE_DECISION_NOT_DUPLICATES,
                                     pictures, 2));
    assert_int_equal(glimpse_session_has_library(f->session), 1);
    assert_int_equal(count_embedded(f), 0);
}

static int is_named(void *user, const glimpse_stored_labelling *labelling) {
    (void)labelling;
    ++*(int *)user;
    return 0;
}

static void labels_are_not_stored_in_another_library(void **state) {
    fixture *f = *state;
    const char *saved = make_two_libraries(f);
    glimpse_labeller *labeller = NULL;
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    int stored = 0;
    options.classes = "circle,square";
    options.store = "forms";
    assert_ok(glimpse_session_open_labeller(&labeller, f->session, 1, &options));
    install(f->library, saved);
    assert_int_equal(glimpse_labeller_label_library(NULL, labeller, NULL, NULL, NULL),
                     GLIMPSE_E_CORRUPT);
    assert_message("another library was put in the place");
    glimpse_labeller_close(labeller);
    assert_ok(glimpse_session_labellings(f->session, is_named, &stored));
    assert_int_equal(stored, 0);
    assert_ok(glimpse_session_label_library(NULL, f->session, NULL, &options, NULL, NULL));
    assert_ok(glimpse_session_labellings(f->session, is_named, &stored));
    assert_int_equal(stored, 1);
}

/* In the middle of a call, and for a handle without a session. */
typedef struct replacing {
    const char *library, *saved;
    int done;
} replacing;

static int replace_once(void *user, const glimpse_progress *progress) {
    replacing *r = user;
    (void)progress;
    if (!r->done) install(r->library, r->saved);
    r->done = 1;
    return 0;
}

static void nothing_is_written_to_what_took_the_place_of_a_library(void **state) {
    fixture *f = *state;
    const char *saved = make_two_libraries(f),
               *root = path_in(GLIMPSE_SOURCE_DIR "/data/demo", "food");
    size_t size = 0, size_now = 0;
    void *vectors = read_vectors(saved, &size);
    replacing r = {f->library, saved, 0};
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    ingest.roots = &root;
    ingest.root_count = 1;
    ingest.progress = replace_once;
    ingest.user = &r;
    assert_int_equal(glimpse_session_index(NULL, f->session, &ingest), GLIMPSE_E_CORRUPT);
    assert_message("another library was put in the place");
    assert_int_equal(r.done, 1);
    void *now = read_vectors(f->library, &size_now);
    assert_int_equal(size_now, size);
    assert_memory_equal(now, vectors, size);
    free(now);

    glimpse_library *library = NULL;
    const glimpse_model *model = NULL;
    assert_ok(glimpse_session_model(&model, f->session, GLIMPSE_TOWER_IMAGE));
    assert_ok(glimpse_session_open_library(&library, f->session, 0));
    install(f->library, saved);
    ingest.model = model;
    ingest.progress = NULL;
    assert_int_equal(glimpse_library_ingest(NULL, library, &ingest), GLIMPSE_E_CORRUPT);
    assert_int_equal(glimpse_library_reindex(library), GLIMPSE_E_CORRUPT);
    assert_message("another library was put in the place");
    assert_int_equal(glimpse_library_prune(NULL, library, NULL), GLIMPSE_E_CORRUPT);
    glimpse_library *sibling = NULL;
    assert_int_equal(glimpse_library_open_sibling(&sibling, library), GLIMPSE_E_CORRUPT);
    assert_null(sibling);
    remove_tree(f->library);
    assert_int_equal(glimpse_library_ingest(NULL, library, &ingest), GLIMPSE_E_NOT_FOUND);
    assert_message("removed while it was open");
    assert_int_not_equal(access(f->library, F_OK), 0);
    install(f->library, saved);
    glimpse_library_close(library);
    now = read_vectors(f->library, &size_now);
    assert_int_equal(size_now, size);
    assert_memory_equal(now, vectors, size);
    free(now);
    free(vectors);
    assert_ok(glimpse_session_verify(NULL, f->session, NULL, NULL));
}

enum { READERS = 3, REPLACEMENTS = 8 };

typedef struct reader {
    fixture *f;
    atomic_int *stop;
    unsigned found;
    int status;
    char message[256];
} reader;

static void *search_until_stopped(void *user) {
    reader *r = user;
    const char *words[] = {"a red circle"};
    while (!atomic_load(r->stop)) {
        glimpse_hits *hits = NULL;
        int status = glimpse_session_search(&hits, r->f->session, words, 1, everything());
        r->found += status == GLIMPSE_OK && glimpse_hits_count(hits) == 10;
        glimpse_hits_free(hits);
        if (status == GLIMPSE_OK || status == GLIMPSE_E_NOT_FOUND || status == GLIMPSE_E_CORRUPT)
            continue;
        r->status = status;
        (void)snprintf(r->message, sizeof r->message, "%s", glimpse_last_error());
        break;
    }
    return NULL;
}

static void threads_go_on_with_what_takes_the_place_of_the_library(void **state) {
    fixture *f = *state;
    const char *saved = make_two_libraries(f);
    char copy[1300], old[1300];
    atomic_int stop = 0;
    reader readers[READERS];
    pthread_t threads[READERS];
    for (int i = 0; i < REPLACEMENTS; i++) {
        (void)snprintf(copy, sizeof copy, "%s/copy%d", f->directory, i);
        install(copy, saved);
    }
    for (int i = 0; i < READERS; i++) {
        readers[i] = (reader){.f = f, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, search_until_stopped, &readers[i]), 0);
    }
    for (int i = 0; i < REPLACEMENTS; i++) {
        (void)snprintf(copy, sizeof copy, "%s/copy%d", f->directory, i);
        (void)snprintf(old, sizeof old, "%s/old%d", f->directory, i);
        (void)usleep(20000);
        assert_int_equal(rename(f->library, old), 0);
        assert_int_equal(rename(copy, f->library), 0);
    }
    index_demo(f, "shapes"); /* into the last of them */
    atomic_store(&stop, 1);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (readers[i].status != GLIMPSE_OK) fail_msg("reader %d: %s", i, readers[i].message);
        assert_true(readers[i].found > 0);
    }
    glimpse_hits *hits = search(f, "a red circle", NULL);
    assert_non_null(strstr(glimpse_hits_get(hits, 0)->path, "/shapes/"));
    glimpse_hits_free(hits);
    assert_ok(glimpse_session_verify(NULL, f->session, NULL, NULL));
}

/*
 * The working directory.
 */
static void assert_vlm(fixture *f, const char *chosen, const char *expected) {
    const char *spec = NULL;
    assert_ok(glimpse_session_vlm_spec(&spec, f->session, chosen, NULL));
    assert_string_equal(spec, expected);
}

static void relative_names_begin_where_the_session_was_opened(void **state) {
    fixture *f = *state;
    const char *path = NULL, *words[] = {"a red circle"};
    const char *const demo = GLIMPSE_SOURCE_DIR "/data/models/demo";
    const char *const vqa = GLIMPSE_SOURCE_DIR "/data/models/demo-vlm/vqa";
    glimpse_vlm *vlm = NULL;
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    char *before = getcwd(NULL, 0);
    float embedding[4096];
    assert_non_null(before);
    for (int by_variable = 0; by_variable < 2; by_variable++) {
        glimpse_session_options options = options_for(f);
        options.model = by_variable ? NULL : "./data/models/demo";
        assert_int_equal(chdir(GLIMPSE_SOURCE_DIR), 0);
        if (by_variable) (void)setenv("GLIMPSE_MODEL", "data/models/demo", 1);
        if (by_variable) (void)setenv("GLIMPSE_VLM", "data/models/demo-vlm/vqa", 1);
        open_session(f, &options);
        assert_int_equal(chdir(f->directory), 0);
        (void)unsetenv("GLIMPSE_MODEL");
        (void)unsetenv("GLIMPSE_VLM");
        assert_ok(glimpse_session_model_path(&path, f->session));
        assert_string_equal(path, demo);
        assert_ok(glimpse_session_embed_texts(embedding, NULL, f->session, words, 1, 0));
        if (by_variable) assert_vlm(f, NULL, vqa);
        /* One that is called the same here is another. */
        assert_int_equal(system("mkdir -p data/models/demo-vlm/vqa"), 0);
        assert_vlm(f, "data/models/demo-vlm/vqa", vqa);
        settings.spec = "./data/models/demo-vlm/vqa";
        assert_ok(glimpse_session_vlm(&vlm, NULL, f->session, &settings, NULL));
        glimpse_session_close(f->session);
        f->session = NULL;
    }
    assert_int_equal(chdir(before), 0);
    free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_library_that_is_there_now_is_the_one_that_is_used),
        TEST(a_library_that_was_removed_is_missing_until_indexing_makes_one),
        TEST(labels_are_not_stored_in_another_library),
        TEST(nothing_is_written_to_what_took_the_place_of_a_library),
        TEST(threads_go_on_with_what_takes_the_place_of_the_library),
        TEST(relative_names_begin_where_the_session_was_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * session_support.c - gives every test a home of its own with the demo pictures beside it.
 */
#include "session_support.h"

static const char *const variables[] = {"GLIMPSE_LIBRARY", "GLIMPSE_MODEL",   "GLIMPSE_VLM",
                                        "XDG_DATA_HOME",   "XDG_CONFIG_HOME", "XDG_CACHE_HOME"};

int fixture_begin(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->directory = make_temp_directory();
    (void)snprintf(f->library, sizeof f->library, "%s/library", f->directory);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        (void)unsetenv(variables[i]);
    (void)setenv("HOME", f->directory, 1);
    *state = f;
    return 0;
}

int fixture_end(void **state) {
    fixture *f = *state;
    glimpse_session_close(f->session);
    remove_tree(f->directory);
    free(f->directory);
    free(f);
    return 0;
}

static void keep_note(void *user, const char *note) {
    fixture *f = user;
    if (f->note_count < 8) (void)snprintf(f->notes[f->note_count], sizeof f->notes[0], "%s", note);
    f->note_count++;
}

glimpse_session_options options_for(fixture *f) {
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    options.library = f->library;
    options.data_directory = GLIMPSE_SOURCE_DIR "/data";
    options.precision = GLIMPSE_PRECISION_F32;
    options.jobs = 2;
    options.note = keep_note;
    options.user = f;
    return options;
}

void open_session(fixture *f, const glimpse_session_options *options) {
    const glimpse_session_options usual = options_for(f);
    assert_null(f->session);
    assert_ok(glimpse_session_open(&f->session, options ? options : &usual));
}

void open_own(fixture *f) {
    glimpse_session_options options = options_for(f);
    (void)snprintf(f->library, sizeof f->library, "%s/.local/share/glimpse/library", f->directory);
    options.library = NULL;
    open_session(f, &options);
}

void index_demo(fixture *f, const char *directory) {
    const char *root = path_in(GLIMPSE_SOURCE_DIR "/data/demo", directory);
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    options.roots = &root;
    options.root_count = 1;
    assert_ok(glimpse_session_index(NULL, f->session, &options));
}

const glimpse_find_options *everything(void) {
    static _Thread_local glimpse_find_options options;
    options = GLIMPSE_FIND_OPTIONS_INIT;
    options.all_scores = 1;
    return &options;
}

glimpse_hits *search(fixture *f, const char *text, const glimpse_find_options *options) {
    glimpse_hits *hits = NULL;
    assert_ok(
        glimpse_session_search(&hits, f->session, &text, 1, options ? options : everything()));
    assert_non_null(hits);
    return hits;
}

void assert_message(const char *part) {
    if (!strstr(glimpse_last_error(), part))
        fail_msg("\"%s\" is not in the message \"%s\"", part, glimpse_last_error());
}

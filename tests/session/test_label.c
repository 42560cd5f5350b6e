/*
 * Labelling and data sets as a program uses them: a directory through a session and a callback,
 * stopped half-way, kept in the library, written as COCO; and files that are refused with the line.
 */
#include "support/commands.h"

#include <glimpse/datasets.h>
#include <glimpse/session_label.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/wait.h>

static glimpse_session *session;
static char vehicles[600];

/* What the callback saw. */
typedef struct seen {
    size_t count, problems, stop_after; /* stop_after 0: never */
    int fail_with;
    char last[600];
    char best[100]; /* class of the last picture */
} seen;

static int on_picture(void *user, const glimpse_labelled *p) {
    seen *s = user;
    s->count++;
    if (p->problem) {
        s->problems++;
        assert_null(strstr(p->problem, p->path)); /* the struct has it */
        return 0;
    }
    assert_true(p->count > 0 && p->set && p->set->count == 3);
    assert_true(p->labels[0].class_index < p->set->count);
    assert_true(p->labels[0].probability > 0 && p->labels[0].probability <= 1);
    assert_true(strcmp(s->last, p->path) < 0); /* in order */
    (void)snprintf(s->last, sizeof s->last, "%s", p->path);
    (void)snprintf(s->best, sizeof s->best, "%s", p->set->classes[p->labels[0].class_index].name);
    if (s->fail_with) return s->fail_with;
    return s->count == s->stop_after;
}

static glimpse_labeller_options classes_of(const char *classes) {
    glimpse_labeller_options o = GLIMPSE_LABELLER_OPTIONS_INIT;
    o.classes = classes;
    o.jobs = 1;
    return o;
}

/* The messages of a call, one after the other. */
typedef struct messages {
    char text[4000];
} messages;

static void on_message(void *user, glimpse_message_kind kind, const char *text) {
    messages *m = user;
    size_t used = strlen(m->text);
    (void)snprintf(m->text + used, sizeof m->text - used, "%d %s\n", (int)kind, text);
}

static void a_directory_is_labelled_in_order_with_problems_among_it(void **state) {
    (void)state;
    const char *paths[] = {vehicles, "no-such-picture.jpg"};
    glimpse_labeller_options o = classes_of("car,bus,airplane");
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    seen s = {0};
    assert_int_equal(glimpse_session_label(&totals, session, paths, 2, &o, on_picture, &s),
                     GLIMPSE_OK);
    assert_true(totals.labelled > 20);
    assert_int_equal(totals.failed, 1);
    assert_int_equal(s.problems, 1);
    assert_int_equal(s.count, totals.labelled + totals.failed);
    /* One picture, whose class the demo model is sure of. */
    char bus[700];
    (void)snprintf(bus, sizeof bus, "%s/bus-red-081.jpg", vehicles);
    const char *one[] = {bus};
    s = (seen){0};
    assert_int_equal(glimpse_session_label(NULL, session, one, 1, &o, on_picture, &s), GLIMPSE_OK);
    assert_string_equal(s.best, "bus");
}

static void a_run_stops_where_the_callback_says(void **state) {
    (void)state;
    const char *paths[] = {vehicles};
    glimpse_labeller_options o = classes_of("car,bus,airplane");
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    messages m = {{0}};
    seen s = {.stop_after = 5};
    o.message = on_message;
    o.user = &m;
    assert_int_equal(glimpse_session_label(&totals, session, paths, 1, &o, on_picture, &s),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(s.count, 5);
    assert_int_equal(totals.labelled, 5);
    assert_non_null(strstr(m.text, "1 stopped: 0 of "));
    /* A failure of the callback's own is the call's. */
    s = (seen){.fail_with = GLIMPSE_E_IO};
    assert_int_equal(glimpse_session_label(&totals, session, paths, 1, &o, on_picture, &s),
                     GLIMPSE_E_IO);
    assert_int_equal(totals.labelled, 1);
}

static int is_raised(void *user) {
    return glimpse_cancel_raised(user);
}

static int raise_it(void *user, const glimpse_labelled *picture) {
    (void)picture;
    glimpse_cancel_raise(user);
    return 0;
}

static void a_raised_flag_stops_between_windows_and_labels_are_kept(void **state) {
    (void)state;
    const char *paths[] = {source_path("data/demo")}; /* more than one window */
    glimpse_labeller_options o = classes_of("car,bus,airplane");
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_cancel cancel = {0};
    ingest.roots = paths;
    ingest.root_count = 1;
    if (glimpse_session_index(NULL, session, &ingest) < 0) fail_msg("%s", glimpse_last_error());
    o.cancelled = is_raised;
    o.user = &cancel;
    o.store = "kinds";
    assert_int_equal(glimpse_session_label(&totals, session, paths, 1, &o, raise_it, &cancel),
                     GLIMPSE_E_CANCELLED);
    /* Copies are one content. */
    assert_true(totals.stored > 0 && totals.stored <= totals.labelled);
    size_t first = totals.labelled;
    uint64_t stored = totals.stored;
    glimpse_cancel_clear(&cancel);
    /* The whole library, without a file being touched. */
    seen s = {0};
    o.user = &cancel;
    assert_int_equal(glimpse_session_label_library(&totals, session, NULL, 0, &o, on_picture, &s),
                     GLIMPSE_OK);
    assert_true(totals.labelled > first);
    assert_true(totals.stored > stored && totals.stored <= totals.labelled);
    assert_int_equal(totals.not_in_library, 0);
}

static int write_record(void *user, const glimpse_labelled *picture) {
    return glimpse_dataset_writer_add(user, picture);
}

static void a_run_becomes_a_coco_file_when_it_is_whole(void **state) {
    (void)state;
    const char *paths[] = {vehicles};
    glimpse_labeller_options o = classes_of("car,bus,airplane");
    glimpse_dataset_options out = GLIMPSE_DATASET_OPTIONS_INIT;
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    glimpse_labeller *labeller = NULL;
    struct stat info;
    out.format = "coco";
    out.output = "labels.json";
    out.relative_to = vehicles;
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_OK);
    assert_null(glimpse_labeller_set(labeller));
    assert_int_equal(glimpse_labeller_fit(labeller), GLIMPSE_OK);
    for (int complete = 0; complete < 2; complete++) {
        glimpse_dataset_writer *writer = NULL;
        assert_int_equal(glimpse_dataset_writer_open(&writer, glimpse_labeller_set(labeller), &out),
                         GLIMPSE_OK);
        assert_int_equal(
            glimpse_labeller_label_paths(&totals, labeller, paths, 1, write_record, writer),
            GLIMPSE_OK);
        assert_int_equal(glimpse_dataset_writer_finish(writer, complete), GLIMPSE_OK);
        glimpse_dataset_writer_close(writer);
        assert_int_equal(stat("labels.json", &info) == 0, complete);
    }
    glimpse_labeller_close(labeller);
    json_t *root = json_file("labels.json");
    assert_int_equal(json_array_size(at(root, "images")), totals.labelled);
    assert_int_equal(json_array_size(at(root, "annotations")), totals.labelled);
    assert_string_equal(text_at(root, "categories.1.name"), "bus");
    assert_null(strchr(text_at(root, "images.0.file_name"), '/'));
    assert_true(number_at(root, "images.0.width") > 0);
    json_decref(root);
}

static void options_that_make_no_sense_are_refused(void **state) {
    (void)state;
    glimpse_labeller *labeller = NULL;
    glimpse_labeller_options o = classes_of("");
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_E_INVALID);
    assert_null(labeller);
    o = classes_of("car,bus");
    o.min_margin = 0.1;
    o.multi_label = 1;
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_E_INVALID);
    o = classes_of("@no-such-list");
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "@no-such-list"));
    o = classes_of("@cifar10"); /* ships */
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_OK);
    assert_int_equal(glimpse_labeller_fit(labeller), GLIMPSE_OK);
    assert_int_equal(glimpse_labeller_set(labeller)->count, 10);
    glimpse_labeller_close(labeller);
    glimpse_dataset_writer *writer = NULL;
    glimpse_label_set set = {0};
    glimpse_dataset_options out = GLIMPSE_DATASET_OPTIONS_INIT;
    out.format = "no-such-format";
    assert_int_equal(glimpse_dataset_writer_open(&writer, &set, &out), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "no-such-format"));
    out.format = "coco"; /* and no output */
    assert_int_equal(glimpse_dataset_writer_open(&writer, &set, &out), GLIMPSE_E_INVALID);
}

/* Files and directories in the working directory whose name begins so. */
static size_t names_that_begin(const char *prefix) {
    size_t count = 0;
    DIR *here = opendir(".");
    assert_non_null(here);
    for (const struct dirent *entry; (entry = readdir(here));)
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    (void)closedir(here);
    return count;
}

static void a_writer_without_a_set_is_refused_by_every_format(void **state) {
    (void)state;
    glimpse_labeller_options o = classes_of("car,bus,airplane");
    glimpse_labeller *labeller = NULL;
    assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_OK);
    for (size_t i = 0; i < glimpse_dataset_format_count(); i++) {
        glimpse_dataset_options out = GLIMPSE_DATASET_OPTIONS_INIT;
        glimpse_dataset_writer *writer = NULL;
        out.format = glimpse_dataset_format_get(i)->name;
        out.output = "before-the-fit";
        out.stream = stderr;
        assert_int_equal(glimpse_dataset_writer_open(&writer, glimpse_labeller_set(labeller), &out),
                         GLIMPSE_E_INVALID);
        assert_null(writer);
        assert_non_null(strstr(glimpse_last_error(), "fit"));
    }
    assert_int_equal(names_that_begin("before-the-fit"), 0); /* no temporary either */
    glimpse_labeller_close(labeller);
}

/* A path that was mistyped is no class that every picture gets. */
static void a_class_file_that_is_not_there_is_not_found(void **state) {
    (void)state;
    static const char *const files[] = {"nosuch.txt",  "nosuch.TSV",   "nosuch.csv",
                                        "nosuch.json", "lists/nosuch", "@nosuch"};
    static const char *const classes[] = {"nosuch", "node.js", "a/b.txt,c"};
    messages m = {{0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        glimpse_labeller_options o = classes_of(files[i]);
        glimpse_labeller *labeller = NULL;
        o.store = "nosuch";
        assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o),
                         GLIMPSE_E_NOT_FOUND);
        assert_null(labeller);
        assert_non_null(strstr(glimpse_last_error(), files[i]));
    }
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        glimpse_labeller_options o = classes_of(classes[i]);
        glimpse_labeller *labeller = NULL;
        o.message = on_message;
        o.user = &m;
        assert_int_equal(glimpse_session_open_labeller(&labeller, session, 0, &o), GLIMPSE_OK);
        glimpse_labeller_close(labeller);
    }
    assert_non_null(strstr(m.text, "only one class, \"nosuch\""));
    assert_non_null(strstr(m.text, "only one class, \"node.js\""));
    assert_null(strstr(m.text, "a/b.txt"));
}

static int fail_on_picture(void *user, const glimpse_labelled *picture) {
    (void)user, (void)picture;
    fail_msg("a picture was looked at");
    return 1;
}

static void labels_that_could_not_be_stored_are_not_made(void **state) {
    (void)state;
    const char *paths[] = {vehicles};
    glimpse_session_options o = GLIMPSE_SESSION_OPTIONS_INIT;
    glimpse_labeller_options labels = classes_of("car,bus");
    glimpse_session *reader = NULL;
    glimpse_library *library = NULL;
    /* There is a library. */
    assert_int_equal(glimpse_session_open_library(&library, session, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_OK);
    glimpse_library_close(library);
    o.library = "library";
    o.library_flags = GLIMPSE_LIBRARY_READ_ONLY;
    o.model = source_path("data/models/demo");
    labels.store = "kinds";
    assert_int_equal(glimpse_session_open(&reader, &o), GLIMPSE_OK);
    assert_int_equal(glimpse_session_label(NULL, reader, paths, 1, &labels, fail_on_picture, NULL),
                     GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), "was opened for reading only"));
    glimpse_session_close(reader);
}

enum { CANNOT_TRY = 77 };

/* The program, as a user who is not allowed everything; what it says goes to `said`. */
static int label_as_nobody(const char *model, int said) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return CANNOT_TRY;
    if (access(GLIMPSE_PROGRAM, X_OK) != 0 || access(model, X_OK) != 0) return CANNOT_TRY;
    if (dup2(said, STDERR_FILENO) < 0) return CANNOT_TRY;
    (void)execl(GLIMPSE_PROGRAM, "glimpse", "label", vehicles, "--classes", "car,bus", "--store",
                "kinds", "--library", "library", "--model", model, (char *)NULL);
    return CANNOT_TRY;
}

static void a_library_one_may_not_write_says_so(void **state) {
    (void)state;
    glimpse_library *library = NULL;
    int exited = 0;
    assert_int_equal(glimpse_session_open_library(&library, session, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_OK);
    glimpse_library_close(library);
    assert_int_equal(chmod("..", 0755), 0); /* the test's own, and its working directory in it */
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(chmod("library/catalog.db", 0444), 0);
    assert_int_equal(chmod("library", 0555), 0);
    const char *model = source_path("data/models/demo");
    int said = open("nobody.txt", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(said >= 0);
    pid_t child = fork();
    if (child == 0) _exit(label_as_nobody(model, said));
    (void)close(said);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &exited, 0), child);
    assert_int_equal(chmod("library", 0755), 0);
    assert_int_equal(chmod("library/catalog.db", 0644), 0);
    assert_true(WIFEXITED(exited));
    if (WEXITSTATUS(exited) == CANNOT_TRY) skip();
    assert_int_equal(WEXITSTATUS(exited), 4);
    char *text = read_whole_file("nobody.txt", NULL);
    if (!strstr(text, "you may not write to this library")) fail_msg("%s", text);
    free(text);
}

static void every_format_is_found_by_its_name(void **state) {
    (void)state;
    assert_true(glimpse_dataset_format_count() >= 8);
    for (size_t i = 0; i < glimpse_dataset_format_count(); i++) {
        const glimpse_dataset_format *f = glimpse_dataset_format_get(i);
        assert_true(glimpse_dataset_format_find(f->name) == f);
    }
    assert_null(glimpse_dataset_format_get(glimpse_dataset_format_count()));
    assert_null(glimpse_dataset_format_find("table"));
}

/*
 * Readers.
 */
static void write_named_file(const char *name, const char *text) {
    write_file(name, text, strlen(text));
}

static void predictions_are_refused_with_the_line(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"p.jsonl",
         "{\"path\":\"a\",\"labels\":[{\"class\":\"x\",\"score\":1}]}\n{\"path\":\"b\"}\n",
         "p.jsonl, line 2: no labels"},
        {"p.jsonl", "{\"path\":\"a\",\"labels\":[]}\n\n{oops\n", "p.jsonl, line 3: "},
        {"p.jsonl", "{\"path\":\"a\",\"labels\":[{\"score\":1}]}\n",
         "p.jsonl, line 1: a label without a class"},
        {"p.csv", "path,class,probability\na,x,0.5\nb,y,often\n",
         "p.csv, line 3: \"often\" is no number"},
        {"p.csv", "path,class\n\"a,x\n", "p.csv, line 2: a quote is never closed"},
        {"p.csv", "path,class\na,x\na,y\n", "p.csv, line 3: several classes of a"},
        {"p.csv", "path,kind\na,x\n", "p.csv: no column class"},
        {"p.csv", "path,class,score\na,x,1\na,x,2\n", "p.csv: a has the class \"x\" twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_predictions *p = NULL;
        write_named_file(cases[i].name, cases[i].text);
        assert_int_equal(glimpse_predictions_load(&p, cases[i].name), GLIMPSE_E_FORMAT);
        assert_null(p);
        if (!strstr(glimpse_last_error(), cases[i].message)) {
            fail_msg("\"%s\" instead of \"%s\"", glimpse_last_error(), cases[i].message);
        }
    }
    glimpse_predictions *p = NULL;
    assert_int_equal(glimpse_predictions_load(&p, "not there.csv"), GLIMPSE_E_NOT_FOUND);
    write_named_file("p.csv", "path,class,probability\nb,x,0.5\na,y,0.25\nb,z,0.125\n");
    assert_int_equal(glimpse_predictions_load(&p, "p.csv"), GLIMPSE_OK);
    assert_int_equal(p->count, 2);
    assert_string_equal(p->pictures[0].path, "b");
    assert_int_equal(p->pictures[0].count, 2);
    assert_string_equal(p->classes[p->pictures[0].guesses[1].class_index], "z");
    assert_true(p->pictures[0].guesses[0].accepted && !p->pictures[0].guesses[1].accepted);
    glimpse_predictions_free(p);
}

static void captions_of_every_kind_read_alike(void **state) {
    (void)state;
    static const char *const files[][2] = {
        {"c.csv", "image,caption\na.jpg,a dog\nb.jpg,a cat\na.jpg,a cat\nc.jpg,\n"},
        {"c.json", "[{\"image\":\"a.jpg\",\"captions\":[\"a dog\",\"a cat\"]},"
                   "{\"path\":\"b.jpg\",\"text\":\"a cat\"},{\"path\":\"c.jpg\",\"text\":null}]"},
        {"d.json", "{\"images\":[{\"id\":2,\"file_name\":\"b.jpg\"},{\"id\":1,\"file_name\":"
                   "\"a.jpg\"}],\"annotations\":[{\"image_id\":1,\"caption\":\"a dog\"},"
                   "{\"image_id\":2,\"caption\":\"a cat\"},{\"image_id\":1,\"caption\":\"a cat\"},"
                   "{\"image_id\":2,\"caption\":\" \"}]}"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        glimpse_caption_pairs *c = NULL;
        write_named_file(files[i][0], files[i][1]);
        assert_int_equal(glimpse_caption_pairs_load(&c, files[i][0], "/p"), GLIMPSE_OK);
        assert_int_equal(c->image_count, 2);
        assert_int_equal(c->text_count, 2);
        assert_int_equal(c->pair_count, 3);
        assert_int_equal(c->without, 1);
        assert_string_equal(c->images[0], "/p/a.jpg");
        const unsigned char drop[] = {1, 0};
        assert_int_equal(glimpse_caption_pairs_drop(c, drop), GLIMPSE_OK);
        assert_int_equal(c->image_count, 1);
        assert_int_equal(c->text_count, 1);
        assert_string_equal(c->texts[0], "a cat");
        glimpse_caption_pairs_free(c);
    }
    glimpse_caption_pairs *c = NULL;
    write_named_file("c.json",
                     "{\"image\":\"a\",\"caption\":\"x\"}\n{\"image\":\"b\",\"caption\":7}\n");
    assert_int_equal(glimpse_caption_pairs_load(&c, "c.json", NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "c.json, line 2: the caption is no string"));
}

static void predictions_are_judged_by_the_truth(void **state) {
    (void)state;
    glimpse_judge_options o = GLIMPSE_JUDGE_OPTIONS_INIT;
    glimpse_judgement *j = NULL;
    messages m = {{0}};
    write_named_file("truth.csv", "path,class\na,cat\nb,dog\nc,dog\nd,mouse\n");
    write_named_file("p.csv",
                     "path,class,probability\na,cat,0.9\nb,cat,0.8\nc,animal/dog,0.7\nz,cat,0.6\n");
    assert_int_equal(glimpse_judgement_create(&j, "p.csv", "truth.csv", NULL), GLIMPSE_E_INVALID);
    assert_null(j);
    assert_non_null(strstr(glimpse_last_error(), "the first is d"));
    o.missing = GLIMPSE_MISSING_SKIP;
    o.samples = 0;
    o.message = on_message;
    o.user = &m;
    assert_int_equal(glimpse_judgement_create(&j, "p.csv", "truth.csv", &o), GLIMPSE_OK);
    assert_int_equal(j->report->pictures, 3);
    assert_true(fabs(j->report->top1.value - 2.0 / 3) < 1e-12);
    assert_int_equal(j->missing, 1);
    assert_int_equal(j->unjudged, 1);
    assert_int_equal(j->class_count, 3); /* cat, animal/dog, mouse */
    assert_non_null(strstr(m.text, "0 no prediction has these classes of the truth: mouse;"));
    assert_non_null(strstr(m.text, "0 1 predictions are for pictures that the truth"));
    glimpse_judgement_free(j);
    o.missing = GLIMPSE_MISSING_WRONG;
    assert_int_equal(glimpse_judgement_create(&j, "p.csv", "truth.csv", &o), GLIMPSE_OK);
    assert_true(fabs(j->report->top1.value - 0.5) < 1e-12);
    glimpse_judgement_free(j);
    write_named_file("truth.csv", "path,class\nelsewhere/a,cat\nb\xFF,d\xFF\n");
    assert_int_equal(glimpse_judgement_create(&j, "p.csv", "truth.csv", &o), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "truth.csv, line 3: the class is not UTF-8"));
}

static int open_session(void **state) {
    glimpse_session_options o = GLIMPSE_SESSION_OPTIONS_INIT;
    char model[600];
    (void)snprintf(vehicles, sizeof vehicles, "%s", source_path("data/demo/vehicles"));
    (void)snprintf(model, sizeof model, "%s", source_path("data/models/demo"));
    if (run_setup(state) != 0) return -1;
    o.library = "library";
    o.library_flags = GLIMPSE_LIBRARY_CREATE;
    o.model = model;
    return glimpse_session_open(&session, &o) < 0;
}

static int close_session(void **state) {
    glimpse_session_close(session);
    return run_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_is_labelled_in_order_with_problems_among_it),
        cmocka_unit_test(a_run_stops_where_the_callback_says),
        cmocka_unit_test(a_raised_flag_stops_between_windows_and_labels_are_kept),
        cmocka_unit_test(a_run_becomes_a_coco_file_when_it_is_whole),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(a_writer_without_a_set_is_refused_by_every_format),
        cmocka_unit_test(a_class_file_that_is_not_there_is_not_found),
        cmocka_unit_test(labels_that_could_not_be_stored_are_not_made),
        cmocka_unit_test(a_library_one_may_not_write_says_so),
        cmocka_unit_test(every_format_is_found_by_its_name),
        cmocka_unit_test(predictions_are_refused_with_the_line),
        cmocka_unit_test(captions_of_every_kind_read_alike),
        cmocka_unit_test(predictions_are_judged_by_the_truth),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}

/*
 * One walk and one pool: index, label, dedup and caption see the same files of a tree that has one
 * of everything that is left out, and a file has the same embedding whoever asks for it.
 */
#include "support/commands.h"
#include "support/numbers.h"

#include "embedder.h"
#include "picture_list.h"

#include <glimpse/glimpse.h>

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_COUNT = 64 };

/* Paths below the tree and, of the usable ones, the embeddings. */
typedef struct seen {
    char *paths[MAX_COUNT];
    float *embeddings[MAX_COUNT];
    size_t count;
} seen;

static char tree[PATH_MAX];
static glimpse_model *model;
static size_t width;

/*
 * The tree.
 */
static const char *demo(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "data/demo/vehicles/%s", name);
    return source_path(path);
}

static void make(const char *path) {
    assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
}

/* Files that are pictures by their content and by their ending; large ones, so that decoding them
 * reduced and exactly is not the same. */
static const char *const wanted[] = {
    "tree/a.jpg",           "tree/B.JPG",      "tree/link.jpg",
    "tree/no ending",       "tree/odd.ending", "tree/sub/c.png",
    "tree/sub/deep/d.webp", "tree/sub-e.jpg",  "tree/kept.library/f.jpg",
};
/* Those that look like pictures and cannot be used. */
static const char *const unusable[] = {
    "tree/text.jpg", "tree/empty.jpg",  "tree/dangling.jpg", "tree/itself.jpg",
    "tree/cut.jpg",  "tree/._gone.jpg", /* half of a file that macOS wrote, without the other half
                                         */
};

static void make_tree(void) {
    static const char *const directories[] = {
        "tree",         "tree/sub",          "tree/sub/deep",   "tree/.hidden",      "tree/.git",
        "tree/@eaDir",  "tree/#recycle",     "tree/lost+found", "tree/node_modules", "tree/raw",
        "tree/library", "tree/kept.library", "tree/media",      "tree/media/in",     "outside",
    };
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        make(directories[i]);
    const char *jpeg = demo("bicycle-grass-085.jpg");
    copy_file(jpeg, "tree/a.jpg");
    copy_file(demo("bicycle-sky-086.jpg"), "tree/B.JPG");
    copy_file(demo("bus-city-010.jpg"), "tree/no ending");
    copy_file(demo("bus-pink-167.jpg"), "tree/odd.ending");
    copy_file(demo("airplane-grass-087.png"), "tree/sub/c.png");
    copy_file(demo("bicycle-city-019.webp"), "tree/sub/deep/d.webp");
    copy_file(demo("helicopter-room-091.jpg"), "tree/sub-e.jpg");
    copy_file(demo("bus-red-081.jpg"), "tree/kept.library/f.jpg");
    assert_int_equal(symlink("a.jpg", "tree/link.jpg"), 0);

    write_file("tree/text.jpg", "only text", 9);
    write_file("tree/empty.jpg", "", 0);
    assert_int_equal(symlink("nowhere", "tree/dangling.jpg"), 0);
    assert_int_equal(symlink("itself.jpg", "tree/itself.jpg"), 0);
    size_t size = 0;
    char *bytes = read_whole_file(jpeg, &size);
    write_file("tree/cut.jpg", bytes, size / 3);
    free(bytes);
    copy_file(jpeg, "tree/._gone.jpg");
    write_file("tree/._gone.jpg", "\0\5\26\7", 4);

    /* Left out, though there is a picture in each. */
    copy_file(jpeg, "tree/.hidden.jpg");
    copy_file(jpeg, "tree/._a.jpg");
    copy_file(jpeg, "tree/.hidden/x.jpg");
    copy_file(jpeg, "tree/.git/x.jpg");
    copy_file(jpeg, "tree/@eaDir/x.jpg");
    copy_file(jpeg, "tree/#recycle/x.jpg");
    copy_file(jpeg, "tree/lost+found/x.jpg");
    copy_file(jpeg, "tree/node_modules/x.jpg");
    copy_file(jpeg, "tree/film.mp4");      /* an ending that is no picture's */
    copy_file(jpeg, "tree/raw/x.jpg");     /* raw/ is excluded */
    copy_file(jpeg, "tree/sub/x.tmp.jpg"); /* and so is *.tmp.jpg */
    copy_file(jpeg, "tree/media/x.jpg");
    copy_file(jpeg, "tree/media/in/x.jpg");
    write_file("tree/media/.nomedia", "", 0);
    copy_file(jpeg, "tree/library/x.jpg");
    write_file("tree/library/catalog.db", "", 0);
    write_file("tree/library/lock", "", 0);
    copy_file(jpeg, "outside/x.jpg");
    assert_int_equal(symlink("../outside", "tree/link to outside"), 0);
    assert_int_equal(symlink("..", "tree/sub/loop"), 0);
    write_file("tree/notes", "text without an ending", 22);
    write_file("tree/nothing", "", 0);
    assert_int_equal(mkfifo("tree/pipe", 0666), 0);
    assert_int_equal(mkfifo("tree/pipe.jpg", 0666), 0);
    if (mknod("tree/device.jpg", S_IFCHR | 0666, makedev(1, 3)) != 0) {
        print_message("no device was made: %s\n", strerror(errno));
    }
    make("tree/locked");
    copy_file(jpeg, "tree/locked/x.jpg");
    assert_int_equal(chmod("tree/locked", 0), 0);
}

/* What everybody has to see: a directory that cannot be listed is one of them, unless nothing is
 * closed to who runs this. */
static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t expected(const char **paths) {
    size_t count = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        paths[count++] = wanted[i] + 5;
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++)
        paths[count++] = unusable[i] + 5;
    paths[count++] = geteuid() == 0 ? "locked/x.jpg" : "locked";
    qsort(paths, count, sizeof *paths, compare_texts);
    return count;
}

/*
 * What each of them saw.
 */
/* Relative to the tree, which is given resolved, or not. */
static void add(seen *s, const char *path, const float *embedding) {
    size_t length = strlen(tree);
    assert_true(s->count < MAX_COUNT);
    if (strncmp(path, tree, length) == 0) {
        path += length + 1;
    } else {
        assert_int_equal(strncmp(path, "tree/", 5), 0);
        path += 5;
    }
    s->paths[s->count] = strdup(path);
    if (embedding) {
        s->embeddings[s->count] = malloc(width * sizeof *embedding);
        memcpy(s->embeddings[s->count], embedding, width * sizeof *embedding);
    }
    s->count++;
}

static const float *embedding_of(const seen *s, const char *path) {
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->paths[i], path) == 0) return s->embeddings[i];
    }
    fail_msg("%s was not seen", path);
    return NULL;
}

static void assert_all_seen(const char *who, const seen *s) {
    const char *paths[MAX_COUNT];
    char *sorted[MAX_COUNT];
    size_t count = expected(paths);
    memcpy(sorted, s->paths, s->count * sizeof *sorted);
    qsort(sorted, s->count, sizeof *sorted, compare_texts);
    for (size_t i = 0; i < count || i < s->count; i++) {
        const char *right = i < count ? paths[i] : "(nothing)";
        const char *found = i < s->count ? sorted[i] : "(nothing)";
        if (strcmp(right, found) != 0) fail_msg("%s: expected %s, saw %s", who, right, found);
    }
}

static void forget(seen *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->paths[i]);
        free(s->embeddings[i]);
    }
    memset(s, 0, sizeof *s);
}

static int read_indexed(void *user, const glimpse_result *file, const float *embedding) {
    add(user, file->path, embedding);
    return 0;
}

static const char *const exclude[] = {"*.tmp.jpg", "raw/"};

static void see_by_index(seen *s) {
    glimpse_library *library = NULL;
    glimpse_library_status *status = NULL;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    const char *roots[] = {tree};
    options.model = model;
    options.roots = roots;
    options.root_count = 1;
    options.exclude = exclude;
    options.exclude_count = 2;
    options.jobs = 2;
    assert_ok(glimpse_library_open(&library, "indexed", GLIMPSE_LIBRARY_CREATE));
    assert_ok(glimpse_library_ingest(NULL, library, &options));
    assert_ok(glimpse_library_visit(library, model, NULL, 0, read_indexed, s));
    assert_ok(glimpse_library_load_status(&status, library));
    for (size_t i = 0; i < status->quarantined_count; i++)
        add(s, status->quarantined[i].path, NULL);
    glimpse_library_status_free(status);
    glimpse_library_close(library);
}

static void see_by_embedder(seen *s, int exact) {
    const glimpse_walk_rules rules = {.exclude = exclude, .exclude_count = 2};
    glimpse_picture_list list = {0};
    glimpse_embedder *embedder = NULL;
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_embedder_picture pictures[MAX_COUNT] = {0};
    options.jobs = 3;
    options.exact = exact;
    const char *root = "tree";
    assert_ok(glimpse_picture_list_add(&list, &root, 1, &rules, NULL, NULL));
    assert_ok(glimpse_embedder_open(&embedder, NULL, model, &options));
    assert_true(list.count < MAX_COUNT && list.count <= glimpse_embedder_window(embedder));
    float *embeddings = malloc(list.count * width * sizeof *embeddings);
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0) assert_true(strcmp(list.paths[i - 1], list.paths[i]) < 0);
        pictures[i].path = list.paths[i];
    }
    assert_ok(glimpse_embedder_embed(embeddings, embedder, pictures, list.count));
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(pictures[i].known, pictures[i].problem == NULL);
        add(s, list.paths[i], pictures[i].known ? embeddings + i * width : NULL);
    }
    for (size_t i = 0; i < list.problem_count; i++)
        add(s, list.problems[i].path, NULL);
    glimpse_embedder_release(pictures, list.count);
    glimpse_embedder_close(embedder);
    glimpse_picture_list_free(&list);
    free(embeddings);
}

static void see_by_dedup(seen *s, int exact) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    const char *roots[] = {"tree"};
    options.roots = roots;
    options.root_count = 1;
    options.exclude = exclude;
    options.exclude_count = 2;
    options.model = model;
    options.embed = 1;
    options.exact_decode = exact;
    options.no_matching = 1;
    options.jobs = 2;
    assert_ok(glimpse_dedup_run(&report, &options));
    for (size_t i = 0; i < report->picture_count; i++)
        add(s, report->pictures[i].path, report->pictures[i].embedding);
    for (size_t i = 0; i < report->failed_count; i++)
        add(s, report->failed[i].path, NULL);
    glimpse_dedup_report_free(report);
}

static void see_by_command(seen *s, const run_result *r) {
    expect(r, 3);
    json_t *lines = run_json_lines(r);
    for (size_t i = 0; i < json_array_size(lines); i++)
        add(s, text_at(json_array_get(lines, i), "path"), NULL);
    json_decref(lines);
}

/*
 * The tests.
 */
static void everybody_sees_the_same_files(void **state) {
    (void)state;
    seen s = {0};
    run_result r;
    see_by_index(&s);
    assert_all_seen("index", &s);
    forget(&s);
    see_by_embedder(&s, 0);
    assert_all_seen("the list of pictures", &s);
    forget(&s);
    see_by_dedup(&s, 0);
    assert_all_seen("dedup", &s);
    forget(&s);
    run(&r, "label", "tree", "-c", "car,bus", "-x", "*.tmp.jpg", "-x", "raw/", "--json", NULL);
    see_by_command(&s, &r);
    assert_all_seen("label", &s);
    run_free(&r);
    forget(&s);
    run(&r, "caption", "tree", "--max-length", "2", "--exclude", "*.tmp.jpg", "--exclude", "raw/",
        "--format", "jsonl", NULL);
    see_by_command(&s, &r);
    assert_all_seen("caption", &s);
    run_free(&r);
    forget(&s);
}

/* A stored embedding is one of half floats: its cosine to what it was made of is 1 - 4e-8 or so. */
static const double SAME = 1 - 1e-6;

static void a_file_has_the_same_embedding_whoever_asks(void **state) {
    (void)state;
    seen indexed = {0}, labelled = {0}, compared = {0}, exact = {0}, compared_exactly = {0};
    glimpse_encoder *encoder = NULL;
    float *asked = malloc(width * sizeof *asked);
    double farthest = 1;
    see_by_index(&indexed);
    see_by_embedder(&labelled, 0);
    see_by_embedder(&exact, 1);
    see_by_dedup(&compared, 0);
    see_by_dedup(&compared_exactly, 1);
    assert_ok(glimpse_encoder_create(&encoder, model, 1));
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *path = wanted[i] + 5;
        const float *one = embedding_of(&indexed, path);
        assert_non_null(one);
        assert_true(cosine(one, embedding_of(&labelled, path), width) > SAME);
        /* A list of duplicates names a file that links lead to once, under its own path. */
        assert_true(cosine(one, embedding_of(&compared, path), width) > SAME);
        assert_ok(glimpse_encoder_file(asked, encoder, wanted[i], 0));
        assert_true(cosine(one, asked, width) > SAME);
        assert_ok(glimpse_encoder_file(asked, encoder, wanted[i], GLIMPSE_ENCODE_EXACT));
        assert_true(cosine(embedding_of(&exact, path), asked, width) > SAME);
        assert_true(cosine(embedding_of(&compared_exactly, path), asked, width) > SAME);
        farthest = fmin(farthest, cosine(one, asked, width));
    }
    /* Or all this would hold whatever they did. */
    print_message("reduced to exact decoding: cosine %.6f at least\n", farthest);
    assert_true(farthest < SAME);
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++)
        assert_null(embedding_of(&labelled, unusable[i] + 5));
    glimpse_encoder_free(encoder);
    free(asked);
    forget(&indexed);
    forget(&labelled);
    forget(&compared);
    forget(&exact);
    forget(&compared_exactly);
}

/* The embeddings that a command made, by what depends on all of them: the cosine from which
 * pictures are alike. */
static double threshold(const char *decode) {
    run_result r;
    run(&r, "dedup", source_path("data/demo"), "-m", source_path("data/models/demo"), "--tiers",
        "semantic", "--decode", decode, "--json", NULL);
    json_t *report = run_json(&r);
    double found = number_at(report, "min_similarity");
    json_decref(report);
    run_free(&r);
    return found;
}

static void the_command_decodes_as_it_is_told(void **state) {
    (void)state;
    const double fast = threshold("fast"), exact = threshold("exact");
    assert_true(fast > 0.5 && fast < 1);
    assert_true(fabs(fast - exact) < 0.001);
    assert_true(fast < exact || fast > exact);
}

static void what_is_named_is_taken_whatever_its_name(void **state) {
    (void)state;
    glimpse_picture_list list = {0};
    const char *const named[] = {"tree/.hidden.jpg", "tree/film.mp4", "tree/raw/x.jpg",
                                 "tree/notes", "tree/not there"};
    const glimpse_walk_rules rules = {.exclude = exclude, .exclude_count = 2};
    assert_ok(glimpse_picture_list_add(&list, named, 5, &rules, NULL, NULL));
    assert_int_equal(list.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(list.paths[i], named[i]);
    /* A hidden directory that is named is wanted as well. */
    const char *hidden = "tree/.git/";
    assert_ok(glimpse_picture_list_add(&list, &hidden, 1, &rules, NULL, NULL));
    assert_int_equal(list.count, 6);
    assert_string_equal(list.paths[5], "tree/.git/x.jpg");
    assert_int_equal(list.problem_count, 0);
    glimpse_picture_list_free(&list);
}

/* What the commands find, one line a picture that can be used or not, when they are given `roots`
 * (as many as it takes, NULL at the end), which are one tree of files. */
typedef struct counts {
    size_t indexed, deduped, labelled, captioned;
} counts;

static size_t lines_of(run_result *r, int code) {
    expect(r, code);
    json_t *lines = run_json_lines(r);
    const size_t count = json_array_size(lines);
    json_decref(lines);
    run_free(r);
    return count;
}

static void remove_library(void) {
    run_result r;
    run_shell(&r, "rm -rf overlap");
    run_free(&r);
}

static counts count_all(const char *a, const char *b, int code) {
    run_result r;
    counts c = {0};
    remove_library();
    run(&r, "index", a, b, "-l", "overlap", "--json", NULL);
    expect(&r, code);
    json_t *report = run_json(&r);
    c.indexed = (size_t)number_at(report, "files");
    json_decref(report);
    run_free(&r);
    run(&r, "index", a, b, "-l", "overlap", "--json", NULL);
    report = run_json(&r);
    assert_int_equal((int)number_at(report, "missing"), 0);
    assert_int_equal((int)number_at(report, "embedded"), 0);
    json_decref(report);
    run_free(&r);
    run(&r, "dedup", a, b, "--json", NULL);
    if (code) expect(&r, code);
    report = run_json(&r);
    /* Those that failed included; links are names of a picture. */
    c.deduped = (size_t)number_at(report, "scanned") + (size_t)number_at(report, "other_names");
    json_decref(report);
    run_free(&r);
    run(&r, "label", a, b, "-c", "car,bus", "--json", NULL);
    c.labelled = lines_of(&r, code);
    run(&r, "caption", a, b, "--max-length", "2", "--format", "jsonl", NULL);
    c.captioned = lines_of(&r, code);
    return c;
}

static void assert_same(const char *a, const char *b, int code, size_t expected_count) {
    const counts c = count_all(a, b, code);
    if (c.indexed != expected_count || c.deduped != expected_count ||
        c.labelled != expected_count || c.captioned != expected_count) {
        fail_msg("%s %s: index %zu, dedup %zu, label %zu, caption %zu, expected %zu", a, b,
                 c.indexed, c.deduped, c.labelled, c.captioned, expected_count);
    }
}

static void overlapping_roots_are_the_same_files_for_everybody(void **state) {
    (void)state;
    make("two");
    make("two/inner");
    copy_file(demo("bicycle-grass-085.jpg"), "two/a.jpg");
    copy_file(demo("bus-city-010.jpg"), "two/inner/b.jpg");
    assert_int_equal(symlink("a.jpg", "two/link.jpg"), 0);
    assert_int_equal(symlink("two", "way to two"), 0);
    assert_same("two", "two", 0, 3);
    assert_same("two", "two/../two", 0, 3);
    assert_same("two", "way to two", 0, 3);
    assert_same("way to two/inner", "two", 0, 3);
    assert_same("two", "two/inner/.", 0, 3);
    assert_same("two/inner/", "two/inner//", 0, 1);
    assert_same("two/link.jpg", "two/a.jpg", 0, 1);
    assert_same("two/inner", "two/inner/b.jpg", 0, 1);
    assert_same("two/inner/b.jpg", "two", 0, 3);
    /* One that is left out by a walk is wanted when it is named, and its own. */
    make("two/.hidden");
    copy_file(demo("bus-pink-167.jpg"), "two/.hidden/c.jpg");
    assert_same("two", "two/.hidden", 0, 4);
    assert_same("two/a.jpg", "two/.hidden", 0, 2);
}

static void what_was_named_first_is_shown(void **state) {
    (void)state;
    glimpse_picture_list list = {0};
    const char *roots[] = {"tree/link.jpg", "tree/sub/../sub/", "tree/a.jpg", "tree/sub"};
    assert_ok(glimpse_picture_list_add(&list, roots, 4, NULL, NULL, NULL));
    assert_true(list.count >= 3);
    assert_string_equal(list.paths[0], "tree/link.jpg");
    assert_string_equal(list.paths[1], "tree/sub/../sub/c.png");
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(strncmp(list.reals[i], tree, strlen(tree)), 0);
        assert_null(strstr(list.reals[i], ".."));
        assert_string_not_equal(list.paths[i], "tree/a.jpg");
        if (i > 0) assert_int_equal(strncmp(list.paths[i], roots[1], strlen(roots[1])), 0);
    }
    /* Nor do they come back with another call. */
    const size_t count = list.count;
    assert_ok(glimpse_picture_list_add(&list, roots + 2, 2, NULL, NULL, NULL));
    assert_int_equal(list.count, count);
    glimpse_picture_list_free(&list);
}

/* Indexed with a picture beside it, so that the others are seen to go on. */
static void a_pipe_that_is_named_is_a_file_that_cannot_be_used(void **state) {
    (void)state;
    run_result r;
    assert_same("tree/pipe", "tree/a.jpg", 3, 2);
    remove_library();
    run(&r, "index", "tree/pipe", "-l", "overlap", NULL);
    expect(&r, 3);
    assert_non_null(strstr(r.err, "neither a folder nor a regular file"));
    run_free(&r);
    run(&r, "index", "tree/pipe", "-l", "overlap", NULL);
    expect(&r, 0); /* which is known by now */
    run_free(&r);
    run(&r, "label", "tree/pipe", "-c", "car,bus", NULL);
    expect(&r, 3);
    assert_non_null(strstr(r.err, "tree/pipe: neither a folder nor a regular file"));
    run_free(&r);
    run(&r, "caption", "tree/pipe", "--style", "alt", NULL);
    expect(&r, 3);
    assert_non_null(strstr(r.err, "neither a folder nor a regular file"));
    run_free(&r);
}

static void links_to_directories_are_followed_on_demand(void **state) {
    (void)state;
    glimpse_picture_list list = {0};
    const glimpse_walk_rules rules = {.follow_links = 1, .exclude = exclude, .exclude_count = 2};
    size_t outside = 0;
    const char *root = "tree";
    assert_ok(glimpse_picture_list_add(&list, &root, 1, &rules, NULL, NULL));
    for (size_t i = 0; i < list.count; i++) {
        outside += strcmp(list.paths[i], "tree/link to outside/x.jpg") == 0;
        assert_null(strstr(list.paths[i], "loop"));
    }
    assert_int_equal(outside, 1);
    glimpse_picture_list_free(&list);
}

static void a_journal_belongs_to_one_way_of_decoding(void **state) {
    (void)state;
    glimpse_embedder *embedder = NULL;
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_embedder_picture picture = {.path = "tree/a.jpg"};
    float *embedding = malloc(width * sizeof *embedding), *again = malloc(width * sizeof *again);
    options.journal = "kept.journal";
    options.jobs = 1;
    assert_ok(glimpse_embedder_open(&embedder, NULL, model, &options));
    assert_ok(glimpse_embedder_embed(embedding, embedder, &picture, 1));
    assert_int_equal(glimpse_embedder_decoded(embedder), 1);
    glimpse_embedder_close(embedder);

    options.exact = 1;
    assert_int_equal(glimpse_embedder_open(&embedder, NULL, model, &options), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "reduced"));

    options.exact = 0;
    assert_ok(glimpse_embedder_open(&embedder, NULL, model, &options));
    assert_int_equal(glimpse_embedder_resumed(embedder), 1);
    assert_ok(glimpse_embedder_embed(again, embedder, &picture, 1));
    assert_int_equal(glimpse_embedder_decoded(embedder), 0);
    assert_true(picture.known);
    assert_int_equal(picture.width, 500);
    assert_int_equal(picture.height, 666);
    assert_memory_equal(embedding, again, width * sizeof *again);
    glimpse_embedder_close(embedder);
    free(embedding);
    free(again);
}

static int cancelled(void *user) {
    return ++*(int *)user > 0;
}

static void embedding_can_be_stopped(void **state) {
    (void)state;
    glimpse_embedder *embedder = NULL;
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_embedder_picture pictures[8] = {0};
    float *embeddings = malloc(8 * width * sizeof *embeddings);
    int asked = 0;
    options.jobs = 1;
    options.cancelled = cancelled;
    options.user = &asked;
    for (size_t i = 0; i < 8; i++)
        pictures[i].path = wanted[i];
    assert_ok(glimpse_embedder_open(&embedder, NULL, model, &options));
    assert_int_equal(glimpse_embedder_embed(embeddings, embedder, pictures, 8),
                     GLIMPSE_E_CANCELLED);
    assert_true(asked > 0);
    /* The embedder is as good as before. */
    glimpse_embedder_release(pictures, 8);
    glimpse_embedder_close(embedder);
    options.cancelled = NULL;
    assert_ok(glimpse_embedder_open(&embedder, NULL, model, &options));
    assert_ok(glimpse_embedder_embed(embeddings, embedder, pictures, 8));
    for (size_t i = 0; i < 8; i++)
        assert_true(pictures[i].known);
    glimpse_embedder_close(embedder);
    free(embeddings);
}

static int set_up(void **state) {
    if (run_setup(state) != 0) return -1;
    make_tree();
    if (!realpath("tree", tree)) return -1;
    if (glimpse_model_open(&model, source_path("data/models/demo"), NULL) < 0) return -1;
    width = glimpse_model_embedding_size(model);
    return 0;
}

static int tear_down(void **state) {
    glimpse_model_close(model);
    (void)chmod("tree/locked", 0755);
    return run_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_sees_the_same_files),
        cmocka_unit_test(a_file_has_the_same_embedding_whoever_asks),
        cmocka_unit_test(the_command_decodes_as_it_is_told),
        cmocka_unit_test(what_is_named_is_taken_whatever_its_name),
        cmocka_unit_test(overlapping_roots_are_the_same_files_for_everybody),
        cmocka_unit_test(what_was_named_first_is_shown),
        cmocka_unit_test(a_pipe_that_is_named_is_a_file_that_cannot_be_used),
        cmocka_unit_test(links_to_directories_are_followed_on_demand),
        cmocka_unit_test(a_journal_belongs_to_one_way_of_decoding),
        cmocka_unit_test(embedding_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

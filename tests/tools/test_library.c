/*
 * A library through the command: indexing, asking, looking after it. File names are as odd as file
 * names may be.
 */
#include "support/commands.h"

#include <fcntl.h>
#include <time.h>

/* Names that break programs which treat paths as text. */
static const char *const odd_names[] = {
    "pictures/plain.ppm",
    "pictures/two words.ppm",
    "pictures/-dash.ppm",
    "pictures/new\nline.ppm",
    "pictures/tab\tand\\backslash.ppm",
    "pictures/quote\"and'quote.ppm",
    "pictures/<b>&amp;$(x).ppm",
    "pictures/esc\033[31mred.ppm",
    "pictures/broken\xFF\xFEutf8.ppm",
    "pictures/\xE2\x80\xAEturned.ppm",
    "pictures/sub/\xF0\x9F\xA6\x9C parrot \xE9\xB8\x9F.ppm",
};
enum { ODD = sizeof odd_names / sizeof *odd_names };

static void make_pictures(void) {
    assert_int_equal(mkdir("pictures", 0777) | mkdir("pictures/sub", 0777), 0);
    for (unsigned i = 0; i < ODD; i++)
        write_picture(odd_names[i], 60 + i, 50, i);
}

static int setup(void **state) {
    run_setup(state);
    make_pictures();
    write_file("pictures/broken.jpg", "not a picture", 13);
    run_result r;
    run(&r, "index", "pictures", "--jobs", "2", NULL);
    expect(&r, 3);
    expect_err(&r, "using the demo model");
    expect_err(&r, "/pictures/broken.jpg");
    expect_out(&r, "12 pictures: 11 embedded, 1 unusable");
    run_free(&r);
    return 0;
}

/* The absolute path of a name in the working directory; static storage. */
static const char *absolute(const char *name) {
    return path_in(run_directory, name);
}

/* Standard output has the absolute path of a name between two texts. */
static void expect_path_line(const run_result *r, const char *before, const char *name,
                             const char *after) {
    char line[4096];
    (void)snprintf(line, sizeof line, "%s%s%s", before, absolute(name), after);
    expect_out(r, line);
}

static void index_again_opens_nothing(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(number_at(root, "files") == 12);
    assert_true(number_at(root, "unchanged") == 11);
    assert_true(number_at(root, "embedded") == 0);
    assert_true(number_at(root, "quarantined") == 1);
    assert_true(number_at(root, "newly_quarantined") == 0);
    assert_true(json_is_false(at(root, "stopped")));
    json_decref(root);
    run_free(&r);
}

static void status_lists_everything(void **state) {
    (void)state;
    run_result r;
    run(&r, "status", "--json", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "library"), absolute("data/glimpse/library"));
    assert_true(number_at(root, "files") == 12);
    assert_true(number_at(root, "embedded") == 11);
    assert_true(number_at(root, "duplicates") == 0);
    assert_true(number_at(root, "offline") == 0);
    assert_string_equal(text_at(root, "quarantined.0.path"), absolute("pictures/broken.jpg"));
    assert_true(strlen(text_at(root, "quarantined.0.reason")) > 0);
    assert_null(strstr(text_at(root, "quarantined.0.reason"), "broken.jpg"));
    assert_string_equal(text_at(root, "models.0.name"), "demo");
    assert_true(number_at(root, "models.0.embedded") == 11);
    json_decref(root);
    run_free(&r);
    run(&r, "status", NULL);
    expect(&r, 0);
    expect_path_line(&r, "Library:     ", "data/glimpse/library", "\n");
    expect_out(&r, "Pictures:    12 files, 11 embedded, 1 unusable\n");
    expect_out(&r, "On disk:     ");
    expect_path_line(&r, "Folders:     ", "pictures", "\n");
    expect_out(&r, "Models:      demo, 11 embedded, index ok\n");
    expect_path_line(&r, "Unusable:\n  ", "pictures/broken.jpg", ": ");
    run_free(&r);
}

static void search_finds_every_odd_name_once(void **state) {
    (void)state;
    run_result json, nul, lines;
    run(&json, "search", "--no-collapse", "a red car", "-k", "50", "--json", NULL);
    run(&nul, "search", "--no-collapse", "-0", "-k50", "a red car", NULL);
    run(&lines, "search", "--no-collapse", "a", "red", "car", "--paths", "--count=50", NULL);
    expect(&json, 0);
    expect_err(&json, "using the demo model"); /* still: nobody chose it */
    expect(&nul, 0);
    expect(&lines, 0);
    json_t *root = run_json(&json);
    assert_string_equal(text_at(root, "query"), "a red car");
    assert_string_equal(text_at(root, "model"), "demo");
    assert_int_equal(json_array_size(at(root, "results")), ODD);
    int seen[ODD] = {0};
    const char *path = nul.out;
    double before = 2;
    for (size_t i = 0; i < ODD; i++) {
        const json_t *result = json_array_get(at(root, "results"), i);
        assert_true(number_at(result, "rank") == (double)(i + 1));
        assert_true(number_at(result, "score") <= before);
        before = number_at(result, "score");
        assert_int_equal(strlen(text_at(result, "id")), 32);
        assert_string_equal(text_at(result, "taken"), text_at(result, "modified"));
        assert_string_equal(text_at(result, "taken_from"), "file");
        assert_true(number_at(result, "height") == 50);
        for (size_t k = 0; k < ODD; k++) {
            if (strcmp(path, absolute(odd_names[k])) != 0) continue;
            seen[k]++;
            assert_true(number_at(result, "width") == (double)(60 + k));
            const json_t *bytes = json_object_get(result, "path_bytes");
            if (strstr(odd_names[k], "broken")) {
                assert_non_null(strstr(text_at(result, "path"), "broken\xEF\xBF\xBD\xEF\xBF\xBDu"));
                assert_non_null(strstr(json_string_value(bytes), "62726f6b656efffe75746638"));
            } else {
                assert_string_equal(text_at(result, "path"), path);
                assert_null(bytes);
            }
        }
        path += strlen(path) + 1;
    }
    assert_ptr_equal(path, nul.out + nul.out_size);
    for (size_t k = 0; k < ODD; k++)
        assert_int_equal(seen[k], 1);
    /* --paths: the same bytes with other ends. */
    assert_int_equal(lines.out_size, nul.out_size);
    for (size_t i = 0; i < nul.out_size; i++)
        assert_true(lines.out[i] == nul.out[i] || (lines.out[i] == '\n' && nul.out[i] == '\0'));
    json_decref(root);
    run_free(&json);
    run_free(&nul);
    run_free(&lines);
}

static void table_and_tsv_are_safe_to_look_at(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "--no-collapse", "x", "-k", "50", NULL);
    expect(&r, 0);
    expect_out(&r, " score  path");
    expect_out(&r, "pictures/new\\nline.ppm");
    expect_out(&r, "pictures/esc\\x1b[31mred.ppm");
    expect_out(&r, "pictures/broken\\xff\\xfeutf8.ppm");
    expect_out(&r, "pictures/\\u202eturned.ppm");
    expect_out(&r, "\xF0\x9F\xA6\x9C parrot \xE9\xB8\x9F.ppm    70x50  ");
    assert_null(strchr(r.out, '\033'));
    assert_null(strstr(r.out, run_directory)); /* shorter from here */
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "-k", "50", "--tsv", NULL);
    expect(&r, 0);
    size_t lines = 0, tabs = 0;
    for (const char *s = r.out; *s; s++) {
        lines += *s == '\n';
        tabs += *s == '\t';
    }
    assert_int_equal(lines, ODD);
    assert_int_equal(tabs, 8 * ODD);
    expect_out(&r, "/tab\\tand\\\\backslash.ppm\t");
    expect_out(&r, "/new\\nline.ppm\t");
    expect_out(&r, "/broken\xFF\xFEutf8.ppm\t");
    run_free(&r);
}

static void filters_narrow_and_nothing_found_is_one(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "--no-collapse", "x", "--in", "pictures/sub", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), 1);
    json_decref(root);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--in", "pictures/nowhere", NULL);
    expect(&r, 1);
    expect_err(&r, "no file of the library lies below ");
    expect_err(&r, "/pictures/nowhere; there is no such folder");
    run_free(&r);
    /* One of several: the others are searched, and it is told, to programs, too. */
    run(&r, "search", "--no-collapse", "x", "--in", "pictures/sub", "--in", "pictures/su", "--json",
        NULL);
    expect(&r, 0);
    expect_err(&r, "/pictures/su; ");
    expect_err(&r, "/pictures/sub has 1");
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), 1);
    assert_int_equal(json_array_size(at(root, "warnings")), 1);
    json_decref(root);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--in", "", NULL);
    expect(&r, 2);
    expect_err(&r, "a folder to search in is empty");
    run_free(&r);
    run(&r, "similar", "--no-collapse", "pictures/sub", "--in", "pictures/nowhere", NULL);
    expect(&r, 4);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--label", "buss", NULL);
    expect(&r, 1);
    expect_err(&r, "no stored label buss (there are none)");
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--min-score", "1.5", NULL);
    expect(&r, 1);
    assert_string_equal(r.out, "");
    expect_err(&r, "nothing found");
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--min-score", "1.5", "--json", "--quiet", NULL);
    expect(&r, 1);
    expect_no_err(&r);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), 0);
    json_decref(root);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--before", "2000", "-0", NULL);
    expect(&r, 1);
    assert_int_equal(r.out_size, 0);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--after", "2000", "--paths", "-k", "3", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "--after", "tomorrow", NULL);
    expect(&r, 2);
    expect_err(&r, "tomorrow");
    run_free(&r);
}

static void queries_take_pictures_and_signs(void **state) {
    (void)state;
    run_result one, two, three;
    run(&one, "search", "--no-collapse", "./pictures/plain.ppm", "-k", "1", "--json", NULL);
    expect(&one, 0);
    json_t *root = run_json(&one);
    assert_string_equal(text_at(root, "results.0.path"), absolute("pictures/plain.ppm"));
    assert_true(number_at(root, "results.0.score") > 0.999);
    json_decref(root);
    run_free(&one);
    /* A file name needs no ./ when the file is there, and may hold spaces. */
    run(&one, "search", "--no-collapse", "pictures/two words.ppm", "-k", "1", "--paths", NULL);
    expect(&one, 0);
    expect_out(&one, "/pictures/two words.ppm\n");
    run_free(&one);
    run(&one, "search", "--no-collapse", "2:a red car", "+", "./pictures/plain.ppm", "-", "night",
        "--json", NULL);
    run(&two, "search", "--no-collapse", "2:a red car + ./pictures/plain.ppm - night", "--json",
        NULL);
    run(&three, "search", "--no-collapse", "a red car", "--json", NULL);
    expect(&one, 0);
    expect(&two, 0);
    assert_string_equal(one.out, two.out);
    assert_string_not_equal(one.out, three.out);
    run_free(&two);
    run_free(&three);
    run_free(&one);
    run(&one, "search", "--no-collapse", "a", "+", "./absent.jpg", NULL);
    expect(&one, 4);
    expect_err(&one, "absent.jpg: ");
    expect_err(&one, "No such file");
    run_free(&one);
    run(&one, "search", "--no-collapse", "./pictures/plain.ppm", "-", "./pictures/plain.ppm", NULL);
    expect(&one, 4);
    expect_err(&one, "cancel out");
    run_free(&one);
    char *longest = malloc(3001);
    assert_non_null(longest);
    for (int i = 0; i < 1000; i++)
        memcpy(longest + 3 * i, "ox ", 3);
    longest[3000] = '\0';
    run(&one, "search", "--no-collapse", longest, NULL);
    expect(&one, 0);
    expect_err(&one, "longer than the model reads");
    run_free(&one);
    free(longest);
}

static void similar_leaves_out_the_picture_itself(void **state) {
    (void)state;
    run_result r;
    run(&r, "similar", "--no-collapse", "pictures/plain.ppm", "--json", "-k", "50", NULL);
    expect(&r, 0);
    assert_null(strstr(r.out, "/plain.ppm\",\"id"));
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "query"), "pictures/plain.ppm");
    assert_int_equal(json_array_size(at(root, "results")), ODD - 1);
    json_decref(root);
    run_free(&r);
    run(&r, "similar", "--no-collapse", "pictures/plain.ppm", "--with-self", "--paths", "-k", "1",
        NULL);
    expect(&r, 0);
    expect_out(&r, "/pictures/plain.ppm\n");
    run_free(&r);
    /* The same bytes outside the library are the picture itself, too. */
    copy_file("pictures/plain.ppm", "copy.ppm");
    run(&r, "similar", "--no-collapse", "copy.ppm", "--paths", "-k", "50", NULL);
    expect(&r, 0);
    assert_null(strstr(r.out, "/plain.ppm\n"));
    run_free(&r);
    run(&r, "similar", "--no-collapse", "copy.ppm", "--paths", "--with-self", "-k", "1", NULL);
    expect(&r, 0);
    expect_out(&r, "/pictures/plain.ppm\n");
    run_free(&r);
    run(&r, "similar", "--no-collapse", "copy.ppm", "--with-self", "-k", "1", NULL);
    expect(&r, 0);
    expect_out(&r, " score  path ");
    expect_out(&r, "\n 1.000  pictures/plain.ppm  60x50 ");
    run_free(&r);
    run(&r, "similar", "--no-collapse", "pictures/broken.jpg", NULL);
    expect(&r, 4);
    expect_err(&r, "pictures/broken.jpg: ");
    run_free(&r);
}

static void similar_notices_that_the_file_changed(void **state) {
    (void)state;
    run_result before, after;
    write_picture("pictures/changing.ppm", 64, 64, 70);
    run(&before, "index", "pictures", NULL);
    run_free(&before);
    struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    copy_file("pictures/plain.ppm", "pictures/changing.ppm");
    assert_int_equal(utimensat(AT_FDCWD, "pictures/changing.ppm", times, 0), 0);
    run(&after, "similar", "--no-collapse", "pictures/changing.ppm", "--with-self", "-k", "1",
        "--json", NULL);
    expect(&after, 0);
    json_t *root = run_json(&after);
    assert_string_equal(text_at(root, "results.0.path"), absolute("pictures/plain.ppm"));
    assert_true(number_at(root, "results.0.score") > 0.999);
    json_decref(root);
    run_free(&after);
    assert_int_equal(unlink("pictures/changing.ppm"), 0);
    run(&after, "index", "pictures", NULL);
    expect(&after, 0);
    expect_out(&after, "1 known file is no longer there");
    run_free(&after);
}

static void prune_forgets_only_what_is_gone(void **state) {
    (void)state;
    run_result r;
    run(&r, "prune", "--dry-run", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(json_is_true(at(root, "dry_run")));
    assert_true(number_at(root, "files") == 1);
    json_decref(root);
    run_free(&r);
    run(&r, "prune", "-n", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, "Would be forgotten: 1 file, 1 content, 1 embedding\n");
    run_free(&r);
    run(&r, "prune", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, "Forgotten: 1 file, 1 content, 1 embedding\n");
    run_free(&r);
    run(&r, "prune", "--model", "nobody", NULL);
    expect(&r, 4);
    expect_err(&r, "the library has no model nobody");
    run_free(&r);
    run(&r, "status", "--json", NULL);
    root = run_json(&r);
    assert_true(number_at(root, "files") == 12 && number_at(root, "missing") == 0);
    json_decref(root);
    run_free(&r);
}

static void verify_reports_and_reindex_mends(void **state) {
    (void)state;
    run_result r;
    run(&r, "verify", NULL);
    expect(&r, 0);
    expect_out(&r, "All is well: 11 embeddings checked.");
    run_free(&r);
    run_shell(&r, "for f in data/glimpse/library/vectors-*.faiss; do"
                  " printf xxxx | dd of=\"$f\" bs=1 seek=300 conv=notrunc 2>/dev/null; done");
    expect(&r, 0);
    run_free(&r);
    run(&r, "verify", "--json", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_true(json_is_false(at(root, "ok")));
    assert_true(json_array_size(at(root, "problems")) > 0);
    const char *problem = text_at(root, "problems.0");
    run_result text;
    run(&text, "verify", NULL);
    expect(&text, 1);
    expect_out(&text, problem);
    expect_out(&text, "\n1 problem. `glimpse reindex` writes ");
    run_free(&text);
    json_decref(root);
    run_free(&r);
    run(&r, "reindex", NULL);
    expect(&r, 0);
    expect_out(&r, "demo: 11 vectors\n");
    run_free(&r);
    run(&r, "verify", NULL);
    expect(&r, 0);
    run_free(&r);
}

static void models_lists_installed_and_used_ones(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir -p data/glimpse/models/some data/glimpse/models/acme && "
                  "cp -R \"" GLIMPSE_SOURCE_DIR "/data/models/demo\" data/glimpse/models/plain && "
                  "cp -R \"" GLIMPSE_SOURCE_DIR "/data/models/demo\" data/glimpse/models/acme/one "
                  "&& cp -R \"" GLIMPSE_SOURCE_DIR
                  "/data/models/demo-vlm/itm\" data/glimpse/models/matcher");
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    static const struct {
        const char *name, *kind;
        int in_library;
        const char *path;
    } models[] = {
        {"acme/one", "encoder", 0, "data/glimpse/models/acme/one"},
        {"matcher", "blip", 0, "data/glimpse/models/matcher"},
        {"plain", "encoder", 0, "data/glimpse/models/plain"},
        {"demo", "encoder", 1, NULL}, /* not installed: what the library was made with */
    };
    const size_t count = sizeof models / sizeof *models;
    assert_int_equal(json_array_size(at(root, "models")), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *m = json_array_get(at(root, "models"), i);
        assert_string_equal(text_at(m, "name"), models[i].name);
        assert_string_equal(text_at(m, "kind"), models[i].kind);
        assert_true(json_is_true(at(m, "available")));
        assert_int_equal(json_is_true(at(m, "in_library")), models[i].in_library);
        assert_int_equal(json_is_true(at(m, "last_used")), models[i].in_library);
        assert_true(number_at(m, "embedded") == (models[i].in_library ? 11 : 0));
        if (models[i].path) assert_string_equal(text_at(m, "path"), absolute(models[i].path));
    }
    assert_int_equal(strlen(text_at(root, "models.0.fingerprint")), 32);
    assert_true(json_is_null(at(root, "models.1.fingerprint")));
    json_decref(root);
    run_free(&r);
    run(&r, "models", NULL);
    expect(&r, 0);
    char line[2048];
    (void)snprintf(line, sizeof line, "  %s\n", absolute(models[0].path));
    expect_out(&r, "name      family  params  dim  px  texts  licence ");
    expect_out(&r, "\nacme/one  CLIP      2.7M  128  72  -      -      ");
    expect_out(&r, line);
    expect_out(&r, "\nmatcher   BLIP ");
    expect_out(&r, "\ndemo      CLIP      2.7M  128  72  en     Apache-2.0  5.4 MB  ");
    expect_out(&r, " 11  " GLIMPSE_SOURCE_DIR "/data/models/demo (default of the library)\n");
    assert_null(strstr(r.out, " gone "));
    run_free(&r);
    /* By name, and by the environment. */
    run(&r, "search", "--no-collapse", "x", "--model", "acme/one", "--json", NULL);
    expect(&r, 0);
    expect_out(&r, "\"model\":\"one\"");
    run_free(&r);
    run_shell(&r, "GLIMPSE_MODEL=plain \"$G\" search x --json");
    expect(&r, 0);
    expect_out(&r, "\"model\":\"plain\"");
    run_free(&r);
    run_shell(&r, "GLIMPSE_MODEL=plain \"$G\" search x --json --model demo");
    expect(&r, 0);
    expect_out(&r, "\"model\":\"demo\"");
    run_free(&r);
    /* A library stays with a model that was deleted, and says so. Another one than the demo model,
     * which would be found in its own place. */
    run_shell(&r, "sed -i 's/\"resample\": 3/\"resample\": 2/' "
                  "data/glimpse/models/plain/preprocessor_config.json && "
                  "\"$G\" index pictures/sub -l plainlib --model plain -q");
    expect(&r, 0);
    run_free(&r);
    run_shell(&r, "rm -r data/glimpse/models");
    run_free(&r);
    run(&r, "models", "-l", "plainlib", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "models")), 2);
    assert_string_equal(text_at(root, "models.0.name"), "demo");
    assert_true(json_is_true(at(root, "models.0.available")));
    assert_true(json_is_false(at(root, "models.0.in_library")));
    assert_string_equal(text_at(root, "models.1.name"), "plain");
    assert_true(json_is_false(at(root, "models.1.available")));
    assert_true(json_is_true(at(root, "models.1.in_library")));
    json_decref(root);
    run_free(&r);
    run(&r, "models", "-l", "plainlib", NULL);
    expect(&r, 0);
    expect_out(&r, "\nplain ");
    expect_path_line(&r, " gone             1  ", "data/glimpse/models/plain",
                     " (default of the library)\n");
    run_free(&r);
}

static void the_library_is_chosen_by_option_then_environment(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures/sub", "-l", "deep/er/one", "--quiet", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    run_shell(&r, "GLIMPSE_LIBRARY=deep/er/one \"$G\" search x --json");
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), 1);
    json_decref(root);
    run_free(&r);
    run_shell(&r, "GLIMPSE_LIBRARY=nowhere \"$G\" search x --json --library=deep/er/one");
    expect(&r, 0);
    run_free(&r);
}

static void index_options_reach_the_library(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures", "-l", "some", "--exclude", "sub", "-x", "t*.ppm", "--json", "-q",
        NULL);
    expect(&r, 3);
    expect_err(&r, "/pictures/broken.jpg");
    json_t *root = run_json(&r);
    assert_true(number_at(root, "files") == 9); /* without sub/, two words and tab */
    json_decref(root);
    run_free(&r);
    run(&r, "index", "pictures", "-l", "small", "--max-pixels", "3150", "--json", "-q", NULL);
    expect(&r, 3);
    expect_err(&r, "... and 3 more; glimpse status shows all");
    root = run_json(&r);
    assert_true(number_at(root, "quarantined") == 8); /* wider than 63, and the broken one */
    assert_true(number_at(root, "embedded") == 4);
    json_decref(root);
    run_free(&r);
    run(&r, "index", "pictures", "-l", "small", "--json", "-q", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "quarantined") == 8);
    json_decref(root);
    run_free(&r);
    run(&r, "index", "pictures", "-l", "small", "--retry", "--json", "-q", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "embedded") == 7);
    assert_true(number_at(root, "quarantined") == 1);
    json_decref(root);
    run_free(&r);
    /* Only what was asked for is complained about. */
    run(&r, "index", "pictures/sub", "-l", "small", "-q", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    /* Nothing is put among the pictures. */
    run(&r, "index", "pictures", "-l", "pictures", NULL);
    expect(&r, 4);
    expect_err(&r, "pictures: not a library, and not empty");
    run_free(&r);
    assert_int_equal(access("pictures/catalog.db", F_OK), -1);
    assert_int_equal(access("pictures/lock", F_OK), -1);
    run(&r, "index", "pictures", "absent", "-l", "small", NULL);
    expect(&r, 3);
    expect_err(&r, "absent");
    run_free(&r);
}

static void known_trouble_is_counted_and_no_news(void **state) {
    (void)state;
    run_result r;
    run_shell(&r,
              "mkdir -p news/sub && cp pictures/broken.jpg news/ && cp pictures/sub/* news/sub/");
    run_free(&r);
    run(&r, "index", "news", "-l", "news.glimpse", "-m", "demo", NULL);
    expect(&r, 3);
    expect_err(&r, "unusable: ");
    expect_err(&r, "broken.jpg");
    run_free(&r);
    run(&r, "index", "news", "-l", "news.glimpse", NULL);
    expect(&r, 0);
    expect_out(&r, "1 unusable");
    expect_no_err(&r);
    run_free(&r);
    run(&r, "index", "news", "-l", "news.glimpse", "--retry", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    run(&r, "index", "-l", "news.glimpse", "--list-unusable", NULL);
    expect(&r, 0);
    expect_err(&r, "unusable: ");
    expect_err(&r, "broken.jpg");
    run_free(&r);
    /* All is well: not a word. */
    run(&r, "index", "-l", "news.glimpse", "-q", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    assert_string_equal(r.out, "");
    run_free(&r);
    /* Something is not: only that. */
    run_shell(&r, "cp news/broken.jpg news/again.jpg; printf x >>news/again.jpg");
    run_free(&r);
    run(&r, "index", "-l", "news.glimpse", "-q", NULL);
    expect(&r, 3);
    expect_err(&r, "again.jpg");
    assert_null(strstr(r.err, "broken.jpg"));
    assert_string_equal(r.out, "");
    run_free(&r);
    /* One that changed is news. */
    run_shell(&r, "printf xx >>news/broken.jpg");
    run_free(&r);
    run(&r, "index", "news", "-l", "news.glimpse", "-q", NULL);
    expect(&r, 3);
    expect_err(&r, "broken.jpg");
    run_free(&r);
}

static void index_alone_does_what_it_did_the_last_time(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir -p memory/sub memory/private && cp pictures/sub/* memory/ && "
                  "cp pictures/sub/* memory/sub/ && cp pictures/sub/* memory/private/ && "
                  "touch memory/private/.nomedia");
    run_free(&r);
    run(&r, "index", "memory", "-l", "memory.glimpse", "-x", "sub", NULL);
    expect(&r, 0);
    expect_out(&r, "1 folder left out for a .nomedia or .noimage file");
    expect_err(&r, "memory/private: has a file .nomedia");
    run_free(&r);
    run(&r, "index", "-l", "memory.glimpse", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    const double files = number_at(root, "files");
    assert_true(number_at(root, "nomedia") == 1);
    json_decref(root);
    run_free(&r);
    run(&r, "status", "-l", "memory.glimpse", NULL);
    expect(&r, 0);
    expect_out(&r, "memory (--exclude 'sub')");
    run_free(&r);
    run(&r, "status", "-l", "memory.glimpse", "--json", NULL);
    root = run_json(&r);
    assert_string_equal(text_at(root, "roots.0.exclude.0"), "sub");
    assert_true(json_is_false(at(root, "roots.0.follow_links")));
    assert_true(json_is_false(at(root, "roots.0.include_nomedia")));
    assert_true(number_at(root, "single_files") == 0);
    json_decref(root);
    run_free(&r);
    run(&r, "index", "memory", "-l", "memory.glimpse", "--include-nomedia", NULL);
    expect(&r, 0);
    expect_err(&r, "the options given replace those that 1 folder remembered");
    run_free(&r);
    run(&r, "index", "-l", "memory.glimpse", "--json", NULL);
    root = run_json(&r);
    assert_true(number_at(root, "files") == 3 * files);
    json_decref(root);
    run_free(&r);
    run(&r, "index", "-l", "memory.glimpse", "--forget-options", "--json", NULL);
    root = run_json(&r);
    assert_true(number_at(root, "files") == 2 * files);
    assert_true(number_at(root, "replaced_options") == 1);
    json_decref(root);
    run_free(&r);
    run(&r, "status", "-l", "memory.glimpse", NULL);
    assert_null(strstr(r.out, "(--"));
    expect_out(&r, " by .nomedia, --exclude or a link (glimpse prune --left-out forgets them)");
    run_free(&r);
    run(&r, "prune", "-l", "memory.glimpse", NULL);
    expect_out(&r, "Forgotten: 0 files");
    run_free(&r);
    run(&r, "prune", "-l", "memory.glimpse", "--left-out", "--dry-run", "--json", NULL);
    root = run_json(&r);
    assert_true(number_at(root, "files") == files);
    json_decref(root);
    run_free(&r);
    /* Other commands leave it out as well, and say so. */
    run(&r, "dedup", "memory", NULL);
    expect_err(&r, "1 folder left out for a .nomedia or .noimage file");
    expect_out(&r, "memory/sub/");
    assert_null(strstr(r.out, "private"));
    run_free(&r);
    run(&r, "dedup", "memory", "--include-nomedia", NULL);
    expect_out(&r, "memory/private/");
    assert_null(strstr(r.err, "left out"));
    run_free(&r);
    run(&r, "label", "memory", "-c", "car,bus", NULL);
    expect_err(&r, "1 folder left out for a .nomedia or .noimage file");
    run_free(&r);
}

static void a_folder_that_is_not_there_keeps_no_other_from_being_indexed(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir present && cp pictures/sub/*.ppm present/a.ppm");
    run_free(&r);
    for (int again = 0; again < 2; again++) {
        run(&r, "index", "present", "nonexist", "-l", "present.glimpse", again ? "-q" : "--json",
            NULL);
        expect(&r, 3);
        expect_err(&r, "nonexist: cannot be indexed: No such file or directory");
        if (!again) {
            json_t *root = run_json(&r);
            assert_true(number_at(root, "embedded") == 1);
            assert_true(number_at(root, "refused_roots") == 1);
            json_decref(root);
        }
        run_free(&r);
    }
    run(&r, "index", "nonexist", "-l", "present.glimpse", NULL);
    expect(&r, 4);
    expect_err(&r, "nonexist: cannot be indexed: No such file or directory");
    run_free(&r);
}

static void files_indexed_one_by_one_are_forgotten_when_they_are_gone(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir loose && cp pictures/sub/*.ppm loose/a.ppm && cp loose/a.ppm loose/b.ppm");
    run_free(&r);
    run(&r, "index", "loose/a.ppm", "loose/b.ppm", "-l", "loose.glimpse", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "status", "-l", "loose.glimpse", NULL);
    expect_out(&r, "By itself:   2 files");
    assert_null(strstr(r.out, "Folders:"));
    run_free(&r);
    run_shell(&r, "rm loose/a.ppm");
    run_free(&r);
    run(&r, "prune", "-l", "loose.glimpse", NULL);
    expect(&r, 0);
    expect_out(&r, "Forgotten: 1 file, 0 contents");
    run_free(&r);
    run_shell(&r, "rm -r loose");
    run_free(&r);
    run(&r, "prune", "-l", "loose.glimpse", NULL);
    expect_out(&r, "Forgotten: 1 file, 1 content, 1 embedding");
    run_free(&r);
    run(&r, "index", "-l", "loose.glimpse", NULL);
    expect(&r, 4);
    expect_err(&r, "no folder was indexed yet");
    run_free(&r);
}

static void a_directory_that_is_away_is_offline_and_kept(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(rename("pictures", "elsewhere"), 0);
    run(&r, "status", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(number_at(root, "offline") == 12);
    assert_true(json_is_true(at(root, "roots.0.offline")));
    json_decref(root);
    run_free(&r);
    run(&r, "index", "pictures", NULL);
    expect_out(&r, "cannot be reached now");
    run_free(&r);
    run(&r, "status", NULL);
    expect(&r, 0);
    expect_out(&r, "Offline:     12 files\n");
    expect_path_line(&r, "Folders:     ", "pictures", " (offline)\n");
    run_free(&r);
    run(&r, "search", "--no-collapse", "x", "-k", "50", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), ODD);
    assert_true(json_is_true(at(root, "results.0.offline")));
    json_decref(root);
    run_free(&r);
    assert_int_equal(rename("elsewhere", "pictures"), 0);
    run(&r, "index", "pictures", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "unchanged") == 11);
    json_decref(root);
    run_free(&r);
}

static void a_damaged_catalogue_is_reported(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir bad && head -c 5000 /dev/zero > bad/catalog.db");
    run_free(&r);
    static const char *const commands[] = {"search", "status", "verify", "reindex"};
    for (size_t i = 0; i < 4; i++) {
        run(&r, commands[i], "--library", "bad", i == 0 ? "x" : NULL, NULL);
        expect(&r, 4);
        expect_err(&r, "bad/catalog.db");
        run_free(&r);
    }
    run(&r, "index", "pictures", "--library", "bad", NULL);
    expect(&r, 4);
    run_free(&r);
    struct stat info;
    assert_int_equal(stat("bad/catalog.db", &info), 0);
    assert_int_equal(info.st_size, 5000);
}

/* One of each: no line of any command says "1 pictures". */
static void one_is_counted_as_one(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\"$G\" index one -l one.lib",
        "\"$G\" status -l one.lib",
        "\"$G\" verify -l one.lib",
        "\"$G\" reindex -l one.lib",
        "\"$G\" label one -c car --store s -l one.lib",
        "\"$G\" label --all -c car --store s -l one.lib; \"$G\" label --stored -l one.lib",
        "\"$G\" caption one --store -l one.lib",
        "\"$G\" status -l one.lib",
        "\"$G\" dedup one --html d.html; sed 's/<[^>]*>/ /g' d.html",
        "\"$G\" audit one --html a.html; sed 's/<[^>]*>/ /g' a.html",
        "\"$G\" search car --html s.html -l one.lib; sed 's/<[^>]*>/ /g' s.html",
        "\"$G\" label one -c car --report r.html; sed 's/<[^>]*>/ /g' r.html",
        ("cp one/a.ppm one/b.ppm; \"$G\" dedup one --delete --apply; \"$G\" dedup --undo; "
         "\"$G\" dedup one --delete --apply; \"$G\" dedup --empty --apply"),
        "rm one/*; \"$G\" index one -l one.lib; \"$G\" status -l one.lib",
        "\"$G\" prune -l one.lib",
    };
    assert_int_equal(mkdir("one", 0777), 0);
    write_picture("one/a.ppm", 80, 60, 3);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[700];
        run_result r;
        (void)snprintf(line, sizeof line,
                       "(%s) 2>&1 | grep -E '(^|[^0-9,.])1 (pictures|files|captions|classes|rows|"
                       "embeddings|vectors|groups|contents|findings|workers|duplicates|answers|"
                       "known files|folders|problems|held files)'",
                       lines[i]);
        run_shell(&r, line);
        if (r.out_size > 0) fail_msg("%s: %s", lines[i], r.out);
        run_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_again_opens_nothing),
        cmocka_unit_test(status_lists_everything),
        cmocka_unit_test(search_finds_every_odd_name_once),
        cmocka_unit_test(table_and_tsv_are_safe_to_look_at),
        cmocka_unit_test(filters_narrow_and_nothing_found_is_one),
        cmocka_unit_test(queries_take_pictures_and_signs),
        cmocka_unit_test(similar_leaves_out_the_picture_itself),
        cmocka_unit_test(similar_notices_that_the_file_changed),
        cmocka_unit_test(prune_forgets_only_what_is_gone),
        cmocka_unit_test(verify_reports_and_reindex_mends),
        cmocka_unit_test(models_lists_installed_and_used_ones),
        cmocka_unit_test(the_library_is_chosen_by_option_then_environment),
        cmocka_unit_test(index_options_reach_the_library),
        cmocka_unit_test(known_trouble_is_counted_and_no_news),
        cmocka_unit_test(index_alone_does_what_it_did_the_last_time),
        cmocka_unit_test(a_folder_that_is_not_there_keeps_no_other_from_being_indexed),
        cmocka_unit_test(files_indexed_one_by_one_are_forgotten_when_they_are_gone),
        cmocka_unit_test(a_directory_that_is_away_is_offline_and_kept),
        cmocka_unit_test(a_damaged_catalogue_is_reported),
        cmocka_unit_test(one_is_counted_as_one),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

/*
 * Which models there are and which of them is asked: glimpse models, and what index, search and
 * label do where nobody chose one. The hub is on 127.0.0.1 and has the demo model.
 */
#include "faults.h"

#include "support/loopback_hub.h"

#include <sys/stat.h>
#include <unistd.h>

#define DEMO        GLIMPSE_SOURCE_DIR "/data/models/demo"
#define MODELS      "data/glimpse/models"
#define COMMIT      LOOPBACK_COMMIT
#define CACHED      ".cache/huggingface/hub/models--org--cached"
#define SNAPSHOT    CACHED "/snapshots/" COMMIT
#define RECOMMENDED "ViT-B-16-SigLIP2"

static loopback_hub *hub;

static void shell(const char *command) {
    run_result r;
    run_shell(&r, command);
    expect(&r, 0);
    run_free(&r);
}

/* A model like the demo model, with another fingerprint: each `kind` has one of its own, and 0 is
 * the demo model's. */
static void make_model(const char *directory, int kind) {
    static const char *const changes[] = {"", "s/\"resample\": 3/\"resample\": 2/",
                                          "s/0\\.48[0-9]*/0.48/"};
    char command[2048];
    (void)snprintf(command, sizeof command,
                   "mkdir -p '%s' && cp \"" DEMO "\"/* '%s' && sed -i '%s' "
                   "'%s/preprocessor_config.json'",
                   directory, directory, changes[kind], directory);
    shell(command);
}

static void make_cached(void) {
    make_model(SNAPSHOT, 1);
    shell("mkdir -p " CACHED "/refs " CACHED "/blobs && printf %s " COMMIT " > " CACHED
          "/refs/main && mv " SNAPSHOT "/model.safetensors " CACHED
          "/blobs/abc && ln -s ../../blobs/abc " SNAPSHOT "/model.safetensors");
}

static int begin(void **state) {
    static const char *const unwanted[] = {"HF_TOKEN",
                                           "HF_HOME",
                                           "HF_HUB_CACHE",
                                           "HF_HUB_OFFLINE",
                                           "TRANSFORMERS_OFFLINE",
                                           "HUGGING_FACE_HUB_TOKEN"};
    static const char *const files[] = {"config.json",       "preprocessor_config.json",
                                        "vocab.json",        "merges.txt",
                                        "model.safetensors", "tokenizer_config.json"};
    char source[100];
    (void)state;
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)unsetenv(unwanted[i]);
    remove_tree("data");
    remove_tree(".cache");
    remove_tree(".config");
    remove_tree("one");
    remove_tree("two");
    assert_int_equal(mkdir("one", 0777) | mkdir("two", 0777), 0);
    write_picture("one/a.ppm", 60, 50, 1);
    write_picture("one/b.ppm", 60, 50, 2);
    write_picture("two/c.ppm", 60, 50, 3);
    hub = loopback_hub_start();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(source, sizeof source, "data/models/demo/%s", files[i]);
        loopback_hub_add_file(hub, "google/siglip2-base-patch16-224", files[i], source_path(source),
                              0);
    }
    loopback_hub_set_card(hub, "{\"license\":\"apache-2.0\"}", 0);
    (void)setenv("HF_ENDPOINT", loopback_hub_url(hub), 1);
    return 0;
}

static int end(void **state) {
    (void)state;
    loopback_hub_stop(hub);
    return 0;
}

/* The entry called `name` of glimpse models --json, a new reference; NULL: it is not listed. */
static json_t *listed(const char *name) {
    run_result r;
    run(&r, "models", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r), *found = NULL, *entry;
    size_t i;
    json_array_foreach(json_object_get(root, "models"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) {
            found = json_incref(entry);
        }
    }
    json_decref(root);
    run_free(&r);
    return found;
}

static void expect_text(const json_t *entry, const char *key, const char *wanted) {
    assert_string_equal(json_string_value(json_object_get(entry, key)), wanted);
}

static void index_with(const char *directory, const char *model) {
    run_result r;
    run(&r, "index", directory, "-q", "-m", model, NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
}

/* `glimpse search x` is answered by the model of this name. */
static void expect_asked(const char *model) {
    run_result r;
    char wanted[200];
    run(&r, "search", "x", "--json", "-q", NULL);
    expect(&r, 0);
    (void)snprintf(wanted, sizeof wanted, "\"model\":\"%s\"", model);
    expect_out(&r, wanted);
    run_free(&r);
}

static int has_script(void) {
    run_result r;
    run_shell(&r, "command -v script");
    int there = r.code == 0;
    run_free(&r);
    if (!there) print_message("SKIPPED: script (util-linux) is not installed\n");
    return there;
}

/*
 * What is found.
 */
static void the_hub_s_cache_is_used_as_it_lies_there(void **state) {
    (void)state;
    run_result r;
    make_cached();
    json_t *entry = listed("org/cached");
    assert_non_null(entry);
    expect_text(entry, "place", "hub cache");
    assert_true(json_is_true(json_object_get(entry, "available")));
    assert_false(json_is_true(json_object_get(entry, "removable")));
    assert_non_null(strstr(json_string_value(json_object_get(entry, "path")), SNAPSHOT));
    json_decref(entry);
    static const char *const names[] = {"org/cached", "org/cached@main", "org/cached@" COMMIT};
    for (size_t i = 0; i < 3; i++) {
        run(&r, "embed", "--text", "x", "--model", names[i], NULL);
        expect(&r, 0);
        run_free(&r);
    }
    run(&r, "embed", "--text", "x", "--model", "org/cached@other", NULL);
    expect(&r, 4);
    run_free(&r);
    index_with("one", "org/cached");
    expect_asked("cached"); /* and not the commit */
    /* Elsewhere. */
    shell("mv .cache/huggingface/hub elsewhere");
    run(&r, "embed", "--text", "x", "--model", "org/cached", NULL);
    expect(&r, 4);
    expect_err(&r, "glimpse pull org/cached gets it");
    run_free(&r);
    run_shell(&r, "HF_HUB_CACHE=elsewhere \"$G\" embed --text x -m org/cached");
    expect(&r, 0);
    run_free(&r);
    shell("mkdir -p hfhome && mv elsewhere hfhome/hub");
    run_shell(&r, "HF_HOME=\"$PWD/hfhome\" \"$G\" embed --text x -m org/cached");
    expect(&r, 0);
    run_free(&r);
    shell("rm -r hfhome");
}

static void other_programs_models_in_the_cache_are_not_listed(void **state) {
    (void)state;
    shell("d=.cache/huggingface/hub/models--org--words/snapshots/" COMMIT
          " && mkdir -p $d && printf '{\"model_type\":\"gpt2\"}' > $d/config.json");
    assert_null(listed("org/words"));
}

static void a_name_of_the_table_is_found_in_the_cache(void **state) {
    (void)state;
    run_result r;
    make_model(".cache/huggingface/hub/models--google--siglip2-base-patch16-224/snapshots/" COMMIT,
               1);
    run(&r, "embed", "--text", "x", "--model", RECOMMENDED, NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *entry = listed("google/siglip2-base-patch16-224");
    assert_non_null(entry);
    expect_text(entry, "family", "SigLIP 2");
    expect_text(entry, "licence", "apache-2.0");
    json_decref(entry);
}

static void weights_alone_are_named_with_what_to_pull(void **state) {
    (void)state;
    run_result r;
    static const struct {
        const char *name, *message;
    } cases[] = {
        {"ViT-B-32.pt", "without the vocabulary; glimpse pull openai/clip-vit-base-patch32"},
        {"ViT-L-14-336px.pt", "glimpse pull openai/clip-vit-large-patch14-336"},
        {"RN50.pt", "glimpse pull timm/resnet50_clip.openai"},
        {"other.pt", "weights alone; a model is a folder"},
    };
    shell("mkdir -p .cache/clip");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[500], path[1400];
        (void)snprintf(command, sizeof command,
                       "mkdir -p 'alone/%s' && cp \"" GLIMPSE_SOURCE_DIR
                       "/tests/fixtures/pytorch/script_f16.pt\" 'alone/%s/%s' && cp 'alone/%s/%s' "
                       ".cache/clip",
                       cases[i].name, cases[i].name, cases[i].name, cases[i].name, cases[i].name);
        shell(command);
        (void)snprintf(path, sizeof path, "alone/%s", cases[i].name);
        run(&r, "embed", "--text", "x", "-m", path, NULL); /* the directory */
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].message);
        run_free(&r);
        (void)snprintf(path, sizeof path, "alone/%s/%s", cases[i].name, cases[i].name);
        run(&r, "embed", "--text", "x", "-m", path, NULL); /* the file */
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].message);
        run_free(&r);
        (void)snprintf(path, sizeof path, "%s/.cache/clip/%s", run_directory, cases[i].name);
        json_t *entry = listed(path);
        assert_non_null(entry);
        expect_text(entry, "place", "clip cache");
        assert_false(json_is_true(json_object_get(entry, "available")));
        assert_non_null(
            strstr(json_string_value(json_object_get(entry, "problem")), cases[i].message));
        json_decref(entry);
    }
    shell("rm -r alone");
}

static void what_is_no_model_file_is_said_in_every_way_in(void **state) {
    (void)state;
    run_result r;
    static const struct {
        const char *bytes, *message;
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1\\noid sha256:"
         "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\\nsize 5\\n",
         "a git-lfs pointer and not the file itself, which has 5 bytes"},
        {"<!doctype html><p>Log in", "a web page"},
        {"GGUF\\3\\0\\0\\0", "GGUF, which is not read"},
        {"\\34\\0\\0\\0TFL3", "TFLite, which is not read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[500];
        remove_tree(MODELS);
        make_model(MODELS "/x", 0);
        (void)snprintf(command, sizeof command, "printf '%s' > " MODELS "/x/model.safetensors",
                       cases[i].bytes);
        shell(command);
        run(&r, "embed", "--text", "x", "-m", "x", NULL);
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].message);
        expect_err(&r, "glimpse pull ORG/NAME");
        run_free(&r);
        run(&r, "embed", "--text", "x", "-m", MODELS "/x/model.safetensors", NULL);
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].message);
        run_free(&r);
        run(&r, "models", NULL);
        expect(&r, 0);
        expect_out(&r, "unusable");
        expect_err(&r, "x cannot be used: ");
        expect_err(&r, cases[i].message);
        run_free(&r);
        json_t *entry = listed("x");
        assert_false(json_is_true(json_object_get(entry, "available")));
        assert_true(json_is_null(json_object_get(entry, "precision")));
        json_decref(entry);
    }
}

static void a_directory_of_core_ml_is_called_that(void **state) {
    (void)state;
    run_result r;
    shell("mkdir -p x.mlpackage/Data && echo '{}' > x.mlpackage/Manifest.json");
    run(&r, "embed", "--text", "x", "-m", "./x.mlpackage/", NULL);
    expect(&r, 4);
    expect_err(&r, "Core ML, which is not read");
    expect_err(&r, "glimpse pull ORG/NAME");
    run_free(&r);
    shell("rm -r x.mlpackage");
}

static void the_cache_s_own_directory_and_open_clip_s_name_will_do(void **state) {
    (void)state;
    static const char *const names[] = {"hf-hub:org/cached", CACHED, "./" CACHED "/"};
    run_result r;
    make_cached();
    for (size_t i = 0; i < 3; i++) {
        run(&r, "embed", "--text", "x", "-m", names[i], NULL);
        expect(&r, 0);
        run_free(&r);
    }
}

/*
 * The list.
 */
static void the_list_says_what_a_model_is(void **state) {
    (void)state;
    run_result r;
    index_with("one", "demo");
    json_t *entry = listed("demo");
    expect_text(entry, "family", "CLIP");
    assert_int_equal(json_integer_value(json_object_get(entry, "dimension")), 128);
    assert_int_equal(json_integer_value(json_object_get(entry, "resolution")), 72);
    assert_true(json_integer_value(json_object_get(entry, "parameters")) > 2000000);
    assert_true(json_integer_value(json_object_get(entry, "bytes")) > 5000000);
    assert_int_equal(json_integer_value(json_object_get(entry, "embedded")), 2);
    expect_text(entry, "licence", "Apache-2.0");
    assert_non_null(json_string_value(json_object_get(entry, "precision")));
    assert_true(json_is_true(json_object_get(entry, "library_default")));
    json_decref(entry);
    run(&r, "pull", RECOMMENDED, "--yes", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    entry = listed("google/siglip2-base-patch16-224");
    expect_text(entry, "place", "models directory");
    expect_text(entry, "languages", "*");
    assert_true(json_is_true(json_object_get(entry, "removable")));
    json_decref(entry);
}

static void the_list_fits_the_terminal(void **state) {
    (void)state;
    static const size_t widths[] = {60, 80, 120};
    run_result r;
    if (!has_script()) skip();
    make_cached();
    make_model(MODELS "/some-organisation/a-model-with-a-rather-long-name", 1);
    make_model(MODELS "/openai/clip-vit-base-patch32", 2);
    for (size_t i = 0; i < 3; i++) {
        char line[300];
        (void)snprintf(line, sizeof line,
                       "script -qec \"stty cols %zu; '$G' models\" /dev/null </dev/null",
                       widths[i]);
        run_shell(&r, line);
        expect(&r, 0);
        for (const char *text = r.out; *text;) {
            const size_t length = strcspn(text, "\r\n");
            if (length > widths[i] + 2) print_message("%.*s\n", (int)length, text);
            assert_true(length <= widths[i] + 2); /* bytes; the mark of a cut has three */
            text += length + strspn(text + length, "\r\n");
        }
        expect_out(&r, "openai/clip-vit-base-patch32");
        expect_out(&r, "(ViT-B-32-openai)");
        run_free(&r);
    }
    json_t *entry = listed("openai/clip-vit-base-patch32");
    expect_text(entry, "short_name", "ViT-B-32-openai");
    json_decref(entry);
}

static void a_cached_model_without_its_vocabulary_is_listed_as_that(void **state) {
    (void)state;
    run_result r;
    make_cached();
    shell("rm " SNAPSHOT "/merges.txt");
    run(&r, "models", NULL);
    expect(&r, 0);
    expect_out(&r, "unusable");
    expect_err(&r, "org/cached cannot be used: no vocabulary (vocab.json and merges.txt or "
                   "tokenizer.json); glimpse pull org/cached gets it\n");
    run_free(&r);
}

static void whatever_is_listed_as_available_can_be_given_to_model(void **state) {
    (void)state;
    run_result r;
    make_cached();
    make_model(MODELS "/plain", 1);
    make_model(MODELS "/org/cached", 0); /* as the one in the cache */
    make_model("beside/mine", 2);
    index_with("one", "beside/mine");
    run(&r, "models", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r), *entry;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(root, "models")), 5);
    json_array_foreach(json_object_get(root, "models"), i, entry) {
        const char *name = json_string_value(json_object_get(entry, "name"));
        run_result one, same;
        assert_true(json_is_true(json_object_get(entry, "available")));
        run(&one, "embed", "--text", "x", "--model", name, NULL);
        expect(&one, 0);
        run(&same, "embed", "--text", "x", "--model",
            json_string_value(json_object_get(entry, "path")), NULL);
        expect(&same, 0);
        assert_string_equal(one.out, same.out);
        run_free(&same);
        run_free(&one);
    }
    json_decref(root);
    run_free(&r);
    shell("rm -r beside");
}

static void a_file_of_weights_that_is_missing_is_named(void **state) {
    (void)state;
    run_result r;
    make_cached();
    make_model(MODELS "/parted", 2);
    shell("rm " CACHED "/blobs/abc && rm " MODELS "/parted/model.safetensors && printf %s "
          "'{\"weight_map\":{\"x\":\"model-00002-of-00002.safetensors\"}}' > " MODELS
          "/parted/model.safetensors.index.json");
    run(&r, "models", NULL);
    expect(&r, 0);
    expect_err(&r,
               "/model.safetensors: a link, and what it leads to is not there; get the model as "
               "safetensors or as PyTorch wrote it, for example with glimpse pull org/cached");
    expect_err(&r, "/parted/model-00002-of-00002.safetensors: ");
    run_free(&r);
    remove_tree(".cache");
    remove_tree(MODELS "/parted");
}

static void an_installed_model_is_removed_and_nothing_else(void **state) {
    (void)state;
    run_result r;
    make_cached();
    make_model(MODELS "/org/one", 1);
    make_model(MODELS "/org/two", 1);
    shell("mkdir -p kept && touch kept/file && ln -s \"$PWD/kept\" " MODELS "/link");
    run(&r, "models", "--remove", "org/one", NULL); /* nobody can be asked */
    expect(&r, 2);
    expect_err(&r, "--yes removes it");
    run_free(&r);
    static const struct {
        const char *name;
        int code;
        const char *message;
    } refused[] = {
        {"org", 2, "several models in it"},
        {"demo", 2, "it was not removed"},
        {"org/cached", 2, "hf cache delete"},
        {"../models/org/one", 4, "there is no model folder"},
        {"org/none", 4, "there is no model org/none: "},
        {"org/noe", 4, "; did you mean org/one?"},
        {DEMO, 2, "it was not removed"},
    };
    /* What is in a cache is found by its name and only read. */
    run(&r, "models", "--convert", "org/cached", NULL);
    expect(&r, 4);
    expect_err(&r, "where nothing is written; say where with --output");
    run_free(&r);
    run(&r, "models", "--convert", "org/cached", "-o", "kept/x.safetensors", NULL);
    expect(&r, 4);
    expect_err(&r, "safetensors already");
    run_free(&r);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        run(&r, "models", "--remove", refused[i].name, "--yes", NULL);
        assert_int_not_equal(r.code, 0);
        expect_err(&r, refused[i].message);
        run_free(&r);
    }
    assert_true(path_exists(MODELS "/org/one/config.json"));
    assert_true(path_exists(SNAPSHOT "/config.json"));
    run(&r, "models", "--remove", "org/one", "--yes", NULL);
    expect(&r, 0);
    expect_out(&r, "org/one is removed\n");
    run_free(&r);
    run(&r, "models", "--remove", "link", "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_false(path_exists(MODELS "/org/one"));
    assert_false(path_exists(MODELS "/link"));
    assert_false(path_exists(MODELS "/.removed"));
    assert_true(path_exists(MODELS "/org/two/config.json"));
    assert_true(path_exists("kept/file"));
    /* By the name of the table. */
    run(&r, "pull", RECOMMENDED, "--yes", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    /* By its name of the table: asked about just the same. */
    run(&r, "models", "--remove", RECOMMENDED, NULL);
    expect(&r, 2);
    expect_err(&r, "--yes removes it");
    run_free(&r);
    assert_true(path_exists(MODELS "/google/siglip2-base-patch16-224"));
    run(&r, "models", "--default", RECOMMENDED, "--user", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", "--remove", RECOMMENDED, "--yes", NULL);
    expect(&r, 0);
    expect_err(&r, RECOMMENDED " is your default model");
    run_free(&r);
    assert_false(path_exists(MODELS "/google"));
    shell("rm -r kept");
}

static void a_link_to_where_models_of_an_organisation_are_outlives_its_last_model(void **state) {
    (void)state;
    run_result r;
    make_model("other/one", 1);
    make_model("other/two", 1);
    shell("mkdir -p " MODELS " && ln -s \"$PWD/other\" " MODELS "/linked");
    run(&r, "models", "--remove", "linked/one", "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_false(path_exists("other/one"));
    assert_true(path_exists(MODELS "/linked/two/config.json"));
    shell("rm -r other " MODELS "/linked");
}

/*
 * Which one is asked.
 */
static void models_behind_a_link_to_another_disk_are_pulled_nowhere_and_removed_there(
    void **state) {
    (void)state;
    run_result r;
    struct stat here, there;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX", command[200];
    if (stat("/dev/shm", &there) != 0 || stat(".", &here) != 0 || here.st_dev == there.st_dev ||
        !mkdtemp(far)) {
        print_message("SKIPPED: no second file system at /dev/shm\n");
        skip();
    }
    shell("mkdir -p " MODELS);
    assert_int_equal(symlink(far, MODELS "/google"), 0);
    run(&r, "pull", RECOMMENDED, "--yes", "-q", NULL);
    expect(&r, 4);
    expect_err(&r, "is on another disk than");
    run_free(&r);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL), 0);
    make_model(MODELS "/google/one", 1);
    make_model(MODELS "/google/two", 1);
    run(&r, "models", "--remove", "google/one", "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_false(path_exists(MODELS "/google/one"));
    assert_false(path_exists(MODELS "/google/.removed"));
    assert_true(path_exists(MODELS "/google/two/config.json"));
    (void)snprintf(command, sizeof command, "rm -r '%s' " MODELS "/google", far);
    shell(command);
}

static void two_models_of_one_name_are_told_apart(void **state) {
    (void)state;
    run_result r;
    make_model(MODELS "/one/same", 1);
    make_model(MODELS "/two/same", 2);
    index_with("one", "one/same");
    index_with("two", "two/same");
    static const char *const calls[] = {"\"$G\" models --default same", "\"$G\" search x -m same"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        run_shell(&r, calls[i]);
        expect(&r, 4);
        expect_err(&r, "same is the name of two models of the library");
        run_free(&r);
    }
    run(&r, "models", "--default", "two/same", NULL);
    expect(&r, 0);
    run_free(&r);
}

static void indexing_with_another_model_does_not_change_which_is_asked(void **state) {
    (void)state;
    run_result r;
    make_model(MODELS "/first", 1);
    make_model(MODELS "/second", 2);
    index_with("one", "first");
    run(&r, "index", "two", "-m", "second", NULL);
    expect(&r, 0);
    expect_err(&r, "goes on being asked with first");
    expect_err(&r, "glimpse models --default second");
    run_free(&r);
    expect_asked("first");
    run(&r, "models", "--default", "second", NULL);
    expect(&r, 0);
    expect_out(&r, "second is the library's default model\n");
    run_free(&r);
    expect_asked("second");
    run(&r, "status", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_integer_value(json_object_get(root, "embedded")), 1);
    json_decref(root);
    run_free(&r);
    run_shell(&r, "GLIMPSE_MODEL=first \"$G\" search x --json -q");
    expect(&r, 0);
    expect_out(&r, "\"model\":\"first\"");
    run_free(&r);
    run_shell(&r, "GLIMPSE_MODEL=none \"$G\" search x --json -q -m second");
    expect(&r, 0);
    expect_out(&r, "\"model\":\"second\"");
    run_free(&r);
    run(&r, "models", "--default", "none", NULL);
    expect(&r, 4);
    run_free(&r);
    expect_asked("second");
}

static void a_model_that_covers_a_part_says_so(void **state) {
    (void)state;
    run_result r;
    make_model(MODELS "/other", 1);
    index_with("one", "demo");
    index_with("two", "other");
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 0);
    expect_err(&r, "2 of 3 pictures are embedded by demo");
    expect_err(&r, "glimpse index --model demo");
    run_free(&r);
    run(&r, "search", "x", "--all-scores", "-m", "other", NULL);
    expect(&r, 0);
    expect_err(&r, "1 of 3 pictures are embedded by other");
    run_free(&r);
    index_with("two", "demo");
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
}

static void a_model_that_was_moved_is_found_by_its_fingerprint(void **state) {
    (void)state;
    run_result r;
    make_model("beside", 1);
    index_with("one", "./beside");
    shell("mkdir -p " MODELS "/org && mv beside " MODELS "/org/moved && mkdir beside");
    expect_asked("moved");
    /* From another directory, too: what is kept is absolute. */
    shell("rmdir beside && mv " MODELS "/org/moved beside");
    run_shell(&r, "cd / && \"$G\" search x -q --json");
    expect(&r, 0);
    expect_out(&r, "\"model\":\"beside\"");
    run_free(&r);
    shell("rm -r beside");
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 4);
    expect_err(&r, "the library was made with the model beside, which is no longer at ");
    run_free(&r);
}

/* Notes and failures name a model as it was named, or as it is listed: both can be typed again. */
static void messages_call_a_model_by_a_name_that_can_be_typed(void **state) {
    (void)state;
    run_result r;
    make_model(MODELS "/org/first", 1);
    make_model(MODELS "/org/second", 2);
    index_with("one", "org/first");
    run(&r, "search", "x", "--all-scores", "-m", "org/second", NULL);
    expect(&r, 4);
    expect_err(&r, "the model org/second yet; glimpse index --model org/second does it\n");
    run_free(&r);
    run(&r, "index", "two", "-m", "org/second", NULL);
    expect(&r, 0);
    expect_err(&r, "goes on being asked with org/first where no model is named (glimpse models "
                   "--default org/second changes that)");
    run_free(&r);
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 0);
    expect_err(&r, "2 of 3 pictures are embedded by org/first, the others are not found (glimpse "
                   "index --model org/first embeds them, too)");
    run_free(&r);
    run(&r, "models", "--remove", "org/first", "--yes", NULL);
    expect(&r, 0);
    expect_err(&r, "org/first is the library's default model");
    run_free(&r);
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 4);
    expect_err(&r, "the library was made with the model org/first, which is no longer at ");
    expect_err(&r, "or get it again with glimpse pull org/first; glimpse models --default NAME "
                   "chooses another for good\n");
    run_free(&r);
    run(&r, "prune", "--model", "org/first", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", "--default", "org/second", NULL);
    expect(&r, 0);
    expect_err(&r, "org/second covers 1 of the library's 3 files; glimpse index --model org/second "
                   "embeds the rest\n");
    run_free(&r);
    run(&r, "search", "x", "--all-scores", "--embed", NULL);
    expect(&r, 0);
    expect_err(&r, "org/second covers 1 of the library's 3 files");
    run_free(&r);
}

static void the_user_s_default_comes_after_the_library_s(void **state) {
    (void)state;
    run_result r;
    make_model(MODELS "/mine", 1);
    run(&r, "models", "--default", "mine", "--user", NULL);
    expect(&r, 0);
    expect_out(&r, "mine is your default model\n");
    run_free(&r);
    run(&r, "index", "one", NULL);
    expect(&r, 0);
    assert_null(strstr(r.err, "demo"));
    run_free(&r);
    expect_asked("mine");
    json_t *entry = listed("mine");
    assert_true(json_is_true(json_object_get(entry, "user_default")));
    json_decref(entry);
    run(&r, "models", "--default", "demo", "--user", NULL);
    expect(&r, 0);
    run_free(&r);
    expect_asked("mine");
    run(&r, "models", "--default", "mine", "--user", NULL);
    expect(&r, 0);
    run_free(&r);
    shell("rm -r " MODELS "/mine");
    run(&r, "index", "two", "-l", "new.glimpse", NULL);
    expect(&r, 4);
    expect_err(&r, "your default model: there is no model mine: ");
    expect_err(&r, "; glimpse models --user --default NAME chooses another\n");
    run_free(&r);
    write_file(".config/glimpse/model.json", "{", 1);
    run(&r, "index", "two", "-l", "new.glimpse", NULL);
    assert_int_not_equal(r.code, 0);
    expect_err(&r, "model.json");
    run_free(&r);
    assert_false(path_exists("new.glimpse"));
}

/*
 * Where nobody chose one.
 */
static void in_a_pipe_the_demo_model_is_used_and_said(void **state) {
    (void)state;
    static const char *const commands[] = {"\"$G\" index one", "\"$G\" search x",
                                           "\"$G\" label one/a.ppm --classes cat,dog"};
    for (size_t i = 0; i < 3; i++) {
        run_result r;
        char quiet[200];
        run_shell(&r, commands[i]);
        expect(&r, 0);
        expect_err(&r, "no model was chosen, using the demo model");
        expect_err(&r, "glimpse pull " RECOMMENDED);
        run_free(&r);
        (void)snprintf(quiet, sizeof quiet, "%s -q", commands[i]);
        run_shell(&r, quiet);
        expect(&r, 0);
        expect_no_err(&r);
        run_free(&r);
    }
    /* Chosen, it is said no longer. */
    run_result r;
    run(&r, "models", "--default", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
}

static void on_terminal(run_result *r, const char *answers, const char *arguments) {
    char line[500];
    (void)snprintf(line, sizeof line, "printf '%s' | script -qec \"'$G' %s\" /dev/null", answers,
                   arguments);
    run_shell(r, line);
}

static void on_a_terminal_a_real_model_is_offered(void **state) {
    (void)state;
    run_result r;
    if (!has_script()) skip();
    on_terminal(&r, "p\\n", "index one");
    expect(&r, 0);
    expect_out(&r, "p  pull " RECOMMENDED " (SigLIP 2, about 1.5 GB, licence apache-2.0)");
    expect_out(&r, "Which? [p/D]");
    expect_out(&r, RECOMMENDED " is installed, and used from now on");
    expect_out(&r, "2 pictures: 2 embedded");
    run_free(&r);
    expect_asked("siglip2-base-patch16-224");
    on_terminal(&r, "", "search x"); /* nobody is asked again */
    expect(&r, 0);
    assert_null(strstr(r.out, "Which?"));
    run_free(&r);
}

static void the_demo_model_may_be_gone_on_with(void **state) {
    (void)state;
    run_result r;
    if (!has_script()) skip();
    on_terminal(&r, "d\\n", "label one/a.ppm --classes cat,dog");
    expect(&r, 0);
    expect_out(&r, "Which? [p/D]");
    run_free(&r);
    on_terminal(&r, "\\n", "index one");
    expect(&r, 0);
    expect_out(&r, "Which? [p/D]");
    expect_out(&r, "2 pictures: 2 embedded");
    run_free(&r);
    assert_false(path_exists(MODELS));
    expect_asked("demo");
    on_terminal(&r, "", "search x"); /* it was chosen */
    expect(&r, 0);
    assert_null(strstr(r.out, "Which?"));
    run_free(&r);
}

static void a_library_of_the_demo_model_is_offered_another(void **state) {
    (void)state;
    run_result r;
    if (!has_script()) skip();
    run(&r, "index", "one", NULL);
    expect(&r, 0);
    run_free(&r);
    on_terminal(&r, "p\\n", "search x");
    expect(&r, 0);
    expect_out(&r, "glimpse index --model " RECOMMENDED);
    run_free(&r);
    expect_asked("demo");
    on_terminal(&r, "p\\n", "index");
    expect(&r, 0);
    run_free(&r);
    expect_asked("siglip2-base-patch16-224");
}

static void a_slip_of_the_answer_decides_nothing(void **state) {
    (void)state;
    run_result r;
    if (!has_script()) skip();
    on_terminal(&r, "yes\\np\\n", "index one");
    expect(&r, 0);
    expect_out(&r, "Type p or d");
    expect_out(&r, RECOMMENDED " is installed, and used from now on");
    run_free(&r);
    expect_asked("siglip2-base-patch16-224");
}

static void nothing_is_offered_where_there_is_nothing_to_ask_about(void **state) {
    (void)state;
    static const char *const commands[] = {"search x", "search x -l none", "index nowhere",
                                           "label one -c a,b -l none"};
    run_result r;
    if (!has_script()) skip();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        on_terminal(&r, "p\\n", commands[i]);
        expect(&r, 4);
        assert_null(strstr(r.out, "Which?"));
        run_free(&r);
    }
    assert_false(path_exists(MODELS));
}

static void what_is_installed_is_offered_as_that(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "one", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "pull", RECOMMENDED, "--yes", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "x", "--all-scores", NULL);
    expect(&r, 0);
    expect_err(&r, "no model was chosen for this library");
    expect_err(&r, RECOMMENDED " is installed; glimpse index --model " RECOMMENDED " embeds");
    run_free(&r);
    if (!has_script()) skip();
    on_terminal(&r, "u\\n", "index");
    expect(&r, 0);
    expect_out(&r, "u  use " RECOMMENDED ", which is installed");
    run_free(&r);
    expect_asked("siglip2-base-patch16-224");
}

static void where_the_licence_is_another_it_is_asked_about(void **state) {
    (void)state;
    run_result r;
    if (!has_script()) skip();
    loopback_hub_set_card(hub, "{\"license\":\"other\"}", 0);
    on_terminal(&r, "p\\nn\\n", "index one");
    expect(&r, 1);
    expect_out(&r, "Licence: other");
    run_free(&r);
    assert_false(path_exists(MODELS "/google"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(the_hub_s_cache_is_used_as_it_lies_there),
        CASE(other_programs_models_in_the_cache_are_not_listed),
        CASE(a_name_of_the_table_is_found_in_the_cache),
        CASE(weights_alone_are_named_with_what_to_pull),
        CASE(what_is_no_model_file_is_said_in_every_way_in),
        CASE(a_directory_of_core_ml_is_called_that),
        CASE(the_cache_s_own_directory_and_open_clip_s_name_will_do),
        CASE(the_list_says_what_a_model_is),
        CASE(the_list_fits_the_terminal),
        CASE(a_cached_model_without_its_vocabulary_is_listed_as_that),
        CASE(whatever_is_listed_as_available_can_be_given_to_model),
        CASE(a_file_of_weights_that_is_missing_is_named),
        CASE(an_installed_model_is_removed_and_nothing_else),
        CASE(a_link_to_where_models_of_an_organisation_are_outlives_its_last_model),
        CASE(models_behind_a_link_to_another_disk_are_pulled_nowhere_and_removed_there),
        CASE(two_models_of_one_name_are_told_apart),
        CASE(indexing_with_another_model_does_not_change_which_is_asked),
        CASE(a_model_that_covers_a_part_says_so),
        CASE(a_model_that_was_moved_is_found_by_its_fingerprint),
        CASE(messages_call_a_model_by_a_name_that_can_be_typed),
        CASE(the_user_s_default_comes_after_the_library_s),
        CASE(in_a_pipe_the_demo_model_is_used_and_said),
        CASE(on_a_terminal_a_real_model_is_offered),
        CASE(the_demo_model_may_be_gone_on_with),
        CASE(a_library_of_the_demo_model_is_offered_another),
        CASE(a_slip_of_the_answer_decides_nothing),
        CASE(nothing_is_offered_where_there_is_nothing_to_ask_about),
        CASE(what_is_installed_is_offered_as_that),
        CASE(where_the_licence_is_another_it_is_asked_about),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}

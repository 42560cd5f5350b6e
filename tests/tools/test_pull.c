/*
 * glimpse pull, as its users meet it: against a hub on 127.0.0.1 that has the demo model.
 */
#include "faults.h"

#include "support/loopback_hub.h"
#include "support/random_model.h"

#include <glimpse/sys/tokenizer.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#define MODEL     "org/demo"
#define INSTALLED "data/glimpse/models/" MODEL
#define WEIGHTS   "model.safetensors"

static loopback_hub *hub;
static const char *const small[] = {"config.json", "preprocessor_config.json", "vocab.json",
                                    "merges.txt", "tokenizer_config.json"};

static void add_model(const char *repository) {
    char source[100];
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        (void)snprintf(source, sizeof source, "data/models/demo/%s", small[i]);
        loopback_hub_add_file(hub, repository, small[i], source_path(source), 0);
    }
    loopback_hub_add_file(hub, repository, WEIGHTS, source_path("data/models/demo/" WEIGHTS),
                          LOOPBACK_LFS);
}

static int begin(void **state) {
    static const char *const unwanted[] = {"HF_TOKEN", "HF_HOME", "HF_HUB_OFFLINE",
                                           "TRANSFORMERS_OFFLINE", "HUGGING_FACE_HUB_TOKEN"};
    (void)state;
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)unsetenv(unwanted[i]);
    remove_tree("data");
    hub = loopback_hub_start();
    add_model(MODEL);
    loopback_hub_set_card(hub, "{\"license\":\"mit\"}", 0);
    (void)setenv("HF_ENDPOINT", loopback_hub_url(hub), 1);
    return 0;
}

static int end(void **state) {
    (void)state;
    loopback_hub_stop(hub);
    return 0;
}

static void expect_same_file(const char *name) {
    char source[100], path[200];
    size_t size = 0, other = 0;
    (void)snprintf(source, sizeof source, "data/models/demo/%s", name);
    (void)snprintf(path, sizeof path, INSTALLED "/%s", name);
    void *wanted = read_whole_file(source_path(source), &size);
    void *found = read_whole_file(path, &other);
    assert_int_equal(size, other);
    assert_memory_equal(wanted, found, size);
    free(wanted);
    free(found);
}

static void expect_installed(void) {
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        expect_same_file(small[i]);
    expect_same_file(WEIGHTS);
    assert_false(path_exists("data/glimpse/models/.pull"));
}

static void a_model_is_installed_and_used_by_its_name(void **state) {
    (void)state;
    run_result r, demo;
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 0);
    expect_out(&r, "is installed: ");
    expect_out(&r, "/" INSTALLED "\n");
    expect_err(&r, "licence: mit");
    run_free(&r);
    expect_installed();
    run(&r, "models", NULL);
    expect(&r, 0);
    expect_out(&r, MODEL);
    run_free(&r);
    run(&r, "embed", "--text", "a red car", "--model", MODEL, NULL);
    expect(&r, 0);
    run(&demo, "embed", "--text", "a red car", "--model", "demo", NULL);
    assert_string_equal(r.out, demo.out);
    run_free(&demo);
    run_free(&r);
    static const char *const revisions[] = {MODEL "@main", MODEL "@" LOOPBACK_COMMIT};
    for (size_t i = 0; i < 2; i++) {
        run(&r, "embed", "--text", "x", "--model", revisions[i], NULL);
        expect(&r, 0);
        run_free(&r);
    }
    run(&r, "embed", "--text", "x", "--model", MODEL "@other", NULL); /* not what is there */
    expect(&r, 4);
    run_free(&r);
    run(&r, "pull", MODEL, NULL); /* nobody needs to be asked */
    expect(&r, 0);
    expect_out(&r, "is installed already: ");
    expect_no_err(&r);
    run_free(&r);
}

static void a_name_of_the_table_will_do_everywhere(void **state) {
    (void)state;
    run_result r;
    run(&r, "embed", "--text", "x", "--model", "ViT-B-16-SigLIP2", NULL);
    expect(&r, 4);
    expect_err(&r, "is not installed; glimpse pull ViT-B-16-SigLIP2 installs it");
    run_free(&r);
    run(&r, "caption", "x.jpg", "--model", "blip-caption-base", NULL);
    expect(&r, 4);
    expect_err(&r, "glimpse pull blip-caption-base");
    run_free(&r);
    add_model("google/siglip2-base-patch16-224");
    run(&r, "pull", "vit-b-16-siglip2", "--yes", "-q", NULL);
    expect(&r, 0);
    expect_out(&r, "ViT-B-16-SigLIP2 is installed: ");
    expect_no_err(&r);
    run_free(&r);
    run(&r, "embed", "--text", "x", "--model", "ViT-B-16-SigLIP2", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "pull", NULL);
    expect(&r, 0);
    expect_out(&r, "*ViT-B-16-SigLIP2 ");
    run_free(&r);
}

static void json_is_one_object_with_sizes_and_digests(void **state) {
    (void)state;
    for (int again = 0; again < 2; again++) {
        run_result r;
        run(&r, "pull", MODEL, "--yes", "--json", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        json_t *files = json_object_get(root, "files"), *file;
        size_t i;
        json_int_t bytes = 0;
        assert_string_equal(json_string_value(json_object_get(root, "repository")), MODEL);
        assert_string_equal(json_string_value(json_object_get(root, "commit")), LOOPBACK_COMMIT);
        assert_string_equal(json_string_value(json_object_get(root, "licence")), "mit");
        assert_true(json_is_true(json_object_get(root, "installed")));
        assert_true(json_is_null(json_object_get(root, "problem")));
        assert_int_equal(json_is_true(json_object_get(root, "was_installed")), again);
        assert_int_equal(json_array_size(files), 6);
        json_array_foreach(files, i, file) {
            bytes += json_integer_value(json_object_get(file, "bytes"));
            assert_int_equal(json_string_length(json_object_get(file, "sha256")), 64);
        }
        assert_int_equal(bytes, json_integer_value(json_object_get(root, "bytes")));
        assert_int_equal(json_integer_value(json_object_get(root, "downloaded_bytes")),
                         again ? 0 : bytes);
        json_decref(root);
        run_free(&r);
    }
}

static void where_nobody_can_be_asked_nothing_is_pulled(void **state) {
    (void)state;
    run_result r;
    run(&r, "pull", MODEL, NULL);
    expect(&r, 2);
    expect_err(&r, "licence mit");
    expect_err(&r, "--yes accepts it");
    assert_int_equal(r.out_size, 0);
    run_free(&r);
    assert_false(path_exists("data/glimpse/models"));
    run(&r, "pull", MODEL, "--dry-run", NULL);
    expect(&r, 0);
    expect_out(&r, "5.4 MB  " WEIGHTS);
    expect_out(&r, "Licence: mit");
    run_free(&r);
    /* What a hub says of a licence commands no terminal. */
    loopback_hub_set_card(hub, "{\"license\":\"\\u001b[31mred\"}", 0);
    run(&r, "pull", MODEL, "--dry-run", NULL);
    expect(&r, 0);
    expect_out(&r, "Licence: ?[31mred");
    run_free(&r);
    loopback_hub_set_card(hub, "{\"license\":\"mit\"}", 0);
    assert_false(path_exists("data/glimpse/models"));
}

static void on_a_terminal_it_asks_once(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        int code;
    } cases[] = {{"n", 1}, {"", 1}, {"y", 0}};
    run_result r;
    run_shell(&r, "command -v script");
    int there = r.code == 0;
    run_free(&r);
    if (!there) {
        print_message("SKIPPED: script (util-linux) is not installed\n");
        skip();
    }
    for (size_t i = 0; i < 3; i++) {
        char line[300];
        (void)snprintf(line, sizeof line,
                       "printf '%%s\\n' '%s' | script -qec \"'$G' pull " MODEL "\" /dev/null",
                       cases[i].answer);
        run_shell(&r, line);
        expect(&r, cases[i].code);
        expect_out(&r, "Licence: mit");
        expect_out(&r, "Pull it? [y/N]");
        assert_int_equal(path_exists(INSTALLED), cases[i].code == 0);
        run_free(&r);
    }
    expect_installed();
}

/* The texts' half of an M-CLIP, small, for pictures of the demo model. */
static void add_m_clip(const char *repository) {
    enum { WIDTH = 64, DIMENSIONS = 128, POSITIONS = 40 };
    static const char *const pairs[] = {"attention.self.query", "attention.self.key",
                                        "attention.self.value", "attention.output.dense",
                                        "intermediate.dense",   "output.dense"};
    static const char layer[] = "transformer.encoder.layer.0.", words[] = "transformer.embeddings.";
    glimpse_tokenizer *tokenizer = NULL;
    make_parents("m-clip/x");
    copy_file(source_path("tests/text/fixtures/xlmr/sentencepiece.bpe.model"),
              "m-clip/sentencepiece.bpe.model");
    copy_file(source_path("tests/text/fixtures/xlmr/json/tokenizer.json"), "m-clip/tokenizer.json");
    write_text("m-clip/config.json",
               "{\"model_type\": \"M-CLIP\", \"modelBase\": \"xlm-roberta-large\", "
               "\"numDims\": 128, \"transformerDimensions\": 64}");
    assert_ok(glimpse_tokenizer_load(&tokenizer, "m-clip", GLIMPSE_TOKENIZER_AUTO));
    const size_t tokens[2] = {glimpse_tokenizer_vocab_size(tokenizer), WIDTH},
                 places[2] = {POSITIONS, WIDTH}, types[2] = {1, WIDTH};
    glimpse_tokenizer_free(tokenizer);
    random_writer *w = random_writer_create(3);
    random_writer_add(w, "transformer.embeddings.word_embeddings.weight", 2, tokens, 0.3f, 0);
    random_writer_add(w, "transformer.embeddings.position_embeddings.weight", 2, places, 0.2f, 0);
    random_writer_add(w, "transformer.embeddings.token_type_embeddings.weight", 2, types, 0.2f, 0);
    random_writer_norm(w, words, "LayerNorm", WIDTH);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        random_writer_pair(w, layer, pairs[i], WIDTH, WIDTH, 0.1f);
    random_writer_norm(w, layer, "attention.output.LayerNorm", WIDTH);
    random_writer_norm(w, layer, "output.LayerNorm", WIDTH);
    random_writer_pair(w, "", "transformer.pooler.dense", WIDTH, WIDTH, 0.1f);
    random_writer_pair(w, "", "LinearTransformation", DIMENSIONS, WIDTH, 0.1f);
    assert_true(random_writer_finish(w, "m-clip", "F32", 1));
    loopback_hub_add_directory(hub, repository, "m-clip");
}

static void halves_of_two_repositories_are_one_model(void **state) {
    (void)state;
    static const char image[] =
        "data/glimpse/models/M-CLIP/XLM-Roberta-Large-Vit-B-32/image/vocab.json";
    run_result r;
    add_m_clip("M-CLIP/XLM-Roberta-Large-Vit-B-32");
    add_model("openai/clip-vit-base-patch32");
    run(&r, "pull", "M-CLIP-B-32", "--dry-run", NULL);
    expect(&r, 0);
    expect_out(&r, "image/model.safetensors from openai/clip-vit-base-patch32\n");
    run_free(&r);
    run(&r, "pull", "M-CLIP-B-32", "--yes", NULL);
    expect(&r, 0);
    expect_err(&r, "is that of openai/clip-vit-base-patch32, under the licence there");
    run_free(&r);
    assert_false(path_exists(image)); /* pictures need no words */
    run(&r, "embed", "--text", "x", "--model", "M-CLIP-B-32", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "embed", "--image", source_path("data/demo/animals/bat-room-054.jpg"), "--model",
        "M-CLIP-B-32", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", NULL);
    expect(&r, 0);
    expect_out(&r, "M-CLIP  ");
    run_free(&r);
}

static void a_configuration_that_is_missing_is_written_and_named(void **state) {
    (void)state;
    static const char repository[] = "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k";
    run_result r;
    char path[200];
    loopback_hub_add(hub, repository, "open_clip_pytorch_model.bin", "weights", 7, LOOPBACK_LFS);
    loopback_hub_add(hub, repository, "tokenizer.json", "{}", 2, 0);
    run(&r, "pull", repository, "--yes", NULL);
    expect(&r, 4); /* it is installed; the weights of this hub are none */
    expect_err(&r, "has no open_clip_config.json; it is written from the table of models");
    run_free(&r);
    (void)snprintf(path, sizeof path, "data/glimpse/models/%s/open_clip_config.json", repository);
    char *text = read_whole_file(path, NULL);
    assert_non_null(strstr(text, "\"hf_model_name\": \"xlm-roberta-base\""));
    free(text);
}

static void the_table_is_shown_with_a_recommendation(void **state) {
    (void)state;
    run_result r;
    run(&r, "pull", "--language", "de", NULL);
    expect(&r, 0);
    expect_out(&r, "ViT-B-32-openai");
    expect_out(&r, "CLIP (OpenAI): no licence declared\n");
    expect_out(&r, "NLLB-CLIP: cc-by-nc-4.0\n");
    expect_out(&r, "For texts in \"de\" on this machine: ");
    expect_out(&r, "\n    glimpse pull ViT-B-");
    expect_out(&r, " of memory");
    expect_out(&r, "~ something nobody could check yet");
    run_free(&r);
    run(&r, "pull", "--language", "German", NULL);
    expect(&r, 2);
    expect_err(&r, "--language wants a code such as en, de or zh, not \"German\"");
    run_free(&r);
    run(&r, "pull", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(json_array_size(json_object_get(root, "models")) >= 40);
    assert_true(json_number_value(json_object_get(root, "flops")) > 1e8);
    assert_true(json_is_string(json_object_get(root, "recommended")));
    json_decref(root);
    run_free(&r);
    assert_int_equal(server_count(loopback_hub_server(hub)), 0);
}

static void a_slip_is_answered_with_what_was_meant(void **state) {
    (void)state;
    static const struct {
        const char *name, *said;
    } cases[] = {
        {"ViT-B-32-opanai", "did you mean ViT-B-32-openai? glimpse pull alone shows the table\n"},
        {"metaclip", "there are ViT-B-32-metaclip-400m, ViT-B-32-metaclip-2.5b, "},
        {"something else", "glimpse: glimpse pull alone shows the table\n"},
        {"demo", "the demo model ships with glimpse: --model demo\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        run(&r, "pull", cases[i].name, "--yes", NULL);
        expect(&r, 4);
        expect_err(&r, "neither in the table of models");
        expect_err(&r, cases[i].said);
        run_free(&r);
    }
    /* As they are copied from elsewhere. */
    static const char *const copied[] = {"hf-hub:" MODEL, "https://huggingface.co/" MODEL "/"};
    for (size_t i = 0; i < 2; i++) {
        run_result r;
        run(&r, "pull", copied[i], "--dry-run", NULL);
        expect(&r, 0);
        expect_out(&r, MODEL " at " LOOPBACK_COMMIT "\n");
        run_free(&r);
    }
}

static void weights_of_another_kind_of_model_are_not_downloaded(void **state) {
    (void)state;
    static const char bert[] = "{\"model_type\": \"bert\"}";
    run_result r;
    loopback_hub_add(hub, "org/bert", "config.json", bert, sizeof bert - 1, 0);
    loopback_hub_add(hub, "org/bert", WEIGHTS, "12345678", 8, LOOPBACK_LFS);
    run(&r, "pull", "org/bert", "--yes", NULL);
    expect(&r, 4);
    expect_err(&r, "org/bert is a model of the type \"bert\", which is not read; nothing was "
                   "installed, and its weights were not downloaded\n");
    run_free(&r);
    assert_false(path_exists("data/glimpse/models/org/bert"));
    assert_int_equal(server_count(loopback_hub_other(hub)), 0);
}

static void what_cannot_be_used_is_said_when_it_is_there(void **state) {
    (void)state;
    run_result r;
    loopback_hub_add(hub, "org/strange", "config.json", "{\"hidden_size\": 5}", 18, 0);
    loopback_hub_add(hub, "org/strange", WEIGHTS, "12345678", 8, LOOPBACK_LFS);
    for (int again = 0; again < 2; again++) {
        run(&r, "pull", "org/strange", "--yes", NULL);
        expect(&r, 4);
        expect_out(&r, "org/strange is installed");
        expect_err(&r, "org/strange cannot be used: ");
        expect_err(&r, " (glimpse models --remove org/strange deletes it)\n");
        assert_null(strstr(r.err, "use it with"));
        run_free(&r);
    }
    run(&r, "pull", "org/strange", "--json", NULL);
    expect(&r, 4);
    json_t *root = run_json(&r);
    assert_true(json_is_true(json_object_get(root, "installed")));
    assert_true(json_is_string(json_object_get(root, "problem")));
    json_decref(root);
    run_free(&r);
}

/* No line is longer than the terminal: what can be done without is left out. */
static void the_table_fits_the_terminal(void **state) {
    (void)state;
    static const size_t widths[] = {60, 80, 100};
    run_result r;
    run_shell(&r, "command -v script && command -v stty");
    int there = r.code == 0;
    run_free(&r);
    if (!there) {
        print_message("SKIPPED: script or stty is not installed\n");
        skip();
    }
    for (size_t i = 0; i < 3; i++) {
        char line[300];
        (void)snprintf(line, sizeof line,
                       "script -qec \"stty cols %zu; '$G' pull\" /dev/null </dev/null", widths[i]);
        run_shell(&r, line);
        expect(&r, 0);
        for (const char *text = r.out; *text;) {
            const size_t length = strcspn(text, "\r\n");
            if (length > widths[i]) print_message("%.*s\n", (int)length, text);
            assert_true(length <= widths[i]);
            text += length + strspn(text + length, "\r\n");
        }
        expect_out(&r, "ViT-B-32-openai");
        assert_int_equal(strstr(r.out, "Left out for the") != NULL, widths[i] < 95);
        run_free(&r);
    }
}

static void what_goes_wrong_has_a_message_and_a_code(void **state) {
    (void)state;
    static const struct {
        const char *arguments[6];
        int code;
        const char *err;
    } cases[] = {
        {{"pull", "org/nothing", "--yes", NULL}, 4, "has no model org/nothing"},
        {{"pull", MODEL "@nowhere", "--yes", NULL}, 4, "no revision nowhere"},
        {{"pull", "no-such-name", "--yes", NULL}, 4, "neither in the table of models"},
        {{"pull", "a/b", "c/d", NULL}, 2, "one model at a time"},
        {{"pull", "--yes", NULL}, 2, "which model?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        run_list(&r, cases[i].arguments, NULL, 0);
        expect(&r, cases[i].code);
        expect_err(&r, cases[i].err);
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
    run_result r;
    (void)setenv("HF_HUB_OFFLINE", "1", 1);
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 4);
    expect_err(&r, "HF_HUB_OFFLINE");
    run_free(&r);
    (void)unsetenv("HF_HUB_OFFLINE");
    loopback_hub_set_token(hub, "hf_secret");
    loopback_hub_set_card(hub, NULL, 1);
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 4);
    expect_err(&r, "is gated");
    expect_err(&r, "set HF_TOKEN");
    run_free(&r);
    (void)setenv("HF_TOKEN", "hf_secret", 1);
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    expect_installed();
}

/* Until a part of that size is there; the test's own limit ends what never comes. */
static void wait_for_part(off_t bytes) {
    for (;;) {
        DIR *dir = opendir("data/glimpse/models/.pull/org--demo");
        int found = 0;
        for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
            struct stat info;
            size_t length = strlen(entry->d_name);
            found |= length > 5 && strcmp(entry->d_name + length - 5, ".part") == 0 &&
                     fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && info.st_size == bytes;
        }
        if (dir) (void)closedir(dir);
        if (found) return;
        const struct timespec pause = {0, 5000000};
        (void)nanosleep(&pause, NULL);
    }
}

static void a_pull_that_is_killed_or_stopped_goes_on_where_it_was(void **state) {
    (void)state;
    static const struct {
        int signal, code;
    } cases[] = {{SIGKILL, 1000 + SIGKILL}, {SIGINT, 130}, {SIGTERM, 130}};
    char range[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum { CAME = 1000000 };
        run_result r;
        remove_tree("data");
        loopback_hub_order(
            hub, &(loopback_fault){.path = "/store/" MODEL "/" LOOPBACK_COMMIT "/" WEIGHTS,
                                   .times = 1,
                                   .cut = CAME,
                                   .hold = 1});
        pid_t child = run_start("out", "err", "pull", MODEL, "--yes", NULL);
        wait_for_part(CAME);
        assert_int_equal(kill(child, cases[i].signal), 0);
        assert_int_equal(run_wait(child), cases[i].code);
        assert_false(path_exists(INSTALLED));
        if (cases[i].code == 130) {
            char *err = read_whole_file("err", NULL);
            assert_non_null(strstr(err, "stopped; what came is kept; pull again to go on"));
            free(err);
        }
        size_t before = server_count(loopback_hub_other(hub));
        run(&r, "pull", MODEL, "--yes", NULL);
        expect(&r, 0);
        run_free(&r);
        expect_installed();
        assert_int_equal(server_count(loopback_hub_other(hub)), before + 1);
        const server_request *last = server_get(loopback_hub_other(hub), before);
        assert_true(server_header(last, "Range", range, sizeof range));
        assert_string_equal(range, "bytes=1000000-");
    }
}

static void two_at_once_do_not_meet(void **state) {
    (void)state;
    run_result r;
    loopback_hub_order(hub,
                       &(loopback_fault){.path = "/store/" MODEL "/" LOOPBACK_COMMIT "/" WEIGHTS,
                                         .times = 1,
                                         .cut = 1000,
                                         .hold = 1});
    pid_t child = run_start("out", "err", "pull", MODEL, "--yes", NULL);
    wait_for_part(1000);
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 4);
    expect_err(&r, "another process is pulling this model");
    run_free(&r);
    assert_int_equal(kill(child, SIGKILL), 0);
    (void)run_wait(child);
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    expect_installed();
}

static void a_limit_on_the_size_of_files_is_named(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "ulimit -f 1000; exec \"$G\" pull " MODEL " --yes");
    expect(&r, 4);
    expect_err(&r, "ulimit -f");
    run_free(&r);
    assert_false(path_exists(INSTALLED));
    run(&r, "pull", MODEL, "--yes", NULL);
    expect(&r, 0);
    run_free(&r);
    expect_installed();
}

/* At every place where something is written, synced or renamed. */
static void a_disk_that_is_full_or_fails_costs_a_pull_and_nothing_else(void **state) {
    (void)state;
    const char *const arguments[] = {"pull", MODEL, "--yes", NULL};
    char below[1200];
    (void)snprintf(below, sizeof below, "%s/data", run_directory);
    if (!faults_available()) {
        print_message("SKIPPED: this system cannot make calls fail\n");
        skip();
    }
    run_result r;
    assert_int_equal(mkdir("data", 0777), 0);
    faults whole = {.below = below, .bytes = -1};
    faults_run(&r, &whole, arguments);
    expect(&r, 0);
    run_free(&r);
    assert_true(whole.written > 5000000 && whole.syncs >= 7 && whole.renames >= 13);
    for (int kind = 0; kind < 3; kind++) {
        long last = kind == 0 ? 8 : kind == 1 ? whole.syncs : whole.renames;
        for (long i = 0; i < last; i++) {
            remove_tree("data");
            assert_int_equal(mkdir("data", 0777), 0);
            faults f = {.below = below, .bytes = -1};
            if (kind == 0) f.bytes = whole.written * i / last;
            if (kind == 1) f.sync = i + 1;
            if (kind == 2) f.rename = i + 1;
            faults_run(&r, &f, arguments);
            if (r.code != 0 && r.code != 4) {
                fail_msg("kind %d, place %ld: exit code %d: %s", kind, i, r.code, r.err);
            }
            if (kind == 0) expect(&r, 4);
            if (kind == 0) expect_err(&r, "make space there");
            run_free(&r);
            run(&r, "pull", MODEL, "--yes", NULL);
            expect(&r, 0);
            run_free(&r);
            expect_installed();
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_model_is_installed_and_used_by_its_name),
        TEST(the_table_fits_the_terminal),
        TEST(a_slip_is_answered_with_what_was_meant),
        TEST(weights_of_another_kind_of_model_are_not_downloaded),
        TEST(what_cannot_be_used_is_said_when_it_is_there),
        TEST(a_name_of_the_table_will_do_everywhere),
        TEST(json_is_one_object_with_sizes_and_digests),
        TEST(where_nobody_can_be_asked_nothing_is_pulled),
        TEST(on_a_terminal_it_asks_once),
        TEST(halves_of_two_repositories_are_one_model),
        TEST(a_configuration_that_is_missing_is_written_and_named),
        TEST(the_table_is_shown_with_a_recommendation),
        TEST(what_goes_wrong_has_a_message_and_a_code),
        TEST(a_pull_that_is_killed_or_stopped_goes_on_where_it_was),
        TEST(two_at_once_do_not_meet),
        TEST(a_limit_on_the_size_of_files_is_named),
        TEST(a_disk_that_is_full_or_fails_costs_a_pull_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}

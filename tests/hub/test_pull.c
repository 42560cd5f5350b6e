/*
 * test_pull.c - models from a hub, against one on 127.0.0.1 and every fault it may have.
 */
#include "support/loopback_hub.h"
#include "support/temporary.h"

#include <glimpse/pull.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL "org/model"
enum { WEIGHTS = 300000 };

static loopback_hub *hub;
static uint8_t weights[WEIGHTS];
static char models[1100];
static char notes[4096];

static void message(void *user, glimpse_message_kind kind, const char *text) {
    (void)user;
    (void)kind;
    size_t used = strlen(notes);
    (void)snprintf(notes + used, sizeof notes - used, "%s\n", text);
}

static glimpse_pull_options options(void) {
    glimpse_pull_options o = GLIMPSE_PULL_OPTIONS_INIT;
    o.endpoint = loopback_hub_url(hub);
    o.token = "";
    o.backoff_scale = 0.001;
    o.message = message;
    return o;
}

static int set_up(void **state) {
    (void)make_directory(state);
    (void)snprintf(models, sizeof models, "%s/models", temp_directory);
    for (size_t i = 0; i < WEIGHTS; i++)
        weights[i] = (uint8_t)(i * 2654435761u >> 13);
    hub = loopback_hub_start();
    loopback_hub_add(hub, MODEL, "config.json", "{\"a\":1}", 7, 0);
    loopback_hub_add(hub, MODEL, "preprocessor_config.json", "{}", 2, 0);
    loopback_hub_add(hub, MODEL, "merges.txt", "", 0, 0);
    loopback_hub_add(hub, MODEL, "tokenizer.json", weights, 5000, LOOPBACK_LFS);
    loopback_hub_add(hub, MODEL, "model.safetensors", weights, WEIGHTS, LOOPBACK_LFS);
    loopback_hub_add(hub, MODEL, "pytorch_model.bin", "no", 2, LOOPBACK_LFS);
    loopback_hub_add(hub, MODEL, "tf_model.h5", "no", 2, LOOPBACK_LFS);
    loopback_hub_add(hub, MODEL, "README.md", "no", 2, 0);
    notes[0] = '\0';
    static const char *const unwanted[] = {
        "HF_ENDPOINT",           "HF_TOKEN",       "HF_HOME",
        "HF_TOKEN_PATH",         "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
        "HUGGING_FACE_HUB_TOKEN"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)unsetenv(unwanted[i]);
    (void)setenv("HOME", temp_directory, 1);
    (void)unsetenv("XDG_CACHE_HOME");
    return 0;
}

static int tear_down(void **state) {
    loopback_hub_stop(hub);
    return remove_directory(state);
}

/* Opens and runs; the first status that fails. */
static int pull_with(const char *name, const glimpse_pull_options *o) {
    glimpse_pull *pull = NULL;
    int status = glimpse_pull_open(&pull, name, NULL, models, o);
    if (status == GLIMPSE_OK) status = glimpse_pull_run(pull);
    glimpse_pull_free(pull);
    return status;
}

static int pull_it(const char *name) {
    const glimpse_pull_options o = options();
    return pull_with(name, &o);
}

static void expect_file(const char *name, const void *data, size_t size) {
    char path[1300];
    size_t found = 0;
    (void)snprintf(path, sizeof path, "%s/" MODEL "/%s", models, name);
    void *content = read_whole_file(path, &found);
    assert_int_equal(found, size);
    assert_memory_equal(content, data, size);
    free(content);
}

static size_t count_files(const char *relative) {
    char path[1300];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", models, relative);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir) (void)closedir(dir);
    return count;
}

static void expect_installed(void) {
    expect_file("config.json", "{\"a\":1}", 7);
    expect_file("preprocessor_config.json", "{}", 2);
    expect_file("merges.txt", "", 0);
    expect_file("tokenizer.json", weights, 5000);
    expect_file("model.safetensors", weights, WEIGHTS);
    assert_int_equal(count_files(MODEL), 6); /* and the record; nothing that is not needed */
    assert_int_equal(count_files(".pull"), 0);
}

static void expect_failure(int status, int wanted, const char *said) {
    if (status != wanted || !strstr(glimpse_last_error(), said)) {
        fail_msg("%s: \"%s\" instead of %s: \"...%s...\"", glimpse_status_name(status),
                 glimpse_last_error(), glimpse_status_name(wanted), said);
    }
    assert_int_equal(count_files(MODEL), 0);
}

static void leave_part(char *part, size_t size);
static const char large[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";

/*
 * What is installed.
 */
static void the_needed_files_are_installed_bit_by_bit(void **state) {
    (void)state;
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    loopback_hub_set_card(hub, "{\"license\":\"apache-2.0\"}", 0);
    assert_ok(glimpse_pull_open(&pull, MODEL, NULL, models, &o));
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    assert_string_equal(plan->repository, MODEL);
    assert_string_equal(plan->commit, LOOPBACK_COMMIT);
    assert_string_equal(plan->licence, "apache-2.0");
    assert_int_equal(plan->is_installed, 0);
    assert_int_equal(plan->file_count, 5);
    assert_int_equal(plan->bytes, 7 + 2 + 5000 + WEIGHTS);
    assert_int_equal(plan->missing_bytes, plan->bytes);
    assert_false(path_exists(models)); /* nothing is written before it is run */
    assert_ok(glimpse_pull_run(pull));
    assert_int_equal(plan->is_installed, 1);
    assert_int_equal(plan->missing_bytes, 0);
    for (size_t i = 0; i < plan->file_count; i++)
        assert_int_equal(strlen(glimpse_pull_get_file(pull, i)->sha256), 64);
    glimpse_pull_free(pull);
    expect_installed();
    /* Everything is asked for at the commit that was listed. */
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub), "/resolve/main/", NULL), 0);
}

static void what_a_hub_says_of_a_licence_is_text(void **state) {
    (void)state;
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    char card[400], long_name[220];
    memset(long_name, 'a', 199);
    (void)snprintf(long_name + 199, sizeof long_name - 199, "%s", "\xc3\xa4\xc3\xb6");
    (void)snprintf(card, sizeof card, "{\"license\":\"%s\"}", long_name);
    loopback_hub_set_card(hub, card, 0);
    assert_ok(pull_it(MODEL)); /* cut in no character: the record is one */
    expect_installed();
    remove_tree(models);
    loopback_hub_set_card(hub, "{\"license\":\"\\u001b[1m\\u009b0m\\n\"}", 0);
    assert_ok(glimpse_pull_open(&pull, MODEL, NULL, models, &o));
    assert_string_equal(glimpse_pull_describe(pull)->licence, "?[1m??0m?");
    glimpse_pull_free(pull);
}

static void an_installed_model_is_not_downloaded_again(void **state) {
    (void)state;
    assert_ok(pull_it(MODEL));
    size_t before = loopback_hub_asked(loopback_hub_server(hub), "/resolve/", NULL);
    assert_ok(pull_it(MODEL));
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub), "/resolve/", NULL), before);
}

static void a_newer_revision_replaces_an_older_one_and_downloads_what_changed(void **state) {
    (void)state;
    assert_ok(pull_it(MODEL));
    size_t before = loopback_hub_asked(loopback_hub_other(hub), "model.safetensors", NULL);
    loopback_hub_set_commit(hub, "1123456789abcdef0123456789abcdef01234567");
    loopback_hub_add(hub, MODEL, "config.json", "{\"a\":2}", 7, 0);
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    assert_ok(glimpse_pull_open(&pull, MODEL, NULL, models, &o));
    assert_int_equal(glimpse_pull_describe(pull)->missing_bytes, 7);
    assert_ok(glimpse_pull_run(pull));
    glimpse_pull_free(pull);
    expect_file("config.json", "{\"a\":2}", 7);
    expect_file("model.safetensors", weights, WEIGHTS);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "model.safetensors", NULL),
                     before);
    assert_int_equal(count_files(".pull"), 0);
}

static void an_older_installation_stays_until_the_new_one_is_whole(void **state) {
    (void)state;
    assert_ok(pull_it(MODEL));
    weights[7] ^= 1;
    loopback_hub_add(hub, MODEL, "model.safetensors", weights, WEIGHTS, LOOPBACK_LFS);
    loopback_hub_order(hub, &(loopback_fault){.path = "/store/" MODEL, .times = 9, .damage = 1});
    assert_int_equal(pull_it(MODEL), GLIMPSE_E_FORMAT);
    weights[7] ^= 1;
    expect_file("model.safetensors", weights, WEIGHTS);
}

static void a_damaged_file_of_an_installation_is_not_written_through_a_link(void **state) {
    (void)state;
    char path[1300];
    assert_ok(pull_it(MODEL));
    (void)snprintf(path, sizeof path, "%s/" MODEL "/model.safetensors", models);
    weights[9] ^= 1;
    write_file(path, weights, WEIGHTS); /* as a disk that fails */
    loopback_hub_add(hub, MODEL, "config.json", "{\"a\":2}", 7, 0);
    loopback_hub_order(hub,
                       &(loopback_fault){.path = "/model.safetensors", .times = 99, .status = 500});
    assert_int_equal(pull_it(MODEL), GLIMPSE_E_IO);
    expect_file("model.safetensors", weights, WEIGHTS); /* as it was */
    weights[9] ^= 1;
    loopback_hub_forgive(hub);
    assert_ok(pull_it(MODEL));
    expect_file("model.safetensors", weights, WEIGHTS);
}

static void weights_that_were_moved_behind_a_link_are_used_for_the_next_revision(void **state) {
    (void)state;
    char path[1300], elsewhere[1300];
    size_t size = 0;
    assert_ok(pull_it(MODEL));
    (void)snprintf(path, sizeof path, "%s/" MODEL "/model.safetensors", models);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s", in_directory("large"));
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    loopback_hub_set_commit(hub, "1123456789abcdef0123456789abcdef01234567");
    loopback_hub_add(hub, MODEL, "config.json", "{\"a\":2}", 7, 0);
    assert_ok(pull_it(MODEL));
    expect_file("config.json", "{\"a\":2}", 7);
    expect_file("model.safetensors", weights, WEIGHTS);
    void *kept = read_whole_file(elsewhere, &size);
    assert_int_equal(size, WEIGHTS);
    assert_memory_equal(kept, weights, size);
    free(kept);
}

static void what_is_no_file_where_parts_are_is_in_nobodys_way(void **state) {
    (void)state;
    char part[1400], victim[1300];
    size_t size = 0;
    (void)snprintf(victim, sizeof victim, "%s", in_directory("victim"));
    for (int kind = 0; kind < 3; kind++) {
        leave_part(part, sizeof part);
        assert_int_equal(unlink(part), 0);
        write_text(victim, "victim");
        if (kind == 0) assert_int_equal(symlink(victim, part), 0);
        if (kind == 1) assert_int_equal(mkfifo(part, 0600), 0);
        if (kind == 2) assert_int_equal(mkdir(part, 0700), 0);
        assert_ok(pull_it(MODEL));
        expect_installed();
        char *text = read_whole_file(victim, &size);
        assert_int_equal(size, 6);
        free(text);
        remove_tree(models);
    }
}

static void each_form_of_weights_is_chosen_as_it_is_there(void **state) {
    (void)state;
    static const struct {
        const char *files[6], *wanted[5];
    } cases[] = {
        {{"config.json", "open_clip_config.json", "open_clip_model.safetensors",
          "pytorch_model.bin", NULL},
         {"open_clip_config.json", "open_clip_model.safetensors", NULL}},
        {{"config.json", "open_clip_config.json", "open_clip_pytorch_model.safetensors",
          "pytorch_model.bin", "open_clip_pytorch_model.bin", NULL},
         {"open_clip_config.json", "open_clip_pytorch_model.safetensors", NULL}},
        {{"config.json", "pytorch_model.bin", "model.onnx", "flax_model.msgpack", NULL},
         {"config.json", "pytorch_model.bin", NULL}},
        {{"config.json", "open_clip_config.json", "open_clip_pytorch_model.bin", "vocab.txt", NULL},
         {"open_clip_config.json", "open_clip_pytorch_model.bin", "vocab.txt", NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        glimpse_pull *pull = NULL;
        const glimpse_pull_options o = options();
        size_t wanted = 0;
        (void)snprintf(name, sizeof name, "forms/n%zu", i);
        for (const char *const *file = cases[i].files; *file; file++)
            loopback_hub_add(hub, name, *file, "{}", 2, 0);
        assert_ok(glimpse_pull_open(&pull, name, NULL, models, &o));
        while (cases[i].wanted[wanted])
            wanted++;
        assert_int_equal(glimpse_pull_describe(pull)->file_count, wanted);
        for (size_t k = 0; k < wanted; k++) {
            int found = 0;
            for (size_t n = 0; n < wanted; n++)
                found |= strcmp(glimpse_pull_get_file(pull, n)->path, cases[i].wanted[k]) == 0;
            if (!found) fail_msg("%s: %s is not chosen", name, cases[i].wanted[k]);
        }
        glimpse_pull_free(pull);
    }
}

static void shards_are_those_that_the_index_names(void **state) {
    (void)state;
    static const char index[] =
        "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
        "\"b\":\"model-00002-of-00002.safetensors\",\"c\":\"model-00001-of-00002.safetensors\"}}";
    loopback_hub_add(hub, "org/shards", "config.json", "{}", 2, 0);
    loopback_hub_add(hub, "org/shards", "model.safetensors.index.json", index, strlen(index), 0);
    loopback_hub_add(hub, "org/shards", "model-00001-of-00002.safetensors", weights, 1000,
                     LOOPBACK_LFS);
    /* The same bytes twice are two files. */
    loopback_hub_add(hub, "org/shards", "model-00002-of-00002.safetensors", weights, 1000,
                     LOOPBACK_LFS);
    loopback_hub_add(hub, "org/shards", "model-00003-of-00003.safetensors", "no", 2, LOOPBACK_LFS);
    assert_ok(pull_it("org/shards"));
    assert_int_equal(count_files("org/shards"), 5);
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/org/shards/model-00002-of-00002.safetensors", models);
    assert_true(path_exists(path));
}

static void names_from_the_hub_lead_nowhere_else(void **state) {
    (void)state;
    static const char *const shards[] = {
        "config.json", "pytorch_model.bin", "../../../evil", "/etc/passwd", "..",
        ".hidden",     "pulled.json",       "a/b",           "-rf",         ""};
    loopback_hub_list(hub, "{\"type\":\"file\",\"path\":\"../evil\",\"size\":1,\"oid\":\"\"}");
    assert_ok(pull_it(MODEL)); /* what is not needed is passed over */
    loopback_hub_add(hub, "org/evil", "config.json", "{}", 2, 0);
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        char index[200];
        (void)snprintf(index, sizeof index, "{\"weight_map\":{\"a\":\"%s\"}}", shards[i]);
        loopback_hub_add(hub, "org/evil", "model.safetensors.index.json", index, strlen(index), 0);
        if (*shards[i]) loopback_hub_add(hub, "org/evil", shards[i], "bad", 3, 0);
        int refused = pull_it("org/evil");
        if (refused != GLIMPSE_E_FORMAT || !strstr(glimpse_last_error(), "no name of a file")) {
            fail_msg("\"%s\": %s (%s)", shards[i], glimpse_status_name(refused),
                     glimpse_last_error());
        }
    }
    assert_int_equal(count_files("org"), 1);
    int status;
    static const char *const names[] = {
        "org/../up",      "/abs/olute", "org",    "org/a/b", "org/a--b",   ".org/model",   "org/..",
        "org/model@../x", "org/mo del", "org/-x", "",        "org/model@", "org/model@a b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        status = pull_it(names[i]);
        if (status != GLIMPSE_E_NOT_FOUND && status != GLIMPSE_E_INVALID) {
            fail_msg("%s: %s", names[i], glimpse_status_name(status));
        }
    }
}

static void a_repository_without_weights_that_are_read_says_what_it_has(void **state) {
    (void)state;
    loopback_hub_add(hub, "org/onnx", "config.json", "{}", 2, 0);
    loopback_hub_add(hub, "org/onnx", "model.onnx", "no", 2, LOOPBACK_LFS);
    int status = pull_it("org/onnx");
    assert_int_equal(status, GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "model.onnx"));
    assert_non_null(strstr(glimpse_last_error(), "model.safetensors"));
}

static void weights_come_from_another_revision_only_where_the_table_pins_it(void **state) {
    (void)state;
    static const char commit[] = "2222222222222222222222222222222222222222";
    glimpse_catalog *catalog = NULL;
    char table[800];
    loopback_hub_add_at(hub, "org/pinned", "main", "config.json", "{}", 2, 0);
    loopback_hub_add_at(hub, "org/pinned", LOOPBACK_COMMIT, "config.json", "{}", 2, 0);
    loopback_hub_add_at(hub, "org/pinned", LOOPBACK_COMMIT, "pytorch_model.bin", "b", 1, 1);
    loopback_hub_add_at(hub, "org/pinned", commit, "config.json", "other", 5, 0);
    loopback_hub_add_at(hub, "org/pinned", commit, "model.safetensors", weights, 100, 1);
    (void)snprintf(table, sizeof table,
                   "{\"models\":[{\"name\":\"short\",\"repository\":\"org/pinned\",\"revision\":"
                   "\"main\",\"weights_revision\":\"%s\",\"family\":\"f\",\"purpose\":\"search\","
                   "\"licence\":\"mit\",\"languages\":\"en\",\"files\":[\"config.json\"]}]}",
                   commit);
    write_text_in_directory("table.json", table);
    assert_ok(glimpse_catalog_load(&catalog, in_directory("table.json")));
    const glimpse_pull_options o = options();
    static const struct {
        const char *name, *file;
    } cases[] = {{"short", "model.safetensors"},
                 {"org/pinned", "model.safetensors"},
                 {"org/pinned@main", "pytorch_model.bin"}};
    for (size_t i = 0; i < 3; i++) {
        glimpse_pull *pull = NULL;
        assert_ok(glimpse_pull_open(&pull, cases[i].name, catalog, models, &o));
        assert_int_equal(glimpse_pull_describe(pull)->file_count, 2);
        const glimpse_pull_file *file = glimpse_pull_get_file(pull, 1);
        assert_string_equal(file->path, cases[i].file);
        if (i < 2) assert_string_equal(file->revision, commit);
        assert_string_equal(glimpse_pull_describe(pull)->licence, "mit");
        assert_ok(glimpse_pull_run(pull));
        glimpse_pull_free(pull);
    }
    glimpse_catalog_free(catalog);
}

/*
 * What a model has besides its repository, as the table says.
 */
static const char besides[] =
    "{\"models\":[{\"name\":\"towers\",\"repository\":\"org/towers\",\"revision\":\"main\","
    "\"family\":\"f\",\"purpose\":\"search\",\"licence\":\"mit\",\"languages\":\"*\","
    "\"files\":[\"open_clip_pytorch_model.bin\"],"
    "\"configuration\":{\"open_clip_config.json\":{\"model_cfg\":{\"embed_dim\":5}}}},"
    "{\"name\":\"texts\",\"repository\":\"org/texts\",\"revision\":\"main\",\"family\":\"f\","
    "\"purpose\":\"search\",\"licence\":null,\"languages\":\"*\",\"files\":[\"pytorch_model.bin\"],"
    "\"parts\":[{\"repository\":\"org/model\",\"revision\":\"main\",\"directory\":\"image\"}]},"
    "{\"name\":\"small\",\"repository\":\"org/small\",\"revision\":\"main\",\"family\":\"f\","
    "\"purpose\":\"search\",\"licence\":null,\"languages\":\"en\",\"files\":[\"mobileclip_s0.pt\"],"
    "\"parts\":[{\"repository\":\"org/model\",\"revision\":\"main\",\"directory\":null,"
    "\"files\":[\"merges.txt\",\"tokenizer.json\"]}],"
    "\"configuration\":{\"mobileclip_s0.json\":{\"embed_dim\":7}}}]}";

static glimpse_catalog *load_besides(void) {
    glimpse_catalog *catalog = NULL;
    write_text_in_directory("besides.json", besides);
    assert_ok(glimpse_catalog_load(&catalog, in_directory("besides.json")));
    return catalog;
}

/* The status; what is installed has `files` files of which `foreign` come from elsewhere. */
static int pull_besides(const char *name, size_t files, size_t foreign) {
    glimpse_catalog *catalog = load_besides();
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    int status = glimpse_pull_open(&pull, name, catalog, models, &o);
    glimpse_catalog_free(catalog); /* a pull keeps what it needs of it */
    if (status == GLIMPSE_OK) status = glimpse_pull_run(pull);
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    size_t found = 0;
    for (size_t i = 0; plan && i < plan->file_count; i++) {
        const glimpse_pull_file *f = glimpse_pull_get_file(pull, i);
        found += !f->repository || strcmp(f->repository, plan->repository) != 0;
    }
    if (status == GLIMPSE_OK) {
        assert_int_equal(plan->file_count, files);
        assert_int_equal(found, foreign);
    }
    glimpse_pull_free(pull);
    return status;
}

static void expect_content(const char *relative, const void *data, size_t size) {
    char path[1300];
    size_t found = 0;
    (void)snprintf(path, sizeof path, "%s/%s", models, relative);
    void *content = read_whole_file(path, &found);
    assert_int_equal(found, size);
    assert_memory_equal(content, data, size);
    free(content);
}

static void a_configuration_that_nobody_published_is_written_from_the_table(void **state) {
    (void)state;
    static const char path[] = "org/towers/open_clip_config.json";
    char file[1300];
    loopback_hub_add(hub, "org/towers", "open_clip_pytorch_model.bin", weights, 9000, LOOPBACK_LFS);
    loopback_hub_add(hub, "org/towers", "tokenizer.json", weights, 500, LOOPBACK_LFS);
    assert_ok(pull_besides("towers", 3, 1));
    (void)snprintf(file, sizeof file, "%s/%s", models, path);
    char *text = read_whole_file(file, NULL);
    assert_non_null(strstr(text, "\"embed_dim\": 5"));
    free(text);
    expect_content("org/towers/open_clip_pytorch_model.bin", weights, 9000);
    size_t asked = loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL);
    assert_ok(pull_besides("towers", 3, 1)); /* it is there, whole */
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL), asked);
    assert_int_equal(unlink(file), 0);
    assert_ok(pull_besides("towers", 3, 1));
    assert_true(path_exists(file));
    /* Once it is published, that one counts. */
    loopback_hub_add(hub, "org/towers", "open_clip_config.json", "{\"b\":2}", 7, 0);
    assert_ok(pull_besides("towers", 3, 0));
    expect_content(path, "{\"b\":2}", 7);
}

static void a_model_of_two_repositories_is_installed_as_one(void **state) {
    (void)state;
    loopback_hub_add(hub, "org/texts", "config.json", "{\"t\":1}", 7, 0);
    loopback_hub_add(hub, "org/texts", "pytorch_model.bin", weights + 1, 7000, LOOPBACK_LFS);
    loopback_hub_add(hub, "org/texts", "tokenizer.json", weights, 400, LOOPBACK_LFS);
    /* Of the pictures' model the tokenizer is not needed; its weights come in two pieces. */
    loopback_hub_order(hub, &(loopback_fault){.path = large, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = large, .times = 99, .status = 500});
    assert_int_equal(pull_besides("texts", 6, 3), GLIMPSE_E_IO);
    assert_int_equal(count_files("org/texts"), 0);
    loopback_hub_forgive(hub);
    assert_ok(pull_besides("texts", 6, 3));
    assert_true(loopback_hub_asked(loopback_hub_other(hub), "/store/" MODEL, "Range") > 0);
    expect_content("org/texts/config.json", "{\"t\":1}", 7);
    expect_content("org/texts/pytorch_model.bin", weights + 1, 7000);
    expect_content("org/texts/image/config.json", "{\"a\":1}", 7);
    expect_content("org/texts/image/preprocessor_config.json", "{}", 2);
    expect_content("org/texts/image/model.safetensors", weights, WEIGHTS);
    assert_int_equal(count_files("org/texts"), 5); /* three, the record, image/ */
    assert_int_equal(count_files("org/texts/image"), 3);
    assert_int_equal(count_files(".pull"), 0);
    assert_false(path_exists(path_in(models, MODEL)));
    size_t asked = loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL);
    assert_ok(pull_besides("texts", 6, 3));
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL), asked);
    /* A new version of the pictures is noticed, and nothing else downloaded. */
    loopback_hub_add(hub, MODEL, "model.safetensors", weights + 5, WEIGHTS - 5, LOOPBACK_LFS);
    assert_ok(pull_besides("texts", 6, 3));
    expect_content("org/texts/image/model.safetensors", weights + 5, WEIGHTS - 5);
    expect_content("org/texts/pytorch_model.bin", weights + 1, 7000);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL), asked + 1);
    (void)setenv("HF_HUB_OFFLINE", "1", 1);
    assert_ok(pull_besides("texts", 6, 3));
}

static void files_of_another_repository_are_those_that_the_table_names(void **state) {
    (void)state;
    loopback_hub_add(hub, "org/small", "mobileclip_s0.pt", weights, 8000, LOOPBACK_LFS);
    loopback_hub_add(hub, "org/small", "config.json", "{}", 2, 0);
    assert_ok(pull_besides("small", 4, 3));
    expect_content("org/small/tokenizer.json", weights, 5000);
    expect_content("org/small/merges.txt", "", 0);
    assert_int_equal(count_files("org/small"), 5);
    /* Without the table the weights alone are of no use. */
    const glimpse_pull_options o = options();
    assert_int_equal(pull_with("org/small@v2", &o), GLIMPSE_E_UNSUPPORTED);
}

static void every_kind_of_model_in_the_table_is_pulled(void **state) {
    (void)state;
    json_error_t error;
    json_t *table = json_load_file(source_path("data/models/catalog.json"), 0, &error);
    const json_t *entry;
    size_t i, count = 0;
    char seen[300] = "";
    assert_non_null(table);
    json_array_foreach(json_object_get(table, "models"), i, entry) {
        const json_t *file =
            json_object_get(json_object_get(entry, "configuration"), "config.json");
        const char *kind = json_string_value(json_object_get(file, "model_type"));
        char repository[64], text[100];
        if (!kind || strstr(seen, kind)) continue;
        (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s,", kind);
        (void)snprintf(repository, sizeof repository, "org/kind-%zu", i);
        (void)snprintf(text, sizeof text, "{\"model_type\":\"%s\"}", kind);
        loopback_hub_add(hub, repository, "config.json", text, strlen(text), 0);
        loopback_hub_add(hub, repository, "model.safetensors", weights, 100, LOOPBACK_LFS);
        assert_ok(pull_it(repository));
        count++;
    }
    assert_int_equal(count, 7);
    json_decref(table);
}

static void a_revision_is_asked_for_as_it_is_called(void **state) {
    (void)state;
    assert_ok(pull_it(MODEL "@refs/pr/5"));
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub), "/revision/refs%2Fpr%2F5", NULL),
                     1);
    expect_installed();
}

static void lists_of_many_pages_and_mirrors_without_lists_will_do(void **state) {
    (void)state;
    loopback_hub_set_page(hub, 2);
    assert_ok(pull_it(MODEL));
    expect_installed();
    assert_true(loopback_hub_asked(loopback_hub_server(hub), "cursor=", NULL) >= 3);
    remove_tree(models);
    loopback_hub_set_simple(hub, 1);
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void the_address_of_a_models_page_is_its_name(void **state) {
    (void)state;
    char address[200];
    (void)snprintf(address, sizeof address, "%s/" MODEL, loopback_hub_url(hub));
    assert_ok(pull_it(address));
    expect_installed();
}

/*
 * The token.
 */
static void the_token_goes_to_no_other_host(void **state) {
    (void)state;
    glimpse_pull_options o = options();
    o.token = "hf_secret";
    loopback_hub_set_token(hub, "hf_secret");
    assert_ok(pull_with(MODEL, &o));
    expect_installed();
    assert_true(loopback_hub_asked(loopback_hub_server(hub), "", "Authorization") > 5);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "/store/", NULL), 2);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "", "Authorization"), 0);
    /* The same machine by another name, and the same name from another scheme, are others. */
    remove_tree(models);
    char other[80];
    (void)snprintf(other, sizeof other, "http://localhost%s", strrchr(loopback_hub_url(hub), ':'));
    loopback_hub_set_store(hub, other);
    size_t before = loopback_hub_asked(loopback_hub_server(hub), "/store/", "Authorization");
    int status = pull_with(MODEL, &o);
    if (status == GLIMPSE_OK) expect_installed(); /* where localhost is 127.0.0.1 */
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub),
                                        "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors",
                                        "Authorization"),
                     0);
    assert_true(loopback_hub_asked(loopback_hub_server(hub), "/store/", "Authorization") >= before);
}

static void the_token_comes_from_the_environment_or_its_file(void **state) {
    (void)state;
    glimpse_pull_options o = options();
    o.token = NULL;
    loopback_hub_set_token(hub, "hf_secret");
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_NOT_FOUND, "HF_TOKEN");
    (void)setenv("HF_TOKEN", " hf_secret\n", 1);
    assert_ok(pull_with(MODEL, &o));
    (void)unsetenv("HF_TOKEN");
    remove_tree(models);
    (void)setenv("HF_HOME", "${HOME}/$TEST_PART", 1);
    (void)setenv("TEST_PART", "hf", 1);
    make_parents(in_directory("hf/token"));
    write_text_in_directory("hf/token", "hf_secret");
    assert_ok(pull_with(MODEL, &o));
    (void)unsetenv("HF_HOME");
    remove_tree(models);
    make_parents(in_directory(".cache/huggingface/token"));
    write_text_in_directory(".cache/huggingface/token", "hf_secret\n");
    assert_ok(pull_with(MODEL, &o));
    remove_tree(models);
    write_text_in_directory("elsewhere", "hf_other");
    (void)setenv("HF_TOKEN_PATH", in_directory("elsewhere"), 1);
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_NOT_FOUND, "does not take the token");
    (void)setenv("HF_TOKEN", "two words", 1);
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_INVALID, "HF_TOKEN holds no token");
}

static void the_token_is_never_part_of_a_message(void **state) {
    (void)state;
    glimpse_pull_options o = options();
    o.token = "hf_wrong";
    loopback_hub_set_token(hub, "hf_secret");
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_NOT_FOUND, "401");
    assert_null(strstr(glimpse_last_error(), "hf_wrong"));
}

/*
 * What a hub refuses.
 */
static void what_is_refused_says_what_to_do(void **state) {
    (void)state;
    expect_failure(pull_it("org/nothing"), GLIMPSE_E_NOT_FOUND, "no model org/nothing");
    expect_failure(pull_it(MODEL "@nowhere"), GLIMPSE_E_NOT_FOUND, "no revision nowhere");
    loopback_hub_order(hub, &(loopback_fault){.path = "/model.safetensors",
                                              .times = 1,
                                              .status = 404,
                                              .headers = "X-Error-Code: EntryNotFound\r\n"});
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "model.safetensors");
    loopback_hub_order(hub,
                       &(loopback_fault){.path = "/revision/",
                                         .times = 1,
                                         .status = 403,
                                         .headers = "X-Error-Message: Access to this resource is "
                                                    "disabled.\r\n"});
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "has closed " MODEL);
    loopback_hub_set_token(hub, "hf_secret");
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "HF_TOKEN");
    loopback_hub_set_card(hub, NULL, 1);
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "gated");
    assert_non_null(strstr(glimpse_last_error(), loopback_hub_url(hub))); /* where to accept */
    loopback_hub_set_token(hub, NULL);
    loopback_hub_order(hub, &(loopback_fault){.path = "/store/", .times = 9, .status = 403});
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "403");
}

static void a_signed_address_that_expired_is_made_anew(void **state) {
    (void)state;
    loopback_hub_order(
        hub, &(loopback_fault){.path = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors",
                               .times = 1,
                               .status = 403});
    assert_ok(pull_it(MODEL));
    expect_installed();
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub),
                                        "/resolve/" LOOPBACK_COMMIT "/model.safetensors", NULL),
                     2);
}

static void busy_and_broken_servers_are_asked_again(void **state) {
    (void)state;
    static const loopback_fault faults[] = {
        {.path = "/api/models/", .times = 1, .status = 429, .headers = "Retry-After: 3\r\n"},
        {.path = "/api/models/", .times = 1, .status = 500},
        {.path = "/api/models/", .times = 1, .drop = 1},
        {.path = "/resolve/", .times = 2, .status = 503},
        {.path = "/resolve/",
         .times = 1,
         .status = 429,
         .headers = "RateLimit: \"resolvers\";r=0;t=54\r\n"},
        {.path = "/store/" MODEL, .times = 1, .drop = 1},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        loopback_hub_order(hub, &faults[i]);
    assert_true(pull_it("before") < 0);
    assert_ok(pull_it(MODEL));
    expect_installed();
    /* What went well in the end leaves the last error alone. */
    assert_non_null(strstr(glimpse_last_error(), "\"before\""));
    assert_non_null(strstr(notes, "a pause of 3 s"));
    assert_non_null(strstr(notes, "a pause of 55 s"));
    assert_non_null(strstr(notes, "status 503"));
}

static void servers_that_stay_broken_are_given_up(void **state) {
    (void)state;
    loopback_hub_order(hub, &(loopback_fault){.path = "/resolve/", .times = 99, .status = 502});
    expect_failure(pull_it(MODEL), GLIMPSE_E_IO, "502");
    assert_non_null(strstr(glimpse_last_error(), "what came is kept"));
    assert_true(loopback_hub_asked(loopback_hub_server(hub), "/resolve/", NULL) <= 8);
}

static void a_pause_of_an_hour_is_left_to_the_user(void **state) {
    (void)state;
    loopback_hub_order(hub, &(loopback_fault){.path = "/resolve/",
                                              .times = 1,
                                              .status = 429,
                                              .headers = "Retry-After: 3600\r\n"});
    expect_failure(pull_it(MODEL), GLIMPSE_E_IO, "3600 s");
}

static void nobody_at_the_address_is_said_after_a_few_tries(void **state) {
    (void)state;
    glimpse_pull_options o = options();
    o.endpoint = "http://127.0.0.1:9";
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_IO, "HF_ENDPOINT");
    o.endpoint = "ftp://127.0.0.1";
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_INVALID, "not the address of a hub");
    o.endpoint = "http://user:word@127.0.0.1";
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_INVALID, "not the address of a hub");
}

static void answers_that_are_no_lists_are_named(void **state) {
    (void)state;
    loopback_hub_set_page(hub, 3);
    loopback_hub_order(hub, &(loopback_fault){.path = "cursor=3", .times = 1, .status = 200});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "list of files");
    loopback_hub_order(
        hub, &(loopback_fault){.path = "/revision/", .times = 1, .status = 200, .page = 1});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "HF_ENDPOINT");
}

static void a_next_page_elsewhere_is_not_asked_for(void **state) {
    (void)state;
    char headers[200];
    (void)snprintf(headers, sizeof headers, "Link: <%s/more>; rel=\"next\"\r\n",
                   server_url(loopback_hub_other(hub)));
    loopback_hub_order(hub, &(loopback_fault){.path = "/tree/", .times = 1, .headers = headers});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "elsewhere");
    assert_int_equal(server_count(loopback_hub_other(hub)), 0);
}

static void redirects_end(void **state) {
    (void)state;
    char headers[200];
    (void)snprintf(headers, sizeof headers, "Location: %s/api/models/x\r\n", loopback_hub_url(hub));
    loopback_hub_order(
        hub,
        &(loopback_fault){.path = "/api/models/", .times = 99, .status = 302, .headers = headers});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "redirects more than");
}

static void redirects_lead_to_the_web_only(void **state) {
    (void)state;
    loopback_hub_order(hub, &(loopback_fault){.path = "/resolve/",
                                              .times = 1,
                                              .status = 302,
                                              .headers = "Location: file:///etc/passwd\r\n"});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "no address of the web");
}

static void offline_nobody_is_asked(void **state) {
    (void)state;
    (void)setenv("HF_HUB_OFFLINE", "1", 1);
    expect_failure(pull_it(MODEL), GLIMPSE_E_NOT_FOUND, "HF_HUB_OFFLINE");
    assert_int_equal(server_count(loopback_hub_server(hub)), 0);
    (void)setenv("HF_HUB_OFFLINE", "0", 1);
    assert_ok(pull_it(MODEL));
    size_t before = server_count(loopback_hub_server(hub));
    (void)setenv("HF_HUB_OFFLINE", "true", 1);
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    assert_ok(glimpse_pull_open(&pull, MODEL, NULL, models, &o));
    assert_int_equal(glimpse_pull_describe(pull)->is_installed, 1);
    assert_int_equal(glimpse_pull_describe(pull)->is_offline, 1);
    assert_int_equal(glimpse_pull_describe(pull)->file_count, 5);
    glimpse_pull_free(pull);
    assert_ok(pull_it(MODEL "@main"));
    assert_ok(pull_it(MODEL "@" LOOPBACK_COMMIT));
    assert_int_equal(pull_it(MODEL "@v2"), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "and not at v2"));
    assert_int_equal(server_count(loopback_hub_server(hub)), before);
}

/*
 * Bodies.
 */
static void a_truncated_body_goes_on_where_it_ended(void **state) {
    (void)state;
    static const char path[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .cut = 50000});
    assert_ok(pull_it(MODEL));
    expect_installed();
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), path, NULL), 3);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), path, "Range"), 2);
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), path, "If-Range"), 2);
}

static void a_server_without_ranges_sends_all_of_it_again(void **state) {
    (void)state;
    static const char path[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .ignore_range = 1});
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void a_part_that_the_server_refuses_begins_anew(void **state) {
    (void)state;
    static const char path[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .status = 416});
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void a_server_that_never_gets_further_is_given_up(void **state) {
    (void)state;
    static const char path[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";
    loopback_hub_order(
        hub, &(loopback_fault){.path = path, .times = 99, .cut = 100000, .ignore_range = 1});
    expect_failure(pull_it(MODEL), GLIMPSE_E_IO, "what came is kept");
    assert_true(loopback_hub_asked(loopback_hub_other(hub), path, NULL) <= 8);
    loopback_hub_forgive(hub);
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void a_server_that_sends_another_range_is_asked_for_all_of_it(void **state) {
    (void)state;
    static const char path[] = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors";
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = path, .times = 99, .shift = 5});
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static int stop(void *user, const glimpse_pull_progress *progress) {
    (void)user;
    assert_true(progress->done <= progress->total);
    return 1;
}

static int cancelled(void *user) {
    return *(int *)user;
}

/* The path of what came of the weights, which the hub cut off at 100,000 bytes. */
static void leave_part(char *part, size_t size) {
    char directory[1200];
    loopback_hub_order(hub, &(loopback_fault){.path = large, .times = 1, .cut = 100000});
    loopback_hub_order(hub, &(loopback_fault){.path = large, .times = 99, .status = 500});
    expect_failure(pull_it(MODEL), GLIMPSE_E_IO, "500");
    loopback_hub_forgive(hub);
    (void)snprintf(directory, sizeof directory, "%s/.pull/org--model", models);
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    *part = '\0';
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".part") == 0)
            (void)snprintf(part, size, "%s/%s", directory, entry->d_name);
    }
    (void)closedir(dir);
    assert_true(*part);
}

/* The "Range" of the last request for the weights; "" without. */
static void last_range(char *to, size_t size) {
    test_server *other = loopback_hub_other(hub);
    *to = '\0';
    for (size_t i = server_count(other); i-- > 0;) {
        const server_request *r = server_get(other, i);
        if (!strstr(r->path, "model.safetensors")) continue;
        if (!server_header(r, "Range", to, size)) *to = '\0';
        return;
    }
}

static void what_came_before_a_failure_is_kept_and_only_the_rest_is_asked_for(void **state) {
    (void)state;
    char part[1400], range[64];
    glimpse_pull *pull = NULL;
    const glimpse_pull_options o = options();
    leave_part(part, sizeof part);
    assert_ok(glimpse_pull_open(&pull, MODEL, NULL, models, &o));
    assert_int_equal(glimpse_pull_describe(pull)->missing_bytes, WEIGHTS - 100000);
    assert_ok(glimpse_pull_run(pull));
    glimpse_pull_free(pull);
    expect_installed();
    last_range(range, sizeof range);
    assert_string_equal(range, "bytes=100000-");
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), "tokenizer.json", NULL), 1);
}

static void a_page_to_log_in_leaves_what_came(void **state) {
    (void)state;
    static const char *const types[] = {"Content-Type: text/html; charset=utf-8\r\n", NULL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char part[1400], range[64];
        leave_part(part, sizeof part);
        loopback_hub_order(
            hub, &(loopback_fault){
                     .path = large, .times = 1, .status = 200, .page = 1, .headers = types[i]});
        expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, types[i] ? "web page" : "lists it with");
        assert_ok(pull_it(MODEL));
        expect_installed();
        last_range(range, sizeof range);
        assert_string_equal(range, "bytes=100000-");
        remove_tree(models);
    }
}

static void what_comes_in_place_of_a_file_is_not_installed_whoever_lists_no_digests(void **state) {
    (void)state;
    static const loopback_fault faults[] = {
        {.path = "/resolve/", .times = 1, .status = 200, .page = 1},
        {.path = "/resolve/", .times = 1, .pointer = 1},
    };
    loopback_hub_add(hub, "org/bare", "config.json", "{}", 2, 0);
    loopback_hub_add(hub, "org/bare", "model.safetensors", weights, WEIGHTS, 0);
    loopback_hub_set_simple(hub, 1);
    loopback_hub_hide_digests(hub, 1);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        loopback_hub_order(hub, &faults[i]);
        expect_failure(pull_it("org/bare"), GLIMPSE_E_FORMAT, "git-lfs pointer");
        assert_int_equal(count_files("org/bare"), 0);
    }
    assert_ok(pull_it("org/bare"));
    assert_int_equal(count_files("org/bare"), 3);
}

static void a_part_with_other_bytes_is_noticed_and_begins_anew(void **state) {
    (void)state;
    char part[1400], range[64];
    size_t size = 0;
    leave_part(part, sizeof part);
    char *content = read_whole_file(part, &size);
    assert_int_equal(size, 100000);
    assert_memory_equal(content, weights, size);
    content[5] ^= 1;
    write_file(part, content, size);
    free(content);
    assert_ok(pull_it(MODEL));
    expect_installed();
    last_range(range, sizeof range);
    assert_string_equal(range, "");
}

static void a_part_of_a_file_that_changed_at_the_server_begins_anew(void **state) {
    (void)state;
    char part[1400], etag[1410];
    leave_part(part, sizeof part);
    (void)snprintf(etag, sizeof etag, "%s.etag", part);
    assert_true(path_exists(etag));
    write_text(etag, "\"another\"");
    size_t before = loopback_hub_asked(loopback_hub_other(hub), large, NULL);
    assert_ok(pull_it(MODEL));
    expect_installed(); /* the server sent all of it, with 200 */
    assert_int_equal(loopback_hub_asked(loopback_hub_other(hub), large, NULL), before + 1);
}

static void a_stopped_pull_goes_on(void **state) {
    (void)state;
    glimpse_pull_options o = options();
    o.progress = stop;
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_CANCELLED, "stopped");
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void bytes_of_another_digest_are_never_installed(void **state) {
    (void)state;
    loopback_hub_order(
        hub, &(loopback_fault){.path = "/store/" MODEL "/" LOOPBACK_COMMIT "/model.safetensors",
                               .times = 1,
                               .damage = 1});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "SHA-256");
    remove_tree(models);
    loopback_hub_order(hub, &(loopback_fault){.path = "/api/resolve-cache/store/" MODEL
                                                      "/" LOOPBACK_COMMIT "/config.json",
                                              .times = 1,
                                              .damage = 1});
    expect_failure(pull_it(MODEL), GLIMPSE_E_FORMAT, "SHA-1");
    assert_ok(pull_it(MODEL)); /* the next one is right */
    expect_installed();
}

/*
 * The disk, and others.
 */
static void a_disk_without_space_is_told_before_anything_is_written(void **state) {
    (void)state;
    loopback_hub_add(hub, "org/big", "config.json", "{}", 2, 0);
    loopback_hub_list(hub, "{\"type\":\"file\",\"path\":\"model.safetensors\",\"size\":"
                           "1000000000000000000,\"oid\":\"\",\"lfs\":{\"oid\":\"\",\"size\":"
                           "1000000000000000000}}");
    int status = pull_it("org/big");
    assert_int_equal(status, GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), "make space there"));
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub), "/resolve/", NULL), 0);
}

static void a_directory_that_no_pull_made_is_left_alone(void **state) {
    (void)state;
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/" MODEL "/my-own.txt", models);
    make_parents(path);
    write_text(path, "mine");
    assert_int_equal(pull_it(MODEL), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "move it away"));
    assert_true(path_exists(path));
    assert_int_equal(unlink(path), 0);
    assert_ok(pull_it(MODEL)); /* an empty one is nobody's */
    expect_installed();
}

static void two_pulls_of_one_model_do_not_meet(void **state) {
    (void)state;
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/.pull/org--model.lock", models);
    make_parents(path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    expect_failure(pull_it(MODEL), GLIMPSE_E_BUSY, "another process");
    (void)close(fd);
    assert_ok(pull_it(MODEL));
    expect_installed();
}

static void a_call_that_is_cancelled_asks_nothing_more(void **state) {
    (void)state;
    int stopped = 1;
    glimpse_pull_options o = options();
    o.cancelled = cancelled;
    o.user = &stopped;
    o.message = NULL;
    expect_failure(pull_with(MODEL, &o), GLIMPSE_E_CANCELLED, "stopped");
    assert_int_equal(loopback_hub_asked(loopback_hub_server(hub), "/resolve/", NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_needed_files_are_installed_bit_by_bit),
        TEST(what_a_hub_says_of_a_licence_is_text),
        TEST(an_installed_model_is_not_downloaded_again),
        TEST(a_newer_revision_replaces_an_older_one_and_downloads_what_changed),
        TEST(an_older_installation_stays_until_the_new_one_is_whole),
        TEST(a_damaged_file_of_an_installation_is_not_written_through_a_link),
        TEST(each_form_of_weights_is_chosen_as_it_is_there),
        TEST(shards_are_those_that_the_index_names),
        TEST(names_from_the_hub_lead_nowhere_else),
        TEST(a_repository_without_weights_that_are_read_says_what_it_has),
        TEST(weights_come_from_another_revision_only_where_the_table_pins_it),
        TEST(a_configuration_that_nobody_published_is_written_from_the_table),
        TEST(a_model_of_two_repositories_is_installed_as_one),
        TEST(files_of_another_repository_are_those_that_the_table_names),
        TEST(every_kind_of_model_in_the_table_is_pulled),
        TEST(a_revision_is_asked_for_as_it_is_called),
        TEST(lists_of_many_pages_and_mirrors_without_lists_will_do),
        TEST(the_address_of_a_models_page_is_its_name),
        TEST(the_token_goes_to_no_other_host),
        TEST(the_token_comes_from_the_environment_or_its_file),
        TEST(the_token_is_never_part_of_a_message),
        TEST(what_is_refused_says_what_to_do),
        TEST(a_signed_address_that_expired_is_made_anew),
        TEST(busy_and_broken_servers_are_asked_again),
        TEST(servers_that_stay_broken_are_given_up),
        TEST(a_pause_of_an_hour_is_left_to_the_user),
        TEST(nobody_at_the_address_is_said_after_a_few_tries),
        TEST(answers_that_are_no_lists_are_named),
        TEST(a_next_page_elsewhere_is_not_asked_for),
        TEST(redirects_end),
        TEST(redirects_lead_to_the_web_only),
        TEST(offline_nobody_is_asked),
        TEST(a_truncated_body_goes_on_where_it_ended),
        TEST(a_server_without_ranges_sends_all_of_it_again),
        TEST(a_part_that_the_server_refuses_begins_anew),
        TEST(what_came_before_a_failure_is_kept_and_only_the_rest_is_asked_for),
        TEST(a_part_with_other_bytes_is_noticed_and_begins_anew),
        TEST(a_part_of_a_file_that_changed_at_the_server_begins_anew),
        TEST(weights_that_were_moved_behind_a_link_are_used_for_the_next_revision),
        TEST(what_is_no_file_where_parts_are_is_in_nobodys_way),
        TEST(a_server_that_never_gets_further_is_given_up),
        TEST(a_server_that_sends_another_range_is_asked_for_all_of_it),
        TEST(a_page_to_log_in_leaves_what_came),
        TEST(what_comes_in_place_of_a_file_is_not_installed_whoever_lists_no_digests),
        TEST(a_stopped_pull_goes_on),
        TEST(bytes_of_another_digest_are_never_installed),
        TEST(a_disk_without_space_is_told_before_anything_is_written),
        TEST(a_directory_that_no_pull_made_is_left_alone),
        TEST(two_pulls_of_one_model_do_not_meet),
        TEST(a_call_that_is_cancelled_asks_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

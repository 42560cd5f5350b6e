/*
 * tools/prove.sh, against a hub on 127.0.0.1 that has small models with random weights.
 */
#include "support/commands.h"

#include "support/loopback_hub.h"
#include "support/random_blip.h"
#include "support/random_model.h"

static loopback_hub *hub;

static int setup(void **state) {
    static const char *const unwanted[] = {"HF_TOKEN", "HF_HOME", "HF_HUB_OFFLINE",
                                           "TRANSFORMERS_OFFLINE", "HUGGING_FACE_HUB_TOKEN"};
    run_setup(state);
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)unsetenv(unwanted[i]);
    random_model clip = random_model_tiny(), siglip = random_model_tiny_siglip();
    random_blip caption = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    random_blip match = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_model_write(&clip, "clip"));
    assert_true(random_model_write(&siglip, "siglip"));
    assert_true(random_blip_write(&caption, "caption"));
    assert_true(random_blip_write(&match, "match"));
    assert_int_equal(mkdir("speed", 0777), 0);
    write_picture("cats.ppm", 64, 48, 1);
    write_picture("speed/a.ppm", 64, 48, 2);
    write_picture("speed/b.ppm", 64, 48, 3);
    hub = loopback_hub_start();
    loopback_hub_add_directory(hub, "org/clip", "clip");
    loopback_hub_add_directory(hub, "org/siglip", "siglip");
    loopback_hub_add_directory(hub, "org/caption", "caption");
    loopback_hub_add_directory(hub, "org/match", "match");
    loopback_hub_add_file(hub, "org/pictures", "cats.ppm", "cats.ppm", LOOPBACK_LFS);
    loopback_hub_set_card(hub, "{\"license\":\"mit\"}", 0);
    (void)setenv("HF_ENDPOINT", loopback_hub_url(hub), 1);
    (void)setenv("PROVE", source_path("tools/prove.sh"), 1);
    return 0;
}

static int teardown(void **state) {
    loopback_hub_stop(hub);
    return run_teardown(state);
}

static double probability(const char *model, const char *class_name) {
    run_result r;
    char line[300];
    (void)snprintf(
        line, sizeof line,
        "\"$G\" label cats.ppm -m ./%s -c 'cat,2 dogs' --template 'a photo of a {}' --csv "
        "--top 2 --no-cache --precision f32 -q | grep ',%s,' | cut -d , -f 4",
        model, class_name);
    run_shell(&r, line);
    expect(&r, 0);
    double value = strtod(r.out, NULL);
    run_free(&r);
    return value;
}

/* What these models make of the picture, `off` added to one of the figures. */
static void write_table(double off) {
    run_result r, itm;
    run(&r, "caption", "cats.ppm", "-m", "./caption", "--precision", "f32", "-q", NULL);
    expect(&r, 0);
    char *caption = strchr(r.out, '\t');
    assert_non_null(caption);
    caption[strcspn(caption, "\n")] = '\0';
    run(&itm, "itm", "-i", "cats.ppm", "-t", "two cats", "-m", "./match", "--precision", "f32",
        NULL);
    expect(&itm, 0);
    json_t *root = run_json(&itm);
    write_formatted(
        "table.tsv",
        "# of random models\n"
        "picture\tcats\t%s/org/pictures/resolve/main/cats.ppm\n"
        "label\torg/clip\tcats\ta photo of a {}\tcat,2 dogs\tcat\t%.4f\t0.001\ttest\n"
        "label\torg/clip\tcats\ta photo of a {}\tcat,2 dogs\t2 dogs\t%.4f\t0.001\ttest\n"
        "label\torg/siglip\tcats\ta photo of a {}\tcat,2 dogs\t%s\tfirst\t-\ttest\n"
        "caption\torg/caption\tcats\t-\t%s\ttest\n"
        "match\torg/match\tcats\ttwo cats\t%.4f\t0.001\t%.4f\t0.001\ttest\n",
        loopback_hub_url(hub), probability("clip", "cat") + off, probability("clip", "2 dogs"),
        probability("siglip", "cat") > probability("siglip", "2 dogs") ? "cat" : "2 dogs",
        caption + 1, number_at(root, "itm_probability"), number_at(root, "itc_cosine"));
    json_decref(root);
    run_free(&itm);
    run_free(&r);
}

static void models_are_pulled_measured_and_compared(void **state) {
    (void)state;
    run_result r;
    write_table(0);
    run_shell(&r, "GLIMPSE=\"$G\" \"$PROVE\" --yes --expect table.tsv --speed speed --models kept");
    expect(&r, 0);
    expect_out(&r, "org/clip                     indexed in ");
    expect_out(&r, "pictures/s)");
    expect_out(&r, "ok      org/clip: \"a photo of a 2 dogs\" for cats: 0.");
    expect_out(&r, ", the best one\n");
    expect_out(&r, "s with opening the model)\n");
    expect_out(&r, "All 5 are as published\n");
    run_free(&r);
    assert_true(path_exists("kept/glimpse/models/org/match/config.json"));
    /* Again: nothing is pulled. */
    size_t before = server_count(loopback_hub_other(hub));
    run_shell(&r, "GLIMPSE=\"$G\" \"$PROVE\" --expect table.tsv --speed speed --models kept "
                  "--picture cats=cats.ppm");
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(server_count(loopback_hub_other(hub)), before);
}

static void what_is_not_as_published_is_said(void **state) {
    (void)state;
    run_result r;
    write_table(0.1);
    run_shell(&r, "GLIMPSE=\"$G\" \"$PROVE\" --yes --expect table.tsv --speed speed --models kept");
    expect(&r, 1);
    expect_out(&r, "WRONG   org/clip: \"a photo of a cat\" for cats: ");
    expect_out(&r, " (test)\n");
    expect_out(&r, "1 of 5 are not as published\n");
    run_free(&r);
    run_shell(&r,
              "sed 's/^caption\\(.*\\)\\ttest$/caption\\1 too\\ttest/; s/first/0.9999/' table.tsv "
              ">other.tsv; GLIMPSE=\"$G\" \"$PROVE\" --expect other.tsv --speed speed "
              "--models kept");
    expect(&r, 1);
    expect_out(&r, "3 of 5 are not as published\n");
    run_free(&r);
}

static void without_network_it_refuses_politely(void **state) {
    (void)state;
    static const char *const settings[] = {"HF_HUB_OFFLINE=1", "HF_ENDPOINT=http://127.0.0.1:9"};
    run_result r;
    for (size_t i = 0; i < 2; i++) {
        char line[300];
        (void)snprintf(line, sizeof line,
                       "%s GLIMPSE=\"$G\" \"$PROVE\" --yes --expect table.tsv --models none",
                       settings[i]);
        run_shell(&r, line);
        expect(&r, 3);
        expect_err(&r, "prove.sh: this needs a hub to pull models from (HF_ENDPOINT, network), so "
                       "nothing was checked\n");
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
    /* What is there already needs none. */
    run_shell(&r, "HF_HUB_OFFLINE=1 GLIMPSE=\"$G\" \"$PROVE\" --expect table.tsv --speed speed "
                  "--models kept --picture cats=cats.ppm | grep -c '^  ok '");
    expect(&r, 0);
    run_free(&r);
    /* The pictures' host may be the one that is missing. */
    run_shell(&r, "sed 's|http://[^/]*/|http://127.0.0.1:9/|' table.tsv >gone.tsv; GLIMPSE=\"$G\" "
                  "\"$PROVE\" --yes --expect gone.tsv --speed speed --models kept");
    expect(&r, 3);
    expect_err(&r, "the picture cats cannot be had from http://127.0.0.1:9/");
    expect_err(&r, "give it with --picture cats=FILE");
    run_free(&r);
    run_shell(&r, "GLIMPSE=\"$G\" \"$PROVE\" --picture cats=nowhere.ppm");
    expect(&r, 2);
    run_free(&r);
}

/* Every row has the fields of its kind, and names a model that glimpse pull knows. */
static void the_table_that_ships_is_well_formed(void **state) {
    (void)state;
    run_result r;
    char line[1500];
    (void)snprintf(
        line, sizeof line,
        "\"$G\" pull --json | grep -o '{\"name\":\"[^\"]*\"' | cut -d '\"' -f 4 >names && "
        "awk -F '\\t' 'NR == FNR { known[$1]; next } /^#/ { next }"
        " { wanted = $1 == \"picture\" ? 3 : $1 == \"label\" ? 9 : $1 == \"caption\" ? 6 :"
        " $1 == \"match\" ? 9 : -1; if (NF != wanted) { print \"fields: \" $0; bad = 1 } }"
        " $1 == \"picture\" { pictures[$2]; next }"
        " !($2 in known) { print \"model: \" $2; bad = 1 }"
        " !($3 in pictures) { print \"picture: \" $3; bad = 1 } { n++ }"
        " END { exit bad || n < 6 }' names '%s'",
        source_path("tools/prove.tsv"));
    run_shell(&r, line);
    expect(&r, 0);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_pulled_measured_and_compared),
        cmocka_unit_test(what_is_not_as_published_is_said),
        cmocka_unit_test(without_network_it_refuses_politely),
        cmocka_unit_test(the_table_that_ships_is_well_formed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/*
 * What the README says to type for a real model, typed on a terminal: against a hub on 127.0.0.1
 * that has small models with random weights under the names of the real ones.
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
    random_model siglip = random_model_tiny_siglip();
    random_blip match = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_model_write(&siglip, "siglip"));
    assert_true(random_blip_write(&match, "match"));
    hub = loopback_hub_start();
    loopback_hub_add_directory(hub, "google/siglip2-base-patch16-224", "siglip");
    loopback_hub_add_directory(hub, "Salesforce/blip-itm-base-coco", "match");
    (void)setenv("HF_ENDPOINT", loopback_hub_url(hub), 1);
    return 0;
}

static int teardown(void **state) {
    loopback_hub_stop(hub);
    return run_teardown(state);
}

/* The lines behind a heading that are set as code, with what they do in between. */
static void write_commands(const char *file, const char *heading) {
    char *text = read_whole_file(source_path("README.md"), NULL);
    char *start = strstr(text, heading);
    assert_non_null(start);
    start = strchr(start + 1, '\n');
    char *end = strstr(start, "\n## ");
    if (end) *end = '\0';
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    (void)fputs("set -eux\n", to);
    for (char *line = strtok(start, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "    ", 4) == 0) (void)fprintf(to, "%s\n", line + 4);
    assert_int_equal(fclose(to), 0);
    free(text);
}

static void its_commands_for_a_real_model_work_as_written(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "command -v script");
    int there = r.code == 0;
    run_free(&r);
    if (!there) {
        print_message("SKIPPED: script (util-linux) is not installed\n");
        skip();
    }
    write_commands("commands.sh", "\n## With a real CLIP\n");
    char *commands = read_whole_file("commands.sh", NULL);
    const char *first = strchr(commands, '\n') + 1;
    assert_int_equal(strncmp(first, "glimpse pull", 12), 0); /* the first real use */
    /* What they are about: pictures of the person who types, and the source tree. */
    run_shell(&r,
              "mkdir -p \"$HOME/Pictures/2023\" \"$HOME/Pictures/new\" typed && echo \"$HOME\"");
    expect(&r, 0);
    r.out[strcspn(r.out, "\n")] = '\0';
    static const struct {
        const char *demo, *place;
    } pictures[] = {
        {"data/demo/animals/cat-dog-room-005.jpg", "Pictures/a.jpg"},
        {"data/demo/animals/giraffe-gray-048.jpg", "Pictures/2023/b.jpg"},
        {"data/demo/vehicles/bus-city-010.jpg", "Pictures/new/c.jpg"},
    };
    for (size_t i = 0; i < 3; i++)
        copy_file(source_path(pictures[i].demo), path_in(r.out, pictures[i].place));
    run_free(&r);
    write_picture("typed/this-one.jpg", 64, 48, 7); /* told by what it is, not by its name */
    assert_int_equal(symlink(source_path("data"), "typed/data"), 0);
    run_shell(&r, "cd typed && PATH=\"$(dirname \"$G\"):$PATH\" && export PATH && "
                  "printf 'y\\ny\\n' | script -qec 'bash ../commands.sh' /dev/null");
    if (r.code != 0) print_message("... %s\n", r.out_size > 900 ? r.out + r.out_size - 900 : r.out);
    expect(&r, 0);
    expect_out(&r, "Pull it? [y/N]");
    expect_out(&r, "3 pictures: 3 embedded");
    run_free(&r);
    assert_true(path_exists("data/glimpse/models/google/siglip2-base-patch16-224/config.json"));
    assert_true(path_exists("typed/beach.html"));
    free(commands);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_commands_for_a_real_model_work_as_written),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

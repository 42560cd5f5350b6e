/*
 * glimpse write: what the library knows is read back by exiftool, in sidecars as digiKam,
 * darktable, Lightroom and exiftool write them and in files of all formats; nothing of others is
 * lost, and undo gives equal bytes.
 */
#include "support/commands.h"

#include <glimpse/captions.h>
#include <glimpse/library.h>
#include <glimpse/sys/image.h>

#define ON  "--library", "library", "-q"
#define SET "--what", "labels,captions,tags"

/* A picture each, and the sidecar that is there: its name, and the sample. */
static const struct {
    const char *from, *name, *sidecar, *sample;
} pictures[] = {
    {"jpeg_420.jpg", "dark.jpg", "dark.jpg.xmp", "darktable.xmp"},
    {"jpeg_444.jpg", "kam.jpg", "kam.jpg.xmp", "digikam.xmp"},
    {"jpeg_grey.jpg", "light.jpg", "light.xmp", "lightroom.xmp"},
    {"jpeg_restarts.jpg", "tool.jpg", "tool.jpg.XMP", "exiftool.xmp"},
    {"jpeg_exif.jpg", "plain.jpg", NULL, NULL},
    {"jpeg_progressive.jpg", "-100%d $x.jpg", NULL, NULL},
    {"png_rgb.png", "a.png", NULL, NULL},
    {"webp_lossy.webp", "a.webp", NULL, NULL},
    {"tiff_lzw.tif", "a.tif", NULL, NULL},
    {"heif_turned.heic", "a.heic", NULL, NULL},
};
enum { PICTURES = sizeof pictures / sizeof *pictures };

static int has_exiftool(void) {
    return system("exiftool -ver >/dev/null 2>&1") == 0;
}

/* Without the library for it, the last of the pictures is none. */
static size_t picture_count(void) {
    return glimpse_image_format_supported(GLIMPSE_FORMAT_HEIF) ? PICTURES : PICTURES - 1;
}

static void shell(const char *line) {
    run_result r;
    run_shell(&r, line);
    expect(&r, 0);
    run_free(&r);
}

/* Captions by hand: the test needs no model that writes them. */
static void store_captions(void) {
    glimpse_library *library = NULL;
    assert_ok(glimpse_library_open(&library, "library", 0));
    glimpse_results *all = NULL;
    assert_ok(glimpse_library_pictures(&all, library, NULL, 0));
    for (size_t i = 0; i < glimpse_results_count(all); i++) {
        const char *id = glimpse_results_get(all, i)->id;
        const glimpse_caption captions[] = {
            {id, GLIMPSE_CAPTION_SHORT, "test:model", "", "a picture <of & for> a test", ""},
            {id, GLIMPSE_CAPTION_KEYWORDS, "test:model", "", "place|sea, sand", ""}};
        assert_ok(glimpse_library_store_captions(NULL, library, captions, 2));
    }
    glimpse_results_free(all);
    glimpse_library_close(library);
}

static int setup(void **state) {
    if (run_setup(state) != 0) return -1;
    (void)setenv("XDG_STATE_HOME", path_in(run_directory, "state"), 1);
    make_parents("pictures/x");
    for (size_t i = 0; i < PICTURES; i++) {
        char from[128], to[128];
        (void)snprintf(from, sizeof from, "tests/image/fixtures/%s", pictures[i].from);
        (void)snprintf(to, sizeof to, "pictures/%s", pictures[i].name);
        copy_file(source_path(from), to);
        if (!pictures[i].sidecar) continue;
        (void)snprintf(from, sizeof from, "tests/metadata/sidecars/%s", pictures[i].sample);
        (void)snprintf(to, sizeof to, "pictures/%s", pictures[i].sidecar);
        copy_file(source_path(from), to);
    }
    run_result r;
    run(&r, "index", "pictures", "-m", "demo", ON, NULL);
    if (r.code != 0 && r.code != 3) expect(&r, 0);
    run_free(&r);
    run(&r, "label", "--all", "-c", "horse,cow", "--store", "animals", "-m", "demo", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    store_captions();
    run(&r, "tag", "add", "trip/coast", "--in", "pictures", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static void sums_into(const char *file) {
    char line[256];
    (void)snprintf(line, sizeof line,
                   "(cd pictures && find . -type f | sort | xargs -d '\\n' md5sum) >%s", file);
    shell(line);
}

/* exiftool's words about all files, by group and with structs. */
static json_t *fields_of_all(void) {
    run_result r;
    run_shell(&r, "exiftool -config '' -q -q -j -G1 -struct -a -n -ext '*' pictures");
    expect(&r, 0);
    json_t *all = json_loads(r.out, 0, NULL);
    assert_non_null(all);
    run_free(&r);
    return all;
}

/* Borrowed. */
static json_t *fields_of(json_t *all, const char *name) {
    size_t i;
    json_t *fields;
    json_array_foreach(all, i, fields) {
        const char *path = text_at(fields, "SourceFile");
        if (strcmp(path + strlen("pictures/"), name) == 0) return fields;
    }
    fail_msg("exiftool says nothing of %s", name);
    return NULL;
}

static int is_merged(const char *key) {
    static const char *const merged[] = {"XMP-dc:Subject", "XMP-lr:HierarchicalSubject",
                                         "XMP-digiKam:TagsList"};
    for (size_t i = 0; i < sizeof merged / sizeof *merged; i++) {
        if (strcmp(key, merged[i]) == 0) return 1;
    }
    return 0;
}

/* Where things are in a file is not what it says. */
static int is_about_the_file(const char *key) {
    static const char *const begin[] = {
        "SourceFile",          "File:", "System:", "ExifTool:", "Composite:", "IFD0:StripOffsets",
        "QuickTime:MediaData", "Meta:"};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) {
        if (strncmp(key, begin[i], strlen(begin[i])) == 0) return 1;
    }
    return 0;
}

static int list_has(const json_t *list, const json_t *item) {
    size_t i;
    const json_t *each;
    if (!json_is_array(list))
        return json_equal((json_t *)(uintptr_t)list, (json_t *)(uintptr_t)item);
    json_array_foreach(list, i, each) {
        if (json_equal((json_t *)(uintptr_t)each, (json_t *)(uintptr_t)item)) return 1;
    }
    return 0;
}

/* Every field of before is as it was, lists of keywords with more in them. */
static void assert_merged(const char *path, json_t *before, json_t *after) {
    const char *key;
    json_t *value;
    json_object_foreach(before, key, value) {
        if (is_about_the_file(key)) continue;
        json_t *now = json_object_get(after, key);
        if (is_merged(key)) {
            for (size_t i = 0; i < json_array_size(value); i++) {
                if (!list_has(now, json_array_get(value, i)))
                    fail_msg("%s: %s lost an item", path, key);
            }
        } else if (!now || !json_equal(value, now)) {
            fail_msg("%s: %s is not what it was", path, key);
        }
    }
}

static void assert_item(const json_t *fields, const char *key, const char *text) {
    json_t *item = json_string(text);
    if (!list_has(json_object_get(fields, key), item)) fail_msg("%s has no %s", key, text);
    json_decref(item);
}

static void sidecars_of_all_programs_are_merged(void **state) {
    (void)state;
    if (!has_exiftool()) {
        print_message("SKIPPED: exiftool is not installed\n");
        skip();
    }
    run_result r;
    sums_into("before.sums");
    json_t *before = fields_of_all();
    run(&r, "write", SET, "--sidecar", "digikam", ON, NULL);
    expect(&r, 0);
    expect_out(&r, "Nothing was changed. To do it, add --apply.");
    run_free(&r);
    sums_into("after.sums");
    shell("cmp before.sums after.sums");
    run(&r, "write", SET, "--sidecar", "digikam", "--apply", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *all = fields_of_all();
    for (size_t i = 0; i < picture_count(); i++) {
        char made[64];
        (void)snprintf(made, sizeof made, "%s.xmp", pictures[i].name);
        const char *name = pictures[i].sidecar ? pictures[i].sidecar : made;
        json_t *after = fields_of(all, name);
        if (pictures[i].sidecar) assert_merged(name, fields_of(before, name), after);
        assert_item(after, "XMP-dc:Subject", "sea");
        assert_item(after, "XMP-dc:Subject", "sand");
        assert_item(after, "XMP-lr:HierarchicalSubject", "place|sea");
        assert_item(after, "XMP-digiKam:TagsList", "place/sea");
        assert_item(after, "XMP-lr:HierarchicalSubject", "trip|coast");
        assert_item(after, "XMP-digiKam:TagsList", "trip/coast");
        if (strcmp(name, "kam.jpg.xmp") != 0)
            assert_item(after, "XMP-dc:Description", "a picture <of & for> a test");
    }
    json_decref(all);
    json_decref(before);
    /* One sidecar for each picture, whatever it is called. */
    char line[128];
    (void)snprintf(line, sizeof line, "test \"$(ls pictures | grep -ic xmp)\" = %zu",
                   picture_count());
    shell(line);
    run(&r, "write", SET, "--sidecar", "darktable", "--apply", ON, NULL);
    expect(&r, 1);
    expect_out(&r, "0 files written");
    run_free(&r);
    /* The library reads them, and encodes nothing. */
    run(&r, "index", "pictures", "-m", "demo", "--json", ON, NULL);
    json_t *report = run_json(&r);
    assert_int_equal(number_at(report, "embedded"), 0);
    json_decref(report);
    run_free(&r);
    run(&r, "write", "--undo", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    sums_into("after.sums");
    shell("cmp before.sums after.sums");
}

static void files_of_all_formats_are_written_into(void **state) {
    (void)state;
    if (!has_exiftool()) {
        print_message("SKIPPED: exiftool is not installed\n");
        skip();
    }
    run_result r;
    const size_t count = picture_count();
    /* A percent sign begins a code of exiftool's. */
    (void)setenv("XDG_STATE_HOME", path_in(run_directory, "state %d"), 1);
    shell(
        "cp -Rp pictures kept && exiftool -q -overwrite_original -config '' -IPTC:Keywords=harbour "
        "-EXIF:Artist=Ada -XMP-iptcCore:Location=Sintra pictures/plain.jpg");
    run(&r, "index", "pictures", "-m", "demo", ON, NULL);
    run_free(&r);
    sums_into("before.sums");
    json_t *before = fields_of_all();
    run(&r, "write", SET, "--write-embedded", "--apply", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *all = fields_of_all();
    for (size_t i = 0; i < count; i++) {
        json_t *after = fields_of(all, pictures[i].name);
        assert_merged(pictures[i].name, fields_of(before, pictures[i].name), after);
        assert_item(after, "XMP-dc:Subject", "sea");
        /* What its sidecar or its IPTC says is not hidden. */
        if (strcmp(pictures[i].name, "kam.jpg") == 0) {
            assert_item(after, "XMP-dc:Subject", "holiday");
            assert_null(json_object_get(after, "XMP-dc:Description"));
        } else {
            assert_item(after, "XMP-dc:Description", "a picture <of & for> a test");
        }
        if (strcmp(pictures[i].name, "plain.jpg") == 0)
            assert_item(after, "XMP-dc:Subject", "harbour");
    }
    json_decref(all);
    json_decref(before);
    run(&r, "write", SET, "--write-embedded", "--apply", ON, NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "index", "pictures", "-m", "demo", "--json", ON, NULL);
    json_t *report = run_json(&r);
    assert_int_equal(number_at(report, "embedded"), 0);
    assert_int_equal(number_at(report, "edited"), count);
    json_decref(report);
    run_free(&r);
    run(&r, "write", "--undo", "--json", ON, NULL);
    expect(&r, 0);
    report = run_json(&r);
    assert_int_equal(number_at(report, "done"), count);
    json_decref(report);
    run_free(&r);
    sums_into("after.sums");
    shell("cmp before.sums after.sums && rm -r pictures && mv kept pictures");
    (void)setenv("XDG_STATE_HOME", path_in(run_directory, "state"), 1);
    run(&r, "index", "pictures", "-m", "demo", ON, NULL);
    run_free(&r);
}

static void what_a_sidecar_says_goes_into_the_file(void **state) {
    (void)state;
    if (!has_exiftool()) {
        print_message("SKIPPED: exiftool is not installed\n");
        skip();
    }
    run_result r;
    run(&r, "write", "--what", "metadata", "--write-embedded", "--apply", "pictures/kam.jpg", ON,
        NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *all = fields_of_all(), *after = fields_of(all, "kam.jpg");
    assert_item(after, "XMP-dc:Description", "Ada & the sea");
    assert_item(after, "XMP-lr:HierarchicalSubject", "People|Ada");
    assert_int_equal(number_at(after, "XMP-xmp:Rating"), 4);
    json_decref(all);
    run(&r, "write", "--undo", ON, NULL);
    expect(&r, 0);
    run_free(&r);
}

static void one_broken_sidecar_stops_nothing(void **state) {
    (void)state;
    run_result r;
    sums_into("before.sums");
    write_text("pictures/a.png.xmp", "<x:xmpmeta xmlns:x='adobe:ns:meta/'>");
    write_file("pictures/a.tif.xmp", "\xFF\xFE<\0", 4);
    run(&r, "write", SET, "--sidecar", "digikam", "--apply", "--json", ON, NULL);
    expect(&r, 3);
    expect_out(&r, "\"left_alone\":2");
    expect_out(&r, "its XMP is broken in line 1");
    expect_out(&r, "UTF-16");
    run_free(&r);
    run(&r, "write", "--undo", ON, NULL);
    expect(&r, 0);
    run_free(&r);
    shell("rm pictures/a.png.xmp pictures/a.tif.xmp");
    sums_into("after.sums");
    shell("cmp before.sums after.sums");
}

static void names_are_those_that_programs_expect(void **state) {
    (void)state;
    run_result r;
    /* a.xmp of a RAW file beside it is not the JPEG's. */
    copy_file("pictures/light.xmp", "pictures/plain.xmp");
    write_text("pictures/plain.CR2", "no picture, but there");
    run(&r, "write", SET, "--sidecar", "darktable", "pictures/plain.jpg", ON, NULL);
    expect(&r, 0);
    expect_out(&r, "would be made: pictures/plain.jpg.xmp");
    run_free(&r);
    shell("rm pictures/plain.CR2");
    run(&r, "write", SET, "--sidecar", "darktable", "pictures/plain.jpg", ON, NULL);
    expect(&r, 0);
    expect_out(&r, "would be written: pictures/plain.xmp");
    run_free(&r);
    shell("rm pictures/plain.xmp");
    run(&r, "write", SET, "--sidecar", "lightroom", "pictures/plain.jpg", ON, NULL);
    expect(&r, 3);
    expect_out(&r, "Lightroom reads sidecars of RAW files alone");
    expect_out(&r, "--write-embedded");
    run_free(&r);
}

static void what_makes_no_sense_is_said(void **state) {
    (void)state;
    run_result r;
    run(&r, "write", ON, NULL);
    expect(&r, 2);
    expect_err(&r, "--what labels,captions,metadata,tags");
    run_free(&r);
    run(&r, "write", "--what", "labels", ON, NULL);
    expect(&r, 2);
    expect_err(&r, "--sidecar digikam, darktable or lightroom");
    run_free(&r);
    run(&r, "write", "--what", "labels,colours", "--sidecar", "digikam", ON, NULL);
    expect(&r, 2);
    expect_err(&r, "labels,colours");
    run_free(&r);
    run(&r, "write", "--undo", "--apply", ON, NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "write", "--undo=999", ON, NULL);
    expect(&r, 1);
    run_free(&r);
    run_shell(&r, "PATH=/nowhere \"$G\" write --what labels --write-embedded --library library");
    expect(&r, 4);
    expect_err(&r, "libimage-exiftool-perl");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sidecars_of_all_programs_are_merged),
        cmocka_unit_test(files_of_all_formats_are_written_into),
        cmocka_unit_test(what_a_sidecar_says_goes_into_the_file),
        cmocka_unit_test(one_broken_sidecar_stops_nothing),
        cmocka_unit_test(names_are_those_that_programs_expect),
        cmocka_unit_test(what_makes_no_sense_is_said),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

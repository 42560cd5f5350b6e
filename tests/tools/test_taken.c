/*
 * When pictures were taken, as the command says it: from what the file says, its name, its sidecar
 * or its time, in the zone of whoever asks.
 */
#include "support/commands.h"

#include <time.h>
#include <utime.h>

/* A PPM of its own for each seed, changed at 2019-07-04 20:30:00 UTC. */
enum { CHANGED = 1562272200 };

static void set_time(const char *name, time_t seconds) {
    const struct utimbuf times = {seconds, seconds};
    assert_int_equal(utime(name, &times), 0);
}

static void write_dated(const char *name, unsigned seed) {
    write_picture(name, 60 + seed, 50, seed);
    set_time(name, CHANGED);
}

static void write_sidecar(const char *name, const char *date) {
    write_formatted(name,
                    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
                    "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
                    "xmlns:exif='http://ns.adobe.com/exif/1.0/' exif:DateTimeOriginal='%s' "
                    "xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4'/></rdf:RDF>"
                    "</x:xmpmeta>",
                    date);
}

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("p", 0777), 0);
    copy_file(source_path("tests/image/fixtures/jpeg_exif.jpg"), "p/camera.jpg");
    set_time("p/camera.jpg", CHANGED);
    write_dated("p/file.ppm", 1);
    write_dated("p/IMG_20180203_040506.ppm", 2);
    write_dated("p/sidecar.ppm", 3);
    write_sidecar("p/sidecar.xmp", "2017-05-06T07:08:09+05:30");
    run_result r;
    run(&r, "index", "p", "--quiet", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static const json_t *of_file(const json_t *list, const char *name) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *file = json_array_get(list, i);
        const char *slash = strrchr(text_at(file, "path"), '/');
        if (strcmp(slash + 1, name) == 0) return file;
    }
    fail_msg("%s is not listed", name);
    return NULL;
}

static void check_file(const json_t *list, const char *name, const char *taken, const char *from,
                       const char *offset) {
    const json_t *file = of_file(list, name);
    assert_string_equal(text_at(file, "taken"), taken);
    assert_string_equal(text_at(file, "taken_from"), from);
    if (offset)
        assert_string_equal(text_at(file, "taken_offset"), offset);
    else
        assert_true(json_is_null(at(file, "taken_offset")));
}

static const struct zone {
    const char *name, *offset, *local;
} zones[] = {{"UTC", "+00:00", "2019-07-04T20:30:00"},
             {"America/Los_Angeles", "-07:00", "2019-07-04T13:30:00"},
             {"Asia/Kolkata", "+05:30", "2019-07-05T02:00:00"}};

static void set_zone(const char *zone) {
    assert_int_equal(zone ? setenv("TZ", zone, 1) : unsetenv("TZ"), 0);
}

static void every_date_says_where_it_is_from_in_three_time_zones(void **state) {
    (void)state;
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        run_result search, status;
        set_zone(zones[z].name);
        run(&search, "search", "--json", "-k", "10", "--no-collapse", "a thing", NULL);
        run(&status, "status", "--json", "--files", NULL);
        set_zone(NULL);
        expect(&search, 0);
        expect(&status, 0);
        json_t *found = run_json(&search), *known = run_json(&status);
        const json_t *lists[] = {at(found, "results"), at(known, "file_list")};
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(json_array_size(lists[i]), 4);
            check_file(lists[i], "camera.jpg", "2021-05-30T14:03:59", "exif", NULL);
            check_file(lists[i], "sidecar.ppm", "2017-05-06T07:08:09", "xmp", "+05:30");
            check_file(lists[i], "IMG_20180203_040506.ppm", "2018-02-03T04:05:06", "name", NULL);
            check_file(lists[i], "file.ppm", zones[z].local, "file", zones[z].offset);
            assert_string_equal(text_at(of_file(lists[i], "file.ppm"), "modified"), zones[z].local);
        }
        assert_true(number_at(of_file(lists[1], "sidecar.ppm"), "metadata.rating") == 4);
        json_decref(found);
        json_decref(known);
        run_free(&search);
        run_free(&status);
    }
}

static void check_filter(const char *zone, const char *after, const char *before,
                         const char *name) {
    run_result r;
    set_zone(zone);
    run(&r, "search", "--no-collapse", "--paths", "--after", after, "--before", before, "a thing",
        NULL);
    set_zone(NULL);
    expect(&r, name ? 0 : 1);
    if (name) {
        expect_out(&r, name);
        assert_ptr_equal(strchr(r.out, '\n'), strrchr(r.out, '\n')); /* and no other */
    }
    run_free(&r);
}

static void filters_go_by_the_same_dates(void **state) {
    (void)state;
    check_filter("UTC", "2021-05-30T14:03:59", "2021-05-30T14:04", "camera.jpg");
    check_filter("UTC", "2017", "2018", "sidecar.ppm");
    check_filter("UTC", "2018-02-03T04:05:06", "2018-02-03T04:05:07", "IMG_20180203");
    check_filter("UTC", "2019-07-04", "2019-07-05", "file.ppm");
    check_filter("America/Los_Angeles", "2019-07-04T13:30", "2019-07-04T13:31", "file.ppm");
    check_filter("Asia/Kolkata", "2019-07-05", "2019-07-06", "file.ppm");
    check_filter("Asia/Kolkata", "2019-07-04", "2019-07-05", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_date_says_where_it_is_from_in_three_time_zones),
        cmocka_unit_test(filters_go_by_the_same_dates),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

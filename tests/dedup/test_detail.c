/*
 * What is called re-encoded was compared at full size: drawn documents, slides, stamps, faces,
 * bursts, focus stacks and things in another colour are no copies; copies are, however coded.
 */
#include "support/files.h"
#include "support/scenes.h"
#include "support/temporary.h"

#include <glimpse/dedup.h>
#include <glimpse/sys/image.h>

#include <stdio.h>

typedef struct found {
    int relation;     /* -1: in no group */
    int keeps_second; /* the keeper's name */
    size_t region_count;
    glimpse_dedup_region region; /* the strongest */
} found;

static found search(const char *directory) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    found f = {.relation = -1};
    options.roots = &directory;
    options.root_count = 1;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_OK);
    if (report->group_count > 0) {
        const glimpse_dedup_member *m = &report->groups[0].members[1];
        const char *keeper = report->groups[0].members[0].picture->path;
        f.relation = (int)m->relation;
        f.keeps_second = strcmp(strrchr(keeper, '/'), "/second") == 0;
        f.region_count = m->region_count;
        if (m->region_count > 0) f.region = m->regions[0];
    }
    glimpse_dedup_report_free(report);
    return f;
}

static found compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    write_in_directory("pair/first", a, a_size);
    write_in_directory("pair/second", b, b_size);
    return search(path_in(temp_directory, "pair"));
}

static found pair_of(scene_difference difference, unsigned seed) {
    scene first, second;
    size_t sizes[2];
    scene_pair(&first, &second, difference, seed);
    uint8_t *a = scene_ppm(&sizes[0], &first), *b = scene_jpeg(&sizes[1], &second, 80);
    const found f = compare(a, sizes[0], b, sizes[1]);
    free(a), free(b), free(first.rgb), free(second.rgb);
    return f;
}

static void assert_no_copies(scene_difference difference, int with_regions) {
    for (unsigned seed = 1; seed <= 3; seed++) {
        const found f = pair_of(difference, seed);
        if (f.relation == GLIMPSE_RELATION_IDENTICAL || f.relation == GLIMPSE_RELATION_REENCODED)
            fail_msg("%s, seed %u: called a copy", scene_difference_name(difference), seed);
        if (with_regions && f.relation == GLIMPSE_RELATION_EDITED && f.region_count == 0)
            fail_msg("%s, seed %u: no place", scene_difference_name(difference), seed);
    }
}

static void other_numbers_in_a_form_are_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_FORM_NUMBERS, 1);
}
static void one_other_digit_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_ONE_DIGIT, 0);
}
static void one_more_comma_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_COMMA, 0);
}
static void a_signature_below_the_text_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_SIGNATURE, 0);
}
static void one_more_line_on_a_slide_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_SLIDE_LINE, 1);
}
static void closed_eyes_are_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_EYES, 1);
}
static void what_moved_in_a_burst_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_BURST, 1);
}
static void a_focus_stack_is_no_copy(void **state) {
    (void)state;
    assert_no_copies(SCENE_FOCUS_STACK, 0);
}

static void a_date_stamp_is_an_edit_and_its_place_is_given(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        const found f = pair_of(SCENE_DATE_STAMP, seed);
        assert_int_equal(f.relation, GLIMPSE_RELATION_EDITED);
        assert_true(f.region_count >= 1);
        assert_true(f.region.strength > 1);
        assert_true(f.region.x > 0.4 && f.region.y > 0.75);
        assert_true(f.region.x + f.region.width <= 1 && f.region.y + f.region.height <= 1);
    }
}

/* `second` is newer and comes later by its name, so that all else says `first`. */
static void assert_second_is_kept(scene_difference difference, int original) {
    for (unsigned seed = 1; seed <= 3; seed++) {
        scene scenes[2];
        size_t sizes[2];
        scene_pair(&scenes[0], &scenes[1], difference, seed);
        uint8_t *wanted = scene_jpeg(&sizes[0], &scenes[original ? 0 : 1], 85);
        uint8_t *other = scene_jpeg(&sizes[1], &scenes[original ? 1 : 0], 85);
        const found f = compare(other, sizes[1], wanted, sizes[0]);
        if (f.relation != GLIMPSE_RELATION_EDITED || !f.keeps_second)
            fail_msg("%s, seed %u: relation %d, the other is kept",
                     scene_difference_name(difference), seed, f.relation);
        free(wanted), free(other), free(scenes[0].rgb), free(scenes[1].rgb);
    }
}

static void the_picture_without_a_date_stamp_is_kept(void **state) {
    (void)state;
    assert_second_is_kept(SCENE_DATE_STAMP, 1);
}
static void the_signed_page_is_kept(void **state) {
    (void)state;
    assert_second_is_kept(SCENE_SIGNATURE, 0);
}
static void the_slide_with_one_more_line_is_kept(void **state) {
    (void)state;
    assert_second_is_kept(SCENE_SLIDE_LINE, 0);
}

/* Nothing was coded anew, so nothing explains a difference that hardly shows. */
static void a_pale_line_between_lossless_files_is_an_edit(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        scene first = scene_draw(SCENE_SIGNATURE, seed), second = scene_draw(SCENE_SIGNATURE, seed);
        size_t sizes[2];
        for (unsigned x = 200; x < 420; x++) {
            for (unsigned y = second.height - 60; y < second.height - 57; y++) {
                uint8_t *p = second.rgb + 3 * ((size_t)y * second.width + x);
                p[0] = p[1] = (uint8_t)(p[0] > 25 ? p[0] - 25 : 0);
            }
        }
        uint8_t *a = scene_ppm(&sizes[0], &first), *b = scene_ppm(&sizes[1], &second);
        assert_int_equal(compare(a, sizes[0], b, sizes[1]).relation, GLIMPSE_RELATION_EDITED);
        free(a), free(b), free(first.rgb), free(second.rgb);
    }
}

/* Made worse and then saved well: by their names they have more pixels or a better quality. */
static void what_was_made_worse_is_no_copy(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        for (int kind = 0; kind < 2; kind++) {
            const scene original = scene_draw(SCENE_DATE_STAMP, seed);
            size_t sizes[3];
            uint8_t *good = scene_jpeg(&sizes[0], &original, 90);
            uint8_t *poor = kind ? scene_jpeg(&sizes[1], &original, 8)
                                 : scene_encode(&sizes[1], &original, SCENE_QUARTER);
            glimpse_image *decoded = NULL, *grown = NULL;
            assert_int_equal(glimpse_image_decode(&decoded, poor, sizes[1], "poor", NULL), 0);
            assert_int_equal(glimpse_image_resize(&grown, decoded, original.width, original.height,
                                                  GLIMPSE_RESAMPLE_BICUBIC),
                             0);
            scene saved = {original.width, original.height, NULL};
            saved.rgb = malloc((size_t)saved.width * saved.height * 3);
            assert_non_null(saved.rgb);
            memcpy(saved.rgb, glimpse_image_pixels(grown), (size_t)saved.width * saved.height * 3);
            uint8_t *again = scene_ppm(&sizes[2], &saved);
            const found f = compare(again, sizes[2], good, sizes[0]);
            if (f.relation >= 0 && f.relation < GLIMPSE_RELATION_EDITED)
                fail_msg("kind %d, seed %u: relation %d", kind, seed, f.relation);
            if (kind == 0 && f.relation >= 0) assert_true(f.keeps_second);
            glimpse_image_free(decoded), glimpse_image_free(grown);
            free(good), free(poor), free(again), free(saved.rgb), free(original.rgb);
        }
    }
}

static void a_thing_in_another_colour_is_a_variant(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++)
        assert_int_equal(pair_of(SCENE_VARIANT, seed).relation, GLIMPSE_RELATION_VARIANT);
}

static void a_tint_and_grey_are_edits_and_no_variants(void **state) {
    (void)state;
    for (int grey = 0; grey < 2; grey++) {
        const scene original = scene_draw(SCENE_DATE_STAMP, 2);
        scene tinted = scene_draw(SCENE_DATE_STAMP, 2);
        size_t sizes[2];
        for (size_t i = 0; i < (size_t)tinted.width * tinted.height; i++) {
            uint8_t *p = tinted.rgb + 3 * i;
            const int y = (299 * p[0] + 587 * p[1] + 114 * p[2]) / 1000;
            p[0] = (uint8_t)(grey ? y : y < 235 ? y + 20 : 255);
            p[1] = (uint8_t)y;
            p[2] = (uint8_t)(grey ? y : y * 4 / 5);
        }
        uint8_t *a = scene_ppm(&sizes[0], &original), *b = scene_jpeg(&sizes[1], &tinted, 90);
        assert_int_equal(compare(a, sizes[0], b, sizes[1]).relation, GLIMPSE_RELATION_EDITED);
        free(a), free(b), free(original.rgb), free(tinted.rgb);
    }
}

static void assert_copy(scene_difference like, unsigned seed, scene_coding coding) {
    const scene original = scene_draw(like, seed);
    size_t sizes[2];
    uint8_t *a = scene_ppm(&sizes[0], &original), *b = scene_encode(&sizes[1], &original, coding);
    const found f = compare(a, sizes[0], b, sizes[1]);
    if (f.relation != GLIMPSE_RELATION_REENCODED)
        fail_msg("%s, seed %u, %s: relation %d", scene_difference_name(like), seed,
                 scene_coding_name(coding), f.relation);
    free(a), free(b), free(original.rgb);
}

static void a_photograph_stays_the_same_however_coded(void **state) {
    (void)state;
    for (int coding = 0; coding < SCENE_CODINGS; coding++)
        assert_copy(SCENE_DATE_STAMP, 2, (scene_coding)coding);
}

static void faces_and_slides_stay_the_same_however_coded(void **state) {
    static const scene_coding codings[] = {
        SCENE_Q30,     SCENE_Q50,    SCENE_Q75,     SCENE_Q92,     SCENE_HALF,
        SCENE_QUARTER, SCENE_LARGER, SCENE_NO_EDGE, SCENE_ROUNDED, SCENE_MESSENGER};
    (void)state;
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        assert_copy(SCENE_EYES, 3, codings[i]);
        assert_copy(SCENE_SLIDE_LINE, 2, codings[i]);
    }
}

/*
 * Moments: a JPEG with an EXIF segment of a camera, a date and its fraction.
 */
static void append(uint8_t *to, size_t *at, unsigned tag, unsigned type, unsigned count,
                   unsigned value) {
    const unsigned fields[6] = {tag & 0xFF, tag >> 8, type, 0, count & 0xFF, count >> 8};
    for (int i = 0; i < 6; i++)
        to[(*at)++] = (uint8_t)fields[i];
    to[(*at)++] = 0, to[(*at)++] = 0;
    for (int i = 0; i < 4; i++)
        to[(*at)++] = (uint8_t)(value >> 8 * i);
}

static uint8_t *with_moment(const uint8_t *jpeg, size_t *size, const char *camera, const char *date,
                            const char *fraction) {
    uint8_t tiff[256] = {'I', 'I', 42, 0, 8, 0, 0, 0};
    size_t at = 8;
    tiff[at] = 2, at += 2; /* two entries */
    append(tiff, &at, 0x0110, 2, 8, 100);
    append(tiff, &at, 0x8769, 4, 1, 38);
    at += 4;
    assert_int_equal(at, 38);
    tiff[at] = 2, at += 2;
    append(tiff, &at, 0x9003, 2, 20, 120);
    append(tiff, &at, 0x9291, 2, 4,
           (unsigned)fraction[0] | (unsigned)fraction[1] << 8 | (unsigned)fraction[2] << 16);
    (void)snprintf((char *)tiff + 100, 20, "%-7.7s", camera);
    (void)snprintf((char *)tiff + 120, 40, "%s", date);
    const size_t segment = 2 + 6 + 160;
    uint8_t *out = malloc(*size + segment + 2);
    assert_non_null(out);
    const uint8_t head[12] = {
        0xFF, 0xD8, 0xFF, 0xE1, (uint8_t)(segment >> 8), (uint8_t)segment, 'E', 'x',
        'i',  'f',  0,    0};
    memcpy(out, head, 12);
    memcpy(out + 12, tiff, 160);
    memcpy(out + 172, jpeg + 2, *size - 2);
    *size += 170;
    return out;
}

static int relation_at(const char *camera, const char *first, const char *first_fraction,
                       const char *second, const char *second_fraction) {
    const scene original = scene_draw(SCENE_DATE_STAMP, 2);
    size_t sizes[2];
    uint8_t *a = scene_jpeg(&sizes[0], &original, 92), *b = scene_jpeg(&sizes[1], &original, 80);
    uint8_t *dated_a = with_moment(a, &sizes[0], camera, first, first_fraction);
    uint8_t *dated_b = with_moment(b, &sizes[1], camera, second, second_fraction);
    const found f = compare(dated_a, sizes[0], dated_b, sizes[1]);
    free(a), free(b), free(dated_a), free(dated_b), free(original.rgb);
    return f.relation;
}

static void other_moments_of_a_camera_are_two_shots_whatever_the_pixels_say(void **state) {
    (void)state;
    const char *date = "2024:05:01 10:00:10";
    assert_int_equal(relation_at("ACME X1", date, "100", date, "100"), GLIMPSE_RELATION_REENCODED);
    assert_int_equal(relation_at("ACME X1", date, "100", date, "600"), GLIMPSE_RELATION_NEAR_SHOT);
    assert_int_equal(relation_at("ACME X1", date, "100", "2024:05:01 10:00:12", "100"),
                     GLIMPSE_RELATION_NEAR_SHOT);
    assert_int_equal(relation_at("ACME X1", date, "100", "2024:06:01 10:00:10", "100"),
                     GLIMPSE_RELATION_NEAR_SHOT);
    /* An hour is a time zone: the same picture, of which each file has a date of its own. */
    assert_int_equal(relation_at("ACME X1", date, "100", "2024:05:01 11:00:10", "100"),
                     GLIMPSE_RELATION_HOLDS_MORE);
}

/*
 * The shared cases, where they are.
 */
static int relation_of_files(const char *a, const char *b) {
    size_t sizes[2];
    uint8_t *x = read_whole_file(shared_path(a), &sizes[0]);
    uint8_t *y = read_whole_file(shared_path(b), &sizes[1]);
    const found f = compare(x, sizes[0], y, sizes[1]);
    free(x), free(y);
    return f.relation;
}

static void the_shared_cases_are_told_apart(void **state) {
    (void)state;
    (void)shared_path("cases/README.md");
    assert_int_equal(
        relation_of_files("cases/invoices/invoice0.png", "cases/invoices/invoice1.png"),
        GLIMPSE_RELATION_EDITED);
    assert_int_equal(
        relation_of_files("cases/invoices/invoice1.png", "cases/invoices/invoice2.png"),
        GLIMPSE_RELATION_EDITED);
    assert_int_equal(relation_of_files("cases/signed/signed.png", "cases/signed/unsigned.png"),
                     GLIMPSE_RELATION_EDITED);
    assert_int_equal(relation_of_files("cases/eyes/open.jpg", "cases/eyes/closed.jpg"),
                     GLIMPSE_RELATION_NEAR_SHOT);
    assert_int_equal(relation_of_files("cases/stamp/clean.jpg", "cases/stamp/stamped.jpg"),
                     GLIMPSE_RELATION_EDITED);
    assert_int_equal(relation_of_files("cases/mugs/prod0a.jpg", "cases/mugs/prod0b.jpg"),
                     GLIMPSE_RELATION_VARIANT);
    assert_int_equal(relation_of_files("cases/mugs/prod1a.jpg", "cases/mugs/prod1b.jpg"),
                     GLIMPSE_RELATION_VARIANT);
    assert_int_equal(relation_of_files("cases/mugs/prod0a.jpg", "cases/mugs/prod1a.jpg"),
                     GLIMPSE_RELATION_VARIANT);
}

static int set_up(void **state) {
    const int status = make_directory(state);
    make_parents(path_in(temp_directory, "pair/first"));
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_stamp_is_an_edit_and_its_place_is_given),
        cmocka_unit_test(the_shared_cases_are_told_apart),
        cmocka_unit_test(other_numbers_in_a_form_are_no_copy),
        cmocka_unit_test(one_other_digit_is_no_copy),
        cmocka_unit_test(one_more_comma_is_no_copy),
        cmocka_unit_test(a_signature_below_the_text_is_no_copy),
        cmocka_unit_test(one_more_line_on_a_slide_is_no_copy),
        cmocka_unit_test(closed_eyes_are_no_copy),
        cmocka_unit_test(what_moved_in_a_burst_is_no_copy),
        cmocka_unit_test(a_focus_stack_is_no_copy),
        cmocka_unit_test(the_picture_without_a_date_stamp_is_kept),
        cmocka_unit_test(the_signed_page_is_kept),
        cmocka_unit_test(the_slide_with_one_more_line_is_kept),
        cmocka_unit_test(a_pale_line_between_lossless_files_is_an_edit),
        cmocka_unit_test(what_was_made_worse_is_no_copy),
        cmocka_unit_test(a_thing_in_another_colour_is_a_variant),
        cmocka_unit_test(a_tint_and_grey_are_edits_and_no_variants),
        cmocka_unit_test(a_photograph_stays_the_same_however_coded),
        cmocka_unit_test(faces_and_slides_stay_the_same_however_coded),
        cmocka_unit_test(other_moments_of_a_camera_are_two_shots_whatever_the_pixels_say),
    };
#ifdef __SANITIZE_THREAD__ /* the first two use all the threads there are; the rest takes minutes \
                            */
    enum { COUNT = 2 };
#else
    enum { COUNT = sizeof tests / sizeof *tests };
#endif
    return _cmocka_run_group_tests("detail", tests, COUNT, set_up, remove_directory);
}

/*
 * The page of glimpse dedup, given reports that the test builds: what is said of each file, where
 * edited pictures differ, and what the page looks like in a browser.
 */
#include "support/browser.h"
#include "support/commands.h"

#include "dedup_report.h"

#include <glimpse/sys/holdings.h>
#include <glimpse/sys/image.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { W = 480, H = 320 };
#define LONG_NAME "a rather long name that a camera and three programs made together (edited).ppm"

/* Grey rising to the right, with a mark of `size` x `size` pixels, black or white, at x, y. */
static void draw(uint8_t *rgb, unsigned x, unsigned y, unsigned size, unsigned tone) {
    for (unsigned v = 0; v < H; v++) {
        for (unsigned u = 0; u < W; u++) {
            const int marked = u >= x && u < x + size && v >= y && v < y + size;
            const unsigned grey = marked ? tone : 90 + 80 * u / W;
            memset(rgb + 3 * (v * W + u), (int)grey, 3);
        }
    }
}

/* As somebody would who turned the file by 90 degrees: EXIF orientation 6 takes it back. */
static void write_rotated(const char *path, const uint8_t *rgb) {
    static uint8_t rotated[3 * W * H];
    for (unsigned v = 0; v < H; v++) {
        for (unsigned u = 0; u < W; u++) /* stored at x = v, y = W-1-u */
            memcpy(rotated + 3 * ((W - 1 - u) * H + v), rgb + 3 * (v * W + u), 3);
    }
    write_ppm(path, H, W, rotated);
}

static const uint8_t *crop_right_half(const uint8_t *rgb) {
    static uint8_t half[3 * W / 2 * H];
    for (unsigned v = 0; v < H; v++)
        memcpy(half + 3 * (v * W / 2), rgb + 3 * (v * W + W / 2), 3 * W / 2);
    return half;
}

typedef struct made {
    glimpse_dedup_picture pictures[60];
    glimpse_dedup_member members[60];
    glimpse_dedup_group group;
    const glimpse_dedup_group *groups[1];
    glimpse_dedup_report report;
    size_t count;
    char paths[60][2000];
} made;

static glimpse_dedup_member *add(made *m, const char *name, unsigned width, unsigned height,
                                 glimpse_dedup_relation relation) {
    glimpse_dedup_picture *p = &m->pictures[m->count];
    glimpse_dedup_member *member = &m->members[m->count];
    (void)snprintf(m->paths[m->count], sizeof m->paths[0], "%s/%s", run_directory, name);
    *p = (glimpse_dedup_picture){.path = m->paths[m->count],
                                 .label = "",
                                 .format = "PNM",
                                 .taken = "2021-05-30T14:03:59",
                                 .camera = "",
                                 .width = width,
                                 .height = height,
                                 .bytes = 3 * W * H};
    *member = (glimpse_dedup_member){.picture = p,
                                     .kind = GLIMPSE_DEDUP_PERCEPTUAL,
                                     .relation = relation,
                                     .score = 0.987,
                                     .distance = 2,
                                     .orientation = 1,
                                     .differences = "",
                                     .view = {1, 0, 0, 0, 1, 0}};
    m->count++;
    return member;
}

static const char *second_set; /* not NULL: the page is about two sets */

static char *page_of(made *m, const char *file) {
    m->group.members = m->members;
    m->group.count = m->count;
    m->group.kind = m->members[m->count - 1].kind;
    m->group.relation = m->members[m->count - 1].relation;
    if (!m->group.reason) m->group.reason = "kept because it is the largest";
    m->groups[0] = &m->group;
    m->report.scanned = m->count;
    const dedup_view view = {.report = &m->report,
                             .groups = m->groups,
                             .count = 1,
                             .against = second_set != NULL,
                             .what = "a test",
                             .against_what = second_set,
                             .jobs = 2};
    assert_int_equal(dedup_write_html(&view, file), 0);
    return read_whole_file(file, NULL);
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* What the page has as the `n`th box. */
static void box_of(const char *page, size_t n, double box[4]) {
    for (size_t i = 0; (page = strstr(page, "<span class=\"box\"")); i++, page++) {
        if (i != n) continue;
        assert_int_equal(sscanf(page,
                                "<span class=\"box\" style=\"left:%lf%%;top:%lf%%;width:%lf%%;"
                                "height:%lf%%",
                                &box[0], &box[1], &box[2], &box[3]),
                         4);
        return;
    }
    fail_msg("there is no box %zu", n);
}

static void expect_box(const char *page, size_t n, double x, double y, double w, double h) {
    double box[4];
    box_of(page, n, box);
    if (fabs(box[0] - x) > 0.1 || fabs(box[1] - y) > 0.1 || fabs(box[2] - w) > 0.1 ||
        fabs(box[3] - h) > 0.1) {
        fail_msg("box %zu is %g %g %g %g", n, box[0], box[1], box[2], box[3]);
    }
}

static uint8_t rgb[3 * W * H];
static const glimpse_dedup_region place = {0.75, 0.75, 0.1, 0.15, 8.2};

static void edited_places_are_framed_and_cut_out_of_both(void **state) {
    (void)state;
    static made m;
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    draw(rgb, 360, 240, 48, 0);
    write_ppm("marked.ppm", W, H, rgb);
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *edited = add(&m, "marked.ppm", W, H, GLIMPSE_RELATION_EDITED);
    edited->regions = &place, edited->region_count = 1;
    char *page = page_of(&m, "edited.html");
    assert_int_equal(count_of(page, "<span class=\"box\""), 2);
    expect_box(page, 0, 75, 75, 10, 15);
    expect_box(page, 1, 75, 75, 10, 15);
    assert_non_null(strstr(page, "lower right (2% of the picture, 8.2 times what recompression"));
    assert_non_null(strstr(page, "the same picture, edited"));
    /* Two thumbnails, then the place in the keeper and in the edited one. */
    glimpse_image *keeper = picture_in_page(page, 2), *member = picture_in_page(page, 3);
    assert_non_null(keeper);
    assert_non_null(member);
    assert_null(picture_in_page(page, 4));
    assert_true(glimpse_image_width(keeper) < W / 2);
    assert_true(grey_at(keeper, 0.5, 0.5) > 120);
    assert_true(grey_at(member, 0.5, 0.5) < 20);
    assert_true(grey_at(member, 0.05, 0.05) > 120); /* and some of what is around it */
    glimpse_image_free(keeper);
    glimpse_image_free(member);
    free(page);
}

/* A place of the keeper is elsewhere in a turned file, and in one that was cut. */
static void edited_places_are_found_in_turned_and_cropped_files(void **state) {
    (void)state;
    static made m;
    static const double rotated_view[6] = {0, 1, 0, -1, 0, 1}, half_view[6] = {2, 0, -1, 0, 1, 0};
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    draw(rgb, 360, 240, 48, 255);
    write_rotated("quarter.ppm", rgb);
    write_ppm("half.ppm", W / 2, H, crop_right_half(rgb));
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *rotated = add(&m, "quarter.ppm", H, W, GLIMPSE_RELATION_EDITED);
    rotated->orientation = 6;
    memcpy(rotated->view, rotated_view, sizeof rotated_view);
    glimpse_dedup_member *half = add(&m, "half.ppm", W / 2, H, GLIMPSE_RELATION_EDITED);
    memcpy(half->view, half_view, sizeof half_view);
    rotated->regions = half->regions = &place;
    rotated->region_count = half->region_count = 1;
    char *page = page_of(&m, "quarter.html");
    assert_int_equal(count_of(page, "<span class=\"box\""), 4);
    expect_box(page, 2, 75, 15, 15, 10);
    expect_box(page, 3, 50, 75, 20, 15);
    for (size_t i = 3; i < 7; i++) {
        glimpse_image *crop = picture_in_page(page, i);
        assert_non_null(crop);
        const unsigned grey = grey_at(crop, 0.5, 0.5);
        if ((i % 2 == 0) != (grey > 240)) fail_msg("crop %zu has %u in its middle", i, grey);
        /* As the keeper is rotated: darker to the left. */
        assert_true(grey_at(crop, 0.02, 0.03) + 5 < grey_at(crop, 0.98, 0.03));
        glimpse_image_free(crop);
    }
    free(page);
    /* Without a view there is nothing to frame in the member. */
    memset(half->view, 0, sizeof half->view);
    page = page_of(&m, "quarter.html");
    assert_int_equal(count_of(page, "<span class=\"box\""), 3);
    free(page);
}

static void what_a_file_holds_is_said_and_what_the_keeper_lacks_is_marked(void **state) {
    (void)state;
    static made m;
    static const char *const both[] = {"alpha", "depth:16"};
    static const char *const more[] = {"pages:11", "alpha", "caption", "<b>:1"};
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    write_ppm("pages.ppm", W, H, rgb);
    glimpse_dedup_member *keeper = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *other = add(&m, "pages.ppm", W, H, GLIMPSE_RELATION_HOLDS_MORE);
    keeper->holds = both, keeper->hold_count = 2;
    other->holds = more, other->hold_count = 4;
    other->lacking_in_keeper = 1U << GLIMPSE_HOLDING_PAGES | 1U << GLIMPSE_HOLDING_CAPTION;
    m.group.reason = "kept because it is deeper: 16 bits instead of 8 & <more>";
    char *page = page_of(&m, "holds.html");
    assert_non_null(strstr(page, "<li>16 bits</li>"));
    assert_non_null(strstr(page, ">11 pages</li>"));
    assert_int_equal(count_of(page, "<li class=\"only\""), 2); /* alpha is in both */
    assert_int_equal(count_of(page, "<li>alpha</li>"), 2);
    assert_null(strstr(page, "<b>"));
    assert_non_null(strstr(page, "16 bits instead of 8 &amp; &lt;more&gt;"));
    assert_non_null(strstr(page, "holds-more"));
    assert_non_null(strstr(page, "the same picture, but one file holds more"));
    free(page);
}

/* Both have a caption, and a date; in words they hold the same. */
static void the_same_kind_with_another_content_is_marked_too(void **state) {
    (void)state;
    static made m;
    static const char *const holds[] = {"pages:2", "caption", "date"};
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    glimpse_dedup_member *keeper = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *other = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_HOLDS_MORE);
    glimpse_dedup_member *equal = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_HOLDS_MORE);
    keeper->holds = other->holds = equal->holds = holds;
    keeper->hold_count = other->hold_count = equal->hold_count = 3;
    other->lacking_in_keeper = 1U << GLIMPSE_HOLDING_CAPTION | 1U << GLIMPSE_HOLDING_DATE;
    char *page = page_of(&m, "another.html");
    assert_int_equal(count_of(page, "<li class=\"only\""), 2);
    assert_int_equal(count_of(page, "hold it\">caption</li>"), 1);
    assert_int_equal(count_of(page, "hold it\">date</li>"), 1);
    assert_int_equal(count_of(page, "<li>2 pages</li>"), 3);
    free(page);
}

static void a_page_of_two_sets_names_both_and_says_where_pictures_are(void **state) {
    (void)state;
    static made m;
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *other = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_EDITED);
    other->regions = &place, other->region_count = 1;
    m.group.reason = "kept because it is the largest";
    second_set = "sets/<b> test/";
    char *page = page_of(&m, "sets.html");
    assert_int_equal(count_of(page, "Pictures of a test that are in sets/&lt;b&gt; test/"), 2);
    assert_int_equal(count_of(page, "<span class=\"tag\">in &lt;b&gt; test</span>"), 2);
    assert_null(strstr(page, "keep</span>"));
    assert_null(strstr(page, "kept because"));
    assert_null(strstr(page, "to keep"));
    assert_null(strstr(page, "Duplicates in"));
    assert_non_null(strstr(page, "is in sets/&lt;b&gt; test/, those beside it are in a test."));
    assert_non_null(strstr(page, "1 picture that leaked"));
    free(page);
    second_set = NULL;
}

static void the_table_and_the_json_say_what_files_hold(void **state) {
    (void)state;
    static made m;
    static const char *const more[] = {"pages:11", "caption"};
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *other = add(&m, "pages.ppm", W, H, GLIMPSE_RELATION_EDITED);
    other->holds = more, other->hold_count = 2;
    other->regions = &place, other->region_count = 1;
    free(page_of(&m, "both.html"));
    const dedup_view view = {.report = &m.report, .groups = m.groups, .count = 1, .what = "a test"};
    for (int json = 0; json < 2; json++) {
        (void)fflush(stdout);
        const int out = dup(STDOUT_FILENO);
        assert_non_null(freopen("printed", "w", stdout));
        json_out j = {stdout, 0};
        if (json) {
            dedup_print_json(&view, &j);
            jout_close(&j, '}');
        } else {
            dedup_print_table(&view);
        }
        (void)fflush(stdout);
        assert_true(dup2(out, STDOUT_FILENO) >= 0);
        assert_int_equal(close(out), 0);
        char *printed = read_whole_file("printed", NULL);
        if (json) {
            json_t *root = json_loads(printed, 0, NULL);
            assert_non_null(root);
            assert_int_equal(json_array_size(at(root, "groups.0.members.0.holds")), 0);
            assert_int_equal(json_array_size(at(root, "groups.0.members.0.regions")), 0);
            assert_string_equal(text_at(root, "groups.0.members.1.holds.0"), "pages:11");
            assert_string_equal(text_at(root, "groups.0.members.1.holds.1"), "caption");
            assert_true(number_at(root, "groups.0.members.1.regions.0.x") == 0.75);
            assert_true(number_at(root, "groups.0.members.1.regions.0.height") == 0.15);
            assert_true(number_at(root, "groups.0.members.1.regions.0.strength") == 8.2);
            json_decref(root);
        } else {
            assert_non_null(strstr(printed, "\n        holds: 11 pages, caption\n"));
            assert_non_null(strstr(printed, "\n        differs: lower right (2% of the picture"));
            assert_int_equal(count_of(printed, "holds: "), 1);
        }
        free(printed);
    }
}

static void names_are_whole_and_dates_stay_on_one_line(void **state) {
    (void)state;
    static made m;
    draw(rgb, 0, 0, 0, 0);
    (void)mkdir("somewhere deep", 0755);
    write_ppm("somewhere deep/" LONG_NAME, W, H, rgb);
    write_ppm("short.ppm", W, H, rgb);
    (void)add(&m, "short.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    (void)add(&m, "somewhere deep/" LONG_NAME, W, H, GLIMPSE_RELATION_REENCODED);
    m.group.reason = "kept because it is older: 2019-07-14T10:00:00.25+02:00 instead of 2021-05-30";
    char *page = page_of(&m, "names.html");
    assert_non_null(strstr(page, "<div class=\"name\">" LONG_NAME "</div>"));
    assert_non_null(strstr(page, "<div class=\"name\">short.ppm</div>"));
    assert_non_null(strstr(page, "/<wbr>somewhere deep</div>"));
    assert_non_null(strstr(page, "<span>2021-05-30</span>"));
    assert_non_null(strstr(page, "<span class=\"nb\">2019-07-14 10:00</span> instead of"));
    assert_non_null(strstr(page, ".facts span{white-space:nowrap}"));
    assert_non_null(strstr(page, ".nb{white-space:nowrap}"));
    free(page);
}

static void times_are_told_apart_by_seconds_where_minutes_do_not(void **state) {
    (void)state;
    static const struct {
        const char *reason, *html;
    } cases[] = {
        {"at 2021-05-30T14:03:59, not 2021-05-30T14:05:01",
         "at <span class=\"nb\">2021-05-30 14:03</span>, not <span class=\"nb\">2021-05-30 "
         "14:05</span>"},
        {"at 2021-05-30T14:03:59Z; not 2021-05-30 14:03:57",
         "at <span class=\"nb\">2021-05-30 14:03:59</span>; not <span class=\"nb\">2021-05-30 "
         "14:03:57</span>"},
        {"at 2021-05-30T14:03:59.1, not 2021-05-30T14:03:59.2",
         "at <span class=\"nb\">2021-05-30 14:03:59.1</span>, not <span class=\"nb\">2021-05-30 "
         "14:03:59.2</span>"},
        {"at 2021-05-30T14:03", "at <span class=\"nb\">2021-05-30 14:03</span></"},
        {"at 2021-05-30Tnoon", "at <span class=\"nb\">2021-05-30Tnoon</span></"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *to = fopen("sentence", "wb");
        assert_non_null(to);
        page_sentence(to, cases[i].reason);
        (void)fputs("</", to);
        assert_int_equal(fclose(to), 0);
        char *html = read_whole_file("sentence", NULL);
        if (!strstr(html, cases[i].html)) fail_msg("%s", html);
        free(html);
    }
}

/* Of 40 files with the bytes of the keeper and 9 with those of an edited one few are pictures. */
static void files_of_equal_bytes_are_shown_a_few_times_and_then_listed(void **state) {
    (void)state;
    static made m;
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    write_ppm("one & only.ppm", W, H, rgb);
    for (size_t i = 0; i < 50; i++) {
        const int edited = i >= 41;
        char name[32];
        (void)snprintf(name, sizeof name, "%02zu.ppm", i);
        assert_int_equal(symlink("clean.ppm", name), 0);
        glimpse_dedup_member *member =
            add(&m, name, W, H, edited ? GLIMPSE_RELATION_EDITED : GLIMPSE_RELATION_IDENTICAL);
        (void)snprintf(m.pictures[i].id, sizeof m.pictures[i].id, "%032d", edited);
        if (edited) member->regions = &place, member->region_count = 1;
    }
    (void)add(&m, "one & only.ppm", W, H, GLIMPSE_RELATION_SIMILAR);
    char *page = page_of(&m, "copies.html");
    assert_int_equal(count_of(page, "<img "), 3 + 3 + 1 + 2);
    assert_int_equal(count_of(page, "<div class=\"edit\">"), 1);
    assert_non_null(strstr(page, "<details class=\"rest\"><summary>38 more files of the bytes of "
                                 "00.ppm</summary>"));
    assert_non_null(strstr(page, "<details class=\"rest\" open><summary>6 more files of the bytes "
                                 "of 41.ppm</summary>"));
    assert_int_equal(count_of(page, "<div class=\"more\">"), 38 + 6);
    for (size_t i = 0; i < m.count; i++) { /* none is forgotten: each has a link */
        char link[2100];
        const char *name = strrchr(m.paths[i], '/') + 1;
        (void)snprintf(link, sizeof link, "/%s\"", i < 50 ? name : "one%20%26%20only.ppm");
        if (!strstr(page, link)) fail_msg("%s is not there", name);
    }
    free(page);
    /* A few copies are all shown. */
    m.count = 3;
    page = page_of(&m, "copies.html");
    assert_int_equal(count_of(page, "<img "), 3);
    assert_null(strstr(page, "class=\"rest\""));
    free(page);
}

/* A small place in a large picture fills the width of a part without being enlarged more than
 * four times; the caption has the whole name. */
static void parts_are_cut_close_and_shown_at_a_readable_size(void **state) {
    (void)state;
    static made m;
    static const glimpse_dedup_region strip = {0.5, 0.9, 0.4, 0.05, 9},
                                      dot = {0.2, 0.2, 0.02, 0.03, 9};
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    write_ppm("brighter-03.ppm", W, H, rgb);
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    glimpse_dedup_member *edited = add(&m, "brighter-03.ppm", W, H, GLIMPSE_RELATION_EDITED);
    edited->regions = &strip, edited->region_count = 1;
    char *page = page_of(&m, "strip.html");
    glimpse_image *part = picture_in_page(page, 2);
    assert_non_null(part);
    /* 192 pixels of 480 differ: cut with a margin, and as flat as may be. */
    assert_in_range(glimpse_image_width(part), 230, 270);
    assert_in_range(glimpse_image_height(part), 70, 100);
    glimpse_image_free(part);
    assert_int_equal(count_of(page, "max-width:360px"), 2 + 2); /* thumbnails and parts */
    assert_non_null(strstr(page, "title=\"brighter-03.ppm\">brighter-03.ppm</div>"));
    free(page);
    edited->regions = &dot;
    page = page_of(&m, "dot.html");
    part = picture_in_page(page, 2);
    assert_non_null(part);
    assert_in_range(glimpse_image_width(part), 90, 92);
    glimpse_image_free(part);
    free(page);
    /* As sharp in a copy of half the size. */
    m.pictures[0].width = 2 * W, m.pictures[0].height = 2 * H;
    page = page_of(&m, "dot.html");
    part = picture_in_page(page, 3);
    assert_non_null(part);
    assert_in_range(glimpse_image_width(part), 90, 92);
    glimpse_image_free(part);
    free(page);
}

static void a_page_of_many_edits_is_bounded(void **state) {
    (void)state;
    static made m;
    static const glimpse_dedup_region places[40] = {{0.1, 0.1, 0.2, 0.2, 3},
                                                    {0.5, 0.5, 0.1, 0.1, 2}};
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
    while (m.count < 30) {
        glimpse_dedup_member *member = add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_EDITED);
        member->regions = places, member->region_count = 40;
    }
    char *page = page_of(&m, "many.html");
    assert_int_equal(count_of(page, "<img "), 24 + 2 * 6);
    assert_int_equal(count_of(page, "<div class=\"edit\">"), 23);
    assert_int_equal(count_of(page, "<div class=\"more\">"), 6);
    assert_true(count_of(page, "<span class=\"box\"") <= 12 * 24);
    assert_non_null(strstr(page, "and 39 more places: middle and upper left</p>"));
    assert_null(strstr(page, "<script"));
    free(page);
}

/* Frames around keepers that a row of the screenshot crosses: runs of their green. */
static size_t keepers_in_row(const glimpse_image *image, uint32_t row) {
    const uint32_t width = glimpse_image_width(image);
    const uint8_t *p = glimpse_image_pixels(image) + (size_t)row * width * 3;
    size_t count = 0, run = 0;
    for (uint32_t x = 0; x < width; x++, p += 3) {
        const int green = p[1] > p[0] + 60 && p[1] > p[2] + 30;
        run = green ? run + 1 : 0;
        count += run == 100; /* the upper or lower side of a frame */
    }
    return count;
}

static void small_groups_stand_beside_each_other(void **state) {
    (void)state;
    enum { GROUPS = 6 };
    static made m;
    static glimpse_dedup_group groups[GROUPS];
    const glimpse_dedup_group *list[GROUPS];
    draw(rgb, 0, 0, 0, 0);
    write_ppm("clean.ppm", W, H, rgb);
    for (size_t g = 0; g < GROUPS; g++) {
        (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
        (void)add(&m, "clean.ppm", W, H, GLIMPSE_RELATION_IDENTICAL);
        groups[g] = (glimpse_dedup_group){
            .members = m.members + 2 * g, .count = 2, .reason = "kept because it is the largest"};
        list[g] = &groups[g];
    }
    const dedup_view view = {
        .report = &m.report, .groups = list, .count = GROUPS, .what = "pairs", .jobs = 2};
    assert_int_equal(dedup_write_html(&view, "pairs.html"), 0);
    static const struct {
        unsigned width;
        size_t beside;
    } windows[] = {{1440, 3}, {1920, 4}, {1000, 2}, {500, 1}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        glimpse_image *image = NULL;
        if (!browser_screenshot("pairs.html", "pairs.png", windows[i].width, 900)) skip();
        assert_ok(glimpse_image_load(&image, "pairs.png", NULL));
        size_t max_count = 0;
        for (uint32_t row = 0; row < glimpse_image_height(image); row++) {
            const size_t count = keepers_in_row(image, row);
            if (count > max_count) max_count = count;
        }
        if (max_count != windows[i].beside)
            fail_msg("%zu groups beside each other in %u pixels", max_count, windows[i].width);
        glimpse_image_free(image);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edited_places_are_framed_and_cut_out_of_both),
        cmocka_unit_test(edited_places_are_found_in_turned_and_cropped_files),
        cmocka_unit_test(what_a_file_holds_is_said_and_what_the_keeper_lacks_is_marked),
        cmocka_unit_test(the_same_kind_with_another_content_is_marked_too),
        cmocka_unit_test(a_page_of_two_sets_names_both_and_says_where_pictures_are),
        cmocka_unit_test(times_are_told_apart_by_seconds_where_minutes_do_not),
        cmocka_unit_test(files_of_equal_bytes_are_shown_a_few_times_and_then_listed),
        cmocka_unit_test(parts_are_cut_close_and_shown_at_a_readable_size),
        cmocka_unit_test(the_table_and_the_json_say_what_files_hold),
        cmocka_unit_test(names_are_whole_and_dates_stay_on_one_line),
        cmocka_unit_test(a_page_of_many_edits_is_bounded),
        cmocka_unit_test(small_groups_stand_beside_each_other),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}

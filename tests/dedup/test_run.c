/*
 * Whole duplicate searches over small directories of made-up pictures, and, where the reference
 * corpus is at hand, over real ones.
 */
#include "support/pictures.h"
#include "support/temporary.h"

#include <glimpse/dedup.h>

#include <fcntl.h>
#include <math.h>

enum { W = 240, H = 180 };

typedef struct canvas {
    uint32_t w, h;
    uint8_t rgb[3 * 400 * 400];
} canvas;

/* Smooth blobs and edges that depend on the seed; the same scene may be drawn with things moved. */
static void draw(canvas *c, unsigned seed, double moved) {
    c->w = W, c->h = H;
    double p[10][5];
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (int k = 0; k < 10; k++) {
        for (int i = 0; i < 5; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            p[k][i] = (double)(state >> 11) / 9007199254740992.0;
        }
    }
    for (uint32_t y = 0; y < H; y++) {
        for (uint32_t x = 0; x < W; x++) {
            double v = 90 + 60 * sin(x * (0.02 + 0.03 * p[0][0]) + y * 0.02 * p[0][1]);
            for (int k = 1; k < 10; k++) {
                double shift = moved * (p[k][4] - 0.5) * W;
                double dx = x - p[k][0] * W - shift, dy = y - p[k][1] * H + shift;
                double r = 8 + 30 * p[k][2];
                v += (k % 2 ? 90 : -70) / (1 + exp((hypot(dx, dy * (0.6 + p[k][3])) - r) / 1.5));
            }
            uint8_t *q = c->rgb + 3 * (y * W + x);
            double red = v + 20 * p[1][3], blue = v * (0.6 + 0.5 * p[2][3]);
            q[0] = (uint8_t)(red < 0 ? 0 : red > 255 ? 255 : red);
            q[1] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            q[2] = (uint8_t)(blue < 0 ? 0 : blue > 255 ? 255 : blue);
        }
    }
}

static const char *at(const char *name) {
    return path_in(temp_directory, name);
}

static void write_canvas(const canvas *c, const char *name) {
    write_ppm(at(name), c->w, c->h, c->rgb);
}

/* The same pixels in another format: uncompressed TGA. */
static void write_tga(const canvas *c, const char *name) {
    uint8_t header[18] = {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    header[12] = (uint8_t)c->w, header[13] = (uint8_t)(c->w >> 8);
    header[14] = (uint8_t)c->h, header[15] = (uint8_t)(c->h >> 8);
    header[16] = 24, header[17] = 0x20;
    FILE *file = fopen(at(name), "wb");
    assert_non_null(file);
    (void)fwrite(header, 1, sizeof header, file);
    for (size_t i = 0; i < (size_t)c->w * c->h; i++) {
        uint8_t bgr[3] = {c->rgb[3 * i + 2], c->rgb[3 * i + 1], c->rgb[3 * i]};
        (void)fwrite(bgr, 1, 3, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void crop(canvas *to, const canvas *from, uint32_t x, uint32_t y, uint32_t w, uint32_t h) {
    to->w = w, to->h = h;
    for (uint32_t j = 0; j < h; j++)
        memcpy(to->rgb + 3 * j * w, from->rgb + 3 * ((y + j) * from->w + x), 3 * (size_t)w);
}

static void halve(canvas *to, const canvas *from) {
    to->w = from->w / 2, to->h = from->h / 2;
    for (uint32_t y = 0; y < to->h; y++) {
        for (uint32_t x = 0; x < to->w; x++) {
            for (uint32_t c = 0; c < 3; c++) {
                const uint8_t *p = from->rgb + 3 * (2 * y * from->w + 2 * x) + c;
                to->rgb[3 * (y * to->w + x) + c] =
                    (uint8_t)((p[0] + p[3] + p[3 * from->w] + p[3 * from->w + 3]) / 4);
            }
        }
    }
}

static void tone(canvas *to, const canvas *from, double gain, double bias) {
    to->w = from->w, to->h = from->h;
    for (size_t i = 0; i < 3 * (size_t)from->w * from->h; i++) {
        double v = from->rgb[i] * gain + bias;
        to->rgb[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void add_frame(canvas *to, const canvas *from, uint32_t wide) {
    to->w = from->w + 2 * wide, to->h = from->h + 2 * wide;
    memset(to->rgb, 250, 3 * (size_t)to->w * to->h);
    for (uint32_t y = 0; y < from->h; y++) {
        memcpy(to->rgb + 3 * ((y + wide) * to->w + wide), from->rgb + 3 * y * from->w,
               3 * (size_t)from->w);
    }
}

static void mirror(canvas *to, const canvas *from) {
    to->w = from->w, to->h = from->h;
    for (uint32_t y = 0; y < from->h; y++) {
        for (uint32_t x = 0; x < from->w; x++) {
            memcpy(to->rgb + 3 * (y * from->w + x), from->rgb + 3 * (y * from->w + from->w - 1 - x),
                   3);
        }
    }
}

static void make_subfolder(const char *name) {
    assert_int_equal(mkdir(at(name), 0700), 0);
}

static int setup(void **unused) {
    (void)unused;
    temp_directory = make_resolved_temp_directory();
    return 0;
}

static glimpse_dedup_report *search(glimpse_dedup_options *options) {
    static const char *roots[1];
    glimpse_dedup_report *report = NULL;
    if (options->root_count == 0) {
        roots[0] = temp_directory;
        options->roots = roots;
        options->root_count = 1;
    }
    assert_ok(glimpse_dedup_run(&report, options));
    return report;
}

static const char *name_of(const glimpse_dedup_member *member) {
    return member->picture->path + strlen(temp_directory) + 1;
}

/* The member called `name` of any group, as the same picture or not. */
static const glimpse_dedup_member *find(const glimpse_dedup_report *report, const char *name,
                                        const glimpse_dedup_group **group) {
    for (size_t g = 0; g < report->group_count; g++) {
        for (size_t m = 0; m < report->groups[g].count; m++) {
            if (strcmp(name_of(&report->groups[g].members[m]), name) != 0) continue;
            if (group) *group = &report->groups[g];
            return &report->groups[g].members[m];
        }
    }
    return NULL;
}

/* Six scenes and the versions of scene 1. */
static void make_pictures(void) {
    static canvas scene, edit;
    for (unsigned s = 2; s <= 6; s++) {
        char name[32];
        draw(&scene, s, 0);
        (void)snprintf(name, sizeof name, "scene%u.ppm", s);
        write_canvas(&scene, name);
    }
    draw(&scene, 1, 0);
    write_canvas(&scene, "original.ppm");
    /* Times of one run say nothing: the original is to be the older one for certain. */
    const struct timespec earlier[2] = {{1262304000, 0}, {1262304000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, at("original.ppm"), earlier, 0), 0);
    write_canvas(&scene, "same_bytes.ppm");
    write_tga(&scene, "same_pixels.tga");
    halve(&edit, &scene);
    write_canvas(&edit, "half.ppm");
    crop(&edit, &scene, 20, 4, 208, 170);
    write_canvas(&edit, "cropped.ppm");
    tone(&edit, &scene, 0.7, 10);
    write_canvas(&edit, "darker.ppm");
    add_frame(&edit, &scene, 9);
    write_canvas(&edit, "framed.ppm");
    mirror(&edit, &scene);
    write_canvas(&edit, "mirrored.ppm");
}

static void versions_of_a_picture_are_found_and_told_apart(void **unused) {
    (void)unused;
    make_pictures();
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = search(&options);
    const glimpse_dedup_group *group = NULL;
    assert_int_equal(report->scanned, 13);
    assert_int_equal(report->failed_count, 0);
    assert_int_equal(report->group_count, 1);
    static const struct expected {
        const char *name;
        glimpse_dedup_relation relation;
        glimpse_dedup_kind kind;
        const char *words;
    } expected[] = {
        {"original.ppm", GLIMPSE_RELATION_IDENTICAL, GLIMPSE_DEDUP_EXACT, ""},
        {"same_bytes.ppm", GLIMPSE_RELATION_IDENTICAL, GLIMPSE_DEDUP_EXACT, "same bytes"},
        {"same_pixels.tga", GLIMPSE_RELATION_IDENTICAL, GLIMPSE_DEDUP_EXACT, "same pixels"},
        {"half.ppm", GLIMPSE_RELATION_REENCODED, GLIMPSE_DEDUP_PERCEPTUAL, "120x90"},
        {"cropped.ppm", GLIMPSE_RELATION_EDITED, GLIMPSE_DEDUP_PERCEPTUAL, "cropped to 8"},
        {"darker.ppm", GLIMPSE_RELATION_EDITED, GLIMPSE_DEDUP_PERCEPTUAL, "darker"},
        {"framed.ppm", GLIMPSE_RELATION_EDITED, GLIMPSE_DEDUP_PERCEPTUAL, "framed"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const glimpse_dedup_member *m = find(report, expected[i].name, &group);
        if (!m) fail_msg("%s is in no group", expected[i].name);
        assert_int_equal(m->relation, expected[i].relation);
        assert_int_equal(m->kind, expected[i].kind);
        if (!strstr(m->differences, expected[i].words) && m != group->members)
            fail_msg("%s: \"%s\" lacks \"%s\"", expected[i].name, m->differences,
                     expected[i].words);
    }
    assert_null(find(report, "mirrored.ppm", NULL));
    assert_int_equal(group->relation, GLIMPSE_RELATION_EDITED);
    assert_int_equal(group->kind, GLIMPSE_DEDUP_PERCEPTUAL);
    assert_true(group->reason[0] != '\0');
    /* A frame is no reason to keep the framed version. */
    assert_string_not_equal(name_of(&group->members[0]), "framed.ppm");
    glimpse_dedup_report_free(report);
}

static void mirrored_versions_are_found_when_asked_for(void **unused) {
    (void)unused;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.rotations = 1;
    glimpse_dedup_report *report = search(&options);
    const glimpse_dedup_member *m = find(report, "mirrored.ppm", NULL);
    assert_non_null(m);
    assert_int_equal(m->relation, GLIMPSE_RELATION_EDITED);
    assert_int_equal(m->orientation, 2);
    assert_non_null(strstr(m->differences, "mirrored left to right"));
    glimpse_dedup_report_free(report);
}

/* Where a place of the keeper is in this member. */
static void expect_place(const glimpse_dedup_report *report, const char *name, double x, double y,
                         double u, double v) {
    const glimpse_dedup_member *m = find(report, name, NULL);
    if (!m) fail_msg("%s is in no group", name);
    const double *w = m->view;
    const double found_u = w[0] * x + w[1] * y + w[2], found_v = w[3] * x + w[4] * y + w[5];
    if (fabs(found_u - u) > 0.02 || fabs(found_v - v) > 0.02)
        fail_msg("%s: %g, %g is at %g, %g and not %g, %g", name, x, y, found_u, found_v, u, v);
}

static void places_of_the_keeper_are_known_in_its_versions(void **unused) {
    static canvas scene, edit;
    (void)unused;
    /* Kept is the larger one, whichever comes first by name: the rest of it was cut off and the
     * smaller one turned by 90 degrees. */
    draw(&scene, 31, 0);
    write_canvas(&scene, "view_m.ppm");
    crop(&edit, &scene, 24, 9, 200, 162);
    for (int i = 0; i < 2; i++) {
        static canvas rotated;
        rotated.w = edit.h, rotated.h = edit.w;
        for (uint32_t y = 0; y < edit.h; y++) {
            for (uint32_t x = 0; x < edit.w; x++) {
                /* Stored so that EXIF 6 turns it upright, and 8. */
                const uint32_t u = i == 0 ? y : edit.h - 1 - y, v = i == 0 ? edit.w - 1 - x : x;
                memcpy(rotated.rgb + 3 * (v * rotated.w + u), edit.rgb + 3 * (y * edit.w + x), 3);
            }
        }
        write_canvas(&rotated, i == 0 ? "view_a.ppm" : "view_z.ppm");
    }
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.rotations = 1;
    glimpse_dedup_report *report = search(&options);
    expect_place(report, "same_pixels.tga", 0.3, 0.7, 0.3, 0.7);
    expect_place(report, "half.ppm", 0.3, 0.7, 0.3, 0.7);
    expect_place(report, "mirrored.ppm", 0.3, 0.7, 0.7, 0.7);
    expect_place(report, "cropped.ppm", 20.0 / 240, 4.0 / 180, 0, 0);
    expect_place(report, "cropped.ppm", 228.0 / 240, 174.0 / 180, 1, 1);
    expect_place(report, "framed.ppm", 0, 0, 9.0 / 258, 9.0 / 198);
    assert_int_equal(find(report, "view_a.ppm", NULL)->orientation, 6);
    assert_int_equal(find(report, "view_z.ppm", NULL)->orientation, 8);
    /* The upper left corner of what was cut out. */
    expect_place(report, "view_a.ppm", 24.0 / 240, 9.0 / 180, 0, 1);
    expect_place(report, "view_z.ppm", 24.0 / 240, 9.0 / 180, 1, 0);
    expect_place(report, "view_a.ppm", 224.0 / 240, 9.0 / 180, 0, 0);
    expect_place(report, "view_z.ppm", 224.0 / 240, 9.0 / 180, 1, 1);
    glimpse_dedup_report_free(report);
    assert_int_equal(unlink(at("view_m.ppm")), 0);
    assert_int_equal(unlink(at("view_a.ppm")), 0);
    assert_int_equal(unlink(at("view_z.ppm")), 0);
}

static void the_report_does_not_depend_on_threads(void **unused) {
    (void)unused;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.rotations = 1;
    options.jobs = 1;
    glimpse_dedup_report *one = search(&options);
    options.jobs = 4;
    glimpse_dedup_report *four = search(&options);
    assert_int_equal(one->group_count, four->group_count);
    for (size_t g = 0; g < one->group_count; g++) {
        const glimpse_dedup_group *a = &one->groups[g], *b = &four->groups[g];
        assert_int_equal(a->count, b->count);
        assert_string_equal(a->reason, b->reason);
        for (size_t m = 0; m < a->count; m++) {
            assert_string_equal(a->members[m].picture->path, b->members[m].picture->path);
            assert_string_equal(a->members[m].differences, b->members[m].differences);
            assert_true(fabs(a->members[m].score - b->members[m].score) < 1e-12);
        }
    }
    glimpse_dedup_report_free(one);
    glimpse_dedup_report_free(four);
}

static void a_broken_file_stops_nothing(void **unused) {
    (void)unused;
    write_text(at("broken.png"), "\x89PNG\r\n\x1a\n and no more");
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = search(&options);
    assert_int_equal(report->scanned, 14);
    assert_int_equal(report->failed_count, 1);
    assert_string_equal(report->failed[0].path, at("broken.png"));
    assert_true(report->failed[0].reason[0] != '\0');
    assert_true(report->failed[0].status < 0);
    assert_int_equal(report->group_count, 1);
    glimpse_dedup_report_free(report);
    assert_int_equal(unlink(at("broken.png")), 0);
}

static void expect_equal_but_for_the_name(const glimpse_dedup_picture *a,
                                          const glimpse_dedup_picture *b) {
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->pixels, b->pixels);
    assert_string_equal(a->format, b->format);
    assert_string_equal(a->taken, b->taken);
    assert_string_equal(a->camera, b->camera);
    assert_true(a->width == b->width && a->height == b->height && a->bytes == b->bytes);
    assert_true(a->quality == b->quality && a->exif == b->exif);
    assert_true(a->phash == b->phash && a->dhash == b->dhash);
    assert_true(a->measures.mean == b->measures.mean && a->measures.grey == b->measures.grey);
    assert_true(a->measures.entropy == b->measures.entropy);
    assert_true(a->measures.sharpness == b->measures.sharpness);
}

/* Three scenes and a broken file, under four names in each of two directories. */
static void files_of_equal_bytes_are_decoded_once_and_all_reported(void **unused) {
    (void)unused;
    enum { SCENES = 3, NAMES = 8 };
    static canvas scene;
    glimpse_dedup_report *alone[SCENES];
    make_subfolder("copies");
    make_subfolder("copies/left");
    make_subfolder("copies/right");
    char *one_file = strdup(at("copies/left/0_0.ppm")), *directory = strdup(at("copies"));
    const char *const only[] = {one_file}, *const both[] = {directory};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.root_count = 1;
    for (unsigned s = 0; s < SCENES; s++) {
        draw(&scene, 40 + s, 0);
        write_canvas(&scene, "copies/left/0_0.ppm");
        options.roots = only;
        alone[s] = search(&options);
        assert_int_equal(alone[s]->decoded, 1);
        for (unsigned k = 0; k < NAMES; k++) {
            char name[64];
            (void)snprintf(name, sizeof name, "copies/%s/%u_%u.ppm", k % 2 ? "left" : "right", s,
                           k / 2);
            write_canvas(&scene, name);
            (void)snprintf(name, sizeof name, "copies/%s/broken_%u.png", k % 2 ? "left" : "right",
                           k / 2);
            write_text(at(name), "\x89PNG\r\n\x1a\n and no more");
        }
    }
    draw(&scene, 40, 0);
    write_canvas(&scene, "copies/left/0_0.ppm");
    for (options.jobs = 1; options.jobs <= 4; options.jobs += 3) {
        options.roots = both;
        glimpse_dedup_report *report = search(&options);
        assert_int_equal(report->decoded, SCENES);
        assert_int_equal(report->cached, 0);
        assert_int_equal(report->picture_count, SCENES * NAMES);
        assert_int_equal(report->group_count, SCENES);
        for (size_t i = 0; i < report->picture_count; i++) {
            const glimpse_dedup_picture *p = &report->pictures[i];
            const char *name = strrchr(p->path, '/') + 1;
            expect_equal_but_for_the_name(p, &alone[*name - '0']->pictures[0]);
            assert_string_equal(p->label, strstr(p->path, "/left/") ? "left" : "right");
            assert_true(p->mtime_ns > 0);
        }
        for (size_t g = 0; g < report->group_count; g++) {
            assert_int_equal(report->groups[g].count, NAMES);
            assert_int_equal(report->groups[g].relation, GLIMPSE_RELATION_IDENTICAL);
            assert_true(report->groups[g].labels_differ);
        }
        assert_int_equal(report->failed_count, NAMES);
        for (size_t i = 0; i < report->failed_count; i++) {
            assert_string_equal(report->failed[i].reason, report->failed[0].reason);
            assert_int_equal(report->failed[i].status, report->failed[0].status);
        }
        glimpse_dedup_report_free(report);
    }
    for (unsigned s = 0; s < SCENES; s++)
        glimpse_dedup_report_free(alone[s]);
    remove_tree(directory);
    free(directory);
    free(one_file);
}

static void the_keeper_follows_the_rule_asked_for(void **unused) {
    (void)unused;
    struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    struct timespec young[2] = {{1999999999, 0}, {1999999999, 0}};
    assert_int_equal(utimensat(AT_FDCWD, at("half.ppm"), old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, at("darker.ppm"), young, 0), 0);
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    const glimpse_dedup_group *group = NULL;
    glimpse_dedup_keep_rule rule = {GLIMPSE_KEEP_OLDEST, NULL};
    options.keep = &rule;
    options.keep_count = 1;
    glimpse_dedup_report *report = search(&options);
    assert_non_null(find(report, "half.ppm", &group));
    assert_string_equal(name_of(&group->members[0]), "half.ppm");
    assert_non_null(strstr(group->reason, "kept because it is older: modified 2001"));
    glimpse_dedup_report_free(report);
    rule.rule = GLIMPSE_KEEP_NEWEST;
    report = search(&options);
    assert_non_null(find(report, "half.ppm", &group));
    assert_string_equal(name_of(&group->members[0]), "darker.ppm");
    glimpse_dedup_report_free(report);
    rule = (glimpse_dedup_keep_rule){GLIMPSE_KEEP_IN, at("cropped.ppm")};
    report = search(&options);
    assert_non_null(find(report, "half.ppm", &group));
    assert_string_equal(name_of(&group->members[0]), "cropped.ppm");
    assert_non_null(strstr(group->reason, "cropped.ppm, which options.keep names"));
    glimpse_dedup_report_free(report);
}

static void another_shot_is_not_the_same_picture(void **unused) {
    static canvas shot;
    (void)unused;
    draw(&shot, 3, 0.05);
    write_canvas(&shot, "scene3_shot.ppm");
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = search(&options);
    const glimpse_dedup_group *group = NULL;
    const glimpse_dedup_member *m = find(report, "scene3_shot.ppm", &group);
    if (m) assert_int_equal(group->relation, GLIMPSE_RELATION_NEAR_SHOT);
    glimpse_dedup_report_free(report);
    options.same_picture_only = 1;
    report = search(&options);
    assert_null(find(report, "scene3_shot.ppm", NULL));
    glimpse_dedup_report_free(report);
    assert_int_equal(unlink(at("scene3_shot.ppm")), 0);
}

static void leakage_and_conflicting_labels_are_counted(void **unused) {
    static canvas scene, edit;
    (void)unused;
    make_subfolder("test"), make_subfolder("test/cat"), make_subfolder("test/dog");
    make_subfolder("train"), make_subfolder("train/cat"), make_subfolder("train/dog");
    draw(&scene, 20, 0);
    write_canvas(&scene, "train/cat/a.ppm");
    write_canvas(&scene, "test/dog/copy.ppm"); /* leaked, under another label */
    draw(&scene, 21, 0);
    write_canvas(&scene, "train/dog/b.ppm");
    halve(&edit, &scene);
    write_canvas(&edit, "test/dog/small.ppm"); /* leaked */
    draw(&scene, 22, 0);
    write_canvas(&scene, "test/cat/new.ppm");
    write_canvas(&scene, "test/cat/new_again.ppm"); /* a duplicate within the set is no leak */
    char test[4096], train[4096];
    (void)snprintf(test, sizeof test, "%s", at("test"));
    (void)snprintf(train, sizeof train, "%s", at("train"));
    const char *roots[] = {test}, *against[] = {train};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.roots = roots, options.root_count = 1;
    options.against = against, options.against_count = 1;
    glimpse_dedup_report *report = search(&options);
    assert_int_equal(report->scanned, 6);
    assert_int_equal(report->group_count, 2);
    for (size_t g = 0; g < 2; g++) {
        assert_int_equal(report->groups[g].members[0].picture->set, 1);
        assert_int_equal(report->groups[g].members[1].picture->set, 0);
    }
    assert_int_equal(report->conflicts, 1);
    assert_int_equal(report->leak.pictures, 4);
    assert_int_equal(report->leak.leaked, 2);
    assert_int_equal(report->leak.exact, 1);
    assert_int_equal(report->leak.reencoded, 1);
    assert_int_equal(report->leak.conflicting, 1);
    assert_true(fabs(report->leak.rate - 0.5) < 1e-12);
    assert_int_equal(report->leak_label_count, 2);
    assert_string_equal(report->leak_labels[0].label, "cat");
    assert_int_equal(report->leak_labels[0].leaked, 0);
    assert_string_equal(report->leak_labels[1].label, "dog");
    assert_int_equal(report->leak_labels[1].leaked, 2);
    glimpse_dedup_report_free(report);
}

static int stop(void *user, const glimpse_progress *progress) {
    (void)user;
    (void)progress;
    return 1;
}

static void bad_options_are_refused_and_a_run_can_be_stopped(void **unused) {
    (void)unused;
    const char *missing[] = {"/nowhere/at/all"}, *roots[] = {temp_directory};
    glimpse_dedup_report *report = (glimpse_dedup_report *)&report;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_INVALID);
    assert_null(report);
    options.roots = missing, options.root_count = 1;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_NOT_FOUND);
    options.roots = roots;
    options.tiers = GLIMPSE_TIER_SEMANTIC;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_INVALID);
    options.tiers = 0;
    options.radius = 33;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_INVALID);
    options.radius = 0;
    options.progress = stop;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_CANCELLED);
    assert_null(report);
    glimpse_dedup_report_free(NULL);
    glimpse_audit_free(NULL);
}

/* Of a picture that can be seen through, looks depend on what is behind. */
static void an_audit_says_when_it_judged_a_transparent_picture(void **unused) {
    (void)unused;
    const glimpse_dedup_picture pictures[] = {
        {.path = "/a",
         .label = "",
         .width = 90,
         .height = 90,
         .is_transparent = 1,
         .measures = {.low = 255, .high = 255, .aspect = 1}},
        {.path = "/b",
         .label = "",
         .width = 90,
         .height = 20,
         .is_transparent = 1,
         .measures = {.deviation = 90, .high = 255, .sharpness = 99, .entropy = 7, .aspect = 4.5}},
    };
    const glimpse_dedup_report report = {.pictures = pictures, .picture_count = 2};
    glimpse_audit *audit = NULL;
    assert_ok(glimpse_audit_run(&audit, &report, NULL));
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_NEAR_CONSTANT], 1);
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_DARK], 0);
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_BRIGHT], 0); /* that is the ground */
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_ODD_ASPECT], 1);
    for (size_t i = 0; i < audit->count; i++) {
        const glimpse_audit_finding *f = &audit->findings[i];
        const int said = strstr(f->text, "transparent; judged as seen") != NULL;
        assert_int_equal(said, f->picture == &pictures[0] && f->kind != GLIMPSE_AUDIT_SMALL);
    }
    glimpse_audit_free(audit);
}

static void an_audit_names_what_is_odd(void **unused) {
    static canvas scene;
    (void)unused;
    make_subfolder("odd");
    for (unsigned s = 30; s < 55; s++) {
        char name[32];
        draw(&scene, s, 0);
        (void)snprintf(name, sizeof name, "odd/%u.ppm", s);
        write_canvas(&scene, name);
    }
    draw(&scene, 60, 0);
    tone(&scene, &scene, 0.15, 0);
    write_canvas(&scene, "odd/dark.ppm");
    tone(&scene, &scene, 0, 128);
    write_canvas(&scene, "odd/constant.ppm");
    draw(&scene, 61, 0);
    crop(&scene, &scene, 0, 0, 200, 20);
    write_canvas(&scene, "odd/long.ppm");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s", at("odd"));
    const char *roots[] = {path};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.roots = roots, options.root_count = 1, options.no_matching = 1;
    glimpse_dedup_report *report = search(&options);
    assert_int_equal(report->group_count, 0);
    glimpse_audit *audit = NULL;
    assert_ok(glimpse_audit_run(&audit, report, NULL));
    static const struct expected {
        const char *name;
        glimpse_audit_kind kind;
    } expected[] = {{"odd/dark.ppm", GLIMPSE_AUDIT_DARK},
                    {"odd/constant.ppm", GLIMPSE_AUDIT_NEAR_CONSTANT},
                    {"odd/long.ppm", GLIMPSE_AUDIT_ODD_ASPECT},
                    {"odd/long.ppm", GLIMPSE_AUDIT_SMALL},
                    {"odd/long.ppm", GLIMPSE_AUDIT_ODD_SIZE}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        int found = 0;
        for (size_t f = 0; f < audit->count; f++) {
            found |= audit->findings[f].kind == expected[i].kind &&
                     strcmp(audit->findings[f].picture->path, at(expected[i].name)) == 0;
        }
        if (!found)
            fail_msg("%s is not %s", expected[i].name, glimpse_audit_kind_name(expected[i].kind));
    }
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_DARK], 1);
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_NEAR_CONSTANT], 1);
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_MISLABELLED], 0);
    assert_int_equal(audit->has_embeddings, 0);
    glimpse_audit_free(audit);
    glimpse_dedup_report_free(report);
}

#ifndef __SANITIZE_THREAD__ /* minutes there, by the same threads as above */
/* The photographs have no duplicates; the versions in dups/ are found (loosely: the figures are in
 * docs/dedup.md). */
static void real_photographs_have_no_false_groups(void **unused) {
    (void)unused;
    const char *roots[] = {shared_path("images/photos")};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    options.roots = roots, options.root_count = 1;
    assert_ok(glimpse_dedup_run(&report, &options));
    assert_true(report->picture_count > 300);
    assert_int_equal(report->group_count, 0);
    glimpse_dedup_report_free(report);
}

static void real_versions_are_found(void **unused) {
    (void)unused;
    const char *roots[] = {shared_path("images/dups")};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    size_t grouped = 0, wrong = 0;
    options.roots = roots, options.root_count = 1;
    options.rotations = 1, options.same_picture_only = 1;
    assert_ok(glimpse_dedup_run(&report, &options));
    for (size_t g = 0; g < report->group_count; g++) {
        const glimpse_dedup_group *group = &report->groups[g];
        const char *keeper = strrchr(group->members[0].picture->path, '/') + 1;
        grouped += group->count;
        /* Files of a group begin with its number: g01_... */
        for (size_t m = 1; m < group->count; m++)
            wrong += strncmp(keeper, strrchr(group->members[m].picture->path, '/') + 1, 4) != 0;
    }
    assert_int_equal(wrong, 0);
    assert_true((double)grouped >= 0.95 * (double)report->picture_count);
    glimpse_dedup_report_free(report);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_of_a_picture_are_found_and_told_apart),
        cmocka_unit_test(mirrored_versions_are_found_when_asked_for),
        cmocka_unit_test(places_of_the_keeper_are_known_in_its_versions),
        cmocka_unit_test(the_report_does_not_depend_on_threads),
        cmocka_unit_test(a_broken_file_stops_nothing),
        cmocka_unit_test(files_of_equal_bytes_are_decoded_once_and_all_reported),
        cmocka_unit_test(the_keeper_follows_the_rule_asked_for),
        cmocka_unit_test(another_shot_is_not_the_same_picture),
        cmocka_unit_test(leakage_and_conflicting_labels_are_counted),
        cmocka_unit_test(bad_options_are_refused_and_a_run_can_be_stopped),
        cmocka_unit_test(an_audit_names_what_is_odd),
        cmocka_unit_test(an_audit_says_when_it_judged_a_transparent_picture),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(real_photographs_have_no_false_groups),
        cmocka_unit_test(real_versions_are_found),
#endif
    };
    return cmocka_run_group_tests(tests, setup, remove_directory);
}

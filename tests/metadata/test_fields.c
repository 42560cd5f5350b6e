/*
 * Fields: what is read from EXIF, XMP, IPTC and sidecars, and which of them counts.
 */
#include "made.h"
#include "support/test.h"

#include <glimpse/sys/metadata.h>

#include <math.h>
#include <string.h>

static glimpse_metadata *read_made(made file) {
    glimpse_metadata *m = NULL;
    assert_ok(glimpse_metadata_read(&m, file.bytes, file.size));
    return m;
}

/* cmocka compares floats. */
static void check_number(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g", value, expected);
}

static void check_list(const glimpse_text_list *list, const char *joined) {
    char all[1024] = "";
    for (size_t i = 0; i < list->count; i++) {
        (void)strncat(all, i > 0 ? ";" : "", sizeof all - strlen(all) - 1);
        (void)strncat(all, list->items[i], sizeof all - strlen(all) - 1);
    }
    assert_string_equal(all, joined);
}

static const uint32_t north[] = {51, 1, 30, 1, 1530, 100}, west[] = {0, 1, 7, 1, 0, 0};
static const uint32_t height[] = {355, 10}, long_time[] = {1, 250}, wide[] = {28, 10},
                      focal[] = {50, 1};

static const made_tag camera[] = {
    {.where = IN_IFD0, .tag = 0x010f, .text = "NIKON CORPORATION   "},
    {.where = IN_IFD0, .tag = 0x0110, .text = "NIKON D70"},
    {.where = IN_IFD0, .tag = 0x0112, .number = 6},
    {.where = IN_IFD0, .tag = 0x010e, .text = "of EXIF"},
    {.where = IN_IFD0, .tag = 0x013b, .text = "Ann; Bob"},
    {.where = IN_IFD0, .tag = 0x8298, .text = "(C) M\xfcller"}, /* Latin-1 */
    {.where = IN_IFD0, .tag = 0x4746, .number = 3},
    {.where = IN_EXIF, .tag = 0x829a, .rationals = long_time, .count = 1},
    {.where = IN_EXIF, .tag = 0x829d, .rationals = wide, .count = 1},
    {.where = IN_EXIF, .tag = 0x920a, .rationals = focal, .count = 1},
    {.where = IN_EXIF, .tag = 0x8827, .number = 400},
    {.where = IN_EXIF, .tag = 0x9209, .number = 25},
    {.where = IN_EXIF, .tag = 0xa434, .text = "50mm f/1.8"},
    {.where = IN_GPS, .tag = 1, .text = "N"},
    {.where = IN_GPS, .tag = 2, .rationals = north, .count = 3},
    {.where = IN_GPS, .tag = 3, .text = "W"},
    {.where = IN_GPS, .tag = 4, .rationals = west, .count = 3},
    {.where = IN_GPS, .tag = 5, .number = 1},
    {.where = IN_GPS, .tag = 6, .rationals = height, .count = 1},
};
enum { CAMERA_TAGS = sizeof camera / sizeof camera[0] };

static void check_camera(const glimpse_metadata *m) {
    assert_string_equal(m->make, "NIKON CORPORATION");
    assert_string_equal(m->model, "NIKON D70");
    assert_string_equal(m->lens, "50mm f/1.8");
    assert_int_equal(m->orientation, 6);
    check_number(m->exposure, 1 / 250.0, 1e-9);
    check_number(m->aperture, 2.8, 1e-9);
    check_number(m->focal_length, 50, 1e-9);
    assert_int_equal(m->iso, 400);
    assert_int_equal(m->flash, 25);
    assert_int_equal(m->has_gps, 1);
    check_number(m->latitude, 51 + 30 / 60.0 + 15.3 / 3600.0, 1e-9);
    check_number(m->longitude, -7 / 60.0, 1e-9);
    assert_int_equal(m->has_altitude, 1);
}

static void a_camera_s_fields_are_read_in_both_byte_orders(void **state) {
    (void)state;
    for (int big = 0; big < 2; big++) {
        const made exif = made_exif(camera, CAMERA_TAGS, big);
        glimpse_metadata *m = read_made(made_jpeg(&exif, NULL, NULL));
        check_camera(m);
        check_number(fabs(m->altitude), 35.5, 1e-9);
        assert_string_equal(m->description, "of EXIF");
        assert_string_equal(m->copyright, "(C) M\xc3\xbcller");
        check_number(m->rating, 3, 0);
        check_list(&m->creators, "Ann;Bob");
        glimpse_metadata_free(m);
    }
}

static const char people_elements[] =
    "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Hafen</rdf:li>"
    "<rdf:li xml:lang='x-default'>Harbour</rdf:li></rdf:Alt></dc:title>"
    "<dc:description><rdf:Alt><rdf:li xml:lang='en'>Boats &amp; sea</rdf:li></rdf:Alt>"
    "</dc:description>"
    "<dc:rights>of XMP</dc:rights>"
    "<dc:creator><rdf:Seq><rdf:li>Cem</rdf:li><rdf:li>Dora</rdf:li></rdf:Seq></dc:creator>"
    "<dc:subject><rdf:Bag><rdf:li>boat</rdf:li><rdf:li>sea</rdf:li><rdf:li>boat</rdf:li></rdf:Bag>"
    "</dc:subject>"
    "<lr:hierarchicalSubject><rdf:Bag><rdf:li>place|harbour</rdf:li></rdf:Bag>"
    "</lr:hierarchicalSubject>"
    "<digiKam:TagsList><rdf:Seq><rdf:li>place/harbour</rdf:li><rdf:li>boat</rdf:li></rdf:Seq>"
    "</digiKam:TagsList>"
    "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Ada</rdf:li><rdf:li>Eve</rdf:li></rdf:Bag>"
    "</Iptc4xmpExt:PersonInImage>"
    "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:RegionList><rdf:Bag>"
    "<rdf:li><rdf:Description mwg-rs:Name='Ada' mwg-rs:Type='Face'>"
    "<mwg-rs:Area stArea:x='0.5' stArea:y='0.25' stArea:w='0.1' stArea:h='0.2'"
    " stArea:unit='normalized'/></rdf:Description></rdf:li>"
    "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Fay</mwg-rs:Name><mwg-rs:Type>Face"
    "</mwg-rs:Type><mwg-rs:Area rdf:parseType='Resource'><stArea:x>0.75</stArea:x>"
    "<stArea:y>0.5</stArea:y><stArea:w>0.25</stArea:w><stArea:h>0.125</stArea:h>"
    "</mwg-rs:Area></rdf:li>"
    "<rdf:li><rdf:Description mwg-rs:Name='Rex' mwg-rs:Type='Pet'>"
    "<mwg-rs:Area stArea:x='0.5' stArea:y='0.5' stArea:w='0.1' stArea:h='0.1'/>"
    "</rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    "<MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag>"
    "<rdf:li MPReg:PersonDisplayName='Ada' MPReg:Rectangle='0.45, 0.15, 0.1, 0.2'/>"
    "<rdf:li MPReg:PersonDisplayName='Gil' MPReg:Rectangle='0.125, 0.25, 0.25, 0.5'/>"
    "</rdf:Bag></MPRI:Regions></MP:RegionInfo>";

static void check_people(const glimpse_metadata *m) {
    static const glimpse_person expected[] = {{"Ada", 1, .5, .25, .1, .2},
                                              {"Eve", 0, 0, 0, 0, 0},
                                              {"Fay", 1, .75, .5, .25, .125},
                                              {"Gil", 1, .25, .5, .25, .5}};
    assert_int_equal(m->people_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const glimpse_person *p = &m->people[i];
        assert_string_equal(p->name, expected[i].name);
        assert_int_equal(p->has_region, expected[i].has_region);
        check_number(p->x, expected[i].x, 1e-9);
        check_number(p->y, expected[i].y, 1e-9);
        check_number(p->width, expected[i].width, 1e-9);
        check_number(p->height, expected[i].height, 1e-9);
    }
}

static void what_people_wrote_is_read_from_xmp(void **state) {
    (void)state;
    const char *packet = made_xmp("xmp:Rating='-1' xmp:Label='Red'", people_elements);
    const made exif = made_exif(camera, CAMERA_TAGS, 0);
    made iptc = {.size = 0};
    made_add_iptc(&iptc, 5, "title of IPTC");
    made_add_iptc(&iptc, 25, "keyword of IPTC");
    glimpse_metadata *m = read_made(made_jpeg(&exif, packet, &iptc));
    assert_string_equal(m->title, "Harbour");
    assert_string_equal(m->description, "Boats & sea");
    assert_string_equal(m->copyright, "of XMP");
    assert_string_equal(m->label, "Red");
    check_number(m->rating, -1, 0);
    check_list(&m->creators, "Cem;Dora");
    check_list(&m->keywords, "boat;sea");
    check_list(&m->hierarchical, "place|harbour");
    check_people(m);
    check_camera(m);
    glimpse_metadata_free(m);
}

static void iptc_counts_where_xmp_says_nothing_and_before_exif(void **state) {
    (void)state;
    const made exif = made_exif(camera, CAMERA_TAGS, 0);
    made iptc = {.size = 0};
    made_add_iptc(&iptc, 5, "T");
    made_add_iptc(&iptc, 25, "one");
    made_add_iptc(&iptc, 25, "two");
    made_add_iptc(&iptc, 80, "Hal");
    made_add_iptc(&iptc, 116, "\xa9 IPTC"); /* Latin-1 */
    made_add_iptc(&iptc, 120, "D");
    glimpse_metadata *m = read_made(made_jpeg(&exif, made_xmp("", ""), &iptc));
    assert_string_equal(m->title, "T");
    assert_string_equal(m->description, "D");
    assert_string_equal(m->copyright, "\xc2\xa9 IPTC");
    check_list(&m->creators, "Hal");
    check_list(&m->keywords, "one;two");
    glimpse_metadata_free(m);
}

static void a_camera_s_fields_are_read_from_xmp_alone(void **state) {
    (void)state;
    glimpse_metadata *m = read_made(made_png(
        NULL, made_xmp("tiff:Make='Canon' tiff:Model='EOS' aux:Lens='EF' exif:ExposureTime='1/60'"
                       " exif:FNumber='56/10' exif:FocalLength='35/1'"
                       " exif:GPSLatitude='33,51,35.9S' exif:GPSLongitude='151,12.6667E'"
                       " exif:GPSAltitude='250/10' exif:GPSAltitudeRef='1'",
                       "<exif:ISOSpeedRatings><rdf:Seq><rdf:li>800</rdf:li></rdf:Seq>"
                       "</exif:ISOSpeedRatings><exif:Flash rdf:parseType='Resource'>"
                       "<exif:Fired>True</exif:Fired><exif:Mode>1</exif:Mode></exif:Flash>")));
    assert_string_equal(m->make, "Canon");
    assert_string_equal(m->lens, "EF");
    check_number(m->exposure, 1 / 60.0, 1e-9);
    check_number(m->aperture, 5.6, 1e-9);
    check_number(m->focal_length, 35, 1e-9);
    assert_int_equal(m->iso, 800);
    assert_int_equal(m->flash, 9);
    check_number(m->latitude, -(33 + 51 / 60.0 + 35.9 / 3600), 1e-9);
    check_number(m->longitude, 151 + 12.6667 / 60, 1e-9);
    check_number(m->altitude, -25, 1e-9);
    glimpse_metadata_free(m);
}

static void places_without_a_fix_or_off_the_earth_are_none(void **state) {
    (void)state;
    static const uint32_t zero[] = {0, 1, 0, 1, 0, 1}, far[] = {91, 1, 0, 1, 0, 1},
                          void_degrees[] = {0, 0, 0, 0, 0, 0};
    const uint32_t *const latitudes[] = {zero, far, void_degrees};
    for (size_t i = 0; i < 3; i++) {
        const made_tag tags[] = {{.where = IN_GPS, .tag = 1, .text = "N"},
                                 {.where = IN_GPS, .tag = 2, .rationals = latitudes[i], .count = 3},
                                 {.where = IN_GPS, .tag = 3, .text = "E"},
                                 {.where = IN_GPS, .tag = 4, .rationals = zero, .count = 3}};
        const made exif = made_exif(tags, 4, 1);
        glimpse_metadata *m = read_made(made_jpeg(&exif, NULL, NULL));
        assert_int_equal(m->has_gps, 0);
        glimpse_metadata_free(m);
    }
}

/*
 * Sidecars.
 */
static void sidecars_add_to_the_file_and_correct_what_people_wrote(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    const char *file = path_in(directory, "a.jpg");
    char path[512];
    (void)snprintf(path, sizeof path, "%s", file);
    const made exif = made_exif(camera, CAMERA_TAGS, 0);
    const made jpeg =
        made_jpeg(&exif, made_xmp("xmp:Label='Red'", "<dc:title>of the file</dc:title>"), NULL);
    write_file(path, jpeg.bytes, jpeg.size);
    write_text(path_in(directory, "a.xmp"),
               made_xmp("exif:DateTimeOriginal='2019-07-04T10:15:02+02:00' xmp:Rating='5'",
                        "<dc:title>of a.xmp</dc:title><dc:subject>one</dc:subject>"));
    glimpse_metadata *m = NULL;
    assert_ok(glimpse_metadata_load(&m, path));
    check_camera(m);
    assert_string_equal(m->title, "of a.xmp");
    assert_string_equal(m->label, "Red");
    check_number(m->rating, 5, 0);
    assert_string_equal(m->taken, "2019-07-04T10:15:02");
    assert_int_equal(m->taken_from, GLIMPSE_TAKEN_XMP);
    assert_int_equal(m->offset_minutes, 120);
    glimpse_metadata_free(m);
    write_text(path_in(directory, "a.jpg.xmp"), made_xmp("", "<dc:title>of a.jpg.xmp</dc:title>"));
    assert_ok(glimpse_metadata_load(&m, path));
    assert_string_equal(m->title, "of a.jpg.xmp");
    check_list(&m->keywords, "one"); /* the other one still says the rest */
    glimpse_metadata_free(m);
    /* Damaged ones cost nothing but themselves. */
    write_text(path_in(directory, "a.jpg.xmp"), "<x:xmpmeta");
    write_text(path_in(directory, "a.xmp"), "");
    assert_ok(glimpse_metadata_load(&m, path));
    assert_string_equal(m->title, "of the file");
    glimpse_metadata_free(m);
    remove_tree(directory);
    free(directory);
}

static void capitals_in_the_ending_of_a_sidecar_do_not_matter(void **state) {
    (void)state;
    static const char *const names[] = {"a.XMP", "a.Xmp", "a.jpg.XMP", "a.jpg.Xmp"};
    char *directory = make_temp_directory();
    char path[512], sidecar[512];
    const made jpeg = made_jpeg(NULL, NULL, NULL);
    (void)snprintf(path, sizeof path, "%s/a.jpg", directory);
    write_file(path, jpeg.bytes, jpeg.size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        glimpse_metadata *m = NULL;
        (void)snprintf(sidecar, sizeof sidecar, "%s/%s", directory, names[i]);
        assert_true(glimpse_sidecar_stamp(path) == 0);
        write_text(sidecar, made_xmp("xmp:Rating='5'", ""));
        assert_true(glimpse_sidecar_stamp(path) != 0);
        assert_ok(glimpse_metadata_load(&m, path));
        check_number(m->rating, 5, 0);
        glimpse_metadata_free(m);
        assert_int_equal(unlink(sidecar), 0);
    }
    remove_tree(directory);
    free(directory);
}

static void entities_are_not_expanded(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    char path[512];
    (void)snprintf(path, sizeof path, "%s", path_in(directory, "a.gif"));
    write_text(path, "no picture");
    write_formatted(path_in(directory, "a.gif.xmp"), "<!DOCTYPE x [<!ENTITY e 'entity'>]>%s",
                    strchr(made_xmp("xmp:Label='&e;'", "<dc:title>&e;</dc:title>"), '>') + 1);
    glimpse_metadata *m = NULL;
    assert_ok(glimpse_metadata_load(&m, path));
    assert_string_equal(m->title, "");
    assert_string_equal(m->label, "");
    glimpse_metadata_free(m);
    remove_tree(directory);
    free(directory);
}

static void what_is_no_picture_says_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "x",
                                        "\xff\xd8",
                                        ("\xff\xd8\xff\xe1\xff\xff"
                                         "Exif"),
                                        "II*\0\xff\xff\xff\xff",
                                        "RIFF\xff\xff\xff\xffWEBPEXIF"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        glimpse_metadata *m = NULL;
        assert_ok(glimpse_metadata_read(&m, texts[i], strlen(texts[i])));
        assert_string_equal(m->taken, "");
        assert_string_equal(m->model, "");
        assert_int_equal(m->orientation, 1);
        assert_int_equal(m->flash, -1);
        assert_int_equal(m->has_rating, 0);
        glimpse_metadata_free(m);
    }
    glimpse_metadata *m = NULL;
    assert_int_equal(glimpse_metadata_load(&m, "/nowhere/a.jpg"), GLIMPSE_E_NOT_FOUND);
    assert_null(m);
}

/* Files that are cut anywhere say less, never something else. */
static void cut_files_say_less(void **state) {
    (void)state;
    const made exif = made_exif(camera, CAMERA_TAGS, 1);
    const made files[] = {made_jpeg(&exif, made_xmp("", people_elements), NULL),
                          made_png(&exif, made_xmp("", people_elements)),
                          made_webp(&exif, made_xmp("", people_elements)),
                          made_heif(&exif, made_xmp("", people_elements))};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (size_t size = 0; size < files[i].size; size++) {
            uint8_t *copy = malloc(size + 1);
            assert_non_null(copy);
            memcpy(copy, files[i].bytes, size);
            glimpse_metadata *m = NULL;
            assert_ok(glimpse_metadata_read(&m, copy, size));
            assert_true(!*m->model || strcmp(m->model, "NIKON D70") == 0);
            assert_true(m->people_count <= 4);
            glimpse_metadata_free(m);
            free(copy);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_s_fields_are_read_in_both_byte_orders),
        cmocka_unit_test(what_people_wrote_is_read_from_xmp),
        cmocka_unit_test(iptc_counts_where_xmp_says_nothing_and_before_exif),
        cmocka_unit_test(a_camera_s_fields_are_read_from_xmp_alone),
        cmocka_unit_test(places_without_a_fix_or_off_the_earth_are_none),
        cmocka_unit_test(sidecars_add_to_the_file_and_correct_what_people_wrote),
        cmocka_unit_test(capitals_in_the_ending_of_a_sidecar_do_not_matter),
        cmocka_unit_test(entities_are_not_expanded),
        cmocka_unit_test(what_is_no_picture_says_nothing),
        cmocka_unit_test(cut_files_say_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

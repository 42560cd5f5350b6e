/*
 * 40 files that exiftool makes, and those of the corpus, say the same here and to exiftool, in
 * three time zones.
 */
#include "support/test.h"

#include "support/commands.h"
#include "support/json.h"

#include <glimpse/sys/metadata.h>

#include <math.h>
#include <time.h>

/* A fixture that it begins as, and what exiftool is to write. Twelve kinds of dates, each in
 * several containers, and every field. */
static const struct recipe {
    const char *from, *arguments;
} recipes[] = {
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02"},
    {"jpeg_420.jpg", "-EXIF:CreateDate=2019:07:04 10:15:02"},
    {"jpeg_420.jpg", "-EXIF:ModifyDate=2019:07:04 10:15:02"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal=0000:00:00 00:00:00\n-EXIF:ModifyDate=2019:07:04 "
                     "10:15:02"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal#=2019:07:04"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal#=2019:07:04 10:15"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal#=2019:02:30 10:15:02"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02\n-EXIF:OffsetTimeOriginal=+05:30"
                     "\n-EXIF:SubSecTimeOriginal=042"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal=2019:12:31 23:59:59\n-EXIF:OffsetTimeOriginal=-08:00"},
    {"jpeg_420.jpg", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02\n-EXIF:OffsetTime=+01:00"},
    {"jpeg_420.jpg", "-XMP-exif:DateTimeOriginal=2019:07:04 10:15:02"},
    {"jpeg_420.jpg", "-XMP-exif:DateTimeOriginal=2019:07:04 10:15:02.5+05:45"},
    {"jpeg_420.jpg", "-XMP-photoshop:DateCreated=2019:07:04 10:15:02Z"},
    {"jpeg_420.jpg", "-XMP-photoshop:DateCreated=2019:07:04"},
    {"jpeg_420.jpg", "-XMP-photoshop:DateCreated=2019"},
    {"jpeg_420.jpg", "-XMP-xmp:CreateDate=2019:07:04 10:15:02-03:00"},
    {"png_rgb.png", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02"},
    {"png_rgb.png", "-EXIF:ModifyDate=2019:07:04 10:15:02\n-EXIF:OffsetTime=+02:00"},
    {"png_rgb.png", "-XMP-exif:DateTimeOriginal=2019:07:04 10:15:02"},
    {"webp_lossy.webp", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02"},
    {"webp_lossy.webp", "-EXIF:ModifyDate=2019:07:04 10:15:02"},
    {"webp_lossy.webp", "-XMP-exif:DateTimeOriginal=2019:07:04 10:15:02"},
    {"tiff_lzw.tif", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02\n-EXIF:OffsetTimeOriginal=+09:00"},
    {"tiff_lzw.tif", "-EXIF:ModifyDate=2019:07:04 10:15:02"},
    {"tiff_lzw.tif", "-XMP-photoshop:DateCreated=2019:07:04 10:15:02\n-IPTC:Keywords=a\n"
                     "-IPTC:Keywords=b"},
    {"jpeg_420.jpg", "-EXIF:Make=Canon\n-EXIF:Model=Canon EOS 5D\n-EXIF:LensModel=EF50mm "
                     "f/1.8\n-EXIF:Orientation#=6"},
    {"jpeg_420.jpg", "-EXIF:ExposureTime=1/250\n-EXIF:FNumber=2.8\n-EXIF:ISO=400\n"
                     "-EXIF:FocalLength=50\n-EXIF:Flash#=25"},
    {"jpeg_420.jpg", "-EXIF:GPSLatitude=51.5042\n-EXIF:GPSLatitudeRef=N\n-EXIF:GPSLongitude="
                     "0.1167\n-EXIF:GPSLongitudeRef=W\n-EXIF:GPSAltitude=35.5\n"
                     "-EXIF:GPSAltitudeRef#=0"},
    {"png_rgb.png", "-EXIF:GPSLatitude=33.85\n-EXIF:GPSLatitudeRef=S\n-EXIF:GPSLongitude=151.2\n"
                    "-EXIF:GPSLongitudeRef=E\n-EXIF:GPSAltitude=12\n-EXIF:GPSAltitudeRef#=1"},
    {"webp_lossy.webp", "-XMP-exif:GPSLatitude=-33.85\n-XMP-exif:GPSLongitude=151.2\n"
                        "-XMP-exif:GPSAltitude=12\n-XMP-exif:GPSAltitudeRef#=1"},
    {"jpeg_420.jpg",
     "-XMP-tiff:Make=Nikon\n-XMP-tiff:Model=D70\n-XMP-aux:Lens=18-70mm\n"
     "-XMP-exif:ExposureTime=1/60\n-XMP-exif:FNumber=5.6\n-XMP-exif:FocalLength=35\n"
     "-XMP-exif:ISO=800"},
    {"jpeg_420.jpg", "-XMP-xmp:Rating=4\n-XMP-xmp:Label=Red"},
    {"png_rgb.png", "-XMP-xmp:Rating=-1\n-XMP-xmp:Label=Winner & more"},
    {"jpeg_420.jpg", "-XMP-dc:Title=H\xc3\xa4"
                     "fen\n-XMP-dc:Description=Boats\n-XMP-dc:Creator=Ann\n-XMP-dc:Creator=Bob\n"
                     "-XMP-dc:Rights=Someone"},
    {"jpeg_420.jpg", "-IPTC:ObjectName=T\n-IPTC:Caption-Abstract=D\n-IPTC:By-line=B\n"
                     "-IPTC:CopyrightNotice=C\n-IPTC:Keywords=one\n-IPTC:Keywords=two"},
    {"jpeg_420.jpg", "-EXIF:ImageDescription=D\n-EXIF:Artist=A\n-EXIF:Copyright=C\n-EXIF:Rating=3"},
    {"jpeg_420.jpg", "-EXIF:XPTitle=T\xc3\xa4\n-EXIF:XPComment=D\n-EXIF:XPAuthor=A\n"
                     "-EXIF:XPKeywords=k"},
    {"jpeg_420.jpg", "-XMP-dc:Subject=one\n-XMP-dc:Subject=two\n-XMP-lr:HierarchicalSubject=a|b\n"
                     "-XMP-lr:HierarchicalSubject=a|c"},
    {"jpeg_420.jpg", "-XMP-mwg-rs:RegionInfo={AppliedToDimensions={W=40,H=30,Unit=pixel},"
                     "RegionList=[{Area={X=0.5,Y=0.25,W=0.1,H=0.2,Unit=normalized},Name=Ada,"
                     "Type=Face}]}"},
    {"webp_lossy.webp", "-EXIF:DateTimeOriginal=2019:07:04 10:15:02\n-XMP-exif:DateTimeOriginal="
                        "2018:01:01 00:00:00\n-XMP-dc:Subject=sea"},
};
enum { RECIPES = sizeof recipes / sizeof recipes[0] };
_Static_assert(RECIPES == 40, "as many as the names say");

static void make_files(void) {
    assert_int_equal(mkdir("made", 0777), 0);
    FILE *script = fopen("make.args", "w");
    assert_non_null(script);
    for (size_t i = 0; i < RECIPES; i++) {
        char relative[128], name[64];
        const char *ending = strrchr(recipes[i].from, '.');
        (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", recipes[i].from);
        (void)snprintf(name, sizeof name, "made/%02zu%s", i, ending);
        copy_file(source_path(relative), name);
        (void)fprintf(script, "-q\n-q\n-n\n-m\n-struct\n-overwrite_original\n%s\n%s\n-execute\n",
                      recipes[i].arguments, name);
    }
    assert_int_equal(fclose(script), 0);
    run_result r;
    run_shell(&r, "exiftool -@ make.args");
    assert_string_equal(r.err, "");
    run_free(&r);
}

/*
 * exiftool's reading, by the order of glimpse/sys/metadata.h.
 */
static const json_t *first_of(const json_t *file, const char *const *tags) {
    for (; *tags; tags++) {
        const json_t *value = json_object_get(file, *tags);
        if (json_is_array(value) && json_array_size(value) == 0) continue;
        if (json_is_string(value) && !*json_string_value(value)) continue;
        if (value) return value;
    }
    return NULL;
}
#define FIRST(file, ...) first_of(file, (const char *const[]){__VA_ARGS__, NULL})

static double number_of(const json_t *value) {
    return json_is_array(value) ? number_of(json_array_get(value, 0)) : json_number_value(value);
}

/* As text: exiftool writes what looks like a number as one. Blanks at the ends do not count. */
static void text_of(char out[2048], const json_t *value) {
    out[0] = '\0';
    if (json_is_array(value)) value = json_array_get(value, 0);
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        text += strspn(text, " ");
        (void)snprintf(out, 2048, "%s", text);
        for (size_t n = strlen(out); n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\n');)
            out[--n] = '\0';
    } else if (json_is_integer(value)) {
        (void)snprintf(out, 2048, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)snprintf(out, 2048, "%g", json_real_value(value));
    }
}

/* "2019:07:04 10:15:02.5+05:30" to our form, where it is a date. 1 or 0. */
static int date_of(char out[32], int *offset, const json_t *value) {
    char text[2048], zone[256] = "";
    int part[6] = {0, 1, 1, 0, 0, 0};
    text_of(text, value);
    const int count = sscanf(text, "%4d:%2d:%2d %2d:%2d:%2d%255s", &part[0], &part[1], &part[2],
                             &part[3], &part[4], &part[5], zone);
    if (count < 1 || part[0] == 0) return 0;
    if (count == 5) (void)sscanf(text, "%*d:%*d:%*d %*d:%*d%255s", zone);
    struct tm parts = {
        .tm_year = part[0] - 1900, .tm_mon = part[1] - 1, .tm_mday = part[2], .tm_hour = 12};
    if (timegm(&parts) == (time_t)-1 || parts.tm_mday != part[2] || parts.tm_mon != part[1] - 1)
        return 0;
    (void)snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", part[0] % 10000, part[1] % 100,
                   part[2] % 100, part[3] % 100, part[4] % 100, part[5] % 100);
    const char *sign = zone + strcspn(zone, "+-Z");
    int hours = 0, minutes = 0;
    *offset = 99999;
    if (*sign == 'Z') *offset = 0;
    if (sscanf(sign, "%3d:%2d", &hours, &minutes) == 2)
        *offset = hours * 60 + (*sign == '-' ? -minutes : minutes);
    return 1;
}

typedef struct comparison {
    const char *file, *zone;
    size_t fields, wrong;
} comparison;

static void compare_text(comparison *c, const char *what, const char *ours, const char *theirs) {
    c->fields++;
    if (strcmp(ours, theirs) == 0) return;
    print_error("%s (%s): %s is '%s', exiftool: '%s'\n", c->file, c->zone, what, ours, theirs);
    c->wrong++;
}

static void compare_number(comparison *c, const char *what, double ours, double theirs) {
    c->fields++;
    if (fabs(ours - theirs) <= 1e-5 * fmax(1, fabs(theirs))) return;
    print_error("%s (%s): %s is %g, exiftool: %g\n", c->file, c->zone, what, ours, theirs);
    c->wrong++;
}

static void compare_list(comparison *c, const char *what, const glimpse_text_list *ours,
                         const json_t *theirs) {
    const size_t count = json_is_array(theirs) ? json_array_size(theirs) : theirs != NULL;
    compare_number(c, what, (double)ours->count, (double)count);
    for (size_t i = 0; i < count && i < ours->count; i++) {
        char text[2048];
        text_of(text, json_is_array(theirs) ? json_array_get(theirs, i) : theirs);
        compare_text(c, what, ours->items[i], text);
    }
}

static void compare_date(comparison *c, const glimpse_metadata *m, const json_t *e) {
    static const struct {
        const char *tag, *offset, *subseconds;
    } order[] = {
        {"ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal", "ExifIFD:SubSecTimeOriginal"},
        {"ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized", "ExifIFD:SubSecTimeDigitized"},
        {"XMP-exif:DateTimeOriginal", NULL, NULL},
        {"XMP-photoshop:DateCreated", NULL, NULL},
        {"XMP-exif:DateTimeDigitized", NULL, NULL},
        {"XMP-xmp:CreateDate", NULL, NULL},
        {"IFD0:ModifyDate", "ExifIFD:OffsetTime", "ExifIFD:SubSecTime"},
        {"XMP-tiff:DateTime", NULL, NULL},
    };
    char taken[32] = "", subseconds[2048] = "";
    int offset = 99999;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (!date_of(taken, &offset, json_object_get(e, order[i].tag))) continue;
        int beside;
        char unused[32], text[3000] = "2000:01:01 00:00:00", zone[2048];
        text_of(zone, order[i].offset ? json_object_get(e, order[i].offset) : NULL);
        (void)strncat(text, zone, sizeof text - strlen(text) - 1);
        json_t *with_zone = json_string(text);
        if (*zone && date_of(unused, &beside, with_zone)) offset = beside;
        json_decref(with_zone);
        if (order[i].subseconds) text_of(subseconds, json_object_get(e, order[i].subseconds));
        break;
    }
    compare_text(c, "date", m->taken, taken);
    compare_number(c, "offset", m->has_offset ? m->offset_minutes : 99999, offset);
    /* exiftool writes "042" as it is, and "00" in front of XMP's fraction not apart. */
    if (*subseconds)
        compare_number(c, "sub-seconds", strtod(m->subseconds, NULL), strtod(subseconds, NULL));
}

static void compare_people(comparison *c, const glimpse_metadata *m, const json_t *e) {
    const json_t *info = json_object_get(e, "XMP-mwg-rs:RegionInfo");
    const json_t *list = json_object_get(info, "RegionList");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *region = json_array_get(list, i), *area = json_object_get(region, "Area");
        char name[2048];
        text_of(name, json_object_get(region, "Name"));
        assert_true(i < m->people_count);
        compare_text(c, "person", m->people[i].name, name);
        compare_number(c, "x", m->people[i].x, number_of(json_object_get(area, "X")));
        compare_number(c, "y", m->people[i].y, number_of(json_object_get(area, "Y")));
        compare_number(c, "width", m->people[i].width, number_of(json_object_get(area, "W")));
        compare_number(c, "height", m->people[i].height, number_of(json_object_get(area, "H")));
    }
}

static void compare_file(comparison *c, const glimpse_metadata *m, const json_t *e) {
    const struct {
        const char *what, *ours;
        const json_t *theirs;
    } texts[] = {
        {"make", m->make, FIRST(e, "IFD0:Make", "XMP-tiff:Make")},
        {"model", m->model, FIRST(e, "IFD0:Model", "XMP-tiff:Model")},
        {"lens", m->lens, FIRST(e, "ExifIFD:LensModel", "XMP-exifEX:LensModel", "XMP-aux:Lens")},
        {"label", m->label, FIRST(e, "XMP-xmp:Label")},
        {"title", m->title, FIRST(e, "XMP-dc:Title", "IPTC:ObjectName", "IFD0:XPTitle")},
        {"description", m->description,
         FIRST(e, "XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:XPComment",
               "IFD0:ImageDescription")},
        {"copyright", m->copyright,
         FIRST(e, "XMP-dc:Rights", "IPTC:CopyrightNotice", "IFD0:Copyright")},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char theirs[2048];
        text_of(theirs, texts[i].theirs);
        compare_text(c, texts[i].what, texts[i].ours, theirs);
    }
    const json_t *orientation = FIRST(e, "IFD0:Orientation"), *flash = FIRST(e, "ExifIFD:Flash"),
                 *rating = FIRST(e, "XMP-xmp:Rating", "IFD0:Rating"),
                 *altitude = FIRST(e, "Composite:GPSAltitude");
    compare_number(c, "orientation", m->orientation, orientation ? number_of(orientation) : 1);
    compare_number(c, "exposure", m->exposure,
                   number_of(FIRST(e, "ExifIFD:ExposureTime", "XMP-exif:ExposureTime")));
    compare_number(c, "aperture", m->aperture,
                   number_of(FIRST(e, "ExifIFD:FNumber", "XMP-exif:FNumber")));
    compare_number(c, "focal length", m->focal_length,
                   number_of(FIRST(e, "ExifIFD:FocalLength", "XMP-exif:FocalLength")));
    compare_number(c, "ISO", m->iso, number_of(FIRST(e, "ExifIFD:ISO", "XMP-exif:ISO")));
    if (flash) compare_number(c, "flash", m->flash, number_of(flash));
    compare_number(c, "rating", m->has_rating ? m->rating : -9, rating ? number_of(rating) : -9);
    const double latitude = number_of(FIRST(e, "Composite:GPSLatitude", "XMP-exif:GPSLatitude")),
                 longitude = number_of(FIRST(e, "Composite:GPSLongitude", "XMP-exif:GPSLongitude"));
    compare_number(c, "latitude", m->latitude, latitude);
    compare_number(c, "longitude", m->longitude, latitude == 0 && longitude == 0 ? 0 : longitude);
    compare_number(c, "altitude", m->altitude, altitude ? number_of(altitude) : 0);
    compare_list(c, "creators", &m->creators,
                 FIRST(e, "XMP-dc:Creator", "IPTC:By-line", "IFD0:XPAuthor", "IFD0:Artist"));
    compare_list(c, "keywords", &m->keywords,
                 FIRST(e, "XMP-dc:Subject", "IPTC:Keywords", "IFD0:XPKeywords"));
    compare_list(c, "hierarchical keywords", &m->hierarchical,
                 FIRST(e, "XMP-lr:HierarchicalSubject"));
    compare_date(c, m, e);
    compare_people(c, m, e);
}

/* What exiftool says of the files that the shell's `pattern` names, against ours. */
static void compare_all(const char *pattern, size_t files, size_t max_wrong) {
    static const char *const zones[] = {"UTC", "America/Los_Angeles", "Asia/Kolkata"};
    char *before = getenv("TZ") ? strdup(getenv("TZ")) : NULL;
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        comparison c = {.zone = zones[z]};
        char command[1024];
        run_result r;
        (void)setenv("TZ", zones[z], 1);
        tzset();
        (void)snprintf(command, sizeof command, "exiftool -q -j -n -G1 -struct -a %s", pattern);
        run_shell(&r, command);
        json_t *all = json_loads(r.out, 0, NULL);
        assert_non_null(all);
        run_free(&r);
        assert_true(json_array_size(all) >= files);
        for (size_t i = 0; i < json_array_size(all); i++) {
            const json_t *e = json_array_get(all, i);
            glimpse_metadata *m = NULL;
            c.file = json_string_value(json_object_get(e, "SourceFile"));
            assert_ok(glimpse_metadata_load(&m, c.file));
            compare_file(&c, m, e);
            glimpse_metadata_free(m);
        }
        json_decref(all);
        print_message("%s: %zu of %zu fields as exiftool reads them\n", c.zone, c.fields - c.wrong,
                      c.fields);
        assert_true(c.wrong <= max_wrong);
    }
    if (before)
        (void)setenv("TZ", before, 1);
    else
        (void)unsetenv("TZ");
    tzset();
    free(before);
}

static int have_exiftool(void) {
    if (system("exiftool -ver >/dev/null 2>&1") == 0) return 1;
    print_message("SKIPPED: exiftool is not installed\n");
    return 0;
}

static void forty_made_files_say_the_same_in_three_time_zones(void **state) {
    (void)state;
    if (!have_exiftool()) skip();
    make_files();
    compare_all("made", RECIPES, 0);
}

static void the_corpus_says_the_same(void **state) {
    (void)state;
    const char *directory = shared_path_if_there("images/exif");
    char pattern[512];
    if (!have_exiftool() || !directory) skip();
    (void)snprintf(pattern, sizeof pattern, "-i SYMLINKS '%s'", directory);
    /* A copyright in a character set of its own, which exiftool takes for UTF-8. */
    compare_all(pattern, 55, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forty_made_files_say_the_same_in_three_time_zones,
                                        run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(the_corpus_says_the_same, run_setup, run_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Dates: what EXIF, XMP and file names say is read as it was written, and nothing else.
 */
#include "made.h"
#include "support/test.h"

#include <glimpse/sys/metadata.h>

#include <string.h>

static glimpse_metadata *read_made(made file) {
    glimpse_metadata *m = NULL;
    assert_ok(glimpse_metadata_read(&m, file.bytes, file.size));
    return m;
}

static void check(made file, const char *taken, glimpse_taken_from from) {
    glimpse_metadata *m = read_made(file);
    assert_string_equal(m->taken, taken);
    assert_int_equal(m->taken_from, from);
    glimpse_metadata_free(m);
}

static made jpeg_of(const made_tag *tags, size_t count, int big) {
    const made exif = made_exif(tags, count, big);
    return made_jpeg(&exif, NULL, NULL);
}

enum {
    DATE_TIME = 0x0132,
    ORIGINAL = 0x9003,
    DIGITIZED = 0x9004,
    OFFSET = 0x9010,
    OFFSET_ORIGINAL = 0x9011,
    SUBSEC_ORIGINAL = 0x9291
};

typedef struct written {
    const char *text, *taken; /* taken "": no date */
} written;

/* In each place where EXIF may have it. */
static void check_written(const written *cases, size_t count) {
    static const struct {
        made_directory where;
        unsigned tag;
    } places[] = {{IN_IFD0, DATE_TIME},
                  {IN_EXIF, ORIGINAL},
                  {IN_IFD0, ORIGINAL},
                  {IN_EXIF, DIGITIZED},
                  {IN_IFD0, DIGITIZED}};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            const made exif = made_exif_text(places[k].where, places[k].tag, cases[i].text);
            glimpse_metadata *m = read_made(made_jpeg(&exif, NULL, NULL));
            if (strcmp(m->taken, cases[i].taken) != 0)
                fail_msg("'%s' in %04x is '%s'", cases[i].text, places[k].tag, m->taken);
            assert_int_equal(m->taken_from,
                             cases[i].taken[0] ? GLIMPSE_TAKEN_EXIF : GLIMPSE_TAKEN_UNKNOWN);
            assert_int_equal(m->taken_is_modification,
                             cases[i].taken[0] && places[k].tag == DATE_TIME);
            glimpse_metadata_free(m);
        }
    }
}
#define CHECK_WRITTEN(cases) check_written(cases, sizeof(cases) / sizeof(cases)[0])

static void a_date_counts_in_every_place_where_exif_may_have_it(void **state) {
    (void)state;
    static const written cases[] = {
        {"2019:07:04 10:15:02", "2019-07-04T10:15:02"},
        {"2019:12:31 23:59:59", "2019-12-31T23:59:59"},
        {"1999:01:01 00:00:00", "1999-01-01T00:00:00"},
        {"2020:02:29 12:00:60", "2020-02-29T12:00:60"},
    };
    CHECK_WRITTEN(cases);
}

static void other_separators_and_one_digit_fields_are_read(void **state) {
    (void)state;
    static const written cases[] = {
        {"2019-07-04 10:15:02", "2019-07-04T10:15:02"},
        {"2019/07/04 10:15:02", "2019-07-04T10:15:02"},
        {"2019.07.04 10.15.02", "2019-07-04T10:15:02"},
        {"2019-07-04T10:15:02", "2019-07-04T10:15:02"},
        {"2019:07:04:10:15:02", "2019-07-04T10:15:02"},
        {"2019:7:4 9:5:2", "2019-07-04T09:05:02"},
        {"2019: 7: 4  9: 5: 2", "2019-07-04T09:05:02"},
        {"2019:7:14 1:15:02", "2019-07-14T01:15:02"},
        {"2019:11:4 21:5:12", "2019-11-04T21:05:12"},
        {"20190704T101502", "2019-07-04T10:15:02"},
        {"20190704101502", "2019-07-04T10:15:02"},
    };
    CHECK_WRITTEN(cases);
}

static void padding_does_not_matter(void **state) {
    (void)state;
    static const written cases[] = {
        {"2019:07:04 10:15:02   ", "2019-07-04T10:15:02"},
        {"   2019:07:04 10:15:02", "2019-07-04T10:15:02"},
        {"2019:07:04   10:15:02", "2019-07-04T10:15:02"},
        {"2019:07:04 10:15:02\n", "2019-07-04T10:15:02"},
        {"2019:07:04\t10:15:02", "2019-07-04T10:15:02"},
    };
    CHECK_WRITTEN(cases);
}

static void a_date_without_time_or_seconds_is_a_date(void **state) {
    (void)state;
    static const written cases[] = {
        {"2019:07:04", "2019-07-04T00:00:00"},
        {"2019-07-04", "2019-07-04T00:00:00"},
        {"2019:07:04 ", "2019-07-04T00:00:00"},
        {"2019:07:04   :  :  ", "2019-07-04T00:00:00"},
        {"20190704", "2019-07-04T00:00:00"},
        {"2019:07:04 10:15", "2019-07-04T10:15:00"},
        {"2019-07-04T10:15", "2019-07-04T10:15:00"},
        {"2019:07:04 9:05", "2019-07-04T09:05:00"},
        {"2019:07:04 10:15:  ", "2019-07-04T10:15:00"},
    };
    CHECK_WRITTEN(cases);
    const made day = made_exif_text(IN_EXIF, ORIGINAL, "2019:07:04");
    const made minute = made_exif_text(IN_EXIF, ORIGINAL, "2019:07:04 10:15");
    glimpse_metadata *m = read_made(made_jpeg(&day, NULL, NULL));
    assert_int_equal(m->taken_precision, GLIMPSE_PRECISION_DAY);
    glimpse_metadata_free(m);
    m = read_made(made_jpeg(&minute, NULL, NULL));
    assert_int_equal(m->taken_precision, GLIMPSE_PRECISION_MINUTE);
    glimpse_metadata_free(m);
}

static void dates_that_do_not_exist_are_none(void **state) {
    (void)state;
    static const written cases[] = {
        {"2019:02:30 10:15:02", ""},
        {"2019:02:29 10:15:02", ""},
        {"1900:02:29 10:15:02", ""},
        {"2019:04:31 10:15:02", ""},
        {"2019:13:01 10:15:02", ""},
        {"2019:00:04 10:15:02", ""},
        {"2019:07:00 10:15:02", ""},
        {"2019:07:32 10:15:02", ""},
        {"2019:07:04 24:00:00", ""},
        {"2019:07:04 10:60:00", ""},
        {"2019:07:04 10:15:61", ""},
        {"0000:07:04 10:15:02", ""},
        {"19:07:04 10:15:02", ""},
        {"20190230", ""},
        {"July 4, 2019", ""},
        {"2019", ""},
        {"2019:07", ""},
    };
    CHECK_WRITTEN(cases);
}

static void zeros_and_blanks_give_way_to_a_good_date(void **state) {
    (void)state;
    static const char *const nothing[] = {
        "0000:00:00 00:00:00", "    :  :     :  :  ", "",
        "                   ", "0000:00:00",          "-0001:11:30"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        const made_tag tags[] = {
            {.where = IN_EXIF, .tag = ORIGINAL, .text = nothing[i]},
            {.where = IN_IFD0, .tag = DATE_TIME, .text = "2019:07:04 10:15:02"}};
        check(jpeg_of(tags, 2, 0), "2019-07-04T10:15:02", GLIMPSE_TAKEN_EXIF);
        const made_tag both[] = {
            {.where = IN_EXIF, .tag = ORIGINAL, .text = nothing[i]},
            {.where = IN_EXIF, .tag = DIGITIZED, .text = nothing[i]},
            {.where = IN_IFD0, .tag = DATE_TIME, .text = "2019:07:04 10:15:02"}};
        check(jpeg_of(both, 3, 1), "2019-07-04T10:15:02", GLIMPSE_TAKEN_EXIF);
        check(jpeg_of(tags, 1, 0), "", GLIMPSE_TAKEN_UNKNOWN);
    }
}

static void of_several_dates_the_first_of_the_order_counts(void **state) {
    (void)state;
    const made_tag tags[] = {{.where = IN_EXIF, .tag = ORIGINAL, .text = "2011:01:01 01:01:01"},
                             {.where = IN_IFD0, .tag = ORIGINAL, .text = "2012:01:01 01:01:01"},
                             {.where = IN_EXIF, .tag = DIGITIZED, .text = "2013:01:01 01:01:01"},
                             {.where = IN_IFD0, .tag = DATE_TIME, .text = "2018:01:01 01:01:01"}};
    static const char *const with_xmp[] = {"2011", "2012", "2013", "2014"};
    for (size_t first = 0; first < 4; first++) {
        const made exif = made_exif(tags + first, 4 - first, 0);
        glimpse_metadata *m = read_made(
            made_jpeg(&exif, made_xmp("exif:DateTimeOriginal='2014-01-01T01:01:01'", ""), NULL));
        assert_memory_equal(m->taken, with_xmp[first], 4);
        glimpse_metadata_free(m);
    }
    const made modified = made_exif(tags + 3, 1, 0);
    static const written attributes[] = {
        {"exif:DateTimeOriginal='2014-01-01' photoshop:DateCreated='2015-01-01'"
         " exif:DateTimeDigitized='2016-01-01' xmp:CreateDate='2017-01-01'",
         "2014"},
        {"photoshop:DateCreated='2015-01-01' exif:DateTimeDigitized='2016-01-01'"
         " xmp:CreateDate='2017-01-01'",
         "2015"},
        {"exif:DateTimeDigitized='2016-01-01' xmp:CreateDate='2017-01-01'", "2016"},
        {"xmp:CreateDate='2017-01-01'", "2017"},
        {"tiff:DateTime='2009-01-01'", "2018"},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        glimpse_metadata *m =
            read_made(made_jpeg(&modified, made_xmp(attributes[i].text, ""), NULL));
        assert_memory_equal(m->taken, attributes[i].taken, 4);
        glimpse_metadata_free(m);
    }
}

static void xmp_dates_are_read_as_attributes_and_elements(void **state) {
    (void)state;
    static const char *const names[] = {"exif:DateTimeOriginal", "photoshop:DateCreated",
                                        "exif:DateTimeDigitized", "xmp:CreateDate"};
    static const struct {
        const char *text, *taken;
        int has_offset, offset;
        glimpse_taken_precision precision;
        const char *subseconds;
    } cases[] = {
        {"2019-07-04T10:15:02", "2019-07-04T10:15:02", 0, 0, GLIMPSE_PRECISION_SECOND, ""},
        {"2019-07-04T10:15:02.125", "2019-07-04T10:15:02", 0, 0, GLIMPSE_PRECISION_SECOND, "125"},
        {"2019-07-04T10:15:02Z", "2019-07-04T10:15:02", 1, 0, GLIMPSE_PRECISION_SECOND, ""},
        {"2019-07-04T10:15:02-08:00", "2019-07-04T10:15:02", 1, -480, GLIMPSE_PRECISION_SECOND, ""},
        {"2019-07-04T10:15+05:30", "2019-07-04T10:15:00", 1, 330, GLIMPSE_PRECISION_MINUTE, ""},
        {"2019-07-04T10:15:02.5+05:45", "2019-07-04T10:15:02", 1, 345, GLIMPSE_PRECISION_SECOND,
         "5"},
        {"2019-07-04", "2019-07-04T00:00:00", 0, 0, GLIMPSE_PRECISION_DAY, ""},
        {"2019-07", "2019-07-01T00:00:00", 0, 0, GLIMPSE_PRECISION_MONTH, ""},
        {"2019", "2019-01-01T00:00:00", 0, 0, GLIMPSE_PRECISION_YEAR, ""},
        {"2019-02-30", "", 0, 0, GLIMPSE_PRECISION_SECOND, ""},
        {"0000-00-00T00:00:00", "", 0, 0, GLIMPSE_PRECISION_SECOND, ""},
    };
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            for (int as_element = 0; as_element < 2; as_element++) {
                char text[256];
                (void)snprintf(text, sizeof text, as_element ? "<%s>%s</%s>" : "%s='%s'", names[n],
                               cases[i].text, names[n]);
                const char *packet = as_element ? made_xmp("", text) : made_xmp(text, "");
                glimpse_metadata *m = read_made(made_jpeg(NULL, packet, NULL));
                assert_string_equal(m->taken, cases[i].taken);
                assert_int_equal(m->taken_from,
                                 cases[i].taken[0] ? GLIMPSE_TAKEN_XMP : GLIMPSE_TAKEN_UNKNOWN);
                assert_int_equal(m->has_offset, cases[i].has_offset);
                assert_int_equal(m->offset_minutes, cases[i].offset);
                assert_string_equal(m->subseconds, cases[i].subseconds);
                assert_int_equal(m->taken_precision, cases[i].precision);
                glimpse_metadata_free(m);
            }
        }
    }
}

static void what_is_nested_in_xmp_is_no_date_of_the_picture(void **state) {
    (void)state;
    static const char *const nested[] = {
        "<xmpMM:History><rdf:Seq><rdf:li exif:DateTimeOriginal='2001-01-01'/></rdf:Seq>"
        "</xmpMM:History>",
        "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description exif:DateTimeOriginal='2001-01-01'/>"
        "</rdf:li></rdf:Bag></xmpMM:Pantry>",
        "<xmpMM:DerivedFrom rdf:parseType='Resource'><xmp:CreateDate>2001-01-01</xmp:CreateDate>"
        "</xmpMM:DerivedFrom>",
        "<xmpMM:Ingredients><rdf:Bag><rdf:li><photoshop:DateCreated>2001-01-01"
        "</photoshop:DateCreated></rdf:li></rdf:Bag></xmpMM:Ingredients>",
    };
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++)
        check(made_jpeg(NULL, made_xmp("", nested[i]), NULL), "", GLIMPSE_TAKEN_UNKNOWN);
}

static void offset_and_subseconds_are_those_of_the_date_that_counts(void **state) {
    (void)state;
    static const struct {
        const char *offset;
        int has, minutes;
    } cases[] = {{"+05:30", 1, 330}, {"-08:00", 1, -480}, {"Z", 1, 0},        {"+00:00", 1, 0},
                 {"   :  ", 0, 0},   {"", 0, 0},          {"+25:00", 0, 0},   {"+0530", 1, 330},
                 {"noon", 0, 0},     {"+5:30", 1, 330},   {"+05:30 ", 1, 330}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const made_tag tags[] = {
            {.where = IN_EXIF, .tag = ORIGINAL, .text = "2019:07:04 10:15:02"},
            {.where = IN_EXIF, .tag = OFFSET, .text = "+09:00"}, /* of DateTime: not this one's */
            {.where = IN_EXIF, .tag = OFFSET_ORIGINAL, .text = cases[i].offset},
            {.where = IN_EXIF, .tag = SUBSEC_ORIGINAL, .text = "05 "}};
        glimpse_metadata *m = read_made(jpeg_of(tags, 4, (int)i & 1));
        assert_string_equal(m->taken, "2019-07-04T10:15:02");
        assert_int_equal(m->has_offset, cases[i].has);
        assert_int_equal(m->offset_minutes, cases[i].minutes);
        assert_string_equal(m->subseconds, "05");
        glimpse_metadata_free(m);
    }
    const made_tag modified[] = {
        {.where = IN_IFD0, .tag = DATE_TIME, .text = "2019:07:04 10:15:02"},
        {.where = IN_EXIF, .tag = OFFSET, .text = "+09:00"},
        {.where = IN_EXIF, .tag = OFFSET_ORIGINAL, .text = "+01:00"}};
    glimpse_metadata *m = read_made(jpeg_of(modified, 3, 0));
    assert_int_equal(m->offset_minutes, 540);
    glimpse_metadata_free(m);
    const made inside = made_exif_text(IN_EXIF, ORIGINAL, "2019:07:04 10:15:02.75-03:00");
    m = read_made(made_jpeg(&inside, NULL, NULL));
    assert_int_equal(m->offset_minutes, -180);
    assert_string_equal(m->subseconds, "75");
    glimpse_metadata_free(m);
}

static void every_container_is_read(void **state) {
    (void)state;
    static const char date[] = "2019-07-04T10:15:02";
    for (int big = 0; big < 2; big++) {
        const made_tag tag = {.where = IN_EXIF, .tag = ORIGINAL, .text = "2019:07:04 10:15:02"};
        const made exif = made_exif(&tag, 1, big);
        made named = {.size = exif.size + 6};
        memcpy(named.bytes, "Exif\0", 6);
        memcpy(named.bytes + 6, exif.bytes, exif.size);
        check(made_jpeg(&exif, NULL, NULL), date, GLIMPSE_TAKEN_EXIF);
        check(made_png(&exif, NULL), date, GLIMPSE_TAKEN_EXIF);
        check(made_png(&named, NULL), date, GLIMPSE_TAKEN_EXIF);
        check(made_png_raw_profile(&exif), date, GLIMPSE_TAKEN_EXIF);
        check(made_webp(&exif, NULL), date, GLIMPSE_TAKEN_EXIF);
        check(made_webp(&named, NULL), date, GLIMPSE_TAKEN_EXIF);
        check(made_heif(&exif, made_xmp("", "")), date, GLIMPSE_TAKEN_EXIF);
        check(exif, date, GLIMPSE_TAKEN_EXIF); /* a TIFF file */
    }
    const made nothing = made_exif(NULL, 0, 0);
    const char *xmp = made_xmp("exif:DateTimeOriginal='2019-07-04T10:15:02'", "");
    check(made_jpeg(NULL, xmp, NULL), date, GLIMPSE_TAKEN_XMP);
    check(made_png(NULL, xmp), date, GLIMPSE_TAKEN_XMP);
    check(made_webp(NULL, xmp), date, GLIMPSE_TAKEN_XMP);
    check(made_heif(&nothing, xmp), date, GLIMPSE_TAKEN_XMP);
}

static void the_dates_of_iptc_are_read(void **state) {
    (void)state;
    static const struct {
        const char *date, *time, *taken;
        int has_offset, offset;
        glimpse_taken_precision precision;
    } cases[] = {
        {"20190704", "101502+0200", "2019-07-04T10:15:02", 1, 120, GLIMPSE_PRECISION_SECOND},
        {"20190704", "101502-0530", "2019-07-04T10:15:02", 1, -330, GLIMPSE_PRECISION_SECOND},
        {"20190704", "101502", "2019-07-04T10:15:02", 0, 0, GLIMPSE_PRECISION_SECOND},
        {"2019:07:04", "10:15:02", "2019-07-04T10:15:02", 0, 0, GLIMPSE_PRECISION_SECOND},
        {"20190704", NULL, "2019-07-04T00:00:00", 0, 0, GLIMPSE_PRECISION_DAY},
        {"20190704", "nonsense", "2019-07-04T00:00:00", 0, 0, GLIMPSE_PRECISION_DAY},
        {"20190704", "256199", "2019-07-04T00:00:00", 0, 0, GLIMPSE_PRECISION_DAY},
        {"20190230", "101502", "", 0, 0, GLIMPSE_PRECISION_SECOND},
        {"00000000", NULL, "", 0, 0, GLIMPSE_PRECISION_SECOND},
        {NULL, "101502", "", 0, 0, GLIMPSE_PRECISION_SECOND},
    };
    static const unsigned sets[][2] = {{55, 60}, {62, 63}};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            made iptc = {.size = 0};
            /* In whatever order. */
            if (cases[i].time && i % 2) made_add_iptc(&iptc, sets[k][1], cases[i].time);
            made_add_iptc(&iptc, 5, "a title");
            if (cases[i].date) made_add_iptc(&iptc, sets[k][0], cases[i].date);
            if (cases[i].time && i % 2 == 0) made_add_iptc(&iptc, sets[k][1], cases[i].time);
            glimpse_metadata *m = read_made(made_jpeg(NULL, NULL, &iptc));
            assert_string_equal(m->taken, cases[i].taken);
            assert_int_equal(m->taken_from,
                             cases[i].taken[0] ? GLIMPSE_TAKEN_XMP : GLIMPSE_TAKEN_UNKNOWN);
            assert_int_equal(m->has_offset, cases[i].has_offset);
            assert_int_equal(m->offset_minutes, cases[i].offset);
            assert_int_equal(m->taken_precision, cases[i].precision);
            assert_int_equal(m->taken_is_modification, 0);
            assert_string_equal(m->title, "a title");
            glimpse_metadata_free(m);
        }
    }
}

/* What was written when the picture was taken counts before what was written when it was saved. */
static void a_date_of_iptc_counts_behind_xmp_and_before_the_last_change(void **state) {
    (void)state;
    made iptc = {.size = 0};
    made_add_iptc(&iptc, 62, "20160101");
    made_add_iptc(&iptc, 55, "20150101");
    const made modified = made_exif_text(IN_IFD0, DATE_TIME, "2018:01:01 01:01:01");
    const made original = made_exif_text(IN_EXIF, ORIGINAL, "2011:01:01 01:01:01");
    check(made_jpeg(&modified, NULL, &iptc), "2015-01-01T00:00:00", GLIMPSE_TAKEN_XMP);
    check(made_jpeg(&original, NULL, &iptc), "2011-01-01T01:01:01", GLIMPSE_TAKEN_EXIF);
    check(made_jpeg(NULL, made_xmp("xmp:CreateDate='2017-01-01'", ""), &iptc),
          "2017-01-01T00:00:00", GLIMPSE_TAKEN_XMP);
    check(made_jpeg(NULL, made_xmp("tiff:DateTime='2019-01-01'", ""), &iptc), "2015-01-01T00:00:00",
          GLIMPSE_TAKEN_XMP);
}

static void the_creation_time_of_a_png_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *taken;
        int has_offset, offset;
    } cases[] = {
        {"Thu, 04 Jul 2019 10:15:02 GMT", "2019-07-04T10:15:02", 1, 0},
        {"Thu, 04 Jul 2019 10:15:02 +0200", "2019-07-04T10:15:02", 1, 120},
        {"4 Jul 2019 10:15:02 -0330", "2019-07-04T10:15:02", 1, -210},
        {"04 Jul 19 10:15:02 EST", "2019-07-04T10:15:02", 1, -300},
        {"Thursday, 04-Jul-19 10:15:02 GMT", "2019-07-04T10:15:02", 1, 0},
        {"Thu Jul  4 10:15:02 2019", "2019-07-04T10:15:02", 0, 0},
        {"Thu 04 Jul 2019 09:15:02 PM CEST", "2019-07-04T21:15:02", 0, 0},
        {"Thu 04 Jul 2019 12:15:02 AM\xe2\x80\xaf"
         "CEST",
         "2019-07-04T00:15:02", 0, 0},
        {"July 4, 2019 at 10:15", "2019-07-04T10:15:00", 0, 0},
        {"4 July 2019", "2019-07-04T00:00:00", 0, 0},
        {"2019-07-04T10:15:02+02:00", "2019-07-04T10:15:02", 1, 120},
        {"2019-07-04T10:15:02Z", "2019-07-04T10:15:02", 1, 0},
        {"2019:07:04 10:15:02", "2019-07-04T10:15:02", 0, 0},
        {"20190704101502", "2019-07-04T10:15:02", 0, 0},
        {"Sat, 30 Feb 2019 10:15:02 GMT", "", 0, 0},
        {"Thu, 04 Jul 2019 24:15:02 GMT", "", 0, 0},
        {"Thu, 04 Jul 2019 10:61:02 GMT", "", 0, 0},
        {"04 Jul 2019 13:15:02 PM", "", 0, 0},
        {"07/04/19", "", 0, 0}, /* or the 7th of April */
        {"04 Jul", "", 0, 0},
        {"Jul 2019", "", 0, 0},
        {"yesterday, 04 Jul 2019", "", 0, 0},
        {"04 Jul 2019 Aug", "", 0, 0},
        {"", "", 0, 0},
    };
    static const char *const chunks[] = {"tEXt", "zTXt", "iTXt"};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            glimpse_metadata *m =
                read_made(made_png_text(chunks[k], "Creation Time", cases[i].text));
            if (strcmp(m->taken, cases[i].taken) != 0)
                fail_msg("'%s' in %s is '%s'", cases[i].text, chunks[k], m->taken);
            assert_int_equal(m->taken_from,
                             cases[i].taken[0] ? GLIMPSE_TAKEN_XMP : GLIMPSE_TAKEN_UNKNOWN);
            assert_int_equal(m->has_offset, cases[i].has_offset);
            assert_int_equal(m->offset_minutes, cases[i].offset);
            glimpse_metadata_free(m);
        }
        check(made_png_text(chunks[k], "Comment", "Thu, 04 Jul 2019 10:15:02 GMT"), "",
              GLIMPSE_TAKEN_UNKNOWN);
        check(made_png_text(chunks[k], "date:create", "2019-07-04T10:15:02+02:00"), "",
              GLIMPSE_TAKEN_UNKNOWN); /* of the file that it was made from */
    }
}

static void names_of_files_are_dates_only_when_they_say_so(void **state) {
    (void)state;
    static const written cases[] = {
        {"IMG_20190704_101502.jpg", "2019-07-04T10:15:02"},
        {"/home/IMG_20180101_000000/IMG_20190704_101502.jpg", "2019-07-04T10:15:02"},
        {"2019-07-04 10.15.02.jpg", "2019-07-04T10:15:02"},
        {"2019-07-04 10.15.02-2.jpg", "2019-07-04T10:15:02"},
        {"2019-07-04_10-15-02.png", "2019-07-04T10:15:02"},
        {"2019_07_04_10_15_02.png", "2019-07-04T10:15:02"},
        {"2019.07.04 10.15.jpg", "2019-07-04T10:15:00"},
        {"20190704101502.jpg", "2019-07-04T10:15:02"},
        {"20190704T101502.jpg", "2019-07-04T10:15:02"},
        {"PXL_20190704_101502123.jpg", "2019-07-04T10:15:02"},
        {"PXL_20190704_101502123.MP.jpg", "2019-07-04T10:15:02"},
        {"Screenshot 2019-07-04 at 10.15.02.png", "2019-07-04T10:15:02"},
        {"Screenshot 2019-07-04 at 10.15.02 PM.png", "2019-07-04T22:15:02"},
        {"Screen Shot 2019-07-04 at 12.15.02 AM.png", "2019-07-04T00:15:02"},
        {"Screenshot_20190704-101502.png", "2019-07-04T10:15:02"},
        {"IMG-20190704-WA0003.jpg", "2019-07-04T00:00:00"},
        {"signal-2019-07-04-101502.jpg", "2019-07-04T10:15:02"},
        {"2019-07-04.jpg", "2019-07-04T00:00:00"},
        {"1931-05-02 wedding.jpg", "1931-05-02T00:00:00"},
        {"a1b2 20190704.jpg", "2019-07-04T00:00:00"},
        {"20190230.jpg", ""},
        {"2019-02-30 10.15.02.jpg", ""},
        {"IMG_1234.jpg", ""},
        {"2019.jpg", ""},
        {"2019-07.jpg", ""},
        {"120190704.jpg", ""},
        {"201907041.jpg", ""},
        {"19310502.jpg", ""},   /* any number of eight digits */
        {"2019-07_04.jpg", ""}, /* two separators */
        {"31071904.jpg", ""},
        {"", ""},
        {"2019-07-04/IMG_1.jpg", ""}, /* a directory's name */
        /* Screen shots, in the languages of those who take them. */
        {"Screenshot 2019-07-04 at 9.15.02 PM.png", "2019-07-04T21:15:02"},
        {"Screenshot 2019-07-04 at 9.15.02\xe2\x80\xafPM.png", "2019-07-04T21:15:02"},
        {"Screenshot 2019-07-04 at 9.15.02\xc2\xa0p.m..png", "2019-07-04T21:15:02"},
        {"Screenshot 2019-07-04 at 9.15.02 a.m. (2).png", "2019-07-04T09:15:02"},
        {"Screenshot 2019-07-04 at 12.15.02 AM.png", "2019-07-04T00:15:02"},
        {"screenshot_2019-07-04_at_9.15.02_pm.png", "2019-07-04T21:15:02"},
        {"Screenshot from 2019-07-04 10-15-02.png", "2019-07-04T10:15:02"},
        {"Bildschirmfoto 2019-07-04 um 21.15.02.png", "2019-07-04T21:15:02"},
        {"Capture d\xe2\x80\x99\xc3\xa9"
         "cran 2019-07-04 \xc3\xa0 21.15.02.png",
         "2019-07-04T21:15:02"},
        {"Capture d'e\xcc\x81"
         "cran 2019-07-04 a\xcc\x80 21.15.02.png",
         "2019-07-04T21:15:02"},
        {"Captura de pantalla 2019-07-04 a las 21.15.02.png", "2019-07-04T21:15:02"},
        {"Captura de pantalla 2019-07-04 a la(s) 9.15.02 p.m..png", "2019-07-04T21:15:02"},
        {"Captura de pantalla 2019-07-04 a las 9.15.02 p. m..png", "2019-07-04T21:15:02"},
        {"Schermata 2019-07-04 alle ore 21.15.02.png", "2019-07-04T21:15:02"},
        {"Schermafbeelding 2019-07-04 om 21.15.02.png", "2019-07-04T21:15:02"},
        {"Sk\xc3\xa6rmbillede 2019-07-04 kl. 21.15.02.png", "2019-07-04T21:15:02"},
        {"\xd0\xa1\xd0\xbd\xd0\xb8\xd0\xbc\xd0\xbe\xd0\xba 2019-07-04 \xd0\xb2 21.15.02.png",
         "2019-07-04T21:15:02"},
        {"\xe6\x88\xaa\xe5\xb1\x8f"
         "2019-07-04 \xe4\xb8\x8b\xe5\x8d\x88"
         "9.15.02.png",
         "2019-07-04T21:15:02"},
        {"\xe3\x82\xb9 2019-07-04 21.15.02.png", "2019-07-04T21:15:02"},
        {"WhatsApp Image 2019-07-04 at 9.15.02 PM.jpeg", "2019-07-04T21:15:02"},
        /* Telephones. */
        {"IMG-20190704-WA0001.jpg", "2019-07-04T00:00:00"},
        {"Screenshot_20190704-101502_Chrome.jpg", "2019-07-04T10:15:02"},
        {"Screenshot_2019-07-04-10-15-02-123_com.app.png", "2019-07-04T10:15:02"},
        {"signal-2019-07-04-10-15-02-123.jpg", "2019-07-04T10:15:02"},
        {"IMG20190704101502.jpg", "2019-07-04T10:15:02"},
        {"00100dPORTRAIT_00100_BURST20190704101502123_COVER.jpg", "2019-07-04T10:15:02"},
        {"WP_20190704_10_15_02_Pro.jpg", "2019-07-04T10:15:02"},
        {"WP_20130704_001.jpg", "2013-07-04T00:00:00"},
        {"20190704_101502HDR.jpg", "2019-07-04T10:15:02"},
        {"2019-07-04 9.05.02.jpg", "2019-07-04T09:05:02"},
        {"2019-07-04 1.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 holiday 12.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 room 10.15.jpg", "2019-07-04T00:00:00"},
        {"20190704_1015_amsterdam.jpg", "2019-07-04T10:15:00"},
        {"20190704.jpg", "2019-07-04T00:00:00"},
        {"20190704a.jpg", "2019-07-04T00:00:00"},
        {"Foto20190704.jpg", "2019-07-04T00:00:00"},
        /* No times. */
        {"20190704101560.jpg", ""},
        {"2019-07-04 10.15.60.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 at 13.15.02 PM.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 at 25.15.02.jpg", "2019-07-04T00:00:00"},
        /* Sizes. */
        {"20190704_1920x1080.jpg", "2019-07-04T00:00:00"},
        {"20190704-1024x768.jpg", "2019-07-04T00:00:00"},
        {"IMG_20190704_1200px.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 1920x1080.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04_1024w.jpg", "2019-07-04T00:00:00"},
        {"2019-07-04 1015PM.jpg", "2019-07-04T22:15:00"},
        {"20190704_1015Z.jpg", "2019-07-04T10:15:00"},
        {"20190704T1015.jpg", "2019-07-04T10:15:00"},
        {"20190704_101502_1920x1080.jpg", "2019-07-04T10:15:02"},
        /* Hashes, numbers, versions. */
        {"3f20190704ab.jpg", ""},
        {"deadbeef20190704.jpg", ""},
        {"20190704deadbeef.jpg", ""},
        {"20190704a1b2.jpg", ""},
        {"20190704-e29b-41d4-a716-446655440000.jpg", ""},
        {"550e8400-e29b-41d4-a716-201907041015.jpg", ""},
        {"da39a3ee20190704101502ab0d3255bfef95601890afd8.jpg", ""},
        {"f20190704.jpg", ""}, /* what tools call a file that they found on a damaged disk */
        {"12345678201907041234.jpg", ""},
        {"v2019.07.04.png", ""},
        {"app-v20190704.png", ""},
        {"tool 1.2019.07.04.png", ""},
        {"1562228102123.jpg", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char taken[32] = "?";
        const int found = glimpse_date_of_name(taken, cases[i].text);
        if (strcmp(taken, cases[i].taken) != 0 || found != (cases[i].taken[0] != '\0'))
            fail_msg("'%s' is '%s', not '%s'", cases[i].text, taken, cases[i].taken);
    }
}

/* A name says so, or the clock of the camera is all there is. */
static void names_in_utc_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int utc;
    } cases[] = {{"PXL_20190704_101502123.jpg", 1}, {"PXL_20190704_101502123.MP.jpg", 1},
                 {"20190704T101502Z.jpg", 1},       {"2019-07-04T10-15-02Z.jpg", 1},
                 {"IMG_20190704_101502.jpg", 0},    {"2019-07-04T10-15-02Zebra.jpg", 0},
                 {"PXL_20190704.jpg", 0},           {"none.jpg", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int minutes = 1;
        if (glimpse_offset_of_name(&minutes, cases[i].name) != cases[i].utc)
            fail_msg("%s", cases[i].name);
        assert_int_equal(minutes, 0);
    }
}

static void the_cases_of_2019_are_of_2019(void **state) {
    (void)state;
    static const char *const names[] = {"control.jpg", "datetime_only.jpg",
                                        "zero_original_then_datetime.jpg", "date_without_time.jpg"};
    if (!shared_path_if_there("cases/dates")) {
        print_message("SKIPPED: no shared cases\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char relative[64];
        (void)snprintf(relative, sizeof relative, "cases/dates/%s", names[i]);
        glimpse_metadata *m = NULL;
        assert_ok(glimpse_metadata_load(&m, shared_path(relative)));
        assert_memory_equal(m->taken, "2019-", 5);
        assert_int_equal(m->taken_from, GLIMPSE_TAKEN_EXIF);
        glimpse_metadata_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_counts_in_every_place_where_exif_may_have_it),
        cmocka_unit_test(other_separators_and_one_digit_fields_are_read),
        cmocka_unit_test(padding_does_not_matter),
        cmocka_unit_test(a_date_without_time_or_seconds_is_a_date),
        cmocka_unit_test(dates_that_do_not_exist_are_none),
        cmocka_unit_test(zeros_and_blanks_give_way_to_a_good_date),
        cmocka_unit_test(of_several_dates_the_first_of_the_order_counts),
        cmocka_unit_test(xmp_dates_are_read_as_attributes_and_elements),
        cmocka_unit_test(what_is_nested_in_xmp_is_no_date_of_the_picture),
        cmocka_unit_test(offset_and_subseconds_are_those_of_the_date_that_counts),
        cmocka_unit_test(every_container_is_read),
        cmocka_unit_test(names_of_files_are_dates_only_when_they_say_so),
        cmocka_unit_test(the_dates_of_iptc_are_read),
        cmocka_unit_test(a_date_of_iptc_counts_behind_xmp_and_before_the_last_change),
        cmocka_unit_test(the_creation_time_of_a_png_is_read),
        cmocka_unit_test(names_in_utc_are_told_apart),
        cmocka_unit_test(the_cases_of_2019_are_of_2019),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * image/holdings/found_statements.c - everything that EXIF, IPTC and XMP say, but for what nobody
 * would miss: software and history, identities of documents, previews, names of formats, dates of
 * changes, sizes and technicalities of how the pixels are stored, makers' notes. What is in no list
 * below counts.
 *
 * A text is a part by its words, wherever they stand: programs write the same ones into several
 * blocks. Numbers and short codes are parts with their names, which are those of XMP.
 */
#include "image/holdings/found.h"

#include "metadata/statements.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NOTHING = -1,
    OTHER = GLIMPSE_HOLDING_METADATA,
    CAPTION = GLIMPSE_HOLDING_CAPTION,
    TITLE = GLIMPSE_HOLDING_TITLE,
    KEYWORDS = GLIMPSE_HOLDING_KEYWORDS,
    PEOPLE = GLIMPSE_HOLDING_PEOPLE,
    RATING = GLIMPSE_HOLDING_RATING,
    LABEL = GLIMPSE_HOLDING_LABEL,
    PLACE = GLIMPSE_HOLDING_PLACE,
    DATE = GLIMPSE_HOLDING_DATE,
    CREATOR = GLIMPSE_HOLDING_CREATOR,
    COPYRIGHT = GLIMPSE_HOLDING_COPYRIGHT,
    CAMERA = GLIMPSE_HOLDING_CAMERA,
    EDITS = GLIMPSE_HOLDING_EDITS
};

/*
 * EXIF.
 */
typedef struct tag_rule {
    unsigned first, last;
    int kind;
    const char *name; /* of numbers */
} tag_rule;

static const tag_rule exif_rules[] = {
    {0x00fe, 0x010c, NOTHING, ""},
    {0x010e, 0x010e, CAPTION, ""},
    {0x010f, 0x0119, NOTHING, ""}, /* the camera's name is read elsewhere */
    {0x011a, 0x011c, NOTHING, ""},
    {0x011e, 0x0131, NOTHING, ""},
    {0x0132, 0x0132, NOTHING, ""}, /* the date of a change */
    {0x013b, 0x013b, CREATOR, ""},
    {0x013c, 0x015b, NOTHING, ""},
    {0x0200, 0x0214, NOTHING, ""},
    {0x02bc, 0x02bc, NOTHING, ""}, /* XMP */
    {0x1000, 0x1002, NOTHING, ""},
    {0x4746, 0x4746, RATING, "stars"},
    {0x4749, 0x4749, RATING, "percent"},
    {0x8298, 0x8298, COPYRIGHT, ""},
    {0x829a, 0x829a, NOTHING, ""}, /* exposure, aperture: read elsewhere */
    {0x829d, 0x829d, NOTHING, ""},
    {0x830e, 0x830e, PLACE, "ModelPixelScale"},
    {0x83bb, 0x83bb, NOTHING, ""}, /* IPTC */
    {0x8480, 0x8482, PLACE, "ModelTiepoint"},
    {0x85d8, 0x85d8, PLACE, "ModelTransformation"},
    {0x8649, 0x8649, NOTHING, ""}, /* resources of Photoshop */
    {0x8769, 0x8773, NOTHING, ""},
    {0x87af, 0x87b1, PLACE, "GeoKeys"},
    {0x8822, 0x8822, CAMERA, "ExposureProgram"},
    {0x8825, 0x8825, NOTHING, ""},
    {0x8827, 0x8827, NOTHING, ""}, /* sensitivity: read elsewhere */
    {0x8828, 0x8828, NOTHING, ""},
    {0x8830, 0x8835, NOTHING, ""},
    {0x9000, 0x9000, NOTHING, ""},
    {0x9003, 0x9004, DATE, ""},
    {0x9010, 0x9012, NOTHING, ""}, /* offsets, read with their dates */
    {0x9101, 0x9102, NOTHING, ""},
    {0x9201, 0x9201, CAMERA, "ShutterSpeedValue"},
    {0x9202, 0x9202, CAMERA, "ApertureValue"},
    {0x9203, 0x9203, CAMERA, "BrightnessValue"},
    {0x9204, 0x9204, CAMERA, "ExposureBiasValue"},
    {0x9205, 0x9205, CAMERA, "MaxApertureValue"},
    {0x9206, 0x9206, CAMERA, "SubjectDistance"},
    {0x9207, 0x9207, CAMERA, "MeteringMode"},
    {0x9208, 0x9208, CAMERA, "LightSource"},
    {0x9209, 0x9209, NOTHING, ""}, /* flash: a struct in XMP */
    {0x920a, 0x920a, NOTHING, ""},
    {0x9213, 0x9213, NOTHING, ""}, /* history */
    {0x9214, 0x9214, CAMERA, "SubjectArea"},
    {0x927c, 0x927c, NOTHING, ""}, /* the maker's note */
    {0x9286, 0x9286, CAPTION, ""},
    {0x9290, 0x9292, NOTHING, ""},
    {0x935c, 0x935c, NOTHING, ""}, /* layers, found elsewhere */
    {0x9c9b, 0x9c9b, TITLE, ""},
    {0x9c9c, 0x9c9c, CAPTION, ""},
    {0x9c9d, 0x9c9d, CREATOR, ""},
    {0x9c9e, 0x9c9e, KEYWORDS, ""},
    {0x9c9f, 0x9c9f, CAPTION, ""},
    {0xa000, 0xa003, NOTHING, ""},
    {0xa005, 0xa005, NOTHING, ""},
    {0xa20b, 0xa20b, CAMERA, "FlashEnergy"},
    {0xa20c, 0xa20c, NOTHING, ""},
    {0xa20e, 0xa210, NOTHING, ""}, /* resolution of the sensor */
    {0xa214, 0xa214, CAMERA, "SubjectLocation"},
    {0xa215, 0xa215, CAMERA, "ExposureIndex"},
    {0xa217, 0xa217, CAMERA, "SensingMethod"},
    {0xa300, 0xa302, NOTHING, ""},
    {0xa401, 0xa401, CAMERA, "CustomRendered"},
    {0xa402, 0xa402, CAMERA, "ExposureMode"},
    {0xa403, 0xa403, CAMERA, "WhiteBalance"},
    {0xa404, 0xa404, CAMERA, "DigitalZoomRatio"},
    {0xa405, 0xa405, CAMERA, "FocalLengthIn35mmFilm"},
    {0xa406, 0xa406, CAMERA, "SceneCaptureType"},
    {0xa407, 0xa407, CAMERA, "GainControl"},
    {0xa408, 0xa408, CAMERA, "Contrast"},
    {0xa409, 0xa409, CAMERA, "Saturation"},
    {0xa40a, 0xa40a, CAMERA, "Sharpness"},
    {0xa40b, 0xa40b, NOTHING, ""},
    {0xa40c, 0xa40c, CAMERA, "SubjectDistanceRange"},
    {0xa420, 0xa420, NOTHING, ""}, /* an identity of the document */
    {0xa430, 0xa430, CREATOR, ""},
    {0xa431, 0xa431, CAMERA, "BodySerialNumber"},
    {0xa432, 0xa432, CAMERA, "LensSpecification"},
    {0xa433, 0xa434, CAMERA, ""},
    {0xa435, 0xa435, CAMERA, "LensSerialNumber"},
    {0xa460, 0xa462, CAMERA, "Composite"},
    {0xa480, 0xa481, PLACE, "GDAL"},
    {0xa500, 0xa500, NOTHING, ""},
    {0xc4a5, 0xc4a5, NOTHING, ""}, /* for printers */
    {0xc612, 0xc7ff, NOTHING, ""}, /* how a DNG is developed */
    {0xea1c, 0xea1d, NOTHING, ""}, /* padding */
};

static const char *const gps_names[] = {"GPSVersionID",       "GPSLatitudeRef",
                                        "GPSLatitude",        "GPSLongitudeRef",
                                        "GPSLongitude",       "GPSAltitudeRef",
                                        "GPSAltitude",        "GPSTimeStamp",
                                        "GPSSatellites",      "GPSStatus",
                                        "GPSMeasureMode",     "GPSDOP",
                                        "GPSSpeedRef",        "GPSSpeed",
                                        "GPSTrackRef",        "GPSTrack",
                                        "GPSImgDirectionRef", "GPSImgDirection",
                                        "GPSMapDatum",        "GPSDestLatitudeRef",
                                        "GPSDestLatitude",    "GPSDestLongitudeRef",
                                        "GPSDestLongitude",   "GPSDestBearingRef",
                                        "GPSDestBearing",     "GPSDestDistanceRef",
                                        "GPSDestDistance",    "GPSProcessingMethod",
                                        "GPSAreaInformation", "GPSDateStamp",
                                        "GPSDifferential",    "GPSHPositioningError"};
enum { GPS_DATE = 0x1d };

/*
 * IPTC: record 2.
 */
static const tag_rule iptc_rules[] = {
    {0x0100, 0x01ff, NOTHING, ""}, /* the envelope */
    {0x0200, 0x0200, NOTHING, ""},
    {0x0205, 0x0205, TITLE, ""},
    {0x020a, 0x020a, OTHER, "Urgency"},
    {0x020f, 0x020f, KEYWORDS, "Category"},
    {0x0214, 0x0214, KEYWORDS, ""},
    {0x0219, 0x0219, KEYWORDS, ""},
    {0x021a, 0x021b, PLACE, "CountryCode"},
    {0x0237, 0x0237, DATE, ""},
    {0x023c, 0x023c, NOTHING, ""}, /* times of day beside dates */
    {0x023e, 0x023e, DATE, ""},
    {0x023f, 0x023f, NOTHING, ""},
    {0x0241, 0x0246, NOTHING, ""}, /* programs */
    {0x0250, 0x0255, CREATOR, ""},
    {0x025a, 0x0265, PLACE, "CountryCode"},
    {0x0269, 0x0269, TITLE, ""},
    {0x026e, 0x0274, COPYRIGHT, ""},
    {0x0276, 0x0276, CREATOR, ""},
    {0x0278, 0x0278, CAPTION, ""},
    {0x02c8, 0x02ca, NOTHING, ""}, /* previews */
};

static const tag_rule *rule_of(const tag_rule *rules, size_t count, unsigned tag) {
    for (size_t i = 0; i < count; i++) {
        if (tag >= rules[i].first && tag <= rules[i].last) return &rules[i];
    }
    return NULL;
}

/*
 * XMP.
 */
#define NS_EXIF      "http://ns.adobe.com/exif/1.0/"
#define NS_EXIF_EX   "http://cipa.jp/exif/1.0/"
#define NS_TIFF      "http://ns.adobe.com/tiff/1.0/"
#define NS_AUX       "http://ns.adobe.com/exif/1.0/aux/"
#define NS_PHOTOSHOP "http://ns.adobe.com/photoshop/1.0/"
#define NS_XMP       "http://ns.adobe.com/xap/1.0/"
#define NS_MM        "http://ns.adobe.com/xap/1.0/mm/"
#define NS_RIGHTS    "http://ns.adobe.com/xap/1.0/rights/"
#define NS_DC        "http://purl.org/dc/elements/1.1/"
#define NS_LIGHTROOM "http://ns.adobe.com/lightroom/1.0/"
#define NS_DIGIKAM   "http://www.digikam.org/ns/1.0/"
#define NS_IPTC_CORE "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
#define NS_IPTC_EXT  "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
#define NS_REGIONS   "http://www.metadataworkinggroup.com/schemas/regions/"
#define NS_MWG_KW    "http://www.metadataworkinggroup.com/schemas/keywords/"
#define NS_MP        "http://ns.microsoft.com/photo/1.2/"
#define NS_MS        "http://ns.microsoft.com/photo/1.0/"
#define NS_ACDSEE    "http://ns.acdsee.com/iptc/1.0/"
#define NS_MEDIAPRO  "http://ns.iview-multimedia.com/mediapro/1.0/"
#define NS_CRS       "http://ns.adobe.com/camera-raw-settings/1.0/"
#define NS_CC        "http://creativecommons.org/ns#"
#define NS_PLUS      "http://ns.useplus.org/ldf/xmp/1.0/"
#define NS_DM        "http://ns.adobe.com/xmp/1.0/DynamicMedia/"
#define NS_PDF       "http://ns.adobe.com/pdf/1.3/"

typedef struct property_rule {
    const char *space, *names; /* between blanks; NULL: all */
    int kind;
} property_rule;

static const property_rule property_rules[] = {
    {NS_DC, " format ", NOTHING},
    {NS_DC, " title ", TITLE},
    {NS_DC, " description ", CAPTION},
    {NS_DC, " subject ", KEYWORDS},
    {NS_DC, " creator contributor ", CREATOR},
    {NS_DC, " rights ", COPYRIGHT},
    {NS_DC, " coverage ", PLACE},
    {NS_DC, " date ", DATE},
    {NS_XMP,
     " CreatorTool ModifyDate MetadataDate CreateDate Thumbnails PageInfo Identifier BaseURL ",
     NOTHING},
    {NS_XMP, " Rating ", RATING},
    {NS_XMP, " Label ", LABEL},
    {NS_MM, NULL, NOTHING},
    {"http://ns.adobe.com/xmp/note/", NULL, NOTHING},
    {"http://ns.adobe.com/xap/1.0/g/img/", NULL, NOTHING},
    {"http://ns.adobe.com/xap/1.0/t/pg/", NULL, NOTHING},
    {NS_PDF, " Producer PDFVersion Trapped ", NOTHING},
    {NS_PDF, " Keywords ", KEYWORDS},
    {"http://ns.adobe.com/hdr-gain-map/1.0/", NULL, NOTHING},
    {"http://ns.apple.com/HDRGainMap/1.0/", NULL, NOTHING},
    {"http://ns.google.com/photos/1.0/camera/", NULL, NOTHING},
    {"http://ns.google.com/photos/1.0/container/", NULL, NOTHING},
    {"http://ns.google.com/photos/1.0/creations/", NULL, NOTHING},
    {"http://ns.google.com/photos/1.0/depthmap/", NULL, GLIMPSE_HOLDING_DEPTH_MAP},
    {"http://ns.google.com/photos/1.0/image/", NULL, GLIMPSE_HOLDING_VIEWS},
    {"http://ns.google.com/photos/1.0/audio/", NULL, GLIMPSE_HOLDING_AUDIO},
    {NS_PHOTOSHOP,
     " ColorMode ICCProfile DocumentAncestors LegacyIPTCDigest SidecarForExtension History "
     "EmbeddedXMPDigest TextLayers ",
     NOTHING},
    {NS_PHOTOSHOP, " Headline ", TITLE},
    {NS_PHOTOSHOP, " City State Country ", PLACE},
    {NS_PHOTOSHOP, " Credit Source ", COPYRIGHT},
    {NS_PHOTOSHOP, " AuthorsPosition ", CREATOR},
    {NS_PHOTOSHOP, " SupplementalCategories Category ", KEYWORDS},
    {NS_PHOTOSHOP, " DateCreated ", DATE},
    {NS_IPTC_CORE, " AltTextAccessibility ExtDescrAccessibility ", CAPTION},
    {NS_IPTC_CORE, " Location CountryCode ", PLACE},
    {NS_IPTC_CORE, " CreatorContactInfo ", CREATOR},
    {NS_IPTC_EXT, " PersonInImage PersonInImageWDetails PersonInImageName ", PEOPLE},
    {NS_IPTC_EXT, " LocationShown LocationCreated ", PLACE},
    {NS_IPTC_EXT, " RegistryId DigImageGUID ", NOTHING},
    {NS_RIGHTS, NULL, COPYRIGHT},
    {NS_CC, NULL, COPYRIGHT},
    {NS_PLUS, NULL, COPYRIGHT},
    {NS_LIGHTROOM, " hierarchicalSubject weightedFlatSubject ", KEYWORDS},
    {NS_DIGIKAM, " TagsList ", KEYWORDS},
    {NS_DIGIKAM, " ColorLabel PickLabel ", LABEL},
    {NS_DIGIKAM, " ImageHistory ImageUniqueID ", NOTHING},
    {NS_DIGIKAM, " CaptionsAuthorNames CaptionsDateTimeStamps ", CAPTION},
    {NS_DM, " pick good ", LABEL},
    {NS_MEDIAPRO, " People ", PEOPLE},
    {NS_MEDIAPRO, " CatalogSets ", KEYWORDS},
    {NS_MEDIAPRO, " Location ", PLACE},
    {NS_MEDIAPRO, " Event ", OTHER},
    {NS_MWG_KW, NULL, KEYWORDS},
    {NS_ACDSEE, " caption notes ", CAPTION},
    {NS_ACDSEE, " keywords categories ", KEYWORDS},
    {NS_ACDSEE, " author ", CREATOR},
    {NS_ACDSEE, " rating ", RATING},
    {NS_ACDSEE, " tagged ", LABEL},
    {NS_ACDSEE, " datetime ", DATE},
    {NS_MS, " Rating ", RATING},
    {NS_MS, " LastKeywordXMP LastKeywordIPTC ", KEYWORDS},
    {NS_MS, " DateAcquired ", NOTHING},
    {NS_TIFF, " ImageDescription ", CAPTION},
    {NS_TIFF, " Artist ", CREATOR},
    {NS_TIFF, " Copyright ", COPYRIGHT},
    {NS_TIFF, NULL, NOTHING},
    {NS_EXIF, " UserComment ", CAPTION},
    {NS_EXIF, " DateTimeOriginal DateTimeDigitized ", DATE},
    {NS_EXIF,
     " ExposureTime FNumber FocalLength ISOSpeedRatings Flash PixelXDimension PixelYDimension "
     "ColorSpace NativeDigest ExifVersion FlashpixVersion ComponentsConfiguration "
     "CompressedBitsPerPixel MakerNote ImageUniqueID CFAPattern SpatialFrequencyResponse "
     "FocalPlaneXResolution FocalPlaneYResolution FocalPlaneResolutionUnit "
     "DeviceSettingDescription OECF FileSource SceneType Gamma SubSecTime SubSecTimeOriginal "
     "SubSecTimeDigitized OffsetTime OffsetTimeOriginal OffsetTimeDigitized ",
     NOTHING},
    {NS_EXIF, NULL, CAMERA},
    {NS_EXIF_EX,
     " PhotographicSensitivity SensitivityType RecommendedExposureIndex StandardOutputSensitivity "
     "ISOSpeed ISOSpeedLatitudeyyy ISOSpeedLatitudezzz InteroperabilityIndex Gamma "
     "OffsetTime OffsetTimeOriginal OffsetTimeDigitized ",
     NOTHING},
    {NS_EXIF_EX, " CameraOwnerName ", CREATOR},
    {NS_EXIF_EX, NULL, CAMERA},
    {NS_AUX, " Lens LensInfo SerialNumber LensSerialNumber ", CAMERA},
    {NS_AUX, " OwnerName ", CREATOR},
    {NS_AUX, NULL, NOTHING}, /* made of the maker's note */
};

/* The property itself, without what is in it. */
static int begins_with(const char *names, const char *path) {
    const size_t length = strcspn(path, "/");
    for (const char *at = names; *at;) {
        while (*at == ' ')
            at++;
        const size_t word = strcspn(at, " ");
        if (word == length && word > 0 && strncmp(at, path, word) == 0) return 1;
        at += word;
    }
    return 0;
}

/* In a struct or a list of the property. */
static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int kind_of_region(const char *path) {
    const char *last = last_name(path);
    if (strcmp(last, "Name") == 0 || strcmp(last, "PersonDisplayName") == 0) return PEOPLE;
    return strcmp(last, "Description") == 0 ? CAPTION : NOTHING;
}

static int kind_of_property(const char *space, const char *path) {
    if (strcmp(space, NS_REGIONS) == 0 || strcmp(space, NS_MP) == 0) return kind_of_region(path);
    if (strcmp(space, NS_EXIF) == 0 && strncmp(path, "GPS", 3) == 0) return PLACE;
    for (size_t i = 0; i < sizeof property_rules / sizeof *property_rules; i++) {
        const property_rule *r = &property_rules[i];
        if (strcmp(space, r->space) == 0 && (!r->names || begins_with(r->names, path)))
            return r->kind;
    }
    return OTHER;
}

/*
 * Parts.
 */
typedef struct reader {
    glimpse_found *found;
    int edits_hold; /* settings of a developer are edits still to be made */
    char gps_reference;
    double degrees[3];
    unsigned gps_tag, degree_count; /* degrees, minutes, seconds that were read */
} reader;

static int is_words(const char *text) {
    size_t letters = 0;
    if (strcmp(text, "True") == 0 || strcmp(text, "False") == 0) return 0;
    for (; *text; text++)
        letters += (unsigned char)*text >= 0x80 || isalpha((unsigned char)*text);
    return letters >= 3;
}

/* "28/10" and "2.8" are one number; 0 when it is none. */
static int number_of(double *out, const char *text) {
    double part[2] = {0, 1};
    const char *at = text;
    for (int i = 0; i < 2; i++) {
        double value = 0, scale = 1;
        int digits = 0;
        const int negative = *at == '-';
        if (*at == '-' || *at == '+') at++;
        for (; *at >= '0' && *at <= '9'; at++, digits++)
            value = value * 10 + (*at - '0');
        if (*at == '.') {
            for (at++; *at >= '0' && *at <= '9'; at++, digits++) {
                scale /= 10;
                value += (*at - '0') * scale;
            }
        }
        if (digits == 0) return 0;
        part[i] = negative ? -value : value;
        if (*at != '/') break;
        at++;
    }
    if (*at || !(part[1] > 0 || part[1] < 0)) return 0;
    *out = part[0] / part[1];
    return isfinite(*out);
}

static void add_named(glimpse_found *to, int kind, const char *name, const char *value) {
    const size_t size = strlen(name) + strlen(value) + 2;
    char *text = malloc(size);
    if (!text) {
        to->nomem = 1;
        return;
    }
    (void)snprintf(text, size, "%s=%s", name, value);
    glimpse_found_add_text(to, (glimpse_holding_kind)kind, text);
    free(text);
}

static void add_number(glimpse_found *to, int kind, const char *name, double number) {
    char text[40];
    (void)snprintf(text, sizeof text, "%.4g", number + 0.0);
    add_named(to, kind, name, text);
}

/* As found_metadata.c writes it. */
static void add_stars(glimpse_found *to, const char *value, int is_percent) {
    double stars = 0;
    char text[40];
    if (!number_of(&stars, value)) {
        glimpse_found_add_text(to, GLIMPSE_HOLDING_RATING, value);
        return;
    }
    if (is_percent && stars > 0) stars = stars < 13 ? 1 : stars > 98 ? 5 : floor(stars / 25) + 1;
    if (!(stars > 0 || stars < 0)) return;
    (void)snprintf(text, sizeof text, "rating %.4g", stars);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_RATING, text);
}

/* Items of one text, each a part. */
static void add_items(glimpse_found *to, int kind, const char *text) {
    while (*text) {
        const size_t length = strcspn(text, ";");
        char *item = malloc(length + 1);
        if (!item) {
            to->nomem = 1;
            return;
        }
        memcpy(item, text, length);
        item[length] = '\0';
        glimpse_found_add_text(to, (glimpse_holding_kind)kind, item);
        free(item);
        text += length + (text[length] == ';');
    }
}

/* "place|mill" with the last level for itself: a program that knows no levels keeps that. */
static void add_levels(glimpse_found *to, const char *text, char separator) {
    const char *last = strrchr(text, separator);
    char *whole = strdup(text);
    if (!whole) {
        to->nomem = 1;
        return;
    }
    for (char *c = whole; *c; c++)
        if (*c == separator) *c = '|';
    glimpse_found_add_text(to, GLIMPSE_HOLDING_KEYWORDS, whole);
    if (last) glimpse_found_add_text(to, GLIMPSE_HOLDING_KEYWORDS, last + 1);
    free(whole);
}

void glimpse_found_date(glimpse_found *to, const char *text) {
    static const size_t lengths[] = {[GLIMPSE_PRECISION_SECOND] = 19,
                                     [GLIMPSE_PRECISION_MINUTE] = 19,
                                     [GLIMPSE_PRECISION_DAY] = 10,
                                     [GLIMPSE_PRECISION_MONTH] = 7,
                                     [GLIMPSE_PRECISION_YEAR] = 4};
    glimpse_moment moment;
    char compact[20];
    size_t digits = 0;
    while (digits < 9 && isdigit((unsigned char)text[digits]))
        digits++;
    if (digits == 8) { /* IPTC: 20190505 */
        (void)snprintf(compact, sizeof compact, "%.4s-%.2s-%.2s", text, text + 4, text + 6);
        text = compact;
    }
    if (!glimpse_moment_parse(&moment, text, strlen(text), 1) || !moment.text[0]) {
        if (strpbrk(text, "123456789")) glimpse_found_add_text(to, GLIMPSE_HOLDING_DATE, text);
        return;
    }
    const size_t length = lengths[moment.precision];
    moment.text[length] = '\0';
    glimpse_found_add_text(to, GLIMPSE_HOLDING_DATE, moment.text);
    /* The day alone is known as well. */
    if (length <= 10) return;
    moment.text[10] = '\0';
    glimpse_found_add_text(to, GLIMPSE_HOLDING_DATE, moment.text);
}

static void add_value(reader *r, int kind, const char *name, const char *text) {
    glimpse_found *to = r->found;
    double number = 0;
    while (isspace((unsigned char)*text))
        text++;
    if (!*text || strspn(text, " 0:\t\n\r") == strlen(text)) {
        /* Nothing, or dates and numbers that say nothing; a zero of a camera is a value. */
        if (!*text || (kind != CAMERA && kind != PLACE && kind != COPYRIGHT)) return;
    }
    switch (kind) {
    case RATING: add_stars(to, text, 0); return;
    case DATE: glimpse_found_date(to, text); return;
    case CAPTION: glimpse_found_comment(to, (const uint8_t *)text, strlen(text)); return;
    case TITLE:
    case KEYWORDS:
    case PEOPLE:
    case CREATOR: glimpse_found_add_text(to, (glimpse_holding_kind)kind, text); return;
    default: break;
    }
    if (is_words(text)) {
        glimpse_found_add_text(to, (glimpse_holding_kind)kind, text);
    } else if (number_of(&number, text)) {
        add_number(to, kind, name, number);
    } else {
        add_named(to, kind, name, text);
    }
}

/*
 * Places.
 */
/* Degrees of either block: "latitude=48.8583". */
static void add_degrees(glimpse_found *to, const char *name, double degrees) {
    char text[40];
    (void)snprintf(text, sizeof text, "%.4f", degrees + 0.0);
    add_named(to, GLIMPSE_HOLDING_PLACE, name, text);
}

static void end_degrees(reader *r) {
    if (r->degree_count == 0) return;
    double degrees = r->degrees[0] + r->degrees[1] / 60 + r->degrees[2] / 3600;
    if (r->gps_reference == 'S' || r->gps_reference == 'W') degrees = -degrees;
    add_degrees(r->found, gps_names[r->gps_tag], degrees);
    r->degree_count = 0;
}

static int is_degrees(const char *name) {
    static const char *const names[] = {"GPSLatitude", "GPSLongitude", "GPSDestLatitude",
                                        "GPSDestLongitude"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) return 1;
    }
    return 0;
}

static int is_unused_place(const char *name) {
    static const char *const names[] = {
        "GPSVersionID",    "GPSAltitude",        "GPSAltitudeRef",     "GPSLatitudeRef",
        "GPSLongitudeRef", "GPSDestLatitudeRef", "GPSDestLongitudeRef"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) return 1;
    }
    return 0;
}

static void on_gps(reader *r, const glimpse_statement *s) {
    const char *name = s->tag < sizeof gps_names / sizeof *gps_names ? gps_names[s->tag] : "GPS";
    if (s->tag != r->gps_tag) {
        end_degrees(r);
        r->gps_tag = s->tag;
        if (s->text && (s->tag == 1 || s->tag == 3 || s->tag == 19 || s->tag == 21))
            r->gps_reference = s->text[0];
    }
    if (!s->text) {
        glimpse_found_add(r->found, GLIMPSE_HOLDING_PLACE, s->data, s->size);
    } else if (is_degrees(name)) {
        if (r->degree_count == 0) memset(r->degrees, 0, sizeof r->degrees);
        if (r->degree_count < 3) (void)number_of(&r->degrees[r->degree_count++], s->text);
    } else if (s->tag == GPS_DATE) {
        glimpse_moment moment;
        if (glimpse_moment_parse(&moment, s->text, strlen(s->text), 1))
            add_named(r->found, PLACE, "GPSDateStamp", (moment.text[10] = '\0', moment.text));
    } else if (strcmp(name, "GPSMapDatum") == 0) {
        if (strncmp(s->text, "WGS", 3) != 0) add_value(r, PLACE, name, s->text);
    } else if (!is_unused_place(name)) {
        add_value(r, PLACE, name, s->text);
    }
}

static void on_place(reader *r, const char *name, const char *text) {
    if (is_unused_place(name)) return;
    if (strcmp(name, "GPSMapDatum") == 0 && strncmp(text, "WGS", 3) == 0) return;
    if (strcmp(name, "GPSTimeStamp") == 0) { /* EXIF has day and time in two tags */
        glimpse_moment moment;
        if (!glimpse_moment_parse(&moment, text, strlen(text), 1) ||
            moment.precision > GLIMPSE_PRECISION_MINUTE) {
            add_value(r, PLACE, name, text);
            return;
        }
        for (int i = 0; i < 3; i++) {
            const char unit[3] = {moment.text[11 + 3 * i], moment.text[12 + 3 * i], '\0'};
            add_value(r, PLACE, name, unit);
        }
        moment.text[10] = '\0';
        add_named(r->found, PLACE, "GPSDateStamp", moment.text);
        return;
    }
    if (!is_degrees(name)) {
        add_value(r, PLACE, name, text);
        return;
    }
    double degrees = 0, weight = 1;
    char copy[64];
    (void)snprintf(copy, sizeof copy, "%s", text);
    const size_t length = strlen(copy);
    const char sign = length > 0 ? copy[length - 1] : '\0';
    if (length > 0 && isalpha((unsigned char)sign)) copy[length - 1] = '\0';
    for (char *at = copy; *at; weight /= 60) {
        double part = 0;
        char *comma = strchr(at, ',');
        if (comma) *comma = '\0';
        if (number_of(&part, at)) degrees += part * weight;
        if (!comma) break;
        at = comma + 1;
    }
    add_degrees(r->found, name, sign == 'S' || sign == 'W' ? -degrees : degrees);
}

/*
 * What is said.
 */
static void on_exif(reader *r, const glimpse_statement *s) {
    char name[16];
    const tag_rule *rule = rule_of(exif_rules, sizeof exif_rules / sizeof *exif_rules, s->tag);
    const int kind = rule ? rule->kind : OTHER;
    if (kind == NOTHING) return;
    (void)snprintf(name, sizeof name, "0x%04x", s->tag);
    if (!s->text) {
        if (kind != CAPTION)
            glimpse_found_add(r->found, (glimpse_holding_kind)kind, s->data, s->size);
    } else if (s->tag == 0x4749) {
        add_stars(r->found, s->text, 1);
    } else if (s->tag == 0x013b || s->tag == 0x9c9d || s->tag == 0x9c9e) {
        add_items(r->found, kind, s->text);
    } else {
        add_value(r, kind, rule && rule->name[0] ? rule->name : name, s->text);
    }
}

static void on_iptc(reader *r, const glimpse_statement *s) {
    char name[16];
    const tag_rule *rule = rule_of(iptc_rules, sizeof iptc_rules / sizeof *iptc_rules, s->tag);
    const int kind = rule ? rule->kind : OTHER;
    if (kind == NOTHING) return;
    (void)snprintf(name, sizeof name, "iptc %u", s->tag);
    if (s->text) {
        add_value(r, kind, rule && rule->name[0] ? rule->name : name, s->text);
    } else {
        glimpse_found_add(r->found, (glimpse_holding_kind)kind, s->data, s->size);
    }
}

static void on_xmp(reader *r, const glimpse_statement *s) {
    const int kind = kind_of_property(s->space, s->name);
    const char *last = last_name(s->name);
    if (strcmp(s->space, NS_CRS) == 0) {
        if (r->edits_hold && strcmp(s->name, "Version") != 0 && strcmp(s->name, "HasSettings") != 0)
            add_named(r->found, EDITS, s->name, s->text);
    } else if (kind == NOTHING) {
        return;
    } else if (kind == PLACE && strcmp(s->space, NS_EXIF) == 0) {
        on_place(r, last, s->text);
    } else if (kind == RATING && strcmp(s->space, NS_MS) == 0) {
        add_stars(r->found, s->text, 1);
    } else if (kind == KEYWORDS && strcmp(s->space, NS_LIGHTROOM) == 0) {
        add_levels(r->found, s->text, '|');
    } else if (kind == KEYWORDS && strcmp(s->space, NS_DIGIKAM) == 0) {
        add_levels(r->found, s->text, '/');
    } else if (strcmp(s->space, NS_TIFF) == 0 && kind == CREATOR) {
        add_items(r->found, kind, s->text);
    } else if (strcmp(s->space, NS_AUX) == 0 && strcmp(s->name, "SerialNumber") == 0) {
        add_value(r, kind, "BodySerialNumber", s->text);
    } else if (strcmp(s->space, NS_AUX) == 0 && strcmp(s->name, "LensInfo") == 0) {
        for (const char *at = s->text; *at;) {
            char number[40];
            const size_t length = strcspn(at, " ");
            (void)snprintf(number, sizeof number, "%.*s", (int)length, at);
            add_value(r, kind, "LensSpecification", number);
            at += length + (at[length] == ' ');
        }
    } else if (kind == LABEL && strcmp(s->text, "False") == 0) {
        return;
    } else if (strncmp(s->space, "http://ns.google.com/", 21) == 0) {
        add_named(r->found, kind, s->name, s->text);
    } else {
        add_value(r, kind, last, s->text);
    }
}

static void on_statement(void *user, const glimpse_statement *s) {
    reader *r = user;
    if (s->source != GLIMPSE_STATEMENT_GPS) end_degrees(r);
    switch (s->source) {
    case GLIMPSE_STATEMENT_EXIF: on_exif(r, s); break;
    case GLIMPSE_STATEMENT_GPS: on_gps(r, s); break;
    case GLIMPSE_STATEMENT_IPTC: on_iptc(r, s); break;
    case GLIMPSE_STATEMENT_XMP: on_xmp(r, s); break;
    }
}

/* Settings that the pixels were made with are history. */
static void on_applied(void *user, const glimpse_statement *s) {
    int *is_applied = user;
    if (s->source == GLIMPSE_STATEMENT_XMP && strcmp(s->space, NS_CRS) == 0 &&
        strcmp(s->name, "AlreadyApplied") == 0 && strcmp(s->text, "True") == 0)
        *is_applied = 1;
}

void glimpse_found_statements(glimpse_found *to, const uint8_t *data, size_t size) {
    int is_applied = 0;
    if (glimpse_statements_visit(data, size, on_applied, &is_applied)) to->nomem = 1;
    reader r = {.found = to, .edits_hold = !is_applied};
    if (glimpse_statements_visit(data, size, on_statement, &r)) to->nomem = 1;
    end_degrees(&r);
}

void glimpse_found_sidecar(glimpse_found *to, const uint8_t *data, size_t size) {
    reader r = {.found = to, .edits_hold = 1};
    if (glimpse_statements_visit_xmp(data, size, on_statement, &r)) to->nomem = 1;
}

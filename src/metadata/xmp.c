/*
 * metadata/xmp.c - an XMP packet: RDF in XML, read by expat.
 *
 * A packet is a list of properties below rdf:Description: elements or attributes, simple, lists
 * (rdf:Bag, rdf:Seq, rdf:Alt of rdf:li) or structs. Only properties of the picture itself count:
 * what is nested in others (the history of its parts, for one) may have the same names. Of structs,
 * exif:Flash and the regions of people are read.
 *
 * Documents that declare entities are not XMP and are not read on: entities can grow without bound.
 */
#include "metadata/fields.h"
#include "metadata/xml_text.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 64, MAX_TEXT = 1 << 16 };
#define SEPARATOR '\t' /* between namespace and name: in no URI */

typedef enum property {
    OTHER = 0,
    LANGUAGE,
    RDF,
    DESCRIPTION_NODE,
    ITEM,
    RDF_OTHER,
    DATE_ORIGINAL,
    DATE_DIGITIZED,
    DATE_CREATED,
    CREATE_DATE,
    DATE_MODIFIED,
    MAKE,
    MODEL,
    LENS,
    EXPOSURE,
    APERTURE,
    FOCAL_LENGTH,
    ISO,
    FLASH,
    FLASH_FIRED,
    FLASH_RETURN,
    FLASH_MODE,
    FLASH_FUNCTION,
    FLASH_RED_EYE,
    LATITUDE,
    LONGITUDE,
    ALTITUDE,
    ALTITUDE_REF,
    RATING,
    LABEL,
    TITLE,
    DESCRIPTION,
    CREATOR,
    RIGHTS,
    SUBJECT,
    HIERARCHICAL,
    TAGS_LIST,
    PERSON_IN_IMAGE,
    REGIONS,
    REGION_LIST,
    REGION_NAME,
    REGION_TYPE,
    AREA,
    AREA_X,
    AREA_Y,
    AREA_WIDTH,
    AREA_HEIGHT,
    AREA_UNIT,
    MS_REGION_INFO,
    MS_REGIONS,
    MS_NAME,
    MS_RECTANGLE
} property;

#define NS_RDF       "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#define NS_XML       "http://www.w3.org/XML/1998/namespace"
#define NS_EXIF      "http://ns.adobe.com/exif/1.0/"
#define NS_EXIF_EX   "http://cipa.jp/exif/1.0/"
#define NS_TIFF      "http://ns.adobe.com/tiff/1.0/"
#define NS_AUX       "http://ns.adobe.com/exif/1.0/aux/"
#define NS_PHOTOSHOP "http://ns.adobe.com/photoshop/1.0/"
#define NS_XMP       "http://ns.adobe.com/xap/1.0/"
#define NS_DC        "http://purl.org/dc/elements/1.1/"
#define NS_LIGHTROOM "http://ns.adobe.com/lightroom/1.0/"
#define NS_DIGIKAM   "http://www.digikam.org/ns/1.0/"
#define NS_IPTC_EXT  "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
#define NS_REGIONS   "http://www.metadataworkinggroup.com/schemas/regions/"
#define NS_AREA      "http://ns.adobe.com/xmp/sType/Area#"
#define NS_MP        "http://ns.microsoft.com/photo/1.2/"
#define NS_MP_INFO   "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
#define NS_MP_REGION "http://ns.microsoft.com/photo/1.2/t/Region#"

static const struct known {
    const char *space, *name;
    size_t space_length, name_length;
    property is;
} names[] = {
#define NAME(space, name, is) \
 { space, name, sizeof(space) - 1, sizeof(name) - 1, is }
    NAME(NS_RDF, "RDF", RDF),
    NAME(NS_RDF, "Description", DESCRIPTION_NODE),
    NAME(NS_RDF, "li", ITEM),
    NAME(NS_XML, "lang", LANGUAGE),
    NAME(NS_EXIF, "DateTimeOriginal", DATE_ORIGINAL),
    NAME(NS_EXIF, "DateTimeDigitized", DATE_DIGITIZED),
    NAME(NS_PHOTOSHOP, "DateCreated", DATE_CREATED),
    NAME(NS_XMP, "CreateDate", CREATE_DATE),
    NAME(NS_TIFF, "DateTime", DATE_MODIFIED),
    NAME(NS_TIFF, "Make", MAKE),
    NAME(NS_TIFF, "Model", MODEL),
    NAME(NS_EXIF_EX, "LensModel", LENS),
    NAME(NS_AUX, "Lens", LENS),
    NAME(NS_EXIF, "ExposureTime", EXPOSURE),
    NAME(NS_EXIF, "FNumber", APERTURE),
    NAME(NS_EXIF, "FocalLength", FOCAL_LENGTH),
    NAME(NS_EXIF, "ISOSpeedRatings", ISO),
    NAME(NS_EXIF_EX, "PhotographicSensitivity", ISO),
    NAME(NS_EXIF, "Flash", FLASH),
    NAME(NS_EXIF, "Fired", FLASH_FIRED),
    NAME(NS_EXIF, "Return", FLASH_RETURN),
    NAME(NS_EXIF, "Mode", FLASH_MODE),
    NAME(NS_EXIF, "Function", FLASH_FUNCTION),
    NAME(NS_EXIF, "RedEyeMode", FLASH_RED_EYE),
    NAME(NS_EXIF, "GPSLatitude", LATITUDE),
    NAME(NS_EXIF, "GPSLongitude", LONGITUDE),
    NAME(NS_EXIF, "GPSAltitude", ALTITUDE),
    NAME(NS_EXIF, "GPSAltitudeRef", ALTITUDE_REF),
    NAME(NS_XMP, "Rating", RATING),
    NAME(NS_XMP, "Label", LABEL),
    NAME(NS_DC, "title", TITLE),
    NAME(NS_DC, "description", DESCRIPTION),
    NAME(NS_DC, "creator", CREATOR),
    NAME(NS_DC, "rights", RIGHTS),
    NAME(NS_DC, "subject", SUBJECT),
    NAME(NS_LIGHTROOM, "hierarchicalSubject", HIERARCHICAL),
    NAME(NS_DIGIKAM, "TagsList", TAGS_LIST),
    NAME(NS_IPTC_EXT, "PersonInImage", PERSON_IN_IMAGE),
    NAME(NS_REGIONS, "Regions", REGIONS),
    NAME(NS_REGIONS, "RegionList", REGION_LIST),
    NAME(NS_REGIONS, "Name", REGION_NAME),
    NAME(NS_REGIONS, "Type", REGION_TYPE),
    NAME(NS_REGIONS, "Area", AREA),
    NAME(NS_AREA, "x", AREA_X),
    NAME(NS_AREA, "y", AREA_Y),
    NAME(NS_AREA, "w", AREA_WIDTH),
    NAME(NS_AREA, "h", AREA_HEIGHT),
    NAME(NS_AREA, "unit", AREA_UNIT),
    NAME(NS_MP, "RegionInfo", MS_REGION_INFO),
    NAME(NS_MP_INFO, "Regions", MS_REGIONS),
    NAME(NS_MP_REGION, "PersonDisplayName", MS_NAME),
    NAME(NS_MP_REGION, "Rectangle", MS_RECTANGLE),
#undef NAME
};

typedef struct frame {
    property is;
    property owner; /* the nearest element that is not RDF's own */
    property top;   /* the property of the picture that this is or is in; OTHER: none */
    int is_picture; /* rdf:Description of the picture itself */
    int has_children, is_default_language, is_region;
} frame;

typedef struct reader {
    XML_Parser parser;
    glimpse_fields *fields;
    frame stack[MAX_DEPTH];
    size_t depth;
    glimpse_xml_text text;
    /* the region that is being read */
    char name[256], type[32], unit[32];
    double area[4];
    unsigned area_known; /* a bit a member */
    /* halves of what the fields have whole */
    double latitude, longitude, altitude;
    int has_latitude, has_longitude, has_altitude, below;
    int flash, has_flash;
} reader;

static property property_of(const char *name) {
    const char *separator = strchr(name, SEPARATOR);
    if (!separator) return OTHER;
    const size_t space = (size_t)(separator - name), length = strlen(separator + 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct known *k = &names[i];
        if (k->name_length == length && k->space_length == space &&
            memcmp(separator + 1, k->name, length) == 0 && memcmp(name, k->space, space) == 0)
            return k->is;
    }
    if (space == sizeof NS_RDF - 1 && memcmp(name, NS_RDF, space) == 0) return RDF_OTHER;
    return OTHER;
}

static int is_rdf(property p) {
    return p == RDF || p == DESCRIPTION_NODE || p == ITEM || p == RDF_OTHER;
}

/* "2.8", "-1", "28/10"; *end is where it stops. strtod() would ask the locale. */
static int read_decimal(double *out, const char **at) {
    const char *p = *at;
    double value = 0, scale = 1;
    int digits = 0;
    while (*p == ' ')
        p++;
    const int negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    for (; *p >= '0' && *p <= '9'; p++, digits++)
        value = value * 10 + (*p - '0');
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, digits++) {
            scale /= 10;
            value += (*p - '0') * scale;
        }
    }
    if (digits == 0) return 0;
    *out = negative ? -value : value;
    *at = p;
    return 1;
}

static int read_number(double *out, const char **at) {
    double under = 0;
    if (!read_decimal(out, at)) return 0;
    if (**at != '/') return isfinite(*out);
    ++*at;
    if (!read_decimal(&under, at) || under == 0) return 0;
    *out /= under;
    return isfinite(*out);
}

static int number_of(double *out, const char *text) {
    return read_number(out, &text);
}

/* "51,30,15N", "51,30.25N" */
static int degrees_of(double *out, const char *text, char positive, char negative) {
    static const double weights[] = {1, 1 / 60.0, 1 / 3600.0};
    *out = 0;
    for (int i = 0; i < 3; i++) {
        double part = 0;
        if (!read_number(&part, &text)) return 0;
        *out += part * weights[i];
        if (*text != ',') break;
        text++;
    }
    while (*text == ' ')
        text++;
    if (*text == negative) *out = -*out;
    return *text == positive || *text == negative;
}

static int is_true(const char *text) {
    return strcmp(text, "True") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static void copy(char *to, size_t capacity, const char *text) {
    size_t length = strlen(text);
    if (length >= capacity) length = capacity - 1;
    memcpy(to, text, length);
    to[length] = '\0';
}

/*
 * Regions.
 */
static void begin_region(reader *r) {
    r->name[0] = r->type[0] = r->unit[0] = '\0';
    r->area_known = 0;
}

static void end_region(reader *r) {
    const int is_face = r->type[0] == '\0' || strcmp(r->type, "Face") == 0;
    const int is_whole =
        r->area_known == 15 && (r->unit[0] == '\0' || strcmp(r->unit, "normalized") == 0);
    if (!is_face || (r->name[0] == '\0' && !is_whole)) return;
    glimpse_fields_person(r->fields, r->name, is_whole ? r->area : NULL);
}

static void on_region_value(reader *r, property p, const char *text) {
    double n = 0;
    switch (p) {
    case REGION_NAME:
    case MS_NAME: copy(r->name, sizeof r->name, text); break;
    case REGION_TYPE: copy(r->type, sizeof r->type, text); break;
    case AREA_UNIT: copy(r->unit, sizeof r->unit, text); break;
    case AREA_X:
    case AREA_Y:
    case AREA_WIDTH:
    case AREA_HEIGHT:
        if (!number_of(&n, text)) break;
        r->area[p - AREA_X] = n;
        r->area_known |= 1u << (p - AREA_X);
        break;
    case MS_RECTANGLE: { /* "left, top, width, height" */
        double side[4];
        for (int i = 0; i < 4; i++) {
            if (!read_number(&side[i], &text)) return;
            while (*text == ',' || *text == ' ')
                text++;
        }
        const double area[4] = {side[0] + side[2] / 2, side[1] + side[3] / 2, side[2], side[3]};
        memcpy(r->area, area, sizeof area);
        r->area_known = 15;
        break;
    }
    default: break;
    }
}

static void on_flash_value(reader *r, property p, const char *text) {
    double n = 0;
    int bits = 0;
    switch (p) {
    case FLASH_FIRED: bits = is_true(text); break;
    case FLASH_FUNCTION: bits = is_true(text) << 5; break;
    case FLASH_RED_EYE: bits = is_true(text) << 6; break;
    case FLASH_RETURN:
        if (number_of(&n, text) && n >= 0 && n <= 3) bits = (int)n << 1;
        break;
    case FLASH_MODE:
        if (number_of(&n, text) && n >= 0 && n <= 3) bits = (int)n << 3;
        break;
    default: return;
    }
    r->flash |= bits;
    r->has_flash = 1;
}

/* Alternatives of languages: the default one, else the first. */
static void set_language(reader *r, glimpse_text_field field, const char *text, int is_default) {
    if (is_default && r->fields->texts[field]) {
        free(r->fields->texts[field]);
        r->fields->texts[field] = NULL;
    }
    glimpse_fields_set(r->fields, field, text, strlen(text));
}

static void on_date(reader *r, glimpse_date_kind kind, const char *text) {
    glimpse_fields_date(r->fields, kind, text, strlen(text), 1);
}

static void add_digikam(reader *r, const char *text) {
    char tag[512];
    copy(tag, sizeof tag, text);
    if (!strchr(tag, '/')) return; /* a flat keyword, which dc:subject has */
    for (char *c = tag; *c; c++)
        if (*c == '/') *c = '|';
    glimpse_fields_add(r->fields, GLIMPSE_LIST_HIERARCHICAL, tag, strlen(tag));
}

/* A property of the picture has this value, or this item. */
static void on_value(reader *r, property p, const char *text, int is_default) {
    glimpse_fields *f = r->fields;
    const size_t length = strlen(text);
    double n = 0;
    switch (p) {
    case DATE_ORIGINAL: on_date(r, GLIMPSE_DATE_ORIGINAL, text); break;
    case DATE_DIGITIZED: on_date(r, GLIMPSE_DATE_DIGITIZED, text); break;
    case DATE_CREATED: on_date(r, GLIMPSE_DATE_CREATED, text); break;
    case CREATE_DATE: on_date(r, GLIMPSE_DATE_XMP_CREATED, text); break;
    case DATE_MODIFIED: on_date(r, GLIMPSE_DATE_MODIFIED, text); break;
    case MAKE: glimpse_fields_set(f, GLIMPSE_TEXT_MAKE, text, length); break;
    case MODEL: glimpse_fields_set(f, GLIMPSE_TEXT_MODEL, text, length); break;
    case LENS: glimpse_fields_set(f, GLIMPSE_TEXT_LENS, text, length); break;
    case LABEL: glimpse_fields_set(f, GLIMPSE_TEXT_LABEL, text, length); break;
    case TITLE: set_language(r, GLIMPSE_TEXT_TITLE, text, is_default); break;
    case DESCRIPTION: set_language(r, GLIMPSE_TEXT_DESCRIPTION, text, is_default); break;
    case RIGHTS: set_language(r, GLIMPSE_TEXT_COPYRIGHT, text, is_default); break;
    case CREATOR: glimpse_fields_add(f, GLIMPSE_LIST_CREATORS, text, length); break;
    case SUBJECT: glimpse_fields_add(f, GLIMPSE_LIST_KEYWORDS, text, length); break;
    case HIERARCHICAL: glimpse_fields_add(f, GLIMPSE_LIST_HIERARCHICAL, text, length); break;
    case TAGS_LIST: add_digikam(r, text); break;
    case PERSON_IN_IMAGE:
        if (length > 0) glimpse_fields_person(f, text, NULL);
        break;
    case RATING:
        if (!f->has_rating && number_of(&n, text) && n >= -1 && n <= 5) {
            f->has_rating = 1;
            f->rating = n;
        }
        break;
    case EXPOSURE:
        if (number_of(&n, text) && n > 0) f->exposure = n;
        break;
    case APERTURE:
        if (number_of(&n, text) && n > 0) f->aperture = n;
        break;
    case FOCAL_LENGTH:
        if (number_of(&n, text) && n > 0) f->focal_length = n;
        break;
    case ISO:
        if (f->iso == 0 && number_of(&n, text) && n >= 1 && n <= 1e9) f->iso = (uint32_t)n;
        break;
    case LATITUDE: r->has_latitude = degrees_of(&r->latitude, text, 'N', 'S'); break;
    case LONGITUDE: r->has_longitude = degrees_of(&r->longitude, text, 'E', 'W'); break;
    case ALTITUDE: r->has_altitude = number_of(&r->altitude, text); break;
    case ALTITUDE_REF: r->below = text[0] == '1'; break;
    default: break;
    }
}

/* The element or attribute `p` in the property `top` (or itself that) has this value. */
static void on_leaf(reader *r, property top, property p, const char *text, int is_default) {
    if (top == REGIONS || top == MS_REGION_INFO)
        on_region_value(r, p, text);
    else if (top == FLASH)
        on_flash_value(r, p, text);
    else if (top != OTHER && p == top)
        on_value(r, p, text, is_default);
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    reader *r = user;
    r->text.used = 0;
    if (r->depth == MAX_DEPTH) {
        (void)XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    static const frame outside;
    frame *parent = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;
    if (parent) parent->has_children = 1;
    const frame *above = parent ? parent : &outside;
    frame *f = &r->stack[r->depth++];
    *f = (frame){.is = property_of(name), .owner = above->owner, .top = above->top};
    if (!is_rdf(f->is)) f->owner = f->is;
    f->is_picture = f->is == DESCRIPTION_NODE && above->is == RDF;
    if (above->is_picture) f->top = f->is;
    f->is_region = f->is == ITEM && (f->owner == REGION_LIST || f->owner == MS_REGIONS);
    if (f->is_region) begin_region(r);
    for (size_t i = 0; attributes[i]; i += 2) {
        const property p = property_of(attributes[i]);
        if (p == LANGUAGE) f->is_default_language = strcmp(attributes[i + 1], "x-default") == 0;
        if (p == OTHER || p == LANGUAGE || is_rdf(p)) continue;
        on_leaf(r, f->is_picture ? p : f->top, p, attributes[i + 1], 0);
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name) {
    reader *r = user;
    (void)name;
    if (r->depth == 0) return;
    const frame *f = &r->stack[--r->depth];
    if (!f->has_children && r->text.used > 0) {
        r->text.bytes[r->text.used] = '\0';
        on_leaf(r, f->top, f->owner, r->text.bytes, f->is_default_language);
    }
    if (f->is_region) end_region(r);
    r->text.used = 0;
    /* Behind the root there is nothing but blanks to be overwritten, which take the longest. */
    if (r->depth == 0) (void)XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    reader *r = user;
    if (r->depth == 0 || r->stack[r->depth - 1].top == OTHER) return;
    if (!glimpse_xml_text_add(&r->text, text, (size_t)length, MAX_TEXT)) {
        r->fields->nomem = 1;
        (void)XML_StopParser(r->parser, XML_FALSE);
    }
}

static void XMLCALL on_entity(void *user, const XML_Char *name, int is_parameter,
                              const XML_Char *text, int length, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public_id,
                              const XML_Char *notation) {
    reader *r = user;
    (void)name, (void)is_parameter, (void)text, (void)length, (void)base;
    (void)system, (void)public_id, (void)notation;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void end_document(const reader *r) {
    glimpse_fields *f = r->fields;
    if (r->has_latitude && r->has_longitude) glimpse_fields_place(f, r->latitude, r->longitude);
    if (r->has_altitude && !f->has_altitude) {
        f->has_altitude = 1;
        f->altitude = r->below ? -r->altitude : r->altitude;
    }
    if (r->has_flash && !f->has_flash) {
        f->has_flash = 1;
        f->flash = r->flash;
    }
}

/* What makes the order of a parser's hash tables unforeseeable. Expat would ask the system for each
 * packet; 0, where it has nothing to give, lets it. */
static unsigned long hash_salt(void) {
    static _Thread_local unsigned long salt;
    if (salt == 0 && getentropy(&salt, sizeof salt) != 0) salt = 0;
    return salt;
}

void glimpse_xmp_parse(glimpse_fields *fields, const uint8_t *data, size_t size) {
    if (size == 0 || size > 1 << 30) return;
    /* Through our own malloc(), so that tests can let it fail. */
    static const XML_Memory_Handling_Suite memory = {malloc, realloc, free};
    reader *r = calloc(1, sizeof *r);
    const XML_Char separator[2] = {SEPARATOR, '\0'};
    if (r) r->parser = XML_ParserCreate_MM(NULL, &memory, separator);
    if (!r || !r->parser) {
        free(r);
        fields->nomem = 1;
        return;
    }
    r->fields = fields;
    (void)XML_SetHashSalt(r->parser, hash_salt());
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetEntityDeclHandler(r->parser, on_entity);
    if (XML_Parse(r->parser, (const char *)data, (int)size, 1) == XML_STATUS_ERROR &&
        XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
        fields->nomem = 1;
    end_document(r);
    XML_ParserFree(r->parser);
    free(r->text.bytes);
    free(r);
}

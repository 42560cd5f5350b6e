/*
 * image/decode/exif.c - what a photo library wants from EXIF: orientation, date, camera, place.
 *
 * libexif parses the block; its options matter:
 *   - FOLLOW_SPECIFICATION, on by default, "repairs" blocks while loading by adding mandatory tags
 *     with made-up values, today's date among them. It is switched off.
 *   - without a log function attached it prints nothing.
 * Entries are read raw (type, count and size checked here) rather than through libexif's text
 * formatting, which depends on the locale.
 */
#include "image/decode/exif.h"

#include "core/utf8.h"

#include <libexif/exif-data.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* EXIF in JPEG is at most 64 KB; other containers allow more, but not film-sized "metadata". */
#define MAX_EXIF_BYTES ((size_t)16 << 20)

/* Reads `count` digits at *text into *value; 0 when something else is there. */
static int digits(const char **text, const char *end, int count, int *value) {
    *value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (*text >= end || **text < '0' || **text > '9') return 0;
        *value = *value * 10 + (**text - '0');
    }
    return 1;
}

void glimpse_exif_set_taken(glimpse_image_meta *meta, const char *text, size_t length) {
    /* "2021:05:30 14:03:59"; some writers separate with other characters. */
    const char *end = text + length;
    int part[6];
    for (int i = 0; i < 6; i++) {
        if (!digits(&text, end, i == 0 ? 4 : 2, &part[i])) return;
        if (i < 5) {
            if (text >= end || (*text >= '0' && *text <= '9')) return;
            text++;
        }
    }
    if (part[0] == 0 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31) return;
    if (part[3] > 23 || part[4] > 59 || part[5] > 60) return;
    char *to = meta->taken;
    static const char pattern[] = "YYYY-MM-DDTHH:MM:SS";
    const int widths[6] = {4, 2, 2, 2, 2, 2};
    memcpy(to, pattern, sizeof pattern);
    for (int i = 0, at = 0; i < 6; at += widths[i] + 1, i++) {
        for (int d = widths[i] - 1, rest = part[i]; d >= 0; d--, rest /= 10) {
            to[at + d] = (char)('0' + rest % 10);
        }
    }
}

/* Copies tag text as clean UTF-8: cut at NUL, control characters as spaces, trimmed. Bytes that
 * are not UTF-8 are taken as Latin-1, which is what old cameras wrote. Returns the length. */
static size_t clean_text(char *to, size_t capacity, const char *text, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length && text[i] != '\0';) {
        const unsigned char byte = (unsigned char)text[i];
        uint32_t code_point;
        int valid;
        const size_t bytes = glimpse_utf8_decode(&code_point, text + i, length - i, &valid);
        if (byte < 0x80) {
            if (used + 2 > capacity) break;
            to[used++] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
            i++;
        } else if (valid) {
            if (used + bytes + 1 > capacity) break;
            memcpy(to + used, text + i, bytes);
            used += bytes;
            i += bytes;
        } else {
            if (used + 3 > capacity) break;
            used += glimpse_utf8_encode(to + used, byte);
            i++;
        }
    }
    while (used > 0 && to[used - 1] == ' ')
        used--;
    size_t start = 0;
    while (start < used && to[start] == ' ')
        start++;
    memmove(to, to + start, used - start);
    used -= start;
    to[used] = '\0';
    return used;
}

/* 1 when the first word of `model` is one of the words of `make`: "NIKON CORPORATION" and
 * "NIKON D70", "EASTMAN KODAK COMPANY" and "KODAK DC240". */
static int repeats_make(const char *make, const char *model) {
    size_t length = strcspn(model, " ");
    while (*make) {
        size_t word = strcspn(make, " ");
        if (word == length && strncasecmp(make, model, length) == 0) return 1;
        make += word;
        make += strspn(make, " ");
    }
    return 0;
}

void glimpse_exif_set_camera(glimpse_image_meta *meta, const char *make, size_t make_length,
                             const char *model, size_t model_length) {
    char maker[60], name[64]; /* together they fit meta->camera */
    size_t maker_used = clean_text(maker, sizeof maker, make, make_length);
    size_t name_used = clean_text(name, sizeof name, model, model_length);
    char *to = meta->camera;
    if (maker_used > 0 && !(name_used > 0 && repeats_make(maker, name))) {
        memcpy(to, maker, maker_used);
        to += maker_used;
        if (name_used > 0) *to++ = ' ';
    }
    memcpy(to, name, name_used);
    to[name_used] = '\0';
}

void glimpse_exif_set_place(glimpse_image_meta *meta, const double latitude[3], char latitude_ref,
                            const double longitude[3], char longitude_ref) {
    double south = latitude_ref == 'S' || latitude_ref == 's' ? -1.0 : 1.0;
    double west = longitude_ref == 'W' || longitude_ref == 'w' ? -1.0 : 1.0;
    if (!latitude_ref || !strchr("NnSs", latitude_ref)) return;
    if (!longitude_ref || !strchr("EeWw", longitude_ref)) return;
    double lat = latitude[0] + latitude[1] / 60.0 + latitude[2] / 3600.0;
    double lon = longitude[0] + longitude[1] / 60.0 + longitude[2] / 3600.0;
    /* Written so that NaN fails. Exactly 0,0 is what devices without a fix write. */
    if (!(fabs(lat) <= 90.0) || !(fabs(lon) <= 180.0) || (lat == 0.0 && lon == 0.0)) return;
    meta->latitude = south * lat;
    meta->longitude = west * lon;
    meta->has_gps = 1;
}

static const ExifEntry *find(const ExifData *exif, ExifIfd ifd, unsigned tag) {
    if (!exif->ifd[ifd]) return NULL;
    const ExifEntry *entry = exif_content_get_entry(exif->ifd[ifd], (ExifTag)tag);
    return entry && entry->data ? entry : NULL;
}

static int read_triple(double out[3], const ExifEntry *entry, ExifByteOrder order) {
    if (!entry || entry->components < 1 || entry->components > 3) return 0;
    if (entry->format != EXIF_FORMAT_RATIONAL && entry->format != EXIF_FORMAT_SRATIONAL) return 0;
    if (entry->size < entry->components * 8) return 0;
    out[0] = out[1] = out[2] = 0;
    for (unsigned long i = 0; i < entry->components; i++) {
        ExifRational value = exif_get_rational(entry->data + i * 8, order);
        /* 0/0 is a common way to write "no seconds". */
        if (value.denominator == 0) {
            if (value.numerator != 0 || i == 0) return 0;
            continue;
        }
        out[i] = (double)value.numerator / (double)value.denominator;
    }
    return 1;
}

static void read_date(glimpse_image_meta *meta, const ExifEntry *entry) {
    if (!entry || entry->format != EXIF_FORMAT_ASCII || meta->taken[0]) return;
    glimpse_exif_set_taken(meta, (const char *)entry->data, entry->size);
}

static void read_orientation(glimpse_image_meta *meta, const ExifEntry *entry,
                             ExifByteOrder order) {
    unsigned long value = 0;
    if (!entry || entry->components < 1) return;
    if (entry->format == EXIF_FORMAT_SHORT && entry->size >= 2) {
        value = exif_get_short(entry->data, order);
    } else if (entry->format == EXIF_FORMAT_LONG && entry->size >= 4) {
        value = exif_get_long(entry->data, order);
    } else if (entry->format == EXIF_FORMAT_BYTE && entry->size >= 1) {
        value = entry->data[0];
    }
    if (value >= 1 && value <= 8) meta->orientation = (int)value;
}

static void read_all(glimpse_image_meta *meta, ExifData *exif) {
    const ExifByteOrder order = exif_data_get_byte_order(exif);
    read_orientation(meta, find(exif, EXIF_IFD_0, EXIF_TAG_ORIENTATION), order);
    read_date(meta, find(exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL));
    read_date(meta, find(exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED));

    const ExifEntry *make = find(exif, EXIF_IFD_0, EXIF_TAG_MAKE);
    const ExifEntry *model = find(exif, EXIF_IFD_0, EXIF_TAG_MODEL);
    if (make && make->format != EXIF_FORMAT_ASCII) make = NULL;
    if (model && model->format != EXIF_FORMAT_ASCII) model = NULL;
    glimpse_exif_set_camera(meta, make ? (const char *)make->data : "", make ? make->size : 0,
                            model ? (const char *)model->data : "", model ? model->size : 0);

    double latitude[3], longitude[3];
    const ExifEntry *latitude_ref = find(exif, EXIF_IFD_GPS, EXIF_TAG_GPS_LATITUDE_REF);
    const ExifEntry *longitude_ref = find(exif, EXIF_IFD_GPS, EXIF_TAG_GPS_LONGITUDE_REF);
    if (read_triple(latitude, find(exif, EXIF_IFD_GPS, EXIF_TAG_GPS_LATITUDE), order) &&
        read_triple(longitude, find(exif, EXIF_IFD_GPS, EXIF_TAG_GPS_LONGITUDE), order) &&
        latitude_ref && latitude_ref->size > 0 && longitude_ref && longitude_ref->size > 0) {
        glimpse_exif_set_place(meta, latitude, (char)latitude_ref->data[0], longitude,
                               (char)longitude_ref->data[0]);
    }
}

void glimpse_exif_read(glimpse_image_meta *meta, const uint8_t *data, size_t size) {
    static const uint8_t header[6] = {'E', 'x', 'i', 'f', 0, 0};
    uint8_t *copy = NULL;
    ExifData *exif = NULL;
    if (size < 14 || size > MAX_EXIF_BYTES) return;
    if (memcmp(data, header, sizeof header) != 0) {
        /* libexif wants the header and searches for it, as JPEG APP1, where it is missing. */
        copy = malloc(size + sizeof header);
        if (!copy) return;
        memcpy(copy, header, sizeof header);
        memcpy(copy + sizeof header, data, size);
        data = copy;
        size += sizeof header;
    }
    exif = exif_data_new();
    if (!exif) goto done;
    exif_data_unset_option(exif, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(exif, data, (unsigned)size);
    read_all(meta, exif);
done:
    if (exif) exif_data_unref(exif);
    free(copy);
}

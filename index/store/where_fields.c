/*
 * where_fields.c - the table of what a filter can ask for. A field is a row here, in the order of
 * glimpse_where_field, and what answers it in sqlite/where_sql.c.
 */
#include "where.h"

#include <stdio.h>
#include <string.h>

static const glimpse_where_row rows[] = {
    [GLIMPSE_WHERE_CAMERA] = {{"camera", "make and model", "camera ~ 'R5'", 1, 1},
                              NULL,
                              GLIMPSE_WHERE_TEXT,
                              NULL},
    [GLIMPSE_WHERE_LENS] = {{"lens", "its name", "lens ~ '50mm'", 1, 1},
                            NULL,
                            GLIMPSE_WHERE_TEXT,
                            NULL},
    [GLIMPSE_WHERE_ISO] = {{"iso", "ISO speed", "iso = 100..400", 1, 1},
                           NULL,
                           GLIMPSE_WHERE_NUMBER,
                           NULL},
    [GLIMPSE_WHERE_APERTURE] = {{"aperture", "f-number", "aperture <= 2.8", 1, 1},
                                NULL,
                                GLIMPSE_WHERE_F_NUMBER,
                                NULL},
    [GLIMPSE_WHERE_EXPOSURE] = {{"exposure", "seconds, also as a fraction", "exposure < 1/250", 1,
                                 1},
                                NULL,
                                GLIMPSE_WHERE_SECONDS,
                                NULL},
    [GLIMPSE_WHERE_FOCAL] = {{"focal", "focal length in mm", "focal = 24..70", 1, 1},
                             "focal_length",
                             GLIMPSE_WHERE_LENGTH,
                             NULL},
    [GLIMPSE_WHERE_TAKEN] = {{"taken", "date and time, as the clock showed it",
                              "taken = 2019..2020-05", 1, 1},
                             NULL,
                             GLIMPSE_WHERE_DATE,
                             NULL},
    [GLIMPSE_WHERE_MONTH] = {{"month", "of the date, 1 to 12", "month = 6..8", 0, 1},
                             NULL,
                             GLIMPSE_WHERE_NUMBER,
                             NULL},
    [GLIMPSE_WHERE_HOUR] = {{"hour", "of the date, 0 to 23; of dates that have a time",
                             "hour >= 20", 0, 1},
                            NULL,
                            GLIMPSE_WHERE_NUMBER,
                            NULL},
    [GLIMPSE_WHERE_GPS] = {{"gps", "where it was taken", "near(38.71, -9.14, 10)", 1, 1},
                           NULL,
                           GLIMPSE_WHERE_PLACE,
                           NULL},
    [GLIMPSE_WHERE_RATING] = {{"rating", "0 to 5 stars; -1: rejected", "rating = 4..", 1, 1},
                              NULL,
                              GLIMPSE_WHERE_NUMBER,
                              NULL},
    [GLIMPSE_WHERE_COLOUR_LABEL] = {{"colour_label", "as programs write it", "colour_label = Red",
                                     1, 1},
                                    "color_label",
                                    GLIMPSE_WHERE_TEXT,
                                    NULL},
    [GLIMPSE_WHERE_KEYWORD] = {{"keyword", "one of them; of Animal|Dog also Animal and Dog",
                                "keyword = draft", 1, 1},
                               "keywords",
                               GLIMPSE_WHERE_TEXT,
                               NULL},
    [GLIMPSE_WHERE_PERSON] = {{"person", "one of those who are named in it", "person ~ anna", 1, 1},
                              "people",
                              GLIMPSE_WHERE_TEXT,
                              NULL},
    [GLIMPSE_WHERE_TITLE] = {{"title", "the title", "title ~ 'opening'", 1, 1},
                             NULL,
                             GLIMPSE_WHERE_TEXT,
                             NULL},
    [GLIMPSE_WHERE_PATH] = {{"path", "= a file, or a folder and all below it; ~ a part",
                             "path ~ '/raw/'", 0, 1},
                            NULL,
                            GLIMPSE_WHERE_TEXT,
                            NULL},
    [GLIMPSE_WHERE_FORMAT] = {{"format", "of the file; jpg, tif, heic and raw will do",
                               "format = jpeg, heic", 0, 1},
                              NULL,
                              GLIMPSE_WHERE_TEXT,
                              NULL},
    [GLIMPSE_WHERE_WIDTH] = {{"width", "pixels, upright", "width >= 4000", 0, 1},
                             NULL,
                             GLIMPSE_WHERE_NUMBER,
                             NULL},
    [GLIMPSE_WHERE_HEIGHT] = {{"height", "pixels, upright", "height < 1000", 0, 1},
                              NULL,
                              GLIMPSE_WHERE_NUMBER,
                              NULL},
    [GLIMPSE_WHERE_BYTES] = {{"bytes", "size of the file", "bytes > 10MB", 0, 1},
                             NULL,
                             GLIMPSE_WHERE_SIZE,
                             NULL},
    [GLIMPSE_WHERE_ORIENTATION] = {{"orientation", "landscape, portrait or square",
                                    "orientation = portrait", 0, 1},
                                   NULL,
                                   GLIMPSE_WHERE_SHAPE,
                                   NULL},
    [GLIMPSE_WHERE_LABEL] = {{"label", "a stored label, or a part of its hierarchy", "label = dog",
                              1, 1},
                             NULL,
                             GLIMPSE_WHERE_TEXT,
                             NULL},
    [GLIMPSE_WHERE_TAG] = {{"tag", "of your own, or a part of its hierarchy", "tag = people", 1, 1},
                           "tags",
                           GLIMPSE_WHERE_TEXT,
                           NULL},
    [GLIMPSE_WHERE_ALBUM] = {{"album", "of your own, or a part of its hierarchy",
                              "album = 'Norway'", 1, 1},
                             NULL,
                             GLIMPSE_WHERE_TEXT,
                             NULL},
    [GLIMPSE_WHERE_FAVOURITE] = {{"favourite", "has the tag favourite", "has(favourite)", 1, 1},
                                 "favorite",
                                 GLIMPSE_WHERE_FLAG,
                                 NULL},
    [GLIMPSE_WHERE_CAPTION] = {{"caption", "a stored caption", "caption ~ 'kite'", 1, 1},
                               NULL,
                               GLIMPSE_WHERE_TEXT,
                               NULL},
    [GLIMPSE_WHERE_ADDED] = {{"added", "when the library first saw the picture", "added >= 2026-05",
                              1, 1},
                             NULL,
                             GLIMPSE_WHERE_DATE,
                             NULL},
};

enum { COUNT = sizeof rows / sizeof rows[0], MAX_NAME = 32 };

const glimpse_where_row *glimpse_where_row_of(glimpse_where_field field) {
    return &rows[field];
}

const glimpse_where_field_info *glimpse_where_field_get(size_t i) {
    return i < COUNT ? &rows[i].info : NULL;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int is_name(const char *name, const char *text, size_t length) {
    if (!name || strlen(name) != length) return 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] != lower(text[i])) return 0;
    return 1;
}

const glimpse_where_row *glimpse_where_row_find(glimpse_where_field *field, const char *name,
                                                size_t length) {
    for (size_t i = 0; i < COUNT; i++) {
        if (is_name(rows[i].info.name, name, length) || is_name(rows[i].alias, name, length)) {
            *field = (glimpse_where_field)i;
            return &rows[i];
        }
    }
    return NULL;
}

/* Letters to be changed, added or left out, two that change places counting as one (Damerau). */
static size_t distance(const char *name, const char *text, size_t length) {
    size_t before[MAX_NAME + 1], last[MAX_NAME + 1], now[MAX_NAME + 1];
    const size_t width = strlen(name);
    for (size_t i = 0; i <= width; i++)
        before[i] = last[i] = i;
    for (size_t j = 1; j <= length; j++) {
        now[0] = j;
        for (size_t i = 1; i <= width; i++) {
            const char a = name[i - 1], b = lower(text[j - 1]);
            size_t min = last[i - 1] + (a != b);
            if (last[i] + 1 < min) min = last[i] + 1;
            if (now[i - 1] + 1 < min) min = now[i - 1] + 1;
            if (i > 1 && j > 1 && a == lower(text[j - 2]) && name[i - 2] == b &&
                before[i - 2] + 1 < min) {
                min = before[i - 2] + 1;
            }
            now[i] = min;
        }
        memcpy(before, last, sizeof before);
        memcpy(last, now, sizeof last);
    }
    return last[width];
}

const char *glimpse_where_row_suggest(char *out, size_t size, const char *name, size_t length) {
    size_t best = COUNT, min = length / 3 + 1;
    for (size_t i = 0; i < COUNT && length <= MAX_NAME; i++) {
        const size_t steps = distance(rows[i].info.name, name, length);
        if (steps > min || (steps == min && best < COUNT)) continue;
        min = steps;
        best = i;
    }
    if (best < COUNT) {
        (void)snprintf(out, size, "; did you mean %s?", rows[best].info.name);
        return out;
    }
    size_t used = (size_t)snprintf(out, size, "; fields are");
    for (size_t i = 0; i < COUNT && used < size; i++) {
        if (!rows[i].info.is_available) continue;
        const int more =
            snprintf(out + used, size - used, "%s %s", i > 0 ? "," : "", rows[i].info.name);
        used += more > 0 ? (size_t)more : 0;
    }
    return out;
}

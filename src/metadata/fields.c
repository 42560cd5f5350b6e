/*
 * metadata/fields.c - the fields of one block.
 */
#include "metadata/fields.h"

#include "core/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A file's list of keywords is short; a hostile one is cut. */
enum { MAX_ITEMS = 4096, MAX_TEXT = 1 << 16 };

void glimpse_fields_free(glimpse_fields *fields) {
    for (size_t i = 0; i < GLIMPSE_TEXT_FIELDS; i++)
        free(fields->texts[i]);
    for (size_t i = 0; i < GLIMPSE_LIST_FIELDS; i++) {
        for (size_t k = 0; k < fields->lists[i].count; k++)
            free(fields->lists[i].items[k]);
        free(fields->lists[i].items);
    }
    for (size_t i = 0; i < fields->people_count; i++)
        free((char *)fields->people[i].name);
    free(fields->people);
    *fields = (glimpse_fields){0};
}

/* Appends one character, control characters as blanks; line ends stay. */
static size_t append(char *to, uint32_t character) {
    if (character == '\r') character = '\n';
    if ((character < 0x20 && character != '\n') || character == 0x7f) character = ' ';
    return glimpse_utf8_encode(to, character);
}

static int is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}

/* NULL for empty text, and when out of memory. */
static char *clean_text(glimpse_fields *fields, const char *text, size_t length) {
    const char *end = length > 0 ? memchr(text, '\0', length) : NULL;
    if (end) length = (size_t)(end - text);
    while (length > 0 && (is_blank(text[length - 1]) || text[length - 1] == '\r'))
        length--;
    while (length > 0 && (is_blank(*text) || *text == '\r'))
        text++, length--;
    if (length == 0) return NULL;
    if (length > MAX_TEXT) length = MAX_TEXT;
    const int latin = !glimpse_utf8_is_valid(text, length);
    char *clean = malloc(length * 2 + 8); /* Latin-1 doubles at most */
    if (!clean) {
        fields->nomem = 1;
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t character = (unsigned char)text[i];
        int valid = 1;
        size_t bytes = 1;
        if (character >= 0x80) {
            bytes = glimpse_utf8_decode(&character, text + i, length - i, &valid);
            if (latin && !valid) {
                character = (unsigned char)text[i];
                bytes = 1;
            }
        }
        if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n') {
            i++;
            continue;
        }
        used += append(clean + used, character);
        i += bytes;
    }
    clean[used] = '\0';
    char *trimmed = realloc(clean, used + 1);
    return trimmed ? trimmed : clean;
}

void glimpse_fields_set(glimpse_fields *fields, glimpse_text_field field, const char *text,
                        size_t length) {
    if (!fields->texts[field]) fields->texts[field] = clean_text(fields, text, length);
}

void glimpse_fields_add(glimpse_fields *fields, glimpse_list_field field, const char *text,
                        size_t length) {
    glimpse_texts *list = &fields->lists[field];
    if (list->count >= MAX_ITEMS) return;
    char *item = clean_text(fields, text, length);
    if (!item) return;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], item) != 0) continue;
        free(item);
        return;
    }
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? list->capacity * 2 : 8;
        char **grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) {
            fields->nomem = 1;
            free(item);
            return;
        }
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

void glimpse_fields_date(glimpse_fields *fields, glimpse_date_kind kind, const char *text,
                         size_t length, int partial) {
    glimpse_moment moment;
    if (fields->dates[kind].text[0]) return;
    if (glimpse_moment_parse(&moment, text, length, partial)) fields->dates[kind] = moment;
}

void glimpse_fields_date_in_words(glimpse_fields *fields, glimpse_date_kind kind, const char *text,
                                  size_t length) {
    glimpse_moment moment;
    if (fields->dates[kind].text[0]) return;
    if (glimpse_moment_parse_words(&moment, text, length)) fields->dates[kind] = moment;
}

void glimpse_fields_place(glimpse_fields *fields, double latitude, double longitude) {
    /* Written so that NaN fails. Exactly 0,0 is what devices without a fix write. */
    if (fields->has_gps || !(fabs(latitude) <= 90.0) || !(fabs(longitude) <= 180.0)) return;
    if (latitude == 0.0 && longitude == 0.0) return;
    fields->has_gps = 1;
    fields->latitude = latitude;
    fields->longitude = longitude;
}

void glimpse_fields_person(glimpse_fields *fields, const char *name, const double region[4]) {
    if (fields->people_count >= MAX_ITEMS) return;
    char *copy = clean_text(fields, name, strlen(name));
    if (!copy && !fields->nomem) copy = strdup("");
    if (!copy) {
        fields->nomem = 1;
        return;
    }
    for (size_t i = 0; i < fields->people_count && *copy; i++) {
        glimpse_person *known = &fields->people[i];
        /* A name on a list of persons, and the same with a region, are one person; so are two
         * regions in one place, as programs write them in two vocabularies. */
        if (strcmp(known->name, copy) != 0) continue;
        if (region && known->has_region &&
            (fabs(known->x - region[0]) > 0.02 || fabs(known->y - region[1]) > 0.02))
            continue;
        if (region && !known->has_region) {
            *known = (glimpse_person){known->name, 1, region[0], region[1], region[2], region[3]};
        }
        free(copy);
        return;
    }
    if (fields->people_count == fields->people_capacity) {
        const size_t capacity = fields->people_capacity ? fields->people_capacity * 2 : 4;
        glimpse_person *grown = realloc(fields->people, capacity * sizeof *grown);
        if (!grown) {
            fields->nomem = 1;
            free(copy);
            return;
        }
        fields->people = grown;
        fields->people_capacity = capacity;
    }
    glimpse_person *person = &fields->people[fields->people_count++];
    *person = (glimpse_person){.name = copy};
    if (region) {
        *person = (glimpse_person){copy, 1, region[0], region[1], region[2], region[3]};
    }
}

/*
 * metadata.c - whole files and sidecars: what is found in them is text that is one, dates that
 * exist, and places on earth. The input is read as a file, as XMP, as IPTC, and as a file's name.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "metadata/blocks.h"
#include "metadata/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_text(const char *text) {
    PROMISE(glimpse_utf8_is_valid(text, strlen(text)));
}

static void check_list(const glimpse_text_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        PROMISE(*list->items[i]);
        check_text(list->items[i]);
    }
}

static void check_date(const char *taken) {
    PROMISE(strlen(taken) == 19);
    glimpse_moment again;
    PROMISE(glimpse_moment_parse(&again, taken, strlen(taken), 0));
    PROMISE(strcmp(again.text, taken) == 0);
}

static void read_file(const uint8_t *data, size_t size) {
    glimpse_metadata *m = NULL;
    if (!fuzz_fine(glimpse_metadata_read(&m, data, size))) return;
    PROMISE(m->orientation >= 1 && m->orientation <= 8);
    PROMISE((m->taken[0] != '\0') == (m->taken_from != GLIMPSE_TAKEN_UNKNOWN));
    if (m->taken[0]) check_date(m->taken);
    if (m->has_gps) PROMISE(fabs(m->latitude) <= 90 && fabs(m->longitude) <= 180);
    if (m->has_offset) PROMISE(abs(m->offset_minutes) < 16 * 60);
    PROMISE(isfinite(m->aperture) && isfinite(m->exposure) && isfinite(m->focal_length));
    const char *const texts[] = {m->make,  m->model,       m->lens,     m->label,
                                 m->title, m->description, m->copyright};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text(texts[i]);
    check_list(&m->creators);
    check_list(&m->keywords);
    check_list(&m->hierarchical);
    for (size_t i = 0; i < m->people_count; i++)
        check_text(m->people[i].name);
    glimpse_metadata_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_file(data, size);
    glimpse_fields fields = {.has_gps = 0};
    glimpse_xmp_parse(&fields, data, size);
    for (size_t i = 0; i < GLIMPSE_DATE_KINDS; i++)
        if (fields.dates[i].text[0]) check_date(fields.dates[i].text);
    glimpse_fields_free(&fields);
    glimpse_iptc_parse(&fields, data, size);
    for (size_t i = 0; i < GLIMPSE_DATE_KINDS; i++)
        if (fields.dates[i].text[0]) check_date(fields.dates[i].text);
    glimpse_fields_free(&fields);
    glimpse_moment moment;
    if (glimpse_moment_parse_words(&moment, (const char *)data, size)) check_date(moment.text);
    char *name = malloc(size + 1), taken[32];
    if (!name) return 0;
    if (size > 0) memcpy(name, data, size);
    name[size] = '\0';
    if (glimpse_date_of_name(taken, name)) check_date(taken);
    free(name);
    return 0;
}

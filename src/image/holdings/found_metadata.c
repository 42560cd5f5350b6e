/*
 * image/holdings/found_metadata.c - what people and cameras wrote: each field a kind, each text a
 * part.
 */
#include "image/holdings/found.h"

#include <glimpse/sys/metadata.h>

#include <math.h>
#include <stdio.h>

static void add_list(glimpse_found *to, glimpse_holding_kind kind, const glimpse_text_list *list) {
    for (size_t i = 0; i < list->count; i++)
        glimpse_found_add_text(to, kind, list->items[i]);
}

static void add_number(glimpse_found *to, glimpse_holding_kind kind, const char *what,
                       double number) {
    char text[96];
    (void)snprintf(text, sizeof text, "%s %.4g", what, number);
    glimpse_found_add_text(to, kind, text);
}

static void add_date(glimpse_found *to, const glimpse_metadata *m) {
    char text[64];
    if (!m->taken[0]) return;
    glimpse_found_count(to, GLIMPSE_HOLDING_DATE, 0);
    if (m->taken_is_modification) {
        to->kinds[GLIMPSE_HOLDING_DATE].is_weak = 1;
        return;
    }
    glimpse_found_date(to, m->taken);
    if (m->has_offset) {
        (void)snprintf(text, sizeof text, "offset %d", m->offset_minutes);
        glimpse_found_add_text(to, GLIMPSE_HOLDING_DATE, text);
    }
    /* Each digit is a part, so that more of them hold more. */
    size_t digits = strlen(m->subseconds);
    while (digits > 0 && m->subseconds[digits - 1] == '0')
        digits--;
    for (size_t i = 1; i <= digits; i++) {
        (void)snprintf(text, sizeof text, "part .%.*s", (int)i, m->subseconds);
        glimpse_found_add_text(to, GLIMPSE_HOLDING_DATE, text);
    }
}

static void add_place(glimpse_found *to, const glimpse_metadata *m) {
    char text[64];
    if (!m->has_gps) return;
    /* 11 m: programs write the same place in other fractions. */
    (void)snprintf(text, sizeof text, "%.4f %.4f", m->latitude + 0.0, m->longitude + 0.0);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_PLACE, text);
    if (!m->has_altitude) return;
    (void)snprintf(text, sizeof text, "altitude %.0f", m->altitude);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_PLACE, text);
}

static void add_camera(glimpse_found *to, const glimpse_metadata *m) {
    char camera[160];
    glimpse_camera_name(camera, sizeof camera, m->make, m->model);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_CAMERA, camera);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_CAMERA, m->lens);
    if (m->focal_length > 0) add_number(to, GLIMPSE_HOLDING_CAMERA, "mm", m->focal_length);
    if (m->aperture > 0) add_number(to, GLIMPSE_HOLDING_CAMERA, "f", m->aperture);
    if (m->exposure > 0) add_number(to, GLIMPSE_HOLDING_CAMERA, "s", m->exposure);
    if (m->iso > 0) add_number(to, GLIMPSE_HOLDING_CAMERA, "iso", m->iso);
    if (m->flash >= 0) add_number(to, GLIMPSE_HOLDING_CAMERA, "flash", m->flash);
}

void glimpse_found_in_metadata(glimpse_found *to, const uint8_t *data, size_t size,
                               const char *path) {
    glimpse_metadata *m = NULL;
    if (glimpse_metadata_read_beside(&m, data, size, path) < 0) {
        to->nomem = 1;
        return;
    }
    glimpse_found_comment(to, (const uint8_t *)m->description, strlen(m->description));
    glimpse_found_add_text(to, GLIMPSE_HOLDING_TITLE, m->title);
    add_list(to, GLIMPSE_HOLDING_KEYWORDS, &m->keywords);
    for (size_t i = 0; i < m->hierarchical.count; i++) {
        /* Of "animal|dog" a program that knows no levels keeps the last one. */
        const char *leaf = strrchr(m->hierarchical.items[i], '|');
        glimpse_found_add_text(to, GLIMPSE_HOLDING_KEYWORDS, m->hierarchical.items[i]);
        if (leaf) glimpse_found_add_text(to, GLIMPSE_HOLDING_KEYWORDS, leaf + 1);
    }
    for (size_t i = 0; i < m->people_count; i++) {
        const glimpse_person *person = &m->people[i];
        char region[96];
        glimpse_found_add_text(to, GLIMPSE_HOLDING_PEOPLE, person->name);
        if (!person->has_region) continue;
        (void)snprintf(region, sizeof region, "region %.2f %.2f", person->x, person->y);
        glimpse_found_add_text(to, GLIMPSE_HOLDING_PEOPLE, region);
    }
    if (m->has_rating && (m->rating > 0 || m->rating < 0))
        add_number(to, GLIMPSE_HOLDING_RATING, "rating", m->rating);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_LABEL, m->label);
    add_place(to, m);
    add_date(to, m);
    add_list(to, GLIMPSE_HOLDING_CREATOR, &m->creators);
    glimpse_found_add_text(to, GLIMPSE_HOLDING_COPYRIGHT, m->copyright);
    add_camera(to, m);
    glimpse_metadata_free(m);
    glimpse_found_statements(to, data, size);
}

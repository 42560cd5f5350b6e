/*
 * index/ingest/metadata_json.c - what a file says, as the catalogue keeps it.
 */
#include "metadata_json.h"

#include "core/error.h"

#include <jansson.h>
#include <string.h>

static const char *const precisions[] = {
    [GLIMPSE_PRECISION_SECOND] = "second", [GLIMPSE_PRECISION_MINUTE] = "minute",
    [GLIMPSE_PRECISION_DAY] = "day",       [GLIMPSE_PRECISION_MONTH] = "month",
    [GLIMPSE_PRECISION_YEAR] = "year",
};

/* Each adds a member unless there is nothing to say; 1, or 0 when out of memory. */
static int add(json_t *to, const char *key, json_t *value) {
    return json_object_set_new(to, key, value) == 0;
}

static int add_text(json_t *to, const char *key, const char *text) {
    return !*text || add(to, key, json_string(text));
}

static int add_number(json_t *to, const char *key, double value) {
    return !(value > 0) || add(to, key, json_real(value));
}

static int add_list(json_t *to, const char *key, const glimpse_text_list *list) {
    if (list->count == 0) return 1;
    json_t *items = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (json_array_append_new(items, json_string(list->items[i])) != 0) break;
    if (items && json_array_size(items) == list->count) return add(to, key, items);
    json_decref(items);
    return 0;
}

static int add_people(json_t *to, const glimpse_metadata *m) {
    if (m->people_count == 0) return 1;
    json_t *people = json_array();
    for (size_t i = 0; i < m->people_count; i++) {
        const glimpse_person *p = &m->people[i];
        json_t *person = json_pack("{s:s}", "name", p->name);
        if (person && p->has_region) {
            json_t *region = json_pack("[f, f, f, f]", p->x, p->y, p->width, p->height);
            if (!add(person, "region", region)) {
                json_decref(person);
                person = NULL;
            }
        }
        if (json_array_append_new(people, person) != 0) break;
    }
    if (people && json_array_size(people) == m->people_count) return add(to, "people", people);
    json_decref(people);
    return 0;
}

char *glimpse_metadata_json(const glimpse_metadata *m) {
    json_t *all = json_object();
    if (!all) return NULL;
    int ok = add_text(all, "subseconds", m->subseconds) && add_text(all, "make", m->make) &&
             add_text(all, "model", m->model) && add_text(all, "lens", m->lens) &&
             add_number(all, "focal_length", m->focal_length) &&
             add_number(all, "aperture", m->aperture) && add_number(all, "exposure", m->exposure) &&
             add_text(all, "label", m->label) && add_text(all, "title", m->title) &&
             add_text(all, "description", m->description) &&
             add_text(all, "copyright", m->copyright) && add_list(all, "creators", &m->creators) &&
             add_list(all, "keywords", &m->keywords) &&
             add_list(all, "hierarchical_keywords", &m->hierarchical) && add_people(all, m);
    if (ok && m->taken[0]) {
        ok = add_text(all, "precision", precisions[m->taken_precision]) &&
             (!m->taken_is_modification || add(all, "is_modification", json_true()));
    }
    if (ok && m->iso) ok = add(all, "iso", json_integer(m->iso));
    if (ok && m->flash >= 0) ok = add(all, "flash", json_integer(m->flash));
    if (ok && m->has_altitude) ok = add(all, "altitude", json_real(m->altitude));
    if (ok && m->has_rating) ok = add(all, "rating", json_real(m->rating));
    char *text = ok ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(all);
    return text;
}

int glimpse_metadata_row_fill(glimpse_metadata_row *row, const glimpse_metadata *m) {
    *row = (glimpse_metadata_row){.taken_from = m->taken_from,
                                  .has_offset = m->has_offset,
                                  .offset_minutes = m->offset_minutes,
                                  .has_gps = m->has_gps,
                                  .latitude = m->latitude,
                                  .longitude = m->longitude};
    memcpy(row->taken, m->taken, sizeof row->taken);
    glimpse_camera_name(row->camera, sizeof row->camera, m->make, m->model);
    row->fields = glimpse_metadata_json(m);
    return row->fields ? GLIMPSE_OK : glimpse_fail_nomem(1024, "metadata");
}

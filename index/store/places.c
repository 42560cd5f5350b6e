/*
 * places.c - where a name is on the earth, from the lists that are on this machine.
 */
#include "places.h"

#include "core/error.h"
#include "distance.h"
#include "text/fold.h"
#include "where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct list {
    const char *path;
    int (*read)(FILE *file, const char *path, glimpse_place_fn visit, void *user);
} list;

static const list lists[] = {
    {"/usr/share/libgweather-4/Locations.xml", glimpse_places_read_gweather},
    {"/usr/share/libgweather/Locations.xml", glimpse_places_read_gweather},
    {"/usr/share/zoneinfo/zone.tab", glimpse_places_read_zones},
};
enum { LISTS = sizeof lists / sizeof lists[0], ZONES = LISTS - 1, NAME_BYTES = 128, MAX_FOUND = 8 };

static int open_list(FILE **file, list *out) {
    const char *own = getenv("GLIMPSE_PLACES");
    *file = NULL;
    if (own && *own) {
        *out = (list){own, glimpse_places_read_lines};
        *file = fopen(own, "re");
        return *file ? GLIMPSE_OK : glimpse_fail_errno("%s: cannot read (GLIMPSE_PLACES)", own);
    }
    for (size_t i = 0; i < LISTS; i++) {
        *file = fopen(lists[i].path, "re");
        *out = lists[i];
        if (*file) return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "there is no list of places: install libgweather-4-common or tzdata, name "
                        "a file with GLIMPSE_PLACES, or give coordinates");
}

/* What is looked for, and what was found. */
typedef struct found {
    char where[NAME_BYTES]; /* "Lisbon, Portugal" */
    double latitude, longitude, people;
} found;

typedef struct search {
    char *name, *within; /* folded; within: NULL, or "portugal" */
    found places[MAX_FOUND];
    size_t count;
    int is_more;
} search;

static int equals(int *equal, const char *folded, const char *text, size_t length) {
    char *own = NULL;
    *equal = 0;
    if (!text) return GLIMPSE_OK;
    int status = glimpse_text_fold(&own, text, length);
    if (status < 0) return status;
    *equal = strcmp(own, folded) == 0;
    free(own);
    return GLIMPSE_OK;
}

static int any_equals(int *equal, const char *folded, const char *const *texts, size_t count) {
    int status = GLIMPSE_OK;
    *equal = 0;
    for (size_t i = 0; i < count && status == GLIMPSE_OK && !*equal; i++)
        if (texts[i]) status = equals(equal, folded, texts[i], strlen(texts[i]));
    return status;
}

static int compare(void *user, const glimpse_place *place) {
    search *s = user;
    const char *const names[] = {place->name, place->ascii};
    const char *const around[] = {place->state, place->country, place->code};
    int equal = 0;
    int status = any_equals(&equal, s->name, names, 2);
    for (const char *other = place->others; other && *other && status == GLIMPSE_OK && !equal;) {
        const size_t length = strcspn(other, ",");
        status = equals(&equal, s->name, other, length);
        other += length + (other[length] == ',');
    }
    if (status == GLIMPSE_OK && equal && s->within) {
        status = any_equals(&equal, s->within, around, 3);
    }
    if (status < 0 || !equal) return status;
    for (size_t i = 0; i < s->count; i++) { /* the same place under two entries */
        found *f = &s->places[i];
        if (glimpse_distance_km(f->latitude, f->longitude, place->latitude, place->longitude) < 5) {
            return GLIMPSE_OK;
        }
    }
    if (s->count == MAX_FOUND) {
        s->is_more = 1;
        return GLIMPSE_OK;
    }
    found *f = &s->places[s->count++];
    const char *in = place->state ? place->state : place->country;
    (void)snprintf(f->where, sizeof f->where, "%.60s%s%.60s", place->name, in ? ", " : "",
                   in ? in : "");
    f->latitude = place->latitude;
    f->longitude = place->longitude;
    f->people = place->people;
    return GLIMPSE_OK;
}

/* Of several of one name: the one with the most people, else the one that a time zone is named
 * after. NULL: nobody knows. */
static const found *choose(const search *s) {
    const found *best = &s->places[0];
    search zones = {.name = s->name};
    if (s->count == 1) return best;
    for (size_t i = 1; i < s->count; i++)
        if (s->places[i].people > best->people) best = &s->places[i];
    if (best->people > 0) return best;
    const glimpse_kept_error before = glimpse_error_keep();
    FILE *file = fopen(lists[ZONES].path, "re");
    if (!file) return NULL;
    const int status = lists[ZONES].read(file, lists[ZONES].path, compare, &zones);
    (void)fclose(file);
    glimpse_error_restore(&before);
    for (size_t i = 0; i < s->count && status == GLIMPSE_OK && zones.count == 1; i++) {
        const found *f = &s->places[i], *z = &zones.places[0];
        if (glimpse_distance_km(f->latitude, f->longitude, z->latitude, z->longitude) < 60)
            return f;
    }
    return NULL;
}

static int refuse_several(const search *s, const char *name) {
    char all[MAX_FOUND * (NAME_BYTES + 2) + 8] = "";
    for (size_t i = 0; i < s->count; i++) {
        const size_t used = strlen(all);
        (void)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? "; " : "",
                       s->places[i].where);
    }
    return glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" is several places: %s%s", name, all,
                        s->is_more ? "; and more" : "");
}

int glimpse_place_find(double *latitude, double *longitude, const char *name) {
    search s = {0};
    list used = {0};
    FILE *file = NULL;
    const char *comma = strchr(name, ',');
    size_t length = comma ? (size_t)(comma - name) : strlen(name);
    while (length > 0 && name[length - 1] == ' ')
        length--;
    int status = open_list(&file, &used);
    if (status < 0) return status;
    status = glimpse_text_fold(&s.name, name, length);
    if (status == GLIMPSE_OK && comma) {
        comma += 1 + strspn(comma + 1, " ");
        status = glimpse_text_fold(&s.within, comma, strlen(comma));
    }
    if (status == GLIMPSE_OK) status = used.read(file, used.path, compare, &s);
    (void)fclose(file);
    if (status == GLIMPSE_OK && s.count == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                              "there is no \"%s\" in the list of places %s; give coordinates", name,
                              used.path);
    }
    if (status == GLIMPSE_OK) {
        const found *place = choose(&s);
        if (place) {
            *latitude = place->latitude;
            *longitude = place->longitude;
        } else {
            status = refuse_several(&s, name);
        }
    }
    free(s.name);
    free(s.within);
    return status;
}

static int count_one(void *user, const glimpse_place *place) {
    (void)place;
    ++*(size_t *)user;
    return GLIMPSE_OK;
}

int glimpse_places_describe(const char **source, size_t *count) {
    list used = {0};
    FILE *file = NULL;
    if (!source || !count) return glimpse_fail_null(__func__);
    *source = NULL;
    *count = 0;
    int status = open_list(&file, &used);
    if (status < 0) return status;
    status = used.read(file, used.path, count_one, count);
    (void)fclose(file);
    *source = used.path;
    return status;
}

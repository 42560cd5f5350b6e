/*
 * catalog_choose.c - which model of the table fits, and what it costs.
 */
#include <glimpse/catalog.h>

#include <math.h>
#include <string.h>

int glimpse_catalog_covers(const glimpse_catalog_model *model, const char *language) {
    if (!model || !language || !*language) return model != NULL;
    if (strcmp(model->languages, "*") == 0) return 1;
    const size_t length = strcspn(language, "_-.@");
    for (const char *p = model->languages; *p;) {
        size_t word = strcspn(p, " ");
        if (word == length && strncmp(p, language, length) == 0) return 1;
        p += word + strspn(p + word, " ");
    }
    return 0;
}

/* Each weight of the image tower is one multiplication and one addition a token. What attention
 * adds at these lengths is a few per cent. */
double glimpse_catalog_speed(const glimpse_catalog_model *model, double flops) {
    if (!model || model->patch == 0 || model->resolution == 0) return NAN;
    const unsigned side = model->resolution / model->patch;
    const double work = 2.0 * model->image_parameters * 1e6 * (1.0 * side * side + 1.0);
    return flops > 0.0 && work > 0.0 ? flops / work : NAN;
}

uint64_t glimpse_catalog_memory(const glimpse_catalog_model *model) {
    const double millions = model ? model->parameters : NAN;
    return isfinite(millions) ? (uint64_t)(millions * 4e6) : 0;
}

static int is_search(const glimpse_catalog_model *m) {
    return strcmp(m->purpose, "search") == 0;
}

static int fits(const glimpse_catalog_model *m, const glimpse_catalog_needs *needs) {
    const uint64_t memory = glimpse_catalog_memory(m);
    const double speed = glimpse_catalog_speed(m, needs->flops);
    if (needs->memory > 0 && (memory == 0 || memory > needs->memory)) return 0;
    return needs->pictures_a_second <= 0.0 || speed >= needs->pictures_a_second;
}

static double merit(const glimpse_catalog_model *m) {
    return (isfinite(m->coco_image) ? m->coco_image : 0.0) + (m->recommended ? 3.0 : 0.0);
}

/* Of those whose licence is restricted, or of those whose is not. */
static const glimpse_catalog_model *recommend(const glimpse_catalog *catalog,
                                              const glimpse_catalog_needs *needs, int restricted) {
    const glimpse_catalog_model *best = NULL, *smallest = NULL;
    const char *language = needs->language && *needs->language ? needs->language : "en";
    for (size_t i = 0; i < glimpse_catalog_count(catalog); i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(catalog, i);
        const uint64_t memory = glimpse_catalog_memory(m);
        if (!is_search(m) || m->is_restricted != restricted) continue;
        if (!glimpse_catalog_covers(m, language)) continue;
        if (memory > 0 && (!smallest || memory < glimpse_catalog_memory(smallest))) smallest = m;
        if (fits(m, needs) && (!best || merit(m) > merit(best))) best = m;
    }
    return best ? best : smallest;
}

const glimpse_catalog_model *glimpse_catalog_recommend(const glimpse_catalog *catalog,
                                                       const glimpse_catalog_needs *needs) {
    static const glimpse_catalog_needs none;
    if (!needs) needs = &none;
    const glimpse_catalog_model *found = recommend(catalog, needs, 0);
    return found ? found : recommend(catalog, needs, 1);
}

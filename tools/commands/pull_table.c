/*
 * pull_table.c - the table of models, and which of them fits here.
 */
#include "pull_table.h"

#include "json_out.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A library of 20,000 pictures overnight. */
static const double PICTURES_A_SECOND = 1.0;

typedef struct table {
    const glimpse_catalog *catalog;
    glimpse_session *session;
    char language[16];
    double flops; /* NaN: could not be measured */
    const glimpse_catalog_model *recommended;
} table;

/* "de" of LC_ALL, LC_MESSAGES or LANG; "en" where they say nothing. */
static void find_language(char *to, size_t size, const char *given) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *value = given;
    for (size_t i = 0; !value && i < sizeof names / sizeof *names; i++) {
        value = getenv(names[i]);
        if (value && !*value) value = NULL;
    }
    size_t length = value ? strcspn(value, "_-.@") : 0;
    if (length == 0 || length >= size || strncmp(value, "C", length) == 0 ||
        strncmp(value, "POSIX", length) == 0) {
        (void)snprintf(to, size, "en");
    } else {
        (void)snprintf(to, size, "%.*s", (int)length, value);
    }
}

/* Half of the memory: there are others on this machine. */
static uint64_t usable_memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 2 : 0;
}

static const char *about_speed(const table *t, const glimpse_catalog_model *m) {
    static char text[16];
    const double speed = glimpse_catalog_speed(m, t->flops);
    if (!isfinite(speed)) return "-";
    (void)snprintf(text, sizeof text, "%.*f", speed < 10.0 ? 1 : 0, speed);
    return text;
}

static const char *figure(double value) {
    static char text[4][16];
    static unsigned next;
    char *to = text[next++ % 4];
    if (isfinite(value))
        (void)snprintf(to, 16, "%.1f", value);
    else
        (void)snprintf(to, 16, "-");
    return to;
}

static uint64_t disk_bytes(const glimpse_catalog_model *m) {
    return m->bytes ? m->bytes : glimpse_catalog_memory(m);
}

static const char *language_name(const glimpse_catalog_model *m) {
    return strcmp(m->languages, "*") == 0 ? "many" : m->languages;
}

static const char *licence_name(const glimpse_catalog_model *m) {
    return m->licence ? m->licence : "no licence declared";
}

/* Models of a family stand together, under its name and licence. */
static void print_heading(const glimpse_catalog_model *m, const glimpse_catalog_model *before) {
    if (before && strcmp(before->family, m->family) == 0 &&
        strcmp(licence_name(before), licence_name(m)) == 0)
        return;
    const char *limit = m->is_restricted ? ": for research" : "";
    if (m->is_restricted && strstr(m->licence, "-nc")) limit = ": not for commercial use";
    (void)printf("%s (%s%s)\n", m->family, licence_name(m), limit);
}

static void print_row(const table *t, const glimpse_catalog_model *m, size_t widest) {
    (void)printf("%s%s", m == t->recommended ? ">" : " ", m->unverified ? "~" : " ");
    text_print_padded(m->name, widest);
    (void)printf(" %7s %3u ", disk_bytes(m) ? text_bytes(disk_bytes(m)) : "-", m->resolution);
    if (strcmp(m->purpose, "search") == 0) {
        (void)printf("%8s %5s %6s %10s ", figure(m->imagenet), figure(m->coco_image),
                     figure(m->xm3600), about_speed(t, m));
    } else {
        (void)printf("%-32s ", m->purpose);
    }
    (void)printf("%s%s\n", language_name(m),
                 glimpse_session_has_model(t->session, m) ? "  installed" : "");
}

static void print_people(const table *t) {
    size_t widest = 4, count = glimpse_catalog_count(t->catalog);
    for (size_t i = 0; i < count; i++) {
        size_t width = text_width(glimpse_catalog_get(t->catalog, i)->name);
        if (width > widest) widest = width;
    }
    (void)printf("  ");
    text_print_padded("name", widest);
    (void)printf(" %7s %3s %8s %5s %6s %10s texts\n", "size", "px", "ImageNet", "COCO", "XM3600",
                 "pictures/s");
    for (size_t i = 0; i < count; i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(t->catalog, i);
        print_heading(m, i ? glimpse_catalog_get(t->catalog, i - 1) : NULL);
        print_row(t, m, widest);
    }
    (void)printf(
        "\nSizes and pictures a second are about: the latter is what the matrix products of\n"
        "this machine (%.0f GFLOP/s) allow. ImageNet: zero-shot, per cent right; COCO: how\n"
        "often the right picture of 5,000 comes first, per cent; XM3600: the same of\n"
        "3,600 in 36 languages. All as published. ~: what nobody checked (see --json).\n",
        t->flops / 1e9);
    if (!t->recommended) {
        (void)printf("None of them was made for texts in \"%s\".\n", t->language);
        return;
    }
    (void)printf("\nFor texts in \"%s\" on this machine: %s\n\n    glimpse pull %s\n", t->language,
                 t->recommended->name, t->recommended->name);
}

static void jout_figure(json_out *j, const char *key, double value) {
    jout_key(j, key);
    jout_number(j, value);
}

static void print_json_model(json_out *j, const table *t, const glimpse_catalog_model *m) {
    jout_open(j, '{');
    jout_pair(j, "name", m->name);
    jout_pair(j, "repository", m->repository);
    jout_pair(j, "revision", m->revision);
    jout_text_or_null(j, "weights_revision", m->weights_revision);
    jout_pair(j, "family", m->family);
    jout_pair(j, "purpose", m->purpose);
    jout_text_or_null(j, "licence", m->licence);
    jout_key(j, "restricted"), jout_bool(j, m->is_restricted);
    jout_pair(j, "languages", m->languages);
    jout_figure(j, "parameters", m->parameters * 1e6);
    jout_key(j, "resolution"), jout_uint(j, m->resolution);
    jout_key(j, "dimension"), jout_uint(j, m->dimension);
    jout_key(j, "bytes");
    if (m->bytes)
        jout_uint(j, m->bytes);
    else
        jout_null(j);
    jout_key(j, "figures");
    jout_open(j, '{');
    jout_figure(j, "imagenet", m->imagenet);
    jout_figure(j, "coco_image", m->coco_image);
    jout_figure(j, "coco_text", m->coco_text);
    jout_figure(j, "flickr_image", m->flickr_image);
    jout_figure(j, "flickr_text", m->flickr_text);
    jout_figure(j, "xm3600", m->xm3600);
    jout_close(j, '}');
    jout_text_or_null(j, "source", m->source);
    jout_text_or_null(j, "unverified", m->unverified);
    jout_figure(j, "about_pictures_per_second", glimpse_catalog_speed(m, t->flops));
    jout_key(j, "installed"), jout_bool(j, glimpse_session_has_model(t->session, m));
    jout_close(j, '}');
}

static void print_json(const table *t) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_pair(&j, "language", t->language);
    jout_figure(&j, "flops", t->flops);
    jout_text_or_null(&j, "recommended", t->recommended ? t->recommended->name : NULL);
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t i = 0; i < glimpse_catalog_count(t->catalog); i++)
        print_json_model(&j, t, glimpse_catalog_get(t->catalog, i));
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

int pull_table_print(glimpse_session *session, const char *language, int json) {
    table t = {.session = session, .flops = NAN};
    if (glimpse_session_catalog(&t.catalog, session) < 0) return tool_fail_last();
    if (glimpse_session_measure_flops(&t.flops, session) < 0) return tool_fail_last();
    find_language(t.language, sizeof t.language, language);
    const glimpse_catalog_needs needs = {.language = t.language,
                                         .flops = t.flops,
                                         .pictures_a_second = PICTURES_A_SECOND,
                                         .memory = usable_memory()};
    t.recommended = glimpse_catalog_recommend(t.catalog, &needs);
    if (json)
        print_json(&t);
    else
        print_people(&t);
    return EXIT_FOUND;
}

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

/*
 * For people: columns, of which a narrow terminal has only those that fit.
 */
typedef enum column { SIZE, PIXELS, IMAGENET, COCO, XM3600, SPEED, TEXTS, COLUMNS } column;
static const struct {
    const char *heading;
    int width, is_number;
} columns[COLUMNS] = {{"size", 6, 1},   {"px", 3, 1},          {"ImageNet", 8, 1}, {"COCO", 4, 1},
                      {"XM3600", 6, 1}, {"pictures/s", 10, 1}, {"texts", 6, 0}};

static const char *cell(const table *t, const glimpse_catalog_model *m, column c) {
    static char text[64];
    const int is_search = strcmp(m->purpose, "search") == 0;
    switch (c) {
    case SIZE: return disk_bytes(m) ? text_bytes(disk_bytes(m)) : "-";
    case PIXELS: (void)snprintf(text, sizeof text, "%u", m->resolution); return text;
    case IMAGENET: return is_search ? figure(m->imagenet) : m->purpose;
    case COCO: return is_search ? figure(m->coco_image) : "";
    case XM3600: return is_search ? figure(m->xm3600) : "";
    case SPEED: return is_search ? about_speed(t, m) : "";
    default: break;
    }
    (void)snprintf(text, sizeof text, "%s%s", language_name(m), m->unverified ? " ~" : "");
    return text;
}

static const char *licence_name(const glimpse_catalog_model *m) {
    return m->licence ? m->licence : "no licence declared";
}

/* Models of a family stand together, under its name and licence. */
static void print_heading(const glimpse_catalog_model *m, const glimpse_catalog_model *before) {
    if (before && strcmp(before->family, m->family) == 0 &&
        strcmp(licence_name(before), licence_name(m)) == 0)
        return;
    (void)printf("%s: %s\n", m->family, licence_name(m));
}

/* 1: there is room for it; what can be done without first goes first. */
static void choose_columns(int *shown, size_t widest) {
    static const column order[] = {PIXELS, XM3600, IMAGENET, COCO, SPEED};
    const size_t terminal = text_terminal_columns(STDOUT_FILENO);
    size_t width = 2 + widest;
    for (size_t c = 0; c < COLUMNS; c++) {
        shown[c] = 1;
        width += 2 + (size_t)columns[c].width;
    }
    for (size_t i = 0; terminal > 0 && width > terminal && i < sizeof order / sizeof *order; i++) {
        shown[order[i]] = 0;
        width -= 2 + (size_t)columns[order[i]].width;
    }
}

static void print_cell(const char *text, column c) {
    if (columns[c].is_number)
        (void)printf("  %*s", columns[c].width, text);
    else
        (void)printf("  %s", text);
}

static void print_row(const table *t, const int *shown, const glimpse_catalog_model *m,
                      size_t widest) {
    (void)printf("%c%c", m == t->recommended ? '>' : ' ',
                 glimpse_session_has_model(t->session, m) ? '*' : ' ');
    text_print_padded(m->name, widest);
    for (column c = SIZE; c < COLUMNS; c++)
        if (shown[c]) print_cell(cell(t, m, c), c);
    (void)putchar('\n');
}

/* Words of `text` on lines of the terminal. */
static void print_paragraph(const char *text) {
    enum { USUAL = 90 };
    size_t terminal = text_terminal_columns(STDOUT_FILENO), used = 0;
    if (terminal == 0 || terminal > USUAL) terminal = USUAL;
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (used > 0 && used + 1 + length > terminal) {
            (void)putchar('\n');
            used = 0;
        }
        (void)printf("%s%.*s", used > 0 ? " " : "", (int)length, text);
        used += (used > 0) + length;
        text += length + strspn(text + length, " ");
    }
    (void)putchar('\n');
}

static void explain(const table *t, const int *shown) {
    char *left_out = xstrdup("");
    for (column c = SIZE; c < COLUMNS; c++) {
        if (shown[c]) continue;
        char *longer = xprintf("%s%s%s", left_out, *left_out ? ", " : "", columns[c].heading);
        free(left_out);
        left_out = longer;
    }
    char *text = xprintf(
        "> recommended, * installed, ~ something nobody could check yet (--json says what). Sizes "
        "and pictures a second are about: the latter is what the matrix products of this machine "
        "(%.0f GFLOP/s) allow, - where the table does not say enough. ImageNet: zero-shot, per "
        "cent right; COCO: how often the right picture of 5,000 comes first, per cent; XM3600: the "
        "same of 3,600, mean of 36 languages. All as published. cc-by-nc-4.0 allows no commercial "
        "use, apple-amlr research only.%s%s%s",
        t->flops / 1e9, *left_out ? " Left out for the width of the terminal: " : "", left_out,
        *left_out ? "." : "");
    (void)putchar('\n');
    print_paragraph(text);
    free(text);
    free(left_out);
}

/* Why it is this one: what it costs here. */
static void print_recommendation(const table *t) {
    const glimpse_catalog_model *m = t->recommended;
    const double speed = glimpse_catalog_speed(m, t->flops);
    if (!m) {
        (void)printf("None of them was made for texts in \"%s\".\n", t->language);
        return;
    }
    (void)printf("\nFor texts in \"%s\" on this machine: %s\n", t->language, m->name);
    char *text = xprintf("%s of memory", text_bytes(glimpse_catalog_memory(m)));
    if (isfinite(speed) && speed > 0.0) {
        const double minutes = fmax(1.0, 10000.0 / speed / 60.0);
        const int is_long = minutes >= 120.0;
        char *longer =
            xprintf("%s; 10,000 pictures take about %s", text,
                    text_counted((uint64_t)(is_long ? minutes / 60.0 + 0.5 : minutes + 0.5),
                                 is_long ? "hour" : "minute", is_long ? "hours" : "minutes"));
        free(text);
        text = longer;
    }
    (void)printf("(%s)\n", text);
    free(text);
    if (glimpse_session_has_model(t->session, m)) {
        (void)printf("\nIt is installed:\n\n    glimpse models --default %s --user\n\nmakes it "
                     "the one that new libraries are made with.\n",
                     m->name);
    } else {
        (void)printf("\n    glimpse pull %s\n", m->name);
    }
}

static void print_people(const table *t) {
    size_t widest = 4, count = glimpse_catalog_count(t->catalog);
    int shown[COLUMNS];
    for (size_t i = 0; i < count; i++) {
        size_t width = text_width(glimpse_catalog_get(t->catalog, i)->name);
        if (width > widest) widest = width;
    }
    choose_columns(shown, widest);
    (void)printf("  ");
    text_print_padded("name", widest);
    for (column c = SIZE; c < COLUMNS; c++)
        if (shown[c]) print_cell(columns[c].heading, c);
    (void)putchar('\n');
    for (size_t i = 0; i < count; i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(t->catalog, i);
        print_heading(m, i ? glimpse_catalog_get(t->catalog, i - 1) : NULL);
        print_row(t, shown, m, widest);
    }
    explain(t, shown);
    print_recommendation(t);
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
    jout_key(j, "about_memory_bytes");
    if (glimpse_catalog_memory(m)) {
        jout_uint(j, glimpse_catalog_memory(m));
    } else {
        jout_null(j);
    }
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

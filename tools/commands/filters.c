/*
 * filters.c - one expression of --where and its shortcuts.
 */
#include "filters.h"

#include "tool.h"

#include <glimpse/filters.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const filter_sorts[] = {"usual", "taken", "added", "bytes", "path", "rating", NULL};

/* What is read of an option is checked by itself, so that a mistake is that option's. */
typedef struct reading {
    filters *f;
    const cli_command *command;
    int code;
} reading;

/* A malloc'ed 'text', quotes in it doubled. */
static char *quoted(const char *text, size_t length) {
    char *out = xmalloc(2 * length + 3), *to = out;
    *to++ = '\'';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'') *to++ = '\'';
        *to++ = text[i];
    }
    *to++ = '\'';
    *to = '\0';
    return out;
}

/* Without the place in an expression that nobody wrote. */
static const char *reason(const char *message) {
    const char *place = strstr(message, ", character ");
    const char *colon = place ? strstr(place, ": ") : NULL;
    return colon ? colon + 2 : message;
}

/* Adds a condition that has to hold, and frees it. `option` NULL: it was checked. */
static void add(reading *r, const char *option, char *condition) {
    if (r->code == CLI_RUN && option) {
        const int status = glimpse_where_check(condition);
        if (status == GLIMPSE_E_NOMEM) {
            r->code = tool_fail_last();
        } else if (status < 0) {
            const char *why = reason(glimpse_last_error());
            const size_t length = strlen(option);
            /* Fields are called as their options are: once is enough. */
            if (strncmp(why, option, length) == 0 && strncmp(why + length, ": ", 2) == 0) {
                why += length + 2;
            }
            r->code = cli_misuse(r->command, "--%s: %s", option, why);
        }
    }
    if (r->code == CLI_RUN) {
        char *all = r->f->expression ? xprintf("%s and (%s)", r->f->expression, condition)
                                     : xprintf("(%s)", condition);
        free(r->f->expression);
        r->f->expression = all;
    }
    free(condition);
}

/* `field = value`, or with the operator that the value begins with: --iso '>800'. */
static void add_compared(reading *r, const char *option, const char *field, const char *value) {
    if (!value) return;
    const size_t length = strspn(value, "<>=!");
    char *text = quoted(value + length, strlen(value + length));
    add(r, option,
        xprintf("%s %.*s %s", field, length ? (int)length : 1, length ? value : "=", text));
    free(text);
}

/* One of them is enough: `field ~ 'a', 'b'`. Values with commas in them are several when `split`.
 */
static void add_any(reading *r, const char *option, const char *start, const cli_list *values,
                    int split) {
    char *condition = NULL;
    for (size_t i = 0; i < values->count; i++) {
        const char *value = values->values[i];
        do {
            const size_t length = split ? strcspn(value, ",") : strlen(value);
            char *text = quoted(value, length);
            char *longer =
                condition ? xprintf("%s, %s", condition, text) : xprintf("%s %s", start, text);
            free(text);
            free(condition);
            condition = longer;
            value += length;
        } while (*value++ == ',');
    }
    if (condition) add(r, option, condition);
}

static void add_all(reading *r, const char *option, const char *start, const cli_list *values) {
    for (size_t i = 0; i < values->count; i++) {
        char *text = quoted(values->values[i], strlen(values->values[i]));
        add(r, option, xprintf("%s %s", start, text));
        free(text);
    }
}

static void add_has(reading *r, const cli_list *values) {
    for (size_t i = 0; i < values->count; i++) {
        const char *value = values->values[i];
        do {
            const size_t length = strcspn(value, ",");
            add(r, "has", xprintf("has(%.*s)", (int)length, value));
            value += length;
        } while (*value++ == ',');
    }
}

/* "38.7,-9.1,10", "Lisbon", "Lisbon,10" or "Paris, France,5". */
static void add_near(reading *r, const char *value) {
    const char *comma = value ? strrchr(value, ',') : NULL;
    if (!value) return;
    if (strchr("0123456789+-.", *value) && *value) {
        add(r, "near", xprintf("near(%s)", value));
        return;
    }
    const char *distance = comma ? comma + 1 + strspn(comma + 1, " ") : "";
    const int has_distance = *distance >= '0' && *distance <= '9';
    char *name = quoted(value, has_distance ? (size_t)(comma - value) : strlen(value));
    add(r, "near",
        has_distance ? xprintf("near(%s, %s)", name, distance) : xprintf("near(%s)", name));
    free(name);
}

static void add_shape(reading *r, const filters *f) {
    if (!f->landscape && !f->portrait && !f->square) return;
    char *all = xprintf("%s%s%s", f->landscape ? ", landscape" : "",
                        f->portrait ? ", portrait" : "", f->square ? ", square" : "");
    add(r, NULL, xprintf("orientation = %s", all + 2));
    free(all);
}

int filters_read(filters *f, glimpse_search_options *search, const cli_command *command) {
    reading r = {f, command, CLI_RUN};
    if (f->where) {
        const int status = glimpse_where_check(f->where);
        if (status < 0) return cli_refused(command, status);
        add(&r, NULL, xstrdup(f->where));
    }
    add_any(&r, "camera", "camera ~", &f->cameras, 0);
    add_any(&r, "lens", "lens ~", &f->lenses, 0);
    add_compared(&r, "iso", "iso", f->iso);
    add_near(&r, f->near);
    add_compared(&r, "rating", "rating", f->rating);
    add_all(&r, "keyword", "keyword =", &f->keywords);
    add_all(&r, "person", "person =", &f->people);
    add_all(&r, "tag", "tag =", &f->tags);
    add_all(&r, "album", "album =", &f->albums);
    add_any(&r, "format", "format =", &f->formats, 1);
    add_shape(&r, f);
    add_has(&r, &f->has);
    if (r.code != CLI_RUN) return r.code;
    search->within = f->within.values;
    search->within_count = f->within.count;
    search->after = f->after;
    search->before = f->before;
    search->labels = f->labels.values;
    search->label_count = f->labels.count;
    search->where = f->expression;
    const int status = glimpse_search_options_check(search);
    return status < 0 ? cli_refused(command, status) : CLI_RUN;
}

int filters_are_given(const filters *f) {
    return f->within.count > 0 || f->after || f->before || f->where || f->iso || f->near ||
           f->rating || f->landscape || f->portrait || f->square ||
           f->labels.count + f->cameras.count + f->lenses.count + f->keywords.count +
                   f->people.count + f->formats.count + f->has.count + f->tags.count +
                   f->albums.count >
               0;
}

void filters_free(filters *f) {
    cli_list *const lists[] = {&f->within, &f->labels,  &f->cameras, &f->lenses, &f->keywords,
                               &f->people, &f->formats, &f->has,     &f->tags,   &f->albums};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        cli_list_free(lists[i]);
    free(f->expression);
    f->expression = NULL;
}

/*
 * places_read.c - the forms that lists of places come in.
 */
#include "places.h"

#include "core/error.h"
#include "where.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 19, NAME_BYTES = 128, MAX_DEPTH = 16 };

static int coordinate(double *value, const char *text, double limit) {
    return text && glimpse_where_number(value, GLIMPSE_WHERE_NUMBER, text) && fabs(*value) <= limit;
}

/* Splits at tabs in place; the end of the line goes. */
static size_t split(char *line, char *columns[COLUMNS]) {
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && count < COLUMNS;)
        columns[count++] = strsep(&at, "\t");
    return count;
}

/* GeoNames' cities files: id, name, ascii name, other names, latitude, longitude, class, code,
 * country, ..., population (the 15th). Or: name, latitude, longitude. */
static int read_columns(glimpse_place *place, char *const columns[COLUMNS], size_t count) {
    double people = 0;
    *place = (glimpse_place){0};
    if (count >= 15 && coordinate(&place->latitude, columns[4], 90) &&
        coordinate(&place->longitude, columns[5], 180)) {
        place->name = columns[1];
        place->ascii = columns[2];
        place->others = columns[3];
        place->country = place->code = columns[8];
        if (glimpse_where_number(&people, GLIMPSE_WHERE_NUMBER, columns[14])) {
            place->people = people;
        }
        return 1;
    }
    place->name = columns[0];
    return count >= 3 && coordinate(&place->latitude, columns[1], 90) &&
           coordinate(&place->longitude, columns[2], 180);
}

int glimpse_places_read_lines(FILE *file, const char *path, glimpse_place_fn visit, void *user) {
    char *line = NULL, *columns[COLUMNS];
    size_t capacity = 0;
    int status = GLIMPSE_OK;
    while (status == GLIMPSE_OK && getline(&line, &capacity, file) >= 0) {
        glimpse_place place;
        const size_t count = split(line, columns);
        if (*line != '#' && read_columns(&place, columns, count)) status = visit(user, &place);
    }
    if (status == GLIMPSE_OK && ferror(file)) status = glimpse_fail_errno("%s: cannot read", path);
    free(line);
    return status;
}

/* "+3843-00908" or "+404251-0740023": degrees, minutes, seconds. */
static int iso_6709(double *value, const char **text, int degrees) {
    const char *p = *text;
    const int negative = *p == '-';
    double parts[3] = {0};
    size_t digits = 0;
    if (*p != '-' && *p != '+') return 0;
    for (p++; *p >= '0' && *p <= '9'; p++, digits++) {
        const size_t part = digits < (size_t)degrees ? 0 : 1 + (digits - (size_t)degrees) / 2;
        if (part > 2) return 0;
        parts[part] = 10 * parts[part] + (*p - '0');
    }
    *value = parts[0] + parts[1] / 60 + parts[2] / 3600;
    if (negative) *value = -*value;
    *text = p;
    return digits > (size_t)degrees;
}

/* The time zones of tzdata: country, place, "Europe/Lisbon". */
int glimpse_places_read_zones(FILE *file, const char *path, glimpse_place_fn visit, void *user) {
    char *line = NULL, *columns[COLUMNS];
    size_t capacity = 0;
    int status = GLIMPSE_OK;
    while (status == GLIMPSE_OK && getline(&line, &capacity, file) >= 0) {
        glimpse_place place = {0};
        if (*line == '#' || split(line, columns) < 3) continue;
        const char *at = columns[1];
        if (!iso_6709(&place.latitude, &at, 2) || !iso_6709(&place.longitude, &at, 3)) continue;
        if (fabs(place.latitude) > 90 || fabs(place.longitude) > 180) continue;
        char *name = strrchr(columns[2], '/');
        name = name ? name + 1 : columns[2];
        for (char *c = name; *c; c++)
            if (*c == '_') *c = ' ';
        place.name = name;
        place.country = place.code = columns[0];
        status = visit(user, &place);
    }
    if (status == GLIMPSE_OK && ferror(file)) status = glimpse_fail_errno("%s: cannot read", path);
    free(line);
    return status;
}

/*
 * libgweather: region > country > state > city, each with a _name (or name); a city has coordinates
 * and, inside of it, weather stations, which have names of their own.
 */
typedef struct gweather {
    XML_Parser parser;
    glimpse_place_fn visit;
    void *user;
    int status;
    int depth, city;       /* how deep it is, and the city it is in (0: none) */
    char text[NAME_BYTES]; /* of the element that is read */
    size_t length;
    int country_depth, state_depth;
    char name[NAME_BYTES], at[NAME_BYTES];
    char country[NAME_BYTES], state[NAME_BYTES], code[8];
} gweather;

static void XMLCALL begin(void *user, const XML_Char *name, const XML_Char **attributes) {
    gweather *g = user;
    (void)attributes;
    g->depth++;
    g->length = 0;
    if (strcmp(name, "country") == 0) {
        g->country_depth = g->depth;
        g->country[0] = g->state[0] = g->code[0] = '\0';
        g->state_depth = 0;
    } else if (strcmp(name, "state") == 0) {
        g->state_depth = g->depth;
        g->state[0] = '\0';
    } else if (strcmp(name, "city") == 0) {
        g->city = g->depth;
        g->name[0] = g->at[0] = '\0';
    }
    if (g->depth > MAX_DEPTH) (void)XML_StopParser(g->parser, 0);
}

static void XMLCALL add_text(void *user, const XML_Char *text, int length) {
    gweather *g = user;
    for (int i = 0; i < length && g->length + 1 < sizeof g->text; i++)
        g->text[g->length++] = text[i];
}

static void report_city(gweather *g) {
    glimpse_place place = {.name = g->name};
    char *blank = strchr(g->at, ' ');
    if (!blank || !g->name[0]) return;
    *blank = '\0';
    if (!coordinate(&place.latitude, g->at, 90) || !coordinate(&place.longitude, blank + 1, 180)) {
        return;
    }
    if (g->country[0]) place.country = g->country;
    if (g->state_depth && g->state[0]) place.state = g->state;
    if (g->code[0]) place.code = g->code;
    g->status = g->visit(g->user, &place);
    if (g->status != GLIMPSE_OK) (void)XML_StopParser(g->parser, 0);
}

static void XMLCALL end(void *user, const XML_Char *element) {
    gweather *g = user;
    const int above = g->depth - 1;
    g->text[g->length] = '\0';
    if (strcmp(element, "_name") == 0 || strcmp(element, "name") == 0) {
        if (g->city && above == g->city) {
            (void)snprintf(g->name, sizeof g->name, "%s", g->text);
        } else if (!g->city && above == g->state_depth) {
            (void)snprintf(g->state, sizeof g->state, "%s", g->text);
        } else if (!g->city && above == g->country_depth) {
            (void)snprintf(g->country, sizeof g->country, "%s", g->text);
        }
    } else if (strcmp(element, "iso-code") == 0 && above == g->country_depth) {
        (void)snprintf(g->code, sizeof g->code, "%.7s", g->text);
    } else if (strcmp(element, "coordinates") == 0 && g->city && above == g->city) {
        (void)snprintf(g->at, sizeof g->at, "%s", g->text);
    } else if (strcmp(element, "city") == 0) {
        report_city(g);
        g->city = 0;
    } else if (strcmp(element, "state") == 0) {
        g->state_depth = 0;
    }
    g->length = 0;
    g->depth--;
}

int glimpse_places_read_gweather(FILE *file, const char *path, glimpse_place_fn visit, void *user) {
    gweather g = {.visit = visit, .user = user};
    int last = 0;
    g.parser = XML_ParserCreate(NULL);
    if (!g.parser) return glimpse_fail_nomem(1024, "a list of places");
    XML_SetUserData(g.parser, &g);
    XML_SetElementHandler(g.parser, begin, end);
    XML_SetCharacterDataHandler(g.parser, add_text);
    while (!last && g.status == GLIMPSE_OK) {
        char bytes[16384];
        const size_t got = fread(bytes, 1, sizeof bytes, file);
        last = got < sizeof bytes;
        if (XML_Parse(g.parser, bytes, (int)got, last) == XML_STATUS_ERROR &&
            g.status == GLIMPSE_OK) {
            g.status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: no list of places: %s", path,
                                    XML_ErrorString(XML_GetErrorCode(g.parser)));
        }
    }
    if (g.status == GLIMPSE_OK && ferror(file)) {
        g.status = glimpse_fail_errno("%s: cannot read", path);
    }
    XML_ParserFree(g.parser);
    return g.status;
}

/*
 * The grammar of filters, case by case: what each expression is, and where a wrong one is wrong.
 */
#include "support/test.h"

#include "places.h"
#include "where.h"

#include <math.h>

/* A tree as text: all(...), any(...), not(...), field=text, field~text, field[low,high], ... */
static void write_node(FILE *to, const glimpse_where *where, size_t i) {
    const glimpse_where_node *n = &where->nodes[i];
    const char *name = glimpse_where_row_of(n->field)->info.name;
    switch (n->kind) {
    case GLIMPSE_WHERE_ALL:
    case GLIMPSE_WHERE_ANY:
    case GLIMPSE_WHERE_NOT:
        fputs(n->kind == GLIMPSE_WHERE_ALL   ? "all("
              : n->kind == GLIMPSE_WHERE_ANY ? "any("
                                             : "not(",
              to);
        for (size_t child = n->child; child; child = where->nodes[child].next) {
            if (child != n->child) fputs(" ", to);
            write_node(to, where, child);
        }
        fputs(")", to);
        break;
    case GLIMPSE_WHERE_HAS: fprintf(to, "has:%s", name); break;
    case GLIMPSE_WHERE_IS: fprintf(to, "%s=%s", name, n->text); break;
    case GLIMPSE_WHERE_PART: fprintf(to, "%s~%s", name, n->text); break;
    case GLIMPSE_WHERE_RANGE:
        fprintf(to, "%s%c%.10g,%.10g%c", name, n->low_open ? '(' : '[', n->low, n->high,
                n->high_open ? ')' : ']');
        break;
    case GLIMPSE_WHERE_TIME:
        fprintf(to, "%s[%s,%s)", name, n->first, *n->end == '\x7f' ? "-" : n->end);
        break;
    case GLIMPSE_WHERE_NEAR:
        fprintf(to, "near:%g,%g,%g", n->latitude, n->longitude, n->high);
        break;
    }
}

static const struct {
    const char *text, *tree;
} cases[] = {
    {"camera = 'Canon R5'", "camera=canon r5"},
    {"CAMERA ~ R5", "camera~r5"},
    {"camera = \"it''s\"", "camera=it''s"},
    {"camera = 'it''s'", "camera=it's"},
    {"title ~ 'STRASSE' or title ~ 'straße'", "any(title~strasse title~strasse)"},
    {"iso = 100", "iso[100,100]"},
    {"iso=100..400", "iso[100,400]"},
    {"iso = 800..", "iso[800,inf]"},
    {"iso = ..800", "iso[-inf,800]"},
    {"iso < 100", "iso[-inf,100)"},
    {"iso >= 100", "iso[100,inf]"},
    {"iso == 100 and iso <> 200", "all(iso[100,100] not(iso[200,200]))"},
    {"iso = 100, 200..300", "any(iso[100,100] iso[200,300])"},
    {"iso != 100, 200", "not(any(iso[100,100] iso[200,200]))"},
    {"rating = -1", "rating[-1,-1]"},
    {"exposure = 1/250", "exposure[0.004,0.004]"},
    {"exposure = 1/1000..1/60s", "exposure[0.001,0.01666666667]"},
    {"aperture = f/1.4..2.8", "aperture[1.4,2.8]"},
    {"focal_length = 24mm..70mm", "focal[24,70]"},
    {"bytes > 10MB and bytes <= 1KiB", "all(bytes(10000000,inf] bytes[-inf,1024])"},
    {"taken = 2020-05", "taken[2020-05-01T00:00:00,2020-06-01T00:00:00)"},
    {"taken = 2020-12-31T23", "taken[2020-12-31T23:00:00,2021-01-01T00:00:00)"},
    {"taken = 2020-02-28", "taken[2020-02-28T00:00:00,2020-02-29T00:00:00)"},
    {"taken > 2020", "taken[2021-01-01T00:00:00,-)"},
    {"taken <= 2020-05", "taken[,2020-06-01T00:00:00)"},
    {"taken = 2019..2020-05", "taken[2019-01-01T00:00:00,2020-06-01T00:00:00)"},
    {"taken = ..2020-05", "taken[,2020-06-01T00:00:00)"},
    {"taken = 9999", "taken[9999-01-01T00:00:00,-)"},
    {"near(38.7, -9.1, 10)", "near:38.7,-9.1,10"},
    {"near(-38.7,179.9,500m)", "near:-38.7,179.9,0.5"},
    {"near(Home)", "near:1.5,2.5,25"},
    {"near('home', 10 )", "near:1.5,2.5,10"},
    {"near('Lissabon, PT', 2mi)", "near:38.7167,-9.13333,3.21869"},
    {"has(gps) and has ( colour_label )", "all(has:gps has:colour_label)"},
    {"not has(gps)", "not(has:gps)"},
    {"not not has(gps)", "not(not(has:gps))"},
    {"iso=1 or iso=2 and not iso=3", "any(iso[1,1] all(iso[2,2] not(iso[3,3])))"},
    {"(iso=1 or iso=2) and iso=3", "all(any(iso[1,1] iso[2,2]) iso[3,3])"},
    {"iso=1 AND iso=2 And iso=3", "all(iso[1,1] iso[2,2] iso[3,3])"},
    {"((iso=1))", "iso[1,1]"},
    {"format = JPG, 'jpeg xl', raw", "any(format=jpeg format=jpeg xl format=camera raw)"},
    {"orientation = Portrait", "orientation=portrait"},
    {"path = '/a/../b/'", "path=/b"},
    {"path ~ '/RAW/'", "path~/raw/"},
    {"keywords = and", "keyword=and"},
    {"color_label = Red", "colour_label=red"},
    {"title = 2020..2021", "title=2020..2021"},
};

static const struct {
    const char *text, *message;
} mistakes[] = {
    {"", "where: the expression is empty"},
    {"  ", "where: the expression is empty"},
    {"camra = x", "where, character 1: there is no field camra; did you mean camera?"},
    {"iso = 1 and rtaing = 2",
     "where, character 13: there is no field rtaing; did you mean rating?"},
    {"xyzzyx = 2", "where, character 1: there is no field xyzzyx; fields are camera, lens, iso,"},
    {"iso", "where, character 4: =, !=, <, <=, >, >= or ~ is missing before the end"},
    {"iso =", "where, character 6: a value for iso is missing before the end"},
    {"iso = 1x", "where, character 7: iso: \"1x\" is not a number such as"},
    {"iso = 1e999", "where, character 7: iso: \"1e999\" is not"},
    {"iso = 400..100", "where, character 7: iso: the range 400..100 ends before it begins"},
    {"iso = ..", "where, character 7: iso: \"..\" is not"},
    {"iso < 1..2", "where, character 5: a range goes with = and != only"},
    {"iso < 1, 2", "where, character 8: several values go with =, != and ~ only"},
    {"iso ~ 1", "where, character 5: iso is no text"},
    {"camera < x", "where, character 8: camera is a text"},
    {"camera = ''", "where, character 10: camera: the text is empty"},
    {"camera = Canon EOS",
     "where, character 16: and or or is missing before EOS (a value of several"},
    {"(camera = Canon EOS)", "where, character 17: and, or or ) is missing before EOS"},
    {"title = 'é' and title ~ 'a", "where, character 25: this quote is not closed"},
    {"iso = 1 and (iso = 2", "where, character 13: this ( is not closed"},
    {"iso = 1)", "where, character 8: there is no ( for this )"},
    {"iso ! 1", "where, character 5: ! is no operator"},
    {"iso = 1 and", "where, character 12: a condition is missing before the end"},
    {"iso = 1 or or", "where, character 12: there is no field or"},
    {"taken = 2020-13", "where, character 9: taken: \"2020-13\" is not a date such as"},
    {"taken = 2021..2020", "where, character 9: taken: the range 2021..2020 ends"},
    {"exposure = 1/0", "where, character 12: exposure: \"1/0\" is not a time such as"},
    {"bytes = 5 MB", "where, character 11: and or or is missing before MB"},
    {"orientation = upright", "where, character 15: orientation: \"upright\" is not landscape"},
    {"gps = 1", "where, character 5: gps cannot be compared"},
    {"has(path)", "where, character 5: every picture has path"},
    {"has gps", "where, character 5: ( is missing before gps"},
    {"near(91, 0, 1)", "where, character 6: near: a latitude goes from -90 to 90"},
    {"near(1, 181, 1)", "where, character 9: near: a longitude goes from -180 to 180"},
    {"near(1, 2)",
     "where, character 10: the distance in km, near(LAT, LON, KM), is missing before )"},
    {"near(1, 2, x)", "where, character 12: near: x is not a distance such as"},
    {"near(Nowhere)", "where, character 6: near: there is no \"Nowhere\" in the list of places"},
    {"near(Twin)", "where, character 6: near: \"Twin\" is several places: Twin; Twin"},
    {"favourite = x", "where, character 11: favourite cannot be compared; write has(favourite)"},
    {"tag > x", "where, character 5: tag is a text"},
};

static void expressions_are_read_as_the_manual_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_where *where = NULL;
        char *text = NULL;
        size_t size = 0;
        if (glimpse_where_parse(&where, cases[i].text) < 0) {
            fail_msg("%s: %s", cases[i].text, glimpse_last_error());
        }
        FILE *to = open_memstream(&text, &size);
        assert_non_null(to);
        write_node(to, where, where->root);
        assert_int_equal(fclose(to), 0);
        if (strcmp(text, cases[i].tree) != 0) {
            fail_msg("%s: %s instead of %s", cases[i].text, text, cases[i].tree);
        }
        free(text);
        glimpse_where_free(where);
    }
}

static void mistakes_are_named_with_their_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        if (glimpse_where_check(mistakes[i].text) == GLIMPSE_OK) {
            fail_msg("%s: no mistake", mistakes[i].text);
        }
        if (strncmp(glimpse_last_error(), mistakes[i].message, strlen(mistakes[i].message)) != 0) {
            fail_msg("%s: \"%s\" instead of \"%s\"", mistakes[i].text, glimpse_last_error(),
                     mistakes[i].message);
        }
    }
    assert_int_equal(glimpse_where_check("near(Nowhere)"), GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_where_check(NULL), GLIMPSE_E_INVALID);
}

/* `before`, `count` times `part`, `middle`, `count` times `end`. */
static char *repeated(const char *part, size_t count, const char *middle, const char *end) {
    char *text = calloc(1, (strlen(part) + strlen(end)) * count + strlen(middle) + 1), *to = text;
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, part);
    to = stpcpy(to, middle);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, end);
    return text;
}

static void sizes_are_limited(void **state) {
    (void)state;
    static const struct {
        const char *part, *middle, *end, *message;
        size_t max;
    } limits[] = {
        {"(", "iso = 1", ")", "parentheses", GLIMPSE_WHERE_MAX_DEPTH},
        {"not ", "iso = 1", "", "parentheses", GLIMPSE_WHERE_MAX_DEPTH},
        {"iso=1 or ", "iso = 1", "", "conditions", GLIMPSE_WHERE_MAX_CONDITIONS - 1},
        {"", "iso = 1", ",1", "conditions", GLIMPSE_WHERE_MAX_CONDITIONS - 1},
        {"", "iso = 1", " ", "bytes", GLIMPSE_WHERE_MAX_BYTES - 7},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (size_t more = 0; more < 2; more++) {
            char *text =
                repeated(limits[i].part, limits[i].max + more, limits[i].middle, limits[i].end);
            const int status = glimpse_where_check(text);
            assert_int_equal(status, more ? GLIMPSE_E_INVALID : GLIMPSE_OK);
            if (more) assert_non_null(strstr(glimpse_last_error(), limits[i].message));
            free(text);
        }
    }
}

static void every_field_has_an_example_that_is_right(void **state) {
    (void)state;
    size_t count = 0, missing = 0;
    for (const glimpse_where_field_info *f; (f = glimpse_where_field_get(count)); count++) {
        char has[64];
        (void)snprintf(has, sizeof has, "has(%s)", f->name);
        missing += !f->is_available;
        if (f->is_available) assert_ok(glimpse_where_check(f->example));
        assert_int_equal(glimpse_where_check(has) == GLIMPSE_OK,
                         f->is_available && f->can_be_missing);
    }
    assert_int_equal(count, GLIMPSE_WHERE_ADDED + 1);
    assert_int_equal(missing, 0);
}

/*
 * Lists of places.
 */
static char *directory;

static void use_places(const char *text) {
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/places", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("GLIMPSE_PLACES", path, 1), 0);
}

static void the_largest_of_several_places_is_meant(void **state) {
    (void)state;
    double latitude = 0, longitude = 0;
    const char *source = NULL;
    size_t count = 0;
    use_places("1\tParis\tParis\tLutetia,Parigi\t48.85\t2.35\tP\tPPLC\tFR\t\t\t\t\t\t2138551\n"
               "2\tParis\tParis\t\t33.66\t-95.55\tP\tPPL\tUS\t\t\t\t\t\t24000\n");
    assert_ok(glimpse_place_find(&latitude, &longitude, "PARIS"));
    assert_true(latitude == 48.85 && longitude == 2.35);
    assert_ok(glimpse_place_find(&latitude, &longitude, "parigi"));
    assert_true(latitude == 48.85);
    assert_ok(glimpse_place_find(&latitude, &longitude, "Paris, US"));
    assert_true(latitude == 33.66);
    assert_ok(glimpse_places_describe(&source, &count));
    assert_int_equal(count, 2);
    assert_int_equal(setenv("GLIMPSE_PLACES", "/nonexistent/places", 1), 0);
    assert_int_equal(glimpse_place_find(&latitude, &longitude, "Paris"), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "/nonexistent/places"));
}

static void the_cities_of_time_zones_are_known(void **state) {
    (void)state;
    double latitude = 0, longitude = 0;
    if (access("/usr/share/zoneinfo/zone.tab", R_OK) != 0) skip();
    assert_int_equal(unsetenv("GLIMPSE_PLACES"), 0);
    assert_ok(glimpse_place_find(&latitude, &longitude, "lisbon"));
    assert_true(fabs(latitude - 38.72) < 0.1 && fabs(longitude + 9.13) < 0.1);
    assert_ok(glimpse_place_find(&latitude, &longitude, "New York"));
    assert_true(fabs(latitude - 40.7) < 0.1 && fabs(longitude + 74) < 0.1);
}

static int write_place(void *user, const glimpse_place *p) {
    fprintf(user, "%s/%s/%s/%s %g %g\n", p->name, p->state ? p->state : "-",
            p->country ? p->country : "-", p->code ? p->code : "-", p->latitude, p->longitude);
    return 0;
}

static void the_towns_of_libgweather_are_known_with_what_they_lie_in(void **state) {
    (void)state;
    static char list[] =
        "<gweather><region><_name>Europe</_name><country><_name>France</_name>"
        "<iso-code>FR</iso-code><location><name>Not a town</name><coordinates>1 1</coordinates>"
        "</location><city><!-- x --><_name msgctxt='City in France'>Paris</_name>"
        "<coordinates>48.866667 2.333333</coordinates><location><name>Le Bourget</name>"
        "<coordinates>48.9 2.4</coordinates></location></city></country></region><region>"
        "<_name>America</_name><country><_name>United States</_name><iso-code>US</iso-code>"
        "<state><_name>Texas</_name><city><_name>Paris</_name><coordinates>33.66 -95.55"
        "</coordinates></city></state><city><name>Nowhere</name></city><city><name>Washington</"
        "name>"
        "<coordinates>38.9 -77</coordinates></city></country></region></gweather>";
    char *text = NULL;
    size_t size = 0;
    FILE *file = fmemopen(list, sizeof list - 1, "r"), *to = open_memstream(&text, &size);
    assert_non_null(file);
    assert_non_null(to);
    assert_ok(glimpse_places_read_gweather(file, "list", write_place, to));
    assert_int_equal(fclose(file) | fclose(to), 0);
    assert_string_equal(text, "Paris/-/France/FR 48.8667 2.33333\n"
                              "Paris/Texas/United States/US 33.66 -95.55\n"
                              "Washington/-/United States/US 38.9 -77\n");
    free(text);
    file = fmemopen(list, 40, "r");
    assert_non_null(file);
    assert_int_equal(glimpse_places_read_gweather(file, "list", write_place, stderr),
                     GLIMPSE_E_FORMAT);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state) {
    (void)state;
    directory = make_temp_directory();
    use_places(
        "# mine\nHome\t1.5\t2.5\nTwin\t10\t10\nTwin\t20\t20\nbad line\n"
        "7\tLisbon\tLisbon\tLisboa,Lissabon\t38.71667\t-9.13333\tP\tPPLC\tPT\t\t\t\t\t\t5\n");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    remove_tree(directory);
    free(directory);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_read_as_the_manual_says),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(every_field_has_an_example_that_is_right),
        cmocka_unit_test(the_largest_of_several_places_is_meant),
        cmocka_unit_test(the_cities_of_time_zones_are_known),
        cmocka_unit_test(the_towns_of_libgweather_are_known_with_what_they_lie_in),
    };
    return cmocka_run_group_tests_name("where", tests, setup, teardown);
}

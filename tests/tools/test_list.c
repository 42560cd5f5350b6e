/*
 * glimpse list, and the filters that commands share: what is listed, in every form; the shortcuts
 * are what --where says; with words as without.
 */
#include "support/commands.h"

#include <glimpse/filters.h>

#include <math.h>

enum { PICTURES = 12 };

/* One of its own for each, with what a camera and a person wrote beside it. */
static void write_described(int i) {
    static const char *const cameras[] = {"EOS R5", "Z 6", "X100V"};
    char name[64];
    (void)snprintf(name, sizeof name, "p/%s/%02d.ppm", i % 2 ? "odd" : "even", i);
    write_picture(name, i % 3 == 0 ? 60 : 60 + (unsigned)i,
                  i % 3 == 0   ? 60
                  : i % 3 == 1 ? 50
                               : 90,
                  (unsigned)i);
    (void)snprintf(name, sizeof name, "p/%s/%02d.ppm.xmp", i % 2 ? "odd" : "even", i);
    write_formatted(
        name,
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
        "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
        "xmlns:exif='http://ns.adobe.com/exif/1.0/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' "
        "xmlns:aux='http://ns.adobe.com/exif/1.0/aux/' xmlns:dc='http://purl.org/dc/elements/1.1/' "
        "xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
        "xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' "
        "exif:DateTimeOriginal='20%02d-%02d-11T10:00:00' tiff:Make='Maker' tiff:Model='%s' "
        "aux:Lens='%d mm' exif:GPSLatitude='%d,30.0N' exif:GPSLongitude='9,%02d.0W' "
        "xmp:Rating='%d' xmp:Label='%s'><exif:ISOSpeedRatings><rdf:Seq><rdf:li>%d</rdf:li>"
        "</rdf:Seq></exif:ISOSpeedRatings><dc:subject><rdf:Bag><rdf:li>%s</rdf:li>"
        "<rdf:li>all</rdf:li></rdf:Bag></dc:subject><Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>%s"
        "</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage></rdf:Description></rdf:RDF></x:xmpmeta>",
        10 + i, 1 + i, cameras[i % 3], 20 + i, 30 + i, i, i % 6, i % 2 ? "Red" : "Blue",
        100 * (i + 1), i % 4 ? "Strand" : "Draft", i % 2 ? "Anna" : "Ben");
}

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("p", 0777) | mkdir("p/odd", 0777) | mkdir("p/even", 0777), 0);
    for (int i = 0; i < PICTURES; i++)
        write_described(i);
    write_picture("p/plain.ppm", 70, 71, 99);
    copy_file("p/odd/03.ppm", "p/copy.ppm");
    run_result r;
    run(&r, "index", "p", "--quiet", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static void expect_same(const char *const *a, const char *const *b) {
    run_result x, y;
    run_list(&x, a, NULL, 0);
    run_list(&y, b, NULL, 0);
    if (x.code != y.code || strcmp(x.out, y.out) != 0) {
        fail_msg("%s %s: %d\n%s%s%s %s: %d\n%s%s", a[1], a[2], x.code, x.out, x.err, b[1], b[2],
                 y.code, y.out, y.err);
    }
    assert_true(x.code == 0 && *x.out);
    run_free(&x);
    run_free(&y);
}

static void shortcuts_are_conditions(void **state) {
    (void)state;
    static const char *const same[][8] = {
        {"--camera", "r5", NULL, NULL, NULL, NULL, "camera ~ r5"},
        {"--camera", "r5", "--camera", "z 6", NULL, NULL, "camera ~ r5 or camera ~ 'z 6'"},
        {"--lens", "20 mm", NULL, NULL, NULL, NULL, "lens = '20 mm'"},
        {"--iso", "200..400", NULL, NULL, NULL, NULL, "iso >= 200 and iso <= 400"},
        {"--iso", ">800", NULL, NULL, NULL, NULL, "iso > 800"},
        {"--rating", "4..", NULL, NULL, NULL, NULL, "rating >= 4"},
        {"--keyword", "STRAND", "--keyword", "all", NULL, NULL, "keyword = strand and keyword=all"},
        {"--person", "anna", NULL, NULL, NULL, NULL, "person = Anna"},
        {"--format", "pnm,jpg", NULL, NULL, NULL, NULL, "format = pnm or format = jpeg"},
        {"--landscape", "--square", NULL, NULL, NULL, NULL, "not orientation = portrait"},
        {"--portrait", NULL, NULL, NULL, NULL, NULL, "not orientation = landscape, square"},
        {"--has", "gps,rating", NULL, NULL, NULL, NULL, "has(gps) and has(rating)"},
        {"--near", "33.5,-9,120", NULL, NULL, NULL, NULL, "near(33.5, -9, 120km)"},
        {"--near", "Here,120", NULL, NULL, NULL, NULL, "near(33.5, -9, 120)"},
        {"--near", "here", NULL, NULL, NULL, NULL, "near(33.5, -9, 25)"},
        {"--after", "2015", "--before", "2018-03", NULL, NULL, "taken >= 2015 and taken < 2018-03"},
        {"--in", "p/odd", "--where", "iso < 900 or rating = 5", NULL, NULL,
         "path = 'p/odd' and (iso < 900 or rating = 5)"},
        {"--in", "p/odd", "--where", "iso < 900 or rating = 5", "--rating", "1..4",
         "path = p/odd and (iso < 900 or rating = 5) and rating = 1..4"},
    };
    write_formatted("places", "Here\t33.5\t-9\n%s", "");
    char places[1200];
    (void)snprintf(places, sizeof places, "%s/places", run_directory);
    assert_int_equal(setenv("GLIMPSE_PLACES", places, 1), 0);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *const *s = same[i];
        const char *a[] = {"list", "--paths", s[0], s[1], s[2], s[3], s[4], s[5], NULL};
        const char *b[] = {"list", "--paths", "--where", s[6], NULL};
        expect_same(a, b);
    }
    assert_int_equal(unsetenv("GLIMPSE_PLACES"), 0);
}

static const json_t *find(const json_t *list, const char *ending) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *path = text_at(json_array_get(list, i), "path");
        if (strlen(path) > strlen(ending) &&
            strcmp(path + strlen(path) - strlen(ending), ending) == 0) {
            return json_array_get(list, i);
        }
    }
    fail_msg("%s is not listed", ending);
    return NULL;
}

static int is_of_searches(const char *key) {
    static const char *const keys[] = {"rank", "score", "relevance", "tile", "collapsed", "others"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0) return 1;
    return 0;
}

static void every_picture_is_an_object_with_all_that_a_search_says_of_it(void **state) {
    (void)state;
    run_result list, search;
    run(&list, "list", "--json", NULL);
    expect(&list, 0);
    expect_no_err(&list);
    run(&search, "search", "a thing", "-k", "50", "--no-collapse", "--all-scores", "--json", NULL);
    expect(&search, 0);
    json_t *listed = run_json_lines(&list), *found = run_json(&search);
    const json_t *results = at(found, "results");
    assert_int_equal(json_array_size(listed), PICTURES + 1); /* a copy is no picture more */
    assert_int_equal(json_array_size(results), PICTURES + 1);
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const json_t *same = find(listed, text_at(result, "path") + 1);
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)result, key, value) {
            if (is_of_searches(key)) continue;
            if (!json_equal(value, json_object_get(same, key))) fail_msg("%s of %s", key, key);
        }
    }
    const json_t *one = find(listed, "odd/05.ppm");
    assert_string_equal(text_at(one, "camera"), "Maker X100V");
    assert_string_equal(text_at(one, "lens"), "25 mm");
    assert_true(number_at(one, "iso") == 600 && number_at(one, "rating") == 5);
    assert_true(fabs(number_at(one, "gps.0") - 35.5) < 1e-6 &&
                fabs(number_at(one, "gps.1") + 9.0833333) < 1e-6);
    assert_string_equal(text_at(one, "keywords.0"), "Strand");
    assert_string_equal(text_at(one, "people.0"), "Anna");
    assert_string_equal(text_at(one, "colour_label"), "Red");
    assert_string_equal(text_at(one, "taken"), "2015-06-11T10:00:00");
    assert_int_equal(json_array_size(at(one, "labels")), 0);
    assert_int_equal(json_array_size(at(one, "tags")), 0);
    assert_true(json_is_null(at(one, "part")) && json_is_false(at(one, "offline")));
    const json_t *copied = find(listed, "p/copy.ppm");
    assert_true(number_at(copied, "copies") == 2);
    const json_t *plain = find(listed, "plain.ppm");
    static const char *const absent[] = {"camera", "lens", "iso", "gps", "rating", "title"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_true(json_is_null(at(plain, absent[i])));
    json_decref(listed);
    json_decref(found);
    run_free(&list);
    run_free(&search);
}

static void all_forms_list_the_same(void **state) {
    (void)state;
    run_result paths, nul, tsv, table;
    run(&paths, "list", "--paths", "--sort", "rating", "-k", "4", NULL);
    run(&nul, "list", "-0", "--sort", "rating", "-k", "4", NULL);
    run(&tsv, "list", "--tsv", "--sort", "rating", "-k", "4", NULL);
    run(&table, "list", "--sort", "rating", "-k", "4", NULL);
    const char *at_nul = nul.out, *at_tsv = tsv.out;
    size_t count = 0;
    for (char *line = strtok(paths.out, "\n"); line; line = strtok(NULL, "\n"), count++) {
        assert_string_equal(at_nul, line);
        at_nul += strlen(at_nul) + 1;
        assert_true(strncmp(at_tsv, line, strlen(line)) == 0 && at_tsv[strlen(line)] == '\t');
        at_tsv = strchr(at_tsv, '\n') + 1;
        assert_non_null(strstr(table.out, strrchr(line, '/') + 1));
    }
    assert_int_equal(count, 4);
    assert_true(at_nul == nul.out + nul.out_size && !*at_tsv);
    run_free(&paths);
    run_free(&nul);
    run_free(&tsv);
    run_free(&table);
}

static void a_contact_sheet_shows_them_in_their_order(void **state) {
    (void)state;
    run_result r;
    run(&r, "list", "--html", "sheet.html", "--rating", "4..5", "--sort", "taken", NULL);
    expect(&r, 0);
    assert_int_equal(r.out_size, 0);
    char *page = read_whole_file("sheet.html", NULL);
    const char *last = page;
    static const char *const order[] = {"11.ppm", "10.ppm", "05.ppm", "04.ppm"};
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "<div class=\"name\">%s</div>", order[i]);
        last = strstr(last, name);
        if (!last) fail_msg("%s is not there, or not where it belongs", order[i]);
    }
    assert_null(strstr(page, "class=\"score\""));
    free(page);
    run_free(&r);
}

static void commands_share_the_filters(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "a thing", "--person", "anna", "-k", "50", "--paths", NULL);
    expect(&r, 0);
    assert_null(strstr(r.out, "even"));
    expect_out(&r, "odd/01.ppm");
    run_free(&r);
    run(&r, "similar", "p/even/00.ppm", "--where", "iso = 300", "--paths", NULL);
    expect(&r, 0);
    expect_out(&r, "even/02.ppm\n");
    assert_true(strchr(r.out, '\n') == r.out + r.out_size - 1);
    run_free(&r);
    run(&r, "label", "--all", "--rating", "5", "-c", "cat,dog", "--json", NULL);
    expect(&r, 0);
    json_t *labelled = run_json_lines(&r);
    size_t pictures = 0;
    for (size_t i = 0; i < json_array_size(labelled); i++)
        pictures += json_object_get(json_array_get(labelled, i), "path") != NULL;
    assert_int_equal(pictures, 2); /* 05 and 11 */
    json_decref(labelled);
    run_free(&r);
    run(&r, "dedup", "--in", "p/even", "--json", NULL);
    assert_true(r.code == 0 || r.code == 1);
    json_t *report = run_json(&r);
    assert_true(number_at(report, "scanned") == 6);
    json_decref(report);
    run_free(&r);
    run(&r, "caption", "--library", "--stored", "--keyword", "draft", "--format", "json", NULL);
    expect_out(&r, "even/00.ppm");
    assert_null(strstr(r.out, "even/02.ppm"));
    run_free(&r);
    run(&r, "dedup", "p", "--rating", "5", NULL);
    expect(&r, 2);
    expect_err(&r, "--in and all filters are about the library");
    run_free(&r);
}

static void a_search_can_be_sorted_by_date(void **state) {
    (void)state;
    run_result best, sorted;
    run(&best, "search", "a thing", "-k", "5", "--json", NULL);
    run(&sorted, "search", "a thing", "-k", "5", "--json", "--sort", "taken", "--reverse", NULL);
    expect(&sorted, 0);
    json_t *a = run_json(&best), *b = run_json(&sorted);
    const json_t *first = at(a, "results"), *second = at(b, "results");
    assert_int_equal(json_array_size(second), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *result = json_array_get(second, i);
        (void)find(first, text_at(result, "path") + 1); /* the same five */
        if (i > 0) {
            assert_true(strcmp(text_at(json_array_get(second, i - 1), "taken"),
                               text_at(result, "taken")) <= 0);
        }
    }
    json_decref(a);
    json_decref(b);
    run_free(&best);
    run_free(&sorted);
}

static void what_is_away_is_listed_and_says_so(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(rename("p", "away"), 0);
    run(&r, "list", "--json", "--where", "rating = 5", NULL);
    assert_int_equal(rename("away", "p"), 0);
    expect(&r, 0);
    json_t *listed = run_json_lines(&r);
    assert_int_equal(json_array_size(listed), 2);
    assert_true(json_is_true(at(json_array_get(listed, 0), "offline")));
    json_decref(listed);
    run_free(&r);
}

static void mistakes_and_nothing_found_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *arguments[6];
        int code;
        const char *message;
    } cases[] = {
        {{"list", "--where", "iso > 100000"}, 1, "nothing found"},
        {{"list", "--where", "camra = x"},
         2,
         "--where, character 1: there is no field camra; did you mean camera?"},
        {{"search", "x", "--where", "iso ="},
         2,
         "--where, character 6: a value for iso is missing"},
        {{"list", "--iso", "many"}, 2, "--iso: \"many\" is not a number"},
        {{"list", "--has", "gsp"}, 2, "--has: there is no field gsp; did you mean gps?"},
        {{"list", "--near", "1,2"}, 2, "--near: the distance in km"},
        {{"list", "horses"}, 2, "list takes no words; to look for \"horses\" use glimpse search"},
        {{"list", "--json", "--paths"}, 2, "choose one of"},
        {{"list", "--sort", "colour"}, 2, "usual, taken, added, bytes, path or rating"},
        {{"list", "--library", "nowhere"}, 4, "there is no library at nowhere"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_result r;
        run_list(&r, cases[i].arguments, NULL, 0);
        expect(&r, cases[i].code);
        expect_err(&r, cases[i].message);
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
}

static void fields_are_listed_with_examples_that_are_right(void **state) {
    (void)state;
    run_result r;
    run(&r, "list", "--fields", NULL);
    expect(&r, 0);
    for (size_t i = 0; glimpse_where_field_get(i); i++) {
        if (glimpse_where_field_get(i)->is_available) {
            expect_out(&r, glimpse_where_field_get(i)->example);
        }
    }
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortcuts_are_conditions),
        cmocka_unit_test(every_picture_is_an_object_with_all_that_a_search_says_of_it),
        cmocka_unit_test(all_forms_list_the_same),
        cmocka_unit_test(a_contact_sheet_shows_them_in_their_order),
        cmocka_unit_test(commands_share_the_filters),
        cmocka_unit_test(a_search_can_be_sorted_by_date),
        cmocka_unit_test(what_is_away_is_listed_and_says_so),
        cmocka_unit_test(mistakes_and_nothing_found_are_told_apart),
        cmocka_unit_test(fields_are_listed_with_examples_that_are_right),
    };
    return cmocka_run_group_tests_name("list", tests, setup, run_teardown);
}

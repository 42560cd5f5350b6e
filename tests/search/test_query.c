/*
 * The grammar of queries, case by case, and the vector a query stands for.
 */
#include "support/test.h"

#include "support/fake_model.h"

#include <glimpse/query.h>

enum { MAX_WORDS = 8 };

/* What a query parses to, or the message (its beginning) when it does not. Terms are written as
 * weight kind body, with t for text and p for picture. */
typedef struct query_case {
    const char *words[MAX_WORDS];
    const char *expected;
} query_case;

static const query_case cases[] = {
    /* One text, however the shell cut it. */
    {{"horse"}, "1 t horse"},
    {{"a", "red", "car"}, "1 t a red car"},
    {{"a red car"}, "1 t a red car"},
    {{"  a red car\t"}, "1 t a red car"},
    /* Operators as words and inside words. */
    {{"horse", "+", "stripes"}, "1 t horse|1 t stripes"},
    {{"horse + stripes"}, "1 t horse|1 t stripes"},
    {{"horse", "-", "stripes"}, "1 t horse|-1 t stripes"},
    {{"horse", "+ a red", "car - night"}, "1 t horse|1 t a red car|-1 t night"},
    {{"-", "fruit"}, "-1 t fruit"},
    {{"- fruit + bowl"}, "-1 t fruit|1 t bowl"},
    {{"a\t+\nb"}, "1 t a|1 t b"},
    /* Not operators. */
    {{"black-and-white"}, "1 t black-and-white"},
    {{"c++ book"}, "1 t c++ book"},
    {{"-fruit"}, "1 t -fruit"},
    {{"horse", "+stripes"}, "1 t horse +stripes"},
    {{"horse", "--", "x"}, "1 t horse -- x"},
    /* Weights. */
    {{"2:golden retriever"}, "2 t golden retriever"},
    {{"2:golden", "retriever", "-", ".5:dog", "+", "0.25:cat"},
     "2 t golden retriever|-0.5 t dog|0.25 t cat"},
    {{"2.:a"}, "2 t a"},
    {{"1e2:a"}, "100 t a"},
    {{"1000:a"}, "1000 t a"},
    {{"2: a"}, "2 t a"},
    {{"2:", "a"}, "2 t a"},
    {{"2:\"a - b\""}, "2 t a - b"},
    {{"16\\:9 picture"}, "1 t 16:9 picture"},
    {{"note: dog"}, "1 t note: dog"},
    {{"2 dogs"}, "1 t 2 dogs"},
    {{"2e:a"}, "1 t 2e:a"},
    {{":a"}, "1 t :a"},
    {{".:a"}, "1 t .:a"},
    /* Quotes. */
    {{"\"horse + cart\"", "+", "tree"}, "1 t horse + cart|1 t tree"},
    {{"\"horse", "+", "cart\""}, "1 t horse + cart"},
    {{"\"./pool.jpg\""}, "1 t ./pool.jpg"},
    {{"\"say \\\"hi\\\"\""}, "1 t say \"hi\""},
    {{"the \"big\" dog"}, "1 t the \"big\" dog"},
    {{"\"2:dog\""}, "1 t 2:dog"},
    /* Escapes. */
    {{"a \\+ b"}, "1 t a + b"},
    {{"\\- a"}, "1 t - a"},
    {{"\\\"a"}, "1 t \"a"},
    {{"a\\\\b"}, "1 t a\\b"},
    {{"a\\b"}, "1 t a\\b"},
    {{"a\\"}, "1 t a\\"},
    /* Paths. */
    {{"./pool.jpg"}, "1 p ./pool.jpg"},
    {{"../pool.jpg"}, "1 p ../pool.jpg"},
    {{"/nowhere/pool"}, "1 p /nowhere/pool"},
    {{"~/pool.jpg"}, "1 p /home/me/pool.jpg"},
    {{"~", "pool.jpg"}, "1 t ~ pool.jpg"},
    {{"0.5:./pool.jpg", "-", "3:~/b.png"}, "0.5 p ./pool.jpg|-3 p /home/me/b.png"},
    {{"2:golden retriever", "+", "./pool.jpg", "-", "fruit"},
     "2 t golden retriever|1 p ./pool.jpg|-1 t fruit"},
    {{"absent.jpg"}, "1 t absent.jpg"},
    {{"here x.jpg"}, "1 p here x.jpg"},
    {{"here", "x.jpg"}, "1 p here x.jpg"},
    {{"2:here x.jpg"}, "2 p here x.jpg"},
    {{"./here", "x.jpg"}, "1 p ./here x.jpg"},
    {{"Bob - 2020.jpg"}, "1 p Bob - 2020.jpg"},
    {{"3:Bob - 2020.jpg", "+", "sky"}, "3 p Bob - 2020.jpg|1 t sky"},
    {{"sky", "-", "Bob - 2020.jpg"}, "1 t sky|-1 p Bob - 2020.jpg"},
    {{"y.png", "on", "grass"}, "1 t y.png on grass"},
    {{"3:y.png"}, "1 p 3:y.png"},
    {{"4:y.png"}, "4 p y.png"},
    /* Errors, with the place. */
    {{NULL}, "the query is empty"},
    {{""}, "the query is empty"},
    {{" ", "\t"}, "the query is empty"},
    {{"-"}, "query, character 1: nothing after the -"},
    {{"+"}, "query, character 1: nothing before the +"},
    {{"+", "horse"}, "query, character 1: nothing before the +"},
    {{"-", "-", "horse"}, "query, character 1: nothing after the -"},
    {{"horse", "+"}, "query, character 7: nothing after the +"},
    {{"horse", "+", ""}, "query, character 7: nothing after the +"},
    {{"horse", "+", "-", "x"}, "query, character 7: nothing after the +"},
    {{"\xC3\xA4\xC3\xB6\xC3\xBC", "+"}, "query, character 5: nothing after the +"},
    {{"a - 0:b"}, "query, character 5: the weight 0 is not"},
    {{"0.0:b"}, "query, character 1: the weight 0.0 is not"},
    {{"1e999:b"}, "query, character 1: the weight 1e999 is not"},
    {{"1001:b"}, "query, character 1: the weight 1001 is not"},
    {{"1.2.3:b"}, "query, character 1: the weight 1.2.3 is not"},
    {{"-2:b"}, "query, character 1: the weight -2 is negative"},
    {{"a", "+", "-2.5:b"}, "query, character 5: the weight -2.5 is negative"},
    {{"2:"}, "query, character 1: nothing after the weight 2:"},
    {{"a + 2: + b"}, "query, character 5: nothing after the weight 2:"},
    {{"a", "+", "\"b"}, "query, character 5: the quote that opens here is never closed"},
    {{"\""}, "query, character 1: the quote that opens here is never closed"},
    {{"\"a\\\""}, "query, character 1: the quote that opens here is never closed"},
    {{"\"\""}, "query, character 1: nothing between the quotes"},
    {{"\" \" + a"}, "query, character 1: nothing between the quotes"},
    {{"\"a\" b"}, "query, character 5: expected + or -"},
    {{"\"a\"b"}, "query, character 4: expected + or -"},
    {{"./here x.jpg", "night"}, "query, character 1: ./here x.jpg night is not a file"},
};

static char *describe(const char *const *words, size_t count) {
    glimpse_query *query = NULL;
    char *text = calloc(1, 65536);
    assert_non_null(text);
    int status = glimpse_query_parse(&query, words, count);
    if (status < 0) {
        assert_int_equal(status, GLIMPSE_E_INVALID);
        assert_null(query);
        (void)snprintf(text, 65536, "%s", glimpse_last_error());
        return text;
    }
    assert_true(glimpse_query_count(query) > 0);
    size_t used = 0;
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        used += (size_t)snprintf(text + used, 65536 - used, "%s%g %c %s", i ? "|" : "",
                                 term->weight, term->is_picture ? 'p' : 't', term->body);
        assert_true(used < 65536);
    }
    assert_null(glimpse_query_get(query, glimpse_query_count(query)));
    glimpse_query_free(query);
    return text;
}

static void make_file(const char *name) {
    write_text(name, "");
}

static int enter_directory(void **state) {
    char *directory = make_temp_directory();
    assert_int_equal(chdir(directory), 0);
    make_file("here x.jpg");
    make_file("Bob - 2020.jpg");
    make_file("y.png");
    make_file("3:y.png");
    make_file("notes.txt");
    assert_int_equal(setenv("HOME", "/home/me", 1), 0);
    *state = directory;
    return 0;
}

static int leave_directory(void **state) {
    assert_int_equal(chdir("/"), 0);
    remove_tree(*state);
    free(*state);
    return 0;
}

static void query_grammar_cases(void **state) {
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        while (count < MAX_WORDS && cases[i].words[count])
            count++;
        char *got = describe(cases[i].words, count);
        int error = strncmp(cases[i].expected, "query, ", 7) == 0;
        if (error ? strncmp(got, cases[i].expected, strlen(cases[i].expected)) != 0
                  : strcmp(got, cases[i].expected) != 0) {
            print_error("case %zu (%s ...): expected  %s\n  got  %s\n", i,
                        count ? cases[i].words[0] : "", cases[i].expected, got);
            failures++;
        }
        free(got);
    }
    assert_int_equal(failures, 0);
}

static void query_only_pictures_are_paths_by_name(void **state) {
    (void)state;
    char *got = describe((const char *[]){"notes.txt"}, 1);
    assert_string_equal(got, "1 t notes.txt");
    free(got);
}

static uint32_t random_number(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever the words are: no crash, and either a message or at least one term of usable weight. */
static void query_survives_random_words(void **state) {
    (void)state;
    static const char alphabet[] = "+-\"\\:: .0219eE/~ab \t\n\xC3\xA4\xFF";
    uint32_t seed = 20240611;
    size_t parsed = 0, refused = 0;
    for (int round = 0; round < 200000; round++) {
        char text[MAX_WORDS][24];
        const char *words[MAX_WORDS];
        size_t count = random_number(&seed) % (MAX_WORDS + 1);
        for (size_t i = 0; i < count; i++) {
            size_t length = random_number(&seed) % 12;
            for (size_t j = 0; j < length; j++)
                text[i][j] = alphabet[random_number(&seed) % (sizeof alphabet - 1)];
            text[i][length] = '\0';
            words[i] = text[i];
        }
        glimpse_query *query = NULL;
        int status = glimpse_query_parse(&query, words, count);
        if (status < 0) {
            assert_int_equal(status, GLIMPSE_E_INVALID);
            assert_null(query);
            assert_true(glimpse_last_error()[0] != '\0');
            refused++;
            continue;
        }
        assert_true(glimpse_query_count(query) > 0);
        for (size_t i = 0; i < glimpse_query_count(query); i++) {
            const glimpse_query_term *term = glimpse_query_get(query, i);
            assert_true(fabs(term->weight) > 0 && fabs(term->weight) <= 1000);
            assert_true(term->body[0] != '\0');
        }
        assert_true(glimpse_query_towers(query) != 0);
        glimpse_query_free(query);
        parsed++;
    }
    assert_true(parsed > 10000);
    assert_true(refused > 10000);
}

static void check_vector(const char *const *words, size_t count, double x, double y, double z) {
    glimpse_query *query = NULL;
    float vector[3];
    assert_ok(glimpse_query_parse(&query, words, count));
    assert_ok(glimpse_query_embed(vector, NULL, query, &fake_encoder, &fake_model));
    double norm = sqrt(x * x + y * y + z * z);
    assert_float_equal(vector[0], (float)(x / norm), 1e-6);
    assert_float_equal(vector[1], (float)(y / norm), 1e-6);
    assert_float_equal(vector[2], (float)(z / norm), 1e-6);
    glimpse_query_free(query);
}

static void query_vector_is_the_weighted_sum_at_unit_length(void **state) {
    (void)state;
    check_vector((const char *[]){"x"}, 1, 1, 0, 0);
    check_vector((const char *[]){"5:x"}, 1, 1, 0, 0);
    check_vector((const char *[]){"x + y"}, 1, 1, 1, 0);
    check_vector((const char *[]){"2:x", "-", "0.5:y"}, 3, 2, -0.5, 0);
    check_vector((const char *[]){"- z"}, 1, 0, 0, -1);
    check_vector((const char *[]){"x", "+", "y.png", "+", "2:z"}, 5, 1, 1, 2);
    check_vector((const char *[]){"x + x - y"}, 1, 2, -1, 0);
}

static void query_that_cancels_out_is_refused(void **state) {
    (void)state;
    glimpse_query *query = NULL;
    float vector[3];
    assert_ok(glimpse_query_parse(&query, (const char *[]){"0.3:xy - 0.3:xy"}, 1));
    assert_int_equal(glimpse_query_embed(vector, NULL, query, &fake_encoder, &fake_model),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "cancel out"));
    glimpse_query_free(query);
}

static void query_reports_cut_texts_and_broken_pictures(void **state) {
    (void)state;
    glimpse_query *query = NULL;
    float vector[3];
    int truncated = 7;
    assert_ok(glimpse_query_parse(&query, (const char *[]){"a long x + y"}, 1));
    assert_ok(glimpse_query_embed(vector, &truncated, query, &fake_encoder, &fake_model));
    assert_int_equal(truncated, 1);
    glimpse_query_free(query);
    assert_ok(glimpse_query_parse(&query, (const char *[]){"x - ./broken.jpg"}, 1));
    assert_int_equal(glimpse_query_embed(vector, &truncated, query, &fake_encoder, &fake_model),
                     GLIMPSE_E_FORMAT);
    assert_string_equal(glimpse_last_error(), "./broken.jpg: broken");
    assert_int_equal(truncated, 0);
    glimpse_query_free(query);
}

static void query_names_the_towers_it_needs(void **state) {
    (void)state;
    glimpse_query *query = NULL;
    assert_ok(glimpse_query_parse(&query, (const char *[]){"x"}, 1));
    assert_int_equal(glimpse_query_towers(query), GLIMPSE_TOWER_TEXT);
    glimpse_query_free(query);
    assert_ok(glimpse_query_parse(&query, (const char *[]){"./x.jpg"}, 1));
    assert_int_equal(glimpse_query_towers(query), GLIMPSE_TOWER_IMAGE);
    glimpse_query_free(query);
    assert_ok(glimpse_query_parse(&query, (const char *[]){"./x.jpg - y"}, 1));
    assert_int_equal(glimpse_query_towers(query), GLIMPSE_TOWER_BOTH);
    glimpse_query_free(query);
    assert_int_equal(glimpse_query_towers(NULL), 0);
    glimpse_query_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_grammar_cases),
        cmocka_unit_test(query_only_pictures_are_paths_by_name),
        cmocka_unit_test(query_survives_random_words),
        cmocka_unit_test(query_vector_is_the_weighted_sum_at_unit_length),
        cmocka_unit_test(query_that_cancels_out_is_refused),
        cmocka_unit_test(query_reports_cut_texts_and_broken_pictures),
        cmocka_unit_test(query_names_the_towers_it_needs),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}

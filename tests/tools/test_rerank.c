/*
 * Captions and re-ranking through the command: with a model that is asked over HTTP and knows
 * pictures by their size, and with native models with random weights.
 */
#include "support/commands.h"

#include "support/endpoint.h"
#include "support/random_blip.h"

#include <math.h>
#include <signal.h>
#include <time.h>

enum { PICTURES = 12 };

/* p0.ppm is 20 x 15, p1.ppm 21 x 15, ... */
static void answer(const endpoint_question *q, endpoint_reply *reply) {
    unsigned n = q->width - 20;
    if (strcmp(q->operation, "score") == 0) {
        /* The right number; without one in the text the higher one, and two cannot be judged. */
        const char *number = strstr(q->text, "number");
        if (number) {
            int right = strtoul(number + 6, NULL, 10) == n;
            (void)snprintf(reply->body, sizeof reply->body, "{\"json\":{\"score\":%s}}",
                           right ? "0.9" : "0.1");
        } else if (n == 3) {
            (void)snprintf(reply->body, sizeof reply->body, "{\"json\":{\"score\":null}}");
        } else if (n == 5) {
            reply->status = 400;
            (void)snprintf(reply->body, sizeof reply->body, "{\"error\":\"no such thing\"}");
        } else {
            (void)snprintf(reply->body, sizeof reply->body, "{\"json\":{\"score\":%.3f}}",
                           (double)n / 20.0);
        }
        return;
    }
    if (n == 7) {
        (void)snprintf(reply->body, sizeof reply->body, "{\"refused\":true}");
    } else if (strstr(q->prompt, "keywords")) {
        (void)snprintf(reply->body, sizeof reply->body,
                       "{\"json\":{\"items\":[\"number%u\",\"paper\",\"a & b\"]}}", n);
    } else {
        (void)snprintf(reply->body, sizeof reply->body, "{\"text\":\"drawing number%u of many\"}",
                       n);
    }
}

static int setup(void **state) {
    run_result r;
    run_setup(state);
    assert_int_equal(mkdir("pictures", 0777), 0);
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "pictures/p%02u.ppm", i);
        write_picture(name, 20 + i, 15, i);
    }
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_blip_write(&m, "match"));
    m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, "caption"));
    run(&r, "index", "pictures", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static void stored_captions_are_found_at_once_and_not_asked_for_again(void **state) {
    (void)state;
    run_result r;
    endpoint_start(answer);
    run(&r, "caption", "--library", "--store", "--model", endpoint_spec, NULL);
    expect(&r, 3); /* p07 is refused */
    expect_err(&r, "p07.ppm: ");
    expect_err(&r, "11 captions: 11 new, 0 stored before; without one: 1");
    assert_int_equal(r.out_size, 0);
    run_free(&r);
    assert_int_equal(endpoint_count(), PICTURES);
    run(&r, "search", "--no-collapse", "number8", "--captions", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_non_null(strstr(text_at(root, "results.0.path"), "p08.ppm"));
    assert_string_equal(text_at(root, "results.0.caption"), "drawing number8 of many");
    assert_true(number_at(root, "results.0.caption_rank") == 1);
    assert_true(number_at(root, "results.0.caption_score") > 0);
    assert_true(fabs(2 * number_at(root, "results.0.fused") - 1.0 / 61 -
                     1.0 / (60 + number_at(root, "results.0.vector_rank"))) < 1e-8);
    assert_true(json_is_null(at(root, "results.1.caption_rank")));
    assert_true(json_is_null(at(root, "results.1.caption")));
    json_decref(root);
    run_free(&r);
    /* Without weight they change nothing. */
    run_result plain;
    run(&plain, "search", "--no-collapse", "number8", "--paths", NULL);
    run(&r, "search", "--no-collapse", "number8", "--captions", "--captions-weight", "0", "--paths",
        NULL);
    expect(&r, 0);
    assert_string_equal(r.out, plain.out);
    run_free(&plain);
    run_free(&r);
    run(&r, "search", "--no-collapse", "number8", "--captions", NULL);
    expect(&r, 0);
    expect_out(&r, " fused   score   caption  path");
    expect_out(&r, "        drawing number8 of many\n");
    run_free(&r);
    run(&r, "search", "--no-collapse", "number8", "--captions", "--html", "sheet.html", "--tsv",
        "-k1", NULL);
    expect(&r, 0);
    expect_out(&r, "\tdrawing number8 of many\t\t\n"); /* no relevance in so few */
    char *page = read_whole_file("sheet.html", NULL);
    assert_non_null(strstr(page, "drawing number8 of many"));
    assert_non_null(strstr(page, "<small>fused</small> 0.0"));
    free(page);
    run_free(&r);
    /* Filters hold for captions, too. */
    run(&r, "search", "--no-collapse", "number8", "--captions", "--in", "pictures/p01.ppm",
        "--paths", NULL);
    expect(&r, 0);
    assert_null(strstr(r.out, "p08.ppm"));
    run_free(&r);
    /* Nothing twice: only what was refused is no caption, and its refusal is known as well. */
    run(&r, "caption", "--library", "--store", "--model", endpoint_spec, NULL);
    expect(&r, 3);
    expect_err(&r, "11 captions: 0 new, 11 stored before");
    assert_int_equal(endpoint_count(), PICTURES);
    run_free(&r);
    run(&r, "caption", "pictures", "--model", endpoint_spec, "--style", "short", NULL);
    expect(&r, 3);
    expect_out(&r, "pictures/p00.ppm\tdrawing number0 of many\n");
    assert_int_equal(endpoint_count(), PICTURES);
    run_free(&r);
    /* Another style is another question. */
    run(&r, "caption", "pictures/p00.ppm", "--model", endpoint_spec, "--style", "alt", "--store",
        NULL);
    expect(&r, 0);
    assert_int_equal(endpoint_count(), PICTURES + 1);
    run_free(&r);
    run(&r, "caption", "--library", "--missing", "--style", "short", "--model", "./caption",
        "--json", NULL);
    assert_true(r.code == 0 || r.code == 3); /* a random captioner may say nothing about p07 */
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), PICTURES);
    assert_string_equal(text_at(lines, "0.caption"), "drawing number0 of many");
    assert_non_null(strstr(text_at(lines, "0.model"), "endpoint:"));
    json_decref(lines);
    run_free(&r);
    endpoint_stop();
    run(&r, "status", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "captions") == 12);
    assert_true(number_at(root, "captioned") == 11);
    json_decref(root);
    run_free(&r);
    run(&r, "verify", NULL);
    expect(&r, 0);
    run_free(&r);
}

static void captions_are_written_in_every_form(void **state) {
    (void)state;
    run_result r;
    endpoint_start(answer);
    /* A web directory: paths as the page has them. */
    run(&r, "caption", "pictures", "--style", "alt", "--out", "alt.json", "--model", endpoint_spec,
        NULL);
    expect(&r, 3);
    char *text = read_whole_file("alt.json", NULL);
    json_t *root = json_loads(text, 0, NULL);
    assert_int_equal(json_object_size(root), PICTURES - 1);
    assert_string_equal(json_string_value(json_object_get(root, "p03.ppm")),
                        "drawing number3 of many");
    json_decref(root);
    free(text);
    run_free(&r);
    run(&r, "caption", "pictures", "--out", "all.json", "--model", endpoint_spec, NULL);
    expect(&r, 3);
    text = read_whole_file("all.json", NULL);
    root = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(root), PICTURES);
    assert_string_equal(text_at(root, "7.path"), "pictures/p07.ppm");
    assert_true(json_is_null(at(root, "7.caption")));
    assert_true(strlen(text_at(root, "7.error")) > 0);
    assert_string_equal(text_at(root, "8.caption"), "drawing number8 of many");
    json_decref(root);
    free(text);
    run_free(&r);
    run(&r, "caption", "pictures/p01.ppm", "--out", "all.csv", "--model", endpoint_spec, NULL);
    expect(&r, 0);
    text = read_whole_file("all.csv", NULL);
    static const char head[] = "path,id,style,caption,model,error\r\npictures/p01.ppm,";
    assert_int_equal(strncmp(text, head, sizeof head - 1), 0);
    assert_non_null(strstr(text, ",short,drawing number1 of many,endpoint:"));
    free(text);
    run_free(&r);
    run(&r, "caption", "pictures/p02.ppm", "--style", "keywords", "--json", "--model",
        endpoint_spec, NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_string_equal(text_at(root, "keywords.0"), "number2");
    assert_string_equal(text_at(root, "keywords.2"), "a & b");
    json_decref(root);
    run_free(&r);
    run(&r, "caption", "--library", "--stored", "--out", "stored.jsonl", NULL);
    expect(&r, 3);
    run_free(&r);
    endpoint_stop();
}

static void sidecars_keep_what_others_wrote(void **state) {
    (void)state;
    run_result r;
    static const char foreign[] = "<x:xmpmeta>somebody's</x:xmpmeta>\n";
    assert_int_equal(mkdir("side", 0777), 0);
    for (unsigned i = 0; i < 2; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "side/s%u.ppm", i);
        write_picture(name, 20 + i, 15, i);
    }
    write_file("side/s1.ppm.xmp", foreign, sizeof foreign - 1);
    endpoint_start(answer);
    run(&r, "label", "side", "--classes", "zebra,lion", "--format", "xmp", NULL);
    expect(&r, 3);
    char *before = read_whole_file("side/s0.ppm.xmp", NULL);
    assert_non_null(strstr(before, "<dc:subject>"));
    run_free(&r);
    run(&r, "caption", "side", "--xmp", "--model", endpoint_spec, NULL);
    expect(&r, 3);
    expect_err(&r, "s1.ppm: it has a sidecar that glimpse did not write");
    run_free(&r);
    run(&r, "caption", "side/s0.ppm", "--xmp", "--style", "alt", "--model", endpoint_spec, NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "caption", "side/s0.ppm", "--xmp", "--style", "keywords", "--model", endpoint_spec,
        NULL);
    expect(&r, 0);
    run_free(&r);
    char *text = read_whole_file("side/s0.ppm.xmp", NULL);
    assert_non_null(
        strstr(text, "<rdf:li xml:lang=\"x-default\">drawing number0 of many</rdf:li>"));
    assert_non_null(strstr(text, "<dc:description>"));
    assert_non_null(strstr(text, "<Iptc4xmpCore:AltTextAccessibility>"));
    assert_non_null(strstr(text, "<rdf:li>a &amp; b</rdf:li>"));
    const char *labelled = strstr(before, "<rdf:li>");
    char *keyword = strndup(labelled, (size_t)(strchr(labelled, '\n') - labelled));
    assert_non_null(strstr(text, keyword)); /* the label is still there, */
    char *again = strstr(text, "<rdf:li>a &amp; b");
    assert_null(strstr(again + 1, "<rdf:li>a &amp; b"));
    free(text);
    /* and labelling anew leaves the description. */
    run(&r, "label", "side/s0.ppm", "--classes", "zebra,lion", "--format", "xmp", NULL);
    expect(&r, 0);
    run_free(&r);
    text = read_whole_file("side/s0.ppm.xmp", NULL);
    assert_non_null(strstr(text, "drawing number0 of many"));
    assert_non_null(strstr(text, keyword));
    free(text);
    text = read_whole_file("side/s1.ppm.xmp", NULL);
    assert_string_equal(text, foreign);
    free(text);
    free(keyword);
    free(before);
    endpoint_stop();
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void a_search_is_looked_at_again_and_failures_keep_their_place(void **state) {
    (void)state;
    run_result plain, r;
    endpoint_start(answer);
    run(&plain, "search", "--no-collapse", "a red car", "-k12", "--json", NULL);
    expect(&plain, 0);
    json_t *first = run_json(&plain);
    char spec[100];
    (void)snprintf(spec, sizeof spec, "--rerank=%s", endpoint_spec);
    run(&r, "search", "--no-collapse", "a red car", "-k12", "--json", spec, "--rerank-weight", "1",
        NULL);
    expect(&r, 3);
    expect_err(&r, "2 of the 12 pictures looked at again got no score and kept their place");
    json_t *again = run_json(&r);
    assert_true(number_at(again, "rerank.failed") == 2);
    assert_true(number_at(again, "rerank.depth") == 12);
    double before = 2;
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *result = json_array_get(at(again, "results"), i);
        const json_t *was =
            json_array_get(at(first, "results"), (size_t)number_at(result, "first_rank") - 1);
        assert_string_equal(text_at(result, "path"), text_at(was, "path"));
        assert_true(number_at(result, "score") == number_at(was, "score"));
        unsigned n = (unsigned)strtoul(name_of(text_at(result, "path")) + 1, NULL, 10);
        if (n == 3 || n == 5) {
            assert_true(number_at(result, "first_rank") == (double)(i + 1));
            assert_true(json_is_null(at(result, "vlm_probability")));
            assert_true(strlen(text_at(result, "vlm_problem")) > 0);
            continue;
        }
        assert_true(fabs(number_at(result, "vlm_probability") - n / 20.0) < 1e-9);
        assert_true(number_at(result, "vlm_probability") <= before);
        before = number_at(result, "vlm_probability");
    }
    size_t asked = endpoint_count();
    run_free(&r);
    json_decref(again);
    /* Weight 0 is the order of the search; nothing is asked again but what failed. */
    run(&r, "search", "--no-collapse", "a red car", "-k12", "--json", spec, "--rerank-weight", "0",
        NULL);
    expect(&r, 3);
    again = run_json(&r);
    for (size_t i = 0; i < PICTURES; i++) {
        assert_string_equal(text_at(json_array_get(at(again, "results"), i), "path"),
                            text_at(json_array_get(at(first, "results"), i), "path"));
    }
    assert_true(endpoint_count() <= asked + 1);
    json_decref(again);
    run_free(&r);
    /* Depth: only the best are looked at; what is beyond stays where it was. */
    run(&r, "search", "--no-collapse", "a red car", "-k12", "--json", spec, "--rerank-depth", "4",
        NULL);
    again = run_json(&r);
    for (size_t i = 4; i < PICTURES; i++) {
        const json_t *result = json_array_get(at(again, "results"), i);
        assert_true(number_at(result, "first_rank") == (double)(i + 1));
        assert_true(json_is_null(at(result, "vlm_probability")));
        assert_true(json_is_null(at(result, "vlm_problem")));
    }
    json_decref(again);
    run_free(&r);
    run(&r, "search", "--no-collapse", "a red car", "-k2", spec, "--html", "again.html", NULL);
    expect(&r, 3);
    expect_out(&r, "blended   score     vlm  path");
    char *page = read_whole_file("again.html", NULL);
    assert_non_null(strstr(page, "looked at again"));
    assert_non_null(strstr(page, "<small>blended</small> "));
    free(page);
    run_free(&r);
    endpoint_stop();
    json_decref(first);
    run_free(&plain);
}

static void lists_from_elsewhere_are_put_in_order(void **state) {
    (void)state;
    run_result r;
    endpoint_start(answer);
    run(&r, "rerank", "a red car", "pictures/p01.ppm", "pictures/p09.ppm", "pictures/p04.ppm",
        "--model", endpoint_spec, "--paths", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, "pictures/p09.ppm\npictures/p04.ppm\npictures/p01.ppm\n");
    run_free(&r);
    static const char lines[] = "pictures/p01.ppm\npictures/p03.ppm\r\n\npictures/p09.ppm";
    const char *arguments[] = {"rerank",      "a red car", "-", "--model",
                               endpoint_spec, "--json",    NULL};
    run_list(&r, arguments, lines, sizeof lines - 1);
    expect(&r, 3);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "results.0.path"), "pictures/p09.ppm");
    assert_true(number_at(root, "results.0.first_rank") == 3);
    assert_string_equal(text_at(root, "results.1.path"), "pictures/p03.ppm"); /* no score */
    assert_true(json_is_null(at(root, "results.1.blended")));
    json_decref(root);
    run_free(&r);
    static const char nul[] = "pictures/p01.ppm\0pictures/p09.ppm";
    const char *with_nul[] = {"rerank", "a red car", "-", "--model", endpoint_spec, "-0", NULL};
    run_list(&r, with_nul, nul, sizeof nul);
    expect(&r, 0);
    assert_int_equal(r.out_size, sizeof nul);
    assert_memory_equal(r.out, "pictures/p09.ppm\0pictures/p01.ppm", sizeof nul);
    run_free(&r);
    run(&r, "rerank", "a red car", "pictures/p01.ppm", "pictures/none.ppm", "--model",
        endpoint_spec, NULL);
    expect(&r, 3);
    expect_out(&r, "pictures/none.ppm");
    run_free(&r);
    endpoint_stop();
}

/* Runs after the captions were stored: that of p07 was refused. */
static void what_re_ranking_is_worth_is_measured(void **state) {
    (void)state;
    run_result r;
    char csv[1000] = "image,caption\n";
    for (unsigned i = 0; i < PICTURES; i++) {
        (void)snprintf(csv + strlen(csv), sizeof csv - strlen(csv),
                       "p%02u.ppm,drawing number%u of many\n", i, i);
    }
    write_file("truth.csv", csv, strlen(csv));
    endpoint_start(answer);
    char spec[100];
    (void)snprintf(spec, sizeof spec, "--rerank=%s", endpoint_spec);
    run(&r, "evaluate", "retrieval", "--captions", "truth.csv", "--images", "pictures", spec,
        "--rerank-weight", "1", "--blend", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    double alone = number_at(root, "t2i_recall@1");
    const json_t *rerank = at(root, "rerank"), *blend = at(root, "captions");
    assert_true(json_number_value(json_object_get(at(rerank, "with"), "t2i_recall@1")) == 1);
    assert_true(fabs(json_number_value(json_object_get(at(rerank, "without"), "t2i_recall@1")) -
                     alone) < 1e-9);
    assert_true(number_at(rerank, "by_weight.10.weight") == 1);
    assert_true(number_at(rerank, "looked_at") == PICTURES * PICTURES);
    assert_true(number_at(rerank, "failed") == 0);
    assert_true(fabs(json_number_value(json_object_get(at(blend, "without"), "t2i_recall@1")) -
                     alone) < 1e-9);
    assert_true(json_number_value(json_object_get(at(blend, "with"), "t2i_recall@1")) >
                10.9 / PICTURES);
    assert_true(number_at(blend, "weight") == 0.5);
    assert_true(fabs(number_at(json_array_get(at(blend, "by_weight"), 0), "t2i_recall@1") - alone) <
                1e-9);
    assert_true(number_at(json_array_get(at(blend, "by_weight"), 10), "t2i_recall@1") >
                10.9 / PICTURES);
    json_decref(root);
    run_free(&r);
    run(&r, "evaluate", "retrieval", "--captions", "truth.csv", "--images", "pictures",
        "--rerank=./match", "--rerank-depth", "3", NULL);
    expect(&r, 0);
    expect_out(&r, "Re-ranked");
    expect_out(&r, "R@1 by weight:  0.0: ");
    run_free(&r);
    endpoint_stop();
}

/* Native: the scores are those that `glimpse itm` prints. */
static void a_native_model_scores_as_itm_does(void **state) {
    (void)state;
    run_result r, itm;
    run(&r, "search", "--no-collapse", "a red dog", "-k12", "--json", "--rerank=./match", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(number_at(root, "rerank.failed") == 0);
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *result = json_array_get(at(root, "results"), i);
        if (i % 4) continue;
        run(&itm, "itm", "--model", "./match", "--image", text_at(result, "path"), "--text",
            "a red dog", NULL);
        expect(&itm, 0);
        json_t *one = run_json(&itm);
        assert_true(fabs(number_at(result, "vlm_probability") - number_at(one, "itm_probability")) <
                    1e-6);
        json_decref(one);
        run_free(&itm);
    }
    double before = INFINITY;
    for (size_t i = 0; i < PICTURES; i++) {
        double blended = number_at(json_array_get(at(root, "results"), i), "blended");
        assert_true(blended <= before);
        before = blended;
    }
    json_decref(root);
    run_free(&r);
    /* A directory and a native model: the text is that of the plumbing. */
    run(&r, "caption", "pictures", "--model", "./caption", NULL);
    run(&itm, "caption", "pictures/p00.ppm", "--model", "./caption", NULL);
    expect(&itm, 0);
    if (strlen(strchr(itm.out, '\t')) > 2) {
        assert_non_null(strstr(r.out, itm.out));
    }
    run_free(&itm);
    run_free(&r);
}

static void nonsense_is_refused_before_anything_is_asked(void **state) {
    (void)state;
    static const struct {
        const char *arguments[9];
        int code;
        const char *message;
    } cases[] = {
        {{"caption"}, 2, "which pictures"},
        {{"caption", "pictures", "--library"}, 2, "either paths or the library"},
        {{"caption", "pictures", "--in", "x"}, 2, "--in goes with --library"},
        {{"caption", "pictures", "--out", "x.doc"}, 2, "its ending says no format"},
        {{"caption", "--library", "--stored", "--store"}, 2, "--stored asks for nothing"},
        {{"caption", "pictures", "--all"}, 2, "--all goes with picture files"},
        {{"caption", "pictures", "--model", "./match"}, 4, "does not describe pictures"},
        {{"rerank"}, 2, "compared with"},
        {{"rerank", "x"}, 2, "which pictures"},
        {{"rerank", "x", "a.ppm", "--weight", "2"}, 2, "from 0 to 1"},
        {{"rerank", "x", "a.ppm", "--model", "./caption"}, 4, "does not judge"},
        {{"search", "x", "--rerank=./match", "--rerank-weight=-1"}, 2, "from 0 to 1"},
        {{"search", "x", "--captions", "--captions-weight", "1.5"}, 2, "from 0 to 1"},
        {{"search", "./pictures/p00.ppm", "--rerank=./match"}, 2, "needs words"},
        {{"search", "./pictures/p00.ppm", "--captions"}, 2, "needs words"},
        {{"search", "x", "--rerank=./nowhere"}, 4, "nowhere"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        run_list(&r, cases[i].arguments, NULL, 0);
        expect(&r, cases[i].code);
        expect_err(&r, cases[i].message);
        run_free(&r);
    }
}

/*
 * Many pictures, a fifth of them in trouble; killed in the middle, started again.
 */
enum { MANY = 120, COLUMNS = 40, AT_ONCE = 16, KILL_AFTER = 50 };

static void troubled(const endpoint_question *q, endpoint_reply *reply) {
    unsigned n = (q->height - 16) * COLUMNS + (q->width - 16);
    (void)snprintf(reply->body, sizeof reply->body, "{\"text\":\"plate number%u\"}", n);
    if (n % 5 != 2) return;
    switch (n / 5 % 8) {
    case 0: reply->status = 400; break;                                 /* for good */
    case 1: (void)strcpy(reply->body, "{\"refused\":true}"); break;     /* for good */
    case 2: (void)strcpy(reply->body, "{\"cannot_tell\":true}"); break; /* for good */
    default:
        if (q->time > 1) break; /* the second time is fine */
        if (n / 5 % 8 == 3) (void)strcpy(reply->body, "{\"text\":");
        if (n / 5 % 8 == 4) reply->status = 429;
        if (n / 5 % 8 == 5) reply->status = 503;
        if (n / 5 % 8 == 6) reply->cut = 1;
        if (n / 5 % 8 == 7) reply->status = 500;
        (void)strcpy(reply->headers, "Retry-After: 0\r\n");
    }
}

static int for_good(unsigned n) {
    return n % 5 == 2 && n / 5 % 8 < 3;
}

static void many_captions_with_faults_and_a_kill_are_asked_for_once(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("many", 0777), 0);
    for (unsigned n = 0; n < MANY; n++) {
        char name[40];
        (void)snprintf(name, sizeof name, "many/%04u.ppm", n);
        write_picture(name, 16 + n % COLUMNS, 16 + n / COLUMNS, n);
    }
    run(&r, "index", "many", "--library", "many.glimpse", "--quiet", NULL);
    expect(&r, 0);
    run_free(&r);
    endpoint_start(troubled);
    pid_t child =
        run_start("many.out", "many.err", "caption", "--library", "many.glimpse", "--store",
                  "--out", "many.jsonl", "--model", endpoint_spec, "--jobs", "16", NULL);
    struct timespec pause = {0, 5000000};
    for (int i = 0; i < 12000 && endpoint_count() < KILL_AFTER; i++)
        (void)nanosleep(&pause, NULL);
    assert_true(endpoint_count() >= KILL_AFTER);
    (void)kill(child, SIGKILL);
    (void)run_wait(child);
    run(&r, "caption", "--library", "many.glimpse", "--store", "--out", "many.jsonl", "--model",
        endpoint_spec, "--jobs", "16", "--quiet", NULL);
    expect(&r, 3);
    run_free(&r);
    size_t twice = 0, size = 0, rows = 0;
    for (unsigned n = 0; n < MANY; n++) {
        size_t times = endpoint_answered("caption", 16 + n % COLUMNS, 16 + n / COLUMNS);
        int garbage = n % 5 == 2 && n / 5 % 8 == 3; /* its first answer was no JSON */
        if (!(for_good(n) && n / 5 % 8 == 0)) assert_true(times >= 1);
        twice += times > 1u + (garbage ? 1u : 0u);
    }
    assert_true(twice <= AT_ONCE); /* on their way when it was killed */
    char *text = read_whole_file("many.jsonl", &size);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), rows++) {
        json_t *row = json_loads(line, 0, NULL);
        assert_non_null(row);
        unsigned n = (unsigned)strtoul(name_of(text_at(row, "path")), NULL, 10);
        char expected[40];
        (void)snprintf(expected, sizeof expected, "plate number%u", n);
        if (for_good(n)) {
            assert_true(json_is_null(at(row, "caption")));
            assert_true(strlen(text_at(row, "error")) > 0);
        } else {
            assert_string_equal(text_at(row, "caption"), expected);
        }
        json_decref(row);
    }
    assert_int_equal(rows, MANY);
    free(text);
    run(&r, "search", "--no-collapse", "number113", "--captions", "--all-scores", "--paths", "-k1",
        "--library", "many.glimpse", NULL);
    expect(&r, 0);
    expect_out(&r, "0113.ppm");
    run_free(&r);
    run(&r, "verify", "--library", "many.glimpse", NULL);
    expect(&r, 0);
    run_free(&r);
    endpoint_stop();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_captions_are_found_at_once_and_not_asked_for_again),
        cmocka_unit_test(captions_are_written_in_every_form),
        cmocka_unit_test(sidecars_keep_what_others_wrote),
        cmocka_unit_test(a_search_is_looked_at_again_and_failures_keep_their_place),
        cmocka_unit_test(lists_from_elsewhere_are_put_in_order),
        cmocka_unit_test(what_re_ranking_is_worth_is_measured),
        cmocka_unit_test(a_native_model_scores_as_itm_does),
        cmocka_unit_test(nonsense_is_refused_before_anything_is_asked),
        cmocka_unit_test(many_captions_with_faults_and_a_kill_are_asked_for_once),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

/*
 * test_catalog.c - the table of models that ships: well-formed, and what is chosen from it.
 */
#include "support/temporary.h"

#include <glimpse/catalog.h>

#include <math.h>

static glimpse_catalog *load_shipped(void) {
    glimpse_catalog *catalog = NULL;
    assert_ok(glimpse_catalog_load(&catalog, source_path("data/models/catalog.json")));
    return catalog;
}

static void the_table_that_ships_is_well_formed(void **state) {
    (void)state;
    glimpse_catalog *catalog = load_shipped();
    size_t recommended = 0, count = glimpse_catalog_count(catalog);
    assert_true(count >= 40);
    for (size_t i = 0; i < count; i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(catalog, i);
        assert_ptr_equal(glimpse_catalog_find(catalog, m->name), m);
        assert_ptr_equal(glimpse_catalog_find(catalog, m->repository), m);
        recommended += (size_t)m->recommended;
        if (strcmp(m->purpose, "search") != 0) continue;
        if (m->dimension == 0 || m->resolution == 0)
            fail_msg("%s lacks its dimension or the size of its pictures", m->name);
        /* A search model can be compared with the others, or its note or what could not be checked
         * says why not. */
        const int compared = isfinite(m->imagenet) || isfinite(m->xm3600);
        if ((compared && !m->source) || (!compared && !m->note && !m->unverified))
            fail_msg("%s lacks a figure, its source, or the reason", m->name);
        /* A configuration and weights. */
        int configured = 0, weighted = 0;
        for (const char *const *file = m->files; *file; file++) {
            configured |= strstr(*file, "config.json") != NULL;
            weighted |=
                strstr(*file, ".safetensors") || strstr(*file, ".bin") || strstr(*file, ".pt");
        }
        if (!configured || !weighted)
            fail_msg("%s has no %s", m->name, configured ? "weights" : "configuration");
    }
    assert_int_equal(recommended, 1);
    assert_null(glimpse_catalog_get(catalog, count));
    glimpse_catalog_free(catalog);
}

static void names_are_found_whatever_their_case(void **state) {
    (void)state;
    glimpse_catalog *catalog = load_shipped();
    const glimpse_catalog_model *m = glimpse_catalog_find(catalog, "vit-b-16-siglip2-256");
    assert_non_null(m);
    assert_string_equal(m->repository, "google/siglip2-base-patch16-256");
    assert_ptr_equal(glimpse_catalog_find(catalog, "ViT-B-16-SigLIP2-256__webli"), m);
    assert_null(glimpse_catalog_find(catalog, "ViT-B-16-SigLIP2-257"));
    assert_null(glimpse_catalog_find(NULL, "ViT-B-16-SigLIP2-256"));
    glimpse_catalog_free(catalog);
}

/*
 * Choosing, from a table in which the best answer is known.
 */
#define ENTRY(name, languages, image, text, coco, more)                                           \
 "{\"name\":\"" name "\",\"repository\":\"o/" name "\",\"revision\":\"main\",\"family\":\"f\","   \
 "\"purpose\":\"search\",\"licence\":null,\"languages\":\"" languages                             \
 "\",\"parameters\":{\"image\":" image ",\"text\":" text "},\"resolution\":224,\"patch\":16,"     \
 "\"dimension\":8,\"files\":[\"config.json\"],\"source\":\"s\",\"figures\":{\"coco_image\":" coco \
 "}" more "}"
#define TABLE(models) "{\"models\":[" models "]}"

static const char choices[] = TABLE(ENTRY("small", "en", "10", "10", "30", "") "," ENTRY(
    "middle", "*", "100", "100", "50",
    ",\"recommended\":true") "," ENTRY("large", "en", "300", "300", "51",
                                       "") "," ENTRY("huge", "en de", "2000", "500", "60", ""));

static const char *chosen(const glimpse_catalog *catalog, const char *language, double rate,
                          uint64_t memory) {
    const glimpse_catalog_needs needs = {
        .language = language, .flops = 1e12, .pictures_a_second = rate, .memory = memory};
    const glimpse_catalog_model *m = glimpse_catalog_recommend(catalog, &needs);
    return m ? m->name : "none";
}

static void what_fits_language_speed_and_memory_is_recommended(void **state) {
    (void)state;
    glimpse_catalog *catalog = NULL;
    write_text_in_directory("choices.json", choices);
    assert_ok(glimpse_catalog_load(&catalog, in_directory("choices.json")));
    assert_string_equal(chosen(catalog, NULL, 0, 0), "huge");
    /* "large" is one point better than the recommended one, which is not enough. */
    assert_string_equal(chosen(catalog, "en", 0, 4000000000u), "middle");
    assert_string_equal(chosen(catalog, "de_DE", 0, 0), "huge");
    assert_string_equal(chosen(catalog, "fr", 0, 0), "middle");
    /* 1e12 / (2 * 100e6 * 197) is 25 pictures a second. */
    assert_string_equal(chosen(catalog, "en", 20.0, 0), "middle");
    assert_string_equal(chosen(catalog, "en", 30.0, 0), "small");
    /* Nothing fits: the smallest that speaks the language. */
    assert_string_equal(chosen(catalog, "de", 0, 1000), "middle");
    assert_string_equal(chosen(catalog, "en", 0, 1000), "small");
    glimpse_catalog_free(catalog);
}

/* The languages people asked for, and a licence that lets them use what is recommended. */
static void what_is_recommended_speaks_the_language_and_is_free_to_use(void **state) {
    (void)state;
    static const char *const languages[] = {"en", "de", "zh", "bn", "sw", "pt_BR.UTF-8"};
    glimpse_catalog *catalog = load_shipped();
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        const glimpse_catalog_needs fast = {.language = languages[i], .flops = 1e14},
                                    slow = {.language = languages[i],
                                            .flops = 1e10,
                                            .pictures_a_second = 1.0,
                                            .memory = 1000000000};
        const glimpse_catalog_model *best = glimpse_catalog_recommend(catalog, &fast),
                                    *small = glimpse_catalog_recommend(catalog, &slow);
        assert_non_null(best);
        assert_non_null(small);
        assert_true(glimpse_catalog_covers(best, languages[i]));
        assert_true(glimpse_catalog_covers(small, languages[i]));
        assert_false(best->is_restricted);
        assert_false(small->is_restricted);
    }
    assert_true(glimpse_catalog_find(catalog, "nllb-clip-base-siglip")->is_restricted);
    assert_true(glimpse_catalog_find(catalog, "MobileCLIP2-S2")->is_restricted);
    assert_true(
        glimpse_catalog_covers(glimpse_catalog_find(catalog, "chinese-clip-B-16"), "zh_CN"));
    assert_false(glimpse_catalog_covers(glimpse_catalog_find(catalog, "chinese-clip-B-16"), "en"));
    glimpse_catalog_free(catalog);
}

static void restricted_licences_come_last(void **state) {
    (void)state;
    glimpse_catalog *catalog = NULL;
    write_text_in_directory("licences.json",
                            TABLE(ENTRY("free", "en", "1", "1", "30", "") "," ENTRY(
                                "closed", "*", "1", "1", "60", ",\"licence\":\"cc-by-nc-4.0\"")));
    assert_ok(glimpse_catalog_load(&catalog, in_directory("licences.json")));
    assert_string_equal(chosen(catalog, "en", 0, 0), "free");
    /* It is better than nothing. */
    assert_string_equal(chosen(catalog, "bn", 0, 0), "closed");
    glimpse_catalog_free(catalog);
}

static void a_table_that_is_not_well_formed_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{}", "\"models\""},
        {"[]", "table.json"},
        {TABLE("{}"), "\"name\""},
        {TABLE(ENTRY("a", "en", "1", "1", "50", "") "," ENTRY("A", "en", "1", "1", "50", "")),
         "twice"},
        {TABLE(ENTRY("a", "en", "1", "1", "101", "")), "\"coco_image\""},
        {TABLE(ENTRY("a", "en", "-1", "1", "50", "")), "\"image\""},
        {TABLE(ENTRY("a/b", "en", "1", "1", "50", "")), "repository"},
        {TABLE(ENTRY("a", "en", "1", "1", "50", ",\"weights_revision\":\"refs/pr/1\"")),
         "weights_revision"},
        {TABLE(ENTRY("a", "en", "1", "1", "50", ",\"also\":[\"../b\"]")), "\"also\""},
        {TABLE(ENTRY("a", "en", "1", "1", "50", ",\"parts\":[{\"repository\":\"o/b\"}]")),
         "\"parts\""},
        {TABLE(ENTRY("a", "en", "1", "1", "50",
                     ",\"parts\":[{\"repository\":\"o/b\",\"revision\":\"main\","
                     "\"directory\":\"..\"}]")),
         "\"parts\""},
        {TABLE(ENTRY("a", "en", "1", "1", "50", ",\"configuration\":{\"../b.json\":{}}")),
         "\"configuration\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_catalog *catalog = NULL;
        write_text_in_directory("table.json", cases[i].text);
        assert_int_equal(glimpse_catalog_load(&catalog, in_directory("table.json")),
                         GLIMPSE_E_FORMAT);
        assert_null(catalog);
        if (!strstr(glimpse_last_error(), cases[i].said)) {
            fail_msg("\"%s\" does not say %s", glimpse_last_error(), cases[i].said);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_that_ships_is_well_formed),
        cmocka_unit_test(names_are_found_whatever_their_case),
        cmocka_unit_test(what_fits_language_speed_and_memory_is_recommended),
        cmocka_unit_test(what_is_recommended_speaks_the_language_and_is_free_to_use),
        cmocka_unit_test(restricted_licences_come_last),
        cmocka_unit_test(a_table_that_is_not_well_formed_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

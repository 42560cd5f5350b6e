/*
 * test_kinds.c - what every kind of model promises, whichever kinds there are: its row is complete,
 * its specs are understood, requests hold the question and not the key, and nothing that a server
 * sends is taken for an answer when it is none.
 */
#include "support/test.h"

#include "support/server.h"
#include "vlm/remote/remote.h"

static const glimpse_vlm_kind *const kinds[] = {
#define ROW(name) &glimpse_vlm_kind_##name,
    GLIMPSE_VLM_KINDS(ROW)
#undef ROW
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void the_list_for_programs_is_the_table(void **state) {
    (void)state;
    size_t remote = 0;
    assert_int_equal(glimpse_vlm_provider_count(), KINDS);
    assert_null(glimpse_vlm_provider_get(KINDS));
    for (size_t i = 0; i < KINDS; i++) {
        const glimpse_vlm_provider *p = glimpse_vlm_provider_get(i);
        assert_ptr_equal(p, &kinds[i]->provider);
        assert_true(p->name && *p->name && p->spec && *p->spec && p->about && *p->about);
        assert_null(strpbrk(p->name, ": _ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(p->name, glimpse_vlm_provider_get(k)->name);
        assert_non_null(kinds[i]->open);
        assert_int_equal(kinds[i]->is_model != NULL, !p->remote);
        assert_int_equal(kinds[i]->dialect != NULL, p->remote);
        remote += p->remote != 0;
    }
    assert_in_range(remote, 4, KINDS - 1);
}

static void a_prefix_makes_a_spec_remote(void **state) {
    (void)state;
    char spec[128];
    assert_int_equal(glimpse_vlm_spec_is_remote(NULL), 0);
    assert_int_equal(glimpse_vlm_spec_is_remote(""), 0);
    assert_int_equal(glimpse_vlm_spec_is_remote("/models/blip"), 0);
    for (size_t i = 0; i < KINDS; i++) {
        const glimpse_vlm_provider *p = &kinds[i]->provider;
        (void)snprintf(spec, sizeof spec, "%s:x", p->name);
        assert_int_equal(glimpse_vlm_spec_is_remote(spec), p->remote);
        assert_int_equal(glimpse_vlm_spec_is_remote(p->name), 0);
        if (p->remote) assert_int_equal(strncmp(p->spec, spec, strlen(p->name) + 1), 0);
    }
    /* Whoever names no model is told of all of them. */
    glimpse_vlm *vlm = NULL;
    assert_int_equal(glimpse_vlm_open(&vlm, "", NULL), GLIMPSE_E_INVALID);
    for (size_t i = 0; i < KINDS; i++) {
        if (!kinds[i]->provider.remote) continue;
        assert_non_null(strstr(glimpse_last_error(), kinds[i]->provider.spec));
    }
}

static void a_provider_asks_for_its_model_and_its_key(void **state) {
    (void)state;
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.config = "";
    for (size_t i = 0; i < KINDS; i++) {
        const glimpse_vlm_provider *p = &kinds[i]->provider;
        char spec[128];
        glimpse_vlm *vlm = NULL;
        if (!p->remote || !kinds[i]->dialect->base) continue;
        (void)snprintf(spec, sizeof spec, "%s:", p->name);
        assert_int_equal(glimpse_vlm_open(&vlm, spec, &options), GLIMPSE_E_INVALID);
        assert_non_null(strstr(glimpse_last_error(), p->spec));
        if (!p->key) continue;
        (void)unsetenv(p->key);
        (void)snprintf(spec, sizeof spec, "%s:some-model", p->name);
        assert_int_equal(glimpse_vlm_open(&vlm, spec, &options), GLIMPSE_E_NOT_FOUND);
        assert_non_null(strstr(glimpse_last_error(), p->key));
        assert_null(vlm);
    }
}

/* A question about a small picture to a model of each remote kind. */
typedef struct asked {
    glimpse_vlm *vlm;
    glimpse_image *image;
    glimpse_vlm_picture picture;
    glimpse_vlm_answer *answer;
} asked;

static void ask(asked *a, const glimpse_vlm_kind *kind, const char *url, int dry_run) {
    static const uint8_t pixels[16 * 12 * 3] = {200, 10, 10};
    const glimpse_vlm_picture no_picture = GLIMPSE_VLM_PICTURE_INIT;
    char spec[256];
    (void)snprintf(spec, sizeof spec, "%s:%s%s", kind->provider.name,
                   kind->dialect->base ? "some-model@" : "", url);
    *a = (asked){.picture = no_picture};
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.config = "";
    options.backoff_scale = 1e-4;
    options.retries = -1;
    options.dry_run = dry_run;
    assert_ok(glimpse_vlm_open(&a->vlm, spec, &options));
    assert_string_equal(glimpse_vlm_identity(a->vlm), spec);
    assert_int_equal(glimpse_vlm_is_remote(a->vlm), 1);
    assert_ok(glimpse_image_create(&a->image, pixels, 16, 12));
    a->picture.image = a->image;
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    request.pictures = &a->picture;
    request.picture_count = 1;
    request.text = "Which colour is it?";
    glimpse_vlm_run_options run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    run.dry_run = dry_run;
    assert_ok(glimpse_vlm_ask(&a->answer, a->vlm, &request, &run));
}

static void forget(asked *a) {
    glimpse_vlm_answer_free(a->answer);
    glimpse_vlm_close(a->vlm);
    glimpse_image_free(a->image);
}

static void a_dry_run_shows_the_request_without_key_and_picture(void **state) {
    (void)state;
    (void)setenv("GLIMPSE_VLM_KEY", "very-secret-0123456789", 1);
    for (size_t i = 0; i < KINDS; i++) {
        asked a;
        if (!kinds[i]->provider.remote) continue;
        ask(&a, kinds[i], "http://127.0.0.1:9/v1", 1);
        assert_int_equal(a.answer->outcome, GLIMPSE_VLM_NOT_SENT);
        assert_non_null(strstr(a.answer->text, "Which colour is it?"));
        assert_non_null(strstr(a.answer->text, "<16 x 12 image/jpeg, "));
        assert_null(strstr(a.answer->text, "very-secret"));
        assert_in_range(a.answer->tokens_in, 1, 100000);
        forget(&a);
    }
}

static void refuse(void *context, const server_request *request, server_reply *reply) {
    (void)request;
    const int *status = context;
    server_reply_with(reply, *status,
                      strdup(*status == 200 ? "{}" : "{\"error\":{\"message\":\"no dogs\"}}"));
}

static void what_is_no_answer_is_a_failure_that_says_why(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *said;
    } cases[] = {{422, "no dogs"}, {200, "is not one of "}};
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t c = 0; c < 2 && kinds[i]->provider.remote; c++) {
            asked a;
            int status = cases[c].status;
            test_server *server = server_start(refuse, &status);
            ask(&a, kinds[i], server_url(server), 0);
            assert_int_equal(a.answer->outcome, GLIMPSE_VLM_FAILED);
            assert_int_equal(a.answer->http_status, cases[c].status);
            assert_non_null(strstr(a.answer->reason, cases[c].said));
            /* A 200 that is no answer may be of another version: that is tried, once. */
            assert_in_range(server_count(server), 1, cases[c].status == 200 ? 2 : 1);
            /* The key went along, in a header and nowhere else. */
            const server_request *request = server_get(server, 0);
            if (kinds[i]->provider.key) {
                assert_non_null(strstr(request->headers, "very-secret-0123456789"));
            }
            assert_null(strstr(request->path, "very-secret"));
            assert_null(strstr(request->text, "very-secret"));
            forget(&a);
            server_stop(server);
        }
    }
}

/* Any JSON may come: none of it is taken for what it is not. */
static void odd_json_is_neither_an_answer_nor_trouble(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "null",
        "1",
        "\"text\"",
        "[]",
        "[[]]",
        "{}",
        "{\"error\": null}",
        "{\"error\": []}",
        "{\"error\": {\"message\": 1, \"code\": [], \"param\": {}}}",
        "{\"error\": {\"details\": [null, 1, {\"retryDelay\": 3}]}}",
        "{\"choices\": {}, \"content\": {}, \"candidates\": {}}",
        "{\"choices\": [null], \"candidates\": [null]}",
        "{\"text\": 1, \"json\": \"x\", \"usage\": []}"};
    for (size_t i = 0; i < KINDS; i++) {
        const glimpse_dialect *dialect = kinds[i]->dialect;
        for (size_t b = 0; dialect && b < sizeof bodies / sizeof *bodies; b++) {
            json_t *body = json_loads(bodies[b], JSON_DECODE_ANY, NULL);
            assert_non_null(body);
            glimpse_reply reply = {.cost = -1.0};
            if (dialect->read(body, &reply)) {
                fail_msg("%s takes %s for an answer", kinds[i]->provider.name, bodies[b]);
            }
            free(reply.joined);
            glimpse_remote_fault fault = {.retry_after = -1.0};
            dialect->read_fault(body, &fault);
            assert_null(fault.message);
            assert_null(fault.parameter);
            assert_true(fault.retry_after < 0.0);
            assert_int_equal(fault.filtered || fault.no_money, 0);
            json_decref(body);
        }
        if (dialect) {
            glimpse_remote_fault fault = {.retry_after = -1.0};
            dialect->read_fault(NULL, &fault);
            assert_null(fault.message);
        }
    }
}

static int is_priced(const glimpse_vlm_kind *kind, const char *prices, const char *name,
                     const char *identity, int own_base) {
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    glimpse_remote_price price;
    write_formatted(prices, "{\"models\": {\"%s\": {\"in\": 1, \"out\": 2}}}", name);
    options.prices = prices;
    assert_ok(glimpse_remote_price_find(&price, kind, identity, own_base, &options));
    return price.in > 0.0;
}

/* "openai:m" is the price of "openai:m-2024-07-18", not of "openai:m-large" or "openai:m-2". */
static void a_price_is_that_of_the_model_and_its_versions(void **state) {
    (void)state;
    static const struct {
        const char *kind, *behind;
    } versions[] = {{"openai", "-2024-07-18"},
                    {"anthropic", "-20250929"},
                    {"anthropic", "-latest"},
                    {"gemini", "-001"},
                    {"gemini", "-latest"}};
    static const char *const others[] = {"-large",
                                         "x",
                                         "-2",
                                         "-9",
                                         "-5-2",
                                         "-2024",
                                         "-2024-13-01",
                                         "-2024-07-18-mini",
                                         "-20251399",
                                         "-0012",
                                         "-preview-05-20",
                                         "-4o",
                                         "@20250929",
                                         "."};
    char *directory = make_temp_directory(), identity[128], name[64], prices[1200];
    (void)snprintf(prices, sizeof prices, "%s", path_in(directory, "prices.json"));
    for (size_t i = 0; i < KINDS; i++) {
        const char *kind = kinds[i]->provider.name;
        if (!kinds[i]->dialect || !kinds[i]->dialect->base) continue;
        (void)snprintf(name, sizeof name, "%s:m", kind);
        assert_true(is_priced(kinds[i], prices, name, name, 0));
        for (size_t c = 0; c < sizeof versions / sizeof *versions; c++) {
            (void)snprintf(identity, sizeof identity, "%s%s", name, versions[c].behind);
            int known = 0;
            for (size_t k = 0; k < sizeof versions / sizeof *versions; k++) {
                known |= strcmp(versions[k].kind, kind) == 0 &&
                         strcmp(versions[k].behind, versions[c].behind) == 0;
            }
            assert_int_equal(is_priced(kinds[i], prices, name, identity, 0), known);
        }
        for (size_t c = 0; c < sizeof others / sizeof *others; c++) {
            (void)snprintf(identity, sizeof identity, "%s%s", name, others[c]);
            if (is_priced(kinds[i], prices, name, identity, 0)) fail_msg("%s", identity);
        }
    }
    /* A server of one's own: whole parts of its address. */
    static const struct {
        const char *name;
        int priced;
    } servers[] = {{"openai:m@http://gpu:80/v1", 1}, {"openai:m@http://gpu:80", 1},
                   {"openai:m@http://gpu:8", 0},     {"openai:m@http://gpu:80/v", 0},
                   {"openai:m@http://g", 0},         {"openai:m", 0}};
    const glimpse_vlm_kind *openai = &glimpse_vlm_kind_openai;
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        int priced = is_priced(openai, prices, servers[i].name, "openai:m@http://gpu:80/v1", 1);
        if (priced != servers[i].priced) fail_msg("%s", servers[i].name);
    }
    remove_tree(directory);
    free(directory);
}

static void a_price_table_has_a_date(void **state) {
    (void)state;
    static const struct {
        const char *date;
        int status, old;
    } cases[] = {{"2020-01", 0, 1},
                 {"2020-01-31", 0, 1},
                 {"2099-12", 0, 0},
                 {"soon", GLIMPSE_E_FORMAT, 0},
                 {"2020-13", GLIMPSE_E_FORMAT, 0}};
    char *directory = make_temp_directory(), prices[1200];
    (void)snprintf(prices, sizeof prices, "%s", path_in(directory, "prices.json"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
        glimpse_vlm *vlm = NULL;
        int old = -1;
        write_formatted(prices,
                        "{\"as_of\": \"%s\", \"models\": {\"openai:m@http://gpu\": {\"in\": "
                        "1, \"out\": 2}}}",
                        cases[i].date);
        options.config = "";
        options.prices = prices;
        assert_int_equal(glimpse_vlm_open(&vlm, "openai:m@http://gpu", &options), cases[i].status);
        if (vlm) {
            assert_string_equal(glimpse_vlm_prices_as_of(vlm, &old), cases[i].date);
            assert_int_equal(old, cases[i].old);
        }
        glimpse_vlm_close(vlm);
    }
    remove_tree(directory);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_for_programs_is_the_table),
        cmocka_unit_test(a_prefix_makes_a_spec_remote),
        cmocka_unit_test(a_provider_asks_for_its_model_and_its_key),
        cmocka_unit_test(a_dry_run_shows_the_request_without_key_and_picture),
        cmocka_unit_test(what_is_no_answer_is_a_failure_that_says_why),
        cmocka_unit_test(odd_json_is_neither_an_answer_nor_trouble),
        cmocka_unit_test(a_price_is_that_of_the_model_and_its_versions),
        cmocka_unit_test(a_price_table_has_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

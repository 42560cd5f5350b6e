/*
 * test_vlm.c - glimpse ask and glimpse compare promise: answers in the order of the command line,
 * nothing sent twice, nothing sent by a dry run, no key anywhere, and something useful offline.
 */
#include "support/commands.h"

#include "support/server.h"

#include <glimpse/sys/vlm.h>

typedef struct script {
    const char *text;
    int status;
} script;

static void play(void *context, const server_request *request, server_reply *reply) {
    const script *s = context;
    (void)request;
    if (s->status)
        server_reply_with(reply, s->status, strdup("{\"error\":{\"message\":\"no\"}}"));
    else
        server_reply_with(reply, 200, server_openai(s->text, 100, 10));
}

static void use(test_server *s) {
    char spec[128];
    (void)snprintf(spec, sizeof spec, "openai:test@%s/v1", server_url(s));
    (void)setenv("GLIMPSE_VLM", spec, 1);
    (void)setenv("GLIMPSE_VLM_KEY", "a-secret-of-the-tests", 1);
}

static int vlm_setup(void **state) {
    (void)unsetenv("XDG_CONFIG_HOME");
    (void)unsetenv("XDG_CACHE_HOME");
    (void)unsetenv("GLIMPSE_VLM");
    (void)unsetenv("GLIMPSE_LIBRARY");
    if (run_setup(state) != 0) return -1;
    char names[3][32] = {"a.ppm", "b.ppm", "c.ppm"};
    for (unsigned i = 0; i < 3; i++)
        write_picture(names[i], 100, 80, i + 1);
    write_file("broken.jpg", "no picture", 10);
    return 0;
}

static void no_secret(const run_result *r) {
    assert_null(strstr(r->out, "a-secret"));
    assert_null(strstr(r->err, "a-secret"));
}

static void ask_answers_in_order_and_sends_nothing_twice(void **state) {
    (void)state;
    script s = {"drei Hunde", 0};
    test_server *it = server_start(play, &s);
    run_result r;
    use(it);
    run(&r, "ask", "--json", "Wie viele?", "c.ppm", "a.ppm", "broken.jpg", "b.ppm", NULL);
    expect(&r, 3);
    no_secret(&r);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 4);
    assert_string_equal(text_at(lines, "0.path"), "c.ppm");
    assert_string_equal(text_at(lines, "0.answer"), "drei Hunde");
    assert_string_equal(text_at(lines, "1.path"), "a.ppm");
    assert_string_equal(text_at(lines, "2.outcome"), "failed");
    assert_string_equal(text_at(lines, "3.path"), "b.ppm");
    assert_true(number_at(lines, "3.tokens_in") == 100);
    json_decref(lines);
    run_free(&r);
    assert_int_equal(server_count(it), 3);
    char *texts = server_texts(server_get(it, 0));
    assert_non_null(strstr(texts, "Question: Wie viele?"));
    free(texts);
    run(&r, "ask", "-q", "Wie viele?", "a.ppm", "b.ppm", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    assert_string_equal(r.out, "a.ppm\tdrei Hunde\nb.ppm\tdrei Hunde\n");
    run_free(&r);
    assert_int_equal(server_count(it), 3); /* from the user's own cache */
    run(&r, "ask", "Wie viele?", "a.ppm", "--no-cache", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, "drei Hunde\n");
    run_free(&r);
    assert_int_equal(server_count(it), 4);
    run(&r, "ask", "Wo?", "a.ppm", "b.ppm", "--together", NULL);
    expect(&r, 0);
    run_free(&r);
    size_t size;
    void *second = server_picture(server_get(it, 4), 1, &size);
    assert_non_null(second);
    free(second);
    server_stop(it);
}

static void a_dry_run_shows_and_sends_nothing(void **state) {
    (void)state;
    script s = {"x", 0};
    test_server *it = server_start(play, &s);
    run_result r;
    use(it);
    run(&r, "ask", "--dry-run", "Which colour?", "a.ppm", NULL);
    expect(&r, 0);
    expect_out(&r, "100 x 80");
    expect_out(&r, "Which colour?");
    expect_err(&r, "dry run");
    no_secret(&r);
    run_free(&r);
    assert_int_equal(server_count(it), 0);
    server_stop(it);
    /* Nor does it need a key. */
    (void)unsetenv("OPENAI_API_KEY");
    run(&r, "ask", "--dry-run", "-m", "openai:gpt-4o-mini", "Which colour?", "a.ppm", NULL);
    expect(&r, 0);
    expect_err(&r, "USD");
    run_free(&r);
    run(&r, "ask", "-m", "openai:gpt-4o-mini", "Which colour?", "a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "OPENAI_API_KEY");
    run_free(&r);
}

/* Whatever the library knows, without the command having been told. */
static void help_and_messages_name_every_kind_of_model(void **state) {
    (void)state;
    run_result help, unknown, prefixes;
    run(&help, "ask", "--help", NULL);
    expect(&help, 0);
    run(&prefixes, "caption", "--help", NULL);
    expect(&prefixes, 0);
    run(&unknown, "ask", "-m", "no-such-model", "Which colour?", "a.ppm", NULL);
    expect(&unknown, 4);
    assert_in_range(glimpse_vlm_provider_count(), 5, 1000);
    for (size_t i = 0; i < glimpse_vlm_provider_count(); i++) {
        const glimpse_vlm_provider *p = glimpse_vlm_provider_get(i);
        char prefix[64];
        if (!p->remote) continue;
        (void)snprintf(prefix, sizeof prefix, "%s:", p->name);
        expect_out(&help, p->spec);
        if (p->key) expect_out(&help, p->key);
        expect_out(&prefixes, prefix);
        expect_err(&unknown, p->spec);
    }
    assert_null(strchr(help.out, '{'));
    run_free(&help);
    run_free(&prefixes);
    run_free(&unknown);
}

static void exit_codes_tell_refusals_from_failures(void **state) {
    (void)state;
    script s = {"CANNOT TELL", 0};
    test_server *it = server_start(play, &s);
    run_result r;
    use(it);
    run(&r, "ask", "Cannot?", "a.ppm", NULL);
    expect(&r, 1);
    expect_out(&r, "(cannot tell)");
    run_free(&r);
    s.status = 400;
    run(&r, "ask", "Broken?", "a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "400");
    no_secret(&r);
    run_free(&r);
    run(&r, "ask", "Only a question?", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "ask", "-m", "no-such-model", "x", "a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "no-such-model");
    run_free(&r);
    server_stop(it);
}

static void prompts_can_be_replaced_and_the_configuration_names_a_model(void **state) {
    (void)state;
    script s = {"x", 0};
    test_server *it = server_start(play, &s);
    run_result r;
    char config[256];
    use(it);
    (void)unsetenv("GLIMPSE_VLM");
    run_shell(&r, "mkdir -p \"$HOME/.config/glimpse/prompts\" && printf 'Mein Prompt: {}' > "
                  "\"$HOME/.config/glimpse/prompts/ask.txt\"");
    run_free(&r);
    (void)snprintf(config, sizeof config,
                   "umask 077; echo '{\"model\": \"openai:test@%s/v1\"}' > "
                   "\"$HOME/.config/glimpse/vlm.json\"",
                   server_url(it));
    run_shell(&r, config);
    run_free(&r);
    run(&r, "ask", "worum geht es?", "a.ppm", NULL);
    expect(&r, 0);
    run_free(&r);
    char *texts = server_texts(server_get(it, 0));
    assert_non_null(strstr(texts, "Mein Prompt: worum geht es?"));
    free(texts);
    run_shell(&r, "chmod 644 \"$HOME/.config/glimpse/vlm.json\"; \"$G\" ask 'x?' a.ppm");
    expect(&r, 4);
    expect_err(&r, "chmod 600");
    run_free(&r);
    run_shell(&r, "rm -r \"$HOME/.config/glimpse\"");
    run_free(&r);
    server_stop(it);
}

static void compare_says_something_without_any_network(void **state) {
    (void)state;
    run_result r;
    (void)unsetenv("GLIMPSE_VLM");
    run_shell(&r, "cp a.ppm same.ppm");
    run_free(&r);
    run(&r, "compare", "--json", "a.ppm", "same.ppm", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_true(json_is_true(at(found, "same_bytes")));
    assert_string_equal(text_at(found, "pixels.relation"), "re-encoded");
    assert_true(number_at(found, "clip.cosine") > 0.999);
    assert_true(json_is_null(at(found, "vlm")));
    json_decref(found);
    run_free(&r);
    run(&r, "compare", "a.ppm", "same.ppm", NULL);
    expect(&r, 0);
    expect_out(&r, "A: a.ppm (");
    expect_out(&r, "\nB: same.ppm (");
    expect_out(&r, "\nCLIP: cosine 1.000 (");
    run_free(&r);
    run(&r, "compare", "a.ppm", "broken.jpg", NULL);
    expect(&r, 4);
    run_free(&r);
    run(&r, "compare", "a.ppm", NULL);
    expect(&r, 2);
    run_free(&r);
}

static void compare_tells_it_in_words_with_a_model(void **state) {
    (void)state;
    script s = {"{\"similarities\": [\"both grey\"], \"differences\": [\"the noise\"], \"same\": "
                "null}",
                0};
    test_server *it = server_start(play, &s);
    run_result r;
    use(it);
    run(&r, "compare", "a.ppm", "b.ppm", NULL);
    expect(&r, 0);
    expect_out(&r, "both grey");
    expect_out(&r, "the noise");
    expect_out(&r, "same object or scene: cannot tell");
    run_free(&r);
    assert_non_null(strstr(server_get(it, 0)->text, "Picture B:"));
    run(&r, "compare", "--json", "a.ppm", "b.ppm", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_string_equal(text_at(found, "vlm.differences.0"), "the noise");
    assert_true(json_is_true(at(found, "vlm.cached")));
    json_decref(found);
    run_free(&r);
    assert_int_equal(server_count(it), 1);
    server_stop(it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ask_answers_in_order_and_sends_nothing_twice),
        cmocka_unit_test(a_dry_run_shows_and_sends_nothing),
        cmocka_unit_test(help_and_messages_name_every_kind_of_model),
        cmocka_unit_test(exit_codes_tell_refusals_from_failures),
        cmocka_unit_test(prompts_can_be_replaced_and_the_configuration_names_a_model),
        cmocka_unit_test(compare_says_something_without_any_network),
        cmocka_unit_test(compare_tells_it_in_words_with_a_model),
    };
    return cmocka_run_group_tests(tests, vlm_setup, run_teardown);
}

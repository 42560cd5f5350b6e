/*
 * test_vlm_replies.c - commands that ask a vision-language model promise of every kind of reply, in
 * each dialect: what is shown, what is kept in the cache and in the library, what it cost, and the
 * exit code.
 */
#include "support/commands.h"

#include "support/server.h"

typedef enum kind { WHOLE, THOUGHT, CUT, BROKEN, FILTERED, DECLINED, UNKNOWN, EMPTY } kind;

typedef struct script {
    int dialect;
    kind kind;
} script;

static const char *const dialects[] = {"openai", "anthropic", "gemini"};
enum { OPENAI, ANTHROPIC, GEMINI, DIALECTS };

static void play(void *context, const server_request *request, server_reply *reply) {
    static const struct {
        const char *text, *finish[DIALECTS];
    } replies[] = {
        [WHOLE] = {"a red circle", {"stop", "end_turn", "STOP"}},
        [THOUGHT] = {"<think>a square?</think>a red circle", {"stop", "end_turn", "STOP"}},
        [CUT] = {"a red cir", {"length", "max_tokens", "MAX_TOKENS"}},
        [BROKEN] = {"a red cir", {"error", "pause_turn", "OTHER"}},
        [FILTERED] = {"a red cir", {"content_filter", "refusal", "SAFETY"}},
        [DECLINED] = {"Tut mir leid, dabei kann ich nicht helfen.", {"stop", "end_turn", "STOP"}},
        [UNKNOWN] = {"Je ne sais pas.", {"stop", "end_turn", "STOP"}},
        [EMPTY] = {"<think>a square", {"length", "max_tokens", "MAX_TOKENS"}},
    };
    const script *s = context;
    const char *text = replies[s->kind].text, *finish = replies[s->kind].finish[s->dialect];
    (void)request;
    if (s->dialect == ANTHROPIC) {
        server_reply_with(reply, 200, server_anthropic(text, finish, 100, 10));
    } else if (s->dialect == GEMINI) {
        server_reply_with(reply, 200, server_gemini(text, finish, 100, 10));
    } else {
        json_t *body = json_pack("{s:[{s:{s:s}, s:s}], s:{s:i, s:i}}", "choices", "message",
                                 "content", text, "finish_reason", finish, "usage", "prompt_tokens",
                                 100, "completion_tokens", 10);
        server_reply_with(reply, 200, json_dumps(body, 0));
        json_decref(body);
    }
}

/* The model of the server; its tokens cost 1 in and 2 out. */
static test_server *start(script *s) {
    char spec[128], prices[256], command[512];
    test_server *server = server_start(play, s);
    (void)snprintf(spec, sizeof spec, "%s:m@%s/v1", dialects[s->dialect], server_url(server));
    (void)setenv("GLIMPSE_VLM", spec, 1);
    (void)snprintf(
        prices, sizeof prices,
        "{\"per\": 1, \"currency\": \"XTS\", \"as_of\": \"2020-01\", \"models\": {\"%s\": "
        "{\"in\": 1, \"out\": 2}}}",
        spec);
    (void)snprintf(command, sizeof command,
                   "mkdir -p \"$HOME/.config/glimpse\" && printf '%%s' '%s' > "
                   "\"$HOME/.config/glimpse/prices.json\"",
                   prices);
    run_result r;
    run_shell(&r, command);
    expect(&r, 0);
    run_free(&r);
    return server;
}

static int setup(void **state) {
    run_result r;
    (void)unsetenv("XDG_CONFIG_HOME");
    (void)unsetenv("XDG_CACHE_HOME");
    (void)unsetenv("GLIMPSE_LIBRARY");
    if (run_setup(state) != 0) return -1;
    assert_int_equal(mkdir("pictures", 0777), 0);
    write_picture("pictures/a.ppm", 60, 40, 1);
    run(&r, "index", "pictures", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static void asking_shows_keeps_and_charges_what_came(void **state) {
    (void)state;
    static const struct {
        kind kind;
        int code;
        const char *out, *err; /* out: the whole of it */
        int kept;
        size_t requests;
    } cases[] = {
        {WHOLE, 0, "a red circle\n", NULL, 1, 1},
        {THOUGHT, 0, "a red circle\n", NULL, 1, 1},
        {CUT, 3, "a red cir\n", "cut off", 0, 1},
        {BROKEN, 3, "a red cir\n", "broke off", 0, 1},
        {FILTERED, 3, "(refused)\n", "a.ppm: ", 0, 1},
        {DECLINED, 1, "Tut mir leid, dabei kann ich nicht helfen.\n", NULL, 1, 1},
        {UNKNOWN, 1, "(cannot tell)\n", NULL, 1, 1},
        {EMPTY, 4, "", "before the first word", 0, 2}, /* asked again with more room */
    };
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            script s = {dialect, cases[i].kind};
            test_server *server = start(&s);
            char cost[64];
            run_result r;
            run(&r, "ask", "What is it?", "pictures/a.ppm", NULL);
            expect(&r, cases[i].code);
            assert_string_equal(r.out, cases[i].out);
            if (cases[i].err) expect_err(&r, cases[i].err);
            (void)snprintf(cost, sizeof cost, "cost %zu.0000 XTS", 120 * cases[i].requests);
            expect_err(&r, cost);
            expect_err(&r, "prices are those of 2020-01, more than a year ago");
            run_free(&r);
            assert_int_equal(server_count(server), cases[i].requests);
            run(&r, "ask", "--json", "What is it?", "pictures/a.ppm", NULL);
            expect(&r, cases[i].code);
            json_t *answer = run_json(&r);
            assert_int_equal(json_is_true(at(answer, "cached")), cases[i].kept);
            assert_int_equal(json_is_true(at(answer, "incomplete")), cases[i].code == 3);
            assert_true(number_at(answer, "cost") ==
                        (cases[i].kept ? 0.0 : 120.0 * (double)cases[i].requests));
            json_decref(answer);
            run_free(&r);
            assert_int_equal(server_count(server), cases[i].requests * (cases[i].kept ? 1 : 2));
            server_stop(server);
        }
    }
}

static void half_a_caption_is_not_stored_and_asked_for_again(void **state) {
    (void)state;
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        static const kind kinds[] = {CUT, BROKEN, FILTERED, EMPTY};
        script s = {dialect, CUT};
        test_server *server = start(&s);
        run_result r;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            s.kind = kinds[i];
            run(&r, "caption", "--library", "--store", "--style", "alt", NULL);
            expect(&r, 3);
            expect_err(&r, "0 captions: 0 new, 0 stored before; without one: 1");
            if (s.kind == CUT) expect_err(&r, "it began: a red cir");
            run_free(&r);
        }
        assert_int_equal(server_count(server), 5); /* EMPTY twice */
        run(&r, "caption", "--library", "--stored", "--style", "alt", NULL);
        /* Whole ones of the dialect before may be there. */
        for (const char *half = r.out; (half = strstr(half, "a red cir")); half++)
            assert_int_equal(strncmp(half, "a red circle", 12), 0);
        run_free(&r);
        s.kind = THOUGHT;
        run(&r, "caption", "--library", "--store", "--style", "alt", "--json", NULL);
        expect(&r, 0);
        expect_out(&r, "\"a red circle\"");
        run_free(&r);
        assert_int_equal(server_count(server), 6);
        server_stop(server);
    }
}

static void every_command_has_a_limit_of_tokens(void **state) {
    (void)state;
    static const char *const commands[][8] = {
        {"ask", "what?", "pictures/a.ppm", NULL},
        {"caption", "pictures/a.ppm", NULL},
        {"rerank", "a circle", "pictures/a.ppm", NULL},
        {"search", "a circle", "--rerank", NULL},
        {"compare", "pictures/a.ppm", "pictures/a.ppm", NULL},
    };
    script s = {OPENAI, WHOLE};
    test_server *server = start(&s);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *arguments[12];
        size_t n = 0, before = server_count(server);
        run_result r;
        while (commands[i][n]) {
            arguments[n] = commands[i][n];
            n++;
        }
        arguments[n++] = "--max-tokens";
        arguments[n++] = "77";
        arguments[n] = NULL;
        run_list(&r, arguments, NULL, 0);
        if (server_count(server) == before) fail_msg("%s: %s", commands[i][0], r.err);
        const json_t *limit = json_object_get(server_get(server, before)->body, "max_tokens");
        assert_int_equal(json_integer_value(limit), 77);
        run_free(&r);
    }
    server_stop(server);
}

static void a_dry_run_names_the_address(void **state) {
    (void)state;
    static const char *const commands[][4] = {{"ask", "what?", "pictures/a.ppm", "--dry-run"},
                                              {"caption", "pictures/a.ppm", "--dry-run"}};
    script s = {OPENAI, WHOLE};
    test_server *server = start(&s);
    char spec[128], address[128];
    (void)snprintf(spec, sizeof spec, "openai:m@%s", server_url(server) + strlen("http://"));
    (void)setenv("GLIMPSE_VLM", spec, 1); /* without a scheme */
    (void)snprintf(address, sizeof address, "%s/chat/completions", server_url(server));
    for (size_t i = 0; i < 2; i++) {
        const char *arguments[5] = {commands[i][0], commands[i][1], commands[i][2], commands[i][3]};
        run_result r;
        run_list(&r, arguments, NULL, 0);
        expect_err(&r, address);
        if (i == 0) expect_out(&r, address);
        run_free(&r);
    }
    assert_int_equal(server_count(server), 0);
    run_result r;
    run(&r, "ask", "--json", "--dry-run", "what?", "pictures/a.ppm", NULL);
    expect(&r, 0);
    json_t *answer = run_json(&r);
    assert_string_equal(text_at(answer, "address"), address);
    json_decref(answer);
    run_free(&r);
    (void)setenv("GLIMPSE_VLM", "openai:m@gpu.example.org/v1", 1);
    run(&r, "ask", "what?", "pictures/a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "https://gpu.example.org/v1");
    run_free(&r);
    server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_shows_keeps_and_charges_what_came),
        cmocka_unit_test(half_a_caption_is_not_stored_and_asked_for_again),
        cmocka_unit_test(every_command_has_a_limit_of_tokens),
        cmocka_unit_test(a_dry_run_names_the_address),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

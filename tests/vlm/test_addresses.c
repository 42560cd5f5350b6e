/*
 * test_addresses.c - no request leaves for a host that the user did not name, however an address is
 * written.
 *
 * Every connection that is not to this machine goes through a proxy, which here is a server that
 * writes down what it is asked for and refuses; connections to this machine go to a server of the
 * test. So whatever leaves is seen by one of the two, and no name is ever looked up.
 */
#include "support/test.h"

#include "support/server.h"

#include <glimpse/sys/vlm.h>

static void refuse(void *context, const server_request *request, server_reply *reply) {
    (void)context, (void)request;
    server_reply_with(reply, 403, strdup("no"));
}

static void reply_red(void *context, const server_request *request, server_reply *reply) {
    const char *wanted = context;
    char *body = strstr(request->path, "messages") ? server_anthropic("red", "end_turn", 1, 1)
                 : strstr(request->path, "generateContent") ? server_gemini("red", "STOP", 1, 1)
                                                            : server_openai("red", 1, 1);
    if (wanted && strncmp(request->path, wanted, strlen(wanted)) != 0) {
        free(body);
        server_reply_with(reply, 404, strdup("404 page not found"));
    } else {
        server_reply_with(reply, 200, body);
    }
}

typedef struct world {
    test_server *here, *proxy;
    const char *port; /* of `here` */
} world;

static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                      "ALL_PROXY"};
static const char *const keys[] = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"};

static void set_up(world *w, const char *wanted) {
    w->here = server_start(reply_red, (void *)(uintptr_t)wanted);
    w->proxy = server_start(refuse, NULL);
    w->port = strrchr(server_url(w->here), ':') + 1;
    (void)unsetenv("no_proxy");
    (void)unsetenv("NO_PROXY");
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        (void)setenv(proxies[i], server_url(w->proxy), 1);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        (void)setenv(keys[i], "a-key-of-the-provider", 1); /* so that it could be asked */
}

static void tear_down(world *w) {
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        (void)unsetenv(proxies[i]);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        (void)unsetenv(keys[i]);
    server_stop(w->here);
    server_stop(w->proxy);
}

/* Asks `spec`; the answer, or NULL when it was refused before anything was sent. */
static glimpse_vlm_answer *ask(const char *spec) {
    const uint8_t pixels[12] = {0};
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    glimpse_vlm *vlm = NULL;
    glimpse_vlm_answer *answer = NULL;
    glimpse_image *image = NULL;
    options.config = "";
    options.retries = -1;
    options.backoff_scale = 1e-4;
    assert_ok(glimpse_image_create(&image, pixels, 2, 2));
    picture.image = image;
    request.pictures = &picture;
    request.picture_count = 1;
    request.text = "what?";
    if (glimpse_vlm_open(&vlm, spec, &options) == GLIMPSE_OK) {
        assert_ok(glimpse_vlm_ask(&answer, vlm, &request, NULL));
    }
    glimpse_vlm_close(vlm);
    glimpse_image_free(image);
    return answer;
}

/* "%" stands for the port, "DIALECT" in front is added. */
static char *spelled(const char *dialect, const char *address, const char *port) {
    char *spec = malloc(strlen(dialect) + strlen(address) + 64), *to = spec;
    to = stpcpy(stpcpy(to, dialect), ":");
    for (; *address; address++) {
        if (*address == '$') {
            to = stpcpy(to, port);
        } else {
            *to++ = *address;
        }
    }
    *to = '\0';
    return spec;
}

static const char *const dialects[] = {"openai", "anthropic", "gemini"};
static const char *const paths[] = {"/v1/chat/completions", "/v1/messages",
                                    "/v1/models/llava:generateContent"};

static void an_address_of_this_machine_is_understood_in_every_spelling(void **state) {
    (void)state;
    static const char *const spellings[] = {
        "llava@http://127.0.0.1:$/v1",  "llava@127.0.0.1:$/v1",      "llava@HTTP://127.0.0.1:$/v1",
        "llava@Http://localhost:$/v1/", "llava@localhost:$/v1",      "llava@LOCALHOST:$/v1//",
        "llava@0.0.0.0:$/v1",           "llava@http://0.0.0.0:$/v1",
    };
    for (size_t d = 0; d < 3; d++) {
        for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
            world w;
            set_up(&w, NULL);
            char *spec = spelled(dialects[d], spellings[i], w.port);
            glimpse_vlm_answer *a = ask(spec);
            if (!a || strcmp(a->text, "red") != 0) {
                fail_msg("%s: %s", spec, a ? a->reason : glimpse_last_error());
            }
            assert_int_equal(server_count(w.here), 1);
            assert_int_equal(server_count(w.proxy), 0);
            assert_string_equal(server_get(w.here, 0)->path, paths[d]);
            char key[64];
            assert_false(server_header(server_get(w.here, 0), "Authorization", key, sizeof key));
            assert_false(server_header(server_get(w.here, 0), "x-api-key", key, sizeof key));
            assert_false(server_header(server_get(w.here, 0), "x-goog-api-key", key, sizeof key));
            glimpse_vlm_answer_free(a);
            free(spec);
            tear_down(&w);
        }
    }
}

static void what_is_not_understood_leaves_for_nowhere(void **state) {
    (void)state;
    static const char *const spellings[] = {
        "llava@gpu.example.org",
        "llava@gpu.example.org:8080/v1",
        "llava@myserver",
        "llava@myserver:8080",
        "llava@http:/127.0.0.1:$",
        "llava@http:127.0.0.1:$",
        "llava@http//127.0.0.1:$/v1",
        "llava@//127.0.0.1:$/v1",
        "llava@htp://127.0.0.1:$/v1",
        "llava@ftp://127.0.0.1:$",
        "llava@https:/gpu/v1",
        "llava@:8080",
        "llava@",
        "llava@@",
        "llava@/v1",
        "llava@ 127.0.0.1:$",
        "llava@127.0.0.1:port",
        "llava@127.0.0.1:$x",
        "llava@127.0.0.1.example.org",
        "llava@127.1:$",
        "llava@2130706433:$",
        "llava@0x7f000001:$",
        "llava@[::1",
        "llava@::1",
        "llava@8.8.8.8",
        "llava@8.8.8.8:8080/v1",
        "llava@example.org@127.0.0.1:$x",
        "llava@http://me@127.0.0.1:$",
        "llava@http://127.0.0.1:$#x",
        "llava@http://127.0.0.1:99999",
        "llava@http://",
        "llava@http:///v1",
        "llava@unix:/run/llm.sock",
        /* No @ at all, or another character for it. */
        "127.0.0.1:$",
        "127.0.0.1:$/v1",
        "http://127.0.0.1:$/v1",
        "HTTP://127.0.0.1:$/v1",
        "https://gpu.example.org/v1",
        "localhost:$/v1",
        "localhost",
        "gpu.example.org:8080",
        "myserver:8080",
        "llava 127.0.0.1:$",
        "llava,127.0.0.1:$",
        "llava:127.0.0.1:$",
        "llava/127.0.0.1:$/v1",
        "llava#http://127.0.0.1:$",
        "llava%40127.0.0.1:$",
        ("llava\xef\xbc\xa0"
         "127.0.0.1:$"),
        "[::1]:$",
        "llava&localhost",
        "llava\\@127.0.0.1:$x",
        "llava=localhost:$",
        "gpu.example.org/v1",
        "gpu.example.org/v1/chat/completions",
        "api.groq.com/openai/v1",
        "www.example.org",
        "WWW.EXAMPLE.ORG",
        "box.lan/",
        "box.lan",
        "box.",
        "gpu/v1",
        "gpt-4o/",
        "meta-llama/Llama-3.2-11B-Vision",
        ":8080/v1",
        ":8080",
        "host:99999",
        "host:",
        "llava:latest",
        "ft:gpt-4o:box.lan",
        "127.1",
        "2130706433",
        "0x7f000001",
        "",
        /* A model with an @ in its name. */
        "claude@20250514",
        "@cf/llava/llava-1.5",
    };
    for (size_t d = 0; d < 3; d++) {
        for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
            world w;
            set_up(&w, NULL);
            char *spec = spelled(dialects[d], spellings[i], w.port);
            glimpse_vlm_answer *a = ask(spec);
            if (a || server_count(w.here) > 0 || server_count(w.proxy) > 0) {
                fail_msg("%s left for %s", spec,
                         server_count(w.proxy) > 0 ? server_get(w.proxy, 0)->path : "this machine");
            }
            glimpse_vlm_answer_free(a);
            free(spec);
            tear_down(&w);
        }
    }
}

static void what_is_named_is_where_it_goes(void **state) {
    (void)state;
    static const struct {
        const char *spec, *host; /* as the proxy is asked for it */
    } cases[] = {
        {"openai:llava@https://gpu.example.org/v1", "gpu.example.org:443"},
        {"anthropic:llava@HTTPS://gpu.example.org:8443", "gpu.example.org:8443"},
        {"gemini:llava@https://gpu.example.org", "gpu.example.org:443"},
        {"openai:llava@http://gpu.example.org:8080/v1", "http://gpu.example.org:8080/v1/chat"},
        {"openai:llava@192.168.77.3:8080/v1", "http://192.168.77.3:8080/v1/chat"},
        {"anthropic:llava@10.1.2.3/v1", "http://10.1.2.3/v1/messages"},
        {"gemini:llava@172.16.0.9:81/v1", "http://172.16.0.9:81/v1/models/llava"},
        {"openai:llava@[fd00::7]:8080/v1", "http://[fd00::7]:8080/v1/chat"},
        {"openai:a@b@https://gpu.example.org/v1", "gpu.example.org:443"},
        {"endpoint:192.168.77.3:8080/look?at=it", "http://192.168.77.3:8080/look?at=it"},
        /* The provider's own, which its name is. */
        {"openai:gpt-4o", "api.openai.com:443"},
        {"openai:ft:gpt-4o-mini-2024-07-18:my-org::8AbC", "api.openai.com:443"},
        {"openai:gpt-4.1-mini", "api.openai.com:443"},
        {"openai:o3", "api.openai.com:443"},
        {"openai:ft:gpt-3.5-turbo-0125:org::id:ckpt-step-90", "api.openai.com:443"},
        {"anthropic:claude-3-5-sonnet-20241022", "api.anthropic.com:443"},
        {"gemini:models/gemini-1.5-pro", "generativelanguage.googleapis.com:443"},
        {"openai:meta-llama/Llama-3.2-11B-Vision@https://gpu.example.org/v1",
         "gpu.example.org:443"},
        {"openai:llava:latest@https://gpu.example.org/v1", "gpu.example.org:443"},
        {"anthropic:claude-sonnet-4-5-20250929", "api.anthropic.com:443"},
        {"gemini:gemini-2.5-flash", "generativelanguage.googleapis.com:443"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        set_up(&w, NULL);
        glimpse_vlm_answer *a = ask(cases[i].spec);
        if (!a) fail_msg("%s: %s", cases[i].spec, glimpse_last_error());
        assert_int_equal(server_count(w.here), 0);
        assert_true(server_count(w.proxy) > 0);
        for (size_t k = 0; k < server_count(w.proxy); k++) {
            const char *path = server_get(w.proxy, k)->path;
            if (strncmp(path, cases[i].host, strlen(cases[i].host)) != 0) {
                fail_msg("%s left for %s", cases[i].spec, path);
            }
        }
        glimpse_vlm_answer_free(a);
        tear_down(&w);
    }
}

static void bases_are_completed_and_nothing_is_doubled(void **state) {
    (void)state;
    static const struct {
        const char *address, *wanted; /* the server has nothing that does not begin so */
        const char *asked[3][3];      /* per dialect: what is asked, one after the other */
    } cases[] = {
        {"/v1/chat/completions", NULL, {{"/v1/chat/completions"}, {NULL}, {NULL}}},
        {"/v1/chat/completions/?a=b", NULL, {{"/v1/chat/completions?a=b"}, {NULL}, {NULL}}},
        {"/v1/messages", NULL, {{NULL}, {"/v1/messages"}, {NULL}}},
        {"/v1beta/models/llava:generateContent",
         NULL,
         {{NULL}, {NULL}, {"/v1beta/models/llava:generateContent"}}},
        {"/v1/models", NULL, {{"/v1/chat/completions"}, {"/v1/messages"}, {NULL}}},
        {"/v1beta/models", NULL, {{NULL}, {NULL}, {"/v1beta/models/llava:generateContent"}}},
        {"/x/v1?version=2&k=v",
         NULL,
         {{"/x/v1/chat/completions?version=2&k=v"},
          {"/x/v1/messages?version=2&k=v"},
          {"/x/v1/models/llava:generateContent?version=2&k=v"}}},
        {"",
         "/v1",
         {{"/chat/completions", "/v1/chat/completions"},
          {"/messages", "/v1/messages"},
          {"/models/llava:generateContent", "/v1beta/models/llava:generateContent"}}},
        {"/api/?a=b",
         "/api/v1",
         {{"/api/chat/completions?a=b", "/api/v1/chat/completions?a=b"},
          {"/api/messages?a=b", "/api/v1/messages?a=b"},
          {NULL}}},
        {"", "/", {{"/chat/completions"}, {"/messages"}, {"/models/llava:generateContent"}}},
        /* Once, and not behind a version. */
        {"", "/nowhere", {{"/chat/completions", "/v1/chat/completions"}, {NULL}, {NULL}}},
        {"/v1", "/nowhere", {{"/v1/chat/completions"}, {"/v1/messages"}, {NULL}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t d = 0; d < 3; d++) {
            if (!cases[i].asked[d][0]) continue;
            world w;
            char spec[256];
            set_up(&w, cases[i].wanted);
            (void)snprintf(spec, sizeof spec, "%s:llava@127.0.0.1:%s%s", dialects[d], w.port,
                           cases[i].address);
            glimpse_vlm_answer *a = ask(spec);
            if (!a) fail_msg("%s: %s", spec, glimpse_last_error());
            size_t count = 0;
            for (; cases[i].asked[d][count]; count++)
                assert_string_equal(server_get(w.here, count)->path, cases[i].asked[d][count]);
            assert_int_equal(server_count(w.here), count);
            int there = !cases[i].wanted || strcmp(cases[i].wanted, "/nowhere") != 0;
            assert_int_equal(a->outcome, there ? GLIMPSE_VLM_ANSWERED : GLIMPSE_VLM_FAILED);
            glimpse_vlm_answer_free(a);
            tear_down(&w);
        }
    }
}

/* LM Studio answers 200 to a path that it does not have, others 501. */
static void reply_oddly(void *context, const server_request *request, server_reply *reply) {
    const int status = *(const int *)context;
    if (strncmp(request->path, "/v1", 3) == 0) {
        server_reply_with(reply, 200, server_openai("red", 1, 1));
    } else {
        server_reply_with(reply, status, strdup("{\"error\":\"Unexpected endpoint or method\"}"));
    }
}

static void a_version_is_tried_where_a_server_answers_oddly(void **state) {
    (void)state;
    static const int statuses[] = {200, 404, 405, 501};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        int status = statuses[i];
        test_server *server = server_start(reply_oddly, &status);
        char spec[128];
        (void)snprintf(spec, sizeof spec, "openai:m@%s", server_url(server));
        glimpse_vlm_answer *a = ask(spec);
        if (!a || strcmp(a->text, "red") != 0) fail_msg("%d: %s", status, a ? a->reason : "");
        assert_int_equal(server_count(server), 2);
        glimpse_vlm_answer_free(a);
        server_stop(server);
    }
}

/* One bad answer of a server that needs no version. */
static void reply_badly_once(void *context, const server_request *request, server_reply *reply) {
    int *count = context;
    if (strncmp(request->path, "/v1", 3) == 0) {
        server_reply_with(reply, 404, strdup("404 page not found"));
    } else {
        server_reply_with(reply, 200, (*count)++ ? server_openai("red", 1, 1) : strdup("oh"));
    }
}

static void a_version_that_is_not_there_is_given_up(void **state) {
    (void)state;
    int count = 0;
    char spec[128];
    test_server *server = server_start(reply_badly_once, &count);
    (void)snprintf(spec, sizeof spec, "openai:m@%s", server_url(server));
    glimpse_vlm_answer *a = ask(spec);
    assert_non_null(a);
    assert_string_equal(a->text, "red");
    assert_int_equal(server_count(server), 3);
    glimpse_vlm_answer_free(a);
    server_stop(server);
}

static void a_pasted_url_of_another_dialect_is_an_error_that_names_it(void **state) {
    (void)state;
    static const struct {
        const char *spec, *error;
    } cases[] = {
        {"openai:m@http://127.0.0.1:$/v1/messages", "anthropic:"},
        {"openai:m@http://127.0.0.1:$/v1beta/models/m:generateContent", "gemini:"},
        {"anthropic:m@http://127.0.0.1:$/v1/chat/completions?a=b", "openai:"},
        {"gemini:m@http://127.0.0.1:$/v1/chat/completions/", "openai:"},
        {"openai:m@http://127.0.0.1:$/v1/responses", "/chat/completions"},
        {"openai:m@http://127.0.0.1:$/api/chat", "/chat/completions"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        set_up(&w, NULL);
        char *spec = spelled("", cases[i].spec, w.port);
        glimpse_vlm_answer *a = ask(spec + 1);
        if (a || !strstr(glimpse_last_error(), cases[i].error)) {
            fail_msg("%s: %s", spec, a ? a->text : glimpse_last_error());
        }
        assert_int_equal(server_count(w.here), 0);
        free(spec);
        tear_down(&w);
    }
}

static void a_dry_run_names_the_address_and_no_secret(void **state) {
    (void)state;
    static const struct {
        const char *spec, *address;
    } cases[] = {
        {"openai:gpt-4o", "https://api.openai.com/v1/chat/completions"},
        {"anthropic:m@localhost:8080", "http://localhost:8080/messages"},
        {"gemini:m@HTTPS://gpu.example.org/v1beta?key=secret",
         "https://gpu.example.org/v1beta/models/m:generateContent?..."},
        {"endpoint:10.0.0.1/look?key=secret", "http://10.0.0.1/look?..."},
    };
    const uint8_t pixels[12] = {0};
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_create(&image, pixels, 2, 2));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
        glimpse_vlm_run_options run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
        glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        glimpse_vlm *vlm = NULL;
        glimpse_vlm_answer *a = NULL;
        options.config = "";
        options.dry_run = run.dry_run = 1;
        picture.image = image;
        request.pictures = &picture;
        request.picture_count = 1;
        request.text = "what?";
        assert_ok(glimpse_vlm_open(&vlm, cases[i].spec, &options));
        assert_string_equal(glimpse_vlm_address(vlm), cases[i].address);
        assert_ok(glimpse_vlm_ask(&a, vlm, &request, &run));
        assert_int_equal(a->outcome, GLIMPSE_VLM_NOT_SENT);
        assert_string_equal(a->address, cases[i].address);
        glimpse_vlm_answer_free(a);
        glimpse_vlm_close(vlm);
    }
    glimpse_image_free(image);
}

static void equal_addresses_have_one_identity(void **state) {
    (void)state;
    static const struct {
        const char *spec, *identity;
    } cases[] = {
        {"openai:m@http://localhost:1/v1/", "openai:m@http://localhost:1/v1/"}, /* as ever */
        {"openai:m@localhost:1/v1", "openai:m@http://localhost:1/v1"},
        {"openai:m@HTTP://localhost:1/v1?a=b", "openai:m@http://localhost:1/v1?a=b"},
        {"openai:gpt-4o", "openai:gpt-4o"},
        {"endpoint:localhost:1/look", "endpoint:http://localhost:1/look"},
    };
    (void)setenv("OPENAI_API_KEY", "x", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
        glimpse_vlm *vlm = NULL;
        options.config = "";
        assert_ok(glimpse_vlm_open(&vlm, cases[i].spec, &options));
        assert_string_equal(glimpse_vlm_identity(vlm), cases[i].identity);
        glimpse_vlm_close(vlm);
    }
    (void)unsetenv("OPENAI_API_KEY");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_of_this_machine_is_understood_in_every_spelling),
        cmocka_unit_test(what_is_not_understood_leaves_for_nowhere),
        cmocka_unit_test(what_is_named_is_where_it_goes),
        cmocka_unit_test(bases_are_completed_and_nothing_is_doubled),
        cmocka_unit_test(a_version_is_tried_where_a_server_answers_oddly),
        cmocka_unit_test(a_version_that_is_not_there_is_given_up),
        cmocka_unit_test(a_pasted_url_of_another_dialect_is_an_error_that_names_it),
        cmocka_unit_test(a_dry_run_names_the_address_and_no_secret),
        cmocka_unit_test(equal_addresses_have_one_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

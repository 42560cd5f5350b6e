/*
 * test_remote.c - remote models promise: the documented requests of each dialect, no key and no
 * metadata where they do not belong, patience with servers that fail, and honest outcomes.
 */
#include "support/test.h"

#include "support/server.h"

#include <glimpse/sys/vlm.h>

/* What the server of a test does; `n` counts the requests that came. */
typedef struct script {
    const char *dialect;
    const char *text;  /* answers, one after the other, separated by '|' */
    int statuses[8];   /* of the first requests; 0: 200 */
    const char *error; /* body of those that are not 200 */
    const char *header;
    const char *stop;
    size_t cut;
    unsigned delay_ms;
    const char *raw; /* body of a 200 as it is */
    size_t n;
} script;

static char *part(const char *text, size_t n) {
    const char *end;
    while ((end = strchr(text, '|')) && n > 0) {
        text = end + 1;
        n--;
    }
    return end ? strndup(text, (size_t)(end - text)) : strdup(text);
}

static void play(void *context, const server_request *request, server_reply *reply) {
    script *s = context;
    size_t n = s->n++;
    (void)request;
    int status = n < 8 && s->statuses[n] ? s->statuses[n] : 200;
    reply->delay_ms = s->delay_ms;
    if (status != 200) {
        if (s->header) (void)snprintf(reply->headers, sizeof reply->headers, "%s\r\n", s->header);
        server_reply_with(reply, status,
                          strdup(s->error
                                     ? s->error
                                     : "{\"type\":\"error\",\"error\":{\"type\":\"some_error\","
                                       "\"message\":\"something is wrong\"}}"));
        return;
    }
    reply->cut = s->cut && n == 0 ? s->cut : 0;
    if (s->raw) {
        server_reply_with(reply, 200, strdup(s->raw));
        return;
    }
    char *text = part(s->text ? s->text : "a red circle", n);
    if (strcmp(s->dialect, "anthropic") == 0) {
        server_reply_with(reply, 200,
                          server_anthropic(text, s->stop ? s->stop : "end_turn", 100, 10));
    } else if (strcmp(s->dialect, "gemini") == 0) {
        server_reply_with(reply, 200, server_gemini(text, s->stop ? s->stop : "STOP", 100, 10));
    } else if (strcmp(s->dialect, "endpoint") == 0) {
        json_t *body =
            json_pack("{s:s, s:i, s:i}", "text", text, "tokens_in", 100, "tokens_out", 10);
        server_reply_with(reply, 200, json_dumps(body, 0));
        json_decref(body);
    } else {
        server_reply_with(reply, 200, server_openai(text, 100, 10));
    }
    free(text);
}

typedef struct world {
    test_server *server;
    script script;
    glimpse_vlm *vlm;
    glimpse_vlm_options options;
    glimpse_image *image;
    glimpse_vlm_picture picture;
    glimpse_vlm_request request;
    glimpse_vlm_answer *answer;
} world;

static void set_up(world *w, const char *dialect, script s) {
    const glimpse_vlm_options none = GLIMPSE_VLM_OPTIONS_INIT;
    uint8_t pixels[64 * 48 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7 + i / 64);
    memset(w, 0, sizeof *w);
    w->script = s;
    w->script.dialect = dialect;
    w->server = server_start(play, &w->script);
    w->options = none;
    w->options.config = "";
    w->options.backoff_scale = 1e-4;
    assert_ok(glimpse_image_create(&w->image, pixels, 64, 48));
    w->picture.image = w->image;
    w->request = GLIMPSE_VLM_REQUEST_INIT;
    w->request.pictures = &w->picture;
    w->request.picture_count = 1;
    w->request.text = "What is this?";
}

static void open_model(world *w) {
    char spec[256];
    const char *dialect = w->script.dialect;
    if (strcmp(dialect, "endpoint") == 0) {
        (void)snprintf(spec, sizeof spec, "endpoint:%s/look", server_url(w->server));
    } else {
        (void)snprintf(spec, sizeof spec, "%s:test-model@%s/v1", dialect, server_url(w->server));
    }
    assert_ok(glimpse_vlm_open(&w->vlm, spec, &w->options));
}

static const glimpse_vlm_answer *ask(world *w) {
    if (!w->vlm) open_model(w);
    glimpse_vlm_answer_free(w->answer);
    w->answer = NULL;
    assert_ok(glimpse_vlm_ask(&w->answer, w->vlm, &w->request, NULL));
    return w->answer;
}

static void tear_down(world *w) {
    glimpse_vlm_answer_free(w->answer);
    glimpse_vlm_close(w->vlm);
    glimpse_image_free(w->image);
    server_stop(w->server);
}

static const char *const dialects[] = {"openai", "anthropic", "gemini", "endpoint"};
enum { DIALECTS = 4 };

static const char *text_of(const json_t *root, const char *path) {
    char copy[256];
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *save = NULL, *name = strtok_r(copy, ".", &save); name;
         name = strtok_r(NULL, ".", &save)) {
        root = json_is_array(root) ? json_array_get(root, strtoul(name, NULL, 10))
                                   : json_object_get(root, name);
    }
    if (!json_is_string(root)) fail_msg("there is no text at %s", path);
    return json_string_value(root);
}

/*
 * Requests.
 */
static void each_dialect_sends_what_its_documentation_says(void **state) {
    (void)state;
    static const char *const paths[] = {"/v1/chat/completions", "/v1/messages",
                                        "/v1/models/test-model:generateContent", "/look"};
    static const char *const questions[] = {"messages.0.content.1.text",
                                            "messages.0.content.1.text", "contents.0.parts.1.text",
                                            "prompt"};
    static const char *const key_headers[] = {"Authorization", "x-api-key", "x-goog-api-key",
                                              "Authorization"};
    (void)setenv("GLIMPSE_VLM_KEY", "secret-key-for-tests", 1);
    for (size_t i = 0; i < DIALECTS; i++) {
        world w;
        char key[128] = "", type[64] = "";
        set_up(&w, dialects[i], (script){.text = "ein roter Kreis \xf0\x9f\x94\xb4"});
        w.request.text = "Was ist \xe2\x80\x9e"
                         "das\xe2\x80\x9c?";
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_ANSWERED);
        assert_string_equal(a->text, "ein roter Kreis \xf0\x9f\x94\xb4");
        assert_int_equal(a->tokens_in, 100);
        assert_int_equal(a->tokens_out, 10);
        assert_int_equal(a->requests, 1);
        assert_int_equal(server_count(w.server), 1);
        const server_request *r = server_get(w.server, 0);
        assert_string_equal(r->path, paths[i]);
        assert_string_equal(text_of(r->body, questions[i]), w.request.text);
        assert_true(server_header(r, key_headers[i], key, sizeof key));
        assert_non_null(strstr(key, "secret-key-for-tests"));
        assert_true(server_header(r, "Content-Type", type, sizeof type));
        assert_string_equal(type, "application/json");
        assert_false(json_is_true(json_object_get(r->body, "stream")));
        size_t size = 0;
        void *jpeg = server_picture(r, 0, &size);
        assert_non_null(jpeg);
        glimpse_image *sent = NULL;
        assert_ok(glimpse_image_decode(&sent, jpeg, size, "sent", NULL));
        assert_int_equal(glimpse_image_metadata(sent)->format, GLIMPSE_FORMAT_JPEG);
        assert_int_equal(glimpse_image_width(sent), 64);
        glimpse_image_free(sent);
        free(jpeg);
        tear_down(&w);
    }
    (void)unsetenv("GLIMPSE_VLM_KEY");
}

static void the_version_of_anthropic_and_the_media_types_are_said(void **state) {
    (void)state;
    world w;
    char version[64] = "";
    set_up(&w, "anthropic", (script){0});
    (void)ask(&w);
    const server_request *r = server_get(w.server, 0);
    assert_true(server_header(r, "anthropic-version", version, sizeof version));
    assert_string_equal(version, "2023-06-01");
    assert_string_equal(text_of(r->body, "messages.0.content.0.source.media_type"), "image/jpeg");
    assert_string_equal(text_of(r->body, "messages.0.content.0.source.type"), "base64");
    assert_int_equal(json_integer_value(json_object_get(r->body, "max_tokens")), 512);
    tear_down(&w);
    set_up(&w, "gemini", (script){0});
    (void)ask(&w);
    assert_string_equal(
        text_of(server_get(w.server, 0)->body, "contents.0.parts.0.inlineData.mimeType"),
        "image/jpeg");
    tear_down(&w);
}

static void several_pictures_go_with_their_labels_in_order(void **state) {
    (void)state;
    for (size_t i = 0; i < DIALECTS; i++) {
        world w;
        set_up(&w, dialects[i], (script){0});
        glimpse_vlm_picture two[2] = {w.picture, w.picture};
        two[0].label = "Page 3:";
        two[1].label = "Page 7:";
        w.request.pictures = two;
        w.request.picture_count = 2;
        (void)ask(&w);
        const server_request *r = server_get(w.server, 0);
        const char *first = strstr(r->text, "Page 3:"), *second = strstr(r->text, "Page 7:");
        assert_true(first && second && first < second);
        size_t size;
        void *b = server_picture(r, 1, &size);
        assert_non_null(b);
        free(b);
        tear_down(&w);
    }
}

static void pictures_are_scaled_to_the_task_and_no_metadata_leaves(void **state) {
    (void)state;
    static const glimpse_vlm_task tasks[] = {GLIMPSE_VLM_GENERAL, GLIMPSE_VLM_TEXT,
                                             GLIMPSE_VLM_CLASSIFY};
    static const uint32_t sides[] = {1024, 2048, 512};
    uint8_t *pixels = calloc(2500 * 1250, 3);
    glimpse_image *large = NULL;
    assert_ok(glimpse_image_create(&large, pixels, 2500, 1250));
    free(pixels);
    for (size_t i = 0; i < 3; i++) {
        world w;
        set_up(&w, "openai", (script){0});
        w.picture.image = large;
        w.request.task = tasks[i];
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->sent_width, sides[i]);
        assert_int_equal(a->sent_height, sides[i] / 2);
        size_t size;
        void *jpeg = server_picture(server_get(w.server, 0), 0, &size);
        glimpse_image *sent = NULL;
        assert_ok(glimpse_image_decode(&sent, jpeg, size, "sent", NULL));
        assert_int_equal(glimpse_image_width(sent), sides[i]);
        glimpse_image_free(sent);
        free(jpeg);
        tear_down(&w);
    }
    glimpse_image_free(large);

    world w;
    size_t size, file_size;
    set_up(&w, "openai", (script){0});
    w.picture = GLIMPSE_VLM_PICTURE_INIT;
    w.picture.path = source_path("tests/image/fixtures/jpeg_exif.jpg");
    char *file = read_whole_file(w.picture.path, &file_size);
    assert_non_null(memmem(file, file_size, "Exif", 4)); /* there is something to strip */
    (void)ask(&w);
    char *jpeg = server_picture(server_get(w.server, 0), 0, &size);
    assert_null(memmem(jpeg, size, "Exif", 4));
    assert_null(memmem(jpeg, size, "http://ns.adobe.com", 19));
    glimpse_image *sent = NULL;
    assert_ok(glimpse_image_decode(&sent, jpeg, size, "sent", NULL));
    assert_false(glimpse_image_metadata(sent)->has_gps);
    assert_string_equal(glimpse_image_metadata(sent)->camera, "");
    glimpse_image_free(sent);
    free(jpeg);
    /* Asked for, it goes along, and says that the picture is upright: it is. */
    w.request.keep_metadata = 1;
    (void)ask(&w);
    jpeg = server_picture(server_get(w.server, 1), 0, &size);
    assert_ok(glimpse_image_decode(&sent, jpeg, size, "sent", NULL));
    assert_string_not_equal(glimpse_image_metadata(sent)->camera, "");
    assert_int_equal(glimpse_image_metadata(sent)->orientation, 1);
    glimpse_image_free(sent);
    free(jpeg);
    free(file);
    tear_down(&w);
}

/*
 * Servers that fail.
 */
static void passing_failures_are_tried_again(void **state) {
    (void)state;
    static const int statuses[] = {429, 500, 503, 529, 408};
    for (size_t d = 0; d < DIALECTS; d++) {
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
            world w;
            set_up(&w, dialects[d], (script){.statuses = {statuses[i], statuses[i]}});
            const glimpse_vlm_answer *a = ask(&w);
            assert_int_equal(a->outcome, GLIMPSE_VLM_ANSWERED);
            assert_int_equal(a->requests, 3);
            assert_int_equal(server_count(w.server), 3);
            tear_down(&w);
        }
    }
}

static void lasting_failures_end_with_their_reason(void **state) {
    (void)state;
    for (size_t d = 0; d < DIALECTS; d++) {
        world w;
        set_up(&w, dialects[d], (script){.statuses = {400}});
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        assert_int_equal(a->http_status, 400);
        assert_non_null(strstr(a->reason, "something is wrong"));
        assert_int_equal(server_count(w.server), 1);
        tear_down(&w);

        set_up(&w, dialects[d], (script){.statuses = {500, 500, 500, 500}});
        w.options.retries = 3;
        a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        assert_non_null(strstr(a->reason, "500"));
        assert_int_equal(server_count(w.server), 4);
        tear_down(&w);
    }
}

static void a_key_that_is_not_accepted_stops_all_and_appears_nowhere(void **state) {
    (void)state;
    (void)setenv("GLIMPSE_VLM_KEY", "sk-very-secret-0123456789", 1);
    world w;
    set_up(&w, "openai",
           (script){.statuses = {401},
                    .error = "{\"error\":{\"message\":\"Incorrect API key provided: "
                             "sk-very-secret-0123456789, or Bearer sk-very-secret-0123456789\"}}"});
    const glimpse_vlm_answer *a = ask(&w);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_null(strstr(a->reason, "very-secret"));
    assert_non_null(strstr(a->reason, "GLIMPSE_VLM_KEY"));
    a = ask(&w);
    assert_int_equal(a->outcome, GLIMPSE_VLM_NOT_SENT);
    assert_null(strstr(a->reason, "very-secret"));
    assert_int_equal(server_count(w.server), 1);
    assert_null(strstr(glimpse_vlm_identity(w.vlm), "secret"));
    tear_down(&w);
    set_up(&w, "openai", (script){.text = "your key is sk-very-secret-0123456789, is it not?"});
    assert_null(strstr(ask(&w)->text, "very-secret")); /* or it would be kept, and shown */
    tear_down(&w);
    (void)unsetenv("GLIMPSE_VLM_KEY");
}

static void a_providers_key_goes_to_no_other_host(void **state) {
    (void)state;
    (void)setenv("OPENAI_API_KEY", "sk-for-openai-only", 1);
    world w;
    char value[128];
    set_up(&w, "openai", (script){0});
    (void)ask(&w);
    assert_false(server_header(server_get(w.server, 0), "Authorization", value, sizeof value));
    tear_down(&w);
    (void)unsetenv("OPENAI_API_KEY");
    glimpse_vlm *vlm = NULL;
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.config = "";
    assert_int_equal(glimpse_vlm_open(&vlm, "openai:x", &options), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "OPENAI_API_KEY"));
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    world w, other;
    char header[128];
    set_up(&other, "openai", (script){0});
    set_up(&w, "openai", (script){.statuses = {307}});
    (void)snprintf(header, sizeof header, "Location: %s/v1/chat/completions",
                   server_url(other.server));
    w.script.header = header;
    const glimpse_vlm_answer *a = ask(&w);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_non_null(strstr(a->reason, "307"));
    assert_int_equal(server_count(other.server), 0);
    tear_down(&w);
    tear_down(&other);
}

static void retry_after_is_honoured_in_seconds_and_as_a_date(void **state) {
    (void)state;
    static const char *const headers[] = {"Retry-After: 100000",
                                          "Retry-After: Fri, 31 Dec 2199 23:59:59 GMT"};
    for (size_t i = 0; i < 2; i++) {
        world w;
        set_up(&w, "openai", (script){.statuses = {429}, .header = headers[i]});
        w.options.total_timeout = 2.0;
        w.options.backoff_scale = 1.0;
        const glimpse_vlm_answer *a = ask(&w); /* it will not wait that long: it says so at once */
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        assert_non_null(strstr(a->reason, "asks to wait"));
        assert_int_equal(server_count(w.server), 1);
        tear_down(&w);
    }
    static const char *const short_ones[] = {"Retry-After: 1", "Retry-After-Ms: 900",
                                             "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT"};
    for (size_t i = 0; i < 3; i++) {
        world w;
        set_up(&w, "openai", (script){.statuses = {429}, .header = short_ones[i]});
        assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
        assert_int_equal(server_count(w.server), 2);
        tear_down(&w);
    }
    world w; /* Gemini says it in the body */
    set_up(&w, "gemini",
           (script){.statuses = {429},
                    .error = "{\"error\":{\"code\":429,\"message\":\"quota\",\"status\":"
                             "\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/"
                             "google.rpc.RetryInfo\",\"retryDelay\":\"90000s\"}]}}"});
    w.options.total_timeout = 2.0;
    w.options.backoff_scale = 1.0;
    assert_non_null(strstr(ask(&w)->reason, "asks to wait 90000 s"));
    tear_down(&w);
}

static void cut_broken_and_slow_answers_are_failures_not_answers(void **state) {
    (void)state;
    for (size_t d = 0; d < DIALECTS; d++) {
        world w;
        set_up(&w, dialects[d], (script){.cut = 20}); /* the first one: then it works */
        assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
        assert_int_equal(server_count(w.server), 2);
        tear_down(&w);
        static const char *const bodies[] = {"{\"choices\": [",  "<html>busy</html>", "", "[]",
                                             "{\"choices\":[]}", "{\"content\":3}"};
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
            set_up(&w, dialects[d], (script){.raw = bodies[i]});
            w.options.retries = 1;
            const glimpse_vlm_answer *a = ask(&w);
            assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
            assert_int_equal(a->code, GLIMPSE_E_FORMAT);
            assert_int_equal(server_count(w.server), 2);
            tear_down(&w);
        }
    }
    world w;
    set_up(&w, "openai", (script){.delay_ms = 3000});
    w.options.timeout = 0.05;
    w.options.retries = 1;
    const glimpse_vlm_answer *a = ask(&w);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_int_equal(a->code, GLIMPSE_E_IO);
    tear_down(&w);
}

static void answers_have_a_largest_size(void **state) {
    (void)state;
    world w;
    char *text = malloc(20001);
    memset(text, 'x', 20000);
    text[20000] = '\0';
    set_up(&w, "openai", (script){.text = text});
    w.options.max_answer_bytes = 10000;
    const glimpse_vlm_answer *a = ask(&w);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_int_equal(a->code, GLIMPSE_E_LIMIT);
    assert_int_equal(server_count(w.server), 1);
    tear_down(&w);
    free(text);
}

static void the_breaker_opens_after_failures_in_a_row(void **state) {
    (void)state;
    world w;
    set_up(&w, "openai", (script){.statuses = {500, 500, 500, 500, 500, 500, 500, 500}});
    w.options.retries = -1;
    w.options.breaker = 3;
    w.options.backoff_scale = 1.0; /* the pause is 30 s, so nothing is sent within this test */
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_FAILED);
    for (int i = 0; i < 3; i++) {
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_NOT_SENT);
        assert_non_null(strstr(a->reason, "3 requests in a row"));
    }
    assert_int_equal(server_count(w.server), 3);
    tear_down(&w);
    set_up(&w, "openai", (script){.statuses = {500, 500, 500}});
    w.options.retries = -1;
    w.options.breaker = 3;
    w.options.backoff_scale = 1e-9; /* the pause is over at once: one more finds that all is well */
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_FAILED);
    assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
    assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
    tear_down(&w);
}

static void parameters_a_server_does_not_know_are_left_out(void **state) {
    (void)state;
    world w;
    set_up(&w, "openai",
           (script){.statuses = {400, 400},
                    .text = "x|x|{\"score\": 1}|{\"score\": 1}",
                    .error = "{\"error\":{\"message\":\"Unsupported value\",\"param\":"
                             "\"response_format\",\"type\":\"invalid_request_error\"}}"});
    w.script.statuses[1] = 0;
    w.script.text = "x|{\"score\": 1}|{\"score\": 1}";
    w.request.operation = GLIMPSE_VLM_SCORE;
    w.request.text = "a red circle";
    assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
    assert_non_null(json_object_get(server_get(w.server, 0)->body, "response_format"));
    assert_null(json_object_get(server_get(w.server, 1)->body, "response_format"));
    assert_int_equal(ask(&w)->outcome, GLIMPSE_VLM_ANSWERED);
    assert_int_equal(server_count(w.server), 3); /* remembered */
    tear_down(&w);
}

/*
 * What answers mean.
 */
static void refusals_are_no_answers(void **state) {
    (void)state;
    static const struct {
        const char *dialect, *raw, *text, *stop;
    } cases[] = {
        {"openai",
         "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I will not.\"},"
         "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}",
         NULL, NULL},
        {"openai",
         "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}",
         NULL, NULL},
        {"openai", NULL, "I'm sorry, but I can't help with that.", NULL},
        {"openai", NULL, "I\xe2\x80\x99m sorry, I can\xe2\x80\x99t assist with that.", NULL},
        {"anthropic", NULL, "", "refusal"},
        {"gemini", NULL, "", "SAFETY"},
        {"gemini", "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{}}", NULL,
         NULL},
        {"endpoint", "{\"refused\": true, \"text\": \"no\"}", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int score = 0; score < 2; score++) {
            world w;
            set_up(&w, cases[i].dialect,
                   (script){.raw = cases[i].raw, .text = cases[i].text, .stop = cases[i].stop});
            if (score) w.request.operation = GLIMPSE_VLM_SCORE;
            const glimpse_vlm_answer *a = ask(&w);
            assert_int_equal(a->outcome, GLIMPSE_VLM_REFUSED);
            assert_true(a->probability < 0);
            assert_int_equal(server_count(w.server), 1);
            tear_down(&w);
        }
    }
}

/* The other dialects' shapes are those of test_replies.c. */
static void an_endpoint_says_when_its_answer_is_not_whole(void **state) {
    (void)state;
    static const struct {
        const char *raw;
        glimpse_vlm_outcome outcome;
        int incomplete;
    } cases[] = {
        {"{\"text\": \"a red\", \"finish_reason\": \"length\"}", GLIMPSE_VLM_ANSWERED, 1},
        {"{\"text\": \"a red\", \"error\": \"died\"}", GLIMPSE_VLM_ANSWERED, 1},
        {"{\"text\": \"<think>x</think>red\", \"finish_reason\": \"stop\"}", GLIMPSE_VLM_ANSWERED,
         0},
        {"{\"finish_reason\": \"error\"}", GLIMPSE_VLM_FAILED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        set_up(&w, "endpoint", (script){.raw = cases[i].raw});
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, cases[i].outcome);
        assert_int_equal(a->incomplete, cases[i].incomplete);
        assert_null(strstr(a->text, "think"));
        tear_down(&w);
    }
}

static void cannot_tell_is_kept_as_such(void **state) {
    (void)state;
    static const struct {
        const char *text;
        glimpse_vlm_schema schema;
    } cases[] = {{"CANNOT TELL", GLIMPSE_VLM_PLAIN},
                 {" I can't tell. ", GLIMPSE_VLM_PLAIN},
                 {"{\"score\": null}", GLIMPSE_VLM_JSON_SCORE},
                 {"{\"answer\": null, \"confidence\": 0.9}", GLIMPSE_VLM_JSON_ANSWER},
                 {"Cannot tell", GLIMPSE_VLM_JSON_ANSWER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        set_up(&w, "openai", (script){.text = cases[i].text});
        w.request.schema = cases[i].schema;
        if (cases[i].schema == GLIMPSE_VLM_JSON_SCORE) w.request.operation = GLIMPSE_VLM_SCORE;
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_CANNOT_TELL);
        assert_true(a->probability < 0);
        assert_true(a->confidence == 0.0);
        tear_down(&w);
    }
}

static void json_is_validated_and_repaired_once(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t requests;
        int good;
        double score;
    } cases[] = {
        {"{\"score\": 0.75}", 1, 1, 0.75},
        {"```json\n{\"score\": 0.25}\n```", 1, 1, 0.25},
        {"Here you are: {\"score\": \"0.5\",} I hope it helps.", 1, 1, 0.5},
        {"about 0.9|{\"score\": 0.9}", 2, 1, 0.9},
        {"{\"score\": 7}|{\"score\": 0.7}", 2, 1, 0.7},
        {"{\"score\": 0.5|{\"score\": 0.5}", 2, 1, 0.5},
        {"{\"rating\": 1}|{\"score\": true}|{\"score\": 1}", 2, 0, 0},
        {"{\"score\": -0.1}|purple|{\"score\": 1}", 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        set_up(&w, "openai", (script){.text = cases[i].text});
        w.request.operation = GLIMPSE_VLM_SCORE;
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(server_count(w.server), cases[i].requests);
        assert_int_equal(a->requests, cases[i].requests);
        assert_int_equal(a->tokens_in, 100 * cases[i].requests); /* all that was paid for */
        if (cases[i].good) {
            assert_int_equal(a->outcome, GLIMPSE_VLM_ANSWERED);
            assert_true(a->probability > cases[i].score - 1e-9 &&
                        a->probability < cases[i].score + 1e-9);
            assert_non_null(a->json);
        } else {
            assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
            assert_true(a->probability < 0);
        }
        tear_down(&w);
    }
    world w;
    set_up(&w, "anthropic",
           (script){.text = "{\"similarities\":[\"red\"],\"differences\":[],\"same\":\"Yes\"}"});
    w.request.schema = GLIMPSE_VLM_JSON_COMPARE;
    assert_string_equal(ask(&w)->json,
                        "{\"similarities\":[\"red\"],\"differences\":[],\"same\":\"yes\"}");
    tear_down(&w);
    set_up(&w, "gemini",
           (script){.text = "{\"answer\":42,\"confidence\":0.8,\"pages\":[3,4],\"more\":1}"});
    w.request.schema = GLIMPSE_VLM_JSON_PAGES;
    assert_string_equal(ask(&w)->json, "{\"answer\":\"42\",\"confidence\":0.8,\"pages\":[3,4]}");
    assert_string_equal(w.answer->text, "42");
    tear_down(&w);
}

static void a_picture_that_cannot_be_read_is_an_outcome(void **state) {
    (void)state;
    static const char *const broken[] = {"tests/image/fixtures/jpeg_cut.jpg",
                                         "tests/image/fixtures/nothing-here.jpg",
                                         "tests/image/fixtures", "CMakeLists.txt"};
    for (size_t i = 0; i < 4; i++) {
        world w;
        set_up(&w, "openai", (script){0});
        w.picture = GLIMPSE_VLM_PICTURE_INIT;
        w.picture.path = source_path(broken[i]);
        const glimpse_vlm_answer *a = ask(&w);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        assert_true(*a->reason && !strstr(a->reason, broken[i])); /* the request has the path */
        assert_int_equal(server_count(w.server), 0);
        tear_down(&w);
    }
}

static void senseless_requests_and_specs_are_refused(void **state) {
    (void)state;
    static const char *const specs[] = {"openai:",
                                        "openai:@http://localhost/v1",
                                        "gemini:a/b@http://localhost",
                                        "endpoint:ftp://localhost",
                                        "endpoint:http://",
                                        "endpoint:http://name:password@localhost/",
                                        "openai:x@http://local host/",
                                        "openai:a b@http://localhost/"};
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.config = "";
    glimpse_vlm *vlm = NULL;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        assert_int_equal(glimpse_vlm_open(&vlm, specs[i], &options), GLIMPSE_E_INVALID);
        assert_null(vlm);
    }
    options.max_cost = 1.0; /* needs a price */
    assert_int_equal(glimpse_vlm_open(&vlm, "endpoint:https://example.org/look", &options),
                     GLIMPSE_E_INVALID);
    options.max_cost = -1.0;
    options.timeout = -1.0;
    assert_int_equal(glimpse_vlm_open(&vlm, "openai:x@http://localhost/", &options),
                     GLIMPSE_E_INVALID);
    world w;
    set_up(&w, "openai", (script){0});
    open_model(&w);
    glimpse_vlm_answer *a = NULL;
    w.request.text = "";
    assert_int_equal(glimpse_vlm_ask(&a, w.vlm, &w.request, NULL), GLIMPSE_E_INVALID);
    w.request.text = "x";
    w.request.picture_count = 33;
    assert_int_equal(glimpse_vlm_ask(&a, w.vlm, &w.request, NULL), GLIMPSE_E_INVALID);
    w.request.picture_count = 1;
    w.picture.image = NULL;
    assert_int_equal(glimpse_vlm_ask(&a, w.vlm, &w.request, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(server_count(w.server), 0);
    tear_down(&w);
}

static void the_configuration_file_must_be_private(void **state) {
    (void)state;
    char *directory = make_temp_directory(), path[1200], spec[128], key[128] = "";
    world w;
    set_up(&w, "openai", (script){0});
    (void)snprintf(path, sizeof path, "%s/vlm.json", directory);
    write_formatted(path, "{\"model\": \"openai:m@http://x\", \"keys\": {\"%s\": \"from-config\"}}",
                    server_url(w.server));
    w.options.config = path;
    (void)chmod(path, 0644);
    glimpse_vlm *vlm = NULL;
    assert_int_equal(glimpse_vlm_open(&vlm, "openai:m@http://localhost/", &w.options),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "chmod 600"));
    assert_int_equal(glimpse_vlm_default_spec(spec, sizeof spec, path), GLIMPSE_E_INVALID);
    (void)chmod(path, 0600);
    assert_ok(glimpse_vlm_default_spec(spec, sizeof spec, path));
    assert_string_equal(spec, "openai:m@http://x");
    (void)ask(&w);
    assert_true(server_header(server_get(w.server, 0), "Authorization", key, sizeof key));
    assert_string_equal(key, "Bearer from-config");
    tear_down(&w);
    write_text(path, "{\"keys\": {\"openai\": \"sk-oops\" \"x\"}}");
    assert_int_equal(glimpse_vlm_default_spec(spec, sizeof spec, path), GLIMPSE_E_FORMAT);
    assert_null(strstr(glimpse_last_error(), "sk-oops"));
    remove_tree(directory);
    free(directory);
}

static void prompts_are_filled(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"# what it is for\nIs it {}? {}!\n", "red", "Is it red? red!"},
        {"{{\"a\": {}}}", "1", "{\"a\": 1}"},
        {"Describe. {}\n", "", "Describe."},
        {"Describe.", "It is", "Describe.\nIt is"},
        {"# only a comment", "x", "x"},
        {"a # b", NULL, "a # b"},
        {"{}", "with {} inside", "with {} inside"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *filled = NULL;
        assert_ok(glimpse_vlm_fill(&filled, cases[i][0], cases[i][1]));
        assert_string_equal(filled, cases[i][2]);
        glimpse_free(filled);
    }
}

int main(void) {
    (void)unsetenv("GLIMPSE_VLM_KEY");
    (void)unsetenv("OPENAI_API_KEY");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dialect_sends_what_its_documentation_says),
        cmocka_unit_test(the_version_of_anthropic_and_the_media_types_are_said),
        cmocka_unit_test(several_pictures_go_with_their_labels_in_order),
        cmocka_unit_test(pictures_are_scaled_to_the_task_and_no_metadata_leaves),
        cmocka_unit_test(passing_failures_are_tried_again),
        cmocka_unit_test(lasting_failures_end_with_their_reason),
        cmocka_unit_test(a_key_that_is_not_accepted_stops_all_and_appears_nowhere),
        cmocka_unit_test(a_providers_key_goes_to_no_other_host),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(retry_after_is_honoured_in_seconds_and_as_a_date),
        cmocka_unit_test(cut_broken_and_slow_answers_are_failures_not_answers),
        cmocka_unit_test(answers_have_a_largest_size),
        cmocka_unit_test(the_breaker_opens_after_failures_in_a_row),
        cmocka_unit_test(parameters_a_server_does_not_know_are_left_out),
        cmocka_unit_test(refusals_are_no_answers),
        cmocka_unit_test(an_endpoint_says_when_its_answer_is_not_whole),
        cmocka_unit_test(cannot_tell_is_kept_as_such),
        cmocka_unit_test(json_is_validated_and_repaired_once),
        cmocka_unit_test(a_picture_that_cannot_be_read_is_an_outcome),
        cmocka_unit_test(senseless_requests_and_specs_are_refused),
        cmocka_unit_test(the_configuration_file_must_be_private),
        cmocka_unit_test(prompts_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

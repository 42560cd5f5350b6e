/*
 * test_replies.c - whatever a server's reply looks like, an answer is what the model said: without
 * its thinking, found wherever it stands, and marked when it is not whole. Each shape in each
 * dialect: what is shown, what is kept, what is counted as paid.
 */
#include "support/test.h"

#include "support/server.h"

#include <glimpse/sys/vlm.h>

#include <zlib.h>

enum { MAX_PARTS = 6, MAX_REPLIES = 3 };

/* A message in no dialect: "t..." is a part of the answer, "r..." is thinking. */
typedef struct message {
    const char *parts[MAX_PARTS];
    const char *finish; /* "stop", "length", "error", "context", "filter" */
} message;

typedef struct shape {
    message replies[MAX_REPLIES]; /* the first, the second ... */
    glimpse_vlm_schema schema;
    unsigned max_tokens;
    /* What is to come of it. */
    glimpse_vlm_outcome outcome;
    const char *text;
    int incomplete;
    size_t requests;
    const char *reason; /* part of it */
} shape;

static const char *const dialects[] = {"openai", "anthropic", "gemini"};
enum { OPENAI, ANTHROPIC, GEMINI, DIALECTS };

static const char *finish_of(int dialect, const char *finish) {
    static const char *const words[][1 + DIALECTS] = {
        {"stop", "stop", "end_turn", "STOP"},
        {"length", "length", "max_tokens", "MAX_TOKENS"},
        {"error", "error", "pause_turn", "OTHER"},
        {"context", "length", "model_context_window_exceeded", "MAX_TOKENS"},
        {"filter", "content_filter", "refusal", "SAFETY"},
        {"tool", "tool_calls", "tool_use", "MALFORMED_FUNCTION_CALL"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i][0], finish) == 0) return words[i][1 + dialect];
    }
    fail_msg("no such finish: %s", finish);
    return NULL;
}

static json_t *part_of(int dialect, const char *part) {
    const char *text = part + 1;
    int thinking = *part == 'r';
    if (dialect == GEMINI) {
        return thinking ? json_pack("{s:s, s:b}", "text", text, "thought", 1)
                        : json_pack("{s:s}", "text", text);
    }
    if (!thinking) return json_pack("{s:s, s:s}", "type", "text", "text", text);
    if (dialect == ANTHROPIC) {
        return json_pack("{s:s, s:s, s:s}", "type", "thinking", "thinking", text, "signature", "x");
    }
    return json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "type", "thinking", "text", text, "thinking",
                     "type", "text", "text", text);
}

/* How OpenAI's imitators put a message: as parts, or as a text with the thinking beside it. */
static json_t *openai_message(json_t *parts, const message *m, int beside) {
    if (!beside) return json_pack("{s:s, s:o}", "role", "assistant", "content", parts);
    size_t capacity = 1;
    for (size_t i = 0; i < MAX_PARTS && m->parts[i]; i++)
        capacity += strlen(m->parts[i]);
    char *text = calloc(capacity, 1), *thought = calloc(capacity, 1);
    json_decref(parts);
    for (size_t i = 0; i < MAX_PARTS && m->parts[i]; i++)
        (void)strcat(*m->parts[i] == 'r' ? thought : text, m->parts[i] + 1);
    json_t *whole =
        json_pack("{s:s, s:o, s:s}", "role", "assistant", "content",
                  *text ? json_string(text) : json_null(), "reasoning_content", thought);
    free(text);
    free(thought);
    return whole;
}

static char *body_of(int dialect, const message *m, int beside) {
    json_t *parts = json_array(), *body;
    for (size_t i = 0; i < MAX_PARTS && m->parts[i]; i++)
        (void)json_array_append_new(parts, part_of(dialect, m->parts[i]));
    const char *finish = finish_of(dialect, m->finish ? m->finish : "stop");
    if (dialect == OPENAI) {
        body = json_pack("{s:s, s:[{s:o, s:s}], s:{s:i, s:i}}", "model", "m", "choices", "message",
                         openai_message(parts, m, beside), "finish_reason", finish, "usage",
                         "prompt_tokens", 100, "completion_tokens", 10);
    } else if (dialect == ANTHROPIC) {
        body = json_pack("{s:s, s:o, s:s, s:{s:i, s:i}}", "model", "m", "content", parts,
                         "stop_reason", finish, "usage", "input_tokens", 100, "output_tokens", 10);
    } else {
        body = json_pack("{s:[{s:{s:o}, s:s}], s:{s:i, s:i}}", "candidates", "content", "parts",
                         parts, "finishReason", finish, "usageMetadata", "promptTokenCount", 100,
                         "candidatesTokenCount", 10);
    }
    char *text = json_dumps(body, 0);
    json_decref(body);
    return text;
}

/*
 * A server that gives one shape, a cache that counts, a price of 1 for tokens in and 2 for out.
 */
typedef struct world {
    test_server *server;
    const shape *shape;
    int dialect, beside;
    const char *raw, *headers; /* instead of a shape */
    size_t raw_size;
    const char *path; /* of the picture; NULL: four pixels */
    int status;
    size_t n, kept;
    glimpse_image *image;
    glimpse_vlm *vlm;
    glimpse_vlm_answer *answer;
    char *directory;
} world;

static void play(void *context, const server_request *request, server_reply *reply) {
    world *w = context;
    (void)request;
    size_t i = w->n++;
    if (w->headers) (void)snprintf(reply->headers, sizeof reply->headers, "%s", w->headers);
    if (w->raw) {
        size_t size = w->raw_size ? w->raw_size : strlen(w->raw);
        char *body = calloc(size + 1, 1);
        memcpy(body, w->raw, size);
        server_reply_with(reply, w->status ? w->status : 200, body);
        reply->size = w->raw_size;
        return;
    }
    while (i > 0 && (i >= MAX_REPLIES || !w->shape->replies[i].parts[0]))
        i--;
    server_reply_with(reply, 200, body_of(w->dialect, &w->shape->replies[i], w->beside));
}

static int find(void *user, glimpse_vlm_answer **out, const glimpse_vlm_question *question) {
    (void)user, (void)out, (void)question;
    return 0;
}

static int keep(void *user, const glimpse_vlm_question *question,
                const glimpse_vlm_answer *answer) {
    (void)question, (void)answer;
    ((world *)user)->kept++;
    return 0;
}

static const glimpse_vlm_answer *ask(world *w, const char *address,
                                     const glimpse_vlm_request *asked) {
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    glimpse_vlm_run_options run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    glimpse_vlm_cache cache = GLIMPSE_VLM_CACHE_INIT;
    glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
    glimpse_vlm_request request = *asked;
    char spec[512], prices[1200];
    const uint8_t pixels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    (void)snprintf(spec, sizeof spec, "%s:m@%s", dialects[w->dialect], address);
    (void)snprintf(prices, sizeof prices, "%s/prices.json", w->directory);
    write_formatted(prices, "{\"per\": 1, \"models\": {\"%s\": {\"in\": 1, \"out\": 2}}}", spec);
    options.config = "";
    options.own_prices = prices;
    options.backoff_scale = 1e-4;
    options.retries = 1;
    cache.find = find;
    cache.keep = keep;
    cache.user = w;
    run.cache = &cache;
    if (!w->image) assert_ok(glimpse_image_create(&w->image, pixels, 2, 2));
    picture.image = w->image;
    picture.path = w->path;
    request.pictures = &picture;
    request.picture_count = 1;
    request.text = "what?";
    if (!w->vlm) assert_ok(glimpse_vlm_open(&w->vlm, spec, &options));
    glimpse_vlm_answer_free(w->answer);
    w->answer = NULL;
    assert_ok(glimpse_vlm_ask(&w->answer, w->vlm, &request, &run));
    return w->answer;
}

static void set_up(world *w, int dialect) {
    *w = (world){.dialect = dialect, .directory = make_temp_directory()};
    w->server = server_start(play, w);
}

static void tear_down(world *w) {
    glimpse_vlm_answer_free(w->answer);
    glimpse_vlm_close(w->vlm);
    glimpse_image_free(w->image);
    server_stop(w->server);
    remove_tree(w->directory);
    free(w->directory);
}

static const glimpse_vlm_answer *ask_at_v1(world *w, const glimpse_vlm_request *request) {
    char address[128];
    (void)snprintf(address, sizeof address, "%s/v1", server_url(w->server));
    return ask(w, address, request);
}

static void check(const shape *s, size_t number) {
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        for (int beside = 0; beside <= (dialect == OPENAI); beside++) {
            world w;
            glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
            set_up(&w, dialect);
            w.shape = s;
            w.beside = beside;
            request.schema = s->schema;
            request.max_tokens = s->max_tokens;
            const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
            const char *words = a->json ? a->json : a->text;
            if (a->outcome != s->outcome || a->incomplete != s->incomplete ||
                a->requests != s->requests || (s->text && strcmp(words, s->text) != 0) ||
                (s->reason && !strstr(a->reason, s->reason))) {
                fail_msg("shape %zu in %s%s: %s, incomplete %d, %u requests, \"%s\", because: %s",
                         number, dialects[dialect], beside ? " (beside)" : "",
                         glimpse_vlm_outcome_name(a->outcome), a->incomplete, a->requests, words,
                         a->reason);
            }
            assert_int_equal(server_count(w.server), s->requests);
            assert_true(a->cost == 120.0 * (double)s->requests); /* all that was paid */
            int whole = a->outcome <= GLIMPSE_VLM_CANNOT_TELL && !a->incomplete;
            assert_int_equal(w.kept, whole);
            tear_down(&w);
        }
    }
}

#define ONE(...)            \
 {                          \
  {                         \
   .parts = { __VA_ARGS__ } \
  }                         \
 }
#define SCORE GLIMPSE_VLM_JSON_SCORE
#define GOOD  GLIMPSE_VLM_ANSWERED

static void thinking_is_never_the_answer(void **state) {
    (void)state;
    static const shape shapes[] = {
        {ONE("ta red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<think>round, so</think>a red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<think></think>\n\na red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("tit is round\n</think>\na red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<THINK>a</Think>b <think>c</think>d"), 0, 0, GOOD, "b d", 0, 1, NULL},
        {ONE("t[THINK]a square?[/THINK]a red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final"
             "<|message|>a red circle<|return|>"),
         0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("rit is a square", "ta red ", "tcircle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("ta red ", "rhm, or", "tcircle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<think>it is round and"), 0, 0, GLIMPSE_VLM_FAILED, "", 0, 1, "thought"},
        {ONE("rit is a circle"), 0, 0, GLIMPSE_VLM_FAILED, "", 0, 1, NULL},
        {ONE("t<|im_start|>\"a red circle\"<|im_end|>"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t\xe2\x80\x9e"
             "ein roter Kreis\xe2\x80\x9c </s>"),
         0, 0, GOOD, "ein roter Kreis", 0, 1, NULL},
        {ONE("t<think >round</think >a red circle"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<antThinking>round</antThinking>a red circle"), 0, 0, GOOD, "a red circle", 0, 1,
         NULL},
        {ONE("t<scratchpad>round</scratchpad>\na red circle"), 0, 0, GOOD, "a red circle", 0, 1,
         NULL},
        {ONE("t<|channel>thought\nround\n<channel|>a red circle"), 0, 0, GOOD, "a red circle", 0, 1,
         NULL},
        {ONE("t<|start_header_id|>assistant<|end_header_id|>\n\na red circle<|eot_id|>"), 0, 0,
         GOOD, "a red circle", 0, 1, NULL},
        {ONE("t<|im_start|>assistant\na red circle<|im_end|>"), 0, 0, GOOD, "a red circle", 0, 1,
         NULL},
        {ONE("t<start_of_turn>model\na red circle<end_of_turn>"), 0, 0, GOOD, "a red circle", 0, 1,
         NULL},
        {ONE("tassistant\nprofessor"), 0, 0, GOOD, "assistant\nprofessor", 0, 1, NULL},
        {ONE("ta red circle<\xef\xbd\x9c"
             "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"),
         0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t\"a red circle\"."), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t**\"a red circle\"**"), 0, 0, GOOD, "a red circle", 0, 1, NULL},
        {ONE("t**red** and **round**"), 0, 0, GOOD, "**red** and **round**", 0, 1, NULL},
        {ONE("t\"red\" or \"pink\""), 0, 0, GOOD, "\"red\" or \"pink\"", 0, 1, NULL},
        {ONE("ta < b and a sign: [STOP]"), 0, 0, GOOD, "a < b and a sign: [STOP]", 0, 1, NULL},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(&shapes[i], i);
}

static void json_is_found_wherever_it_stands(void **state) {
    (void)state;
    static const shape shapes[] = {
        {ONE("t<think>maybe {\"score\": 0.1} or {x}</think>{\"score\": 0.5}"), SCORE, 0, GOOD,
         "{\"score\":0.5}", 0, 1, NULL},
        {ONE("tThe set {red, round} gives {\"score\": 0.5} as said."), SCORE, 0, GOOD,
         "{\"score\":0.5}", 0, 1, NULL},
        {ONE("t{\"score\": 0.5}\n\n{\"score\": 0.5}"), SCORE, 0, GOOD, "{\"score\":0.5}", 0, 1,
         NULL},
        {ONE("t```json\n{\"score\": 0.5,}\n```\nThat is {all}."), SCORE, 0, GOOD, "{\"score\":0.5}",
         0, 1, NULL},
        {ONE("tHere:", "t{\"score\": 0.5}", "tI hope it helps"), SCORE, 0, GOOD, "{\"score\":0.5}",
         0, 1, NULL},
        {ONE("r{\"score\": 0.9}", "t{\"sco", "tre\": 0.5}"), SCORE, 0, GOOD, "{\"score\":0.5}", 0,
         1, NULL},
        {ONE("t{\"result\": {\"score\": 0.5}}"), SCORE, 0, GOOD, "{\"score\":0.5}", 0, 1, NULL},
        {ONE("t{\"answer\": \"the tag </think> is shown\"}"), GLIMPSE_VLM_JSON_ANSWER, 0, GOOD,
         "{\"answer\":\"the tag </think> is shown\",\"confidence\":null}", 0, 1, NULL},
        {ONE("t{\"answer\": \"I cannot tell from this picture.\"}"), GLIMPSE_VLM_JSON_ANSWER, 0,
         GLIMPSE_VLM_CANNOT_TELL, NULL, 0, 1, NULL},
        {ONE("t{\"answer\": \"I'm sorry, but I can't assist with that.\"}"),
         GLIMPSE_VLM_JSON_ANSWER, 0, GLIMPSE_VLM_REFUSED, NULL, 0, 1, NULL},
        {ONE("t\"{\\\"score\\\": 0.5}\""), SCORE, 0, GOOD, "{\"score\":0.5}", 0, 1, NULL},
        {ONE("t{\"result\": \"{\\\"score\\\": 0.5,\\n}\"}"), SCORE, 0, GOOD, "{\"score\":0.5}", 0,
         1, NULL},
        {ONE("t{\"score\": 0.5}, in the form {\"score\": null}"), SCORE, 0, GOOD, "{\"score\":0.5}",
         0, 1, NULL},
        {ONE("t{\"items\": [\"red\"]} as {\"items\": []}"), GLIMPSE_VLM_JSON_LIST, 0, GOOD,
         "{\"items\":[\"red\"]}", 0, 1, NULL},
        {ONE("t{\"score\": null}, no: {\"score\": 0.5}"), SCORE, 0, GOOD, "{\"score\":0.5}", 0, 1,
         NULL},
        /* Thinking alone is no answer: asked for once more. */
        {{{.parts = {"r{\"score\": 0.9}"}}, {.parts = {"t{\"score\": 0.5}"}}},
         SCORE,
         0,
         GOOD,
         "{\"score\":0.5}",
         0,
         2,
         NULL},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(&shapes[i], i);
    /* A megabyte of brackets ends, and soon. */
    char *brackets = malloc(1000001);
    memset(brackets, '{', 1000000);
    brackets[0] = 't';
    brackets[1000000] = '\0';
    const shape hostile = {ONE(brackets), SCORE, 0, GLIMPSE_VLM_FAILED, NULL, 0, 2, "not JSON"};
    check(&hostile, 99);
    free(brackets);
}

static void an_answer_that_is_not_whole_is_marked_and_not_kept(void **state) {
    (void)state;
    static const shape shapes[] = {
        {{{{"ta red cir"}, "length"}}, 0, 0, GOOD, "a red cir", 1, 1, "cut off"},
        {{{{"ta red cir"}, "context"}}, 0, 0, GOOD, "a red cir", 1, 1, "cut off"},
        {{{{"ta red cir"}, "error"}}, 0, 0, GOOD, "a red cir", 1, 1, "broke off"},
        {{{{"ta red cir"}, "tool"}}, 0, 0, GOOD, "a red cir", 1, 1, "broke off"},
        {{{{"tthe wild"}, "filter"}}, 0, 0, GLIMPSE_VLM_REFUSED, NULL, 1, 1, NULL},
        {{{{NULL}, "filter"}}, 0, 0, GLIMPSE_VLM_REFUSED, NULL, 0, 1, NULL},
        {{{{NULL}, "error"}}, 0, 0, GLIMPSE_VLM_FAILED, NULL, 0, 1, "broke off"},
        {{{{"t{\"score\": 0.5} as I"}, "length"}}, SCORE, 0, GOOD, "{\"score\":0.5}", 1, 1, "cut"},
        {{{{"t{\"sco"}, "length"}, {{"t{\"score\": 0.5}"}, "stop"}},
         SCORE,
         0,
         GOOD,
         "{\"score\":0.5}",
         0,
         2,
         NULL},
        {{{{"t{\"sco"}, "length"}, {{"t{\"sco"}, "length"}},
         SCORE,
         0,
         GLIMPSE_VLM_FAILED,
         NULL,
         0,
         2,
         "cut off"},
        /* All of it went for thinking: once more with room for both. */
        {{{{"rhm"}, "length"}, {{"rhm", "ta red circle"}, "stop"}},
         0,
         0,
         GOOD,
         "a red circle",
         0,
         2,
         NULL},
        {{{{"t<think>hm"}, "length"}, {{"t<think>hm</think>a red circle"}, "stop"}},
         0,
         0,
         GOOD,
         "a red circle",
         0,
         2,
         NULL},
        {{{{"rhm"}, "length"}, {{"rhm"}, "length"}},
         0,
         0,
         GLIMPSE_VLM_FAILED,
         "",
         0,
         2,
         "before the first word"},
        /* But not beyond a limit that was asked for. */
        {{{{"rhm"}, "length"}}, 0, 40, GLIMPSE_VLM_FAILED, "", 0, 1, "all 40 tokens"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(&shapes[i], i);
}

static unsigned limit_of(const server_request *r) {
    static const char *const names[] = {"max_tokens", "max_completion_tokens"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(r->body, names[i]);
        if (value) return (unsigned)json_integer_value(value);
    }
    const json_t *config = json_object_get(r->body, "generationConfig");
    return (unsigned)json_integer_value(json_object_get(config, "maxOutputTokens"));
}

static void the_limit_is_the_tasks_or_the_users_and_raised_once(void **state) {
    (void)state;
    static const shape thinks = {.replies = {{{"rhm"}, "length"}, {{"tred"}, "stop"}}};
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        world w;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        set_up(&w, dialect);
        w.shape = &thinks;
        (void)ask_at_v1(&w, &request);
        assert_int_equal(limit_of(server_get(w.server, 0)), 512);
        assert_int_equal(limit_of(server_get(w.server, 1)), 4096);
        request.task = GLIMPSE_VLM_TEXT;
        (void)ask_at_v1(&w, &request);
        assert_int_equal(limit_of(server_get(w.server, 2)), 1024);
        request.max_tokens = 77;
        (void)ask_at_v1(&w, &request);
        assert_int_equal(limit_of(server_get(w.server, 3)), 77);
        tear_down(&w);
    }
}

/* For JSON, too: no second raise where it is repaired, and none at all without thinking. */
static void the_limit_is_raised_for_thinking_alone(void **state) {
    (void)state;
    static const struct {
        shape shape;
        unsigned limits[4];
    } cases[] = {
        {{.replies = {{{"t{\"sco"}, "length"}}}, {256, 256}},
        {{.replies = {{{"rhm"}, "length"}}}, {256, 2048}},
        {{.replies = {{{"rhm", "t{\"sco"}, "length"}}}, {256, 2048}},
        {{.replies = {{{"t<think>hm</think>{\"sco"}, "length"}}}, {256, 2048}},
        {{.replies = {{{"rhm"}, "length"}, {{"tred"}, "stop"}, {{"t{\"score\": 1}"}, "stop"}}},
         {256, 2048, 2048}},
    };
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            for (int beside = 0; beside <= (dialect == OPENAI); beside++) {
                world w;
                size_t n = 0;
                glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
                set_up(&w, dialect);
                w.shape = &cases[i].shape;
                w.beside = beside;
                request.operation = GLIMPSE_VLM_SCORE;
                (void)ask_at_v1(&w, &request);
                for (; n < 4 && cases[i].limits[n]; n++) {
                    assert_true(server_count(w.server) > n);
                    assert_int_equal(limit_of(server_get(w.server, n)), cases[i].limits[n]);
                }
                assert_int_equal(server_count(w.server), n);
                tear_down(&w);
            }
        }
    }
}

/* What it cost is then an estimate, but it is not paid for twice. */
static void a_count_beyond_all_integers_is_not_known(void **state) {
    (void)state;
    world w;
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    set_up(&w, OPENAI);
    w.raw = "{\"choices\":[{\"message\":{\"content\":\"red\"},\"finish_reason\":\"stop\"}],"
            "\"usage\":{\"prompt_tokens\":99999999999999999999,\"completion_tokens\":1}}";
    const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
    assert_string_equal(a->text, "red");
    assert_false(a->tokens_known);
    assert_int_equal(a->requests, 1);
    tear_down(&w);
}

static void errors_inside_an_answer_are_no_answer(void **state) {
    (void)state;
    static const struct {
        int dialect;
        const char *raw, *reason;
        glimpse_vlm_outcome outcome;
    } cases[] = {
        {OPENAI,
         "{\"choices\":[{\"message\":{\"content\":\"a red\"},\"finish_reason\":\"stop\",\"error\":"
         "{\"code\":502,\"message\":\"upstream died\"}}]}",
         "upstream died", GOOD},
        {OPENAI, "{\"choices\":[{\"error\":{\"message\":\"upstream died\"}}],\"usage\":{}}",
         "upstream died", GLIMPSE_VLM_FAILED},
        {OPENAI, "{\"error\":\"overloaded\",\"choices\":[{\"message\":{\"content\":\"a red\"}}]}",
         "overloaded", GOOD},
        {ANTHROPIC,
         "{\"content\":[{\"type\":\"text\",\"text\":\"a "
         "red\"}],\"error\":{\"message\":\"overloaded\"}}",
         "overloaded", GOOD},
        {OPENAI,
         "{\"choices\":[{\"message\":{\"content\":\"a red\",\"error\":{\"message\":\"upstream "
         "died\"}},\"finish_reason\":\"stop\"}]}",
         "upstream died", GOOD},
        {OPENAI, "{\"choices\":[{\"message\":{\"content\":\"a red\"},\"finish_reason\":5}]}",
         "no text", GOOD},
        {OPENAI,
         "{\"choices\":[{\"message\":{\"content\":\"a red\"},\"finish_reason\":{\"reason\":"
         "\"length\"}}]}",
         "no text", GOOD},
        {ANTHROPIC,
         "{\"content\":[{\"type\":\"text\",\"text\":\"a red\"},{\"type\":\"error\",\"error\":{"
         "\"message\":\"overloaded\"}}],\"stop_reason\":\"max_tokens\"}",
         "overloaded", GOOD},
        {GEMINI,
         "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a red\"}]},\"finishReason\":1}]}",
         "no text", GOOD},
        {GEMINI,
         "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a "
         "red\"}]},\"finishReason\":\"OTHER\","
         "\"finishMessage\":\"no idea why\"}]}",
         "no idea why", GOOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        set_up(&w, cases[i].dialect);
        w.raw = cases[i].raw;
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        assert_int_equal(a->outcome, cases[i].outcome);
        assert_int_equal(a->incomplete, cases[i].outcome == GOOD);
        if (!strstr(a->reason, cases[i].reason)) fail_msg("case %zu: %s", i, a->reason);
        assert_int_equal(w.kept, 0);
        tear_down(&w);
    }
}

static void a_part_that_is_a_refusal_makes_the_answer_one(void **state) {
    (void)state;
    static const char *const contents[] = {
        "[{\"type\":\"text\",\"text\":\"two\"},{\"type\":\"refusal\",\"refusal\":\"I will not\"}]",
        "[{\"type\":\"refusal\",\"refusal\":\"I will not\"},{\"type\":\"text\",\"text\":\"cat\"}]",
        "[{\"type\":\"refusal\",\"refusal\":\"I will not\"}]",
    };
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        for (int schema = GLIMPSE_VLM_PLAIN; schema <= SCORE; schema++) {
            world w;
            char body[400];
            glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
            (void)snprintf(body, sizeof body, "{\"choices\":[{\"message\":{\"content\":%s}}]}",
                           contents[i]);
            set_up(&w, OPENAI);
            w.raw = body;
            request.schema = (glimpse_vlm_schema)schema;
            const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
            assert_int_equal(a->outcome, GLIMPSE_VLM_REFUSED);
            assert_string_equal(a->text, "I will not");
            assert_int_equal(a->requests, 1);
            tear_down(&w);
        }
    }
}

static void refusals_and_cannot_tell_are_known_in_four_languages(void **state) {
    (void)state;
    static const struct {
        const char *text;
        glimpse_vlm_outcome outcome;
    } cases[] = {
        {"I can't tell from this picture.", GLIMPSE_VLM_CANNOT_TELL},
        {"It is not possible to determine the year from the image.", GLIMPSE_VLM_CANNOT_TELL},
        {"I'm sorry, but I cannot determine that.", GLIMPSE_VLM_CANNOT_TELL},
        {"Unfortunately, I am unable to say.", GLIMPSE_VLM_CANNOT_TELL},
        {"I don't know.", GLIMPSE_VLM_CANNOT_TELL},
        {"**Unknown**", GLIMPSE_VLM_CANNOT_TELL},
        {"Das kann ich nicht erkennen.", GLIMPSE_VLM_CANNOT_TELL},
        {"Leider l\xc3\xa4sst sich das nicht sagen.", GLIMPSE_VLM_CANNOT_TELL},
        {"Ich wei\xc3\x9f es nicht.", GLIMPSE_VLM_CANNOT_TELL},
        {"Il est impossible de le dire.", GLIMPSE_VLM_CANNOT_TELL},
        {"Je ne sais pas.", GLIMPSE_VLM_CANNOT_TELL},
        {"No se puede determinar.", GLIMPSE_VLM_CANNOT_TELL},
        {"No lo s\xc3\xa9.", GLIMPSE_VLM_CANNOT_TELL},
        {"I cannot assist with that request.", GLIMPSE_VLM_REFUSED},
        {"I\xe2\x80\x99m not able to identify people in images.", GLIMPSE_VLM_REFUSED},
        {"I apologize, but I can't provide that.", GLIMPSE_VLM_REFUSED},
        {"As an AI, I'm unable to identify real people.", GLIMPSE_VLM_REFUSED},
        {"I must decline.", GLIMPSE_VLM_REFUSED},
        {"Es tut mir leid, aber dabei kann ich nicht helfen.", GLIMPSE_VLM_REFUSED},
        {"Ich kann dir dabei leider nicht helfen.", GLIMPSE_VLM_REFUSED},
        {"D\xc3\xa9sol\xc3\xa9, je ne peux pas vous aider.", GLIMPSE_VLM_REFUSED},
        {"Je ne peux pas identifier cette personne.", GLIMPSE_VLM_REFUSED},
        {"Lo siento, pero no puedo ayudar con eso.", GLIMPSE_VLM_REFUSED},
        {"No puedo identificar a la persona.", GLIMPSE_VLM_REFUSED},
        {"Sorry, das kann ich leider nicht.", GLIMPSE_VLM_REFUSED},
        {"D\xc3\xa9sol\xc3\xa9, je ne peux pas faire cela.", GLIMPSE_VLM_REFUSED},
        {"Lo siento, no puedo hacer eso.", GLIMPSE_VLM_REFUSED},
        {"Sorry, I can't do this.", GLIMPSE_VLM_REFUSED},
        /* And these say something. */
        {"I can't help but notice a red circle.", GOOD},
        {"A sorry dog that cannot tell the time.", GOOD},
        {"It is hard to tell, but I believe that it is a red circle.", GOOD},
        {"Es ist keine Person zu sehen.", GOOD},
        {"Es ist ein Hund zu erkennen.", GOOD},
        {"No hay nadie.", GOOD},
        {"No.", GOOD},
        {"Unknown Pleasures, an album.", GOOD},
        {"Impossible Burger on a plate.", GOOD},
        {"The image does not show a dog.", GOOD},
        {"Leider ist der Himmel grau.", GOOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char part[256];
        (void)snprintf(part, sizeof part, "t%s", cases[i].text);
        const shape s = {ONE(part), 0, 0, cases[i].outcome, NULL, 0, 1, NULL};
        world w;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        set_up(&w, (int)(i % DIALECTS));
        w.shape = &s;
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        if (a->outcome != cases[i].outcome) {
            fail_msg("\"%s\": %s", cases[i].text, glimpse_vlm_outcome_name(a->outcome));
        }
        assert_int_equal(w.kept, 1);
        tear_down(&w);
    }
}

/*
 * What goes out.
 */
static void transparent_pictures_are_sent_over_a_background(void **state) {
    (void)state;
    static const shape red = {.replies = ONE("tred")};
    static const char *const files[] = {"png_rgba.png", "webp_alpha.webp", "gif_transparent.gif"};
    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        for (int as_it_is = 0; as_it_is < 2; as_it_is++) { /* which it then is not */
            world w;
            char path[128];
            size_t size = 0;
            glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
            glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
            glimpse_image *sent = NULL, *with = NULL, *without = NULL;
            set_up(&w, dialect);
            w.shape = &red;
            (void)snprintf(path, sizeof path, "tests/image/fixtures/%s", files[dialect]);
            w.path = source_path(path);
            request.keep_metadata = as_it_is;
            (void)ask_at_v1(&w, &request);
            void *jpeg = server_picture(server_get(w.server, 0), 0, &size);
            assert_ok(glimpse_image_decode(&sent, jpeg, size, "sent", NULL));
            assert_int_equal(glimpse_image_metadata(sent)->format, GLIMPSE_FORMAT_JPEG);
            assert_ok(glimpse_image_load(&without, w.path, NULL));
            options.ground = GLIMPSE_GROUND_VISIBLE;
            assert_ok(glimpse_image_load(&with, w.path, &options));
            const uint8_t *s = glimpse_image_pixels(sent), *a = glimpse_image_pixels(with),
                          *b = glimpse_image_pixels(without);
            size_t count = (size_t)glimpse_image_width(sent) * glimpse_image_height(sent) * 3;
            double near = 0.0, far = 0.0;
            for (size_t i = 0; i < count; i++) {
                near += abs(s[i] - a[i]);
                far += abs(s[i] - b[i]);
            }
            if (!(near < 0.95 * far)) /* JPEG adds noise to both */
                fail_msg("%s: %g, %g", files[dialect], near, far);
            glimpse_image_free(sent);
            glimpse_image_free(with);
            glimpse_image_free(without);
            free(jpeg);
            tear_down(&w);
        }
    }
}

/*
 * HTTP.
 */
static char *packed(const char *text, int bits, size_t *size) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t capacity = deflateBound(&z, strlen(text)) + 64;
    char *out = malloc(capacity);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)strlen(text);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *size = capacity - z.avail_out;
    (void)deflateEnd(&z);
    return out;
}

static void packed_answers_are_unpacked_up_to_the_ceiling(void **state) {
    (void)state;
    static const struct {
        const char *header;
        int bits;
    } codings[] = {{"Content-Encoding: gzip\r\n", 15 + 16}, {"Content-Encoding: deflate\r\n", 15}};
    for (size_t i = 0; i < 2; i++) {
        world w;
        char value[64] = "";
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        char *body = server_openai("a red circle", 100, 10);
        set_up(&w, OPENAI);
        char *small = packed(body, codings[i].bits, &w.raw_size);
        w.raw = small;
        w.headers = codings[i].header;
        assert_string_equal(ask_at_v1(&w, &request)->text, "a red circle");
        assert_true(server_header(server_get(w.server, 0), "Accept-Encoding", value, sizeof value));
        assert_non_null(strstr(value, "gzip"));
        assert_non_null(strstr(value, "deflate"));
        free(small);
        free(body);

        char *large = malloc(50000001); /* a bomb: 50 MB in 50 kB */
        memset(large, ' ', 50000000);
        large[50000000] = '\0';
        char *bomb = packed(large, codings[i].bits, &w.raw_size);
        free(large);
        w.raw = bomb;
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        assert_int_equal(a->code, GLIMPSE_E_LIMIT);
        assert_int_equal(a->requests, 1);
        free(bomb);
        tear_down(&w);
    }
}

static void errors_are_told_in_whatever_shape_they_come(void **state) {
    (void)state;
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"{\"error\":{\"message\":\"too small\"}}", "too small"},
        {"{\"error\":\"too small\"}", "too small"},
        {"{\"detail\":\"too small\"}", "too small"},
        {"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"too small\",\"type\":\"x\"},{\"msg\":\"too "
         "dark\"}]}",
         "too small; too dark"},
        {"{\"errors\":[\"too small\",{\"message\":\"too dark\"}]}", "too small; too dark"},
        {"{\"errors\":[{\"detail\":\"too small\"}]}", "too small"},
        {"[{\"error\":{\"message\":\"too small\"}}]", "too small"},
        {"{\"message\":\"too small\"}", "too small"},
        {"{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"too small\"}]}}", "too small"},
        {"{\"errors\":{\"width\":[\"too small\"],\"n\":1,\"height\":\"too large\"}}",
         "width: too small; height: too large"},
        {"<html><title>Too small &amp; too dark &lt;here&gt;</title></html>",
         "Too small & too dark <here>"},
        {"the picture is\n too small", "the picture is too small"},
        {"<html><head><TITLE>\n 400 too small </TITLE></head><body>x</body></html>",
         "400 too small"},
        {"<!doctype html><body><h1>too small</h1>", "too small"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        char asked[128];
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        set_up(&w, (int)(i % DIALECTS));
        w.raw = cases[i].body;
        w.status = 400;
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        (void)snprintf(asked, sizeof asked, "(asked %s/v1/", server_url(w.server));
        if (!strstr(a->reason, cases[i].words) || !strstr(a->reason, asked)) {
            fail_msg("case %zu: %s", i, a->reason);
        }
        tear_down(&w);
    }
}

/* A long one is cut, and no character of it in half. */
static void a_long_error_is_cut_between_characters(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        world w;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        char body[3100] = "";
        for (size_t i = 0; i < shift; i++)
            (void)strcat(body, "x");
        for (size_t i = 0; i < 1000; i++)
            (void)strcat(body, "\xe2\x82\xac");
        set_up(&w, OPENAI);
        w.raw = body;
        w.status = 400;
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        json_t *text = json_string(a->reason); /* NULL when it is not UTF-8 */
        assert_non_null(text);
        assert_non_null(strstr(a->reason, "\xe2\x82\xac (asked "));
        json_decref(text);
        tear_down(&w);
    }
}

static void a_header_without_an_end_fails_one_picture(void **state) {
    (void)state;
    world w;
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    set_up(&w, OPENAI);
    w.raw = "{}";
    w.headers = "X-Endless"; /* see server.h */
    const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_int_equal(a->code, GLIMPSE_E_LIMIT);
    assert_non_null(strstr(a->reason, "header"));
    w.headers = NULL;
    static const shape fine = {.replies = ONE("tred")};
    w.raw = NULL;
    w.shape = &fine;
    assert_int_equal(ask_at_v1(&w, &request)->outcome, GOOD); /* and the run goes on */
    tear_down(&w);
}

static void a_pause_that_is_too_long_is_said(void **state) {
    (void)state;
    static const char *const headers[] = {"Retry-After: 1000000000\r\n", "Retry-After: 1e12\r\n",
                                          "Retry-After: Fri, 31 Dec 2399 23:59:59 GMT\r\n",
                                          "Retry-After: inf\r\n"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        world w;
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        set_up(&w, OPENAI);
        w.raw = "{}";
        w.status = 429;
        w.headers = headers[i];
        const glimpse_vlm_answer *a = ask_at_v1(&w, &request);
        assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
        if (!strstr(a->reason, "asks to wait ten years or more"))
            fail_msg("%s%s", headers[i], a->reason);
        assert_int_equal(server_count(w.server), 1);
        tear_down(&w);
    }
}

static void a_server_that_is_not_there_fails_at_once(void **state) {
    (void)state;
    world w;
    char address[128];
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    set_up(&w, OPENAI);
    test_server *gone = server_start(play, &w);
    (void)snprintf(address, sizeof address, "%s/v1", server_url(gone));
    server_stop(gone);
    const glimpse_vlm_answer *a = ask(&w, address, &request);
    assert_int_equal(a->outcome, GLIMPSE_VLM_FAILED);
    assert_int_equal(a->requests, 1);
    assert_non_null(strstr(a->reason, address));
    assert_non_null(strstr(a->reason, "is the server running?"));
    /* It may be started later: the next question finds out. */
    assert_int_equal(ask(&w, address, &request)->outcome, GLIMPSE_VLM_FAILED);
    tear_down(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thinking_is_never_the_answer),
        cmocka_unit_test(json_is_found_wherever_it_stands),
        cmocka_unit_test(an_answer_that_is_not_whole_is_marked_and_not_kept),
        cmocka_unit_test(the_limit_is_the_tasks_or_the_users_and_raised_once),
        cmocka_unit_test(errors_inside_an_answer_are_no_answer),
        cmocka_unit_test(a_part_that_is_a_refusal_makes_the_answer_one),
        cmocka_unit_test(the_limit_is_raised_for_thinking_alone),
        cmocka_unit_test(a_count_beyond_all_integers_is_not_known),
        cmocka_unit_test(refusals_and_cannot_tell_are_known_in_four_languages),
        cmocka_unit_test(transparent_pictures_are_sent_over_a_background),
        cmocka_unit_test(packed_answers_are_unpacked_up_to_the_ceiling),
        cmocka_unit_test(errors_are_told_in_whatever_shape_they_come),
        cmocka_unit_test(a_long_error_is_cut_between_characters),
        cmocka_unit_test(a_header_without_an_end_fails_one_picture),
        cmocka_unit_test(a_pause_that_is_too_long_is_said),
        cmocka_unit_test(a_server_that_is_not_there_fails_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

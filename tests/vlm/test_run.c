/*
 * test_run.c - many questions promise: nothing is paid for twice, the expensive model is asked only
 * where the cheap one is unsure, limits hold, and every picture is answered or has its reason, also
 * when one in five requests fails and the run is killed in between.
 */
#include "support/pictures.h"

#include "support/server.h"

#include <glimpse/process.h>
#include <glimpse/response_cache.h>
#include <glimpse/sys/vlm.h>

#include "vlm/remote/remote.h"

#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

/* Answers every question with `text`, a score, or faults drawn from the picture's own bytes. */
typedef struct script {
    const char *text;
    int faults; /* 1: one request in five fails in some way */
    unsigned delay_ms;
    int tokens_in, tokens_out;
} script;

static void play(void *context, const server_request *request, server_reply *reply) {
    const script *s = context;
    reply->delay_ms = s->delay_ms;
    if (s->faults && request->number % 5 == 2) {
        switch (request->number / 5 % 8) {
        case 0: server_reply_with(reply, 429, strdup("{}")); break;
        case 1: server_reply_with(reply, 500, strdup("oops")); break;
        case 2:
            server_reply_with(reply, 529, strdup("{\"error\":{\"message\":\"overloaded\"}}"));
            break;
        case 3:
            server_reply_with(reply, 200, server_openai(s->text, 1, 1));
            reply->cut = 30;
            break;
        case 4: server_reply_with(reply, 200, strdup("{\"choices\": 3")); break;
        case 5: reply->drop = 1; break;
        case 6: /* for good: this picture is listed with its reason */
            server_reply_with(reply, 400, strdup("{\"error\":{\"message\":\"bad picture\"}}"));
            break;
        default:
            server_reply_with(reply, 200,
                              server_openai("I'm sorry, but I can't help with that.", 9, 9));
        }
        if (reply->status == 429)
            (void)snprintf(reply->headers, sizeof reply->headers, "Retry-After: 1\r\n");
        return;
    }
    server_reply_with(reply, 200,
                      server_openai(s->text, s->tokens_in ? s->tokens_in : 100,
                                    s->tokens_out ? s->tokens_out : 10));
}

static glimpse_vlm *open_at(const test_server *s, const char *model,
                            const glimpse_vlm_options *options) {
    glimpse_vlm_options defaults = GLIMPSE_VLM_OPTIONS_INIT;
    char spec[256];
    glimpse_vlm *vlm = NULL;
    defaults.config = "";
    defaults.backoff_scale = 1e-4;
    (void)snprintf(spec, sizeof spec, "openai:%s@%s/v1", model, server_url(s));
    assert_ok(glimpse_vlm_open(&vlm, spec, options ? options : &defaults));
    return vlm;
}

typedef struct gathered {
    glimpse_vlm_answer *answers[1100];
    size_t count;
    size_t outcomes[5];
} gathered;

static int gather(void *user, size_t i, const glimpse_vlm_request *request,
                  glimpse_vlm_answer **answer) {
    gathered *g = user;
    assert_true(i < 1100);
    assert_non_null(request);
    assert_null(g->answers[i]); /* once each */
    g->outcomes[(*answer)->outcome]++;
    g->answers[i] = *answer;
    g->count++;
    *answer = NULL;
    return GLIMPSE_OK;
}

static void gathered_free(gathered *g) {
    for (size_t i = 0; i < 1100; i++)
        glimpse_vlm_answer_free(g->answers[i]);
    memset(g, 0, sizeof *g);
}

static glimpse_vlm_request a_request(glimpse_vlm_picture *picture, const char *path,
                                     const char *text) {
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    *picture = GLIMPSE_VLM_PICTURE_INIT;
    picture->path = path;
    request.pictures = picture;
    request.picture_count = 1;
    request.text = text;
    return request;
}

static glimpse_vlm_answer *ask(glimpse_vlm *vlm, const glimpse_vlm_request *request,
                               const glimpse_vlm_run_options *options) {
    glimpse_vlm_answer *answer = NULL;
    assert_ok(glimpse_vlm_ask(&answer, vlm, request, options));
    return answer;
}

static void the_same_question_about_the_same_bytes_is_sent_once(void **state) {
    (void)state;
    char *directory = make_temp_directory(), database[1200], first[1200], moved[1200];
    (void)snprintf(database, sizeof database, "%s/answers.db", directory);
    (void)snprintf(first, sizeof first, "%s/a.ppm", directory);
    (void)snprintf(moved, sizeof moved, "%s/b.ppm", directory);
    write_picture(first, 8, 8, 1);
    script s = {.text = "rot \xf0\x9f\x94\xb4 \"quoted\"\nline"};
    test_server *server = server_start(play, &s);
    glimpse_vlm *vlm = open_at(server, "m", NULL), *other = open_at(server, "n", NULL);
    glimpse_response_cache *answers = NULL;
    assert_ok(glimpse_response_cache_open(&answers, database));
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.cache = glimpse_response_cache_calls(answers);
    glimpse_vlm_picture picture;
    glimpse_vlm_request request = a_request(&picture, first, "What is this?");
    glimpse_vlm_answer *a = ask(vlm, &request, &options), *b;
    assert_int_equal(a->cached, 0);
    assert_ok(rename(first, moved) == 0 ? GLIMPSE_OK : GLIMPSE_E_IO);
    picture.path = moved;
    /* In another process, as it were, and kept by a version that knew no identities. */
    glimpse_response_cache_close(answers);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DROP TABLE unindexed; PRAGMA user_version = 1", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(glimpse_response_cache_open(&answers, database));
    options.cache = glimpse_response_cache_calls(answers);
    b = ask(vlm, &request, &options);
    assert_int_equal(b->cached, 1);
    assert_string_equal(a->text, b->text);
    assert_int_equal(b->tokens_in, 100);
    assert_int_equal(b->requests, 0);
    assert_true(b->cost == 0.0);
    assert_int_equal(server_count(server), 1);
    glimpse_vlm_answer_free(a);
    glimpse_vlm_answer_free(b);
    /* Whatever may change the answer is another question. */
    size_t expected = 1;
    request.text = "What is that?";
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    glimpse_vlm_answer_free(ask(other, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    request.task = GLIMPSE_VLM_TEXT;
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    request.temperature = 0.5;
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    picture.label = "A:";
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    write_picture(moved, 8, 8, 2);
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    options.refresh = 1;
    glimpse_vlm_answer_free(ask(vlm, &request, &options));
    assert_int_equal(server_count(server), ++expected);
    int64_t count = 0;
    assert_ok(glimpse_response_cache_count(&count, answers));
    assert_int_equal(count, expected - 1);
    assert_ok(glimpse_response_cache_forget(&count, answers, glimpse_vlm_identity(other)));
    assert_int_equal(count, 1);
    assert_ok(glimpse_response_cache_forget(&count, answers, NULL));
    assert_int_equal(count, expected - 2);
    glimpse_response_cache_close(answers);
    glimpse_vlm_close(vlm);
    glimpse_vlm_close(other);
    server_stop(server);
    remove_tree(directory);
    free(directory);
}

static void a_library_keeps_answers_in_its_catalogue(void **state) {
    (void)state;
    char *directory = make_temp_directory(), path[1200];
    (void)snprintf(path, sizeof path, "%s/library", directory);
    glimpse_library *library = NULL;
    glimpse_response_cache *answers = NULL;
    script s = {.text = "{\"score\": 0.125}"};
    test_server *server = server_start(play, &s);
    glimpse_vlm *vlm = open_at(server, "m", NULL);
    glimpse_vlm_picture picture;
    glimpse_vlm_request request =
        a_request(&picture, source_path("tests/image/fixtures/jpeg_420.jpg"), "a red circle");
    request.operation = GLIMPSE_VLM_SCORE;
    for (int round = 0; round < 3; round++) {
        unsigned flags = round == 0   ? GLIMPSE_LIBRARY_CREATE
                         : round == 2 ? GLIMPSE_LIBRARY_READ_ONLY
                                      : 0;
        assert_ok(glimpse_library_open(&library, path, flags));
        assert_ok(glimpse_response_cache_open_library(&answers, library));
        glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
        options.cache = glimpse_response_cache_calls(answers);
        glimpse_vlm_answer *a = ask(vlm, &request, &options);
        assert_true(a->probability == 0.125);
        assert_true(a->confidence == 0.875);
        assert_string_equal(a->json, "{\"score\":0.125}");
        assert_int_equal(a->cached, round > 0);
        glimpse_vlm_answer_free(a);
        glimpse_response_cache_close(answers);
        glimpse_library_close(library);
    }
    assert_int_equal(server_count(server), 1);
    glimpse_vlm_close(vlm);
    server_stop(server);
    remove_tree(directory);
    free(directory);
}

static void count_problem(void *user, const char *text) {
    int *problems = user;
    if (strstr(text, "answer")) (*problems)++;
}

static void a_damaged_answer_is_asked_again_and_found_by_verify(void **state) {
    (void)state;
    char *directory = make_temp_directory(), path[1200], database[1300];
    (void)snprintf(path, sizeof path, "%s/library", directory);
    (void)snprintf(database, sizeof database, "%s/catalog.db", path);
    script s = {.text = "ten geese"};
    test_server *srv = server_start(play, &s);
    glimpse_vlm *vlm = open_at(srv, "m", NULL);
    glimpse_vlm_picture picture;
    glimpse_vlm_request request =
        a_request(&picture, source_path("tests/image/fixtures/jpeg_420.jpg"), "How many?");
    for (int round = 0; round < 2; round++) {
        glimpse_library *library = NULL;
        glimpse_response_cache *answers = NULL;
        int problems = 0;
        assert_ok(glimpse_library_open(&library, path, round ? 0 : GLIMPSE_LIBRARY_CREATE));
        (void)glimpse_library_verify(NULL, library, count_problem, &problems);
        assert_int_equal(problems, round);
        glimpse_library_close(library); /* it writes no more after damage was found */
        assert_ok(glimpse_library_open(&library, path, 0));
        assert_ok(glimpse_response_cache_open_library(&answers, library));
        glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
        options.cache = glimpse_response_cache_calls(answers);
        for (int i = 0; i < 2; i++) {
            glimpse_vlm_answer *a = ask(vlm, &request, &options);
            assert_string_equal(a->text, "ten geese");
            assert_int_equal(a->cached, i);
            glimpse_vlm_answer_free(a);
        }
        glimpse_response_cache_close(answers);
        glimpse_library_close(library);
        assert_int_equal(server_count(srv), round + 1);
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db,
                                      "UPDATE vlm_answer SET answer = replace(answer, 'ten', "
                                      "'two')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    glimpse_vlm_close(vlm);
    server_stop(srv);
    remove_tree(directory);
    free(directory);
}

/* Scores by what is asked: "sure ..." 0.95, "unsure ..." 0.5. */
static void judge(void *context, const server_request *request, server_reply *reply) {
    (void)context;
    char *texts = server_texts(request);
    int large = strstr(texts, "large-model") != NULL, unsure = strstr(texts, "unsure") != NULL;
    server_reply_with(reply, 200,
                      server_openai(large    ? "{\"score\": 0.99}"
                                    : unsure ? "{\"score\": 0.5}"
                                             : "{\"score\": 0.95}",
                                    100, 10));
    free(texts);
}

static void only_the_uncertain_go_to_the_second_tier(void **state) {
    (void)state;
    test_server *server = server_start(judge, NULL);
    glimpse_vlm *small = open_at(server, "small-model", NULL),
                *large = open_at(server, "large-model", NULL);
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.second = large;
    options.escalate_below = 0.8;
    glimpse_vlm_picture pictures[20];
    glimpse_vlm_request requests[20];
    for (size_t i = 0; i < 20; i++) {
        requests[i] = a_request(&pictures[i], source_path("tests/image/fixtures/jpeg_420.jpg"),
                                i % 4 == 0 ? "unsure one" : "sure one");
        requests[i].operation = GLIMPSE_VLM_SCORE;
    }
    gathered g = {0};
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    assert_ok(glimpse_vlm_run(&totals, small, requests, 20, &options, gather, &g));
    assert_int_equal(totals.escalated, 5);
    assert_int_equal(totals.requests, 25);
    assert_int_equal(server_count(server), 25);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(g.answers[i]->escalated, i % 4 == 0);
        assert_true(g.answers[i]->probability == (i % 4 == 0 ? 0.99 : 0.95));
        assert_int_equal(g.answers[i]->tokens_in, i % 4 == 0 ? 200 : 100);
        assert_non_null(strstr(g.answers[i]->model, i % 4 == 0 ? "large" : "small"));
    }
    size_t to_large = 0;
    for (size_t i = 0; i < server_count(server); i++)
        to_large += strstr(server_get(server, i)->text, "large-model") != NULL;
    assert_int_equal(to_large, 5);
    gathered_free(&g);
    glimpse_vlm_close(small);
    glimpse_vlm_close(large);
    server_stop(server);
}

/* Different answers, one after the other. */
static void vary(void *context, const server_request *request, server_reply *reply) {
    static const char *const texts[] = {"Two.", "three", "two", " TWO ", "CANNOT TELL"};
    (void)context;
    server_reply_with(reply, 200, server_openai(texts[request->number % 5], 100, 10));
}

static void samples_agree_or_not(void **state) {
    (void)state;
    test_server *server = server_start(vary, NULL);
    glimpse_vlm *vlm = open_at(server, "m", NULL);
    glimpse_vlm_picture picture;
    glimpse_vlm_request request =
        a_request(&picture, source_path("tests/image/fixtures/jpeg_420.jpg"), "How many?");
    request.samples = 5;
    glimpse_vlm_answer *a = ask(vlm, &request, NULL);
    assert_string_equal(a->text, "Two.");
    assert_int_equal(a->samples, 5);
    assert_true(a->agreement > 0.59 && a->agreement < 0.61);
    assert_int_equal(a->tokens_in, 500);
    assert_int_equal(server_count(server), 5);
    for (size_t i = 0; i < 5; i++) { /* drawn, and drawn differently */
        const json_t *body = server_get(server, i)->body;
        assert_true(json_number_value(json_object_get(body, "temperature")) == 0.7);
        assert_int_equal(json_integer_value(json_object_get(body, "seed")), i);
    }
    glimpse_vlm_answer_free(a);
    glimpse_vlm_close(vlm);
    server_stop(server);
}

static void requests_at_once_are_bounded(void **state) {
    (void)state;
    for (unsigned bound = 1; bound <= 3; bound += 2) {
        script s = {.text = "x", .delay_ms = 10};
        test_server *server = server_start(play, &s);
        glimpse_vlm_options o = GLIMPSE_VLM_OPTIONS_INIT;
        o.config = "";
        o.concurrency = bound;
        glimpse_vlm *vlm = open_at(server, "m", &o);
        glimpse_vlm_picture pictures[24];
        glimpse_vlm_request requests[24];
        char texts[24][32];
        for (size_t i = 0; i < 24; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "question %zu", i);
            requests[i] =
                a_request(&pictures[i], source_path("tests/image/fixtures/jpeg_420.jpg"), texts[i]);
        }
        gathered g = {0};
        assert_ok(glimpse_vlm_run(NULL, vlm, requests, 24, NULL, gather, &g));
        assert_int_equal(g.count, 24);
        assert_true(server_most_at_once(server) <= bound);
        gathered_free(&g);
        glimpse_vlm_close(vlm);
        server_stop(server);
    }
}

static struct {
    atomic_int wanted;
    const gathered *answers;
    test_server *server;
    size_t pauses;
} pausing;

static int pause_wanted(void) {
    return atomic_load(&pausing.wanted);
}

/* Nothing is on its way: what was sent was answered, and handed over. */
static void pause_run(void) {
    atomic_store(&pausing.wanted, 0);
    assert_int_equal(pausing.answers->count, server_count(pausing.server));
    pausing.pauses++;
}

static int gather_and_pause(void *user, size_t i, const glimpse_vlm_request *request,
                            glimpse_vlm_answer **answer) {
    const gathered *g = user;
    int status = gather(user, i, request, answer);
    if (g->count == 3 || g->count == 11) atomic_store(&pausing.wanted, 1);
    return status;
}

static void a_pause_waits_for_what_is_paid_for(void **state) {
    (void)state;
    script s = {.text = "x", .delay_ms = 5};
    test_server *server = server_start(play, &s);
    glimpse_vlm_options o = GLIMPSE_VLM_OPTIONS_INIT;
    o.config = "";
    o.concurrency = 4;
    glimpse_vlm *vlm = open_at(server, "m", &o);
    glimpse_vlm_picture pictures[24];
    glimpse_vlm_request requests[24];
    char texts[24][32];
    for (size_t i = 0; i < 24; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "question %zu", i);
        requests[i] =
            a_request(&pictures[i], source_path("tests/image/fixtures/jpeg_420.jpg"), texts[i]);
    }
    gathered g = {0};
    pausing.answers = &g;
    pausing.server = server;
    glimpse_set_pause(pause_wanted, pause_run);
    assert_ok(glimpse_vlm_run(NULL, vlm, requests, 24, NULL, gather_and_pause, &g));
    glimpse_set_pause(NULL, NULL);
    assert_int_equal(pausing.pauses, 2);
    assert_int_equal(g.count, 24);
    assert_int_equal(server_count(server), 24);
    gathered_free(&g);
    glimpse_vlm_close(vlm);
    server_stop(server);
}

static void equal_questions_of_one_run_are_sent_once(void **state) {
    (void)state;
    char *directory = make_temp_directory(), database[1200];
    (void)snprintf(database, sizeof database, "%s/answers.db", directory);
    script s = {.text = "x", .delay_ms = 20};
    test_server *server = server_start(play, &s);
    glimpse_vlm *vlm = open_at(server, "m", NULL);
    glimpse_response_cache *answers = NULL;
    assert_ok(glimpse_response_cache_open(&answers, database));
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.cache = glimpse_response_cache_calls(answers);
    glimpse_vlm_picture picture;
    glimpse_vlm_request requests[12];
    for (size_t i = 0; i < 12; i++) {
        requests[i] = a_request(&picture, source_path("tests/image/fixtures/jpeg_420.jpg"),
                                i % 2 ? "one?" : "two?");
    }
    gathered g = {0};
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    assert_ok(glimpse_vlm_run(&totals, vlm, requests, 12, &options, gather, &g));
    assert_int_equal(totals.answered, 12);
    assert_int_equal(totals.cached, 10);
    assert_int_equal(server_count(server), 2);
    gathered_free(&g);
    glimpse_response_cache_close(answers);
    glimpse_vlm_close(vlm);
    server_stop(server);
    remove_tree(directory);
    free(directory);
}

static void money_is_counted_and_the_limit_holds(void **state) {
    (void)state;
    char *directory = make_temp_directory(), prices[1200];
    (void)snprintf(prices, sizeof prices, "%s/prices.json", directory);
    script s = {.text = "x", .tokens_in = 1000, .tokens_out = 100};
    test_server *server = server_start(play, &s);
    write_formatted(
        prices,
        "{\"per\": 1000, \"models\": {\"openai:m@%s/v1\": {\"in\": 0.001, \"out\": 0.01, "
        "\"picture\": {\"base\": 1000, \"tile\": 0}}}}",
        server_url(server));
    glimpse_vlm_options o = GLIMPSE_VLM_OPTIONS_INIT;
    o.config = "";
    o.own_prices = prices;
    o.max_cost = 0.0201; /* each costs 0.001 + 0.001 = 0.002 */
    o.concurrency = 4;
    glimpse_vlm *vlm = open_at(server, "m", &o);
    glimpse_vlm_picture pictures[30];
    glimpse_vlm_request requests[30];
    char texts[30][32];
    for (size_t i = 0; i < 30; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "question %zu", i);
        requests[i] =
            a_request(&pictures[i], source_path("tests/image/fixtures/jpeg_420.jpg"), texts[i]);
        requests[i].max_tokens = 100;
    }
    gathered g = {0};
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    assert_ok(glimpse_vlm_run(&totals, vlm, requests, 30, NULL, gather, &g));
    assert_int_equal(totals.asked, 30);
    assert_int_equal(totals.failed, 0);
    assert_true(totals.cost <= 0.0201);
    assert_in_range(totals.answered, 8, 10); /* the estimate is a little above the price */
    assert_int_equal(totals.answered + totals.not_sent, 30);
    assert_true(totals.cost > 0.00199 * (double)totals.answered);
    assert_int_equal(server_count(server), totals.answered);
    for (size_t i = 0; i < 30; i++) {
        if (g.answers[i]->outcome == GLIMPSE_VLM_NOT_SENT)
            assert_non_null(strstr(g.answers[i]->reason, "cost limit"));
    }
    gathered_free(&g);
    /* A dry run sends nothing and says what it would. */
    size_t before = server_count(server);
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.dry_run = 1;
    assert_ok(glimpse_vlm_run(&totals, vlm, requests, 3, &options, gather, &g));
    assert_int_equal(totals.not_sent, 3);
    assert_true(totals.cost > 0.0059 && totals.cost < 0.0075);
    assert_non_null(strstr(g.answers[0]->text, "question 0"));
    assert_true(g.answers[0]->sent_width > 0);
    assert_null(strstr(g.answers[0]->text, "/9j/")); /* no picture in it */
    assert_int_equal(server_count(server), before);
    gathered_free(&g);
    glimpse_vlm_close(vlm);
    /* A damaged table is an error, not a price of nothing. */
    write_formatted(prices, "{\"models\": {\"openai:m@%s\": {\"in\": \"cheap\"}}}",
                    server_url(server));
    char spec[256];
    (void)snprintf(spec, sizeof spec, "openai:m@%s/v1", server_url(server));
    assert_int_equal(glimpse_vlm_open(&vlm, spec, &o), GLIMPSE_E_FORMAT);
    server_stop(server);
    remove_tree(directory);
    free(directory);
}

/* A program of a later version: its requests are larger, and so further apart. */
static void requests_are_as_far_apart_as_their_size_says(void **state) {
    (void)state;
    script s = {.text = "yes"};
    test_server *server = server_start(play, &s);
    glimpse_vlm *vlm = open_at(server, "m", NULL);
    glimpse_vlm_picture pictures[3];
    struct {
        glimpse_vlm_request known;
        uint64_t unknown;
    } requests[3];
    static const char *const texts[] = {"first", "second", "third"};
    for (size_t i = 0; i < 3; i++) {
        requests[i].known =
            a_request(&pictures[i], source_path("tests/image/fixtures/jpeg_420.jpg"), texts[i]);
        requests[i].known.size = sizeof requests[i];
        requests[i].unknown = 0;
    }
    gathered g = {0};
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    assert_ok(glimpse_vlm_run(&totals, vlm, &requests[0].known, 3, NULL, gather, &g));
    assert_int_equal(totals.answered, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(g.answers[i]->text, "yes");
    assert_int_equal(server_count(server), 3);
    gathered_free(&g);
    requests[1].unknown = 1; /* asks for what nobody knows here */
    assert_int_equal(glimpse_vlm_run(&totals, vlm, &requests[0].known, 3, NULL, gather, &g),
                     GLIMPSE_E_UNSUPPORTED);
    gathered_free(&g);
    requests[1].unknown = 0;
    requests[2].known.size = sizeof requests[2].known;
    assert_int_equal(glimpse_vlm_run(&totals, vlm, &requests[0].known, 3, NULL, gather, &g),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "request 2"));
    gathered_free(&g);
    requests[0].known.size = 0;
    assert_int_equal(glimpse_vlm_run(&totals, vlm, &requests[0].known, 3, NULL, gather, &g),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "GLIMPSE_VLM_REQUEST_INIT"));
    assert_int_equal(g.count, 0);
    totals.size = 0;
    assert_int_equal(glimpse_vlm_run(&totals, vlm, NULL, 0, NULL, gather, &g), GLIMPSE_E_INVALID);
    glimpse_vlm_close(vlm);
    server_stop(server);
}

static void rates_leave_room_between_requests(void **state) {
    (void)state;
    glimpse_pace pace = {2.0, 0.0}; /* a clock of the test's own: no waiting */
    assert_true(glimpse_pace_reserve(&pace, 100.0, 1.0) == 100.0);
    assert_true(glimpse_pace_reserve(&pace, 100.0, 1.0) == 100.5);
    assert_true(glimpse_pace_reserve(&pace, 100.0, 4.0) == 101.0);
    assert_true(glimpse_pace_reserve(&pace, 100.0, 1.0) == 103.0);
    assert_true(glimpse_pace_reserve(&pace, 200.0, 1.0) == 200.0); /* no burst is saved up */
    glimpse_pace none = {0.0, 0.0};
    assert_true(glimpse_pace_reserve(&none, 7.0, 1e9) == 7.0);
}

static int stop_now(void *user) {
    (void)user;
    return 1;
}

static void a_run_stops_when_asked(void **state) {
    (void)state;
    script s = {.text = "x"};
    test_server *server = server_start(play, &s);
    glimpse_vlm *vlm = open_at(server, "m", NULL);
    glimpse_vlm_picture picture;
    glimpse_vlm_request request =
        a_request(&picture, source_path("tests/image/fixtures/jpeg_420.jpg"), "x?");
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.cancelled = stop_now;
    gathered g = {0};
    assert_int_equal(glimpse_vlm_run(NULL, vlm, &request, 1, &options, gather, &g),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(g.count, 0);
    assert_int_equal(server_count(server), 0);
    glimpse_vlm_close(vlm);
    server_stop(server);
}

/*
 * A thousand pictures.
 */
enum { PICTURES = 1000 };

static int run_thousand(const char *url, const char *directory, gathered *g,
                        glimpse_vlm_totals *totals) {
    char spec[256], database[1200];
    static char paths[PICTURES][1200];
    static glimpse_vlm_picture pictures[PICTURES];
    static glimpse_vlm_request requests[PICTURES];
    glimpse_vlm *vlm = NULL;
    glimpse_response_cache *answers = NULL;
    glimpse_vlm_options o = GLIMPSE_VLM_OPTIONS_INIT;
    o.config = "";
    o.backoff_scale = 1e-4;
    o.concurrency = 8;
    (void)snprintf(spec, sizeof spec, "openai:m@%s/v1", url);
    (void)snprintf(database, sizeof database, "%s/answers.db", directory);
    for (unsigned i = 0; i < PICTURES; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%04u.ppm", directory, i);
        requests[i] = a_request(&pictures[i], paths[i], NULL);
        requests[i].operation = GLIMPSE_VLM_CAPTION;
    }
    int status = glimpse_vlm_open(&vlm, spec, &o);
    if (status == GLIMPSE_OK) status = glimpse_response_cache_open(&answers, database);
    glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    options.cache = glimpse_response_cache_calls(answers);
    if (status == GLIMPSE_OK) {
        status = glimpse_vlm_run(totals, vlm, requests, PICTURES, &options, gather, g);
    }
    glimpse_response_cache_close(answers);
    glimpse_vlm_close(vlm);
    return status;
}

/* What the killed process does: see below. */
static int child(const char *url, const char *directory) {
    static gathered g;
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    return run_thousand(url, directory, &g, &totals) < 0;
}

/* How many answers were given for each picture; by the bytes that came. */
static size_t answered_twice(test_server *server) {
    typedef struct seen {
        void *bytes;
        size_t size;
        int good;
    } seen;
    size_t count = server_count(server), twice = 0, used = 0;
    seen *all = calloc(count + 1, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        const server_request *r = server_get(server, i);
        if (r->number % 5 == 2) continue; /* a fault: to be asked again, or refused */
        seen s = {NULL, 0, 0};
        s.bytes = server_picture(r, 0, &s.size);
        size_t k = 0;
        while (k < used && (all[k].size != s.size || memcmp(all[k].bytes, s.bytes, s.size) != 0))
            k++;
        if (k < used) {
            twice++;
            free(s.bytes);
        } else {
            all[used++] = s;
        }
    }
    for (size_t i = 0; i < used; i++)
        free(all[i].bytes);
    free(all);
    return twice;
}

static void a_thousand_pictures_with_faults_killed_and_resumed(void **state) {
    (void)state;
    char *directory = make_temp_directory(), path[1200];
    for (unsigned i = 0; i < PICTURES; i++) {
        (void)snprintf(path, sizeof path, "%s/%04u.ppm", directory, i);
        write_picture(path, 8, 8, i + 1);
    }
    script s = {.text = "ein kleines Bild \xc3\xa4\xf0\x9f\x90\xa6", .faults = 1};
    test_server *server = server_start(play, &s);
    char url[64];
    (void)snprintf(url, sizeof url, "%s", server_url(server));
    char self[] = "/proc/self/exe", mode[] = "--run-thousand";
    char *arguments[] = {self, mode, url, directory, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, self, NULL, NULL, arguments, environ), 0);
    while (server_count(server) < 300) {
        struct timespec pause = {0, 2000000};
        int status;
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0); /* it must not end by itself */
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    size_t at_kill = server_count(server);
    assert_in_range(at_kill, 300, 1200);

    static gathered g;
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    assert_ok(run_thousand(url, directory, &g, &totals));
    assert_int_equal(g.count, PICTURES);
    assert_int_equal(totals.asked, PICTURES);
    assert_int_equal(totals.answered + totals.refused + totals.failed, PICTURES);
    assert_true(totals.cached > 150);
    assert_true(totals.failed > 0 && totals.failed < 60);
    assert_true(totals.refused > 0);
    for (size_t i = 0; i < PICTURES; i++) {
        const glimpse_vlm_answer *a = g.answers[i];
        if (a->outcome == GLIMPSE_VLM_ANSWERED)
            assert_string_equal(a->text, s.text);
        else
            assert_true(strlen(a->reason) > 10);
    }
    /* Asked twice are at most those whose answer was on its way when the process died. */
    assert_true(answered_twice(server) <= 8);
    gathered_free(&g);
    /* Once more: only what failed is asked again. */
    size_t before = server_count(server);
    uint64_t failed = totals.failed;
    assert_ok(run_thousand(url, directory, &g, &totals));
    assert_int_equal(totals.cached, PICTURES - failed);
    assert_true(server_count(server) - before <= 3 * failed + 3);
    gathered_free(&g);
    server_stop(server);
    remove_tree(directory);
    free(directory);
}

int main(int argc, char **argv) {
    (void)unsetenv("GLIMPSE_VLM_KEY");
    if (argc == 4 && strcmp(argv[1], "--run-thousand") == 0) return child(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_question_about_the_same_bytes_is_sent_once),
        cmocka_unit_test(a_library_keeps_answers_in_its_catalogue),
        cmocka_unit_test(a_damaged_answer_is_asked_again_and_found_by_verify),
        cmocka_unit_test(only_the_uncertain_go_to_the_second_tier),
        cmocka_unit_test(samples_agree_or_not),
        cmocka_unit_test(requests_at_once_are_bounded),
        cmocka_unit_test(a_pause_waits_for_what_is_paid_for),
        cmocka_unit_test(equal_questions_of_one_run_are_sent_once),
        cmocka_unit_test(money_is_counted_and_the_limit_holds),
        cmocka_unit_test(requests_are_as_far_apart_as_their_size_says),
        cmocka_unit_test(rates_leave_room_between_requests),
        cmocka_unit_test(a_run_stops_when_asked),
        cmocka_unit_test(a_thousand_pictures_with_faults_killed_and_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Pictures on the web as queries: only when asked for, from a server that is not to be trusted.
 */
#include "support/commands.h"

#include "support/server.h"

#include <dirent.h>

enum { PICTURES = 6 };

static test_server *server;

static void send_file(server_reply *reply, const char *path) {
    reply->body = read_whole_file(path, &reply->size);
}

static void answer(void *context, const server_request *r, server_reply *reply) {
    (void)context;
    reply->status = 200;
    if (strcmp(r->path, "/p3.ppm") == 0) {
        send_file(reply, "pictures/p3.ppm");
    } else if (strcmp(r->path, "/moved") == 0) {
        reply->status = 302;
        (void)snprintf(reply->headers, sizeof reply->headers, "Location: p3.ppm\r\n");
    } else if (strcmp(r->path, "/round") == 0) {
        reply->status = 302;
        (void)snprintf(reply->headers, sizeof reply->headers, "Location: /round\r\n");
    } else if (strcmp(r->path, "/file") == 0) {
        reply->status = 302;
        (void)snprintf(reply->headers, sizeof reply->headers, "Location: file:///etc/passwd\r\n");
    } else if (strcmp(r->path, "/cut") == 0) {
        send_file(reply, "pictures/p3.ppm");
        reply->cut = 100;
    } else if (strcmp(r->path, "/page") == 0) {
        reply->body = strdup("<html>sign in</html>");
    } else {
        reply->status = 404;
    }
}

static int setup(void **state) {
    run_result r;
    run_setup(state);
    make_parents("pictures/x");
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/p%u.ppm", i);
        write_picture(name, 40 + 3 * i, 40, i);
    }
    make_parents("tmp/x");
    run(&r, "index", "pictures", "--model", "demo", "-l", "lib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    server = server_start(answer, NULL);
    return setenv("TMPDIR", "tmp", 1);
}

static int teardown(void **state) {
    server_stop(server);
    return run_teardown(state);
}

static const char *address(const char *path) {
    static char text[256];
    (void)snprintf(text, sizeof text, "%s%s", server_url(server), path);
    return text;
}

static void expect_nothing_left(void) {
    DIR *directory = opendir("tmp");
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        assert_true(*entry->d_name == '.');
    (void)closedir(directory);
}

static void an_address_asks_nobody_without_network(void **state) {
    (void)state;
    run_result r;
    const size_t before = server_count(server);
    run(&r, "search", address("/p3.ppm"), "-l", "lib", NULL);
    expect(&r, 2);
    expect_err(&r, "--network fetches it");
    run_free(&r);
    run(&r, "similar", address("/p3.ppm"), "-l", "lib", NULL);
    assert_int_not_equal(r.code, 0);
    expect_err(&r, "--network");
    run_free(&r);
    char quoted[300];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", address("/p3.ppm"));
    run(&r, "search", quoted, "-l", "lib", "--paths", NULL); /* words */
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(server_count(server), before);
}

static void a_picture_on_the_web_finds_what_the_file_finds(void **state) {
    (void)state;
    static const char *const paths[] = {"/p3.ppm", "/moved"};
    run_result file, web;
    for (size_t i = 0; i < 2; i++) {
        run(&file, "search", "pictures/p3.ppm", "--no-collapse", "+", "red", "-l", "lib", "--tsv",
            NULL);
        expect(&file, 0);
        run(&web, "search", address(paths[i]), "--no-collapse", "+", "red", "-l", "lib", "--tsv",
            "--network", NULL);
        expect(&web, 0);
        assert_string_equal(web.out, file.out);
        run_free(&file);
        run_free(&web);
        /* The picture itself is left out, as if it had been named by its file. */
        run(&file, "similar", "pictures/p3.ppm", "-l", "lib", "--paths", NULL);
        expect(&file, 0);
        run(&web, "similar", address(paths[i]), "-l", "lib", "--paths", "--network", NULL);
        expect(&web, 0);
        assert_string_equal(web.out, file.out);
        assert_null(strstr(web.out, "p3.ppm"));
        run_free(&file);
        run_free(&web);
    }
    expect_nothing_left();
}

static void what_a_server_does_wrong_is_an_error_that_names_the_address(void **state) {
    (void)state;
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"/nothing", "has no such file (404)"}, {"/round", "redirects more than"},
        {"/file", "no address of the web"},     {"/cut", "/cut: "},
        {"/page", "/page: not a picture"},
    };
    run_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run(&r, "search", address(cases[i].path), "-l", "lib", "--network", NULL);
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].expected);
        expect_err(&r, "http://127.0.0.1:");
        assert_null(strstr(r.err, "glimpse-query"));
        run_free(&r);
    }
    run(&r, "search", "http://127.0.0.1:1/p.jpg", "-l", "lib", "--network", NULL);
    assert_int_not_equal(r.code, 0);
    expect_err(&r, "http://127.0.0.1:1/p.jpg: ");
    run_free(&r);
    run(&r, "search", "http://a.example/p.jpg red", "-l", "lib", "--network", NULL);
    expect(&r, 2);
    expect_err(&r, "put a + between");
    run_free(&r);
    expect_nothing_left();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_asks_nobody_without_network),
        cmocka_unit_test(a_picture_on_the_web_finds_what_the_file_finds),
        cmocka_unit_test(what_a_server_does_wrong_is_an_error_that_names_the_address),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/*
 * test_edited_files.c - another program writes a rating into files: they stay the pictures that
 * they were, with all that is stored, also in a library that glimpse 0.1 wrote, and when they are
 * moved.
 */
#include "support/commands.h"
#include "support/endpoint.h"

#include "library_private.h"
#include "sqlite_store.h"

#include <signal.h>
#include <sys/wait.h>

#define FIXTURE "library-schema-7"

static int setup(void **state) {
    if (run_setup(state) != 0) return -1;
    run_result r;
    char command[8192];
    (void)snprintf(command, sizeof command,
                   "cp -R '%s' library && chmod -R u+w library && rm -r library/state && "
                   "cp -R '%s' pictures && chmod -R u+w pictures",
                   source_path("tests/fixtures/" FIXTURE), source_path("data/demo"));
    run_shell(&r, command);
    int code = r.code;
    run_free(&r);
    return code;
}

/* XMP with a rating behind the first two bytes of every JPEG; each round another. */
static void rate(const char *directory, int rating) {
    char command[1024];
    run_result r;
    (void)snprintf(command, sizeof command,
                   "find %s -name '*.jpg' | while read f; do"
                   " { head -c 2 \"$f\"; printf '\\377\\341\\000\\047http://ns.adobe.com/xap/1.0/"
                   "\\000%%08d' %d; tail -c +3 \"$f\"; } >rated && mv rated \"$f\"; done",
                   directory, rating);
    run_shell(&r, command);
    expect(&r, 0);
    run_free(&r);
}

static json_t *index_of(const char *directory) {
    run_result r;
    run(&r, "index", directory, "--json", "--model", "demo", "--library", "library", NULL);
    if (r.code != 0 && r.code != 3) expect(&r, 0);
    json_t *report = run_json(&r);
    run_free(&r);
    return report;
}

static char *output_of(const char *line) {
    run_result r;
    run_shell(&r, line);
    expect(&r, 0);
    char *text = strdup(r.out);
    assert_non_null(text);
    run_free(&r);
    return text;
}

#define ON "--library library --model demo"
static const char *const questions[] = {
    "\"$G\" search 'a bat' -k 200 --json " ON " | grep -o '\"id\":\"[0-9a-f]*\"' | sort",
    "\"$G\" search 'a picture' --all-scores --label airplane -k 200 --json " ON
    " | grep -o '\"id\":\"[0-9a-f]*\"'",
    "\"$G\" caption --library library --stored -q | cut -f 2 | sort",
    "\"$G\" dedup --decisions --library library | grep -c '^[0-9]'",
};

static void ratings_change_nothing_that_is_stored(void **state) {
    (void)state;
    char *before[sizeof questions / sizeof *questions];
    json_t *report = index_of("pictures"); /* upgrades, and learns identities of what it knew */
    const json_int_t files = (json_int_t)number_at(report, "files");
    assert_true(number_at(report, "bound") >= 13);
    assert_int_equal(number_at(report, "edited"), 0);
    json_decref(report);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        before[i] = output_of(questions[i]);
    for (int round = 1; round <= 2; round++) {
        rate(round == 1 ? "pictures" : "moved", round);
        if (round == 1) free(output_of("mv pictures moved"));
        report = index_of("moved");
        assert_int_equal(number_at(report, "files"), files);
        assert_int_equal(number_at(report, "embedded"), 0);
        assert_true(number_at(report, "edited") > 150);
        assert_int_equal(number_at(report, "busy.encode"), 0);
        json_decref(report);
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            char *after = output_of(questions[i]);
            assert_string_equal(after, before[i]);
            free(after);
        }
        /* The bytes of before are not needed for it. */
        free(output_of("\"$G\" prune --library library && \"$G\" verify --library library"));
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        free(before[i]);
}

/*
 * Answers that were paid for, and decisions: of files that a library has, of those that it has not
 * seen since they were edited, and of those that it never knew.
 */
static void answer_with_text(const endpoint_question *question, endpoint_reply *reply) {
    (void)question;
    (void)snprintf(reply->body, sizeof reply->body, "{\"text\": \"a %s\"}", question->operation);
}

/* A comment in every picture of a format that has nothing else. */
static void comment(const char *directory, int rating) {
    char command[1024];
    (void)snprintf(command, sizeof command, "sed -i '1a # rated %d' %s/*.ppm", rating, directory);
    free(output_of(command));
}

static void make_paid(const char *directory) {
    char command[8192], path[128];
    (void)snprintf(command, sizeof command, "mkdir '%s' && cp '%s' '%s'/a.jpg && chmod u+w '%s'/*",
                   directory, source_path("tests/image/fixtures/jpeg_420.jpg"), directory,
                   directory);
    free(output_of(command));
    (void)snprintf(path, sizeof path, "%s/b.ppm", directory);
    write_picture(path, 40, 30, 7);
}

static void edit_paid(const char *directory, int rating) {
    rate(directory, rating);
    comment(directory, rating);
}

static void ask_both(const char *directory, const char *library) {
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "cd %s && \"$G\" ask -q %s%s --model %s 'what is it?' *.??g *.ppm && \"$G\" "
                   "caption -q %s%s --model %s .",
                   directory, *library ? "--library ../" : "", library, endpoint_spec,
                   *library ? "--library ../" : "", library, endpoint_spec);
    free(output_of(command));
}

static void a_paid_answer_is_not_paid_again_for_an_edited_file(void **state) {
    (void)state;
    static const struct {
        const char *directory, *library;
        int index;
    } cases[] = {{"alone", "", 0}, {"beside", "library", 0}, {"inside", "library", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *directory = cases[i].directory, *library = cases[i].library;
        endpoint_start(answer_with_text);
        make_paid(directory);
        if (cases[i].index) json_decref(index_of(directory));
        ask_both(directory, library);
        assert_int_equal(endpoint_count(), 4); /* a question and a caption of each */
        ask_both(directory, library);
        edit_paid(directory, 1);
        ask_both(directory, library); /* before the library sees it */
        assert_int_equal(endpoint_count(), 4);
        if (cases[i].index) json_decref(index_of(directory));
        edit_paid(directory, 2);
        char command[256];
        (void)snprintf(command, sizeof command, "cd %s && mv a.jpg c.jpg && mv b.ppm d.ppm",
                       directory);
        free(output_of(command));
        if (*library) json_decref(index_of(directory)); /* those beside it come into it */
        ask_both(directory, library);
        edit_paid(directory, 3);
        ask_both(directory, library);
        assert_int_equal(endpoint_count(), 4);
        endpoint_stop();
    }
}

static void a_stored_caption_is_found_before_the_library_sees_the_edit(void **state) {
    (void)state;
    endpoint_start(answer_with_text);
    make_paid("captioned");
    json_decref(index_of("captioned"));
    char command[512];
    (void)snprintf(command, sizeof command,
                   "\"$G\" caption -q --library library --store --model %s captioned",
                   endpoint_spec);
    free(output_of(command));
    const size_t asked = endpoint_count();
    edit_paid("captioned", 1);
    char *found = output_of("\"$G\" caption -q --library library --stored captioned");
    assert_non_null(strstr(found, "a.jpg\ta caption"));
    assert_non_null(strstr(found, "b.ppm\ta caption"));
    free(found);
    assert_int_equal(endpoint_count(), asked);
    endpoint_stop();
}

static json_int_t groups_of(const char *directory) {
    run_result r;
    run(&r, "dedup", directory, "--json", "-q", "--library", "library", NULL);
    json_t *report = run_json(&r);
    const json_int_t count = (json_int_t)json_array_size(json_object_get(report, "groups"));
    json_decref(report);
    run_free(&r);
    return count;
}

static void decisions_outlive_edits_moves_and_being_indexed(void **state) {
    (void)state;
    static const char *const kinds[] = {"--not-duplicates", "--keep-all"};
    for (int known = 0; known < 2; known++) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            run_result r;
            char command[8192];
            (void)snprintf(command, sizeof command,
                           "rm -rf library pair moved && \"$G\" index -q --library library --model "
                           "demo '%s' && mkdir pair && cp '%s' pair/a.jpg && cp '%s' pair/b.jpg &&"
                           " chmod u+w pair/*",
                           source_path("data/demo/night"),
                           source_path("data/demo/animals/crocodile-sunset-060.jpg"),
                           source_path("data/demo/edited/recompressed-02.jpg"));
            free(output_of(command));
            if (known) json_decref(index_of("pair"));
            assert_int_equal(groups_of("pair"), 1);
            run(&r, "dedup", kinds[i], "pair/a.jpg", "pair/b.jpg", "--library", "library", NULL);
            expect(&r, 0);
            run_free(&r);
            assert_int_equal(groups_of("pair"), 0);
            rate("pair", 1);
            assert_int_equal(groups_of("pair"), 0);
            free(
                output_of("mkdir moved && mv pair/a.jpg moved/c.jpg && mv pair/b.jpg moved/d.jpg"));
            rate("moved", 2);
            assert_int_equal(groups_of("moved"), 0);
            json_decref(index_of("moved"));
            assert_int_equal(groups_of("moved"), 0);
            rate("moved", 3);
            assert_int_equal(groups_of("moved"), 0);
            /* Of one of them a second file, edited otherwise: nobody said that these differ. */
            free(output_of("cp moved/c.jpg moved/e.jpg && touch moved/e.jpg"));
            rate("moved", 4);
            free(output_of("cp moved/c.jpg moved/e.jpg"));
            rate("moved/e.jpg", 5);
            assert_int_equal(groups_of("moved"), 1);
        }
    }
}

/* What a search for duplicates says of a file: its own size, and the id of its picture. */
static void expect_said_of(const char *directory, char id[33], int known) {
    run_result r;
    run(&r, "dedup", directory, "--json", "-q", "--library", "library", NULL);
    json_t *report = run_json(&r);
    const json_t *members =
        json_object_get(json_array_get(json_object_get(report, "groups"), 0), "members");
    assert_int_equal(json_array_size(members), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *member = json_array_get(members, i);
        const char *path = text_at(member, "path");
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(number_at(member, "bytes"), info.st_size);
        if (!strstr(path, "/a.jpg")) continue;
        if (known) assert_string_equal(text_at(member, "id"), id);
        (void)snprintf(id, 33, "%s", text_at(member, "id"));
    }
    json_decref(report);
    run_free(&r);
}

static void a_search_for_duplicates_says_the_picture_s_id_and_the_file_s_size(void **state) {
    (void)state;
    char command[8192], id[33] = "";
    (void)snprintf(command, sizeof command,
                   "rm -rf library && mkdir said && cp '%s' said/a.jpg && cp '%s' said/b.jpg && "
                   "chmod u+w said/*",
                   source_path("data/demo/animals/crocodile-sunset-060.jpg"),
                   source_path("data/demo/edited/recompressed-02.jpg"));
    free(output_of(command));
    json_decref(index_of("said"));
    expect_said_of("said", id, 0);
    expect_said_of("said", id, 1); /* from the library */
    for (int round = 1; round < 3; round++) {
        rate("said", round);
        expect_said_of("said", id, 1); /* before the library sees the edit */
        json_decref(index_of("said"));
        expect_said_of("said", id, 1);
        expect_said_of("said", id, 1);
        /* One byte of a comment more: another size. */
        free(
            output_of("for f in said/*.jpg; do { head -c 2 \"$f\"; printf '\\377\\376\\000\\003x'; "
                      "tail -c +3 \"$f\"; } >longer && mv longer \"$f\"; done"));
        json_decref(index_of("said"));
        expect_said_of("said", id, 1);
    }
    char *listed = output_of("\"$G\" status --library library --files --json");
    assert_non_null(strstr(listed, id));
    free(listed);
}

/*
 * The library of 0.1 with its files where they were: upgraded, with kills, by whatever comes first,
 * and only then are the files edited.
 */
#define OLD "upgraded/library"

static void make_old_library(void) {
    char command[8192];
    (void)snprintf(
        command, sizeof command,
        "rm -rf upgraded && mkdir -p upgraded/photos/animals upgraded/photos/vehicles && "
        "cp -R '%s' " OLD " && chmod -R u+w " OLD " && cd upgraded/photos && D='%s' && "
        "cp \"$D\"/edited/bigger-07.jpg . && cp \"$D\"/*/giraffe-gray-048.jpg . && "
        "for n in bat-cow-desert-244 bat-room-054 bat-sky-180 bee-sea-035 "
        "camel-desert-007 cat-dog-room-005; do cp \"$D\"/animals/$n.jpg animals; done && "
        "for n in airplane-grass-087.png airplane-sky-088.webp bicycle-city-019.webp "
        "bicycle-grass-085.jpg; do cp \"$D\"/vehicles/$n vehicles; done && "
        "cp animals/bat-cow-desert-244.jpg copy.jpg && chmod -R u+w . && "
        "find . -type f -exec touch -d @1767323045 {} +",
        source_path("tests/fixtures/" FIXTURE), source_path("data/demo"));
    free(output_of(command));
    glimpse_db *db = NULL;
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/upgraded/photos", run_directory);
    assert_ok(glimpse_db_open(&db, OLD "/catalog.db", 0));
    assert_ok(glimpse_db_begin(db));
    assert_ok(glimpse_db_run(
        db,
        "UPDATE file SET path = CAST(?1 || substr(CAST(path AS TEXT), length('/srv/photos') + 1)"
        " AS BLOB)",
        "t", path));
    assert_ok(glimpse_db_run(
        db,
        "UPDATE file SET sum = glimpse_sum(path, size, mtime_ns, inode, missing, content_id, code,"
        " reason)",
        ""));
    assert_ok(glimpse_db_commit(db));
    glimpse_db_close(db);
}

/* Kills this process after so many looks of SQLite at its progress. */
typedef struct fuse {
    long left, passed;
} fuse;
static fuse *lit;

static int burn(void *user) {
    (void)user;
    if (!lit) return 0;
    lit->passed++;
    if (lit->left >= 0 && lit->left-- == 0) (void)kill(getpid(), SIGKILL);
    return 0;
}

static int watch(sqlite3 *connection, char **error, const void *calls) {
    enum { INSTRUCTIONS = 50 };
    (void)error;
    (void)calls;
    sqlite3_progress_handler(connection, INSTRUCTIONS, burn, NULL);
    return SQLITE_OK;
}

static int upgrade(fuse *f, int whole) {
    glimpse_library *library = NULL;
    lit = f;
    int status = glimpse_library_open(&library, OLD, 0);
    if (status == GLIMPSE_OK && whole) {
        status = glimpse_library_identify(library, 1, NULL, NULL);
    }
    glimpse_library_close(library);
    lit = NULL;
    return status;
}

static int64_t unidentified(void) {
    int64_t count = -1;
    glimpse_db *db = NULL;
    assert_ok(glimpse_db_open(&db, OLD "/catalog.db", 0));
    assert_ok(
        glimpse_db_integer(db, &count, "SELECT count(*) FROM picture WHERE identity IS NULL", ""));
    glimpse_db_close(db);
    return count;
}

static void edits_after_a_killed_upgrade_lose_nothing_and_encode_nothing(void **state) {
    /* In the catalogue's own upgrade, which is one transaction and takes as many looks in every
     * run; and in what is left to do after it, which commits by the clock: how many of its points
     * are ever reached depends on how busy the machine is. */
    enum { POINTS = 24, LATER_POINTS = 8 };
    (void)state;
    (void)sqlite3_auto_extension((void (*)(void))watch);
    make_old_library();
    fuse opening = {-1, 0}, later = {-1, 0};
    assert_ok(upgrade(&opening, 0));
    assert_ok(upgrade(&later, 1));
    make_old_library();
    int killed = 0;
    for (int i = 0; i < POINTS + LATER_POINTS; i++) {
        (void)fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            fuse f = {i < POINTS ? opening.passed * i / POINTS
                                 : later.passed * (i - POINTS) / LATER_POINTS,
                      0};
            _exit(upgrade(&f, 1) < 0 ? 12 : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        if (!WIFSIGNALED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_true(killed >= 20);
    sqlite3_reset_auto_extension();

    static const char *const old_questions[] = {
        "\"$G\" search 'a bat' -k 200 --json --library " OLD
        " --model demo | grep -o '\"id\":\"[0-9a-f]*\"' | sort",
        "\"$G\" search 'a picture' --all-scores --label airplane -k 9 --json --library " OLD
        " --model demo | grep -o '\"id\":\"[0-9a-f]*\"'",
        "\"$G\" caption --library " OLD " --stored -q | cut -f 2 | sort",
        "\"$G\" dedup --decisions --library " OLD " | grep -c '^[0-9]'",
    };
    char *before[sizeof old_questions / sizeof *old_questions];
    for (size_t i = 0; i < sizeof old_questions / sizeof *old_questions; i++)
        before[i] = output_of(old_questions[i]); /* the first goes on with the upgrade */
    assert_int_equal(unidentified(), 0);
    rate("upgraded/photos", 4);
    free(
        output_of("find upgraded/photos -name '*.png' | while read f; do { head -c 33 \"$f\"; "
                  "printf '\\000\\000\\000\\010tEXtRating\\0004....'; tail -c +34 \"$f\"; } >rated "
                  "&& mv rated \"$f\"; done && mv upgraded/photos/animals upgraded/photos/beasts"));
    run_result r;
    run(&r, "index", "upgraded/photos", "--json", "--model", "demo", "--library", OLD, NULL);
    expect(&r, 0);
    json_t *report = run_json(&r);
    assert_int_equal(number_at(report, "embedded"), 0);
    assert_int_equal(number_at(report, "edited"), 10); /* 11 files, two of them with equal bytes */
    json_decref(report);
    run_free(&r);
    for (size_t i = 0; i < sizeof old_questions / sizeof *old_questions; i++) {
        char *after = output_of(old_questions[i]);
        assert_string_equal(after, before[i]);
        free(after);
        free(before[i]);
    }
    free(output_of("\"$G\" verify --library " OLD));
}

/* Said once, to people. */
static void the_first_command_says_what_it_does_and_the_next_is_silent(void **state) {
    (void)state;
    run_result r;
    make_old_library();
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    expect_err(&r, "this library comes from an older glimpse: its pictures are read once");
    run_free(&r);
    assert_int_equal(unidentified(), 0);
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    /* What is gone or was edited before is left to the next run of index, and is not forgotten. */
    make_old_library();
    free(output_of("rm upgraded/photos/copy.jpg upgraded/photos/animals/b*"));
    rate("upgraded/photos/vehicles", 1);
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", "-q", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    assert_true(unidentified() > 0);
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    expect_err(&r, "not yet identified: until they are, do not edit their files");
    run_free(&r);
    run(&r, "index", "upgraded/photos", "--library", OLD, "--model", "demo", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
}

static void a_disk_that_is_away_is_waited_for(void **state) {
    (void)state;
    run_result r;
    make_old_library();
    free(output_of("mv upgraded/photos upgraded/away"));
    for (int round = 0; round < 2; round++) {
        run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
        expect(&r, 0);
        expect_err(&r, "pictures are not yet identified: until they are, do not edit their files");
        run_free(&r);
        assert_true(unidentified() > 0);
    }
    run(&r, "status", "--library", OLD, NULL);
    expect(&r, 0);
    expect_out(&r, "pictures are not yet identified");
    run_free(&r);
    free(output_of("mv upgraded/away upgraded/photos"));
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(unidentified(), 0);
    run(&r, "status", "--json", "--library", OLD, NULL);
    expect(&r, 0);
    expect_out(&r, "\"unidentified\":0");
    run_free(&r);
}

/* Copied back from elsewhere, or touched. */
static void bytes_that_are_known_are_identified_whatever_their_times(void **state) {
    (void)state;
    make_old_library();
    free(output_of("find upgraded/photos -type f -exec touch -d 2001-02-03 {} +"));
    run_result r;
    run(&r, "search", "a bat", "--all-scores", "--library", OLD, "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(unidentified(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_after_a_killed_upgrade_lose_nothing_and_encode_nothing),
        cmocka_unit_test(a_disk_that_is_away_is_waited_for),
        cmocka_unit_test(bytes_that_are_known_are_identified_whatever_their_times),
        cmocka_unit_test(the_first_command_says_what_it_does_and_the_next_is_silent),
        cmocka_unit_test(ratings_change_nothing_that_is_stored),
        cmocka_unit_test(a_paid_answer_is_not_paid_again_for_an_edited_file),
        cmocka_unit_test(a_stored_caption_is_found_before_the_library_sees_the_edit),
        cmocka_unit_test(a_search_for_duplicates_says_the_picture_s_id_and_the_file_s_size),
        cmocka_unit_test(decisions_outlive_edits_moves_and_being_indexed)};
    return cmocka_run_group_tests_name("files whose metadata were edited", tests, setup,
                                       run_teardown);
}

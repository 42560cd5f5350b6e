/*
 * Search: the same answers as looking at everything, whatever the filters; which file is shown.
 */
#include "support/libraries.h"

#include <glimpse/process.h>

#include <time.h>

#include <math.h>

static int tie_count;

static void search_equals_looking_at_everything(void **state) {
    (void)state;
    static const char *const afters[] = {NULL, "2020", "2020-06", "2020-05-30T14:03:59"};
    static const char *const befores[] = {NULL, "2021", "2020-06-01", "2019"};
    static const char *const directories[] = {
        NULL, "a", "a/b", "a-b", "holiday 2020", "holiday 2021", "nowhere"};
    world w;
    world_open(&w, 1);
    world_populate(&w, 1500);
    for (int i = 0; i < (UNDER_SANITIZER ? 100 : 300); i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        char directory[2][800], id[GLIMPSE_HASH_HEX];
        const char *within[2] = {directory[0], directory[1]};
        if (world_below(&w, 3) == 0) { /* a stored vector: its equals tie at the top */
            memcpy(query, w.contents[world_below(&w, w.content_count)].vector, sizeof query);
            tie_count++;
        } else {
            world_vector(&w, query);
        }
        static const size_t ks[] = {1, 2, 10, 37, 400, 5000};
        options.k = ks[world_below(&w, 6)];
        options.within = within;
        options.within_count = world_below(&w, 3);
        for (size_t p = 0; p < options.within_count; p++) {
            const char *name = directories[1 + world_below(&w, 6)];
            (void)snprintf(directory[p], sizeof directory[p], "%s/%s", w.pictures, name);
        }
        if (world_below(&w, 2)) options.after = afters[world_below(&w, 4)];
        if (world_below(&w, 2)) options.before = befores[world_below(&w, 4)];
        if (world_below(&w, 3) == 0) options.min_score = (double)world_below(&w, 100) / 200.0;
        if (world_below(&w, 3) == 0) {
            glimpse_hash_to_hex(&w.contents[world_below(&w, w.content_count)].hash, id);
            options.exclude_id = id;
        }
        world_check_search(&w, query, &options);
    }
    world_close(&w);
}

static void search_is_exact_in_a_crowd_of_equals(void **state) {
    (void)state;
    /* More ties than the first questions to FAISS bring up, and a filter that drops most. */
    world w;
    world_open(&w, 2);
    float same[WORLD_DIM];
    world_vector(&w, same);
    glimpse_store *catalog = glimpse_library_store(w.library);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = 0; i < 6000; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s/%zu.jpg", i % 500 == 3 ? "few" : "many", i);
        world_add_file(&w, name, world_add_content(&w, i % 3 ? same : NULL, ""), 0, 0);
    }
    assert_ok(catalog->ops->commit(catalog));
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    world_check_search(&w, same, &options);
    options.k = 3;
    world_check_search(&w, same, &options);
    char directory[600];
    const char *within = directory;
    (void)snprintf(directory, sizeof directory, "%s/few", w.pictures);
    options.within = &within;
    options.within_count = 1;
    options.k = 10;
    world_check_search(&w, same, &options);
    world_close(&w);
}

/* Files within some places; NULL ends them. */
static size_t count_within(world *w, const char *const *places) {
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 100;
    options.within = places;
    while (places && places[options.within_count])
        options.within_count++;
    assert_ok(
        glimpse_library_search_key(&results, w->library, &w->key, w->contents[0].vector, &options));
    size_t count = glimpse_results_count(results);
    glimpse_results_free(results);
    /* The list of pictures has the same. */
    assert_ok(glimpse_library_pictures(&results, w->library, places, options.within_count));
    assert_int_equal(glimpse_results_count(results), count);
    glimpse_results_free(results);
    return count;
}

static size_t count_in(world *w, const char *place) {
    const char *places[] = {place, NULL};
    return count_within(w, places);
}

static void a_place_is_a_name_as_a_whole(void **state) {
    (void)state;
    static const char *const names[] = {"a/1.jpg",   "a/b/2.jpg",     "ab/3.jpg",      "a.jpg",
                                        "ax.jpg",    "2020-01/4.jpg", "2020-02/5.jpg", "lost/6.jpg",
                                        "a-b/7.jpg", "a/b-c/8.jpg"};
    world w;
    world_open(&w, 3);
    for (size_t i = 0; i < 10; i++) {
        world_add_file(&w, names[i], world_add_content(&w, NULL, ""), 0, i != 7);
    }
    size_t lost = 7;
    world_lose_files(&w, &lost, 1);
    char text[700];
#define IN(suffix) ((void)snprintf(text, sizeof text, "%s%s", w.pictures, suffix), text)
    assert_int_equal(count_within(&w, NULL), 9);
    assert_int_equal(count_in(&w, "/"), 9);
    assert_int_equal(count_in(&w, IN("")), 9);
    assert_int_equal(count_in(&w, IN("/")), 9);
    assert_int_equal(count_in(&w, IN("/a")), 3);
    assert_int_equal(count_in(&w, IN("/a/")), 3);
    assert_int_equal(count_in(&w, IN("//a///.")), 3);
    assert_int_equal(count_in(&w, IN("/x/.././a//b")), 1);
    assert_int_equal(count_in(&w, IN("/a/1.jpg")), 1);
    assert_int_equal(count_in(&w, IN("/a.jpg")), 1);
    assert_int_equal(count_in(&w, IN("/2020-")), 0);
    assert_int_equal(count_in(&w, IN("/2020-0")), 0);
    assert_int_equal(count_in(&w, IN("/a.")), 0);
    assert_int_equal(count_in(&w, IN("/A")), 0);
    assert_int_equal(count_in(&w, IN("/lost")), 0);
    assert_int_equal(count_in(&w, IN("/none")), 0);
    /* relative to the working directory, and through a link */
    char cwd[1024];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(w.pictures), 0);
    assert_int_equal(count_in(&w, "a"), 3);
    assert_int_equal(count_in(&w, "."), 9);
    assert_int_equal(count_in(&w, "2020-0"), 0);
    assert_int_equal(count_in(&w, "a/../2020-01"), 1);
    assert_int_equal(symlink("a", IN("/link")), 0);
    assert_int_equal(count_in(&w, "link"), 3);
    assert_int_equal(count_in(&w, "link/b"), 1);
    assert_int_equal(count_in(&w, "link/"), 3);
    assert_int_equal(chdir(cwd), 0);
    world_close(&w);
}

static void several_places_are_all_searched(void **state) {
    (void)state;
    static const char *const names[] = {"a/1.jpg",   "a/b/2.jpg", "a/b/c/3.jpg", "a-b/4.jpg",
                                        "a/b-c.jpg", "d/5.jpg",   "e/6.jpg"};
    world w;
    world_open(&w, 5);
    const size_t same = world_add_content(&w, NULL, "");
    for (size_t i = 0; i < 7; i++)
        world_add_file(&w, names[i], world_add_content(&w, NULL, ""), 0, 1);
    /* A picture that two of them hold is one result. */
    world_add_file(&w, "d/same.jpg", same, 0, 1);
    world_add_file(&w, "e/same.jpg", same, 0, 1);
    char cwd[1024];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(w.pictures), 0);
#define WITHIN(...) count_within(&w, (const char *const[]){__VA_ARGS__, NULL})
    assert_int_equal(WITHIN("d", "a-b"), 3);
    assert_int_equal(WITHIN("a-b", "d"), 3);
    assert_int_equal(WITHIN("d", "e"), 3);
    assert_int_equal(WITHIN("d", "d"), 2);
    assert_int_equal(WITHIN("a", "a/b", "a/b/c"), 4);
    assert_int_equal(WITHIN("a/b/c", "a/b", "a-b"), 3);
    assert_int_equal(WITHIN("a/b/2.jpg", "a/b-c.jpg", "nowhere"), 2);
    assert_int_equal(WITHIN("nowhere", "/", "d"), 8);
    const char *one = "e", *none[] = {"d", ""};
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.within = none;
    options.within_count = 2;
    assert_int_equal(
        glimpse_library_search_key(&results, w.library, &w.key, w.contents[0].vector, &options),
        GLIMPSE_E_INVALID);
    options.within = NULL;
    assert_int_equal(
        glimpse_library_search_key(&results, w.library, &w.key, w.contents[0].vector, &options),
        GLIMPSE_E_INVALID);
    /* The file that is shown lies within. */
    assert_ok(glimpse_library_pictures(&results, w.library, &one, 1));
    for (size_t i = 0; i < glimpse_results_count(results); i++)
        assert_non_null(strstr(glimpse_results_get(results, i)->path, "/e/"));
    glimpse_results_free(results);
    assert_int_equal(chdir(cwd), 0);
    world_close(&w);
}

/* What is said of a place; "" when nothing is. */
static const char *problem_of(world *w, const char *place) {
    static char text[4096];
    char *problem = NULL;
    assert_ok(glimpse_library_check_within(&problem, w->library, place));
    (void)snprintf(text, sizeof text, "%s", problem ? problem : "");
    glimpse_free(problem);
    return text;
}

static void a_place_without_a_file_is_explained(void **state) {
    (void)state;
    static const char *const names[] = {"2020-05/1.jpg", "2020-05/2.jpg", "2020-06/3.jpg",
                                        "2020-07/4.jpg", "2020-08/5.jpg", "holiday/6.jpg",
                                        "lost/7.jpg"};
    world w;
    char text[700];
    world_open(&w, 6);
    for (size_t i = 0; i < 7; i++)
        world_add_file(&w, names[i], world_add_content(&w, NULL, ""), 0, i != 6);
    size_t lost = 6;
    world_lose_files(&w, &lost, 1);
    assert_string_equal(problem_of(&w, "/"), "");
    assert_string_equal(problem_of(&w, IN("/holiday/")), "");
    assert_string_equal(problem_of(&w, IN("/holiday/6.jpg")), "");
#define SAID(place, what)                                   \
 do {                                                       \
  const char *said = problem_of(&w, IN(place));             \
  if (!strstr(said, what)) fail_msg("%s: %s", place, said); \
 } while (0)
    /* names that begin so are no longer found by it, and named */
    SAID("/2020", "no file of the library lies below ");
    SAID("/2020", "/2020-05 has 2, ");
    SAID("/2020", "/2020-07 has 1, ...");
    SAID("/2020-0", "/2020-06 has 1");
    SAID("/Holydai", "; did you mean ");
    SAID("/Holydai", "/holiday?");
    SAID("/lost", "1 that it knew there went, or are left out now");
    SAID("/elsewhere", "there is no such folder");
    assert_int_equal(mkdir(IN("/empty"), 0777), 0);
    assert_non_null(strstr(problem_of(&w, IN("/empty")), "/empty")); /* below a root */
    assert_non_null(strstr(problem_of(&w, "/usr"), "below /usr; it was not indexed ("));
    assert_non_null(strstr(problem_of(&w, "relative"), "/relative; there is no such folder"));
    assert_int_equal(glimpse_library_check_within(NULL, w.library, "x"), GLIMPSE_E_INVALID);
    world_close(&w);
}

static void paths_of_any_bytes_are_found(void **state) {
    (void)state;
    world w;
    world_open(&w, 4);
    static const char *const names[] = {"\xff\xfe/\x80.jpg", "a'b\"c\n/x.jpg", "%s/*?.jpg",
                                        "\xc3\xa4/\xe2\x82\xac.jpg"};
    char text[700];
    for (size_t i = 0; i < 4; i++) {
        world_add_file(&w, names[i], world_add_content(&w, NULL, ""), 0, 1);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(count_in(&w, IN("/")), 4);
        (void)snprintf(text, sizeof text, "%s/%s", w.pictures, names[i]);
        assert_int_equal(count_in(&w, text), 1);
        *strrchr(text, '/') = '\0';
        assert_int_equal(count_in(&w, text), 1);
        text[strlen(text) - 1] = '\0';
        assert_int_equal(count_in(&w, text), 0); /* a name without its end */
    }
    world_close(&w);
}

static const glimpse_result *first(world *w, glimpse_results **results, size_t content) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 1;
    assert_ok(glimpse_library_search_key(results, w->library, &w->key, w->contents[content].vector,
                                         &options));
    return glimpse_results_get(*results, 0);
}

static void the_file_shown_exists_where_one_does(void **state) {
    (void)state;
    world w;
    world_open(&w, 5);
    glimpse_results *results = NULL;
    size_t content = world_add_content(&w, NULL, "2020-05-30T14:03:59");
    world_add_file(&w, "1-deleted.jpg", content, 0, 0);
    size_t second = world_add_file(&w, "2-there.jpg", content, 1600000000000000000, 1);
    world_add_file(&w, "3-there.jpg", content, 0, 1);
    const glimpse_result *r = first(&w, &results, content);
    assert_string_equal(r->path, w.files[second].path);
    const time_t changed = 1600000000;
    char local[32];
    struct tm parts;
    (void)strftime(local, sizeof local, "%Y-%m-%dT%H:%M:%S", localtime_r(&changed, &parts));
    assert_string_equal(r->modified, local);
    assert_string_equal(r->taken, "2020-05-30T14:03:59");
    assert_string_equal(r->format, "JPEG");
    assert_int_equal(r->bytes, w.contents[content].size);
    assert_int_equal(r->width, 640);
    assert_int_equal(r->copies, 3);
    assert_int_equal(r->offline, 0);
    assert_true(r->score > 0.999 && r->score <= 1.0);
    glimpse_results_free(results);

    /* Deleted since the last look: still known, shown, not called offline. */
    size_t lonely = world_add_content(&w, NULL, "");
    world_add_file(&w, "4-deleted.jpg", lonely, 0, 0);
    r = first(&w, &results, lonely);
    assert_string_equal(r->path, w.files[3].path);
    assert_int_equal(r->offline, 0);
    glimpse_results_free(results);
    world_close(&w);
}

static void offline_files_are_shown_last_and_say_so(void **state) {
    (void)state;
    world w;
    world_open(&w, 6);
    glimpse_results *results = NULL;
    glimpse_store *catalog = glimpse_library_store(w.library);
    char disk[600], path[700];
    (void)snprintf(disk, sizeof disk, "%s/disk", w.directory);
    assert_ok(catalog->ops->roots.write(catalog, disk, 1, 1)); /* unplugged */
    size_t content = world_add_content(&w, NULL, ""), alone = world_add_content(&w, NULL, "");
    glimpse_file_stamp stamp = {1, 2, 3, 0};
    (void)snprintf(path, sizeof path, "%s/a.jpg", disk);
    assert_ok(catalog->ops->files.bind(catalog, path, &stamp, &w.contents[content].hash,
                                       w.contents[content].size));
    (void)snprintf(path, sizeof path, "%s/b.jpg", disk);
    assert_ok(catalog->ops->files.bind(catalog, path, &stamp, &w.contents[alone].hash,
                                       w.contents[alone].size));
    size_t here = world_add_file(&w, "z.jpg", content, 0, 1);

    const glimpse_result *r = first(&w, &results, content);
    assert_string_equal(r->path, w.files[here].path);
    assert_int_equal(r->offline, 0);
    assert_int_equal(r->copies, 1); /* what is away is not counted */
    glimpse_results_free(results);
    r = first(&w, &results, alone);
    assert_string_equal(r->path, path);
    assert_int_equal(r->offline, 1);
    assert_int_equal(r->copies, 1);
    glimpse_results_free(results);

    /* Plugged in again, though nothing was indexed since: it is there, so it is not offline. */
    assert_int_equal(mkdir(disk, 0777), 0);
    write_text(path, "");
    r = first(&w, &results, alone);
    assert_int_equal(r->offline, 0);
    glimpse_results_free(results);

    /* Unplugged since the last look. */
    assert_ok(catalog->ops->roots.write(catalog, disk, 1, 0));
    assert_int_equal(unlink(path), 0);
    r = first(&w, &results, alone); /* an empty mount point */
    assert_int_equal(r->offline, 1);
    glimpse_results_free(results);
    world_close(&w);
}

static void bad_arguments_are_refused(void **state) {
    (void)state;
    world w;
    world_open(&w, 7);
    world_populate(&w, 20);
    glimpse_results *results = NULL;
    float query[WORLD_DIM] = {1.0f}, zero[WORLD_DIM] = {0}, nan[WORLD_DIM] = {NAN};
    glimpse_search_options o = GLIMPSE_SEARCH_OPTIONS_INIT;
#define REFUSED(q)                                                                \
 assert_int_equal(glimpse_library_search_key(&results, w.library, &w.key, q, &o), \
                  GLIMPSE_E_INVALID);                                             \
 assert_null(results)
    REFUSED(zero);
    REFUSED(nan);
    static const char *const dates[] = {
        "2020-13",     "20",         "2020-1",     "2021-02-29",    "x",    "",
        "2020-01-01Z", "2020-00-01", "2020-01-00", "2020-01-01T24", "0000", "2020-01-01T00:00:60"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        o.after = dates[i];
        REFUSED(query);
        assert_non_null(strstr(glimpse_last_error(), dates[i]));
        o.after = NULL;
        o.before = dates[i];
        REFUSED(query);
        o.before = NULL;
    }
    o.exclude_id = "0123";
    REFUSED(query);
    o.exclude_id = NULL;
    o.min_score = (double)NAN;
    REFUSED(query);
    o.min_score = -2.0;
    o.size = 1;
    REFUSED(query);
    o.size = sizeof o;
    assert_int_equal(glimpse_library_search_key(&results, w.library, &world_other_key, query, &o),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "other"));
    assert_int_equal(glimpse_library_search(&results, NULL, NULL, query, &o), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_search(NULL, w.library, NULL, NULL, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_embedding(query, NULL, w.library, NULL, "x"),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_visit(NULL, NULL, NULL, 0, NULL, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_results_count(NULL), 0);
    assert_null(glimpse_results_get(NULL, 0));
    glimpse_results_free(NULL);
    world_close(&w);
}

static void an_empty_library_finds_nothing(void **state) {
    (void)state;
    world w;
    world_open(&w, 8);
    float query[WORLD_DIM] = {1.0f};
    glimpse_results *results = NULL;
    assert_ok(glimpse_library_search_key(&results, w.library, &w.key, query, NULL));
    assert_int_equal(glimpse_results_count(results), 0);
    assert_null(glimpse_results_get(results, 0));
    glimpse_results_free(results);
    world_close(&w);
}

static void embeddings_are_found_by_path_and_by_id(void **state) {
    (void)state;
    world w;
    world_open(&w, 9);
    size_t content = world_add_content(&w, NULL, "");
    size_t file = world_add_file(&w, "a.jpg", content, 0, 1);
    size_t broken = world_add_file(&w, "broken.jpg", SIZE_MAX, 0, 1);
    float got[WORLD_DIM];
    char id[GLIMPSE_HASH_HEX], hex[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&w.contents[content].hash, hex);
    assert_ok(glimpse_library_embedding_key(got, id, w.library, &w.key, w.files[file].path));
    assert_memory_equal(got, w.contents[content].vector, sizeof got);
    assert_string_equal(id, hex);
    memset(got, 0, sizeof got);
    assert_ok(glimpse_library_embedding_key(got, NULL, w.library, &w.key, hex));
    assert_memory_equal(got, w.contents[content].vector, sizeof got);
    assert_int_equal(
        glimpse_library_embedding_key(got, id, w.library, &w.key, w.files[broken].path),
        GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_library_embedding_key(got, id, w.library, &w.key, "nothing.jpg"),
                     GLIMPSE_E_NOT_FOUND);
    world_close(&w);
}

typedef struct visited {
    const world *w;
    size_t count, stop_at;
    char last[1024];
} visited;

static int visit(void *user, const glimpse_result *file, const float *embedding) {
    visited *v = user;
    assert_true(strcmp(v->last, file->path) < 0);
    (void)snprintf(v->last, sizeof v->last, "%s", file->path);
    assert_int_equal(file->rank, ++v->count);
    for (size_t i = 0; i < v->w->file_count; i++) {
        const world_file *f = &v->w->files[i];
        if (strcmp(f->path, file->path) != 0) continue;
        assert_false(f->missing);
        assert_memory_equal(embedding, v->w->contents[f->content].vector,
                            WORLD_DIM * sizeof *embedding);
    }
    return v->count == v->stop_at ? 42 : 0;
}

static void a_visit_sees_every_present_file_in_path_order(void **state) {
    (void)state;
    world w;
    world_open(&w, 10);
    world_populate(&w, 300);
    size_t all = 0, below = 0;
    char directory[600], other[600];
    const char *within = directory, *both[] = {other, directory};
    (void)snprintf(directory, sizeof directory, "%s/a", w.pictures);
    (void)snprintf(other, sizeof other, "%s/a-b", w.pictures);
    size_t in_other = 0;
    for (size_t i = 0; i < w.file_count; i++) {
        int present = !w.files[i].missing && w.files[i].content != SIZE_MAX;
        all += (size_t)present;
        below += (size_t)(present && glimpse_path_is_below(w.files[i].path, directory));
        in_other += (size_t)(present && glimpse_path_is_below(w.files[i].path, other));
    }
    visited v = {.w = &w};
    assert_ok(glimpse_library_visit_key(w.library, &w.key, NULL, visit, &v));
    assert_int_equal(v.count, all);
    v = (visited){.w = &w};
    glimpse_search_options place = GLIMPSE_SEARCH_OPTIONS_INIT;
    place.within = &within;
    place.within_count = 1;
    assert_ok(glimpse_library_visit_key(w.library, &w.key, &place, visit, &v));
    assert_int_equal(v.count, below);
    v = (visited){.w = &w};
    assert_true(in_other > 0);
    place.within = both;
    place.within_count = 2;
    assert_ok(glimpse_library_visit_key(w.library, &w.key, &place, visit, &v));
    assert_int_equal(v.count, below + in_other);
    v = (visited){.w = &w, .stop_at = 3};
    assert_int_equal(glimpse_library_visit_key(w.library, &w.key, NULL, visit, &v), 42);
    assert_int_equal(v.count, 3);
    world_close(&w);
}

static void an_index_that_does_not_fit_into_memory_is_done_without(void **state) {
    (void)state;
    world w;
    world_open(&w, 9);
    world_populate(&w, 300);
    glimpse_set_max_memory(1);
    for (int i = 0; i < 20; i++) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        float query[WORLD_DIM];
        world_vector(&w, query);
        options.k = 1 + world_below(&w, 500);
        if (world_below(&w, 2)) options.after = "2020";
        world_check_search(&w, query, &options);
    }
    glimpse_set_max_memory(0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_equals_looking_at_everything),
        cmocka_unit_test(an_index_that_does_not_fit_into_memory_is_done_without),
        cmocka_unit_test(search_is_exact_in_a_crowd_of_equals),
        cmocka_unit_test(a_place_is_a_name_as_a_whole),
        cmocka_unit_test(several_places_are_all_searched),
        cmocka_unit_test(a_place_without_a_file_is_explained),
        cmocka_unit_test(paths_of_any_bytes_are_found),
        cmocka_unit_test(the_file_shown_exists_where_one_does),
        cmocka_unit_test(offline_files_are_shown_last_and_say_so),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(an_empty_library_finds_nothing),
        cmocka_unit_test(embeddings_are_found_by_path_and_by_id),
        cmocka_unit_test(a_visit_sees_every_present_file_in_path_order),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}

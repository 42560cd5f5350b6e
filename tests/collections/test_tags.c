/*
 * Tags and albums in a library: kept by picture whatever becomes of files, found by filters as a
 * plain look at all of them says, in the order that a person gave them, all of a change or nothing.
 */
#include "support/libraries.h"

#include <glimpse/tags.h>

#include <sys/stat.h>

enum { PICTURES = 40 };
#define TAG   GLIMPSE_COLLECTION_TAG
#define ALBUM GLIMPSE_COLLECTION_ALBUM

static const char *id_of(const world *w, size_t content) {
    static char ids[PICTURES][GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&w->contents[content].hash, ids[content]);
    return ids[content];
}

static void small_world(world *w, uint64_t seed, size_t count) {
    world_open(w, seed);
    for (size_t i = 0; i < count; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "%02zu.jpg", i);
        world_add_file(w, name, world_add_content(w, NULL, ""), 0, 0);
    }
}

/* How many changed. */
static uint64_t change(world *w, int removes, glimpse_collection_kind kind, const char *name,
                       const char *const *pictures, size_t count, size_t position) {
    glimpse_collect_options options = GLIMPSE_COLLECT_OPTIONS_INIT;
    glimpse_collect_report report = GLIMPSE_COLLECT_REPORT_INIT;
    options.pictures = pictures;
    options.picture_count = count;
    options.position = position;
    assert_ok((removes ? glimpse_library_uncollect
                       : glimpse_library_collect)(&report, w->library, kind, &name, 1, &options));
    assert_int_equal(report.unknown, 0);
    return report.changed;
}

static uint64_t tag(world *w, const char *name, const char *picture) {
    return change(w, 0, TAG, name, &picture, 1, 0);
}

static int append_name(void *user, const char *name) {
    char *text = user;
    (void)snprintf(text + strlen(text), 2000 - strlen(text), "%s;", name);
    return 0;
}

static void expect_tags(world *w, const char *picture, const char *names) {
    char text[2000] = "";
    assert_ok(glimpse_library_collections_of(w->library, TAG, picture, append_name, text));
    assert_string_equal(text, names);
}

static int append_collection(void *user, const glimpse_collection *k) {
    char *text = user;
    assert_int_equal(strlen(k->created), 19);
    (void)snprintf(text + strlen(text), 2000 - strlen(text), "%s %d %d;", k->name, (int)k->pictures,
                   (int)k->missing);
    return 0;
}

static void expect_all(world *w, glimpse_collection_kind kind, const char *expected) {
    char text[2000] = "";
    assert_ok(glimpse_library_collections(w->library, kind, append_collection, text));
    assert_string_equal(text, expected);
}

static void check_sound(world *w) {
    char text[2000];
    if (world_verify(w, text, sizeof text) != GLIMPSE_OK) fail_msg("verify: %s", text);
}

static void names_are_what_a_person_can_read_and_tell_apart(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "  ",
                                        "/",
                                        "a/",
                                        "/a",
                                        "a//b",
                                        "a/ /b",
                                        "a\nb",
                                        "a\x1b[m",
                                        "\xff",
                                        "a\x7f",
                                        "\xc2\x85",
                                        "\xe2\x80\xae"
                                        "x",
                                        NULL};
    world w;
    char longest[GLIMPSE_COLLECTION_NAME_MAX + 3];
    small_world(&w, 1, 3);
    const char *first = id_of(&w, 0), *second = id_of(&w, 1);
    for (size_t i = 0; wrong[i]; i++) {
        assert_int_equal(glimpse_collection_name_check(wrong[i]), GLIMPSE_E_INVALID);
        assert_int_equal(glimpse_library_create_album(w.library, wrong[i]), GLIMPSE_E_INVALID);
    }
    memset(longest, 'x', sizeof longest);
    longest[GLIMPSE_COLLECTION_NAME_MAX + 1] = '\0';
    assert_int_equal(glimpse_collection_name_check(longest), GLIMPSE_E_INVALID);
    longest[GLIMPSE_COLLECTION_NAME_MAX] = '\0';
    assert_ok(glimpse_collection_name_check(longest));

    assert_int_equal(tag(&w, "  People / Ann\xc2\xa0", first), 1);
    assert_int_equal(tag(&w, "people/ann", first), 0);
    assert_int_equal(tag(&w, "PEOPLE/ANN", second), 1);
    assert_int_equal(tag(&w,
                         "Stra\xc3\x9f"
                         "e",
                         first),
                     1);
    assert_int_equal(tag(&w, "STRASSE", first), 0);
    assert_int_equal(tag(&w, "e\xcc\x81t\xc3\xa9", first), 1); /* decomposed; composed: */
    assert_int_equal(tag(&w, "\xc3\x89T\xc3\x89", first), 0);
    expect_all(&w, TAG,
               "People/Ann 2 0;Stra\xc3\x9f"
               "e 1 0;e\xcc\x81t\xc3\xa9 1 0;");
    /* An album may be called as a tag is. */
    assert_ok(glimpse_library_create_album(w.library, "people/ann"));
    assert_int_equal(glimpse_library_create_album(w.library, "People/ANN"), GLIMPSE_E_INVALID);
    expect_all(&w, ALBUM, "people/ann 0 0;");
    check_sound(&w);
    world_close(&w);
}

static void a_tag_is_there_while_a_picture_has_it_an_album_until_it_is_deleted(void **state) {
    (void)state;
    world w;
    small_world(&w, 2, 3);
    const char *first = id_of(&w, 0), *second = w.files[1].path;
    tag(&w, "a", first);
    tag(&w, "a", second);
    assert_int_equal(change(&w, 1, TAG, "A", &first, 1, 0), 1);
    assert_int_equal(change(&w, 1, TAG, "a", &first, 1, 0), 0);
    expect_all(&w, TAG, "a 1 0;");
    assert_int_equal(change(&w, 1, TAG, "a", &second, 1, 0), 1);
    expect_all(&w, TAG, "");
    tag(&w, "a", first);
    tag(&w, "a/b", first);
    assert_ok(glimpse_library_delete_collection(w.library, TAG, "a"));
    expect_all(&w, TAG, "a/b 1 0;");
    assert_int_equal(glimpse_library_delete_collection(w.library, TAG, "a"), GLIMPSE_E_NOT_FOUND);

    const char *name = "x";
    assert_int_equal(glimpse_library_collect(NULL, w.library, ALBUM, &name, 1, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_ok(glimpse_library_create_album(w.library, name));
    change(&w, 0, ALBUM, name, &first, 1, 0);
    change(&w, 1, ALBUM, name, &first, 1, 0);
    expect_all(&w, ALBUM, "x 0 0;");
    change(&w, 0, ALBUM, name, &first, 1, 0);
    assert_ok(glimpse_library_delete_collection(w.library, ALBUM, "X"));
    expect_all(&w, ALBUM, "");
    expect_tags(&w, first, "a/b;");
    check_sound(&w);
    world_close(&w);
}

static void renaming_takes_what_is_below_along_and_never_joins_two(void **state) {
    (void)state;
    world w;
    uint64_t renamed = 0;
    small_world(&w, 3, 2);
    const char *first = id_of(&w, 0);
    tag(&w, "People", first);
    tag(&w, "PEOPLE/Ann", first);
    tag(&w, "people/Ann/child", first);
    tag(&w, "peoples", first);
    assert_ok(glimpse_library_rename_collection(&renamed, w.library, TAG, "people", "Family"));
    assert_int_equal(renamed, 3);
    expect_tags(&w, first, "Family;Family/Ann;Family/Ann/child;peoples;");
    assert_ok(glimpse_library_rename_collection(&renamed, w.library, TAG, "family", "family/all"));
    expect_tags(&w, first, "family/all;family/all/Ann;family/all/Ann/child;peoples;");
    assert_ok(glimpse_library_rename_collection(&renamed, w.library, TAG, "family/all", "f"));
    expect_tags(&w, first, "f;f/Ann;f/Ann/child;peoples;");
    assert_int_equal(
        glimpse_library_rename_collection(&renamed, w.library, TAG, "f/ann", "Peoples"),
        GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "Peoples"));
    assert_int_equal(glimpse_library_rename_collection(NULL, w.library, TAG, "none", "x"),
                     GLIMPSE_E_NOT_FOUND);
    expect_tags(&w, first, "f;f/Ann;f/Ann/child;peoples;");
    assert_ok(glimpse_library_rename_collection(&renamed, w.library, TAG, "F", "F"));
    assert_int_equal(renamed, 3);
    assert_ok(glimpse_library_rename_collection(&renamed, w.library, TAG, "F", "F"));
    assert_int_equal(renamed, 0);
    check_sound(&w);
    world_close(&w);
}

/*
 * Filters and results, beside plain arrays.
 */
static const char *const tag_names[] = {"people/Ann", "people/Bob", "favourite", "Draft",
                                        "trip/Ann"};
enum { TAGS = sizeof tag_names / sizeof tag_names[0] };

typedef struct found {
    size_t count;
    char ids[PICTURES][GLIMPSE_HASH_HEX];
    char names[PICTURES][200];
} found;

static void note(found *f, const glimpse_result *r) {
    assert_true(f->count < PICTURES);
    (void)snprintf(f->ids[f->count], sizeof f->ids[0], "%s", r->id);
    f->names[f->count][0] = '\0';
    for (size_t i = 0; i < r->tag_count; i++) {
        char *text = f->names[f->count];
        (void)snprintf(text + strlen(text), sizeof f->names[0] - strlen(text), "%s;", r->tags[i]);
    }
    f->count++;
}

static int on_listed(void *user, const glimpse_listed *p) {
    note(user, &p->file);
    return 0;
}

static int compare_ids(const void *a, const void *b) {
    return strcmp(a, b);
}

static void filters_and_results_say_what_is_kept(void **state) {
    (void)state;
    static const struct {
        const char *where;
        unsigned any; /* a bit for each of tag_names */
    } cases[] = {
        {"tag = people", 1 | 2}, {"tag = ANN", 1 | 16},       {"tag = 'people/ann'", 1},
        {"tag ~ 'e/a'", 1},      {"has(favourite)", 4},       {"tag = favourite", 4},
        {"has(tag)", 31},        {"tag = draft, bob", 2 | 8}, {"tag = peopl", 0},
        {"tags ~ FAV", 4},       {"has(favorite)", 4},
    };
    world w;
    unsigned has[PICTURES] = {0};
    found got;
    small_world(&w, 4, PICTURES);
    for (size_t i = 0; i < 60; i++) {
        const size_t picture = world_below(&w, PICTURES), name = world_below(&w, TAGS);
        has[picture] |= 1u << name;
        tag(&w, tag_names[name], i % 2 ? id_of(&w, picture) : w.files[picture].path);
    }
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const unsigned any = cases[i / 2].any;
        char where[100];
        size_t expected = 0;
        (void)snprintf(where, sizeof where, "%s%s", i % 2 ? "not " : "", cases[i / 2].where);
        glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
        glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
        filter.where = where;
        filter.k = PICTURES;
        options.filter = &filter;
        got.count = 0;
        assert_ok(glimpse_library_list(w.library, &options, on_listed, &got));
        for (size_t p = 0; p < PICTURES; p++) {
            if (((has[p] & any) != 0) == (i % 2 != 0)) continue;
            assert_true(expected < got.count); /* in the order of paths */
            if (strcmp(got.ids[expected], id_of(&w, p)) != 0) fail_msg("%s", where);
            static const size_t by_name[TAGS] = {3, 2, 0, 1, 4};
            char names[200] = "";
            for (size_t t = 0; t < TAGS; t++) {
                if (has[p] & 1u << by_name[t]) append_name(names, tag_names[by_name[t]]);
            }
            assert_string_equal(got.names[expected], names);
            expected++;
        }
        if (expected != got.count) fail_msg("%s: %zu, not %zu", where, got.count, expected);
        /* A search lets through the same, and says the same of it. */
        glimpse_results *results = NULL;
        float query[WORLD_DIM];
        found searched = {0};
        world_vector(&w, query);
        assert_ok(glimpse_library_search_key(&results, w.library, &w.key, query, &filter));
        for (size_t r = 0; r < glimpse_results_count(results); r++)
            note(&searched, glimpse_results_get(results, r));
        glimpse_results_free(results);
        assert_int_equal(searched.count, got.count);
        qsort(got.ids, got.count, sizeof got.ids[0], compare_ids);
        qsort(searched.ids, searched.count, sizeof searched.ids[0], compare_ids);
        assert_memory_equal(got.ids, searched.ids, got.count * sizeof got.ids[0]);
    }
    check_sound(&w);
    world_close(&w);
}

/*
 * Albums.
 */
static void expect_album(world *w, const char *name, const size_t *order, size_t count) {
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    found got = {0};
    options.album = name;
    assert_ok(glimpse_library_list(w->library, &options, on_listed, &got));
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(got.ids[i], id_of(w, order[i]));
}

static size_t place_of(const size_t *order, size_t count, size_t picture) {
    size_t i = 0;
    while (i < count && order[i] != picture)
        i++;
    return i;
}

static void an_album_keeps_the_order_that_it_was_given(void **state) {
    (void)state;
    world w;
    size_t order[PICTURES], count = 0;
    small_world(&w, 5, PICTURES);
    assert_ok(glimpse_library_create_album(w.library, "one"));
    assert_ok(glimpse_library_create_album(w.library, "other"));
    for (size_t round = 0; round < 60; round++) {
        const size_t kind = world_below(&w, 3);
        const char *pictures[3];
        size_t chosen[3], chosen_count = 0;
        for (size_t i = 0; i < 3; i++) {
            const size_t p = world_below(&w, PICTURES);
            pictures[i] = id_of(&w, p);
            if (place_of(chosen, chosen_count, p) == chosen_count) chosen[chosen_count++] = p;
        }
        const size_t position = kind == 1 ? 1 + world_below(&w, PICTURES + 5) : 0;
        change(&w, kind == 2, ALBUM, "One", pictures, 3, position);
        for (size_t i = 0; i < chosen_count; i++) {
            const size_t at = place_of(order, count, chosen[i]);
            if (kind == 0 && at == count) order[count++] = chosen[i];
            if (kind == 0 || at == count) continue;
            memmove(order + at, order + at + 1, (--count - at) * sizeof *order);
        }
        size_t at = position == 0 || position - 1 > count ? count : position - 1;
        for (size_t i = 0; i < chosen_count && kind == 1; i++, at++) {
            memmove(order + at + 1, order + at, (count++ - at) * sizeof *order);
            order[at] = chosen[i];
        }
        if (round % 10 == 0) expect_album(&w, "one", order, count);
    }
    expect_album(&w, "ONE", order, count);
    expect_album(&w, "other", NULL, 0);
    /* One that is named twice counts where it was first. */
    const char *const twice[] = {id_of(&w, 3), id_of(&w, 1), id_of(&w, 3)};
    assert_int_equal(change(&w, 0, ALBUM, "other", twice, 3, 0), 2);
    expect_album(&w, "other", (size_t[]){3, 1}, 2);
    change(&w, 1, ALBUM, "other", twice, 3, 0);
    /* In several: in each in its own order. */
    const char *last = id_of(&w, order[count - 1]), *first = id_of(&w, order[0]);
    change(&w, 0, ALBUM, "other", &last, 1, 0);
    change(&w, 0, ALBUM, "other", &first, 1, 0);
    expect_album(&w, "other", (size_t[]){order[count - 1], order[0]}, 2);
    /* What is missing leaves no gap, and is in its place when it is back. */
    world_lose_files(&w, order, 1); /* file i is of picture i */
    expect_album(&w, "one", order + 1, count - 1);
    const glimpse_file_stamp stamp = {w.contents[order[0]].size, 0, 7, 0};
    glimpse_store *s = glimpse_library_store(w.library);
    assert_ok(s->ops->files.bind(s, w.files[order[0]].path, &stamp, &w.contents[order[0]].hash,
                                 w.contents[order[0]].size));
    expect_album(&w, "one", order, count);
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    found got = {0};
    options.album = "none";
    assert_int_equal(glimpse_library_list(w.library, &options, on_listed, &got),
                     GLIMPSE_E_NOT_FOUND);
    check_sound(&w);
    world_close(&w);
}

/*
 * Whatever becomes of files.
 */
static void prune(world *w, int collected, int dry_run, uint64_t kept, uint64_t forgotten) {
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    options.collected = collected;
    options.dry_run = dry_run;
    assert_ok(glimpse_library_prune(&report, w->library, &options));
    assert_int_equal(report.kept, kept);
    assert_int_equal(report.collected, forgotten);
}

static void tags_outlast_the_files_until_a_person_says_otherwise(void **state) {
    (void)state;
    world w;
    small_world(&w, 6, 4);
    glimpse_store *s = glimpse_library_store(w.library);
    const glimpse_hash identity = glimpse_hash_bytes("i", 1), other = glimpse_hash_bytes("o", 1);
    assert_ok(s->ops->begin(s));
    assert_ok(s->ops->contents.identify(s, w.contents[1].id, &identity));
    assert_ok(s->ops->commit(s));
    assert_ok(glimpse_library_create_album(w.library, "album"));
    for (size_t i = 0; i < 3; i++) {
        const char *picture = id_of(&w, i);
        tag(&w, "own", picture);
        change(&w, 0, ALBUM, "album", &picture, 1, 0);
    }
    world_lose_files(&w, (size_t[]){0, 1, 3}, 3);
    expect_all(&w, TAG, "own 3 2;");
    prune(&w, 0, 1, 2, 0);
    prune(&w, 1, 1, 0, 2);
    expect_all(&w, TAG, "own 3 2;");
    prune(&w, 0, 0, 2, 0);
    expect_all(&w, TAG, "own 3 2;");
    expect_album(&w, "album", (size_t[]){2}, 1);
    check_sound(&w);

    /* The same bytes elsewhere; and the same picture in other bytes, edited while it was away. */
    int64_t picture = 0;
    const glimpse_content_meta edited = {.hash = other,
                                         .size = 77,
                                         .has_identity = 1,
                                         .identity = identity,
                                         .width = 640,
                                         .height = 480,
                                         .orientation = 1,
                                         .format = "JPEG",
                                         .taken = "",
                                         .camera = ""};
    w.file_count = 0;
    world_add_file(&w, "back/elsewhere.jpg", 0, 5, 0);
    assert_ok(s->ops->contents.write(&picture, s, &edited));
    assert_int_equal(picture, w.contents[1].id);
    const glimpse_file_stamp stamp = {77, 5, 7, 0};
    char path[700];
    (void)snprintf(path, sizeof path, "%s/edited.jpg", w.pictures);
    assert_ok(s->ops->files.bind(s, path, &stamp, &other, 77));
    expect_tags(&w, w.files[0].path, "own;");
    expect_tags(&w, path, "own;");
    expect_all(&w, TAG, "own 3 0;");
    expect_album(&w, "album", (size_t[]){0, 1, 2}, 3);

    /* Forgotten when that is asked for, and then for good. */
    assert_ok(s->ops->files.forget(s, path));
    prune(&w, 1, 0, 0, 1);
    expect_all(&w, TAG, "own 2 0;");
    assert_ok(s->ops->contents.write(&picture, s, &edited));
    assert_ok(s->ops->files.bind(s, path, &stamp, &other, 77));
    expect_tags(&w, path, "");
    check_sound(&w);
    world_close(&w);
}

/*
 * Writing.
 */
static int refuse(void *user, const char *path_or_id) {
    (void)user;
    assert_string_equal(path_or_id, "nowhere.jpg");
    return GLIMPSE_E_CANCELLED;
}

static int64_t written(world *w) {
    int64_t version = 0;
    glimpse_library *other = NULL;
    /* What another connection sees of this one's commits. */
    assert_ok(glimpse_library_open(&other, w->library_path, GLIMPSE_LIBRARY_READ_ONLY));
    assert_ok(glimpse_db_integer(glimpse_store_db(glimpse_library_store(other)), &version,
                                 "SELECT glimpse_sum((SELECT group_concat(collection_id || '-' ||"
                                 " picture_id || '-' || position) FROM collection_picture),"
                                 " (SELECT group_concat(name) FROM collection))",
                                 ""));
    glimpse_library_close(other);
    return version;
}

static off_t log_size(const world *w) {
    char path[700];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/catalog.db-wal", w->library_path);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void a_change_is_whole_or_nothing_and_nothing_is_written_for_nothing(void **state) {
    (void)state;
    world w;
    small_world(&w, 7, 5);
    glimpse_collect_options options = GLIMPSE_COLLECT_OPTIONS_INIT;
    glimpse_collect_report report = GLIMPSE_COLLECT_REPORT_INIT;
    const char *names[] = {"a", "b"};
    const char *pictures[] = {w.files[0].path, "nowhere.jpg", id_of(&w, 1), w.files[0].path};
    options.pictures = pictures;
    options.picture_count = 4;
    options.unknown = refuse;
    const int64_t before = written(&w);
    assert_int_equal(glimpse_library_collect(&report, w.library, TAG, names, 2, &options),
                     GLIMPSE_E_CANCELLED);
    assert_true(written(&w) == before);
    options.unknown = NULL;
    options.dry_run = 1;
    assert_ok(glimpse_library_collect(&report, w.library, TAG, names, 2, &options));
    assert_int_equal(report.pictures, 2);
    assert_int_equal(report.changed, 2);
    assert_int_equal(report.unknown, 1);
    assert_true(written(&w) == before);
    options.dry_run = 0;
    assert_ok(glimpse_library_collect(&report, w.library, TAG, names, 2, &options));
    assert_int_equal(report.changed, 2);
    expect_tags(&w, w.files[1].path, "a;b;");
    /* Of two names one is not there: the other keeps its pictures. */
    const char *mixed[] = {"a", "c"};
    assert_int_equal(glimpse_library_uncollect(&report, w.library, TAG, mixed, 2, &options),
                     GLIMPSE_E_NOT_FOUND);
    expect_all(&w, TAG, "a 2 0;b 2 0;");

    const off_t size = log_size(&w);
    assert_ok(glimpse_library_collect(&report, w.library, TAG, names, 2, &options));
    assert_int_equal(report.changed, 0);
    assert_ok(glimpse_library_rename_collection(NULL, w.library, TAG, "a", "a"));
    assert_int_equal(log_size(&w), size);
    check_sound(&w);
    world_close(&w);
}

static void who_else_writes_is_named(void **state) {
    (void)state;
    world w;
    glimpse_library *other = NULL;
    small_world(&w, 8, 1);
    const char *name = "a", *picture = id_of(&w, 0);
    glimpse_collect_options options = GLIMPSE_COLLECT_OPTIONS_INIT;
    options.pictures = &picture;
    options.picture_count = 1;
    assert_ok(glimpse_library_open(&other, w.library_path, 0));
    assert_ok(glimpse_library_lock(w.library, "indexing"));
    assert_int_equal(glimpse_library_collect(NULL, other, TAG, &name, 1, &options), GLIMPSE_E_BUSY);
    assert_non_null(strstr(glimpse_last_error(), "indexing"));
    glimpse_library_unlock(w.library);
    assert_ok(glimpse_library_collect(NULL, other, TAG, &name, 1, &options));
    expect_tags(&w, picture, "a;");
    glimpse_library_close(other);
    world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
    assert_int_equal(glimpse_library_collect(NULL, w.library, TAG, &name, 1, &options),
                     GLIMPSE_E_IO);
    world_close(&w);
}

static void damage_is_found(void **state) {
    (void)state;
    static const struct {
        const char *damage, *repair;
    } cases[] = {
        {"UPDATE collection SET name = 'other'", "UPDATE collection SET name = 'a'"},
        {"UPDATE collection SET folded = 'other'", "UPDATE collection SET folded = 'a'"},
        {"UPDATE collection_picture SET position = 7",
         "UPDATE collection_picture SET position = 0"},
        {"UPDATE collection_picture SET picture_id = 2",
         "UPDATE collection_picture SET picture_id = 1"},
    };
    world w;
    small_world(&w, 9, 2);
    tag(&w, "a", id_of(&w, 0));
    assert_int_equal(w.contents[0].id, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2000];
        check_sound(&w);
        glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
        assert_ok(glimpse_db_script(db, cases[i].damage));
        assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
        assert_non_null(strstr(text, "checksum"));
        assert_ok(glimpse_db_script(db, cases[i].repair));
        world_reopen(&w, 0); /* a handle that has seen damage writes nothing more */
    }
    world_close(&w);
}

static void an_older_library_begins_without_any(void **state) {
    (void)state;
    world w;
    small_world(&w, 10, 2);
    world_rewind(&w, 16);
    world_reopen(&w, 0);
    expect_all(&w, TAG, "");
    assert_int_equal(tag(&w, "a", id_of(&w, 1)), 1);
    check_sound(&w);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_what_a_person_can_read_and_tell_apart),
        cmocka_unit_test(a_tag_is_there_while_a_picture_has_it_an_album_until_it_is_deleted),
        cmocka_unit_test(renaming_takes_what_is_below_along_and_never_joins_two),
        cmocka_unit_test(filters_and_results_say_what_is_kept),
        cmocka_unit_test(an_album_keeps_the_order_that_it_was_given),
        cmocka_unit_test(tags_outlast_the_files_until_a_person_says_otherwise),
        cmocka_unit_test(a_change_is_whole_or_nothing_and_nothing_is_written_for_nothing),
        cmocka_unit_test(who_else_writes_is_named),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(an_older_library_begins_without_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

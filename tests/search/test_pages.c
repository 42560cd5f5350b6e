/*
 * Pages of a search: nothing twice, nothing left out, whatever comes and goes in between.
 */
#include "support/libraries.h"

enum { MAX_RESULTS = 5000 };

static glimpse_results *search(world *w, const float *query, size_t k,
                               const glimpse_search_page *page) {
    glimpse_results *results = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = k;
    assert_ok(
        glimpse_library_search_page_key(&results, w->library, &w->key, query, &options, page));
    return results;
}

/* What a page is to be: those of `first` from `from` on that are still there. */
typedef struct truth {
    glimpse_results *first; /* everything, before the first page */
    size_t from;
    const world *w;
} truth;

static int is_there(const truth *t, const char *id) {
    char hex[GLIMPSE_HASH_HEX];
    for (size_t i = 0; i < t->w->file_count; i++) {
        const world_file *f = &t->w->files[i];
        if (f->missing || f->content == SIZE_MAX) continue;
        glimpse_hash_to_hex(&t->w->contents[f->content].hash, hex);
        if (strcmp(hex, id) == 0) return 1;
    }
    return 0;
}

static void check_page(truth *t, const glimpse_results *page, size_t k, size_t before) {
    size_t shown = 0;
    for (; shown < glimpse_results_count(page); shown++) {
        const glimpse_result *r = glimpse_results_get(page, shown);
        while (t->from < glimpse_results_count(t->first) &&
               !is_there(t, glimpse_results_get(t->first, t->from)->id)) {
            t->from++;
        }
        assert_true(t->from < glimpse_results_count(t->first));
        assert_string_equal(r->id, glimpse_results_get(t->first, t->from++)->id);
        assert_int_equal(r->rank, before + shown + 1);
    }
    if (glimpse_results_next_page(page)) {
        assert_int_equal(shown, k);
        return;
    }
    for (; t->from < glimpse_results_count(t->first); t->from++) /* the last page lacks nothing */
        assert_false(is_there(t, glimpse_results_get(t->first, t->from)->id));
}

/* Some come, near the query and far from it; some go. */
static void change(world *w, const float *query, size_t round) {
    size_t lost[3], count = 0;
    glimpse_store *catalog = glimpse_library_store(w->library);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = world_below(w, 4); i > 0; i--) {
        char name[64];
        float near[WORLD_DIM];
        for (size_t d = 0; d < WORLD_DIM; d++)
            near[d] = query[d] * (float)(1 + (d % 7 == i) * (int)world_below(w, 3));
        (void)snprintf(name, sizeof name, "new/%zu-%zu.jpg", round, i);
        world_add_file(w, name, world_add_content(w, world_below(w, 2) ? near : NULL, ""), 0, 0);
    }
    assert_ok(catalog->ops->commit(catalog));
    for (size_t i = world_below(w, 4); i > 0; i--) {
        size_t file = world_below(w, w->file_count);
        if (!w->files[file].missing && w->files[file].content != SIZE_MAX) lost[count++] = file;
    }
    if (count > 0) world_lose_files(w, lost, count);
}

static void pages_repeat_nothing_and_leave_nothing_out_while_the_library_changes(void **state) {
    (void)state;
    world w;
    world_open(&w, 11);
    world_populate(&w, 400);
    for (int i = 0; i < 20; i++) {
        float query[WORLD_DIM];
        glimpse_search_page place, *page = NULL;
        /* A stored vector has equals, which only their ids put in order. */
        memcpy(query, w.contents[world_below(&w, w.content_count)].vector, sizeof query);
        truth t = {search(&w, query, MAX_RESULTS, NULL), 0, &w};
        size_t before = 0;
        const glimpse_search_page *next = NULL;
        for (size_t round = 0; round == 0 || page; round++) {
            const size_t k = 1 + world_below(&w, 60);
            glimpse_results *results = search(&w, query, k, page);
            check_page(&t, results, k, before);
            before += glimpse_results_count(results);
            next = glimpse_results_next_page(results);
            page = NULL;
            if (next) {
                place = *next;
                page = &place;
                change(&w, query, (size_t)i * 1000 + round);
            }
            glimpse_results_free(results);
        }
        assert_true(before > 100);
        glimpse_results_free(t.first);
    }
    world_close(&w);
}

static void a_page_far_down_is_exact_in_a_crowd_of_equals(void **state) {
    (void)state;
    world w;
    world_open(&w, 12);
    float same[WORLD_DIM];
    world_vector(&w, same);
    glimpse_store *catalog = glimpse_library_store(w.library);
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = 0; i < 3000; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "many/%zu.jpg", i);
        world_add_file(&w, name, world_add_content(&w, i % 3 ? same : NULL, ""), 0, 0);
    }
    assert_ok(catalog->ops->commit(catalog));
    truth t = {search(&w, same, MAX_RESULTS, NULL), 0, &w};
    glimpse_search_page place, *page = NULL;
    size_t before = 0;
    for (int more = 1; more;) {
        glimpse_results *results = search(&w, same, 700, page);
        check_page(&t, results, 700, before);
        before += glimpse_results_count(results);
        const glimpse_search_page *next = glimpse_results_next_page(results);
        more = next != NULL;
        if (next) place = *next;
        page = &place;
        glimpse_results_free(results);
    }
    assert_int_equal(before, 3000);
    glimpse_results_free(t.first);
    world_close(&w);
}

static void a_token_gives_back_its_page_and_nothing_else_is_a_token(void **state) {
    (void)state;
    world w = {.random = 5};
    for (int i = 0; i < 200; i++) {
        char token[GLIMPSE_PAGE_TOKEN_BYTES];
        const uint64_t number = world_random(&w);
        glimpse_search_page page = {.shown = 1 + world_below(&w, 1000),
                                    .score = ((double)world_below(&w, 2001) - 1000) / 997,
                                    .hash = glimpse_hash_bytes(&number, sizeof number),
                                    .size = world_random(&w),
                                    .newest = (int64_t)world_below(&w, 1 << 30)};
        glimpse_search_page back = {0};
        const glimpse_hash query = glimpse_hash_bytes(token, 0);
        glimpse_page_to_token(token, &page, &query);
        assert_ok(glimpse_page_from_token(&back, token, &query));
        assert_int_equal(back.shown, page.shown);
        assert_memory_equal(&back.score, &page.score, sizeof page.score);
        assert_memory_equal(&back.hash, &page.hash, sizeof page.hash);
        assert_true(back.size == page.size && back.newest == page.newest);

        const glimpse_hash other = glimpse_hash_bytes(&number, sizeof number);
        assert_int_equal(glimpse_page_from_token(&back, token, &other), GLIMPSE_E_INVALID);
        assert_non_null(strstr(glimpse_last_error(), "another query"));
        const size_t at = world_below(&w, strlen(token));
        token[at] = token[at] == 'f' ? 'e' : 'f'; /* one digit typed wrongly */
        assert_int_equal(glimpse_page_from_token(&back, token, &query), GLIMPSE_E_INVALID);
        token[at] = i % 2 ? '\0' : 'x';
        assert_int_equal(glimpse_page_from_token(&back, token, &query), GLIMPSE_E_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_repeat_nothing_and_leave_nothing_out_while_the_library_changes),
        cmocka_unit_test(a_page_far_down_is_exact_in_a_crowd_of_equals),
        cmocka_unit_test(a_token_gives_back_its_page_and_nothing_else_is_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The store's table of operations, through store.h alone: what an implementation has to do. The
 * tests of search, vectors, upkeep, captions, labels and actions look at the same from above.
 */
#include "support/test.h"

#include "store.h"

#include <math.h>

enum { DIM = 8, COUNT = 40 };

static const glimpse_model_key key = {"0123456789abcdef0123456789abcdef", "model", "/models/model",
                                      DIM};
static const char model_hex[] = "0123456789abcdef0123456789abcdef";

typedef struct shop { /* a store with some pictures in it */
    char *directory, path[600];
    glimpse_store *store;
    const glimpse_store_ops *ops;
    int64_t model, contents[COUNT];
    glimpse_hash hashes[COUNT];
    float vectors[COUNT][DIM];
} shop;

static void file_name(char *path, size_t size, size_t i) {
    (void)snprintf(path, size, "/p/%s/%02zu.jpg", i % 2 ? "odd" : "even", i);
}

static int open_shop(void **state) {
    shop *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->directory = make_temp_directory();
    (void)snprintf(s->path, sizeof s->path, "%s/library", s->directory);
    assert_ok(glimpse_store_open(&s->store, s->path, GLIMPSE_LIBRARY_CREATE));
    s->ops = s->store->ops;
    assert_ok(s->ops->lock(s->store, "test"));
    assert_ok(s->ops->begin(s->store));
    assert_ok(s->ops->models.use(&s->model, s->store, &key));
    assert_ok(s->ops->roots.write(s->store, "/p", 1, 0));
    for (size_t i = 0; i < COUNT; i++) {
        char path[64];
        s->hashes[i] = glimpse_hash_bytes(&i, sizeof i);
        const glimpse_content_meta meta = {.hash = s->hashes[i],
                                           .size = 1000 + i,
                                           .width = 640,
                                           .height = 480,
                                           .orientation = 1,
                                           .format = "JPEG",
                                           .taken = i % 4 == 0 ? "2020-05-30T14:03:59" : ""};
        const glimpse_file_stamp stamp = {1000 + i, (int64_t)i, i, 0};
        assert_ok(s->ops->contents.write(&s->contents[i], s->store, &meta));
        for (size_t d = 0; d < DIM; d++)
            s->vectors[i][d] = (float)sin((double)(i * DIM + d + 1));
        assert_ok(s->ops->contents.write_embedding(s->store, s->model, s->contents[i],
                                                   s->vectors[i], DIM));
        file_name(path, sizeof path, i);
        assert_ok(s->ops->files.bind(s->store, path, &stamp, &meta.hash, meta.size));
    }
    assert_ok(s->ops->commit(s->store));
    s->ops->unlock(s->store);
    *state = s;
    return 0;
}

static int close_shop(void **state) {
    shop *s = *state;
    glimpse_store_close(s->store);
    remove_tree(s->directory);
    free(s->directory);
    free(s);
    return 0;
}

static void every_operation_is_there(void **state) {
    shop *s = *state;
    /* The table is one name and pointers to functions: none of them may be missing. */
    const unsigned char *bytes = (const unsigned char *)s->ops;
    for (size_t at = 0; at < sizeof *s->ops; at += sizeof(void (*)(void))) {
        void (*operation)(void);
        memcpy(&operation, bytes + at, sizeof operation);
        if (!operation) fail_msg("operation %zu of the table is missing", at / sizeof operation);
    }
    size_t count = 0;
    const glimpse_build_part *parts = s->ops->parts(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_true(parts[i].name[0] && parts[i].version[0]);
    assert_ptr_equal(glimpse_store_backend(s->path), s->ops);
    assert_int_equal(s->store->path[0], '/');
}

static void transactions_read_in_layers_and_write_one_at_a_time(void **state) {
    shop *s = *state;
    glimpse_store *other = NULL;
    glimpse_model_info model;
    int64_t content = 0;
    const glimpse_hash hash = glimpse_hash_bytes("x", 1);
    const glimpse_content_meta meta = {.hash = hash, .size = 1, .format = "PNG"};
    assert_ok(glimpse_store_open_sibling(&other, s->store));
    assert_ok(other->ops->begin_read(other));
    assert_ok(other->ops->begin_read(other));
    assert_int_equal(other->ops->begin(other), GLIMPSE_E_INVALID);
    assert_ok(other->ops->models.find(&model, other, model_hex)); /* the state is fixed now */

    assert_false(s->ops->is_writing(s->store));
    assert_ok(s->ops->begin(s->store));
    assert_true(s->ops->is_writing(s->store));
    assert_int_equal(s->ops->begin(s->store), GLIMPSE_E_INVALID);
    assert_ok(s->ops->begin_read(s->store)); /* inside */
    assert_ok(s->ops->contents.write(&content, s->store, &meta));
    s->ops->end_read(s->store);
    assert_ok(s->ops->commit(s->store));
    assert_int_equal(s->ops->commit(s->store), GLIMPSE_E_INVALID);
    assert_ok(s->ops->contents.find_id(&content, s->store, &hash));

    assert_int_equal(other->ops->contents.find_id(&content, other, &hash), GLIMPSE_E_NOT_FOUND);
    other->ops->end_read(other);
    assert_int_equal(other->ops->contents.find_id(&content, other, &hash), GLIMPSE_E_NOT_FOUND);
    other->ops->end_read(other);
    assert_ok(other->ops->contents.find_id(&content, other, &hash));

    const glimpse_hash gone = glimpse_hash_bytes("y", 1);
    const glimpse_content_meta rolled = {.hash = gone, .size = 1, .format = "PNG"};
    assert_ok(s->ops->begin(s->store));
    assert_ok(s->ops->contents.write(&content, s->store, &rolled));
    s->ops->rollback(s->store);
    s->ops->rollback(s->store); /* fine outside one */
    assert_int_equal(s->ops->contents.find_id(&content, s->store, &gone), GLIMPSE_E_NOT_FOUND);

    assert_ok(s->ops->lock(s->store, "test"));
    assert_int_equal(other->ops->lock(other, "test"), GLIMPSE_E_BUSY); /* same process */
    s->ops->unlock(s->store);
    assert_ok(other->ops->lock(other, "test"));
    other->ops->unlock(other);
    glimpse_store_close(other);
}

static void damage_found_above_ends_all_writing(void **state) {
    shop *s = *state;
    assert_int_equal(s->ops->damaged(s->store, "two and two are five"), GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(glimpse_last_error(), "two and two are five"));
    assert_int_equal(s->ops->begin(s->store), GLIMPSE_E_CORRUPT);
}

static int count_model(void *user, const glimpse_store_model *model) {
    assert_string_equal(model->info.fingerprint, model_hex);
    assert_string_equal(model->name, "model");
    assert_int_equal(model->info.embedded, COUNT);
    ++*(int *)user;
    return GLIMPSE_OK;
}

static void models_and_pictures_are_found_by_their_names(void **state) {
    shop *s = *state;
    glimpse_model_info model;
    glimpse_model_key wrong = key;
    int64_t content = 0;
    int seen = 0;
    char hex[GLIMPSE_HASH_HEX];
    assert_ok(glimpse_store_find_model(&model, s->store, &key));
    assert_int_equal(model.id, s->model);
    assert_int_equal(model.dim, DIM);
    assert_ok(s->ops->models.list(s->store, count_model, &seen));
    assert_int_equal(seen, 1);
    wrong.fingerprint = "ffffffffffffffffffffffffffffffff";
    assert_int_equal(glimpse_store_find_model(&model, s->store, &wrong), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "no picture was indexed with the model"));

    glimpse_hash_to_hex(&s->hashes[3], hex);
    assert_ok(glimpse_store_content_of(&content, s->store, hex));
    assert_int_equal(content, s->contents[3]);
    assert_ok(glimpse_store_content_of(&content, s->store, "/p/./even/../odd/05.jpg"));
    assert_int_equal(content, s->contents[5]);
    assert_int_equal(glimpse_store_content_of(&content, s->store, "/p/odd/99.jpg"),
                     GLIMPSE_E_NOT_FOUND);
    assert_int_equal(
        glimpse_store_content_of(&content, s->store, "ffffffffffffffffffffffffffffffff"),
        GLIMPSE_E_NOT_FOUND);
    glimpse_strings strings = {0};
    glimpse_content_meta meta;
    assert_ok(s->ops->contents.describe(&meta, s->store, &strings, s->contents[4], 0));
    assert_int_equal(meta.size, 1004);
    assert_int_equal(meta.width, 640);
    assert_string_equal(meta.format, "JPEG");
    assert_string_equal(meta.taken, "2020-05-30T14:03:59");
    assert_memory_equal(meta.hash.bytes, s->hashes[4].bytes, GLIMPSE_HASH_BYTES);
    assert_int_equal(s->ops->contents.describe(&meta, s->store, &strings, INT64_MAX, 0),
                     GLIMPSE_E_NOT_FOUND);
    glimpse_strings_free(&strings);
    wrong = key;
    wrong.dim = DIM + 1;
    assert_int_equal(glimpse_store_find_model(&model, s->store, &wrong), GLIMPSE_E_CORRUPT);
}

typedef struct seen {
    size_t count;
    int stop_after;
    char last[64];
    shop *s;
} seen;

static int see_content(void *user, int64_t content, const glimpse_hash *hash, uint64_t size) {
    seen *v = user;
    for (size_t i = 0; i < COUNT; i++) {
        if (v->s->contents[i] != content) continue;
        assert_memory_equal(hash->bytes, v->s->hashes[i].bytes, GLIMPSE_HASH_BYTES);
        assert_int_equal(size, 1000 + i);
        v->count++;
    }
    return v->stop_after && (int)v->count == v->stop_after ? 77 : GLIMPSE_OK;
}

static int see_picture(void *user, int64_t content) {
    seen *v = user;
    int64_t found = 0;
    glimpse_content_meta meta;
    glimpse_strings strings = {0};
    /* A visitor may read. */
    assert_ok(v->s->ops->contents.describe(&meta, v->s->store, &strings, content, 0));
    assert_ok(v->s->ops->contents.find_id(&found, v->s->store, &meta.hash));
    assert_int_equal(found, content);
    glimpse_strings_free(&strings);
    v->count++;
    return GLIMPSE_OK;
}

static int see_embedded(void *user, const glimpse_store_picture *picture) {
    seen *v = user;
    assert_true(strcmp(picture->path, v->last) > 0); /* by path */
    (void)snprintf(v->last, sizeof v->last, "%s", picture->path);
    size_t i = (size_t)(picture->size - 1000);
    double length = 0.0, product = 0.0, own = 0.0;
    for (size_t d = 0; d < DIM; d++) {
        length += (double)picture->embedding[d] * (double)picture->embedding[d];
        product += (double)picture->embedding[d] * (double)v->s->vectors[i][d];
        own += (double)v->s->vectors[i][d] * (double)v->s->vectors[i][d];
    }
    assert_true(fabs(sqrt(length) - 1.0) < 1e-3);
    assert_true(product / sqrt(own) > 0.999);
    assert_int_equal(picture->copies, 1);
    v->count++;
    return GLIMPSE_OK;
}

static void filters_let_through_what_they_say(void **state) {
    shop *s = *state;
    glimpse_filter *all = NULL, *odd = NULL, *dated = NULL;
    const char *odd_place = "/p/odd";
    size_t count = 0;
    assert_ok(s->ops->filters.open(&all, s->store, NULL, 0, NULL, NULL));
    assert_ok(s->ops->filters.open(&odd, s->store, &odd_place, 1, NULL, NULL));
    assert_ok(s->ops->filters.open(&dated, s->store, NULL, 0, "2020", "2021"));
    assert_false(all->has_path || all->has_dates || odd->has_dates || dated->has_path);
    assert_true(odd->has_path && dated->has_dates);
    glimpse_filter *bad = NULL;
    assert_int_equal(s->ops->filters.open(&bad, s->store, NULL, 0, "2020-13", NULL),
                     GLIMPSE_E_INVALID);
    assert_null(bad);
    s->ops->filters.close(bad);

    assert_ok(s->ops->filters.count_files(&count, s->store, odd, 1000));
    assert_int_equal(count, COUNT / 2);
    assert_ok(s->ops->filters.count_files(&count, s->store, odd, 7));
    assert_int_equal(count, 7);
    assert_ok(s->ops->filters.count_pictures(&count, s->store, odd));
    assert_int_equal(count, COUNT / 2);

    glimpse_content_choice choices[COUNT];
    assert_ok(s->ops->filters.choose(choices, s->store, odd, NULL, 0, s->contents, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(choices[i].passes, i % 2);
        if (!choices[i].passes) continue;
        assert_int_equal(choices[i].size, 1000 + i);
        assert_memory_equal(choices[i].hash.bytes, s->hashes[i].bytes, GLIMPSE_HASH_BYTES);
    }
    assert_ok(s->ops->filters.choose(choices, s->store, dated, NULL, 0, s->contents, COUNT));
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(choices[i].passes, i % 4 == 0); /* the others are of 1970 */

    seen v = {.s = s};
    assert_ok(s->ops->filters.contents(s->store, dated, NULL, 0, see_content, &v));
    assert_int_equal(v.count, COUNT / 4);
    v = (seen){.s = s, .stop_after = 3};
    assert_int_equal(s->ops->filters.contents(s->store, all, NULL, 0, see_content, &v), 77);
    assert_int_equal(v.count, 3);
    v = (seen){.s = s};
    assert_ok(s->ops->filters.pictures(s->store, odd, see_picture, &v));
    assert_int_equal(v.count, COUNT / 2);
    glimpse_model_info model;
    v = (seen){.s = s};
    assert_ok(s->ops->models.find(&model, s->store, model_hex));
    assert_ok(s->ops->files.embedded(s->store, odd, &model, see_embedded, &v));
    assert_int_equal(v.count, COUNT / 2);
    s->ops->filters.close(all);
    s->ops->filters.close(odd);
    s->ops->filters.close(dated);
}

static void vectors_are_searched_and_read_again(void **state) {
    shop *s = *state;
    glimpse_model_info model;
    const glimpse_vectors *vectors = NULL;
    glimpse_vector_hit hits[COUNT];
    float query[DIM], row[DIM], stored[DIM];
    glimpse_hash hash;
    assert_ok(s->ops->begin_read(s->store));
    assert_ok(s->ops->models.find(&model, s->store, model_hex));
    assert_ok(s->ops->vectors.get(&vectors, s->store, &model));
    assert_int_equal(s->ops->vectors.count(vectors), COUNT);
    assert_ok(s->ops->contents.embedding(query, &hash, s->store, &model, s->contents[9]));
    assert_memory_equal(hash.bytes, s->hashes[9].bytes, GLIMPSE_HASH_BYTES);
    assert_ok(s->ops->vectors.search(hits, vectors, query, COUNT));
    assert_int_equal(hits[0].content, s->contents[9]);
    const double bound = s->ops->vectors.error_bound(DIM);
    assert_true(bound > 0 && bound < 1e-4);
    for (size_t i = 0; i < COUNT; i++) {
        int64_t found = -1;
        double score = 0.0;
        assert_ok(s->ops->vectors.find(&found, vectors, hits[i].content));
        assert_int_equal(found, hits[i].row);
        assert_ok(s->ops->vectors.row(row, vectors, hits[i].row));
        assert_ok(s->ops->contents.embedding(stored, &hash, s->store, &model, hits[i].content));
        assert_memory_equal(row, stored, sizeof row); /* exactly */
        for (size_t d = 0; d < DIM; d++)
            score += (double)query[d] * (double)row[d];
        assert_true(fabs(score - (double)hits[i].score) <= bound);
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
    }
    int64_t none = 0;
    assert_ok(s->ops->vectors.find(&none, vectors, INT64_MAX));
    assert_int_equal(none, -1);
    s->ops->end_read(s->store);
    assert_int_equal(s->ops->contents.embedding(row, &hash, s->store, &model, INT64_MAX),
                     GLIMPSE_E_NOT_FOUND);
}

static int count_parts(void *user, const glimpse_store_parts *picture) {
    uint32_t *parts = user;
    *parts += picture->parts;
    assert_int_equal(picture->width, 640);
    return GLIMPSE_OK;
}

typedef struct part_rows {
    uint32_t parts[4];
    int64_t rows[4];
    size_t count;
} part_rows;

static int see_part(void *user, uint32_t part, int64_t row) {
    part_rows *told = user;
    told->parts[told->count] = part;
    told->rows[told->count++] = row;
    return GLIMPSE_OK;
}

static void parts_of_pictures_are_kept_beside_them(void **state) {
    shop *s = *state;
    const struct glimpse_parts_ops *parts = &s->ops->picture_parts;
    const int64_t picture = s->contents[7];
    glimpse_model_info model;
    const glimpse_vectors *whole = NULL, *vectors = NULL;
    glimpse_store_parts found;
    glimpse_vector_hit hit;
    part_rows told = {.count = 0};
    float row[DIM];
    uint32_t all = 0;
    assert_ok(s->ops->lock(s->store, "test"));
    assert_ok(s->ops->begin(s->store));
    assert_ok(parts->write(s->store, s->model, picture, GLIMPSE_PART_LIMIT, s->vectors[1], DIM));
    assert_ok(parts->write(s->store, s->model, picture, 3, s->vectors[2], DIM));
    assert_ok(parts->write(s->store, s->model, s->contents[8], 3, s->vectors[3], DIM));
    assert_ok(parts->write(s->store, s->model, picture, 3, s->vectors[9], DIM)); /* is there */
    assert_int_equal(parts->write(s->store, s->model, picture, 0, row, DIM), GLIMPSE_E_INVALID);
    assert_int_equal(
        parts->write(s->store, s->model, picture, GLIMPSE_PART_LIMIT + 1, s->vectors[1], DIM),
        GLIMPSE_E_INVALID);
    assert_ok(s->ops->commit(s->store));
    s->ops->unlock(s->store);
    assert_ok(parts->find(&found, s->store, s->model, picture));
    assert_int_equal(found.parts, 2);
    assert_int_equal(parts->find(&found, s->store, s->model, INT64_MAX), GLIMPSE_E_NOT_FOUND);
    assert_ok(parts->list(s->store, s->model, count_parts, &all));
    assert_int_equal(all, 3);
    assert_ok(s->ops->begin_read(s->store));
    assert_ok(s->ops->models.find(&model, s->store, model_hex));
    assert_int_equal(model.embedded, COUNT);
    assert_int_equal(model.parts, 3);
    assert_ok(s->ops->vectors.get(&whole, s->store, &model));
    assert_int_equal(s->ops->vectors.count(whole), COUNT);
    assert_ok(parts->vectors(&vectors, s->store, &model));
    assert_int_equal(s->ops->vectors.count(vectors), 3);
    assert_ok(parts->rows(vectors, picture, see_part, &told));
    assert_int_equal(told.count, 2);
    assert_int_equal(told.parts[0], 3);
    assert_int_equal(told.parts[1], GLIMPSE_PART_LIMIT);
    assert_ok(s->ops->vectors.row(row, vectors, told.rows[1]));
    assert_ok(s->ops->vectors.search(&hit, vectors, row, 1));
    assert_int_equal(glimpse_part_key_picture(hit.content), picture);
    assert_int_equal(glimpse_part_key_part(hit.content), GLIMPSE_PART_LIMIT);
    s->ops->end_read(s->store);
}

static int see_neighbours(void *user, size_t query, const float *scores, const int64_t *found) {
    assert_int_equal(found[0], query); /* itself */
    assert_true(scores[0] > 0.999f && scores[1] <= scores[0]);
    ++*(size_t *)user;
    return GLIMPSE_OK;
}

static void nearest_rows_need_no_library(void **state) {
    shop *s = *state;
    float unit[COUNT][DIM];
    const float *rows[COUNT];
    size_t asked = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double square = 0.0;
        for (size_t d = 0; d < DIM; d++)
            square += (double)s->vectors[i][d] * (double)s->vectors[i][d];
        for (size_t d = 0; d < DIM; d++)
            unit[i][d] = (float)((double)s->vectors[i][d] / sqrt(square));
        rows[i] = unit[i];
    }
    const glimpse_nearest_job job = {.base = rows,
                                     .queries = rows,
                                     .base_count = COUNT,
                                     .query_count = COUNT,
                                     .width = DIM,
                                     .k = 3,
                                     .visit = see_neighbours,
                                     .user = &asked};
    assert_ok(glimpse_store_backend(NULL)->vectors.nearest(&job));
    assert_int_equal(asked, COUNT);
}

static int see_label(void *user, const glimpse_stored_label *label) {
    assert_string_equal(label->labelling, "animals");
    assert_string_equal(label->class_name, "animal/cat");
    ++*(int *)user;
    return GLIMPSE_OK;
}

static int see_labelling(void *user, const glimpse_stored_labelling *labelling) {
    assert_int_equal(labelling->pictures, 2);
    assert_int_equal(labelling->classes, 2);
    ++*(int *)user;
    return GLIMPSE_OK;
}

static void labels_belong_to_contents(void **state) {
    shop *s = *state;
    const char *classes[] = {"animal/dog", "animal/cat"};
    const glimpse_store_label labels[] = {
        {.hash = s->hashes[1], .class_index = GLIMPSE_NO_CLASS},
        {.hash = s->hashes[1], .class_index = 1, .probability = 0.5f, .score = 0.25f},
        {.hash = s->hashes[2], .class_index = GLIMPSE_NO_CLASS},
        {.hash = s->hashes[2], .class_index = 0, .probability = 0.5f, .score = 0.25f},
        {.hash = glimpse_hash_bytes("nobody", 6), .class_index = GLIMPSE_NO_CLASS},
        {.hash = glimpse_hash_bytes("nobody", 6), .class_index = 0}};
    glimpse_store_labelling labelling = {.name = "animals",
                                         .fingerprint = model_hex,
                                         .classifier = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                         .settings = "{}",
                                         .created = "2021-01-01T00:00:00",
                                         .classes = classes,
                                         .class_count = 2,
                                         .labels = labels,
                                         .label_count = 6};
    uint64_t stored = 0;
    int count = 0;
    assert_ok(s->ops->labels.write(&stored, s->store, &labelling));
    assert_int_equal(stored, 2);
    assert_ok(s->ops->labels.of_content(s->store, s->contents[1], see_label, &count));
    assert_int_equal(count, 1);
    count = 0;
    assert_ok(s->ops->labels.list(s->store, see_labelling, &count));
    assert_int_equal(count, 1);
    glimpse_filter *all = NULL;
    glimpse_content_choice choices[COUNT];
    const char *wanted[] = {"cat"};
    assert_ok(s->ops->filters.open(&all, s->store, NULL, 0, NULL, NULL));
    assert_ok(s->ops->filters.choose(choices, s->store, all, wanted, 1, s->contents, COUNT));
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(choices[i].passes, i == 1);
    seen v = {.s = s};
    assert_ok(s->ops->filters.contents(s->store, all, wanted, 1, see_content, &v));
    assert_int_equal(v.count, 1);
    s->ops->filters.close(all);
    labelling.fingerprint = "ffffffffffffffffffffffffffffffff";
    assert_int_equal(s->ops->labels.write(&stored, s->store, &labelling), GLIMPSE_E_NOT_FOUND);
    assert_ok(s->ops->labels.forget(s->store, "animals"));
    assert_int_equal(s->ops->labels.forget(s->store, "animals"), GLIMPSE_E_NOT_FOUND);
}

typedef struct matches {
    int64_t contents[8], captions[8];
    size_t count, stop_after;
} matches;

static int see_match(void *user, int64_t content, int64_t caption, double score) {
    matches *m = user;
    assert_true(score >= 0);
    m->contents[m->count] = content;
    m->captions[m->count++] = caption;
    return m->count == m->stop_after;
}

static int see_caption(void *user, const glimpse_caption *caption) {
    assert_string_equal(caption->model, "m");
    ++*(size_t *)user;
    return GLIMPSE_OK;
}

static void captions_are_found_by_their_words(void **state) {
    shop *s = *state;
    char ids[3][GLIMPSE_HASH_HEX], nobody[GLIMPSE_HASH_HEX];
    const glimpse_hash unknown = glimpse_hash_bytes("nobody", 6);
    for (size_t i = 0; i < 3; i++)
        glimpse_hash_to_hex(&s->hashes[i], ids[i]);
    glimpse_hash_to_hex(&unknown, nobody);
    const glimpse_caption captions[] = {
        {ids[0], GLIMPSE_CAPTION_SHORT, "m", "", "a dog runs in the snow", ""},
        {ids[1], GLIMPSE_CAPTION_SHORT, "m", "", "two cats", ""},
        {ids[2], GLIMPSE_CAPTION_DETAILED, "m", "why?", "Dogs, dogs, dogs", ""},
        {nobody, GLIMPSE_CAPTION_SHORT, "m", "", "a dog", ""}};
    size_t stored = 0, count = 0;
    uint64_t forgotten = 0;
    glimpse_store_caption_filter filter = {.style = GLIMPSE_CAPTION_ANY};
    assert_ok(s->ops->captions.write(&stored, s->store, captions, 4, "2021-01-01T00:00:00"));
    assert_int_equal(stored, 3);
    matches m = {.count = 0};
    assert_ok(s->ops->captions.match(s->store, "running", see_match, &m));
    assert_int_equal(m.count, 1);
    assert_int_equal(m.contents[0], s->contents[0]);
    m = (matches){.count = 0};
    assert_ok(s->ops->captions.match(s->store, "DOG?", see_match, &m));
    assert_int_equal(m.count, 2);
    glimpse_strings strings = {0};
    const char *text = NULL;
    for (size_t i = 0; i < 2; i++) {
        assert_ok(s->ops->captions.text(&text, s->store, &strings, m.captions[i]));
        assert_string_equal(text,
                            m.contents[i] == s->contents[0] ? captions[0].text : captions[2].text);
    }
    assert_ok(s->ops->captions.text(&text, s->store, &strings, INT64_MAX));
    assert_null(text);
    glimpse_strings_free(&strings);
    m = (matches){.stop_after = 1}; /* a positive return is no failure */
    assert_ok(s->ops->captions.match(s->store, "dog", see_match, &m));
    assert_int_equal(m.count, 1);

    assert_ok(s->ops->captions.list(s->store, &filter, see_caption, &count));
    assert_int_equal(count, 3);
    filter.content = s->contents[2];
    count = 0;
    assert_ok(s->ops->captions.list(s->store, &filter, see_caption, &count));
    assert_int_equal(count, 1);
    assert_ok(s->ops->captions.forget(&forgotten, s->store, &filter));
    assert_int_equal(forgotten, 1);
    m = (matches){.count = 0};
    assert_ok(s->ops->captions.match(s->store, "dog", see_match, &m));
    assert_int_equal(m.count, 1);
    glimpse_store_counts counts;
    assert_ok(s->ops->upkeep.count(&counts, s->store, s->model));
    assert_int_equal(counts.captions, 2);
    assert_int_equal(counts.captioned, 2);
    assert_int_equal(counts.files, COUNT);
    assert_int_equal(counts.embedded, COUNT);
    assert_int_equal(counts.pending + counts.missing + counts.duplicates, 0);
    assert_true(s->ops->upkeep.bytes(s->store) > 0);
}

static void check_responses(const glimpse_store_ops *ops, glimpse_responses *responses) {
    const glimpse_response response = {.key = glimpse_hash_bytes("key", 3),
                                       .contents = "c",
                                       .model = "m",
                                       .prompt = "p",
                                       .parameters = "{}",
                                       .answer = "yes",
                                       .made = "2021-01-01T00:00:00"};
    glimpse_response other = response;
    char *answer = NULL;
    int64_t count = 0;
    assert_false(ops->responses.is_read_only(responses));
    assert_ok(ops->responses.find(&answer, responses, &response.key));
    assert_null(answer);
    assert_ok(ops->responses.write(responses, &response));
    other.answer = "no";
    assert_ok(ops->responses.write(responses, &other)); /* instead */
    other.key = glimpse_hash_bytes("other", 5);
    other.model = "n";
    assert_ok(ops->responses.write(responses, &other));
    assert_ok(ops->responses.find(&answer, responses, &response.key));
    assert_string_equal(answer, "no");
    free(answer);
    assert_ok(ops->responses.count(&count, responses));
    assert_int_equal(count, 2);
    assert_ok(ops->responses.forget(&count, responses, "m"));
    assert_int_equal(count, 1);
    assert_ok(ops->responses.forget(&count, responses, NULL));
    assert_int_equal(count, 1);
    ops->responses.close(responses);
}

static void answers_live_in_a_store_or_by_themselves(void **state) {
    shop *s = *state;
    glimpse_responses *responses = NULL;
    char path[700];
    assert_ok(s->ops->responses.open_store(&responses, s->store));
    /* Committed by themselves, also while the store has a transaction of its own open for reading.
     */
    assert_ok(s->ops->begin_read(s->store));
    check_responses(s->ops, responses);
    s->ops->end_read(s->store);
    (void)snprintf(path, sizeof path, "%s/answers", s->directory);
    assert_ok(glimpse_store_backend(NULL)->responses.open(&responses, path));
    check_responses(glimpse_store_backend(NULL), responses);
}

static int see_decision(void *user, const glimpse_decision_entry *entry) {
    shop *s = user;
    assert_int_equal(entry->kind, 2);
    if (memcmp(entry->member.hash.bytes, s->hashes[6].bytes, GLIMPSE_HASH_BYTES) == 0) {
        assert_string_equal(entry->member.path, "/p/even/06.jpg"); /* where it is now */
        assert_int_equal(entry->member.copies, 1);
    } else {
        assert_string_equal(entry->member.path, "/then");
    }
    return entry->number == 1 ? GLIMPSE_OK : 5;
}

static void decisions_are_kept_once(void **state) {
    shop *s = *state;
    const glimpse_hash decision = glimpse_hash_bytes("decision", 8);
    const glimpse_decision_member members[] = {{s->hashes[6], "/elsewhere", 1},
                                               {glimpse_hash_bytes("nobody", 6), "/then", 0}};
    int64_t number = 0, again = 0;
    assert_ok(s->ops->decisions.write(&number, s->store, 2, "2021-01-01T00:00:00", &decision,
                                      members, 2));
    assert_int_equal(number, 1);
    assert_ok(s->ops->decisions.list(s->store, see_decision, s));
    assert_ok(
        s->ops->decisions.write(&again, s->store, 2, "2021-01-02T00:00:00", &decision, members, 2));
    assert_true(again > number); /* instead of it */
    assert_int_equal(s->ops->decisions.list(s->store, see_decision, s), 5);
    assert_int_equal(s->ops->decisions.forget(s->store, number), GLIMPSE_E_NOT_FOUND);
    assert_ok(s->ops->decisions.forget(s->store, again));
    assert_ok(s->ops->decisions.list(s->store, see_decision, s));
}

static int visit(void *user, const glimpse_derived_item *item) {
    assert_int_equal(item->size, 1007);
    return item->data_size == 3 && memcmp(item->data, user, 3) == 0;
}

static int is(const glimpse_hash *a, const glimpse_hash *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static void pictures_have_one_id_before_and_after_they_are_indexed(void **state) {
    const shop *s = *state;
    const glimpse_store_ops *ops = s->ops;
    const glimpse_hash first = glimpse_hash_bytes("first", 5), edited = glimpse_hash_bytes("e", 1),
                       other = glimpse_hash_bytes("other", 5),
                       identity = glimpse_hash_bytes("identity", 8);
    glimpse_hash id;
    int known = 1;
    assert_ok(ops->contents.id_of(&id, &known, s->store, &first, &identity));
    assert_true(!known && is(&id, &first));
    assert_ok(ops->contents.keep_id(s->store, &first, &identity));
    assert_ok(ops->contents.keep_id(s->store, &other, &identity)); /* one that is there stays */
    assert_ok(ops->contents.id_of(&id, &known, s->store, &edited, &identity));
    assert_true(known && is(&id, &first));
    assert_ok(ops->contents.id_of(&id, &known, s->store, &edited, NULL));
    assert_true(!known && is(&id, &edited));
    /* Indexed as it is now, it has the library's id, and what was decided before is about it. */
    const glimpse_content_meta meta = {.hash = edited,
                                       .size = 5,
                                       .has_identity = 1,
                                       .identity = identity,
                                       .orientation = 1,
                                       .format = "JPEG"};
    int64_t picture = 0;
    assert_ok(ops->begin(s->store));
    assert_ok(ops->contents.write(&picture, s->store, &meta));
    assert_ok(ops->commit(s->store));
    assert_ok(ops->contents.id_of(&id, &known, s->store, &other, &identity));
    assert_true(known && is(&id, &edited));
    int unfinished = 1;
    assert_ok(ops->upkeep.is_unfinished(&unfinished, s->store));
    assert_int_equal(unfinished, 0);
    assert_ok(ops->upkeep.finish(s->store));
}

static void derived_data_belong_to_a_version_and_a_stamp(void **state) {
    shop *s = *state;
    char expected[] = "abc";
    const glimpse_derived_item items[] = {{s->hashes[7], 1007, "abc", 3, {{0}}},
                                          {glimpse_hash_bytes("nobody", 6), 1, "x", 1, {{0}}}};
    glimpse_file_stamp stamp = {1007, 7, 7, 0};
    const glimpse_derived kinds[] = {GLIMPSE_DERIVED_FINGERPRINT, GLIMPSE_DERIVED_THUMBNAIL};
    for (size_t k = 0; k < 2; k++) {
        const glimpse_derived kind = kinds[k];
        assert_ok(s->ops->derived.write(s->store, kind, 4, items, 2));
        assert_int_equal(
            s->ops->derived.of_content(s->store, kind, 4, &s->hashes[7], 1007, visit, expected), 1);
        assert_int_equal(
            s->ops->derived.of_content(s->store, kind, 5, &s->hashes[7], 1007, visit, expected), 0);
        assert_int_equal(
            s->ops->derived.of_content(s->store, kind, 4, &s->hashes[8], 1008, visit, expected), 0);
        assert_int_equal(
            s->ops->derived.of_file(s->store, kind, 4, "/p/odd/07.jpg", &stamp, visit, expected),
            1);
        glimpse_file_stamp changed = stamp;
        changed.inode++;
        assert_int_equal(
            s->ops->derived.of_file(s->store, kind, 4, "/p/odd/07.jpg", &changed, visit, expected),
            0);
    }
}

static int see_step(void *user, const glimpse_journal_step *step) {
    glimpse_journal_step *out = user;
    out->state = step->state;
    out->run = step->run;
    out->new_inode = step->new_inode;
    assert_string_equal(step->path, "/a");
    assert_string_equal(step->other, "/held/a");
    assert_string_equal(step->hash, model_hex);
    assert_int_equal(step->size, 12);
    return GLIMPSE_OK;
}

static int see_run(void *user, const glimpse_action_run *run) {
    assert_int_equal(run->done, 1);
    ++*(int *)user;
    return GLIMPSE_OK;
}

static void a_journal_remembers_steps_and_directories(void **state) {
    shop *s = *state;
    const glimpse_store_ops *ops = glimpse_store_backend(NULL);
    glimpse_journal *journal = NULL;
    int64_t run = 0, id = 0, latest = 0;
    int runs = 0;
    char *path = NULL;
    assert_ok(ops->journal.open(&journal, s->directory));
    assert_int_equal(ops->journal.latest(&latest, journal), GLIMPSE_E_NOT_FOUND);
    assert_ok(ops->journal.begin_run(&run, journal, GLIMPSE_ACTION_MOVE, "2021-01-01T00:00:00"));
    glimpse_journal_step step = {.run = run,
                                 .state = 1,
                                 .path = (char[]){"/a"},
                                 .other = (char[]){"/held/a"},
                                 .keeper = (char[]){"/b"},
                                 .info = (char[]){""},
                                 .size = 12};
    memcpy(step.hash, model_hex, sizeof step.hash);
    assert_ok(ops->journal.add(&id, journal, &step));
    assert_ok(ops->journal.note_directory(journal, "/held", run));
    assert_ok(ops->journal.note_directory(journal, "/held/deeper", run));
    assert_ok(ops->journal.next_directory(&path, journal));
    assert_null(path); /* the run has something there */
    assert_ok(ops->journal.set_new(journal, id, 99, 5));
    assert_ok(ops->journal.set_state(journal, id, 2));
    ops->journal.close(journal);

    glimpse_journal_step found = {0};
    assert_ok(ops->journal.open(&journal, s->directory));
    assert_ok(ops->journal.steps(journal, run, 1u << 2, see_step, &found));
    assert_int_equal(found.state, 2);
    assert_int_equal(found.run, run);
    assert_int_equal(found.new_inode, 99);
    assert_ok(ops->journal.latest(&latest, journal));
    assert_int_equal(latest, run);
    assert_ok(ops->journal.runs(journal, see_run, &runs));
    assert_int_equal(runs, 1);
    assert_ok(ops->journal.set_state(journal, id, 4));
    assert_ok(ops->journal.next_directory(&path, journal));
    assert_string_equal(path, "/held/deeper"); /* the innermost first */
    assert_ok(ops->journal.forget_directory(journal, path));
    free(path);
    assert_ok(ops->journal.next_directory(&path, journal));
    assert_string_equal(path, "/held");
    free(path);
    ops->journal.close(journal);
    ops->journal.close(NULL);
}

static void upkeep_finds_nothing_wrong_and_forgets_what_is_gone(void **state) {
    shop *s = *state;
    uint64_t checked = 0, problems = 0, missing = 0;
    glimpse_file_table *table = NULL;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    assert_ok(s->ops->files.load(&table, s->store, "/p/odd", s->model));
    for (size_t i = 1; i < glimpse_file_table_count(table); i++)
        glimpse_file_table_get(table, i)->seen = 1;
    assert_ok(glimpse_store_finish_scan(&missing, NULL, s->store, "/p/odd", table));
    assert_int_equal(missing, 1);
    glimpse_file_table_free(table);
    assert_ok(s->ops->lock(s->store, "test"));
    options.dry_run = 1;
    assert_ok(s->ops->upkeep.prune(&report, s->store, &options));
    assert_int_equal(report.files, 1);
    options.dry_run = 0;
    assert_ok(s->ops->upkeep.prune(&report, s->store, &options));
    assert_int_equal(report.files, 1);
    assert_int_equal(report.contents, 1);
    assert_int_equal(report.embeddings, 1);
    assert_ok(s->ops->upkeep.reindex(s->store));
    s->ops->unlock(s->store);
    assert_ok(s->ops->upkeep.verify(&checked, &problems, s->store, NULL, NULL));
    assert_int_equal(checked, COUNT - 1);
    assert_int_equal(problems, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(every_operation_is_there),
        TEST(transactions_read_in_layers_and_write_one_at_a_time),
        TEST(damage_found_above_ends_all_writing),
        TEST(models_and_pictures_are_found_by_their_names),
        TEST(filters_let_through_what_they_say),
        TEST(vectors_are_searched_and_read_again),
        TEST(parts_of_pictures_are_kept_beside_them),
        TEST(nearest_rows_need_no_library),
        TEST(labels_belong_to_contents),
        TEST(captions_are_found_by_their_words),
        TEST(answers_live_in_a_store_or_by_themselves),
        TEST(decisions_are_kept_once),
        TEST(pictures_have_one_id_before_and_after_they_are_indexed),
        TEST(derived_data_belong_to_a_version_and_a_stamp),
        TEST(a_journal_remembers_steps_and_directories),
        TEST(upkeep_finds_nothing_wrong_and_forgets_what_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * session_relevance.c - backgrounds: found in the session, found in the library, or made.
 *
 * Writers make them at the end of indexing. Who searches a library that has none, or one of other
 * prompts, makes it for itself and keeps it while the session is open. Where that took long, as
 * with a large text tower, it is kept in the library as well, if that may be written and nobody
 * else does.
 */
#include "session_relevance.h"

#include "session_private.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/memory.h"
#include "math/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PROMPTS_BYTES = 1 << 20, BATCH = 64, LONG_SECONDS = 1 };

static const char shipped_prompts[] = "relevance.txt";
static const char why_few[] = "the library has fewer than 50 pictures";
static const char why_no_memory[] = "its index does not fit into the memory that is allowed";
static const char why_no_prompts[] = "data/relevance.txt is not installed";

/*
 * The neutral prompts.
 */
typedef struct prompts {
    char *bytes;
    const char **lines; /* [count] into bytes */
    size_t count;
    glimpse_hash key; /* of the lines and what else their embeddings depend on */
} prompts;

static void free_prompts(prompts *p) {
    free(p->bytes);
    free(p->lines);
    *p = (prompts){0};
}

static int split_lines(prompts *p, size_t size) {
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += p->bytes[i] == '\n';
    p->lines = calloc(lines, sizeof *p->lines);
    if (!p->lines) return glimpse_fail_nomem(lines * sizeof *p->lines, "prompts");
    for (char *line = p->bytes, *end; line < p->bytes + size; line = end + 1) {
        end = line + strcspn(line, "\n");
        *end = '\0';
        if (end > line && end[-1] == '\r') end[-1] = '\0';
        if (*line && *line != '#') p->lines[p->count++] = line;
    }
    return GLIMPSE_OK;
}

/* p->count 0: they are not there. */
static int load_prompts(prompts *p, const glimpse_session *session) {
    void *bytes = NULL;
    size_t size = 0;
    *p = (prompts){0};
    char *path = glimpse_places_shipped(&session->places, shipped_prompts);
    if (!path) return GLIMPSE_OK;
    int status = glimpse_file_read(&bytes, &size, path, MAX_PROMPTS_BYTES);
    free(path);
    if (status < 0) return status;
    glimpse_hasher *hasher = glimpse_hasher_create();
    p->bytes = malloc(size + 1);
    if (!hasher || !p->bytes) {
        if (hasher) (void)glimpse_hasher_finish(hasher);
        free(bytes);
        free_prompts(p);
        return glimpse_fail_nomem(size, "prompts");
    }
    if (size > 0) memcpy(p->bytes, bytes, size);
    p->bytes[size] = '\0';
    free(bytes);
    glimpse_hasher_update(hasher, p->bytes, size);
    if (session->language) {
        glimpse_hasher_update(hasher, session->language, strlen(session->language));
    }
    p->key = glimpse_hasher_finish(hasher);
    status = split_lines(p, size);
    if (status < 0) free_prompts(p);
    return status;
}

static int encode(glimpse_background *b, const prompts *p, glimpse_session *part,
                  glimpse_library *library, const glimpse_model *model,
                  const session_control *control) {
    session_worker worker = {0};
    uint8_t *stored = malloc(2 * b->dim + 1);
    int status = stored ? GLIMPSE_OK : glimpse_fail_nomem(2 * b->dim, "an embedding");
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_encoder(&worker, part, GLIMPSE_TOWER_TEXT, BATCH, library);
    }
    if (status == GLIMPSE_OK &&
        strcmp(glimpse_model_fingerprint(worker.model), glimpse_model_fingerprint(model)) != 0) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s is not the session's model",
                              glimpse_model_name(model));
    }
    for (size_t i = 0; i < p->count && status == GLIMPSE_OK; i += BATCH) {
        const size_t count = p->count - i < BATCH ? p->count - i : BATCH;
        status = control ? glimpse_session_check_cancelled(control) : GLIMPSE_OK;
        if (status == GLIMPSE_OK) {
            status = glimpse_encoder_texts(b->prompts + i * b->dim, NULL, worker.encoder,
                                           p->lines + i, count, 0);
        }
    }
    /* As they come back from the catalogue: who makes them for itself gets the same numbers. */
    for (size_t i = 0; i < p->count && status == GLIMPSE_OK; i++) {
        glimpse_f16_store(stored, b->prompts + i * b->dim, b->dim);
        glimpse_f16_load(b->prompts + i * b->dim, stored, b->dim);
    }
    free(stored);
    glimpse_session_release_encoder(&worker);
    return status;
}

/*
 * Those of the session. One is constant from when it is here until nobody uses it.
 */
typedef struct kept_background {
    char fingerprint[33];
    glimpse_hash key;
    glimpse_background *background;
    size_t users;
    int is_old; /* another one has taken its place */
} kept_background;

static void drop_unused(glimpse_session *session) {
    size_t left = 0;
    for (size_t i = 0; i < session->backgrounds.count; i++) {
        kept_background *k = session->backgrounds.items[i];
        if (k->users > 0 || !k->is_old) {
            session->backgrounds.items[left++] = k;
            continue;
        }
        glimpse_background_free(k->background);
        free(k);
    }
    session->backgrounds.count = left;
}

static kept_background *find_kept(glimpse_session *session, const char *fingerprint,
                                  const glimpse_hash *key, uint64_t pictures, uint64_t parts) {
    kept_background *found = NULL;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->backgrounds.count && !found; i++) {
        kept_background *k = session->backgrounds.items[i];
        if (k->is_old || strcmp(k->fingerprint, fingerprint) != 0) continue;
        if (memcmp(&k->key, key, sizeof *key) != 0) continue;
        if (glimpse_background_is_current(k->background, pictures, parts)) found = k;
    }
    if (found) found->users++;
    (void)pthread_mutex_unlock(&session->lock);
    return found;
}

/* Takes `background` over in any case. */
static int keep(kept_background **out, glimpse_session *session, const char *fingerprint,
                const glimpse_hash *key, glimpse_background *background) {
    kept_background *k = calloc(1, sizeof *k);
    *out = NULL;
    if (!k) {
        glimpse_background_free(background);
        return glimpse_fail_nomem(sizeof *k, "a background");
    }
    memcpy(k->fingerprint, fingerprint, strlen(fingerprint) + 1);
    k->key = *key;
    k->background = background;
    k->users = 1;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->backgrounds.count; i++) {
        kept_background *other = session->backgrounds.items[i];
        if (strcmp(other->fingerprint, fingerprint) == 0) other->is_old = 1;
    }
    drop_unused(session);
    int status = glimpse_session_list_add(&session->backgrounds, k);
    (void)pthread_mutex_unlock(&session->lock);
    if (status < 0) {
        glimpse_background_free(background);
        free(k);
        return status;
    }
    *out = k;
    return GLIMPSE_OK;
}

static void release(glimpse_session *session, kept_background *k) {
    if (!k) return;
    (void)pthread_mutex_lock(&session->lock);
    k->users--;
    drop_unused(session);
    (void)pthread_mutex_unlock(&session->lock);
}

void glimpse_session_close_backgrounds(glimpse_session *session) {
    for (size_t i = 0; i < session->backgrounds.count; i++) {
        kept_background *k = session->backgrounds.items[i];
        glimpse_background_free(k->background);
        free(k);
    }
    free(session->backgrounds.items);
    session->backgrounds = (session_list){0};
}

/*
 * Finding or making one.
 */
typedef struct place { /* of a model in a library, in a read transaction */
    glimpse_model_info model;
    glimpse_searched in;
    uint64_t pictures, parts;
} place;

/* GLIMPSE_E_NOT_FOUND when nothing was indexed with the model, GLIMPSE_E_LIMIT when the index would
 * take more memory than the process may have. */
static int find_place(place *out, glimpse_library *library, const glimpse_model *model) {
    const glimpse_model_key key = glimpse_model_get_key(model);
    glimpse_store *store = glimpse_library_store(library);
    int status = glimpse_store_find_model(&out->model, store, &key);
    if (status < 0) return status;
    const uint64_t parts = out->model.parts > 0 ? glimpse_parts_memory(&out->model) : 0;
    if (glimpse_vectors_memory(&out->model) + parts > glimpse_max_memory()) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "the index of %s does not fit into the memory allowed",
                            out->model.fingerprint);
    }
    out->in = (glimpse_searched){store, store->ops, out->model.id, NULL, NULL};
    status = store->ops->vectors.get(&out->in.wholes, store, &out->model);
    if (status == GLIMPSE_OK) out->pictures = store->ops->vectors.count(out->in.wholes);
    if (status == GLIMPSE_OK && out->model.parts > 0) {
        status = store->ops->picture_parts.vectors(&out->in.parts, store, &out->model);
        if (status == GLIMPSE_OK) out->parts = store->ops->vectors.count(out->in.parts);
    }
    return status;
}

/* The library's, whatever it was measured at; *out NULL: it has none of these prompts. */
static int load_stored(glimpse_background **out, const place *at, const glimpse_hash *key) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_store_background stored;
    *out = NULL;
    int status = at->in.ops->backgrounds.load(&stored, at->in.store, at->model.id);
    if (status == GLIMPSE_OK && memcmp(&stored.key, key, sizeof *key) == 0) {
        status = glimpse_background_unpack(out, stored.data, stored.size, at->model.dim);
    }
    free(stored.data);
    if (status == GLIMPSE_E_NOT_FOUND || status == GLIMPSE_E_FORMAT) {
        glimpse_error_restore(&before);
        return GLIMPSE_OK;
    }
    return status;
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int make(glimpse_background **out, const prompts *p, glimpse_session *part,
                glimpse_library *library, const place *at, const glimpse_model *model,
                const session_control *control) {
    int status = glimpse_background_create(out, at->model.dim, p->count);
    if (status == GLIMPSE_OK) status = encode(*out, p, part, library, model, control);
    if (status < 0) {
        glimpse_background_free(*out);
        *out = NULL;
    }
    return status;
}

static int load_or_make(kept_background **out, const prompts *p, glimpse_session *session,
                        glimpse_session *part, glimpse_library *library, const place *at,
                        const glimpse_model *model, const session_control *control,
                        int *took_long) {
    glimpse_background *background = NULL;
    const double start = now();
    int status = load_stored(&background, at, &p->key);
    const int made = status == GLIMPSE_OK && !background;
    if (made) status = make(&background, p, part, library, at, model, control);
    if (status == GLIMPSE_OK &&
        !glimpse_background_is_current(background, at->pictures, at->parts)) {
        status = glimpse_background_measure(background, &at->in);
    }
    if (status < 0) {
        glimpse_background_free(background);
        return status;
    }
    *took_long = made && now() - start > LONG_SECONDS;
    return keep(out, session, at->model.fingerprint, &p->key, background);
}

/*
 * In the library.
 */
static int write_background(const place *at, const prompts *p, const glimpse_background *b) {
    glimpse_store_background stored = {.key = p->key};
    int status = glimpse_background_pack(&stored.data, &stored.size, b);
    if (status < 0) return status;
    status = at->in.ops->lock(at->in.store, "indexing");
    if (status == GLIMPSE_OK) {
        status = at->in.ops->backgrounds.write(at->in.store, at->model.id, &stored);
        at->in.ops->unlock(at->in.store);
    }
    free(stored.data);
    return status;
}

/* Who may not is no worse off than without. */
static void try_to_write(const place *at, const prompts *p, const glimpse_background *b) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (at->in.store->read_only || b->prompt_count == 0) return;
    if (write_background(at, p, b) < 0) glimpse_error_restore(&before);
}

static int judge(glimpse_relevance *out, const glimpse_background *background, const place *at,
                 const session_judged *query) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_relevance_query q = {query->vector, query->vector + background->dim, query->pictures,
                                 0};
    glimpse_hash id;
    if (query->exclude_id && *query->exclude_id && glimpse_hash_from_hex(&id, query->exclude_id) &&
        at->in.ops->contents.find_id(&q.excluded, at->in.store, &id) < 0) {
        glimpse_error_restore(&before);
        q.excluded = 0;
    }
    return glimpse_relevance_judge(out, background, &at->in, &q);
}

int glimpse_session_judge(session_judge *out, glimpse_session *session, glimpse_session *part,
                          glimpse_library *library, const glimpse_model *model,
                          const session_judged *query, const session_control *control) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_store *store = glimpse_library_store(library);
    kept_background *kept = NULL;
    place at = {0};
    prompts p = {0};
    *out = (session_judge){{0}, NULL};
    int status = load_prompts(&p, session);
    if (status < 0) return status;
    int took_long = 0;
    if (p.count == 0) out->why = why_no_prompts;
    status = store->ops->begin_read(store);
    if (status < 0) goto done;
    status = find_place(&at, library, model);
    if (status == GLIMPSE_E_NOT_FOUND || status == GLIMPSE_E_LIMIT) { /* the search says so */
        out->why = status == GLIMPSE_E_LIMIT ? why_no_memory : why_few;
        glimpse_error_restore(&before);
        status = GLIMPSE_OK;
    } else if (status == GLIMPSE_OK && at.pictures < GLIMPSE_RELEVANCE_PICTURES) {
        out->why = why_few;
    } else if (status == GLIMPSE_OK && !out->why) {
        kept = find_kept(session, at.model.fingerprint, &p.key, at.pictures, at.parts);
        if (!kept) {
            status =
                load_or_make(&kept, &p, session, part, library, &at, model, control, &took_long);
        }
        if (status == GLIMPSE_OK) {
            status = judge(&out->relevance, kept->background, &at, query);
        }
    }
    store->ops->end_read(store);
    if (status == GLIMPSE_OK && took_long) try_to_write(&at, &p, kept->background);
done:
    release(session, kept);
    free_prompts(&p);
    return status;
}

int glimpse_session_write_background(glimpse_session *session, glimpse_library *library,
                                     const glimpse_model *model, const session_control *control) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_background *background = NULL;
    place at = {0};
    prompts p = {0};
    const glimpse_kept_error before = glimpse_error_keep();
    int status = load_prompts(&p, session), wanted = 0;
    if (status == GLIMPSE_OK && p.count > 0) status = store->ops->begin_read(store);
    if (status < 0 || p.count == 0) goto done;
    status = find_place(&at, library, model);
    if (status == GLIMPSE_OK && at.pictures >= GLIMPSE_RELEVANCE_PICTURES) {
        status = load_stored(&background, &at, &p.key);
        wanted = status == GLIMPSE_OK &&
                 (!background || !glimpse_background_is_current(background, at.pictures, at.parts));
        if (wanted && !background) {
            status = make(&background, &p, session, library, &at, model, control);
        }
        if (wanted && status == GLIMPSE_OK) {
            status = glimpse_background_measure(background, &at.in);
        }
    }
    store->ops->end_read(store);
    if (status == GLIMPSE_E_LIMIT) { /* searches go without one as well */
        glimpse_error_restore(&before);
        status = GLIMPSE_OK;
    }
    if (wanted && status == GLIMPSE_OK) status = write_background(&at, &p, background);
done:
    glimpse_background_free(background);
    free_prompts(&p);
    return status;
}

/*
 * Hits.
 */
static double relevance_of(const glimpse_hit *hit, const session_judge *judges, size_t count) {
    double best = NAN;
    for (size_t i = 0; i < count; i++) {
        const double score = hit->ranks ? hit->ranks[i].score : hit->score;
        if (judges[i].why || isnan(score)) continue;
        best = fmax(best, glimpse_relevance_of(&judges[i].relevance, score));
    }
    return best;
}

void glimpse_hits_set_relevance(glimpse_hits *hits, const session_judge *judges, size_t count) {
    for (size_t i = 0; i < hits->count; i++) {
        hits->items[i].relevance = relevance_of(&hits->items[i], judges, count);
        hits->summary.best = fmax(hits->summary.best, hits->items[i].relevance);
    }
    for (size_t i = 0; i < count && !hits->summary.no_relevance; i++)
        hits->summary.no_relevance = judges[i].why;
}

/*
 * decisions.c - stores and loads what a person decided about pairs and groups of duplicates.
 *
 * decision.key is a hash of kind and sorted ids: an equal decision replaces the earlier one and
 * becomes the latest. Members name pictures by id and not by the catalogue's row, which comes and
 * goes with the files; who asks may name them by the hash of any bytes that show them.
 */
#include <glimpse/decisions.h>

#include "actions_internal.h"
#include "core/error.h"
#include "library_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_IDS = 10000 };

typedef struct decision_row {
    glimpse_decision shown;
    char made[32];
    char **ids, **paths;
    int *copies;
    size_t capacity;
} decision_row;

/* Who asks about two contents looks for both here. */
typedef struct decision_place {
    char id[GLIMPSE_HASH_HEX];
    size_t row, member; /* of that row: one picture, under however many ids */
    int copies;
} decision_place;

struct glimpse_decisions {
    decision_row *rows; /* [count] by number */
    size_t count, capacity;
    decision_place *places; /* [place_count] by id, then row */
    size_t place_count;
};

const char *glimpse_decision_kind_name(glimpse_decision_kind kind) {
    switch (kind) {
    case GLIMPSE_DECISION_NOT_DUPLICATES: return "not-duplicates";
    case GLIMPSE_DECISION_KEEP_ALL: return "keep-all";
    case GLIMPSE_DECISION_NOTHING: break;
    }
    return "nothing";
}

int glimpse_content_id(char *id, const char *path) {
    if (!path || !id) return glimpse_fail(GLIMPSE_E_INVALID, "no path");
    struct stat info;
    char *real = realpath(path, NULL);
    int error = real ? glimpse_action_hash(real, &info, id) : errno;
    free(real);
    if (!error) return GLIMPSE_OK;
    errno = error;
    if (error == EINVAL) return glimpse_fail(GLIMPSE_E_INVALID, "%s: not a regular file", path);
    return glimpse_fail_errno("%s: cannot read", path);
}

/*
 * Making and forgetting.
 */
typedef glimpse_decision_member member;

static int by_hash(const void *a, const void *b) {
    return memcmp(((const member *)a)->hash.bytes, ((const member *)b)->hash.bytes,
                  GLIMPSE_HASH_BYTES);
}

/* From the hash of its bytes, its id. Of a file that is not indexed, the id is kept with its
 * identity: when its metadata are edited, it is still the one that was decided about. */
static int name_member(member *m, glimpse_store *store) {
    static const glimpse_hash none;
    const glimpse_hash named = m->hash;
    glimpse_hash identity;
    int known = 0;
    int status = glimpse_store_id_of_file(&m->hash, &known, &identity, store, m->path, &named);
    if (status < 0 || known || memcmp(&identity, &none, sizeof none) == 0) return status;
    return store->ops->contents.keep_id(store, &named, &identity);
}

/* Sorted, each id once. */
static int gather(member **out, size_t *used, glimpse_store *store, const char *const *ids,
                  const char *const *paths, size_t count) {
    *out = NULL;
    *used = 0;
    if (count == 0 || count > MAX_IDS || !ids) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a decision is about 1 to %d contents, not %zu",
                            MAX_IDS, count);
    }
    member *members = calloc(count, sizeof *members);
    if (!members) return glimpse_fail_nomem(count * sizeof *members, "a decision");
    for (size_t i = 0; i < count; i++) {
        if (!ids[i] || !glimpse_hash_from_hex(&members[i].hash, ids[i])) {
            free(members);
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" is no content id", ids[i] ? ids[i] : "");
        }
        members[i].path = paths && paths[i] ? paths[i] : "";
        int status = name_member(&members[i], store);
        if (status < 0) {
            free(members);
            return status;
        }
    }
    qsort(members, count, sizeof *members, by_hash);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_hash(&members[kept - 1], &members[i]) != 0) {
            members[kept++] = members[i];
        } else {
            members[kept - 1].copies = 1; /* two files with these bytes were named */
        }
    }
    if (kept == 1) members[0].copies = 1; /* what else could be meant? */
    *out = members;
    *used = kept;
    return GLIMPSE_OK;
}

static glimpse_hash key_of(glimpse_decision_kind kind, const member *members, size_t count) {
    glimpse_hash key = {{0}};
    glimpse_hasher *hasher = glimpse_hasher_create();
    uint8_t byte = (uint8_t)kind;
    if (!hasher) return key;
    glimpse_hasher_update(hasher, &byte, 1);
    for (size_t i = 0; i < count; i++)
        glimpse_hasher_update(hasher, members[i].hash.bytes, GLIMPSE_HASH_BYTES);
    for (size_t i = 0; i < count; i++) {
        byte = (uint8_t)members[i].copies;
        glimpse_hasher_update(hasher, &byte, 1);
    }
    return glimpse_hasher_finish(hasher);
}

int glimpse_decision_add(int64_t *number, glimpse_library *library, glimpse_decision_kind kind,
                         const char *const *ids, const char *const *paths, size_t count) {
    if (!library ||
        (kind != GLIMPSE_DECISION_NOT_DUPLICATES && kind != GLIMPSE_DECISION_KEEP_ALL)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no library, or no such kind of decision");
    }
    member *members = NULL;
    size_t used = 0;
    int64_t made = 0;
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->lock(store, "remembering a decision");
    if (status < 0) return status;
    status = gather(&members, &used, store, ids, paths, count);
    if (status == GLIMPSE_OK && kind == GLIMPSE_DECISION_NOT_DUPLICATES && used < 2) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "files of one picture cannot be declared different pictures");
    }
    if (status == GLIMPSE_OK) {
        const glimpse_hash key = key_of(kind, members, used);
        time_t now = time(NULL);
        struct tm utc;
        char when[32] = "1970-01-01T00:00:00";
        if (gmtime_r(&now, &utc)) (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
        status = store->ops->decisions.write(&made, store, (int)kind, when, &key, members, used);
    }
    store->ops->unlock(store);
    if (status == GLIMPSE_OK && number) *number = made;
    free(members);
    return status;
}

int glimpse_decision_forget(glimpse_library *library, int64_t number) {
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->lock(store, "forgetting a decision");
    if (status < 0) return status;
    status = store->ops->decisions.forget(store, number);
    store->ops->unlock(store);
    return status;
}

/*
 * Loading.
 */
static int no_memory(void) {
    return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for decisions");
}

static int add_member(decision_row *row, const glimpse_decision_member *from) {
    size_t n = row->shown.count;
    if (n == row->capacity) {
        size_t capacity = row->capacity ? 2 * row->capacity : 4;
        char **ids = realloc(row->ids, capacity * sizeof *ids);
        if (ids) row->ids = ids;
        char **paths = realloc(row->paths, capacity * sizeof *paths);
        if (paths) row->paths = paths;
        int *copies = realloc(row->copies, capacity * sizeof *copies);
        if (copies) row->copies = copies;
        if (!ids || !paths || !copies) return no_memory();
        row->capacity = capacity;
    }
    row->ids[n] = malloc(GLIMPSE_HASH_HEX);
    row->paths[n] = strdup(from->path);
    row->copies[n] = from->copies;
    row->shown.count = n + 1; /* both are freed, NULL or not */
    if (!row->ids[n] || !row->paths[n]) return no_memory();
    glimpse_hash_to_hex(&from->hash, row->ids[n]);
    return GLIMPSE_OK;
}

static int add_entry(void *user, const glimpse_decision_entry *from) {
    glimpse_decisions *decisions = user;
    if (decisions->count == 0 ||
        decisions->rows[decisions->count - 1].shown.number != from->number) {
        if (decisions->count == decisions->capacity) {
            size_t capacity = decisions->capacity ? 2 * decisions->capacity : 16;
            decision_row *rows = realloc(decisions->rows, capacity * sizeof *rows);
            if (!rows) return no_memory();
            decisions->rows = rows;
            decisions->capacity = capacity;
        }
        decision_row *row = &decisions->rows[decisions->count++];
        *row = (decision_row){0};
        row->shown.number = from->number;
        row->shown.kind = (glimpse_decision_kind)from->kind;
        (void)snprintf(row->made, sizeof row->made, "%s", from->made);
    }
    decisions->place_count++;
    return add_member(&decisions->rows[decisions->count - 1], &from->member);
}

static int by_id(const void *a, const void *b) {
    const decision_place *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int make_places(glimpse_decisions *decisions) {
    size_t used = 0;
    decisions->places = calloc(decisions->place_count + 1, sizeof *decisions->places);
    if (!decisions->places) return no_memory();
    for (size_t i = 0; i < decisions->count; i++) {
        decision_row *row = &decisions->rows[i];
        row->shown.made = row->made;
        row->shown.ids = (const char *const *)row->ids;
        row->shown.paths = (const char *const *)row->paths;
        for (size_t k = 0; k < row->shown.count; k++) {
            memcpy(decisions->places[used].id, row->ids[k], GLIMPSE_HASH_HEX);
            decisions->places[used].copies = row->copies[k];
            decisions->places[used].member = k;
            decisions->places[used++].row = i;
        }
    }
    qsort(decisions->places, used, sizeof *decisions->places, by_id);
    return GLIMPSE_OK;
}

/* Places under the other hashes of a picture; they are added behind the sorted ones. */
typedef struct adding {
    glimpse_decisions *decisions;
    decision_place *places;
    size_t count, capacity;
} adding;

static size_t find(const glimpse_decisions *decisions, const char *id);

static int add_content(void *user, const glimpse_hash *member_hash, const glimpse_hash *bytes) {
    adding *a = user;
    const glimpse_decisions *decisions = a->decisions;
    char id[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(member_hash, id);
    for (size_t i = find(decisions, id);
         i < decisions->place_count && strcmp(decisions->places[i].id, id) == 0; i++) {
        if (a->count == a->capacity) {
            const size_t capacity = a->capacity ? 2 * a->capacity : 64;
            decision_place *places = realloc(a->places, capacity * sizeof *places);
            if (!places) return no_memory();
            a->places = places;
            a->capacity = capacity;
        }
        decision_place *to = &a->places[a->count++];
        *to = decisions->places[i];
        glimpse_hash_to_hex(bytes, to->id);
    }
    return GLIMPSE_OK;
}

static int add_contents(glimpse_decisions *decisions, glimpse_store *store) {
    adding a = {.decisions = decisions};
    int status = store->ops->decisions.contents(store, add_content, &a);
    if (status == GLIMPSE_OK && a.count > 0) {
        const size_t count = decisions->place_count + a.count;
        decision_place *all = realloc(decisions->places, count * sizeof *all);
        if (all) {
            memcpy(all + decisions->place_count, a.places, a.count * sizeof *all);
            qsort(all, count, sizeof *all, by_id);
            decisions->places = all;
            decisions->place_count = count;
        } else {
            status = no_memory();
        }
    }
    free(a.places);
    return status;
}

int glimpse_decisions_load(glimpse_decisions **out, glimpse_library *library) {
    if (out) *out = NULL;
    if (!out || !library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_decisions *decisions = calloc(1, sizeof *decisions);
    if (!decisions) return no_memory();
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->decisions.list(store, add_entry, decisions);
    if (status == GLIMPSE_OK) status = make_places(decisions);
    if (status == GLIMPSE_OK) status = add_contents(decisions, store);
    if (status < 0) {
        glimpse_decisions_free(decisions);
        return status;
    }
    *out = decisions;
    return GLIMPSE_OK;
}

void glimpse_decisions_free(glimpse_decisions *decisions) {
    if (!decisions) return;
    for (size_t i = 0; i < decisions->count; i++) {
        decision_row *row = &decisions->rows[i];
        for (size_t k = 0; k < row->shown.count; k++) {
            free(row->ids[k]);
            free(row->paths[k]);
        }
        free(row->ids);
        free(row->paths);
        free(row->copies);
    }
    free(decisions->rows);
    free(decisions->places);
    free(decisions);
}

size_t glimpse_decisions_count(const glimpse_decisions *decisions) {
    return decisions ? decisions->count : 0;
}

const glimpse_decision *glimpse_decisions_get(const glimpse_decisions *decisions, size_t i) {
    return decisions && i < decisions->count ? &decisions->rows[i].shown : NULL;
}

/* The first place whose id is not before `id`. */
static size_t find(const glimpse_decisions *decisions, const char *id) {
    size_t low = 0, high = decisions->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(decisions->places[middle].id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int glimpse_decisions_ask(const glimpse_decisions *decisions, const char *a, const char *b) {
    if (!decisions || decisions->place_count == 0 || !a || !b) return GLIMPSE_DECISION_NOTHING;
    const decision_place *places = decisions->places;
    size_t i = find(decisions, a), k = find(decisions, b), count = decisions->place_count;
    int kind = GLIMPSE_DECISION_NOTHING;
    while (i < count && k < count && strcmp(places[i].id, a) == 0 && strcmp(places[k].id, b) == 0) {
        if (places[i].row < places[k].row) {
            i++;
        } else if (places[i].row > places[k].row) {
            k++;
        } else {
            int found = (int)decisions->rows[places[i].row].shown.kind;
            const int same = places[i].member == places[k].member;
            /* Rows come in the order they were made: the last one counts. Of files of one picture,
             * be they of equal bytes or not, nobody can say that they differ. */
            if (!same || (found == GLIMPSE_DECISION_KEEP_ALL && places[i].copies)) kind = found;
            i++;
            k++;
        }
    }
    return kind;
}

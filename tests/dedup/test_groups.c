/*
 * Groups do not chain. On random similarity graphs every member of a group is joined to its keeper
 * by an edge of its own; nobody is twice in groups of a kind; nobody was left out that could have
 * been in one.
 */
#include "support/numbers.h"

#include "dedup_private.h"

static uint64_t state;

static int compare_edges(const void *a, const void *b) {
    const glimpse_dedup_edge *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

static glimpse_dedup_options options;

/* `count` pictures that no file backs (a comparison in a roundabout way finds nothing), some with
 * equal pixels, and random edges between the classes. */
static void make_world(glimpse_dedup *dedup, size_t count, double density) {
    options = GLIMPSE_DEDUP_OPTIONS_INIT;
    memset(dedup, 0, sizeof *dedup);
    dedup->options = &options;
    dedup->items = calloc(count, sizeof *dedup->items);
    assert_non_null(dedup->items);
    dedup->count = count;
    for (size_t i = 0; i < count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        char path[64];
        (void)snprintf(path, sizeof path, "/nowhere/%05zu.jpg", i);
        item->picture.path = strdup(path);
        item->picture.label = strdup("");
        item->picture.format = strdup("JPEG");
        item->picture.taken = strdup("");
        item->picture.camera = strdup("");
        size_t reference = i > 0 && next_random(&state) % 8 == 0 ? next_random(&state) % i : i;
        (void)snprintf(item->picture.id, sizeof item->picture.id, "%032zx", i);
        if (reference < i) {
            memcpy(item->picture.pixels, dedup->items[reference].picture.pixels, 33);
        } else {
            (void)snprintf(item->picture.pixels, sizeof item->picture.pixels, "%032zx", i + 1);
        }
        item->effective = (double)(next_random(&state) % 6);
        item->picture.mtime_ns = (int64_t)(next_random(&state) % 3);
    }
    assert_ok(glimpse_dedup_make_classes(dedup));
    size_t n = dedup->class_count;
    dedup->edges = calloc(n * n / 2 + 1, sizeof *dedup->edges);
    assert_non_null(dedup->edges);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            if ((double)(next_random(&state) % 10000) >= density * 10000) continue;
            uint32_t a = dedup->first_of[i], b = dedup->first_of[j];
            glimpse_dedup_edge *e = &dedup->edges[dedup->edge_count++];
            e->a = a < b ? a : b;
            e->b = a < b ? b : a;
            e->relation = (glimpse_dedup_relation)(1 + next_random(&state) % 4);
            e->kind = e->relation == GLIMPSE_RELATION_SIMILAR ? GLIMPSE_DEDUP_SEMANTIC
                                                              : GLIMPSE_DEDUP_PERCEPTUAL;
            e->score = (double)(next_random(&state) % 1000) / 1000;
            e->orientation = 1;
            e->comparison.gain = 1;
            e->warp = (glimpse_warp){{1, 0, 0, 0, 1, 0}};
        }
    }
    qsort(dedup->edges, dedup->edge_count, sizeof *dedup->edges, compare_edges);
}

static const glimpse_dedup_edge *edge_between(const glimpse_dedup *dedup, size_t a, size_t b) {
    return glimpse_dedup_find_edge(dedup, dedup->first_of[dedup->items[a].class],
                                   dedup->first_of[dedup->items[b].class]);
}

static int round_of(glimpse_dedup_relation relation) {
    return relation <= GLIMPSE_RELATION_EDITED ? 0 : relation == GLIMPSE_RELATION_NEAR_SHOT ? 1 : 2;
}

static void check_groups(const glimpse_dedup *dedup) {
    uint8_t *strong = calloc(dedup->count, 1), *weak = calloc(dedup->count, 1);
    assert_true(strong && weak);
    for (size_t g = 0; g < dedup->group_count; g++) {
        const glimpse_dedup_cluster *group = &dedup->groups[g];
        uint32_t keeper = group->members[0].item;
        assert_true(group->count >= 2);
        int round = round_of(group->members[1].relation);
        for (size_t m = 0; m < group->count; m++) {
            const glimpse_dedup_entry *member = &group->members[m];
            /* Once as the same picture; once as a member of the weaker sort. */
            if (round == 0) assert_int_equal(strong[member->item]++, 0);
            if (round > 0 && m > 0) assert_int_equal(weak[member->item]++, 0);
            if (m == 0) continue;
            assert_int_equal(round_of(member->relation), round);
            assert_true(
                glimpse_dedup_rank(dedup, &dedup->items[keeper], &dedup->items[member->item]) < 0);
            if (dedup->items[member->item].class == dedup->items[keeper].class) {
                assert_int_equal(member->relation, GLIMPSE_RELATION_IDENTICAL);
                continue;
            }
            const glimpse_dedup_edge *edge = edge_between(dedup, keeper, member->item);
            assert_non_null(edge); /* no chaining */
            assert_int_equal(edge->relation, member->relation);
        }
    }
    /* Two pictures in no group of the same picture are not the same picture. */
    for (size_t e = 0; e < dedup->edge_count; e++) {
        const glimpse_dedup_edge *edge = &dedup->edges[e];
        if (edge->relation > GLIMPSE_RELATION_EDITED) continue;
        assert_true(strong[edge->a] || strong[edge->b]);
    }
    free(strong);
    free(weak);
}

static void every_member_is_joined_to_its_keeper_on_random_graphs(void **unused) {
    static const double densities[] = {0.01, 0.05, 0.2, 0.6};
    (void)unused;
    state = 99;
    for (int round = 0; round < 200; round++) {
        glimpse_dedup dedup;
        make_world(&dedup, 2 + next_random(&state) % 60, densities[round % 4]);
        assert_ok(glimpse_dedup_group_all(&dedup));
        check_groups(&dedup);
        glimpse_dedup_release(&dedup);
    }
}

static void groups_are_the_same_in_every_run(void **unused) {
    (void)unused;
    glimpse_dedup first, second;
    state = 7;
    make_world(&first, 80, 0.1);
    assert_ok(glimpse_dedup_group_all(&first));
    state = 7;
    make_world(&second, 80, 0.1);
    assert_ok(glimpse_dedup_group_all(&second));
    assert_true(first.group_count > 3);
    assert_int_equal(first.group_count, second.group_count);
    for (size_t g = 0; g < first.group_count; g++) {
        assert_int_equal(first.groups[g].count, second.groups[g].count);
        for (size_t m = 0; m < first.groups[g].count; m++) {
            assert_int_equal(first.groups[g].members[m].item, second.groups[g].members[m].item);
        }
    }
    glimpse_dedup_release(&first);
    glimpse_dedup_release(&second);
}

/* A chain a - b - c - d ... of the same picture each: neighbours only. */
static void a_chain_is_cut(void **unused) {
    (void)unused;
    glimpse_dedup dedup;
    state = 3;
    make_world(&dedup, 0 + 12, 0);
    for (size_t i = 0; i + 1 < dedup.class_count; i++) {
        glimpse_dedup_edge *e = &dedup.edges[dedup.edge_count++];
        uint32_t a = dedup.first_of[i], b = dedup.first_of[i + 1];
        *e = (glimpse_dedup_edge){.a = a < b ? a : b,
                                  .b = a < b ? b : a,
                                  .relation = GLIMPSE_RELATION_EDITED,
                                  .kind = GLIMPSE_DEDUP_PERCEPTUAL,
                                  .score = 0.9,
                                  .orientation = 1};
    }
    qsort(dedup.edges, dedup.edge_count, sizeof *dedup.edges, compare_edges);
    assert_ok(glimpse_dedup_group_all(&dedup));
    check_groups(&dedup);
    for (size_t g = 0; g < dedup.group_count; g++) {
        /* The keeper's class and the two beside it; a class may have several members. */
        const glimpse_dedup_cluster *group = &dedup.groups[g];
        size_t classes = 0;
        for (size_t m = 1; m < group->count; m++) {
            const uint32_t class = dedup.items[group->members[m].item].class;
            int known = 0;
            for (size_t n = 0; n < m && !known; n++)
                known = dedup.items[group->members[n].item].class == class;
            classes += !known;
        }
        assert_true(classes <= 2);
    }
    glimpse_dedup_release(&dedup);
}

static int refuse_all(void *user, const char *a, const char *b) {
    size_t *asked = user;
    assert_true(strcmp(a, b) <= 0);
    (*asked)++;
    return GLIMPSE_DECIDED_NOT_DUPLICATES;
}

static void decided_pairs_are_left_out(void **unused) {
    (void)unused;
    glimpse_dedup dedup;
    size_t asked = 0;
    state = 11;
    make_world(&dedup, 40, 0.2);
    options.decide = refuse_all;
    options.user = &asked;
    assert_ok(glimpse_dedup_group_all(&dedup));
    assert_int_equal(dedup.group_count, 0);
    assert_true(asked > 10);
    assert_int_equal(dedup.decided, asked);
    glimpse_dedup_release(&dedup);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_joined_to_its_keeper_on_random_graphs),
        cmocka_unit_test(groups_are_the_same_in_every_run),
        cmocka_unit_test(a_chain_is_cut),
        cmocka_unit_test(decided_pairs_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

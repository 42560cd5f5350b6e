/*
 * bench_relevance_truth.c - tables of scenes and questions, and which picture a question is true
 * of.
 */
#include "bench_relevance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const relevance_kind_names[RELEVANCE_KINDS] = {"present", "other", "foreign", "near"};

static void fail(const char *path, unsigned line, const char *what) {
    (void)fprintf(stderr, "the benchmark is void: %s, line %u: %s\n", path, line, what);
    exit(1);
}

/* Doubles what is full. */
static void *grow(void *all, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return all;
    *capacity = *capacity ? 2 * *capacity : 256;
    all = realloc(all, *capacity * size);
    if (!all) exit(1);
    return all;
}

void relevance_add_scene(relevance_scenes *scenes, const relevance_scene *scene) {
    scenes->all = grow(scenes->all, scenes->count, &scenes->capacity, sizeof *scene);
    scenes->all[scenes->count++] = *scene;
}

void relevance_add_question(relevance_questions *questions, const relevance_question *question) {
    questions->all = grow(questions->all, questions->count, &questions->capacity, sizeof *question);
    questions->all[questions->count++] = *question;
}

/* What is too long is cut. */
static void assign(char *to, size_t size, const char *from) {
    const size_t length = strcmp(from, "-") == 0 ? 0 : strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

/* Splits `text` in place. */
static int parse_things(relevance_scene *scene, char *text) {
    char *next = NULL;
    for (char *one = strtok_r(text, "|", &next); one; one = strtok_r(NULL, "|", &next)) {
        char count[8], colour[12], texture[12], name[24];
        relevance_thing *thing = &scene->things[scene->thing_count];
        if (scene->thing_count == RELEVANCE_THINGS ||
            sscanf(one, "%7s %11s %11s %23[^\n]", count, colour, texture, name) != 4)
            return -1;
        thing->count = (int)strtol(count, NULL, 10);
        assign(thing->colour, sizeof thing->colour, colour);
        assign(thing->texture, sizeof thing->texture, texture);
        assign(thing->name, sizeof thing->name, name);
        scene->thing_count++;
    }
    return 0;
}

int relevance_parse_claim(relevance_scene *claim, const char *text) {
    char copy[96];
    memset(claim, 0, sizeof *claim);
    (void)snprintf(copy, sizeof copy, "%s", text);
    char *ground = strpbrk(copy, "@!");
    if (ground) {
        assign(*ground == '@' ? claim->ground : claim->without, sizeof claim->ground, ground + 1);
        *ground = '\0';
    }
    return parse_things(claim, copy);
}

void relevance_read_scenes(relevance_scenes *out, const char *path) {
    FILE *file = fopen(path, "r");
    char line[512];
    unsigned number = 0;
    if (!file) fail(path, 0, "it cannot be opened");
    while (fgets(line, sizeof line, file)) {
        relevance_scene scene;
        memset(&scene, 0, sizeof scene);
        number++;
        line[strcspn(line, "\n")] = '\0';
        char *ground = strchr(line, '\t'), *things = ground ? strchr(ground + 1, '\t') : NULL;
        if (!things) fail(path, number, "a file, a ground and things are wanted");
        *ground++ = *things++ = '\0';
        assign(scene.file, sizeof scene.file, line);
        assign(scene.ground, sizeof scene.ground, ground);
        if (parse_things(&scene, things) < 0) fail(path, number, "its things make no sense");
        relevance_add_scene(out, &scene);
    }
    (void)fclose(file);
}

void relevance_read_questions(relevance_questions *out, const char *path) {
    FILE *file = fopen(path, "r");
    char line[512];
    unsigned number = 0;
    if (!file) fail(path, 0, "it cannot be opened");
    while (fgets(line, sizeof line, file)) {
        relevance_question q;
        memset(&q, 0, sizeof q);
        number++;
        if (line[0] == '#' || line[0] == '\n') continue;
        if (sscanf(line, "%95[^\t]\t%15[^\t]\t%7[^\t]\t%159[^\n]", q.written, q.form, q.part,
                   q.text) != 4)
            fail(path, number, "a claim, a form, a part and a text are wanted");
        q.is_foreign = strcmp(q.written, "?") == 0;
        if (!q.is_foreign && relevance_parse_claim(&q.claim, q.written) < 0)
            fail(path, number, "its claim makes no sense");
        relevance_add_question(out, &q);
    }
    (void)fclose(file);
}

static int fits(const relevance_thing *thing, const relevance_thing *claim) {
    return strcmp(thing->name, claim->name) == 0 &&
           (!claim->count || claim->count == thing->count) &&
           (!claim->colour[0] || strcmp(claim->colour, thing->colour) == 0) &&
           (!claim->texture[0] || strcmp(claim->texture, thing->texture) == 0);
}

int relevance_holds(const relevance_scene *scene, const relevance_scene *claim) {
    if (claim->ground[0] && strcmp(claim->ground, scene->ground) != 0) return 0;
    if (claim->without[0] && strcmp(claim->without, scene->ground) == 0) return 0;
    for (size_t i = 0; i < claim->thing_count; i++) {
        size_t j = 0;
        while (j < scene->thing_count && !fits(&scene->things[j], &claim->things[i]))
            j++;
        if (j == scene->thing_count) return 0;
    }
    return 1;
}

/* Scenery that is drawn with what is asked for: fir trees in the forest, stars at night, houses in
 * the city. Neither answer would be wrong. */
static int is_in_scenery(const char *name, const char *ground) {
    return (strcmp(name, "fir tree") == 0 && strcmp(ground, "forest") == 0) ||
           (strcmp(name, "star") == 0 && strcmp(ground, "night") == 0) ||
           (strcmp(name, "house") == 0 && strcmp(ground, "city") == 0);
}

enum relevance_kind relevance_kind_of(const relevance_question *question,
                                      const relevance_scenes *library) {
    int is_near = 0, is_ambiguous = 0;
    const relevance_scene *claim = &question->claim;
    if (question->is_foreign) return RELEVANCE_FOREIGN;
    for (size_t i = 0; i < library->count; i++) {
        const relevance_scene *scene = &library->all[i];
        if (relevance_holds(scene, claim)) return RELEVANCE_PRESENT;
        for (size_t j = 0; j < claim->thing_count; j++) {
            is_ambiguous |= is_in_scenery(claim->things[j].name, scene->ground);
            for (size_t t = 0; t < scene->thing_count; t++)
                is_near |= strcmp(scene->things[t].name, claim->things[j].name) == 0;
        }
    }
    return is_near ? RELEVANCE_NEAR : is_ambiguous ? RELEVANCE_AMBIGUOUS : RELEVANCE_OTHER;
}

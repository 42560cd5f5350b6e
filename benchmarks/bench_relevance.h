/*
 * bench_relevance.h - scenes, questions about them, and what is true: the parts of bench_relevance.
 */
#ifndef GLIMPSE_BENCH_RELEVANCE_H
#define GLIMPSE_BENCH_RELEVANCE_H

#include <stddef.h>
#include <stdint.h>

enum { RELEVANCE_THINGS = 3 };

/* A scene has "" where there is nothing to say; a claim has 0 and "" for any. */
typedef struct relevance_thing {
    int count;
    char colour[12], texture[12], name[24];
} relevance_thing;

/* What a picture shows, or what a question claims. */
typedef struct relevance_scene {
    char file[64]; /* below the directory of its library */
    char ground[12], without[12];
    relevance_thing things[RELEVANCE_THINGS];
    size_t thing_count;
} relevance_scene;

typedef struct relevance_scenes {
    relevance_scene *all;
    size_t count, capacity;
} relevance_scenes;

typedef struct relevance_question {
    relevance_scene claim;
    int is_foreign; /* of nothing that the model knows */
    char written[96], form[16], part[8], text[160];
} relevance_question;

typedef struct relevance_questions {
    relevance_question *all;
    size_t count, capacity;
} relevance_questions;

enum relevance_kind {
    RELEVANCE_PRESENT,
    RELEVANCE_OTHER,   /* a thing the model knows, and that this library has not */
    RELEVANCE_FOREIGN, /* outside of the model's vocabulary */
    RELEVANCE_NEAR,    /* the right thing, not in that colour, place or number */
    RELEVANCE_KINDS,
    RELEVANCE_AMBIGUOUS = RELEVANCE_KINDS /* not asked */
};
extern const char *const relevance_kind_names[RELEVANCE_KINDS];

/* They end the program where a file cannot be read. */
void relevance_read_scenes(relevance_scenes *out, const char *path);
void relevance_read_questions(relevance_questions *out, const char *path);
void relevance_add_scene(relevance_scenes *scenes, const relevance_scene *scene);
void relevance_add_question(relevance_questions *questions, const relevance_question *question);
/* "COUNT COLOUR TEXTURE NAME|...", "-" for any, and "@GROUND" or "!GROUND" at the end. */
int relevance_parse_claim(relevance_scene *claim, const char *text);

int relevance_holds(const relevance_scene *scene, const relevance_scene *claim);
enum relevance_kind relevance_kind_of(const relevance_question *question,
                                      const relevance_scenes *library);

/*
 * Drawing.
 */
/* Which scenes a library has; the same ones for the same seed. */
typedef struct relevance_recipe {
    const char *const *names; /* concepts, in turn; the first one is that of `dominant` */
    size_t name_count, pictures;
    double dominant;        /* share of the pictures that show names[0] first */
    const char *no_grounds; /* sceneries that are left out, with blanks between */
    uint64_t seed;
} relevance_recipe;

/* Sprites and sceneries; once. */
void relevance_read_sheet(const char *directory);
void relevance_free_sheet(void);
void relevance_sample(relevance_scenes *out, const relevance_recipe *recipe);
/* A JPEG of the scene. */
void relevance_draw(const relevance_scene *scene, const char *path, uint64_t seed);
/* A JPEG of noise, stripes or blots: no scene. */
void relevance_draw_nothing(const char *path, uint64_t seed);

#endif

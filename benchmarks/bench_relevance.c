/*
 * bench_relevance.c - a search that knows when it found nothing: how well answered questions are
 * told from those that the library has no answer to.
 */
#include "bench_relevance.h"
#include "bench.h"

#include <glimpse/glimpse.h>

#include <ftw.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const concept_names[] = {"dog",
                                            "cat",
                                            "rabbit",
                                            "fox",
                                            "bear",
                                            "panda",
                                            "tiger",
                                            "lion",
                                            "cow",
                                            "pig",
                                            "frog",
                                            "monkey",
                                            "penguin",
                                            "owl",
                                            "bee",
                                            "butterfly",
                                            "snail",
                                            "ladybug",
                                            "turtle",
                                            "snake",
                                            "octopus",
                                            "crab",
                                            "fish",
                                            "dolphin",
                                            "whale",
                                            "shark",
                                            "elephant",
                                            "giraffe",
                                            "camel",
                                            "horse",
                                            "sheep",
                                            "squirrel",
                                            "hedgehog",
                                            "bat",
                                            "rooster",
                                            "duck",
                                            "parrot",
                                            "flamingo",
                                            "zebra",
                                            "crocodile",
                                            "peacock",
                                            "swan",
                                            "apple",
                                            "banana",
                                            "strawberry",
                                            "watermelon",
                                            "pineapple",
                                            "lemon",
                                            "carrot",
                                            "mushroom",
                                            "burger",
                                            "pizza",
                                            "ice cream",
                                            "donut",
                                            "cake",
                                            "cup of coffee",
                                            "egg",
                                            "piece of cheese",
                                            "car",
                                            "bus",
                                            "truck",
                                            "bicycle",
                                            "airplane",
                                            "rocket",
                                            "helicopter",
                                            "sailboat",
                                            "train",
                                            "tractor",
                                            "motorcycle",
                                            "balloon",
                                            "gift",
                                            "guitar",
                                            "drum",
                                            "soccer ball",
                                            "basketball",
                                            "alarm clock",
                                            "umbrella",
                                            "chair",
                                            "key",
                                            "hammer",
                                            "camera",
                                            "laptop",
                                            "stack of books",
                                            "pencil",
                                            "candle",
                                            "shoe",
                                            "dress",
                                            "shirt",
                                            "top hat",
                                            "sunflower",
                                            "tulip",
                                            "cactus",
                                            "palm tree",
                                            "fir tree",
                                            "house",
                                            "castle",
                                            "tent",
                                            "snowman",
                                            "pumpkin",
                                            "circle",
                                            "square",
                                            "triangle",
                                            "star",
                                            "heart",
                                            "diamond",
                                            "ring",
                                            "cross",
                                            "crescent"};
enum { CONCEPTS = sizeof concept_names / sizeof *concept_names };

/* Every other concept, in the order of the model's world: the halves have alike things. */
static int half_of(const char *name) {
    for (size_t i = 0; i < CONCEPTS; i++) {
        if (strcmp(concept_names[i], name) == 0) return (int)(i % 2);
    }
    (void)fprintf(stderr, "the benchmark is void: \"%s\" is no concept\n", name);
    exit(1);
}

typedef struct relevance_library {
    const char *name, *part; /* "fit", "test" */
    const char *pictures;    /* the directory that its scenes' files are in; NULL: they are drawn */
    relevance_scenes scenes;
} relevance_library;

/* A question and what was found. */
typedef struct answer {
    const relevance_library *library;
    const relevance_question *question;
    enum relevance_kind kind;
    size_t count, right_count;
    float *scores;   /* [count], best first */
    uint8_t *rights; /* [count] */
    double mean, deviation;
} answer;

typedef struct answers {
    answer *all;
    size_t count, capacity;
} answers;

static char scratch[64];
static const char *model_directory = "data/models/demo";

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place) {
    (void)info, (void)type, (void)place;
    return remove(path);
}

static void remove_scratch(void) {
    if (scratch[0]) (void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void link_picture(const char *from, const char *to) {
    char *whole = realpath(from, NULL);
    if (!whole || symlink(whole, to) != 0) {
        (void)fprintf(stderr, "the benchmark is void: %s cannot be linked to\n", from);
        exit(1);
    }
    free(whole);
}

static void *need(void *memory) {
    if (!memory) exit(1);
    return memory;
}

/* The number that a picture is linked to by. */
static size_t number_of(const char *path) {
    const char *name = strrchr(path, '/');
    return strtoul(name ? name + 1 : path, NULL, 10);
}

/* A seed. */
static uint64_t number_of_name(const char *name) {
    uint64_t number = 14695981039346656037u;
    while (*name)
        number = (number ^ (uint8_t)*name++) * 1099511628211u;
    return number;
}

static glimpse_session *index_library(const relevance_library *library, const char *name) {
    char root[128], place[128];
    const char *roots[] = {root};
    glimpse_session *session = NULL;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    (void)snprintf(root, sizeof root, "%s/%s", scratch, name);
    (void)snprintf(place, sizeof place, "%s/%s.glimpse", scratch, name);
    (void)mkdir(root, 0700);
    for (size_t i = 0; i < library->scenes.count; i++) {
        char from[256], to[192];
        const char *ending = strrchr(library->scenes.all[i].file, '.');
        (void)snprintf(to, sizeof to, "%s/%06zu%s", root, i, ending ? ending : "");
        if (!library->pictures) {
            relevance_draw(&library->scenes.all[i], to, number_of_name(library->name) + i);
            continue;
        }
        (void)snprintf(from, sizeof from, "%s/%s", library->pictures, library->scenes.all[i].file);
        link_picture(from, to);
    }
    options.library = place, options.model = model_directory;
    ingest.roots = roots, ingest.root_count = 1;
    bench_check(glimpse_session_open(&session, &options));
    bench_check(glimpse_session_index(&report, session, &ingest));
    if (report.embedded + report.bound != library->scenes.count) {
        (void)fprintf(stderr, "the benchmark is void: %s has %zu pictures, %llu were indexed\n",
                      library->name, library->scenes.count,
                      (unsigned long long)(report.embedded + report.bound));
        exit(1);
    }
    return session;
}

static answer ask(glimpse_session *session, const relevance_library *library,
                  const relevance_question *question) {
    answer a = {.library = library, .question = question};
    const char *words[] = {question->text};
    glimpse_hits *hits = NULL;
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    a.kind = relevance_kind_of(question, &library->scenes);
    search.k = library->scenes.count;
    options.search = &search;
    bench_check(glimpse_session_search(&hits, session, words, 1, &options));
    a.count = glimpse_hits_count(hits);
    a.scores = need(malloc((a.count + 1) * sizeof *a.scores));
    a.rights = need(malloc(a.count + 1));
    double squares = 0;
    for (size_t i = 0; i < a.count; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        size_t number = number_of(hit->path);
        a.scores[i] = (float)hit->score;
        a.mean += hit->score;
        squares += hit->score * hit->score;
        a.rights[i] = !question->is_foreign && number < library->scenes.count &&
                      relevance_holds(&library->scenes.all[number], &question->claim);
        a.right_count += a.rights[i];
    }
    a.mean /= (double)a.count;
    a.deviation = sqrt(fmax(squares / (double)a.count - a.mean * a.mean, 1e-12));
    glimpse_hits_free(hits);
    return a;
}

static void run_library(answers *out, const relevance_library *library,
                        const relevance_questions *questions) {
    glimpse_session *session = index_library(library, library->name);
    for (size_t i = 0; i < questions->count; i++) {
        const relevance_question *question = &questions->all[i];
        if (strcmp(question->part, "*") != 0 && strcmp(question->part, library->part) != 0)
            continue;
        if (relevance_kind_of(question, &library->scenes) == RELEVANCE_AMBIGUOUS) continue;
        if (out->count == out->capacity) {
            out->capacity = out->capacity ? 2 * out->capacity : 1024;
            out->all = need(realloc(out->all, out->capacity * sizeof *out->all));
        }
        out->all[out->count++] = ask(session, library, question);
    }
    glimpse_session_close(session);
}

/* The scenes that show only concepts of one half. */
static void take_half(relevance_scenes *out, const relevance_scenes *from, int half) {
    for (size_t i = 0; i < from->count; i++) {
        size_t own = 0;
        for (size_t j = 0; j < from->all[i].thing_count; j++)
            own += half_of(from->all[i].things[j].name) == half;
        if (own == from->all[i].thing_count) relevance_add_scene(out, &from->all[i]);
    }
}

static void dump(const answers *all, const char *path) {
    FILE *file = fopen(path, "w");
    if (!file) {
        (void)fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
    (void)fprintf(file, "part\tlibrary\tpictures\tkind\tform\tclaim\tright\tfirst_right\tmean\tsd");
    for (int i = 0; i < 20; i++)
        (void)fprintf(file, "\ts%d", i + 1);
    (void)fprintf(file, "\trights\tmedian\tbest_right\tquery\n");
    for (size_t i = 0; i < all->count; i++) {
        const answer *a = &all->all[i];
        size_t first = 0;
        while (first < a->count && !a->rights[first])
            first++;
        (void)fprintf(file, "%s\t%s\t%zu\t%s\t%s\t%s\t%zu\t%zu\t%.6f\t%.6f", a->library->part,
                      a->library->name, a->count, relevance_kind_names[a->kind], a->question->form,
                      a->question->written, a->right_count, first < a->count ? first + 1 : 0,
                      a->mean, a->deviation);
        for (size_t j = 0; j < 20; j++)
            (void)fprintf(file, "\t%.6f", j < a->count ? (double)a->scores[j] : NAN);
        (void)fputc('\t', file);
        for (size_t j = 0; j < 20 && j < a->count; j++)
            (void)fputc(a->rights[j] ? '1' : '0', file);
        (void)fprintf(file, "\t%.6f\t%.6f\t%s\n", (double)a->scores[a->count / 2],
                      first < a->count ? (double)a->scores[first] : NAN, a->question->text);
    }
    (void)fclose(file);
}

/* Libraries that are drawn: how many of a half's concepts, and which. */
static const struct {
    const char *name, *part;
    int half;
    size_t concepts, pictures;
    double dominant;
    const char *no_grounds;
} drawn[] = {
    {"drawn-a", "fit", 0, 40, 240, 0, "sea forest"}, {"few-a", "fit", 0, 4, 80, 0, ""},
    {"dominated-a", "fit", 0, 20, 200, 0.8, ""},     {"large-a", "fit", 0, 54, 2000, 0, ""},
    {"drawn", "test", 1, 40, 320, 0, "desert city"}, {"few", "test", 1, 4, 80, 0, ""},
    {"dominated", "test", 1, 20, 200, 0.8, ""},      {"large", "test", 1, 54, 5000, 0, ""},
};
enum { DRAWN = sizeof drawn / sizeof *drawn };

static void sample_library(relevance_library *out, size_t i) {
    const char *names[CONCEPTS];
    relevance_recipe recipe = {names,
                               0,
                               drawn[i].pictures,
                               drawn[i].dominant,
                               drawn[i].no_grounds,
                               number_of_name(drawn[i].name)};
    /* Spread over the list by a stride that has no factor in common with the half's 54. */
    for (size_t j = 0; j < drawn[i].concepts; j++)
        names[recipe.name_count++] =
            concept_names[(j * 23 + 5 * i) % (CONCEPTS / 2) * 2 + (size_t)drawn[i].half];
    *out = (relevance_library){drawn[i].name, drawn[i].part, NULL, {0}};
    relevance_sample(&out->scenes, &recipe);
}

static void write_scenes(const relevance_library *library) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s.tsv", scratch, library->name);
    FILE *file = fopen(path, "w");
    if (!file) exit(1);
    for (size_t i = 0; i < library->scenes.count; i++) {
        const relevance_scene *s = &library->scenes.all[i];
        (void)fprintf(file, "%s\t%s\t", s->file, s->ground);
        for (size_t j = 0; j < s->thing_count; j++)
            (void)fprintf(file, "%s%d %s %s %s", j ? "|" : "", s->things[j].count,
                          s->things[j].colour[0] ? s->things[j].colour : "-",
                          s->things[j].texture[0] ? s->things[j].texture : "-", s->things[j].name);
        (void)fputc('\n', file);
    }
    (void)fclose(file);
}

int main(int argc, char **argv) {
    const char *dump_path = NULL;
    relevance_scenes demo = {0}, relations = {0};
    relevance_questions questions = {0};
    answers all = {0};
    int is_kept = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--dump") == 0)
            dump_path = argv[i + 1];
        else if (strcmp(argv[i], "--model") == 0)
            model_directory = argv[i + 1];
        else if (strcmp(argv[i], "--keep") == 0)
            (void)snprintf(scratch, sizeof scratch, "%s", argv[i + 1]), is_kept = 1;
    }
    relevance_read_scenes(&demo, "benchmarks/relevance/demo.tsv");
    relevance_read_scenes(&relations, "benchmarks/relevance/relations.tsv");
    relevance_read_questions(&questions, "benchmarks/relevance/questions.tsv");
    relevance_read_sheet("benchmarks/relevance");
    if (!is_kept) {
        (void)snprintf(scratch, sizeof scratch, "/tmp/bench-relevance-XXXXXX");
        if (!mkdtemp(scratch)) return 1;
        (void)atexit(remove_scratch);
    } else if (mkdir(scratch, 0700) != 0) {
        (void)fprintf(stderr, "%s cannot be made\n", scratch);
        return 1;
    }
    relevance_library libraries[3 + DRAWN] = {
        {"demo-a", "fit", "data/demo", {0}},
        {"demo-b", "test", "data/demo", {0}},
        {"relations", "test", "data/demo-relations", relations}};
    take_half(&libraries[0].scenes, &demo, 0);
    take_half(&libraries[1].scenes, &demo, 1);
    for (size_t i = 0; i < DRAWN; i++)
        sample_library(&libraries[3 + i], i);
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        double start = bench_now();
        if (is_kept) write_scenes(&libraries[i]);
        run_library(&all, &libraries[i], &questions);
        (void)fprintf(stderr, "%s: %zu pictures, %.1f s\n", libraries[i].name,
                      libraries[i].scenes.count, bench_now() - start);
    }
    relevance_free_sheet();
    if (dump_path) dump(&all, dump_path);
    return 0;
}

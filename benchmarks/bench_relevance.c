/*
 * bench_relevance.c - a search that knows when it found nothing: how well questions that a library
 * can answer are told from those that it cannot.
 *
 *     bench_relevance [--model DIR] [--json FILE] [--dump FILE] [--keep DIR] [--photos DIR]
 *
 * Run it from the source tree's top. What is measured, on what, and why: docs/evaluation.md.
 *
 * Libraries. "fit" are those that constants may be looked at on: pictures that show nothing but
 * even concepts of the demo model's world (in the order of its list), from data/demo, and drawn by
 * this program. "test" are those that no constant was fixed on: the same with odd concepts, and
 * data/demo-relations. Each is indexed into a library of its own.
 *
 * Questions. benchmarks/relevance/questions.tsv has claims and words for them; whether a library
 * has what is claimed follows from its table of scenes. A question is
 *     present   when a picture of the library is what it claims,
 *     other     when the library shows nothing of it, but the model knows it,
 *     foreign   when it is nothing that the model knows (words, names, other languages, gibberish),
 *     near      when the thing is there, but not in that colour, number, place or company.
 * and it is of a group: "things" (one thing in the model's own language: a noun, a photo of, a
 * sentence; foreign words) and "details" (with a place, a colour, a number, another thing; a
 * scenery), which together are "words"; "free" (sentences with words that the
 * model never read), "sum" ("horse + snow"), "picture" (a picture drawn for the question; foreign
 * are noise, stripes and, with --photos, photographs).
 *
 * Methods, in the same run, on the same scores. Each shows the pictures of which a value is not
 * below a constant, and answers when there is one:
 *     none      everything is shown (the first ten, as the command does)
 *     cosine    the cosine
 *     strict    the cosine, with a constant that lets 5 % of the fit part's absent questions
 * through
 *     z         (cosine - mean) / deviation, over the library's pictures for this question
 *     glimpse   what glimpse's own cut-off leaves
 * The constants of "cosine" and "z" are those with the highest mean F1 over the fit libraries, one
 * for words, free sentences and sums, one for pictures.
 *
 * Measures of a set of questions; near ones have no part in precision and F1.
 *     R@1         present ones with a right picture first, without any cut-off
 *     P           answers with a right picture first / all answers; absent questions count as if
 *                 there were as many as present ones, half of them other, half foreign
 *     R           answers with a right picture first / present ones
 *     F1          2 P R / (P + R)
 *     best        F1 of a cut-off that knows the truth: the answers that R@1 counts and no other
 *     said        F1 of answering at all, right or wrong: how well present is told from absent
 *     kept        of the questions that R@1 counts, those that are still answered
 *     other, foreign, near    share of these that are answered, which is false
 *     pictures    mean over present questions of F1 of the pictures shown
 *     AUC         how often the best picture's value of a present question is above that of one
 * that is other, foreign or near; ties count half
 */
#include "bench_relevance.h"
#include "bench.h"

#include <glimpse/glimpse.h>

#include <dirent.h>
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

enum { THING = 1, DETAIL = 2, WORDS = THING | DETAIL, FREE = 4, SUM = 8, PICTURE = 16 };

static const char *group_name(unsigned groups) {
    return groups == THING     ? "things"
           : groups == DETAIL  ? "details"
           : groups == FREE    ? "free"
           : groups == SUM     ? "sum"
           : groups == PICTURE ? "picture"
                               : "words";
}

enum method { NONE, COSINE, STRICT, Z, GLIMPSE, METHODS };
static const char *const method_names[] = {"none", "cosine", "strict", "z", "glimpse"};

/* A question and what was found. */
typedef struct answer {
    const relevance_library *library;
    const relevance_question *question;
    enum relevance_kind kind;
    unsigned group;
    size_t count, right_count;
    float *scores;   /* [count], best first */
    uint8_t *rights; /* [count] */
    double mean, deviation;
    double top[METHODS];   /* the best picture's value */
    size_t shown[METHODS]; /* pictures that the method shows */
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
    const uint64_t indexed = report.embedded + report.bound;
    if (indexed != library->scenes.count) {
        (void)fprintf(stderr, "the benchmark is void: %s has %zu pictures, %llu were indexed\n",
                      library->name, library->scenes.count, (unsigned long long)indexed);
        exit(1);
    }
    return session;
}

static unsigned group_of(const relevance_question *question) {
    static const struct {
        const char *form;
        unsigned group;
    } groups[] = {{"noun", THING}, {"photo", THING}, {"sentence", THING}, {"foreign", THING},
                  {"free", FREE},  {"sum", SUM},     {"picture", PICTURE}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (strcmp(groups[i].form, question->form) == 0) return groups[i].group;
    }
    return DETAIL;
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
    options.search = &search, options.all_scores = 1;
    bench_check(glimpse_session_search(&hits, session, words, 1, &options));
    a.count = glimpse_hits_count(hits);
    a.scores = need(malloc((a.count + 1) * sizeof *a.scores));
    a.rights = need(malloc(a.count + 1));
    double squares = 0;
    for (size_t i = 0; i < a.count; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        size_t number = number_of(hit->path);
        a.scores[i] = (float)hit->score;
        /* What cannot be told is not left out. */
        a.shown[GLIMPSE] += !(hit->relevance < options.relevance);
        if (i == 0) a.top[GLIMPSE] = isnan(hit->relevance) ? 0 : hit->relevance;
        a.mean += hit->score;
        squares += hit->score * hit->score;
        a.rights[i] = !question->is_foreign && number < library->scenes.count &&
                      relevance_holds(&library->scenes.all[number], &question->claim);
        a.right_count += a.rights[i];
    }
    a.mean /= (double)a.count;
    a.group = group_of(question);
    a.deviation = sqrt(fmax(squares / (double)a.count - a.mean * a.mean, 1e-12));
    a.top[NONE] = a.top[COSINE] = a.top[STRICT] = (double)a.scores[0];
    a.top[Z] = ((double)a.scores[0] - a.mean) / a.deviation;
    glimpse_hits_free(hits);
    return a;
}

/* A search as the command makes it has to leave what the relevances say. */
static void check_default(glimpse_session *session, const answer *a) {
    const char *words[] = {a->question->text};
    glimpse_hits *hits = NULL;
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    search.k = a->count;
    options.search = &search;
    bench_check(glimpse_session_search(&hits, session, words, 1, &options));
    if (glimpse_hits_count(hits) != a->shown[GLIMPSE]) {
        (void)fprintf(stderr, "the benchmark is void: \"%s\" finds %zu pictures, not %zu\n",
                      a->question->text, glimpse_hits_count(hits), a->shown[GLIMPSE]);
        exit(1);
    }
    glimpse_hits_free(hits);
}

static void run_library(answers *out, const relevance_library *library,
                        const relevance_questions *questions) {
    glimpse_session *session = index_library(library, library->name);
    /* A large library is asked a fifth of the questions: all of them would take minutes. */
    size_t stride = library->scenes.count > 1000 ? 5 : 1;
    for (size_t i = 0; i < questions->count; i++) {
        const relevance_question *question = &questions->all[i];
        if (i % stride && !question->is_foreign) continue;
        if (strcmp(question->part, "*") != 0 && strcmp(question->part, library->part) != 0)
            continue;
        if (relevance_kind_of(question, &library->scenes) == RELEVANCE_AMBIGUOUS) continue;
        if (out->count == out->capacity) {
            out->capacity = out->capacity ? 2 * out->capacity : 1024;
            out->all = need(realloc(out->all, out->capacity * sizeof *out->all));
        }
        out->all[out->count++] = ask(session, library, question);
        if (i % 20 == 0) check_default(session, &out->all[out->count - 1]);
    }
    glimpse_session_close(session);
}

static int is_photo(const struct dirent *entry) {
    const char *ending = strrchr(entry->d_name, '.');
    return ending && strcmp(ending, ".jpg") == 0;
}

/* A picture drawn for each concept, and pictures of nothing. */
static void add_picture_questions(relevance_questions *questions, const char *photos) {
    for (size_t i = 0; i < CONCEPTS; i++) {
        relevance_question q;
        relevance_scenes one = {0};
        relevance_recipe recipe = {&concept_names[i], 1, 1, 0, "", 7000 + i};
        memset(&q, 0, sizeof q);
        do {
            one.count = 0, recipe.seed += CONCEPTS;
            relevance_sample(&one, &recipe);
        } while (one.all[0].thing_count != 1);
        one.all[0].things[0].count = 1;
        (void)snprintf(q.form, sizeof q.form, "picture");
        (void)snprintf(q.part, sizeof q.part, "*");
        (void)snprintf(q.written, sizeof q.written, "- - - %s", concept_names[i]);
        (void)snprintf(q.text, sizeof q.text, "%s/question-%zu.jpg", scratch, i);
        if (relevance_parse_claim(&q.claim, q.written) < 0) exit(1);
        relevance_draw(&one.all[0], q.text, 9000 + i);
        relevance_add_question(questions, &q);
        free(one.all);
    }
    for (size_t i = 0; i < 24; i++) {
        relevance_question q;
        memset(&q, 0, sizeof q);
        q.is_foreign = 1;
        (void)snprintf(q.form, sizeof q.form, "picture");
        (void)snprintf(q.part, sizeof q.part, "%s", i % 2 ? "test" : "fit");
        (void)snprintf(q.written, sizeof q.written, "?");
        (void)snprintf(q.text, sizeof q.text, "%s/nothing-%zu.jpg", scratch, i);
        relevance_draw_nothing(q.text, i);
        relevance_add_question(questions, &q);
    }
    struct dirent **files = NULL;
    int count = photos ? scandir(photos, &files, is_photo, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        relevance_question q;
        memset(&q, 0, sizeof q);
        q.is_foreign = 1;
        (void)snprintf(q.form, sizeof q.form, "picture");
        (void)snprintf(q.part, sizeof q.part, "%s", i / 8 % 2 ? "test" : "fit");
        (void)snprintf(q.written, sizeof q.written, "?");
        int length = snprintf(q.text, sizeof q.text, "%s/%s", photos, files[i]->d_name);
        if (i % 8 == 0 && length > 0 && (size_t)length < sizeof q.text)
            relevance_add_question(questions, &q);
        free(files[i]);
    }
    free(files);
}

/* The scenes that show only concepts of one half. */
static void add_half(relevance_scenes *out, const relevance_scenes *from, int half) {
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
    (void)fprintf(
        file, "part\tlibrary\tpictures\tkind\tgroup\tform\tclaim\tright\tfirst_right\tmean\tsd");
    for (int i = 0; i < 20; i++)
        (void)fprintf(file, "\ts%d", i + 1);
    (void)fprintf(file, "\trights\tmedian\tbest_right\trelevance\tshown\tquery\n");
    for (size_t i = 0; i < all->count; i++) {
        const answer *a = &all->all[i];
        size_t first = 0;
        while (first < a->count && !a->rights[first])
            first++;
        (void)fprintf(file, "%s\t%s\t%zu\t%s\t%s\t%s\t%s\t%zu\t%zu\t%.6f\t%.6f", a->library->part,
                      a->library->name, a->count, relevance_kind_names[a->kind],
                      group_name(a->group), a->question->form, a->question->written, a->right_count,
                      first < a->count ? first + 1 : 0, a->mean, a->deviation);
        for (size_t j = 0; j < 20; j++)
            (void)fprintf(file, "\t%.6f", j < a->count ? (double)a->scores[j] : NAN);
        (void)fputc('\t', file);
        for (size_t j = 0; j < 20 && j < a->count; j++)
            (void)fputc(a->rights[j] ? '1' : '0', file);
        (void)fprintf(file, "\t%.6f\t%.6f\t%.4f\t%zu\t%s\n", (double)a->scores[a->count / 2],
                      first < a->count ? (double)a->scores[first] : NAN, a->top[GLIMPSE],
                      a->shown[GLIMPSE], a->question->text);
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

/*
 * Measures.
 */
typedef struct tally {
    size_t present, right_first, answered, answered_right;
    size_t absent[RELEVANCE_KINDS], false_answers[RELEVANCE_KINDS];
    double picture_f1;
} tally;

/* Which answers are counted; NULL: all. */
typedef struct choice {
    const char *part, *library, *form;
    unsigned groups;
} choice;

static int is_chosen(const answer *a, const choice *c) {
    return (!c->part || strcmp(a->library->part, c->part) == 0) &&
           (!c->library || strcmp(a->library->name, c->library) == 0) &&
           (!c->form || strcmp(a->question->form, c->form) == 0) && (c->groups & a->group);
}

static void count_answer(tally *t, const answer *a, int is_answered) {
    if (a->kind == RELEVANCE_PRESENT) {
        t->present++;
        t->right_first += a->rights[0];
        t->answered += (size_t)is_answered;
        t->answered_right += is_answered && a->rights[0];
    } else {
        t->absent[a->kind]++;
        t->false_answers[a->kind] += (size_t)is_answered;
    }
}

static tally count_answers(const answers *all, const choice *c, enum method method) {
    tally t;
    memset(&t, 0, sizeof t);
    for (size_t i = 0; i < all->count; i++) {
        const answer *a = &all->all[i];
        size_t shown = a->shown[method], right = 0;
        if (!is_chosen(a, c)) continue;
        count_answer(&t, a, shown > 0);
        for (size_t j = 0; j < shown; j++)
            right += a->rights[j];
        if (a->kind == RELEVANCE_PRESENT)
            t.picture_f1 += 2.0 * (double)right / (double)(shown + a->right_count);
    }
    return t;
}

static double ratio(size_t part, size_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

/* The mean of the shares of other and foreign questions that are answered, of those there are. */
static double false_share(const tally *t) {
    double sum = 0;
    int kinds = 0;
    for (int k = RELEVANCE_OTHER; k <= RELEVANCE_FOREIGN; k++) {
        if (t->absent[k]) sum += ratio(t->false_answers[k], t->absent[k]), kinds++;
    }
    return kinds ? sum / kinds : 0;
}

/* As many absent questions as present ones, whatever the lists have. */
static double answers_given(const tally *t) {
    return (double)t->answered + (double)t->present * false_share(t);
}

static double f1_of(size_t right, double given, size_t wanted) {
    return wanted ? 2 * (double)right / (given + (double)wanted) : NAN;
}

static double area_under_curve(const answers *all, const choice *c, enum method method,
                               enum relevance_kind kind) {
    size_t pairs = 0;
    double above = 0;
    for (size_t i = 0; i < all->count; i++) {
        const answer *a = &all->all[i];
        if (a->kind != RELEVANCE_PRESENT || !is_chosen(a, c)) continue;
        for (size_t j = 0; j < all->count; j++) {
            const answer *b = &all->all[j];
            if (b->kind != kind || b->library != a->library || !is_chosen(b, c)) continue;
            double x = a->top[method], y = b->top[method];
            above += x > y ? 1 : x < y ? 0 : 0.5;
            pairs++;
        }
    }
    return pairs ? above / (double)pairs : NAN;
}

/* How many pictures have a value of at least `constant`. */
static size_t count_shown(const answer *a, enum method method, double constant) {
    size_t shown = 0;
    for (; shown < a->count; shown++) {
        double value = (double)a->scores[shown];
        if (method == Z) value = (value - a->mean) / a->deviation;
        if (value < constant) break;
    }
    return shown;
}

/* Over the fit libraries: the constant with the highest mean F1, or the lowest one with at most 5 %
 * of false answers, as a mean. */
static double fit_constant(const answers *all, const relevance_library *libraries, size_t count,
                           enum method method, unsigned groups) {
    double best = -1, constant = 0;
    for (int step = 0; step <= 400; step++) {
        double at = method == Z ? step * 0.02 : step * 0.0025, f1 = 0, false_answers = 0;
        size_t counted = 0;
        for (size_t i = 0; i < count; i++) {
            choice c = {"fit", libraries[i].name, NULL, groups};
            tally t;
            memset(&t, 0, sizeof t);
            for (size_t j = 0; j < all->count; j++) {
                const answer *a = &all->all[j];
                if (a->library == &libraries[i] && is_chosen(a, &c))
                    count_answer(&t, a, a->top[method] >= at);
            }
            if (!t.present) continue;
            f1 += f1_of(t.answered_right, answers_given(&t), t.present);
            false_answers += false_share(&t);
            counted++;
        }
        if (method == STRICT && false_answers <= 0.05 * (double)counted) return at;
        if (f1 > best) best = f1, constant = at;
    }
    return constant;
}

static void apply_constant(answers *all, enum method method, double words, double pictures) {
    for (size_t i = 0; i < all->count; i++) {
        answer *a = &all->all[i];
        a->shown[method] = count_shown(a, method, a->group == PICTURE ? pictures : words);
    }
}

static void print_share(double value) {
    if (isnan(value))
        (void)printf("      -");
    else
        (void)printf(" %6.1f", 100 * value);
}

static void print_rows(const answers *all, const choice *c, const char *name, FILE *json) {
    for (int m = 0; m < METHODS; m++) {
        tally t = count_answers(all, c, (enum method)m);
        double given = answers_given(&t);
        double r1 = ratio(t.right_first, t.present);
        double figures[] = {r1,
                            given > 0 ? (double)t.answered_right / given : NAN,
                            ratio(t.answered_right, t.present),
                            f1_of(t.answered_right, given, t.present),
                            f1_of(t.right_first, (double)t.right_first, t.present),
                            f1_of(t.answered, given, t.present),
                            ratio(t.answered_right, t.right_first),
                            ratio(t.false_answers[RELEVANCE_OTHER], t.absent[RELEVANCE_OTHER]),
                            ratio(t.false_answers[RELEVANCE_FOREIGN], t.absent[RELEVANCE_FOREIGN]),
                            ratio(t.false_answers[RELEVANCE_NEAR], t.absent[RELEVANCE_NEAR]),
                            t.present ? t.picture_f1 / (double)t.present : NAN,
                            area_under_curve(all, c, (enum method)m, RELEVANCE_OTHER),
                            area_under_curve(all, c, (enum method)m, RELEVANCE_FOREIGN),
                            area_under_curve(all, c, (enum method)m, RELEVANCE_NEAR)};
        static const char *const keys[] = {
            "recall@1",    "precision",   "recall",        "f1",         "best_f1",    "said_f1",
            "kept",        "false_other", "false_foreign", "false_near", "picture_f1", "auc_other",
            "auc_foreign", "auc_near"};
        if (!t.present) return;
        (void)printf("%-13s %-8s %5zu %5zu %5zu %5zu", m == 0 ? name : "", method_names[m],
                     t.present, t.absent[RELEVANCE_OTHER], t.absent[RELEVANCE_FOREIGN],
                     t.absent[RELEVANCE_NEAR]);
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
            print_share(figures[i]);
        (void)printf("\n");
        if (!json) continue;
        (void)fprintf(json,
                      "{\"part\":\"%s\",\"library\":\"%s\",\"group\":\"%s\",\"form\":\"%s\","
                      "\"method\":\"%s\",\"present\":%zu,\"other\":%zu,\"foreign\":%zu,"
                      "\"near\":%zu",
                      c->part, c->library ? c->library : "all", group_name(c->groups),
                      c->form ? c->form : "all", method_names[m], t.present,
                      t.absent[RELEVANCE_OTHER], t.absent[RELEVANCE_FOREIGN],
                      t.absent[RELEVANCE_NEAR]);
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            if (isnan(figures[i]))
                (void)fprintf(json, ",\"%s\":null", keys[i]);
            else
                (void)fprintf(json, ",\"%s\":%.4f", keys[i], figures[i]);
        }
        (void)fprintf(json, "}\n");
    }
}

static void print_head(const char *what) {
    (void)printf("\n%-13s %-8s %5s %5s %5s %5s", what, "method", "pres", "other", "forgn", "near");
    static const char *const names[] = {"R@1",  "P",     "R",     "F1",    "best",
                                        "said", "kept",  "other", "forgn", "near",
                                        "pict", "AUC-o", "AUC-f", "AUC-n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)printf(" %6s", names[i]);
    (void)printf("\n");
}

static void report(answers *all, const relevance_library *libraries, size_t count, FILE *json) {
    static const enum method fitted[] = {COSINE, STRICT, Z};
    static const char *const forms[] = {"noun", "photo",  "sentence", "place",
                                        "pair", "colour", "count",    "scenery"};
    for (size_t i = 0; i < sizeof fitted / sizeof *fitted; i++) {
        double words = fit_constant(all, libraries, count, fitted[i], WORDS);
        double pictures = fit_constant(all, libraries, count, fitted[i], PICTURE);
        apply_constant(all, fitted[i], words, pictures);
        (void)printf("%s: constants from the fit part %.4f, of pictures %.4f\n",
                     method_names[fitted[i]], words, pictures);
    }
    for (size_t i = 0; i < all->count; i++)
        all->all[i].shown[NONE] = all->all[i].count < 10 ? all->all[i].count : 10;
    for (int p = 0; p < 2; p++) {
        const char *part = p ? "test" : "fit";
        (void)printf("\n%s\n", p ? "== TEST: no constant was fixed on it"
                                 : "== FIT: what constants were looked at on");
        static const unsigned each[] = {WORDS, THING, DETAIL};
        for (size_t g = 0; g < 3; g++) {
            print_head(group_name(each[g]));
            for (size_t i = 0; i < count; i++) {
                choice c = {part, libraries[i].name, NULL, each[g]};
                if (strcmp(libraries[i].part, part) == 0)
                    print_rows(all, &c, libraries[i].name, json);
            }
        }
        static const unsigned groups[] = {WORDS, THING, DETAIL, FREE, SUM, PICTURE};
        print_head("all of them");
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
            choice c = {part, NULL, NULL, groups[g]};
            print_rows(all, &c, group_name(groups[g]), json);
        }
        print_head("words by form");
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            choice c = {part, NULL, forms[i], WORDS};
            print_rows(all, &c, forms[i], json);
        }
    }
}

int main(int argc, char **argv) {
    const char *dump_path = NULL;
    relevance_scenes demo = {0}, relations = {0};
    relevance_questions questions = {0};
    answers all = {0};
    int is_kept = 0;
    const char *photos = NULL;
    FILE *json = NULL;
    double begin = bench_now();
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--dump") == 0)
            dump_path = argv[i + 1];
        else if (strcmp(argv[i], "--model") == 0)
            model_directory = argv[i + 1];
        else if (strcmp(argv[i], "--photos") == 0)
            photos = argv[i + 1];
        else if (strcmp(argv[i], "--json") == 0)
            json = need(fopen(argv[i + 1], "w"));
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
    add_picture_questions(&questions, photos);
    relevance_library libraries[3 + DRAWN] = {
        {"demo-a", "fit", "data/demo", {0}},
        {"demo-b", "test", "data/demo", {0}},
        {"relations", "test", "data/demo-relations", relations}};
    add_half(&libraries[0].scenes, &demo, 0);
    add_half(&libraries[1].scenes, &demo, 1);
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
    report(&all, libraries, sizeof libraries / sizeof *libraries, json);
    (void)printf("\n%zu answers, %.0f s\n", all.count, bench_now() - begin);
    if (json) (void)fclose(json);
    if (dump_path) dump(&all, dump_path);
    for (size_t i = 0; i < all.count; i++) {
        free(all.all[i].scores);
        free(all.all[i].rights);
    }
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        free(libraries[i].scenes.all);
    free(all.all);
    free(demo.all);
    free(questions.all);
    return 0;
}

/*
 * Filters: what they let through is what looking at every file lets through, by a judge of its own;
 * with a query as without one; in any order; and from indexes.
 */
#include "support/json.h"
#include "support/libraries.h"

#include "distance.h"
#include "filter.h"

#include <glimpse/captions.h>
#include <glimpse/filters.h>
#include <glimpse/listing.h>
#include <glimpse/stored_labels.h>

#include <math.h>
#include <time.h>

enum { PICTURES = 260, EXPRESSIONS = 500, NAMES = 12 };

/*
 * A library in which every field has something, and often has not.
 */
typedef struct seen_file { /* as glimpse_library_visit_files tells it */
    char path[1200], id[33], format[16], taken[24], taken_from[8], camera[40];
    uint64_t bytes;
    unsigned width, height;
    int has_gps;
    double latitude, longitude;
    json_t *fields;
    size_t picture;
    const char *label, *caption; /* NULL: none */
} seen_file;

static world w;
static seen_file *files;
static size_t file_count;
static const char *label_of[PICTURES], *caption_of[PICTURES];
static char id_of[PICTURES][33];

static const char *const cameras[] = {"Canon EOS R5", "NIKON Z 6", "Apple iPhone 12", "Foto Œuvre"};
/* What the judge takes each for: nothing of the library's folding is used here. */
static const char *const folded_cameras[] = {"canon eos r5", "nikon z 6", "apple iphone 12",
                                             "foto œuvre"};
static const char *const lenses[] = {"RF 50mm F1.2", "24-70mm", "XF23mm"};
static const char *const keywords[] = {"Draft", "beach", "Straße", "ÉTÉ", "dog"};
static const char *const folded_keywords[] = {"draft", "beach", "strasse", "été", "dog"};
static const char *const people[] = {"Anna", "Béla", "Anna Maria"};
static const char *const folded_people[] = {"anna", "béla", "anna maria"};
static const char *const titles[] = {"Opening night", "The bridge"};
static const char *const classes[] = {"animal/dog", "animal/cat", "plant"};
static const char *const captions[] = {"A kite over the sea", "two Dogs"};
static const char *const formats[] = {"JPEG", "HEIF", "PNG"};

static const char *pick(const char *const *list, size_t count) {
    return list[world_below(&w, count)];
}

static int one_in(size_t n) {
    return world_below(&w, n) == 0;
}

static json_t *make_fields(void) {
    static const double speeds[] = {100, 200, 400, 800, 1600, 3200};
    json_t *f = json_object();
    if (!one_in(3)) json_object_set_new(f, "iso", json_integer((long)speeds[world_below(&w, 6)]));
    if (!one_in(3))
        json_object_set_new(f, "aperture", json_real((double)(14 + world_below(&w, 80)) / 10));
    if (!one_in(3))
        json_object_set_new(f, "exposure", json_real(1.0 / (double)(1 + world_below(&w, 1000))));
    if (!one_in(3))
        json_object_set_new(f, "focal_length", json_real((double)(10 + world_below(&w, 90))));
    if (!one_in(3)) json_object_set_new(f, "lens", json_string(pick(lenses, 3)));
    if (!one_in(3)) json_object_set_new(f, "rating", json_real((double)world_below(&w, 7) - 1));
    if (one_in(3)) json_object_set_new(f, "label", json_string(one_in(2) ? "Red" : "Yellow"));
    if (one_in(3)) json_object_set_new(f, "title", json_string(pick(titles, 2)));
    json_t *words = json_array();
    for (size_t i = world_below(&w, 4); i > 0; i--)
        json_array_append_new(words, json_string(pick(keywords, 5)));
    if (json_array_size(words)) json_object_set(f, "keywords", words);
    json_decref(words);
    if (one_in(4)) {
        json_object_set_new(f, "hierarchical_keywords",
                            json_pack("[s]", one_in(2) ? "Animal|Dog|Terrier" : "Places|Sea"));
    }
    if (one_in(3)) {
        json_object_set_new(
            f, "people",
            json_pack("[{s:s},{s:s}]", "name", pick(people, 3), "name", pick(people, 3)));
    }
    return f;
}

/* Some on both sides of the antimeridian, some at the poles. */
static void make_place(glimpse_content_meta *meta) {
    if (one_in(3)) return;
    meta->has_gps = 1;
    const size_t kind = world_below(&w, 4);
    const double part = (double)world_below(&w, 100000) / 100000;
    meta->latitude = kind == 0 ? (one_in(2) ? 1 : -1) * (89 + part) : 140 * part - 70;
    meta->longitude = kind == 1 ? (one_in(2) ? 1 : -1) * (178 + 2 * part)
                                : 360 * (double)world_below(&w, 100000) / 100000 - 180;
}

static void add_picture(size_t i) {
    static const char *const dates[] = {"",
                                        "2019-12-31T23:59:59",
                                        "2020-05-30T14:03:59",
                                        "2020-06-01T00:00:00",
                                        "2021-01-01T07:30:00",
                                        "2020-07-01T00:00:00",
                                        "2018-01-01T00:00:00"};
    glimpse_store *s = glimpse_library_store(w.library);
    const size_t shape = world_below(&w, 3);
    const char *taken = dates[world_below(&w, 7)];
    json_t *fields = make_fields();
    if (strcmp(taken, "2020-07-01T00:00:00") == 0) {
        json_object_set_new(fields, "precision", json_string("month"));
    } else if (strcmp(taken, "2018-01-01T00:00:00") == 0) {
        json_object_set_new(fields, "precision", json_string("year"));
    }
    char *text = json_dumps(fields, JSON_COMPACT);
    glimpse_content_meta meta = {.size = 1000 + world_below(&w, 3000000),
                                 .hash = glimpse_hash_bytes(&i, sizeof i),
                                 .width = shape == 0 ? 4000 : 1000 + (unsigned)world_below(&w, 50),
                                 .height = shape == 2 ? 2000 : 1000,
                                 .orientation = 1,
                                 .format = pick(formats, 3),
                                 .taken = taken,
                                 .camera = one_in(3) ? "" : pick(cameras, 4),
                                 .taken_from = GLIMPSE_TAKEN_EXIF,
                                 .fields = text};
    int64_t picture = 0;
    float vector[WORLD_DIM];
    make_place(&meta);
    world_vector(&w, vector);
    assert_ok(s->ops->contents.write(&picture, s, &meta));
    assert_ok(s->ops->contents.write_embedding(s, w.model, picture, vector, WORLD_DIM));
    glimpse_hash_to_hex(&meta.hash, id_of[i]);
    static const char *const directories[] = {"a", "a/b", "a-b", "Ferien Straße"};
    for (size_t copies = 1 + (size_t)one_in(4); copies > 0; copies--) {
        static const char *const names[] = {"%s/%s/%zu-%zu.jpg",
                                            "%s/%s/IMG_20200704_1015%02zu-%zu.jpg"};
        char path[1200];
        (void)snprintf(path, sizeof path, one_in(3) ? names[1] : names[0], w.pictures,
                       pick(directories, 4), i % 60, i * 10 + copies);
        /* 2018 to 2022 */
        const int64_t mtime = (1514764800 + (int64_t)world_below(&w, 4 * 365 * 86400)) * 1000000000;
        const glimpse_file_stamp stamp = {meta.size, mtime, 7, 0};
        assert_ok(s->ops->files.bind(s, path, &stamp, &meta.hash, meta.size));
        if (one_in(6)) { /* what a sidecar says, it says of this file alone */
            json_t *other = make_fields();
            char *other_text = json_dumps(other, JSON_COMPACT);
            glimpse_content_meta beside = meta;
            beside.fields = other_text;
            beside.camera = pick(cameras, 4);
            beside.taken = "2022-02-02T22:22:22";
            assert_ok(s->ops->files.set_sidecars(s, path, 77, &beside));
            free(other_text);
            json_decref(other);
        }
    }
    free(text);
    json_decref(fields);
}

static void add_labels(void) {
    glimpse_store *s = glimpse_library_store(w.library);
    glimpse_store_label labels[2 * PICTURES];
    size_t count = 0;
    uint64_t stored = 0;
    for (size_t i = 0; i < PICTURES; i++) {
        if (!one_in(2)) continue;
        const size_t class = world_below(&w, 3);
        const glimpse_hash hash = glimpse_hash_bytes(&i, sizeof i);
        label_of[i] = classes[class];
        labels[count++] = (glimpse_store_label){.hash = hash, .class_index = GLIMPSE_NO_CLASS};
        labels[count++] = (glimpse_store_label){
            .hash = hash, .class_index = (int32_t) class, .probability = 0.5f, .score = 0.25f};
    }
    const glimpse_store_labelling labelling = {.name = "things",
                                               .fingerprint = w.key.fingerprint,
                                               .classifier = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                               .settings = "{}",
                                               .created = "2021-01-01T00:00:00",
                                               .classes = classes,
                                               .class_count = 3,
                                               .labels = labels,
                                               .label_count = count};
    assert_ok(s->ops->labels.write(&stored, s, &labelling));
    for (size_t i = 0; i < PICTURES; i++) {
        if (!one_in(4)) continue;
        size_t kept = 0;
        caption_of[i] = pick(captions, 2);
        const glimpse_caption caption = {.id = id_of[i],
                                         .style = GLIMPSE_CAPTION_SHORT,
                                         .model = "m",
                                         .prompt = "",
                                         .text = caption_of[i]};
        assert_ok(s->ops->captions.write(&kept, s, &caption, 1, "2021-01-01T00:00:00"));
        assert_int_equal(kept, 1);
    }
}

static int see(void *user, const glimpse_library_file *file) {
    (void)user;
    files = realloc(files, (file_count + 1) * sizeof *files);
    assert_non_null(files);
    seen_file *f = &files[file_count++];
    *f = (seen_file){.bytes = file->bytes,
                     .width = file->width,
                     .height = file->height,
                     .has_gps = file->has_gps,
                     .latitude = file->latitude,
                     .longitude = file->longitude,
                     .fields = json_loads(file->metadata, 0, NULL)};
    (void)snprintf(f->path, sizeof f->path, "%s", file->path);
    (void)snprintf(f->id, sizeof f->id, "%s", file->id);
    (void)snprintf(f->format, sizeof f->format, "%s", file->format);
    (void)snprintf(f->taken, sizeof f->taken, "%s", file->taken);
    (void)snprintf(f->taken_from, sizeof f->taken_from, "%s", file->taken_from);
    (void)snprintf(f->camera, sizeof f->camera, "%s", file->camera);
    for (size_t i = 0; i < PICTURES; i++) {
        if (strcmp(id_of[i], f->id) != 0) continue;
        f->picture = i;
        f->label = label_of[i];
        f->caption = caption_of[i];
    }
    return 0;
}

static void forget_files(void) {
    for (size_t i = 0; i < file_count; i++)
        json_decref(files[i].fields);
    free(files);
    files = NULL;
    file_count = 0;
}

/* Dates of files are in local time. */
static void look_from(const char *zone) {
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
    forget_files();
    assert_ok(glimpse_library_visit_files(w.library, see, NULL));
}

static int setup(void **state) {
    (void)state;
    world_open(&w, 19);
    glimpse_store *s = glimpse_library_store(w.library);
    assert_ok(s->ops->begin(s));
    for (size_t i = 0; i < PICTURES; i++)
        add_picture(i);
    assert_ok(s->ops->commit(s));
    add_labels();
    look_from("America/St_Johns"); /* half an hour off, behind UTC */
    return 0;
}

static int teardown(void **state) {
    (void)state;
    forget_files();
    world_close(&w);
    return 0;
}

/*
 * The judge: a tree that writes itself down as an expression, and is asked about one file.
 */
typedef enum node_kind { NODE_ALL, NODE_ANY, NODE_NOT, NODE_LEAF } node_kind;
typedef struct node {
    node_kind kind;
    struct node *left, *right;
    char text[700];
    int (*holds)(const seen_file *f, const struct node *n);
    const char *key, *op;
    double number, high, more[2];
    char word[40], end[24];
} node;

static const char *lower_of(const char *const *list, const char *const *folded, size_t count,
                            const char *text) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0) return folded[i];
    fail_msg("%s", text);
    return "";
}

static double field_number(const seen_file *f, const char *key, int *known) {
    *known = 1;
    if (strcmp(key, "width") == 0) return f->width;
    if (strcmp(key, "height") == 0) return f->height;
    if (strcmp(key, "bytes") == 0) return (double)f->bytes;
    const char *precision = json_string_value(json_object_get(f->fields, "precision"));
    const int from_file = strcmp(f->taken_from, "exif") == 0;
    if (strcmp(key, "month") == 0) {
        *known = !from_file || !precision || strcmp(precision, "year") != 0;
        return atof(f->taken + 5);
    }
    if (strcmp(key, "hour") == 0) {
        *known = !from_file || !precision;
        return atof(f->taken + 11);
    }
    const json_t *value =
        json_object_get(f->fields, strcmp(key, "focal") == 0 ? "focal_length" : key);
    *known = json_is_number(value);
    return *known ? json_number_value(value) : 0;
}

static int is_close(double a, double b) {
    return fabs(a - b) <= 1e-5 * fabs(b);
}

static int number_holds(const seen_file *f, const node *n) {
    int known = 0;
    const double x = field_number(f, n->key, &known);
    const int rounded = strcmp(n->key, "aperture") == 0 || strcmp(n->key, "exposure") == 0 ||
                        strcmp(n->key, "focal") == 0;
    const int equal = rounded ? is_close(x, n->number) : x == n->number;
    if (strcmp(n->op, "!=") == 0) return !known || !equal;
    if (!known) return 0;
    if (strcmp(n->op, "=") == 0) return equal;
    if (strcmp(n->op, "<") == 0) return x < n->number && !equal;
    if (strcmp(n->op, "<=") == 0) return x <= n->number || equal;
    if (strcmp(n->op, ">") == 0) return x > n->number && !equal;
    if (strcmp(n->op, ">=") == 0) return x >= n->number || equal;
    const int below = n->high > n->number && (rounded ? is_close(x, n->high) : x == n->high);
    return (x >= n->number || equal) && (x <= n->high || below); /* ".." */
}

static int words_hold(const seen_file *f, const node *n) {
    const int is_part = *n->op == '~';
    int found = 0;
#define LOOK(value)                                                                     \
 do {                                                                                   \
  const char *v = (value);                                                              \
  if (v && (is_part ? strstr(v, n->word) != NULL : strcmp(v, n->word) == 0)) found = 1; \
 } while (0)
    size_t i;
    const json_t *item;
    if (strcmp(n->key, "camera") == 0 && *f->camera) {
        LOOK(lower_of(cameras, folded_cameras, 4, f->camera));
    } else if (strcmp(n->key, "keyword") == 0) {
        json_array_foreach(json_object_get(f->fields, "keywords"), i, item)
            LOOK(lower_of(keywords, folded_keywords, 5, json_string_value(item)));
        json_array_foreach(json_object_get(f->fields, "hierarchical_keywords"), i, item) {
            const int dog = strcmp(json_string_value(item), "Places|Sea") != 0;
            LOOK(dog ? "animal|dog|terrier" : "places|sea");
            LOOK(dog ? "animal" : "places");
            LOOK(dog ? "dog" : "sea");
            if (dog) LOOK("terrier");
        }
    } else if (strcmp(n->key, "person") == 0) {
        json_array_foreach(json_object_get(f->fields, "people"), i, item) LOOK(
            lower_of(people, folded_people, 3, json_string_value(json_object_get(item, "name"))));
    } else if (strcmp(n->key, "title") == 0 || strcmp(n->key, "lens") == 0 ||
               strcmp(n->key, "colour_label") == 0) {
        const char *text = json_string_value(
            json_object_get(f->fields, strcmp(n->key, "colour_label") == 0 ? "label" : n->key));
        char lowered[64] = "";
        for (size_t k = 0; text && text[k] && k < 63; k++)
            lowered[k] = (char)(text[k] >= 'A' && text[k] <= 'Z' ? text[k] + 32 : text[k]);
        if (text) LOOK(lowered);
    } else if (strcmp(n->key, "format") == 0) {
        char lowered[16] = "";
        for (size_t k = 0; f->format[k]; k++)
            lowered[k] = (char)(f->format[k] + 32);
        LOOK(lowered);
    } else if (strcmp(n->key, "orientation") == 0) {
        LOOK(f->width > f->height ? "landscape" : f->width < f->height ? "portrait" : "square");
    } else if (strcmp(n->key, "caption") == 0 && f->caption) {
        LOOK(f->caption == captions[0] ? "a kite over the sea" : "two dogs");
    } else if (strcmp(n->key, "path") == 0 && is_part) {
        char lowered[1200];
        size_t to = 0;
        for (const char *c = f->path; *c; c++) {
            if (strncmp(c, "ß", 2) == 0) {
                lowered[to++] = 's';
                lowered[to++] = 's';
                c++;
            } else {
                lowered[to++] = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
            }
        }
        lowered[to] = '\0';
        LOOK(lowered);
    } else if (strcmp(n->key, "path") == 0) {
        char directory[1200];
        (void)snprintf(directory, sizeof directory, "%s/%s", w.pictures, n->word);
        const size_t length = strlen(directory);
        found = strncmp(f->path, directory, length) == 0 &&
                (f->path[length] == '/' || f->path[length] == '\0');
    } else if (strcmp(n->key, "label") == 0 && f->label) {
        char around[64], wanted[64];
        (void)snprintf(around, sizeof around, "/%s/", f->label);
        (void)snprintf(wanted, sizeof wanted, "/%s/", n->word);
        found = strstr(is_part ? f->label : around, is_part ? n->word : wanted) != NULL;
    }
    return *n->op == '!' ? !found : found;
}

static int date_holds(const seen_file *f, const node *n) {
    return strcmp(f->taken, n->word) >= 0 && strcmp(f->taken, n->end) < 0;
}

/* Another formula: the angle between two directions (Vincenty's, of a sphere). */
static double apart(double a, double b, double c, double d) {
    const double radian = acos(-1) / 180, across = (d - b) * radian;
    const double x = a * radian, y = c * radian;
    const double up = cos(y) * sin(across), side = cos(x) * sin(y) - sin(x) * cos(y) * cos(across);
    return 6371.0088 *
           atan2(sqrt(up * up + side * side), sin(x) * sin(y) + cos(x) * cos(y) * cos(across));
}

static int near_holds(const seen_file *f, const node *n) {
    return f->has_gps && apart(f->latitude, f->longitude, n->more[0], n->more[1]) <= n->number;
}

static int has_holds(const seen_file *f, const node *n) {
    const char *k = n->key;
    if (strcmp(k, "gps") == 0) return f->has_gps;
    if (strcmp(k, "camera") == 0) return *f->camera != '\0';
    if (strcmp(k, "taken") == 0) return strcmp(f->taken_from, "file") != 0;
    if (strcmp(k, "label") == 0) return f->label != NULL;
    if (strcmp(k, "caption") == 0) return f->caption != NULL;
    if (strcmp(k, "added") == 0) return 1;
    if (strcmp(k, "person") == 0) return json_object_get(f->fields, "people") != NULL;
    if (strcmp(k, "colour_label") == 0) return json_object_get(f->fields, "label") != NULL;
    if (strcmp(k, "focal") == 0) return json_object_get(f->fields, "focal_length") != NULL;
    if (strcmp(k, "keyword") == 0) {
        return json_object_get(f->fields, "keywords") ||
               json_object_get(f->fields, "hierarchical_keywords");
    }
    return json_object_get(f->fields, k) != NULL;
}

static void make_number(node *n) {
    static const char *const keys[] = {"iso",   "aperture", "exposure", "focal", "rating",
                                       "width", "height",   "bytes",    "month", "hour"};
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", ".."};
    n->holds = number_holds;
    n->key = pick(keys, 10);
    n->op = pick(ops, 7);
    char low[24], high[24];
    int known = 0;
    for (int tries = 0; tries < 50 && !known; tries++)
        n->number = field_number(&files[world_below(&w, file_count)], n->key, &known);
    n->high = n->number + (double)world_below(&w, 300);
    if (strcmp(n->key, "exposure") == 0) { /* as people write it */
        (void)snprintf(low, sizeof low, "1/%.0f", 1 / n->number);
        (void)snprintf(high, sizeof high, "%.0f", n->high = n->number + 1 < 2 ? 1 : 2);
    } else if (strcmp(n->key, "bytes") == 0) {
        const double k = floor(n->number / 1000);
        n->number = 1000 * k;
        n->high = 1e6 * (floor(n->number / 1e6) + 1);
        (void)snprintf(low, sizeof low, "%.0fkB", k);
        (void)snprintf(high, sizeof high, "%.0fMB", n->high / 1e6);
    } else {
        (void)snprintf(low, sizeof low, "%.4g", n->number);
        (void)snprintf(high, sizeof high, "%.4g", n->high);
        n->number = strtod(low, NULL);
        n->high = strtod(high, NULL);
    }
    if (strcmp(n->op, "..") == 0) {
        (void)snprintf(n->text, sizeof n->text, "%s = %s..%s", n->key, low, high);
    } else {
        (void)snprintf(n->text, sizeof n->text, "%s %s %s%s", n->key, n->op,
                       strcmp(n->key, "aperture") == 0 ? "f/" : "", low);
    }
}

static void make_words(node *n) {
    static const struct {
        const char *key, *values[5], *lower[5];
    } of[] = {
        {"camera",
         {"canon eos r5", "R5", "iPhone", "ŒUVRE", "z 6"},
         {"canon eos r5", "r5", "iphone", "œuvre", "z 6"}},
        {"keyword",
         {"DRAFT", "STRASSE", "été", "Dog", "animal|dog|terrier"},
         {"draft", "strasse", "été", "dog", "animal|dog|terrier"}},
        {"person",
         {"anna", "BÉLA", "anna maria", "an", "nobody"},
         {"anna", "béla", "anna maria", "an", "nobody"}},
        {"title",
         {"the bridge", "night", "OPENING NIGHT", "e", "x"},
         {"the bridge", "night", "opening night", "e", "x"}},
        {"lens",
         {"24-70mm", "50", "xf23MM", "mm", "rf 50mm f1.2"},
         {"24-70mm", "50", "xf23mm", "mm", "rf 50mm f1.2"}},
        {"colour_label",
         {"red", "RED", "yellow", "e", "blue"},
         {"red", "red", "yellow", "e", "blue"}},
        {"format", {"jpeg", "heic", "jpg", "PNG", "gif"}, {"jpeg", "heif", "jpeg", "png", "gif"}},
        {"orientation",
         {"landscape", "portrait", "square", "Square", "PORTRAIT"},
         {"landscape", "portrait", "square", "square", "portrait"}},
        {"caption",
         {"kite", "two dogs", "DOGS", "sea", "a kite over the sea"},
         {"kite", "two dogs", "dogs", "sea", "a kite over the sea"}},
        {"label",
         {"dog", "animal", "animal/cat", "plant", "an"},
         {"dog", "animal", "animal/cat", "plant", "an"}},
        {"path",
         {"a", "a/b", "a-b", "Ferien Straße", "nowhere"},
         {"a", "a/b", "a-b", "Ferien Straße", "nowhere"}},
    };
    static const char *const ops[] = {"=", "~", "!="};
    const size_t i = world_below(&w, sizeof of / sizeof of[0]), j = world_below(&w, 5);
    const int is_path = strcmp(of[i].key, "path") == 0;
    n->holds = words_hold;
    n->key = of[i].key;
    n->op = strcmp(n->key, "orientation") == 0 ? "=" : pick(ops, 3);
    const int part = *n->op == '~';
    /* With ~ a format is what was written, not what people call it. */
    if (strcmp(n->key, "format") == 0 && part) {
        (void)snprintf(n->word, sizeof n->word, "%s", "eg");
        (void)snprintf(n->text, sizeof n->text, "format ~ EG");
        return;
    }
    if (is_path && part) {
        (void)snprintf(n->word, sizeof n->word, "ferien strasse/");
        (void)snprintf(n->text, sizeof n->text, "path ~ 'FERIEN straße/'");
        return;
    }
    (void)snprintf(n->word, sizeof n->word, "%s", of[i].lower[j]);
    if (is_path) {
        (void)snprintf(n->text, sizeof n->text, "path %s \"%s/%s\"", n->op, w.pictures,
                       of[i].values[j]);
    } else {
        (void)snprintf(n->text, sizeof n->text, "%s%s'%s'", n->key, n->op, of[i].values[j]);
    }
}

static void make_date(node *n) {
    static const struct {
        const char *text, *first, *end;
    } of[] = {
        {"taken = 2020", "2020-01-01T00:00:00", "2021-01-01T00:00:00"},
        {"taken > 2020-05-30T14", "2020-05-30T15:00:00", "\x7f"},
        {"taken >= '2020-05-30 14:03:59'", "2020-05-30T14:03:59", "\x7f"},
        {"taken > 2020-05-30T14:03:59", "2020-05-30T14:04:00", "\x7f"},
        {"taken < 2019-12", "", "2019-12-01T00:00:00"},
        {"taken <= 2019-12", "", "2020-01-01T00:00:00"},
        {"taken = ..2018-06", "", "2018-07-01T00:00:00"},
        {"taken = 2019-12-31..2020-02", "2019-12-31T00:00:00", "2020-03-01T00:00:00"},
        {"taken = 2021..", "2021-01-01T00:00:00", "\x7f"},
        {"taken = 2020-07-04T10:15", "2020-07-04T10:15:00", "2020-07-04T10:16:00"},
        {"taken < 0001", "", "0001-01-01T00:00:00"},
        {"taken <= 9999-12-31", "", "\x7f"},
    };
    const size_t i = world_below(&w, sizeof of / sizeof of[0]);
    n->holds = date_holds;
    if (one_in(2)) { /* from a moment that a file has, or up to it */
        const char *moment = files[world_below(&w, file_count)].taken;
        const int from = one_in(2);
        (void)snprintf(n->text, sizeof n->text, "taken %s %s", from ? ">=" : "<", moment);
        (void)snprintf(n->word, sizeof n->word, "%s", from ? moment : "");
        (void)snprintf(n->end, sizeof n->end, "%s", from ? "\x7f" : moment);
        return;
    }
    (void)snprintf(n->text, sizeof n->text, "%s", of[i].text);
    (void)snprintf(n->word, sizeof n->word, "%s", of[i].first);
    (void)snprintf(n->end, sizeof n->end, "%s", of[i].end);
}

static void make_near(node *n) {
    static const double distances[] = {50, 500, 2000, 9000, 20100};
    n->holds = near_holds;
    const seen_file *f = &files[world_below(&w, file_count)];
    n->more[0] = f->has_gps && one_in(2) ? f->latitude : (double)world_below(&w, 181) - 90;
    n->more[1] = f->has_gps && one_in(2) ? f->longitude : (double)world_below(&w, 361) - 180;
    n->number = distances[world_below(&w, 5)];
    (void)snprintf(n->text, sizeof n->text, "near(%.4f, %.4f, %.0f%s)", n->more[0], n->more[1],
                   n->number, one_in(2) ? "km" : "");
    (void)sscanf(n->text, "near(%lf, %lf,", &n->more[0], &n->more[1]);
}

static void make_has(node *n) {
    static const char *const keys[] = {
        "gps",   "camera", "lens",    "iso",   "taken",    "rating",   "keyword", "person",
        "title", "label",  "caption", "added", "exposure", "aperture", "focal",   "colour_label"};
    n->holds = has_holds;
    n->key = pick(keys, 16);
    (void)snprintf(n->text, sizeof n->text, "%s(%s)", one_in(2) ? "has" : "HAS", n->key);
}

static node *make_leaf(void) {
    node *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->kind = NODE_LEAF;
    const size_t kind = world_below(&w, 12);
    if (kind < 4)
        make_number(n);
    else if (kind < 8)
        make_words(n);
    else if (kind < 9)
        make_date(n);
    else if (kind < 10)
        make_near(n);
    else if (kind < 11)
        make_has(n);
    else
        make_date(n);
    return n;
}

static node *make_tree(int depth) {
    if (depth == 0 || one_in(3)) return make_leaf();
    node *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->kind = (node_kind)world_below(&w, 3);
    n->left = make_tree(depth - 1);
    if (n->kind != NODE_NOT) n->right = make_tree(depth - 1);
    return n;
}

static void free_tree(node *n) {
    if (!n) return;
    free_tree(n->left);
    free_tree(n->right);
    free(n);
}

/* With parentheses only where they are needed, so that what binds stronger is tested. */
static void write_tree(char *out, size_t size, const node *n, int inside) {
    static const int strength[] = {[NODE_ALL] = 2, [NODE_ANY] = 1, [NODE_NOT] = 3, [NODE_LEAF] = 4};
    const int mine = strength[n->kind];
    const size_t used = strlen(out);
    char *to = out + used;
    size -= used;
    if (n->kind == NODE_LEAF) {
        (void)snprintf(to, size, "%s", n->text);
        return;
    }
    if (mine < inside) (void)snprintf(to, size, "(");
    if (n->kind == NODE_NOT) {
        (void)snprintf(to + strlen(to), size - strlen(to), "not ");
        write_tree(to, size, n->left, mine);
    } else {
        write_tree(to, size, n->left, mine);
        (void)snprintf(to + strlen(to), size - strlen(to), n->kind == NODE_ALL ? " and " : " OR ");
        write_tree(to, size, n->right, mine);
    }
    if (mine < inside) (void)snprintf(to + strlen(to), size - strlen(to), ")");
}

static int holds(const node *n, const seen_file *f) {
    switch (n->kind) {
    case NODE_ALL: return holds(n->left, f) && holds(n->right, f);
    case NODE_ANY: return holds(n->left, f) || holds(n->right, f);
    case NODE_NOT: return !holds(n->left, f);
    default: return n->holds(f, n);
    }
}

/*
 * What is listed.
 */
typedef struct list {
    char paths[PICTURES][1200];
    size_t count;
} list;

static int add_listed(void *user, const glimpse_listed *p) {
    list *l = user;
    assert_true(l->count < PICTURES);
    (void)snprintf(l->paths[l->count++], sizeof l->paths[0], "%s", p->file.path);
    return 0;
}

/* Each picture by the first of its files that passes; they come in the order of paths. */
static void judge(list *out, const node *n) {
    size_t shown[PICTURES] = {0};
    out->count = 0;
    for (size_t i = 0; i < file_count; i++) {
        if (shown[files[i].picture]++ > 0) continue;
        if (holds(n, &files[i])) {
            (void)snprintf(out->paths[out->count++], sizeof out->paths[0], "%s", files[i].path);
        } else {
            shown[files[i].picture] = 0;
        }
    }
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(a, b);
}

static void assert_same(const list *expected, const list *got, const char *where) {
    for (size_t i = 0; i < expected->count && i < got->count; i++) {
        if (strcmp(expected->paths[i], got->paths[i]) != 0) {
            fail_msg("%s: %s instead of %s", where, got->paths[i], expected->paths[i]);
        }
    }
    if (expected->count != got->count) {
        fail_msg("%s: %zu pictures instead of %zu", where, got->count, expected->count);
    }
}

static list expected, got;

static void search_all(list *out, const char *where, size_t k, const float *query) {
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_results *results = NULL;
    options.k = k;
    options.where = where;
    assert_ok(glimpse_library_search_key(&results, w.library, &w.key, query, &options));
    out->count = glimpse_results_count(results);
    for (size_t i = 0; i < out->count; i++)
        (void)snprintf(out->paths[i], sizeof out->paths[0], "%s",
                       glimpse_results_get(results, i)->path);
    glimpse_results_free(results);
}

static void any_expression_lets_through_what_a_plain_scan_does(void **state) {
    (void)state;
    static list some;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    options.filter = &filter;
    size_t empty = 0, full = 0;
    for (int i = 0; i < EXPRESSIONS; i++) {
        char where[8192] = "";
        float query[WORLD_DIM];
        if (i == EXPRESSIONS / 2) look_from("Pacific/Kiritimati"); /* nobody is farther ahead */
        node *tree = i % 5 == 0 ? make_leaf() : make_tree(4);
        write_tree(where, sizeof where, tree, 0);
        filter.where = where;
        judge(&expected, tree);
        got.count = 0;
        assert_ok(glimpse_library_list(w.library, &options, add_listed, &got));
        assert_same(&expected, &got, where);
        /* A search finds the same, whatever way it takes, and its best are the best of those. */
        world_vector(&w, query);
        search_all(&got, where, 10 * PICTURES, query);
        search_all(&some, where, 7, query);
        assert_int_equal(some.count, got.count < 7 ? got.count : 7);
        for (size_t j = 0; j < some.count; j++)
            assert_string_equal(some.paths[j], got.paths[j]);
        qsort(got.paths, got.count, sizeof got.paths[0], compare_paths);
        assert_same(&expected, &got, where);
        empty += expected.count == 0;
        full += expected.count == PICTURES;
        free_tree(tree);
    }
    /* Most say something. */
    assert_true(empty < EXPRESSIONS / 3 && full < EXPRESSIONS / 3);
}

static void dates_and_labels_of_a_list_are_those_of_a_search(void **state) {
    (void)state;
    static const char *const wanted[] = {"dog"};
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    glimpse_results *results = NULL;
    float query[WORLD_DIM];
    char below[1200];
    (void)snprintf(below, sizeof below, "%s/a", w.pictures);
    filter.k = 10 * PICTURES;
    filter.after = "2019";
    filter.before = "2021-06";
    filter.labels = wanted;
    filter.label_count = 1;
    const char *const places[] = {below};
    filter.within = places;
    filter.within_count = 1;
    filter.where = "not iso = 400";
    options.filter = &filter;
    got.count = 0;
    assert_ok(glimpse_library_list(w.library, &options, add_listed, &got));
    world_vector(&w, query);
    assert_ok(glimpse_library_search_key(&results, w.library, &w.key, query, &filter));
    expected.count = glimpse_results_count(results);
    for (size_t i = 0; i < expected.count; i++)
        (void)snprintf(expected.paths[i], sizeof expected.paths[0], "%s",
                       glimpse_results_get(results, i)->path);
    glimpse_results_free(results);
    qsort(expected.paths, expected.count, sizeof expected.paths[0], compare_paths);
    assert_true(got.count > 3);
    assert_same(&expected, &got, "dates and labels");
}

/*
 * Orders.
 */
typedef struct ordered {
    double last;
    char last_text[24], last_path[1200];
    int missing, reverse;
    glimpse_sort sort;
    size_t count;
} ordered;

static double value_of(glimpse_sort sort, const glimpse_result *r) {
    return sort == GLIMPSE_SORT_RATING  ? r->rating
           : sort == GLIMPSE_SORT_ADDED ? (double)r->added
                                        : (double)r->bytes;
}

static int check_order(void *user, const glimpse_listed *p) {
    ordered *o = user;
    const glimpse_result *r = &p->file;
    const int has = o->sort != GLIMPSE_SORT_RATING || r->has_rating;
    int order = 0; /* of this one to the last: 1 comes later */
    if (o->count > 0) {
        if (o->missing && has) fail_msg("%s comes behind one without a rating", r->path);
        if (o->missing == !has && has) {
            const double value = value_of(o->sort, r);
            order = o->sort == GLIMPSE_SORT_TAKEN  ? -strcmp(r->taken, o->last_text)
                    : o->sort == GLIMPSE_SORT_PATH ? strcmp(r->path, o->last_path)
                                                   : (value < o->last) - (value > o->last);
            if (o->reverse) order = -order;
            assert_true(order >= 0);
        }
        if (order == 0 && o->missing == !has) assert_true(strcmp(r->path, o->last_path) > 0);
    }
    o->missing = !has;
    o->last = value_of(o->sort, r);
    (void)snprintf(o->last_text, sizeof o->last_text, "%s", r->taken);
    (void)snprintf(o->last_path, sizeof o->last_path, "%s", r->path);
    o->count++;
    return 0;
}

static void lists_come_in_the_order_asked_for(void **state) {
    (void)state;
    for (int sort = GLIMPSE_SORT_NONE; sort <= GLIMPSE_SORT_RATING; sort++) {
        for (int i = 0; i < 4; i++) {
            glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
            glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
            const glimpse_sort meant =
                sort == GLIMPSE_SORT_NONE ? GLIMPSE_SORT_PATH : (glimpse_sort)sort;
            ordered o = {.sort = meant, .reverse = i & 1};
            options.sort = (glimpse_sort)sort;
            options.reverse = i & 1;
            options.filter = &filter;
            filter.where = i & 2 ? "width >= 1000" : NULL;
            assert_ok(glimpse_library_list(w.library, &options, check_order, &o));
            assert_int_equal(o.count, PICTURES);
            options.limit = 5;
            o.count = 0;
            assert_ok(glimpse_library_list(w.library, &options, check_order, &o));
            assert_int_equal(o.count, 5);
        }
    }
}

static void distances_are_those_of_the_sphere_and_boxes_hold_their_circles(void **state) {
    (void)state;
    assert_true(fabs(glimpse_distance_km(38.7223, -9.1393, 48.8566, 2.3522) - 1453) < 3);
    for (int i = 0; i < 20000; i++) {
        const double a = (double)world_below(&w, 1801) / 10 - 90,
                     b = (double)world_below(&w, 3601) / 10 - 180;
        const double c = one_in(2) ? a + (double)world_below(&w, 100) / 100
                                   : (double)world_below(&w, 1801) / 10 - 90;
        double d = one_in(2) ? b + (double)world_below(&w, 100) / 50
                             : (double)world_below(&w, 3601) / 10 - 180;
        if (c > 90) continue;
        if (d > 180) d -= 360;
        const double km = glimpse_distance_km(a, b, c, d);
        assert_true(fabs(km - apart(a, b, c, d)) < 0.01);
        const glimpse_around box = glimpse_around_place(a, b, km + 1e-6);
        int inside = c >= box.south && c <= box.north, east = 0;
        for (int k = 0; k < box.count; k++)
            east |= d >= box.west[k] && d <= box.east[k];
        if (!inside || !east)
            fail_msg("%g %g is %g km from %g %g, and not in the box", c, d, km, a, b);
    }
}

/*
 * Plans.
 */
/* What statistics would say of a million pictures; SQLite believes them. */
static const char as_if_large[] =
    "ANALYZE;"
    "DELETE FROM sqlite_stat1;"
    "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES"
    " ('file', 'file_picture', '1000000 1'), ('file', 'sqlite_autoindex_file_1', '1000000 1'),"
    " ('fact', 'fact_taken', '1000000 2'), ('fact', 'fact_camera', '800000 40000'),"
    " ('fact', 'fact_rating', '500000 80000'), ('fact', 'fact_place', '400000 3 2'),"
    " ('fact', 'fact_lens', '500000 20000'), ('fact', 'fact_iso', '500000 20000'),"
    " ('fact', 'fact_colour', '500000 20000'),"
    " ('fact_word', 'fact_word', '3000000 3000 1'),"
    " ('fact_word', 'fact_word_file', '3000000 3'), ('picture', NULL, '1000000'),"
    " ('content', 'content_picture', '1000000 1'), ('label', 'label', '1000000 1 1 1'),"
    " ('label', 'label_of_class', '1000000 1000'), ('label_class', NULL, '1000'),"
    " ('collection', 'sqlite_autoindex_collection_1', '2000 1000 1'),"
    " ('collection_picture', 'collection_picture', '1000000 500 1'),"
    " ('collection_picture', 'collection_picture_of', '1000000 2');"
    "ANALYZE sqlite_schema;";

/* No table that grows with the library is read from its beginning to its end. */
static void check_plan(glimpse_filter *filter, const char *statement, const char *where) {
    static const char *const large[] = {
        "f",    "x",       "p",       "y",     "c",         "l",        "w", "file",
        "fact", "picture", "content", "label", "fact_word", "metadata", "m", "collection_picture"};
    const glimpse_sqlite_filter *own = (const glimpse_sqlite_filter *)(const void *)filter;
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
    char *sql = NULL, explain[16384];
    sqlite3_stmt *row = NULL;
    int status, by_id = 0;
    assert_ok(glimpse_where_sql_expand(&sql, own->where, statement, 0));
    (void)snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    assert_ok(glimpse_db_prepare(db, &row, explain));
    while ((status = glimpse_db_step(db, row)) > 0) {
        const char *detail = (const char *)sqlite3_column_text(row, 3);
        by_id |= strcmp(detail, "SEARCH f USING INTEGER PRIMARY KEY (rowid=?)") == 0;
        if (strncmp(detail, "SCAN ", 5) != 0) continue;
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
            const size_t length = strlen(large[i]);
            if (strncmp(detail + 5, large[i], length) == 0 &&
                (detail[5 + length] == ' ' || detail[5 + length] == '\0')) {
                fail_msg("%s: %s", where, detail);
            }
        }
    }
    assert_int_equal(status, 0);
    if (!by_id) fail_msg("%s: files are not looked up by what the indexes gave", where);
    (void)sqlite3_finalize(row);
    free(sql);
}

static void check_plans(void) {
    static const char *const wheres[] = {
        "camera = 'Canon EOS R5'",
        "camera ~ R5",
        "camera ~ R5, iphone",
        "taken = 2020",
        "taken < 2019",
        "taken = 2019-05..2020",
        "rating = 4..",
        "rating = 5",
        "rating < 0",
        "keyword = draft",
        "keyword ~ raf",
        "keyword = draft, beach",
        "path = '/pictures/a'",
        "path = '/a', '/b'",
        "label = dog",
        "label ~ og",
        "tag = people",
        "tag ~ eop",
        "album = Norway, Sweden",
        "has(favourite)",
        "has(tag) and not album = x",
        "near(38.7, -9.1, 20)",
        "near(0, 180, 100)",
        "near(90, 0, 300)",
        "person ~ anna",
        "lens = '24-70mm'",
        "iso = 100..400",
        "colour_label = red",
        "has(gps)",
        "added >= 2026-05",
        "camera ~ 'R5' and iso > 800 and not keyword = 'draft'",
        "title ~ x and (rating = 5 or keyword = beach) and not camera = y",
        "not (not keyword = draft or not rating = 3)",
    };
    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++) {
        glimpse_store *s = glimpse_library_store(w.library);
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        glimpse_filter *filter = NULL;
        options.where = wheres[i];
        assert_ok(s->ops->filters.open(&filter, s, NULL, 0, NULL, NULL));
        assert_ok(s->ops->filters.narrow(filter, s, &options));
        for (int sort = GLIMPSE_SORT_NONE; sort <= GLIMPSE_SORT_RATING; sort++)
            check_plan(filter, glimpse_filtered_list_statement((glimpse_sort)sort, 0), wheres[i]);
        check_plan(filter, glimpse_filtered_contents_statement, wheres[i]);
        s->ops->filters.close(filter);
    }
}

static void no_plan_reads_a_table_through(void **state) {
    (void)state;
    check_plans();
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
    assert_ok(glimpse_db_script(db, as_if_large));
    check_plans();
    assert_ok(glimpse_db_script(db, "DROP TABLE sqlite_stat1; ANALYZE sqlite_schema"));
}

/*
 * The columns that filters ask are derived.
 */
static int64_t facts_sum(void) {
    int64_t sum = 0;
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
    assert_ok(glimpse_db_integer(
        db, &sum,
        "SELECT glimpse_sum((SELECT group_concat(file_id || taken || source || precision ||"
        " ifnull(c.text, '-') || ifnull(l.text, '-') || ifnull(o.text, '-') || ifnull(iso, '-') ||"
        " ifnull(aperture, '-') || ifnull(exposure, '-') || ifnull(focal, '-') ||"
        " ifnull(rating, '-') || ifnull(latitude, '-') || ifnull(longitude, '-') ||"
        " ifnull(title, '-')) FROM (SELECT * FROM fact ORDER BY file_id) x"
        " LEFT JOIN fact_text c ON c.id = x.camera LEFT JOIN fact_text l ON l.id = x.lens"
        " LEFT JOIN fact_text o ON o.id = x.colour),"
        " (SELECT group_concat(v) FROM (SELECT h.file_id || t.kind || t.text AS v FROM fact_word h"
        " JOIN fact_text t ON t.id = h.text_id ORDER BY h.file_id, t.kind, t.text)))",
        ""));
    return sum;
}

static void an_older_library_gets_its_columns_from_what_is_stored(void **state) {
    (void)state;
    const int64_t before = facts_sum();
    char problems[4096];
    assert_int_equal(world_verify(&w, problems, sizeof problems), GLIMPSE_OK);
    world_rewind(&w, 15);
    world_reopen(&w, 0);
    assert_true(facts_sum() == before);
    assert_int_equal(world_verify(&w, problems, sizeof problems), GLIMPSE_OK);
    /* When the pictures came nobody knows. */
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    options.filter = &filter;
    filter.where = "has(added)";
    got.count = 0;
    assert_ok(glimpse_library_list(w.library, &options, add_listed, &got));
    assert_int_equal(got.count, 0);
}

static void damage_to_them_is_found_and_mended(void **state) {
    (void)state;
    static const char *const damages[] = {
        "UPDATE fact SET iso = 12345 WHERE file_id = (SELECT max(file_id) FROM fact)",
        "DELETE FROM fact WHERE file_id = (SELECT max(file_id) FROM fact)",
        "DELETE FROM fact_word WHERE file_id = (SELECT max(file_id) FROM fact_word)",
        "UPDATE fact_text SET text = text || 'x' WHERE kind = 4",
        "UPDATE fact SET precision = (precision + 1) % 4 WHERE file_id = (SELECT max(file_id) FROM "
        "fact)",
        "UPDATE fact SET source = (source + 1) % 3 WHERE file_id = (SELECT max(file_id) FROM fact)",
        "UPDATE fact SET taken = '2001' WHERE file_id = (SELECT max(file_id) FROM fact)",
    };
    const int64_t before = facts_sum();
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char problems[4096];
        glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
        assert_ok(glimpse_db_script(db, damages[i]));
        assert_int_equal(world_verify(&w, problems, sizeof problems), GLIMPSE_E_CORRUPT);
        assert_non_null(strstr(problems, "what filters know of"));
        assert_ok(glimpse_library_reindex(w.library));
        assert_int_equal(world_verify(&w, problems, sizeof problems), GLIMPSE_OK);
        assert_true(facts_sum() == before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_expression_lets_through_what_a_plain_scan_does),
        cmocka_unit_test(dates_and_labels_of_a_list_are_those_of_a_search),
        cmocka_unit_test(lists_come_in_the_order_asked_for),
        cmocka_unit_test(distances_are_those_of_the_sphere_and_boxes_hold_their_circles),
        cmocka_unit_test(no_plan_reads_a_table_through),
        cmocka_unit_test(damage_to_them_is_found_and_mended),
        cmocka_unit_test(an_older_library_gets_its_columns_from_what_is_stored),
    };
    return cmocka_run_group_tests_name("filters", tests, setup, teardown);
}

/*
 * vlm_structure.c - what a model's words mean: an answer, a refusal (vlm_refusals.c), or JSON of a
 * schema.
 *
 * Local repairs of JSON: a code fence, words and other objects around it, a comma before a closing
 * bracket, an object that was put into a string; the last object of the schema with something in it
 * counts. Numbers in strings ("0.8") are taken as numbers.
 * Everything else is for the model to repair, once.
 */
#include "vlm/vlm_internal.h"

#include "core/error.h"
#include "text/json_load.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *glimpse_vlm_schema_name(glimpse_vlm_schema schema) {
    switch (schema) {
    case GLIMPSE_VLM_PLAIN: return "plain";
    case GLIMPSE_VLM_JSON_SCORE: return "json-score";
    case GLIMPSE_VLM_JSON_ANSWER: return "json-answer";
    case GLIMPSE_VLM_JSON_LIST: return "json-list";
    case GLIMPSE_VLM_JSON_COMPARE: return "json-compare";
    case GLIMPSE_VLM_JSON_PAGES: return "json-pages";
    }
    return "unknown";
}

#define ONLY "Answer with only a JSON object of this form, and nothing else: "
const char *glimpse_vlm_schema_line(glimpse_vlm_schema schema) {
    switch (schema) {
    case GLIMPSE_VLM_PLAIN: break;
    case GLIMPSE_VLM_JSON_SCORE:
        return ONLY "{\"score\": number from 0 to 1, or null if you cannot tell}";
    case GLIMPSE_VLM_JSON_ANSWER:
        return ONLY "{\"answer\": text, or null if you cannot tell, "
                    "\"confidence\": number from 0 to 1}";
    case GLIMPSE_VLM_JSON_LIST: return ONLY "{\"items\": [text, ...]}";
    case GLIMPSE_VLM_JSON_COMPARE:
        return ONLY "{\"similarities\": [text, ...], \"differences\": [text, ...], "
                    "\"same\": \"yes\", \"no\", or null if you cannot tell}";
    case GLIMPSE_VLM_JSON_PAGES:
        return ONLY "{\"answer\": text, or null if you cannot tell, "
                    "\"confidence\": number from 0 to 1, \"pages\": [page number, ...]}";
    }
    return "";
}

/* Removes commas before closing brackets, outside strings. */
static size_t drop_commas(char *text, size_t size) {
    size_t used = 0;
    int quoted = 0;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\' && i + 1 < size) {
            text[used++] = text[i++];
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == ',') {
            size_t next = i + 1;
            while (next < size && isspace((unsigned char)text[next]))
                next++;
            if (next < size && (text[next] == '}' || text[next] == ']')) continue;
        }
        text[used++] = text[i];
    }
    return used;
}

static json_t *load_object(const char *text, size_t size) {
    json_error_t error;
    json_t *value = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    if (value && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

/* Where the object that begins at text[0] ends, one past its bracket; 0: nowhere. */
static size_t object_length(const char *text, size_t size) {
    size_t depth = 0;
    int quoted = 0;
    for (size_t i = 0; i < size; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = 0;
        } else if (text[i] == '"') {
            quoted = 1;
        } else if (text[i] == '{') {
            depth++;
        } else if (text[i] == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* The object at text[0], repaired where that is safe. */
static json_t *load_repaired(const char *text, size_t size) {
    json_t *value = load_object(text, size);
    if (value) return value;
    char *copy = malloc(size);
    if (!copy) return NULL;
    memcpy(copy, text, size);
    value = load_object(copy, drop_commas(copy, size));
    free(copy);
    return value;
}

/*
 * Members. Each returns 1, or 0 with the reason in `why`.
 */
static int bad(char *why, size_t capacity, const char *name, const char *what) {
    (void)snprintf(why, capacity, "\"%s\" is %s", name, what);
    return 0;
}

/* A number 0..1, or null (-1). `optional`: missing is null. */
static int read_share(const json_t *object, const char *name, int optional, double *out, char *why,
                      size_t capacity) {
    const json_t *value = json_object_get(object, name);
    *out = -1.0;
    if (json_is_null(value) || (!value && optional)) return 1;
    if (!value) return bad(why, capacity, name, "missing");
    double number = -1.0;
    if (json_is_number(value)) {
        number = json_number_value(value);
    } else if (json_is_string(value)) {
        char *end = NULL;
        const char *digits = json_string_value(value);
        number = strtod(digits, &end);
        if (end == digits || *end) number = -1.0;
    }
    if (!(number >= 0.0 && number <= 1.0))
        return bad(why, capacity, name, "not a number from 0 to 1");
    *out = number;
    return 1;
}

/* Text, or null (NULL). Numbers are taken as they would be written. */
static int read_words(const json_t *object, const char *name, char *buffer, size_t buffer_size,
                      const char **out, char *why, size_t capacity) {
    const json_t *value = json_object_get(object, name);
    *out = NULL;
    if (json_is_null(value)) return 1;
    if (json_is_string(value)) {
        *out = json_string_value(value);
    } else if (json_is_integer(value)) {
        (void)snprintf(buffer, buffer_size, "%lld", (long long)json_integer_value(value));
        *out = buffer;
    } else if (json_is_real(value)) {
        (void)snprintf(buffer, buffer_size, "%.10g", json_real_value(value));
        *out = buffer;
    } else if (json_is_boolean(value)) {
        *out = json_is_true(value) ? "yes" : "no";
    } else {
        return bad(why, capacity, name, value ? "not a text" : "missing");
    }
    return 1;
}

/* A list of texts or of numbers, checked and copied. */
static json_t *read_list(const json_t *object, const char *name, int numbers, char *why,
                         size_t capacity) {
    const json_t *list = json_object_get(object, name);
    json_t *copy = json_array();
    if (!json_is_array(list) || !copy) {
        (void)bad(why, capacity, name, list ? "not a list" : "missing");
        json_decref(copy);
        return NULL;
    }
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        int fine = numbers ? json_is_integer(item) : json_is_string(item);
        if (!fine || json_array_append(copy, item) != 0) {
            (void)bad(why, capacity, name,
                      numbers ? "not a list of numbers" : "not a list of texts");
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

static char *join(const json_t *list, const char *between) {
    size_t i, size = 1;
    json_t *item;
    json_array_foreach(list, i, item) size += json_string_length(item) + strlen(between);
    char *text = malloc(size), *end = text;
    if (!text) return NULL;
    json_array_foreach(list, i, item) {
        if (i > 0) end = stpcpy(end, between);
        end = stpcpy(end, json_string_value(item));
    }
    *end = '\0';
    return text;
}

/*
 * One function per shape: the canonical object, or NULL with `why`.
 */
typedef struct taken {
    json_t *object;
    char *text; /* malloc'ed; NULL: cannot tell */
    double probability, confidence;
    int declined; /* `text` is a refusal */
} taken;

static int read_score(taken *t, const json_t *from, char *why, size_t capacity) {
    double score = -1.0;
    if (!read_share(from, "score", 0, &score, why, capacity)) return 0;
    t->object = score < 0.0 ? json_pack("{s:n}", "score") : json_pack("{s:f}", "score", score);
    if (score < 0.0) return 1;
    char text[32];
    (void)snprintf(text, sizeof text, "%.6g", score);
    t->probability = score;
    t->confidence = fmax(score, 1.0 - score);
    t->text = strdup(text);
    return 1;
}

static int read_answer(taken *t, const json_t *from, int with_pages, char *why, size_t capacity) {
    char number[48];
    const char *words = NULL;
    double confidence = -1.0;
    if (!read_words(from, "answer", number, sizeof number, &words, why, capacity)) return 0;
    if (!read_share(from, "confidence", 1, &confidence, why, capacity)) return 0;
    if (words && glimpse_vlm_is_cannot_tell(words, strlen(words))) words = NULL;
    json_t *pages = NULL;
    if (with_pages && !(pages = read_list(from, "pages", 1, why, capacity))) return 0;
    t->object = json_object();
    (void)json_object_set_new(t->object, "answer", words ? json_string(words) : json_null());
    (void)json_object_set_new(t->object, "confidence",
                              confidence < 0.0 ? json_null() : json_real(confidence));
    if (pages) (void)json_object_set_new(t->object, "pages", pages);
    t->confidence = confidence;
    if (words) t->text = strdup(words);
    t->declined = words && glimpse_vlm_declines(words, strlen(words));
    return 1;
}

static int read_items(taken *t, const json_t *from, char *why, size_t capacity) {
    json_t *items = read_list(from, "items", 0, why, capacity);
    if (!items) return 0;
    t->text = join(items, ", ");
    t->object = json_pack("{s:o}", "items", items);
    return 1;
}

static int read_compare(taken *t, const json_t *from, char *why, size_t capacity) {
    char number[48];
    const char *same = NULL;
    json_t *alike = NULL, *apart = NULL;
    if (!read_words(from, "same", number, sizeof number, &same, why, capacity)) return 0;
    if (same && strcasecmp(same, "yes") != 0 && strcasecmp(same, "no") != 0) {
        return bad(why, capacity, "same", "neither \"yes\" nor \"no\" nor null");
    }
    if (!(alike = read_list(from, "similarities", 0, why, capacity))) return 0;
    if (!(apart = read_list(from, "differences", 0, why, capacity))) {
        json_decref(alike);
        return 0;
    }
    char *similar = join(alike, "; "), *different = join(apart, "; ");
    if (similar && different) {
        size_t size = strlen(similar) + strlen(different) + 64;
        t->text = malloc(size);
        if (t->text) {
            (void)snprintf(t->text, size, "alike: %s\ndifferent: %s\nsame: %s", similar, different,
                           !same                          ? "cannot tell"
                           : strcasecmp(same, "yes") == 0 ? "yes"
                                                          : "no");
        }
    }
    free(similar);
    free(different);
    t->object = json_object();
    (void)json_object_set_new(t->object, "similarities", alike);
    (void)json_object_set_new(t->object, "differences", apart);
    json_t *value = same ? json_string(strcasecmp(same, "yes") == 0 ? "yes" : "no") : json_null();
    (void)json_object_set_new(t->object, "same", value);
    return 1;
}

static int read_object(taken *t, const json_t *from, glimpse_vlm_schema schema, char *why,
                       size_t capacity) {
    switch (schema) {
    case GLIMPSE_VLM_JSON_SCORE: return read_score(t, from, why, capacity);
    case GLIMPSE_VLM_JSON_ANSWER: return read_answer(t, from, 0, why, capacity);
    case GLIMPSE_VLM_JSON_PAGES: return read_answer(t, from, 1, why, capacity);
    case GLIMPSE_VLM_JSON_LIST: return read_items(t, from, why, capacity);
    case GLIMPSE_VLM_JSON_COMPARE: return read_compare(t, from, why, capacity);
    case GLIMPSE_VLM_PLAIN: break;
    }
    return bad(why, capacity, "schema", "unknown");
}

static int is_empty_text(glimpse_vlm_answer *answer, int thought) {
    answer->outcome = GLIMPSE_VLM_FAILED;
    answer->code = GLIMPSE_E_FORMAT;
    int status = glimpse_vlm_set(&answer->text, "");
    if (status == GLIMPSE_OK) {
        status = glimpse_vlm_set(&answer->reason, thought ? "the model thought and did not answer"
                                                          : "the answer is empty");
    }
    return status < 0 ? status : 0;
}

static int decline(glimpse_vlm_answer *answer) {
    answer->outcome = GLIMPSE_VLM_REFUSED;
    return glimpse_vlm_set(&answer->reason, "the model declined");
}

static int read_plain(glimpse_vlm_answer *answer, const char *text, size_t size) {
    int status = glimpse_vlm_set_n(&answer->text, text, size);
    if (status < 0) return status;
    answer->outcome = GLIMPSE_VLM_ANSWERED;
    if (glimpse_vlm_is_cannot_tell(text, size)) {
        answer->outcome = GLIMPSE_VLM_CANNOT_TELL;
        answer->confidence = 0.0;
    } else if (glimpse_vlm_declines(text, size)) {
        status = decline(answer);
        if (status < 0) return status;
    }
    return 1;
}

static void release(taken *t) {
    json_decref(t->object);
    free(t->text);
    *t = (taken){NULL, NULL, -1.0, -1.0, 0};
}

/* Whether all that was asked for is null or empty: a template that was only quoted. */
static int is_blank(const taken *t) {
    json_t *value;
    const char *name;
    json_object_foreach(t->object, name, value) {
        if (strcmp(name, "confidence") == 0 || json_is_null(value)) continue;
        if (json_is_array(value)    ? json_array_size(value) > 0
            : json_is_string(value) ? json_string_length(value) > 0
                                    : 1) {
            return 0;
        }
    }
    return 1;
}

/* Takes one level of escapes off, in place: of an object in a string. */
static size_t unescape(char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\' && i + 1 < size && strchr("\"\\/nt", text[i + 1])) {
            i++;
            text[used++] = text[i] == 'n' || text[i] == 't' ? ' ' : text[i];
        } else {
            text[used++] = text[i];
        }
    }
    return used;
}

/* The last object of the schema with something in it, or else the last one, wherever it stands:
 * behind thinking with brackets in it, inside another object, before more words. 1 found; 0 not,
 * with the reason in `why`. Reads at most `budget` bytes, all attempts together, for a text may be
 * megabytes of brackets. */
static int find_object(taken *t, const char *text, size_t size, glimpse_vlm_schema schema,
                       char *why, size_t capacity) {
    size_t budget = size < ((size_t)1 << 17) ? (size_t)1 << 23 : 64 * size;
    int found = 0;
    for (size_t i = 0; i < size; i++) {
        const char *open = memchr(text + i, '{', size - i);
        if (!open) break;
        i = (size_t)(open - text);
        if (budget < size - i) break;
        size_t length = object_length(open, size - i);
        budget -= length ? length : size - i;
        json_t *object = length ? load_repaired(open, length) : NULL;
        taken one = {NULL, NULL, -1.0, -1.0, 0};
        if (object && read_object(&one, object, schema, why, capacity)) {
            if (found && is_blank(&one) && !is_blank(t)) {
                release(&one);
            } else {
                release(t);
                *t = one;
            }
            found = 1;
            i += length - 1;
        } else {
            release(&one);
        }
        json_decref(object);
    }
    return found;
}

/* The whole text is the object: the tags and words inside its strings are what it says. */
static int is_object(taken *t, const char *text, size_t size, glimpse_vlm_schema schema) {
    char why[128];
    json_t *object = load_object(text, size);
    int fine = object && read_object(t, object, schema, why, sizeof why);
    if (!fine) release(t);
    json_decref(object);
    return fine;
}

static int set_score(glimpse_vlm_answer *answer, const taken *t) {
    char *json =
        t->object ? glimpse_json_dump(t->object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (!json) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for an answer");
    answer->outcome = t->text ? GLIMPSE_VLM_ANSWERED : GLIMPSE_VLM_CANNOT_TELL;
    answer->probability = t->text ? t->probability : -1.0;
    answer->confidence = t->text ? t->confidence : 0.0;
    int status = glimpse_vlm_set(&answer->json, json);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->text, t->text);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->reason, "");
    if (status == GLIMPSE_OK && t->declined) status = decline(answer);
    free(json);
    return status;
}

static int read_words_or_json(glimpse_vlm_answer *answer, char *text, size_t size,
                              glimpse_vlm_schema schema) {
    taken t = {NULL, NULL, -1.0, -1.0, 0};
    char why[128] = "it is not JSON";
    int fine = schema != GLIMPSE_VLM_PLAIN && is_object(&t, text, size, schema), status;
    if (!fine) {
        int thought = glimpse_vlm_drop_thinking(text, &size);
        glimpse_vlm_tidy(text, &size);
        if (size == 0) return is_empty_text(answer, thought);
        if (schema == GLIMPSE_VLM_PLAIN) return read_plain(answer, text, size);
        fine = find_object(&t, text, size, schema, why, sizeof why);
        if (!fine && memmem(text, size, "\\\"", 2)) {
            char *copy = malloc(size), other[128];
            if (copy) {
                memcpy(copy, text, size);
                fine = find_object(&t, copy, unescape(copy, size), schema, other, sizeof other);
            }
            free(copy);
        }
    }
    if (fine) {
        status = set_score(answer, &t);
        release(&t);
        return status < 0 ? status : 1;
    }
    release(&t);
    /* No object: words, which may say no. */
    status = read_plain(answer, text, size);
    if (status < 0 || answer->outcome != GLIMPSE_VLM_ANSWERED) return status;
    char reason[256];
    (void)snprintf(reason, sizeof reason, "the answer is not what was asked for: %s", why);
    answer->outcome = GLIMPSE_VLM_FAILED;
    answer->code = GLIMPSE_E_FORMAT;
    status = glimpse_vlm_set(&answer->reason, reason);
    return status < 0 ? status : 0;
}

int glimpse_vlm_read_text(glimpse_vlm_answer *answer, const char *text, glimpse_vlm_schema schema) {
    size_t size = strlen(text);
    char *copy = strdup(text);
    if (!copy) return glimpse_fail_nomem(size, "an answer");
    answer->code = GLIMPSE_OK;
    int status = read_words_or_json(answer, copy, size, schema);
    free(copy);
    return status;
}

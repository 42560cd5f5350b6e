/*
 * where_functions.c - what filters compute in SQL beside comparisons.
 */
#include "dates.h"
#include "distance.h"
#include "facts.h"

#include "text/fold.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* glimpse_fold(text): text/fold.h, of the bytes of a BLOB too. */
static void fold_function(sqlite3_context *context, int count, sqlite3_value **values) {
    char *folded = NULL;
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    const void *bytes = sqlite3_value_blob(values[0]);
    const size_t size = (size_t)sqlite3_value_bytes(values[0]);
    if (glimpse_text_fold(&folded, bytes ? bytes : "", size) < 0) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text(context, folded, -1, free);
}

/* glimpse_file_time(mtime_ns): in local time, which is not the same on every day. */
static void file_time_function(sqlite3_context *context, int count, sqlite3_value **values) {
    char text[GLIMPSE_DATE_BYTES];
    (void)count;
    glimpse_date_of_file(sqlite3_value_int64(values[0]), text, NULL);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void utc_time_function(sqlite3_context *context, int count, sqlite3_value **values) {
    char text[GLIMPSE_DATE_BYTES];
    (void)count;
    glimpse_date_of_mtime(sqlite3_value_int64(values[0]), text);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* glimpse_name_date(path): the date in a name, '' without one. */
static void name_date_function(sqlite3_context *context, int count, sqlite3_value **values) {
    char text[32] = "";
    (void)count;
    const char *path = (const char *)sqlite3_value_text(values[0]);
    if (!path) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (!glimpse_date_of_name(text, path)) text[0] = '\0';
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* glimpse_km(latitude, longitude, latitude, longitude); NULL when one is. */
static void km_function(sqlite3_context *context, int count, sqlite3_value **values) {
    double at[4] = {0};
    for (int i = 0; i < count && i < 4; i++) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return;
        at[i] = sqlite3_value_double(values[i]);
    }
    sqlite3_result_double(context, glimpse_distance_km(at[0], at[1], at[2], at[3]));
}

/*
 * glimpse_words(fields): the keywords and people of a file, folded and each once, as a JSON array
 * of texts that begin with the digit of their kind: ["4dog", "5anna"].
 */
static int add_word(json_t *words, json_t *seen, int kind, const char *text, size_t length) {
    char *folded = NULL;
    if (length == 0) return 1;
    if (glimpse_text_fold(&folded, text, length) < 0) return 0;
    const size_t size = strlen(folded) + 2;
    char *word = malloc(size);
    int ok = word != NULL;
    if (word) {
        word[0] = (char)('0' + kind);
        memcpy(word + 1, folded, size - 1);
        if (!json_object_get(seen, word)) {
            ok = json_object_set_new(seen, word, json_true()) == 0 &&
                 json_array_append_new(words, json_string(word)) == 0;
        }
    }
    free(word);
    free(folded);
    return ok;
}

/* "Animal|Dog|Terrier", and each of the three. */
static int add_hierarchy(json_t *words, json_t *seen, const char *text) {
    int ok = add_word(words, seen, GLIMPSE_FACT_KEYWORD, text, strlen(text));
    for (const char *part = text; ok && *part;) {
        const size_t length = strcspn(part, "|");
        ok = add_word(words, seen, GLIMPSE_FACT_KEYWORD, part, length);
        part += length + (part[length] == '|');
    }
    return ok;
}

static int collect(json_t *words, json_t *seen, const json_t *fields) {
    const json_t *keywords = json_object_get(fields, "keywords");
    const json_t *hierarchical = json_object_get(fields, "hierarchical_keywords");
    const json_t *people = json_object_get(fields, "people");
    size_t i;
    json_t *item;
    int ok = 1;
    json_array_foreach(keywords, i, item) {
        const char *text = json_string_value(item);
        if (ok && text) ok = add_word(words, seen, GLIMPSE_FACT_KEYWORD, text, strlen(text));
    }
    json_array_foreach(hierarchical, i, item) {
        if (ok && json_string_value(item)) ok = add_hierarchy(words, seen, json_string_value(item));
    }
    json_array_foreach(people, i, item) {
        const char *text = json_string_value(json_object_get(item, "name"));
        if (ok && text) ok = add_word(words, seen, GLIMPSE_FACT_PERSON, text, strlen(text));
    }
    return ok;
}

static void words_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    /* Nearly every file has neither: nothing is parsed for it. */
    if (!text || (!strstr(text, "keywords\"") && !strstr(text, "\"people\""))) {
        sqlite3_result_text(context, "[]", -1, SQLITE_STATIC);
        return;
    }
    json_t *fields = json_loads(text, 0, NULL), *words = json_array(), *seen = json_object();
    char *made = NULL;
    if (words && seen && collect(words, seen, fields)) made = json_dumps(words, JSON_COMPACT);
    json_decref(fields);
    json_decref(words);
    json_decref(seen);
    if (made) {
        sqlite3_result_text(context, made, -1, free);
    } else {
        sqlite3_result_error_nomem(context);
    }
}

int glimpse_where_functions(sqlite3 *handle) {
    static const struct {
        const char *name;
        int arguments, flags;
        void (*function)(sqlite3_context *context, int count, sqlite3_value **values);
    } functions[] = {
        {"glimpse_fold", 1, SQLITE_DETERMINISTIC, fold_function},
        {"glimpse_file_time", 1, 0, file_time_function},
        {"glimpse_utc_time", 1, SQLITE_DETERMINISTIC, utc_time_function},
        {"glimpse_name_date", 1, SQLITE_DETERMINISTIC, name_date_function},
        {"glimpse_km", 4, SQLITE_DETERMINISTIC, km_function},
        {"glimpse_words", 1, SQLITE_DETERMINISTIC, words_function},
    };
    int code = SQLITE_OK;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0] && code == SQLITE_OK; i++) {
        code = sqlite3_create_function_v2(handle, functions[i].name, functions[i].arguments,
                                          SQLITE_UTF8 | SQLITE_DIRECTONLY | functions[i].flags,
                                          NULL, functions[i].function, NULL, NULL, NULL);
    }
    return code;
}

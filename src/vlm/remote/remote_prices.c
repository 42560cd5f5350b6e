/*
 * remote_prices.c - the price table.
 *
 *     {"currency": "USD", "per": 1000000, "as_of": "2025-10",
 *      "models": {"openai:gpt-4o-mini": {"in": 0.15, "out": 0.6,
 *                                        "picture": {"base": 2833, "tile": 5667}}}}
 *
 * A name is a model's identity, whole or up to what its provider documents as a version behind it
 * ("-2024-07-18"). What else begins alike is another model with a price of its own. For a server of
 * one's own the name holds its address, too, or the beginning of it up to a slash.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"
#include "core/file.h"
#include "text/json_load.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 4 << 20 };

int glimpse_remote_is_version(const char *rest, const char *form) {
    static const struct {
        char letter;
        int from, to;
    } fields[] = {{'Y', 2000, 2099}, {'M', 1, 12}, {'D', 1, 31}};
    const char *p = rest;
    for (; *form; form++) {
        size_t field = 0, length = strspn(form, (const char[]){*form, '\0'});
        while (field < 3 && fields[field].letter != *form)
            field++;
        if (field < 3 || *form == '#') {
            int value = 0;
            for (size_t i = 0; i < length; i++, p++) {
                if (!isdigit((unsigned char)*p)) return 0;
                value = value * 10 + (*p - '0');
            }
            if (field < 3 && (value < fields[field].from || value > fields[field].to)) return 0;
            form += length - 1;
        } else if (*p++ != *form) {
            return 0;
        }
    }
    return *p == '\0';
}

/* What is looked for. */
typedef struct wanted {
    const glimpse_dialect *dialect;
    const char *identity;
    int own_base;
} wanted;

/* Length of `name` when it stands for the model, else 0. */
static size_t matches(const char *name, const wanted *w) {
    size_t length = strlen(name);
    if (length == 0 || strncmp(name, w->identity, length) != 0) return 0;
    const char *rest = w->identity + length;
    if (*rest == '\0') return length;
    if (w->own_base) {
        int at_part = *rest == '/' || *rest == '?' || name[length - 1] == '/';
        return at_part && strstr(name, w->dialect->base ? "@http" : ":http") ? length : 0;
    }
    for (const char *const *form = w->dialect->versions; form && *form; form++) {
        if (glimpse_remote_is_version(rest, *form)) return length;
    }
    return 0;
}

static int read_number(double *out, const json_t *entry, const char *name, const char *of,
                       const char *path, double scale) {
    const json_t *value = json_object_get(entry, name);
    if (!value) return GLIMPSE_OK;
    double number = json_is_number(value) ? json_number_value(value) : -1.0;
    if (!(number >= 0.0 && number < 1e12)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" of \"%s\" is not a number from 0 on",
                            path, name, of);
    }
    *out = number / scale;
    return GLIMPSE_OK;
}

static int find(glimpse_remote_price *out, const wanted *w, const json_t *root, const char *path) {
    const json_t *models = json_object_get(root, "models"), *per_value;
    if (!json_is_object(models)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: there is no object \"models\"", path);
    }
    double per = 1e6;
    if ((per_value = json_object_get(root, "per"))) per = json_number_value(per_value);
    if (!(per >= 1.0)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"per\" is not a number of tokens", path);
    }
    const char *name, *best_name = NULL;
    json_t *entry, *best = NULL;
    size_t longest = 0;
    json_object_foreach((json_t *)(uintptr_t)models, name, entry) {
        size_t length = matches(name, w);
        if (length <= longest) continue;
        longest = length;
        best = entry;
        best_name = name;
    }
    if (!best) return 0;
    glimpse_remote_price price = {-1.0, -1.0, -1.0, -1.0, -1.0, "", ""};
    const json_t *picture = json_object_get(best, "picture");
    int status = read_number(&price.in, best, "in", best_name, path, per);
    if (status == GLIMPSE_OK) status = read_number(&price.out, best, "out", best_name, path, per);
    if (status == GLIMPSE_OK)
        status = read_number(&price.picture_base, picture, "base", best_name, path, 1.0);
    if (status == GLIMPSE_OK)
        status = read_number(&price.picture_tile, picture, "tile", best_name, path, 1.0);
    if (status == GLIMPSE_OK)
        status = read_number(&price.patch, picture, "patch", best_name, path, 1.0);
    if (status < 0) return status;
    if (price.in < 0.0 || price.out < 0.0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" needs \"in\" and \"out\"", path,
                            best_name);
    }
    const char *currency = json_string_value(json_object_get(root, "currency"));
    (void)snprintf(price.currency, sizeof price.currency, "%.7s", currency ? currency : "");
    const char *date = json_string_value(json_object_get(root, "as_of"));
    if (json_object_get(root, "as_of") &&
        !(date && (glimpse_remote_is_version(date, "YYYY-MM") ||
                   glimpse_remote_is_version(date, "YYYY-MM-DD")))) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: \"as_of\" is not a date such as 2025-10 or 2025-10-31", path);
    }
    (void)snprintf(price.as_of, sizeof price.as_of, "%s", date ? date : "");
    *out = price;
    return 1;
}

/* 1 found, 0 not, or a status. */
static int find_in_file(glimpse_remote_price *out, const wanted *w, const char *path,
                        int must_exist) {
    if (!path || !*path) return 0;
    if (!must_exist && access(path, F_OK) != 0 && errno == ENOENT) return 0;
    void *text = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&text, &size, path, MAX_BYTES);
    if (status < 0) return status;
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root) {
        return glimpse_json_failed(&error, path);
    }
    status = find(out, w, root, path);
    json_decref(root);
    return status;
}

int glimpse_remote_price_find(glimpse_remote_price *out, const glimpse_vlm_kind *kind,
                              const char *identity, int own_base,
                              const glimpse_vlm_options *options) {
    const wanted w = {kind->dialect, identity, own_base};
    *out = (glimpse_remote_price){-1.0, -1.0, -1.0, -1.0, -1.0, "", ""};
    int status = find_in_file(out, &w, options->own_prices, 0);
    if (status == 0) status = find_in_file(out, &w, options->prices, 1);
    return status < 0 ? status : GLIMPSE_OK;
}

/*
 * json_scan.c - the scanner of large JSON files against jansson: whatever it accepts jansson
 * accepts, with the same keys and values.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "text/json_scan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void compare(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *key;
    json_t *root = json_loadb((const char *)data, size, 0, NULL);
    json_t *seen = json_object();
    glimpse_json_scan scan;
    glimpse_json_scan_begin(&scan, text, size, "input");
    size_t length;
    int64_t value;
    int more;
    while ((more = glimpse_json_scan_next(&scan, &key, &length, &value)) > 0) {
        PROMISE(glimpse_utf8_is_valid(key, length));
        PROMISE(memchr(key, '\0', length) == NULL);
        (void)json_object_setn_new(seen, key, length, json_integer(value));
    }
    if (fuzz_fine(more)) PROMISE(json_equal(root, seen));
    json_decref(seen);
    json_decref(root);
    free(text);
}

static void step(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *key;
    glimpse_json_scan scan;
    size_t length, start, items;
    int more;
    glimpse_json_scan_begin(&scan, text, size, "input");
    if (!fuzz_fine(glimpse_json_scan_enter(&scan, '{'))) goto done;
    for (int first = 1; (more = glimpse_json_scan_more(&scan, '}', first)) > 0; first = 0) {
        if (!fuzz_fine(glimpse_json_scan_key(&scan, &key, &length))) goto done;
        PROMISE(key >= text && key + length <= text + size);
        if (!fuzz_fine(glimpse_json_scan_skip(&scan, &start, &items))) goto done;
        PROMISE(start <= scan.at && scan.at <= size);
    }
    (void)fuzz_fine(more);
done:
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    compare(data, size);
    step(data, size);
    return 0;
}

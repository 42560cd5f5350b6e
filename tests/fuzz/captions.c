/*
 * captions.c - captions of any text, and what people type to find them. Parts: "caption" is stored,
 * "query" is searched for. An input without parts is a query.
 */
#include "fuzz.h"

#include "captions_private.h"
#include "library_private.h"
#include "store.h"

#include <glimpse/captions.h>
#include <glimpse/library.h>
#include <glimpse/status.h>

#include <stdlib.h>
#include <string.h>

static glimpse_library *library;
static char id[GLIMPSE_HASH_HEX];

static void release(void) {
    glimpse_library_close(library);
}

static void store_caption(const char *model, const char *text) {
    const glimpse_caption caption = {
        .id = id, .style = GLIMPSE_CAPTION_SHORT, .model = model, .prompt = "", .text = text};
    size_t stored = 0;
    if (fuzz_fine(glimpse_library_store_captions(&stored, library, &caption, 1))) {
        PROMISE(stored == 1);
    }
}

static void create(void) {
    char *path = fuzz_path("library");
    PROMISE(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE) == GLIMPSE_OK);
    (void)atexit(release);
    glimpse_store *store = glimpse_library_store(library);
    int64_t content = 0;
    const glimpse_content_meta meta = {.hash = glimpse_hash_bytes("x", 1),
                                       .size = 1,
                                       .width = 1,
                                       .height = 1,
                                       .orientation = 1,
                                       .format = "JPEG",
                                       .taken = ""};
    PROMISE(store->ops->contents.write(&content, store, &meta) == GLIMPSE_OK);
    glimpse_hash_to_hex(&meta.hash, id);
    store_caption("first", "a t-shirt with \"two\" parrots, and a caf\xc3\xa9");
    store_caption("second", "two dogs");
    store_caption("third", "snow");
    free(path);
}

static int visit(void *user, int64_t content, int64_t caption, double rank) {
    (void)user;
    PROMISE(content > 0 && caption > 0 && rank == rank);
    return GLIMPSE_OK;
}

static void match(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    /* Whatever it is, the text index takes it. */
    PROMISE(glimpse_captions_match(glimpse_library_store(library), text, visit, NULL) ==
            GLIMPSE_OK);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!library) create();
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    if (count == 0) match(data, size);
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "caption")) {
            char *text = fuzz_text(parts[i].data, parts[i].size);
            store_caption("fourth", text);
            free(text);
        }
        if (fuzz_is(&parts[i], "query")) match(parts[i].data, parts[i].size);
    }
    return 0;
}

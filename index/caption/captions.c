/*
 * captions.c - captions of pictures in a library; glimpse/captions.h says what they mean.
 */
#include <glimpse/captions.h>

#include "core/error.h"
#include "core/options.h"
#include "core/utf8.h"
#include "dates.h"
#include "library_private.h"

#include <string.h>
#include <time.h>

enum { MAX_BYTES = 65536 };

const char *glimpse_caption_style_name(int style) {
    static const char *const names[GLIMPSE_CAPTION_STYLES] = {"short", "detailed", "keywords",
                                                              "alt"};
    return style >= 0 && style < GLIMPSE_CAPTION_STYLES ? names[style] : NULL;
}

/* One text of a caption: there, UTF-8, of a size that can be meant. */
static int check_text(const char *text, const char *what, int may_be_empty) {
    size_t length = text ? strlen(text) : 0;
    if (!text || (length == 0 && !may_be_empty)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a caption without a %s", what);
    }
    if (length > MAX_BYTES) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "the %s of a caption has %zu bytes; at most %d are "
                            "kept",
                            what, length, MAX_BYTES);
    }
    if (!glimpse_utf8_is_valid(text, length)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the %s of a caption is not UTF-8", what);
    }
    return GLIMPSE_OK;
}

static int check(const glimpse_caption *caption) {
    glimpse_hash hash;
    if (!caption->id || !glimpse_hash_from_hex(&hash, caption->id)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "'%.64s' is not a content id (32 hex digits)",
                            caption->id ? caption->id : "");
    }
    if (!glimpse_caption_style_name((int)caption->style)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "captions have no style %d", (int)caption->style);
    }
    int status = check_text(caption->model, "model", 0);
    if (status == GLIMPSE_OK) status = check_text(caption->prompt, "prompt", 1);
    if (status == GLIMPSE_OK) status = check_text(caption->text, "text", 0);
    return status;
}

int glimpse_library_store_captions(size_t *stored, glimpse_library *library,
                                   const glimpse_caption *captions, size_t count) {
    char created[GLIMPSE_DATE_BYTES];
    size_t counted = 0;
    if (stored) *stored = 0;
    if (!library || (count > 0 && !captions)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_store_captions: a NULL argument");
    }
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = check(&captions[i]);
    if (status < 0 || count == 0) return status;
    glimpse_date_of_mtime((int64_t)time(NULL) * 1000000000, created);
    glimpse_store *store = glimpse_library_store(library);
    status = store->ops->lock(store, "captioning");
    if (status < 0) return status;
    status = store->ops->captions.write(&counted, store, captions, count, created);
    store->ops->unlock(store);
    if (status == GLIMPSE_OK && stored) *stored = counted;
    return status;
}

/* What a filter names, in the store's words. */
static int look_up(glimpse_store_caption_filter *out, glimpse_store *store,
                   const glimpse_caption_filter *filter) {
    *out = (glimpse_store_caption_filter){0, filter->style, filter->model, filter->prompt};
    if (!filter->path_or_id) return GLIMPSE_OK;
    int status = glimpse_store_content_of(&out->content, store, filter->path_or_id);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(status, "%s: not in the library", filter->path_or_id);
    }
    return status;
}

int glimpse_library_captions(glimpse_library *library, const glimpse_caption_filter *given,
                             glimpse_caption_fn visit, void *user) {
    glimpse_caption_filter own = GLIMPSE_CAPTION_FILTER_INIT;
    glimpse_store_caption_filter wanted;
    if (!library || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_caption_filter, prompt);
    if (status < 0) return status;
    glimpse_store *store = glimpse_library_store(library);
    status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = look_up(&wanted, store, &own);
    if (status == GLIMPSE_OK) status = store->ops->captions.list(store, &wanted, visit, user);
    store->ops->end_read(store);
    return status;
}

int glimpse_library_forget_captions(uint64_t *forgotten, glimpse_library *library,
                                    const glimpse_caption_filter *given) {
    glimpse_caption_filter own = GLIMPSE_CAPTION_FILTER_INIT;
    glimpse_store_caption_filter wanted;
    uint64_t count = 0;
    if (forgotten) *forgotten = 0;
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_caption_filter, prompt);
    if (status < 0) return status;
    glimpse_store *store = glimpse_library_store(library);
    status = store->ops->lock(store, "forgetting captions");
    if (status < 0) return status;
    /* Nobody else writes, so what is looked up stays. */
    status = look_up(&wanted, store, &own);
    if (status == GLIMPSE_OK) status = store->ops->captions.forget(&count, store, &wanted);
    store->ops->unlock(store);
    if (status == GLIMPSE_OK && forgotten) *forgotten = count;
    return status;
}

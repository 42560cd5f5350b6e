/*
 * caption_out.c - see caption_out.h.
 */
#include "caption_out.h"

#include "memory.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

char **caption_keywords(const char *text, size_t *count) {
    char **words = NULL;
    if (glimpse_caption_keywords(&words, count, text) < 0) return xcheck(NULL);
    return words;
}

int caption_write(const caption_output *o, const caption_item *items, size_t count) {
    glimpse_caption_write_options options = GLIMPSE_CAPTION_WRITE_OPTIONS_INIT;
    glimpse_caption_record *records = xcalloc(count, sizeof *records);
    size_t left_out = 0;
    for (size_t i = 0; i < count; i++) {
        records[i] = (glimpse_caption_record){items[i].path, items[i].id, items[i].text,
                                              items[i].model, items[i].problem};
    }
    int to_file = o->file && strcmp(o->file, "-") != 0;
    /* Sidecars alone are asked for to be written, not to be read here. */
    int only_sidecars = o->xmp && !o->file && o->format == GLIMPSE_CAPTION_LINES;
    options.format = o->format;
    options.style = o->style;
    options.output = to_file ? o->file : NULL;
    options.stream = to_file || only_sidecars ? NULL : stdout;
    options.relative_to = o->relative_to;
    options.xmp = o->xmp;
    options.model = o->model;
    options.message = tool_message;
    int status = glimpse_captions_write(&left_out, records, count, &options);
    free(records);
    if (status < 0) return tool_fail_last();
    return left_out > 0 ? EXIT_PARTIAL : CLI_RUN;
}

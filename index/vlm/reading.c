/*
 * index/vlm/reading.c - the pages found shown to a vision-language model; what a reading holds.
 */
#include "pages.h"

#include "core/error.h"
#include "text/json_load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 6000 }; /* of a page's text that goes along, bytes */

int glimpse_reading_create(glimpse_reading **out, const glimpse_document *document) {
    glimpse_reading *reading = calloc(1, sizeof *reading);
    *out = NULL;
    if (reading) reading->path = strdup(glimpse_document_path(document));
    if (!reading || !reading->path) {
        free(reading);
        return glimpse_fail_nomem(sizeof *reading, "a reading");
    }
    reading->page_count = glimpse_document_page_count(document);
    *out = reading;
    return GLIMPSE_OK;
}

void glimpse_reading_free(glimpse_reading *reading) {
    if (!reading) return;
    for (size_t i = 0; reading->pages && i < reading->count; i++)
        free((char *)reading->pages[i].passage);
    free((void *)reading->pages);
    free((void *)reading->answer_pages);
    free((char *)reading->path);
    glimpse_vlm_answer_free((glimpse_vlm_answer *)reading->answer);
    free(reading);
}

/* malloc'ed "Page 3, whose text is: ...", cut between characters; NULL when out of memory. */
static char *label_of(const glimpse_document *document, size_t page) {
    const char *text = glimpse_document_text(document, page);
    size_t keep = strlen(text);
    if (keep > MAX_TEXT) {
        keep = MAX_TEXT;
        while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
            keep--;
    }
    size_t size = keep + 128;
    char *label = malloc(size);
    if (!label) return NULL;
    if (text[strspn(text, " \t\r\n")] == '\0') {
        (void)snprintf(label, size, "Page %zu:", page);
    } else {
        (void)snprintf(label, size, "Page %zu, whose text is:\n%.*s\nPage %zu as it looks:", page,
                       (int)keep, text, page);
    }
    return label;
}

/* The pages the answer rests on: those the model names among the ones it was shown. */
static int keep_answer_pages(glimpse_reading *reading, size_t shown) {
    const glimpse_vlm_answer *answer = reading->answer;
    if (answer->outcome != GLIMPSE_VLM_ANSWERED) return GLIMPSE_OK;
    json_error_t error;
    json_t *object = answer->json ? glimpse_json_load(answer->json, strlen(answer->json), 0, &error)
                                  : NULL,
           *number;
    const json_t *named = json_object_get(object, "pages");
    size_t i, count = 0, *pages = calloc(json_array_size(named) + 1, sizeof *pages);
    if (!pages) {
        json_decref(object);
        return glimpse_fail_nomem(json_array_size(named) * sizeof *pages, "pages");
    }
    json_array_foreach(named, i, number) {
        for (size_t k = 0; k < shown; k++) {
            if ((double)reading->pages[k].page == json_number_value(number)) {
                pages[count++] = reading->pages[k].page;
                break;
            }
        }
    }
    json_decref(object);
    if (shown == 1 && count == 0) pages[count++] = reading->pages[0].page;
    reading->answer_pages = pages;
    reading->answer_page_count = count;
    return GLIMPSE_OK;
}

int glimpse_pages_ask(glimpse_reading *reading, const glimpse_document *document,
                      const glimpse_pages_asking *asking) {
    const int remote = glimpse_vlm_is_remote(asking->vlm);
    const size_t max = remote ? GLIMPSE_READING_MAX_PAGES : 1;
    const size_t count = reading->count < max ? reading->count : max;
    glimpse_image *looks[GLIMPSE_READING_MAX_PAGES] = {NULL};
    char *labels[GLIMPSE_READING_MAX_PAGES] = {NULL};
    glimpse_vlm_picture pictures[GLIMPSE_READING_MAX_PAGES];
    glimpse_vlm_answer *answer = NULL;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = glimpse_document_render(&looks[i], document, reading->pages[i].page,
                                         glimpse_vlm_task_side(GLIMPSE_VLM_TEXT));
        labels[i] = label_of(document, reading->pages[i].page);
        if (status == GLIMPSE_OK && !labels[i]) status = glimpse_fail_nomem(MAX_TEXT, "a page");
        pictures[i] = GLIMPSE_VLM_PICTURE_INIT;
        pictures[i].image = looks[i];
        pictures[i].label = labels[i];
    }
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    request.pictures = pictures;
    request.picture_count = count;
    request.text = asking->question;
    request.prompt = asking->prompt;
    request.task = GLIMPSE_VLM_TEXT;
    request.schema = remote ? GLIMPSE_VLM_JSON_PAGES : GLIMPSE_VLM_PLAIN;
    request.samples = asking->samples;
    request.max_tokens = asking->max_tokens;
    request.keep_metadata = asking->keep_metadata;
    if (status == GLIMPSE_OK) {
        status = glimpse_vlm_ask(&answer, asking->vlm, &request, asking->run);
        reading->answer = answer;
    }
    if (status == GLIMPSE_OK) status = keep_answer_pages(reading, count);
    for (size_t i = 0; i < count; i++) {
        glimpse_image_free(looks[i]);
        free(labels[i]);
    }
    return status;
}

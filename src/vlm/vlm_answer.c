/*
 * vlm_answer.c - answers and their strings.
 */
#include "vlm/vlm_internal.h"

#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

const char *glimpse_vlm_outcome_name(glimpse_vlm_outcome outcome) {
    switch (outcome) {
    case GLIMPSE_VLM_ANSWERED: return "answered";
    case GLIMPSE_VLM_REFUSED: return "refused";
    case GLIMPSE_VLM_CANNOT_TELL: return "cannot-tell";
    case GLIMPSE_VLM_FAILED: return "failed";
    case GLIMPSE_VLM_NOT_SENT: return "not-sent";
    }
    return "unknown";
}

uint32_t glimpse_vlm_task_side(glimpse_vlm_task task) {
    switch (task) {
    case GLIMPSE_VLM_TEXT: return 2048;
    case GLIMPSE_VLM_CLASSIFY: return 512;
    case GLIMPSE_VLM_GENERAL: break;
    }
    return 1024;
}

/* Every string of an answer is malloc'ed by this file and const only for its readers. */
static void release(const void *owned) {
    free((void *)(uintptr_t)owned);
}

int glimpse_vlm_set_n(const char **field, const char *text, size_t size) {
    char *copy = malloc(size + 1);
    if (!copy) return glimpse_fail_nomem(size + 1, "an answer");
    if (size > 0) memcpy(copy, text, size);
    copy[size] = '\0';
    release(*field);
    *field = copy;
    return GLIMPSE_OK;
}

int glimpse_vlm_set(const char **field, const char *text) {
    return glimpse_vlm_set_n(field, text ? text : "", text ? strlen(text) : 0);
}

int glimpse_vlm_answer_new(glimpse_vlm_answer **out, const char *model) {
    *out = NULL;
    glimpse_vlm_answer *answer = calloc(1, sizeof *answer);
    if (!answer) return glimpse_fail_nomem(sizeof *answer, "an answer");
    *answer = GLIMPSE_VLM_ANSWER_INIT;
    int status = glimpse_vlm_set(&answer->text, "");
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->model, model);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->answered_by, "");
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->reason, "");
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->address, "");
    if (status < 0) {
        glimpse_vlm_answer_free(answer);
        return status;
    }
    *out = answer;
    return GLIMPSE_OK;
}

int glimpse_vlm_set_failed(glimpse_vlm_answer *answer, int code) {
    answer->outcome = GLIMPSE_VLM_FAILED;
    answer->code = code;
    return glimpse_vlm_set(&answer->reason, glimpse_last_error());
}

int glimpse_vlm_answer_copy(glimpse_vlm_answer **out, const glimpse_vlm_answer *from) {
    if (out) *out = NULL;
    if (!out || !from) return glimpse_fail(GLIMPSE_E_INVALID, "no answer to copy");
    glimpse_vlm_answer *answer = NULL, copy = GLIMPSE_VLM_ANSWER_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&copy, from, glimpse_vlm_answer, sent_bytes);
    if (status < 0) return status;
    const glimpse_vlm_answer given = copy;
    from = &given;
    status = glimpse_vlm_answer_new(&answer, from->model);
    if (status < 0) return status;
    copy.text = answer->text;
    copy.model = answer->model;
    copy.answered_by = answer->answered_by;
    copy.reason = answer->reason;
    copy.address = answer->address;
    copy.json = NULL;
    copy.ids = NULL;
    copy.id_count = 0;
    *answer = copy;
    status = glimpse_vlm_set(&answer->text, from->text);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->answered_by, from->answered_by);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->reason, from->reason);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->address, from->address);
    if (status == GLIMPSE_OK && from->json) status = glimpse_vlm_set(&answer->json, from->json);
    if (status == GLIMPSE_OK && from->id_count > 0) {
        int32_t *ids = malloc(from->id_count * sizeof *ids);
        if (ids) {
            memcpy(ids, from->ids, from->id_count * sizeof *ids);
            answer->ids = ids;
            answer->id_count = from->id_count;
        } else {
            status = glimpse_fail_nomem(from->id_count * sizeof *ids, "an answer");
        }
    }
    if (status < 0) {
        glimpse_vlm_answer_free(answer);
        return status;
    }
    *out = answer;
    return GLIMPSE_OK;
}

void glimpse_vlm_answer_free(glimpse_vlm_answer *answer) {
    if (!answer) return;
    release(answer->text);
    release(answer->json);
    release(answer->model);
    release(answer->answered_by);
    release(answer->reason);
    release(answer->address);
    release(answer->ids);
    free(answer);
}

/*
 * vlm_out.c - writes answers of vision-language models, as JSON and for people.
 */
#include "vlm_out.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>

void vlm_print_pictures(json_out *j, const glimpse_vlm_request *request) {
    if (request->picture_count == 1) {
        jout_path(j, "path", request->pictures[0].path);
        return;
    }
    jout_key(j, "paths");
    jout_open(j, '[');
    for (size_t i = 0; i < request->picture_count; i++)
        jout_string(j, request->pictures[i].path);
    jout_close(j, ']');
}

static void print_share(json_out *j, const char *name, double value) {
    jout_key(j, name);
    if (value < 0.0)
        jout_null(j);
    else
        jout_number(j, value);
}

void vlm_print_answer(json_out *j, const glimpse_vlm_answer *answer) {
    int has_text = answer->outcome == GLIMPSE_VLM_ANSWERED;
    jout_key(j, "outcome"), jout_string(j, glimpse_vlm_outcome_name(answer->outcome));
    jout_text_or_null(j, "answer", has_text ? answer->text : NULL);
    if (answer->outcome == GLIMPSE_VLM_REFUSED) jout_text_or_null(j, "words", answer->text);
    if (answer->outcome == GLIMPSE_VLM_NOT_SENT) jout_text_or_null(j, "request", answer->text);
    jout_text_or_null(j, "reason", answer->reason);
    jout_key(j, "incomplete"), jout_bool(j, answer->incomplete);
    if (answer->address && *answer->address) {
        jout_key(j, "address"), jout_string(j, answer->address);
    }
    print_share(j, "confidence", answer->confidence);
    if (answer->samples > 1) {
        jout_key(j, "samples"), jout_uint(j, answer->samples);
        print_share(j, "agreement", answer->agreement);
    }
    jout_key(j, "model"), jout_string(j, answer->model);
    jout_text_or_null(j, "answered_by", answer->answered_by);
    jout_key(j, "cached"), jout_bool(j, answer->cached);
    if (answer->escalated) jout_key(j, "escalated"), jout_bool(j, 1);
    jout_key(j, "tokens_in"), jout_uint(j, answer->tokens_in);
    jout_key(j, "tokens_out"), jout_uint(j, answer->tokens_out);
    print_share(j, "cost", answer->cost);
    jout_key(j, "seconds"), jout_number(j, answer->latency);
    jout_key(j, "requests"), jout_uint(j, answer->requests);
    if (answer->sent_width > 0) {
        jout_key(j, "sent");
        jout_open(j, '{');
        jout_key(j, "width"), jout_uint(j, answer->sent_width);
        jout_key(j, "height"), jout_uint(j, answer->sent_height);
        jout_key(j, "bytes"), jout_uint(j, answer->sent_bytes);
        jout_close(j, '}');
    }
}

void vlm_print_plan(const glimpse_vlm_request *request, const glimpse_vlm_answer *answer) {
    char *path = text_display(request->pictures[0].path), *body = text_display(answer->text);
    if (answer->sent_width == 0) {
        (void)printf("%s: %s\n", path, answer->reason);
    } else {
        (void)printf("%s%s -> %s: %u x %u, %llu bytes, about %llu tokens in, at most %llu out",
                     path, request->picture_count > 1 ? " and others" : "", answer->model,
                     answer->sent_width, answer->sent_height,
                     (unsigned long long)answer->sent_bytes, (unsigned long long)answer->tokens_in,
                     (unsigned long long)answer->tokens_out);
        if (answer->cost >= 0.0)
            (void)printf(", about %.6f\n", answer->cost);
        else
            (void)printf(", price not known\n");
        if (*answer->address) (void)printf("  %s\n", answer->address);
        (void)printf("  %s\n", body);
    }
    free(path);
    free(body);
}

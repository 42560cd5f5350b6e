/*
 * cmd_compare.c - glimpse compare: two pictures side by side: as files, as pixels, as CLIP sees
 * them, and as a vision-language model tells it.
 *
 * The first three work offline.
 */
#include "json_out.h"
#include "text.h"
#include "tool.h"
#include "vlm_out.h"
#include "vlm_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [GLIMPSE_VERDICT_REENCODED] = "re-encoded",
    [GLIMPSE_VERDICT_EDITED] = "edited",
    [GLIMPSE_VERDICT_NEAR] = "near",
    [GLIMPSE_VERDICT_DIFFERENT] = "different",
};
static const char *const verdict_words[] = {
    [GLIMPSE_VERDICT_REENCODED] = "the same picture, saved anew",
    [GLIMPSE_VERDICT_EDITED] = "the same picture, edited",
    [GLIMPSE_VERDICT_NEAR] = "another view or moment of the same thing",
    [GLIMPSE_VERDICT_DIFFERENT] = "different pictures",
};
static const struct {
    unsigned bit;
    const char *name;
} edits[] = {{GLIMPSE_EDIT_CROPPED, "cropped"},     {GLIMPSE_EDIT_FRAMED, "framed"},
             {GLIMPSE_EDIT_ROTATED, "rotated"},     {GLIMPSE_EDIT_STRETCHED, "stretched"},
             {GLIMPSE_EDIT_TONES, "tones changed"}, {GLIMPSE_EDIT_COLOURS, "colours changed"},
             {GLIMPSE_EDIT_PARTS, "parts changed"}};

static void print_edits(json_out *j, unsigned bits) {
    jout_key(j, "edits");
    jout_open(j, '[');
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        if (bits & edits[i].bit) jout_string(j, edits[i].name);
    }
    jout_close(j, ']');
}

/* Where they differ, in fractions of A. */
static void print_regions(json_out *j, const glimpse_detail *detail) {
    jout_key(j, "regions");
    jout_open(j, '[');
    for (size_t i = 0; i < detail->count; i++) {
        const glimpse_difference *d = &detail->differences[i];
        jout_open(j, '{');
        jout_key(j, "x"), jout_number(j, d->x);
        jout_key(j, "y"), jout_number(j, d->y);
        jout_key(j, "width"), jout_number(j, d->width);
        jout_key(j, "height"), jout_number(j, d->height);
        jout_key(j, "strength"), jout_number(j, d->strength);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void print_list(json_out *j, const char *name, const char *const *texts, size_t count) {
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < count; i++)
        jout_string(j, texts[i]);
    jout_close(j, ']');
}

static void print_json(const glimpse_compared_pair *c) {
    const glimpse_comparison *p = &c->pixels;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "a", c->pictures[0].path);
    jout_path(&j, "b", c->pictures[1].path);
    jout_key(&j, "same_bytes"), jout_bool(&j, c->same_bytes);
    jout_key(&j, "pixels");
    jout_open(&j, '{');
    jout_key(&j, "relation"), jout_string(&j, verdicts[p->verdict]);
    jout_key(&j, "score"), jout_number(&j, p->score);
    jout_key(&j, "correlation"), jout_number(&j, p->correlation);
    jout_key(&j, "shared_of_a"), jout_number(&j, p->covered[0]);
    jout_key(&j, "shared_of_b"), jout_number(&j, p->covered[1]);
    jout_key(&j, "orientation"), jout_int(&j, c->orientation);
    print_edits(&j, p->verdict == GLIMPSE_VERDICT_DIFFERENT ? 0 : p->edits);
    print_regions(&j, &c->detail);
    jout_close(&j, '}');
    jout_key(&j, "clip");
    jout_open(&j, '{');
    jout_key(&j, "model"), jout_string(&j, c->model);
    jout_key(&j, "cosine"), jout_number(&j, c->cosine);
    jout_close(&j, '}');
    jout_key(&j, "vlm");
    if (c->answer) {
        jout_open(&j, '{');
        if (c->answer->json) {
            print_list(&j, "similarities", c->similarities, c->similarity_count);
            print_list(&j, "differences", c->differences, c->difference_count);
            jout_text_or_null(&j, "same", c->same);
        }
        vlm_print_answer(&j, c->answer);
        jout_close(&j, '}');
    } else {
        jout_null(&j);
    }
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_items(const char *title, const char *const *texts, size_t count) {
    (void)printf("%s\n", title);
    for (size_t i = 0; i < count; i++) {
        char *shown = text_display(texts[i]);
        (void)printf("  - %s\n", shown);
        free(shown);
    }
}

static void print_words(const glimpse_compared_pair *c, int offline) {
    if (!c->answer) {
        tool_note("similarities and differences in words: %s",
                  offline ? "not asked (--offline)" : c->not_asked);
        return;
    }
    if (c->answer->json) {
        print_items("alike:", c->similarities, c->similarity_count);
        print_items("different:", c->differences, c->difference_count);
        (void)printf("same object or scene: %s\n", c->same ? c->same : "cannot tell");
    } else if (c->answer->outcome == GLIMPSE_VLM_NOT_SENT && *c->answer->text) {
        const glimpse_vlm_picture picture = {.path = c->pictures[0].path};
        const glimpse_vlm_request request = {.pictures = &picture, .picture_count = 2};
        vlm_print_plan(&request, c->answer);
    } else {
        tool_print("in words: %s: %s", glimpse_vlm_outcome_name(c->answer->outcome),
                   *c->answer->reason ? c->answer->reason : c->answer->text);
    }
    if (c->answer->incomplete) tool_print("in words: %s", c->answer->reason);
}

static void print_people(const glimpse_compared_pair *c, int offline) {
    static const char *const names[] = {"A", "B"};
    const glimpse_comparison *p = &c->pixels;
    for (int i = 0; i < 2; i++) {
        const glimpse_compared *picture = &c->pictures[i];
        char *path = text_display(picture->path);
        (void)printf("%s: %s (%u x %u %s%s%s)\n", names[i], path, picture->width, picture->height,
                     picture->format, *picture->taken ? ", " : "", picture->taken);
        free(path);
    }
    if (c->same_bytes) (void)printf("files: the very same bytes\n");
    (void)printf("pixels: %s", verdict_words[p->verdict]);
    if (p->verdict != GLIMPSE_VERDICT_DIFFERENT) {
        for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
            if (p->edits & edits[i].bit) (void)printf(", %s", edits[i].name);
        }
        if (c->orientation > 1) (void)printf(", turned or mirrored");
        (void)printf(" (structure %.2f, shared: %.0f%% of A, %.0f%% of B)", p->score,
                     100.0 * p->covered[0], 100.0 * p->covered[1]);
    }
    (void)printf("\n");
    for (size_t i = 0; i < c->detail.count; i++) {
        const glimpse_difference *d = &c->detail.differences[i];
        (void)printf("  differs at %.0f,%.0f of A, %.0f x %.0f pixels, by %.1f times what saving "
                     "anew explains\n",
                     d->x * c->pictures[0].width, d->y * c->pictures[0].height,
                     d->width * c->pictures[0].width, d->height * c->pictures[0].height,
                     d->strength);
    }
    (void)printf("CLIP: cosine %.3f (%s)\n", c->cosine, c->model);
    print_words(c, offline);
}

static int exit_code(const glimpse_compared_pair *c) {
    if (!c->answer) return EXIT_FOUND;
    if (c->answer->incomplete) return EXIT_PARTIAL;
    switch (c->answer->outcome) {
    case GLIMPSE_VLM_FAILED: return EXIT_PARTIAL;
    case GLIMPSE_VLM_NOT_SENT:
        return strcmp(c->answer->reason, "dry run") == 0 ? EXIT_FOUND : EXIT_PARTIAL;
    default: return EXIT_FOUND;
    }
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    glimpse_compared_pair *pair = NULL;
    int json = 0, offline = 0;
    const cli_option options[] = {
        OPTION_JSON(json, "one JSON object"),
        CLI_TEXT("vlm", 'v', &v.spec, "MODEL",
                 "who tells it in words: {remote models} (default: $GLIMPSE_VLM, else the "
                 "configuration file's, else nobody)"),
        CLI_FLAG("offline", 0, &offline, "ask no vision-language model"),
        SESSION_MODEL_OPTIONS(s),
        VLM_SESSION_OPTIONS(v),
        CLI_HEADING("Others"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments words = {0};
    int code = cli_parse(&cmd_compare, options, argc, argv, &words);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (words.count != 2) {
        code = cli_misuse(&cmd_compare, "two pictures, not %zu", words.count);
        goto done;
    }
    tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    glimpse_compare_options comparing = GLIMPSE_COMPARE_OPTIONS_INIT;
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    comparing.offline = offline;
    comparing.vlm = &settings;
    comparing.cancelled = session_cancelled;
    int status = glimpse_session_compare(&pair, s.base, words.words[0], words.words[1], &comparing);
    if (status < 0) {
        code = status == GLIMPSE_E_CANCELLED ? EXIT_STOPPED : tool_fail_last();
        goto done;
    }
    if (json)
        print_json(pair);
    else
        print_people(pair, offline);
    code = exit_code(pair);
done:
    glimpse_compared_pair_free(pair);
    session_close(&s);
    cli_arguments_free(&words);
    return code;
}

const cli_command cmd_compare = {
    "compare",
    "A B",
    "what two pictures have in common",
    "Compares two pictures in three ways: their pixels (the same picture saved anew, edited, "
    "another "
    "view of the same thing, or different; what was cropped, turned or changed), the cosine of "
    "their "
    "CLIP embeddings, and, where a remote vision-language model was chosen, similarities and "
    "differences in words and whether both show the same object. The first two need no network.\n\n"
    "Exit code 3 when the model was to be asked and could not be.",
    "  glimpse compare before.jpg after.jpg\n"
    "  glimpse compare --json --offline a.png b.png\n"
    "  glimpse compare --vlm anthropic:MODEL left.jpg right.jpg\n",
    run,
};

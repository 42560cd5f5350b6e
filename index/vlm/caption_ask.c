/*
 * index/vlm/caption_ask.c - a vision-language model asked for captions, and these stored as they
 * come.
 *
 * In windows: what was answered is stored every few seconds, and a window is as long as that takes.
 */
#include "captioning.h"

#include "core/clock.h"
#include "core/error.h"
#include "totals.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MIN_WINDOW = 16, MAX_WINDOW = 512, DETAILED_TOKENS = 60, DETAILED_BEAMS = 5 };
static const double WINDOW_SECONDS = 10.0;

typedef struct asking {
    glimpse_captioning *list;
    const glimpse_caption_run *run;
    size_t first; /* of the window that is being asked, in list->todo */
    double started;
} asking;

/*
 * A native captioner writes sentences only: their words, without the little ones.
 */
static int is_little(const char *word, size_t length) {
    static const char *const little[] = {"a",   "an",  "the", "of",   "in",   "on",  "at",   "with",
                                         "and", "or",  "is",  "are",  "to",   "by",  "from", "its",
                                         "it",  "his", "her", "that", "this", "for", "as"};
    for (size_t i = 0; i < sizeof little / sizeof *little; i++) {
        if (strlen(little[i]) == length && strncasecmp(little[i], word, length) == 0) return 1;
    }
    return 0;
}

/* Whether the list "dog, snow" has the word. */
static int has_word(const char *list, const char *word, size_t length) {
    for (const char *at = list; *at;) {
        size_t size = strcspn(at, ",");
        if (size == length && strncmp(at, word, length) == 0) return 1;
        at += size;
        at += strspn(at, ", ");
    }
    return 0;
}

static size_t word_length(const char *at) {
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || (unsigned char)at[length] >= 0x80 ||
           (at[length] == '-' && length > 0)) {
        length++;
    }
    return length;
}

/* malloc'ed "dog, snow"; the sentence itself when it has only little words; NULL when out of
 * memory. */
static char *words_of(const char *sentence) {
    char *words = malloc(2 * strlen(sentence) + 1), *end = words;
    if (!words) return NULL;
    *words = '\0';
    for (const char *at = sentence; *at;) {
        size_t length = word_length(at);
        if (length > 0 && !is_little(at, length) && !has_word(words, at, length)) {
            if (end > words) end = stpcpy(end, ", ");
            memcpy(end, at, length);
            end += length;
            *end = '\0';
        }
        at += length > 0 ? length : 1;
    }
    if (*words) return words;
    free(words);
    return strdup(sentence);
}

/*
 * Asking.
 */
static const char *why_not(const glimpse_vlm_answer *answer) {
    if (answer->reason && *answer->reason) return answer->reason;
    if (answer->outcome == GLIMPSE_VLM_REFUSED) return "the model declined";
    if (answer->outcome == GLIMPSE_VLM_CANNOT_TELL) return "the model cannot tell";
    return "the model said nothing";
}

/* malloc'ed; half a caption is shown here, and is none. */
static char *problem_of(const glimpse_vlm_answer *answer) {
    enum { SHOWN = 200 };
    const char *why = why_not(answer);
    if (!answer->incomplete || !*answer->text) return strdup(why);
    size_t length = strlen(answer->text), size = strlen(why) + SHOWN + 32;
    char *problem = malloc(size);
    if (length > SHOWN) length = SHOWN;
    while (length > 0 && answer->text[length] != '\0' &&
           ((unsigned char)answer->text[length] & 0xc0) == 0x80)
        length--; /* no character of UTF-8 in half */
    if (problem) {
        (void)snprintf(problem, size, "%s; it began: %.*s", why, (int)length, answer->text);
    }
    return problem;
}

static int report_progress(const asking *a) {
    const glimpse_caption_options *o = a->run->options;
    glimpse_progress progress = {.stage = "captions",
                                 .done = a->list->summary.asked,
                                 .total = a->list->todo_count,
                                 .total_is_final = 1,
                                 .seconds = glimpse_now() - a->started,
                                 .path = ""};
    if (!o->progress || !o->progress(o->user, &progress)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

static int answered(void *user, size_t i, const glimpse_vlm_request *request,
                    glimpse_vlm_answer **answer) {
    const asking *a = user;
    const glimpse_vlm_answer *given = *answer;
    const glimpse_caption_options *o = a->run->options;
    glimpse_captioned *picture = &a->list->items[a->list->todo[a->first + i]]->shown;
    (void)request;
    if (given->outcome == GLIMPSE_VLM_ANSWERED && *given->text && !given->incomplete) {
        int native = !glimpse_vlm_is_remote(a->run->vlm);
        picture->text = o->style == GLIMPSE_CAPTION_KEYWORDS && native ? words_of(given->text)
                                                                       : strdup(given->text);
        if (!picture->text) return glimpse_fail_nomem(strlen(given->text), "a caption");
    } else {
        picture->problem = problem_of(given);
        if (!picture->problem) return glimpse_fail_nomem(1, "a reason");
        picture->unsent = given->outcome == GLIMPSE_VLM_NOT_SENT;
    }
    a->list->summary.asked++;
    if (o->each) o->each(o->user, picture);
    return report_progress(a);
}

static void make_request(glimpse_vlm_request *request, glimpse_vlm_picture *picture,
                         const glimpse_caption_run *run, const glimpse_captioned *item) {
    const glimpse_caption_options *o = run->options;
    int native = !glimpse_vlm_is_remote(run->vlm);
    *picture = GLIMPSE_VLM_PICTURE_INIT;
    picture->path = item->path;
    picture->id = *item->id ? item->id : NULL;
    *request = GLIMPSE_VLM_REQUEST_INIT;
    request->operation = GLIMPSE_VLM_CAPTION;
    request->pictures = picture;
    request->picture_count = 1;
    request->text = o->begin;
    request->prompt = run->prompt;
    if (o->style == GLIMPSE_CAPTION_KEYWORDS && !native) request->schema = GLIMPSE_VLM_JSON_LIST;
    request->beams = o->beams;
    request->min_tokens = o->min_tokens;
    request->max_tokens = native || !run->max_tokens ? o->max_tokens : run->max_tokens;
    if (native && o->style == GLIMPSE_CAPTION_DETAILED) {
        if (!o->beams) request->beams = DETAILED_BEAMS;
        if (!o->max_tokens) request->max_tokens = DETAILED_TOKENS;
    }
    request->keep_metadata = run->keep_metadata;
    request->samples = run->samples;
}

/*
 * Storing.
 */
static int store(glimpse_captioning *list, const glimpse_caption_run *run, size_t first,
                 size_t count) {
    glimpse_caption *captions = calloc(count, sizeof *captions);
    size_t used = 0, stored = 0;
    if (!captions) return glimpse_fail_nomem(count * sizeof *captions, "captions");
    for (size_t i = first; i < first + count; i++) {
        const glimpse_captioned *picture = &list->items[list->todo[i]]->shown;
        if (!picture->text || !*picture->id) continue;
        captions[used++] = (glimpse_caption){.id = picture->id,
                                             .style = run->options->style,
                                             .model = glimpse_vlm_identity(run->vlm),
                                             .prompt = glimpse_caption_asked_with(run),
                                             .text = picture->text};
    }
    int status = used > 0 ? run->store(run->user, &stored, captions, used) : GLIMPSE_OK;
    free(captions);
    if (status == GLIMPSE_OK && stored < used && run->note) {
        char note[256];
        (void)snprintf(
            note, sizeof note,
            "%zu %s not stored, because of pictures that are not in the library; %s takes "
            "them in",
            used - stored, used - stored == 1 ? "caption is" : "captions are",
            glimpse_wording("glimpse_library_ingest", NULL));
        run->note(run->user, note);
    }
    return status;
}

/* Asks about `count` from a->first on, and stores what came, also when the asking failed. */
static int ask_window(asking *a, glimpse_vlm_request *requests, glimpse_vlm_picture *pictures,
                      size_t count) {
    const glimpse_caption_run *run = a->run;
    glimpse_captioning *list = a->list;
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    for (size_t i = 0; i < count; i++) {
        make_request(&requests[i], &pictures[i], run,
                     &list->items[list->todo[a->first + i]]->shown);
    }
    int status = glimpse_vlm_run(&totals, run->vlm, requests, count, run->asking, answered, a);
    glimpse_vlm_totals_add(&list->summary.vlm.totals, &totals);
    if (!run->options->store || run->asking->dry_run) return status;
    char first_failure[1024];
    (void)snprintf(first_failure, sizeof first_failure, "%s", glimpse_last_error());
    int stored = store(list, run, a->first, count);
    if (status < 0) return glimpse_fail(status, "%s", first_failure);
    list->summary.store_failed = stored < 0;
    return stored;
}

int glimpse_caption_ask(glimpse_captioning *list, const glimpse_caption_run *run) {
    asking a = {list, run, 0, glimpse_now()};
    size_t window = MIN_WINDOW;
    glimpse_vlm_picture *pictures = calloc(MAX_WINDOW, sizeof *pictures);
    glimpse_vlm_request *requests = calloc(MAX_WINDOW, sizeof *requests);
    int status = glimpse_caption_check_cancelled(run);
    if (!pictures || !requests) status = glimpse_fail_nomem(MAX_WINDOW, "questions");
    while (a.first < list->todo_count && status == GLIMPSE_OK) {
        size_t left = list->todo_count - a.first, count = left < window ? left : window;
        double start = glimpse_now();
        status = ask_window(&a, requests, pictures, count);
        double took = glimpse_now() - start;
        if (status == GLIMPSE_OK) status = glimpse_caption_check_cancelled(run);
        if (took < WINDOW_SECONDS / 2 && window < MAX_WINDOW) window *= 2;
        if (took > WINDOW_SECONDS * 2 && window > MIN_WINDOW) window /= 2;
        a.first += count;
    }
    free(requests);
    free(pictures);
    return status;
}

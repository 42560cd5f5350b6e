/*
 * caption_run.c - see caption_run.h.
 */
#include "caption_run.h"

#include "picture_list.h"
#include "progress.h"
#include "rerank_run.h"
#include "text.h"
#include "tool.h"

#include <glimpse/decisions.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

const char *const caption_run_styles[] = {"short", "detailed", "keywords", "alt", NULL};
const char *const caption_run_formats[] = {"auto", "lines", "json", "jsonl", "csv", NULL};

enum { FEWEST_AT_ONCE = 16, MOST_AT_ONCE = 512, DETAILED_TOKENS = 60, DETAILED_BEAMS = 5 };
static const double WINDOW_SECONDS = 10.0; /* captions are stored about this often */

typedef struct run {
    const caption_options *o;
    session *s;
    vlm_session *v;
    caption_item *items;
    size_t count;
    size_t *todo; /* [todo_count] items to ask about */
    size_t todo_count, asked, reused;
    size_t first; /* of the window that is being asked, in todo */
    char *prompt; /* whole, for remote models; else NULL */
    double started;
    glimpse_vlm_totals totals;
} run_state;

/*
 * Which pictures.
 */
static void add_item(run_state *r, const char *path, const char *id, const char *problem) {
    if ((r->count & (r->count + 1)) == 0) {
        r->items = xrealloc(r->items, 2 * (r->count + 1) * sizeof *r->items);
    }
    caption_item *item = &r->items[r->count++];
    *item = (caption_item){.path = xstrdup(path)};
    if (id) (void)snprintf(item->id, sizeof item->id, "%s", id);
    if (problem) item->problem = xstrdup(problem);
}

static int gather_library(run_state *r) {
    glimpse_results *pictures = NULL;
    if (glimpse_library_pictures(&pictures, r->s->library, r->o->in) < 0) return tool_fail_last();
    for (size_t i = 0; i < glimpse_results_count(pictures); i++) {
        const glimpse_result *p = glimpse_results_get(pictures, i);
        /* What is stored can be written without the file. */
        const char *id = r->o->stored ? p->id : rerank_sure_id(p);
        const char *problem = id           ? NULL
                              : p->offline ? "it is offline"
                                           : "it changed or went since it was indexed; glimpse "
                                             "index brings the library up to date";
        add_item(r, p->path, id, problem);
    }
    glimpse_results_free(pictures);
    return CLI_RUN;
}

static int was_stopped(void *user, const char *path) {
    (void)user, (void)path;
    return tool_stopped();
}

static int gather_paths(run_state *r, const char *const *paths, size_t count) {
    glimpse_picture_list list = {0};
    const glimpse_walk_rules rules = {r->o->follow_links, r->o->exclude.values,
                                      r->o->exclude.count};
    int code = CLI_RUN;
    for (size_t i = 0; i < count && code == CLI_RUN; i++) {
        int status = glimpse_picture_list_add(&list, paths[i], &rules, was_stopped, NULL);
        if (status < 0 && status != GLIMPSE_E_CANCELLED) code = tool_fail_last();
    }
    for (size_t i = 0; i < list.problem_count; i++)
        add_item(r, list.problems[i].path, NULL, list.problems[i].text);
    for (size_t i = 0; i < list.count; i++) {
        char id[33] = "";
        /* Only a library has a use for it; without one the model's side reads the file. */
        int failed = r->s->library && glimpse_content_id(id, list.paths[i]) < 0;
        add_item(r, list.paths[i], id, failed ? glimpse_last_error() : NULL);
        if (tool_stopped()) break;
    }
    glimpse_picture_list_free(&list);
    return code;
}

/*
 * What is there already.
 */
static int take_first(void *user, const glimpse_caption *caption) {
    caption_item *item = user;
    item->text = xstrdup(caption->text);
    item->model = xstrdup(caption->model);
    item->was_stored = 1;
    return 1;
}

static const char *asked_prompt(const run_state *r) {
    return r->prompt ? r->prompt : r->o->begin ? r->o->begin : "";
}

static int reuse(run_state *r) {
    for (size_t i = 0; r->s->library && i < r->count; i++) {
        caption_item *item = &r->items[i];
        if (!item->id[0] || item->problem) continue;
        glimpse_caption_filter filter = GLIMPSE_CAPTION_FILTER_INIT;
        filter.path_or_id = item->id;
        filter.style = r->o->style;
        if (!r->o->missing && !r->o->stored) {
            if (r->v->refresh) continue;
            filter.model = glimpse_vlm_identity(r->v->vlm);
            filter.prompt = asked_prompt(r);
        }
        int status = glimpse_library_captions(r->s->library, &filter, take_first, item);
        if (status < 0 && status != GLIMPSE_E_NOT_FOUND) return tool_fail_last();
        r->reused += item->text != NULL;
    }
    r->todo = xcalloc(r->count, sizeof *r->todo);
    for (size_t i = 0; i < r->count; i++) {
        caption_item *item = &r->items[i];
        if (item->text || item->problem) continue;
        if (r->o->stored) {
            item->problem = xstrdup("no caption of this style is stored");
        } else {
            r->todo[r->todo_count++] = i;
        }
    }
    return CLI_RUN;
}

/*
 * Asking.
 */
/* A native captioner writes sentences only: their words, without the little ones. */
static char *words_of(const char *sentence) {
    static const char *const little[] = {"a",   "an",  "the", "of",   "in",   "on",  "at",   "with",
                                         "and", "or",  "is",  "are",  "to",   "by",  "from", "its",
                                         "it",  "his", "her", "that", "this", "for", "as",   NULL};
    char *words = NULL;
    for (const char *at = sentence; *at;) {
        size_t length = 0;
        while (isalnum((unsigned char)at[length]) || (unsigned char)at[length] >= 0x80 ||
               (at[length] == '-' && length > 0)) {
            length++;
        }
        int wanted = length > 0;
        for (const char *const *l = little; *l && wanted; l++)
            wanted = strlen(*l) != length || strncasecmp(*l, at, length) != 0;
        if (wanted) {
            char *word = xprintf("%.*s", (int)length, at);
            size_t count = 0;
            char **known = words ? caption_keywords(words, &count) : NULL;
            for (size_t i = 0; i < count && wanted; i++)
                wanted = strcmp(known[i], word) != 0;
            glimpse_caption_keywords_free(known, count);
            char *more =
                wanted ? xprintf("%s%s%s", words ? words : "", words ? ", " : "", word) : NULL;
            if (more) {
                free(words);
                words = more;
            }
            free(word);
        }
        at += length ? length : 1;
    }
    return words ? words : xstrdup(sentence);
}

static int answered(void *user, size_t i, const glimpse_vlm_request *request,
                    glimpse_vlm_answer **answer) {
    run_state *r = user;
    const glimpse_vlm_answer *a = *answer;
    caption_item *item = &r->items[r->todo[r->first + i]];
    (void)request;
    if (a->outcome == GLIMPSE_VLM_ANSWERED && *a->text) {
        int derive = r->o->style == GLIMPSE_CAPTION_KEYWORDS && !glimpse_vlm_is_remote(r->v->vlm);
        item->text = derive ? words_of(a->text) : xstrdup(a->text);
    } else {
        const char *why = a->reason && *a->reason                 ? a->reason
                          : a->outcome == GLIMPSE_VLM_REFUSED     ? "the model declined"
                          : a->outcome == GLIMPSE_VLM_CANNOT_TELL ? "the model cannot tell"
                                                                  : "the model said nothing";
        item->problem = xstrdup(why);
        item->unsent = a->outcome == GLIMPSE_VLM_NOT_SENT;
    }
    progress_show("captions", ++r->asked, r->todo_count, 1, progress_now() - r->started, NULL);
    return GLIMPSE_OK;
}

static int store(run_state *r, size_t first, size_t count) {
    glimpse_caption *captions = xcalloc(count, sizeof *captions);
    size_t used = 0, stored = 0;
    for (size_t i = first; i < first + count; i++) {
        const caption_item *item = &r->items[r->todo[i]];
        if (!item->text || !item->id[0]) continue;
        captions[used++] = (glimpse_caption){.id = item->id,
                                             .style = (glimpse_caption_style)r->o->style,
                                             .model = glimpse_vlm_identity(r->v->vlm),
                                             .prompt = asked_prompt(r),
                                             .text = item->text};
    }
    int status = glimpse_library_store_captions(&stored, r->s->library, captions, used);
    free(captions);
    if (status < 0) {
        progress_clear();
        (void)tool_fail_last();
        return tool_fail("the captions are not stored; the answers are kept, so the same command "
                         "stores them without asking again");
    }
    if (stored < used) {
        progress_clear();
        tool_note("%s captions are of pictures that are not in the library, and are not stored; "
                  "glimpse index takes them in",
                  text_count(used - stored));
    }
    return CLI_RUN;
}

static void add_totals(glimpse_vlm_totals *sum, const glimpse_vlm_totals *more) {
    sum->asked += more->asked;
    sum->answered += more->answered;
    sum->refused += more->refused;
    sum->cannot_tell += more->cannot_tell;
    sum->failed += more->failed;
    sum->not_sent += more->not_sent;
    sum->cached += more->cached;
    sum->escalated += more->escalated;
    sum->requests += more->requests;
    sum->tokens_in += more->tokens_in;
    sum->tokens_out += more->tokens_out;
    sum->cost += more->cost;
    sum->unpriced += more->unpriced;
}

static void make_request(const run_state *r, const caption_item *item, glimpse_vlm_picture *picture,
                         glimpse_vlm_request *request) {
    const caption_options *o = r->o;
    int native = !glimpse_vlm_is_remote(r->v->vlm);
    *picture = GLIMPSE_VLM_PICTURE_INIT;
    picture->path = item->path;
    picture->id = item->id[0] ? item->id : NULL;
    *request = GLIMPSE_VLM_REQUEST_INIT;
    request->operation = GLIMPSE_VLM_CAPTION;
    request->pictures = picture;
    request->picture_count = 1;
    request->text = o->begin;
    request->prompt = r->prompt;
    if (o->style == GLIMPSE_CAPTION_KEYWORDS && !native) request->schema = GLIMPSE_VLM_JSON_LIST;
    request->beams = (unsigned)o->beams;
    request->min_tokens = (unsigned)o->min_tokens;
    request->max_tokens = (unsigned)o->max_tokens;
    if (native && o->style == GLIMPSE_CAPTION_DETAILED) {
        if (!o->beams) request->beams = DETAILED_BEAMS;
        if (!o->max_tokens) request->max_tokens = DETAILED_TOKENS;
    }
    request->keep_metadata = r->v->keep_metadata;
    request->samples = (unsigned)r->v->samples;
}

/* Asks in windows, so that what was answered is stored every few seconds. */
static int ask(run_state *r) {
    size_t window = FEWEST_AT_ONCE;
    int code = CLI_RUN;
    glimpse_vlm_picture *pictures = xcalloc(MOST_AT_ONCE, sizeof *pictures);
    glimpse_vlm_request *requests = xcalloc(MOST_AT_ONCE, sizeof *requests);
    r->started = progress_now();
    for (size_t n; r->first < r->todo_count && code == CLI_RUN; r->first += n) {
        n = r->todo_count - r->first < window ? r->todo_count - r->first : window;
        for (size_t i = 0; i < n; i++) {
            make_request(r, &r->items[r->todo[r->first + i]], &pictures[i], &requests[i]);
        }
        glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
        double start = progress_now();
        int status = glimpse_vlm_run(&totals, r->v->vlm, requests, n, &r->v->run, answered, r);
        double took = progress_now() - start;
        add_totals(&r->totals, &totals);
        if (status == GLIMPSE_E_CANCELLED) {
            code = EXIT_STOPPED;
        } else if (status < 0) {
            progress_clear();
            code = tool_fail_last();
        }
        if (r->o->store && !r->v->dry_run) {
            int stored = store(r, r->first, n);
            if (stored != CLI_RUN && code == CLI_RUN) code = stored;
        }
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
        if (took < WINDOW_SECONDS / 2 && window < MOST_AT_ONCE) window *= 2;
        if (took > WINDOW_SECONDS * 2 && window > FEWEST_AT_ONCE) window /= 2;
    }
    progress_clear();
    free(requests);
    free(pictures);
    return code;
}

/*
 * All of it.
 */
static char *prompt_for(const caption_options *o) {
    static const char *const names[] = {"caption-short", "caption-detailed", "keywords",
                                        "alt-text"};
    return vlm_session_prompt(names[o->style], o->begin ? o->begin : "");
}

/* Every failure by name; what was not sent at all as one line. */
static size_t tell_problems(const run_state *r) {
    size_t failed = 0, unsent = 0;
    const char *why = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const caption_item *item = &r->items[i];
        if (item->text) continue;
        failed++;
        if (item->unsent || r->o->stored) {
            why = item->problem;
            unsent++;
        } else if (item->problem) {
            const char *named =
                strncmp(item->problem, item->path, strlen(item->path)) == 0 ? item->problem : NULL;
            if (named) {
                tool_say("%s", named);
            } else {
                tool_say("%s: %s", item->path, item->problem);
            }
        }
    }
    if (unsent > 0) tool_say("%s pictures without a caption: %s", text_count(unsent), why);
    return failed;
}

static const char *only_folder(const caption_options *o, const char *const *paths, size_t count) {
    struct stat info;
    if (o->style != GLIMPSE_CAPTION_ALT || count != 1) return NULL;
    return stat(paths[0], &info) == 0 && S_ISDIR(info.st_mode) ? paths[0] : NULL;
}

static int write_out(const run_state *r, const char *const *paths, size_t count) {
    const caption_options *o = r->o;
    caption_output output = {.format = o->format - 1,
                             .style = o->style,
                             .file = o->out,
                             .relative_to =
                                 o->relative_to ? o->relative_to : only_folder(o, paths, count),
                             .xmp = o->xmp,
                             .model = r->v->vlm ? glimpse_vlm_identity(r->v->vlm) : NULL};
    if (output.format < 0) {
        output.format = o->out ? glimpse_caption_format_of(o->out) : -1;
        if (output.format < 0) output.format = GLIMPSE_CAPTION_LINES;
    }
    /* Keeping captions is enough to do; they need not run over the screen as well. */
    if (o->store && !o->out && !o->xmp && o->format == 0) return CLI_RUN;
    return caption_write(&output, r->items, r->count);
}

int caption_run_check(const caption_options *o, const cli_command *command, size_t paths) {
    if (paths > 0 && o->whole) {
        return cli_misuse(command, "either paths or the library; --in PREFIX takes a part of it");
    }
    if (paths == 0 && !o->whole) return cli_misuse(command, "which pictures?");
    if (o->in && !o->whole) return cli_misuse(command, "--in goes with --library");
    if (o->stored && o->store) {
        return cli_misuse(command, "--stored asks for nothing that --store could keep");
    }
    if (o->out && !*o->out) return cli_misuse(command, "--out needs a file name");
    if (o->out && strcmp(o->out, "-") != 0 && o->format == 0 && glimpse_caption_format_of(o->out) < 0) {
        return cli_misuse(command,
                          "%s: its ending says no format; end it with .json, .jsonl, .csv "
                          "or .txt, or say --format",
                          o->out);
    }
    return CLI_RUN;
}

static int open_all(run_state *r) {
    const caption_options *o = r->o;
    int needed = o->store || o->whole || o->missing || o->stored;
    int code = needed ? session_open_library(r->s, o->stored ? GLIMPSE_LIBRARY_READ_ONLY : 0)
                      : session_open_library_if_any(r->s, 1);
    if (code != CLI_RUN || o->stored) return code;
    if ((code = vlm_session_open(r->v, r->s)) != CLI_RUN) return code;
    if (!glimpse_vlm_can(r->v->vlm, GLIMPSE_VLM_CAPTION)) {
        return tool_fail("%s does not describe pictures; captions need a BLIP model for "
                         "conditional generation, or a remote model",
                         glimpse_vlm_name(r->v->vlm));
    }
    if (glimpse_vlm_is_remote(r->v->vlm) && !(r->prompt = prompt_for(o))) return EXIT_FAILED;
    return CLI_RUN;
}

int caption_run(const caption_options *o, session *s, vlm_session *v, const char *const *paths,
                size_t count) {
    run_state r = {.o = o, .s = s, .v = v};
    tool_catch_stop();
    int code = open_all(&r);
    if (code != CLI_RUN) goto done;
    if (o->whole) {
        code = gather_library(&r);
    } else {
        code = gather_paths(&r, paths, count);
    }
    if (code == CLI_RUN) code = reuse(&r);
    if (code != CLI_RUN) goto done;
    if (r.count == 0) {
        tool_note("no pictures");
        code = EXIT_NOTHING;
        goto done;
    }
    code = tool_stopped() ? EXIT_STOPPED : ask(&r);
    if (v->vlm && r.totals.asked > 0) vlm_session_note_totals(v, &r.totals);
    if (code == EXIT_STOPPED) {
        tool_say("stopped with %s of %s captions; the same command goes on from there",
                 text_count(r.reused + r.asked), text_count(r.count));
    }
    if (code != CLI_RUN) goto done;
    size_t failed = tell_problems(&r);
    if (!v->dry_run) code = write_out(&r, paths, count);
    if (code == CLI_RUN) {
        tool_note("%s captions: %s new, %s stored before%s%s", text_count(r.count - failed),
                  text_count(r.count - failed - r.reused), text_count(r.reused),
                  failed ? "; without one: " : "", failed ? text_count(failed) : "");
        code = failed > 0 ? EXIT_PARTIAL : EXIT_FOUND;
    }
done:
    for (size_t i = 0; i < r.count; i++) {
        free(r.items[i].path);
        free(r.items[i].text);
        free(r.items[i].model);
        free(r.items[i].problem);
    }
    free(r.items);
    free(r.todo);
    free(r.prompt);
    return code;
}

/*
 * cmd_label.c - glimpse label: class names in, labels out, no training.
 */
#include "cli.h"
#include "filters.h"
#include "json_out.h"
#include "label_out.h"
#include "label_setup.h"
#include "offer.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/session_label.h>
#include <glimpse/stored_labels.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What glimpse label is asked to do, beyond the classifier and the output. */
typedef struct request {
    filters filters;
    glimpse_search_options filter;
    const char *resume, *store, *prompt_report, *forget;
    uint64_t top, jobs;
    int all, list, exact, follow_links, include_nomedia;
    cli_list exclude, within;
} request;

/*
 * Labels that are kept in the library.
 */
static int print_labelling(void *user, const glimpse_stored_labelling *l) {
    if (*(const int *)user) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_key(&j, "name"), jout_string(&j, l->name);
        jout_key(&j, "model"), jout_string(&j, l->model);
        jout_key(&j, "fingerprint"), jout_string(&j, l->fingerprint);
        jout_key(&j, "classifier"), jout_string(&j, l->classifier);
        jout_key(&j, "settings"), jout_string(&j, l->settings);
        jout_key(&j, "created"), jout_string(&j, l->created);
        jout_key(&j, "classes"), jout_uint(&j, l->classes);
        jout_key(&j, "pictures"), jout_uint(&j, l->pictures);
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        char *name = text_display(l->name);
        (void)printf("%s: %s, %s, model %s, %s UTC\n", name,
                     text_counted(l->pictures, "picture", "pictures"),
                     text_counted(l->classes, "class", "classes"), l->model, l->created);
        free(name);
    }
    return 0;
}

static int manage_stored(session *s, const request *r, int json) {
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    int status = r->forget ? glimpse_session_forget_labelling(s->base, r->forget)
                           : glimpse_session_labellings(s->base, print_labelling, &json);
    return status < 0 ? tool_fail_last() : EXIT_FOUND;
}

/*
 * The run.
 */
typedef struct label_run {
    session *session;
    const request *request;
    const label_out_options *output;
    glimpse_labeller *labeller;
    label_out *out;
    int shows_progress;
    int json;
} label_run;

static int on_progress(void *user, const glimpse_progress *progress) {
    const label_run *run = user;
    /* The row that is printed next must not stand behind it. */
    if (run->out && !run->shows_progress) return 0;
    return session_show_progress(NULL, progress);
}

static int on_picture(void *user, const glimpse_labelled *picture) {
    const label_run *run = user;
    if (picture->problem) tool_print("%s: %s", picture->path, picture->problem);
    return label_out_add(run->out, picture);
}

/* A status as an exit code, what is wrong said; a stop says nothing more. */
static int failed(int status) {
    return status == GLIMPSE_E_CANCELLED ? EXIT_STOPPED : tool_fail_last();
}

static int finish(label_run *run, const glimpse_label_totals *totals, int status) {
    int code = status < 0 ? failed(status) : CLI_RUN;
    int written = label_out_finish(run->out, totals, code == CLI_RUN);
    if (code != CLI_RUN) return code;
    tool_note_nomedia(totals->nomedia);
    if (written != CLI_RUN && written != EXIT_PARTIAL) return written;
    if (totals->failed > 0) {
        tool_print("%s could not be labelled", text_count(totals->failed));
        return EXIT_PARTIAL;
    }
    if (written == EXIT_PARTIAL) return EXIT_PARTIAL;
    if (totals->labelled == 0) {
        tool_note("no pictures found");
        return EXIT_NOTHING;
    }
    return EXIT_FOUND;
}

static int label(label_run *run, const cli_arguments *arguments) {
    const request *r = run->request;
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    int code = label_out_open(&run->out, run->output, glimpse_labeller_set(run->labeller));
    if (code != CLI_RUN) return code;
    run->shows_progress = !label_out_goes_to_stdout(run->output) || !isatty(STDOUT_FILENO);
    int status = r->all ? glimpse_labeller_label_library(&totals, run->labeller, r->filter.within,
                                                         r->filter.within_count, on_picture, run)
                        : glimpse_labeller_label_paths(&totals, run->labeller, arguments->words,
                                                       arguments->count, on_picture, run);
    progress_clear();
    code = finish(run, &totals, status);
    label_out_free(run->out);
    return code;
}

/* Calibration without pictures to label: its figures are the result. */
static int report_calibration(const glimpse_calibration *c, int json) {
    const struct {
        const char *name, *shown;
        double value;
    } figures[] = {
        {"top1", "accuracy", c->accuracy},
        {"temperature", "temperature", c->temperature},
        {"offset", "offset", c->offset}, /* of a sigmoid */
        {"nll_before", "log loss before", c->nll_before},
        {"nll_after", "log loss after", c->nll_after},
        {"ece_before", "ECE before", c->ece_before},
        {"ece", "ECE after", c->ece_after},
        {"precision_target", "precision wanted", c->precision_target},
        {"threshold", "threshold", c->threshold},
        {"precision", "precision", c->precision},
        {"precision_low", "at least (95%)", c->precision_low},
        {"coverage", "expected coverage", c->coverage},
    };
    size_t count = c->target_met ? 12 : 7;
    const char *kept = glimpse_calibration_kept(c);
    json_out j = {stdout, 0};
    if (json) {
        jout_open(&j, '{');
        jout_key(&j, "samples"), jout_uint(&j, c->samples);
        jout_key(&j, "unknown"), jout_uint(&j, c->unknown);
        jout_key(&j, "mistakes"), jout_uint(&j, c->mistakes);
        if (kept) jout_key(&j, "uncalibrated"), jout_string(&j, kept);
    } else {
        (void)printf("%-18s %7s\n", "pictures", text_count(c->samples));
        (void)printf("%-18s %7s\n", "of no class", text_count(c->unknown));
        (void)printf("%-18s %7s\n", "mistakes", text_count(c->mistakes));
    }
    for (size_t i = 0; i < count; i++) {
        if (figures[i].value == 0 && strcmp(figures[i].name, "offset") == 0) continue;
        if (json) {
            jout_key(&j, figures[i].name), jout_number(&j, figures[i].value);
        } else {
            (void)printf("%-18s %7.4f\n", figures[i].shown, figures[i].value);
        }
    }
    if (json) {
        jout_close(&j, '}');
        jout_end(&j);
    }
    if (kept) tool_print("the model's own probabilities are kept: %s", kept);
    return EXIT_FOUND;
}

/* The report on prompts, a row as it comes. */
typedef struct prompt_table {
    int json, begun;
} prompt_table;

static int print_prompt_score(void *user, const glimpse_prompt_score *score) {
    prompt_table *table = user;
    progress_clear();
    if (!table->json) {
        if (!table->begun) (void)puts("top-1    recall   template");
        table->begun = 1;
        char *shown = score->text ? text_display(score->text) : NULL;
        (void)printf("%6.2f%%  %6.2f%%  ", 100 * score->top1, 100 * score->mean_per_class_recall);
        if (shown)
            (void)printf("%s\n", shown);
        else
            (void)printf("all %zu together\n", score->templates);
        free(shown);
        return 0;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_text_or_null(&j, "template", score->text);
    jout_key(&j, "templates"), jout_uint(&j, score->templates);
    jout_key(&j, "top1"), jout_number(&j, score->top1);
    jout_key(&j, "mean_per_class_recall"), jout_number(&j, score->mean_per_class_recall);
    jout_close(&j, '}');
    jout_end(&j);
    return 0;
}

static int check_request(const request *r, const label_setup *u, const cli_arguments *arguments) {
    int pictures = r->all || arguments->count > 0;
    if (filters_are_given(&r->filters) && !r->all) {
        return cli_misuse(&cmd_label, "--in goes with --all, as do all filters; a folder that is "
                                      "given is searched through");
    }
    if (r->all && arguments->count > 0) {
        return cli_misuse(&cmd_label, "--all is the whole library; give paths or --all");
    }
    if (r->prompt_report && pictures) {
        return cli_misuse(&cmd_label, "--prompt-report looks at its own pictures only; leave out "
                                      "the others");
    }
    if (!pictures && !r->prompt_report && !u->o.calibrate) {
        return cli_misuse(&cmd_label, "which pictures? give folders or files, or --all");
    }
    if (r->store && !*r->store) return cli_misuse(&cmd_label, "--store needs a name");
    if (r->store && !pictures) return cli_misuse(&cmd_label, "--store goes with pictures");
    return CLI_RUN;
}

static int run_with_model(label_run *run, label_setup *setup, const cli_arguments *arguments) {
    session *s = run->session;
    const request *r = run->request;
    int code = session_begin(s, 0);
    if (code == CLI_RUN) code = offer_model(s, 0);
    if (code != CLI_RUN) return code;
    setup->o.top = (size_t)r->top;
    setup->o.jobs = (unsigned)r->jobs;
    setup->o.journal = r->resume;
    setup->o.exact_decode = r->exact;
    setup->o.exclude = r->exclude.values;
    setup->o.exclude_count = r->exclude.count;
    setup->o.follow_links = r->follow_links;
    setup->o.include_nomedia = r->include_nomedia;
    setup->o.store = r->store;
    setup->o.filter = &r->filter;
    setup->o.message = tool_message;
    setup->o.progress = on_progress;
    setup->o.cancelled = session_cancelled;
    setup->o.user = run;
    int status = glimpse_session_open_labeller(&run->labeller, s->base, r->all, &setup->o);
    tool_catch_stop();
    if (status >= 0 && r->prompt_report) {
        prompt_table table = {run->json, 0};
        status = glimpse_labeller_score_prompts(run->labeller, r->prompt_report, print_prompt_score,
                                                &table);
        code = EXIT_FOUND;
    } else if (status >= 0) {
        status = glimpse_labeller_fit(run->labeller);
        progress_clear();
        if (status >= 0) {
            code = r->all || arguments->count > 0
                       ? label(run, arguments)
                       : report_calibration(glimpse_labeller_calibration(run->labeller), run->json);
        }
    }
    progress_clear();
    if (status < 0) code = failed(status);
    glimpse_labeller_close(run->labeller);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    label_setup setup = {.o = GLIMPSE_LABELLER_OPTIONS_INIT};
    label_out_options output = LABEL_OUT_OPTIONS_INIT;
    request r = {.filter = GLIMPSE_SEARCH_OPTIONS_INIT};
    const cli_option options[] = {
        LABEL_SETUP_OPTIONS(setup),
        CLI_TEXT("prompt-report", 0, &r.prompt_report, "DIR|CSV",
                 "how good each template is on pictures whose classes are known"),
        LABEL_RULE_OPTIONS(setup),
        CLI_SIZE("top", 'k', &r.top, "K",
                 "labels per picture (default: 1, or with --multi-label all that are claimed)", 1,
                 100000),
        CLI_HEADING("Which pictures"),
        CLI_FLAG("all", 'a', &r.all, "label every picture of the library"),
        OPTIONS_WALK(r.exclude, r.follow_links, r.include_nomedia),
        CLI_TEXT("resume", 0, &r.resume, "FILE",
                 "keep embeddings in FILE, so that a run that was stopped goes on where it was"),
        OPTION_DECODE(r.exact),
        OPTION_JOBS(r.jobs, 64),
        CLI_HEADING("Of the library, with --all"),
        FILTER_ROWS(r.filters),
        LABEL_OUT_OPTIONS(output),
        CLI_HEADING("Labels in the library"),
        CLI_TEXT("store", 0, &r.store, "NAME",
                 "keep the labels in the library, for glimpse search --label"),
        CLI_FLAG("stored", 0, &r.list, "list what is kept"),
        CLI_TEXT("forget", 0, &r.forget, "NAME", "forget what was kept under this name"),
        SESSION_OPTIONS(s),
        SESSION_MANNERS_OPTIONS(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_label, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (r.list || r.forget) {
        code = arguments.count > 0 || setup.o.classes || (r.list && r.forget)
                   ? cli_misuse(&cmd_label, "--stored and --forget stand alone")
                   : manage_stored(&s, &r, output.json);
        goto done;
    }
    code = label_setup_check(&setup, &cmd_label);
    if (code == CLI_RUN) code = check_request(&r, &setup, &arguments);
    if (code == CLI_RUN) code = filters_read(&r.filters, &r.filter, &cmd_label);
    if (code == CLI_RUN) code = label_out_check(&output, &cmd_label);
    if (code != CLI_RUN) goto done;
    if (!r.store && !r.resume && !output.report && label_out_goes_to_stdout(&output)) {
        tool_only_prints();
    }
    label_run work = {.session = &s, .request = &r, .output = &output};
    work.json = label_out_is_json(&output);
    code = run_with_model(&work, &setup, &arguments);
done:
    label_setup_free(&setup);
    cli_list_free(&r.exclude);
    filters_free(&r.filters);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_label = {
    "label",
    "PATH...",
    "sort pictures into classes you name, without training",
    "Gives every picture the most probable of the classes. Pictures that the library knows are not "
    "decoded again. A CLIP model's probabilities are over the given classes only: name all that "
    "can "
    "occur, or let it abstain (--abstain, or --min-probability, --min-margin, --calibrate). A "
    "SigLIP model's are of each class alone.\n\n"
    "Exit code 3 when some pictures could not be used: they are named on stderr, and with --json "
    "as {\"path\":...,\"error\":...}. Exit code 1 when there are no pictures.",
    "  glimpse label ~/Pictures --classes cat,dog,bird\n"
    "  glimpse label shots -c classes.txt --templates ensemble-7 --csv > labels.csv\n"
    "  glimpse label --all -c @coco80 --top 3 --abstain --store objects\n"
    "  glimpse label --all --where \"not has(label)\" -c birds.txt --store birds\n"
    "  glimpse label new -c kinds.tsv --calibrate known --precision-target 0.95\n"
    "  glimpse label shots -c kinds.json --examples few --report labels.html\n",
    run,
};

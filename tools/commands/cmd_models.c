/*
 * cmd_models.c - glimpse models: the models that are installed, and those a library was made with.
 */
#include "cli.h"
#include "json_out.h"
#include "models_compare.h"
#include "models_convert.h"
#include "options.h"
#include "question.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/session_models.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_json(const glimpse_model_list *list) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t i = 0; i < glimpse_model_list_count(list); i++) {
        const glimpse_model_entry *m = glimpse_model_list_get(list, i);
        jout_open(&j, '{');
        jout_path(&j, "name", m->name);
        jout_text_or_null(&j, "short_name", m->short_name);
        jout_path(&j, "path", m->path);
        jout_text_or_null(&j, "fingerprint", m->fingerprint);
        jout_key(&j, "kind"), jout_string(&j, m->is_blip ? "blip" : "encoder");
        jout_key(&j, "available"), jout_bool(&j, m->is_available);
        jout_key(&j, "in_library"), jout_bool(&j, m->in_library);
        jout_key(&j, "last_used"), jout_bool(&j, m->last_used);
        jout_key(&j, "embedded"), jout_uint(&j, m->embedded);
        jout_pair(&j, "place", m->place);
        jout_text_or_null(&j, "problem", m->problem);
        jout_text_or_null(&j, "family", m->family);
        jout_key(&j, "parameters");
        if (isfinite(m->parameters)) {
            jout_uint(&j, (uint64_t)(m->parameters * 1e6 + 0.5));
        } else {
            jout_null(&j);
        }
        jout_key(&j, "dimension"), jout_uint(&j, m->dimension);
        jout_key(&j, "resolution"), jout_uint(&j, m->resolution);
        jout_text_or_null(&j, "languages", m->languages);
        jout_text_or_null(&j, "licence", m->licence);
        jout_key(&j, "bytes"), jout_uint(&j, m->bytes);
        jout_text_or_null(&j, "precision", m->precision);
        jout_key(&j, "library_default"), jout_bool(&j, m->is_library_default);
        jout_key(&j, "user_default"), jout_bool(&j, m->is_user_default);
        jout_key(&j, "removable"), jout_bool(&j, m->can_be_removed);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

/*
 * For people: a table, and below it what is wrong with those that cannot be used.
 */
enum {
    NAME,
    FAMILY,
    PARAMETERS,
    DIMENSION,
    PIXELS,
    TEXTS,
    LICENCE,
    DISK,
    PRECISION,
    LIBRARY,
    WHERE
};
enum { COLUMNS = WHERE + 1, MIN_PATH = 24, MAX_NAME = 40 };
static const char *const headings[COLUMNS] = {"name",      "family",  "params",  "dim",
                                              "px",        "texts",   "licence", "disk",
                                              "precision", "library", "where"};
static const int is_number[COLUMNS] = {0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0};

static const char *dash(const char *text) {
    return text && *text ? text : "-";
}

static const char *number(char *text, size_t size, double value, const char *unit) {
    if (!(value > 0.0)) return "-";
    (void)snprintf(text, size, "%.*f%s", value < 10.0 && *unit ? 1 : 0, value, unit);
    return text;
}

/* On a terminal "~/..." where the path is below the home directory; malloc'ed. */
static char *short_path(const char *path) {
    if (text_terminal_columns(STDOUT_FILENO) == 0) return xstrdup(path);
    const char *home = getenv("HOME");
    const size_t length = home ? strlen(home) : 0;
    if (length > 1 && strncmp(path, home, length) == 0 && path[length] == '/') {
        return xprintf("~%s", path + length);
    }
    return xstrdup(path);
}

/* `texts` [COLUMNS], each malloc'ed. */
static void make_row(char **texts, const glimpse_model_entry *m) {
    char parameters[24], dimension[24], resolution[24];
    const char *languages = m->languages && strcmp(m->languages, "*") == 0 ? "many" : m->languages;
    char *path = short_path(m->path), *name = short_path(m->name);
    const char *const columns[COLUMNS] = {
        [NAME] = name,
        [FAMILY] = dash(m->family),
        [PARAMETERS] = number(parameters, sizeof parameters, m->parameters, "M"),
        [DIMENSION] = number(dimension, sizeof dimension, m->dimension, ""),
        [PIXELS] = number(resolution, sizeof resolution, m->resolution, ""),
        [TEXTS] = dash(languages),
        [LICENCE] = dash(m->licence),
        [DISK] = m->bytes > 0 ? text_bytes(m->bytes) : "-",
        [PRECISION] = m->is_available ? dash(m->precision)
                      : m->problem    ? "unusable"
                                      : "gone",
        [LIBRARY] = m->in_library ? text_count(m->embedded) : "-",
        [WHERE] = path,
    };
    for (size_t i = 0; i < COLUMNS; i++)
        texts[i] = text_display(columns[i]);
    free(path);
    free(name);
}

/* What a narrow terminal has no room for: what can be done without goes first, and where a model is
 * goes on a line of its own. */
typedef struct layout {
    size_t widths[COLUMNS];
    int hidden[COLUMNS], path_below;
    size_t path_width; /* 0: as long as it is */
} layout;

static void choose_layout(layout *l) {
    static const int order[] = {DIMENSION, PIXELS, PARAMETERS, FAMILY, LICENCE, TEXTS, PRECISION};
    const size_t terminal = text_terminal_columns(STDOUT_FILENO);
    if (terminal == 0) return;
    if (l->widths[NAME] > MAX_NAME) l->widths[NAME] = MAX_NAME; /* one that is a path */
    size_t width = l->widths[NAME];
    for (size_t i = FAMILY; i < WHERE; i++)
        width += 2 + l->widths[i];
    l->path_below = width + 2 + MIN_PATH > terminal;
    for (size_t i = 0; width > terminal && i < sizeof order / sizeof *order; i++) {
        l->hidden[order[i]] = 1;
        width -= 2 + l->widths[order[i]];
    }
    const size_t before = l->path_below ? 4 : width + 2;
    if (terminal > before) l->path_width = terminal - before;
}

static void print_row(char *const *texts, const layout *l, const char *mark, int is_heading) {
    for (size_t i = NAME; i < WHERE; i++) {
        const size_t width = text_width(texts[i]);
        const char *between = i > NAME ? "  " : "";
        if (l->hidden[i]) continue;
        if (is_number[i]) {
            (void)printf("%s%*s%s", between, (int)(l->widths[i] - width), "", texts[i]);
        } else {
            char *fitted = text_fit(texts[i], l->widths[i]);
            (void)printf("%s", between);
            text_print_padded(fitted, l->widths[i]);
            free(fitted);
        }
    }
    if (l->path_below && is_heading) {
        (void)putchar('\n');
        return;
    }
    const size_t taken = text_width(mark);
    char *where = l->path_width > taken + MIN_PATH / 2
                      ? text_fit(texts[WHERE], l->path_width - taken)
                      : xstrdup(texts[WHERE]);
    (void)printf("%s%s%s\n", l->path_below ? "\n    " : "  ", where, mark);
    free(where);
}

/* What it is called besides, and for whom it is the default: " (ViT-B-32-openai; your default)". */
static char *make_mark(const glimpse_model_entry *m) {
    const char *is_default = m->is_library_default && m->is_user_default
                                 ? "default of the library, and yours"
                             : m->is_library_default ? "default of the library"
                             : m->is_user_default    ? "your default"
                                                     : "";
    const char *name = m->short_name ? m->short_name : "";
    if (!*name && !*is_default) return xstrdup("");
    return xprintf(" (%s%s%s)", name, *name && *is_default ? "; " : "", is_default);
}

/* What is to be pulled is known where the model has a name of the hub. */
static void print_problem(const glimpse_model_entry *m) {
    static const char any[] = "ORG/NAME";
    const char *found = strstr(m->problem, any), *slash = strchr(m->name, '/');
    const int is_repository = slash && slash > m->name && !strchr(slash + 1, '/');
    if (found && is_repository) {
        tool_note("%s cannot be used: %.*s%s%s", m->name, (int)(found - m->problem), m->problem,
                  m->name, found + sizeof any - 1);
    } else {
        tool_note("%s cannot be used: %s", m->name, m->problem);
    }
}

static void print_people(const glimpse_model_list *list) {
    const size_t count = glimpse_model_list_count(list);
    char **texts = xmalloc((count + 1) * COLUMNS * sizeof *texts);
    layout l = {0};
    for (size_t k = 0; k < COLUMNS; k++)
        texts[k] = text_display(headings[k]);
    for (size_t i = 0; i < count; i++)
        make_row(texts + (i + 1) * COLUMNS, glimpse_model_list_get(list, i));
    for (size_t i = 0; i < (count + 1) * COLUMNS; i++) {
        const size_t width = text_width(texts[i]);
        if (width > l.widths[i % COLUMNS]) l.widths[i % COLUMNS] = width;
    }
    choose_layout(&l);
    for (size_t i = 0; i <= count && count > 0; i++) {
        char *mark = i > 0 ? make_mark(glimpse_model_list_get(list, i - 1)) : xstrdup("");
        print_row(texts + i * COLUMNS, &l, mark, i == 0);
        free(mark);
    }
    for (size_t i = 0; i < (count + 1) * COLUMNS; i++)
        free(texts[i]);
    free(texts);
    tool_flush();
    for (size_t i = 0; i < count; i++) {
        const glimpse_model_entry *m = glimpse_model_list_get(list, i);
        if (m->problem) print_problem(m);
    }
}

/*
 * Changing something.
 */
static const glimpse_model_entry *find_listed(const glimpse_model_list *list, const char *name) {
    for (size_t i = 0; i < glimpse_model_list_count(list); i++) {
        const glimpse_model_entry *m = glimpse_model_list_get(list, i);
        if (strcmp(m->name, name) == 0) return m;
    }
    return NULL;
}

/* By the name it is listed under, else by that of the table. */
static const glimpse_model_entry *find_entry(const glimpse_model_list *list, session *s,
                                             const char *name) {
    const glimpse_catalog *catalog = NULL;
    const glimpse_model_entry *m = find_listed(list, name);
    if (m || glimpse_session_catalog(&catalog, s->base) < 0) return m;
    const glimpse_catalog_model *known = glimpse_catalog_find(catalog, name);
    return known ? find_listed(list, known->repository) : NULL;
}

/* What is not listed: an empty directory, or one with hidden files only. */
static int is_in_models_directory(const session *s, const char *name) {
    struct stat info;
    const char *models = glimpse_session_models_directory(s->base);
    char *path = models && *name ? xprintf("%s/%s", models, name) : NULL;
    const int is_there = path && lstat(path, &info) == 0;
    free(path);
    return is_there;
}

static int remove_model(session *s, const char *name, int yes) {
    glimpse_model_list *list = NULL;
    int code = CLI_RUN;
    if (glimpse_session_list_models(&list, s->base) < 0) return tool_fail_last();
    const glimpse_model_entry *m = find_entry(list, s, name);
    if (m && m->can_be_removed) {
        if (m->embedded > 0) {
            tool_note("the library has embeddings of %s with %s; they stay, and are searched only "
                      "with this model",
                      text_counted(m->embedded, "picture", "pictures"), name);
        }
        if (m->is_library_default || m->is_user_default) {
            tool_note("%s is %s default model; glimpse models --default NAME%s chooses another",
                      name, m->is_library_default ? "the library's" : "your",
                      m->is_library_default ? "" : " --user");
        }
        if (!yes) {
            code = question_ask("Remove it", "--yes removes it", "%s: %s in %s", m->name,
                                text_bytes(m->bytes), m->path);
        }
    } else if (!m && !yes && is_in_models_directory(s, name)) {
        code = question_ask("Remove it", "--yes removes it", "%s in %s", name,
                            glimpse_session_models_directory(s->base));
    }
    if (code == CLI_RUN) {
        code = glimpse_session_remove_model(s->base, name) < 0 ? tool_fail_last() : EXIT_FOUND;
        if (code == EXIT_FOUND) (void)printf("%s is removed\n", name);
    }
    glimpse_model_list_free(list);
    return code;
}

/* A library that is asked with a model it has nothing of finds nothing. */
static void note_pending(session *s, const char *name) {
    glimpse_model_coverage covered[GLIMPSE_MAX_MODELS];
    size_t count = 0;
    if (glimpse_session_load_coverage(covered, &count, s->base) < 0 || count != 1) return;
    if (covered[0].pending == 0) return;
    tool_note("%s covers %s of the library's %s; glimpse index --model %s embeds the rest", name,
              text_count(covered[0].files - covered[0].pending),
              text_counted(covered[0].files, "file", "files"), name);
}

static int set_default(session *s, const char *name, int user) {
    const int status = user ? glimpse_session_set_user_model(s->base, name)
                            : glimpse_session_set_library_model(s->base, name);
    if (status < 0) return tool_fail_last();
    (void)printf("%s is %s default model\n", name, user ? "your" : "the library's");
    tool_flush();
    if (!user) note_pending(s, name);
    return EXIT_FOUND;
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0;
    const char *convert = NULL, *output = NULL, *default_model = NULL, *removed = NULL;
    int user = 0, yes = 0;
    models_compare_options compare = {.k = 10};
    const cli_option options[] = {
        OPTION_JSON(json, "print JSON"),
        CLI_TEXT("default", 0, &default_model, "NAME",
                 "the model that the library is asked with when nobody says which"),
        CLI_FLAG("user", 0, &user, "with --default: of new libraries, and without a library"),
        CLI_TEXT("remove", 0, &removed, "NAME", "remove an installed model"),
        CLI_FLAG("yes", 'y', &yes, "with --remove: without being asked"),
        CLI_TEXT("convert", 0, &convert, "DIR|FILE",
                 "write weights that PyTorch saved (.bin, .pt) as safetensors"),
        CLI_TEXT("output", 'o', &output, "FILE",
                 "with --convert: the file to write, or its folder (default: beside the weights)"),
        MODELS_COMPARE_OPTIONS(compare),
        SESSION_PRECISION_OPTION(s, "with --compare: arithmetic, as at glimpse search"),
        CLI_HEADING("Others"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_models, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    glimpse_model_list *list = NULL;
    if (output && !convert) {
        code = cli_misuse(&cmd_models, "--output goes with --convert");
    } else if (user && !default_model) {
        code = cli_misuse(&cmd_models, "--user goes with --default");
    } else if (yes && !removed) {
        code = cli_misuse(&cmd_models, "--yes goes with --remove");
    } else if ((convert != NULL) + (default_model != NULL) + (removed != NULL) + compare.compare >
               1) {
        code = cli_misuse(&cmd_models,
                          "one of --compare, --convert, --default and --remove at a time");
    }
    if (code == CLI_RUN) code = models_compare_check(&compare, &cmd_models, &arguments);
    if (code != CLI_RUN) goto done;
    if (!user) s.model_option = convert ? convert : default_model;
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    if (compare.compare) {
        code = models_compare(&compare, &s, &arguments, json);
        goto done;
    }
    if (convert) {
        code = models_convert(convert, output, json, s.base);
        goto done;
    }
    if (default_model) {
        code = set_default(&s, default_model, user);
        goto done;
    }
    if (removed) {
        code = remove_model(&s, removed, yes);
        goto done;
    }
    if (glimpse_session_list_models(&list, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (json) {
        print_json(list);
    } else {
        print_people(list);
    }
    code = glimpse_model_list_count(list) > 0 ? EXIT_FOUND : EXIT_NOTHING;
    if (code == EXIT_NOTHING) {
        const char *directory = glimpse_session_models_directory(s.base);
        tool_note("no models; put one into %s", directory ? directory : "a folder");
    }
done:
    glimpse_model_list_free(list);
    cli_list_free(&compare.within);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_models = {
    "models",
    "[--compare MODEL...]",
    "models that are installed, and those the library was made with",
    "Lists the models in ${XDG_DATA_HOME:-~/.local/share}/glimpse/models (NAME or ORG/NAME), those "
    "that Hugging Face's programs and open_clip have downloaded, the demo model, and the models "
    "that the library has embeddings of. A name listed here can be given to --model. \"texts\" are "
    "the languages, \"precision\" is what --precision auto takes on this machine, \"library\" how "
    "many pictures of the library are embedded; in brackets are the short name that glimpse pull "
    "has "
    "for it, and whose default it is. \"unusable\" is explained below the table, \"gone\" is no "
    "longer where the library remembers it.\n\n"
    "Where neither --model nor GLIMPSE_MODEL says which, a library is asked with its default, the "
    "first model that it was indexed with, until --default names another. --default NAME --user is "
    "for new libraries, and for what has no library.\n\n"
    "--remove deletes an installed model, after asking. Models elsewhere are left alone.\n\n"
    "With --convert, writes the weights of a model, or a file of weights, as safetensors. Models "
    "are used with either; nothing has to be converted. Files of PyTorch are programs that build "
    "weights: they are read and never run, and anything in them that weights do not need is "
    "refused by name.\n\n"
    "With --compare, asks several models that the library was indexed with the same queries: their "
    "first results side by side, how many they share (overlap) and how alike they order the "
    "library (rank correlation), the time a query takes, and, where the file says which pictures "
    "fit, how often one of these is among the first 1, 5 and 10 (recall).",
    "  glimpse models\n"
    "  glimpse models --json --library work.glimpse\n"
    "  glimpse models --default ViT-B-16-SigLIP2\n"
    "  glimpse models --remove openai/clip-vit-base-patch32\n"
    "  glimpse models --convert ViT-B-32.pt -o open_clip_model.safetensors\n"
    "  glimpse models --compare ViT-B-32-openai ViT-B-16-SigLIP2 --queries q.txt\n",
    run,
};

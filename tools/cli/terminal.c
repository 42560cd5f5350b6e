/*
 * terminal.c - tells from the environment what the terminal on standard output can do.
 *
 * Links are OSC 8 (gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda): ESC ] 8 ; ; URI ESC
 * \ text ESC ] 8 ; ; ESC \. Terminals that do not know them pass over the whole sequence, but for a
 * few that show it; those are left out by name.
 */
#include "terminal.h"

#include "memory.h"
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const terminal_colors[] = {"auto", "always", "never", NULL};

static terminal_color wanted = TERMINAL_AUTO;

void terminal_set_color(terminal_color color) {
    wanted = color;
}

/* The value of a variable, "" for one that is not set. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static int is_set(const char *name) {
    return *variable(name) != '\0';
}

static int has_prefix(const char *text, const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        if (strncmp(text, *prefixes, strlen(*prefixes)) == 0) return 1;
    return 0;
}

int terminal_refuses_color(void) {
    return wanted == TERMINAL_NEVER || (wanted == TERMINAL_AUTO && is_set("NO_COLOR"));
}

/* A terminal that can do more than print. */
static int is_capable(void) {
    const char *kind = variable("TERM");
    return isatty(STDOUT_FILENO) && *kind && strcmp(kind, "dumb") != 0;
}

int terminal_has_color(void) {
    if (wanted == TERMINAL_ALWAYS) return 1;
    if (terminal_refuses_color()) return 0;
    if (is_set("CLICOLOR_FORCE") && strcmp(variable("CLICOLOR_FORCE"), "0") != 0) return 1;
    return is_capable();
}

int terminal_color_bits(void) {
    static const char *const direct[] = {"xterm-kitty",   "kitty",   "alacritty", "foot",
                                         "xterm-ghostty", "ghostty", "wezterm",   NULL};
    const char *kind = variable("TERM"), *depth = variable("COLORTERM");
    if (!*kind || strcmp(kind, "dumb") == 0) return 0;
    /* tmux takes 24 bits and makes of them what its terminal has; screen before 5.0 takes them for
     * something else. */
    if (terminal_in_tmux()) return 24;
    int is_screen = is_set("STY");
    if (!is_screen && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0 ||
                       strstr(kind, "direct") || has_prefix(kind, direct))) {
        return 24;
    }
    return strstr(kind, "256") || *depth || has_prefix(kind, direct) ? 8 : 4;
}

int terminal_in_tmux(void) {
    return is_set("TMUX");
}

int terminal_in_multiplexer(void) {
    static const char *const kinds[] = {"screen", "tmux", NULL};
    return terminal_in_tmux() || is_set("STY") || has_prefix(variable("TERM"), kinds);
}

/* tmux hands links on since 3.4; before, it drops them. */
static int tmux_has_links(void) {
    if (strcmp(variable("TERM_PROGRAM"), "tmux") != 0) return 0;
    const char *version = variable("TERM_PROGRAM_VERSION"); /* "3.4", "next-3.6" */
    char *end = NULL;
    unsigned long major = strtoul(version + strcspn(version, "0123456789"), &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return major > 3 || (major == 3 && minor >= 4);
}

int terminal_has_links(void) {
    static const char *const kinds[] = {"xterm",  "alacritty", "foot", "ghostty", "wezterm",
                                        "kitty",  "konsole",   "vte",  "gnome",   "contour",
                                        "mintty", "iterm",     "rio",  NULL};
    if (!is_capable() || terminal_refuses_color()) return 0;
    if (terminal_in_tmux()) return tmux_has_links();
    if (is_set("STY") || strcmp(variable("TERM_PROGRAM"), "Apple_Terminal") == 0) return 0;
    /* VTE before 0.50 has faults there. */
    if (is_set("VTE_VERSION") && strtol(variable("VTE_VERSION"), NULL, 10) < 5000) return 0;
    return has_prefix(variable("TERM"), kinds);
}

const char *terminal_begin(terminal_style style) {
    if (!terminal_has_color()) return "";
    switch (style) {
    case TERMINAL_STRONG: return "\033[1m";
    case TERMINAL_FAINT: return "\033[2m";
    case TERMINAL_ACCENT: return "\033[35m";
    case TERMINAL_PLAIN: break;
    }
    return "";
}

const char *terminal_end(terminal_style style) {
    return style != TERMINAL_PLAIN && terminal_has_color() ? "\033[0m" : "";
}

char *terminal_file_uri(const char *path) {
    char host[256] = "", here[PATH_MAX] = "";
    if (gethostname(host, sizeof host - 1) != 0) *host = '\0';
    if (path[0] != '/' && !getcwd(here, sizeof here)) *here = '\0';
    char *name = text_percent(host), *start = text_percent(here), *end = text_percent(path);
    char *uri = xprintf("file://%s%s%s%s", name, start, path[0] == '/' ? "" : "/", end);
    free(name);
    free(start);
    free(end);
    return uri;
}

void terminal_print_link(const char *path, const char *shown) {
    if (!terminal_has_links()) {
        (void)fputs(shown, stdout);
        return;
    }
    char *uri = terminal_file_uri(path);
    (void)printf("\033]8;;%s\033\\%s\033]8;;\033\\", uri, shown);
    free(uri);
}

/*
 * terminal.h - what the terminal on standard output can do: colours, links; and what people want of
 * it (--color, NO_COLOR).
 *
 * Colours are few, and of those that can be read on light and dark grounds: bold, faint, magenta.
 * Where there are none every style is the empty text, so that callers need not ask.
 */
#ifndef GLIMPSE_TOOLS_TERMINAL_H
#define GLIMPSE_TOOLS_TERMINAL_H

#include <stddef.h>

/* "--color auto|always|never". */
typedef enum terminal_color { TERMINAL_AUTO = 0, TERMINAL_ALWAYS, TERMINAL_NEVER } terminal_color;
extern const char *const terminal_colors[]; /* their names, NULL-terminated */
void terminal_set_color(terminal_color color);

typedef enum terminal_style {
    TERMINAL_PLAIN = 0,
    TERMINAL_STRONG, /* what is looked for first: names, headings */
    TERMINAL_FAINT,  /* what is beside it */
    TERMINAL_ACCENT  /* the number that ordered */
} terminal_style;

/* 1 when stdout gets colours: --color, else NO_COLOR, else CLICOLOR_FORCE, else whether it is a
 * terminal that has them. */
int terminal_has_color(void);
/* 1 when colours are unwanted: --color never, or NO_COLOR and no other --color. */
int terminal_refuses_color(void);
/* 24 or 8: bits of a colour, by COLORTERM and TERM; 4 where neither says as much, 0 for none. */
int terminal_color_bits(void);
/* 1 when stdout is a terminal that is likely to know links (OSC 8). */
int terminal_has_links(void);

/* The sequences that begin and end a style; "" without colours. */
const char *terminal_begin(terminal_style style);
const char *terminal_end(terminal_style style);

/* 1 when what is printed for people is seen on a terminal, inside tmux, inside tmux or screen. */
int terminal_in_tmux(void);
int terminal_in_multiplexer(void);

/* `path` as a URI: file://HOST/PATH with all but the plainest bytes as %XX; a relative one is seen
 * from the current directory. Free it. */
char *terminal_file_uri(const char *path);
/* Prints `shown`, which is fit for a terminal, as a link to the file `path`, where links are
 * known. */
void terminal_print_link(const char *path, const char *shown);

#endif

/*
 * preview.h - pictures inside the terminal: pixels where it can show them, else characters.
 */
#ifndef GLIMPSE_TOOLS_PREVIEW_H
#define GLIMPSE_TOOLS_PREVIEW_H

typedef enum preview_protocol {
    PREVIEW_NONE = 0,
    PREVIEW_KITTY, /* kitty, Ghostty, Konsole: raw RGB in base64 */
    PREVIEW_ITERM, /* iTerm2, WezTerm, mintty: a JPEG file in base64 */
    PREVIEW_SIXEL, /* foot, mlterm, xterm -ti vt340, Windows Terminal */
    PREVIEW_BLOCKS /* any with 256 colours or more, and UTF-8: upper half blocks */
} preview_protocol;

/* By name ("kitty", "iterm", "sixel", "blocks"); "" tells from the environment. PREVIEW_NONE when
 * there is none, with the `reason` for the user, or NULL when there is no such name. */
preview_protocol preview_choose(const char *name, const char **reason);

/* Prints the picture on stdout, at most about 320 x 160 pixels or 64 x 20 characters, and a line
 * end. Returns 0, or -1 with the library's message when it cannot be read. */
int preview_print(preview_protocol protocol, const char *path);
int preview_print_blocks(const char *path); /* preview_blocks.c */

#endif

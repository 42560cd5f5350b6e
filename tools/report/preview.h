/*
 * preview.h - pictures inside the terminal, for terminals that can.
 */
#ifndef GLIMPSE_TOOLS_PREVIEW_H
#define GLIMPSE_TOOLS_PREVIEW_H

typedef enum preview_protocol {
    PREVIEW_NONE = 0,
    PREVIEW_KITTY, /* kitty, Ghostty, Konsole: raw RGB in base64 */
    PREVIEW_ITERM, /* iTerm2, WezTerm, mintty: a JPEG file in base64 */
    PREVIEW_SIXEL  /* foot, mlterm, xterm -ti vt340, Windows Terminal */
} preview_protocol;

/* By name ("kitty", "iterm", "sixel"); "" tells from the environment. PREVIEW_NONE when unknown. */
preview_protocol preview_choose(const char *name);

/* Prints the picture on stdout, at most about 320 x 160 pixels, and a line end. Returns 0, or -1
 * with the library's message when it cannot be read. */
int preview_print(preview_protocol protocol, const char *path);

#endif

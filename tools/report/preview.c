/*
 * preview.c - three protocols that bring pixels into a terminal; preview_blocks.c has a fourth.
 *
 * kitty (sw.kovidgoyal.net/kitty/graphics-protocol): ESC _G keys ; base64 ESC \ in chunks of at
 *   most 4096 base64 bytes, m=1 on all but the last. f=24 is raw RGB of s x v pixels; q=2 keeps
 *   the terminal from answering into our user's shell.
 * iTerm2 (iterm2.com/documentation-images.html): ESC ] 1337 ; File=inline=1;size=N : base64 BEL.
 * sixel (DEC): ESC P 0;1;0 q, then for every band of six rows and every colour in it the pixels of
 *   that colour as characters 63 + six bits, `$` back to the start of the band, `-` next band.
 *   Colours: a fixed cube of 6 x 7 x 6 levels, with an ordered (Bayer) pattern against banding.
 */
#include "preview.h"

#include "base64.h"
#include "picture_out.h"
#include "terminal.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 320, HEIGHT = 160 };

static int variable_has(const char *name, const char *part) {
    const char *value = getenv(name);
    return value && strstr(value, part) != NULL;
}

/* What the environment shows, which tmux and screen hand on although they are another terminal. */
static preview_protocol graphics_here(void) {
    if (terminal_in_multiplexer()) return PREVIEW_NONE;
    if (getenv("KITTY_WINDOW_ID") || variable_has("TERM", "kitty") ||
        variable_has("TERM", "ghostty") || variable_has("TERM_PROGRAM", "ghostty") ||
        getenv("KONSOLE_VERSION")) {
        return PREVIEW_KITTY;
    }
    if (variable_has("TERM_PROGRAM", "iTerm") || variable_has("LC_TERMINAL", "iTerm") ||
        variable_has("TERM_PROGRAM", "WezTerm") || variable_has("TERM_PROGRAM", "mintty")) {
        return PREVIEW_ITERM;
    }
    if (variable_has("TERM", "sixel") || variable_has("TERM", "mlterm") ||
        variable_has("TERM", "foot") || variable_has("TERM", "yaft") || getenv("WT_SESSION")) {
        return PREVIEW_SIXEL;
    }
    return PREVIEW_NONE;
}

/* Why half-block characters would not show a picture; NULL: they would. */
static const char *blocks_problem(void) {
    if (!isatty(STDOUT_FILENO)) {
        return "--preview is for a terminal; into a pipe or file say how: --preview=kitty, iterm, "
               "sixel or blocks";
    }
    if (!text_terminal_is_utf8()) {
        return "--preview needs a terminal with pictures, or a UTF-8 locale (LANG) for block "
               "characters";
    }
    if (terminal_refuses_color()) {
        return "--preview draws with colours here, which NO_COLOR or --color never forbids; "
               "--preview=blocks draws all the same";
    }
    if (terminal_color_bits() < 8) {
        return "cannot tell that this terminal has 256 colours (TERM, COLORTERM); say "
               "--preview=kitty, iterm, sixel or blocks";
    }
    return NULL;
}

preview_protocol preview_choose(const char *name, const char **reason) {
    *reason = NULL;
    if (strcmp(name, "blocks") == 0) {
        if (text_terminal_is_utf8()) return PREVIEW_BLOCKS;
        *reason = "--preview=blocks needs a UTF-8 locale (LANG)";
        return PREVIEW_NONE;
    }
    if (strcmp(name, "kitty") == 0 || strcmp(name, "iterm") == 0 || strcmp(name, "iterm2") == 0) {
        if (!terminal_in_tmux()) return *name == 'k' ? PREVIEW_KITTY : PREVIEW_ITERM;
        *reason = "tmux lets no pictures of kitty or iTerm2 through; say --preview (block "
                  "characters), or --preview=sixel where tmux was built with it";
        return PREVIEW_NONE;
    }
    if (strcmp(name, "sixel") == 0) return PREVIEW_SIXEL;
    if (*name) return PREVIEW_NONE;
    preview_protocol graphics = graphics_here();
    if (graphics != PREVIEW_NONE) return graphics;
    *reason = blocks_problem();
    return *reason ? PREVIEW_NONE : PREVIEW_BLOCKS;
}

static void print_kitty(const thumbnail *t) {
    enum { CHUNK = 3 * 1024 }; /* bytes, 4096 in base64 */
    size_t size = (size_t)t->width * t->height * 3;
    for (size_t at = 0; at < size; at += CHUNK) {
        size_t n = size - at < CHUNK ? size - at : CHUNK;
        (void)fputs("\033_G", stdout);
        if (at == 0) {
            (void)printf("a=T,q=2,f=24,s=%u,v=%u,", (unsigned)t->width, (unsigned)t->height);
        }
        (void)printf("m=%d;", at + n < size);
        glimpse_base64_write(stdout, t->rgb + at, n);
        (void)fputs("\033\\", stdout);
    }
}

static void print_iterm(const thumbnail *t) {
    size_t size = 0;
    uint8_t *jpeg = thumbnail_jpeg(t, 85, &size);
    if (!jpeg) return;
    (void)printf("\033]1337;File=inline=1;size=%zu;width=%upx;height=%upx;preserveAspectRatio=1:",
                 size, (unsigned)t->width, (unsigned)t->height);
    glimpse_base64_write(stdout, jpeg, size);
    (void)putchar('\a');
    free(jpeg);
}

/* Which of `levels` steps stands for `value` at this place of the pattern. */
static unsigned level(uint8_t value, unsigned levels, uint32_t x, uint32_t y) {
    static const uint8_t bayer[4][4] = {
        {0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    unsigned exact = value * (levels - 1) * 16; /* in 1/(255*16) steps */
    unsigned step = (exact + bayer[y & 3][x & 3] * 255u + 127u) / (255u * 16u);
    return step < levels ? step : levels - 1;
}

static void write_run(unsigned bits, size_t length) {
    char c = (char)(63 + bits);
    if (length > 3) {
        (void)printf("!%zu%c", length, c);
    } else {
        while (length-- > 0)
            (void)putchar(c);
    }
}

static void print_sixel(const thumbnail *t) {
    enum { REDS = 6, GREENS = 7, BLUES = 6, COLOURS = REDS * GREENS * BLUES };
    uint8_t *colours = xmalloc((size_t)t->width * t->height);
    for (uint32_t y = 0; y < t->height; y++) {
        for (uint32_t x = 0; x < t->width; x++) {
            const uint8_t *rgb = t->rgb + ((size_t)y * t->width + x) * 3;
            colours[(size_t)y * t->width + x] =
                (uint8_t)((level(rgb[0], REDS, x, y) * GREENS + level(rgb[1], GREENS, x, y)) *
                              BLUES +
                          level(rgb[2], BLUES, x, y));
        }
    }
    (void)printf("\033P0;1;0q\"1;1;%u;%u", (unsigned)t->width, (unsigned)t->height);
    for (unsigned c = 0; c < COLOURS; c++) {
        (void)printf("#%u;2;%u;%u;%u", c, c / (GREENS * BLUES) * 100 / (REDS - 1),
                     c / BLUES % GREENS * 100 / (GREENS - 1), c % BLUES * 100 / (BLUES - 1));
    }
    for (uint32_t top = 0; top < t->height; top += 6) {
        uint32_t rows = t->height - top < 6 ? t->height - top : 6;
        unsigned char used[COLOURS] = {0};
        for (size_t i = 0; i < (size_t)rows * t->width; i++)
            used[colours[(size_t)top * t->width + i]] = 1;
        int first = 1;
        for (unsigned c = 0; c < COLOURS; c++) {
            if (!used[c]) continue;
            (void)printf("%s#%u", first ? "" : "$", c);
            first = 0;
            unsigned run_bits = 0;
            size_t run = 0;
            for (uint32_t x = 0; x < t->width; x++) {
                unsigned bits = 0;
                for (uint32_t y = 0; y < rows; y++)
                    bits |= (unsigned)(colours[(size_t)(top + y) * t->width + x] == c) << y;
                if (bits != run_bits && run > 0) {
                    write_run(run_bits, run);
                    run = 0;
                }
                run_bits = bits;
                run++;
            }
            if (run_bits != 0) write_run(run_bits, run);
        }
        (void)putchar('-');
    }
    (void)fputs("\033\\", stdout);
    free(colours);
}

int preview_print(preview_protocol protocol, const char *path) {
    if (protocol == PREVIEW_BLOCKS) return preview_print_blocks(path);
    thumbnail t;
    if (thumbnail_make(&t, path, WIDTH, HEIGHT) < 0) return -1;
    if (protocol == PREVIEW_KITTY) print_kitty(&t);
    if (protocol == PREVIEW_ITERM) print_iterm(&t);
    if (protocol == PREVIEW_SIXEL) print_sixel(&t);
    (void)putchar('\n');
    thumbnail_free(&t);
    return 0;
}

/*
 * Contact sheets, previews by graphics protocols, progress on a terminal.
 */
#include "support/browser.h"
#include "support/commands.h"

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("pictures", 0777), 0);
    write_picture("pictures/plain.ppm", 300, 200, 1);
    write_picture("pictures/<script>alert('1')&\"x\".ppm", 50, 400, 2);
    write_picture("pictures/line\nend\033]0;x\a.ppm", 400, 50, 3);
    write_picture("pictures/bytes\xFF\xC3.ppm", 64, 64, 4);
    write_picture("pictures/a rather long name that does not fit into a narrow terminal at all.ppm",
                  64, 48, 5);
    run_result r;
    run(&r, "index", "pictures", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

/* The text of the first attribute NAME="..." behind `from`. */
static char *attribute(const char *from, const char *name) {
    char start[32];
    (void)snprintf(start, sizeof start, "%s=\"", name);
    const char *s = strstr(from, start);
    assert_non_null(s);
    s += strlen(start);
    return strndup(s, strcspn(s, "\""));
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static size_t base64_decode(const char *text, unsigned char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = 0;
    for (; text[0] && text[0] != '='; text += 4) {
        unsigned bits = 0;
        for (int i = 0; i < 4; i++) {
            const char *digit = text[i] == '=' ? digits : strchr(digits, text[i]);
            assert_non_null(digit);
            bits = bits << 6 | (unsigned)(digit - digits);
        }
        out[used++] = (unsigned char)(bits >> 16);
        if (text[2] != '=') out[used++] = (unsigned char)(bits >> 8);
        if (text[3] != '=') out[used++] = (unsigned char)bits;
        if (text[3] == '=') break;
    }
    return used;
}

static void contact_sheet_is_complete_and_harmless(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "<b>\"a\" & 'b'</b>", "--html", "sheet.html", "--paths", NULL);
    expect(&r, 0);
    expect_err(&r, "contact sheet written to sheet.html");
    run_free(&r);
    char *html = read_whole_file("sheet.html", NULL);
    assert_int_equal(strncmp(html, "<!DOCTYPE html>", 15), 0);
    assert_non_null(strstr(html, "</html>"));
    assert_int_equal(count_of(html, "<figure>"), 5);
    assert_int_equal(count_of(html, "src=\"data:image/jpeg;base64,"), 5);
    /* Nothing from outside is markup. */
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<b>"));
    assert_null(strchr(html, '\033'));
    assert_null(strchr(html, '\a'));
    assert_non_null(strstr(html, "<h1>&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/b&gt;</h1>"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;1&#39;)&amp;&quot;x&quot;.ppm"));
    assert_non_null(strstr(html, "%3Cscript%3Ealert%28%271%27%29%26%22x%22.ppm"));
    assert_non_null(strstr(html, "line\xE2\x90\x8A"
                                 "end\xE2\x90\x9B]0;x\xE2\x90\x87.ppm"));
    assert_non_null(strstr(html, "bytes%FF%C3.ppm"));
    assert_non_null(strstr(html, "bytes\xEF\xBF\xBD\xEF\xBF\xBD.ppm"));
    assert_non_null(strstr(html, "/with%20a%20space/pictures/"));
    /* Nothing is loaded. */
    assert_null(strstr(html, "http:"));
    assert_null(strstr(html, "https:"));
    assert_non_null(strstr(html, "default-src 'none'"));
    assert_non_null(strstr(html, "300 &times; 200"));
    /* The number that ordered is named, a date is one for programs as well, and pictures are said
     * in words. */
    assert_int_equal(count_of(html, "<span class=\"score\"><small>score</small> "), 5);
    assert_int_equal(count_of(html, "<time datetime=\"20"), 5);
    assert_int_equal(count_of(html, " alt=\""), 5);
    const char *first = strstr(html, "alt=\"");
    assert_non_null(strstr(first, ", result 1 of 5 for &lt;b&gt;&quot;a&quot;"));
    assert_non_null(strstr(html, "alt=\"plain.ppm, result "));
    assert_non_null(strstr(html, "<html lang=\"en\">"));
    /* A thumbnail is a JPEG, no larger than the picture. */
    char *source = attribute(html, "src");
    unsigned char *jpeg = malloc(strlen(source));
    assert_non_null(jpeg);
    size_t size = base64_decode(strchr(source, ',') + 1, jpeg);
    write_file("thumbnail.jpg", jpeg, size);
    assert_true(size > 100 && jpeg[0] == 0xFF && jpeg[1] == 0xD8);
    run(&r, "embed", "--image", "thumbnail.jpg", "--quiet", NULL);
    expect(&r, 0);
    run_free(&r);
    free(jpeg);
    free(source);
    free(html);
}

static void contact_sheet_is_not_moved_sideways_in_narrow_windows(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "a_word_without_any_place_to_break_it_that_is_as_long_as_this_one_is_by_far",
        "--html", "sheet.html", "-p", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    const unsigned width = browser_page_width("sheet.html", 500);
    if (width == 0) skip();
    assert_in_range(width, 1, 500); /* without a scroll bar */
}

static void contact_sheet_failures_leave_nothing_behind(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "x", "--html", "nowhere/sheet.html", NULL);
    expect(&r, 4);
    expect_err(&r, "nowhere/sheet.html: cannot write");
    run_free(&r);
    assert_int_equal(mkdir("taken", 0777), 0);
    run(&r, "search", "x", "--html", "taken", NULL);
    expect(&r, 4);
    expect_err(&r, "taken: cannot write");
    run_free(&r);
    run_shell(&r, "ls | grep tmp");
    expect(&r, 1);
    run_free(&r);
    /* A picture that went away is a placeholder. */
    assert_int_equal(rename("pictures/plain.ppm", "away.ppm"), 0);
    run(&r, "search", "x", "--html", "sheet.html", "-p", NULL);
    expect(&r, 0);
    expect_err(&r, "not in the contact sheet");
    run_free(&r);
    char *html = read_whole_file("sheet.html", NULL);
    assert_int_equal(count_of(html, "cannot be shown"), 1);
    assert_int_equal(count_of(html, "<figure>"), 5);
    free(html);
    assert_int_equal(rename("away.ppm", "pictures/plain.ppm"), 0);
}

static void previews_speak_three_protocols(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "./pictures/plain.ppm", "-k", "1", "--preview=kitty", NULL);
    expect(&r, 0);
    /* 300 x 200 fits into 320 x 160 as 240 x 160. */
    expect_out(&r, "\033_Ga=T,q=2,f=24,s=240,v=160,m=1;");
    size_t payload = 0, chunks = 0;
    for (const char *s = r.out; (s = strstr(s, "\033_G")) != NULL; chunks++) {
        s = strchr(s, ';') + 1;
        size_t length = strcspn(s, "\033");
        assert_true(length <= 4096);
        payload += length;
        assert_int_equal(strncmp(s + length, "\033\\", 2), 0);
    }
    assert_int_equal(chunks, (240 * 160 * 3 + 3071) / 3072);
    assert_int_equal(payload, 240 * 160 * 3 / 3 * 4);
    assert_int_equal(count_of(r.out, "m=0;"), 1);
    run_free(&r);
    run(&r, "search", "./pictures/plain.ppm", "-k", "1", "--preview=iterm", NULL);
    expect(&r, 0);
    const char *start = strstr(r.out, "\033]1337;File=inline=1;size=");
    assert_non_null(start);
    char *encoded = strndup(strchr(start, ':') + 1, strcspn(strchr(start, ':') + 1, "\a"));
    unsigned char *jpeg = malloc(strlen(encoded));
    size_t size = base64_decode(encoded, jpeg);
    assert_int_equal(strtoul(strstr(start, "size=") + 5, NULL, 10), size);
    assert_true(jpeg[0] == 0xFF && jpeg[1] == 0xD8 && jpeg[size - 1] == 0xD9);
    free(jpeg);
    free(encoded);
    run_free(&r);
    /* By the environment. */
    run_shell(&r, "KITTY_WINDOW_ID=1 \"$G\" search x -k 1 --preview");
    expect(&r, 0);
    expect_out(&r, "\033_G");
    run_free(&r);
}

/* Draws the sixels into pixels and compares with a coarse look at the picture. */
static void sixel_preview_shows_the_picture(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "./pictures/plain.ppm", "-k", "1", "--preview=sixel", NULL);
    expect(&r, 0);
    const char *s = strstr(r.out, "\033P0;1;0q\"1;1;240;160");
    assert_non_null(s);
    s += strlen("\033P0;1;0q\"1;1;240;160");
    enum { WIDTH = 240, HEIGHT = 160 };
    static unsigned char pixels[HEIGHT + 6][WIDTH][3], set[HEIGHT + 6][WIDTH];
    unsigned char colours[256][3] = {{0}};
    unsigned long colour = 0, x = 0, y = 0;
    while (*s != '\033') {
        if (*s == '#') {
            char *end = NULL;
            colour = strtoul(s + 1, &end, 10);
            assert_true(colour < 256);
            if (*end == ';') {
                unsigned parts[3];
                assert_int_equal(sscanf(end, ";2;%u;%u;%u", &parts[0], &parts[1], &parts[2]), 3);
                for (int c = 0; c < 3; c++)
                    colours[colour][c] = (unsigned char)(parts[c] * 255 / 100);
                for (int c = 0; c < 4; c++)
                    (void)strtoul(end + 1, &end, 10);
            }
            s = end;
            continue;
        }
        if (*s == '$' || *s == '-') {
            if (*s == '-') y += 6;
            x = 0;
            s++;
            continue;
        }
        unsigned long length = 1;
        if (*s == '!') {
            char *end = NULL;
            length = strtoul(s + 1, &end, 10);
            s = end;
        }
        assert_true(*s >= '?' && *s <= '~' && x + length <= WIDTH);
        for (unsigned long i = 0; i < length; i++, x++) {
            for (unsigned bit = 0; bit < 6; bit++) {
                if (!((unsigned)(*s - '?') >> bit & 1)) continue;
                assert_true(y + bit < HEIGHT);
                memcpy(pixels[y + bit][x], colours[colour], 3);
                set[y + bit][x]++;
            }
        }
        s++;
    }
    assert_int_equal(strncmp(s, "\033\\", 2), 0);
    for (unsigned row = 0; row < HEIGHT; row++) {
        for (unsigned column = 0; column < WIDTH; column++)
            assert_int_equal(set[row][column], 1);
    }
    /* Red grows to the right and green downwards: means over blocks of 20 x 20. */
    for (unsigned top = 0; top + 20 <= HEIGHT; top += 20) {
        for (unsigned left = 0; left + 20 <= WIDTH; left += 20) {
            double red = 0, green = 0;
            for (unsigned i = 0; i < 400; i++) {
                red += pixels[top + i / 20][left + i % 20][0];
                green += pixels[top + i / 20][left + i % 20][1];
            }
            double expected_red = (left + 10.0) * 255 / WIDTH;
            double expected_green = (top + 10.0) * 255 / HEIGHT;
            assert_true(red / 400 > expected_red - 12 && red / 400 < expected_red + 12);
            assert_true(green / 400 > expected_green - 12 && green / 400 < expected_green + 12);
        }
    }
    run_free(&r);
}

static void progress_is_drawn_on_a_terminal_and_removed(void **state) {
    (void)state;
    const char *const index[] = {"index", "pictures", "-l", "other", NULL};
    char *text = run_on_terminal(80, NULL, index);
    assert_non_null(strstr(text, "\r\033[K"));
    assert_non_null(strstr(text, "5 pictures: 5 embedded"));
    free(text);
    run_result r;
    run(&r, "index", "pictures", "-l", "another", "-q", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contact_sheet_is_complete_and_harmless),
        cmocka_unit_test(contact_sheet_is_not_moved_sideways_in_narrow_windows),
        cmocka_unit_test(contact_sheet_failures_leave_nothing_behind),
        cmocka_unit_test(previews_speak_three_protocols),
        cmocka_unit_test(sixel_preview_shows_the_picture),
        cmocka_unit_test(progress_is_drawn_on_a_terminal_and_removed),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}

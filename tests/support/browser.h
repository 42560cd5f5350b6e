/*
 * browser.h - Chromium, where there is one, looking at a page that was written. For programs that
 * use commands.h: it runs in their directory.
 */
#ifndef GLIMPSE_TESTS_BROWSER_H
#define GLIMPSE_TESTS_BROWSER_H

/* What a window of this size shows of the page, as the file `png`. 0, and it is said why, where no
 * Chromium is installed or starts; 1 otherwise. */
int browser_screenshot(const char *page, const char *png, unsigned width, unsigned height);
/* The page as the browser understood it; NULL likewise. Free it. */
char *browser_dom(const char *page);

/* How many pixels wide the page is in a window that is `width` wide: more where it has to be moved
 * sideways. What the page forbids itself is not asked. 0 likewise. */
unsigned browser_page_width(const char *page, unsigned width);

#endif

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

#endif

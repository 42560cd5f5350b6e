/*
 * index/dedup/copy_names.c - what file managers put into the name of a copy.
 *
 * Words are runs of letters, so that "copy" is found in "a - Copy.jpg", "copy2.jpg" and
 * "Copy of a.jpg" and not in "copyright.jpg". Languages written without blanks are looked for
 * within a run. A number in parentheses counts up to three digits: "(2019)" is a year.
 */
#include "copy_names.h"

#include "text/output/display.h"

#include <stdint.h>
#include <string.h>

static const char *const words[] = {
    /* English */ "copy",
    "copies",
    "duplicate",
    "duplicates",
    "backup",
    "backups",
    "bak",
    /* German, Dutch */ "kopie",
    "kopien",
    "sicherung",
    "sicherungskopie",
    "duplikat",
    "reservekopie",
    "kopieën",
    "kopieen",
    /* French, Romanian, Italian */ "copie",
    "sauvegarde",
    "doublon",
    "copia",
    "duplicato",
    /* Spanish, Portuguese */ "copias",
    "respaldo",
    "cópia",
    "cópias",
    /* Nordic */ "kopia",
    "kopior",
    "kopi",
    "kopier",
    "kopio",
    "kopiot",
    "afrit",
    /* Polish, Czech, Slovak, Hungarian */ "kopii",
    "záloha",
    "zaloha",
    "kópia",
    "másolat",
    "masolat",
    /* Turkish, Indonesian, Vietnamese */ "kopya",
    "kopyası",
    "yedek",
    "salinan",
    /* Cyrillic, Greek */ "копия",
    "копии",
    "копія",
    "резервная",
    "αντίγραφο",
    "αντιγραφο",
    /* Arabic, Hebrew */ "نسخة",
    "עותק"};
static const char *const parts[] = {"副本",   "复制",         "複製",   "拷贝", "备份", "備份",
                                    "コピー", "コヒ\u309aー", "복사본", "사본", "백업"};

enum { MAX_WORD = 64 };

/* Of the letters that the words above have. */
static uint32_t lower(uint32_t c) {
    if (c >= 'A' && c <= 'Z') return c + 32;
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32; /* Latin-1 */
    if (c >= 0x391 && c <= 0x3A9) return c + 32;            /* Greek */
    if (c >= 0x410 && c <= 0x42F) return c + 32;            /* Cyrillic */
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    return c;
}

static int is_letter(uint32_t c) {
    return (c >= 'a' && c <= 'z') || c >= 0xC0;
}

static int is_mark_of_copy(const char *word) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0) return 1;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(word, parts[i])) return 1;
    }
    return 0;
}

/* "(1)" to "(999)". */
static int is_number(const char *s) {
    size_t digits = *s == '(' ? strspn(s + 1, "0123456789") : 0;
    return digits >= 1 && digits <= 3 && s[1 + digits] == ')';
}

unsigned glimpse_copy_marks(const char *path) {
    unsigned marks = 0;
    char word[MAX_WORD + 8];
    size_t length = 0;
    for (const char *s = path;;) {
        marks += (unsigned)is_number(s);
        uint32_t c = lower(glimpse_text_next(&s));
        /* macOS may write accents apart: the words are known without them, too. */
        if (c >= 0x300 && c <= 0x36F) continue;
        if (c != 0 && is_letter(c)) {
            if (length < MAX_WORD) length += glimpse_text_encode(word + length, c);
            continue;
        }
        word[length] = '\0';
        if (length > 0 && length < MAX_WORD) marks += (unsigned)is_mark_of_copy(word);
        length = 0;
        if (c == 0) return marks;
    }
}

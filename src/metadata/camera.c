/*
 * metadata/camera.c - the name of a camera.
 */
#include <glimpse/sys/metadata.h>

#include <string.h>
#include <strings.h>

/* 1 when the first word of `model` is one of the words of `make`: "NIKON CORPORATION" and
 * "NIKON D70", "EASTMAN KODAK COMPANY" and "KODAK DC240". */
static int repeats_make(const char *make, const char *model) {
    size_t length = strcspn(model, " ");
    while (*make) {
        size_t word = strcspn(make, " ");
        if (word == length && strncasecmp(make, model, length) == 0) return 1;
        make += word;
        make += strspn(make, " ");
    }
    return 0;
}

/* As much of `text` as fits, in whole characters. Returns the length. */
static size_t copy_text(char *to, size_t capacity, const char *text) {
    size_t length = strlen(text);
    if (length >= capacity) {
        length = capacity - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(to, text, length);
    to[length] = '\0';
    return length;
}

void glimpse_camera_name(char *out, size_t capacity, const char *make, const char *model) {
    char maker[60];
    const size_t maker_used = copy_text(maker, sizeof maker, make);
    size_t used = 0;
    if (capacity == 0) return;
    if (maker_used > 0 && !(*model && repeats_make(maker, model))) {
        used = copy_text(out, capacity, maker);
        if (*model && used + 1 < capacity) out[used++] = ' ';
    }
    (void)copy_text(out + used, capacity - used, model);
}

/*
 * core/companions.c - files that belong to a picture by their names.
 */
#include "core/companions.h"

#include <string.h>
#include <strings.h>

static const glimpse_companion_ending endings[] = {
    {"dng", GLIMPSE_COMPANION_RAW, ""},        {"cr2", GLIMPSE_COMPANION_RAW, ""},
    {"cr3", GLIMPSE_COMPANION_RAW, ""},        {"crw", GLIMPSE_COMPANION_RAW, ""},
    {"nef", GLIMPSE_COMPANION_RAW, ""},        {"nrw", GLIMPSE_COMPANION_RAW, ""},
    {"arw", GLIMPSE_COMPANION_RAW, ""},        {"srf", GLIMPSE_COMPANION_RAW, ""},
    {"sr2", GLIMPSE_COMPANION_RAW, ""},        {"raf", GLIMPSE_COMPANION_RAW, ""},
    {"orf", GLIMPSE_COMPANION_RAW, ""},        {"rw2", GLIMPSE_COMPANION_RAW, ""},
    {"rwl", GLIMPSE_COMPANION_RAW, ""},        {"pef", GLIMPSE_COMPANION_RAW, ""},
    {"srw", GLIMPSE_COMPANION_RAW, ""},        {"3fr", GLIMPSE_COMPANION_RAW, ""},
    {"fff", GLIMPSE_COMPANION_RAW, ""},        {"iiq", GLIMPSE_COMPANION_RAW, ""},
    {"mrw", GLIMPSE_COMPANION_RAW, ""},        {"dcr", GLIMPSE_COMPANION_RAW, ""},
    {"kdc", GLIMPSE_COMPANION_RAW, ""},        {"erf", GLIMPSE_COMPANION_RAW, ""},
    {"mef", GLIMPSE_COMPANION_RAW, ""},        {"mos", GLIMPSE_COMPANION_RAW, ""},
    {"x3f", GLIMPSE_COMPANION_RAW, ""},        {"raw", GLIMPSE_COMPANION_RAW, ""},
    {"gpr", GLIMPSE_COMPANION_RAW, ""},        {"mov", GLIMPSE_COMPANION_VIDEO, ""},
    {"mov", GLIMPSE_COMPANION_VIDEO, "_HEVC"}, {"mp4", GLIMPSE_COMPANION_VIDEO, ""},
    {"m4v", GLIMPSE_COMPANION_VIDEO, ""},      {"3gp", GLIMPSE_COMPANION_VIDEO, ""},
    {"mpg", GLIMPSE_COMPANION_VIDEO, ""},      {"avi", GLIMPSE_COMPANION_VIDEO, ""},
    {"wav", GLIMPSE_COMPANION_SOUND, ""},      {"m4a", GLIMPSE_COMPANION_SOUND, ""},
    {"xmp", GLIMPSE_COMPANION_XMP, ""},        {"aae", GLIMPSE_COMPANION_SETTINGS, ""},
    {"aae", GLIMPSE_COMPANION_SETTINGS, "O"},  {"pp3", GLIMPSE_COMPANION_SETTINGS, ""},
    {"dop", GLIMPSE_COMPANION_SETTINGS, ""},   {"on1", GLIMPSE_COMPANION_SETTINGS, ""},
    {"json", GLIMPSE_COMPANION_NOTES, ""},     {"txt", GLIMPSE_COMPANION_NOTES, ""},
    {"thm", GLIMPSE_COMPANION_THUMBNAIL, ""},
};

const glimpse_companion_ending *glimpse_companion_ending_at(size_t i) {
    return i < sizeof endings / sizeof *endings ? &endings[i] : NULL;
}

glimpse_companion_role glimpse_companion_role_of(const char *ending) {
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(ending, endings[i].ending) == 0) return endings[i].role;
    }
    return GLIMPSE_COMPANION_NONE;
}

const char *glimpse_name_ending(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? dot + 1 : "";
}

size_t glimpse_name_stem(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

/* "a.jpg.xmp", and "a.jpg.supplemental-metadata.json", whose middle is cut in long names. */
static int is_own(const char *rest) {
    const char *ending = strrchr(rest, '.') + 1;
    const glimpse_companion_role role = glimpse_companion_role_of(ending);
    if (role == GLIMPSE_COMPANION_NONE || role == GLIMPSE_COMPANION_RAW) return 0;
    if (ending == rest + 1) return 1;
    const size_t middle = (size_t)(ending - rest) - 2;
    return strcasecmp(ending, "json") == 0 &&
           strncasecmp(rest + 1, "supplemental-metadata", middle) == 0;
}

size_t glimpse_companion_shared(const char *picture, const char *candidate) {
    const size_t whole = strlen(picture), stem = glimpse_name_stem(picture);
    if (strcasecmp(picture, candidate) == 0) return 0;
    if (strncasecmp(picture, candidate, whole) == 0 && candidate[whole] == '.' &&
        is_own(candidate + whole))
        return whole;
    if (strncasecmp(picture, candidate, stem) != 0) return 0;
    const char *rest = candidate + stem;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t mark = strlen(endings[i].mark);
        if (strncasecmp(rest, endings[i].mark, mark) == 0 && rest[mark] == '.' &&
            strcasecmp(rest + mark + 1, endings[i].ending) == 0)
            return stem;
    }
    return 0;
}

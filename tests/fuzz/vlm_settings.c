/*
 * vlm_settings.c - how models elsewhere are named, and the files about them. Parts: "spec" is the
 * name and address of a model, "vlm.json" and "prices.json" are files. An input without parts is a
 * spec. Nothing is asked of anybody.
 */
#include "fuzz.h"

#include <glimpse/status.h>
#include <glimpse/sys/vlm.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const files[] = {"vlm.json", "prices.json", NULL};

static void open_model(const char *spec, const char *config, const char *prices) {
    if (!glimpse_vlm_spec_is_remote(spec)) return; /* a directory of this machine */
    glimpse_vlm *vlm = NULL;
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.config = config;
    options.own_prices = prices;
    options.dry_run = 1;
    if (fuzz_fine(glimpse_vlm_open(&vlm, spec, &options))) {
        const char *address = glimpse_vlm_address(vlm);
        PROMISE(glimpse_vlm_is_remote(vlm) && *glimpse_vlm_identity(vlm));
        PROMISE(strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0);
        for (const char *p = address; *p; p++)
            PROMISE((unsigned char)*p > ' ' && *p != 127);
        PROMISE(memchr(glimpse_vlm_currency(vlm), '\0', 8) != NULL);
    }
    glimpse_vlm_close(vlm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS], spec = {.data = data, .size = size};
    const size_t count = fuzz_split(parts, data, size);
    if (count > 0) spec.size = 0;
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "spec")) spec = parts[i];
    }
    (void)umask(077);
    fuzz_remove(files);
    fuzz_write_parts(parts, count, files);
    char *text = fuzz_text(spec.data, spec.size), *config = fuzz_path(files[0]),
         *prices = fuzz_path(files[1]);
    struct stat info;
    if (stat(config, &info) != 0) fuzz_write(files[0], "{}", 2);
    open_model(text, config, prices);
    char of_file[256];
    if (fuzz_fine(glimpse_vlm_default_spec(of_file, sizeof of_file, config))) {
        PROMISE(memchr(of_file, '\0', sizeof of_file));
        open_model(of_file, config, prices);
    }
    free(text);
    free(config);
    free(prices);
    return 0;
}

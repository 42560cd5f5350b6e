/*
 * glimpse/sys/weights.h - weights as files: what PyTorch saved, written as safetensors.
 *
 *     glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
 *     if (glimpse_weights_convert("models/clip/pytorch_model.bin", NULL, &report) < 0) ...
 *     printf("%zu tensors in %s\n", report.tensors, report.output);
 *
 * glimpse_model_open() and glimpse_blip_open() read both, so nothing has to be converted.
 * Converting is for other programs, and for those who do not want to keep pickles.
 *
 * What PyTorch saves is a program that builds the weights. It is read and not run: known are
 * tensors, their storages and plain containers, and every other name or instruction in it is
 * refused by name (GLIMPSE_E_UNSUPPORTED). Read are files of torch.save, of 1.6 and later (zip) and
 * before, and the parameters of TorchScript archives.
 *
 * Threads: any.
 */
#ifndef GLIMPSE_WEIGHTS_H
#define GLIMPSE_WEIGHTS_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GLIMPSE_CONVERT_OVERWRITE = 1 /* replace a file that is there */ };

typedef struct glimpse_convert_options {
    size_t size; /* GLIMPSE_CONVERT_OPTIONS_INIT sets it */
    /* The file to write, or a directory to write it into. NULL: beside the weights, under the name
     * by which a model's weights are looked for: model.safetensors for pytorch_model.bin,
     * open_clip_model.safetensors for open_clip_pytorch_model.bin, else NAME.safetensors. */
    const char *output;
    unsigned flags; /* GLIMPSE_CONVERT_... */
} glimpse_convert_options;

static inline glimpse_convert_options glimpse_convert_options_init(void) {
    glimpse_convert_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_CONVERT_OPTIONS_INIT glimpse_convert_options_init()

typedef struct glimpse_convert_report {
    size_t size;       /* GLIMPSE_CONVERT_REPORT_INIT sets it */
    char source[4096]; /* the file, or the index of shards, that was read */
    char output[4096];
    const char *format; /* "PyTorch (zip)", "PyTorch (before 1.6)", "TorchScript"; static */
    size_t tensors;
    uint64_t bytes; /* of the file that was written */
} glimpse_convert_report;

static inline glimpse_convert_report glimpse_convert_report_init(void) {
    glimpse_convert_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_CONVERT_REPORT_INIT glimpse_convert_report_init()

/* Writes the weights at `path` - a file of PyTorch's, an index of its shards, or the directory of a
 * model with either - as one file of safetensors: names, types, shapes and bytes as they are, so
 * that a model has the same fingerprint with both. The file is written under another name, read
 * back and compared, and then renamed: there is the whole of it or none. `options` and `report` may
 * be NULL. GLIMPSE_E_INVALID when the weights are safetensors already, or when the output exists.
 */
GLIMPSE_API int glimpse_weights_convert(const char *path, const glimpse_convert_options *options,
                                        glimpse_convert_report *report);

#ifdef __cplusplus
}
#endif
#endif

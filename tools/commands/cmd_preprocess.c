/*
 * cmd_preprocess.c - glimpse preprocess: the pixels that a model would look at.
 */
#include "cli.h"
#include "json_out.h"
#include "report_file.h"
#include "session.h"
#include "tool.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/image.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const crop_rules[] = {"model", "hf", "torchvision", NULL};

static int write_bytes(const char *path, const uint8_t *data, size_t size) {
    report_file file;
    if (report_file_open(&file, path) < 0) return EXIT_FAILED;
    if (fwrite(data, 1, size, file.to) != size) file.error = errno;
    return report_file_close(&file) < 0 ? EXIT_FAILED : CLI_RUN;
}

static int run(int argc, char **argv) {
    session s = {0};
    const char *output = NULL;
    int crop = 0;
    const cli_option options[] = {
        CLI_TEXT("output", 'o', &output, "FILE", "where the raw bytes go (required)"),
        CLI_CHOICE("crop", 0, &crop, NULL, "rounding of the crop's offset (default: the model's)",
                   crop_rules),
        SESSION_MODEL_OPTION(s, "the model; its configuration files are enough"),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_preprocess, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_image *image = NULL;
    uint8_t *rgb = NULL;
    tool_set_quiet(s.quiet);
    if (arguments.count != 1) {
        code = cli_misuse(&cmd_preprocess,
                          arguments.count == 0 ? "which picture?" : "one picture at a time");
        goto done;
    }
    if (!output || !*output) {
        code = cli_misuse(&cmd_preprocess, "where should the pixels go? --output FILE");
        goto done;
    }
    const char *model = NULL;
    if ((code = session_begin_without_library(&s)) != CLI_RUN) goto done;
    if (glimpse_session_model_path(&model, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    glimpse_preprocess rules;
    if ((glimpse_blip_is_model(model) ? glimpse_blip_read_preprocess(&rules, model)
                                      : glimpse_model_read_preprocess(&rules, model)) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (crop == 1) rules.crop_rule = GLIMPSE_CROP_HF;
    if (crop == 2) rules.crop_rule = GLIMPSE_CROP_TORCHVISION;
    rgb = xmalloc(glimpse_preprocess_max_bytes(&rules));
    if (glimpse_image_load(&image, arguments.words[0], NULL) < 0 ||
        glimpse_preprocess_for(&rules, &rules, glimpse_image_metadata(image)->width,
                               glimpse_image_metadata(image)->height) < 0 ||
        glimpse_preprocess_rgb(rgb, &rules, image) < 0) {
        code = tool_fail_last();
        goto done;
    }
    const size_t size = (size_t)rules.width * rules.height * 3;
    if ((code = write_bytes(output, rgb, size)) != CLI_RUN) goto done;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", arguments.words[0]);
    jout_key(&j, "width"), jout_uint(&j, rules.width);
    jout_key(&j, "height"), jout_uint(&j, rules.height);
    jout_key(&j, "channels"), jout_uint(&j, 3);
    jout_path(&j, "output", output);
    jout_close(&j, '}');
    jout_end(&j);
    code = EXIT_FOUND;
done:
    free(rgb);
    glimpse_image_free(image);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_preprocess = {
    "preprocess",
    "IMAGE",
    "the resized and cropped pixels that a model sees",
    "Decodes IMAGE, resizes and crops it as the model's preprocessing rules say, and writes the "
    "result as height x width x 3 bytes of R, G, B. Prints "
    "{\"path\":...,\"width\":...,\"height\":...,\"channels\":3,\"output\":...}.",
    "  glimpse preprocess --model ./clip-vit-base-patch32 --output crop.rgb photo.jpg\n"
    "  glimpse preprocess --crop torchvision --output crop.rgb photo.jpg\n",
    run,
};

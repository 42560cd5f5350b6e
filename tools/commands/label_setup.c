/*
 * label_setup.c - the options of glimpse label that make a labeller.
 */
#include "label_setup.h"

int label_setup_check(label_setup *u, const cli_command *command) {
    glimpse_labeller_options *o = &u->o;
    o->templates = u->templates.values;
    o->template_count = u->templates.count;
    if (!o->classes || !*o->classes) {
        return cli_misuse(command, "which classes? --classes FILE or --classes cat,dog,bird");
    }
    if (o->template_file && o->template_count > 0) {
        return cli_misuse(command, "choose one of --template and --templates");
    }
    if (o->min_probability != -1 && (o->min_probability < 0 || o->min_probability > 1)) {
        return cli_misuse(command, "--min-probability is a number from 0 to 1");
    }
    if (o->min_margin != -1 && (o->min_margin < 0 || o->min_margin > 1)) {
        return cli_misuse(command, "--min-margin is a number from 0 to 1");
    }
    if (o->min_margin != -1 && o->multi_label) {
        return cli_misuse(command, "--min-margin makes no sense with --multi-label: classes do not "
                                   "compete");
    }
    if (o->calibrate && o->calibration) {
        return cli_misuse(command, "choose one of --calibrate and --calibration");
    }
    if (!o->calibrate && (o->save_calibration || o->precision_target != 0)) {
        return cli_misuse(command, "%s goes with --calibrate",
                          o->save_calibration ? "--save-calibration" : "--precision-target");
    }
    if (o->precision_target < 0 || o->precision_target > 1) {
        return cli_misuse(command, "--precision-target is a number from 0 to 1");
    }
    return CLI_RUN;
}

void label_setup_free(label_setup *u) {
    cli_list_free(&u->templates);
}

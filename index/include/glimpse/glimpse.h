/*
 * glimpse/glimpse.h - all of libglimpse. Each header below is the manual of its part.
 */
#ifndef GLIMPSE_GLIMPSE_H
#define GLIMPSE_GLIMPSE_H

#include <glimpse/actions.h>
#include <glimpse/answers.h>
#include <glimpse/blip.h>
#include <glimpse/build.h>
#include <glimpse/calibrate.h>
#include <glimpse/captions.h>
#include <glimpse/compute.h>
#include <glimpse/decisions.h>
#include <glimpse/document.h>
#include <glimpse/evaluate.h>
#include <glimpse/image.h>
#include <glimpse/label.h>
#include <glimpse/library.h>
#include <glimpse/model.h>
#include <glimpse/query.h>
#include <glimpse/rerank.h>
#include <glimpse/status.h>
#include <glimpse/tokenizer.h>
#include <glimpse/vlm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is running, "0.1.0". */
GLIMPSE_API const char *glimpse_version(void);

#ifdef __cplusplus
}
#endif
#endif

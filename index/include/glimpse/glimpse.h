/*
 * glimpse/glimpse.h - all of libglimpse. Each header below is the manual of its part.
 */
#ifndef GLIMPSE_GLIMPSE_H
#define GLIMPSE_GLIMPSE_H

#include <glimpse/actions.h>
#include <glimpse/build.h>
#include <glimpse/calibrate.h>
#include <glimpse/captions.h>
#include <glimpse/decisions.h>
#include <glimpse/evaluate.h>
#include <glimpse/label.h>
#include <glimpse/library.h>
#include <glimpse/query.h>
#include <glimpse/rerank.h>
#include <glimpse/session.h>
#include <glimpse/session_search.h>
#include <glimpse/session_vlm.h>
#include <glimpse/response_cache.h>
#include <glimpse/status.h>
#include <glimpse/sys/blip.h>
#include <glimpse/sys/document.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>
#include <glimpse/sys/tokenizer.h>
#include <glimpse/sys/vlm.h>
#include <glimpse/vlm_settings.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is running, "0.1.0". */
GLIMPSE_API const char *glimpse_version(void);

#ifdef __cplusplus
}
#endif
#endif

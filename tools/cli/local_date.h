/*
 * local_date.h - dates as people write them where they live. JSON, TSV and CSV keep ISO 8601.
 */
#ifndef GLIMPSE_TOOLS_LOCAL_DATE_H
#define GLIMPSE_TOOLS_LOCAL_DATE_H

/* "2021-05-30T14:03:59" in the form of the locale (LC_ALL, LC_TIME, LANG), with all digits of the
 * year: "30.05.2021 14:03", "05/30/2021 02:03 PM"; "2021-05-30 14:03" where there is no locale or
 * it is C. Without its time: local_day(). What is no such date comes back as it is. Free them. */
char *local_moment(const char *iso);
char *local_day(const char *iso);

#endif

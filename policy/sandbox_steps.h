/* SPDX-License-Identifier: ISC */
#ifndef POLICY_SANDBOX_STEPS_H
#define POLICY_SANDBOX_STEPS_H
/*
 * The larger steps of sandbox_enter(), each in a file of its own.  Every one
 * gives true, or false with errno set after sandbox_failed() has printed what
 * it was doing; what the kernel lacks goes into the report.
 */
#include "policy/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_IS_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_IS_INSTRUMENTED 1
#endif
#endif
#ifndef SANDBOX_IS_INSTRUMENTED
#define SANDBOX_IS_INSTRUMENTED 0
#endif

/* Prints "what: reason of errno", keeps errno, gives false. */
bool sandbox_failed(const char *what);

/* Steps 6 and 7. */
bool sandbox_isolate(
    const struct sandbox_plan *plan, struct sandbox_report *report);

/* Steps 9 to 11. */
bool sandbox_drop_privileges(
    const struct sandbox_plan *plan, struct sandbox_report *report);

/* Step 15. */
bool sandbox_restrict_files(
    const struct sandbox_plan *plan, struct sandbox_report *report);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef POLICY_SANDBOX_STEPS_H
#define POLICY_SANDBOX_STEPS_H
/*
 * The steps of sandbox_enter(), numbered as in sandbox.h.  Every one gives
 * true, or false with errno set after sandbox_failed() has printed what it was
 * doing; what the kernel lacks goes into the report.  No room calls one alone:
 * only tests do, to see that none hides behind another.
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

/* True if errno says that whoever runs the system forbids namespaces. */
bool sandbox_forbidden(int error);

/* What to do then; takes the name of the configuration file. */
#define SANDBOX_SWITCH_OFF                                                     \
	"namespaces are forbidden here; where that must be so, set [sandbox] " \
	"namespaces = off in %s, and give strongroomctl init --namespaces off"

typedef bool sandbox_step(
    const struct sandbox_plan *plan, struct sandbox_report *report);

sandbox_step sandbox_check_start;       /* 4, 5: environment, fds, user */
sandbox_step sandbox_isolate;           /* 6, 7: namespaces, empty root */
sandbox_step sandbox_set_limits;        /* 8: rlimits */
sandbox_step sandbox_bound_privileges;  /* 9: bounding set, securebits */
sandbox_step sandbox_change_user;       /* 10: groups, gid, uid */
sandbox_step sandbox_drop_capabilities; /* 11 */
sandbox_step sandbox_gain_nothing;      /* 12: no_new_privs */
sandbox_step sandbox_hide;              /* 13: undumpable */
sandbox_step sandbox_end_with_parent;   /* 13: PDEATHSIG */
sandbox_step sandbox_fix_code;          /* 14: MDWE */
sandbox_step sandbox_restrict_files;    /* 15: Landlock */
sandbox_step sandbox_filter_calls;      /* 16: seccomp */

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Linked into the rooms of a sanitizer's build, and only there.  Behind the
 * walls the leak check cannot trace its own process and the symbolizer cannot
 * open files: without these options a finding would end as a bare SIGSYS.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0:abort_on_error=0";
}

const char *
__ubsan_default_options(void)
{
	return "symbolize=0:halt_on_error=1";
}

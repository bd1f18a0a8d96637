/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_WALLS_ACTS_H
#define TESTS_LIB_WALLS_ACTS_H
/*
 * What the walls must stop, for alone_stops() of walls_alone.h: each does a
 * thing and gives 0 if it could be done, else errno.
 */

int act_environment(void); /* a variable that the test has set */
int act_open_null(void);   /* leaves one fd more open */
int act_close_stdin(void); /* leaves one fd fewer */
int act_thread(void);      /* leaves a second thread */
int act_many_files(void);  /* 32 fds */
int act_long_file(void);   /* a file of 1 MiB */
int act_fork(void);
int act_core(void);         /* raises the limit of core files */
int act_much_memory(void);  /* 1 GiB */
int act_chroot(void);       /* needs a capability */
int act_exec_chroot(void);  /* the same, by walls_program */
int act_bounding_set(void); /* an exec could give CAP_CHOWN */
int act_securebits(void);   /* sets them back */
int act_open_private(void); /* root's file */
int act_become_root(void);
int act_stay_in_group(void);   /* has a supplementary group */
int act_make_executable(void); /* by mprotect */
int act_map_executable(void);  /* by mmap */

#endif

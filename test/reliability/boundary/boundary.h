// What the parts of boundary share.
#pragma once
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

// What counts, from the most to the least: each has all that comes after it.
enum what { ALL, CALLS, CHANGES };
enum how { COUNT, KILL, FAIL, FAIL_ON };

extern struct state {
	enum what what;
	enum how how;
	unsigned long stop, seed, count;
	FILE *log;
	pid_t child;
	int memory;  // /proc/PID/mem of the command
	bool doomed; // it gets no further than where it is
} state;

// Errnos of which one is picked.
#define ERRNOS(...) ((const int[]){__VA_ARGS__, 0})

void die(const char *what);

// Notes a call. @return 0 to let it happen, otherwise what to refuse it with
int reach(enum what weight, const int *errnos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// @return 0 to let a call happen, otherwise what to refuse it with
int decide(const struct seccomp_data *call);

// Takes out of what is sent to a socket what is not to happen.
void netlink(int fd, unsigned long address, size_t size);

/* Runs a command and prints what it took as JSON: seconds, and its peak of memory in KiB.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
	return time.tv_sec + time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage used;
	int status;

	if (argc < 2)
		errx(64, "usage: spent COMMAND ARGUMENT...");
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		dup2(2, 1);
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	/* What a shell waits for counts as well. */
	if (wait4(child, &status, 0, &used) < 0)
		err(1, "wait4");
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("{\"wall\":%f,\"cpu\":%f,\"peak\":%ld}\n",
	       end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9,
	       seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* pdf.c - the text of a PDF, by the program pdftotext (poppler-utils).
 *
 * Contract: no shell; the program gets the path as one argument, an empty input, limits of memory
 * and processor time, and KNOWLEDGE_PDF_TIME_MS; it is killed with its group when it takes longer
 * or prints more than KNOWLEDGE_TEXT_MAX.  A crash of it is an ordinary error of that file. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define PDF_MEMORY ((rlim_t)2 << 30) /* address space of pdftotext */
#define PDF_CPU_S 60
#define WORDS_MAX 400 /* bytes kept of what it complains */

struct job {
    pid_t pid;
    int out, words; /* our ends; -1 = closed */
};

static int spawn(struct job *job, const char *path, const int child[3])
{
    char *file = mem_printf("%s%s", path[0] == '-' ? "./" : "", path);
    char *argv[] = {"pdftotext", "-q", "-enc", "UTF-8", "-eol", "unix", file, "-", NULL};
    char *envp[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
    int why = process_spawn("pdftotext", argv, envp, child, &job->pid);
    mem_free(file);
    return why;
}

static enum err_code start(struct job *job, const char *path, struct err *err)
{
    CLEANUP(process_close_at) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out[2] = {-1, -1}, words[2] = {-1, -1};
    int why = 0;
    *job = (struct job){.out = -1, .words = -1};
    if (in < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(words, O_CLOEXEC) < 0)
        why = errno;
    if (why == 0)
        why = spawn(job, path, (const int[3]){in, out[1], words[1]});
    process_close_at(&out[1]);
    process_close_at(&words[1]);
    job->out = out[0];
    job->words = words[0];
    if (why == 0) {
        struct rlimit memory = {PDF_MEMORY, PDF_MEMORY}, cpu = {PDF_CPU_S, PDF_CPU_S};
        prlimit(job->pid, RLIMIT_AS, &memory, NULL);
        prlimit(job->pid, RLIMIT_CPU, &cpu, NULL);
        return ERR_OK;
    }
    process_close_at(&job->out);
    process_close_at(&job->words);
    if (why == ENOENT) {
        err_set(err, ERR_UNSUPPORTED, "PDF needs the program pdftotext, which is not installed");
        return err_hint(err, "install the package poppler-utils");
    }
    return err_errno(err, why, "cannot run pdftotext");
}

static enum err_code pump(struct job *job, struct buf *out, struct buf *words, struct err *err)
{
    int64_t end_ms = clock_mono_ms() + KNOWLEDGE_PDF_TIME_MS;
    while (job->out >= 0 || job->words >= 0) {
        struct pollfd fds[2] = {{.fd = job->out, .events = POLLIN},
                                {.fd = job->words, .events = POLLIN}};
        int64_t left = end_ms - clock_mono_ms();
        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, "pdftotext takes longer than %d s",
                           KNOWLEDGE_PDF_TIME_MS / 1000);
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot wait for pdftotext");
        if (fds[0].revents)
            process_take(&job->out, out, KNOWLEDGE_TEXT_MAX + 1);
        if (fds[1].revents)
            process_take(&job->words, words, WORDS_MAX);
        if (out->len > KNOWLEDGE_TEXT_MAX)
            return err_set(err, ERR_TOO_LARGE, "the text of the PDF is larger than %zu bytes",
                           KNOWLEDGE_TEXT_MAX);
    }
    return ERR_OK;
}

enum err_code knowledge_pdf_text(const char *path, struct buf *out, struct err *err)
{
    CLEANUP(buf_done) struct buf words = BUF_INIT;
    struct job job;
    int status = 0;
    enum err_code rc = start(&job, path, err);
    if (rc)
        return rc;
    rc = pump(&job, out, &words, err);
    if (rc)
        kill(-job.pid, SIGKILL);
    process_close_at(&job.out);
    process_close_at(&job.words);
    while (waitpid(job.pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (rc)
        return rc;
    if (WIFSIGNALED(status))
        return err_set(err, ERR_INVALID, "pdftotext was ended by signal %d: a broken PDF",
                       WTERMSIG(status));
    if (WEXITSTATUS(status) == 3)
        return err_set(err, ERR_FORBIDDEN, "the PDF does not permit taking its text");
    if (WEXITSTATUS(status) == 0)
        return ERR_OK;
    char *text = words.len > 0 ? words.data : NULL;
    if (text)
        text[strcspn(text, "\n")] = '\0';
    return err_set(err, ERR_INVALID, "pdftotext cannot read it: %s",
                   text && str_is_utf8(text, strlen(text)) && text[0] ? text : "a broken PDF");
}

/*
 * faults.c - answers the system calls of a process with errors, by seccomp.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#if defined(__x86_64__)
# define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
# define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(ARCHITECTURE) && defined(SECCOMP_FILTER_FLAG_NEW_LISTENER) && \
    defined(SECCOMP_USER_NOTIF_FLAG_CONTINUE)

static const int watched[] = {
    SYS_write,    SYS_pwrite64,  SYS_writev, SYS_pwritev, SYS_fsync, SYS_fdatasync,
# ifdef SYS_rename
    SYS_rename,
# endif
    SYS_renameat, SYS_renameat2,
};

/* In the child: from here on its calls come to the listener, which is returned. */
static int install(void) {
    enum { CALLS = sizeof watched / sizeof *watched };
    struct sock_filter code[CALLS + 6];
    unsigned short n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, CALLS + 1);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALLS; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)watched[i],
                                                 (unsigned char)(CALLS - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    const struct sock_fprog program = {n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static int send_descriptor(int socket, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    int fd = -1;
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

static int is_below(const faults *f, unsigned process, uint64_t fd) {
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/%u/fd/%d", process, (int)fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = '\0';
    size_t prefix = strlen(f->below);
    return strncmp(path, f->below, prefix) == 0 && (path[prefix] == '/' || !path[prefix]);
}

static int64_t size_of_parts(const struct seccomp_notif *call) {
    struct iovec parts[64];
    const size_t count = call->data.args[2] < 64 ? (size_t)call->data.args[2] : 64;
    struct iovec to = {parts, count * sizeof *parts};
    struct iovec from = {(void *)(uintptr_t)call->data.args[1], to.iov_len};
    int64_t size = 0;
    if (process_vm_readv((pid_t)call->pid, &to, 1, &from, 1, 0) < 0) return 0;
    for (size_t i = 0; i < count; i++)
        size += (int64_t)parts[i].iov_len;
    return size;
}

/* The errno that the call is to fail with; 0: it goes on. */
static int judge(faults *f, const struct seccomp_notif *call) {
    switch (call->data.nr) {
    case SYS_fsync:
    case SYS_fdatasync:
        if (!is_below(f, call->pid, call->data.args[0])) return 0;
        return ++f->syncs == f->sync ? EIO : 0;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev: {
        if (!is_below(f, call->pid, call->data.args[0])) return 0;
        const int in_parts = call->data.nr == SYS_writev || call->data.nr == SYS_pwritev;
        f->written += in_parts ? size_of_parts(call) : (int64_t)call->data.args[2];
        return f->bytes >= 0 && f->written > f->bytes ? ENOSPC : 0;
    }
    default: return ++f->renames == f->rename ? EIO : 0;
    }
}

/* Until no process is left that the filter holds for. */
static void supervise(faults *f, int listener) {
    union {
        struct seccomp_notif call;
        char capacity[1024]; /* later kernels may know more of a call */
    } in;
    union {
        struct seccomp_notif_resp answer;
        char capacity[1024];
    } out;
    struct pollfd waiting = {listener, POLLIN, 0};
    while (poll(&waiting, 1, -1) > 0 && waiting.revents & POLLIN) {
        memset(&in, 0, sizeof in);
        memset(&out, 0, sizeof out);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) != 0) continue; /* killed meanwhile */
        const int error = judge(f, &in.call);
        out.answer.id = in.call.id;
        out.answer.error = -error;
        if (!error) out.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
    }
}

int faults_available(void) {
    pid_t child = fork();
    if (child == 0) _exit(install() >= 0 ? 0 : 1);
    int how = 0;
    return child > 0 && waitpid(child, &how, 0) == child && WIFEXITED(how) && !WEXITSTATUS(how);
}

void faults_run(run_result *r, faults *f, const char *const *arguments) {
    const char *argv[64] = {"glimpse"};
    int ends[2];
    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = arguments[i];
    f->written = 0;
    f->syncs = f->renames = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int in = open("/dev/null", O_RDONLY);
        int out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        int err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)dup2(in, 0);
        (void)dup2(out, 1);
        (void)dup2(err, 2);
        (void)alarm(100);
        int listener = install();
        if (listener < 0 || send_descriptor(ends[1], listener) < 0) _exit(126);
        (void)close(listener);
        (void)execv(GLIMPSE_PROGRAM, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(ends[1]);
    int listener = receive_descriptor(ends[0]), status = 0;
    (void)close(ends[0]);
    assert_true(listener >= 0);
    supervise(f, listener);
    (void)close(listener);
    assert_int_equal(waitpid(child, &status, 0), child);
    r->code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    r->out = read_whole_file("out", &r->out_size);
    r->err = read_whole_file("err", &r->err_size);
}

#else

int faults_available(void) {
    return 0;
}

void faults_run(run_result *r, faults *f, const char *const *arguments) {
    (void)r, (void)f, (void)arguments;
    fail_msg("no faults on this system");
}

#endif

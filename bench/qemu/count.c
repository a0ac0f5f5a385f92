/* A plugin of QEMU's user mode that counts the instructions of a process, all threads, and writes their number into a
 * file whenever the process calls the kernel: a function that waits for an event has just done so, and one that is ended by
 * a signal writes nothing more. How it is built and used is in docs/PERFORMANCE.md. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static qemu_plugin_u64 count;
static int file = -1;

static void write_count(void)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%-20" PRIu64 "\n", qemu_plugin_u64_sum(count));
    if (pwrite(file, text, length, 0) != length) {
        qemu_plugin_outs("the count cannot be written\n");
    }
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
    write_count();
}

static void at_call(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                    uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    write_count();
}

static void at_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
        block, QEMU_PLUGIN_INLINE_ADD_U64, count, qemu_plugin_tb_n_insns(block));
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
        return -1;
    }
    file = open(argv[0] + 4, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    count = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
    qemu_plugin_register_vcpu_tb_trans_cb(id, at_block);
    qemu_plugin_register_vcpu_syscall_cb(id, at_call);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return file < 0 ? -1 : 0;
}

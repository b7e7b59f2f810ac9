package dev.tenon.testkit.ssh;

import dev.tenon.spi.workload.MemberRef;
import java.util.List;

/** What a member leaves on a host, found by looking into the container and not through the delivery. */
final class HostTraces {
    /** Prints the member's processes; the server's children rename themselves, so that only its main process shows its directory. */
    private static final String PROCESSES = "for p in /proc/[0-9]*; do [ \"${p#/proc/}\" = $$ ] && continue;"
            + " if tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q -- \"-D [^ ]*$1/\"; then echo ${p#/proc/}; fi; done";

    private HostTraces() {}

    static List<String> processes(SshContainer host, MemberRef ref) {
        return lines(host.sh(PROCESSES, ref.externalName()));
    }

    static void killMain(SshContainer host, MemberRef ref) {
        List<String> found = processes(host, ref);
        if (found.size() != 1) {
            throw new AssertionError("expected one process of " + ref + ", found " + found);
        }
        host.sh("kill -9 $1", found.get(0));
    }

    static List<String> residue(SshContainer host, MemberRef ref) {
        return lines(host.sh(
                PROCESSES
                        + "; find / -xdev -path /proc -prune -o -path '*/trash' -prune -o -name \"*$1*\" -print 2>/dev/null;"
                        + " find /run -name \"*$1*\" -print; grep -rlE \"/$1\\$\" /var/lib/tenon/ports 2>/dev/null || true",
                ref.externalName()));
    }

    static List<String> publicTexts(SshContainer host, MemberRef ref) {
        return lines(host.sh(
                "for p in $(" + PROCESSES
                        + "); do tr '\\0' '\\n' < /proc/$p/cmdline; tr '\\0' '\\n' < /proc/$p/environ; done;"
                        + " cat /run/systemd/transient/*$1* 2>/dev/null || true",
                ref.externalName()));
    }

    private static List<String> lines(String text) {
        return text.lines().filter(l -> !l.isBlank()).toList();
    }
}

package dev.tenon.baremetal;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A process of a member: our own child, or one that an earlier JVM started and we adopted. */
final class Running {
    private final long pid;
    private final Optional<Process> child;
    private final Supplier<Optional<Launcher.Identity>> whoAmI;
    private final ProcFs proc;
    private volatile Launcher.@Nullable Identity identity;

    Running(long pid, Optional<Process> child, Supplier<Optional<Launcher.Identity>> whoAmI, ProcFs proc) {
        this.pid = pid;
        this.child = child;
        this.whoAmI = whoAmI;
        this.proc = proc;
    }

    long pid() {
        return pid;
    }

    Optional<Process> child() {
        return child;
    }

    /** Returns what it wrote of itself; nothing in its very first moments. */
    Optional<Launcher.Identity> identity() {
        Launcher.Identity known = identity;
        if (known == null) {
            known = whoAmI.get().filter(i -> i.pid() == pid).orElse(null);
            identity = known;
        }
        return Optional.ofNullable(known);
    }

    boolean alive() {
        if (child.isPresent()) {
            return child.get().isAlive();
        }
        return identity().filter(i -> proc.runs(i.pid(), i.started())).isPresent();
    }

    /** Returns the exit code, known only of our own children. */
    OptionalInt exitCode() {
        return child.isPresent() && !child.get().isAlive()
                ? OptionalInt.of(child.get().exitValue())
                : OptionalInt.empty();
    }

    /** Kills it and all below it. It is stopped first, so that it cannot start another while we look. */
    void killTree(Signals signals) {
        if (!alive()) {
            return;
        }
        signals.send("STOP", pid);
        List<ProcFs.Stat> tree = proc.tree(pid);
        signals.send("KILL", pid);
        for (ProcFs.Stat stat : tree) {
            if (stat.pid() != pid && proc.runs(stat.pid(), stat.started())) {
                signals.send("KILL", stat.pid());
            }
        }
    }
}

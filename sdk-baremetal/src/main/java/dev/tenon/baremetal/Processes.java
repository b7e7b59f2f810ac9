package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.ProcessSpec;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts, awaits and ends the processes of members. */
final class Processes {
    private static final Logger log = LoggerFactory.getLogger(Processes.class);
    private static final int LINES_TOLD = 20;
    /** Even a killed process may take a while: its memory must be given back, its disk writes must end. */
    private static final Duration DEATH = Duration.ofSeconds(10);

    private final Launcher launcher;
    private final Signals signals;
    private final Commands commands;
    private final ProcFs proc;
    private final Ticker ticker;
    private final String listen;

    Processes(Launcher launcher, Signals signals, Commands commands, ProcFs proc, Ticker ticker, String listen) {
        this.launcher = launcher;
        this.signals = signals;
        this.commands = commands;
        this.proc = proc;
        this.ticker = ticker;
        this.listen = listen;
    }

    /** How processes are to end. */
    enum Ending {
        /** Writing what they hold. */
        GENTLE,
        /** Only letting go of what the machine would keep: their data goes with them. */
        DISCARDING,
        /** At once. */
        KILLED
    }

    /** A failed start, and whether another port could mend it. */
    record Failure(ErrorCode code, String message, Optional<String> takenPort) {}

    /** What was there before a start, so that only what came after counts. */
    record Before(String probeFile, long outputSize) {}

    Map<String, Running> alive(Member member, MemberRecord content) {
        return member.alive(content, launcher);
    }

    Before before(Member member, MemberRecord content) {
        try {
            Path output = member.output(content.processes().get(0).name());
            return new Before(fingerprint(content.ready()), Files.exists(output) ? Files.size(output) : 0);
        } catch (IOException e) {
            throw Failures.io("looking at " + member.home(), e);
        }
    }

    /** Starts one process. */
    Running spawn(Member member, MemberRecord content, ProcessSpec process, Rendering rendering) {
        List<String> join = content.cgroups().stream().map(Cgroups::joinFile).toList();
        try {
            Files.deleteIfExists(member.runFile(process.name()));
            Path output = member.output(process.name());
            MemberLog.cap(output);
            if (Files.notExists(output)) {
                Files.createFile(output, Disk.mode(0600));
            }
        } catch (IOException e) {
            throw Failures.io("preparing to start " + process.name() + " of " + member.ref(), e);
        }
        Running running = launcher.start(new Launcher.Start(
                rendering.argv(process.argv()),
                rendering.environment(process.environment()),
                member.runFile(process.name()),
                member.output(process.name()),
                join,
                content.ephemeral() ? Optional.of(process.stop().signal()) : Optional.empty()));
        member.running.put(process.name(), running);
        return running;
    }

    /** Waits until the member is ready; returns why it is not going to be, if so. */
    Optional<Failure> awaitReady(Member member, MemberRecord content, Running main, Before before, Duration timeout) {
        Ticker.Deadline deadline = ticker.in(timeout);
        long begun = ticker.nanos();
        while (true) {
            if (!main.alive()) {
                return Optional.of(whyEnded(member, content, main, before));
            }
            if (ready(member, content, Optional.of(before))) {
                return Optional.empty();
            }
            if (deadline.passed()) {
                return Optional.of(new Failure(
                        ErrorCode.TIMEOUT,
                        member.ref() + " was not ready within " + timeout + "; it still runs. Its last lines: "
                                + lastLines(member, content, before.outputSize()),
                        Optional.empty()));
            }
            // Most starts take some 20 ms, so that half a millisecond more would show; recovery may take minutes.
            long waited = ticker.nanos() - begun;
            ticker.pause(
                    waited < 200_000_000L
                            ? Duration.ofNanos(300_000)
                            : Duration.ofMillis(waited < 5_000_000_000L ? 1 : 10));
        }
    }

    private Failure whyEnded(Member member, MemberRecord content, Running main, Before before) {
        String words = lastLines(member, content, before.outputSize());
        String how =
                main.exitCode().isPresent() ? "ended with " + main.exitCode().getAsInt() : "ended";
        String name = content.processes().get(0).name();
        for (Map.Entry<String, Integer> port : content.ports().entrySet()) {
            Optional<ProcFs.Listener> other = proc.conflict(listen, port.getValue());
            if (other.isPresent()) {
                String who = proc.holder(other.get().inode()).orElse("another process");
                return new Failure(
                        ErrorCode.PORT_TAKEN,
                        "port " + port.getValue() + " of " + member.ref() + " is taken by " + who + "; " + name + " "
                                + how + ". End that process, or let it use another port.",
                        Optional.of(port.getKey()));
            }
        }
        return new Failure(
                Failures.saysDiskFull(words) ? ErrorCode.DISK_FULL : ErrorCode.PROVIDER_FAILED,
                name + " of " + member.ref() + " " + how + " before it was ready. Its last lines: " + words,
                Optional.empty());
    }

    /** Returns what the main process printed since the offset, shortened. */
    String lastLines(Member member, MemberRecord content, long from) {
        Path output = member.output(content.processes().get(0).name());
        try (InputStream in = Files.newInputStream(output)) {
            in.skipNBytes(Math.min(from, Files.size(output)));
            List<String> lines = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).split("\n")) {
                if (!line.isBlank()) {
                    lines.add(line.strip());
                }
            }
            return lines.isEmpty()
                    ? "(none)"
                    : String.join(" | ", lines.subList(Math.max(0, lines.size() - LINES_TOLD), lines.size()));
        } catch (IOException e) {
            return "(unreadable: " + e.getMessage() + ")";
        }
    }

    /**
     * Returns whether the member is ready.
     *
     * @param before what the probe's file was before this start; without it, it must be younger than the process
     */
    boolean ready(Member member, MemberRecord content, Optional<Before> before) {
        MemberRecord.ReadyEntry ready = content.ready();
        if (!ready.file().isEmpty()) {
            boolean fresh = before.isPresent()
                    ? !fingerprint(ready).equals(before.get().probeFile())
                    : youngerThanRun(member, content, Path.of(ready.file()));
            return fresh && hasLine(Path.of(ready.file()), ready.line());
        }
        if (ready.port() > 0) {
            return accepts(ready.port());
        }
        if (!ready.command().isEmpty()) {
            ExecResult result =
                    commands.run(ready.command(), Map.of(), Optional.empty(), Duration.ofSeconds(5), Path.of("/"));
            return result.exitCode() == 0 && result.stdout().contains(ready.line());
        }
        return true;
    }

    /** A file left by an earlier run still says "ready": what tells them apart is that it was not touched since. */
    private static String fingerprint(MemberRecord.ReadyEntry ready) {
        if (ready.file().isEmpty()) {
            return "";
        }
        try {
            Map<String, Object> a =
                    Files.readAttributes(Path.of(ready.file()), "unix:ino,ctime", LinkOption.NOFOLLOW_LINKS);
            return a.get("ino") + " " + a.get("ctime");
        } catch (IOException e) {
            // Not there yet.
            return "";
        }
    }

    private static boolean youngerThanRun(Member member, MemberRecord content, Path file) {
        try {
            FileTime written = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
            Path runFile = member.runFile(content.processes().get(0).name());
            return written.compareTo(Files.getLastModifiedTime(runFile)) >= 0;
        } catch (IOException e) {
            // One of them is not there yet.
            return false;
        }
    }

    private static boolean hasLine(Path file, String start) {
        try {
            for (String line : Files.readAllLines(file)) {
                if (line.startsWith(start)) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            // Not there yet, or just being written.
            return false;
        }
    }

    private boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(listen.equals("0.0.0.0") ? "127.0.0.1" : listen, port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Tells a process to do something, by its command or its signal. */
    void tell(Running process, dev.tenon.spi.workload.Stop how, Rendering rendering) {
        if (how.command().isPresent()) {
            var command = how.command().get();
            commands.run(
                    rendering.argv(command.argv()),
                    rendering.environment(command.environment()),
                    command.stdin(),
                    command.timeout(),
                    Path.of("/"));
        } else if (process.alive()) {
            signals.send(how.signal(), process.pid());
        }
    }

    /** Ends all processes of a member, last started first. */
    void endAll(
            Member member,
            MemberRecord content,
            Optional<MemberWorkload> workload,
            Optional<Rendering> rendering,
            Ending ending,
            Duration longestGrace) {
        Map<String, Running> alive = alive(member, content);
        List<MemberRecord.ProcessEntry> order = new ArrayList<>(content.processes());
        Collections.reverse(order);
        for (MemberRecord.ProcessEntry entry : order) {
            Running process = alive.get(entry.name());
            if (process != null) {
                member.running.remove(entry.name(), process);
                Duration grace = Duration.ofMillis(Math.min(entry.graceMillis(), longestGrace.toMillis()));
                Optional<dev.tenon.spi.workload.Stop> asked = workload.flatMap(w -> w.processes().stream()
                        .filter(p -> p.name().equals(entry.name()))
                        .map(ProcessSpec::stop)
                        .findFirst());
                end(member, entry, process, asked, rendering, ending, grace);
            }
            deleteRunFile(member, entry.name());
        }
        endLeftovers(member, content);
        member.readyIncarnation = "";
        member.lastEnd = "";
    }

    private static void deleteRunFile(Member member, String name) {
        try {
            Files.deleteIfExists(member.runFile(name));
        } catch (IOException e) {
            throw Failures.io("removing the run file of " + name, e);
        }
    }

    private void end(
            Member member,
            MemberRecord.ProcessEntry entry,
            Running process,
            Optional<dev.tenon.spi.workload.Stop> asked,
            Optional<Rendering> rendering,
            Ending ending,
            Duration grace) {
        if (ending != Ending.KILLED) {
            if (ending == Ending.DISCARDING) {
                if (process.alive()) {
                    signals.send(entry.discard(), process.pid());
                }
            } else if (asked.isPresent() && asked.get().command().isPresent() && rendering.isPresent()) {
                tell(process, asked.get(), rendering.get());
            } else if (process.alive()) {
                signals.send(entry.signal(), process.pid());
            }
            if (gone(process, grace)) {
                return;
            }
            log.warn("{} of {} did not end within {} and is killed", entry.name(), member.ref(), grace);
        }
        process.killTree(signals);
        if (!gone(process, DEATH)) {
            throw Failures.of(
                    ErrorCode.PROVIDER_FAILED,
                    entry.name() + " of " + member.ref() + " (process " + process.pid()
                            + ") cannot be killed; is its disk stuck?");
        }
    }

    /** Kills what the main processes left behind, where control groups show it. */
    private void endLeftovers(Member member, MemberRecord content) {
        for (String group : content.cgroups()) {
            try {
                Ticker.Deadline deadline = ticker.in(DEATH);
                List<Long> left = Cgroups.processes(Path.of(group));
                while (!left.isEmpty() && !deadline.passed()) {
                    left.forEach(pid -> signals.send("KILL", pid));
                    ticker.pause(Duration.ofMillis(1));
                    left = Cgroups.processes(Path.of(group));
                }
            } catch (IOException e) {
                throw Failures.io("looking for processes that " + member.ref() + " left", e);
            }
        }
    }

    /** Waits until a process has ended; a child's end wakes us, an adopted one must be looked at. */
    boolean gone(Running process, Duration limit) {
        if (process.child().isPresent()) {
            try {
                return process.child().get().waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                throw Failures.interrupted();
            }
        }
        Ticker.Deadline deadline = ticker.in(limit);
        while (process.alive()) {
            if (deadline.passed()) {
                return false;
            }
            ticker.pause(Duration.ofMillis(1));
        }
        return true;
    }
}

package dev.tenon.testkit.local;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

/** Signals to processes of this machine. */
final class Signals {
    private Signals() {}

    /** Sends one to those that still live, and waits until all are sent. */
    static void send(String name, List<ProcessHandle> processes) throws IOException, InterruptedException {
        for (ProcessHandle process : processes) {
            if (process.isAlive()) {
                // The shell has its own kill; as a program it is missing on a bare Debian.
                new ProcessBuilder("/bin/sh", "-c", "kill -$1 $2", "signal", name, Long.toString(process.pid()))
                        .inheritIO()
                        .start()
                        .waitFor();
            }
        }
    }

    /** Returns a process and what came of it. */
    static List<ProcessHandle> tree(ProcessHandle root) {
        return Stream.concat(Stream.of(root), root.descendants()).toList();
    }
}

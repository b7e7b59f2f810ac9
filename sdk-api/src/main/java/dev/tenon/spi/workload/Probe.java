package dev.tenon.spi.workload;

/** How the place tells that a started member is ready for its first session. */
public sealed interface Probe {
    /** Ready when a TCP connection to the port is accepted. */
    record PortOpen(String port) implements Probe {}

    /**
     * Ready when a file below a directory holds a line that starts with the text. Only a file written since the main process was
     * started counts: a server that was killed leaves its last one behind.
     */
    record FileLine(String directory, String path, String line) implements Probe {}

    /** Ready when the command succeeds. */
    record Exec(Command command) implements Probe {}

    /** Ready as soon as its processes run, for a member that has no sessions: a monitor, an arbiter. */
    record Running() implements Probe {}
}

package dev.tenon.spi.workload;

import java.util.List;

/**
 * A command that makes a fresh member's directories usable, run once and in order.
 *
 * @param name for progress and logs
 * @param command what to run
 * @param directory the directory it fills; empty before the first step that names it. Later steps may go on in the same
 *     directory; if one of them was not completed, all steps of that directory are started over
 * @param creates path below {@code directory} that exists exactly when the step was completed: a step found half done is
 *     started over on an empty directory
 * @param identityFree whether the outcome holds nothing of this member (no name, port, password, identity), so that the place
 *     may run it once and copy the outcome for others
 * @param inputs files that the command reads and that exist only while it runs, in other directories than {@code directory}:
 *     the way in for secrets of programs that read them from a file
 */
public record InitialiseStep(
        String name, Command command, String directory, String creates, boolean identityFree, List<FileSpec> inputs) {
    /** Copies the list. */
    public InitialiseStep {
        inputs = List.copyOf(inputs);
    }

    /** Creates a step whose command reads no files of its own. */
    public InitialiseStep(String name, Command command, String directory, String creates, boolean identityFree) {
        this(name, command, directory, creates, identityFree, List.of());
    }
}

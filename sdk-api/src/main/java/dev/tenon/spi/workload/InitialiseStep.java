package dev.tenon.spi.workload;

/**
 * A command that makes a fresh member's directories usable, run once and in order.
 *
 * @param name for progress and logs
 * @param command what to run
 * @param directory the directory it fills; empty before
 * @param creates path below {@code directory} that exists exactly when the step was completed: a step found half done is
 *     started over on an empty directory
 * @param identityFree whether the outcome holds nothing of this member (no name, port, password, identity), so that the place
 *     may run it once and copy the outcome for others
 */
public record InitialiseStep(String name, Command command, String directory, String creates, boolean identityFree) {}

package dev.tenon.spi.workload;

import java.util.List;

/**
 * One step of joining fresh members into an instance: what {@link InitialiseStep} cannot say because it needs a running server,
 * another member, or both. Done once and in order, before the members are prepared and started as
 * {@link dev.tenon.spi.engine.EngineDriver#workloads} describes them.
 *
 * <p>Not repeatable step by step: a bootstrap that was not seen to complete is started over on destroyed members.
 */
public sealed interface BootstrapStep {
    /** Returns the step's name, for progress and logs. */
    String name();

    /**
     * Prepares a member as {@code workload} says, without starting it.
     *
     * @param name for progress and logs
     * @param workload the member as it is while the bootstrap goes on
     */
    record Prepare(String name, MemberWorkload workload) implements BootstrapStep {}

    /**
     * Prepares and starts a member as {@code workload} says, which may be less than the member's final one, and waits until
     * it is ready.
     *
     * @param name for progress and logs
     * @param workload the member as it is while the bootstrap goes on
     */
    record Start(String name, MemberWorkload workload) implements BootstrapStep {}

    /**
     * Sends statements, one by one, in a session of the engine's own administrator; the first that fails ends the bootstrap.
     *
     * @param name for progress and logs
     * @param member the member to ask
     * @param statements no secrets; holes only where the engine takes a path or number as text
     */
    record Statements(String name, String member, List<Template> statements) implements BootstrapStep {
        /** Copies the list. */
        public Statements {
            statements = List.copyOf(statements);
        }
    }

    /**
     * Stops a member cleanly.
     *
     * @param name for progress and logs
     * @param member the member to stop
     */
    record Stop(String name, String member) implements BootstrapStep {}

    /**
     * Runs a program of the software as a stopped member's user, on its directories.
     *
     * @param name for progress and logs
     * @param member the stopped member
     * @param command what to run
     */
    record Run(String name, String member, Command command) implements BootstrapStep {}

    /**
     * Copies a file or directory tree from one stopped member to the same place of others, over whatever lies there.
     *
     * @param name for progress and logs
     * @param from the member that has it
     * @param directory a {@link Directory#name()} that all these members have
     * @param path below it
     * @param to the members that get it
     */
    record Copy(String name, String from, String directory, String path, List<String> to) implements BootstrapStep {
        /** Copies the list. */
        public Copy {
            to = List.copyOf(to);
        }
    }

    /**
     * Deletes a file or directory tree of a member, if it is there.
     *
     * @param name for progress and logs
     * @param member the member
     * @param directory a {@link Directory#name()} of it
     * @param path below it
     */
    record Delete(String name, String member, String directory, String path) implements BootstrapStep {}
}

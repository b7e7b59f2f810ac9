package dev.tenon.spi.workload;

import java.util.List;
import java.util.Map;

/**
 * A long-running process of the member. The first in {@link MemberWorkload#processes()} is the main process: the member runs
 * when it runs. They start in order and stop in reverse order.
 *
 * @param name 1 to 16 characters of {@code a-z0-9-}; unique in the member
 * @param argv program and arguments, no secrets; runs in the foreground
 * @param environment added to a minimal environment
 * @param stop how it is asked to end
 * @param restart whether the place itself should start it again when it ends unasked; the reconciler does so in any case
 */
public record ProcessSpec(
        String name, List<Template> argv, Map<String, Template> environment, Stop stop, boolean restart) {
    /** Copies the collections. */
    public ProcessSpec {
        argv = List.copyOf(argv);
        environment = Map.copyOf(environment);
    }
}

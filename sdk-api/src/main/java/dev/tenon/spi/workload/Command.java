package dev.tenon.spi.workload;

import dev.tenon.api.Secret;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A program to run to its end as the run-as user. There is no shell: each argument arrives as it is. Secrets go through
 * standard input, never through arguments or the environment.
 *
 * @param argv program and arguments; a program without a slash is looked up in the software's {@code bin}
 * @param environment added to a minimal environment
 * @param stdin what the program reads, if anything
 * @param timeout how long it may take
 * @param successText text that its standard output holds when it succeeded, for programs whose exit code is not documented;
 *     it must then end with 0 <em>and</em> have printed this
 */
public record Command(
        List<Template> argv,
        Map<String, Template> environment,
        Optional<Secret> stdin,
        Duration timeout,
        Optional<String> successText) {
    /** Copies the collections. */
    public Command {
        argv = List.copyOf(argv);
        environment = Map.copyOf(environment);
    }

    /** Creates a command that tells its success by exit code 0 alone. */
    public Command(List<Template> argv, Map<String, Template> environment, Optional<Secret> stdin, Duration timeout) {
        this(argv, environment, stdin, timeout, Optional.empty());
    }

    /** Returns a command without environment and input. */
    public static Command of(Duration timeout, Template... argv) {
        return new Command(List.of(argv), Map.of(), Optional.empty(), timeout);
    }
}

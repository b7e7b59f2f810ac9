package dev.tenon.spi.workload;

import java.time.Duration;
import java.util.Optional;

/**
 * How a process is asked to end. After the grace it is killed.
 *
 * @param command a command to run instead of the signal, for engines that want one
 * @param signal the signal without {@code SIG}: {@code TERM}, {@code INT}, {@code QUIT}
 * @param grace how long it may take before it is killed
 */
public record Stop(Optional<Command> command, String signal, Duration grace) {
    /** Returns a stop by signal. */
    public static Stop signal(String signal, Duration grace) {
        return new Stop(Optional.empty(), signal, grace);
    }
}

package dev.tenon.spi.workload;

import java.time.Duration;
import java.util.Optional;

/**
 * How a process is asked to end. After the grace it is killed.
 *
 * @param command a command to run instead of the signal, for engines that want one
 * @param signal the signal without {@code SIG}: {@code TERM}, {@code INT}, {@code QUIT}
 * @param grace how long it may take before it is killed
 * @param discard the signal for when its data goes with it: it need not write what it still holds, only let go of what the machine
 *     would keep
 */
public record Stop(Optional<Command> command, String signal, Duration grace, String discard) {
    /** Returns a stop by signal, also when the data goes. */
    public static Stop signal(String signal, Duration grace) {
        return new Stop(Optional.empty(), signal, grace, signal);
    }

    /** Returns a stop by command, and by signal when the data goes. */
    public static Stop command(Command command, String signal, Duration grace) {
        return new Stop(Optional.of(command), signal, grace, signal);
    }

    /** Returns the same with another signal for when the data goes. */
    public Stop discard(String other) {
        return new Stop(command, signal, grace, other);
    }
}

package dev.tenon.spi.delivery;

import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.time.Clock;
import java.util.function.Consumer;

/**
 * What the control plane gives a delivery when it starts.
 *
 * @param directory where the delivery may keep files on the control plane's machine; made on demand
 * @param clock wall clock
 * @param wake to be called, from any thread and cheaply, when a member may have changed; its content is never trusted
 * @param state what it must find again wherever the control plane runs next, and shares with the others
 */
public record DeliveryContext(Path directory, Clock clock, Consumer<MemberRef> wake, PlaceState state) {
    /** Creates a context whose state is gone with this process. */
    public DeliveryContext(Path directory, Clock clock, Consumer<MemberRef> wake) {
        this(directory, clock, wake, PlaceState.inMemory());
    }
}

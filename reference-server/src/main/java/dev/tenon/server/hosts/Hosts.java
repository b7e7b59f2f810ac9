package dev.tenon.server.hosts;

import dev.tenon.api.InstanceId;
import dev.tenon.api.NotFoundException;
import dev.tenon.baremetal.HostStatus;
import java.util.List;
import java.util.Map;

/** The hosts, for the installation's administrators. Thread-safe. */
public interface Hosts extends AutoCloseable {
    /** An installation that has no other machine than the server's. */
    Hosts NONE = new Hosts() {
        @Override
        public List<Host> list() {
            return List.of();
        }

        @Override
        public void mode(String name, HostStatus.Mode mode) {
            throw unknown();
        }
    };

    /**
     * A host.
     *
     * @param status what it is and carries
     * @param staying why what it carries did not leave when that was last tried, while it is being drained
     */
    record Host(HostStatus status, Map<InstanceId, String> staying) {}

    /** Returns all, in the order in which they were described. */
    List<Host> list();

    /**
     * Says whether a host takes new members, or is to be emptied; what was said outlives the server.
     *
     * @throws NotFoundException if there is no such host
     */
    void mode(String name, HostStatus.Mode mode);

    /**
     * Returns one.
     *
     * @throws NotFoundException if there is no such host
     */
    default Host get(String name) {
        return list().stream()
                .filter(host -> host.status().name().equals(name))
                .findFirst()
                .orElseThrow(Hosts::unknown);
    }

    /** Ends what it does by itself; what was begun at the hosts goes on with the next start. */
    @Override
    default void close() {}

    private static NotFoundException unknown() {
        return new NotFoundException("no such host");
    }
}

package dev.tenon.server.hosts;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.HostStatus;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The hosts, for the installation's administrators. Thread-safe. */
public interface Hosts extends AutoCloseable {
    /** An installation that has no other machine than the server's. */
    Hosts NONE = new Hosts() {
        @Override
        public List<Host> list() {
            return List.of();
        }

        @Override
        public Host adopt(Consumer<HostSpec.Builder> spec) {
            throw new InvalidSpecException(ErrorCode.UNSUPPORTED, "host", "this server delivers to no hosts over SSH");
        }

        @Override
        public void remove(String name) {
            throw unknown();
        }

        @Override
        public void mode(String name, HostStatus.Mode mode) {
            throw unknown();
        }

        @Override
        public void lost(String name, Set<InstanceId> accepted) {
            throw unknown();
        }

        @Override
        public Map<InstanceId, String> onlyCopies(String name) {
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
     * Adds a host, after it was connected to; it outlives the server. Blocks until it answers.
     *
     * @throws InvalidSpecException if the description is wrong; its fields begin with {@code host.}
     * @throws dev.tenon.api.TenonException as {@link dev.tenon.baremetal.SshDelivery#adopt}; nothing is kept then
     */
    Host adopt(Consumer<HostSpec.Builder> spec);

    /**
     * Removes a host that was added so.
     *
     * @throws NotFoundException if there is no such host
     * @throws dev.tenon.api.ConflictException {@code NOT_EMPTY} if it carries something, {@code ILLEGAL_STATE} if a file describes it
     */
    void remove(String name);

    /**
     * Says whether a host takes new members, or is to be emptied; what was said outlives the server.
     *
     * @param mode {@code LOST} is {@link #lost} without anything accepted
     * @throws NotFoundException if there is no such host
     */
    void mode(String name, HostStatus.Mode mode);

    /**
     * Says that a host which does not answer is lost for good.
     *
     * @param accepted instances whose only copy may be lost with it
     * @throws NotFoundException if there is no such host
     * @throws dev.tenon.api.ConflictException {@code ILLEGAL_STATE} if it answers, or the only copy of other instances is there
     */
    void lost(String name, Set<InstanceId> accepted);

    /**
     * Returns the instances, with their names, that have no copy elsewhere of which it is known that it has everything.
     *
     * @throws NotFoundException if there is no such host
     */
    Map<InstanceId, String> onlyCopies(String name);

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

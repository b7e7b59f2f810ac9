package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.HostStatus.Mode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.delivery.PlaceState.Note;
import dev.tenon.spi.delivery.PlaceState.Write;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which host carries which member, and which hosts take new ones: notes that all control planes share, written before a host is told
 * anything. Two that choose at the same time cannot choose for the same member, nor fill the same host, without one of them noticing:
 * every assignment raises the version of its host's note, which must be the one that was counted with.
 */
final class Assignments {
    private static final String MEMBER = "member/";
    private static final String HOST = "host/";
    private static final String GONE = "gone/";
    private static final String LEFT = "left/";
    /** Who was paused for longer has long lost its lease, and finds that out before it acts. */
    private static final Duration REMEMBERED = Duration.ofDays(1);

    /** As often others may come first before it is given up. */
    static final int CONFLICTS = 50;

    private final PlaceState state;
    private final Clock clock;

    /**
     * Where a member is.
     *
     * @param host its name
     * @param promised the member with what it was promised when it was placed, and the highest epoch under which it was prepared
     * @param version of the note that says so
     */
    record Assigned(String host, MemberRecord promised, long version) {
        String name() {
            return promised.ref().externalName();
        }
    }

    /** What is noted of a member. */
    private record Placed(String host, MemberRecord promised) {}

    /** What is noted of a member that was destroyed, for whoever was only slow: it may choose another host than the one that remembers. */
    private record Gone(long epoch, long at) {}

    /**
     * What is noted of a host.
     *
     * @param mode what was said of it, or empty
     * @param since number of the write that said so
     * @param adoption of a host that was adopted while a control plane ran: this time, not an earlier one of the same name; or empty
     */
    private record Kept(String mode, long since, String adoption) {
        Kept {
            // Not noted before hosts could be adopted.
            adoption = adoption == null ? "" : adoption;
        }
    }

    /**
     * All that was assigned at one moment.
     *
     * @param members by external name
     * @param modes of those hosts of which it was said
     * @param hosts notes of hosts
     * @param adoptions of those hosts that were adopted
     * @param left what was given up and may still lie on a host, as {@link #place} names it
     */
    record Seen(
            Map<String, Assigned> members,
            Map<String, Mode> modes,
            Map<String, Note> hosts,
            Map<String, String> adoptions,
            Set<String> left) {
        /** Names the members that are on a host or are still to be removed from it. */
        Set<String> on(String host) {
            return Stream.concat(
                            members.values().stream()
                                    .filter(a -> a.host().equals(host))
                                    .map(Assigned::name),
                            left.stream()
                                    .filter(place -> place.startsWith(place(host, "")))
                                    .map(place -> place.substring(host.length() + 1)))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    Assignments(PlaceState state, Clock clock) {
        this.state = state;
        this.clock = clock;
    }

    static <T> T read(Note note, Class<T> type) {
        try {
            return Member.parse(note.text(), type);
        } catch (IOException e) {
            throw Failures.io("reading the note " + note.key(), e);
        }
    }

    static Optional<String> text(Object content) {
        try {
            return Optional.of(new String(Member.json(content), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw Failures.io("writing a note", e);
        }
    }

    Optional<Assigned> of(String member) {
        return state.find(MEMBER + member).map(Assignments::assigned);
    }

    private static Assigned assigned(Note note) {
        Placed placed = read(note, Placed.class);
        return new Assigned(placed.host(), placed.promised(), note.version());
    }

    Seen seen() {
        Map<String, Mode> modes = new HashMap<>();
        Map<String, Note> hosts = new HashMap<>();
        Map<String, String> adoptions = new HashMap<>();
        // Before the members: who is assigned in between raises a version, and the choice is made anew.
        for (Note note : state.list(HOST)) {
            String host = note.key().substring(HOST.length());
            Kept kept = read(note, Kept.class);
            if (!kept.mode().isEmpty()) {
                modes.put(host, Mode.valueOf(kept.mode()));
            }
            adoptions.put(host, kept.adoption());
            hosts.put(host, note);
        }
        Map<String, Assigned> members = new HashMap<>();
        for (Note note : state.list(MEMBER)) {
            members.put(note.key().substring(MEMBER.length()), assigned(note));
        }
        Set<String> left = state.list(LEFT).stream()
                .map(note -> note.key().substring(LEFT.length()))
                .collect(Collectors.toSet());
        return new Seen(members, modes, hosts, adoptions, left);
    }

    /** Names a member on a host. */
    static String place(String host, String member) {
        return host + "/" + member;
    }

    private static Write nothingLeft(String host, MemberRecord member) {
        return new Write(LEFT + place(host, member.ref().externalName()), 0, Optional.empty());
    }

    /**
     * Assigns a member if nothing it was chosen by has changed.
     *
     * @param gone as {@link #gone} answered
     */
    boolean assign(Seen counted, long gone, String host, MemberRecord promised) {
        Optional<Note> note = Optional.ofNullable(counted.hosts().get(host));
        return state.write(List.of(
                new Write(MEMBER + promised.ref().externalName(), 0, text(new Placed(host, promised))),
                nothingLeft(host, promised),
                new Write(GONE + promised.ref().externalName(), gone, Optional.empty()),
                new Write(
                        HOST + host,
                        note.map(Note::version).orElse(0L),
                        note.map(Note::text).or(() -> text(new Kept("", 0, ""))))));
    }

    /** Returns the write that says which adoption of a host it is that members may be assigned to; what was said of its name stays. */
    Write adopted(String host, String adoption) {
        Optional<Note> note = state.find(HOST + host);
        Kept kept = note.map(n -> read(n, Kept.class)).orElseGet(() -> new Kept("", 0, ""));
        return new Write(
                HOST + host, note.map(Note::version).orElse(0L), text(new Kept(kept.mode(), kept.since(), adoption)));
    }

    /** Returns the write that forgets what was said of a host, if nothing was assigned to it since. */
    static Write nothingSaid(String host, Seen counted) {
        return new Write(
                HOST + host,
                Optional.ofNullable(counted.hosts().get(host))
                        .map(Note::version)
                        .orElse(0L),
                Optional.empty());
    }

    /** Returns those of these members of which nothing is noted. */
    List<String> strangers(Collection<String> members) {
        Map<String, Assigned> known = seen().members();
        return members.stream().filter(name -> !known.containsKey(name)).toList();
    }

    /** Notes a member that was found on a host, from before there were notes; whoever is faster notes the same. */
    boolean adopt(String host, MemberRecord found) {
        return state.write(List.of(
                new Write(MEMBER + found.ref().externalName(), 0, text(new Placed(host, found))),
                nothingLeft(host, found)));
    }

    /**
     * Notes that a member is prepared under an epoch, so that nobody who acts under an older one takes the note away any more.
     *
     * @throws ProviderException {@code PROVIDER_UNAVAILABLE} if somebody else changed the note meanwhile
     */
    Assigned under(Assigned assigned, Epoch epoch) {
        if (assigned.promised().epoch() >= epoch.value()) {
            return assigned;
        }
        MemberRecord renewed = assigned.promised().edit().epoch(epoch.value()).build();
        if (!state.write(List.of(
                new Write(MEMBER + assigned.name(), assigned.version(), text(new Placed(assigned.host(), renewed)))))) {
            throw contended();
        }
        return new Assigned(assigned.host(), renewed, assigned.version() + 1);
    }

    /** Takes the note of a destroyed member away, unless it was changed since; nobody of an older epoch chooses a host for it again. */
    boolean destroyed(Assigned assigned, Epoch epoch) {
        return state.write(noLonger(assigned, epoch));
    }

    private List<Write> noLonger(Assigned assigned, Epoch epoch) {
        return List.of(
                new Write(MEMBER + assigned.name(), assigned.version(), Optional.empty()),
                new Write(
                        GONE + assigned.name(),
                        state.find(GONE + assigned.name()).map(Note::version).orElse(0L),
                        text(new Gone(epoch.value(), clock.millis()))));
    }

    /**
     * Takes the note of a member away whose host does not answer, as if it had been destroyed, and notes what is to be removed there.
     *
     * @throws ProviderException {@code FENCED} if it was prepared under a newer epoch
     */
    boolean givenUp(Assigned assigned, Epoch epoch) {
        if (epoch.value() < assigned.promised().epoch()) {
            throw Failures.of(
                    ErrorCode.FENCED,
                    assigned.name() + " was prepared under epoch "
                            + assigned.promised().epoch() + "; epoch " + epoch.value()
                            + " is older and may not give it up");
        }
        MemberRecord last = assigned.promised().edit().epoch(epoch.value()).build();
        List<Write> writes = new ArrayList<>(noLonger(assigned, epoch));
        writes.add(
                new Write(LEFT + place(assigned.host(), assigned.name()), 0, text(new Placed(assigned.host(), last))));
        return state.write(writes);
    }

    /** Returns what was given up and is still to be removed from a host; each with the epoch under which it was given up. */
    List<Assigned> left(String host) {
        return state.list(LEFT + place(host, "")).stream()
                .map(Assignments::assigned)
                .toList();
    }

    /** Notes that what was given up is gone. */
    boolean removed(Assigned left) {
        return state.write(
                List.of(new Write(LEFT + place(left.host(), left.name()), left.version(), Optional.empty())));
    }

    /**
     * Returns the version of the note that says that a member was destroyed; 0 if there is none.
     *
     * @throws ProviderException {@code FENCED} if it was destroyed under a newer epoch
     */
    long gone(String member, Epoch epoch) {
        Optional<Note> note = state.find(GONE + member);
        note.map(n -> read(n, Gone.class).epoch()).ifPresent(last -> {
            if (epoch.value() < last) {
                throw Failures.of(
                        ErrorCode.FENCED,
                        member + " was destroyed under epoch " + last + "; epoch " + epoch.value()
                                + " is older and may not make it again");
            }
        });
        return note.map(Note::version).orElse(0L);
    }

    /** Forgets which members were destroyed long ago. */
    void forgetDestroyed() {
        long old = clock.millis() - REMEMBERED.toMillis();
        for (Note note : state.list(GONE)) {
            if (read(note, Gone.class).at() < old) {
                state.write(List.of(new Write(note.key(), note.version(), Optional.empty())));
            }
        }
    }

    /** Takes a member's note away, unless it was changed since. */
    boolean release(Assigned assigned) {
        return state.write(List.of(new Write(MEMBER + assigned.name(), assigned.version(), Optional.empty())));
    }

    /**
     * Returns since which write a host is to be drained, if that is what was said of it last: another number whenever it was something
     * else in between.
     */
    OptionalLong draining(String host) {
        return state.find(HOST + host)
                .map(note -> read(note, Kept.class))
                .filter(kept -> kept.mode().equals(Mode.DRAINING.name()))
                .map(kept -> OptionalLong.of(kept.since()))
                .orElse(OptionalLong.empty());
    }

    /** Returns whether it was said of a host last that it is lost for good. */
    boolean lost(String host) {
        return state.find(HOST + host)
                .map(note -> read(note, Kept.class).mode().equals(Mode.LOST.name()))
                .orElse(false);
    }

    /** Says whether a host takes new members. */
    void mode(String host, Mode mode) {
        for (int tries = 0; tries < CONFLICTS; tries++) {
            Optional<Note> note = state.find(HOST + host);
            Optional<Kept> kept = note.map(n -> read(n, Kept.class));
            if (kept.isPresent() && kept.get().mode().equals(mode.name())) {
                return;
            }
            long version = note.map(Note::version).orElse(0L);
            if (state.write(List.of(new Write(
                    HOST + host,
                    version,
                    text(new Kept(
                            mode.name(), version + 1, kept.map(Kept::adoption).orElse(""))))))) {
                return;
            }
        }
        throw contended();
    }

    static ProviderException contended() {
        return Failures.of(
                ErrorCode.PROVIDER_UNAVAILABLE, "other control planes place members at the same time; try again");
    }
}

package dev.tenon.core.failover;

import dev.tenon.core.failover.Scenario.Break;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A run of the protocol in a world of virtual time: members, control planes, a store, a network and clients, driven by one queue of
 * events. The same scenario runs the same way every time. Every promise is checked whenever something happens that could break it.
 */
final class Simulation {
    private static final int PLANES = 2;
    private static final long SETTLE = 60_000;
    private static final int MOST_MEMBERS = 6;
    /** A control plane may be frozen between deciding and recording. */
    private static final long PAUSE_BEFORE_ACT = 10_100;

    private record Event(long at, long sequence, Runnable what) {}

    private record Acknowledged(int entry, int position, long at) {}

    private final Scenario scenario;
    private final Random random;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::sequence));
    private long now;
    private long sequence;
    private long steps;
    private final Deque<String> notes = new ArrayDeque<>();

    private final List<SimulatedMember> members = new ArrayList<>();
    private final List<SimulatedPlane> planes = new ArrayList<>();
    private final long[][] cutUntil = new long[MOST_MEMBERS + PLANES][MOST_MEMBERS + PLANES];
    private long badNetworkUntil;
    private long cutWhenPromoted;
    private int connections;
    private int entries;

    private FailoverRecord record;
    private Wanted wanted;
    private SimulatedPlane holder;
    private long leaseUntil;
    private long epoch;

    private final List<Acknowledged> acknowledged = new ArrayList<>();
    private boolean lossAnnounced;
    private long lastAcknowledged;
    private long lastAutomatic = Long.MIN_VALUE / 2;
    private int changes;

    private Simulation(Scenario scenario) {
        this.scenario = scenario;
        random = new Random(scenario.seed() * 31 + 7);
        SortedSet<String> names = new TreeSet<>();
        for (int i = 0; i < scenario.members(); i++) {
            members.add(new SimulatedMember(this, i, i == 0));
            names.add(members.get(i).name);
        }
        wanted = new Wanted(names, scenario.durability(), Optional.empty());
        record = FailoverRecord.first("a", wanted.without("a"), instant(0));
        FailoverPlanner planner = new FailoverPlanner(scenario.limits(), scenario.rules());
        for (int i = 0; i < PLANES; i++) {
            planes.add(new SimulatedPlane(this, planner));
        }
    }

    /**
     * How a run ended.
     *
     * @param steps events that happened
     * @param changes how often another member became primary
     * @param acknowledged writes that were acknowledged
     */
    record Outcome(long steps, int changes, int acknowledged, Optional<String> violation, List<String> trace) {}

    static Outcome run(Scenario scenario) {
        Simulation sim = new Simulation(scenario);
        Optional<String> violation = Optional.empty();
        try {
            sim.begin();
            sim.go();
        } catch (Violation e) {
            violation = Optional.of(e.getMessage());
        }
        return new Outcome(sim.steps, sim.changes, sim.acknowledged.size(), violation, List.copyOf(sim.notes));
    }

    private void begin() {
        planes.forEach(plane -> in(plane, random(100), () -> plane.tick(0)));
        for (int i = 0; i < 3; i++) {
            client(i);
        }
        beat();
        scenario.faults().forEach(fault -> at(fault.at(), () -> strike(fault)));
    }

    private void go() {
        long end = Scenario.FAULTS_END;
        runUntil(end);
        note("faults end");
        heal();
        long deadline = end + SETTLE;
        while (now < deadline) {
            runUntil(now + 500);
            if (whole() && lastAcknowledged > end) {
                verifyAll();
                return;
            }
        }
        throw new Violation("not whole again " + SETTLE / 1000 + " s after the last fault: " + record);
    }

    private void runUntil(long until) {
        while (!events.isEmpty() && events.peek().at() <= until) {
            Event event = events.poll();
            now = event.at();
            steps++;
            event.what().run();
        }
        now = until;
    }

    // ---- time, chance and the network ----

    long now() {
        return now;
    }

    Instant instant(long at) {
        return Instant.ofEpochMilli(at);
    }

    int random(int bound) {
        return random.nextInt(bound);
    }

    void at(long when, Runnable what) {
        events.add(new Event(Math.max(when, now), sequence++, what));
    }

    /** Runs after a while, or when the member is no longer frozen. */
    void in(SimulatedMember member, long delay, Runnable what) {
        at(now + delay, () -> {
            if (member.pausedUntil > now) {
                at(member.pausedUntil, what);
            } else {
                what.run();
            }
        });
    }

    void in(SimulatedPlane plane, long delay, Runnable what) {
        at(now + delay, () -> {
            if (plane.pausedUntil > now) {
                at(plane.pausedUntil, what);
            } else {
                what.run();
            }
        });
    }

    int delay() {
        return now < badNetworkUntil && random(4) == 0 ? random(1500) : random(4);
    }

    private void send(int from, int to, Runnable arrival) {
        if (cutUntil[from][to] > now || now < badNetworkUntil && random(5) == 0) {
            return;
        }
        int copies = now < badNetworkUntil && random(5) == 0 ? 2 : 1;
        for (int i = 0; i < copies; i++) {
            at(now + 1 + delay(), () -> {
                if (cutUntil[from][to] <= now) {
                    arrival.run();
                }
            });
        }
    }

    private int node(SimulatedPlane plane) {
        return MOST_MEMBERS + planes.indexOf(plane);
    }

    void message(SimulatedMember from, SimulatedMember to, Runnable arrival) {
        send(from.number, to.number, () -> in(to, 0, arrival));
    }

    void message(SimulatedPlane from, SimulatedMember to, Runnable arrival) {
        send(node(from), to.number, () -> in(to, 0, arrival));
    }

    void message(SimulatedMember from, SimulatedPlane to, Runnable arrival) {
        send(from.number, node(to), () -> in(to, 0, arrival));
    }

    boolean linked(SimulatedMember one, SimulatedMember other) {
        return cutUntil[one.number][other.number] <= now && cutUntil[other.number][one.number] <= now;
    }

    // ---- the world ----

    List<SimulatedMember> members() {
        return members;
    }

    SimulatedMember member(int number) {
        return members.get(number);
    }

    SimulatedMember member(String name) {
        return members.get(name.charAt(0) - 'a');
    }

    Optional<SimulatedMember> anyStandby(SimulatedMember but) {
        return members.stream()
                .filter(m -> m != but && !m.mayStillLead() && !record.stray(m.name) && m.runs())
                .findFirst();
    }

    boolean broken(Break what) {
        return scenario.breaks().contains(what);
    }

    /** Whether the place can prove that a host is down, and can switch it off for good. */
    boolean placeProves() {
        return scenario.seed() % 2 == 0 || placePowers();
    }

    boolean placePowers() {
        return async() || scenario.seed() % 3 == 0;
    }

    private boolean async() {
        return scenario.durability() instanceof Durability.Async;
    }

    int newConnection() {
        return connections++;
    }

    int newEntry() {
        return ++entries;
    }

    private void client(int number) {
        at(now + 20 + random(130), () -> {
            // One client follows the record; the others are loyal to sessions they have opened anywhere.
            SimulatedMember target = number == 0 ? member(record.primary()) : members.get(random(members.size()));
            in(target, 0, () -> target.insert(newEntry(), false));
            client(number);
        });
    }

    private void beat() {
        at(now + 150, () -> {
            for (SimulatedMember member : members) {
                in(member, random(50), () -> {
                    member.send();
                    member.connect();
                });
            }
            beat();
        });
    }

    // ---- the store ----

    FailoverRecord record() {
        return record;
    }

    Wanted wanted() {
        return wanted;
    }

    /** Returns the epoch of the lease if this control plane has it now, else 0. */
    long lease(SimulatedPlane plane, long millis) {
        if (holder != plane) {
            if (now < leaseUntil) {
                return 0;
            }
            holder = plane;
            epoch++;
        }
        leaseUntil = now + millis;
        return epoch;
    }

    boolean write(FailoverRecord from, FailoverRecord next, String reason) {
        if (record.revision() != from.revision()) {
            return false;
        }
        if (next.epoch() < record.epoch()) {
            throw new Violation("a control plane out of office wrote " + next);
        }
        FailoverRecord before = record;
        record = next;
        note("record " + next.revision() + ": " + next.phase() + " term " + next.term() + " primary " + next.primary()
                + " guaranteed " + next.guaranteed() + " setting " + next.setting() + " rebuilds "
                + next.rebuilds().keySet() + " (" + reason + ")");
        recorded(before);
        settingChanged(member(record.primary()));
        return true;
    }

    // ---- promises ----

    void note(String what) {
        if (notes.size() == 400) {
            notes.removeFirst();
        }
        notes.add(now + " " + what);
    }

    /** Who has, or will have, everything that counts. */
    private SimulatedMember authority() {
        return member(record.phase() instanceof Phase.Promoting promoting ? promoting.elected() : record.primary());
    }

    private void recorded(FailoverRecord before) {
        boolean revokes = record.phase() instanceof Phase.Revoking revoking
                && revoking.forced().isEmpty()
                && before.steady();
        if (revokes) {
            long at = record.automaticAt().orElseThrow().toEpochMilli();
            if (at - lastAutomatic < scenario.limits().quiet().toMillis()) {
                throw new Violation("two automatic fail-overs within " + (at - lastAutomatic) + " ms");
            }
            lastAutomatic = at;
        }
        if (!before.primary().equals(record.primary())) {
            changes++;
        }
        if (record.phase() instanceof Phase.Promoting promoting
                && !record.phase().equals(before.phase())) {
            elected(before, member(promoting.elected()));
        } else if (!before.steady() && record.steady()) {
            verify(authority());
        }
    }

    private void elected(FailoverRecord before, SimulatedMember elected) {
        if (record.loss().isPresent() && !record.loss().equals(before.loss())) {
            announced(elected, record.loss().get());
        }
        verify(elected);
        if (record.setting().alone() && !async()) {
            return;
        }
        for (SimulatedMember other : members) {
            if (other != elected && other.mayStillLead() && !lossAnnounced) {
                long followers = members.stream()
                        .filter(m -> m.follows().equals(Optional.of(other.name)))
                        .filter(m -> other.settings().stream()
                                .anyMatch(q -> q.members().contains(m.name)))
                        .count();
                int needed =
                        other.settings().stream().mapToInt(Quorum::needed).min().orElse(0);
                if (followers >= needed) {
                    throw new Violation(other.name + " can still acknowledge, with " + followers + " followers under "
                            + other.settings() + ", while " + elected.name + " is promoted");
                }
            }
        }
    }

    /** What was announced may be lost, and nothing else. */
    private void announced(SimulatedMember elected, Loss loss) {
        if (scenario.durability() instanceof Durability.Async agreed) {
            long time = loss.since().map(at -> now - at.toEpochMilli()).orElse(Long.MAX_VALUE);
            if (loss.knownBytes() > agreed.mostBytes()
                    || time > agreed.mostTime().toMillis() + PAUSE_BEFORE_ACT) {
                throw new Violation(loss + " was announced, which is more than " + agreed);
            }
        } else {
            lossAnnounced = true;
        }
        note("announced: " + loss);
        acknowledged.removeIf(write -> {
            if (elected.has(write.position(), write.entry())) {
                return false;
            }
            if (loss.since().isPresent() && write.at() < loss.since().get().toEpochMilli()) {
                throw new Violation("write " + write + " is lost, but " + loss + " was announced");
            }
            return true;
        });
    }

    private void verify(SimulatedMember member) {
        for (Acknowledged write : acknowledged) {
            if (!member.hasOnDisk(write.position(), write.entry())) {
                throw new Violation("write " + write + " was acknowledged and " + member.name + " does not have it");
            }
        }
    }

    private void verifyAll() {
        verify(authority());
    }

    void acknowledged(SimulatedMember by, int entry, int position) {
        SimulatedMember authority = authority();
        if (by != authority && !authority.has(position, entry)) {
            if (lossAnnounced) {
                return;
            }
            throw new Violation(by.name + " acknowledges write " + entry + " at " + position + ", which "
                    + authority.name + ", elected meanwhile, does not have");
        }
        lastAcknowledged = now;
        acknowledged.add(new Acknowledged(entry, position, now));
    }

    /** What is recorded is never stronger than what the primary enforces, or may come to enforce. */
    void settingChanged(SimulatedMember member) {
        if (!member.name.equals(record.primary()) || lossAnnounced) {
            return;
        }
        for (Quorum setting : member.settings()) {
            if (!record.guaranteed().covers(setting)) {
                throw new Violation(
                        "recorded is " + record.guaranteed() + ", but " + member.name + " has " + member.settings());
            }
        }
    }

    /** Connections are checked by numbers; the logs themselves must agree, too. */
    void attached(SimulatedMember standby, SimulatedMember leader, int start) {
        if (leader.name.equals(record.primary()) && record.steady() && !standby.sameUpTo(leader, start)) {
            throw new Violation(standby.name + " follows " + leader.name + " with another history");
        }
    }

    private boolean whole() {
        SimulatedMember primary = member(record.primary());
        boolean settled = record.steady()
                && record.guaranteed().equals(record.setting())
                && record.rebuilds().keySet().stream().noneMatch(wanted.members()::contains)
                && primary.takesWrites()
                && record.setting().alone() == (wanted.durability().standbysNeeded() == 0);
        return settled
                && wanted.without(record.primary()).stream()
                        .allMatch(m -> member(m).streamsFrom(primary))
                && (record.setting().alone() || record.setting().members().equals(wanted.without(record.primary())));
    }

    // ---- faults ----

    private void strike(Fault fault) {
        SimulatedMember first = members.get(fault.first() % members.size());
        SimulatedMember second = members.get(fault.second() % members.size());
        // Half of all faults meet the primary; the rest would mostly meet those that do not matter much.
        SimulatedMember victim = fault.second() % 2 == 0 ? member(record.primary()) : first;
        SimulatedPlane plane = planes.get(fault.first() % PLANES);
        long until = now + fault.millis();
        note("fault " + fault.kind() + " " + victim.name + "/" + second.name + " plane " + fault.first() % PLANES
                + " for " + fault.millis() + " ms");
        switch (fault.kind()) {
            case KILL_SERVER -> victim.kill();
            case KILL_HOST -> victim.hostDown(fault.millis());
            case PAUSE_MEMBER -> victim.pausedUntil = until;
            case KILL_PLANE -> plane.kill();
            case PAUSE_PLANE -> plane.pausedUntil = until;
            case CUT_ONE_WAY -> cutUntil[victim.number][second.number] = until;
            case CUT_BOTH_WAYS -> {
                cutUntil[victim.number][second.number] = until;
                cutUntil[second.number][victim.number] = until;
            }
            case ISOLATE -> {
                for (int i = 0; i < cutUntil.length; i++) {
                    cutUntil[victim.number][i] = until;
                    cutUntil[i][victim.number] = until;
                }
            }
            case CUT_FROM_PLANES -> cutFromPlanes(victim, until);
            case CUT_WHEN_PROMOTED -> cutWhenPromoted = fault.millis();
            case CUT_FROM_STORE -> plane.storeCutUntil = until;
            case SLOW_RELOAD -> victim.slowReload(fault.millis());
            case BAD_NETWORK -> badNetworkUntil = until;
            case CANCEL_WAITS -> victim.cancelWaits();
            case SWITCH_OVER -> request(new Request.SwitchOver("s" + now, second.name));
            case RENEW_MEMBER -> request(new Request.Renew("r" + now, second.name));
            case FORCE ->
                request(new Request.Force("f" + now, second.name, new Loss(Long.MAX_VALUE, Optional.empty())));
            case ADD_MEMBER -> addMember();
            case REMOVE_MEMBER -> removeMember(second);
            case CHANGE_NEEDED -> changeNeeded(fault.first());
        }
    }

    private void cutFromPlanes(SimulatedMember member, long until) {
        for (int i = MOST_MEMBERS; i < cutUntil.length; i++) {
            cutUntil[member.number][i] = until;
            cutUntil[i][member.number] = until;
        }
    }

    void promoted(SimulatedMember member) {
        if (cutWhenPromoted > 0) {
            note(member.name + " loses the control planes for " + cutWhenPromoted + " ms");
            cutFromPlanes(member, now + cutWhenPromoted);
            cutWhenPromoted = 0;
        }
    }

    private void request(Request request) {
        wanted = new Wanted(wanted.members(), wanted.durability(), Optional.of(request));
        at(now + 4000, () -> {
            if (wanted.request().equals(Optional.of(request))) {
                wanted = new Wanted(wanted.members(), wanted.durability(), Optional.empty());
            }
        });
    }

    private void addMember() {
        if (members.size() < MOST_MEMBERS) {
            SimulatedMember member = new SimulatedMember(this, members.size(), false);
            members.add(member);
            SortedSet<String> names = new TreeSet<>(wanted.members());
            names.add(member.name);
            wanted = new Wanted(names, wanted.durability(), wanted.request());
        }
    }

    private void removeMember(SimulatedMember member) {
        SortedSet<String> names = new TreeSet<>(wanted.members());
        if (!member.name.equals(record.primary())
                && record.steady()
                && names.remove(member.name)
                && names.size() > Math.max(1, wanted.durability().standbysNeeded())) {
            wanted = new Wanted(names, wanted.durability(), wanted.request());
            destroyOnceExpendable(member);
        }
    }

    private void destroyOnceExpendable(SimulatedMember member) {
        at(now + 100, () -> {
            if (FailoverPlanner.expendable(record, wanted, member.name)) {
                note(member.name + " is destroyed");
                member.destroy();
            } else {
                destroyOnceExpendable(member);
            }
        });
    }

    private void changeNeeded(int number) {
        if (wanted.members().size() < 2) {
            return;
        }
        int needed = 1 + number % (wanted.members().size() - 1);
        if (wanted.durability() instanceof Durability.Strict) {
            wanted = new Wanted(wanted.members(), new Durability.Strict(needed), wanted.request());
        } else if (wanted.durability() instanceof Durability.Balanced) {
            wanted = new Wanted(
                    wanted.members(), new Durability.Balanced(needed, Duration.ofMillis(1500)), wanted.request());
        }
    }

    private void heal() {
        for (long[] row : cutUntil) {
            Arrays.fill(row, 0);
        }
        badNetworkUntil = 0;
        cutWhenPromoted = 0;
        planes.forEach(plane -> plane.storeCutUntil = 0);
        members.forEach(member -> member.hostUp(now));
    }
}

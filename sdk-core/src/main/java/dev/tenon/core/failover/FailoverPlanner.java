package dev.tenon.core.failover;

import dev.tenon.api.Reason;
import dev.tenon.core.failover.Decision.Alarm;
import dev.tenon.core.failover.Seen.State;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Decides how an instance keeps what it acknowledged: who leads, on whom the primary waits, who is rebuilt.
 *
 * <p>A control plane calls it again and again with the record as the store has it now and with what it saw, carries the decision out
 * and forgets it. It may be killed, paused or replaced at any point: the record alone says what goes on. Stateless and thread-safe.
 */
public final class FailoverPlanner {
    private final Limits limits;
    private final Rules rules;

    /** Makes a planner with these limits. */
    public FailoverPlanner(Limits limits) {
        this(limits, new Rules());
    }

    FailoverPlanner(Limits limits, Rules rules) {
        this.limits = limits;
        this.rules = rules;
    }

    /** Why a primary counts as lost. */
    public record Lost(boolean proof, Reason reason) {}

    /**
     * Returns what to do now.
     *
     * @param epoch the epoch of the lease under which it would be done
     * @param heldBack why there must be no automatic fail-over now: the fleet's brake, or an operation that restarts the primary
     */
    public Decision decide(FailoverRecord record, Wanted wanted, Seen seen, long epoch, Optional<String> heldBack) {
        if (epoch < record.epoch()) {
            return new Decision(
                    Optional.empty(),
                    new TreeMap<>(),
                    List.of(),
                    Reason.said("another control plane has taken this instance over"));
        }
        if (epoch > record.epoch()) {
            return write(record, r -> r.epoch(epoch), "this control plane takes over");
        }
        return new Pass(record, wanted, seen, heldBack).decide();
    }

    /** Returns whether the primary counts as lost: by proof, or by two signals that both must last. */
    public Optional<Lost> lost(FailoverRecord record, Seen seen) {
        Seen.Member primary = seen.of(record.primary());
        // One that we stopped ourselves and did not yet tell to run again is not lost.
        boolean told = !primary.answers() || primary.order() == record.revision();
        if (primary.gone() && told) {
            return Optional.of(new Lost(true, Reason.of(Reason.Code.PRIMARY_DEAD, record.primary())));
        }
        boolean began = record.phase() instanceof Phase.Steady steady
                && !seen.now().isBefore(steady.since().plus(limits.silence()));
        if (!began || primary.silent().compareTo(limits.silence()) < 0) {
            return Optional.empty();
        }
        List<Seen.Member> standbys = record.guaranteed().members().stream()
                .filter(m -> !m.equals(record.primary()) && !record.stray(m))
                .map(seen::of)
                .filter(m -> m.answers() && m.state() == State.STANDBY)
                .toList();
        boolean deaf = standbys.stream().allMatch(m -> m.silent().compareTo(limits.silence()) >= 0);
        return standbys.isEmpty() || !deaf
                ? Optional.empty()
                : Optional.of(new Lost(
                        false,
                        Reason.of(
                                Reason.Code.PRIMARY_SILENT,
                                record.primary(),
                                Long.toString(limits.silence().toMillis()))));
    }

    /** Returns what a promotion of this member could lose, to be shown before it is forced. */
    public Loss loss(FailoverRecord record, Seen seen, String target) {
        Seen.Member member = seen.of(target);
        Optional<Instant> since = Optional.empty();
        long known = 0;
        for (Seen.Mark mark : seen.marks()) {
            known = Math.max(known, mark.position() - member.flushed());
            if (mark.position() <= member.flushed() && member.timeline() >= record.timeline()) {
                since = Optional.of(mark.at());
            }
        }
        return new Loss(known, since);
    }

    /** Returns whether a member that is no longer wanted has no part in any promise and may be destroyed. */
    public static boolean expendable(FailoverRecord record, Wanted wanted, String member) {
        return !wanted.members().contains(member)
                && record.steady()
                && !member.equals(record.primary())
                && !record.guaranteed().members().contains(member)
                && !record.setting().members().contains(member);
    }

    private static Decision write(FailoverRecord record, UnaryOperator<FailoverRecord.Change> change, String words) {
        return write(record, change, Reason.said(words));
    }

    private static Decision write(FailoverRecord record, UnaryOperator<FailoverRecord.Change> change, Reason reason) {
        return Decision.write(record.next(change), reason);
    }

    /** One decision. */
    private final class Pass {
        private final FailoverRecord record;
        private final Wanted wanted;
        private final Seen seen;
        private final Optional<String> heldBack;
        private final Quorum guaranteed;
        private final Seen.Member primary;
        private final List<Alarm> alarms = new ArrayList<>();

        Pass(FailoverRecord record, Wanted wanted, Seen seen, Optional<String> heldBack) {
            this.record = record;
            this.wanted = wanted;
            this.seen = seen;
            this.heldBack = heldBack;
            guaranteed = record.guaranteed();
            primary = seen.of(record.primary());
        }

        Decision decide() {
            Optional<Decision> forced = forced();
            if (forced.isPresent()) {
                return forced.get();
            }
            if (record.phase() instanceof Phase.Revoking revoking) {
                return revoking(revoking);
            }
            if (record.phase() instanceof Phase.HandingOver handingOver) {
                return handingOver(handingOver);
            }
            if (record.phase() instanceof Phase.Promoting promoting) {
                return promoting(promoting);
            }
            return Stream.<Optional<Decision>>of(failOver(), request(), members(), narrow(), change())
                    .flatMap(Optional::stream)
                    .findFirst()
                    .orElseGet(() -> orders("all is as it shall be"));
        }

        // ---- Steady ----

        private Optional<Decision> failOver() {
            Optional<Lost> lost = lost(record, seen);
            if (lost.isEmpty()) {
                return Optional.empty();
            }
            boolean async = wanted.durability() instanceof Durability.Async;
            if (guaranteed.alone() && !async) {
                alarm(
                        Decision.Kind.ALONE,
                        lost.get().reason() + "; it had leave to run alone, so only a person may force");
                return Optional.empty();
            }
            // Without synchronous standbys only proof counts as loss, and a promotion waits until the place has
            // switched
            // the old primary off. If its place answers, it is started again instead, which loses nothing.
            if (guaranteed.alone() && primary.answers()) {
                return Optional.empty();
            }
            long able = standbys()
                    .filter(m -> seen.of(m).answers() && seen.of(m).state() == State.STANDBY)
                    .count();
            if (able < (guaranteed.alone() ? 1 : rules.confirmations(guaranteed))) {
                alarm(Decision.Kind.TOO_FEW_STANDBYS, lost.get().reason() + "; only " + able + " standbys answer");
                return Optional.empty();
            }
            Optional<String> held = rules.quietEnough(record.automaticAt(), seen.now(), limits.quiet())
                    ? heldBack
                    : Optional.of("there was an automatic fail-over less than "
                            + limits.quiet().toSeconds() + " s ago");
            if (held.isPresent()) {
                alarm(Decision.Kind.HELD_BACK, lost.get().reason() + "; " + held.get());
                return Optional.empty();
            }
            return Optional.of(revoke(lost.get().reason()));
        }

        private Decision revoke(Reason reason) {
            return write(
                    record,
                    r -> r.nextTerm()
                            .phase(new Phase.Revoking(seen.now(), Optional.empty()))
                            .automaticAt(seen.now()),
                    reason);
        }

        private Optional<Decision> request() {
            Optional<Request> open = wanted.request().filter(r -> !r.id().equals(record.answered()));
            if (open.isEmpty()) {
                return Optional.empty();
            }
            Request request = open.get();
            if (request.target().equals(record.primary())) {
                return Optional.of(write(record, r -> r.answered(request.id()), request.target() + " leads"));
            }
            if (!wanted.members().contains(request.target())) {
                return Optional.of(write(record, r -> r.answered(request.id()), request.target() + " is no member"));
            }
            if (request instanceof Request.Renew) {
                return Optional.of(write(
                        record,
                        r -> r.rebuild(request.target(), Rebuild.How.CLONE).answered(request.id()),
                        request.target() + " gets new data"));
            }
            if (!streams(request.target()) || !primary.is(State.PRIMARY, record.revision())) {
                alarm(
                        Decision.Kind.REQUEST_WAITS,
                        "the switch-over waits until " + request.target()
                                + " streams closely from a primary that answers");
                return Optional.empty();
            }
            return Optional.of(write(
                    record,
                    r -> r.nextTerm()
                            .phase(new Phase.HandingOver(request.target(), seen.now()))
                            .answered(request.id()),
                    "switch-over to " + request.target()));
        }

        /** Takes note of data that was made anew, and of data that must be. */
        private Optional<Decision> members() {
            Set<String> sound = new TreeSet<>();
            record.rebuilds().forEach((member, rebuild) -> {
                Seen.Member m = seen.of(member);
                if (m.answers() && m.base() >= rebuild.since() && m.state() != State.EMPTY) {
                    sound.add(member);
                }
            });
            if (!sound.isEmpty()) {
                return Optional.of(write(record, r -> r.sound(sound), sound + " has new data"));
            }
            SortedMap<String, Rebuild.How> broken = new TreeMap<>();
            for (String member : wanted.without(record.primary())) {
                Seen.Member m = seen.of(member);
                if (m.answers() && m.order() == record.revision() && !record.stray(member)) {
                    if (m.state() == State.EMPTY || m.state() == State.PRIMARY) {
                        broken.put(member, Rebuild.How.CLONE);
                    } else if (m.diverged()) {
                        broken.put(member, Rebuild.How.REWIND);
                    }
                }
            }
            return broken.isEmpty()
                    ? Optional.empty()
                    : Optional.of(write(record, r -> r.rebuild(broken), broken.keySet() + " needs new data"));
        }

        private Optional<Decision> narrow() {
            return guaranteed.equals(record.setting()) || !rules.proved(primary, record.revision())
                    ? Optional.empty()
                    : Optional.of(write(
                            record, r -> r.guaranteed(record.setting()), "the primary proved " + record.setting()));
        }

        private Optional<Decision> change() {
            if (!primary.is(State.PRIMARY, record.revision())) {
                return Optional.empty();
            }
            Quorum next = setting();
            return next.equals(record.setting())
                    ? Optional.empty()
                    : Optional.of(write(
                            record,
                            r -> r.setting(next).guaranteed(rules.whileChanging(guaranteed, next)),
                            "from " + record.setting() + " to " + next));
        }

        /** Returns the setting for what was seen: whoever streams counts, and is dropped late. */
        private Quorum setting() {
            SortedSet<String> standbys = wanted.without(record.primary());
            int needed = wanted.durability().standbysNeeded();
            if (standbys.isEmpty() || needed == 0) {
                return Quorum.ALONE;
            }
            SortedSet<String> count = new TreeSet<>();
            for (String member : standbys) {
                boolean counted = record.setting().members().contains(member);
                if (streams(member)
                        || counted && !record.stray(member) && away(member).compareTo(limits.dropAfter()) < 0) {
                    count.add(member);
                }
            }
            if (count.size() < needed && wanted.durability() instanceof Durability.Balanced balanced) {
                long near = standbys.stream()
                        .filter(m -> away(m).compareTo(balanced.aloneAfter()) < 0)
                        .count();
                if (record.setting().alone() || near < needed) {
                    return Quorum.ALONE;
                }
            }
            return filled(count, needed, standbys);
        }

        // ---- a change of the primary ----

        private Optional<Decision> forced() {
            Optional<Request.Force> open = wanted.request()
                    .filter(r -> r instanceof Request.Force && !r.id().equals(record.answered()))
                    .map(Request.Force.class::cast);
            if (open.isEmpty() || open.get().target().equals(record.primary())) {
                return Optional.empty();
            }
            Request.Force force = open.get();
            if (record.stray(force.target())
                    || !loss(record, seen, force.target()).within(force.accepted())) {
                return Optional.of(write(
                        record,
                        r -> r.answered(force.id()),
                        "refused: more would be lost than was accepted, or " + force.target() + " is stale"));
            }
            return Optional.of(write(
                    record,
                    r -> {
                        if (record.phase() instanceof Phase.Promoting promoting) {
                            r.rebuild(promoting.elected(), rules.givenUp());
                        }
                        return r.nextTerm()
                                .phase(new Phase.Revoking(seen.now(), Optional.of(force)))
                                .answered(force.id());
                    },
                    Reason.of(Reason.Code.PROMOTION_FORCED, force.target())));
        }

        private Decision revoking(Phase.Revoking revoking) {
            SortedSet<String> detached = detached("");
            boolean late = late(revoking.since());
            Optional<String> elected = elected(detached);
            if (elected.isPresent()) {
                return elect(elected.get(), detached, Optional.empty(), detached + " have stopped receiving");
            }
            if (revoking.forced().isPresent() && late) {
                Request.Force force = revoking.forced().get();
                Loss loss = loss(record, seen, force.target());
                if (detached.contains(force.target()) && loss.within(force.accepted())) {
                    return elect(force.target(), detached, rules.announced(loss), "forced, after the loss was stated");
                }
            }
            if (guaranteed.alone() && wanted.durability() instanceof Durability.Async agreed && at(State.OFF)) {
                Optional<String> best = furthest(detached);
                if (best.isPresent()) {
                    Loss loss = loss(record, seen, best.get());
                    if (rules.agreedTo(loss, agreed, seen.now())) {
                        return elect(best.get(), detached, rules.announced(loss), "the old primary is off");
                    }
                    alarm(Decision.Kind.LOSS_TOO_GREAT, best.get() + " lacks " + loss + ", more than was agreed to");
                }
            }
            if (late && primaryUsable()) {
                return resume(Reason.of(Reason.Code.PRIMARY_BACK, record.primary()), "");
            }
            if (late) {
                alarm(
                        Decision.Kind.TOO_FEW_STANDBYS,
                        "only " + detached + " stopped receiving, of " + guaranteed + "; a person may force");
            }
            return orders("waiting until enough standbys have stopped receiving");
        }

        private Decision handingOver(Phase.HandingOver handingOver) {
            String target = handingOver.target();
            Seen.Member m = seen.of(target);
            boolean all = at(State.STOPPED)
                    && primary.cleanly()
                    && m.is(State.STANDBY, record.revision())
                    && rules.mayLead(m, record.timeline())
                    && m.flushed() >= primary.flushed();
            if (all) {
                return write(
                        record,
                        r -> r.phase(new Phase.Promoting(target, seen.now()))
                                .setting(settingOf(target, record.setting().members())),
                        target + " has everything");
            }
            if (late(handingOver.since())) {
                if (primaryUsable()) {
                    return resume(Reason.of(Reason.Code.SWITCHOVER_LATE), "");
                }
                if (!guaranteed.alone() && heldBack.isEmpty()) {
                    return revoke(Reason.of(Reason.Code.PRIMARY_LOST_IN_SWITCHOVER, record.primary()));
                }
                alarm(Decision.Kind.HELD_BACK, "the primary was lost during the switch-over");
            }
            return orders("waiting until the primary has stopped and " + target + " has everything");
        }

        private Decision promoting(Phase.Promoting promoting) {
            String elected = promoting.elected();
            Seen.Member m = seen.of(elected);
            if (m.is(State.PRIMARY, record.revision())) {
                // Its setting was in force before it was promoted, and whoever has reached its timeline has everything
                // that was acknowledged before.
                return write(
                        record,
                        r -> r.primary(elected, m.timeline())
                                .phase(new Phase.Steady(seen.now()))
                                .guaranteed(record.setting())
                                .sound(Set.of(elected)),
                        elected + " leads");
            }
            // It may lead without being seen, but nobody follows it: what waits for a standby is not acknowledged.
            if (late(promoting.since()) && !record.setting().alone()) {
                SortedSet<String> detached = detached(elected);
                Optional<String> next = elected(detached);
                if (next.isPresent()) {
                    return elect(next.get(), detached, Optional.empty(), elected + " does not lead");
                }
                if (primaryUsable()) {
                    return resume(Reason.of(Reason.Code.PRIMARY_BACK, record.primary()), elected);
                }
            }
            if (late(promoting.since())) {
                alarm(Decision.Kind.ELECTED_SILENT, elected + " was elected and does not lead");
            }
            return orders("waiting until " + elected + " leads");
        }

        private Decision elect(String elected, Set<String> near, Optional<Loss> loss, String reason) {
            Quorum setting = settingOf(elected, near);
            boolean behind = !rules.mayLead(seen.of(elected), record.timeline());
            return write(
                    record,
                    r -> {
                        if (record.phase() instanceof Phase.Promoting promoting) {
                            r.nextTerm();
                            r.rebuild(promoting.elected(), rules.givenUp());
                        }
                        // It may have what nobody else has.
                        r.rebuild(record.primary(), Rebuild.How.REWIND);
                        if (behind) {
                            wanted.without(elected).forEach(m -> r.rebuild(m, Rebuild.How.CLONE));
                        }
                        return r.phase(new Phase.Promoting(elected, seen.now()))
                                .setting(setting)
                                .loss(loss);
                    },
                    reason + "; " + elected + " has most");
        }

        /** Goes back to the primary: nobody else was seen to lead, and it has everything. */
        private Decision resume(Reason reason, String givenUp) {
            Quorum setting = settingOf(record.primary(), guaranteed.members());
            return write(
                    record,
                    r -> {
                        if (!givenUp.isEmpty()) {
                            r.rebuild(givenUp, rules.givenUp());
                        }
                        return r.nextTerm()
                                .phase(new Phase.Steady(seen.now()))
                                .setting(setting)
                                .guaranteed(rules.whileChanging(guaranteed, setting))
                                .sound(Set.of(record.primary()));
                    },
                    reason);
        }

        // ---- what was seen ----

        private boolean at(State state) {
            return primary.is(state, record.revision());
        }

        private boolean primaryUsable() {
            return primary.answers() && (primary.state() == State.PRIMARY || primary.state() == State.STOPPED);
        }

        private boolean late(Instant since) {
            return !seen.now().isBefore(since.plus(limits.patience()));
        }

        /** Nobody has been away from this primary for longer than it leads. */
        private Duration away(String member) {
            Duration away = seen.of(member).away();
            Duration leads = record.phase() instanceof Phase.Steady steady
                    ? Duration.between(steady.since(), seen.now())
                    : Duration.ZERO;
            return away.compareTo(leads) < 0 ? away : leads;
        }

        /** Returns the members that could be elected if they have stopped receiving. */
        private Stream<String> standbys() {
            Stream<String> members = guaranteed.alone() ? wanted.members().stream() : guaranteed.members().stream();
            return members.filter(m -> !m.equals(record.primary()) && !record.stray(m));
        }

        private SortedSet<String> detached(String except) {
            SortedSet<String> detached = new TreeSet<>(wanted.members());
            detached.addAll(guaranteed.members());
            detached.removeIf(m -> m.equals(except)
                    || m.equals(record.primary())
                    || record.stray(m)
                    || !rules.detached(seen.of(m), record.revision()));
            return detached;
        }

        /** Returns who is elected if the old primary can acknowledge nothing any more. */
        private Optional<String> elected(Set<String> detached) {
            Set<String> counted = new TreeSet<>(detached);
            counted.retainAll(guaranteed.members());
            boolean revoked = !guaranteed.alone() && counted.size() >= rules.confirmations(guaranteed);
            return revoked ? furthest(counted) : Optional.empty();
        }

        private Optional<String> furthest(Set<String> members) {
            return members.stream()
                    .filter(m -> rules.mayLead(seen.of(m), record.timeline()))
                    .max((a, b) -> rules.furthest().compare(seen.of(a), seen.of(b)));
        }

        /** Returns whether a member receives from the primary, closely, and has accepted this revision's order to do so. */
        private boolean streams(String member) {
            return receives(member) && seen.of(member).order() == record.revision();
        }

        private boolean receives(String member) {
            Seen.Member m = seen.of(member);
            return !record.stray(member)
                    && m.answers()
                    && m.state() == State.STANDBY
                    && m.receivesFrom().equals(Optional.of(record.primary()))
                    && m.timeline() >= record.timeline()
                    && primary.answers()
                    && m.flushed() >= primary.flushed() - limits.closeBy();
        }

        /** Returns the setting with which a new primary begins. */
        private Quorum settingOf(String leader, Set<String> near) {
            SortedSet<String> standbys = wanted.without(leader);
            int needed = wanted.durability().standbysNeeded();
            if (standbys.isEmpty() || needed == 0) {
                return Quorum.ALONE;
            }
            SortedSet<String> count = new TreeSet<>(near);
            count.retainAll(standbys);
            return filled(count, needed, standbys);
        }

        /** Too few near: writes wait for whoever else was counted on, rather than for fewer. */
        private Quorum filled(SortedSet<String> count, int needed, SortedSet<String> standbys) {
            Stream.concat(record.setting().members().stream().filter(standbys::contains), standbys.stream())
                    .takeWhile(m -> count.size() < needed)
                    .forEach(count::add);
            return new Quorum(count, needed);
        }

        // ---- what to tell ----

        private void alarm(Decision.Kind kind, String text) {
            alarms.add(new Alarm(kind, text));
        }

        private Decision orders(String reason) {
            SortedSet<String> members = new TreeSet<>(wanted.members());
            members.addAll(guaranteed.members());
            members.add(record.primary());
            SortedMap<String, Order> orders = new TreeMap<>();
            for (String member : members) {
                Order order = Order.of(record, member);
                if (!carriedOut(order, seen.of(member))) {
                    orders.put(member, order);
                }
            }
            if (record.steady()) {
                if (record.setting().alone() && wanted.durability().standbysNeeded() > 0) {
                    alarm(Decision.Kind.ALONE, record.primary() + " has leave to run alone");
                } else if (record.setting().members().stream()
                                .filter(this::receives)
                                .count()
                        < record.setting().needed()) {
                    alarm(Decision.Kind.STALLED, "writes wait for " + record.setting());
                }
            }
            return new Decision(Optional.empty(), orders, List.copyOf(alarms), Reason.said(reason));
        }

        private boolean carriedOut(Order order, Seen.Member m) {
            if (!m.answers() || m.order() != record.revision()) {
                return false;
            }
            if (order instanceof Order.Lead) {
                return m.state() == State.PRIMARY && m.proved() == record.revision();
            }
            if (order instanceof Order.Follow follow) {
                return m.state() == State.STANDBY && m.receivesFrom().equals(Optional.of(follow.primary()));
            }
            if (order instanceof Order.Detach) {
                return m.state() == State.STANDBY && m.receivesFrom().isEmpty();
            }
            return order instanceof Order.Rest && m.state() == State.STOPPED;
        }
    }
}

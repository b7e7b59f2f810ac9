package dev.tenon.core.reconcile;

import dev.tenon.api.Health;
import dev.tenon.api.Reason;
import dev.tenon.core.operation.Phase;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Decides, from what was seen alone, how well an instance is and whether something must be done. Pure. */
final class HealthPlanner {
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
    /** Healed and then well for so long: the next failure is a new one. */
    private static final Duration WELL_AGAIN = Duration.ofMinutes(10);

    private static final Duration START_PATIENCE = Duration.ofSeconds(60);

    private HealthPlanner() {}

    /** What to do. */
    sealed interface Decision {
        /** Nothing: it is as it shall be. */
        record Leave() implements Decision {}

        /**
         * Bring it back.
         *
         * @param hung a member that must be killed first
         */
        record Heal(Reason reason, Optional<MemberRef> hung) implements Decision {}

        /** Look again later, without doing anything. */
        record Wait(Reason reason, Duration pause) implements Decision {}
    }

    /**
     * What is known.
     *
     * @param phase what it shall be
     * @param members what was seen of each member, the first being the one that serves
     * @param silent which of them run but did not answer
     * @param carriedOut whether the latest generation was carried out
     * @param renewal whether its certificate is to be replaced
     * @param heals how often it was healed without having been well for a while in between
     * @param healedAt when it was last healed
     * @param now the time
     */
    record Seen(
            Phase phase,
            List<ObservedMember> members,
            Map<MemberRef, Silence> silent,
            boolean carriedOut,
            boolean renewal,
            int heals,
            Optional<Instant> healedAt,
            Instant now) {}

    /** Returns how well it is. */
    static Health health(List<ObservedMember> members, Map<MemberRef, Silence> silent, Health before, Instant now) {
        List<Reason> causes = new ArrayList<>();
        boolean unknown = false;
        for (ObservedMember member : members) {
            if (member.lost()) {
                causes.add(unseen(members, member));
            } else if (member.state() == MemberState.UNKNOWN) {
                unknown = true;
            } else if (member.state() != MemberState.RUNNING) {
                causes.add(cause(member));
            } else if (silent.containsKey(member.ref())) {
                causes.add(silent.get(member.ref()).reason(member.ref().member()));
            }
        }
        if (unknown) {
            return before instanceof Health.Unknown ? before : new Health.Unknown(now);
        }
        if (causes.isEmpty()) {
            return new Health.Healthy();
        }
        boolean serves = !members.isEmpty() && serves(members.get(0), silent);
        return serves ? new Health.Degraded(causes) : new Health.Down(causes);
    }

    private static boolean serves(ObservedMember member, Map<MemberRef, Silence> silent) {
        Silence silence = silent.get(member.ref());
        return member.state() == MemberState.RUNNING && (silence == null || !silence.serious());
    }

    private static Reason cause(ObservedMember member) {
        Reason state = Reason.of(
                Reason.Code.MEMBER_STATE, member.ref().member(), member.state().name());
        return member.reason().map(words -> state.because(Reason.said(words))).orElse(state);
    }

    /** Returns what to do. */
    static Decision decide(Seen seen) {
        // "Cannot see it" is not "it is down": acting on it could start a second copy beside one that still runs.
        Optional<ObservedMember> unseen = seen.members().stream()
                .filter(m -> m.state() == MemberState.UNKNOWN)
                .findFirst();
        if (unseen.isPresent()) {
            return new Decision.Wait(unseen(seen.members(), unseen.get()), Duration.ofSeconds(5));
        }
        return switch (seen.phase()) {
            case ACTIVE -> active(seen);
            case STOPPED, FROZEN ->
                seen.members().stream().anyMatch(HealthPlanner::runs)
                        ? paced(seen, Reason.of(Reason.Code.MEMBER_RUNS_UNASKED))
                        : new Decision.Leave();
            case REQUESTED, PENDING_APPROVAL, PROVISIONING, RECYCLED, DELETED, FAILED -> new Decision.Leave();
        };
    }

    private static Reason unseen(List<ObservedMember> members, ObservedMember member) {
        if (members.size() > 1) {
            return Reason.of(Reason.Code.MEMBER_UNSEEN);
        }
        return Reason.of(
                member.lost() ? Reason.Code.ONLY_COPY_LOST : Reason.Code.ONLY_COPY_AWAY,
                member.ref().member());
    }

    private static boolean runs(ObservedMember member) {
        return member.state() == MemberState.RUNNING || member.state() == MemberState.STARTING;
    }

    private static Decision active(Seen seen) {
        for (ObservedMember member : seen.members()) {
            switch (member.state()) {
                case ABSENT, INCOMPLETE, STOPPED -> {
                    return paced(seen, cause(member));
                }
                case STARTING -> {
                    // Starting what runs already only waits for it: a server that recovers from a crash is not
                    // disturbed.
                    boolean tooLong = member.startedAt()
                            .map(at -> at.plus(START_PATIENCE).isBefore(seen.now()))
                            .orElse(false);
                    return tooLong
                            ? paced(
                                    seen,
                                    Reason.of(
                                            Reason.Code.MEMBER_STARTS_LONG,
                                            member.ref().member(),
                                            Long.toString(START_PATIENCE.toSeconds())))
                            : new Decision.Wait(cause(member), Duration.ofSeconds(1));
                }
                case RUNNING, UNKNOWN -> {}
            }
        }
        for (Map.Entry<MemberRef, Silence> entry : seen.silent().entrySet()) {
            if (entry.getValue().hung()) {
                MemberRef ref = entry.getKey();
                return paced(seen, entry.getValue().reason(ref.member()), Optional.of(ref));
            }
        }
        if (seen.renewal()) {
            return paced(seen, Reason.of(Reason.Code.CERTIFICATE_DUE));
        }
        return seen.carriedOut() ? new Decision.Leave() : paced(seen, Reason.of(Reason.Code.CHANGE_GIVEN_UP));
    }

    private static Decision paced(Seen seen, Reason reason) {
        return paced(seen, reason, Optional.empty());
    }

    private static Decision paced(Seen seen, Reason reason, Optional<MemberRef> hung) {
        return wait(seen.heals(), seen.healedAt(), seen.now())
                .<Decision>map(pause -> new Decision.Wait(
                        Reason.of(Reason.Code.HEALED_LATELY, Integer.toString(seen.heals()))
                                .because(reason),
                        pause))
                .orElseGet(() -> new Decision.Heal(reason, hung));
    }

    /** What falls over again and again is started at growing distances, so that it does not use up the host. Returns for how long it is left. */
    static Optional<Duration> wait(int heals, Optional<Instant> healedAt, Instant now) {
        return notBefore(heals, healedAt)
                .map(at -> Duration.between(now, at))
                .filter(pause -> !pause.isNegative() && !pause.isZero());
    }

    /** Returns when it may be healed again at the earliest, if it was healed of late. */
    static Optional<Instant> notBefore(int heals, Optional<Instant> healedAt) {
        return healedAt.filter(at -> heals > 0).map(at -> at.plus(pause(heals)));
    }

    /** Returns the least time between the last healing and the next; the first failure is healed at once. */
    static Duration pause(int heals) {
        if (heals <= 1) {
            return Duration.ZERO;
        }
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(heals - 2, 10));
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }

    /** Returns the count of heals after one more. */
    static int healsAfter(int heals, Optional<Instant> healedAt, Instant now) {
        boolean fresh = healedAt.map(at -> at.plus(WELL_AGAIN).isBefore(now)).orElse(true);
        return fresh ? 1 : heals + 1;
    }
}

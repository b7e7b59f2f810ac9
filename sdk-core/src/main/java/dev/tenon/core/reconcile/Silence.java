package dev.tenon.core.reconcile;

import dev.tenon.api.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A member that runs but did not answer when it was last asked.
 *
 * @param incarnation the run of its main process that did not answer
 * @param since when the first answer was missed
 * @param missed answers missed in a row
 * @param cause what happened instead, for people
 * @param idleSince since when it has also used no processor time, in the ticker's nanoseconds
 * @param askedAt when it was last asked, in the same
 * @param cpuTime processor time it had used then, if its place could tell
 * @param hung whether it has been silent and idle for as long as is needed to restart it
 */
record Silence(
        Optional<String> incarnation,
        Instant since,
        int missed,
        Reason cause,
        long idleSince,
        long askedAt,
        Optional<Duration> cpuTime,
        boolean hung) {
    /** One answer may be missed by chance. */
    private static final int CHANCE = 1;
    /** What an idle server does by the clock stays below. */
    private static final double WORKING = 0.02;

    private static final int ASKED_BEFORE_RESTART = 3;

    /** Returns whether clients can no longer count on it. */
    boolean serious() {
        return missed > CHANCE;
    }

    /** Returns why the instance is not well. */
    Reason reason(String member) {
        return Reason.of(Reason.Code.MEMBER_SILENT, member, since.toString()).because(cause);
    }

    /**
     * Returns the silence after one more question.
     *
     * @param before the silence so far, if it is not the first
     * @param answered whether there was an answer, only not the right one
     * @param cpuTime processor time used so far, if the place can tell
     * @param restartAfter how long it must be silent and idle to be restarted, if ever
     */
    static Silence after(
            Optional<Silence> before,
            Optional<String> incarnation,
            boolean answered,
            Reason cause,
            Optional<Duration> cpuTime,
            Optional<Duration> restartAfter,
            Instant now,
            long ticks) {
        boolean idle = !answered && before.map(b -> b.idle(cpuTime, ticks)).orElse(false);
        long idleSince = idle ? before.orElseThrow().idleSince : ticks;
        int missed = before.map(Silence::missed).orElse(0) + 1;
        boolean hung = idle
                && missed >= ASKED_BEFORE_RESTART
                && restartAfter
                        .filter(after -> ticks - idleSince >= after.toNanos())
                        .isPresent();
        return new Silence(
                incarnation, before.map(Silence::since).orElse(now), missed, cause, idleSince, ticks, cpuTime, hung);
    }

    /** Less than before means that processes have ended, which is work as well. */
    private boolean idle(Optional<Duration> cpuTime, long ticks) {
        if (cpuTime.isEmpty() || this.cpuTime.isEmpty()) {
            return false;
        }
        long used = cpuTime.get().minus(this.cpuTime.get()).toNanos();
        return used >= 0 && used <= (ticks - askedAt) * WORKING;
    }
}

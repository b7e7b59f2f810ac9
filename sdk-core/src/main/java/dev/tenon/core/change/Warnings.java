package dev.tenon.core.change;

import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Preview.Warning;
import dev.tenon.api.Preview.WarningCode;
import dev.tenon.spi.delivery.Capability;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/** What people are told before a change. */
final class Warnings {
    static final Warning OPEN_TO_ALL =
            new Warning(WarningCode.OPEN_TO_ALL, List.of(), "the whitelist is open to every address");
    static final Warning NO_SERVICE =
            new Warning(WarningCode.NO_SERVICE, List.of(), "clients have no service until it is started again");
    static final Warning DATA_REMOVED =
            new Warning(WarningCode.DATA_REMOVED, List.of(), "all data is removed for good");
    static final Warning RESTARTS_FOR_LIMITS = new Warning(
            WarningCode.RESTARTS,
            List.of(),
            "the database restarts, because this place cannot change limits of a running member");

    static final Warning WRITES_PAUSE =
            new Warning(WarningCode.WRITES_PAUSE, List.of(), "sessions end, and writes pause for about a second");

    static final Warning ROLLS = new Warning(
            WarningCode.ROLLS,
            List.of(),
            "members restart one after the other, the standbys first; then a standby takes the primary's place");

    private Warnings() {}

    static Warning rollsPrimaryFirst(Collection<String> settings) {
        List<String> sorted = List.copyOf(new TreeSet<>(settings));
        return new Warning(
                WarningCode.ROLLS_PRIMARY_FIRST,
                sorted,
                "the primary restarts where it is, before its standbys, which must not have less than it of " + sorted);
    }

    static Warning mayLose(String standby, PossibleLoss loss) {
        return new Warning(
                WarningCode.MAY_LOSE,
                List.of(
                        standby,
                        Long.toString(loss.knownBytes()),
                        loss.safeUntil().map(Instant::toString).orElse("")),
                "the copy of " + standby + " is taken: it lacks " + loss.knownBytes()
                        + " bytes of log that are known of, and whatever the primary wrote unseen; "
                        + loss.safeUntil()
                                .map(at -> "what was acknowledged before " + at + " is there")
                                .orElse("up to when it has everything is not known"));
    }

    static Warning otherHasMore(String standby, long bytes) {
        return new Warning(
                WarningCode.OTHER_HAS_MORE,
                List.of(standby, Long.toString(bytes)),
                standby + " has " + bytes + " bytes of log more");
    }

    static Warning writesWait(String standby) {
        return new Warning(
                WarningCode.WRITES_WAIT,
                List.of(standby),
                "writes wait while the only standby, " + standby + ", restarts");
    }

    static Warning memberRemoved(String member) {
        return new Warning(
                WarningCode.MEMBER_REMOVED, List.of(member), "the data of " + member + " is removed for good");
    }

    static Warning notReady(String member) {
        return new Warning(
                WarningCode.NOT_READY, List.of(member), member + " cannot take over until its copy is complete");
    }

    static Warning oneHost(String place) {
        return new Warning(
                WarningCode.ONE_HOST,
                List.of(place),
                "the place " + place + " is one host: all members are lost with it");
    }

    static Warning recoverable(Duration retention) {
        String hours = Long.toString(retention.toHours());
        return new Warning(
                WarningCode.RECOVERABLE,
                List.of(hours),
                "clients have no service; it can be recovered for " + hours + " hours");
    }

    static Warning restarts(Collection<String> settings) {
        List<String> sorted = List.copyOf(new TreeSet<>(settings));
        return new Warning(WarningCode.RESTARTS, sorted, "the database restarts, because of " + sorted);
    }

    static Warning nextRestart(Collection<String> settings) {
        List<String> sorted = List.copyOf(new TreeSet<>(settings));
        return new Warning(WarningCode.NEXT_RESTART, sorted, "takes effect at the next restart: " + sorted);
    }

    static Warning notEnforced(String place, Capability capability) {
        return new Warning(
                WarningCode.NOT_ENFORCED,
                List.of(place, capability.name()),
                "the place " + place + " does not enforce " + capability);
    }
}

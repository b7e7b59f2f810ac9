package dev.tenon.core.cluster;

import dev.tenon.api.Event.Severity;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Phase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What the world is told of a new record: pure, so that it is committed together with it. */
final class Story {
    /** An event without its subject. */
    record Told(String type, Severity severity, String message, Map<String, String> attributes) {}

    private Story() {}

    static List<Told> of(String name, FailoverRecord before, FailoverRecord after, String reason, Instant now) {
        List<Told> told = new ArrayList<>();
        Map<String, String> attributes = new TreeMap<>(Map.of(
                "term", Long.toString(after.term()),
                "revision", Long.toString(after.revision()),
                "primary", after.primary()));
        if (!before.phase().getClass().equals(after.phase().getClass())
                || before.term() != after.term()
                || !before.primary().equals(after.primary())) {
            if (!before.steady()) {
                attributes.put(
                        "step_ms",
                        Long.toString(Duration.between(since(before), now).toMillis()));
            }
            told.add(phase(name, before, after, reason, new TreeMap<>(attributes)));
        }
        if (!before.setting().alone() && after.setting().alone()) {
            told.add(new Told(
                    "instance.alone",
                    Severity.WARNING,
                    name + " goes on without a standby: what it acknowledges now is lost if it is lost",
                    attributes));
        } else if (before.guaranteed().alone() && !after.guaranteed().alone() && after.steady()) {
            told.add(new Told(
                    "instance.not_alone",
                    Severity.INFO,
                    name + " waits for its standbys: " + after.guaranteed(),
                    attributes));
        }
        TreeSet<String> broken = new TreeSet<>(after.rebuilds().keySet());
        broken.removeAll(before.rebuilds().keySet());
        if (!broken.isEmpty()) {
            told.add(about(
                    broken, new Told("standby.rebuild", Severity.INFO, name + " copies standbys anew: ", attributes)));
        }
        TreeSet<String> sound = new TreeSet<>(before.rebuilds().keySet());
        sound.removeAll(after.rebuilds().keySet());
        if (!sound.isEmpty()) {
            told.add(about(sound, new Told("standby.rebuilt", Severity.INFO, name + " has new copies: ", attributes)));
        }
        return told;
    }

    private static Told about(Set<String> members, Told told) {
        String names = String.join(", ", members);
        Map<String, String> attributes = new TreeMap<>(told.attributes());
        attributes.put("member", names);
        return new Told(told.type(), told.severity(), told.message() + names, attributes);
    }

    private static Told phase(
            String name, FailoverRecord before, FailoverRecord after, String reason, Map<String, String> attributes) {
        if (after.phase() instanceof Phase.Revoking) {
            return new Told("failover.begun", Severity.WARNING, "fail-over of " + name + ": " + reason, attributes);
        }
        if (after.phase() instanceof Phase.HandingOver) {
            return new Told("switchover.begun", Severity.INFO, name + ": " + reason, attributes);
        }
        if (after.phase() instanceof Phase.Promoting promoting) {
            after.loss().ifPresent(loss -> {
                attributes.put("lost_bytes_known", Long.toString(loss.knownBytes()));
                loss.since().ifPresent(since -> attributes.put("safe_until", since.toString()));
            });
            attributes.put("member", promoting.elected());
            return new Told(
                    "failover.elected",
                    after.loss().isPresent() ? Severity.ERROR : Severity.INFO,
                    name + " elects " + promoting.elected() + ": " + reason
                            + after.loss()
                                    .map(loss ->
                                            "; may lose " + loss.knownBytes() + " bytes and more that was not seen")
                                    .orElse(""),
                    attributes);
        }
        attributes.put("member", after.primary());
        return before.primary().equals(after.primary())
                ? new Told("failover.given_up", Severity.WARNING, name + ": " + reason, attributes)
                : new Told(
                        "failover.done",
                        Severity.WARNING,
                        after.primary() + " is now the primary of " + name + ", in term " + after.term(),
                        attributes);
    }

    private static Instant since(FailoverRecord record) {
        Phase phase = record.phase();
        if (phase instanceof Phase.Revoking revoking) {
            return revoking.since();
        } else if (phase instanceof Phase.HandingOver handingOver) {
            return handingOver.since();
        } else if (phase instanceof Phase.Promoting promoting) {
            return promoting.since();
        }
        return ((Phase.Steady) phase).since();
    }
}

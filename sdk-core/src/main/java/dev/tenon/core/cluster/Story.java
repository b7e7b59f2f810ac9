package dev.tenon.core.cluster;

import dev.tenon.api.Reason;
import dev.tenon.core.event.Told;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
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
    private Story() {}

    static List<Told> of(String name, FailoverRecord before, FailoverRecord after, Reason reason, Instant now) {
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
            told.add(Told.warning(
                            "instance.alone",
                            name + " goes on without a standby: what it acknowledges now is lost if it is lost")
                    .with(attributes));
        } else if (before.guaranteed().alone() && !after.guaranteed().alone() && after.steady()) {
            told.add(Told.info("instance.not_alone", name + " waits for its standbys: " + after.guaranteed())
                    .with(attributes));
        }
        TreeSet<String> broken = new TreeSet<>(after.rebuilds().keySet());
        broken.removeAll(before.rebuilds().keySet());
        if (!broken.isEmpty()) {
            told.add(about("standby.rebuild", name + " copies standbys anew: ", broken, attributes));
        }
        TreeSet<String> sound = new TreeSet<>(before.rebuilds().keySet());
        sound.removeAll(after.rebuilds().keySet());
        if (!sound.isEmpty()) {
            told.add(about("standby.rebuilt", name + " has new copies: ", sound, attributes));
        }
        return told;
    }

    private static Told about(String type, String message, Set<String> members, Map<String, String> more) {
        String names = String.join(", ", members);
        Map<String, String> attributes = new TreeMap<>(more);
        attributes.put("member", names);
        return Told.info(type, message + names).with(attributes);
    }

    private static Told phase(
            String name, FailoverRecord before, FailoverRecord after, Reason reason, Map<String, String> attributes) {
        if (after.phase() instanceof Phase.Revoking) {
            return Told.warning("failover.begun", "fail-over of " + name + ": " + reason)
                    .with(attributes)
                    .because(reason);
        }
        if (after.phase() instanceof Phase.HandingOver) {
            return Told.info("switchover.begun", name + ": " + reason).with(attributes);
        }
        if (after.phase() instanceof Phase.Promoting promoting) {
            attributes.put("member", promoting.elected());
            if (before.phase() instanceof Phase.HandingOver) {
                return Told.info("switchover.handed_over", name + ": " + reason).with(attributes);
            }
            String message = name + " elects " + promoting.elected() + ": " + reason;
            if (after.loss().isEmpty()) {
                return Told.info("failover.elected", message).with(attributes);
            }
            Loss loss = after.loss().get();
            attributes.put("lost_bytes_known", Long.toString(loss.knownBytes()));
            loss.since().ifPresent(since -> attributes.put("safe_until", since.toString()));
            return Told.error("failover.elected", message + "; " + Told.joined(loss.reasons()))
                    .with(attributes)
                    .because(loss.reasons());
        }
        attributes.put("member", after.primary());
        if (before.primary().equals(after.primary())) {
            String type = before.phase() instanceof Phase.HandingOver ? "switchover.given_up" : "failover.given_up";
            return Told.warning(type, name + ": " + reason).with(attributes).because(reason);
        }
        String message = after.primary() + " is now the primary of " + name + ", in term " + after.term();
        // Only a primary that handed over needs no new data.
        Told told = before.stray(before.primary())
                ? Told.warning("failover.done", message)
                : Told.info("switchover.done", message);
        return told.with(attributes);
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

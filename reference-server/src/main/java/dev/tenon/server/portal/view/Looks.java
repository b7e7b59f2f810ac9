package dev.tenon.server.portal.view;

import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Member;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;

/** How states look: never by colour alone, always a word and a picture too. */
public final class Looks {
    /**
     * One look.
     *
     * @param tone {@code ok}, {@code warn}, {@code bad}, {@code info} or {@code mute}
     * @param icon name of a picture
     * @param key key of the word
     * @param busy whether something is under way
     */
    public record Look(String tone, String icon, String key, boolean busy) {
        Look(String tone, String icon, String key) {
            this(tone, icon, key, false);
        }
    }

    private Looks() {}

    /** Returns the look of a lifecycle. */
    public static Look of(Lifecycle lifecycle) {
        String key = "lifecycle." + lifecycle.name();
        if (lifecycle instanceof Lifecycle.Requested) {
            return new Look("info", "arrow-repeat", key, true);
        } else if (lifecycle instanceof Lifecycle.PendingApproval) {
            return new Look("warn", "hourglass-split", key);
        } else if (lifecycle instanceof Lifecycle.Provisioning) {
            return new Look("info", "arrow-repeat", key, true);
        } else if (lifecycle instanceof Lifecycle.Active) {
            return new Look("ok", "play-fill", key);
        } else if (lifecycle instanceof Lifecycle.Stopped) {
            return new Look("mute", "stop-circle-fill", key);
        } else if (lifecycle instanceof Lifecycle.Frozen) {
            return new Look("info", "snow", key);
        } else if (lifecycle instanceof Lifecycle.Recycled) {
            return new Look("warn", "trash3", key);
        } else if (lifecycle instanceof Lifecycle.Deleted) {
            return new Look("mute", "dash-circle", key);
        } else {
            return new Look("bad", "x-circle-fill", key);
        }
    }

    /** Returns the look of a health. */
    public static Look of(Health health) {
        String key = "health." + health.name();
        if (health instanceof Health.Healthy) {
            return new Look("ok", "check-circle-fill", key);
        } else if (health instanceof Health.Degraded) {
            return new Look("warn", "exclamation-triangle-fill", key);
        } else if (health instanceof Health.Down) {
            return new Look("bad", "x-circle-fill", key);
        } else {
            return new Look("mute", "question-circle-fill", key);
        }
    }

    /** Returns the look of an operation's state. */
    public static Look of(OperationState state) {
        String key = "state." + state.name();
        return switch (state) {
            case PENDING_APPROVAL -> new Look("warn", "hourglass-split", key);
            case QUEUED -> new Look("mute", "clock-history", key);
            case RUNNING -> new Look("info", "arrow-repeat", key, true);
            case WAITING -> new Look("warn", "clock-history", key);
            case PARKED -> new Look("bad", "pause-circle-fill", key);
            case SUCCEEDED -> new Look("ok", "check-circle-fill", key);
            case FAILED -> new Look("bad", "x-circle-fill", key);
            case CANCELLED -> new Look("mute", "dash-circle", key);
            case REJECTED -> new Look("bad", "dash-circle", key);
        };
    }

    /** Returns the look of a step; the key is unused, steps have names of their own. */
    public static Look of(OperationView.StepState state) {
        return switch (state) {
            case PENDING -> new Look("pending", "circle", "step.PENDING");
            case STARTED -> new Look("run", "arrow-repeat", "step.STARTED", true);
            case DONE -> new Look("done", "check-circle-fill", "step.DONE");
            case FAILED -> new Look("fail", "x-circle-fill", "step.FAILED");
            case UNDONE -> new Look("undone", "arrow-counterclockwise", "step.UNDONE");
        };
    }

    /** Returns the look of a member. */
    public static Look of(Member member) {
        String key = "member." + member.state();
        return switch (member.state()) {
            case "RUNNING" -> new Look("ok", "check-circle-fill", key);
            case "STARTING" -> new Look("warn", "arrow-repeat", key, true);
            case "STOPPED" -> new Look("mute", "stop-circle-fill", key);
            case "ABSENT", "INCOMPLETE" -> new Look("bad", "x-circle-fill", key);
            default -> new Look("mute", "question-circle-fill", "member.UNKNOWN");
        };
    }

    /** Returns the look of an event. */
    public static Look of(Event.Severity severity) {
        return switch (severity) {
            case INFO -> new Look("info", "info-circle", "severity.INFO");
            case WARNING -> new Look("warning", "exclamation-triangle-fill", "severity.WARNING");
            case ERROR -> new Look("error", "x-circle-fill", "severity.ERROR");
        };
    }
}

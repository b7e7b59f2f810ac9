package dev.tenon.api;

import java.time.Duration;
import java.util.Optional;
import org.immutables.value.Value;

/**
 * How the control plane finds out that a database whose processes run, or its host, does not answer, and what it does then.
 *
 * <p>Every running member is asked something in a session of its own. One answer missed makes the instance {@link Health.Degraded}, the
 * next {@link Health.Down}; the next answer makes it {@link Health.Healthy} again.
 */
@Value.Immutable
@SdkStyle
public interface HealthCheck {
    /**
     * Time between two questions to a member that answers, 100 ms to 1 hour; defaults to 30 seconds. The next may come up to a
     * sixtieth of it sooner, together with others'.
     */
    @Value.Default
    default Duration interval() {
        return Duration.ofSeconds(30);
    }

    /** How long an answer may take, 1 second to 1 minute; defaults to 5 seconds. */
    @Value.Default
    default Duration timeout() {
        return Duration.ofSeconds(5);
    }

    /**
     * How long a member must have been silent <em>and</em> idle before it is killed and started again, at least three times the
     * time-out; defaults to 2 minutes. A member that uses processor time is slow, not hung, and is never restarted for its silence; nor
     * is one that answers with a refusal, nor one whose place cannot tell what it uses. Empty: a person decides.
     */
    @Value.Default
    default Optional<Duration> restartAfter() {
        return Optional.of(Duration.ofMinutes(2));
    }

    /**
     * How long the host of a standby must not have answered, and the standby not have followed its primary, before a new one is made on
     * another host and the old one is given up; 1 second to 7 days, defaults to 10 minutes. That is long enough for a machine to be
     * restarted; a copy of a large database may take longer than waiting. Only at places with several hosts, and only while the primary is
     * well. Empty: a person decides, by saying that the host is lost for good.
     *
     * @see <a href="https://docs.ceph.com/en/latest/rados/configuration/mon-osd-interaction/">Ceph, which also waits 600 seconds
     *     ({@code mon_osd_down_out_interval}); Kubernetes and CockroachDB wait 5 minutes</a>
     */
    @Value.Default
    default Optional<Duration> replaceAfter() {
        return Optional.of(Duration.ofMinutes(10));
    }

    /** Checks the bounds. */
    @Value.Check
    default void check() {
        within("interval", interval(), Duration.ofMillis(100), Duration.ofHours(1));
        within("timeout", timeout(), Duration.ofSeconds(1), Duration.ofMinutes(1));
        restartAfter()
                .ifPresent(after -> within("restartAfter", after, timeout().multipliedBy(3), Duration.ofDays(1)));
        replaceAfter().ifPresent(after -> within("replaceAfter", after, Duration.ofSeconds(1), Duration.ofDays(7)));
    }

    private static void within(String field, Duration seen, Duration min, Duration max) {
        if (seen.compareTo(min) < 0 || seen.compareTo(max) > 0) {
            throw new InvalidSpecException("healthCheck." + field, seen + "; expected " + min + " to " + max);
        }
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link HealthCheck}. */
    final class Builder extends ImmutableHealthCheck.Builder {
        Builder() {}

        /** Leaves it to a person to restart what hangs. */
        public Builder neverRestart() {
            return restartAfter(Optional.empty());
        }

        /** Leaves it to a person to say that a host will not come back. */
        public Builder neverReplace() {
            return replaceAfter(Optional.empty());
        }
    }
}

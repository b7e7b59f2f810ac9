package dev.tenon.server.auth;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Locks a login after 5 failures within 15 minutes, for 15 minutes, per account and source; and a source that tries many accounts
 * after 30. Counting by both means that nobody can lock somebody else out from elsewhere. Thread-safe.
 */
final class LoginThrottle {
    static final int PER_ACCOUNT = 5;
    static final int PER_SOURCE = 30;
    static final Duration WINDOW = Duration.ofMinutes(15);
    private static final int MAX_ENTRIES = 10_000;

    private record Failures(int count, Instant last) {}

    private final Clock clock;
    private final Map<String, Failures> failures = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Failures> eldest) {
            return size() > MAX_ENTRIES;
        }
    };

    LoginThrottle(Clock clock) {
        this.clock = clock;
    }

    /** Returns how long this login is still locked; zero if it is not. */
    synchronized Duration locked(String account, String source) {
        Duration one = left(pair(account, source), PER_ACCOUNT);
        Duration all = left(source, PER_SOURCE);
        return one.compareTo(all) > 0 ? one : all;
    }

    synchronized void failed(String account, String source) {
        raise(pair(account, source));
        raise(source);
    }

    synchronized void succeeded(String account, String source) {
        failures.remove(pair(account, source));
    }

    private void raise(String key) {
        Instant now = clock.instant();
        Failures seen = failures.get(key);
        int before = seen == null || seen.last().plus(WINDOW).isBefore(now) ? 0 : seen.count();
        failures.put(key, new Failures(before + 1, now));
    }

    private Duration left(String key, int max) {
        Failures seen = failures.get(key);
        if (seen == null || seen.count() < max) {
            return Duration.ZERO;
        }
        Duration left = Duration.between(clock.instant(), seen.last().plus(WINDOW));
        return left.isNegative() ? Duration.ZERO : left;
    }

    private static String pair(String account, String source) {
        return source + " " + account;
    }
}

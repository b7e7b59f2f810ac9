package dev.tenon.server.auth;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who is logged in. Tokens are 256 random bits; only their keyed hash is kept, and only in memory: a restart of the server ends all
 * logins. Thread-safe.
 */
final class Sessions {
    static final Duration IDLE = Duration.ofMinutes(15);
    static final Duration BROWSER = Duration.ofHours(12);
    static final Duration BEARER = Duration.ofHours(1);
    static final int PER_USER = 50;

    /** How the token travels. */
    enum Carrier {
        COOKIE,
        BEARER
    }

    record Session(String key, String user, Carrier carrier, Instant createdAt, Instant usedAt) {
        Instant endsAt() {
            if (carrier == Carrier.BEARER) {
                return createdAt.plus(BEARER);
            }
            Instant idle = usedAt.plus(IDLE);
            Instant absolute = createdAt.plus(BROWSER);
            return idle.isBefore(absolute) ? idle : absolute;
        }
    }

    record Opened(String token, Session session) {}

    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final ServerKey key;
    private final Clock clock;
    private final SecureRandom random;

    Sessions(ServerKey key, Clock clock, SecureRandom random) {
        this.key = key;
        this.clock = clock;
        this.random = random;
    }

    synchronized Opened open(String user, Carrier carrier) {
        byte[] raw = new byte[32];
        random.nextBytes(raw);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(raw);
        Instant now = clock.instant();
        sessions.values().removeIf(s -> !s.endsAt().isAfter(now));
        List<Session> own = sessions.values().stream()
                .filter(s -> s.user().equals(user))
                .sorted(Comparator.comparing(Session::usedAt))
                .toList();
        if (own.size() >= PER_USER) {
            sessions.remove(own.get(0).key());
        }
        Session session = new Session(hash(token), user, carrier, now, now);
        sessions.put(session.key(), session);
        return new Opened(token, session);
    }

    /** Finds a live session and marks it as used. */
    Optional<Session> use(String token, Carrier carrier) {
        if (token.length() != 43) {
            return Optional.empty();
        }
        Instant now = clock.instant();
        return Optional.ofNullable(sessions.computeIfPresent(hash(token), (k, s) -> {
                    if (!s.endsAt().isAfter(now)) {
                        return null;
                    }
                    return new Session(s.key(), s.user(), s.carrier(), s.createdAt(), now);
                }))
                .filter(s -> s.carrier() == carrier);
    }

    /** Returns whether a session found earlier is still live, without marking it as used. */
    boolean live(String sessionKey) {
        Session session = sessions.get(sessionKey);
        return session != null && session.endsAt().isAfter(clock.instant());
    }

    void close(Session session) {
        sessions.remove(session.key());
    }

    void closeAllOf(String user) {
        sessions.values().removeIf(s -> s.user().equals(user));
    }

    private String hash(String token) {
        return key.macHex("session", token);
    }
}

package dev.tenon.server.auth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.file.Path;
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
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is logged in. Tokens are 256 random bits; only their keyed hash is kept, in memory and in a private file, so that logins
 * outlive a restart of the server. Each is bound to the password it was made with: one that was changed meanwhile, by whatever
 * means, ends it. Thread-safe.
 */
final class Sessions {
    static final Duration IDLE = Duration.ofMinutes(15);
    static final Duration BROWSER = Duration.ofHours(12);
    static final Duration BEARER = Duration.ofHours(1);
    static final int PER_USER = 50;

    /** How much later than used a session may be known as used after a restart; a write for every request would cost too much. */
    private static final Duration LAG = Duration.ofMinutes(1);

    private static final Logger log = LoggerFactory.getLogger(Sessions.class);

    /** How the token travels. */
    enum Carrier {
        COOKIE,
        BEARER
    }

    record Session(String key, String user, String stamp, Carrier carrier, Instant createdAt, Instant usedAt) {
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

    private record Content(int format, List<Session> sessions) {}

    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final PrivateFile file;
    private final ObjectMapper json;
    private final ServerKey key;
    private final Clock clock;
    private final SecureRandom random;
    private final Function<String, Optional<String>> stamps;
    private volatile Instant savedAt;

    /**
     * Reads the file if there is one.
     *
     * @param stamps returns what a user's password is known by, and changes with it; empty if there is no such user
     */
    Sessions(
            Path path,
            ObjectMapper json,
            ServerKey key,
            Clock clock,
            SecureRandom random,
            Function<String, Optional<String>> stamps) {
        this.file = new PrivateFile(path);
        this.json = json;
        this.key = key;
        this.clock = clock;
        this.random = random;
        this.stamps = stamps;
        this.savedAt = clock.instant();
        file.read().ifPresent(content -> load(path, content));
    }

    private void load(Path path, byte[] content) {
        try {
            for (Session session : json.readValue(content, Content.class).sessions()) {
                if (stamp(session.user()).equals(Optional.of(session.stamp()))) {
                    sessions.put(session.key(), session);
                }
            }
        } catch (IOException e) {
            log.warn("{} is damaged; everybody has to log in again", path, e);
        }
    }

    private Optional<String> stamp(String user) {
        return stamps.apply(user).map(s -> key.macHex("stamp", s));
    }

    private synchronized void save() {
        savedAt = clock.instant();
        try {
            file.write(json.writeValueAsBytes(new Content(1, List.copyOf(sessions.values()))));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("records of text can be written", e);
        }
    }

    /** For changes that may be forgotten by a restart: a full disk shall not keep an administrator out. */
    private void trySave() {
        try {
            save();
        } catch (ProviderException e) {
            log.warn("logins are not kept over a restart: {}", e.getMessage());
        }
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
        Session session = new Session(hash(token), user, stamp(user).orElse(""), carrier, now, now);
        sessions.put(session.key(), session);
        trySave();
        return new Opened(token, session);
    }

    /** Finds a live session and marks it as used. */
    Optional<Session> use(String token, Carrier carrier) {
        if (token.length() != 43) {
            return Optional.empty();
        }
        Instant now = clock.instant();
        Optional<Session> used = Optional.ofNullable(sessions.computeIfPresent(hash(token), (k, s) -> {
                    if (!s.endsAt().isAfter(now)) {
                        return null;
                    }
                    return new Session(s.key(), s.user(), s.stamp(), s.carrier(), s.createdAt(), now);
                }))
                .filter(s -> s.carrier() == carrier);
        if (carrier == Carrier.COOKIE && used.isPresent() && savedAt.plus(LAG).isBefore(now)) {
            trySave();
        }
        return used;
    }

    /** Returns whether a session found earlier is still live, without marking it as used. */
    boolean live(String sessionKey) {
        Session session = sessions.get(sessionKey);
        return session != null && session.endsAt().isAfter(clock.instant());
    }

    /** Ends a login; {@code PROVIDER_FAILED} if it would come back with a restart. */
    void close(Session session) {
        if (sessions.remove(session.key()) != null) {
            save();
        }
    }

    /** Ends all logins of a user; throws as {@link #close}. */
    void closeAllOf(String user) {
        if (sessions.values().removeIf(s -> s.user().equals(user))) {
            save();
        }
    }

    private String hash(String token) {
        return key.macHex("session", token);
    }
}

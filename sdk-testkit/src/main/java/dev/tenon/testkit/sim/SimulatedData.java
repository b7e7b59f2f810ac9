package dev.tenon.testkit.sim;

import dev.tenon.api.Grant;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the simulated engine keeps in its data directory. Guarded by its member. */
final class SimulatedData {
    /** An account. */
    static final class StoredAccount {
        Secret password;
        Set<Grant> grants;

        StoredAccount(Secret password, Set<Grant> grants) {
            this.password = password;
            this.grants = Set.copyOf(grants);
        }
    }

    /** Password of the platform's own role, fixed at initialisation. */
    final String platformPassword;

    @Nullable
    String owner;

    final Map<String, StoredAccount> accounts = new TreeMap<>();

    /** Owner by database. */
    final Map<String, String> databases = new TreeMap<>();

    private final Map<Long, Session> sessions = new HashMap<>(0);
    private long lastSession;

    SimulatedData(String platformPassword) {
        this.platformPassword = platformPassword;
    }

    List<Session> sessions() {
        return new ArrayList<>(sessions.values());
    }

    long open(Session likeThis) {
        long id = ++lastSession;
        sessions.put(
                id,
                new Session(
                        id,
                        likeThis.account(),
                        likeThis.database(),
                        likeThis.client(),
                        likeThis.application(),
                        likeThis.state(),
                        likeThis.startedAt()));
        return id;
    }

    boolean end(long id) {
        return sessions.remove(id) != null;
    }

    void endSessions() {
        sessions.clear();
    }

    void endSessionsIn(String database) {
        sessions.values().removeIf(s -> s.database().equals(database));
    }
}

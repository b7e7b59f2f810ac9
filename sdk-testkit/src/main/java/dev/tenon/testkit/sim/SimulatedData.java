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

    /** What a standby has is what its primary has: it never lags. */
    final Map<String, StoredAccount> accounts;

    /** Owner by database. */
    final Map<String, String> databases;

    /** Whether it only follows. */
    boolean standby;

    /** Whether it came from another member, not from a template. */
    boolean filled;

    /** Grows with every promotion. */
    int timeline = 1;

    /** Which standbys may follow it. */
    Set<String> admitted = Set.of();

    private final Map<Long, Session> sessions = new HashMap<>(0);
    private long lastSession;

    SimulatedData(String platformPassword) {
        this(platformPassword, new TreeMap<>(), new TreeMap<>());
    }

    private SimulatedData(String platformPassword, Map<String, StoredAccount> accounts, Map<String, String> databases) {
        this.platformPassword = platformPassword;
        this.accounts = accounts;
        this.databases = databases;
    }

    /** Returns a standby's data, copied from this. */
    SimulatedData copied() {
        SimulatedData copy = new SimulatedData(platformPassword, accounts, databases);
        copy.owner = owner;
        copy.standby = true;
        copy.filled = true;
        copy.timeline = timeline;
        return copy;
    }

    /** Returns the data of a standby that begins as this began and follows: as nothing lags, it has what this has. */
    SimulatedData alike() {
        SimulatedData alike = copied();
        alike.filled = false;
        return alike;
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

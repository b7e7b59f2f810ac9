package dev.tenon.testkit.sim;

import dev.tenon.api.Account;
import dev.tenon.api.DataSize;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import dev.tenon.spi.engine.ReplicationStatus;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Administration of one simulated member; ends when its process ends. */
final class SimulatedSession implements EngineSession {
    private final SimulatedPlace place;
    private final SimulatedMember m;
    private final long incarnation;
    private boolean closed;

    private SimulatedSession(SimulatedPlace place, SimulatedMember m, long incarnation) {
        this.place = place;
        this.m = m;
        this.incarnation = incarnation;
    }

    static SimulatedSession open(SimulatedPlace place, SimulatedMember m, EngineRequest request) {
        synchronized (m) {
            if (!m.ref.instance().equals(request.instance())) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the address belongs to another instance");
            }
            if (m.silent) {
                throw new ProviderException(ErrorCode.TIMEOUT, m.ref + " does not answer");
            }
            SimulatedSession session = new SimulatedSession(place, m, m.incarnation);
            SimulatedData data = session.data();
            Secret given = request.secrets().get(SimulatedEngine.PLATFORM);
            if (given == null || !given.equals(Secret.of(data.platformPassword))) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the platform's password is wrong");
            }
            return session;
        }
    }

    @Override
    public Role role() {
        return ask("role", data -> data.standby ? Role.STANDBY : Role.PRIMARY);
    }

    @Override
    public String serverVersion() {
        return ask("serverVersion", data -> "simdb 2.1");
    }

    @Override
    public void handOver(HandOver handOver) {
        change("handOver", data -> {
            data.owner = handOver.owner();
            account(data, handOver.owner(), handOver.password(), EnumSet.allOf(Grant.class));
            data.databases.put(handOver.database(), handOver.owner());
        });
    }

    @Override
    public List<Account> accounts() {
        return ask("accounts", data -> data.accounts.entrySet().stream()
                .map(a ->
                        new Account(a.getKey(), a.getValue().grants, a.getKey().equals(data.owner)))
                .toList());
    }

    @Override
    public void putAccount(String name, Secret password, Set<Grant> grants) {
        change("putAccount", data -> account(data, name, password, grants));
    }

    @Override
    public void password(String name, Secret password) {
        change("password", data -> existing(data, name).password = password);
    }

    @Override
    public void grant(String name, Set<Grant> grants) {
        change("grant", data -> existing(data, name).grants = Set.copyOf(grants));
    }

    @Override
    public void dropAccount(String name, String owner) {
        change("dropAccount", data -> {
            if (data.accounts.remove(name) != null) {
                data.databases.replaceAll((database, has) -> has.equals(name) ? owner : has);
            }
        });
    }

    @Override
    public List<Database> databases() {
        return ask("databases", data -> data.databases.entrySet().stream()
                .map(d -> new Database(d.getKey(), d.getValue(), DataSize.mib(8)))
                .toList());
    }

    @Override
    public void createDatabase(String name, String owner) {
        change("createDatabase", data -> {
            existing(data, owner);
            data.databases.putIfAbsent(name, owner);
        });
    }

    @Override
    public void dropDatabase(String name) {
        change("dropDatabase", data -> {
            data.endSessionsIn(name);
            data.databases.remove(name);
        });
    }

    @Override
    public List<Session> sessions() {
        return ask("sessions", SimulatedData::sessions);
    }

    @Override
    public boolean terminate(long sessionId) {
        return ask("terminate", data -> data.end(sessionId));
    }

    @Override
    public void terminateAll() {
        change("terminateAll", SimulatedData::endSessions);
    }

    @Override
    public Map<String, String> settings() {
        return ask("settings", data -> {
            Map<String, String> all = SimulatedEngine.settings(m.loaded, SimulatedEngine.RESTART_FILE);
            all.putAll(SimulatedEngine.settings(m.loaded, SimulatedEngine.RELOAD_FILE));
            return all;
        });
    }

    @Override
    public Set<String> pendingRestart() {
        return ask("pendingRestart", data -> {
            Map<String, String> written = SimulatedEngine.settings(m.files, SimulatedEngine.RESTART_FILE);
            Map<String, String> inForce = SimulatedEngine.settings(m.loaded, SimulatedEngine.RESTART_FILE);
            Set<String> differing = new TreeSet<>(written.keySet());
            differing.addAll(inForce.keySet());
            differing.removeIf(name -> Objects.equals(written.get(name), inForce.get(name)));
            return differing;
        });
    }

    @Override
    public ReplicationStatus replication() {
        List<ReplicationStatus.Standby> standbys = place.followers(m.ref);
        return ask("replication", data -> ReplicationStatus.builder()
                .role(data.standby ? Role.STANDBY : Role.PRIMARY)
                .position(1)
                .replayed(1)
                .timeline(data.timeline)
                .revision(SimulatedEngine.lines(m.loaded, SimulatedEngine.STANCE_FILE).stream()
                        .mapToLong(Long::parseLong)
                        .findFirst()
                        .orElse(0))
                .receivesFrom(data.standby ? source() : Optional.empty())
                .standbys(standbys.stream()
                        .filter(standby -> data.admitted.contains(standby.member()))
                        .toList())
                .build());
    }

    private Optional<String> source() {
        return SimulatedEngine.lines(m.loaded, SimulatedEngine.FOLLOW_FILE).stream()
                .filter(name -> !name.isEmpty())
                .findFirst();
    }

    @Override
    public void admitStandbys(Set<String> members) {
        changeAny("admitStandbys", data -> data.admitted = Set.copyOf(members));
    }

    /** All of the log, which ends where {@link SimulatedEngine#endOfLog} says. */
    @Override
    public OptionalLong keptFrom(String standby) {
        return ask("keptFrom", data -> data.admitted.contains(standby) ? OptionalLong.of(1) : OptionalLong.empty());
    }

    @Override
    public void checkpoint() {
        ask("checkpoint", data -> data);
    }

    @Override
    public void promote(long revision) {
        changeAny("promote", data -> {
            if (data.standby) {
                data.standby = false;
                data.timeline++;
            }
        });
    }

    @Override
    public long beat() {
        return ask("beat", data -> 1L);
    }

    @Override
    public void disconnectStandbys(Set<String> members) {
        ask("disconnectStandbys", data -> data);
    }

    /** Returns an archive that names this member. */
    InputStream copy() {
        return ask("copy", data -> {
            byte[] name = m.ref.member().getBytes(StandardCharsets.UTF_8);
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
                TarArchiveEntry entry = new TarArchiveEntry("member");
                entry.setSize(name.length);
                tar.putArchiveEntry(entry);
                tar.write(name);
                tar.closeArchiveEntry();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ByteArrayInputStream(bytes.toByteArray());
        });
    }

    @Override
    public void close() {
        closed = true;
    }

    private static void account(SimulatedData data, String name, Secret password, Set<Grant> grants) {
        data.accounts.put(name, new SimulatedData.StoredAccount(password, grants));
    }

    private static SimulatedData.StoredAccount existing(SimulatedData data, String name) {
        SimulatedData.StoredAccount account = data.accounts.get(name);
        if (account == null) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no account " + name);
        }
        return account;
    }

    private void change(String verb, java.util.function.Consumer<SimulatedData> change) {
        changeAny(verb, data -> {
            if (data.standby) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, m.ref + " is a standby and takes no " + verb);
            }
            change.accept(data);
        });
    }

    private void changeAny(String verb, java.util.function.Consumer<SimulatedData> change) {
        ask(verb, data -> {
            change.accept(data);
            place.changed();
            return data;
        });
    }

    private <T> T ask(String verb, Function<SimulatedData, T> question) {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
        T answer;
        synchronized (m) {
            answer = question.apply(data());
        }
        place.pass(verb);
        return answer;
    }

    private SimulatedData data() {
        SimulatedData data = m.data;
        if (m.gone || m.unreachable || !m.running || !m.ready || m.incarnation != incarnation || data == null) {
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, m.ref + " does not answer");
        }
        return data;
    }
}

package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A database on a shared server, leased for as long as its connection to the daemon lasts. */
final class RemoteLease implements Lease {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** Another JVM may be filling the template, as long as the server lets it. */
    private static final Duration LEASE_PATIENCE = Duration.ofMinutes(11);

    private final DaemonStarter starter;
    private final Wire wire;
    private final Address address;

    private RemoteLease(DaemonStarter starter, Wire wire, Address address) {
        this.starter = starter;
        this.wire = wire;
        this.address = address;
    }

    /** Leases a database; fills its template if nobody has. */
    static RemoteLease take(DaemonStarter starter, DatabaseSpec spec, Filling filling) {
        List<String> request = new ArrayList<>(List.of(Daemon.LEASE, spec.version(), filling.key()));
        spec.parameters().entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(setting -> {
            request.add(setting.getKey());
            request.add(setting.getValue());
        });
        Wire wire = starter.connect();
        try {
            List<String> answer = wire.ask(LEASE_PATIENCE, request);
            if (answer.get(0).equals(Daemon.FILL)) {
                filling.fill(address(answer));
                answer = wire.ask(PATIENCE, List.of(Daemon.FILLED));
            }
            return new RemoteLease(starter, wire, address(answer));
        } catch (IOException e) {
            wire.close();
            throw unreachable(e);
        } catch (RuntimeException e) {
            // Closing says that the template was not filled.
            wire.close();
            throw e;
        }
    }

    private static Address address(List<String> words) {
        return new Address(
                words.get(1), Integer.parseInt(words.get(2)), words.get(3), words.get(4), Secret.of(words.get(5)));
    }

    private static ProviderException unreachable(IOException e) {
        return new ProviderException(
                ErrorCode.PROVIDER_UNAVAILABLE, "the process that looks after the test servers: " + e.getMessage(), e);
    }

    private synchronized List<String> ask(String... words) {
        try {
            return wire.ask(PATIENCE, List.of(words));
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    @Override
    public Address address() {
        return address;
    }

    @Override
    public void reset() {
        ask(Daemon.RESET);
    }

    @Override
    public Lease branch() {
        Wire other = starter.connect();
        try {
            return new RemoteLease(
                    starter,
                    other,
                    address(other.ask(PATIENCE, List.of(Daemon.BRANCH, address.port() + "/" + address.database()))));
        } catch (IOException e) {
            other.close();
            throw unreachable(e);
        } catch (RuntimeException e) {
            other.close();
            throw e;
        }
    }

    @Override
    public String snapshot() {
        return ask(Daemon.SNAPSHOT).get(1);
    }

    @Override
    public void restore(String snapshot) {
        ask(Daemon.RESTORE, snapshot);
    }

    @Override
    public String keep(Duration time) {
        ask(Daemon.KEEP, Long.toString(time.toMillis()));
        return "kept for " + time.toMinutes() + " minutes: " + address.openUrl() + "&user=" + address.user()
                + ", with PGPASSFILE=" + starter.passwordFile(address);
    }

    @Override
    public void close() {
        wire.close();
    }
}

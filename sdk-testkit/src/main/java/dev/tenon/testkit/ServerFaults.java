package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Session;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Faults of one server of one test. */
final class ServerFaults implements Faults, AutoCloseable {
    static final String SEED = "tenon.testkit.seed";

    private static final LongSupplier NANOS = System::nanoTime;
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration MOST_LATENCY = Duration.ofMinutes(1);

    /**
     * Stops the processes it is given, says so, and lets them go on when its input ends, whoever ends it: also when this JVM was
     * killed, because a server that is stopped would not notice and stay for ever.
     */
    private static final String PAUSE =
            "kill -s STOP \"$1\" || exit 1; for each; do kill -s STOP \"$each\" 2>/dev/null; done; "
                    + "echo stopped; read -r line; for each; do kill -s CONT \"$each\" 2>/dev/null; done; exit 0";

    private final TestServer server;
    private final long seed;
    private final RandomGenerator random;
    private final WireProxy proxy;
    private @Nullable Process pause;
    private @Nullable SmallVolume volume;

    ServerFaults(TestServer server) {
        this.server = server;
        this.seed = Long.getLong(SEED, new SplittableRandom().nextLong());
        this.random = new SplittableRandom(seed);
        this.proxy = new WireProxy(server.address().host(), server.address().port(), new SplittableRandom(seed));
    }

    Lease.Address through(Lease.Address address) {
        return address.at(proxy.host(), proxy.port());
    }

    Instance instance() {
        return server.instance();
    }

    @Override
    public long seed() {
        return seed;
    }

    private List<Session> sessions() {
        return server.instance().sessions().list().stream()
                .filter(session -> session.database().equals(server.address().database()))
                .sorted(Comparator.comparing(Session::startedAt).thenComparing(Session::id))
                .toList();
    }

    @Override
    public int endSessions() {
        List<Session> open = sessions();
        open.forEach(server::end);
        return open.size();
    }

    @Override
    public long killBackend() {
        List<Session> open = sessions();
        if (open.isEmpty()) {
            throw new IllegalStateException("no session is open whose process could be killed");
        }
        long victim = open.get(random.nextInt(open.size())).id();
        ProcessHandle.of(victim).ifPresent(ProcessHandle::destroyForcibly);
        // The server ends all other sessions, then recovers: it is back when it takes a new one after that.
        until("the server noticed", () -> ProcessHandle.of(victim).isEmpty() && answers());
        return victim;
    }

    private boolean answers() {
        try (Connection connection = Connections.source(server.home()).getConnection()) {
            return connection.isValid(5);
        } catch (SQLException e) {
            return false;
        }
    }

    private static void until(String what, java.util.function.BooleanSupplier done) {
        long deadline = NANOS.getAsLong() + PATIENCE.toNanos();
        while (!done.getAsBoolean()) {
            if (NANOS.getAsLong() > deadline) {
                throw new ProviderException(ErrorCode.TIMEOUT, "not in " + PATIENCE.toSeconds() + " seconds: " + what);
            }
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
    }

    @Override
    public synchronized void restart() {
        server.instance().restart().await(PATIENCE);
    }

    @Override
    public synchronized void pause() {
        if (pause != null) {
            return;
        }
        List<String> words = new ArrayList<>(List.of("/bin/sh", "-c", PAUSE, "tenon-pause"));
        ProcessHandle main = mainProcess();
        words.add(Long.toString(main.pid()));
        // Once the first is stopped there are no new ones, but one may have come or gone since we looked.
        main.descendants().forEach(child -> words.add(Long.toString(child.pid())));
        try {
            Process started = Shell.program(words).start();
            pause = started;
            String said = new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))
                    .readLine();
            if (!"stopped".equals(said)) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the server could not be paused: " + said);
            }
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the server could not be paused: " + e, e);
        }
    }

    /** The parent of any session's process. */
    private ProcessHandle mainProcess() {
        try (Connection connection = Connections.source(server.home()).getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return ProcessHandle.of(row.getLong(1))
                    .flatMap(ProcessHandle::parent)
                    .orElseThrow(() -> new ProviderException(
                            ErrorCode.PROVIDER_FAILED, "the server's process is not seen from here"));
        } catch (SQLException e) {
            throw Connections.failed("find the server's process", e);
        }
    }

    @Override
    public synchronized void resume() {
        Process stopped = pause;
        if (stopped == null) {
            return;
        }
        try {
            stopped.getOutputStream().close();
            if (!stopped.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new ProviderException(ErrorCode.TIMEOUT, "the server does not go on");
            }
            pause = null;
        } catch (IOException | InterruptedException e) {
            throw Connections.failed("let the server go on", e);
        }
    }

    @Override
    public void refuseConnections() {
        proxy.refuse();
    }

    @Override
    public void acceptConnections() {
        proxy.accept();
    }

    @Override
    public void latency(Duration least, Duration most) {
        if (least.isNegative() || most.compareTo(least) < 0 || most.compareTo(MOST_LATENCY) > 0) {
            throw new InvalidSpecException(
                    "latency", least + " to " + most + "; expected a range within 0 to " + MOST_LATENCY);
        }
        proxy.latency(least, most);
    }

    @Override
    public void cut() {
        proxy.cut();
    }

    @Override
    public synchronized void fillDisk() {
        SmallVolume small = volume;
        if (small == null) {
            small = SmallVolume.under(server);
            volume = small;
        }
        small.fill();
    }

    @Override
    public synchronized void freeDisk() {
        Optional.ofNullable(volume).ifPresent(SmallVolume::free);
    }

    @Override
    public void heal() {
        resume();
        freeDisk();
        latency(Duration.ZERO, Duration.ZERO);
        acceptConnections();
    }

    /** Before the server is taken away. */
    @Override
    public synchronized void close() {
        resume();
        proxy.close();
        Optional.ofNullable(volume).ifPresent(SmallVolume::close);
    }
}

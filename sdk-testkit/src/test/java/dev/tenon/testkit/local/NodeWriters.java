package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Writes to every member of a cluster over sessions that stay open, as a client that never heard of a fail-over, and notes what each
 * of them acknowledged, and on which timeline. The table is {@code t} with the column {@code id}.
 */
final class NodeWriters implements AutoCloseable {
    private static final LongSupplier NANOS = System::nanoTime;
    private static final String TAKES_NO_WRITES = "25006";
    private static final Duration PAUSE = Duration.ofMillis(2);
    private static final Duration AFTER_REFUSAL = Duration.ofMillis(20);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /**
     * Where to write.
     *
     * @param urls a JDBC URL for each member by name, without user
     */
    record Target(Map<String, String> urls, String user, String password) {
        /** Returns the members of an instance on this machine. */
        static Target of(Instance instance, DeliveryDriver place) {
            return of(instance, place, member -> "127.0.0.1");
        }

        static Target of(Instance instance, DeliveryDriver place, Function<Member, String> address) {
            String url = instance.view().endpoint().orElseThrow().jdbcUrl();
            Map<String, String> urls = new TreeMap<>();
            for (Member member : instance.view().members()) {
                MemberRef ref = new MemberRef(instance.tenant(), instance.id(), member.name());
                int port = place.observe(ref).ports().get("client");
                urls.put(
                        member.name(),
                        url.replaceFirst("//[^/]+/", "//" + address.apply(member) + ":" + port + "/")
                                .replace("targetServerType=primary", "targetServerType=any"));
            }
            return new Target(
                    urls,
                    instance.credential().user(),
                    instance.credential().password().reveal(text -> text));
        }

        /** Returns what {@link #write} wrote. */
        static Target read(Path file) throws IOException {
            Properties all = new Properties();
            try (Reader in = Files.newBufferedReader(file)) {
                all.load(in);
            }
            String user = (String) all.remove("user");
            String password = (String) all.remove("password");
            Map<String, String> urls = new TreeMap<>();
            all.forEach((member, url) -> urls.put((String) member, (String) url));
            return new Target(urls, user, password);
        }

        /** Writes it for another process of the same user. */
        void write(Path file) throws IOException {
            Properties all = new Properties();
            all.putAll(urls);
            all.setProperty("user", user);
            all.setProperty("password", password);
            Path written = Files.createTempFile(file.getParent(), "clients-", ".tmp");
            try (Writer out = Files.newBufferedWriter(written)) {
                all.store(out, null);
            }
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        }

        Connection open(String member) throws SQLException {
            Properties properties = new Properties();
            properties.setProperty("user", user);
            properties.setProperty("password", password);
            properties.setProperty("connectTimeout", "2");
            // Of a commit that waits longer nothing is known, as of one whose server was killed.
            properties.setProperty("socketTimeout", "30");
            return DriverManager.getConnection(urls.get(member), properties);
        }
    }

    /** One acknowledged row; the moments are those at which the client sent it and heard of it. */
    record Acknowledged(long id, String member, int timeline, long sent, long heard) {}

    private final Target target;
    private final Queue<Acknowledged> acknowledged = new ConcurrentLinkedQueue<>();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicLong count = new AtomicLong();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final List<Thread> threads = new ArrayList<>();

    NodeWriters(Target target) {
        this.target = target;
        for (String member : target.urls().keySet()) {
            Thread thread = new Thread(() -> run(member), "test-writer-" + member);
            threads.add(thread);
            thread.start();
        }
    }

    private void run(String member) {
        while (!closed.get()) {
            try (Connection c = target.open(member)) {
                open.add(c);
                try (PreparedStatement s = c.prepareStatement("INSERT INTO t VALUES (?) RETURNING"
                        + " ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int")) {
                    while (!closed.get()) {
                        write(member, s);
                    }
                } finally {
                    open.remove(c);
                }
            } catch (SQLException e) {
                // Ended by a fault, as expected: what was under way is not acknowledged.
                LockSupport.parkNanos(AFTER_REFUSAL.toNanos());
            }
        }
    }

    private void write(String member, PreparedStatement s) throws SQLException {
        long id = ids.incrementAndGet();
        s.setLong(1, id);
        long sent = NANOS.getAsLong();
        try (ResultSet r = s.executeQuery()) {
            r.next();
            acknowledged.add(new Acknowledged(id, member, r.getInt(1), sent, NANOS.getAsLong()));
            count.incrementAndGet();
        } catch (SQLException e) {
            if (!TAKES_NO_WRITES.equals(e.getSQLState())) {
                throw e;
            }
            // The session stays: it is to be open when this standby is promoted.
            LockSupport.parkNanos(AFTER_REFUSAL.toNanos());
        }
        LockSupport.parkNanos(PAUSE.toNanos());
    }

    long count() {
        return count.get();
    }

    /** Returns the longest time since this moment in which nobody acknowledged anything. */
    Duration longestPause(long since) {
        long[] heard = LongStream.concat(
                        LongStream.of(since, NANOS.getAsLong()),
                        acknowledged.stream().mapToLong(Acknowledged::heard).filter(moment -> moment >= since))
                .sorted()
                .toArray();
        long longest = 0;
        for (int i = 1; i < heard.length; i++) {
            longest = Math.max(longest, heard[i] - heard[i - 1]);
        }
        return Duration.ofNanos(longest);
    }

    void awaitMore(int rows) throws InterruptedException {
        long goal = count() + rows;
        long end = NANOS.getAsLong() + PATIENCE.toNanos();
        CountDownLatch pause = new CountDownLatch(1);
        while (count() < goal) {
            assertThat(NANOS.getAsLong()).as("writes go on").isLessThan(end);
            pause.await(5, TimeUnit.MILLISECONDS);
        }
    }

    /** Waits until every member has what any of them acknowledged before. */
    void awaitNothingLost(Duration patience) throws Exception {
        long end = NANOS.getAsLong() + patience.toNanos();
        CountDownLatch pause = new CountDownLatch(1);
        for (String member : target.urls().keySet()) {
            boolean complete = false;
            while (!complete) {
                try {
                    assertNothingLost(member);
                    complete = true;
                } catch (SQLException | AssertionError e) {
                    if (NANOS.getAsLong() > end) {
                        throw e;
                    }
                    pause.await(50, TimeUnit.MILLISECONDS);
                }
            }
        }
    }

    private void assertNothingLost(String member) throws SQLException {
        List<Acknowledged> until = List.copyOf(acknowledged);
        Set<Long> there = new HashSet<>();
        try (Connection c = target.open(member);
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT id FROM t")) {
            while (r.next()) {
                there.add(r.getLong(1));
            }
        }
        List<Acknowledged> lost =
                until.stream().filter(row -> !there.contains(row.id())).toList();
        assertThat(lost)
                .as("acknowledged, and %s has not: %s of %s, %s", member, lost.size(), until.size(), ranges(lost))
                .isEmpty();
    }

    private static Map<String, String> ranges(List<Acknowledged> rows) {
        return rows.stream()
                .collect(Collectors.groupingBy(
                        row -> row.member() + " on timeline " + row.timeline(),
                        TreeMap::new,
                        Collectors.collectingAndThen(
                                Collectors.summarizingLong(Acknowledged::id),
                                ids -> ids.getCount() + " from " + ids.getMin() + " to " + ids.getMax())));
    }

    /**
     * Requires that one member alone acknowledged on each timeline, and that none acknowledged what was sent to it after another one
     * had acknowledged on a later timeline.
     */
    void assertNoOverlap() {
        Map<Integer, List<Acknowledged>> timelines = acknowledged.stream()
                .collect(Collectors.groupingBy(Acknowledged::timeline, TreeMap::new, Collectors.toList()));
        timelines.forEach((timeline, rows) -> assertThat(
                        rows.stream().map(Acknowledged::member).distinct())
                .as("who acknowledged on timeline %s: %s", timeline, ranges(rows))
                .hasSize(1));
        long first = Long.MAX_VALUE;
        List<Integer> latestFirst = new ArrayList<>(timelines.keySet());
        for (int i = latestFirst.size() - 1; i >= 0; i--) {
            List<Acknowledged> rows = timelines.get(latestFirst.get(i));
            long later = first;
            assertThat(rows.stream().filter(row -> row.sent() > later))
                    .as("acknowledged on timeline %s after a later one had begun to", latestFirst.get(i))
                    .isEmpty();
            first = Math.min(
                    first, rows.stream().mapToLong(Acknowledged::heard).min().orElseThrow());
        }
    }

    @Override
    public void close() {
        closed.set(true);
        for (Connection c : open) {
            try {
                // One that waits for a standby would not end.
                c.abort(Runnable::run);
            } catch (SQLException e) {
                throw new AssertionError("a session cannot be given up", e);
            }
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

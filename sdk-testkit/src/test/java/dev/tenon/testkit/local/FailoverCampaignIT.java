package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Intercepted;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real servers under faults drawn from a seed, with sessions open to each of them that write without end. After each fault nothing
 * acknowledged is missing anywhere, no two members acknowledged at the same time, and the cluster is whole again by itself.
 *
 * <p>{@code -Dtenon.campaign.seeds=…} runs so many seeds instead of one, {@code -Dtenon.campaign.faults=…} so many faults each,
 * {@code -Dtenon.campaign.kinds=…} only some of them, {@code -Dtenon.seed=…} begins with that one.
 */
final class FailoverCampaignIT {
    private static final LongSupplier NANOS = System::nanoTime;
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    /** Longer than the quiet time after an automatic fail-over. */
    private static final Duration LATER = Duration.ofMinutes(11);

    private static final int FAULTS = Integer.getInteger("tenon.campaign.faults", 6);

    private static final List<Fault> KINDS = Optional.ofNullable(System.getProperty("tenon.campaign.kinds"))
            .map(kinds -> Stream.of(kinds.split(",")).map(Fault::valueOf).toList())
            .orElse(List.of(Fault.values()));

    @TempDir
    Path directory;

    /** What goes wrong. */
    private enum Fault {
        PRIMARY_KILLED,
        STANDBY_KILLED,
        ALL_KILLED,
        PRIMARY_SILENT,
        STANDBY_SILENT,
        /** One direction or both of any link. */
        LINK_CUT,
        LINK_FLAPS,
        PRIMARY_ISOLATED,
        STANDBY_ISOLATED,
        /** Of a primary that is killed while a standby does not hear it. */
        KILLED_WHILE_CUT,
        /** A standby stands still while writes go on, and comes back after the primary has been killed. */
        STANDBY_STALE,
        PROMOTION_LOST,
        PROMOTION_UNANSWERED,
        /** The command comes once more, late. */
        PROMOTION_REPEATED,
        /** Who was promoted is out of the control plane's reach from that moment, until another one must lead. */
        PROMOTED_UNSEEN,
        PLANE_RESTARTED,
        /** Of all members at once, for they are on one machine; needs root, to mount a volume of theirs. */
        DISK_FULL,
        KILLED_WHILE_DISK_FULL
    }

    static LongStream seeds() {
        long first = Long.getLong("tenon.seed", new SplittableRandom().nextLong() >>> 1);
        return LongStream.range(first, first + Integer.getInteger("tenon.campaign.seeds", 1));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void cluster_underFaults_keepsWhatItAcknowledged(long seed) throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        SplittableRandom random = new SplittableRandom(seed);
        int standbys = 1 + random.nextInt(2);
        Durability durability = random.nextInt(3) == 0 ? Durability.BALANCED : Durability.STRICT;
        System.out.println("seed " + seed + ": " + standbys + " standbys, " + durability);
        try (Volume volume = Volume.at(directory.resolve("plane"));
                Campaign campaign = new Campaign(volume, random, standbys, durability)) {
            for (int i = 0; i < FAULTS; i++) {
                campaign.next();
            }
        }
    }

    @Test
    void primary_outOfTheControlPlanesReachOnly_stays() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        try (Volume volume = Volume.at(directory.resolve("plane"));
                Campaign campaign = new Campaign(volume, new SplittableRandom(1), 2, Durability.STRICT)) {
            // Nobody writes: all that the standbys hear is what they ask for.
            campaign.writers.close();
            String primary = campaign.primary();
            campaign.cut(Links.PLANE, primary, 2);
            pause(6_000);
            campaign.links.healAll();
            campaign.awaitWhole();
            assertThat(campaign.orders.events().after(0, 1_000))
                    .extracting(Event::type)
                    .doesNotContain("failover.begun");
            assertThat(campaign.primary()).isEqualTo(primary);
        }
    }

    /** One cluster and what it goes through. */
    private final class Campaign implements AutoCloseable {
        private final SplittableRandom random;
        private final LocalDelivery place = LocalDelivery.create();
        private final Links links = new Links(place);
        private final FaultPlan promotions = FaultPlan.none();
        private final ConcurrentLinkedQueue<Runnable> promoted = new ConcurrentLinkedQueue<>();
        private final List<ProcessHandle> stopped = new ArrayList<>();
        private final NodeWriters writers;
        private final Volume volume;
        /** Whether who is promoted is cut off then. */
        private volatile boolean unseen;

        private volatile Duration later = Duration.ZERO;
        private Tenon tenon;
        private Instance orders;

        Campaign(Volume volume, SplittableRandom random, int standbys, Durability durability) throws Exception {
            this.random = random;
            this.volume = volume;
            tenon = open();
            orders = tenon.tenants()
                    .create(t -> t.name("shop"))
                    .instances()
                    .create(i -> i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .size(0.4, DataSize.mib(256), DataSize.mib(256))
                            .topology(t -> t.standbys(standbys).durability(durability)))
                    .await(PATIENCE);
            try (Connection c = orders.dataSource().getConnection();
                    Statement s = c.createStatement()) {
                s.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
            }
            writers = new NodeWriters(NodeWriters.Target.of(orders, place));
            writers.awaitMore(20);
        }

        private Tenon open() {
            EngineDriver engine = Intercepted.engine(new PostgresqlEngine(), promotions);
            return Tenon.builder()
                    .directory(volume.home())
                    .store(later(SqliteStore.file(directory.resolve("tenon.db"))))
                    .delivery(links.delivery())
                    .engine(links.engine(remembering(engine)))
                    .build();
        }

        /** A store whose clock can be put forward. */
        private StateStore later(StateStore store) {
            return wrap(
                    StateStore.class,
                    store,
                    (method, answer) -> answer instanceof Instant now ? now.plus(later) : answer);
        }

        /** An engine whose promotions can be repeated. */
        private EngineDriver remembering(EngineDriver engine) {
            return (EngineDriver) Proxy.newProxyInstance(
                    EngineDriver.class.getClassLoader(), new Class<?>[] {EngineDriver.class}, (p, method, args) -> {
                        Object answer = invoke(engine, method, args);
                        return answer instanceof EngineSession session
                                ? remembering(session, engine, (EngineRequest) args[0], (AdminAddress) args[1])
                                : answer;
                    });
        }

        private EngineSession remembering(
                EngineSession session, EngineDriver engine, EngineRequest request, AdminAddress address) {
            return (EngineSession) Proxy.newProxyInstance(
                    EngineSession.class.getClassLoader(), new Class<?>[] {EngineSession.class}, (p, method, args) -> {
                        if (!method.getName().equals("promote")) {
                            return invoke(session, method, args);
                        }
                        promoted.add(() -> {
                            try (EngineSession again = engine.connect(request, address, Duration.ofSeconds(2))) {
                                again.promote((Long) args[0]);
                            }
                        });
                        Object answer = invoke(session, method, args);
                        if (unseen) {
                            String socket = ((AdminAddress.Unix) address)
                                    .socket()
                                    .getFileName()
                                    .toString();
                            cut(
                                    Links.PLANE,
                                    socket.substring(request.instance().value().length() + 1),
                                    2);
                        }
                        return answer;
                    });
        }

        // ---- faults

        void next() throws Exception {
            Fault fault = draw();
            double share = random.nextDouble();
            long millis = 100 + (long) (share * share * share * 14_000);
            long begin = NANOS.getAsLong();
            String led = primary();
            String what = fault + " for " + millis + " ms";
            if (random.nextInt(3) == 0) {
                // The second one in the middle of the answer to the first.
                Fault first = draw();
                long apart = random.nextInt(1_500);
                what = first + ", after " + apart + " ms " + what;
                System.out.println("  " + led + " leads: " + what);
                begin(first, apart);
            } else {
                System.out.println("  " + led + " leads: " + what);
            }
            begin(fault, millis);
            Signals.send("CONT", stopped);
            stopped.clear();
            links.healAll();
            volume.free();
            long end = NANOS.getAsLong();
            awaitWhole();
            System.out.println("    whole after " + (NANOS.getAsLong() - end) / 1_000_000 + " ms of "
                    + (NANOS.getAsLong() - begin) / 1_000_000 + ", " + primary() + " leads, " + writers.count()
                    + " rows, longest pause "
                    + writers.longestPause(begin).toMillis() + " ms");
            promoted.clear();
            writers.awaitMore(20);
            if (random.nextInt(4) > 0) {
                later = later.plus(LATER);
            }
        }

        private Fault draw() {
            return KINDS.get(random.nextInt(KINDS.size()));
        }

        private void begin(Fault fault, long millis) throws Exception {
            String primary = primary();
            String standby = standby();
            switch (fault) {
                case PRIMARY_KILLED -> kill(primary);
                case STANDBY_KILLED -> kill(standby);
                case ALL_KILLED -> {
                    for (String member : members()) {
                        kill(member);
                    }
                }
                case PRIMARY_SILENT -> stop(primary);
                case STANDBY_SILENT -> stop(standby);
                case LINK_CUT -> {
                    List<String> ends = ends();
                    cut(ends.get(0), ends.get(1), random.nextInt(3));
                }
                case LINK_FLAPS -> {
                    List<String> ends = ends();
                    int way = random.nextInt(3);
                    for (long left = millis; left > 0; left -= 500) {
                        cut(ends.get(0), ends.get(1), way);
                        pause(random.nextInt(400));
                        links.healAll();
                        pause(random.nextInt(100));
                    }
                }
                case PRIMARY_ISOLATED -> isolate(primary);
                case STANDBY_ISOLATED -> isolate(standby);
                case KILLED_WHILE_CUT -> {
                    cut(primary, standby, random.nextInt(3));
                    pause(random.nextInt(1_000));
                    kill(primary);
                }
                case STANDBY_STALE -> {
                    stop(standby);
                    pause(millis);
                    kill(primary);
                }
                case PROMOTION_LOST -> {
                    promotions.once("promote", FaultPlan.Moment.BEFORE, ErrorCode.TIMEOUT);
                    kill(primary);
                }
                case PROMOTION_UNANSWERED -> {
                    promotions.once("promote", FaultPlan.Moment.AFTER, ErrorCode.TIMEOUT);
                    kill(primary);
                }
                case PROMOTION_REPEATED -> {
                    kill(primary);
                    pause(millis);
                    repeatPromotions();
                }
                case PROMOTED_UNSEEN -> {
                    unseen = true;
                    kill(primary);
                    // Longer than it is waited for.
                    pause(4_000 + random.nextInt(4_000));
                    unseen = false;
                }
                case DISK_FULL -> volume.fill();
                case KILLED_WHILE_DISK_FULL -> {
                    volume.fill();
                    kill(primary);
                }
                case PLANE_RESTARTED -> {
                    boolean lost = random.nextBoolean();
                    if (lost) {
                        kill(primary);
                        pause(random.nextInt(300));
                    }
                    tenon.close();
                    volume.free(); // without room none starts
                    tenon = open();
                    orders = tenon.tenants()
                            .find("shop")
                            .orElseThrow()
                            .instances()
                            .get(orders.id());
                }
            }
            pause(millis);
        }

        private void repeatPromotions() {
            for (Runnable promotion : promoted) {
                try {
                    promotion.run();
                } catch (ProviderException e) {
                    System.out.print(" (" + e.code() + ")");
                }
            }
        }

        private void cut(String a, String b, int way) {
            if (way != 1) {
                links.cut(a, b);
            }
            if (way != 0) {
                links.cut(b, a);
            }
        }

        private void isolate(String member) {
            cut(Links.PLANE, member, 2);
            members().forEach(other -> cut(other, member, 2));
        }

        private List<String> ends() {
            List<String> all = new ArrayList<>(members());
            all.add(Links.PLANE);
            String one = all.remove(random.nextInt(all.size()));
            return List.of(one, all.get(random.nextInt(all.size())));
        }

        private void kill(String member) {
            server(member).ifPresent(ProcessHandle::destroyForcibly);
        }

        /** Nothing if an earlier fault ended it. */
        private Optional<ProcessHandle> server(String member) {
            return Traces.processes(ref(member)).isEmpty()
                    ? Optional.empty()
                    : Optional.of(Traces.mainProcess(ref(member)));
        }

        private void stop(String member) throws IOException, InterruptedException {
            List<ProcessHandle> all = server(member).map(Signals::tree).orElse(List.of());
            stopped.addAll(all);
            Signals.send("STOP", all);
        }

        // ---- looking

        private MemberRef ref(String member) {
            return new MemberRef(orders.tenant(), orders.id(), member);
        }

        private String primary() {
            return members().get(0);
        }

        private String standby() {
            List<String> members = members();
            return members.get(1 + random.nextInt(members.size() - 1));
        }

        private List<String> members() {
            return orders.view().members().stream().map(Member::name).toList();
        }

        /** Healthy is what is recorded; that every member has everything is what counts. */
        private void awaitWhole() throws Exception {
            long end = NANOS.getAsLong() + PATIENCE.toNanos();
            try {
                while (!whole(orders.view())) {
                    assertThat(NANOS.getAsLong())
                            .as("whole again: " + orders.view() + " " + orders.explain())
                            .isLessThan(end);
                    pause(20);
                }
                writers.awaitNothingLost(PATIENCE);
                writers.assertNoOverlap();
            } catch (AssertionError | SQLException e) {
                tell();
                throw e;
            }
        }

        private void tell() {
            System.out.println();
            orders.events()
                    .after(0, 10_000)
                    .forEach(event -> System.out.println("    " + event.at() + " " + event.type() + ": "
                            + event.message() + " " + event.attributes()));
        }

        private boolean whole(InstanceView view) {
            return view.health() instanceof Health.Healthy
                    && view.members().stream().skip(1).allMatch(m -> m.replication()
                            .map(follows -> follows.state().equals("streaming"))
                            .orElse(false));
        }

        @Override
        public void close() throws Exception {
            Signals.send("CONT", stopped);
            links.healAll();
            volume.free();
            writers.close();
            orders.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
            tenon.close();
            links.close();
        }
    }

    private interface Seen {
        Object seen(java.lang.reflect.Method method, Object answer);
    }

    private static <T> T wrap(Class<T> type, T inner, Seen seen) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (p, method, args) -> seen.seen(method, invoke(inner, method, args))));
    }

    private static Object invoke(Object inner, java.lang.reflect.Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(inner, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /**
     * Where the members and the control plane's own files lie.
     *
     * @param mounted whether it is a file system of its own, which can be full while nothing else is
     */
    private record Volume(Path home, boolean mounted) implements AutoCloseable {
        static Volume at(Path home) throws IOException, InterruptedException {
            Files.createDirectory(home);
            return new Volume(
                    home,
                    shell("mount", "-t", "tmpfs", "-o", "mode=0711,size=1500m", "tenon-campaign", home.toString()));
        }

        /** Writes until not one byte more fits. */
        void fill() throws IOException {
            if (!mounted) {
                System.out.println("    left out: no volume could be mounted");
                return;
            }
            try (FileChannel out = FileChannel.open(filler(), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
                for (int size = 1 << 20; size > 0; size /= 2) {
                    while (fits(out, size)) {
                        assertThat(out.position()).isLessThan(2L << 30);
                    }
                }
            }
        }

        private static boolean fits(FileChannel out, int size) {
            ByteBuffer piece = ByteBuffer.allocate(size);
            try {
                while (piece.hasRemaining()) {
                    out.write(piece);
                }
                return true;
            } catch (IOException full) {
                return false;
            }
        }

        void free() throws IOException {
            Files.deleteIfExists(filler());
        }

        private Path filler() {
            return home.resolve("filler");
        }

        @Override
        public void close() throws IOException, InterruptedException {
            if (mounted) {
                assertThat(shell("umount", "--lazy", home.toString())).isTrue();
            }
        }

        private static boolean shell(String... command) throws IOException, InterruptedException {
            return new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        }
    }

    private static void pause(long millis) throws InterruptedException {
        assertThat(new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS)).isFalse();
    }
}

package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Member;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Intercepted;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The {@link Campaign} on real servers of this machine. */
final class FailoverCampaignIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

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

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("dev.tenon.testkit.local.Campaign#seeds")
    void cluster_underFaults_keepsWhatItAcknowledged(long seed) throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        try (Volume volume = Volume.at(directory.resolve("plane"));
                Local campaign = new Local(volume, seed)) {
            campaign.run(6, i -> {});
        }
    }

    @Test
    void primary_outOfTheControlPlanesReachOnly_stays() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        try (Volume volume = Volume.at(directory.resolve("plane"));
                Local campaign = new Local(volume, 1)) {
            campaign.start(2, Durability.STRICT, i -> {});
            // Nobody writes: all that the standbys hear is what they ask for.
            campaign.stopWriting();
            String primary = campaign.primary();
            campaign.cutBoth(Campaign.PLANE, primary);
            Campaign.pause(6_000);
            campaign.links.healAll();
            campaign.awaitWhole();
            assertThat(campaign.events()).extracting(Event::type).doesNotContain("failover.begun");
            assertThat(campaign.primary()).isEqualTo(primary);
        }
    }

    /** The cluster, its links, and its volume. */
    private final class Local extends Campaign<Fault> {
        private final LocalDelivery place = LocalDelivery.create();
        private final Links links = new Links(place);
        private final FaultPlan promotions = FaultPlan.none();
        private final ConcurrentLinkedQueue<Runnable> promoted = new ConcurrentLinkedQueue<>();
        private final List<ProcessHandle> stopped = new ArrayList<>();
        private final Volume volume;
        /** Whether who is promoted is cut off then. */
        private volatile boolean unseen;

        Local(Volume volume, long seed) throws IOException {
            super(Fault.class, seed, PATIENCE);
            this.volume = volume;
        }

        @Override
        protected DeliveryDriver place() {
            return place;
        }

        @Override
        protected String address(Member member) {
            return "127.0.0.1";
        }

        @Override
        protected Tenon open() {
            EngineDriver engine = Intercepted.engine(new PostgresqlEngine(), promotions);
            return Tenon.builder()
                    .directory(volume.home())
                    .store(later(SqliteStore.file(directory.resolve("tenon.db"))))
                    .delivery(links.delivery())
                    .engine(links.engine(remembering(engine)))
                    .build();
        }

        /** An engine whose promotions can be repeated. */
        private EngineDriver remembering(EngineDriver engine) {
            return (EngineDriver) Proxy.newProxyInstance(
                    EngineDriver.class.getClassLoader(), new Class<?>[] {EngineDriver.class}, (p, method, args) -> {
                        Object answer = Campaign.invoke(engine, method, args);
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
                            return Campaign.invoke(session, method, args);
                        }
                        promoted.add(() -> {
                            try (EngineSession again = engine.connect(request, address, Duration.ofSeconds(2))) {
                                again.promote((Long) args[0]);
                            }
                        });
                        Object answer = Campaign.invoke(session, method, args);
                        if (unseen) {
                            String socket = ((AdminAddress.Unix) address)
                                    .socket()
                                    .getFileName()
                                    .toString();
                            cutBoth(
                                    PLANE,
                                    socket.substring(request.instance().value().length() + 1));
                        }
                        return answer;
                    });
        }

        // ---- faults

        @Override
        protected void heal() throws Exception {
            Signals.send("CONT", stopped);
            stopped.clear();
            links.healAll();
            volume.free();
            promoted.clear();
        }

        @Override
        protected void begin(Fault fault, long millis) throws Exception {
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
                case LINK_CUT -> cutAny();
                case LINK_FLAPS -> flap(millis);
                case PRIMARY_ISOLATED -> isolate(primary);
                case STANDBY_ISOLATED -> isolate(standby);
                case KILLED_WHILE_CUT -> {
                    cutSomehow(primary, standby);
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
                    volume.free(); // without room none starts
                    restartPlane();
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

        @Override
        protected void cut(String from, String to) {
            links.cut(from, to);
        }

        @Override
        protected void connect() {
            links.healAll();
        }

        private void cutBoth(String a, String b) {
            cut(a, b);
            cut(b, a);
        }

        private void isolate(String member) {
            cutBoth(PLANE, member);
            members().forEach(other -> cutBoth(other, member));
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

        @Override
        public void close() throws Exception {
            super.close();
            links.close();
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
}

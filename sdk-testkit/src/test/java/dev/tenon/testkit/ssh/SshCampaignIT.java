package dev.tenon.testkit.ssh;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Member;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.testkit.local.Campaign;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The {@link Campaign} on three hosts over SSH, in two zones, whose links are cut by filters in each host's own network. */
@NeedsDocker
class SshCampaignIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static List<SshContainer> hosts = List.of();

    @TempDir
    Path directory;

    /** What goes wrong. */
    private enum Fault {
        PRIMARY_KILLED,
        STANDBY_KILLED,
        /** The host of the primary falls silent as one without power does, and all its processes have gone when it is back. */
        PRIMARYS_HOST_LOST,
        STANDBYS_HOST_LOST,
        PRIMARYS_HOST_PAUSED,
        STANDBYS_HOST_PAUSED,
        /** One direction or both of any link. */
        LINK_CUT,
        LINK_FLAPS,
        /** Every fifth packet of a host is lost. */
        LINK_LOSSY,
        PRIMARY_ISOLATED,
        STANDBY_ISOLATED,
        /** Of a primary that is killed while a standby does not hear it. */
        KILLED_WHILE_CUT,
        PRIMARYS_DISK_FULL,
        STANDBYS_DISK_FULL,
        PLANE_RESTARTED
    }

    @BeforeAll
    static void open() {
        hosts = Stream.generate(() -> new SshContainer().withDisk(DataSize.mib(700)))
                .limit(3)
                .toList();
        hosts.forEach(SshContainer::start);
    }

    @AfterAll
    static void close() {
        hosts.forEach(SshContainer::stop);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("dev.tenon.testkit.local.Campaign#seeds")
    void cluster_underFaults_keepsWhatItAcknowledged(long seed) throws Exception {
        try (OnHosts campaign = new OnHosts(seed)) {
            campaign.run(4, i -> i.addWhitelist(Cidr.parse("172.16.0.0/12")));
        }
    }

    private final class OnHosts extends Campaign<Fault> {
        private final Set<SshContainer> paused = new HashSet<>();
        private SshDelivery delivery;

        OnHosts(long seed) {
            super(Fault.class, seed, PATIENCE);
        }

        @Override
        protected Tenon open() {
            SshDelivery.Builder builder = SshDelivery.builder().id("campaign").committedAtMost(100);
            for (int i = 0; i < hosts.size(); i++) {
                // One of them is logged in to as somebody who is not root.
                builder.host(
                        hosts.get(i).as("h" + (i + 1), i == 1 ? "b" : "a", i == 1 ? SshContainer.OPERATOR : "root"));
            }
            delivery = builder.build();
            return Tenon.builder()
                    .directory(directory)
                    .store(later(SqliteStore.file(directory.resolve("tenon.db"))))
                    .delivery(delivery)
                    .build();
        }

        @Override
        protected DeliveryDriver place() {
            return delivery;
        }

        @Override
        protected String address(Member member) {
            return host(member).address();
        }

        private SshContainer host(Member member) {
            return hosts.get(Integer.parseInt(member.host().orElseThrow().substring(1)) - 1);
        }

        private SshContainer host(String member) {
            return host(member(member));
        }

        @Override
        protected void heal() {
            paused.forEach(SshContainer::resume);
            paused.clear();
            connect();
            hosts.forEach(host -> host.sh("rm -f /var/lib/tenon/filler"));
        }

        @Override
        protected void begin(Fault fault, long millis) throws Exception {
            String primary = primary();
            String standby = standby();
            switch (fault) {
                case PRIMARY_KILLED -> kill(primary);
                case STANDBY_KILLED -> kill(standby);
                case PRIMARYS_HOST_LOST -> lose(host(primary), millis);
                case STANDBYS_HOST_LOST -> lose(host(standby), millis);
                case PRIMARYS_HOST_PAUSED -> pause(host(primary));
                case STANDBYS_HOST_PAUSED -> pause(host(standby));
                case LINK_CUT -> cutAny();
                case LINK_FLAPS -> flap(millis);
                case LINK_LOSSY ->
                    filter(host(members().get(random.nextInt(members().size()))), "in", "numgen random mod 5 == 0");
                case PRIMARY_ISOLATED -> isolate(host(primary));
                case STANDBY_ISOLATED -> isolate(host(standby));
                case KILLED_WHILE_CUT -> {
                    cutSomehow(primary, standby);
                    pause(random.nextInt(1_000));
                    kill(primary);
                }
                case PRIMARYS_DISK_FULL -> fill(host(primary));
                case STANDBYS_DISK_FULL -> fill(host(standby));
                case PLANE_RESTARTED -> {
                    if (random.nextBoolean()) {
                        kill(primary);
                        pause(random.nextInt(300));
                    }
                    restartPlane();
                }
            }
            pause(millis);
        }

        private void kill(String member) {
            // An earlier fault may have ended it, or its host may not be able to tell now.
            if (!paused.contains(host(member))) {
                HostTraces.processes(host(member), ref(member))
                        .forEach(pid -> host(member).sh("kill -9 $1 || true", pid));
            }
        }

        private void pause(SshContainer host) {
            if (paused.add(host)) {
                host.pause();
            }
        }

        private void lose(SshContainer host, long millis) throws InterruptedException {
            if (!paused.contains(host)) {
                isolate(host);
                // All but the first, which a container cannot be without.
                host.sh("kill -9 -1 || true");
                pause(millis);
                connect(host);
            }
        }

        private void fill(SshContainer host) {
            if (!paused.contains(host)) {
                host.sh("! dd if=/dev/zero of=/var/lib/tenon/filler bs=64k 2>/dev/null");
            }
        }

        // ---- links

        @Override
        protected void cut(String from, String to) {
            // The control plane's address is its clients', too; it is the one that comes by SSH.
            if (from.equals(PLANE)) {
                filter(host(to), "in", "tcp dport 22");
            } else if (to.equals(PLANE)) {
                filter(host(from), "out", "tcp sport 22");
            } else {
                filter(host(to), "in", "ip saddr " + host(from).address());
            }
        }

        private void isolate(SshContainer host) {
            filter(host, "in", "iif != lo");
            filter(host, "out", "oif != lo");
        }

        /** Drops what a host receives ("in") or sends ("out") and that is of this kind. */
        private void filter(SshContainer host, String way, String kind) {
            if (!paused.contains(host)) {
                host.sh(
                        "nft add table inet cut && nft \"add chain inet cut $1 { type filter hook $1put priority 0; }\""
                                + " && nft add rule inet cut $1 $2 drop",
                        way,
                        kind);
            }
        }

        @Override
        protected void connect() {
            hosts.forEach(this::connect);
        }

        private void connect(SshContainer host) {
            if (!paused.contains(host)) {
                host.sh("nft add table inet cut && nft delete table inet cut");
            }
        }
    }
}

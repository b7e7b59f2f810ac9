package dev.tenon.bench;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.images.builder.ImageFromDockerfile;
import org.testcontainers.images.builder.Transferable;

/**
 * What {@link FailoverBench} does, done to Patroni: three nodes and one etcd in containers, Debian's versions. It replicates
 * asynchronously, as it does unless it is told otherwise, so that no write of it waits for a standby.
 *
 * @param dead server killed, with the default settings
 * @param deadShort the same with the shortest settings that Patroni accepts
 * @param silent node of the primary paused, with the default settings
 * @param silentShort the same with the shortest
 * @param lost acknowledged rows that are missing
 */
record PatroniFailover(double[] dead, double[] deadShort, double[] silent, double[] silentShort, long lost) {
    private static final int RUNS = 5;
    private static final long PATIENCE = 180_000_000_000L;
    private static final int PORT = 5432;
    private static final String USER = "postgres";
    private static final String PASSWORD = "bench";
    private static final String DEFAULT = "ttl: 30, loop_wait: 10, retry_timeout: 10";
    private static final String SHORT = "ttl: 20, loop_wait: 1, retry_timeout: 3, primary_start_timeout: 0";
    private static final ImageFromDockerfile IMAGE = new ImageFromDockerfile("tenon-bench-patroni", false)
            .withDockerfileFromBuilder(builder -> builder.from("debian:bookworm")
                    .run("mkdir -p /etc/postgresql-common"
                            + " && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf"
                            + " && apt-get update -qq && apt-get install -y -qq --no-install-recommends"
                            + " postgresql-15 patroni python3-etcd etcd-server && rm -rf /var/lib/apt/lists/*")
                    .user("postgres")
                    .build());

    static PatroniFailover measured() throws SQLException, IOException, InterruptedException {
        double[][] times = new double[4][RUNS];
        long lost = 0;
        for (int i = 0; i < RUNS * times.length; i++) {
            boolean shortest = i % 2 == 1;
            boolean silent = i % 4 > 1;
            // A cluster of its own for each: an old primary does not always come back by itself.
            try (Cluster cluster = new Cluster(shortest ? SHORT : DEFAULT);
                    BenchWriter writes = cluster.writer()) {
                writes.awaitMore(100);
                times[i % 4][i / 4] = cluster.harm(writes, silent);
                writes.close();
                lost += writes.missing();
            }
        }
        return new PatroniFailover(times[0], times[1], times[2], times[3], lost);
    }

    static void print(Report report, Optional<PatroniFailover> peer) {
        if (peer.isEmpty()) {
            List.of("dead_ms", "dead_short_ms", "silent_ms", "silent_short_ms", "lost_writes")
                    .forEach(key -> report.missing("peer_" + key));
            return;
        }
        PatroniFailover seen = peer.get();
        report.measured("peer_dead_ms", "Patroni, defaults: server killed, to the next write", seen.dead(), "");
        report.measured("peer_dead_short_ms", "the same, shortest settings", seen.deadShort(), "");
        report.measured("peer_silent_ms", "Patroni, defaults: primary's node paused", seen.silent(), "");
        report.measured("peer_silent_short_ms", "the same, shortest settings", seen.silentShort(), "");
        report.derived("peer_lost_writes", "Patroni: acknowledged rows that are missing", seen.lost(), "");
    }

    /** Three nodes, their store, and what a client knows of them. */
    private static final class Cluster implements AutoCloseable {
        private final Network network = Network.newNetwork();
        private final GenericContainer<?> store = container("etcd")
                .withCommand(
                        "etcd",
                        "--data-dir=/tmp/etcd",
                        "--listen-client-urls=http://0.0.0.0:2379",
                        "--advertise-client-urls=http://etcd:2379");
        private final List<GenericContainer<?>> nodes;
        private Optional<String> paused = Optional.empty();

        Cluster(String settings) throws SQLException {
            store.start();
            nodes = List.of(node("n1", settings), node("n2", settings), node("n3", settings));
            nodes.forEach(GenericContainer::start);
            awaitWhole();
        }

        private GenericContainer<?> container(String name) {
            return new GenericContainer<>(IMAGE).withNetwork(network).withNetworkAliases(name);
        }

        private GenericContainer<?> node(String name, String settings) {
            return container(name)
                    .withCopyToContainer(
                            Transferable.of("""
                            scope: bench
                            name: %1$s
                            restapi: {listen: '0.0.0.0:8008', connect_address: '%1$s:8008'}
                            etcd3: {host: 'etcd:2379'}
                            bootstrap:
                              dcs: {%2$s, postgresql: {use_pg_rewind: true}}
                              initdb: [{encoding: UTF8}, data-checksums]
                            postgresql:
                              listen: 0.0.0.0:5432
                              connect_address: %1$s:5432
                              data_dir: /var/lib/postgresql/bench
                              bin_dir: /usr/lib/postgresql/15/bin
                              authentication:
                                superuser: {username: %3$s, password: %4$s}
                                replication: {username: replicator, password: %4$s}
                              pg_hba:
                              - local all all trust
                              - host replication replicator all scram-sha-256
                              - host all all all scram-sha-256
                            """.formatted(name, settings, USER, PASSWORD), 0644), "/tmp/patroni.yml")
                    .withCommand("patroni", "/tmp/patroni.yml");
        }

        private static String address(GenericContainer<?> node) {
            return node.getContainerInfo()
                    .getNetworkSettings()
                    .getNetworks()
                    .values()
                    .iterator()
                    .next()
                    .getIpAddress();
        }

        private DataSource source(List<GenericContainer<?>> of) {
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setServerNames(of.stream().map(Cluster::address).toArray(String[]::new));
            source.setPortNumbers(of.stream().mapToInt(node -> PORT).toArray());
            source.setUser(USER);
            source.setPassword(PASSWORD);
            // As ours; without encryption, what limits the wait for a silent node is another setting.
            source.setTargetServerType("primary");
            source.setHostRecheckSeconds(0);
            source.setConnectTimeout(2);
            source.setSslmode("disable");
            source.setSocketTimeout(1);
            return source;
        }

        BenchWriter writer() throws SQLException {
            try (Connection c = source(nodes).getConnection();
                    Statement s = c.createStatement()) {
                s.execute("DROP TABLE IF EXISTS t");
            }
            BenchWriter.createTable(source(nodes));
            return new BenchWriter(source(nodes), false);
        }

        /** Returns how long nothing was acknowledged, in milliseconds. */
        double harm(BenchWriter writes, boolean silent) throws SQLException, IOException, InterruptedException {
            GenericContainer<?> primary = nodes.stream()
                    .filter(node -> standbys(List.of(node)) >= 0)
                    .findFirst()
                    .orElseThrow();
            var docker = DockerClientFactory.instance().client();
            long begin = System.nanoTime();
            if (silent) {
                docker.pauseContainerCmd(primary.getContainerId()).exec();
                paused = Optional.of(primary.getContainerId());
            } else {
                String at = primary.execInContainer(
                                "sh",
                                "-c",
                                "date +%s%N && kill -9 $(head -n 1 /var/lib/postgresql/bench/postmaster.pid)")
                        .getStdout();
                Instant now = Instant.now();
                begin = System.nanoTime()
                        - (now.getEpochSecond() * 1_000_000_000 + now.getNano() - Long.parseLong(at.strip()));
            }
            return (writes.awaitRecovered(begin) - begin) / 1e6;
        }

        void awaitWhole() {
            long end = System.nanoTime() + PATIENCE;
            while (standbys(nodes) < nodes.size() - 1) {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("Patroni's cluster is not whole: "
                            + nodes.stream().map(GenericContainer::getLogs).toList());
                }
                LockSupport.parkNanos(100_000_000);
            }
        }

        /** Returns how many standbys stream from the primary among these nodes, or -1 if none of them is one. */
        private int standbys(List<GenericContainer<?>> of) {
            try (Connection c = source(of).getConnection();
                    Statement s = c.createStatement();
                    ResultSet r = s.executeQuery("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
                            + " AND application_name IN ('n1', 'n2', 'n3')")) {
                r.next();
                return r.getInt(1);
            } catch (SQLException e) {
                return -1;
            }
        }

        @Override
        public void close() {
            paused.ifPresent(node -> DockerClientFactory.instance()
                    .client()
                    .unpauseContainerCmd(node)
                    .exec());
            nodes.forEach(GenericContainer::stop);
            store.stop();
            network.close();
        }
    }
}

package dev.tenon.bench;

import dev.tenon.api.Cidr;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.testkit.ssh.SshContainer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Where a bench's clusters run, and how a primary there comes to harm. */
abstract class BenchSite implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Tenon tenon;
    private final Tenant shop;

    private BenchSite(Path directory, DeliveryDriver delivery) {
        tenon = Tenon.builder().directory(directory).delivery(delivery).build();
        shop = tenon.tenants()
                .create(t -> t.name("shop").quota(q -> q.cpus(1_000).instances(1_000)));
    }

    /** A primary, found before it is known when it comes to harm. */
    interface Victim {
        /** Kills its main process; returns when, in {@link System#nanoTime()}. */
        long kill() throws IOException, InterruptedException;

        /** Stops it or its host without a word; returns when. */
        long silence() throws IOException, InterruptedException;

        void wake() throws IOException, InterruptedException;
    }

    /** Returns the victim of which this is the process of an open session. */
    abstract Victim victim(Instance instance, long session);

    Instance create(String name, int standbys, Durability durability) {
        return shop.instances()
                .create(s -> s.name(name)
                        .engine(EngineId.POSTGRESQL, "17")
                        .plan("micro")
                        .topology(t -> t.standbys(standbys).durability(durability))
                        // Where containers of Docker, and their host, have their addresses.
                        .addWhitelist(Cidr.parse("172.16.0.0/12"))
                        .addWhitelist(Cidr.parse("127.0.0.0/8")))
                .await(PATIENCE);
    }

    Victim primary(Instance instance) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT pg_backend_pid()")) {
            r.next();
            return victim(instance, r.getLong(1));
        }
    }

    @Override
    public void close() {
        tenon.close();
    }

    /** This machine. */
    static BenchSite local(Path directory) {
        return new BenchSite(directory, LocalDelivery.create()) {
            @Override
            Victim victim(Instance instance, long session) {
                ProcessHandle server =
                        ProcessHandle.of(session).flatMap(ProcessHandle::parent).orElseThrow();
                return new LocalVictim(
                        server,
                        Stream.concat(Stream.of(server), server.descendants()).toList());
            }
        };
    }

    private record LocalVictim(ProcessHandle server, List<ProcessHandle> all) implements Victim {
        @Override
        public long kill() {
            long at = System.nanoTime();
            server.destroyForcibly();
            return at;
        }

        @Override
        public long silence() throws IOException, InterruptedException {
            long at = System.nanoTime();
            signal("STOP");
            return at;
        }

        @Override
        public void wake() throws IOException, InterruptedException {
            signal("CONT");
        }

        private void signal(String name) throws IOException, InterruptedException {
            // The shell has its own kill; as a program it is missing on a bare Debian.
            List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", "kill -\"$@\"", "signal", name));
            all.stream().filter(ProcessHandle::isAlive).forEach(p -> command.add(Long.toString(p.pid())));
            if (command.size() > 5) {
                new ProcessBuilder(command).start().waitFor();
            }
        }
    }

    /** Three hosts in containers, reached over SSH. */
    static BenchSite hosts(Path directory) {
        List<SshContainer> hosts = Stream.generate(SshContainer::new).limit(3).toList();
        hosts.parallelStream().forEach(SshContainer::start);
        SshDelivery.Builder delivery = SshDelivery.builder().id("bench").committedAtMost(100);
        for (int i = 0; i < hosts.size(); i++) {
            delivery.host(hosts.get(i).as("h" + (i + 1), i == 1 ? "b" : "a", "root"));
        }
        return new BenchSite(directory, delivery.build()) {
            @Override
            Victim victim(Instance instance, long session) {
                String host = instance.view().members().get(0).host().orElseThrow();
                SshContainer container = hosts.get(Integer.parseInt(host.substring(1)) - 1);
                return new RemoteVictim(
                        container,
                        container
                                .sh("sed -n 's/^PPid:[^0-9]*//p' /proc/$1/status", Long.toString(session))
                                .strip());
            }

            @Override
            public void close() {
                super.close();
                hosts.forEach(SshContainer::stop);
            }
        };
    }

    /** @param server number of the main process */
    private record RemoteVictim(SshContainer host, String server) implements Victim {
        @Override
        public long kill() {
            String at = host.sh("date +%s%N && kill -9 $1", server);
            // It is the same clock: containers have their machine's.
            Instant now = Instant.now();
            long ago = now.getEpochSecond() * 1_000_000_000 + now.getNano() - Long.parseLong(at.strip());
            return System.nanoTime() - ago;
        }

        @Override
        public long silence() {
            long at = System.nanoTime();
            host.pause();
            return at;
        }

        @Override
        public void wake() {
            host.resume();
        }
    }
}

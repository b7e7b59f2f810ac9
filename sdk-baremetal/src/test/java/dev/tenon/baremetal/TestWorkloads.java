package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;

/** Workloads for tests of this module, which knows no engine: the smallest PostgreSQL that starts. */
final class TestWorkloads {
    static final Resources SMALL = Resources.of(1, DataSize.mib(256), DataSize.gib(1));
    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    private TestWorkloads() {}

    static MemberRef ref() {
        return new MemberRef(new TenantId("t-" + random()), new InstanceId("i-" + random()), "m-1");
    }

    private static String random() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            text.append(ALPHABET.charAt(ThreadLocalRandom.current().nextInt(32)));
        }
        return text.toString();
    }

    static MemberWorkload postgres(MemberRef ref, boolean ephemeral) {
        return postgres(ref, ephemeral, "17");
    }

    static MemberWorkload postgres(MemberRef ref, boolean ephemeral, String version) {
        return base(ref, ephemeral, version)
                .addInitialise(new InitialiseStep(
                        "initdb",
                        Command.of(
                                Duration.ofMinutes(1),
                                Template.text("initdb"),
                                Template.of("--pgdata=", new Template.DirectoryPath("data")),
                                Template.text("--username=tenon"),
                                Template.text("--auth=trust"),
                                Template.text("--encoding=UTF8"),
                                Template.text("--no-locale"),
                                Template.text("--no-sync"),
                                Template.text("--wal-segsize=1")),
                        "data",
                        "PG_VERSION",
                        true))
                .addFiles(new FileSpec(
                        "config",
                        "postgresql.conf",
                        Template.of(
                                "listen_addresses = '",
                                new Template.ListenAddress(),
                                "'\nport = ",
                                new Template.PortNumber("db"),
                                "\nunix_socket_directories = '",
                                new Template.DirectoryPath("run"),
                                "'\nshared_buffers = 1MB\nmax_connections = 10\nautovacuum = off\nmax_wal_senders = 0\nwal_level = minimal\n"
                                        + "max_wal_size = 32MB\nmin_wal_size = 2MB\nhuge_pages = off\nfsync = "
                                        + (ephemeral ? "off" : "on") + "\n"),
                        0600,
                        false,
                        FileSpec.OnChange.RESTART))
                .addProcesses(new ProcessSpec(
                        "postgres",
                        List.of(
                                Template.text("postgres"),
                                Template.text("-D"),
                                Template.of(new Template.DirectoryPath("data")),
                                Template.text("-c"),
                                Template.of("config_file=", new Template.DirectoryPath("config"), "/postgresql.conf"),
                                Template.text("-c"),
                                Template.of("hba_file=", new Template.DirectoryPath("data"), "/pg_hba.conf"),
                                Template.text("-c"),
                                Template.of("ident_file=", new Template.DirectoryPath("data"), "/pg_ident.conf")),
                        Map.of(),
                        Stop.signal("INT", Duration.ofSeconds(20)),
                        false))
                .ready(new Probe.FileLine("data", "postmaster.pid", "ready"))
                .build();
    }

    /** A process that only waits; {@code script} runs before that. */
    static MemberWorkload sleeper(MemberRef ref, boolean ephemeral, String script) {
        return base(ref, ephemeral, "17")
                .addProcesses(new ProcessSpec(
                        "sleeper",
                        List.of(
                                Template.text("/bin/sh"),
                                Template.text("-c"),
                                Template.of(
                                        "cd ",
                                        new Template.DirectoryPath("data"),
                                        "; " + script + "; echo started; echo ready > state; exec sleep 1000")),
                        Map.of(),
                        Stop.signal("TERM", Duration.ofSeconds(5)),
                        false))
                .ready(new Probe.FileLine("data", "state", "ready"))
                .build();
    }

    private static MemberWorkload.Builder base(MemberRef ref, boolean ephemeral, String version) {
        MemberWorkload.Builder builder = MemberWorkload.builder();
        builder.ref(ref)
                .software(new Software(EngineId.POSTGRESQL, version))
                .addDirectories(
                        new Directory("data", Directory.Purpose.DATA, Optional.of(DataSize.gib(1))),
                        new Directory("config", Directory.Purpose.CONFIG, Optional.empty()),
                        new Directory("run", Directory.Purpose.RUN, Optional.empty()))
                .addPorts(new Port("db", OptionalInt.of(5432), Port.Exposure.CLIENTS))
                .addAdminRoutes(
                        new AdminRoute.UnixSocket("run", Template.of(".s.PGSQL.", new Template.PortNumber("db"))),
                        new AdminRoute.TcpPort("db"))
                .resources(SMALL)
                .ephemeral(ephemeral);
        return builder;
    }
}

package dev.tenon.engine.postgresql;

import dev.tenon.api.EngineId;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.TlsMaterial;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** What one PostgreSQL server is made of. */
final class Members {
    static final String DATA = "data";
    static final String CONFIGURATION = "conf";
    static final String SOCKETS = "run";
    static final String LOGS = "log";
    static final String PORT = "client";
    static final int USUAL_PORT = 5432;

    private Members() {}

    /** Describes the member that starts as the primary. */
    static MemberWorkload first(EngineRequest request, PostgresqlVersion version, Map<String, String> settings) {
        return MemberWorkload.builder()
                .ref(new MemberRef(request.tenant(), request.instance(), "m-1"))
                .software(new Software(EngineId.POSTGRESQL, version.text()))
                .addDirectories(
                        new Directory(
                                DATA,
                                Directory.Purpose.DATA,
                                Optional.of(request.resources().storage())),
                        new Directory(CONFIGURATION, Directory.Purpose.CONFIG, Optional.empty()),
                        new Directory(SOCKETS, Directory.Purpose.RUN, Optional.empty()),
                        new Directory(LOGS, Directory.Purpose.LOG, Optional.empty()))
                .initialise(ClusterTemplate.steps(version, request.ephemeral()))
                .files(files(request, settings))
                .addProcesses(new ProcessSpec(
                        "postgres",
                        argv(request.tls().isPresent()),
                        Map.of(),
                        // Fast shutdown: sessions end, the checkpoint is written; immediate where nobody will read it.
                        Stop.signal("INT", Duration.ofSeconds(60)).discard("QUIT"),
                        true))
                .reload(Stop.signal("HUP", Duration.ofSeconds(5)))
                .addPorts(new Port(PORT, OptionalInt.of(USUAL_PORT), Port.Exposure.CLIENTS))
                .addAdminRoutes(
                        new AdminRoute.UnixSocket(SOCKETS, Template.of(".s.PGSQL.", new Template.PortNumber(PORT))),
                        new AdminRoute.TcpPort(PORT))
                .resources(request.resources())
                // The line that pg_ctl itself waits for (miscadmin.h, PM_STATUS_READY).
                .ready(new Probe.FileLine(DATA, "postmaster.pid", "ready"))
                .placement(new Placement(request.zone(), Set.of()))
                .ephemeral(request.ephemeral())
                .putLabels("tenon.instance", request.instance().value())
                .putLabels("tenon.tenant", request.tenant().value())
                .putLabels("tenon.engine", EngineId.POSTGRESQL.value())
                .build();
    }

    private static List<FileSpec> files(EngineRequest request, Map<String, String> settings) {
        List<FileSpec> files = new ArrayList<>();
        files.add(file("postgresql.conf", Template.text(ConfigurationFile.write(settings))));
        files.add(file(
                "pg_hba.conf",
                Template.text(
                        AccessFiles.hostBased(request.whitelist(), request.tls().isPresent()))));
        files.add(file("pg_ident.conf", AccessFiles.identities()));
        request.tls().ifPresent(tls -> files.addAll(tlsFiles(tls)));
        return files;
    }

    private static List<FileSpec> tlsFiles(TlsMaterial tls) {
        return List.of(
                file("server.crt", Template.text(tls.certificatePem())),
                new FileSpec(
                        CONFIGURATION,
                        "server.key",
                        Template.text(tls.privateKeyPem().reveal(pem -> pem)),
                        0600,
                        true,
                        FileSpec.OnChange.RELOAD),
                file("ca.crt", Template.text(tls.authorityPem())));
    }

    private static FileSpec file(String name, Template content) {
        return new FileSpec(CONFIGURATION, name, content, 0600, false, FileSpec.OnChange.RELOAD);
    }

    /**
     * What names a path, the port or the address is an argument: arguments need no quoting, and neither a file nor ALTER SYSTEM can
     * override them.
     */
    private static List<Template> argv(boolean encrypted) {
        List<Template> argv = new ArrayList<>();
        argv.add(Template.text("postgres"));
        argv.add(Template.text("-D"));
        argv.add(Template.of(new Template.DirectoryPath(DATA)));
        option(argv, "config_file", Template.path(CONFIGURATION, "postgresql.conf"));
        option(argv, "hba_file", Template.path(CONFIGURATION, "pg_hba.conf"));
        option(argv, "ident_file", Template.path(CONFIGURATION, "pg_ident.conf"));
        option(argv, "listen_addresses", Template.of(new Template.ListenAddress()));
        option(argv, "port", Template.of(new Template.PortNumber(PORT)));
        option(argv, "unix_socket_directories", Template.of(new Template.DirectoryPath(SOCKETS)));
        if (encrypted) {
            option(argv, "ssl_cert_file", Template.path(CONFIGURATION, "server.crt"));
            option(argv, "ssl_key_file", Template.path(CONFIGURATION, "server.key"));
            option(argv, "ssl_ca_file", Template.path(CONFIGURATION, "ca.crt"));
        }
        return argv;
    }

    private static void option(List<Template> argv, String name, Template value) {
        argv.add(Template.text("-c"));
        List<Template.Part> parts = new ArrayList<>();
        parts.add(new Template.Literal(name + "="));
        parts.addAll(value.parts());
        argv.add(new Template(parts));
    }
}

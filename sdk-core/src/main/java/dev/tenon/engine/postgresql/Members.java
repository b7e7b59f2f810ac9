package dev.tenon.engine.postgresql;

import dev.tenon.api.EngineId;
import dev.tenon.api.Secret;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Stance;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What one PostgreSQL server is made of. */
final class Members {
    static final String DATA = "data";
    static final String CONFIGURATION = "conf";
    static final String SOCKETS = "run";
    static final String LOGS = "log";
    static final String PORT = "client";
    static final int USUAL_PORT = 5432;
    /** Name of the password with which standbys follow. */
    static final String REPLICATION = "replication";

    /** Setting that says by which order a member is what it is. */
    static final String REVISION = "tenon.revision";
    /** Setting of a standby's connection that says whom it is to. */
    static final String SOURCE = "tenon.source";

    /**
     * Of these a standby that answers reads must have as much as its primary: with less it does not start, and replays no more once it
     * learns that the primary has more.
     *
     * @see <a href="https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN">PostgreSQL: hot standby</a>
     */
    static final List<String> AS_MUCH = List.of(
            "max_connections",
            "max_locks_per_transaction",
            "max_prepared_transactions",
            "max_wal_senders",
            "max_worker_processes");

    private static final String PASSWORD_FILE = "replication.pass";

    private Members() {}

    /** Returns the names of all members, the primary first: those that are there, then as many as the topology lacks. */
    static List<String> names(EngineRequest request) {
        int wanted = 1 + request.topology().standbys();
        List<String> names = new ArrayList<>(
                request.members().subList(0, Math.min(wanted, request.members().size())));
        for (int number = 1; names.size() < wanted; number++) {
            String name = "m-" + number;
            if (!names.contains(name)) {
                names.add(name);
            }
        }
        return names;
    }

    /**
     * Describes a member as its stance says.
     *
     * @param settings of a primary
     * @param following of a standby
     */
    static MemberWorkload member(
            EngineRequest request,
            PostgresqlVersion version,
            Map<String, String> settings,
            Map<String, String> following,
            String name) {
        Stance stance = stance(request, name);
        boolean leads = stance.role() == EngineSession.Role.PRIMARY;
        Map<String, String> all = new LinkedHashMap<>(leads ? settings : following);
        if (names(request).size() > 1) {
            all.put(REVISION, Long.toString(stance.revision()));
            all.put("synchronous_standby_names", awaited(stance));
        }
        return leads
                ? member(request, version, name, stance, Template.text(ConfigurationFile.write(all)))
                        .initialise(ClusterTemplate.steps(version, request.ephemeral()))
                        .build()
                : standby(request, version, all, name, stance);
    }

    private static Stance stance(EngineRequest request, String name) {
        Stance given = request.stances().get(name);
        if (given != null) {
            return given;
        }
        String first = names(request).get(0);
        return name.equals(first)
                ? new Stance(0, EngineSession.Role.PRIMARY, Optional.empty(), Set.of(), 0)
                : new Stance(0, EngineSession.Role.STANDBY, Optional.of(first), Set.of(), 0);
    }

    private static String awaited(Stance stance) {
        return stance.needed() == 0
                ? ""
                : new TreeSet<>(stance.synchronous())
                        .stream()
                                .map(Identifiers::quote)
                                .collect(Collectors.joining(", ", "ANY " + stance.needed() + " (", ")"));
    }

    /**
     * Describes a member that follows the primary. SCRAM with channel binding proves to it that the server at the other end of the
     * TLS connection knows this instance's password, which says more than a name in a certificate.
     *
     * @see <a href="https://www.postgresql.org/docs/current/warm-standby.html">PostgreSQL: log-shipping standby servers</a>
     */
    private static MemberWorkload standby(
            EngineRequest request,
            PostgresqlVersion version,
            Map<String, String> settings,
            String name,
            Stance stance) {
        settings.put("primary_slot_name", slot(name));
        Template configuration = Template.text(ConfigurationFile.write(settings));
        if (stance.source().isPresent()) {
            String primary = stance.source().get();
            // Names, numbers and the place's own paths: nothing that the two levels of quoting would change.
            configuration = Template.of(
                    ConfigurationFile.write(settings) + "primary_conninfo = 'host=",
                    new Template.PeerAddress(primary),
                    " port=",
                    new Template.PeerPort(primary, PORT),
                    " user=" + AccessFiles.REPLICATION_ROLE + " application_name=" + name + " options=-c" + SOURCE + "="
                            + primary
                            + " sslmode=verify-ca channel_binding=require connect_timeout=5 keepalives_idle=10"
                            + " sslrootcert=",
                    new Template.DirectoryPath(CONFIGURATION),
                    "/ca.crt passfile=",
                    new Template.DirectoryPath(CONFIGURATION),
                    "/" + PASSWORD_FILE + "'\n");
        }
        return member(request, version, name, stance, configuration)
                .addFilled(DATA)
                .addFiles(
                        new FileSpec(DATA, "standby.signal", Template.text(""), 0600, false, FileSpec.OnChange.RESTART))
                .startOrder(1)
                .build();
    }

    /** Returns the name of the slot that keeps the log for a standby. */
    static String slot(String member) {
        return "tenon_" + member.replace('-', '_');
    }

    private static MemberWorkload.Builder member(
            EngineRequest request, PostgresqlVersion version, String name, Stance stance, Template configuration) {
        Set<String> others = new TreeSet<>(names(request));
        others.remove(name);
        return MemberWorkload.builder()
                .ref(new MemberRef(request.tenant(), request.instance(), name))
                .software(new Software(EngineId.POSTGRESQL, version.text()))
                .addDirectories(
                        new Directory(
                                DATA,
                                Directory.Purpose.DATA,
                                Optional.of(request.resources().storage())),
                        new Directory(CONFIGURATION, Directory.Purpose.CONFIG, Optional.empty()),
                        new Directory(SOCKETS, Directory.Purpose.RUN, Optional.empty()),
                        new Directory(LOGS, Directory.Purpose.LOG, Optional.empty()))
                .files(files(request, others, stance, configuration))
                .addProcesses(new ProcessSpec(
                        "postgres",
                        argv(request.tls().isPresent()),
                        Map.of(),
                        // Fast shutdown: sessions end, the checkpoint is written; immediate where nobody will read it.
                        Stop.signal("INT", Duration.ofSeconds(60)).discard("QUIT"),
                        // With standbys, whoever was the primary must not come back by itself: another may lead.
                        others.isEmpty()))
                .reload(Stop.signal("HUP", Duration.ofSeconds(5)))
                .addPorts(new Port(PORT, OptionalInt.of(USUAL_PORT), Port.Exposure.CLIENTS))
                .addAdminRoutes(
                        new AdminRoute.UnixSocket(SOCKETS, Template.of(".s.PGSQL.", new Template.PortNumber(PORT))),
                        new AdminRoute.TcpPort(PORT))
                .resources(request.resources())
                // The line that pg_ctl itself waits for (miscadmin.h, PM_STATUS_READY).
                .ready(new Probe.FileLine(DATA, "postmaster.pid", "ready"))
                .placement(
                        new Placement(request.zone(), others, request.topology().acrossZones()))
                .ephemeral(request.ephemeral())
                .putLabels("tenon.instance", request.instance().value())
                .putLabels("tenon.tenant", request.tenant().value())
                .putLabels("tenon.engine", EngineId.POSTGRESQL.value());
    }

    private static List<FileSpec> files(
            EngineRequest request, Set<String> others, Stance stance, Template configuration) {
        List<FileSpec> files = new ArrayList<>();
        files.add(file("postgresql.conf", configuration));
        files.add(file(
                "pg_hba.conf",
                AccessFiles.hostBased(request.whitelist(), request.tls().isPresent(), others)));
        files.add(file("pg_ident.conf", AccessFiles.identities()));
        request.tls().ifPresent(tls -> files.addAll(tlsFiles(tls)));
        if (!others.isEmpty()) {
            files.add(new FileSpec(
                    CONFIGURATION,
                    PASSWORD_FILE,
                    Template.text(stance.source().isPresent() ? login(request) : "# receives from nobody\n"),
                    0600,
                    true,
                    FileSpec.OnChange.NOTHING));
        }
        return files;
    }

    /**
     * As a password file wants it: colons and backslashes escaped. Who shall receive from nobody has no password: a receiver that the
     * server starts before all its processes have read the new order finds none.
     */
    private static String login(EngineRequest request) {
        Secret password = request.secrets().get(REPLICATION);
        if (password == null) {
            throw new IllegalStateException("the request lacks the secret " + REPLICATION);
        }
        return password.reveal(text -> "*:*:*:" + AccessFiles.REPLICATION_ROLE + ":"
                + text.replace("\\", "\\\\").replace(":", "\\:") + "\n");
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

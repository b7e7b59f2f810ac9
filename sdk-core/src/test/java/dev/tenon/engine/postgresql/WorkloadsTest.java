package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Stance;
import dev.tenon.spi.engine.TlsMaterial;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything a place gets, compared as text: holes are shown as {@code <hole>}. */
class WorkloadsTest {
    private static final TlsMaterial TLS = new TlsMaterial("CERTIFICATE\n", Secret.of("KEY\n"), "AUTHORITY\n");

    private final PostgresqlEngine engine = new PostgresqlEngine();

    @Test
    void durable_encrypted_isThisMember() {
        MemberWorkload workload = only(Requests.durable("17")
                .tls(TLS)
                .whitelist(List.of(Cidr.parse("10.1.0.0/16"), Cidr.parse("fd00::/8")))
                .build());

        assertThat(workload.ref().toString()).isEqualTo("i-aaaaaaaaaaaaaaaaaaaa/m-1");
        assertThat(workload.software().engine()).isEqualTo(EngineId.POSTGRESQL);
        assertThat(workload.software().version()).isEqualTo("17");
        assertThat(workload.directories())
                .extracting(Directory::name, Directory::purpose)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("data", Directory.Purpose.DATA),
                        org.assertj.core.groups.Tuple.tuple("conf", Directory.Purpose.CONFIG),
                        org.assertj.core.groups.Tuple.tuple("run", Directory.Purpose.RUN),
                        org.assertj.core.groups.Tuple.tuple("log", Directory.Purpose.LOG));
        assertThat(show(workload.processes().get(0).argv()))
                .isEqualTo("postgres -D <data> -c config_file=<conf>/postgresql.conf -c hba_file=<conf>/pg_hba.conf"
                        + " -c ident_file=<conf>/pg_ident.conf -c listen_addresses=<address> -c port=<client>"
                        + " -c unix_socket_directories=<run> -c ssl_cert_file=<conf>/server.crt"
                        + " -c ssl_key_file=<conf>/server.key -c ssl_ca_file=<conf>/ca.crt");
        assertThat(workload.processes().get(0).environment()).isEmpty();
        assertThat(workload.processes().get(0).stop())
                .isEqualTo(Stop.signal("INT", Duration.ofSeconds(60)).discard("QUIT"));
        assertThat(workload.reload()).map(Stop::signal).contains("HUP");
        assertThat(workload.ports()).containsExactly(new Port("client", OptionalInt.of(5432), Port.Exposure.CLIENTS));
        assertThat(workload.adminRoutes())
                .containsExactly(
                        new AdminRoute.UnixSocket("run", Template.of(".s.PGSQL.", new Template.PortNumber("client"))),
                        new AdminRoute.TcpPort("client"));
        assertThat(workload.ready()).isEqualTo(new Probe.FileLine("data", "postmaster.pid", "ready"));
        assertThat(workload.files()).allSatisfy(file -> {
            assertThat(file.directory()).isEqualTo("conf");
            assertThat(file.mode()).isEqualTo(0600);
            assertThat(file.onChange()).isEqualTo(FileSpec.OnChange.RELOAD);
            assertThat(file.secret()).isEqualTo(file.path().equals("server.key"));
        });
        assertThat(workload.files())
                .extracting(FileSpec::path)
                .containsExactly(
                        "postgresql.conf", "pg_hba.conf", "pg_ident.conf", "server.crt", "server.key", "ca.crt");
        assertThat(file(workload, "pg_hba.conf")).isEqualTo("""
                        # Written by Tenon; what is changed here by hand is lost.
                        local all tenon_platform peer map=tenon
                        local replication tenon_platform peer map=tenon
                        local all all reject
                        local replication all reject
                        host all tenon_platform,tenon_replication all reject
                        hostssl all all 10.1.0.0/16 scram-sha-256
                        hostssl all all fd00::/8 scram-sha-256
                        host all all all reject
                        host replication all all reject
                        """);
        assertThat(file(workload, "pg_ident.conf")).isEqualTo("""
                        # Written by Tenon; what is changed here by hand is lost.
                        tenon "<operator>" tenon_platform
                        tenon "<user>" tenon_platform
                        """);
        assertThat(file(workload, "server.crt")).isEqualTo("CERTIFICATE\n");
        assertThat(file(workload, "server.key")).isEqualTo("KEY\n");
        assertThat(file(workload, "ca.crt")).isEqualTo("AUTHORITY\n");
        assertThat(workload.toString()).doesNotContain("KEY\n");
        assertThat(file(workload, "postgresql.conf")).isEqualTo("""
                        # Written by Tenon; what is changed here by hand is lost.
                        shared_buffers = '128MB'
                        max_connections = '32'
                        superuser_reserved_connections = '3'
                        maintenance_work_mem = '16MB'
                        autovacuum_max_workers = '3'
                        autovacuum_work_mem = '4MB'
                        temp_buffers = '1MB'
                        hash_mem_multiplier = '1'
                        huge_pages = 'off'
                        effective_cache_size = '384MB'
                        wal_buffers = '4096kB'
                        max_wal_senders = '10'
                        max_replication_slots = '10'
                        max_parallel_workers = '0'
                        max_worker_processes = '8'
                        work_mem = '1856kB'
                        max_parallel_workers_per_gather = '0'
                        max_parallel_maintenance_workers = '0'
                        jit = 'off'
                        wal_level = 'replica'
                        max_wal_size = '409MB'
                        min_wal_size = '102MB'
                        max_slot_wal_keep_size = '409MB'
                        checkpoint_completion_target = '0.9'
                        wal_log_hints = 'on'
                        hot_standby = 'on'
                        wal_retrieve_retry_interval = '50ms'
                        wal_receiver_status_interval = '1s'
                        temp_file_limit = '1024MB'
                        random_page_cost = '1.1'
                        password_encryption = 'scram-sha-256'
                        log_destination = 'stderr'
                        logging_collector = 'off'
                        log_line_prefix = '%m [%p] %q%u@%d '
                        log_timezone = 'UTC'
                        TimeZone = 'UTC'
                        log_lock_waits = 'on'
                        log_autovacuum_min_duration = '10s'
                        log_temp_files = '10MB'
                        tcp_keepalives_idle = '60'
                        tcp_keepalives_interval = '10'
                        tcp_keepalives_count = '6'
                        client_connection_check_interval = '10s'
                        ssl = 'on'
                        ssl_min_protocol_version = 'TLSv1.2'
                        allow_alter_system = 'off'
                        cluster_name = 'i-aaaaaaaaaaaaaaaaaaaa'
                        """);
    }

    @Test
    void ephemeral_clear_listensWithoutTlsAndSyncsNothing() {
        MemberWorkload workload = only(Requests.ephemeral("18").build());

        assertThat(workload.ephemeral()).isTrue();
        assertThat(workload.files())
                .extracting(FileSpec::path)
                .containsExactly("postgresql.conf", "pg_hba.conf", "pg_ident.conf");
        assertThat(file(workload, "pg_hba.conf")).contains("\nhost all all 127.0.0.1/32 scram-sha-256\n");
        assertThat(ConfigurationFile.read(file(workload, "postgresql.conf")))
                .containsEntry("fsync", "off")
                .containsEntry("synchronous_commit", "off")
                .containsEntry("full_page_writes", "off")
                .containsEntry("io_method", "sync")
                .containsEntry("ssl", "off");
    }

    @ParameterizedTest
    @ValueSource(strings = {"14", "15", "16", "17", "18"})
    void initialise_isTheSameForEveryMember(String version) {
        for (boolean ephemeral : new boolean[] {true, false}) {
            EngineRequest one =
                    Requests.durable(version).ephemeral(ephemeral).name("one").build();
            EngineRequest other = Requests.durable(version)
                    .ephemeral(ephemeral)
                    .name("two")
                    .instance(new dev.tenon.api.InstanceId("i-cccccccccccccccccccc"))
                    .parameters(Map.of("work_mem", "64kB"))
                    .build();
            List<InitialiseStep> steps = only(one).initialise();

            assertThat(steps).isEqualTo(only(other).initialise());
            assertThat(steps).allSatisfy(step -> {
                assertThat(step.identityFree()).isTrue();
                assertThat(step.directory()).isEqualTo("data");
            });
            assertThat(steps)
                    .extracting(InitialiseStep::creates)
                    .containsExactly("global/pg_control", "tenon.prepared");
        }
    }

    @Test
    void initialise_commands_areThese() {
        List<InitialiseStep> durable = only(Requests.durable("17").build()).initialise();
        List<InitialiseStep> ephemeral = only(Requests.ephemeral("16").build()).initialise();

        assertThat(show(durable.get(0).command().argv()))
                .isEqualTo("initdb -D <data> --username=tenon_platform --encoding=UTF8 --locale=C"
                        + " --locale-provider=builtin --builtin-locale=C.UTF-8 --text-search-config=simple"
                        + " --auth-local=peer --auth-host=scram-sha-256 --no-instructions --no-sync --wal-segsize=4"
                        + " --data-checksums");
        assertThat(show(ephemeral.get(0).command().argv()))
                .isEqualTo("initdb -D <data> --username=tenon_platform --encoding=UTF8 --locale=C.UTF-8"
                        + " --text-search-config=simple --auth-local=peer --auth-host=scram-sha-256 --no-instructions"
                        + " --no-sync --wal-segsize=1");
        assertThat(show(ephemeral.get(1).command().argv()))
                .isEqualTo("postgres --single -j -F -D <data> -c exit_on_error=on -c search_path=pg_catalog"
                        + " -c log_checkpoints=off -c max_wal_size=2MB -c min_wal_size=2MB -c max_connections=10"
                        + " -c max_wal_senders=0 -c max_worker_processes=0 template1");
        assertThat(durable.get(1).command().stdin().orElseThrow().<String>reveal(sql -> sql))
                .contains("REVOKE ALL ON DATABASE postgres FROM PUBLIC;\n\n")
                .contains(
                        "CREATE ROLE app_owner NOLOGIN NOSUPERUSER CREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS;\n\n")
                .doesNotContain("DROP DATABASE template0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"13", "19", "17.1", "", "latest", "16.x; rm"})
    void workloads_versionUnknown_isRefused(String version) {
        assertThatThrownBy(() -> only(Requests.durable(version).build()))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.VERSION_UNKNOWN));
    }

    @Test
    void workloads_whatCannotHaveStandbys_isRefused() {
        for (EngineRequest request : List.of(
                standbys(1).version("14").build(),
                standbys(1).ephemeral(true).build(),
                standbys(1).topology(new Topology(TopologyKind.MPP, 1)).build())) {
            assertThatThrownBy(() -> engine.workloads(request))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
        }
    }

    @Test
    void workloads_standbysMustHaveMore_theyHaveTheGreaterOfBoth() {
        EngineRequest request = standbys(1)
                .atLeast(Map.of("max_connections", "400", "max_worker_processes", "8", "max_wal_senders", "4"))
                .build();

        List<MemberWorkload> workloads = engine.workloads(request);

        String primary = file(workloads.get(0), "postgresql.conf");
        assertThat(ConfigurationFile.read(file(workloads.get(1), "postgresql.conf")))
                .containsEntry("max_connections", "400")
                .containsEntry("max_worker_processes", "8")
                .containsEntry("max_wal_senders", "10");
        assertThat(ConfigurationFile.read(primary)).doesNotContainEntry("max_connections", "400");
    }

    @Test
    void standbysNeed_settings_greatestOfEach() {
        assertThat(engine.standbysNeed(
                        "17",
                        List.of(
                                Map.of("max_connections", "20", "work_mem", "1GB"),
                                Map.of("max_connections", "16", "max_locks_per_transaction", "80"))))
                .isEqualTo(Map.of(
                        "max_connections", "20",
                        "max_locks_per_transaction", "80",
                        "max_prepared_transactions", "0",
                        "max_wal_senders", "10",
                        "max_worker_processes", "8"));
    }

    @Test
    void workloads_withStandbys_firstLeadsOthersFollow() {
        List<MemberWorkload> workloads = engine.workloads(standbys(2)
                .putStances("m-1", new Stance(7, EngineSession.Role.PRIMARY, Optional.empty(), Set.of("m-3", "m-2"), 1))
                .build());
        MemberWorkload primary = workloads.get(0);
        MemberWorkload standby = workloads.get(1);

        assertThat(workloads).extracting(workload -> workload.ref().member()).containsExactly("m-1", "m-2", "m-3");
        assertThat(workloads).extracting(MemberWorkload::startOrder).containsExactly(0, 1, 1);
        assertThat(primary.filled()).isEmpty();
        assertThat(primary.initialise()).isNotEmpty();
        assertThat(standby.filled()).containsExactly("data");
        assertThat(standby.initialise()).isEmpty();
        assertThat(standby.placement().apartFrom()).containsExactlyInAnyOrder("m-1", "m-3");
        assertThat(file(primary, "postgresql.conf"))
                .contains("tenon.revision = '7'\n")
                .contains("synchronous_standby_names = 'ANY 1 (\"m-2\", \"m-3\")'\n")
                .doesNotContain("primary_conninfo");
        assertThat(file(standby, "postgresql.conf"))
                .contains("primary_slot_name = 'tenon_m_2'\n")
                .endsWith(
                        "primary_conninfo = 'host=<m-1> port=<m-1.client> user=tenon_replication application_name=m-2 options=-ctenon.source=m-1"
                                + " sslmode=verify-ca channel_binding=require connect_timeout=5 keepalives_idle=10"
                                + " sslrootcert=<conf>/ca.crt passfile=<conf>/replication.pass'\n");
        assertThat(file(standby, "pg_hba.conf")).endsWith("""
                        host all all all reject
                        hostssl replication tenon_replication <from m-1> scram-sha-256
                        hostssl replication tenon_replication <from m-3> scram-sha-256
                        host replication all all reject
                        """);
        assertThat(standby.files())
                .filteredOn(file -> file.path().equals("standby.signal"))
                .hasSize(1);
        assertThat(primary.files()).noneMatch(file -> file.path().equals("standby.signal"));
        assertThat(standby.files())
                .filteredOn(FileSpec::secret)
                .extracting(FileSpec::path)
                .containsExactly("server.key", "replication.pass");
        assertThat(file(standby, "replication.pass")).isEqualTo("*:*:*:tenon_replication:pass\\:wo\\\\rd\n");
        assertThat(standby.toString()).doesNotContain("pass:wo").doesNotContain("pass\\:wo");
    }

    @Test
    void workloads_standbyOfNobody_hasNoWayToConnect() {
        MemberWorkload detached = engine.workloads(standbys(2)
                        .putStances(
                                "m-2",
                                new Stance(8, EngineSession.Role.STANDBY, Optional.empty(), Set.of("m-1", "m-3"), 1))
                        .build())
                .get(1);

        assertThat(file(detached, "postgresql.conf"))
                .contains("tenon.revision = '8'\n")
                .contains("synchronous_standby_names = 'ANY 1 (\"m-1\", \"m-3\")'\n")
                .doesNotContain("primary_conninfo");
        assertThat(file(detached, "replication.pass")).isEqualTo("# receives from nobody\n");
        assertThat(detached.files()).anyMatch(file -> file.path().equals("standby.signal"));
    }

    @Test
    void workloads_membersAreThere_keepTheirNamesAndOrder() {
        EngineRequest after = standbys(2).members(List.of("m-2", "m-4")).build();

        assertThat(engine.workloads(after))
                .extracting(workload -> workload.ref().member())
                .containsExactly("m-2", "m-4", "m-1");
        assertThat(file(engine.workloads(after).get(1), "postgresql.conf")).contains("host=<m-2>");
        assertThat(engine.workloads(standbys(1)
                        .topology(Topology.single())
                        .members(List.of("m-2", "m-4"))
                        .build()))
                .extracting(workload -> workload.ref().member())
                .containsExactly("m-2");
    }

    private static EngineRequest.Builder standbys(int count) {
        return Requests.durable("17")
                .tls(TLS)
                .topology(Topology.primaryStandby(count))
                .putSecrets("replication", Secret.of("pass:wo\\rd"));
    }

    @Test
    void connection_severalMembers_findsThePrimary() {
        EngineRequest request = Requests.durable("17").tls(TLS).build();
        ConnectionInfo info = engine.connection(
                request,
                new ClientEndpoint(
                        "10.0.0.1",
                        5432,
                        List.of(new ClientEndpoint.Target("10.0.0.2", 5433), new ClientEndpoint.Target("::1", 5434)),
                        Optional.empty()),
                "orders",
                "owner");

        assertThat(info.jdbcUrl())
                .isEqualTo("jdbc:postgresql://10.0.0.1:5432,10.0.0.2:5433,[::1]:5434/orders?sslmode=verify-full"
                        + "&targetServerType=primary&hostRecheckSeconds=0&connectTimeout=5");
        assertThat(info.uri())
                .isEqualTo("postgresql://owner@10.0.0.1:5432,10.0.0.2:5433,[::1]:5434/orders?sslmode=verify-full"
                        + "&target_session_attrs=read-write&connect_timeout=5");
    }

    @Test
    void connection_encrypted_verifiesFullyAndHoldsNoPassword() {
        EngineRequest request = Requests.durable("17").tls(TLS).build();
        ConnectionInfo info = engine.connection(
                request, new ClientEndpoint("::1", 15432, Optional.of("/home/me/my ca.crt")), "or$ders", "own$er");

        assertThat(info.jdbcUrl())
                .isEqualTo(
                        "jdbc:postgresql://[::1]:15432/or%24ders?sslmode=verify-full&sslrootcert=/home/me/my%20ca.crt");
        assertThat(info.uri())
                .isEqualTo("postgresql://own%24er@[::1]:15432/or%24ders"
                        + "?sslmode=verify-full&sslrootcert=/home/me/my%20ca.crt");
        assertThat(info.snippets()).containsOnlyKeys("psql", "java", "python", "node", "go");
        assertThat(info.snippets().get("psql")).isEqualTo("psql '" + info.uri() + "'");
    }

    @Test
    void engine_isFoundByTheServiceLoader() {
        assertThat(ServiceLoader.load(EngineDriver.class).stream().map(ServiceLoader.Provider::type))
                .anyMatch(type -> type == PostgresqlEngine.class);
    }

    private MemberWorkload only(EngineRequest request) {
        List<MemberWorkload> workloads = engine.workloads(request);
        assertThat(workloads).hasSize(1);
        return workloads.get(0);
    }

    private static String file(MemberWorkload workload, String path) {
        return workload.files().stream()
                .filter(file -> file.path().equals(path))
                .map(file -> show(file.content()))
                .findFirst()
                .orElseThrow();
    }

    private static String show(List<Template> argv) {
        return String.join(" ", argv.stream().map(WorkloadsTest::show).toList());
    }

    private static String show(Template template) {
        return template.render(part -> {
            if (part instanceof Template.DirectoryPath directory) {
                return "<" + directory.directory() + ">";
            }
            if (part instanceof Template.PortNumber port) {
                return "<" + port.port() + ">";
            }
            if (part instanceof Template.PeerAddress peer) {
                return "<" + peer.member() + ">";
            }
            if (part instanceof Template.PeerPort peer) {
                return "<" + peer.member() + "." + peer.port() + ">";
            }
            if (part instanceof Template.PeerSource peer) {
                return "<from " + peer.member() + ">";
            }
            if (part instanceof Template.ListenAddress) {
                return "<address>";
            }
            return part instanceof Template.OperatorUser ? "<operator>" : "<user>";
        });
    }
}

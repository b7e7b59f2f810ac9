package dev.tenon.engine.postgresql;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.Resources;
import dev.tenon.api.TenonException;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PostgresqlParametersIT {
    private final PostgresqlEngine engine = new PostgresqlEngine();

    static Stream<String> versions() {
        return TestSoftware.versions();
    }

    /** Values around each rule: units, fractions, rounding, bases, bounds, words, truth values. */
    private static final Map<String, List<String>> PROBES = Map.of(
            "work_mem",
            List.of(
                    "4MB",
                    "64",
                    "63",
                    "63kB",
                    "65535B",
                    "65536B",
                    "1.5MB",
                    "0.5GB",
                    "1e3",
                    "1 MB",
                    " 4096 ",
                    "4mb",
                    "4 KB",
                    "4k",
                    "0x100",
                    "0100",
                    "08",
                    "4096.4",
                    "4096.6",
                    "2147483647",
                    "2147483648",
                    "2TB",
                    "-1",
                    "",
                    "MB",
                    "4M",
                    "4MBx",
                    "4 M B",
                    "NaN",
                    "Infinity",
                    "1e400",
                    "30.1GB",
                    "+64"),
            "statement_timeout",
            List.of(
                    "0", "10", "10s", "1.5s", "1min", "2h", "1d", "24d", "25d", "1us", "499us", "501us", "1500us", "-1",
                    "10S", "1m", "5 min", "0.1ms"),
            "random_page_cost",
            List.of("1.1", "0", "-0.1", "1e2", "4kB", "0x1F", "1.79769e+308", "1e309", ".5", "5.", "abc"),
            "vacuum_cost_delay",
            List.of("2", "1.5", "100us", "2ms", "0.05s", "101", "-1", "1min"),
            "enable_seqscan",
            List.of("on", "OFF", "tru", "f", "0", "1", "ye", "n", "o", "of", "2", "", "enabled"),
            "bytea_output",
            List.of("hex", "ESCAPE", "esc", "", "hex "),
            "default_statistics_target",
            List.of("1", "0", "10000", "10001", "100kB", "1e2", "99.5", "100.5"),
            "temp_buffers",
            List.of("8MB", "100", "800kB", "1MB", "99", "805kB", "12kB"),
            "DateStyle",
            List.of("ISO, DMY"));

    @ParameterizedTest
    @MethodSource("versions")
    void check_ofEveryProbe_agreesWithTheServer(String version) throws Exception {
        ParameterCatalogue catalogue = engine.parameters(version, argv -> TestServer.tool(version, argv));
        EngineRequest request = Requests.ephemeral(version).build();
        List<String> differences = new ArrayList<>();
        try (TestServer server = TestServer.start(engine.workloads(request).get(0));
                Connection connection = connect(request, server)) {
            for (Map.Entry<String, List<String>> probe : new TreeMap<>(PROBES).entrySet()) {
                for (String value : probe.getValue()) {
                    String ours = ours(catalogue, probe.getKey(), value);
                    String theirs = theirs(connection, probe.getKey(), value);
                    if (!ours.equals(theirs)) {
                        differences.add(probe.getKey() + "=" + value + ": ours " + ours + ", theirs " + theirs);
                    }
                }
            }
        }
        assertThat(differences).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void catalogue_agreesWithTheServersOwnView(String version) throws Exception {
        Map<String, Parameter> parameters = engine.parameters(version, argv -> TestServer.tool(version, argv))
                .parameters();
        assertThat(parameters).hasSizeGreaterThan(290);
        assertThat(requireNonNull(parameters.get("shared_buffers")).defaultValue())
                .isEqualTo("128MB");
        assertThat(requireNonNull(parameters.get("shared_buffers")).restart()).isTrue();
        assertThat(requireNonNull(parameters.get("work_mem")).restart()).isFalse();
        assertThat(parameters.values()).allSatisfy(p -> {
            if (p.type() == Parameter.Type.ENUM) {
                assertThat(p.allowed()).as(p.name()).isNotEmpty();
            }
        });
        EngineRequest request = Requests.ephemeral(version).build();
        try (TestServer server = TestServer.start(engine.workloads(request).get(0));
                Connection connection = connect(request, server);
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT name, unit, context, min_val, max_val, array_to_string(enumvals, ',') FROM pg_settings");
                ResultSet row = statement.executeQuery()) {
            int compared = 0;
            while (row.next()) {
                Parameter parameter = parameters.get(row.getString(1));
                if (parameter == null) {
                    continue;
                }
                compared++;
                assertThat(parameter.unit()).as(parameter.name()).isEqualTo(Optional.ofNullable(row.getString(2)));
                assertThat(parameter.restart())
                        .as(parameter.name())
                        .isEqualTo(row.getString(3).equals("postmaster"));
                assertThat(String.join(",", parameter.allowed()))
                        .as(parameter.name())
                        .isEqualTo(Optional.ofNullable(row.getString(6)).orElse(""));
            }
            assertThat(compared).isGreaterThan(290);
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void check_whatThePlatformOwns_isForbidden(String version) {
        ParameterCatalogue catalogue = engine.parameters(version, argv -> TestServer.tool(version, argv));
        for (String name : List.of(
                "archive_command",
                "archive_library",
                "restore_command",
                "archive_cleanup_command",
                "recovery_end_command",
                "ssl",
                "ssl_key_file",
                "ssl_cert_file",
                "ssl_ciphers",
                "ssl_passphrase_command",
                "hba_file",
                "ident_file",
                "config_file",
                "data_directory",
                "external_pid_file",
                "local_preload_libraries",
                "session_preload_libraries",
                "shared_preload_libraries",
                "dynamic_library_path",
                "jit_provider",
                "krb_server_keyfile",
                "log_directory",
                "log_filename",
                "logging_collector",
                "log_destination",
                "port",
                "listen_addresses",
                "unix_socket_directories",
                "unix_socket_group",
                "unix_socket_permissions",
                "primary_conninfo",
                "synchronous_standby_names",
                "wal_level",
                "fsync",
                "full_page_writes",
                "hot_standby",
                "max_wal_senders",
                "password_encryption",
                "temp_file_limit",
                "allow_system_table_mods",
                "zero_damaged_pages",
                "ignore_checksum_failure",
                "cluster_name",
                "event_source",
                "syslog_ident",
                "bonjour",
                "wal_log_hints")) {
            assertThatThrownBy(() -> catalogue.check(name, "x"))
                    .as(name)
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAM_FORBIDDEN));
        }
        for (String unknown : List.of("no_such", "work_mem; --", "Work_Mem", "", "a.b")) {
            assertThatThrownBy(() -> catalogue.check(unknown, "1"))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID));
        }
        assertThatThrownBy(() -> catalogue.check("log_line_prefix", "on'\nshared_preload_libraries='x"))
                .isInstanceOf(TenonException.class);
        assertThatThrownBy(() -> catalogue.check("search_path", "public'\nshared_preload_libraries='x"))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID));
    }

    /** The server itself says how much shared memory it takes; the proof must not say less. */
    @ParameterizedTest
    @MethodSource("versions")
    void sizing_sharedMemoryAndStart_asProven(String version) {
        for (String memory : List.of("128MiB", "1GiB")) {
            Resources resources = Resources.of(2, DataSize.parse(memory), DataSize.gib(2));
            EngineRequest request =
                    Requests.durable(version).resources(resources).build();
            Sizing sizing = engine.sizing(version, resources, Map.of());
            try (TestServer server = TestServer.start(engine.workloads(request).get(0));
                    EngineSession session = engine.connect(request, server.admin(), Duration.ofSeconds(10))) {
                Map<String, String> settings = session.settings();
                Matcher proven =
                        Pattern.compile("shared memory ([0-9.]+)MiB").matcher(String.join("\n", sizing.proof()));
                assertThat(proven.find()).isTrue();
                double seen = megabytes(requireNonNull(settings.get("shared_memory_size")));
                assertThat(seen).isLessThanOrEqualTo(Double.parseDouble(proven.group(1)));
                Map<String, ServerSetting> known = ServerSettings.of(PostgresqlVersion.of(version));
                sizing.settings().forEach(s -> assertThat(settings)
                        .as(s.name())
                        .containsEntry(
                                s.name(), requireNonNull(known.get(s.name())).canonical(s.value())));
                assertThat(session.pendingRestart()).isEmpty();
            }
        }
    }

    private static double megabytes(String shown) {
        return shown.endsWith("GB")
                ? 1024 * Double.parseDouble(shown.replace("GB", ""))
                : Double.parseDouble(shown.replace("MB", ""));
    }

    private Connection connect(EngineRequest request, TestServer server) {
        return new PlatformConnections(PostgresqlVersion.of(request.version()), server.admin(), Duration.ofSeconds(10))
                .open("template1");
    }

    private static String ours(ParameterCatalogue catalogue, String name, String value) {
        try {
            return catalogue.check(name, value);
        } catch (TenonException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID);
            return "refused";
        }
    }

    private static String theirs(Connection connection, String name, String value) {
        try (PreparedStatement statement = connection.prepareStatement("SELECT set_config(?, ?, false)")) {
            statement.setString(1, name);
            statement.setString(2, value);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        } catch (SQLException e) {
            return "refused";
        }
    }
}

package dev.tenon.engine.postgresql;

import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.engine.postgresql.replication.BackupStream;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDescription;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.engine.SoftwareTool;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** PostgreSQL 14 to 18. Thread-safe. */
public final class PostgresqlEngine implements EngineDriver {
    private static final Logger log = LoggerFactory.getLogger(PostgresqlEngine.class);
    /** {@code DB_SHUTDOWNED} of pg_control.h. */
    private static final long SHUT_DOWN = 1;

    private static final EngineDescription DESCRIPTION = new EngineDescription(
            EngineId.POSTGRESQL,
            "PostgreSQL",
            PostgresqlVersion.newestFirst(),
            Set.of(TopologyKind.SINGLE, TopologyKind.PRIMARY_STANDBY, TopologyKind.READ_WRITE_SPLIT),
            true);

    /** Creates the driver. */
    public PostgresqlEngine() {}

    @Override
    public EngineDescription describe() {
        return DESCRIPTION;
    }

    @Override
    public ParameterCatalogue parameters(String version, SoftwareTool tool) {
        return PostgresqlParameters.read(
                PostgresqlVersion.of(version), tool.run(List.of("postgres", "--describe-config")));
    }

    @Override
    public Sizing sizing(String version, Resources resources, Map<String, String> parameters) {
        return PostgresqlSizing.durable(PostgresqlVersion.of(version), resources, new TreeMap<>(parameters));
    }

    @Override
    public Sizing ephemeralSizing(String version, Resources resources, Map<String, String> parameters) {
        return PostgresqlSizing.ephemeral(PostgresqlVersion.of(version), resources, new TreeMap<>(parameters));
    }

    @Override
    public Set<String> secretsNeeded() {
        return Set.of(Members.REPLICATION);
    }

    @Override
    public Set<Grant> grants(String version) {
        return PostgresqlVersion.of(version).createRoleIsSafe()
                ? Set.of(Grant.values())
                : EnumSet.complementOf(EnumSet.of(Grant.CREATE_ACCOUNT));
    }

    @Override
    public void check(String version, Topology topology, boolean ephemeral) {
        EngineDriver.super.check(version, topology, ephemeral);
        if (topology.standbys() == 0) {
            return;
        }
        if (ephemeral) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "topology",
                    "an ephemeral instance writes no log that standbys could follow");
        }
        if (!PostgresqlVersion.of(version).atLeast(PostgresqlVersion.V15)) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "topology",
                    "standbys need PostgreSQL 15, whose base backups are one stream");
        }
    }

    @Override
    public List<MemberWorkload> workloads(EngineRequest request) {
        PostgresqlVersion version = PostgresqlVersion.of(request.version());
        check(request.version(), request.topology(), request.ephemeral());
        Map<String, String> settings = settings(request, version);
        Map<String, String> following = new LinkedHashMap<>(settings);
        if (!request.atLeast().isEmpty()) {
            // What it has enough of is said as for a primary: the server takes a line that comes or goes for a change.
            Map<String, String> most = standbysNeed(request.version(), List.of(settings, request.atLeast()));
            most.entrySet()
                    .removeAll(
                            standbysNeed(request.version(), List.of(settings)).entrySet());
            following.putAll(most);
        }
        return Members.names(request).stream()
                .map(name -> Members.member(request, version, settings, following, name))
                .toList();
    }

    /** All that the configuration file says, in writing order. */
    private static Map<String, String> settings(EngineRequest request, PostgresqlVersion version) {
        Map<String, String> parameters = new TreeMap<>(request.parameters());
        Sizing sizing = request.ephemeral()
                ? PostgresqlSizing.ephemeral(version, request.resources(), parameters)
                : PostgresqlSizing.durable(version, request.resources(), parameters);
        Map<String, String> settings = new LinkedHashMap<>();
        sizing.settings().forEach(setting -> settings.put(setting.name(), setting.value()));
        settings.put("ssl", request.tls().isPresent() ? "on" : "off");
        if (request.tls().isPresent()) {
            settings.put("ssl_min_protocol_version", "TLSv1.2");
        }
        if (version.atLeast(PostgresqlVersion.V17)) {
            settings.put("allow_alter_system", "off");
        }
        settings.put("cluster_name", request.instance().value());
        if (request.topology().standbys() > 0) {
            // A connection that is gone without a word is noticed and made again before anybody waits for long.
            settings.put("wal_sender_timeout", "10s");
            // Half of it after the last word, a receiver asks for one: so a primary that nobody writes to is heard,
            // also
            // when the control plane does not reach it, and is not taken for lost.
            settings.put("wal_receiver_timeout", "2s");
        }
        return settings;
    }

    @Override
    public InputStream copy(EngineRequest request, AdminAddress address) {
        return BackupStream.open(
                address,
                AccessFiles.PLATFORM_ROLE,
                "tenon-" + request.instance().value());
    }

    /**
     * The control file begins with the system identifier, versions and state; the position of the last checkpoint is at byte 32. After
     * a clean stop that is the last record there is.
     */
    @Override
    public Command endOfLog() {
        return Command.of(
                Duration.ofSeconds(10),
                Template.text("/usr/bin/od"),
                Template.text("-A"),
                Template.text("n"),
                Template.text("-t"),
                Template.text("u8"),
                Template.text("-N"),
                Template.text("40"),
                Template.path(Members.DATA, "global/pg_control"));
    }

    @Override
    public OptionalLong endOfLog(String printed) {
        List<Long> words = Pattern.compile("\\s+")
                .splitAsStream(printed.strip())
                .map(Long::parseUnsignedLong)
                .toList();
        boolean clean = words.size() == 5 && (words.get(2) & 0xFFFF_FFFFL) == SHUT_DOWN;
        return clean ? OptionalLong.of(words.get(4)) : OptionalLong.empty();
    }

    @Override
    public Set<String> restartNeeded(String version, Map<String, String> before, Map<String, String> after) {
        Map<String, ServerSetting> known = ServerSettings.of(PostgresqlVersion.of(version));
        Set<String> names = new HashSet<>(before.keySet());
        names.addAll(after.keySet());
        names.removeIf(name -> {
            ServerSetting setting = known.get(name);
            return setting == null
                    || !setting.restart()
                    || inForce(setting, before).equals(inForce(setting, after));
        });
        return names;
    }

    @Override
    public Map<String, String> standbysNeed(String version, List<Map<String, String>> settings) {
        Map<String, ServerSetting> known = ServerSettings.of(PostgresqlVersion.of(version));
        Map<String, String> greatest = new TreeMap<>();
        for (String name : Members.AS_MUCH) {
            ServerSetting setting = Objects.requireNonNull(known.get(name));
            settings.stream()
                    .map(each -> inForce(setting, each))
                    .max(Comparator.comparingDouble(setting::number))
                    .ifPresent(value -> greatest.put(name, value));
        }
        return greatest;
    }

    private static String inForce(ServerSetting setting, Map<String, String> settings) {
        return setting.canonical(settings.getOrDefault(setting.name(), setting.builtIn()));
    }

    @Override
    public EngineSession connect(EngineRequest request, AdminAddress address, Duration timeout) {
        PostgresqlVersion version = PostgresqlVersion.of(request.version());
        return new PostgresqlSession(
                version,
                new PlatformConnections(version, address, timeout),
                request.ephemeral(),
                Optional.ofNullable(request.secrets().get(Members.REPLICATION)));
    }

    /** A connection to nobody loads all that a connection needs until somebody answers. */
    @Override
    public void warmUp() {
        PostgresqlVersion version = PostgresqlVersion.V17;
        AdminAddress nobody = new AdminAddress.Unix(Path.of("/nonexistent/.s.PGSQL.1"));
        ServerSettings.of(version);
        log.trace(
                "{}",
                ScramVerifier.of(Secret.of("warm-up"), new byte[ScramVerifier.SALT_LENGTH], ScramVerifier.ITERATIONS));
        try {
            new PlatformConnections(version, nobody, Duration.ofSeconds(1))
                    .open("postgres")
                    .close();
        } catch (ProviderException | SQLException e) {
            log.trace("nobody answers, as meant", e);
        }
    }

    @Override
    public ConnectionInfo connection(EngineRequest request, ClientEndpoint endpoint, String database, String user) {
        return ClientConnections.describe(request, endpoint, database, user);
    }
}

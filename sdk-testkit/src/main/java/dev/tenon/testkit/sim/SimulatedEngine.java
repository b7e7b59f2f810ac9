package dev.tenon.testkit.sim;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDescription;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.engine.SoftwareTool;
import dev.tenon.spi.engine.Stance;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A database engine that exists in a {@link SimulatedPlace} only: a small parameter catalogue, accounts, databases and sessions
 * kept in its member's data. Its parameters are of every type, some need a restart, some are forbidden to tenants.
 */
public final class SimulatedEngine implements EngineDriver {
    /** Its name. */
    public static final EngineId SIMDB = new EngineId("simdb");

    /** Its versions, newest first. */
    public static final List<String> VERSIONS = List.of("2", "1");

    /** What {@link #parameters} asks the software. */
    static final List<String> DESCRIBE = List.of("simdb", "--describe-parameters");

    /** What the software answers: name, type, unit, min, max, words, default, restart, access. */
    static final String PARAMETERS_TEXT = """
            buffer_size|INTEGER|MiB|8|4194304||64|true|TENANT
            max_sessions|INTEGER||1|10000||50|true|TENANT
            work_size|INTEGER|kB|64|1048576||1024|false|TENANT
            checkpoint_seconds|INTEGER|s|30|86400||300|false|TENANT
            cost_factor|REAL||0|100||1.5|false|TENANT
            log_level|ENUM||||debug,info,warning,error|info|false|TENANT
            fast_commit|BOOLEAN|||||off|false|TENANT
            greeting|STRING||||||false|TENANT
            archive_command|STRING||||||false|FORBIDDEN
            data_directory|STRING||||||true|FORBIDDEN
            ssl_key_file|STRING||||||false|FORBIDDEN
            """;

    static final String CONFIG = "config";
    static final String RESTART_FILE = "restart.conf";
    static final String RELOAD_FILE = "reload.conf";
    static final String ACCESS_FILE = "access.conf";
    static final String FOLLOW_FILE = "follow.conf";
    static final String STANCE_FILE = "stance.conf";
    static final String PASSWORD_FILE = "platform.password";
    static final String DATABASE_PORT = "db";
    static final String PLATFORM = "platform";

    private static final Map<String, Parameter> PARAMETERS = parse(PARAMETERS_TEXT);

    private final SimulatedPlace place;
    private final boolean tls;

    private SimulatedEngine(SimulatedPlace place, boolean tls) {
        this.place = place;
        this.tls = tls;
    }

    /** Returns a driver that reaches members of a place, whose servers want certificates. */
    public static SimulatedEngine on(SimulatedPlace place) {
        return new SimulatedEngine(place, true);
    }

    /** Returns the same driver for servers that want no certificates. */
    public SimulatedEngine withoutTls() {
        return new SimulatedEngine(place, false);
    }

    @Override
    public EngineDescription describe() {
        return new EngineDescription(
                SIMDB, "Simulated database", VERSIONS, Set.of(TopologyKind.SINGLE, TopologyKind.PRIMARY_STANDBY), tls);
    }

    @Override
    public ParameterCatalogue parameters(String version, SoftwareTool tool) {
        known(version);
        return new SimulatedParameters(parse(tool.run(DESCRIBE)));
    }

    @Override
    public Sizing sizing(String version, Resources resources, Map<String, String> parameters) {
        known(version);
        long memory = resources.memory().toMib();
        Map<String, Sizing.Setting> settings = new LinkedHashMap<>();
        put(settings, "buffer_size", Long.toString(Math.max(8, memory / 4)), "a quarter of the memory");
        long sessions = Math.min(10_000, Math.max(10, memory / 16));
        put(settings, "max_sessions", Long.toString(sessions), "one for each 16 MiB of memory");
        put(settings, "work_size", "1024", "small, because every session may use it");
        new TreeMap<>(parameters).forEach((name, value) -> put(settings, name, value, "set by the user"));
        long buffers = number(settings, "buffer_size") << 20;
        long work = number(settings, "max_sessions") * (number(settings, "work_size") << 10);
        DataSize worst = DataSize.bytes(Math.addExact(buffers, work));
        if (worst.compareTo(resources.memory()) > 0) {
            throw new InvalidSpecException(
                    ErrorCode.PARAMETER_INVALID,
                    "parameters",
                    "the worst case " + worst + " is more than the memory " + resources.memory());
        }
        return new Sizing(
                List.copyOf(settings.values()),
                worst,
                List.of("buffer_size " + buffers, "max_sessions x work_size " + work));
    }

    @Override
    public Set<String> secretsNeeded() {
        return Set.of(PLATFORM);
    }

    @Override
    public List<MemberWorkload> workloads(EngineRequest request) {
        known(request.version());
        check(request.version(), request.topology(), request.ephemeral());
        List<String> names = names(request);
        return names.stream().map(name -> workload(request, name, names)).toList();
    }

    /** The primary first: the members there are, then as many as the topology lacks. */
    private static List<String> names(EngineRequest request) {
        int wanted = 1 + request.topology().standbys();
        List<String> names =
                new ArrayList<>(request.members().stream().limit(wanted).toList());
        for (int number = 1; names.size() < wanted; number++) {
            if (!names.contains("m-" + number)) {
                names.add("m-" + number);
            }
        }
        return names;
    }

    private static Stance stance(EngineRequest request, String name, List<String> names) {
        Stance given = request.stances().get(name);
        if (given != null) {
            return given;
        }
        return name.equals(names.get(0))
                ? new Stance(0, EngineSession.Role.PRIMARY, Optional.empty(), Set.of(), 0)
                : new Stance(0, EngineSession.Role.STANDBY, Optional.of(names.get(0)), Set.of(), 0);
    }

    @Override
    public Command endOfLog() {
        return Command.of(Duration.ofSeconds(1), Template.text("simdb-end"));
    }

    /** Every position is the same in a simulated log, and every stop is clean. */
    @Override
    public OptionalLong endOfLog(String printed) {
        return OptionalLong.of(1);
    }

    /** Begins a copy: a tar archive with the name of the member it is of, which is all a simulated place needs. */
    @Override
    public InputStream copy(EngineRequest request, AdminAddress address) {
        try (EngineSession session = connect(request, address, Duration.ofSeconds(1))) {
            return ((SimulatedSession) session).copy();
        }
    }

    private MemberWorkload workload(EngineRequest request, String name, List<String> names) {
        Set<String> others = new TreeSet<>(names);
        others.remove(name);
        Stance stance = stance(request, name, names);
        boolean leads = stance.role() == EngineSession.Role.PRIMARY;
        StringBuilder restart = new StringBuilder();
        StringBuilder reload = new StringBuilder();
        for (Sizing.Setting setting : sizing(request.version(), request.resources(), request.parameters())
                .settings()) {
            Parameter parameter = Objects.requireNonNull(PARAMETERS.get(setting.name()));
            (parameter.restart() ? restart : reload)
                    .append(setting.name())
                    .append('=')
                    .append(setting.value())
                    .append('\n');
        }
        StringBuilder access = new StringBuilder();
        request.whitelist().forEach(cidr -> access.append(cidr).append('\n'));
        Secret password = request.secrets().get(PLATFORM);
        if (password == null) {
            throw new InvalidSpecException("secrets", "no " + PLATFORM);
        }
        MemberWorkload.Builder member = MemberWorkload.builder();
        if (leads) {
            member.addInitialise(new InitialiseStep(
                    "init",
                    Command.of(
                            Duration.ofSeconds(30),
                            Template.text("simdb-init"),
                            Template.of(new Template.DirectoryPath("data"))),
                    "data",
                    "VERSION",
                    true));
        } else {
            member.addFilled("data")
                    .addFiles(
                            text(FOLLOW_FILE, new StringBuilder(stance.source().orElse("")), FileSpec.OnChange.RELOAD));
        }
        member.addFiles(
                text(STANCE_FILE, new StringBuilder(Long.toString(stance.revision())), FileSpec.OnChange.RELOAD));
        return member.ref(new MemberRef(request.tenant(), request.instance(), name))
                .software(new Software(SIMDB, request.version()))
                .addDirectories(
                        new Directory(
                                "data",
                                Directory.Purpose.DATA,
                                Optional.of(request.resources().storage())),
                        new Directory(CONFIG, Directory.Purpose.CONFIG, Optional.empty()))
                .addFiles(
                        text(RESTART_FILE, restart, FileSpec.OnChange.RESTART),
                        text(RELOAD_FILE, reload, FileSpec.OnChange.RELOAD),
                        text(ACCESS_FILE, access, FileSpec.OnChange.RELOAD),
                        new FileSpec(
                                CONFIG,
                                PASSWORD_FILE,
                                Template.text(password.reveal(p -> p)),
                                0600,
                                true,
                                FileSpec.OnChange.NOTHING))
                .addProcesses(new ProcessSpec(
                        "simdb",
                        List.of(Template.text("simdb"), Template.of(new Template.PortNumber(DATABASE_PORT))),
                        Map.of(),
                        Stop.signal("TERM", Duration.ofSeconds(10)),
                        false))
                .reload(Stop.signal("HUP", Duration.ZERO))
                .addPorts(new Port(DATABASE_PORT, OptionalInt.of(7_000), Port.Exposure.CLIENTS))
                .addAdminRoutes(new AdminRoute.TcpPort(DATABASE_PORT))
                .resources(request.resources())
                .ready(new Probe.PortOpen(DATABASE_PORT))
                .placement(new Placement(request.zone(), others))
                .startOrder(leads ? 1 : 2)
                .ephemeral(request.ephemeral())
                .putLabels("instance", request.name())
                .build();
    }

    @Override
    public Set<String> restartNeeded(String version, Map<String, String> before, Map<String, String> after) {
        known(version);
        Set<String> changed = new TreeSet<>(before.keySet());
        changed.addAll(after.keySet());
        changed.removeIf(name -> {
            Parameter parameter = PARAMETERS.get(name);
            return parameter == null
                    || !parameter.restart()
                    || Objects.equals(
                            before.getOrDefault(name, parameter.defaultValue()),
                            after.getOrDefault(name, parameter.defaultValue()));
        });
        return changed;
    }

    @Override
    public EngineSession connect(EngineRequest request, AdminAddress address, Duration timeout) {
        if (!(address instanceof AdminAddress.Tcp tcp)) {
            throw new ProviderException(ErrorCode.UNSUPPORTED, "simdb is administered through its port");
        }
        place.pass("connect");
        SimulatedMember m = place.at(tcp.host(), tcp.port())
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, "nothing listens on " + tcp.host() + ":" + tcp.port()));
        return SimulatedSession.open(place, m, request);
    }

    @Override
    public ConnectionInfo connection(EngineRequest request, ClientEndpoint endpoint, String database, String user) {
        String address = endpoint.host() + ":" + endpoint.port() + "/" + database;
        return new ConnectionInfo(
                "jdbc:simdb://" + address,
                "simdb://" + user + "@" + address,
                Map.of("simdb", "simdb --user " + user + " " + address),
                password -> new SimulatedDataSource(place, endpoint, user, password));
    }

    static String platformPassword(Map<String, SimulatedMember.StoredFile> files) {
        SimulatedMember.StoredFile file = files.get(CONFIG + "/" + PASSWORD_FILE);
        return file == null ? "" : file.content();
    }

    /** Returns the lines of a file of the configuration; none if it is not there. */
    static List<String> lines(Map<String, SimulatedMember.StoredFile> files, String name) {
        SimulatedMember.StoredFile file = files.get(CONFIG + "/" + name);
        return file == null ? List.of() : file.content().lines().toList();
    }

    static Map<String, String> settings(Map<String, SimulatedMember.StoredFile> files, String name) {
        Map<String, String> settings = new TreeMap<>();
        SimulatedMember.StoredFile file = files.get(CONFIG + "/" + name);
        if (file != null) {
            file.content().lines().forEach(line -> {
                int at = line.indexOf('=');
                settings.put(line.substring(0, at), line.substring(at + 1));
            });
        }
        return settings;
    }

    private static FileSpec text(String path, StringBuilder content, FileSpec.OnChange onChange) {
        return new FileSpec(CONFIG, path, Template.text(content.toString()), 0600, false, onChange);
    }

    private static void put(Map<String, Sizing.Setting> settings, String name, String value, String reason) {
        settings.put(name, new Sizing.Setting(name, value, reason));
    }

    private static long number(Map<String, Sizing.Setting> settings, String name) {
        return Long.parseLong(Objects.requireNonNull(settings.get(name)).value());
    }

    private static void known(String version) {
        if (!VERSIONS.contains(version)) {
            throw new InvalidSpecException(
                    ErrorCode.VERSION_UNKNOWN, "version", version + "; simdb has " + String.join(", ", VERSIONS));
        }
    }

    private static Map<String, Parameter> parse(String text) {
        Map<String, Parameter> parameters = new TreeMap<>();
        text.lines().forEach(line -> {
            String[] f = line.split("\\|", -1);
            parameters.put(
                    f[0],
                    new Parameter(
                            f[0],
                            Parameter.Type.valueOf(f[1]),
                            present(f[2]),
                            present(f[3]),
                            present(f[4]),
                            f[5].isEmpty() ? List.of() : List.of(f[5].split(",", -1)),
                            f[6],
                            Boolean.parseBoolean(f[7]),
                            Parameter.Access.valueOf(f[8]),
                            "Simulated",
                            "A parameter of the simulated database."));
        });
        return Map.copyOf(parameters);
    }

    private static Optional<String> present(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }
}

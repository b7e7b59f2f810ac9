package dev.tenon.samples;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.h2.jdbcx.JdbcDataSource;

/**
 * An engine from scratch: H2 as a server. An instance is one file with schemas as its databases. The software is a directory with a
 * program {@code bin/h2}, which starts the {@code java} command with H2 on its class path. Thread-safe.
 *
 * @see <a href="https://h2database.com/html/commands.html">H2: commands</a>
 */
public final class H2Engine implements EngineDriver {
    /** Its name. */
    public static final EngineId H2 = new EngineId("h2");

    static final String PLATFORM = "TENON";
    static final Set<Grant> GRANTS = Set.of(Grant.READ, Grant.WRITE);

    private static final String VERSION = "2.4";
    private static final String DATA = "data";
    private static final String PORT = "h2";
    private static final String FILE = "instance";
    private static final int METASPACE = 48;
    private static final int CODE = 32;
    private static final int REST = 80;
    /** What tenants may set, up to what; to the server all of them are properties of its virtual machine. */
    private static final Map<String, Integer> GREATEST = Map.of(
            "ANALYZE_AUTO",
            1_000_000,
            "ANALYZE_SAMPLE",
            1_000_000,
            "LOB_TIMEOUT",
            3_600_000,
            "QUERY_CACHE_SIZE",
            1_024);

    private static final Pattern SETTING = Pattern.compile("([A-Z_]+)=(.*)");

    @Override
    public EngineDescription describe() {
        return new EngineDescription(H2, "H2", List.of(VERSION), Set.of(TopologyKind.SINGLE), false);
    }

    /** H2 lets the owner of a schema change what is in it, or who may create and drop every schema; nothing in between. */
    @Override
    public Set<Grant> grants(String version) {
        return GRANTS;
    }

    @Override
    public ParameterCatalogue parameters(String version, SoftwareTool tool) {
        known(version);
        Map<String, Parameter> parameters = new TreeMap<>();
        tool.run(List.of(
                        "h2",
                        "org.h2.tools.Shell",
                        "-url",
                        "jdbc:h2:mem:",
                        "-sql",
                        "SELECT SETTING_NAME || '=' || COALESCE(SETTING_VALUE, '') FROM INFORMATION_SCHEMA.SETTINGS"))
                .lines()
                .map(line -> SETTING.matcher(line.strip()))
                .filter(Matcher::matches)
                .forEach(line -> parameters.put(line.group(1), parameter(line.group(1), line.group(2))));
        return new Catalogue(Map.copyOf(parameters));
    }

    private static Parameter parameter(String name, String value) {
        Optional<Integer> most = Optional.ofNullable(GREATEST.get(name));
        return new Parameter(
                name,
                most.isPresent() ? Parameter.Type.INTEGER : Parameter.Type.STRING,
                Optional.empty(),
                most.map(any -> "0"),
                most.map(Object::toString),
                List.of(),
                value,
                true,
                most.isPresent() ? Parameter.Access.TENANT : Parameter.Access.FORBIDDEN,
                "Settings",
                "See DbSettings in H2's Javadoc.");
    }

    private record Catalogue(Map<String, Parameter> parameters) implements ParameterCatalogue {
        @Override
        public String check(String name, String value) {
            Parameter parameter = parameters.get(name);
            if (parameter == null) {
                throw new InvalidSpecException(ErrorCode.PARAMETER_INVALID, name, "H2 has no such parameter");
            }
            if (parameter.access() == Parameter.Access.FORBIDDEN) {
                throw new InvalidSpecException(ErrorCode.PARAM_FORBIDDEN, name, "is the platform's to set");
            }
            int most = Objects.requireNonNull(GREATEST.get(name));
            if (!value.matches("[0-9]{1,9}") || Integer.parseInt(value) > most) {
                throw new InvalidSpecException(ErrorCode.PARAMETER_INVALID, name, "expected 0 to " + most);
            }
            return Integer.toString(Integer.parseInt(value));
        }
    }

    // begin
    /** All that parameters fill lies in the heap, so none of them can break the proof. */
    @Override
    public Sizing sizing(String version, Resources resources, Map<String, String> parameters) {
        known(version);
        long heap = heap(resources);
        Map<String, Sizing.Setting> settings = new LinkedHashMap<>();
        settings.put(
                "QUERY_CACHE_SIZE",
                new Sizing.Setting(
                        "QUERY_CACHE_SIZE", heap < 512 ? "8" : "32", "few statements where memory is small"));
        new TreeMap<>(parameters)
                .forEach((name, value) -> settings.put(name, new Sizing.Setting(name, value, "set by the user")));
        return new Sizing(
                List.copyOf(settings.values()),
                DataSize.mib(heap + METASPACE + CODE + REST),
                List.of(
                        "heap " + heap + " MiB",
                        "classes " + METASPACE + " MiB",
                        "compiled code " + CODE + " MiB",
                        "the virtual machine and 64 sessions' stacks " + REST + " MiB; H2 does not limit sessions"));
    }

    private static long heap(Resources resources) {
        long heap = resources.memory().toMib() - METASPACE - CODE - REST;
        if (heap < 32) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID, "memory", resources.memory() + "; H2 needs 192 MiB or more");
        }
        return heap;
    }

    @Override
    public Set<String> secretsNeeded() {
        return Set.of(PLATFORM);
    }

    @Override
    public List<MemberWorkload> workloads(EngineRequest request) {
        known(request.version());
        check(request.version(), request.topology(), request.ephemeral());
        return List.of(MemberWorkload.builder()
                .ref(new MemberRef(request.tenant(), request.instance(), "m-1"))
                .software(new Software(H2, request.version()))
                .addDirectories(new Directory(
                        DATA,
                        Directory.Purpose.DATA,
                        Optional.of(request.resources().storage())))
                .addInitialise(new InitialiseStep("create", create(request), DATA, FILE + ".made", false))
                // Beside the data, where the server can be asked what was written for its next start.
                .addFiles(
                        new FileSpec(DATA, FILE + ".args", arguments(request), 0600, false, FileSpec.OnChange.RESTART))
                .addProcesses(new ProcessSpec(
                        "h2",
                        List.of(
                                Template.text("h2"),
                                Template.of("@", new Template.DirectoryPath(DATA), "/" + FILE + ".args")),
                        Map.of(),
                        Stop.signal("TERM", Duration.ofSeconds(60)),
                        true))
                .addPorts(new Port(PORT, OptionalInt.of(9092), Port.Exposure.CLIENTS))
                .addAdminRoutes(new AdminRoute.TcpPort(PORT))
                .resources(request.resources())
                .ready(new Probe.PortOpen(PORT))
                .ephemeral(request.ephemeral())
                .build());
    }

    /** Makes the file where no client is yet; the last statement leaves the mark that it is whole. */
    private static Command create(EngineRequest request) {
        byte[] salt = request.instance().value().getBytes(StandardCharsets.UTF_8);
        List<String> script = new ArrayList<>();
        script.add("ALTER USER " + H2Session.quote(PLATFORM) + " SET"
                + H2Session.password(PLATFORM, password(request), salt));
        script.add("CREATE ROLE " + H2Session.quote(H2Session.OWNER));
        GRANTS.stream().sorted().forEach(grant -> script.add("CREATE ROLE " + H2Session.role(grant)));
        script.add("SET DB_CLOSE_DELAY -1");
        script.add("CHECKPOINT SYNC");
        script.add("CALL FILE_WRITE(STRINGTOUTF8('made'), DATABASE_PATH() || '.made')");
        return new Command(
                List.of(
                        Template.text("h2"),
                        Template.text("org.h2.tools.RunScript"),
                        Template.text("-url"),
                        Template.of("jdbc:h2:", new Template.DirectoryPath(DATA), "/" + FILE),
                        Template.text("-user"),
                        Template.text(PLATFORM),
                        Template.text("-script"),
                        Template.text("/dev/stdin")),
                Map.of(),
                Optional.of(Secret.of(String.join(";\n", script) + ";\n")),
                Duration.ofSeconds(60));
    }

    /** The arguments of the {@code java} command, which it reads from a file: one place for all that needs a restart. */
    private Template arguments(EngineRequest request) {
        String settings = sizing(request.version(), request.resources(), request.parameters()).settings().stream()
                .map(setting -> "-D" + property(setting.name()) + "=" + setting.value() + "\n")
                .collect(Collectors.joining());
        return Template.of(
                settings + "-Xmx" + heap(request.resources())
                        + "m -Xss512k -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError\n"
                        + "-XX:MaxMetaspaceSize=" + METASPACE + "m -XX:ReservedCodeCacheSize=" + CODE + "m\n"
                        + "-XX:MaxDirectMemorySize=16m -Dh2.bindAddress=",
                new Template.ListenAddress(),
                "\norg.h2.tools.Server -tcp" + (open(request.whitelist()) ? " -tcpAllowOthers" : "") + " -tcpPort ",
                new Template.PortNumber(PORT),
                " -baseDir \"",
                new Template.DirectoryPath(DATA),
                "\"\n");
    }
    // end

    /** How H2 calls the property behind a setting: {@code h2.queryCacheSize}. */
    static String property(String setting) {
        StringBuilder name = new StringBuilder("h2.");
        for (String word : setting.split("_", -1)) {
            String small = word.toLowerCase(Locale.ROOT);
            name.append(name.length() == 3 ? small : word.charAt(0) + small.substring(1));
        }
        return name.toString();
    }

    /** H2 tells its own machine from all others, and knows no addresses beyond that. */
    private static boolean open(List<Cidr> whitelist) {
        if (whitelist.stream().anyMatch(Cidr::wideOpen)) {
            return true;
        }
        for (Cidr each : whitelist) {
            boolean here = each.ipv6()
                    ? each.toString().equals("::1/128")
                    : each.address().startsWith("127.") && each.prefixLength() >= 8;
            if (!here) {
                throw new InvalidSpecException(
                        ErrorCode.UNSUPPORTED,
                        "whitelist",
                        each + "; H2 lets in this machine (127.0.0.0/8) or everybody (0.0.0.0/0)");
            }
        }
        return false;
    }

    @Override
    public Set<String> restartNeeded(String version, Map<String, String> before, Map<String, String> after) {
        known(version);
        Set<String> changed = new TreeSet<>(GREATEST.keySet());
        changed.removeIf(name -> Objects.equals(before.get(name), after.get(name)));
        return changed;
    }

    @Override
    public EngineSession connect(EngineRequest request, AdminAddress address, Duration timeout) {
        if (!(address instanceof AdminAddress.Tcp tcp)) {
            throw new ProviderException(ErrorCode.UNSUPPORTED, "H2 is administered through its port");
        }
        long most = Math.max(1, Math.min(timeout.toMillis(), Integer.MAX_VALUE));
        JdbcDataSource source = new JdbcDataSource();
        source.setUrl(url(tcp.host(), tcp.port()) + ";NETWORK_TIMEOUT=" + most + ";QUERY_TIMEOUT=" + most);
        source.setUser(PLATFORM);
        source.setPassword(password(request).reveal(text -> text));
        return H2Session.open(source);
    }

    @Override
    public ConnectionInfo connection(EngineRequest request, ClientEndpoint endpoint, String database, String user) {
        String url = url(endpoint.host(), endpoint.port()) + ";SCHEMA=" + H2Session.quote(database);
        return new ConnectionInfo(
                url,
                url + ";USER=" + user,
                Map.of(
                        "java",
                        "DriverManager.getConnection(\"" + url.replace("\"", "\\\"") + "\", \"" + user
                                + "\", System.getenv(\"H2_PASSWORD\"))"),
                password -> {
                    JdbcDataSource source = new JdbcDataSource();
                    source.setUrl(url);
                    source.setUser(user);
                    source.setPassword(password.reveal(text -> text));
                    return source;
                });
    }

    private static String url(String host, int port) {
        return "jdbc:h2:tcp://" + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port + "/" + FILE;
    }

    private static Secret password(EngineRequest request) {
        return Optional.ofNullable(request.secrets().get(PLATFORM))
                .orElseThrow(() -> new IllegalStateException("the request lacks the secret " + PLATFORM));
    }

    private static void known(String version) {
        if (!version.equals(VERSION)) {
            throw new InvalidSpecException(
                    ErrorCode.VERSION_UNKNOWN, "version", version + "; this engine has " + VERSION);
        }
    }
}

package dev.tenon.engine.dm8;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.Resources;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.FileSpec.OnChange;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Port.Exposure;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.DirectoryPath;
import dev.tenon.spi.workload.Template.SoftwareHome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/** One DM8 instance: its databases {@code m-1} (the first primary), {@code m-2} … and, if guarded, its confirm monitor. */
record Dm8Group(EngineRequest request, Sizing sizing, Dm8Passwords passwords) {
    static final String DB_NAME = "DAMENG";
    static final String DM_INI = DB_NAME + "/dm.ini";
    static final String GROUP_NAME = "GRP1";
    static final String MONITOR = "monitor";

    static final String DATA = "data";
    static final String ARCHIVE = "archive";
    static final String CONFIG = "config";
    static final String LOG = "log";

    static final String SQL = "sql";
    static final String MAL = "mal";
    static final String WATCHER = "watcher";
    static final String INSTANCE_WATCHER = "inst-watcher";

    static final String STOP_SQL = "stop.sql";

    private static final Resources MONITOR_RESOURCES = Resources.of(0.2, DataSize.mib(256), DataSize.gib(1));
    private static final DataSize LOG_SIZE = DataSize.gib(1);
    private static final DataSize BIG_STORAGE = DataSize.gib(20);

    /** What of a member is there at one stage of its life. */
    enum Stage {
        /** Before it joined: no guard, the local archive only, opens by itself. */
        ALONE,
        /** Joined, but nobody watches: stays in mount state. */
        MOUNTED,
        /** As it lives: the watcher opens it. */
        JOINED
    }

    boolean guarded() {
        return request.topology().kind() == TopologyKind.PRIMARY_STANDBY;
    }

    /** Names of the members that are databases, the first primary first. */
    List<String> databases() {
        return IntStream.rangeClosed(1, request.topology().standbys() + 1)
                .mapToObj(n -> "m-" + n)
                .toList();
    }

    List<String> standbys() {
        return databases().subList(1, databases().size());
    }

    List<MemberWorkload> members() {
        var members = new ArrayList<MemberWorkload>();
        databases().forEach(member -> members.add(database(member, guarded() ? Stage.JOINED : Stage.ALONE)));
        if (guarded()) {
            members.add(monitor());
        }
        return List.copyOf(members);
    }

    /** At most 16 letters, digits and underscores, no digit first, unique in a group and, for log names, among instances. */
    String instanceName(String member) {
        String random = request.instance().value().substring(2, 12).toUpperCase(Locale.ROOT);
        return "T" + random + "_" + member.substring(member.indexOf('-') + 1);
    }

    /** One number per group, 0 to 2147483647, the same in every file and statement. */
    int oguid() {
        var crc = new CRC32();
        crc.update(request.instance().value().getBytes(StandardCharsets.US_ASCII));
        return (int) (crc.getValue() & Integer.MAX_VALUE);
    }

    /** Bounds of old builds end at 2,048, those of new ones begin at 256. */
    int redoMib() {
        return request.resources().storage().compareTo(BIG_STORAGE) < 0 ? 256 : 2048;
    }

    long archiveMib() {
        return request.resources().storage().toMib() / 5;
    }

    static Map<String, Template> environment() {
        return Map.of("LD_LIBRARY_PATH", Template.of(new SoftwareHome(), "/bin"));
    }

    MemberWorkload database(String member, Stage stage) {
        boolean joined = stage != Stage.ALONE;
        var files = new ArrayList<FileSpec>();
        files.add(new FileSpec(CONFIG, STOP_SQL, Dm8Files.stopSql(this), 0600, true, OnChange.NOTHING));
        files.add(ini("dmarch.ini", Dm8Files.dmarch(this, member, joined)));
        if (joined) {
            files.add(ini("dmmal.ini", Dm8Files.dmmal(this)));
            files.add(ini("dmwatcher.ini", Dm8Files.dmwatcher(this)));
        }
        var processes = new ArrayList<ProcessSpec>();
        processes.add(server(joined));
        if (stage == Stage.JOINED) {
            processes.add(watcher());
        }
        var ports = new ArrayList<Port>();
        ports.add(new Port(SQL, OptionalInt.of(5236), Exposure.CLIENTS));
        if (guarded()) {
            ports.add(new Port(MAL, OptionalInt.of(5336), Exposure.MEMBERS));
            ports.add(new Port(WATCHER, OptionalInt.of(5436), Exposure.MEMBERS));
            ports.add(new Port(INSTANCE_WATCHER, OptionalInt.of(5536), Exposure.MEMBERS));
        }
        DataSize archive = DataSize.mib(archiveMib());
        DataSize data = DataSize.bytes(request.resources().storage().bytes() - archive.bytes());
        return base(member)
                .addDirectories(new Directory(DATA, Directory.Purpose.DATA, Optional.of(data)))
                .addDirectories(new Directory(ARCHIVE, Directory.Purpose.DATA, Optional.of(archive)))
                .addInitialise(initialise(member))
                .files(files)
                .processes(processes)
                .ports(ports)
                .addAdminRoutes(new AdminRoute.TcpPort(SQL))
                .resources(request.resources())
                .ready(new Probe.PortOpen(SQL))
                .startOrder(0)
                .build();
    }

    private MemberWorkload monitor() {
        return base(MONITOR)
                .addFiles(
                        new FileSpec(CONFIG, "dmmonitor.ini", Dm8Files.dmmonitor(this), 0600, false, OnChange.RESTART))
                .addProcesses(new ProcessSpec(
                        "dmmonitor",
                        List.of(Template.text("dmmonitor"), Template.path(CONFIG, "dmmonitor.ini")),
                        environment(),
                        Stop.signal("TERM", Duration.ofSeconds(30)),
                        true))
                .resources(MONITOR_RESOURCES)
                .ready(new Probe.Running())
                .startOrder(1)
                .build();
    }

    private MemberWorkload.Builder base(String member) {
        Set<String> apart = new HashSet<>(guarded() ? databases() : List.of());
        if (guarded()) {
            apart.add(MONITOR);
        }
        apart.remove(member);
        return MemberWorkload.builder()
                .ref(new MemberRef(request.tenant(), request.instance(), member))
                .software(new Software(EngineId.DM8, request.version()))
                .addDirectories(new Directory(CONFIG, Directory.Purpose.CONFIG, Optional.empty()))
                .addDirectories(new Directory(LOG, Directory.Purpose.LOG, Optional.of(LOG_SIZE)))
                .putSoftwareDirectories("log", LOG)
                .placement(new Placement(request.zone(), apart))
                .ephemeral(request.ephemeral())
                .putLabels("tenon.instance", request.instance().value())
                .putLabels("tenon.tenant", request.tenant().value())
                .putLabels("tenon.engine", EngineId.DM8.value());
    }

    private InitialiseStep initialise(String member) {
        List<String> flags =
                guarded() && !member.equals("m-1") ? List.of("ARCH_FLAG", "MAL_FLAG") : List.of("ARCH_FLAG");
        return new InitialiseStep(
                "dminit",
                new Command(
                        List.of(
                                Template.text("dminit"),
                                Template.of("CONTROL=", new DirectoryPath(CONFIG), "/dminit.ini")),
                        environment(),
                        Optional.empty(),
                        Duration.ofMinutes(10),
                        Optional.of("create dm database success.")),
                DATA,
                DM_INI,
                false,
                List.of(new FileSpec(
                        CONFIG, "dminit.ini", Dm8Files.dminit(this, member, flags), 0600, true, OnChange.NOTHING)));
    }

    private static ProcessSpec server(boolean mount) {
        var argv = new ArrayList<Template>();
        argv.add(Template.text("dmserver"));
        argv.add(Template.path(DATA, DM_INI));
        if (mount) {
            argv.add(Template.text("mount"));
        }
        // Without it the server reads commands from its standard input.
        argv.add(Template.text("-noconsole"));
        return new ProcessSpec("dmserver", argv, environment(), serverStop(), true);
    }

    private static Stop serverStop() {
        // A backquote before a path is disql's own syntax for running a script; there is no shell.
        Command disql = new Command(
                List.of(
                        Template.text("disql"),
                        Template.text("/NOLOG"),
                        Template.of("`", new DirectoryPath(CONFIG), "/" + STOP_SQL)),
                environment(),
                Optional.empty(),
                Duration.ofMinutes(2));
        return Stop.command(disql, "TERM", Duration.ofMinutes(2));
    }

    private static ProcessSpec watcher() {
        return new ProcessSpec(
                "dmwatcher",
                List.of(Template.text("dmwatcher"), Template.path(DATA, DB_NAME + "/dmwatcher.ini")),
                environment(),
                Stop.signal("TERM", Duration.ofSeconds(30)),
                true);
    }

    private static FileSpec ini(String name, Template content) {
        return new FileSpec(DATA, DB_NAME + "/" + name, content, 0600, false, OnChange.RESTART);
    }
}

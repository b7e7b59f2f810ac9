package dev.tenon.engine.dm8;

import static dev.tenon.engine.dm8.Dm8Requests.file;
import static dev.tenon.engine.dm8.Dm8Requests.fileSpec;
import static dev.tenon.engine.dm8.Dm8Requests.line;
import static dev.tenon.engine.dm8.Dm8Requests.request;
import static dev.tenon.engine.dm8.Dm8Requests.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.Resources;
import dev.tenon.api.Topology;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A single DM8 server, each piece with the manual it rests on. */
class Dm8SingleTest {
    private final Dm8Engine engine = new Dm8Engine();
    private final EngineRequest request = request(Topology.single()).build();
    private final MemberWorkload server = engine.workloads(request).get(0);

    @Test
    void single_isOneMember() {
        assertThat(engine.workloads(request)).hasSize(1);
        assertThat(server.ref().member()).isEqualTo("m-1");
        assertThat(server.software()).isEqualTo(new Software(EngineId.DM8, "8"));
        assertThat(server.placement().apartFrom()).isEmpty();
    }

    // System administrator's manual, layout of an instance; the archive's place is a free choice.
    @Test
    void directories_splitTheStorage() {
        assertThat(server.directories())
                .extracting(Directory::name, Directory::purpose)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("config", Directory.Purpose.CONFIG),
                        org.assertj.core.groups.Tuple.tuple("log", Directory.Purpose.LOG),
                        org.assertj.core.groups.Tuple.tuple("data", Directory.Purpose.DATA),
                        org.assertj.core.groups.Tuple.tuple("archive", Directory.Purpose.DATA));
        DataSize data = server.directories().get(2).size().orElseThrow();
        DataSize archive = server.directories().get(3).size().orElseThrow();
        assertThat(data.plus(archive)).isEqualTo(request.resources().storage());
        // Operations guide: the archive gets about a fifth of the data disk.
        assertThat(archive).isEqualTo(DataSize.gib(10));
    }

    // Installation manual, layout: event logs are written to <INSTALL>/log.
    @Test
    void softwareDirectories_logsBesideTheBinaries() {
        assertThat(server.softwareDirectories()).containsExactly(org.assertj.core.api.Assertions.entry("log", "log"));
    }

    // dminit manual, chapter on CONTROL: the file may hold every key, CONTROL is used alone, a single server is
    // allowed.
    @Test
    void dminit_readsAllFromAControlFile() {
        InitialiseStep step = server.initialise().get(0);
        assertThat(server.initialise()).hasSize(1);
        assertThat(text(step.command().argv())).containsExactly("dminit", "CONTROL=/srv/config/dminit.ini");
        assertThat(step.directory()).isEqualTo("data");
        assertThat(step.creates()).isEqualTo("DAMENG/dm.ini");
        assertThat(step.identityFree()).isFalse();
        FileSpec ini = step.inputs().get(0);
        assertThat(ini.secret()).isTrue();
        assertThat(ini.mode()).isEqualTo(0600);
        assertThat(ini.directory()).isNotEqualTo(step.directory());
    }

    // dminit manual, output: the success text; the exit code is not documented.
    @Test
    void dminit_succeedsOnlyWithItsText() {
        assertThat(server.initialise().get(0).command().successText()).contains("create dm database success.");
    }

    // dminit manual, keys and bounds. LOG_SIZE 2048 lies in the bounds of old (64 to 2048) and new builds (256 to
    // 8192).
    // Operations guide: page 32, extent 32, redo 2,048 MB.
    @Test
    void dminitIni_holdsKeysOfTheManual() {
        FileSpec ini = server.initialise().get(0).inputs().get(0);
        assertThat(text(ini.content())).isEqualTo("""
                        [TORDERSORDE_1]
                        SYSTEM_PATH = /srv/data
                        DB_NAME = DAMENG
                        SYSTEM = /srv/data/DAMENG/SYSTEM.DBF
                        SYSTEM_SIZE = 128
                        MAIN = /srv/data/DAMENG/MAIN.DBF
                        MAIN_SIZE = 128
                        ROLL = /srv/data/DAMENG/ROLL.DBF
                        ROLL_SIZE = 128
                        CTL_PATH = /srv/data/DAMENG/dm.ctl
                        LOG_PATH = /srv/data/DAMENG/DAMENG01.log
                        LOG_PATH = /srv/data/DAMENG/DAMENG02.log
                        LOG_SIZE = 2048
                        PORT_NUM = 5236
                        PAGE_SIZE = 32
                        EXTENT_SIZE = 32
                        CASE_SENSITIVE = 1
                        CHARSET = 1
                        BLANK_PAD_MODE = 0
                        BUFFER = 2948
                        ARCH_FLAG = 1
                        AUTO_OVERWRITE = 1
                        SYSDBA_PWD = Canary_Dba_12345
                        SYSAUDITOR_PWD = Canary_Aud_12345
                        """);
    }

    // dminit manual, LOG_SIZE: 256 lies in the bounds of every build, and two files of 2 GB would fill a small disk.
    @Test
    void dminitIni_smallStorage_hasSmallRedo() {
        var small = request(Topology.single())
                .resources(Resources.of(1, DataSize.gib(4), DataSize.gib(10)))
                .build();
        MemberWorkload member = engine.workloads(small).get(0);
        assertThat(text(member.initialise().get(0).inputs().get(0).content())).contains("LOG_SIZE = 256\n");
    }

    // dminit manual, INSTANCE_NAME: at most 16 letters, digits, _ and $, no digit first.
    @Test
    void instanceName_fitsItsBounds() {
        assertThat(text(server.initialise().get(0).inputs().get(0).content())
                        .lines()
                        .findFirst())
                .hasValueSatisfying(line -> assertThat(line).matches("\\[[A-Z][A-Z0-9_]{0,15}]"));
    }

    // Data watch manual, dmarch.ini: ARCH_TYPE before ARCH_DEST; sizes in MB, file 64 to 2048, limit at least 1024.
    // Backup manual: ARCH_INI=1 and dmarch.ini are the offline way to switch the archive on.
    @Test
    void dmarchIni_isOneLocalArchive() {
        assertThat(file(server, "DAMENG/dmarch.ini")).isEqualTo("""
                        [ARCHIVE_LOCAL1]
                        ARCH_TYPE = LOCAL
                        ARCH_DEST = /srv/archive
                        ARCH_FILE_SIZE = 1024
                        ARCH_SPACE_LIMIT = 10240
                        """);
        assertThat(fileSpec(server, "DAMENG/dmarch.ini").onChange()).isEqualTo(FileSpec.OnChange.RESTART);
    }

    // System administrator's manual, starting: under a supervisor always with -noconsole.
    // disql manual: tools need LD_LIBRARY_PATH=<INSTALL>/bin.
    @Test
    void dmserver_runsInTheForeground() {
        ProcessSpec process = server.processes().get(0);
        assertThat(server.processes()).hasSize(1);
        assertThat(text(process.argv())).containsExactly("dmserver", "/srv/data/DAMENG/dm.ini", "-noconsole");
        assertThat(text(process.environment().get("LD_LIBRARY_PATH"))).isEqualTo("/dm8/bin");
        assertThat(process.restart()).isTrue();
    }

    // disql manual: /NOLOG, `script, CONN user/"password"@host:port. System administrator's manual: SHUTDOWN NORMAL.
    @Test
    void dmserver_isStoppedBySqlFromASecretFile() {
        Command stop = server.processes().get(0).stop().command().orElseThrow();
        assertThat(text(stop.argv())).containsExactly("disql", "/NOLOG", "`/srv/config/stop.sql");
        assertThat(fileSpec(server, "stop.sql").secret()).isTrue();
        assertThat(file(server, "stop.sql")).isEqualTo("""
                        CONN SYSDBA/"Canary_Dba_12345"@localhost:5236
                        SHUTDOWN NORMAL;
                        EXIT
                        """);
    }

    // Installation manual, ports: 5236; dmap's 4236 is not used, see BAK_USE_AP.
    @Test
    void ports_onlyTheClientPort() {
        assertThat(server.ports()).containsExactly(new Port("sql", OptionalInt.of(5236), Port.Exposure.CLIENTS));
        assertThat(server.ready()).isEqualTo(new Probe.PortOpen("sql"));
        assertThat(server.adminRoutes()).containsExactly(new AdminRoute.TcpPort("sql"));
    }

    // System administrator's manual, SP_SET_PARA_VALUE: scope 2 writes the file, legal for every type, read at the next
    // start.
    // Backup manual, BAK_USE_AP=2: backups run inside the server, without dmap.
    @Test
    void bootstrap_writesSettingsThroughTheServer() {
        List<BootstrapStep> steps = engine.bootstrap(request);
        assertThat(steps.stream().map(Dm8Requests::line))
                .containsExactly(
                        "start m-1: [dmserver, /srv/data/DAMENG/dm.ini, -noconsole]", "sql m-1: settings", "stop m-1");
        var statements = (BootstrapStep.Statements) steps.get(1);
        assertThat(text(statements.statements()))
                .contains("SP_SET_PARA_VALUE(2,'BUFFER',2948)", "SP_SET_PARA_VALUE(2,'BAK_USE_AP',2)")
                .allMatch(sql -> sql.matches("SP_SET_PARA_VALUE\\(2,'[A-Z_]+',\\d+\\)"))
                .noneMatch(sql -> sql.contains("MAL_INI"));
    }

    @Test
    void secrets_areInNoArgumentEnvironmentOrText() {
        String all = server.toString()
                + engine.bootstrap(request).stream()
                        .map(BootstrapStep::toString)
                        .toList();
        assertThat(all).doesNotContain("Canary");
        assertThat(engine.bootstrap(request).stream().map(step -> line(step)))
                .noneMatch(line -> line.contains("Canary"));
    }
}

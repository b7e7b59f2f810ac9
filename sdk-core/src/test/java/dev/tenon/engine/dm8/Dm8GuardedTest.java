package dev.tenon.engine.dm8;

import static dev.tenon.engine.dm8.Dm8Requests.file;
import static dev.tenon.engine.dm8.Dm8Requests.fileSpec;
import static dev.tenon.engine.dm8.Dm8Requests.member;
import static dev.tenon.engine.dm8.Dm8Requests.request;
import static dev.tenon.engine.dm8.Dm8Requests.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Topology;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Port.Exposure;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A guarded primary with standbys (数据守护), each piece with the manual it rests on. */
class Dm8GuardedTest {
    private final Dm8Engine engine = new Dm8Engine();
    private final EngineRequest request = request(Topology.primaryStandby(1)).build();
    private final List<MemberWorkload> members = engine.workloads(request);
    private final MemberWorkload primary = member(members, "m-1");
    private final MemberWorkload standby = member(members, "m-2");
    private final MemberWorkload monitor = member(members, "monitor");

    // Data watch manual, automatic fail-over: exactly one confirm monitor, on a machine of neither database.
    @Test
    void group_hasItsMonitorOnAThirdHost() {
        assertThat(members).extracting(m -> m.ref().member()).containsExactly("m-1", "m-2", "monitor");
        assertThat(primary.placement().apartFrom()).containsExactlyInAnyOrder("m-2", "monitor");
        assertThat(standby.placement().apartFrom()).containsExactlyInAnyOrder("m-1", "monitor");
        assertThat(monitor.placement().apartFrom()).containsExactlyInAnyOrder("m-1", "m-2");
    }

    // Data watch manual, start order: databases in mount state, watchers, then the monitor, which also stops first.
    @Test
    void startOrder_monitorLast() {
        assertThat(members).extracting(MemberWorkload::startOrder).containsExactly(0, 0, 1);
        assertThat(primary.processes()).extracting(ProcessSpec::name).containsExactly("dmserver", "dmwatcher");
    }

    // Data watch manual, build steps: a guarded server is started into mount state; its watcher opens it.
    @Test
    void dmserver_startsIntoMountState() {
        assertThat(text(primary.processes().get(0).argv()))
                .containsExactly("dmserver", "/srv/data/DAMENG/dm.ini", "mount", "-noconsole");
    }

    // Data watch manual names only the service; several public write-ups start it with its file as the only argument.
    @Test
    void dmwatcher_readsItsFile() {
        assertThat(text(primary.processes().get(1).argv()))
                .containsExactly("dmwatcher", "/srv/data/DAMENG/dmwatcher.ini");
    }

    // Data watch manual, worked example's ports.
    @Test
    void ports_onlySqlIsForClients() {
        assertThat(primary.ports())
                .containsExactly(
                        new Port("sql", OptionalInt.of(5236), Exposure.CLIENTS),
                        new Port("mal", OptionalInt.of(5336), Exposure.MEMBERS),
                        new Port("watcher", OptionalInt.of(5436), Exposure.MEMBERS),
                        new Port("inst-watcher", OptionalInt.of(5536), Exposure.MEMBERS));
    }

    // Data watch manual, dmmal.ini: byte-identical on all members.
    @Test
    void dmmalIni_isTheSameOnEveryMember() {
        assertThat(file(primary, "DAMENG/dmmal.ini")).isEqualTo("""
                        MAL_CHECK_INTERVAL = 10
                        MAL_CONN_FAIL_INTERVAL = 10
                        [MAL_INST1]
                        MAL_INST_NAME = TORDERSORDE_1
                        MAL_HOST = m-1.test
                        MAL_PORT = 5336
                        MAL_INST_HOST = m-1.test
                        MAL_INST_PORT = 5236
                        MAL_DW_PORT = 5436
                        MAL_INST_DW_PORT = 5536
                        [MAL_INST2]
                        MAL_INST_NAME = TORDERSORDE_2
                        MAL_HOST = m-2.test
                        MAL_PORT = 5336
                        MAL_INST_HOST = m-2.test
                        MAL_INST_PORT = 5236
                        MAL_DW_PORT = 5436
                        MAL_INST_DW_PORT = 5536
                        """);
        assertThat(fileSpec(standby, "DAMENG/dmmal.ini")).isEqualTo(fileSpec(primary, "DAMENG/dmmal.ini"));
    }

    // Data watch manual, dmarch.ini: one REALTIME section per other node on every node, named by the peer's instance
    // name.
    @Test
    void dmarchIni_shipsToEveryOther() {
        assertThat(file(primary, "DAMENG/dmarch.ini")).isEqualTo("""
                        ARCH_WAIT_APPLY = 0
                        [ARCHIVE_REALTIME1]
                        ARCH_TYPE = REALTIME
                        ARCH_DEST = TORDERSORDE_2
                        [ARCHIVE_LOCAL1]
                        ARCH_TYPE = LOCAL
                        ARCH_DEST = /srv/archive
                        ARCH_FILE_SIZE = 1024
                        ARCH_SPACE_LIMIT = 10240
                        """);
        List<MemberWorkload> nine =
                engine.workloads(request(Topology.primaryStandby(8)).build());
        assertThat(nine).hasSize(10);
        assertThat(file(member(nine, "m-9"), "DAMENG/dmarch.ini"))
                .contains("[ARCHIVE_REALTIME8]")
                .doesNotContain("ARCH_DEST = TORDERSORDE_9\n");
    }

    // Data watch manual, dmwatcher.ini. Restart is left to the place: INST_AUTO_RESTART 0 is the documented default,
    // and a
    // failed member may be started by hand into mount state.
    @Test
    void dmwatcherIni_watchesGloballyAndAutomatically() {
        assertThat(file(primary, "DAMENG/dmwatcher.ini")).isEqualTo("""
                        [GRP1]
                        DW_TYPE = GLOBAL
                        DW_MODE = AUTO
                        DW_ERROR_TIME = 20
                        INST_ERROR_TIME = 20
                        INST_RECOVER_TIME = 60
                        INST_OGUID = %s
                        INST_INI = /srv/data/DAMENG/dm.ini
                        INST_AUTO_RESTART = 0
                        INST_STARTUP_CMD = /dm8/bin/dmserver
                        RLOG_SEND_THRESHOLD = 0
                        RLOG_APPLY_THRESHOLD = 0
                        """.formatted(oguid(request)));
    }

    // Data watch manual, dmmonitor.ini: MON_DW_IP is MAL_HOST:MAL_DW_PORT, one line per node; the confirm monitor says
    // so.
    @Test
    void dmmonitorIni_confirmsAndKnowsEveryWatcher() {
        assertThat(file(monitor, "dmmonitor.ini")).isEqualTo("""
                        MON_DW_CONFIRM = 1
                        MON_LOG_PATH = /srv/log
                        MON_LOG_INTERVAL = 60
                        MON_LOG_FILE_SIZE = 64
                        MON_LOG_SPACE_LIMIT = 512
                        [GRP1]
                        MON_INST_OGUID = %s
                        MON_DW_IP = m-1.test:5436
                        MON_DW_IP = m-2.test:5436
                        """.formatted(oguid(request)));
    }

    // Operations guide, starting the monitor in the foreground: its file as the only argument.
    @Test
    void monitor_isAMemberWithoutDatabase() {
        assertThat(text(monitor.processes().get(0).argv())).containsExactly("dmmonitor", "/srv/config/dmmonitor.ini");
        assertThat(monitor.initialise()).isEmpty();
        assertThat(monitor.ports()).isEmpty();
        assertThat(monitor.adminRoutes()).isEmpty();
        assertThat(monitor.ready()).isEqualTo(new Probe.Running());
        assertThat(monitor.files()).noneMatch(FileSpec::secret);
    }

    // Data watch manual, OGUID: 0 to 2147483647, one per group, equal in every file and statement.
    @Test
    void oguid_isTheGroupsOwn() {
        EngineRequest other = request(Topology.primaryStandby(1))
                .instance(new InstanceId("i-ordersordersordersos"))
                .build();
        assertThat(Long.parseLong(oguid(request))).isBetween(0L, 2147483647L);
        assertThat(oguid(other)).isNotEqualTo(oguid(request));
    }

    // Data watch manual, build order 1 to 7, and backup manual, dmrman: restore, new magic; the standby is never a
    // second
    // dminit, and an offline set needs no RECOVER FROM BACKUPSET.
    @Test
    void bootstrap_clonesTheStandbyAndSetsTheModes() {
        assertThat(engine.bootstrap(request).stream().map(Dm8Requests::line))
                .containsExactly(
                        "start m-1: [dmserver, /srv/data/DAMENG/dm.ini, -noconsole]",
                        "sql m-1: settings",
                        "stop m-1",
                        "run m-1: [dmrman, CTLSTMT=BACKUP DATABASE '/srv/data/DAMENG/dm.ini' FULL BACKUPSET"
                                + " '/srv/data/clone', USE_AP=2]",
                        "prepare m-2",
                        "copy m-1:data/clone to [m-2]",
                        "run m-2: [dmrman, CTLSTMT=RESTORE DATABASE '/srv/data/DAMENG/dm.ini' FROM BACKUPSET"
                                + " '/srv/data/clone', USE_AP=2]",
                        "run m-2: [dmrman, CTLSTMT=RECOVER DATABASE '/srv/data/DAMENG/dm.ini' UPDATE DB_MAGIC, USE_AP=2]",
                        "delete m-1:data/clone",
                        "delete m-2:data/clone",
                        "start m-2: [dmserver, /srv/data/DAMENG/dm.ini, mount, -noconsole]",
                        "sql m-2: settings",
                        "stop m-2",
                        "start m-1: [dmserver, /srv/data/DAMENG/dm.ini, mount, -noconsole]",
                        "start m-2: [dmserver, /srv/data/DAMENG/dm.ini, mount, -noconsole]",
                        "sql m-1: mode",
                        "sql m-2: mode");
    }

    // Data watch manual, shared ground: these four statements in this order, in mount state.
    @Test
    void bootstrap_modeStatements_areTheManualsFour() {
        assertThat(statements("m-1", "mode"))
                .containsExactly(
                        "SP_SET_PARA_VALUE(1,'ALTER_MODE_STATUS',1)",
                        "SP_SET_OGUID(" + oguid(request) + ")",
                        "ALTER DATABASE PRIMARY",
                        "SP_SET_PARA_VALUE(1,'ALTER_MODE_STATUS',0)");
        assertThat(statements("m-2", "mode"))
                .contains("ALTER DATABASE STANDBY")
                .doesNotContain("ALTER DATABASE PRIMARY");
    }

    // Data watch manual, dm.ini keys for clusters; operations guide: written with SP_SET_PARA_VALUE(2, …).
    @Test
    void bootstrap_settings_areTheGroupsKeys() {
        for (String member : List.of("m-1", "m-2")) {
            assertThat(statements(member, "settings"))
                    .contains(
                            "SP_SET_PARA_VALUE(2,'MAL_INI',1)",
                            "SP_SET_PARA_VALUE(2,'ARCH_INI',1)",
                            "SP_SET_PARA_VALUE(2,'DW_INACTIVE_INTERVAL',60)",
                            "SP_SET_PARA_VALUE(2,'ENABLE_OFFLINE_TS',2)",
                            "SP_SET_PARA_VALUE(2,'RLOG_SEND_APPLY_MON',64)");
        }
    }

    // Data watch manual: until joined, no other node is shipped to and nothing listens for it. dminit manual: MAL_FLAG
    // and
    // ARCH_FLAG preset MAL_INI and ARCH_INI, which a standby needs at its very first start.
    @Test
    void bootstrap_firstStart_knowsNoGroupYet() {
        var start = (BootstrapStep.Start) engine.bootstrap(request).get(0);
        assertThat(start.workload().files())
                .extracting(FileSpec::path)
                .containsExactly("stop.sql", "DAMENG/dmarch.ini");
        assertThat(file(start.workload(), "DAMENG/dmarch.ini")).doesNotContain("REALTIME");
        assertThat(dminitIni(primary)).contains("ARCH_FLAG = 1").doesNotContain("MAL_FLAG");
        assertThat(dminitIni(standby)).contains("ARCH_FLAG = 1", "MAL_FLAG = 1");
    }

    // Backup manual, restore: the target's fixed parameters must equal the source's.
    @Test
    void dminit_fixedParameters_areEqualOnAllMembers() {
        for (String key :
                List.of("PAGE_SIZE", "EXTENT_SIZE", "CASE_SENSITIVE", "CHARSET", "BLANK_PAD_MODE", "DB_NAME")) {
            assertThat(value(dminitIni(standby), key)).isEqualTo(value(dminitIni(primary), key));
        }
    }

    private List<String> statements(String member, String name) {
        return engine.bootstrap(request).stream()
                .filter(step -> step instanceof BootstrapStep.Statements)
                .map(step -> (BootstrapStep.Statements) step)
                .filter(step -> step.member().equals(member) && step.name().equals(name))
                .flatMap(step -> text(step.statements()).stream())
                .toList();
    }

    private static String dminitIni(MemberWorkload member) {
        return text(member.initialise().get(0).inputs().get(0).content());
    }

    private static String value(String ini, String key) {
        return ini.lines()
                .filter(line -> line.startsWith(key + " = "))
                .findFirst()
                .orElseThrow();
    }

    private String oguid(EngineRequest of) {
        return value(file(member(engine.workloads(of), "m-1"), "DAMENG/dmwatcher.ini"), "INST_OGUID")
                .substring("INST_OGUID = ".length());
    }
}

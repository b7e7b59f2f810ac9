package dev.tenon.engine.dm8;

import static dev.tenon.engine.dm8.Dm8Group.GROUP_NAME;

import dev.tenon.api.Secret;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.DirectoryPath;
import dev.tenon.spi.workload.Template.PeerAddress;
import dev.tenon.spi.workload.Template.PeerPort;
import dev.tenon.spi.workload.Template.PortNumber;
import dev.tenon.spi.workload.Template.SoftwareHome;
import java.util.ArrayList;
import java.util.List;

/** The texts of the files DM8 reads. Keys and sections as the manuals print them. */
final class Dm8Files {
    private Dm8Files() {}

    /** What {@code dminit CONTROL=} reads; the one form of dminit that does not show the passwords in its arguments. */
    static Template dminit(Dm8Group group, String member, List<String> flags) {
        String data = "/" + Dm8Group.DB_NAME;
        var ini = new Ini();
        ini.line("[" + group.instanceName(member) + "]");
        ini.put("SYSTEM_PATH", new DirectoryPath(Dm8Group.DATA));
        ini.put("DB_NAME", Dm8Group.DB_NAME);
        // Unless named, dminit puts these into its working directory when it runs from a control file.
        ini.put("SYSTEM", new DirectoryPath(Dm8Group.DATA), data + "/SYSTEM.DBF");
        ini.put("SYSTEM_SIZE", "128");
        ini.put("MAIN", new DirectoryPath(Dm8Group.DATA), data + "/MAIN.DBF");
        ini.put("MAIN_SIZE", "128");
        ini.put("ROLL", new DirectoryPath(Dm8Group.DATA), data + "/ROLL.DBF");
        ini.put("ROLL_SIZE", "128");
        ini.put("CTL_PATH", new DirectoryPath(Dm8Group.DATA), data + "/dm.ctl");
        ini.put("LOG_PATH", new DirectoryPath(Dm8Group.DATA), data + "/" + Dm8Group.DB_NAME + "01.log");
        ini.put("LOG_PATH", new DirectoryPath(Dm8Group.DATA), data + "/" + Dm8Group.DB_NAME + "02.log");
        ini.put("LOG_SIZE", Integer.toString(group.redoMib()));
        ini.put("PORT_NUM", new PortNumber(Dm8Group.SQL));
        ini.put("PAGE_SIZE", "32");
        ini.put("EXTENT_SIZE", "32");
        ini.put("CASE_SENSITIVE", "1");
        ini.put("CHARSET", "1");
        ini.put("BLANK_PAD_MODE", "0");
        ini.put("BUFFER", Dm8Sizing.value(group.sizing(), "BUFFER"));
        flags.forEach(flag -> ini.put(flag, "1"));
        ini.put("AUTO_OVERWRITE", "1");
        ini.secret("SYSDBA_PWD", group.passwords().sysdba());
        ini.secret("SYSAUDITOR_PWD", group.passwords().sysauditor());
        return ini.template();
    }

    /** The local archive, and one real-time archive to every other database of the group. */
    static Template dmarch(Dm8Group group, String member, boolean joined) {
        var ini = new Ini();
        if (joined && group.guarded()) {
            ini.put("ARCH_WAIT_APPLY", "0");
            int n = 0;
            for (String other : group.databases()) {
                if (!other.equals(member)) {
                    ini.line("[ARCHIVE_REALTIME" + ++n + "]");
                    ini.put("ARCH_TYPE", "REALTIME");
                    ini.put("ARCH_DEST", group.instanceName(other));
                }
            }
        }
        ini.line("[ARCHIVE_LOCAL1]");
        ini.put("ARCH_TYPE", "LOCAL");
        ini.put("ARCH_DEST", new DirectoryPath(Dm8Group.ARCHIVE));
        ini.put("ARCH_FILE_SIZE", Long.toString(Math.min(1024, group.archiveMib() / 8)));
        ini.put("ARCH_SPACE_LIMIT", Long.toString(group.archiveMib()));
        return ini.template();
    }

    /** The same on every database, byte for byte. */
    static Template dmmal(Dm8Group group) {
        var ini = new Ini();
        ini.put("MAL_CHECK_INTERVAL", "10");
        ini.put("MAL_CONN_FAIL_INTERVAL", "10");
        int n = 0;
        for (String member : group.databases()) {
            ini.line("[MAL_INST" + ++n + "]");
            ini.put("MAL_INST_NAME", group.instanceName(member));
            ini.put("MAL_HOST", new PeerAddress(member));
            ini.put("MAL_PORT", new PeerPort(member, Dm8Group.MAL));
            ini.put("MAL_INST_HOST", new PeerAddress(member));
            ini.put("MAL_INST_PORT", new PeerPort(member, Dm8Group.SQL));
            ini.put("MAL_DW_PORT", new PeerPort(member, Dm8Group.WATCHER));
            ini.put("MAL_INST_DW_PORT", new PeerPort(member, Dm8Group.INSTANCE_WATCHER));
        }
        return ini.template();
    }

    static Template dmwatcher(Dm8Group group) {
        var ini = new Ini();
        ini.line("[" + GROUP_NAME + "]");
        ini.put("DW_TYPE", "GLOBAL");
        ini.put("DW_MODE", "AUTO");
        ini.put("DW_ERROR_TIME", "20");
        ini.put("INST_ERROR_TIME", "20");
        ini.put("INST_RECOVER_TIME", "60");
        ini.put("INST_OGUID", Integer.toString(group.oguid()));
        ini.put("INST_INI", new DirectoryPath(Dm8Group.DATA), "/" + Dm8Group.DM_INI);
        // The place restarts dmserver: in a container the watcher could not, and two that restart would race.
        ini.put("INST_AUTO_RESTART", "0");
        ini.put("INST_STARTUP_CMD", new SoftwareHome(), "/bin/dmserver");
        ini.put("RLOG_SEND_THRESHOLD", "0");
        ini.put("RLOG_APPLY_THRESHOLD", "0");
        return ini.template();
    }

    static Template dmmonitor(Dm8Group group) {
        var ini = new Ini();
        ini.put("MON_DW_CONFIRM", "1");
        ini.put("MON_LOG_PATH", new DirectoryPath(Dm8Group.LOG));
        ini.put("MON_LOG_INTERVAL", "60");
        ini.put("MON_LOG_FILE_SIZE", "64");
        ini.put("MON_LOG_SPACE_LIMIT", "512");
        ini.line("[" + GROUP_NAME + "]");
        ini.put("MON_INST_OGUID", Integer.toString(group.oguid()));
        for (String member : group.databases()) {
            ini.put("MON_DW_IP", new PeerAddress(member), ":", new PeerPort(member, Dm8Group.WATCHER));
        }
        return ini.template();
    }

    /** What disql runs to stop the server: a file, so that the password is in no argument. */
    static Template stopSql(Dm8Group group) {
        return group.passwords()
                .sysdba()
                .reveal(text -> Template.of(
                        "CONN SYSDBA/\"" + text + "\"@localhost:",
                        new PortNumber(Dm8Group.SQL),
                        "\nSHUTDOWN NORMAL;\nEXIT\n"));
    }

    /** Collects {@code NAME = value} lines whose values may have holes. */
    private static final class Ini {
        private final List<Object> pieces = new ArrayList<>();

        void line(String text) {
            pieces.add(text + "\n");
        }

        void put(String name, Object... value) {
            pieces.add(name + " = ");
            pieces.addAll(List.of(value));
            pieces.add("\n");
        }

        void secret(String name, Secret value) {
            pieces.add(value.reveal(text -> name + " = " + text + "\n"));
        }

        Template template() {
            return Template.of(pieces.toArray());
        }
    }
}

package dev.tenon.engine.dm8;

import dev.tenon.engine.dm8.Dm8Group.Stage;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.DirectoryPath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How fresh members become an instance: the settings that only a running server can write into its dm.ini, and the standbys,
 * which must be restored from the primary's backup, never initialised beside it.
 */
final class Dm8Bootstrap {
    /** The primary's backup on its way, below {@link Dm8Group#DATA}. */
    private static final String CLONE = "clone";

    private Dm8Bootstrap() {}

    static List<BootstrapStep> steps(Dm8Group group) {
        var steps = new ArrayList<BootstrapStep>();
        String first = group.databases().get(0);
        // A new database cannot be started into mount state before it was started and stopped once.
        steps.add(new BootstrapStep.Start("first start", group.database(first, Stage.ALONE)));
        steps.add(new BootstrapStep.Statements("settings", first, settings(group)));
        steps.add(new BootstrapStep.Stop("stop after settings", first));
        if (group.guarded()) {
            cloneStandbys(group, first, steps);
            guard(group, first, steps);
        }
        return List.copyOf(steps);
    }

    private static void cloneStandbys(Dm8Group group, String first, List<BootstrapStep> steps) {
        steps.add(new BootstrapStep.Run("back up", first, dmrman("BACKUP DATABASE ", " FULL BACKUPSET ", true)));
        for (String standby : group.standbys()) {
            // dminit here only makes dm.ini and the directories; the restore overwrites the database.
            steps.add(new BootstrapStep.Prepare("initialise", group.database(standby, Stage.ALONE)));
        }
        steps.add(new BootstrapStep.Copy("copy the backup", first, Dm8Group.DATA, CLONE, group.standbys()));
        for (String standby : group.standbys()) {
            steps.add(new BootstrapStep.Run("restore", standby, dmrman("RESTORE DATABASE ", " FROM BACKUPSET ", true)));
            // The set was taken from a stopped server, so that there is no log to replay from it.
            steps.add(new BootstrapStep.Run(
                    "new database magic", standby, dmrman("RECOVER DATABASE ", " UPDATE DB_MAGIC", false)));
        }
        for (String member : group.databases()) {
            steps.add(new BootstrapStep.Delete("delete the backup", member, Dm8Group.DATA, CLONE));
        }
    }

    private static void guard(Dm8Group group, String first, List<BootstrapStep> steps) {
        for (String standby : group.standbys()) {
            steps.add(new BootstrapStep.Start("first start", group.database(standby, Stage.MOUNTED)));
            steps.add(new BootstrapStep.Statements("settings", standby, settings(group)));
            steps.add(new BootstrapStep.Stop("stop after settings", standby));
        }
        for (String member : group.databases()) {
            steps.add(new BootstrapStep.Start("start into mount state", group.database(member, Stage.MOUNTED)));
        }
        for (String member : group.databases()) {
            steps.add(new BootstrapStep.Statements(
                    "mode",
                    member,
                    List.of(
                            Template.text("SP_SET_PARA_VALUE(1,'ALTER_MODE_STATUS',1)"),
                            Template.text("SP_SET_OGUID(" + group.oguid() + ")"),
                            Template.text("ALTER DATABASE " + (member.equals(first) ? "PRIMARY" : "STANDBY")),
                            Template.text("SP_SET_PARA_VALUE(1,'ALTER_MODE_STATUS',0)"))));
        }
    }

    /** Scope 2 writes the file only: the one scope that static parameters allow. */
    private static List<Template> settings(Dm8Group group) {
        var statements = new ArrayList<Template>();
        group.sizing().settings().forEach(setting -> statements.add(inFile(setting.name(), setting.value())));
        // Backups run inside the server, without the helper process dmap, which a member does not have.
        statements.add(inFile("BAK_USE_AP", "2"));
        if (group.guarded()) {
            statements.add(inFile("MAL_INI", "1"));
            statements.add(inFile("ARCH_INI", "1"));
            statements.add(inFile("DW_INACTIVE_INTERVAL", "60"));
            statements.add(inFile("ENABLE_OFFLINE_TS", "2"));
            statements.add(inFile("RLOG_SEND_APPLY_MON", "64"));
        }
        return statements;
    }

    private static Template inFile(String name, String value) {
        return Template.text("SP_SET_PARA_VALUE(2,'" + name + "'," + value + ")");
    }

    private static Command dmrman(String before, String after, boolean withSet) {
        var pieces = new ArrayList<Object>(List.of("CTLSTMT=" + before + "'"));
        pieces.add(new DirectoryPath(Dm8Group.DATA));
        pieces.add("/" + Dm8Group.DM_INI + "'" + after);
        if (withSet) {
            pieces.add("'");
            pieces.add(new DirectoryPath(Dm8Group.DATA));
            pieces.add("/" + CLONE + "'");
        }
        return new Command(
                List.of(Template.text("dmrman"), Template.of(pieces.toArray()), Template.text("USE_AP=2")),
                Dm8Group.environment(),
                Optional.empty(),
                Duration.ofHours(1));
    }
}

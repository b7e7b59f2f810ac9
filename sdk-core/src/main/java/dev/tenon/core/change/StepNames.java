package dev.tenon.core.change;

import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationView.StepState;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The steps of each kind of operation, as data: their names are stored in the journal. */
public final class StepNames {
    /** Directories, ports, software, initialisation, files. */
    public static final String PREPARE = "prepare";
    /** Processes run and are ready. */
    public static final String START = "start";
    /** Processes are gone. */
    public static final String STOP = "stop";
    /** The member that hangs is gone, unless it answers after all. */
    public static final String KILL_HUNG = "kill-hung";
    /** The first database and its owner exist. */
    public static final String HAND_OVER = "hand-over";
    /** The names of new members are kept, before anything of them is made. */
    public static final String MEMBERS = "members";
    /** All standbys follow the primary; what cannot follow any more is copied anew. */
    public static final String JOIN = "join";
    /** Commits wait for the standbys as the durability says; members that are none any more are gone. */
    public static final String SYNC = "sync";
    /** All members were restarted with what they shall have, the primary by changing places with a standby. */
    public static final String ROLL = "roll";
    /** As {@link #ROLL}, but the primary was restarted where it is, before the standbys. */
    public static final String ROLL_DOWN = "roll-down";
    /** Primary and standby have changed places. */
    public static final String SWITCH = "switch";
    /** A standby leads, whatever of the old primary's log is lost with it. */
    public static final String FAIL_OVER = "fail-over";
    /** What is known of the running server is taken over; no effect outside. */
    public static final String PUBLISH = "publish";
    /** Processor, memory and storage limits are as wanted. */
    public static final String LIMITS = "limits";
    /** Files are as wanted and reloaded. */
    public static final String FILES = "files";
    /** The document is all there is to change. */
    public static final String RECORD = "record";
    /** Data is kept, everything that runs or limits is gone. */
    public static final String RECYCLE = "recycle";
    /** Nothing is left. */
    public static final String DESTROY = "destroy";
    /** An account is as wanted. */
    public static final String ACCOUNT = "account";
    /** A database is as wanted. */
    public static final String DATABASE = "database";

    private static final Map<String, String> TEXTS = Map.ofEntries(
            Map.entry(PREPARE, "directories, ports, software, initialisation and files"),
            Map.entry(START, "start the processes and wait until they are ready"),
            Map.entry(STOP, "stop the processes"),
            Map.entry(KILL_HUNG, "kill the processes that do not answer"),
            Map.entry(HAND_OVER, "make the first database and its owner, close what tenants must not reach"),
            Map.entry(MEMBERS, "keep the new member's name"),
            Map.entry(JOIN, "copy and start the standbys until they follow the primary"),
            Map.entry(SYNC, "let commits wait for the standbys as asked"),
            Map.entry(
                    ROLL,
                    "restart the standbys one after the other, then let one take the primary's place and restart it"),
            Map.entry(ROLL_DOWN, "restart the primary where it is, then the standbys one after the other"),
            Map.entry(SWITCH, "stop the primary, let the standby take its place and the primary follow it"),
            Map.entry(FAIL_OVER, "let standbys stop receiving from the lost primary, and promote one"),
            Map.entry(PUBLISH, "publish the endpoint"),
            Map.entry(LIMITS, "change processor, memory and storage limits"),
            Map.entry(FILES, "write the configuration and reload it"),
            Map.entry(RECORD, "record the change"),
            Map.entry(RECYCLE, "put the data into the recycle bin"),
            Map.entry(DESTROY, "remove processes, data and ports for good"),
            Map.entry(ACCOUNT, "change the account"),
            Map.entry(DATABASE, "change the database"));

    private StepNames() {}

    /** Returns what a step does, for people. */
    public static String text(String step) {
        return TEXTS.getOrDefault(step, step);
    }

    /** Returns the same steps for an instance with standbys: whoever starts the primary lets them follow. */
    public static List<String> withStandbys(List<String> steps) {
        int at = steps.indexOf(PUBLISH);
        if (at < 0 || !steps.contains(START)) {
            return steps;
        }
        List<String> all = new ArrayList<>(steps);
        all.addAll(at, List.of(JOIN, SYNC));
        return all;
    }

    /**
     * Returns the steps that restart the members of a running instance with standbys.
     *
     * @param down whether standbys get less of something of which they need as much as their primary
     */
    public static List<String> rolling(boolean down) {
        return List.of(down ? ROLL_DOWN : ROLL, SYNC, PUBLISH);
    }

    /** Returns whether these are steps that restart the members of an instance one after the other. */
    public static boolean rolls(List<String> steps) {
        return steps.contains(ROLL) || steps.contains(ROLL_DOWN);
    }

    /** Returns the steps of a kind where they depend on nothing but the phase. */
    public static List<String> of(OperationKind kind, Phase phase, boolean purge) {
        return switch (kind) {
            case CREATE -> List.of(PREPARE, START, HAND_OVER, PUBLISH);
            case START, UNFREEZE -> List.of(PREPARE, START, PUBLISH);
            case STOP, FREEZE -> List.of(STOP);
            case RESTART -> List.of(STOP, PREPARE, START, PUBLISH);
            case RESIZE -> phase.running() ? List.of(LIMITS, FILES, PUBLISH) : List.of(LIMITS, FILES);
            case UPDATE -> List.of(RECORD);
            case ACCESS -> List.of(FILES);
            case PARAMETERS -> phase.running() ? List.of(FILES, PUBLISH) : List.of(FILES);
            case DELETE -> purge ? List.of(DESTROY) : List.of(STOP, RECYCLE);
            case RECOVER -> phase.running() ? List.of(PREPARE, START, PUBLISH) : List.of(PREPARE);
            case PURGE -> List.of(DESTROY);
            case ACCOUNT_CREATE, ACCOUNT_GRANT, ACCOUNT_PASSWORD, ACCOUNT_DROP -> List.of(ACCOUNT);
            case DATABASE_CREATE, DATABASE_DROP -> List.of(DATABASE);
            case STANDBY_ADD -> List.of(MEMBERS, JOIN, SYNC, PUBLISH);
            case STANDBY_REMOVE -> List.of(SYNC, PUBLISH);
            case STANDBY_REBUILD -> List.of(JOIN, SYNC, PUBLISH);
            case SWITCHOVER -> List.of(SWITCH, JOIN, SYNC, PUBLISH);
            case FAILOVER -> List.of(FAIL_OVER, PUBLISH);
            case HEAL -> phase.running() ? List.of(LIMITS, PREPARE, START, PUBLISH) : List.of(STOP);
        };
    }

    /** Returns whether data may be gone already, so that only going on makes sense: neither a cancel nor a failure leads back. */
    public static boolean destroying(OperationDoc operation) {
        return operation.steps().stream()
                .anyMatch(step -> step.name().equals(DESTROY) && step.state() != StepState.PENDING);
    }
}

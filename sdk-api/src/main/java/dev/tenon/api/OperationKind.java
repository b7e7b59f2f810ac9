package dev.tenon.api;

/** What an operation does. */
public enum OperationKind {
    /** Makes an instance. */
    CREATE,
    /** Starts it. */
    START,
    /** Stops it. */
    STOP,
    /** Stops and starts it. */
    RESTART,
    /** Stops it for as long as it is frozen. */
    FREEZE,
    /** Ends the freeze. */
    UNFREEZE,
    /** Changes its size. */
    RESIZE,
    /** Changes tags, texts and protection. */
    UPDATE,
    /** Changes the whitelist. */
    ACCESS,
    /** Changes engine parameters. */
    PARAMETERS,
    /** Puts it into the recycle bin. */
    DELETE,
    /** Takes it back. */
    RECOVER,
    /** Removes it for good. */
    PURGE,
    /** Creates an account in it. */
    ACCOUNT_CREATE,
    /** Changes an account's privileges. */
    ACCOUNT_GRANT,
    /** Changes an account's password. */
    ACCOUNT_PASSWORD,
    /** Drops an account. */
    ACCOUNT_DROP,
    /** Creates a database in it. */
    DATABASE_CREATE,
    /** Drops a database. */
    DATABASE_DROP,
    /** Gives it one standby more. */
    STANDBY_ADD,
    /** Takes a standby away. */
    STANDBY_REMOVE,
    /** Makes a standby anew. */
    STANDBY_REBUILD,
    /** Makes a standby the primary. */
    SWITCHOVER,
    /** Makes a standby the primary although something may be lost. */
    FAILOVER,
    /** Brings it back to what it shall be; started by the control plane itself. */
    HEAL;

    static OperationKind of(Change change) {
        if (change instanceof Change.Create) {
            return CREATE;
        } else if (change instanceof Change.Start) {
            return START;
        } else if (change instanceof Change.Stop) {
            return STOP;
        } else if (change instanceof Change.Restart) {
            return RESTART;
        } else if (change instanceof Change.Freeze) {
            return FREEZE;
        } else if (change instanceof Change.Unfreeze) {
            return UNFREEZE;
        } else if (change instanceof Change.Resize) {
            return RESIZE;
        } else if (change instanceof Change.Update) {
            return UPDATE;
        } else if (change instanceof Change.Access) {
            return ACCESS;
        } else if (change instanceof Change.Parameters) {
            return PARAMETERS;
        } else if (change instanceof Change.Delete) {
            return DELETE;
        } else if (change instanceof Change.Recover) {
            return RECOVER;
        } else if (change instanceof Change.AddStandby) {
            return STANDBY_ADD;
        } else if (change instanceof Change.RemoveStandby) {
            return STANDBY_REMOVE;
        } else if (change instanceof Change.RebuildStandby) {
            return STANDBY_REBUILD;
        } else if (change instanceof Change.Switchover) {
            return SWITCHOVER;
        } else if (change instanceof Change.Failover) {
            return FAILOVER;
        } else {
            return PURGE;
        }
    }
}
